/* Syncing from inside the library. */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include "client/session.h"

/* A session as this home's device, with its membership's server; only what differs is in `config` (hooks, notice,
 * limits). */
enum sat_err client_sync_run(struct satchel *satchel, struct client_session_config *config,
                             struct client_session_result *result) SAT_MUST_CHECK;
/* A sync that nobody waits for for long and whose failure is none: what it did not do, the next one does. True:
 * the server was reached. */
bool client_sync_quietly(struct satchel *satchel);

#endif
