#include "common/proof/directory_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

struct sat_table_slot {
    uint8_t name[32];
    uint32_t place; /* 0: free */
};

static struct sat_table_slot *find_slot(const struct sat_table *table, const uint8_t name[32])
{
    uint64_t hash;
    memcpy(&hash, name, sizeof hash);
    hash *= UINT64_C(0x9e3779b97f4a7c15); /* ids of spaces begin with a time: spread them */
    for (uint32_t at = (uint32_t)(hash >> 32) & (table->cap - 1);; at = (at + 1) & (table->cap - 1)) {
        struct sat_table_slot *slot = &table->slots[at];
        if (slot->place == 0 || memcmp(slot->name, name, sizeof slot->name) == 0) return slot;
    }
}

uint32_t sat_table_get(const struct sat_table *table, const uint8_t name[32])
{
    return table->cap ? find_slot(table, name)->place : 0;
}

static void widen(struct sat_table *table)
{
    struct sat_table wider = {.cap = table->cap ? table->cap * 2 : 64, .n = table->n};
    sat_check(wider.cap > table->cap);
    wider.slots = calloc(wider.cap, sizeof *wider.slots);
    sat_check_memory(wider.slots);
    for (uint32_t i = 0; i < table->cap; i++)
        if (table->slots[i].place) *find_slot(&wider, table->slots[i].name) = table->slots[i];
    free(table->slots);
    *table = wider;
}

void sat_table_put(struct sat_table *table, const uint8_t name[32], uint32_t place)
{
    sat_check(place != 0);
    if (table->n >= table->cap / 2) widen(table);
    struct sat_table_slot *slot = find_slot(table, name);
    if (slot->place) return;
    memcpy(slot->name, name, sizeof slot->name);
    slot->place = place;
    table->n++;
}

void sat_table_deinit(struct sat_table *table)
{
    free(table->slots);
    *table = (struct sat_table){0};
}

void *sat_grown(void *array, uint32_t n, uint32_t *cap, size_t item_size)
{
    if (n < *cap) return array;
    uint32_t wider = *cap ? *cap * 2 : 4;
    sat_check(wider > *cap);
    void *at = realloc(array, (size_t)wider * item_size);
    sat_check_memory(at);
    *cap = wider;
    return at;
}

void sat_trail_add(struct sat_trail *trail, uint32_t place)
{
    trail->at = sat_grown(trail->at, trail->n, &trail->cap, sizeof *trail->at);
    trail->at[trail->n++] = place;
}

static void name_space(const struct sat_space_id *id, uint8_t name[32])
{
    memcpy(name, id->b, sizeof id->b);
    memset(name + sizeof id->b, 0, 32 - sizeof id->b);
}

/* Places are kept plus one; UINT32_MAX comes of 0 by itself. */
uint32_t sat_index_space(const struct sat_directory *directory, const struct sat_space_id *id)
{
    uint8_t name[32];
    name_space(id, name);
    return sat_table_get(&directory->index->spaces, name) - 1;
}

uint32_t sat_index_invite(const struct sat_directory *directory, const struct sat_hash *id)
{
    return sat_table_get(&directory->index->invites, id->b) - 1;
}

void sat_index_put_space(struct sat_directory_index *index, const struct sat_space_id *id, uint32_t place)
{
    uint8_t name[32];
    name_space(id, name);
    sat_table_put(&index->spaces, name, place + 1);
}

void sat_index_put_invite(struct sat_directory_index *index, const struct sat_hash *id, uint32_t place)
{
    sat_table_put(&index->invites, id->b, place + 1);
}

bool sat_index_key_in_use(const struct sat_directory *directory, const struct sat_public_key *key)
{
    return sat_table_get(&directory->index->keys, key->b) != 0;
}

void sat_index_put_key(struct sat_directory_index *index, const struct sat_public_key *key)
{
    sat_table_put(&index->keys, key->b, 1);
}

/* The first holding whose space is not below `space`. */
static uint32_t seek_holding(const struct sat_user_past *user, uint32_t space)
{
    uint32_t low = 0, high = user->holdings_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (user->holdings[middle].space < space)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct sat_trail *sat_index_holding(const struct sat_user_past *user, uint32_t space)
{
    uint32_t at = seek_holding(user, space);
    if (at == user->holdings_n || user->holdings[at].space != space) return NULL;
    return &user->holdings[at].grants;
}

struct sat_trail *sat_index_make_holding(struct sat_user_past *user, uint32_t space)
{
    uint32_t at = seek_holding(user, space);
    if (at < user->holdings_n && user->holdings[at].space == space) return &user->holdings[at].grants;
    user->holdings = sat_grown(user->holdings, user->holdings_n, &user->holdings_cap, sizeof *user->holdings);
    memmove(user->holdings + at + 1, user->holdings + at, (user->holdings_n - at) * sizeof *user->holdings);
    user->holdings[at] = (struct sat_holding){.space = space};
    user->holdings_n++;
    return &user->holdings[at].grants;
}

const struct sat_standing *sat_index_standing(const struct sat_user_past *user, uint64_t seq)
{
    uint32_t low = 0, high = user->standings_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (user->standings[middle].seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &user->standings[low - 1] : NULL;
}

/* ---- As of now ---- */

static uint8_t rights_by_role(uint8_t role, uint8_t kind)
{
    if (kind == SAT_SPACE_NARROW) return 0;
    if (role == SAT_ROLE_ADMIN) return SAT_RIGHT_READ | SAT_RIGHT_WRITE;
    return kind == SAT_SPACE_TERRITORY ? 0 : SAT_RIGHT_READ;
}

uint8_t sat_rights_of(uint8_t role, uint8_t state, uint8_t kind, uint8_t granted)
{
    if (state != SAT_USER_ACTIVE) return 0;
    uint8_t rights = rights_by_role(role, kind) | granted;
    return role == SAT_ROLE_AUDITOR ? rights & SAT_RIGHT_READ : rights;
}

uint8_t sat_index_granted(const struct sat_directory *directory, uint32_t user, uint32_t space)
{
    const struct sat_trail *held = sat_index_holding(&directory->index->users[user - 1], space);
    return held && held->n ? directory->grants[held->at[held->n - 1]].rights : 0;
}

uint8_t sat_index_rights(const struct sat_directory *directory, uint32_t user, uint32_t space)
{
    const struct sat_user *now = &directory->users[user - 1];
    uint8_t kind = directory->spaces[space].kind;
    return sat_rights_of(now->role, now->state, kind, sat_index_granted(directory, user, space));
}

/* An invite is made out to a role; a code that was handed out for less must not collect the keys of more. */
bool sat_index_invite_good(const struct sat_directory *directory, uint32_t place)
{
    const struct sat_invite *invite = &directory->invites[place];
    const struct sat_user *user = &directory->users[invite->user - 1];
    bool early = invite->role == SAT_ROLE_REP || invite->role == SAT_ROLE_SERVICE;
    return early && invite->state == SAT_INVITE_OPEN && user->state == SAT_USER_ACTIVE && user->role == invite->role;
}

bool sat_index_acts(const struct sat_directory *directory, uint32_t user)
{
    const struct sat_user *now = &directory->users[user - 1];
    return now->role == SAT_ROLE_ADMIN && now->state == SAT_USER_ACTIVE && directory->index->users[user - 1].signers;
}

bool sat_index_is_whole(const struct sat_directory *directory, uint32_t device)
{
    const struct sat_device_past *past = &directory->index->devices_past[device - 1];
    for (uint32_t i = 0; i < past->outs_n; i++)
        if (past->outs[i].wiped_seq && past->spoke_seq <= past->outs[i].back_seq) return false;
    return true;
}

bool sat_index_out_at(const struct sat_directory *directory, const struct sat_device *device, uint64_t seq)
{
    const struct sat_device_past *past = &directory->index->devices_past[device->number - 1];
    if (device->revoked_seq && device->revoked_seq <= seq) return true;
    for (uint32_t i = 0; i < past->outs_n; i++)
        if (past->outs[i].back_seq && past->outs[i].revoked_seq <= seq && seq < past->outs[i].back_seq) return true;
    return false;
}

uint32_t sat_cuts_seek(const struct sat_cut *cuts, uint32_t n, const struct sat_space_id *space)
{
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(cuts[middle].space.b, space->b, sizeof space->b) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct sat_directory_index *sat_index_new(void)
{
    struct sat_directory_index *index = calloc(1, sizeof *index);
    sat_check_memory(index);
    return index;
}

void sat_index_free(const struct sat_directory *directory)
{
    struct sat_directory_index *index = directory->index;
    if (!index) return;
    for (uint32_t i = 0; i < directory->users_n; i++) {
        for (uint32_t j = 0; j < index->users[i].holdings_n; j++) free(index->users[i].holdings[j].grants.at);
        free(index->users[i].holdings);
        free(index->users[i].standings);
        free(index->users[i].invites.at);
    }
    for (uint32_t i = 0; i < directory->devices_n; i++) {
        free(index->devices_past[i].issued.at);
        for (uint32_t j = 0; j < index->devices_past[i].outs_n; j++) free(index->devices_past[i].outs[j].cuts);
        free(index->devices_past[i].outs);
        free(index->devices_past[i].expulsions);
    }
    for (uint32_t i = 0; i < directory->spaces_n; i++) free(index->spaces_past[i].epochs.at);
    for (uint32_t i = 0; i < directory->invites_n; i++) free(index->invites_past[i].grants);
    free(index->users);
    free(index->devices_past);
    free(index->spaces_past);
    free(index->invites_past);
    free(index->decisions);
    free(index->policies);
    free(index->notes);
    free(index->seconds);
    free(index->meant);
    free(index->said);
    free(index->approvals.at);
    free(index->expiring.at);
    sat_table_deinit(&index->spaces);
    sat_table_deinit(&index->invites);
    sat_table_deinit(&index->keys);
    sat_table_deinit(&index->decided);
    free(index);
}
