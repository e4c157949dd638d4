/* What a hostile or broken server is caught at: with the documented error, and nothing of it merged. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/subscription.h"
#include "tests/story/forge.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *author, *reader; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    assert_true(scene_two_reps(&world, 41, &author, &reader));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void write_and_push(const char *value)
{
    scene_write(&world, author, 1, CITY, value);
    assert_true(world_sync(&world, author));
}

static uint64_t cursor_of(struct world_device *device)
{
    return scene_space(device->handle.store, &world.spaces[0]).log.size;
}

/* The reader's next session ends with this error; it has merged nothing, and with an honest server it goes on. */
static void is_caught(enum sat_err err)
{
    uint64_t cursor = cursor_of(reader), in_sync = reader->in_sync;
    reader->last_err = SAT_OK;
    assert_false(world_sync(&world, reader));
    assert_int_equal(reader->last_err, err);
    assert_int_equal(reader->in_sync, in_sync);
    assert_int_equal(cursor_of(reader), cursor);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    reader->on_way = NULL;
    assert_true(world_sync(&world, reader));
    assert_true(scene_agrees(&world, reader));
}

/* ---- Changes and entries ---- */

struct entry_lie {
    void (*tell)(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena);
    bool all; /* every entry, not the first alone */
};

/* Opens the entries of the territory, and closes them again with what was told. */
static bool alter_entries(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                          struct sat_arena *arena)
{
    const struct entry_lie *lie = filter->context;
    const struct sat_space_id *space = &device->handle.directory.spaces[message->as.ENTRIES.sub - 1].id;
    if (!sat_space_equal(space, &world.spaces[0])) return true;
    struct sat_span *items = sat_arena_array(arena, message->as.ENTRIES.entries.n, sizeof *items);
    for (uint32_t i = 0; i < message->as.ENTRIES.entries.n; i++) {
        struct sat_entry_wire entry;
        struct sat_bundle bundle;
        items[i] = message->as.ENTRIES.entries.at[i];
        if (i > 0 && !lie->all) continue;
        assert_int_equal(sat_entry_wire_decode(items[i], &entry), SAT_OK);
        assert_int_equal(sat_bundle_decode(entry.bundle, &device->handle.directory.org, space, arena, &bundle), SAT_OK);
        lie->tell(&entry, &bundle, arena);
        struct sat_buf bytes, item;
        sat_buf_init(&bytes);
        sat_buf_init(&item);
        sat_bundle_encode(&bundle, bundle.form, &bytes);
        entry.bundle = sat_buf_span(&bytes);
        sat_entry_wire_encode(&entry, &item);
        items[i] = sat_span_copy(arena, sat_buf_span(&item));
        sat_buf_deinit(&bytes);
        sat_buf_deinit(&item);
    }
    message->as.ENTRIES.entries.at = items;
    return true;
}

static void caught_in_an_entry(const struct entry_lie *lie, enum sat_err err)
{
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = alter_entries, .context = (void *)lie};
    forge_filter_on(reader, &filter);
    is_caught(err);
    assert_true(filter.met > 0);
}

static struct sat_span flipped(struct sat_arena *arena, struct sat_span span, size_t at)
{
    uint8_t *copy = sat_arena_copy(arena, span.at, span.len);
    copy[at] ^= 1;
    return sat_span(copy, span.len);
}

static void flip_body(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    bundle->changes[0].body = flipped(arena, bundle->changes[0].body, 3);
}

static void flip_clock(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    bundle->changes[0].header = flipped(arena, bundle->changes[0].header, 1);
}

static void flip_record(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    (void)arena;
    bundle->changes[0].record.b[15] ^= 1;
}

static void flip_nonce(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    (void)arena;
    bundle->manifest.nonce[0] ^= 1;
}

static void rename_author(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    (void)arena;
    bundle->manifest.device = 1;
    bundle->manifest.prev = (struct sat_hash){{0}};
}

static void a_forged_change_is_caught(void **state)
{
    (void)state;
    write_and_push("Biel");
    caught_in_an_entry(&(struct entry_lie){flip_body, false}, SAT_ERR_TAMPERED);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Chur");
    caught_in_an_entry(&(struct entry_lie){flip_clock, false}, SAT_ERR_TAMPERED);
}

static void a_change_moved_to_another_record_or_author_is_caught(void **state)
{
    (void)state;
    write_and_push("Biel");
    caught_in_an_entry(&(struct entry_lie){flip_record, false}, SAT_ERR_TAMPERED);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Chur");
    caught_in_an_entry(&(struct entry_lie){flip_nonce, false}, SAT_ERR_TAMPERED);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Cham");
    caught_in_an_entry(&(struct entry_lie){rename_author, false}, SAT_ERR_TAMPERED);
}

static void step_back_in_time(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)bundle;
    (void)arena;
    entry->recv_ms = 1000;
}

static void step_back_in_the_directory(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)bundle;
    (void)arena;
    entry->dir_at = 1;
}

static void point_beyond_the_directory(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)bundle;
    (void)arena;
    entry->dir_at++;
}

static void be_of_a_later_kind(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)bundle;
    (void)arena;
    entry->kind = 9;
}

static void a_log_whose_positions_step_back_is_caught(void **state)
{
    (void)state;
    write_and_push("Biel");
    caught_in_an_entry(&(struct entry_lie){step_back_in_time, false}, SAT_ERR_TAMPERED);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Chur");
    caught_in_an_entry(&(struct entry_lie){step_back_in_the_directory, false}, SAT_ERR_TAMPERED);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Cham");
    caught_in_an_entry(&(struct entry_lie){point_beyond_the_directory, false}, SAT_ERR_PROTOCOL);
    write_and_push("Bern");
    assert_true(world_sync(&world, reader));
    write_and_push("Brig");
    caught_in_an_entry(&(struct entry_lie){be_of_a_later_kind, false}, SAT_ERR_UPGRADE_NEEDED);
}

static void receive_a_little_later(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)bundle;
    (void)arena;
    entry->recv_ms += 1;
}

/* The receive time is nobody's signature but the head's: the root that was signed is another one. What was merged
 * before the head came is let go of, so that an honest server finds the home as it left it. */
static void an_altered_receive_time_contradicts_the_signed_head(void **state)
{
    (void)state;
    write_and_push("Biel");
    caught_in_an_entry(&(struct entry_lie){receive_a_little_later, false}, SAT_ERR_FORK);
}

/* The same with work of the reader's own among the entries: it waits again, and is taken again. */
static void own_work_behind_an_altered_receive_time_is_not_lost(void **state)
{
    (void)state;
    write_and_push("Biel");
    scene_write(&world, reader, 7, CITY, "Chur");
    struct entry_lie lie = {receive_a_little_later, false};
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = alter_entries, .context = &lie};
    forge_filter_on(reader, &filter);
    uint64_t cursor = cursor_of(reader);
    assert_false(world_sync(&world, reader));
    assert_int_equal(cursor_of(reader), cursor);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, reader, 7, CITY), "Chur");
    reader->on_way = NULL;
    assert_true(world_sync(&world, reader));
    assert_true(scene_agrees(&world, reader));
    assert_true(world_sync(&world, author));
    assert_string_equal(scene_shows(&world, author, 7, CITY), "Chur");
}

/* ---- What is left out ---- */

static void hide_all(struct sat_entry_wire *entry, struct sat_bundle *bundle, struct sat_arena *arena)
{
    (void)entry;
    (void)arena;
    for (uint32_t i = 0; i < bundle->manifest.count; i++)
        bundle->changes[i] =
            (struct sat_change){.record = bundle->changes[i].record, .stub = true, .rest = bundle->changes[i].rest};
}

/* A stub in place of a change that nothing replaces: told when the log is whole, and let go of. */
static void a_change_hidden_behind_a_stub_is_caught(void **state)
{
    (void)state;
    scene_write(&world, author, 2, CITY, "Biel");
    assert_true(world_sync(&world, author));
    caught_in_an_entry(&(struct entry_lie){hide_all, true}, SAT_ERR_UNJUSTIFIED);
    assert_string_equal(scene_shows(&world, reader, 2, CITY), "Biel");
}

/* The same where something replaces it in part only: what is kept is not replaced. */
static void a_stub_for_what_was_kept_is_caught(void **state)
{
    (void)state;
    scene_write(&world, author, 2, NAME, "Alpha");
    scene_write(&world, author, 2, CITY, "Biel"); /* keeps the name */
    assert_true(world_sync(&world, author));
    struct entry_lie lie = {hide_all, false};
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = alter_entries, .context = &lie};
    scene_write_in(&world, author, &world.spaces[0], 3, CITY, "Chur");
    assert_true(world_sync(&world, author));
    forge_filter_on(reader, &filter);
    assert_false(world_sync(&world, reader));
    assert_int_equal(reader->last_err, SAT_ERR_UNJUSTIFIED);
}

/* Leaves out the log's second entry and moves the third into its place, in whatever form it is asked for. */
static bool leave_one_out(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                          struct sat_arena *arena)
{
    const struct sat_space_id *space = &device->handle.directory.spaces[message->as.ENTRIES.sub - 1].id;
    if (!sat_space_equal(space, &world.spaces[0])) return true;
    struct forge forge;
    forge_stored(&forge, &world, space, 3);
    struct sat_buf bytes, item;
    sat_buf_init(&bytes);
    sat_buf_init(&item);
    sat_bundle_encode(&forge.bundle, filter->met == 1 ? SAT_BUNDLE_SHORT : SAT_BUNDLE_FULL, &bytes);
    struct sat_entry_wire entry = {.kind = SAT_ENTRY_BUNDLE,
                                   .recv_ms = world.now_ms,
                                   .dir_at = device->handle.directory.seq,
                                   .bundle = sat_buf_span(&bytes)};
    sat_entry_wire_encode(&entry, &item);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&item));
    message->as.ENTRIES.first_seq = 2;
    message->as.ENTRIES.entries = (struct sat_list){sat_arena_copy(arena, &span, sizeof span), 1};
    sat_buf_deinit(&bytes);
    sat_buf_deinit(&item);
    forge_deinit(&forge);
    return true;
}

static void a_hole_in_a_chain_is_caught(void **state)
{
    (void)state;
    write_and_push("Biel");
    write_and_push("Brig");
    struct forge_filter filter = {.type = SAT_MESSAGE_ENTRIES, .change = leave_one_out};
    forge_filter_on(reader, &filter);
    is_caught(SAT_ERR_BAD_CHAIN);
    assert_int_equal(filter.met, 2); /* the short form, and the full one that was asked for */
}

/* ---- Heads ---- */

static void open_and_sync(struct world_device *device)
{
    world_connect(&world, device);
    world_run(&world, device);
    assert_true(sat_replica_in_sync(device->replica));
    device->last_err = SAT_OK;
}

static void send_head(struct sat_head head, const struct sat_sign_key *key)
{
    forge_head(head, &reader->handle.directory.org, key, reader, &world.spaces[0]);
    world_run(&world, reader);
}

static void a_head_that_the_server_did_not_sign_is_caught(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    send_head(head, &sat_keyring_secrets(author->handle.keyring)->sign);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    assert_null(reader->replica);
}

static void a_head_with_another_root_is_caught(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.root.b[20] ^= 1;
    send_head(head, &world.server_key);
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
}

static void a_head_of_another_life_of_the_log_is_caught(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.log_epoch.b[3] ^= 1;
    send_head(head, &world.server_key);
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
}

static bool sign_another_life(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                              struct sat_arena *arena)
{
    if (message->as.HEAD.sub != forge_sub(device, &world.spaces[0]) || filter->context) return true;
    filter->context = filter; /* once */
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.log_epoch.b[3] ^= 1;
    sat_head_sign(&head, &device->handle.directory.org, &world.server_key);
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_head_encode(&head, false, &bytes);
    message->as.HEAD.head = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return true;
}

/* To whom no entry has shown yet which life it is. */
static void a_head_of_another_life_that_nothing_bears_out_is_not_believed_for_ever(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_HEAD, .change = sign_another_life};
    write_and_push("Bern");
    struct world_device *newcomer = world_invite(&world, 1);
    forge_filter_on(newcomer, &filter);
    while (!filter.context) {
        world_connect(&world, newcomer);
        while (!filter.context && world_deliver(&world, newcomer, WORLD_NO_FAULT)) continue;
        world_disconnect(&world, newcomer);
    }
    assert_true(world_sync(&world, newcomer));
    assert_true(scene_agrees(&world, newcomer));
}

static void a_head_of_another_directory_is_caught(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.dir_hash.b[3] ^= 1;
    send_head(head, &world.server_key);
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
}

/* A digest that differs is a bug rather than an attack: nothing ends, but "in sync" is over. */
static void with_another_digest_nothing_is_in_sync(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.digest.b[3] ^= 1;
    send_head(head, &world.server_key);
    assert_non_null(reader->replica);
    assert_false(sat_replica_in_sync(reader->replica));
    assert_true(reader->idle);
    send_head(forge_true_head(&world, &world.spaces[0]), &world.server_key);
    assert_true(sat_replica_in_sync(reader->replica));
}

/* ---- Time ---- */

static void set_header(struct forge *forge, uint64_t hlc)
{
    forge->headers[0].hlc = hlc;
    forge_header(forge, 0);
    forge_sign(forge, &sat_keyring_secrets(author->handle.keyring)->sign);
}

/* A server and a member who agree on the last instant of all calendars: the reader's own clock still ticks, and honest
 * work still orders. */
static void a_time_at_the_end_of_all_calendars_stops_no_clock(void **state)
{
    (void)state;
    scene_write(&world, author, 2, CITY, "Biel");
    scene_lose_push(&world, author, 0);
    assert_false(world_sync(&world, author));
    open_and_sync(reader);
    struct forge forge;
    forge_pending(&forge, author, &world.spaces[0]);
    set_header(&forge, SAT_TIME_MS_MAX << 16 | 0xffff);
    forge_entry(&forge, reader, &world.spaces[0], 2, SAT_TIME_MS_MAX, reader->handle.directory.seq);
    world_run(&world, reader);
    assert_int_equal(cursor_of(reader), 2); /* it was taken */
    for (uint32_t i = 0; i < 3; i++) scene_write(&world, reader, 3 + i, CITY, "Chur");
    scene_write(&world, reader, 3, CITY, "Cham");
    assert_string_equal(scene_shows(&world, reader, 3, CITY), "Cham");
    uint64_t clock;
    assert_int_equal(sat_store_meta_get_u64(reader->handle.store, "hlc", 0, &clock), SAT_OK);
    assert_true(clock >> 16 < 2 * world.now_ms);
    forge_deinit(&forge);
}

/* ---- Batches ---- */

/* What came in one batch with a lie is not merged either: all or nothing. */
static void a_batch_with_a_lie_at_its_end_leaves_no_trace(void **state)
{
    (void)state;
    open_and_sync(reader);
    write_and_push("Biel");
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    head.root.b[20] ^= 1;
    uint64_t cursor = cursor_of(reader);
    while (world_fetch(&world, reader)) continue;
    forge_head(head, &reader->handle.directory.org, &world.server_key, reader, &world.spaces[0]);
    assert_true(world_hand_over_together(&world, reader));
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
    assert_null(reader->replica);
    assert_int_equal(cursor_of(reader), cursor);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    assert_true(world_sync(&world, reader)); /* the honest server still has it */
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Biel");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_forged_change_is_caught),
        STORY(a_change_moved_to_another_record_or_author_is_caught),
        STORY(a_log_whose_positions_step_back_is_caught),
        STORY(an_altered_receive_time_contradicts_the_signed_head),
        STORY(own_work_behind_an_altered_receive_time_is_not_lost),
        STORY(a_change_hidden_behind_a_stub_is_caught),
        STORY(a_stub_for_what_was_kept_is_caught),
        STORY(a_hole_in_a_chain_is_caught),
        STORY(a_head_that_the_server_did_not_sign_is_caught),
        STORY(a_head_with_another_root_is_caught),
        STORY(a_head_of_another_life_of_the_log_is_caught),
        STORY(a_head_of_another_life_that_nothing_bears_out_is_not_believed_for_ever),
        STORY(a_head_of_another_directory_is_caught),
        STORY(with_another_digest_nothing_is_in_sync),
        STORY(a_time_at_the_end_of_all_calendars_stops_no_clock),
        STORY(a_batch_with_a_lie_at_its_end_leaves_no_trace),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile server", tests, NULL, NULL);
}
