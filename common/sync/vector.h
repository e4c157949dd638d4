/* Version vectors: sorted dots, one per device. A vector covers a dot when it names its device with at least its
 * counter. */
#ifndef SAT_SYNC_VECTOR_H
#define SAT_SYNC_VECTOR_H

#include "common/base/id.h"

bool sat_vector_covers(struct sat_dots vector, struct sat_dot dot);
uint64_t sat_vector_counter(struct sat_dots vector, uint32_t device); /* 0: not named */

/* A set of dots under construction; the arena owns its memory. */
struct sat_dots_builder {
    struct sat_arena *arena;
    struct sat_dot *at;
    uint32_t n, cap;
};
void sat_dots_begin(struct sat_dots_builder *builder, struct sat_arena *arena);
void sat_dots_add(struct sat_dots_builder *builder, struct sat_dot dot);
void sat_dots_add_all(struct sat_dots_builder *builder, struct sat_dots dots);
struct sat_dots sat_dots_as_set(struct sat_dots_builder *builder);    /* sorted, each once */
struct sat_dots sat_dots_as_vector(struct sat_dots_builder *builder); /* sorted, the highest counter of each device */

#endif
