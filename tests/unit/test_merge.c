#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/proof/entropy.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"

/* ---- A record's live versions, and what arrives at it ---- */

enum { A = 1, B = 2, C = 3, LIVE_MAX = 64 };

#define DOTS(...)                                                                                                      \
    ((struct sat_dots){(const struct sat_dot[]){__VA_ARGS__},                                                          \
                       sizeof((const struct sat_dot[]){__VA_ARGS__}) / sizeof(struct sat_dot)})
#define NONE ((struct sat_dots){0})
#define DOT(device, counter) ((struct sat_dot){device, counter})

struct live {
    struct sat_version at[LIVE_MAX];
    uint32_t n;
};

static void arrive(struct live *live, struct sat_version y)
{
    bool drop[LIVE_MAX], dead;
    sat_merge_arrive(live->at, live->n, &y, drop, &dead);
    uint32_t left = 0;
    for (uint32_t i = 0; i < live->n; i++)
        if (!drop[i]) live->at[left++] = live->at[i];
    assert_true(left < LIVE_MAX);
    if (!dead) live->at[left++] = y;
    live->n = left;
}

static bool is_live(const struct live *live, struct sat_dot dot)
{
    for (uint32_t i = 0; i < live->n; i++)
        if (sat_dot_compare(live->at[i].dot, dot) == 0) return true;
    return false;
}

/* ---- MERGE 2 ---- */

static void a_change_replaces_what_it_has_seen(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), NONE, NONE});
    assert_int_equal(live.n, 1);
    assert_true(is_live(&live, DOT(B, 1)));
}

static void a_change_leaves_what_it_has_not_seen(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    arrive(&live, (struct sat_version){DOT(A, 2), DOTS({A, 1}), DOTS({A, 1}), NONE});
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), NONE, NONE});
    assert_int_equal(live.n, 2);
    assert_true(is_live(&live, DOT(A, 2)) && is_live(&live, DOT(B, 1)));
}

static void a_change_leaves_what_it_keeps(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), DOTS({A, 1}), NONE});
    assert_int_equal(live.n, 2);
}

static void a_change_leaves_its_holes(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), NONE, DOTS({A, 1})});
    assert_int_equal(live.n, 2);
}

static void what_was_replaced_before_it_came_stays_dead(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), NONE, NONE});
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    assert_int_equal(live.n, 1);
    assert_true(is_live(&live, DOT(B, 1)));
}

static void what_was_kept_before_it_came_is_live(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 2}), DOTS({A, 1}), DOTS({A, 2})});
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    arrive(&live, (struct sat_version){DOT(A, 2), NONE, NONE, NONE});
    assert_int_equal(live.n, 3);
}

static void the_same_change_twice_is_one(void **state)
{
    (void)state;
    struct live live = {0};
    struct sat_version version = {DOT(A, 1), NONE, NONE, NONE};
    arrive(&live, version);
    arrive(&live, version);
    assert_int_equal(live.n, 1);
}

static void one_live_change_that_replaces_it_is_enough(void **state)
{
    (void)state;
    struct live live = {0};
    arrive(&live, (struct sat_version){DOT(B, 1), DOTS({A, 1}), DOTS({A, 1}), NONE});
    arrive(&live, (struct sat_version){DOT(C, 1), DOTS({A, 1}), NONE, NONE});
    arrive(&live, (struct sat_version){DOT(A, 1), NONE, NONE, NONE});
    assert_int_equal(live.n, 2);
    assert_false(is_live(&live, DOT(A, 1)));
}

/* ---- Counterexample 11: what a reader of A's change knows is that change's `seen` too ---- */

static struct sat_dots vector_of(const struct live *live, struct sat_arena *arena, bool join_seen)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, arena);
    for (uint32_t i = 0; i < live->n; i++) {
        if (join_seen) sat_dots_add_all(&builder, live->at[i].seen);
        sat_dots_add(&builder, live->at[i].dot);
    }
    return sat_dots_as_vector(&builder);
}

/* B w x; A, having pulled, w x; the log is compacted: C sees a1 alone, and w x; the server is restored and b1 is given
 * back. */
static uint32_t live_after_give_back(bool join_seen)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_version b1 = {DOT(B, 1), NONE, NONE, NONE}, a1 = {DOT(A, 1), DOTS({B, 1}), NONE, NONE};
    struct live at_c = {0}, at_server = {0};
    arrive(&at_c, a1);
    struct sat_version c1 = {DOT(C, 1), vector_of(&at_c, &arena, join_seen), NONE, NONE};
    arrive(&at_c, c1);
    arrive(&at_server, c1);
    arrive(&at_server, b1);
    assert_true(is_live(&at_server, DOT(C, 1)));
    sat_arena_deinit(&arena);
    return at_server.n;
}

static void the_records_vector_joins_what_its_changes_have_seen(void **state)
{
    (void)state;
    assert_int_equal(live_after_give_back(true), 1);
    assert_int_equal(live_after_give_back(false), 2); /* the superseded b1 is back: the server differs from C */
}

/* ---- Any order ---- */

enum { REPLICAS = 3, CELLS = 3, WRITES = 12 };

struct write {
    struct sat_version version;
    unsigned cells; /* a bit each */
};

struct replica {
    struct live live;
    bool knows[WRITES];
    uint64_t counter;
};

struct life {
    struct sat_arena arena;
    struct sat_entropy entropy;
    struct sat_entropy_stream stream;
    struct replica replicas[REPLICAS];
    struct write writes[WRITES];
    uint32_t writes_n;
};

static uint32_t roll(struct life *life, uint32_t sides)
{
    uint32_t v;
    sat_entropy_fill(&life->entropy, &v, sizeof v);
    return v % sides;
}

static const struct write *write_of(const struct life *life, struct sat_dot dot)
{
    uint32_t w = 0;
    while (w < life->writes_n && sat_dot_compare(life->writes[w].version.dot, dot)) w++;
    assert_true(w < life->writes_n);
    return &life->writes[w];
}

/* Cells of x that no live change overwrote. */
static unsigned current_cells(const struct life *life, const struct live *live, const struct sat_version *x)
{
    unsigned cells = write_of(life, x->dot)->cells;
    for (uint32_t i = 0; i < live->n; i++)
        if (sat_vector_covers(live->at[i].seen, x->dot)) cells &= ~write_of(life, live->at[i].dot)->cells;
    return cells;
}

static void make_write(struct life *life, uint32_t r)
{
    struct replica *replica = &life->replicas[r];
    unsigned cells = 1 + roll(life, (1 << CELLS) - 1);
    struct sat_dots_builder kept;
    sat_dots_begin(&kept, &life->arena);
    for (uint32_t i = 0; i < replica->live.n; i++)
        if (current_cells(life, &replica->live, &replica->live.at[i]) & ~cells)
            sat_dots_add(&kept, replica->live.at[i].dot);
    struct sat_version version = {
        .dot = {r + 1, ++replica->counter},
        .seen = vector_of(&replica->live, &life->arena, true),
        .kept = sat_dots_as_set(&kept),
    };
    life->writes[life->writes_n] = (struct write){version, cells};
    replica->knows[life->writes_n++] = true;
    arrive(&replica->live, version);
}

static void pull(struct life *life, uint32_t to, uint32_t from)
{
    for (uint32_t w = 0; w < life->writes_n; w++) {
        if (!life->replicas[from].knows[w] || life->replicas[to].knows[w]) continue;
        life->replicas[to].knows[w] = true;
        arrive(&life->replicas[to].live, life->writes[w].version);
    }
}

static void expect_same_live(const struct live *a, const struct live *b)
{
    assert_int_equal(a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) assert_true(is_live(b, a->at[i].dot));
}

static void every_order_of_arrival_gives_the_same_live_changes(void **state)
{
    (void)state;
    const uint64_t seed = 11;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct life life = {0};
    life.entropy = sat_entropy_seeded(&life.stream, seed);
    sat_arena_init(&life.arena);
    for (unsigned round = 0; round < 2000; round++) {
        sat_arena_reset(&life.arena);
        memset(life.replicas, 0, sizeof life.replicas);
        life.writes_n = 0;
        while (life.writes_n < WRITES) {
            uint32_t r = roll(&life, REPLICAS);
            if (roll(&life, 2))
                make_write(&life, r);
            else
                pull(&life, r, roll(&life, REPLICAS));
        }
        struct live first = {0};
        for (uint32_t w = 0; w < WRITES; w++) arrive(&first, life.writes[w].version);
        for (unsigned order = 0; order < 4; order++) {
            uint32_t left[WRITES], n = WRITES;
            for (uint32_t w = 0; w < WRITES; w++) left[w] = w;
            struct live live = {0};
            while (n) {
                uint32_t pick = roll(&life, n);
                arrive(&live, life.writes[left[pick]].version);
                left[pick] = left[--n];
            }
            for (uint32_t w = 0; w < WRITES; w++) arrive(&live, life.writes[w].version); /* and all of it again */
            expect_same_live(&first, &live);
        }
    }
    sat_arena_deinit(&life.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_replaces_what_it_has_seen),
        cmocka_unit_test(a_change_leaves_what_it_has_not_seen),
        cmocka_unit_test(a_change_leaves_what_it_keeps),
        cmocka_unit_test(a_change_leaves_its_holes),
        cmocka_unit_test(what_was_replaced_before_it_came_stays_dead),
        cmocka_unit_test(what_was_kept_before_it_came_is_live),
        cmocka_unit_test(the_same_change_twice_is_one),
        cmocka_unit_test(one_live_change_that_replaces_it_is_enough),
        cmocka_unit_test(the_records_vector_joins_what_its_changes_have_seen),
        cmocka_unit_test(every_order_of_arrival_gives_the_same_live_changes),
    };
    return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
