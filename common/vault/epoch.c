#include "common/vault/epoch.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum { CTX_BYTES = 32 + 16 + 4 + 2, NONCE_BYTES = 24, TAG_BYTES = 16 };

static void encode_ctx(const struct sat_epoch_ctx *ctx, uint8_t out[CTX_BYTES])
{
    memcpy(out, ctx->org.b, 32);
    memcpy(out + 32, ctx->space.b, 16);
    for (size_t i = 0; i < 4; i++) out[48 + i] = (uint8_t)(ctx->epoch >> (8 * i));
    for (size_t i = 0; i < 2; i++) out[52 + i] = (uint8_t)(ctx->suite >> (8 * i));
}

struct sat_hash sat_epoch_commitment(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx)
{
    uint8_t bytes[CTX_BYTES];
    encode_ctx(ctx, bytes);
    return sat_hash_keyed(key->b, "kc", SAT_SPAN(bytes));
}

/* One ciphertext can be made to open to two texts under two keys; a commitment that was signed before cannot. */
bool sat_epoch_committed(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx, const struct sat_hash *kc)
{
    struct sat_hash own = sat_epoch_commitment(key, ctx);
    return sodium_memcmp(own.b, kc->b, sizeof own.b) == 0;
}

void sat_epoch_box_seal(const struct sat_epoch_key *key, const struct sat_public_key *recipient,
                        uint8_t out[SAT_BOX_BYTES])
{
    static_assert(SAT_BOX_BYTES == crypto_box_SEALBYTES + 32, "a box is a sealed key");
    /* It fails only for a recipient of small order, a key that nobody honest has: nobody gets that box open, which is
     * right. */
    if (crypto_box_seal(out, key->b, sizeof key->b, recipient->b) != 0) memset(out, 0, SAT_BOX_BYTES);
}

enum sat_err sat_epoch_box_open(const uint8_t box[SAT_BOX_BYTES], const struct sat_public_key *box_public,
                                const struct sat_box_secret *box_secret, const struct sat_epoch_ctx *ctx,
                                const struct sat_hash *kc, struct sat_epoch_key *out)
{
    if (crypto_box_seal_open(out->b, box, SAT_BOX_BYTES, box_public->b, box_secret->b) == 0 &&
        sat_epoch_committed(out, ctx, kc))
        return SAT_OK;
    sodium_memzero(out, sizeof *out);
    return SAT_ERR_UNDECRYPTABLE;
}

void sat_epoch_chain_nonce(uint32_t epoch, uint32_t previous, uint8_t out[24])
{
    uint32_t over = epoch - 1 - previous;
    memset(out, 0, NONCE_BYTES);
    for (size_t i = 0; i < 4; i++) out[i] = (uint8_t)(over >> (8 * i));
}

uint32_t sat_epoch_chain_back(const uint8_t chain[SAT_CHAIN_BYTES], uint32_t epoch)
{
    uint32_t over = 0;
    for (size_t i = 0; i < 4; i++) over |= (uint32_t)chain[i] << (8 * i);
    bool names = epoch > 1 && over < epoch - 1 && sodium_is_zero(chain + 4, NONCE_BYTES - 4);
    return names ? epoch - 1 - over : epoch - 1;
}

struct sat_epoch_key sat_epoch_twin(const struct sat_epoch_key *key, const struct sat_epoch_ctx *previous_ctx)
{
    uint8_t bytes[CTX_BYTES];
    struct sat_epoch_key twin;
    encode_ctx(previous_ctx, bytes);
    struct sat_hash derived = sat_hash_keyed(key->b, "twin", SAT_SPAN(bytes));
    memcpy(twin.b, derived.b, sizeof twin.b);
    sodium_memzero(&derived, sizeof derived);
    return twin;
}

struct chain_parts {
    uint8_t key[32];
    uint8_t associated[2 * CTX_BYTES];
};

static void derive_chain(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx,
                         const struct sat_epoch_ctx *previous_ctx, struct chain_parts *out)
{
    encode_ctx(ctx, out->associated);
    encode_ctx(previous_ctx, out->associated + CTX_BYTES);
    struct sat_hash derived = sat_hash_keyed(key->b, "chain", sat_span(out->associated, CTX_BYTES));
    memcpy(out->key, derived.b, sizeof out->key);
    sodium_memzero(&derived, sizeof derived);
}

void sat_epoch_chain_seal(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx,
                          const struct sat_epoch_key *previous, const struct sat_epoch_ctx *previous_ctx,
                          const uint8_t nonce[24], uint8_t out[SAT_CHAIN_BYTES])
{
    static_assert(SAT_CHAIN_BYTES == NONCE_BYTES + 32 + TAG_BYTES, "a step of the chain is a sealed key");
    struct chain_parts parts;
    derive_chain(key, ctx, previous_ctx, &parts);
    memcpy(out, nonce, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, previous->b, sizeof previous->b,
                                               parts.associated, sizeof parts.associated, NULL, nonce, parts.key);
    sodium_memzero(&parts, sizeof parts);
}

enum sat_err sat_epoch_chain_open(const uint8_t chain[SAT_CHAIN_BYTES], const struct sat_epoch_key *key,
                                  const struct sat_epoch_ctx *ctx, const struct sat_epoch_ctx *previous_ctx,
                                  const struct sat_hash *previous_kc, struct sat_epoch_key *out)
{
    struct chain_parts parts;
    derive_chain(key, ctx, previous_ctx, &parts);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(out->b, NULL, NULL, chain + NONCE_BYTES,
                                                            SAT_CHAIN_BYTES - NONCE_BYTES, parts.associated,
                                                            sizeof parts.associated, chain, parts.key);
    sodium_memzero(&parts, sizeof parts);
    if (!failed && sat_epoch_committed(out, previous_ctx, previous_kc)) return SAT_OK;
    sodium_memzero(out, sizeof *out);
    return SAT_ERR_UNDECRYPTABLE;
}
