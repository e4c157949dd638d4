/* A bundle that came back with stubs of which nothing says what replaced them. The server tells which; who has the
 * bytes gives it back with them, and everybody else, to whom its entry came without, asks for it whole when the
 * server's digest says that it has more. */
#include "common/sync/base.h"
#include "common/sync/judge.h"
#include "common/sync/replica_state.h"
#include "common/sync/subscription.h"
#include "common/sync/wishes.h"

/* ---- Offering ---- */

static bool was_offered(const struct replica_offers *offers, struct sat_dot first)
{
    for (uint32_t i = 0; i < offers->n; i++)
        if (sat_dot_compare(offers->at[i], first) == 0) return true;
    return false;
}

static enum sat_err has_bytes(struct replica_step *step, const struct replica_sub *sub, struct sat_dot first, bool *has)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_bundle_row row;
    struct sat_change_row *changes;
    uint32_t n = 0;
    bool found;
    *has = false;
    enum sat_err err = sat_store_bundle_of_dot(store, first, &row, &found);
    if (err || !found || row.sid != sub->row.sid || row.first != first.counter || row.state == SAT_BUNDLE_VOID)
        return err;
    err = sat_store_changes_of_bundle(store, row.bid, step->arena, &changes, &n);
    for (uint32_t i = 0; i < n; i++) *has = *has || changes[i].header.len > 0;
    return err;
}

enum sat_err replica_offer(struct replica_step *step, struct replica_sub *sub,
                           const struct sat_message_UNRETURNED *message)
{
    struct replica_offers *offers = &sub->offers;
    struct sat_dot first = {(uint32_t)message->device, message->first};
    bool has;
    if (was_offered(offers, first)) {
        if (replica_is_offering(sub)) offers->answered++;
        return SAT_OK;
    }
    if (message->error != SAT_ERR_UNJUSTIFIED || offers->n == OFFERS_MAX) return SAT_OK;
    enum sat_err err = has_bytes(step, sub, first, &has);
    if (!err && has) offers->at[offers->n++] = first;
    return err;
}

enum sat_err replica_send_offer(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                                struct sat_buf *out, bool *more)
{
    struct sat_bundle_row row;
    bool found;
    *more = sub->offers.sent < sub->offers.n;
    if (!*more || !out) return SAT_OK;
    enum sat_err err = sat_store_bundle_of_dot(replica->config.store, sub->offers.at[sub->offers.sent++], &row, &found);
    if (err || !found) return err;
    return replica_encode_return(replica, sub, &row, arena, out);
}

/* ---- Asking ---- */

static void ask(struct replica_step *step, struct replica_sub *sub, uint64_t seq)
{
    struct sat_message message = {.type = SAT_MESSAGE_ENTRY_GET};
    message.as.ENTRY_GET = (struct sat_message_ENTRY_GET){.sub = sub->sub, .seq = seq};
    sub->fill.asked = seq;
    sub->unanswered = 0;
    replica_send(step, &message);
}

/* The server answers one question about an entry at a time, and none from before a new subscription: this one is put
 * again behind the next head. Should it have been answered all the same, that is passed over, or answers the second. */
void replica_unask(struct replica_sub *sub)
{
    if (sub->fill.asked && sub->fill.asked == sub->fill.after) sub->fill.after--;
    sub->fill.asked = 0;
}

enum sat_err replica_ask_whole(struct replica_step *step, struct replica_sub *sub, const struct sat_hash *digest)
{
    struct sat_bundle_row row;
    bool found;
    if (!sat_hash_equal(&sub->fill.digest, digest)) sub->fill.after = sub->fill.asked = 0;
    sub->fill.digest = *digest;
    if (sub->fill.asked) return SAT_OK;
    enum sat_err err = sat_store_bundle_owing(step->replica->config.store, sub->row.sid, sub->fill.after, &row, &found);
    if (err || !found) return err;
    sub->fill.after = row.seq;
    ask(step, sub, row.seq);
    return SAT_OK;
}

/* One after the other, as soon as nothing else is to be asked. What is not on this log any more is answered by nobody,
 * and of what is before the floor the server may have made runs. */
enum sat_err replica_ask_wishes(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < replica->subs_n && !err; i++) {
        struct replica_sub *sub = &replica->subs[i];
        uint64_t seq;
        bool found = !replica_is_deaf(sub) && sub->head_here && sub->digest_agrees && !sub->fill.asked &&
                     !sub->asked_entry; /* the server answers one question about an entry at a time */
        while (found && !sub->fill.asked && !err) {
            err = sat_wish_first(replica->config.store, sub->row.sid, &seq, &found);
            if (err || !found) break;
            if (seq > sub->row.floor && seq <= sub->row.log.size) {
                ask(step, sub, seq);
                continue;
            }
            err = replica_begin(step);
            if (!err) err = sat_wish_done(replica->config.store, sub->row.sid, seq);
        }
    }
    return err;
}

static void tell(struct replica_step *step, const struct replica_sub *sub, const struct sat_bundle *bundle)
{
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        if (bundle->changes[i].stub) continue;
        struct sat_action *notice = replica_notice(step, SAT_NOTICE_RECORD);
        notice->sid = sub->row.sid;
        notice->record = bundle->changes[i].record;
    }
}

/* What cannot be judged yet stays as it was: maybe the log is longer by now, and says more. */
static enum sat_err fill(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle_row *row,
                         struct sat_bundle *bundle)
{
    struct sat_replica *replica = step->replica;
    struct sat_header *headers = sat_arena_array(step->arena, bundle->manifest.count, sizeof *headers);
    struct sat_fill fill = {
        .store = replica->config.store, .space = &sub->row, .row = row, .bundle = bundle, .headers = headers};
    struct sat_judge court = {.store = replica->config.store,
                              .directory = replica->config.directory,
                              .space = &sub->row,
                              .dir_at = replica->config.directory->seq,
                              .stubs_allowed = true,
                              .lives = &sub->lives};
    struct sat_fault why = {0};
    uint32_t n;
    enum sat_err err = sat_base_unfilled(&fill, step->arena, &n);
    if (err || n == 0) return err;
    err = sat_judge_filled(&court, bundle, step->arena, headers, &why);
    if (err) return sat_err_is_local(err) ? err : SAT_OK;
    err = replica_begin(step);
    sub->dirty = true;
    if (!err) err = sat_base_fill(&fill);
    replica->counts.received += n;
    tell(step, sub, bundle);
    return err;
}

/* What was replaced: its bytes are those that its bundle names, and change nothing. */
static enum sat_err grant_wish(struct replica_step *step, const struct sat_bundle_row *row,
                               const struct sat_bundle *bundle)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_change_row *changes;
    uint32_t n;
    enum sat_err err = sat_store_changes_of_bundle(store, row->bid, step->arena, &changes, &n);
    for (uint32_t i = 0; i < n && i < bundle->manifest.count && !err; i++)
        if (changes[i].state == SAT_CHANGE_DEAD && !changes[i].header.len && !bundle->changes[i].stub)
            err = sat_store_change_fill(store, changes[i].cid, bundle->changes[i].header, bundle->changes[i].body);
    return err;
}

/* Is it one that was wished for? It is answered by that, whatever it says. */
static enum sat_err was_wished(struct replica_step *step, const struct replica_sub *sub, bool *wished)
{
    struct sat_store *store = step->replica->config.store;
    uint64_t seq;
    enum sat_err err = sat_wish_first(store, sub->row.sid, &seq, wished);
    *wished = !err && *wished && seq == sub->fill.asked;
    if (*wished) err = replica_begin(step);
    return err || !*wished ? err : sat_wish_done(store, sub->row.sid, seq);
}

/* What is behind an entry that was asked for comes again, as it came first: that is no answer. One has all that the
 * server has, under whoever's number. */
static enum sat_err decode_answer(struct replica_step *step, const struct replica_sub *sub, struct sat_span item,
                                  struct sat_bundle *bundle, bool *answers, bool *has_bundle)
{
    struct sat_entry_wire entry;
    enum sat_err err = sat_entry_wire_decode(item, &entry);
    *has_bundle = !err && (entry.kind == SAT_ENTRY_RETURNED || entry.kind == SAT_ENTRY_BUNDLE);
    *answers = !err && (!*has_bundle || !entry.own);
    if (err || !*has_bundle || entry.own) return err;
    const struct sat_hash *org = &step->replica->config.directory->org;
    err = sat_bundle_decode(entry.bundle, org, &sub->row.id, step->arena, bundle);
    *answers = !err && bundle->form == SAT_BUNDLE_FULL;
    return err;
}

enum sat_err replica_take_whole(struct replica_step *step, struct replica_sub *sub, struct sat_span item)
{
    struct sat_bundle bundle;
    struct sat_bundle_row row;
    bool answers, has_bundle, wished = false, found = false;
    enum sat_err err = decode_answer(step, sub, item, &bundle, &answers, &has_bundle);
    if (err || !answers) return err;
    err = was_wished(step, sub, &wished);
    sub->fill.asked = 0;
    if (err || !has_bundle) return err;
    struct sat_dot first = {bundle.manifest.device, bundle.manifest.first};
    err = sat_store_bundle_of_dot(step->replica->config.store, first, &row, &found);
    if (!err && found && row.sid == sub->row.sid && sat_hash_equal(&row.id, &bundle.id))
        err = wished ? grant_wish(step, &row, &bundle) : fill(step, sub, &row, &bundle);
    if (err) return err;
    struct sat_message ask = {.type = SAT_MESSAGE_HEAD_GET}; /* do both hold the same now? */
    ask.as.HEAD_GET.sub = sub->sub;
    replica_send(step, &ask);
    return SAT_OK;
}
