/* What was seen of a server that lied, or of somebody in its place, and what else somebody should look at though it was
 * mended: kept in the home, and shown by the status from then on. A later sync that goes well does not take it away, as
 * it does not undo it.
 *
 *   meta "alert"   u8 version (1) ‖ u32 how many so far ‖ u64 ms of the newest ‖ u32 what: an error of the other
 * side's, or a number from 1001 on ‖ its sentence */
#ifndef CLIENT_ALERT_H
#define CLIENT_ALERT_H

#include "common/base/arena.h"
#include "common/base/err.h"

struct satchel;

enum client_alert_kind { /* those that are no errors: nothing is wrong any more, but somebody should know */
                         CLIENT_ALERT_SERVER_SET_BACK = 1001,
                         CLIENT_ALERT_HOME_COPIED = 1002,
                         CLIENT_ALERT_STARTED_ANEW = 1003,
                         CLIENT_ALERT_EXPELLED = 1004,
};

struct client_alert { /* the newest */
    uint32_t count;   /* 0: there was none */
    uint64_t at_ms;   /* by this device's clock */
    uint32_t what;    /* enum sat_err or enum client_alert_kind */
    const char *text; /* the arena's */
};

/* A session ended by this. Kept if it speaks against the other side; a failure to write it down is none of the
 * caller's, who tells the error itself. */
void client_alert_keep(struct satchel *satchel, uint32_t what, const char *text);
const char *client_alert_name(uint32_t what); /* for scripts: an error's name, "server_set_back", "home_was_copied",
                                               * "started_anew" */
enum sat_err client_alert_get(struct satchel *satchel, struct sat_arena *arena,
                              struct client_alert *out) SAT_MUST_CHECK;

#endif
