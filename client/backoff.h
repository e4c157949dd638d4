/* When to come back to a server after a connection that failed. A decision and nothing else: no clock, no waiting, no
 * randomness of its own.
 *
 * Each failure in a row doubles a window, from 1 s to 60 s, and the wait is somewhere in its upper half, so that
 * devices that lost their server together do not come back together. Whoever asked for more time gets it, and the same
 * spread on top; but no more than ten minutes, because what says so may be somebody on the way who is not the server.
 */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

#include "common/base/err.h"

#define CLIENT_WAIT_MS_MIN 500u
#define CLIENT_WAIT_MS_MAX 60000u   /* of its own accord */
#define CLIENT_ASKED_MS_MAX 600000u /* when it was asked to */

struct client_backoff {
    uint32_t failures; /* in a row: 0 again after a sync that succeeded */
};

/* A connection ended with `err`. retry_ms: what the server asked for; 0: nothing. random: any number. True: try again
 * after *wait_ms. False: it will be the same the next time, so it is over. */
bool client_backoff_next(struct client_backoff *backoff, enum sat_err err, uint64_t retry_ms, uint32_t random,
                         uint32_t *wait_ms) SAT_MUST_CHECK;

#endif
