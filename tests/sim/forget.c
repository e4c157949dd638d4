#include "tests/sim/forget.h"

#include "client/links.h"
#include "common/base/check.h"
#include "common/sync/tidy.h"
#include "tests/sim/doubts.h"

static bool has_dot(const struct sat_change_row *rows, uint32_t n, struct sat_dot dot)
{
    for (uint32_t i = 0; i < n; i++)
        if (sat_dot_compare(rows[i].dot, dot) == 0) return true;
    return false;
}

/* Which writes are live at the server, under the dots that they have now? `after` a collection: of those that were
 * before, the others are collected. */
static void look_at_server(struct oracle *oracle, struct world *world, uint32_t space, uint32_t record, bool after)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    struct sat_space_row row;
    struct sat_record_id id = world_record(record);
    uint32_t n = 0;
    bool found;
    sat_arena_init(&arena);
    sat_check(sat_store_space_find(world->server_store, &world->spaces[space], &row, &found) == SAT_OK);
    sat_check(sat_store_changes_live(world->server_store, row.sid, &id, &arena, &rows, &n) == SAT_OK);
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        if (write->space != space || write->record != record) continue;
        bool live = has_dot(rows, n, write->last_dot);
        if (after && write->at_server && !live) {
            write->collected = true;
            write->remembered = false;
        }
        if (!after) write->at_server = live;
    }
    sat_arena_deinit(&arena);
}

/* Every record once, however many writes there are of it. */
static void look_at_all(struct oracle *oracle, struct world *world, bool after)
{
    for (uint32_t i = 0; i < oracle->n; i++) {
        const struct oracle_write *write = &oracle->writes[i];
        bool first = true;
        for (uint32_t k = 0; k < i && first; k++)
            first = oracle->writes[k].space != write->space || oracle->writes[k].record != write->record;
        if (first) look_at_server(oracle, world, write->space, write->record, after);
    }
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
    look_at_all(oracle, world, false);
    uint64_t before = oracle_state_of(oracle, NULL);
    world->now_ms += 60 * 1000; /* else the server has tidied just now */
    uint64_t collected = world_collect(world);
    tend(context);
    if (!oracle->state_of || oracle_state_of(oracle, NULL) != before) look_at_all(oracle, world, true);
    tidy(world, homes);
    return (uint32_t)collected;
}

void forget_lost(struct oracle *oracle, struct world *world)
{
    for (uint32_t i = 0; i < oracle->n; i++) {
        struct oracle_write *write = &oracle->writes[i];
        struct sat_record_id id = world_record(write->record);
        struct sat_collected_row collected;
        struct sat_space_row row;
        bool found;
        if (!write->collected) continue;
        sat_check(sat_store_space_find(world->server_store, &world->spaces[write->space], &row, &found) == SAT_OK);
        sat_check(sat_store_collected_get(world->server_store, row.sid, &id, &collected, &found) == SAT_OK);
        write->remembered = write->remembered || !found;
    }
}
