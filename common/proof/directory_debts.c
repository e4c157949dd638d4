#include "common/proof/directory_debts.h"

/* Nobody has a key of a space without an epoch. */
static void owe(struct sat_directory *directory, uint32_t space, uint64_t seq)
{
    struct sat_space *debtor = &directory->spaces[space];
    if (debtor->epoch && !debtor->owed_seq) debtor->owed_seq = seq;
}

static bool owes_already(const struct sat_directory *directory, uint32_t space)
{
    return directory->spaces[space].epoch == 0 || directory->spaces[space].owed_seq;
}

static bool reads(const struct sat_directory *directory, uint32_t user, uint32_t space)
{
    return sat_index_rights(directory, user, space) & SAT_RIGHT_READ;
}

/* ---- What an invite's code opens ---- */

static uint64_t epoch_seq(const struct sat_directory *directory, uint32_t space)
{
    const struct sat_trail *epochs = &directory->index->spaces_past[space].epochs;
    return epochs->n ? directory->epochs[epochs->at[epochs->n - 1]].seq : 0;
}

/* Boxes came with the invite or a later grant, or with the epoch, of which an open invite is a recipient. */
static bool has_box(const struct sat_directory *directory, uint32_t invite, uint32_t space)
{
    return directory->index->invites_past[invite].boxed || epoch_seq(directory, space) > directory->invites[invite].seq;
}

static bool names(const struct sat_directory *directory, uint32_t invite, uint32_t space)
{
    const struct sat_invite_past *past = &directory->index->invites_past[invite];
    for (uint32_t i = 0; i < past->grants_n; i++)
        if (sat_space_equal(&past->grants[i].space, &directory->spaces[space].id)) return true;
    return false;
}

static bool opens(const struct sat_directory *directory, uint32_t invite, uint32_t space)
{
    return has_box(directory, invite, space) &&
           (reads(directory, directory->invites[invite].user, space) || names(directory, invite, space));
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The code is worth nothing any more, but who has it may have read what it opens. `seq` 0: since it was given a key. */
static void forfeit(struct sat_directory *directory, uint32_t invite, uint64_t seq)
{
    if (directory->index->invites_past[invite].lapsed || !sat_index_invite_good(directory, invite)) return;
    for (uint32_t i = 0; i < directory->spaces_n; i++) {
        if (owes_already(directory, i) || !opens(directory, invite, i)) continue;
        owe(directory, i, seq ? seq : later(directory->invites[invite].seq, epoch_seq(directory, i)));
    }
}

/* ---- Invites by the time they expire ---- */

static uint64_t expiry(const struct sat_directory *directory, uint32_t node)
{
    return directory->invites[directory->index->expiring.at[node]].expires_ms;
}

static void swap(struct sat_trail *heap, uint32_t a, uint32_t b)
{
    uint32_t at = heap->at[a];
    heap->at[a] = heap->at[b];
    heap->at[b] = at;
}

void sat_debts_watch(struct sat_directory *directory, uint32_t invite)
{
    struct sat_trail *heap = &directory->index->expiring;
    uint8_t role = directory->invites[invite].role;
    if (role != SAT_ROLE_REP && role != SAT_ROLE_SERVICE) return; /* gets no keys before it is approved */
    sat_trail_add(heap, invite);
    for (uint32_t node = heap->n - 1; node; node = (node - 1) / 2) {
        if (expiry(directory, node) >= expiry(directory, (node - 1) / 2)) return;
        swap(heap, node, (node - 1) / 2);
    }
}

static void remove_first(struct sat_directory *directory)
{
    struct sat_trail *heap = &directory->index->expiring;
    heap->at[0] = heap->at[--heap->n];
    for (uint32_t node = 0, child; (child = 2 * node + 1) < heap->n; node = child) {
        if (child + 1 < heap->n && expiry(directory, child + 1) < expiry(directory, child)) child++;
        if (expiry(directory, node) <= expiry(directory, child)) return;
        swap(heap, node, child);
    }
}

void sat_debts_lapse(struct sat_directory *directory, uint64_t now_ms)
{
    struct sat_directory_index *index = directory->index;
    while (index->expiring.n && expiry(directory, 0) < now_ms) {
        uint32_t invite = index->expiring.at[0];
        forfeit(directory, invite, 0);
        index->invites_past[invite].lapsed = true;
        remove_first(directory);
    }
}

/* The first of those from `node` down that expired and are not booked yet. */
static uint64_t owed_by_expired(const struct sat_directory *directory, uint32_t space, uint32_t node, uint64_t now_ms)
{
    const struct sat_trail *heap = &directory->index->expiring;
    if (node >= heap->n || expiry(directory, node) >= now_ms) return 0;
    uint32_t invite = heap->at[node];
    if (sat_index_invite_good(directory, invite) && opens(directory, invite, space))
        return later(directory->invites[invite].seq, epoch_seq(directory, space));
    uint64_t seq = owed_by_expired(directory, space, 2 * node + 1, now_ms);
    return seq ? seq : owed_by_expired(directory, space, 2 * node + 2, now_ms);
}

uint64_t sat_directory_owed(const struct sat_directory *directory, const struct sat_space_id *space, uint64_t now_ms)
{
    uint32_t place = sat_index_space(directory, space);
    if (place == UINT32_MAX || directory->spaces[place].epoch == 0) return 0;
    uint64_t seq = directory->spaces[place].owed_seq;
    return seq ? seq : owed_by_expired(directory, place, 0, now_ms);
}

/* ---- By links ---- */

void sat_debts_cancel(struct sat_directory *directory, uint32_t invite, uint64_t seq)
{
    forfeit(directory, invite, seq);
}

void sat_debts_revoke(struct sat_directory *directory, const struct sat_device *device, uint64_t seq)
{
    if (device->approved_seq)
        for (uint32_t i = 0; i < directory->spaces_n; i++)
            if (!owes_already(directory, i) && reads(directory, device->user, i)) owe(directory, i, seq);
    const struct sat_trail *issued = &directory->index->devices_past[device->number - 1].issued;
    for (uint32_t i = 0; i < issued->n; i++)
        if (directory->invites[issued->at[i]].state == SAT_INVITE_OPEN) forfeit(directory, issued->at[i], seq);
}

void sat_debts_standing(struct sat_directory *directory, uint32_t user, uint8_t role, uint8_t state, uint64_t seq)
{
    const struct sat_user *now = &directory->users[user - 1];
    if (now->role == role && now->state == state) return;
    /* Invites for what the user is now are good for nothing then. */
    const struct sat_trail *invites = &directory->index->users[user - 1].invites;
    for (uint32_t i = 0; i < invites->n; i++) forfeit(directory, invites->at[i], seq);
    for (uint32_t i = 0; i < directory->spaces_n; i++) {
        uint8_t then = sat_rights_of(role, state, directory->spaces[i].kind, sat_index_granted(directory, user, i));
        if (reads(directory, user, i) && !(then & SAT_RIGHT_READ)) owe(directory, i, seq);
    }
}

void sat_debts_grant(struct sat_directory *directory, uint32_t user, uint32_t space, uint8_t rights, uint64_t seq)
{
    const struct sat_user *now = &directory->users[user - 1];
    uint8_t then = sat_rights_of(now->role, now->state, directory->spaces[space].kind, rights);
    if (reads(directory, user, space) && !(then & SAT_RIGHT_READ)) owe(directory, space, seq);
}

void sat_debts_all(struct sat_directory *directory, uint64_t seq)
{
    for (uint32_t i = 0; i < directory->spaces_n; i++) owe(directory, i, seq);
}
