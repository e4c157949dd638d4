/* What nobody can tell any more. A home that is an older state of another one, or has a twin, holds work that waits;
 * the log had it from the other, and lost what would show that (docs/decisions/0102). So it is with what a server lost
 * that was set back: each home that has it gives it back, whoever wrote it, and another one may have written it again
 * by then. And who lets in what such a home has handed in has its word alone of what it was before it was written
 * again: a hash tells the home, and not him (0192). Such a write may be there again beside what had replaced it. It is
 * so, by what the oracle sees itself, where
 *   - it waited in a home when that was set back or copied, or a home had it that the server lost; and
 *   - it is in the log, or its home was told that it is refused, and was set back to before that; and
 *   - the server has none of its contents, nor, under a number under which it waited, as much as its hashes. */
#ifndef TESTS_SIM_DOUBTS_H
#define TESTS_SIM_DOUBTS_H

#include "tests/sim/oracle.h"

/* The state of a home is kept, to come back perhaps. */
void doubts_keep(struct oracle *oracle, struct world *world, struct world_device *device);
/* Before the home is set back. */
void doubts_leave(struct oracle *oracle, struct world *world, struct world_device *device);
/* It is an older state of itself now, or has a twin. */
void doubts_begin(struct oracle *oracle, struct world *world, struct world_device *device);
/* The server was set back just now. homes: a bit set of those that count. */
void doubts_lose(struct oracle *oracle, struct world *world, uint32_t homes);
/* Before anything is let in that was handed in. */
void doubts_hand_in(struct oracle *oracle, struct world *world);
/* Before anything is forgotten. homes: a bit set of those that count. */
void doubts_look(struct oracle *oracle, struct world *world, uint32_t homes);
/* At the end. */
void doubts_judge(struct oracle *oracle, struct world *world);

#endif
