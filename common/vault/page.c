#include "common/vault/page.h"

#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

enum { NONCE_BYTES = 24, TAG_BYTES = 16 };

struct sat_page_key {
    uint8_t b[32];
};

struct sat_page_key *sat_page_key_new(const struct sat_keyring *keyring, const uint8_t salt[SAT_PAGE_SALT_BYTES])
{
    struct sat_page_key *key = sodium_malloc(sizeof *key);
    if (!key) return NULL;
    struct sat_hash derived =
        sat_hash_keyed(sat_keyring_secrets(keyring)->store_key, "pages", sat_span(salt, SAT_PAGE_SALT_BYTES));
    memcpy(key->b, derived.b, sizeof key->b);
    sodium_memzero(&derived, sizeof derived);
    return key;
}

void sat_page_key_free(struct sat_page_key *key)
{
    sodium_free(key);
}

static void associate(uint64_t number, uint8_t out[8])
{
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(number >> (56 - 8 * i));
}

void sat_page_seal(const struct sat_page_key *key, const struct sat_entropy *entropy, uint64_t number, uint8_t *page,
                   size_t size)
{
    uint8_t associated[8];
    sat_check(size > SAT_PAGE_RESERVED);
    uint8_t *nonce = page + size - SAT_PAGE_RESERVED;
    associate(number, associated);
    sat_entropy_fill(entropy, nonce, NONCE_BYTES);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt_detached(page, nonce + NONCE_BYTES, NULL, page,
                                                              size - SAT_PAGE_RESERVED, associated, sizeof associated,
                                                              NULL, nonce, key->b);
}

enum sat_err sat_page_open(const struct sat_page_key *key, uint64_t number, uint8_t *page, size_t size)
{
    uint8_t associated[8];
    sat_check(size > SAT_PAGE_RESERVED);
    uint8_t *nonce = page + size - SAT_PAGE_RESERVED;
    associate(number, associated);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(page, NULL, page, size - SAT_PAGE_RESERVED,
                                                            nonce + NONCE_BYTES, associated, sizeof associated, nonce,
                                                            key->b) != 0)
        return SAT_ERR_CORRUPT;
    memset(nonce, 0, SAT_PAGE_RESERVED);
    return SAT_OK;
}
