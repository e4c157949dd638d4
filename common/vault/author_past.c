#include "common/vault/author_past.h"

#include <stdlib.h>
#include <string.h>

#include "common/sync/merge.h"
#include "common/sync/vector.h"

/* ---- Which change it is ---- */

static struct sat_hash said_by(const struct sat_root *root)
{
    struct sat_body body = root->itself->body;
    body.origin = (struct sat_span){0};
    return sat_origin_hash(root->record, &root->itself->header, &body);
}

struct sat_root sat_root_of(const struct sat_space_id *space, const struct sat_record_id *record,
                            const struct sat_source *source)
{
    struct sat_root root = {.record = record};
    if (sat_origin_decode(source->body.origin, &root.origin) == SAT_OK) return root;
    root.itself = source;
    root.origin = (struct sat_origin){.space = *space, .dot = source->dot, .rest = source->rest};
    if (sat_hash_is_zero(&source->rest)) root.origin.rest = said_by(&root);
    return root;
}

static bool says_so(const struct sat_root *root, const struct sat_origin *named)
{
    struct sat_origin as_said = root->origin;
    if (!root->itself) return false;
    as_said.rest = said_by(root);
    return sat_origin_same(&as_said, named);
}

/* Another one may have got the same dot in a copy of its home. Each is compared with all of a record's past: what it
 * says is hashed where the number agrees. */
static bool is_same(const struct sat_root *a, const struct sat_root *b)
{
    if (!sat_origin_equal(&a->origin, &b->origin)) return false;
    return sat_origin_same(&a->origin, &b->origin) || says_so(b, &a->origin) || says_so(a, &b->origin);
}

bool sat_root_is_repeated(const struct sat_root *root, const struct sat_source *copy)
{
    struct sat_root other = {0};
    return copy->readable && !sat_origin_decode(copy->body.origin, &other.origin) && is_same(&other, root);
}

/* ---- The past ---- */

static struct sat_source source_of(const struct sat_history_item *item)
{
    return (struct sat_source){.dot = item->dot,
                               .rest = item->rest,
                               .header = item->header,
                               .recv_ms = item->recv_ms,
                               .readable = item->readable,
                               .body = item->body};
}

static int compare_dots(const void *a, const void *b)
{
    return sat_dot_compare(((const struct sat_history_item *)a)->dot, ((const struct sat_history_item *)b)->dot);
}

/* The place of a root, and what it is: a comparison has no context. */
struct rooted {
    const struct sat_origin *origin;
    uint32_t place;
};

static int compare_origins(const struct sat_origin *a, const struct sat_origin *b)
{
    int spaces = memcmp(a->space.b, b->space.b, sizeof a->space.b);
    return spaces ? spaces : sat_dot_compare(a->dot, b->dot);
}

static int compare_rooted(const void *a, const void *b)
{
    const struct rooted *x = a, *y = b;
    int origins = compare_origins(x->origin, y->origin);
    return origins ? origins : x->place < y->place ? -1 : x->place > y->place;
}

static void sort_roots(struct sat_past *past, struct sat_arena *arena)
{
    struct rooted *rooted = sat_arena_array(arena, past->n, sizeof *rooted);
    for (uint32_t i = 0; i < past->n; i++) rooted[i] = (struct rooted){&past->roots[i].origin, i};
    if (past->n) qsort(rooted, past->n, sizeof *rooted, compare_rooted);
    for (uint32_t i = 0; i < past->n; i++) past->by_root[i] = rooted[i].place;
}

enum sat_err sat_past_load(const struct sat_vault *vault, const struct sat_space_row *space,
                           const struct sat_record_id *record, struct sat_arena *arena, struct sat_past *out)
{
    struct sat_history_item *items;
    uint32_t n = 0;
    *out = (struct sat_past){.space = *space};
    enum sat_err err = sat_record_history(vault, space->sid, record, arena, &items, &n);
    if (err) return err;
    if (n) qsort(items, n, sizeof *items, compare_dots);
    *out = (struct sat_past){.space = *space,
                             .items = sat_arena_array(arena, n, sizeof *out->items),
                             .roots = sat_arena_array(arena, n, sizeof *out->roots),
                             .live = sat_arena_array(arena, n, sizeof *out->live),
                             .stub = sat_arena_array(arena, n, sizeof *out->stub),
                             .seq = sat_arena_array(arena, n, sizeof *out->seq),
                             .by_root = sat_arena_array(arena, n, sizeof *out->by_root),
                             .n = n};
    for (uint32_t i = 0; i < n; i++) {
        out->items[i] = source_of(&items[i]);
        out->roots[i] = sat_root_of(&space->id, record, &out->items[i]);
        out->live[i] = items[i].live;
        out->stub[i] = items[i].stub;
        out->seq[i] = items[i].seq;
    }
    sort_roots(out, arena);
    return SAT_OK;
}

/* The first in order of the roots that is not before that one. */
static uint32_t find_root(const struct sat_past *past, const struct sat_origin *origin)
{
    uint32_t low = 0, high = past->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_origins(&past->roots[past->by_root[middle]].origin, origin) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool sat_past_repeats(const struct sat_past *past, const struct sat_root *root)
{
    for (uint32_t i = find_root(past, &root->origin); i < past->n; i++) {
        uint32_t place = past->by_root[i];
        if (compare_origins(&past->roots[place].origin, &root->origin) != 0) return false;
        if (sat_root_is_repeated(root, &past->items[place])) return true;
    }
    return false;
}

/* The first place that is not before that dot. */
static uint32_t find_dot(const struct sat_past *past, struct sat_dot dot)
{
    uint32_t low = 0, high = past->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sat_dot_compare(past->items[middle].dot, dot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_there(const struct sat_past *past, uint32_t place, struct sat_dot dot)
{
    return place < past->n && sat_dot_compare(past->items[place].dot, dot) == 0;
}

/* ---- Who knew what ---- */

bool sat_source_may_have_known(const struct sat_source *y, const struct sat_source *x)
{
    if (y->dot.device == x->dot.device) return x->dot.counter < y->dot.counter;
    return x->recv_ms && (!y->recv_ms || x->recv_ms <= y->recv_ms);
}

bool sat_source_covers(const struct sat_source *y, struct sat_dot dot)
{
    struct sat_version version = {y->dot, y->header.seen, y->header.kept, y->header.holes};
    return sat_merge_covers(&version, &dot);
}

enum { NEVER = 0, ALWAYS, BY_OTHERS };

/* One device's changes, in order, among those that may have taken a change away. */
struct device {
    uint32_t from, until;
    uint64_t taken; /* the first that did: a move, or what cannot be read; UINT64_MAX: none */
};

/* What became of one change. Each is looked at once for all who may have seen that change, however many wrote in the
 * record: whoever may write there chooses how long its past is. */
struct going {
    const struct sat_past *past;
    struct sat_dot dot;
    int left;            /* whether it has at all */
    uint32_t *takers, n; /* places of what may have taken it away, in order of the dots */
    uint64_t *earliest;  /* when the first came of each and those of its device behind it; UINT64_MAX: none did */
    struct device *devices;
    uint32_t devices_n;
    uint32_t *heirs, heirs_n; /* places of what replaced it, and had it in front of it */
};

/* May x have taken it away? What x covered is forgotten with its bytes. */
static bool may_cover(const struct going *going, uint32_t x, uint32_t place)
{
    const struct sat_past *past = going->past;
    if (!past->stub[x]) return sat_source_covers(&past->items[x], going->dot);
    return !is_there(past, place, going->dot) || sat_source_may_have_known(&past->items[x], &past->items[place]);
}

static void find_takers(struct going *going, uint32_t place, struct sat_arena *arena)
{
    const struct sat_past *past = going->past;
    going->takers = sat_arena_array(arena, past->n, sizeof *going->takers);
    for (uint32_t i = 0; i < past->n; i++)
        if (sat_dot_compare(past->items[i].dot, going->dot) != 0 && may_cover(going, i, place))
            going->takers[going->n++] = i;
    going->earliest = sat_arena_array(arena, going->n, sizeof *going->earliest);
    going->devices = sat_arena_array(arena, going->n, sizeof *going->devices);
    for (uint32_t i = 0; i < going->n; i++) {
        const struct sat_source *x = &past->items[going->takers[i]];
        if (i == 0 || past->items[going->takers[i - 1]].dot.device != x->dot.device)
            going->devices[going->devices_n++] = (struct device){.from = i, .taken = UINT64_MAX};
        struct device *device = &going->devices[going->devices_n - 1];
        device->until = i + 1;
        bool takes = !x->readable || sat_source_moves(x);
        if (takes && x->dot.counter < device->taken) device->taken = x->dot.counter;
    }
    for (uint32_t i = going->n; i-- > 0;) {
        const struct sat_source *x = &past->items[going->takers[i]];
        bool last = i + 1 == going->n || past->items[going->takers[i + 1]].dot.device != x->dot.device;
        going->earliest[i] = last ? UINT64_MAX : going->earliest[i + 1];
        if (x->recv_ms && x->recv_ms < going->earliest[i]) going->earliest[i] = x->recv_ms;
    }
}

/* The first among some takers, or heirs, of one device whose counter is above that one. */
static uint32_t find_above(const struct sat_past *past, const uint32_t *places, uint32_t from, uint32_t until,
                           uint64_t counter)
{
    while (from < until) {
        uint32_t middle = from + (until - from) / 2;
        if (past->items[places[middle]].dot.counter <= counter)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

static bool is_taker(const struct going *going, struct sat_dot dot)
{
    uint32_t place = find_dot(going->past, dot), low = 0, high = going->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (going->takers[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    return is_there(going->past, place, dot) && low < going->n && going->takers[low] == place;
}

/* Something of that device that y had seen, or, y being a copy, says nothing about. */
static bool took_away(const struct going *going, const struct device *device, const struct sat_source *y)
{
    const struct sat_past *past = going->past;
    uint32_t number = past->items[going->takers[device->from]].dot.device;
    uint64_t seen = sat_vector_counter(y->header.seen, number);
    if (device->taken <= seen) return true;
    if (!y->body.origin.len) return false;
    uint32_t next = find_above(past, going->takers, device->from, device->until, seen);
    if (next == device->until) return false;
    if (number == y->dot.device) return past->items[going->takers[next]].dot.counter < y->dot.counter;
    return going->earliest[next] != UINT64_MAX && (!y->recv_ms || going->earliest[next] <= y->recv_ms);
}

/* Had it gone when y was written, with a move, with something that y says it has not read, or, y being a copy, with
 * something that y says nothing about? The vector of y covers it by number alone then: a copy's author has copies of
 * his own from earlier moves below, and who sees a record that has left and come back does not see what went elsewhere
 * meanwhile. In doubt it had, as where it is forgotten, or unreadable, what took it away: a value that stands beside
 * its successor is no loss. */
static bool had_left(const struct going *going, const struct sat_source *y)
{
    if (going->left == NEVER || sat_dots_have(y->header.kept, going->dot)) return false; /* y had it in front of it */
    if (going->left == ALWAYS) return true;
    for (uint32_t i = 0; i < y->header.holes.n; i++)
        if (sat_dot_compare(y->header.holes.at[i], y->dot) != 0 && is_taker(going, y->header.holes.at[i])) return true;
    for (uint32_t i = 0; i < going->devices_n; i++)
        if (took_away(going, &going->devices[i], y)) return true;
    return false;
}

static void look_at(struct going *going, struct sat_arena *arena)
{
    const struct sat_past *past = going->past;
    uint32_t place = find_dot(past, going->dot);
    bool known = is_there(past, place, going->dot);
    uint64_t compacted = past->space.compacted;
    going->left = BY_OTHERS;
    if (known && past->live[place])
        going->left = NEVER;
    else if (compacted && (!known || (past->seq[place] && past->seq[place] <= compacted)))
        going->left = ALWAYS;
    if (going->left == NEVER) return;
    if (going->left == BY_OTHERS) find_takers(going, place, arena);
    going->heirs = sat_arena_array(arena, past->n, sizeof *going->heirs);
    for (uint32_t i = 0; i < past->n; i++) {
        const struct sat_source *by = &past->items[i];
        if (by->readable && !sat_source_moves(by) && sat_source_covers(by, going->dot) && !had_left(going, by))
            going->heirs[going->heirs_n++] = i;
    }
}

/* The first heir of the next device. */
static uint32_t next_device(const struct going *going, uint32_t from)
{
    const struct sat_past *past = going->past;
    uint32_t device = past->items[going->heirs[from]].dot.device, until = going->heirs_n;
    while (from < until) {
        uint32_t middle = from + (until - from) / 2;
        if (past->items[going->heirs[middle]].dot.device <= device)
            from = middle + 1;
        else
            until = middle;
    }
    return from;
}

/* Had it gone, and nothing that y has seen as well replaced it before? */
static bool had_gone(const struct going *going, const struct sat_source *y)
{
    const struct sat_past *past = going->past;
    if (!had_left(going, y)) return false;
    for (uint32_t i = 0; i < going->heirs_n;) {
        struct sat_dot heir = past->items[going->heirs[i]].dot;
        if (sat_source_saw(y, heir)) return false;
        bool later = sat_vector_covers(y->header.seen, heir); /* not read; the next of its device may have been */
        i = later ? i + 1 : next_device(going, i);
    }
    return true;
}

/* Of those who have seen it: had it not gone yet? */
static void add_seen(const struct sat_past *past, struct sat_dot dot, const struct sat_source *const *originals,
                     uint32_t n, struct sat_arena *arena, bool *seen)
{
    struct going going = {.past = past, .dot = dot};
    bool looked = false;
    for (uint32_t i = 0; i < n; i++) {
        if (seen[i] || !sat_source_saw(originals[i], dot)) continue;
        if (!looked) look_at(&going, arena);
        looked = true;
        seen[i] = !had_gone(&going, originals[i]);
    }
    sat_arena_reset(arena);
}

/* Is it what the record has here under that number? Where it has nothing there, the number is another's, or nobody has
 * it, or it is forgotten: in doubt nobody has seen it. */
static bool is_at_its_number(const struct sat_past *past, const struct sat_root *root)
{
    uint32_t place = find_dot(past, root->origin.dot);
    return is_there(past, place, root->origin.dot) && sat_space_equal(&root->origin.space, &past->space.id) &&
           is_same(&past->roots[place], root);
}

void sat_past_had_seen(const struct sat_past *past, const struct sat_root *root,
                       const struct sat_source *const *originals, uint32_t n, bool *seen)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < n; i++) seen[i] = false;
    if (is_at_its_number(past, root)) add_seen(past, root->origin.dot, originals, n, &arena, seen);
    for (uint32_t i = find_root(past, &root->origin); i < past->n; i++) {
        uint32_t place = past->by_root[i];
        if (compare_origins(&past->roots[place].origin, &root->origin) != 0) break;
        if (past->items[place].readable && is_same(&past->roots[place], root))
            add_seen(past, past->items[place].dot, originals, n, &arena, seen);
    }
    sat_arena_deinit(&arena);
}
