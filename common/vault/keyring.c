#include "common/vault/keyring.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"

static const char MAGIC[] = "satchel-keyring";

enum {
    VERSION = 1,
    KDF_ARGON2ID13 = 1,
    SALT_BYTES = 16,
    NONCE_BYTES = 24,
    TAG_BYTES = 16,
    DEVICE_BYTES = 32 + 4 + 64 + 32 + 32 + 32,
    ADMIN_BYTES = 64,
    CHECKSUM_BYTES = 8,
    SECTION_HEADER_BYTES = 1 + 8 + 8 + SALT_BYTES + NONCE_BYTES + 4,
    MEM_BYTES_MAX = 1 << 30,
    OPS_MAX = 16,
};

/* What a section holds; part of what authenticates it, so that one kind is never taken for the other. */
enum section_kind { SECTION_DEVICE = 1, SECTION_ADMIN = 2 };

struct sat_keyring {
    struct sat_keyring_secrets *secrets; /* guarded memory */
    bool has_admin, admin_open;
    struct sat_buf device_section, admin_section; /* their bytes in the file that was opened; empty: in none yet */
};

struct section { /* spans borrowed from the file */
    uint64_t ops, mem_bytes;
    struct sat_span salt, nonce, sealed;
    struct sat_span header; /* all of the section before the ciphertext */
};

struct sat_keyring_cost sat_keyring_cost_default(void)
{
    return (struct sat_keyring_cost){crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE};
}

struct sat_keyring_cost sat_keyring_cost_minimum(void)
{
    return (struct sat_keyring_cost){crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN};
}

static bool cost_allowed(uint64_t ops, uint64_t mem_bytes)
{
    return ops >= crypto_pwhash_OPSLIMIT_MIN && ops <= OPS_MAX && mem_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
           mem_bytes <= MEM_BYTES_MAX;
}

/* A keyring with zeroed secrets; NULL when there is no memory. Guarded memory is locked if the system allows it: where
 * it does not (a low RLIMIT_MEMLOCK, WebAssembly) the guard pages and the wiping remain. */
static struct sat_keyring *make(void)
{
    if (sodium_init() < 0) return NULL;
    struct sat_keyring *keyring = malloc(sizeof *keyring);
    if (!keyring) return NULL;
    *keyring = (struct sat_keyring){.secrets = sodium_malloc(sizeof *keyring->secrets)};
    if (!keyring->secrets) {
        free(keyring);
        return NULL;
    }
    sodium_memzero(keyring->secrets, sizeof *keyring->secrets);
    return keyring;
}

static void make_sign_key(const struct sat_entropy *entropy, struct sat_sign_key *out)
{
    uint8_t seed[32];
    struct sat_public_key public_key;
    sat_entropy_fill(entropy, seed, sizeof seed);
    sat_sign_keypair(seed, &public_key, out);
    sodium_memzero(seed, sizeof seed);
}

enum sat_err sat_keyring_new(const struct sat_entropy *entropy, struct sat_keyring **out)
{
    struct sat_keyring *keyring = make();
    *out = keyring;
    if (!keyring) return SAT_ERR_NO_MEMORY;
    struct sat_keyring_secrets *secrets = keyring->secrets;
    make_sign_key(entropy, &secrets->sign);
    sat_entropy_fill(entropy, secrets->box.b, sizeof secrets->box.b);
    sat_entropy_fill(entropy, secrets->nonce_key, sizeof secrets->nonce_key);
    sat_entropy_fill(entropy, secrets->store_key, sizeof secrets->store_key);
    return SAT_OK;
}

void sat_keyring_free(struct sat_keyring *keyring)
{
    if (!keyring) return;
    sodium_free(keyring->secrets); /* wipes */
    sat_buf_deinit(&keyring->device_section);
    sat_buf_deinit(&keyring->admin_section);
    free(keyring);
}

const struct sat_keyring_secrets *sat_keyring_secrets(const struct sat_keyring *keyring)
{
    return keyring->secrets;
}

struct sat_public_key sat_keyring_sign_public(const struct sat_keyring *keyring)
{
    return sat_sign_public(&keyring->secrets->sign);
}

struct sat_public_key sat_keyring_box_public(const struct sat_keyring *keyring)
{
    struct sat_public_key key;
    sat_check(crypto_scalarmult_base(key.b, keyring->secrets->box.b) == 0);
    return key;
}

void sat_keyring_set_member(struct sat_keyring *keyring, const struct sat_hash *org, uint32_t device)
{
    keyring->secrets->org = *org;
    keyring->secrets->device = device;
    sat_buf_clear(&keyring->device_section); /* says something else */
}

void sat_keyring_make_admin(struct sat_keyring *keyring, const struct sat_entropy *entropy)
{
    make_sign_key(entropy, &keyring->secrets->admin);
    keyring->has_admin = keyring->admin_open = true;
    sat_buf_clear(&keyring->admin_section);
}

bool sat_keyring_has_admin(const struct sat_keyring *keyring)
{
    return keyring->has_admin;
}

bool sat_keyring_admin_is_open(const struct sat_keyring *keyring)
{
    return keyring->admin_open;
}

static enum sat_err derive_key(struct sat_span passphrase, const uint8_t salt[SALT_BYTES], uint64_t ops,
                               uint64_t mem_bytes, uint8_t key[32])
{
    const char *text = passphrase.len ? (const char *)passphrase.at : "";
    int failed =
        crypto_pwhash(key, 32, text, passphrase.len, salt, ops, (size_t)mem_bytes, crypto_pwhash_ALG_ARGON2ID13);
    return failed ? SAT_ERR_NO_MEMORY : SAT_OK; /* the costs have been checked, so nothing else can fail */
}

/* Associated data of a section: magic ‖ u16 version ‖ u8 kind ‖ the section before its ciphertext. */
static void put_associated(struct sat_buf *buf, enum section_kind kind, struct sat_span header)
{
    sat_buf_init(buf);
    sat_put_bytes(buf, MAGIC, sizeof MAGIC - 1);
    sat_put_u16(buf, VERSION);
    sat_put_u8(buf, (uint8_t)kind);
    sat_put_span(buf, header);
}

static enum sat_err seal_section(enum section_kind kind, const uint8_t *plain, size_t plain_len,
                                 struct sat_span passphrase, struct sat_keyring_cost cost,
                                 const struct sat_entropy *entropy, struct sat_buf *out)
{
    uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES], key[32];
    struct sat_buf associated;
    sat_entropy_fill(entropy, salt, sizeof salt);
    sat_entropy_fill(entropy, nonce, sizeof nonce);
    enum sat_err err = derive_key(passphrase, salt, cost.ops, cost.mem_bytes, key);
    if (err) return err;
    size_t begin = out->len;
    sat_put_u8(out, KDF_ARGON2ID13);
    sat_put_u64(out, cost.ops);
    sat_put_u64(out, cost.mem_bytes);
    sat_put_bytes(out, salt, sizeof salt);
    sat_put_bytes(out, nonce, sizeof nonce);
    sat_put_u32(out, (uint32_t)(plain_len + TAG_BYTES));
    put_associated(&associated, kind, sat_span(out->at + begin, out->len - begin));
    sat_buf_reserve(out, plain_len + TAG_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(out->at + out->len, NULL, plain, plain_len, associated.at,
                                               associated.len, NULL, nonce, key);
    out->len += plain_len + TAG_BYTES;
    sodium_memzero(key, sizeof key);
    sat_buf_deinit(&associated);
    return SAT_OK;
}

/* Opens into `plain`, whose size the ciphertext must have. */
static enum sat_err open_section(enum section_kind kind, const struct section *section, struct sat_span passphrase,
                                 uint8_t *plain, size_t plain_len)
{
    uint8_t key[32];
    struct sat_buf associated;
    if (section->sealed.len != plain_len + TAG_BYTES) return SAT_ERR_CORRUPT;
    enum sat_err err = derive_key(passphrase, section->salt.at, section->ops, section->mem_bytes, key);
    if (err) return err;
    put_associated(&associated, kind, section->header);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, section->sealed.at, section->sealed.len,
                                                   associated.at, associated.len, section->nonce.at, key) != 0)
        err = SAT_ERR_WRONG_PASSPHRASE;
    sodium_memzero(key, sizeof key);
    sat_buf_deinit(&associated);
    return err;
}

static void take_section(struct sat_reader *reader, struct section *out)
{
    size_t begin = reader->pos;
    uint8_t kdf = sat_take_u8(reader);
    out->ops = sat_take_u64(reader);
    out->mem_bytes = sat_take_u64(reader);
    out->salt = sat_take_span(reader, SALT_BYTES);
    out->nonce = sat_take_span(reader, NONCE_BYTES);
    out->sealed = sat_take_counted(reader, DEVICE_BYTES + TAG_BYTES);
    out->header = sat_span(reader->at + begin, SECTION_HEADER_BYTES);
    if (kdf != KDF_ARGON2ID13 || !cost_allowed(out->ops, out->mem_bytes)) reader->failed = true;
}

static void put_device_secrets(const struct sat_keyring_secrets *secrets, uint8_t out[DEVICE_BYTES])
{
    memcpy(out, secrets->org.b, 32);
    for (size_t i = 0; i < 4; i++) out[32 + i] = (uint8_t)(secrets->device >> (8 * i));
    memcpy(out + 36, secrets->sign.b, 64);
    memcpy(out + 100, secrets->box.b, 32);
    memcpy(out + 132, secrets->nonce_key, 32);
    memcpy(out + 164, secrets->store_key, 32);
}

static void take_device_secrets(const uint8_t plain[DEVICE_BYTES], struct sat_keyring_secrets *out)
{
    memcpy(out->org.b, plain, 32);
    out->device = 0;
    for (size_t i = 4; i-- > 0;) out->device = out->device << 8 | plain[32 + i];
    memcpy(out->sign.b, plain + 36, 64);
    memcpy(out->box.b, plain + 100, 32);
    memcpy(out->nonce_key, plain + 132, 32);
    memcpy(out->store_key, plain + 164, 32);
}

/* Of a file's bytes so far: the wrong passphrase and a damaged file would look the same without it. */
static void put_checksum(struct sat_buf *out, size_t begin)
{
    struct sat_hash hash = sat_hash("keyring", sat_span(out->at + begin, out->len - begin));
    sat_put_bytes(out, hash.b, CHECKSUM_BYTES);
}

/* Cuts the checksum off the file, if it holds. */
static bool take_checksum(struct sat_span *file)
{
    if (file->len < CHECKSUM_BYTES) return false;
    file->len -= CHECKSUM_BYTES;
    struct sat_hash hash = sat_hash("keyring", *file);
    return memcmp(file->at + file->len, hash.b, CHECKSUM_BYTES) == 0;
}

/* The device's section anew, or as it came. */
static enum sat_err put_device(const struct sat_keyring *keyring, bool anew, struct sat_span passphrase,
                               struct sat_keyring_cost cost, const struct sat_entropy *entropy, struct sat_buf *out)
{
    if (!anew) {
        sat_check(keyring->device_section.len > 0);
        sat_put_span(out, sat_buf_span(&keyring->device_section));
        return SAT_OK;
    }
    uint8_t *plain = sodium_malloc(DEVICE_BYTES);
    if (!plain) return SAT_ERR_NO_MEMORY;
    put_device_secrets(keyring->secrets, plain);
    enum sat_err err = seal_section(SECTION_DEVICE, plain, DEVICE_BYTES, passphrase, cost, entropy, out);
    sodium_free(plain);
    return err;
}

static enum sat_err put_admin(const struct sat_keyring *keyring, bool anew, struct sat_span passphrase,
                              struct sat_keyring_cost cost, const struct sat_entropy *entropy, struct sat_buf *out)
{
    sat_put_u8(out, keyring->has_admin);
    if (!keyring->has_admin) return SAT_OK;
    if (anew)
        return seal_section(SECTION_ADMIN, keyring->secrets->admin.b, ADMIN_BYTES, passphrase, cost, entropy, out);
    sat_check(keyring->admin_section.len > 0);
    sat_put_span(out, sat_buf_span(&keyring->admin_section));
    return SAT_OK;
}

enum sat_err sat_keyring_reseal(const struct sat_keyring *keyring, unsigned sections, struct sat_span passphrase,
                                struct sat_keyring_cost cost, const struct sat_entropy *entropy, struct sat_buf *out)
{
    bool device = sections & SAT_KEYRING_DEVICE, admin = sections & SAT_KEYRING_ADMIN;
    sat_check(cost_allowed(cost.ops, cost.mem_bytes));
    if (admin && keyring->has_admin && !keyring->admin_open) return SAT_ERR_LOCKED;
    size_t begin = out->len;
    sat_put_bytes(out, MAGIC, sizeof MAGIC - 1);
    sat_put_u16(out, VERSION);
    enum sat_err err = put_device(keyring, device, passphrase, cost, entropy, out);
    if (!err) err = put_admin(keyring, admin, passphrase, cost, entropy, out);
    if (err)
        out->len = begin;
    else
        put_checksum(out, begin);
    return err;
}

enum sat_err sat_keyring_seal(struct sat_keyring *keyring, struct sat_span passphrase, struct sat_keyring_cost cost,
                              const struct sat_entropy *entropy, struct sat_buf *out)
{
    unsigned sections = SAT_KEYRING_DEVICE | (keyring->admin_open ? SAT_KEYRING_ADMIN : 0u);
    return sat_keyring_reseal(keyring, sections, passphrase, cost, entropy, out);
}

static void raise_to(struct sat_keyring_cost *cost, const struct sat_buf *bytes)
{
    struct sat_reader reader;
    struct section section;
    if (bytes->len == 0) return;
    sat_reader_init(&reader, sat_buf_span(bytes));
    take_section(&reader, &section);
    if (section.ops > cost->ops) cost->ops = section.ops;
    if (section.mem_bytes > cost->mem_bytes) cost->mem_bytes = section.mem_bytes;
}

struct sat_keyring_cost sat_keyring_cost_of(const struct sat_keyring *keyring, unsigned sections)
{
    struct sat_keyring_cost cost = {0};
    if (sections & SAT_KEYRING_DEVICE) raise_to(&cost, &keyring->device_section);
    if (sections & SAT_KEYRING_ADMIN) raise_to(&cost, &keyring->admin_section);
    return cost;
}

enum sat_err sat_keyring_open(struct sat_span file, struct sat_span passphrase, struct sat_keyring **out)
{
    struct sat_reader reader;
    struct section device;
    *out = NULL;
    if (!take_checksum(&file)) return SAT_ERR_CORRUPT;
    sat_reader_init(&reader, file);
    struct sat_span magic = sat_take_span(&reader, sizeof MAGIC - 1);
    uint16_t version = sat_take_u16(&reader);
    if (reader.failed || !sat_span_equal(magic, sat_span_text(MAGIC)) || version == 0) return SAT_ERR_CORRUPT;
    if (version > VERSION) return SAT_ERR_UPGRADE_NEEDED;
    size_t begin = reader.pos;
    take_section(&reader, &device);
    struct sat_span device_section = sat_span(reader.at + begin, reader.pos - begin);
    uint8_t has_admin = sat_take_u8(&reader);
    struct sat_span admin_section = sat_span(reader.at + reader.pos, sat_reader_left(&reader));
    if (has_admin > 1) return SAT_ERR_CORRUPT;
    if (has_admin) {
        struct section admin;
        take_section(&reader, &admin);
        if (admin.sealed.len != ADMIN_BYTES + TAG_BYTES) return SAT_ERR_CORRUPT;
    }
    if (sat_reader_end(&reader)) return SAT_ERR_CORRUPT;

    struct sat_keyring *keyring = make();
    uint8_t *plain = keyring ? sodium_malloc(DEVICE_BYTES) : NULL;
    enum sat_err err =
        plain ? open_section(SECTION_DEVICE, &device, passphrase, plain, DEVICE_BYTES) : SAT_ERR_NO_MEMORY;
    if (err) goto out;
    take_device_secrets(plain, keyring->secrets);
    keyring->has_admin = has_admin;
    sat_put_span(&keyring->device_section, device_section);
    sat_put_span(&keyring->admin_section, admin_section);
    *out = keyring;
out:
    sodium_free(plain);
    if (err) sat_keyring_free(keyring);
    return err;
}

enum sat_err sat_keyring_open_admin(struct sat_keyring *keyring, struct sat_span passphrase)
{
    if (!keyring->has_admin) return SAT_ERR_NOT_FOUND;
    if (keyring->admin_open) return SAT_OK;
    struct sat_reader reader;
    struct section admin;
    sat_reader_init(&reader, sat_buf_span(&keyring->admin_section));
    take_section(&reader, &admin);
    if (sat_reader_end(&reader)) return SAT_ERR_CORRUPT;
    /* Into a place of its own first: a failed opening leaves the key at zeros. */
    uint8_t *plain = sodium_malloc(ADMIN_BYTES);
    enum sat_err err = plain ? open_section(SECTION_ADMIN, &admin, passphrase, plain, ADMIN_BYTES) : SAT_ERR_NO_MEMORY;
    if (!err) {
        memcpy(keyring->secrets->admin.b, plain, ADMIN_BYTES);
        keyring->admin_open = true;
    }
    sodium_free(plain);
    return err;
}

/* ---- A further index ---- */

enum { INDEX_BYTES = 64 + 32 + 32 };
_Static_assert(NONCE_BYTES + INDEX_BYTES + TAG_BYTES == SAT_KEYRING_INDEX_BYTES, "as the header says");

static struct sat_hash index_key(const struct sat_keyring_secrets *secrets)
{
    return sat_hash_keyed(secrets->store_key, "index", SAT_SPAN(secrets->org.b));
}

static void take_index(const uint8_t plain[INDEX_BYTES], struct sat_keyring_secrets *out)
{
    memcpy(out->sign.b, plain, 64);
    memcpy(out->box.b, plain + 64, 32);
    memcpy(out->nonce_key, plain + 96, 32);
}

enum sat_err sat_keyring_index_make(const struct sat_keyring *keyring, const struct sat_entropy *entropy,
                                    uint8_t out[SAT_KEYRING_INDEX_BYTES])
{
    uint8_t *plain = sodium_malloc(INDEX_BYTES);
    if (!plain) return SAT_ERR_NO_MEMORY;
    struct sat_sign_key sign;
    make_sign_key(entropy, &sign);
    memcpy(plain, sign.b, sizeof sign.b);
    sodium_memzero(&sign, sizeof sign);
    sat_entropy_fill(entropy, plain + 64, INDEX_BYTES - 64);
    sat_entropy_fill(entropy, out, NONCE_BYTES);
    const struct sat_keyring_secrets *secrets = keyring->secrets;
    struct sat_hash key = index_key(secrets);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(out + NONCE_BYTES, NULL, plain, INDEX_BYTES, secrets->org.b,
                                                     sizeof secrets->org.b, NULL, out, key.b);
    sodium_memzero(&key, sizeof key);
    sodium_free(plain);
    return SAT_OK;
}

static void copy_section(struct sat_buf *out, const struct sat_buf *section)
{
    sat_buf_init(out);
    if (section->len) sat_put_span(out, sat_buf_span(section));
}

enum sat_err sat_keyring_index_open(const struct sat_keyring *keyring, struct sat_span sealed, uint32_t device,
                                    struct sat_keyring **out)
{
    *out = NULL;
    if (sealed.len != SAT_KEYRING_INDEX_BYTES) return SAT_ERR_CORRUPT;
    const struct sat_keyring_secrets *secrets = keyring->secrets;
    struct sat_keyring *made = make();
    uint8_t *plain = made ? sodium_malloc(INDEX_BYTES) : NULL;
    enum sat_err err = plain ? SAT_OK : SAT_ERR_NO_MEMORY;
    struct sat_hash key = index_key(secrets);
    if (!err &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.at + NONCE_BYTES, sealed.len - NONCE_BYTES,
                                                   secrets->org.b, sizeof secrets->org.b, sealed.at, key.b) != 0)
        err = SAT_ERR_CORRUPT;
    if (!err) {
        *made->secrets = *secrets;
        made->secrets->device = device;
        take_index(plain, made->secrets);
        made->has_admin = keyring->has_admin;
        made->admin_open = keyring->admin_open;
        copy_section(&made->device_section, &keyring->device_section);
        copy_section(&made->admin_section, &keyring->admin_section);
        *out = made;
    }
    sodium_memzero(&key, sizeof key);
    sodium_free(plain);
    if (err) sat_keyring_free(made);
    return err;
}

void sat_keyring_become(struct sat_keyring *keyring, struct sat_keyring *other)
{
    *keyring->secrets = *other->secrets;
    sat_keyring_free(other);
}
