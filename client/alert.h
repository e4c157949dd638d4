/* What was seen of a server that lied, or of somebody in its place: kept in the home, and shown by the status from then
 * on. A later sync that goes well does not take it away, as it does not undo it.
 *
 *   meta "alert"   u8 version (1) ‖ u32 how many so far ‖ u64 ms of the newest ‖ u32 its error ‖ its sentence */
#ifndef CLIENT_ALERT_H
#define CLIENT_ALERT_H

#include "common/base/arena.h"
#include "common/base/err.h"

struct satchel;

struct client_alert { /* the newest */
    uint32_t count;   /* 0: there was none */
    uint64_t at_ms;   /* by this device's clock */
    enum sat_err err;
    const char *text; /* the arena's */
};

/* A session ended by this. Kept if it speaks against the other side; a failure to write it down is none of the
 * caller's, who tells the error itself. */
void client_alert_keep(struct satchel *satchel, enum sat_err err, const char *text);
enum sat_err client_alert_get(struct satchel *satchel, struct sat_arena *arena,
                              struct client_alert *out) SAT_MUST_CHECK;

#endif
