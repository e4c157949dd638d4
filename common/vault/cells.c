#include "common/vault/cells.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/vector.h"
#include "common/vault/origin.h"
#include "common/vault/types.h"

/* One cell of one source; sorted, the claims to a cell stand together, the newest first. */
struct claim {
    const struct sat_cell *cell;
    const struct sat_source *source;
};

/* Is it under y.seen and not a hole? */
bool sat_source_saw(const struct sat_source *y, struct sat_dot dot)
{
    return sat_vector_covers(y->header.seen, dot) && !sat_dots_have(y->header.holes, dot);
}

/* The cell of that name among sorted ones (its value is not looked at), or NULL. */
static const struct sat_cell *find(const struct sat_cell *cells, uint32_t n, const struct sat_cell *name)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = sat_cell_compare(&cells[middle], name);
        if (order == 0) return &cells[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Newer: a later effective time, then the greater dot. Total, as dots are unique. */
static int compare_age(const struct sat_source *a, const struct sat_source *b)
{
    if (a->effective != b->effective) return a->effective < b->effective ? -1 : 1;
    return sat_dot_compare(a->dot, b->dot);
}

static const struct sat_source *newer(const struct sat_source *a, const struct sat_source *b)
{
    if (!a || !b) return a ? a : b;
    return compare_age(a, b) < 0 ? b : a;
}

static int compare_claims(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = sat_cell_compare(x->cell, y->cell);
    return order ? order : -compare_age(x->source, y->source);
}

/* Does the source speak of a record of this type? Field numbers mean something within their type alone. */
static bool is_of(const struct sat_source *source, uint16_t type)
{
    return source->readable && source->body.type == type;
}

/* Is it a cell of the record, and not one that says where the record is or of which type? */
static bool is_content(const struct sat_cell *cell)
{
    return cell->field < SAT_FIELD_RESERVED || cell->field == SAT_FIELD_CAME_LATE;
}

/* All claims of the readable sources of that type, sorted; or those to the record's contents alone. */
static struct claim *collect(const struct sat_source *sources, uint32_t n, uint16_t type, bool contents,
                             struct sat_arena *arena, size_t *claims_n)
{
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        if (is_of(&sources[i], type)) total += sources[i].body.cells_n;
    struct claim *claims = sat_arena_array(arena, total, sizeof *claims);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; is_of(&sources[i], type) && c < sources[i].body.cells_n; c++)
            if (!contents || is_content(&sources[i].body.cells[c]))
                claims[at++] = (struct claim){&sources[i].body.cells[c], &sources[i]};
    if (at > 1) qsort(claims, at, sizeof *claims, compare_claims);
    *claims_n = at;
    return claims;
}

/* Where the claims to the cell of the one at `start` end. */
static size_t end_of_cell(const struct claim *claims, size_t n, size_t start)
{
    size_t end = start + 1;
    while (end < n && sat_cell_compare(claims[start].cell, claims[end].cell) == 0) end++;
    return end;
}

/* ---- Who dominates whom ----
 *
 * x is dominated if some other claim to the cell has seen it. Comparing all with all takes long where a device has a
 * thousand siblings, so of those without holes only the furthest is asked: for each device that has a claim, the
 * highest counter of it that any of them had seen, and the highest that another one had, as nothing dominates itself.
 */

enum { PAIRWISE_MAX = 8 }; /* so few are compared as fast one by one */

struct reach {
    uint32_t device;
    uint64_t first, second; /* counters; 0: none */
    size_t first_claim;     /* whose `first` is */
};

static int compare_reach(const void *a, const void *b)
{
    const struct reach *x = a, *y = b;
    return (x->device > y->device) - (x->device < y->device);
}

/* One for each device that has a claim, sorted. */
static size_t find_devices(const struct claim *claims, size_t n, struct reach *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) out[i] = (struct reach){.device = claims[i].source->dot.device};
    qsort(out, n, sizeof *out, compare_reach);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || out[kept - 1].device != out[i].device) out[kept++] = out[i];
    return kept;
}

static void reach_to(struct reach *reach, uint64_t counter, size_t claim)
{
    if (counter > reach->first) {
        reach->second = reach->first;
        reach->first = counter;
        reach->first_claim = claim;
    } else if (counter > reach->second) {
        reach->second = counter;
    }
}

/* Of the n claims, sets dominated[i] for each that one without holes dominates. */
static void find_reached(const struct claim *claims, size_t n, struct sat_arena *arena, bool *dominated)
{
    struct reach *reach = sat_arena_array(arena, n, sizeof *reach);
    size_t reach_n = find_devices(claims, n, reach);
    for (size_t y = 0; y < n; y++)
        for (size_t i = 0; i < reach_n && claims[y].source->header.holes.n == 0; i++)
            reach_to(&reach[i], sat_vector_counter(claims[y].source->header.seen, reach[i].device), y);
    for (size_t x = 0; x < n; x++) {
        struct sat_dot dot = claims[x].source->dot;
        const struct reach *of =
            bsearch(&(struct reach){.device = dot.device}, reach, reach_n, sizeof *reach, compare_reach);
        sat_check(of != NULL);
        dominated[x] = (of->first_claim == x ? of->second : of->first) >= dot.counter;
    }
}

/* dominated[i] for each of the n claims to one cell, all of different sources. */
static void find_dominated(const struct claim *claims, size_t n, bool *dominated)
{
    struct sat_arena arena; /* of one cell: a record may have thousands */
    sat_arena_init(&arena);
    bool pairwise = n <= PAIRWISE_MAX;
    memset(dominated, 0, n * sizeof *dominated);
    if (!pairwise) find_reached(claims, n, &arena, dominated);
    for (size_t y = 0; y < n; y++) {
        if (!pairwise && claims[y].source->header.holes.n == 0) continue;
        for (size_t x = 0; x < n; x++)
            dominated[x] = dominated[x] || (x != y && sat_source_saw(claims[y].source, claims[x].source->dot));
    }
    sat_arena_deinit(&arena);
}

/* Keeps the siblings among the n claims to one cell, in their order, and says how many they are: one at least, as all
 * stay where they dominate each other in a ring (nothing honest or within the bounds on vectors does). */
static size_t keep_siblings(struct claim *claims, size_t n, struct sat_arena *arena)
{
    if (n == 1) return 1;
    bool *dominated = sat_arena_array(arena, n, sizeof *dominated);
    find_dominated(claims, n, dominated);
    size_t kept = 0;
    for (size_t x = 0; x < n; x++)
        if (!dominated[x]) claims[kept++] = claims[x];
    return kept ? kept : n;
}

static bool says_true(const struct sat_value *value)
{
    return value->kind == SAT_VALUE_BOOL && value->truth;
}

/* Adds the siblings' distinct values, newest first; the first sibling with a value is its newest. */
static void add_alternatives(const struct claim *siblings, size_t n, struct sat_merged *merged)
{
    for (size_t i = 0; i < n; i++) {
        const struct sat_value *value = &siblings[i].cell->value;
        uint32_t a = 0;
        while (a < merged->alternatives_n && !sat_value_equal(&merged->alternatives[a].value, value)) a++;
        if (a == merged->alternatives_n)
            merged->alternatives[merged->alternatives_n++] =
                (struct sat_alternative){.value = *value, .source = siblings[i].source};
    }
}

/* Brings the alternative at `index` to the front, the others keep their order, and shows it. */
static void show(struct sat_merged *merged, uint32_t index)
{
    struct sat_alternative shown = merged->alternatives[index];
    for (uint32_t i = index; i > 0; i--) merged->alternatives[i] = merged->alternatives[i - 1];
    shown.shown = true;
    merged->alternatives[0] = shown;
    merged->value = shown.value;
    merged->source = shown.source;
}

/* `true` wins wherever it stands among the alternatives: an element that any sibling puts into the set, a record that
 * any deletes. */
static uint32_t position_of_true(const struct sat_merged *merged)
{
    for (uint32_t i = 0; i < merged->alternatives_n; i++)
        if (says_true(&merged->alternatives[i].value)) return i;
    return 0;
}

/* ---- Edit against delete ---- */

/* Does x edit the record's contents? A change that deletes it is not an edit, whatever else it carries. */
static bool is_edit(const struct sat_source *x)
{
    static const struct sat_cell name = {.field = SAT_FIELD_DELETED};
    const struct sat_cell *deleted = find(x->body.cells, x->body.cells_n, &name);
    if (!x->readable || (deleted && says_true(&deleted->value))) return false;
    for (uint32_t i = 0; i < x->body.cells_n; i++)
        if (&x->body.cells[i] != deleted && x->body.cells[i].field < SAT_FIELD_RESERVED) return true;
    return false;
}

/* The newest edit that one of the deletions did not see and that did not see the deletion; NULL: none. */
static const struct sat_source *edit_against(const struct claim *siblings, size_t siblings_n,
                                             const struct sat_source *sources, uint32_t n)
{
    const struct sat_source *found = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_source *x = &sources[i];
        if (!is_of(x, siblings[0].source->body.type) || newer(found, x) != x || !is_edit(x)) continue;
        for (size_t s = 0; s < siblings_n && found != x; s++) {
            const struct sat_source *d = siblings[s].source;
            if (says_true(&siblings[s].cell->value) && !sat_source_saw(d, x->dot) && !sat_source_saw(x, d->dot))
                found = x;
        }
    }
    return found;
}

/* Makes the edit an alternative `false`: a new one, or a newer source of the one that is there. */
static void add_edit(struct sat_merged *merged, const struct sat_source *edit)
{
    uint32_t at = 0;
    while (at < merged->alternatives_n &&
           !(merged->alternatives[at].value.kind == SAT_VALUE_BOOL && !merged->alternatives[at].value.truth))
        at++;
    struct sat_alternative alternative = {.value = {.kind = SAT_VALUE_BOOL}, .source = edit};
    if (at < merged->alternatives_n)
        alternative.source = newer(merged->alternatives[at].source, edit);
    else
        merged->alternatives_n++;
    /* Newest first: it moves up past the older ones. */
    while (at > 0 && compare_age(merged->alternatives[at - 1].source, alternative.source) < 0) {
        merged->alternatives[at] = merged->alternatives[at - 1];
        at--;
    }
    merged->alternatives[at] = alternative;
}

/* ---- The record ---- */

struct merge {
    const struct sat_source *sources;
    uint32_t n;
    struct sat_arena *arena;
};

static void merge_cell(const struct merge *merge, struct claim *claims, size_t n, struct sat_merged *out)
{
    const struct sat_cell *name = claims[0].cell;
    *out = (struct sat_merged){.field = name->field, .in_set = name->in_set, .element = name->element};
    size_t siblings = keep_siblings(claims, n, merge->arena);
    out->alternatives =
        sat_arena_array(merge->arena, siblings + 1, sizeof *out->alternatives); /* one more for an edit */
    add_alternatives(claims, siblings, out);
    bool is_deleted_cell = name->field == SAT_FIELD_DELETED && !name->in_set;
    if (is_deleted_cell) {
        const struct sat_source *edit = edit_against(claims, siblings, merge->sources, merge->n);
        if (edit) add_edit(out, edit);
    }
    show(out, is_deleted_cell || name->in_set ? position_of_true(out) : 0);
    if (name->in_set || name->field >= SAT_FIELD_RESERVED) out->alternatives_n = 1;
}

/* The lowest type above `type` among the readable changes; 0: none. */
static uint16_t next_type(const struct sat_source *sources, uint32_t n, uint16_t type)
{
    uint16_t next = 0;
    for (uint32_t i = 0; i < n; i++)
        if (sources[i].readable && sources[i].body.type > type && (next == 0 || sources[i].body.type < next))
            next = sources[i].body.type;
    return next;
}

/* What kind of record it is. Where two people made two things under one id, the lower number: it stays so as long as
 * any change of that type is live, whoever edits what. */
static uint16_t type_of(const struct sat_source *sources, uint32_t n)
{
    return next_type(sources, n, 0);
}

/* The newest change of a type; NULL: none. */
static const struct sat_source *newest_of(const struct sat_source *sources, uint32_t n, uint16_t type)
{
    const struct sat_source *found = NULL;
    for (uint32_t i = 0; i < n; i++)
        if (is_of(&sources[i], type)) found = newer(found, &sources[i]);
    return found;
}

/* The conflict of a record that is of several types: its own is shown, the others stand beside it. */
static void add_types(const struct merge *merge, struct sat_merged_record *record)
{
    struct sat_merged cell = {.field = SAT_FIELD_TYPE};
    cell.alternatives = sat_arena_array(merge->arena, merge->n, sizeof *cell.alternatives);
    for (uint16_t type = record->type; type; type = next_type(merge->sources, merge->n, type))
        cell.alternatives[cell.alternatives_n++] = (struct sat_alternative){
            .value = {.kind = SAT_VALUE_INT, .integer = type}, .source = newest_of(merge->sources, merge->n, type)};
    show(&cell, 0);
    record->cells[record->cells_n++] = cell;
    record->conflicts++;
}

/* ---- Moving ---- */

uint32_t sat_source_author(const struct sat_source *source)
{
    struct sat_origin origin;
    return sat_origin_decode(source->body.origin, &origin) ? source->dot.device : origin.dot.device;
}

static const struct sat_cell *move_of(const struct sat_source *source)
{
    static const struct sat_cell name = {.field = SAT_FIELD_MOVED};
    return source->readable ? find(source->body.cells, source->body.cells_n, &name) : NULL;
}

bool sat_source_moves(const struct sat_source *source)
{
    static const struct sat_cell name = {.field = SAT_FIELD_CARRIED};
    return move_of(source) || (source->readable && find(source->body.cells, source->body.cells_n, &name));
}

/* Earlier by receipt; what has none yet comes behind, in the order of its dots. */
static bool earlier(const struct sat_source *a, const struct sat_source *b)
{
    if (!a->recv_ms != !b->recv_ms) return a->recv_ms != 0;
    if (a->recv_ms != b->recv_ms) return a->recv_ms < b->recv_ms;
    if (a->seq != b->seq) return a->seq < b->seq;
    return sat_dot_compare(a->dot, b->dot) < 0;
}

const struct sat_cell *sat_cells_moved(const struct sat_source *sources, uint32_t n)
{
    const struct sat_source *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_source *x = &sources[i];
        bool current = move_of(x) != NULL;
        for (uint32_t k = 0; k < n && current; k++)
            current = k == i || !move_of(&sources[k]) || !sat_source_saw(&sources[k], x->dot);
        if (current && (!first || earlier(x, first))) first = x;
    }
    const struct sat_cell *cell = first ? move_of(first) : NULL;
    return cell && cell->value.kind == SAT_VALUE_REF ? cell : NULL;
}

void sat_cells_merge(const struct sat_source *sources, uint32_t n, struct sat_arena *arena,
                     struct sat_merged_record *out)
{
    *out = (struct sat_merged_record){.type = type_of(sources, n)};
    out->exists = out->type != 0;
    struct merge merge = {sources, n, arena};
    size_t claims_n, cells_max = 1; /* one for the type */
    struct claim *claims = collect(sources, n, out->type, true, arena, &claims_n);
    for (size_t start = 0; start < claims_n; start = end_of_cell(claims, claims_n, start)) cells_max++;
    out->cells = sat_arena_array(arena, cells_max, sizeof *out->cells);
    for (size_t start = 0, end; start < claims_n; start = end) {
        end = end_of_cell(claims, claims_n, start);
        struct sat_merged *cell = &out->cells[out->cells_n++];
        merge_cell(&merge, claims + start, end - start, cell);
        if (cell->alternatives_n > 1) out->conflicts++;
    }
    if (next_type(sources, n, out->type)) add_types(&merge, out);
    const struct sat_merged *deleted = sat_merged_cell(out, SAT_FIELD_DELETED, (struct sat_span){0});
    out->deleted = deleted && says_true(&deleted->value);
    const struct sat_cell *moved = sat_cells_moved(sources, n);
    out->moved = moved != NULL;
    if (moved) memcpy(out->moved_to.b, moved->value.ref.b, sizeof out->moved_to.b);
    if (moved) out->conflicts = 0;
}

const struct sat_merged *sat_merged_cell(const struct sat_merged_record *record, uint16_t field,
                                         struct sat_span element)
{
    struct sat_cell name = {.field = field, .in_set = element.at != NULL, .element = element};
    uint32_t low = 0, high = record->cells_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct sat_merged *cell = &record->cells[middle];
        struct sat_cell other = {.field = cell->field, .in_set = cell->in_set, .element = cell->element};
        int order = sat_cell_compare(&other, &name);
        if (order == 0) return cell;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- What a writer keeps ---- */

static bool dominates(const struct sat_source *y, const struct sat_source *x, const struct sat_cell *cell)
{
    return y != x && is_of(y, x->body.type) && sat_source_saw(y, x->dot) && find(y->body.cells, y->body.cells_n, cell);
}

/* The first source that dominates x at its cell; with `keep`, the first of those that are kept. NULL: none. */
static const struct sat_source *dominator(const struct sat_source *sources, uint32_t n, const struct sat_source *x,
                                          const struct sat_cell *cell, const bool *keep)
{
    for (uint32_t i = 0; i < n; i++)
        if ((!keep || keep[i]) && dominates(&sources[i], x, cell)) return &sources[i];
    return NULL;
}

bool sat_cells_current(const struct sat_source *sources, uint32_t n, const struct sat_source *x,
                       const struct sat_cell *cell)
{
    return !dominator(sources, n, x, cell, NULL);
}

/* Keeps for each kept source one of those that dominate it at a cell, if there are any; says whether that took one
 * more. */
static bool keep_dominators(const struct sat_source *sources, uint32_t n, const struct sat_cell *cells,
                            uint32_t cells_n, bool *keep)
{
    bool more = false;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t c = 0; keep[i] && c < sources[i].body.cells_n; c++) {
            const struct sat_cell *cell = &sources[i].body.cells[c];
            if (find(cells, cells_n, cell) || dominator(sources, n, &sources[i], cell, keep)) continue;
            const struct sat_source *needed = dominator(sources, n, &sources[i], cell, NULL);
            if (!needed) continue;
            keep[needed - sources] = true;
            more = true;
        }
    }
    return more;
}

/* Keeps each source of which a cell that is not among `cells` is current. */
static void keep_current(const struct sat_source *sources, uint32_t n, uint16_t type, const struct sat_cell *cells,
                         uint32_t cells_n, bool *keep)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    size_t claims_n;
    struct claim *claims = collect(sources, n, type, false, &arena, &claims_n);
    bool *dominated = sat_arena_array(&arena, claims_n, sizeof *dominated);
    for (size_t start = 0, end; start < claims_n; start = end) {
        end = end_of_cell(claims, claims_n, start);
        if (find(cells, cells_n, claims[start].cell)) continue;
        find_dominated(claims + start, end - start, dominated);
        for (size_t i = start; i < end; i++)
            if (!dominated[i - start]) keep[claims[i].source - sources] = true;
    }
    sat_arena_deinit(&arena);
}

void sat_cells_keep(const struct sat_source *sources, uint32_t n, const struct sat_cell *cells, uint32_t cells_n,
                    bool *keep)
{
    static const struct sat_cell type_cell = {.field = SAT_FIELD_TYPE};
    bool holes = false, settles_type = find(cells, cells_n, &type_cell) != NULL;
    uint16_t type = type_of(sources, n);
    for (uint32_t i = 0; i < n; i++) {
        /* Something else under the same id: it is not this writer's to drop, unless that is what he decides. */
        keep[i] = sources[i].readable && sources[i].body.type != type && !settles_type;
        holes = holes || sources[i].header.holes.n > 0;
    }
    keep_current(sources, n, type, cells, cells_n, keep);
    /* Without holes who dominates x has seen all that x had seen, so what is dropped is never missed. */
    while (holes && keep_dominators(sources, n, cells, cells_n, keep)) continue;
}
