/* A device that nobody hears of for half a year, is waited for no more, and comes back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/orders.h"
#include "tests/story/raw.h"
#include "tests/story/scene.h"

#define DAY_MS (UINT64_C(24) * 3600 * 1000)

static struct world world;
static struct world_device *admin, *rep, *other; /* the reps are devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 91, 1);
    admin = &world.devices[0];
    rep = world_join(&world, 1);
    other = world_join(&world, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static uint64_t head(void)
{
    return sat_host_directory(world.host)->seq;
}

static void half_a_year_passes(void)
{
    world.now_ms += 181 * DAY_MS;
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
    world.now_ms += 179 * DAY_MS;
    assert_int_equal(append_expulsion(admin, false, scene_number(other)), SAT_ERR_INVALID);
    assert_int_equal(expelled_at(other), 0);
}

/* Where nothing has come since, its word would not have changed: but it counts only behind the link. */
static void who_is_back_signs_anew_how_far_it_is(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    struct sat_cursor before = kept(other);
    assert_int_equal(before.size, 1);
    half_a_year_passes();
    order_expel(&world, other);
    assert_int_equal(kept(other).dir_seq, before.dir_seq);
    assert_true(before.dir_seq < expelled_at(other));
    assert_true(world_sync(&world, other));
    struct sat_cursor after = kept(other);
    assert_true(after.size == before.size && after.ack == before.ack && after.dir_seq >= expelled_at(other));
}

static void its_word_does_not_run_ahead_of_what_waits_with_it(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    scene_write(&world, other, 1, CITY, "Basel"); /* and is silent */
    half_a_year_passes();
    order_expel(&world, other);
    scene_write(&world, rep, 1, CITY, "Brig");
    assert_true(world_sync(&world, rep));
    scene_lose_push(&world, other, 0);
    (void)world_sync(&world, other);
    struct sat_cursor cursor = kept(other);
    assert_true(cursor.ack == 1 && (cursor.dir_seq < expelled_at(other) || cursor.size == 2));
    assert_true(world_sync(&world, other));
    assert_true(kept(other).ack == 3 && kept(other).dir_seq >= expelled_at(other));
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), scene_shows(&world, other, 1, CITY));
    assert_int_equal(scene_conflicts(&world, rep, 1), 1);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(the_server_takes_it_from_an_admin_and_not_from_a_rep),
        STORY(the_server_does_not_take_it_before_its_time),
        STORY(who_is_back_signs_anew_how_far_it_is),
        STORY(its_word_does_not_run_ahead_of_what_waits_with_it),
    };
#undef STORY
    return cmocka_run_group_tests_name("silent", tests, NULL, NULL);
}
