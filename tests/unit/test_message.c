/* Every message of messages.def: what it holds goes through, at its bounds too, and nothing beyond them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/wire/message.h"
#include "common/wire/pack.h"

#define OK(call) assert_int_equal((call), SAT_OK)

/* ---- Filling, comparing: each field gets the value that `at` asks for ---- */

enum at { SMALLEST, LARGEST };

static uint8_t bytes_for_all[SAT_MESSAGE_BYTES_MAX];

static size_t length_for(enum at at, size_t bound)
{
    return at == SMALLEST ? 0 : bound;
}

static struct sat_list list_for(enum at at, uint32_t bound, struct sat_arena *arena)
{
    struct sat_list list = {NULL, at == SMALLEST ? 0 : bound};
    struct sat_span *items = sat_arena_array(arena, list.n, sizeof *items);
    for (uint32_t i = 0; i < list.n; i++) items[i] = sat_span(bytes_for_all, i % 40);
    list.at = items;
    return list;
}

static void assert_lists(struct sat_list a, struct sat_list b)
{
    assert_int_equal(a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++) assert_true(sat_span_equal(a.at[i], b.at[i]));
}

#define FILL_U64(field, bound) (field) = at == SMALLEST ? 0 : (bound);
#define FILL_BIN(field, bound) (field) = sat_span(bytes_for_all, length_for(at, bound));
#define FILL_TEXT(field, bound) (field) = sat_span(bytes_for_all, length_for(at, bound));
#define FILL_BYTES(field, bound) memset(field, at == SMALLEST ? 0 : 0xff, bound);
#define FILL_LIST(field, bound) (field) = list_for(at, bound, arena);

#define SAME_U64(a, b, bound) assert_true((a) == (b));
#define SAME_BIN(a, b, bound) assert_true(sat_span_equal(a, b));
#define SAME_TEXT(a, b, bound) assert_true(sat_span_equal(a, b));
#define SAME_BYTES(a, b, bound) assert_memory_equal(a, b, bound);
#define SAME_LIST(a, b, bound) assert_lists(a, b);

static const enum sat_message_type types[] = {
#define MESSAGE(NAME, number, sender) SAT_MESSAGE_##NAME,
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
};
enum { TYPES_N = sizeof types / sizeof types[0] };

static void fill(struct sat_message *message, enum sat_message_type type, enum at at, struct sat_arena *arena)
{
    (void)arena;
    *message = (struct sat_message){.type = type};
    switch (type) {
#define MESSAGE(NAME, number, sender) case SAT_MESSAGE_##NAME: {
#define FIELD(NAME, kind, field, bound) FILL_##kind(message->as.NAME.field, bound)
#define END(NAME)                                                                                                      \
    break;                                                                                                             \
    }
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
}

static void assert_same(const struct sat_message *a, const struct sat_message *b)
{
    assert_int_equal(a->type, b->type);
    switch (a->type) {
#define MESSAGE(NAME, number, sender) case SAT_MESSAGE_##NAME: {
#define FIELD(NAME, kind, field, bound) SAME_##kind(a->as.NAME.field, b->as.NAME.field, bound)
#define END(NAME)                                                                                                      \
    break;                                                                                                             \
    }
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    }
}

static int set_up(void **state)
{
    struct sat_arena *arena = calloc(1, sizeof *arena);
    assert_non_null(arena);
    sat_arena_init(arena);
    memset(bytes_for_all, 'x', sizeof bytes_for_all);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    sat_arena_deinit(*state);
    free(*state);
    return 0;
}

/* ---- Tests ---- */

static void every_message_goes_through_empty_and_at_its_bounds(void **state)
{
    struct sat_arena *arena = *state;
    for (size_t i = 0; i < TYPES_N; i++) {
        for (enum at at = SMALLEST; at <= LARGEST; at++) {
            struct sat_message message, got;
            struct sat_buf out;
            fill(&message, types[i], at, arena);
            sat_buf_init(&out);
            sat_message_encode(&message, &out);
            OK(sat_message_decode(sat_buf_span(&out), sat_message_sender(types[i]), arena, &got));
            assert_same(&got, &message);
            assert_true(out.len <= SAT_MESSAGE_BYTES_MAX);
            sat_buf_deinit(&out);
        }
    }
}

static void only_its_sender_may_send_it(void **state)
{
    struct sat_arena *arena = *state;
    for (size_t i = 0; i < TYPES_N; i++) {
        struct sat_message message, got;
        struct sat_buf out;
        fill(&message, types[i], SMALLEST, arena);
        sat_buf_init(&out);
        sat_message_encode(&message, &out);
        for (enum sat_message_sender who = SAT_SENDER_SERVER; who <= SAT_SENDER_CLIENT; who++)
            assert_int_equal(sat_message_decode(sat_buf_span(&out), who, arena, &got),
                             sat_message_sender(types[i]) & who ? SAT_OK : SAT_ERR_PROTOCOL);
        sat_buf_deinit(&out);
    }
}

static void every_truncation_and_addition_is_malformed(void **state)
{
    struct sat_arena *arena = *state;
    for (size_t i = 0; i < TYPES_N; i++) {
        struct sat_message message, got;
        struct sat_buf out;
        fill(&message, types[i], SMALLEST, arena);
        sat_buf_init(&out);
        sat_message_encode(&message, &out);
        for (size_t len = 0; len < out.len; len++)
            assert_int_equal(sat_message_decode(sat_span(out.at, len), SAT_SENDER_BOTH, arena, &got),
                             SAT_ERR_MALFORMED);
        sat_put_u8(&out, 0);
        assert_int_equal(sat_message_decode(sat_buf_span(&out), SAT_SENDER_BOTH, arena, &got), SAT_ERR_MALFORMED);
        sat_buf_deinit(&out);
    }
}

/* One field of one message is beyond its bound, all others are at it. */
static void expect_field(struct sat_span bytes, enum sat_err expected, struct sat_arena *arena)
{
    struct sat_message got;
    assert_int_equal(sat_message_decode(bytes, SAT_SENDER_BOTH, arena, &got), expected);
}

#define BEYOND_U64(bound) (sat_pack_u64(&out, (uint64_t)(bound) + 1), SAT_ERR_MALFORMED)
#define BEYOND_BIN(bound) (sat_pack_bin(&out, sat_span(bytes_for_all, (bound) + 1)), SAT_ERR_TOO_LARGE)
#define BEYOND_TEXT(bound) (sat_pack_text(&out, sat_span(bytes_for_all, (bound) + 1)), SAT_ERR_TOO_LARGE)
#define BEYOND_BYTES(bound) (sat_pack_bin(&out, sat_span(bytes_for_all, (bound) + 1)), SAT_ERR_MALFORMED)
#define BEYOND_LIST(bound) (put_empty_list(&out, (bound) + 1), SAT_ERR_TOO_LARGE)
#define WITHIN_U64(bound) sat_pack_u64(&out, 0)
#define WITHIN_BIN(bound) sat_pack_bin(&out, (struct sat_span){0})
#define WITHIN_TEXT(bound) sat_pack_text(&out, (struct sat_span){0})
#define WITHIN_BYTES(bound) sat_pack_bin(&out, sat_span(bytes_for_all, bound))
#define WITHIN_LIST(bound) sat_pack_array(&out, 0)

static void put_empty_list(struct sat_buf *out, uint32_t n)
{
    sat_pack_array(out, n);
    for (uint32_t i = 0; i < n; i++) sat_pack_bin(out, (struct sat_span){0});
}

static const uint32_t fields[] = {
#define MESSAGE(NAME, number, sender) 0
#define FIELD(NAME, kind, field, bound) +1
#define END(NAME) ,
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
};

static void every_field_beyond_its_bound_is_refused(void **state)
{
    struct sat_arena *arena = *state;
    uint32_t message = 0;
#define MESSAGE(NAME, number_, sender)                                                                                 \
    for (uint32_t bad = 0; bad < fields[message]; bad++) {                                                             \
        struct sat_buf out;                                                                                            \
        enum sat_err expected = SAT_OK;                                                                                \
        uint32_t at = 0;                                                                                               \
        sat_buf_init(&out);                                                                                            \
        sat_pack_array(&out, 1 + fields[message]);                                                                     \
        sat_pack_u64(&out, number_);
#define FIELD(NAME, kind, field, bound)                                                                                \
    if (at++ == bad)                                                                                                   \
        expected = BEYOND_##kind(bound);                                                                               \
    else                                                                                                               \
        WITHIN_##kind(bound);
#define END(NAME)                                                                                                      \
    expect_field(sat_buf_span(&out), expected, arena);                                                                 \
    sat_buf_deinit(&out);                                                                                              \
    }                                                                                                                  \
    message++;
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
    assert_int_equal(message, TYPES_N);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(every_message_goes_through_empty_and_at_its_bounds),
        WITH_ARENA(only_its_sender_may_send_it),
        WITH_ARENA(every_truncation_and_addition_is_malformed),
        WITH_ARENA(every_field_beyond_its_bound_is_refused),
    };
    return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
