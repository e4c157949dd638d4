/* Stories of a digest that differs although both sides hold the same log: bits that rotted in what is derived from it.
 * The differing range is found and mended from the log, on whichever side it is wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>

#include "tests/story/scene.h"

enum { RECORDS = 1500, SUPERSEDED = 40 };

static struct world world;
static struct world_device *a, *b;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 83, 1);
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    for (uint32_t i = 1; i <= RECORDS; i++) (void)scene_write(&world, a, i, CITY, "Bern");
    for (uint32_t i = 1; i <= SUPERSEDED; i++) (void)scene_write(&world, a, i * 30, CITY, "Basel");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_true(scene_agrees(&world, b));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void run_on(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_true(sqlite3_total_changes(db) > 0);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void damage_device(const char *sql)
{
    run_on(b->store_path, sql);
}

static void damage_server(const char *sql)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/server.db", world.dir);
    run_on(path, sql);
    world_crash_server(&world); /* what it had in memory would hide it */
}

static uint64_t mended;

/* In sync in spite of it, and how many bytes that took. */
static uint64_t sync_bytes(void)
{
    uint64_t before = b->up_traffic.bytes + b->down_traffic.bytes;
    world_connect(&world, b);
    world_run(&world, b);
    if (!b->replica) print_message("ended: %s\n", sat_err_name(b->last_err));
    assert_non_null(b->replica);
    mended = sat_replica_counts(b->replica).mended;
    assert_true(world_sync(&world, b));
    assert_true(scene_agrees(&world, b));
    return b->up_traffic.bytes + b->down_traffic.bytes - before;
}

#define SUM "UPDATE space SET digest = zeroblob(2048), live = 7 WHERE live > 1000"
static const char DIGEST[] = SUM;
/* One that was replaced stands again; two that stand are gone. With a sum that has not noticed it nobody would. */
static const char RAISE[] =
    SUM "; UPDATE change SET state = 0 WHERE cid = (SELECT min(cid) FROM change WHERE state = 1)";
static const char BURY[] =
    SUM "; UPDATE change SET state = 1 WHERE cid IN (SELECT cid FROM change WHERE state = 0 AND"
        " sid = (SELECT sid FROM change GROUP BY sid ORDER BY count(*) DESC LIMIT 1) ORDER BY record LIMIT 2)";

static void a_device_whose_sum_is_wrong_counts_again_and_asks_nobody(void **state)
{
    (void)state;
    damage_device(DIGEST);
    (void)sync_bytes();
    assert_int_equal(mended, 1);
    assert_int_equal(sat_host_counts(world.host).ranges, 0);
}

static void a_device_whose_records_are_wrong_finds_which_and_mends_them(void **state)
{
    (void)state;
    uint64_t whole = sync_bytes(); /* what a sync takes in which nothing differs */
    damage_device(RAISE);
    uint64_t bytes = sync_bytes();
    assert_int_equal(mended, 2); /* the sum first, then the record */
    assert_true(sat_host_counts(world.host).ranges > 0);
    assert_true(bytes - whole < 8 * 1024);
    damage_device(BURY);
    (void)sync_bytes();
    assert_int_equal(mended, 3);
    for (uint32_t i = 1; i <= RECORDS; i++)
        assert_string_equal(scene_shows(&world, b, i, CITY), i % 30 == 0 && i / 30 <= SUPERSEDED ? "Basel" : "Bern");
}

static void a_server_whose_sum_is_wrong_counts_again(void **state)
{
    (void)state;
    damage_server(DIGEST);
    (void)sync_bytes();
    assert_int_equal(mended, 0);
    assert_int_equal(sat_host_counts(world.host).mended, 1);
}

static void a_server_whose_records_are_wrong_mends_them(void **state)
{
    (void)state;
    damage_server(RAISE);
    (void)sync_bytes();
    assert_int_equal(mended, 0);
    assert_int_equal(sat_host_counts(world.host).mended, 2);
    damage_server(BURY);
    (void)sync_bytes();
    assert_int_equal(sat_host_counts(world.host).mended, 3);
    assert_true(world_sync(&world, a));
    assert_true(scene_agrees(&world, a));
}

static void both_may_be_wrong_at_once(void **state)
{
    (void)state;
    damage_server(BURY);
    damage_device(RAISE);
    (void)sync_bytes();
    assert_true(world_sync(&world, a));
    assert_true(scene_agrees(&world, a));
}

/* Delivers everything else before the next of the frames that the server makes when it may write: of a loop that is
 * busy, answers arrive well before them. */
static void run_with_late_frames(void)
{
    for (bool writable = true; writable && b->replica;) {
        bool more = true;
        while (more) {
            writable = writable || b->host_writable;
            b->host_writable = false;
            more = world_hand_over(&world, b, false) || b->down.n;
            if (b->down.n) {
                b->host_writable = false;
                (void)world_hand_over(&world, b, true);
            }
        }
        b->host_writable = writable;
        (void)world_fetch(&world, b);
        writable = b->down.n > 0;
    }
}

/* Seen as a sync that ended with exit code 0 and "not in sync": it had asked three times when the head came. */
static void a_device_waits_for_a_server_that_mends_itself(void **state)
{
    (void)state;
    damage_server(BURY);
    world_connect(&world, b);
    run_with_late_frames();
    assert_non_null(b->replica);
    assert_false(b->idle);
    assert_true(sat_replica_in_sync(b->replica));
    assert_int_equal(sat_host_counts(world.host).mended, 3);
}

/* What the log itself has is not to be had back from a sum. */
static void what_cannot_be_mended_is_said(void **state)
{
    (void)state;
    damage_device(SUM
                  "; UPDATE change SET rest = zeroblob(32) WHERE cid = (SELECT min(cid) FROM change WHERE state = 0 AND"
                  " sid = (SELECT sid FROM change GROUP BY sid ORDER BY count(*) DESC LIMIT 1))");
    assert_false(world_sync(&world, b));
    assert_int_equal(b->last_err, SAT_OK);
    assert_true(b->idle);
    assert_false(scene_agrees(&world, b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_device_whose_sum_is_wrong_counts_again_and_asks_nobody, begin, end),
        cmocka_unit_test_setup_teardown(a_device_whose_records_are_wrong_finds_which_and_mends_them, begin, end),
        cmocka_unit_test_setup_teardown(a_server_whose_sum_is_wrong_counts_again, begin, end),
        cmocka_unit_test_setup_teardown(a_server_whose_records_are_wrong_mends_them, begin, end),
        cmocka_unit_test_setup_teardown(both_may_be_wrong_at_once, begin, end),
        cmocka_unit_test_setup_teardown(a_device_waits_for_a_server_that_mends_itself, begin, end),
        cmocka_unit_test_setup_teardown(what_cannot_be_mended_is_said, begin, end),
    };
    return cmocka_run_group_tests_name("mending", tests, NULL, NULL);
}
