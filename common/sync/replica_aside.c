/* What came in the log and does not count here: kept verbatim with its reason, and out of the way of the rest. What
 * needs a later version is looked at again by each session, so that it enters the base once it is understood; and is
 * given back like the rest to a server that was set back, which takes it and what its author wrote behind it. Other
 * reasons speak against it: an honest server would not take it. */
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/judge.h"
#include "common/sync/replica_state.h"

enum { ASIDES_AT_ONCE = 16, ASIDES_BYTES = 4 * 1024 * 1024, ASIDES_LISTED = 256 };

enum sat_err replica_is_aside(struct replica_step *step, const struct sat_bundle *bundle, enum sat_err why, bool *aside)
{
    struct sat_aside_row row;
    *aside = why == SAT_ERR_UPGRADE_NEEDED;
    if (*aside) return SAT_OK;
    enum sat_err err = sat_store_aside_find(step->replica->config.store, &bundle->id, step->arena, &row, aside);
    *aside = *aside && row.state != SAT_ASIDE_KEPT;
    return err;
}

enum sat_err replica_put_aside(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle *bundle,
                               const struct sat_entry_wire *entry, enum sat_err why)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(bundle, SAT_BUNDLE_FULL, &bytes);
    struct sat_aside_row row = {
        .space = sub->row.id,
        .device = bundle->manifest.device,
        .first = bundle->manifest.first,
        .count = bundle->manifest.count,
        .id = bundle->id,
        .bytes = sat_buf_span(&bytes),
        .recv_ms = entry->recv_ms,
        .reason = (uint32_t)why,
    };
    enum sat_err err = replica_begin(step);
    sub->dirty = true;
    sub->exact = false;
    if (!err) err = sat_store_aside_put(store, &row);
    /* It may be here as evidence of a lie about it, or from before the log was rewound. */
    if (!err && why == SAT_ERR_UPGRADE_NEEDED) err = sat_store_aside_reopen(store, row.number, row.reason);
    struct sat_entry passed = {.kind = entry->kind,
                               .id = bundle->id,
                               .recv_ms = entry->recv_ms,
                               .dir_at = entry->dir_at,
                               .receipt_ms = entry->receipt_ms,
                               .receipt_dir = entry->receipt_dir};
    if (!err) err = sat_base_append(store, &sub->row, &passed, 0);
    sat_buf_deinit(&bytes);
    return err;
}

/* It is judged as of its place in the log. What it says of records is merged as if it had come now: the merge does not
 * depend on the order. */
static enum sat_err take_up(struct replica_step *step, struct replica_sub *sub, const struct sat_aside_row *row,
                            const struct sat_entry_row *entry)
{
    struct sat_replica *replica = step->replica;
    struct sat_bundle bundle;
    struct sat_fault fault;
    bool returned = entry->entry.kind == SAT_ENTRY_RETURNED;
    uint64_t trusted = 0; /* what came before it may have been compacted: up to the floor, as the log has shown it */
    enum sat_err err =
        sat_bundle_decode(row->bytes, &replica->config.directory->org, &sub->row.id, step->arena, &bundle);
    if (err) return SAT_OK;
    struct sat_judge court = {.store = replica->config.store,
                              .directory = replica->config.directory,
                              .space = &sub->row,
                              .seq = entry->entry.seq,
                              .dir_at = returned ? entry->entry.receipt_dir : entry->entry.dir_at,
                              .stubs_allowed = true,
                              .came_back = returned,
                              .trusted = &trusted,
                              .lives = &sub->lives};
    struct sat_header *headers = sat_arena_array(step->arena, bundle.manifest.count, sizeof *headers);
    err = sat_judge_bundle(&court, &bundle, step->arena, headers, &fault);
    if (!err && trusted > sub->row.floor) return SAT_OK;
    if (err) return sat_err_is_local(err) ? err : SAT_OK; /* it stays where it is, for that reason or another */
    struct sat_accept accept = {.store = replica->config.store,
                                .space = &sub->row,
                                .bundle = &bundle,
                                .headers = headers,
                                .recv_ms = entry->entry.recv_ms,
                                .dir_at = entry->entry.dir_at,
                                .returned = returned,
                                .receipt_ms = entry->entry.receipt_ms,
                                .receipt_dir = entry->entry.receipt_dir,
                                .seq = entry->entry.seq};
    err = replica_begin(step);
    sub->dirty = true;
    if (!err) err = sat_base_accept(&accept);
    if (!err) err = sat_store_aside_set_state(replica->config.store, row->number, SAT_ASIDE_ACCEPTED);
    for (uint32_t i = 0; !err && i < bundle.manifest.count; i++) {
        struct sat_action *notice = replica_notice(step, SAT_NOTICE_RECORD);
        notice->sid = sub->row.sid;
        notice->record = bundle.changes[i].record;
    }
    replica->counts.received += bundle.manifest.count;
    return err;
}

static bool waits(const struct sat_aside_row *row, const struct replica_sub *sub)
{
    return row->reason == SAT_ERR_UPGRADE_NEEDED && row->state == SAT_ASIDE_OPEN &&
           sat_space_equal(&row->space, &sub->row.id);
}

/* ---- What it replaces ---- */

/* How many stubs are of the records that the bundle changes, beside those of records that were counted: a bundle names
 * many that have none, and these are not remembered. */
static enum sat_err count_stubs(struct sat_store *store, const struct replica_sub *sub, const struct sat_bundle *bundle,
                                struct sat_arena *arena, struct sat_buf *counted, uint64_t *n)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < bundle->manifest.count && !err; i++) {
        const struct sat_record_id *record = &bundle->changes[i].record;
        struct sat_dot *dots;
        uint32_t dots_n = 0;
        bool known = false;
        err = sat_store_stubs_of_record(store, sub->row.sid, record, arena, &dots, &dots_n);
        for (size_t at = 0; at < counted->len && dots_n && !known; at += sizeof record->b)
            known = memcmp(counted->at + at, record->b, sizeof record->b) == 0;
        if (dots_n == 0 || known) continue;
        sat_put_bytes(counted, record->b, sizeof record->b);
        *n += dots_n;
    }
    return err;
}

static enum sat_err count_stubs_aside(struct replica_step *step, const struct replica_sub *sub,
                                      const struct sat_aside_row *listed, struct sat_arena *arena,
                                      struct sat_buf *counted, uint64_t *n)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_aside_row row;
    struct sat_entry_row entry;
    struct sat_bundle bundle;
    bool found;
    if (listed->state != SAT_ASIDE_OPEN || !sat_space_equal(&listed->space, &sub->row.id)) return SAT_OK;
    enum sat_err err = sat_store_entry_find(store, sub->row.sid, &listed->id, &entry, &found);
    if (!err && found) err = sat_store_aside_find(store, &listed->id, arena, &row, &found);
    if (err || !found) return err;
    if (sat_bundle_decode(row.bytes, &step->replica->config.directory->org, &sub->row.id, arena, &bundle))
        return SAT_OK;
    return count_stubs(store, sub, &bundle, arena, counted, n);
}

enum sat_err replica_stubs_aside(struct replica_step *step, const struct replica_sub *sub, uint64_t *n)
{
    struct sat_aside_row *rows;
    struct sat_arena page, one; /* of rows without their bytes; of a bundle */
    struct sat_buf counted;
    uint32_t rows_n = ASIDES_LISTED;
    int64_t after = 0;
    enum sat_err err = SAT_OK;
    *n = 0;
    sat_buf_init(&counted);
    sat_arena_init(&page);
    sat_arena_init(&one);
    while (rows_n == ASIDES_LISTED && !err) {
        sat_arena_reset(&page);
        err = sat_store_aside_list(step->replica->config.store, after, ASIDES_LISTED, &page, &rows, &rows_n);
        for (uint32_t i = 0; i < rows_n && !err; i++) {
            after = rows[i].number;
            sat_arena_reset(&one);
            err = count_stubs_aside(step, sub, &rows[i], &one, &counted, n);
        }
    }
    sat_arena_deinit(&one);
    sat_arena_deinit(&page);
    sat_buf_deinit(&counted);
    return err;
}

/* ---- Giving back ---- */

/* Not what is in the log, again or as ever, nor what waits already. */
static enum sat_err is_lost(struct replica_step *step, const struct replica_sub *sub, const struct sat_aside_row *row,
                            bool *lost)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_entry_row entry;
    struct sat_bundle_row bundle;
    bool found = false;
    enum sat_err err = sat_store_lost_has(store, sub->row.sid, &row->id, lost);
    if (!err && *lost) err = sat_store_entry_find(store, sub->row.sid, &row->id, &entry, &found);
    if (!err && *lost && !found)
        err = sat_store_bundle_overlapping(store, row->device, row->first, row->count, &bundle, &found);
    *lost = *lost && !found;
    return err;
}

static enum sat_err queue(struct replica_step *step, const struct replica_sub *sub, const struct sat_aside_row *row)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_aside_row aside;
    struct sat_bundle bundle;
    bool found;
    enum sat_err err = sat_store_aside_find(store, &row->id, step->arena, &aside, &found);
    if (err || !found) return err;
    if (sat_bundle_decode(aside.bytes, &step->replica->config.directory->org, &sub->row.id, step->arena, &bundle))
        return SAT_OK;
    struct sat_bundle_row waiting = {.sid = sub->row.sid,
                                     .device = row->device,
                                     .first = row->first,
                                     .count = row->count,
                                     .id = row->id,
                                     .signature = bundle.signature};
    sat_manifest_encode(&bundle.manifest, waiting.manifest);
    err = replica_begin(step);
    if (!err) err = sat_store_bundle_insert(store, &waiting);
    return err ? err : sat_store_bundle_set_return(store, waiting.bid);
}

enum sat_err replica_return_asides(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_aside_row *rows;
    uint64_t open = 0;
    int64_t after = 0;
    enum sat_err err = sub->lives.n ? sat_store_aside_count(store, &open) : SAT_OK;
    for (uint32_t n = open ? ASIDES_LISTED : 0; n == ASIDES_LISTED && !err;) {
        err = sat_store_aside_list(store, after, ASIDES_LISTED, step->arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            bool lost = false;
            after = rows[i].number;
            if (waits(&rows[i], sub)) err = is_lost(step, sub, &rows[i], &lost);
            if (!err && lost) err = queue(step, sub, &rows[i]);
        }
    }
    return err;
}

/* ---- Taking up ---- */

static enum sat_err is_taken_up(struct replica_step *step, const struct sat_aside_row *row)
{
    enum sat_err err = replica_begin(step);
    return err ? err : sat_store_aside_set_state(step->replica->config.store, row->number, SAT_ASIDE_ACCEPTED);
}

enum sat_err replica_take_up(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_aside_row *rows;
    uint64_t open = 0;
    int64_t after = 0;
    enum sat_err err = sat_store_aside_count(store, &open);
    for (uint32_t n = open != 0; n && !err;) {
        err = sat_store_asides(store, after, ASIDES_AT_ONCE, ASIDES_BYTES, step->arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            struct sat_entry_row entry;
            bool found = false;
            after = rows[i].number;
            if (!waits(&rows[i], sub)) continue;
            err = sat_store_entry_find(store, sub->row.sid, &rows[i].id, &entry, &found);
            if (!err && found) /* it came again to a version that reads it, or is as it was */
                err = entry.bid ? is_taken_up(step, &rows[i]) : take_up(step, sub, &rows[i], &entry);
        }
    }
    return err;
}
