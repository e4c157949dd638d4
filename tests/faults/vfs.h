/* A file system in memory for SQLite, whose disks fail and lose power: any operation can be refused, and at any of them
 * a disk can stop, after which each sector that was written and not synced is there, is not, or is half there. What
 * happens comes from the seed alone.
 *
 * It is SQLite's default while it exists, so that all stores that are opened are on it; what else a program does with
 * files is none of its business. One thread at a time.
 *
 * A disk is what one party has: all files whose names begin with its prefix (a store's path also begins those of its
 * log and its index). Files of no disk never fail.
 *
 * What it holds to: what was synced stays; a sector keeps the order of what was written into it; a file that was made
 * and never synced, nor a new log or journal beside it, may be missing afterwards, one whose deletion was not may be
 * back. A write that fails may be done in part, and what a failed sync should have made lasting may be forgotten,
 * though it can still be read. */
#ifndef TESTS_FAULTS_VFS_H
#define TESTS_FAULTS_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VFS_DISKS_MAX = 16, VFS_NAME_MAX = 256, VFS_SECTOR_BYTES = 512 };

enum vfs_operation { VFS_OPEN, VFS_READ, VFS_WRITE, VFS_SYNC, VFS_TRUNCATE, VFS_DELETE, VFS_OPERATIONS };
#define VFS_ALL ((1u << VFS_OPERATIONS) - 1)
#define VFS_CHANGING (VFS_ALL & ~(1u << VFS_OPEN | 1u << VFS_READ)) /* those at which a crash makes a difference */

enum vfs_fault { VFS_NO_FAULT, VFS_BROKEN /* an I/O error */, VFS_FULL, VFS_CRASH };

struct vfs_plan {
    enum vfs_fault fault;
    uint32_t operations;  /* a set of 1u << enum vfs_operation: those that are counted */
    uint64_t from, count; /* which of them fail, the first being 1; a crash is one alone, and lasts */
};

struct vfs_disk {
    char prefix[VFS_NAME_MAX];
    struct vfs_plan plan;
    uint64_t counted; /* of the plan's operations, since it was made */
    uint64_t done[VFS_OPERATIONS];
    uint64_t fired;   /* operations that failed by the plan */
    uint64_t changes; /* grows with each operation after which its files may be other than before */
    bool dead;        /* crashed, and not restarted yet: everything fails */
    bool killed;      /* its process was, and is not restarted yet: everything fails */
};

/* Makes the file system, SQLite's default from here on. At most one at a time. */
struct vfs *vfs_new(uint64_t seed);
/* Every store must be closed, or dropped with its process by vfs_restart(). */
void vfs_free(struct vfs *vfs);

/* A disk for all files, made before or after, whose names begin so. The vfs owns it. */
struct vfs_disk *vfs_disk(struct vfs *vfs, const char *prefix);
/* What is to fail from here on, in place of what was planned before. {0}: nothing. */
void vfs_plan(struct vfs_disk *disk, struct vfs_plan plan);
/* Called when a disk crashes by its plan, inside the operation: for who wants the process to end there and then. It
 * need not return; if it does, the operation fails, as do all that follow. */
void vfs_on_crash(struct vfs *vfs, void (*crashed)(void *context, struct vfs_disk *disk), void *context);

/* Called with each thing that is written, wherever, as far as it is. */
void vfs_on_write(struct vfs *vfs,
                  void (*written)(void *context, const struct vfs_disk *disk, const void *at, size_t len),
                  void *context);

/* The disk loses its power now, whatever its plan is. */
void vfs_crash(struct vfs_disk *disk);
/* The process that uses the disk is killed: whatever is tried with its handles fails, so that they can be closed, and
 * what was written stays. */
void vfs_kill(struct vfs_disk *disk);
/* The process that used the disk is gone, with its handles and locks; handles that were not closed must not be used any
 * more. If the disk was dead, what was not synced meets its fate, and the disk works again; else all is there that was
 * written. Ends the plan. */
void vfs_restart(struct vfs *vfs, struct vfs_disk *disk);
/* Removes the disk's files. Nobody has them open. */
void vfs_wipe(struct vfs *vfs, struct vfs_disk *disk);

/* What a file holds now; NULL: it is not there. Borrowed until the file is written to. A copy of a disk is made from
 * these; and the content of a file can be put in place, synced. */
const void *vfs_look(const struct vfs *vfs, const char *name, size_t *len);
void vfs_place(struct vfs *vfs, const char *name, const void *at, size_t len);

#endif
