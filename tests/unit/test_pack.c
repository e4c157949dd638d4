#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>

#include "common/base/id.h"
#include "common/proof/entropy.h"
#include "common/wire/pack.h"

/* ---- Helpers ---- */

/* A heap copy of exactly that size, so that a sanitizer sees a byte read too many. */
static uint8_t *copy_of(const void *at, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) memcpy(copy, at, len);
    return copy;
}

static struct sat_span from_hex(const char *hex, uint8_t *bytes, size_t size)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= size);
    assert_int_equal(sat_hex_parse(hex, bytes, len), SAT_OK);
    return sat_span(bytes, len);
}

static void expect_bytes(struct sat_buf *buf, const char *hex)
{
    uint8_t bytes[64];
    struct sat_span expected = from_hex(hex, bytes, sizeof bytes);
    assert_int_equal(buf->len, expected.len);
    assert_memory_equal(buf->at, expected.at, expected.len);
    sat_buf_clear(buf);
}

/* Steps over the one value that `hex` is to be. */
static enum sat_err skip_hex(const char *hex)
{
    uint8_t bytes[64];
    struct sat_span span = from_hex(hex, bytes, sizeof bytes);
    uint8_t *copy = copy_of(span.at, span.len);
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, sat_span(copy, span.len));
    (void)sat_unpack_raw(&unpack);
    enum sat_err err = sat_unpack_end(&unpack);
    free(copy);
    return err;
}

static void pack_sample(struct sat_buf *out)
{
    sat_pack_array(out, 7);
    sat_pack_nil(out);
    sat_pack_bool(out, true);
    sat_pack_u64(out, UINT64_MAX);
    sat_pack_i64(out, INT64_MIN);
    sat_pack_text(out, sat_span_text("héllo"));
    sat_pack_bin(out, sat_span_text("\x01\x02"));
    sat_pack_array(out, 2);
    sat_pack_u64(out, 300);
    sat_pack_array(out, 0);
}

static enum sat_err unpack_sample(struct sat_span bytes)
{
    struct sat_unpack unpack;
    uint8_t two[2];
    sat_unpack_init(&unpack, bytes);
    sat_unpack_array_of(&unpack, 7);
    sat_unpack_nil(&unpack);
    bool truth = sat_unpack_bool(&unpack);
    uint64_t large = sat_unpack_u64(&unpack, UINT64_MAX);
    int64_t small = sat_unpack_i64(&unpack);
    struct sat_span text = sat_unpack_text(&unpack, 6);
    sat_unpack_bytes(&unpack, two, sizeof two);
    uint32_t n = sat_unpack_array(&unpack, 2);
    uint64_t number = sat_unpack_u64(&unpack, 300);
    uint32_t none = sat_unpack_array(&unpack, 0);
    enum sat_err err = sat_unpack_end(&unpack);
    if (err) return err;
    assert_true(truth);
    assert_true(large == UINT64_MAX && small == INT64_MIN);
    assert_true(sat_span_equal(text, sat_span_text("héllo")));
    assert_memory_equal(two, "\x01\x02", 2);
    assert_true(n == 2 && number == 300 && none == 0);
    return SAT_OK;
}

/* ---- Tests ---- */

static void what_is_written_is_the_shortest_form(void **state)
{
    (void)state;
    struct sat_buf buf = {0};
    sat_pack_u64(&buf, 127), expect_bytes(&buf, "7f");
    sat_pack_u64(&buf, 128), expect_bytes(&buf, "cc80");
    sat_pack_u64(&buf, 65536), expect_bytes(&buf, "ce00010000");
    sat_pack_i64(&buf, -1), expect_bytes(&buf, "ff");
    sat_pack_i64(&buf, -33), expect_bytes(&buf, "d0df");
    sat_pack_i64(&buf, 5), expect_bytes(&buf, "05");
    sat_pack_array(&buf, 15), expect_bytes(&buf, "9f");
    sat_pack_array(&buf, 16), expect_bytes(&buf, "dc0010");
    sat_pack_text(&buf, sat_span_text("a")), expect_bytes(&buf, "a161");
    sat_pack_text(&buf, sat_span_text("")), expect_bytes(&buf, "a0");
    sat_pack_bin(&buf, sat_span_text("ab")), expect_bytes(&buf, "c4026162");
    sat_pack_nil(&buf), sat_pack_bool(&buf, false), sat_pack_bool(&buf, true), expect_bytes(&buf, "c0c2c3");
    sat_buf_deinit(&buf);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct sat_buf buf = {0};
    pack_sample(&buf);
    assert_int_equal(unpack_sample(sat_buf_span(&buf)), SAT_OK);
    sat_buf_deinit(&buf);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_buf buf = {0};
    pack_sample(&buf);
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *copy = copy_of(buf.at, len);
        assert_int_equal(unpack_sample(sat_span(copy, len)), SAT_ERR_MALFORMED);
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, sat_span(copy, len));
        assert_int_equal(sat_unpack_raw(&unpack).len, 0);
        assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
        free(copy);
    }
    sat_buf_deinit(&buf);
}

static void what_is_left_over_is_malformed(void **state)
{
    (void)state;
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, sat_span_text("\x01\x02"));
    assert_int_equal(sat_unpack_u64(&unpack, 9), 1);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
}

static void longer_forms_than_needed_are_read(void **state)
{
    (void)state;
    static const char *const fives[] = {"05",   "cc05",   "cd0005",     "ce00000005",        "cf0000000000000005",
                                        "d005", "d10005", "d200000005", "d30000000000000005"};
    for (size_t i = 0; i < sizeof fives / sizeof fives[0]; i++) {
        uint8_t bytes[16];
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, from_hex(fives[i], bytes, sizeof bytes));
        assert_int_equal(sat_unpack_peek(&unpack), SAT_PACK_INT);
        assert_true(sat_unpack_u64(&unpack, 5) == 5);
        assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
        sat_unpack_init(&unpack, from_hex(fives[i], bytes, sizeof bytes));
        assert_true(sat_unpack_i64(&unpack) == 5);
        assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
    }
    uint8_t bytes[16];
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, from_hex("dd00000001db0000000161", bytes, sizeof bytes));
    assert_int_equal(sat_unpack_array(&unpack, 1), 1);
    assert_int_equal(sat_unpack_text(&unpack, 1).len, 1);
    assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
}

static void negative_numbers_of_every_width_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        int64_t value;
    } cases[] = {{"e0", -32},
                 {"ff", -1},
                 {"d080", -128},
                 {"d18000", -32768},
                 {"d280000000", INT32_MIN},
                 {"d38000000000000000", INT64_MIN},
                 {"d3ffffffffffffffff", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, from_hex(cases[i].hex, bytes, sizeof bytes));
        assert_true(sat_unpack_i64(&unpack) == cases[i].value);
        assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
        sat_unpack_init(&unpack, from_hex(cases[i].hex, bytes, sizeof bytes));
        assert_true(sat_unpack_u64(&unpack, UINT64_MAX) == 0);
        assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
    }
}

static void a_number_above_its_bound_is_malformed(void **state)
{
    (void)state;
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, sat_span_text("\xcc\x80"));
    assert_int_equal(sat_unpack_u64(&unpack, 127), 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
    uint8_t bytes[16];
    sat_unpack_init(&unpack, from_hex("cf8000000000000000", bytes, sizeof bytes));
    assert_true(sat_unpack_i64(&unpack) == 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
}

static void lengths_above_their_bound_are_too_large(void **state)
{
    (void)state;
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, sat_span_text("\xa3"
                                           "abc"));
    assert_int_equal(sat_unpack_text(&unpack, 2).len, 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_TOO_LARGE);
    sat_unpack_init(&unpack, sat_span_text("\xc4\x03"
                                           "abc"));
    assert_int_equal(sat_unpack_bin(&unpack, 2).len, 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_TOO_LARGE);
    sat_unpack_init(&unpack, sat_span_text("\x93\x01\x01\x01"));
    assert_int_equal(sat_unpack_array(&unpack, 2), 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_TOO_LARGE);
}

static void a_count_larger_than_what_is_left_is_malformed_at_once(void **state)
{
    (void)state;
    uint8_t bytes[16];
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, from_hex("ddffffffff01", bytes, sizeof bytes));
    assert_int_equal(sat_unpack_array(&unpack, UINT32_MAX), 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
    assert_int_equal(skip_hex("ddffffffff01"), SAT_ERR_MALFORMED);
    assert_int_equal(skip_hex("dfffffffff01"), SAT_ERR_MALFORMED);
    assert_int_equal(skip_hex("dbffffffff61"), SAT_ERR_MALFORMED);
    assert_int_equal(skip_hex("c9ffffffff0161"), SAT_ERR_MALFORMED);
}

static void text_is_valid_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"a1ff", "a2c080", "a3eda080", "a100"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t bytes[16];
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, from_hex(bad[i], bytes, sizeof bytes));
        assert_int_equal(sat_unpack_text(&unpack, 100).len, 0);
        assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
    }
}

static void the_wrong_kind_is_malformed(void **state)
{
    (void)state;
    static const char *const values[] = {"c0", "c3", "05", "a161", "c40161", "9105", "80", "ca00000000"};
    for (size_t value = 0; value < 8; value++) {
        for (size_t reader = 0; reader < 6; reader++) {
            uint8_t bytes[16];
            struct sat_unpack unpack;
            sat_unpack_init(&unpack, from_hex(values[value], bytes, sizeof bytes));
            if (reader == 0) sat_unpack_nil(&unpack);
            if (reader == 1) (void)sat_unpack_bool(&unpack);
            if (reader == 2) (void)sat_unpack_i64(&unpack);
            if (reader == 3) (void)sat_unpack_text(&unpack, 9);
            if (reader == 4) (void)sat_unpack_bin(&unpack, 9);
            if (reader == 5) (void)(sat_unpack_array(&unpack, 9) && sat_unpack_i64(&unpack));
            assert_int_equal(sat_unpack_end(&unpack), value == reader ? SAT_OK : SAT_ERR_MALFORMED);
        }
    }
}

static void bytes_of_another_length_are_malformed(void **state)
{
    (void)state;
    uint8_t out[3] = {9, 9, 9};
    struct sat_unpack unpack;
    sat_unpack_init(&unpack, sat_span_text("\xc4\x02"
                                           "ab"));
    sat_unpack_bytes(&unpack, out, sizeof out);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
    assert_memory_equal(out, "\0\0\0", 3);
}

static void peeking_names_the_kind_and_moves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum sat_pack_kind kind;
    } cases[] = {{"", SAT_PACK_NONE},     {"c1", SAT_PACK_NONE},  {"cc", SAT_PACK_NONE},      {"c0", SAT_PACK_NIL},
                 {"c2", SAT_PACK_BOOL},   {"00", SAT_PACK_INT},   {"e0", SAT_PACK_INT},       {"d9", SAT_PACK_NONE},
                 {"d900", SAT_PACK_TEXT}, {"bf", SAT_PACK_TEXT},  {"c400", SAT_PACK_BIN},     {"90", SAT_PACK_ARRAY},
                 {"80", SAT_PACK_OTHER},  {"cb", SAT_PACK_OTHER}, {"c70000", SAT_PACK_OTHER}, {"d400", SAT_PACK_OTHER}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t bytes[16];
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, from_hex(cases[i].hex, bytes, sizeof bytes));
        assert_int_equal(sat_unpack_peek(&unpack), cases[i].kind);
        assert_int_equal(unpack.pos, 0);
        assert_int_equal(unpack.err, SAT_OK);
    }
}

static void a_value_of_any_kind_is_stepped_over_whole(void **state)
{
    (void)state;
    static const char *const values[] = {"c0",           "cb0000000000000000",
                                         "ca00000000",   "d60011223344",
                                         "c7020a0102",   "82a16101a16290",
                                         "93019202c3a0", "c403010203",
                                         "de000101c0",   "d8000102030405060708090a0b0c0d0e0f10"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t bytes[64];
        struct sat_span value = from_hex(values[i], bytes, sizeof bytes - 1);
        bytes[value.len] = 0x07;
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, sat_span(bytes, value.len + 1));
        assert_true(sat_span_equal(sat_unpack_raw(&unpack), value));
        assert_int_equal(sat_unpack_u64(&unpack, 7), 7);
        assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
    }
    assert_int_equal(skip_hex("c1"), SAT_ERR_MALFORMED);
    assert_int_equal(skip_hex("91c1"), SAT_ERR_MALFORMED);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    uint8_t bytes[SAT_PACK_DEPTH_MAX + 2];
    memset(bytes, 0x91, sizeof bytes);
    struct sat_unpack unpack;
    bytes[SAT_PACK_DEPTH_MAX] = 0xc0;
    sat_unpack_init(&unpack, sat_span(bytes, SAT_PACK_DEPTH_MAX + 1));
    assert_int_equal(sat_unpack_raw(&unpack).len, SAT_PACK_DEPTH_MAX + 1);
    assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
    bytes[SAT_PACK_DEPTH_MAX] = 0x91;
    bytes[SAT_PACK_DEPTH_MAX + 1] = 0xc0;
    sat_unpack_init(&unpack, SAT_SPAN(bytes));
    assert_int_equal(sat_unpack_raw(&unpack).len, 0);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_MALFORMED);
}

static void the_first_failure_stays_and_everything_after_it_is_zero(void **state)
{
    (void)state;
    struct sat_unpack unpack;
    uint8_t out[2] = {1, 1};
    sat_unpack_init(&unpack, sat_span_text("\xa3"
                                           "abc\x05"));
    assert_int_equal(sat_unpack_text(&unpack, 2).len, 0);
    assert_int_equal(sat_unpack_u64(&unpack, 9), 0);
    assert_false(sat_unpack_bool(&unpack));
    assert_int_equal(sat_unpack_array(&unpack, 9), 0);
    assert_null(sat_unpack_raw(&unpack).at);
    sat_unpack_bytes(&unpack, out, sizeof out);
    assert_int_equal(out[0], 0);
    assert_int_equal(sat_unpack_peek(&unpack), SAT_PACK_NONE);
    sat_unpack_fail(&unpack, SAT_ERR_MALFORMED);
    assert_int_equal(sat_unpack_end(&unpack), SAT_ERR_TOO_LARGE);
}

/* ---- Against msgpack-c's own reader ---- */

static void expect_same(struct sat_unpack *unpack, const msgpack_object *object);

static void expect_same_items(struct sat_unpack *unpack, const msgpack_object_array *array)
{
    assert_int_equal(sat_unpack_array(unpack, UINT32_MAX), array->size);
    for (uint32_t i = 0; i < array->size; i++) expect_same(unpack, &array->ptr[i]);
}

static void expect_same(struct sat_unpack *unpack, const msgpack_object *object)
{
    struct sat_span span;
    switch (sat_unpack_peek(unpack)) {
    case SAT_PACK_NONE:
        fail_msg("the cursor found nothing where msgpack-c did");
        break;
    case SAT_PACK_NIL:
        assert_int_equal(object->type, MSGPACK_OBJECT_NIL);
        sat_unpack_nil(unpack);
        break;
    case SAT_PACK_BOOL:
        assert_int_equal(object->type, MSGPACK_OBJECT_BOOLEAN);
        assert_int_equal(sat_unpack_bool(unpack), object->via.boolean);
        break;
    case SAT_PACK_INT:
        if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER) {
            assert_true(sat_unpack_u64(unpack, UINT64_MAX) == object->via.u64);
        } else {
            assert_int_equal(object->type, MSGPACK_OBJECT_NEGATIVE_INTEGER);
            assert_true(sat_unpack_i64(unpack) == object->via.i64);
        }
        break;
    case SAT_PACK_TEXT:
        assert_int_equal(object->type, MSGPACK_OBJECT_STR);
        span = sat_unpack_raw(unpack);
        assert_true(span.len >= object->via.str.size + 1);
        assert_memory_equal(span.at + span.len - object->via.str.size, object->via.str.ptr, object->via.str.size);
        break;
    case SAT_PACK_BIN:
        assert_int_equal(object->type, MSGPACK_OBJECT_BIN);
        span = sat_unpack_bin(unpack, SIZE_MAX);
        assert_int_equal(span.len, object->via.bin.size);
        assert_memory_equal(span.at, object->via.bin.ptr, span.len);
        break;
    case SAT_PACK_ARRAY:
        assert_int_equal(object->type, MSGPACK_OBJECT_ARRAY);
        expect_same_items(unpack, &object->via.array);
        break;
    case SAT_PACK_OTHER:
        assert_true(object->type == MSGPACK_OBJECT_MAP || object->type == MSGPACK_OBJECT_EXT ||
                    object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64);
        (void)sat_unpack_raw(unpack);
        break;
    }
    assert_int_equal(unpack->err, SAT_OK);
}

/* Bytes that are often the head of something, and no 32-bit counts: msgpack-c would reserve memory for them. */
static uint8_t likely_byte(struct sat_entropy *entropy)
{
    uint8_t two[2];
    sat_entropy_fill(entropy, two, sizeof two);
    uint8_t byte = two[0] & 3 ? two[1] : (uint8_t)(0x90 | (two[1] & 3));
    return byte == 0xdd || byte == 0xdf || byte == 0xdc || byte == 0xde ? 0xc0 : byte;
}

static void the_cursor_agrees_with_msgpack_c(void **state)
{
    (void)state;
    const uint64_t seed = 20260301;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, seed);
    unsigned agreed = 0;
    for (unsigned round = 0; round < 30000; round++) {
        uint8_t bytes[24];
        size_t len = 1 + round % sizeof bytes, off = 0;
        for (size_t i = 0; i < len; i++) bytes[i] = likely_byte(&entropy);
        uint8_t *copy = copy_of(bytes, len);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        msgpack_unpack_return found = msgpack_unpack_next(&unpacked, (const char *)copy, len, &off);
        struct sat_unpack unpack;
        sat_unpack_init(&unpack, sat_span(copy, len));
        struct sat_span raw = sat_unpack_raw(&unpack);
        if (found == MSGPACK_UNPACK_SUCCESS && raw.len) {
            assert_int_equal(raw.len, off);
            sat_unpack_init(&unpack, raw);
            expect_same(&unpack, &unpacked.data);
            assert_int_equal(sat_unpack_end(&unpack), SAT_OK);
            agreed++;
        } else {
            /* Where only one reads it: nested deeper than the cursor goes. */
            assert_int_equal(raw.len, 0);
            if (found == MSGPACK_UNPACK_SUCCESS) assert_true(len > SAT_PACK_DEPTH_MAX);
        }
        msgpack_unpacked_destroy(&unpacked);
        free(copy);
    }
    assert_true(agreed > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_the_shortest_form),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(what_is_left_over_is_malformed),
        cmocka_unit_test(longer_forms_than_needed_are_read),
        cmocka_unit_test(negative_numbers_of_every_width_are_read),
        cmocka_unit_test(a_number_above_its_bound_is_malformed),
        cmocka_unit_test(lengths_above_their_bound_are_too_large),
        cmocka_unit_test(a_count_larger_than_what_is_left_is_malformed_at_once),
        cmocka_unit_test(text_is_valid_utf8),
        cmocka_unit_test(the_wrong_kind_is_malformed),
        cmocka_unit_test(bytes_of_another_length_are_malformed),
        cmocka_unit_test(peeking_names_the_kind_and_moves_nothing),
        cmocka_unit_test(a_value_of_any_kind_is_stepped_over_whole),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_first_failure_stays_and_everything_after_it_is_zero),
        cmocka_unit_test(the_cursor_agrees_with_msgpack_c),
    };
    return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
