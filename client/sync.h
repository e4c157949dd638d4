/* Syncing from inside the library. */
#ifndef CLIENT_SYNC_H
#define CLIENT_SYNC_H

#include "client/backoff.h"
#include "client/expel.h"
#include "client/session.h"

/* Where a sync as this home's device goes, and as whom: fills mode, server, org, device, key and, unless they are
 * given, urls of `config`. The arena owns the addresses. */
enum sat_err client_sync_address(struct satchel *satchel, struct client_session_config *config,
                                 struct sat_arena *arena) SAT_MUST_CHECK;
/* A session as this home's device, with its membership's server; only what differs is in `config` (hooks, notice,
 * limits). */
enum sat_err client_sync_run(struct satchel *satchel, struct client_session_config *config,
                             struct client_session_result *result) SAT_MUST_CHECK;
/* A sync with its events: what was asked for, and the session's configuration, which points back here. */
struct client_syncing {
    struct satchel *satchel;
    struct satchel_sync_options options;
    struct client_session_config config;
    struct sat_arena arena; /* the addresses; the caller deinits it, on failure too */
    struct client_backoff backoff;
    bool connected;
    bool clock_told;     /* that it is wrong */
    bool shrunk;         /* the last connection has shown that messages are to be smaller */
    bool postponed;      /* the server does not take some work now */
    uint64_t bytes;      /* used, by connections that are over */
    uint64_t own;        /* changes that waited here when it began, for the progress */
    uint32_t fruitless;  /* connections in a row that brought nothing */
    uint32_t rounds;     /* how often something followed from moves in this session */
    uint32_t holds_told; /* of the session's mass changes */
    struct client_expelling expelling;
    uint64_t saved_ms; /* live: when it was last written down that both sides hold the same */
};
/* SAT_ERR_INVALID while a transaction is open. The session is made with syncing->config. */
enum sat_err client_syncing_begin(struct client_syncing *syncing, struct satchel *satchel,
                                  const struct satchel_sync_options *options) SAT_MUST_CHECK;
/* Writes down how it went; `err` is what ended the session, and comes back unless writing fails. */
enum sat_err client_syncing_end(struct client_syncing *syncing, enum sat_err err,
                                const struct client_session_result *result) SAT_MUST_CHECK;
/* The numbers for the caller; `err` comes back unless counting fails. */
enum sat_err client_syncing_tell(struct client_syncing *syncing, enum sat_err err,
                                 const struct client_session_result *result,
                                 struct satchel_sync_result *out) SAT_MUST_CHECK;

/* A sync that nobody waits for for long and whose failure is none: what it did not do, the next one does. True:
 * the server was reached. */
bool client_sync_quietly(struct satchel *satchel);
/* The same for who looks for what may be news here: what this device's own disk or memory kept from coming is no proof
 * that there is none, and is returned (sat_err_is_local()). */
enum sat_err client_sync_to_find(struct satchel *satchel, bool *reached) SAT_MUST_CHECK;

#endif
