/* A device whose place in a log everybody else has forgotten (compact.h): it was silent for so long that it was
 * expelled, or it is an older copy. Nobody can tell it what came since from there; so it lets go of what it has of that
 * log and pulls it from its beginning, once it has seen a signed head that has no less. Its own work waits again, until
 * the log shows it or what has replaced it, as a server that has lost it might say the same; what is to be given back
 * stays.
 *
 *   meta "anew/<space, 32 hex>"   u64 size ‖ root32 ‖ life16 of the log that was let go of, until it is here again */
#include <string.h>

#include "common/sync/copied.h"
#include "common/sync/merge.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"

enum { KEY_SIZE = sizeof "anew/" + 32 };

static void key_of(const struct replica_sub *sub, char out[KEY_SIZE])
{
    memcpy(out, "anew/", 5);
    sat_hex_format(sub->row.id.b, sizeof sub->row.id.b, out + 5);
}

enum sat_err replica_anew_load(struct replica_step *step, struct replica_sub *sub)
{
    char key[KEY_SIZE];
    struct sat_span bytes;
    struct sat_reader reader;
    bool found;
    key_of(sub, key);
    enum sat_err err = sat_store_meta_get(step->replica->config.store, key, step->arena, &bytes, &found);
    if (err || !found || bytes.len == 0) return err;
    sat_reader_init(&reader, bytes);
    sub->anew.size = sat_take_u64(&reader);
    sat_take_bytes(&reader, sub->anew.root.b, sizeof sub->anew.root.b);
    sat_take_bytes(&reader, sub->anew.life.b, sizeof sub->anew.life.b);
    return sat_reader_end(&reader) ? SAT_ERR_CORRUPT : SAT_OK;
}

static enum sat_err save(struct replica_step *step, const struct replica_sub *sub)
{
    char key[KEY_SIZE];
    struct sat_buf bytes;
    key_of(sub, key);
    sat_buf_init(&bytes);
    if (sub->anew.size) {
        sat_put_u64(&bytes, sub->anew.size);
        sat_put_bytes(&bytes, sub->anew.root.b, sizeof sub->anew.root.b);
        sat_put_bytes(&bytes, sub->anew.life.b, sizeof sub->anew.life.b);
    }
    enum sat_err err = sat_store_meta_put(step->replica->config.store, key, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return err;
}

enum sat_err replica_anew(struct replica_step *step, const struct sat_message_ANEW *message)
{
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a space is to start anew that was not subscribed");
    if (replica_is_deaf(sub) || replica_is_searching(sub)) return SAT_OK;
    uint64_t size = sub->anew.size > sub->row.log.size ? sub->anew.size : sub->row.log.size;
    if (sub->anew.told >= 2 || message->floor <= size)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server has this device start anew for nothing");
    /* It may be on its way already, if nobody has forgotten where it is now. */
    sub->anew.waits = sub->anew.size <= sub->row.log.size || sub->anew.told;
    sub->anew.told++;
    sub->head_here = sub->digest_agrees = false;
    replica_resubscribe(step, sub);
    return SAT_OK;
}

/* Own work in the log comes back with it, and is not a copy's, though its bytes may be forgotten here. */
static enum sat_err mark_own(struct replica_step *step, const struct replica_sub *sub)
{
    const struct sat_replica *replica = step->replica;
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err =
        sat_store_bundle_tip(replica->config.store, sub->row.sid, replica->config.device, false, &tip, &found);
    return err || !found ? err : sat_mark_past(replica->config.store, &sub->row.id, tip.first + tip.count - 1);
}

/* What no head has proved goes first, so that own work of it waits again. */
enum sat_err replica_anew_begin(struct replica_step *step, struct replica_sub *sub, const struct sat_head *head)
{
    struct sat_store *store = step->replica->config.store;
    enum sat_err err = replica_begin(step);
    bool first = sub->anew.size == 0;
    struct sat_log_epoch life = first ? sub->row.log_epoch : sub->anew.life;
    if (!err && first && sub->row.log.size > sub->row.head_size)
        err = sat_base_rewind(store, &sub->row, step->replica->config.device);
    if (err) return err;
    if (head->size < sub->row.head_size || !sat_log_epoch_equal(&head->log_epoch, &life))
        return sat_fail(&step->fault, SAT_ERR_FORK,
                        "the server has less than it has signed, and has this device start anew");
    if (first) sub->anew.size = sub->row.log.size;
    if (first) sub->anew.root = sat_frontier_root(&sub->row.log);
    sub->anew.life = life;
    sub->anew.waits = false;
    sub->row.head_size = 0;
    err = mark_own(step, sub);
    if (!err) err = save(step, sub);
    if (!err) err = sat_base_rewind(store, &sub->row, step->replica->config.device);
    struct sat_space_row row = {.sid = sub->row.sid, .id = sub->row.id};
    sat_frontier_init(&row.log);
    sub->row = row;
    sub->dirty = true;
    sub->announced = sub->agreed = 0;
    sub->exact = sub->met = false;
    sub->pushed = 0;
    if (!err) err = replica_brake_open(step, sub); /* all of it is new here */
    if (err) return err;
    return replica_tell(step, sub, SAT_NOTICE_ANEW,
                        "this device was away for so long that it starts anew: what others have deleted and forgotten "
                        "meanwhile does not come back");
}

enum sat_err replica_anew_check(struct replica_step *step, const struct replica_sub *sub)
{
    if (sub->anew.size == 0 || sub->anew.waits || sub->row.log.size != sub->anew.size) return SAT_OK;
    struct sat_hash root = sat_frontier_root(&sub->row.log);
    if (sat_hash_equal(&root, &sub->anew.root)) return SAT_OK;
    return sat_fail(&step->fault, SAT_ERR_FORK, "the server has this device start anew on another log");
}

/* By what is live now, or by a deletion that everybody has seen. */
static enum sat_err is_replaced(struct sat_store *store, const struct sat_change_row *change, int64_t sid,
                                struct sat_arena *arena, bool *replaced)
{
    struct sat_collected_row collected;
    struct sat_change_row *live;
    uint32_t n = 0;
    enum sat_err err = sat_store_collected_get(store, sid, &change->record, &collected, replaced);
    if (!err && !*replaced) err = sat_store_changes_live(store, sid, &change->record, arena, &live, &n);
    for (uint32_t i = 0; i < n && !err && !*replaced; i++) {
        struct sat_header header;
        if (sat_header_decode(live[i].header, arena, &header)) return SAT_ERR_CORRUPT;
        struct sat_version version = {live[i].dot, header.seen, header.kept, header.holes};
        *replaced = sat_merge_covers(&version, &change->dot);
    }
    return err;
}

enum sat_err replica_logged(const struct sat_replica *replica, const struct replica_sub *sub, uint64_t *counter)
{
    struct sat_bundle_row tip;
    bool found = false;
    *counter = 0;
    if (sub->row.compacted == 0) return SAT_OK;
    enum sat_err err =
        sat_store_bundle_tip(replica->config.store, sub->row.sid, replica->config.device, false, &tip, &found);
    if (found) *counter = tip.first - 1;
    return err;
}

/* Who starts anew knows it of what it had there, too. */
static enum sat_err find_logged(struct replica_step *step, const struct replica_sub *sub, uint64_t *counter)
{
    uint64_t let_go = 0;
    enum sat_err err = replica_logged(step->replica, sub, counter);
    bool anew = sub->anew.size > 0 && !sub->anew.waits;
    if (!err && anew) err = sat_let_go_of(step->replica->config.store, &sub->row.id, &let_go);
    if (let_go > *counter) *counter = let_go;
    return err;
}

enum sat_err replica_settle_compacted(struct replica_step *step, const struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    uint64_t logged = 0, after = 0;
    enum sat_err err = SAT_OK;
    for (bool more = sub->row.compacted > 0; !err && more;) {
        struct sat_bundle_row *rows;
        struct sat_change_row *changes;
        uint32_t n, changes_n = 0;
        bool replaced = true;
        err = sat_store_bundles_pending(store, sub->row.sid, after, 1, step->arena, &rows, &n);
        if (!err && n && !logged) err = find_logged(step, sub, &logged);
        more = !err && n && rows[0].first + rows[0].count - 1 <= logged;
        if (!more) break;
        after = rows[0].first + rows[0].count;
        err = sat_store_changes_of_bundle(store, rows[0].bid, step->arena, &changes, &changes_n);
        for (uint32_t i = 0; i < changes_n && !err && replaced; i++)
            err = is_replaced(store, &changes[i], sub->row.sid, step->arena, &replaced);
        if (!err && replaced) err = replica_begin(step);
        if (!err && replaced) err = sat_store_bundle_delete(store, rows[0].bid);
    }
    return err;
}

static enum sat_err done(struct replica_step *step, struct replica_sub *sub)
{
    sub->anew.size = 0;
    enum sat_err err = replica_begin(step);
    return err ? err : save(step, sub);
}

enum sat_err replica_anew_end(struct replica_step *step, struct replica_sub *sub)
{
    if (sub->anew.size == 0 || sub->anew.waits) return SAT_OK;
    if (sub->row.log.size < sub->anew.size || (sub->anew.told && sub->row.floor <= sub->anew.size))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server had this device start anew for nothing");
    return done(step, sub);
}

/* The place that this device had was in a life that is over: nobody asks for it any more. */
enum sat_err replica_anew_meet(struct replica_step *step, struct replica_sub *sub, const struct sat_log_epoch *epoch)
{
    if (sub->anew.size == 0 || sub->anew.waits || sat_log_epoch_equal(epoch, &sub->anew.life)) return SAT_OK;
    enum sat_err err = done(step, sub);
    if (!err) replica_resubscribe(step, sub);
    return err;
}
