#include "common/sync/merge.h"

#include "common/sync/vector.h"

bool sat_merge_covers(const struct sat_version *y, const struct sat_dot *x)
{
    return sat_vector_covers(y->seen, *x) && !sat_dots_have(y->kept, *x) && !sat_dots_have(y->holes, *x);
}

void sat_merge_arrive(const struct sat_version *live, uint32_t n, const struct sat_version *y, bool *drop, bool *dead)
{
    *dead = false;
    for (uint32_t i = 0; i < n; i++) {
        drop[i] = sat_merge_covers(y, &live[i].dot);
        if (sat_dot_compare(live[i].dot, y->dot) == 0 || sat_merge_covers(&live[i], &y->dot)) *dead = true;
    }
}
