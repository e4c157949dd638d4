#include "common/sync/base.h"

#include <string.h>

#include "common/sync/by_record.h"
#include "common/sync/digest.h"
#include "common/sync/merge.h"

static struct sat_version version_of(struct sat_dot dot, const struct sat_header *header)
{
    return (struct sat_version){.dot = dot, .seen = header->seen, .kept = header->kept, .holes = header->holes};
}

/* What is live of one record while the bundle's changes of it arrive, one after another. */
struct live {
    struct sat_version *versions;
    struct origin {
        int64_t cid;    /* of a stored one */
        uint32_t index; /* of one of this bundle's; else NOT_OF_THE_BUNDLE */
        const struct sat_hash *rest;
    } * origins;
    bool *drop;
    uint32_t n;
};
#define NOT_OF_THE_BUNDLE UINT32_MAX

/* With room for `more`; not `beside`: there is none. A stored header that does not decode is damage. */
static enum sat_err load_live(const struct sat_accept *accept, const struct sat_record_id *record, bool beside,
                              uint32_t more, struct sat_arena *arena, struct live *out)
{
    struct sat_change_row *rows = NULL;
    uint32_t n = 0;
    enum sat_err err = SAT_OK;
    if (beside) err = sat_store_changes_live(accept->store, accept->space->sid, record, arena, &rows, &n);
    if (err) return err;
    size_t room = (size_t)n + more;
    *out = (struct live){.versions = sat_arena_array(arena, room, sizeof *out->versions),
                         .origins = sat_arena_array(arena, room, sizeof *out->origins),
                         .drop = sat_arena_array(arena, room, sizeof *out->drop),
                         .n = n};
    for (uint32_t i = 0; i < n; i++) {
        struct sat_header header;
        if (sat_header_decode(rows[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        out->versions[i] = version_of(rows[i].dot, &header);
        out->origins[i] = (struct origin){rows[i].cid, NOT_OF_THE_BUNDLE, &rows[i].rest};
    }
    return SAT_OK;
}

/* A stub must be justified by what replaces it; until that has come the stub is a debt of the server's (CRYPTO). */
static enum sat_err note_stub(const struct sat_accept *accept, const struct live *live,
                              const struct sat_record_id *record, struct sat_dot dot)
{
    for (uint32_t i = 0; i < live->n; i++)
        if (sat_merge_covers(&live->versions[i], &dot)) return SAT_OK;
    if (accept->returned) { /* … or has been forgotten with it */
        struct sat_collected_row row;
        bool collected;
        enum sat_err err = sat_store_collected_get(accept->store, accept->space->sid, record, &row, &collected);
        if (err || collected) return err;
    }
    return sat_store_stub_add(accept->store, accept->space->sid, record, dot);
}

static enum sat_err settle_stubs(const struct sat_accept *accept, const struct sat_record_id *record,
                                 const struct sat_version *arrived, struct sat_arena *arena)
{
    struct sat_dot *dots;
    uint32_t n;
    enum sat_err err = sat_store_stubs_of_record(accept->store, accept->space->sid, record, arena, &dots, &n);
    for (uint32_t i = 0; !err && i < n; i++)
        if (sat_merge_covers(arrived, &dots[i]))
            err = sat_store_stub_remove(accept->store, accept->space->sid, record, dots[i]);
    return err;
}

/* Takes out what is to be dropped. */
static enum sat_err drop_replaced(const struct sat_accept *accept, const struct sat_record_id *record,
                                  struct live *live, uint8_t *states)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < live->n; i++) {
        const struct origin *origin = &live->origins[i];
        if (!live->drop[i]) {
            live->versions[left] = live->versions[i];
            live->origins[left++] = *origin;
            continue;
        }
        enum sat_err err = SAT_OK;
        if (origin->index == NOT_OF_THE_BUNDLE)
            err = sat_store_change_set_state(accept->store, origin->cid, SAT_CHANGE_DEAD);
        else
            states[origin->index] = SAT_CHANGE_DEAD;
        if (err) return err;
        sat_digest_remove(accept->space, record, live->versions[i].dot, origin->rest);
    }
    live->n = left;
    return SAT_OK;
}

/* Merges one change into its record. */
static enum sat_err arrive(const struct sat_accept *accept, struct live *live, uint32_t index, uint8_t *states)
{
    const struct sat_change *change = &accept->bundle->changes[index];
    const struct sat_manifest *manifest = &accept->bundle->manifest;
    struct sat_dot dot = {manifest->device, manifest->first + index};
    if (change->stub) return note_stub(accept, live, &change->record, dot);
    struct sat_version arrived = version_of(dot, &accept->headers[index]);
    bool dead;
    sat_merge_arrive(live->versions, live->n, &arrived, live->drop, &dead);
    enum sat_err err = drop_replaced(accept, &change->record, live, states);
    if (err) return err;
    if (accept->alone) accept->alone[index] = !dead && live->n == 0;
    if (dead) return SAT_OK;
    sat_digest_add(accept->space, &change->record, dot, &change->rest);
    states[index] = SAT_CHANGE_LIVE;
    live->versions[live->n] = arrived;
    live->origins[live->n++] = (struct origin){.index = index, .rest = &change->rest};
    return SAT_OK;
}

/* What is taken up late from below the floor of a collection went with the rest. */
static enum sat_err was_collected(const struct sat_accept *accept, const struct sat_record_id *record, bool *was)
{
    struct sat_collected_row row;
    *was = false;
    if (!accept->seq || accept->seq > accept->space->floor) return SAT_OK;
    enum sat_err err = sat_store_collected_get(accept->store, accept->space->sid, record, &row, was);
    *was = *was && accept->seq <= row.floor;
    return err;
}

/* The bundle's changes of one record; states[i] becomes what the one at i is in the end. */
static enum sat_err merge_record(const struct sat_accept *accept, const uint32_t *indexes, uint32_t n, bool beside,
                                 bool stubs, struct sat_arena *arena, uint8_t *states)
{
    const struct sat_record_id *record = &accept->bundle->changes[indexes[0]].record;
    const struct sat_manifest *manifest = &accept->bundle->manifest;
    struct live live;
    bool was_there = false, gone = false;
    enum sat_err err = was_collected(accept, record, &gone);
    if (err || gone) return err;
    err = load_live(accept, record, beside, n, arena, &live);
    for (uint32_t i = 0; i < n && !err; i++) {
        uint32_t index = indexes[i];
        if (i == 0) was_there = live.n > 0;
        if (accept->met) accept->met[index] = was_there;
        err = arrive(accept, &live, index, states);
        if (err || !stubs || accept->bundle->changes[index].stub) continue;
        struct sat_version arrived =
            version_of((struct sat_dot){manifest->device, manifest->first + index}, &accept->headers[index]);
        err = settle_stubs(accept, record, &arrived, arena);
    }
    return err;
}

/* Record by record: none of the bundle's own changes is stored before all are merged. */
static enum sat_err merge_changes(const struct sat_accept *accept, struct sat_arena *arena, uint8_t *states)
{
    uint32_t n = accept->bundle->manifest.count;
    struct sat_by_record order;
    struct sat_arena one; /* of one record */
    uint64_t stubs = 0;
    bool *beside;
    sat_by_record_init(accept->bundle, arena, &order);
    sat_arena_init(&one);
    enum sat_err err =
        sat_by_record_beside(&order, accept->store, accept->space->sid, accept->pending_bid, arena, &beside);
    if (!err) err = sat_store_stub_count(accept->store, accept->space->sid, &stubs);
    for (uint32_t i = 0; i < n; i++) {
        states[i] = SAT_CHANGE_DEAD;
        if (accept->bundle->changes[i].stub) stubs++;
    }
    for (uint32_t from = 0, end; from < n && !err; from = end) {
        end = sat_by_record_end(&order, from);
        err = merge_record(accept, order.index + from, end - from, beside[from], stubs > 0, &one, states);
        sat_arena_reset(&one);
    }
    sat_arena_deinit(&one);
    return err;
}

static enum sat_err insert_changes(const struct sat_accept *accept, int64_t bid, const uint8_t *states)
{
    const struct sat_manifest *manifest = &accept->bundle->manifest;
    struct sat_change_row rows[SAT_CHANGES_TOGETHER];
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0, n = 0; i < manifest->count && !err; i++) {
        const struct sat_change *change = &accept->bundle->changes[i];
        rows[n++] = (struct sat_change_row){
            .cid = bid << 10 | i,
            .sid = accept->space->sid,
            .record = change->record,
            .dot = {manifest->device, manifest->first + i},
            .state = states[i],
            .header = change->header,
            .body = change->body,
            .rest = change->rest,
        };
        if (n < SAT_CHANGES_TOGETHER && i + 1 < manifest->count) continue;
        err = sat_store_changes_insert(accept->store, rows, n);
        n = 0;
    }
    return err;
}

/* Those that are live are, since their bundle has its place. */
static enum sat_err bury_changes(const struct sat_accept *accept, int64_t bid, const uint8_t *states)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < accept->bundle->manifest.count && !err; i++)
        if (states[i] != SAT_CHANGE_LIVE)
            err = sat_store_change_set_state(accept->store, bid << 10 | i, (enum sat_change_state)states[i]);
    return err;
}

enum sat_err sat_base_append(struct sat_store *store, struct sat_space_row *space, const struct sat_entry *entry,
                             int64_t bid)
{
    struct sat_entry_row row = {.entry = *entry, .bid = bid};
    row.entry.seq = space->log.size + 1;
    struct sat_hash leaf = sat_entry_hash(&row.entry);
    sat_frontier_append(&space->log, &leaf);
    row.root = sat_frontier_root(&space->log);
    space->last_recv_ms = entry->recv_ms;
    space->last_dir_at = entry->dir_at;
    return sat_store_entry_append(store, space->sid, &row);
}

static enum sat_err enter_log(const struct sat_accept *accept, int64_t bid)
{
    if (accept->seq) return sat_store_entry_set_bundle(accept->store, accept->space->sid, accept->seq, bid);
    struct sat_entry entry = {.kind = accept->returned ? SAT_ENTRY_RETURNED : SAT_ENTRY_BUNDLE,
                              .id = accept->bundle->id,
                              .recv_ms = accept->recv_ms,
                              .dir_at = accept->dir_at,
                              .receipt_ms = accept->returned ? accept->receipt_ms : 0,
                              .receipt_dir = accept->returned ? accept->receipt_dir : 0};
    return sat_base_append(accept->store, accept->space, &entry, bid);
}

static enum sat_err place_bundle(const struct sat_accept *accept, int64_t *bid)
{
    uint64_t seq = accept->seq ? accept->seq : accept->space->log.size + 1;
    *bid = accept->pending_bid;
    if (*bid) return sat_store_bundle_set_seq(accept->store, *bid, seq);
    struct sat_bundle_row row = {
        .sid = accept->space->sid,
        .device = accept->bundle->manifest.device,
        .first = accept->bundle->manifest.first,
        .count = accept->bundle->manifest.count,
        .id = accept->bundle->id,
        .signature = accept->bundle->signature,
        .seq = seq,
    };
    sat_manifest_encode(&accept->bundle->manifest, row.manifest);
    enum sat_err err = sat_store_bundle_insert(accept->store, &row);
    *bid = row.bid;
    return err;
}

enum sat_err sat_base_accept(const struct sat_accept *accept)
{
    int64_t bid;
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint8_t *states = sat_arena_array(&arena, accept->bundle->manifest.count, sizeof *states);
    enum sat_err err =
        merge_changes(accept, &arena, states); /* before a frozen copy has its place, and is live by that */
    if (!err) err = place_bundle(accept, &bid);
    if (!err) err = enter_log(accept, bid);
    if (!err) err = accept->pending_bid ? bury_changes(accept, bid, states) : insert_changes(accept, bid, states);
    sat_arena_deinit(&arena);
    return err;
}

/* The deletion by which a record was collected stays whole as long as its bytes are here: who joins later knows what it
 * had seen, which is what keeps the record deleted should the server be set back. */
static enum sat_err is_keystone(struct sat_store *store, const struct sat_change_row *row, bool *is)
{
    struct sat_collected_row collected;
    *is = false;
    if (row->header.len == 0 || !(row->header.at[0] & SAT_HEADER_DELETION)) return SAT_OK;
    enum sat_err err = sat_store_collected_get(store, row->sid, &row->record, &collected, is);
    *is = *is && sat_dot_compare(collected.deletion, row->dot) == 0;
    return err;
}

/* ---- Bytes that come later ---- */

static enum sat_err is_owed(const struct sat_fill *fill, const struct sat_change_row *row, struct sat_arena *arena,
                            bool *owed)
{
    struct sat_dot *dots;
    uint32_t n = 0;
    enum sat_err err = sat_store_stubs_of_record(fill->store, fill->space->sid, &row->record, arena, &dots, &n);
    *owed = false;
    for (uint32_t i = 0; i < n; i++) *owed = *owed || sat_dot_compare(dots[i], row->dot) == 0;
    return err;
}

enum sat_err sat_base_unfilled(const struct sat_fill *fill, struct sat_arena *arena, uint32_t *n)
{
    struct sat_change_row *rows;
    uint32_t rows_n = 0;
    *n = 0;
    enum sat_err err = sat_store_changes_of_bundle(fill->store, fill->row->bid, arena, &rows, &rows_n);
    if (!err && rows_n != fill->bundle->manifest.count) err = SAT_ERR_CORRUPT;
    for (uint32_t i = 0; i < rows_n && !err; i++) {
        struct sat_change *change = &fill->bundle->changes[i];
        bool owed = false;
        if (!change->stub && rows[i].header.len == 0) err = is_owed(fill, &rows[i], arena, &owed);
        *n += owed;
        if (!owed) *change = (struct sat_change){.record = change->record, .stub = true, .rest = change->rest};
    }
    return err;
}

static enum sat_err fill_one(const struct sat_fill *fill, uint32_t index, struct sat_arena *arena)
{
    const struct sat_change *change = &fill->bundle->changes[index];
    const struct sat_accept accept = {.store = fill->store, .space = fill->space, .bundle = fill->bundle};
    struct sat_dot dot = {fill->row->device, fill->row->first + index};
    struct sat_version arrived = version_of(dot, &fill->headers[index]);
    struct live live;
    bool dead = true;
    enum sat_err err = load_live(&accept, &change->record, true, 1, arena, &live);
    if (err) return err;
    sat_merge_arrive(live.versions, live.n, &arrived, live.drop, &dead);
    err = drop_replaced(&accept, &change->record, &live, NULL);
    if (!err) err = sat_store_change_fill(fill->store, fill->row->bid << 10 | index, change->header, change->body);
    if (!err && !dead) {
        err = sat_store_change_set_state(fill->store, fill->row->bid << 10 | index, SAT_CHANGE_LIVE);
        sat_digest_add(fill->space, &change->record, dot, &change->rest);
    }
    if (!err) err = sat_store_stub_remove(fill->store, fill->space->sid, &change->record, dot);
    return err ? err : settle_stubs(&accept, &change->record, &arrived, arena);
}

enum sat_err sat_base_fill(const struct sat_fill *fill)
{
    struct sat_arena arena; /* of one change */
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < fill->bundle->manifest.count && !err; i++) {
        if (!fill->bundle->changes[i].stub) err = fill_one(fill, i, &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* One that waits to be given back, and that this version could not read when it came. */
static enum sat_err read_aside(struct sat_store *store, const struct sat_bundle_row *row, struct sat_arena *arena,
                               struct sat_bundle *out)
{
    struct sat_aside_row aside;
    bool found;
    enum sat_err err = sat_store_aside_find(store, &row->id, arena, &aside, &found);
    if (err || !found) return err ? err : SAT_ERR_CORRUPT;
    const struct sat_hash org = out->manifest.org;
    return sat_bundle_decode(aside.bytes, &org, &aside.space, arena, out) ? SAT_ERR_CORRUPT : SAT_OK;
}

enum sat_err sat_base_bundle(struct sat_store *store, const struct sat_bundle_row *row, bool stub_dead,
                             struct sat_arena *arena, struct sat_bundle *out)
{
    *out = (struct sat_bundle){.signature = row->signature, .id = row->id};
    sat_manifest_decode(row->manifest, &out->manifest);
    struct sat_change_row *rows;
    uint32_t n;
    enum sat_err err = sat_store_changes_of_bundle(store, row->bid, arena, &rows, &n);
    if (err) return err;
    if (n == 0 && row->state == SAT_BUNDLE_RETURN) return read_aside(store, row, arena, out);
    if (n != out->manifest.count) return SAT_ERR_CORRUPT;
    out->changes = sat_arena_array(arena, n, sizeof *out->changes);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (SAT_CHANGE_INDEX(rows[i].cid) != i) return SAT_ERR_CORRUPT;
        bool stub = rows[i].header.len == 0 || (stub_dead && rows[i].state == SAT_CHANGE_DEAD), keystone = false;
        if (stub) err = is_keystone(store, &rows[i], &keystone);
        stub = stub && !keystone;
        out->changes[i] = (struct sat_change){.record = rows[i].record, .stub = stub, .rest = rows[i].rest};
        if (stub) continue;
        out->changes[i].header = rows[i].header;
        out->changes[i].body = rows[i].body;
    }
    return err;
}

enum sat_err sat_base_give_up(struct sat_store *store, const struct sat_bundle *bundle, enum sat_err why,
                              uint64_t recv_ms)
{
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_aside_row before;
    struct sat_arena arena;
    struct sat_buf bytes;
    bool found;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_aside_find(store, &bundle->id, &arena, &before, &found);
    bool waits = found && (before.reason == SAT_ERR_UPGRADE_NEEDED || before.state == SAT_ASIDE_ACCEPTED);
    sat_arena_deinit(&arena);
    if (err) return err;
    if (found) return waits ? sat_store_aside_reopen(store, before.number, (uint32_t)why) : SAT_OK;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_aside_row row = {.space = m->space,
                                .device = m->device,
                                .first = m->first,
                                .count = m->count,
                                .id = bundle->id,
                                .bytes = sat_buf_span(&bytes),
                                .recv_ms = recv_ms,
                                .reason = (uint32_t)why};
    err = sat_store_aside_put(store, &row);
    sat_buf_deinit(&bytes);
    return err;
}
