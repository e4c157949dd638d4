#include "common/sync/vector.h"

#include <stdlib.h>
#include <string.h>

uint64_t sat_vector_counter(struct sat_dots vector, uint32_t device)
{
    uint32_t low = 0, high = vector.n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (vector.at[middle].device == device) return vector.at[middle].counter;
        if (vector.at[middle].device < device)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

bool sat_vector_covers(struct sat_dots vector, struct sat_dot dot)
{
    return sat_vector_counter(vector, dot.device) >= dot.counter;
}

void sat_dots_begin(struct sat_dots_builder *builder, struct sat_arena *arena)
{
    *builder = (struct sat_dots_builder){.arena = arena};
}

void sat_dots_add(struct sat_dots_builder *builder, struct sat_dot dot)
{
    if (builder->n == builder->cap) {
        uint32_t cap = builder->cap ? builder->cap * 2 : 8;
        struct sat_dot *at = sat_arena_array(builder->arena, cap, sizeof *at);
        if (builder->n) memcpy(at, builder->at, builder->n * sizeof *at);
        builder->at = at;
        builder->cap = cap;
    }
    builder->at[builder->n++] = dot;
}

void sat_dots_add_all(struct sat_dots_builder *builder, struct sat_dots dots)
{
    for (uint32_t i = 0; i < dots.n; i++) sat_dots_add(builder, dots.at[i]);
}

static int compare_dots(const void *a, const void *b)
{
    return sat_dot_compare(*(const struct sat_dot *)a, *(const struct sat_dot *)b);
}

struct sat_dots sat_dots_as_set(struct sat_dots_builder *builder)
{
    if (builder->n > 1) qsort(builder->at, builder->n, sizeof *builder->at, compare_dots);
    uint32_t n = 0;
    for (uint32_t i = 0; i < builder->n; i++) {
        if (n && sat_dot_compare(builder->at[n - 1], builder->at[i]) == 0) continue;
        builder->at[n++] = builder->at[i];
    }
    builder->n = n;
    return (struct sat_dots){builder->at, n};
}

struct sat_dots sat_dots_as_vector(struct sat_dots_builder *builder)
{
    struct sat_dots set = sat_dots_as_set(builder);
    uint32_t n = 0;
    for (uint32_t i = 0; i < set.n; i++) {
        if (n && builder->at[n - 1].device == set.at[i].device) n--;
        builder->at[n++] = set.at[i];
    }
    builder->n = n;
    return (struct sat_dots){builder->at, n};
}
