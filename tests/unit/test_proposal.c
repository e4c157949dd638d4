#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/proposal.h"

struct made { /* a proposal and what it was made from */
    struct sat_arena arena;
    struct sat_link link;
    struct sat_box boxes[2];
    char *text;
};

static void make(struct made *made, const char *name)
{
    *made = (struct made){.link = {.seq = 7, .author = 3, .type = 2, .critical = 1, .suite = 1}};
    sat_arena_init(&made->arena);
    made->link.body = sat_span_text("a body");
    sat_link_finish(&made->link, &made->arena);
    made->link.signatures[made->link.signatures_n++] = (struct sat_link_signature){.kind = 1, .number = 3};
    for (uint32_t i = 0; i < 2; i++) made->boxes[i] = (struct sat_box){.epoch = 4 + i, .kind = 1, .number = 9};
    made->text = client_proposal_text(&made->link, made->boxes, 2, name);
}

static void discard(struct made *made)
{
    free(made->text);
    sat_arena_deinit(&made->arena);
}

static enum sat_err parse(struct made *made, const char *text, struct client_proposal *out)
{
    struct sat_fault fault = {0};
    return client_proposal_parse(text, &made->arena, out, &fault);
}

static void a_proposal_is_read_back_as_it_was_made(void **state)
{
    (void)state;
    struct made made;
    struct client_proposal got;
    make(&made, "Zoë");
    assert_int_equal(strncmp(made.text, "satchel-cosign1", 15), 0);
    assert_null(strpbrk(made.text, " \n"));
    assert_int_equal(parse(&made, sat_arena_format(&made.arena, " %s\n", made.text), &got), SAT_OK);
    assert_string_equal(got.name, "Zoë");
    assert_int_equal(got.boxes_n, 2);
    assert_memory_equal(&got.boxes[1], &made.boxes[1], sizeof made.boxes[1]);
    assert_int_equal(got.link.signatures_n, 1);
    struct sat_hash id = sat_link_id(&made.link), again = sat_link_id(&got.link);
    assert_memory_equal(&id, &again, sizeof id);
    discard(&made);
    make(&made, NULL);
    assert_int_equal(parse(&made, made.text, &got), SAT_OK);
    assert_null(got.name);
    discard(&made);
}

static void every_cut_and_every_changed_sign_is_told(void **state)
{
    (void)state;
    struct made made;
    struct client_proposal got;
    make(&made, "Bob");
    size_t len = strlen(made.text);
    for (size_t i = 0; i < len; i++) {
        char sign = made.text[i];
        made.text[i] = '\0';
        assert_int_equal(parse(&made, made.text, &got), SAT_ERR_INVALID);
        made.text[i] = sign == 'A' ? 'B' : 'A';
        assert_int_equal(parse(&made, made.text, &got), SAT_ERR_INVALID);
        made.text[i] = sign;
    }
    discard(&made);
}

static void a_name_that_commands_a_terminal_is_none(void **state)
{
    (void)state;
    struct made made;
    struct client_proposal got;
    make(&made, "Bob\x1b[2J");
    assert_int_equal(parse(&made, made.text, &got), SAT_ERR_INVALID);
    discard(&made);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proposal_is_read_back_as_it_was_made),
        cmocka_unit_test(every_cut_and_every_changed_sign_is_told),
        cmocka_unit_test(a_name_that_commands_a_terminal_is_none),
    };
    return cmocka_run_group_tests_name("proposal", tests, NULL, NULL);
}
