#include "common/proof/directory_rules.h"

#include <sodium.h>

#include "common/base/check.h"

enum { SUITE = 1, GENESIS_VERSION = 1 };

/* One link being judged. */
struct court {
    const struct sat_directory *directory;
    const struct sat_link *link;
    const char *kind; /* the link's, for the sentence */
    uint64_t now_ms;
    bool verify;
    struct sat_fault *fault;
};

enum author { AUTHOR_UNKNOWN, AUTHOR_ADMIN, AUTHOR_MEMBER, AUTHOR_INVITEE, AUTHOR_LATER };

static enum author author_of(uint16_t type)
{
    switch (type) {
#define X(id, name, number, who)                                                                                       \
    case number:                                                                                                       \
        return AUTHOR_##who;
#include "common/proof/links.def"
#undef X
    default:
        return AUTHOR_UNKNOWN;
    }
}

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

/* ---- Signatures ---- */

struct demand { /* a signature that a link must carry */
    uint8_t kind;
    uint64_t number;
    const struct sat_public_key *key;
};

static enum sat_err check_signatures(const struct court *court, const struct demand *demands, uint8_t n,
                                     const struct sat_hash *org)
{
    const struct sat_link *link = court->link;
    for (uint8_t i = 0; i < link->signatures_n; i++) {
        bool wanted = false;
        for (uint8_t j = 0; j < n; j++) wanted = wanted || demands[j].kind == link->signatures[i].kind;
        for (uint8_t j = 0; j < i; j++) wanted = wanted && link->signatures[j].kind != link->signatures[i].kind;
        if (!wanted)
            return sat_fail(court->fault, SAT_ERR_MALFORMED, "the %s link carries a surplus signature", court->kind);
    }
    for (uint8_t j = 0; j < n; j++) {
        const struct sat_link_signature *found = NULL;
        for (uint8_t i = 0; i < link->signatures_n; i++)
            if (link->signatures[i].kind == demands[j].kind) found = &link->signatures[i];
        if (!found || found->number != demands[j].number)
            return sat_fail(court->fault, SAT_ERR_DENIED, "the %s link lacks a signature that its kind demands",
                            court->kind);
        if (court->verify && sat_verify(demands[j].key, "link", org, link->message, &found->signature))
            return sat_fail(court->fault, SAT_ERR_TAMPERED, "a signature of the %s link does not hold", court->kind);
    }
    return SAT_OK;
}

/* The user whose active device the author is; NULL with the fault filled. */
static const struct sat_user *active_author(const struct court *court, enum sat_err *err)
{
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    const struct sat_user *user = device ? sat_directory_user(court->directory, device->user) : NULL;
    if (user && !device->revoked_seq && user->state == SAT_USER_ACTIVE) return user;
    *err = sat_fail(court->fault, SAT_ERR_DENIED, "device %u may author nothing: it is unknown, revoked or suspended",
                    (unsigned)court->link->author);
    return NULL;
}

static enum sat_err admit_admin(const struct court *court)
{
    enum sat_err err = SAT_OK;
    const struct sat_user *user = active_author(court, &err);
    if (!user) return err;
    if (user->role != SAT_ROLE_ADMIN || key_is_zero(&user->admin_sign))
        return sat_fail(court->fault, SAT_ERR_DENIED, "only an admin may author a %s link", court->kind);
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    struct demand demands[] = {
        {SAT_SIGNER_DEVICE, device->number, &device->sign},
        {SAT_SIGNER_ADMIN, user->number, &user->admin_sign},
    };
    return check_signatures(court, demands, 2, &court->directory->org);
}

static enum sat_err admit_member(const struct court *court)
{
    enum sat_err err = SAT_OK;
    if (!active_author(court, &err)) return err;
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    struct demand demands[] = {{SAT_SIGNER_DEVICE, device->number, &device->sign}};
    return check_signatures(court, demands, 1, &court->directory->org);
}

/* A later version may demand more signatures of its non-critical kinds: the author's own is the one that must hold. */
static enum sat_err admit_unknown(const struct court *court)
{
    enum sat_err err = SAT_OK;
    if (!active_author(court, &err)) return err;
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    const struct sat_link_signature *own = NULL;
    for (uint8_t i = 0; i < court->link->signatures_n; i++) {
        if (court->link->signatures[i].kind != SAT_SIGNER_DEVICE || court->link->signatures[i].number != device->number)
            continue;
        if (own) return sat_fail(court->fault, SAT_ERR_MALFORMED, "the link carries its author's signature twice");
        own = &court->link->signatures[i];
    }
    if (!own) return sat_fail(court->fault, SAT_ERR_DENIED, "the link lacks its author's signature");
    if (court->verify &&
        sat_verify(&device->sign, "link", &court->directory->org, court->link->message, &own->signature))
        return sat_fail(court->fault, SAT_ERR_TAMPERED, "the signature of link %llu does not hold",
                        (unsigned long long)court->link->seq);
    return SAT_OK;
}

/* ---- Bodies ---- */

static enum sat_err malformed(const struct court *court)
{
    return sat_fail(court->fault, SAT_ERR_MALFORMED, "the body of the %s link is malformed", court->kind);
}

static enum sat_err judge_genesis(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_genesis *body = &out->body.genesis;
    if (sat_body_genesis_decode(court->link->body, body)) return malformed(court);
    if (body->version != GENESIS_VERSION)
        return sat_fail(court->fault, SAT_ERR_UPGRADE_NEEDED, "the org was founded by version %u",
                        (unsigned)body->version);
    if (court->link->author != 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "the genesis is not authored by device 1");
    static const struct sat_hash zeros;
    struct demand demands[] = {
        {SAT_SIGNER_DEVICE, 1, &body->device_sign},
        {SAT_SIGNER_ADMIN, 1, &body->admin_sign},
    };
    enum sat_err err = check_signatures(court, demands, 2, &zeros);
    if (err) return err;
    if (key_equal(&body->device_sign, &body->admin_sign))
        return sat_fail(court->fault, SAT_ERR_INVALID, "the admin key is the device's own");
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

/* Can somebody else than `user` still sign as an admin? */
static bool another_admin(const struct sat_directory *directory, uint32_t user)
{
    for (uint32_t i = 0; i < directory->users_n; i++) {
        const struct sat_user *other = &directory->users[i];
        if (other->number != user && other->role == SAT_ROLE_ADMIN && other->state == SAT_USER_ACTIVE &&
            !key_is_zero(&other->admin_sign))
            return true;
    }
    return false;
}

static enum sat_err judge_change(const struct court *court, const struct sat_user *user, uint8_t role, uint8_t state)
{
    bool is_admin = role == SAT_ROLE_ADMIN && state == SAT_USER_ACTIVE;
    if (!is_admin && !another_admin(court->directory, user->number))
        return sat_fail(court->fault, SAT_ERR_INVALID, "user %u is the last active admin", (unsigned)user->number);
    return SAT_OK;
}

static enum sat_err judge_user(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_user *body = &out->body.user;
    if (sat_body_user_decode(court->link->body, body)) return malformed(court);
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

static enum sat_err unknown_user(const struct court *court, uint32_t user)
{
    return sat_fail(court->fault, SAT_ERR_INVALID, "there is no user %u", (unsigned)user);
}

static enum sat_err judge_role(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_role *body = &out->body.role;
    if (sat_body_role_decode(court->link->body, body)) return malformed(court);
    if (!role_exists(body->role))
        return sat_fail(court->fault, SAT_ERR_INVALID, "there is no role %u", (unsigned)body->role);
    const struct sat_user *user = sat_directory_user(court->directory, body->user);
    if (!user) return unknown_user(court, body->user);
    return judge_change(court, user, body->role, user->state);
}

static enum sat_err judge_space(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_space *body = &out->body.space;
    if (sat_body_space_decode(court->link->body, body)) return malformed(court);
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
static enum sat_err judge_rights(const struct court *court, const struct sat_space_id *space, uint8_t rights)
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

static enum sat_err judge_grant(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_grant *body = &out->body.grant;
    if (sat_body_grant_decode(court->link->body, body)) return malformed(court);
    enum sat_err err = judge_rights(court, &body->space, body->rights);
    if (err) return err;
    if (!sat_directory_user(court->directory, body->user)) return unknown_user(court, body->user);
    out->place = sat_index_space(court->directory, &body->space);
    return SAT_OK;
}

static enum sat_err judge_epoch(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_epoch *body = &out->body.epoch;
    if (sat_body_epoch_decode(court->link->body, body)) return malformed(court);
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
    if (!(sat_directory_rights(directory, &body->space, user->number, directory->seq) & SAT_RIGHT_READ))
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u does not read that space", (unsigned)user->number);
    if (body->epoch == 1 && user->role != SAT_ROLE_ADMIN)
        return sat_fail(court->fault, SAT_ERR_DENIED, "only an admin makes a space's first epoch");
    out->place = sat_index_space(directory, &body->space);
    return SAT_OK;
}

static enum sat_err judge_invite_grants(const struct court *court, const struct sat_body_invite *body)
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

static enum sat_err judge_invite(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_invite *body = &out->body.invite;
    if (sat_body_invite_decode(court->link->body, body)) return malformed(court);
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

static enum sat_err find_open_invite(const struct court *court, const struct sat_hash *id, struct sat_ruling *out)
{
    const struct sat_invite *invite = sat_directory_invite(court->directory, id);
    if (!invite) return sat_fail(court->fault, SAT_ERR_INVALID, "there is no such invite");
    if (invite->state == SAT_INVITE_USED) return sat_fail(court->fault, SAT_ERR_INVITE_USED, NULL);
    if (invite->state == SAT_INVITE_CANCELLED)
        return sat_fail(court->fault, SAT_ERR_INVITE_EXPIRED, "this invite was cancelled");
    out->place = sat_index_invite(court->directory, id);
    return SAT_OK;
}

static enum sat_err judge_cancel(const struct court *court, struct sat_ruling *out)
{
    if (sat_body_invite_cancel_decode(court->link->body, &out->body.cancel)) return malformed(court);
    return find_open_invite(court, &out->body.cancel.invite, out);
}

static enum sat_err judge_join_keys(const struct court *court, const struct sat_user *user,
                                    const struct sat_body_join *body)
{
    const struct sat_directory *directory = court->directory;
    if (sat_index_key_in_use(directory, &body->sign) || sat_index_key_in_use(directory, &body->box))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "a key of the new device is in use already");
    if (court->verify && !can_seal_to(&body->box))
        return sat_fail(court->fault, SAT_ERR_INVALID, "nothing can be sealed to the new device's key");
    if (key_is_zero(&body->admin_sign)) return SAT_OK;
    bool may_have = user->role == SAT_ROLE_ADMIN || user->role == SAT_ROLE_MANAGER;
    if (!may_have || !key_is_zero(&user->admin_sign))
        return sat_fail(court->fault, SAT_ERR_INVALID, "user %u takes no admin key by this join",
                        (unsigned)user->number);
    if (sat_index_key_in_use(directory, &body->admin_sign) || key_equal(&body->admin_sign, &body->sign))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "the admin key is in use already");
    return SAT_OK;
}

static enum sat_err judge_join(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_join *body = &out->body.join;
    if (sat_body_join_decode(court->link->body, body)) return malformed(court);
    enum sat_err err = find_open_invite(court, &body->invite, out);
    if (err) return err;
    const struct sat_directory *directory = court->directory;
    const struct sat_invite *invite = &directory->invites[out->place];
    if (court->now_ms > invite->expires_ms) return sat_fail(court->fault, SAT_ERR_INVITE_EXPIRED, NULL);
    if (court->link->author != directory->devices_n + 1)
        return sat_fail(court->fault, SAT_ERR_INVALID, "device %u is not the next", (unsigned)court->link->author);
    struct demand demands[] = {
        {SAT_SIGNER_INVITE, invite->seq, &invite->sign},
        {SAT_SIGNER_DEVICE, court->link->author, &body->sign},
    };
    err = check_signatures(court, demands, 2, &directory->org);
    if (err) return err;
    /* A code that was handed out for one role does not make a device of another. */
    const struct sat_user *user = &directory->users[invite->user - 1];
    if (user->state != SAT_USER_ACTIVE || user->role != invite->role)
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u is suspended, or has another role than the invite",
                        (unsigned)user->number);
    return judge_join_keys(court, user, body);
}

/* ---- Judgement ---- */

/* The server says whether it has the key: here it must only be nobody else's. */
static enum sat_err judge_server_key(const struct court *court, struct sat_ruling *out)
{
    struct sat_body_server_key *body = &out->body.server_key;
    if (sat_body_server_key_decode(court->link->body, body)) return malformed(court);
    if (key_is_zero(&body->server)) return sat_fail(court->fault, SAT_ERR_INVALID, "a server's key is not zero");
    bool same = key_equal(&body->server, &court->directory->server);
    if (!same && sat_index_key_in_use(court->directory, &body->server))
        return sat_fail(court->fault, SAT_ERR_EXISTS, "the server's new key has been in use in this org before");
    return SAT_OK;
}

static enum sat_err admit(const struct court *court)
{
    bool founds = court->link->type == SAT_LINK_GENESIS;
    switch (author_of(court->link->type)) {
    case AUTHOR_ADMIN:
        return founds ? SAT_OK : admit_admin(court); /* the genesis brings its keys itself */
    case AUTHOR_MEMBER:
        return admit_member(court);
    case AUTHOR_INVITEE:
        return SAT_OK; /* as above: by the invite's key and the new device's */
    case AUTHOR_UNKNOWN:
        if (!court->link->critical) return admit_unknown(court);
        break;
    case AUTHOR_LATER:
        break;
    }
    return sat_fail(court->fault, SAT_ERR_UPGRADE_NEEDED, "link %llu is of kind %u (%s), which needs a newer version",
                    (unsigned long long)court->link->seq, (unsigned)court->link->type, court->kind);
}

static enum sat_err judge_body(const struct court *court, struct sat_ruling *out)
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
    case SAT_LINK_REINDEX:
    case SAT_LINK_REVOKE:
    case SAT_LINK_WIPE:
    case SAT_LINK_ACCEPT:
    case SAT_LINK_POLICY:
    case SAT_LINK_KIT:
    case SAT_LINK_LOG_EPOCH:
    case SAT_LINK_GRAFT:
    case SAT_LINK_ERASE:
    case SAT_LINK_EXPEL:
    case SAT_LINK_REPUDIATE:
        break;
    }
    sat_check(author_of(court->link->type) == AUTHOR_UNKNOWN); /* later kinds are not admitted */
    out->ignored = true;
    return SAT_OK;
}

enum sat_err sat_directory_judge(const struct sat_directory *directory, const struct sat_link *link, uint64_t now_ms,
                                 enum sat_directory_trust trust, struct sat_ruling *out, struct sat_fault *fault)
{
    struct court court = {directory, link, sat_link_type_name(link->type), now_ms, trust == SAT_DIRECTORY_VERIFY,
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
    enum sat_err err = admit(&court);
    return err ? err : judge_body(&court, out);
}
