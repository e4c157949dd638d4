/* A device that was silent for so long that it was expelled, and that what it saw last was compacted: it starts anew,
 * and brings what it has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(92, 1);
    order_keep_history(&world, 0, 1);
    world_disconnect(&world, admin);
    return 0;
}

static void work_for_half_a_year(void)
{
    char value[32];
    world.now_ms += 181 * SAT_DAY_MS;
    for (uint32_t i = 0; i < 40; i++) {
        (void)snprintf(value, sizeof value, "city %u", (unsigned)i);
        scene_write(&world, rep, 5, CITY, value);
        assert_true(world_sync(&world, rep));
    }
    scene_remove(&world, rep, 1);
    sync_without_other();
    assert_int_equal(world_collect(&world), 0);
    order_expel(&world, other);
    sync_without_other();
    assert_int_equal(world_collect(&world), 1);
    sync_without_other();
    scene_maintain(&world);
    assert_true(scene_runs(world.server_store, space()) > 0);
}

static void it_starts_anew_and_brings_its_work(bool frozen)
{
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    for (uint32_t i = 0; i < 5; i++) {
        scene_write(&world, rep, 5, CITY, i % 2 ? "Chur" : "Cham");
        assert_true(world_sync(&world, rep));
    }
    settle();
    settle();
    scene_write(&world, other, 2, NAME, "Ana");
    scene_write(&world, other, 1, NAME, "Eva");
    scene_write(&world, other, 3, NAME, "Mia");
    if (frozen) {
        scene_lose_push(&world, other, 0);
        assert_false(world_sync(&world, other));
        other->on_way = NULL;
    }
    work_for_half_a_year();
    for (int i = 0; i < 3; i++) (void)world_sync(&world, other);
    assert_int_equal(other->heard[SAT_NOTICE_ANEW], 1);
    settle();
    assert_string_equal(scene_base(&world, world.server_store, 1), "");
    assert_string_equal(scene_live(&world, other, 1), "");
    assert_string_equal(scene_shows(&world, rep, 2, NAME), "Ana");
    assert_string_equal(scene_shows(&world, rep, 3, NAME), "Mia");
    assert_string_equal(scene_shows(&world, other, 5, CITY), "city 39");
    uint64_t aside;
    assert_int_equal(sat_store_aside_count(other->handle.store, &aside), SAT_OK);
    assert_int_equal(aside, 1);
}

static void a_silent_device_whose_place_is_compacted_starts_anew_and_brings_its_work(void **state)
{
    (void)state;
    it_starts_anew_and_brings_its_work(false);
}

static void and_what_it_had_sealed_before(void **state)
{
    (void)state;
    it_starts_anew_and_brings_its_work(true);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_silent_device_whose_place_is_compacted_starts_anew_and_brings_its_work),
        STORY(and_what_it_had_sealed_before),
    };
#undef STORY
    return cmocka_run_group_tests_name("silent_anew", tests, NULL, NULL);
}
