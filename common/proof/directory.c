/* The reducer's state. apply() judges first and only then changes anything, so that a refused link leaves no trace. */
#include "common/proof/directory.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/directory_rules.h"

void sat_directory_init(struct sat_directory *directory)
{
    *directory = (struct sat_directory){.index = sat_index_new()};
}

void sat_directory_deinit(struct sat_directory *directory)
{
    sat_index_free(directory->index, directory->users_n, directory->spaces_n, directory->invites_n);
    free(directory->ids);
    free(directory->users);
    free(directory->devices);
    free(directory->spaces);
    free(directory->grants);
    free(directory->epochs);
    free(directory->invites);
    *directory = (struct sat_directory){0};
}

/* ---- What a good link does. Nothing below can fail. ---- */

static void set_standing(struct sat_directory *directory, uint64_t seq, uint32_t number, uint8_t role, uint8_t state)
{
    struct sat_user_past *past = &directory->index->users[number - 1];
    directory->users[number - 1].role = role;
    directory->users[number - 1].state = state;
    past->standings = sat_grown(past->standings, past->standings_n, &past->standings_cap, sizeof *past->standings);
    past->standings[past->standings_n++] = (struct sat_standing){seq, role, state};
}

static void add_user(struct sat_directory *directory, uint64_t seq, uint8_t role)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->users_n;
    directory->users = sat_grown(directory->users, at, &index->users_cap, sizeof *directory->users);
    index->users = sat_grown(index->users, at, &index->users_past_cap, sizeof *index->users);
    directory->users[at] = (struct sat_user){.number = at + 1, .since_seq = seq};
    index->users[at] = (struct sat_user_past){0};
    directory->users_n++;
    set_standing(directory, seq, at + 1, role, SAT_USER_ACTIVE);
}

static void add_device(struct sat_directory *directory, const struct sat_device *device)
{
    struct sat_directory_index *index = directory->index;
    directory->devices =
        sat_grown(directory->devices, directory->devices_n, &index->devices_cap, sizeof *directory->devices);
    directory->devices[directory->devices_n++] = *device;
    sat_index_put_key(index, &device->sign);
    sat_index_put_key(index, &device->box);
}

static void set_admin_key(struct sat_directory *directory, uint32_t user, const struct sat_public_key *key)
{
    directory->users[user - 1].admin_sign = *key;
    sat_index_put_key(directory->index, key);
}

static void apply_genesis(struct sat_directory *directory, const struct sat_ruling *ruling, uint64_t time_ms)
{
    const struct sat_body_genesis *body = &ruling->body.genesis;
    directory->org = ruling->org;
    directory->server = body->server;
    directory->kit_sign = body->kit_sign;
    directory->kit_box = body->kit_box;
    directory->kit_seq = 1;
    add_user(directory, 1, SAT_ROLE_ADMIN);
    set_admin_key(directory, 1, &body->admin_sign);
    struct sat_device device = {.number = 1,
                                .user = 1,
                                .sign = body->device_sign,
                                .box = body->device_box,
                                .since_seq = 1,
                                .joined_ms = time_ms};
    add_device(directory, &device);
    sat_index_put_key(directory->index, &body->kit_sign);
    sat_index_put_key(directory->index, &body->kit_box);
    sat_index_put_key(directory->index, &body->server);
}

static void apply_user(struct sat_directory *directory, const struct sat_body_user *body, uint64_t seq)
{
    if (body->user > directory->users_n)
        add_user(directory, seq, body->role);
    else
        set_standing(directory, seq, body->user, body->role, body->state);
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

static void add_grant(struct sat_directory *directory, uint64_t seq, uint32_t space, uint32_t user, uint8_t rights)
{
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->grants_n;
    directory->grants = sat_grown(directory->grants, at, &index->grants_cap, sizeof *directory->grants);
    directory->grants[at] =
        (struct sat_grant){.seq = seq, .space = directory->spaces[space].id, .user = user, .rights = rights};
    directory->grants_n++;
    sat_trail_add(sat_index_make_holding(&index->users[user - 1], space), at);
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
    sat_trail_add(&index->spaces_past[ruling->place].epochs, at);
}

static void apply_invite(struct sat_directory *directory, const struct sat_ruling *ruling, const struct sat_link *link)
{
    const struct sat_body_invite *body = &ruling->body.invite;
    struct sat_directory_index *index = directory->index;
    uint32_t at = directory->invites_n;
    struct sat_invite_past past = {.grants_n = body->grants_n};
    if (past.grants_n) {
        past.grants = calloc(past.grants_n, sizeof *past.grants);
        sat_check(past.grants != NULL);
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
}

/* What an invite grants comes on top of what the user holds by then: joining takes nothing away. */
static void grant_by_invite(struct sat_directory *directory, uint64_t seq, uint32_t user,
                            const struct sat_invite_grant *grant)
{
    uint32_t space = sat_index_space(directory, &grant->space);
    const struct sat_trail *held = sat_index_holding(&directory->index->users[user - 1], space);
    uint8_t rights = grant->rights;
    if (held && held->n) rights |= directory->grants[held->at[held->n - 1]].rights;
    add_grant(directory, seq, space, user, rights);
}

static void apply_join(struct sat_directory *directory, const struct sat_ruling *ruling, const struct sat_link *link,
                       uint64_t time_ms)
{
    const struct sat_body_join *body = &ruling->body.join;
    struct sat_invite *invite = &directory->invites[ruling->place];
    struct sat_device device = {.number = link->author,
                                .user = invite->user,
                                .sign = body->sign,
                                .box = body->box,
                                .since_seq = link->seq,
                                .joined_ms = time_ms};
    add_device(directory, &device);
    invite->state = SAT_INVITE_USED;
    invite->device = link->author;
    static const struct sat_public_key none;
    if (memcmp(body->admin_sign.b, none.b, sizeof none.b) != 0)
        set_admin_key(directory, invite->user, &body->admin_sign);
    const struct sat_invite_past *past = &directory->index->invites_past[ruling->place];
    for (uint32_t i = 0; i < past->grants_n; i++) grant_by_invite(directory, link->seq, invite->user, &past->grants[i]);
}

static void apply_body(struct sat_directory *directory, const struct sat_link *link, const struct sat_ruling *ruling,
                       uint64_t time_ms)
{
    switch ((enum sat_link_type)link->type) {
    case SAT_LINK_GENESIS:
        apply_genesis(directory, ruling, time_ms);
        return;
    case SAT_LINK_USER:
        apply_user(directory, &ruling->body.user, link->seq);
        return;
    case SAT_LINK_ROLE:
        set_standing(directory, link->seq, ruling->body.role.user, ruling->body.role.role,
                     directory->users[ruling->body.role.user - 1].state);
        return;
    case SAT_LINK_SPACE:
        apply_space(directory, &ruling->body.space, link->seq);
        return;
    case SAT_LINK_GRANT:
        add_grant(directory, link->seq, ruling->place, ruling->body.grant.user, ruling->body.grant.rights);
        return;
    case SAT_LINK_EPOCH:
        apply_epoch(directory, ruling, link->seq);
        return;
    case SAT_LINK_INVITE:
        apply_invite(directory, ruling, link);
        return;
    case SAT_LINK_INVITE_CANCEL:
        directory->invites[ruling->place].state = SAT_INVITE_CANCELLED;
        return;
    case SAT_LINK_JOIN:
        apply_join(directory, ruling, link, time_ms);
        return;
    case SAT_LINK_SERVER_KEY:
        apply_server_key(directory, &ruling->body.server_key);
        return;
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
    sat_check(false); /* no later kind is judged good */
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
    if (!ruling.ignored) apply_body(directory, link, &ruling, time_ms);
    uint32_t at = (uint32_t)directory->seq;
    directory->ids = sat_grown(directory->ids, at, &directory->index->ids_cap, sizeof *directory->ids);
    directory->ids[at] = sat_link_id(link);
    directory->seq++;
    if (sign) directory->time_ms = sign->time_ms;
    return SAT_OK;
}
