#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/proof/header.h"

#define DOTS(array) ((struct sat_dots){(array), sizeof(array) / sizeof(array)[0]})

static const uint64_t HLC = (uint64_t)1767225600000 << 16 | 7;

static const struct sat_dot SEEN[] = {{1, 300}, {2, 5}, {70000, SAT_COUNTER_MAX}};
static const struct sat_dot KEPT[] = {{1, 299}, {1, 300}, {70000, 1}};
static const struct sat_dot HOLES[] = {{1, 1}, {2, 5}};
static const struct sat_hash BLOBS[] = {{{9, 8, 7}}, {{1, 2, 3}}};

static struct sat_header header_with_everything(void)
{
    return (struct sat_header){.deletion = true,
                               .hlc = HLC,
                               .seen = DOTS(SEEN),
                               .kept = DOTS(KEPT),
                               .holes = DOTS(HOLES),
                               .blobs = BLOBS,
                               .blobs_n = 2};
}

/* Decodes from a heap copy of exactly that size, so that a sanitizer sees a byte read too many. */
static enum sat_err decode_copy(const uint8_t *at, size_t len, struct sat_arena *arena, struct sat_header *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) memcpy(copy, at, len);
    enum sat_err err = sat_header_decode(sat_span(copy, len), arena, out);
    free(copy);
    return err;
}

static void expect_hex(const char *hex, enum sat_err expected)
{
    uint8_t bytes[512];
    size_t len = strlen(hex) / 2;
    struct sat_arena arena;
    struct sat_header header;
    sat_arena_init(&arena);
    assert_true(len <= sizeof bytes);
    assert_int_equal(sat_hex_parse(hex, bytes, len), SAT_OK);
    assert_int_equal(decode_copy(bytes, len, &arena, &header), expected);
    sat_arena_deinit(&arena);
}

static void assert_dots_equal(struct sat_dots a, struct sat_dots b)
{
    assert_int_equal(a.n, b.n);
    for (uint32_t i = 0; i < a.n; i++) assert_int_equal(sat_dot_compare(a.at[i], b.at[i]), 0);
}

static void expect_round_trip(const struct sat_header *header)
{
    struct sat_arena arena;
    struct sat_buf buf, again;
    struct sat_header back;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    sat_buf_init(&again);
    sat_header_encode(header, &buf);
    assert_int_equal(decode_copy(buf.at, buf.len, &arena, &back), SAT_OK);
    assert_int_equal(back.deletion, header->deletion);
    assert_int_equal(back.disputed, header->disputed);
    assert_true(back.hlc == header->hlc);
    assert_dots_equal(back.seen, header->seen);
    assert_dots_equal(back.kept, header->kept);
    assert_dots_equal(back.holes, header->holes);
    assert_int_equal(back.blobs_n, header->blobs_n);
    for (uint32_t i = 0; i < back.blobs_n; i++) assert_true(sat_hash_equal(&back.blobs[i], &header->blobs[i]));
    sat_header_encode(&back, &again);
    assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
    sat_buf_deinit(&again);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    struct sat_header all = header_with_everything();
    expect_round_trip(&all);
    /* Every combination of parts that is allowed: kept and holes need seen. */
    for (unsigned mask = 0; mask < 64; mask++) {
        if ((mask & SAT_HEADER_DISPUTED) && !(mask & SAT_HEADER_DELETION)) continue;
        if ((mask & (SAT_HEADER_KEPT | SAT_HEADER_HOLES)) && !(mask & SAT_HEADER_SEEN)) continue;
        struct sat_header some = {.hlc = all.hlc, .deletion = mask & SAT_HEADER_DELETION,
                                  .disputed = mask & SAT_HEADER_DISPUTED};
        if (mask & SAT_HEADER_SEEN) some.seen = all.seen;
        if (mask & SAT_HEADER_KEPT) some.kept = all.kept;
        if (mask & SAT_HEADER_HOLES) some.holes = all.holes;
        if (mask & SAT_HEADER_BLOBS) {
            some.blobs = all.blobs;
            some.blobs_n = all.blobs_n;
        }
        expect_round_trip(&some);
    }
}

static void the_layout_is_as_documented(void **state)
{
    (void)state;
    struct sat_dot seen[] = {{2, 300}}, kept[] = {{2, 299}};
    struct sat_header header = {.hlc = 0x0102030405060708, .seen = DOTS(seen), .kept = DOTS(kept)};
    struct sat_buf buf;
    char hex[64];
    sat_buf_init(&buf);
    sat_header_encode(&header, &buf);
    assert_true(buf.len < sizeof hex / 2);
    sat_hex_format(buf.at, buf.len, hex);
    assert_string_equal(hex, "06"
                             "0807060504030201"
                             "01"
                             "02"
                             "ac02"
                             "01"
                             "02"
                             "ab02");
    sat_buf_deinit(&buf);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_header all = header_with_everything(), back;
    struct sat_arena arena;
    struct sat_buf buf;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    sat_header_encode(&all, &buf);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(decode_copy(buf.at, len, &arena, &back), SAT_ERR_MALFORMED);
    sat_put_u8(&buf, 0);
    assert_int_equal(decode_copy(buf.at, buf.len, &arena, &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void every_bit_flip_is_refused_or_is_another_header_in_its_one_encoding(void **state)
{
    (void)state;
    struct sat_header all = header_with_everything(), back;
    struct sat_arena arena;
    struct sat_buf buf, again;
    unsigned refused = 0, decoded = 0;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    sat_buf_init(&again);
    sat_header_encode(&all, &buf);
    for (size_t bit = 0; bit < 8 * buf.len; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum sat_err err = decode_copy(buf.at, buf.len, &arena, &back);
        if (err == SAT_OK) {
            sat_buf_clear(&again);
            sat_header_encode(&back, &again);
            assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
            decoded++;
        } else {
            assert_true(err == SAT_ERR_MALFORMED || err == SAT_ERR_BOUNDS);
            refused++;
        }
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        sat_arena_reset(&arena);
    }
    assert_true(refused > 0 && decoded > 0);
    sat_buf_deinit(&again);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void other_encodings_are_malformed(void **state)
{
    (void)state;
    expect_hex("00"
               "0000000000000000",
               SAT_OK);
    expect_hex("02"
               "0000000000000000"
               "01"
               "0105",
               SAT_OK);
    expect_hex("", SAT_ERR_MALFORMED);
    expect_hex("20"
               "0000000000000000",
               SAT_ERR_MALFORMED); /* an unknown flag */
    expect_hex("80"
               "0000000000000000",
               SAT_ERR_MALFORMED);
    expect_hex("02"
               "0000000000000000"
               "00",
               SAT_ERR_MALFORMED); /* a part that is there, but empty */
    expect_hex("10"
               "0000000000000000"
               "00",
               SAT_ERR_MALFORMED);
    expect_hex("00"
               "0000000000000000"
               "01"
               "0105",
               SAT_ERR_MALFORMED); /* a part without its flag */
    expect_hex("02"
               "0000000000000000"
               "02"
               "0105"
               "0105",
               SAT_ERR_MALFORMED); /* twice the same */
    expect_hex("02"
               "0000000000000000"
               "02"
               "0205"
               "0105",
               SAT_ERR_MALFORMED); /* descending */
    expect_hex("02"
               "0000000000000000"
               "02"
               "0105"
               "0106",
               SAT_ERR_MALFORMED); /* two dots of one device in a vector */
    expect_hex("02"
               "0000000000000000"
               "01"
               "0005",
               SAT_ERR_MALFORMED); /* no device 0 */
    expect_hex("02"
               "0000000000000000"
               "01"
               "0100",
               SAT_ERR_MALFORMED); /* no counter 0 */
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "02"
               "0103"
               "0102",
               SAT_ERR_MALFORMED);
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "02"
               "0103"
               "0103",
               SAT_ERR_MALFORMED);
    expect_hex("0a"
               "0000000000000000"
               "01"
               "0105"
               "02"
               "0103"
               "0103",
               SAT_ERR_MALFORMED);
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "02"
               "0102"
               "0103",
               SAT_OK);
}

static void varints_longer_than_needed_are_malformed(void **state)
{
    (void)state;
    expect_hex("02"
               "0000000000000000"
               "8100"
               "0105",
               SAT_ERR_MALFORMED); /* n */
    expect_hex("02"
               "0000000000000000"
               "01"
               "810005",
               SAT_ERR_MALFORMED); /* device */
    expect_hex("02"
               "0000000000000000"
               "01"
               "018500",
               SAT_ERR_MALFORMED); /* counter */
    expect_hex("02"
               "0000000000000000"
               "01"
               "01858000",
               SAT_ERR_MALFORMED);
    expect_hex("10"
               "0000000000000000"
               "8100"
               "0000000000000000000000000000000000000000000000000000000000000000",
               SAT_ERR_MALFORMED);
}

static void numbers_beyond_their_limit_are_malformed(void **state)
{
    (void)state;
    expect_hex("02"
               "0000000000000000"
               "01"
               "ffffffff0f01",
               SAT_OK); /* device 2^32 - 1 */
    expect_hex("02"
               "0000000000000000"
               "01"
               "808080801001",
               SAT_ERR_MALFORMED); /* device 2^32 */
    expect_hex("02"
               "0000000000000000"
               "01"
               "01808080808080808040",
               SAT_OK); /* counter 2^62 */
    expect_hex("02"
               "0000000000000000"
               "01"
               "01818080808080808040",
               SAT_ERR_MALFORMED);
    expect_hex("02"
               "0000000000000000"
               "01"
               "01ffffffffffffffffff01",
               SAT_ERR_MALFORMED);
    expect_hex("00"
               "ffff000000000080",
               SAT_OK); /* the last millisecond, 2^47 */
    expect_hex("00"
               "0000010000000080",
               SAT_ERR_MALFORMED);
    expect_hex("00"
               "ffffffffffffffff",
               SAT_ERR_MALFORMED);
}

static void kept_and_holes_must_lie_under_seen(void **state)
{
    (void)state;
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0105",
               SAT_OK);
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0106",
               SAT_ERR_BOUNDS);
    expect_hex("06"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0201",
               SAT_ERR_BOUNDS);
    expect_hex("06"
               "0000000000000000"
               "01"
               "0205"
               "01"
               "0101",
               SAT_ERR_BOUNDS);
    expect_hex("0a"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0105",
               SAT_OK);
    expect_hex("0a"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0106",
               SAT_ERR_BOUNDS);
    expect_hex("0a"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0301",
               SAT_ERR_BOUNDS);
    expect_hex("04"
               "0000000000000000"
               "01"
               "0101",
               SAT_ERR_BOUNDS); /* nothing was seen */
    expect_hex("08"
               "0000000000000000"
               "01"
               "0101",
               SAT_ERR_BOUNDS);
    /* The last of many. */
    expect_hex("06"
               "0000000000000000"
               "02"
               "0105"
               "0305"
               "03"
               "0101"
               "0105"
               "0306",
               SAT_ERR_BOUNDS);
}

static void no_dot_is_both_kept_and_a_hole(void **state)
{
    (void)state;
    expect_hex("0e"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0104"
               "01"
               "0105",
               SAT_OK);
    expect_hex("0e"
               "0000000000000000"
               "01"
               "0105"
               "01"
               "0105"
               "01"
               "0105",
               SAT_ERR_BOUNDS);
    expect_hex("0e"
               "0000000000000000"
               "01"
               "0105"
               "02"
               "0101"
               "0104"
               "02"
               "0103"
               "0104",
               SAT_ERR_BOUNDS);
}

/* n dots of one device: 1 to n, or from `from` on. */
static void put_run(struct sat_buf *buf, uint32_t n, uint64_t from)
{
    sat_put_varint(buf, n);
    for (uint32_t i = 0; i < n; i++) {
        sat_put_varint(buf, 1);
        sat_put_varint(buf, from + i);
    }
}

static enum sat_err decode_kept_and_holes(uint32_t kept, uint32_t holes)
{
    struct sat_arena arena;
    struct sat_buf buf;
    struct sat_header header;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    unsigned flags = SAT_HEADER_SEEN | (kept ? SAT_HEADER_KEPT : 0) | (holes ? SAT_HEADER_HOLES : 0);
    sat_put_u8(&buf, (uint8_t)flags);
    sat_put_u64(&buf, 0);
    put_run(&buf, 1, 10000);
    if (kept) put_run(&buf, kept, 1);
    if (holes) put_run(&buf, holes, kept + 1);
    enum sat_err err = decode_copy(buf.at, buf.len, &arena, &header);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
    return err;
}

static void kept_and_holes_share_one_limit(void **state)
{
    (void)state;
    assert_int_equal(decode_kept_and_holes(SAT_KEPT_HOLES_MAX, 0), SAT_OK);
    assert_int_equal(decode_kept_and_holes(0, SAT_KEPT_HOLES_MAX), SAT_OK);
    assert_int_equal(decode_kept_and_holes(4000, SAT_KEPT_HOLES_MAX - 4000), SAT_OK);
    assert_int_equal(decode_kept_and_holes(SAT_KEPT_HOLES_MAX + 1, 0), SAT_ERR_BOUNDS);
    assert_int_equal(decode_kept_and_holes(0, SAT_KEPT_HOLES_MAX + 1), SAT_ERR_BOUNDS);
    assert_int_equal(decode_kept_and_holes(4000, SAT_KEPT_HOLES_MAX - 3999), SAT_ERR_BOUNDS);
}

static enum sat_err decode_wide(uint32_t seen, uint64_t counter, uint32_t blobs, size_t *len)
{
    struct sat_arena arena;
    struct sat_buf buf;
    struct sat_header header;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    sat_put_u8(&buf, (uint8_t)(SAT_HEADER_SEEN | (blobs ? SAT_HEADER_BLOBS : 0)));
    sat_put_u64(&buf, 0);
    sat_put_varint(&buf, seen);
    for (uint32_t i = 0; i < seen; i++) {
        sat_put_varint(&buf, UINT32_MAX - seen + i);
        sat_put_varint(&buf, counter);
    }
    if (blobs) sat_put_varint(&buf, blobs);
    for (uint32_t i = 0; i < blobs; i++) sat_put_bytes(&buf, BLOBS[0].b, sizeof BLOBS[0].b);
    *len = buf.len;
    enum sat_err err = decode_copy(buf.at, buf.len, &arena, &header);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
    return err;
}

static void vectors_and_blobs_have_limits(void **state)
{
    (void)state;
    size_t len;
    assert_int_equal(decode_wide(SAT_SEEN_MAX, SAT_COUNTER_MAX, SAT_BLOBS_MAX, &len), SAT_OK);
    assert_true(len <= SAT_HEADER_BYTES_MAX);
    assert_int_equal(decode_wide(SAT_SEEN_MAX + 1, 1, 0, &len), SAT_ERR_BOUNDS);
    assert_int_equal(decode_wide(1, 1, SAT_BLOBS_MAX + 1, &len), SAT_ERR_BOUNDS);
    assert_int_equal(decode_wide(UINT16_MAX, 1, 0, &len), SAT_ERR_BOUNDS);
    assert_true(len > SAT_HEADER_BYTES_MAX);
}

static void a_count_without_its_bytes_costs_no_memory(void **state)
{
    (void)state;
    static const uint8_t claim[] = {SAT_HEADER_SEEN, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x20}; /* 4,096 dots, none there */
    struct sat_arena arena;
    struct sat_header header;
    sat_arena_init(&arena);
    assert_int_equal(decode_copy(claim, sizeof claim, &arena, &header), SAT_ERR_MALFORMED);
    assert_true(arena.used_bytes == 0);
    sat_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(the_layout_is_as_documented),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(every_bit_flip_is_refused_or_is_another_header_in_its_one_encoding),
        cmocka_unit_test(other_encodings_are_malformed),
        cmocka_unit_test(varints_longer_than_needed_are_malformed),
        cmocka_unit_test(numbers_beyond_their_limit_are_malformed),
        cmocka_unit_test(kept_and_holes_must_lie_under_seen),
        cmocka_unit_test(no_dot_is_both_kept_and_a_hole),
        cmocka_unit_test(kept_and_holes_share_one_limit),
        cmocka_unit_test(vectors_and_blobs_have_limits),
        cmocka_unit_test(a_count_without_its_bytes_costs_no_memory),
    };
    return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
