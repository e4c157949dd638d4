/* Somebody's program does not know the suite by which others write, and puts that aside: what stands on it, and what it
 * replaced, is no fault of the server's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/proof/bundle.h"
#include "common/wire/message.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

enum { LATER = SAT_SUITE_1 + 1 };

static bool writes_later, reads_earlier; /* who writes now; who reads now */

bool sat_suite_is_known(uint16_t suite)
{
    return suite == SAT_SUITE_1 || (suite == LATER && !reads_earlier);
}

uint16_t sat_suite_in_use(void)
{
    return writes_later ? LATER : SAT_SUITE_1;
}

static bool is_earlier;  /* the other's program, … */
static bool is_set_back; /* … or that of whose work it is, by now */

static void acting(const struct world_device *device)
{
    reads_earlier = (is_earlier && device == other) || (is_set_back && device == rep);
    writes_later = device == rep;
}

static uint32_t asked;

static bool count_asked(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    if (!down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message))
        asked += message.type == SAT_MESSAGE_ENTRY_GET;
    sat_arena_deinit(&arena);
    return true;
}

static int begin(void **state)
{
    (void)state;
    is_earlier = is_set_back = writes_later = reads_earlier = false;
    trio_begin(93, 1);
    world.acting = acting;
    scene_write(&world, admin, 1, CITY, "Bern");
    settle();
    return 0;
}

static void write_of_a_later_time(uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        scene_write(&world, rep, 1, CITY, i % 2 ? "Chur" : "Biel");
        assert_true(world_sync(&world, rep));
    }
}

static void the_right_is_lost_and_comes_back(void)
{
    order_grant(&world, other, 0, 0);
    (void)world_sync(&world, other);
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
}

static void cannot_read_it(void)
{
    is_earlier = true;
    assert_false(world_sync(&world, other));
    assert_int_equal(other->last_err, SAT_OK);
    assert_int_equal(scene_space(other->handle.store, space()).log.size, scene_log_size(&world));
}

static void reads_all_after_the_upgrade(const char *city)
{
    is_earlier = false;
    settle();
    all_show(1, CITY, city);
}

static void what_is_of_a_later_suite_replaces_what_is_not(void **state)
{
    (void)state;
    write_of_a_later_time(1);
    the_right_is_lost_and_comes_back();
    cannot_read_it();
    reads_all_after_the_upgrade("Biel");
}

static void what_stands_behind_it_is_not_asked_for_in_full(void **state)
{
    (void)state;
    other->on_way = count_asked;
    write_of_a_later_time(6);
    cannot_read_it();
    assert_int_equal(asked, 0);
    reads_all_after_the_upgrade("Chur");
}

/* ---- Work that was lost, could not be read, and has lost its number ---- */

enum { RETURNS_TOO_MANY = 16 };
static uint32_t returned;

static bool count_returned(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    if (!down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message))
        returned += message.type == SAT_MESSAGE_RETURN;
    sat_arena_deinit(&arena);
    return returned < RETURNS_TOO_MANY; /* or this would have no end */
}

static struct sat_aside_row the_first_aside(void)
{
    struct sat_aside_row *rows;
    struct sat_arena arena;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_aside_list(other->handle.store, 0, 16, &arena, &rows, &n), SAT_OK);
    assert_true(n > 0);
    struct sat_aside_row first = rows[0];
    sat_arena_deinit(&arena);
    return first;
}

/* The server goes back to before it, and its author's home too, which writes something else under the number: what
 * cannot be read either, or is in a territory where it may not look. */
static void what_cannot_be_read_and_has_lost_its_number_is_listed_and_sent_once(void **state)
{
    (void)state;
    for (uint32_t territory = 0; territory < 2; territory++) {
        struct world_home before = {0};
        end(NULL);
        is_earlier = is_set_back = writes_later = reads_earlier = false;
        trio_begin(93 + territory, 2);
        world.acting = acting;
        returned = 0;
        scene_write(&world, admin, 1, CITY, "Bern");
        order_grant(&world, other, 1, 0);
        settle();
        world_backup(&world, 1);
        world_home_backup(&world, rep, &before);
        write_of_a_later_time(1);
        cannot_read_it();
        struct sat_aside_row lost = the_first_aside();
        assert_int_equal(lost.reason, SAT_ERR_UPGRADE_NEEDED);
        world_restore(&world, 1, true);
        world_home_restore(&world, rep, &before);
        world_home_free(&before);
        scene_write_in(&world, rep, &world.spaces[territory], 2, CITY, "Zug");
        assert_true(world_sync(&world, rep));
        other->on_way = count_returned;
        (void)world_sync(&world, other);
        assert_int_equal(returned, territory);
        struct sat_aside_row kept = the_first_aside();
        assert_memory_equal(kept.id.b, lost.id.b, sizeof lost.id.b);
        assert_int_equal(kept.state, SAT_ASIDE_OPEN);
        assert_int_equal(kept.reason, SAT_ERR_FORK);
        (void)world_sync(&world, other);
        assert_int_equal(returned, territory);
    }
}

static bool loses_returns(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    bool lost = !down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) &&
                message.type == SAT_MESSAGE_RETURN;
    sat_arena_deinit(&arena);
    return !lost;
}

/* Storm 86005 (decision 235): what was put aside was on the log that the server lost, and waits to be given back from
 * there. Its numbers are taken meanwhile, and the program that reads it now writes it again: that is taken up. */
static void what_is_written_again_is_not_given_back_from_aside(void **state)
{
    (void)state;
    struct world_home before;
    uint64_t left, aside;
    world_backup(&world, 1);
    world_home_backup(&world, rep, &before);
    scene_write(&world, rep, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    cannot_read_it();
    world_restore(&world, 1, true);
    world_home_restore(&world, rep, &before);
    world_home_free(&before);
    other->on_way = loses_returns; /* it hears that the log was set back, and its line breaks */
    (void)world_sync(&world, other);
    other->on_way = NULL;
    assert_int_equal(sat_store_return_count(other->handle.store, 0, true, &left), 0);
    assert_int_equal(left, 1);
    scene_write(&world, rep, 4, CITY, "Zug"); /* under the same number */
    assert_true(world_sync(&world, rep));
    is_earlier = false;
    (void)world_sync(&world, other);
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    settle();
    all_show(3, CITY, "Thun");
    all_show(4, CITY, "Zug");
    assert_int_equal(sat_store_return_count(other->handle.store, 0, true, &left), 0);
    assert_int_equal(left, 0);
    assert_int_equal(sat_store_aside_count(other->handle.store, &aside), 0);
    assert_int_equal(aside, 0);
}

/* Its author's program is an older one by then, and has the bytes among what was put aside alone. */
static bool refuse_it(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message, answer = {.type = SAT_MESSAGE_UNRETURNED};
    struct sat_bundle bundle;
    struct sat_arena arena;
    (void)context;
    sat_arena_init(&arena);
    bool met = !down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) &&
               message.type == SAT_MESSAGE_RETURN;
    if (met) {
        assert_int_equal(
            sat_bundle_decode(message.as.RETURN.bundle, &sat_host_directory(world.host)->org, space(), &arena, &bundle),
            SAT_OK);
        answer.as.UNRETURNED = (struct sat_message_UNRETURNED){.sub = message.as.RETURN.sub,
                                                               .device = bundle.manifest.device,
                                                               .first = bundle.manifest.first,
                                                               .error = SAT_ERR_BOUNDS};
        forge_send(device, true, &answer);
        returned++;
    }
    sat_arena_deinit(&arena);
    return !met;
}

static void what_its_author_cannot_read_any_more_and_is_refused_stays_there(void **state)
{
    (void)state;
    returned = 0;
    world_backup(&world, 1);
    write_of_a_later_time(1);
    order_grant(&world, rep, 0, 0);
    (void)world_sync(&world, rep);
    order_grant(&world, rep, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    is_set_back = true;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->last_err, SAT_OK);
    world_restore(&world, 1, true);
    rep->on_way = refuse_it;
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t aside;
        (void)world_sync(&world, rep); /* and no disk is said to be damaged */
        assert_int_equal(rep->last_err, SAT_ERR_BOUNDS);
        assert_int_equal(returned, 1);
        assert_int_equal(scene_pending(rep), 0);
        assert_int_equal(sat_store_aside_count(rep->handle.store, &aside), SAT_OK);
        assert_int_equal(aside, 1);
    }
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(what_is_of_a_later_suite_replaces_what_is_not),
        STORY(what_stands_behind_it_is_not_asked_for_in_full),
        STORY(what_cannot_be_read_and_has_lost_its_number_is_listed_and_sent_once),
        STORY(what_is_written_again_is_not_given_back_from_aside),
        STORY(what_its_author_cannot_read_any_more_and_is_refused_stays_there),
    };
#undef STORY
    return cmocka_run_group_tests_name("later", tests, NULL, NULL);
}
