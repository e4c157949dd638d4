/* A record on which one device has as many changes side by side as the server takes of it: a set that grew one by one,
 * beyond all reason. */
#include "tests/unit/author_world.h"

#include <time.h>

#include "common/base/limits.h"
#include "common/vault/seal.h"

enum { R = 1, MAX = SAT_RECORD_LIVE_DEVICE_MAX };

static struct sat_cell numbered_tag(struct office *office, uint32_t n, bool in)
{
    return tag_cell(sat_arena_format(&office->arena, "%u", n), in);
}

/* A draft as if nothing stood there. A real one would name all those before it, which is the same here and slow. */
static void forge_tag(struct phone *phone, uint32_t n)
{
    static const uint8_t nonce[24];
    struct sat_cell cell = numbered_tag(phone->office, n, true);
    struct sat_body body = {.type = ACCOUNT, .schema = SAT_SCHEMA_VERSION, .cells = &cell, .cells_n = 1};
    struct sat_buf header = {0}, plain = {0}, sealed = {0};
    struct sat_draft_row row = {.counter = n + 1, .sid = phone->sid[EAST], .record = record_id(R)};
    sat_header_encode(&(struct sat_header){.hlc = phone->office->now_ms << 16}, &header);
    OK(sat_body_encode(&body, &plain));
    row.header = sat_buf_span(&header);
    sat_seal_draft(sat_keyring_secrets(phone->keyring)->store_key, row.counter, &row.record, row.header,
                   sat_buf_span(&plain), nonce, &sealed);
    row.body = sat_buf_span(&sealed);
    OK(sat_store_draft_insert(phone->store, &row));
    OK(sat_store_meta_put_u64(phone->store, "counter", row.counter));
    sat_buf_deinit(&header);
    sat_buf_deinit(&plain);
    sat_buf_deinit(&sealed);
}

static void forge_tags(struct phone *phone, uint32_t n)
{
    OK(sat_store_begin(phone->store));
    for (uint32_t i = 0; i < n; i++) forge_tag(phone, i);
    OK(sat_store_commit(phone->store));
}

static uint32_t tags_in(struct phone *phone)
{
    const struct sat_record_view *view = look(phone, R);
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->merged.cells_n; i++) n += view->merged.cells[i].value.truth;
    return n;
}

static void an_author_stops_where_the_server_would_and_goes_on_after_emptying_the_set(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    forge_tags(a, MAX - 1);
    assert_int_equal(put(a, R, numbered_tag(office, MAX - 1, true)), 1);
    assert_int_equal(look(a, R)->live_n, MAX);
    uint32_t written;
    struct sat_cell one_more = tag_cell("one more", true);
    assert_int_equal(try_put(a, EAST, R, ACCOUNT, &one_more, 1, &written), SAT_ERR_TOO_LARGE);
    exchange_all(office); /* and the server takes all that the author has made */
    assert_int_equal(tags_in(b), MAX);
    assert_int_equal(try_put(a, EAST, R, ACCOUNT, &one_more, 1, &written), SAT_ERR_TOO_LARGE);
    assert_int_equal(put(b, R, one_more), 1); /* which is of a's alone */
    exchange_all(office);

    struct sat_cell *out = sat_arena_array(&office->arena, MAX, sizeof *out);
    for (uint32_t i = 0; i < MAX; i++) out[i] = numbered_tag(office, i, false);
    assert_int_equal(put_cells(a, EAST, R, out, MAX), 1);
    assert_int_equal(put(a, R, tag_cell("again", true)), 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) assert_int_equal(tags_in(&office->phones[n]), 2);
}

static void a_set_that_grows_one_by_one_is_read_and_sent_quickly(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    enum { GROWN = 300 };
    for (uint32_t i = 0; i < GROWN; i++) assert_int_equal(put(a, R, numbered_tag(office, i, true)), 1);
    assert_int_equal(look(a, R)->live_n, GROWN);
    clock_t began = clock();
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) assert_int_equal(tags_in(&office->phones[n]), GROWN);
    double took = (double)(clock() - began) / CLOCKS_PER_SEC;
    print_message("%u changes side by side judged, merged and read by three: %.3f s of processor time\n", GROWN, took);
    assert_true(took < 2); /* a twentieth of it, unless somebody measures the sanitizer as well */
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_author_stops_where_the_server_would_and_goes_on_after_emptying_the_set,
                                        open_office, close_office),
        cmocka_unit_test_setup_teardown(a_set_that_grows_one_by_one_is_read_and_sent_quickly, open_office,
                                        close_office),
    };
    return cmocka_run_group_tests_name("author_crowd", tests, NULL, NULL);
}
