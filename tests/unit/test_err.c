/* The list of errors: what scripts, people and the wire see of each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/err.h"

enum { NOT_AN_ERROR = 987654 };

static const enum sat_err errors[] = {
#define X(id, name, number, exit_code, class, text) SAT_ERR_##id,
#include "common/base/err.def"
#undef X
};
enum { ERRORS = sizeof errors / sizeof errors[0] };

static void every_name_is_there_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ERRORS; i++) {
        const char *name = sat_err_name(errors[i]);
        assert_true(name[0] && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
        for (size_t k = 0; k < i; k++) assert_string_not_equal(name, sat_err_name(errors[k]));
    }
    assert_string_equal(sat_err_name(SAT_OK), "ok");
    assert_string_equal(sat_err_name((enum sat_err)NOT_AN_ERROR), "unknown");
}

static void every_number_comes_back_from_the_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < ERRORS; i++) assert_int_equal(sat_err_from_wire((uint64_t)errors[i]), errors[i]);
    assert_int_equal(sat_err_from_wire(0), SAT_ERR_PROTOCOL);
    assert_int_equal(sat_err_from_wire(NOT_AN_ERROR), SAT_ERR_PROTOCOL);
}

/* Exit codes are the command line's promise (0 to 7); 3, of all, is for what is worth trying again. */
static void every_exit_code_is_promised(void **state)
{
    (void)state;
    for (size_t i = 0; i < ERRORS; i++) {
        int code = sat_err_exit_code(errors[i]);
        assert_in_range(code, 1, 7);
        if (code == 3) assert_int_equal(sat_err_class(errors[i]), SAT_CLASS_RETRY);
    }
    assert_int_equal(sat_err_exit_code(SAT_OK), 0);
    assert_int_equal(sat_err_exit_code((enum sat_err)NOT_AN_ERROR), 7);
}

static void every_error_has_a_class_and_a_sentence(void **state)
{
    (void)state;
    static const char *const classes[] = {"user", "peer", "retry", "fatal"};
    for (size_t i = 0; i < ERRORS; i++) {
        assert_string_equal(sat_err_class_name(sat_err_class(errors[i])), classes[sat_err_class(errors[i])]);
        const char *text = sat_err_text(errors[i]);
        assert_true(text[0] && text[strlen(text) - 1] != '.');
    }
    assert_int_equal(sat_err_class(SAT_OK), SAT_CLASS_USER);
    assert_int_equal(sat_err_class((enum sat_err)NOT_AN_ERROR), SAT_CLASS_FATAL);
    assert_string_equal(sat_err_text(SAT_OK), "done");
    assert_string_equal(sat_err_text((enum sat_err)NOT_AN_ERROR), "unknown error");
}

/* A peer that is accused of a disk of this machine would be dropped for nothing. */
static void trouble_of_this_machine_is_nobody_elses(void **state)
{
    (void)state;
    for (size_t i = 0; i < ERRORS; i++)
        if (sat_err_is_local(errors[i])) assert_int_not_equal(sat_err_class(errors[i]), SAT_CLASS_PEER);
    assert_true(sat_err_is_local(SAT_ERR_DISK_FULL) && sat_err_is_local(SAT_ERR_NEWER_STORE));
    assert_false(sat_err_is_local(SAT_ERR_TAMPERED) || sat_err_is_local(SAT_OK));
}

static void a_fault_keeps_what_was_said_of_the_same_error(void **state)
{
    (void)state;
    struct sat_fault fault = {0};
    assert_int_equal(sat_fail(&fault, SAT_ERR_DENIED, "%s may not", "Bob"), SAT_ERR_DENIED);
    assert_int_equal(sat_fail_keep(&fault, SAT_ERR_DENIED), SAT_ERR_DENIED);
    assert_string_equal(fault.text, "Bob may not");
    assert_int_equal(sat_fail_keep(&fault, SAT_ERR_BUSY), SAT_ERR_BUSY);
    assert_string_equal(fault.text, sat_err_text(SAT_ERR_BUSY));
    assert_int_equal(sat_fail_keep(NULL, SAT_ERR_IO), SAT_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_is_there_once),
        cmocka_unit_test(every_number_comes_back_from_the_wire),
        cmocka_unit_test(every_exit_code_is_promised),
        cmocka_unit_test(every_error_has_a_class_and_a_sentence),
        cmocka_unit_test(trouble_of_this_machine_is_nobody_elses),
        cmocka_unit_test(a_fault_keeps_what_was_said_of_the_same_error),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
