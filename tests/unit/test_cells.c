#include "tests/unit/cells_record.h"

#include "common/sync/clock.h"

/* ---- What is seen of them ---- */

static const struct sat_merged *cell(struct record *record, uint16_t field)
{
    return sat_merged_cell(merge(record), field, (struct sat_span){0});
}

static void expect_text(struct record *record, uint16_t field, const char *text, uint32_t alternatives)
{
    const struct sat_merged *merged = cell(record, field);
    assert_non_null(merged);
    assert_int_equal(merged->value.kind, SAT_VALUE_TEXT);
    assert_true(sat_span_equal(merged->value.text, sat_span_text(text)));
    assert_int_equal(merged->alternatives_n, alternatives);
    assert_true(merged->alternatives[0].shown);
    assert_ptr_equal(merged->alternatives[0].source, merged->source);
    assert_true(sat_value_equal(&merged->alternatives[0].value, &merged->value));
    for (uint32_t i = 1; i < alternatives; i++) assert_false(merged->alternatives[i].shown);
}

static bool has_tag(struct record *record, const char *element)
{
    const struct sat_merged *merged = sat_merged_cell(merge(record), TAGS, sat_span_text(element));
    assert_non_null(merged);
    assert_int_equal(merged->alternatives_n, 1);
    assert_int_equal(merged->value.kind, SAT_VALUE_BOOL);
    return merged->value.truth;
}

/* Edit against delete: deleted is shown, by `d`; `x` stands against it. */
static void expect_deletion_in_conflict(struct record *record, const struct sat_source *d, const struct sat_source *x)
{
    const struct sat_merged *deleted = cell(record, SAT_FIELD_DELETED);
    assert_true(record->merged.deleted && record->merged.exists);
    assert_int_equal(record->merged.conflicts, 1);
    assert_int_equal(deleted->alternatives_n, 2);
    assert_true(deleted->alternatives[0].value.truth && deleted->alternatives[0].shown);
    assert_false(deleted->alternatives[1].value.truth || deleted->alternatives[1].shown);
    assert_ptr_equal(deleted->alternatives[0].source, d);
    assert_ptr_equal(deleted->alternatives[1].source, x);
}

static void expect_no_conflict(struct record *record, bool deleted)
{
    assert_int_equal(merge(record)->conflicts, 0);
    assert_int_equal(record->merged.deleted, deleted);
}

/* ---- Fields ---- */

static void nothing_is_an_empty_record(void **state)
{
    struct record *record = *state;
    merge(record);
    assert_false(record->merged.exists || record->merged.deleted);
    assert_int_equal(record->merged.cells_n + record->merged.conflicts + record->merged.type, 0);
}

static void one_change_shows_its_cells_by_field(void **state)
{
    struct record *record = *state;
    struct sat_source *a1 = say(say(change(record, A, 1, 10, NONE), CITY, "Graz"), NAME, "Ada");
    expect_text(record, NAME, "Ada", 1);
    expect_text(record, CITY, "Graz", 1);
    assert_ptr_equal(record->merged.cells[0].source, a1);
    assert_int_equal(record->merged.cells[0].field, NAME);
    assert_int_equal(record->merged.cells_n, 2);
    assert_int_equal(record->merged.type, ACCOUNT);
    assert_true(record->merged.exists);
    assert_null(cell(record, 99));
}

static void what_was_seen_and_written_over_is_gone(void **state)
{
    struct record *record = *state;
    say(say(change(record, A, 1, 10, NONE), NAME, "old"), CITY, "Graz");
    say(change(record, B, 1, 5, DOTS({A, 1})), NAME, "new"); /* an earlier clock, but it had seen the other */
    expect_text(record, NAME, "new", 1);
    expect_text(record, CITY, "Graz", 1);
}

static void concurrent_values_are_a_conflict_and_the_newest_is_shown(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 20, NONE), NAME, "newest");
    struct sat_source *b1 = say(change(record, B, 1, 10, NONE), NAME, "oldest");
    struct sat_source *c1 = say(change(record, C, 1, 15, NONE), NAME, "between");
    expect_text(record, NAME, "newest", 3);
    const struct sat_merged *merged = cell(record, NAME);
    assert_ptr_equal(merged->alternatives[1].source, c1);
    assert_ptr_equal(merged->alternatives[2].source, b1);
    assert_int_equal(record->merged.conflicts, 1);
}

static void at_the_same_time_the_greater_dot_is_shown(void **state)
{
    struct record *record = *state;
    say(change(record, B, 1, 10, NONE), NAME, "b");
    say(change(record, A, 9, 10, NONE), NAME, "a");
    expect_text(record, NAME, "b", 2);
}

static void equal_concurrent_values_are_no_conflict(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "same");
    struct sat_source *b1 = say(change(record, B, 1, 20, NONE), NAME, "same");
    expect_text(record, NAME, "same", 1);
    assert_ptr_equal(cell(record, NAME)->source, b1);
    say(change(record, C, 1, 15, NONE), NAME, "other");
    expect_text(record, NAME, "same", 2);
}

static void edits_of_different_fields_are_merged_without_a_conflict(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    say(change(record, B, 1, 20, NONE), CITY, "Graz");
    expect_text(record, NAME, "Ada", 1);
    expect_text(record, CITY, "Graz", 1);
    assert_int_equal(record->merged.conflicts, 0);
}

static void a_cleared_field_is_a_value_like_any_other(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    clear(change(record, B, 1, 20, NONE), NAME);
    const struct sat_merged *merged = cell(record, NAME);
    assert_int_equal(merged->value.kind, SAT_VALUE_NIL);
    assert_int_equal(merged->alternatives_n, 2);
    clear(change(record, A, 2, 30, DOTS({A, 1}, {B, 1})), NAME);
    assert_int_equal(cell(record, NAME)->alternatives_n, 1);
}

static void a_write_that_has_seen_the_siblings_settles_them(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 20, NONE), NAME, "one");
    say(change(record, B, 1, 10, NONE), NAME, "two");
    say(change(record, C, 1, 5, DOTS({A, 1}, {B, 1})), NAME, "two");
    expect_text(record, NAME, "two", 1);
    assert_int_equal(record->merged.conflicts, 0);
}

static void the_type_is_the_lowest_that_can_be_read(void **state)
{
    struct record *record = *state;
    change(record, B, 1, 10, NONE)->body.type = 5;
    change(record, A, 2, 90, NONE)->body.type = 6;
    change(record, A, 1, 50, NONE)->readable = false;
    assert_int_equal(merge(record)->type, 5);
}

static void a_plain_cell_and_an_element_of_one_field_are_two_cells(void **state)
{
    struct record *record = *state;
    say(tag(change(record, A, 1, 10, NONE), "", true), TAGS, "plain");
    expect_text(record, TAGS, "plain", 1);
    assert_true(has_tag(record, ""));
    assert_int_equal(record->merged.cells_n, 2);
}

static void changes_that_dominate_each_other_in_a_ring_all_stay(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, DOTS({A, 5}, {B, 5})), NAME, "a");
    say(change(record, B, 1, 20, DOTS({A, 5}, {B, 5})), NAME, "b");
    expect_text(record, NAME, "b", 2);
}

/* ---- Holes (MERGE 4) ---- */

static void a_change_that_cannot_be_read_takes_no_part(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    say(change(record, B, 1, 20, DOTS({A, 1})), NAME, "secret")->readable = false;
    expect_text(record, NAME, "Ada", 1);
    record->sources[0].readable = false;
    assert_false(merge(record)->exists);
    assert_int_equal(record->merged.cells_n, 0);
}

/* A w x=a1, w y=a2 (keeps a1); B has a1 aside, merges a2, w x. */
static void a_value_that_the_writer_had_not_read_stays_visible(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "a1");
    say(change(record, A, 2, 20, DOTS({A, 1})), CITY, "a2");
    struct sat_source *b1 = say(change(record, B, 1, 30, DOTS({A, 2})), NAME, "b1");
    b1->header.kept = DOTS({A, 1}, {A, 2}); /* kept alone is not enough */
    expect_text(record, NAME, "b1", 1);
    b1->header.kept = DOTS({A, 2});
    b1->header.holes = DOTS({A, 1});
    expect_text(record, NAME, "b1", 2);
    expect_text(record, CITY, "a2", 1);
}

/* A w xy=a1, w y=a2; B has a2 aside, w y=b1. What dominated a1.y must not be dropped while there is a hole: it is still
 * live. */
static void an_old_value_does_not_come_back_beside_a_hole(void **state)
{
    struct record *record = *state;
    say(say(change(record, A, 1, 10, NONE), NAME, "a1"), CITY, "a1");
    say(change(record, A, 2, 20, DOTS({A, 1})), CITY, "a2");
    struct sat_source *b1 = say(change(record, B, 1, 30, DOTS({A, 2})), CITY, "b1");
    b1->header.kept = DOTS({A, 1});
    b1->header.holes = DOTS({A, 2});
    expect_text(record, CITY, "b1", 2);
    assert_true(sat_span_equal(cell(record, CITY)->alternatives[1].value.text, sat_span_text("a2")));
    expect_text(record, NAME, "a1", 1);
}

/* ---- What a writer keeps (MERGE 3) ---- */

static bool keeps(struct record *record, const struct sat_source *x, uint16_t field)
{
    bool keep[SOURCES_MAX];
    struct sat_cell written = {.field = field};
    sat_cells_keep(record->sources, record->n, &written, 1, keep);
    return keep[x - record->sources];
}

static void a_writer_keeps_what_is_still_current_and_nothing_else(void **state)
{
    struct record *record = *state;
    struct sat_source *a1 = say(say(change(record, A, 1, 10, NONE), NAME, "a1"), CITY, "a1");
    struct sat_source *b1 = say(change(record, B, 1, 20, DOTS({A, 1})), CITY, "b1");
    assert_false(keeps(record, a1, NAME));
    assert_true(keeps(record, b1, NAME));
    assert_true(keeps(record, a1, CITY));
    assert_false(keeps(record, b1, CITY));
    struct sat_source *c1 = say(change(record, C, 1, 30, NONE), CITY, "c1"); /* a sibling is current too */
    assert_true(keeps(record, b1, NAME) && keeps(record, c1, NAME));
    assert_false(keeps(record, b1, CITY) || keeps(record, c1, CITY));
}

/* A w xy=a1, w y=a2; B has a1 aside, w y=b1 and keeps all; C reads all of it and w something else: a2 is current
 * nowhere, but it alone dominates a1 at y, as a1 was a hole to B. */
static void a_writer_keeps_what_alone_dominates_something_beside_a_hole(void **state)
{
    struct record *record = *state;
    struct sat_source *a1 = say(say(change(record, A, 1, 10, NONE), NAME, "a1"), CITY, "a1");
    struct sat_source *a2 = say(change(record, A, 2, 20, DOTS({A, 1})), CITY, "a2");
    struct sat_source *b1 = say(change(record, B, 1, 30, DOTS({A, 2})), CITY, "b1");
    b1->header.kept = DOTS({A, 2});
    b1->header.holes = DOTS({A, 1});
    expect_text(record, CITY, "b1", 1);
    assert_true(keeps(record, a1, 8) && keeps(record, a2, 8) && keeps(record, b1, 8));
    assert_true(keeps(record, a1, CITY)); /* for its name; at the city the new write dominates all */
    assert_false(keeps(record, a2, CITY) || keeps(record, b1, CITY));
}

/* ---- Sets ---- */

static void an_element_is_in_if_any_sibling_says_so(void **state)
{
    struct record *record = *state;
    tag(change(record, A, 1, 10, NONE), "vip", true);
    tag(change(record, B, 1, 90, NONE), "vip", false);
    assert_true(has_tag(record, "vip"));
    assert_ptr_equal(record->merged.cells[0].source, &record->sources[0]);
    assert_int_equal(record->merged.conflicts, 0);
}

static void only_what_was_seen_is_taken_out_of_a_set(void **state)
{
    struct record *record = *state;
    tag(change(record, A, 1, 10, NONE), "vip", true);
    tag(change(record, B, 1, 20, DOTS({A, 1})), "vip", false);
    assert_false(has_tag(record, "vip"));
    tag(change(record, C, 1, 5, DOTS({A, 1})), "vip", true); /* put in again meanwhile */
    assert_true(has_tag(record, "vip"));
    tag(change(record, A, 2, 30, DOTS({A, 1}, {B, 1}, {C, 1})), "vip", false);
    assert_false(has_tag(record, "vip"));
}

static void two_people_add_to_a_set_and_both_stay(void **state)
{
    struct record *record = *state;
    tag(change(record, A, 1, 10, NONE), "vip", true);
    tag(change(record, B, 1, 20, DOTS({A, 1})), "north", true);
    tag(change(record, C, 1, 20, DOTS({A, 1})), "late", true);
    assert_true(has_tag(record, "vip") && has_tag(record, "north") && has_tag(record, "late"));
    assert_int_equal(record->merged.cells_n, 3);
}

/* ---- Deletion (MERGE 6) ---- */

static void a_deleted_record_keeps_its_cells_and_its_existence(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    set_deleted(change(record, A, 2, 20, DOTS({A, 1})), true);
    expect_no_conflict(record, true);
    assert_true(record->merged.exists);
    expect_text(record, NAME, "Ada", 1);
}

static void an_edit_beside_a_deletion_is_a_conflict_and_the_record_stays_deleted(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    struct sat_source *d = set_deleted(change(record, A, 2, 20, DOTS({A, 1})), true);
    struct sat_source *x = say(change(record, B, 1, 30, DOTS({A, 1})), CITY, "Graz");
    expect_deletion_in_conflict(record, d, x);
    expect_text(record, NAME, "Ada", 1); /* all of it is there for who restores it (counterexample 12) */
    expect_text(record, CITY, "Graz", 1);
}

static void the_newest_of_several_edits_stands_against_the_deletion(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    say(change(record, B, 1, 25, DOTS({A, 1})), CITY, "Graz");
    struct sat_source *x = tag(change(record, C, 1, 30, DOTS({A, 1})), "vip", true);
    struct sat_source *d = set_deleted(change(record, A, 2, 90, DOTS({A, 1})), true);
    expect_deletion_in_conflict(record, d, x);
}

static void deleting_again_having_seen_both_settles_it(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    set_deleted(change(record, A, 2, 20, DOTS({A, 1})), true);
    say(change(record, B, 1, 30, DOTS({A, 1})), CITY, "Graz");
    set_deleted(change(record, C, 1, 15, DOTS({A, 2}, {B, 1})), true);
    expect_no_conflict(record, true);
}

static void restoring_having_seen_both_settles_it(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    set_deleted(change(record, A, 2, 20, DOTS({A, 1})), true);
    say(change(record, B, 1, 30, DOTS({A, 1})), CITY, "Graz");
    set_deleted(change(record, C, 1, 15, DOTS({A, 2}, {B, 1})), false);
    expect_no_conflict(record, false);
    expect_text(record, NAME, "Ada", 1);
    expect_text(record, CITY, "Graz", 1);
}

static void an_edit_that_the_deletion_has_seen_is_no_conflict(void **state)
{
    struct record *record = *state;
    say(change(record, B, 1, 99, NONE), CITY, "Graz");
    set_deleted(change(record, A, 1, 20, DOTS({B, 1})), true);
    expect_no_conflict(record, true);
}

static void an_edit_that_has_seen_the_deletion_is_no_conflict(void **state)
{
    struct record *record = *state;
    set_deleted(change(record, A, 1, 20, NONE), true);
    say(change(record, B, 1, 10, DOTS({A, 1})), CITY, "Graz");
    expect_no_conflict(record, true);
    set_deleted(say(change(record, B, 2, 30, DOTS({A, 1}, {B, 1})), CITY, "Linz"), false);
    expect_no_conflict(record, false);
}

static void an_edit_that_was_a_hole_to_the_deletion_is_a_conflict(void **state)
{
    struct record *record = *state;
    struct sat_source *x = say(change(record, B, 1, 10, NONE), CITY, "Graz");
    struct sat_source *d = set_deleted(change(record, A, 1, 20, DOTS({B, 1})), true);
    d->header.holes = DOTS({B, 1});
    expect_deletion_in_conflict(record, d, x);
}

static void an_edit_that_could_not_read_the_deletion_is_a_conflict(void **state)
{
    struct record *record = *state;
    struct sat_source *d = set_deleted(change(record, A, 1, 20, NONE), true);
    struct sat_source *x = say(change(record, B, 1, 30, DOTS({A, 1})), CITY, "Graz");
    x->header.holes = DOTS({A, 1});
    expect_deletion_in_conflict(record, d, x);
}

static void a_restoration_beside_a_deletion_is_a_conflict_and_deleted_is_shown(void **state)
{
    struct record *record = *state;
    set_deleted(change(record, A, 1, 10, NONE), true);
    struct sat_source *d = set_deleted(change(record, B, 1, 20, DOTS({A, 1})), true);
    struct sat_source *x = set_deleted(change(record, C, 1, 90, DOTS({A, 1})), false);
    expect_deletion_in_conflict(record, d, x);
}

static void a_restoration_and_an_edit_are_one_alternative_by_the_newer(void **state)
{
    struct record *record = *state;
    set_deleted(change(record, A, 1, 10, NONE), true);
    set_deleted(change(record, C, 1, 20, DOTS({A, 1})), false);
    struct sat_source *d = set_deleted(change(record, B, 1, 30, DOTS({A, 1})), true);
    struct sat_source *x = say(change(record, C, 2, 40, DOTS({A, 1}, {C, 1})), NAME, "Ada");
    expect_deletion_in_conflict(record, d, x);
}

static void two_deletions_are_no_conflict(void **state)
{
    struct record *record = *state;
    say(change(record, A, 1, 10, NONE), NAME, "Ada");
    set_deleted(change(record, A, 2, 20, DOTS({A, 1})), true);
    set_deleted(change(record, B, 1, 30, DOTS({A, 1})), true);
    expect_no_conflict(record, true);
}

static void an_edit_that_cannot_be_read_is_no_conflict(void **state)
{
    struct record *record = *state;
    set_deleted(change(record, A, 1, 20, NONE), true);
    say(change(record, B, 1, 30, NONE), CITY, "Graz")->readable = false;
    expect_no_conflict(record, true);
}

/* ---- Time (MERGE 9, 10) ---- */

static void a_phone_in_2031_does_not_win_by_its_clock(void **state)
{
    struct record *record = *state;
    const uint64_t noon = UINT64_C(1772000000000), year_2031 = UINT64_C(1930000000000);
    uint64_t wrong = sat_clock_effective(year_2031 << 16, noon);               /* received at noon */
    uint64_t right = sat_clock_effective((noon + 60000) << 16, noon + 120000); /* written a minute later */
    say(change(record, A, 1, right, NONE), NAME, "right");
    say(change(record, B, 1, wrong, NONE), NAME, "2031");
    expect_text(record, NAME, "right", 2);
    record->sources[1].effective = sat_clock_effective(year_2031 << 16, 0); /* its author, until it is accepted */
    expect_text(record, NAME, "2031", 2);
}

static void the_earliest_receipt_decides_and_not_a_later_one(void **state)
{
    struct record *record = *state;
    const uint64_t first = UINT64_C(1772000000000), again = first + 3600000;
    uint64_t hlc = (first + 7200000) << 16; /* ahead of both receipts */
    say(change(record, A, 1, sat_clock_effective(hlc, first), NONE), NAME, "kept receipt");
    say(change(record, B, 1, (first + 60000) << 16, NONE), NAME, "other");
    expect_text(record, NAME, "other", 2);
    record->sources[0].effective = sat_clock_effective(hlc, again); /* what a restored server would say without it */
    expect_text(record, NAME, "kept receipt", 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_an_empty_record),
        TEST(one_change_shows_its_cells_by_field),
        TEST(what_was_seen_and_written_over_is_gone),
        TEST(concurrent_values_are_a_conflict_and_the_newest_is_shown),
        TEST(at_the_same_time_the_greater_dot_is_shown),
        TEST(equal_concurrent_values_are_no_conflict),
        TEST(edits_of_different_fields_are_merged_without_a_conflict),
        TEST(a_cleared_field_is_a_value_like_any_other),
        TEST(a_write_that_has_seen_the_siblings_settles_them),
        TEST(the_type_is_the_lowest_that_can_be_read),
        TEST(a_plain_cell_and_an_element_of_one_field_are_two_cells),
        TEST(changes_that_dominate_each_other_in_a_ring_all_stay),
        TEST(a_change_that_cannot_be_read_takes_no_part),
        TEST(a_value_that_the_writer_had_not_read_stays_visible),
        TEST(an_old_value_does_not_come_back_beside_a_hole),
        TEST(a_writer_keeps_what_is_still_current_and_nothing_else),
        TEST(a_writer_keeps_what_alone_dominates_something_beside_a_hole),
        TEST(an_element_is_in_if_any_sibling_says_so),
        TEST(only_what_was_seen_is_taken_out_of_a_set),
        TEST(two_people_add_to_a_set_and_both_stay),
        TEST(a_deleted_record_keeps_its_cells_and_its_existence),
        TEST(an_edit_beside_a_deletion_is_a_conflict_and_the_record_stays_deleted),
        TEST(the_newest_of_several_edits_stands_against_the_deletion),
        TEST(deleting_again_having_seen_both_settles_it),
        TEST(restoring_having_seen_both_settles_it),
        TEST(an_edit_that_the_deletion_has_seen_is_no_conflict),
        TEST(an_edit_that_has_seen_the_deletion_is_no_conflict),
        TEST(an_edit_that_was_a_hole_to_the_deletion_is_a_conflict),
        TEST(an_edit_that_could_not_read_the_deletion_is_a_conflict),
        TEST(a_restoration_beside_a_deletion_is_a_conflict_and_deleted_is_shown),
        TEST(a_restoration_and_an_edit_are_one_alternative_by_the_newer),
        TEST(two_deletions_are_no_conflict),
        TEST(an_edit_that_cannot_be_read_is_no_conflict),
        TEST(a_phone_in_2031_does_not_win_by_its_clock),
        TEST(the_earliest_receipt_decides_and_not_a_later_one),
    };
    return cmocka_run_group_tests_name("cells", tests, NULL, NULL);
}
