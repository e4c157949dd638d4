/* What the directory says of people, devices and territories, with their names. */
#include "client/locate.h"
#include "client/names.h"
#include "client/rows.h"
#include "client/sync.h"
#include "common/proof/directory_index.h"

/* The server is asked first, as far as it can be reached. */
static void refresh(struct satchel *satchel, int *refreshed)
{
    client_begin(satchel);
    bool reached = !satchel->tx && client_sync_quietly(satchel);
    if (refreshed) *refreshed = reached;
}

static json_t *names_of_rights(uint8_t rights)
{
    json_t *names = json_array();
    if (rights & SAT_RIGHT_READ) (void)json_array_append_new(names, json_string("read"));
    if (rights & SAT_RIGHT_WRITE) (void)json_array_append_new(names, json_string("write"));
    if (rights & SAT_RIGHT_MANAGE) (void)json_array_append_new(names, json_string("manage"));
    return names;
}

static bool is_territory(const struct sat_space *space)
{
    return space->kind == SAT_SPACE_TERRITORY || space->kind == SAT_SPACE_NARROW;
}

/* ---- People ---- */

static json_t *territories_of(struct satchel *satchel, uint32_t user, struct sat_arena *arena)
{
    const struct sat_directory *directory = &satchel->directory;
    json_t *names = json_array();
    for (uint32_t i = 0; i < directory->spaces_n; i++) {
        const struct sat_space *space = &directory->spaces[i];
        if (is_territory(space) && (sat_directory_rights(directory, &space->id, user, directory->seq) & SAT_RIGHT_READ))
            (void)json_array_append_new(names, json_string(client_space_name(satchel, &space->id, arena)));
    }
    return names;
}

int satchel_user_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context)
{
    refresh(satchel, refreshed);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool more = true;
    for (uint32_t i = 0; i < satchel->directory.users_n && more; i++) {
        const struct sat_user *user = &satchel->directory.users[i];
        json_t *json = json_object();
        (void)json_object_set_new(json, "user", json_integer(user->number));
        (void)json_object_set_new(json, "name", client_json_of_text(client_user_name(satchel, user->number, &arena)));
        (void)json_object_set_new(json, "role", json_string(sat_role_name(user->role)));
        (void)json_object_set_new(json, "state", json_string(user->state == SAT_USER_ACTIVE ? "active" : "suspended"));
        (void)json_object_set_new(json, "territories", territories_of(satchel, user->number, &arena));
        more = client_give_row(row, context, json);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return client_end(satchel, satchel->unread);
}

/* ---- Territories ---- */

static json_t *members_of(struct satchel *satchel, const struct sat_space *space, struct sat_arena *arena)
{
    const struct sat_directory *directory = &satchel->directory;
    json_t *members = json_array();
    for (uint32_t user = 1; user <= directory->users_n; user++) {
        uint8_t rights = sat_directory_rights(directory, &space->id, user, directory->seq);
        if (!rights) continue;
        json_t *member = json_object();
        const char *name = client_user_name(satchel, user, arena);
        (void)json_object_set_new(member, "user", name ? json_string(name) : json_integer(user));
        (void)json_object_set_new(member, "rights", names_of_rights(rights));
        (void)json_array_append_new(members, member);
    }
    return members;
}

int satchel_territory_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context)
{
    refresh(satchel, refreshed);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool more = true;
    for (uint32_t i = 0; i < satchel->directory.spaces_n && more; i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        if (!is_territory(space)) continue;
        json_t *json = json_object();
        (void)json_object_set_new(json, "territory", client_json_of_uuid(space->id.b));
        (void)json_object_set_new(json, "name", json_string(client_space_name(satchel, &space->id, &arena)));
        (void)json_object_set_new(json, "members", members_of(satchel, space, &arena));
        more = client_give_row(row, context, json);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return client_end(satchel, satchel->unread);
}
