/* What this server lost comes back. A receipt counts when a head that this server signed proves the log that has it;
 * then whoever has the bundle may bring it, as its author signed it, and it is judged at the place where it stood. */
#include "common/sync/host_state.h"
#include "common/sync/subscription.h"

static enum sat_err read_entries(const struct sat_message_RECEIPTS *message, struct sat_frontier *log,
                                 struct sat_entry *entries)
{
    for (uint32_t i = 0; i < message->entries.n; i++) {
        enum sat_err err = sat_lost_decode(message->entries.at[i], &entries[i]);
        if (err) return err;
        if (log->size >= SAT_COUNTER_MAX) return SAT_ERR_MALFORMED;
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
        if (entries[i].kind == SAT_ENTRY_BUNDLE || entries[i].kind == SAT_ENTRY_RETURNED)
            err = sat_store_receipt_put(store, space->row.sid, &entries[i].id, sat_entry_receipt_ms(&entries[i]),
                                        sat_entry_receipt_dir(&entries[i]));
    return err;
}

static void refuse(struct host_step *step, const struct host_peer *peer, uint64_t sub,
                   const struct sat_manifest *manifest, enum sat_err err, const struct sat_fault *why)
{
    struct sat_message message = {.type = SAT_MESSAGE_UNRETURNED};
    message.as.UNRETURNED = (struct sat_message_UNRETURNED){
        .sub = sub,
        .device = manifest->device,
        .first = manifest->first,
        .error = err,
        .text = sat_span_text(why->err == err ? why->text : sat_err_text(err)),
    };
    host_send(step, peer->id, &message);
}

static enum sat_err take(struct host_step *step, struct host_space *space, struct sat_bundle *bundle,
                         struct sat_fault *why)
{
    struct sat_host *host = step->host;
    const struct sat_manifest *m = &bundle->manifest;
    struct sat_bundle_row row;
    uint64_t ms, dir;
    bool found;
    enum sat_err err = sat_store_bundle_overlapping(host->store, m->device, m->first, m->count, &row, &found);
    if (err || (found && sat_hash_equal(&row.id, &bundle->id))) return err; /* somebody was first */
    err = sat_store_receipt_get(host->store, space->row.sid, &bundle->id, &ms, &dir, &found);
    if (err) return err;
    if (!found) return sat_fail(why, SAT_ERR_DENIED, "nothing proves that this server had that work before");
    if (dir > host->directory.seq)
        return sat_fail(why, SAT_ERR_STALE, "it was accepted under directory links that are not here yet");
    return host_accept_again(step, space, bundle, ms, dir, why);
}

enum sat_err host_return(struct host_step *step, struct host_peer *peer, struct host_space *space,
                         const struct sat_message_RETURN *message)
{
    struct sat_bundle bundle;
    struct sat_fault why = {0};
    enum sat_err err =
        sat_bundle_decode(message->bundle, &step->host->directory.org, &space->row.id, step->arena, &bundle);
    if (err) return err;
    if (bundle.form != SAT_BUNDLE_FULL) return SAT_ERR_MALFORMED;
    err = take(step, space, &bundle, &why);
    if (!err || sat_err_is_local(err)) return err;
    step->host->counts.refused++;
    refuse(step, peer, message->sub, &bundle.manifest, err, &why);
    return SAT_OK;
}
