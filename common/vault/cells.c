#include "common/vault/cells.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/vector.h"
#include "common/vault/origin.h"
#include "common/vault/siblings.h"

/* Is it under y.seen and not a hole? */
bool sat_source_saw(const struct sat_source *y, struct sat_dot dot)
{
    return sat_vector_covers(y->header.seen, dot) && !sat_dots_have(y->header.holes, dot);
}

static const struct sat_source *newer(const struct sat_source *a, const struct sat_source *b)
{
    if (!a || !b) return a ? a : b;
    return sat_source_compare_age(a, b) < 0 ? b : a;
}

/* Sorted, the claims to a cell stand together, the newest first. */
static int compare_claims(const void *a, const void *b)
{
    const struct sat_claim *x = a, *y = b;
    int order = sat_cell_compare(x->cell, y->cell);
    return order ? order : -sat_source_compare_age(x->source, y->source);
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
static struct sat_claim *collect(const struct sat_source *sources, uint32_t n, uint16_t type, bool contents,
                                 struct sat_arena *arena, size_t *claims_n)
{
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        if (is_of(&sources[i], type)) total += sources[i].body.cells_n;
    struct sat_claim *claims = sat_arena_array(arena, total, sizeof *claims);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; is_of(&sources[i], type) && c < sources[i].body.cells_n; c++)
            if (!contents || is_content(&sources[i].body.cells[c]))
                claims[at++] = (struct sat_claim){&sources[i].body.cells[c], &sources[i]};
    if (at > 1) qsort(claims, at, sizeof *claims, compare_claims);
    *claims_n = at;
    return claims;
}

/* Where the claims to the cell of the one at `start` end. */
static size_t end_of_cell(const struct sat_claim *claims, size_t n, size_t start)
{
    size_t end = start + 1;
    while (end < n && sat_cell_compare(claims[start].cell, claims[end].cell) == 0) end++;
    return end;
}

/* ---- What is left of the claims to a cell ---- */

struct merge {
    const struct sat_source *sources;
    uint32_t n;
    struct sat_ground ground;
    struct sat_arena *arena;
};

/* Keeps the siblings among the n claims to one cell, in their order, and says how many they are: one at least, as all
 * stay where they dominate each other in a ring (nothing honest or within the bounds on vectors does). */
static size_t keep_siblings(const struct merge *merge, const struct sat_law *law, struct sat_claim *claims, size_t n)
{
    if (n == 1) return 1;
    bool *dominated = sat_arena_array(merge->arena, n, sizeof *dominated);
    sat_claims_dominated(&merge->ground, law, claims, n, dominated);
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
static void add_alternatives(const struct sat_claim *siblings, size_t n, struct sat_merged *merged)
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

static uint32_t position_of(const struct sat_merged *merged, const struct sat_value *value)
{
    uint32_t at = 0;
    while (at + 1 < merged->alternatives_n && !sat_value_equal(&merged->alternatives[at].value, value)) at++;
    return at;
}

/* ---- Edit against delete ---- */

/* Does x edit the record's contents? A change that deletes it is not an edit, whatever else it carries. */
static bool is_edit(const struct sat_source *x)
{
    static const struct sat_cell name = {.field = SAT_FIELD_DELETED};
    const struct sat_cell *deleted = sat_cell_find(x->body.cells, x->body.cells_n, &name);
    if (!x->readable || (deleted && says_true(&deleted->value))) return false;
    for (uint32_t i = 0; i < x->body.cells_n; i++)
        if (&x->body.cells[i] != deleted && x->body.cells[i].field < SAT_FIELD_RESERVED) return true;
    return false;
}

/* The newest edit that one of the deletions did not see and that did not see the deletion; NULL: none. */
static const struct sat_source *edit_against(const struct sat_claim *siblings, size_t siblings_n,
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
    while (at > 0 && sat_source_compare_age(merged->alternatives[at - 1].source, alternative.source) < 0) {
        merged->alternatives[at] = merged->alternatives[at - 1];
        at--;
    }
    merged->alternatives[at] = alternative;
}

/* ---- The record ---- */

static void merge_cell(const struct merge *merge, struct sat_claim *claims, size_t n, struct sat_merged *out)
{
    const struct sat_cell *name = claims[0].cell;
    const struct sat_law law = sat_law_of(&merge->ground, name);
    *out = (struct sat_merged){.field = name->field, .in_set = name->in_set, .element = name->element};
    size_t siblings = keep_siblings(merge, &law, claims, n);
    out->alternatives =
        sat_arena_array(merge->arena, siblings + 1, sizeof *out->alternatives); /* one more for an edit */
    add_alternatives(claims, siblings, out);
    size_t shown = sat_claims_shown(&merge->ground, &law, claims, siblings, &out->conflict);
    bool is_deleted_cell = name->field == SAT_FIELD_DELETED && !name->in_set;
    if (is_deleted_cell) {
        const struct sat_source *edit = edit_against(claims, siblings, merge->sources, merge->n);
        if (edit) add_edit(out, edit);
        out->conflict = out->alternatives_n > 1;
    }
    show(out, position_of(out, &claims[shown].cell->value));
    if (law.rule->shows == SAT_SHOWS_FIRST || law.rule->shows == SAT_SHOWS_RECEIVED)
        out->source = out->alternatives[0].source = claims[shown].source;
    if (law.rule->beside == SAT_BESIDE_NOTHING) out->alternatives_n = 1;
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
    cell.conflict = true;
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
    return source->readable ? sat_cell_find(source->body.cells, source->body.cells_n, &name) : NULL;
}

bool sat_source_moves(const struct sat_source *source)
{
    static const struct sat_cell name = {.field = SAT_FIELD_CARRIED};
    return move_of(source) || (source->readable && sat_cell_find(source->body.cells, source->body.cells_n, &name));
}

const struct sat_cell *sat_cells_moved(const struct sat_source *sources, uint32_t n)
{
    const struct sat_source *first = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct sat_source *x = &sources[i];
        bool current = move_of(x) != NULL;
        for (uint32_t k = 0; k < n && current; k++)
            current = k == i || !move_of(&sources[k]) || !sat_source_saw(&sources[k], x->dot);
        if (current && (!first || sat_source_earlier(x, first))) first = x;
    }
    const struct sat_cell *cell = first ? move_of(first) : NULL;
    return cell && cell->value.kind == SAT_VALUE_REF ? cell : NULL;
}

void sat_cells_merge(const struct sat_source *sources, uint32_t n, struct sat_arena *arena,
                     struct sat_merged_record *out)
{
    *out = (struct sat_merged_record){.type = type_of(sources, n)};
    out->exists = out->type != 0;
    struct merge merge = {sources, n, sat_ground_of(sources, n, out->type), arena};
    size_t claims_n, cells_max = 1; /* one for the type */
    struct sat_claim *claims = collect(sources, n, out->type, true, arena, &claims_n);
    for (size_t start = 0; start < claims_n; start = end_of_cell(claims, claims_n, start)) cells_max++;
    out->cells = sat_arena_array(arena, cells_max, sizeof *out->cells);
    for (size_t start = 0, end; start < claims_n; start = end) {
        end = end_of_cell(claims, claims_n, start);
        struct sat_merged *cell = &out->cells[out->cells_n++];
        merge_cell(&merge, claims + start, end - start, cell);
        out->conflicts += cell->conflict;
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

/* Who wrote what under which law. */
struct keeping {
    const struct sat_source *sources;
    uint32_t n;
    struct sat_ground ground;
};

static bool dominates(const struct keeping *keeping, const struct sat_source *y, const struct sat_source *x,
                      const struct sat_cell *cell)
{
    if (y == x || !is_of(y, x->body.type) || !sat_source_saw(y, x->dot)) return false;
    const struct sat_cell *other = sat_cell_find(y->body.cells, y->body.cells_n, cell);
    if (!other) return false;
    const struct sat_law law = sat_law_of(&keeping->ground, cell);
    const struct sat_claim of_x = {cell, x}, of_y = {other, y};
    return sat_claim_yields(&keeping->ground, &law, &of_x, &of_y);
}

/* The first source that dominates x at its cell; with `keep`, the first of those that are kept. NULL: none. */
static const struct sat_source *dominator(const struct keeping *keeping, const struct sat_source *x,
                                          const struct sat_cell *cell, const bool *keep)
{
    for (uint32_t i = 0; i < keeping->n; i++)
        if ((!keep || keep[i]) && dominates(keeping, &keeping->sources[i], x, cell)) return &keeping->sources[i];
    return NULL;
}

bool sat_cells_current(const struct sat_source *sources, uint32_t n, const struct sat_source *x,
                       const struct sat_cell *cell)
{
    const struct keeping keeping = {sources, n, sat_ground_of(sources, n, x->body.type)};
    return !dominator(&keeping, x, cell, NULL);
}

/* Does what is written replace all that stands in the cell? Not where something may outlast those who have seen it; and
 * what is of a later version nobody here may drop. */
static bool replaces(const struct keeping *keeping, const struct sat_cell *cell, const struct sat_cell *written,
                     uint32_t written_n)
{
    return sat_cell_find(written, written_n, cell) &&
           sat_law_of(&keeping->ground, cell).rule->yields == SAT_YIELDS_ALWAYS;
}

/* Keeps for each kept source one of those that dominate it at a cell, if there are any; says whether that took one
 * more. */
static bool keep_dominators(const struct keeping *keeping, const struct sat_cell *cells, uint32_t cells_n, bool *keep)
{
    bool more = false;
    for (uint32_t i = 0; i < keeping->n; i++) {
        const struct sat_source *x = &keeping->sources[i];
        for (uint32_t c = 0; keep[i] && c < x->body.cells_n; c++) {
            const struct sat_cell *cell = &x->body.cells[c];
            if (replaces(keeping, cell, cells, cells_n) || dominator(keeping, x, cell, keep)) continue;
            const struct sat_source *needed = dominator(keeping, x, cell, NULL);
            if (!needed) continue;
            keep[needed - keeping->sources] = true;
            more = true;
        }
    }
    return more;
}

/* Keeps each source of which a cell that `cells` do not replace is current, or may be. */
static void keep_current(const struct keeping *keeping, uint16_t type, const struct sat_cell *cells, uint32_t cells_n,
                         bool *keep)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    size_t claims_n;
    struct sat_claim *claims = collect(keeping->sources, keeping->n, type, false, &arena, &claims_n);
    bool *dominated = sat_arena_array(&arena, claims_n, sizeof *dominated);
    for (size_t start = 0, end; start < claims_n; start = end) {
        end = end_of_cell(claims, claims_n, start);
        if (replaces(keeping, claims[start].cell, cells, cells_n)) continue;
        const struct sat_law law = sat_law_of(&keeping->ground, claims[start].cell);
        memset(dominated, 0, (end - start) * sizeof *dominated);
        if (!law.unknown) sat_claims_dominated(&keeping->ground, &law, claims + start, end - start, dominated);
        for (size_t i = start; i < end; i++)
            if (!dominated[i - start]) keep[claims[i].source - keeping->sources] = true;
    }
    sat_arena_deinit(&arena);
}

void sat_cells_keep(const struct sat_source *sources, uint32_t n, const struct sat_cell *cells, uint32_t cells_n,
                    bool *keep)
{
    static const struct sat_cell type_cell = {.field = SAT_FIELD_TYPE};
    bool holes = false, settles_type = sat_cell_find(cells, cells_n, &type_cell) != NULL;
    uint16_t type = type_of(sources, n);
    const struct keeping keeping = {sources, n, sat_ground_of(sources, n, type)};
    for (uint32_t i = 0; i < n; i++) {
        /* Something else under the same id: it is not this writer's to drop, unless that is what he decides. */
        keep[i] = sources[i].readable && sources[i].body.type != type && !settles_type;
        holes = holes || sources[i].header.holes.n > 0;
    }
    keep_current(&keeping, type, cells, cells_n, keep);
    /* Without holes who dominates x has seen all that x had seen, so what is dropped is never missed. */
    while (holes && keep_dominators(&keeping, cells, cells_n, keep)) continue;
}
