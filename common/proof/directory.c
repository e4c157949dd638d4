/* The reducer's state. apply() judges first and only then changes anything, so that a refused link leaves no trace. */
#include "common/proof/directory.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_changes.h"
#include "common/proof/directory_debts.h"
#include "common/proof/directory_expel.h"
#include "common/proof/directory_repudiate.h"
#include "common/proof/directory_rules.h"

void sat_directory_init(struct sat_directory *directory)
{
    *directory = (struct sat_directory){.index = sat_index_new()};
}

void sat_directory_deinit(struct sat_directory *directory)
{
    sat_index_free(directory);
    free(directory->ids);
    free(directory->users);
    free(directory->devices);
    free(directory->spaces);
    free(directory->grants);
    free(directory->epochs);
    free(directory->invites);
    free(directory->kits);
    *directory = (struct sat_directory){0};
}

/* ---- What a good link does. Nothing below can fail. ---- */

static void set_standing(struct sat_directory *directory, uint64_t seq, uint32_t number, uint8_t role, uint8_t state,
                         bool restored)
{
    struct sat_user_past *past = &directory->index->users[number - 1];
    uint32_t acted = sat_index_acts(directory, number);
    directory->users[number - 1].role = role;
    directory->users[number - 1].state = state;
    directory->index->admins += sat_index_acts(directory, number) - acted;
    past->standings = sat_grown(past->standings, past->standings_n, &past->standings_cap, sizeof *past->standings);
    past->standings[past->standings_n++] = (struct sat_standing){seq, role, state, restored};
}

void sat_change_standing(struct sat_directory *directory, uint64_t seq, uint32_t user, uint8_t role, uint8_t state,
                         bool restored)
{
    sat_debts_standing(directory, user, role, state, seq);
    set_standing(directory, seq, user, role, state, restored);
}

static void add_user(struct sat_directory *directory, uint64_t seq, uint8_t role, uint32_t creator)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->users_n;
    directory->users = sat_grown(directory->users, at, &index->users_cap, sizeof *directory->users);
    index->users = sat_grown(index->users, at, &index->users_past_cap, sizeof *index->users);
    directory->users[at] = (struct sat_user){.number = at + 1, .since_seq = seq, .creator = creator};
    index->users[at] = (struct sat_user_past){0};
    directory->users_n++;
    set_standing(directory, seq, at + 1, role, SAT_USER_ACTIVE, false);
}

static bool is_zero(const struct sat_public_key *key)
{
    static const struct sat_public_key none;
    return memcmp(key->b, none.b, sizeof none.b) == 0;
}

/* One device more, or one less, that can sign as an admin's. */
static void count_signer(struct sat_directory *directory, const struct sat_device *device, bool more)
{
    if (is_zero(&device->admin_sign)) return;
    uint32_t acted = sat_index_acts(directory, device->user);
    directory->index->users[device->user - 1].signers += more ? 1u : UINT32_MAX;
    directory->index->admins += sat_index_acts(directory, device->user) - acted;
}

static void add_device(struct sat_directory *directory, const struct sat_device *device)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->devices_n;
    directory->devices = sat_grown(directory->devices, at, &index->devices_cap, sizeof *directory->devices);
    index->devices_past = sat_grown(index->devices_past, at, &index->devices_past_cap, sizeof *index->devices_past);
    directory->devices[at] = *device;
    if (!device->lineage) directory->devices[at].lineage = device->number;
    index->devices_past[at] = (struct sat_device_past){0};
    directory->devices_n++;
    sat_index_put_key(index, &device->sign);
    sat_index_put_key(index, &device->box);
    if (!is_zero(&device->admin_sign)) sat_index_put_key(index, &device->admin_sign);
    if (device->approved_seq) count_signer(directory, device, true);
}

static void set_kit(struct sat_directory *directory, const struct sat_kit *kit)
{
    uint32_t at = directory->kits_n;
    directory->kit_sign = kit->sign;
    directory->kit_box = kit->box;
    directory->kit_seq = kit->seq;
    directory->kits = sat_grown(directory->kits, at, &directory->index->kits_cap, sizeof *directory->kits);
    directory->kits[at] = *kit;
    directory->kits_n++;
    sat_index_put_key(directory->index, &kit->sign);
    sat_index_put_key(directory->index, &kit->box);
}

static void apply_genesis(struct sat_directory *directory, const struct sat_ruling *ruling, uint64_t time_ms)
{
    const struct sat_body_genesis *body = &ruling->body.genesis;
    directory->org = ruling->org;
    directory->server = body->server;
    set_kit(directory, &(struct sat_kit){.seq = 1, .sign = body->kit_sign, .box = body->kit_box, .time_ms = time_ms});
    sat_index_put_key(directory->index, &body->server);
    add_user(directory, 1, SAT_ROLE_ADMIN, 0);
    struct sat_device device = {.number = 1,
                                .user = 1,
                                .sign = body->device_sign,
                                .box = body->device_box,
                                .admin_sign = body->admin_sign,
                                .since_seq = 1,
                                .approved_seq = 1,
                                .joined_ms = time_ms};
    add_device(directory, &device);
}

static void apply_user(struct sat_directory *directory, const struct sat_body_user *body, const struct sat_link *link)
{
    if (body->user > directory->users_n)
        add_user(directory, link->seq, body->role, link->author);
    else
        sat_change_standing(directory, link->seq, body->user, body->role, body->state, false);
}

static void apply_server_key(struct sat_directory *directory, const struct sat_body_server_key *body)
{
    directory->server = body->server;
    sat_index_put_key(directory->index, &body->server);
    if (body->url[0]) memcpy(directory->server_url, body->url, sizeof body->url);
}

static void apply_space(struct sat_directory *directory, const struct sat_body_space *body, uint64_t seq)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->spaces_n;
    directory->spaces = sat_grown(directory->spaces, at, &index->spaces_cap, sizeof *directory->spaces);
    index->spaces_past = sat_grown(index->spaces_past, at, &index->spaces_past_cap, sizeof *index->spaces_past);
    directory->spaces[at] = (struct sat_space){.id = body->space, .kind = body->kind, .since_seq = seq};
    index->spaces_past[at] = (struct sat_space_past){0};
    directory->spaces_n++;
    sat_index_put_space(index, &body->space, at);
    if (body->kind == SAT_SPACE_ORG) index->org_space = at + 1;
    if (body->kind == SAT_SPACE_PEOPLE) index->people_space = at + 1;
}

void sat_change_grant(struct sat_directory *directory, const struct sat_grant *grant)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->grants_n, space = sat_index_space(directory, &grant->space);
    directory->grants = sat_grown(directory->grants, at, &index->grants_cap, sizeof *directory->grants);
    directory->grants[at] = *grant;
    directory->grants_n++;
    sat_trail_add(sat_index_make_holding(&index->users[grant->user - 1], space), at);
}

/* Open invites get their boxes by a grant as the devices do. */
static void apply_grant(struct sat_directory *directory, const struct sat_ruling *ruling, uint64_t seq)
{
    const struct sat_body_grant *body = &ruling->body.grant;
    struct sat_directory_index *index = directory->index;
    sat_debts_grant(directory, body->user, ruling->place, body->rights, seq);
    struct sat_grant grant = {
        .seq = seq, .space = body->space, .user = body->user, .rights = body->rights, .stated = body->rights};
    sat_change_grant(directory, &grant);
    const struct sat_trail *invites = &index->users[body->user - 1].invites;
    for (uint32_t i = 0; body->boxes.count && i < invites->n; i++) index->invites_past[invites->at[i]].boxed = true;
}

static void apply_epoch(struct sat_directory *directory, const struct sat_ruling *ruling, uint64_t seq)
{
    const struct sat_body_epoch *body = &ruling->body.epoch;
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->epochs_n;
    directory->epochs = sat_grown(directory->epochs, at, &index->epochs_cap, sizeof *directory->epochs);
    struct sat_epoch *epoch = &directory->epochs[at];
    *epoch = (struct sat_epoch){
        .seq = seq, .space = body->space, .number = body->epoch, .suite = body->suite, .kc = body->kc};
    memcpy(epoch->chain, body->chain, sizeof epoch->chain);
    directory->epochs_n++;
    directory->spaces[ruling->place].epoch = body->epoch;
    directory->spaces[ruling->place].owed_seq = 0;
    sat_trail_add(&index->spaces_past[ruling->place].epochs, at);
}

static void apply_invite(struct sat_directory *directory, const struct sat_ruling *ruling, const struct sat_link *link)
{
    const struct sat_body_invite *body = &ruling->body.invite;
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->invites_n;
    struct sat_invite_past past = {.grants_n = body->grants_n, .boxed = body->boxes.count > 0};
    if (past.grants_n) {
        past.grants = calloc(past.grants_n, sizeof *past.grants);
        sat_check_memory(past.grants);
        memcpy(past.grants, body->grants, past.grants_n * sizeof *past.grants);
    }
    directory->invites = sat_grown(directory->invites, at, &index->invites_cap, sizeof *directory->invites);
    index->invites_past = sat_grown(index->invites_past, at, &index->invites_past_cap, sizeof *index->invites_past);
    directory->invites[at] = (struct sat_invite){
        .seq = link->seq,
        .id = ruling->invite_id,
        .sign = body->sign,
        .box = body->box,
        .user = body->user,
        .issuer = link->author,
        .role = body->role,
        .state = SAT_INVITE_OPEN,
        .expires_ms = body->expires_ms,
    };
    index->invites_past[at] = past;
    directory->invites_n++;
    sat_index_put_invite(index, &ruling->invite_id, at);
    sat_index_put_key(index, &body->sign);
    sat_index_put_key(index, &body->box);
    sat_trail_add(&index->users[body->user - 1].invites, at);
    sat_trail_add(&index->devices_past[link->author - 1].issued, at);
    sat_debts_watch(directory, at);
}

/* What an invite grants comes on top of what the user holds by then: joining takes nothing away. */
static void grant_by_invite(struct sat_directory *directory, uint64_t seq, uint32_t user,
                            const struct sat_invite_grant *invited)
{
    uint32_t space = sat_index_space(directory, &invited->space);
    struct sat_grant grant = {.seq = seq,
                              .space = invited->space,
                              .user = user,
                              .rights = invited->rights | sat_index_granted(directory, user, space),
                              .stated = invited->rights,
                              .source = SAT_GRANT_ADDED};
    sat_change_grant(directory, &grant);
}

static void apply_join(struct sat_directory *directory, const struct sat_ruling *ruling, const struct sat_link *link,
                       uint64_t time_ms)
{
    const struct sat_body_join *body = &ruling->body.join;
    struct sat_invite *invite = &directory->invites[ruling->place];
    bool keys_in_advance = invite->role == SAT_ROLE_REP || invite->role == SAT_ROLE_SERVICE;
    struct sat_device device = {.number = link->author,
                                .user = invite->user,
                                .sign = body->sign,
                                .box = body->box,
                                .admin_sign = body->admin_sign,
                                .since_seq = link->seq,
                                .approved_seq = keys_in_advance ? link->seq : 0,
                                .joined_ms = time_ms};
    add_device(directory, &device);
    invite->state = SAT_INVITE_USED;
    invite->device = link->author;
    directory->index->devices_past[link->author - 1].invite = ruling->place + 1;
    const struct sat_invite_past *past = &directory->index->invites_past[ruling->place];
    for (uint32_t i = 0; i < past->grants_n; i++) grant_by_invite(directory, link->seq, invite->user, &past->grants[i]);
}

/* The admin key goes along: it lies under a passphrase of its own, which nobody is asked for now. */
static void apply_reindex(struct sat_directory *directory, const struct sat_body_reindex *body, uint64_t seq,
                          uint64_t time_ms)
{
    struct sat_device *parent = &directory->devices[body->parent - 1];
    struct sat_device device = {.number = directory->devices_n + 1,
                                .user = parent->user,
                                .parent = parent->number,
                                .lineage = parent->lineage,
                                .sign = body->sign,
                                .box = body->box,
                                .admin_sign = parent->admin_sign,
                                .since_seq = seq,
                                .approved_seq = seq,
                                .joined_ms = time_ms};
    parent->copies++;
    add_device(directory, &device);
}

static void apply_cancel(struct sat_directory *directory, uint32_t invite, uint64_t seq)
{
    sat_debts_cancel(directory, invite, seq);
    directory->invites[invite].state = SAT_INVITE_CANCELLED;
}

/* What counts of it is written down, and nobody joins any more by an invite that it issued. */
void sat_change_out(struct sat_directory *directory, uint32_t device, uint64_t seq, const struct sat_cut *cuts,
                    uint32_t cuts_n, bool restored)
{
    struct sat_device *known = &directory->devices[device - 1];
    struct sat_device_past *past = &directory->index->devices_past[device - 1];
    sat_debts_revoke(directory, known, seq);
    if (known->approved_seq) count_signer(directory, known, false);
    known->revoked_seq = seq;
    past->outs = sat_grown(past->outs, past->outs_n, &past->outs_cap, sizeof *past->outs);
    struct sat_out *out = &past->outs[past->outs_n++];
    *out = (struct sat_out){.revoked_seq = seq, .cuts_n = cuts_n, .restored = restored};
    if (cuts_n) {
        out->cuts = calloc(cuts_n, sizeof *out->cuts);
        sat_check_memory(out->cuts);
        memcpy(out->cuts, cuts, cuts_n * sizeof *out->cuts);
    }
    for (uint32_t i = 0; i < past->issued.n; i++) {
        struct sat_invite *invite = &directory->invites[past->issued.at[i]];
        if (invite->state == SAT_INVITE_OPEN) invite->state = SAT_INVITE_CANCELLED;
    }
}

void sat_change_back(struct sat_directory *directory, uint32_t device, uint64_t seq)
{
    struct sat_device *known = &directory->devices[device - 1];
    struct sat_device_past *past = &directory->index->devices_past[device - 1];
    past->outs[past->outs_n - 1].back_seq = seq;
    known->revoked_seq = known->wiped_seq = 0;
    if (known->approved_seq) count_signer(directory, known, true);
}

static void apply_wipe(struct sat_directory *directory, const struct sat_body_wipe *body, const struct sat_link *link,
                       uint64_t time_ms)
{
    uint32_t user = directory->devices[link->author - 1].user;
    struct sat_user_past *past = &directory->index->users[user - 1];
    past->wipes_ms[past->wipes_n++ % SAT_WIPES_KEPT] = time_ms;
    const struct sat_device_past *wiped = &directory->index->devices_past[body->device - 1];
    wiped->outs[wiped->outs_n - 1].wiped_seq = link->seq;
    directory->devices[body->device - 1].wiped_seq = link->seq;
}

uint32_t sat_change_decision(struct sat_directory *directory, const struct sat_decision *decision, uint32_t before)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = index->decisions_n;
    index->decisions = sat_grown(index->decisions, at, &index->decisions_cap, sizeof *index->decisions);
    index->decisions[at] = *decision;
    index->decisions_n++;
    while (before && index->decisions[before - 1].next) before = index->decisions[before - 1].next;
    if (before) index->decisions[before - 1].next = at + 1;
    return at + 1;
}

static void decide(struct sat_directory *directory, const struct sat_body_accept *body, uint64_t seq)
{
    struct sat_table *decided = &directory->index->decided;
    uint32_t before = sat_table_get(decided, body->bundle.b);
    struct sat_decision decision = {.seq = seq,
                                    .device = body->device,
                                    .space = sat_index_space(directory, &body->space),
                                    .what = body->what,
                                    .first = before == 0};
    uint32_t place = sat_change_decision(directory, &decision, before);
    if (!before) sat_table_put(decided, body->bundle.b, place);
}

static void apply_accept(struct sat_directory *directory, const struct sat_body_accept *body, uint64_t seq)
{
    if (body->what != SAT_ACCEPT_DEVICE) {
        decide(directory, body, seq);
        return;
    }
    struct sat_device *device = &directory->devices[body->device - 1];
    device->copies = 0;
    if (device->approved_seq) return;
    device->approved_seq = seq;
    count_signer(directory, device, true);
    sat_trail_add(&directory->index->approvals, body->device - 1);
}

static void set_policy(struct sat_directory_index *index, const struct sat_policy_value *value, bool absent)
{
    uint32_t at = 0;
    while (at < index->policies_n && index->policies[at].key < value->key) at++;
    bool there = at < index->policies_n && index->policies[at].key == value->key;
    if (absent && there) {
        index->policies_n--;
        memmove(index->policies + at, index->policies + at + 1, (index->policies_n - at) * sizeof *index->policies);
    }
    if (absent) return;
    if (!there) {
        index->policies = sat_grown(index->policies, index->policies_n, &index->policies_cap, sizeof *index->policies);
        memmove(index->policies + at + 1, index->policies + at, (index->policies_n - at) * sizeof *index->policies);
        index->policies_n++;
    }
    index->policies[at] = *value;
}

void sat_change_policy(struct sat_directory *directory, const struct sat_policy_said *said)
{
    struct sat_directory_index *index = directory->index;
    set_policy(index, &said->value, said->absent);
    index->said = sat_grown(index->said, index->said_n, &index->said_cap, sizeof *index->said);
    index->said[index->said_n++] = *said;
}

/* A new kit; by an old one, whose place plus one is `signer`, an admin's new device too. */
static void apply_kit(struct sat_directory *directory, const struct sat_body_kit *body, const struct sat_link *link,
                      uint32_t signer, uint64_t time_ms)
{
    struct sat_kit kit = {
        .seq = link->seq, .sign = body->kit_sign, .box = body->kit_box, .time_ms = time_ms, .signer = signer};
    set_kit(directory, &kit);
    if (!body->user) return;
    struct sat_device device = {.number = link->author,
                                .user = body->user,
                                .sign = body->device_sign,
                                .box = body->device_box,
                                .admin_sign = body->admin_sign,
                                .since_seq = link->seq,
                                .approved_seq = link->seq,
                                .joined_ms = time_ms};
    add_device(directory, &device);
    if (directory->users[body->user - 1].state != SAT_USER_ACTIVE)
        sat_change_standing(directory, link->seq, body->user, SAT_ROLE_ADMIN, SAT_USER_ACTIVE, false);
}

static bool is_signed_by_kit(const struct sat_link *link)
{
    for (uint8_t i = 0; i < link->signatures_n; i++)
        if (link->signatures[i].kind == SAT_SIGNER_KIT) return true;
    return false;
}

static void apply_repudiation(struct sat_directory *directory, const struct sat_body_repudiate *body,
                              const struct sat_link *link, uint64_t time_ms)
{
    struct sat_disowning disowning;
    sat_disowning_begin(directory, body->device, body->from_seq, &disowning);
    uint32_t signer = sat_disowning_kit(&disowning);
    sat_disowning_apply(&disowning, directory, link->seq);
    sat_disowning_end(&disowning);
    apply_kit(directory, &body->kit, link, signer + 1, time_ms);
    directory->repudiated_seq = link->seq;
}

static void apply_policy(struct sat_directory *directory, const struct sat_body_policy *body, uint64_t seq)
{
    for (uint16_t i = 0; i < body->values_n; i++)
        sat_change_policy(directory, &(struct sat_policy_said){.seq = seq, .value = body->values[i]});
}

/* Boxes were the server's alone: those of links that were given back are gone. */
static void apply_log_epoch(struct sat_directory *directory, const struct sat_body_log_epoch *body, uint64_t seq)
{
    if (body->from + 1 < seq) sat_debts_all(directory, seq);
}

static void apply_mass_change(struct sat_directory *directory, const struct sat_ruling *ruling, uint64_t seq)
{
    const struct sat_body_mass_change *body = &ruling->body.mass_change;
    struct sat_directory_index *index = directory->index;
    index->meant = sat_grown(index->meant, index->meant_n, &index->meant_cap, sizeof *index->meant);
    index->meant[index->meant_n++] = (struct sat_meant){seq, ruling->place, body->device, body->first, body->last};
}

static void apply_body(struct sat_directory *directory, const struct sat_link *link, const struct sat_ruling *ruling,
                       uint64_t time_ms)
{
    switch ((enum sat_link_type)link->type) {
    case SAT_LINK_GENESIS:
        apply_genesis(directory, ruling, time_ms);
        return;
    case SAT_LINK_USER:
        apply_user(directory, &ruling->body.user, link);
        return;
    case SAT_LINK_ROLE:
        sat_change_standing(directory, link->seq, ruling->body.role.user, ruling->body.role.role,
                            directory->users[ruling->body.role.user - 1].state, false);
        return;
    case SAT_LINK_SPACE:
        apply_space(directory, &ruling->body.space, link->seq);
        return;
    case SAT_LINK_GRANT:
        apply_grant(directory, ruling, link->seq);
        return;
    case SAT_LINK_EPOCH:
        apply_epoch(directory, ruling, link->seq);
        return;
    case SAT_LINK_INVITE:
        apply_invite(directory, ruling, link);
        return;
    case SAT_LINK_INVITE_CANCEL:
        apply_cancel(directory, ruling->place, link->seq);
        return;
    case SAT_LINK_JOIN:
        apply_join(directory, ruling, link, time_ms);
        return;
    case SAT_LINK_SERVER_KEY:
        apply_server_key(directory, &ruling->body.server_key);
        return;
    case SAT_LINK_REVOKE:
        sat_change_out(directory, ruling->body.revoke.device, link->seq, ruling->body.revoke.cuts,
                       ruling->body.revoke.cuts_n, false);
        return;
    case SAT_LINK_WIPE:
        apply_wipe(directory, &ruling->body.wipe, link, time_ms);
        return;
    case SAT_LINK_ACCEPT:
        apply_accept(directory, &ruling->body.accept, link->seq);
        return;
    case SAT_LINK_LOG_EPOCH:
        apply_log_epoch(directory, &ruling->body.log_epoch, link->seq);
        return;
    case SAT_LINK_POLICY:
        apply_policy(directory, &ruling->body.policy, link->seq);
        return;
    case SAT_LINK_KIT:
        sat_debts_all(directory, link->seq);
        apply_kit(directory, &ruling->body.kit, link, is_signed_by_kit(link) ? directory->kits_n : 0, time_ms);
        return;
    case SAT_LINK_REPUDIATE:
        apply_repudiation(directory, &ruling->body.repudiate, link, time_ms);
        return;
    case SAT_LINK_MASS_CHANGE:
        apply_mass_change(directory, ruling, link->seq);
        return;
    case SAT_LINK_REINDEX:
        apply_reindex(directory, &ruling->body.reindex, link->seq, time_ms);
        return;
    case SAT_LINK_EXPEL:
        sat_change_expelled(directory,
                            &(struct sat_expulsion){link->seq, time_ms, link->author == ruling->body.expel.device},
                            ruling->body.expel.device);
        return;
    case SAT_LINK_GRAFT:
    case SAT_LINK_ERASE:
        break;
    }
    sat_check(false); /* no later kind is judged good */
}

/* Who said it: a repudiation asks for that. Of a kind that is not known, signatures beside the author's were not
 * looked at. */
static void note_link(struct sat_directory *directory, const struct sat_link *link, uint64_t time_ms, bool ignored)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = (uint32_t)directory->seq;
    directory->ids = sat_grown(directory->ids, at, &index->ids_cap, sizeof *directory->ids);
    directory->ids[at] = sat_link_id(link);
    index->notes = sat_grown(index->notes, at, &index->notes_cap, sizeof *index->notes);
    index->notes[at] = (struct sat_link_note){.author = link->author};
    directory->seq++;
    index->devices_past[link->author - 1].spoke_seq = directory->seq;
    index->devices_past[link->author - 1].spoke_ms = time_ms;
    if (ignored || link->signatures_n <= 2) return;
    for (uint8_t i = 0; i < link->signatures_n; i++) {
        const struct sat_link_signature *signature = &link->signatures[i];
        bool kit = signature->kind == SAT_SIGNER_KIT;
        if (!kit && (signature->kind != SAT_SIGNER_ADMIN || signature->number == link->author)) continue;
        index->seconds = sat_grown(index->seconds, index->seconds_n, &index->seconds_cap, sizeof *index->seconds);
        index->seconds[index->seconds_n++] = (struct sat_second){link->seq, signature->number, kit};
    }
}

enum sat_err sat_directory_apply(struct sat_directory *directory, const struct sat_link *link,
                                 const struct sat_countersign *sign, uint64_t now_ms, enum sat_directory_trust trust,
                                 struct sat_fault *fault)
{
    struct sat_ruling ruling;
    uint64_t time_ms = sign ? sign->time_ms : now_ms;
    if (time_ms > SAT_TIME_MS_MAX) return sat_fail(fault, SAT_ERR_MALFORMED, "the link's time is beyond all calendars");
    sat_check(directory->seq < UINT32_MAX);
    enum sat_err err = sat_directory_judge(directory, link, time_ms, trust, &ruling, fault);
    if (err) return err;
    if (trust == SAT_DIRECTORY_VERIFY && sign && sat_countersign_verify(link, sign, &ruling.org, &ruling.server))
        return sat_fail(fault, SAT_ERR_TAMPERED, "the server's countersignature of link %llu does not hold",
                        (unsigned long long)link->seq);
    sat_debts_lapse(directory, time_ms);
    if (!ruling.ignored) apply_body(directory, link, &ruling, time_ms);
    note_link(directory, link, time_ms, ruling.ignored);
    if (sign) directory->time_ms = sign->time_ms;
    return SAT_OK;
}
