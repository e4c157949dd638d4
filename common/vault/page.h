/* Pages of a database that lies sealed on a device's disk:
 *
 *   page   ciphertext ‖ nonce24 ‖ tag16, as long as the plaintext page, which leaves its last 40 bytes to that
 *          XChaCha20-Poly1305, key HK(store key, "pages", salt16), ad u64 number of the page
 *
 * The salt is the database's own: a page of another one, or of this one before it was made anew, does not open in its
 * place. An older state of the same page does: whoever opens the database has to know that its pages belong together.
 */
#ifndef SAT_VAULT_PAGE_H
#define SAT_VAULT_PAGE_H

#include "common/proof/entropy.h"
#include "common/vault/keyring.h"

enum { SAT_PAGE_RESERVED = 40, SAT_PAGE_SALT_BYTES = 16 };

struct sat_page_key; /* in guarded memory */

/* The caller frees; NULL: out of memory. */
struct sat_page_key *sat_page_key_new(const struct sat_keyring *keyring, const uint8_t salt[SAT_PAGE_SALT_BYTES]);
void sat_page_key_free(struct sat_page_key *key); /* wipes; NULL is fine */

/* Seals a page of `size` bytes, more than the reserved ones, where it is. */
void sat_page_seal(const struct sat_page_key *key, const struct sat_entropy *entropy, uint64_t number, uint8_t *page,
                   size_t size);
/* Opens it where it is, zeros in the reserved bytes. SAT_ERR_CORRUPT: it is damaged, of another place or database. */
enum sat_err sat_page_open(const struct sat_page_key *key, uint64_t number, uint8_t *page, size_t size) SAT_MUST_CHECK;

#endif
