/* The files, what is on the disk of them, and what a crash leaves. */
#include "tests/faults/vfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/faults/vfs_parts.h"

/* splitmix64 */
uint64_t vfs_dice(struct vfs *vfs, uint64_t sides)
{
    uint64_t z = vfs->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return sides ? z % sides : z;
}

/* Where allocations fail by plan (alloc.h), a disk's contents are none of the program's. */
void alloc_spare(void) __attribute__((weak));
void alloc_spare_end(void) __attribute__((weak));

void vfs_spare(bool begin)
{
    if (begin && alloc_spare) alloc_spare();
    if (!begin && alloc_spare_end) alloc_spare_end();
}

/* ---- Bytes ---- */

static bool make_room(struct vfs_bytes *bytes, size_t len)
{
    if (len <= bytes->cap) return true;
    size_t cap = bytes->cap * 2 > len ? bytes->cap * 2 : len;
    if (cap < VFS_ROOM_BYTES) cap = VFS_ROOM_BYTES;
    uint8_t *at = realloc(bytes->at, cap);
    if (!at) return false;
    bytes->at = at;
    bytes->cap = cap;
    return true;
}

static bool resize(struct vfs_bytes *bytes, size_t len)
{
    if (!make_room(bytes, len)) return false;
    if (len > bytes->len) memset(bytes->at + bytes->len, 0, len - bytes->len);
    bytes->len = len;
    return true;
}

static bool put(struct vfs_bytes *bytes, uint64_t offset, const void *at, size_t len)
{
    if (!len) return true; /* of nothing there may be no place */
    if (offset > bytes->len && !resize(bytes, offset)) return false;
    if (!make_room(bytes, offset + len)) return false;
    memcpy(bytes->at + offset, at, len);
    if (offset + len > bytes->len) bytes->len = offset + len;
    return true;
}

static bool apply(struct vfs_bytes *bytes, const struct vfs_change *change)
{
    if (change->same) return true;
    return change->len ? put(bytes, change->offset, change->bytes, change->len) : resize(bytes, change->offset);
}

static bool has(const struct vfs_bytes *bytes, uint64_t offset, const void *at, size_t len)
{
    return offset + len <= bytes->len && memcmp(bytes->at + offset, at, len) == 0;
}

/* ---- Files ---- */

struct vfs_file *vfs_find(const struct vfs *vfs, const char *name)
{
    for (struct vfs_file *file = vfs->files; file; file = file->next)
        if (strcmp(file->name, name) == 0) return file;
    return NULL;
}

struct vfs_file *vfs_make(struct vfs *vfs, const char *name)
{
    sat_check(strlen(name) < VFS_NAME_MAX);
    struct vfs_file *file = calloc(1, sizeof *file);
    if (!file) return NULL;
    memcpy(file->name, name, strlen(name) + 1);
    file->last = &file->first;
    file->next = vfs->files;
    vfs->files = file;
    return file;
}

static struct vfs_change *make_change(uint64_t offset, uint32_t len, bool same, const void *bytes, size_t n)
{
    struct vfs_change *change = malloc(sizeof *change + n);
    if (!change) return NULL;
    *change = (struct vfs_change){.offset = offset, .len = len, .same = same, .replaced = n};
    if (n) memcpy(change->bytes, bytes, n);
    return change;
}

static void add_change(struct vfs_file *file, struct vfs_change *change, size_t len_before)
{
    change->len_before = len_before;
    file->differs = file->differs || !change->same;
    file->begun_anew = file->begun_anew || (!change->len && !change->offset);
    *file->last = change;
    file->last = &change->next;
}

static void drop_changes(struct vfs_file *file)
{
    for (struct vfs_change *change = file->first; change;) {
        struct vfs_change *next = change->next;
        free(change);
        change = next;
    }
    file->first = NULL;
    file->last = &file->first;
    file->differs = file->begun_anew = false;
}

/* Takes one change back, the newest; what had been written is returned in its place. */
static struct vfs_change *take_back(struct vfs_bytes *bytes, struct vfs_change *change)
{
    bool has_bytes = change->len && !change->same;
    const void *at = has_bytes ? bytes->at + change->offset : NULL;
    struct vfs_change *written =
        make_change(change->offset, change->len, change->same, at, has_bytes ? change->len : 0);
    sat_check(written && make_room(bytes, change->len_before));
    if (change->replaced) memcpy(bytes->at + change->offset, change->bytes, change->replaced);
    bytes->len = change->len_before;
    free(change);
    return written;
}

/* From here on what is on the disk has bytes of its own. */
static void set_apart(struct vfs_file *file)
{
    if (file->apart) return;
    struct vfs_change *newest = NULL;
    vfs_spare(true);
    file->apart = true;
    file->synced.len = 0;
    sat_check(put(&file->synced, 0, file->now.at, file->now.len));
    for (struct vfs_change *change = file->first; change;) {
        struct vfs_change *next = change->next;
        change->next = newest;
        newest = change;
        change = next;
    }
    file->first = NULL;
    file->last = &file->first;
    while (newest) {
        struct vfs_change *before = newest->next, *written = take_back(&file->synced, newest);
        written->next = file->first;
        if (!file->first) file->last = &written->next;
        file->first = written;
        newest = before;
    }
    vfs_spare(false);
}

void vfs_file_forget_changes(struct vfs_file *file)
{
    if (file->differs) set_apart(file);
    drop_changes(file);
}

void vfs_file_delete(struct vfs_file *file)
{
    set_apart(file);
    drop_changes(file);
    file->exists = false;
    file->now.len = 0;
}

bool vfs_file_write(struct vfs_file *file, uint64_t offset, const void *at, size_t len)
{
    sat_check(len <= UINT32_MAX);
    if (!len) return true;
    size_t before = file->now.len, replaced = offset < before ? before - offset : 0;
    if (replaced > len) replaced = len;
    bool there = has(&file->now, offset, at, len);
    bool same = !file->differs && (file->apart ? has(&file->synced, offset, at, len) : there);
    if (there) replaced = 0;
    struct vfs_change *change =
        file->apart ? make_change(offset, (uint32_t)len, same, at, same ? 0 : len)
                    : make_change(offset, (uint32_t)len, same, replaced ? file->now.at + offset : NULL, replaced);
    if (!change) return false;
    if (!there && !put(&file->now, offset, at, len)) {
        free(change);
        return false;
    }
    add_change(file, change, before);
    return true;
}

bool vfs_file_cut(struct vfs_file *file, uint64_t len)
{
    size_t before = file->now.len, replaced = !file->apart && len < before ? before - len : 0;
    struct vfs_change *change = make_change(len, 0, false, replaced ? file->now.at + len : NULL, replaced);
    if (!change || !resize(&file->now, len)) {
        free(change);
        return false;
    }
    add_change(file, change, before);
    return true;
}

static void apply_changes(struct vfs_file *file)
{
    for (const struct vfs_change *change = file->first; change && file->differs; change = change->next)
        sat_check(apply(&file->synced, change));
}

void vfs_file_sync(struct vfs_file *file)
{
    if (file->apart) apply_changes(file);
    if (file->begun_anew) file->apart = false; /* all that is there was written since, and is on the disk now */
    drop_changes(file);
    file->exists_for_good = true;
}

static size_t directory_len(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? (size_t)(slash - name) : 0;
}

void vfs_sync_names(struct vfs *vfs, const struct vfs_file *beside)
{
    size_t len = directory_len(beside->name);
    for (struct vfs_file *file = vfs->files; file; file = file->next)
        if (directory_len(file->name) == len && memcmp(file->name, beside->name, len) == 0)
            file->exists_for_good = file->exists;
}

/* ---- Disks ---- */

struct vfs_disk *vfs_disk(struct vfs *vfs, const char *prefix)
{
    sat_check(vfs->disks_n < VFS_DISKS_MAX && strlen(prefix) < VFS_NAME_MAX);
    struct vfs_disk *disk = &vfs->disks[vfs->disks_n++];
    memcpy(disk->prefix, prefix, strlen(prefix) + 1);
    return disk;
}

static bool is_on(const struct vfs_disk *disk, const char *name)
{
    return strncmp(name, disk->prefix, strlen(disk->prefix)) == 0;
}

struct vfs_disk *vfs_disk_of(struct vfs *vfs, const char *name)
{
    struct vfs_disk *found = NULL;
    for (uint32_t i = 0; i < vfs->disks_n; i++) {
        struct vfs_disk *disk = &vfs->disks[i];
        if (is_on(disk, name) && (!found || strlen(disk->prefix) > strlen(found->prefix))) found = disk;
    }
    return found;
}

void vfs_plan(struct vfs_disk *disk, struct vfs_plan plan)
{
    disk->plan = plan;
    disk->counted = disk->fired = 0;
}

void vfs_on_crash(struct vfs *vfs, void (*crashed)(void *context, struct vfs_disk *disk), void *context)
{
    vfs->crashed = crashed;
    vfs->context = context;
}

void vfs_on_write(struct vfs *vfs,
                  void (*written)(void *context, const struct vfs_disk *disk, const void *at, size_t len),
                  void *context)
{
    vfs->written = written;
    vfs->written_context = context;
}

struct vfs_disk *vfs_disk_of_file(struct vfs *vfs, struct vfs_file *file)
{
    if (file->disks_n != vfs->disks_n) file->disk = vfs_disk_of(vfs, file->name);
    file->disks_n = vfs->disks_n;
    return file->disk;
}

enum vfs_fault vfs_fate(struct vfs *vfs, struct vfs_disk *disk, enum vfs_operation operation)
{
    if (!disk) return VFS_NO_FAULT;
    if (VFS_CHANGING & 1u << operation) disk->changes++;
    if (disk->dead || disk->killed) return VFS_CRASH;
    disk->done[operation]++;
    if (!(disk->plan.operations & 1u << operation)) return VFS_NO_FAULT;
    uint64_t n = ++disk->counted;
    const struct vfs_plan *plan = &disk->plan;
    if (plan->fault == VFS_NO_FAULT || n < plan->from || n - plan->from >= plan->count) return VFS_NO_FAULT;
    disk->fired++;
    vfs->system_error = plan->fault == VFS_FULL ? ENOSPC : EIO;
    if (plan->fault == VFS_CRASH) disk->dead = true;
    return plan->fault;
}

void vfs_crash(struct vfs_disk *disk)
{
    disk->dead = true;
}

void vfs_kill(struct vfs_disk *disk)
{
    disk->killed = true;
}

/* ---- What is left ---- */

enum crash_kind { CRASH_LOSES_ALL, CRASH_KEEPS_ALL, CRASH_MIXES, CRASH_MIXES_MORE, CRASH_KINDS };

/* The part of a change that is within one sector. */
static void mix_sector(struct vfs *vfs, struct vfs_file *file, const struct vfs_change *change, uint32_t from,
                       uint32_t len, bool *stop)
{
    uint64_t dice = vfs_dice(vfs, 8);
    if (*stop) return;
    *stop = dice <= 3;
    if (change->same) return;
    const uint8_t *bytes = change->bytes + from;
    uint64_t offset = change->offset + from;
    uint32_t half = len / 2;
    if (dice == 0 && half) sat_check(put(&file->synced, offset, bytes, half));
    if (dice == 1 && half) sat_check(put(&file->synced, offset + half, bytes + half, len - half));
    if (dice > 3) sat_check(put(&file->synced, offset, bytes, len));
}

/* Of each sector the oldest changes are there, up to some, of which the last may be half there. */
static void mix(struct vfs *vfs, struct vfs_file *file)
{
    size_t len = file->now.len > file->synced.len ? file->now.len : file->synced.len;
    for (const struct vfs_change *change = file->first; change; change = change->next)
        if (change->offset + change->len > len) len = change->offset + change->len;
    bool *stopped = calloc(len / VFS_SECTOR_BYTES + 1, sizeof *stopped);
    sat_check(stopped != NULL);
    for (const struct vfs_change *change = file->first; change; change = change->next) {
        /* a new length is on the disk or is not */
        if (!change->len && vfs_dice(vfs, 8) < 5) sat_check(apply(&file->synced, change));
        for (uint32_t done = 0, part; done < change->len; done += part) {
            uint64_t offset = change->offset + done, room = VFS_SECTOR_BYTES - offset % VFS_SECTOR_BYTES;
            part = change->len - done < room ? change->len - done : (uint32_t)room;
            mix_sector(vfs, file, change, done, part, &stopped[offset / VFS_SECTOR_BYTES]);
        }
    }
    free(stopped);
}

static void lose_power(struct vfs *vfs, struct vfs_file *file)
{
    enum crash_kind kind = (enum crash_kind)vfs_dice(vfs, CRASH_KINDS);
    if (file->exists != file->exists_for_good) file->exists = vfs_dice(vfs, 2);
    file->exists_for_good = file->exists;
    if (file->apart || file->first) {
        set_apart(file);
        if (kind == CRASH_KEEPS_ALL) apply_changes(file);
        if (kind == CRASH_MIXES || kind == CRASH_MIXES_MORE) mix(vfs, file);
        drop_changes(file);
        struct vfs_bytes unused = file->now;
        file->now = file->synced;
        file->synced = unused;
        file->apart = false;
    }
    if (!file->exists) file->now.len = 0;
}

static void forget_index(struct vfs_file *file)
{
    for (uint32_t i = 0; i < VFS_REGIONS_MAX; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
    file->index_users = 0;
    memset(file->index_shared, 0, sizeof file->index_shared);
    memset(file->index_exclusive, 0, sizeof file->index_exclusive);
}

static void forget_process(struct vfs_file *file)
{
    file->shared = 0;
    file->reserved = file->pending = file->exclusive = NULL;
    forget_index(file);
}

void vfs_restart(struct vfs *vfs, struct vfs_disk *disk)
{
    disk->changes++;
    for (struct vfs_file *file = vfs->files; file; file = file->next) {
        if (vfs_disk_of_file(vfs, file) != disk) continue;
        forget_process(file);
        if (disk->dead) lose_power(vfs, file);
    }
    disk->dead = disk->killed = false;
    vfs_plan(disk, (struct vfs_plan){0});
}

static void free_file(struct vfs_file *file)
{
    drop_changes(file);
    forget_index(file);
    free(file->now.at);
    free(file->synced.at);
    free(file);
}

void vfs_wipe(struct vfs *vfs, struct vfs_disk *disk)
{
    disk->changes++;
    for (struct vfs_file **at = &vfs->files; *at;) {
        struct vfs_file *file = *at;
        if (vfs_disk_of_file(vfs, file) != disk) {
            at = &file->next;
            continue;
        }
        *at = file->next;
        free_file(file);
    }
}

const void *vfs_look(const struct vfs *vfs, const char *name, size_t *len)
{
    const struct vfs_file *file = vfs_find(vfs, name);
    if (!file || !file->exists) return NULL;
    *len = file->now.len;
    return file->now.at ? (const void *)file->now.at : "";
}

void vfs_place(struct vfs *vfs, const char *name, const void *at, size_t len)
{
    struct vfs_file *file = vfs_find(vfs, name);
    if (!file) file = vfs_make(vfs, name);
    sat_check(file && vfs_file_cut(file, 0) && vfs_file_write(file, 0, at, len));
    file->exists = true;
    vfs_file_sync(file);
    struct vfs_disk *disk = vfs_disk_of_file(vfs, file);
    if (disk) disk->changes++;
}

/* ---- The file system ---- */

struct vfs *vfs_new(uint64_t seed)
{
    struct vfs *vfs = calloc(1, sizeof *vfs);
    sat_check(vfs != NULL);
    vfs->random = seed;
    vfs_face_init(vfs);
    return vfs;
}

void vfs_free(struct vfs *vfs)
{
    if (!vfs) return;
    sat_check(sqlite3_vfs_unregister(&vfs->face) == SQLITE_OK);
    sat_check(sqlite3_vfs_register(vfs->before, 1) == SQLITE_OK);
    for (struct vfs_file *file = vfs->files; file;) {
        struct vfs_file *next = file->next;
        free_file(file);
        file = next;
    }
    free(vfs);
}
