/* New keys of a territory, and what is written under them, where their author's connection breaks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *one, *other;

static int begin(void **state)
{
    (void)state;
    return scene_two_reps(&world, 71, &one, &other) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* What becomes of the key boxes that the server sends. */
struct trouble {
    uint32_t met;
    bool damaged; /* the first alone; else all are lost */
};

static bool trouble_boxes(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    struct trouble *trouble = context;
    (void)device;
    if (!down) return true;
    sat_arena_init(&arena);
    bool boxes = !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) &&
                 message.type == SAT_MESSAGE_BOXES;
    sat_arena_deinit(&arena);
    if (!boxes) return true;
    if (trouble->damaged && trouble->met == 0) bytes->at[9] ^= 4;
    trouble->met++;
    return trouble->damaged;
}

static void who_makes_two_new_keys_and_did_not_get_the_first_reads_what_stands_under_it(void **state)
{
    (void)state;
    struct world_device *admin = world.devices;
    struct trouble trouble = {0};
    admin->on_way = trouble_boxes;
    admin->on_way_context = &trouble;
    order_rotate(&world, 0);
    assert_int_equal(trouble.met, 1);
    admin->on_way = NULL;
    scene_write(&world, one, 1, CITY, "under the first");
    assert_true(world_sync(&world, one));
    order_rotate(&world, 0);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "under the first");
    assert_string_equal(scene_shows(&world, other, 1, CITY), "under the first");
}

/* The new number's key is another: nobody has sealed to it yet. */
static void who_takes_a_new_number_has_the_keys_though_their_boxes_were_damaged_on_the_way(void **state)
{
    (void)state;
    struct trouble trouble = {.damaged = true};
    struct world_home kept;
    world_home_backup(&world, one, &kept);
    scene_write(&world, one, 1, CITY, "before");
    assert_true(world_sync(&world, one));
    world_home_restore(&world, one, &kept);
    world_home_free(&kept);
    order_rotate(&world, 0);
    scene_write(&world, other, 2, CITY, "under the new one");
    assert_true(world_sync(&world, other));
    one->on_way = trouble_boxes;
    one->on_way_context = &trouble;
    (void)world_sync(&world, one);
    assert_true(trouble.met > 0);
    one->on_way = NULL;
    assert_true(world_settle(&world, 4));
    assert_int_equal(one->heard[SAT_NOTICE_REINDEXED], 1);
    assert_string_equal(scene_shows(&world, one, 2, CITY), "under the new one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_makes_two_new_keys_and_did_not_get_the_first_reads_what_stands_under_it,
                                        begin, end),
        cmocka_unit_test_setup_teardown(who_takes_a_new_number_has_the_keys_though_their_boxes_were_damaged_on_the_way,
                                        begin, end),
    };
    return cmocka_run_group_tests_name("new keys", tests, NULL, NULL);
}
