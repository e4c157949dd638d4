/* Many claims to one cell: what is dominated, found without comparing all with all, against the rule itself applied to
 * all pairs. */
#include "tests/unit/cells_record.h"

#include <time.h>

#include "common/base/limits.h"
#include "common/proof/entropy.h"
#include "common/sync/vector.h"

enum { CELLS = 3, DEVICES = 4, ROUNDS = 3000 };

static uint32_t roll(struct sat_entropy *entropy, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(entropy, &v, sizeof v);
    return v % sides;
}

/* ---- By the rule ---- */

static const struct sat_cell *cell_of(const struct sat_source *source, uint16_t field)
{
    for (uint32_t c = 0; c < source->body.cells_n; c++)
        if (source->body.cells[c].field == field) return &source->body.cells[c];
    return NULL;
}

static bool dominates(const struct sat_source *y, const struct sat_source *x, uint16_t field)
{
    return y != x && y->readable && y->body.type == x->body.type && cell_of(y, field) &&
           sat_vector_covers(y->header.seen, x->dot) && !sat_dots_have(y->header.holes, x->dot);
}

static bool is_current(const struct record *record, const struct sat_source *x, uint16_t field)
{
    for (uint32_t i = 0; i < record->n; i++)
        if (dominates(&record->sources[i], x, field)) return false;
    return x->readable && cell_of(x, field);
}

/* ---- Any changes, sound or not ---- */

static void make_random(struct record *record, struct sat_entropy *entropy, uint32_t n, uint32_t holes_in)
{
    sat_arena_reset(&record->arena);
    record->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sat_dots_builder seen, holes;
        sat_dots_begin(&seen, &record->arena);
        sat_dots_begin(&holes, &record->arena);
        for (uint32_t device = 1; device <= DEVICES + 1; device++) {
            if (roll(entropy, 3) == 0)
                sat_dots_add(&seen, (struct sat_dot){device, 1 + roll(entropy, n / DEVICES + 2)});
            if (holes_in && roll(entropy, holes_in) == 0)
                sat_dots_add(&holes, (struct sat_dot){device, 1 + roll(entropy, n / DEVICES + 2)});
        }
        struct sat_source *source =
            change(record, 1 + i % DEVICES, 1 + i / DEVICES, 1 + roll(entropy, 5), sat_dots_as_vector(&seen));
        source->header.holes = sat_dots_as_set(&holes);
        source->readable = roll(entropy, 10) != 0;
        for (uint16_t field = 1; field <= CELLS; field++)
            if (roll(entropy, 3))
                put(source, (struct sat_cell){.field = field, .value = {.kind = SAT_VALUE_INT, .integer = i}});
    }
}

/* Each value is its source's alone, so the alternatives say which sources are siblings. */
static void expect_siblings_by_the_rule(const struct record *record, uint16_t field)
{
    const struct sat_merged *merged = sat_merged_cell(&record->merged, field, (struct sat_span){0});
    uint32_t claims = 0, current = 0;
    for (uint32_t i = 0; i < record->n; i++) {
        claims += record->sources[i].readable && cell_of(&record->sources[i], field);
        current += is_current(record, &record->sources[i], field);
    }
    assert_int_equal(merged ? merged->alternatives_n : 0, current ? current : claims); /* a ring: all stay */
    for (uint32_t a = 0; merged && current && a < merged->alternatives_n; a++)
        assert_true(is_current(record, merged->alternatives[a].source, field));
}

/* A writer of field 1 keeps what is current at another field. What stands beside holes may be more. */
static void expect_kept_by_the_rule(const struct record *record, bool holes)
{
    const struct sat_cell written = {.field = 1};
    bool keep[SOURCES_MAX];
    sat_cells_keep(record->sources, record->n, &written, 1, keep);
    for (uint32_t i = 0; i < record->n; i++) {
        bool current = is_current(record, &record->sources[i], 2) || is_current(record, &record->sources[i], 3);
        assert_true(keep[i] == current || (holes && keep[i]));
    }
}

static void compare_with_the_rule(struct record *record, uint32_t holes_in)
{
    const uint64_t seed = 11 + holes_in;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, seed);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        make_random(record, &entropy, 1 + roll(&entropy, SOURCES_MAX), holes_in);
        merge(record);
        for (uint16_t field = 1; field <= CELLS; field++) expect_siblings_by_the_rule(record, field);
        expect_kept_by_the_rule(record, holes_in != 0);
    }
}

static void siblings_are_those_of_the_rule(void **state)
{
    compare_with_the_rule(*state, 0);
}

static void siblings_are_those_of_the_rule_beside_holes(void **state)
{
    compare_with_the_rule(*state, 30);
}

static void where_all_have_holes_siblings_are_those_of_the_rule(void **state)
{
    compare_with_the_rule(*state, 1);
}

/* ---- As many as there may be ---- */

static void thousands_of_claims_to_a_cell_are_merged_quickly(void **state)
{
    (void)state;
    enum { MANY = SAT_RECORD_LIVE_MAX };
    static struct sat_source sources[MANY];
    static struct sat_cell cells[MANY];
    static bool keep[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        cells[i] = (struct sat_cell){.field = NAME, .value = {.kind = SAT_VALUE_INT, .integer = 1}};
        sources[i] = (struct sat_source){.dot = {1 + i % DEVICES, 1 + i},
                                         .effective = i,
                                         .readable = true,
                                         .body = {.type = ACCOUNT, .schema = 1, .cells = &cells[i], .cells_n = 1}};
    }
    struct sat_arena arena;
    struct sat_merged_record merged;
    sat_arena_init(&arena);
    clock_t began = clock();
    sat_cells_merge(sources, MANY, &arena, &merged);
    sat_cells_keep(sources, MANY, NULL, 0, keep);
    double took = (double)(clock() - began) / CLOCKS_PER_SEC;
    print_message("%d siblings merged in %.4f s of processor time\n", MANY, took);
    assert_int_equal(merged.cells_n, 1);
    for (uint32_t i = 0; i < MANY; i++) assert_true(keep[i]);
    assert_true(took < 0.05);
    sat_arena_deinit(&arena);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(siblings_are_those_of_the_rule),
        TEST(siblings_are_those_of_the_rule_beside_holes),
        TEST(where_all_have_holes_siblings_are_those_of_the_rule),
        TEST(thousands_of_claims_to_a_cell_are_merged_quickly),
    };
    return cmocka_run_group_tests_name("cells_crowd", tests, NULL, NULL);
}
