/* A home that was copied, or set back to an older state of itself: both go on, under numbers of their own, and nothing
 * that either wrote is lost or there twice. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(17, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static const struct sat_device *in_directory(uint32_t number)
{
    const struct sat_device *device = sat_directory_device(sat_host_directory(world.host), number);
    assert_non_null(device);
    return device;
}

static void is_copy_of(const struct world_device *copy, uint32_t parent)
{
    uint32_t number = scene_number(copy);
    assert_int_not_equal(number, parent);
    const struct sat_device *device = in_directory(number);
    assert_int_equal(device->parent, parent);
    assert_int_equal(device->user, in_directory(parent)->user);
    assert_int_equal(copy->heard[SAT_NOTICE_REINDEXED], 1);
}

/* ---- Copies ---- */

static void both_copies_go_on_and_nothing_is_lost_or_there_twice(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    uint32_t number = scene_number(rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, rep, 2, NAME, "Alpha");
    scene_write(&world, clone, 3, CITY, "Chur");
    scene_write(&world, clone, 3, NAME, "Beta");
    scene_write(&world, clone, 1, NAME, "Gamma");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, clone));
    assert_int_equal(scene_number(rep), number);
    is_copy_of(clone, number);
    assert_true(world_settle(&world, 4));
    all_show(1, CITY, "Bern");
    all_show(1, NAME, "Gamma");
    all_show(2, CITY, "Biel");
    all_show(3, NAME, "Beta");
    scene_write(&world, rep, 3, CITY, "Thun");
    scene_write(&world, clone, 2, CITY, "Visp");
    assert_true(world_settle(&world, 4));
    all_show(3, CITY, "Thun");
    all_show(2, CITY, "Visp");
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 0);
}

static void work_that_both_copies_hold_arrives_once(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Biel"); /* and is not sent yet */
    scene_write(&world, rep, 1, CITY, "Brig");
    struct world_device *clone = world_clone(&world, rep);
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 1, CITY, "Thun"); /* on what the other one has, too */
    assert_true(world_sync(&world, rep));
    scene_write(&world, clone, 2, NAME, "Alpha");
    assert_true(world_sync(&world, clone));
    is_copy_of(clone, scene_number(rep));
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    all_show(2, NAME, "Alpha");
    all_show(1, CITY, "Thun");
    assert_string_equal(scene_base(&world, world.server_store, 2), "2.2 4.8");
}

/* Frozen on both, and sent by one: the other has it by its hash, and does not write it again. */
static void a_frozen_bundle_that_the_other_copy_sent_is_ones_own(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep));
    assert_int_equal(scene_pending(rep), 1);
    rep->on_way = NULL;
    struct world_device *clone = world_clone(&world, rep);
    assert_true(world_sync(&world, rep));
    scene_write(&world, clone, 2, NAME, "Alpha");
    assert_true(world_sync(&world, clone));
    is_copy_of(clone, scene_number(rep));
    assert_true(world_settle(&world, 4));
    all_show(2, NAME, "Alpha");
    assert_string_equal(scene_base(&world, world.server_store, 2), "2.2 4.6");
}

/* Its dots are taken: the push goes along with the answer to the hello, and is refused; then the pull shows why. */
static void frozen_work_whose_dots_are_taken_is_written_again(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, clone, 3, CITY, "Chur");
    scene_write(&world, clone, 3, NAME, "Beta");
    scene_lose_push(&world, clone, 0);
    assert_false(world_sync(&world, clone));
    assert_int_equal(scene_pending(clone), 1);
    clone->on_way = NULL;
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, clone));
    is_copy_of(clone, scene_number(rep));
    assert_int_equal(clone->heard[SAT_NOTICE_REFUSED], 0);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    all_show(3, CITY, "Chur");
    all_show(3, NAME, "Beta");
}

/* In another space, where the log itself shows nothing of the other one's. */
static void dots_that_are_taken_in_another_territory_show_it_as_well(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    scene_write_in(&world, clone, &world.spaces[1], 3, CITY, "Chur");
    scene_lose_push(&world, clone, 0);
    (void)world_sync(&world, clone);
    clone->on_way = NULL;
    scene_write(&world, rep, 2, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, clone));
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED] + clone->heard[SAT_NOTICE_REINDEXED], 1);
    assert_int_equal(scene_drafts(clone) + scene_drafts(rep) + scene_pending(clone) + scene_pending(rep), 0);
}

/* ---- Older copies ---- */

static void an_older_copy_that_lacks_its_own_work_is_noticed(void **state)
{
    (void)state;
    struct world_home backup;
    world_home_backup(&world, rep, &backup);
    uint32_t number = scene_number(rep);
    for (uint32_t i = 0; i < 20; i++) scene_write(&world, rep, 2, CITY, i % 2 ? "Biel" : "Brig");
    assert_true(world_settle(&world, 4));
    world_home_restore(&world, rep, &backup);
    scene_write(&world, rep, 3, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    is_copy_of(rep, number);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    all_show(3, CITY, "Chur");
    world_home_free(&backup);
}

static void an_older_copy_that_wrote_nothing_is_noticed_by_its_cursor(void **state)
{
    (void)state;
    struct world_home backup;
    world_home_backup(&world, rep, &backup);
    uint32_t number = scene_number(rep);
    scene_write(&world, other, 2, CITY, "Biel");
    assert_true(world_settle(&world, 4));
    world_home_restore(&world, rep, &backup);
    assert_true(world_sync(&world, rep));
    is_copy_of(rep, number);
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "Biel");
    assert_true(world_settle(&world, 4));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    world_home_free(&backup);
}

static void a_backup_with_work_that_was_synced_since_writes_it_once(void **state)
{
    (void)state;
    struct world_home backup;
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, rep, 3, CITY, "Visp");
    world_home_backup(&world, rep, &backup);
    assert_true(world_settle(&world, 4));
    scene_write(&world, other, 2, CITY, "Thun");
    scene_write(&world, rep, 3, NAME, "Beta");
    assert_true(world_settle(&world, 4));
    world_home_restore(&world, rep, &backup);
    assert_true(world_sync(&world, rep));
    assert_true(world_settle(&world, 4));
    all_show(3, CITY, "Visp");
    all_show(3, NAME, "Beta");
    world_home_free(&backup);
}

/* ---- More of them ---- */

static void a_third_copy_is_another_one_and_the_fifth_waits_for_an_admin(void **state)
{
    (void)state;
    struct world_home backup;
    world_home_backup(&world, rep, &backup);
    uint32_t number = scene_number(rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    for (uint32_t i = 0; i < 3; i++) {
        world_home_restore(&world, other, &backup); /* the other's home is somebody else's now */
        other->heard[SAT_NOTICE_REINDEXED] = 0;
        scene_write(&world, other, 3, CITY, i == 0 ? "Chur" : i == 1 ? "Thun" : "Visp");
        assert_true(world_sync(&world, other));
        is_copy_of(other, number);
    }
    assert_int_equal(in_directory(number)->copies, 3);
    world_home_restore(&world, other, &backup);
    other->heard[SAT_NOTICE_REINDEXED] = 0;
    scene_write(&world, other, 4, CITY, "Sion");
    assert_false(world_sync(&world, other));
    assert_int_equal(other->last_err, SAT_ERR_DENIED);
    assert_string_equal(scene_shows(&world, other, 4, CITY), "Sion");
    assert_false(world_sync(&world, other));
    order_acknowledge(&world, number);
    assert_true(world_sync(&world, other));
    is_copy_of(other, number);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, rep, 4, CITY), "Sion");
    world_home_free(&backup);
}

/* Two copies hold the same unsent work; what the first one wrote again has gone under later edits when the second one
 * comes. */
static void what_two_copies_hold_unsent_is_written_again_by_the_first_alone(void **state)
{
    (void)state;
    struct world_device *strange = world_clone(&world, rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep); /* which freezes it */
    rep->on_way = NULL;
    assert_int_equal(scene_pending(rep), 1);
    scene_write(&world, rep, 4, CITY, "Brig");
    struct world_device *second = world_clone(&world, rep);
    scene_write(&world, strange, 3, CITY, "Visp"); /* takes the dots */
    assert_true(world_sync(&world, strange));
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 2, CITY, "Chur");
    scene_write(&world, rep, 4, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, second));
    assert_true(rep->heard[SAT_NOTICE_REINDEXED] && second->heard[SAT_NOTICE_REINDEXED]);
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Chur");
    all_show(3, CITY, "Visp");
    all_show(4, CITY, "Thun");
}

/* ---- Crashes ---- */

/* After any number of messages: the next sync goes on from there. */
static void a_crash_at_any_step_is_gone_on_from(void **state)
{
    bool done = false;
    for (uint32_t steps = 1; !done; steps++) {
        (void)end(state);
        (void)begin(state);
        scene_write(&world, rep, 2, CITY, "Biel");
        struct world_device *clone = world_clone(&world, rep);
        scene_write(&world, rep, 2, NAME, "Alpha");
        assert_true(world_sync(&world, rep));
        scene_write(&world, clone, 3, CITY, "Chur");
        world_connect(&world, clone);
        for (uint32_t i = 0; i < steps && !done; i++) done = !world_deliver(&world, clone, WORLD_NO_FAULT);
        world_crash_device(&world, clone);
        assert_true(world_sync(&world, clone));
        assert_int_equal(sat_host_directory(world.host)->devices_n, 4);
        assert_int_equal(scene_number(clone), 4);
        assert_int_equal(scene_drafts(clone) + scene_pending(clone), 0);
        assert_true(world_settle(&world, 4));
        all_show(2, CITY, "Biel");
        all_show(2, NAME, "Alpha");
        all_show(3, CITY, "Chur");
    }
}

/* ---- Rights ---- */

static void who_revokes_one_puts_the_others_out(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    uint32_t number = scene_number(rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, clone, 3, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, clone));
    is_copy_of(clone, number);
    scene_write(&world, rep, 2, CITY, "Brig");
    scene_write(&world, clone, 3, CITY, "Thun");
    order_revoke(&world, clone);
    assert_true(in_directory(number)->revoked_seq && in_directory(scene_number(clone))->revoked_seq);
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_REVOKED);
    assert_false(world_sync(&world, clone));
    assert_int_equal(clone->last_err, SAT_ERR_REVOKED);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN] + clone->heard[SAT_NOTICE_HANDED_IN], 2);
}

static void a_copy_of_what_is_revoked_takes_no_new_number(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, rep);
    scene_write(&world, rep, 2, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    scene_write(&world, clone, 3, CITY, "Chur");
    uint32_t devices = sat_host_directory(world.host)->devices_n;
    order_revoke(&world, rep);
    assert_false(world_sync(&world, clone));
    assert_int_equal(clone->last_err, SAT_ERR_REVOKED);
    assert_int_equal(sat_host_directory(world.host)->devices_n, devices);
    assert_int_equal(clone->heard[SAT_NOTICE_HANDED_IN], 1);
}

static void an_admins_copy_still_signs_as_an_admins(void **state)
{
    (void)state;
    struct world_device *clone = world_clone(&world, admin);
    scene_write(&world, admin, 2, CITY, "Biel");
    scene_write(&world, clone, 3, CITY, "Chur");
    assert_true(world_sync(&world, clone));
    assert_true(world_sync(&world, admin)); /* who comes second is the copy */
    is_copy_of(admin, scene_number(clone));
    order_grant(&world, rep, 0, SAT_RIGHT_READ); /* by devices[0] */
    assert_true(world_settle(&world, 4));
    all_show(2, CITY, "Biel");
    all_show(3, CITY, "Chur");
}

static bool damage_head(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                        struct sat_arena *arena)
{
    (void)filter;
    uint8_t *bytes = sat_arena_copy(arena, message->as.HEAD.head.at, message->as.HEAD.head.len);
    if (message->as.HEAD.sub != forge_sub(device, space())) return true;
    bytes[message->as.HEAD.head.len - 1] ^= 1;
    message->as.HEAD.head.at = bytes;
    return true;
}

/* Storm 990053 (WITHOUT="server"): what it pulls of the other home's, and lets go of as no head proves it, is not its
 * own for that: it would wait for ever, under a number that is not this home's any more. */
static void what_the_other_wrote_and_no_head_proved_does_not_wait_here(void **state)
{
    (void)state;
    struct world_home kept;
    world_home_backup(&world, rep, &kept);
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    world_home_restore(&world, rep, &kept);
    world_home_free(&kept);
    struct forge_filter filter = {.type = SAT_MESSAGE_HEAD, .change = damage_head};
    forge_filter_on(rep, &filter);
    assert_false(world_sync(&world, rep));
    rep->on_way = NULL;
    assert_int_equal(rep->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(scene_pending(rep), 0);
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(both_copies_go_on_and_nothing_is_lost_or_there_twice),
        STORY(work_that_both_copies_hold_arrives_once),
        STORY(a_frozen_bundle_that_the_other_copy_sent_is_ones_own),
        STORY(frozen_work_whose_dots_are_taken_is_written_again),
        STORY(dots_that_are_taken_in_another_territory_show_it_as_well),
        STORY(an_older_copy_that_lacks_its_own_work_is_noticed),
        STORY(an_older_copy_that_wrote_nothing_is_noticed_by_its_cursor),
        STORY(a_backup_with_work_that_was_synced_since_writes_it_once),
        STORY(a_third_copy_is_another_one_and_the_fifth_waits_for_an_admin),
        STORY(what_two_copies_hold_unsent_is_written_again_by_the_first_alone),
        STORY(a_crash_at_any_step_is_gone_on_from),
        STORY(who_revokes_one_puts_the_others_out),
        STORY(a_copy_of_what_is_revoked_takes_no_new_number),
        STORY(an_admins_copy_still_signs_as_an_admins),
        STORY(what_the_other_wrote_and_no_head_proved_does_not_wait_here),
    };
#undef STORY
    return cmocka_run_group_tests_name("copied_home", tests, NULL, NULL);
}
