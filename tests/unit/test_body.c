#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/vault/body.h"
#include "common/vault/types.h"
#include "common/wire/pack.h"

/* ---- Helpers ---- */

static struct sat_value text(const char *value)
{
    return (struct sat_value){.kind = SAT_VALUE_TEXT, .text = sat_span_text(value)};
}

static struct sat_value integer(int64_t value)
{
    return (struct sat_value){.kind = SAT_VALUE_INT, .integer = value};
}

static struct sat_value moment(int64_t ms, int16_t offset_min)
{
    return (struct sat_value){.kind = SAT_VALUE_TIME, .integer = ms, .offset_min = offset_min};
}

static struct sat_value truth(bool value)
{
    return (struct sat_value){.kind = SAT_VALUE_BOOL, .truth = value};
}

static struct sat_cell element(uint16_t field, const char *name, bool in)
{
    return (struct sat_cell){.field = field, .in_set = true, .element = sat_span_text(name), .value = truth(in)};
}

/* Decodes from a heap copy of exactly that size, which is gone afterwards: what is decoded must not point into it. */
static enum sat_err decode(struct sat_span bytes, struct sat_arena *arena, struct sat_body *out)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    enum sat_err err = sat_body_decode(sat_span(copy, bytes.len), arena, out);
    memset(copy, 0xee, bytes.len);
    free(copy);
    return err;
}

static enum sat_err decode_hex(const char *hex)
{
    uint8_t bytes[128];
    size_t len = strlen(hex) / 2;
    assert_true(len <= sizeof bytes);
    assert_int_equal(sat_hex_parse(hex, bytes, len), SAT_OK);
    struct sat_arena arena;
    struct sat_body body;
    sat_arena_init(&arena);
    enum sat_err err = decode(sat_span(bytes, len), &arena, &body);
    if (err) assert_int_equal(body.cells_n, 0);
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err encode_one(struct sat_cell cell)
{
    struct sat_body body = {.type = 1, .schema = 1, .cells = &cell, .cells_n = 1};
    struct sat_buf buf = {0};
    sat_put_u8(&buf, 0x55);
    enum sat_err err = sat_body_encode(&body, &buf);
    if (err) assert_int_equal(buf.len, 1);
    sat_buf_deinit(&buf);
    return err;
}

static void expect_same_cells(const struct sat_body *a, const struct sat_body *b)
{
    assert_int_equal(a->cells_n, b->cells_n);
    for (uint32_t i = 0; i < a->cells_n; i++) {
        assert_int_equal(sat_cell_compare(&a->cells[i], &b->cells[i]), 0);
        assert_true(sat_value_equal(&a->cells[i].value, &b->cells[i].value));
    }
}

/* ---- Tests ---- */

static void every_kind_of_value_comes_back_as_it_was(void **state)
{
    (void)state;
    struct sat_cell cells[] = {
        {.field = 0, .value = truth(true)},
        {.field = 1, .value = {.kind = SAT_VALUE_NIL}},
        {.field = 2, .value = integer(INT64_MIN)},
        {.field = 3, .value = integer(INT64_MAX)},
        {.field = 4, .value = text("Ærø 北京")},
        {.field = 5, .value = text("")},
        {.field = 6, .value = {.kind = SAT_VALUE_REF, .ref = {{1, 2, 3}}}},
        {.field = 7, .value = moment(1767225600000, -570)},
        {.field = 8, .value = moment(-1, SAT_OFFSET_MIN_MAX)},
        element(9, "a", true),
        element(9, "b", false),
        {.field = 65535, .value = truth(false)},
    };
    struct sat_body body = {.type = 7, .schema = 3, .cells = cells, .cells_n = sizeof cells / sizeof cells[0]}, back;
    struct sat_buf buf = {0}, again = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &back), SAT_OK);
    assert_true(back.type == 7 && back.schema == 3 && back.origin.len == 0);
    expect_same_cells(&body, &back);
    assert_int_equal(sat_body_encode(&back, &again), SAT_OK);
    assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
    sat_buf_deinit(&buf);
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
}

static void the_bytes_are_as_documented(void **state)
{
    (void)state;
    struct sat_cell cells[] = {element(7, "vip", true), {.field = 1, .value = text("Ada")}};
    struct sat_body body = {.type = 1, .schema = 1, .cells = cells, .cells_n = 2};
    struct sat_buf buf = {0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    char hex[64];
    assert_true(buf.len * 2 < sizeof hex);
    sat_hex_format(buf.at, buf.len, hex);
    assert_string_equal(hex, "94010192"
                             "9201a3416461"
                             "9307a3766970c3"
                             "c0");
    sat_buf_deinit(&buf);
}

static void cells_are_sorted_by_field_then_element(void **state)
{
    (void)state;
    struct sat_cell cells[] = {element(3, "b", true),
                               element(3, "a", true),
                               {.field = 2, .value = integer(1)},
                               element(3, "aa", true),
                               {.field = 3, .value = integer(1)}};
    struct sat_body body = {.type = 1, .cells = cells, .cells_n = 5};
    struct sat_buf buf = {0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    assert_int_equal(cells[0].field, 2);
    assert_false(cells[1].in_set);
    assert_true(sat_span_equal(cells[2].element, sat_span_text("a")));
    assert_true(sat_span_equal(cells[3].element, sat_span_text("aa")));
    assert_true(sat_span_equal(cells[4].element, sat_span_text("b")));
    sat_buf_deinit(&buf);
}

static void a_body_without_cells_is_a_body(void **state)
{
    (void)state;
    struct sat_body body = {.type = 1};
    struct sat_buf buf = {0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    struct sat_arena arena;
    sat_arena_init(&arena);
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &body), SAT_OK);
    assert_int_equal(body.cells_n, 0);
    sat_arena_deinit(&arena);
    sat_buf_deinit(&buf);
}

static void an_origin_is_kept_verbatim(void **state)
{
    (void)state;
    struct sat_buf origin = {0}, buf = {0};
    sat_pack_array(&origin, 2);
    sat_pack_bin(&origin, sat_span_text("0123"));
    sat_pack_u64(&origin, 77);
    struct sat_body body = {.type = 1, .origin = sat_buf_span(&origin)}, back;
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    struct sat_arena arena;
    sat_arena_init(&arena);
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &back), SAT_OK);
    assert_true(sat_span_equal(back.origin, sat_buf_span(&origin)));
    sat_arena_deinit(&arena);
    sat_buf_deinit(&origin);
    sat_buf_deinit(&buf);
}

static void values_of_a_later_version_are_kept_verbatim(void **state)
{
    (void)state;
    static const char *const values[] = {"81a16101",   "cb3ff8000000000000",
                                         "c403010203", "9101",
                                         "93010203",   "9201a0",
                                         "d4012a",     "92019fffffffffffffffffffffffffffffff",
                                         "9201cd7fff"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t raw[64];
        size_t len = strlen(values[i]) / 2;
        assert_int_equal(sat_hex_parse(values[i], raw, len), SAT_OK);
        struct sat_cell cell = {.field = 300, .value = {.kind = SAT_VALUE_OTHER, .text = sat_span(raw, len)}};
        struct sat_body body = {.type = 60000, .schema = 9, .cells = &cell, .cells_n = 1}, back;
        struct sat_buf buf = {0}, again = {0};
        struct sat_arena arena;
        sat_arena_init(&arena);
        assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
        assert_int_equal(decode(sat_buf_span(&buf), &arena, &back), SAT_OK);
        assert_int_equal(back.type, 60000);
        assert_int_equal(back.cells[0].value.kind, SAT_VALUE_OTHER);
        expect_same_cells(&body, &back);
        assert_int_equal(sat_body_encode(&back, &again), SAT_OK);
        assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
        sat_buf_deinit(&buf);
        sat_buf_deinit(&again);
        sat_arena_deinit(&arena);
    }
}

static void what_must_not_be_written_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = text("fine")}), SAT_OK);
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = text("\xff")}), SAT_ERR_INVALID);
    assert_int_equal(encode_one(element(1, "\xc0\x80", true)), SAT_ERR_INVALID);
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = moment(0, 1440)}), SAT_ERR_INVALID);
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = moment(INT64_MAX, 0)}), SAT_ERR_INVALID);
    struct sat_cell odd = element(1, "a", true);
    odd.value = integer(1);
    assert_int_equal(encode_one(odd), SAT_ERR_INVALID);
    struct sat_cell twice[] = {element(1, "a", true), element(1, "a", false)};
    struct sat_body body = {.type = 1, .cells = twice, .cells_n = 2};
    struct sat_buf buf = {0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_ERR_INVALID);
    assert_int_equal(buf.len, 0);
    body = (struct sat_body){.type = 0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_ERR_INVALID);
    sat_buf_deinit(&buf);
}

static void limits_hold_when_writing(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    char *large = sat_arena_alloc(&arena, SAT_VALUE_BYTES_MAX + 2);
    memset(large, 'x', SAT_VALUE_BYTES_MAX + 1);
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = text(large)}), SAT_ERR_TOO_LARGE);
    large[SAT_VALUE_BYTES_MAX] = 0;
    assert_int_equal(encode_one((struct sat_cell){.field = 1, .value = text(large)}), SAT_OK);
    struct sat_cell both[] = {{.field = 1, .value = text(large)}, {.field = 2, .value = text(large)}};
    struct sat_body body = {.type = 1, .cells = both, .cells_n = 2};
    struct sat_buf buf = {0};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_ERR_TOO_LARGE);
    large[SAT_ELEMENT_BYTES_MAX + 1] = 0;
    assert_int_equal(encode_one(element(1, large, true)), SAT_ERR_TOO_LARGE);
    struct sat_cell *many = sat_arena_array(&arena, SAT_CELLS_MAX + 1, sizeof *many);
    for (uint16_t i = 0; i <= SAT_CELLS_MAX; i++) many[i] = (struct sat_cell){.field = i};
    body = (struct sat_body){.type = 1, .cells = many, .cells_n = SAT_CELLS_MAX + 1};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_ERR_TOO_LARGE);
    body.cells_n = SAT_CELLS_MAX;
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_cell cells[] = {
        {.field = 1, .value = text("Ada")}, {.field = 2, .value = moment(5, 60)}, element(3, "x", true)};
    struct sat_body body = {.type = 300, .schema = 1, .cells = cells, .cells_n = 3}, back;
    struct sat_buf buf = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(decode(sat_span(buf.at, len), &arena, &back), SAT_ERR_MALFORMED);
    sat_put_u8(&buf, 0xc0);
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &back), SAT_ERR_MALFORMED);
    sat_arena_deinit(&arena);
    sat_buf_deinit(&buf);
}

static void what_nobody_writes_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(decode_hex("94010190c0"), SAT_OK);
    assert_int_equal(decode_hex("94000190c0"), SAT_ERR_MALFORMED);             /* type 0 */
    assert_int_equal(decode_hex("9401ce0001000090c0"), SAT_ERR_MALFORMED);     /* schema above 65,535 */
    assert_int_equal(decode_hex("93010190"), SAT_ERR_MALFORMED);               /* three parts */
    assert_int_equal(decode_hex("9501019000c0"), SAT_ERR_MALFORMED);           /* five */
    assert_int_equal(decode_hex("94010192920205920105c0"), SAT_ERR_MALFORMED); /* cells out of order */
    assert_int_equal(decode_hex("94010192920105920106c0"), SAT_ERR_MALFORMED); /* a cell twice */
    assert_int_equal(decode_hex("940101919101c0"), SAT_ERR_MALFORMED);         /* a cell without a value */
    assert_int_equal(decode_hex("940101919301a16105c0"), SAT_ERR_MALFORMED); /* an element that is neither in nor out */
    assert_int_equal(decode_hex("9401019193010505c0"), SAT_ERR_MALFORMED);
    assert_int_equal(decode_hex("940101919201a1ffc0"), SAT_ERR_MALFORMED); /* not UTF-8 */
    assert_int_equal(decode_hex("940101919201cfffffffffffffffffc0"), SAT_ERR_MALFORMED);
    assert_int_equal(decode_hex("940101919401020304c0"), SAT_ERR_TOO_LARGE);
    assert_int_equal(decode_hex("9401018101c0c0"), SAT_ERR_MALFORMED);
    assert_int_equal(decode_hex(""), SAT_ERR_MALFORMED);
}

static void limits_hold_when_reading(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_body body;
    struct sat_buf buf = {0};
    sat_arena_init(&arena);
    size_t before = arena.used_bytes;
    sat_pack_array(&buf, 4);
    sat_pack_u64(&buf, 1);
    sat_pack_u64(&buf, 1);
    sat_pack_array(&buf, SAT_CELLS_MAX + 1);
    for (uint32_t i = 0; i < SAT_CELLS_MAX + 1; i++) sat_pack_nil(&buf);
    sat_pack_nil(&buf);
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &body), SAT_ERR_TOO_LARGE);
    assert_true(arena.used_bytes - before < 8192); /* no room for cells was made */
    sat_buf_clear(&buf);
    sat_buf_reserve(&buf, SAT_BODY_BYTES_MAX + 1);
    memset(buf.at, 0xc0, SAT_BODY_BYTES_MAX + 1);
    buf.len = SAT_BODY_BYTES_MAX + 1;
    assert_int_equal(decode(sat_buf_span(&buf), &arena, &body), SAT_ERR_TOO_LARGE);
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void values_are_equal_only_in_kind_and_content(void **state)
{
    (void)state;
    struct sat_value values[] = {{.kind = SAT_VALUE_NIL},
                                 truth(false),
                                 truth(true),
                                 integer(0),
                                 integer(1),
                                 text(""),
                                 text("1"),
                                 {.kind = SAT_VALUE_OTHER, .text = sat_span_text("1")},
                                 {.kind = SAT_VALUE_REF},
                                 {.kind = SAT_VALUE_REF, .ref = {{1}}},
                                 moment(1, 0),
                                 moment(1, 60),
                                 moment(2, 0)};
    size_t n = sizeof values / sizeof values[0];
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++) assert_int_equal(sat_value_equal(&values[a], &values[b]), a == b);
}

/* [type 1, schema, [], nil, something more]: of this schema it is rubbish, of a later one it needs that version. */
static void another_form_of_a_later_schema_needs_an_upgrade(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_body body;
    sat_arena_init(&arena);
    for (uint8_t schema = 0; schema < 4; schema++) {
        const uint8_t bytes[] = {0x95, 1, schema, 0x90, 0xc0, 7};
        enum sat_err err = schema > SAT_SCHEMA_VERSION ? SAT_ERR_UPGRADE_NEEDED : SAT_ERR_MALFORMED;
        assert_int_equal(sat_body_decode(SAT_SPAN(bytes), &arena, &body), err);
        const uint8_t known[] = {0x94, 1, schema, 0x90, 0xc0};
        assert_int_equal(sat_body_decode(SAT_SPAN(known), &arena, &body), SAT_OK);
    }
    const uint8_t rubbish[] = {0x95, 0xc0, 9, 0x90, 0xc0, 7}, cut[] = {0x92, 1, 9};
    assert_int_equal(sat_body_decode(SAT_SPAN(rubbish), &arena, &body), SAT_ERR_MALFORMED);
    assert_int_equal(sat_body_decode(SAT_SPAN(cut), &arena, &body), SAT_ERR_MALFORMED);
    sat_arena_deinit(&arena);
}

/* A key of a map, with a value of its own: schema 2, so that who knows no such keys puts it aside until he does. */
static void a_key_of_a_map_is_of_a_later_schema(void **state)
{
    (void)state;
    struct sat_cell cells[] = {element(7, "vip", true), element(8, "authority", true), element(8, "need", true)};
    struct sat_body body = {.type = 29, .schema = sat_body_schema(cells, 3), .cells = cells, .cells_n = 3}, back;
    struct sat_buf buf = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    assert_int_equal(body.schema, SAT_SCHEMA_PLAIN);
    cells[1].value = text("yes");
    cells[2].value = (struct sat_value){.kind = SAT_VALUE_NIL};
    assert_int_equal(sat_body_encode(&body, &buf), SAT_ERR_INVALID);
    body.schema = sat_body_schema(cells, 3);
    assert_int_equal(body.schema, SAT_SCHEMA_KEYED);
    assert_int_equal(sat_body_encode(&body, &buf), SAT_OK);
    assert_int_equal(sat_body_decode(sat_buf_span(&buf), &arena, &back), SAT_OK);
    expect_same_cells(&body, &back);
    sat_arena_deinit(&arena);
    sat_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_of_a_map_is_of_a_later_schema),
        cmocka_unit_test(another_form_of_a_later_schema_needs_an_upgrade),
        cmocka_unit_test(every_kind_of_value_comes_back_as_it_was),
        cmocka_unit_test(the_bytes_are_as_documented),
        cmocka_unit_test(cells_are_sorted_by_field_then_element),
        cmocka_unit_test(a_body_without_cells_is_a_body),
        cmocka_unit_test(an_origin_is_kept_verbatim),
        cmocka_unit_test(values_of_a_later_version_are_kept_verbatim),
        cmocka_unit_test(what_must_not_be_written_is_refused_and_leaves_nothing),
        cmocka_unit_test(limits_hold_when_writing),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(what_nobody_writes_is_malformed),
        cmocka_unit_test(limits_hold_when_reading),
        cmocka_unit_test(values_are_equal_only_in_kind_and_content),
    };
    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}
