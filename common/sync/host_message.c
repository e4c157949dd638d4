/* What a peer may say, and in which state. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/host_state.h"
#include "common/sync/judge.h"
#include "common/sync/subscription.h"
#include "common/sync/taken.h"
#include "common/sync/void.h"

static struct sat_auth auth_of(const struct host_step *step, const struct host_peer *peer, uint32_t device,
                               uint64_t dir_seq)
{
    struct sat_auth auth = {
        .server = sat_sign_public(peer->server),
        .device = device,
        .dir_seq = dir_seq,
        .dir_hash = sat_directory_hash_at(&step->host->directory, dir_seq),
        .binding = peer->binding,
    };
    memcpy(auth.client_nonce, peer->client_nonce, sizeof auth.client_nonce);
    memcpy(auth.server_nonce, peer->server_nonce, sizeof auth.server_nonce);
    return auth;
}

static enum sat_err admit(struct host_step *step, struct host_peer *peer, uint64_t dir_seq, enum host_peer_state state,
                          struct sat_fault *fault)
{
    if (dir_seq > step->host->directory.seq)
        return sat_fail(fault, SAT_ERR_FORK, "you know %llu directory links, this server has %llu",
                        (unsigned long long)dir_seq, (unsigned long long)step->host->directory.seq);
    peer->state = state;
    peer->dir_sent = peer->dir_known = dir_seq;
    return SAT_OK;
}

static enum sat_err take_auth(struct host_step *step, struct host_peer *peer, const struct sat_message_AUTH *message,
                              struct sat_fault *fault)
{
    if (message->binding_kind != peer->binding.kind)
        return sat_fail(fault, SAT_ERR_DENIED, "the channel is bound otherwise");
    const struct sat_device *device = sat_directory_device(&step->host->directory, (uint32_t)message->device);
    if (!device) return sat_fail(fault, SAT_ERR_DENIED, "there is no device %llu", (unsigned long long)message->device);
    struct sat_auth auth = auth_of(step, peer, device->number, message->dir_seq);
    struct sat_signature signature;
    memcpy(signature.b, message->signature, sizeof signature.b);
    if (sat_auth_verify(&auth, &step->host->directory.org, &device->sign, &signature))
        return sat_fail(fault, SAT_ERR_DENIED, "this is not device %u", device->number);
    peer->device = device->number; /* one that is out is to learn that, and to hand in its work */
    enum sat_err err = admit(step, peer, message->dir_seq, HOST_PEER_DEVICE, fault);
    if (!err) host_tell_recovering(step, peer);
    return err;
}

static enum sat_err take_auth_invite(struct host_step *step, struct host_peer *peer,
                                     const struct sat_message_AUTH_INVITE *message, struct sat_fault *fault)
{
    if (message->binding_kind != peer->binding.kind)
        return sat_fail(fault, SAT_ERR_DENIED, "the channel is bound otherwise");
    struct sat_hash id;
    memcpy(id.b, message->invite, sizeof id.b);
    const struct sat_invite *invite = sat_directory_invite(&step->host->directory, &id);
    struct sat_auth auth = auth_of(step, peer, 0, message->dir_seq);
    struct sat_signature signature;
    memcpy(signature.b, message->signature, sizeof signature.b);
    /* For one that is not there some key is tried all the same, so that no clock tells it from one that is. */
    struct sat_public_key key = invite ? invite->sign : sat_sign_public(peer->server);
    bool signed_so = sat_auth_verify(&auth, &step->host->directory.org, &key, &signature) == SAT_OK;
    if (!invite || !signed_so) return sat_fail(fault, SAT_ERR_DENIED, "there is no such invite");
    /* A used invite may still be read with: its device finishes a join that was cut off. Joining again is the reducer's
     * to refuse. */
    if (invite->state == SAT_INVITE_CANCELLED)
        return sat_fail(fault, SAT_ERR_INVITE_EXPIRED, "this invite has been cancelled");
    peer->invite = id;
    return admit(step, peer, message->dir_seq, HOST_PEER_INVITEE, fault);
}

enum { KITS_TRIED = 16 }; /* each is a signature to verify, for somebody who is not known yet */

/* One that was replaced as well, if it may still say that a thief did that. */
static enum sat_err take_auth_kit(struct host_step *step, struct host_peer *peer,
                                  const struct sat_message_AUTH_KIT *message, struct sat_fault *fault)
{
    const struct sat_directory *directory = &step->host->directory;
    if (message->binding_kind != peer->binding.kind)
        return sat_fail(fault, SAT_ERR_DENIED, "the channel is bound otherwise");
    struct sat_auth auth = auth_of(step, peer, 0, message->dir_seq);
    auth.kit = true;
    struct sat_signature signature;
    memcpy(signature.b, message->signature, sizeof signature.b);
    for (uint32_t i = 0; i < KITS_TRIED && i < directory->kits_n && !peer->kit_seq; i++) {
        const struct sat_kit *kit = &directory->kits[directory->kits_n - 1 - i];
        bool good = sat_directory_kit_good(directory, kit, step->now_ms);
        if (good && sat_auth_verify(&auth, &directory->org, &kit->sign, &signature) == SAT_OK) peer->kit_seq = kit->seq;
    }
    if (!peer->kit_seq)
        return sat_fail(fault, SAT_ERR_DENIED, "this is not the organisation's recovery kit, or it has been replaced");
    return admit(step, peer, message->dir_seq, HOST_PEER_KIT, fault);
}

static struct host_sub *sub_of(struct host_peer *peer, uint64_t number)
{
    for (uint32_t i = 0; i < peer->subs_n; i++)
        if (peer->subs[i].sub == number) return &peer->subs[i];
    return NULL;
}

static struct host_sub *add_sub(struct host_peer *peer, uint32_t number)
{
    struct host_sub *existing = sub_of(peer, number);
    if (existing) return existing;
    peer->subs = realloc(peer->subs, (peer->subs_n + 1) * sizeof *peer->subs);
    sat_check_memory(peer->subs);
    struct host_sub *sub = &peer->subs[peer->subs_n++];
    *sub = (struct host_sub){.sub = number};
    return sub;
}

/* Does the cursor that the client presents lie on this log, in its present life? *within: it lies within a run, where
 * nobody can tell. */
static enum sat_err check_cursor(struct host_step *step, const struct host_space *space,
                                 const struct sat_subscription *wish, bool *lies, bool *within)
{
    static const uint8_t none[4];
    *within = false;
    *lies = wish->cursor == 0 && memcmp(wish->log_epoch, none, sizeof none) == 0;
    if (*lies) return SAT_OK;
    struct sat_hash root;
    bool found;
    enum sat_err err = sat_store_root_at(step->host->store, space->row.sid, wish->cursor, &root, &found);
    bool same_life = memcmp(wish->log_epoch, space->row.log_epoch.b, sizeof wish->log_epoch) == 0;
    *lies = !err && found && same_life && memcmp(wish->root, root.b, sizeof wish->root) == 0;
    *within = !err && !found && same_life && wish->cursor < space->row.compacted;
    return err;
}

static enum sat_err subscribe(struct host_step *step, struct host_peer *peer, struct sat_span item,
                              struct sat_fault *fault)
{
    struct sat_subscription wish;
    struct host_space *space = NULL;
    enum sat_err err = sat_subscription_decode(item, &wish);
    if (err) return err;
    /* One that was lost a moment ago: its device learns that from the links that are on their way to it. */
    bool lost = !host_peer_may_read(step->host, peer, &wish.space);
    if (!lost || sat_directory_could_read(&step->host->directory, &wish.space, peer->device))
        err = host_space_load(step->host, &wish.space, &space);
    if (err) return err;
    if (!space) return sat_fail(fault, SAT_ERR_DENIED, "you may not read that space");
    bool lies = true, within = false;
    if (!lost) err = check_cursor(step, space, &wish, &lies, &within);
    if (err) return err;
    if (peer->subs_n >= SAT_SPACES_PER_DEVICE_MAX && !sub_of(peer, wish.sub))
        return sat_fail(fault, SAT_ERR_TOO_LARGE, "too many subscriptions");
    static const uint8_t none[4];
    const struct host_sub *before = sub_of(peer, wish.sub);
    struct host_sub known = before ? *before : (struct host_sub){0};
    bool same = before && known.sid == space->row.sid;
    bool anew = known.anew && same;
    bool new_here = memcmp(wish.log_epoch, none, sizeof none) == 0;
    struct host_sub *sub = add_sub(peer, wish.sub);
    *sub = (struct host_sub){
        .sub = wish.sub,
        .sid = space->row.sid,
        .sent = wish.cursor,
        .head_due = true,
        .full_head = new_here, /* who has no head yet cannot complete a short one */
        .lives_due = !lost && !within && (!lies || (new_here && space->lives.n)),
        .adrift = !lies,
        .from_before = known.from_before || (!lies && !within),
        .anew = anew || within,
        .ended = lost,
        .owing_due = space->lives.n > 0,
        .behind = known.behind,
        .refused_n = same ? known.refused_n : 0,
    };
    memcpy(sub->refused, known.refused, sizeof sub->refused);
    if (within) {
        struct sat_message message = {.type = SAT_MESSAGE_ANEW};
        message.as.ANEW = (struct sat_message_ANEW){.sub = wish.sub, .floor = space->row.floor};
        host_send(step, peer->id, &message);
    }
    if (lost || anew) return SAT_OK;
    err = host_show_cursor(step, peer, sub, space, &wish);
    sub->anew = within || (wish.cursor && lies && !sub->behind); /* who has shown that may begin where he likes */
    return err;
}

static enum sat_err take_subscribe(struct host_step *step, struct host_peer *peer,
                                   const struct sat_message_SUBSCRIBE *message, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; !err && i < message->subs.n; i++) err = subscribe(step, peer, message->subs.at[i], fault);
    return err;
}

static void send_refusal(struct host_step *step, const struct host_peer *peer, uint32_t sub, uint64_t first,
                         enum sat_err err, const struct sat_fault *fault)
{
    struct sat_message message = {.type = SAT_MESSAGE_REFUSED};
    const char *text = fault->err == err ? fault->text : sat_err_text(err);
    message.as.REFUSED =
        (struct sat_message_REFUSED){.sub = sub, .first = first, .error = err, .text = sat_span_text(text)};
    host_send(step, peer->id, &message);
}

struct receipt {          /* of a bundle that this server had before */
    bool has, given_back; /* there is one; the bundle came as it was sent out once, not as its author pushes it, … */
    bool unproved;        /* … and nobody can prove that it was */
    bool was_further;     /* it has witnessed more of this life than there is */
    uint64_t ms, dir;
};

/* The same bundle again: its entry tells its author so. Behind a return bytes of it may be missing here. */
static enum sat_err take_same(struct host_step *step, struct host_space *space, const struct sat_judge *judge,
                              const struct sat_bundle_row *row, struct sat_bundle *bundle, struct sat_fault *fault)
{
    uint32_t filled;
    if (!space->lives.n || sat_judge_complete(judge, bundle) || !sat_hash_equal(&row->id, &bundle->id)) return SAT_OK;
    enum sat_err err = host_fill(step, space, row, bundle, &filled, fault);
    return sat_err_is_local(err) ? err : SAT_OK;
}

static enum sat_err take_bundle(struct host_step *step, struct host_space *space, struct sat_bundle *bundle,
                                uint64_t dir_at, struct receipt *receipt, struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    struct sat_bundle_row row;
    bool found;
    const struct sat_manifest *m = &bundle->manifest;
    enum sat_err err = sat_store_bundle_overlapping(host->store, m->device, m->first, m->count, &row, &found);
    if (err) return err;
    struct sat_judge judge = {.store = host->store,
                              .directory = &host->directory,
                              .space = &space->row,
                              .dir_at = dir_at,
                              .stubs_allowed = receipt->given_back,
                              .in_full = receipt->unproved,
                              .came_back = receipt->given_back,
                              .lives = &space->lives,
                              .was_further = &receipt->was_further,
                              .others_may_come = true};
    if (found && row.first == m->first && row.count == m->count &&
        memcmp(row.signature.b, bundle->signature.b, sizeof row.signature.b) == 0)
        return take_same(step, space, &judge, &row, bundle, fault);
    err = sat_judge_complete(&judge, bundle);
    if (err) return sat_fail(fault, err, "a bundle before change %llu is missing", (unsigned long long)m->first);
    struct sat_header *headers = sat_arena_array(step->arena, m->count, sizeof *headers);
    if (space->lives.n && !receipt->has)
        err =
            sat_store_receipt_get(host->store, space->row.sid, &bundle->id, &receipt->ms, &receipt->dir, &receipt->has);
    if (err) return err;
    if (receipt->has) judge.dir_at = receipt->dir;
    err = sat_judge_bundle(&judge, bundle, step->arena, headers, fault);
    if (err) return err;
    err = host_begin(step);
    if (!err && receipt->has) err = sat_store_receipt_done(host->store, space->row.sid, &bundle->id);
    if (err) return err;
    uint64_t recv_ms = step->now_ms > space->row.last_recv_ms ? step->now_ms : space->row.last_recv_ms;
    struct sat_accept accept = {.store = host->store,
                                .space = &space->row,
                                .bundle = bundle,
                                .headers = headers,
                                .recv_ms = recv_ms,
                                .dir_at = dir_at,
                                .returned = receipt->has,
                                .receipt_ms = receipt->ms,
                                .receipt_dir = receipt->dir};
    space->dirty = true;
    err = sat_base_accept(&accept);
    if (err) return sat_err_is_local(err) ? err : SAT_ERR_CORRUPT; /* half applied: the batch must not be committed */
    host->counts.bundles++;
    host->counts.changes += m->count;
    if (receipt->has) host->counts.returned++;
    return SAT_OK;
}

enum sat_err host_accept(struct host_step *step, struct host_space *space, struct sat_bundle *bundle, uint64_t dir_at,
                         struct sat_fault *fault)
{
    struct receipt receipt = {0};
    return take_bundle(step, space, bundle, dir_at, &receipt, fault);
}

/* A head of this server's proves that it had the bundle, in a life of the log that it knows nothing of. If the bundle's
 * author has witnessed more of the present life than there is, this life was gone back to: another one begins, in which
 * that is as it is with what was witnessed in any life that is over. */
enum sat_err host_accept_again(struct host_step *step, struct host_space *space, struct sat_bundle *bundle, bool proved,
                               uint64_t receipt_ms, uint64_t receipt_dir, struct sat_fault *fault)
{
    struct receipt receipt = {
        .has = true, .given_back = true, .unproved = !proved, .ms = receipt_ms, .dir = receipt_dir};
    enum sat_err err = take_bundle(step, space, bundle, step->host->directory.seq, &receipt, fault);
    if (err != SAT_ERR_STALE || !proved || !receipt.was_further || space->lives.n >= SAT_LIVES_MAX) return err;
    enum sat_err begun = host_begin_lives(step, SAT_SPAN(bundle->id.b));
    return begun ? begun : err;
}

enum sat_err host_accept_void(struct host_step *step, struct host_space *space, const struct sat_signed_void *empty,
                              bool had, struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    const struct sat_void *statement = &empty->statement;
    struct sat_dot dot = {statement->device, statement->first};
    struct sat_hash id = sat_void_id(statement);
    struct sat_bundle_row row;
    bool found;
    enum sat_err err = sat_store_bundle_of_dot(host->store, dot, &row, &found);
    if (err || (found && sat_hash_equal(&row.id, &id))) return err; /* again: its entry tells its author so */
    struct sat_judge judge = {.store = host->store,
                              .directory = &host->directory,
                              .space = &space->row,
                              .dir_at = host->directory.seq,
                              .lives = had ? &space->lives : NULL};
    err = sat_judge_void(&judge, empty, fault);
    if (!err) err = host_begin(step);
    if (err) return err;
    uint64_t recv_ms = step->now_ms > space->row.last_recv_ms ? step->now_ms : space->row.last_recv_ms;
    space->dirty = true;
    err = sat_base_void(host->store, &space->row, &host->directory.org, empty, recv_ms, host->directory.seq, 0);
    return err && !sat_err_is_local(err) ? SAT_ERR_CORRUPT : err;
}

static enum sat_err take_void(struct host_step *step, struct host_peer *peer, struct host_space *space, uint32_t sub,
                              struct sat_span bytes, struct sat_fault *fault)
{
    struct sat_signed_void empty;
    struct sat_fault why = {0};
    enum sat_err err = sat_void_decode(bytes, &space->row.id, &empty.statement, &empty.signature);
    if (err) return err;
    if (empty.statement.device != peer->device)
        return sat_fail(fault, SAT_ERR_DENIED, "a statement of another device was pushed");
    err = host_accept_void(step, space, &empty, false, &why);
    if (!err || sat_err_is_local(err)) return err;
    step->host->counts.refused++;
    send_refusal(step, peer, sub, empty.statement.first, err, &why);
    return SAT_OK;
}

/* A copy that has been told so is to write under a number of its own; what it repeats is in the log, and no harm. A
 * home that went back with a server may not have heard it yet, and shows next that it is none (CLAIM): it says this
 * again. */
static enum sat_err check_copy(const struct host_step *step, const struct host_peer *peer,
                               const struct sat_bundle *bundle, struct sat_fault *fault)
{
    struct sat_bundle_row row;
    bool found;
    if (!peer->set_back) return SAT_OK;
    struct sat_dot first = {bundle->manifest.device, bundle->manifest.first};
    enum sat_err err = sat_store_bundle_of_dot(step->host->store, first, &row, &found);
    if (err || (found && sat_hash_equal(&row.id, &bundle->id))) return err;
    return sat_fail(fault, SAT_ERR_STALE, "this home seems to be an older copy: it needs a number of its own");
}

static bool was_refused(const struct host_sub *sub, uint64_t first)
{
    for (uint32_t i = 0; i < sub->refused_n && i < SAT_PUSH_WINDOW; i++)
        if (sub->refused[i] == first) return true;
    return false;
}

static enum sat_err take_push(struct host_step *step, struct host_peer *peer, const struct sat_message_PUSH *message,
                              struct sat_fault *fault)
{
    struct host_sub *sub = sub_of(peer, message->sub);
    if (!sub) return sat_fail(fault, SAT_ERR_PROTOCOL, "a push into a space that was not subscribed");
    if (sub->adrift) return SAT_OK; /* it comes again when the client knows the log */
    struct host_space *space = host_space_by_sid(step->host, sub->sid);
    if (!space) return SAT_ERR_CORRUPT;
    struct sat_bundle bundle;
    struct sat_span bytes = message->bundle;
    if (bytes.len && bytes.at[0] == SAT_VOID_FORM)
        return take_void(step, peer, space, sub->sub, sat_span(bytes.at + 1, bytes.len - 1), fault);
    enum sat_err err = sat_bundle_decode(bytes, &step->host->directory.org, &space->row.id, step->arena, &bundle);
    if (err) return err;
    if (bundle.manifest.device != peer->device)
        return sat_fail(fault, SAT_ERR_DENIED, "a bundle of another device was pushed");
    struct sat_fault why = {0};
    if (was_refused(sub, bundle.manifest.first)) return SAT_OK;
    err = check_copy(step, peer, &bundle, &why);
    if (!err) err = host_accept(step, space, &bundle, step->host->directory.seq, &why);
    if (!err) step->brought = peer->device;
    if (err == SAT_ERR_ESCROWED) err = host_put_aside(step, &bundle, &why);
    if (err && !sat_err_is_local(err)) {
        if (err != SAT_ERR_ESCROWED) step->host->counts.refused++;
        if (sat_err_class(err) != SAT_CLASS_RETRY && sat_is_final_refusal(err))
            sub->refused[sub->refused_n++ % SAT_PUSH_WINDOW] = bundle.manifest.first;
        send_refusal(step, peer, sub->sub, bundle.manifest.first, err, &why);
        err = SAT_OK;
    }
    return err;
}

static enum sat_err take_cursor(struct host_step *step, struct host_peer *peer,
                                const struct sat_message_CURSOR *message, struct sat_fault *fault)
{
    const struct host_sub *sub = sub_of(peer, message->sub);
    if (!sub) return sat_fail(fault, SAT_ERR_PROTOCOL, "a cursor in a space that was not subscribed");
    return host_cursor(step, peer, sub, message, fault);
}

/* Its own, it should have: so it lacks what comes behind that as well, and is not to ask for each. */
static enum sat_err lacks_own(const struct host_step *step, const struct host_peer *peer, const struct host_sub *sub,
                              uint64_t seq, bool *lacks)
{
    struct sat_entry_row *rows;
    uint32_t n;
    struct sat_bundle_row bundle;
    enum sat_err err = sat_store_entries(step->host->store, sub->sid, seq, 1, step->arena, &rows, &n);
    if (err || n == 0 || rows[0].entry.seq != seq || !rows[0].bid) return err;
    err = sat_store_bundle_get(step->host->store, rows[0].bid, &bundle);
    if (!err && bundle.device == peer->device) *lacks = true;
    return err;
}

static enum sat_err asks_in_vain(struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_PROTOCOL, "a question about a space that was not subscribed");
}

static enum sat_err take_head_get(struct host_peer *peer, const struct sat_message_HEAD_GET *message,
                                  struct sat_fault *fault)
{
    struct host_sub *sub = sub_of(peer, message->sub);
    if (!sub) return asks_in_vain(fault);
    if (!sub->ended) sub->full_head = true; /* else there is no answer any more */
    return SAT_OK;
}

static enum sat_err take_entry_get(const struct host_step *step, struct host_peer *peer,
                                   const struct sat_message_ENTRY_GET *message, struct sat_fault *fault)
{
    struct host_sub *sub = sub_of(peer, message->sub);
    if (!sub) return asks_in_vain(fault);
    if (sub->ended || message->seq == 0) return SAT_OK;
    sub->full_entry = sub->sent = message->seq; /* the stream goes on behind it, and ends with a head */
    sub->head_due = true;
    return lacks_own(step, peer, sub, message->seq, &sub->own_full);
}

static enum sat_err take_evidence(struct host_peer *peer, const struct sat_message_EVIDENCE *message,
                                  struct sat_fault *fault)
{
    struct host_sub *sub = sub_of(peer, message->sub);
    if (!sub) return asks_in_vain(fault);
    sub->words_due = !sub->ended && !sub->adrift;
    sub->words_from = (uint32_t)message->from;
    return SAT_OK;
}

/* In whatever space it is: the asker's own signature. */
static enum sat_err take_taken_get(struct host_step *step, struct host_peer *peer,
                                   const struct sat_message_TAKEN_GET *message, struct sat_fault *fault)
{
    if (!sub_of(peer, message->sub)) return asks_in_vain(fault);
    struct sat_message answer = {.type = SAT_MESSAGE_TAKEN};
    struct sat_bundle_row row;
    struct sat_buf proof;
    bool found = false;
    sat_buf_init(&proof);
    enum sat_err err = sat_store_bundle_overlapping(step->host->store, peer->device, message->first,
                                                    (uint32_t)message->count, &row, &found);
    if (!err && found) sat_taken_encode(&row, &proof);
    answer.as.TAKEN =
        (struct sat_message_TAKEN){.sub = message->sub, .first = message->first, .proof = sat_buf_span(&proof)};
    if (!err) host_send(step, peer->id, &answer);
    sat_buf_deinit(&proof);
    return err;
}

/* What is said of a space whose log has more than one life. */
static enum sat_err take_of_lives(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                  uint64_t number, struct sat_fault *fault)
{
    struct host_sub *sub = sub_of(peer, number);
    if (!sub)
        return sat_fail(fault, SAT_ERR_PROTOCOL, "%s of a space that was not subscribed",
                        sat_message_name(message->type));
    struct host_space *space = host_space_by_sid(step->host, sub->sid);
    if (!space) return SAT_ERR_CORRUPT;
    if (sub->ended || !host_peer_may_read(step->host, peer, &space->row.id)) return SAT_OK;
    if (message->type == SAT_MESSAGE_CLAIM) return host_claim(step, peer, sub, space, &message->as.CLAIM, fault);
    if (message->type == SAT_MESSAGE_ROOTS) return host_roots(step, peer, space, &message->as.ROOTS);
    if (message->type == SAT_MESSAGE_RECEIPTS) return host_receipts(step, space, &message->as.RECEIPTS, fault);
    return host_return(step, peer, space, &message->as.RETURN);
}

/* ---- Who may say what ---- */

static enum sat_err from_greeted(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                 struct sat_fault *fault)
{
    if (message->type == SAT_MESSAGE_AUTH) return take_auth(step, peer, &message->as.AUTH, fault);
    if (message->type == SAT_MESSAGE_AUTH_INVITE) return take_auth_invite(step, peer, &message->as.AUTH_INVITE, fault);
    if (message->type == SAT_MESSAGE_AUTH_KIT) return take_auth_kit(step, peer, &message->as.AUTH_KIT, fault);
    if (message->type == SAT_MESSAGE_WIPED) return host_wiped(step, peer, &message->as.WIPED, fault);
    if (message->type == SAT_MESSAGE_RETURN_LINKS) return host_return_links(step, &message->as.RETURN_LINKS, fault);
    return sat_fail(fault, SAT_ERR_PROTOCOL, "%s before the handshake", sat_message_name(message->type));
}

static enum sat_err from_device(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                struct sat_fault *fault)
{
    if (message->type == SAT_MESSAGE_SUBSCRIBE) return take_subscribe(step, peer, &message->as.SUBSCRIBE, fault);
    if (message->type == SAT_MESSAGE_PUSH) return take_push(step, peer, &message->as.PUSH, fault);
    if (message->type == SAT_MESSAGE_HEAD_GET) return take_head_get(peer, &message->as.HEAD_GET, fault);
    if (message->type == SAT_MESSAGE_ENTRY_GET) return take_entry_get(step, peer, &message->as.ENTRY_GET, fault);
    if (message->type == SAT_MESSAGE_CURSOR) return take_cursor(step, peer, &message->as.CURSOR, fault);
    if (message->type == SAT_MESSAGE_EVIDENCE) return take_evidence(peer, &message->as.EVIDENCE, fault);
    if (message->type == SAT_MESSAGE_TAKEN_GET) return take_taken_get(step, peer, &message->as.TAKEN_GET, fault);
    if (message->type == SAT_MESSAGE_RANGES)
        return host_ranges(step, peer, sub_of(peer, message->as.RANGES.sub), &message->as.RANGES, fault);
    if (message->type == SAT_MESSAGE_HAND_IN) return host_hand_in(step, peer, &message->as.HAND_IN, fault);
    if (message->type == SAT_MESSAGE_HELD_GET) return host_held_get(step, peer, &message->as.HELD_GET);
    if (message->type == SAT_MESSAGE_ESCROW_GET) return host_escrow_get(step, peer, &message->as.ESCROW_GET, fault);
    if (message->type == SAT_MESSAGE_DEVICES_GET) return host_devices_get(step, peer, &message->as.DEVICES_GET, fault);
    if (message->type == SAT_MESSAGE_CLAIM) return take_of_lives(step, peer, message, message->as.CLAIM.sub, fault);
    if (message->type == SAT_MESSAGE_ROOTS) return take_of_lives(step, peer, message, message->as.ROOTS.sub, fault);
    if (message->type == SAT_MESSAGE_RECEIPTS)
        return take_of_lives(step, peer, message, message->as.RECEIPTS.sub, fault);
    if (message->type == SAT_MESSAGE_RETURN) return take_of_lives(step, peer, message, message->as.RETURN.sub, fault);
    return sat_fail(fault, SAT_ERR_PROTOCOL, "%s does not belong here", sat_message_name(message->type));
}

/* In good standing. The holders of invites and of the kit append links, for which the holder of the kit, as a device,
 * brings boxes; the rest is for devices. */
static enum sat_err from_member(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                struct sat_fault *fault)
{
    if (message->type == SAT_MESSAGE_APPEND) return host_append(step, peer, &message->as.APPEND, fault);
    if (message->type == SAT_MESSAGE_BOXES_GET) return host_boxes_get(step, peer, &message->as.BOXES_GET);
    if (message->type == SAT_MESSAGE_BOXES && peer->state != HOST_PEER_INVITEE)
        return host_boxes(peer, &message->as.BOXES, fault);
    if (peer->state == HOST_PEER_DEVICE) return from_device(step, peer, message, fault);
    return sat_fail(fault, SAT_ERR_PROTOCOL, "%s does not belong here", sat_message_name(message->type));
}

/* Not approved yet. The directory lets it author nothing but its own leaving. */
static enum sat_err from_newcomer(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                  struct sat_fault *fault)
{
    if (message->type == SAT_MESSAGE_APPEND) return host_append(step, peer, &message->as.APPEND, fault);
    return sat_fail(fault, SAT_ERR_DENIED, "device %u has not been approved yet", peer->device);
}

/* What it says before it can know that it is out is passed over, but for its work; after that it hands in, and whatever
 * else it says is the end. */
static enum sat_err from_outcast(struct host_step *step, struct host_peer *peer, const struct sat_message *message,
                                 struct sat_fault *fault)
{
    if (message->type == SAT_MESSAGE_HAND_IN) return host_hand_in(step, peer, &message->as.HAND_IN, fault);
    if (message->type == SAT_MESSAGE_PUSH && sub_of(peer, message->as.PUSH.sub))
        return take_push(step, peer, &message->as.PUSH, fault);
    if (peer->dir_sent < host_links_end(step->host, peer)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_REVOKED, "device %u has been revoked, or its user suspended", peer->device);
}

enum sat_err host_message(struct host_step *step, struct host_peer *peer, struct sat_span bytes,
                          struct sat_fault *fault)
{
    struct sat_message message;
    enum sat_err err = sat_message_decode(bytes, SAT_SENDER_CLIENT, step->arena, &message);
    if (err) return err;
    if (peer->state == HOST_PEER_GREETED) return from_greeted(step, peer, &message, fault);
    switch (host_standing(step->host, peer)) {
    case HOST_STANDING_GOOD:
        return from_member(step, peer, &message, fault);
    case HOST_STANDING_NEW:
        return from_newcomer(step, peer, &message, fault);
    case HOST_STANDING_OUT:
        break;
    }
    return from_outcast(step, peer, &message, fault);
}
