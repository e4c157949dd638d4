/* Own work is written again when it cannot stand under its dots: in order, with what it had seen then. */
#include "tests/unit/author_world.h"

#include "common/vault/author_again.h"
#include "common/vault/origin.h"

enum { R = 1, Q = 2 };

static struct sat_bundle_row first_pending(struct phone *phone)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    sat_arena_reset(&phone->arena);
    OK(sat_store_bundles_pending(phone->store, phone->sid[EAST], 0, 1, &phone->arena, &rows, &n));
    assert_int_equal(n, 1);
    return rows[0];
}

static uint64_t next_counter(struct phone *phone)
{
    uint64_t counter;
    OK(sat_store_meta_get_u64(phone->store, "counter", 0, &counter));
    return counter + 1;
}

static struct sat_again_done again_as(struct phone *phone, const struct sat_again *what)
{
    struct sat_again_done done;
    OK(sat_store_begin(phone->store));
    OK(sat_author_again(&phone->vault, what, &phone->office->arena, &done));
    OK(sat_store_commit(phone->store));
    return done;
}

/* All of the phone's work in EAST from that counter on. */
static struct sat_again_done again_from(struct phone *phone, uint64_t first)
{
    struct sat_again_place place = {.sid = phone->sid[EAST], .first = first, .cut = first - 1};
    return again_as(phone, &(struct sat_again){.device = phone->device, .places = &place, .places_n = 1});
}

/* The server refuses what waits first: it is as if it had never been, and what follows is written again. */
static struct sat_again_done refuse_first(struct phone *phone)
{
    struct sat_bundle_row row = first_pending(phone);
    OK(sat_store_begin(phone->store));
    OK(sat_store_bundle_set_refused(phone->store, row.bid, SAT_ERR_DENIED));
    OK(sat_store_commit(phone->store));
    return again_from(phone, row.first);
}

/* MERGE 8's own case: by its vector alone a2 would take b1 away, and what took its place was refused. */
static void what_a_refused_change_had_covered_is_kept(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(b, R, text_cell(NAME, "b1"));
    push(b), pull(b), pull(a);
    (void)put(a, R, text_cell(NAME, "a1"));
    (void)freeze(a);
    (void)put(a, R, text_cell(CITY, "a2"));
    (void)freeze(a);
    struct sat_again_done done = refuse_first(a);
    assert_int_equal(done.written, 1);
    assert_int_equal(done.aside, 1);
    expect_text(a, R, NAME, "b1", 1);
    expect_text(a, R, CITY, "a2", 1);
    push(a), pull(c);
    expect_text(c, R, NAME, "b1", 1);
    expect_text(c, R, CITY, "a2", 1);
}

static void what_was_refused_is_put_aside_verbatim_with_its_reason(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_aside_row *rows;
    uint32_t n;
    (void)put(a, R, text_cell(NAME, "a1"));
    (void)freeze(a);
    struct sat_bundle_row row = first_pending(a);
    struct sat_bundle bundle, kept;
    struct sat_buf bytes = {0};
    OK(sat_base_bundle(a->store, &row, false, &office->arena, &bundle));
    sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &bytes);
    (void)refuse_first(a);
    OK(sat_store_asides(a->store, 0, 10, SIZE_MAX, &office->arena, &rows, &n));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].reason, SAT_ERR_DENIED);
    assert_true(sat_span_equal(rows[0].bytes, sat_buf_span(&bytes)));
    struct sat_space_id space = space_id(EAST);
    OK(sat_bundle_decode(rows[0].bytes, &office->world.directory.org, &space, &office->arena, &kept));
    OK(sat_bundle_verify(&kept, &sat_directory_device(&office->world.directory, a->device)->sign));
    assert_false(look(a, R)->merged.exists);
    sat_buf_deinit(&bytes);
}

static void later_ones_keep_their_order_and_see_each_other_under_new_dots(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "refused"));
    (void)freeze(a);
    (void)put(a, Q, text_cell(NAME, "q1"));
    (void)put(a, R, text_cell(CITY, "Graz"));
    (void)freeze(a);
    (void)put(a, R, text_cell(CITY, "Linz")); /* a draft */
    uint64_t from = next_counter(a);
    struct sat_again_done done = refuse_first(a);
    assert_int_equal(done.n, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(done.pairs[i].old.counter, i + 2);
        assert_int_equal(done.pairs[i].now.counter, from + i);
    }
    const struct sat_record_view *view = look(a, R);
    assert_int_equal(view->live_n, 1);
    DOTS_ARE(view->live[0].header.seen, (struct sat_dot){a->device, from + 1});
    assert_int_equal(view->live[0].header.kept.n, 0);
    expect_text(a, R, CITY, "Linz", 1);
    assert_null(cell_of(a, R, NAME));
    push(a), pull(&office->phones[1]);
    expect_text(&office->phones[1], R, CITY, "Linz", 1);
    expect_text(&office->phones[1], Q, NAME, "q1", 1);
}

static void work_that_was_written_before_or_elsewhere_stays_as_it_is(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t written;
    uint64_t drafts;
    struct sat_cell cell = text_cell(NAME, "in the west");
    (void)put(a, R, text_cell(NAME, "before"));
    push(a), pull(a);
    (void)put(a, R, text_cell(CITY, "refused"));
    (void)freeze(a);
    OK(try_put(a, WEST, Q, ACCOUNT, &cell, 1, &written));
    struct sat_again_done done = refuse_first(a);
    assert_int_equal(done.written, 0);
    OK(sat_store_draft_count(a->store, &drafts));
    assert_int_equal(drafts, 1);
    expect_text(a, R, NAME, "before", 1);
    assert_null(cell_of(a, R, CITY));
}

/* Written at another time, it would win over what was written in between. */
static void what_is_written_again_is_as_old_as_it_was_and_claims_to_have_seen_no_more(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "first"));
    push(a), pull(a), pull(b);
    (void)put(a, Q, text_cell(NAME, "refused"));
    (void)freeze(a);
    (void)put(a, R, text_cell(NAME, "a's"));
    (void)freeze(a);
    struct sat_header before = newest_of(a, R, a->device)->header;
    (void)put(b, R, text_cell(NAME, "b's"));
    push(b), pull(a);
    (void)refuse_first(a);
    const struct sat_source *now = newest_of(a, R, a->device);
    assert_int_equal(now->header.hlc, before.hlc);
    DOTS_ARE(now->header.seen, (struct sat_dot){a->device, 1});
    push(a), pull(a), pull(b);
    expect_text(a, R, NAME, "b's", 2);
    expect_text(b, R, NAME, "b's", 2);
}

static void a_removal_that_is_written_again_keeps_everything(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(b, R, text_cell(NAME, "b1"));
    push(b), pull(b), pull(a);
    (void)put(a, R, text_cell(CITY, "refused"));
    (void)freeze(a);
    (void)rm(a, R);
    (void)freeze(a);
    (void)refuse_first(a);
    const struct sat_record_view *view = look(a, R);
    assert_true(view->merged.deleted);
    assert_int_equal(view->live_n, 2);
    assert_true(newest_of(a, R, a->device)->header.deletion);
    expect_text(a, R, NAME, "b1", 1);
}

/* MERGE 4's own case, one bundle further. */
static void what_its_author_had_not_read_stays_a_hole(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    struct sat_record_id record = record_id(R);
    struct sat_change_row *rows;
    uint32_t n;
    (void)put(b, R, text_cell(NAME, "unread"));
    push(b), pull(b);
    (void)put(b, R, text_cell(CITY, "Graz"));
    push(b), pull(b), pull(a);
    OK(sat_store_changes_live(a->store, a->sid[EAST], &record, &a->arena, &rows, &n));
    assert_int_equal(n, 2);
    struct sat_dot hole = rows[0].dot, read = rows[1].dot;
    OK(sat_store_begin(a->store));
    OK(sat_store_change_set_state(a->store, rows[0].cid, SAT_CHANGE_ASIDE));
    OK(sat_store_commit(a->store));
    (void)put(a, Q, text_cell(NAME, "refused"));
    (void)freeze(a);
    (void)put(a, R, text_cell(NAME, "a's"));
    (void)freeze(a);
    (void)refuse_first(a);
    const struct sat_header *header = &newest_of(a, R, a->device)->header;
    DOTS_ARE(header->holes, hole);
    DOTS_ARE(header->kept, read);
}

static enum sat_err know_the_first(void *context, const struct sat_again_change *change, struct sat_again_answer *out)
{
    const struct sat_dot *known = context;
    *out = (struct sat_again_answer){.found = change->dot.counter == known[0].counter, .now = known[1]};
    return SAT_OK;
}

/* As a clone does, under a new number: what another holder has brought into the log already is not written again. */
static void what_is_in_the_log_already_is_not_written_again_but_seen(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "known"));
    (void)put(a, R, text_cell(CITY, "Graz"));
    (void)freeze(a);
    struct sat_dot known[2] = {{a->device, 1}, {77, 9}};
    struct sat_again_place place = {.sid = a->sid[EAST], .first = 1, .cut = 0};
    struct sat_again_done done = again_as(a, &(struct sat_again){.device = a->device,
                                                                 .places = &place,
                                                                 .places_n = 1,
                                                                 .origins = true,
                                                                 .context = known,
                                                                 .known = know_the_first});
    assert_int_equal(done.n, 2);
    assert_int_equal(done.written, 1);
    const struct sat_source *again = newest_of(a, R, a->device);
    struct sat_origin origin;
    DOTS_ARE(again->header.seen, (struct sat_dot){77, 9});
    OK(sat_origin_decode(again->body.origin, &origin));
    assert_int_equal(origin.dot.counter, 2);
    assert_int_equal(origin.dot.device, a->device);
}

/* ---- Lives: where nothing was refused, writing again changes nothing that anybody sees ---- */

static uint32_t step_of(uint64_t *seed, uint32_t bound)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % bound;
}

static void some_edit(struct phone *phone, uint64_t *seed)
{
    static const char *const values[] = {"one", "two", "three", "four", "five"};
    uint8_t record = (uint8_t)(1 + step_of(seed, 2));
    const char *value = values[step_of(seed, 5)];
    uint32_t written, what = step_of(seed, 8);
    if (what == 0)
        (void)try_remove(phone, record, &written);
    else if (what == 1)
        (void)put(phone, record, tag_cell(value, step_of(seed, 2)));
    else if (what == 2)
        (void)put(phone, record, text_cell(NAME, value), text_cell(CITY, value));
    else
        (void)put(phone, record, text_cell(what < 5 ? NAME : CITY, value));
    if (step_of(seed, 3) == 0) (void)freeze(phone);
}

static void show(struct phone *phone, struct sat_buf *out)
{
    for (uint8_t record = 1; record <= 2; record++) {
        const struct sat_record_view *view = look(phone, record);
        for (uint32_t i = 0; i < view->merged.cells_n; i++) {
            const struct sat_merged *cell = &view->merged.cells[i];
            sat_put_u16(out, cell->field);
            sat_put_bytes(out, cell->element.at ? cell->element.at : (const uint8_t *)"", cell->element.len);
            for (uint32_t a = 0; a < cell->alternatives_n; a++) {
                const struct sat_value *value = &cell->alternatives[a].value;
                sat_put_u8(out, value->truth);
                if (value->text.len) sat_put_bytes(out, value->text.at, value->text.len);
            }
        }
    }
}

static bool looks_alike(struct phone *phone, const struct sat_buf *before)
{
    struct sat_buf now = {0};
    show(phone, &now);
    bool alike = sat_span_equal(sat_buf_span(&now), sat_buf_span(before));
    sat_buf_deinit(&now);
    return alike;
}

static void live(struct office *office, uint64_t seed)
{
    uint64_t from = seed;
    for (uint32_t i = 0; i < 40; i++) {
        struct phone *phone = &office->phones[step_of(&seed, PHONES)];
        uint32_t what = step_of(&seed, 6);
        if (what == 0) {
            push(phone);
        } else if (what == 1) {
            pull(phone);
        } else if (what == 2) {
            struct sat_buf before = {0};
            pull(phone); /* which is in the base, and what waits, are known */
            struct sat_bundle_row tip;
            bool found;
            OK(sat_store_bundle_tip(phone->store, phone->sid[EAST], phone->device, false, &tip, &found));
            show(phone, &before);
            (void)again_from(phone, found ? tip.first + tip.count : 1);
            if (!looks_alike(phone, &before)) fail_msg("seed %llu: step %u", (unsigned long long)from, i);
            sat_buf_deinit(&before);
        } else {
            some_edit(phone, &seed);
        }
    }
    exchange_all(office);
    struct sat_buf shown = {0};
    show(&office->phones[0], &shown);
    for (uint32_t n = 1; n < PHONES; n++)
        if (!looks_alike(&office->phones[n], &shown)) fail_msg("seed %llu: phone %u", (unsigned long long)from, n);
    sat_buf_deinit(&shown);
}

static void where_nothing_was_refused_nobody_sees_that_it_was_written_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        void *office;
        (void)open_office(&office);
        live(office, seed);
        (void)close_office(&office);
    }
}

#define test(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_a_refused_change_had_covered_is_kept),
        test(what_was_refused_is_put_aside_verbatim_with_its_reason),
        test(later_ones_keep_their_order_and_see_each_other_under_new_dots),
        test(work_that_was_written_before_or_elsewhere_stays_as_it_is),
        test(what_is_written_again_is_as_old_as_it_was_and_claims_to_have_seen_no_more),
        test(a_removal_that_is_written_again_keeps_everything),
        test(what_its_author_had_not_read_stays_a_hole),
        test(what_is_in_the_log_already_is_not_written_again_but_seen),
        cmocka_unit_test(where_nothing_was_refused_nobody_sees_that_it_was_written_again),
    };
    return cmocka_run_group_tests_name("author_again", tests, NULL, NULL);
}
