/* Space keys by epoch: commitment, key boxes, back-chain (CRYPTO, "Epochs, key boxes, back-chain").
 *
 *   ctx    org32 ‖ space16 ‖ u32 epoch ‖ u16 suite
 *   kc     HK(K, "kc", ctx)
 *   box    crypto_box_seal(K, X25519 of the recipient)
 *   chain  nonce24 ‖ XChaCha20-Poly1305(key HK(K_e, "chain", ctx_e), ad ctx_e ‖ ctx_p, plaintext K_p)
 *   twin   K_{e-1} = HK(K_e, "twin", ctx_{e-1}), where that matches kc_{e-1}
 *
 * p is e - 1, or, where nobody honest has that key, an earlier epoch: the nonce says how many are stepped over. Twins
 * are made where keys are held that no single one leads to: the newest leads to its twin, and each of the two has a
 * chain. */
#ifndef SAT_VAULT_EPOCH_H
#define SAT_VAULT_EPOCH_H

#include "common/proof/directory.h"
#include "common/store/store.h"
#include "common/vault/keyring.h"

struct sat_epoch_key { /* secret: wipe it */
    uint8_t b[32];
};

struct sat_epoch_ctx {
    struct sat_hash org;
    struct sat_space_id space;
    uint32_t epoch;
    uint16_t suite;
};

struct sat_hash sat_epoch_commitment(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx);
void sat_epoch_box_seal(const struct sat_epoch_key *key, const struct sat_public_key *recipient,
                        uint8_t out[SAT_BOX_BYTES]);
/* SAT_ERR_UNDECRYPTABLE when the box does not open or its key does not match the commitment. */
enum sat_err sat_epoch_box_open(const uint8_t box[SAT_BOX_BYTES], const struct sat_public_key *box_public,
                                const struct sat_box_secret *box_secret, const struct sat_epoch_ctx *ctx,
                                const struct sat_hash *kc, struct sat_epoch_key *out) SAT_MUST_CHECK;
/* The nonce of a chain from `epoch` to `previous`: zeros where that is the one before, which do not travel. Any is
 * safe: the key is fresh, and the one that is derived from it for the chain seals nothing else. */
void sat_epoch_chain_nonce(uint32_t epoch, uint32_t previous, uint8_t out[24]);
/* The epoch whose key it claims to seal; the one before, if it claims nothing that could be. */
uint32_t sat_epoch_chain_back(const uint8_t chain[SAT_CHAIN_BYTES], uint32_t epoch);
struct sat_epoch_key sat_epoch_twin(const struct sat_epoch_key *key, const struct sat_epoch_ctx *previous_ctx);
bool sat_epoch_committed(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx, const struct sat_hash *kc);
void sat_epoch_chain_seal(const struct sat_epoch_key *key, const struct sat_epoch_ctx *ctx,
                          const struct sat_epoch_key *previous, const struct sat_epoch_ctx *previous_ctx,
                          const uint8_t nonce[24], uint8_t out[SAT_CHAIN_BYTES]);
enum sat_err sat_epoch_chain_open(const uint8_t chain[SAT_CHAIN_BYTES], const struct sat_epoch_key *key,
                                  const struct sat_epoch_ctx *ctx, const struct sat_epoch_ctx *previous_ctx,
                                  const struct sat_hash *previous_kc, struct sat_epoch_key *out) SAT_MUST_CHECK;

/* The epoch keys that this device holds: in the store, sealed under the keyring's store key, cached in guarded memory.
 */
struct sat_keys;
enum sat_err sat_keys_new(struct sat_store *store, const struct sat_keyring *keyring, const struct sat_entropy *entropy,
                          struct sat_keys **out) SAT_MUST_CHECK; /* borrows all three */
void sat_keys_free(struct sat_keys *keys);
/* Stores a key that has been checked against its commitment. Inside the caller's transaction. */
enum sat_err sat_keys_add(struct sat_keys *keys, const struct sat_space_id *space, uint32_t epoch,
                          const struct sat_epoch_key *key) SAT_MUST_CHECK;
/* The key of an epoch: cached, stored, or reached along the back-chain from any later one that is held (each step is
 * checked; what it gave is stored too if a transaction is open). *out is borrowed until the next call. SAT_ERR_DEBT
 * when it cannot be had, SAT_ERR_CORRUPT when what is stored does not open. */
enum sat_err sat_keys_get(struct sat_keys *keys, const struct sat_directory *directory,
                          const struct sat_space_id *space, uint32_t epoch,
                          const struct sat_epoch_key **out) SAT_MUST_CHECK;
/* A key that is held and that no newer one leads to. Where all was honest there is one: that of the current epoch. */
struct sat_keys_head {
    uint32_t epoch;
    uint32_t reach; /* how many epochs it leads to, itself among them */
};
/* The newest first, then those that lead to most; at most `max`. */
enum sat_err sat_keys_heads(struct sat_keys *keys, const struct sat_directory *directory,
                            const struct sat_space_id *space, struct sat_keys_head *out, uint32_t max,
                            uint32_t *n) SAT_MUST_CHECK;
bool sat_keys_have(struct sat_keys *keys, const struct sat_space_id *space,
                   uint32_t epoch); /* held itself, without the chain */
/* Lets go of a space's keys in memory; the store has let go of them (sat_store_space_purge). */
void sat_keys_forget(struct sat_keys *keys, const struct sat_space_id *space);
/* Opens a box made out to this device (box->kind DEVICE), or to an invite or the recovery kit (with its box keys; NULL
 * otherwise), checks the commitment of the directory, and adds the key. SAT_ERR_UNDECRYPTABLE, SAT_ERR_PROTOCOL for an
 * epoch that the directory does not know. */
enum sat_err sat_keys_open_box(struct sat_keys *keys, const struct sat_directory *directory, const struct sat_box *box,
                               const struct sat_public_key *other_public,
                               const struct sat_box_secret *other_secret) SAT_MUST_CHECK;

#endif
