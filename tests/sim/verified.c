/* In these programs the linker sends sat_sign(), sat_verify() and crypto_sign_detached() here. A signature is verified
 * by the server, by every device that gets it and again by each that begins anew: a quarter of a life's time. Whether
 * one holds depends on nothing but what it is asked with, so that the answer is remembered, by a hash of all of that;
 * and what was signed here holds. Whatever was not asked before, word for word, is verified.
 *
 * A signature of Ed25519 holds whatever nonce it was made with; nearly all of the time that making one takes goes to
 * the nonce's point. Here a few nonces with their points serve all keys and messages. Whoever has two signatures by one
 * of them could compute the key, for which nobody here looks; to all who verify they are signatures like any others. */
#include <sodium.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/sign.h"

enum { REMEMBERED = 1 << 14 };

enum sat_err __real_sat_verify(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                               struct sat_span message, const struct sat_signature *signature);
enum sat_err __wrap_sat_verify(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                               struct sat_span message, const struct sat_signature *signature);

struct sat_signature __real_sat_sign(const struct sat_sign_key *key, const char *label, const struct sat_hash *org,
                                     struct sat_span message);
struct sat_signature __wrap_sat_sign(const struct sat_sign_key *key, const char *label, const struct sat_hash *org,
                                     struct sat_span message);

int __wrap_crypto_sign_detached(unsigned char *signature, unsigned long long *len, const unsigned char *message,
                                unsigned long long message_len, const unsigned char *key);

enum { NONCES = 256 };
struct nonce {
    uint8_t scalar[32], point[32];
    bool made;
};

static struct {
    uint8_t question[32];
    bool filled;
    enum sat_err answer;
} known[REMEMBERED];

/* The parts of fixed lengths, the label with its end, and the message last: no two questions are the same bytes. */
static void hash_question(uint8_t out[32], const struct sat_public_key *key, const char *label,
                          const struct sat_hash *org, struct sat_span message, const struct sat_signature *signature)
{
    crypto_generichash_state state;
    sat_check(crypto_generichash_init(&state, NULL, 0, 32) == 0);
    (void)crypto_generichash_update(&state, key->b, sizeof key->b);
    (void)crypto_generichash_update(&state, org->b, sizeof org->b);
    (void)crypto_generichash_update(&state, signature->b, sizeof signature->b);
    (void)crypto_generichash_update(&state, (const uint8_t *)label, strlen(label) + 1);
    (void)crypto_generichash_update(&state, message.at, message.len);
    sat_check(crypto_generichash_final(&state, out, 32) == 0);
}

/* The answer's place; *is_known: it is there. */
static enum sat_err *look_up(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                             struct sat_span message, const struct sat_signature *signature, bool *is_known)
{
    uint8_t question[32];
    uint32_t place;
    hash_question(question, key, label, org, message, signature);
    memcpy(&place, question, sizeof place);
    place %= REMEMBERED;
    *is_known = known[place].filled && memcmp(known[place].question, question, sizeof question) == 0;
    memcpy(known[place].question, question, sizeof question);
    known[place].filled = true;
    return &known[place].answer;
}

enum sat_err __wrap_sat_verify(const struct sat_public_key *key, const char *label, const struct sat_hash *org,
                               struct sat_span message, const struct sat_signature *signature)
{
    bool is_known;
    enum sat_err *answer = look_up(key, label, org, message, signature, &is_known);
    if (!is_known) *answer = __real_sat_verify(key, label, org, message, signature);
    return *answer;
}

static const struct nonce *nonce_by(uint8_t number)
{
    static struct nonce nonces[NONCES];
    struct nonce *nonce = &nonces[number];
    uint8_t hash[crypto_hash_sha512_BYTES], from[] = "nonce ?";
    if (nonce->made) return nonce;
    from[sizeof from - 2] = number;
    (void)crypto_hash_sha512(hash, from, sizeof from);
    crypto_core_ed25519_scalar_reduce(nonce->scalar, hash);
    sat_check(crypto_scalarmult_ed25519_base_noclamp(nonce->point, nonce->scalar) == 0);
    nonce->made = true;
    return nonce;
}

/* RFC 8032, 5.1.6, but for the nonce: that is one of a few, and the same each time for the same message. */
int __wrap_crypto_sign_detached(unsigned char *signature, unsigned long long *len, const unsigned char *message,
                                unsigned long long message_len, const unsigned char *key)
{
    uint8_t secret[crypto_hash_sha512_BYTES], hash[crypto_hash_sha512_BYTES], scalar[32];
    crypto_hash_sha512_state state;
    (void)crypto_hash_sha512(secret, key, 32);
    secret[0] &= 248;
    secret[31] = (uint8_t)((secret[31] & 127) | 64);
    (void)crypto_generichash(scalar, sizeof scalar, message, message_len, secret + 32, 32);
    const struct nonce *nonce = nonce_by(scalar[0]);
    memcpy(signature, nonce->point, sizeof nonce->point);
    (void)crypto_hash_sha512_init(&state);
    (void)crypto_hash_sha512_update(&state, signature, 32);
    (void)crypto_hash_sha512_update(&state, key + 32, 32);
    (void)crypto_hash_sha512_update(&state, message, message_len);
    (void)crypto_hash_sha512_final(&state, hash);
    crypto_core_ed25519_scalar_reduce(scalar, hash);
    crypto_core_ed25519_scalar_mul(scalar, scalar, secret);
    crypto_core_ed25519_scalar_add(signature + 32, scalar, nonce->scalar);
    sodium_memzero(secret, sizeof secret);
    if (len) *len = crypto_sign_BYTES;
    return 0;
}

struct sat_signature __wrap_sat_sign(const struct sat_sign_key *key, const char *label, const struct sat_hash *org,
                                     struct sat_span message)
{
    static uint32_t verified; /* really */
    bool is_known;
    struct sat_signature signature = __real_sat_sign(key, label, org, message);
    struct sat_public_key public_key = sat_sign_public(key);
    if (verified++ < NONCES) sat_check(__real_sat_verify(&public_key, label, org, message, &signature) == SAT_OK);
    *look_up(&public_key, label, org, message, &signature, &is_known) = SAT_OK;
    return signature;
}
