/* A server that has a device start anew which has no reason to: for nothing, again and again, to keep the log to
 * itself, or because it has lost what it had accepted. The device finds out, its own work is there all the while, and
 * an honest server finds it where it was. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/wire/message.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

enum { FAR = 1000 };

static struct lie {
    uint32_t times;      /* so many subscriptions are answered so */
    uint64_t floor;      /* that is named */
    bool keeps_back;     /* heads come, and no entries */
    uint32_t said, back; /* how often that happened */
} lie;

static int begin(void **state)
{
    (void)state;
    lie = (struct lie){.floor = FAR};
    trio_begin(115, 1);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, other, 2, CITY, "Biel");
    assert_true(world_settle(&world, 4));
    scene_write(&world, rep, 4, CITY, "Genf"); /* it is refused: a void statement */
    scene_damage_push(&world, rep, 0);
    assert_true(world_settle(&world, 4));
    rep->on_way = NULL;
    scene_write(&world, rep, 1, NAME, "Ana");
    assert_true(world_settle(&world, 4));
    return 0;
}

static void say_anew(struct world_device *device)
{
    struct sat_buf bytes;
    struct sat_message message = {.type = SAT_MESSAGE_ANEW};
    message.as.ANEW = (struct sat_message_ANEW){.sub = forge_sub(device, space()), .floor = lie.floor};
    sat_buf_init(&bytes);
    sat_message_encode(&message, &bytes);
    world_post(device, true, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
}

static bool lies(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    (void)context;
    sat_arena_init(&arena);
    enum sat_err err =
        sat_message_decode(sat_buf_span(bytes), down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &arena, &message);
    bool passes = true;
    if (!err && !down && message.type == SAT_MESSAGE_SUBSCRIBE && lie.said < lie.times) {
        lie.said++;
        say_anew(device);
    }
    if (!err && down && message.type == SAT_MESSAGE_ENTRIES && lie.keeps_back) passes = lie.back++ > FAR;
    sat_arena_deinit(&arena);
    return passes;
}

static void lied_to(uint32_t times)
{
    lie.times = times;
    lie.said = 0;
    rep->on_way = lies;
    rep->last_err = SAT_OK;
    assert_false(world_sync(&world, rep));
    rep->on_way = NULL;
    lie.keeps_back = false;
    assert_true(lie.said > 0);
}

/* What it wrote itself it shows all the while. */
static void shows_its_own(void)
{
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Ana");
}

static void is_as_it_was(void)
{
    for (uint32_t i = 0; i < 2; i++) (void)world_sync(&world, rep);
    assert_true(world_settle(&world, 4));
    assert_true(scene_agrees(&world, rep));
    shows_its_own();
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 1, NAME), "Ana");
    assert_int_equal(scene_conflicts(&world, rep, 1), 0);
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 0);
    scene_write(&world, rep, 1, CITY, "Chur");
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Chur");
}

static void of_a_space_that_has_no_floor(void **state)
{
    (void)state;
    lied_to(1);
    assert_int_equal(rep->last_err, SAT_ERR_TAMPERED);
    shows_its_own();
    is_as_it_was();
}

static void in_every_session(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        lied_to(1);
        shows_its_own();
    }
    is_as_it_was();
}

static void again_and_again(void **state)
{
    (void)state;
    lied_to(9);
    assert_int_equal(rep->last_err, SAT_ERR_TAMPERED);
    shows_its_own();
    lie.keeps_back = true;
    lied_to(9);
    assert_int_equal(rep->last_err, SAT_ERR_PROTOCOL);
    assert_true(lie.said <= 4);
    shows_its_own();
    is_as_it_was();
}

static void with_a_floor_that_the_device_has_passed(void **state)
{
    (void)state;
    lie.floor = scene_log_size(&world);
    lied_to(1);
    assert_int_equal(rep->last_err, SAT_ERR_PROTOCOL);
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "Biel"); /* nothing was let go of */
    is_as_it_was();
}

static void and_sends_nothing(void **state)
{
    (void)state;
    lie.keeps_back = true;
    lied_to(1);
    shows_its_own();
    is_as_it_was();
}

/* What it wrote while it was lied to goes along later. */
static void while_work_waits(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, ADDRESS, "Gasse 1");
    lie.keeps_back = true;
    lied_to(1);
    shows_its_own();
    assert_string_equal(scene_shows(&world, rep, 1, ADDRESS), "Gasse 1");
    is_as_it_was();
    assert_string_equal(scene_shows(&world, other, 1, ADDRESS), "Gasse 1");
}

/* It has no reason to say that it was set back: nobody else has it. */
static void that_has_own_work_which_it_has_lost(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, rep, 3, CITY, "Visp");
    assert_true(world_sync(&world, rep));
    world_restore(&world, 1, false);
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, other, 2, CITY, i % 2 ? "Brig" : "Thun");
        assert_true(world_sync(&world, other));
    }
    for (uint32_t i = 0; i < 2; i++) {
        lied_to(1);
        assert_int_equal(rep->last_err, SAT_ERR_FORK);
        shows_its_own();
        assert_string_equal(scene_shows(&world, rep, 3, CITY), "Visp");
    }
}

/* All that others have seen by now is forgotten, where that device was as well. */
static void half_a_year_without_it(void)
{
    world.now_ms += UINT64_C(181) * 24 * 3600 * 1000;
    for (uint32_t i = 0; i < 40; i++) {
        scene_write(&world, other, 2, CITY, i % 2 ? "Brig" : "Thun");
        assert_true(world_sync(&world, other));
    }
    scene_write(&world, other, 3, NAME, "Mia");
    scene_remove(&world, other, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(world_sync(&world, other));
        assert_true(world_sync(&world, admin));
    }
    order_expel(&world, rep);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(world_sync(&world, admin));
        assert_true(world_sync(&world, other));
    }
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_sync(&world, other));
    scene_maintain(&world);
}

/* Of work that a run is to have, what is there says more than who shows the run: nothing here has seen it. */
static void and_says_that_a_run_has_it(void **state)
{
    (void)state;
    order_keep_history(&world, 0, 1);
    world_disconnect(&world, admin);
    assert_true(world_settle(&world, 3));
    world_backup(&world, 1);
    scene_write(&world, rep, 3, CITY, "Visp");
    assert_true(world_sync(&world, rep));
    world_restore(&world, 1, false);
    half_a_year_without_it();
    for (uint32_t i = 0; i < 3; i++) (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_ANEW], 1);
    assert_string_equal(scene_shows(&world, rep, 3, NAME), "Mia");
    assert_string_equal(scene_shows(&world, rep, 3, CITY), "Visp");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(of_a_space_that_has_no_floor),
        STORY(in_every_session),
        STORY(again_and_again),
        STORY(with_a_floor_that_the_device_has_passed),
        STORY(and_sends_nothing),
        STORY(while_work_waits),
        STORY(that_has_own_work_which_it_has_lost),
        STORY(and_says_that_a_run_has_it),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile_anew", tests, NULL, NULL);
}
