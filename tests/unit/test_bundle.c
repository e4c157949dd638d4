#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/proof/bundle.h"
#include "common/proof/hash.h"
#include "common/proof/header.h"

static const struct sat_hash ORG = {{0x0a, 1}};
static const struct sat_space_id SPACE = {{0x0b, 2}};
static const uint8_t SEED[32] = {0x5e, 0xed};

enum { CHANGES = 3 };

struct world {
    struct sat_arena arena;
    struct sat_public_key public_key;
    struct sat_sign_key key;
    struct sat_bundle_known known;
    struct sat_bundle bundle; /* two changes and a stub, signed */
};

static void fill(void *at, size_t len, const char *name)
{
    struct sat_hash hash = sat_hash("test", sat_span_text(name));
    assert_true(len <= sizeof hash.b);
    memcpy(at, hash.b, len);
}

static struct sat_span make_header(struct sat_arena *arena)
{
    struct sat_dot seen[] = {{2, 41}};
    struct sat_header header = {.hlc = (uint64_t)1767225600000 << 16, .seen = {seen, 1}};
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_header_encode(&header, &buf);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return span;
}

static void make_change(struct sat_arena *arena, const char *name, size_t body_len, struct sat_change *out)
{
    uint8_t *body = sat_arena_alloc(arena, body_len);
    memset(body, 0xc5, body_len);
    *out = (struct sat_change){.header = make_header(arena), .body = sat_span(body, body_len)};
    fill(out->record.b, sizeof out->record.b, name);
    out->rest = sat_change_rest(out->header, out->body);
}

static void finish(struct world *world)
{
    struct sat_manifest *manifest = &world->bundle.manifest;
    manifest->changes_root = sat_changes_root(world->bundle.changes, manifest->count);
    world->bundle.signature = sat_bundle_sign(manifest, &world->key);
    world->bundle.id = sat_bundle_id(manifest);
}

static int make_world(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    if (!world || sodium_init() < 0) return -1;
    sat_arena_init(&world->arena);
    sat_sign_keypair(SEED, &world->public_key, &world->key);
    fill(&world->known.prev, 32, "prev");
    fill(&world->known.dir_hash, 32, "directory");
    fill(&world->known.w_root, 32, "root");
    fill(&world->known.log_epoch, 16, "log epoch");
    world->bundle.manifest = (struct sat_manifest){
        .suite = SAT_SUITE_1,
        .org = ORG,
        .space = SPACE,
        .epoch = 3,
        .device = 200,
        .first = 5000,
        .count = CHANGES,
        .prev = world->known.prev,
        .dir_seq = 300,
        .dir_hash = world->known.dir_hash,
        .log_epoch = world->known.log_epoch,
        .w_size = 100000,
        .w_root = world->known.w_root,
    };
    fill(world->bundle.manifest.nonce, 16, "nonce");
    world->bundle.changes = sat_arena_array(&world->arena, CHANGES, sizeof *world->bundle.changes);
    make_change(&world->arena, "one", 48, &world->bundle.changes[0]);
    make_change(&world->arena, "two", 80, &world->bundle.changes[2]);
    struct sat_change *stub = &world->bundle.changes[1];
    stub->stub = true;
    fill(stub->record.b, 16, "stub");
    fill(stub->rest.b, 32, "rest");
    finish(world);
    *state = world;
    return 0;
}

static int free_world(void **state)
{
    struct world *world = *state;
    sat_arena_deinit(&world->arena);
    free(world);
    return 0;
}

/* Decodes from an arena's copy of exactly that size, so that a sanitizer sees a byte read too many. */
static enum sat_err decode_copy(struct world *world, struct sat_span bytes, struct sat_bundle *out)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    enum sat_err err = sat_bundle_decode(sat_span(copy, bytes.len), &ORG, &SPACE, &world->arena, out);
    if (!err) /* what is borrowed must outlive the copy */
        for (uint32_t i = 0; i < out->manifest.count; i++) {
            out->changes[i].header = sat_span_copy(&world->arena, out->changes[i].header);
            out->changes[i].body = sat_span_copy(&world->arena, out->changes[i].body);
        }
    free(copy);
    return err;
}

static struct sat_span encode(struct world *world, const struct sat_bundle *bundle, enum sat_bundle_form form)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_bundle_encode(bundle, form, &buf);
    struct sat_span span = sat_span_copy(&world->arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return span;
}

static void assert_same_bundle(const struct sat_bundle *a, const struct sat_bundle *b)
{
    uint8_t bytes_a[SAT_MANIFEST_BYTES], bytes_b[SAT_MANIFEST_BYTES];
    sat_manifest_encode(&a->manifest, bytes_a);
    sat_manifest_encode(&b->manifest, bytes_b);
    assert_memory_equal(bytes_a, bytes_b, sizeof bytes_a);
    assert_memory_equal(a->signature.b, b->signature.b, sizeof a->signature.b);
    assert_true(sat_hash_equal(&a->id, &b->id));
    for (uint32_t i = 0; i < a->manifest.count; i++) {
        assert_true(sat_record_equal(&a->changes[i].record, &b->changes[i].record));
        assert_int_equal(a->changes[i].stub, b->changes[i].stub);
        assert_true(sat_span_equal(a->changes[i].header, b->changes[i].header));
        assert_true(sat_span_equal(a->changes[i].body, b->changes[i].body));
        assert_true(sat_hash_equal(&a->changes[i].rest, &b->changes[i].rest));
    }
}

static void a_manifest_has_the_documented_layout(void **state)
{
    struct world *world = *state;
    const struct sat_manifest *manifest = &world->bundle.manifest;
    uint8_t bytes[SAT_MANIFEST_BYTES], again[SAT_MANIFEST_BYTES];
    struct sat_manifest back;
    sat_manifest_encode(manifest, bytes);
    assert_int_equal(bytes[0], 1);
    assert_memory_equal(bytes + 2, ORG.b, 32);
    assert_memory_equal(bytes + 34, SPACE.b, 16);
    assert_int_equal(bytes[50], 3);                 /* epoch */
    assert_int_equal(bytes[54], 200);               /* device */
    assert_memory_equal(bytes + 58, "\x88\x13", 2); /* first = 5,000 */
    assert_int_equal(bytes[66], CHANGES);
    assert_memory_equal(bytes + 70, manifest->nonce, 16);
    assert_memory_equal(bytes + 86, manifest->prev.b, 32);
    assert_memory_equal(bytes + 118, "\x2c\x01\0\0\0\0\0", 8); /* dir_seq = 300 */
    assert_memory_equal(bytes + 126, manifest->dir_hash.b, 32);
    assert_memory_equal(bytes + 158, manifest->log_epoch.b, 16);
    assert_memory_equal(bytes + 174, "\xa0\x86\x01\0\0\0\0", 8); /* w_size = 100,000 */
    assert_memory_equal(bytes + 182, manifest->w_root.b, 32);
    assert_memory_equal(bytes + 214, manifest->changes_root.b, 32);
    sat_manifest_decode(bytes, &back);
    sat_manifest_encode(&back, again);
    assert_memory_equal(bytes, again, sizeof bytes);
}

static void the_full_form_comes_back_whole(void **state)
{
    struct world *world = *state;
    struct sat_bundle back;
    assert_int_equal(decode_copy(world, encode(world, &world->bundle, SAT_BUNDLE_FULL), &back), SAT_OK);
    assert_int_equal(back.form, SAT_BUNDLE_FULL);
    assert_same_bundle(&world->bundle, &back);
    assert_int_equal(sat_bundle_verify(&back, &world->public_key), SAT_OK);
    assert_int_equal(sat_bundle_complete(&back, &(struct sat_bundle_known){0}), SAT_OK); /* has nothing to complete */
    assert_same_bundle(&world->bundle, &back);
}

static void the_short_form_comes_back_whole_once_completed(void **state)
{
    struct world *world = *state;
    static const uint8_t zeros[28];
    struct sat_bundle back;
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_SHORT);
    assert_int_equal(decode_copy(world, bytes, &back), SAT_OK);
    assert_int_equal(back.form, SAT_BUNDLE_SHORT);
    assert_true(sat_hash_is_zero(&back.id));
    assert_memory_equal(back.manifest.prev.b, world->known.prev.b, 4);
    assert_memory_equal(back.manifest.prev.b + 4, zeros, 28);
    assert_int_equal(sat_bundle_verify(&back, &world->public_key), SAT_ERR_TAMPERED);
    assert_true(sat_span_equal(encode(world, &back, SAT_BUNDLE_SHORT), bytes)); /* it can be passed on as it is */
    assert_int_equal(sat_bundle_complete(&back, &world->known), SAT_OK);
    assert_int_equal(back.form, SAT_BUNDLE_FULL);
    assert_same_bundle(&world->bundle, &back);
    assert_int_equal(sat_bundle_verify(&back, &world->public_key), SAT_OK);
}

static void a_prefix_that_differs_asks_for_the_full_form(void **state)
{
    struct world *world = *state;
    struct sat_bundle_known known[4] = {world->known, world->known, world->known, world->known};
    known[0].prev.b[3] ^= 1;
    known[1].dir_hash.b[0] ^= 1;
    known[2].w_root.b[2] ^= 0x80;
    known[3].log_epoch.b[1] ^= 1;
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_SHORT);
    for (size_t i = 0; i < 4; i++) {
        struct sat_bundle back;
        assert_int_equal(decode_copy(world, bytes, &back), SAT_OK);
        assert_int_equal(sat_bundle_complete(&back, &known[i]), SAT_ERR_STALE);
        assert_int_equal(back.form, SAT_BUNDLE_SHORT);
        assert_true(sat_span_equal(encode(world, &back, SAT_BUNDLE_SHORT), bytes)); /* may be tried again */
        assert_int_equal(sat_bundle_complete(&back, &world->known), SAT_OK);
    }
}

static void what_differs_behind_a_prefix_fails_at_the_signature(void **state)
{
    struct world *world = *state;
    struct sat_bundle_known known[4] = {world->known, world->known, world->known, world->known};
    known[0].prev.b[4] ^= 1;
    known[1].dir_hash.b[31] ^= 1;
    known[2].w_root.b[9] ^= 1;
    known[3].log_epoch.b[15] ^= 1;
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_SHORT);
    for (size_t i = 0; i < 4; i++) {
        struct sat_bundle back;
        assert_int_equal(decode_copy(world, bytes, &back), SAT_OK);
        assert_int_equal(sat_bundle_complete(&back, &known[i]), SAT_OK);
        assert_int_equal(sat_bundle_verify(&back, &world->public_key), SAT_ERR_TAMPERED);
    }
}

static void every_truncation_is_malformed(void **state)
{
    struct world *world = *state;
    for (unsigned form = SAT_BUNDLE_FULL; form <= SAT_BUNDLE_SHORT; form++) {
        struct sat_span bytes = encode(world, &world->bundle, form ? SAT_BUNDLE_SHORT : SAT_BUNDLE_FULL);
        struct sat_bundle back;
        for (size_t len = 0; len < bytes.len; len++)
            assert_int_equal(decode_copy(world, sat_span(bytes.at, len), &back), SAT_ERR_MALFORMED);
        uint8_t *longer = sat_arena_alloc(&world->arena, bytes.len + 1);
        memcpy(longer, bytes.at, bytes.len);
        assert_int_equal(decode_copy(world, sat_span(longer, bytes.len + 1), &back), SAT_ERR_MALFORMED);
    }
}

static void no_bit_can_be_flipped_unnoticed(void **state)
{
    struct world *world = *state;
    for (unsigned form = SAT_BUNDLE_FULL; form <= SAT_BUNDLE_SHORT; form++) {
        struct sat_span span = encode(world, &world->bundle, form ? SAT_BUNDLE_SHORT : SAT_BUNDLE_FULL);
        uint8_t bytes[2048];
        assert_true(span.len <= sizeof bytes);
        memcpy(bytes, span.at, span.len);
        for (size_t bit = 0; bit < 8 * span.len; bit++) {
            struct sat_bundle back;
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum sat_err err = decode_copy(world, sat_span(bytes, span.len), &back);
            if (!err) err = sat_bundle_complete(&back, &world->known);
            if (!err) err = sat_bundle_verify(&back, &world->public_key);
            assert_int_not_equal(err, SAT_OK);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void a_signature_holds_for_its_org_space_and_device_alone(void **state)
{
    struct world *world = *state;
    struct sat_bundle other = world->bundle;
    assert_int_equal(sat_bundle_verify(&other, &world->public_key), SAT_OK);
    other.manifest.org.b[5] ^= 1;
    assert_int_equal(sat_bundle_verify(&other, &world->public_key), SAT_ERR_TAMPERED);
    other = world->bundle;
    other.manifest.space.b[5] ^= 1;
    assert_int_equal(sat_bundle_verify(&other, &world->public_key), SAT_ERR_TAMPERED);
    struct sat_public_key key = world->public_key;
    key.b[0] ^= 1;
    assert_int_equal(sat_bundle_verify(&world->bundle, &key), SAT_ERR_TAMPERED);
}

static void a_stub_in_place_of_a_change_keeps_the_signature(void **state)
{
    struct world *world = *state;
    struct sat_bundle back;
    struct sat_change *change = &world->bundle.changes[0];
    size_t whole_len = encode(world, &world->bundle, SAT_BUNDLE_FULL).len;
    *change = (struct sat_change){.record = change->record, .rest = change->rest, .stub = true};
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_FULL);
    assert_true(bytes.len < whole_len);
    assert_int_equal(decode_copy(world, bytes, &back), SAT_OK);
    assert_true(back.changes[0].stub && back.changes[1].stub && !back.changes[2].stub);
    assert_true(sat_hash_equal(&back.id, &world->bundle.id));
    assert_int_equal(sat_bundle_verify(&back, &world->public_key), SAT_OK);
}

static void header_and_body_cannot_trade_bytes(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2, 3, 4};
    struct sat_hash a = sat_change_rest(sat_span(bytes, 1), sat_span(bytes + 1, 3));
    struct sat_hash b = sat_change_rest(sat_span(bytes, 2), sat_span(bytes + 2, 2));
    assert_false(sat_hash_equal(&a, &b));
    struct sat_record_id record = {{1}}, other = {{2}};
    struct sat_hash leaf = sat_change_leaf(&record, &a), moved = sat_change_leaf(&other, &a);
    assert_false(sat_hash_equal(&leaf, &moved));
}

static enum sat_err decode_numbers(struct world *world, const uint64_t numbers[5], unsigned form)
{
    struct sat_buf buf;
    struct sat_bundle back;
    static const uint8_t zeros[512];
    sat_buf_init(&buf);
    sat_put_u8(&buf, (uint8_t)form);
    for (size_t i = 0; i < 5; i++) sat_put_varint(&buf, numbers[i]);
    size_t fixed = form ? 16 + 4 + 1 + 4 + 4 + 1 + 4 + 64 : 16 + 32 + 1 + 32 + 16 + 1 + 32 + 64;
    sat_put_bytes(&buf, zeros, fixed);
    for (uint64_t i = 0; i < numbers[4]; i++) sat_put_bytes(&buf, zeros, 1 + 16 + 32); /* stubs */
    enum sat_err err = decode_copy(world, sat_buf_span(&buf), &back);
    sat_buf_deinit(&buf);
    return err;
}

static void numbers_outside_their_range_are_refused(void **state)
{
    struct world *world = *state;
    const uint64_t max = SAT_COUNTER_MAX;
    static const uint64_t none = 0;
    /* suite, epoch, device, first, count */
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, 1}, SAT_BUNDLE_FULL), SAT_OK);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, 1}, SAT_BUNDLE_SHORT), SAT_OK);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, 1}, 2), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){65535, UINT32_MAX, UINT32_MAX, max, 1}, 0), SAT_OK);
    assert_int_equal(decode_numbers(world, (uint64_t[]){65536, 1, 1, 1, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, none, 1, 1, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, none, 1, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, (uint64_t)UINT32_MAX + 1, 1, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, none, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, max, 2}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, max - 1, 2}, 0), SAT_OK);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, max + 1, 1}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, none}, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, SAT_BUNDLE_CHANGES_MAX}, 0), SAT_OK);
    assert_int_equal(decode_numbers(world, (uint64_t[]){1, 1, 1, 1, SAT_BUNDLE_CHANGES_MAX + 1}, 0), SAT_ERR_TOO_LARGE);
}

static void varints_longer_than_needed_are_malformed(void **state)
{
    struct world *world = *state;
    struct sat_bundle back;
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_SHORT);
    uint8_t *longer = sat_arena_alloc(&world->arena, bytes.len + 1);
    longer[0] = bytes.at[0];
    longer[1] = bytes.at[1] | 0x80; /* the suite in two bytes */
    memcpy(longer + 3, bytes.at + 2, bytes.len - 2);
    assert_int_equal(decode_copy(world, sat_span(longer, bytes.len + 1), &back), SAT_ERR_MALFORMED);
}

static void a_bundle_fits_its_limit(void **state)
{
    struct world *world = *state;
    struct sat_bundle back;
    world->bundle.manifest.count = 1;
    size_t empty = encode(world, &world->bundle, SAT_BUNDLE_FULL).len - world->bundle.changes[0].body.len;
    size_t most = SAT_BUNDLE_BYTES_MAX - empty - 2; /* the varint of its length takes 3 bytes instead of 1 */
    make_change(&world->arena, "large", most, &world->bundle.changes[0]);
    finish(world);
    struct sat_span bytes = encode(world, &world->bundle, SAT_BUNDLE_FULL);
    assert_int_equal(bytes.len, SAT_BUNDLE_BYTES_MAX);
    assert_int_equal(decode_copy(world, bytes, &back), SAT_OK);
    assert_same_bundle(&world->bundle, &back);
    make_change(&world->arena, "large", most + 1, &world->bundle.changes[0]);
    finish(world);
    assert_int_equal(decode_copy(world, encode(world, &world->bundle, SAT_BUNDLE_FULL), &back), SAT_ERR_TOO_LARGE);
}

static void a_header_beyond_its_limit_is_too_large(void **state)
{
    struct world *world = *state;
    struct sat_bundle back;
    struct sat_change *change = &world->bundle.changes[0];
    world->bundle.manifest.count = 1;
    change->header = sat_span(sat_arena_alloc(&world->arena, SAT_HEADER_BYTES_MAX + 1), SAT_HEADER_BYTES_MAX + 1);
    assert_int_equal(decode_copy(world, encode(world, &world->bundle, SAT_BUNDLE_FULL), &back), SAT_ERR_TOO_LARGE);
    change->header.len--;
    assert_int_equal(decode_copy(world, encode(world, &world->bundle, SAT_BUNDLE_FULL), &back), SAT_OK);
}

static void one_small_change_travels_in_at_most_200_bytes(void **state)
{
    struct world *world = *state;
    world->bundle.manifest.count = 1;
    finish(world);
    assert_int_equal(world->bundle.changes[0].body.len, 48);
    size_t len = encode(world, &world->bundle, SAT_BUNDLE_SHORT).len;
    print_message("one small change: %zu bytes\n", len);
    assert_true(len <= 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_manifest_has_the_documented_layout, make_world, free_world),
        cmocka_unit_test_setup_teardown(the_full_form_comes_back_whole, make_world, free_world),
        cmocka_unit_test_setup_teardown(the_short_form_comes_back_whole_once_completed, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_prefix_that_differs_asks_for_the_full_form, make_world, free_world),
        cmocka_unit_test_setup_teardown(what_differs_behind_a_prefix_fails_at_the_signature, make_world, free_world),
        cmocka_unit_test_setup_teardown(every_truncation_is_malformed, make_world, free_world),
        cmocka_unit_test_setup_teardown(no_bit_can_be_flipped_unnoticed, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_signature_holds_for_its_org_space_and_device_alone, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_stub_in_place_of_a_change_keeps_the_signature, make_world, free_world),
        cmocka_unit_test(header_and_body_cannot_trade_bytes),
        cmocka_unit_test_setup_teardown(numbers_outside_their_range_are_refused, make_world, free_world),
        cmocka_unit_test_setup_teardown(varints_longer_than_needed_are_malformed, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_bundle_fits_its_limit, make_world, free_world),
        cmocka_unit_test_setup_teardown(a_header_beyond_its_limit_is_too_large, make_world, free_world),
        cmocka_unit_test_setup_teardown(one_small_change_travels_in_at_most_200_bytes, make_world, free_world),
    };
    return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
