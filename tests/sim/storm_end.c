#include "tests/sim/storm.h"

#include "common/base/check.h"
#include "tests/sim/doubts.h"
#include "tests/sim/ends.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { ROUNDS_MAX = 24 };

/* What a home has not got rid of, and why. */
static void tell_what_waits(struct life *life, struct world_device *device)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t space = 0; space < life->world.spaces_n; space++) {
        struct sat_bundle_row *rows;
        uint32_t n;
        int64_t sid = world_sid(device, &life->world.spaces[space]);
        sat_check(!sat_store_bundles_pending(device->handle.store, sid, 0, 64, &arena, &rows, &n));
        for (uint32_t i = 0; i < n; i++)
            (void)fprintf(stderr, "  home %u, territory %u: changes %llu to %llu of device %u, state %d, %s\n",
                          storm_name(life, device), space, (unsigned long long)rows[i].first,
                          (unsigned long long)rows[i].first + rows[i].count - 1, rows[i].device, (int)rows[i].state,
                          sat_err_name((enum sat_err)rows[i].refused));
    }
    sat_arena_deinit(&arena);
}

bool storm_come_to_rest(struct life *life)
{
    struct world *world = &life->world;
    storm_plan_nothing(life);
    storm_heal(life);
    storm_is_honest(life);
    storm_upgrade_all(life);
    life->to_flip = 0;
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
            if (!in_sync && storm_plays(life, "grants")) in_sync = storm_stays_at_home(life, device);
            if (!in_sync && round == ROUNDS_MAX - 1) {
                (void)fprintf(stderr, "home %u does not get in sync: %s, %s; %llu drafts\n", i + 1,
                              sat_err_name(device->last_err), device->idle ? device->idle_why : "not idle",
                              (unsigned long long)scene_drafts(device));
                tell_what_waits(life, device);
            }
            all = all && in_sync;
        }
        bool carried = all && storm_carry_all(life);
        quiet = all && !carried ? quiet + 1 : 0;
        if (storm_plays(life, "grants") && storm_let_in(life)) quiet = 0;
    }
    return quiet == 2;
}

/* What the homes know of the records about which the oracle has complained. */
static void tell_wrong_records(struct life *life)
{
    for (uint32_t record = 0; record < 10 * life->world.spaces_n; record++) {
        struct sat_record_id id = world_record(record);
        for (uint32_t i = 0; i < life->world.devices_n && life->oracle.wrong_records >> record & 1; i++)
            if (life->world.devices[i].joined) storm_tell_record(life, &life->world.devices[i], &id);
    }
}

uint32_t storm_check(struct life *life)
{
    uint32_t wrong = life->in_the_open, conflicts;
    oracle_look(&life->oracle, &life->world, 0);
    for (uint32_t i = 0; i < life->world.devices_n && storm_plays(life, "upgrades"); i++) {
        if (life->gone & 1u << i || !storm_check_unread(life, &life->world.devices[i])) continue;
        (void)fprintf(stderr, "home %u lists what it can read\n", i + 1);
        wrong++;
    }
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (!storm_is_gone(life, &life->world.devices[i]))
            life->counts->refusal += oracle_excuse_refused(&life->oracle, &life->world, &life->world.devices[i]);
    life->counts->never_let_in += oracle_excuse_escrow(&life->oracle, &life->world);
    doubts_look(&life->oracle, &life->world, storm_homes(life));
    doubts_judge(&life->oracle, &life->world);
    for (uint32_t space = STORM_SHARED; space <= STORM_NARROW; space++) {
        uint32_t of = storm_readers(life, space);
        wrong += ends_compare(&life->oracle, &life->world, space, STORM_RECORDS, of, &conflicts);
        life->counts->conflict += conflicts > 0;
    }
    if (life->world.transcript) tell_wrong_records(life);
    for (uint32_t i = 0; i < life->world.devices_n && wrong; i++) tell_what_waits(life, &life->world.devices[i]);
    life->counts->doubted += life->oracle.doubted;
    for (uint32_t i = 0; i < life->world.devices_n; i++) {
        life->counts->new_index += life->world.devices[i].heard[SAT_NOTICE_REINDEXED];
        enum sat_err err = life->world.devices[i].last_err;
        if (life->gone & 1u << i || !err || sat_err_class(err) != SAT_CLASS_PEER) continue;
        (void)fprintf(stderr, "home %u accuses the server: %s\n", i + 1, sat_err_name(err));
        wrong++;
    }
    return wrong + storm_check_moves(life);
}
