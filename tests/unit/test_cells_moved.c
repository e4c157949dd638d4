/* Where a record has moved to, as its live changes tell it. */
#include <string.h>

#include "tests/unit/cells_record.h"

static const uint8_t SOUTH = 1, WEST = 2;

static struct sat_source *move_to(struct sat_source *source, uint8_t space)
{
    struct sat_cell cell = {.field = SAT_FIELD_MOVED, .value = {.kind = SAT_VALUE_REF}};
    cell.value.ref.b[0] = space;
    return put(source, cell);
}

static struct sat_source *arrive(struct sat_source *source, uint64_t recv_ms, uint64_t seq)
{
    source->recv_ms = recv_ms;
    source->seq = seq;
    return source;
}

static void expect_at(struct record *record, uint8_t space)
{
    const struct sat_merged_record *merged = merge(record);
    assert_true(merged->moved && merged->exists);
    assert_int_equal(merged->moved_to.b[0], space);
}

static void of_two_moves_the_first_to_arrive_counts(void **state)
{
    struct record *record = *state;
    arrive(move_to(change(record, A, 2, 900, DOTS({A, 1})), SOUTH), 50, 8);
    arrive(move_to(change(record, B, 1, 100, DOTS({A, 1})), WEST), 50, 9); /* an older clock is no earlier arrival */
    expect_at(record, SOUTH);
    record->sources[1].seq = 7;
    expect_at(record, WEST);
    record->sources[1].recv_ms = 51;
    expect_at(record, SOUTH);
}

static void what_is_not_accepted_yet_comes_behind(void **state)
{
    struct record *record = *state;
    arrive(move_to(change(record, A, 2, 1, DOTS({A, 1})), SOUTH), 0, 0);
    arrive(move_to(change(record, B, 1, 900, DOTS({A, 1})), WEST), 70, 9);
    expect_at(record, WEST);
}

static void who_has_seen_a_move_decides_anew(void **state)
{
    struct record *record = *state;
    arrive(move_to(change(record, A, 2, 1, DOTS({A, 1})), SOUTH), 50, 1);
    arrive(clear(change(record, B, 1, 2, DOTS({A, 2})), SAT_FIELD_MOVED), 60, 2);
    assert_false(merge(record)->moved);
    arrive(move_to(change(record, C, 1, 3, DOTS({A, 2}, {B, 1})), WEST), 70, 3);
    expect_at(record, WEST);
}

static void a_move_that_comes_after_the_way_back_loses_to_it(void **state)
{
    struct record *record = *state;
    arrive(clear(change(record, B, 1, 2, DOTS({A, 2})), SAT_FIELD_MOVED), 60, 2);
    arrive(move_to(change(record, C, 1, 1, DOTS({A, 1})), WEST), 70, 3);
    assert_false(merge(record)->moved);
}

static void a_move_that_was_not_read_is_not_overruled(void **state)
{
    struct record *record = *state;
    arrive(move_to(change(record, A, 2, 1, DOTS({A, 1})), SOUTH), 50, 1);
    struct sat_source *b = arrive(clear(change(record, B, 1, 2, DOTS({A, 2})), SAT_FIELD_MOVED), 60, 2);
    b->header.holes = DOTS({A, 2});
    expect_at(record, SOUTH);
}

static void what_came_late_does_not_bring_it_back_and_is_no_conflict_here(void **state)
{
    struct record *record = *state;
    arrive(move_to(change(record, A, 2, 1, DOTS({A, 1})), SOUTH), 50, 1);
    say(change(record, B, 1, 5, DOTS({A, 1})), CITY, "Lyon");
    say(change(record, C, 1, 6, DOTS({A, 1})), CITY, "Nice");
    expect_at(record, SOUTH);
    assert_int_equal(record->merged.conflicts, 0);
    assert_int_equal(record->merged.cells_n, 1); /* the cells of the move are none of the record's */
}

static void a_lower_type_under_the_same_id_does_not_bring_it_back(void **state)
{
    struct record *record = *state;
    move_to(change(record, A, 2, 1, DOTS({A, 1})), SOUTH)->body.type = ACCOUNT + 1;
    say(change(record, B, 1, 5, NONE), CITY, "Lyon");
    expect_at(record, SOUTH);
}

static void who_moved_it_has_not_edited_what_another_deleted(void **state)
{
    struct record *record = *state;
    set_deleted(change(record, A, 2, 9, DOTS({A, 1})), true);
    clear(change(record, B, 1, 5, DOTS({A, 1})), SAT_FIELD_MOVED);
    assert_int_equal(merge(record)->conflicts, 0);
    assert_true(record->merged.deleted);
}

static void where_late_work_came_from_is_shown_and_never_in_conflict(void **state)
{
    struct record *record = *state;
    for (uint8_t from = 1; from <= 2; from++) {
        struct sat_cell cell = {.field = SAT_FIELD_CAME_LATE, .value = {.kind = SAT_VALUE_REF}};
        cell.value.ref.b[0] = from;
        put(change(record, from, 1, from, NONE), cell);
    }
    assert_int_equal(merge(record)->conflicts, 0);
    assert_non_null(sat_merged_cell(&record->merged, SAT_FIELD_CAME_LATE, (struct sat_span){0}));
    assert_false(record->merged.moved);
}

#define ON_RECORD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_RECORD(of_two_moves_the_first_to_arrive_counts),
        ON_RECORD(what_is_not_accepted_yet_comes_behind),
        ON_RECORD(who_has_seen_a_move_decides_anew),
        ON_RECORD(a_move_that_comes_after_the_way_back_loses_to_it),
        ON_RECORD(a_move_that_was_not_read_is_not_overruled),
        ON_RECORD(what_came_late_does_not_bring_it_back_and_is_no_conflict_here),
        ON_RECORD(a_lower_type_under_the_same_id_does_not_bring_it_back),
        ON_RECORD(who_moved_it_has_not_edited_what_another_deleted),
        ON_RECORD(where_late_work_came_from_is_shown_and_never_in_conflict),
    };
    return cmocka_run_group_tests_name("cells_moved", tests, NULL, NULL);
}
