/* Edits that do not fit one change: large sets and large records. */
#include "tests/unit/author_world.h"

enum { R = 1, MANY = 3000, ADDRESS = 2, TEXT_BYTES = 60000 };

/* The elements "0", "1", … of a set. */
static struct sat_cell *tags(struct phone *phone, uint32_t n, bool in)
{
    struct sat_cell *cells = sat_arena_array(&phone->office->arena, n, sizeof *cells);
    for (uint32_t i = 0; i < n; i++) cells[i] = tag_cell(sat_arena_format(&phone->office->arena, "%u", i), in);
    return cells;
}

static struct sat_cell long_text(struct phone *phone, uint16_t field, char with)
{
    char *text = sat_arena_alloc(&phone->office->arena, TEXT_BYTES + 1);
    memset(text, with, TEXT_BYTES);
    return text_cell(field, text);
}

static uint32_t elements_in(struct phone *phone)
{
    const struct sat_record_view *view = look(phone, R);
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->merged.cells_n; i++)
        n += view->merged.cells[i].in_set && view->merged.cells[i].value.truth;
    return n;
}

static void a_set_of_thousands_is_filled_and_emptied_by_one_edit_each(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    assert_int_equal(put_cells(a, EAST, R, tags(a, MANY, true), MANY), 3);
    assert_int_equal(elements_in(a), MANY);
    assert_int_equal(put_cells(a, EAST, R, tags(a, MANY, true), MANY), 0);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) assert_int_equal(elements_in(&office->phones[n]), MANY);
    struct phone *b = &office->phones[1];
    assert_int_equal(put_cells(b, EAST, R, tags(b, MANY, false), MANY), 3);
    assert_int_equal(elements_in(b), 0);
    assert_int_equal(look(b, R)->live_n, 3); /* of what they replace nothing is left */
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        assert_int_equal(elements_in(&office->phones[n]), 0);
        assert_int_equal(look(&office->phones[n], R)->live_n, 3);
        assert_int_equal(look(&office->phones[n], R)->merged.conflicts, 0);
    }
}

static void fields_come_before_elements_and_each_part_has_seen_those_before(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell *cells = sat_arena_array(&office->arena, MANY + 2, sizeof *cells);
    memcpy(cells, tags(a, MANY, true), MANY * sizeof *cells);
    cells[MANY] = text_cell(NOTE, "last in the list");
    cells[MANY + 1] = text_cell(NAME, "Ada");
    assert_int_equal(put_cells(a, EAST, R, cells, MANY + 2), 3);
    const struct sat_record_view *view = look(a, R);
    assert_int_equal(view->live_n, 3);
    assert_int_equal(view->live[0].body.cells_n, SAT_CELLS_MAX);
    assert_int_equal(view->live[0].body.cells[0].field, NAME);
    assert_int_equal(view->live[0].body.cells[SAT_CELLS_MAX - 1].field, NOTE);
    DOTS_ARE(view->live[1].header.kept, {a->device, 1});
    DOTS_ARE(view->live[2].header.kept, {a->device, 1}, {a->device, 2});
    DOTS_ARE(view->live[2].header.seen, {a->device, 2});
}

static void an_element_put_in_while_another_empties_the_set_stays(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put_cells(a, EAST, R, tags(a, MANY, true), MANY);
    exchange_all(office);
    (void)put_cells(a, EAST, R, tags(a, MANY, false), MANY);
    (void)put(b, R, tag_cell("new", true));
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        assert_int_equal(elements_in(&office->phones[n]), 1);
        assert_true(cell_of(&office->phones[n], R, NAME) == NULL);
    }
}

static void long_elements_are_split_by_their_bytes(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    enum { LONG = 300 };
    struct sat_cell *cells = sat_arena_array(&office->arena, LONG, sizeof *cells);
    for (uint32_t i = 0; i < LONG; i++)
        cells[i] = tag_cell(sat_arena_format(&office->arena, "%0*u", SAT_ELEMENT_BYTES_MAX, i), true);
    assert_int_equal(put_cells(a, EAST, R, cells, LONG), 4); /* 94, 94, 94, 18 */
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) assert_int_equal(elements_in(&office->phones[n]), LONG);
}

/* MERGE 6: all that is shown is carried, so that nothing else is left. */
static void a_large_record_that_was_removed_is_brought_back_whole(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put_cells(a, EAST, R, tags(a, MANY, true), MANY);
    (void)put(a, R, long_text(a, NOTE, 'n'));
    (void)put(a, R, long_text(a, ADDRESS, 'a'), text_cell(NAME, "Ada"));
    exchange_all(office);
    assert_int_equal(rm(b, R), 1);
    exchange_all(office);
    assert_int_equal(put(b, R, deleted(false)), 4);
    const struct sat_record_view *view = look(b, R);
    assert_int_equal(view->live_n, 4);
    assert_int_equal(view->live[0].body.cells[0].field, SAT_FIELD_DELETED);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(view->live[i].dot.device, b->device);
    exchange_all(office);
    for (uint32_t n = 0; n < PHONES; n++) {
        struct phone *phone = &office->phones[n];
        assert_int_equal(elements_in(phone), MANY);
        assert_false(look(phone, R)->merged.deleted);
        assert_int_equal(look(phone, R)->live_n, 4);
        expect_text(phone, R, NAME, "Ada", 1);
        assert_int_equal(cell_of(phone, R, NOTE)->value.text.len, TEXT_BYTES);
        assert_int_equal(cell_of(phone, R, ADDRESS)->value.text.len, TEXT_BYTES);
    }
}

static void a_value_too_large_for_any_change_is_refused(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t written;
    char *text = sat_arena_alloc(&office->arena, SAT_VALUE_BYTES_MAX + 2);
    memset(text, 'x', SAT_VALUE_BYTES_MAX + 1);
    struct sat_cell cells[] = {text_cell(NAME, "Ada"), text_cell(NOTE, text)};
    assert_int_equal(try_put(a, EAST, R, ACCOUNT, cells, 2, &written), SAT_ERR_TOO_LARGE);
    assert_false(look(a, R)->merged.exists);
    assert_int_equal(put(a, R, cells[0]), 1);
    assert_int_equal(newest_of(a, R, a->device)->dot.counter, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
    const struct CMUnitTest tests[] = {
        TEST(a_set_of_thousands_is_filled_and_emptied_by_one_edit_each),
        TEST(fields_come_before_elements_and_each_part_has_seen_those_before),
        TEST(an_element_put_in_while_another_empties_the_set_stays),
        TEST(long_elements_are_split_by_their_bytes),
        TEST(a_large_record_that_was_removed_is_brought_back_whole),
        TEST(a_value_too_large_for_any_change_is_refused),
    };
    return cmocka_run_group_tests_name("author_parts", tests, NULL, NULL);
}
