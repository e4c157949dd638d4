/* What speaks for somebody having been there, and what looks odd about it: places, clocks, and flags of the domain's
 * item M06-4. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/book/evidence.h"

static struct client_check check_at(int64_t metres_north, int64_t accuracy_m, int64_t monotonic_ms)
{
    struct client_check check = {.there = true,
                                 .point = {true, 310000000 + metres_north * 10000000 / 111195, 1210000000},
                                 .accuracy_m = accuracy_m,
                                 .timed = true,
                                 .wall_ms = monotonic_ms,
                                 .monotonic_ms = monotonic_ms,
                                 .boot = "a boot"};
    return check;
}

static uint32_t flags_of(int64_t metres_north, int64_t accuracy_m, int64_t lasted_s)
{
    struct client_point pin = {true, 310000000, 1210000000};
    struct client_check in = check_at(metres_north, accuracy_m, 1000);
    struct client_check out = check_at(metres_north, accuracy_m, 1000 + lasted_s * 1000);
    return client_evidence_of(&pin, &in, &out, true).flags;
}

static void m06_4_far_unknown_and_short_are_flags(void **state)
{
    (void)state;
    struct client_point pin = {true, 312304000, 1214737000}, near = {true, 312324000, 1214737000};
    struct client_point far = {true, 312394000, 1214737000};
    assert_int_equal(client_distance_m(&pin, &near), 222);
    assert_int_equal(client_distance_m(&pin, &far), 1001);
    assert_int_equal(flags_of(222, 15, 600), 0);
    assert_int_equal(flags_of(1001, 15, 600), CLIENT_FLAG_FAR);
    assert_int_equal(flags_of(1001, 800, 600), CLIENT_FLAG_UNKNOWN);
    assert_int_equal(flags_of(222, 15, 179), CLIENT_FLAG_SHORT);
    assert_int_equal(flags_of(222, 15, 180), 0);
}

static void m06_4_how_long_tells_the_clock_that_nobody_sets(void **state)
{
    (void)state;
    struct client_point nowhere = {0};
    struct client_check in = check_at(0, -1, 1000), out = check_at(0, -1, 601000);
    out.wall_ms = in.wall_ms - 3 * 24 * 3600 * 1000;
    struct client_evidence evidence = client_evidence_of(&nowhere, &in, &out, true);
    assert_int_equal(evidence.duration_s, 600);
    assert_int_equal(evidence.flags, CLIENT_FLAG_CLOCK_SET);
    out.boot = "another one"; /* then it says nothing, and the wall clock ran backwards */
    evidence = client_evidence_of(&nowhere, &in, &out, true);
    assert_int_equal(evidence.duration_s, -1);
    out.boot = in.boot; /* as a program of another member may have it */
    out.monotonic_ms = INT64_MAX;
    assert_int_equal(client_evidence_of(&nowhere, &in, &out, true).flags, CLIENT_FLAG_CLOCK_SET);
    out.there = false;
    assert_int_equal(client_evidence_of(&nowhere, &in, &out, true).flags, CLIENT_FLAG_NO_CHECK_OUT);
    assert_int_equal(client_evidence_of(&nowhere, &in, &out, false).flags, 0);
    in.mock = in.hidden = out.hidden = true; /* to whom it is not shown it says nothing */
    assert_int_equal(client_evidence_of(&nowhere, &in, &out, true).flags, 0);
}

static void distances_go_the_shorter_way_round(void **state)
{
    (void)state;
    struct client_point west = {true, 0, -1799990000}, east = {true, 0, 1799990000}, pole = {true, 900000000, 0};
    assert_in_range(client_distance_m(&west, &east), 222, 223);
    assert_int_equal(client_distance_m(&west, &west), 0);
    struct client_point beside = {true, 900000000, 900000000};
    assert_in_range(client_distance_m(&pole, &beside), 0, 1);
}

static void what_is_not_on_the_earth_is_no_position(void **state)
{
    (void)state;
    assert_true(client_point_at(-900000000, 1800000000).there);
    assert_false(client_point_at(900000001, 0).there);
    assert_false(client_point_at(0, -1800000001).there);
    struct client_point pin = client_point_at(310000000, 1210000000);
    struct client_check in = check_at(0, -1, 1000), out = check_at(0, -1, 601000);
    in.point = client_point_at(INT64_MIN, INT64_MAX);
    struct client_evidence evidence = client_evidence_of(&pin, &in, &out, true);
    assert_int_equal(evidence.flags, CLIENT_FLAG_NO_POSITION);
    assert_int_equal(evidence.distance_m, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(m06_4_far_unknown_and_short_are_flags),
        cmocka_unit_test(m06_4_how_long_tells_the_clock_that_nobody_sets),
        cmocka_unit_test(distances_go_the_shorter_way_round),
        cmocka_unit_test(what_is_not_on_the_earth_is_no_position),
    };
    return cmocka_run_group_tests_name("check in", tests, NULL, NULL);
}
