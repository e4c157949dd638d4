#include "common/vault/kit.h"

#include <sodium.h>

#include "common/proof/hash.h"

void sat_kit_keys_derive(const uint8_t seed[SAT_KIT_SEED_BYTES], struct sat_kit_keys *out)
{
    struct sat_hash sign_seed = sat_hash_keyed(seed, "kit-sign", (struct sat_span){0});
    struct sat_hash box_seed = sat_hash_keyed(seed, "kit-box", (struct sat_span){0});
    sat_sign_keypair(sign_seed.b, &out->sign_public, &out->sign);
    crypto_box_seed_keypair(out->box_public.b, out->box.b, box_seed.b);
    sodium_memzero(&sign_seed, sizeof sign_seed);
    sodium_memzero(&box_seed, sizeof box_seed);
}
