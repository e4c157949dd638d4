/* Sealing changes (CRYPTO, "Bundle"):
 *
 *   N16    first 16 bytes of HK(nonce key, "nonce", rand32 ‖ H("pt", all headers and bodies, each counted))
 *   bk     HK(HK(K, "bundle", ctx), "bk", u32 device ‖ u64 first ‖ u32 count ‖ N16)
 *   c_i    XChaCha20-Poly1305(pad(compress(body_i)), key bk, nonce u64 i ‖ 0^16, ad a_i)
 *   a_i    P ‖ record16 ‖ u32 i ‖ u32 len ‖ header_i */
#ifndef SAT_VAULT_SEAL_H
#define SAT_VAULT_SEAL_H

#include "common/proof/bundle.h"
#include "common/vault/epoch.h"
#include "common/vault/squeeze.h"

struct sat_bundle_key { /* secret: wipe it */
    uint8_t b[32];
};

struct sat_plain_change { /* one change before sealing; spans borrowed */
    struct sat_record_id record;
    struct sat_span header;
    struct sat_span body; /* plaintext, uncompressed */
    bool compress;        /* false for restricted types and text that outsiders supply */
};

/* Sets manifest->nonce from 32 fresh random bytes and the plaintext. */
void sat_seal_nonce(struct sat_manifest *manifest, const uint8_t nonce_key[32], const uint8_t random[32],
                    const struct sat_plain_change *changes);
void sat_bundle_key_derive(const struct sat_epoch_key *key, const struct sat_manifest *manifest,
                           struct sat_bundle_key *out);
/* Appends the ciphertext of change `index`. The P part of the manifest must be final. SAT_ERR_TOO_LARGE above
 * SAT_BODY_BYTES_MAX. */
enum sat_err sat_seal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                             const struct sat_manifest *manifest, uint32_t index, const struct sat_plain_change *change,
                             struct sat_buf *out) SAT_MUST_CHECK;
/* Opens change `index`; `out` gets the plaintext body (wiped by the caller with sat_buf_wipe). SAT_ERR_UNDECRYPTABLE;
 * SAT_ERR_UPGRADE_NEEDED for a suite or a method of a later version. */
enum sat_err sat_unseal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                               const struct sat_manifest *manifest, uint32_t index, const struct sat_record_id *record,
                               struct sat_span header, struct sat_span body, struct sat_buf *out) SAT_MUST_CHECK;

/* Drafts at rest: nonce24 ‖ XChaCha20-Poly1305(body, key HK(store key, "draft", u64 counter), ad record16 ‖ header).
 * Not padded: they never travel. */
void sat_seal_draft(const uint8_t store_key[32], uint64_t counter, const struct sat_record_id *record,
                    struct sat_span header, struct sat_span body, const uint8_t nonce[24], struct sat_buf *out);
enum sat_err sat_unseal_draft(const uint8_t store_key[32], uint64_t counter, const struct sat_record_id *record,
                              struct sat_span header, struct sat_span sealed, struct sat_buf *out) SAT_MUST_CHECK;

#endif
