/* What was seen of a server that lied, or of somebody in its place, and what else somebody should look at though it was
 * mended: kept in the home, and shown by the status from then on. A later sync that goes well does not take it away, as
 * it does not undo it; nor does a later alert of another kind (docs/decisions/0088).
 *
 *   meta "alert"   u8 version (2) ‖ u32 how many so far ‖ then of each kind, the newest first:
 *                  u32 what: an error of the other side's, or a number from 1001 on ‖ u32 how often ‖ u64 ms of the
 *                  newest ‖ u32 length ‖ its sentence
 *                  version 1, of older homes, had the newest alone: u32 how many ‖ u64 ms ‖ u32 what ‖ sentence */
#ifndef CLIENT_ALERT_H
#define CLIENT_ALERT_H

#include <jansson.h>

#include "common/base/arena.h"
#include "common/base/err.h"

struct satchel;

enum client_alert_kind { /* those that are no errors: nothing is wrong any more, but somebody should know */
                         CLIENT_ALERT_SERVER_SET_BACK = 1001,
                         CLIENT_ALERT_HOME_COPIED = 1002,
                         CLIENT_ALERT_EXPELLED = 1003,
                         CLIENT_ALERT_STARTED_ANEW = 1004,
};
enum { CLIENT_ALERTS_MAX = 32 }; /* kinds; there are no more than a dozen */

struct client_alert { /* all of a kind */
    uint32_t what;    /* enum sat_err or enum client_alert_kind */
    uint32_t times;   /* so often */
    uint64_t at_ms;   /* the newest, by this device's clock */
    const char *text; /* its sentence; the arena's */
};
struct client_alerts {
    uint32_t count;                                 /* of all kinds so far; 0: there was none */
    struct client_alert by_kind[CLIENT_ALERTS_MAX]; /* the newest first */
    uint32_t n;
};

/* A session ended by this. Kept if it speaks against the other side; a failure to write it down is none of the
 * caller's, who tells the error itself. */
void client_alert_keep(struct satchel *satchel, uint32_t what, const char *text);
/* Keeps what the replica wrote down to be told (SAT_TO_TELL_KEY) as alerts, but for what was told already (bits, as
 * there). What it has kept; what it could not write waits for the next time. */
uint64_t client_alerts_take(struct satchel *satchel, uint64_t told);
enum sat_err client_alerts_get(struct satchel *satchel, struct sat_arena *arena,
                               struct client_alerts *out) SAT_MUST_CHECK;
json_t *client_alert_json(const struct client_alert *alert); /* {"error","times","at","message"} */
/* Into the status: the newest as alert, alert_error, alert_at; of all kinds alerts, and alert_list, the gravest first.
 */
enum sat_err client_alerts_show(struct satchel *satchel, json_t *status, struct sat_arena *arena) SAT_MUST_CHECK;

#endif
