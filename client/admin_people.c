/* People: they are added, given another role, suspended and let back in. */
#include <string.h>

#include "client/act.h"
#include "client/names.h"
#include "common/proof/directory_index.h"

struct user_act {
    struct satchel *satchel;
    uint32_t user; /* 0: a new one */
    uint8_t role, state;
    const char *name;
};

static enum sat_err check_user_is_new(struct satchel *satchel, const char *name)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = client_act_refuse_taken(satchel, "user", client_user_like(satchel, name, &arena), name);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err add_user(struct client_links *links, const struct sat_body_user *body)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_user_encode(body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_USER, &buf);
    sat_buf_deinit(&buf);
    return err;
}

static enum sat_err build_user(void *context, struct client_links *links)
{
    struct user_act *act = context;
    enum sat_err err = check_user_is_new(act->satchel, act->name);
    act->user = links->ahead.users_n + 1;
    struct sat_body_user body = {.user = act->user, .role = act->role, .state = SAT_USER_ACTIVE};
    return err ? err : add_user(links, &body);
}

static enum sat_err name_user(void *context)
{
    const struct user_act *act = context;
    return client_write_user_name(act->satchel, act->user, act->name);
}

static enum sat_err parse_role(struct satchel *satchel, const char *role, uint8_t *out)
{
    if (role && !sat_role_parse(role, out)) return SAT_OK;
    return sat_fail(&satchel->fault, SAT_ERR_INVALID, "\"%.40s\" is no role: admin, manager, rep, auditor or service",
                    role ? role : "");
}

int satchel_user_add(struct satchel *satchel, const char *name, const char *role)
{
    struct user_act user = {.satchel = satchel, .name = name};
    struct client_act act = {
        .satchel = satchel, .context = &user, .build = build_user, .after = name_user, .name = name};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err) err = client_check_name("user's name", name, &satchel->fault);
    if (!err) err = parse_role(satchel, role, &user.role);
    if (!err && user.role != SAT_ROLE_REP && !client_is_admin(satchel))
        err = sat_fail(&satchel->fault, SAT_ERR_DENIED, "a manager adds reps; another role is for an admin to give");
    if (!err) err = check_user_is_new(satchel, name);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}

/* ---- Another role ---- */

static enum sat_err build_role(void *context, struct client_links *links)
{
    const struct user_act *act = context;
    struct sat_body_role body = {.user = act->user, .role = act->role};
    if (sat_directory_user(&links->ahead, act->user)->role == act->role)
        return sat_fail(&act->satchel->fault, SAT_ERR_EXISTS, "%.100s has the role %s already", act->name,
                        sat_role_name(act->role));
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_role_encode(&body, &buf);
    enum sat_err err = client_links_add(links, SAT_LINK_ROLE, &buf);
    sat_buf_deinit(&buf);
    return err;
}

/* What the person reads by the new role alone gets new keys, as no box of the present ones was made for them. */
int satchel_user_role(struct satchel *satchel, const char *name, const char *role)
{
    struct user_act user = {.satchel = satchel, .name = name};
    struct client_act act = {.satchel = satchel, .context = &user, .build = build_role};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    if (!err) err = parse_role(satchel, role, &user.role);
    if (!err) err = client_act_find_user(satchel, name, &user.user);
    act.rekey_for = user.user;
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}

/* ---- Suspended and back ---- */

static enum sat_err build_state(void *context, struct client_links *links)
{
    const struct user_act *act = context;
    const struct sat_user *user = sat_directory_user(&links->ahead, act->user);
    if (user->state == act->state)
        return sat_fail(&act->satchel->fault, SAT_ERR_EXISTS, "%.100s is %s already", act->name,
                        act->state == SAT_USER_ACTIVE ? "active" : "suspended");
    struct sat_body_user body = {.user = act->user, .role = user->role, .state = act->state};
    return add_user(links, &body);
}

/* Who comes back has lost the keys that were made meanwhile. */
static int change_state(struct satchel *satchel, const char *name, uint8_t state)
{
    struct user_act user = {.satchel = satchel, .name = name, .state = state};
    struct client_act act = {.satchel = satchel, .context = &user, .build = build_state};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err) err = client_act_find_user(satchel, name, &user.user);
    if (!err) err = client_act_check_manages(satchel, user.user);
    if (!err && state == SAT_USER_ACTIVE) act.rekey_for = user.user;
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}

int satchel_user_suspend(struct satchel *satchel, const char *name)
{
    return change_state(satchel, name, SAT_USER_SUSPENDED);
}

int satchel_user_resume(struct satchel *satchel, const char *name)
{
    return change_state(satchel, name, SAT_USER_ACTIVE);
}
