#include "client/reindex.h"

#include <string.h>

#include "client/alert.h"
#include "client/links.h"
#include "common/sync/copied.h"
#include "common/sync/vector.h"
#include "common/sync/void.h"
#include "common/vault/author_again.h"
#include "common/vault/author_was.h"
#include "common/vault/origin.h"

enum { PENDING_MAX = 64 };

static const char CANDIDATE[] = "candidate", INDEX[] = "index";

/* ---- Keys ---- */

static enum sat_err get_candidate(struct satchel *satchel, struct sat_arena *arena, struct sat_span *sealed)
{
    uint8_t fresh[SAT_KEYRING_INDEX_BYTES];
    bool found;
    enum sat_err err = sat_store_meta_get(satchel->store, CANDIDATE, arena, sealed, &found);
    if (err || sealed->len) return err;
    err = sat_keyring_index_make(satchel->keyring, &satchel->entropy, fresh);
    if (!err) err = sat_store_meta_put(satchel->store, CANDIDATE, SAT_SPAN(fresh));
    *sealed = sat_span_copy(arena, SAT_SPAN(fresh));
    return err;
}

/* The device that has these keys; 0: there is none yet. */
static uint32_t find_device(const struct satchel *satchel, const struct sat_keyring *keyring)
{
    const struct sat_directory *directory = &satchel->directory;
    struct sat_public_key sign = sat_keyring_sign_public(keyring);
    for (uint32_t i = directory->devices_n; i-- > 0;)
        if (sat_span_equal(SAT_SPAN(directory->devices[i].sign.b), SAT_SPAN(sign.b)))
            return directory->devices[i].number;
    return 0;
}

/* The home was copied once more between the keys and the number, and the copy was first: it has written under it. */
static enum sat_err is_taken(struct satchel *satchel, uint32_t device, struct sat_arena *arena, bool *taken)
{
    struct sat_space_row *rows;
    uint32_t n = 0;
    *taken = false;
    enum sat_err err = device ? sat_store_spaces(satchel->store, arena, &rows, &n) : SAT_OK;
    for (uint32_t i = 0; i < n && !err && !*taken; i++) {
        struct sat_bundle_row tip;
        err = sat_store_bundle_tip(satchel->store, rows[i].sid, device, false, &tip, taken);
    }
    return err;
}

static enum sat_err open_candidate(struct satchel *satchel, struct sat_arena *arena, struct sat_keyring **out)
{
    struct sat_span sealed;
    bool taken = false;
    enum sat_err err = get_candidate(satchel, arena, &sealed);
    *out = NULL;
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, 0, out);
    if (!err) err = is_taken(satchel, find_device(satchel, *out), arena, &taken);
    if (!err && !taken) return SAT_OK;
    sat_keyring_free(*out);
    *out = NULL;
    if (err) return err;
    err = sat_store_meta_put(satchel->store, CANDIDATE, (struct sat_span){0});
    if (!err) err = get_candidate(satchel, arena, &sealed);
    return err ? err : sat_keyring_index_open(satchel->keyring, sealed, 0, out);
}

enum sat_err client_reindex_build(struct satchel *satchel, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct sat_keyring *candidate;
    struct client_links links;
    *out = (struct sat_link_batch){0};
    enum sat_err err = open_candidate(satchel, arena, &candidate);
    if (err) return err;
    if (!find_device(satchel, candidate)) {
        err = client_links_begin(&links, satchel, satchel->directory.time_ms, arena, &satchel->fault);
        if (!err) err = client_links_add_reindex(&links, candidate);
        if (!err) client_links_give(&links, out);
        client_links_end(&links);
    }
    sat_keyring_free(candidate);
    return err;
}

/* ---- What is in the log already ---- */

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

/* Itself, brought there by the other home that had it, or a copy of it that a third one wrote again. */
static bool repeats(const struct sat_again_change *change, const struct sat_origin *root,
                    const struct sat_space_id *space, const struct sat_history_item *item)
{
    struct sat_body body = item->body;
    struct sat_origin there;
    if (!item->readable || item->recv_ms == 0) return false;
    bool copy = sat_origin_decode(body.origin, &there) == SAT_OK;
    if (!copy) there = (struct sat_origin){.space = *space, .dot = item->dot};
    if (copy && names_it(change, &there, space)) return true;
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
                        const struct sat_space_id *space, const struct sat_history_item *items, uint32_t n)
{
    const struct sat_header *header = later->header;
    if (!sat_vector_covers(header->seen, change->dot) || sat_dots_have(header->holes, change->dot)) return false;
    if (sat_dots_have(header->kept, change->dot) && !says_all_of(later->body, change->body)) return false;
    struct sat_origin root = root_of(space, later);
    for (uint32_t i = 0; i < n; i++)
        if (repeats(later, &root, space, &items[i])) return true;
    return false;
}

/* Has it been replaced by one that waits here with it, or that lost its number with it, and that the log has a copy of?
 * Whoever wrote that had it as hashes, and so could not say what it replaces. Not by what was written again just now,
 * whose vector covers by number what had waited behind it. */
static bool was_replaced(const struct sat_again_change *change, const struct sat_space_id *space,
                         const struct sat_history_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct sat_body body = items[i].body;
        const struct sat_again_change later = {
            .record = change->record, .dot = items[i].dot, .header = &items[i].header, .body = &body};
        bool written = items[i].dot.device == change->written.device && items[i].dot.counter > change->written.counter;
        if (!items[i].recv_ms && items[i].readable && !written && replaced_it(&later, change, space, items, n))
            return true;
    }
    for (uint32_t i = 0; i < change->beside_n; i++) {
        const struct sat_again_change *later = &change->beside[i];
        if (sat_record_equal(&later->record, &change->record) && replaced_it(later, change, space, items, n))
            return true;
    }
    return false;
}

/* Has the record ever gone from there? What goes and comes back is copied, and each copy names the first original: by
 * that alone nobody can tell whether it is this one, or one that has gone again since. What says so need not be live:
 * what was written again just now may cover it by number, until it is written again itself. */
static bool has_moved(const struct sat_history_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct sat_source source = {.readable = items[i].readable, .body = items[i].body};
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
                                   const struct sat_origin *root, const struct sat_history_item *items, uint32_t n,
                                   struct sat_arena *arena, struct sat_again_answer *out)
{
    bool moved = has_moved(items, n);
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
static enum sat_err was_refused(struct client_looking *looking, struct sat_dot dot, bool *refused)
{
    struct sat_store *store = looking->satchel->store;
    struct sat_bundle_row row;
    struct sat_aside_row aside;
    bool found = false;
    *refused = false;
    enum sat_err err = sat_store_bundle_of_dot(store, dot, &row, &found);
    if (err || !found || row.state != SAT_BUNDLE_VOID) return err;
    struct sat_hash id = sat_void_of_row(&row).statement.refused;
    err = sat_store_aside_find(store, &id, &looking->arena, &aside, refused);
    return err || !*refused ? err : sat_store_aside_set_state(store, aside.number, SAT_ASIDE_OPEN);
}

enum sat_err client_reindex_known(void *context, const struct sat_again_change *change, struct sat_again_answer *out)
{
    struct client_looking *looking = context;
    struct sat_vault vault = client_vault(looking->satchel);
    struct sat_space_id space;
    struct sat_history_item *items;
    uint32_t n = 0;
    enum sat_err err = client_space_of_sid(looking->satchel, change->sid, &space);
    struct sat_origin root = {0};
    *out = (struct sat_again_answer){0};
    if (!err) root = root_of(&space, change);
    if (!err && sat_space_equal(&root.space, &space)) err = was_refused(looking, root.dot, &out->found);
    if (!err && !out->found)
        err = sat_record_history(&vault, change->sid, &change->record, &looking->arena, &items, &n);
    bool moved = !err && has_moved(items, n);
    for (uint32_t i = 0; i < n && !err && !out->found; i++) {
        if (!repeats(change, &root, &space, &items[i])) continue;
        out->found = !moved || sat_dot_compare(items[i].dot, change->dot) == 0;
        out->doubtful = true;
        out->now = items[i].dot;
    }
    if (!err && !out->found && !moved) out->found = was_replaced(change, &space, items, n);
    if (!err && !out->found && sat_space_equal(&root.space, &space))
        err = find_forgotten(looking->satchel, change, &root, items, n, &looking->arena, out);
    sat_arena_reset(&looking->arena);
    return err;
}

/* ---- The change of index ---- */

static enum sat_err find_places(struct satchel *satchel, struct sat_arena *arena, struct sat_again_place **out,
                                uint32_t *n)
{
    struct sat_space_row *rows;
    enum sat_err err = sat_store_spaces(satchel->store, arena, &rows, n);
    if (err) return err;
    *out = sat_arena_array(arena, *n, sizeof **out);
    for (uint32_t i = 0; i < *n && !err; i++) {
        (*out)[i] = (struct sat_again_place){.sid = rows[i].sid, .first = 1};
        err = sat_copied_cut(satchel->store, rows[i].sid, client_device(satchel), &(*out)[i].cut);
    }
    return err;
}

/* device: whose dots it stands under. */
static enum sat_err write_places(struct satchel *satchel, const struct sat_keyring *keyring, uint32_t device,
                                 bool drafts_stay, struct sat_again_place *places, uint32_t n, struct sat_arena *arena,
                                 struct sat_again_done *done)
{
    struct client_looking looking = {.satchel = satchel};
    uint32_t provisional;
    sat_arena_init(&looking.arena);
    enum sat_err err = sat_copied_number(satchel->store, &provisional);
    for (uint32_t i = 0; !err && i < n && device >= SAT_PROVISIONAL; i++) places[i].cut = 0;
    struct sat_vault vault = client_vault(satchel);
    vault.keyring = keyring;
    if (!err)
        err = sat_author_again(&vault,
                               &(struct sat_again){.device = device,
                                                   .drafts_stay = drafts_stay,
                                                   .keep = device < SAT_PROVISIONAL && provisional,
                                                   .places = places,
                                                   .places_n = n,
                                                   .origins = true,
                                                   .context = &looking,
                                                   .known = client_reindex_known},
                               arena, done);
    if (!err && done->n == 0 && !drafts_stay) err = sat_was_clear(satchel->store); /* nothing waits */
    if (!err && done->n == 0 && !drafts_stay) err = sat_store_meta_put_u64(satchel->store, SAT_TAKEN_KEY, 0);
    sat_arena_deinit(&looking.arena);
    return err;
}

static enum sat_err write_again(struct satchel *satchel, const struct sat_keyring *keyring, uint32_t device,
                                bool drafts_stay, struct sat_arena *arena, struct sat_again_done *done)
{
    struct sat_again_place *places;
    uint32_t n;
    enum sat_err err = find_places(satchel, arena, &places, &n);
    return err ? err : write_places(satchel, keyring, device, drafts_stay, places, n, arena, done);
}

enum sat_err client_reindex_begin(struct satchel *satchel)
{
    struct sat_arena arena;
    struct sat_again_done done;
    uint32_t number;
    sat_entropy_fill(&satchel->entropy, &number, sizeof number);
    sat_arena_init(&arena);
    enum sat_err err = sat_copied_set_number(satchel->store, number | SAT_PROVISIONAL);
    if (!err) err = write_again(satchel, satchel->keyring, client_device(satchel), false, &arena, &done);
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

/* Behind something refused nothing moves; what stands in its place stays there, and what is behind that may move. */
static enum sat_err find_line(struct satchel *satchel, struct sat_arena *arena, struct sat_again_place **places,
                              uint32_t *n, bool *refused)
{
    enum sat_err err = find_places(satchel, arena, places, n);
    *refused = false;
    for (uint32_t i = 0; i < *n && !err && !*refused; i++) {
        struct sat_again_place *place = &(*places)[i];
        struct sat_bundle_row *rows;
        uint32_t rows_n;
        err = sat_store_bundles_pending(satchel->store, place->sid, 0, PENDING_MAX, arena, &rows, &rows_n);
        for (uint32_t k = 0; k < rows_n && !err; k++) {
            if (rows[k].state == SAT_BUNDLE_VOID)
                place->first = rows[k].first + rows[k].count;
            else
                *refused = *refused || rows[k].state != SAT_BUNDLE_NORMAL;
        }
    }
    return err;
}

static enum sat_err look(struct satchel *satchel, struct sat_arena *arena, bool *changed)
{
    bool refused;
    struct sat_again_done done = {0};
    struct sat_again_place *places;
    uint32_t n;
    enum sat_err err = find_line(satchel, arena, &places, &n, &refused);
    if (err || refused) return err;
    err = sat_store_mark(satchel->store);
    if (err) return err;
    err = write_places(satchel, satchel->keyring, client_device(satchel), false, places, n, arena, &done);
    *changed = !err && done.n > done.written;
    enum sat_err ended = sat_store_mark_end(satchel->store, *changed);
    if (ended) return ended;
    return sat_err_is_local(err) ? err : SAT_OK;
}

enum sat_err client_reindex_look(struct satchel *satchel, bool *changed)
{
    struct sat_arena arena;
    *changed = false;
    sat_arena_init(&arena);
    enum sat_err err = look(satchel, &arena, changed);
    sat_arena_deinit(&arena);
    if (*changed) satchel->conflicts.known = false;
    if (*changed) client_touch(satchel);
    return err;
}

/* ---- What a server has lost, and taken other work for ---- */

static enum sat_err take_over(struct satchel *satchel, int64_t sid, const struct sat_taken *from,
                              struct sat_arena *arena)
{
    struct client_looking looking = {.satchel = satchel};
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_again_done done;
    uint32_t number;
    sat_arena_init(&looking.arena);
    enum sat_err err = sat_copied_number(satchel->store, &number);
    struct sat_again again = {.device = number ? number : client_device(satchel),
                              .places = &place,
                              .places_n = 1,
                              .taken = from,
                              .origins = true,
                              .context = &looking,
                              .known = client_reindex_known};
    if (!err) err = sat_author_again(&vault, &again, arena, &done);
    if (!err) err = sat_store_meta_put_u64(satchel->store, SAT_TAKEN_KEY, 1);
    sat_arena_deinit(&looking.arena);
    return err;
}

enum sat_err client_reindex_take_over(struct satchel *satchel, int64_t sid, const struct sat_taken *from, bool *taken)
{
    struct sat_space_id space;
    struct sat_arena arena;
    *taken = false;
    enum sat_err err = client_space_of_sid(satchel, sid, &space);
    if (err || !(client_rights(satchel, &space) & SAT_RIGHT_WRITE)) return err;
    sat_arena_init(&arena);
    err = sat_store_mark(satchel->store);
    if (!err) {
        err = take_over(satchel, sid, from, &arena);
        *taken = !err;
        enum sat_err ended = sat_store_mark_end(satchel->store, *taken);
        if (ended || !sat_err_is_local(err)) err = ended;
    }
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

/* Has the log a copy of it? */
static enum sat_err has_copy(void *context, const struct sat_again_change *change, struct sat_again_answer *out)
{
    struct client_looking *looking = context;
    struct sat_vault vault = client_vault(looking->satchel);
    struct sat_space_id space;
    struct sat_history_item *items;
    struct sat_origin root = {0};
    uint32_t n = 0;
    enum sat_err err = client_space_of_sid(looking->satchel, change->sid, &space);
    if (!err) err = sat_record_history(&vault, change->sid, &change->record, &looking->arena, &items, &n);
    if (!err) root = root_of(&space, change);
    bool moved = !err && has_moved(items, n);
    for (uint32_t i = 0; i < n && !err && !moved && !out->found; i++) {
        out->found = items[i].seq && items[i].body.origin.len && repeats(change, &root, &space, &items[i]);
        out->now = items[i].dot;
    }
    sat_arena_reset(&looking->arena);
    return err;
}

enum sat_err client_reindex_look_back(struct satchel *satchel, int64_t sid, uint64_t now_ms, bool *changed)
{
    struct client_looking looking = {.satchel = satchel};
    struct sat_vault vault = client_vault(satchel);
    struct sat_again_place place = {.sid = sid};
    struct sat_again again = {.places = &place, .places_n = 1, .context = &looking, .known = has_copy};
    enum sat_err err = SAT_OK;
    bool more = true;
    *changed = false;
    while (more && !err) {
        struct sat_taken from;
        sat_arena_init(&looking.arena);
        err = sat_author_find_known(&vault, &again, &from, &more);
        sat_arena_deinit(&looking.arena);
        from.now_ms = now_ms;
        if (!err && more) err = client_reindex_take_over(satchel, sid, &from, &more);
        *changed = *changed || more;
    }
    return err;
}

void client_reindex_rest(struct satchel *satchel)
{
    struct sat_store *store = satchel->store;
    uint64_t drafts, bundles = 0, changes;
    if (sat_store_in_transaction(store) || sat_store_draft_count(store, &drafts) || drafts) return;
    if (sat_store_pending_count(store, &bundles, &changes) || bundles || sat_store_begin(store)) return;
    enum sat_err err = sat_was_clear(store);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
}

static enum sat_err put_index(struct satchel *satchel, uint32_t device, const struct sat_keyring *next,
                              struct sat_span sealed)
{
    struct sat_public_key own = sat_keyring_sign_public(next);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_put_u32(&bytes, device);
    sat_put_span(&bytes, sealed);
    enum sat_err err = sat_store_meta_put(satchel->store, INDEX, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    if (!err) err = sat_store_meta_put(satchel->store, "device_key", SAT_SPAN(own.b)); /* membership.c */
    if (!err) err = sat_store_meta_put(satchel->store, CANDIDATE, (struct sat_span){0});
    return err ? err : sat_copied_clear(satchel->store);
}

static enum sat_err finish(struct satchel *satchel, struct sat_arena *arena)
{
    struct sat_span sealed;
    struct sat_again_done done;
    struct sat_keyring *candidate = NULL, *next = NULL;
    enum sat_err err = get_candidate(satchel, arena, &sealed);
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, 0, &candidate);
    uint32_t device = err ? 0 : find_device(satchel, candidate);
    if (!err && !device) err = SAT_ERR_CORRUPT;
    if (!err) err = sat_keyring_index_open(satchel->keyring, sealed, device, &next);
    uint32_t number = 0;
    if (!err) err = sat_copied_number(satchel->store, &number);
    /* What was in the log when the home learned that it is a copy, and is not any more, as the server was set back. */
    if (!err && number) err = write_again(satchel, satchel->keyring, client_device(satchel), true, arena, &done);
    if (!err) err = sat_copied_set_number(satchel->store, 0); /* what is written from here on is the new device's */
    if (!err) err = write_again(satchel, next, number ? number : client_device(satchel), false, arena, &done);
    if (!err) err = put_index(satchel, device, next, sealed);
    sat_keyring_free(candidate);
    sat_keyring_free(next);
    return err;
}

enum sat_err client_reindex_finish(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = finish(satchel, &arena);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err take(struct satchel *satchel, struct sat_arena *arena)
{
    struct sat_span bytes;
    struct sat_reader reader;
    struct sat_keyring *next;
    bool found;
    enum sat_err err = sat_store_meta_get(satchel->store, INDEX, arena, &bytes, &found);
    if (err || bytes.len == 0) return err;
    sat_reader_init(&reader, bytes);
    uint32_t device = sat_take_u32(&reader);
    err = sat_keyring_index_open(satchel->keyring, sat_take_span(&reader, sat_reader_left(&reader)), device, &next);
    if (!err) sat_keyring_become(satchel->keyring, next);
    return err;
}

enum sat_err client_reindex_take(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = take(satchel, &arena);
    sat_arena_deinit(&arena);
    satchel->conflicts.known = false;
    client_touch(satchel);
    return err;
}

const char *client_reindex_text(const struct satchel *satchel, struct sat_arena *arena)
{
    const struct sat_device *own = sat_directory_device(&satchel->directory, client_device(satchel));
    return sat_arena_format(arena,
                            "this home was a copy, or an older state, of the home of device %u: it is device %u from "
                            "now on, and has written again what waited here; if the other one is in no use any more, "
                            "or in wrong hands, an admin revokes both, and invites anew",
                            own ? (unsigned)own->parent : 0, (unsigned)client_device(satchel));
}

void client_reindex_tell(struct satchel *satchel)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_alert_keep(satchel, CLIENT_ALERT_HOME_COPIED, client_reindex_text(satchel, &arena));
    sat_arena_deinit(&arena);
}
