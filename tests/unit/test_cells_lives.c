#include "tests/unit/cells_record.h"

#include <stdio.h>
#include <string.h>

#include "common/proof/entropy.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"

/* ---- Any order ---- */

struct text {
    char at[4096];
    size_t len;
};

static void print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text->at + text->len, sizeof text->at - text->len, format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof text->at - text->len);
    text->len += (size_t)len;
}

static void print_value(struct text *text, const struct sat_value *value, struct sat_dot dot)
{
    print(text, "%d:%d:%lld@%u.%llu ", value->kind, value->truth, (long long)value->integer, dot.device,
          (unsigned long long)dot.counter);
}

static void describe(const struct sat_merged_record *record, struct text *text)
{
    text->len = 0;
    print(text, "type %u exists %d deleted %d conflicts %u\n", record->type, record->exists, record->deleted,
          record->conflicts);
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *merged = &record->cells[i];
        print(text, "%u %.*s = ", merged->field, (int)merged->element.len, (const char *)merged->element.at);
        print_value(text, &merged->value, merged->source->dot);
        for (uint32_t a = 0; a < merged->alternatives_n; a++)
            print_value(text, &merged->alternatives[a].value, merged->alternatives[a].source->dot);
        print(text, "\n");
    }
}

static uint32_t roll(struct sat_entropy *entropy, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(entropy, &v, sizeof v);
    return v % sides;
}

/* Any set of changes, sound or not: few devices, few times, few values, so that everything collides. */
static void make_random(struct record *record, struct sat_entropy *entropy, uint32_t n)
{
    sat_arena_reset(&record->arena);
    record->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct sat_dots_builder seen, holes;
        sat_dots_begin(&seen, &record->arena);
        sat_dots_begin(&holes, &record->arena);
        for (uint32_t device = 1; device <= 3; device++) {
            if (roll(entropy, 2)) sat_dots_add(&seen, (struct sat_dot){device, 1 + roll(entropy, 3)});
            if (roll(entropy, 6) == 0) sat_dots_add(&holes, (struct sat_dot){device, 1 + roll(entropy, 3)});
        }
        struct sat_source *source =
            change(record, 1 + i % 3, 1 + i / 3, 1 + roll(entropy, 3), sat_dots_as_vector(&seen));
        source->header.holes = sat_dots_as_set(&holes);
        source->readable = roll(entropy, 8) != 0;
        source->body.type = (uint16_t)(1 + roll(entropy, 2));
        if (roll(entropy, 3) == 0) set_deleted(source, roll(entropy, 3) != 0);
        if (roll(entropy, 2)) tag(source, "vip", roll(entropy, 2) != 0);
        if (roll(entropy, 2))
            put(source,
                (struct sat_cell){.field = NAME, .value = {.kind = SAT_VALUE_INT, .integer = roll(entropy, 3)}});
    }
}

static void swap(struct sat_source *a, struct sat_source *b)
{
    struct sat_source c = *a;
    *a = *b;
    *b = c;
}

/* Calls itself for every order of the sources from `from` on. */
static void expect_in_every_order(struct record *record, uint32_t from, const struct text *expected)
{
    if (from == record->n) {
        static struct text got;
        struct sat_arena arena;
        sat_arena_init(&arena);
        struct sat_merged_record merged;
        sat_cells_merge(record->sources, record->n, &arena, &merged);
        describe(&merged, &got);
        assert_string_equal(got.at, expected->at);
        sat_arena_deinit(&arena);
        return;
    }
    for (uint32_t i = from; i < record->n; i++) {
        swap(&record->sources[from], &record->sources[i]);
        expect_in_every_order(record, from + 1, expected);
        swap(&record->sources[from], &record->sources[i]);
    }
}

static void every_order_of_the_changes_gives_the_same_record(void **state)
{
    struct record *record = *state;
    const uint64_t seed = 5;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, seed);
    for (unsigned round = 0; round < 400; round++) {
        static struct text expected;
        make_random(record, &entropy, 1 + round % 5);
        describe(merge(record), &expected);
        expect_in_every_order(record, 0, &expected);
    }
}

/* ---- Lives: against an oracle that does not know about vectors ----
 *
 * Three replicas write, pull from each other, and now and then cannot read what they pull. The oracle's rule: a written
 * value is visible at the end iff nobody wrote over it having it in front of his eyes. The replicas drop what `kept`
 * allows them to drop. */

enum { REPLICAS = 3, WRITES = 14, CELLS = 3 };

struct write {
    struct sat_version version;
    unsigned cells;                /* a bit each */
    bool overwrote[CELLS][WRITES]; /* of these cells: the writes that were visible to the author */
};

struct replica {
    bool knows[WRITES], blind[WRITES]; /* blind: cannot read it */
    struct sat_version live[WRITES];
    uint32_t live_n;
    uint64_t counter;
};

struct life {
    struct record *record;
    struct sat_arena arena; /* of the vectors, for one life */
    struct sat_entropy entropy;
    struct sat_entropy_stream stream;
    struct replica replicas[REPLICAS];
    struct write writes[WRITES];
    uint32_t writes_n;
    bool ignore_kept; /* on purpose, to see the oracle bite */
};

static uint32_t index_of(const struct life *life, struct sat_dot dot)
{
    for (uint32_t w = 0; w < life->writes_n; w++)
        if (sat_dot_compare(life->writes[w].version.dot, dot) == 0) return w;
    fail_msg("no such write");
    return 0;
}

static void arrive(struct life *life, struct replica *replica, struct sat_version y)
{
    bool drop[WRITES], dead;
    if (life->ignore_kept) y.kept = NONE;
    sat_merge_arrive(replica->live, replica->live_n, &y, drop, &dead);
    uint32_t left = 0;
    for (uint32_t i = 0; i < replica->live_n; i++)
        if (!drop[i]) replica->live[left++] = replica->live[i];
    if (!dead) replica->live[left++] = y;
    replica->live_n = left;
}

/* The replica's live changes as sources, each cell's value being the number of its write. */
static void view(struct life *life, const struct replica *replica)
{
    struct record *record = life->record;
    record->n = 0;
    for (uint32_t i = 0; i < replica->live_n; i++) {
        uint32_t w = index_of(life, replica->live[i].dot);
        struct sat_source *source =
            change(record, replica->live[i].dot.device, replica->live[i].dot.counter, 1, replica->live[i].seen);
        source->header.kept = replica->live[i].kept;
        source->header.holes = replica->live[i].holes;
        source->readable = !replica->blind[w];
        for (uint16_t c = 0; c < CELLS; c++)
            if (life->writes[w].cells & 1u << c)
                put(source,
                    (struct sat_cell){.field = (uint16_t)(c + 1), .value = {.kind = SAT_VALUE_INT, .integer = w}});
    }
    sat_arena_reset(&record->arena);
    merge(record);
}

/* By the oracle: is w's value of cell c visible to who knows and can read `knows`? */
static bool visible(const struct life *life, const struct replica *replica, uint32_t w, uint32_t c)
{
    if (!replica->knows[w] || replica->blind[w] || !(life->writes[w].cells & 1u << c)) return false;
    for (uint32_t v = 0; v < life->writes_n; v++)
        if (replica->knows[v] && !replica->blind[v] && life->writes[v].overwrote[c][w]) return false;
    return true;
}

static void make_write(struct life *life, uint32_t r)
{
    struct replica *replica = &life->replicas[r];
    struct record *record = life->record;
    struct write *write = &life->writes[life->writes_n];
    *write = (struct write){.cells = 1 + roll(&life->entropy, (1 << CELLS) - 1)};
    for (uint32_t c = 0; c < CELLS; c++)
        for (uint32_t w = 0; w < life->writes_n; w++)
            write->overwrote[c][w] = (write->cells & 1u << c) && visible(life, replica, w, c);
    view(life, replica);
    struct sat_dots_builder seen, kept, holes;
    sat_dots_begin(&seen, &life->arena);
    sat_dots_begin(&kept, &life->arena);
    sat_dots_begin(&holes, &life->arena);
    for (uint32_t i = 0; i < record->n; i++) {
        sat_dots_add_all(&seen, record->sources[i].header.seen);
        sat_dots_add(&seen, record->sources[i].dot);
        if (!record->sources[i].readable) sat_dots_add(&holes, record->sources[i].dot);
    }
    write->version = (struct sat_version){
        .dot = {r + 1, ++replica->counter}, .seen = sat_dots_as_vector(&seen), .holes = sat_dots_as_set(&holes)};
    struct sat_cell written[CELLS];
    uint32_t written_n = 0;
    for (uint16_t c = 0; c < CELLS; c++)
        if (write->cells & 1u << c) written[written_n++] = (struct sat_cell){.field = (uint16_t)(c + 1)};
    bool keep[SOURCES_MAX];
    sat_cells_keep(record->sources, record->n, written, written_n, keep);
    for (uint32_t i = 0; i < record->n; i++)
        if (record->sources[i].readable && (write->version.holes.n || keep[i]))
            sat_dots_add(&kept, record->sources[i].dot);
    write->version.kept = sat_dots_as_set(&kept);
    replica->knows[life->writes_n++] = true;
    arrive(life, replica, write->version);
}

static void pull(struct life *life, struct replica *to, const struct replica *from, bool may_be_blind)
{
    for (uint32_t w = 0; w < life->writes_n; w++) {
        if (!from->knows[w] || to->knows[w]) continue;
        to->knows[w] = true;
        to->blind[w] = may_be_blind && roll(&life->entropy, 10) == 0;
        arrive(life, to, life->writes[w].version);
    }
}

/* What everybody sees in the end is what the oracle says; how many cells differ. */
static unsigned differences(struct life *life)
{
    struct replica all = {0};
    for (uint32_t r = 0; r < REPLICAS; r++) pull(life, &all, &life->replicas[r], false);
    view(life, &all);
    unsigned wrong = 0;
    for (uint32_t c = 0; c < CELLS; c++) {
        const struct sat_merged *merged =
            sat_merged_cell(&life->record->merged, (uint16_t)(c + 1), (struct sat_span){0});
        for (uint32_t w = 0; w < life->writes_n; w++) {
            bool found = false;
            for (uint32_t a = 0; merged && a < merged->alternatives_n; a++)
                found |= merged->alternatives[a].value.integer == (int64_t)w;
            wrong += found != visible(life, &all, w, c);
        }
    }
    return wrong;
}

static unsigned bad_lives(struct record *record, unsigned lives, bool blind, bool ignore_kept)
{
    static struct life life;
    const uint64_t seed = 2024;
    print_message("seed %llu\n", (unsigned long long)seed);
    life = (struct life){.record = record, .ignore_kept = ignore_kept};
    life.entropy = sat_entropy_seeded(&life.stream, seed);
    sat_arena_init(&life.arena);
    unsigned bad = 0;
    for (unsigned n = 0; n < lives; n++) {
        sat_arena_reset(&life.arena);
        memset(life.replicas, 0, sizeof life.replicas);
        life.writes_n = 0;
        while (life.writes_n < WRITES) {
            uint32_t r = roll(&life.entropy, REPLICAS);
            if (roll(&life.entropy, 2))
                make_write(&life, r);
            else
                pull(&life, &life.replicas[r], &life.replicas[roll(&life.entropy, REPLICAS)], blind);
        }
        bad += differences(&life) > 0;
    }
    sat_arena_deinit(&life.arena);
    return bad;
}

static void no_value_is_lost_and_none_comes_back(void **state)
{
    assert_int_equal(bad_lives(*state, 3000, false, false), 0);
}

static void no_value_is_lost_and_none_comes_back_where_some_cannot_be_read(void **state)
{
    assert_int_equal(bad_lives(*state, 6000, true, false), 0);
}

static void the_oracle_notices_when_kept_is_ignored(void **state)
{
    assert_true(bad_lives(*state, 300, false, true) > 100);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_order_of_the_changes_gives_the_same_record),
        TEST(no_value_is_lost_and_none_comes_back),
        TEST(no_value_is_lost_and_none_comes_back_where_some_cannot_be_read),
        TEST(the_oracle_notices_when_kept_is_ignored),
    };
    return cmocka_run_group_tests_name("cells_lives", tests, NULL, NULL);
}
