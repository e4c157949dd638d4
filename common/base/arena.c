#include "common/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum { BLOCK_BYTES = 16 * 1024 };

struct sat_arena_block {
    struct sat_arena_block *next;
    size_t size, used;
    alignas(max_align_t) uint8_t bytes[];
};

void sat_arena_init(struct sat_arena *arena)
{
    *arena = (struct sat_arena){0};
}

static void free_blocks(struct sat_arena_block *block)
{
    while (block) {
        struct sat_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void sat_arena_deinit(struct sat_arena *arena)
{
    free_blocks(arena->block);
    *arena = (struct sat_arena){0};
}

void sat_arena_reset(struct sat_arena *arena)
{
    arena->used_bytes = 0;
    if (!arena->block) return;
    struct sat_arena_block *keep = arena->block;
    free_blocks(keep->next);
    keep->next = NULL;
    keep->used = 0;
}

void *sat_arena_alloc(struct sat_arena *arena, size_t size)
{
    sat_check(size < SIZE_MAX / 2);
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (size == 0) size = alignof(max_align_t);
    if (!arena->block || arena->block->size - arena->block->used < size) {
        size_t block_size = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        struct sat_arena_block *block = malloc(sizeof *block + block_size);
        sat_check_memory(block);
        *block = (struct sat_arena_block){.next = arena->block, .size = block_size};
        arena->block = block;
    }
    void *at = arena->block->bytes + arena->block->used;
    arena->block->used += size;
    arena->used_bytes += size;
    memset(at, 0, size);
    return at;
}

void *sat_arena_array(struct sat_arena *arena, size_t count, size_t item_size)
{
    sat_check(item_size == 0 || count <= SIZE_MAX / 2 / item_size);
    return sat_arena_alloc(arena, count * item_size);
}

void *sat_arena_copy(struct sat_arena *arena, const void *bytes, size_t size)
{
    void *at = sat_arena_alloc(arena, size);
    if (size) memcpy(at, bytes, size);
    return at;
}

char *sat_arena_text(struct sat_arena *arena, const char *text, size_t len)
{
    char *at = sat_arena_alloc(arena, len + 1);
    if (len) memcpy(at, text, len);
    return at;
}

char *sat_arena_format(struct sat_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    sat_check(len >= 0);
    char *at = sat_arena_alloc(arena, (size_t)len + 1);
    (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    return at;
}
