#include "common/sync/base.h"

#include <string.h>

#include "common/sync/digest.h"
#include "common/sync/merge.h"

static struct sat_version version_of(struct sat_dot dot, const struct sat_header *header)
{
    return (struct sat_version){.dot = dot, .seen = header->seen, .kept = header->kept, .holes = header->holes};
}

/* The record's live versions as they were before change `cid` came; a stored header that does not decode is damage. */
static enum sat_err live_versions(const struct sat_accept *accept, int64_t cid, const struct sat_record_id *record,
                                  struct sat_arena *arena, struct sat_change_row **rows, struct sat_version **versions,
                                  uint32_t *n)
{
    enum sat_err err = sat_store_changes_live(accept->store, accept->space->sid, record, arena, rows, n);
    if (err) return err;
    uint32_t left =
        0; /* the author's own copies lie there with their bundle, this one and those behind it among them */
    for (uint32_t i = 0; i < *n; i++) {
        bool behind = SAT_CHANGE_BUNDLE((*rows)[i].cid) == SAT_CHANGE_BUNDLE(cid) && (*rows)[i].cid >= cid;
        if (!behind) (*rows)[left++] = (*rows)[i];
    }
    *n = left;
    *versions = sat_arena_array(arena, *n, sizeof **versions);
    for (uint32_t i = 0; i < *n; i++) {
        struct sat_header header;
        if (sat_header_decode((*rows)[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        (*versions)[i] = version_of((*rows)[i].dot, &header);
    }
    return SAT_OK;
}

/* A stub must be justified by what replaces it; until that has come the stub is a debt of the server's (CRYPTO). */
static enum sat_err note_stub(const struct sat_accept *accept, int64_t cid, const struct sat_change *change,
                              struct sat_dot dot, struct sat_arena *arena)
{
    struct sat_change_row *rows;
    struct sat_version *live;
    uint32_t n;
    enum sat_err err = live_versions(accept, cid, &change->record, arena, &rows, &live, &n);
    for (uint32_t i = 0; !err && i < n; i++)
        if (sat_merge_covers(&live[i], &dot)) return SAT_OK;
    if (err) return err;
    return sat_store_stub_add(accept->store, accept->space->sid, &change->record, dot);
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

/* Merges one change into its record; says whether it is live, and whether no other one is. */
static enum sat_err merge_change(const struct sat_accept *accept, int64_t cid, const struct sat_change *change,
                                 const struct sat_version *arrived, bool stubs, struct sat_arena *arena, bool *is_live,
                                 bool *is_alone)
{
    struct sat_change_row *rows;
    struct sat_version *live;
    uint32_t n;
    bool dead;
    enum sat_err err = live_versions(accept, cid, &change->record, arena, &rows, &live, &n);
    if (err) return err;
    bool *drop = sat_arena_array(arena, n, sizeof *drop);
    sat_merge_arrive(live, n, arrived, drop, &dead);
    *is_alone = !dead;
    for (uint32_t i = 0; i < n; i++) {
        if (!drop[i]) *is_alone = false;
        if (!drop[i]) continue;
        err = sat_store_change_set_state(accept->store, rows[i].cid, SAT_CHANGE_DEAD);
        if (err) return err;
        sat_digest_remove(accept->space, &change->record, rows[i].dot, &rows[i].rest);
    }
    if (!dead) sat_digest_add(accept->space, &change->record, arrived->dot, &change->rest);
    *is_live = !dead;
    return stubs ? settle_stubs(accept, &change->record, arrived, arena) : SAT_OK;
}

static enum sat_err accept_change(const struct sat_accept *accept, int64_t bid, uint32_t index, bool stubs,
                                  struct sat_arena *arena)
{
    const struct sat_change *change = &accept->bundle->changes[index];
    const struct sat_manifest *manifest = &accept->bundle->manifest;
    struct sat_change_row row = {
        .cid = bid << 10 | index,
        .sid = accept->space->sid,
        .record = change->record,
        .dot = {manifest->device, manifest->first + index},
        .state = SAT_CHANGE_DEAD,
        .header = change->header,
        .body = change->body,
        .rest = change->rest,
    };
    enum sat_err err;
    bool is_live = false, is_alone = false;
    if (change->stub) {
        err = note_stub(accept, row.cid, change, row.dot, arena);
    } else {
        struct sat_version arrived = version_of(row.dot, &accept->headers[index]);
        err = merge_change(accept, row.cid, change, &arrived, stubs, arena, &is_live, &is_alone);
        row.state = is_live ? SAT_CHANGE_LIVE : SAT_CHANGE_DEAD;
        if (accept->alone) accept->alone[index] = is_alone;
    }
    if (err) return err;
    if (!accept->pending_bid) return sat_store_change_insert(accept->store, &row);
    if (is_live) return SAT_OK; /* its bundle has been placed */
    return sat_store_change_set_state(accept->store, row.cid, SAT_CHANGE_DEAD);
}

static enum sat_err append_entry(const struct sat_accept *accept, int64_t bid)
{
    struct sat_space_row *space = accept->space;
    struct sat_entry_row row = {
        .entry = {.seq = space->log.size + 1,
                  .kind = SAT_ENTRY_BUNDLE,
                  .id = accept->bundle->id,
                  .recv_ms = accept->recv_ms,
                  .dir_at = accept->dir_at},
        .bid = bid,
    };
    struct sat_hash leaf = sat_entry_hash(&row.entry);
    sat_frontier_append(&space->log, &leaf);
    row.root = sat_frontier_root(&space->log);
    space->last_recv_ms = accept->recv_ms;
    space->last_dir_at = accept->dir_at;
    return sat_store_entry_append(accept->store, space->sid, &row);
}

static enum sat_err place_bundle(const struct sat_accept *accept, int64_t *bid)
{
    uint64_t seq = accept->space->log.size + 1;
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
    struct sat_arena arena; /* of one change: a bundle may name the same record a thousand times */
    sat_arena_init(&arena);
    uint64_t stubs = 0;
    enum sat_err err = place_bundle(accept, &bid);
    if (!err) err = append_entry(accept, bid);
    if (!err) err = sat_store_stub_count(accept->store, accept->space->sid, &stubs);
    for (uint32_t i = 0; !err && i < accept->bundle->manifest.count; i++) {
        if (accept->bundle->changes[i].stub) stubs++;
        err = accept_change(accept, bid, i, stubs > 0, &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
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
    if (n != out->manifest.count) return SAT_ERR_CORRUPT;
    out->changes = sat_arena_array(arena, n, sizeof *out->changes);
    for (uint32_t i = 0; i < n; i++) {
        bool stub = rows[i].header.len == 0 || (stub_dead && rows[i].state == SAT_CHANGE_DEAD);
        out->changes[i] = (struct sat_change){.record = rows[i].record, .stub = stub, .rest = rows[i].rest};
        if (stub) continue;
        out->changes[i].header = rows[i].header;
        out->changes[i].body = rows[i].body;
    }
    return SAT_OK;
}
