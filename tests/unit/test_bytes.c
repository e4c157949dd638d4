/* The ground floor: base/bytes, base/id, base/utf8 and base/arena. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/base/id.h"
#include "common/base/utf8.h"

/* ---- bytes ---- */

static void numbers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t expected[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d, 0x0c,
                                       0x0b, 0x0a, 0x09, 0x08, 3,    0,    0,    0,    'a',  'b',  'c'};
    struct sat_buf buf;
    struct sat_reader reader;
    sat_buf_init(&buf);
    sat_put_u8(&buf, 0x01);
    sat_put_u16(&buf, 0x0203);
    sat_put_u32(&buf, 0x04050607);
    sat_put_u64(&buf, 0x08090a0b0c0d0e0f);
    sat_put_counted(&buf, sat_span_text("abc"));
    assert_true(sat_span_equal(sat_buf_span(&buf), SAT_SPAN(expected)));
    sat_reader_init(&reader, sat_buf_span(&buf));
    assert_int_equal(sat_take_u8(&reader), 0x01);
    assert_int_equal(sat_take_u16(&reader), 0x0203);
    assert_int_equal(sat_take_u32(&reader), 0x04050607);
    assert_true(sat_take_u64(&reader) == 0x08090a0b0c0d0e0f);
    assert_true(sat_span_equal(sat_take_counted(&reader, 3), sat_span_text("abc")));
    assert_int_equal(sat_reader_end(&reader), SAT_OK);
    sat_buf_deinit(&buf);
}

static void a_failed_reader_gives_zeros_and_stays_failed(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    uint8_t out[2] = {1, 1};
    struct sat_reader reader;
    sat_reader_init(&reader, SAT_SPAN(bytes));
    assert_int_equal(sat_take_u8(&reader), 0xff);
    assert_int_equal(sat_reader_left(&reader), 2);
    assert_int_equal(sat_take_u32(&reader), 0);
    assert_int_equal(sat_reader_left(&reader), 0);
    assert_int_equal(sat_take_u8(&reader), 0);
    assert_true(sat_take_varint(&reader, UINT64_MAX) == 0);
    assert_int_equal(sat_take_span(&reader, 1).len, 0);
    sat_take_bytes(&reader, out, sizeof out);
    assert_int_equal(out[0] | out[1], 0);
    assert_int_equal(sat_reader_end(&reader), SAT_ERR_MALFORMED);
}

static void what_is_left_over_is_malformed(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 2};
    struct sat_reader reader;
    sat_reader_init(&reader, SAT_SPAN(bytes));
    (void)sat_take_u8(&reader);
    assert_int_equal(sat_reader_end(&reader), SAT_ERR_MALFORMED);
    (void)sat_take_u8(&reader);
    assert_int_equal(sat_reader_end(&reader), SAT_OK);
}

static void a_counted_part_has_a_limit(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {2, 0, 0, 0, 'a', 'b'}, huge[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b'};
    struct sat_reader reader;
    sat_reader_init(&reader, SAT_SPAN(bytes));
    assert_int_equal(sat_take_counted(&reader, 2).len, 2);
    sat_reader_init(&reader, SAT_SPAN(bytes));
    assert_int_equal(sat_take_counted(&reader, 1).len, 0);
    assert_true(reader.failed);
    sat_reader_init(&reader, SAT_SPAN(huge));
    assert_int_equal(sat_take_counted(&reader, SIZE_MAX).len, 0);
    assert_true(reader.failed);
}

static void expect_varint(uint64_t v, size_t len)
{
    struct sat_buf buf;
    struct sat_reader reader;
    sat_buf_init(&buf);
    sat_put_varint(&buf, v);
    assert_int_equal(buf.len, len);
    sat_reader_init(&reader, sat_buf_span(&buf));
    assert_true(sat_take_varint(&reader, v) == v);
    assert_int_equal(sat_reader_end(&reader), SAT_OK);
    if (v) { /* one less is allowed: refused */
        sat_reader_init(&reader, sat_buf_span(&buf));
        assert_true(sat_take_varint(&reader, v - 1) == 0);
        assert_true(reader.failed);
    }
    for (size_t cut = 0; cut < len; cut++) {
        sat_reader_init(&reader, sat_span(buf.at, cut));
        assert_true(sat_take_varint(&reader, UINT64_MAX) == 0);
        assert_true(reader.failed);
    }
    buf.at[len - 1] |= 0x80; /* the same number with a zero behind it */
    sat_put_u8(&buf, 0);
    sat_reader_init(&reader, sat_buf_span(&buf));
    assert_true(sat_take_varint(&reader, UINT64_MAX) == 0);
    assert_true(reader.failed);
    sat_buf_deinit(&buf);
}

static void varints_have_one_form(void **state)
{
    (void)state;
    expect_varint(0, 1);
    for (unsigned bits = 1; bits <= 64; bits++) {
        uint64_t largest = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
        expect_varint(largest, (bits + 6) / 7);
        expect_varint((uint64_t)1 << (bits - 1), (bits + 6) / 7);
    }
}

static void a_varint_beyond_64_bits_is_refused(void **state)
{
    (void)state;
    static const uint8_t two_to_64[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02};
    static const uint8_t eleven[] = {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x81, 0x01};
    struct sat_reader reader;
    sat_reader_init(&reader, SAT_SPAN(two_to_64));
    assert_true(sat_take_varint(&reader, UINT64_MAX) == 0 && reader.failed);
    sat_reader_init(&reader, SAT_SPAN(eleven));
    assert_true(sat_take_varint(&reader, UINT64_MAX) == 0 && reader.failed);
}

static void spans_are_ordered_bytewise_and_shorter_first(void **state)
{
    (void)state;
    static const char *const ascending[] = {"", "a", "aa", "ab", "b", "\xff"};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            struct sat_span a = sat_span_text(ascending[i]), b = sat_span_text(ascending[k]);
            int order = sat_span_compare(a, b);
            assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
            assert_int_equal(sat_span_equal(a, b), i == k);
        }
    assert_true(sat_span_equal(sat_span(NULL, 0), sat_span_text("")));
}

static void a_buffer_keeps_what_it_has_while_it_grows(void **state)
{
    (void)state;
    struct sat_buf buf;
    sat_buf_init(&buf);
    for (uint32_t i = 0; i < 5000; i++) sat_put_u32(&buf, i);
    assert_int_equal(buf.len, 20000);
    struct sat_reader reader;
    sat_reader_init(&reader, sat_buf_span(&buf));
    for (uint32_t i = 0; i < 5000; i++) assert_int_equal(sat_take_u32(&reader), i);
    assert_int_equal(sat_reader_end(&reader), SAT_OK);
    sat_buf_clear(&buf);
    assert_int_equal(sat_buf_span(&buf).len, 0);
    sat_put_u8(&buf, 7);
    assert_int_equal(buf.len, 1);
    sat_buf_wipe(&buf);
    assert_null(buf.at);
}

/* ---- id ---- */

static void a_uuid_goes_to_text_and_back(void **state)
{
    (void)state;
    static const uint8_t id[16] = {0x01, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x73, 0x45, 0x86, 0x78, 1, 2, 3, 4, 5, 0xff};
    char text[SAT_UUID_TEXT_SIZE];
    uint8_t back[16];
    sat_uuid_format(id, text);
    assert_string_equal(text, "019abcde-f012-7345-8678-0102030405ff");
    assert_int_equal(sat_uuid_parse(text, back), SAT_OK);
    assert_memory_equal(back, id, 16);
    assert_int_equal(sat_uuid_parse("019ABCDE-F012-7345-8678-0102030405FF", back), SAT_OK);
    assert_memory_equal(back, id, 16);
}

static void a_uuid_of_any_version_is_one(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "c232ab00-9414-11ec-b3c8-9f6bdeced846", "000003e8-9414-21ec-b300-325096b39f47",
        "5df41881-3aed-3515-88a7-2f4a814cf09e", "919108f7-52d1-4320-9bac-f847db4148a8",
        "2ed6657d-e927-568b-95e1-2665a8aea6a2", "1ec9414c-232a-6b00-b3c8-9f6bdeced846",
        "2489e9ad-2ee2-8e00-8ec9-32d5f69181c0", "12345678-1234-0234-0234-123456789abc",
        "12345678-1234-f234-f234-123456789abc",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t id[16];
        char text[SAT_UUID_TEXT_SIZE];
        assert_int_equal(sat_uuid_parse(texts[i], id), SAT_OK);
        sat_uuid_format(id, text);
        assert_string_equal(text, texts[i]);
    }
}

static void other_texts_are_no_uuid(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "0",
        "019abcdef012734586780102030405ff",
        "019abcde-f012-7345-8678-0102030405f",
        "019abcde-f012-7345-8678-0102030405fff",
        "019abcde-f012-7345-8678-0102030405fg",
        "019abcde-f012-7345-86780-102030405ff",
        "{19abcde-f012-7345-8678-0102030405f}",
        "019abcde-f012-7345-8678-0102030405ff ",
        "019abcde--012-7345-8678-0102030405ff",
        "019abcde f012 7345 8678 0102030405ff",
    };
    uint8_t out[16];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(sat_uuid_parse(texts[i], out), SAT_ERR_INVALID);
}

static void a_uuid_v7_has_its_time_in_front(void **state)
{
    (void)state;
    static const uint8_t random[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    char text[SAT_UUID_TEXT_SIZE];
    uint8_t id[16];
    sat_uuid_v7(0x0123456789ab, random, id);
    sat_uuid_format(id, text);
    assert_string_equal(text, "01234567-89ab-7fff-bfff-ffffffffffff");
    sat_uuid_v7(0x0123456789ab, (const uint8_t[10]){0}, id);
    sat_uuid_format(id, text);
    assert_string_equal(text, "01234567-89ab-7000-8000-000000000000");
}

static void hex_goes_both_ways_and_is_exact(void **state)
{
    (void)state;
    uint8_t bytes[2] = {0x0f, 0xa0}, back[2] = {0};
    char text[5];
    sat_hex_format(bytes, 2, text);
    assert_string_equal(text, "0fa0");
    assert_int_equal(sat_hex_parse("0FA0", back, 2), SAT_OK);
    assert_memory_equal(back, bytes, 2);
    assert_int_equal(sat_hex_parse("0fa", back, 2), SAT_ERR_INVALID);
    assert_int_equal(sat_hex_parse("0fa01", back, 2), SAT_ERR_INVALID);
    assert_int_equal(sat_hex_parse("0fag", back, 2), SAT_ERR_INVALID);
    assert_int_equal(sat_hex_parse("", back, 2), SAT_ERR_INVALID);
    assert_int_equal(sat_hex_parse("", back, 0), SAT_OK);
}

static void dots_are_found_by_device_and_counter(void **state)
{
    (void)state;
    static const struct sat_dot sorted[] = {{1, 2}, {1, 5}, {2, 1}, {9, 3}, {9, 4}};
    struct sat_dots dots = {sorted, 5};
    for (uint32_t i = 0; i + 1 < 5; i++) {
        assert_true(sat_dot_compare(sorted[i], sorted[i + 1]) < 0);
        assert_true(sat_dot_compare(sorted[i + 1], sorted[i]) > 0);
    }
    for (uint32_t device = 0; device <= 10; device++)
        for (uint64_t counter = 0; counter <= 6; counter++) {
            struct sat_dot dot = {device, counter};
            bool expected = false;
            for (uint32_t i = 0; i < 5; i++) expected |= sat_dot_compare(sorted[i], dot) == 0;
            assert_int_equal(sat_dots_have(dots, dot), expected);
        }
    assert_false(sat_dots_have((struct sat_dots){NULL, 0}, sorted[0]));
}

static void records_are_sorted_and_each_is_left_once(void **state)
{
    (void)state;
    struct sat_record_id records[6] = {{{3}}, {{1}}, {{3}}, {{0, 9}}, {{1}}, {{3}}};
    assert_int_equal(sat_records_unique(records, 6), 3);
    assert_int_equal(records[0].b[1], 9);
    assert_int_equal(records[1].b[0], 1);
    assert_int_equal(records[2].b[0], 3);
    assert_int_equal(sat_records_unique(records, 1), 1);
    assert_int_equal(sat_records_unique(NULL, 0), 0);
}

static void ids_are_equal_only_if_every_byte_is(void **state)
{
    (void)state;
    struct sat_hash a = {{1}}, b = a, zero = {{0}};
    assert_true(sat_hash_equal(&a, &b));
    assert_false(sat_hash_is_zero(&a));
    assert_true(sat_hash_is_zero(&zero));
    b.b[31] = 1;
    assert_false(sat_hash_equal(&a, &b));
    struct sat_record_id record = {{1}}, other_record = {{1}};
    struct sat_space_id space = {{1}}, other_space = {{1}};
    struct sat_log_epoch epoch = {{1}}, other_epoch = {{1}};
    assert_true(sat_record_equal(&record, &other_record) && sat_space_equal(&space, &other_space));
    assert_true(sat_log_epoch_equal(&epoch, &other_epoch));
    other_record.b[15] = other_space.b[15] = other_epoch.b[15] = 1;
    assert_false(sat_record_equal(&record, &other_record) || sat_space_equal(&space, &other_space));
    assert_false(sat_log_epoch_equal(&epoch, &other_epoch));
}

/* ---- utf8 ---- */

static void utf8_is_valid_in_its_shortest_form_alone(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "plain",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xef\xbf\xbf",
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "Z\xc3\xbcrich \xf0\x9f\x8e\x92",
    };
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2 ",
        "\xe0\x9f\xbf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x8e",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
        "good\xffgood",
        "\xe2\x28\xa1",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(sat_utf8_valid(sat_span_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(sat_utf8_valid(sat_span_text(bad[i])));
    assert_false(sat_utf8_valid(sat_span("a\0b", 3)));
}

static void every_truncation_of_a_character_is_not_valid(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8e\x92"};
    for (size_t i = 0; i < 3; i++)
        for (size_t len = 1; len < strlen(characters[i]); len++) {
            char *copy = malloc(len); /* exactly that large: a sanitizer sees a byte read too many */
            assert_non_null(copy);
            memcpy(copy, characters[i], len);
            assert_false(sat_utf8_valid(sat_span(copy, len)));
            free(copy);
        }
}

static void what_is_shown_cannot_command_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"", ""},
        {"plain Z\xc3\xbcrich", "plain Z\xc3\xbcrich"},
        {"a\x1b[2Jb", "a<U+001B>[2Jb"},
        {"line\nline\t", "line<U+000A>line<U+0009>"},
        {"\x7f", "<U+007F>"},
        {"\xc2\x9b", "<U+009B>"},       /* C1's control sequence introducer */
        {"\xe2\x80\xae", "<U+202E>"},   /* right-to-left override */
        {"\xe2\x81\xa6x", "<U+2066>x"}, /* isolate */
        {"bad\xff", "bad<U+00FF>"},
    };
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(sat_utf8_shown(&arena, cases[i].text), cases[i].shown);
    sat_arena_deinit(&arena);
}

static void a_text_is_cut_at_characters(void **state)
{
    static const struct {
        const char *text;
        size_t characters;
        const char *left;
    } cases[] = {
        {"Anna", 4, "Anna"},
        {"Anna", 3, "Ann"},
        {"", 3, ""},
        {"上海晨光食品", 2, "上海"},
        {"上海晨光食品", 6, "上海晨光食品"},
        {"a上b", 2, "a上"},
        {"\xf0\xa0\x80\x8bx", 1, "\xf0\xa0\x80\x8b"},
        {"x", 0, ""},
        {"x\xff", 9, "x<U+00FF>"},
    };
    struct sat_arena arena;
    (void)state;
    sat_arena_init(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(sat_utf8_beginning(&arena, cases[i].text, cases[i].characters), cases[i].left);
    sat_arena_deinit(&arena);
}

/* ---- arena ---- */

static void an_arena_gives_zeroed_aligned_bytes_that_do_not_overlap(void **state)
{
    (void)state;
    struct sat_arena arena;
    uint8_t *given[200];
    size_t total = 0;
    sat_arena_init(&arena);
    for (size_t i = 0; i < 200; i++) {
        size_t size = i * 7;
        given[i] = sat_arena_alloc(&arena, size);
        assert_non_null(given[i]);
        assert_int_equal((uintptr_t)given[i] % alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++) assert_int_equal(given[i][k], 0);
        if (size) memset(given[i], (int)i, size);
        total += size;
    }
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < i * 7; k++) assert_int_equal(given[i][k], (uint8_t)i);
    assert_true(arena.used_bytes >= total);
    sat_arena_deinit(&arena);
}

static void an_arena_is_used_again_after_a_reset(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (int round = 0; round < 5; round++) {
        uint8_t *at = sat_arena_array(&arena, 1000, 100); /* larger than a block */
        assert_int_equal(at[0] | at[99999], 0);
        memset(at, 0xaa, 100000);
        (void)sat_arena_alloc(&arena, 10);
        sat_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    sat_arena_deinit(&arena);
    assert_null(arena.block);
}

static void copies_and_texts_are_the_arenas_own(void **state)
{
    (void)state;
    struct sat_arena arena;
    char source[] = "abcdef";
    sat_arena_init(&arena);
    char *text = sat_arena_text(&arena, source, 3);
    struct sat_span copy = sat_span_copy(&arena, sat_span_text(source));
    memset(source, 'x', 6);
    assert_string_equal(text, "abc");
    assert_true(sat_span_equal(copy, sat_span_text("abcdef")));
    assert_string_equal(sat_arena_format(&arena, "%s-%d", "n", 42), "n-42");
    assert_string_equal(sat_arena_text(&arena, NULL, 0), "");
    sat_arena_deinit(&arena);
}

static void a_sentence_that_was_cut_in_a_character_is_mended(void **state)
{
    (void)state;
    struct sat_fault fault;
    assert_int_equal(sat_fail(&fault, SAT_ERR_INVALID, "%.7s", "价格表"), SAT_ERR_INVALID);
    assert_true(sat_utf8_valid(sat_span_text(fault.text)));
    assert_string_equal(fault.text, "价格?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_that_was_cut_in_a_character_is_mended),
        cmocka_unit_test(numbers_are_little_endian),
        cmocka_unit_test(a_failed_reader_gives_zeros_and_stays_failed),
        cmocka_unit_test(what_is_left_over_is_malformed),
        cmocka_unit_test(a_counted_part_has_a_limit),
        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(a_varint_beyond_64_bits_is_refused),
        cmocka_unit_test(spans_are_ordered_bytewise_and_shorter_first),
        cmocka_unit_test(a_buffer_keeps_what_it_has_while_it_grows),
        cmocka_unit_test(a_uuid_goes_to_text_and_back),
        cmocka_unit_test(a_uuid_of_any_version_is_one),
        cmocka_unit_test(other_texts_are_no_uuid),
        cmocka_unit_test(a_uuid_v7_has_its_time_in_front),
        cmocka_unit_test(hex_goes_both_ways_and_is_exact),
        cmocka_unit_test(dots_are_found_by_device_and_counter),
        cmocka_unit_test(records_are_sorted_and_each_is_left_once),
        cmocka_unit_test(ids_are_equal_only_if_every_byte_is),
        cmocka_unit_test(utf8_is_valid_in_its_shortest_form_alone),
        cmocka_unit_test(every_truncation_of_a_character_is_not_valid),
        cmocka_unit_test(what_is_shown_cannot_command_a_terminal),
        cmocka_unit_test(a_text_is_cut_at_characters),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_bytes_that_do_not_overlap),
        cmocka_unit_test(an_arena_is_used_again_after_a_reset),
        cmocka_unit_test(copies_and_texts_are_the_arenas_own),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
