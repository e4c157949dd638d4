/* Homes that were copied, in between: before they know it, before they have a number of their own, and once more. What
 * they all hold is in the log once, and what is written meanwhile says what it replaced. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/copied.h"
#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(23, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

/* In the other territory: the first that another copy hears of. */
static void show_oneself(struct world_device *device)
{
    scene_write_in(&world, device, &world.spaces[1], 50, CITY, "Here");
}

static bool knows_itself(struct world_device *device)
{
    bool copied;
    assert_int_equal(sat_copied_get(device->handle.store, &copied), SAT_OK);
    return copied;
}

static void a_home_that_was_copied_before_its_first_sync_learns_of_it(void **state)
{
    (void)state;
    struct world_device *new_one = world_invite(&world, 3);
    for (uint32_t i = 0; i < 2; i++) { /* it joins; and finds that it has */
        world_connect(&world, new_one);
        if (!new_one->joined) world_run(&world, new_one);
        world_disconnect(&world, new_one);
    }
    assert_true(new_one->joined && scene_number(new_one) > 0);
    struct world_device *clone = world_clone(&world, new_one);
    assert_true(world_sync(&world, clone)); /* it writes nothing: its cursor alone tells */
    scene_write(&world, new_one, 2, CITY, "Biel");
    assert_true(world_sync(&world, new_one));
    assert_int_equal(new_one->heard[SAT_NOTICE_REINDEXED], 1);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
}

/* The other one's changes have come, under the dots that its own ones would have. */
static void what_is_written_before_there_is_a_number_is_shown_and_replaces_what_it_stands_on(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, rep, 2, NAME, "Alpha");
    scene_write(&world, rep, 3, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    scene_write(&world, clone, 4, CITY, "Visp");
    world_connect(&world, clone);
    while (!knows_itself(clone)) assert_true(world_deliver(&world, clone, WORLD_NO_FAULT));
    while (strcmp(scene_shows(&world, clone, 3, CITY), "Chur") != 0)
        assert_true(world_deliver(&world, clone, WORLD_NO_FAULT));
    world_disconnect(&world, clone);
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 0);
    scene_write(&world, clone, 2, CITY, "Thun");
    scene_write(&world, clone, 3, CITY, "Sion");
    scene_write(&world, clone, 3, CITY, "Brig");
    assert_string_equal(scene_shows(&world, clone, 2, CITY), "Thun");
    assert_string_equal(scene_shows(&world, clone, 2, NAME), "Alpha");
    assert_string_equal(scene_shows(&world, clone, 3, CITY), "Brig");
    assert_string_equal(scene_shows(&world, clone, 4, CITY), "Visp");
    assert_true(world_settle(&world, 4));
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 1);
    all_show(2, CITY, "Thun");
    all_show(2, NAME, "Alpha");
    all_show(3, CITY, "Brig");
    all_show(4, CITY, "Visp");
}

static void who_keeps_the_number_does_not_send_what_the_other_one_brought(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Biel");
    struct world_device *clone = world_clone(&world, rep);
    show_oneself(rep);
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep)); /* the one got through, and "Biel" did not */
    rep->on_way = NULL;
    scene_lose_push(&world, clone, 0); /* under the old number nothing of it gets through here, either */
    assert_true(world_sync(&world, clone));
    clone->on_way = NULL;
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 1);
    assert_true(world_sync(&world, other));
    scene_write(&world, other, 2, CITY, "Brig");
    assert_true(world_sync(&world, other));
    scene_write(&world, rep, 2, NAME, "Alpha"); /* on "Biel" */
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 0);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Brig");
    all_show(2, NAME, "Alpha");
}

/* Where the first of them brought it, it was replaced at once: the third one needs its bytes to know it. */
static void what_two_copies_hold_is_known_though_it_was_replaced(void **state)
{
    (void)state;
    struct world_device *second = world_clone(&world, rep);
    scene_write(&world, second, 2, CITY, "Biel");
    scene_write(&world, second, 2, CITY, "Brig");
    struct world_device *third = world_clone(&world, second);
    show_oneself(rep);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, second));
    assert_true(world_sync(&world, third));
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Brig");
}

/* Both have the keys of the new number, whose link one of them has sent. */
static void a_copy_that_is_copied_while_it_takes_its_number_takes_another(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    show_oneself(rep);
    assert_true(world_sync(&world, rep));
    scene_write(&world, clone, 2, CITY, "Biel");
    world_connect(&world, clone);
    uint32_t devices = sat_host_directory(world.host)->devices_n;
    while (sat_host_directory(world.host)->devices_n == devices)
        assert_true(world_deliver(&world, clone, WORLD_NO_FAULT));
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 0);
    struct world_device *again = world_clone(&world, clone);
    scene_write(&world, clone, 3, CITY, "Chur");
    assert_true(world_sync(&world, clone));
    scene_write(&world, again, 4, CITY, "Visp");
    assert_true(world_sync(&world, again));
    assert_int_not_equal(scene_number(clone), scene_number(again));
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    all_show(3, CITY, "Chur");
    all_show(4, CITY, "Visp");
}

/* Frozen before the home was kept: the state that comes back has it, and never heard that it was refused. */
static void what_was_refused_is_not_sent_by_an_older_state_of_the_home(void **state)
{
    (void)state;
    struct world_home backup;
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep));
    scene_write(&world, rep, 2, CITY, "Brig");
    world_home_backup(&world, rep, &backup);
    scene_damage_push(&world, rep, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1);
    rep->on_way = NULL;
    world_home_restore(&world, rep, &backup);
    assert_true(world_settle(&world, 4));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    all_show(2, CITY, "Brig");
    uint64_t aside;
    assert_int_equal(sat_store_aside_count(rep->handle.store, &aside), SAT_OK);
    assert_int_equal(aside, 1); /* listed as such again */
    world_home_free(&backup);
}

/* Kept before it was frozen: that it is what was refused, nobody can tell. Its clock was ahead when it was written. */
static void what_may_have_been_refused_is_shown_beside_and_wins_nothing(void **state)
{
    (void)state;
    struct world_home backup;
    rep->clock_ms = (int64_t)400 * 24 * 60 * 60 * 1000;
    scene_write(&world, rep, 2, CITY, "Biel");
    world_home_backup(&world, rep, &backup);
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep));
    scene_write(&world, rep, 2, CITY, "Brig");
    scene_damage_push(&world, rep, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1);
    rep->on_way = NULL;
    world.now_ms += 1000;
    world_home_restore(&world, rep, &backup);
    assert_true(world_settle(&world, 4));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_string_equal(scene_shows(&world, &world.devices[i], 2, CITY), "Brig|Biel");
    world_home_free(&backup);
}

/* Its first push is damaged, the second follows nothing then, and what it makes of that does not arrive. */
static bool damage_one_and_pass_one(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    uint32_t *pushes = context;
    (void)device;
    if (down) return true;
    sat_arena_init(&arena);
    assert_int_equal(sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message), SAT_OK);
    bool push = message.type == SAT_MESSAGE_PUSH;
    if (push && ++*pushes == 1) bytes->at[bytes->len - 1] ^= 1;
    sat_arena_deinit(&arena);
    return !push || *pushes <= 2;
}

/* One home wrote it again, as something before it was refused; its twin brought it as it was, and replaced it; and what
 * it said is forgotten. */
static void what_was_written_again_behind_a_refusal_is_known_by_its_hash(void **state)
{
    (void)state;
    static const char *const later[] = {"Brig", "Thun", "Sion"};
    uint32_t pushes = 0;
    order_keep_history(&world, 0, 1);
    scene_write(&world, rep, 3, CITY, "Chur");
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep));
    scene_write(&world, rep, 2, CITY, "Biel");
    rep->on_way = NULL;
    struct world_device *clone = world_clone(&world, rep);
    rep->on_way = damage_one_and_pass_one;
    rep->on_way_context = &pushes;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1);
    rep->on_way = NULL;
    assert_true(world_sync(&world, clone));
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, clone, 2, CITY, later[i]);
        assert_true(world_sync(&world, clone));
    }
    scene_maintain(&world);
    assert_true(world_settle(&world, 6));
    all_show(2, CITY, "Sion");
    all_show(3, CITY, "Chur");
}

static bool has_a_push_on_its_way(const struct world_device *device)
{
    struct sat_arena arena;
    struct sat_message message;
    bool has = false;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < device->up.n; i++) {
        struct sat_span bytes = sat_buf_span(&device->up.at[i]);
        has = has ||
              (!sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message) && message.type == SAT_MESSAGE_PUSH);
    }
    sat_arena_deinit(&arena);
    return has;
}

/* Neither knows what the other one has just sent: the server does. */
static void what_two_copies_send_at_the_same_time_is_there_once(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Biel");
    struct world_device *clone = world_clone(&world, rep);
    show_oneself(clone);
    scene_lose_push(&world, clone, 0);
    assert_false(world_sync(&world, clone));
    clone->on_way = NULL;
    world_connect(&world, clone);
    while (!has_a_push_on_its_way(clone)) assert_true(world_deliver(&world, clone, WORLD_NO_FAULT));
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    world_run(&world, clone);
    world_disconnect(&world, clone);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    assert_null(strchr(scene_live(&world, other, 2), ' ')); /* one change */
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_home_that_was_copied_before_its_first_sync_learns_of_it),
        STORY(what_is_written_before_there_is_a_number_is_shown_and_replaces_what_it_stands_on),
        STORY(who_keeps_the_number_does_not_send_what_the_other_one_brought),
        STORY(what_two_copies_hold_is_known_though_it_was_replaced),
        STORY(what_was_refused_is_not_sent_by_an_older_state_of_the_home),
        STORY(what_may_have_been_refused_is_shown_beside_and_wins_nothing),
        STORY(what_was_written_again_behind_a_refusal_is_known_by_its_hash),
        STORY(what_two_copies_send_at_the_same_time_is_there_once),
        STORY(a_copy_that_is_copied_while_it_takes_its_number_takes_another),
    };
#undef STORY
    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
