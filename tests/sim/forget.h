/* Forgetting in a life: the server collects what everybody has seen deleted, and the oracle hears which writes are gone
 * for good by that. They may be missing then; and must not be seen again in a record that is not deleted. */
#ifndef TESTS_SIM_FORGET_H
#define TESTS_SIM_FORGET_H

#include "tests/sim/oracle.h"

/* Of each record one superseded version is kept, so that there is something to compact. */
void forget_soon(struct world *world);
/* homes: a bit set of those that count; `tend` is called behind it, with whatever disk failed. How many records were
 * collected. */
uint32_t forget_collect(struct oracle *oracle, struct world *world, uint32_t homes, void (*tend)(void *context),
                        void *context);
/* The server was set back just now, to before it forgot some of it, it may be. Who had not heard of that, had a write
 * of such a record in front of him, and brought the record back, has it there again. */
void forget_lost(struct oracle *oracle, struct world *world);

#endif
