/* A directory to try things on: keys that follow from their numbers, links that are signed as they must be unless a
 * test says otherwise, and a clock that stands still. For the tests of the directory. */
#ifndef TESTS_UNIT_DIRECTORY_WORLD_H
#define TESTS_UNIT_DIRECTORY_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/proof/directory.h"
#include "common/proof/hash.h"

#define NOW_MS UINT64_C(1800000000000)
#define HOUR_MS UINT64_C(3600000)
#define RW (SAT_RIGHT_READ | SAT_RIGHT_WRITE)

enum { ACTIVE = 1, SUSPENDED = 2 };

struct world {
    struct sat_directory directory;
    struct sat_arena arena;
    uint64_t now_ms;
    uint32_t device, admin; /* whose keys sign what is made: device 1's and its admin key, unless a test changes them */
    uint32_t cosigner, kit; /* a device whose admin key, and the link whose kit signs as well; 0: none */
    struct sat_fault fault;
};

/* ---- Keys: 'd'evice, 'a'dmin's of a device, 'i'nvite, 'k'it by its link, 's'erver ---- */

static inline void key_seed(char owner, uint32_t number, uint8_t seed[32])
{
    memset(seed, owner, 32);
    memcpy(seed + 8, &number, sizeof number); /* X25519 ignores bits of the first and the last byte */
}

static inline struct sat_sign_key sign_key(char owner, uint32_t number)
{
    uint8_t seed[32];
    struct sat_public_key public_key;
    struct sat_sign_key key;
    key_seed(owner, number, seed);
    sat_sign_keypair(seed, &public_key, &key);
    return key;
}

static inline struct sat_public_key sign_public(char owner, uint32_t number)
{
    struct sat_sign_key key = sign_key(owner, number);
    return sat_sign_public(&key);
}

static inline struct sat_public_key box_public(char owner, uint32_t number)
{
    uint8_t seed[32];
    struct sat_public_key key;
    key_seed(owner, number, seed);
    crypto_scalarmult_base(key.b, seed);
    return key;
}

static inline struct sat_space_id space_id(uint8_t n)
{
    return (struct sat_space_id){{0x01, 0x90, [15] = n}};
}

static inline struct sat_hash invite_id(uint32_t n)
{
    struct sat_public_key sign = sign_public('i', n), box = box_public('i', n);
    return sat_invite_id(&sign, &box);
}

/* ---- Links ---- */

/* Takes the body. */
static inline struct sat_link draft(struct world *world, uint16_t type, struct sat_buf *body)
{
    struct sat_link link = {
        .seq = world->directory.seq + 1,
        .prev = sat_directory_hash_at(&world->directory, world->directory.seq),
        .author = world->device,
        .type = type,
        .critical = 1,
        .suite = 1,
        .body = sat_span_copy(&world->arena, sat_buf_span(body)),
    };
    sat_buf_deinit(body);
    sat_link_finish(&link, &world->arena);
    return link;
}

static inline void sign_as(struct world *world, struct sat_link *link, char owner, uint32_t key, uint8_t kind,
                           uint32_t number)
{
    struct sat_sign_key secret = sign_key(owner, key);
    sat_link_sign(link, kind, number, &world->directory.org, &secret);
}

static inline void act_as(struct world *world, uint32_t device)
{
    world->device = world->admin = device;
}

/* Writes M anew after a test changed a member, and signs as an admin does. */
static inline void sign_admin_link(struct world *world, struct sat_link *link)
{
    link->signatures_n = 0;
    sat_link_finish(link, &world->arena);
    sign_as(world, link, 'd', world->device, SAT_SIGNER_DEVICE, world->device);
    sign_as(world, link, 'a', world->admin, SAT_SIGNER_ADMIN, world->admin);
    if (world->cosigner) sign_as(world, link, 'a', world->cosigner, SAT_SIGNER_ADMIN, world->cosigner);
    if (world->kit) sign_as(world, link, 'k', world->kit, SAT_SIGNER_KIT, world->kit);
}

static inline void sign_member_link(struct world *world, struct sat_link *link)
{
    link->signatures_n = 0;
    sat_link_finish(link, &world->arena);
    sign_as(world, link, 'd', world->device, SAT_SIGNER_DEVICE, world->device);
}

static inline struct sat_link admin_link(struct world *world, uint16_t type, struct sat_buf *body)
{
    struct sat_link link = draft(world, type, body);
    sign_admin_link(world, &link);
    return link;
}

static inline struct sat_body_genesis genesis_body(void)
{
    return (struct sat_body_genesis){
        .version = 1,
        .random = {1, 2, 3},
        .device_sign = sign_public('d', 1),
        .device_box = box_public('d', 1),
        .admin_sign = sign_public('a', 1),
        .kit_sign = sign_public('k', 1),
        .kit_box = box_public('k', 1),
        .server = sign_public('s', 1),
    };
}

static inline struct sat_link genesis_link(struct world *world, const struct sat_body_genesis *body)
{
    struct sat_buf buf = {0};
    sat_body_genesis_encode(body, &buf);
    return admin_link(world, SAT_LINK_GENESIS, &buf);
}

static inline struct sat_link user_link(struct world *world, uint32_t user, uint8_t role, uint8_t state)
{
    struct sat_buf buf = {0};
    sat_body_user_encode(&(struct sat_body_user){user, role, state}, &buf);
    return admin_link(world, SAT_LINK_USER, &buf);
}

static inline struct sat_link role_link(struct world *world, uint32_t user, uint8_t role)
{
    struct sat_buf buf = {0};
    sat_body_role_encode(&(struct sat_body_role){user, role}, &buf);
    return admin_link(world, SAT_LINK_ROLE, &buf);
}

static inline struct sat_link space_link(struct world *world, uint8_t space, uint8_t kind)
{
    struct sat_buf buf = {0};
    sat_body_space_encode(&(struct sat_body_space){space_id(space), kind}, &buf);
    return admin_link(world, SAT_LINK_SPACE, &buf);
}

static inline struct sat_link grant_link(struct world *world, uint8_t space, uint32_t user, uint8_t rights)
{
    struct sat_buf buf = {0};
    sat_body_grant_encode(&(struct sat_body_grant){.space = space_id(space), .user = user, .rights = rights}, &buf);
    return admin_link(world, SAT_LINK_GRANT, &buf);
}

static inline struct sat_body_epoch epoch_body(uint8_t space, uint32_t number)
{
    struct sat_body_epoch body = {
        .space = space_id(space), .epoch = number, .suite = 1, .kc = {{0x4b, (uint8_t)number}}};
    if (number > 1) body.chain[0] = 1;
    return body;
}

static inline struct sat_link epoch_link_of(struct world *world, const struct sat_body_epoch *body)
{
    struct sat_buf buf = {0};
    sat_body_epoch_encode(body, &buf);
    struct sat_link link = draft(world, SAT_LINK_EPOCH, &buf);
    sign_member_link(world, &link);
    return link;
}

static inline struct sat_link epoch_link(struct world *world, uint8_t space, uint32_t number)
{
    struct sat_body_epoch body = epoch_body(space, number);
    return epoch_link_of(world, &body);
}

static inline struct sat_body_invite invite_body(struct world *world, uint32_t n, uint32_t user, uint8_t role)
{
    return (struct sat_body_invite){
        .sign = sign_public('i', n),
        .box = box_public('i', n),
        .user = user,
        .role = role,
        .expires_ms = world->now_ms + HOUR_MS,
    };
}

static inline struct sat_link invite_link_of(struct world *world, const struct sat_body_invite *body)
{
    struct sat_buf buf = {0};
    sat_body_invite_encode(body, &buf);
    return admin_link(world, SAT_LINK_INVITE, &buf);
}

static inline struct sat_link invite_link(struct world *world, uint32_t n, uint32_t user, uint8_t role)
{
    struct sat_body_invite body = invite_body(world, n, user, role);
    return invite_link_of(world, &body);
}

static inline struct sat_link cancel_link(struct world *world, uint32_t n)
{
    struct sat_buf buf = {0};
    sat_body_invite_cancel_encode(&(struct sat_body_invite_cancel){invite_id(n)}, &buf);
    return admin_link(world, SAT_LINK_INVITE_CANCEL, &buf);
}

static inline struct sat_body_join join_body(uint32_t invite, uint32_t device)
{
    return (struct sat_body_join){
        .invite = invite_id(invite),
        .sign = sign_public('d', device),
        .box = box_public('d', device),
    };
}

/* Signed by invite key `invite` and by the device's; unsigned where there is no such invite to name. */
static inline struct sat_link join_link_of(struct world *world, uint32_t invite, uint32_t device,
                                           const struct sat_body_join *body)
{
    struct sat_buf buf = {0};
    sat_body_join_encode(body, &buf);
    struct sat_link link = draft(world, SAT_LINK_JOIN, &buf);
    link.author = device;
    sat_link_finish(&link, &world->arena);
    const struct sat_invite *known = sat_directory_invite(&world->directory, &body->invite);
    sign_as(world, &link, 'i', invite, SAT_SIGNER_INVITE, known ? (uint32_t)known->seq : 0);
    sign_as(world, &link, 'd', device, SAT_SIGNER_DEVICE, device);
    return link;
}

static inline struct sat_link join_link(struct world *world, uint32_t invite, uint32_t device)
{
    struct sat_body_join body = join_body(invite, device);
    return join_link_of(world, invite, device, &body);
}

/* By device `parent`, of which the next one is the copy. */
static inline struct sat_link reindex_link(struct world *world, uint32_t parent)
{
    uint32_t device = world->directory.devices_n + 1;
    struct sat_body_reindex body = {.parent = parent, .sign = sign_public('d', device), .box = box_public('d', device)};
    struct sat_buf buf = {0};
    sat_body_reindex_encode(&body, &buf);
    struct sat_link link = draft(world, SAT_LINK_REINDEX, &buf);
    link.author = parent;
    sat_link_finish(&link, &world->arena);
    sign_as(world, &link, 'd', parent, SAT_SIGNER_DEVICE, parent);
    sign_as(world, &link, 'd', device, SAT_SIGNER_DEVICE, device);
    return link;
}

static inline struct sat_body_revoke revoke_body(uint32_t device)
{
    return (struct sat_body_revoke){.device = device};
}

/* By an admin's or a manager's device, or signed by the device alone where it leaves. */
static inline struct sat_link revoke_link_of(struct world *world, const struct sat_body_revoke *body)
{
    struct sat_buf buf = {0};
    sat_body_revoke_encode(body, &buf);
    struct sat_link link = admin_link(world, SAT_LINK_REVOKE, &buf);
    if (body->device == world->device) sign_member_link(world, &link);
    return link;
}

static inline struct sat_link revoke_link(struct world *world, uint32_t device)
{
    struct sat_body_revoke body = revoke_body(device);
    return revoke_link_of(world, &body);
}

static inline struct sat_link wipe_link(struct world *world, uint32_t device)
{
    struct sat_buf buf = {0};
    sat_body_wipe_encode(&(struct sat_body_wipe){device}, &buf);
    return admin_link(world, SAT_LINK_WIPE, &buf);
}

static inline struct sat_link accept_link_of(struct world *world, const struct sat_body_accept *body)
{
    struct sat_buf buf = {0};
    sat_body_accept_encode(body, &buf);
    return admin_link(world, SAT_LINK_ACCEPT, &buf);
}

static inline struct sat_link approve_link(struct world *world, uint32_t device)
{
    struct sat_body_accept body = {.what = SAT_ACCEPT_DEVICE, .device = device};
    return accept_link_of(world, &body);
}

static inline struct sat_link decide_link(struct world *world, uint8_t what, uint32_t device, uint8_t space,
                                          uint8_t bundle)
{
    struct sat_body_accept body = {.what = what, .device = device, .space = space_id(space), .bundle = {{bundle}}};
    return accept_link_of(world, &body);
}

static inline struct sat_link policy_link(struct world *world, uint16_t key, uint64_t value)
{
    struct sat_buf buf = {0};
    sat_body_policy_encode(&(struct sat_body_policy){.values = {{key, value}}, .values_n = 1}, &buf);
    return admin_link(world, SAT_LINK_POLICY, &buf);
}

static inline struct sat_link mass_change_link(struct world *world, uint8_t space, uint32_t device, uint64_t first,
                                               uint64_t last)
{
    struct sat_buf buf = {0};
    sat_body_mass_change_encode(&(struct sat_body_mass_change){space_id(space), device, first, last}, &buf);
    return admin_link(world, SAT_LINK_MASS_CHANGE, &buf);
}

/* By the device's own key alone. */
static inline struct sat_link expel_link(struct world *world, uint32_t device)
{
    struct sat_buf buf = {0};
    sat_body_expel_encode(&(struct sat_body_expel){device}, &buf);
    struct sat_link link = draft(world, SAT_LINK_EXPEL, &buf);
    sign_member_link(world, &link);
    return link;
}

/* The kit of a link has its position for a number. */
static inline struct sat_body_kit kit_body(const struct world *world)
{
    uint32_t seq = (uint32_t)world->directory.seq + 1;
    return (struct sat_body_kit){.kit_sign = sign_public('k', seq), .kit_box = box_public('k', seq)};
}

static inline struct sat_link kit_link_of(struct world *world, const struct sat_body_kit *body)
{
    struct sat_buf buf = {0};
    sat_body_kit_encode(body, &buf);
    return admin_link(world, SAT_LINK_KIT, &buf);
}

static inline struct sat_body_kit recovery_body(const struct world *world, uint32_t user, uint32_t device)
{
    struct sat_body_kit body = kit_body(world);
    body.user = user;
    body.device_sign = sign_public('d', device);
    body.device_box = box_public('d', device);
    body.admin_sign = sign_public('a', device);
    return body;
}

/* Signed by the new device and by the kit of link `kit`. */
static inline struct sat_link recovery_link_of(struct world *world, uint32_t device, uint32_t kit,
                                               const struct sat_body_kit *body)
{
    struct sat_buf buf = {0};
    sat_body_kit_encode(body, &buf);
    struct sat_link link = draft(world, SAT_LINK_KIT, &buf);
    link.author = device;
    sat_link_finish(&link, &world->arena);
    sign_as(world, &link, 'd', device, SAT_SIGNER_DEVICE, device);
    sign_as(world, &link, 'k', kit, SAT_SIGNER_KIT, kit);
    return link;
}

/* Signed by the next device, which is user `user`'s, and by the kit of link `kit`. */
static inline struct sat_link repudiate_link_of(struct world *world, uint32_t kit,
                                                const struct sat_body_repudiate *body)
{
    struct sat_buf buf = {0};
    uint32_t next = world->directory.devices_n + 1;
    sat_body_repudiate_encode(body, &buf);
    struct sat_link link = draft(world, SAT_LINK_REPUDIATE, &buf);
    link.author = next;
    sat_link_finish(&link, &world->arena);
    sign_as(world, &link, 'd', next, SAT_SIGNER_DEVICE, next);
    sign_as(world, &link, 'k', kit, SAT_SIGNER_KIT, kit);
    return link;
}

static inline struct sat_link repudiate_link(struct world *world, uint32_t device, uint64_t from_seq, uint32_t user,
                                             uint32_t kit)
{
    struct sat_body_repudiate body = {
        .device = device, .from_seq = from_seq, .kit = recovery_body(world, user, world->directory.devices_n + 1)};
    return repudiate_link_of(world, kit, &body);
}

/* ---- Applying ---- */

static inline enum sat_err apply(struct world *world, const struct sat_link *link)
{
    struct sat_sign_key server = sign_key('s', 1);
    struct sat_hash org = link->type == SAT_LINK_GENESIS ? sat_link_org(link) : world->directory.org;
    struct sat_countersign sign;
    world->fault = (struct sat_fault){0};
    sat_countersign(link, world->now_ms, &org, &server, &sign);
    return sat_directory_apply(&world->directory, link, &sign, 0, SAT_DIRECTORY_VERIFY, &world->fault);
}

/* Applies and gives the position. */
static inline uint64_t must(struct world *world, struct sat_link link)
{
    enum sat_err err = apply(world, &link);
    if (err) print_error("%s: %s\n", sat_link_type_name(link.type), world->fault.text);
    assert_int_equal(err, SAT_OK);
    assert_int_equal(world->directory.seq, link.seq);
    return link.seq;
}

static inline uint8_t rights(const struct world *world, uint8_t space, uint32_t user, uint64_t seq)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_rights(&world->directory, &id, user, seq);
}

/* All that a directory holds and answers, in one hash. */
static inline struct sat_hash fingerprint(const struct world *world)
{
    const struct sat_directory *d = &world->directory;
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "test");
    sat_hash_add(&hasher, d, sizeof *d); /* the numbers, and that nothing moved */
    sat_hash_add(&hasher, d->ids, d->seq * sizeof *d->ids);
    sat_hash_add(&hasher, d->users, d->users_n * sizeof *d->users);
    sat_hash_add(&hasher, d->devices, d->devices_n * sizeof *d->devices);
    sat_hash_add(&hasher, d->spaces, d->spaces_n * sizeof *d->spaces);
    sat_hash_add(&hasher, d->grants, d->grants_n * sizeof *d->grants);
    sat_hash_add(&hasher, d->epochs, d->epochs_n * sizeof *d->epochs);
    sat_hash_add(&hasher, d->invites, d->invites_n * sizeof *d->invites);
    for (uint32_t space = 0; space < d->spaces_n; space++) {
        sat_hash_add_u64(&hasher, sat_directory_owed(d, &d->spaces[space].id, world->now_ms + 48 * HOUR_MS));
        for (uint32_t device = 0; device <= d->devices_n + 1; device++) {
            uint64_t seq;
            const struct sat_cut *cut;
            sat_hash_add_u8(&hasher, sat_directory_cut(d, device, &d->spaces[space].id, d->seq, &seq, &cut));
            sat_hash_add_u64(&hasher, cut ? cut->counter : 0);
            sat_hash_add_u8(&hasher, sat_directory_device_rights(d, &d->spaces[space].id, device, d->seq));
        }
        for (uint64_t seq = 0; seq <= d->seq + 1; seq++) {
            sat_hash_add_u32(&hasher, sat_directory_epoch_at(d, &d->spaces[space].id, seq));
            for (uint32_t user = 0; user <= d->users_n + 1; user++)
                sat_hash_add_u8(&hasher, sat_directory_rights(d, &d->spaces[space].id, user, seq));
        }
    }
    for (uint32_t n = 0; n < 8; n++) {
        struct sat_hash id = invite_id(n);
        sat_hash_add_u8(&hasher, sat_directory_invite(d, &id) != NULL);
        sat_hash_add_u8(&hasher, sat_directory_decided(d, &(struct sat_hash){{(uint8_t)n}}, d->seq));
        sat_hash_add_u64(&hasher, n ? sat_directory_policy(d, (enum sat_policy)n) : sat_directory_admins(d));
    }
    return sat_hash_end(&hasher);
}

/* The link is refused with `err`, in a sentence, and leaves no trace. */
static inline void refuse(struct world *world, struct sat_link link, enum sat_err err)
{
    struct sat_hash before = fingerprint(world);
    enum sat_err got = apply(world, &link);
    if (got != err)
        print_error("%s gave %s: %s\n", sat_link_type_name(link.type), sat_err_name(got), world->fault.text);
    assert_int_equal(got, err);
    assert_int_equal(world->fault.err, err);
    assert_true(strlen(world->fault.text) > 10);
    struct sat_hash after = fingerprint(world);
    assert_memory_equal(before.b, after.b, sizeof before.b);
}

/* And the sentence has these words. */
static inline void refuse_saying(struct world *world, struct sat_link link, enum sat_err err, const char *words)
{
    refuse(world, link, err);
    if (!strstr(world->fault.text, words)) print_error("\"%s\" has no \"%s\"\n", world->fault.text, words);
    assert_non_null(strstr(world->fault.text, words));
}

static inline uint8_t device_rights(const struct world *world, uint8_t space, uint32_t device, uint64_t seq)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_device_rights(&world->directory, &id, device, seq);
}

static inline uint64_t owed(const struct world *world, uint8_t space)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_owed(&world->directory, &id, world->now_ms);
}

/* ---- Worlds ---- */

static inline void world_init_empty(struct world *world)
{
    *world = (struct world){.now_ms = NOW_MS, .device = 1, .admin = 1};
    sat_directory_init(&world->directory);
    sat_arena_init(&world->arena);
}

enum { ORG = 1, PEOPLE = 2, EAST = 3, WEST = 4, BOARD = 5 };

/* A device of the user, joined by invite `device` + 1000, with an admin key where one is due; not approved. */
static inline uint32_t join_device(struct world *world, uint32_t user)
{
    uint32_t device = world->directory.devices_n + 1, invite = device + 1000;
    uint8_t role = sat_directory_user(&world->directory, user)->role;
    must(world, invite_link(world, invite, user, role));
    struct sat_body_join body = join_body(invite, device);
    if (role == SAT_ROLE_ADMIN || role == SAT_ROLE_MANAGER) body.admin_sign = sign_public('a', device);
    must(world, join_link_of(world, invite, device, &body));
    return device;
}

/* The same, approved; a co-signature that is due must be set. */
static inline uint32_t add_device_of(struct world *world, uint32_t user)
{
    uint32_t device = join_device(world, user);
    if (!sat_directory_device(&world->directory, device)->approved_seq) must(world, approve_link(world, device));
    return device;
}

static inline uint32_t add_user(struct world *world, uint8_t role)
{
    uint32_t user = world->directory.users_n + 1;
    must(world, user_link(world, user, role, ACTIVE));
    return user;
}

/* user 1: admin (device 1); user 2: rep (device 2), who works in EAST; user 3: manager; user 4: auditor; org, people,
 * two territories and a narrow space, each with its first epoch except WEST. The device number is the user's. */
static inline void world_init(struct world *world)
{
    world_init_empty(world);
    struct sat_body_genesis genesis = genesis_body();
    must(world, genesis_link(world, &genesis));
    must(world, space_link(world, ORG, SAT_SPACE_ORG));
    must(world, space_link(world, PEOPLE, SAT_SPACE_PEOPLE));
    must(world, space_link(world, EAST, SAT_SPACE_TERRITORY));
    must(world, space_link(world, WEST, SAT_SPACE_TERRITORY));
    must(world, space_link(world, BOARD, SAT_SPACE_NARROW));
    must(world, epoch_link(world, ORG, 1));
    must(world, epoch_link(world, PEOPLE, 1));
    must(world, epoch_link(world, EAST, 1));
    must(world, user_link(world, 2, SAT_ROLE_REP, ACTIVE));
    must(world, user_link(world, 3, SAT_ROLE_MANAGER, ACTIVE));
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, ACTIVE));
    must(world, grant_link(world, EAST, 2, RW));
    must(world, invite_link(world, 101, 2, SAT_ROLE_REP));
    must(world, join_link(world, 101, 2));
}

static inline void world_deinit(struct world *world)
{
    sat_directory_deinit(&world->directory);
    sat_arena_deinit(&world->arena);
}

#endif
