/* The brake's tally: which records are asked about, and when it is too much. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>

#include "common/sync/brake.h"

struct answers { /* of records 0 to harmed - 1 it is said that they are archived by device 2, of the next by device 3
                    that they are overwritten */
    uint32_t archived, overwritten;
    uint64_t of;
    uint32_t asked, counted;
    enum sat_err err;
};

static struct sat_record_id record(uint32_t n)
{
    return (struct sat_record_id){{(uint8_t)n, (uint8_t)(n >> 8), 0x70, [15] = 1}};
}

static enum sat_err ask(void *context, const struct sat_record_id *id, struct sat_harm *out)
{
    struct answers *answers = context;
    uint32_t n = id->b[0] | (uint32_t)id->b[1] << 8;
    answers->asked++;
    *out = (struct sat_harm){0};
    if (n < answers->archived)
        *out = (struct sat_harm){SAT_HARM_ARCHIVED, {2, 100 + n}};
    else if (n < answers->archived + answers->overwritten)
        *out = (struct sat_harm){SAT_HARM_OVERWRITTEN, {3, 500 - n}};
    return answers->err;
}

static enum sat_err count(void *context, uint64_t *of)
{
    struct answers *answers = context;
    answers->counted++;
    *of = answers->of;
    return SAT_OK;
}

static bool look(struct sat_brake *brake, struct answers *answers, uint64_t *of)
{
    struct sat_directory directory;
    bool too_much;
    sat_directory_init(&directory);
    struct sat_brake_question question = {&directory, ask, count, answers};
    assert_int_equal(sat_brake_look(brake, &question, &too_much, of), answers->err);
    sat_directory_deinit(&directory);
    return too_much;
}

static void touch(struct sat_brake *brake, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++) {
        struct sat_record_id id = record(n);
        sat_brake_touch(brake, &id);
    }
}

static void nobody_is_asked_below_the_number_of_records(void **state)
{
    (void)state;
    struct sat_brake brake = {0};
    struct answers answers = {.archived = 1000, .of = 50};
    uint64_t of;
    touch(&brake, 0, 50);
    touch(&brake, 0, 50); /* the same ones */
    assert_false(look(&brake, &answers, &of));
    assert_int_equal(answers.asked, 0);
    sat_brake_clear(&brake);
}

static void both_more_than_fifty_and_more_than_thirty_percent_are_too_much(void **state)
{
    (void)state;
    for (uint64_t all = 160; all < 180; all++) {
        struct sat_brake brake = {0};
        struct answers answers = {.archived = 30, .overwritten = 21, .of = all};
        uint64_t of;
        touch(&brake, 0, 60);
        assert_int_equal(look(&brake, &answers, &of), 51 * 100 > all * 30);
        assert_int_equal(answers.asked, 60);
        assert_int_equal(of, all);
        sat_brake_clear(&brake);
    }
    struct sat_brake brake = {0};
    struct answers answers = {.archived = 50, .of = 60};
    uint64_t of;
    touch(&brake, 0, 60);
    assert_false(look(&brake, &answers, &of)); /* fifty are not more than fifty */
    assert_int_equal(answers.counted, 0);
    sat_brake_clear(&brake);
}

static void a_record_is_asked_about_again_when_it_is_touched_again_and_counted_once(void **state)
{
    (void)state;
    struct sat_brake brake = {0};
    struct answers answers = {.of = 1000};
    uint64_t of;
    touch(&brake, 0, 400);
    assert_false(look(&brake, &answers, &of));
    assert_int_equal(answers.asked, 400);
    assert_false(look(&brake, &answers, &of));
    assert_int_equal(answers.asked, 400);
    answers.archived = 300;
    touch(&brake, 0, 400);
    assert_false(look(&brake, &answers, &of));
    assert_int_equal(answers.asked, 800);
    touch(&brake, 0, 400);
    assert_false(look(&brake, &answers, &of)); /* 300 of 1000: not more than thirty percent */
    assert_int_equal(answers.asked, 900);      /* what is harmed stays so */
    assert_int_equal(brake.archived, 300);
    answers.of = 999;
    touch(&brake, 400, 401);
    assert_true(look(&brake, &answers, &of));
    sat_brake_clear(&brake);
}

static void the_report_names_who_did_most_first_and_from_where_to_where(void **state)
{
    (void)state;
    struct sat_brake brake = {0};
    struct sat_brake_report report;
    struct answers answers = {.archived = 40, .overwritten = 60, .of = 100};
    uint64_t of;
    touch(&brake, 0, 100);
    assert_true(look(&brake, &answers, &of));
    sat_brake_report(&brake, of, &report);
    assert_int_equal(report.archived, 40);
    assert_int_equal(report.overwritten, 60);
    assert_int_equal(report.authors_n, 2);
    assert_int_equal(report.authors[0].device, 3);
    assert_int_equal(report.authors[0].records, 60);
    assert_int_equal(report.authors[0].first, 401);
    assert_int_equal(report.authors[0].last, 460);
    assert_int_equal(report.authors[1].device, 2);
    assert_int_equal(report.authors[1].first, 100);
    assert_int_equal(report.authors[1].last, 139);
    sat_brake_clear(&brake);
}

static void a_failure_to_look_is_the_callers_and_loses_nothing(void **state)
{
    (void)state;
    struct sat_brake brake = {0};
    struct answers answers = {.archived = 60, .of = 60, .err = SAT_ERR_IO};
    uint64_t of;
    touch(&brake, 0, 60);
    assert_false(look(&brake, &answers, &of));
    answers.err = SAT_OK;
    assert_true(look(&brake, &answers, &of));
    assert_int_equal(brake.archived, 60);
    sat_brake_clear(&brake);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_asked_below_the_number_of_records),
        cmocka_unit_test(both_more_than_fifty_and_more_than_thirty_percent_are_too_much),
        cmocka_unit_test(a_record_is_asked_about_again_when_it_is_touched_again_and_counted_once),
        cmocka_unit_test(the_report_names_who_did_most_first_and_from_where_to_where),
        cmocka_unit_test(a_failure_to_look_is_the_callers_and_loses_nothing),
    };
    return cmocka_run_group_tests_name("brake", tests, NULL, NULL);
}
