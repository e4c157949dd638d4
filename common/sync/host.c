#include "common/sync/host.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/host_state.h"
#include "common/sync/lives.h"
#include "common/sync/replica.h"

enum {
    RETRY_MS = 5000,
    OUT_GRACE_MS = 60 * 1000, /* for who is out and says nothing more: by then it has what there was for it */
};

struct host_peer *host_peer_find(const struct sat_host *host, uint64_t id)
{
    uint32_t low = 0, high = host->peers_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (host->peers[middle]->id == id) return host->peers[middle];
        if (host->peers[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void free_peer(struct host_peer *peer)
{
    free(peer->subs);
    free(peer->boxes);
    free(peer);
}

static void remove_peer(struct sat_host *host, uint64_t id)
{
    for (uint32_t i = 0; i < host->peers_n; i++) {
        if (host->peers[i]->id != id) continue;
        free_peer(host->peers[i]);
        memmove(host->peers + i, host->peers + i + 1, (host->peers_n - i - 1) * sizeof *host->peers);
        host->peers_n--;
        return;
    }
}

static void *grown(void *at, uint32_t *cap, size_t item_size)
{
    *cap = *cap ? *cap * 2 : 16;
    void *bigger = realloc(at, *cap * item_size);
    sat_check_memory(bigger);
    return bigger;
}

static struct host_peer *add_peer(struct sat_host *host, uint64_t id)
{
    sat_check(host->peers_n == 0 || host->peers[host->peers_n - 1]->id < id);
    if (host->peers_n == host->peers_cap) host->peers = grown(host->peers, &host->peers_cap, sizeof *host->peers);
    struct host_peer *peer = calloc(1, sizeof *peer);
    sat_check_memory(peer);
    peer->id = id;
    host->peers[host->peers_n++] = peer;
    return peer;
}

struct host_space *host_space_by_sid(const struct sat_host *host, int64_t sid)
{
    for (uint32_t i = 0; i < host->spaces_n; i++)
        if (host->spaces[i]->row.sid == sid) return host->spaces[i];
    return NULL;
}

enum sat_err host_space_load(struct sat_host *host, const struct sat_space_id *id, struct host_space **out)
{
    *out = NULL;
    for (uint32_t i = 0; i < host->spaces_n; i++)
        if (sat_space_equal(&host->spaces[i]->row.id, id)) *out = host->spaces[i];
    if (*out) return SAT_OK;
    struct sat_space_row row;
    bool found;
    enum sat_err err = sat_store_space_find(host->store, id, &row, &found);
    if (err || !found) return err;
    if (host->spaces_n == host->spaces_cap) host->spaces = grown(host->spaces, &host->spaces_cap, sizeof *host->spaces);
    struct host_space *space = calloc(1, sizeof *space);
    sat_check_memory(space);
    space->row = row;
    err = host_lives_load(host, space);
    if (err) {
        free(space);
        return err;
    }
    host->spaces[host->spaces_n++] = space;
    *out = space;
    return SAT_OK;
}

static void forget_spaces(struct sat_host *host)
{
    for (uint32_t i = 0; i < host->spaces_n; i++) {
        free(host->spaces[i]->lives.at);
        free(host->spaces[i]);
    }
    host->spaces_n = 0;
}

bool host_peer_may_read(const struct sat_host *host, const struct host_peer *peer, const struct sat_space_id *space)
{
    const struct sat_directory *directory = &host->directory;
    return sat_directory_device_rights(directory, space, peer->device, directory->seq) & SAT_RIGHT_READ;
}

enum host_standing host_standing(const struct sat_host *host, const struct host_peer *peer)
{
    if (peer->state == HOST_PEER_WIPED) return HOST_STANDING_OUT;
    if (peer->state != HOST_PEER_DEVICE) return HOST_STANDING_GOOD;
    if (sat_directory_out(&host->directory, peer->device)) return HOST_STANDING_OUT;
    const struct sat_device *device = sat_directory_device(&host->directory, peer->device);
    return device && device->approved_seq ? HOST_STANDING_GOOD : HOST_STANDING_NEW;
}

/* Up to the link that it signed last; 0: it has signed none that used it up. */
static uint64_t kit_end(const struct sat_directory *directory, uint64_t kit_seq)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < directory->kits_n; i++) {
        const struct sat_kit *kit = &directory->kits[i];
        if (kit->signer && directory->kits[kit->signer - 1].seq == kit_seq) end = kit->seq;
    }
    return end;
}

uint64_t host_links_end(const struct sat_host *host, const struct host_peer *peer)
{
    const struct sat_directory *directory = &host->directory;
    uint64_t out = 0;
    switch (peer->state) {
    case HOST_PEER_GREETED:
    case HOST_PEER_WIPED:
        return 0;
    case HOST_PEER_DEVICE:
        out = sat_directory_out(directory, peer->device);
        break;
    case HOST_PEER_KIT: /* one that was used up meanwhile opens nothing more */
        out = kit_end(directory, peer->kit_seq);
        break;
    case HOST_PEER_INVITEE:
        break;
    }
    return out ? out : directory->seq;
}

static const struct sat_sign_key *identity_with(const struct sat_host *host, const uint8_t *prefix, size_t len)
{
    for (uint32_t i = 0; i <= host->former_n; i++) {
        const struct sat_sign_key *key = i == 0 ? host->server : &host->former[i - 1];
        struct sat_public_key public_key = sat_sign_public(key);
        if (memcmp(public_key.b, prefix, len) == 0) return key;
    }
    return NULL;
}

const struct sat_sign_key *host_identity(const struct sat_host *host, const struct sat_public_key *key)
{
    return identity_with(host, key->b, sizeof key->b);
}

const struct sat_sign_key *host_signer(const struct sat_host *host)
{
    const struct sat_sign_key *key = host_identity(host, &host->directory.server);
    return key ? key : host->server; /* without the one that the org trusts, every client will say so */
}

void host_send_bytes(struct host_step *step, uint64_t peer, struct sat_span message)
{
    sat_actions_add(step->out, SAT_ACTION_SEND, peer)->bytes = sat_span_copy(step->out->arena, message);
}

void host_send(struct host_step *step, uint64_t peer, const struct sat_message *message)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_message_encode(message, &buf);
    host_send_bytes(step, peer, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
}

void host_send_error(struct host_step *step, uint64_t peer, enum sat_err err, uint64_t retry_ms,
                     const struct sat_fault *fault)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_host_error(err, retry_ms, fault && fault->err == err ? fault->text : NULL, &buf);
    host_send_bytes(step, peer, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
}

enum sat_err host_begin(struct host_step *step)
{
    return sat_store_in_transaction(step->host->store) ? SAT_OK : sat_store_begin(step->host->store);
}

enum sat_err sat_host_new(const struct sat_host_config *config, struct sat_host **out, struct sat_fault *fault)
{
    struct sat_host *host = calloc(1, sizeof *host);
    *out = NULL;
    if (!host) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    host->store = config->store;
    host->server = config->server;
    host->former = config->former;
    host->former_n = config->former_n;
    host->entropy = config->entropy;
    host->collect_every_ms = config->collect_every_ms;
    host->collect_after_ms = config->collect_after_ms;
    sat_directory_init(&host->directory);
    enum sat_err err = sat_directory_load(host->store, &host->directory, fault);
    if (!err) err = host_recovering_load(host);
    uint64_t restored = 0;
    if (!err) err = sat_store_meta_get_u64(host->store, SAT_RESTORED_KEY, 0, &restored);
    host->was_restored = restored != 0;
    if (err) {
        sat_host_free(host);
        return err;
    }
    *out = host;
    return SAT_OK;
}

void sat_host_free(struct sat_host *host)
{
    if (!host) return;
    for (uint32_t i = 0; i < host->peers_n; i++) free_peer(host->peers[i]);
    forget_spaces(host);
    free(host->peers);
    free(host->spaces);
    sat_directory_deinit(&host->directory);
    free(host);
}

const struct sat_directory *sat_host_directory(const struct sat_host *host)
{
    return &host->directory;
}

struct sat_host_counts sat_host_counts(const struct sat_host *host)
{
    return host->counts;
}

bool sat_host_peer_known(const struct sat_host *host, uint64_t peer)
{
    const struct host_peer *found = host_peer_find(host, peer);
    return found && found->state != HOST_PEER_GREETED;
}

uint32_t sat_host_peer_device(const struct sat_host *host, uint64_t peer)
{
    const struct host_peer *found = host_peer_find(host, peer);
    return found ? found->device : 0;
}

static void greet(struct host_step *step, const struct sat_event *event)
{
    struct sat_host *host = step->host;
    struct host_peer *peer = add_peer(host, event->peer);
    memcpy(peer->client_nonce, event->client_nonce, sizeof peer->client_nonce);
    sat_entropy_fill(&host->entropy, peer->server_nonce, sizeof peer->server_nonce);
    peer->binding = event->binding;
    host_peer_size(peer, event->frame_bytes);
    peer->server = identity_with(host, event->server_hint, sizeof event->server_hint);
    if (!peer->server) peer->server = host_signer(host);
    struct sat_hello hello = {
        .time_ms = step->now_ms,
        .dir_seq = host->directory.seq,
        .dir_hash = sat_directory_hash_at(&host->directory, host->directory.seq),
        .binding = peer->binding,
    };
    memcpy(hello.client_nonce, peer->client_nonce, sizeof hello.client_nonce);
    memcpy(hello.server_nonce, peer->server_nonce, sizeof hello.server_nonce);
    struct sat_signature signature = sat_hello_sign(&hello, &host->directory.org, peer->server);
    struct sat_message message = {.type = SAT_MESSAGE_HELLO};
    message.as.HELLO = (struct sat_message_HELLO){.version = SAT_PROTOCOL_VERSION,
                                                  .time_ms = hello.time_ms,
                                                  .dir_seq = hello.dir_seq,
                                                  .binding_kind = hello.binding.kind};
    memcpy(message.as.HELLO.server_nonce, hello.server_nonce, sizeof hello.server_nonce);
    memcpy(message.as.HELLO.dir_hash, hello.dir_hash.b, sizeof hello.dir_hash.b);
    memcpy(message.as.HELLO.signature, signature.b, sizeof signature.b);
    host_send(step, event->peer, &message);
}

/* It has left, or is made to. */
static void end_peer(struct host_step *step, uint64_t id)
{
    const struct host_peer *peer = host_peer_find(step->host, id);
    if (peer) host_sight(step, peer);
    remove_peer(step->host, id);
}

static void refuse_peer(struct host_step *step, uint64_t peer, enum sat_err err, const struct sat_fault *fault)
{
    host_send_error(step, peer, err, sat_err_class(err) == SAT_CLASS_RETRY ? RETRY_MS : 0, fault);
    struct sat_action *action = sat_actions_add(step->out, SAT_ACTION_CLOSE, peer);
    action->err = err;
    action->stranger = !sat_host_peer_known(step->host, peer);
    end_peer(step, peer);
}

/* Of the copies of one home one alone brings something at a time: what another one has sent meanwhile may be the same,
 * once more, and is not heard. It comes again, pulls this, and looks before it sends (docs/decisions/0103). */
static void end_kin(struct host_step *step, uint64_t but)
{
    struct sat_host *host = step->host;
    uint32_t numbers[SAT_LINEAGE_MAX], n = sat_directory_lineage(&host->directory, step->brought, numbers);
    struct sat_fault fault = {0};
    step->brought = 0;
    if (n < 2) return;
    (void)sat_fail(&fault, SAT_ERR_BUSY, "another copy of this home has just brought something; try again");
    for (uint32_t i = host->peers_n; i-- > 0;) {
        const struct host_peer *peer = host->peers[i];
        bool kin = false;
        for (uint32_t k = 0; k < n; k++) kin = kin || (peer->device == numbers[k] && peer->id != but);
        if (kin) refuse_peer(step, peer->id, SAT_ERR_BUSY, &fault);
    }
}

static enum sat_err take_event(struct host_step *step, const struct sat_event *event)
{
    struct sat_host *host = step->host;
    struct host_peer *peer = host_peer_find(host, event->peer);
    switch (event->kind) {
    case SAT_EVENT_OPENED:
        greet(step, event);
        return SAT_OK;
    case SAT_EVENT_CLOSED:
        end_peer(step, event->peer);
        return SAT_OK;
    case SAT_EVENT_MESSAGE:
        break;
    }
    if (!peer) return SAT_OK; /* closed in this batch; what it sent behind that is not heard */
    struct sat_fault fault = {0};
    enum sat_err err = host_message(step, peer, event->bytes, &fault);
    if (err && !sat_err_is_local(err)) {
        refuse_peer(step, event->peer, err, &fault);
        err = SAT_OK;
    }
    if (!err && step->brought) end_kin(step, event->peer);
    return err;
}

static enum sat_err save_and_commit(struct sat_host *host)
{
    for (uint32_t i = 0; i < host->spaces_n; i++) {
        if (!host->spaces[i]->dirty) continue;
        enum sat_err err = sat_store_space_save(host->store, &host->spaces[i]->row);
        if (err) return err;
    }
    if (!sat_store_in_transaction(host->store)) return SAT_OK;
    host->counts.commits++;
    return sat_store_commit(host->store);
}

/* Nothing more of a space comes to who has lost the right to read it. */
static void end_subs(const struct sat_host *host, struct host_peer *peer)
{
    for (uint32_t i = 0; i < peer->subs_n; i++) {
        const struct host_space *space = host_space_by_sid(host, peer->subs[i].sid);
        if (!space || !host_peer_may_read(host, peer, &space->row.id)) peer->subs[i].ended = true;
    }
}

static bool has_news(const struct sat_host *host, const struct host_peer *peer)
{
    if (peer->state == HOST_PEER_GREETED) return false;
    if (peer->dir_sent < host_links_end(host, peer)) return true;
    for (uint32_t i = 0; i < peer->subs_n; i++) {
        const struct host_sub *sub = &peer->subs[i];
        const struct host_space *space = host_space_by_sid(host, sub->sid);
        if (sub->lives_due && !sub->ended) return true;
        if (sub->ended || sub->adrift) continue;
        if (sub->head_due || sub->full_head || sub->full_entry || sub->words_due || !space ||
            sub->head_sent != space->row.log.size)
            return true;
    }
    return false;
}

/* After a commit: who has something to fetch now? And who was out long enough to have learnt it? */
static void wake_readers(struct host_step *step)
{
    struct sat_host *host = step->host;
    for (uint32_t i = host->peers_n; i-- > 0;) {
        struct host_peer *peer = host->peers[i];
        bool out = host_standing(host, peer) == HOST_STANDING_OUT;
        if (step->directory_changed) end_subs(host, peer);
        if (out && !peer->out_ms) host->counts.out++;
        if (!out || !peer->out_ms) peer->out_ms = out ? step->now_ms : 0;
        if (out && step->now_ms - peer->out_ms > OUT_GRACE_MS) refuse_peer(step, peer->id, SAT_ERR_REVOKED, NULL);
    }
    for (uint32_t i = 0; i < host->peers_n; i++)
        if (has_news(host, host->peers[i])) sat_actions_add(step->out, SAT_ACTION_WRITABLE, host->peers[i]->id);
    for (uint32_t i = 0; i < host->spaces_n; i++) host->spaces[i]->dirty = false;
}

/* The store failed: nothing of the batch has happened. Whoever was in it is told to come back. */
static void abandon(struct host_step *step, const struct sat_event *events, uint32_t n, enum sat_err err)
{
    struct sat_host *host = step->host;
    sat_store_rollback(host->store);
    forget_spaces(host);
    for (uint32_t i = 0; i < host->peers_n; i++) host->peers[i]->subs_n = 0;
    struct sat_fault full = {0};
    if (err == SAT_ERR_DISK_FULL) (void)sat_fail(&full, SAT_ERR_BUSY, "the server's disk is full");
    sat_actions_init(step->out, step->out->arena);
    for (uint32_t i = 0; i < n; i++)
        if (events[i].kind != SAT_EVENT_CLOSED && host_peer_find(host, events[i].peer))
            refuse_peer(step, events[i].peer, SAT_ERR_BUSY, &full);
    while (host->peers_n) refuse_peer(step, host->peers[0]->id, SAT_ERR_BUSY, NULL);
    if (step->directory_changed) host->directory_lost = true;
    host->recovering_lost = true;
}

/* What the store says, where what was kept of it here may be of a batch that never happened. */
static enum sat_err find_directory(struct sat_host *host)
{
    enum sat_err err = host->recovering_lost ? host_recovering_load(host) : SAT_OK;
    host->recovering_lost = err != SAT_OK;
    if (err || !host->directory_lost) return err;
    sat_directory_deinit(&host->directory);
    sat_directory_init(&host->directory);
    struct sat_fault fault = {0};
    err = sat_directory_load(host->store, &host->directory, &fault);
    host->directory_lost = err != SAT_OK;
    return err;
}

enum sat_err sat_host_step(struct sat_host *host, uint64_t now_ms, const struct sat_event *events, uint32_t n,
                           struct sat_actions *out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct host_step step = {.host = host, .now_ms = now_ms, .arena = &arena, .out = out};
    enum sat_err err = find_directory(host);
    if (!err && host->was_restored) err = host_begin_lives(&step, (struct sat_span){0});
    for (uint32_t i = 0; !err && i < n; i++) err = take_event(&step, &events[i]);
    if (!err) err = save_and_commit(host);
    if (err)
        abandon(&step, events, n, err);
    else
        wake_readers(&step);
    if (!err) host->was_restored = false;
    if (!err) host_sightings_keep(&step);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_host_maintain(struct sat_host *host, uint64_t now_ms, uint32_t budget, struct sat_actions *out)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct host_step step = {.host = host, .now_ms = now_ms, .arena = &arena, .out = out};
    enum sat_err err = find_directory(host);
    if (!err && !host->was_restored) err = host_collect(&step, budget); /* new lives come first */
    if (!err && !host->was_restored) err = host_tidy(&step, budget);
    if (!err) err = save_and_commit(host);
    if (err)
        abandon(&step, NULL, 0, err);
    else
        wake_readers(&step);
    sat_arena_deinit(&arena);
    return err;
}

void sat_host_error(enum sat_err err, uint64_t retry_ms, const char *text, struct sat_buf *out)
{
    struct sat_span shown = sat_span_text(text ? text : sat_err_text(err));
    if (shown.len > 400) shown = sat_span_text(sat_err_text(err));
    struct sat_message message = {.type = SAT_MESSAGE_ERROR};
    message.as.ERROR = (struct sat_message_ERROR){.error = err, .retry_ms = retry_ms, .text = shown};
    sat_message_encode(&message, out);
}

void sat_host_goodbye(uint64_t retry_ms, struct sat_buf *out)
{
    struct sat_message message = {.type = SAT_MESSAGE_GOODBYE};
    message.as.GOODBYE.retry_ms = retry_ms;
    sat_message_encode(&message, out);
}
