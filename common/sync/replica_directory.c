/* The client and the directory: the hello, links that arrive, links of our own, key boxes. */
#include <string.h>

#include "common/proof/link_short.h"
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

/* A device, or the holder of an invite or of the kit, who is none yet. */
static void send_auth(struct replica_step *step)
{
    const struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    bool is_device = config->mode == SAT_REPLICA_DEVICE;
    struct sat_auth auth = auth_of(replica, is_device ? config->device : 0);
    auth.kit = config->mode == SAT_REPLICA_KIT;
    struct sat_signature signature = sat_auth_sign(&auth, &config->org, config->key);
    struct sat_message message = {0};
    if (is_device) {
        message.type = SAT_MESSAGE_AUTH;
        message.as.AUTH = (struct sat_message_AUTH){
            .device = config->device, .dir_seq = auth.dir_seq, .binding_kind = auth.binding.kind};
        memcpy(message.as.AUTH.signature, signature.b, sizeof signature.b);
    } else if (config->mode == SAT_REPLICA_KIT) {
        message.type = SAT_MESSAGE_AUTH_KIT;
        message.as.AUTH_KIT = (struct sat_message_AUTH_KIT){.dir_seq = auth.dir_seq, .binding_kind = auth.binding.kind};
        memcpy(message.as.AUTH_KIT.signature, signature.b, sizeof signature.b);
    } else {
        message.type = SAT_MESSAGE_AUTH_INVITE;
        message.as.AUTH_INVITE =
            (struct sat_message_AUTH_INVITE){.dir_seq = auth.dir_seq, .binding_kind = auth.binding.kind};
        memcpy(message.as.AUTH_INVITE.invite, config->invite.b, sizeof config->invite.b);
        memcpy(message.as.AUTH_INVITE.signature, signature.b, sizeof signature.b);
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
    case SAT_REPLICA_KIT:
        return "Ask who runs the server whether its identity was changed since the kit was printed";
    case SAT_REPLICA_WIPED:
        return "What was to be handed in waits until the right one answers";
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
    bool behind = message->dir_seq < directory->seq;
    if (message->dir_seq <= directory->seq && directory->seq && !sat_hash_equal(&known, &hello.dir_hash))
        return sat_fail(&step->fault, SAT_ERR_FORK, "the server's directory is not the one that this device has seen");
    memcpy(replica->server_nonce, message->server_nonce, sizeof replica->server_nonce);
    replica->server_time_ms = message->time_ms;
    replica->met_ms = step->now_ms;
    replica->dir_goal = replica->hello_seq = message->dir_seq;
    if (behind) replica->dir_goal = directory->seq;
    replica->hello_hash = hello.dir_hash;
    replica->state = REPLICA_TALKING;
    enum sat_err err = behind ? replica_return_links(step, message->dir_seq) : SAT_OK;
    if (err) return err;
    if (replica->config.mode == SAT_REPLICA_WIPED)
        replica_send_wiped(step);
    else if (replica->config.mode != SAT_REPLICA_CREATE)
        send_auth(step);
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

enum sat_err replica_keep_link(struct replica_step *step, const struct sat_link *link, struct sat_span bytes,
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
    if (!err && link->type == SAT_LINK_REVOKE) err = replica_note_cuts(step, link);
    return err ? err : check_trust(step);
}

enum sat_err replica_links(struct replica_step *step, const struct sat_message_LINKS *message)
{
    struct sat_replica *replica = step->replica;
    struct sat_directory *directory = replica->config.directory;
    for (uint32_t i = 0; i < message->links.n; i++) {
        uint64_t seq = message->first_seq + i;
        struct sat_span item = message->links.at[i];
        if (seq <= directory->seq) continue;
        if (seq != directory->seq + 1)
            return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server left out directory links");
        struct sat_countersign sign;
        struct sat_link link;
        struct sat_span bytes;
        struct sat_hash prev = sat_directory_hash_at(directory, directory->seq);
        enum sat_err err = sat_link_decode_short(item, seq, &prev, directory, step->arena, &link, &bytes, &sign);
        if (!err) err = replica_keep_link(step, &link, bytes, &sign);
        if (err) return err;
    }
    if (replica->dir_goal < directory->seq) replica->dir_goal = directory->seq;
    replica_notice(step, SAT_NOTICE_DIRECTORY);
    return SAT_OK;
}

/* ---- Key boxes ---- */

static struct sat_span want_item(struct sat_arena *arena, const struct sat_space *space, uint32_t epoch, uint8_t kind,
                                 uint64_t number)
{
    struct sat_buf item;
    sat_buf_init(&item);
    sat_box_name_encode(&(struct sat_box){.space = space->id, .epoch = epoch, .kind = kind, .number = number}, &item);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&item));
    sat_buf_deinit(&item);
    return span;
}

static const struct sat_kit *own_kit(const struct sat_replica *replica)
{
    if (replica->config.mode != SAT_REPLICA_KIT) return NULL;
    struct sat_public_key sign = sat_sign_public(replica->config.key);
    return sat_directory_kit(replica->config.directory, &sign);
}

/* From boxes_next on, as many as one message holds. */
static uint32_t collect_wants(struct replica_step *step, struct sat_span wants[SAT_SPACES_PER_DEVICE_MAX])
{
    struct sat_replica *replica = step->replica;
    const struct sat_replica_config *config = &replica->config;
    const struct sat_directory *directory = config->directory;
    const struct sat_invite *invite = sat_directory_invite(directory, &config->invite);
    const struct sat_kit *kit = own_kit(replica);
    uint64_t kit_until = kit ? sat_directory_kit_until(directory, kit) : 0; /* a former one has no later keys */
    uint32_t n = 0;
    for (; replica->boxes_next < directory->spaces_n && n + 2 <= SAT_SPACES_PER_DEVICE_MAX; replica->boxes_next++) {
        const struct sat_space *space = &directory->spaces[replica->boxes_next];
        uint32_t epoch = kit ? sat_directory_epoch_at(directory, &space->id, kit_until) : space->epoch;
        if (epoch == 0 || !replica_may_read(replica, &space->id)) continue;
        if (config->hooks.have_key(config->hooks.context, &space->id, epoch)) continue;
        if (config->mode == SAT_REPLICA_DEVICE)
            wants[n++] = want_item(step->arena, space, epoch, SAT_BOX_DEVICE, config->device);
        if (kit)
            wants[n++] = want_item(step->arena, space, epoch, SAT_BOX_KIT, kit->seq);
        else if (invite)
            wants[n++] = want_item(step->arena, space, epoch, SAT_BOX_INVITE, invite->seq);
    }
    return n;
}

enum sat_err replica_ask_boxes(struct replica_step *step)
{
    struct sat_replica *replica = step->replica;
    const struct sat_directory *directory = replica->config.directory;
    if (!replica->config.hooks.have_key || replica->boxes_asked) return SAT_OK;
    if (replica->boxes_at != directory->seq) {
        replica->boxes_at = directory->seq;
        replica->boxes_next = 0;
    }
    struct sat_span wants[SAT_SPACES_PER_DEVICE_MAX];
    uint32_t n = collect_wants(step, wants);
    if (n) replica_send_wants(step, (struct sat_list){wants, n});
    return SAT_OK;
}

void replica_send_wants(struct replica_step *step, struct sat_list wants)
{
    struct sat_replica *replica = step->replica;
    struct sat_message message = {.type = SAT_MESSAGE_BOXES_GET};
    message.as.BOXES_GET.wants = wants;
    replica_send(step, &message);
    sat_buf_clear(&replica->boxes_wanted);
    for (uint32_t i = 0; i < wants.n; i++) sat_put_span(&replica->boxes_wanted, wants.at[i]);
    replica->boxes_asked = true;
}

/* The box that was wanted in this place; its name is the question's, whatever the server meant. */
static enum sat_err wanted_box(const struct sat_replica *replica, uint32_t place, struct sat_span bytes,
                               struct sat_box *out)
{
    const uint8_t *name = replica->boxes_wanted.at + (size_t)place * SAT_BOX_NAME_BYTES;
    if (bytes.len != sizeof out->bytes) return SAT_ERR_MALFORMED;
    memcpy(out->bytes, bytes.at, sizeof out->bytes);
    return sat_box_name_decode(sat_span(name, SAT_BOX_NAME_BYTES), out);
}

/* A box that does not open is asked for once more, as it may have been damaged on its way: who leaves his number for
 * another gets none that was sealed to him. Then it is a debt, told by status, never an empty space and never a reason
 * to stop. What answers another question is passed over: an answer that comes once more, or the one to the last word of
 * a device that is let in again by then. */
enum sat_err replica_boxes(struct replica_step *step, const struct sat_message_BOXES *message)
{
    struct sat_replica *replica = step->replica;
    if (!replica->config.hooks.open_box && message->boxes.n)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "no key boxes were asked for");
    size_t wanted = replica->boxes_wanted.len / SAT_BOX_NAME_BYTES;
    if (!replica->boxes_asked || (message->boxes.n == 0 && wanted > 0)) return SAT_OK;
    if (message->boxes.n != wanted)
        return sat_fail(&step->fault, SAT_ERR_PROTOCOL, "the server answered for other key boxes than were asked for");
    bool bad = false;
    enum sat_err err = replica_begin(step);
    for (uint32_t i = 0; !err && i < message->boxes.n; i++) {
        struct sat_box box;
        if (message->boxes.at[i].len == 0) continue; /* there is none */
        err = wanted_box(replica, i, message->boxes.at[i], &box);
        if (err) return err;
        err = replica->config.hooks.open_box(replica->config.hooks.context, &box);
        if (sat_err_is_local(err)) return err;
        bad = bad || err;
        err = SAT_OK;
    }
    replica->boxes_asked = false;
    if (bad && !replica->boxes_again) replica->boxes_next = 0;
    replica->boxes_again = replica->boxes_again || bad;
    replica->version_stale = UINT64_MAX; /* what came before links that were too old, is here */
    return err;
}
