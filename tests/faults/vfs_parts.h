/* The inside of the file system: its files, shared by vfs.c and vfs_sqlite.c alone. */
#ifndef TESTS_FAULTS_VFS_PARTS_H
#define TESTS_FAULTS_VFS_PARTS_H

#include <sqlite3.h>

#include "tests/faults/vfs.h"

enum { VFS_REGIONS_MAX = 64, VFS_ROOM_BYTES = 1 << 22 }; /* a file is not moved for every page that it gets */

struct vfs_bytes {
    uint8_t *at;
    size_t len, cap;
};

struct vfs_change { /* written and not synced, at once; or a new length */
    struct vfs_change *next;
    uint64_t offset;
    uint32_t len;                /* 0: the file was cut to `offset` */
    bool same;                   /* as what is on the disk there */
    size_t len_before, replaced; /* of the file; of `bytes`, as long as the file is not apart */
    /* Of a file that is apart what was written, but nothing where it is the same; else what was there before. */
    uint8_t bytes[];
};

struct vfs_file {
    struct vfs_file *next;
    char name[VFS_NAME_MAX];
    struct vfs_disk *disk; /* as of the first `disks_n` disks */
    uint32_t disks_n;
    bool exists, exists_for_good; /* as can be seen; as is on the disk */
    /* What can be read; and what is on the disk, which has bytes of its own only where a failed sync, a deletion or a
     * crash has set the two apart. Else it is `now` without the changes, and a sync copies nothing. */
    struct vfs_bytes now, synced;
    bool apart, begun_anew;           /* since then the file was cut to nothing */
    struct vfs_change *first, **last; /* from `synced` to `now`, but for what a failed sync forgot */
    bool differs;                     /* one of these changes does */
    /* Locks: how many have read locks; who, if anybody, has the others. */
    uint32_t shared;
    const void *reserved, *pending, *exclusive;
    /* The index of the write-ahead log, in memory that is shared by who has the file open. */
    void *regions[VFS_REGIONS_MAX];
    uint32_t index_users;
    uint32_t index_shared[SQLITE_SHM_NLOCK];
    const void *index_exclusive[SQLITE_SHM_NLOCK];
};

struct vfs {
    sqlite3_vfs face, *before;
    sqlite3_io_methods methods;
    struct vfs_disk disks[VFS_DISKS_MAX];
    uint32_t disks_n;
    struct vfs_file *files;
    uint64_t random;
    int system_error; /* of the last failure */
    void (*crashed)(void *context, struct vfs_disk *disk);
    void *context;
    void (*written)(void *context, const struct vfs_disk *disk, const void *at, size_t len);
    void *written_context;
};

uint64_t vfs_dice(struct vfs *vfs, uint64_t sides);
struct vfs_file *vfs_find(const struct vfs *vfs, const char *name);
struct vfs_file *vfs_make(struct vfs *vfs, const char *name); /* NULL: no memory */
struct vfs_disk *vfs_disk_of(struct vfs *vfs, const char *name);
struct vfs_disk *vfs_disk_of_file(struct vfs *vfs, struct vfs_file *file);
/* Counts the operation and says what its disk's plan makes of it. NULL: of no disk. */
enum vfs_fault vfs_fate(struct vfs *vfs, struct vfs_disk *disk, enum vfs_operation operation);

/* The three that change a file. False: no memory. */
bool vfs_file_write(struct vfs_file *file, uint64_t offset, const void *at, size_t len);
bool vfs_file_cut(struct vfs_file *file, uint64_t len);
void vfs_file_sync(struct vfs_file *file);
/* All files beside it are from here on there for good, or gone. */
void vfs_sync_names(struct vfs *vfs, const struct vfs_file *beside);
void vfs_file_forget_changes(struct vfs_file *file); /* they can be read, and will never be on the disk */
void vfs_file_delete(struct vfs_file *file);         /* if it comes back, then as it was synced */

void vfs_spare(bool begin);          /* around what allocates */
void vfs_face_init(struct vfs *vfs); /* vfs_sqlite.c */

#endif
