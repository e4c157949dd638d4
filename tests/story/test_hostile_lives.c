/* Lies about servers that were set back: a server that invents lives of its log, or what came back in them; a member
 * who wants a server to believe that it lost something. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/subscription.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    assert_true(scene_two_reps(&world, 89, &a, &b));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* The log is longer, and the server older than that. */
static void lose_something(void)
{
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Chur");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
}

static void all_is_well(const char *city)
{
    a->on_way = b->on_way = NULL;
    assert_true(world_settle(&world, 6));
    assert_true(scene_agrees(&world, a));
    assert_true(scene_agrees(&world, b));
    assert_string_equal(scene_shows(&world, a, 1, CITY), city);
    assert_string_equal(scene_shows(&world, b, 1, CITY), city);
}

/* The device's next session ends with this error, and nothing of what it has is gone. */
static void is_caught(struct world_device *device, enum sat_err err, const char *city)
{
    device->last_err = SAT_OK;
    assert_false(world_sync(&world, device));
    assert_int_equal(device->last_err, err);
    assert_string_equal(scene_shows(&world, device, 1, CITY), city);
}

/* ---- A server ---- */

static struct sat_life true_life(void)
{
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    return (struct sat_life){.space = space.id,
                             .epoch = {{0xee, 1}},
                             .parent = space.log_epoch,
                             .size = space.log.size,
                             .root = sat_frontier_root(&space.log),
                             .time_ms = world.now_ms};
}

static struct sat_span life_item(struct sat_life life, const struct sat_sign_key *key, struct sat_arena *arena)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_life_sign(&life, &sat_host_directory(world.host)->org, key);
    sat_life_encode(&life, &bytes);
    struct sat_span item = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return item;
}

static void say_lives(const struct sat_life *lives, uint32_t n, const struct sat_sign_key *key)
{
    struct sat_arena arena;
    struct sat_span items[2];
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < n; i++) items[i] = life_item(lives[i], key, &arena);
    struct sat_message message = {.type = SAT_MESSAGE_LIVES};
    message.as.LIVES.sub = forge_sub(b, &world.spaces[0]);
    message.as.LIVES.lives = (struct sat_list){items, n};
    memcpy(message.as.LIVES.epoch, lives[n - 1].epoch.b, sizeof lives[n - 1].epoch.b);
    b->last_err = SAT_OK;
    world_connect(&world, b);
    world_run(&world, b);
    forge_send(b, true, &message);
    world_run(&world, b);
    world_disconnect(&world, b);
    sat_arena_deinit(&arena);
}

static void say_life(struct sat_life life, const struct sat_sign_key *key)
{
    say_lives(&life, 1, key);
}

static void a_life_that_continues_none_that_is_known_is_a_fork(void **state)
{
    (void)state;
    struct sat_life life = true_life();
    life.parent = (struct sat_log_epoch){{0xdd}};
    say_life(life, &world.server_key);
    assert_int_equal(b->last_err, SAT_ERR_FORK);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
    all_is_well("Bern");
}

static void a_life_without_a_parent_is_a_fork(void **state)
{
    (void)state;
    struct sat_life life = true_life();
    life.parent = (struct sat_log_epoch){{0}};
    say_life(life, &world.server_key);
    assert_int_equal(b->last_err, SAT_ERR_FORK);
    all_is_well("Bern");
}

/* The first continues what is known here, but not the one that the log is said to be in. */
static void lives_that_do_not_continue_each_other_are_a_fork(void **state)
{
    (void)state;
    struct sat_life lives[2] = {true_life(), true_life()};
    lives[1].epoch = (struct sat_log_epoch){{0xee, 2}};
    lives[1].parent = (struct sat_log_epoch){{0xdd}};
    say_lives(lives, 2, &world.server_key);
    assert_int_equal(b->last_err, SAT_ERR_FORK);
    all_is_well("Bern");
}

static void a_life_that_the_server_has_not_signed_is_tampered(void **state)
{
    (void)state;
    struct sat_public_key public_key;
    struct sat_sign_key other;
    sat_sign_keypair((const uint8_t[32]){7}, &public_key, &other);
    say_life(true_life(), &other);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    all_is_well("Bern");
}

/* Each is true, as far as anybody can see; what was said of all of them is not kept. */
static void a_server_that_tells_of_lives_without_end_is_left(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_life life = true_life();
    uint32_t told = 0;
    sat_arena_init(&arena);
    b->last_err = SAT_OK;
    world_connect(&world, b);
    world_run(&world, b);
    for (; told < 200 && b->last_err == SAT_OK; told++) {
        life.epoch.b[2] = (uint8_t)told;
        struct sat_span item = life_item(life, &world.server_key, &arena);
        struct sat_message message = {.type = SAT_MESSAGE_LIVES};
        message.as.LIVES.sub = forge_sub(b, &world.spaces[0]);
        message.as.LIVES.lives = (struct sat_list){&item, 1};
        memcpy(message.as.LIVES.epoch, life.epoch.b, sizeof life.epoch.b);
        forge_send(b, true, &message);
        assert_true(world_hand_over(&world, b, true));
    }
    assert_int_equal(b->last_err, SAT_ERR_PROTOCOL);
    assert_in_range(told, 60, 70);
    world_disconnect(&world, b);
    sat_arena_deinit(&arena);
    all_is_well("Bern");
}

/* Where the logs part: nowhere in what they have in common, or not at all. */
static bool say_zero(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                     struct sat_arena *arena)
{
    (void)filter;
    (void)device;
    (void)arena;
    message->as.COMMON.size = 0;
    return true;
}

static bool say_all(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                    struct sat_arena *arena)
{
    (void)filter;
    (void)arena;
    message->as.COMMON.size = scene_space(device->handle.store, &world.spaces[0]).log.size;
    return true;
}

static void what_a_server_signed_of_a_branch_counts_for_more_than_its_answer(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    struct forge_filter filter = {.type = SAT_MESSAGE_COMMON, .change = say_zero, .world = &world};
    forge_filter_on(b, &filter);
    assert_true(world_sync(&world, b));
    assert_int_equal(filter.met, 1);
    all_is_well("Chur");
}

static void a_server_that_contradicts_its_own_branch_is_caught(void **state)
{
    (void)state;
    lose_something();
    uint64_t size = scene_log_size(&world);
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a)); /* and gives it back: that entry is another now */
    assert_int_equal(scene_log_size(&world), size);
    world_backup(&world, 2);
    world_restore(&world, 2, true);
    struct forge_filter filter = {.type = SAT_MESSAGE_COMMON, .change = say_all, .world = &world};
    forge_filter_on(b, &filter);
    is_caught(b, SAT_ERR_FORK, "Chur");
    assert_int_equal(filter.met, 1);
    all_is_well("Chur");
}

/* An entry that says that it came back. */
static void say_it_came_back(uint64_t receipt_ms, uint64_t receipt_dir)
{
    struct forge forge;
    struct sat_buf bundle, item;
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    sat_buf_init(&bundle);
    sat_buf_init(&item);
    world_connect(&world, b);
    world_run(&world, b);
    scene_write(&world, a, 1, NAME, "new");
    assert_true(world_sync(&world, a));
    forge_stored(&forge, &world, &world.spaces[0], space.log.size + 1);
    sat_bundle_encode(&forge.bundle, SAT_BUNDLE_FULL, &bundle);
    struct sat_entry_wire wire = {.kind = SAT_ENTRY_RETURNED,
                                  .recv_ms = world.now_ms,
                                  .dir_at = sat_host_directory(world.host)->seq,
                                  .receipt_ms = receipt_ms,
                                  .receipt_dir = receipt_dir,
                                  .bundle = sat_buf_span(&bundle)};
    sat_entry_wire_encode(&wire, &item);
    b->last_err = SAT_OK;
    forge_entry_bytes(b, &world.spaces[0], space.log.size + 1, sat_buf_span(&item));
    while (world_hand_over(&world, b, true) && b->replica) continue;
    world_disconnect(&world, b);
    sat_buf_deinit(&item);
    sat_buf_deinit(&bundle);
    forge_deinit(&forge);
}

static void nothing_comes_back_to_a_log_that_was_never_set_back(void **state)
{
    (void)state;
    say_it_came_back(world.now_ms - 1000, sat_host_directory(world.host)->seq);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    all_is_well("Bern");
}

static void nothing_comes_back_that_was_received_before_what_it_had_seen(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    all_is_well("Chur");
    say_it_came_back(5, sat_host_directory(world.host)->seq);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    all_is_well("Chur");
}

static void nothing_comes_back_with_a_receipt_of_the_future(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    all_is_well("Chur");
    say_it_came_back(world.now_ms + 1000000, sat_host_directory(world.host)->seq);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    all_is_well("Chur");
}

/* ---- A member ---- */

static struct sat_log_epoch server_life(void)
{
    return scene_space(world.server_store, &world.spaces[0]).log_epoch;
}

static void claim(struct sat_head head, const struct sat_sign_key *key)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    if (key) sat_head_sign(&head, &sat_host_directory(world.host)->org, key);
    sat_head_encode(&head, false, &bytes);
    struct sat_span item = sat_buf_span(&bytes);
    struct sat_message message = {.type = SAT_MESSAGE_CLAIM};
    message.as.CLAIM.sub = forge_sub(a, &world.spaces[0]);
    message.as.CLAIM.heads = (struct sat_list){&item, 1};
    world_connect(&world, a);
    world_run(&world, a);
    forge_send(a, false, &message);
    a->last_err = SAT_OK;
    world_run(&world, a);
    world_disconnect(&world, a);
    sat_buf_deinit(&bytes);
}

static void nobody_begins_a_life_with_a_head_that_the_server_has_not_signed(void **state)
{
    (void)state;
    struct sat_log_epoch before = server_life(), now;
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    struct sat_public_key public_key;
    struct sat_sign_key other;
    sat_sign_keypair((const uint8_t[32]){7}, &public_key, &other);
    head.size += 5;
    claim(head, &other);
    now = server_life();
    assert_true(sat_log_epoch_equal(&before, &now));
    assert_int_equal(a->last_err, SAT_ERR_TAMPERED); /* it is told so, and let go */
    all_is_well("Bern");
}

static void a_head_that_is_on_the_log_begins_no_life(void **state)
{
    (void)state;
    struct sat_log_epoch before = server_life(), now;
    claim(forge_true_head(&world, &world.spaces[0]), NULL);
    now = server_life();
    assert_true(sat_log_epoch_equal(&before, &now));
    all_is_well("Bern");
}

static void a_head_that_was_lost_begins_one_life_and_no_second(void **state)
{
    (void)state;
    lose_something();
    struct sat_head head = forge_true_head(&world, &world.spaces[0]);
    world_restore(&world, 1, false);
    claim(head, NULL);
    struct sat_log_epoch before = server_life(), now;
    assert_false(sat_log_epoch_equal(&before, &head.log_epoch));
    claim(head, NULL);
    now = server_life();
    assert_true(sat_log_epoch_equal(&before, &now));
    all_is_well("Chur");
}

static struct {
    uint64_t error;
    uint32_t met;
} unreturned;

static bool hear(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    if (down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) == SAT_OK &&
        message.type == SAT_MESSAGE_UNRETURNED) {
        unreturned.error = message.as.UNRETURNED.error;
        unreturned.met++;
    }
    sat_arena_deinit(&arena);
    return true;
}

/* `giver` gives back what the author has pending, or its forged stubs. */
static void give_back(struct world_device *giver, struct world_device *author, bool stub)
{
    struct forge forge;
    struct sat_buf bundle;
    sat_buf_init(&bundle);
    forge_pending(&forge, author, &world.spaces[0]);
    if (stub)
        forge.bundle.changes[0] = (struct sat_change){
            .record = forge.bundle.changes[0].record, .stub = true, .rest = forge.bundle.changes[0].rest};
    sat_bundle_encode(&forge.bundle, SAT_BUNDLE_FULL, &bundle);
    struct sat_message message = {.type = SAT_MESSAGE_RETURN};
    message.as.RETURN.sub = forge_sub(giver, &world.spaces[0]);
    message.as.RETURN.bundle = sat_buf_span(&bundle);
    unreturned.met = 0;
    giver->on_way = hear;
    world_connect(&world, giver);
    world_run(&world, giver);
    forge_send(giver, false, &message);
    world_run(&world, giver);
    world_disconnect(&world, giver);
    giver->on_way = NULL;
    sat_buf_deinit(&bundle);
    forge_deinit(&forge);
}

static void lose_a_push_of_b(const char *city)
{
    scene_write(&world, b, 1, CITY, city);
    scene_lose_push(&world, b, 0);
    (void)world_sync(&world, b);
    b->on_way = NULL;
}

static void is_not_given_back(bool stub)
{
    uint64_t size = scene_log_size(&world);
    give_back(a, b, stub);
    assert_int_equal(unreturned.met, 1);
    assert_int_equal(unreturned.error, SAT_ERR_DENIED);
    assert_int_equal(scene_log_size(&world), size);
}

static void nothing_is_given_back_to_a_server_that_never_lost_anything(void **state)
{
    (void)state;
    for (int stub = 0; stub < 2; stub++) {
        lose_a_push_of_b(stub ? "Genf" : "Zug");
        is_not_given_back(stub);
        assert_true(world_settle(&world, 4));
    }
    all_is_well("Genf");
}

/* Whoever has the keys of a device that is out would put something else where its lost work belongs. */
static void the_work_of_who_is_out_comes_back_with_a_proof_alone(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    all_is_well("Chur");
    assert_true(world_confirm_restore(&world));
    all_is_well("Chur");
    lose_a_push_of_b("Zug");
    order_revoke(&world, b);
    is_not_given_back(false);
    is_not_given_back(true);
}

/* ---- Giving back without the bytes ---- */

static bool hide(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                 struct sat_arena *arena)
{
    const uint32_t *lost = filter->context;
    struct sat_bundle bundle;
    struct sat_buf bytes;
    (void)device;
    assert_int_equal(sat_bundle_decode(message->as.RETURN.bundle, &sat_host_directory(world.host)->org,
                                       &world.spaces[0], arena, &bundle),
                     SAT_OK);
    for (uint32_t i = 0; i < bundle.manifest.count; i++) {
        struct sat_change *change = &bundle.changes[i];
        *change = (struct sat_change){.record = change->record, .stub = true, .rest = change->rest};
    }
    sat_buf_init(&bytes);
    sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &bytes);
    message->as.RETURN.bundle = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return filter->met > *lost;
}

/* Two people's work, the second standing on the first's: b gives it back without the bytes, with `lost` of its RETURNs
 * not sent at all at first. */
static void b_hides(uint32_t lost)
{
    struct forge_filter filter = {.type = SAT_MESSAGE_RETURN, .change = hide, .world = &world, .context = &lost};
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Chur");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 1, NAME, "Muster");
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
    uint64_t size = scene_log_size(&world);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < 3; i++) {
        forge_filter_on(b, &filter);
        (void)world_sync(&world, b);
        b->on_way = NULL;
    }
    assert_int_equal(scene_log_size(&world), size);
}

static void what_is_given_back_without_its_bytes_is_made_whole(uint32_t lost)
{
    struct world_device *reader = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    b_hides(lost);
    reader->last_err = SAT_OK;
    assert_false(world_sync(&world, reader)); /* knows that there is more, and accuses nobody */
    assert_int_equal(reader->last_err, SAT_OK);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    a->last_err = SAT_OK;
    assert_true(world_sync(&world, a));
    assert_int_equal(a->last_err, SAT_OK);
    assert_true(world_sync(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Chur");
    all_is_well("Chur");
    assert_true(scene_agrees(&world, reader));
    assert_true(world_confirm_restore(&world));
    struct world_device *late = world_join(&world, 1);
    all_is_well("Chur");
    assert_true(scene_agrees(&world, late));
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, late, 1, NAME), "Muster");
    world_restore(&world, 1, false); /* and all over again */
    all_is_well("Chur");
    assert_true(scene_agrees(&world, late));
}

static void a_member_who_gives_back_without_the_bytes_hides_nothing(void **state)
{
    (void)state;
    what_is_given_back_without_its_bytes_is_made_whole(0);
}

/* So many that nobody can fill come first, and their author offers them all the same. */
static void what_nobody_can_fill_hides_nothing_behind_it(void **state)
{
    enum { ALL = 80, LOST = 70 };
    uint32_t no_loss = 0;
    struct forge_filter filter = {.type = SAT_MESSAGE_RETURN, .change = hide, .world = &world, .context = &no_loss};
    (void)state;
    world_backup(&world, 1);
    for (uint32_t i = 0; i < ALL; i++) {
        uint64_t counter = scene_write(&world, a, 100 + i, CITY, "Chur");
        assert_true(world_sync(&world, a));
        if (i < LOST) scene_spoil(a, scene_dot(a, counter));
    }
    assert_true(world_sync(&world, b));
    uint64_t size = scene_log_size(&world);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < 3; i++) {
        forge_filter_on(b, &filter);
        (void)world_sync(&world, b);
        b->on_way = NULL;
    }
    assert_int_equal(scene_log_size(&world), size);
    for (uint32_t i = 0; i < 8; i++) { /* another one who comes by turns */
        (void)world_sync(&world, a);
        forge_filter_on(b, &filter);
        (void)world_sync(&world, b);
        b->on_way = NULL;
    }
    for (uint32_t i = 0; i < ALL; i++) assert_true(i < LOST || scene_base(&world, world.server_store, 100 + i)[0]);
}

/* Then the log has it before what it stands on. */
static void not_even_one_who_gives_back_in_another_order(void **state)
{
    (void)state;
    what_is_given_back_without_its_bytes_is_made_whole(1);
}

static void whose_pending_work_was_given_back_without_its_bytes_brings_them(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    all_is_well("Chur");
    uint64_t size = scene_log_size(&world);
    lose_a_push_of_b("Genf");
    give_back(a, b, true);
    assert_int_equal(scene_log_size(&world), size + 1);
    all_is_well("Genf");
}

static bool backdate(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                     struct sat_arena *arena)
{
    struct sat_entry entry;
    struct sat_buf bytes;
    (void)filter;
    (void)device;
    struct sat_list *list = &message->as.RECEIPTS.entries;
    struct sat_span *items = sat_arena_array(arena, list->n, sizeof *items);
    memcpy(items, list->at, list->n * sizeof *items);
    assert_int_equal(sat_lost_decode(items[0], &entry), SAT_OK);
    entry.recv_ms -= 1000;
    sat_buf_init(&bytes);
    sat_lost_encode(&entry, &bytes);
    items[0] = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    list->at = items;
    return true;
}

static void a_receipt_that_no_head_proves_counts_for_nothing(void **state)
{
    (void)state;
    lose_something();
    world_restore(&world, 1, true);
    struct forge_filter filter = {.type = SAT_MESSAGE_RECEIPTS, .change = backdate, .world = &world};
    forge_filter_on(a, &filter);
    is_caught(a, SAT_ERR_TAMPERED, "Chur"); /* the server says so */
    assert_true(filter.met > 0);
    all_is_well("Chur");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
        STORY(a_life_that_continues_none_that_is_known_is_a_fork),
        STORY(a_life_without_a_parent_is_a_fork),
        STORY(lives_that_do_not_continue_each_other_are_a_fork),
        STORY(a_life_that_the_server_has_not_signed_is_tampered),
        STORY(a_server_that_tells_of_lives_without_end_is_left),
        STORY(what_a_server_signed_of_a_branch_counts_for_more_than_its_answer),
        STORY(a_server_that_contradicts_its_own_branch_is_caught),
        STORY(nothing_comes_back_to_a_log_that_was_never_set_back),
        STORY(nothing_comes_back_that_was_received_before_what_it_had_seen),
        STORY(nothing_comes_back_with_a_receipt_of_the_future),
        STORY(nobody_begins_a_life_with_a_head_that_the_server_has_not_signed),
        STORY(a_head_that_is_on_the_log_begins_no_life),
        STORY(a_head_that_was_lost_begins_one_life_and_no_second),
        STORY(nothing_is_given_back_to_a_server_that_never_lost_anything),
        STORY(a_member_who_gives_back_without_the_bytes_hides_nothing),
        STORY(what_nobody_can_fill_hides_nothing_behind_it),
        STORY(not_even_one_who_gives_back_in_another_order),
        STORY(whose_pending_work_was_given_back_without_its_bytes_brings_them),
        STORY(the_work_of_who_is_out_comes_back_with_a_proof_alone),
        STORY(a_receipt_that_no_head_proves_counts_for_nothing),
    };
    return cmocka_run_group_tests_name("hostile_lives", tests, NULL, NULL);
}
