/* Copies of stores, through SQLite's own view of files: they may be on a disk that is in memory (tests/faults). */
#include <sqlite3.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/story/world_parts.h"

bool world_has_file(const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    int there = 0;
    sat_check(vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK);
    return there;
}

static sqlite3_file *open_file(sqlite3_vfs *vfs, const char *path, int flags)
{
    sqlite3_file *file = calloc(1, (size_t)vfs->szOsFile);
    sat_check(file && vfs->xOpen(vfs, path, file, flags | SQLITE_OPEN_MAIN_DB, NULL) == SQLITE_OK);
    return file;
}

static void close_file(sqlite3_file *file)
{
    sat_check(file->pMethods->xClose(file) == SQLITE_OK);
    free(file);
}

void world_remove_store(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char name[300];
        (void)snprintf(name, sizeof name, "%s%s", path, endings[i]);
        if (world_has_file(name)) sat_check(vfs->xDelete(vfs, name, 1) == SQLITE_OK);
    }
}

void world_copy_store(const char *from, const char *to)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    char source[300] = {0}, target[300] = {0}; /* SQLite reads behind the end of names that it opens */
    (void)snprintf(source, sizeof source - 2, "%s", from);
    (void)snprintf(target, sizeof target - 2, "%s", to);
    world_remove_store(target);
    sqlite3_file *in = open_file(vfs, source, SQLITE_OPEN_READWRITE);
    sqlite3_file *out = open_file(vfs, target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    sqlite3_int64 size = 0;
    sat_check(in->pMethods->xFileSize(in, &size) == SQLITE_OK);
    for (sqlite3_int64 at = 0; at < size; at += 4096) {
        char bytes[4096];
        int n = size - at < 4096 ? (int)(size - at) : 4096;
        sat_check(in->pMethods->xRead(in, bytes, n, at) == SQLITE_OK);
        sat_check(out->pMethods->xWrite(out, bytes, n, at) == SQLITE_OK);
    }
    sat_check(out->pMethods->xSync(out, SQLITE_SYNC_NORMAL) == SQLITE_OK);
    close_file(in);
    close_file(out);
}
