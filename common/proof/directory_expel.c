#include "common/proof/directory_expel.h"

#include <sodium.h>

#include "common/base/limits.h"

static bool stands_at(const struct sat_directory *directory, const struct sat_expulsion *expulsion, uint64_t seq)
{
    uint64_t voided = directory->index->notes[expulsion->seq - 1].voided;
    return expulsion->seq <= seq && (!voided || voided > seq);
}

/* The newest that stood at that position; `left` leaves returns out. NULL: none did. */
static const struct sat_expulsion *last_at(const struct sat_directory *directory, uint32_t device, uint64_t seq,
                                           bool left)
{
    if (!sat_directory_device(directory, device)) return NULL;
    const struct sat_device_past *past = &directory->index->devices_past[device - 1];
    for (uint32_t i = past->expulsions_n; i > 0; i--) {
        const struct sat_expulsion *expulsion = &past->expulsions[i - 1];
        if (stands_at(directory, expulsion, seq) && !(left && expulsion->back)) return expulsion;
    }
    return NULL;
}

bool sat_directory_expelled_at(const struct sat_directory *directory, uint32_t device, uint64_t seq, uint64_t *at_seq)
{
    const struct sat_expulsion *last = last_at(directory, device, seq, false);
    bool expelled = last && !last->back;
    if (at_seq) *at_seq = expelled ? last->seq : 0;
    return expelled;
}

bool sat_directory_expelled(const struct sat_directory *directory, uint32_t device, uint64_t *at_seq)
{
    return sat_directory_expelled_at(directory, device, directory->seq, at_seq);
}

uint64_t sat_directory_expulsion(const struct sat_directory *directory, uint32_t device, uint64_t *time_ms)
{
    const struct sat_expulsion *last = last_at(directory, device, directory->seq, true);
    *time_ms = last ? last->time_ms : 0;
    return last ? last->seq : 0;
}

/* An admin's device, or one of a manager of its user. It signs with its own key alone, but has to be one that acts as
 * such: who took an admin's role over has a device without an admin key, which does nothing of an admin's. */
static enum sat_err judge_author(const struct sat_court *court, const struct sat_device *device)
{
    const struct sat_directory *directory = court->directory;
    const struct sat_device *author = sat_directory_device(directory, court->link->author);
    const struct sat_user *user = sat_directory_user(directory, author->user);
    bool admin = user->role == SAT_ROLE_ADMIN;
    if (sodium_is_zero(author->admin_sign.b, sizeof author->admin_sign.b) ||
        !(admin || sat_directory_manages(directory, user->number, device->user)))
        return sat_fail(court->fault, SAT_ERR_DENIED, "user %u is neither an admin nor manages device %u",
                        (unsigned)user->number, (unsigned)device->number);
    return SAT_OK;
}

/* When the directory knows last that there was no reason to expel it; an expulsion says it for as long as another. */
static uint64_t known_ms(const struct sat_directory *directory, const struct sat_device *device)
{
    uint64_t spoke_ms = directory->index->devices_past[device->number - 1].spoke_ms, expelled_ms;
    uint64_t known = spoke_ms > device->joined_ms ? spoke_ms : device->joined_ms;
    (void)sat_directory_expulsion(directory, device->number, &expelled_ms);
    return expelled_ms > known ? expelled_ms : known;
}

static enum sat_err judge_return(const struct sat_court *court, uint32_t device)
{
    if (sat_directory_expelled(court->directory, device, NULL)) return SAT_OK;
    return sat_fail(court->fault, SAT_ERR_INVALID, "device %u is not expelled", (unsigned)device);
}

enum sat_err sat_judge_expel(const struct sat_court *court, const struct sat_body_expel *body)
{
    const struct sat_directory *directory = court->directory;
    const struct sat_device *device = sat_directory_device(directory, body->device);
    if (!device) return sat_fail(court->fault, SAT_ERR_INVALID, "there is no device %u", (unsigned)body->device);
    if (device->number == court->link->author) return judge_return(court, device->number);
    enum sat_err err = judge_author(court, device);
    if (err) return err;
    if (device->revoked_seq || !device->approved_seq)
        return sat_fail(court->fault, SAT_ERR_INVALID,
                        "device %u is waited for by nobody: it is revoked, or not approved", (unsigned)device->number);
    uint64_t days = sat_directory_policy(directory, SAT_POLICY_SILENT_DAYS);
    if (days == 0) return sat_fail(court->fault, SAT_ERR_INVALID, "the policy is to wait for silent devices for ever");
    if (court->now_ms < known_ms(directory, device) + days * SAT_DAY_MS)
        return sat_fail(
            court->fault, SAT_ERR_INVALID,
            "device %u cannot have been silent for %llu days: it joined, signed a link or was expelled since",
            (unsigned)device->number, (unsigned long long)days);
    return SAT_OK;
}

bool sat_directory_may_expel(const struct sat_directory *directory, uint32_t author, uint32_t device, uint64_t now_ms)
{
    if (author == device) return false;
    const struct sat_device *known = sat_directory_device(directory, author);
    const struct sat_user *user = known ? sat_directory_user(directory, known->user) : NULL;
    if (!user || user->state != SAT_USER_ACTIVE || !known->approved_seq || known->revoked_seq) return false;
    const struct sat_link link = {.type = SAT_LINK_EXPEL, .author = author};
    const struct sat_court court = {.directory = directory, .link = &link, .now_ms = now_ms};
    return sat_judge_expel(&court, &(struct sat_body_expel){device}) == SAT_OK;
}

void sat_change_expelled(struct sat_directory *directory, const struct sat_expulsion *expulsion, uint32_t device)
{
    struct sat_device_past *past = &directory->index->devices_past[device - 1];
    past->expulsions = sat_grown(past->expulsions, past->expulsions_n, &past->expulsions_cap, sizeof *past->expulsions);
    past->expulsions[past->expulsions_n++] = *expulsion;
}
