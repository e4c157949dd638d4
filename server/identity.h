/* The server's identity keys: what clients pin. New orgs are founded with the current one. Beside it there may be
 * former ones, as a device that was away while its org went over to the current one knows a former one still, and is
 * greeted by that until it has heard.
 *
 *   DIR/identity.key      the current one, made at the first start
 *   DIR/identity-*.key    former ones; we name them by their pin, but any name will do
 *
 * Files of ours alone (0600), written whole or not at all. A running server has what was there when it started. */
#ifndef SATD_IDENTITY_H
#define SATD_IDENTITY_H

#include "common/proof/entropy.h"
#include "common/proof/sign.h"
#include "server/datadir.h"
#include "server/log.h"

enum { SATD_IDENTITIES_MAX = 16 };

struct satd_identities {
    struct sat_sign_key *keys; /* guarded memory: the current one first */
    uint32_t n;
};

/* Reads them all, or makes the first in a directory that has no orgs yet (with orgs, a new one would lock every client
 * out: SAT_ERR_CORRUPT says which file to bring back). SAT_ERR_CORRUPT names a damaged file, SAT_ERR_CONFIG one that
 * others may read, SAT_ERR_READ_ONLY one that we may not. The caller closes, also after a failure. */
enum sat_err satd_identities_open(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                                  struct satd_log *log, struct satd_identities *out,
                                  struct sat_fault *fault) SAT_MUST_CHECK;
/* The same, but makes nothing: SAT_ERR_NOT_FOUND. */
enum sat_err satd_identities_read(const struct satd_datadir *dir, struct satd_identities *out,
                                  struct sat_fault *fault) SAT_MUST_CHECK;
void satd_identities_close(struct satd_identities *identities); /* zeros are fine */

/* The one whose public key begins so; NULL: none. */
const struct sat_sign_key *satd_identities_find(const struct satd_identities *identities, const uint8_t *prefix,
                                                size_t len);
/* Makes a new current one; the one before becomes a former one. */
enum sat_err satd_identity_new(const struct satd_datadir *dir, const struct sat_entropy *entropy,
                               struct sat_public_key *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* Removes a former one for good. SAT_ERR_NOT_FOUND; SAT_ERR_INVALID: it is the current one. */
enum sat_err satd_identity_drop(const struct satd_datadir *dir, const struct sat_public_key *pin,
                                struct sat_fault *fault) SAT_MUST_CHECK;

#endif
