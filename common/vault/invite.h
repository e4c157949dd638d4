/* Invite codes: one line of text that lets a new device in (CRYPTO, "Invite and join").
 *
 *   code   "satchel1" ‖ base64url(bytes ‖ checksum4), without padding
 *   bytes  u8 version ‖ u16 len ‖ url ‖ server key32 ‖ org32 ‖ u64 dir_seq ‖ dir_hash16 ‖ s16
 *   check  first 4 bytes of H("code", bytes): a typing error is told from a forged code
 *   seed   HK(s ‖ s, "invite", org); its keys are Ed25519's of the seed HK(seed, "sign", "") and X25519's of the seed
 *          HK(seed, "box", "") (crypto_box_seed_keypair: the secret is the first half of the seed's SHA-512) */
#ifndef SAT_VAULT_INVITE_H
#define SAT_VAULT_INVITE_H

#include "common/proof/link.h"
#include "common/vault/keyring.h"

struct sat_invite_code {
    char url[SAT_URL_BYTES_MAX + 1];
    struct sat_public_key server;
    struct sat_hash org;
    uint64_t dir_seq;
    uint8_t dir_hash[16]; /* first half of the id of link dir_seq */
    uint8_t secret[16];   /* wipe it */
};

struct sat_invite_keys { /* secret: wipe it */
    struct sat_sign_key sign;
    struct sat_box_secret box;
    struct sat_public_key sign_public, box_public;
};

/* The arena owns the text. */
const char *sat_invite_code_format(const struct sat_invite_code *code, struct sat_arena *arena);
/* Surrounding white space is ignored. SAT_ERR_INVALID, with a sentence that says whether it is no code at all, damaged
 * (the checksum) or of a later version. */
enum sat_err sat_invite_code_parse(const char *text, struct sat_invite_code *out,
                                   struct sat_fault *fault) SAT_MUST_CHECK;
void sat_invite_keys_derive(const struct sat_invite_code *code, struct sat_invite_keys *out);

#endif
