/* Moves beside what is forgotten meanwhile: late work that comes to a record which everybody has forgotten, and copies
 * of which nobody knows any more what stood in front of their authors (decisions 108 and 109). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/carry.h"
#include "client/conflicts.h"
#include "tests/story/scene.h"

enum { EAST, WEST };

static struct world world;
static struct world_device *admin, *rep, *other;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 108, 2);
    admin = &world.devices[0];
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < world.devices_n; i++) client_conflicts_free(&world.devices[i].handle.conflicts);
    world_deinit(&world);
    return 0;
}

static void settle(void)
{
    assert_true(world_settle(&world, 12));
    for (uint32_t i = 0; i < world.devices_n; i++) assert_true(scene_agrees(&world, &world.devices[i]));
}

static void move(struct world_device *device, uint32_t record, uint32_t from, uint32_t to)
{
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_move one = {.record = world_record(record),
                           .from = world_sid(device, &world.spaces[from]),
                           .to = world_sid(device, &world.spaces[to]),
                           .home = true};
    uint32_t written;
    assert_int_equal(sat_store_begin(device->handle.store), SAT_OK);
    assert_int_equal(sat_author_move(&vault, &one, 1, world.now_ms, &written), SAT_OK);
    assert_int_equal(one.err, SAT_OK);
    assert_int_equal(sat_store_commit(device->handle.store), SAT_OK);
}

static uint32_t carry(struct world_device *device)
{
    uint32_t written;
    assert_int_equal(client_carry(&device->handle, world.now_ms, &written), SAT_OK);
    return written;
}

static void remove_from(struct world_device *device, uint32_t space, uint32_t record)
{
    uint64_t first, last;
    struct sat_edit edit = {.record = world_record(record),
                            .sid = world_sid(device, &world.spaces[space]),
                            .type = ACCOUNT,
                            .remove = true};
    world_edit(&world, device, &edit, 1, &first, &last);
}

/* How many values of the field the device shows there, and whether that is one of them. The record is not there: 0. */
static uint32_t values(struct world_device *device, uint32_t space, uint32_t record, uint16_t field, const char *text,
                       bool *shown)
{
    struct sat_record_id id = world_record(record);
    struct sat_record_view view;
    struct sat_arena arena;
    sat_arena_init(&arena);
    world_load(device, &world.spaces[space], &id, &arena, &view);
    bool here = view.live_n && !view.merged.moved && !view.merged.deleted;
    const struct sat_merged *cell = here ? sat_merged_cell(&view.merged, field, (struct sat_span){0}) : NULL;
    uint32_t n = cell ? cell->alternatives_n : 0;
    *shown = false;
    for (uint32_t i = 0; i < n; i++)
        *shown = *shown || sat_span_equal(cell->alternatives[i].value.text, sat_span_text(text));
    sat_arena_deinit(&arena);
    return n;
}

static void assert_alone(uint32_t space, uint32_t record, uint16_t field, const char *text)
{
    for (uint32_t i = 0; i < world.devices_n; i++) {
        bool shown;
        assert_int_equal(values(&world.devices[i], space, record, field, text, &shown), 1);
        assert_true(shown);
        assert_int_equal(values(&world.devices[i], !space, record, field, text, &shown), 0);
    }
}

/* Where a live change that says so is, on the device: the counter of its dot; 0: none is live. */
static uint64_t counter_of(struct world_device *device, uint32_t space, uint32_t record, bool moves)
{
    struct sat_record_id id = world_record(record);
    struct sat_record_view view;
    struct sat_arena arena;
    uint64_t counter = 0;
    sat_arena_init(&arena);
    world_load(device, &world.spaces[space], &id, &arena, &view);
    for (uint32_t i = 0; i < view.live_n; i++)
        if (sat_source_moves(&view.live[i]) == moves) counter = view.live[i].dot.counter;
    sat_arena_deinit(&arena);
    return counter;
}

static void assert_nothing_is_refused(void)
{
    for (uint32_t i = 0; i < world.devices_n; i++) {
        uint64_t aside;
        assert_int_equal(sat_store_aside_count(world.devices[i].handle.store, &aside), SAT_OK);
        assert_int_equal(aside, 0);
        assert_int_equal(scene_pending(&world.devices[i]), 0);
        assert_int_equal(scene_drafts(&world.devices[i]), 0);
    }
}

/* Records 1 and 2 have gone to the west, where everybody has seen the first one deleted; and the east has got an edit
 * of each since. */
static void come_late(void)
{
    (void)scene_write(&world, rep, 2, CITY, "Thun");
    (void)scene_write(&world, rep, 1, CITY, "Bern");
    (void)scene_write(&world, rep, 3, CITY, "Biel");
    settle();
    (void)scene_write(&world, other, 1, NAME, "late");
    (void)scene_write(&world, other, 2, NAME, "late");
    move(rep, 1, EAST, WEST);
    move(rep, 2, EAST, WEST);
    assert_true(world_sync(&world, rep));
    remove_from(rep, WEST, 1);
    settle();
    settle();
    world_connect(&world, rep);
    world_run(&world, rep);
}

/* The server collects the record while the device's work is on its way, and refuses that before the collection has
 * come. */
static void push_and_collect(void)
{
    uint64_t first, last;
    world_edit(&world, rep, NULL, 0, &first, &last);
    assert_int_equal(world_collect(&world), 1);
    while (!scene_pending(rep) && world_hand_over(&world, rep, false)) continue;
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 0);
    while (!rep->heard[SAT_NOTICE_REFUSED])
        if (!world_hand_over(&world, rep, false)) assert_true(world_hand_over(&world, rep, true));
    assert_true(scene_pending(rep) > 0); /* not yet */
}

/* … and stays where it came to no more than what had gone before. */
static void assert_late_came(void)
{
    assert_alone(WEST, 1, NAME, "late");
    for (uint32_t i = 0; i < world.devices_n; i++) assert_int_equal(counter_of(&world.devices[i], EAST, 1, false), 0);
}

/* What comes late goes after the record, and brings it back where everybody has forgotten it: who carries it knows.
 * What waited with it in a bundle arrives as well. */
static void a_copy_that_comes_too_late_is_made_again_and_takes_nothing_along(void **state)
{
    (void)state;
    come_late();
    assert_true(carry(rep) > 0);
    push_and_collect();
    settle();
    assert_nothing_is_refused();
    assert_late_came();
    assert_alone(WEST, 2, CITY, "Thun");
    assert_alone(WEST, 2, NAME, "late");
}

/* What covers a moved record comes behind the copies, also where these are written again behind a refusal. */
static void a_move_behind_a_refusal_is_made_whole(void **state)
{
    (void)state;
    come_late();
    assert_true(carry(rep) > 0);
    move(rep, 3, EAST, WEST);
    push_and_collect();
    settle();
    assert_nothing_is_refused();
    assert_alone(WEST, 3, CITY, "Biel");
    assert_true(counter_of(admin, EAST, 3, true) > counter_of(admin, WEST, 3, false));
    assert_late_came();
}

/* A value that had gone with a move when its record was written again was not in front of whoever did; who joined since
 * sees of all that stubs alone, and moves both. */
static void a_mover_who_does_not_know_the_past_lets_both_values_stand(void **state)
{
    (void)state;
    bool late, new;
    (void)scene_write(&world, rep, 1, CITY, "Bern");
    settle();
    (void)scene_write(&world, other, 1, CITY, "late");
    move(rep, 1, EAST, WEST);
    settle();
    move(rep, 1, WEST, EAST); /* … while another carries the late one to where it was */
    assert_true(carry(admin) > 0);
    settle();
    assert_int_equal(values(other, EAST, 1, CITY, "late", &late), 1);
    assert_false(late);
    (void)scene_write(&world, other, 1, CITY, "new");
    move(rep, 1, EAST, WEST); /* … and home at once: what took the late one away is superseded */
    move(rep, 1, WEST, EAST);
    settle();
    (void)values(other, EAST, 1, CITY, "late", &late);
    (void)values(other, EAST, 1, CITY, "new", &new);
    assert_true(late && new);
    struct world_device *joined = world_join(&world, 3);
    settle();
    move(joined, 1, EAST, WEST);
    settle();
    for (uint32_t i = 0; i < world.devices_n; i++) {
        (void)values(&world.devices[i], WEST, 1, CITY, "late", &late);
        (void)values(&world.devices[i], WEST, 1, CITY, "new", &new);
        assert_true(late && new);
    }
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_copy_that_comes_too_late_is_made_again_and_takes_nothing_along),
        STORY(a_move_behind_a_refusal_is_made_whole),
        STORY(a_mover_who_does_not_know_the_past_lets_both_values_stand),
    };
    return cmocka_run_group_tests_name("moved_forgotten", tests, NULL, NULL);
}
