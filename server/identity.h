/* The server's identity key: what clients pin. Made at first start, kept in DIR/identity.key. */
#ifndef SATD_IDENTITY_H
#define SATD_IDENTITY_H

#include "common/proof/entropy.h"
#include "common/proof/sign.h"
#include "server/datadir.h"
#include "server/log.h"

/* Reads the key, or makes one in a directory that has no orgs yet (with orgs, a new key would lock every client out:
 * SAT_ERR_CORRUPT says which file to bring back). *out is in guarded memory; free it with satd_identity_free(). */
enum sat_err satd_identity_open(const struct satd_datadir *dir, const struct sat_entropy *entropy, struct satd_log *log,
                                struct sat_sign_key **out, struct sat_fault *fault) SAT_MUST_CHECK;
void satd_identity_free(struct sat_sign_key *key); /* NULL is fine */

#endif
