/* Devices that were silent for too long (policy silent.days) are waited for no more: whoever may say so, an admin's
 * device or a manager's, says it by itself at the end of a sync, at most once a day. It asks the server when devices
 * were here, looks into the logs for itself, and signs an expel link for each that nobody has heard of for so long;
 * nothing else is taken from them (decision 91).
 *
 *   meta "silent_asked"    u64 ms: when it was looked for last
 *   meta "expelled_told"   u64: the link by which this device was expelled, which its owner was told of */
#ifndef CLIENT_EXPEL_H
#define CLIENT_EXPEL_H

#include "client/session.h"

#define CLIENT_EXPELLED_AT_ONCE 256

struct client_expelling { /* of one sync; zeros but for satchel */
    struct satchel *satchel;
    enum { CLIENT_EXPEL_RESTS, CLIENT_EXPEL_ASKS, CLIENT_EXPEL_SIGNS } state;
    bool may;                                /* by what was known when the session began */
    uint64_t asked_ms;                       /* in this session */
    bool answered;                           /* to the last page */
    bool nothing;                            /* left to sign */
    uint32_t found[CLIENT_EXPELLED_AT_ONCE]; /* devices; who is left over waits for another day */
    uint32_t found_n, signed_n, told_n;
};

/* Fills the session's hooks, if this device may expel others; begins anew. */
void client_expel_prepare(struct client_expelling *expelling, struct satchel *satchel,
                          struct client_session_config *config);
/* All that the server has is here. True: something of this is under way, and this will be asked again. */
bool client_expel_advance(struct client_expelling *expelling, struct client_session *session);
/* Links were refused: if they are these, that is all, and fails no sync. */
bool client_expel_gives_up(struct client_expelling *expelling);
/* What was done and is not told yet, as a sentence; NULL: nothing. */
const char *client_expel_text(struct client_expelling *expelling, struct sat_arena *arena);

/* The server was met as this device: was it expelled since its owner was told last? Then that is kept as an alert. */
void client_expel_note_own(struct satchel *satchel, uint32_t device);

#endif
