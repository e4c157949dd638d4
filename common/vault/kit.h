/* The recovery kit's keys: the public ones stand in the genesis, the seed on a page of paper (CRYPTO, "Epochs, key
 * boxes, back-chain").
 *
 *   keys   Ed25519's of the seed HK(seed, "kit-sign", "") and X25519's of the seed HK(seed, "kit-box", "")
 *          (crypto_box_seed_keypair, as in invite.h) */
#ifndef SAT_VAULT_KIT_H
#define SAT_VAULT_KIT_H

#include "common/vault/keyring.h"

#define SAT_KIT_SEED_BYTES 32

struct sat_kit_keys { /* secret: wipe it */
    struct sat_sign_key sign;
    struct sat_box_secret box;
    struct sat_public_key sign_public, box_public;
};

void sat_kit_keys_derive(const uint8_t seed[SAT_KIT_SEED_BYTES], struct sat_kit_keys *out);

#endif
