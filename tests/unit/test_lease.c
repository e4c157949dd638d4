/* The lease's arithmetic: a device's life as a list of what its clocks said. Times are in milliseconds throughout. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "client/clocks.h"

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (365 * DAY)

#define MET UINT64_C(1780000000000) /* the server's time when the stories begin: 2026 */

enum { DAYS = 30 };

/* A device, its clocks, and the true time, which nobody tells it. */
struct life {
    struct client_lease lease;
    struct client_clocks now;
    uint64_t true_ms; /* since the server was met */
};

static struct life meet_server(void)
{
    struct life life = {.now = {.wall_ms = MET + 3000, .boot_ms = 5 * HOUR, .boot_id = {1}}};
    client_lease_renew(&life.lease, MET, &life.now);
    return life;
}

/* Time passes with the machine running or asleep: both clocks go on. */
static void pass(struct life *life, uint64_t ms)
{
    life->now.boot_ms += ms;
    life->now.wall_ms += ms;
    life->true_ms += ms;
}

static void look(struct life *life)
{
    (void)client_lease_look(&life->lease, &life->now);
}

/* Off for a while; then a new boot. */
static void reboot(struct life *life, uint64_t off_ms)
{
    pass(life, off_ms);
    life->now.boot_ms = 20 * 1000; /* until somebody can look */
    life->now.wall_ms += life->now.boot_ms;
    life->true_ms += life->now.boot_ms;
    if (life->now.boot_id[0]) life->now.boot_id[1]++; /* where boots have names at all */
}

static void set_clock(struct life *life, uint64_t wall_ms)
{
    life->now.wall_ms = wall_ms;
}

static bool lapsed(struct life *life)
{
    look(life);
    return client_lease_lapsed(&life->lease, DAYS);
}

static void assert_exact(const struct life *life)
{
    assert_int_equal(life->lease.elapsed_ms, life->true_ms);
}

/* ---- Clocks that are right ---- */

static void it_lapses_after_its_days_and_not_before(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, DAYS * DAY - 1);
    assert_false(lapsed(&life));
    pass(&life, 1);
    assert_true(lapsed(&life));
    assert_exact(&life);
}

static void meeting_the_server_begins_it_anew(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, 100 * DAY);
    assert_true(lapsed(&life));
    client_lease_renew(&life.lease, MET + 100 * DAY, &life.now);
    assert_false(lapsed(&life));
    assert_int_equal(life.lease.elapsed_ms, 0);
    assert_int_equal(life.lease.server_ms, MET + 100 * DAY);
    pass(&life, 29 * DAY);
    assert_false(lapsed(&life));
}

static void without_days_there_is_no_lease(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, 50 * YEAR);
    look(&life);
    assert_false(client_lease_lapsed(&life.lease, 0));
    assert_true(client_lease_lapsed(&life.lease, 3650));
}

static void how_often_somebody_looks_changes_nothing(void **state)
{
    (void)state;
    struct life often = meet_server(), once = meet_server();
    for (uint64_t at = 0; at < 10 * DAY; at += 10 * MINUTE) {
        pass(&often, 10 * MINUTE);
        look(&often);
    }
    pass(&once, 10 * DAY);
    look(&once);
    assert_int_equal(often.lease.elapsed_ms, once.lease.elapsed_ms);
    assert_exact(&once);
}

static void sleep_counts(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, 29 * DAY + 23 * HOUR); /* in a drawer, suspended: the boot clock runs */
    assert_false(lapsed(&life));
    pass(&life, HOUR);
    assert_true(lapsed(&life));
}

static void with_a_right_clock_every_day_counts_over_reboots(void **state)
{
    (void)state;
    struct life life = meet_server();
    for (int day = 0; day < DAYS; day++) {
        look(&life);
        assert_false(lapsed(&life));
        pass(&life, 8 * HOUR);
        look(&life); /* the working day's last look */
        reboot(&life, 15 * HOUR);
        look(&life);
        /* the wall clock is what says how long it was off; it was three seconds ahead when the server was met */
        assert_true(life.lease.elapsed_ms <= life.true_ms && life.true_ms - life.lease.elapsed_ms <= 3000);
        pass(&life, HOUR);
    }
    assert_true(lapsed(&life));
}

static void a_device_that_was_off_for_weeks_counts_a_day_for_it(void **state)
{
    (void)state;
    struct life life = meet_server();
    reboot(&life, 40 * DAY);
    assert_false(lapsed(&life));
    assert_int_equal(life.lease.elapsed_ms, DAY + 20 * 1000);
    pass(&life, 29 * DAY);
    assert_true(lapsed(&life));
}

/* It ran for days before anybody looked: those are no time that it was off. */
static void the_time_since_the_boot_counts_in_full(void **state)
{
    (void)state;
    struct life life = meet_server();
    life.now.wall_ms = MET; /* a clock that is exactly right */
    client_lease_renew(&life.lease, MET, &life.now);
    reboot(&life, 2 * HOUR);
    pass(&life, 12 * DAY);
    look(&life);
    assert_exact(&life);
}

/* A home that is used on several machines, by turns: each has been up for longer than the lease. */
static void another_machine_that_runs_for_long_is_not_this_devices_time(void **state)
{
    (void)state;
    struct life life = meet_server();
    uint8_t other[16] = {77};
    for (int i = 0; i < 50; i++) {
        pass(&life, HOUR);
        look(&life);
        memcpy(life.now.boot_id, other, sizeof other);
        other[0] ^= 1;
        life.now.boot_ms = (uint64_t)(100 + i) * DAY;
        assert_false(lapsed(&life));
        assert_exact(&life);
    }
}

/* ---- Clocks that are wrong ---- */

static void a_clock_that_jumps_to_2035_and_back_says_nothing(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, DAY);
    look(&life);
    set_clock(&life, MET + 9 * YEAR);
    assert_false(lapsed(&life));
    assert_exact(&life);
    pass(&life, DAY);
    set_clock(&life, MET + life.true_ms);
    assert_false(lapsed(&life));
    assert_exact(&life);
}

static void a_clock_that_stays_in_2035_locks_nobody_out(void **state)
{
    (void)state;
    struct life life = meet_server();
    set_clock(&life, MET + 9 * YEAR);
    for (int day = 0; day < 28; day++) { /* a reboot every morning, five minutes off */
        pass(&life, DAY - 6 * MINUTE);
        look(&life);
        reboot(&life, 5 * MINUTE);
        assert_false(lapsed(&life));
    }
    assert_exact(&life);
}

static void a_jump_over_a_reboot_counts_a_day_at_most(void **state)
{
    (void)state;
    struct life life = meet_server();
    look(&life);
    reboot(&life, MINUTE);
    set_clock(&life, MET + 9 * YEAR);
    assert_false(lapsed(&life));
    assert_int_equal(life.lease.elapsed_ms, DAY + 20 * 1000);
    set_clock(&life, MET + life.true_ms); /* and back: what was counted too much is not counted once more */
    look(&life);
    reboot(&life, 20 * HOUR);
    look(&life);
    assert_int_equal(life.lease.elapsed_ms, DAY + 20 * 1000);
}

static void turning_the_clock_back_does_not_extend_it(void **state)
{
    (void)state;
    struct life life = meet_server();
    uint64_t before = 0;
    for (int day = 0; day < DAYS; day++) {
        pass(&life, DAY);
        set_clock(&life, MET - 2 * YEAR - (uint64_t)day * DAY);
        look(&life);
        assert_true(life.lease.elapsed_ms >= before);
        before = life.lease.elapsed_ms;
    }
    assert_exact(&life);
    assert_true(lapsed(&life));
    set_clock(&life, 0);
    assert_true(lapsed(&life));
    reboot(&life, MINUTE);
    set_clock(&life, 0);
    assert_true(lapsed(&life));
}

/* Turned back once, a year, and left there: only the time off at that one reboot is not known. */
static void a_clock_that_stays_behind_counts_on(void **state)
{
    (void)state;
    struct life life = meet_server();
    set_clock(&life, MET - YEAR);
    uint64_t unknown = 0;
    for (int day = 0; day < 28; day++) {
        pass(&life, 14 * HOUR);
        look(&life);
        reboot(&life, 10 * HOUR - 20 * 1000);
        assert_false(lapsed(&life));
        assert_int_equal(life.lease.elapsed_ms + unknown, life.true_ms);
    }
}

/* No battery behind the clock: 1970 after every boot, until there is a network to ask for the time. The years between
 * are not counted, a day for each reboot. */
static void a_clock_that_comes_and_goes_does_not_eat_the_lease(void **state)
{
    (void)state;
    struct life life = meet_server();
    for (int i = 0; i < 100; i++) {
        reboot(&life, 10 * MINUTE);
        set_clock(&life, 20 * 1000);
        look(&life);
        pass(&life, HOUR);
        set_clock(&life, i % 2 ? MET + life.true_ms : HOUR);
        look(&life);
        assert_true(life.lease.elapsed_ms <= life.true_ms);
    }
    assert_false(lapsed(&life));
    assert_true(life.lease.elapsed_ms >= 100 * HOUR);
}

/* Hundred reboots a day: a clock that is right, one that gains a minute at each, and one that gains a day, which
 * nothing tells from a device that was off for a day each time. */
static void a_hundred_reboots_a_day(void **state)
{
    (void)state;
    static const uint64_t gains[] = {0, MINUTE, DAY};
    for (size_t g = 0; g < sizeof gains / sizeof gains[0]; g++) {
        struct life life = meet_server();
        int reboots = 0;
        while (reboots < 2000 && !lapsed(&life)) {
            pass(&life, 13 * MINUTE);
            look(&life);
            reboot(&life, MINUTE);
            life.now.wall_ms += gains[g];
            reboots++;
        }
        if (gains[g] == 0) assert_true(life.lease.elapsed_ms <= life.true_ms);
        assert_true(life.lease.elapsed_ms <= life.true_ms + (uint64_t)reboots * gains[g]);
        assert_int_equal(reboots < 2000, gains[g] == DAY);
        if (gains[g] == DAY) assert_true(reboots >= DAYS - 1);
    }
}

/* ---- Systems that say less ---- */

static void without_a_boot_id_the_boot_clock_going_back_tells_a_reboot(void **state)
{
    (void)state;
    struct life life = meet_server();
    memset(life.now.boot_id, 0, sizeof life.now.boot_id);
    client_lease_renew(&life.lease, MET, &life.now);
    pass(&life, 3 * DAY);
    set_clock(&life, MET + 9 * YEAR);
    assert_false(lapsed(&life)); /* the same boot, whatever the wall clock says, and however often one looks */
    for (int i = 0; i < 100; i++) look(&life);
    assert_exact(&life);
    set_clock(&life, MET + life.true_ms);
    look(&life);
    reboot(&life, 4 * HOUR);
    look(&life);
    assert_exact(&life);
    /* a reboot that nobody can tell, as the boot clock is ahead already: less is counted than has passed */
    reboot(&life, HOUR);
    pass(&life, 10 * DAY);
    look(&life);
    assert_true(life.lease.elapsed_ms <= life.true_ms);
    assert_true(life.lease.elapsed_ms + 2 * HOUR >= life.true_ms);
}

static void a_boot_id_that_can_be_read_only_now_and_then_is_no_reboot(void **state)
{
    (void)state;
    struct life life = meet_server();
    struct client_clocks known = life.now;
    for (int i = 0; i < 50; i++) {
        pass(&life, HOUR);
        memcpy(life.now.boot_id, known.boot_id, sizeof known.boot_id);
        if (i % 2) memset(life.now.boot_id, 0, sizeof life.now.boot_id);
        set_clock(&life, MET + (uint64_t)i * YEAR);
        look(&life);
    }
    assert_exact(&life);
}

/* A machine that was put back to an earlier state: the same boot, and its clock has gone back. */
static void a_boot_clock_that_goes_back_within_a_boot_counts_by_the_wall(void **state)
{
    (void)state;
    struct life life = meet_server();
    pass(&life, 12 * DAY);
    look(&life);
    pass(&life, HOUR);
    life.now.boot_ms = 11 * DAY;
    assert_true(client_lease_look(&life.lease, &life.now));
    assert_exact(&life);
}

static void no_clock_makes_it_overflow(void **state)
{
    (void)state;
    static const uint64_t odd[] = {0, 1, MET, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
    enum { N = sizeof odd / sizeof odd[0] };
    struct life life = meet_server();
    uint64_t before = 0;
    for (unsigned i = 0; i < N * N * N; i++) {
        life.now.wall_ms = odd[i % N];
        life.now.boot_ms = odd[i / N % N];
        life.now.boot_id[0] = (uint8_t)(i / N / N);
        look(&life);
        assert_true(life.lease.elapsed_ms >= before);
        before = life.lease.elapsed_ms;
    }
    life.lease.server_ms = UINT64_MAX;
    look(&life);
    assert_true(lapsed(&life));
}

/* ---- At rest ---- */

static void it_is_stored_as_it_is(void **state)
{
    (void)state;
    struct life life = meet_server();
    struct client_lease again;
    struct sat_buf buf;
    sat_buf_init(&buf);
    pass(&life, 5 * DAY);
    look(&life);
    client_lease_encode(&life.lease, &buf);
    assert_int_equal(buf.len, 49);
    assert_true(client_lease_decode(sat_buf_span(&buf), &again));
    assert_int_equal(again.server_ms, life.lease.server_ms);
    assert_int_equal(again.elapsed_ms, life.lease.elapsed_ms);
    assert_int_equal(again.at.wall_ms, life.now.wall_ms);
    assert_int_equal(again.at.boot_ms, life.now.boot_ms);
    assert_memory_equal(again.at.boot_id, life.now.boot_id, sizeof again.at.boot_id);
    for (size_t len = 0; len < buf.len; len++) assert_false(client_lease_decode(sat_span(buf.at, len), &again));
    sat_put_u8(&buf, 0);
    assert_false(client_lease_decode(sat_buf_span(&buf), &again));
    buf.len--;
    buf.at[0] = 2;
    assert_false(client_lease_decode(sat_buf_span(&buf), &again));
    sat_buf_deinit(&buf);
}

/* What this system says, twice: the boot clock runs, and the boot has a name that stays. */
static void the_systems_clocks_are_read(void **state)
{
    (void)state;
    struct client_clocks a = {0}, b = {0};
    client_clocks_read(&a);
    client_clocks_read(&b);
    assert_true(a.boot_ms > 0 && b.boot_ms >= a.boot_ms);
    assert_true(a.wall_ms > UINT64_C(1700000000000));
    assert_memory_equal(a.boot_id, b.boot_id, sizeof a.boot_id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_lapses_after_its_days_and_not_before),
        cmocka_unit_test(meeting_the_server_begins_it_anew),
        cmocka_unit_test(without_days_there_is_no_lease),
        cmocka_unit_test(how_often_somebody_looks_changes_nothing),
        cmocka_unit_test(sleep_counts),
        cmocka_unit_test(with_a_right_clock_every_day_counts_over_reboots),
        cmocka_unit_test(a_device_that_was_off_for_weeks_counts_a_day_for_it),
        cmocka_unit_test(the_time_since_the_boot_counts_in_full),
        cmocka_unit_test(another_machine_that_runs_for_long_is_not_this_devices_time),
        cmocka_unit_test(a_clock_that_jumps_to_2035_and_back_says_nothing),
        cmocka_unit_test(a_clock_that_stays_in_2035_locks_nobody_out),
        cmocka_unit_test(a_jump_over_a_reboot_counts_a_day_at_most),
        cmocka_unit_test(turning_the_clock_back_does_not_extend_it),
        cmocka_unit_test(a_clock_that_stays_behind_counts_on),
        cmocka_unit_test(a_clock_that_comes_and_goes_does_not_eat_the_lease),
        cmocka_unit_test(a_hundred_reboots_a_day),
        cmocka_unit_test(without_a_boot_id_the_boot_clock_going_back_tells_a_reboot),
        cmocka_unit_test(a_boot_id_that_can_be_read_only_now_and_then_is_no_reboot),
        cmocka_unit_test(a_boot_clock_that_goes_back_within_a_boot_counts_by_the_wall),
        cmocka_unit_test(no_clock_makes_it_overflow),
        cmocka_unit_test(it_is_stored_as_it_is),
        cmocka_unit_test(the_systems_clocks_are_read),
    };
    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
