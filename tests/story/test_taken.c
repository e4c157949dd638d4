/* Work that a server had accepted and lost, and whose numbers it gave to other work before it came back: its device was
 * copied, or set back, in between. It is there at the end, once, beside what has its numbers, and what stands on it
 * still does (docs/decisions/0105 to 0107). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *rep, *other, *third;
static struct world_home before;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 29, 2);
    if (getenv("SAY")) world.transcript = stderr;
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    third = world_join(&world, 3);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    before = (struct world_home){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void confirm(void)
{
    uint64_t waits;
    assert_int_equal(sat_store_meta_get_u64(world.server_store, "recovering", 0, &waits), SAT_OK);
    if (waits) assert_true(world_confirm_restore(&world));
}

/* Everybody comes until nothing more happens; what was set back is confirmed when all know it. */
static void all_come(void)
{
    for (uint32_t i = 0; i < world.devices_n; i++) (void)world_sync(&world, &world.devices[i]);
    confirm();
    assert_true(world_settle(&world, 8));
    for (uint32_t i = 0; i < world.devices_n; i++) {
        uint64_t left, aside;
        struct world_device *device = &world.devices[i];
        assert_true(scene_agrees(&world, device));
        assert_int_equal(scene_pending(device), 0);
        assert_int_equal(sat_store_return_count(device->handle.store, 0, true, &left), 0);
        assert_int_equal(left, 0);
        assert_int_equal(sat_store_aside_count(device->handle.store, &aside), 0);
        assert_int_equal(aside, 0);
    }
}

/* … by one change. */
static void all_show(uint32_t record, const char *value)
{
    struct sat_record_id id = world_record(record);
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct sat_arena arena;
        struct sat_record_view view;
        assert_string_equal(scene_shows(&world, &world.devices[i], record, CITY), value);
        sat_arena_init(&arena);
        world_load(&world.devices[i], &world.spaces[0], &id, &arena, &view);
        assert_int_equal(view.live_n, 1);
        sat_arena_deinit(&arena);
    }
}

static void it_is_written_again_by_its_author(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    world_restore(&world, 1, true);
    scene_write(&world, copy, 3, CITY, "Zug"); /* the same number */
    assert_true(world_sync(&world, copy));
    all_come();
    all_show(2, "Chur");
    all_show(3, "Zug");
}

/* The server to that copy, and the author's home to `before`. */
static void all_goes_back(uint32_t copy)
{
    world_restore(&world, copy, true);
    world_home_restore(&world, rep, &before);
    world_home_free(&before);
}

/* The author's home is set back to before it. `other` wrote over it, and both were lost; the third has seen both. */
static void take_the_number(void)
{
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    scene_write(&world, other, 2, CITY, "Olten");
    assert_true(world_sync(&world, other));
    assert_true(world_sync(&world, third));
    all_goes_back(1);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
}

static void it_is_written_again_by_whoever_holds_it_with_what_stands_on_it(void **state)
{
    (void)state;
    take_the_number();
    all_come();
    all_show(2, "Olten");
    all_show(3, "Zug");
}

/* Work that has seen it covers by its number what has that number now, if nobody looks. */
static void what_has_the_number_is_not_taken_for_it(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    scene_write(&world, other, 2, CITY, "Olten");
    assert_true(world_sync(&world, other));
    all_goes_back(1);
    scene_write(&world, rep, 2, CITY, "Zug"); /* of the same record */
    assert_true(world_sync(&world, rep));
    all_come();
    assert_int_equal(scene_conflicts(&world, third, 2), 1);
    const char *shown = scene_shows(&world, third, 2, CITY);
    assert_true(strcmp(shown, "Zug|Olten") == 0 || strcmp(shown, "Olten|Zug") == 0);
}

static void so_is_what_waited_to_be_sent_on_top_of_it(void **state)
{
    (void)state;
    take_the_number();
    scene_write(&world, third, 2, CITY, "Genf"); /* a draft */
    all_come();
    all_show(2, "Genf");
    all_show(3, "Zug");
}

/* The number went to work in a territory where nothing is missing. */
static void the_number_may_be_taken_in_another_territory(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    all_goes_back(1);
    scene_write_in(&world, rep, &world.spaces[1], 50, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    assert_int_equal(other->last_err, SAT_OK);
    all_come();
    all_show(2, "Chur");
}

static uint64_t lost_sub;

static bool lose_pushes(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context;
    (void)device;
    if (down) return true;
    sat_arena_init(&arena);
    assert_int_equal(sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message), SAT_OK);
    bool lost = message.type == SAT_MESSAGE_PUSH && message.as.PUSH.sub == lost_sub;
    sat_arena_deinit(&arena);
    return !lost;
}

static void lose_pushes_of(struct world_device *device, uint32_t territory)
{
    const struct sat_directory *directory = sat_host_directory(world.host);
    for (lost_sub = 1; !sat_space_equal(&directory->spaces[lost_sub - 1].id, &world.spaces[territory]);) lost_sub++;
    device->on_way = lose_pushes;
}

/* The other home's work has another number, but follows the same bundle: this one has no place in the chain any more.
 */
static void what_follows_the_same_bundle_under_another_number_takes_its_place_too(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, copy, 2, CITY, "Chur");
    assert_true(world_sync(&world, copy));
    world_restore(&world, 1, true);
    lose_pushes_of(rep, 1);
    scene_write_in(&world, rep, &world.spaces[1], 50, CITY, "Here");
    scene_write(&world, rep, 3, CITY, "Zug");
    (void)world_sync(&world, rep);
    assert_int_equal(scene_log_size(&world), 2);
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_sync(&world, copy));
    assert_true(world_sync(&world, third));
    assert_string_equal(scene_shows(&world, third, 2, CITY), "Chur"); /* before the number comes */
    rep->on_way = NULL;
    all_come();
    all_show(2, "Chur");
    all_show(3, "Zug");
}

/* It learns that the server was set back, and no more. */
static void go_back(struct world_device *device)
{
    struct sat_log_epoch was = scene_space(device->handle.store, &world.spaces[0]).log_epoch, is = was;
    world_connect(&world, device);
    while (sat_log_epoch_equal(&was, &is)) {
        assert_true(world_deliver(&world, device, WORLD_NO_FAULT));
        is = scene_space(device->handle.store, &world.spaces[0]).log_epoch;
    }
    world_disconnect(&world, device);
}

/* It was written again by somebody else, and replaced with that, before one comes who holds it, too. His place is in
 * the log's present life, so that the server does not know that he comes from before it. */
static void who_holds_it_asks_for_the_bytes_of_what_was_replaced(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    assert_true(world_sync(&world, third));
    struct world_device *copy = world_clone(&world, third);
    all_goes_back(1);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    go_back(copy);
    scene_write(&world, other, 2, CITY, "Olten");
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_sync(&world, other));
    assert_true(world_sync(&world, third)); /* its cursor is that of the copy, too */
    all_come();
    all_show(2, "Olten");
    all_show(3, "Zug");
}

/* An older state of its author's home has it unsent, and has only just learned that it is one. */
static void so_does_an_older_state_of_its_authors_home(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    struct world_device *copy = world_clone(&world, rep);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    all_goes_back(1);
    go_back(copy);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    (void)world_sync(&world, other);
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_sync(&world, other)); /* has written it again */
    scene_write(&world, other, 2, CITY, "Olten");
    assert_true(world_sync(&world, other));
    (void)world_sync(&world, copy);
    all_come();
    all_show(2, "Olten");
    all_show(3, "Zug");
}

/* Where the bytes are forgotten, too, nobody can tell: it stands beside what replaced it, however its clock goes. */
static void what_is_forgotten_by_then_wins_nothing(void **state)
{
    (void)state;
    static const char *const later[] = {"Olten", "Thun", "Sion"};
    order_keep_history(&world, 0, 1);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 2);
    world_home_backup(&world, rep, &before);
    rep->clock_ms = (int64_t)400 * 24 * 60 * 60 * 1000;
    scene_write(&world, rep, 2, CITY, "Chur");
    rep->clock_ms = 0;
    struct world_device *copy = world_clone(&world, rep);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    all_goes_back(2);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    (void)world_sync(&world, other);
    (void)world_sync(&world, world.devices);
    confirm();
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(world_sync(&world, other));
        scene_write(&world, other, 2, CITY, later[i]);
    }
    assert_true(world_sync(&world, other));
    scene_maintain(&world);
    (void)world_sync(&world, copy);
    all_come();
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_string_equal(scene_shows(&world, &world.devices[i], 2, CITY), "Sion|Chur");
}

/* Somebody who came late has hashes of what was replaced, and writes what replaced it: that says nothing of them. */
static void what_was_replaced_by_what_the_log_has_a_copy_of_is_not_written_again(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    scene_write(&world, rep, 2, CITY, "Olten");
    scene_write(&world, rep, 2, CITY, "Genf");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    struct world_device *copy = world_clone(&world, rep);
    all_goes_back(1);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    (void)world_sync(&world, world.devices);
    confirm();
    (void)world_sync(&world, copy);
    all_come();
    all_show(2, "Genf");
    all_show(3, "Zug");
}

/* … nor where the one that holds them cannot read something else of the record, and so keeps all. */
static void nor_is_what_was_replaced_beside_what_cannot_be_read(void **state)
{
    (void)state;
    uint64_t unread = scene_write(&world, other, 2, NAME, "Alpha");
    assert_true(world_settle(&world, 4));
    world_backup(&world, 2);
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    scene_write(&world, rep, 2, CITY, "Olten");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    struct world_device *copy = world_clone(&world, rep);
    scene_spoil(copy, scene_dot(other, unread));
    all_goes_back(2);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    (void)world_sync(&world, world.devices);
    confirm();
    (void)world_sync(&world, copy);
    all_come();
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_string_equal(scene_shows(&world, &world.devices[i], 2, CITY), "Olten");
    all_show(3, "Zug");
}

/* … nor where both of them go, for the sake of a third: they are asked about together. */
static void nor_is_what_was_replaced_by_what_goes_with_it(void **state)
{
    (void)state;
    order_grant(&world, other, 1, 0); /* does not see what has the numbers now */
    assert_true(world_settle(&world, 4));
    world_backup(&world, 2);
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 4, CITY, "Visp");
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    scene_write(&world, rep, 2, CITY, "Olten");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    assert_true(world_sync(&world, third)); /* has hashes of what was replaced */
    all_goes_back(2);
    scene_write_in(&world, rep, &world.spaces[1], 50, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    (void)world_sync(&world, third);
    (void)world_sync(&world, world.devices);
    confirm();
    (void)world_sync(&world, third);
    (void)world_sync(&world, other);
    all_come();
    all_show(2, "Olten");
    all_show(4, "Visp");
}

/* Of one that is back there are hashes alone, by which it is told; the other one was under that number in between. */
static void two_that_were_lost_under_one_number_are_told_apart(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    scene_write(&world, rep, 2, CITY, "Olten");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other)); /* has hashes of what was replaced */
    all_goes_back(1);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    world_connect(&world, third); /* writes the first one again, and does not get to send it */
    while (!scene_drafts(third)) assert_true(world_deliver(&world, third, WORLD_NO_FAULT));
    world_disconnect(&world, third);
    world_restore(&world, 1, true);
    (void)world_sync(&world, other);
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_sync(&world, third));
    all_come();
    all_show(2, "Olten");
    all_show(3, "Zug");
}

/* Own work had seen some of it, and later own work the rest: the former does not stand for what the latter had seen. */
static void each_of_ones_own_says_itself_what_it_had_seen(void **state)
{
    (void)state;
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    scene_write(&world, third, 2, CITY, "Visp");
    scene_write(&world, rep, 2, CITY, "Olten");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    lose_pushes_of(third, 0);
    (void)world_sync(&world, third);
    third->on_way = NULL;
    scene_write(&world, third, 2, CITY, "Genf");
    all_goes_back(1);
    scene_write(&world, rep, 3, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other)); /* has written it again */
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_sync(&world, third));
    all_come();
    all_show(2, "Genf");
    all_show(3, "Zug");
}

/* Its author's copy knew of nothing, and has brought it under a number of its own, before it is given back. */
static void what_the_log_has_a_copy_of_is_not_given_back_beside_it(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Chur");
    struct world_device *copy = world_clone(&world, rep);
    scene_write_in(&world, copy, &world.spaces[1], 50, CITY, "Here");
    assert_true(world_sync(&world, copy));
    assert_true(world_sync(&world, other));
    world_connect(&world, rep); /* learns that it is one of two, and no more */
    for (uint32_t i = 0; i < 12 && world_deliver(&world, rep, WORLD_NO_FAULT); i++) continue;
    world_disconnect(&world, rep);
    world_restore(&world, 1, true);
    (void)world_sync(&world, world.devices);
    confirm();
    (void)world_sync(&world, rep);
    all_come();
    all_show(2, "Chur");
}

/* A copy that learns of itself while its own work waits to be given back has seen that work. */
static void what_waits_to_be_given_back_was_seen_by_its_own_copy(void **state)
{
    (void)state;
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    struct world_device *copy = world_clone(&world, rep);
    world_restore(&world, 1, true);
    scene_write(&world, copy, 2, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    all_come();
    all_show(2, "Zug");
}

/* Who may only read writes nothing again: it is kept, and listed. */
static void who_may_not_write_keeps_it_aside(void **state)
{
    (void)state;
    order_grant(&world, third, 0, SAT_RIGHT_READ);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 2);
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, third));
    all_goes_back(2);
    scene_write(&world, rep, 3, CITY, "Zug"); /* the same number */
    assert_true(world_sync(&world, rep));
    (void)world_sync(&world, third);
    (void)world_sync(&world, world.devices);
    confirm();
    assert_true(world_settle(&world, 6));
    uint64_t aside, left;
    assert_int_equal(sat_store_aside_count(third->handle.store, &aside), SAT_OK);
    assert_int_equal(aside, 1);
    assert_int_equal(sat_store_return_count(third->handle.store, 0, true, &left), SAT_OK);
    assert_int_equal(left, 0);
    assert_true(scene_agrees(&world, third));
    assert_string_equal(scene_shows(&world, third, 3, CITY), "Zug");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(it_is_written_again_by_its_author),
        STORY(it_is_written_again_by_whoever_holds_it_with_what_stands_on_it),
        STORY(what_has_the_number_is_not_taken_for_it),
        STORY(so_is_what_waited_to_be_sent_on_top_of_it),
        STORY(the_number_may_be_taken_in_another_territory),
        STORY(what_follows_the_same_bundle_under_another_number_takes_its_place_too),
        STORY(who_holds_it_asks_for_the_bytes_of_what_was_replaced),
        STORY(so_does_an_older_state_of_its_authors_home),
        STORY(what_is_forgotten_by_then_wins_nothing),
        STORY(what_was_replaced_by_what_the_log_has_a_copy_of_is_not_written_again),
        STORY(nor_is_what_was_replaced_beside_what_cannot_be_read),
        STORY(nor_is_what_was_replaced_by_what_goes_with_it),
        STORY(two_that_were_lost_under_one_number_are_told_apart),
        STORY(each_of_ones_own_says_itself_what_it_had_seen),
        STORY(what_the_log_has_a_copy_of_is_not_given_back_beside_it),
        STORY(what_waits_to_be_given_back_was_seen_by_its_own_copy),
        STORY(who_may_not_write_keeps_it_aside),
    };
    return cmocka_run_group_tests_name("taken", tests, NULL, NULL);
}
