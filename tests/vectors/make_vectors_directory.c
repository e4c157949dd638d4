/* Prints the golden vectors of the directory: the links of one small org, in order, as a reducer takes them (and takes
 * them here), with every hash and signature on the way; names, invites and key boxes. The output is committed as
 * directory.json; the build compares the two, check_directory.py computes the same by its own means. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/directory_index.h"
#include "common/proof/disclosure.h"
#include "tests/vectors/emit.h"
#include "tests/vectors/emit_boxes.h"

static const uint64_t TIME_MS = 1767225600000; /* 2026-01-01 */

/* Seeds are emit_fill() from these. */
enum {
    SEED_DEVICE_1 = 1,
    SEED_DEVICE_2 = 2,
    SEED_ADMIN = 3,
    SEED_INVITE = 4,
    SEED_KIT = 5,
    SEED_SERVER = 6,
    SEED_MANAGER = 7,
    SEED_KIT_2 = 8,
    SEED_KIT_3 = 9,
    SEED_DEVICE_4 = 10,
    SEED_ADMIN_4 = 11,
    SEED_DEVICE_6 = 12,
    SEED_ADMIN_6 = 13,
    SEED_KIT_THIEF = 14,
    SEED_KIT_4 = 15,
    SEED_DEVICE_7 = 16
};

struct life {
    struct emit emit;
    struct sat_directory directory;
    struct sat_arena arena;
    uint64_t later_ms; /* than TIME_MS it is by now */
};

static struct sat_space_id space_id(unsigned start)
{
    struct sat_space_id id;
    emit_fill(id.b, sizeof id.b, start);
    return id;
}

static struct sat_boxes boxes_of(unsigned start, uint32_t count)
{
    return (struct sat_boxes){emit_some_hash(start), count};
}

/* ---- What goes in ---- */

static void emit_key(struct life *life, const char *name, const struct sat_public_key *key)
{
    emit_hex(&life->emit, name, SAT_SPAN(key->b));
}

static void emit_space(struct life *life, const struct sat_space_id *space)
{
    emit_hex(&life->emit, "space", SAT_SPAN(space->b));
}

static void emit_boxes(struct life *life, const struct sat_boxes *boxes)
{
    emit_hash(&life->emit, "boxes_root", &boxes->root);
    emit_number(&life->emit, "boxes_count", boxes->count);
}

static void emit_start(struct life *life, const char *kind, const char *name)
{
    emit_begin(&life->emit, kind, name);
}

/* ---- A link: signed, countersigned, applied and shown ---- */

struct signer {
    uint8_t kind;
    uint32_t number;
    unsigned seed;
};

static void emit_envelope(struct life *life, const struct sat_link *link, const struct signer *signers, int n)
{
    struct emit *emit = &life->emit;
    emit_hash(emit, "org", &life->directory.org);
    emit_number(emit, "seq", link->seq);
    emit_hash(emit, "prev", &link->prev);
    emit_number(emit, "author", link->author);
    emit_number(emit, "type", link->type);
    emit_number(emit, "critical", link->critical);
    emit_number(emit, "suite", link->suite);
    for (int i = 0; i < n; i++) {
        static const char *const keys[3][3] = {{"signer_1_kind", "signer_1_number", "signer_1_seed"},
                                               {"signer_2_kind", "signer_2_number", "signer_2_seed"},
                                               {"signer_3_kind", "signer_3_number", "signer_3_seed"}};
        uint8_t seed[32];
        emit_fill(seed, sizeof seed, signers[i].seed);
        emit_number(emit, keys[i][0], signers[i].kind);
        emit_number(emit, keys[i][1], signers[i].number);
        emit_hex(emit, keys[i][2], SAT_SPAN(seed));
    }
    uint8_t seed[32];
    emit_fill(seed, sizeof seed, SEED_SERVER);
    emit_hex(emit, "server_seed", SAT_SPAN(seed));
    emit_number(emit, "time_ms", TIME_MS + life->later_ms + link->seq);
}

/* Where everything stands now: users, devices, grants, policies. */
static void emit_effect(struct life *life)
{
    const struct sat_directory *directory = &life->directory;
    struct sat_buf out = {0};
    for (uint32_t i = 0; i < directory->users_n; i++) {
        sat_put_u8(&out, directory->users[i].role);
        sat_put_u8(&out, directory->users[i].state);
        for (uint32_t space = 0; space < directory->spaces_n; space++)
            sat_put_u8(&out, sat_index_granted(directory, i + 1, space));
    }
    for (uint32_t i = 0; i < directory->devices_n; i++) sat_put_u8(&out, directory->devices[i].revoked_seq != 0);
    for (uint32_t i = 0; i < directory->index->policies_n; i++) {
        sat_put_u16(&out, directory->index->policies[i].key);
        sat_put_u64(&out, directory->index->policies[i].value);
    }
    emit_hex(&life->emit, "effect", sat_buf_span(&out));
    sat_buf_deinit(&out);
}

static void emit_made(struct life *life, const struct sat_link *link)
{
    struct emit *emit = &life->emit;
    struct sat_hash id = sat_link_id(link);
    struct sat_hash org = link->type == SAT_LINK_GENESIS ? sat_link_org(link) : life->directory.org;
    struct sat_sign_key server = emit_sign_key(SEED_SERVER);
    struct sat_countersign sign;
    struct sat_fault fault = {0};
    struct sat_buf wire = {0};
    sat_countersign(link, TIME_MS + life->later_ms + link->seq, &org, &server, &sign);
    sat_link_encode(link, &wire);
    if (sat_directory_apply(&life->directory, link, &sign, 0, SAT_DIRECTORY_VERIFY, &fault)) {
        fprintf(stderr, "make_vectors_directory: link %u: %s\n", (unsigned)link->seq, fault.text);
        exit(EXIT_FAILURE);
    }
    emit_outputs(emit);
    emit_hex(emit, "body", link->body);
    emit_hex(emit, "message", link->message);
    emit_hash(emit, "link_id", &id);
    emit_hash(emit, "org_id", &org);
    emit_hex(emit, "bytes", sat_buf_span(&wire));
    emit_hex(emit, "countersignature", SAT_SPAN(sign.signature.b));
    if (link->type == SAT_LINK_REPUDIATE) emit_effect(life);
    emit_end(emit);
    sat_buf_deinit(&wire);
}

/* Takes the body. */
static void put_link(struct life *life, uint16_t type, uint32_t author, struct sat_buf *body,
                     const struct signer *signers, int n)
{
    struct sat_link link = {
        .seq = life->directory.seq + 1,
        .prev = sat_directory_hash_at(&life->directory, life->directory.seq),
        .author = author,
        .type = type,
        .critical = 1,
        .suite = 1,
        .body = sat_span_copy(&life->arena, sat_buf_span(body)),
    };
    sat_buf_deinit(body);
    sat_link_finish(&link, &life->arena);
    for (int i = 0; i < n; i++) {
        struct sat_sign_key key = emit_sign_key(signers[i].seed);
        sat_link_sign(&link, signers[i].kind, signers[i].number, &life->directory.org, &key);
    }
    emit_envelope(life, &link, signers, n);
    emit_made(life, &link);
}

static void put_admin_link(struct life *life, uint16_t type, struct sat_buf *body)
{
    const struct signer signers[2] = {{SAT_SIGNER_DEVICE, 1, SEED_DEVICE_1}, {SAT_SIGNER_ADMIN, 1, SEED_ADMIN}};
    put_link(life, type, 1, body, signers, 2);
}

/* ---- The links ---- */

static void put_genesis(struct life *life)
{
    struct sat_body_genesis body = {
        .version = 1,
        .device_sign = emit_sign_public(SEED_DEVICE_1),
        .device_box = emit_box_public(SEED_DEVICE_1),
        .admin_sign = emit_sign_public(SEED_ADMIN),
        .kit_sign = emit_sign_public(SEED_KIT),
        .kit_box = emit_box_public(SEED_KIT),
        .server = emit_sign_public(SEED_SERVER),
    };
    struct sat_buf buf = {0};
    emit_fill(body.random, sizeof body.random, 0x50);
    emit_start(life, "genesis", "an org is founded");
    emit_number(&life->emit, "version", body.version);
    emit_hex(&life->emit, "random", SAT_SPAN(body.random));
    emit_key(life, "device_sign", &body.device_sign);
    emit_key(life, "device_box", &body.device_box);
    emit_key(life, "admin_sign", &body.admin_sign);
    emit_key(life, "kit_sign", &body.kit_sign);
    emit_key(life, "kit_box", &body.kit_box);
    emit_key(life, "server", &body.server);
    sat_body_genesis_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_GENESIS, &buf);
}

static void put_user(struct life *life, const char *name, struct sat_body_user body)
{
    struct sat_buf buf = {0};
    emit_start(life, "user", name);
    emit_number(&life->emit, "user", body.user);
    emit_number(&life->emit, "role", body.role);
    emit_number(&life->emit, "state", body.state);
    sat_body_user_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_USER, &buf);
}

static void put_role(struct life *life, const char *name, struct sat_body_role body)
{
    struct sat_buf buf = {0};
    emit_start(life, "role", name);
    emit_number(&life->emit, "user", body.user);
    emit_number(&life->emit, "role", body.role);
    sat_body_role_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_ROLE, &buf);
}

static void put_space(struct life *life, const char *name, struct sat_body_space body)
{
    struct sat_buf buf = {0};
    emit_start(life, "space", name);
    emit_space(life, &body.space);
    emit_number(&life->emit, "kind", body.kind);
    sat_body_space_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_SPACE, &buf);
}

static void put_grant(struct life *life, const char *name, struct sat_body_grant body)
{
    struct sat_buf buf = {0};
    emit_start(life, "grant", name);
    emit_space(life, &body.space);
    emit_number(&life->emit, "user", body.user);
    emit_number(&life->emit, "rights", body.rights);
    emit_boxes(life, &body.boxes);
    sat_body_grant_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_GRANT, &buf);
}

static void put_epoch(struct life *life, const char *name, uint32_t device, unsigned seed, struct sat_body_epoch body)
{
    const struct signer signers[2] = {{SAT_SIGNER_DEVICE, device, seed}};
    struct sat_buf buf = {0};
    if (body.epoch > 1) emit_fill(body.chain, sizeof body.chain, 0x60);
    emit_start(life, "epoch", name);
    emit_space(life, &body.space);
    emit_number(&life->emit, "epoch", body.epoch);
    emit_number(&life->emit, "epoch_suite", body.suite);
    emit_hash(&life->emit, "kc", &body.kc);
    emit_hex(&life->emit, "chain", SAT_SPAN(body.chain));
    emit_boxes(life, &body.boxes);
    sat_body_epoch_encode(&body, &buf);
    put_link(life, SAT_LINK_EPOCH, device, &buf, signers, 1);
}

static void put_invite(struct life *life, const char *name, const struct sat_body_invite *body)
{
    struct emit *emit = &life->emit;
    struct sat_buf buf = {0}, rights = {0};
    emit_start(life, "invite", name);
    emit_key(life, "sign", &body->sign);
    emit_key(life, "box", &body->box);
    emit_number(emit, "user", body->user);
    emit_number(emit, "role", body->role);
    emit_list(emit, "grant_spaces");
    for (uint16_t i = 0; i < body->grants_n; i++) {
        emit_item_hex(emit, SAT_SPAN(body->grants[i].space.b));
        sat_put_u8(&rights, body->grants[i].rights);
    }
    emit_list_end(emit);
    emit_hex(emit, "grant_rights", sat_buf_span(&rights));
    emit_number(emit, "expires_ms", body->expires_ms);
    emit_boxes(life, &body->boxes);
    sat_body_invite_encode(body, &buf);
    put_admin_link(life, SAT_LINK_INVITE, &buf);
    sat_buf_deinit(&rights);
}

static void put_cancel(struct life *life, const char *name, struct sat_body_invite_cancel body)
{
    struct sat_buf buf = {0};
    emit_start(life, "invite-cancel", name);
    emit_hash(&life->emit, "invite", &body.invite);
    sat_body_invite_cancel_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_INVITE_CANCEL, &buf);
}

static void put_join(struct life *life, const char *name, uint32_t device, const struct sat_body_join *body,
                     unsigned invite_seed, unsigned device_seed)
{
    const struct sat_invite *invite = sat_directory_invite(&life->directory, &body->invite);
    sat_check(invite != NULL);
    const struct signer signers[2] = {{SAT_SIGNER_INVITE, (uint32_t)invite->seq, invite_seed},
                                      {SAT_SIGNER_DEVICE, device, device_seed}};
    struct sat_buf buf = {0};
    emit_start(life, "join", name);
    emit_hash(&life->emit, "invite", &body->invite);
    emit_key(life, "sign", &body->sign);
    emit_key(life, "box", &body->box);
    emit_key(life, "admin_sign", &body->admin_sign);
    sat_body_join_encode(body, &buf);
    put_link(life, SAT_LINK_JOIN, device, &buf, signers, 2);
}

static struct sat_body_invite invite_of(unsigned seed, uint32_t user, uint8_t role)
{
    return (struct sat_body_invite){.sign = emit_sign_public(seed),
                                    .box = emit_box_public(seed),
                                    .user = user,
                                    .role = role,
                                    .expires_ms = TIME_MS + 86400000};
}

static void put_joins(struct life *life)
{
    struct sat_body_invite invite = invite_of(SEED_INVITE, 2, SAT_ROLE_REP);
    invite.grants[0] = (struct sat_invite_grant){space_id(0x33), SAT_RIGHT_READ | SAT_RIGHT_WRITE};
    invite.grants[1] = (struct sat_invite_grant){space_id(0x34), SAT_RIGHT_READ};
    invite.grants_n = 2;
    invite.boxes = boxes_of(0x71, 3);
    put_invite(life, "for a rep, with two spaces", &invite);
    struct sat_body_join join = {.invite = sat_invite_id(&invite.sign, &invite.box),
                                 .sign = emit_sign_public(SEED_DEVICE_2),
                                 .box = emit_box_public(SEED_DEVICE_2)};
    put_join(life, "a rep's device", 2, &join, SEED_INVITE, SEED_DEVICE_2);
    invite = invite_of(0x90, 3, SAT_ROLE_MANAGER);
    put_invite(life, "for a manager, without spaces and boxes", &invite);
    join = (struct sat_body_join){.invite = sat_invite_id(&invite.sign, &invite.box),
                                  .sign = emit_sign_public(0x91),
                                  .box = emit_box_public(0x91),
                                  .admin_sign = emit_sign_public(SEED_MANAGER)};
    put_join(life, "a manager's device, with an admin key", 3, &join, 0x90, 0x91);
    invite = invite_of(0x92, 2, SAT_ROLE_REP);
    put_invite(life, "one that is cancelled", &invite);
    put_cancel(life, "before it was used", (struct sat_body_invite_cancel){sat_invite_id(&invite.sign, &invite.box)});
}

static void put_links(struct life *life)
{
    put_genesis(life);
    put_space(life, "org", (struct sat_body_space){space_id(0x31), SAT_SPACE_ORG});
    put_space(life, "people", (struct sat_body_space){space_id(0x32), SAT_SPACE_PEOPLE});
    put_space(life, "a territory", (struct sat_body_space){space_id(0x33), SAT_SPACE_TERRITORY});
    put_space(life, "a narrow space", (struct sat_body_space){space_id(0x34), SAT_SPACE_NARROW});
    put_epoch(
        life, "the first", 1, SEED_DEVICE_1,
        (struct sat_body_epoch){
            .space = space_id(0x33), .epoch = 1, .suite = 1, .kc = emit_some_hash(0x61), .boxes = boxes_of(0x70, 2)});
    put_user(life, "a rep", (struct sat_body_user){2, SAT_ROLE_REP, 1});
    put_user(life, "another rep", (struct sat_body_user){3, SAT_ROLE_REP, 1});
    put_role(life, "a manager from now on", (struct sat_body_role){3, SAT_ROLE_MANAGER});
    put_grant(life, "read and write, with boxes",
              (struct sat_body_grant){space_id(0x33), 2, SAT_RIGHT_READ | SAT_RIGHT_WRITE, boxes_of(0x72, 1)});
    put_grant(life, "all taken away", (struct sat_body_grant){.space = space_id(0x33), .user = 2});
    put_joins(life);
    put_epoch(
        life, "the second, by a rep", 2, SEED_DEVICE_2,
        (struct sat_body_epoch){
            .space = space_id(0x33), .epoch = 2, .suite = 1, .kc = emit_some_hash(0x62), .boxes = boxes_of(0x73, 5)});
    put_user(life, "suspended", (struct sat_body_user){2, SAT_ROLE_REP, 2});
}

/* ---- What happens to devices, and to the kit ---- */

static void put_accept(struct life *life, const char *name, struct sat_body_accept body)
{
    struct sat_buf buf = {0};
    emit_start(life, "accept", name);
    emit_number(&life->emit, "what", body.what);
    emit_number(&life->emit, "device", body.device);
    emit_space(life, &body.space);
    emit_hash(&life->emit, "bundle", &body.bundle);
    emit_boxes(life, &body.boxes);
    sat_body_accept_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_ACCEPT, &buf);
}

static void put_revoke(struct life *life, const char *name, const struct sat_body_revoke *body,
                       const struct signer *signers, int n)
{
    struct emit *emit = &life->emit;
    struct sat_buf buf = {0}, counters = {0};
    emit_start(life, "revoke", name);
    emit_number(emit, "device", body->device);
    emit_list(emit, "cut_spaces");
    for (uint16_t i = 0; i < body->cuts_n; i++) emit_item_hex(emit, SAT_SPAN(body->cuts[i].space.b));
    emit_list_end(emit);
    emit_list(emit, "cut_bundles");
    for (uint16_t i = 0; i < body->cuts_n; i++) {
        emit_item_hex(emit, SAT_SPAN(body->cuts[i].bundle.b));
        sat_put_u64(&counters, body->cuts[i].counter);
    }
    emit_list_end(emit);
    emit_hex(emit, "cut_counters", sat_buf_span(&counters));
    sat_body_revoke_encode(body, &buf);
    put_link(life, SAT_LINK_REVOKE, signers[0].number, &buf, signers, n);
    sat_buf_deinit(&counters);
}

static void put_wipe(struct life *life, const char *name, struct sat_body_wipe body)
{
    struct sat_buf buf = {0};
    emit_start(life, "wipe", name);
    emit_number(&life->emit, "device", body.device);
    sat_body_wipe_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_WIPE, &buf);
}

static void put_policy(struct life *life, const char *name, const struct sat_body_policy *body,
                       const struct signer *signers, int n)
{
    struct sat_buf buf = {0}, values = {0};
    for (uint16_t i = 0; i < body->values_n; i++) {
        sat_put_u16(&values, body->values[i].key);
        sat_put_u64(&values, body->values[i].value);
    }
    emit_start(life, "policy", name);
    emit_number(&life->emit, "count", body->values_n);
    emit_hex(&life->emit, "keys_and_values", sat_buf_span(&values));
    sat_body_policy_encode(body, &buf);
    put_link(life, SAT_LINK_POLICY, signers[0].number, &buf, signers, n);
    sat_buf_deinit(&values);
}

static void emit_kit(struct life *life, const struct sat_body_kit *body)
{
    emit_key(life, "kit_sign", &body->kit_sign);
    emit_key(life, "kit_box", &body->kit_box);
    emit_number(&life->emit, "user", body->user);
    emit_key(life, "device_sign", &body->device_sign);
    emit_key(life, "device_box", &body->device_box);
    emit_key(life, "admin_sign", &body->admin_sign);
    emit_boxes(life, &body->boxes);
}

static void put_mass_change(struct life *life, const char *name, struct sat_body_mass_change body)
{
    struct sat_buf buf = {0};
    emit_start(life, "mass-change", name);
    emit_space(life, &body.space);
    emit_number(&life->emit, "device", body.device);
    emit_number(&life->emit, "first", body.first);
    emit_number(&life->emit, "last", body.last);
    sat_body_mass_change_encode(&body, &buf);
    put_admin_link(life, SAT_LINK_MASS_CHANGE, &buf);
}

static void put_kit(struct life *life, const char *name, const struct sat_body_kit *body, const struct signer *signers,
                    int n)
{
    struct sat_buf buf = {0};
    emit_start(life, "kit", name);
    emit_kit(life, body);
    sat_body_kit_encode(body, &buf);
    put_link(life, SAT_LINK_KIT, signers[0].number, &buf, signers, n);
}

/* By the first admin's device; the third one is device 3, which belongs to another. */
static const struct signer three[] = {
    {SAT_SIGNER_DEVICE, 1, SEED_DEVICE_1}, {SAT_SIGNER_ADMIN, 1, SEED_ADMIN}, {SAT_SIGNER_ADMIN, 3, SEED_MANAGER}};

static void put_leavings(struct life *life)
{
    struct sat_body_revoke revoke = {.device = 2,
                                     .cuts = {{space_id(0x32), 5, emit_some_hash(0x82)},
                                              {space_id(0x33), ((uint64_t)1 << 40) + 9, emit_some_hash(0x83)}},
                                     .cuts_n = 2};
    put_accept(life, "a manager's device is approved, with boxes",
               (struct sat_body_accept){.what = SAT_ACCEPT_DEVICE, .device = 3, .boxes = boxes_of(0x74, 4)});
    put_revoke(life, "a device, with cuts in two spaces", &revoke, three, 2);
    put_wipe(life, "the device is to be wiped", (struct sat_body_wipe){2});
    put_accept(life, "late work is rejected",
               (struct sat_body_accept){
                   .what = SAT_ACCEPT_REJECT, .device = 2, .space = space_id(0x33), .bundle = emit_some_hash(0x84)});
    put_accept(life, "and then let in",
               (struct sat_body_accept){
                   .what = SAT_ACCEPT_BUNDLE, .device = 2, .space = space_id(0x33), .bundle = emit_some_hash(0x84)});
    put_policy(life, "by the only admin", &(struct sat_body_policy){.values = {{1, 14}}, .values_n = 1}, three, 2);
}

static void put_two_admins(struct life *life)
{
    put_mass_change(life, "of a rep, confirmed", (struct sat_body_mass_change){space_id(0x33), 2, 7, 0x0102030405});
    put_role(life, "the manager becomes a second admin", (struct sat_body_role){3, SAT_ROLE_ADMIN});
    put_policy(life, "by two admins, with a key of a later version",
               &(struct sat_body_policy){.values = {{3, 90}, {6, 0}, {0x1234, UINT64_MAX}}, .values_n = 3}, three, 3);
    struct sat_body_kit kit = {
        .kit_sign = emit_sign_public(SEED_KIT_2), .kit_box = emit_box_public(SEED_KIT_2), .boxes = boxes_of(0x75, 1)};
    uint32_t seq = (uint32_t)life->directory.seq + 1;
    put_kit(life, "replaced by two admins", &kit, three, 3);
    kit = (struct sat_body_kit){.kit_sign = emit_sign_public(SEED_KIT_3),
                                .kit_box = emit_box_public(SEED_KIT_3),
                                .user = 1,
                                .device_sign = emit_sign_public(SEED_DEVICE_4),
                                .device_box = emit_box_public(SEED_DEVICE_4),
                                .admin_sign = emit_sign_public(SEED_ADMIN_4),
                                .boxes = boxes_of(0x76, 1)};
    const struct signer recovery[] = {{SAT_SIGNER_DEVICE, 4, SEED_DEVICE_4}, {SAT_SIGNER_KIT, seq, SEED_KIT_2}};
    put_kit(life, "used: an admin's new device, and the next kit", &kit, recovery, 2);
    const struct signer leaving[] = {{SAT_SIGNER_DEVICE, 4, SEED_DEVICE_4}};
    put_revoke(life, "a device leaves, without cuts", &(struct sat_body_revoke){.device = 4}, leaving, 1);
}

/* The first admin's device is stolen; the kit of the link at `kit_seq` is the true one. */
static void put_theft(struct life *life, uint32_t kit_seq)
{
    struct sat_body_repudiate body = {.device = 1, .from_seq = life->directory.seq + 1};
    put_user(life, "the thief suspends the other admin", (struct sat_body_user){3, SAT_ROLE_ADMIN, 2});
    put_role(life, "the thief changes a role", (struct sat_body_role){2, SAT_ROLE_AUDITOR});
    put_user(life, "the thief adds somebody", (struct sat_body_user){4, SAT_ROLE_REP, 1});
    put_grant(life, "the thief takes a territory away", (struct sat_body_grant){.space = space_id(0x33), .user = 2});
    struct sat_body_invite invite = invite_of(0x94, 4, SAT_ROLE_REP);
    put_invite(life, "the thief's", &invite);
    struct sat_body_join join = {.invite = sat_invite_id(&invite.sign, &invite.box),
                                 .sign = emit_sign_public(0x95),
                                 .box = emit_box_public(0x95)};
    put_join(life, "by the thief's invite", 5, &join, 0x94, 0x95);
    put_policy(life, "by the thief", &(struct sat_body_policy){.values = {{3, 3000}, {4, 1}}, .values_n = 2}, three, 2);
    struct sat_body_kit kit = {.kit_sign = emit_sign_public(SEED_KIT_THIEF),
                               .kit_box = emit_box_public(SEED_KIT_THIEF)};
    put_kit(life, "replaced by the thief", &kit, three, 2);
    body.kit = (struct sat_body_kit){.kit_sign = emit_sign_public(SEED_KIT_4),
                                     .kit_box = emit_box_public(SEED_KIT_4),
                                     .user = 1,
                                     .device_sign = emit_sign_public(SEED_DEVICE_6),
                                     .device_box = emit_box_public(SEED_DEVICE_6),
                                     .admin_sign = emit_sign_public(SEED_ADMIN_6),
                                     .boxes = boxes_of(0x77, 2)};
    const struct signer by_kit[] = {{SAT_SIGNER_DEVICE, 6, SEED_DEVICE_6}, {SAT_SIGNER_KIT, kit_seq, SEED_KIT_3}};
    struct sat_buf buf = {0};
    emit_start(life, "repudiate", "by the kit that was in force before the thief");
    emit_number(&life->emit, "device", body.device);
    emit_number(&life->emit, "from", body.from_seq);
    emit_kit(life, &body.kit);
    sat_body_repudiate_encode(&body, &buf);
    put_link(life, SAT_LINK_REPUDIATE, 6, &buf, by_kit, 2);
}

/* The new admin's home was copied, or put back from a backup. */
static void put_copy(struct life *life)
{
    struct sat_body_reindex body = {
        .parent = 6, .sign = emit_sign_public(SEED_DEVICE_7), .box = emit_box_public(SEED_DEVICE_7)};
    const struct signer both[] = {{SAT_SIGNER_DEVICE, 6, SEED_DEVICE_6}, {SAT_SIGNER_DEVICE, 7, SEED_DEVICE_7}};
    struct sat_buf buf = {0};
    emit_start(life, "reindex", "a device goes on under a new index");
    emit_number(&life->emit, "parent", body.parent);
    emit_key(life, "sign", &body.sign);
    emit_key(life, "box", &body.box);
    sat_body_reindex_encode(&body, &buf);
    put_link(life, SAT_LINK_REINDEX, 6, &buf, both, 2);
}

/* Half a year later the manager who was made an admin is expelled, whose device has not been seen since. */
static void put_expulsion(struct life *life)
{
    const struct signer own[] = {{SAT_SIGNER_DEVICE, 6, SEED_DEVICE_6}};
    struct sat_body_expel body = {.device = 3};
    struct sat_buf buf = {0};
    life->later_ms = (uint64_t)181 * 86400000;
    emit_start(life, "expel", "a device was silent for too long");
    emit_number(&life->emit, "device", body.device);
    sat_body_expel_encode(&body, &buf);
    put_link(life, SAT_LINK_EXPEL, 6, &buf, own, 1);
    const struct signer back[] = {{SAT_SIGNER_DEVICE, 3, 0x91}};
    emit_start(life, "expel", "the device is back");
    emit_number(&life->emit, "device", body.device);
    sat_body_expel_encode(&body, &buf);
    put_link(life, SAT_LINK_EXPEL, 3, &buf, back, 1);
}

/* The server comes back with less of the directory than it had, and the admin who is left confirms. */
static void put_restore(struct life *life)
{
    const struct signer by_admin[] = {{SAT_SIGNER_DEVICE, 6, SEED_DEVICE_6}, {SAT_SIGNER_ADMIN, 6, SEED_ADMIN_6}};
    struct sat_body_log_epoch body = {.from = life->directory.seq - 3};
    struct sat_buf buf = {0};
    emit_start(life, "log-epoch", "three links were given back");
    emit_number(&life->emit, "from", body.from);
    sat_body_log_epoch_encode(&body, &buf);
    put_link(life, SAT_LINK_LOG_EPOCH, 6, &buf, by_admin, 2);
}

/* ---- Names and invites ---- */

static void put_names(struct life *life)
{
    struct emit *emit = &life->emit;
    struct sat_space_id space = space_id(0x33);
    static const uint32_t numbers[] = {1, 0x01020304};
    for (size_t i = 0; i < 2; i++) {
        struct sat_record_id user = sat_name_record_user(&life->directory.org, numbers[i]);
        struct sat_record_id device = sat_name_record_device(&life->directory.org, numbers[i]);
        emit_begin(emit, "name-user", i ? "a large number" : "the first user");
        emit_hash(emit, "org", &life->directory.org);
        emit_number(emit, "number", numbers[i]);
        emit_outputs(emit);
        emit_hex(emit, "record", SAT_SPAN(user.b));
        emit_end(emit);
        emit_begin(emit, "name-device", i ? "a large number" : "the first device");
        emit_hash(emit, "org", &life->directory.org);
        emit_number(emit, "number", numbers[i]);
        emit_outputs(emit);
        emit_hex(emit, "record", SAT_SPAN(device.b));
        emit_end(emit);
    }
    for (size_t i = 0; i < 2; i++) {
        uint32_t device = i ? 0x01020304 : 2, number = i ? SAT_DISCLOSURES_MAX - 1 : 0;
        struct sat_record_id id = sat_disclosure_record(&life->directory.org, device, number);
        emit_begin(emit, "disclosure", i ? "a large number's last" : "a device's first");
        emit_hash(emit, "org", &life->directory.org);
        emit_number(emit, "device", device);
        emit_number(emit, "number", number);
        emit_outputs(emit);
        emit_hex(emit, "record", SAT_SPAN(id.b));
        emit_end(emit);
    }
    struct sat_record_id record = sat_name_record_space(&life->directory.org, &space);
    emit_begin(emit, "name-space", "a territory");
    emit_hash(emit, "org", &life->directory.org);
    emit_space(life, &space);
    emit_outputs(emit);
    emit_hex(emit, "record", SAT_SPAN(record.b));
    emit_end(emit);
}

static void put_invite_id(struct life *life)
{
    struct sat_public_key sign = emit_sign_public(SEED_INVITE), box = emit_box_public(SEED_INVITE);
    struct sat_hash id = sat_invite_id(&sign, &box);
    emit_begin(&life->emit, "invite-id", "from both its keys");
    emit_key(life, "sign", &sign);
    emit_key(life, "box", &box);
    emit_outputs(&life->emit);
    emit_hash(&life->emit, "invite_id", &id);
    emit_end(&life->emit);
}

int main(void)
{
    struct life life = {0};
    if (sodium_init() < 0) return EXIT_FAILURE;
    sat_directory_init(&life.directory);
    sat_arena_init(&life.arena);
    emit_open(&life.emit, stdout, "directory");
    put_links(&life);
    put_leavings(&life);
    put_two_admins(&life);
    put_theft(&life, (uint32_t)life.directory.kit_seq);
    put_copy(&life);
    put_restore(&life);
    put_expulsion(&life);
    put_names(&life);
    put_invite_id(&life);
    emit_boxes_all(&life.emit);
    emit_close(&life.emit);
    sat_arena_deinit(&life.arena);
    sat_directory_deinit(&life.directory);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
