#include "tests/sim/storm.h"

#include <string.h>

#include "common/base/check.h"

/* ---- Who is who ---- */

uint32_t storm_number(const struct life *life, const struct world_device *device)
{
    return (uint32_t)(device - life->world.devices);
}

bool storm_is_gone(const struct life *life, const struct world_device *device)
{
    return life->gone & 1u << storm_number(life, device);
}

uint32_t storm_homes(const struct life *life)
{
    return ((1u << life->world.devices_n) - 1) & ~life->gone;
}

struct world_device *storm_any(struct life *life)
{
    return &life->world.devices[world_dice(&life->world, life->world.devices_n)];
}

struct world_device *storm_any_joined(struct life *life)
{
    for (;;) {
        struct world_device *device = storm_any(life);
        if (device->joined && !storm_is_gone(life, device)) return device;
    }
}

unsigned storm_name(const struct life *life, const struct world_device *device)
{
    return (unsigned)storm_number(life, device) + 1;
}

bool storm_leaves_out(const struct life *life, const char *kind)
{
    return strstr(life->without, kind);
}

bool storm_plays(const struct life *life, const char *kind)
{
    return !storm_leaves_out(life, kind) && !storm_leaves_out(life, "more");
}

/* ---- Whoever's disk stopped ---- */

void storm_crash(struct life *life, struct world_device *device)
{
    world_crash_device(&life->world, device);
    oracle_begun_anew(&life->oracle, &life->world, device);
}

static void begin_anew(struct life *life, struct world_device *device)
{
    world_say(&life->world, "home %u begins anew", storm_name(life, device));
    storm_crash(life, device);
}

void storm_tend(struct life *life)
{
    struct world *world = &life->world;
    for (bool more = true; more;) {
        more = false;
        if (life->disks.server->dead) {
            world_say(world, "the server begins anew");
            world_crash_server(world);
            more = true;
        }
        world->server_err = SAT_OK;
        for (uint32_t i = 0; i < world->devices_n; i++) {
            struct world_device *device = &world->devices[i];
            if (disks_of(&life->disks, device)->dead) {
                begin_anew(life, device);
                more = true;
            } else if (device->step_err) {
                world_say(world, "home %u: %s", i + 1, sat_err_name(device->step_err));
                device->step_err = SAT_OK;
                vfs_plan(disks_of(&life->disks, device), (struct vfs_plan){0});
                world_disconnect(world, device);
                begin_anew(life, device);
                more = true;
            }
        }
    }
}

void storm_recover(void *context, struct world_device *device, enum sat_err err)
{
    struct life *life = context;
    if (err || device->step_err || disks_of(&life->disks, device)->dead) begin_anew(life, device);
}

uint64_t storm_state_of(void *context, const struct world_device *device)
{
    struct life *life = context;
    uint64_t links = device ? device->handle.directory.seq : 0; /* in memory it may be ahead of the disk */
    sat_check(links < STORM_LINKS_MAX);
    return disks_of(&life->disks, device)->changes * STORM_LINKS_MAX + links;
}

void storm_plan_nothing(struct life *life)
{
    vfs_plan(life->disks.server, (struct vfs_plan){0});
    for (uint32_t i = 0; i < WORLD_DEVICES_MAX; i++) vfs_plan(life->disks.of[i], (struct vfs_plan){0});
}
