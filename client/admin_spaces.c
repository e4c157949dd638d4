/* Territories: who may use them, and their keys. */
#include <sodium.h>

#include "client/act.h"
#include "client/names.h"

struct space_act {
    struct satchel *satchel;
    struct sat_space_id space;
    struct sat_epoch_key key; /* secret */
    const char *name;
    uint32_t user;
    uint8_t rights;
    enum sat_space_kind kind; /* of one that is added */
};

static enum sat_err check_territory_is_new(struct satchel *satchel, const char *name)
{
    uint8_t id[16];
    if (client_name_is_like(name, "org") || client_name_is_like(name, "people"))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "\"%s\" is reserved: choose another name", name);
    if (!sat_uuid_parse(name, id))
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "a territory's name must not look like an id");
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = client_act_refuse_taken(satchel, "territory", client_space_like(satchel, name, &arena), name);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err build_territory(void *context, struct client_links *links)
{
    struct space_act *act = context;
    enum sat_err err = check_territory_is_new(act->satchel, act->name);
    return err ? err : client_links_add_space(links, &act->space, act->kind, &act->key);
}

static enum sat_err name_territory(void *context)
{
    struct space_act *act = context;
    enum sat_err err = sat_keys_add(act->satchel->keys, &act->space, 1, &act->key);
    return err ? err : client_write_space_name(act->satchel, &act->space, act->name);
}

static int add_space(struct satchel *satchel, const char *name, enum sat_space_kind kind)
{
    struct space_act space = {.satchel = satchel, .name = name, .kind = kind};
    struct client_act act = {.satchel = satchel, .context = &space, .build = build_territory, .after = name_territory};
    uint8_t random[10];
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_ADMIN);
    sat_entropy_fill(&satchel->entropy, random, sizeof random);
    sat_uuid_v7(client_now_ms(), random, space.space.b);
    if (!err) err = client_check_name("territory's name", name, &satchel->fault);
    if (!err) err = check_territory_is_new(satchel, name);
    if (!err) err = client_act_run(&act);
    sodium_memzero(&space.key, sizeof space.key);
    return client_end(satchel, err);
}

int satchel_territory_add(struct satchel *satchel, const char *name)
{
    return add_space(satchel, name, SAT_SPACE_TERRITORY);
}

int satchel_territory_add_narrow(struct satchel *satchel, const char *name)
{
    return add_space(satchel, name, SAT_SPACE_NARROW);
}

/* ---- Who may use one ---- */

static enum sat_err build_grant(void *context, struct client_links *links)
{
    const struct space_act *act = context;
    return client_links_add_grant(links, &act->space, act->user, act->rights);
}

/* To manage is to read and write as well, to write is to read as well. */
static uint8_t whole_rights(int rights)
{
    if (rights == 0 || (rights & SATCHEL_MANAGE)) rights |= SATCHEL_WRITE;
    if (rights & SATCHEL_WRITE) rights |= SATCHEL_READ;
    return (uint8_t)(rights & (SATCHEL_READ | SATCHEL_WRITE | SATCHEL_MANAGE));
}

static enum sat_err check_managed(struct satchel *satchel, const struct space_act *act, const char *territory)
{
    if (!client_is_manager(satchel)) return SAT_OK;
    const struct sat_user *user = sat_directory_user(&satchel->directory, act->user);
    if (!(client_rights(satchel, &act->space) & SAT_RIGHT_MANAGE))
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "you do not manage %.100s", territory);
    if (user->role != SAT_ROLE_REP && user->role != SAT_ROLE_SERVICE)
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "a manager says what reps may use; for others an admin does");
    if (act->rights & SAT_RIGHT_MANAGE)
        return sat_fail(&satchel->fault, SAT_ERR_DENIED, "only an admin may let somebody manage a territory");
    return SAT_OK;
}

/* The ordinary case of both below. */
static enum sat_err find_both(struct space_act *act, const char *territory, const char *user)
{
    struct satchel *satchel = act->satchel;
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MANAGER);
    if (!err) err = client_act_find_space(satchel, territory, &act->space);
    if (!err) err = client_act_find_user(satchel, user, &act->user);
    return err ? err : check_managed(satchel, act, territory);
}

int satchel_territory_grant(struct satchel *satchel, const char *territory, const char *user, int rights)
{
    struct space_act space = {.satchel = satchel, .rights = whole_rights(rights)};
    struct client_act act = {.satchel = satchel, .context = &space, .build = build_grant};
    enum sat_err err = find_both(&space, territory, user);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}

static enum sat_err build_revoke(void *context, struct client_links *links)
{
    const struct space_act *act = context;
    const struct sat_directory *ahead = &links->ahead;
    struct sat_fault *fault = &act->satchel->fault;
    uint8_t role = sat_directory_user(ahead, act->user)->role;
    const struct sat_space *space = sat_directory_space(ahead, &act->space);
    if (role == SAT_ROLE_ADMIN && space->kind == SAT_SPACE_TERRITORY)
        return sat_fail(fault, SAT_ERR_INVALID, "admins read and write every territory: that is their role");
    const struct sat_grant *grant = NULL;
    for (uint32_t i = 0; i < ahead->grants_n; i++)
        if (ahead->grants[i].user == act->user && sat_space_equal(&ahead->grants[i].space, &act->space))
            grant = &ahead->grants[i];
    if (!grant || grant->rights == 0)
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "%.100s may not use it anyway", act->name);
    return client_links_add_grant(links, &act->space, act->user, 0);
}

int satchel_territory_revoke(struct satchel *satchel, const char *territory, const char *user)
{
    struct space_act space = {.satchel = satchel, .name = user};
    struct client_act act = {.satchel = satchel, .context = &space, .build = build_revoke};
    enum sat_err err = find_both(&space, territory, user);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}

/* ---- Keys ---- */

static enum sat_err build_rotation(void *context, struct client_links *links)
{
    const struct space_act *act = context;
    return client_links_add_epoch(links, &act->space);
}

int satchel_rotate(struct satchel *satchel, const char *territory)
{
    struct space_act space = {.satchel = satchel};
    struct client_act act = {.satchel = satchel, .context = &space, .build = build_rotation};
    enum sat_err err = client_act_begin(satchel, CLIENT_BY_MEMBER);
    if (!err) err = client_act_find_space(satchel, territory, &space.space);
    if (!err && !(client_rights(satchel, &space.space) & SAT_RIGHT_READ))
        err = sat_fail(&satchel->fault, SAT_ERR_DENIED, "you may not use %.100s", territory);
    if (!err) err = client_act_run(&act);
    return client_end(satchel, err);
}
