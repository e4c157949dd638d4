/* What this server lost comes back. A receipt counts when a head that this server signed proves the log that has it;
 * then whoever has the bundle may bring it, as its author signed it, and it is judged at the place where it stood. */
#include "common/sync/host_state.h"
#include "common/sync/subscription.h"
#include "common/sync/void.h"

static enum sat_err read_entries(const struct sat_message_RECEIPTS *message, struct sat_frontier *log,
                                 struct sat_entry *entries)
{
    for (uint32_t i = 0; i < message->entries.n; i++) {
        enum sat_err err = sat_lost_decode(message->entries.at[i], &entries[i]);
        if (err) return err;
        if (log->size >= SAT_COUNTER_MAX) return SAT_ERR_MALFORMED;
        if (entries[i].kind == SAT_ENTRY_RUN) {
            if (entries[i].recv_ms > SAT_SUBTREE_LEVEL_MAX) return SAT_ERR_MALFORMED;
            err = sat_frontier_append_subtree(log, (uint8_t)entries[i].recv_ms, &entries[i].id);
            if (err) return err;
            continue;
        }
        entries[i].seq = log->size + 1;
        struct sat_hash leaf = sat_entry_hash(&entries[i]);
        sat_frontier_append(log, &leaf);
    }
    return SAT_OK;
}

enum sat_err host_receipts(struct host_step *step, const struct host_space *space,
                           const struct sat_message_RECEIPTS *message, struct sat_fault *fault)
{
    struct sat_store *store = step->host->store;
    struct sat_head head;
    struct sat_frontier log;
    bool lost;
    enum sat_err err = host_is_lost_head(step->host, space, message->head, &head, &lost, fault);
    if (!err) err = sat_frontier_decode(message->before, &log);
    if (err) return err;
    struct sat_entry *entries = sat_arena_array(step->arena, message->entries.n, sizeof *entries);
    err = read_entries(message, &log, entries);
    if (!err) err = sat_frontier_complete(&log, head.size, message->behind);
    if (err) return err;
    struct sat_hash root = sat_frontier_root(&log);
    if (!sat_hash_equal(&root, &head.root))
        return sat_fail(fault, SAT_ERR_TAMPERED, "those receipts are not of the log that this server signed");
    if (!lost || space->lives.n == 0) return SAT_OK; /* all of it is here */
    err = host_begin(step);
    for (uint32_t i = 0; !err && i < message->entries.n; i++)
        if (entries[i].kind == SAT_ENTRY_BUNDLE || entries[i].kind == SAT_ENTRY_RETURNED ||
            entries[i].kind == SAT_ENTRY_VOID)
            err = sat_store_receipt_put(store, space->row.sid, &entries[i].id, sat_entry_receipt_ms(&entries[i]),
                                        sat_entry_receipt_dir(&entries[i]));
    return err;
}

static void refuse(struct host_step *step, const struct host_peer *peer, uint64_t sub, struct sat_dot first,
                   enum sat_err err, const struct sat_fault *why)
{
    struct sat_message message = {.type = SAT_MESSAGE_UNRETURNED};
    message.as.UNRETURNED = (struct sat_message_UNRETURNED){
        .sub = sub,
        .device = first.device,
        .first = first.counter,
        .error = err,
        .text = sat_span_text(why->err == err ? why->text : sat_err_text(err)),
    };
    host_send(step, peer->id, &message);
}

struct receipt { /* when it was accepted first, and under which directory, whose links are here again */
    bool proved;
    uint64_t ms, dir;
};

/* Without a proof it may still be what this server had sent out before any head: then it is as if its author pushed it
 * now, if he is one who could. The work of who is out is proved, or whoever has his key, and a friend here, puts other
 * work in its place. */
static enum sat_err find_receipt(const struct host_step *step, const struct host_peer *peer,
                                 const struct host_space *space, uint32_t author, const struct sat_hash *id,
                                 struct receipt *receipt, struct sat_fault *why)
{
    const struct sat_directory *directory = &step->host->directory;
    enum sat_err err =
        sat_store_receipt_get(step->host->store, space->row.sid, id, &receipt->ms, &receipt->dir, &receipt->proved);
    if (err) return err;
    if (!receipt->proved && (space->lives.n == 0 || sat_directory_out(directory, author)))
        return sat_fail(why, SAT_ERR_DENIED, "nothing proves that this server had that work before");
    if (!receipt->proved && author == peer->device && peer->set_back) /* as where it pushes */
        return sat_fail(why, SAT_ERR_STALE, "this home seems to be an older copy: it needs a number of its own");
    if (receipt->dir > directory->seq)
        return sat_fail(why, SAT_ERR_STALE, "it was accepted under directory links that are not here yet");
    if (receipt->proved) return SAT_OK;
    receipt->ms = step->now_ms > space->row.last_recv_ms ? step->now_ms : space->row.last_recv_ms;
    receipt->dir = directory->seq;
    return SAT_OK;
}

static enum sat_err take(struct host_step *step, const struct host_peer *peer, struct host_space *space, uint64_t sub,
                         struct sat_bundle *bundle, struct sat_fault *why)
{
    struct sat_host *host = step->host;
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_row row;
    struct receipt receipt;
    bool found;
    enum sat_err err = sat_store_bundle_overlapping(host->store, m->device, m->first, m->count, &row, &found);
    if (err) return err;
    if (found && sat_hash_equal(&row.id, &bundle->id)) /* somebody was first */
        return host_return_more(step, peer, space, sub, &row, bundle);
    err = find_receipt(step, peer, space, m->device, &bundle->id, &receipt, why);
    if (!err) err = host_accept_again(step, space, bundle, receipt.proved, receipt.ms, receipt.dir, why);
    uint64_t waiting = 0, bytes;
    if (!err) err = sat_store_aside_sum(host->store, m->device, &waiting, &bytes);
    return err || !waiting ? err : host_decide_again(step); /* it may stand on this one */
}

/* Its author may be gone, and is not asked for the right to say so again. Who needs it are those behind it in its
 * chain.
 */
static enum sat_err take_void(struct host_step *step, const struct host_peer *peer, struct host_space *space,
                              const struct sat_signed_void *empty, struct sat_fault *why)
{
    struct sat_hash id = sat_void_id(&empty->statement);
    struct sat_bundle_row row;
    struct receipt receipt;
    bool found;
    struct sat_dot dot = {empty->statement.device, empty->statement.first};
    enum sat_err err = sat_store_bundle_of_dot(step->host->store, dot, &row, &found);
    if (err || (found && sat_hash_equal(&row.id, &id))) return err; /* somebody was first */
    err = find_receipt(step, peer, space, dot.device, &id, &receipt, why);
    if (!err) err = host_accept_void(step, space, empty, receipt.proved, why);
    if (!err) err = sat_store_receipt_done(step->host->store, space->row.sid, &id);
    if (!err) step->host->counts.returned++;
    return err;
}

enum sat_err host_return(struct host_step *step, struct host_peer *peer, struct host_space *space,
                         const struct sat_message_RETURN *message)
{
    struct sat_bundle bundle;
    struct sat_signed_void empty;
    struct sat_dot first;
    struct sat_fault why = {0};
    struct sat_span bytes = message->bundle;
    enum sat_err err;
    if (bytes.len && bytes.at[0] == SAT_VOID_FORM) {
        bytes = sat_span(bytes.at + 1, bytes.len - 1);
        err = sat_void_decode(bytes, &space->row.id, &empty.statement, &empty.signature);
        if (err) return err;
        first = (struct sat_dot){empty.statement.device, empty.statement.first};
        err = take_void(step, peer, space, &empty, &why);
    } else {
        err = sat_bundle_decode(bytes, &step->host->directory.org, &space->row.id, step->arena, &bundle);
        if (err) return err;
        if (bundle.form != SAT_BUNDLE_FULL) return SAT_ERR_MALFORMED;
        first = (struct sat_dot){bundle.manifest.device, bundle.manifest.first};
        err = take(step, peer, space, message->sub, &bundle, &why);
    }
    if (!err || sat_err_is_local(err)) return err;
    step->host->counts.refused++;
    refuse(step, peer, message->sub, first, err, &why);
    return SAT_OK;
}
