/* The device's hybrid logical clock, kept in the store: milliseconds in the upper 48 bits, a counter in the lower 16.
 * It orders what one device writes whatever its wall clock does, and a received change moves it to that change's
 * effective time only (MERGE 10). */
#ifndef SAT_SYNC_CLOCK_H
#define SAT_SYNC_CLOCK_H

#include "common/store/store.h"

/* min(hlc, receive time in the upper 48 bits); the hlc itself while not accepted (recv_ms 0) (MERGE 9). */
uint64_t sat_clock_effective(uint64_t hlc, uint64_t recv_ms);
/* The next value for a local write at `now_ms`; stored, inside the caller's transaction. */
enum sat_err sat_clock_tick(struct sat_store *store, uint64_t now_ms, uint64_t *out) SAT_MUST_CHECK;
/* A change with that effective time was received; inside the caller's transaction. */
enum sat_err sat_clock_receive(struct sat_store *store, uint64_t effective) SAT_MUST_CHECK;
/* All that this device wrote is in the log, and received by then, the server's time: a clock that had run ahead of it
 * orders nothing any more, and is set back. What is written next comes behind all of it still, by effective time as by
 * what it has seen. */
enum sat_err sat_clock_settle(struct sat_store *store, uint64_t received_ms) SAT_MUST_CHECK;

/* Clocks that differ by less are right. */
#define SAT_CLOCK_SKEW_MS (UINT64_C(10) * 60 * 1000)
/* How far beyond its receive time a change was written, by its author's clock; 0: it is no wrong clock's. Behind is no
 * sign of one: work waits for a network. */
uint64_t sat_clock_ahead_ms(uint64_t hlc, uint64_t recv_ms);

#endif
