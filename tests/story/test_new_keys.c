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

/* The key boxes that the server sends are lost. */
static bool lose_boxes(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)device;
    if (!down) return true;
    sat_arena_init(&arena);
    bool lost = !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) &&
                message.type == SAT_MESSAGE_BOXES;
    sat_arena_deinit(&arena);
    *(uint32_t *)context += lost;
    return !lost;
}

static void who_makes_two_new_keys_and_did_not_get_the_first_reads_what_stands_under_it(void **state)
{
    (void)state;
    struct world_device *admin = world.devices;
    uint32_t lost = 0;
    admin->on_way = lose_boxes;
    admin->on_way_context = &lost;
    order_rotate(&world, 0);
    assert_int_equal(lost, 1);
    admin->on_way = NULL;
    scene_write(&world, one, 1, CITY, "under the first");
    assert_true(world_sync(&world, one));
    order_rotate(&world, 0);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "under the first");
    assert_string_equal(scene_shows(&world, other, 1, CITY), "under the first");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_makes_two_new_keys_and_did_not_get_the_first_reads_what_stands_under_it,
                                        begin, end),
    };
    return cmocka_run_group_tests_name("new keys", tests, NULL, NULL);
}
