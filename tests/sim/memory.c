/* SQLite, as Debian builds it, asks the system for each of its pieces, two hundred thousand times a life, behind a lock
 * and with statistics that nobody reads. In these programs it has one thread, and its pieces are kept in lists by their
 * size. Where a sanitizer looks at each piece all stays as it is. */
#include "tests/sim/memory.h"

#include <malloc.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum { STEP = 16, SMALL_MAX = 1024, SMALL = SMALL_MAX / STEP, LISTS = SMALL + 4 * 22, CHUNK_BYTES = 1 << 20 };

/* In front of each piece; the bytes follow. */
struct piece {
    struct piece *next; /* of its list, while it is in one */
    uint32_t list;
    alignas(max_align_t) uint8_t bytes[];
};

static struct {
    struct piece *lists[LISTS];
    uint8_t *chunk;
    size_t left;
} memory;

static struct piece *piece_of(void *bytes)
{
    return (struct piece *)((uint8_t *)bytes - offsetof(struct piece, bytes));
}

/* Steps up to SMALL_MAX, then four sizes up to twice as much each time: a page of the cache is a little more than a
 * power of two. */
static size_t size_of(uint32_t list)
{
    if (list < SMALL) return (size_t)(list + 1) * STEP;
    uint32_t beyond = list - SMALL;
    return (size_t)(5 + beyond % 4) * (SMALL_MAX / 4) << beyond / 4;
}

static uint32_t list_for(int size)
{
    if (size <= SMALL_MAX) return size > 0 ? (uint32_t)(size - 1) / STEP : 0;
    uint32_t list = SMALL;
    while (size_of(list + 3) < (size_t)size) list += 4;
    while (size_of(list) < (size_t)size) list++;
    return list;
}

static struct piece *make_piece(uint32_t list)
{
    size_t bytes = sizeof(struct piece) + size_of(list);
    struct piece *piece;
    if (bytes > CHUNK_BYTES / 4) {
        piece = malloc(bytes);
    } else {
        if (memory.left < bytes) {
            memory.chunk = malloc(CHUNK_BYTES); /* what was left of the one before is left for good */
            memory.left = memory.chunk ? CHUNK_BYTES : 0;
        }
        piece = (struct piece *)(void *)memory.chunk;
        if (piece) memory.chunk += bytes;
        if (piece) memory.left -= bytes;
    }
    if (piece) piece->list = list;
    return piece;
}

static void *take(int size)
{
    uint32_t list = list_for(size);
    struct piece *piece = memory.lists[list];
    if (piece)
        memory.lists[list] = piece->next;
    else
        piece = make_piece(list);
    return piece ? piece->bytes : NULL;
}

static void give_back(void *bytes)
{
    struct piece *piece = piece_of(bytes);
    piece->next = memory.lists[piece->list];
    memory.lists[piece->list] = piece;
}

static int room_of(void *bytes)
{
    return bytes ? (int)size_of(piece_of(bytes)->list) : 0;
}

static void *change_size(void *bytes, int size)
{
    int room = room_of(bytes);
    if (size <= room && size > room / 4) return bytes;
    void *moved = take(size);
    if (!moved) return NULL;
    memcpy(moved, bytes, (size_t)(size < room ? size : room));
    give_back(bytes);
    return moved;
}

static int round_up(int size)
{
    return (int)size_of(list_for(size));
}

static int begin(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void end(void *context)
{
    (void)context;
}

#if defined(__SANITIZE_ADDRESS__)
#define EACH_PIECE_IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EACH_PIECE_IS_WATCHED 1
#endif
#endif

void memory_keep(void)
{
    static sqlite3_mem_methods methods = {.xMalloc = take,
                                          .xFree = give_back,
                                          .xRealloc = change_size,
                                          .xSize = room_of,
                                          .xRoundup = round_up,
                                          .xInit = begin,
                                          .xShutdown = end};
    static bool kept;
    if (kept) return;
    kept = true;
    sat_check(mallopt(M_MMAP_THRESHOLD, 1 << 30) && mallopt(M_TRIM_THRESHOLD, 1 << 30));
#ifndef EACH_PIECE_IS_WATCHED
    sat_check(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
#else
    (void)methods;
#endif
    sat_check(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
    sat_check(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
}

/* ---- Guarded memory: for each piece the system is asked six times; here it stays guarded for who wants as much next
 */

enum { GUARDED_MAX = 256, GARBAGE = 0xdb /* as libsodium's */ };

static struct {
    void *at;
    size_t size;
    bool used;
} guarded[GUARDED_MAX];

void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);
void __real_sodium_free(void *at);
void __wrap_sodium_free(void *at);

void *__wrap_sodium_malloc(size_t size)
{
    uint32_t i = 0;
    while (i < GUARDED_MAX && guarded[i].at && (guarded[i].used || guarded[i].size != size)) i++;
    if (i == GUARDED_MAX) return __real_sodium_malloc(size);
    if (!guarded[i].at) guarded[i].at = __real_sodium_malloc(size);
    if (!guarded[i].at) return NULL;
    guarded[i].size = size;
    guarded[i].used = true;
    return memset(guarded[i].at, GARBAGE, size);
}

void __wrap_sodium_free(void *at)
{
    uint32_t i = 0;
    while (at && i < GUARDED_MAX && guarded[i].at != at) i++;
    if (!at || i == GUARDED_MAX) {
        __real_sodium_free(at);
        return;
    }
    sat_check(guarded[i].used);
    sodium_memzero(at, guarded[i].size);
    guarded[i].used = false;
}
