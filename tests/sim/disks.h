/* The disks of a life: each party's store is on one of its own, in memory, which can fail or lose power. */
#ifndef TESTS_SIM_DISKS_H
#define TESTS_SIM_DISKS_H

#include "tests/faults/vfs.h"
#include "tests/story/world.h"

struct disks {
    struct vfs *vfs;
    struct vfs_disk *server, *of[WORLD_DEVICES_MAX];
    struct world *world;
};

/* Before the world, which then gets its disks. */
void disks_begin(struct disks *disks, uint64_t seed);
void disks_give(struct disks *disks, struct world *world);
void disks_end(struct disks *disks); /* after it */
/* device NULL: the server's. */
struct vfs_disk *disks_of(struct disks *disks, const struct world_device *device);

#endif
