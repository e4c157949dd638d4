/* Bundles: changes of one device in one space, in order; the unit of signature, transport and server sequence.
 * The constructions are CRYPTO's, "Bundle". Nothing here can decrypt.
 *
 *   P        u16 suite ‖ org32 ‖ space16 ‖ u32 epoch ‖ u32 device ‖ u64 first ‖ u32 count ‖ N16              (86 bytes)
 *   M        P ‖ prev32 ‖ u64 dir_seq ‖ dir_hash32 ‖ log_epoch16 ‖ u64 w_size ‖ w_root32 ‖ R32             (246 bytes)
 *   rest_i   H("rest", u32 len ‖ header_i ‖ u32 len ‖ body_i)     leaf_i = H("leaf", record16 ‖ rest_i)
 *   R        Merkle root of the leaves       id = H("bundle-id", M)       sig = SIG(device, "bundle", M)
 *
 * On the wire (one byte string of a message):
 *   u8 form (0 full, 1 short) ‖ varint suite ‖ varint epoch ‖ varint device ‖ varint first ‖ varint count ‖ N16
 *   ‖ prev (32 or 4) ‖ varint dir_seq ‖ dir_hash (32 or 4) ‖ log_epoch (16 or 4) ‖ varint w_size ‖ w_root (32 or 4)
 *   ‖ sig64 ‖ changes: varint header_len ‖ record16 ‖ header ‖ varint body_len ‖ body, or for a stub
 *   0 ‖ record16 ‖ rest32
 *
 * org and space are the connection's and the subscription's; R follows from the changes. */
#ifndef SAT_PROOF_BUNDLE_H
#define SAT_PROOF_BUNDLE_H

#include "common/base/id.h"
#include "common/base/limits.h"
#include "common/proof/sign.h"

#define SAT_SUITE_1 1                    /* XChaCha20-Poly1305, BLAKE2b, Ed25519, zstd dictionary 1, padding 1 */
bool sat_suite_is_known(uint16_t suite); /* in a file of its own: a test may know fewer, */
uint16_t sat_suite_in_use(void);         /* and write by another */
#define SAT_MANIFEST_PREFIX_BYTES 86
#define SAT_MANIFEST_BYTES 246

struct sat_manifest {
    uint16_t suite;
    struct sat_hash org;
    struct sat_space_id space;
    uint32_t epoch;  /* of the space's key, from 1 */
    uint32_t device; /* the author */
    uint64_t first;  /* counter of the first change */
    uint32_t count;  /* 1 to SAT_BUNDLE_CHANGES_MAX */
    uint8_t nonce[16];
    struct sat_hash prev; /* id of the author's previous bundle in the space; zeros for the first */
    uint64_t dir_seq;     /* the author's position in the directory */
    struct sat_hash dir_hash;
    struct sat_log_epoch log_epoch; /* the witness: the signed head that the author had last; zeros if none */
    uint64_t w_size;
    struct sat_hash w_root;
    struct sat_hash changes_root; /* R */
};

struct sat_change {
    struct sat_record_id record;
    bool stub;              /* superseded: only `rest` is here */
    struct sat_span header; /* exact bytes, borrowed; empty for a stub */
    struct sat_span body;   /* ciphertext with its tag, borrowed; empty for a stub */
    struct sat_hash rest;
};

enum sat_bundle_form { SAT_BUNDLE_FULL = 0, SAT_BUNDLE_SHORT = 1 };

struct sat_bundle {
    struct sat_manifest manifest;
    struct sat_signature signature;
    struct sat_hash id;
    struct sat_change *changes; /* manifest.count of them */
    enum sat_bundle_form form; /* as received: in the short form prev, dir_hash, log_epoch and w_root hold 4 bytes, then
                                  zeros, and id is not set until sat_bundle_complete(), which makes it a full one */
};

/* Appends the beginning of the manifest, which each change is sealed with: SAT_MANIFEST_PREFIX_BYTES. */
void sat_manifest_put_prefix(const struct sat_manifest *manifest, struct sat_buf *out);
void sat_manifest_encode(const struct sat_manifest *manifest, uint8_t out[SAT_MANIFEST_BYTES]);
void sat_manifest_decode(const uint8_t bytes[SAT_MANIFEST_BYTES], struct sat_manifest *out);
struct sat_hash sat_bundle_id(const struct sat_manifest *manifest);

struct sat_hash sat_change_rest(struct sat_span header, struct sat_span body);
struct sat_hash sat_change_leaf(const struct sat_record_id *record, const struct sat_hash *rest);
/* R of n changes whose `rest` is set. */
struct sat_hash sat_changes_root(const struct sat_change *changes, uint32_t n);

struct sat_signature sat_bundle_sign(const struct sat_manifest *manifest, const struct sat_sign_key *device);
/* Does the signature hold over the manifest? SAT_OK or SAT_ERR_TAMPERED. The manifest must be complete. */
enum sat_err sat_bundle_verify(const struct sat_bundle *bundle, const struct sat_public_key *device) SAT_MUST_CHECK;

/* Appends the wire form. */
void sat_bundle_encode(const struct sat_bundle *bundle, enum sat_bundle_form form, struct sat_buf *out);
/* Reads the wire form within the limits; sets rest of every change and R. The arena owns `changes`, their bytes borrow
 * from `bytes`. SAT_ERR_MALFORMED or SAT_ERR_TOO_LARGE. For the full form the id is set too. */
enum sat_err sat_bundle_decode(struct sat_span bytes, const struct sat_hash *org, const struct sat_space_id *space,
                               struct sat_arena *arena, struct sat_bundle *out) SAT_MUST_CHECK;

/* What the receiver knows of the parts that the short form abbreviates. */
struct sat_bundle_known {
    struct sat_hash prev, dir_hash, w_root;
    struct sat_log_epoch log_epoch;
};
/* Completes a short form from what is known and sets the id; a full form is left as it is. SAT_ERR_STALE when a prefix
 * differs from what is known: ask for the full form before judging. */
enum sat_err sat_bundle_complete(struct sat_bundle *bundle, const struct sat_bundle_known *known) SAT_MUST_CHECK;

#endif
