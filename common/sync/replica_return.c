/* Giving back what a server lost: when all that it has is here, first the receipts, proved by the head that it signed,
 * then the bundles, whoever wrote them, as they were signed and in the order in which it had them. Others do the same:
 * what arrives meanwhile is not given again. */
#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/merge.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"
#include "common/sync/subscription.h"
#include "common/sync/vector.h"
#include "common/sync/void.h"

enum { SETTLED_AT_ONCE = 4096 };

/* ---- Receipts ---- */

static struct sat_span lost_item(struct sat_arena *arena, const struct sat_entry *entry)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_lost_encode(entry, &bytes);
    struct sat_span item = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return item;
}

static struct sat_subtree subtree_of(const struct sat_entry *entry)
{
    if (entry->kind == SAT_ENTRY_RUN) return (struct sat_subtree){(uint8_t)entry->recv_ms, entry->id};
    return (struct sat_subtree){0, sat_entry_hash(entry)};
}

/* Some entries of a lost log from `from` on: with the log before them and the roots behind, the head proves them. */
static void encode_receipts(const struct replica_sub *sub, const struct sat_lost_log *log,
                            const struct sat_entry *entries, uint32_t n, uint32_t from, uint32_t count,
                            struct sat_arena *arena, struct sat_buf *out)
{
    struct sat_frontier before = log->before;
    struct sat_subtree *parts = sat_arena_array(arena, n, sizeof *parts);
    struct sat_span *items = sat_arena_array(arena, count, sizeof *items);
    uint64_t end = log->before.size;
    for (uint32_t i = 0; i < n; i++) parts[i] = subtree_of(&entries[i]);
    for (uint32_t i = 0; i < from; i++)
        sat_check(!sat_frontier_append_subtree(&before, parts[i].level, &parts[i].root));
    for (uint32_t i = 0; i < from + count; i++) end += (uint64_t)1 << parts[i].level;
    for (uint32_t i = 0; i < count; i++) items[i] = lost_item(arena, &entries[from + i]);
    struct sat_buf frontier, behind;
    sat_buf_init(&frontier);
    sat_buf_init(&behind);
    sat_frontier_encode(&before, &frontier);
    sat_merkle_behind(end, parts + from + count, n - from - count, &behind);
    struct sat_message message = {.type = SAT_MESSAGE_RECEIPTS};
    message.as.RECEIPTS = (struct sat_message_RECEIPTS){.sub = sub->sub,
                                                        .head = log->head,
                                                        .before = sat_buf_span(&frontier),
                                                        .entries = {items, count},
                                                        .behind = sat_buf_span(&behind)};
    sat_message_encode(&message, out);
    sat_buf_deinit(&behind);
    sat_buf_deinit(&frontier);
}

/* The next message of them; *more is false when all are sent. */
static enum sat_err send_receipts(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                                  struct sat_buf *out, bool *more)
{
    struct replica_returns *returns = &sub->returns;
    struct sat_lost_log *logs;
    struct sat_entry *entries;
    uint32_t logs_n, n = 0;
    *more = false;
    enum sat_err err = sat_store_lost_logs(replica->config.store, sub->row.sid, arena, &logs, &logs_n);
    while (!err && returns->logs_sent < logs_n) {
        const struct sat_lost_log *log = &logs[returns->logs_sent];
        err = sat_store_lost(replica->config.store, sub->row.sid, &log->epoch, arena, &entries, &n);
        if (err) return err;
        if (returns->next >= n) {
            returns->logs_sent++;
            returns->next = 0;
            continue;
        }
        *more = true;
        if (!out) return SAT_OK;
        uint32_t from = (uint32_t)returns->next;
        uint32_t count = n - from < SAT_RECEIPTS_MAX ? n - from : SAT_RECEIPTS_MAX;
        encode_receipts(sub, log, entries, n, from, count, arena, out);
        returns->next += count;
        return SAT_OK;
    }
    returns->receipts_sent = !err;
    return err;
}

/* ---- Bundles ---- */

/* What some of them stand on may have got lost on its way, or come behind them: all are sent again while there are
 * fewer each time. */
static enum sat_err fill_queue(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena)
{
    struct replica_returns *returns = &sub->returns;
    struct sat_bundle_row *rows;
    uint32_t n;
    if (returns->sent < returns->n || sub->in_flight) return SAT_OK;
    returns->n = returns->sent = 0;
    returns->held = returns->held || (returns->stale && returns->left == returns->left_then);
    if (returns->held) return SAT_OK;
    returns->stale = false;
    returns->left_then = returns->left;
    enum sat_err err = sat_store_returns(replica->config.store, sub->row.sid, false, RETURNS_QUEUED, arena, &rows, &n);
    if (err) return err;
    for (uint32_t i = 0; i < n; i++) returns->queue[i] = rows[i].bid;
    returns->n = n;
    return SAT_OK;
}

enum sat_err replica_encode_return(struct sat_replica *replica, const struct replica_sub *sub,
                                   const struct sat_bundle_row *row, struct sat_arena *arena, struct sat_buf *out)
{
    struct sat_bundle bundle;
    struct sat_buf bytes;
    bool empty = sat_void_is_row(row);
    enum sat_err err = empty ? SAT_OK : sat_base_bundle(replica->config.store, row, false, arena, &bundle);
    if (err) return err;
    sat_buf_init(&bytes);
    if (empty)
        replica_encode_void(row, &bytes);
    else
        sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_RETURN};
    message.as.RETURN = (struct sat_message_RETURN){.sub = sub->sub, .bundle = sat_buf_span(&bytes)};
    sat_message_encode(&message, out);
    sat_buf_deinit(&bytes);
    return SAT_OK;
}

/* The next in the queue that still waits: somebody else may have given it back meanwhile. */
static enum sat_err next_return(struct sat_replica *replica, struct replica_sub *sub, struct sat_bundle_row *row,
                                bool *found)
{
    struct replica_returns *returns = &sub->returns;
    for (*found = false; returns->sent < returns->n && !*found;) {
        enum sat_err err = sat_store_bundle_get(replica->config.store, returns->queue[returns->sent], row);
        if (err && err != SAT_ERR_NOT_FOUND) return err;
        *found = !err && row->state == SAT_BUNDLE_RETURN && !row->refused && row->seq == 0;
        if (!*found) returns->sent++;
    }
    return SAT_OK;
}

enum sat_err replica_return(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                            struct sat_buf *out, bool *more)
{
    struct sat_bundle_row row;
    *more = false;
    if (!sub->head_here) return SAT_OK; /* others may have given it back already */
    if (replica->config.hooks.look_back && !sub->returns.looked) return SAT_OK;
    enum sat_err err = SAT_OK;
    if (!sub->returns.receipts_sent) err = send_receipts(replica, sub, arena, out, more);
    if (err || *more) return err;
    err = fill_queue(replica, sub, arena);
    if (!err) err = next_return(replica, sub, &row, more);
    if (err || !*more || !out) return err;
    sub->returns.sent++;
    sub->in_flight++;
    return replica_encode_return(replica, sub, &row, arena, out);
}

/* Others may do the same. */
static void took_over(struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++) replica->subs[i].pushed = 0;
    replica->taken = true;
    replica->looked = replica->told_in_sync = replica->told_idle = replica->frozen.more = false;
    replica->leaving_at = 0;
}

/* Somebody else may have written some of it again, who did not know that it had arrived once. */
static enum sat_err look_back(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    bool changed = false;
    enum sat_err err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    if (!err) err = hooks->look_back(hooks->context, sub->row.sid, replica_now(step), &changed);
    sub->returns.looked = true;
    if (err || !changed) return err;
    took_over(replica);
    return replica_count_returns(step, sub);
}

enum sat_err replica_look_back(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err && replica->config.hooks.look_back; i++) {
        struct replica_sub *sub = &replica->subs[i];
        bool waits = sub->returns.left && !sub->returns.looked && !sub->gone;
        if (waits && sub->head_here && !sub->in_flight) err = look_back(step, sub);
    }
    return err;
}

/* ---- Answers ---- */

static void count_back(struct replica_sub *sub, const struct sat_bundle_row *row)
{
    struct replica_returns *returns = &sub->returns;
    if (row->refused) return;
    if (returns->left) returns->left--;
    for (uint32_t i = 0; i < returns->sent; i++)
        if (returns->queue[i] == row->bid && sub->in_flight) sub->in_flight--;
}

static enum sat_err is_whole(struct replica_step *step, const struct sat_bundle_row *row, bool *whole)
{
    struct sat_change_row *changes;
    uint32_t n = 0;
    enum sat_err err = sat_store_changes_of_bundle(step->replica->config.store, row->bid, step->arena, &changes, &n);
    *whole = !err && n && !sat_void_is_row(row); /* else its bytes are with what was put aside */
    for (uint32_t i = 0; i < n; i++) *whole = *whole && changes[i].header.len > 0;
    return err;
}

/* What cannot be written again is kept verbatim and listed. */
static enum sat_err put_aside(struct replica_step *step, const struct sat_bundle_row *row)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle bundle;
    if (sat_void_is_row(row)) return SAT_OK; /* there is nothing in it */
    enum sat_err err = sat_base_bundle(store, row, false, step->arena, &bundle);
    return err ? err : sat_base_give_up(store, &bundle, SAT_ERR_FORK, replica_now(step));
}

/* Those that are on their way, and waited for. */
static uint32_t count_awaited(struct replica_step *step, const struct replica_sub *sub, enum sat_err *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sub->returns.sent && !*err; i++) {
        struct sat_bundle_row row;
        enum sat_err looked = sat_store_bundle_get(step->replica->config.store, sub->returns.queue[i], &row);
        if (looked && looked != SAT_ERR_NOT_FOUND) *err = looked;
        n += !looked && row.state == SAT_BUNDLE_RETURN && !row.refused && row.seq == 0;
    }
    return n;
}

static enum sat_err write_again(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle_row *row,
                                bool *taken)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    struct sat_taken from = {.device = row->device, .first = row->first, .now_ms = replica_now(step)};
    *taken = false;
    enum sat_err err = hooks->take_over ? replica_save_spaces(replica) : SAT_OK;
    uint32_t before = count_awaited(step, sub, &err);
    if (!err && hooks->take_over) err = hooks->take_over(hooks->context, row->sid, &from, taken);
    if (err || !*taken) return err;
    uint32_t gone = before - count_awaited(step, sub, &err);
    sub->in_flight -= gone < sub->in_flight ? gone : sub->in_flight;
    took_over(replica);
    return err ? err : replica_count_returns(step, sub);
}

/* Its numbers are another bundle's: its device was copied, and the server set back between them. The log's stays; this
 * one is written again, with what stands on it, by whoever holds it. What its author says was refused stays refused. */
static enum sat_err give_up(struct replica_step *step, const struct sat_bundle_row *row, bool refused)
{
    struct sat_store *store = step->replica->config.store;
    struct replica_sub *sub = NULL;
    bool taken = false;
    for (uint32_t i = 0; i < step->replica->subs_n; i++)
        if (step->replica->subs[i].row.sid == row->sid) sub = &step->replica->subs[i];
    enum sat_err err = replica_begin(step);
    if (!err && sub && !refused) err = write_again(step, sub, row, &taken);
    if (!err && !taken && sub) err = put_aside(step, row);
    if (!err && !taken) err = sat_store_bundle_delete(store, row->bid);
    if (!err && !taken && sub) count_back(sub, row);
    return err ? err : sat_base_mark_drafts(store);
}

/* One's own is pushed as if it never had been there, and refused and mended as any other; somebody else's stays here,
 * with its reason. So does what its own author's later work has come back without: whoever gave that back had seen
 * everybody forget this one, and it has no place in the chain any more, nor has a void statement. */
static enum sat_err keep_refused(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle_row *row,
                                 enum sat_err why)
{
    struct sat_store *store = step->replica->config.store;
    bool own = row->device == step->replica->config.device && why != SAT_ERR_BAD_CHAIN, whole = false;
    enum sat_err err = replica_begin(step);
    if (!err && why == SAT_ERR_FORK && !sat_void_is_row(row)) return give_up(step, row, false);
    if (!err && own) err = is_whole(step, row, &whole);
    if (err) return err;
    count_back(sub, row);
    sub->pushed = 0;
    sub->returns.missed = false;
    return whole ? sat_store_bundle_set_refused(store, row->bid, SAT_OK)
                 : sat_store_return_set_refused(store, row->bid, why);
}

static bool was_sent(const struct replica_returns *returns, const struct sat_bundle_row *row)
{
    for (uint32_t i = 0; i < returns->sent; i++)
        if (returns->queue[i] == row->bid) return true;
    return false;
}

/* The server may not have it yet what it stands on: a later session tries again. So does one that hears that its log
 * has the bundle, and lacks bytes of it, which is no refusal: the entry comes, and the bundle with it. Other reasons
 * are final: it stays here, with its reason. */
enum sat_err replica_unreturned(struct replica_step *step, const struct sat_message_UNRETURNED *message)
{
    struct sat_replica *replica = step->replica;
    struct sat_store *store = replica->config.store;
    struct replica_sub *sub = replica_sub_of(replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a refusal for a space that was not subscribed");
    enum sat_err why = sat_err_from_wire(message->error);
    if (sat_err_is_local(why)) why = SAT_ERR_BUSY;
    if (sub->gone) return SAT_OK;
    struct sat_bundle_row row;
    bool found;
    enum sat_err err =
        sat_store_return_of(store, sub->row.sid, (uint32_t)message->device, message->first, &row, &found);
    if (!err && !(found && row.first == message->first)) return replica_offer(step, sub, message);
    if (err || row.refused || message->error == 0) return err;
    bool has_it = why == SAT_ERR_UNJUSTIFIED;
    if (has_it && !was_sent(&sub->returns, &row)) return SAT_OK; /* it speaks of its log, whose entry is not here yet */
    if (has_it || sat_err_class(why) == SAT_CLASS_RETRY) {
        if (sub->in_flight) sub->in_flight--;
        if (has_it || why == SAT_ERR_STALE)
            sub->returns.stale = true;
        else
            sub->returns.held = true;
    } else {
        err = keep_refused(step, sub, &row, why);
    }
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_REFUSED);
    notice->sid = sub->row.sid;
    notice->space = sub->row.id;
    notice->err = why;
    notice->text = sat_arena_text(step->out->arena, (const char *)message->text.at, message->text.len);
    return err;
}

/* Has the device's own bundle seen what the server will not take back? Then what it waits for does not come. */
enum sat_err replica_stands_on_refused(struct replica_step *step, const struct replica_sub *sub,
                                       const struct sat_bundle_row *own, bool *does)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    struct sat_bundle bundle;
    uint32_t n;
    *does = false;
    enum sat_err err = sat_store_returns(store, sub->row.sid, true, UINT32_MAX, step->arena, &rows, &n);
    if (err || n == 0) return err;
    err = sat_base_bundle(store, own, false, step->arena, &bundle);
    for (uint32_t i = 0; i < bundle.manifest.count && !err && !*does; i++) {
        struct sat_header header;
        if (sat_header_decode(bundle.changes[i].header, step->arena, &header)) return SAT_ERR_CORRUPT;
        for (uint32_t k = 0; k < n && !*does; k++)
            *does = sat_vector_covers(header.seen, (struct sat_dot){rows[k].device, rows[k].first});
    }
    return err;
}

static enum sat_err keep_bytes(struct replica_step *step, const struct sat_bundle_row *row,
                               struct replica_arrival *arrival)
{
    struct sat_bundle here;
    enum sat_err err = sat_base_bundle(step->replica->config.store, row, false, step->arena, &here);
    arrival->here = err ? NULL : here.changes;
    return err;
}

enum sat_err replica_make_whole(struct replica_step *step, const struct replica_arrival *arrival,
                                struct sat_header *headers)
{
    for (uint32_t i = 0; arrival->here && i < arrival->count; i++) {
        struct sat_change *change = &arrival->bundle->changes[i];
        if (!change->stub || arrival->here[i].stub) continue;
        *change = arrival->here[i];
        if (sat_header_decode(change->header, step->arena, &headers[i])) return SAT_ERR_CORRUPT;
    }
    return SAT_OK;
}

/* Two bundles of one device that follow the same one: it was copied, and what waits here of it has no place in the
 * chain any more. */
static enum sat_err give_up_branch(struct replica_step *step, const struct replica_sub *sub,
                                   const struct sat_manifest *arrival)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row row;
    struct sat_manifest waits;
    bool found = sub->returns.any;
    for (uint64_t from = 0; found; from = row.first + 1) {
        enum sat_err err = sat_store_return_of(store, sub->row.sid, arrival->device, from, &row, &found);
        if (err || !found) return err;
        if (sat_void_is_row(&row)) continue;
        sat_manifest_decode(row.manifest, &waits);
        if (sat_hash_equal(&waits.prev, &arrival->prev)) return give_up(step, &row, false);
    }
    return SAT_OK;
}

enum sat_err replica_came_back(struct replica_step *step, struct replica_sub *sub, struct replica_arrival *arrival,
                               bool *back)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row row;
    bool found = false;
    *back = false;
    for (uint32_t i = 0; i < step->replica->subs_n; i++) found = found || step->replica->subs[i].returns.any;
    while (found) {
        enum sat_err err =
            sat_store_bundle_overlapping(store, arrival->device, arrival->first, arrival->count, &row, &found);
        if (err) return err;
        if (!found || row.seq || row.state != SAT_BUNDLE_RETURN) break;
        bool same = sat_hash_equal(&row.id, &arrival->id);
        err = same ? replica_begin(step) : give_up(step, &row, sat_hash_equal(&row.id, &arrival->refused));
        if (err) return err;
        if (!same) continue;
        *back = true;
        if (!err && arrival->bundle) err = keep_bytes(step, &row, arrival);
        if (!err) err = sat_store_bundle_delete(store, row.bid);
        if (err) return err;
        count_back(sub, &row);
    }
    return *back || !arrival->bundle ? SAT_OK : give_up_branch(step, sub, &arrival->bundle->manifest);
}

/* ---- What comes without its bytes, and may be what waits here ---- */

enum sat_err replica_lacks_bytes(struct replica_step *step, const struct replica_sub *sub,
                                 const struct sat_bundle *bundle, bool *lacks)
{
    struct sat_dot first = {bundle->manifest.device, bundle->manifest.first};
    struct sat_bundle_row row;
    bool found = false;
    *lacks = false;
    if (!sub->returns.any && !replica_has_kin(step->replica)) return SAT_OK;
    enum sat_err err = sat_store_bundle_of_dot(step->replica->config.store, first, &row, &found);
    if (found && sat_hash_equal(&row.id, &bundle->id)) return err; /* it is what waits here */
    for (uint32_t i = 0; i < bundle->manifest.count && !err && !*lacks; i++)
        if (bundle->changes[i].stub)
            err = sat_store_record_waits(step->replica->config.store, sub->row.sid, &bundle->changes[i].record, lacks);
    return err;
}

/* ---- What nobody misses ---- */

static enum sat_err covers(const struct sat_change_row *row, struct sat_dot dot, struct sat_arena *arena, bool *does)
{
    struct sat_header header;
    if (row->header.len == 0) return SAT_OK;
    if (sat_header_decode(row->header, arena, &header)) return SAT_ERR_CORRUPT;
    const struct sat_version version = {row->dot, header.seen, header.kept, header.holes};
    *does = *does || sat_merge_covers(&version, &dot);
    return SAT_OK;
}

/* By what is live of its record; or by the deletion that the record was collected by. */
static enum sat_err is_replaced(struct sat_store *store, int64_t sid, const struct sat_change_row *change,
                                struct sat_arena *arena, bool *is)
{
    struct sat_change_row *rows;
    struct sat_collected_row collected;
    bool was_collected;
    uint32_t n = 0;
    *is = false;
    enum sat_err err = sat_store_changes_live(store, sid, &change->record, arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) err = covers(&rows[i], change->dot, arena, is);
    if (!err && !*is) err = sat_store_collected_get(store, sid, &change->record, &collected, &was_collected);
    if (err || *is || !was_collected) return err;
    err = sat_store_changes_of_record(store, sid, &change->record, arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++)
        if (sat_dot_compare(rows[i].dot, collected.deletion) == 0) err = covers(&rows[i], change->dot, arena, is);
    return err;
}

static enum sat_err is_superseded(struct sat_store *store, const struct sat_bundle_row *row, bool *is)
{
    struct sat_arena arena;
    struct sat_change_row *changes;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_changes_of_bundle(store, row->bid, &arena, &changes, &n);
    *is = !err && (n || sat_void_is_row(row)); /* what was put aside is listed as that */
    for (uint32_t i = 0; i < n && !err && *is; i++) err = is_replaced(store, row->sid, &changes[i], &arena, is);
    sat_arena_deinit(&arena);
    return err;
}

/* What the server does not take back need not be kept for anybody once all of it has been replaced, by those who had
 * seen it: it would be listed for ever. Once a session, and again when something else was refused. */
static enum sat_err settle_superseded(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    uint32_t n = 0;
    if (!sub->returns.any || sub->returns.missed) return SAT_OK;
    enum sat_err err = sat_store_returns(store, sub->row.sid, true, SETTLED_AT_ONCE, step->arena, &rows, &n);
    sub->returns.missed = true;
    for (uint32_t i = 0; i < n && !err; i++) {
        bool is = false;
        err = is_superseded(store, &rows[i], &is);
        if (err || !is) continue;
        err = replica_begin(step);
        if (!err) err = sat_base_mark_drafts(store);
        if (!err) err = sat_store_bundle_delete(store, rows[i].bid);
    }
    return err;
}

enum sat_err replica_returns_done(struct replica_step *step, struct replica_sub *sub)
{
    uint64_t left;
    enum sat_err err = settle_superseded(step, sub);
    if (err || (!sub->returns.any && sub->lives.n == 0) || sub->returns.left) return err;
    err = sat_store_return_count(step->replica->config.store, sub->row.sid, true, &left);
    return err || left ? err : sat_store_lost_done(step->replica->config.store, sub->row.sid);
}
