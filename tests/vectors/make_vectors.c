/* Prints the golden vectors of common/proof: fixed inputs and what every construction makes of them. The output is
 * committed as proof.json; the build compares the two, check_proof.py computes the same by its own means. A vector
 * never changes: a construction that does gets a new label and new vectors beside the old. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/bundle.h"
#include "common/proof/handshake.h"
#include "common/proof/hash.h"
#include "common/proof/header.h"
#include "common/proof/merkle.h"
#include "tests/vectors/emit.h"
#include "tests/vectors/emit_log.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DOTS(array) ((struct sat_dots){(array), COUNT(array)})

/* ---- H, HK, SIG, varints ---- */

static void hashes(struct emit *emit)
{
    uint8_t message[200], key[32];
    static const size_t lens[] = {0, 1, 64, 200};
    emit_fill(message, sizeof message, 1);
    emit_fill(key, sizeof key, 0x80);
    for (size_t i = 0; i < COUNT(lens); i++) {
        char name[40];
        struct sat_span span = sat_span(message, lens[i]);
        snprintf(name, sizeof name, "%zu bytes", lens[i]);
        struct sat_hash plain = sat_hash("example", span), keyed = sat_hash_keyed(key, "example", span);
        emit_begin(emit, "H", name);
        emit_text(emit, "label", "example");
        emit_hex(emit, "message", span);
        emit_outputs(emit);
        emit_hash(emit, "hash", &plain);
        emit_end(emit);
        emit_begin(emit, "HK", name);
        emit_hex(emit, "key", SAT_SPAN(key));
        emit_text(emit, "label", "example");
        emit_hex(emit, "message", span);
        emit_outputs(emit);
        emit_hash(emit, "hash", &keyed);
        emit_end(emit);
    }
}

static void signature(struct emit *emit, const char *name, const char *label, const struct sat_hash *of_org, size_t len)
{
    uint8_t message[200];
    emit_fill(message, sizeof message, 2);
    emit_begin(emit, "SIG", name);
    struct sat_sign_key key = emit_seed(emit, 0x50);
    struct sat_signature made = sat_sign(&key, label, of_org, sat_span(message, len));
    emit_text(emit, "label", label);
    emit_hash(emit, "org", of_org);
    emit_hex(emit, "message", sat_span(message, len));
    emit_outputs(emit);
    emit_signature(emit, &key, &made);
    emit_end(emit);
}

static void signatures(struct emit *emit)
{
    struct sat_hash ours = emit_some_org(), none = {{0}};
    signature(emit, "of an org", "example", &ours, 200);
    signature(emit, "inside a genesis", "example", &none, 200);
    signature(emit, "under another label", "other", &ours, 200);
    signature(emit, "of nothing", "example", &ours, 0);
}

static void varints(struct emit *emit)
{
    static const uint64_t numbers[] = {0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, SAT_COUNTER_MAX, UINT64_MAX};
    struct sat_buf buf;
    sat_buf_init(&buf);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        sat_buf_clear(&buf);
        sat_put_varint(&buf, numbers[i]);
        emit_begin(emit, "varint", "shortest form");
        emit_number(emit, "number", numbers[i]);
        emit_outputs(emit);
        emit_hex(emit, "bytes", sat_buf_span(&buf));
        emit_end(emit);
    }
    sat_buf_deinit(&buf);
}

/* ---- Merkle trees ---- */

static void merkle(struct emit *emit)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 13};
    struct sat_hash leaves[13];
    for (unsigned i = 0; i < COUNT(leaves); i++) leaves[i] = emit_some_hash(i);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct sat_frontier frontier;
        struct sat_buf encoded;
        char name[40];
        snprintf(name, sizeof name, "%zu leaves", sizes[i]);
        sat_frontier_init(&frontier);
        sat_buf_init(&encoded);
        emit_begin(emit, "merkle", name);
        emit_list(emit, "leaves");
        for (size_t k = 0; k < sizes[i]; k++) {
            emit_item_hex(emit, SAT_SPAN(leaves[k].b));
            sat_frontier_append(&frontier, &leaves[k]);
        }
        emit_list_end(emit);
        struct sat_hash root = sat_merkle_root(leaves, sizes[i]);
        sat_frontier_encode(&frontier, &encoded);
        emit_outputs(emit);
        emit_hash(emit, "root", &root);
        emit_hex(emit, "frontier", sat_buf_span(&encoded));
        emit_end(emit);
        sat_buf_deinit(&encoded);
    }
}

/* ---- Headers ---- */

static void header(struct emit *emit, const char *name, const struct sat_header *header)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_header_encode(header, &bytes);
    emit_begin(emit, "header", name);
    emit_number(emit, "deletion", header->deletion);
    emit_number(emit, "disputed", header->disputed);
    emit_number(emit, "hlc", header->hlc);
    emit_dots(emit, "seen", header->seen);
    emit_dots(emit, "kept", header->kept);
    emit_dots(emit, "holes", header->holes);
    emit_list(emit, "blobs");
    for (uint32_t i = 0; i < header->blobs_n; i++) emit_item_hex(emit, SAT_SPAN(header->blobs[i].b));
    emit_list_end(emit);
    emit_outputs(emit);
    emit_hex(emit, "bytes", sat_buf_span(&bytes));
    emit_end(emit);
    sat_buf_deinit(&bytes);
}

static void headers(struct emit *emit)
{
    static const struct sat_dot seen[] = {{1, 300}, {2, 5}, {UINT32_MAX, SAT_COUNTER_MAX}};
    static const struct sat_dot kept[] = {{1, 299}, {1, 300}, {UINT32_MAX, 1}}, holes[] = {{1, 1}, {2, 5}};
    struct sat_hash blobs[] = {emit_some_hash(0x71), emit_some_hash(0x70)};
    uint64_t hlc = EMIT_TIME_MS << 16 | 7;
    header(emit, "the first write of a record", &(struct sat_header){.hlc = hlc});
    header(emit, "the smallest clock", &(struct sat_header){0});
    header(emit, "the largest clock", &(struct sat_header){.hlc = SAT_TIME_MS_MAX << 16 | 0xffff});
    header(emit, "a deletion", &(struct sat_header){.hlc = hlc, .deletion = true, .seen = DOTS(seen)});
    header(emit, "a deletion of what is in conflict",
           &(struct sat_header){.hlc = hlc, .deletion = true, .disputed = true, .seen = DOTS(seen)});
    header(emit, "seen and kept", &(struct sat_header){.hlc = hlc, .seen = DOTS(seen), .kept = DOTS(kept)});
    header(emit, "seen and holes", &(struct sat_header){.hlc = hlc, .seen = DOTS(seen), .holes = DOTS(holes)});
    header(emit, "blobs alone", &(struct sat_header){.hlc = hlc, .blobs = blobs, .blobs_n = COUNT(blobs)});
    struct sat_header everything = {.hlc = hlc,
                                    .deletion = true,
                                    .seen = DOTS(seen),
                                    .kept = DOTS(kept),
                                    .holes = DOTS(holes),
                                    .blobs = blobs,
                                    .blobs_n = COUNT(blobs)};
    header(emit, "everything", &everything);
}

static void refused_headers(struct emit *emit)
{
    static const struct {
        const char *name, *hex;
    } cases[] = {
        {"nothing", ""},
        {"cut in the clock", "0000000000000000"},
        {"a byte too many", "00000000000000000000"},
        {"an unknown flag", "400000000000000000"},
        {"disputed and no deletion", "200000000000000000"},
        {"a clock beyond its limit", "000000010000000080"},
        {"a part that is there but empty", "02000000000000000000"},
        {"a part without its flag", "000000000000000000010105"},
        {"a flag without its part", "020000000000000000"},
        {"a count in two bytes", "02000000000000000081000105"},
        {"a counter in two bytes", "02000000000000000001018500"},
        {"device 0", "020000000000000000010005"},
        {"device 2^32", "02000000000000000001808080801001"},
        {"counter 0", "020000000000000000010100"},
        {"counter 2^62 + 1", "0200000000000000000101818080808080808040"},
        {"seen descends", "0200000000000000000202050105"},
        {"seen has a device twice", "0200000000000000000201050106"},
        {"kept descends", "0600000000000000000101050201030102"},
        {"kept has a dot twice", "0600000000000000000101050201030103"},
        {"kept is beyond seen", "060000000000000000010105010106"},
        {"kept names a device that seen does not", "060000000000000000010105010201"},
        {"kept without seen", "040000000000000000010101"},
        {"a hole beyond seen", "0a0000000000000000010105010106"},
        {"a dot both kept and a hole", "0e0000000000000000010105010105010105"},
        {"more in seen than the limit", "0200000000000000008120"},
        {"more kept than the limit", "0600000000000000000101058120"},
        {"more blobs than the limit", "10000000000000000041"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t bytes[64];
        struct sat_arena arena;
        struct sat_header out;
        size_t len = strlen(cases[i].hex) / 2;
        sat_arena_init(&arena);
        sat_check(len <= sizeof bytes && sat_hex_parse(cases[i].hex, bytes, len) == SAT_OK);
        emit_begin(emit, "header-refused", cases[i].name);
        emit_hex(emit, "bytes", sat_span(bytes, len));
        emit_outputs(emit);
        emit_text(emit, "error", sat_err_name(sat_header_decode(sat_span(bytes, len), &arena, &out)));
        emit_end(emit);
        sat_arena_deinit(&arena);
    }
}

/* ---- Changes and bundles ---- */

/* The parts of the example changes; the second is a stub. */
struct example {
    uint8_t body[3][96];
    struct sat_buf header[3];
    struct sat_change change[3];
};

static void make_example(struct example *example)
{
    static const struct sat_dot seen[] = {{2, 41}};
    for (unsigned i = 0; i < 3; i++) {
        struct sat_header header = {.hlc = EMIT_TIME_MS << 16 | i, .seen = i ? DOTS(seen) : (struct sat_dots){0}};
        struct sat_change *change = &example->change[i];
        sat_buf_init(&example->header[i]);
        sat_header_encode(&header, &example->header[i]);
        emit_fill(example->body[i], sizeof example->body[i], 0x90 + i);
        *change = (struct sat_change){.header = sat_buf_span(&example->header[i]),
                                      .body = sat_span(example->body[i], i ? 96 : 48)};
        emit_fill(change->record.b, sizeof change->record.b, 0xa0 + i);
        change->rest = sat_change_rest(change->header, change->body);
    }
    struct sat_change *stub = &example->change[1];
    stub->stub = true;
    stub->header = stub->body = (struct sat_span){0};
}

static void free_example(struct example *example)
{
    for (unsigned i = 0; i < 3; i++) sat_buf_deinit(&example->header[i]);
}

static void change(struct emit *emit, const char *name, const struct sat_change *change)
{
    struct sat_hash rest = sat_change_rest(change->header, change->body);
    struct sat_hash leaf = sat_change_leaf(&change->record, &rest);
    struct sat_buf stub;
    sat_buf_init(&stub);
    sat_put_bytes(&stub, change->record.b, sizeof change->record.b);
    sat_put_bytes(&stub, rest.b, sizeof rest.b);
    emit_begin(emit, "change", name);
    emit_hex(emit, "record", SAT_SPAN(change->record.b));
    emit_hex(emit, "header", change->header);
    emit_hex(emit, "body", change->body);
    emit_outputs(emit);
    emit_hash(emit, "rest", &rest);
    emit_hash(emit, "leaf", &leaf);
    emit_hex(emit, "stub", sat_buf_span(&stub));
    emit_end(emit);
    sat_buf_deinit(&stub);
}

/* The changes as lists side by side: a stub has an empty header and body, and its rest goes in. */
static void emit_changes(struct emit *emit, const struct sat_change *changes, uint32_t n)
{
    emit_list(emit, "records");
    for (uint32_t i = 0; i < n; i++) emit_item_hex(emit, SAT_SPAN(changes[i].record.b));
    emit_list_end(emit);
    emit_list(emit, "headers");
    for (uint32_t i = 0; i < n; i++) emit_item_hex(emit, changes[i].header);
    emit_list_end(emit);
    emit_list(emit, "bodies");
    for (uint32_t i = 0; i < n; i++) emit_item_hex(emit, changes[i].body);
    emit_list_end(emit);
    emit_list(emit, "stub_rests");
    for (uint32_t i = 0; i < n; i++)
        emit_item_hex(emit, changes[i].stub ? SAT_SPAN(changes[i].rest.b) : (struct sat_span){0});
    emit_list_end(emit);
}

static void emit_manifest(struct emit *emit, const struct sat_manifest *manifest)
{
    emit_number(emit, "suite", manifest->suite);
    emit_hash(emit, "org", &manifest->org);
    emit_hex(emit, "space", SAT_SPAN(manifest->space.b));
    emit_number(emit, "epoch", manifest->epoch);
    emit_number(emit, "device", manifest->device);
    emit_number(emit, "first", manifest->first);
    emit_number(emit, "count", manifest->count);
    emit_hex(emit, "nonce", SAT_SPAN(manifest->nonce));
    emit_hash(emit, "prev", &manifest->prev);
    emit_number(emit, "dir_seq", manifest->dir_seq);
    emit_hash(emit, "dir_hash", &manifest->dir_hash);
    emit_hex(emit, "log_epoch", SAT_SPAN(manifest->log_epoch.b));
    emit_number(emit, "w_size", manifest->w_size);
    emit_hash(emit, "w_root", &manifest->w_root);
}

/* `of` has everything but R, the signature and the id. */
static void bundle(struct emit *emit, const char *name, const struct sat_bundle *of)
{
    struct sat_bundle bundle = *of;
    struct sat_manifest *manifest = &bundle.manifest;
    uint8_t bytes[SAT_MANIFEST_BYTES];
    struct sat_buf full, abbreviated;
    emit_begin(emit, "bundle", name);
    struct sat_sign_key key = emit_seed(emit, 0x60);
    emit_manifest(emit, manifest);
    emit_changes(emit, bundle.changes, manifest->count);
    manifest->changes_root = sat_changes_root(bundle.changes, manifest->count);
    bundle.signature = sat_bundle_sign(manifest, &key);
    bundle.id = sat_bundle_id(manifest);
    sat_manifest_encode(manifest, bytes);
    sat_buf_init(&full);
    sat_buf_init(&abbreviated);
    sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &full);
    sat_bundle_encode(&bundle, SAT_BUNDLE_SHORT, &abbreviated);
    emit_outputs(emit);
    emit_hash(emit, "changes_root", &manifest->changes_root);
    emit_hex(emit, "manifest", SAT_SPAN(bytes));
    emit_hash(emit, "id", &bundle.id);
    emit_signature(emit, &key, &bundle.signature);
    emit_hex(emit, "full", sat_buf_span(&full));
    emit_hex(emit, "short", sat_buf_span(&abbreviated));
    emit_end(emit);
    sat_buf_deinit(&abbreviated);
    sat_buf_deinit(&full);
}

static void bundles(struct emit *emit)
{
    struct example example;
    make_example(&example);
    change(emit, "a change", &example.change[0]);
    change(emit, "a larger change", &example.change[2]);
    struct sat_bundle first = {.manifest = {.suite = SAT_SUITE_1,
                                            .org = emit_some_org(),
                                            .space = emit_some_space(),
                                            .epoch = 1,
                                            .device = 1,
                                            .first = 1,
                                            .count = 1,
                                            .dir_seq = 1,
                                            .dir_hash = emit_some_hash(0xb0)},
                               .changes = example.change};
    emit_fill(first.manifest.nonce, sizeof first.manifest.nonce, 0xc0);
    bundle(emit, "a device's first, without a witness", &first);
    struct sat_bundle later = first;
    later.manifest.epoch = 3;
    later.manifest.device = 200;
    later.manifest.first = 5000;
    later.manifest.count = 3;
    later.manifest.prev = emit_some_hash(0xb1);
    later.manifest.dir_seq = 300;
    later.manifest.log_epoch = emit_some_log_epoch();
    later.manifest.w_size = 100000;
    later.manifest.w_root = emit_some_hash(0xb2);
    bundle(emit, "two changes and a stub", &later);
    free_example(&example);
}

/* ---- The handshake ---- */

static void emit_binding(struct emit *emit, const struct sat_binding *binding)
{
    emit_number(emit, "binding_kind", binding->kind);
    emit_hash(emit, "binding_hash", &binding->hash);
}

static struct sat_binding binding(struct emit *emit)
{
    uint8_t info[44];
    emit_fill(info, sizeof info, 0xf0);
    struct sat_binding made = sat_binding_tls_key(SAT_SPAN(info));
    emit_begin(emit, "binding", "to a TLS key");
    emit_hex(emit, "subject_public_key_info", SAT_SPAN(info));
    emit_outputs(emit);
    emit_binding(emit, &made);
    emit_end(emit);
    return made;
}

static void hello(struct emit *emit, const char *name, const struct sat_binding *to)
{
    struct sat_hello hello = {
        .time_ms = EMIT_TIME_MS, .dir_seq = 300, .dir_hash = emit_some_hash(0xb0), .binding = *to};
    struct sat_hash of_org = emit_some_org();
    emit_fill(hello.client_nonce, sizeof hello.client_nonce, 0x21);
    emit_fill(hello.server_nonce, sizeof hello.server_nonce, 0x22);
    emit_begin(emit, "hello", name);
    struct sat_sign_key key = emit_seed(emit, 0x61);
    emit_hash(emit, "org", &of_org);
    emit_hex(emit, "client_nonce", SAT_SPAN(hello.client_nonce));
    emit_hex(emit, "server_nonce", SAT_SPAN(hello.server_nonce));
    emit_number(emit, "time_ms", hello.time_ms);
    emit_number(emit, "dir_seq", hello.dir_seq);
    emit_hash(emit, "dir_hash", &hello.dir_hash);
    emit_binding(emit, &hello.binding);
    struct sat_signature made = sat_hello_sign(&hello, &of_org, &key);
    emit_outputs(emit);
    emit_signature(emit, &key, &made);
    emit_end(emit);
}

static void auth(struct emit *emit, const char *name, uint32_t device, bool kit, const struct sat_binding *to)
{
    struct sat_auth auth = {
        .device = device, .kit = kit, .dir_seq = 300, .dir_hash = emit_some_hash(0xb0), .binding = *to};
    struct sat_hash of_org = emit_some_org();
    emit_fill(auth.server.b, sizeof auth.server.b, 0x23);
    emit_fill(auth.client_nonce, sizeof auth.client_nonce, 0x21);
    emit_fill(auth.server_nonce, sizeof auth.server_nonce, 0x22);
    emit_begin(emit, "auth", name);
    struct sat_sign_key key = emit_seed(emit, 0x60);
    emit_hash(emit, "org", &of_org);
    emit_hex(emit, "server", SAT_SPAN(auth.server.b));
    emit_hex(emit, "client_nonce", SAT_SPAN(auth.client_nonce));
    emit_hex(emit, "server_nonce", SAT_SPAN(auth.server_nonce));
    emit_number(emit, "device", auth.device);
    emit_number(emit, "kit", auth.kit);
    emit_number(emit, "dir_seq", auth.dir_seq);
    emit_hash(emit, "dir_hash", &auth.dir_hash);
    emit_binding(emit, &auth.binding);
    struct sat_signature made = sat_auth_sign(&auth, &of_org, &key);
    emit_outputs(emit);
    emit_signature(emit, &key, &made);
    emit_end(emit);
}

static void handshake(struct emit *emit)
{
    struct sat_binding none = {0}, tls = binding(emit);
    hello(emit, "without a binding", &none);
    hello(emit, "bound to a TLS key", &tls);
    auth(emit, "a device without a binding", 200, false, &none);
    auth(emit, "a device bound to a TLS key", 200, false, &tls);
    auth(emit, "the holder of an invite", 0, false, &tls);
    auth(emit, "the holder of the recovery kit", 0, true, &tls);
}

int main(void)
{
    struct emit emit;
    if (sodium_init() < 0) return EXIT_FAILURE;
    emit_open(&emit, stdout, "proof");
    hashes(&emit);
    signatures(&emit);
    varints(&emit);
    merkle(&emit);
    headers(&emit);
    refused_headers(&emit);
    bundles(&emit);
    emit_log_all(&emit);
    handshake(&emit);
    emit_close(&emit);
    return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
