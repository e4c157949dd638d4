#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/names.h"
#include "tests/unit/client_world.h"

static struct satchel *ann;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Île de France"));
    must(ann, satchel_user_add(ann, "Mary Ann", "rep"));
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

static uint32_t count(int (*list)(struct satchel *, int *, satchel_row_fn, void *))
{
    struct rows rows = {0};
    must(ann, list(ann, NULL, collect_row, &rows));
    return rows.n;
}

/* ---- Alike ---- */

static void names_are_alike_but_for_case_and_white_space(void **state)
{
    (void)state;
    assert_true(client_name_is_like("Northern", "nORTHERN"));
    assert_true(client_name_is_like("  North\u00a0\u3000West ", "north west"));
    assert_true(client_name_is_like("a\u2003\u200bb", "A B"));
    assert_true(client_name_is_like("", " "));
    assert_true(client_name_is_like("Île", "Île"));
    assert_false(client_name_is_like("North West", "NorthWest"));
    assert_false(client_name_is_like("Northern", "Northern 2"));
    assert_false(client_name_is_like("Île", "île")); /* A to Z alone */
    assert_false(client_name_is_like("a[", "a{"));
    assert_false(client_name_is_like("@", "`"));
}

/* ---- Taken ---- */

static void a_territory_that_differs_only_in_case_or_white_space_is_there_already(void **state)
{
    (void)state;
    uint32_t before = count(satchel_territory_list);
    static const char *const same[] = {"northern", "NORTHERN", "Northern"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        must_fail(ann, satchel_territory_add(ann, same[i]), "exists", "\"Northern\"");
        assert_int_equal(satchel_error_of(ann)->exit_code, 2);
    }
    must_fail(ann, satchel_territory_add(ann, "Île\u00a0 de  france"), "exists", "\"Île de France\"");
    must_fail(ann, satchel_territory_add(ann, "Org"), "invalid", "reserved");
    must_fail(ann, satchel_territory_add(ann, "PEOPLE"), "invalid", "reserved");
    assert_int_equal(count(satchel_territory_list), before);
}

static void a_person_whose_name_differs_only_in_case_or_white_space_is_there_already(void **state)
{
    (void)state;
    uint32_t before = count(satchel_user_list);
    must_fail(ann, satchel_user_add(ann, "ANN", "rep"), "exists", "\"Ann\"");
    must_fail(ann, satchel_user_add(ann, "mary  ann", "rep"), "exists", "\"Mary Ann\"");
    must_fail(ann, satchel_user_add(ann, "Mary\u3000Ann", "rep"), "exists", "white space");
    assert_int_equal(count(satchel_user_list), before);
    must(ann, satchel_user_add(ann, "MaryAnn", "rep"));
    assert_int_equal(count(satchel_user_list), before + 1);
}

static void white_space_around_a_name_is_refused(void **state)
{
    (void)state;
    static const char *const around[] = {" Eve",      "Eve ",      "Eve\u00a0", "\u3000Eve",
                                         "Eve\u200b", "\ufeffEve", " ",         "\u2003"};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        must_fail(ann, satchel_user_add(ann, around[i], "rep"), "invalid", "white space");
        must_fail(ann, satchel_territory_add(ann, around[i]), "invalid", "white space");
        assert_int_equal(client_check_name("device's name", around[i], NULL), SAT_ERR_INVALID);
    }
    assert_int_equal(client_check_name("name", "a  b", NULL), SAT_OK);
}

/* ---- Found ---- */

static void who_is_named_is_named_exactly_and_told_who_may_be_meant(void **state)
{
    (void)state;
    char *code = NULL;
    must_fail(ann, satchel_invite(ann, "mary ann", 0, &code), "not_found", "but there is \"Mary Ann\"");
    must_fail(ann, satchel_territory_grant(ann, "northern", "Mary Ann", 0), "not_found", "but there is \"Northern\"");
    must_fail(ann, satchel_territory_grant(ann, "Nowhere", "Mary Ann", 0), "not_found", "\"Nowhere\"");
    assert_null(strstr(satchel_error_of(ann)->message, "but"));
    must(ann, satchel_territory_grant(ann, "Northern", "Mary Ann", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_alike_but_for_case_and_white_space),
        cmocka_unit_test(a_territory_that_differs_only_in_case_or_white_space_is_there_already),
        cmocka_unit_test(a_person_whose_name_differs_only_in_case_or_white_space_is_there_already),
        cmocka_unit_test(white_space_around_a_name_is_refused),
        cmocka_unit_test(who_is_named_is_named_exactly_and_told_who_may_be_meant),
    };
    return cmocka_run_group_tests_name("names", tests, make_org, drop_org);
}
