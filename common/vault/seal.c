#include "common/vault/seal.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum { NONCE_BYTES = 24, TAG_BYTES = 16 };

void sat_seal_nonce(struct sat_manifest *manifest, const uint8_t nonce_key[32], const uint8_t random[32],
                    const struct sat_plain_change *changes)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "pt");
    for (uint32_t i = 0; i < manifest->count; i++) {
        sat_hash_add_counted(&hasher, changes[i].header);
        sat_hash_add_counted(&hasher, changes[i].body);
    }
    struct sat_hash plain = sat_hash_end(&hasher);
    sat_hash_begin_keyed(&hasher, nonce_key, "nonce");
    sat_hash_add(&hasher, random, 32);
    sat_hash_add(&hasher, plain.b, sizeof plain.b);
    struct sat_hash nonce = sat_hash_end(&hasher);
    memcpy(manifest->nonce, nonce.b, sizeof manifest->nonce);
    sodium_memzero(&hasher, sizeof hasher);
}

void sat_bundle_key_derive(const struct sat_epoch_key *key, const struct sat_manifest *manifest,
                           struct sat_bundle_key *out)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_put_bytes(&buf, manifest->org.b, sizeof manifest->org.b);
    sat_put_bytes(&buf, manifest->space.b, sizeof manifest->space.b);
    sat_put_u32(&buf, manifest->epoch);
    sat_put_u16(&buf, manifest->suite);
    struct sat_hash bundle = sat_hash_keyed(key->b, "bundle", sat_buf_span(&buf));
    sat_buf_clear(&buf);
    sat_put_u32(&buf, manifest->device);
    sat_put_u64(&buf, manifest->first);
    sat_put_u32(&buf, manifest->count);
    sat_put_bytes(&buf, manifest->nonce, sizeof manifest->nonce);
    struct sat_hash derived = sat_hash_keyed(bundle.b, "bk", sat_buf_span(&buf));
    memcpy(out->b, derived.b, sizeof out->b);
    sodium_memzero(&bundle, sizeof bundle);
    sodium_memzero(&derived, sizeof derived);
    sat_buf_deinit(&buf);
}

/* P ‖ record16 ‖ u32 index ‖ u32 len ‖ header: the ciphertext of a change means nothing anywhere else. */
static void put_associated(struct sat_buf *buf, const struct sat_manifest *manifest, uint32_t index,
                           const struct sat_record_id *record, struct sat_span header)
{
    sat_buf_init(buf);
    sat_buf_reserve(buf, SAT_MANIFEST_PREFIX_BYTES + sizeof record->b + 8 + header.len);
    sat_manifest_put_prefix(manifest, buf);
    sat_put_bytes(buf, record->b, sizeof record->b);
    sat_put_u32(buf, index);
    sat_put_counted(buf, header);
}

/* The key is the bundle's own, so the index alone makes the nonce unique under it. */
static void change_nonce(uint32_t index, uint8_t out[NONCE_BYTES])
{
    memset(out, 0, NONCE_BYTES);
    for (size_t i = 0; i < 4; i++) out[i] = (uint8_t)(index >> (8 * i));
}

enum sat_err sat_seal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                             const struct sat_manifest *manifest, uint32_t index, const struct sat_plain_change *change,
                             struct sat_buf *out)
{
    if (change->body.len > SAT_BODY_BYTES_MAX) return SAT_ERR_TOO_LARGE;
    uint8_t nonce[NONCE_BYTES];
    struct sat_buf squeezed, associated;
    sat_buf_init(&squeezed);
    sat_squeeze(squeezer, change->body, change->compress, &squeezed);
    put_associated(&associated, manifest, index, &change->record, change->header);
    change_nonce(index, nonce);
    sat_buf_reserve(out, squeezed.len + TAG_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out->at + out->len, NULL, squeezed.at, squeezed.len, associated.at,
                                               associated.len, NULL, nonce, key->b);
    out->len += squeezed.len + TAG_BYTES;
    sat_buf_deinit(&associated);
    sat_buf_wipe(&squeezed);
    return SAT_OK;
}

enum sat_err sat_unseal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                               const struct sat_manifest *manifest, uint32_t index, const struct sat_record_id *record,
                               struct sat_span header, struct sat_span body, struct sat_buf *out)
{
    if (!sat_suite_is_known(manifest->suite)) return SAT_ERR_UPGRADE_NEEDED;
    if (body.len < TAG_BYTES || body.len > SAT_BUNDLE_BYTES_MAX || header.len > SAT_HEADER_BYTES_MAX)
        return SAT_ERR_UNDECRYPTABLE;
    uint8_t nonce[NONCE_BYTES];
    struct sat_buf squeezed, associated;
    sat_buf_init(&squeezed);
    sat_buf_reserve(&squeezed, body.len);
    put_associated(&associated, manifest, index, record, header);
    change_nonce(index, nonce);
    enum sat_err err = SAT_ERR_UNDECRYPTABLE;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(squeezed.at, NULL, NULL, body.at, body.len, associated.at,
                                                   associated.len, nonce, key->b) == 0) {
        squeezed.len = body.len - TAG_BYTES;
        err = sat_unsqueeze(squeezer, sat_buf_span(&squeezed), SAT_BODY_BYTES_MAX, out);
    }
    sat_buf_deinit(&associated);
    sat_buf_wipe(&squeezed);
    return err;
}

static void draft_key(const uint8_t store_key[32], uint64_t counter, uint8_t out[32])
{
    struct sat_hasher hasher;
    sat_hash_begin_keyed(&hasher, store_key, "draft");
    sat_hash_add_u64(&hasher, counter);
    struct sat_hash derived = sat_hash_end(&hasher);
    memcpy(out, derived.b, sizeof derived.b);
    sodium_memzero(&derived, sizeof derived);
    sodium_memzero(&hasher, sizeof hasher);
}

static void put_draft_associated(struct sat_buf *buf, const struct sat_record_id *record, struct sat_span header)
{
    sat_buf_init(buf);
    sat_put_bytes(buf, record->b, sizeof record->b);
    sat_put_span(buf, header);
}

void sat_seal_draft(const uint8_t store_key[32], uint64_t counter, const struct sat_record_id *record,
                    struct sat_span header, struct sat_span body, const uint8_t nonce[24], struct sat_buf *out)
{
    uint8_t key[32];
    struct sat_buf associated;
    draft_key(store_key, counter, key);
    put_draft_associated(&associated, record, header);
    sat_put_bytes(out, nonce, NONCE_BYTES);
    sat_buf_reserve(out, body.len + TAG_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out->at + out->len, NULL, body.at, body.len, associated.at,
                                               associated.len, NULL, nonce, key);
    out->len += body.len + TAG_BYTES;
    sodium_memzero(key, sizeof key);
    sat_buf_deinit(&associated);
}

enum sat_err sat_unseal_draft(const uint8_t store_key[32], uint64_t counter, const struct sat_record_id *record,
                              struct sat_span header, struct sat_span sealed, struct sat_buf *out)
{
    if (sealed.len < NONCE_BYTES + TAG_BYTES) return SAT_ERR_UNDECRYPTABLE;
    size_t plain_len = sealed.len - NONCE_BYTES - TAG_BYTES;
    uint8_t key[32];
    struct sat_buf associated;
    draft_key(store_key, counter, key);
    put_draft_associated(&associated, record, header);
    sat_buf_reserve(out, plain_len + 1); /* + 1: a pointer to write at, also for an empty body */
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(out->at + out->len, NULL, NULL, sealed.at + NONCE_BYTES,
                                                            sealed.len - NONCE_BYTES, associated.at, associated.len,
                                                            sealed.at, key);
    if (!failed) out->len += plain_len;
    sodium_memzero(key, sizeof key);
    sat_buf_deinit(&associated);
    return failed ? SAT_ERR_UNDECRYPTABLE : SAT_OK;
}
