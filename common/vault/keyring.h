/* The keyring: the secrets of one device, in guarded memory while open, on disk sealed under Argon2id(passphrase). A
 * passphrase only wraps keys: changing it changes no key. The admin's signing key is wrapped apart, so that everyday
 * work never opens it.
 *
 *   file     "satchel-keyring" ‖ u16 version ‖ section ‖ u8 has_admin ‖ [section] ‖ checksum8
 *   section  u8 kdf (1 Argon2id13) ‖ u64 ops ‖ u64 mem_bytes ‖ salt16 ‖ nonce24 ‖ u32 len ‖ XChaCha20-Poly1305(secrets)
 *   ad       "satchel-keyring" ‖ u16 version ‖ u8 kind (1 device, 2 admin) ‖ the section up to its ciphertext
 *   secrets  device: org32 ‖ u32 device ‖ sign64 ‖ box32 ‖ nonce key32 ‖ store key32; admin: sign64
 *   checksum first 8 bytes of H("keyring", all bytes before it), in every version
 *
 * The checksum tells damage from a wrong passphrase: a file that is whole and does not open was given the wrong one. */
#ifndef SAT_VAULT_KEYRING_H
#define SAT_VAULT_KEYRING_H

#include "common/proof/entropy.h"
#include "common/proof/sign.h"

struct sat_box_secret { /* X25519 */
    uint8_t b[32];
};

struct sat_keyring_secrets {   /* lives in sodium_malloc'ed memory only */
    struct sat_hash org;       /* so that a keyring is not used with another org's store */
    uint32_t device;           /* 0 until the device has its number */
    struct sat_sign_key sign;  /* the device's signature key */
    struct sat_box_secret box; /* the device's key-box key */
    uint8_t nonce_key[32];     /* hedges bundle nonces */
    uint8_t store_key[32];     /* seals drafts and epoch keys at rest on this device */
    struct sat_sign_key admin; /* zeros unless the admin section has been opened */
};

struct sat_keyring;

struct sat_keyring_cost {
    uint64_t ops;
    uint64_t mem_bytes;
};
struct sat_keyring_cost sat_keyring_cost_default(void); /* Argon2id interactive */
struct sat_keyring_cost sat_keyring_cost_minimum(void); /* for tests alone */

/* Makes fresh device keys (org and device zero). The caller frees. */
enum sat_err sat_keyring_new(const struct sat_entropy *entropy, struct sat_keyring **out) SAT_MUST_CHECK;
void sat_keyring_free(struct sat_keyring *keyring);                                       /* wipes; NULL is fine */
const struct sat_keyring_secrets *sat_keyring_secrets(const struct sat_keyring *keyring); /* borrowed */
struct sat_public_key sat_keyring_sign_public(const struct sat_keyring *keyring);
struct sat_public_key sat_keyring_box_public(const struct sat_keyring *keyring);
void sat_keyring_set_member(struct sat_keyring *keyring, const struct sat_hash *org, uint32_t device);

/* Gives the keyring an admin key (from entropy); it is sealed in a section of its own by sat_keyring_seal(). */
void sat_keyring_make_admin(struct sat_keyring *keyring, const struct sat_entropy *entropy);
bool sat_keyring_has_admin(const struct sat_keyring *keyring); /* also when its section is still closed */
bool sat_keyring_admin_is_open(const struct sat_keyring *keyring);

/* The file's bytes under `passphrase`. An admin section that is open is sealed under the same passphrase; one that is
 * closed is carried over as it is. */
enum sat_err sat_keyring_seal(struct sat_keyring *keyring, struct sat_span passphrase, struct sat_keyring_cost cost,
                              const struct sat_entropy *entropy, struct sat_buf *out) SAT_MUST_CHECK;

/* ---- A further index: fresh device keys, for a home that turns out to be a copy (MERGE 11). The file stays as it is,
 * as it lies under a passphrase that nobody is asked for then: the keys rest in the store, sealed under its key.
 *
 *   nonce24 ‖ XChaCha20-Poly1305(sign64 ‖ box32 ‖ nonce key32), key HK(store key, "index", org), ad org ---- */
#define SAT_KEYRING_INDEX_BYTES (24 + 128 + 16)
enum sat_err sat_keyring_index_make(const struct sat_keyring *keyring, const struct sat_entropy *entropy,
                                    uint8_t out[SAT_KEYRING_INDEX_BYTES]) SAT_MUST_CHECK;
/* A keyring of its own: device `device` with those keys, and for the rest as `keyring`. SAT_ERR_CORRUPT. */
enum sat_err sat_keyring_index_open(const struct sat_keyring *keyring, struct sat_span sealed, uint32_t device,
                                    struct sat_keyring **out) SAT_MUST_CHECK;
/* `keyring` is what `other` was, in its place: what was borrowed from it still holds. Takes `other`. */
void sat_keyring_become(struct sat_keyring *keyring, struct sat_keyring *other);

enum { SAT_KEYRING_DEVICE = 1, SAT_KEYRING_ADMIN = 2 }; /* the sections, as a set */
/* The same for a keyring that was opened: the sections in `sections` are sealed under `passphrase`, the others keep the
 * bytes that they had in the file, open or not, and so their passphrase. SAT_ERR_LOCKED: the admin's is among them and
 * closed. The keyring itself still stands for the old file: to go on from the new one, open that. */
enum sat_err sat_keyring_reseal(const struct sat_keyring *keyring, unsigned sections, struct sat_span passphrase,
                                struct sat_keyring_cost cost, const struct sat_entropy *entropy,
                                struct sat_buf *out) SAT_MUST_CHECK;
/* What guessing at these sections' passphrases costs, by the dearest of them, in the file that was opened; zeros for
 * none. */
struct sat_keyring_cost sat_keyring_cost_of(const struct sat_keyring *keyring, unsigned sections);
/* SAT_ERR_CORRUPT (damaged, or not a keyring; told before the passphrase is tried), SAT_ERR_UPGRADE_NEEDED (a later
 * version), SAT_ERR_WRONG_PASSPHRASE, SAT_ERR_NO_MEMORY. Costs above 1 GiB or 16 passes are refused as corrupt. */
enum sat_err sat_keyring_open(struct sat_span file, struct sat_span passphrase,
                              struct sat_keyring **out) SAT_MUST_CHECK;
/* Opens the admin section as well; SAT_OK if it is open already; SAT_ERR_NOT_FOUND if there is none. */
enum sat_err sat_keyring_open_admin(struct sat_keyring *keyring, struct sat_span passphrase) SAT_MUST_CHECK;

#endif
