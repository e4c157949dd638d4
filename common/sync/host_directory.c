/* The directory on the server: links are appended by compare-and-swap and countersigned; key boxes are kept beside them
 * and handed to their owners alone. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/sync/host_state.h"
#include "common/sync/replica.h"

enum sat_err host_boxes(struct host_peer *peer, const struct sat_message_BOXES *message, struct sat_fault *fault)
{
    if (message->boxes.n > SAT_BOXES_PER_LINK_MAX - peer->boxes_n)
        return sat_fail(fault, SAT_ERR_TOO_LARGE, "too many key boxes at once");
    for (uint32_t i = 0; i < message->boxes.n; i++) {
        if (peer->boxes_n == peer->boxes_cap) {
            peer->boxes_cap = peer->boxes_cap ? peer->boxes_cap * 2 : 16;
            peer->boxes = realloc(peer->boxes, peer->boxes_cap * sizeof *peer->boxes);
            sat_check_memory(peer->boxes);
        }
        enum sat_err err = sat_box_decode(message->boxes.at[i], &peer->boxes[peer->boxes_n]);
        if (err) return err;
        peer->boxes_n++;
    }
    return SAT_OK;
}

/* What boxes a link announces, if it is of a kind that does. */
static enum sat_err boxes_of(const struct sat_link *link, struct sat_boxes *out)
{
    struct sat_body_grant grant;
    struct sat_body_epoch epoch;
    struct sat_body_invite invite;
    struct sat_body_accept accept;
    struct sat_body_kit kit;
    struct sat_body_repudiate repudiate;
    enum sat_err err = SAT_OK;
    *out = (struct sat_boxes){0};
    if (link->type == SAT_LINK_GRANT) {
        err = sat_body_grant_decode(link->body, &grant);
        if (!err) *out = grant.boxes;
    } else if (link->type == SAT_LINK_EPOCH) {
        err = sat_body_epoch_decode(link->body, &epoch);
        if (!err) *out = epoch.boxes;
    } else if (link->type == SAT_LINK_INVITE) {
        err = sat_body_invite_decode(link->body, &invite);
        if (!err) *out = invite.boxes;
    } else if (link->type == SAT_LINK_ACCEPT) {
        err = sat_body_accept_decode(link->body, &accept);
        if (!err) *out = accept.boxes;
    } else if (link->type == SAT_LINK_KIT) {
        err = sat_body_kit_decode(link->body, &kit);
        if (!err) *out = kit.boxes;
    } else if (link->type == SAT_LINK_REPUDIATE) {
        err = sat_body_repudiate_decode(link->body, &repudiate);
        if (!err) *out = repudiate.kit.boxes;
    }
    return err;
}

struct batch { /* the links of one APPEND, with the boxes handed over for them */
    struct sat_link *links;
    struct sat_countersign *signs;
    struct own_boxes { /* of each link; in the batch's boxes */
        struct sat_box *at;
        uint32_t n;
    } * own;
    uint32_t n;
    struct sat_box *boxes;
    uint32_t boxes_n;
};

static enum sat_err share_boxes(struct batch *batch, struct sat_fault *fault)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_boxes announced;
        enum sat_err err = boxes_of(&batch->links[i], &announced);
        if (err) return err;
        if (announced.count > batch->boxes_n - used)
            return sat_fail(fault, SAT_ERR_INVALID, "fewer key boxes than the link announces");
        struct sat_box *own = announced.count ? batch->boxes + used : NULL;
        batch->own[i] = (struct own_boxes){own, announced.count};
        struct sat_hash root = sat_boxes_root(own, announced.count);
        if (!sat_hash_equal(&root, &announced.root))
            return sat_fail(fault, SAT_ERR_INVALID, "the key boxes are not those of the link");
        used += announced.count;
    }
    return used == batch->boxes_n ? SAT_OK : sat_fail(fault, SAT_ERR_INVALID, "more key boxes than the links announce");
}

/* A new space gets the first life of its log with its link: the same again when a server that has lost both is given
 * back the link, so that whoever has seen that log can tell that it is the same one. */
enum sat_err host_open_space(struct sat_store *store, const struct sat_link *link)
{
    struct sat_body_space body;
    if (sat_body_space_decode(link->body, &body)) return SAT_ERR_MALFORMED;
    struct sat_space_row row = {.id = body.space};
    sat_frontier_init(&row.log);
    struct sat_hash id = sat_link_id(link);
    row.log_epoch = sat_life_first(&id);
    return sat_store_space_create(store, &row);
}

static enum sat_err store_batch(struct sat_store *store, const struct batch *batch)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; !err && i < batch->n; i++) {
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_link_encode(&batch->links[i], &bytes);
        struct sat_link_row row = {.seq = batch->links[i].seq, .bytes = sat_buf_span(&bytes), .sign = batch->signs[i]};
        err = sat_store_link_append(store, &row);
        if (!err && batch->links[i].type == SAT_LINK_SPACE) err = host_open_space(store, &batch->links[i]);
        sat_buf_deinit(&bytes);
    }
    return err ? err : sat_store_boxes_put(store, batch->boxes, batch->boxes_n);
}

static enum sat_err decode_links(struct sat_list list, struct sat_arena *arena, struct batch *out)
{
    out->n = list.n;
    out->links = sat_arena_array(arena, list.n, sizeof *out->links);
    out->signs = sat_arena_array(arena, list.n, sizeof *out->signs);
    out->own = sat_arena_array(arena, list.n, sizeof *out->own);
    for (uint32_t i = 0; i < list.n; i++) {
        enum sat_err err = sat_link_decode(list.at[i], &out->links[i]);
        if (err) return err;
    }
    return SAT_OK;
}

/* Checks and applies the link at `index`, and countersigns it. */
static enum sat_err apply_link(struct sat_directory *directory, const struct sat_sign_key *server, uint64_t now_ms,
                               struct batch *batch, uint32_t index, struct sat_arena *arena, struct sat_fault *fault)
{
    struct sat_link *link = &batch->links[index];
    uint64_t time_ms = now_ms > directory->time_ms ? now_ms : directory->time_ms;
    enum sat_err err =
        host_check_boxes(directory, link, batch->own[index].at, batch->own[index].n, time_ms, arena, fault);
    if (err) return err;
    struct sat_hash org = link->type == SAT_LINK_GENESIS ? sat_link_org(link) : directory->org;
    sat_countersign(link, time_ms, &org, server, &batch->signs[index]);
    return sat_directory_apply(directory, link, &batch->signs[index], now_ms, SAT_DIRECTORY_VERIFY, fault);
}

static void send_appended(struct host_step *step, const struct host_peer *peer, const struct batch *batch)
{
    struct sat_span *items = sat_arena_array(step->arena, batch->n, sizeof *items);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        host_countersign_encode(&batch->signs[i], &item);
        items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    struct sat_message message = {.type = SAT_MESSAGE_APPENDED};
    message.as.APPENDED.first_seq = batch->links[0].seq;
    message.as.APPENDED.signs = (struct sat_list){items, batch->n};
    host_send(step, peer->id, &message);
}

static enum sat_err reload_directory(struct sat_host *host)
{
    sat_directory_deinit(&host->directory);
    sat_directory_init(&host->directory);
    struct sat_fault fault = {0};
    return sat_directory_load(host->store, &host->directory, &fault);
}

/* A move to another identity: only to one that this server has, or nobody could be greeted any more; and alone, as the
 * links behind it would be the new one's to countersign. */
static enum sat_err check_identity(const struct sat_host *host, const struct batch *batch, struct sat_fault *fault)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_body_server_key body;
        if (batch->links[i].type != SAT_LINK_SERVER_KEY) continue;
        if (batch->n > 1) return sat_fail(fault, SAT_ERR_INVALID, "a change of the server comes alone");
        enum sat_err err = sat_body_server_key_decode(batch->links[i].body, &body);
        if (err) return err;
        if (!host_identity(host, &body.server))
            return sat_fail(fault, SAT_ERR_INVALID, "this server does not have that identity");
    }
    return SAT_OK;
}

/* ---- A decision about a bundle writes into the log while links behind it may still be refused ---- */

/* The batch's transaction has other peers' work before this mark; what this APPEND does comes behind it. */
static enum sat_err set_mark(struct host_step *step)
{
    struct sat_host *host = step->host;
    enum sat_err err = host_begin(step);
    for (uint32_t i = 0; i < host->spaces_n && !err; i++)
        if (host->spaces[i]->dirty) err = sat_store_space_save(host->store, &host->spaces[i]->row);
    return err ? err : sat_store_mark(host->store);
}

static enum sat_err go_back(struct sat_host *host, const struct sat_host_counts *counts)
{
    enum sat_err err = sat_store_mark_end(host->store, false);
    for (uint32_t i = 0; i < host->spaces_n && !err; i++) {
        err = sat_store_space_get(host->store, host->spaces[i]->row.sid, &host->spaces[i]->row);
        host->spaces[i]->head_valid = false;
    }
    host->counts = *counts;
    return err;
}

/* Does the link decide about a bundle? */
static bool decides(const struct sat_link *link, struct sat_body_accept *body)
{
    return link->type == SAT_LINK_ACCEPT && sat_body_accept_decode(link->body, body) == SAT_OK &&
           body->what != SAT_ACCEPT_DEVICE;
}

static enum sat_err append_links(struct host_step *step, struct batch *batch, uint32_t *applied, bool *marked,
                                 struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    enum sat_err err = SAT_OK;
    for (*applied = 0; *applied < batch->n && !err; (*applied)++) {
        const struct sat_link *link = &batch->links[*applied];
        struct sat_body_accept accept;
        err = host_check_cuts(host, link, step->arena, fault);
        if (!err)
            err = apply_link(&host->directory, host_signer(host), step->now_ms, batch, *applied, step->arena, fault);
        if (err) return err;
        if (!decides(link, &accept)) continue;
        if (!*marked) err = set_mark(step);
        *marked = *marked || !err;
        if (!err) err = host_decide(step, &accept, link->seq, fault);
    }
    return err ? err : host_check_lineages(&host->directory, batch->links, batch->n, fault);
}

static bool repudiates(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->links[i].type == SAT_LINK_REPUDIATE) return true;
    return false;
}

enum sat_err host_append(struct host_step *step, struct host_peer *peer, const struct sat_message_APPEND *message,
                         struct sat_fault *fault)
{
    struct sat_host *host = step->host;
    struct batch batch = {.boxes = peer->boxes, .boxes_n = peer->boxes_n};
    if (message->links.n == 0) return SAT_ERR_MALFORMED;
    enum sat_err err = decode_links(message->links, step->arena, &batch);
    if (err) return err;
    struct sat_fault why = {0};
    struct sat_host_counts counts = host->counts;
    uint32_t applied = 0;
    bool marked = false;
    err = host_check_recovering(host, &batch.links[0], &why);
    if (!err) err = share_boxes(&batch, &why);
    if (!err) err = check_identity(host, &batch, &why);
    if (!err) err = append_links(step, &batch, &applied, &marked, &why);
    peer->boxes_n = 0;
    if (err && sat_err_is_local(err)) {
        step->directory_changed = true; /* and the batch is not committed */
        return err;
    }
    if (err) { /* a refusal is an answer, not a fault of the connection: the next attempt may extend the right head */
        enum sat_err undone = marked ? go_back(host, &counts) : SAT_OK;
        if (!undone && applied) undone = reload_directory(host);
        if (undone) return sat_fail(fault, undone, NULL);
        host_send_error(step, peer->id, err, 0, &why);
        return SAT_OK;
    }
    step->directory_changed = true;
    err = host_begin(step);
    if (!err && marked) err = sat_store_mark_end(host->store, true);
    if (!err) err = store_batch(host->store, &batch);
    if (!err) err = host_cursors_review(step, batch.links, batch.n);
    if (!err && repudiates(&batch)) err = host_reopen(step);
    if (err) return sat_err_is_local(err) ? err : SAT_ERR_CORRUPT;
    for (uint32_t i = 0; i < batch.n && !err; i++)
        if (batch.links[i].type == SAT_LINK_LOG_EPOCH) err = host_confirmed(step);
    if (err) return err;
    host->counts.links += batch.n;
    /* The author knows these links; if others came between, it is behind and gets all by LINKS. */
    if (peer->dir_sent + 1 == batch.links[0].seq) peer->dir_sent += batch.n;
    send_appended(step, peer, &batch);
    return SAT_OK;
}

/* A device fetches its own boxes, and those of the invite by which it joined or joins; the kit its own. */
static bool box_is_due(const struct sat_host *host, const struct host_peer *peer, const struct sat_box *box)
{
    if (peer->state == HOST_PEER_KIT) return box->kind == SAT_BOX_KIT && box->number == peer->kit_seq;
    if (peer->state == HOST_PEER_DEVICE && box->kind == SAT_BOX_DEVICE) return box->number == peer->device;
    if (box->kind != SAT_BOX_INVITE) return false;
    for (uint32_t i = 0; i < host->directory.invites_n; i++) {
        const struct sat_invite *invite = &host->directory.invites[i];
        if (invite->seq != box->number) continue;
        if (peer->state == HOST_PEER_DEVICE) return invite->device == peer->device;
        return sat_hash_equal(&invite->id, &peer->invite);
    }
    return false;
}

/* One item for each that is asked for, in that order: who asks knows what the box is named. */
enum sat_err host_boxes_get(struct host_step *step, struct host_peer *peer, const struct sat_message_BOXES_GET *message)
{
    struct sat_span *items = sat_arena_array(step->arena, message->wants.n, sizeof *items);
    for (uint32_t i = 0; i < message->wants.n; i++) {
        struct sat_box box = {0};
        bool found = false;
        items[i] = (struct sat_span){0};
        enum sat_err err = sat_box_name_decode(message->wants.at[i], &box);
        if (err) return err;
        if (!box_is_due(step->host, peer, &box)) continue;
        err = sat_store_box_get(step->host->store, &box, &found);
        if (err) return err;
        if (found) items[i] = sat_span_copy(step->arena, SAT_SPAN(box.bytes));
    }
    struct sat_message answer = {.type = SAT_MESSAGE_BOXES};
    answer.as.BOXES.boxes = (struct sat_list){items, message->wants.n};
    host_send(step, peer->id, &answer);
    return SAT_OK;
}

/* ---- Founding an org ---- */

void sat_host_greet_new(const struct sat_sign_key *server, const struct sat_hash *org, const uint8_t client_nonce[32],
                        const struct sat_binding *binding, uint64_t now_ms, const struct sat_entropy *entropy,
                        struct sat_buf *out)
{
    struct sat_hello hello = {.time_ms = now_ms, .binding = *binding};
    memcpy(hello.client_nonce, client_nonce, sizeof hello.client_nonce);
    sat_entropy_fill(entropy, hello.server_nonce, sizeof hello.server_nonce);
    struct sat_signature signature = sat_hello_sign(&hello, org, server);
    struct sat_message message = {.type = SAT_MESSAGE_HELLO};
    message.as.HELLO =
        (struct sat_message_HELLO){.version = SAT_PROTOCOL_VERSION, .time_ms = now_ms, .binding_kind = binding->kind};
    memcpy(message.as.HELLO.server_nonce, hello.server_nonce, sizeof hello.server_nonce);
    memcpy(message.as.HELLO.signature, signature.b, sizeof signature.b);
    sat_message_encode(&message, out);
}

enum sat_err sat_host_read_create(struct sat_span bytes, struct sat_span *token, struct sat_hash *org,
                                  struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_message message;
    struct sat_link genesis;
    enum sat_err err = sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message);
    if (!err && (message.type != SAT_MESSAGE_CREATE || message.as.CREATE.links.n == 0))
        err = sat_fail(fault, SAT_ERR_PROTOCOL, "only a new organisation can be created here");
    if (!err) err = sat_link_decode(message.as.CREATE.links.at[0], &genesis);
    if (!err && genesis.type != SAT_LINK_GENESIS)
        err = sat_fail(fault, SAT_ERR_INVALID, "the first link is not a genesis");
    if (!err) {
        *token = message.as.CREATE.token;
        *org = sat_link_org(&genesis);
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err found_org(struct sat_store *store, const struct sat_sign_key *server,
                              const struct sat_message_CREATE *create, uint64_t now_ms, struct sat_arena *arena,
                              struct batch *batch, struct sat_fault *fault)
{
    struct host_peer boxes = {0};
    struct sat_message_BOXES handed = {.boxes = create->boxes};
    struct sat_directory directory;
    sat_directory_init(&directory);
    enum sat_err err = decode_links(create->links, arena, batch);
    if (!err) err = host_boxes(&boxes, &handed, fault);
    batch->boxes = boxes.boxes;
    batch->boxes_n = boxes.boxes_n;
    if (!err) err = share_boxes(batch, fault);
    for (uint32_t i = 0; i < batch->n && !err; i++)
        err = apply_link(&directory, server, now_ms, batch, i, arena, fault);
    struct sat_public_key identity = sat_sign_public(server);
    if (!err && memcmp(directory.server.b, identity.b, sizeof identity.b))
        err = sat_fail(fault, SAT_ERR_WRONG_SERVER, "the genesis names another server");
    if (!err) err = sat_store_begin(store);
    if (!err) err = store_batch(store, batch);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    sat_directory_deinit(&directory);
    free(boxes.boxes);
    return err;
}

enum sat_err sat_host_found(struct sat_store *store, const struct sat_sign_key *server, struct sat_span bytes,
                            uint64_t now_ms, struct sat_buf *reply, struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_message message;
    struct batch batch = {0};
    enum sat_err err = sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message);
    if (!err && message.type != SAT_MESSAGE_CREATE) err = SAT_ERR_PROTOCOL;
    if (!err) err = found_org(store, server, &message.as.CREATE, now_ms, &arena, &batch, fault);
    if (!err) {
        struct host_step step = {.arena = &arena};
        struct sat_actions actions;
        sat_actions_init(&actions, &arena);
        step.out = &actions;
        struct host_peer peer = {0};
        send_appended(&step, &peer, &batch);
        sat_put_span(reply, actions.first->bytes);
    }
    sat_arena_deinit(&arena);
    return err;
}
