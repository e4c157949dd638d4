/* Behind a refused bundle: the statement that it is empty, on its way, in the log, and in the hands of others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/void.h"
#include "tests/story/forge.h"
#include "tests/story/raw.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 70, 2);
    a = world_join(&world, 3);
    b = world_join(&world, 3);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void agree(struct world_device *device)
{
    assert_true(world_sync(&world, device));
    assert_true(scene_agrees(&world, device));
}

static uint64_t aside(struct world_device *device)
{
    uint64_t open;
    assert_int_equal(sat_store_aside_count(device->handle.store, &open), SAT_OK);
    return open;
}

/* Three bundles in the territory: writes elsewhere part them. */
static void write_three(void)
{
    scene_write(&world, a, 2, CITY, "one");
    scene_write_in(&world, a, &world.spaces[1], 9, CITY, "x");
    scene_write(&world, a, 3, CITY, "two");
    scene_write_in(&world, a, &world.spaces[1], 9, CITY, "y");
    scene_write(&world, a, 4, CITY, "three");
}

static void one_in_the_middle_is_refused(void **state)
{
    (void)state;
    write_three();
    scene_damage_push(&world, a, 1);
    agree(a);
    agree(b);
    assert_int_equal(aside(a), 1);
    assert_string_equal(scene_shows(&world, b, 2, CITY), "one");
    assert_string_equal(scene_shows(&world, b, 4, CITY), "three");
    assert_string_equal(scene_base(&world, world.server_store, 3), "");
}

/* The first push, in full, with a byte flipped. */
static bool flip(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                 struct sat_arena *arena, bool suite)
{
    struct forge forge;
    if (filter->met > 1) return true;
    forge_pending(&forge, device, &world.spaces[0]);
    if (suite)
        forge.bundle.manifest.suite ^= 73;
    else
        forge.bundle.manifest.dir_hash.b[7] ^= 4;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(&forge.bundle, SAT_BUNDLE_FULL, &bytes);
    message->as.PUSH.bundle = sat_span_copy(arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    forge_deinit(&forge);
    return true;
}

/* As one of another directory it would wait for ever. */
static bool flip_the_directory(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                               struct sat_arena *arena)
{
    return flip(filter, device, message, arena, false);
}

static bool flip_the_suite(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                           struct sat_arena *arena)
{
    return flip(filter, device, message, arena, true);
}

static void what_the_server_seems_too_old_for_is_sent_again_by_the_next_session(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_PUSH, .change = flip_the_suite};
    write_three();
    forge_filter_on(a, &filter);
    assert_false(world_sync(&world, a));
    assert_int_equal(a->last_err, SAT_ERR_UPGRADE_NEEDED);
    assert_int_equal(scene_pending(a), 3);
    world_crash_device(&world, a); /* what it knows of that is on its disk */
    agree(a);
    agree(b);
    assert_int_equal(aside(a), 0);
    assert_string_equal(scene_shows(&world, b, 2, CITY), "one");
    assert_string_equal(scene_shows(&world, b, 4, CITY), "three");
}

static void what_is_damaged_so_that_it_looks_like_a_fork_is_refused_as_damaged(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_PUSH, .change = flip_the_directory};
    write_three();
    forge_filter_on(a, &filter);
    agree(a);
    agree(b);
    assert_int_equal(a->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(aside(a), 1);
    assert_string_equal(scene_shows(&world, b, 4, CITY), "three");
}

/* The first push is damaged on its way, and comes once more as it was sent. */
static bool damage_and_repeat(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    bool *done = context;
    if (down || *done) return true;
    sat_arena_init(&arena);
    assert_int_equal(sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message), SAT_OK);
    if (message.type == SAT_MESSAGE_PUSH) {
        *done = true;
        world_post(device, false, sat_buf_span(bytes));
        bytes->at[bytes->len - 1] ^= 1;
    }
    sat_arena_deinit(&arena);
    return true;
}

/* Its author has said by then, or is about to say, that it is empty, and what it had seen of it it has not seen. */
static void what_was_refused_is_not_taken_when_it_comes_again(void **state)
{
    (void)state;
    bool done = false;
    scene_write(&world, a, 2, CITY, "Chur");
    scene_write_in(&world, a, &world.spaces[1], 9, CITY, "x");
    scene_write(&world, a, 2, CITY, "Olten");
    a->on_way = damage_and_repeat;
    a->on_way_context = &done;
    agree(a);
    agree(b);
    assert_int_equal(aside(a), 1);
    assert_int_equal(a->heard[SAT_NOTICE_REINDEXED], 0);
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Olten");
}

/* Each of them, as far back as answers may be on their way; and of that space alone. */
static void what_was_refused_is_not_taken_behind_other_refusals(void **state)
{
    (void)state;
    enum { N = SAT_PUSH_WINDOW };
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 3);
    const struct world_device *c = raw_join(&world, &code, false);
    uint64_t dir_seq = sat_host_directory(world.host)->seq, size = scene_log_size(&world);
    struct raw_bundle made[N], elsewhere;
    struct raw raw;
    raw_enter(&raw, &world, c);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    for (uint32_t i = 0; i < N; i++) {
        raw_bundle(&made[i], &world, c, &world.spaces[0], i + 1, NULL, dir_seq);
        struct raw_bundle damaged = made[i];
        damaged.bundle.signature.b[0] ^= 1;
        sat_buf_init(&damaged.bytes);
        sat_bundle_encode(&damaged.bundle, SAT_BUNDLE_FULL, &damaged.bytes);
        assert_int_equal(raw_push(&raw, 1, &damaged), SAT_ERR_TAMPERED);
        raw_bundle_free(&damaged);
    }
    raw_subscribe(&raw, 1, &world.spaces[0]); /* the same session: it knows still what it said */
    for (uint32_t i = 0; i < N; i++) assert_int_equal(raw_push(&raw, 1, &made[i]), SAT_OK);
    assert_int_equal(scene_log_size(&world), size);
    raw_subscribe(&raw, 1, &world.spaces[1]);
    raw_bundle(&elsewhere, &world, c, &world.spaces[1], 1, NULL, dir_seq);
    assert_int_equal(raw_push(&raw, 1, &elsewhere), SAT_OK);
    assert_int_equal(scene_space(world.server_store, &world.spaces[1]).log.size, 1);
    raw_end(&raw);
    raw_enter(&raw, &world, c);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    assert_int_equal(raw_push(&raw, 1, &made[1]), SAT_OK);
    assert_int_equal(scene_log_size(&world), size + 1);
    raw_end(&raw);
    raw_bundle_free(&elsewhere);
    for (uint32_t i = 0; i < N; i++) raw_bundle_free(&made[i]);
}

static void one_after_the_other_is_refused(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, a, 2, CITY, i ? "again" : "first");
        scene_write(&world, a, 5 + i, CITY, "kept out");
        scene_damage_push(&world, a, 0);
        agree(a);
    }
    assert_int_equal(aside(a), 3);
    scene_write(&world, a, 2, CITY, "at last");
    agree(a);
    agree(b);
    assert_string_equal(scene_shows(&world, b, 2, CITY), "at last");
}

static void a_statement_that_is_lost_is_sent_again(void **state)
{
    (void)state;
    write_three();
    scene_damage_push(&world, a, 0);
    world_connect(&world, a);
    while (a->replica && aside(a) == 0 && world_deliver(&world, a, WORLD_NO_FAULT)) continue;
    assert_int_equal(aside(a), 1);
    world_crash_device(&world, a);
    agree(a);
    agree(b);
    assert_string_equal(scene_shows(&world, b, 4, CITY), "three");
    assert_int_equal(aside(a), 1);
}

/* The first pending one in the territory, by a version that knew no such statement, or as the connection broke. */
static void refuse_behind_ones_back(struct world_device *device)
{
    struct sat_store *store = device->handle.store;
    struct sat_arena arena;
    struct sat_bundle_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_bundles_pending(store, world_sid(device, &world.spaces[0]), 0, 1, &arena, &rows, &n),
                     SAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_store_bundle_set_refused(store, rows[0].bid, SAT_ERR_BOUNDS), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    sat_arena_deinit(&arena);
}

static void what_was_refused_in_an_earlier_session_is_mended_too(void **state)
{
    (void)state;
    write_three();
    scene_lose_push(&world, a, 0);
    (void)world_sync(&world, a);
    refuse_behind_ones_back(a);
    agree(a);
    agree(b);
    assert_string_equal(scene_base(&world, world.server_store, 2), "");
    assert_string_equal(scene_shows(&world, b, 4, CITY), "three");
}

/* The territory is the last one of which the session hears. */
static void so_it_is_where_nothing_else_is_to_be_said(void **state)
{
    (void)state;
    struct world_device *one = world_join(&world, 1);
    scene_write(&world, one, 2, CITY, "one");
    scene_lose_push(&world, one, 0);
    (void)world_sync(&world, one);
    one->on_way = NULL;
    refuse_behind_ones_back(one);
    agree(one);
    assert_int_equal(aside(one), 1);
    assert_string_equal(scene_base(&world, world.server_store, 2), "");
}

static void who_joins_later_and_a_server_that_starts_anew_have_it_too(void **state)
{
    (void)state;
    write_three();
    scene_damage_push(&world, a, 0);
    agree(a);
    world_crash_server(&world);
    struct world_device *late = world_join(&world, 3);
    agree(late);
    assert_string_equal(scene_shows(&world, late, 4, CITY), "three");
    scene_write(&world, late, 4, CITY, "four");
    agree(late);
    scene_write(&world, a, 4, NAME, "n");
    agree(a);
    agree(late);
    assert_string_equal(scene_shows(&world, late, 4, CITY), "four");
}

/* What an author who is gone had said is given back by others, in its place: what comes behind it stands on it. */
static void give_back_without_its_author(bool revoked)
{
    world_backup(&world, 1);
    write_three();
    scene_damage_push(&world, a, 1);
    agree(a);
    agree(b);
    uint64_t size = scene_log_size(&world);
    if (revoked) {
        raw_revoke(&world, scene_number(a));
        assert_true(world_sync(&world, &world.devices[0]));
        agree(b);
    }
    world_restore(&world, 1, true);
    agree(b);
    assert_int_equal(scene_log_size(&world), size);
    assert_string_equal(scene_base(&world, world.server_store, 4), scene_live(&world, b, 4));
    uint64_t left;
    assert_int_equal(sat_store_return_count(b->handle.store, 0, true, &left), SAT_OK);
    assert_int_equal(left, 0);
    if (revoked) assert_true(world_sync(&world, &world.devices[0]));
    world_confirm_restore(&world);
    struct world_device *late = world_join(&world, 3);
    agree(late);
    assert_string_equal(scene_shows(&world, late, 2, CITY), "one");
    assert_string_equal(scene_shows(&world, late, 4, CITY), "three");
    world_restore(&world, 1, true); /* and once more, by who has it from there */
    agree(late);
    agree(b);
    assert_string_equal(scene_base(&world, world.server_store, 4), scene_live(&world, b, 4));
}

static void what_a_server_lost_of_it_is_given_back_by_others(void **state)
{
    (void)state;
    give_back_without_its_author(false);
    agree(a);
    assert_string_equal(scene_shows(&world, a, 4, CITY), "three");
}

static void what_a_server_lost_of_it_is_given_back_though_its_author_is_out(void **state)
{
    (void)state;
    give_back_without_its_author(true);
}

/* ---- What others could make of it ---- */

static struct sat_signed_void statement_by(struct world_device *signer, uint64_t first)
{
    struct sat_bundle_row tip;
    bool found;
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    assert_int_equal(sat_store_bundle_tip(world.server_store, space.sid, scene_number(a), false, &tip, &found), SAT_OK);
    assert_true(found);
    struct sat_signed_void empty = {.statement = {.space = world.spaces[0],
                                                  .device = scene_number(a),
                                                  .first = first,
                                                  .count = 1,
                                                  .refused = tip.id,
                                                  .prev = tip.id}};
    empty.signature = sat_void_sign(&empty.statement, &sat_host_directory(world.host)->org,
                                    &sat_keyring_secrets(signer->handle.keyring)->sign);
    return empty;
}

/* After a server was set back its author calls empty what is still to be given back. */
static void who_calls_empty_what_a_server_lost_stops_nobody(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_buf bytes;
    world_backup(&world, 1);
    uint64_t counter = scene_write(&world, a, 2, CITY, "Chur");
    agree(a);
    agree(b);
    world_restore(&world, 1, true);
    struct sat_signed_void empty = statement_by(a, counter);
    sat_buf_init(&bytes);
    sat_put_u8(&bytes, SAT_VOID_FORM);
    sat_void_encode(&empty.statement, &empty.signature, &bytes);
    struct sat_message message = {.type = SAT_MESSAGE_PUSH};
    message.as.PUSH = (struct sat_message_PUSH){.sub = 1, .bundle = sat_buf_span(&bytes)};
    raw_enter(&raw, &world, a);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    uint64_t size = scene_log_size(&world);
    raw_say(&raw, &message);
    assert_int_equal(scene_log_size(&world), size + 1);
    raw_end(&raw);
    sat_buf_deinit(&bytes);
    agree(b);
    assert_int_equal(aside(b), 0);
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Chur"); /* it is not what was refused, and written again */
    scene_write(&world, b, 3, CITY, "Zug");
    agree(b);
}

static enum sat_err verdict_on(const struct sat_signed_void *empty)
{
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    struct sat_judge judge = {.store = world.server_store,
                              .directory = sat_host_directory(world.host),
                              .space = &space,
                              .dir_at = sat_host_directory(world.host)->seq};
    struct sat_fault fault;
    return sat_judge_void(&judge, empty, &fault);
}

static void nobody_calls_anothers_work_empty_nor_what_is_there(void **state)
{
    (void)state;
    struct sat_signed_void good = statement_by(a, 5), forged = statement_by(b, 5), taken = statement_by(a, 1),
                           adrift = good;
    assert_int_equal(verdict_on(&good), SAT_OK);
    assert_int_equal(verdict_on(&forged), SAT_ERR_TAMPERED);
    assert_int_equal(verdict_on(&taken), SAT_ERR_FORK);
    adrift.statement.prev.b[0] ^= 1;
    adrift.signature = sat_void_sign(&adrift.statement, &sat_host_directory(world.host)->org,
                                     &sat_keyring_secrets(a->handle.keyring)->sign);
    assert_int_equal(verdict_on(&adrift), SAT_ERR_STALE);
    good.statement.device = 77;
    assert_int_equal(verdict_on(&good), SAT_ERR_DENIED);
}

static void a_forged_statement_that_a_server_shows_is_caught(void **state)
{
    (void)state;
    struct sat_signed_void forged = statement_by(b, 5);
    struct sat_buf item;
    world_connect(&world, b);
    world_run(&world, b);
    uint64_t size = scene_log_size(&world);
    sat_buf_init(&item);
    sat_put_u8(&item, SAT_ENTRY_VOID);
    sat_put_varint(&item, world.now_ms);
    sat_put_varint(&item, b->handle.directory.seq);
    sat_void_encode(&forged.statement, &forged.signature, &item);
    forge_entry_bytes(b, &world.spaces[0], size + 1, sat_buf_span(&item));
    b->last_err = SAT_OK;
    world_run(&world, b);
    sat_buf_deinit(&item);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(scene_space(b->handle.store, &world.spaces[0]).log.size, size);
    agree(b);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(one_in_the_middle_is_refused),
        test(what_the_server_seems_too_old_for_is_sent_again_by_the_next_session),
        test(what_is_damaged_so_that_it_looks_like_a_fork_is_refused_as_damaged),
        test(what_was_refused_is_not_taken_when_it_comes_again),
        test(what_was_refused_is_not_taken_behind_other_refusals),
        test(one_after_the_other_is_refused),
        test(a_statement_that_is_lost_is_sent_again),
        test(what_was_refused_in_an_earlier_session_is_mended_too),
        test(so_it_is_where_nothing_else_is_to_be_said),
        test(who_joins_later_and_a_server_that_starts_anew_have_it_too),
        test(what_a_server_lost_of_it_is_given_back_by_others),
        test(what_a_server_lost_of_it_is_given_back_though_its_author_is_out),
        test(who_calls_empty_what_a_server_lost_stops_nobody),
        test(nobody_calls_anothers_work_empty_nor_what_is_there),
        test(a_forged_statement_that_a_server_shows_is_caught),
    };
    return cmocka_run_group_tests_name("void", tests, NULL, NULL);
}
