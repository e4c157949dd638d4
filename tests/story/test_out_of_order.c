/* What comes in another order than it was written in: a device's bundles at the server, the log's entries at a device.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/raw.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *rep, *other, *third; /* of one territory */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 97, 1);
    rep = world_join(&world, 1);
    other = world_join(&world, 1);
    third = world_join(&world, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* Each follows the one before by its hash, and no counter is there twice. */
static void counters_that_go_back_are_refused(void **state)
{
    (void)state;
    struct raw raw;
    struct raw_bundle first, far, back;
    uint64_t head = sat_host_directory(world.host)->seq;
    raw_bundle(&first, &world, rep, &world.spaces[0], 3, NULL, head);
    raw_bundle(&far, &world, rep, &world.spaces[0], 9, &first, head);
    raw_bundle(&back, &world, rep, &world.spaces[0], 5, &far, head);
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    assert_int_equal(raw_push(&raw, 1, &first), SAT_OK);
    assert_int_equal(raw_push(&raw, 1, &far), SAT_OK);
    assert_int_equal(raw_push(&raw, 1, &back), SAT_ERR_BAD_CHAIN);
    raw_end(&raw);
    assert_int_equal(scene_log_size(&world), 2);
    raw_bundle_free(&back);
    raw_bundle_free(&far);
    raw_bundle_free(&first);
}

static bool lose_all(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    (void)bytes;
    return !down;
}

static void entries_behind_a_gap_are_not_taken_but_asked_for_again(void **state)
{
    (void)state;
    scene_write(&world, other, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    scene_write(&world, third, 1, NAME, "Meyer"); /* its bundle has not seen what will be lost */
    scene_lose_push(&world, third, 0);
    assert_false(world_sync(&world, third));
    world_connect(&world, rep);
    world_run(&world, rep);
    rep->last_err = SAT_OK;
    rep->on_way = lose_all;
    scene_write(&world, other, 1, CITY, "Biel");
    assert_true(world_sync(&world, other));
    world_run(&world, rep);
    rep->on_way = NULL;
    assert_true(world_sync(&world, third));
    world_run(&world, rep);
    assert_int_equal(rep->last_err, SAT_OK);
    assert_true(rep->replica && sat_replica_in_sync(rep->replica));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Meyer");
    assert_true(scene_agrees(&world, rep));
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(counters_that_go_back_are_refused),
        STORY(entries_behind_a_gap_are_not_taken_but_asked_for_again),
    };
    return cmocka_run_group_tests_name("out_of_order", tests, NULL, NULL);
}
