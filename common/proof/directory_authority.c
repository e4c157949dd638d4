#include "common/proof/directory_authority.h"

#include <sodium.h>

#include "common/base/check.h"

enum sat_author sat_author_of(uint16_t type)
{
    switch (type) {
#define X(id, name, number, who)                                                                                       \
    case number:                                                                                                       \
        return SAT_AUTHOR_##who;
#include "common/base/limits.h"
#include "common/proof/links.def"
#undef X
    default:
        return SAT_AUTHOR_UNKNOWN;
    }
}

static bool has_admin_key(const struct sat_device *device)
{
    return !sodium_is_zero(device->admin_sign.b, sizeof device->admin_sign.b);
}

static bool counts(const struct sat_device *device)
{
    return device->approved_seq && !device->revoked_seq;
}

/* ---- Signatures ---- */

static bool signs(const struct sat_link_signature *signature, const struct sat_demand *demand)
{
    return signature->kind == demand->kind && signature->number == demand->number;
}

/* No signature twice, and of each kind no more than are demanded, or than a co-signature adds. */
static bool surplus(const struct sat_link *link, const struct sat_demand *demands, uint8_t n, bool cosigned)
{
    if (link->signatures_n > n + cosigned) return true;
    for (uint8_t i = 0; i < link->signatures_n; i++) {
        const struct sat_link_signature *signature = &link->signatures[i];
        bool may_add = signature->kind == SAT_SIGNER_ADMIN || signature->kind == SAT_SIGNER_KIT;
        int left = cosigned && may_add;
        for (uint8_t j = 0; j < n; j++) left += demands[j].kind == signature->kind;
        for (uint8_t j = 0; j < i; j++) {
            left -= link->signatures[j].kind == signature->kind;
            if (link->signatures[j].kind == signature->kind && link->signatures[j].number == signature->number)
                return true;
        }
        if (left <= 0) return true;
    }
    return false;
}

static enum sat_err verify(const struct sat_court *court, const struct sat_link_signature *signature,
                           const struct sat_public_key *key, const struct sat_hash *org)
{
    if (court->verify && sat_verify(key, "link", org, court->link->message, &signature->signature))
        return sat_fail(court->fault, SAT_ERR_TAMPERED, "a signature of the %s link does not hold", court->kind);
    return SAT_OK;
}

/* `cosigned`: one more may be there, which *extra becomes. */
static enum sat_err check_demands(const struct sat_court *court, const struct sat_demand *demands, uint8_t n,
                                  const struct sat_hash *org, bool cosigned, const struct sat_link_signature **extra)
{
    const struct sat_link *link = court->link;
    bool asked[SAT_LINK_SIGNATURES_MAX] = {false};
    if (surplus(link, demands, n, cosigned))
        return sat_fail(court->fault, SAT_ERR_MALFORMED, "the %s link carries a surplus signature", court->kind);
    for (uint8_t j = 0; j < n; j++) {
        uint8_t i = 0;
        while (i < link->signatures_n && !signs(&link->signatures[i], &demands[j])) i++;
        if (i == link->signatures_n)
            return sat_fail(court->fault, SAT_ERR_DENIED, "the %s link lacks a signature that its kind demands",
                            court->kind);
        asked[i] = true;
        enum sat_err err = verify(court, &link->signatures[i], demands[j].key, org);
        if (err) return err;
    }
    for (uint8_t i = 0; i < link->signatures_n; i++)
        if (!asked[i]) *extra = &link->signatures[i];
    return SAT_OK;
}

enum sat_err sat_check_signatures(const struct sat_court *court, const struct sat_demand *demands, uint8_t n,
                                  const struct sat_hash *org)
{
    const struct sat_link_signature *extra = NULL;
    return check_demands(court, demands, n, org, false, &extra);
}

/* ---- The guard ---- */

enum guard { GUARD_NONE, GUARD_MAY, GUARD_MUST };

static bool makes_admin(const struct sat_user *user, uint8_t role, uint8_t state)
{
    if (role != SAT_ROLE_ADMIN) return false;
    if (!user || user->role != SAT_ROLE_ADMIN) return true;
    return state == SAT_USER_ACTIVE && user->state != SAT_USER_ACTIVE; /* one again */
}

/* More than three within a day are no lost phones. */
static bool wipes_many(const struct sat_court *court, uint32_t user)
{
    const struct sat_user_past *past = &court->directory->index->users[user - 1];
    return past->wipes_n >= SAT_WIPES_KEPT &&
           past->wipes_ms[past->wipes_n % SAT_WIPES_KEPT] + SAT_DAY_MS > court->now_ms;
}

static bool approves_admin(const struct sat_directory *directory, uint32_t author, uint32_t device)
{
    const struct sat_device *approved = sat_directory_device(directory, device);
    return approved && approved->user != author && directory->users[approved->user - 1].role == SAT_ROLE_ADMIN;
}

/* Does what the link says need a second signature where there is another admin, or might it in another case? `author`
 * is the user. */
static enum guard guard_of(const struct sat_court *court, const struct sat_ruling *ruling, uint32_t author)
{
    const struct sat_directory *directory = court->directory;
    const struct sat_user *user;
    bool must;
    switch (court->link->type) {
    case SAT_LINK_USER:
        user = sat_directory_user(directory, ruling->body.user.user);
        must = makes_admin(user, ruling->body.user.role, ruling->body.user.state);
        return must ? GUARD_MUST : ruling->body.user.role == SAT_ROLE_ADMIN ? GUARD_MAY : GUARD_NONE;
    case SAT_LINK_ROLE:
        user = sat_directory_user(directory, ruling->body.role.user);
        must = makes_admin(user, ruling->body.role.role, user ? user->state : SAT_USER_ACTIVE);
        return must ? GUARD_MUST : ruling->body.role.role == SAT_ROLE_ADMIN ? GUARD_MAY : GUARD_NONE;
    case SAT_LINK_ACCEPT:
        if (ruling->body.accept.what != SAT_ACCEPT_DEVICE) return GUARD_NONE;
        return approves_admin(directory, author, ruling->body.accept.device) ? GUARD_MUST : GUARD_MAY;
    case SAT_LINK_WIPE:
        return wipes_many(court, author) ? GUARD_MUST : GUARD_MAY;
    case SAT_LINK_POLICY:
    case SAT_LINK_KIT:
        return GUARD_MUST;
    default:
        return GUARD_NONE;
    }
}

/* Is there an admin beside this user? Without one the guard would lock the only one out. */
static bool another_admin(const struct sat_directory *directory, uint32_t user)
{
    return sat_directory_admins(directory) > (sat_index_acts(directory, user) ? 1u : 0u);
}

static enum sat_err check_cosigner(const struct sat_court *court, const struct sat_link_signature *signature,
                                   uint32_t author)
{
    const struct sat_directory *directory = court->directory;
    if (signature->kind == SAT_SIGNER_KIT) {
        if (signature->number != directory->kit_seq)
            return sat_fail(court->fault, SAT_ERR_DENIED, "the %s link is signed by a kit that was replaced",
                            court->kind);
        return verify(court, signature, &directory->kit_sign, &directory->org);
    }
    const struct sat_device *device = sat_directory_device(directory, signature->number);
    bool may = device && device->user != author && counts(device) && has_admin_key(device) &&
               sat_index_acts(directory, device->user);
    if (!may)
        return sat_fail(court->fault, SAT_ERR_DENIED, "device %u may not co-sign: it is no other admin's",
                        (unsigned)signature->number);
    return verify(court, signature, &device->admin_sign, &directory->org);
}

bool sat_directory_wants_cosigner(const struct sat_directory *directory, const struct sat_link *link, uint64_t now_ms)
{
    struct sat_court court = {.directory = directory, .link = link, .now_ms = now_ms};
    struct sat_ruling ruling;
    const struct sat_device *author = sat_directory_device(directory, link->author);
    if (!author || link->signatures_n > 2 || sat_ruling_decode(link, &ruling)) return false;
    return guard_of(&court, &ruling, author->user) == GUARD_MUST && another_admin(directory, author->user);
}

/* ---- Who ---- */

/* The device's own signature, and its admin key's; and the second one where it is due. */
static enum sat_err check_admins_signatures(const struct sat_court *court, const struct sat_ruling *ruling,
                                            const struct sat_device *device)
{
    const struct sat_directory *directory = court->directory;
    struct sat_demand demands[] = {
        {SAT_SIGNER_DEVICE, device->number, &device->sign},
        {SAT_SIGNER_ADMIN, device->number, &device->admin_sign},
    };
    const struct sat_link_signature *second = NULL;
    enum guard guard = guard_of(court, ruling, device->user);
    enum sat_err err = check_demands(court, demands, 2, &directory->org, guard != GUARD_NONE, &second);
    if (err) return err;
    if (second) return check_cosigner(court, second, device->user);
    if (guard == GUARD_MUST && another_admin(directory, device->user))
        return sat_fail(court->fault, SAT_ERR_DENIED,
                        "this %s link needs a second signature: of another admin, or of the recovery kit", court->kind);
    return SAT_OK;
}

static bool manages_space(const struct sat_directory *directory, uint32_t manager, const struct sat_space_id *space)
{
    return sat_directory_rights(directory, space, manager, directory->seq) & SAT_RIGHT_MANAGE;
}

static bool may_hand_out(uint8_t rights)
{
    return (rights & ~(SAT_RIGHT_READ | SAT_RIGHT_WRITE)) == 0;
}

static bool manages_device(const struct sat_directory *directory, uint32_t manager, uint32_t device)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    return known && sat_directory_manages(directory, manager, known->user);
}

static bool manager_may_change(const struct sat_directory *directory, uint32_t manager,
                               const struct sat_body_user *body)
{
    const struct sat_user *user = sat_directory_user(directory, body->user);
    if (!user) return body->role == SAT_ROLE_REP;
    return body->role == user->role && sat_directory_manages(directory, manager, body->user);
}

static bool manager_may_grant(const struct sat_directory *directory, uint32_t manager,
                              const struct sat_body_grant *body)
{
    const struct sat_user *user = sat_directory_user(directory, body->user);
    bool below = user && (user->role == SAT_ROLE_REP || user->role == SAT_ROLE_SERVICE);
    return below && may_hand_out(body->rights) && manages_space(directory, manager, &body->space);
}

static bool manager_may_invite(const struct sat_directory *directory, uint32_t manager,
                               const struct sat_body_invite *body)
{
    for (uint16_t i = 0; i < body->grants_n; i++)
        if (!may_hand_out(body->grants[i].rights) || !manages_space(directory, manager, &body->grants[i].space))
            return false;
    return body->role == SAT_ROLE_REP && sat_directory_manages(directory, manager, body->user);
}

static bool manager_may_cancel(const struct sat_directory *directory, uint32_t manager,
                               const struct sat_body_invite_cancel *body)
{
    const struct sat_invite *invite = sat_directory_invite(directory, &body->invite);
    if (!invite) return false;
    bool own = sat_directory_device(directory, invite->issuer)->user == manager;
    return own || sat_directory_manages(directory, manager, invite->user);
}

static bool manager_may(const struct sat_court *court, const struct sat_ruling *ruling, uint32_t manager)
{
    const struct sat_directory *directory = court->directory;
    switch (court->link->type) {
    case SAT_LINK_USER:
        return manager_may_change(directory, manager, &ruling->body.user);
    case SAT_LINK_GRANT:
        return manager_may_grant(directory, manager, &ruling->body.grant);
    case SAT_LINK_INVITE:
        return manager_may_invite(directory, manager, &ruling->body.invite);
    case SAT_LINK_INVITE_CANCEL:
        return manager_may_cancel(directory, manager, &ruling->body.cancel);
    case SAT_LINK_REVOKE:
        return manages_device(directory, manager, ruling->body.revoke.device);
    case SAT_LINK_WIPE:
        return manages_device(directory, manager, ruling->body.wipe.device);
    case SAT_LINK_ACCEPT:
        return ruling->body.accept.what != SAT_ACCEPT_DEVICE &&
               manages_space(directory, manager, &ruling->body.accept.space);
    case SAT_LINK_MASS_CHANGE:
        return manages_space(directory, manager, &ruling->body.mass_change.space);
    default:
        return false;
    }
}

/* The user whose device the author is, if both are active and the device approved; NULL with the fault filled. */
static const struct sat_user *active_author(const struct sat_court *court, enum sat_err *err)
{
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    const struct sat_user *user = device ? sat_directory_user(court->directory, device->user) : NULL;
    if (user && counts(device) && user->state == SAT_USER_ACTIVE) return user;
    *err = sat_fail(court->fault, SAT_ERR_DENIED,
                    "device %u may author nothing: it is unknown, not approved, revoked or suspended",
                    (unsigned)court->link->author);
    return NULL;
}

static enum sat_err admit_admin(const struct sat_court *court, const struct sat_ruling *ruling, bool managers_too)
{
    enum sat_err err = SAT_OK;
    const struct sat_user *user = active_author(court, &err);
    if (!user) return err;
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    bool manager = managers_too && user->role == SAT_ROLE_MANAGER;
    if (!(user->role == SAT_ROLE_ADMIN || manager) || !has_admin_key(device))
        return sat_fail(court->fault, SAT_ERR_DENIED, "only an admin%s may author a %s link",
                        managers_too ? " or a manager" : "", court->kind);
    if (manager && !manager_may(court, ruling, user->number))
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u does not manage whom or what this %s link concerns",
                        (unsigned)user->number, court->kind);
    return check_admins_signatures(court, ruling, device);
}

static enum sat_err check_own_signature(const struct sat_court *court)
{
    const struct sat_device *device = sat_directory_device(court->directory, court->link->author);
    struct sat_demand demands[] = {{SAT_SIGNER_DEVICE, device->number, &device->sign}};
    return sat_check_signatures(court, demands, 1, &court->directory->org);
}

/* Whoever holds a device may say that it leaves, approved or not; the rules see to it that it is still there. */
static bool leaves(const struct sat_court *court, const struct sat_ruling *ruling)
{
    return court->link->type == SAT_LINK_REVOKE && ruling->body.revoke.device == court->link->author &&
           sat_directory_device(court->directory, court->link->author);
}

/* A later version may demand more signatures of its non-critical kinds: the author's own is the one that must hold. */
static enum sat_err admit_unknown(const struct sat_court *court)
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
    return verify(court, own, &device->sign, &court->directory->org);
}

enum sat_err sat_admit(const struct sat_court *court, const struct sat_ruling *ruling)
{
    enum sat_err err = SAT_OK;
    if (court->link->type == SAT_LINK_GENESIS) return SAT_OK; /* it brings its keys itself */
    if (leaves(court, ruling)) return check_own_signature(court);
    switch (sat_author_of(court->link->type)) {
    case SAT_AUTHOR_ADMIN:
        return admit_admin(court, ruling, false);
    case SAT_AUTHOR_MANAGER:
        return admit_admin(court, ruling, true);
    case SAT_AUTHOR_MEMBER:
        if (!active_author(court, &err)) return err;
        /* by the new key as well */
        return court->link->type == SAT_LINK_REINDEX ? SAT_OK : check_own_signature(court);
    case SAT_AUTHOR_INVITEE:
        return SAT_OK; /* as above: by the invite's key and the new device's */
    case SAT_AUTHOR_KIT:
        if (court->link->type == SAT_LINK_REPUDIATE || ruling->body.kit.user) return SAT_OK;
        return admit_admin(court, ruling, false);
    case SAT_AUTHOR_UNKNOWN:
        return admit_unknown(court);
    case SAT_AUTHOR_LATER:
        break;
    }
    sat_check(false); /* later kinds do not come this far */
    return SAT_ERR_UPGRADE_NEEDED;
}
