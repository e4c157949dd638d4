/* How a life ends: what each device shows and holds of a territory is the same. */
#ifndef TESTS_SIM_ENDS_H
#define TESTS_SIM_ENDS_H

#include "tests/sim/oracle.h"

/* Compares the devices of the bit set `homes` with each other and with the server, and each with the oracle; complains
 * on stderr. The number of things that are wrong; *conflicts: of alternatives that are shown. */
uint32_t ends_compare(struct oracle *oracle, struct world *world, uint32_t space, uint32_t records, uint32_t homes,
                      uint32_t *conflicts);

#endif
