/* A device that nobody hears of for half a year, is waited for no more, and comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/orders.h"
#include "tests/story/raw.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(91, 1);
    return 0;
}

static void half_a_year_passes(void)
{
    world.now_ms += 181 * SAT_DAY_MS;
}

/* What the server has of the device's word in the territory; size 0: nothing. */
static struct sat_cursor kept(const struct world_device *device)
{
    struct sat_cursor_row row;
    bool found;
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    assert_int_equal(sat_store_cursor_get(world.server_store, sid, scene_number(device), &row, &found), SAT_OK);
    return row.cursor;
}

static uint64_t expelled_at(const struct world_device *device)
{
    uint64_t at_seq;
    (void)sat_directory_expelled(sat_host_directory(world.host), scene_number(device), &at_seq);
    return at_seq;
}

static enum sat_err append_expulsion(const struct world_device *author, bool admin_key, uint32_t device)
{
    struct raw_links links;
    struct raw raw;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_expel_encode(&(struct sat_body_expel){device}, &body);
    raw_links_begin(&links, &world);
    raw_links_add(&links, author, admin_key, SAT_LINK_EXPEL, &body);
    raw_enter(&raw, &world, author);
    enum sat_err err = raw_append(&raw, &links);
    raw_end(&raw);
    raw_links_end(&links);
    sat_buf_deinit(&body);
    return err;
}

static void the_server_takes_it_from_an_admin_and_not_from_a_rep(void **state)
{
    (void)state;
    half_a_year_passes();
    uint64_t seq = head();
    assert_int_equal(append_expulsion(rep, false, scene_number(other)), SAT_ERR_DENIED);
    assert_int_equal(append_expulsion(rep, false, scene_number(admin)), SAT_ERR_DENIED);
    assert_int_equal(append_expulsion(admin, true, scene_number(other)), SAT_ERR_MALFORMED);
    assert_int_equal(head(), seq);
    assert_int_equal(append_expulsion(admin, false, scene_number(other)), SAT_OK);
    assert_int_equal(expelled_at(other), seq + 1);
}

static void the_server_does_not_take_it_before_its_time(void **state)
{
    (void)state;
    world.now_ms += 179 * SAT_DAY_MS;
    assert_int_equal(append_expulsion(admin, false, scene_number(other)), SAT_ERR_INVALID);
    assert_int_equal(expelled_at(other), 0);
}

static void write_two_records(void)
{
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    settle();
    settle();
}

static void who_is_back_says_so_by_itself_and_how_far_it_is(void **state)
{
    (void)state;
    write_two_records();
    struct sat_cursor before = kept(other);
    half_a_year_passes();
    order_expel(&world, other);
    uint64_t seq = expelled_at(other);
    assert_true(seq == head() && before.dir_seq < seq);
    assert_true(world_sync(&world, other));
    assert_true(expelled_at(other) == 0 && head() == seq + 1);
    struct sat_cursor after = kept(other); /* though nothing has come since */
    assert_true(after.size == before.size && after.ack == before.ack && after.dir_seq > seq);
    settle();
    assert_int_equal(head(), seq + 1);
}

/* The answer is lost, and somebody else is first: it is said in the end, and once. */
static void that_it_is_back_is_said_once_whatever_happens_on_the_way(void **state)
{
    (void)state;
    write_two_records();
    half_a_year_passes();
    order_expel(&world, other);
    world_connect(&world, other);
    while (expelled_at(other) && world_deliver(&world, other, WORLD_NO_FAULT)) continue;
    world_crash_device(&world, other);
    uint64_t seq = head();
    assert_true(world_sync(&world, other));
    assert_int_equal(head(), seq);
    half_a_year_passes();
    order_expel(&world, other);
    world_connect(&world, other);
    while (other->handle.directory.seq < head() && world_hand_over(&world, other, true)) continue;
    order_rotate(&world, 0); /* behind which its link is stale */
    world_run(&world, other);
    assert_int_equal(expelled_at(other), 0);
    settle();
}

/* ---- Deletions ---- */

static uint64_t aside(struct world_device *device)
{
    uint64_t open;
    assert_int_equal(sat_store_aside_count(device->handle.store, &open), SAT_OK);
    return open;
}

static void assert_one_aside(struct world_device *device, enum sat_err reason)
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_asides(device->handle.store, 0, 10, SIZE_MAX, &arena, &rows, &n), SAT_OK);
    assert_true(n == 1 && rows[0].reason == reason && rows[0].count == 1);
    sat_arena_deinit(&arena);
}

static void assert_gone(uint32_t record)
{
    assert_string_equal(scene_base(&world, world.server_store, record), "");
    for (uint32_t i = 0; i < world.devices_n; i++) {
        assert_string_equal(scene_base(&world, world.devices[i].handle.store, record), "");
        assert_string_equal(scene_live(&world, &world.devices[i], record), "");
    }
}

/* It wrote, and was not heard of any more; a record that it changed was deleted. */
static void fall_silent(void)
{
    write_two_records();
    scene_write(&world, other, 2, NAME, "Ana");
    scene_write(&world, other, 1, NAME, "Eva");
    scene_write(&world, other, 3, NAME, "Mia");
    half_a_year_passes();
    scene_remove(&world, rep, 1);
    sync_without_other();
    assert_int_equal(world_collect(&world), 0); /* that it is silent forgets nothing yet */
    order_expel(&world, other);
    sync_without_other();
    assert_int_equal(world_collect(&world), 1);
    sync_without_other();
}

static void who_is_back_brings_its_work_but_not_what_was_forgotten(void **state)
{
    (void)state;
    fall_silent();
    settle();
    assert_gone(1);
    assert_string_equal(scene_shows(&world, rep, 2, NAME), "Ana");
    assert_string_equal(scene_shows(&world, rep, 3, NAME), "Mia");
    assert_one_aside(other, SAT_ERR_COLLECTED);
    assert_int_equal(aside(rep), 0);
    scene_write(&world, other, 1, NAME, "Eva"); /* knowing that it is gone */
    settle();
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "Eva");
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "");
}

static void what_it_had_frozen_is_judged_in_the_same_way(void **state)
{
    (void)state;
    write_two_records();
    scene_write(&world, other, 2, NAME, "Ana");
    scene_write(&world, other, 1, NAME, "Eva");
    scene_write(&world, other, 4, NAME, "Zoe");
    scene_lose_push(&world, other, 0);
    assert_false(world_sync(&world, other));
    assert_int_equal(scene_pending(other), 1); /* one bundle */
    other->on_way = NULL;
    scene_write(&world, other, 3, NAME, "Mia");
    half_a_year_passes();
    scene_remove(&world, rep, 1);
    order_expel(&world, other);
    sync_without_other();
    assert_int_equal(world_collect(&world), 1);
    settle();
    assert_gone(1);
    assert_string_equal(scene_shows(&world, rep, 2, NAME), "Ana");
    assert_string_equal(scene_shows(&world, rep, 3, NAME), "Mia");
    assert_string_equal(scene_shows(&world, rep, 4, NAME), "Zoe");
    assert_one_aside(other, SAT_ERR_COLLECTED);
}

static void once_back_it_is_waited_for(void **state)
{
    (void)state;
    fall_silent();
    settle();
    scene_remove(&world, rep, 2);
    sync_without_other();
    assert_int_equal(world_collect(&world), 0);
    assert_true(world_sync(&world, other));
    assert_int_equal(world_collect(&world), 1);
    settle();
    assert_gone(2);
}

/* From the moment on at which it has said that it is there: what it brings was written before. */
static void nothing_is_forgotten_while_it_brings_what_it_has(void **state)
{
    (void)state;
    fall_silent();
    scene_remove(&world, rep, 2);
    sync_without_other();
    world_connect(&world, other);
    while (expelled_at(other)) assert_true(world_deliver(&world, other, WORLD_NO_FAULT));
    assert_int_equal(world_collect(&world), 0);
    settle();
    assert_string_equal(scene_live(&world, rep, 2), scene_live(&world, other, 2));
    assert_string_not_equal(scene_live(&world, rep, 2), "");
    assert_one_aside(other, SAT_ERR_COLLECTED);
}

/* As if it had said so. */
static void forge_word(struct world_device *device)
{
    struct sat_cursor_row row;
    bool found;
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    assert_int_equal(sat_store_cursor_get(world.server_store, sid, scene_number(device), &row, &found), SAT_OK);
    row.sid = sid;
    row.cursor.ack = row.cursor.size = scene_log_size(&world);
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    assert_int_equal(sat_store_cursor_put(world.server_store, &row), SAT_OK);
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
}

static void a_server_that_passes_over_who_is_back_is_caught(void **state)
{
    (void)state;
    fall_silent();
    settle();
    scene_remove(&world, rep, 2);
    sync_without_other();
    forge_word(other);
    assert_int_equal(world_collect(&world), 1);
    assert_false(world_sync(&world, other));
    assert_int_equal(other->last_err, SAT_ERR_TAMPERED);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(the_server_takes_it_from_an_admin_and_not_from_a_rep),
        STORY(the_server_does_not_take_it_before_its_time),
        STORY(who_is_back_says_so_by_itself_and_how_far_it_is),
        STORY(that_it_is_back_is_said_once_whatever_happens_on_the_way),
        STORY(who_is_back_brings_its_work_but_not_what_was_forgotten),
        STORY(what_it_had_frozen_is_judged_in_the_same_way),
        STORY(once_back_it_is_waited_for),
        STORY(nothing_is_forgotten_while_it_brings_what_it_has),
        STORY(a_server_that_passes_over_who_is_back_is_caught),
    };
#undef STORY
    return cmocka_run_group_tests_name("silent", tests, NULL, NULL);
}
