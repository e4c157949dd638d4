/* What came in the log and cannot count is put aside with its reason, and blocks nothing: not what its author writes
 * behind it, nor others, nor other territories, nor what this device writes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/base.h"
#include "common/sync/inspect.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *eve, *bob, *reader;
static struct sat_arena arena;
static bool of_an_earlier_time; /* the programs that run now know no suite */

bool sat_suite_is_known(uint16_t suite)
{
    return suite == SAT_SUITE_1 && !of_an_earlier_time;
}

uint16_t sat_suite_in_use(void)
{
    return SAT_SUITE_1;
}

static int begin(void **state)
{
    (void)state;
    of_an_earlier_time = false;
    world_init(&world, 69, 2);
    sat_arena_init(&arena);
    eve = world_join(&world, 3);
    bob = world_join(&world, 3);
    reader = world_join(&world, 3);
    scene_write(&world, bob, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    world_deinit(&world);
    return 0;
}

/* Eve writes, and what she froze is in hand instead of on its way. */
static void in_hand(struct forge *forge, uint32_t record, const char *city)
{
    scene_write(&world, eve, record, CITY, city);
    scene_lose_push(&world, eve, 0);
    (void)world_sync(&world, eve);
    forge_pending(forge, eve, &world.spaces[0]);
}

static void sign(struct forge *forge)
{
    forge_sign(forge, &sat_keyring_secrets(eve->handle.keyring)->sign);
}

/* A server that judges nothing takes it into its log, and signs that. */
static void slip_in(struct forge *forge)
{
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    struct sat_accept accept = {.store = world.server_store,
                                .space = &space,
                                .bundle = &forge->bundle,
                                .headers = forge->headers,
                                .recv_ms = world.now_ms,
                                .dir_at = sat_host_directory(world.host)->seq};
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    assert_int_equal(sat_base_accept(&accept), SAT_OK);
    assert_int_equal(sat_store_space_save(world.server_store, &space), SAT_OK);
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
    world_crash_server(&world); /* so that it reads that */
}

static void claim_to_have_seen_what_never_was(struct forge *forge)
{
    struct sat_dot seen[] = {{scene_number(bob), 1u << 20}};
    forge->headers[0].seen = forge_dots(forge, seen, 1);
    forge_header(forge, 0);
    sign(forge);
}

static struct sat_aside_row *put_aside(uint32_t n)
{
    struct sat_aside_row *rows;
    assert_int_equal(order_escrow(reader->handle.store, &arena, &rows), n);
    return rows;
}

/* The first time the session ends, as a lie on the way would be one that an honest server does not repeat. */
static void meets_it(enum sat_err err)
{
    reader->last_err = SAT_OK;
    assert_false(world_sync(&world, reader));
    assert_int_equal(reader->last_err, err);
}

static void goes_on(void)
{
    reader->last_err = SAT_OK;
    (void)world_sync(&world, reader);
    assert_int_equal(reader->last_err, SAT_OK);
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, scene_log_size(&world));
}

static void what_breaks_the_bounds_is_put_aside_and_blocks_nothing(void **state)
{
    (void)state;
    struct forge forge;
    in_hand(&forge, 1, "erased");
    claim_to_have_seen_what_never_was(&forge);
    slip_in(&forge);
    scene_write(&world, bob, 2, CITY, "Biel");
    scene_write_in(&world, bob, &world.spaces[1], 3, CITY, "Basel");
    (void)world_sync(&world, bob); /* caught, too, before he could write */
    (void)world_sync(&world, bob);
    scene_write(&world, reader, 4, CITY, "Brig");
    meets_it(SAT_ERR_BOUNDS);
    goes_on();
    struct sat_aside_row *rows = put_aside(1);
    assert_int_equal(rows[0].reason, SAT_ERR_BOUNDS);
    assert_true(sat_hash_equal(&rows[0].id, &forge.bundle.id));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, reader, 2, CITY), "Biel");
    assert_int_equal(scene_pending(reader), 0);
    assert_int_equal(scene_drafts(reader), 0);
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[1]).log.size, 1);
    (void)world_sync(&world, bob);
    assert_string_equal(scene_shows(&world, bob, 4, CITY), "Brig");
    forge_deinit(&forge);
}

static void what_nobody_signed_is_put_aside_and_blocks_nothing(void **state)
{
    (void)state;
    struct forge forge;
    in_hand(&forge, 1, "forged");
    forge_sign(&forge, &sat_keyring_secrets(bob->handle.keyring)->sign);
    slip_in(&forge);
    meets_it(SAT_ERR_TAMPERED);
    scene_write(&world, reader, 4, CITY, "Brig");
    goes_on();
    assert_int_equal(put_aside(1)[0].reason, SAT_ERR_TAMPERED);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    assert_int_equal(scene_pending(reader), 0);
    forge_deinit(&forge);
}

static void what_its_author_writes_behind_it_counts(void **state)
{
    (void)state;
    struct forge bad, good;
    in_hand(&bad, 1, "erased");
    good = bad;
    sat_arena_init(&bad.arena);
    bad.bundle.changes = sat_arena_copy(&bad.arena, bad.bundle.changes, sizeof *bad.bundle.changes);
    bad.headers = sat_arena_copy(&bad.arena, bad.headers, sizeof *bad.headers);
    claim_to_have_seen_what_never_was(&bad);
    good.bundle.manifest.first++;
    good.bundle.manifest.prev = bad.bundle.id;
    good.bundle.changes[0].record = world_record(9);
    sign(&good);
    slip_in(&bad);
    slip_in(&good);
    meets_it(SAT_ERR_BOUNDS);
    goes_on();
    assert_int_equal(put_aside(1)[0].reason, SAT_ERR_BOUNDS);
    assert_string_equal(scene_base(&world, reader->handle.store, 9), "2.2"); /* its body is another record's, sealed */
    goes_on();
    forge_deinit(&bad);
    forge_deinit(&good);
}

/* The log that an honest server signs does not have it: then nothing of it stays. */
static void a_lie_that_no_head_proves_is_let_go_of(void **state)
{
    (void)state;
    struct forge forge;
    in_hand(&forge, 1, "erased");
    claim_to_have_seen_what_never_was(&forge);
    for (uint32_t i = 0; i < 2; i++) {
        world_connect(&world, reader);
        world_run(&world, reader);
        uint64_t size = scene_log_size(&world);
        forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
        world_run(&world, reader);
        if (reader->replica) world_disconnect(&world, reader);
    }
    scene_write(&world, bob, 2, CITY, "Biel");
    assert_true(world_sync(&world, bob));
    (void)world_sync(&world, reader);
    assert_true(world_sync(&world, reader));
    assert_true(scene_agrees(&world, reader));
    forge_deinit(&forge);
}

/* ---- Of a later version ---- */

static void what_is_of_a_later_suite_waits_for_the_upgrade_and_blocks_nothing(void **state)
{
    (void)state;
    scene_write(&world, eve, 1, CITY, "Thun");
    assert_true(world_sync(&world, eve));
    scene_write(&world, eve, 2, NAME, "Alpha");
    assert_true(world_sync(&world, eve));
    of_an_earlier_time = true;
    goes_on();
    struct sat_aside_row *rows = put_aside(2);
    assert_int_equal(rows[0].reason, SAT_ERR_UPGRADE_NEEDED);
    assert_int_equal(rows[0].state, SAT_ASIDE_OPEN);
    goes_on(); /* it stays */
    assert_int_equal(reader->heard[SAT_NOTICE_FAILED], 0);
    of_an_earlier_time = false;
    scene_write(&world, reader, 2, CITY, "Chur"); /* by who has not seen Alpha */
    assert_true(world_sync(&world, reader));
    assert_int_equal(put_aside(2)[0].state, SAT_ASIDE_ACCEPTED);
    assert_true(scene_agrees(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Thun");
    assert_string_equal(scene_shows(&world, reader, 2, NAME), "Alpha");
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, eve, 2, CITY), "Chur");
}

static bool lose_answers(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    (void)bytes;
    return !down;
}

/* A lie about where it stands was kept as evidence; then an honest server sends it to who cannot read it. */
static void what_was_lied_about_first_is_taken_up_after_the_upgrade_too(void **state)
{
    (void)state;
    struct forge forge;
    world_connect(&world, reader);
    world_run(&world, reader);
    reader->on_way = lose_answers;
    scene_write(&world, eve, 1, CITY, "Thun");
    assert_true(world_sync(&world, eve));
    world_run(&world, reader);
    reader->on_way = NULL;
    uint64_t seq = scene_log_size(&world);
    forge_stored(&forge, &world, &world.spaces[0], seq);
    forge_entry(&forge, reader, &world.spaces[0], seq, 1, sat_host_directory(world.host)->seq);
    forge_deinit(&forge);
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(put_aside(1)[0].reason, SAT_ERR_TAMPERED);
    of_an_earlier_time = true;
    goes_on();
    assert_int_equal(put_aside(1)[0].reason, SAT_ERR_UPGRADE_NEEDED);
    of_an_earlier_time = false;
    assert_true(world_sync(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Thun");
    assert_true(scene_agrees(&world, reader));
}

/* What it means for those behind it nobody can know. */
static void an_entry_of_a_later_kind_stops_its_own_territory_alone(void **state)
{
    (void)state;
    static const uint8_t later[] = {9, 1, 1, 0xaa, 0xbb};
    uint64_t size = scene_log_size(&world);
    scene_write(&world, reader, 4, CITY, "Brig");
    scene_write_in(&world, reader, &world.spaces[1], 5, CITY, "Chur");
    scene_write_in(&world, bob, &world.spaces[1], 3, CITY, "Basel");
    assert_true(world_sync(&world, bob));
    world_connect(&world, reader);
    while (reader->replica && !sat_replica_is_current(reader->replica) && world_deliver(&world, reader, WORLD_NO_FAULT))
        continue;
    forge_entry_bytes(reader, &world.spaces[0], size + 1, SAT_SPAN(later));
    reader->last_err = SAT_OK;
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_UPGRADE_NEEDED);
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, size);
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[1]).log.size, 2);
    assert_int_equal(scene_space(world.server_store, &world.spaces[1]).log.size, 2);
    assert_true(world_sync(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 4, CITY), "Brig");
}

/* What came behind it was merged without it. */
static void what_is_taken_up_late_ends_as_if_it_had_come_in_order(void **state)
{
    (void)state;
    scene_write(&world, eve, 1, CITY, "Thun");
    assert_true(world_sync(&world, eve));
    of_an_earlier_time = true;
    goes_on();
    of_an_earlier_time = false;
    assert_true(world_sync(&world, bob));
    scene_write(&world, bob, 1, CITY, "Basel"); /* who has seen Thun */
    assert_true(world_sync(&world, bob));
    scene_write(&world, eve, 1, NAME, "Alpha");
    (void)world_sync(&world, eve);
    assert_true(world_sync(&world, reader));
    assert_true(scene_agrees(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Basel");
    assert_string_equal(scene_shows(&world, reader, 1, NAME), "Alpha");
}

/* ---- A server that was set back ---- */

static bool returns_get_lost;

/* The reader's program is of an earlier time, the server's is not. */
static bool told_apart(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    enum { RETURN = 33 };
    (void)context;
    (void)device;
    of_an_earlier_time = down;
    return down || !returns_get_lost || bytes->at[1] != RETURN;
}

static void on_found(void *context, enum sat_check check, const char *text)
{
    (void)context;
    fail_msg("%s: %s", sat_check_name(check), text);
}

static void is_whole(struct world_device *device)
{
    struct sat_inspection inspection = {.store = device->handle.store, .found = on_found};
    struct sat_inspection_result result;
    struct sat_directory directory;
    sat_directory_init(&directory);
    assert_int_equal(sat_inspect(&inspection, &directory, &result), SAT_OK);
    sat_directory_deinit(&directory);
}

static void reader_syncs(bool in_sync)
{
    reader->on_way = told_apart;
    reader->last_err = SAT_OK;
    of_an_earlier_time = true;
    bool is = world_sync(&world, reader);
    reader->on_way = NULL;
    of_an_earlier_time = false;
    assert_int_equal(reader->last_err, SAT_OK);
    assert_true(is == in_sync);
}

/* Eve wrote, and nobody but the reader, who cannot read it, has that any more. */
static void only_the_reader_has(uint32_t bundles)
{
    world_backup(&world, 1);
    for (uint32_t i = 0; i < bundles; i++) {
        scene_write(&world, eve, 1, i % 2 ? NAME : CITY, i % 2 ? "Alpha" : "Thun");
        assert_true(world_sync(&world, eve));
    }
    reader_syncs(false);
    (void)put_aside(bundles);
}

static void what_a_device_could_not_read_it_gives_back(void **state)
{
    for (uint32_t announced = 0; announced < 2; announced++) {
        if (announced) (void)end(state);
        if (announced) (void)begin(state);
        only_the_reader_has(2);
        world_restore(&world, 1, announced);
        if (!announced) {
            scene_write(&world, bob, 2, CITY, "Biel"); /* its log grows on */
            assert_true(world_sync(&world, bob));
        }
        reader_syncs(false);
        reader_syncs(false);
        assert_int_equal(scene_log_size(&world), announced ? 3 : 4);
        assert_true(world_sync(&world, bob));
        assert_string_equal(scene_shows(&world, bob, 1, CITY), "Thun");
        assert_string_equal(scene_shows(&world, bob, 1, NAME), "Alpha");
        uint32_t n = announced ? 2 : 3;                          /* Biel, too */
        assert_int_equal(put_aside(n)[1].state, SAT_ASIDE_OPEN); /* as ever */
        assert_true(world_sync(&world, reader));
        for (uint32_t i = 0; i < n; i++) assert_int_equal(put_aside(n)[i].state, SAT_ASIDE_ACCEPTED);
        assert_true(scene_agrees(&world, reader));
        assert_string_equal(scene_shows(&world, reader, 1, NAME), "Alpha");
    }
}

/* It waits to be given back, and can be read by the time that it comes. */
static void who_is_upgraded_meanwhile_takes_it_up(void **state)
{
    (void)state;
    only_the_reader_has(1);
    world_restore(&world, 1, true);
    returns_get_lost = true;
    reader_syncs(false);
    returns_get_lost = false;
    assert_int_equal(scene_log_size(&world), 1);
    is_whole(reader);
    assert_true(world_sync(&world, reader));
    is_whole(reader);
    assert_true(world_sync(&world, reader));
    assert_int_equal(put_aside(1)[0].state, SAT_ASIDE_ACCEPTED);
    assert_true(scene_agrees(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Thun");
    assert_true(world_sync(&world, bob));
    assert_string_equal(scene_shows(&world, bob, 1, CITY), "Thun");
}

/* Its author is quicker. */
static void what_somebody_else_gave_back_first_comes_as_it_did(void **state)
{
    (void)state;
    only_the_reader_has(1);
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, eve));
    reader_syncs(false);
    reader_syncs(false);
    assert_int_equal(scene_log_size(&world), 2);
    assert_int_equal(scene_pending(reader), 0);
    assert_int_equal(put_aside(1)[0].state, SAT_ASIDE_OPEN);
    assert_true(world_sync(&world, reader));
    assert_true(scene_agrees(&world, reader));
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(what_breaks_the_bounds_is_put_aside_and_blocks_nothing),
        test(what_nobody_signed_is_put_aside_and_blocks_nothing),
        test(what_its_author_writes_behind_it_counts),
        test(a_lie_that_no_head_proves_is_let_go_of),
        test(what_is_of_a_later_suite_waits_for_the_upgrade_and_blocks_nothing),
        test(what_was_lied_about_first_is_taken_up_after_the_upgrade_too),
        test(an_entry_of_a_later_kind_stops_its_own_territory_alone),
        test(what_is_taken_up_late_ends_as_if_it_had_come_in_order),
        test(what_a_device_could_not_read_it_gives_back),
        test(who_is_upgraded_meanwhile_takes_it_up),
        test(what_somebody_else_gave_back_first_comes_as_it_did),
    };
    return cmocka_run_group_tests_name("aside", tests, NULL, NULL);
}
