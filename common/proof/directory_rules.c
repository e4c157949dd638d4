#include "common/proof/directory_rules.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_authority.h"
#include "common/proof/directory_expel.h"
#include "common/proof/directory_repudiate.h"

enum { SUITE = 1, GENESIS_VERSION = 1 };

static bool key_is_zero(const struct sat_public_key *key)
{
    return sodium_is_zero(key->b, sizeof key->b);
}

static bool key_equal(const struct sat_public_key *a, const struct sat_public_key *b)
{
    return sat_span_equal(SAT_SPAN(a->b), SAT_SPAN(b->b));
}

/* A key of small order cannot be sealed to: one such device would make every later rotation of its spaces fail. */
static bool can_seal_to(const struct sat_public_key *box)
{
    static const uint8_t scalar[crypto_scalarmult_SCALARBYTES] = {9};
    uint8_t point[crypto_scalarmult_BYTES];
    return crypto_scalarmult(point, scalar, box->b) == 0;
}

/* ---- Bodies ---- */

static enum sat_err judge_genesis(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_genesis *body = &out->body.genesis;
    if (body->version != GENESIS_VERSION)
        return sat_fail(court->fault, SAT_ERR_UPGRADE_NEEDED, "the org was founded by version %u",
                        (unsigned)body->version);
    if (court->link->author != 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the genesis is not authored by device 1");
    static const struct sat_hash zeros;
    struct sat_demand demands[] = {
        {SAT_SIGNER_DEVICE, 1, &body->device_sign},
        {SAT_SIGNER_ADMIN, 1, &body->admin_sign},
    };
    enum sat_err err = sat_check_signatures(court, demands, 2, &zeros);
    if (err) return err;
    if (key_is_zero(&body->admin_sign) || key_equal(&body->device_sign, &body->admin_sign))
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no admin key, or it is the device's own");
    if (court->verify && !(can_seal_to(&body->device_box) && can_seal_to(&body->kit_box)))
        return sat_fail(court->fault, SAT_ERR_INVALID, "nothing can be sealed to a key of the genesis");
    out->org = sat_link_org(court->link);
    out->server = body->server;
    return SAT_OK;
}

static bool role_exists(uint8_t role)
{
    return role >= SAT_ROLE_ADMIN && role <= SAT_ROLE_SERVICE;
}

/* Is there an admin's device that can sign, for all that is known, besides this one (0: besides all) of this user?
 * *doubtful: one that may have obeyed a wipe. */
static bool another_signs(const struct sat_directory *directory, uint32_t user, uint32_t device, uint32_t *doubtful)
{
    *doubtful = 0;
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *other = &directory->devices[i];
        bool goes = other->user == user && (device == 0 || other->number == device);
        bool signs = other->approved_seq && !other->revoked_seq && !key_is_zero(&other->admin_sign);
        if (goes || !signs || !sat_index_acts(directory, other->user)) continue;
        if (sat_index_is_whole(directory, other->number)) return true;
        *doubtful = other->number;
    }
    return false;
}

/* Somebody must be left who can sign as an admin. */
static enum sat_err keep_an_admin(const struct sat_court *court, uint32_t user, uint32_t device)
{
    uint32_t doubtful;
    if (!sat_index_acts(court->directory, user) || another_signs(court->directory, user, device, &doubtful))
        return SAT_OK;
    if (!doubtful)
        return sat_fail(court->fault, SAT_ERR_INVALID, "user %u is the last admin who can act", (unsigned)user);
    return sat_fail(court->fault, SAT_ERR_INVALID,
                    "user %u is the last admin who can act for sure: device %u was to be wiped, and counts again once "
                    "it has signed a link",
                    (unsigned)user, (unsigned)doubtful);
}

static enum sat_err judge_change(const struct sat_court *court, const struct sat_user *user, uint8_t role,
                                 uint8_t state)
{
    return role == SAT_ROLE_ADMIN && state == SAT_USER_ACTIVE ? SAT_OK : keep_an_admin(court, user->number, 0);
}

static enum sat_err judge_user(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_user *body = &out->body.user;
    if (!role_exists(body->role))
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no role %u", (unsigned)body->role);
    if (body->state != SAT_USER_ACTIVE && body->state != SAT_USER_SUSPENDED)
        return sat_fail(court->fault, SAT_ERR_INVALID, "a user has no state %u", (unsigned)body->state);
    const struct sat_user *user = sat_directory_user(court->directory, body->user);
    if (user) return judge_change(court, user, body->role, body->state);
    if (body->user != court->directory->users_n + 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "user %u is not the next", (unsigned)body->user);
    if (body->state != SAT_USER_ACTIVE) return sat_fail(court->fault, SAT_ERR_INVALID, "a new user is active");
    return SAT_OK;
}

static enum sat_err unknown_user(const struct sat_court *court, uint32_t user)
{
    return sat_fail(court->fault, SAT_ERR_INVALID, "there is no user %u", (unsigned)user);
}

static enum sat_err judge_role(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_role *body = &out->body.role;
    if (!role_exists(body->role))
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no role %u", (unsigned)body->role);
    const struct sat_user *user = sat_directory_user(court->directory, body->user);
    if (!user) return unknown_user(court, body->user);
    return judge_change(court, user, body->role, user->state);
}

static enum sat_err judge_space(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_space *body = &out->body.space;
    if (body->kind < SAT_SPACE_ORG || body->kind > SAT_SPACE_NARROW)
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no kind %u of space", (unsigned)body->kind);
    if (sodium_is_zero(body->space.b, sizeof body->space.b))
        return sat_fail(court->fault, SAT_ERR_INVALID, "a space's id is not zero");
    const struct sat_directory_index *index = court->directory->index;
    bool taken =
        (body->kind == SAT_SPACE_ORG && index->org_space) || (body->kind == SAT_SPACE_PEOPLE && index->people_space);
    if (taken) return sat_fail(court->fault, SAT_ERR_EXISTS, "the org has its one space of that kind already");
    if (sat_directory_space(court->directory, &body->space))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "there is a space with this id already");
    return SAT_OK;
}

/* Spaces that everyone reads by role take no grants. */
static enum sat_err judge_rights(const struct sat_court *court, const struct sat_space_id *space, uint8_t rights)
{
    const struct sat_space *known = sat_directory_space(court->directory, space);
    if (!known)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the %s link names a space that there is not", court->kind);
    if (known->kind != SAT_SPACE_TERRITORY && known->kind != SAT_SPACE_NARROW)
        return sat_fail(court->fault, SAT_ERR_INVALID, "org and people are open by role, not by grant");
    bool sane =
        rights <= (SAT_RIGHT_READ | SAT_RIGHT_WRITE | SAT_RIGHT_MANAGE) && (rights == 0 || (rights & SAT_RIGHT_READ));
    if (!sane) return sat_fail(court->fault, SAT_ERR_INVALID, "there are no rights %u", (unsigned)rights);
    return SAT_OK;
}

static enum sat_err judge_grant(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_grant *body = &out->body.grant;
    enum sat_err err = judge_rights(court, &body->space, body->rights);
    if (err) return err;
    if (!sat_directory_user(court->directory, body->user)) return unknown_user(court, body->user);
    out->place = sat_index_space(court->directory, &body->space);
    return SAT_OK;
}

static enum sat_err judge_epoch(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_epoch *body = &out->body.epoch;
    const struct sat_directory *directory = court->directory;
    const struct sat_space *space = sat_directory_space(directory, &body->space);
    if (!space) return sat_fail(court->fault, SAT_ERR_INVALID, "the epoch link names a space that there is not");
    if (body->suite != SUITE)
        return sat_fail(court->fault, SAT_ERR_UPGRADE_NEEDED, "the epoch is of suite %u", (unsigned)body->suite);
    if (space->epoch == UINT32_MAX || body->epoch != space->epoch + 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "epoch %u is not the next", (unsigned)body->epoch);
    if (sodium_is_zero(body->chain, sizeof body->chain) != (body->epoch == 1))
        return sat_fail(court->fault, SAT_ERR_INVALID, "an epoch seals its predecessor's key, and the first has none");
    const struct sat_user *user =
        sat_directory_user(directory, sat_directory_device(directory, court->link->author)->user);
    if (!(sat_directory_device_rights(directory, &body->space, court->link->author, directory->seq) & SAT_RIGHT_READ))
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u does not read that space", (unsigned)user->number);
    if (body->epoch == 1 && user->role != SAT_ROLE_ADMIN)
        return sat_fail(court->fault, SAT_ERR_DENIED, "only an admin makes a space's first epoch");
    out->place = sat_index_space(directory, &body->space);
    return SAT_OK;
}

static enum sat_err judge_invite_grants(const struct sat_court *court, const struct sat_body_invite *body)
{
    for (uint16_t i = 0; i < body->grants_n; i++) {
        enum sat_err err = judge_rights(court, &body->grants[i].space, body->grants[i].rights);
        if (err) return err;
        bool twice = body->grants[i].rights == 0;
        for (uint16_t j = 0; j < i; j++)
            twice = twice || sat_space_equal(&body->grants[j].space, &body->grants[i].space);
        if (twice) return sat_fail(court->fault, SAT_ERR_INVALID, "an invite grants something, and each space once");
    }
    return SAT_OK;
}

static enum sat_err judge_invite(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_invite *body = &out->body.invite;
    const struct sat_user *user = sat_directory_user(court->directory, body->user);
    if (!user) return unknown_user(court, body->user);
    if (user->state != SAT_USER_ACTIVE || user->role != body->role)
        return sat_fail(court->fault, SAT_ERR_INVALID, "user %u is suspended or not %s", (unsigned)user->number,
                        sat_role_name(body->role));
    if (body->expires_ms <= court->now_ms || body->expires_ms > SAT_TIME_MS_MAX)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the invite would have expired before it was made, or never");
    bool early = body->role == SAT_ROLE_REP || body->role == SAT_ROLE_SERVICE;
    if (!early && body->boxes.count)
        return sat_fail(court->fault, SAT_ERR_INVALID, "an invite for this role carries no keys: a device approves it");
    enum sat_err err = judge_invite_grants(court, body);
    if (err) return err;
    out->invite_id = sat_invite_id(&body->sign, &body->box);
    bool used = sat_directory_invite(court->directory, &out->invite_id) ||
                sat_index_key_in_use(court->directory, &body->sign) ||
                sat_index_key_in_use(court->directory, &body->box);
    if (used) return sat_fail(court->fault, SAT_ERR_EXISTS, "the invite's keys have been used before");
    if (court->verify && (key_is_zero(&body->sign) || !can_seal_to(&body->box)))
        return sat_fail(court->fault, SAT_ERR_INVALID, "nothing can be sealed to the invite's key");
    return SAT_OK;
}

static enum sat_err find_open_invite(const struct sat_court *court, const struct sat_hash *id, struct sat_ruling *out)
{
    const struct sat_invite *invite = sat_directory_invite(court->directory, id);
    if (!invite) return sat_fail(court->fault, SAT_ERR_INVALID, "there is no such invite");
    if (invite->state == SAT_INVITE_USED) return sat_fail(court->fault, SAT_ERR_INVITE_USED, NULL);
    if (invite->state == SAT_INVITE_CANCELLED)
        return sat_fail(court->fault, SAT_ERR_INVITE_EXPIRED, "this invite was cancelled");
    out->place = sat_index_invite(court->directory, id);
    return SAT_OK;
}

static enum sat_err judge_cancel(const struct sat_court *court, struct sat_ruling *out)
{
    return find_open_invite(court, &out->body.cancel.invite, out);
}

/* The admin key may be zeros. */
static enum sat_err judge_device_keys(const struct sat_court *court, const struct sat_public_key *sign,
                                      const struct sat_public_key *box, const struct sat_public_key *admin_sign)
{
    const struct sat_directory *directory = court->directory;
    if (sat_index_key_in_use(directory, sign) || sat_index_key_in_use(directory, box))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "a key of the new device is in use already");
    if (court->verify && !can_seal_to(box))
        return sat_fail(court->fault, SAT_ERR_INVALID, "nothing can be sealed to the new device's key");
    if (key_is_zero(admin_sign)) return SAT_OK;
    if (sat_index_key_in_use(directory, admin_sign) || key_equal(admin_sign, sign))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "the admin key is in use already");
    return SAT_OK;
}

static enum sat_err judge_join_keys(const struct sat_court *court, const struct sat_user *user,
                                    const struct sat_body_join *body)
{
    enum sat_err err = judge_device_keys(court, &body->sign, &body->box, &body->admin_sign);
    bool may_have = user->role == SAT_ROLE_ADMIN || user->role == SAT_ROLE_MANAGER;
    if (!err && !key_is_zero(&body->admin_sign) && !may_have)
        return sat_fail(court->fault, SAT_ERR_INVALID, "a device of user %u has no use for an admin key",
                        (unsigned)user->number);
    return err;
}

static enum sat_err judge_join(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_join *body = &out->body.join;
    enum sat_err err = find_open_invite(court, &body->invite, out);
    if (err) return err;
    const struct sat_directory *directory = court->directory;
    const struct sat_invite *invite = &directory->invites[out->place];
    if (court->now_ms > invite->expires_ms) return sat_fail(court->fault, SAT_ERR_INVITE_EXPIRED, NULL);
    if (court->link->author != directory->devices_n + 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u is not the next", (unsigned)court->link->author);
    struct sat_demand demands[] = {
        {SAT_SIGNER_INVITE, invite->seq, &invite->sign},
        {SAT_SIGNER_DEVICE, court->link->author, &body->sign},
    };
    err = sat_check_signatures(court, demands, 2, &directory->org);
    if (err) return err;
    /* A code that was handed out for one role does not make a device of another. */
    const struct sat_user *user = &directory->users[invite->user - 1];
    if (user->state != SAT_USER_ACTIVE || user->role != invite->role)
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u is suspended, or has another role than the invite",
                        (unsigned)user->number);
    return judge_join_keys(court, user, body);
}

/* The server says whether it has the key: here it must only be nobody else's. */
static enum sat_err judge_server_key(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_server_key *body = &out->body.server_key;
    if (key_is_zero(&body->server)) return sat_fail(court->fault, SAT_ERR_INVALID, "a server's key is not zero");
    bool same = key_equal(&body->server, &court->directory->server);
    if (!same && sat_index_key_in_use(court->directory, &body->server))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "the server's new key has been in use in this org before");
    return SAT_OK;
}

/* ---- Devices that leave, work that comes late ---- */

static enum sat_err unknown_device(const struct sat_court *court, uint32_t device)
{
    return sat_fail(court->fault, SAT_ERR_INVALID, "there is no device %u", (unsigned)device);
}

/* Whoever has the old keys can do this, so it gives nothing that they do not give: the same user, what the parent has,
 * and an end with the parent's. The author is active, and so not revoked. */
static enum sat_err judge_reindex(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_reindex *body = &out->body.reindex;
    const struct sat_directory *directory = court->directory;
    const struct sat_device *parent = sat_directory_device(directory, court->link->author);
    static const struct sat_public_key none;
    if (body->parent != parent->number)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u takes a new index for device %u",
                        (unsigned)parent->number, (unsigned)body->parent);
    struct sat_demand demands[] = {
        {SAT_SIGNER_DEVICE, parent->number, &parent->sign},
        {SAT_SIGNER_DEVICE, directory->devices_n + 1, &body->sign},
    };
    enum sat_err err = sat_check_signatures(court, demands, 2, &directory->org);
    if (err) return err;
    if (parent->copies >= SAT_COPIES_MAX)
        return sat_fail(
            court->fault, SAT_ERR_DENIED,
            "device %u has been copied %d times: an admin has to say that this is right, by `satchel device "
            "approve %u`",
            (unsigned)parent->number, SAT_COPIES_MAX, (unsigned)parent->number);
    if (sat_directory_lineage(directory, parent->number, NULL) >= SAT_LINEAGE_MAX)
        return sat_fail(court->fault, SAT_ERR_DENIED,
                        "there are %d active copies of one device: an admin has to revoke them, and to invite anew",
                        SAT_LINEAGE_MAX);
    return judge_device_keys(court, &body->sign, &body->box, &none);
}

static enum sat_err judge_cuts(const struct sat_court *court, const struct sat_body_revoke *body)
{
    for (uint16_t i = 0; i < body->cuts_n; i++) {
        const struct sat_cut *cut = &body->cuts[i];
        if (i && memcmp(cut->space.b, body->cuts[i - 1].space.b, sizeof cut->space.b) <= 0)
            return sat_fail(court->fault, SAT_ERR_INVALID, "the cuts are not in the order of their spaces, each once");
        if (!sat_directory_space(court->directory, &cut->space))
            return sat_fail(court->fault, SAT_ERR_INVALID, "a cut is in a space that there is not");
        if (cut->counter == 0 || cut->counter > SAT_COUNTER_MAX || sat_hash_is_zero(&cut->bundle))
            return sat_fail(court->fault, SAT_ERR_INVALID, "a cut names the bundle that is the last to count");
    }
    return SAT_OK;
}

static enum sat_err judge_revoke(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_revoke *body = &out->body.revoke;
    const struct sat_directory *directory = court->directory;
    const struct sat_device *device = sat_directory_device(directory, body->device);
    if (!device) return unknown_device(court, body->device);
    if (device->revoked_seq)
        return sat_fail(court->fault, SAT_ERR_EXISTS, "device %u has been revoked already", (unsigned)body->device);
    enum sat_err err = judge_cuts(court, body);
    if (err) return err;
    bool signs = device->approved_seq && !key_is_zero(&device->admin_sign);
    return signs ? keep_an_admin(court, device->user, device->number) : SAT_OK;
}

static enum sat_err judge_wipe(const struct sat_court *court, struct sat_ruling *out)
{
    uint32_t number = out->body.wipe.device;
    const struct sat_device *device = sat_directory_device(court->directory, number);
    if (!device) return unknown_device(court, number);
    if (!device->revoked_seq)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u is not revoked: that comes first", (unsigned)number);
    if (device->wiped_seq)
        return sat_fail(court->fault, SAT_ERR_EXISTS, "device %u is to be wiped already", (unsigned)number);
    return SAT_OK;
}

static enum sat_err judge_approval(const struct sat_court *court, const struct sat_body_accept *body)
{
    const struct sat_device *device = sat_directory_device(court->directory, body->device);
    if (!sodium_is_zero(body->space.b, sizeof body->space.b) || !sat_hash_is_zero(&body->bundle))
        return sat_fail(court->fault, SAT_ERR_INVALID, "to approve a device names no space and no bundle");
    if (device->revoked_seq)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u has been revoked", (unsigned)body->device);
    if (device->approved_seq && device->copies) /* that it was copied is in order */
        return body->boxes.count == 0 ? SAT_OK : sat_fail(court->fault, SAT_ERR_INVALID, "it has its keys already");
    if (device->approved_seq)
        return sat_fail(court->fault, SAT_ERR_EXISTS, "device %u needs no approval, or has it", (unsigned)body->device);
    return SAT_OK;
}

static enum sat_err judge_accept(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_accept *body = &out->body.accept;
    const struct sat_directory *directory = court->directory;
    if (body->what < SAT_ACCEPT_DEVICE || body->what > SAT_ACCEPT_REJECT)
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no decision %u", (unsigned)body->what);
    if (!sat_directory_device(directory, body->device)) return unknown_device(court, body->device);
    if (body->what == SAT_ACCEPT_DEVICE) return judge_approval(court, body);
    if (!sat_directory_space(directory, &body->space))
        return sat_fail(court->fault, SAT_ERR_INVALID, "the accept link names a space that there is not");
    if (sat_hash_is_zero(&body->bundle) || body->boxes.count)
        return sat_fail(court->fault, SAT_ERR_INVALID, "a decision names a bundle, and hands out no keys");
    /* What was rejected may be let in later; what was let in is in the log. */
    uint8_t before = sat_directory_decided(directory, &body->bundle, directory->seq);
    if (before && !(before == SAT_ACCEPT_REJECT && body->what == SAT_ACCEPT_BUNDLE))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "that bundle has been %s already",
                        before == SAT_ACCEPT_REJECT ? "rejected" : "let in");
    return SAT_OK;
}

/* ---- Policy and the kit ---- */

static uint64_t most_of(uint16_t key)
{
    switch (key) {
#define X(id, name, number, absent, most)                                                                              \
    case number:                                                                                                       \
        return most;
#include "common/proof/policies.def"
#undef X
    default:
        return UINT64_MAX; /* a later version's: kept and ignored */
    }
}

static enum sat_err judge_log_epoch(const struct sat_court *court, struct sat_ruling *out)
{
    uint64_t from = out->body.log_epoch.from;
    if (from >= 1 && from <= court->directory->seq) return SAT_OK;
    return sat_fail(court->fault, SAT_ERR_INVALID, "no server came back with %llu links of %llu",
                    (unsigned long long)from, (unsigned long long)court->directory->seq);
}

static enum sat_err judge_policy(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_policy *body = &out->body.policy;
    if (body->values_n == 0) return sat_fail(court->fault, SAT_ERR_INVALID, "the policy link sets nothing");
    for (uint16_t i = 0; i < body->values_n; i++) {
        if (i && body->values[i].key <= body->values[i - 1].key)
            return sat_fail(court->fault, SAT_ERR_INVALID, "the policies are not in order, each once");
        if (body->values[i].value > most_of(body->values[i].key))
            return sat_fail(court->fault, SAT_ERR_INVALID, "%llu is more than policy %u may be",
                            (unsigned long long)body->values[i].value, (unsigned)body->values[i].key);
    }
    return SAT_OK;
}

static enum sat_err judge_kit_keys(const struct sat_court *court, const struct sat_body_kit *body)
{
    const struct sat_directory *directory = court->directory;
    if (sat_index_key_in_use(directory, &body->kit_sign) || sat_index_key_in_use(directory, &body->kit_box))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "a key of the new kit has been in use before");
    if (key_is_zero(&body->kit_sign) || (court->verify && !can_seal_to(&body->kit_box)))
        return sat_fail(court->fault, SAT_ERR_INVALID, "nothing can be signed by the new kit, or sealed to it");
    return SAT_OK;
}

/* The kit makes an admin's new device, as its holder may have no other left. */
static enum sat_err judge_recovery(const struct sat_court *court, const struct sat_body_kit *body,
                                   const struct sat_kit *kit, uint8_t role)
{
    const struct sat_directory *directory = court->directory;
    if (role != SAT_ROLE_ADMIN)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the kit recovers admins, which user %u is not",
                        (unsigned)body->user);
    if (court->link->author != directory->devices_n + 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u is not the next", (unsigned)court->link->author);
    struct sat_demand demands[] = {
        {SAT_SIGNER_DEVICE, court->link->author, &body->device_sign},
        {SAT_SIGNER_KIT, kit->seq, &kit->sign},
    };
    enum sat_err err = sat_check_signatures(court, demands, 2, &directory->org);
    if (!err) err = judge_device_keys(court, &body->device_sign, &body->device_box, &body->admin_sign);
    if (err) return err;
    if (key_is_zero(&body->admin_sign))
        return sat_fail(court->fault, SAT_ERR_INVALID, "an admin's device by the kit has an admin key");
    bool shared = key_equal(&body->kit_sign, &body->device_sign) || key_equal(&body->kit_sign, &body->admin_sign) ||
                  key_equal(&body->kit_box, &body->device_box);
    if (shared) return sat_fail(court->fault, SAT_ERR_EXISTS, "the new kit has a key of the new device");
    return SAT_OK;
}

static enum sat_err judge_kit(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_kit *body = &out->body.kit;
    enum sat_err err = judge_kit_keys(court, body);
    if (err) return err;
    if (body->user) {
        const struct sat_directory *directory = court->directory;
        const struct sat_user *user = sat_directory_user(directory, body->user);
        if (!user) return unknown_user(court, body->user);
        return judge_recovery(court, body, &directory->kits[directory->kits_n - 1], user->role);
    }
    bool plain = key_is_zero(&body->device_sign) && key_is_zero(&body->device_box) && key_is_zero(&body->admin_sign);
    if (!plain) return sat_fail(court->fault, SAT_ERR_INVALID, "a kit that is only replaced lets no device in");
    return SAT_OK;
}

/* By the links that stand: a thief's kit signs nothing, and it does not matter to whom he gave the admin's role. */
static enum sat_err judge_by_those_that_stand(const struct sat_court *court, const struct sat_body_repudiate *body)
{
    struct sat_disowning disowning;
    uint8_t role, state;
    sat_disowning_begin(court->directory, body->device, body->from_seq, &disowning);
    const struct sat_kit *kit = &court->directory->kits[sat_disowning_kit(&disowning)];
    sat_disowning_standing(&disowning, body->kit.user, &role, &state);
    sat_disowning_end(&disowning);
    if (!sat_directory_kit_good(court->directory, kit, court->now_ms))
        return sat_fail(court->fault, SAT_ERR_DENIED,
                        "the recovery kit that was in force before has been replaced for too long");
    return judge_recovery(court, &body->kit, kit, role);
}

static enum sat_err judge_repudiation(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_repudiate *body = &out->body.repudiate;
    const struct sat_directory *directory = court->directory;
    if (!sat_directory_device(directory, body->device)) return unknown_device(court, body->device);
    if (body->from_seq == 0 || body->from_seq > directory->seq)
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no link %llu to begin with",
                        (unsigned long long)body->from_seq);
    if (!sat_directory_user(directory, body->kit.user)) return unknown_user(court, body->kit.user);
    enum sat_err err = judge_kit_keys(court, &body->kit);
    return err ? err : judge_by_those_that_stand(court, body);
}

static enum sat_err judge_mass_change(const struct sat_court *court, struct sat_ruling *out)
{
    const struct sat_body_mass_change *body = &out->body.mass_change;
    if (!sat_directory_space(court->directory, &body->space))
        return sat_fail(court->fault, SAT_ERR_INVALID, "the %s link names a space that there is not", court->kind);
    if (!sat_directory_device(court->directory, body->device)) return unknown_device(court, body->device);
    if (body->first == 0 || body->last < body->first || body->last > SAT_COUNTER_MAX)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the %s link names no changes", court->kind);
    out->place = sat_index_space(court->directory, &body->space);
    return SAT_OK;
}

/* ---- Judgement ---- */

enum sat_err sat_ruling_decode(const struct sat_link *link, struct sat_ruling *out)
{
    switch ((enum sat_link_type)link->type) {
    case SAT_LINK_GENESIS:
        return sat_body_genesis_decode(link->body, &out->body.genesis);
    case SAT_LINK_USER:
        return sat_body_user_decode(link->body, &out->body.user);
    case SAT_LINK_ROLE:
        return sat_body_role_decode(link->body, &out->body.role);
    case SAT_LINK_SPACE:
        return sat_body_space_decode(link->body, &out->body.space);
    case SAT_LINK_GRANT:
        return sat_body_grant_decode(link->body, &out->body.grant);
    case SAT_LINK_EPOCH:
        return sat_body_epoch_decode(link->body, &out->body.epoch);
    case SAT_LINK_INVITE:
        return sat_body_invite_decode(link->body, &out->body.invite);
    case SAT_LINK_INVITE_CANCEL:
        return sat_body_invite_cancel_decode(link->body, &out->body.cancel);
    case SAT_LINK_JOIN:
        return sat_body_join_decode(link->body, &out->body.join);
    case SAT_LINK_REVOKE:
        return sat_body_revoke_decode(link->body, &out->body.revoke);
    case SAT_LINK_WIPE:
        return sat_body_wipe_decode(link->body, &out->body.wipe);
    case SAT_LINK_ACCEPT:
        return sat_body_accept_decode(link->body, &out->body.accept);
    case SAT_LINK_LOG_EPOCH:
        return sat_body_log_epoch_decode(link->body, &out->body.log_epoch);
    case SAT_LINK_POLICY:
        return sat_body_policy_decode(link->body, &out->body.policy);
    case SAT_LINK_KIT:
        return sat_body_kit_decode(link->body, &out->body.kit);
    case SAT_LINK_REPUDIATE:
        return sat_body_repudiate_decode(link->body, &out->body.repudiate);
    case SAT_LINK_MASS_CHANGE:
        return sat_body_mass_change_decode(link->body, &out->body.mass_change);
    case SAT_LINK_SERVER_KEY:
        return sat_body_server_key_decode(link->body, &out->body.server_key);
    case SAT_LINK_REINDEX:
        return sat_body_reindex_decode(link->body, &out->body.reindex);
    case SAT_LINK_EXPEL:
        return sat_body_expel_decode(link->body, &out->body.expel);
    case SAT_LINK_GRAFT:
    case SAT_LINK_ERASE:
        break;
    }
    return SAT_OK; /* a body that nobody here reads */
}

static enum sat_err judge_body(const struct sat_court *court, struct sat_ruling *out)
{
    switch ((enum sat_link_type)court->link->type) {
    case SAT_LINK_GENESIS:
        return judge_genesis(court, out);
    case SAT_LINK_USER:
        return judge_user(court, out);
    case SAT_LINK_ROLE:
        return judge_role(court, out);
    case SAT_LINK_SPACE:
        return judge_space(court, out);
    case SAT_LINK_GRANT:
        return judge_grant(court, out);
    case SAT_LINK_EPOCH:
        return judge_epoch(court, out);
    case SAT_LINK_INVITE:
        return judge_invite(court, out);
    case SAT_LINK_INVITE_CANCEL:
        return judge_cancel(court, out);
    case SAT_LINK_JOIN:
        return judge_join(court, out);
    case SAT_LINK_SERVER_KEY:
        return judge_server_key(court, out);
    case SAT_LINK_REVOKE:
        return judge_revoke(court, out);
    case SAT_LINK_WIPE:
        return judge_wipe(court, out);
    case SAT_LINK_ACCEPT:
        return judge_accept(court, out);
    case SAT_LINK_LOG_EPOCH:
        return judge_log_epoch(court, out);
    case SAT_LINK_POLICY:
        return judge_policy(court, out);
    case SAT_LINK_KIT:
        return judge_kit(court, out);
    case SAT_LINK_REPUDIATE:
        return judge_repudiation(court, out);
    case SAT_LINK_MASS_CHANGE:
        return judge_mass_change(court, out);
    case SAT_LINK_REINDEX:
        return judge_reindex(court, out);
    case SAT_LINK_EXPEL:
        return sat_judge_expel(court, &out->body.expel);
    case SAT_LINK_GRAFT:
    case SAT_LINK_ERASE:
        break;
    }
    sat_check(sat_author_of(court->link->type) == SAT_AUTHOR_UNKNOWN); /* later kinds are not admitted */
    out->ignored = true;
    return SAT_OK;
}

enum sat_err sat_directory_judge(const struct sat_directory *directory, const struct sat_link *link, uint64_t now_ms,
                                 enum sat_directory_trust trust, struct sat_ruling *out, struct sat_fault *fault)
{
    struct sat_court court = {directory, link, sat_link_type_name(link->type), now_ms, trust == SAT_DIRECTORY_VERIFY,
                              fault};
    out->ignored = false;
    out->org = directory->org;
    out->server = directory->server;
    out->place = UINT32_MAX;
    struct sat_hash head = sat_directory_hash_at(directory, directory->seq);
    if (link->seq != directory->seq + 1 || !sat_hash_equal(&link->prev, &head))
        return sat_fail(fault, SAT_ERR_STALE, "link %llu does not extend the directory's head at %llu",
                        (unsigned long long)link->seq, (unsigned long long)directory->seq);
    if (link->suite != SUITE)
        return sat_fail(fault, SAT_ERR_UPGRADE_NEEDED, "the link is of suite %u", (unsigned)link->suite);
    if ((link->type == SAT_LINK_GENESIS) != (directory->seq == 0))
        return sat_fail(fault, SAT_ERR_INVALID, "a directory begins with its genesis, and has one");
    enum sat_author author = sat_author_of(link->type);
    if (author == SAT_AUTHOR_LATER || (author == SAT_AUTHOR_UNKNOWN && link->critical))
        return sat_fail(fault, SAT_ERR_UPGRADE_NEEDED, "link %llu is of kind %u (%s), which needs a newer version",
                        (unsigned long long)link->seq, (unsigned)link->type, court.kind);
    if (sat_ruling_decode(link, out))
        return sat_fail(fault, SAT_ERR_MALFORMED, "the body of the %s link is malformed", court.kind);
    enum sat_err err = sat_admit(&court, out);
    return err ? err : judge_body(&court, out);
}
