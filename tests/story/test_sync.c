/* Stories of synchronising: devices, a server, a network on one clock; what everybody sees at the end is the assertion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/scene.h"

static struct world world;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 7, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void what_one_writes_the_other_sees(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    scene_write(&world, a, 1, CITY, "Strasbourg");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Strasbourg");
    assert_string_equal(scene_shows(&world, &world.devices[0], 1, CITY), "");
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(scene_shows(&world, &world.devices[0], 1, CITY), "Strasbourg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_one_writes_the_other_sees, begin, end),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
