/* What was handed in, and can never be let in: its author, who may write again, is not held up by it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(94, 1);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    settle();
    settle();
    return 0;
}

static uint32_t answers, passes; /* in this session; which of them */

/* The other answers about what is handed in are lost: so the device does not let go of the territory. */
static bool lose(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context;
    (void)device;
    if (!down) return true;
    sat_arena_init(&arena);
    enum sat_err err = sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message);
    bool lost = !err && message.type == SAT_MESSAGE_HANDED_IN && ++answers != passes;
    sat_arena_deinit(&arena);
    return !lost;
}

static void hand_in(uint32_t record, const char *name, uint32_t answer)
{
    answers = 0;
    passes = answer;
    other->on_way = lose;
    scene_write(&world, other, record, NAME, name);
    (void)world_sync(&world, other);
    other->on_way = NULL;
}

static void the_record_is_forgotten(void)
{
    scene_remove(&world, rep, 1);
    sync_without_other();
    sync_without_other();
    world.now_ms += 31 * SAT_DAY_MS;
    assert_int_equal(world_collect(&world), 1);
    sync_without_other();
}

static void the_admins_can_let_in_nothing(void)
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    sat_arena_init(&arena);
    uint32_t n = order_escrow(world.server_store, &arena, &rows);
    assert_true(n >= 2);
    world.orders_may_fail = true;
    for (uint32_t i = 0; i < n; i++) assert_false(order_was_decided(&world, SAT_ACCEPT_BUNDLE, &rows[i]));
    world.orders_may_fail = false;
    sat_arena_deinit(&arena);
}

static void goes_on(void)
{
    uint64_t aside;
    assert_int_equal(scene_pending(other), 3);
    the_record_is_forgotten();
    the_admins_can_let_in_nothing();
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    (void)world_sync(&world, other);
    scene_write(&world, other, 4, NAME, "Lea");
    settle();
    assert_int_equal(scene_pending(other), 0);
    assert_string_equal(scene_live(&world, rep, 1), "");
    assert_string_equal(scene_shows(&world, rep, 2, NAME), "Eva");
    assert_string_equal(scene_shows(&world, rep, 3, NAME), "Mia");
    assert_string_equal(scene_shows(&world, rep, 4, NAME), "Lea");
    assert_int_equal(sat_store_aside_count(other->handle.store, &aside), SAT_OK);
    assert_int_equal(aside, 1); /* its own, listed as refused */
}

static void what_everybody_has_forgotten_holds_up_nothing(void **state)
{
    (void)state;
    order_grant(&world, other, 0, 0);
    hand_in(1, "Ana", 0);
    hand_in(2, "Eva", 0);
    hand_in(3, "Mia", 1);
    goes_on();
}

static void nor_does_what_was_handed_in_behind_what_is_refused(void **state)
{
    (void)state;
    order_grant(&world, other, 0, 0);
    hand_in(1, "Ana", 0);
    hand_in(2, "Eva", 2);
    hand_in(3, "Mia", 0);
    goes_on();
}

/* At once: nobody has to write something before it is looked at again. */
static void nor_when_the_right_comes_back_within_a_session(void **state)
{
    (void)state;
    order_grant(&world, other, 0, 0);
    hand_in(1, "Ana", 0);
    hand_in(2, "Eva", 0);
    the_record_is_forgotten();
    order_grant(&world, other, 0, SAT_RIGHT_READ);
    world_connect(&world, other);
    world_run(&world, other);
    assert_int_equal(scene_pending(other), 2);
    uint64_t size = scene_log_size(&world);
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    assert_int_equal(scene_log_size(&world), size);
    world_run(&world, other);
    assert_int_equal(scene_pending(other), 0);
    assert_true(scene_log_size(&world) > size);
    settle();
    assert_string_equal(scene_shows(&world, rep, 2, NAME), "Eva");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_everybody_has_forgotten_holds_up_nothing, begin, end),
        cmocka_unit_test_setup_teardown(nor_does_what_was_handed_in_behind_what_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(nor_when_the_right_comes_back_within_a_session, begin, end),
    };
    return cmocka_run_group_tests_name("never let in", tests, NULL, NULL);
}
