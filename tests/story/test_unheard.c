/* Work that is in the log though its author never heard of it; and is compacted by the time he looks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/proof/bundle.h"
#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

enum { LATER = SAT_SUITE_1 + 1 };

static bool later, is_earlier; /* the rep writes by a later suite; the other's program does not know it */
static const struct world_device *acts;

static void acting(const struct world_device *device)
{
    acts = device;
}

bool sat_suite_is_known(uint16_t suite)
{
    return suite == SAT_SUITE_1 || (suite == LATER && !(is_earlier && acts == other));
}

uint16_t sat_suite_in_use(void)
{
    return later && acts == rep ? LATER : SAT_SUITE_1;
}

static int begin(void **state)
{
    (void)state;
    later = is_earlier = false;
    trio_begin(92, 1);
    world.acting = acting;
    order_keep_history(&world, 0, 1);
    world_disconnect(&world, admin);
    scene_write(&world, other, 4, CITY, "Bern");
    settle();
    settle();
    return 0;
}

/* The log's entries are lost on their way to it, and the answer about what it hands in, but for one. */
static bool lose(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    uint32_t *answers = context;
    (void)device;
    if (!down) return true;
    sat_arena_init(&arena);
    enum sat_err err = sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message);
    bool entries = !err && message.type == SAT_MESSAGE_ENTRIES;
    bool answer = !err && message.type == SAT_MESSAGE_HANDED_IN && (*answers)++ > 0;
    sat_arena_deinit(&arena);
    return !entries && !answer;
}

/* Into the log; and the device does not hear of it. */
static void send_unheard(uint32_t record, const char *value)
{
    uint64_t size = scene_log_size(&world);
    scene_write(&world, other, record, CITY, value);
    order_keep_history(&world, 0, 1); /* a word of the server's, upon which it looks for what there is to do */
    world_run(&world, other);
    assert_int_equal(scene_log_size(&world), size + 1);
}

static void send_two_unheard(uint32_t *answers)
{
    world_connect(&world, other);
    world_run(&world, other);
    other->on_way = lose;
    other->on_way_context = answers;
    send_unheard(1, "Biel");
    send_unheard(2, "Chur");
    world_disconnect(&world, other);
    assert_int_equal(scene_pending(other), 2);
}

/* Nothing of the first is left. */
static void the_others_overwrite_it(void)
{
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(world_sync(&world, rep));
        scene_write(&world, rep, 1, CITY, i ? "Thun" : "Sion");
    }
    scene_write(&world, rep, 6, CITY, "gone");
    sync_without_other();
    scene_remove(&world, rep, 6);
    sync_without_other();
    sync_without_other();
    world.now_ms += 31 * SAT_DAY_MS;
    assert_int_equal(world_collect(&world), 1);
    sync_without_other();
    scene_maintain(&world);
    assert_true(scene_runs(world.server_store, space()) > 0);
}

static uint64_t aside(void)
{
    uint64_t open;
    assert_int_equal(sat_store_aside_count(other->handle.store, &open), SAT_OK);
    return open;
}

static void nothing_is_held_back(void)
{
    other->on_way = NULL;
    scene_write(&world, other, 3, CITY, "Cham");
    settle();
    assert_int_equal(other->heard[SAT_NOTICE_ANEW], 0);
    assert_int_equal(scene_pending(other), 0);
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Thun");
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "Chur");
    assert_string_equal(scene_shows(&world, rep, 3, CITY), "Cham");
    assert_int_equal(aside(), 0);
}

static void what_a_silent_device_had_sent_and_was_compacted_keeps_nothing_back(void **state)
{
    (void)state;
    uint32_t answers = 0;
    send_two_unheard(&answers);
    world.now_ms += 181 * SAT_DAY_MS;
    sync_without_other();
    order_expel(&world, other);
    the_others_overwrite_it();
    nothing_is_held_back();
}

/* What replaced it is of a suite that its author's program does not know. */
static void so_it_is_where_what_replaced_it_cannot_be_read(void **state)
{
    (void)state;
    uint32_t answers = 0;
    send_two_unheard(&answers);
    world.now_ms += 181 * SAT_DAY_MS;
    sync_without_other();
    order_expel(&world, other);
    later = is_earlier = true;
    the_others_overwrite_it();
    other->on_way = NULL;
    for (uint32_t i = 0; i < 2; i++) {
        assert_false(world_sync(&world, other));
        assert_int_equal(other->last_err, SAT_OK);
        assert_int_equal(scene_pending(other), 1);
    }
    assert_true(aside() > 0);
    is_earlier = false;
    nothing_is_held_back();
}

/* What replaced it was replaced in its turn, and he cannot read either: there is one change that he lacks. */
static void what_was_replaced_twice_by_what_cannot_be_read_is_counted_once(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, rep, 9, CITY, i == 0 ? "Biel" : i == 1 ? "Thun" : "Sion");
        assert_true(world_sync(&world, rep));
        later = is_earlier = true;
    }
    assert_false(world_sync(&world, other));
    assert_int_equal(other->last_err, SAT_OK);
    assert_int_equal(aside(), 2);
    is_earlier = false;
    settle();
    all_show(9, CITY, "Sion");
}

static void what_was_handed_in_and_is_compacted_by_the_time_the_right_is_back_keeps_nothing_back(void **state)
{
    (void)state;
    uint32_t answers = 0;
    send_two_unheard(&answers);
    order_grant(&world, other, 0, 0);
    (void)world_sync(&world, other);
    assert_int_equal(answers, 2); /* that the log has the first; what it has to say of the second is lost */
    the_others_overwrite_it();
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    (void)world_sync(&world, other);
    nothing_is_held_back();
}

static void what_was_handed_in_and_let_in_and_is_compacted_keeps_nothing_back(void **state)
{
    (void)state;
    uint32_t answers = 1;
    struct sat_arena arena;
    struct sat_aside_row *rows;
    order_grant(&world, other, 0, 0);
    scene_write(&world, other, 1, CITY, "Biel");
    other->on_way = lose;
    other->on_way_context = &answers;
    (void)world_sync(&world, other);
    scene_write(&world, other, 2, CITY, "Chur");
    answers = 0;
    (void)world_sync(&world, other);
    assert_int_equal(scene_pending(other), 2);
    sat_arena_init(&arena);
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 2);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[1]);
    sat_arena_deinit(&arena);
    the_others_overwrite_it();
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    other->on_way = NULL;
    (void)world_sync(&world, other);
    nothing_is_held_back();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_silent_device_had_sent_and_was_compacted_keeps_nothing_back, begin, end),
        cmocka_unit_test_setup_teardown(so_it_is_where_what_replaced_it_cannot_be_read, begin, end),
        cmocka_unit_test_setup_teardown(what_was_replaced_twice_by_what_cannot_be_read_is_counted_once, begin, end),
        cmocka_unit_test_setup_teardown(
            what_was_handed_in_and_is_compacted_by_the_time_the_right_is_back_keeps_nothing_back, begin, end),
        cmocka_unit_test_setup_teardown(what_was_handed_in_and_let_in_and_is_compacted_keeps_nothing_back, begin, end),
    };
    return cmocka_run_group_tests_name("unheard", tests, NULL, NULL);
}
