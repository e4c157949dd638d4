/* What a server takes back after it was set back, and who may abuse that: strangers who make it believe that it lost
 * something, and members who ask dear questions. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/ranges.h"
#include "tests/story/forge.h"
#include "tests/story/raw.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    assert_true(scene_two_reps(&world, 97, &a, &b));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* ---- A stranger ---- */

/* The newest link, as if another one like it came behind it. */
static struct sat_span forged_link(struct sat_arena *arena)
{
    uint64_t seq = sat_host_directory(world.host)->seq;
    struct sat_link_row *rows;
    struct sat_link link;
    struct sat_buf bytes;
    uint32_t n;
    assert_int_equal(sat_store_links(world.server_store, seq, 1, arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(sat_link_decode(rows[0].bytes, &link), SAT_OK);
    link.prev = sat_link_id(&link);
    link.seq++;
    sat_link_finish(&link, arena);
    sat_buf_init(&bytes);
    sat_put_u64(&bytes, rows[0].sign.time_ms);
    sat_put_bytes(&bytes, rows[0].sign.signature.b, sizeof rows[0].sign.signature.b);
    sat_link_encode(&link, &bytes);
    struct sat_span item = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return item;
}

static void a_stranger_cannot_make_a_server_wait_for_an_admin(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_span item = forged_link(&arena);
    struct sat_message message = {.type = SAT_MESSAGE_RETURN_LINKS};
    message.as.RETURN_LINKS.first_seq = sat_host_directory(world.host)->seq + 1;
    message.as.RETURN_LINKS.links = (struct sat_list){&item, 1};
    raw_open(&raw, &world);
    raw_say(&raw, &message);
    assert_true(raw.closed);
    assert_int_equal(raw.err, SAT_ERR_TAMPERED);
    raw_end(&raw);
    raw_enter(&raw, &world, a);
    assert_null(raw_hear(&raw, SAT_MESSAGE_RECOVERING));
    raw_end(&raw);
    world_crash_server(&world);
    assert_non_null(world_join(&world, 1)); /* the directory grows as ever */
    sat_arena_deinit(&arena);
}

/* ---- A member who asks what differs, though nothing does ---- */

static void ask(struct raw *raw, uint32_t times)
{
    struct sat_range all = SAT_RANGE_ALL;
    struct sat_span items[SAT_RANGES_PER_MESSAGE_MAX];
    struct sat_buf item;
    sat_buf_init(&item);
    sat_range_encode(&all, &item);
    for (uint32_t i = 0; i < times; i++) items[i] = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_RANGES};
    message.as.RANGES.sub = 1;
    message.as.RANGES.size = scene_log_size(&world);
    message.as.RANGES.ranges = (struct sat_list){items, times};
    raw_say(raw, &message);
    sat_buf_deinit(&item);
}

static void ranges_that_overlap_are_not_answered(void **state)
{
    (void)state;
    struct raw raw;
    raw_enter(&raw, &world, a);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    ask(&raw, 1);
    assert_false(raw.closed);
    ask(&raw, 2);
    assert_true(raw.closed);
    assert_int_equal(raw.err, SAT_ERR_PROTOCOL);
    raw_end(&raw);
}

/* A head says that all before it was sent: who asks early gets his at the end all the same. */
static void who_asks_before_he_has_the_entries_is_told_the_end_behind_them(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    const struct world_device *reader = raw_join(&world, &code, false);
    uint32_t heads[2] = {0};
    for (uint32_t asks = 0; asks < 2; asks++) {
        raw_enter(&raw, &world, reader);
        (void)raw_hear_links(&raw);
        raw_subscribe(&raw, 1, &world.spaces[0]);
        if (asks) ask(&raw, 1);
        while (raw_hear(&raw, SAT_MESSAGE_HEAD)) heads[asks]++;
        assert_non_null(raw_hear(&raw, SAT_MESSAGE_ENTRIES));
        raw_end(&raw);
    }
    assert_int_equal(heads[0], 2); /* how long the log is, and where it ends */
    assert_int_equal(heads[1], 2);
}

/* 65 records: what the questions are about is walked over and cut, each time. */
static void who_asks_about_everything_over_and_over_is_told_that_the_server_is_busy(void **state)
{
    (void)state;
    struct raw raw;
    uint32_t n = 0;
    for (uint32_t i = 2; i <= 65; i++) scene_write(&world, a, i, CITY, "Chur");
    assert_true(world_settle(&world, 4));
    raw_enter(&raw, &world, a);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    while (!raw.closed && n < SAT_RANGES_PER_SESSION_MAX) {
        ask(&raw, 1);
        n++;
    }
    assert_true(raw.closed);
    assert_int_equal(raw.err, SAT_ERR_BUSY);
    assert_in_range(n, 10, (65 * SAT_RANGES_WALKS_MAX + SAT_RANGES_WALK_MIN) / (2 * 65) + 2);
    raw_end(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
        STORY(a_stranger_cannot_make_a_server_wait_for_an_admin),
        STORY(ranges_that_overlap_are_not_answered),
        STORY(who_asks_before_he_has_the_entries_is_told_the_end_behind_them),
        STORY(who_asks_about_everything_over_and_over_is_told_that_the_server_is_busy),
    };
    return cmocka_run_group_tests_name("hostile_return", tests, NULL, NULL);
}
