/* What a record's past says of who had seen what: quickly, and by the definition, which looks at everything for each
 * answer. Random pasts, in which much is missing; and how the work grows with a past that somebody made long. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/base/bytes.h"
#include "common/proof/entropy.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/author_past.h"
#include "common/vault/types.h"

enum { ITEMS_MAX = 256, DEVICES = 3, ROOTS = 3, LIVES = 3000, FEW = 60, MANY = 120, FIRST_HASH = 100 };

static uint64_t looked; /* how often something was asked about a vector or a set of dots */

bool __real_sat_dots_have(struct sat_dots dots, struct sat_dot dot);
bool __wrap_sat_dots_have(struct sat_dots dots, struct sat_dot dot);
bool __wrap_sat_dots_have(struct sat_dots dots, struct sat_dot dot)
{
    looked++;
    return __real_sat_dots_have(dots, dot);
}
uint64_t __real_sat_vector_counter(struct sat_dots vector, uint32_t device);
uint64_t __wrap_sat_vector_counter(struct sat_dots vector, uint32_t device);
uint64_t __wrap_sat_vector_counter(struct sat_dots vector, uint32_t device)
{
    looked++;
    return __real_sat_vector_counter(vector, device);
}

/* ---- By the definition ---- */

static uint32_t place_of(const struct sat_past *past, struct sat_dot dot)
{
    uint32_t place = 0;
    while (place < past->n && sat_dot_compare(past->items[place].dot, dot) != 0) place++;
    return place;
}

static bool may_cover(const struct sat_past *past, uint32_t x, uint32_t place, struct sat_dot dot)
{
    if (!past->stub[x]) return sat_source_covers(&past->items[x], dot);
    return place == past->n || sat_source_may_have_known(&past->items[x], &past->items[place]);
}

static bool had_left(const struct sat_past *past, const struct sat_source *y, struct sat_dot dot)
{
    uint32_t place = place_of(past, dot);
    bool known = place < past->n, copy = y->body.origin.len != 0;
    if ((known && past->live[place]) || sat_dots_have(y->header.kept, dot)) return false;
    if (past->space.compacted && (!known || (past->seq[place] && past->seq[place] <= past->space.compacted)))
        return true;
    for (uint32_t i = 0; i < past->n; i++) {
        const struct sat_source *x = &past->items[i];
        if (sat_dot_compare(x->dot, y->dot) == 0 || sat_dot_compare(x->dot, dot) == 0) continue;
        if (!may_cover(past, i, place, dot)) continue;
        if (sat_dots_have(y->header.holes, x->dot)) return true;
        if (sat_source_saw(y, x->dot) ? !x->readable || sat_source_moves(x) : copy && sat_source_may_have_known(y, x))
            return true;
    }
    return false;
}

static bool had_gone(const struct sat_past *past, const struct sat_source *y, struct sat_dot dot)
{
    if (!had_left(past, y, dot)) return false;
    for (uint32_t i = 0; i < past->n; i++) {
        const struct sat_source *by = &past->items[i];
        if (!by->readable || sat_source_moves(by) || !sat_source_saw(y, by->dot) || !sat_source_covers(by, dot))
            continue;
        if (!had_left(past, by, dot)) return false;
    }
    return true;
}

static bool is_same(const struct sat_root *a, const struct sat_root *b)
{
    return sat_origin_same(&a->origin, &b->origin);
}

static bool had_seen(const struct sat_past *past, const struct sat_source *y, const struct sat_root *root)
{
    uint32_t place = place_of(past, root->origin.dot);
    bool seen = place < past->n && sat_space_equal(&root->origin.space, &past->space.id) &&
                is_same(&past->roots[place], root) && sat_source_saw(y, root->origin.dot) &&
                !had_gone(past, y, root->origin.dot);
    for (uint32_t i = 0; i < past->n && !seen; i++)
        seen = past->items[i].readable && sat_source_saw(y, past->items[i].dot) && is_same(&past->roots[i], root) &&
               !had_gone(past, y, past->items[i].dot);
    return seen;
}

/* ---- A past ---- */

struct made {
    struct sat_arena arena;
    struct sat_entropy_stream state;
    struct sat_entropy dice;
    struct sat_past past;
    struct sat_record_id record;
    const struct sat_source *originals[ITEMS_MAX];
    uint32_t originals_n;
};

static uint32_t roll(struct made *made, uint32_t sides)
{
    uint32_t number;
    sat_entropy_fill(&made->dice, &number, sizeof number);
    return number % sides;
}

static struct sat_dots some_dots(struct made *made, uint32_t sides)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &made->arena);
    for (uint32_t i = 0; i < made->past.n; i++)
        if (roll(made, sides) == 0) sat_dots_add(&builder, made->past.items[i].dot);
    return sat_dots_as_set(&builder);
}

static struct sat_dots some_vector(struct made *made)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &made->arena);
    for (uint32_t device = 1; device <= DEVICES; device++) {
        uint64_t counter = roll(made, made->past.n / DEVICES + 3);
        if (counter) sat_dots_add(&builder, (struct sat_dot){device, counter});
    }
    return sat_dots_as_vector(&builder);
}

static struct sat_span some_origin(struct made *made, uint32_t number)
{
    struct sat_buf bytes;
    struct sat_origin origin = {.dot = {1, number + 1}};
    origin.space.b[0] = number == 0; /* one of them is of this space, and its first change */
    origin.rest.b[0] = number == 0 ? FIRST_HASH : (uint8_t)(number + 1);
    sat_buf_init(&bytes);
    sat_origin_encode(&origin, &bytes);
    struct sat_span out = sat_span_copy(&made->arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return out;
}

static struct sat_body some_body(struct made *made, uint32_t moves_in, uint32_t copies_in, uint32_t roots)
{
    struct sat_body body = {.type = 1};
    if (roll(made, moves_in) == 0) {
        struct sat_cell *cell = sat_arena_array(&made->arena, 1, sizeof *cell);
        *cell = (struct sat_cell){.field = SAT_FIELD_MOVED, .value = {.kind = SAT_VALUE_REF}};
        body.cells = cell;
        body.cells_n = 1;
    } else if (roll(made, copies_in) == 0) {
        body.origin = some_origin(made, roll(made, roots));
    }
    return body;
}

static void sort_roots(struct sat_past *past)
{
    for (uint32_t i = 0; i < past->n; i++) {
        uint32_t at = i;
        for (; at > 0; at--) {
            const struct sat_origin *a = &past->roots[past->by_root[at - 1]].origin, *b = &past->roots[i].origin;
            int spaces = memcmp(a->space.b, b->space.b, sizeof a->space.b);
            if (spaces < 0 || (spaces == 0 && sat_dot_compare(a->dot, b->dot) <= 0)) break;
            past->by_root[at] = past->by_root[at - 1];
        }
        past->by_root[at] = i;
    }
}

static void make(struct made *made, uint64_t seed, uint32_t n, uint32_t copies_in, uint32_t roots)
{
    *made = (struct made){.record = {{7}}};
    made->dice = sat_entropy_seeded(&made->state, seed);
    sat_arena_init(&made->arena);
    struct sat_past *past = &made->past;
    past->n = n;
    past->space.id.b[0] = 1;
    past->space.compacted = roll(made, 4) == 0 ? 3 : 0;
    past->items = sat_arena_array(&made->arena, n, sizeof *past->items);
    past->roots = sat_arena_array(&made->arena, n, sizeof *past->roots);
    past->live = sat_arena_array(&made->arena, n, sizeof *past->live);
    past->stub = sat_arena_array(&made->arena, n, sizeof *past->stub);
    past->seq = sat_arena_array(&made->arena, n, sizeof *past->seq);
    past->by_root = sat_arena_array(&made->arena, n, sizeof *past->by_root);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t device = 1 + i * DEVICES / n;
        bool goes_on = i && past->items[i - 1].dot.device == device;
        past->items[i].dot = (struct sat_dot){device, goes_on ? past->items[i - 1].dot.counter + 1 : 1};
    }
    for (uint32_t i = 0; i < n; i++) {
        struct sat_source *item = &past->items[i];
        past->stub[i] = roll(made, 10) == 0;
        item->rest.b[0] = (uint8_t)(FIRST_HASH + i);
        item->recv_ms = roll(made, 5) ? 1 + roll(made, 20) : 0;
        item->readable = !past->stub[i] && roll(made, 10) != 0;
        if (!past->stub[i]) item->header = (struct sat_header){.seen = some_vector(made)};
        if (!past->stub[i]) item->header.kept = some_dots(made, 6);
        if (!past->stub[i]) item->header.holes = some_dots(made, 12);
        if (item->readable) item->body = some_body(made, 6, copies_in, roots);
        past->live[i] = roll(made, 6) == 0;
        past->seq[i] = roll(made, 6) ? 1 + i : 0;
        past->roots[i] = sat_root_of(&past->space.id, &made->record, item);
        if (item->readable && !sat_source_moves(item)) made->originals[made->originals_n++] = item;
    }
    sort_roots(past);
}

static void the_quick_answer_is_that_of_the_definition(void **state)
{
    (void)state;
    uint32_t answers[2] = {0, 0};
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct made made;
        bool seen[ITEMS_MAX];
        make(&made, seed, 3 + (uint32_t)(seed % 12), 2, ROOTS);
        for (uint32_t k = 0; k < made.past.n; k++) {
            sat_past_had_seen(&made.past, &made.past.roots[k], made.originals, made.originals_n, seen);
            for (uint32_t i = 0; i < made.originals_n; i++) {
                bool wanted = had_seen(&made.past, made.originals[i], &made.past.roots[k]);
                answers[wanted]++;
                if (seen[i] != wanted)
                    fail_msg("seed %llu, root %u, original %u: %d", (unsigned long long)seed, k, i, seen[i]);
            }
        }
        sat_arena_deinit(&made.arena);
    }
    assert_true(answers[0] > 1000 && answers[1] > 1000); /* there was something to tell apart */
}

struct work {
    uint64_t quick, defined;
};

/* Those who ask have seen all of it, and what took it away. */
static struct work count_looks(uint32_t n)
{
    struct made made;
    struct work out;
    bool seen[ITEMS_MAX];
    make(&made, 11, n, 1, 1); /* all are copies of one */
    const struct sat_root *root = &made.past.roots[made.originals[0] - made.past.items];
    looked = 0;
    sat_past_had_seen(&made.past, root, made.originals, made.originals_n, seen);
    out.quick = looked;
    looked = 0;
    for (uint32_t i = 0; i < made.originals_n; i++)
        if (had_seen(&made.past, made.originals[i], root) != seen[i]) fail_msg("%u", i);
    out.defined = looked;
    sat_arena_deinit(&made.arena);
    return out;
}

static void the_work_grows_no_more_than_with_the_square_of_the_past(void **state)
{
    (void)state;
    struct work few = count_looks(FEW), many = count_looks(MANY);
    if (many.quick > 5 * few.quick || many.quick * 8 > many.defined)
        fail_msg("%d: %llu (by the definition %llu), %d: %llu (%llu)", FEW, (unsigned long long)few.quick,
                 (unsigned long long)few.defined, MANY, (unsigned long long)many.quick,
                 (unsigned long long)many.defined);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quick_answer_is_that_of_the_definition),
        cmocka_unit_test(the_work_grows_no_more_than_with_the_square_of_the_past),
    };
    return cmocka_run_group_tests_name("author past", tests, NULL, NULL);
}
