#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/vault/types.h"

static const struct sat_type *type_named(const char *name)
{
    const struct sat_type *type = sat_type_by_name(name);
    assert_non_null(type);
    return type;
}

static void every_type_is_found_by_its_name_and_its_number(void **state)
{
    (void)state;
    assert_true(sat_types_count() >= 13);
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        assert_ptr_equal(sat_type_by_name(type->name), type);
        assert_ptr_equal(sat_type_by_number(type->number), type);
    }
    assert_null(sat_type_at(sat_types_count()));
    assert_null(sat_type_by_name("nothing"));
    assert_null(sat_type_by_number(0));
    assert_null(sat_type_by_number(UINT16_MAX));
}

static void every_field_belongs_to_its_own_type(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        assert_true(type->fields_n > 0);
        for (uint16_t f = 0; f < type->fields_n; f++) {
            const struct sat_field *field = &type->fields[f];
            assert_ptr_equal(sat_field_by_name(type, field->name), field);
            assert_ptr_equal(sat_field_by_number(type, field->number), field);
        }
        assert_null(sat_field_by_name(type, "nothing"));
        assert_null(sat_field_by_number(type, SAT_FIELD_DELETED));
        assert_null(sat_field_by_number(type, UINT16_MAX));
    }
}

/* Sealed numbers never change: these are the ones that records out there carry. */
static void numbers_are_what_they_were(void **state)
{
    (void)state;
    assert_int_equal(type_named("account")->number, 1);
    assert_int_equal(type_named("order")->number, 4);
    assert_int_equal(type_named("territory")->number, 13);
    assert_int_equal(sat_field_by_name(type_named("order"), "total")->number, 6);
    assert_int_equal(sat_field_by_name(type_named("territory"), "name")->number, 2);
    assert_int_equal(sat_field_by_name(type_named("visit"), "note")->number, 5);
}

static void kinds_rules_homes_and_references_are_as_listed(void **state)
{
    (void)state;
    const struct sat_field *tags = sat_field_by_name(type_named("account"), "tags");
    assert_int_equal(tags->rule, SAT_RULE_ADD);
    assert_int_equal(tags->kind, SAT_KIND_TEXT);
    const struct sat_field *total = sat_field_by_name(type_named("order"), "total");
    assert_int_equal(total->rule, SAT_RULE_DER);
    assert_int_equal(total->kind, SAT_KIND_MONEY);
    assert_int_equal(type_named("product")->home, SAT_HOME_ORG);
    assert_int_equal(type_named("user")->home, SAT_HOME_PEOPLE);
    assert_int_equal(type_named("account")->home, SAT_HOME_TERRITORY);
    assert_int_equal(sat_field_by_name(type_named("order_line"), "product")->ref_type, type_named("product")->number);
}

static void a_reference_names_a_type_that_is_there_or_any(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        for (uint16_t f = 0; f < type->fields_n; f++) {
            uint16_t ref = type->fields[f].ref_type;
            if (ref == 0) continue;
            assert_int_equal(type->fields[f].kind, SAT_KIND_REF);
            assert_non_null(sat_type_by_number(ref));
        }
    }
}

static void ranges_are_for_integers_and_as_listed(void **state)
{
    (void)state;
    const struct sat_range *range = sat_field_by_name(type_named("order_line"), "discount_bp")->range;
    assert_true(range->bounded);
    assert_int_equal(range->least, 0);
    assert_int_equal(range->most, 10000);
    assert_false(sat_field_by_name(type_named("order_line"), "qty")->range->bounded);
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        for (uint16_t f = 0; f < type->fields_n; f++) {
            const struct sat_field *field = &type->fields[f];
            if (!field->range->bounded) continue;
            assert_true(field->kind == SAT_KIND_INT || field->kind == SAT_KIND_MONEY);
            assert_true(field->range->least <= field->range->most);
        }
    }
}

static void every_kind_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = SAT_KIND_TEXT; a <= SAT_KIND_REF; a++)
        for (int b = SAT_KIND_TEXT; b < a; b++)
            assert_string_not_equal(sat_kind_name((enum sat_field_kind)a), sat_kind_name((enum sat_field_kind)b));
    assert_string_equal(sat_kind_name(SAT_KIND_TEXT), "text");
    assert_string_equal(sat_kind_name(SAT_KIND_INT), "integer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_found_by_its_name_and_its_number),
        cmocka_unit_test(every_field_belongs_to_its_own_type),
        cmocka_unit_test(numbers_are_what_they_were),
        cmocka_unit_test(kinds_rules_homes_and_references_are_as_listed),
        cmocka_unit_test(a_reference_names_a_type_that_is_there_or_any),
        cmocka_unit_test(ranges_are_for_integers_and_as_listed),
        cmocka_unit_test(every_kind_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
