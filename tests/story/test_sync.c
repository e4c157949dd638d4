#define _GNU_SOURCE /* open_memstream */

/* Stories of synchronising: devices, a server, a network on one clock; what everybody sees at the end is the assertion.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "tests/story/scene.h"

static struct world world;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 7, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void what_one_writes_the_other_sees(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    scene_write(&world, a, 1, CITY, "Strasbourg");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Strasbourg");
    assert_string_equal(scene_shows(&world, &world.devices[0], 1, CITY), "");
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(scene_shows(&world, &world.devices[0], 1, CITY), "Strasbourg");
}

static void what_comes_together_with_its_head_is_in_sync_anew(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    world_connect(&world, b);
    world_run(&world, b);
    assert_true(sat_replica_in_sync(b->replica));
    uint64_t told_before = b->in_sync;
    scene_write(&world, a, 1, CITY, "Strasbourg");
    assert_true(world_sync(&world, a));
    while (world_fetch(&world, b)) continue; /* the entries and the head, into one batch */
    assert_true(b->down.n >= 2);
    assert_true(world_hand_over_together(&world, b));
    assert_int_equal(b->in_sync, told_before + 1);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Strasbourg");
}

/* ---- What passes between them ---- */

static char *told;
static size_t told_len;

static void begin_transcript(struct world_device *device)
{
    world.transcript = open_memstream(&told, &told_len);
    assert_non_null(world.transcript);
    scene_listen(&world, device);
}

static void transcript_is(const char *expected)
{
    assert_int_equal(fclose(world.transcript), 0);
    world.transcript = NULL;
    assert_string_equal(told, expected);
    free(told);
}

static void a_push_travels_in_the_flight_of_the_answer_to_the_hello(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    begin_transcript(a);
    assert_true(world_sync(&world, a));
    transcript_is("2 < HELLO\n"
                  "2 > AUTH\n"
                  "2 > SUBSCRIBE\n"
                  "2 > PUSH\n"
                  "2 < HEAD\n"
                  "2 < HEAD\n"
                  "2 < ENTRIES\n"
                  "2 < HEAD\n"
                  "2 > CURSOR\n");
}

static void a_first_sync_learns_the_log_before_its_entries(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    struct world_device *b = world_invite(&world, 1);
    begin_transcript(b);
    assert_true(world_sync(&world, b));
    transcript_is("3 < HELLO\n"
                  "3 > AUTH_INVITE\n"
                  "3 < LINKS\n"
                  "3 > APPEND\n"
                  "3 < APPENDED\n"
                  "3 > BOXES_GET\n"
                  "3 < BOXES\n"
                  "3 < HELLO\n" /* now as a device */
                  "3 > AUTH\n"
                  "3 > SUBSCRIBE\n"
                  "3 < HEAD\n" /* of org, of people, and how long the territory's log is */
                  "3 < HEAD\n"
                  "3 < HEAD\n"
                  "3 < ENTRIES\n"
                  "3 < HEAD\n"
                  "3 > CURSOR\n");
}

/* ---- Batches ---- */

static void connect_all(struct world_device *const *devices, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        world_connect(&world, devices[i]);
        world_run(&world, devices[i]);
    }
}

static void what_several_push_at_once_is_one_commit(void **state)
{
    (void)state;
    struct world_device *all[] = {world_join(&world, 1), world_join(&world, 1), &world.devices[0]};
    connect_all(all, 3);
    uint64_t commits = sat_host_counts(world.host).commits;
    scene_write(&world, all[0], 1, CITY, "Bern");
    scene_write(&world, all[1], 1, CITY, "Biel");
    scene_write(&world, all[2], 1, NAME, "Alpha");
    assert_true(world_gather(&world, all, 3));
    assert_int_equal(sat_host_counts(world.host).commits, commits + 1);
    for (uint32_t i = 0; i < 3; i++) world_run(&world, all[i]);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(sat_replica_in_sync(all[i]->replica));
        assert_true(scene_agrees(&world, all[i]));
        assert_string_equal(scene_base(&world, all[i]->handle.store, 1), "1.1 2.1 3.1");
    }
}

/* Whole handshakes, joins and pushes of several in one batch. */
static void who_comes_at_once_is_served_at_once(void **state)
{
    (void)state;
    struct world_device *all[] = {world_join(&world, 1), world_join(&world, 1), world_invite(&world, 1)};
    scene_write(&world, all[0], 1, CITY, "Bern");
    scene_write(&world, all[1], 2, CITY, "Biel");
    for (uint32_t i = 0; i < 3; i++) world_connect(&world, all[i]);
    for (bool moved = true; moved;) {
        for (uint32_t i = 0; i < 3; i++)
            while (world_fetch(&world, all[i])) continue;
        moved = false;
        for (uint32_t i = 0; i < 3; i++) moved = world_hand_over_together(&world, all[i]) || moved;
        moved = world_gather(&world, all, 3) || moved;
    }
    for (uint32_t i = 0; i < 3; i++) world_disconnect(&world, all[i]);
    assert_true(world_settle(&world, 4));
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(scene_shows(&world, all[i], 1, CITY), "Bern");
        assert_string_equal(scene_shows(&world, all[i], 2, CITY), "Biel");
    }
}

static void a_fault_in_a_batch_is_its_peers_alone(void **state)
{
    (void)state;
    static const uint8_t rubbish[] = {0xc1, 2, 3};
    struct world_device *all[] = {world_join(&world, 1), world_join(&world, 1)};
    connect_all(all, 2);
    scene_write(&world, all[0], 1, CITY, "Bern");
    world_post(all[1], false, SAT_SPAN(rubbish));
    scene_write(&world, all[1], 1, CITY, "Biel"); /* behind the rubbish: not heard any more */
    assert_true(world_gather(&world, (struct world_device *const[]){all[1], all[0]}, 2));
    assert_int_equal(scene_log_size(&world), 1);
    world_run(&world, all[1]);
    assert_int_equal(all[1]->last_err, SAT_ERR_MALFORMED);
    assert_null(all[1]->replica);
    world_run(&world, all[0]);
    assert_true(sat_replica_in_sync(all[0]->replica));
    assert_true(world_sync(&world, all[1])); /* what was lost in the batch comes again */
    assert_string_equal(scene_base(&world, world.server_store, 1), "2.1 3.1");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(what_one_writes_the_other_sees),
        STORY(what_comes_together_with_its_head_is_in_sync_anew),
        STORY(a_push_travels_in_the_flight_of_the_answer_to_the_hello),
        STORY(a_first_sync_learns_the_log_before_its_entries),
        STORY(what_several_push_at_once_is_one_commit),
        STORY(who_comes_at_once_is_served_at_once),
        STORY(a_fault_in_a_batch_is_its_peers_alone),
    };
#undef STORY
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
