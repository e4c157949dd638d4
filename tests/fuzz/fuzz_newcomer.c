/* The client's role before it is a member: the holder of an invite who joins, or who founds an org, and one server that
 * says what the input says. The first byte says which of the two, and whether the invite names the directory's head;
 * then a byte for what happens and how it is mended, and a piece. Whatever the server says, the store does not fail and
 * agrees with itself, and nobody believes another server, another org, or a directory that the invite does not name. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/links.h"
#include "common/proof/handshake.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mend.h"

enum { COUNTERSIGN_BYTES = 72 };

struct newcomer {
    const struct fuzz_org *org;
    struct satchel device;
    struct sat_entropy_stream stream;
    struct sat_replica *replica;
    struct sat_sign_key invite_key;
    struct sat_hash invite;
    struct sat_link_batch batch; /* that the server was asked to append; owned by the replica */
    bool founds, over;
};

/* ---- What it asks the server to append ---- */

static enum sat_err add_join(struct newcomer *newcomer, struct client_links *links)
{
    const struct sat_invite *invite = sat_directory_invite(&links->ahead, &newcomer->invite);
    struct sat_body_join body = {.invite = newcomer->invite,
                                 .sign = sat_keyring_sign_public(newcomer->device.keyring),
                                 .box = sat_keyring_box_public(newcomer->device.keyring)};
    struct sat_buf buf;
    if (!invite) return SAT_ERR_NOT_FOUND;
    sat_buf_init(&buf);
    sat_body_join_encode(&body, &buf);
    enum sat_err err = client_links_add_join(links, invite, &newcomer->invite_key, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err add_org(struct newcomer *newcomer, struct client_links *links)
{
    static const struct sat_space_id space = {{3}};
    static const uint8_t seed[32] = {4};
    struct sat_body_genesis body = {.version = 1,
                                    .device_sign = sat_keyring_sign_public(newcomer->device.keyring),
                                    .device_box = sat_keyring_box_public(newcomer->device.keyring),
                                    .admin_sign =
                                        sat_sign_public(&sat_keyring_secrets(newcomer->device.keyring)->admin),
                                    .server = sat_sign_public(&newcomer->org->server)};
    struct sat_sign_key kit;
    struct sat_epoch_key key;
    struct sat_buf buf;
    sat_sign_keypair(seed, &body.kit_sign, &kit);
    sat_check(crypto_scalarmult_base(body.kit_box.b, seed) == 0);
    sat_buf_init(&buf);
    sat_body_genesis_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_GENESIS, &buf);
    sat_buf_deinit(&buf);
    return err ? err : client_links_add_space(links, &space, SAT_SPACE_ORG, &key);
}

static enum sat_err build_links(void *context, struct sat_arena *arena, struct sat_link_batch *out)
{
    struct newcomer *newcomer = context;
    struct client_links links;
    newcomer->batch = (struct sat_link_batch){0}; /* the one before is gone */
    enum sat_err err = client_links_begin(&links, &newcomer->device, 0, arena, &newcomer->device.fault);
    if (!err) err = newcomer->founds ? add_org(newcomer, &links) : add_join(newcomer, &links);
    if (!err) client_links_give(&links, out);
    client_links_end(&links);
    if (!err) newcomer->batch = *out;
    return err;
}

static enum sat_err open_box(void *context, const struct sat_box *box)
{
    struct newcomer *newcomer = context;
    return sat_keys_open_box(newcomer->device.keys, &newcomer->device.directory, box, NULL, NULL);
}

static bool have_key(void *context, const struct sat_space_id *space, uint32_t epoch)
{
    struct newcomer *newcomer = context;
    return sat_keys_have(newcomer->device.keys, space, epoch);
}

/* ---- What the server says ---- */

static void check_sent(struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    fuzz_must(sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message));
    sat_arena_deinit(&arena);
}

static void step(struct newcomer *newcomer, enum sat_event_kind kind, struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    sat_actions_init(&actions, &arena);
    struct sat_event event = {.kind = kind, .peer = 1, .bytes = bytes};
    fuzz_must(sat_replica_step(newcomer->replica, newcomer->org->now_ms, &event, 1, &actions));
    for (const struct sat_action *action = actions.first; action; action = action->next) {
        if (action->kind == SAT_ACTION_SEND) check_sent(action->bytes);
        if (action->kind == SAT_ACTION_CLOSE) newcomer->over = true;
        bool told = action->kind == SAT_ACTION_NOTICE && action->notice == SAT_NOTICE_FAILED;
        if (told) fuzz_check_sentence(action->text);
    }
    sat_arena_deinit(&arena);
}

static struct sat_hash org_of(const struct newcomer *newcomer)
{
    static const struct sat_hash none;
    if (!newcomer->founds) return newcomer->org->id;
    return newcomer->batch.n ? sat_link_org(&newcomer->batch.links[0]) : none;
}

/* The countersignatures of what was asked for. */
static void mend_appended(const struct newcomer *newcomer, struct sat_message_APPENDED *message,
                          struct sat_arena *arena)
{
    struct sat_span *items = sat_arena_array(arena, newcomer->batch.n, sizeof *items);
    struct sat_hash org = org_of(newcomer);
    for (uint32_t i = 0; i < newcomer->batch.n; i++) {
        struct sat_countersign sign;
        struct sat_buf buf;
        sat_buf_init(&buf);
        sat_countersign(&newcomer->batch.links[i], newcomer->org->now_ms, &org, &newcomer->org->server, &sign);
        sat_put_u64(&buf, sign.time_ms);
        sat_put_bytes(&buf, sign.signature.b, sizeof sign.signature.b);
        sat_check(buf.len == COUNTERSIGN_BYTES);
        items[i] = sat_span_copy(arena, sat_buf_span(&buf));
        sat_buf_deinit(&buf);
    }
    message->signs = (struct sat_list){items, newcomer->batch.n};
}

static void mend_links(const struct newcomer *newcomer, struct sat_message_LINKS *message, enum fuzz_mending how,
                       struct sat_arena *arena)
{
    struct sat_span *items = sat_arena_array(arena, message->links.n, sizeof *items);
    for (uint32_t i = 0; i < message->links.n; i++)
        items[i] = fuzz_mend_signed_link(message->links.at[i], &newcomer->device.directory, how, arena);
    message->links.at = items;
    if (how == FUZZ_PLACED) message->first_seq = newcomer->device.directory.seq + 1;
}

/* To who holds an invite, the hello of the org's own server. */
static void mend_hello(const struct newcomer *newcomer, struct sat_message_HELLO *message, enum fuzz_mending how)
{
    static const struct sat_hash none;
    if (how == FUZZ_PLACED && !newcomer->founds) {
        const struct sat_link_row *last = &newcomer->org->links[newcomer->org->links_n - 1];
        struct sat_link link;
        fuzz_must(sat_link_decode(last->bytes, &link));
        struct sat_hash id = sat_link_id(&link);
        message->version = SAT_PROTOCOL_VERSION;
        message->binding_kind = SAT_BINDING_NONE;
        message->dir_seq = last->seq;
        memcpy(message->dir_hash, id.b, sizeof message->dir_hash);
        how = FUZZ_SIGNED;
    }
    fuzz_mend_hello(message, newcomer->replica, newcomer->founds ? &none : &newcomer->org->id,
                    &newcomer->device.directory, how);
}

static void hear_mended(struct newcomer *newcomer, struct sat_span bytes, enum fuzz_mending how)
{
    struct sat_arena arena;
    struct sat_message message;
    struct sat_buf mended;
    sat_arena_init(&arena);
    sat_buf_init(&mended);
    if (how != FUZZ_AS_IT_IS && sat_message_decode(bytes, SAT_SENDER_SERVER, &arena, &message) == SAT_OK) {
        if (message.type == SAT_MESSAGE_HELLO) mend_hello(newcomer, &message.as.HELLO, how);
        if (message.type == SAT_MESSAGE_LINKS) mend_links(newcomer, &message.as.LINKS, how, &arena);
        if (message.type == SAT_MESSAGE_APPENDED) mend_appended(newcomer, &message.as.APPENDED, &arena);
        sat_message_encode(&message, &mended);
        bytes = sat_buf_span(&mended);
    }
    uint8_t *exact = malloc(bytes.len ? bytes.len : 1); /* so that reading behind its end is seen */
    sat_check(exact != NULL);
    if (bytes.len) memcpy(exact, bytes.at, bytes.len);
    step(newcomer, SAT_EVENT_MESSAGE, sat_span(exact, bytes.len));
    free(exact);
    sat_buf_deinit(&mended);
    sat_arena_deinit(&arena);
}

/* All links of the org, as its server has them. */
static void hear_directory(struct newcomer *newcomer)
{
    struct sat_arena arena;
    struct sat_message message = {.type = SAT_MESSAGE_LINKS};
    struct sat_buf bytes;
    sat_arena_init(&arena);
    struct sat_span *items = sat_arena_array(&arena, newcomer->org->links_n, sizeof *items);
    for (uint32_t i = 0; i < newcomer->org->links_n; i++) {
        const struct sat_link_row *row = &newcomer->org->links[i];
        sat_buf_init(&bytes);
        sat_put_span(&bytes, row->bytes);
        sat_put_u64(&bytes, row->sign.time_ms);
        sat_put_bytes(&bytes, row->sign.signature.b, sizeof row->sign.signature.b);
        items[i] = sat_span_copy(&arena, sat_buf_span(&bytes));
        sat_buf_deinit(&bytes);
    }
    message.as.LINKS = (struct sat_message_LINKS){.first_seq = 1, .links = {items, newcomer->org->links_n}};
    sat_buf_init(&bytes);
    sat_message_encode(&message, &bytes);
    step(newcomer, SAT_EVENT_MESSAGE, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

/* ---- The newcomer ---- */

/* Its keys are the same in every input; to make them takes longer than most. */
static struct sat_keyring *the_keyring(void)
{
    static struct sat_keyring *keyring;
    static struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 3);
    if (keyring) return keyring;
    fuzz_must(sat_keyring_new(&entropy, &keyring));
    sat_keyring_make_admin(keyring, &entropy);
    return keyring;
}

static void open_device(struct newcomer *newcomer)
{
    static const struct sat_hash none;
    struct satchel *device = &newcomer->device;
    struct sat_fault fault = {0};
    *device = (struct satchel){.lock = -1, .entropy = sat_entropy_seeded(&newcomer->stream, 1)};
    device->keyring = the_keyring();
    sat_keyring_set_member(device->keyring, newcomer->founds ? &none : &newcomer->org->id, newcomer->founds ? 1 : 0);
    fuzz_must(sat_store_open(":memory:", SAT_STORE_CREATE, &device->store, &fault));
    sat_directory_init(&device->directory);
    fuzz_must(sat_keys_new(device->store, device->keyring, &device->entropy, &device->keys));
}

static void begin(struct newcomer *newcomer, uint8_t how)
{
    struct sat_public_key sign, box;
    newcomer->org = fuzz_org();
    newcomer->founds = how & 1;
    open_device(newcomer);
    fuzz_invite_keys(newcomer->org->links_n + 1, &newcomer->invite_key, &sign, &box);
    newcomer->invite = sat_invite_id(&sign, &box);
    struct sat_replica_config config = {
        .mode = newcomer->founds ? SAT_REPLICA_CREATE : SAT_REPLICA_INVITEE,
        .store = newcomer->device.store,
        .directory = &newcomer->device.directory,
        .server = sat_sign_public(&newcomer->org->server),
        .key = newcomer->founds ? &sat_keyring_secrets(newcomer->device.keyring)->sign : &newcomer->invite_key,
        .entropy = newcomer->device.entropy,
        .directory_only = true,
        .hooks = {.context = newcomer, .build_links = build_links, .open_box = open_box, .have_key = have_key},
    };
    if (newcomer->founds) config.token = sat_span_text("a token");
    if (!newcomer->founds) config.org = newcomer->org->id;
    if (!newcomer->founds) config.invite = newcomer->invite;
    if (how & 2) config.trust_seq = newcomer->org->links_n; /* of a hash of zeros: none has that */
    fuzz_must(sat_replica_new(&config, &newcomer->replica));
    step(newcomer, SAT_EVENT_OPENED, (struct sat_span){0});
}

static void end(struct newcomer *newcomer)
{
    fuzz_check_store(newcomer->device.store, &newcomer->device.directory);
    sat_replica_free(newcomer->replica);
    sat_keys_free(newcomer->device.keys);
    sat_directory_deinit(&newcomer->device.directory);
    sat_store_close(newcomer->device.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct newcomer newcomer = {0};
    uint8_t how = fuzz_byte(&input);
    begin(&newcomer, how);
    while (input.len && !newcomer.over) {
        uint8_t what = fuzz_byte(&input);
        if (what % 4 == 3)
            hear_directory(&newcomer);
        else
            hear_mended(&newcomer, fuzz_piece(&input), what % 4);
    }
    struct sat_hash org = org_of(&newcomer);
    sat_check(newcomer.device.directory.seq == 0 || sat_hash_equal(&newcomer.device.directory.org, &org));
    sat_check(!(how & 2) || newcomer.founds || newcomer.over || newcomer.device.directory.seq < newcomer.org->links_n);
    end(&newcomer);
    return 0;
}
