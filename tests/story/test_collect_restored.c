/* What was deleted and forgotten stays so when the server is set back (docs/decisions/0090-collection.md). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/tidy.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(79, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    assert_true(world_settle(&world, 4));
    scene_write(&world, other, 1, NAME, "Ana");
    assert_true(world_settle(&world, 4));
    return 0;
}

static void settle_soundly(void)
{
    bool all = world_settle(&world, 8);
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct world_device *device = &world.devices[i];
        if (!all) print_message("device %u: %s\n", scene_number(device), sat_err_name(device->last_err));
        scene_assert_sound(device->handle.store);
    }
    scene_assert_sound(world.server_store);
    assert_true(all);
    for (uint32_t i = 0; i < world.devices_n; i++) assert_true(scene_agrees(&world, &world.devices[i]));
}

static void all_show_deleted(void)
{
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_memory_equal(scene_shows(&world, &world.devices[i], 1, CITY), "deleted", 7);
}

static void assert_gone(void)
{
    assert_string_equal(scene_base(&world, world.server_store, 1), "");
    for (uint32_t i = 0; i < world.devices_n; i++) {
        assert_string_equal(scene_base(&world, world.devices[i].handle.store, 1), "");
        assert_string_equal(scene_live(&world, &world.devices[i], 1), "");
    }
}

static void forget(void)
{
    settle_soundly();
    settle_soundly();
    assert_int_equal(world_collect(&world), 1);
    settle_soundly();
    assert_gone();
}

/* Nothing is forgotten before an admin has said that it goes on; then it is again. */
static void go_on(void)
{
    assert_int_equal(world_collect(&world), 0);
    settle_soundly();
    all_show_deleted();
    assert_int_equal(world_collect(&world), 0);
    assert_true(world_confirm_restore(&world));
    forget();
    all_show(2, CITY, "Biel");
}

static void set_back_before_the_deletion(bool announced)
{
    world_backup(&world, 1);
    scene_remove(&world, rep, 1);
    forget();
    world_restore(&world, 1, announced);
    assert_string_not_equal(scene_base(&world, world.server_store, 1), "");
    go_on();
}

static void a_server_from_before_the_deletion_brings_nothing_back(void **state)
{
    (void)state;
    set_back_before_the_deletion(true);
}

static void nor_one_that_nobody_says_is_older(void **state)
{
    (void)state;
    set_back_before_the_deletion(false);
}

static void nor_one_from_before_it_was_forgotten(void **state)
{
    (void)state;
    scene_remove(&world, rep, 1);
    settle_soundly();
    world_backup(&world, 1);
    forget();
    world_restore(&world, 1, true);
    go_on();
}

/* It has all that is needed to forget it once more, in an entry of another time. */
static void a_server_that_does_not_know_that_it_is_older_forgets_it_again(void **state)
{
    (void)state;
    scene_remove(&world, rep, 1);
    settle_soundly();
    world_backup(&world, 1);
    forget();
    scene_write(&world, rep, 3, CITY, "Chur");
    settle_soundly();
    world_restore(&world, 1, false);
    assert_int_equal(world_collect(&world), 1);
    settle_soundly();
    assert_gone();
    all_show(3, CITY, "Chur");
}

static void nor_one_from_before_the_record(void **state)
{
    (void)state;
    scene_remove(&world, rep, 2); /* so that there is something behind the backup */
    world_backup(&world, 1);
    scene_write(&world, rep, 3, CITY, "Chur");
    scene_remove(&world, rep, 3);
    settle_soundly();
    settle_soundly();
    assert_int_equal(world_collect(&world), 2);
    settle_soundly();
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    settle_soundly();
    settle_soundly();
    assert_int_equal(world_collect(&world), 2);
    settle_soundly();
    assert_string_equal(scene_base(&world, world.server_store, 3), "");
    assert_string_equal(scene_base(&world, other->handle.store, 2), "");
}

static void who_joined_when_it_was_forgotten_gives_it_back_as_deleted(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_remove(&world, rep, 1);
    forget();
    struct world_device *late = world_join(&world, 3);
    settle_soundly();
    world_backup(&world, 2);
    world_restore(&world, 1, false);
    assert_true(world_sync(&world, late) || late->last_err == SAT_OK); /* the first to give back */
    go_on();
}

static void what_was_written_anew_under_its_id_stays_alone(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_remove(&world, rep, 1);
    forget();
    struct world_device *late = world_join(&world, 3);
    scene_write(&world, late, 1, NAME, "Eva");
    settle_soundly();
    all_show(1, NAME, "Eva");
    all_show(1, CITY, "");
    world_restore(&world, 1, true);
    settle_soundly();
    all_show(1, NAME, "Eva");
    all_show(1, CITY, "");
    assert_true(world_confirm_restore(&world));
    settle_soundly();
    all_show(1, NAME, "Eva");
    all_show(1, CITY, "");
}

/* In the new life everybody has to say it again. */
static void what_was_acknowledged_in_a_lost_log_does_not_count(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, rep, 2, NAME, "Mia");
    settle_soundly();
    scene_remove(&world, rep, 1);
    settle_soundly();
    settle_soundly();
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, &world.devices[0]));
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, &world.devices[0]));
    assert_int_equal(world_collect(&world), 0); /* the other has not been here */
    assert_true(world_sync(&world, other));
    assert_int_equal(world_collect(&world), 1);
    settle_soundly();
    assert_gone();
}

static void collect_one(uint32_t record)
{
    scene_write(&world, admin, record, CITY, "Visp");
    settle_soundly();
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, rep, record, CITY, i % 2 ? "Brig" : "Sion");
        assert_true(world_sync(&world, rep));
    }
    scene_remove(&world, rep, record);
    settle_soundly();
    settle_soundly();
    assert_int_equal(world_collect(&world), 1);
    settle_soundly();
}

/* Of each device the newest bundle up to the floor stays, whatever has become of it: what comes behind it can be told
 * then. With a later collection an older one goes; and the server is back before that. */
static void runs_go_with_the_collection_whose_floor_they_were_made_by(void **state)
{
    (void)state;
    struct sat_tidied done = {0};
    order_keep_history(&world, 0, 1);
    collect_one(4);
    world_backup(&world, 1);
    scene_write(&world, admin, 3, CITY, "Chur");
    assert_true(world_sync(&world, admin));
    world_backup(&world, 2);
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    settle_soundly();
    collect_one(5);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(
            sat_tidy_device(other->handle.store, &other->handle.directory, scene_number(other), 4096, &done), SAT_OK);
    assert_true(scene_runs(other->handle.store, space()) > 0);
    world_restore(&world, 2, true);
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    settle_soundly();
    all_show(3, CITY, "Chur");
}

static void write_thrice(uint32_t record, const char *last)
{
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, rep, record, CITY, i == 0 ? "Brig" : i == 1 ? "Sion" : last);
        assert_true(world_sync(&world, rep));
    }
}

static void goes_back(uint32_t copy)
{
    world_restore(&world, copy, true);
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    settle_soundly();
}

/* The server has a subtree's root in place of the entries where the other life of its log began. */
static void where_a_life_began_two_logs_are_one_though_that_is_compacted(void **state)
{
    (void)state;
    struct sat_hash root;
    bool found;
    order_keep_history(&world, 0, 1);
    write_thrice(6, "Visp");
    settle_soundly();
    world_backup(&world, 1);
    uint64_t size = scene_log_size(&world);
    write_thrice(3, "Chur");
    settle_soundly();
    world_backup(&world, 2);
    goes_back(1);
    write_thrice(6, "Thun");
    write_thrice(3, "Olten");
    collect_one(4);
    collect_one(5);
    scene_maintain(&world);
    assert_int_equal(
        sat_store_root_at(world.server_store, scene_space(world.server_store, space()).sid, size, &root, &found),
        SAT_OK);
    assert_false(found);
    world_backup(&world, 3);
    goes_back(2);
    goes_back(3);
    all_show(3, CITY, "Olten");
    all_show(6, CITY, "Thun");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_server_from_before_the_deletion_brings_nothing_back),
        STORY(nor_one_that_nobody_says_is_older),
        STORY(nor_one_from_before_it_was_forgotten),
        STORY(a_server_that_does_not_know_that_it_is_older_forgets_it_again),
        STORY(nor_one_from_before_the_record),
        STORY(who_joined_when_it_was_forgotten_gives_it_back_as_deleted),
        STORY(what_was_written_anew_under_its_id_stays_alone),
        STORY(what_was_acknowledged_in_a_lost_log_does_not_count),
        STORY(runs_go_with_the_collection_whose_floor_they_were_made_by),
        STORY(where_a_life_began_two_logs_are_one_though_that_is_compacted),
    };
    return cmocka_run_group_tests_name("collect_restored", tests, NULL, NULL);
}
