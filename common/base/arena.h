/* An arena: many small allocations with one lifetime, freed together. One per step, per command, per query.
 * Out of memory is not handled piecemeal: it ends the process (check.h). */
#ifndef SAT_BASE_ARENA_H
#define SAT_BASE_ARENA_H

#include <stddef.h>

#include "common/base/err.h"

struct sat_arena_block;

struct sat_arena {
    struct sat_arena_block *block; /* newest first */
    size_t used_bytes;             /* all that was handed out since init or reset */
};

void sat_arena_init(struct sat_arena *arena);
void sat_arena_deinit(struct sat_arena *arena);
/* Frees everything but one block, so that a loop does not allocate each time round. */
void sat_arena_reset(struct sat_arena *arena);
/* `size` zeroed bytes, aligned for any object; the arena owns them. Never NULL: exhausted memory ends the process,
 * as a bounded arena (every caller's sizes are bounded by limits.h) has no better answer. size 0 gives a valid pointer.
 */
void *sat_arena_alloc(struct sat_arena *arena, size_t size);
void *sat_arena_array(struct sat_arena *arena, size_t count, size_t item_size);
void *sat_arena_copy(struct sat_arena *arena, const void *bytes, size_t size);
char *sat_arena_text(struct sat_arena *arena, const char *text, size_t len); /* NUL-terminated copy */
char *sat_arena_format(struct sat_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
