#include "tests/sim/forget.h"

#include "common/base/check.h"

/* Is the write live at the server, under the dot that it has now? */
static bool is_live(struct world *world, const struct oracle_write *write)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    struct sat_space_row space;
    uint32_t n = 0;
    bool found, live = false;
    struct sat_record_id id = world_record(write->record);
    sat_arena_init(&arena);
    sat_check(sat_store_space_find(world->server_store, &world->spaces[write->space], &space, &found) == SAT_OK);
    sat_check(sat_store_changes_live(world->server_store, space.sid, &id, &arena, &rows, &n) == SAT_OK);
    for (uint32_t i = 0; i < n; i++) live = live || sat_dot_compare(rows[i].dot, write->last_dot) == 0;
    sat_arena_deinit(&arena);
    return live;
}

uint32_t forget_collect(struct oracle *oracle, struct world *world, uint32_t homes, void (*tend)(void *context),
                        void *context)
{
    oracle_look(oracle, world, homes);
    for (uint32_t i = 0; i < oracle->n; i++) oracle->writes[i].at_server = is_live(world, &oracle->writes[i]);
    uint64_t collected = world_collect(world);
    tend(context);
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        if (write->at_server && !is_live(world, write)) write->collected = true;
    }
    return (uint32_t)collected;
}

static bool is_of(const struct sat_aside_row *row, const struct oracle_write *write,
                  const struct sat_directory *directory, struct sat_arena *arena)
{
    struct sat_bundle bundle;
    struct sat_record_id id = world_record(write->record);
    sat_check(sat_bundle_decode(row->bytes, &directory->org, &row->space, arena, &bundle) == SAT_OK);
    for (uint32_t i = 0; i < bundle.manifest.count; i++)
        if (sat_record_equal(&bundle.changes[i].record, &id)) return true;
    return false;
}

bool forget_refused(const struct oracle_write *write, struct world *world)
{
    const struct satchel *home = &world->devices[write->home].handle;
    struct sat_arena arena;
    struct sat_aside_row *rows;
    uint32_t n;
    bool listed = false;
    sat_arena_init(&arena);
    sat_check(sat_store_asides(home->store, 0, 1000, SIZE_MAX, &arena, &rows, &n) == SAT_OK);
    for (uint32_t i = 0; i < n && !listed; i++)
        listed = rows[i].reason == SAT_ERR_COLLECTED && sat_space_equal(&rows[i].space, &world->spaces[write->space]) &&
                 is_of(&rows[i], write, &home->directory, &arena);
    sat_arena_deinit(&arena);
    return listed;
}
