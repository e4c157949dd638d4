/* Reminders where what is owed is as nobody would put it: written by a program that asks nothing, or so often that no
 * change of it can be stored any more. Each other one is made. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/json.h"
#include "client/names.h"
#include "common/base/limits.h"
#include "common/vault/seal.h"
#include "tests/unit/client_world.h"

static struct satchel *ann;
static char account[SATCHEL_ID_SIZE], good[SATCHEL_ID_SIZE];

static int make_org(void **state)
{
    char fields[200];
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    account[0] = good[0] = '\0';
    put_one(ann, "account", account, "Northern", "{\"name\":\"Ana\"}");
    (void)snprintf(fields, sizeof fields,
                   "{\"account\":\"%s\",\"amount\":1000,\"currency\":\"CNY\",\"due\":\"2024-06-30\"}", account);
    put_one(ann, "receivable", good, NULL, fields);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

/* ---- What no command writes ---- */

/* A receivable of another id, on the day that is given, as of so many devices that have written it before. */
static void forge(uint8_t id, const char *due, uint32_t devices)
{
    static const uint8_t nonce[24];
    struct sat_arena arena;
    struct sat_space_id space;
    struct client_fields fields;
    char json[200];
    uint64_t counter = 0;
    const struct sat_type *type = sat_type_by_name("receivable");
    sat_arena_init(&arena);
    struct sat_dot *seen = sat_arena_array(&arena, devices + 1, sizeof *seen);
    for (uint32_t i = 0; i < devices; i++) seen[i] = (struct sat_dot){100 + i, 1};
    (void)snprintf(json, sizeof json, "{\"account\":\"%s\",\"amount\":2000,\"currency\":\"CNY\"}", account);
    assert_int_equal(client_json_fields(type, json, &arena, &fields, &ann->fault), SAT_OK);
    struct sat_cell *cells = sat_arena_array(&arena, fields.n + 1, sizeof *cells);
    memcpy(cells, fields.cells, fields.n * sizeof *cells);
    cells[fields.n] = (struct sat_cell){.field = sat_field_by_name(type, "due")->number,
                                        .value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(due)}};
    struct sat_body body = {
        .type = type->number, .schema = SAT_SCHEMA_VERSION, .cells = cells, .cells_n = fields.n + 1};
    struct sat_header head = {.hlc = client_now_ms() << 16, .seen = {seen, devices}};
    struct sat_buf header = {0}, plain = {0}, sealed = {0};
    struct sat_draft_row row = {.record = {.b = {id, [6] = 0x70, [8] = 0x80}}};
    assert_int_equal(client_find_space(ann, "Northern", &space, &ann->fault), SAT_OK);
    assert_int_equal(client_sid_of_space(ann, &space, &row.sid), SAT_OK);
    assert_int_equal(sat_store_meta_get_u64(ann->store, "counter", 0, &counter), SAT_OK);
    row.counter = counter + 1;
    sat_header_encode(&head, &header);
    assert_int_equal(sat_body_encode(&body, &plain), SAT_OK);
    row.header = sat_buf_span(&header);
    sat_seal_draft(sat_keyring_secrets(ann->keyring)->store_key, row.counter, &row.record, row.header,
                   sat_buf_span(&plain), nonce, &sealed);
    row.body = sat_buf_span(&sealed);
    assert_int_equal(sat_store_begin(ann->store), SAT_OK);
    assert_int_equal(sat_store_draft_insert(ann->store, &row), SAT_OK);
    assert_int_equal(sat_store_meta_put_u64(ann->store, "counter", row.counter), SAT_OK);
    assert_int_equal(sat_store_commit(ann->store), SAT_OK);
    sat_buf_deinit(&header);
    sat_buf_deinit(&plain);
    sat_buf_deinit(&sealed);
    sat_arena_deinit(&arena);
}

/* The reminders of the day: the level of the good one, and why the other is left out. */
static void assert_told(const char *day, int level, const char *why)
{
    struct rows rows = {0};
    char wanted[80];
    must(ann, satchel_dunning(ann, day, 0, collect_row, &rows));
    (void)snprintf(wanted, sizeof wanted, "\"level\":%d", level);
    if (!strstr(rows.text, wanted) || !strstr(rows.text, good)) fail_msg("no level %d in %s", level, rows.text);
    if (!strstr(rows.text, why)) fail_msg("not \"%s\" in %s", why, rows.text);
}

/* ---- Stories ---- */

static void a_day_that_is_none_is_named_and_stops_no_other(void **state)
{
    (void)state;
    forge(1, "soon", 0);
    assert_told("2024-06-23", 1, "it is due on \\\"soon\\\", which is no day");
    assert_rows(ann, "SELECT COUNT(*) AS n FROM task", "{\"n\":1}");
    char *text = NULL;
    must(ann, satchel_report(ann, "receivables", NULL, &text));
    assert_non_null(strstr(text, "\"due\":\"soon\""));
    satchel_free(text);
}

static void what_the_commit_refuses_of_one_is_left_out_wholly_and_the_others_are_stored(void **state)
{
    (void)state;
    forge(2, "2024-06-30", SAT_SEEN_MAX);
    assert_told("2024-06-23", 1, "too many devices have written it");
    assert_rows(ann, "SELECT COUNT(*) AS n FROM dunning_step", "{\"n\":1}");
    char wanted[100];
    (void)snprintf(wanted, sizeof wanted, "{\"n\":1,\"who\":\"%s\"}", good);
    assert_rows(ann, "SELECT COUNT(*) AS n, MIN(origin) AS who FROM task", wanted);
    assert_told("2024-06-27", 2, "too many devices have written it");
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_day_that_is_none_is_named_and_stops_no_other, make_org, drop_org),
        cmocka_unit_test_setup_teardown(what_the_commit_refuses_of_one_is_left_out_wholly_and_the_others_are_stored,
                                        make_org, drop_org),
    };
    return cmocka_run_group_tests_name("dunning", tests, NULL, NULL);
}
