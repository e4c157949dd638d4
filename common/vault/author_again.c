#include "common/vault/author_again.h"

#include <sodium.h>
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/collect.h"
#include "common/sync/copied.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/sync/void.h"
#include "common/vault/author_again_work.h"
#include "common/vault/author_draft.h"
#include "common/vault/author_was.h"
#include "common/vault/origin.h"
#include "common/vault/seal.h"
#include "common/vault/types.h"

/* ---- What became of which dot ---- */

static struct sat_again_pair *add_pair(struct sat_again_work *again, const struct sat_again_old *old,
                                       struct sat_dot now)
{
    struct sat_again_done *out = again->out;
    if (out->n == again->cap) {
        again->cap = again->cap ? again->cap * 2 : 64;
        struct sat_again_pair *pairs = sat_arena_array(again->pairs_arena, again->cap, sizeof *pairs);
        if (out->n) memcpy(pairs, out->pairs, out->n * sizeof *pairs);
        out->pairs = pairs;
    }
    out->pairs[out->n] = (struct sat_again_pair){
        .sid = old->place->sid, .record = old->record, .old = {old->device, old->counter}, .now = now};
    return &out->pairs[out->n++];
}

const struct sat_again_gone *sat_again_gone(const struct sat_again_work *again, uint32_t device)
{
    for (uint32_t i = 0; i < again->gone_n; i++)
        if (again->gone[i].device == device) return &again->gone[i];
    return NULL;
}

bool sat_again_is_gone(const struct sat_again_work *again, struct sat_dot dot)
{
    const struct sat_again_gone *gone = sat_again_gone(again, dot.device);
    return gone && dot.counter >= gone->first;
}

/* Is it others' work as well? */
static bool is_others(const struct sat_again_work *again)
{
    return again->what->taken || again->what->handed;
}

/* Is nothing under that number any more what it was, unless it was written again? */
static bool has_moved(const struct sat_again_work *again, const struct sat_again_old *old, struct sat_dot dot)
{
    return (dot.device == again->what->device && dot.counter > old->place->cut) || sat_again_is_gone(again, dot);
}

static const struct sat_again_pair *if_of_record(const struct sat_again_pair *pair, const struct sat_again_old *old)
{
    return sat_record_equal(&pair->record, &old->record) ? pair : NULL;
}

/* Of the record, by the old dot; NULL: it was not written again. They are in order where they are all one device's. */
static const struct sat_again_pair *pair_of(const struct sat_again_work *again, const struct sat_again_old *old,
                                            struct sat_dot dot)
{
    const struct sat_again_done *out = again->out;
    uint32_t low = 0, high = out->n;
    for (uint32_t i = 0; is_others(again) && i < out->n; i++)
        if (sat_dot_compare(out->pairs[i].old, dot) == 0) return if_of_record(&out->pairs[i], old);
    if (is_others(again)) return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (out->pairs[middle].old.counter < dot.counter)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == out->n || out->pairs[low].old.counter != dot.counter) return NULL;
    return if_of_record(&out->pairs[low], old);
}

/* Dots as they are now; those that nothing has become of are left out. */
static void map_dots(const struct sat_again_work *again, const struct sat_again_old *old, struct sat_dots dots,
                     struct sat_dots_builder *out)
{
    for (uint32_t i = 0; i < dots.n; i++) {
        struct sat_dot dot = dots.at[i];
        if (has_moved(again, old, dot)) {
            const struct sat_again_pair *pair = pair_of(again, old, dot);
            if (!pair) continue;
            dot = pair->now;
        }
        sat_dots_add(out, dot);
    }
}

/* Of what was handed in nobody has judged what its author says to have seen. */
static uint64_t as_proven(const struct sat_again_work *again, struct sat_dot seen)
{
    for (uint32_t i = 0; i < again->proven_n; i++)
        if (again->proven[i].device == seen.device && again->proven[i].counter < seen.counter)
            return again->proven[i].counter;
    return seen.counter;
}

/* What it had seen under numbers that are still what they were. */
static void add_unmoved(const struct sat_again_work *again, const struct sat_again_old *old,
                        struct sat_dots_builder *out)
{
    const struct sat_dots seen = old->header.seen;
    for (uint32_t i = 0; i < seen.n; i++) {
        struct sat_dot dot = seen.at[i];
        if (dot.device == again->what->device && dot.counter > old->place->cut) dot.counter = old->place->cut;
        const struct sat_again_gone *gone = sat_again_gone(again, dot.device);
        if (gone && dot.counter >= gone->first) dot.counter = gone->first - 1;
        if (again->what->handed && dot.device != old->device) dot.counter = as_proven(again, dot);
        if (dot.counter) sat_dots_add(out, dot);
    }
}

/* Does it say something of where the record is? Then what it leaves uncovered is told by what it names, not by what it
 * writes. */
static bool is_about_a_move(const struct sat_body *body)
{
    for (uint32_t i = 0; i < body->cells_n; i++) {
        uint16_t field = body->cells[i].field;
        if (field == SAT_FIELD_MOVED || field == SAT_FIELD_CARRIED) return true;
    }
    return false;
}

/* Not what its vector covers by number alone: what that had seen, it had not. And who takes a record away has made a
 * copy of what he had seen, not of what somebody else had brought there from the same place, on whose copy others
 * rely. */
static bool had_seen_pair(const struct sat_again_old *old, const struct sat_again_pair *pair)
{
    if (pair->by_origin && old->header.deletion && is_about_a_move(&old->body)) return false;
    return pair->sid == old->place->sid && sat_record_equal(&pair->record, &old->record) &&
           sat_vector_covers(old->header.seen, pair->old) && !sat_dots_have(old->header.holes, pair->old);
}

/* What it had seen, and nothing that came to this device since. */
static struct sat_dots map_seen(struct sat_again_work *again, const struct sat_again_old *old,
                                const struct sat_record_view *view)
{
    uint64_t own = sat_vector_counter(old->header.seen, again->what->device);
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &again->arena);
    add_unmoved(again, old, &builder);
    /* None stands for those before it: what was taken over came between own ones that had not seen it. */
    for (uint32_t i = 0; i < again->out->n && (is_others(again) || own > old->place->cut); i++) {
        const struct sat_again_pair *pair = &again->out->pairs[i];
        if (!had_seen_pair(old, pair)) continue;
        sat_dots_add(&builder, pair->now);
        const struct sat_source *source = sat_record_live(view, pair->now);
        if (source) sat_dots_add_all(&builder, source->header.seen); /* it may have been written again elsewhere */
    }
    return sat_dots_as_vector(&builder);
}

/* Had it seen what is live now, itself or by what it had seen that was written again? A vector covers by numbers, and
 * what several wrote stands under one device's. */
static bool had_seen(const struct sat_again_work *again, const struct sat_again_old *old,
                     const struct sat_record_view *view, struct sat_dots unmoved, struct sat_dot dot)
{
    if (sat_vector_covers(unmoved, dot)) return true;
    for (uint32_t i = 0; i < again->out->n; i++) {
        const struct sat_again_pair *pair = &again->out->pairs[i];
        if (!had_seen_pair(old, pair)) continue;
        const struct sat_source *source = sat_record_live(view, pair->now);
        if (sat_dot_compare(pair->now, dot) == 0) return true;
        if (source && sat_vector_covers(source->header.seen, dot) && !sat_dots_have(source->header.holes, dot))
            return true;
    }
    return false;
}

/* ---- One change ---- */

static struct sat_dots find_kept(struct sat_again_work *again, const struct sat_again_old *old,
                                 const struct sat_record_view *view, const struct sat_header *header)
{
    struct sat_arena *arena = &again->arena;
    struct sat_dots_builder kept, named;
    sat_dots_begin(&kept, arena);
    sat_dots_begin(&named, arena);
    map_dots(again, old, old->header.kept, &named);
    struct sat_dots before = sat_dots_as_set(&named);
    struct sat_source *read = sat_arena_array(arena, view->live_n, sizeof *read);
    bool *keep = sat_arena_array(arena, view->live_n, sizeof *keep);
    uint32_t n = 0;
    for (uint32_t i = 0; i < view->live_n; i++) {
        const struct sat_source *x = &view->live[i];
        if (x->readable && sat_vector_covers(header->seen, x->dot) && !sat_dots_have(header->holes, x->dot))
            read[n++] = *x;
    }
    bool moves = is_about_a_move(&old->body), all = header->holes.n > 0 || (header->deletion && !moves);
    sat_cells_keep(read, n, old->body.cells, old->body.cells_n, keep);
    for (uint32_t i = 0; i < n; i++)
        if (all || (moves ? sat_dots_have(before, read[i].dot) : keep[i])) sat_dots_add(&kept, read[i].dot);
    return sat_dots_as_set(&kept);
}

/* What the new vector covers by number alone. */
static void add_unseen(struct sat_again_work *again, const struct sat_again_old *old,
                       const struct sat_record_view *view, struct sat_dots_builder *out)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &again->arena);
    add_unmoved(again, old, &builder);
    struct sat_dots unmoved = sat_dots_as_vector(&builder);
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!had_seen(again, old, view, unmoved, view->live[i].dot)) sat_dots_add(out, view->live[i].dot);
}

/* What its author had not read stays unread, and what cannot be read now joins it. */
static struct sat_dots find_holes(struct sat_again_work *again, const struct sat_again_old *old,
                                  const struct sat_record_view *view, const struct sat_header *header)
{
    struct sat_dots_builder all, holes;
    sat_dots_begin(&all, &again->arena);
    sat_dots_begin(&holes, &again->arena);
    map_dots(again, old, header->holes, &all);
    sat_dots_add_all(&all, view->holes);
    if (again->what->known) add_unseen(again, old, view, &all);
    struct sat_dots known = sat_dots_as_set(&all);
    for (uint32_t i = 0; i < known.n; i++)
        if (sat_vector_covers(header->seen, known.at[i])) sat_dots_add(&holes, known.at[i]);
    return sat_dots_as_set(&holes);
}

/* Whose word an origin is, who lets in what was handed in must not lend him his own: a member's that names somebody
 * else counts for nothing (record.c), and would count in an admin's copy. */
static bool origin_holds(const struct sat_again_work *again, const struct sat_again_old *old)
{
    const struct sat_directory *directory = again->vault.directory;
    struct sat_origin origin;
    if (!again->what->handed || sat_origin_decode(old->body.origin, &origin)) return true;
    const struct sat_device *author = sat_directory_device(directory, old->device);
    const struct sat_device *first = sat_directory_device(directory, origin.dot.device);
    uint8_t role = sat_directory_role_at(directory, old->device, old->dir_seq);
    return sat_role_outweighs(role, SAT_ROLE_REP) || (author && first && author->user == first->user);
}

/* Is what the log has under the origin's number another change? Where only another kind of hash of it is left, it may
 * be the same. */
static enum sat_err is_another(const struct sat_again_work *again, const struct sat_again_old *old,
                               const struct sat_origin *origin, int64_t bid, struct sat_arena *arena, bool *another)
{
    struct sat_history_item *items;
    struct sat_change_row *rows;
    uint32_t n = 0, rows_n = 0;
    bool found = false;
    *another = false;
    enum sat_err err = sat_record_history(&again->vault, old->place->sid, &old->record, arena, &items, &n);
    for (uint32_t i = 0; i < n && !err && !found; i++) {
        if (sat_dot_compare(items[i].dot, origin->dot) != 0) continue;
        found = true;
        items[i].body.origin = (struct sat_span){0};
        struct sat_hash said = sat_origin_hash(&old->record, &items[i].header, &items[i].body);
        *another = items[i].readable && !sat_hash_equal(&said, &origin->rest) &&
                   !sat_hash_equal(&items[i].rest, &origin->rest);
    }
    if (!err && !found) err = sat_store_changes_of_bundle(again->vault.store, bid, arena, &rows, &rows_n);
    for (uint32_t i = 0; i < rows_n && !err; i++) /* of another record, or in another space */
        *another = *another || sat_dot_compare(rows[i].dot, origin->dot) == 0;
    return err;
}

/* Has it come with a record that moved, from another space or back from there? An origin in the space itself is that of
 * a copy where it stands in the log; else it says what was written again here. */
static enum sat_err says_copy(const struct sat_again_work *again, const struct sat_again_old *old, bool *copy)
{
    struct sat_space_row space;
    struct sat_bundle_row row;
    struct sat_origin origin;
    bool found = false;
    *copy = false;
    if (sat_origin_decode(old->body.origin, &origin)) return SAT_OK;
    enum sat_err err = sat_store_space_get(again->vault.store, old->place->sid, &space);
    *copy = !err && !sat_space_equal(&origin.space, &space.id);
    if (err || *copy) return err;
    err = sat_store_bundle_of_dot(again->vault.store, origin.dot, &row, &found);
    *copy = !err && found && row.seq && !sat_void_is_row(&row);
    if (!*copy) return err;
    struct sat_arena arena;
    bool another;
    sat_arena_init(&arena);
    err = is_another(again, old, &origin, row.bid, &arena, &another);
    *copy = !err && !another;
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err is_copy(const struct sat_again_work *again, const struct sat_again_old *old, bool *copy)
{
    enum sat_err err = says_copy(again, old, copy);
    *copy = *copy && origin_holds(again, old);
    return err;
}

/* Where the record was collected meanwhile, who brings a copy knows that, as if he made it now. */
static enum sat_err see_collection(struct sat_again_work *again, const struct sat_again_old *old,
                                   struct sat_header *header)
{
    struct sat_collected_row collected;
    struct sat_dots_builder seen, holes;
    bool copy, found = false;
    enum sat_err err = is_copy(again, old, &copy);
    if (!err && copy)
        err = sat_store_collected_get(again->vault.store, old->place->sid, &old->record, &collected, &found);
    if (err || !found) return err;
    sat_dots_begin(&seen, &again->arena);
    sat_dots_add_all(&seen, header->seen);
    sat_dots_add(&seen, collected.deletion);
    sat_dots_begin(&holes, &again->arena);
    for (uint32_t i = 0; i < header->holes.n; i++)
        if (sat_dot_compare(header->holes.at[i], collected.deletion) != 0) sat_dots_add(&holes, header->holes.at[i]);
    header->seen = sat_dots_as_vector(&seen);
    header->holes = sat_dots_as_set(&holes);
    return SAT_OK;
}

static enum sat_err set_origin(struct sat_again_work *again, const struct sat_again_old *old, struct sat_body *body)
{
    struct sat_space_row space;
    if (!again->what->origins || (body->origin.len && origin_holds(again, old))) return SAT_OK;
    body->origin = (struct sat_span){0};
    enum sat_err err = sat_store_space_get(again->vault.store, old->place->sid, &space);
    struct sat_origin origin = {.space = space.id, .dot = {old->device, old->counter}};
    origin.rest = sat_origin_hash(&old->record, &old->header, body);
    sat_buf_clear(&again->origin);
    sat_origin_encode(&origin, &again->origin);
    body->origin = sat_buf_span(&again->origin);
    return err;
}

/* What it was, unless it stood under a number that never left this home; and where it stands now. Behind a refusal,
 * too: this home may have a twin that has sent it as it was. */
static enum sat_err remember(struct sat_again_work *again, const struct sat_again_old *old)
{
    struct sat_dot before = {old->device, old->counter};
    struct sat_was was = {.record = old->record, .header = old->header, .body = old->body};
    enum sat_err err = SAT_OK;
    if (!again->what->origins) return SAT_OK;
    struct sat_dot now = sat_drafter_last(&again->drafter);
    if (before.device < SAT_PROVISIONAL) err = sat_was_put(&again->vault, now, &was);
    return err ? err : sat_was_follow(&again->vault, now, before);
}

static enum sat_err write_again(struct sat_again_work *again, const struct sat_again_old *old, bool doubtful)
{
    struct sat_record_view view;
    struct sat_header header = old->header; /* its time, too, is when it was written */
    struct sat_body body = old->body;
    again->vault.hidden_device = again->what->device;
    again->vault.hidden_first = old->place->cut + 1; /* what is before it was accepted once */
    again->vault.hidden_last = again->last;
    enum sat_err err = sat_record_load(&again->vault, old->place->sid, &old->record, &again->arena, &view);
    if (err) return err;
    header.seen = map_seen(again, old, &view);
    err = see_collection(again, old, &header);
    if (err) return err;
    header.holes = find_holes(again, old, &view, &header);
    header.kept = find_kept(again, old, &view, &header);
    if (doubtful) header.hlc = sat_record_before_all(&view, &header);
    err = set_origin(again, old, &body);
    if (err) return err;
    err = sat_drafter_put(&again->drafter, old->place->sid, &old->record, &header, &body);
    if (err == SAT_ERR_TOO_LARGE && body.origin.len && !old->body.origin.len && !again->what->handed) {
        body.origin = (struct sat_span){0};
        err = sat_drafter_put(&again->drafter, old->place->sid, &old->record, &header, &body);
    }
    if (!err) err = remember(again, old);
    if (!err) (void)add_pair(again, old, sat_drafter_last(&again->drafter));
    return err;
}

struct sat_again_change sat_again_change_of(const struct sat_again_old *old)
{
    return (struct sat_again_change){.sid = old->place->sid,
                                     .record = old->record,
                                     .dot = {old->device, old->counter},
                                     .header = &old->header,
                                     .body = &old->body,
                                     .rest = old->rest};
}

enum sat_err sat_again_know(struct sat_again_work *again, const struct sat_again_old *old,
                            struct sat_again_answer *answer)
{
    const struct sat_again *what = again->what;
    enum sat_err err = SAT_OK;
    struct sat_again_change change = sat_again_change_of(old);
    change.written = (struct sat_dot){again->drafter.device, again->last};
    change.beside = again->beside;
    change.beside_n = again->beside_n;
    *answer = (struct sat_again_answer){0};
    if (what->known) err = what->known(what->context, &change, answer);
    if (err || !answer->found || !answer->now.counter) return err;
    struct sat_again_pair *pair = add_pair(again, old, answer->now);
    return sat_dot_compare(pair->old, pair->now) == 0 ? SAT_OK : says_copy(again, old, &pair->by_origin);
}

enum sat_err sat_again_take(struct sat_again_work *again, struct sat_again_old *old)
{
    struct sat_again_answer answer;
    enum sat_err err = sat_again_know(again, old, &answer);
    if (!err && !answer.found) err = write_again(again, old, answer.doubtful);
    sat_arena_reset(&again->arena);
    return err;
}

/* ---- Moves whose copies were refused ---- */

enum { NOTE_BYTES = 8 + 16 };

static void note_refused(struct sat_again_work *again, int64_t sid, const struct sat_record_id *record)
{
    sat_put_u64(&again->refused, (uint64_t)sid);
    sat_put_bytes(&again->refused, record->b, sizeof record->b);
}

static bool was_refused(const struct sat_again_work *again, int64_t sid, const struct sat_record_id *record)
{
    struct sat_reader reader;
    sat_reader_init(&reader, sat_buf_span(&again->refused));
    while (sat_reader_left(&reader) >= NOTE_BYTES) {
        struct sat_record_id other;
        bool here = (int64_t)sat_take_u64(&reader) == sid;
        sat_take_bytes(&reader, other.b, sizeof other.b);
        if (here && sat_record_equal(&other, record)) return true;
    }
    return false;
}

/* Does it cover what has gone to where the copies do not arrive, or stand on such a one, which it keeps while it covers
 * the rest with it? The record stays where it was then. */
static enum sat_err covers_in_vain(const struct sat_again_work *again, const struct sat_again_old *old, bool *vain)
{
    enum sat_err err = SAT_OK;
    *vain = old->header.deletion && is_about_a_move(&old->body) && was_refused(again, -old->place->sid, &old->record);
    for (uint32_t i = 0; i < old->body.cells_n && !err && !*vain; i++) {
        const struct sat_cell *cell = &old->body.cells[i];
        struct sat_space_row target;
        struct sat_space_id id;
        bool found;
        if ((cell->field != SAT_FIELD_MOVED && cell->field != SAT_FIELD_CARRIED) || cell->value.kind != SAT_VALUE_REF)
            continue;
        memcpy(id.b, cell->value.ref.b, sizeof id.b);
        err = sat_store_space_find(again->vault.store, &id, &target, &found);
        *vain = !err && found && was_refused(again, target.sid, &old->record);
    }
    return err;
}

/* ---- Where they come from ---- */

static enum sat_err take_draft(struct sat_again_work *again, const struct sat_again_place *place,
                               const struct sat_draft_row *row)
{
    struct sat_again_old old = {
        .place = place, .record = row->record, .device = again->what->device, .counter = row->counter};
    sat_buf_clear(&again->plain);
    enum sat_err err = sat_unseal_draft(sat_keyring_secrets(again->vault.keyring)->store_key, row->counter,
                                        &row->record, row->header, row->body, &again->plain);
    if (!err) err = sat_body_decode(sat_buf_span(&again->plain), &again->batch, &old.body);
    if (!err) err = sat_header_decode(row->header, &again->batch, &old.header);
    if (err) return SAT_ERR_CORRUPT;
    bool vain;
    err = covers_in_vain(again, &old, &vain);
    if (!err && vain) note_refused(again, -place->sid, &row->record);
    if (!err && !vain) err = sat_again_take(again, &old);
    return err ? err : sat_store_drafts_delete(again->vault.store, row->counter, row->counter);
}

/* It is one's own; yet its key may have gone, or its bytes may be damaged. */
enum sat_err sat_again_open(struct sat_again_work *again, const struct sat_again_place *place,
                            const struct sat_bundle *bundle, struct sat_again_old *out)
{
    const struct sat_vault *vault = &again->vault;
    const struct sat_manifest *manifest = &bundle->manifest;
    const struct sat_epoch_key *key;
    struct sat_bundle_key bundle_key;
    enum sat_err err = sat_keys_get(vault->keys, vault->directory, &manifest->space, manifest->epoch, &key);
    if (err) return err;
    sat_bundle_key_derive(key, manifest, &bundle_key);
    for (uint32_t i = 0; i < manifest->count && !err; i++) {
        const struct sat_change *change = &bundle->changes[i];
        out[i] = (struct sat_again_old){.place = place, .record = change->record, .device = manifest->device};
        if (change->stub) continue;
        out[i].counter = manifest->first + i;
        out[i].dir_seq = manifest->dir_seq;
        out[i].rest = &change->rest;
        sat_buf_clear(&again->plain);
        err = sat_unseal_change(vault->squeezer, &bundle_key, manifest, i, &change->record, change->header,
                                change->body, &again->plain);
        if (!err) err = sat_body_decode(sat_buf_span(&again->plain), &again->batch, &out[i].body);
        if (!err) err = sat_header_decode(change->header, &again->batch, &out[i].header);
    }
    sodium_memzero(&bundle_key, sizeof bundle_key);
    return err;
}

enum sat_err sat_again_put_aside(struct sat_again_work *again, const struct sat_bundle *bundle, enum sat_err why,
                                 enum sat_aside_state state, uint64_t recv_ms)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_aside_row row = {
        .space = bundle->manifest.space,
        .device = bundle->manifest.device,
        .first = bundle->manifest.first,
        .count = bundle->manifest.count,
        .id = bundle->id,
        .bytes = sat_buf_span(&bytes),
        .recv_ms = recv_ms,
        .reason = (uint32_t)why,
        .state = (uint8_t)state,
    };
    enum sat_err err = sat_store_aside_put(again->vault.store, &row);
    sat_buf_deinit(&bytes);
    again->out->aside += state == SAT_ASIDE_OPEN;
    return err;
}

/* Was the bundle refused for the sake of some of its changes alone, of records that everybody has forgotten? Then all
 * are written again: those come to stand for themselves (author_freeze.c), and the others arrive. So do copies, which
 * say then that they know of it. */
static enum sat_err goes_apart(struct sat_again_work *again, const struct sat_again_place *place,
                               const struct sat_bundle_row *row, const struct sat_bundle *bundle,
                               struct sat_again_old *changes, bool *apart)
{
    uint32_t late = 0;
    *apart = false;
    if (row->refused != SAT_ERR_COLLECTED) return SAT_OK;
    enum sat_err err = sat_collected_late(again->vault.store, row->sid, bundle, &late);
    if (err || !late) return err;
    err = sat_again_open(again, place, bundle, changes);
    if (err) return sat_err_is_local(err) ? err : SAT_OK; /* it cannot be written again, in parts or whole */
    *apart = late < row->count;
    for (uint32_t i = 0; i < row->count && !err && !*apart; i++) err = is_copy(again, &changes[i], apart);
    return err;
}

/* Was it refused as it names a place of the log that everybody else has compacted (runs), or as it has seen what the
 * server lost and does not take back? Nothing is wrong with what it says: sealed anew, it names what is here. */
static enum sat_err is_outdated(const struct sat_again_work *again, const struct sat_bundle_row *row,
                                const struct sat_bundle *bundle, bool *outdated)
{
    struct sat_space_row space;
    struct sat_hash root;
    bool found;
    *outdated = row->refused == SAT_ERR_STALE;
    if (row->refused != SAT_ERR_BOUNDS) return SAT_OK;
    enum sat_err err = sat_store_space_get(again->vault.store, row->sid, &space);
    if (err || bundle->manifest.w_size >= space.compacted) return err;
    err = sat_store_root_at(again->vault.store, row->sid, bundle->manifest.w_size, &root, &found);
    *outdated = !err && !found;
    return err;
}

static enum sat_err take_bundle(struct sat_again_work *again, const struct sat_again_place *place,
                                const struct sat_bundle_row *row)
{
    struct sat_bundle bundle;
    if (row->state == SAT_BUNDLE_VOID) return sat_store_bundle_delete(again->vault.store, row->bid);
    enum sat_err err = sat_base_bundle(again->vault.store, row, false, &again->batch, &bundle);
    if (err) return err;
    struct sat_again_old *changes = sat_arena_array(&again->batch, row->count, sizeof *changes);
    bool apart, outdated;
    err = goes_apart(again, place, row, &bundle, changes, &apart);
    if (!err) err = is_outdated(again, row, &bundle, &outdated);
    if (err) return err;
    enum sat_err why = apart || outdated ? SAT_OK : (enum sat_err)row->refused;
    if (!why && !apart) why = sat_again_open(again, place, &bundle, changes);
    if (sat_err_is_local(why)) return why;
    if (why)
        err = sat_again_put_aside(again, &bundle, why, SAT_ASIDE_OPEN, 0);
    else if (again->what->keep)
        err = sat_again_put_aside(again, &bundle, SAT_ERR_INVALID, SAT_ASIDE_KEPT, 0);
    for (uint32_t i = 0; !err && why && i < row->count; i++) note_refused(again, row->sid, &bundle.changes[i].record);
    for (uint32_t i = 0; !err && !why && i < row->count; i++) err = sat_again_take(again, &changes[i]);
    return err ? err : sat_store_bundle_delete(again->vault.store, row->bid);
}

/* ---- In order ---- */

/* The next of all places from `from` on, a bundle or a draft: false when there is none. */
struct next {
    const struct sat_again_place *place;
    struct sat_bundle_row bundle;
    struct sat_draft_row draft;
    uint64_t at; /* its first counter */
    bool is_bundle;
};

static const struct sat_again_place *place_of(const struct sat_again_work *again, int64_t sid, uint64_t counter)
{
    for (uint32_t i = 0; i < again->what->places_n; i++)
        if (again->what->places[i].sid == sid && counter >= again->what->places[i].first)
            return &again->what->places[i];
    return NULL;
}

static enum sat_err find_bundle(struct sat_again_work *again, uint64_t from, struct next *next)
{
    for (uint32_t i = 0; i < again->what->places_n; i++) {
        const struct sat_again_place *place = &again->what->places[i];
        struct sat_bundle_row *rows;
        uint32_t n;
        enum sat_err err = sat_store_bundles_pending(
            again->vault.store, place->sid, from > place->first ? from : place->first, 1, &again->batch, &rows, &n);
        if (err) return err;
        if (n == 0 || rows[0].device != again->what->device || rows[0].first >= next->at) continue;
        *next = (struct next){.place = place, .bundle = rows[0], .at = rows[0].first, .is_bundle = true};
    }
    return SAT_OK;
}

static enum sat_err find_draft(struct sat_again_work *again, uint64_t from, struct next *next)
{
    struct sat_draft_row *rows;
    uint32_t n = 1;
    while (n) {
        enum sat_err err = sat_store_drafts(again->vault.store, from, 1, SIZE_MAX, &again->batch, &rows, &n);
        if (err || n == 0 || rows[0].counter > again->last || rows[0].counter >= next->at) return err;
        const struct sat_again_place *place = place_of(again, rows[0].sid, rows[0].counter);
        if (place) {
            *next = (struct next){.place = place, .draft = rows[0], .at = rows[0].counter};
            return SAT_OK;
        }
        from = rows[0].counter + 1;
    }
    return SAT_OK;
}

static enum sat_err take_all(struct sat_again_work *again)
{
    uint64_t from = 1;
    for (;;) {
        struct next next = {.at = again->last + 1};
        sat_arena_reset(&again->batch);
        enum sat_err err = find_bundle(again, from, &next);
        if (!err && !again->what->drafts_stay) err = find_draft(again, from, &next);
        if (err || !next.place) return err;
        err =
            next.is_bundle ? take_bundle(again, next.place, &next.bundle) : take_draft(again, next.place, &next.draft);
        if (err) return err;
        from = next.at + 1;
    }
}

enum sat_err sat_author_again(const struct sat_vault *vault, const struct sat_again *what, struct sat_arena *arena,
                              struct sat_again_done *out)
{
    struct sat_again_place place = what->places_n ? what->places[0] : (struct sat_again_place){0};
    struct sat_again here = *what;
    if (what->taken || what->handed) here.places = &place;
    struct sat_again_work again = {.what = &here, .vault = *vault, .pairs_arena = arena, .out = out};
    *out = (struct sat_again_done){0};
    enum sat_err err = sat_drafter_begin(&again.drafter, &again.vault);
    again.last = again.drafter.counter;
    sat_arena_init(&again.batch);
    sat_arena_init(&again.arena);
    sat_buf_init(&again.plain);
    sat_buf_init(&again.origin);
    sat_buf_init(&again.refused);
    if (!err && what->taken) err = sat_again_take_taken(&again, &place);
    if (!err && what->handed) err = sat_again_take_handed(&again, &place);
    if (!err && !what->handed) err = take_all(&again);
    out->written = again.drafter.written;
    sat_buf_deinit(&again.refused);
    sat_buf_deinit(&again.origin);
    sat_buf_wipe(&again.plain);
    sat_arena_deinit(&again.arena);
    sat_arena_deinit(&again.batch);
    return sat_drafter_end(&again.drafter, err);
}
