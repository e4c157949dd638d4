/* Stories of a server that was set back to an older copy of its data: what it lost comes back from the devices, as it
 * was signed, with the time at which it was received first. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 83, 2);
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* Everybody holds the same as the server, and nothing waits. */
static void all_agree(void)
{
    assert_true(world_settle(&world, 6));
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct world_device *device = &world.devices[i];
        assert_true(scene_agrees(&world, device));
        assert_int_equal(scene_pending(device), 0);
        uint64_t left;
        assert_int_equal(sat_store_return_count(device->handle.store, 0, true, &left), 0);
        assert_int_equal(left, 0);
        assert_int_equal(device->last_err, SAT_OK);
    }
}

static void both_write(const char *first, const char *second)
{
    scene_write(&world, a, 1, CITY, first);
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 2, CITY, second);
    scene_write(&world, b, 1, NAME, second);
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
}

static void what_a_server_lost_comes_back_from_its_devices(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    uint64_t size = scene_log_size(&world);
    struct sat_hash digest = scene_digest(world.server_store, &world.spaces[0]);
    world_restore(&world, 1, true);
    assert_true(scene_log_size(&world) < size);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
    assert_true(world_sync(&world, a));
    assert_int_equal(scene_log_size(&world), size);
    assert_true(a->heard[SAT_NOTICE_SET_BACK] > 0);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, a, 1, NAME), "Davos");
    all_agree();
    struct sat_hash now = scene_digest(world.server_store, &world.spaces[0]);
    assert_true(sat_hash_equal(&digest, &now));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Davos");
    struct world_device *late = world_join(&world, 1);
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Chur");
    assert_true(scene_agrees(&world, late));
}

static void nobody_says_that_a_server_was_set_back_and_it_is_noticed(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    uint64_t size = scene_log_size(&world);
    world_restore(&world, 1, false);
    assert_true(world_sync(&world, b));
    assert_int_equal(scene_log_size(&world), size);
    all_agree();
    assert_true(a->heard[SAT_NOTICE_SET_BACK] > 0);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
        STORY(what_a_server_lost_comes_back_from_its_devices),
        STORY(nobody_says_that_a_server_was_set_back_and_it_is_noticed),
    };
    return cmocka_run_group_tests_name("lives", tests, NULL, NULL);
}
