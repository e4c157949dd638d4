#include "tests/sim/storm.h"

#include "tests/sim/doubts.h"
#include "tests/sim/ends.h"
#include "tests/story/orders.h"

enum { ROUNDS_MAX = 24 };

bool storm_come_to_rest(struct life *life)
{
    struct world *world = &life->world;
    storm_plan_nothing(life);
    for (uint32_t i = 0; i < world->devices_n; i++) {
        world_disconnect(world, &world->devices[i]);
        world->devices[i].on_way = NULL;
    }
    storm_tend(life);
    uint32_t quiet = 0;
    for (uint32_t round = 0; round < ROUNDS_MAX && quiet < 2; round++) {
        bool all = true;
        storm_confirm(life);
        if (storm_all_have_come(life)) order_approve_copies(world, storm_homes(life));
        for (uint32_t i = 0; i < world->devices_n; i++) {
            struct world_device *device = &world->devices[i];
            if (life->gone & 1u << i) continue;
            device->last_err = SAT_OK;
            bool in_sync = world_sync(world, device);
            if (!in_sync && round >= ROUNDS_MAX - 2)
                (void)fprintf(stderr, "home %u does not get in sync: %s\n", i + 1, sat_err_name(device->last_err));
            all = all && in_sync;
        }
        quiet = all ? quiet + 1 : 0;
    }
    return quiet == 2;
}

uint32_t storm_check(struct life *life)
{
    uint32_t wrong = 0, conflicts;
    oracle_look(&life->oracle, &life->world, 0);
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (!storm_is_gone(life, &life->world.devices[i]))
            life->counts->refusal += oracle_excuse_refused(&life->oracle, &life->world.devices[i]);
    doubts_judge(&life->oracle, &life->world);
    for (uint32_t space = STORM_SHARED; space <= STORM_NARROW; space++) {
        uint32_t of = storm_homes(life) & (space == STORM_NARROW ? ~life->one_only : UINT32_MAX);
        wrong += ends_compare(&life->oracle, &life->world, space, STORM_RECORDS, of, &conflicts);
        life->counts->conflict += conflicts > 0;
    }
    life->counts->doubted += life->oracle.doubted;
    for (uint32_t i = 0; i < life->world.devices_n; i++) {
        life->counts->new_index += life->world.devices[i].heard[SAT_NOTICE_REINDEXED];
        enum sat_err err = life->world.devices[i].last_err;
        if (life->gone & 1u << i || !err || sat_err_class(err) != SAT_CLASS_PEER) continue;
        (void)fprintf(stderr, "home %u accuses the server: %s\n", i + 1, sat_err_name(err));
        wrong++;
    }
    return wrong;
}
