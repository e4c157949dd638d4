/* Territories are given to reps and taken from them. What somebody wrote there and had not sent is handed in, and the
 * admin lets it in, sooner or later: then it is to be seen like everything else. */
#include "common/base/check.h"
#include "tests/sim/doubts.h"
#include "tests/sim/storm.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { RW = SAT_RIGHT_READ | SAT_RIGHT_WRITE };

static uint8_t rights_of(const struct life *life, const struct world_device *device, uint32_t space)
{
    const struct sat_directory *directory = sat_host_directory(life->world.host);
    return sat_directory_device_rights(directory, &life->world.spaces[space], scene_number(device), directory->seq);
}

bool storm_may_write(const struct life *life, const struct world_device *device, uint32_t space)
{
    return rights_of(life, device, space) & SAT_RIGHT_WRITE;
}

/* Of what is written where somebody may not write, and has no key to hand it in by, nobody else can have anything. */
bool storm_stays_at_home(struct life *life, struct world_device *device)
{
    bool all = device->idle && !device->last_err && scene_pending(device) == 0 && scene_drafts(device) > 0;
    for (uint32_t space = STORM_SHARED; space <= STORM_NARROW; space++) {
        bool may = storm_may_write(life, device, space);
        uint32_t n = oracle_drafts(&life->oracle, &life->world, device, space, !may);
        if (may && n) all = false;
        if (!may) life->counts->at_home += n;
    }
    return all;
}

uint32_t storm_readers(const struct life *life, uint32_t space)
{
    uint32_t readers = 0;
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (rights_of(life, &life->world.devices[i], space) & SAT_RIGHT_READ) readers |= 1u << i;
    return readers & storm_homes(life);
}

/* Its author has the territory back, and has let go of it meanwhile: its place is in front of what he writes now, and
 * he does not know it (docs/testing.md, "Known bad"). */
static bool comes_too_late(struct life *life, const struct sat_aside_row *row)
{
    const struct sat_directory *directory = sat_host_directory(life->world.host);
    bool writes = sat_directory_device_rights(directory, &row->space, row->device, directory->seq) & SAT_RIGHT_WRITE;
    for (uint32_t i = 0; i < life->world.devices_n && writes; i++) {
        struct world_device *device = &life->world.devices[i];
        struct sat_bundle_row held;
        bool found;
        if (scene_number(device) != row->device) continue;
        sat_check(
            !sat_store_bundle_of_dot(device->handle.store, (struct sat_dot){row->device, row->first}, &held, &found));
        if (found) return false;
    }
    return writes;
}

/* An admin lets in what was handed in, in the order in which it came. False: there was nothing that he could let in. */
bool storm_let_in(struct life *life)
{
    struct world *world = &life->world;
    struct sat_arena arena;
    struct sat_aside_row *rows;
    bool any = false, homes_vary = !storm_leaves_out(life, "homes"); /* else it fits, or never will */
    if (!storm_all_have_come(life)) return false;
    storm_plan_nothing(life);
    doubts_hand_in(&life->oracle, world);
    sat_arena_init(&arena);
    uint32_t n = order_escrow(world->server_store, &arena, &rows);
    for (uint32_t i = 0; i < n; i++) {
        if (rows[i].state != SAT_ASIDE_OPEN || comes_too_late(life, &rows[i])) continue;
        bool done =
            homes_vary ? order_was_let_in(world, rows, n, i) : order_was_decided(world, SAT_ACCEPT_BUNDLE, &rows[i]);
        world_say(world, "device %u's changes %llu to %llu, which were handed in, are let in%s", rows[i].device,
                  (unsigned long long)rows[i].first, (unsigned long long)rows[i].first + rows[i].count - 1,
                  done ? "" : ", in vain");
        life->counts->let_in += done;
        any = any || done;
        if (done) storm_moves_let_in(life, &rows[i]);
    }
    sat_arena_deinit(&arena);
    return any;
}

void storm_grants(struct life *life)
{
    struct world *world = &life->world;
    uint64_t luck = world_dice(world, 1000);
    if (luck < 10) (void)storm_let_in(life);
    if (luck < 10 || luck >= 35 || !storm_all_have_come(life)) return;
    struct world_device *device = storm_any_joined(life);
    uint32_t space = (uint32_t)world_dice(world, 2);
    if (device == world->devices || !scene_number(device)) return;
    storm_plan_nothing(life);
    bool has = rights_of(life, device, space) != 0;
    if (!has) (void)storm_let_in(life);
    order_grant(world, device, space, has ? 0 : RW);
    bool done = has != (rights_of(life, device, space) != 0);
    world_say(world, "territory %u is %s home %u%s", space, has ? "taken from" : "given to", storm_name(life, device),
              done ? "" : ", in vain");
    if (has)
        life->counts->territory_taken += done;
    else
        life->counts->territory_given += done;
}
