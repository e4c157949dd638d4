#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/vault/seal.h"
#include "common/vault/squeeze.h"

enum { TAG_BYTES = 16 };

static const uint8_t NONCE_KEY[32] = {7}, RANDOM[32] = {8};

static struct sat_squeezer *squeezer;

static int set_up(void **state)
{
    (void)state;
    return sat_squeezer_new(&squeezer) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    sat_squeezer_free(squeezer);
    return 0;
}

static struct sat_manifest example(uint32_t count)
{
    struct sat_manifest manifest = {.suite = SAT_SUITE_1, .epoch = 3, .device = 5, .first = 1000, .count = count};
    memset(manifest.org.b, 0x0a, sizeof manifest.org.b);
    memset(manifest.space.b, 0x5b, sizeof manifest.space.b);
    return manifest;
}

static struct sat_plain_change change_of(uint8_t record, const char *header, const char *body)
{
    return (struct sat_plain_change){
        .record = {{record}}, .header = sat_span_text(header), .body = sat_span_text(body), .compress = true};
}

/* One sealed change and all that opens it. */
struct sealed {
    struct sat_manifest manifest;
    struct sat_bundle_key key;
    struct sat_plain_change change;
    uint32_t index;
    struct sat_buf bytes;
};

static struct sealed seal(const struct sat_plain_change *change, uint32_t index)
{
    struct sealed out = {.manifest = example(4), .change = *change, .index = index};
    struct sat_epoch_key key = {{1}};
    const struct sat_plain_change all[] = {*change, *change, *change, *change};
    sat_seal_nonce(&out.manifest, NONCE_KEY, RANDOM, all);
    sat_bundle_key_derive(&key, &out.manifest, &out.key);
    assert_int_equal(sat_seal_change(squeezer, &out.key, &out.manifest, index, change, &out.bytes), SAT_OK);
    return out;
}

static enum sat_err unseal(const struct sealed *sealed, struct sat_buf *out)
{
    return sat_unseal_change(squeezer, &sealed->key, &sealed->manifest, sealed->index, &sealed->change.record,
                             sealed->change.header, sat_buf_span(&sealed->bytes), out);
}

static void assert_refused(const struct sealed *sealed)
{
    struct sat_buf out = {0};
    assert_int_equal(unseal(sealed, &out), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(out.len, 0);
    sat_buf_wipe(&out);
}

static void assert_opens(const struct sealed *sealed)
{
    struct sat_buf out = {0};
    assert_int_equal(unseal(sealed, &out), SAT_OK);
    assert_true(sat_span_equal(sat_buf_span(&out), sealed->change.body));
    sat_buf_wipe(&out);
}

static void a_sealed_change_opens_to_what_it_was(void **state)
{
    (void)state;
    const char *bodies[] = {"", "a", "Met the purchasing manager. 拜访了采购经理。"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (int compress = 0; compress <= 1; compress++) {
            struct sat_plain_change change = change_of(1, "header", bodies[i]);
            change.compress = compress;
            struct sealed sealed = seal(&change, 2);
            assert_opens(&sealed);
            sat_buf_deinit(&sealed.bytes);
        }
}

static void lengths_are_buckets_and_a_tag(void **state)
{
    (void)state;
    char text[400];
    randombytes_buf_deterministic(text, sizeof text, NONCE_KEY);
    for (size_t len = 0; len < sizeof text; len++) {
        struct sat_plain_change change = {.body = sat_span(text, len)};
        struct sealed sealed = seal(&change, 0);
        assert_int_equal(sealed.bytes.len, sat_squeeze_bucket(len + 2) + TAG_BYTES);
        sat_buf_deinit(&sealed.bytes);
    }
}

static void sealing_appends_to_what_is_there(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "h", "body");
    struct sealed sealed = seal(&change, 1);
    struct sat_buf out = {0};
    sat_put_u8(&out, 0x77);
    assert_int_equal(sat_seal_change(squeezer, &sealed.key, &sealed.manifest, 1, &change, &out), SAT_OK);
    assert_int_equal(out.len, 1 + sealed.bytes.len);
    assert_memory_equal(out.at + 1, sealed.bytes.at, sealed.bytes.len); /* the same inputs, the same ciphertext */
    sat_buf_clear(&out);
    sat_put_u8(&out, 0x77);
    assert_int_equal(unseal(&sealed, &out), SAT_OK);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.at,
                        "\x77"
                        "body",
                        5);
    sat_buf_deinit(&out);
    sat_buf_deinit(&sealed.bytes);
}

static void a_flipped_bit_anywhere_in_the_ciphertext_is_refused(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "call back on Friday");
    struct sealed sealed = seal(&change, 0);
    for (size_t bit = 0; bit < sealed.bytes.len * 8; bit++) {
        sealed.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(&sealed);
        sealed.bytes.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_opens(&sealed);
    sat_buf_deinit(&sealed.bytes);
}

static void every_truncation_of_the_ciphertext_is_refused(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "call back on Friday");
    struct sealed sealed = seal(&change, 0);
    size_t len = sealed.bytes.len;
    for (sealed.bytes.len = 0; sealed.bytes.len < len; sealed.bytes.len++) assert_refused(&sealed);
    sat_put_u8(&sealed.bytes, 0);
    assert_refused(&sealed);
    sat_buf_deinit(&sealed.bytes);
}

static void another_index_record_or_header_is_refused(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "call back on Friday");
    struct sealed sealed = seal(&change, 1), other = sealed;
    other.index = 0;
    assert_refused(&other);
    other = sealed;
    other.change.record.b[15] = 1;
    assert_refused(&other);
    const char *headers[] = {"headez", "heade", "headers", ""};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        other = sealed;
        other.change.header = sat_span_text(headers[i]);
        assert_refused(&other);
    }
    assert_opens(&sealed);
    sat_buf_deinit(&sealed.bytes);
}

static void two_changes_of_a_bundle_cannot_be_swapped(void **state)
{
    (void)state;
    struct sat_plain_change one = change_of(1, "header", "one"), two = change_of(2, "header", "two");
    struct sealed first = seal(&one, 0), second = seal(&two, 1), swapped;
    second.key = first.key;
    second.manifest = first.manifest;
    sat_buf_clear(&second.bytes);
    assert_int_equal(sat_seal_change(squeezer, &second.key, &second.manifest, 1, &two, &second.bytes), SAT_OK);
    assert_opens(&second);
    swapped = second;
    swapped.bytes = first.bytes;
    assert_refused(&swapped);
    swapped = first;
    swapped.bytes = second.bytes;
    assert_refused(&swapped);
    sat_buf_deinit(&first.bytes);
    sat_buf_deinit(&second.bytes);
}

static void any_other_bundle_is_refused(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "call back on Friday");
    struct sealed sealed = seal(&change, 0), other[7];
    for (int i = 0; i < 7; i++) other[i] = sealed;
    other[0].manifest.org.b[0] ^= 1;
    other[1].manifest.space.b[0] ^= 1;
    other[2].manifest.epoch++;
    other[3].manifest.device++;
    other[4].manifest.first++;
    other[5].manifest.count--;
    other[6].manifest.nonce[15] ^= 1;
    struct sat_epoch_key key = {{1}}, wrong = {{2}};
    for (int i = 0; i < 7; i++) {
        assert_refused(&other[i]); /* P is part of what is authenticated, */
        sat_bundle_key_derive(&key, &other[i].manifest, &other[i].key);
        assert_memory_not_equal(other[i].key.b, sealed.key.b, 32); /* and of what the key is made from */
        assert_refused(&other[i]);
    }
    struct sealed epoch = sealed;
    sat_bundle_key_derive(&wrong, &epoch.manifest, &epoch.key);
    assert_refused(&epoch);
    sat_buf_deinit(&sealed.bytes);
}

static void a_bundles_key_ignores_what_is_not_in_its_prefix(void **state)
{
    (void)state;
    struct sat_manifest a = example(1), b = example(1);
    struct sat_epoch_key key = {{1}};
    struct sat_bundle_key x, y;
    b.prev.b[0] = b.dir_hash.b[0] = b.w_root.b[0] = b.changes_root.b[0] = 1;
    b.dir_seq = b.w_size = 9;
    sat_bundle_key_derive(&key, &a, &x);
    sat_bundle_key_derive(&key, &b, &y);
    assert_memory_equal(x.b, y.b, 32);
}

static void an_unknown_suite_asks_for_an_upgrade(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "body");
    struct sealed sealed = seal(&change, 0);
    struct sat_buf out = {0};
    sealed.manifest.suite = 2;
    assert_int_equal(unseal(&sealed, &out), SAT_ERR_UPGRADE_NEEDED);
    sat_buf_deinit(&sealed.bytes);
    sat_buf_deinit(&out);
}

static void the_largest_body_fits_and_one_more_byte_does_not(void **state)
{
    (void)state;
    struct sat_buf body = {0}, out = {0};
    sat_buf_reserve(&body, SAT_BODY_BYTES_MAX + 1);
    randombytes_buf_deterministic(body.at, SAT_BODY_BYTES_MAX + 1, NONCE_KEY);
    struct sat_plain_change change = {.body = sat_span(body.at, SAT_BODY_BYTES_MAX), .compress = true};
    struct sealed sealed = seal(&change, 0);
    assert_true(sealed.bytes.len <= SAT_BUNDLE_BYTES_MAX);
    assert_opens(&sealed);
    change.body.len++;
    assert_int_equal(sat_seal_change(squeezer, &sealed.key, &sealed.manifest, 0, &change, &out), SAT_ERR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    sat_buf_deinit(&sealed.bytes);
    sat_buf_deinit(&body);
}

/* ---- The hedged nonce ---- */

static void nonce_of(const struct sat_plain_change *changes, uint32_t n, const uint8_t random[32], uint8_t out[16])
{
    struct sat_manifest manifest = example(n);
    sat_seal_nonce(&manifest, NONCE_KEY, random, changes);
    memcpy(out, manifest.nonce, 16);
}

static void the_same_plaintext_gets_another_nonce_each_time(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "body");
    uint8_t seen[64][16];
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, 1);
    for (size_t i = 0; i < 64; i++) {
        uint8_t random[32];
        sat_entropy_fill(&entropy, random, sizeof random);
        nonce_of(&change, 1, random, seen[i]);
        for (size_t j = 0; j < i; j++) assert_memory_not_equal(seen[i], seen[j], 16);
    }
}

static void a_repeated_random_block_does_not_repeat_a_nonce_unless_headers_and_bodies_do(void **state)
{
    (void)state;
    struct sat_plain_change base[2] = {change_of(1, "header", "body"), change_of(2, "more", "text")};
    struct sat_plain_change variants[5][2];
    uint8_t nonce[16], other[16];
    for (int i = 0; i < 5; i++) memcpy(variants[i], base, sizeof base);
    variants[0][0].body = sat_span_text("bodz");
    variants[1][1].header = sat_span_text("mort");
    variants[2][0].header = sat_span_text("headerb"); /* the same bytes, cut elsewhere */
    variants[2][0].body = sat_span_text("ody");
    variants[3][0].body = sat_span_text("bodymore"); /* the same bytes, moved to the other change */
    variants[3][1].header = sat_span_text("");
    variants[4][0] = base[1];
    variants[4][1] = base[0];
    nonce_of(base, 2, RANDOM, nonce);
    for (int i = 0; i < 5; i++) {
        nonce_of(variants[i], 2, RANDOM, other);
        assert_memory_not_equal(nonce, other, 16);
    }
    nonce_of(base, 1, RANDOM, other);
    assert_memory_not_equal(nonce, other, 16);
    nonce_of(base, 2, RANDOM, other);
    assert_memory_equal(nonce, other, 16); /* even then counters differ, and with them the bundle's key */
}

static void a_nonce_depends_on_the_devices_own_key(void **state)
{
    (void)state;
    struct sat_plain_change change = change_of(1, "header", "body");
    struct sat_manifest a = example(1), b = example(1);
    uint8_t other_key[32] = {9};
    sat_seal_nonce(&a, NONCE_KEY, RANDOM, &change);
    sat_seal_nonce(&b, other_key, RANDOM, &change);
    assert_memory_not_equal(a.nonce, b.nonce, 16);
}

/* ---- Drafts ---- */

static const uint8_t STORE_KEY[32] = {3}, DRAFT_NONCE[24] = {4};
static const struct sat_record_id RECORD = {{6}};

static enum sat_err unseal_draft(const uint8_t key[32], uint64_t counter, struct sat_record_id record,
                                 const char *header, struct sat_span sealed)
{
    struct sat_buf out = {0};
    enum sat_err err = sat_unseal_draft(key, counter, &record, sat_span_text(header), sealed, &out);
    if (err) assert_int_equal(out.len, 0);
    sat_buf_wipe(&out);
    return err;
}

static void a_draft_opens_to_what_it_was(void **state)
{
    (void)state;
    const char *bodies[] = {"", "x", "an order line"};
    for (size_t i = 0; i < 3; i++) {
        struct sat_buf sealed = {0}, out = {0};
        struct sat_span body = sat_span_text(bodies[i]);
        sat_seal_draft(STORE_KEY, 12, &RECORD, sat_span_text("h"), body, DRAFT_NONCE, &sealed);
        assert_int_equal(sealed.len, 24 + body.len + TAG_BYTES);
        struct sat_span bytes = sat_buf_span(&sealed);
        assert_int_equal(sat_unseal_draft(STORE_KEY, 12, &RECORD, sat_span_text("h"), bytes, &out), SAT_OK);
        assert_true(sat_span_equal(sat_buf_span(&out), body));
        sat_buf_deinit(&sealed);
        sat_buf_wipe(&out);
    }
}

static void a_flipped_bit_or_a_cut_anywhere_in_a_draft_is_refused(void **state)
{
    (void)state;
    struct sat_buf sealed = {0};
    sat_seal_draft(STORE_KEY, 12, &RECORD, sat_span_text("h"), sat_span_text("an order line"), DRAFT_NONCE, &sealed);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(unseal_draft(STORE_KEY, 12, RECORD, "h", sat_buf_span(&sealed)), SAT_ERR_UNDECRYPTABLE);
        sealed.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_int_equal(unseal_draft(STORE_KEY, 12, RECORD, "h", sat_span(sealed.at, len)), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unseal_draft(STORE_KEY, 12, RECORD, "h", sat_buf_span(&sealed)), SAT_OK);
    sat_buf_deinit(&sealed);
}

static void a_draft_opens_only_in_its_own_place(void **state)
{
    (void)state;
    struct sat_buf sealed = {0};
    sat_seal_draft(STORE_KEY, 12, &RECORD, sat_span_text("h"), sat_span_text("an order line"), DRAFT_NONCE, &sealed);
    struct sat_span bytes = sat_buf_span(&sealed);
    struct sat_record_id other = {{7}};
    assert_int_equal(unseal_draft(STORE_KEY, 13, RECORD, "h", bytes), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unseal_draft(STORE_KEY, 12, other, "h", bytes), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unseal_draft(STORE_KEY, 12, RECORD, "i", bytes), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unseal_draft(STORE_KEY, 12, RECORD, "", bytes), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unseal_draft(NONCE_KEY, 12, RECORD, "h", bytes), SAT_ERR_UNDECRYPTABLE);
    sat_buf_deinit(&sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_change_opens_to_what_it_was),
        cmocka_unit_test(lengths_are_buckets_and_a_tag),
        cmocka_unit_test(sealing_appends_to_what_is_there),
        cmocka_unit_test(a_flipped_bit_anywhere_in_the_ciphertext_is_refused),
        cmocka_unit_test(every_truncation_of_the_ciphertext_is_refused),
        cmocka_unit_test(another_index_record_or_header_is_refused),
        cmocka_unit_test(two_changes_of_a_bundle_cannot_be_swapped),
        cmocka_unit_test(any_other_bundle_is_refused),
        cmocka_unit_test(a_bundles_key_ignores_what_is_not_in_its_prefix),
        cmocka_unit_test(an_unknown_suite_asks_for_an_upgrade),
        cmocka_unit_test(the_largest_body_fits_and_one_more_byte_does_not),
        cmocka_unit_test(the_same_plaintext_gets_another_nonce_each_time),
        cmocka_unit_test(a_repeated_random_block_does_not_repeat_a_nonce_unless_headers_and_bodies_do),
        cmocka_unit_test(a_nonce_depends_on_the_devices_own_key),
        cmocka_unit_test(a_draft_opens_to_what_it_was),
        cmocka_unit_test(a_flipped_bit_or_a_cut_anywhere_in_a_draft_is_refused),
        cmocka_unit_test(a_draft_opens_only_in_its_own_place),
    };
    return cmocka_run_group_tests_name("seal", tests, set_up, tear_down);
}
