/* How far this device's clock is from the server's, which signs its time in its hello. Said of the device and of what
 * it shows; nothing is refused or put off for it. Kept in the home when it changes:
 *
 *   meta "clock"   u8 version (1) ‖ u64 wall less server, two's complement ‖ boot id16 ‖ u64 wall less boot clock */
#ifndef CLIENT_SKEW_H
#define CLIENT_SKEW_H

#include "client/handle.h"

/* The server was met, and said its time. */
void client_skew_met(struct satchel *satchel, uint64_t server_ms);
/* As of then, and with what was set since within this boot. False: it was never met. */
bool client_skew_get(struct satchel *satchel, int64_t *skew_ms);
/* The server's time by this device's clock, as far as it is known. */
uint64_t client_skew_now_ms(struct satchel *satchel);
/* "ahead by 2 years", "behind by 3 hours"; NULL: less than SAT_CLOCK_SKEW_MS. The arena owns it. */
const char *client_skew_text(int64_t skew_ms, struct sat_arena *arena);

#endif
