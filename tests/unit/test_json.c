#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calendar.h"
#include "client/json.h"
#include "common/base/limits.h"

static struct sat_arena arena;
static struct sat_fault fault;

static int make_arena(void **state)
{
    (void)state;
    sat_arena_init(&arena);
    return 0;
}

static int drop_arena(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    return 0;
}

static struct client_fields read_good(const char *type, const char *json)
{
    struct client_fields fields;
    fault = (struct sat_fault){0};
    if (client_json_fields(sat_type_by_name(type), json, &arena, &fields, &fault)) fail_msg("%s: %s", json, fault.text);
    return fields;
}

/* Refused with that error and a sentence that names all the words. */
static void refuse(const char *type, const char *json, enum sat_err err, const char *word, const char *other)
{
    struct client_fields fields;
    fault = (struct sat_fault){0};
    assert_int_equal(client_json_fields(sat_type_by_name(type), json, &arena, &fields, &fault), err);
    if (!strstr(fault.text, word) || !strstr(fault.text, other))
        fail_msg("\"%s\" does not name %s and %s", fault.text, word, other);
}

/* What goes in comes out: the JSON of the fields, read and written again. */
static void assert_round_trip(const char *type_name, const char *json, const char *wanted)
{
    const struct sat_type *type = sat_type_by_name(type_name);
    struct client_fields fields = read_good(type_name, json);
    char *text = client_json_text(client_json_of_cells(type, fields.cells, fields.n));
    assert_string_equal(text, wanted);
    free(text);
}

/* A member can write what no put makes: of a set, or of a map, a plain cell beside its elements. */
static void a_plain_cell_beside_elements_does_no_harm(void **state)
{
    (void)state;
    const struct sat_type *type = sat_type_by_name("account");
    const struct sat_field *tags = sat_field_by_name(type, "tags"), *ext = sat_field_ext();
    const struct sat_span key = sat_span_text("vip");
    const struct sat_value text = {.kind = SAT_VALUE_TEXT, .text = sat_span_text("x")};
    const struct sat_cell cells[] = {
        {.field = tags->number, .value = text},
        {.field = tags->number, .in_set = true, .element = key, .value = {.kind = SAT_VALUE_BOOL, .truth = true}},
        {.field = ext->number, .value = text},
        {.field = ext->number, .in_set = true, .element = key, .value = text},
    };
    char *told = client_json_text(client_json_of_cells(type, cells, 4));
    assert_non_null(strstr(told, "\"tags\":{\"add\":[\"vip\"]}"));
    assert_non_null(strstr(told, "\"ext\":{\"vip\":\"x\"}"));
    free(told);
}

/* ---- Kinds ---- */

static void every_kind_of_value_goes_in_and_comes_out(void **state)
{
    (void)state;
    assert_round_trip("account", "{\"name\":\"Zürich\"}", "{\"name\":\"Zürich\"}");
    assert_round_trip("order_line", "{\"qty\":-3,\"unit_price\":1250}", "{\"qty\":-3,\"unit_price\":1250}");
    assert_round_trip("product", "{\"discontinued\":true}", "{\"discontinued\":true}");
    assert_round_trip("order", "{\"ordered_on\":\"1998-05-06\"}", "{\"ordered_on\":\"1998-05-06\"}");
    assert_round_trip("visit", "{\"account\":\"0191F0A0-0000-7000-8000-00000000BEEF\"}",
                      "{\"account\":\"0191f0a0-0000-7000-8000-00000000beef\"}");
    assert_round_trip("account", "{\"city\":null}", "{\"city\":null}");
    assert_round_trip("account", "{\"tags\":{\"add\":[\"a\"],\"remove\":[\"b\"]}}",
                      "{\"tags\":{\"add\":[\"a\"],\"remove\":[\"b\"]}}");
}

static void integers_span_64_bits_and_nothing_else_is_one(void **state)
{
    (void)state;
    assert_round_trip("order_line", "{\"qty\":9223372036854775807}", "{\"qty\":9223372036854775807}");
    assert_round_trip("order_line", "{\"qty\":-9223372036854775808}", "{\"qty\":-9223372036854775808}");
    refuse("order_line", "{\"qty\":9223372036854775808}", SAT_ERR_INVALID, "order_line", "big");
    refuse("order_line", "{\"qty\":1.0}", SAT_ERR_INVALID, "order_line.qty", "1.0");
    refuse("order_line", "{\"qty\":\"5\"}", SAT_ERR_INVALID, "order_line.qty", "\"5\"");
    refuse("order_line", "{\"unit_price\":1e3}", SAT_ERR_INVALID, "order_line.unit_price", "minor units");
    refuse("order_line", "{\"qty\":true}", SAT_ERR_INVALID, "order_line.qty", "true");
}

static void an_integer_out_of_its_fields_range_is_refused_with_the_bounds(void **state)
{
    (void)state;
    assert_round_trip("order_line", "{\"discount_bp\":0}", "{\"discount_bp\":0}");
    assert_round_trip("order_line", "{\"discount_bp\":10000}", "{\"discount_bp\":10000}");
    refuse("order_line", "{\"discount_bp\":-1}", SAT_ERR_INVALID, "order_line.discount_bp", "from 0 to 10000, not -1");
    refuse("order_line", "{\"discount_bp\":10001}", SAT_ERR_INVALID, "order_line.discount_bp", "10001");
    const struct sat_type *type = sat_type_by_name("order_line");
    struct sat_value value;
    assert_int_equal(client_json_value(type, sat_field_by_name(type, "discount_bp"), "10001", &arena, &value, &fault),
                     SAT_ERR_INVALID);
}

static void a_value_of_the_wrong_kind_is_refused_by_name(void **state)
{
    (void)state;
    refuse("account", "{\"name\":5}", SAT_ERR_INVALID, "account.name", "5");
    refuse("product", "{\"discontinued\":\"yes\"}", SAT_ERR_INVALID, "product.discontinued", "yes");
    refuse("visit", "{\"account\":\"beef\"}", SAT_ERR_INVALID, "visit.account", "beef");
    refuse("visit", "{\"account\":\"00000000-0000-0000-0000-0000000000\"}", SAT_ERR_INVALID, "visit.account", "id");
    refuse("account", "{\"tags\":\"vip\"}", SAT_ERR_INVALID, "account.tags", "vip");
    refuse("account", "{\"tags\":[1]}", SAT_ERR_INVALID, "account.tags", "1");
    refuse("account", "{\"tags\":{\"put\":[\"a\"]}}", SAT_ERR_INVALID, "account.tags", "put");
    refuse("account", "{\"name\":{\"a\":1}}", SAT_ERR_INVALID, "account.name", "text");
}

static void of_a_long_value_that_is_refused_the_beginning_is_shown(void **state)
{
    (void)state;
    char text[101], json[300], quoted[120];
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = (char)('a' + i % 26);
    text[sizeof text - 1] = 0;
    (void)snprintf(json, sizeof json, "{\"tags\":\"%s\"}", text);
    (void)snprintf(quoted, sizeof quoted, "not \"%.79s…", text);
    refuse("account", json, SAT_ERR_INVALID, "account.tags", quoted);
}

static void unknown_and_computed_fields_are_refused(void **state)
{
    (void)state;
    refuse("account", "{\"nam\":\"A\"}", SAT_ERR_NOT_FOUND, "account", "nam");
    refuse("order", "{\"total\":5}", SAT_ERR_INVALID, "order.total", "computed");
    refuse("account", "{\"deleted\":true}", SAT_ERR_NOT_FOUND, "account", "deleted");
}

static void broken_json_is_refused(void **state)
{
    (void)state;
    refuse("account", "{\"name\":\"A\"", SAT_ERR_INVALID, "account", "JSON");
    refuse("account", "[]", SAT_ERR_INVALID, "account", "object");
    refuse("account", "{\"name\":\"A\",\"name\":\"B\"}", SAT_ERR_INVALID, "account", "duplicate");
    refuse("account", "{\"name\":\"A\"} x", SAT_ERR_INVALID, "account", "JSON");
    assert_int_equal(read_good("account", NULL).n, 0);
    assert_int_equal(read_good("account", "{}").n, 0);
}

static void text_that_is_not_utf_8_is_refused_and_control_characters_are_kept(void **state)
{
    (void)state;
    refuse("account", "{\"name\":\"\xff\"}", SAT_ERR_INVALID, "account", "UTF-8");
    refuse("account", "{\"name\":\"\xed\xa0\x80\"}", SAT_ERR_INVALID, "account", "UTF-8");
    refuse("account", "{\"name\":\"\xc0\xaf\"}", SAT_ERR_INVALID, "account", "UTF-8");
    refuse("account", "{\"name\":\"a\\u0000b\"}", SAT_ERR_INVALID, "account", "JSON");
    assert_round_trip("account", "{\"name\":\"a\\u001bb\\n\"}", "{\"name\":\"a\\u001Bb\\n\"}");
}

static void text_that_is_too_long_is_refused(void **state)
{
    (void)state;
    size_t len = SAT_VALUE_BYTES_MAX + 1;
    char *json = calloc(1, len + 32);
    assert_non_null(json);
    size_t at = (size_t)snprintf(json, len, "{\"name\":\"");
    memset(json + at, 'x', len);
    memcpy(json + at + len, "\"}", 3);
    refuse("account", json, SAT_ERR_TOO_LARGE, "account.name", "65537");
    memcpy(json + at + len - 1, "\"}", 3);
    assert_int_equal(read_good("account", json).n, 1);
    memcpy(json, "{\"tags\":[\"", 10);
    memcpy(json + 1100, "\"]}", 4);
    refuse("account", json, SAT_ERR_TOO_LARGE, "account.tags", "1024");
    free(json);
}

static void texts_that_do_not_fit_one_change_together_are_refused(void **state)
{
    (void)state;
    size_t len = 50000;
    char *json = calloc(2, len + 32);
    assert_non_null(json);
    size_t at = (size_t)snprintf(json, len, "{\"name\":\"");
    memset(json + at, 'x', len);
    size_t second = at + len + (size_t)snprintf(json + at + len, 32, "\",\"note\":\"");
    memset(json + second, 'y', len + 1);
    memcpy(json + second + len + 1, "\"}", 3);
    refuse("account", json, SAT_ERR_TOO_LARGE, "account: ", "100001 bytes together where 97280 are allowed");
    refuse("account", json, SAT_ERR_TOO_LARGE, "account: ", "the longest is note with 50001");
    memcpy(json + second + 97280 - len, "\"}", 3);
    assert_int_equal(read_good("account", json).n, 2);
    free(json);
}

/* {"tags":["0","1",…]} */
static char *many_elements(uint32_t n)
{
    char *json = calloc(n + 2, 8);
    assert_non_null(json);
    size_t at = (size_t)snprintf(json, 16, "{\"tags\":[");
    for (uint32_t i = 0; i < n; i++) at += (size_t)snprintf(json + at, 16, "%s\"%u\"", i ? "," : "", (unsigned)i);
    (void)snprintf(json + at, 4, "]}");
    return json;
}

static void too_many_elements_at_once_are_refused_by_name(void **state)
{
    (void)state;
    char *json = many_elements(4097);
    refuse("account", json, SAT_ERR_TOO_LARGE, "account.tags: 4097 elements", "4096");
    free(json);
    json = many_elements(4096);
    assert_int_equal(read_good("account", json).n, 4096);
    free(json);
}

static void an_element_named_twice_is_in_if_any_says_so(void **state)
{
    (void)state;
    struct client_fields fields = read_good("account", "{\"tags\":{\"remove\":[\"a\"],\"add\":[\"a\",\"a\"]}}");
    assert_int_equal(fields.n, 1);
    assert_true(fields.cells[0].value.truth);
    assert_int_equal(fields.whole_n, 0);
    assert_int_equal(read_good("account", "{\"tags\":[]}").whole_n, 1);
    assert_int_equal(read_good("account", "{\"tags\":null}").whole_n, 1);
}

/* ---- Times ---- */

static void times_keep_their_offset_and_milliseconds(void **state)
{
    (void)state;
    assert_round_trip("visit", "{\"started_at\":\"2024-05-17T09:30:00+02:00\"}",
                      "{\"started_at\":\"2024-05-17T09:30:00+02:00\"}");
    assert_round_trip("visit", "{\"started_at\":\"2024-05-17T09:30:00.250-09:30\"}",
                      "{\"started_at\":\"2024-05-17T09:30:00.250-09:30\"}");
    assert_round_trip("visit", "{\"started_at\":\"1969-12-31T23:59:59.999Z\"}",
                      "{\"started_at\":\"1969-12-31T23:59:59.999Z\"}");
    assert_round_trip("visit", "{\"started_at\":\"2024-05-17t09:30:00.1234567z\"}",
                      "{\"started_at\":\"2024-05-17T09:30:00.123Z\"}");
    struct client_fields fields = read_good("visit", "{\"started_at\":\"1970-01-01T02:00:01+02:00\"}");
    assert_int_equal(fields.cells[0].value.integer, 1000);
    assert_int_equal(fields.cells[0].value.offset_min, 120);
}

static void times_that_no_clock_shows_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-05-17T24:00:00Z",
        "2024-05-17T23:60:00Z",
        "2024-05-17T23:59:60Z",
        "2024-05-17T09:30:00",
        "2024-05-17 09:30:00Z",
        "2024-05-17T09:30Z",
        "2024-05-17T09:30:00.Z",
        "2024-05-17T09:30:00+24:00",
        "2024-05-17T09:30:00+0200",
        "2024-05-17T09:30:00Zx",
        "",
        "now",
    };
    char json[128];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(json, sizeof json, "{\"started_at\":\"%s\"}", bad[i]);
        refuse("visit", json, SAT_ERR_INVALID, "visit.started_at", "time");
    }
}

static void dates_are_checked_against_the_calendar(void **state)
{
    (void)state;
    static const char *const good[] = {"2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"};
    static const char *const bad[] = {"2023-02-29", "1900-02-29",  "2024-04-31", "2024-4-3",
                                      "24-04-03",   "2024-04-03T", "2024/04/03", ""};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) assert_true(client_date_valid(sat_span_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_false(client_date_valid(sat_span_text(bad[i])));
    refuse("order", "{\"ordered_on\":\"2023-02-29\"}", SAT_ERR_INVALID, "order.ordered_on", "2023-02-29");
}

static void every_day_of_four_centuries_comes_back(void **state)
{
    (void)state;
    char text[CLIENT_TIME_TEXT_SIZE];
    for (int64_t day = -140000; day < 10000; day += 1) {
        int64_t ms = day * INT64_C(86400000) + 12345678, back = 0;
        int16_t offset = (int16_t)(day % 720), offset_back = 0;
        client_time_format(ms, offset, text);
        assert_true(client_time_parse(sat_span_text(text), &back, &offset_back));
        assert_int_equal(back, ms);
        assert_int_equal(offset_back, offset);
    }
}

/* ---- Values for resolve ---- */

static void a_single_value_is_read_by_its_fields_kind(void **state)
{
    (void)state;
    const struct sat_type *type = sat_type_by_name("order_line");
    struct sat_value value;
    assert_int_equal(client_json_value(type, sat_field_by_name(type, "qty"), "5", &arena, &value, &fault), SAT_OK);
    assert_int_equal(value.integer, 5);
    assert_int_equal(client_json_value(type, sat_field_by_name(type, "qty"), "null", &arena, &value, &fault), SAT_OK);
    assert_int_equal(value.kind, SAT_VALUE_NIL);
    assert_int_equal(client_json_value(type, sat_field_by_name(type, "qty"), "five", &arena, &value, &fault),
                     SAT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_cell_beside_elements_does_no_harm),
        cmocka_unit_test(every_kind_of_value_goes_in_and_comes_out),
        cmocka_unit_test(integers_span_64_bits_and_nothing_else_is_one),
        cmocka_unit_test(an_integer_out_of_its_fields_range_is_refused_with_the_bounds),
        cmocka_unit_test(a_value_of_the_wrong_kind_is_refused_by_name),
        cmocka_unit_test(of_a_long_value_that_is_refused_the_beginning_is_shown),
        cmocka_unit_test(unknown_and_computed_fields_are_refused),
        cmocka_unit_test(broken_json_is_refused),
        cmocka_unit_test(text_that_is_not_utf_8_is_refused_and_control_characters_are_kept),
        cmocka_unit_test(text_that_is_too_long_is_refused),
        cmocka_unit_test(texts_that_do_not_fit_one_change_together_are_refused),
        cmocka_unit_test(too_many_elements_at_once_are_refused_by_name),
        cmocka_unit_test(an_element_named_twice_is_in_if_any_says_so),
        cmocka_unit_test(times_keep_their_offset_and_milliseconds),
        cmocka_unit_test(times_that_no_clock_shows_are_refused),
        cmocka_unit_test(dates_are_checked_against_the_calendar),
        cmocka_unit_test(every_day_of_four_centuries_comes_back),
        cmocka_unit_test(a_single_value_is_read_by_its_fields_kind),
    };
    return cmocka_run_group_tests_name("json", tests, make_arena, drop_arena);
}
