/* A collection comes in the log: it is not believed. Whoever had all that it forgets when everybody acknowledged looks
 * whether it may be forgotten; who came later has stubs of it, and takes the word of the others, whose root it has. */
#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "common/sync/remerge.h"
#include "common/sync/replica_state.h"

/* Where the last session ended in agreement with the server, this one begins so. */
enum sat_err replica_collect_open(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_cursor_row row;
    bool found;
    const struct sat_replica_config *config = &step->replica->config;
    enum sat_err err = sat_store_cursor_get(config->store, sub->row.sid, config->device, &row, &found);
    if (err || !found) return err;
    struct sat_hash digest = sat_digest_of(&sub->row);
    sub->exact = sat_log_epoch_equal(&row.cursor.log_epoch, &sub->row.log_epoch) &&
                 row.cursor.size == sub->row.log.size && sat_hash_equal(&row.cursor.digest, &digest);
    return SAT_OK;
}

struct collecting {
    struct replica_step *step;
    struct replica_sub *sub;
    const struct sat_entry_wire *entry;
    struct sat_collection what;
    struct sat_log_epoch life; /* that it was made in */
    uint64_t signed_size;      /* what this device has signed in that life: of so many entries the digest agreed, … */
    uint64_t signed_ack;       /* … and so many it has acknowledged */
    bool knows_word;           /* that is known: nothing of a life that has been followed by others */
};

static enum sat_err lied(struct collecting *it, const char *how)
{
    return sat_fail(&it->step->fault, SAT_ERR_TAMPERED, "the server forgets %s", how);
}

static enum sat_err load_cursor(struct collecting *it)
{
    struct sat_cursor_row row;
    bool found;
    const struct sat_replica_config *config = &it->step->replica->config;
    enum sat_err err = sat_store_cursor_get(config->store, it->sub->row.sid, config->device, &row, &found);
    if (err || !found) return err;
    if (it->step->replica->copied) return SAT_OK; /* another home has signed more under this number */
    bool same = sat_log_epoch_equal(&row.cursor.log_epoch, &it->life);
    it->knows_word = same || sat_log_epoch_equal(&it->life, &it->sub->row.log_epoch);
    if (same) it->signed_size = row.cursor.size;
    if (same) it->signed_ack = row.cursor.ack;
    return SAT_OK;
}

/* What every reader of the log can tell. */
static enum sat_err check_floor(struct collecting *it)
{
    struct sat_hash root;
    bool found;
    struct sat_space_row *row = &it->sub->row;
    if (it->what.floor > row->log.size || it->what.floor < row->floor)
        return lied(it, "from a place that the log does not have");
    enum sat_err err = sat_store_root_at(it->step->replica->config.store, row->sid, it->what.floor, &root, &found);
    if (err || (found && sat_hash_equal(&root, &it->what.root))) return err;
    if (!found && it->what.floor < row->compacted) { /* a later one has let that place be forgotten */
        if (row->trusted < it->what.floor) row->trusted = it->what.floor;
        return SAT_OK;
    }
    return lied(it, "by another log than it has sent");
}

/* Without this device not everybody has: unless it might not read then, or had been given up. */
static enum sat_err check_own_word(struct collecting *it)
{
    const struct sat_replica_config *config = &it->step->replica->config;
    if (!it->knows_word || it->what.floor <= it->signed_ack) return SAT_OK;
    if (!sat_collect_counts(config->directory, &it->sub->row.id, config->device, it->entry->dir_at)) return SAT_OK;
    return lied(it, "what this device has not acknowledged");
}

static enum sat_err check_record(struct collecting *it, const struct sat_collected *one, struct sat_arena *arena)
{
    struct sat_store *store = it->step->replica->config.store;
    struct sat_space_row *row = &it->sub->row;
    struct sat_dot by = one->deletion;
    bool may = false, changed = false;
    enum sat_err err = sat_collectable(store, row, &one->record, it->what.floor, arena, &by, &may);
    if (err || may) return err;
    err = replica_begin(it->step); /* unless it is this store that is wrong */
    if (!err) err = sat_base_remerge(store, row, &one->record, &changed);
    if (!err && changed) err = sat_collectable(store, row, &one->record, it->what.floor, arena, &by, &may);
    return err || may ? err : lied(it, "a record that not everybody has seen deleted");
}

/* Has what was live at the floor been here, whole, before the collection could make stubs of it? Not if the collection
 * itself has been here before, and this device went back to before the floor: then it was looked at. */
static bool was_there(const struct collecting *it)
{
    bool same_life = sat_log_epoch_equal(&it->life, &it->sub->row.log_epoch);
    if (it->sub->anew.size || it->signed_size > it->sub->row.log.size) return false;
    return it->signed_size >= it->what.floor || (same_life && it->sub->agreed >= it->what.floor);
}

static enum sat_err check_records(struct collecting *it)
{
    struct sat_arena arena; /* of one record */
    enum sat_err err = SAT_OK;
    if (!was_there(it)) return SAT_OK;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < it->what.n && !err; i++) {
        err = check_record(it, &it->what.records[i], &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err take(struct collecting *it)
{
    struct sat_store *store = it->step->replica->config.store;
    struct sat_space_row *row = &it->sub->row;
    enum sat_err err = replica_begin(it->step);
    it->sub->dirty = true;
    if (!err) err = sat_base_collect(store, row, &it->what);
    if (err) return err;
    struct sat_hash digest = sat_digest_of(row);
    if (it->sub->exact && !sat_hash_equal(&digest, &it->what.digest)) return lied(it, "something else than it says");
    return sat_base_collected(store, row, &it->life, &it->what, it->entry->recv_ms, it->entry->dir_at);
}

static void tell_records(const struct collecting *it)
{
    for (uint32_t i = 0; i < it->what.n; i++) {
        struct sat_action *notice = replica_notice(it->step, SAT_NOTICE_RECORD);
        notice->sid = it->sub->row.sid;
        notice->record = it->what.records[i].record;
    }
}

enum sat_err replica_take_collection(struct replica_step *step, struct replica_sub *sub,
                                     const struct sat_entry_wire *entry)
{
    struct collecting it = {.step = step,
                            .sub = sub,
                            .entry = entry,
                            .life = sat_lives_at(&sub->lives, &sub->row.log_epoch, sub->row.log.size + 1)};
    enum sat_err err = sat_collection_decode(entry->bundle, step->arena, &it.what);
    if (err) return sat_fail(&step->fault, err, "the server sent a collection that cannot be read");
    err = load_cursor(&it);
    if (!err) err = check_floor(&it);
    if (!err) err = check_own_word(&it);
    if (!err) err = check_records(&it);
    if (!err) err = take(&it);
    if (!err) tell_records(&it);
    return err;
}
