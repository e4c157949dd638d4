/* The client pulls: entries are judged as the server judged them, merged into the accepted base, and compared with
 * signed heads. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/clock.h"
#include "common/sync/compact.h"
#include "common/sync/digest.h"
#include "common/sync/judge.h"
#include "common/sync/replica_state.h"
#include "common/sync/subscription.h"
#include "common/sync/void.h"

enum { ENTRY_ASKED_MAX = 3 };

static void say_place(struct sat_subscription *wish, uint64_t size, const struct sat_hash *root,
                      const struct sat_log_epoch *life)
{
    wish->cursor = size;
    memcpy(wish->root, root->b, sizeof wish->root);
    memcpy(wish->log_epoch, life->b, sizeof wish->log_epoch);
}

/* Where it is; in the middle of a start anew the server has to know first from where: it is no older copy. Who waits to
 * start anew is nowhere. */
static struct sat_span subscription_item(struct replica_step *step, const struct replica_sub *sub)
{
    struct sat_subscription wish = {.sub = sub->sub, .space = sub->row.id};
    struct sat_hash root = sat_frontier_root(&sub->row.log);
    bool from_before = sub->anew.size > sub->row.log.size && !sub->anew.said;
    if (!sub->anew.waits && from_before)
        say_place(&wish, sub->anew.size, &sub->anew.root, &sub->anew.life);
    else if (!sub->anew.waits)
        say_place(&wish, sub->row.log.size, &root, &sub->row.log_epoch);
    struct sat_buf item;
    sat_buf_init(&item);
    sat_subscription_encode(&wish, &item);
    struct sat_span span = sat_span_copy(step->arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
    return span;
}

static void send_subscriptions(struct replica_step *step, const struct sat_span *items, uint32_t n)
{
    if (n == 0) return;
    struct sat_message message = {.type = SAT_MESSAGE_SUBSCRIBE};
    message.as.SUBSCRIBE.subs = (struct sat_list){items, n};
    replica_send(step, &message);
}

static enum sat_err space_row(struct replica_step *step, const struct sat_space_id *id, struct sat_space_row *out)
{
    bool found;
    struct sat_store *store = step->replica->config.store;
    enum sat_err err = sat_store_space_find(store, id, out, &found);
    if (err || found) return err;
    *out = (struct sat_space_row){.id = *id};
    sat_frontier_init(&out->log);
    err = replica_begin(step);
    return err ? err : sat_store_space_create(store, out);
}

/* What was frozen in an earlier session may have arrived though nobody heard of it: then the log echoes it first. */
static enum sat_err look_for_sent(struct replica_step *step, struct replica_sub *sub)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    enum sat_err err =
        sat_store_bundles_pending(step->replica->config.store, sub->row.sid, 0, 1, step->arena, &rows, &n);
    sub->met = n == 0;
    return err;
}

/* A head that was met, and that no entry has borne out: whatever life it named, this device has seen nothing of it. */
static enum sat_err forget_mere_words(struct replica_step *step, struct sat_space_row *row)
{
    struct sat_lost_log *lost;
    uint32_t n;
    if (row->log.size || row->head_len) return SAT_OK;
    enum sat_err err = sat_store_lost_logs(step->replica->config.store, row->sid, step->arena, &lost, &n);
    if (!err && n == 0) row->log_epoch = (struct sat_log_epoch){{0}};
    return err;
}

/* Anew, if the right to read the space was lost and has come back. */
static enum sat_err open_sub(struct replica_step *step, struct replica_sub *known, const struct sat_space_id *id,
                             struct replica_sub *sub)
{
    struct sat_replica *replica = step->replica;
    if (known && known->dirty) { /* what it pulled until then counts */
        enum sat_err err = replica_save_spaces(replica);
        if (err) return err;
    }
    enum sat_err err = space_row(step, id, &sub->row);
    if (!err) err = forget_mere_words(step, &sub->row);
    if (!err) err = replica_lives_load(step, sub);
    if (!err) err = replica_anew_load(step, sub);
    if (!err) err = replica_brake_open(step, sub);
    if (!err) err = look_for_sent(step, sub);
    if (!err) err = replica_collect_open(step, sub);
    if (err) return err;
    if (!known) {
        replica->subs = realloc(replica->subs, (replica->subs_n + 1) * sizeof *replica->subs);
        sat_check_memory(replica->subs);
        known = &replica->subs[replica->subs_n++];
    }
    *known = *sub;
    return SAT_OK;
}

enum sat_err replica_subscribe(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    struct sat_span items[SAT_SPACES_PER_DEVICE_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < directory->spaces_n && n < SAT_SPACES_PER_DEVICE_MAX; i++) {
        const struct sat_space *space = &directory->spaces[i];
        struct replica_sub *known = replica_sub_of(replica, i + 1);
        bool reads = replica_may_read(replica, &space->id);
        if (known && !reads) {
            sat_brake_clear(&known->window.brake);
            known->gone = true;
            known->head_here = known->digest_agrees = false;
        }
        if (!reads || (known && !known->gone)) continue;
        if (!known && replica->subs_n >= SAT_SPACES_PER_DEVICE_MAX) continue;
        struct replica_sub sub = {.sub = i + 1};
        enum sat_err err = open_sub(step, known, &space->id, &sub);
        if (!err) err = replica_take_up(step, replica_sub_of(replica, i + 1));
        if (err) return err;
        items[n++] = subscription_item(step, &sub);
        replica_sub_of(replica, i + 1)->anew.said = true;
    }
    send_subscriptions(step, items, n);
    return SAT_OK;
}

/* Something is missing in between (a lost message): say once where we are. */
static void resubscribe(struct replica_step *step, struct replica_sub *sub)
{
    if (sub->resubscribed_at == sub->row.log.size + 1) return;
    sub->resubscribed_at = sub->row.log.size + 1;
    sub->anew.said = true;
    sub->asked_entry = 0;
    replica_unask(sub);
    memset(&sub->words, 0, sizeof sub->words);
    struct sat_span item = subscription_item(step, sub);
    send_subscriptions(step, &item, 1);
}

void replica_resubscribe(struct replica_step *step, struct replica_sub *sub)
{
    sub->resubscribed_at = 0;
    resubscribe(step, sub);
    sub->resubscribed_at = 0;
}

/* An abbreviation does not fit what is here, or bytes are missing: the next entry is asked for in full. What was on its
 * way may come first, so the same is heard a few times before it is a lie. */
static enum sat_err ask_entry(struct replica_step *step, struct replica_sub *sub)
{
    if (sub->asked_entry >= ENTRY_ASKED_MAX)
        return sat_fail(&step->fault, SAT_ERR_TAMPERED,
                        "the server insists on an entry that does not fit what is here");
    struct sat_message message = {.type = SAT_MESSAGE_ENTRY_GET};
    message.as.ENTRY_GET = (struct sat_message_ENTRY_GET){.sub = sub->sub, .seq = sub->row.log.size + 1};
    replica_unask(sub);
    replica_send(step, &message);
    sub->asked_entry++;
    return SAT_ERR_STALE;
}

static enum sat_err accept(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle *bundle,
                           const struct sat_header *headers, const struct sat_entry_wire *entry, int64_t pending_bid,
                           bool *met, bool *alone)
{
    struct sat_store *store = step->replica->config.store;
    struct sat_accept done = {.store = store,
                              .space = &sub->row,
                              .bundle = bundle,
                              .headers = headers,
                              .recv_ms = entry->recv_ms,
                              .dir_at = entry->dir_at,
                              .returned = entry->kind == SAT_ENTRY_RETURNED,
                              .receipt_ms = entry->receipt_ms,
                              .receipt_dir = entry->receipt_dir,
                              .pending_bid = pending_bid,
                              .met = met,
                              .alone = alone};
    enum sat_err err = replica_begin(step);
    sub->dirty = true;
    if (!err) err = sat_base_accept(&done);
    uint64_t latest = 0;
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        if (bundle->changes[i].stub) sub->exact = false;
        uint64_t effective = sat_clock_effective(headers[i].hlc, done.returned ? entry->receipt_ms : entry->recv_ms);
        if (effective > latest) latest = effective;
    }
    return err ? err : sat_clock_receive(store, latest);
}

static void tell_records(struct replica_step *step, const struct replica_sub *sub, const struct sat_bundle *bundle,
                         const bool *alone)
{
    for (uint32_t i = 0; i < bundle->manifest.count; i++) {
        if (bundle->changes[i].stub) continue;
        struct sat_action *notice = replica_notice(step, SAT_NOTICE_RECORD);
        notice->sid = sub->row.sid;
        notice->record = bundle->changes[i].record;
        notice->alone = alone[i];
    }
}

/* What the judge says against it is kept as evidence; the session fails as a peer's fault, since the author's is the
 * server's too, who let it in. Where the server insists on it, it is put aside, and the rest goes on. */
static enum sat_err judge(struct replica_step *step, const struct replica_sub *sub, const struct sat_judge *court,
                          const struct sat_bundle *bundle, uint64_t recv_ms, struct sat_header *headers, bool *aside)
{
    enum sat_err err = sat_judge_bundle(court, bundle, step->arena, headers, &step->fault);
    *aside = false;
    if (err == SAT_ERR_STALE)
        err = sat_fail(&step->fault, SAT_ERR_BAD_CHAIN, "the server left out a bundle of device %u",
                       bundle->manifest.device);
    if (!err || sat_err_is_local(err)) return err;
    enum sat_err looked = replica_is_aside(step, bundle, err, aside);
    if (looked || *aside) return looked ? looked : err;
    (void)replica_accuse(step, &sub->row.id, bundle, recv_ms, err);
    if (err != SAT_ERR_DENIED && err != SAT_ERR_ESCROWED && err != SAT_ERR_TOO_LARGE && err != SAT_ERR_COLLECTED)
        return err;
    struct sat_fault why = step->fault;
    return sat_fail(&step->fault, SAT_ERR_TAMPERED, "%s", why.text);
}

/* A head says under which directory the log stood: what comes behind it was not accepted under an older one. */
static enum sat_err check_time(struct replica_step *step, const struct replica_sub *sub,
                               const struct sat_entry_wire *entry)
{
    if (entry->recv_ms < sub->row.last_recv_ms || entry->dir_at < sub->row.last_dir_at)
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the log's times or directory positions step back");
    if (entry->kind != SAT_ENTRY_RETURNED) return SAT_OK;
    if (!sat_lives_later(&sub->lives, sub->row.log.size + 1) || entry->receipt_ms > entry->recv_ms ||
        entry->receipt_dir > entry->dir_at)
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "work is said to have come back that cannot have been lost");
    return SAT_OK;
}

/* It was not received before what its author had seen. */
static enum sat_err check_receipt(struct replica_step *step, const struct replica_sub *sub,
                                  const struct sat_entry_wire *entry, const struct sat_manifest *manifest)
{
    struct sat_entry_row *seen;
    uint32_t n = 0;
    if (entry->kind != SAT_ENTRY_RETURNED || manifest->w_size == 0) return SAT_OK;
    enum sat_err err =
        sat_store_entries(step->replica->config.store, sub->row.sid, manifest->w_size, 1, step->arena, &seen, &n);
    if (err || n == 0 || !sat_hash_equal(&seen[0].root, &manifest->w_root)) return err;
    if (entry->receipt_ms >= sat_entry_receipt_ms(&seen[0].entry) &&
        entry->receipt_dir >= sat_entry_receipt_dir(&seen[0].entry))
        return SAT_OK;
    return sat_fail(&step->fault, SAT_ERR_TAMPERED,
                    "work is said to have been received before what its author had seen");
}

/* The numbers of a device rise along the log. Taken behind others under its number, which are a copy's, what waits here
 * would count as the copy's as well, and go with them if no head proves it. */
enum sat_err replica_check_order(struct replica_step *step, const struct replica_sub *sub,
                                 const struct sat_bundle_row *own)
{
    struct sat_bundle_row tip;
    bool found;
    enum sat_err err =
        sat_store_bundle_tip(step->replica->config.store, sub->row.sid, own->device, false, &tip, &found);
    if (err || !found || own->first >= tip.first + tip.count) return err;
    return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server's log has work of this device out of its order");
}

/* One's own, frozen here: it enters the base in its place. */
static enum sat_err take_pending(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry,
                                 const struct sat_bundle_row *row)
{
    struct sat_replica *replica = step->replica;
    struct sat_store *store = replica->config.store;
    struct sat_bundle bundle;
    enum sat_err err = replica_check_order(step, sub, row);
    if (!err) err = sat_base_bundle(store, row, false, step->arena, &bundle);
    if (err) return err;
    struct sat_header *headers = sat_arena_array(step->arena, bundle.manifest.count, sizeof *headers);
    for (uint32_t i = 0; i < bundle.manifest.count; i++)
        if (sat_header_decode(bundle.changes[i].header, step->arena, &headers[i])) return SAT_ERR_CORRUPT;
    err = accept(step, sub, &bundle, headers, entry, row->bid, NULL, NULL);
    if (!err && row->state == SAT_BUNDLE_REFUSED) { /* the admins have let it in */
        err = sat_store_bundle_set_refused(store, row->bid, 0);
        sub->blocked = false;
    }
    if (err) return err;
    uint64_t last = row->first + row->count - 1;
    if (sub->pushed >= last && sub->in_flight) sub->in_flight--;
    if (sub->pushed < last) sub->pushed = last;
    sub->retries = 0;
    replica->counts.sent += bundle.manifest.count;
    return SAT_OK;
}

/* A bundle of this device's, in full: pending here after all, or somebody's. */
static enum sat_err find_own(struct replica_step *step, const struct replica_sub *sub, const struct sat_bundle *bundle,
                             struct sat_bundle_row *row, bool *pending)
{
    struct sat_replica *replica = step->replica;
    const struct sat_manifest *manifest = &bundle->manifest;
    struct sat_dot first = {manifest->device, manifest->first};
    bool found;
    enum sat_err err = sat_store_bundle_of_dot(replica->config.store, first, row, &found);
    *pending = !err && found && row->seq == 0 && row->sid == sub->row.sid && sat_hash_equal(&row->id, &bundle->id);
    return err || *pending ? err : replica_meet_copy(step, sub, manifest->first, manifest->count);
}

/* Somebody's bundle. */
static enum sat_err take_bundle(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry)
{
    struct sat_replica *replica = step->replica;
    struct sat_bundle bundle;
    enum sat_err err =
        sat_bundle_decode(entry->bundle, &replica->config.directory->org, &sub->row.id, step->arena, &bundle);
    if (err) return sat_fail(&step->fault, err, "the server sent a bundle that cannot be read");
    struct sat_judge court = {.store = replica->config.store,
                              .directory = replica->config.directory,
                              .space = &sub->row,
                              .dir_at = entry->kind == SAT_ENTRY_RETURNED ? entry->receipt_dir : entry->dir_at,
                              .stubs_allowed = true,
                              .came_back = entry->kind == SAT_ENTRY_RETURNED,
                              .trusted = &sub->row.trusted,
                              .lives = &sub->lives};
    bool lacks = false, full = bundle.form == SAT_BUNDLE_FULL;
    err = sat_judge_complete(&court, &bundle);
    if (err) return err == SAT_ERR_STALE ? ask_entry(step, sub) : err;
    if (!full || !sub->asked_entry) err = replica_lacks_bytes(step, sub, &bundle, &lacks);
    if (err) return err;
    if (lacks) return sub->asked_entry ? SAT_ERR_STALE : ask_entry(step, sub); /* what was on its way comes first */
    const struct sat_manifest *manifest = &bundle.manifest;
    err = check_time(step, sub, entry);
    if (!err) err = check_receipt(step, sub, entry, manifest);
    if (err && !sat_err_is_local(err)) return replica_accuse(step, &sub->row.id, &bundle, entry->recv_ms, err);
    bool back = false, pending = false;
    struct sat_bundle_row row;
    struct replica_arrival arrival = replica_arrival_of(&bundle);
    if (!err) err = replica_came_back(step, sub, &arrival, &back);
    if (!err && !back && manifest->device == replica->config.device) err = find_own(step, sub, &bundle, &row, &pending);
    if (err || pending) return err ? err : take_pending(step, sub, entry, &row);
    struct sat_header *headers = sat_arena_array(step->arena, manifest->count, sizeof *headers);
    bool aside;
    err = judge(step, sub, &court, &bundle, entry->recv_ms, headers, &aside);
    if (aside) return replica_put_aside(step, sub, &bundle, entry, err);
    if (!err) err = replica_make_whole(step, &arrival, headers);
    bool *alone = sat_arena_array(step->arena, manifest->count, sizeof *alone);
    bool *met = sat_arena_array(step->arena, manifest->count, sizeof *met);
    if (!err) err = accept(step, sub, &bundle, headers, entry, 0, met, alone);
    if (err) return err;
    if (!back) replica_brake_note(sub, &bundle, met); /* what was here before was let in then */
    if (!back) sub->returns.looked = false;
    replica->counts.received += manifest->count;
    replica_heard_of(replica, manifest->device);
    tell_records(step, sub, &bundle, alone);
    return SAT_OK;
}

/* The echo of own work that the server had lost. */
static enum sat_err take_own_back(struct replica_step *step, struct replica_sub *sub,
                                  const struct sat_entry_wire *entry, bool *back)
{
    struct sat_replica *replica = step->replica;
    struct sat_bundle_row row;
    struct sat_bundle bundle;
    bool found;
    enum sat_err err =
        sat_store_return_of(replica->config.store, sub->row.sid, replica->config.device, 0, &row, &found);
    *back = !err && found && memcmp(row.id.b, entry->id_prefix, sizeof entry->id_prefix) == 0;
    if (!*back) return err;
    if ((entry->kind == SAT_ENTRY_VOID) != sat_void_is_row(&row))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server calls an entry of this device what it is not");
    if (sat_void_is_row(&row)) return replica_void_is_back(step, sub, entry, &row);
    err = sat_base_bundle(replica->config.store, &row, false, step->arena, &bundle);
    for (uint32_t i = 0; !err && i < bundle.manifest.count; i++)
        if (bundle.changes[i].stub) return ask_entry(step, sub); /* forgotten here, and perhaps live again there */
    if (!err) err = replica_begin(step);
    bool came = false;
    struct replica_arrival arrival = replica_arrival_of(&bundle);
    if (!err) err = replica_came_back(step, sub, &arrival, &came);
    if (err) return err;
    struct sat_header *headers = sat_arena_array(step->arena, bundle.manifest.count, sizeof *headers);
    for (uint32_t i = 0; i < bundle.manifest.count; i++) {
        headers[i] = (struct sat_header){0};
        if (bundle.changes[i].stub) continue;
        if (sat_header_decode(bundle.changes[i].header, step->arena, &headers[i])) return SAT_ERR_CORRUPT;
    }
    return accept(step, sub, &bundle, headers, entry, 0, NULL, NULL);
}

/* The echo of our own: it enters the base in its place. */
static enum sat_err take_own(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry)
{
    struct sat_bundle_row *rows;
    uint32_t n = 0;
    bool back = false;
    enum sat_err err = check_time(step, sub, entry);
    if (!err && sub->returns.any) err = take_own_back(step, sub, entry, &back);
    if (err || back) return err;
    err = sat_store_bundles_pending(step->replica->config.store, sub->row.sid, 0, 1, step->arena, &rows, &n);
    if (err) return err;
    if (n == 0 || memcmp(rows[0].id.b, entry->id_prefix, sizeof entry->id_prefix))
        return ask_entry(step, sub); /* from before the space was let go of, or a copy's */
    if ((entry->kind == SAT_ENTRY_VOID) != (rows[0].state == SAT_BUNDLE_VOID))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server calls an entry of this device what it is not");
    if (entry->kind == SAT_ENTRY_VOID) return replica_take_own_void(step, sub, entry, &rows[0]);
    return take_pending(step, sub, entry, &rows[0]);
}

/* What the entry says of those behind it cannot be known: this space waits for a later version, the others go on. */
static enum sat_err halt(struct replica_sub *sub)
{
    sub->halted = true;
    sub->head_here = sub->digest_agrees = false;
    return SAT_ERR_STALE;
}

/* What a collection of this log will have to say was acknowledged by all. */
static enum sat_err take_run(struct replica_step *step, struct replica_sub *sub, const struct sat_entry_wire *entry)
{
    enum sat_err err = replica_begin(step);
    sub->dirty = true;
    sub->exact = false;
    if (!err) err = sat_compact_take(step->replica->config.store, &sub->row, entry->level, &entry->root);
    if (err != SAT_ERR_MALFORMED) return err;
    return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server leaves out entries that are no whole subtree");
}

/* How many entries an item stands for. */
static uint64_t width_of(struct sat_span item)
{
    struct sat_entry_wire entry;
    bool is_run = !sat_entry_wire_decode(item, &entry) && entry.kind == SAT_ENTRY_RUN;
    return is_run ? (uint64_t)1 << entry.level : 1;
}

static enum sat_err take_entry(struct replica_step *step, struct replica_sub *sub, struct sat_span item)
{
    struct sat_entry_wire entry;
    enum sat_err err = sat_entry_wire_decode(item, &entry);
    if (err) return err;
    if (entry.kind == SAT_ENTRY_RUN) return take_run(step, sub, &entry);
    if (entry.kind < SAT_ENTRY_BUNDLE || entry.kind > SAT_ENTRY_RETURNED) return halt(sub);
    if (entry.dir_at > step->replica->config.directory->seq)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL,
                        "an entry came before the directory that it was accepted under");
    if (entry.own && entry.kind == SAT_ENTRY_COLLECT)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a collection is nobody's own");
    if (entry.own) return take_own(step, sub, &entry);
    if (entry.kind == SAT_ENTRY_BUNDLE || entry.kind == SAT_ENTRY_RETURNED) return take_bundle(step, sub, &entry);
    err = check_time(step, sub, &entry);
    if (err) return err;
    return entry.kind == SAT_ENTRY_VOID ? replica_take_void(step, sub, &entry)
                                        : replica_take_collection(step, sub, &entry);
}

enum sat_err replica_entries(struct replica_step *step, const struct sat_message_ENTRIES *message)
{
    struct sat_replica *replica = step->replica;
    struct replica_sub *sub = replica_sub_of(replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "entries of a space that was not subscribed");
    if (replica_is_deaf(sub) || replica_is_searching(sub) || sub->anew.waits) return SAT_OK;
    uint64_t *cursor = &sub->row.log.size;
    if (message->size > sub->announced) {
        uint64_t known = sub->announced > *cursor ? sub->announced : *cursor;
        if (message->size > known) replica->counts.entries_known += message->size - known;
        sub->announced = message->size;
    }
    static const struct sat_log_epoch none;
    if (sat_log_epoch_equal(&sub->row.log_epoch, &none))
        return SAT_OK; /* the first head got lost; the next one asks for these again */
    if (message->first_seq > *cursor + 1) {
        resubscribe(step, sub);
        return SAT_OK;
    }
    uint64_t next = message->first_seq;
    for (uint32_t i = 0; i < message->entries.n; i++) {
        uint64_t seq = next, before = *cursor;
        next += width_of(message->entries.at[i]);
        bool asked = seq == sub->fill.asked && message->entries.n == 1;
        enum sat_err err = asked && seq <= *cursor ? replica_take_whole(step, sub, message->entries.at[i]) : SAT_OK;
        if (err) return err;
        if (next - 1 <= *cursor) continue;
        if (seq <= *cursor) { /* compacted while this was pulled: what is here is half of a run */
            resubscribe(step, sub);
            return SAT_OK;
        }
        err = take_entry(step, sub, message->entries.at[i]);
        if (err == SAT_ERR_STALE) return SAT_OK; /* asked for in full; what follows comes again behind it */
        if (err) return err;
        err = replica_anew_check(step, sub);
        if (err) return err;
        sub->asked_entry = 0;
        sub->head_here = sub->digest_agrees = false;
        replica->told_in_sync = replica->told_idle = false; /* it is anew, though the head came with it in one batch */
        replica->counts.entries_applied += *cursor - before;
    }
    return SAT_OK;
}

/* The stubs of a log that is whole must all have been replaced by something that is here; or by something that came
 * back without its bytes, and waits for them; or was put aside. */
static enum sat_err check_stubs(struct replica_step *step, struct replica_sub *sub)
{
    uint64_t left;
    struct sat_store *store = step->replica->config.store;
    enum sat_err err = sat_store_stub_count(store, sub->row.sid, &left);
    sub->stubs_wait = 0;
    if (err || left == 0) return err;
    if (sub->lives.n) err = sat_store_stub_count_back(store, sub->row.sid, &sub->stubs_wait);
    if (sub->stubs_wait) sub->stubs_wait = left;
    if (err || sub->stubs_wait) return err;
    uint64_t aside;
    err = replica_stubs_aside(step, sub, &aside);
    if (err || aside == left) return err;
    return sat_fail(&step->fault, SAT_ERR_UNJUSTIFIED, "the server hides %llu changes that nothing here replaces",
                    (unsigned long long)left);
}

/* What was taken on trust: a collection of this log must have said that everybody has acknowledged so much. */
static enum sat_err check_trusted(struct replica_step *step, struct replica_sub *sub)
{
    if (sub->row.trusted > sub->row.floor)
        return sat_fail(&step->fault, SAT_ERR_UNJUSTIFIED,
                        "the server leaves out entries that its log does not say everybody has acknowledged");
    sub->row.trusted = 0;
    return SAT_OK;
}

static enum sat_err take_verified_head(struct replica_step *step, struct replica_sub *sub, const struct sat_head *head,
                                       const struct sat_head *own)
{
    if (!sat_hash_equal(&head->root, &own->root))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the server signed another log than the one it sent");
    if (!sat_hash_equal(&head->dir_hash, &own->dir_hash))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the server signed another directory than the one it sent");
    bool heard = false;
    enum sat_err err = check_stubs(step, sub);
    if (!err) err = check_trusted(step, sub);
    if (!err) err = replica_ask_words(step, sub, &heard);
    if (err || !heard) return err;
    err = replica_settle_compacted(step, sub);
    if (!err) err = replica_anew_end(step, sub);
    if (err) return err;
    sub->head_here = sub->met = true;
    sub->went_back = 0;
    err = replica_begin(step);
    sub->dirty = true;
    sub->row.log_epoch = head->log_epoch;
    sub->row.head_size = head->size;
    if (head->dir_seq > sub->row.last_dir_at) sub->row.last_dir_at = head->dir_seq;
    bool others = sub->stubs_wait && !sat_hash_equal(&head->digest, &own->digest);
    if (others) sub->digest_agrees = false;
    if (!err && others)
        err = replica_ask_whole(step, sub, &head->digest);
    else if (!err)
        err = replica_compare(step, sub, &head->digest);
    if (sub->digest_agrees) sub->row.synced_ms = head->time_ms;
    if (sub->digest_agrees) sub->agreed = sub->row.log.size;
    sub->exact = sub->digest_agrees;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_head_encode(head, false, &bytes);
    sat_check(bytes.len <= sizeof sub->row.head);
    memcpy(sub->row.head, bytes.at, bytes.len);
    sub->row.head_len = (uint16_t)bytes.len;
    sat_buf_deinit(&bytes);
    return err ? err : replica_returns_done(step, sub);
}

/* The first head of a space says which life of the log its entries belong to, before any of them comes. */
static enum sat_err meet(struct replica_step *step, struct replica_sub *sub, const struct sat_head *head)
{
    sub->row.log_epoch = head->log_epoch;
    sub->dirty = true;
    if (head->size > sub->announced) step->replica->counts.entries_known += head->size - sub->announced;
    sub->announced = head->size;
    return replica_begin(step);
}

enum sat_err replica_head(struct replica_step *step, const struct sat_message_HEAD *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    struct replica_sub *sub = replica_sub_of(replica, message->sub);
    if (!sub) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a head of a space that was not subscribed");
    if (replica_is_deaf(sub) || replica_is_searching(sub)) return SAT_OK;
    struct sat_head head;
    enum sat_err err = sat_head_decode(message->head, &sub->row.id, &head);
    if (err) return err;
    static const struct sat_log_epoch none;
    bool first_meeting = sat_log_epoch_equal(&sub->row.log_epoch, &none);
    bool full = !head.is_short;
    if (full && sat_head_verify(&head, &directory->org, &directory->server))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server's signature under its log does not hold");
    if (head.dir_seq > directory->seq)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "a head came before the directory that it names");
    if (sub->anew.waits) {
        if (full) err = replica_anew_begin(step, sub, &head);
        return err || !full ? err : meet(step, sub, &head);
    }
    if (full && first_meeting && replica_must_ask_lives(step, sub, &head.log_epoch)) return SAT_OK;
    if (full && first_meeting && head.size > 0) return meet(step, sub, &head);
    if (head.size > sub->row.log.size) { /* its entries got lost on the way */
        resubscribe(step, sub);
        return SAT_OK;
    }
    if (head.size < sub->row.log.size) return SAT_OK; /* overtaken: a newer one follows the entries we have had since */
    struct sat_head own = {.root = sat_frontier_root(&sub->row.log),
                           .digest = sat_digest_of(&sub->row),
                           .log_epoch = sub->row.log_epoch,
                           .dir_hash = sat_directory_hash_at(directory, head.dir_seq)};
    if (!full && (first_meeting ||
                  sat_head_complete(&head, &own))) { /* what we hold is not what it abbreviates: see it in full */
        struct sat_message ask = {.type = SAT_MESSAGE_HEAD_GET};
        ask.as.HEAD_GET.sub = sub->sub;
        if (!sub->asked_head) replica_send(step, &ask);
        sub->asked_head = true;
        return SAT_OK;
    }
    if (full) sub->asked_head = false;
    if (!first_meeting && !sat_log_epoch_equal(&head.log_epoch, &sub->row.log_epoch))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the server's log has begun a new life");
    if (!full && sat_head_verify(&head, &directory->org, &directory->server))
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server's signature under its log does not hold");
    return take_verified_head(step, sub, &head, &own);
}
