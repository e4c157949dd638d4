/* Invites: a code for one new device of a person. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "client/act.h"
#include "client/membership.h"
#include "common/base/limits.h"
#include "common/vault/invite.h"

#define WEEK_MS (7 * SAT_DAY_MS)

struct invite_act {
    struct satchel *satchel;
    uint32_t user;
    uint64_t valid_ms;
    struct sat_invite_code code; /* secret */
    struct sat_hash link;
};

static enum sat_err build_invite(void *context, struct client_links *links)
{
    struct invite_act *act = context;
    struct satchel *satchel = act->satchel;
    struct sat_invite_keys keys;
    act->code.org = links->ahead.org;
    act->code.server = links->ahead.server;
    sat_entropy_fill(&satchel->entropy, act->code.secret, sizeof act->code.secret);
    sat_invite_keys_derive(&act->code, &keys);
    struct sat_body_invite body = {
        .sign = keys.sign_public,
        .box = keys.box_public,
        .user = act->user,
        .role = sat_directory_user(&links->ahead, act->user)->role,
        .expires_ms = links->now_ms + act->valid_ms,
    };
    sodium_memzero(&keys, sizeof keys);
    enum sat_err err = client_links_add_invite(links, &body);
    act->code.dir_seq = links->ahead.seq;
    act->link = sat_directory_hash_at(&links->ahead, links->ahead.seq);
    return err;
}

static enum sat_err invite(struct invite_act *invite_act, const char *user, char **code)
{
    struct satchel *satchel = invite_act->satchel;
    struct client_act act = {.satchel = satchel, .context = invite_act, .build = build_invite};
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_membership membership;
    enum sat_err err = client_act_find_user(satchel, user, &invite_act->user);
    if (!err) err = client_act_check_manages(satchel, invite_act->user);
    if (!err) err = client_membership_get(satchel, &arena, &membership);
    const char *moved_to = satchel->directory.server_url;
    struct sat_invite_code *made = &invite_act->code;
    if (!err) (void)snprintf(made->url, sizeof made->url, "%s", moved_to[0] ? moved_to : membership.server_url);
    if (!err) err = client_act_run(&act);
    memcpy(made->dir_hash, invite_act->link.b, sizeof made->dir_hash);
    if (!err) *code = client_text(sat_invite_code_format(made, &arena));
    sat_arena_deinit(&arena);
    return err;
}

int satchel_invite(struct satchel *satchel, const char *user, uint64_t valid_ms, char **code)
{
    struct invite_act act = {.satchel = satchel, .valid_ms = valid_ms ? valid_ms : WEEK_MS};
    *code = NULL;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err && valid_ms > 520 * WEEK_MS)
        err = sat_fail(&satchel->fault, SAT_ERR_INVALID, "an invite may be valid for ten years at most");
    if (!err) err = invite(&act, user, code);
    sodium_memzero(&act.code, sizeof act.code);
    return client_end(satchel, err);
}

/* ---- Cancelling ---- */

struct cancel_act {
    struct satchel *satchel;
    uint32_t user;
    uint32_t n; /* cancelled by the batch under way */
    bool more;
};

static enum sat_err add_cancel(struct client_links *links, const struct sat_invite *invite)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_invite_cancel_encode(&(struct sat_body_invite_cancel){.invite = invite->id}, &body);
    enum sat_err err = client_links_add(links, SAT_LINK_INVITE_CANCEL, &body);
    sat_buf_deinit(&body);
    return err;
}

static enum sat_err build_cancel(void *context, struct client_links *links)
{
    struct cancel_act *act = context;
    enum sat_err err = SAT_OK;
    act->n = 0;
    act->more = false;
    for (uint32_t i = 0; i < links->ahead.invites_n && !err; i++) {
        const struct sat_invite *invite = &links->ahead.invites[i];
        if (invite->user != act->user || invite->state != SAT_INVITE_OPEN || invite->expires_ms < links->now_ms)
            continue;
        act->more = links->n == CLIENT_LINKS_MAX;
        if (act->more) break;
        err = add_cancel(links, invite);
        if (!err) act->n++;
    }
    if (err || act->n) return err;
    return sat_fail(links->fault, SAT_ERR_NOT_FOUND, "%.100s has no open invite",
                    client_act_user(act->satchel, act->user, links->arena));
}

int satchel_invite_cancel(struct satchel *satchel, const char *user, uint32_t *cancelled)
{
    struct cancel_act cancel = {.satchel = satchel, .more = true};
    *cancelled = 0;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err) err = client_act_find_user(satchel, user, &cancel.user);
    if (!err) err = client_act_check_manages(satchel, cancel.user);
    while (!err && cancel.more) {
        struct client_act act = {.satchel = satchel, .context = &cancel, .build = build_cancel};
        err = client_act_run(&act);
        if (!err) *cancelled += cancel.n;
    }
    if (err == SAT_ERR_NOT_FOUND && *cancelled) err = SAT_OK; /* somebody else has cancelled the rest */
    return client_end(satchel, err);
}
