/* Which identity the orgs on this server trust: each org's directory names one, by a link that its admin has signed. A
 * former identity that one of them still names cannot go. Reads the stores beside a running server. */
#ifndef SATD_TRUST_H
#define SATD_TRUST_H

#include "common/base/id.h"
#include "server/identity.h"

struct satd_trust {
    struct {
        uint32_t orgs;
        struct sat_hash one;    /* of them */
    } of[SATD_IDENTITIES_MAX];  /* as in satd_identities */
    uint32_t orgs_lost;         /* trust one that is not here … */
    struct sat_public_key lost; /* … such as this */
};

/* A store that cannot be read is named: an org that trusts who knows what. */
enum sat_err satd_trust_read(const struct satd_datadir *dir, const struct satd_identities *identities,
                             struct satd_trust *out, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
