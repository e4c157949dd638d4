/* Frames for a peer whose socket can take one: built from what is committed now, so that a slow reader costs nothing
 * but its own lag. First the directory (a bundle is judged against it), then each subscription in turn: entries up to
 * the log's end, then its signed head. */
#include <string.h>

#include "common/proof/link_short.h"
#include "common/sync/base.h"
#include "common/sync/digest.h"
#include "common/sync/host_state.h"
#include "common/sync/log_items.h"
#include "common/sync/subscription.h"
#include "common/sync/void.h"

void host_countersign_encode(const struct sat_countersign *sign, struct sat_buf *out)
{
    sat_put_u64(out, sign->time_ms);
    sat_put_bytes(out, sign->signature.b, sizeof sign->signature.b);
}

void host_peer_size(struct host_peer *peer, uint32_t frame_bytes)
{
    peer->frame_target = SAT_FRAME_BYTES_TARGET;
    peer->frame_max = SAT_BUNDLE_BYTES_MAX;
    if (frame_bytes == 0 || frame_bytes >= SAT_FRAME_BYTES_TARGET) return;
    if (frame_bytes < SAT_FRAME_BYTES_MIN) frame_bytes = SAT_FRAME_BYTES_MIN;
    peer->frame_target = peer->frame_max = frame_bytes - SAT_FRAME_OVERHEAD;
}

enum { LINKS_PER_FRAME = 128, ENTRIES_PER_READ = 64, HEAD_REUSED_MS = 1000 };

static enum sat_err links_frame(struct sat_host *host, struct host_peer *peer, struct sat_arena *arena,
                                struct sat_buf *out)
{
    struct sat_link_row *rows;
    uint32_t n;
    uint64_t left = host_links_end(host, peer) - peer->dir_sent;
    uint32_t limit = left < LINKS_PER_FRAME ? (uint32_t)left : LINKS_PER_FRAME;
    enum sat_err err = sat_store_links(host->store, peer->dir_sent + 1, limit, arena, &rows, &n);
    if (err) return err;
    struct sat_span *items = sat_arena_array(arena, n, sizeof *items);
    size_t bytes = 0;
    uint32_t used = 0;
    while (used < n && bytes < peer->frame_target) {
        struct sat_link link;
        struct sat_buf item;
        if (sat_link_decode(rows[used].bytes, &link)) return SAT_ERR_CORRUPT;
        sat_buf_init(&item);
        sat_link_encode_short(&link, &rows[used].sign, &host->directory, &item);
        bool fits = !used || bytes + item.len <= peer->frame_max;
        if (fits) items[used++] = sat_span_copy(arena, sat_buf_span(&item));
        bytes += item.len;
        sat_buf_deinit(&item);
        if (!fits) break;
    }
    struct sat_message message = {.type = SAT_MESSAGE_LINKS};
    message.as.LINKS.first_seq = peer->dir_sent + 1;
    message.as.LINKS.links = (struct sat_list){items, used};
    sat_message_encode(&message, out);
    peer->dir_sent += used;
    return used ? SAT_OK : SAT_ERR_CORRUPT;
}

/* What copies of a home wrote goes to one of them as it was, dead or not: it may hold the same, unsent. So does what a
 * server that was set back has taken since to who has seen more of it: what is written again there may be here. */
static bool is_kin(const struct sat_host *host, uint32_t device, uint32_t peer)
{
    const struct sat_device *a = sat_directory_device(&host->directory, device);
    const struct sat_device *b = sat_directory_device(&host->directory, peer);
    return a && b && a->lineage == b->lineage;
}

/* Is the bundle before it in its chain here? Else it was compacted, and the reader has never had it. */
static enum sat_err follows(struct sat_host *host, const struct host_space *space, const struct sat_manifest *manifest,
                            bool *does)
{
    static const struct sat_hash none;
    struct sat_bundle_row before;
    *does = sat_hash_equal(&manifest->prev, &none);
    if (*does) return SAT_OK;
    enum sat_err err =
        sat_store_bundle_before(host->store, space->row.sid, manifest->device, manifest->first, &before, does);
    if (*does) *does = sat_hash_equal(&before.id, &manifest->prev);
    return err;
}

/* Of a log that lost its end once, or that was compacted, bundles may witness what is gone: the reader has nothing to
 * complete them by. */
static enum sat_err can_abbreviate(struct sat_host *host, const struct host_space *space,
                                   const struct sat_manifest *manifest, bool *can)
{
    static const struct sat_log_epoch none;
    struct sat_hash root;
    bool found;
    *can = true;
    bool gaps = space->row.compacted || space->lives.n;
    enum sat_err err = gaps ? follows(host, space, manifest, can) : SAT_OK;
    if (err || !*can || (space->lives.n == 0 && manifest->w_size >= space->row.compacted)) return err;
    err = sat_store_root_at(host->store, space->row.sid, manifest->w_size, &root, &found);
    bool known = sat_lives_know(&space->lives, &manifest->log_epoch) ||
                 (manifest->w_size == 0 && sat_log_epoch_equal(&manifest->log_epoch, &none));
    *can = found && known && sat_hash_equal(&root, &manifest->w_root);
    return err;
}

static struct sat_span encode(const struct sat_entry_wire *wire, struct sat_arena *arena)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_entry_wire_encode(wire, &bytes);
    struct sat_span item = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return item;
}

static enum sat_err collection_item(struct sat_host *host, const struct host_space *space,
                                    const struct sat_entry_row *row, struct sat_entry_wire *wire,
                                    struct sat_arena *arena, struct sat_span *out)
{
    bool found;
    enum sat_err err =
        sat_store_collection_get(host->store, space->row.sid, row->entry.seq, arena, &wire->bundle, &found);
    if (err || !found) return err ? err : SAT_ERR_CORRUPT;
    *out = encode(wire, arena);
    return SAT_OK;
}

/* What it has come with later may stand on what is behind it in the log. */
static void make_stubs(struct sat_bundle *bundle)
{
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        struct sat_change *change = &bundle->changes[i];
        *change = (struct sat_change){.record = change->record, .stub = true, .rest = change->rest};
    }
}

static enum sat_err entry_item(struct sat_host *host, const struct host_peer *peer, const struct host_space *space,
                               const struct host_sub *sub, const struct sat_entry_row *row, struct sat_arena *arena,
                               struct sat_span *out)
{
    bool full = sub->full_entry > 0;
    struct sat_entry_wire wire = {.kind = row->entry.kind,
                                  .recv_ms = row->entry.recv_ms,
                                  .dir_at = row->entry.dir_at,
                                  .receipt_ms = row->entry.receipt_ms,
                                  .receipt_dir = row->entry.receipt_dir};
    struct sat_bundle_row bundle_row;
    if (row->entry.kind == SAT_ENTRY_COLLECT) return collection_item(host, space, row, &wire, arena, out);
    enum sat_err err = sat_store_bundle_get(host->store, row->bid, &bundle_row);
    if (err) return err;
    struct sat_buf bundle_bytes, item;
    sat_buf_init(&bundle_bytes);
    sat_buf_init(&item);
    bool own = bundle_row.device == peer->device;
    if (own && !full && !sub->own_full) {
        wire.own = true;
        memcpy(wire.id_prefix, bundle_row.id.b, sizeof wire.id_prefix);
    } else if (row->entry.kind == SAT_ENTRY_VOID) {
        struct sat_signed_void empty = sat_void_of_row(&bundle_row);
        sat_void_encode(&empty.statement, &empty.signature, &bundle_bytes);
        wire.bundle = sat_buf_span(&bundle_bytes);
    } else {
        struct sat_bundle bundle;
        bool related = is_kin(host, bundle_row.device, peer->device) || sub->from_before;
        bool whole = full || ((!own || sub->own_full || peer->set_back) && related);
        err = sat_base_bundle(host->store, &bundle_row, !whole, arena, &bundle);
        bool is_short = !full;
        if (!err && is_short) err = can_abbreviate(host, space, &bundle.manifest, &is_short);
        bool came_later = bundle_row.refused == SAT_BUNDLE_FILLED && !full;
        if (!err && came_later) make_stubs(&bundle);
        if (!err) sat_bundle_encode(&bundle, is_short ? SAT_BUNDLE_SHORT : SAT_BUNDLE_FULL, &bundle_bytes);
        wire.bundle = sat_buf_span(&bundle_bytes);
    }
    sat_entry_wire_encode(&wire, &item);
    *out = sat_span_copy(arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
    sat_buf_deinit(&bundle_bytes);
    return err;
}

static struct sat_span run_item(const struct sat_run *run, struct sat_arena *arena)
{
    struct sat_entry_wire wire = {.kind = SAT_ENTRY_RUN, .level = run->level, .root = run->hash};
    return encode(&wire, arena);
}

static enum sat_err log_item(struct sat_host *host, const struct host_peer *peer, const struct host_space *space,
                             const struct host_sub *sub, const struct sat_log_item *item, struct sat_arena *arena,
                             struct sat_span *out)
{
    if (!item->is_run) return entry_item(host, peer, space, sub, &item->as.entry, arena, out);
    *out = run_item(&item->as.run, arena);
    return SAT_OK;
}

static enum sat_err entries_frame(struct sat_host *host, const struct host_peer *peer, struct host_sub *sub,
                                  const struct host_space *space, struct sat_arena *arena, struct sat_buf *out)
{
    bool full = sub->full_entry > 0;
    uint64_t first = full ? sub->full_entry : sub->sent + 1;
    struct sat_log_item *rows;
    uint32_t n;
    enum sat_err err = sat_log_items(host->store, sub->sid, first, full ? 1 : ENTRIES_PER_READ, arena, &rows, &n);
    if (err) return err;
    if (n && rows[0].first != first) return SAT_ERR_CLOSED; /* compacted meanwhile: it subscribes anew */
    struct sat_span *items = sat_arena_array(arena, n, sizeof *items);
    size_t bytes = 0;
    uint32_t used = 0;
    while (!err && used < n && bytes < peer->frame_target) {
        err = log_item(host, peer, space, sub, &rows[used], arena, &items[used]);
        if (err) return err;
        /* A frame ends before the entry that would take it past the bound: one bundle may be as large as a message. */
        if (used && bytes + items[used].len > peer->frame_max) break;
        bytes += items[used++].len;
    }
    if (!used) return SAT_ERR_CORRUPT;
    struct sat_message message = {.type = SAT_MESSAGE_ENTRIES};
    message.as.ENTRIES = (struct sat_message_ENTRIES){
        .sub = sub->sub, .first_seq = first, .size = space->row.log.size, .entries = {items, used}};
    sat_message_encode(&message, out);
    sub->full_entry = 0;
    sub->sent = rows[used - 1].last;
    return SAT_OK;
}

static void sign_head(struct sat_host *host, struct host_space *space, uint64_t now_ms)
{
    const struct sat_directory *directory = &host->directory;
    bool same = space->head_valid && space->head.size == space->row.log.size && space->head.dir_seq == directory->seq &&
                now_ms - space->head.time_ms < HEAD_REUSED_MS;
    if (same) return;
    space->head = (struct sat_head){
        .space = space->row.id,
        .log_epoch = space->row.log_epoch,
        .size = space->row.log.size,
        .root = sat_frontier_root(&space->row.log),
        .digest = sat_digest_of(&space->row),
        .dir_seq = directory->seq,
        .dir_hash = sat_directory_hash_at(directory, directory->seq),
        .time_ms = now_ms,
    };
    sat_head_sign(&space->head, &directory->org, host_signer(host));
    space->head_valid = true;
}

void host_head_frame(struct sat_host *host, struct host_sub *sub, struct host_space *space, uint64_t now_ms,
                     struct sat_buf *out)
{
    sign_head(host, space, now_ms);
    struct sat_buf head;
    sat_buf_init(&head);
    sat_head_encode(&space->head, !sub->full_head, &head);
    struct sat_message message = {.type = SAT_MESSAGE_HEAD};
    message.as.HEAD = (struct sat_message_HEAD){.sub = sub->sub, .head = sat_buf_span(&head)};
    sat_message_encode(&message, out);
    sat_buf_deinit(&head);
    sub->head_due = sub->full_head = false;
    sub->head_sent = space->head.size;
}

static enum sat_err sub_frame(struct sat_host *host, const struct host_peer *peer, struct host_sub *sub,
                              uint64_t now_ms, struct sat_arena *arena, struct sat_buf *out)
{
    struct host_space *space = host_space_by_sid(host, sub->sid);
    if (!space || sub->ended || !host_peer_may_read(host, peer, &space->row.id)) return SAT_OK;
    if (sub->lives_due) {
        host_lives_frame(host, sub, space, out);
        return SAT_OK;
    }
    if (sub->adrift) return SAT_OK;
    if (sub->words_due) return host_cursors_frame(host, peer, sub, arena, out);
    uint64_t size = space->row.log.size;
    if (sub->full_entry > size) sub->full_entry = 0;
    if (sub->sent > size) sub->sent = size;
    if (sub->full_head && sub->sent < size) { /* who has no head yet learns the log's life and length first */
        host_head_frame(host, sub, space, now_ms, out);
        sub->head_due = true;
        return SAT_OK;
    }
    if (sub->full_entry || sub->sent < size) return entries_frame(host, peer, sub, space, arena, out);
    if (sub->owing_due) {
        size_t before = out->len;
        enum sat_err err = host_owing_frame(host, space, sub, out);
        if (err || out->len > before) return err;
    }
    if (sub->head_due || sub->full_head || sub->head_sent != size) host_head_frame(host, sub, space, now_ms, out);
    return SAT_OK;
}

enum sat_err sat_host_frame(struct sat_host *host, uint64_t peer_id, uint64_t now_ms, struct sat_buf *out)
{
    struct host_peer *peer = host_peer_find(host, peer_id);
    if (!peer || peer->state == HOST_PEER_GREETED) return SAT_OK;
    struct sat_arena arena;
    sat_arena_init(&arena);
    size_t before = out->len;
    enum sat_err err = SAT_OK;
    if (peer->dir_sent < host_links_end(host, peer)) {
        err = links_frame(host, peer, &arena, out);
    } else {
        for (uint32_t tried = 0; !err && tried < peer->subs_n && out->len == before; tried++) {
            struct host_sub *sub = &peer->subs[peer->next_sub++ % peer->subs_n];
            err = sub_frame(host, peer, sub, now_ms, &arena, out);
        }
    }
    sat_arena_deinit(&arena);
    return err;
}
