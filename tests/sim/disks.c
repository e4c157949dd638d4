#include "tests/sim/disks.h"

#include <stdio.h>

#include "tests/sim/made_once.h"

void disks_begin(struct disks *disks, uint64_t seed)
{
    made_once_begin();
    *disks = (struct disks){.vfs = vfs_new(seed)};
    made_once_on(disks->vfs);
}

/* What a process that is gone leaves on its disk. */
static void died(void *context, struct world_device *device)
{
    struct disks *disks = context;
    vfs_restart(disks->vfs, disks_of(disks, device));
    if (device)
        device->step_err = SAT_OK;
    else
        disks->world->server_err = SAT_OK;
}

void disks_give(struct disks *disks, struct world *world)
{
    char prefix[200];
    disks->world = world;
    (void)snprintf(prefix, sizeof prefix, "%s/server.db", world->dir);
    disks->server = vfs_disk(disks->vfs, prefix);
    for (uint32_t i = 0; i < WORLD_DEVICES_MAX; i++) {
        (void)snprintf(prefix, sizeof prefix, "%s/device%u.db", world->dir, i + 1);
        disks->of[i] = vfs_disk(disks->vfs, prefix);
    }
    world->died = died;
    world->died_context = disks;
}

void disks_end(struct disks *disks)
{
    made_once_on(NULL);
    vfs_free(disks->vfs);
}

struct vfs_disk *disks_of(struct disks *disks, const struct world_device *device)
{
    return device ? disks->of[device - disks->world->devices] : disks->server;
}
