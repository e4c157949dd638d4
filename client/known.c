#include "client/known.h"

#include "common/sync/copied.h"
#include "common/sync/vector.h"
#include "common/sync/void.h"
#include "common/vault/author_was.h"
#include "common/vault/origin.h"

void client_known_begin(struct client_known *known, struct satchel *satchel)
{
    *known = (struct client_known){.satchel = satchel};
    sat_arena_init(&known->arena);
    sat_buf_init(&known->refused);
}

void client_known_end(struct client_known *known)
{
    sat_arena_deinit(&known->arena);
    sat_buf_deinit(&known->refused);
}

enum sat_err client_known_settle(struct client_known *known)
{
    struct sat_reader reader;
    enum sat_err err = SAT_OK;
    sat_reader_init(&reader, sat_buf_span(&known->refused));
    while (sat_reader_left(&reader) && !err)
        err = sat_store_aside_set_state(known->satchel->store, (int64_t)sat_take_u64(&reader), SAT_ASIDE_OPEN);
    return err;
}

/* What is here of the change's record, where it stands. */
struct past {
    struct sat_space_id space;
    struct sat_history_item *items;
    uint32_t n;
    bool lets_in;
};

/* One commit gives all of its changes one time; at one dot, one time and one content are one edit. */
static bool is_same_edit(const struct sat_again_change *change, const struct sat_history_item *item)
{
    if (!item->readable || item->hlc != change->header->hlc || item->body.type != change->body->type ||
        item->body.cells_n != change->body->cells_n)
        return false;
    for (uint32_t i = 0; i < item->body.cells_n; i++) {
        const struct sat_cell *a = &item->body.cells[i], *b = &change->body->cells[i];
        if (sat_cell_compare(a, b) != 0 || !sat_value_equal(&a->value, &b->value)) return false;
    }
    return true;
}

/* What it repeats, or itself. */
static struct sat_origin root_of(const struct sat_space_id *space, const struct sat_again_change *change)
{
    struct sat_origin root;
    struct sat_body body = *change->body;
    if (sat_origin_decode(body.origin, &root) == SAT_OK) return root;
    root = (struct sat_origin){.space = *space, .dot = change->dot};
    root.rest = sat_origin_hash(&change->record, change->header, &body);
    return root;
}

/* A copy of it that names it, and not what it names itself: who lets in what was handed in does not lend his word to an
 * origin that names somebody else (author_again.c). */
static bool names_it(const struct sat_again_change *change, const struct sat_origin *there,
                     const struct sat_space_id *space)
{
    struct sat_body body = *change->body;
    if (!body.origin.len || sat_dot_compare(there->dot, change->dot) != 0 || !sat_space_equal(&there->space, space))
        return false;
    body.origin = (struct sat_span){0};
    struct sat_hash said = sat_origin_hash(&change->record, change->header, &body);
    return sat_hash_equal(&said, &there->rest);
}

/* Itself, brought there by the other home that had it, or a copy of it that a third one wrote again; or one that waits
 * here to be sent, where its maker asks. */
static bool repeats(const struct sat_again_change *change, const struct sat_origin *root, const struct past *past,
                    const struct sat_history_item *item)
{
    struct sat_body body = item->body;
    struct sat_origin there;
    if (!item->readable) return false;
    bool copy = sat_origin_decode(body.origin, &there) == SAT_OK;
    if (item->recv_ms == 0 && !(copy && past->lets_in)) return false;
    if (!copy) there = (struct sat_origin){.space = past->space, .dot = item->dot};
    if (copy && names_it(change, &there, &past->space)) return true;
    if (!sat_origin_equal(root, &there)) return false;
    if (!copy) there.rest = sat_origin_hash(&change->record, &item->header, &body);
    bool same = !sat_hash_is_zero(&root->rest) && sat_hash_equal(&root->rest, &there.rest);
    return same || is_same_edit(change, item);
}

static bool says_all_of(const struct sat_body *later, const struct sat_body *body)
{
    uint32_t said = 0;
    for (uint32_t i = 0; i < body->cells_n; i++)
        for (uint32_t k = 0; k < later->cells_n; k++) said += sat_cell_compare(&body->cells[i], &later->cells[k]) == 0;
    return said == body->cells_n;
}

/* Has the one replaced the other, whole, and has the log a copy of it? Where something could not be read it keeps all
 * that it had seen, also that of which it says everything anew. */
static bool replaced_it(const struct sat_again_change *later, const struct sat_again_change *change,
                        const struct past *past)
{
    const struct sat_header *header = later->header;
    if (!sat_vector_covers(header->seen, change->dot) || sat_dots_have(header->holes, change->dot)) return false;
    if (sat_dots_have(header->kept, change->dot) && !says_all_of(later->body, change->body)) return false;
    struct sat_origin root = root_of(&past->space, later);
    for (uint32_t i = 0; i < past->n; i++)
        if (repeats(later, &root, past, &past->items[i])) return true;
    return false;
}

/* Has it been replaced by one that waits here with it, or that lost its number with it, and that the log has a copy of?
 * Whoever wrote that had it as hashes, and so could not say what it replaces. Not by what was written again just now,
 * whose vector covers by number what had waited behind it. */
static bool was_replaced(const struct sat_again_change *change, const struct past *past)
{
    for (uint32_t i = 0; i < past->n; i++) {
        const struct sat_history_item *item = &past->items[i];
        struct sat_body body = item->body;
        const struct sat_again_change later = {
            .record = change->record, .dot = item->dot, .header = &item->header, .body = &body};
        bool written = item->dot.device == change->written.device && item->dot.counter > change->written.counter;
        if (!item->recv_ms && item->readable && !written && replaced_it(&later, change, past)) return true;
    }
    for (uint32_t i = 0; i < change->beside_n; i++) {
        const struct sat_again_change *later = &change->beside[i];
        if (sat_record_equal(&later->record, &change->record) && replaced_it(later, change, past)) return true;
    }
    return false;
}

/* Has the record ever gone from there? What goes and comes back is copied, and each copy names the first original: by
 * that alone nobody can tell whether it is this one, or one that has gone again since. What says so need not be live:
 * what was written again just now may cover it by number, until it is written again itself. */
static bool has_moved(const struct past *past)
{
    for (uint32_t i = 0; i < past->n; i++) {
        struct sat_source source = {.readable = past->items[i].readable, .body = past->items[i].body};
        if (sat_source_moves(&source)) return true;
    }
    return false;
}

/* One of the numbers that it stood under, and what it was there. */
struct number {
    struct sat_dot dot;
    struct sat_was was;
    struct sat_hash rest; /* zeros: not known */
    bool found;           /* what it was */
    bool by_origin;       /* it is what it names as its origin: it may never have stood there itself */
};

enum found_there { NOT_THERE, THERE, MAY_BE_THERE };

/* What the log has under a number of which no content is here. Of a bundle that is here in hashes it is told by sealing
 * the own change again. A void statement says nothing of what was refused; and where a number is passed over, its
 * bundle was compacted, or what had it was written again behind a refusal. */
static enum sat_err look_at_number(struct satchel *satchel, int64_t sid, struct number *number,
                                   const struct sat_history_item *items, uint32_t n, struct sat_arena *arena,
                                   enum found_there *out)
{
    struct sat_vault vault = client_vault(satchel);
    struct sat_bundle_row row;
    struct sat_space_row space;
    enum sat_was_answer answer = SAT_WAS_UNKNOWN;
    uint64_t counter;
    bool taken, stub = false;
    *out = NOT_THERE;
    for (uint32_t i = 0; i < n; i++) stub = stub || (items[i].recv_ms && !items[i].readable);
    enum sat_err err = sat_store_bundle_of_dot(satchel->store, number->dot, &row, &taken);
    if (err || (taken && (row.seq == 0 || row.sid != sid))) return err;
    if (taken && row.state == SAT_BUNDLE_VOID) {
        *out = MAY_BE_THERE;
        return SAT_OK;
    }
    for (uint32_t i = 0; i < n; i++)
        if (items[i].readable && sat_dot_compare(items[i].dot, number->dot) == 0) return SAT_OK; /* another one */
    if (taken && number->found)
        err = sat_was_sent(&vault, sid, number->dot, &number->was, &number->rest, arena, &answer);
    if (err || taken) {
        *out = answer == SAT_WAS_SAME ? THERE : answer == SAT_WAS_ANOTHER ? NOT_THERE : MAY_BE_THERE;
        return err;
    }
    err = sat_store_space_get(satchel->store, sid, &space);
    if (!err) err = sat_store_device_counter_at(satchel->store, sid, number->dot.device, UINT64_MAX, &counter);
    if (!err && counter >= number->dot.counter && (space.compacted || stub)) *out = MAY_BE_THERE;
    return err;
}

/* Has a copy of this home had something refused, or is something forgotten of what it wrote in this record, that this
 * home does not know? It may have been this, under a number of the copy's. */
static enum sat_err may_be_kins(struct satchel *satchel, const struct sat_again_change *change,
                                const struct sat_history_item *items, uint32_t n, bool *may)
{
    uint32_t kin[SAT_LINEAGE_MAX], own = client_device(satchel);
    uint32_t kin_n = sat_directory_lineage(&satchel->directory, own, kin);
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < kin_n && !err && !*may; i++) {
        uint64_t known = 0; /* to this home, too: up to there it was one with the other */
        if (kin[i] == change->dot.device) continue;
        if (kin[i] == own) err = sat_copied_cut(satchel->store, change->sid, own, &known);
        if (!err) err = sat_store_has_void(satchel->store, change->sid, kin[i], known, may);
        for (uint32_t k = 0; k < n; k++)
            *may = *may || (items[k].recv_ms && !items[k].readable && items[k].dot.device == kin[i] &&
                            items[k].dot.counter > known);
    }
    return err;
}

/* Was the server set back, and is something of the record forgotten that came to the log since, and that this had not
 * seen? Whoever held the same may have written it again: it may have been this, or what had replaced it. */
static enum sat_err may_be_anybodys(struct satchel *satchel, const struct sat_again_change *change,
                                    const struct sat_history_item *items, uint32_t n, struct sat_arena *arena,
                                    bool *may)
{
    struct sat_space_row space;
    struct sat_lives lives = {0};
    enum sat_err err = sat_store_space_get(satchel->store, change->sid, &space);
    if (!err) err = sat_store_lives(satchel->store, &space, arena, &lives);
    for (uint32_t i = 0; i < n && !err && !*may; i++) {
        bool seen = sat_vector_covers(change->header->seen, items[i].dot) &&
                    !sat_dots_have(change->header->holes, items[i].dot);
        *may = items[i].seq && !items[i].readable && sat_lives_later(&lives, items[i].seq) && !seen;
    }
    return err;
}

/* What a copy says of what it repeats: the origin's hash tells whether it said the same in front of the same. That is
 * so where it had seen nothing under a number that was lost. */
static void guess_first(const struct sat_again_change *change, const struct sat_origin *root, struct number *first)
{
    struct sat_was was = {change->record, *change->header, *change->body};
    was.body.origin = (struct sat_span){0};
    struct sat_hash hash = sat_origin_hash(&was.record, &was.header, &was.body);
    if (first->found || sat_hash_is_zero(&root->rest) || !sat_hash_equal(&hash, &root->rest)) return;
    first->was = was;
    first->found = true;
}

/* By any number that it stood under, back to the first: is it there, though its content is forgotten? Of a record that
 * has gone from there once its origin's number says as little as its origin. */
static enum sat_err find_forgotten(struct satchel *satchel, const struct sat_again_change *change,
                                   const struct sat_origin *root, const struct past *past, struct sat_arena *arena,
                                   struct sat_again_answer *out)
{
    const struct sat_history_item *items = past->items;
    uint32_t n = past->n;
    bool moved = has_moved(past);
    struct sat_vault vault = client_vault(satchel);
    struct number number = {.dot = change->dot, .was = {change->record, *change->header, *change->body}, .found = true};
    enum sat_err err = SAT_OK;
    if (change->rest) number.rest = *change->rest;
    for (;;) {
        enum found_there there;
        err = look_at_number(satchel, change->sid, &number, items, n, arena, &there);
        if (err) return err;
        if (there == THERE && number.by_origin && moved) there = MAY_BE_THERE;
        out->doubtful = out->doubtful || there == MAY_BE_THERE;
        out->found = there == THERE;
        out->now = number.dot;
        if (!out->found && sat_dot_compare(number.dot, root->dot) == 0) {
            err = may_be_kins(satchel, change, items, n, &out->doubtful);
            return err ? err : may_be_anybodys(satchel, change, items, n, arena, &out->doubtful);
        }
        if (out->found) return SAT_OK;
        struct sat_dot before;
        err = sat_was_before(&vault, number.dot, arena, &before);
        if (err) return err;
        struct number next = {.dot = before.device ? before : root->dot, .by_origin = !before.device};
        err = sat_was_get(&vault, number.dot, arena, &next.was, &next.found);
        if (!err && !before.device) guess_first(change, root, &next);
        number = next;
        if (err) return err;
    }
}

/* The log says that the bundle in which it was frozen here was refused: no copy of this home sends it (MERGE 8). */
static enum sat_err was_refused(struct client_known *known, struct sat_dot dot, bool *refused)
{
    struct sat_store *store = known->satchel->store;
    struct sat_bundle_row row;
    struct sat_aside_row aside;
    bool found = false;
    *refused = false;
    enum sat_err err = sat_store_bundle_of_dot(store, dot, &row, &found);
    if (err || !found || row.state != SAT_BUNDLE_VOID) return err;
    struct sat_hash id = sat_void_of_row(&row).statement.refused;
    err = sat_store_aside_find(store, &id, &known->arena, &aside, refused);
    if (!err && *refused) sat_put_u64(&known->refused, (uint64_t)aside.number);
    return err;
}

static enum sat_err load_past(struct client_known *known, const struct sat_again_change *change, struct past *past)
{
    struct sat_vault vault = client_vault(known->satchel);
    past->lets_in = known->lets_in;
    return sat_record_history(&vault, change->sid, &change->record, &known->arena, &past->items, &past->n);
}

static enum sat_err look_at_past(struct client_known *known, const struct sat_again_change *change,
                                 const struct sat_origin *root, struct past *past, struct sat_again_answer *out)
{
    enum sat_err err = load_past(known, change, past);
    bool moved = !err && has_moved(past);
    for (uint32_t i = 0; i < past->n && !err && !out->found; i++) {
        const struct sat_history_item *item = &past->items[i];
        if (!repeats(change, root, past, item)) continue;
        out->found = !moved || sat_dot_compare(item->dot, change->dot) == 0;
        out->doubtful = true;
        out->now = item->dot;
    }
    if (!err && !out->found && !moved) out->found = was_replaced(change, past);
    return err;
}

enum sat_err client_known_look(void *context, const struct sat_again_change *change, struct sat_again_answer *out)
{
    struct client_known *known = context;
    struct past past = {0};
    struct sat_origin root = {0};
    *out = (struct sat_again_answer){0};
    enum sat_err err = client_space_of_sid(known->satchel, change->sid, &past.space);
    if (!err) root = root_of(&past.space, change);
    bool here = !err && sat_space_equal(&root.space, &past.space);
    if (here) err = was_refused(known, root.dot, &out->found);
    if (!err && !out->found) err = look_at_past(known, change, &root, &past, out);
    if (!err && !out->found && here) err = find_forgotten(known->satchel, change, &root, &past, &known->arena, out);
    sat_arena_reset(&known->arena);
    return err;
}

enum sat_err client_known_copy(void *context, const struct sat_again_change *change, struct sat_again_answer *out)
{
    struct client_known *known = context;
    struct past past = {0};
    struct sat_origin root = {0};
    enum sat_err err = client_space_of_sid(known->satchel, change->sid, &past.space);
    if (!err) err = load_past(known, change, &past);
    if (!err) root = root_of(&past.space, change);
    bool moved = !err && has_moved(&past);
    for (uint32_t i = 0; i < past.n && !err && !moved && !out->found; i++) {
        const struct sat_history_item *item = &past.items[i];
        out->found = item->seq && item->body.origin.len && repeats(change, &root, &past, item);
        out->now = item->dot;
    }
    sat_arena_reset(&known->arena);
    return err;
}
