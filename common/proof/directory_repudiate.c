#include "common/proof/directory_repudiate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_changes.h"
#include "common/proof/directory_debts.h"

/* ---- What is disowned ---- */

static bool is_hit(const struct sat_disowning *disowning, uint64_t seq)
{
    return seq <= disowning->directory->seq && disowning->hit[seq];
}

static const struct sat_kit *kit_of_link(const struct sat_directory *directory, uint64_t seq)
{
    uint32_t low = 0, high = directory->kits_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (directory->kits[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < directory->kits_n && directory->kits[low].seq == seq ? &directory->kits[low] : NULL;
}

/* Everybody came in through the founder, so that whoever finds a page that two admins replaced could name him from the
 * first link on: of a new kit, an admin who was there long before is a witness all the same. */
static bool is_old_hand(const struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    const struct sat_kit *kit = kit_of_link(directory, seq);
    return kit && directory->devices[device - 1].joined_ms + SAT_KIT_RECLAIM_MS < kit->time_ms;
}

/* Did somebody who is not disowned sign it too? */
static bool is_vouched_for(const struct sat_disowning *disowning, uint64_t seq)
{
    const struct sat_directory_index *index = disowning->directory->index;
    uint32_t low = 0, high = index->seconds_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->seconds[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < index->seconds_n && index->seconds[low].seq == seq; low++) {
        const struct sat_second *second = &index->seconds[low];
        if (second->kit && !is_hit(disowning, second->number)) return true;
        if (!second->kit &&
            (seq < disowning->from[second->number - 1] || is_old_hand(disowning->directory, second->number, seq)))
            return true;
    }
    return false;
}

/* By an invite that is disowned, or by a kit that is. */
static bool came_through(const struct sat_disowning *disowning, const struct sat_device *device)
{
    const struct sat_directory *directory = disowning->directory;
    uint32_t invite = directory->index->devices_past[device->number - 1].invite;
    if (invite) return is_hit(disowning, directory->invites[invite - 1].seq);
    const struct sat_kit *kit = kit_of_link(directory, device->since_seq);
    return kit && kit->signer && is_hit(disowning, directory->kits[kit->signer - 1].seq);
}

/* The device that the link at `seq` approved; NULL: it did not. `next` is a place in the approvals, which advances. */
static const struct sat_device *approved_by(const struct sat_directory *directory, uint64_t seq, uint32_t *next)
{
    const struct sat_trail *approvals = &directory->index->approvals;
    while (*next < approvals->n && directory->devices[approvals->at[*next]].approved_seq < seq) ++*next;
    if (*next == approvals->n) return NULL;
    const struct sat_device *device = &directory->devices[approvals->at[*next]];
    return device->approved_seq == seq ? device : NULL;
}

/* The device that went on under a new index by the link at `seq`; NULL: none did. `next` is a place in the devices,
 * which advances. */
static const struct sat_device *copied_by(const struct sat_directory *directory, uint64_t seq, uint32_t *next)
{
    while (*next < directory->devices_n && directory->devices[*next].since_seq < seq) ++*next;
    if (*next == directory->devices_n) return NULL;
    const struct sat_device *device = &directory->devices[*next];
    return device->since_seq == seq && device->parent ? device : NULL;
}

/* In the order of the links: through whom a device came in, and who signed, is known by then. */
void sat_disowning_begin(const struct sat_directory *directory, uint32_t device, uint64_t from_seq,
                         struct sat_disowning *out)
{
    *out = (struct sat_disowning){.directory = directory};
    out->from = calloc(directory->devices_n, sizeof *out->from);
    out->hit = calloc((size_t)directory->seq + 1, sizeof *out->hit);
    sat_check_memory(out->from != NULL && out->hit != NULL);
    for (uint32_t i = 0; i < directory->devices_n; i++) out->from[i] = UINT64_MAX;
    /* The link that let it in is somebody else's word. */
    uint64_t since = directory->devices[device - 1].since_seq;
    out->from[device - 1] = from_seq > since ? from_seq : since + 1;
    uint32_t approvals = 0, copies = 0;
    for (uint64_t seq = from_seq; seq <= directory->seq; seq++) {
        uint32_t number = directory->index->notes[seq - 1].author;
        const struct sat_device *author = sat_directory_device(directory, number);
        sat_check(author != NULL);
        if (author->since_seq == seq && came_through(out, author)) out->from[number - 1] = seq;
        out->hit[seq] = seq >= out->from[number - 1] && !is_vouched_for(out, seq);
        const struct sat_device *approved = approved_by(directory, seq, &approvals);
        if (approved && out->hit[seq] && out->from[approved->number - 1] > seq) out->from[approved->number - 1] = seq;
        const struct sat_device *copy = copied_by(directory, seq, &copies);
        if (copy && out->hit[seq]) out->from[copy->number - 1] = seq;
    }
}

void sat_disowning_end(struct sat_disowning *disowning)
{
    free(disowning->from);
    free(disowning->hit);
    *disowning = (struct sat_disowning){0};
}

/* ---- What stands ---- */

/* A link that an earlier repudiation had disowned stands again once that one is disowned. */
static bool stands(const struct sat_disowning *disowning, uint64_t seq)
{
    if (is_hit(disowning, seq)) return false;
    uint64_t voided = disowning->directory->index->notes[seq - 1].voided;
    return voided == 0 || is_hit(disowning, voided);
}

uint32_t sat_disowning_kit(const struct sat_disowning *disowning)
{
    uint32_t at = disowning->directory->kits_n;
    while (at-- > 0)
        if (stands(disowning, disowning->directory->kits[at].seq)) return at;
    sat_check(false); /* nobody can disown the genesis */
    return 0;
}

/* A link says of a user what it changed: who suspends an admin does not say that he is one. */
void sat_disowning_standing(const struct sat_disowning *disowning, uint32_t user, uint8_t *role, uint8_t *state)
{
    const struct sat_user_past *past = &disowning->directory->index->users[user - 1];
    const struct sat_standing *at = past->standings;
    *role = at->role;
    *state = stands(disowning, at->seq) ? SAT_USER_ACTIVE : SAT_USER_SUSPENDED;
    for (uint32_t i = 1; i < past->standings_n; i++) {
        if (at[i].restored || !stands(disowning, at[i].seq)) continue;
        if (at[i].role != at[i - 1].role) *role = at[i].role;
        if (at[i].state != at[i - 1].state) *state = at[i].state;
    }
}

static uint8_t granted(const struct sat_disowning *disowning, const struct sat_trail *grants)
{
    uint8_t rights = 0;
    for (uint32_t i = 0; i < grants->n; i++) {
        const struct sat_grant *grant = &disowning->directory->grants[grants->at[i]];
        if (grant->source == SAT_GRANT_RESTORED || !stands(disowning, grant->seq)) continue;
        rights = grant->source == SAT_GRANT_ADDED ? rights | grant->stated : grant->stated;
    }
    return rights;
}

static bool is_to_be_wiped(const struct sat_disowning *disowning, const struct sat_device_past *past)
{
    for (uint32_t i = 0; i < past->outs_n; i++) {
        const struct sat_out *out = &past->outs[i];
        bool restored = out->restored && out->wiped_seq == out->revoked_seq;
        if (out->wiped_seq && !restored && stands(disowning, out->wiped_seq)) return true;
    }
    return false;
}

static bool is_to_be_out(const struct sat_disowning *disowning, const struct sat_device_past *past)
{
    if (past->disowned_seq && stands(disowning, past->disowned_seq)) return true;
    for (uint32_t i = 0; i < past->outs_n; i++)
        if (!past->outs[i].restored && stands(disowning, past->outs[i].revoked_seq)) return true;
    return is_to_be_wiped(disowning, past); /* whoever said that wanted it out */
}

/* ---- Doing it ---- */

static void restore_users(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    for (uint32_t user = 1; user <= directory->users_n; user++) {
        const struct sat_user *now = &directory->users[user - 1];
        uint8_t role, state;
        sat_disowning_standing(disowning, user, &role, &state);
        if (role != now->role || state != now->state) sat_change_standing(directory, seq, user, role, state, true);
    }
}

static void restore_grants(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    for (uint32_t user = 1; user <= directory->users_n; user++) {
        for (uint32_t i = 0; i < directory->index->users[user - 1].holdings_n; i++) {
            const struct sat_holding *holding = &directory->index->users[user - 1].holdings[i];
            uint8_t rights = granted(disowning, &holding->grants);
            if (rights == sat_index_granted(directory, user, holding->space)) continue;
            struct sat_grant grant = {.seq = seq,
                                      .space = directory->spaces[holding->space].id,
                                      .user = user,
                                      .rights = rights,
                                      .stated = rights,
                                      .source = SAT_GRANT_RESTORED};
            sat_change_grant(directory, &grant);
        }
    }
}

static void restore_device(const struct sat_disowning *disowning, struct sat_directory *directory, uint32_t device,
                           uint64_t seq)
{
    struct sat_device *now = &directory->devices[device - 1];
    struct sat_device_past *past = &directory->index->devices_past[device - 1];
    bool disowned = disowning->from[device - 1] != UINT64_MAX;
    bool wiped = is_to_be_wiped(disowning, past), out = disowned || is_to_be_out(disowning, past);
    if (out && !now->revoked_seq) sat_change_out(directory, device, seq, NULL, 0, true);
    if (!out && now->revoked_seq) sat_change_back(directory, device, seq);
    if (out) {
        struct sat_out *last = &past->outs[past->outs_n - 1];
        if (wiped && !last->wiped_seq) last->wiped_seq = seq;
        now->wiped_seq = wiped ? last->wiped_seq : 0;
    }
    if (disowned && !(past->disowned_seq && stands(disowning, past->disowned_seq))) past->disowned_seq = seq;
}

static void restore_policies(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    const struct sat_directory_index *index = directory->index;
    if (index->said_n == 0) return;
    struct newest { /* places plus one in what was said: as it is, and as it stands */
        uint32_t now, stands;
    } *newest = calloc(UINT16_MAX + 1, sizeof *newest);
    sat_check_memory(newest);
    for (uint32_t i = 0; i < index->said_n; i++) {
        const struct sat_policy_said *said = &index->said[i];
        newest[said->value.key].now = i + 1;
        if (!said->restored && stands(disowning, said->seq)) newest[said->value.key].stands = i + 1;
    }
    for (uint32_t key = 0; key <= UINT16_MAX; key++) {
        if (!newest[key].now) continue;
        struct sat_policy_said now = index->said[newest[key].now - 1];
        struct sat_policy_said then = {.value = {.key = (uint16_t)key}, .absent = true};
        if (newest[key].stands) then = index->said[newest[key].stands - 1];
        if (now.absent == then.absent && now.value.value == then.value.value) continue;
        then.seq = seq;
        then.restored = true;
        sat_change_policy(directory, &then);
    }
    free(newest);
}

/* What a thief left out of what came late is to be decided about once more; what he let in is in the log. */
static void restore_decisions(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    const struct sat_directory_index *index = directory->index;
    for (uint32_t first = 0, n = index->decisions_n; first < n; first++) {
        if (!index->decisions[first].first) continue;
        uint8_t stood = 0;
        uint32_t last = first;
        bool in = false;
        for (uint32_t place = first + 1; place; place = index->decisions[last].next) {
            const struct sat_decision *decision = &index->decisions[place - 1];
            last = place - 1;
            in = in || decision->what == SAT_ACCEPT_BUNDLE;
            if (!decision->restored && stands(disowning, decision->seq)) stood = decision->what;
        }
        if (in || stood == index->decisions[last].what) continue;
        struct sat_decision now = index->decisions[last];
        now = (struct sat_decision){
            .seq = seq, .device = now.device, .space = now.space, .what = stood, .restored = true};
        (void)sat_change_decision(directory, &now, first + 1);
    }
}

static void mark(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    for (uint64_t at = 1; at <= directory->seq; at++) {
        uint32_t *voided = &directory->index->notes[at - 1].voided;
        if (is_hit(disowning, *voided)) *voided = 0;
        if (disowning->hit[at] && !*voided) *voided = (uint32_t)seq;
    }
}

void sat_disowning_apply(const struct sat_disowning *disowning, struct sat_directory *directory, uint64_t seq)
{
    sat_debts_all(directory, seq);
    restore_users(disowning, directory, seq);
    restore_grants(disowning, directory, seq);
    for (uint32_t i = 0; i < directory->invites_n; i++) {
        struct sat_invite *invite = &directory->invites[i];
        if (invite->state == SAT_INVITE_OPEN && !stands(disowning, invite->seq)) invite->state = SAT_INVITE_CANCELLED;
    }
    for (uint32_t device = 1; device <= directory->devices_n; device++)
        restore_device(disowning, directory, device, seq);
    restore_policies(disowning, directory, seq);
    restore_decisions(disowning, directory, seq);
    mark(disowning, directory, seq);
}

/* ---- Kits ---- */

const struct sat_kit *sat_directory_kit(const struct sat_directory *directory, const struct sat_public_key *sign)
{
    for (uint32_t i = directory->kits_n; i > 0; i--)
        if (sat_span_equal(SAT_SPAN(directory->kits[i - 1].sign.b), SAT_SPAN(sign->b))) return &directory->kits[i - 1];
    return NULL;
}

uint64_t sat_directory_kit_until(const struct sat_directory *directory, const struct sat_kit *kit)
{
    bool last = kit == &directory->kits[directory->kits_n - 1];
    return last ? directory->seq : kit[1].seq - 1;
}

bool sat_directory_kit_good(const struct sat_directory *directory, const struct sat_kit *kit, uint64_t now_ms)
{
    uint32_t place = (uint32_t)(kit - directory->kits);
    for (uint32_t i = place + 1; i < directory->kits_n; i++)
        if (directory->kits[i].signer == place + 1) return false;
    return place + 1 == directory->kits_n || kit[1].time_ms + SAT_KIT_RECLAIM_MS >= now_ms;
}
