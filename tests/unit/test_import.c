#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/import/value.h"

static int begin(void **state)
{
    static struct sat_arena arena;
    sat_arena_init(&arena);
    *state = &arena;
    return 0;
}

static int end(void **state)
{
    sat_arena_deinit(*state);
    return 0;
}

static struct import_table read_csv(struct sat_arena *arena, const char *text)
{
    struct import_table table;
    struct import_bad bad;
    assert_int_equal(import_csv_read(sat_span_text(text), 0, NULL, 0, arena, &table, &bad), SAT_OK);
    return table;
}

static void refuse_csv(struct sat_arena *arena, const char *text, uint32_t line, const char *rule)
{
    struct import_table table;
    struct import_bad bad;
    assert_int_equal(import_csv_read(sat_span_text(text), 0, NULL, 0, arena, &table, &bad), SAT_ERR_INVALID);
    assert_string_equal(bad.rule, rule);
    assert_int_equal(bad.line, line);
}

static void quotes_hold_separators_quotes_and_lines(void **state)
{
    struct import_table table = read_csv(*state, "a,b\r\n\"1,\"\"x\"\"\",\"two\r\nlines\"\r\n\r\n3,\n\"\",4");
    assert_int_equal(table.names_n, 2);
    assert_int_equal(table.rows_n, 3);
    assert_string_equal(table.rows[0].cells[0], "1,\"x\"");
    assert_string_equal(table.rows[0].cells[1], "two\r\nlines");
    assert_int_equal(table.rows[0].line, 2);
    assert_int_equal(table.rows[1].line, 5);
    assert_string_equal(table.rows[1].cells[1], "");
    assert_int_equal(table.rows[2].line, 6);
    assert_string_equal(table.rows[2].cells[0], "");
}

static void the_separator_is_the_most_frequent_of_the_first_line(void **state)
{
    static const char *const texts[] = {"a,b\n1,2\n", "a;b\n1,5;2\n",  "a\tb,c\td\n",
                                        "a|b\r1|2\r", "\"a,b,c\";d\n", "sep=|\na|b\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct import_table table = read_csv(*state, texts[i]);
        assert_int_equal(table.names_n, i == 2 ? 3 : 2);
    }
}

static void what_is_no_csv_is_named_by_its_line(void **state)
{
    refuse_csv(*state, "", 0, "header");
    refuse_csv(*state, "\r\n\n", 0, "header");
    refuse_csv(*state, "a,b\n1,\"open\n\n", 2, "quote");
    refuse_csv(*state, "a,b\n\"1\n\"x,2\n", 3, "quote");
}

static void every_beginning_of_a_table_is_read_or_refused(void **state)
{
    static const char text[] = "sep=;\r\n\"a\";b\r\n\"1;\"\"x\";\"two\r\nlines\"\r\n";
    for (size_t len = 0; len < sizeof text; len++) {
        struct import_table table;
        struct import_bad bad = {0};
        if (import_csv_read(sat_span(text, len), 0, NULL, 0, *state, &table, &bad)) assert_non_null(bad.text);
    }
}

static void files_become_utf8(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *encoding, *text;
    } files[] = {{"\xef\xbb\xbf\xe8\xa1\x8c", 6, NULL, "行"},
                 {"\xff\xfe\x4c\x88", 4, NULL, "行"},
                 {"\xfe\xff\x88\x4c", 4, "GB18030", "行"},
                 {"\xd0\xd0", 2, "GB18030", "行"},
                 {"\x84\x31\x95\x33\xd0\xd0", 6, "gb18030", "行"},
                 {"\xfc", 1, "ISO-8859-1", "ü"},
                 {"\x80", 1, "WINDOWS-1252", "€"},
                 {"", 0, "GB18030", ""}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct sat_span text;
        struct import_bad bad;
        struct sat_span bytes = sat_span(files[i].bytes, files[i].len);
        assert_int_equal(import_decode(bytes, files[i].encoding, *state, &text, &bad), SAT_OK);
        assert_true(sat_span_equal(text, sat_span_text(files[i].text)));
    }
}

static void what_is_not_of_its_encoding_is_named_by_its_line(void **state)
{
    struct sat_span text;
    struct import_bad bad;
    assert_int_equal(import_decode(sat_span_text("a\nb\xff\nc"), NULL, *state, &text, &bad), SAT_ERR_INVALID);
    assert_int_equal(bad.line, 2);
    assert_int_equal(import_decode(sat_span("a\n\0", 3), NULL, *state, &text, &bad), SAT_ERR_INVALID);
    assert_non_null(strstr(bad.text, "zero byte"));
    assert_int_equal(import_decode(sat_span_text("a\n\n\xff\xff"), "GB18030", *state, &text, &bad), SAT_ERR_INVALID);
    assert_int_equal(bad.line, 3);
    assert_int_equal(import_decode(sat_span_text("a"), "UTF-8//IGNORE", *state, &text, &bad), SAT_ERR_INVALID);
    struct sat_span large = {(const uint8_t *)"", (size_t)IMPORT_FILE_BYTES_MAX + 1};
    assert_int_equal(import_decode(large, NULL, *state, &text, &bad), SAT_ERR_TOO_LARGE);
}

static void numbers_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decimal, *thousands;
        int digits;
        int64_t number;
    } good[] = {{"0", NULL, NULL, 0, 0},
                {"14.00", NULL, NULL, 2, 1400},
                {"-1.5", NULL, NULL, 2, -150},
                {"+7", NULL, NULL, 2, 700},
                {"0.15", NULL, NULL, 4, 1500},
                {"1.234.567,8", NULL, ".", 2, 123456780},
                {"1,234.50", NULL, ",", 2, 123450},
                {"12\xe2\x80\xaf"
                 "345",
                 ",", "\xe2\x80\xaf", 0, 12345},
                {"5.00", NULL, NULL, 0, 5},
                {"14.0000", NULL, NULL, 2, 1400},
                {"5.000", ".", NULL, 0, 5},
                {"9223372036854775807", NULL, NULL, 0, INT64_MAX},
                {"-9223372036854775808", NULL, NULL, 0, INT64_MIN}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct import_form form = {.decimal = good[i].decimal, .thousands = good[i].thousands};
        int64_t number = 99;
        assert_true(import_number(good[i].text, &form, good[i].digits, &number));
        assert_int_equal(number, good[i].number);
    }
    static const char *const bad[] = {"",      "-",     "x",     "1x",    "1.",
                                      ".5",    "1.555", "1,5",   "1e3",   "--1",
                                      "1 000", "0x10",  "1.5.5", "1.000", "9223372036854775808"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct import_form form = {0};
        int64_t number;
        assert_false(import_number(bad[i], &form, 2, &number));
    }
    static const char *const ungrouped[] = {"1.23", "1.2345", "1234.567", "1..234", ".123", "1.234.5"};
    for (size_t i = 0; i < sizeof ungrouped / sizeof *ungrouped; i++) {
        struct import_form form = {.thousands = "."};
        int64_t number;
        assert_false(import_number(ungrouped[i], &form, 2, &number));
    }
}

static void dates_are_read_after_their_form(void **state)
{
    static const struct {
        const char *text, *form;
        bool with_time;
        const char *date; /* NULL: it is not of that form */
    } dates[] = {{"1996-07-04", NULL, false, "1996-07-04"},
                 {"1996-07-04 00:00:00.000", NULL, false, "1996-07-04"},
                 {"1996-07-04 noon", NULL, false, NULL},
                 {"4.7.1996", NULL, false, NULL},
                 {"4.7.1996", "DD.MM.YYYY", false, "1996-07-04"},
                 {"7/4/96", "M/D/YY", false, "1996-07-04"},
                 {"7/4/26", "M/D/YY", false, "2026-07-04"},
                 {"2026年5月1日", "YYYY年M月D日", false, "2026-05-01"},
                 {"20260501", "YYYYMMDD", false, "2026-05-01"},
                 {"1.5.2026 9:05", "DD.MM.YYYY hh:mm", true, "2026-05-01T09:05:00+01:00"},
                 {"1.5.2026", "DD.MM.YYYY hh:mm", true, NULL},
                 {"1.5.2026 9:05 h", "DD.MM.YYYY hh:mm", true, NULL},
                 {"2026-05-01T09:05:00Z", NULL, true, "2026-05-01T09:05:00Z"}};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        struct import_form form = {.date = dates[i].form, .zone = "+01:00"};
        const char *date = import_date(*state, dates[i].text, &form, dates[i].with_time);
        assert_int_equal(date == NULL, dates[i].date == NULL);
        if (date) assert_string_equal(date, dates[i].date);
    }
}

static void ids_tell_keys_apart_and_stay(void **state)
{
    (void)state;
    static const uint8_t secret[32] = {1}, other_secret[32] = {2};
    struct import_ids ids = {.secret = secret, .map = "m"}, others = {.secret = other_secret, .map = "m"};
    const char *ab[] = {"a", "b"}, *joined[] = {"ab", ""};
    struct sat_record_id id = import_id(&ids, "account", ab, 2), again = import_id(&ids, "account", ab, 2);
    assert_true(sat_record_equal(&id, &again));
    struct sat_record_id different[] = {import_id(&ids, "contact", ab, 2), import_id(&ids, "account", joined, 2),
                                        import_id(&ids, "account", ab, 1), import_id(&others, "account", ab, 2)};
    for (size_t i = 0; i < sizeof different / sizeof *different; i++)
        assert_false(sat_record_equal(&id, &different[i]));
    assert_int_equal(id.b[6] >> 4, 8);
}

static void blanks_of_east_and_west_are_trimmed(void **state)
{
    assert_string_equal(import_trim(*state, " \t\xe3\x80\x80行 囊\xc2\xa0 \r\n"), "行 囊");
    assert_string_equal(import_trim(*state, " \xe3\x80\x80 "), "");
    assert_string_equal(import_trim(*state, "\xe3\x80\x82"), "\xe3\x80\x82");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(quotes_hold_separators_quotes_and_lines, begin, end),
        cmocka_unit_test_setup_teardown(the_separator_is_the_most_frequent_of_the_first_line, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_csv_is_named_by_its_line, begin, end),
        cmocka_unit_test_setup_teardown(every_beginning_of_a_table_is_read_or_refused, begin, end),
        cmocka_unit_test_setup_teardown(files_become_utf8, begin, end),
        cmocka_unit_test_setup_teardown(what_is_not_of_its_encoding_is_named_by_its_line, begin, end),
        cmocka_unit_test_setup_teardown(numbers_are_read_whole_or_not_at_all, begin, end),
        cmocka_unit_test_setup_teardown(dates_are_read_after_their_form, begin, end),
        cmocka_unit_test_setup_teardown(ids_tell_keys_apart_and_stay, begin, end),
        cmocka_unit_test_setup_teardown(blanks_of_east_and_west_are_trimmed, begin, end),
    };
    return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
