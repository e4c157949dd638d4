#define _GNU_SOURCE /* mkdtemp */
/* In these programs the linker sends two things here that every life makes anew, and that are the same each time: an
 * empty store, which is made once on the real disk and laid on the life's, and the compressor's dictionary. */
#include "tests/sim/made_once.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "common/base/check.h"
#include "tests/sim/memory.h"

enum { STORE_BYTES_MAX = 1 << 20 };

static struct {
    struct vfs *vfs;
    uint8_t bytes[STORE_BYTES_MAX];
    size_t len;
} blank;

enum sat_err __real_sat_store_open(const char *path, enum sat_store_mode mode, struct sat_store **out,
                                   struct sat_fault *fault);
enum sat_err __wrap_sat_store_open(const char *path, enum sat_store_mode mode, struct sat_store **out,
                                   struct sat_fault *fault);
ZSTD_CDict *__real_ZSTD_createCDict(const void *bytes, size_t len, int level);
ZSTD_CDict *__wrap_ZSTD_createCDict(const void *bytes, size_t len, int level);
size_t __wrap_ZSTD_freeCDict(ZSTD_CDict *dictionary);

/* A closed store is one file. */
static void make_blank(void)
{
    char folder[160], path[sizeof folder + 16];
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/satchel-blank-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    struct sat_store *store;
    struct sat_fault fault = {0};
    sat_check(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/blank.db", folder);
    sat_check(__real_sat_store_open(path, SAT_STORE_CREATE, &store, &fault) == SAT_OK);
    sat_store_close(store);
    FILE *file = fopen(path, "rb");
    sat_check(file != NULL);
    blank.len = fread(blank.bytes, 1, sizeof blank.bytes, file);
    sat_check(fclose(file) == 0 && blank.len > 0 && blank.len < sizeof blank.bytes);
    sat_check(unlink(path) == 0 && rmdir(folder) == 0);
}

void made_once_on(struct vfs *vfs)
{
    blank.vfs = vfs;
}

void made_once_begin(void)
{
    memory_keep();
    if (blank.len == 0) make_blank();
}

enum sat_err __wrap_sat_store_open(const char *path, enum sat_store_mode mode, struct sat_store **out,
                                   struct sat_fault *fault)
{
    size_t len;
    if (mode != SAT_STORE_CREATE || !blank.vfs || strcmp(path, ":memory:") == 0 || vfs_look(blank.vfs, path, &len))
        return __real_sat_store_open(path, mode, out, fault);
    vfs_place(blank.vfs, path, blank.bytes, blank.len);
    return __real_sat_store_open(path, SAT_STORE_OPEN, out, fault);
}

ZSTD_CDict *__wrap_ZSTD_createCDict(const void *bytes, size_t len, int level)
{
    static ZSTD_CDict *made;
    static const void *from;
    if (!made) made = __real_ZSTD_createCDict(bytes, len, level);
    sat_check(!from || from == bytes); /* there is one in the program */
    from = bytes;
    return made;
}

size_t __wrap_ZSTD_freeCDict(ZSTD_CDict *dictionary)
{
    (void)dictionary;
    return 0;
}
