#include "tests/fuzz/mend.h"

#include <sodium.h>
#include <string.h>

#include "common/proof/handshake.h"
#include "tests/fuzz/fuzz.h"

enum { COUNTERSIGN_BYTES = 72 };

static struct sat_span encoded(struct sat_buf *buf, struct sat_arena *arena)
{
    struct sat_span copy = sat_span_copy(arena, sat_buf_span(buf));
    sat_buf_deinit(buf);
    return copy;
}

/* ---- Links ---- */

enum role { ROLE_SIGN, ROLE_BOX, ROLE_ADMIN, ROLE_KIT, ROLE_KIT_BOX };

/* The key of an invite (`of` is its position) or of the device that joins by it, or of a kit. */
static struct sat_public_key known_key(bool invite, uint64_t of, enum role role, struct sat_sign_key *secret)
{
    uint8_t seed[32] = {invite, (uint8_t)role, (uint8_t)of, (uint8_t)(of >> 8)};
    struct sat_public_key key;
    sat_sign_keypair(seed, &key, secret);
    if (role == ROLE_BOX || role == ROLE_KIT_BOX) sat_check(crypto_scalarmult_base(key.b, seed) == 0);
    return key;
}

static struct sat_span with_known_keys(struct sat_body_invite *body, uint64_t seq, struct sat_arena *arena)
{
    struct sat_sign_key secret;
    struct sat_buf buf;
    body->sign = known_key(true, seq, ROLE_SIGN, &secret);
    body->box = known_key(true, seq, ROLE_BOX, &secret);
    sat_buf_init(&buf);
    sat_body_invite_encode(body, &buf);
    return encoded(&buf, arena);
}

/* The newest mended invite; NULL: there is none. */
static const struct sat_invite *find_invite(const struct sat_directory *directory)
{
    for (uint32_t i = directory->invites_n; i-- > 0;) {
        struct sat_sign_key secret;
        const struct sat_invite *invite = &directory->invites[i];
        struct sat_public_key key = known_key(true, invite->seq, ROLE_SIGN, &secret);
        if (memcmp(key.b, invite->sign.b, sizeof key.b) == 0) return invite;
    }
    return NULL;
}

static void sign_join(struct sat_link *link, struct sat_body_join *body, const struct sat_directory *directory,
                      struct sat_arena *arena)
{
    const struct sat_invite *invite = find_invite(directory);
    struct sat_sign_key secret, device;
    struct sat_buf buf;
    bool admin = !sodium_is_zero(body->admin_sign.b, sizeof body->admin_sign.b);
    if (!invite) return;
    body->invite = invite->id;
    body->box = known_key(false, link->seq, ROLE_BOX, &secret);
    if (admin) body->admin_sign = known_key(false, link->seq, ROLE_ADMIN, &secret);
    body->sign = known_key(false, link->seq, ROLE_SIGN, &device);
    sat_buf_init(&buf);
    sat_body_join_encode(body, &buf);
    link->body = encoded(&buf, arena);
    link->author = directory->devices_n + 1;
    sat_link_finish(link, arena);
    (void)known_key(true, invite->seq, ROLE_SIGN, &secret);
    sat_link_sign(link, SAT_SIGNER_INVITE, (uint32_t)invite->seq, &directory->org, &secret);
    sat_link_sign(link, SAT_SIGNER_DEVICE, link->author, &directory->org, &device);
}

static void with_known_kit(struct sat_body_kit *body, uint64_t seq)
{
    struct sat_sign_key secret;
    body->kit_sign = known_key(false, seq, ROLE_KIT, &secret);
    body->kit_box = known_key(false, seq, ROLE_KIT_BOX, &secret);
    if (body->user == 0) return;
    body->device_sign = known_key(false, seq, ROLE_SIGN, &secret);
    body->device_box = known_key(false, seq, ROLE_BOX, &secret);
    body->admin_sign = known_key(false, seq, ROLE_ADMIN, &secret);
}

/* By a new device and one of the kits that ever were, which the input's author number chooses. */
static void sign_by_kit(struct sat_link *link, uint32_t choice, const struct sat_directory *directory,
                        struct sat_arena *arena)
{
    struct sat_sign_key device, secret = fuzz_org()->kit;
    uint64_t kit = directory->kits_n ? directory->kits[choice % directory->kits_n].seq : 0;
    link->author = directory->devices_n + 1;
    sat_link_finish(link, arena);
    (void)known_key(false, link->seq, ROLE_SIGN, &device);
    if (kit > 1) (void)known_key(false, kit, ROLE_KIT, &secret);
    sat_link_sign(link, SAT_SIGNER_DEVICE, link->author, &directory->org, &device);
    sat_link_sign(link, SAT_SIGNER_KIT, (uint32_t)kit, &directory->org, &secret);
}

/* Is it of those that a kit signs? Then its new keys are known. */
static bool mend_kit(struct sat_link *link, struct sat_arena *arena)
{
    struct sat_body_repudiate body = {0};
    struct sat_buf buf;
    bool repudiates = link->type == SAT_LINK_REPUDIATE;
    if (link->type != SAT_LINK_KIT && !repudiates) return false;
    if (repudiates ? sat_body_repudiate_decode(link->body, &body) : sat_body_kit_decode(link->body, &body.kit))
        return false;
    with_known_kit(&body.kit, link->seq);
    sat_buf_init(&buf);
    if (repudiates)
        sat_body_repudiate_encode(&body, &buf);
    else
        sat_body_kit_encode(&body.kit, &buf);
    link->body = encoded(&buf, arena);
    return body.kit.user != 0;
}

static void sign_by_admin(struct sat_link *link, const struct sat_directory *directory, struct sat_arena *arena)
{
    const struct fuzz_org *org = fuzz_org();
    sat_link_finish(link, arena);
    sat_link_sign(link, SAT_SIGNER_DEVICE, 1, &directory->org, org->signing[0]);
    if (link->type != SAT_LINK_EPOCH && link->type != SAT_LINK_EXPEL)
        sat_link_sign(link, SAT_SIGNER_ADMIN, 1, &directory->org, org->admin);
}

struct sat_span fuzz_mend_link(struct sat_span bytes, const struct sat_directory *directory, enum fuzz_mending how,
                               struct sat_arena *arena)
{
    struct sat_link link;
    struct sat_body_invite invite;
    struct sat_body_join join;
    struct sat_buf buf;
    if (how == FUZZ_AS_IT_IS || sat_link_decode(bytes, &link)) return bytes;
    if (link.message.len + 512 > SAT_LINK_BYTES_MAX) return bytes; /* no room for other signatures */
    link.signatures_n = 0;
    uint32_t choice = link.author;
    if (how == FUZZ_PLACED) {
        link.seq = directory->seq + 1;
        link.prev = sat_directory_hash_at(directory, directory->seq);
        link.author = 1;
    }
    if (link.type == SAT_LINK_INVITE && sat_body_invite_decode(link.body, &invite) == SAT_OK)
        link.body = with_known_keys(&invite, link.seq, arena);
    if (link.type == SAT_LINK_JOIN && sat_body_join_decode(link.body, &join) == SAT_OK)
        sign_join(&link, &join, directory, arena);
    else if (mend_kit(&link, arena))
        sign_by_kit(&link, choice, directory, arena);
    else
        sign_by_admin(&link, directory, arena);
    sat_buf_init(&buf);
    sat_link_encode(&link, &buf);
    return encoded(&buf, arena);
}

void fuzz_invite_keys(uint64_t seq, struct sat_sign_key *sign, struct sat_public_key *sign_public,
                      struct sat_public_key *box_public)
{
    struct sat_sign_key secret;
    *sign_public = known_key(true, seq, ROLE_SIGN, sign);
    *box_public = known_key(true, seq, ROLE_BOX, &secret);
}

struct sat_span fuzz_mend_signed_link(struct sat_span item, const struct sat_directory *directory,
                                      enum fuzz_mending how, struct sat_arena *arena)
{
    struct sat_link link;
    struct sat_countersign sign;
    struct sat_buf bytes;
    if (how == FUZZ_AS_IT_IS || item.len < COUNTERSIGN_BYTES) return item;
    struct sat_span mended = fuzz_mend_link(sat_span(item.at, item.len - COUNTERSIGN_BYTES), directory, how, arena);
    if (sat_link_decode(mended, &link)) return item;
    struct sat_reader reader;
    sat_reader_init(&reader, sat_span(item.at + item.len - COUNTERSIGN_BYTES, 8));
    uint64_t time_ms = how == FUZZ_PLACED ? directory->time_ms : sat_take_u64(&reader);
    struct sat_hash org = link.type == SAT_LINK_GENESIS ? sat_link_org(&link) : directory->org;
    sat_countersign(&link, time_ms, &org, &fuzz_org()->server, &sign);
    sat_buf_init(&bytes);
    sat_put_span(&bytes, mended);
    sat_put_u64(&bytes, sign.time_ms);
    sat_put_bytes(&bytes, sign.signature.b, sizeof sign.signature.b);
    return encoded(&bytes, arena);
}

/* ---- Hellos ---- */

void fuzz_mend_hello(struct sat_message_HELLO *message, const struct sat_replica *replica, const struct sat_hash *org,
                     const struct sat_directory *directory, enum fuzz_mending how)
{
    struct sat_hello hello = {.time_ms = message->time_ms, .dir_seq = message->dir_seq};
    sat_replica_nonce(replica, hello.client_nonce);
    memcpy(hello.server_nonce, message->server_nonce, sizeof hello.server_nonce);
    memcpy(hello.dir_hash.b, message->dir_hash, sizeof hello.dir_hash.b);
    if (how == FUZZ_PLACED) {
        hello.dir_seq = message->dir_seq = directory->seq;
        hello.dir_hash = sat_directory_hash_at(directory, directory->seq);
        memcpy(message->dir_hash, hello.dir_hash.b, sizeof hello.dir_hash.b);
        message->version = SAT_PROTOCOL_VERSION;
        message->binding_kind = SAT_BINDING_NONE;
    }
    struct sat_signature signature = sat_hello_sign(&hello, org, &fuzz_org()->server);
    memcpy(message->signature, signature.b, sizeof signature.b);
}

/* ---- Bundles ---- */

static void put_in_place(struct sat_manifest *m, const struct fuzz_place *place)
{
    struct sat_bundle_row tip;
    bool found;
    fuzz_must(sat_store_bundle_tip(place->store, place->space->sid, place->device, false, &tip, &found));
    m->prev = found ? tip.id : (struct sat_hash){0};
    if (found && m->first < tip.first + tip.count) m->first = tip.first + tip.count;
    m->suite = SAT_SUITE_1;
    m->device = place->device;
    m->dir_seq = place->directory->seq;
    m->dir_hash = sat_directory_hash_at(place->directory, m->dir_seq);
    m->epoch = sat_directory_epoch_at(place->directory, &m->space, m->dir_seq);
    m->log_epoch = place->space->log_epoch;
    m->w_size = place->space->log.size;
    m->w_root = sat_frontier_root(&place->space->log);
}

struct sat_span fuzz_mend_bundle(struct sat_span bytes, const struct fuzz_place *place, enum fuzz_mending how,
                                 struct sat_arena *arena)
{
    struct sat_bundle bundle;
    struct sat_buf buf;
    bool known = place->device >= 1 && place->device <= FUZZ_DEVICES;
    if (how == FUZZ_AS_IT_IS || !known) return bytes;
    if (sat_bundle_decode(bytes, &place->directory->org, &place->space->id, arena, &bundle)) return bytes;
    enum sat_bundle_form form = bundle.form;
    if (how == FUZZ_PLACED) put_in_place(&bundle.manifest, place);
    if (how == FUZZ_PLACED) bundle.form = SAT_BUNDLE_FULL;
    bundle.signature = sat_bundle_sign(&bundle.manifest, fuzz_org()->signing[place->device - 1]);
    sat_buf_init(&buf);
    sat_bundle_encode(&bundle, form, &buf);
    if (buf.len > SAT_BUNDLE_BYTES_MAX) sat_buf_clear(&buf);
    return buf.len ? encoded(&buf, arena) : bytes;
}
