/* The file system as SQLite sees it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/faults/vfs_parts.h"

struct handle {
    sqlite3_file base;
    struct vfs *vfs;
    struct vfs_file *file;
    int level; /* SQLITE_LOCK_… */
    bool delete_on_close, has_index;
    bool syncs_directory; /* with its first sync, as SQLite does on Unix for a log or a journal that it has made */
};

static struct handle *handle_of(sqlite3_file *base)
{
    return (struct handle *)base;
}

static struct vfs_disk *disk_of(const struct handle *handle)
{
    return vfs_disk_of_file(handle->vfs, handle->file);
}

/* A crash ends whoever wants to be ended; who does not goes on with a disk that answers no more. */
static int failed(struct vfs *vfs, struct vfs_disk *disk, enum vfs_fault fault, int code)
{
    if (fault == VFS_CRASH && disk && !disk->killed && disk->fired == 1 && vfs->crashed) {
        disk->fired++; /* told once */
        vfs->crashed(vfs->context, disk);
    }
    return fault == VFS_FULL && code != SQLITE_IOERR_FSYNC && code != SQLITE_CANTOPEN ? SQLITE_FULL : code;
}

/* ---- Contents ---- */

static int read_file(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    enum vfs_fault fault = vfs_fate(handle->vfs, disk_of(handle), VFS_READ);
    if (fault) {
        (void)failed(handle->vfs, disk_of(handle), fault, SQLITE_IOERR_READ);
        return SQLITE_IOERR_READ;
    }
    size_t wanted = (size_t)amount, at = (size_t)offset;
    size_t there = at < file->now.len ? file->now.len - at : 0;
    size_t got = there < wanted ? there : wanted;
    if (got) memcpy(out, file->now.at + at, got);
    if (got == wanted) return SQLITE_OK;
    memset((char *)out + got, 0, wanted - got);
    return SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset)
{
    struct handle *handle = handle_of(base);
    struct vfs *vfs = handle->vfs;
    struct vfs_disk *disk = disk_of(handle);
    bool was_dead = disk && (disk->dead || disk->killed);
    enum vfs_fault fault = vfs_fate(vfs, disk, VFS_WRITE);
    size_t len = (size_t)amount;
    /* What fails may have been done in part; of what a crash interrupts all sectors meet their fate. */
    if (fault) len = was_dead ? 0 : fault == VFS_CRASH ? len : vfs_dice(vfs, len + 1);
    vfs_spare(true);
    bool written = vfs_file_write(handle->file, (uint64_t)offset, bytes, len);
    vfs_spare(false);
    if (vfs->written && disk) vfs->written(vfs->written_context, disk, bytes, len);
    if (!written) return SQLITE_IOERR_NOMEM;
    return fault ? failed(vfs, disk, fault, SQLITE_IOERR_WRITE) : SQLITE_OK;
}

static int cut_file(sqlite3_file *base, sqlite3_int64 size)
{
    struct handle *handle = handle_of(base);
    enum vfs_fault fault = vfs_fate(handle->vfs, disk_of(handle), VFS_TRUNCATE);
    if (fault) return failed(handle->vfs, disk_of(handle), fault, SQLITE_IOERR_TRUNCATE);
    vfs_spare(true);
    bool cut = vfs_file_cut(handle->file, (uint64_t)size);
    vfs_spare(false);
    return cut ? SQLITE_OK : SQLITE_IOERR_NOMEM;
}

static int sync_file(sqlite3_file *base, int flags)
{
    struct handle *handle = handle_of(base);
    (void)flags;
    enum vfs_fault fault = vfs_fate(handle->vfs, disk_of(handle), VFS_SYNC);
    if (!fault) {
        vfs_spare(true);
        vfs_file_sync(handle->file);
        vfs_spare(false);
        if (handle->syncs_directory) vfs_sync_names(handle->vfs, handle->file);
        handle->syncs_directory = false;
        return SQLITE_OK;
    }
    /* A system may take what it could not write for written, and never try again. */
    if (fault != VFS_CRASH && vfs_dice(handle->vfs, 2)) vfs_file_forget_changes(handle->file);
    return failed(handle->vfs, disk_of(handle), fault, SQLITE_IOERR_FSYNC);
}

static int size_file(sqlite3_file *base, sqlite3_int64 *size)
{
    *size = (sqlite3_int64)handle_of(base)->file->now.len;
    return SQLITE_OK;
}

/* ---- Locks ---- */

static int lock_file(sqlite3_file *base, int level)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    if (handle->level >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (file->pending || file->exclusive) return SQLITE_BUSY;
        file->shared++;
    } else if (level == SQLITE_LOCK_RESERVED) {
        if (file->reserved) return SQLITE_BUSY;
        file->reserved = handle;
    } else {
        if (file->pending && file->pending != handle) return SQLITE_BUSY;
        if (file->reserved && file->reserved != handle) return SQLITE_BUSY;
        file->pending = file->reserved = handle;
        handle->level = SQLITE_LOCK_PENDING;
        if (level == SQLITE_LOCK_EXCLUSIVE && file->shared > 1) return SQLITE_BUSY;
        if (level == SQLITE_LOCK_EXCLUSIVE) file->exclusive = handle;
    }
    handle->level = level;
    return SQLITE_OK;
}

static int unlock_file(sqlite3_file *base, int level)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    if (handle->level <= level) return SQLITE_OK;
    if (file->reserved == handle) file->reserved = NULL;
    if (file->pending == handle) file->pending = NULL;
    if (file->exclusive == handle) file->exclusive = NULL;
    if (level == SQLITE_LOCK_NONE && handle->level >= SQLITE_LOCK_SHARED && file->shared) file->shared--;
    handle->level = level;
    return SQLITE_OK;
}

static int check_reserved(sqlite3_file *base, int *out)
{
    *out = handle_of(base)->file->reserved != NULL;
    return SQLITE_OK;
}

/* ---- The index of the write-ahead log ---- */

static int map_index(sqlite3_file *base, int region, int size, int extend, void volatile **out)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    sat_check(region >= 0 && region < VFS_REGIONS_MAX);
    if (!handle->has_index) file->index_users++;
    handle->has_index = true;
    if (!file->regions[region] && extend) {
        file->regions[region] = calloc(1, (size_t)size);
        if (!file->regions[region]) return SQLITE_IOERR_NOMEM;
    }
    *out = file->regions[region];
    return SQLITE_OK;
}

static int lock_index(sqlite3_file *base, int offset, int n, int flags)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    for (int i = offset; i < offset + n; i++) {
        bool others = file->index_exclusive[i] && file->index_exclusive[i] != handle;
        if (flags & SQLITE_SHM_LOCK && (others || (flags & SQLITE_SHM_EXCLUSIVE && file->index_shared[i])))
            return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + n; i++) {
        bool take = flags & SQLITE_SHM_LOCK;
        if (flags & SQLITE_SHM_EXCLUSIVE)
            file->index_exclusive[i] = take ? handle : NULL;
        else if (take)
            file->index_shared[i]++;
        else if (file->index_shared[i])
            file->index_shared[i]--;
    }
    return SQLITE_OK;
}

static void index_barrier(sqlite3_file *base)
{
    (void)base;
}

static int unmap_index(sqlite3_file *base, int delete)
{
    struct handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    (void)delete;
    if (!handle->has_index) return SQLITE_OK;
    handle->has_index = false;
    if (--file->index_users > 0) return SQLITE_OK;
    for (uint32_t i = 0; i < VFS_REGIONS_MAX; i++) {
        free(file->regions[i]);
        file->regions[i] = NULL;
    }
    return SQLITE_OK;
}

/* ---- Opening and the like ---- */

static int close_file(sqlite3_file *base)
{
    struct handle *handle = handle_of(base);
    (void)unlock_file(base, SQLITE_LOCK_NONE);
    if (handle->delete_on_close) handle->file->exists = handle->file->exists_for_good = false;
    return SQLITE_OK;
}

static int control(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base)
{
    (void)base;
    return VFS_SECTOR_BYTES;
}

/* As SQLite assumes of every file system: a write does not touch what is beside it. */
static int characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static struct vfs *vfs_of(sqlite3_vfs *face)
{
    return face->pAppData;
}

static int open_file(sqlite3_vfs *face, const char *name, sqlite3_file *base, int flags, int *out_flags)
{
    struct vfs *vfs = vfs_of(face);
    struct handle *handle = handle_of(base);
    char temporary[40];
    *handle = (struct handle){0};
    if (!name) {
        (void)snprintf(temporary, sizeof temporary, "temporary-%016llx", (unsigned long long)vfs_dice(vfs, 0));
        name = temporary;
    }
    enum vfs_fault fault = vfs_fate(vfs, vfs_disk_of(vfs, name), VFS_OPEN);
    if (fault) return failed(vfs, vfs_disk_of(vfs, name), fault, SQLITE_CANTOPEN);
    struct vfs_file *file = vfs_find(vfs, name);
    bool there = file && file->exists;
    if (!there && !(flags & SQLITE_OPEN_CREATE)) {
        vfs->system_error = ENOENT;
        return SQLITE_CANTOPEN;
    }
    vfs_spare(true);
    if (!file) file = vfs_make(vfs, name);
    bool made = file && (there || vfs_file_cut(file, 0));
    vfs_spare(false);
    if (!made) return SQLITE_NOMEM;
    file->exists = true;
    *handle = (struct handle){.base = {.pMethods = &vfs->methods},
                              .vfs = vfs,
                              .file = file,
                              .syncs_directory = !there && flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL),
                              .delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE};
    if (out_flags) *out_flags = flags;
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *face, const char *name, int sync_directory)
{
    struct vfs *vfs = vfs_of(face);
    enum vfs_fault fault = vfs_fate(vfs, vfs_disk_of(vfs, name), VFS_DELETE);
    if (fault) return failed(vfs, vfs_disk_of(vfs, name), fault, SQLITE_IOERR_DELETE);
    struct vfs_file *file = vfs_find(vfs, name);
    if (!file || !file->exists) return SQLITE_IOERR_DELETE_NOENT;
    vfs_file_delete(file);
    if (sync_directory) vfs_sync_names(vfs, file); /* what went before it, too */
    return SQLITE_OK;
}

static int access_file(sqlite3_vfs *face, const char *name, int flags, int *out)
{
    struct vfs_file *file = vfs_find(vfs_of(face), name);
    *out = file && file->exists && (flags != SQLITE_ACCESS_EXISTS || file->now.len > 0);
    return SQLITE_OK;
}

static int full_path(sqlite3_vfs *face, const char *name, int size, char *out)
{
    (void)face;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int randomness(sqlite3_vfs *face, int n, char *out)
{
    for (int i = 0; i < n; i++) out[i] = (char)vfs_dice(vfs_of(face), 256);
    return n;
}

static int pause(sqlite3_vfs *face, int microseconds)
{
    (void)face;
    return microseconds;
}

static int current_time(sqlite3_vfs *face, double *out)
{
    (void)face;
    *out = 2461041.5;
    return SQLITE_OK;
}

static int last_error(sqlite3_vfs *face, int size, char *out)
{
    (void)size;
    (void)out;
    return vfs_of(face)->system_error;
}

void vfs_face_init(struct vfs *vfs)
{
    vfs->methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = close_file,
        .xRead = read_file,
        .xWrite = write_file,
        .xTruncate = cut_file,
        .xSync = sync_file,
        .xFileSize = size_file,
        .xLock = lock_file,
        .xUnlock = unlock_file,
        .xCheckReservedLock = check_reserved,
        .xFileControl = control,
        .xSectorSize = sector_size,
        .xDeviceCharacteristics = characteristics,
        .xShmMap = map_index,
        .xShmLock = lock_index,
        .xShmBarrier = index_barrier,
        .xShmUnmap = unmap_index,
    };
    vfs->face = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = VFS_NAME_MAX - 1,
        .zName = "faults",
        .pAppData = vfs,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_path,
        .xRandomness = randomness,
        .xSleep = pause,
        .xCurrentTime = current_time,
        .xGetLastError = last_error,
    };
    vfs->before = sqlite3_vfs_find(NULL);
    sat_check(sqlite3_vfs_register(&vfs->face, 1) == SQLITE_OK);
}
