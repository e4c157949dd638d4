#include "tests/unit/author_world.h"

#include <stdio.h>

enum { R = 1 };

/* ---- Base and overlay (MERGE 7) ---- */

static void nothing_leaves_the_base_before_what_replaces_it_is_accepted(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "old"));
    exchange_all(office);
    struct sat_record_id id = record_id(R);
    for (int frozen = 0; frozen < 2; frozen++) {
        if (frozen)
            assert_int_equal(freeze(b), 0);
        else
            (void)put(b, R, text_cell(NAME, "new"));
        struct sat_change_row *rows;
        uint32_t n;
        OK(sat_store_changes_live(b->store, b->sid[EAST], &id, &b->arena, &rows, &n));
        assert_int_equal(n, 1);
        assert_int_equal(rows[0].dot.device, a->device);
        expect_text(b, R, NAME, "new", 1);
        assert_int_equal(look(b, R)->live_n, 1);
        assert_true(look(b, R)->live[0].pending);
    }
    push(b), pull(b);
    assert_false(look(b, R)->live[0].pending);
    expect_text(b, R, NAME, "new", 1);
}

static void what_arrives_beside_pending_work_is_a_sibling_of_it(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "old"));
    exchange_all(office);
    (void)put(b, R, text_cell(NAME, "b"));
    (void)put(a, R, text_cell(NAME, "a"));
    push(a), pull(b);
    expect_text(b, R, NAME, "a", 2);
    (void)put(b, R, text_cell(NAME, "b again")); /* having seen both */
    expect_text(b, R, NAME, "b again", 1);
    exchange_all(office);
    expect_text(a, R, NAME, "b again", 1);
}

/* ---- Time (MERGE 10) ---- */

static void a_clock_that_is_years_ahead_does_not_spread(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    office->now_ms = NOW_MS + UINT64_C(200000000000); /* six years */
    (void)put(a, R, text_cell(NAME, "from the future"));
    office->now_ms = NOW_MS + 1000;
    push(a), pull(b);
    (void)put(b, 2, text_cell(NAME, "today"));
    assert_true(newest_of(b, 2, b->device)->header.hlc >> 16 < NOW_MS + 10000);
    assert_true(look(b, R)->live[0].effective >> 16 < NOW_MS + 10000);
}

/* ---- Holes (MERGE 4) ---- */

/* A has a new epoch's key and uses it; B does not have it. */
static void make_unreadable(struct office *office)
{
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "a1"), text_cell(CITY, "a1"));
    exchange_all(office);
    must(&office->world, epoch_link(&office->world, EAST, 2));
    give_key(a, EAST, 2);
    (void)put(a, R, text_cell(CITY, "a2"));
    push(a), pull(a), pull(&office->phones[1]);
}

static void what_cannot_be_read_is_a_hole_and_is_not_written_over(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    make_unreadable(office);
    const struct sat_record_view *view = look(b, R);
    assert_int_equal(view->live_n, 2);
    assert_false(view->live[1].readable);
    DOTS_ARE(view->holes, {a->device, 2});
    expect_text(b, R, CITY, "a1", 1);
    assert_int_equal(put(b, R, text_cell(NAME, "b1"), text_cell(CITY, "b1")), 1);
    const struct sat_source *b1 = newest_of(b, R, b->device);
    DOTS_ARE(b1->header.seen, {a->device, 2});
    DOTS_ARE(b1->header.kept, {a->device, 1}); /* nothing is dropped beside a hole */
    DOTS_ARE(b1->header.holes, {a->device, 2});
    assert_int_equal(freeze(b), 1); /* it owes the current key */
    give_key(b, EAST, 2);
    push(b), pull(b), pull(a);
    for (uint32_t n = 0; n < 2; n++) {
        expect_text(&office->phones[n], R, NAME, "b1", 1);
        expect_text(&office->phones[n], R, CITY, "b1", 2); /* a2 was not seen: a conflict, and a1 is not back */
        assert_int_equal(look(&office->phones[n], R)->holes.n, 0);
    }
}

static void what_is_put_aside_is_a_hole_once_it_lies_under_seen(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "a1"));
    push(a), pull(b);
    struct sat_record_id id = record_id(R);
    struct sat_change_row *rows;
    uint32_t n;
    OK(sat_store_changes_live(b->store, b->sid[EAST], &id, &b->arena, &rows, &n));
    OK(sat_store_change_set_state(b->store, rows[0].cid, SAT_CHANGE_ASIDE));
    const struct sat_record_view *view = look(b, R);
    assert_int_equal(view->live_n + view->seen.n + view->holes.n, 0);
    pull(a);
    (void)put(a, R, text_cell(CITY, "a2"));
    push(a), pull(b);
    view = look(b, R);
    DOTS_ARE(view->seen, {a->device, 2});
    DOTS_ARE(view->holes, {a->device, 1});
    (void)put(b, R, text_cell(NAME, "b1"));
    DOTS_ARE(newest_of(b, R, b->device)->header.kept, {a->device, 2});
    DOTS_ARE(newest_of(b, R, b->device)->header.holes, {a->device, 1});
    push(b), pull(a);
    expect_text(a, R, NAME, "b1", 2); /* a1 is still there for A, who can read it */
}

static void a_draft_that_is_damaged_hides_nothing_else(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"));
    (void)put(a, R, text_cell(CITY, "Graz"));
    struct sat_draft_row *rows;
    uint32_t n;
    sat_arena_reset(&a->arena);
    OK(sat_store_drafts(a->store, 2, 1, SIZE_MAX, &a->arena, &rows, &n));
    OK(sat_store_drafts_delete(a->store, 2, 2));
    ((uint8_t *)(uintptr_t)rows[0].body.at)[30] ^= 1;
    OK(sat_store_draft_insert(a->store, &rows[0]));
    expect_text(a, R, NAME, "Ada", 1);
    DOTS_ARE(look(a, R)->holes, {a->device, 2});
    struct sat_frozen frozen;
    OK(sat_store_begin(a->store));
    assert_int_equal(sat_author_freeze(&a->vault, 0, UINT32_MAX, &frozen), SAT_ERR_CORRUPT);
    sat_store_rollback(a->store);
}

/* ---- History ---- */

static void history_lists_every_step_oldest_first(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "one"));
    push(a), pull(b);
    (void)put(b, R, text_cell(NAME, "two"));
    push(b), pull(b);
    (void)put(b, R, text_cell(NAME, "three"));
    assert_int_equal(freeze(b), 0);
    (void)put(b, R, text_cell(NAME, "four"));
    struct sat_history_item *items;
    uint32_t n;
    struct sat_record_id id = record_id(R);
    OK(sat_record_history(&b->vault, b->sid[EAST], &id, &b->arena, &items, &n));
    static const char *const names[] = {"one", "two", "three", "four"};
    assert_int_equal(n, 4);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(items[i].readable && !items[i].stub);
        assert_true(sat_span_equal(items[i].body.cells[0].value.text, sat_span_text(names[i])));
        assert_int_equal(items[i].live, i == 3);
        assert_int_equal(items[i].recv_ms != 0, i < 2);
        assert_true(items[i].hlc > 0);
    }
    assert_int_equal(items[0].dot.device, a->device);
}

static void a_record_that_is_not_there_has_no_history(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_history_item *items;
    uint32_t n = 9;
    struct sat_record_id id = record_id(R);
    OK(sat_record_history(&a->vault, a->sid[EAST], &id, &a->arena, &items, &n));
    assert_int_equal(n, 0);
}

/* ---- Lives ---- */

static uint32_t roll(struct office *office, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(&office->entropy, &v, sizeof v);
    return v % sides;
}

static void act(struct office *office, unsigned serial)
{
    struct phone *phone = &office->phones[roll(office, PHONES)];
    uint8_t record = (uint8_t)(1 + roll(office, 2));
    char text[16];
    (void)snprintf(text, sizeof text, "v%u", serial);
    uint32_t written;
    switch (roll(office, 8)) {
    case 0:
        (void)put(phone, record, text_cell(NAME, text));
        break;
    case 1:
        (void)put(phone, record, text_cell(NAME, text), text_cell(CITY, text));
        break;
    case 2:
        (void)put(phone, record, tag_cell(roll(office, 2) ? "vip" : "late", roll(office, 2) != 0));
        break;
    case 3:
        if (roll(office, 3) == 0) assert_true(try_remove(phone, record, &written) != SAT_ERR_INVALID);
        break;
    case 4:
    case 5:
        pull(phone);
        break;
    default:
        push(phone);
    }
}

static void expect_same_record(struct phone *one, struct phone *other, uint8_t record)
{
    const struct sat_record_view *a = look(one, record), *b = look(other, record);
    assert_int_equal(a->live_n, b->live_n);
    for (uint32_t i = 0; i < a->live_n; i++) assert_int_equal(sat_dot_compare(a->live[i].dot, b->live[i].dot), 0);
    assert_int_equal(a->seen.n, b->seen.n);
    assert_int_equal(a->merged.deleted, b->merged.deleted);
    assert_int_equal(a->merged.conflicts, b->merged.conflicts);
    assert_int_equal(a->merged.cells_n, b->merged.cells_n);
    for (uint32_t i = 0; i < a->merged.cells_n; i++) {
        assert_true(sat_value_equal(&a->merged.cells[i].value, &b->merged.cells[i].value));
        assert_int_equal(sat_dot_compare(a->merged.cells[i].source->dot, b->merged.cells[i].source->dot), 0);
        assert_int_equal(a->merged.cells[i].alternatives_n, b->merged.cells[i].alternatives_n);
    }
}

static void phones_that_have_exchanged_everything_show_the_same(void **state)
{
    struct office *office = *state;
    const uint64_t seed = 17;
    print_message("seed %llu\n", (unsigned long long)seed);
    office->entropy = sat_entropy_seeded(&office->stream, seed);
    for (unsigned life = 0; life < 12; life++) {
        for (unsigned i = 0; i < 60; i++) act(office, life * 100 + i);
        exchange_all(office);
        for (uint8_t record = 1; record <= 2; record++) {
            assert_true(look(&office->phones[0], record)->live_n <=
                        12); /* bounded by current values and their siblings */
            for (uint32_t n = 1; n < PHONES; n++) expect_same_record(&office->phones[0], &office->phones[n], record);
        }
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
    const struct CMUnitTest tests[] = {
        TEST(nothing_leaves_the_base_before_what_replaces_it_is_accepted),
        TEST(what_arrives_beside_pending_work_is_a_sibling_of_it),
        TEST(a_clock_that_is_years_ahead_does_not_spread),
        TEST(what_cannot_be_read_is_a_hole_and_is_not_written_over),
        TEST(what_is_put_aside_is_a_hole_once_it_lies_under_seen),
        TEST(a_draft_that_is_damaged_hides_nothing_else),
        TEST(history_lists_every_step_oldest_first),
        TEST(a_record_that_is_not_there_has_no_history),
        TEST(phones_that_have_exchanged_everything_show_the_same),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
