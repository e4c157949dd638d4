/* The client and the directory: the hello, links that arrive, links of our own, key boxes. */
#include <string.h>

#include "common/sync/replica_state.h"

enum { LINKS_PER_LOAD = 256 };

enum sat_err sat_directory_load(struct sat_store *store, struct sat_directory *directory, struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    for (uint32_t n = LINKS_PER_LOAD; !err && n == LINKS_PER_LOAD; sat_arena_reset(&arena)) {
        struct sat_link_row *rows;
        err = sat_store_links(store, directory->seq + 1, LINKS_PER_LOAD, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            struct sat_link link;
            err = sat_link_decode(rows[i].bytes, &link);
            if (!err) err = sat_directory_apply(directory, &link, &rows[i].sign, 0, SAT_DIRECTORY_STORED, fault);
            if (err && err != SAT_ERR_UPGRADE_NEEDED)
                err = sat_fail(fault, SAT_ERR_CORRUPT, "the stored directory is damaged at link %llu",
                               (unsigned long long)rows[i].seq);
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

static struct sat_auth auth_of(const struct sat_replica *replica, uint32_t device)
{
    const struct sat_directory *directory = replica->config.directory;
    struct sat_auth auth = {
        .server = replica->config.server,
        .device = device,
        .dir_seq = directory->seq,
        .dir_hash = sat_directory_hash_at(directory, directory->seq),
        .binding = replica->binding,
    };
    memcpy(auth.client_nonce, replica->client_nonce, sizeof auth.client_nonce);
    memcpy(auth.server_nonce, replica->server_nonce, sizeof auth.server_nonce);
    return auth;
}

static void send_auth(struct replica_step *step)
{
    const struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    struct sat_message message = {0};
    bool invitee = config->mode == SAT_REPLICA_INVITEE;
    struct sat_auth auth = auth_of(replica, invitee ? 0 : config->device);
    struct sat_signature signature = sat_auth_sign(&auth, &config->org, config->key);
    if (invitee) {
        message.type = SAT_MESSAGE_AUTH_INVITE;
        message.as.AUTH_INVITE =
            (struct sat_message_AUTH_INVITE){.dir_seq = auth.dir_seq, .binding_kind = auth.binding.kind};
        memcpy(message.as.AUTH_INVITE.invite, config->invite.b, sizeof config->invite.b);
        memcpy(message.as.AUTH_INVITE.signature, signature.b, sizeof signature.b);
    } else {
        message.type = SAT_MESSAGE_AUTH;
        message.as.AUTH = (struct sat_message_AUTH){
            .device = config->device, .dir_seq = auth.dir_seq, .binding_kind = auth.binding.kind};
        memcpy(message.as.AUTH.signature, signature.b, sizeof signature.b);
    }
    replica_send(step, &message);
}

/* Whoever meets an unknown server must not take a new home for the way out: what was not synced would stay behind. */
static const char *advice_on_identity(enum sat_replica_mode mode)
{
    switch (mode) {
    case SAT_REPLICA_DEVICE:
        return "This device keeps its work: do not join again, ask who runs the server whether its identity was "
               "changed";
    case SAT_REPLICA_INVITEE:
        return "Ask who gave out the code whether it is still good";
    case SAT_REPLICA_CREATE:
        return "Compare the pin with the one that the server prints when it starts";
    }
    return "";
}

enum sat_err replica_hello(struct replica_step *step, const struct sat_message_HELLO *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    if (message->version != SAT_PROTOCOL_VERSION)
        return sat_fail(&step->fault, SAT_ERR_VERSION, "the server speaks version %llu, this program %d",
                        (unsigned long long)message->version, SAT_PROTOCOL_VERSION);
    if (directory->seq) replica->config.server = directory->server;
    /* Behind a proxy that ends TLS the server cannot see the channel's key, and says so under its signature. What is
     * pinned is its identity; a server that does end TLS never says so, whoever stands between. */
    if (message->binding_kind == SAT_BINDING_NONE) replica->binding = (struct sat_binding){.kind = SAT_BINDING_NONE};
    struct sat_hello hello = {.time_ms = message->time_ms, .dir_seq = message->dir_seq, .binding = replica->binding};
    memcpy(hello.client_nonce, replica->client_nonce, sizeof hello.client_nonce);
    memcpy(hello.server_nonce, message->server_nonce, sizeof hello.server_nonce);
    memcpy(hello.dir_hash.b, message->dir_hash, sizeof hello.dir_hash.b);
    struct sat_signature signature;
    memcpy(signature.b, message->signature, sizeof signature.b);
    if (message->binding_kind != replica->binding.kind ||
        sat_hello_verify(&hello, &replica->config.org, &replica->config.server, &signature))
        return sat_fail(&step->fault, SAT_ERR_WRONG_SERVER,
                        "the server is not the one that was pinned: its identity key is another. %s",
                        advice_on_identity(replica->config.mode));
    if (message->dir_seq == 0 && replica->config.mode != SAT_REPLICA_CREATE)
        return sat_fail(&step->fault, SAT_ERR_NOT_FOUND, "the server does not have this organisation");
    struct sat_hash known = sat_directory_hash_at(directory, message->dir_seq);
    if (message->dir_seq < directory->seq ||
        (message->dir_seq == directory->seq && !sat_hash_equal(&known, &hello.dir_hash)))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the server's directory lacks what this device has seen of it");
    memcpy(replica->server_nonce, message->server_nonce, sizeof replica->server_nonce);
    replica->server_time_ms = message->time_ms;
    replica->dir_goal = replica->hello_seq = message->dir_seq;
    replica->hello_hash = hello.dir_hash;
    replica->state = REPLICA_TALKING;
    if (replica->config.mode != SAT_REPLICA_CREATE) send_auth(step);
    replica_notice(step, SAT_NOTICE_CONNECTED);
    return SAT_OK;
}

/* The code of an invite names a position and half its hash: a server cannot show an invitee another directory. Nor
 * anybody another one than the hello that it signed. */
static enum sat_err check_trust(struct replica_step *step)
{
    const struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    if (config->directory->seq == replica->hello_seq) {
        struct sat_hash here = sat_directory_hash_at(config->directory, replica->hello_seq);
        if (!sat_hash_equal(&here, &replica->hello_hash))
            return sat_fail(&step->fault, SAT_ERR_FORK,
                            "the server's links do not lead to the directory that it named");
    }
    if (config->trust_seq == 0 || config->directory->seq < config->trust_seq) return SAT_OK;
    struct sat_hash hash = sat_directory_hash_at(config->directory, config->trust_seq);
    if (memcmp(hash.b, config->trust_hash, sizeof config->trust_hash) == 0) return SAT_OK;
    return sat_fail(&step->fault, SAT_ERR_FORK, "the server's directory is not the one that the invite names");
}

static enum sat_err keep_link(struct replica_step *step, const struct sat_link *link, struct sat_span bytes,
                              const struct sat_countersign *sign)
{
    struct sat_replica *replica = step->replica;
    struct sat_directory *directory = replica->config.directory;
    if (link->type == SAT_LINK_GENESIS) {
        struct sat_hash org = sat_link_org(link);
        if (!sat_hash_equal(&org, &replica->config.org))
            return sat_fail(&step->fault, SAT_ERR_TAMPERED, "the server shows the directory of another organisation");
    }
    enum sat_err err = sat_directory_apply(directory, link, sign, 0, SAT_DIRECTORY_VERIFY, &step->fault);
    if (err == SAT_ERR_UPGRADE_NEEDED) return err;
    if (err)
        return sat_fail(&step->fault, SAT_ERR_TAMPERED, "link %llu of the directory is not valid (%s)",
                        (unsigned long long)link->seq, sat_err_name(err));
    err = replica_begin(step);
    if (err) return err;
    struct sat_link_row row = {.seq = link->seq, .bytes = bytes, .sign = *sign};
    err = sat_store_link_append(replica->config.store, &row);
    return err ? err : check_trust(step);
}

static enum sat_err take_countersign(struct sat_span bytes, struct sat_countersign *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->time_ms = sat_take_u64(&in);
    sat_take_bytes(&in, out->signature.b, sizeof out->signature.b);
    return sat_reader_end(&in);
}

enum sat_err replica_links(struct replica_step *step, const struct sat_message_LINKS *message)
{
    struct sat_replica *replica = step->replica;
    struct sat_directory *directory = replica->config.directory;
    const size_t sign_len = 72;
    for (uint32_t i = 0; i < message->links.n; i++) {
        uint64_t seq = message->first_seq + i;
        struct sat_span item = message->links.at[i];
        if (seq <= directory->seq) continue;
        if (seq != directory->seq + 1)
            return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server left out directory links");
        struct sat_countersign sign;
        struct sat_link link;
        if (item.len < sign_len) return SAT_ERR_MALFORMED;
        struct sat_span bytes = sat_span(item.at, item.len - sign_len);
        enum sat_err err = take_countersign(sat_span(item.at + bytes.len, sign_len), &sign);
        if (!err) err = sat_link_decode(bytes, &link);
        if (!err) err = keep_link(step, &link, bytes, &sign);
        if (err) return err;
    }
    if (replica->dir_goal < directory->seq) replica->dir_goal = directory->seq;
    replica_notice(step, SAT_NOTICE_DIRECTORY);
    return SAT_OK;
}

static enum sat_err send_boxes(struct replica_step *step, const struct sat_link_batch *batch)
{
    for (uint32_t done = 0; done < batch->boxes_n;) {
        uint32_t n =
            batch->boxes_n - done < SAT_BOXES_PER_MESSAGE_MAX ? batch->boxes_n - done : SAT_BOXES_PER_MESSAGE_MAX;
        struct sat_span *items = sat_arena_array(step->arena, n, sizeof *items);
        for (uint32_t i = 0; i < n; i++) {
            struct sat_buf item;
            sat_buf_init(&item);
            sat_box_encode(&batch->boxes[done + i], &item);
            items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
            sat_buf_deinit(&item);
        }
        struct sat_message message = {.type = SAT_MESSAGE_BOXES};
        message.as.BOXES.boxes = (struct sat_list){items, n};
        replica_send(step, &message);
        done += n;
    }
    return SAT_OK;
}

static struct sat_list encode_links(struct replica_step *step, const struct sat_link_batch *batch)
{
    struct sat_span *items = sat_arena_array(step->arena, batch->n, sizeof *items);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_link_encode(&batch->links[i], &item);
        items[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    return (struct sat_list){items, batch->n};
}

static void send_create(struct replica_step *step, const struct sat_link_batch *batch)
{
    struct sat_span *boxes = sat_arena_array(step->arena, batch->boxes_n, sizeof *boxes);
    for (uint32_t i = 0; i < batch->boxes_n; i++) {
        struct sat_buf item;
        sat_buf_init(&item);
        sat_box_encode(&batch->boxes[i], &item);
        boxes[i] = sat_span_copy(step->arena, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    struct sat_message message = {.type = SAT_MESSAGE_CREATE};
    message.as.CREATE = (struct sat_message_CREATE){
        .token = step->replica->config.token, .links = encode_links(step, batch), .boxes = {boxes, batch->boxes_n}};
    replica_send(step, &message);
}

enum sat_err replica_wish(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    sat_arena_reset(&replica->batch_arena);
    replica->batch = (struct sat_link_batch){0};
    enum sat_err err = replica_begin(step);
    if (err) return err;
    err = replica->config.hooks.build_links(replica->config.hooks.context, &replica->batch_arena, &replica->batch);
    if (sat_err_is_local(err)) return err;
    if (err) return replica_append_refused(step, err, sat_span_text(sat_err_text(err)));
    replica->wish = replica->batch.n ? WISH_SENT : WISH_NONE;
    if (replica->batch.n == 0) return SAT_OK;
    if (replica->config.mode == SAT_REPLICA_CREATE) {
        send_create(step, &replica->batch);
        return SAT_OK;
    }
    err = send_boxes(step, &replica->batch);
    struct sat_message message = {.type = SAT_MESSAGE_APPEND};
    message.as.APPEND.links = encode_links(step, &replica->batch);
    replica_send(step, &message);
    return err;
}

/* Our batch is in the directory: apply and keep it, with the server's countersignatures. */
enum sat_err replica_appended(struct replica_step *step, const struct sat_message_APPENDED *message)
{
    struct sat_replica *replica = step->replica;
    const struct sat_link_batch *batch = &replica->batch;
    if (replica->wish != WISH_SENT || message->signs.n != batch->n)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "nothing was to be appended");
    if (replica->config.mode == SAT_REPLICA_CREATE) replica->config.org = sat_link_org(&batch->links[0]);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct sat_countersign sign;
        enum sat_err err = take_countersign(message->signs.at[i], &sign);
        if (err) return err;
        if (batch->links[i].seq <= replica->config.directory->seq) continue;
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_link_encode(&batch->links[i], &bytes);
        struct sat_link again; /* as received: decoded from the bytes that are kept */
        err = sat_link_decode(sat_buf_span(&bytes), &again);
        if (!err) err = keep_link(step, &again, sat_buf_span(&bytes), &sign);
        sat_buf_deinit(&bytes);
        if (err) return err;
    }
    if (replica->dir_goal < replica->config.directory->seq) replica->dir_goal = replica->config.directory->seq;
    replica->wish = WISH_NONE;
    enum sat_err err = replica_begin(step);
    if (!err && replica->config.hooks.links_appended)
        err = replica->config.hooks.links_appended(replica->config.hooks.context);
    replica_notice(step, replica->config.mode == SAT_REPLICA_CREATE ? SAT_NOTICE_CREATED : SAT_NOTICE_LINKS_APPENDED);
    return err;
}

enum sat_err replica_append_refused(struct replica_step *step, enum sat_err err, struct sat_span text)
{
    struct sat_replica *replica = step->replica;
    if (err == SAT_ERR_STALE &&
        replica->batch.n) { /* somebody was first: ask again when his links are here; they may have come already */
        uint64_t taken = replica->batch.links[0].seq;
        if (replica->dir_goal < taken) replica->dir_goal = taken;
        replica->wish = WISH_OPEN;
        return SAT_OK;
    }
    replica->wish = WISH_NONE;
    struct sat_action *notice = replica_notice(step, SAT_NOTICE_LINKS_REFUSED);
    notice->err = err;
    notice->text = sat_arena_text(step->out->arena, (const char *)text.at, text.len);
    return SAT_OK;
}

static struct sat_span want_item(struct sat_arena *arena, const struct sat_space *space, uint8_t kind, uint64_t number)
{
    struct sat_buf item;
    sat_buf_init(&item);
    sat_put_bytes(&item, space->id.b, sizeof space->id.b);
    sat_put_u32(&item, space->epoch);
    sat_put_u8(&item, kind);
    sat_put_u64(&item, number);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
    return span;
}

enum sat_err replica_ask_boxes(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    const struct sat_directory *directory = config->directory;
    if (!config->hooks.have_key || replica->boxes_asked ||
        (replica->boxes_answered && replica->boxes_at == directory->seq))
        return SAT_OK;
    const struct sat_invite *invite = sat_directory_invite(directory, &config->invite);
    struct sat_span wants[SAT_SPACES_PER_DEVICE_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < directory->spaces_n && n + 2 <= SAT_SPACES_PER_DEVICE_MAX; i++) {
        const struct sat_space *space = &directory->spaces[i];
        if (space->epoch == 0 || !replica_may_read(replica, &space->id)) continue;
        if (config->hooks.have_key(config->hooks.context, &space->id, space->epoch)) continue;
        if (config->mode == SAT_REPLICA_DEVICE)
            wants[n++] = want_item(step->arena, space, SAT_BOX_DEVICE, config->device);
        if (invite) wants[n++] = want_item(step->arena, space, SAT_BOX_INVITE, invite->seq);
    }
    replica->boxes_at = directory->seq;
    replica->boxes_answered = n == 0;
    if (n == 0) return SAT_OK;
    struct sat_message message = {.type = SAT_MESSAGE_BOXES_GET};
    message.as.BOXES_GET.wants = (struct sat_list){wants, n};
    replica_send(step, &message);
    replica->boxes_asked = true;
    return SAT_OK;
}

/* A box that does not open is a debt, told by status, never an empty space and never a reason to stop. */
enum sat_err replica_boxes(struct replica_step *step, const struct sat_message_BOXES *message)
{
    struct sat_replica *replica = step->replica;
    if (!replica->config.hooks.open_box) return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "no key boxes were asked for");
    enum sat_err err = replica_begin(step);
    for (uint32_t i = 0; !err && i < message->boxes.n; i++) {
        struct sat_box box;
        err = sat_box_decode(message->boxes.at[i], &box);
        if (err) return err;
        err = replica->config.hooks.open_box(replica->config.hooks.context, &box);
        if (!sat_err_is_local(err)) err = SAT_OK;
    }
    replica->boxes_asked = false;
    replica->boxes_answered = true;
    return err;
}
