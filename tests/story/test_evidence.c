/* What stands behind a collection: everybody's word, which a server shows to whoever asks (docs/decisions/0110). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

/* All have it, and have said so. */
static void settle_twice(void)
{
    settle();
    settle();
}

static int begin(void **state)
{
    (void)state;
    trio_begin(97, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    scene_write(&world, rep, 3, CITY, "Thun");
    settle_twice();
    return 0;
}

static struct sat_dot remove_one(uint32_t record)
{
    return scene_dot(rep, scene_remove(&world, rep, record));
}

/* A deletion that everybody has acknowledged. */
static void remove_and_collect(uint32_t record)
{
    remove_one(record);
    settle_twice();
    assert_int_equal(world_collect(&world), 1);
}

static void assert_gone_for(struct world_device *device, uint32_t record)
{
    assert_string_equal(scene_base(&world, device->handle.store, record), "");
}

/* The server collects record 1, whatever anybody has acknowledged, and signs that. */
static void collect_now(struct sat_dot deletion)
{
    struct sat_store *store = world.server_store;
    struct sat_space_row space = scene_space(store, &world.spaces[0]);
    struct sat_collected record = {world_record(1), deletion};
    struct sat_collection collection = {.floor = space.log.size, .records = &record, .n = 1};
    bool found;
    assert_int_equal(sat_store_root_at(store, space.sid, collection.floor, &collection.root, &found), SAT_OK);
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_base_collect(store, &space, &collection), SAT_OK);
    collection.digest = sat_digest_of(&space);
    uint64_t dir_at = sat_host_directory(world.host)->seq;
    assert_int_equal(sat_base_collected(store, &space, &space.log_epoch, &collection, world.now_ms, dir_at), SAT_OK);
    assert_int_equal(sat_store_space_save(store, &space), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    world_crash_server(&world); /* so that it reads that */
}

/* ---- On the way ---- */

static struct {
    uint32_t asked, shown, heads; /* EVIDENCE, CURSORS, HEAD_GET */
    bool one_at_a_time, swallow;  /* a server with small frames; one that does not answer */
    uint64_t dir_more;            /* the directory is said to be so much longer */
} way;

static void put_back(const struct sat_message *message, struct sat_buf *bytes)
{
    struct sat_buf again;
    sat_buf_init(&again);
    sat_message_encode(message, &again);
    sat_buf_deinit(bytes);
    *bytes = again;
}

static bool watch(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    bool through = true;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    assert_int_equal(
        sat_message_decode(sat_buf_span(bytes), down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &arena, &message),
        SAT_OK);
    if (message.type == SAT_MESSAGE_EVIDENCE) way.asked++;
    if (message.type == SAT_MESSAGE_HEAD_GET) way.heads++;
    if (message.type == SAT_MESSAGE_CURSORS) {
        struct sat_message_CURSORS *cursors = &message.as.CURSORS;
        way.shown++;
        through = !way.swallow;
        cursors->dir_seq += way.dir_more;
        if (way.one_at_a_time && cursors->cursors.n > 1) {
            cursors->cursors.n = 1;
            cursors->more = 1;
        }
        put_back(&message, bytes);
    }
    sat_arena_deinit(&arena);
    return through;
}

static void listen(struct world_device *device)
{
    memset(&way, 0, sizeof way);
    device->on_way = watch;
}

/* ---- Honest ---- */

static void each_asks_once_for_all_that_came(void **state)
{
    (void)state;
    remove_one(1);
    remove_one(2);
    settle_twice();
    assert_int_equal(world_collect(&world), 2);
    listen(rep);
    assert_true(world_sync(&world, rep));
    assert_true(way.asked == 1 && way.shown == 1 && way.heads == 1);
    assert_gone_for(rep, 1);
    assert_true(world_sync(&world, rep)); /* never again */
    scene_write(&world, rep, 4, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    assert_int_equal(way.asked, 1);
    settle_twice();
    remove_and_collect(3);
    listen(other);
    world_connect(&world, other); /* a session that lasts, and a collection that comes in it */
    world_run(&world, other);
    assert_int_equal(way.asked, 1);
    world_disconnect(&world, other);
    settle_twice();
}

static void the_newest_collection_speaks_for_those_before_it(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    remove_one(2);
    settle_twice();
    collect_now(deletion);
    assert_int_equal(world_collect(&world), 1);
    listen(other);
    assert_true(world_sync(&world, other));
    assert_int_equal(way.asked, 1);
    assert_gone_for(other, 1);
    assert_gone_for(other, 2);
}

static void who_comes_later_asks_as_well(void **state)
{
    (void)state;
    remove_and_collect(1);
    struct world_device *late = world_invite(&world, 3);
    world_connect(&world, late);
    world_run(&world, late);
    world_disconnect(&world, late);
    listen(late);
    assert_true(world_sync(&world, late));
    assert_int_equal(way.asked, 1);
    settle_twice();
}

static void words_come_in_as_many_messages_as_it_takes(void **state)
{
    (void)state;
    remove_and_collect(1);
    listen(rep);
    way.one_at_a_time = true;
    assert_true(world_sync(&world, rep));
    assert_true(way.asked == 3 && way.shown == 3);
    assert_gone_for(rep, 1);
}

static void a_session_that_breaks_off_before_they_are_here_asks_again(void **state)
{
    (void)state;
    remove_and_collect(1);
    listen(rep);
    way.swallow = true;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_OK);
    way.swallow = false;
    assert_true(world_sync(&world, rep));
    assert_int_equal(way.asked, 2);
    world_crash_device(&world, rep);
    assert_true(world_sync(&world, rep));
    assert_gone_for(rep, 1);
}

/* His cursor is not kept, and he need not speak. */
static void who_is_out_by_now_is_not_missed(void **state)
{
    (void)state;
    remove_and_collect(1);
    order_revoke(&world, other);
    listen(rep);
    assert_true(world_sync(&world, rep));
    assert_int_equal(way.asked, 1);
    assert_gone_for(rep, 1);
}

static void nor_who_could_not_read_for_a_while(void **state)
{
    (void)state;
    remove_and_collect(1);
    order_grant(&world, other, 0, 0);
    order_grant(&world, other, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    assert_true(world_sync(&world, rep));
    assert_gone_for(rep, 1);
    settle_twice();
    assert_gone_for(other, 1);
}

static void nor_who_has_joined_since(void **state)
{
    (void)state;
    remove_and_collect(1);
    struct world_device *late = world_invite(&world, 3);
    world_connect(&world, late);
    world_run(&world, late);
    world_disconnect(&world, late);
    assert_true(world_sync(&world, rep));
    assert_gone_for(rep, 1);
    settle_twice();
}

/* ---- A server that was set back ---- */

static void a_server_from_behind_the_collection_has_what_it_needs(void **state)
{
    (void)state;
    remove_and_collect(1);
    world_backup(&world, 1);
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 2, NAME, "Ana");
    assert_true(world_sync(&world, rep));
    for (uint32_t announced = 0; announced < 2; announced++) {
        world_restore(&world, 1, announced);
        assert_true(world_settle(&world, 8));
        assert_true(world_confirm_restore(&world));
        assert_gone_for(rep, 1);
        assert_gone_for(other, 1);
        struct world_device *late = world_join(&world, 3); /* whom all show what they say in the new life */
        assert_true(scene_agrees(&world, late));
        settle_twice();
    }
}

static void from_before_it_the_collection_is_gone_too_and_comes_again(void **state)
{
    (void)state;
    remove_one(1);
    settle_twice();
    world_backup(&world, 1);
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_sync(&world, rep)); /* the other has not seen it */
    assert_gone_for(rep, 1);
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    settle_twice();
    assert_string_not_equal(scene_base(&world, rep->handle.store, 1), "");
    settle_twice();
    assert_int_equal(world_collect(&world), 1);
    settle_twice();
    assert_gone_for(rep, 1);
    assert_gone_for(other, 1);
}

/* ---- Lies ---- */

static struct sat_cursor_row word_of(const struct world_device *device)
{
    struct sat_cursor_row row;
    bool found;
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    assert_int_equal(sat_store_cursor_get(world.server_store, sid, scene_number(device), &row, &found), SAT_OK);
    assert_true(found);
    return row;
}

static void show(struct sat_cursor_row row, const struct world_device *device)
{
    row.cursor.device = scene_number(device);
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    assert_int_equal(sat_store_cursor_put(world.server_store, &row), SAT_OK);
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
}

static void hide(const struct world_device *device)
{
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    assert_int_equal(sat_store_cursor_delete(world.server_store, sid, scene_number(device)), SAT_OK);
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
}

static void finds_out(struct world_device *device)
{
    for (uint32_t i = 0; i < 2; i++) { /* however often it is said */
        device->last_err = SAT_OK;
        assert_false(world_sync(&world, device));
        assert_int_equal(device->last_err, SAT_ERR_COLLECTED_EARLY);
        assert_string_not_equal(scene_base(&world, device->handle.store, 1), ""); /* nothing of it is forgotten */
    }
}

/* The other has not been here since the deletion: who was, sees that he was not asked. */
static void what_one_has_not_acknowledged(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    collect_now(deletion);
    finds_out(rep);
    finds_out(admin);
    hide(other); /* nor without a word of his at all */
    finds_out(rep);
    struct world_device *late = world_invite(&world, 3); /* who comes later is not taken in either */
    world_connect(&world, late);
    world_run(&world, late);
    world_disconnect(&world, late);
    late->last_err = SAT_OK;
    assert_false(world_sync(&world, late));
    assert_int_equal(late->last_err, SAT_ERR_COLLECTED_EARLY);
}

static void nor_with_a_word_that_is_not_his(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    struct sat_cursor_row his = word_of(other), forged = word_of(rep);
    collect_now(deletion);
    show(forged, other); /* another's */
    finds_out(rep);
    forged = his;
    forged.cursor.ack = forged.cursor.size = word_of(rep).cursor.ack; /* his, but for the numbers */
    show(forged, other);
    finds_out(rep);
    show(his, other);
    finds_out(rep);
}

static void nor_with_one_of_another_territory(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    for (uint32_t i = 0; i < 6; i++) {
        scene_write_in(&world, rep, &world.spaces[1], 10 + i, CITY, "Chur");
        assert_true(world_sync(&world, rep));
    }
    assert_true(world_sync(&world, admin));
    hide(other);
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    collect_now(deletion);
    struct sat_cursor_row row;
    bool found;
    int64_t there = scene_space(world.server_store, &world.spaces[1]).sid;
    assert_int_equal(sat_store_cursor_get(world.server_store, there, scene_number(rep), &row, &found), SAT_OK);
    row.sid = sid;
    show(row, other);
    finds_out(rep);
}

/* A server that says that it was set back needs the word of all again. */
static void nor_with_one_of_another_life(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    settle_twice();
    struct sat_cursor_row former = word_of(other);
    world_backup(&world, 1);
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    for (uint32_t i = 0; i < 2; i++) assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_true(former.cursor.ack >= scene_log_size(&world));
    collect_now(deletion);
    assert_int_equal(word_of(other).cursor.ack, former.cursor.ack);
    finds_out(rep);
    finds_out(admin);
}

/* One device acts for the server. Whatever that one has signed, it does not count for another. */
static void nor_does_a_device_of_the_servers_own_speak_for_him(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    collect_now(deletion);
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    struct sat_cursor_row own = word_of(admin);
    const struct sat_directory *directory = sat_host_directory(world.host);
    own.cursor.device = scene_number(other);
    own.cursor.space = world.spaces[0];
    own.cursor.size = own.cursor.ack = space.log.size;
    own.cursor.root = sat_frontier_root(&space.log);
    own.signature = sat_cursor_sign(&own.cursor, &directory->org, &sat_keyring_secrets(admin->handle.keyring)->sign);
    show(own, other);
    finds_out(rep);
}

static void a_server_that_shows_nothing_gets_nowhere(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_one(1);
    assert_true(world_sync(&world, rep));
    collect_now(deletion);
    listen(rep);
    way.swallow = true;
    for (uint32_t i = 0; i < 3; i++) assert_false(world_sync(&world, rep));
    assert_true(scene_space(rep->handle.store, &world.spaces[0]).head_size <
                scene_log_size(&world)); /* and so its word behind it is never given */
    way.swallow = false;
    way.dir_more = 1; /* nor who speaks of a directory that nobody has seen */
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_PROTOCOL);
    assert_string_not_equal(scene_base(&world, rep->handle.store, 1), "");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(each_asks_once_for_all_that_came),
        STORY(the_newest_collection_speaks_for_those_before_it),
        STORY(who_comes_later_asks_as_well),
        STORY(words_come_in_as_many_messages_as_it_takes),
        STORY(a_session_that_breaks_off_before_they_are_here_asks_again),
        STORY(who_is_out_by_now_is_not_missed),
        STORY(nor_who_could_not_read_for_a_while),
        STORY(nor_who_has_joined_since),
        STORY(a_server_from_behind_the_collection_has_what_it_needs),
        STORY(from_before_it_the_collection_is_gone_too_and_comes_again),
        STORY(what_one_has_not_acknowledged),
        STORY(nor_with_a_word_that_is_not_his),
        STORY(nor_with_one_of_another_territory),
        STORY(nor_with_one_of_another_life),
        STORY(nor_does_a_device_of_the_servers_own_speak_for_him),
        STORY(a_server_that_shows_nothing_gets_nowhere),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
