#include "common/sync/merge.h"

#include "common/sync/vector.h"

bool sat_merge_covers(const struct sat_version *y, const struct sat_dot *x)
{
    return sat_vector_covers(y->seen, *x) && !sat_dots_have(y->kept, *x) && !sat_dots_have(y->holes, *x);
}

/* The same for one dot after another: where they come in order, as they mostly do, the next that y names is at hand. */
struct walk {
    const struct sat_version *y;
    uint32_t kept_at, holes_at;
};

static bool have(struct sat_dots dots, struct sat_dot dot, uint32_t *at)
{
    if (*at == dots.n || sat_dot_compare(dots.at[*at], dot) != 0) return sat_dots_have(dots, dot);
    ++*at;
    return true;
}

static bool covers(struct walk *walk, struct sat_dot x)
{
    return sat_vector_covers(walk->y->seen, x) && !have(walk->y->kept, x, &walk->kept_at) &&
           !have(walk->y->holes, x, &walk->holes_at);
}

void sat_merge_arrive(const struct sat_version *live, uint32_t n, const struct sat_version *y, bool *drop, bool *dead)
{
    struct walk walk = {.y = y};
    *dead = false;
    for (uint32_t i = 0; i < n; i++) {
        drop[i] = covers(&walk, live[i].dot);
        if (sat_dot_compare(live[i].dot, y->dot) == 0 || sat_merge_covers(&live[i], &y->dot)) *dead = true;
    }
}
