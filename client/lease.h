/* The offline lease: how long it is since the server was met, by clocks that cannot be trusted. A pure function of what
 * the clocks said when somebody looked last and what they say now.
 *
 *   within a boot     the time that the boot clock counted, which nobody sets and which runs while the device sleeps
 *   over a reboot     what the wall clock says, but no more than this boot has lasted and a day for the time before it,
 *                     and no more than fits between the server's time then and now
 *
 * So a wall clock that jumps says nothing while the device is on, little over a reboot, and never takes time back. What
 * cannot be known is counted as short, also where a home comes to another machine: a wrong clock must not stop honest
 * work, and the lease is policy, no protection from who has the device in hands and time. */
#ifndef CLIENT_LEASE_H
#define CLIENT_LEASE_H

#include "common/base/bytes.h"

struct client_clocks {   /* what the system says */
    uint64_t wall_ms;    /* since 1970 UTC; may be anything */
    uint64_t boot_ms;    /* since this boot, sleep included */
    uint8_t boot_id[16]; /* another one for each boot; zeros: not known */
};

struct client_lease {
    uint64_t server_ms;      /* the server's time when it was met last; 0: never */
    uint64_t elapsed_ms;     /* since then; never decreases but by meeting it again */
    struct client_clocks at; /* of the last look */
};

/* The server was met, and it said what time it is. With server_ms 0 the lease begins without that. */
void client_lease_renew(struct client_lease *lease, uint64_t server_ms, const struct client_clocks *now);
/* Counts what has passed since the last look. True: it was another boot, which can be counted only once the look is
 * written down. */
bool client_lease_look(struct client_lease *lease, const struct client_clocks *now);
/* days 0: there is no lease. */
bool client_lease_lapsed(const struct client_lease *lease, uint32_t days);

/* As it is stored: u8 version ‖ u64 server_ms ‖ u64 elapsed_ms ‖ boot id16 ‖ u64 boot_ms ‖ u64 wall_ms. */
void client_lease_encode(const struct client_lease *lease, struct sat_buf *out);
bool client_lease_decode(struct sat_span bytes, struct client_lease *out); /* false: that is no lease */

#endif
