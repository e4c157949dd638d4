#include "tests/sim/forget.h"

#include "client/links.h"
#include "common/base/check.h"
#include "common/sync/tidy.h"
#include "tests/sim/doubts.h"

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

static void build_limit(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_policy_encode(&(struct sat_body_policy){.values = {{SAT_POLICY_HISTORY_VERSIONS, 1}}, .values_n = 1},
                           &body);
    sat_check(client_links_add(links, SAT_LINK_POLICY, &body) == SAT_OK);
    sat_buf_deinit(&body);
}

void forget_soon(struct world *world)
{
    sat_check(world_append(world, &world->devices[0], build_limit, NULL));
    world_disconnect(world, &world->devices[0]);
}

/* What a device does behind a sync; where its disk fails, another time. */
static void tidy(struct world *world, uint32_t homes)
{
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        struct sat_tidied done = {0};
        if (!(homes >> i & 1) || device->replica || !device->joined) continue;
        (void)!sat_tidy_device(device->handle.store, &device->handle.directory,
                               sat_keyring_secrets(device->handle.keyring)->device, 1000, &done);
    }
}

uint32_t forget_collect(struct oracle *oracle, struct world *world, uint32_t homes, void (*tend)(void *context),
                        void *context)
{
    oracle_look(oracle, world, homes);
    doubts_look(oracle, world, homes);
    for (uint32_t i = 0; i < oracle->n; i++) oracle->writes[i].at_server = is_live(world, &oracle->writes[i]);
    world->now_ms += 60 * 1000; /* else the server has tidied just now */
    uint64_t collected = world_collect(world);
    tend(context);
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        if (write->at_server && !is_live(world, write)) write->collected = true;
    }
    tidy(world, homes);
    return (uint32_t)collected;
}
