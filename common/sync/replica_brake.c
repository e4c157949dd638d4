/* The brake on what comes in: a mass change is found while it is still below what goes through unasked, and then
 * nothing of it is taken over. It is no fault of the server's: other spaces go on, and the next session asks anew. */
#include <string.h>

#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"

enum { WINDOW_MS = 3600 * 1000, ENTRIES_AT_ONCE = 256 };

struct asking {
    struct replica_step *step;
    struct replica_sub *sub;
};

void replica_brake_free(struct sat_replica *replica)
{
    for (uint32_t i = 0; i < replica->subs_n; i++) sat_brake_clear(&replica->subs[i].window.brake);
}

/* ---- What came ---- */

static enum sat_err touch_bundle(struct replica_step *step, struct replica_sub *sub, int64_t bid)
{
    const struct sat_replica *replica = step->replica;
    struct sat_bundle_row bundle;
    struct sat_change_row *rows;
    uint32_t n = 0;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_bundle_get(replica->config.store, bid, &bundle);
    if (!err && bundle.device != replica->config.device)
        err = sat_store_changes_of_bundle(replica->config.store, bid, &arena, &rows, &n);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].header.len) sat_brake_touch(&sub->window.brake, &rows[i].record);
    sat_arena_deinit(&arena);
    return err;
}

/* What an earlier session left behind that broke off before a head came. */
static enum sat_err touch_unproved(struct replica_step *step, struct replica_sub *sub)
{
    uint64_t seq = sub->row.head_size + 1;
    enum sat_err err = SAT_OK;
    while (!err && seq <= sub->row.log.size) {
        struct sat_entry_row *rows;
        uint32_t n;
        err =
            sat_store_entries(step->replica->config.store, sub->row.sid, seq, ENTRIES_AT_ONCE, step->arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++)
            if (rows[i].bid) err = touch_bundle(step, sub, rows[i].bid);
        seq = n ? rows[n - 1].entry.seq + 1 : sub->row.log.size + 1; /* runs touch nothing */
    }
    sub->window.changed = sub->window.brake.todo > 0;
    return err;
}

/* Not of a space that is read for the first time: all of it is new here. */
static void begin_window(struct replica_step *step, struct replica_sub *sub)
{
    const struct sat_replica *replica = step->replica;
    sat_brake_clear(&sub->window.brake);
    sub->window = (struct replica_window){
        .open = replica->config.hooks.harm && replica->config.mode == SAT_REPLICA_DEVICE && sub->row.synced_ms &&
                sub->row.head_size,
        .since = sub->row.head_size,
        .since_ms = step->now_ms,
        .synced_ms = sub->row.synced_ms,
        .head_len = sub->row.head_len,
    };
    memcpy(sub->window.head, sub->row.head, sizeof sub->window.head);
}

enum sat_err replica_brake_open(struct replica_step *step, struct replica_sub *sub)
{
    begin_window(step, sub);
    return sub->window.open ? touch_unproved(step, sub) : SAT_OK;
}

void replica_brake_note(struct replica_sub *sub, const struct sat_bundle *bundle, const bool *met)
{
    if (!sub->window.open) return;
    sub->window.changed = true;
    sub->window.received += bundle->manifest.count;
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        if (bundle->changes[i].stub) continue;
        if (met[i])
            sat_brake_touch(&sub->window.brake, &bundle->changes[i].record);
        else
            sub->window.brake.fresh++;
    }
}

/* ---- Too much? ---- */

static enum sat_err ask(void *context, const struct sat_record_id *record, struct sat_harm *out)
{
    const struct asking *asking = context;
    const struct sat_replica_hooks *hooks = &asking->step->replica->config.hooks;
    const struct replica_sub *sub = asking->sub;
    return hooks->harm(hooks->context, sub->row.sid, &sub->row.id, record, sub->window.since, out);
}

/* As it was when the window began. */
static enum sat_err count(void *context, uint64_t *of)
{
    const struct asking *asking = context;
    const struct sat_brake *brake = &asking->sub->window.brake;
    uint64_t records, archived;
    enum sat_err err =
        sat_store_space_records(asking->step->replica->config.store, asking->sub->row.sid, &records, &archived);
    if (err) return err;
    uint64_t gone = archived > brake->archived ? archived - brake->archived : 0;
    *of = records > gone + brake->fresh ? records - gone - brake->fresh : 0;
    return SAT_OK;
}

static enum sat_err look(struct replica_step *step, struct replica_sub *sub, bool *too_much, uint64_t *of)
{
    struct asking asking = {step, sub};
    struct sat_brake_question question = {step->replica->config.directory, ask, count, &asking};
    return sat_brake_look(&sub->window.brake, &question, too_much, of);
}

static void tell(struct replica_step *step, struct replica_sub *sub, uint64_t of, enum sat_err err)
{
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_BRAKE);
    struct sat_brake_report *report = sat_arena_alloc(step->out->arena, sizeof *report);
    sat_brake_report(&sub->window.brake, of, report);
    struct sat_brake_author *authors = sat_arena_array(step->out->arena, report->authors_n, sizeof *authors);
    for (uint32_t i = 0; i < report->authors_n; i++) authors[i] = report->authors[i];
    report->authors = authors;
    notice->sid = sub->row.sid;
    notice->space = sub->row.id;
    notice->err = err;
    notice->brake = report;
}

static enum sat_err hold(struct replica_step *step, struct replica_sub *sub, uint64_t of)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = replica_begin(step);
    if (err) return err;
    tell(step, sub, of, SAT_ERR_MASS_CHANGE);
    sub->held = true;
    sub->head_here = sub->digest_agrees = false;
    sub->in_flight = 0;
    sub->dirty = false;
    replica->counts.received -= sub->window.received;
    sub->row.head_size = sub->window.since;
    sub->row.synced_ms = sub->window.synced_ms;
    sub->row.head_len = sub->window.head_len; /* it proves what stays; a newer one would prove nothing that is here */
    memcpy(sub->row.head, sub->window.head, sizeof sub->row.head);
    return sat_base_rewind(replica->config.store, &sub->row, replica->config.device);
}

static enum sat_err watch(struct replica_step *step, struct replica_sub *sub, bool proved)
{
    bool too_much = false, allowed = step->replica->config.allow_mass_change;
    uint64_t of;
    if (!sub->window.changed || (allowed && !proved)) return SAT_OK; /* what is let through is told in one piece */
    sub->window.changed = false;
    enum sat_err err = look(step, sub, &too_much, &of);
    if (err || !too_much) return err;
    if (!allowed) return hold(step, sub, of);
    tell(step, sub, of, SAT_OK);
    return SAT_OK;
}

/* A session that goes on for long is watched an hour at a time. */
static bool is_old(const struct replica_step *step, const struct replica_sub *sub)
{
    return step->now_ms < sub->window.since_ms || step->now_ms - sub->window.since_ms >= WINDOW_MS;
}

enum sat_err replica_brake(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        bool proved = sub->head_here && sub->digest_agrees;
        if (replica_is_deaf(sub)) continue;
        if (sub->window.open) err = watch(step, sub, proved);
        if (err || sub->held || !proved) continue;
        if (!sub->window.open || replica->config.allow_mass_change || is_old(step, sub)) begin_window(step, sub);
    }
    return err;
}
