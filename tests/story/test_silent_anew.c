/* A device that was silent for so long that it was expelled, and that what it saw last was compacted: it starts anew,
 * and brings what it has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/links.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static struct world world;
static struct world_device *admin, *rep, *other;

static void build_limits(struct world_wish *wish, struct client_links *links)
{
    struct sat_buf body;
    (void)wish;
    sat_buf_init(&body);
    struct sat_body_policy policy = {.values = {{SAT_POLICY_HISTORY_VERSIONS, 1}}, .values_n = 1};
    sat_body_policy_encode(&policy, &body);
    assert_int_equal(client_links_add(links, SAT_LINK_POLICY, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static int begin(void **state)
{
    (void)state;
    world_init(&world, 92, 1);
    admin = &world.devices[0];
    rep = world_join(&world, 1);
    other = world_join(&world, 1);
    assert_true(world_append(&world, admin, build_limits, NULL));
    world_disconnect(&world, admin);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void settle(void)
{
    if (!world_settle(&world, 6))
        fail_msg("%s %s %s", sat_err_name(admin->last_err), sat_err_name(rep->last_err), sat_err_name(other->last_err));
    for (uint32_t i = 0; i < world.devices_n; i++) assert_true(scene_agrees(&world, &world.devices[i]));
}

static void without_it(void)
{
    for (int i = 0; i < 2; i++) {
        assert_true(world_sync(&world, rep));
        assert_true(world_sync(&world, admin));
    }
}

static void maintain(void)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < 20; i++) {
        world.now_ms += 61 * 1000;
        sat_actions_init(&actions, &arena);
        assert_int_equal(sat_host_maintain(world.host, world.now_ms, 4096, &actions), SAT_OK);
    }
    sat_arena_deinit(&arena);
}

static uint32_t count_runs(void)
{
    struct sat_arena arena;
    struct sat_run *runs;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_runs(world.server_store, scene_space(world.server_store, &world.spaces[0]).sid, 0, 100,
                                    &arena, &runs, &n),
                     SAT_OK);
    sat_arena_deinit(&arena);
    return n;
}

static void work_for_half_a_year(void)
{
    char value[32];
    world.now_ms += 181 * DAY_MS;
    for (uint32_t i = 0; i < 40; i++) {
        (void)snprintf(value, sizeof value, "city %u", (unsigned)i);
        scene_write(&world, rep, 5, CITY, value);
        assert_true(world_sync(&world, rep));
    }
    scene_remove(&world, rep, 1);
    without_it();
    assert_int_equal(world_collect(&world), 0);
    order_expel(&world, other);
    without_it();
    assert_int_equal(world_collect(&world), 1);
    without_it();
    maintain();
    assert_true(count_runs() > 0);
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
