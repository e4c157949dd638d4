/* Questions to the directory. A position beyond the head has no answer yet: no rights, no epoch, no id. */
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_index.h"
#include "common/proof/disclosure.h"
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

/* The user's newest grant in the space as of a position; NULL: none yet. */
static const struct sat_grant *grant_at(const struct sat_directory *directory, const struct sat_user_past *user,
                                        uint32_t space, uint64_t seq)
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
    return low ? &directory->grants[grants->at[low - 1]] : NULL;
}

uint8_t sat_directory_rights(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t user,
                             uint64_t seq)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX || seq > directory->seq || directory->spaces[place].since_seq > seq) return 0;
    if (!sat_directory_user(directory, user)) return 0;
    const struct sat_user_past *past = &directory->index->users[user - 1];
    const struct sat_standing *standing = sat_index_standing(past, seq);
    if (!standing) return 0;
    const struct sat_grant *grant = grant_at(directory, past, place, seq);
    return sat_rights_of(standing->role, standing->state, directory->spaces[place].kind, grant ? grant->rights : 0);
}

uint8_t sat_directory_device_rights(const struct sat_directory *directory, const struct sat_space_id *space,
                                    uint32_t device, uint64_t seq)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    bool counts =
        known && known->approved_seq && known->approved_seq <= seq && !sat_index_out_at(directory, known, seq);
    return counts ? sat_directory_rights(directory, space, known->user, seq) : 0;
}

uint8_t sat_directory_role_at(const struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    const struct sat_standing *standing =
        known ? sat_index_standing(&directory->index->users[known->user - 1], seq) : NULL;
    return standing && standing->state == SAT_USER_ACTIVE ? standing->role : 0;
}

uint8_t sat_directory_last_role(const struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    const struct sat_user_past *past = known ? &directory->index->users[known->user - 1] : NULL;
    const struct sat_standing *standing = past ? sat_index_standing(past, seq) : NULL;
    while (standing && standing->state != SAT_USER_ACTIVE) standing = standing > past->standings ? standing - 1 : NULL;
    return standing ? standing->role : 0;
}

/* Is it the name of somebody whom a device of this manager added? */
static bool names_added_user(const struct sat_directory *directory, const struct sat_device *device,
                             const struct sat_record_id *record, uint64_t seq)
{
    const struct sat_standing *standing = sat_index_standing(&directory->index->users[device->user - 1], seq);
    if (!standing || standing->role != SAT_ROLE_MANAGER) return false;
    for (uint32_t i = 0; i < directory->users_n && directory->users[i].since_seq <= seq; i++) {
        const struct sat_device *creator = sat_directory_device(directory, directory->users[i].creator);
        if (!creator || creator->user != device->user) continue;
        struct sat_record_id name = sat_name_record_user(&directory->org, directory->users[i].number);
        if (sat_record_equal(record, &name)) return true;
    }
    return false;
}

uint32_t sat_directory_lineage(const struct sat_directory *directory, uint32_t device, uint32_t *out)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    uint32_t n = 0;
    for (uint32_t i = known ? known->lineage : UINT32_MAX; i <= directory->devices_n; i++) {
        const struct sat_device *kin = &directory->devices[i - 1];
        if (kin->lineage != known->lineage || kin->revoked_seq || n == SAT_LINEAGE_MAX) continue;
        if (out) out[n] = kin->number;
        n++;
    }
    return n;
}

/* Its own name or disclosure, or one of those that it comes from: what they left unsynced goes on under its number. */
static bool is_of_lineage(const struct sat_directory *directory, uint32_t device, const struct sat_record_id *record)
{
    while (device) {
        struct sat_record_id name = sat_name_record_device(&directory->org, device);
        if (sat_record_equal(record, &name) || sat_disclosure_is_of(&directory->org, device, record)) return true;
        const struct sat_device *known = sat_directory_device(directory, device);
        device = known ? known->parent : 0;
    }
    return false;
}

uint32_t sat_directory_number_at(const struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    while (known && known->since_seq > seq) known = sat_directory_device(directory, known->parent);
    return known ? known->number : 0;
}

bool sat_directory_may_write(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                             const struct sat_record_id *record, uint64_t seq)
{
    device = sat_directory_number_at(directory, device, seq);
    uint8_t rights = sat_directory_device_rights(directory, space, device, seq);
    if (rights & SAT_RIGHT_WRITE) return true;
    if (!(rights & SAT_RIGHT_READ) || sat_index_space(directory, space) != directory->index->people_space - 1)
        return false;
    const struct sat_device *known = sat_directory_device(directory, device);
    if (is_of_lineage(directory, device, record)) return true;
    return known && names_added_user(directory, known, record, seq);
}

/* The newest position at or before `seq` from which on nothing happened that bears on the device's rights in the space;
 * 0: nothing ever did. */
static uint64_t last_event(const struct sat_directory *directory, uint32_t space, const struct sat_device *device,
                           uint64_t seq)
{
    const struct sat_user_past *past = &directory->index->users[device->user - 1];
    const struct sat_standing *standing = sat_index_standing(past, seq);
    const struct sat_grant *grant = grant_at(directory, past, space, seq);
    const struct sat_device_past *outs = &directory->index->devices_past[device->number - 1];
    const uint64_t events[] = {
        standing ? standing->seq : 0, grant ? grant->seq : 0, device->since_seq,
        device->approved_seq,         device->revoked_seq,    directory->spaces[space].since_seq};
    uint64_t last = 0;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        if (events[i] <= seq && events[i] > last) last = events[i];
    for (uint32_t i = 0; i < outs->outs_n; i++) {
        if (outs->outs[i].revoked_seq <= seq && outs->outs[i].revoked_seq > last) last = outs->outs[i].revoked_seq;
        if (outs->outs[i].back_seq <= seq && outs->outs[i].back_seq > last) last = outs->outs[i].back_seq;
    }
    return last;
}

uint64_t sat_directory_last_write(const struct sat_directory *directory, const struct sat_space_id *space,
                                  uint32_t device, const struct sat_record_id *record, uint64_t seq)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX) return 0;
    if (seq > directory->seq) seq = directory->seq;
    while (seq && !sat_directory_may_write(directory, space, device, record, seq)) {
        const struct sat_device *then =
            sat_directory_device(directory, sat_directory_number_at(directory, device, seq));
        uint64_t event = then ? last_event(directory, place, then, seq) : 0;
        seq = event ? event - 1 : 0;
    }
    return seq;
}

bool sat_directory_could_read(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device)
{
    uint32_t place = sat_index_space(directory, space);
    const struct sat_device *known = sat_directory_device(directory, device);
    if (place == UINT32_MAX || !known) return false;
    for (uint64_t seq = directory->seq; seq;) {
        if (sat_directory_device_rights(directory, space, device, seq) & SAT_RIGHT_READ) return true;
        uint64_t event = last_event(directory, place, known, seq);
        seq = event ? event - 1 : 0;
    }
    return false;
}

uint64_t sat_directory_out(const struct sat_directory *directory, uint32_t device)
{
    const struct sat_device *known = sat_directory_device(directory, device);
    if (!known) return 0;
    if (known->wiped_seq || known->revoked_seq) return known->wiped_seq ? known->wiped_seq : known->revoked_seq;
    const struct sat_user_past *past = &directory->index->users[known->user - 1];
    uint64_t since = 0; /* he may have got another role meanwhile */
    for (uint32_t i = past->standings_n; i > 0 && past->standings[i - 1].state == SAT_USER_SUSPENDED; i--)
        since = past->standings[i - 1].seq;
    return since;
}

/* ---- People and their devices, as of now ---- */

static bool manages_all_grants(const struct sat_directory *directory, uint32_t manager, uint32_t user, bool *any)
{
    const struct sat_user_past *past = &directory->index->users[user - 1];
    for (uint32_t i = 0; i < past->holdings_n; i++) {
        const struct sat_trail *grants = &past->holdings[i].grants;
        if (directory->grants[grants->at[grants->n - 1]].rights == 0) continue;
        *any = true;
        if (!(sat_index_rights(directory, manager, past->holdings[i].space) & SAT_RIGHT_MANAGE)) return false;
    }
    return true;
}

bool sat_directory_manages(const struct sat_directory *directory, uint32_t manager, uint32_t user)
{
    const struct sat_user *boss = sat_directory_user(directory, manager), *person = sat_directory_user(directory, user);
    if (!boss || !person || boss->role != SAT_ROLE_MANAGER || boss->state != SAT_USER_ACTIVE) return false;
    if (person->role != SAT_ROLE_REP && person->role != SAT_ROLE_SERVICE) return false;
    bool any = false;
    if (!manages_all_grants(directory, manager, user, &any)) return false;
    const struct sat_device *creator = sat_directory_device(directory, person->creator);
    return any || (creator && creator->user == manager);
}

uint32_t sat_directory_admins(const struct sat_directory *directory)
{
    return directory->index->admins;
}

bool sat_directory_cut(const struct sat_directory *directory, uint32_t device, const struct sat_space_id *space,
                       uint64_t at, uint64_t *seq, const struct sat_cut **cut)
{
    *seq = 0;
    *cut = NULL;
    if (!sat_directory_device(directory, device)) return false;
    const struct sat_device_past *past = &directory->index->devices_past[device - 1];
    uint32_t i = 0;
    while (i < past->outs_n && past->outs[i].back_seq && past->outs[i].back_seq <= at) i++;
    if (i == past->outs_n) return false;
    const struct sat_out *out = &past->outs[i];
    uint32_t place = sat_cuts_seek(out->cuts, out->cuts_n, space);
    *seq = out->revoked_seq;
    if (place < out->cuts_n && sat_space_equal(&out->cuts[place].space, space)) *cut = &out->cuts[place];
    return true;
}

bool sat_directory_wiped(const struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    if (!sat_directory_device(directory, device) || seq == 0) return false;
    const struct sat_device_past *past = &directory->index->devices_past[device - 1];
    for (uint32_t i = 0; i < past->outs_n; i++)
        if (past->outs[i].wiped_seq == seq) return true;
    return false;
}

uint8_t sat_directory_decided(const struct sat_directory *directory, const struct sat_hash *bundle, uint64_t seq)
{
    uint8_t what = 0;
    const struct sat_directory_index *index = directory->index;
    for (uint32_t place = sat_table_get(&index->decided, bundle->b); place; place = index->decisions[place - 1].next) {
        if (index->decisions[place - 1].seq > seq) break;
        what = index->decisions[place - 1].what;
    }
    return what;
}

bool sat_directory_meant(const struct sat_directory *directory, const struct sat_space_id *space, struct sat_dot dot)
{
    const struct sat_directory_index *index = directory->index;
    uint32_t place = sat_index_space(directory, space);
    for (uint32_t i = 0; i < index->meant_n; i++) {
        const struct sat_meant *meant = &index->meant[i];
        if (meant->space == place && meant->device == dot.device && meant->first <= dot.counter &&
            dot.counter <= meant->last && !index->notes[meant->seq - 1].voided)
            return true;
    }
    return false;
}

uint64_t sat_directory_policy(const struct sat_directory *directory, enum sat_policy policy)
{
    for (uint32_t i = 0; i < directory->index->policies_n; i++)
        if (directory->index->policies[i].key == policy) return directory->index->policies[i].value;
    switch (policy) {
#define X(id, name, number, absent, most)                                                                              \
    case SAT_POLICY_##id:                                                                                              \
        return absent;
#include "common/proof/policies.def"
#undef X
    }
    return 0;
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

static bool invite_open(const struct sat_directory *directory, uint32_t invite, uint64_t now_ms)
{
    return directory->invites[invite].expires_ms >= now_ms && sat_index_invite_good(directory, invite);
}

static bool invite_names(const struct sat_directory *directory, uint32_t invite, const struct sat_space_id *space)
{
    const struct sat_invite_past *past = &directory->index->invites_past[invite];
    for (uint32_t i = 0; i < past->grants_n; i++)
        if (sat_space_equal(&past->grants[i].space, space)) return true;
    return false;
}

static bool reads_now(const struct sat_directory *directory, uint32_t place, uint32_t user)
{
    return sat_index_rights(directory, user, place) & SAT_RIGHT_READ;
}

static bool counts_now(const struct sat_device *device)
{
    return device->approved_seq && !device->revoked_seq;
}

uint32_t sat_directory_recipients(const struct sat_directory *directory, const struct sat_space_id *space,
                                  uint64_t now_ms, struct sat_arena *arena, struct sat_recipient **out)
{
    uint32_t n = 0;
    *out = sat_arena_array(arena, (size_t)directory->devices_n + directory->invites_n + 1, sizeof **out);
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX) return 0;
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        const struct sat_device *device = &directory->devices[i];
        if (!counts_now(device) || !reads_now(directory, place, device->user)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_DEVICE, device->number, device->box};
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        if (!invite_open(directory, i, now_ms)) continue;
        if (!reads_now(directory, place, invite->user) && !invite_names(directory, i, space)) continue;
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
        if (device->user != user || !counts_now(device)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_DEVICE, device->number, device->box};
    }
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        const struct sat_invite *invite = &directory->invites[i];
        if (invite->user != user || !invite_open(directory, i, now_ms)) continue;
        (*out)[n++] = (struct sat_recipient){SAT_BOX_INVITE, invite->seq, invite->box};
    }
    return n;
}
