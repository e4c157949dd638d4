/* What the parts can do in one process and nothing else: the floors that the figures of the real programs are held
 * against, and the engine's own pieces beside them.
 *
 *   bench_engine BODY_BYTES NAME…     prints {"name","us","per_s"} for each; without names, for all. A sealed body of
 *                                     so many bytes is what rows are filled with */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/proof/header.h"
#include "common/proof/sign.h"
#include "common/sync/digest.h"
#include "common/vault/seal.h"
#include "tests/bench/insert.h"
#include "tests/bench/measure.h"

enum { RECORD_BYTES = 300, CHANGES = 250, STATE_BYTES = 2048 };

/* ---- Floors: libsodium alone ---- */

struct sealing {
    uint8_t key[32], nonce[24], plain[RECORD_BYTES], sealed[RECORD_BYTES + 16];
    unsigned long long sealed_len;
};

static void seal_once(void *context)
{
    struct sealing *s = context;
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(s->sealed, &s->sealed_len, s->plain, sizeof s->plain, NULL, 0,
                                                     NULL, s->nonce, s->key);
}

static void unseal_once(void *context)
{
    struct sealing *s = context;
    unsigned long long len;
    bench_require(crypto_aead_xchacha20poly1305_ietf_decrypt(s->plain, &len, NULL, s->sealed, s->sealed_len, NULL, 0,
                                                             s->nonce, s->key) == 0,
                  "unsealing");
}

static void floor_seal(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    struct sealing sealing = {.plain = {1}};
    bench_measure(name, 1, seal_once, &sealing);
}

static void floor_unseal(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    struct sealing sealing = {.plain = {1}};
    seal_once(&sealing);
    bench_measure(name, 1, unseal_once, &sealing);
}

struct signing {
    uint8_t public_key[32], secret[64], signature[64], message[246];
};

static void sign_once(void *context)
{
    struct signing *s = context;
    (void)crypto_sign_detached(s->signature, NULL, s->message, sizeof s->message, s->secret);
}

static void verify_once(void *context)
{
    const struct signing *s = context;
    bench_require(crypto_sign_verify_detached(s->signature, s->message, sizeof s->message, s->public_key) == 0,
                  "verifying");
}

static void floor_verify(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    struct signing signing = {.message = {1}};
    (void)crypto_sign_keypair(signing.public_key, signing.secret);
    sign_once(&signing);
    bench_measure(name, 1, verify_once, &signing);
}

static void floor_sign(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    struct signing signing = {.message = {1}};
    (void)crypto_sign_keypair(signing.public_key, signing.secret);
    bench_measure(name, 1, sign_once, &signing);
}

static void box_seal_once(void *context)
{
    const uint8_t *public_key = context;
    uint8_t key[32] = {1}, box[sizeof key + crypto_box_SEALBYTES];
    bench_require(crypto_box_seal(box, key, sizeof key, public_key) == 0, "sealing a box");
}

static void floor_box_seal(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    uint8_t public_key[32], secret[32];
    (void)crypto_box_keypair(public_key, secret);
    bench_measure(name, 1, box_seal_once, public_key);
}

static void hash_once(void *context)
{
    uint8_t *bytes = context;
    (void)crypto_generichash(bytes, 32, bytes, RECORD_BYTES, NULL, 0);
}

static void floor_hash(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    uint8_t bytes[RECORD_BYTES] = {1};
    bench_measure(name, 1, hash_once, bytes);
}

struct lanes {
    uint16_t state[STATE_BYTES / 2], element[STATE_BYTES / 2];
    uint8_t key[32], nonce[8];
};

/* LtHash alone: expand, add; no hashing of what is expanded. */
static void expand_once(void *context)
{
    struct lanes *lanes = context;
    lanes->key[0]++;
    (void)crypto_stream_chacha20((uint8_t *)lanes->element, sizeof lanes->element, lanes->nonce, lanes->key);
    for (size_t i = 0; i < STATE_BYTES / 2; i++) lanes->state[i] = (uint16_t)(lanes->state[i] + lanes->element[i]);
}

static void floor_lthash(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    struct lanes lanes = {.key = {1}};
    bench_measure(name, 1, expand_once, &lanes);
}

static void stretch_once(void *context)
{
    uint8_t *key = context;
    static const uint8_t salt[crypto_pwhash_SALTBYTES];
    bench_require(crypto_pwhash(key, 32, "correct horse", 13, salt, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) == 0,
                  "Argon2id");
}

static void floor_argon2id(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    uint8_t key[32];
    bench_measure(name, 1, stretch_once, key);
}

/* ---- Floors: SQLite alone ---- */

static void floor_insert(const char *name, uint32_t body_bytes)
{
    bench_insert(name, 100000, 1000, body_bytes, false);
}

static void floor_insert_view(const char *name, uint32_t body_bytes)
{
    bench_insert(name, 100000, 1000, body_bytes, true);
}

static void floor_commit(const char *name, uint32_t body_bytes)
{
    bench_insert(name, 2000, 1, body_bytes, false);
}

/* ---- The engine's own ---- */

struct bundle {
    struct sat_squeezer *squeezer;
    struct sat_manifest manifest;
    struct sat_bundle_key key;
    struct sat_plain_change plain[CHANGES];
    struct sat_change changes[CHANGES];
    struct sat_buf sealed[CHANGES];
    struct sat_buf header, encoded;
    struct sat_space_row space;
    char text[CHANGES][RECORD_BYTES];
};

static void seal_changes(void *context)
{
    struct bundle *bundle = context;
    for (uint32_t i = 0; i < CHANGES; i++) {
        sat_buf_clear(&bundle->sealed[i]);
        bench_require(sat_seal_change(bundle->squeezer, &bundle->key, &bundle->manifest, i, &bundle->plain[i],
                                      &bundle->sealed[i]) == SAT_OK,
                      "sealing a change");
    }
}

static void unseal_changes(void *context)
{
    struct bundle *bundle = context;
    struct sat_buf plain;
    sat_buf_init(&plain);
    for (uint32_t i = 0; i < CHANGES; i++) {
        sat_buf_clear(&plain);
        bench_require(sat_unseal_change(bundle->squeezer, &bundle->key, &bundle->manifest, i, &bundle->plain[i].record,
                                        bundle->plain[i].header, sat_buf_span(&bundle->sealed[i]), &plain) == SAT_OK,
                      "unsealing a change");
    }
    sat_buf_deinit(&plain);
}

static void decode_changes(void *context)
{
    struct bundle *bundle = context;
    struct sat_arena arena;
    struct sat_bundle out;
    struct sat_header header;
    sat_arena_init(&arena);
    bench_require(sat_bundle_decode(sat_buf_span(&bundle->encoded), &bundle->manifest.org, &bundle->manifest.space,
                                    &arena, &out) == SAT_OK,
                  "decoding a bundle");
    for (uint32_t i = 0; i < CHANGES; i++)
        bench_require(sat_header_decode(out.changes[i].header, &arena, &header) == SAT_OK, "decoding a header");
    sat_arena_deinit(&arena);
}

static void digest_changes(void *context)
{
    struct bundle *bundle = context;
    for (uint32_t i = 0; i < CHANGES; i++)
        sat_digest_add(&bundle->space, &bundle->changes[i].record, (struct sat_dot){1, i + 1},
                       &bundle->changes[i].rest);
}

/* A bundle of records as reps write them: new ones, so that their headers hold little more than a time. */
static void make_bundle(struct bundle *bundle)
{
    *bundle =
        (struct bundle){.manifest = {.suite = SAT_SUITE_1, .epoch = 1, .device = 1, .first = 1, .count = CHANGES}};
    bench_require(sat_squeezer_new(&bundle->squeezer) == SAT_OK, "making a squeezer");
    struct sat_header header = {.hlc = 1};
    sat_header_encode(&header, &bundle->header);
    for (uint32_t i = 0; i < CHANGES; i++) {
        bench_text(i, bundle->text[i], RECORD_BYTES);
        bundle->plain[i] = (struct sat_plain_change){.record = {{(uint8_t)i, 1}},
                                                     .header = sat_buf_span(&bundle->header),
                                                     .body = sat_span_text(bundle->text[i]),
                                                     .compress = true};
    }
    seal_changes(bundle);
    for (uint32_t i = 0; i < CHANGES; i++) {
        struct sat_change *change = &bundle->changes[i];
        *change = (struct sat_change){.record = bundle->plain[i].record,
                                      .header = bundle->plain[i].header,
                                      .body = sat_buf_span(&bundle->sealed[i])};
        change->rest = sat_change_rest(change->header, change->body);
    }
    struct sat_bundle whole = {.manifest = bundle->manifest, .changes = bundle->changes, .form = SAT_BUNDLE_FULL};
    sat_bundle_encode(&whole, SAT_BUNDLE_FULL, &bundle->encoded);
}

static void free_bundle(struct bundle *bundle)
{
    for (uint32_t i = 0; i < CHANGES; i++) sat_buf_deinit(&bundle->sealed[i]);
    sat_buf_deinit(&bundle->header);
    sat_buf_deinit(&bundle->encoded);
    sat_squeezer_free(bundle->squeezer);
}

static void on_bundle(const char *name, void (*work)(void *context))
{
    static struct bundle bundle; /* too large for a stack */
    make_bundle(&bundle);
    bench_measure(name, CHANGES, work, &bundle);
    free_bundle(&bundle);
}

static void engine_seal(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    on_bundle(name, seal_changes);
}

static void engine_unseal(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    on_bundle(name, unseal_changes);
}

static void engine_decode(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    on_bundle(name, decode_changes);
}

static void engine_digest(const char *name, uint32_t body_bytes)
{
    (void)body_bytes;
    on_bundle(name, digest_changes);
}

static const struct {
    const char *name;
    void (*run)(const char *name, uint32_t body_bytes);
} all[] = {
    {"seal", floor_seal},
    {"unseal", floor_unseal},
    {"sign", floor_sign},
    {"verify", floor_verify},
    {"box_seal", floor_box_seal},
    {"hash", floor_hash},
    {"lthash", floor_lthash},
    {"argon2id", floor_argon2id},
    {"insert", floor_insert},
    {"insert_view", floor_insert_view},
    {"commit", floor_commit},
    {"engine_seal", engine_seal},
    {"engine_unseal", engine_unseal},
    {"engine_decode", engine_decode},
    {"engine_digest", engine_digest},
};

int main(int argc, char **argv)
{
    uint32_t body_bytes = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    bench_require(body_bytes > 0, "bench_engine BODY_BYTES NAME…");
    bench_require(sodium_init() >= 0, "starting libsodium");
    for (int a = 2; a < argc; a++) {
        bool known = false;
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) known = known || strcmp(argv[a], all[i].name) == 0;
        bench_require(known, argv[a]);
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool wanted = argc == 2;
        for (int a = 2; a < argc; a++) wanted = wanted || strcmp(argv[a], all[i].name) == 0;
        if (wanted) all[i].run(all[i].name, body_bytes);
    }
    return 0;
}
