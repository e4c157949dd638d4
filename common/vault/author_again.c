#include "common/vault/author_again.h"

#include <sodium.h>
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/collect.h"
#include "common/sync/copied.h"
#include "common/sync/merge.h"
#include "common/sync/vector.h"
#include "common/vault/author_copies.h"
#include "common/vault/author_draft.h"
#include "common/vault/author_was.h"
#include "common/vault/origin.h"
#include "common/vault/seal.h"
#include "common/vault/types.h"

/* What waited to be given back in the place, of one device from a counter on: it goes, and is written again. */
struct gone {
    uint32_t device;
    uint64_t first;
};

struct again {
    const struct sat_again *what;
    struct sat_vault vault; /* as the caller's, without what is still to be written again */
    struct sat_drafter drafter;
    struct sat_arena *pairs_arena;
    struct sat_again_done *out;
    uint32_t cap;
    uint64_t last;     /* the counter before the first that is written */
    struct gone *gone; /* the pairs' arena's */
    uint32_t gone_n;
    struct sat_arena batch; /* of one bundle or draft; of all that was taken */
    struct sat_arena arena; /* of one change */
    struct sat_buf plain, origin;
    struct sat_buf refused; /* what was put aside: author_copies.h */
};

/* One change that is to be written again. */
struct old {
    const struct sat_again_place *place;
    struct sat_record_id record;
    uint32_t device;
    uint64_t counter; /* 0: a stub, of which nothing is left to be written */
    struct sat_header header;
    struct sat_body body;
    const struct sat_hash *rest; /* NULL: it never was frozen */
};

/* ---- What became of which dot ---- */

static void add_pair(struct again *again, const struct old *old, struct sat_dot now)
{
    struct sat_again_done *out = again->out;
    if (out->n == again->cap) {
        again->cap = again->cap ? again->cap * 2 : 64;
        struct sat_again_pair *pairs = sat_arena_array(again->pairs_arena, again->cap, sizeof *pairs);
        if (out->n) memcpy(pairs, out->pairs, out->n * sizeof *pairs);
        out->pairs = pairs;
    }
    out->pairs[out->n++] = (struct sat_again_pair){
        .sid = old->place->sid, .record = old->record, .old = {old->device, old->counter}, .now = now};
}

static const struct gone *gone_of(const struct again *again, uint32_t device)
{
    for (uint32_t i = 0; i < again->gone_n; i++)
        if (again->gone[i].device == device) return &again->gone[i];
    return NULL;
}

static bool is_gone(const struct again *again, struct sat_dot dot)
{
    const struct gone *gone = gone_of(again, dot.device);
    return gone && dot.counter >= gone->first;
}

/* Is nothing under that number any more what it was, unless it was written again? */
static bool has_moved(const struct again *again, const struct old *old, struct sat_dot dot)
{
    return (dot.device == again->what->device && dot.counter > old->place->cut) || is_gone(again, dot);
}

static const struct sat_again_pair *if_of_record(const struct sat_again_pair *pair, const struct old *old)
{
    return sat_record_equal(&pair->record, &old->record) ? pair : NULL;
}

/* Of the record, by the old dot; NULL: it was not written again. They are in order where they are all one device's. */
static const struct sat_again_pair *pair_of(const struct again *again, const struct old *old, struct sat_dot dot)
{
    const struct sat_again_done *out = again->out;
    uint32_t low = 0, high = out->n;
    for (uint32_t i = 0; again->what->taken && i < out->n; i++)
        if (sat_dot_compare(out->pairs[i].old, dot) == 0) return if_of_record(&out->pairs[i], old);
    if (again->what->taken) return NULL;
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
static void map_dots(const struct again *again, const struct old *old, struct sat_dots dots,
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

static const struct sat_source *live_source(const struct sat_record_view *view, struct sat_dot dot)
{
    for (uint32_t i = 0; i < view->live_n; i++)
        if (sat_dot_compare(view->live[i].dot, dot) == 0) return &view->live[i];
    return NULL;
}

/* What it had seen under numbers that are still what they were. */
static void add_unmoved(const struct again *again, const struct old *old, struct sat_dots_builder *out)
{
    const struct sat_dots seen = old->header.seen;
    for (uint32_t i = 0; i < seen.n; i++) {
        struct sat_dot dot = seen.at[i];
        if (dot.device == again->what->device && dot.counter > old->place->cut) dot.counter = old->place->cut;
        const struct gone *gone = gone_of(again, dot.device);
        if (gone && dot.counter >= gone->first) dot.counter = gone->first - 1;
        if (dot.counter) sat_dots_add(out, dot);
    }
}

static bool had_seen_pair(const struct old *old, const struct sat_again_pair *pair)
{
    return pair->sid == old->place->sid && sat_record_equal(&pair->record, &old->record) &&
           sat_vector_covers(old->header.seen, pair->old);
}

/* What it had seen, and nothing that came to this device since. */
static struct sat_dots map_seen(struct again *again, const struct old *old, const struct sat_record_view *view)
{
    bool taken = again->what->taken != NULL;
    uint64_t own = sat_vector_counter(old->header.seen, again->what->device);
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &again->arena);
    add_unmoved(again, old, &builder);
    for (uint32_t i = again->out->n; i > 0 && (taken || own > old->place->cut); i--) {
        const struct sat_again_pair *pair = &again->out->pairs[i - 1];
        if (!had_seen_pair(old, pair)) continue;
        sat_dots_add(&builder, pair->now);
        const struct sat_source *source = live_source(view, pair->now);
        if (source) sat_dots_add_all(&builder, source->header.seen); /* it may have been written again elsewhere */
        if (!taken && pair->now.counter > again->last)
            break; /* one's own, which has seen those before it, or names
                      them */
    }
    return sat_dots_as_vector(&builder);
}

/* Had it seen what is live now, itself or by what it had seen that was written again? A vector covers by numbers, and
 * what several wrote stands under one device's. */
static bool had_seen(const struct again *again, const struct old *old, const struct sat_record_view *view,
                     struct sat_dots unmoved, struct sat_dot dot)
{
    if (sat_vector_covers(unmoved, dot)) return true;
    for (uint32_t i = 0; i < again->out->n; i++) {
        const struct sat_again_pair *pair = &again->out->pairs[i];
        if (!had_seen_pair(old, pair)) continue;
        const struct sat_source *source = live_source(view, pair->now);
        if (sat_dot_compare(pair->now, dot) == 0) return true;
        if (source && sat_vector_covers(source->header.seen, dot) && !sat_dots_have(source->header.holes, dot))
            return true;
    }
    return false;
}

/* ---- One change ---- */

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

static struct sat_dots find_kept(struct again *again, const struct old *old, const struct sat_record_view *view,
                                 const struct sat_header *header)
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
static void add_unseen(struct again *again, const struct old *old, const struct sat_record_view *view,
                       struct sat_dots_builder *out)
{
    struct sat_dots_builder builder;
    sat_dots_begin(&builder, &again->arena);
    add_unmoved(again, old, &builder);
    struct sat_dots unmoved = sat_dots_as_vector(&builder);
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!had_seen(again, old, view, unmoved, view->live[i].dot)) sat_dots_add(out, view->live[i].dot);
}

/* What its author had not read stays unread, and what cannot be read now joins it. */
static struct sat_dots find_holes(struct again *again, const struct old *old, const struct sat_record_view *view,
                                  const struct sat_header *header)
{
    struct sat_dots_builder all, holes;
    sat_dots_begin(&all, &again->arena);
    sat_dots_begin(&holes, &again->arena);
    map_dots(again, old, header->holes, &all);
    sat_dots_add_all(&all, view->holes);
    if (again->what->taken) add_unseen(again, old, view, &all);
    struct sat_dots known = sat_dots_as_set(&all);
    for (uint32_t i = 0; i < known.n; i++)
        if (sat_vector_covers(header->seen, known.at[i])) sat_dots_add(&holes, known.at[i]);
    return sat_dots_as_set(&holes);
}

static enum sat_err set_origin(struct again *again, const struct old *old, struct sat_body *body)
{
    struct sat_space_row space;
    if (!again->what->origins || body->origin.len) return SAT_OK;
    enum sat_err err = sat_store_space_get(again->vault.store, old->place->sid, &space);
    struct sat_origin origin = {.space = space.id, .dot = {old->device, old->counter}};
    if (old->rest) origin.rest = *old->rest;
    sat_buf_clear(&again->origin);
    sat_origin_encode(&origin, &again->origin);
    body->origin = sat_buf_span(&again->origin);
    return err;
}

/* What it was, unless it stood under a number that never left this home; and where it stands now. */
static enum sat_err remember(struct again *again, const struct old *old)
{
    struct sat_dot before = {old->device, old->counter};
    struct sat_was was = {.record = old->record, .header = old->header, .body = old->body};
    enum sat_err err = SAT_OK;
    if (!again->what->origins || !again->what->known) return SAT_OK;
    if (before.device < SAT_PROVISIONAL) err = sat_was_put(&again->vault, before, &was);
    return err ? err : sat_was_follow(&again->vault, sat_drafter_last(&again->drafter), before);
}

static enum sat_err write_again(struct again *again, const struct old *old)
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
    err = sat_copies_see(&again->vault, old->place->sid, &old->record, &old->body, &again->arena, &header);
    if (err) return err;
    header.holes = find_holes(again, old, &view, &header);
    header.kept = find_kept(again, old, &view, &header);
    err = set_origin(again, old, &body);
    if (err) return err;
    err = sat_drafter_put(&again->drafter, old->place->sid, &old->record, &header, &body);
    if (err == SAT_ERR_TOO_LARGE && body.origin.len && !old->body.origin.len) {
        body.origin = (struct sat_span){0};
        err = sat_drafter_put(&again->drafter, old->place->sid, &old->record, &header, &body);
    }
    if (!err) err = remember(again, old);
    if (!err) add_pair(again, old, sat_drafter_last(&again->drafter));
    return err;
}

static struct sat_again_change change_of(const struct old *old)
{
    return (struct sat_again_change){.sid = old->place->sid,
                                     .record = old->record,
                                     .dot = {old->device, old->counter},
                                     .header = &old->header,
                                     .body = &old->body,
                                     .rest = old->rest};
}

static enum sat_err take_change(struct again *again, struct old *old)
{
    const struct sat_again *what = again->what;
    struct sat_dot now;
    bool known = false;
    enum sat_err err = SAT_OK;
    struct sat_again_change change = change_of(old);
    if (what->known) err = what->known(what->context, &change, &now, &known);
    if (!err && known && now.counter) add_pair(again, old, now);
    if (!err && !known) err = write_again(again, old);
    sat_arena_reset(&again->arena);
    return err;
}

/* ---- Where they come from ---- */

static enum sat_err take_draft(struct again *again, const struct sat_again_place *place,
                               const struct sat_draft_row *row)
{
    struct old old = {.place = place, .record = row->record, .device = again->what->device, .counter = row->counter};
    sat_buf_clear(&again->plain);
    enum sat_err err = sat_unseal_draft(sat_keyring_secrets(again->vault.keyring)->store_key, row->counter,
                                        &row->record, row->header, row->body, &again->plain);
    if (!err) err = sat_body_decode(sat_buf_span(&again->plain), &again->batch, &old.body);
    if (!err) err = sat_header_decode(row->header, &again->batch, &old.header);
    if (err) return SAT_ERR_CORRUPT;
    bool vain;
    err = sat_copies_lack(&again->vault, &again->refused, place->sid, &row->record, &old.header, &old.body, &vain);
    if (!err && !vain) err = take_change(again, &old);
    return err ? err : sat_store_drafts_delete(again->vault.store, row->counter, row->counter);
}

/* It is one's own; yet its key may have gone, or its bytes may be damaged. */
static enum sat_err open_bundle(struct again *again, const struct sat_again_place *place,
                                const struct sat_bundle *bundle, struct old *out)
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
        out[i] = (struct old){.place = place, .record = change->record, .device = manifest->device};
        if (change->stub) continue;
        out[i].counter = manifest->first + i;
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

static enum sat_err put_aside(struct again *again, const struct sat_bundle *bundle, enum sat_err why,
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
static enum sat_err goes_apart(struct again *again, const struct sat_again_place *place,
                               const struct sat_bundle_row *row, const struct sat_bundle *bundle, struct old *changes,
                               bool *apart)
{
    uint32_t late = 0;
    *apart = false;
    if (row->refused != SAT_ERR_COLLECTED) return SAT_OK;
    enum sat_err err = sat_collected_late(again->vault.store, row->sid, bundle, &late);
    if (err || !late) return err;
    err = open_bundle(again, place, bundle, changes);
    if (err) return sat_err_is_local(err) ? err : SAT_OK; /* it cannot be written again, in parts or whole */
    *apart = late < row->count;
    for (uint32_t i = 0; i < row->count && !err && !*apart; i++)
        err = sat_copies_is(&again->vault, row->sid, &changes[i].body, apart);
    return err;
}

/* Was it refused as it names a place of the log that everybody else has compacted (runs), or as it has seen what the
 * server lost and does not take back? Nothing is wrong with what it says: sealed anew, it names what is here. */
static enum sat_err is_outdated(const struct again *again, const struct sat_bundle_row *row,
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

static enum sat_err take_bundle(struct again *again, const struct sat_again_place *place,
                                const struct sat_bundle_row *row)
{
    struct sat_bundle bundle;
    if (row->state == SAT_BUNDLE_VOID) return sat_store_bundle_delete(again->vault.store, row->bid);
    enum sat_err err = sat_base_bundle(again->vault.store, row, false, &again->batch, &bundle);
    if (err) return err;
    struct old *changes = sat_arena_array(&again->batch, row->count, sizeof *changes);
    bool apart, outdated;
    err = goes_apart(again, place, row, &bundle, changes, &apart);
    if (!err) err = is_outdated(again, row, &bundle, &outdated);
    if (err) return err;
    enum sat_err why = apart || outdated ? SAT_OK : (enum sat_err)row->refused;
    if (!why && !apart) why = open_bundle(again, place, &bundle, changes);
    if (sat_err_is_local(why)) return why;
    if (why)
        err = put_aside(again, &bundle, why, SAT_ASIDE_OPEN, 0);
    else if (again->what->keep)
        err = put_aside(again, &bundle, SAT_ERR_INVALID, SAT_ASIDE_KEPT, 0);
    for (uint32_t i = 0; !err && why && i < row->count; i++)
        sat_copies_refused(&again->refused, row->sid, &bundle.changes[i].record);
    for (uint32_t i = 0; !err && !why && i < row->count; i++) err = take_change(again, &changes[i]);
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

static const struct sat_again_place *place_of(const struct again *again, int64_t sid, uint64_t counter)
{
    for (uint32_t i = 0; i < again->what->places_n; i++)
        if (again->what->places[i].sid == sid && counter >= again->what->places[i].first)
            return &again->what->places[i];
    return NULL;
}

static enum sat_err find_bundle(struct again *again, uint64_t from, struct next *next)
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

static enum sat_err find_draft(struct again *again, uint64_t from, struct next *next)
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

static enum sat_err take_all(struct again *again)
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

/* ---- What waits to be given back, and cannot be, as its numbers are taken ---- */

static void add_gone(struct again *again, uint32_t device, uint64_t first)
{
    struct gone *gone = sat_arena_array(again->pairs_arena, (size_t)again->gone_n + 1, sizeof *gone);
    uint32_t at = 0;
    if (again->gone_n) memcpy(gone, again->gone, again->gone_n * sizeof *gone);
    while (at < again->gone_n && gone[at].device != device) at++;
    if (at == again->gone_n) gone[again->gone_n++] = (struct gone){device, first};
    if (first < gone[at].first) gone[at].first = first;
    again->gone = gone;
}

static enum sat_err has_seen_gone(struct again *again, struct sat_span bytes, bool *has)
{
    struct sat_header header;
    if (bytes.len == 0) return SAT_OK;
    if (sat_header_decode(bytes, &again->arena, &header)) return SAT_ERR_CORRUPT;
    for (uint32_t i = 0; i < header.seen.n && !*has; i++) *has = is_gone(again, header.seen.at[i]);
    return SAT_OK;
}

/* By what some of its changes had seen; or as it is behind such a bundle in its author's chain. */
static enum sat_err stands_on_gone(struct again *again, const struct sat_bundle_row *row, bool *does)
{
    struct sat_change_row *changes;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    *does = is_gone(again, (struct sat_dot){row->device, row->first + row->count - 1});
    if (!*does) err = sat_store_changes_of_bundle(again->vault.store, row->bid, &again->arena, &changes, &n);
    for (uint32_t i = 0; i < n && !err && !*does; i++) err = has_seen_gone(again, changes[i].header, does);
    sat_arena_reset(&again->arena);
    return err;
}

/* A bundle that goes, opened. */
struct taken {
    struct old *changes;
    uint32_t n;
};

static enum sat_err take_away(struct again *again, const struct sat_bundle_row *row, struct taken *out)
{
    struct sat_bundle bundle;
    *out = (struct taken){0};
    if (row->state == SAT_BUNDLE_VOID || sat_void_is_row(row))
        return sat_store_bundle_delete(again->vault.store, row->bid);
    enum sat_err err = sat_base_bundle(again->vault.store, row, false, &again->batch, &bundle);
    if (err) return err;
    out->changes = sat_arena_array(&again->batch, row->count, sizeof *out->changes);
    enum sat_err why = open_bundle(again, again->what->places, &bundle, out->changes);
    if (sat_err_is_local(why)) return why;
    out->n = why ? 0 : row->count;
    if (why) err = put_aside(again, &bundle, SAT_ERR_FORK, SAT_ASIDE_OPEN, again->what->taken->now_ms);
    return err ? err : sat_store_bundle_delete(again->vault.store, row->bid);
}

/* In the order of the log that had them, so that what stands on others comes behind them. All go before the first is
 * written again. */
static enum sat_err take_all_away(struct again *again, struct taken **out, uint32_t *out_n)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    *out_n = 0;
    enum sat_err err = sat_store_returns_all(again->vault.store, again->what->places->sid, &again->batch, &rows, &n);
    if (err) return err;
    *out = sat_arena_array(&again->batch, n, sizeof **out);
    for (uint32_t i = 0; i < n && !err; i++) {
        bool does;
        err = stands_on_gone(again, &rows[i], &does);
        if (err || !does) continue;
        add_gone(again, rows[i].device, rows[i].first);
        err = take_away(again, &rows[i], &(*out)[(*out_n)++]);
    }
    return err;
}

/* The first of this device's pending bundles and drafts in the place that stands on what has gone. */
static enum sat_err find_first_own(struct again *again, uint64_t *first)
{
    struct sat_store *store = again->vault.store;
    int64_t sid = again->what->places->sid;
    const struct gone *own = gone_of(again, again->what->device);
    struct sat_bundle_row *rows;
    struct sat_draft_row *drafts;
    uint32_t n = 0, drafts_n = 1;
    bool does = false;
    *first = own ? own->first : SAT_COUNTER_MAX;
    enum sat_err err = sat_store_bundles_pending(store, sid, 0, UINT32_MAX, &again->batch, &rows, &n);
    for (uint32_t i = 0; i < n && !err && !does; i++) {
        err = stands_on_gone(again, &rows[i], &does);
        if (does && rows[i].first < *first) *first = rows[i].first;
    }
    does = false;
    for (uint64_t from = 1; drafts_n && !err && !does; from = drafts_n ? drafts[0].counter + 1 : 0) {
        err = sat_store_drafts(store, from, 1, SIZE_MAX, &again->batch, &drafts, &drafts_n);
        if (!err && drafts_n && drafts[0].sid == sid) err = has_seen_gone(again, drafts[0].header, &does);
        if (does && drafts[0].counter < *first) *first = drafts[0].counter;
    }
    sat_arena_reset(&again->arena);
    return err;
}

static enum sat_err take_taken(struct again *again, struct sat_again_place *place)
{
    struct taken *taken;
    uint32_t n = 0;
    add_gone(again, again->what->taken->device, again->what->taken->first);
    enum sat_err err = take_all_away(again, &taken, &n);
    if (!err) err = find_first_own(again, &place->first);
    place->cut = place->first - 1;
    for (uint32_t i = 0; i < n && !err; i++)
        for (uint32_t k = 0; k < taken[i].n && !err; k++)
            if (taken[i].changes[k].counter) err = take_change(again, &taken[i].changes[k]);
    return err;
}

enum sat_err sat_author_again(const struct sat_vault *vault, const struct sat_again *what, struct sat_arena *arena,
                              struct sat_again_done *out)
{
    struct sat_again_place place = what->places_n ? what->places[0] : (struct sat_again_place){0};
    struct sat_again here = *what;
    if (what->taken) here.places = &place;
    struct again again = {.what = &here, .vault = *vault, .pairs_arena = arena, .out = out};
    *out = (struct sat_again_done){0};
    enum sat_err err = sat_drafter_begin(&again.drafter, &again.vault);
    again.last = again.drafter.counter;
    sat_arena_init(&again.batch);
    sat_arena_init(&again.arena);
    sat_buf_init(&again.plain);
    sat_buf_init(&again.origin);
    sat_buf_init(&again.refused);
    if (!err && what->taken) err = take_taken(&again, &place);
    if (!err) err = take_all(&again);
    out->written = again.drafter.written;
    sat_buf_deinit(&again.refused);
    sat_buf_deinit(&again.origin);
    sat_buf_wipe(&again.plain);
    sat_arena_deinit(&again.arena);
    sat_arena_deinit(&again.batch);
    return sat_drafter_end(&again.drafter, err);
}

/* Does `what` know some of it? */
static enum sat_err is_some_known(struct again *again, const struct sat_bundle_row *row, bool *known)
{
    struct sat_bundle bundle;
    *known = false;
    if (sat_void_is_row(row)) return SAT_OK;
    enum sat_err err = sat_base_bundle(again->vault.store, row, false, &again->batch, &bundle);
    if (err) return err;
    struct old *changes = sat_arena_array(&again->batch, row->count, sizeof *changes);
    err = open_bundle(again, again->what->places, &bundle, changes);
    if (err) return sat_err_is_local(err) ? err : SAT_OK;
    for (uint32_t i = 0; i < row->count && !err && !*known; i++) {
        struct sat_again_change change = change_of(&changes[i]);
        struct sat_dot now;
        if (changes[i].counter) err = again->what->known(again->what->context, &change, &now, known);
    }
    return err;
}

enum sat_err sat_author_find_known(const struct sat_vault *vault, const struct sat_again *what, struct sat_taken *out,
                                   bool *found)
{
    struct again again = {.what = what, .vault = *vault};
    struct sat_bundle_row *rows;
    struct sat_arena arena;
    uint32_t n;
    *found = false;
    sat_arena_init(&arena);
    sat_arena_init(&again.batch);
    sat_buf_init(&again.plain);
    enum sat_err err = sat_store_returns_all(vault->store, what->places->sid, &arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err && !*found; i++) {
        err = is_some_known(&again, &rows[i], found);
        if (*found) *out = (struct sat_taken){.device = rows[i].device, .first = rows[i].first};
        sat_arena_reset(&again.batch);
    }
    sat_buf_wipe(&again.plain);
    sat_arena_deinit(&again.batch);
    sat_arena_deinit(&arena);
    return err;
}
