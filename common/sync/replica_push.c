/* The client pushes: frozen bundles in their order, a few at a time, sent again until the log echoes them. */
#include "common/sync/base.h"
#include "common/sync/copied.h"
#include "common/sync/replica_state.h"
#include "common/sync/rewind.h"
#include "common/sync/taken.h"
#include "common/sync/void.h"

enum { FREEZE_AHEAD = SAT_PUSH_WINDOW / 2 };

static enum sat_err next_bundle(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                                struct sat_bundle_row **out)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    uint64_t logged;
    *out = NULL;
    enum sat_err err = replica_logged(replica, sub, &logged); /* what replaced it may be put aside here */
    uint64_t from = sub->pushed > logged ? sub->pushed : logged;
    if (!err) err = sat_store_bundles_pending(replica->config.store, sub->row.sid, from + 1, 1, arena, &rows, &n);
    if (err) return err;
    sub->pushable = n;
    if (n == 0) return SAT_OK;
    if (rows[0].state == SAT_BUNDLE_REFUSED && rows[0].refused != SAT_ERR_UPGRADE_NEEDED) {
        sub->blocked = true;
        if (sub->pushed == 0) sub->mend = sat_is_refused_for_good(&rows[0]); /* of an earlier session */
    }
    if (sub->blocked) return SAT_OK;
    bool late;
    err = replica_is_late(replica, &sub->row.id, &rows[0], arena, &late);
    if (err || late) { /* it is handed in */
        sub->pushable = 0;
        return err;
    }
    *out = &rows[0];
    return SAT_OK;
}

enum sat_err replica_own_bundle(const struct sat_replica *replica, const struct sat_bundle_row *row,
                                struct sat_arena *arena, struct sat_bundle *out)
{
    const struct sat_bundle *fresh = sat_fresh_find(&replica->fresh, &row->id);
    if (!fresh) return sat_base_bundle(replica->config.store, row, false, arena, out);
    *out = *fresh;
    return SAT_OK;
}

static enum sat_err encode_push(struct sat_replica *replica, const struct replica_sub *sub,
                                const struct sat_bundle_row *row, struct sat_arena *arena, struct sat_buf *out)
{
    struct sat_bundle bundle;
    enum sat_err err = SAT_OK;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    if (row->state == SAT_BUNDLE_VOID) {
        replica_encode_void(row, &bytes);
    } else {
        err = replica_own_bundle(replica, row, arena, &bundle);
        if (!err) sat_bundle_encode(&bundle, sub->push_full ? SAT_BUNDLE_FULL : SAT_BUNDLE_SHORT, &bytes);
    }
    if (err) {
        sat_buf_deinit(&bytes);
        return err;
    }
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH = (struct sat_message_PUSH){.sub = sub->sub, .bundle = sat_buf_span(&bytes)};
    sat_message_encode(&message, out);
    sat_buf_deinit(&bytes);
    return SAT_OK;
}

enum sat_err replica_push(struct sat_replica *replica, struct sat_arena *arena, struct sat_buf *out, bool *more)
{
    *more = false;
    enum sat_err err = replica_hand_in(replica, arena, out, more);
    if (err || *more || replica_is_out(replica)) return err;
    for (uint32_t tried = 0; tried < replica->subs_n; tried++) {
        struct replica_sub *sub = &replica->subs[replica->next_sub++ % replica->subs_n];
        if (sub->in_flight >= SAT_PUSH_WINDOW || replica_is_deaf(sub) || replica_is_searching(sub)) continue;
        if (!sub->met) continue; /* what arrived before the connection broke is echoed first, and not sent again */
        err = replica_send_offer(replica, sub, arena, out, more);
        if (err || *more) return err;
        if (sub->returns.left && !sub->returns.held) { /* own work may stand on it */
            err = replica_return(replica, sub, arena, out, more);
            if (err || *more) return err;
            continue;
        }
        if (sub->blocked || replica->copied || replica_must_look(replica)) continue;
        struct sat_bundle_row *row;
        err = next_bundle(replica, sub, arena, &row);
        if (err) return err;
        if (!row) continue;
        *more = true;
        if (!out) return SAT_OK;
        err = encode_push(replica, sub, row, arena, out);
        sub->pushed = row->first + row->count - 1;
        sub->in_flight++;
        return err;
    }
    return SAT_OK;
}

/* ---- Freezing: a few bundles ahead of what is sent, so that the server works meanwhile ---- */

/* Can something be sent, now or as soon as the window opens, or does a head have to come before more can be frozen?
 * Then a later step does it. */
static enum sat_err is_busy(struct replica_step *step, bool *out)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = replica_push(replica, step->arena, NULL, out);
    for (uint32_t i = 0; i < replica->subs_n; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        if (!replica_is_deaf(sub) && (!sub->head_here || sub->in_flight >= SAT_PUSH_WINDOW)) *out = true;
    }
    return err;
}

static bool is_returning(const struct replica_sub *sub)
{
    return sub->heal.claimed || sub->heal.searching || (sub->returns.left && !sub->returns.held);
}

/* Was it expelled since it last said how far it is in a space whose end is not here yet? Then what others have seen
 * deleted, and forgotten, it does not know: a bundle with one change to that would be refused whole. */
static enum sat_err is_behind(struct replica_step *step, bool *behind)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    uint64_t time_ms, seq = sat_directory_expulsion(config->directory, config->device, &time_ms);
    enum sat_err err = SAT_OK;
    *behind = false;
    for (uint32_t i = 0; seq && i < replica->subs_n && !err && !*behind; i++) {
        const struct replica_sub *sub = &replica->subs[i];
        struct sat_cursor_row last;
        bool found;
        if (sub->head_here || replica_is_deaf(sub)) continue;
        err = sat_store_cursor_get(config->store, sub->row.sid, config->device, &last, &found);
        *behind = !err && (!found || last.cursor.dir_seq < seq);
    }
    return err;
}

/* Does it lack own work that it had in a space, and let go of, and that the log may bring again? What is frozen now
 * would stand behind a bundle that is not there, and be refused for ever. */
static enum sat_err lacks_own(struct replica_step *step, bool *lacks)
{
    const struct sat_replica_config *config = &step->replica->config;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < step->replica->subs_n && !err && !*lacks; i++) {
        const struct replica_sub *sub = &step->replica->subs[i];
        struct sat_bundle_row tip;
        uint64_t let_go;
        bool found = false;
        if (sub->head_here || replica_is_deaf(sub)) continue;
        err = sat_let_go_of(config->store, &sub->row.id, &let_go);
        if (err || !let_go) continue;
        err = sat_store_bundle_tip(config->store, sub->row.sid, config->device, true, &tip, &found);
        *lacks = !err && (!found || tip.first + tip.count - 1 < let_go);
    }
    return err;
}

/* What was let go of with a lie mostly comes again, being true: drafts that have seen it wait for that. And they wait
 * until the server has again what it had lost, and until it is known what was forgotten without this device. */
static enum sat_err waits_for_heads(struct replica_step *step, bool *waits)
{
    const struct sat_replica *replica = step->replica;
    struct sat_draft_row *oldest;
    uint32_t n;
    uint64_t rewound;
    *waits = false;
    if (replica_is_out(replica)) return SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!replica->subs[i].gone && is_returning(&replica->subs[i])) *waits = true;
    enum sat_err err = *waits ? SAT_OK : is_behind(step, waits);
    if (!err && !*waits) err = lacks_own(step, waits);
    if (!err) err = sat_store_meta_get_u64(replica->config.store, SAT_REWOUND_KEY, 0, &rewound);
    if (err || *waits || rewound == 0) return err;
    err = sat_store_drafts(replica->config.store, 0, 1, SIZE_MAX, step->arena, &oldest, &n);
    if (err || n == 0 || oldest[0].counter > rewound) return err;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!replica_is_deaf(&replica->subs[i]) && !replica->subs[i].head_here) *waits = true;
    return SAT_OK;
}

static enum sat_err freeze_some(struct replica_step *step, uint32_t bundles_max, bool *waits)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_hooks *hooks = &replica->config.hooks;
    enum sat_err err = SAT_OK;
    *waits = false;
    if (!replica->frozen.more) err = sat_store_draft_count(replica->config.store, &replica->frozen.left);
    if (err || replica->frozen.left == 0 || !hooks->freeze) return err;
    err = waits_for_heads(step, waits);
    if (err || *waits) return err;
    /* The hook reads the spaces from the store: give it the heads that this step verified. */
    err = replica_begin(step);
    if (!err) err = replica_save_spaces(replica);
    return err ? err : hooks->freeze(hooks->context, replica_now(step), bundles_max, &replica->frozen);
}

enum sat_err replica_freeze_all(struct replica_step *step)
{
    step->replica->leaving_at = 0;
    bool waits;
    return freeze_some(step, UINT32_MAX, &waits);
}

enum sat_err replica_freeze(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    uint64_t before = replica->frozen.left;
    bool busy = false, waits = false;
    bool more; /* what an earlier session left refused is found by looking for what to send */
    enum sat_err err = replica_push(replica, step->arena, NULL, &more);
    if (!err) err = replica_mend(step);
    if (!err && replica->frozen.more) err = is_busy(step, &busy);
    if (err || busy) return err;
    do { /* again where nothing of it can be sent: the work of other spaces is not to wait for it */
        err = freeze_some(step, FREEZE_AHEAD, &waits);
        if (!err && replica->frozen.more && !waits) err = is_busy(step, &busy);
    } while (!err && replica->frozen.more && !busy && !waits);
    if (replica->frozen.left != before) replica->leaving_at = 0;
    return err;
}

/* The bundle stays here, listed with its reason, and what is behind it in the space waits. */
static enum sat_err put_aside(struct replica_step *step, const struct sat_bundle_row *row, enum sat_err why)
{
    enum sat_err err = replica_begin(step);
    if (!err) err = sat_store_bundle_set_refused(step->replica->config.store, row->bid, why);
    step->replica->leaving_at = 0;
    if (why == SAT_ERR_ESCROWED)
        step->replica->counts.handed_in += row->count;
    else
        step->replica->counts.refused += row->count;
    return err;
}

/* The log has gone on without it, from who had forgotten it: nothing waits for it there. */
static enum sat_err drop_late_void(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle_row *row)
{
    enum sat_err err = replica_begin(step);
    sub->blocked = false;
    sub->pushed = 0;
    return err ? err : sat_store_bundle_delete(step->replica->config.store, row->bid);
}

static enum sat_err settle_refusal(struct replica_step *step, struct replica_sub *sub, uint64_t first, enum sat_err why,
                                   struct sat_span text)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    enum sat_err err =
        sat_store_bundles_pending(step->replica->config.store, sub->row.sid, first, 1, step->arena, &rows, &n);
    if (err || n == 0 || rows[0].first != first) return err; /* accepted meanwhile: the refusal was of a repetition */
    sub->blocked = true;
    if (rows[0].state == SAT_BUNDLE_VOID && why == SAT_ERR_BAD_CHAIN) return drop_late_void(step, sub, &rows[0]);
    if (rows[0].state == SAT_BUNDLE_VOID) return SAT_OK; /* it waits for another session */
    bool in_vain = false;
    if (why == SAT_ERR_STALE) err = replica_stands_on_refused(step, sub, &rows[0], &in_vain);
    if (err) return err;
    if (sat_err_class(why) != SAT_CLASS_RETRY || in_vain) {
        err = put_aside(step, &rows[0], why);
        rows[0].state = SAT_BUNDLE_REFUSED;
        rows[0].refused = (uint32_t)why;
        sub->mend = sat_is_refused_for_good(&rows[0]);
        sub->unexplained = sub->unexplained || why == SAT_ERR_COLLECTED;
    }
    bool handed_in = why == SAT_ERR_ESCROWED; /* the right was lost while it was on its way */
    struct sat_action *notice = replica_notice(step, handed_in ? SAT_NOTICE_HANDED_IN : SAT_NOTICE_REFUSED);
    notice->sid = sub->row.sid;
    notice->space = sub->row.id;
    notice->err = why;
    notice->text = sat_arena_text(step->out->arena, (const char *)text.at, text.len);
    return err;
}

/* STALE: something before it has not arrived, or an abbreviation was not understood: send all that is pending again, in
 * full. What a later time may mend holds the space up for this session alone, and that includes the other machine's own
 * trouble, and what its program is too old for. FORK: its dots are another bundle's: if that comes by the log, or is
 * shown where it may be in one that this device may not read any more, this home is a copy, and the work is written
 * again; else the refusal is final, as any other is for that bundle. Of several it is the first that is asked about:
 * the others stand behind it in its chain, and wait with what it becomes. */
enum sat_err replica_refused(struct replica_step *step, const struct sat_message_REFUSED *message)
{
    struct sat_replica *replica = step->replica;
    struct replica_sub *sub = replica_sub_of(replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a refusal for a space that was not subscribed");
    enum sat_err why = sat_err_from_wire(message->error);
    if (sat_err_is_local(why)) why = SAT_ERR_BUSY;
    if (sub->in_flight) sub->in_flight--;
    if (replica_is_deaf(sub)) return SAT_OK; /* it is handed in, and answered then */
    if (replica->copied) return SAT_OK;      /* it is written again */
    if (why == SAT_ERR_STALE && sub->retries < PUSH_RETRIES_MAX) {
        if (sub->in_flight) return SAT_OK; /* the others of the window will be refused as well: wait for the last */
        sub->retries++;
        sub->pushed = 0;
        sub->push_full = true;
        return SAT_OK;
    }
    if (why != SAT_ERR_FORK) return settle_refusal(step, sub, message->first, why, message->text);
    sub->blocked = true;
    if (!sub->doubted && (!sub->disputed || message->first < sub->disputed)) sub->disputed = message->first;
    return SAT_OK;
}

static enum sat_err find_disputed(struct replica_step *step, const struct replica_sub *sub, uint64_t first,
                                  struct sat_bundle_row **out)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    enum sat_err err =
        sat_store_bundles_pending(step->replica->config.store, sub->row.sid, first, 1, step->arena, &rows, &n);
    *out = !err && n && rows[0].first == first ? &rows[0] : NULL;
    return err;
}

/* The server is of an earlier version, as it showed lately: no refusal is final before it can be asked. */
static const char CANNOT_SHOW[] = "the server is of an earlier version and cannot show what has these numbers: the "
                                  "work is kept, and goes along once the server is upgraded";

/* What has its numbers may be where this device cannot look: it has signed that itself, then. */
static enum sat_err doubt(struct replica_step *step, struct replica_sub *sub, uint64_t first)
{
    struct sat_message message = {.type = SAT_MESSAGE_TAKEN_GET};
    struct sat_bundle_row *row;
    bool unknown = false;
    enum sat_err err = find_disputed(step, sub, first, &row);
    if (!err) err = replica_is_unknown(step, SAT_UNSHOWN_KEY, &unknown);
    if (err || !row) return err;
    if (unknown) return settle_refusal(step, sub, first, SAT_ERR_UPGRADE_NEEDED, sat_span_text(CANNOT_SHOW));
    sub->doubted = first;
    sub->unanswered = 0;
    message.as.TAKEN_GET = (struct sat_message_TAKEN_GET){.sub = sub->sub, .first = first, .count = row->count};
    replica_send(step, &message);
    return SAT_OK;
}

static enum sat_err settle_fork(struct replica_step *step, struct replica_sub *sub, uint64_t first)
{
    return settle_refusal(step, sub, first, SAT_ERR_FORK, sat_span_text(sat_err_text(SAT_ERR_FORK)));
}

enum sat_err replica_taken(struct replica_step *step, const struct sat_message_TAKEN *message)
{
    const struct sat_replica_config *config = &step->replica->config;
    struct replica_sub *sub = replica_sub_of(step->replica, message->sub);
    struct sat_bundle_row *row;
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "an answer about a space that was not subscribed");
    if (!sub->doubted || sub->doubted != message->first) return SAT_OK;
    sub->doubted = 0;
    if (replica_is_deaf(sub) || step->replica->copied) return SAT_OK;
    enum sat_err err = replica_is_known(step, SAT_UNSHOWN_KEY);
    if (!err) err = find_disputed(step, sub, message->first, &row);
    if (err || !row) return err;
    struct sat_public_key own = sat_sign_public(config->key);
    if (sat_taken_is_proven(message->proof, &config->directory->org, &own, row)) return replica_is_copy(step);
    return settle_fork(step, sub, message->first);
}

enum sat_err replica_disputes(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n; i++)
        if (!replica_is_deaf(&replica->subs[i]) && !replica->subs[i].head_here) return SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        uint64_t first = sub->disputed;
        sub->disputed = 0;
        if (first) err = replica_cannot_look(replica) ? doubt(step, sub, first) : settle_fork(step, sub, first);
    }
    return err;
}
