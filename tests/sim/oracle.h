/* What must be seen at the end of a life, told without vectors: a write is visible iff no later write to its cell had
 * it visible in front of its author (the oracle of the merge model). It looks at what authors saw when they wrote, and
 * at nothing that the merge computes afterwards. */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include "tests/story/world.h"

struct oracle_write { /* one cell of one change */
    struct sat_dot dot;
    uint32_t space, record;
    uint16_t field;
    char element[16];
    bool overwritten; /* somebody wrote the cell with this in front of him */
};

struct oracle {
    struct oracle_write *writes;
    uint32_t n, cap;
};

void oracle_init(struct oracle *oracle);
void oracle_deinit(struct oracle *oracle);

/* Commits an edit on a device and notes what it wrote and over what. */
void oracle_edit(struct oracle *oracle, struct world *world, struct world_device *device, uint32_t space,
                 uint32_t record, struct sat_edit *edit);
/* Compares what a device sees of every record that was ever written in `space` with what it must see; complains on
 * stderr. The number of differences. */
uint32_t oracle_check(const struct oracle *oracle, struct world_device *device, const struct world *world,
                      uint32_t space);

#endif
