#include "tests/unit/author_world.h"

enum { R = 1 };

/* ---- Put ---- */

static void a_put_is_shown_at_once_and_lies_as_a_draft(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint64_t drafts;
    assert_false(look(a, R)->merged.exists);
    assert_int_equal(put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz")), 1);
    expect_text(a, R, NAME, "Ada", 1);
    expect_text(a, R, CITY, "Graz", 1);
    const struct sat_record_view *view = look(a, R);
    assert_int_equal(view->merged.type, ACCOUNT);
    assert_int_equal(view->live_n, 1);
    assert_true(view->live[0].pending && view->live[0].readable);
    assert_int_equal(view->live[0].body.schema, SAT_SCHEMA_PLAIN);
    assert_false(view->live[0].header.deletion);
    OK(sat_store_draft_count(a->store, &drafts));
    assert_int_equal(drafts, 1);
}

static void what_lies_on_disk_as_a_draft_is_sealed(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_draft_row *rows;
    uint32_t n;
    (void)put(a, R, text_cell(NAME, "a very recognisable name"));
    sat_arena_reset(&a->arena);
    OK(sat_store_drafts(a->store, 0, 10, SIZE_MAX, &a->arena, &rows, &n));
    assert_int_equal(n, 1);
    for (size_t i = 0; i + 12 <= rows[0].body.len; i++)
        assert_memory_not_equal(rows[0].body.at + i, "recognisable", 12);
}

static void an_edit_writes_only_what_it_changes(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    assert_int_equal(put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Linz")), 1);
    const struct sat_source *edit = newest_of(a, R, a->device);
    assert_int_equal(edit->body.cells_n, 1);
    assert_int_equal(edit->body.cells[0].field, CITY);
    expect_text(a, R, NAME, "Ada", 1);
    expect_text(a, R, CITY, "Linz", 1);
}

static void a_put_that_changes_nothing_writes_nothing(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"), tag_cell("vip", true), nil_cell(CITY));
    for (int accepted = 0; accepted < 2; accepted++) {
        assert_int_equal(put(a, R, text_cell(NAME, "Ada")), 0);
        assert_int_equal(put(a, R, tag_cell("vip", true), tag_cell("never there", false)), 0);
        assert_int_equal(put(a, R, nil_cell(NOTE), deleted(false)), 0);
        push(a), pull(a);
    }
    assert_int_equal(put(a, R, nil_cell(NAME)), 1);
    assert_int_equal(put(a, R, nil_cell(NAME)), 0);
}

static void a_record_can_be_created_empty_and_once(void **state)
{
    struct office *office = *state;
    uint32_t written;
    OK(try_put(&office->phones[0], EAST, R, ACCOUNT, NULL, 0, &written));
    assert_int_equal(written, 1);
    assert_true(look(&office->phones[0], R)->merged.exists);
    OK(try_put(&office->phones[0], EAST, R, ACCOUNT, NULL, 0, &written));
    assert_int_equal(written, 0);
}

static void later_edits_of_a_commit_see_the_earlier_ones(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell first = text_cell(NAME, "Ada"), second[] = {text_cell(NAME, "Ada"), text_cell(CITY, "Graz")};
    struct sat_edit edits[] = {
        {.record = record_id(R), .sid = a->sid[EAST], .type = ACCOUNT, .cells = &first, .cells_n = 1},
        {.record = record_id(R), .sid = a->sid[EAST], .type = ACCOUNT, .cells = &first, .cells_n = 1},
        {.record = record_id(R), .sid = a->sid[EAST], .type = ACCOUNT, .cells = second, .cells_n = 2}};
    uint32_t written;
    OK(commit(a, edits, 3, &written));
    assert_int_equal(written, 2);
    const struct sat_source *edit = newest_of(a, R, a->device);
    assert_int_equal(edit->body.cells_n, 1);
    DOTS_ARE(edit->header.seen, {a->device, 1});
    DOTS_ARE(edit->header.kept, {a->device, 1});
}

static void counters_follow_each_other_and_the_clock_rises(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint64_t hlc = 0;
    for (uint8_t n = 1; n <= 5; n++) {
        office->now_ms = NOW_MS - n * 1000; /* a clock that runs backwards */
        (void)put(a, n, text_cell(NAME, "x"));
        const struct sat_source *source = newest_of(a, n, a->device);
        assert_int_equal(source->dot.counter, n);
        assert_true(source->header.hlc > hlc);
        hlc = source->header.hlc;
    }
}

static void a_commit_that_fails_uses_no_counter(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t written;
    struct sat_cell name = text_cell(NAME, "x");
    struct sat_edit edits[] = {
        {.record = record_id(R), .sid = a->sid[EAST], .type = ACCOUNT, .cells = &name, .cells_n = 1},
        {.record = record_id(9), .sid = a->sid[EAST], .remove = true}};
    assert_int_equal(commit(a, edits, 2, &written), SAT_ERR_NOT_FOUND);
    assert_false(look(a, R)->merged.exists);
    (void)put(a, R, name);
    assert_int_equal(newest_of(a, R, a->device)->dot.counter, 1);
}

static void what_cannot_be_written_is_refused(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t written;
    struct sat_cell twice[] = {text_cell(NAME, "x"), text_cell(NAME, "y")}, bad = text_cell(NAME, "\xff"),
                    good = text_cell(NAME, "x");
    assert_int_equal(try_put(a, EAST, R, ACCOUNT, twice, 2, &written), SAT_ERR_INVALID);
    assert_int_equal(try_put(a, EAST, R, ACCOUNT, &bad, 1, &written), SAT_ERR_INVALID);
    assert_int_equal(try_remove(a, R, &written), SAT_ERR_NOT_FOUND);
    OK(try_put(a, EAST, R, ACCOUNT, &good, 1, &written));
    assert_int_equal(try_put(a, EAST, R, 2, &good, 1, &written), SAT_ERR_INVALID); /* another type */
}

/* ---- Seen and kept ---- */

static void seen_and_kept_say_what_the_change_stands_on(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "a1"), text_cell(CITY, "a1"));
    (void)put(a, R, text_cell(CITY, "a2"));
    DOTS_ARE(newest_of(a, R, a->device)->header.kept, {a->device, 1}); /* its name is current */
    (void)put(a, R, text_cell(NAME, "a3"));
    const struct sat_source *a3 = newest_of(a, R, a->device);
    DOTS_ARE(a3->header.seen, {a->device, 2});
    DOTS_ARE(a3->header.kept, {a->device, 2}); /* a1 is current nowhere any more */
    assert_int_equal(look(a, R)->live_n, 2);
    push(a), pull(b);
    (void)put(b, R, text_cell(CITY, "b1"));
    const struct sat_source *b1 = newest_of(b, R, b->device);
    DOTS_ARE(b1->header.seen, {a->device, 3});
    DOTS_ARE(b1->header.kept, {a->device, 3});
    assert_int_equal(b1->header.holes.n, 0);
    push(b), pull(b), pull(a);
    assert_int_equal(look(a, R)->live_n, 2); /* live changes are bounded by current values */
    expect_text(a, R, NAME, "a3", 1);
    expect_text(a, R, CITY, "b1", 1);
}

static void a_sibling_that_is_not_settled_is_kept(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "a"));
    (void)put(b, R, text_cell(NAME, "b"));
    exchange_all(office);
    (void)put(a, R, text_cell(CITY, "Graz"));
    DOTS_ARE(newest_of(a, R, a->device)->header.kept, {a->device, 1}, {b->device, 1});
    exchange_all(office);
    expect_text(b, R, NAME, "b", 2);
    expect_text(b, R, CITY, "Graz", 1);
}

/* ---- Sets ---- */

static void elements_go_in_and_out_of_a_set(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, tag_cell("vip", true), tag_cell("north", true));
    exchange_all(office);
    assert_int_equal(put(b, R, tag_cell("vip", false)), 1);
    assert_int_equal(put(a, R, tag_cell("late", true)), 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        struct phone *phone = &office->phones[n];
        assert_false(has_tag(phone, R, "vip"));
        assert_true(has_tag(phone, R, "north") && has_tag(phone, R, "late"));
        assert_int_equal(look(phone, R)->merged.conflicts, 0);
    }
}

static void an_element_put_in_while_another_takes_it_out_is_in(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, tag_cell("vip", true));
    exchange_all(office);
    (void)put(b, R, tag_cell("vip", false));
    (void)put(a, R, tag_cell("vip", false));
    (void)put(a, R, tag_cell("vip", true));
    exchange_all(office);
    assert_true(has_tag(a, R, "vip") && has_tag(b, R, "vip"));
}

/* ---- Conflicts ---- */

static void concurrent_edits_conflict_alike_everywhere_and_are_settled_by_an_edit(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1], *c = &office->phones[2];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)put(a, R, text_cell(NAME, "from a"));
    (void)put(b, R, text_cell(NAME, "from b"));
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        expect_text(&office->phones[n], R, NAME, "from b", 2);
        assert_int_equal(look(&office->phones[n], R)->merged.conflicts, 1);
    }
    assert_int_equal(put(c, R, text_cell(CITY, "Graz")), 0);
    assert_int_equal(put(c, R, text_cell(NAME, "from b")), 1); /* the shown value, said again: that settles it */
    DOTS_ARE(newest_of(c, R, c->device)->header.kept, {a->device, 1});
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) expect_text(&office->phones[n], R, NAME, "from b", 1);
    assert_int_equal(look(a, R)->merged.conflicts, 0);
}

static void the_same_value_written_twice_is_no_conflict(void **state)
{
    struct office *office = *state;
    (void)put(&office->phones[0], R, text_cell(NAME, "Ada"));
    (void)put(&office->phones[1], R, text_cell(NAME, "Ada"));
    exchange_all(office);
    expect_text(&office->phones[2], R, NAME, "Ada", 1);
    assert_int_equal(put(&office->phones[2], R, text_cell(NAME, "Ada")), 0);
}

/* ---- Removing ---- */

static void rm_archives_and_keeps_everything(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    (void)put(b, R, text_cell(CITY, "Linz"));
    exchange_all(office);
    assert_int_equal(rm(a, R), 1);
    const struct sat_source *d = newest_of(a, R, a->device);
    assert_true(d->header.deletion);
    DOTS_ARE(d->header.kept, {a->device, 1}, {b->device, 1});
    assert_int_equal(d->body.cells_n, 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_true(view->merged.deleted && view->merged.exists);
        assert_int_equal(view->live_n, 3);
        expect_text(&office->phones[n], R, CITY, "Linz", 2);
    }
    assert_int_equal(rm(b, R), 0); /* it is removed already */
}

static void writing_to_a_removed_record_brings_it_back_whole(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"), tag_cell("vip", true));
    (void)rm(a, R);
    exchange_all(office);
    assert_int_equal(put(b, R, text_cell(NAME, "Ada")), 0); /* a repeated import does not bring it back */
    assert_int_equal(put(b, R, text_cell(NAME, "Ada B.")), 1);
    const struct sat_source *edit = newest_of(b, R, b->device);
    assert_false(edit->header.deletion);
    assert_int_equal(edit->body.cells_n, 4); /* deleted, name, city, vip: all its own */
    assert_int_equal(edit->header.kept.n, 0);
    exchange_all(office);
    const struct sat_record_view *view = look(a, R);
    assert_int_equal(view->live_n, 1);
    assert_false(view->merged.deleted);
    expect_text(a, R, NAME, "Ada B.", 1);
    expect_text(a, R, CITY, "Graz", 1);
    assert_true(has_tag(a, R, "vip"));
}

static void a_removed_record_can_be_restored_explicitly(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"));
    (void)rm(a, R);
    assert_int_equal(put(a, R, deleted(false)), 1);
    assert_false(look(a, R)->merged.deleted);
    assert_int_equal(look(a, R)->live_n, 1);
    expect_text(a, R, NAME, "Ada", 1);
}

static void make_edit_against_delete(struct office *office)
{
    (void)put(&office->phones[0], R, text_cell(NAME, "Ada"), text_cell(CITY, "Graz"));
    exchange_all(office);
    (void)rm(&office->phones[0], R);
    (void)put(&office->phones[1], R, text_cell(CITY, "Linz"));
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_true(view->merged.deleted);
        assert_int_equal(view->merged.conflicts, 1);
        assert_int_equal(view->merged.cells[0].field, SAT_FIELD_DELETED);
        assert_int_equal(view->merged.cells[0].alternatives_n, 2);
        expect_text(&office->phones[n], R, CITY, "Linz", 1);
        expect_text(&office->phones[n], R, NAME, "Ada", 1);
    }
}

static void an_edit_beside_a_removal_is_settled_by_removing_again(void **state)
{
    struct office *office = *state;
    make_edit_against_delete(office);
    assert_int_equal(rm(&office->phones[2], R), 1);
    assert_int_equal(rm(&office->phones[2], R), 0);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_true(view->merged.deleted);
        assert_int_equal(view->merged.conflicts, 0);
        expect_text(&office->phones[n], R, CITY, "Linz", 1); /* still whole for who restores it */
    }
}

static void an_edit_beside_a_removal_is_settled_by_restoring(void **state)
{
    struct office *office = *state;
    make_edit_against_delete(office);
    assert_int_equal(put(&office->phones[2], R, deleted(false)), 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_false(view->merged.deleted);
        assert_int_equal(view->merged.conflicts, 0);
        assert_int_equal(view->live_n, 1);
        expect_text(&office->phones[n], R, CITY, "Linz", 1);
        expect_text(&office->phones[n], R, NAME, "Ada", 1);
    }
}

/* docs/decisions/0027 */
static void bringing_a_record_back_settles_no_conflict(void **state)
{
    struct office *office = *state;
    assert_int_equal(put(&office->phones[0], R, text_cell(NAME, "Ada")), 1);
    exchange_all(office);
    assert_int_equal(put(&office->phones[0], R, text_cell(CITY, "Linz")), 1);
    assert_int_equal(put(&office->phones[1], R, text_cell(CITY, "Graz")), 1);
    exchange_all(office);
    assert_int_equal(rm(&office->phones[0], R), 1);
    assert_int_equal(put(&office->phones[0], R, deleted(false)), 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_false(view->merged.deleted);
        assert_int_equal(view->merged.conflicts, 1);
        assert_int_equal(cell_of(&office->phones[n], R, CITY)->alternatives_n, 2);
        expect_text(&office->phones[n], R, NAME, "Ada", 1);
    }
}

/* docs/decisions/0029 */
static void two_things_under_one_id_are_a_conflict_and_neither_is_lost(void **state)
{
    struct office *office = *state;
    enum { CONTACT = 2, CONTACT_NAME = 2 };
    uint32_t written;
    struct sat_cell contact = text_cell(CONTACT_NAME, "Zed");
    assert_int_equal(put(&office->phones[0], R, text_cell(NAME, "Acme")), 1);
    assert_int_equal(try_put(&office->phones[1], EAST, R, CONTACT, &contact, 1, &written), SAT_OK);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        const struct sat_record_view *view = look(&office->phones[n], R);
        assert_int_equal(view->merged.type, 1);
        assert_int_equal(view->merged.conflicts, 1);
        assert_int_equal(cell_of(&office->phones[n], R, SAT_FIELD_TYPE)->alternatives_n, 2);
        assert_null(cell_of(&office->phones[n], R, CONTACT_NAME)); /* an account's second field is something else */
        expect_text(&office->phones[n], R, NAME, "Acme", 1);
    }
    assert_int_equal(put(&office->phones[2], R, text_cell(NAME, "Acme Ltd")), 1);
    exchange_all(office);
    assert_int_equal(look(&office->phones[1], R)->live_n, 2); /* the contact is kept */
    struct sat_cell account = {.field = SAT_FIELD_TYPE, .value = {.kind = SAT_VALUE_INT, .integer = 1}};
    assert_int_equal(put(&office->phones[1], R, account), 1);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) assert_int_equal(look(&office->phones[n], R)->merged.conflicts, 0);
    expect_text(&office->phones[0], R, NAME, "Acme Ltd", 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
    const struct CMUnitTest tests[] = {
        TEST(a_put_is_shown_at_once_and_lies_as_a_draft),
        TEST(what_lies_on_disk_as_a_draft_is_sealed),
        TEST(an_edit_writes_only_what_it_changes),
        TEST(a_put_that_changes_nothing_writes_nothing),
        TEST(a_record_can_be_created_empty_and_once),
        TEST(later_edits_of_a_commit_see_the_earlier_ones),
        TEST(counters_follow_each_other_and_the_clock_rises),
        TEST(a_commit_that_fails_uses_no_counter),
        TEST(what_cannot_be_written_is_refused),
        TEST(seen_and_kept_say_what_the_change_stands_on),
        TEST(a_sibling_that_is_not_settled_is_kept),
        TEST(elements_go_in_and_out_of_a_set),
        TEST(an_element_put_in_while_another_takes_it_out_is_in),
        TEST(concurrent_edits_conflict_alike_everywhere_and_are_settled_by_an_edit),
        TEST(the_same_value_written_twice_is_no_conflict),
        TEST(rm_archives_and_keeps_everything),
        TEST(writing_to_a_removed_record_brings_it_back_whole),
        TEST(a_removed_record_can_be_restored_explicitly),
        TEST(an_edit_beside_a_removal_is_settled_by_removing_again),
        TEST(an_edit_beside_a_removal_is_settled_by_restoring),
        TEST(bringing_a_record_back_settles_no_conflict),
        TEST(two_things_under_one_id_are_a_conflict_and_neither_is_lost),
    };
    return cmocka_run_group_tests_name("author", tests, NULL, NULL);
}
