/* Between storm_moves.c, where accounts move, and storm_moves_end.c, where it is looked at how that ends. */
#ifndef TESTS_SIM_STORM_MOVES_H
#define TESTS_SIM_STORM_MOVES_H

#include "tests/sim/storm.h"

enum { MOVES_FIRST = 40, MOVES_RECORDS = STORM_ACCOUNTS, MOVES_SPACES = 2 };

struct moves_both { /* as a device sees it in the territories; nothing in one that it may not read */
    struct sat_record_view at[MOVES_SPACES];
};

bool moves_is_home(const struct sat_record_view *view);
bool moves_is_shown(const struct sat_record_view *view, const struct storm_value *value);
/* False: it has not heard yet of a territory that it may read. */
bool moves_load(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena,
                struct moves_both *out);

#endif
