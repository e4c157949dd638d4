/* Moving a record: copies of its changes in the space it goes to, and in the space it leaves one change that covers
 * them (MERGE 20, docs/protocol.md "Moving"). */
#include "common/vault/author.h"

#include <stdlib.h>
#include <string.h>

#include "common/sync/clock.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/author_draft.h"
#include "common/vault/author_past.h"
#include "common/vault/types.h"

/* A record in one of the two spaces. */
struct place {
    struct sat_space_row space;
    struct sat_record_view view;
    struct sat_source *live; /* the view's, and copies that were added since */
    uint32_t *rows, rows_n;  /* of the target's: where it is told who had seen it; how many stood there first */
    uint32_t live_n, live_cap;
    struct sat_dot *held; /* the target's: what the server may hold live, whatever has been written over it here */
    uint32_t held_n, held_cap;
    struct sat_past past; /* when it is asked for */
    bool past_known;
};

struct mover {
    const struct sat_vault *vault;
    uint64_t now_ms;
    struct sat_drafter drafter;
    struct sat_arena arena; /* of one move */
    struct sat_arena one;   /* of one copy: a record has up to a thousand changes, and each looks at all */
    struct sat_buf origin;
    const struct sat_move *move;
    struct place from, to;
    bool *had_seen; /* for each that stood in the target, and then for each original: which originals had */
    uint32_t originals_n;
};

/* One of the source's changes, with the cells that are to be copied. */
struct original {
    const struct sat_source *source;
    struct sat_cell *cells; /* with room for one more */
    uint32_t n;
    uint32_t place; /* among all of them */
    uint32_t rank;  /* how many of the others it had seen: who saw another comes behind it */
};

static struct sat_root root_of(const struct place *place, const struct sat_source *source)
{
    return sat_root_of(&place->space.id, &place->view.id, source);
}

static enum sat_err know_past(struct mover *mover, struct place *place)
{
    if (place->past_known) return SAT_OK;
    place->past_known = true;
    return sat_past_load(mover->vault, &place->space, &mover->move->record, &mover->arena, &place->past);
}

/* ---- What the target has of it ---- */

static bool came_late(const struct sat_source *source)
{
    for (uint32_t i = 0; i < source->body.cells_n; i++)
        if (source->body.cells[i].field == SAT_FIELD_CAME_LATE) return true;
    return false;
}

/* Is there a copy of it, or was there one, so that none is needed? Who moves a record never relies on that, as what is
 * there may be about to go; who carries something after it relies on copies alone, which nobody takes away without
 * making one of his own, and on those that are gone only where nothing ever went away. What he carries may be the one
 * that somebody made who takes the other away: then each would be the reason for which the other goes. */
static enum sat_err is_there(struct mover *mover, const struct sat_source *source, const struct sat_root *root,
                             bool *there)
{
    struct place *to = &mover->to;
    bool moved_before = false, copy = source->body.origin.len != 0;
    *there = false;
    if (mover->move->home) return SAT_OK;
    for (uint32_t i = 0; i < to->live_n; i++)
        moved_before = moved_before || (to->live[i].readable && sat_source_moves(&to->live[i]));
    for (uint32_t i = 0; i < to->live_n && !*there; i++) {
        const struct sat_source *x = &to->live[i];
        if (!sat_root_is_repeated(root, x)) continue;
        *there = !copy || !sat_source_may_have_known(source, x) || !(moved_before || came_late(source));
        if (!*there) return SAT_OK;
    }
    if (*there || moved_before) return SAT_OK;
    enum sat_err err = know_past(mover, to);
    *there = !err && sat_past_repeats(&to->past, root);
    return err;
}

/* Which of the originals' authors had seen what stands in the target, or is a copy of one of the others? */
static enum sat_err find_seen(struct mover *mover, const struct original *originals, uint32_t n)
{
    struct place *to = &mover->to;
    uint32_t rows = to->live_n + n;
    const struct sat_source **sources = sat_arena_array(&mover->arena, n, sizeof(struct sat_source *));
    mover->originals_n = n;
    mover->had_seen = sat_arena_array(&mover->arena, (size_t)rows * n, sizeof *mover->had_seen);
    enum sat_err err = rows > 1 ? know_past(mover, &mover->from) : SAT_OK;
    for (uint32_t i = 0; i < n; i++) sources[i] = originals[i].source;
    for (uint32_t i = 0; i < rows && !err && rows > 1; i++) {
        bool stands = i < to->live_n;
        const struct sat_source *x = stands ? &to->live[i] : originals[i - to->live_n].source;
        if (!x->readable || sat_source_moves(x)) continue;
        struct sat_root root = root_of(stands ? to : &mover->from, x);
        if (!stands) root.itself = NULL; /* the copy names it so */
        sat_past_had_seen(&mover->from.past, &root, sources, n, mover->had_seen + (size_t)i * n);
    }
    return err;
}

/* ---- Copies ---- */

static bool is_content(const struct sat_cell *cell)
{
    return cell->field < SAT_FIELD_RESERVED || cell->field == SAT_FIELD_CAME_LATE;
}

static struct original read_original(struct mover *mover, const struct sat_source *source)
{
    const struct sat_record_view *view = &mover->from.view;
    struct original out = {.source = source};
    if (!source->readable || sat_source_moves(source)) return out;
    out.cells = sat_arena_array(&mover->arena, (size_t)source->body.cells_n + 1, sizeof *out.cells);
    for (uint32_t c = 0; c < source->body.cells_n; c++) {
        const struct sat_cell *cell = &source->body.cells[c];
        if (is_content(cell) && sat_cells_current(view->live, view->live_n, source, cell)) out.cells[out.n++] = *cell;
    }
    for (uint32_t i = 0; i < view->live_n; i++) out.rank += sat_source_saw(source, view->live[i].dot);
    return out;
}

static int compare_originals(const void *a, const void *b)
{
    const struct original *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return sat_dot_compare(x->source->dot, y->source->dot);
}

/* The changes that have something to copy, each behind those that it had seen. A record that was made and never filled
 * in has none that does, and moves too. */
static void find_originals(struct mover *mover, struct original **out, uint32_t *n)
{
    const struct sat_record_view *view = &mover->from.view;
    struct original *found = sat_arena_array(&mover->arena, view->live_n, sizeof *found), empty = {0};
    *n = 0;
    for (uint32_t i = 0; i < view->live_n; i++) {
        struct original one = read_original(mover, &view->live[i]);
        if (one.n)
            found[(*n)++] = one;
        else if (one.cells)
            empty = one;
    }
    if (*n == 0 && empty.source) found[(*n)++] = empty;
    if (*n > 1) qsort(found, *n, sizeof *found, compare_originals);
    for (uint32_t i = 0; i < *n; i++) found[i].place = i;
    *out = found;
}

/* Does one of those that were read stand in the place of that change? */
static bool is_replaced(const struct sat_source *read, uint32_t n, struct sat_dot dot)
{
    for (uint32_t i = 0; i < n; i++)
        if (sat_dot_compare(read[i].dot, dot) == 0 || sat_source_covers(&read[i], dot)) return true;
    return false;
}

/* A vector covers by numbers: what falls under it and was not read, neither itself nor in what replaced it. */
static struct sat_dots find_unread(struct mover *mover, struct sat_dots seen, const struct sat_source *read, uint32_t n)
{
    const struct place *to = &mover->to;
    struct sat_dots_builder holes;
    sat_dots_begin(&holes, &mover->one);
    for (uint32_t i = 0; i < to->held_n; i++)
        if (sat_vector_covers(seen, to->held[i]) && !is_replaced(read, n, to->held[i]))
            sat_dots_add(&holes, to->held[i]);
    for (uint32_t i = 0; i < to->view.holes.n; i++)
        if (sat_vector_covers(seen, to->view.holes.at[i])) sat_dots_add(&holes, to->view.holes.at[i]);
    return sat_dots_as_set(&holes);
}

/* What a copy claims: that it has seen what stands here for what the original had seen, and all that this had seen. */
static enum sat_err decide_header(struct mover *mover, const struct original *original, struct sat_header *header)
{
    struct place *to = &mover->to;
    struct sat_dots_builder seen, kept;
    sat_arena_reset(&mover->one);
    struct sat_source *read = sat_arena_array(&mover->one, to->live_n, sizeof *read);
    bool *keep = sat_arena_array(&mover->one, to->live_n, sizeof *keep);
    uint32_t read_n = 0;
    sat_dots_begin(&seen, &mover->one);
    sat_dots_begin(&kept, &mover->one);
    for (uint32_t i = 0; i < to->live_n; i++) {
        const struct sat_source *x = &to->live[i];
        if (!mover->had_seen[(size_t)to->rows[i] * mover->originals_n + original->place]) continue;
        sat_dots_add_all(&seen, x->header.seen);
        sat_dots_add(&seen, x->dot);
        read[read_n++] = *x;
    }
    struct sat_collected_row collected; /* it was here, and everybody has forgotten it: who brings it knows that */
    bool is_collected;
    enum sat_err err =
        sat_store_collected_get(mover->vault->store, mover->move->to, &mover->move->record, &collected, &is_collected);
    if (err) return err;
    if (is_collected) sat_dots_add(&seen, collected.deletion);
    header->seen = sat_dots_as_vector(&seen);
    header->holes = find_unread(mover, header->seen, read, read_n);
    sat_cells_keep(read, read_n, original->cells, original->n, keep);
    for (uint32_t i = 0; i < read_n; i++)
        if (keep[i] || header->holes.n) sat_dots_add(&kept, read[i].dot);
    header->kept = sat_dots_as_set(&kept);
    return SAT_OK;
}

static bool deletes(const struct original *original)
{
    const struct sat_cell *first = original->cells;
    return original->n && first->field == SAT_FIELD_DELETED && first->value.kind == SAT_VALUE_BOOL &&
           first->value.truth;
}

static struct sat_dots copy_dots(struct mover *mover, struct sat_dots dots)
{
    return (struct sat_dots){.at = sat_arena_copy(&mover->arena, dots.at, dots.n * sizeof *dots.at), .n = dots.n};
}

static void make_room(struct mover *mover)
{
    struct place *to = &mover->to;
    if (to->live_n == to->live_cap) {
        to->live_cap = to->live_cap * 2 + 16;
        struct sat_source *live = sat_arena_array(&mover->arena, to->live_cap, sizeof *live);
        uint32_t *rows = sat_arena_array(&mover->arena, to->live_cap, sizeof *rows);
        if (to->live_n) memcpy(live, to->live, to->live_n * sizeof *live);
        if (to->live_n) memcpy(rows, to->rows, to->live_n * sizeof *rows);
        to->live = live;
        to->rows = rows;
    }
    if (to->held_n == to->held_cap) {
        to->held_cap = to->held_cap * 2 + 16;
        struct sat_dot *held = sat_arena_array(&mover->arena, to->held_cap, sizeof *held);
        if (to->held_n) memcpy(held, to->held, to->held_n * sizeof *held);
        to->held = held;
    }
}

static void add_copy(struct mover *mover, const struct original *original, const struct sat_header *header,
                     const struct sat_body *body)
{
    struct place *to = &mover->to;
    struct sat_version version = {{0}, header->seen, header->kept, header->holes};
    uint32_t n = 0;
    make_room(mover);
    for (uint32_t i = 0; i < to->live_n; i++) {
        if (sat_merge_covers(&version, &to->live[i].dot)) continue;
        to->rows[n] = to->rows[i];
        to->live[n++] = to->live[i];
    }
    to->rows[n] = to->rows_n + original->place;
    to->live[n] = (struct sat_source){.dot = sat_drafter_last(&mover->drafter),
                                      .header = *header,
                                      .effective = header->hlc,
                                      .pending = true,
                                      .readable = true,
                                      .body = *body};
    struct sat_source *copy = &to->live[n];
    copy->header.seen = copy_dots(mover, header->seen);
    copy->header.kept = copy_dots(mover, header->kept);
    copy->header.holes = copy_dots(mover, header->holes);
    copy->body.origin = sat_span_copy(&mover->arena, body->origin);
    to->held[to->held_n++] = copy->dot;
    to->live_n = n + 1;
}

/* Would the server take n changes beside those that stand in the target? The copies are all by one device, which
 * those that they repeat need not be: more than it may have there side by side do not go there. */
static bool has_room_for(const struct mover *mover, uint32_t n)
{
    uint32_t device = mover->drafter.device, own = 0;
    const struct place *to = &mover->to;
    for (uint32_t i = 0; i < to->live_n; i++) own += to->live[i].dot.device == device;
    return own + n <= SAT_RECORD_LIVE_DEVICE_MAX && to->live_n + n <= SAT_RECORD_LIVE_MAX;
}

/* `again`: it is the second half of one that was begun. */
static enum sat_err write_copy(struct mover *mover, const struct original *original, bool again)
{
    const struct sat_source *source = original->source;
    struct sat_root root = root_of(&mover->from, source);
    struct sat_header header = {.hlc = source->effective, .deletion = deletes(original)};
    header.disputed = header.deletion && source->header.disputed;
    bool there = false;
    enum sat_err err = again ? SAT_OK : is_there(mover, source, &root, &there);
    if (!err && !there && !has_room_for(mover, 1)) return SAT_ERR_TOO_LARGE;
    if (!err && !there) err = decide_header(mover, original, &header);
    if (err || there) return err;
    sat_buf_clear(&mover->origin);
    sat_origin_encode(&root.origin, &mover->origin);
    struct sat_body body = {.type = source->body.type,
                            .schema = source->body.schema,
                            .cells = original->cells,
                            .cells_n = original->n,
                            .origin = sat_buf_span(&mover->origin)};
    err = sat_drafter_put(&mover->drafter, mover->move->to, &mover->move->record, &header, &body);
    if (!err) add_copy(mover, original, &header, &body);
    if (err != SAT_ERR_TOO_LARGE || original->n < 2) return err;
    /* As large as a change can be, and with its origin larger. */
    struct original first = *original, second = *original;
    first.n = original->n / 2;
    second.cells += first.n;
    second.n -= first.n;
    err = write_copy(mover, &first, again);
    return err ? err : write_copy(mover, &second, true);
}

/* What came late says so, where it goes. */
static void mark_late(const struct mover *mover, struct original *original)
{
    if (original->n && original->cells[original->n - 1].field == SAT_FIELD_CAME_LATE) return;
    struct sat_cell *cell = &original->cells[original->n++];
    *cell = (struct sat_cell){.field = SAT_FIELD_CAME_LATE, .value = {.kind = SAT_VALUE_REF}};
    memcpy(cell->value.ref.b, mover->from.space.id.b, sizeof cell->value.ref.b);
}

/* ---- What is said of the move itself ---- */

enum { SAYS_MAX = 4 };

struct says { /* the cells of a move, in ascending order */
    struct sat_cell cells[SAYS_MAX];
    uint32_t n;
};

static void say(struct says *says, uint16_t field, struct sat_value value)
{
    says->cells[says->n++] = (struct sat_cell){.field = field, .value = value};
}

static struct sat_value space_value(const struct sat_space_id *space)
{
    struct sat_value value = {.kind = SAT_VALUE_REF};
    memcpy(value.ref.b, space->b, sizeof value.ref.b);
    return value;
}

/* As far as the server has vouched for it: what is behind that may be let go of and come again in other places. */
static struct sat_value known_size(const struct place *place)
{
    const struct sat_space_row *space = &place->space;
    uint64_t size = space->head_size < space->log.size ? space->head_size : space->log.size;
    return (struct sat_value){.kind = SAT_VALUE_INT, .integer = (int64_t)size};
}

static enum sat_err write_says(struct mover *mover, const struct place *place, struct says *says, bool deletion,
                               struct sat_dots kept)
{
    const struct sat_record_view *view = &place->view;
    struct sat_header header = {.deletion = deletion, .seen = view->seen, .kept = kept, .holes = view->holes};
    header.disputed = deletion; /* where it has gone is not to be forgotten: late work goes after it */
    uint16_t type = view->merged.exists ? view->merged.type : mover->from.view.merged.type;
    struct sat_body body = {
        .type = type, .schema = sat_body_schema(says->cells, says->n), .cells = says->cells, .cells_n = says->n};
    enum sat_err err = sat_clock_tick(mover->vault->store, mover->now_ms, &header.hlc);
    return err ? err : sat_drafter_put(&mover->drafter, view->sid, &mover->move->record, &header, &body);
}

/* The record is here again: what was said of its going is covered, what came late meanwhile stays. */
static enum sat_err come_home(struct mover *mover)
{
    static const struct sat_value nothing = {.kind = SAT_VALUE_NIL};
    struct place *to = &mover->to;
    struct sat_dots_builder kept;
    struct says says = {.n = 0};
    bool *keep = sat_arena_array(&mover->arena, to->view.live_n, sizeof *keep);
    say(&says, SAT_FIELD_MOVED_LATE, nothing);
    say(&says, SAT_FIELD_AS_OF, known_size(to));
    say(&says, SAT_FIELD_CARRIED, nothing);
    say(&says, SAT_FIELD_MOVED, nothing);
    sat_dots_begin(&kept, &mover->arena);
    sat_cells_keep(to->view.live, to->view.live_n, says.cells, says.n, keep);
    for (uint32_t i = 0; i < to->view.live_n; i++)
        if (to->view.live[i].readable && (keep[i] || to->view.holes.n)) sat_dots_add(&kept, to->view.live[i].dot);
    enum sat_err err = write_says(mover, to, &says, false, sat_dots_as_set(&kept));
    return err ? err : sat_record_load(mover->vault, mover->move->to, &mover->move->record, &mover->arena, &to->view);
}

/* The record has gone: everything that is live is covered. */
static enum sat_err say_moved(struct mover *mover)
{
    static const struct sat_value late = {.kind = SAT_VALUE_BOOL, .truth = true};
    struct says says = {.n = 0};
    if (mover->move->late) say(&says, SAT_FIELD_MOVED_LATE, late);
    say(&says, SAT_FIELD_AS_OF, known_size(&mover->from));
    say(&says, SAT_FIELD_MOVED, space_value(&mover->to.space.id));
    return write_says(mover, &mover->from, &says, true, (struct sat_dots){0});
}

static bool says_moved(const struct sat_source *source)
{
    for (uint32_t i = 0; source->readable && i < source->body.cells_n; i++)
        if (source->body.cells[i].field == SAT_FIELD_MOVED) return true;
    return false;
}

/* What came late has gone after it. The moves stay as they are, whose receipts decide which of them counts. */
static enum sat_err say_carried(struct mover *mover)
{
    const struct sat_record_view *view = &mover->from.view;
    struct sat_dots_builder kept;
    struct says says = {.n = 0};
    sat_dots_begin(&kept, &mover->arena);
    for (uint32_t i = 0; i < view->live_n; i++)
        if (says_moved(&view->live[i])) sat_dots_add(&kept, view->live[i].dot);
    say(&says, SAT_FIELD_AS_OF, known_size(&mover->from));
    say(&says, SAT_FIELD_CARRIED, space_value(&mover->to.space.id));
    return write_says(mover, &mover->from, &says, true, sat_dots_as_set(&kept));
}

/* ---- One move ---- */

static enum sat_err open_place(struct mover *mover, int64_t sid, struct place *out)
{
    *out = (struct place){0};
    enum sat_err err = sat_store_space_get(mover->vault->store, sid, &out->space);
    if (!err) err = sat_record_load(mover->vault, sid, &mover->move->record, &mover->arena, &out->view);
    out->live = out->view.live;
    out->live_n = out->view.live_n;
    return err;
}

static enum sat_err open_move(struct mover *mover, const struct sat_move *move)
{
    sat_arena_reset(&mover->arena);
    mover->move = move;
    if (move->from == move->to) return SAT_ERR_INVALID;
    enum sat_err err = open_place(mover, move->from, &mover->from);
    if (!err) err = open_place(mover, move->to, &mover->to);
    if (err) return err;
    const struct sat_record_view *view = &mover->from.view;
    if (view->live_n == 0) return SAT_ERR_NOT_FOUND;
    return view->holes.n || !view->merged.exists ? SAT_ERR_UNDECRYPTABLE : SAT_OK;
}

static enum sat_err find_held(struct mover *mover)
{
    struct place *to = &mover->to;
    struct sat_store *store = mover->vault->store;
    struct sat_change_row *rows;
    struct sat_draft_row *drafts;
    uint32_t n = 0, drafts_n = 0;
    enum sat_err err = sat_store_changes_of_record(store, to->view.sid, &to->view.id, &mover->arena, &rows, &n);
    if (!err) err = sat_store_drafts_of_record(store, to->view.sid, &to->view.id, &mover->arena, &drafts, &drafts_n);
    if (err) return err;
    uint32_t device = 0;
    if (drafts_n) err = sat_drafts_number(mover->vault, &device);
    if (err) return err;
    to->held_cap = n + drafts_n;
    to->held = sat_arena_array(&mover->arena, to->held_cap, sizeof *to->held);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].state == SAT_CHANGE_LIVE || rows[i].state == SAT_CHANGE_PENDING)
            to->held[to->held_n++] = rows[i].dot;
    for (uint32_t i = 0; i < drafts_n; i++) to->held[to->held_n++] = (struct sat_dot){device, drafts[i].counter};
    return SAT_OK;
}

static enum sat_err copy_all(struct mover *mover, const struct sat_move *move)
{
    struct original *originals;
    uint32_t n;
    enum sat_err err = open_move(mover, move);
    if (!err && mover->to.view.merged.moved && move->home) err = come_home(mover);
    if (err) return err;
    struct place *to = &mover->to;
    to->live_cap = to->live_n = to->view.live_n;
    to->live = sat_arena_copy(&mover->arena, to->view.live, to->live_n * sizeof *to->live);
    to->rows = sat_arena_array(&mover->arena, to->live_cap, sizeof *to->rows);
    for (to->rows_n = 0; to->rows_n < to->live_n; to->rows_n++) to->rows[to->rows_n] = to->rows_n;
    err = find_held(mover);
    if (err) return err;
    find_originals(mover, &originals, &n);
    err = find_seen(mover, originals, n);
    if (err) return err;
    if (move->home && !has_room_for(mover, n)) return SAT_ERR_TOO_LARGE;
    for (uint32_t i = 0; i < n && !err; i++) {
        if (move->late || mover->from.view.merged.moved) mark_late(mover, &originals[i]);
        err = write_copy(mover, &originals[i], false);
    }
    return err;
}

static bool is_nothing_left(const struct sat_record_view *view)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!sat_source_moves(&view->live[i])) return false;
    return true;
}

static enum sat_err cover(struct mover *mover, const struct sat_move *move)
{
    enum sat_err err = open_move(mover, move);
    if (err) return err;
    if (!mover->from.view.merged.moved) return say_moved(mover);
    return is_nothing_left(&mover->from.view) ? SAT_OK : say_carried(mover);
}

/* What is about this record alone, and no reason to leave the others. */
static bool is_about_the_record(enum sat_err err)
{
    return err == SAT_ERR_NOT_FOUND || err == SAT_ERR_UNDECRYPTABLE || err == SAT_ERR_TOO_LARGE ||
           err == SAT_ERR_INVALID;
}

/* One step of a move whole or not at all. */
static enum sat_err attempt(struct mover *mover, struct sat_move *move,
                            enum sat_err (*step)(struct mover *mover, const struct sat_move *move))
{
    struct sat_store *store = mover->vault->store;
    uint64_t counter = mover->drafter.counter;
    uint32_t written = mover->drafter.written;
    enum sat_err err = sat_store_mark(store);
    if (err) return err;
    enum sat_err failed = step(mover, move);
    if (failed && !is_about_the_record(failed)) return failed;
    if (failed) mover->drafter.counter = counter;
    if (failed) mover->drafter.written = written;
    move->err = failed;
    return sat_store_mark_end(store, !failed);
}

enum sat_err sat_author_move(const struct sat_vault *vault, struct sat_move *moves, uint32_t n, uint64_t now_ms,
                             uint32_t *written)
{
    struct mover mover = {.vault = vault, .now_ms = now_ms};
    *written = 0;
    enum sat_err err = sat_drafter_begin(&mover.drafter, vault);
    sat_arena_init(&mover.arena);
    sat_arena_init(&mover.one);
    sat_buf_init(&mover.origin);
    for (uint32_t i = 0; i < n && !err; i++) err = attempt(&mover, &moves[i], copy_all);
    for (uint32_t i = 0; i < n && !err; i++)
        if (!moves[i].err) err = attempt(&mover, &moves[i], cover);
    *written = mover.drafter.written;
    sat_buf_deinit(&mover.origin);
    sat_arena_deinit(&mover.one);
    sat_arena_deinit(&mover.arena);
    return sat_drafter_end(&mover.drafter, err);
}
