/* Forgetting what everybody has seen deleted (docs/decisions/0090-collection.md). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(73, 2);
    return 0;
}

/* The record is nowhere any more: not at the server, nor in front of anybody. */
static void assert_gone(uint32_t record)
{
    assert_string_equal(scene_base(&world, world.server_store, record), "");
    for (uint32_t i = 0; i < world.devices_n; i++) {
        assert_string_equal(scene_base(&world, world.devices[i].handle.store, record), "");
        assert_string_equal(scene_live(&world, &world.devices[i], record), "");
    }
}

static void write_and_remove(void)
{
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    settle();
    scene_write(&world, other, 1, NAME, "Ana");
    settle();
    scene_remove(&world, rep, 1);
}

static void what_everybody_has_seen_deleted_is_forgotten_by_all(void **state)
{
    (void)state;
    write_and_remove();
    settle();
    settle(); /* everybody says so */
    assert_int_equal(world_collect(&world), 1);
    assert_int_equal(world_collect(&world), 0);
    settle();
    assert_gone(1);
    assert_string_equal(scene_shows(&world, other, 2, CITY), "Biel");
    struct world_device *late = world_join(&world, 3);
    assert_true(scene_agrees(&world, late));
    assert_gone(1);
    assert_string_equal(scene_shows(&world, late, 2, CITY), "Biel");
    settle();
}

static void nobody_is_passed_over(void **state)
{
    (void)state;
    write_and_remove();
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_int_equal(world_collect(&world), 0); /* the other has not seen it */
    assert_true(world_sync(&world, other));
    assert_int_equal(world_collect(&world), 1);
}

static void who_may_read_again_and_has_not_been_here_yet_counts(void **state)
{
    (void)state;
    write_and_remove();
    settle();
    order_grant(&world, other, 0, 0);
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    assert_int_equal(world_collect(&world), 0);
    settle();
    assert_int_equal(world_collect(&world), 1);
    settle();
    assert_gone(1);
}

static void who_lost_the_right_is_not_waited_for(void **state)
{
    (void)state;
    write_and_remove();
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_int_equal(world_collect(&world), 0);
    order_revoke(&world, other);
    assert_int_equal(world_collect(&world), 1);
}

static void an_edit_that_the_deletion_has_not_seen_keeps_the_record(void **state)
{
    (void)state;
    write_and_remove();
    scene_write(&world, other, 1, CITY, "Chur");
    settle();
    settle();
    assert_int_equal(world_collect(&world), 0);
    assert_string_equal(scene_live(&world, rep, 1), scene_live(&world, other, 1));
    scene_remove(&world, other, 1); /* it has now */
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    settle();
    assert_gone(1);
}

static void what_was_brought_back_is_kept(void **state)
{
    (void)state;
    write_and_remove();
    settle();
    scene_write(&world, other, 1, CITY, "Chur");
    settle();
    settle();
    assert_int_equal(world_collect(&world), 0);
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Ana");
}

static void who_brings_it_back_while_it_is_forgotten_loses_nothing(void **state)
{
    (void)state;
    write_and_remove();
    settle();
    settle();
    scene_write(&world, other, 1, CITY, "Chur"); /* seen deleted, and acknowledged; not sent yet */
    assert_int_equal(world_collect(&world), 1);
    settle();
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Ana");
    settle();
    scene_remove(&world, rep, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1); /* again */
    settle();
    assert_gone(1);
}

static void a_record_in_conflict_is_not_forgotten(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, other, 1, CITY, "Biel");
    settle();
    assert_int_equal(scene_conflicts(&world, rep, 1), 1);
    scene_remove(&world, rep, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 0);
    scene_write(&world, other, 1, NAME, "Ana"); /* it is back, and still in conflict */
    settle();
    assert_int_equal(scene_conflicts(&world, rep, 1), 1);
}

static void an_id_that_was_forgotten_is_used_again_by_whoever_wants(void **state)
{
    (void)state;
    write_and_remove();
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    settle();
    struct world_device *late = world_join(&world, 3);
    uint64_t counter = scene_write(&world, late, 1, NAME, "Eva");
    assert_string_not_equal(scene_seen(&world, late, 1, scene_dot(late, counter)), "");
    settle();
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Eva");
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "");
}

static void what_waits_here_holds_it_up(void **state)
{
    (void)state;
    write_and_remove();
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    scene_write(&world, other, 1, CITY, "Chur"); /* not seen the deletion */
    world_connect(&world, other);
    while (world_hand_over(&world, other, true) || world_hand_over(&world, other, false))
        if (scene_space(other->handle.store, space()).log.size == 4) break;
    world_disconnect(&world, other);
    assert_int_equal(world_collect(&world), 0);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 0);
    assert_string_equal(scene_live(&world, rep, 1), scene_live(&world, other, 1));
}

/* ---- What comes too late ---- */

/* The rep's home as it was before the deletion, which everybody, and he, had seen: it is forgotten, and the home comes
 * back. */
static void come_back_from_before(void)
{
    struct world_home backup;
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    settle();
    world_home_backup(&world, rep, &backup);
    scene_remove(&world, other, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_sync(&world, admin));
    world_home_restore(&world, rep, &backup);
    world_home_free(&backup);
}

static uint64_t aside(struct world_device *device)
{
    uint64_t open;
    assert_int_equal(sat_store_aside_count(device->handle.store, &open), SAT_OK);
    return open;
}

static void assert_refused_alone(struct world_device *device, uint32_t record)
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    struct sat_bundle bundle;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_asides(device->handle.store, 0, 10, SIZE_MAX, &arena, &rows, &n), SAT_OK);
    while (n && rows[0].state == SAT_ASIDE_KEPT) { /* what the copy had frozen under its former number */
        rows++;
        n--;
    }
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].reason, SAT_ERR_COLLECTED);
    assert_int_equal(rows[0].count, 1);
    assert_int_equal(sat_bundle_decode(rows[0].bytes, &device->handle.directory.org, &rows[0].space, &arena, &bundle),
                     SAT_OK);
    struct sat_record_id id = world_record(record);
    assert_true(sat_record_equal(&bundle.changes[0].record, &id));
    sat_arena_deinit(&arena);
}

static void work_on_what_was_forgotten_is_its_owners_and_the_rest_arrives(void **state)
{
    (void)state;
    come_back_from_before();
    scene_write(&world, rep, 2, NAME, "Ana");
    scene_write(&world, rep, 1, NAME, "Eva");
    scene_write(&world, rep, 3, NAME, "Mia");
    settle();
    assert_gone(1);
    assert_string_equal(scene_shows(&world, other, 2, NAME), "Ana");
    assert_string_equal(scene_shows(&world, other, 3, NAME), "Mia");
    assert_refused_alone(rep, 1);
    assert_int_equal(aside(other), 0);
    scene_write(&world, rep, 1, NAME, "Eva"); /* he has seen it now */
    settle();
    assert_string_equal(scene_shows(&world, other, 1, NAME), "Eva");
    assert_string_equal(scene_shows(&world, other, 1, CITY), "");
}

/* Storm 83005 (decision 136): it is written again, as the deletion has its number by now, and names that number. What
 * stands there is no original of it: it has not come with a record that moved, and knows of no collection. */
static void what_has_the_number_of_the_deletion_is_its_owners_as_well(void **state)
{
    struct world_home backup;
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    settle();
    world_home_backup(&world, rep, &backup);
    uint64_t deletion = scene_remove(&world, rep, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_sync(&world, admin));
    world_home_restore(&world, rep, &backup);
    world_home_free(&backup);
    assert_int_equal(scene_write(&world, rep, 1, NAME, "Eva"), deletion);
    settle();
    assert_gone(1);
    assert_refused_alone(rep, 1);
}

/* Frozen before, and never arrived. */
static void what_was_frozen_before_is_refused_as_well(void **state)
{
    struct world_home backup;
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    settle();
    scene_write(&world, rep, 1, NAME, "Eva");
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep));
    assert_int_equal(scene_pending(rep), 1);
    rep->on_way = NULL;
    world_home_backup(&world, rep, &backup);
    assert_true(world_sync(&world, rep));
    settle();
    scene_remove(&world, other, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    world_home_restore(&world, rep, &backup); /* what it has frozen is in the log: it is not lost, nor late */
    world_home_free(&backup);
    scene_write(&world, rep, 1, TAGS, "x");
    settle();
    assert_gone(1);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_everybody_has_seen_deleted_is_forgotten_by_all),
        STORY(nobody_is_passed_over),
        STORY(who_may_read_again_and_has_not_been_here_yet_counts),
        STORY(who_lost_the_right_is_not_waited_for),
        STORY(an_edit_that_the_deletion_has_not_seen_keeps_the_record),
        STORY(what_was_brought_back_is_kept),
        STORY(who_brings_it_back_while_it_is_forgotten_loses_nothing),
        STORY(a_record_in_conflict_is_not_forgotten),
        STORY(an_id_that_was_forgotten_is_used_again_by_whoever_wants),
        STORY(what_waits_here_holds_it_up),
        STORY(work_on_what_was_forgotten_is_its_owners_and_the_rest_arrives),
        STORY(what_has_the_number_of_the_deletion_is_its_owners_as_well),
        STORY(what_was_frozen_before_is_refused_as_well),
    };
    return cmocka_run_group_tests_name("collect", tests, NULL, NULL);
}
