/* Prints the golden vectors of common/vault: epoch keys, sealed changes and drafts, the squeezed form, the keyring,
 * invites and the recovery kit. The output is committed as vault.json; the build compares the two, check_vault.py
 * computes the same by its own means. Where the product draws from the system's randomness or depends on zstd's
 * version, what it would make is an input here and is opened. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/vault/invite.h"
#include "common/vault/kit.h"
#include "common/vault/seal.h"
#include "common/vault/squeeze.h"
#include "tests/vectors/emit.h"

static const char HEADER[] = "\x02\x01\x02\x03\x04\x05\x06\x07\x08\x01\x05\x0a";
static const char BODY[] = "\x94\x03\x01\x91\x92\x04\xa7renewal\xc0";

static struct sat_epoch_key epoch_key(unsigned start)
{
    struct sat_epoch_key key;
    emit_fill(key.b, sizeof key.b, start);
    return key;
}

static struct sat_epoch_ctx emit_ctx(struct emit *emit, uint32_t epoch)
{
    struct sat_epoch_ctx ctx = {.org = emit_some_hash(20), .epoch = epoch, .suite = SAT_SUITE_1};
    emit_fill(ctx.space.b, sizeof ctx.space.b, 30);
    emit_hash(emit, "org", &ctx.org);
    emit_hex(emit, "space", SAT_SPAN(ctx.space.b));
    emit_number(emit, "epoch", epoch);
    emit_number(emit, "suite", ctx.suite);
    return ctx;
}

/* ---- Epochs ---- */

static void commitment(struct emit *emit, const char *name, uint32_t epoch)
{
    struct sat_epoch_key key = epoch_key(1);
    emit_begin(emit, "kc", name);
    emit_hex(emit, "key", SAT_SPAN(key.b));
    struct sat_epoch_ctx ctx = emit_ctx(emit, epoch);
    struct sat_hash kc = sat_epoch_commitment(&key, &ctx);
    emit_outputs(emit);
    emit_hash(emit, "kc", &kc);
    emit_end(emit);
}

/* crypto_box_seal() with an ephemeral key that is known. */
static void seal_box(const struct sat_epoch_key *key, const uint8_t ephemeral[32], const uint8_t recipient[32],
                     uint8_t out[SAT_BOX_BYTES])
{
    uint8_t nonce[crypto_box_NONCEBYTES];
    crypto_generichash_state state;
    crypto_scalarmult_base(out, ephemeral);
    crypto_generichash_init(&state, NULL, 0, sizeof nonce);
    crypto_generichash_update(&state, out, 32);
    crypto_generichash_update(&state, recipient, 32);
    crypto_generichash_final(&state, nonce, sizeof nonce);
    sat_check(crypto_box_easy(out + 32, key->b, sizeof key->b, nonce, recipient, ephemeral) == 0);
}

static void box(struct emit *emit)
{
    struct sat_epoch_key key = epoch_key(2), opened;
    struct sat_box_secret recipient;
    struct sat_public_key recipient_public;
    uint8_t ephemeral[32], bytes[SAT_BOX_BYTES];
    emit_fill(recipient.b, sizeof recipient.b, 40);
    emit_fill(ephemeral, sizeof ephemeral, 41);
    crypto_scalarmult_base(recipient_public.b, recipient.b);
    emit_begin(emit, "box-open", "a key for a device");
    emit_hex(emit, "recipient_secret", SAT_SPAN(recipient.b));
    emit_hex(emit, "ephemeral_secret", SAT_SPAN(ephemeral));
    struct sat_epoch_ctx ctx = emit_ctx(emit, 7);
    struct sat_hash kc = sat_epoch_commitment(&key, &ctx);
    seal_box(&key, ephemeral, recipient_public.b, bytes);
    sat_check(sat_epoch_box_open(bytes, &recipient_public, &recipient, &ctx, &kc, &opened) == SAT_OK);
    emit_hex(emit, "box", SAT_SPAN(bytes));
    emit_outputs(emit);
    emit_hex(emit, "key", SAT_SPAN(opened.b));
    emit_hash(emit, "kc", &kc);
    emit_hex(emit, "sealed_again", SAT_SPAN(bytes));
    emit_end(emit);
}

/* Where nobody honest has the key of the epoch before. */
static void chain_over(struct emit *emit)
{
    struct sat_epoch_key key = epoch_key(3), previous = epoch_key(4);
    uint8_t nonce[24], bytes[SAT_CHAIN_BYTES];
    sat_epoch_chain_nonce(8, 5, nonce);
    emit_begin(emit, "chain-over", "epoch 8 to epoch 5");
    emit_hex(emit, "key", SAT_SPAN(key.b));
    emit_hex(emit, "previous_key", SAT_SPAN(previous.b));
    emit_number(emit, "previous_epoch", 5);
    struct sat_epoch_ctx ctx = emit_ctx(emit, 8), before = ctx;
    before.epoch = 5;
    sat_epoch_chain_seal(&key, &ctx, &previous, &before, nonce, bytes);
    struct sat_hash kc = sat_epoch_commitment(&previous, &before);
    emit_outputs(emit);
    emit_hex(emit, "chain", SAT_SPAN(bytes));
    emit_hash(emit, "previous_kc", &kc);
    emit_end(emit);
}

static void twin(struct emit *emit)
{
    struct sat_epoch_key key = epoch_key(3);
    emit_begin(emit, "twin", "of epoch 8, for epoch 7");
    emit_hex(emit, "key", SAT_SPAN(key.b));
    struct sat_epoch_ctx before = emit_ctx(emit, 7);
    struct sat_epoch_key found = sat_epoch_twin(&key, &before);
    struct sat_hash kc = sat_epoch_commitment(&found, &before);
    emit_outputs(emit);
    emit_hex(emit, "twin", SAT_SPAN(found.b));
    emit_hash(emit, "kc", &kc);
    emit_end(emit);
}

static void chain(struct emit *emit)
{
    struct sat_epoch_key key = epoch_key(3), previous = epoch_key(4);
    uint8_t nonce[24], bytes[SAT_CHAIN_BYTES];
    emit_fill(nonce, sizeof nonce, 50);
    emit_begin(emit, "chain", "epoch 8 to epoch 7");
    emit_hex(emit, "key", SAT_SPAN(key.b));
    emit_hex(emit, "previous_key", SAT_SPAN(previous.b));
    emit_hex(emit, "nonce", SAT_SPAN(nonce));
    struct sat_epoch_ctx ctx = emit_ctx(emit, 8), before = ctx;
    before.epoch = 7;
    sat_epoch_chain_seal(&key, &ctx, &previous, &before, nonce, bytes);
    struct sat_hash kc = sat_epoch_commitment(&previous, &before);
    emit_outputs(emit);
    emit_hex(emit, "chain", SAT_SPAN(bytes));
    emit_hash(emit, "previous_kc", &kc);
    emit_end(emit);
}

/* ---- Bundles ---- */

static struct sat_manifest emit_manifest(struct emit *emit, uint32_t count)
{
    struct sat_epoch_ctx ctx = emit_ctx(emit, 3);
    struct sat_manifest manifest = {.suite = ctx.suite,
                                    .org = ctx.org,
                                    .space = ctx.space,
                                    .epoch = ctx.epoch,
                                    .device = 70000,
                                    .first = UINT64_C(5000000000),
                                    .count = count};
    emit_fill(manifest.nonce, sizeof manifest.nonce, 60);
    emit_number(emit, "device", manifest.device);
    emit_number(emit, "first", manifest.first);
    emit_number(emit, "count", manifest.count);
    return manifest;
}

static void nonce(struct emit *emit, const char *name, uint32_t count)
{
    uint8_t nonce_key[32], random[32];
    struct sat_plain_change changes[] = {
        {.header = sat_span(HEADER, sizeof HEADER - 1), .body = sat_span(BODY, sizeof BODY - 1)},
        {.header = sat_span(HEADER, 9), .body = sat_span_text("")}};
    struct sat_manifest manifest = {.count = count};
    emit_fill(nonce_key, sizeof nonce_key, 70);
    emit_fill(random, sizeof random, 71);
    sat_seal_nonce(&manifest, nonce_key, random, changes);
    emit_begin(emit, "n16", name);
    emit_hex(emit, "nonce_key", SAT_SPAN(nonce_key));
    emit_hex(emit, "random", SAT_SPAN(random));
    emit_list(emit, "headers");
    for (uint32_t i = 0; i < count; i++) emit_item_hex(emit, changes[i].header);
    emit_list_end(emit);
    emit_list(emit, "bodies");
    for (uint32_t i = 0; i < count; i++) emit_item_hex(emit, changes[i].body);
    emit_list_end(emit);
    emit_outputs(emit);
    emit_hex(emit, "nonce", SAT_SPAN(manifest.nonce));
    emit_end(emit);
}

static void bundle_key(struct emit *emit)
{
    struct sat_epoch_key key = epoch_key(5);
    struct sat_bundle_key bk;
    emit_begin(emit, "bk", "a bundle of three");
    emit_hex(emit, "key", SAT_SPAN(key.b));
    struct sat_manifest manifest = emit_manifest(emit, 3);
    emit_hex(emit, "nonce", SAT_SPAN(manifest.nonce));
    sat_bundle_key_derive(&key, &manifest, &bk);
    emit_outputs(emit);
    emit_hex(emit, "bk", SAT_SPAN(bk.b));
    emit_end(emit);
}

static void change(struct emit *emit, struct sat_squeezer *squeezer, const char *name, uint32_t index,
                   struct sat_span header, struct sat_span body)
{
    struct sat_bundle_key bk;
    struct sat_plain_change plain = {.header = header, .body = body};
    struct sat_buf sealed = {0}, opened = {0};
    emit_fill(bk.b, sizeof bk.b, 80);
    emit_fill(plain.record.b, sizeof plain.record.b, 81);
    emit_begin(emit, "change", name);
    emit_hex(emit, "bk", SAT_SPAN(bk.b));
    struct sat_manifest manifest = emit_manifest(emit, 300);
    emit_hex(emit, "nonce", SAT_SPAN(manifest.nonce));
    emit_number(emit, "index", index);
    emit_hex(emit, "record", SAT_SPAN(plain.record.b));
    emit_hex(emit, "header", header);
    emit_hex(emit, "body_stored", body);
    sat_check(sat_seal_change(squeezer, &bk, &manifest, index, &plain, &sealed) == SAT_OK);
    sat_check(sat_unseal_change(squeezer, &bk, &manifest, index, &plain.record, header, sat_buf_span(&sealed),
                                &opened) == SAT_OK);
    sat_check(sat_span_equal(sat_buf_span(&opened), body));
    emit_outputs(emit);
    emit_hex(emit, "sealed", sat_buf_span(&sealed));
    emit_end(emit);
    sat_buf_deinit(&sealed);
    sat_buf_wipe(&opened);
}

/* ---- The squeezed form ---- */

static void bucket(struct emit *emit, uint64_t len)
{
    emit_begin(emit, "bucket", "of a length");
    emit_number(emit, "len", len);
    emit_outputs(emit);
    emit_number(emit, "bucket", sat_squeeze_bucket((size_t)len));
    emit_end(emit);
}

static void unsqueeze(struct emit *emit, struct sat_squeezer *squeezer, const char *name, struct sat_span squeezed)
{
    struct sat_buf plain = {0};
    sat_check(sat_unsqueeze(squeezer, squeezed, 4096, &plain) == SAT_OK);
    emit_begin(emit, "unsqueeze", name);
    emit_hex(emit, "squeezed", squeezed);
    emit_outputs(emit);
    emit_hex(emit, "plain", sat_buf_span(&plain));
    emit_end(emit);
    sat_buf_deinit(&plain);
}

static void squeezed(struct emit *emit, struct sat_squeezer *squeezer)
{
    static const uint64_t lens[] = {0, 1, 32, 33, 256, 257, 321, 417, 1409, 98306};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) bucket(emit, lens[i]);
    static const char stored[32] = "\0stored\x80", empty[32] = "\0\x80";
    unsqueeze(emit, squeezer, "stored", SAT_SPAN(stored));
    unsqueeze(emit, squeezer, "nothing", SAT_SPAN(empty));
    /* As squeeze.c made it with zstd 1.5.4; any version must open it. */
    static const char *const compressed[] = {"01d8940301939204a79205d93561206252627920319207a4646f6e65c007fc54e7c098f83"
                                             "3ada696b1f0badecf06d4c01ccc0441198000000000000000000000",
                                             "01e8940301939205d94135e69c8831898de7bb999bb4e5af84a4646f6e65c00afc5ebf280"
                                             "bc2cc8fc117f462030c4e0ee6fd416aa2d79a2386c0a8ac86c35a80"};
    for (size_t i = 0; i < sizeof compressed / sizeof compressed[0]; i++) {
        uint8_t bytes[128];
        size_t len = strlen(compressed[i]) / 2;
        sat_check(len <= sizeof bytes && sat_hex_parse(compressed[i], bytes, len) == SAT_OK);
        unsqueeze(emit, squeezer, i ? "compressed, Chinese" : "compressed, English", sat_span(bytes, len));
    }
}

/* ---- At rest on the device ---- */

static void draft(struct emit *emit, const char *name, struct sat_span header, struct sat_span body)
{
    uint8_t store_key[32], draft_nonce[24];
    struct sat_record_id record;
    struct sat_buf sealed = {0};
    emit_fill(store_key, sizeof store_key, 90);
    emit_fill(draft_nonce, sizeof draft_nonce, 91);
    emit_fill(record.b, sizeof record.b, 92);
    sat_seal_draft(store_key, UINT64_C(1) << 40, &record, header, body, draft_nonce, &sealed);
    emit_begin(emit, "draft", name);
    emit_hex(emit, "store_key", SAT_SPAN(store_key));
    emit_number(emit, "counter", UINT64_C(1) << 40);
    emit_hex(emit, "record", SAT_SPAN(record.b));
    emit_hex(emit, "header", header);
    emit_hex(emit, "body", body);
    emit_hex(emit, "nonce", SAT_SPAN(draft_nonce));
    emit_outputs(emit);
    emit_hex(emit, "sealed", sat_buf_span(&sealed));
    emit_end(emit);
    sat_buf_deinit(&sealed);
}

static struct sat_keyring *keyring(struct emit *emit, const char *name, bool admin, const char *passphrase,
                                   struct sat_keyring_cost cost)
{
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 11);
    struct sat_keyring *made;
    struct sat_hash org = emit_some_hash(20);
    struct sat_buf file = {0};
    sat_check(sat_keyring_new(&entropy, &made) == SAT_OK);
    sat_keyring_set_member(made, &org, 70000);
    if (admin) sat_keyring_make_admin(made, &entropy);
    sat_check(sat_keyring_seal(made, sat_span_text(passphrase), cost, &entropy, &file) == SAT_OK);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(made);
    struct sat_public_key sign_public = sat_keyring_sign_public(made), box_public = sat_keyring_box_public(made);
    emit_begin(emit, "keyring", name);
    emit_text(emit, "passphrase", passphrase);
    emit_hex(emit, "file", sat_buf_span(&file));
    emit_outputs(emit);
    emit_hash(emit, "org", &secrets->org);
    emit_number(emit, "device", secrets->device);
    emit_hex(emit, "sign", SAT_SPAN(secrets->sign.b));
    emit_hex(emit, "box", SAT_SPAN(secrets->box.b));
    emit_hex(emit, "nonce_key", SAT_SPAN(secrets->nonce_key));
    emit_hex(emit, "store_key", SAT_SPAN(secrets->store_key));
    emit_hex(emit, "sign_public", SAT_SPAN(sign_public.b));
    emit_hex(emit, "box_public", SAT_SPAN(box_public.b));
    emit_hex(emit, "admin", sat_span(secrets->admin.b, admin ? sizeof secrets->admin.b : 0));
    emit_end(emit);
    sat_buf_deinit(&file);
    return made;
}

static void stored_key(struct emit *emit, const struct sat_keyring *keyring)
{
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 12);
    struct sat_epoch_key key = epoch_key(6);
    struct sat_fault fault;
    struct sat_store *store;
    struct sat_keys *keys;
    struct sat_arena arena;
    struct sat_span sealed;
    struct sat_space_id space;
    bool found;
    sat_arena_init(&arena);
    emit_fill(space.b, sizeof space.b, 30);
    sat_check(sat_store_open(":memory:", SAT_STORE_CREATE, &store, &fault) == SAT_OK);
    sat_check(sat_keys_new(store, keyring, &entropy, &keys) == SAT_OK && sat_store_begin(store) == SAT_OK);
    sat_check(sat_keys_add(keys, &space, 9, &key) == SAT_OK);
    sat_check(sat_store_key_get(store, &space, 9, &arena, &sealed, &found) == SAT_OK && found);
    emit_begin(emit, "stored-key", "of epoch 9");
    emit_hex(emit, "store_key", SAT_SPAN(sat_keyring_secrets(keyring)->store_key));
    emit_hash(emit, "org", &sat_keyring_secrets(keyring)->org);
    emit_hex(emit, "space", SAT_SPAN(space.b));
    emit_number(emit, "epoch", 9);
    emit_hex(emit, "key", SAT_SPAN(key.b));
    emit_hex(emit, "nonce", sat_span(sealed.at, 24));
    emit_outputs(emit);
    emit_hex(emit, "sealed", sealed);
    emit_end(emit);
    sat_keys_free(keys);
    sat_store_close(store);
    sat_arena_deinit(&arena);
}

static void at_rest(struct emit *emit)
{
    struct sat_span header = sat_span(HEADER, sizeof HEADER - 1);
    draft(emit, "of a small change", header, sat_span(BODY, sizeof BODY - 1));
    draft(emit, "of nothing", (struct sat_span){0}, (struct sat_span){0});
    struct sat_keyring_cost more = {.ops = 2, .mem_bytes = 64 * 1024};
    sat_keyring_free(keyring(emit, "of a device", false, "correct horse battery staple", sat_keyring_cost_minimum()));
    sat_keyring_free(keyring(emit, "two passes, 64 KiB", false, "x", more));
    struct sat_keyring *admins = keyring(emit, "of an admin", true, "", sat_keyring_cost_minimum());
    stored_key(emit, admins);
    sat_keyring_free(admins);
}

/* ---- Invites ---- */

static struct sat_invite_code emit_code(struct emit *emit, const char *url)
{
    struct sat_invite_code code = {.org = emit_some_hash(20), .dir_seq = 4711};
    (void)snprintf(code.url, sizeof code.url, "%s", url);
    emit_fill(code.server.b, sizeof code.server.b, 100);
    emit_fill(code.dir_hash, sizeof code.dir_hash, 101);
    emit_fill(code.secret, sizeof code.secret, 102);
    emit_hash(emit, "org", &code.org);
    emit_hex(emit, "secret", SAT_SPAN(code.secret));
    return code;
}

static void emit_pairs(struct emit *emit, const struct sat_sign_key *sign, const struct sat_public_key *sign_public,
                       const struct sat_box_secret *box_secret, const struct sat_public_key *box_public)
{
    emit_hex(emit, "sign", SAT_SPAN(sign->b));
    emit_hex(emit, "sign_public", SAT_SPAN(sign_public->b));
    emit_hex(emit, "box", SAT_SPAN(box_secret->b));
    emit_hex(emit, "box_public", SAT_SPAN(box_public->b));
}

static void invites(struct emit *emit)
{
    static const char *const urls[] = {"wss://satchel.example:8443", "ws://127.0.0.1:1", "wss://[::1]:9"};
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        emit_begin(emit, "invite-code", "a code");
        struct sat_invite_code code = emit_code(emit, urls[i]), again;
        emit_text(emit, "url", code.url);
        emit_hex(emit, "server", SAT_SPAN(code.server.b));
        emit_number(emit, "dir_seq", code.dir_seq);
        emit_hex(emit, "dir_hash", SAT_SPAN(code.dir_hash));
        const char *text = sat_invite_code_format(&code, &arena);
        sat_check(sat_invite_code_parse(text, &again, NULL) == SAT_OK);
        emit_outputs(emit);
        emit_text(emit, "code", text);
        emit_end(emit);
    }
    struct sat_invite_keys keys;
    emit_begin(emit, "invite-keys", "of a code");
    struct sat_invite_code code = emit_code(emit, urls[0]);
    sat_invite_keys_derive(&code, &keys);
    emit_outputs(emit);
    emit_pairs(emit, &keys.sign, &keys.sign_public, &keys.box, &keys.box_public);
    emit_end(emit);
    sat_arena_deinit(&arena);
}

/* ---- The recovery kit ---- */

static void kit(struct emit *emit)
{
    uint8_t seed[SAT_KIT_SEED_BYTES];
    struct sat_kit_keys keys;
    emit_fill(seed, sizeof seed, 120);
    sat_kit_keys_derive(seed, &keys);
    emit_begin(emit, "kit-keys", "of a seed");
    emit_hex(emit, "seed", SAT_SPAN(seed));
    emit_outputs(emit);
    emit_pairs(emit, &keys.sign, &keys.sign_public, &keys.box, &keys.box_public);
    emit_end(emit);
}

int main(void)
{
    struct emit emit;
    uint8_t long_header[300];
    struct sat_squeezer *squeezer;
    if (sodium_init() < 0 || sat_squeezer_new(&squeezer)) return EXIT_FAILURE;
    emit_fill(long_header, sizeof long_header, 110);
    emit_open(&emit, stdout, "vault");
    commitment(&emit, "epoch 1", 1);
    commitment(&emit, "a late epoch", 4000000000);
    box(&emit);
    chain(&emit);
    chain_over(&emit);
    twin(&emit);
    nonce(&emit, "one change", 1);
    nonce(&emit, "two changes", 2);
    bundle_key(&emit);
    change(&emit, squeezer, "the first", 0, sat_span(HEADER, sizeof HEADER - 1), sat_span(BODY, sizeof BODY - 1));
    change(&emit, squeezer, "a long header", 299, SAT_SPAN(long_header), sat_span(BODY, 0));
    squeezed(&emit, squeezer);
    at_rest(&emit);
    invites(&emit);
    kit(&emit);
    emit_close(&emit);
    sat_squeezer_free(squeezer);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
