/* From edits to drafts: what a change says, and what it claims about the changes before it. */
#include "common/vault/author.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/sync/clock.h"
#include "common/sync/vector.h"
#include "common/vault/author_draft.h"
#include "common/vault/siblings.h"

enum {
    /* At most, of what the encoding of a body adds: to a cell's element or text, and to all cells. */
    CELL_EXTRA_BYTES = 24,
    BODY_EXTRA_BYTES = 64,
};

struct author {
    const struct sat_vault *vault;
    uint64_t now_ms;
    struct sat_drafter drafter;
    struct sat_arena arena; /* for one edit */
    struct sat_arena part;  /* for one change of an edit that takes several */
};

/* What a change is going to write. */
struct plan {
    uint16_t type;
    struct sat_cell *cells;
    uint32_t n;
    bool deletion;
};

static const struct sat_cell *find(const struct plan *plan, const struct sat_cell *name)
{
    for (uint32_t i = 0; i < plan->n; i++)
        if (sat_cell_compare(&plan->cells[i], name) == 0) return &plan->cells[i];
    return NULL;
}

static void add(struct plan *plan, const struct sat_cell *cell)
{
    plan->cells[plan->n++] = *cell;
    if (cell->field == SAT_FIELD_DELETED && !cell->in_set && cell->value.kind == SAT_VALUE_BOOL)
        plan->deletion = cell->value.truth;
}

static struct sat_cell deleted_cell(bool truth)
{
    return (struct sat_cell){.field = SAT_FIELD_DELETED, .value = {.kind = SAT_VALUE_BOOL, .truth = truth}};
}

/* ---- Which cells ---- */

/* What a cell that was never written shows: nothing; for an element and for `deleted`: not in it, not deleted. */
static bool is_blank(const struct sat_cell *cell)
{
    bool yes_or_no = cell->in_set || cell->field == SAT_FIELD_DELETED;
    if (cell->value.kind == SAT_VALUE_NIL) return true;
    return yes_or_no && cell->value.kind == SAT_VALUE_BOOL && !cell->value.truth;
}

static bool changes_something(const struct sat_record_view *view, uint16_t type, const struct sat_cell *cell)
{
    static const uint8_t no_bytes[1];
    struct sat_span element = cell->element;
    if (cell->in_set && !element.at) element.at = no_bytes;
    const struct sat_merged *merged =
        sat_merged_cell(&view->merged, cell->field, cell->in_set ? element : (struct sat_span){0});
    if (!merged) return !is_blank(cell);
    const struct sat_ground ground = {.type = sat_type_by_number(type)};
    const struct sat_law law = sat_law_of(&ground, cell);
    return !sat_says_nothing_new(&law, merged, &cell->value);
}

static enum sat_err plan_remove(const struct sat_record_view *view, struct sat_arena *arena, struct plan *plan)
{
    if (!view->merged.exists) return SAT_ERR_NOT_FOUND;
    struct sat_cell cell = deleted_cell(true);
    plan->type = view->merged.type;
    plan->cells = sat_arena_array(arena, 1, sizeof *plan->cells);
    if (changes_something(view, plan->type, &cell)) add(plan, &cell);
    return SAT_OK;
}

/* A record that is brought back: everything that it shows becomes this change's own, as what it stands on may be
 * collected meanwhile. A conflict stays one: nobody has settled it (docs/decisions/0027). */
static void add_all_shown(const struct sat_record_view *view, struct plan *plan)
{
    struct sat_cell back = deleted_cell(false);
    if (!find(plan, &back)) add(plan, &back);
    for (uint32_t i = 0; i < view->merged.cells_n; i++) {
        const struct sat_merged *merged = &view->merged.cells[i];
        struct sat_cell cell = {merged->field, merged->in_set, merged->element, merged->value};
        if (!merged->conflict && !find(plan, &cell)) add(plan, &cell);
    }
}

static enum sat_err plan_put(const struct sat_edit *edit, const struct sat_record_view *view, struct sat_arena *arena,
                             struct plan *plan)
{
    if (view->merged.exists && view->merged.type != edit->type) return SAT_ERR_INVALID;
    plan->type = edit->type;
    plan->cells = sat_arena_array(arena, (size_t)edit->cells_n + view->merged.cells_n + 1, sizeof *plan->cells);
    for (uint32_t i = 0; i < edit->cells_n; i++)
        if (changes_something(view, plan->type, &edit->cells[i])) add(plan, &edit->cells[i]);
    if (plan->n && view->merged.deleted && !plan->deletion) add_all_shown(view, plan);
    return SAT_OK;
}

/* ---- What it claims ---- */

/* MERGE 3, 4 and 6. */
static struct sat_dots decide_kept(const struct sat_record_view *view, const struct plan *plan, struct sat_arena *arena)
{
    struct sat_dots_builder kept;
    sat_dots_begin(&kept, arena);
    bool all = plan->deletion || view->holes.n > 0;
    bool *keep = sat_arena_array(arena, view->live_n, sizeof *keep);
    sat_cells_keep(view->live, view->live_n, plan->cells, plan->n, keep);
    for (uint32_t i = 0; i < view->live_n; i++)
        if (view->live[i].readable && (all || keep[i])) sat_dots_add(&kept, view->live[i].dot);
    return sat_dots_as_set(&kept);
}

/* ---- The draft ---- */

static int compare_cells(const void *a, const void *b)
{
    return sat_cell_compare(a, b);
}

/* Does the deletion leave a cell in conflict behind? Who brings the record back leaves such cells to those who wrote
 * them (docs/decisions/0027), so that it is not to be forgotten meanwhile (0090). */
static bool is_disputed(const struct sat_record_view *view, const struct plan *plan)
{
    if (!plan->deletion) return false;
    for (uint32_t i = 0; i < view->merged.cells_n; i++) {
        const struct sat_merged *merged = &view->merged.cells[i];
        struct sat_cell cell = {merged->field, merged->in_set, merged->element, merged->value};
        if (merged->conflict && !find(plan, &cell)) return true;
    }
    return false;
}

static enum sat_err write_change(struct author *author, const struct sat_edit *edit, const struct sat_record_view *view,
                                 const struct plan *plan)
{
    struct sat_body body = {
        .type = plan->type, .schema = sat_body_schema(plan->cells, plan->n), .cells = plan->cells, .cells_n = plan->n};
    if (plan->n > 1) qsort(plan->cells, plan->n, sizeof *plan->cells, compare_cells);
    struct sat_header header = {
        .deletion = plan->deletion,
        .disputed = is_disputed(view, plan),
        .seen = view->seen,
        .kept = decide_kept(view, plan, &author->arena),
        .holes = view->holes,
    };
    enum sat_err err = sat_clock_tick(author->vault->store, author->now_ms, &header.hlc);
    return err ? err : sat_drafter_put(&author->drafter, edit->sid, &edit->record, &header, &body);
}

/* ---- What does not fit one change: a large set that is emptied, a large record that is brought back ---- */

static int compare_for_parts(const void *a, const void *b)
{
    const struct sat_cell *x = a, *y = b;
    if (x->in_set != y->in_set) return x->in_set ? 1 : -1;
    return sat_cell_compare(x, y);
}

/* How many of the cells fit a change for certain. */
static uint32_t count_fitting(const struct sat_cell *cells, uint32_t n)
{
    size_t bytes = BODY_EXTRA_BYTES;
    uint32_t fit = 0;
    for (; fit < n && fit < SAT_CELLS_MAX; fit++) {
        bytes += CELL_EXTRA_BYTES + cells[fit].element.len + cells[fit].value.text.len;
        if (bytes > SAT_BODY_BYTES_MAX) break;
    }
    return fit ? fit : 1;
}

/* Several changes, each of which has seen and keeps those before it, so that together they say what one would. The
 * fields come before the elements of sets, `deleted` first of all: what is brought back is there from the first. */
static enum sat_err write_parts(struct author *author, const struct sat_edit *edit, const struct plan *plan,
                                uint32_t *written)
{
    if (plan->deletion) return SAT_ERR_TOO_LARGE; /* a deletion says nothing else */
    qsort(plan->cells, plan->n, sizeof *plan->cells, compare_for_parts);
    enum sat_err err = SAT_OK;
    for (uint32_t at = 0; at < plan->n && !err;) {
        struct plan part = {.type = plan->type, .cells = plan->cells + at};
        struct sat_record_view view;
        part.n = count_fitting(part.cells, plan->n - at);
        sat_arena_reset(&author->part);
        err = sat_record_load(author->vault, edit->sid, &edit->record, &author->part, &view);
        if (!err) err = write_change(author, edit, &view, &part);
        if (!err) (*written)++;
        at += part.n;
    }
    return err;
}

static enum sat_err write_edit(struct author *author, const struct sat_edit *edit, uint32_t *written)
{
    struct sat_record_view view;
    struct plan plan = {0};
    enum sat_err err = sat_record_load(author->vault, edit->sid, &edit->record, &author->arena, &view);
    if (!err)
        err = edit->remove ? plan_remove(&view, &author->arena, &plan) : plan_put(edit, &view, &author->arena, &plan);
    if (err) return err;
    bool creates = !edit->remove && view.live_n == 0;
    if (plan.n == 0 && !creates) return SAT_OK;
    err = write_change(author, edit, &view, &plan);
    if (err == SAT_ERR_TOO_LARGE) return write_parts(author, edit, &plan, written);
    if (!err) (*written)++;
    return err;
}

enum sat_err sat_author_commit(const struct sat_vault *vault, const struct sat_edit *edits, uint32_t n, uint64_t now_ms,
                               uint32_t *written)
{
    struct author author = {.vault = vault, .now_ms = now_ms};
    *written = 0;
    enum sat_err err = sat_drafter_begin(&author.drafter, vault);
    sat_arena_init(&author.arena);
    sat_arena_init(&author.part);
    for (uint32_t i = 0; i < n && !err; i++) {
        sat_arena_reset(&author.arena);
        err = write_edit(&author, &edits[i], written);
    }
    sat_arena_deinit(&author.part);
    sat_arena_deinit(&author.arena);
    return sat_drafter_end(&author.drafter, err);
}
