/* Stories of a territory that is taken from somebody while the server, set back to an older copy, has lost what he had
 * sent there, and nobody else had pulled (docs/decisions/0228); and of what it
 * had put aside, and was decided about (0229). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static struct sat_arena arena;

static int begin(void **state)
{
    (void)state;
    sat_arena_init(&arena);
    trio_begin(86014, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    settle();
    settle();
    world_backup(&world, 1);
    return 0;
}

static int finish(void **state)
{
    sat_arena_deinit(&arena);
    return end(state);
}

static void set_back_and_taken(bool announced)
{
    world_restore(&world, 1, announced);
    if (announced) assert_true(world_confirm_restore(&world));
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    assert_int_equal(scene_space(rep->handle.store, space()).log.size, 0);
}

/* All that can be, in the order in which it came. */
static void let_in(uint32_t expected)
{
    struct sat_aside_row *rows;
    uint32_t left = expected;
    (void)world_sync(&world, admin); /* who shows a silent server that it was set back */
    uint64_t waits;
    assert_int_equal(sat_store_meta_get_u64(world.server_store, "recovering", 0, &waits), SAT_OK);
    if (waits) assert_true(world_confirm_restore(&world));
    for (uint32_t round = 0; round < expected; round++) {
        uint32_t n = order_escrow(world.server_store, &arena, &rows);
        assert_int_equal(n, expected);
        for (uint32_t i = 0; i < n; i++)
            left -= rows[i].state == SAT_ASIDE_OPEN && order_was_let_in(&world, rows, n, i);
    }
    assert_int_equal(left, 0);
}

/* The server had acknowledged it, and has none of it. */
static void what_the_server_lost_is_handed_in(bool announced)
{
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, rep, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 4, CITY, "Brig");
    assert_true(world_sync(&world, rep));
    set_back_and_taken(announced);
    let_in(2);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Brig");
    assert_int_equal(scene_conflicts(&world, other, 1), 0);
}

static void what_a_silent_server_lost_is_handed_in(void **state)
{
    (void)state;
    what_the_server_lost_is_handed_in(false);
}

static void what_an_honest_server_lost_is_handed_in(void **state)
{
    (void)state;
    what_the_server_lost_is_handed_in(true);
}

/* Storm 86014. */
static void so_is_what_stands_before_what_had_not_been_sent(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 4, CITY, "Brig");
    set_back_and_taken(false);
    let_in(2);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Brig");
}

/* Who hangs up before he has heard asks again. */
static void it_is_asked_until_it_is_answered(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    world_restore(&world, 1, false);
    order_grant(&world, rep, 0, 0);
    for (uint32_t messages = 1; !rep->heard[SAT_NOTICE_SPACE_LOST]; messages++) {
        world_connect(&world, rep);
        for (uint32_t i = 0; i < messages && world_deliver(&world, rep, WORLD_NO_FAULT); i++)
            ;
        world_disconnect(&world, rep);
        world_crash_device(&world, rep);
        assert_in_range(messages, 1, 200);
    }
    assert_true(world_sync(&world, rep));
    let_in(1);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

static void what_the_log_has_is_not_handed_in(void **state)
{
    (void)state;
    struct sat_aside_row *rows;
    scene_write(&world, rep, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 0);
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 0);
}

/* The server is set back to when it waited for an admin, who had decided about it; nobody had pulled it since. */
static uint8_t state_when_set_back(enum sat_accept_what what)
{
    struct sat_aside_row *rows;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    world_backup(&world, 1);
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 1);
    order_decide(&world, what, &rows[0]);
    world_restore(&world, 1, true);
    world_connect(&world, admin);
    while (world_hand_over(&world, admin, true) || world_hand_over(&world, admin, false))
        ;
    world_disconnect(&world, admin);
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 1);
    assert_int_equal(rows[0].state, SAT_ASIDE_OPEN);
    assert_true(world_confirm_restore(&world));
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 1);
    assert_true(world_settle(&world, 4));
    return rows[0].state;
}

/* Storms 86001, 86009 (decision 229): the decision came back with the links, and nobody can decide so twice. */
static void what_was_let_in_before_is_let_in_again(void **state)
{
    (void)state;
    assert_int_equal(state_when_set_back(SAT_ACCEPT_BUNDLE), SAT_ASIDE_ACCEPTED);
    assert_string_equal(scene_shows(&world, admin, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

static void what_was_rejected_before_stays_out(void **state)
{
    (void)state;
    assert_int_equal(state_when_set_back(SAT_ACCEPT_REJECT), SAT_ASIDE_REJECTED);
    assert_string_equal(scene_shows(&world, other, 3, CITY), "");
}

/* ---- What the server keeps for the admins is in no log, and goes with it ---- */

static void set_back(bool announced)
{
    world_restore(&world, 1, announced);
    (void)world_sync(&world, admin); /* brings the links back */
    if (announced) assert_true(world_confirm_restore(&world));
}

static uint32_t kept_for_admins(void)
{
    struct sat_aside_row *rows;
    return order_escrow(world.server_store, &arena, &rows);
}

/* It has heard that the first is with the admins, and is cut off before it lets go (storm 88046). */
static void who_was_cut_off_while_he_handed_in_hands_in_again(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    (void)world_sync(&world, rep);
    scene_write(&world, rep, 4, CITY, "Brig");
    world_restore(&world, 1, false); /* without what it had sent */
    order_grant(&world, rep, 0, 0);
    world_connect(&world, rep);
    while (!rep->heard[SAT_NOTICE_HANDED_IN]) assert_true(world_deliver(&world, rep, WORLD_NO_FAULT));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 0);
    world_crash_device(&world, rep);
    assert_in_range(kept_for_admins(), 1, 2);
    set_back(false);
    assert_int_equal(kept_for_admins(), 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    let_in(2);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Brig");
}

static void who_may_read_only_hands_in_again(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, SAT_RIGHT_READ);
    (void)world_sync(&world, rep);
    assert_int_equal(kept_for_admins(), 1);
    for (uint32_t announced = 0; announced < 2; announced++) {
        set_back(announced);
        assert_int_equal(kept_for_admins(), 0);
        (void)world_sync(&world, rep);
        assert_int_equal(kept_for_admins(), 1);
    }
    let_in(1);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

/* Nobody could decide about it: it goes to the log, and what is behind it, too (storms 88034, 88094). */
static void who_may_write_again_sends_what_the_server_has_lost(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, SAT_RIGHT_READ);
    (void)world_sync(&world, rep);
    assert_int_equal(kept_for_admins(), 1);
    order_grant(&world, rep, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    scene_write(&world, rep, 4, CITY, "Brig");
    (void)world_sync(&world, rep);
    assert_int_equal(scene_pending(rep), 2); /* as long as the admins have not decided */
    set_back(true);
    assert_true(world_settle(&world, 4));
    assert_int_equal(scene_pending(rep), 0);
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Brig");
}

static void what_is_with_the_admins_is_handed_in_once(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, SAT_RIGHT_READ);
    (void)world_sync(&world, rep);
    uint64_t sent = rep->up_traffic.bytes;
    (void)world_sync(&world, rep);
    assert_int_equal(kept_for_admins(), 1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
    uint64_t again = rep->up_traffic.bytes - sent;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->up_traffic.bytes - sent, 2 * again); /* an id, in each session */
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
}

static bool lose(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                 struct sat_arena *own)
{
    (void)filter;
    (void)device;
    (void)message;
    (void)own;
    return false;
}

/* Storm 88196: it is a copy, and has a number of its own since. What its home had sent under the former one waited to
 * be given back. */
static void what_waits_under_a_former_number_is_handed_in(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, copy, 3, CITY, "Thun");
    assert_true(world_sync(&world, copy));
    world_restore(&world, 1, false);
    scene_write(&world, copy, 4, CITY, "Brig");
    scene_write(&world, rep, 5, CITY, "Visp");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep); /* the second of the two numbers alone arrives */
    struct forge_filter filter = {.type = SAT_MESSAGE_RETURN, .change = lose};
    forge_filter_on(copy, &filter);
    (void)world_sync(&world, copy); /* shows that the server was set back */
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    copy->on_way = NULL;
    order_grant(&world, rep, 0, 0);
    for (uint32_t i = 0; i < 3 && !copy->heard[SAT_NOTICE_SPACE_LOST]; i++) (void)world_sync(&world, copy);
    assert_int_equal(copy->heard[SAT_NOTICE_REINDEXED], 1);
    assert_int_equal(copy->heard[SAT_NOTICE_SPACE_LOST], 1);
    let_in(2);
    (void)world_sync(&world, other);
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Brig");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        STORY(what_a_silent_server_lost_is_handed_in),
        STORY(what_an_honest_server_lost_is_handed_in),
        STORY(so_is_what_stands_before_what_had_not_been_sent),
        STORY(it_is_asked_until_it_is_answered),
        STORY(what_the_log_has_is_not_handed_in),
        STORY(what_was_let_in_before_is_let_in_again),
        STORY(what_was_rejected_before_stays_out),
        STORY(who_was_cut_off_while_he_handed_in_hands_in_again),
        STORY(who_may_read_only_hands_in_again),
        STORY(who_may_write_again_sends_what_the_server_has_lost),
        STORY(what_is_with_the_admins_is_handed_in_once),
        STORY(what_waits_under_a_former_number_is_handed_in),
    };
#undef STORY
    return cmocka_run_group_tests_name("lost with the log", tests, NULL, NULL);
}
