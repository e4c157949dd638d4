/* What a home remembers of where it belongs: the org, its server, and when it was there last. Small named values
 * of the store. */
#ifndef CLIENT_MEMBERSHIP_H
#define CLIENT_MEMBERSHIP_H

#include "client/handle.h"

struct client_membership {
    struct sat_hash org;
    const char *server_url; /* owned by the arena given to get */
    struct sat_public_key
        server; /* the pin that the home began with; once the directory names the server's key, that one counts */
    const char *org_name; /* as the founder gave it; NULL elsewhere */
};

enum sat_err client_membership_put(struct satchel *satchel,
                                   const struct client_membership *membership) SAT_MUST_CHECK; /* in a transaction */
/* SAT_ERR_CORRUPT when something is missing. */
enum sat_err client_membership_get(struct satchel *satchel, struct sat_arena *arena,
                                   struct client_membership *out) SAT_MUST_CHECK;

/* The last session's end: when, and whether both sides held the same. A transaction of its own. */
enum sat_err client_membership_synced(struct satchel *satchel, uint64_t now_ms, bool in_sync) SAT_MUST_CHECK;
enum sat_err client_membership_last_sync(struct satchel *satchel, uint64_t *ms, bool *in_sync) SAT_MUST_CHECK;

#endif
