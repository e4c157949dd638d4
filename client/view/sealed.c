#include "client/view/sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, NAME_BYTES = 40 };

struct client_sealed {
    sqlite3_vfs vfs;
    sqlite3_vfs *under; /* the platform's */
    struct sat_page_key *key;
    struct sat_entropy entropy;
    char name[NAME_BYTES];
};

struct sealed_file {
    sqlite3_file base;
    const struct client_sealed *sealed;
    sqlite3_file *under; /* behind this one in memory */
};

static struct sealed_file *file_of(sqlite3_file *base)
{
    return (struct sealed_file *)base;
}

static sqlite3_file *under(sqlite3_file *base)
{
    return file_of(base)->under;
}

/* ---- Pages ---- */

/* SQLite reads whole pages, and of the first one some bytes of its header, before it knows how long pages are. */
static int read_page(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset)
{
    const struct sealed_file *file = file_of(base);
    uint8_t page[PAGE];
    sqlite3_int64 size, start = offset - offset % PAGE;
    if (offset + amount > start + PAGE) return SQLITE_IOERR_READ;
    int code = file->under->pMethods->xFileSize(file->under, &size);
    if (code == SQLITE_OK && start >= size) {
        memset(out, 0, (size_t)amount);
        return SQLITE_IOERR_SHORT_READ;
    }
    if (code == SQLITE_OK) code = file->under->pMethods->xRead(file->under, page, PAGE, start);
    if (code == SQLITE_IOERR_SHORT_READ) return SQLITE_IOERR_DATA;
    if (code != SQLITE_OK) return code;
    if (sat_page_open(file->sealed->key, (uint64_t)(start / PAGE), page, PAGE)) return SQLITE_IOERR_DATA;
    memcpy(out, page + (offset - start), (size_t)amount);
    return SQLITE_OK;
}

static int write_page(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset)
{
    const struct sealed_file *file = file_of(base);
    uint8_t page[PAGE];
    if (amount != PAGE || offset % PAGE) return SQLITE_IOERR_WRITE;
    memcpy(page, bytes, PAGE);
    sat_page_seal(file->sealed->key, &file->sealed->entropy, (uint64_t)(offset / PAGE), page, PAGE);
    return file->under->pMethods->xWrite(file->under, page, PAGE, offset);
}

/* ---- The rest of a file: as it is below ---- */

static int close_file(sqlite3_file *base)
{
    return under(base)->pMethods->xClose(under(base));
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    return under(base)->pMethods->xTruncate(under(base), size);
}

static int sync_file(sqlite3_file *base, int flags)
{
    return under(base)->pMethods->xSync(under(base), flags);
}

static int size_of_file(sqlite3_file *base, sqlite3_int64 *out)
{
    return under(base)->pMethods->xFileSize(under(base), out);
}

static int lock_file(sqlite3_file *base, int level)
{
    return under(base)->pMethods->xLock(under(base), level);
}

static int unlock_file(sqlite3_file *base, int level)
{
    return under(base)->pMethods->xUnlock(under(base), level);
}

static int check_lock(sqlite3_file *base, int *out)
{
    return under(base)->pMethods->xCheckReservedLock(under(base), out);
}

static int control_file(sqlite3_file *base, int operation, void *argument)
{
    return under(base)->pMethods->xFileControl(under(base), operation, argument);
}

static int sector_size(sqlite3_file *base)
{
    return under(base)->pMethods->xSectorSize(under(base));
}

static int characteristics(sqlite3_file *base)
{
    (void)base;
    return 0; /* what the platform promises of the bytes that it is given holds for no page of ours */
}

static const sqlite3_io_methods METHODS = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_page,
    .xWrite = write_page,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- Names ---- */

static const struct client_sealed *sealed_of(const sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

/* Only databases: whatever else SQLite would lay beside one holds pages, and stays in memory. */
static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *flags_out)
{
    const struct client_sealed *sealed = sealed_of(vfs);
    struct sealed_file *file = file_of(base);
    *file = (struct sealed_file){.sealed = sealed, .under = (sqlite3_file *)(file + 1)};
    if (!(flags & SQLITE_OPEN_MAIN_DB)) return SQLITE_CANTOPEN;
    int code = sealed->under->xOpen(sealed->under, name, file->under, flags, flags_out);
    if (code == SQLITE_OK) base->pMethods = &METHODS;
    return code;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xDelete(below, name, sync);
}

/* There is never a journal: one that lies there is nobody's. */
static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs;
    (void)name;
    (void)flags;
    *out = 0;
    return SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xFullPathname(below, name, size, out);
}

static int randomness(sqlite3_vfs *vfs, int size, char *out)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xRandomness(below, size, out);
}

static int pause_for(sqlite3_vfs *vfs, int microseconds)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xSleep(below, microseconds);
}

static int current_time(sqlite3_vfs *vfs, double *out)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xCurrentTime(below, out);
}

static int last_error(sqlite3_vfs *vfs, int size, char *out)
{
    sqlite3_vfs *below = sealed_of(vfs)->under;
    return below->xGetLastError ? below->xGetLastError(below, size, out) : 0;
}

/* ---- Opening ---- */

struct client_sealed *client_sealed_new(struct sat_page_key *key, const struct sat_entropy *entropy)
{
    struct client_sealed *sealed = calloc(1, sizeof *sealed);
    sqlite3_vfs *below = sqlite3_vfs_find(NULL);
    if (!sealed || !below) {
        free(sealed);
        return NULL;
    }
    sealed->under = below;
    sealed->key = key;
    sealed->entropy = *entropy;
    (void)snprintf(sealed->name, sizeof sealed->name, "satchel-sealed-%p", (void *)sealed);
    sealed->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = (int)sizeof(struct sealed_file) + below->szOsFile,
        .mxPathname = below->mxPathname,
        .zName = sealed->name,
        .pAppData = sealed,
        .xOpen = open_file,
        .xDelete = delete_file,
        .xAccess = access_file,
        .xFullPathname = full_name,
        .xRandomness = randomness,
        .xSleep = pause_for,
        .xCurrentTime = current_time,
        .xGetLastError = last_error,
    };
    if (sqlite3_vfs_register(&sealed->vfs, 0) != SQLITE_OK) {
        free(sealed);
        return NULL;
    }
    return sealed;
}

void client_sealed_free(struct client_sealed *sealed)
{
    if (!sealed) return;
    (void)sqlite3_vfs_unregister(&sealed->vfs);
    sat_page_key_free(sealed->key);
    free(sealed);
}

/* What holds for each of them, before its first page is read or written. */
static int prepare(sqlite3 *db, const char *name)
{
    static const char *const settings[] = {"page_size = 4096", "journal_mode = MEMORY", "locking_mode = EXCLUSIVE",
                                           "secure_delete = ON"};
    int reserved = SAT_PAGE_RESERVED;
    int code = sqlite3_file_control(db, name, SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && code == SQLITE_OK; i++) {
        char sql[80];
        (void)snprintf(sql, sizeof sql, "PRAGMA %s.%s", name, settings[i]);
        code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    return code;
}

int client_sealed_open(const struct client_sealed *sealed, const char *path, sqlite3 **out)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(path, out, flags, sealed->name);
    if (code == SQLITE_OK) code = sqlite3_exec(*out, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    return code == SQLITE_OK ? prepare(*out, "main") : code;
}

int client_sealed_attach(sqlite3 *db, const char *path, const char *name)
{
    char *sql = sqlite3_mprintf("ATTACH %Q AS \"%w\"", path, name);
    if (!sql) return SQLITE_NOMEM;
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return code == SQLITE_OK ? prepare(db, name) : code;
}
