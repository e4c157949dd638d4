/* SIG of CRYPTO: Ed25519 over (u8 len(L) ‖ L ‖ org32 ‖ m), L with the prefix "satchel/1/". A signature of one kind or
 * of one org is never one of another. */
#ifndef SAT_PROOF_SIGN_H
#define SAT_PROOF_SIGN_H

#include "common/base/id.h"

struct sat_sign_key { /* libsodium's 64-byte form (seed ‖ public key); a secret: wipe it */
    uint8_t b[64];
};

/* The key pair of a 32-byte seed. */
void sat_sign_keypair(const uint8_t seed[32], struct sat_public_key *public_key, struct sat_sign_key *secret);
struct sat_public_key sat_sign_public(const struct sat_sign_key *secret);
/* `org` is the org's id; zeros inside the genesis. */
struct sat_signature sat_sign(const struct sat_sign_key *key, const char *label, const struct sat_hash *org,
                              struct sat_span message);
/* SAT_OK or SAT_ERR_TAMPERED. */
enum sat_err sat_verify(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                        struct sat_span message, const struct sat_signature *signature) SAT_MUST_CHECK;

#endif
