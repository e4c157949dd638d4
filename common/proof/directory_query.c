/* Questions to the directory. A position beyond the head has no answer yet: no rights, no epoch, no id. */
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_index.h"
#include "common/proof/hash.h"

const struct sat_user *sat_directory_user(const struct sat_directory *directory, uint32_t number)
{
    return number >= 1 && number <= directory->users_n ? &directory->users[number - 1] : NULL;
}

const struct sat_device *sat_directory_device(const struct sat_directory *directory, uint32_t number)
{
    return number >= 1 && number <= directory->devices_n ? &directory->devices[number - 1] : NULL;
}

const struct sat_space *sat_directory_space(const struct sat_directory *directory, const struct sat_space_id *id)
{
    uint32_t place = sat_index_space(directory, id);
    return place == UINT32_MAX ? NULL : &directory->spaces[place];
}

const struct sat_space *sat_directory_space_of_kind(const struct sat_directory *directory, enum sat_space_kind kind)
{
    uint32_t place = UINT32_MAX;
    switch (kind) {
    case SAT_SPACE_ORG:
        place = directory->index->org_space - 1;
        break;
    case SAT_SPACE_PEOPLE:
        place = directory->index->people_space - 1;
        break;
    case SAT_SPACE_TERRITORY:
    case SAT_SPACE_NARROW:
        break; /* there are many */
    }
    return place == UINT32_MAX ? NULL : &directory->spaces[place];
}

const struct sat_invite *sat_directory_invite(const struct sat_directory *directory, const struct sat_hash *id)
{
    uint32_t place = sat_index_invite(directory, id);
    return place == UINT32_MAX ? NULL : &directory->invites[place];
}

const struct sat_epoch *sat_directory_epoch(const struct sat_directory *directory, const struct sat_space_id *space,
                                            uint32_t number)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX) return NULL;
    const struct sat_trail *epochs = &directory->index->spaces_past[place].epochs;
    return number >= 1 && number <= epochs->n ? &directory->epochs[epochs->at[number - 1]] : NULL;
}

uint32_t sat_directory_epoch_at(const struct sat_directory *directory, const struct sat_space_id *space, uint64_t seq)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX || seq > directory->seq) return 0;
    const struct sat_trail *epochs = &directory->index->spaces_past[place].epochs;
    uint32_t low = 0, high = epochs->n; /* how many epochs began at or before seq */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory->epochs[epochs->at[middle]].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sat_hash sat_directory_hash_at(const struct sat_directory *directory, uint64_t seq)
{
    return seq >= 1 && seq <= directory->seq ? directory->ids[seq - 1] : (struct sat_hash){0};
}

static uint8_t rights_by_grant(const struct sat_directory *directory, const struct sat_user_past *user, uint32_t space,
                               uint64_t seq)
{
    const struct sat_trail *grants = sat_index_holding(user, space);
    uint32_t low = 0, high = grants ? grants->n : 0;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory->grants[grants->at[middle]].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? directory->grants[grants->at[low - 1]].rights : 0;
}

static uint8_t rights_by_role(uint8_t role, uint8_t kind)
{
    if (kind == SAT_SPACE_NARROW) return 0;
    if (role == SAT_ROLE_ADMIN) return SAT_RIGHT_READ | SAT_RIGHT_WRITE;
    return kind == SAT_SPACE_TERRITORY ? 0 : SAT_RIGHT_READ;
}

uint8_t sat_directory_rights(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t user,
                             uint64_t seq)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX || seq > directory->seq || directory->spaces[place].since_seq > seq) return 0;
    if (!sat_directory_user(directory, user)) return 0;
    const struct sat_user_past *past = &directory->index->users[user - 1];
    const struct sat_standing *standing = sat_index_standing(past, seq);
    if (!standing || standing->state != SAT_USER_ACTIVE) return 0;
    uint8_t rights = rights_by_role(standing->role, directory->spaces[place].kind);
    rights |= rights_by_grant(directory, past, place, seq);
    return standing->role == SAT_ROLE_AUDITOR ? rights & SAT_RIGHT_READ : rights;
}

bool sat_directory_may_write(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                             const struct sat_record_id *record, uint64_t seq)
{
    const struct sat_device *author = sat_directory_device(directory, device);
    if (!author || author->since_seq > seq || (author->revoked_seq && author->revoked_seq <= seq)) return false;
    uint8_t rights = sat_directory_rights(directory, space, author->user, seq);
    if (rights & SAT_RIGHT_WRITE) return true;
    if (!(rights & SAT_RIGHT_READ) || sat_index_space(directory, space) != directory->index->people_space - 1)
        return false;
    struct sat_record_id own = sat_name_record_device(&directory->org, device);
    return sat_record_equal(record, &own);
}

static struct sat_record_id name_record(const struct sat_hash *org, uint8_t kind, struct sat_span number)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "name-id");
    sat_hash_add(&hasher, org->b, sizeof org->b);
    sat_hash_add_u8(&hasher, kind);
    sat_hash_add_span(&hasher, number);
    struct sat_hash hash = sat_hash_end(&hasher);
    struct sat_record_id id;
    memcpy(id.b, hash.b, sizeof id.b);
    id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f)); /* UUIDv8 (RFC 9562): the bits are the application's own */
    id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
    return id;
}

static struct sat_record_id numbered_name_record(const struct sat_hash *org, uint8_t kind, uint32_t number)
{
    uint8_t bytes[4];
    for (unsigned i = 0; i < 4; i++) bytes[i] = (uint8_t)(number >> (8 * i));
    return name_record(org, kind, SAT_SPAN(bytes));
}

struct sat_record_id sat_name_record_user(const struct sat_hash *org, uint32_t user)
{
    return numbered_name_record(org, 1, user);
}

struct sat_record_id sat_name_record_device(const struct sat_hash *org, uint32_t device)
{
    return numbered_name_record(org, 2, device);
}

struct sat_record_id sat_name_record_space(const struct sat_hash *org, const struct sat_space_id *space)
{
    return name_record(org, 3, SAT_SPAN(space->b));
}

/* ---- Recipients of key boxes ---- */

static bool invite_open(const struct sat_directory *directory, const struct sat_invite *invite, uint64_t now_ms)
{
    /* An invite is made out to a role; a code that was handed out for less must not collect the keys of more. */
    const struct sat_user *user = &directory->users[invite->user - 1];
    bool early = invite->role == SAT_ROLE_REP || invite->role == SAT_ROLE_SERVICE;
    return early && invite->state == SAT_INVITE_OPEN && invite->expires_ms >= now_ms &&
           user->state == SAT_USER_ACTIVE && user->role == invite->role;
}

static bool invite_names(const struct sat_directory *directory, uint32_t invite, const struct sat_space_id *space)
{
    const struct sat_invite_past *past = &directory->index->invites_past[invite];
    for (uint32_t i = 0; i < past->grants_n; i++)
        if (sat_space_equal(&past->grants[i].space, space)) return true;
    return false;
}

static bool reads_now(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t user)
{
    return sat_directory_rights(directory, space, user, directory->seq) & SAT_RIGHT_READ;
}

uint32_t sat_directory_recipients(const struct sat_directory *directory, const struct sat_space_id *space,
                                  uint64_t now_ms, struct sat_arena *arena, struct sat_recipient **out)
{
    uint32_t n = 0;
    *out = sat_arena_array(arena, (size_t)directory->devices_n + directory->invites_n + 1, sizeof **out);
    if (!sat_directory_space(directory, space)) return 0;
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *device = &directory->devices[i];
        if (device->revoked_seq || !reads_now(directory, space, device->user)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_DEVICE, device->number, device->box};
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        if (!invite_open(directory, invite, now_ms)) continue;
        if (!reads_now(directory, space, invite->user) && !invite_names(directory, i, space)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_INVITE, invite->seq, invite->box};
    }
    (*out)[n++] = (struct sat_recipient){SAT_BOX_KIT, directory->kit_seq, directory->kit_box};
    return n;
}

uint32_t sat_directory_recipients_of_user(const struct sat_directory *directory, uint32_t user, uint64_t now_ms,
                                          struct sat_arena *arena, struct sat_recipient **out)
{
    uint32_t n = 0;
    *out = sat_arena_array(arena, (size_t)directory->devices_n + directory->invites_n, sizeof **out);
    const struct sat_user *member = sat_directory_user(directory, user);
    if (!member || member->state != SAT_USER_ACTIVE) return 0; /* who is suspended gets no keys, granted or not */
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *device = &directory->devices[i];
        if (device->user != user || device->revoked_seq) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_DEVICE, device->number, device->box};
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        if (invite->user != user || !invite_open(directory, invite, now_ms)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_INVITE, invite->seq, invite->box};
    }
    return n;
}
