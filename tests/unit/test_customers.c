/* What tells customers apart, and what is left of a text behind its mask. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/book/alike.h"
#include "client/grades.h"

static void expect_name(const char *name, const char *core, const char *place)
{
    struct sat_arena arena;
    struct client_alike_words words;
    const char *found;
    sat_arena_init(&arena);
    client_alike_words_init(&words, &arena);
    assert_string_equal(client_alike_name(&words, &arena, name, &found), core);
    assert_string_equal(found, place);
    sat_arena_deinit(&arena);
}

static void the_kind_of_company_and_the_place_do_not_count(void **state)
{
    (void)state;
    expect_name("上海晨光食品有限公司", "晨光食品", "上海");
    expect_name("晨光食品(上海)", "晨光食品", "上海");
    expect_name("晨光食品(上海)股份有限公司", "晨光食品", "上海");
    expect_name("晨光食品", "晨光食品", "");
    expect_name("Blue Lion Co., Ltd.", "bluelion", "");
    expect_name("BLUE LION GmbH", "bluelion", "");
}

static void a_name_that_is_nothing_else_stays_one(void **state)
{
    (void)state;
    expect_name("上海公司", "上海", "");
    expect_name("Cola", "cola", "");
    expect_name("A", "", "");
    expect_name("", "", "");
    expect_name("\xff\xfe", "", "");
    expect_name(NULL, "", "");
}

static void traditional_and_simplified_are_one(void **state)
{
    struct sat_arena arena;
    struct client_alike_words words;
    const char *a, *b;
    (void)state;
    sat_arena_init(&arena);
    client_alike_words_init(&words, &arena);
    const char *traditional = client_alike_name(&words, &arena, "廣東龍門國際有限公司", &a);
    const char *simplified = client_alike_name(&words, &arena, "龙门国际(广东)", &b);
    assert_string_equal(traditional, simplified);
    assert_string_equal(a, "广东");
    assert_string_equal(a, b);
    sat_arena_deinit(&arena);
}

static void a_phone_is_its_digits(void **state)
{
    struct sat_arena arena;
    (void)state;
    sat_arena_init(&arena);
    assert_string_equal(client_alike_phone(&arena, "+86 138-1234-5678"), "13812345678");
    assert_string_equal(client_alike_phone(&arena, "021 6123 4567"), "2161234567");
    assert_string_equal(client_alike_phone(&arena, "12345"), "");
    assert_string_equal(client_alike_phone(&arena, "138****5678"), "");
    assert_string_equal(client_alike_phone(&arena, NULL), "");
    sat_arena_deinit(&arena);
}

static size_t pairs_of(const char *rows, struct client_alike *first)
{
    struct sat_arena arena;
    struct client_alike *pairs;
    json_t *json = json_loads(rows, 0, NULL);
    assert_non_null(json);
    sat_arena_init(&arena);
    size_t n = client_alike_pairs(&arena, json, &pairs);
    if (n) *first = pairs[0];
    json_decref(json);
    sat_arena_deinit(&arena);
    return n;
}

static void two_are_one_pair_with_all_reasons(void **state)
{
    struct client_alike pair;
    (void)state;
    assert_int_equal(
        pairs_of("[{\"name\":\"晨光\",\"phone\":\"13812345678\",\"lat_e7\":312304000,\"lon_e7\":1214737000},"
                 "{\"name\":\"晨光公司\",\"phone\":\"138 1234 5678\",\"lat_e7\":312304500,\"lon_e7\":1214737500}]",
                 &pair),
        1);
    assert_int_equal(pair.why, CLIENT_ALIKE_NAME | CLIENT_ALIKE_PHONE | CLIENT_ALIKE_PLACE);
    assert_int_equal(pair.a, 0);
    assert_int_equal(pair.b, 1);
}

static void two_places_are_two_customers(void **state)
{
    struct client_alike pair;
    (void)state;
    assert_int_equal(
        pairs_of("[{\"name\":\"北京晨光\"},{\"name\":\"上海晨光\"},{\"name\":\"\"},{\"name\":null},{}]", &pair), 0);
    /* 150 m and a little more; a neighbour of another name */
    assert_int_equal(pairs_of("[{\"name\":\"blue lion\",\"lat_e7\":312304000,\"lon_e7\":0},"
                              "{\"name\":\"blue lion cafe\",\"lat_e7\":312317600,\"lon_e7\":0},"
                              "{\"name\":\"red fox\",\"lat_e7\":312304001,\"lon_e7\":0}]",
                              &pair),
                     0);
    assert_int_equal(pairs_of("[{\"name\":\"blue lion\",\"lat_e7\":312304000,\"lon_e7\":0},"
                              "{\"name\":\"blue lion cafe\",\"lat_e7\":312317400,\"lon_e7\":0}]",
                              &pair),
                     1);
}

static void what_is_not_on_the_earth_is_near_nobody(void **state)
{
    struct client_alike pair;
    (void)state;
    assert_int_equal(pairs_of("[{\"name\":\"blue lion\",\"lat_e7\":-9223372036854775808,\"lon_e7\":0},"
                              "{\"name\":\"blue lion cafe\",\"lat_e7\":9223372036854775807,\"lon_e7\":0}]",
                              &pair),
                     0);
}

static void what_is_masked_keeps_a_part_of_itself(void **state)
{
    static const char *const texts[][2] = {{"13812345678", "138****5678"},
                                           {"+86 138-1234-5678", "138****5678"},
                                           {"021-61234567", "021****4567"},
                                           {"61234567", "****4567"},
                                           {"110", "****"},
                                           {"张三丰", "张**"},
                                           {"李", "李**"},
                                           {"zhang@chenguang.cn", "z***@chenguang.cn"},
                                           {"91310000MA1FL0X1", "****L0X1"},
                                           {"Anna Maria", "A**"},
                                           {"+", "****"},
                                           {"+86", "****"},
                                           {"@", "@**"},
                                           {"", ""}};
    struct sat_arena arena;
    (void)state;
    sat_arena_init(&arena);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sat_span masked = client_masked_text(sat_span_text(texts[i][0]), &arena);
        assert_int_equal(masked.len, strlen(texts[i][1]));
        assert_memory_equal(masked.at, texts[i][1], masked.len);
    }
    sat_arena_deinit(&arena);
}

static struct sat_value masked_value(const char *type, const char *field, struct sat_value value)
{
    static const struct client_sight sight = {.most = SAT_GRADE_G1};
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_value out =
        client_sight_value(&sight, sat_field_by_name(sat_type_by_name(type), field), NULL, &value, &arena);
    sat_arena_deinit(&arena);
    return out;
}

static void a_value_of_another_kind_than_its_fields_is_not_shown(void **state)
{
    struct sat_value number = {.kind = SAT_VALUE_INT, .integer = 13812345678};
    (void)state;
    assert_int_equal(masked_value("account", "phone", number).kind, SAT_VALUE_NIL);
    number.kind = SAT_VALUE_TIME;
    assert_int_equal(masked_value("account", "phone", number).kind, SAT_VALUE_NIL);
    assert_int_equal(masked_value("account", "city", number).kind, SAT_VALUE_TIME); /* of a grade that is shown */
    struct sat_value text = {.kind = SAT_VALUE_TEXT, .text = sat_span_text("13812345678")};
    assert_int_equal(masked_value("account", "phone", text).text.len, strlen("138****5678"));
    assert_int_equal(masked_value("visit_event", "lat_e7", text).kind, SAT_VALUE_NIL);
}

static void of_what_is_restricted_nothing_is_left_to_guess_by(void **state)
{
    struct sat_value mock = {.kind = SAT_VALUE_BOOL, .truth = true}, at = {.kind = SAT_VALUE_TIME, .integer = 1};
    struct sat_value provider = {.kind = SAT_VALUE_TEXT, .text = sat_span_text("gps")};
    (void)state;
    assert_int_equal(masked_value("visit_event", "mock", mock).kind, SAT_VALUE_NIL);
    assert_int_equal(masked_value("visit_event", "at", at).kind, SAT_VALUE_NIL);
    struct sat_value left = masked_value("visit_event", "provider", provider);
    assert_int_equal(left.text.len, 2);
    assert_memory_equal(left.text.at, "**", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_of_company_and_the_place_do_not_count),
        cmocka_unit_test(a_name_that_is_nothing_else_stays_one),
        cmocka_unit_test(traditional_and_simplified_are_one),
        cmocka_unit_test(a_phone_is_its_digits),
        cmocka_unit_test(two_are_one_pair_with_all_reasons),
        cmocka_unit_test(two_places_are_two_customers),
        cmocka_unit_test(what_is_not_on_the_earth_is_near_nobody),
        cmocka_unit_test(what_is_masked_keeps_a_part_of_itself),
        cmocka_unit_test(a_value_of_another_kind_than_its_fields_is_not_shown),
        cmocka_unit_test(of_what_is_restricted_nothing_is_left_to_guess_by),
    };
    return cmocka_run_group_tests_name("customers", tests, NULL, NULL);
}
