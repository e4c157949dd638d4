/* What the business roles of this device's person are there for (role_template.grants, else roles.def): of a type that
 * they name for reading alone he writes nothing. A type that none of them names is left to what the directory grants.
 * What another device wrote is asked nothing: rights are a territory's (docs/security.md). */
#ifndef CLIENT_GRANTS_H
#define CLIENT_GRANTS_H

#include "client/handle.h"
#include "common/vault/types.h"

struct client_grants {
    bool *reads, *writes; /* of each type of the list; the arena's */
    const char *roles;    /* that name types for reading, for a sentence */
};

enum sat_err client_grants_get(struct satchel *satchel, struct sat_arena *arena,
                               struct client_grants *out) SAT_MUST_CHECK;
/* SAT_ERR_DENIED: a type that is only read. */
enum sat_err client_grants_check(struct satchel *satchel, const struct client_grants *grants,
                                 const struct sat_type *type) SAT_MUST_CHECK;

#endif
