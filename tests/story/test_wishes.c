/* Entries that a device holds in hashes alone, and wants whole: it asks for one at a time, beside whatever else it has
 * to ask about the log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/subscription.h"
#include "common/sync/wishes.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *author, *reader; /* two reps of one territory */

static struct sat_record_id record(void)
{
    return world_record(1);
}

static int64_t sid(void)
{
    return world_sid(reader, &world.spaces[0]);
}

/* The reader has the newest version, and the hash of the one before it. */
static int begin(void **state)
{
    (void)state;
    assert_true(scene_two_reps(&world, 309, &author, &reader));
    scene_write(&world, author, 1, CITY, "Biel");
    assert_true(world_sync(&world, author));
    scene_write(&world, author, 1, CITY, "Brig");
    assert_true(world_sync(&world, author));
    assert_true(world_sync(&world, reader));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void wish(void)
{
    struct sat_store *store = reader->handle.store;
    struct sat_record_id id = record();
    bool any = false;
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_wish_record(store, sid(), &id, &any), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    assert_true(any);
}

static bool wishes(void)
{
    uint64_t seq;
    bool found;
    assert_int_equal(sat_wish_first(reader->handle.store, sid(), &seq, &found), SAT_OK);
    return found;
}

static uint32_t hashes_alone(void)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    struct sat_record_id id = record();
    uint32_t n, left = 0;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_changes_of_record(reader->handle.store, sid(), &id, &arena, &rows, &n), SAT_OK);
    for (uint32_t i = 0; i < n; i++) left += rows[i].header.len == 0;
    sat_arena_deinit(&arena);
    return left;
}

static bool is_granted(void)
{
    return !wishes() && !hashes_alone();
}

/* ---- One question at a time ---- */

static bool asks(const struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    bool does = !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) &&
                message.type == SAT_MESSAGE_ENTRY_GET;
    sat_arena_deinit(&arena);
    return does;
}

/* Until the reader's question is on its way, and nothing else is. */
static void ask(void)
{
    wish();
    assert_int_equal(hashes_alone(), 1);
    world_connect(&world, reader);
    for (;;) {
        while (world_hand_over(&world, reader, true)) continue;
        if (reader->up.n && asks(&reader->up.at[0])) return;
        assert_true(world_hand_over(&world, reader, false));
    }
}

static void author_writes(uint32_t number)
{
    scene_write(&world, author, number, CITY, "Chur");
    assert_true(world_sync(&world, author));
    while (world_fetch(&world, reader)) continue;
}

/* Both questions reach the server before it answers one. */
static void is_answered_all_the_same(void)
{
    assert_true(reader->up.n > 1);
    assert_true(asks(&reader->up.at[0]));
    assert_true(world_gather(&world, &reader, 1));
    world_run(&world, reader);
    assert_true(reader->replica && sat_replica_in_sync(reader->replica));
    assert_true(scene_agrees(&world, reader));
    assert_true(is_granted());
    world_disconnect(&world, reader);
    scene_assert_sound(reader->handle.store);
}

static void a_wish_is_granted(void **state)
{
    (void)state;
    ask();
    world_run(&world, reader);
    assert_true(sat_replica_in_sync(reader->replica));
    assert_true(is_granted());
}

/* Abbreviates what does not fit the reader's store. */
static bool misfit(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                   struct sat_arena *arena)
{
    (void)device;
    struct sat_entry_wire entry;
    struct sat_bundle bundle;
    struct sat_buf bytes, item;
    assert_int_equal(sat_entry_wire_decode(message->as.ENTRIES.entries.at[0], &entry), SAT_OK);
    assert_int_equal(sat_bundle_decode(entry.bundle, &sat_host_directory(filter->world->host)->org,
                                       &filter->world->spaces[0], arena, &bundle),
                     SAT_OK);
    if (filter->met > 1 || bundle.form != SAT_BUNDLE_SHORT) return true;
    sat_buf_init(&bytes);
    sat_buf_init(&item);
    bundle.manifest.prev.b[0] ^= 1;
    sat_bundle_encode(&bundle, SAT_BUNDLE_SHORT, &bytes);
    entry.bundle = sat_buf_span(&bytes);
    sat_entry_wire_encode(&entry, &item);
    struct sat_span *items =
        sat_arena_copy(arena, message->as.ENTRIES.entries.at, message->as.ENTRIES.entries.n * sizeof *items);
    items[0] = sat_span_copy(arena, sat_buf_span(&item));
    message->as.ENTRIES.entries.at = items;
    sat_buf_deinit(&bytes);
    sat_buf_deinit(&item);
    return true;
}

static void a_wish_waits_while_the_next_entry_is_asked_for(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = misfit, .world = &world};
    ask();
    author_writes(2);
    forge_filter_on(reader, &filter);
    while (world_hand_over(&world, reader, true)) continue;
    reader->on_way = NULL;
    is_answered_all_the_same();
}

static bool lose_first(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                       struct sat_arena *arena)
{
    (void)device, (void)message, (void)arena;
    return filter->met > 1;
}

static void a_wish_is_put_again_behind_a_new_subscription(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = lose_first};
    ask();
    author_writes(2);
    forge_filter_on(reader, &filter);
    while (world_hand_over(&world, reader, true)) continue;
    author_writes(3);
    while (world_hand_over(&world, reader, true)) continue;
    reader->on_way = NULL;
    is_answered_all_the_same();
}

/* What stands behind an entry that was asked for comes again, abbreviated, and is no answer to a later question. */
static void what_comes_again_is_no_answer(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_buf bytes, item;
    uint64_t seq;
    bool found;
    ask();
    assert_int_equal(sat_wish_first(reader->handle.store, sid(), &seq, &found), SAT_OK);
    forge_stored(&forge, &world, &world.spaces[0], seq);
    forge.bundle.changes[0] = (struct sat_change){
        .record = forge.bundle.changes[0].record, .stub = true, .rest = forge.bundle.changes[0].rest};
    sat_buf_init(&bytes);
    sat_buf_init(&item);
    sat_bundle_encode(&forge.bundle, SAT_BUNDLE_SHORT, &bytes);
    struct sat_entry_wire entry = {.kind = SAT_ENTRY_BUNDLE,
                                   .recv_ms = world.now_ms,
                                   .dir_at = reader->handle.directory.seq,
                                   .bundle = sat_buf_span(&bytes)};
    sat_entry_wire_encode(&entry, &item);
    forge_entry_bytes(reader, &world.spaces[0], seq, sat_buf_span(&item));
    assert_true(world_hand_over(&world, reader, true));
    sat_buf_deinit(&bytes);
    sat_buf_deinit(&item);
    forge_deinit(&forge);
    world_run(&world, reader);
    assert_true(sat_replica_in_sync(reader->replica));
    assert_true(is_granted());
}

static void with_its_space_a_wish_is_gone(void **state)
{
    (void)state;
    wish();
    order_grant(&world, reader, 0, 0);
    assert_true(world_sync(&world, reader));
    assert_int_equal(reader->heard[SAT_NOTICE_SPACE_LOST], 1);
    assert_false(wishes());
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_wish_is_granted),
        STORY(a_wish_waits_while_the_next_entry_is_asked_for),
        STORY(a_wish_is_put_again_behind_a_new_subscription),
        STORY(what_comes_again_is_no_answer),
        STORY(with_its_space_a_wish_is_gone),
    };
#undef STORY
    return cmocka_run_group_tests_name("wishes", tests, NULL, NULL);
}
