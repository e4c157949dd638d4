#include "common/vault/author_past.h"

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

enum sat_err sat_past_load(const struct sat_vault *vault, const struct sat_space_row *space,
                           const struct sat_record_id *record, struct sat_arena *arena, struct sat_past *out)
{
    *out = (struct sat_past){.space = *space, .record = *record};
    return sat_record_history(vault, space->sid, record, arena, &out->items, &out->n);
}

bool sat_past_repeats(const struct sat_past *past, const struct sat_root *root)
{
    for (uint32_t i = 0; i < past->n; i++) {
        struct sat_source source = source_of(&past->items[i]);
        if (sat_root_is_repeated(root, &source)) return true;
    }
    return false;
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

static const struct sat_history_item *item_of(const struct sat_past *past, struct sat_dot dot)
{
    for (uint32_t i = 0; i < past->n; i++)
        if (sat_dot_compare(past->items[i].dot, dot) == 0) return &past->items[i];
    return NULL;
}

/* May x have taken that change away? What x covered is forgotten with its bytes. */
static bool may_cover(const struct sat_history_item *x, const struct sat_history_item *item, struct sat_dot dot)
{
    struct sat_source source = source_of(x), of = {.dot = dot};
    if (!x->stub) return sat_source_covers(&source, dot);
    if (item) of = source_of(item);
    return !item || sat_source_may_have_known(&source, &of);
}

/* Had it gone when y was written, with a move, with something that y says it has not read, or, y being a copy, with
 * something that y says nothing about? The vector of y covers it by number alone then: a copy's author has copies of
 * his own from earlier moves below, and who sees a record that has left and come back does not see what went elsewhere
 * meanwhile. In doubt it had, as where it is forgotten, or unreadable, what took it away: a value that stands beside
 * its successor is no loss. */
static bool had_left(const struct sat_past *past, const struct sat_source *y, struct sat_dot dot)
{
    const struct sat_history_item *item = item_of(past, dot);
    bool copy = y->body.origin.len != 0;
    if ((item && item->live) || sat_dots_have(y->header.kept, dot)) return false; /* y had it in front of it */
    if (past->space.compacted && (!item || (item->seq && item->seq <= past->space.compacted))) return true;
    for (uint32_t i = 0; i < past->n; i++) {
        struct sat_source x = source_of(&past->items[i]);
        if (sat_dot_compare(x.dot, y->dot) == 0 || sat_dot_compare(x.dot, dot) == 0) continue;
        if (!may_cover(&past->items[i], item, dot)) continue;
        if (sat_dots_have(y->header.holes, x.dot)) return true;
        if (sat_source_saw(y, x.dot) ? !x.readable || sat_source_moves(&x) : copy && sat_source_may_have_known(y, &x))
            return true;
    }
    return false;
}

/* … but not, where something that y has seen as well had replaced it before. */
static bool had_gone(const struct sat_past *past, const struct sat_source *y, struct sat_dot dot)
{
    if (!had_left(past, y, dot)) return false;
    for (uint32_t i = 0; i < past->n; i++) {
        struct sat_source by = source_of(&past->items[i]);
        if (!by.readable || sat_source_moves(&by) || !sat_source_saw(y, by.dot) || !sat_source_covers(&by, dot))
            continue;
        if (!had_left(past, &by, dot)) return false;
    }
    return true;
}

/* Is it what the record has here under that number? Where it has nothing there, the number is another's, or nobody has
 * it, or it is forgotten: in doubt nobody has seen it. */
static bool is_at_its_number(const struct sat_past *past, const struct sat_root *root)
{
    const struct sat_history_item *item = item_of(past, root->origin.dot);
    if (!item || !sat_space_equal(&root->origin.space, &past->space.id)) return false;
    struct sat_source source = source_of(item);
    struct sat_root here = sat_root_of(&past->space.id, &past->record, &source);
    return is_same(&here, root);
}

bool sat_past_had_seen(const struct sat_past *past, const struct sat_source *original, const struct sat_root *root)
{
    struct sat_dot first = root->origin.dot;
    bool seen = is_at_its_number(past, root) && sat_source_saw(original, first) && !had_gone(past, original, first);
    for (uint32_t i = 0; i < past->n && !seen; i++) {
        const struct sat_history_item *item = &past->items[i];
        if (!item->readable || !sat_source_saw(original, item->dot)) continue;
        struct sat_source source = source_of(item);
        struct sat_root other = sat_root_of(&past->space.id, &past->record, &source);
        seen = is_same(&other, root) && !had_gone(past, original, item->dot);
    }
    return seen;
}
