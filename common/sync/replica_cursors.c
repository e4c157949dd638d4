/* Where a space ended at a verified head, and both sides hold the same, the device signs that: how far it is, and up to
 * where what others delete may be forgotten for its sake (MERGE 16). And the server may show what was signed before: a
 * home that is behind that is an older copy (MERGE 17). */
#include <string.h>

#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "common/sync/replica_state.h"
#include "common/sync/subscription.h"

/* A live session says it again, but not for every change that arrives. */
enum { CURSOR_AGAIN_MS = 10 * 60 * 1000, LINKS_LOOKED_AT = 256, ASIDES_AT_ONCE = 256 };

/* Work that no log has yet was written at some cursor at or behind the last one that was signed while there was none:
 * until it is accepted, the word given then is the last one. (The witness of a frozen bundle is no measure: what it
 * has seen is from when its changes were written.) */
static enum sat_err has_unaccepted(struct replica_step *step, const struct replica_sub *sub, bool *has)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row *rows;
    uint32_t n;
    *has = true;
    enum sat_err err = sat_store_bundles_pending(store, sub->row.sid, 0, 1, step->arena, &rows, &n);
    return err || n ? err : sat_store_has_drafts(store, sub->row.sid, has);
}

/* What is put aside was not read: nothing from there on counts as seen. *ack becomes less for it. */
static enum sat_err hold_before_asides(struct replica_step *step, const struct replica_sub *sub, uint64_t *ack)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_aside_row *rows;
    uint64_t open = 0;
    int64_t after = 0;
    enum sat_err err = sat_store_aside_count(store, &open);
    for (uint32_t n = open ? ASIDES_AT_ONCE : 0; n == ASIDES_AT_ONCE && !err;) {
        err = sat_store_aside_list(store, after, ASIDES_AT_ONCE, step->arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            struct sat_entry_row entry;
            bool in_log = false;
            after = rows[i].number;
            bool own = rows[i].recv_ms == 0; /* refused: it is not in the log */
            if (own || rows[i].state != SAT_ASIDE_OPEN || !sat_space_equal(&rows[i].space, &sub->row.id)) continue;
            err = sat_store_entry_find(store, sub->row.sid, &rows[i].id, &entry, &in_log);
            if (!err && in_log && entry.bid == 0 && entry.entry.seq <= *ack) *ack = entry.entry.seq - 1;
        }
    }
    return err;
}

/* Has what was signed counted ever since? Who could not read in between, or was given up, has to say it again. */
static bool has_counted(const struct sat_replica *replica, const struct replica_sub *sub, uint64_t signed_dir)
{
    const struct sat_directory *directory = replica->config.directory;
    return directory->seq - signed_dir <= LINKS_LOOKED_AT &&
           sat_collect_counted(directory, &sub->row.id, replica->config.device, signed_dir + 1);
}

static enum sat_err sign_cursor(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    struct sat_cursor_row last, row = {.sid = sub->row.sid};
    bool found, waits;
    enum sat_err err = sat_store_cursor_get(replica->config.store, sub->row.sid, replica->config.device, &last, &found);
    if (!err) err = has_unaccepted(step, sub, &waits);
    if (err) return err;
    bool same_life = found && sat_log_epoch_equal(&last.cursor.log_epoch, &sub->row.log_epoch);
    row.cursor = (struct sat_cursor){
        .device = replica->config.device,
        .space = sub->row.id,
        .log_epoch = sub->row.log_epoch,
        .size = sub->row.log.size,
        .root = sat_frontier_root(&sub->row.log),
        .digest = sat_digest_of(&sub->row),
        .ack = !waits      ? sub->row.log.size
               : same_life ? last.cursor.ack
                           : 0,
        .dir_seq = directory->seq,
        .dir_hash = sat_directory_hash_at(directory, directory->seq),
    };
    err = hold_before_asides(step, sub, &row.cursor.ack);
    if (err) return err;
    if (same_life && last.cursor.size == row.cursor.size && last.cursor.ack == row.cursor.ack &&
        has_counted(replica, sub, last.cursor.dir_seq))
        return SAT_OK;
    row.signature = sat_cursor_sign(&row.cursor, &directory->org, replica->config.key);
    err = replica_begin(step);
    if (!err) err = sat_store_cursor_put(replica->config.store, &row);
    if (err) return err;
    struct sat_message message = {.type = SAT_MESSAGE_CURSOR};
    message.as.CURSOR = (struct sat_message_CURSOR){
        .sub = sub->sub, .size = row.cursor.size, .ack = row.cursor.ack, .dir_seq = row.cursor.dir_seq};
    memcpy(message.as.CURSOR.digest, row.cursor.digest.b, sizeof row.cursor.digest.b);
    memcpy(message.as.CURSOR.signature, row.signature.b, sizeof row.signature.b);
    replica_send(step, &message);
    return SAT_OK;
}

enum sat_err replica_cursors(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        bool verified = sub->head_here && sub->digest_agrees && sub->row.head_size == sub->row.log.size;
        if (!verified || sub->gone || sub->row.log.size == 0) continue;
        if (sub->signed_ms && step->now_ms - sub->signed_ms < CURSOR_AGAIN_MS) continue;
        sub->signed_ms =
            step->now_ms ? step->now_ms : 1; /* also if it is as before: what comes then is a live session's */
        err = sign_cursor(step, sub);
    }
    return err;
}
