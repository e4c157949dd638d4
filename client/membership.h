/* What a home remembers of where it belongs: the org, its server, and when it was there last. Small named values
 * of the store. */
#ifndef CLIENT_MEMBERSHIP_H
#define CLIENT_MEMBERSHIP_H

#include "client/session.h"

struct client_membership {
    struct sat_hash org;
    const char *server_url;      /* where the home began; owned by the arena given to get, as all texts here */
    const char *server_url_last; /* where the server answered last; NULL: nowhere yet */
    struct sat_public_key
        server; /* the pin that the home began with; once the directory names the server's key, that one counts */
    const char *org_name; /* as the founder gave it; NULL elsewhere */
};

enum sat_err client_membership_put(struct satchel *satchel,
                                   const struct client_membership *membership) SAT_MUST_CHECK; /* in a transaction */
/* Does the store say nothing of it: was nothing ever finished here? */
bool client_membership_none(struct satchel *satchel);
/* Is the keyring that of the device that made this store? With another's, dots would be used twice. */
bool client_membership_own(struct satchel *satchel);
/* SAT_ERR_CORRUPT when something is missing. */
enum sat_err client_membership_get(struct satchel *satchel, struct sat_arena *arena,
                                   struct client_membership *out) SAT_MUST_CHECK;

/* Where the server may be, in the order to try: what the directory says, where it answered last, where the home began;
 * an address that has just failed on this handle goes behind the others. NULL: no more. The arena owns what the
 * membership's does not. */
void client_membership_addresses(struct satchel *satchel, const struct client_membership *membership,
                                 struct sat_arena *arena, const char *urls[CLIENT_ADDRESSES_MAX]);

/* The last session's end: when, where, and whether both sides held the same. A transaction of its own. */
enum sat_err client_membership_synced(struct satchel *satchel, const char *url, bool in_sync) SAT_MUST_CHECK;
enum sat_err client_membership_last_sync(struct satchel *satchel, uint64_t *ms, bool *in_sync) SAT_MUST_CHECK;

#endif
