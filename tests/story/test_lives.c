/* Stories of a server that was set back to an older copy of its data: what it lost comes back from the devices, as it
 * was signed, with the time at which it was received first. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static void begin_with(uint64_t seed)
{
    world_init(&world, seed, 2);
    if (getenv("SAY")) world.transcript = stderr;
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
}

static int begin(void **state)
{
    (void)state;
    begin_with(83);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* Everybody holds the same as the server, and nothing waits. */
static void all_agree(void)
{
    assert_true(world_settle(&world, 6));
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct world_device *device = &world.devices[i];
        assert_true(scene_agrees(&world, device));
        assert_int_equal(scene_pending(device), 0);
        uint64_t left;
        assert_int_equal(sat_store_return_count(device->handle.store, 0, true, &left), 0);
        assert_int_equal(left, 0);
        assert_int_equal(device->last_err, SAT_OK);
    }
}

static void both_write(const char *first, const char *second)
{
    scene_write(&world, a, 1, CITY, first);
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 2, CITY, second);
    scene_write(&world, b, 1, NAME, second);
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
}

static struct world_device *join_late(void)
{
    world_confirm_restore(&world);
    return world_join(&world, 1);
}

static void what_a_server_lost_comes_back_from_its_devices(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    uint64_t size = scene_log_size(&world);
    struct sat_hash digest = scene_digest(world.server_store, &world.spaces[0]);
    world_restore(&world, 1, true);
    assert_true(scene_log_size(&world) < size);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
    assert_true(world_sync(&world, a));
    assert_int_equal(scene_log_size(&world), size);
    assert_true(a->heard[SAT_NOTICE_SET_BACK] > 0);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, a, 1, NAME), "Davos");
    all_agree();
    struct sat_hash now = scene_digest(world.server_store, &world.spaces[0]);
    assert_true(sat_hash_equal(&digest, &now));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Davos");
    struct world_device *late = join_late();
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Chur");
    assert_true(scene_agrees(&world, late));
}

static void nobody_says_that_a_server_was_set_back_and_it_is_noticed(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    uint64_t size = scene_log_size(&world);
    world_restore(&world, 1, false);
    assert_true(world_sync(&world, b));
    assert_int_equal(scene_log_size(&world), size);
    all_agree();
    assert_true(a->heard[SAT_NOTICE_SET_BACK] > 0);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
}

/* ---- Which work is where ---- */

static void a_device_that_was_far_away_goes_on(void **state)
{
    (void)state;
    struct world_device *far = world_join(&world, 1);
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    scene_write(&world, far, 3, CITY, "Uri"); /* waits, not frozen */
    both_write("Chur", "Davos");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, far)); /* it has seen nothing of what was lost */
    assert_string_equal(scene_shows(&world, far, 1, CITY), "Bern");
    all_agree();
    assert_string_equal(scene_shows(&world, far, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, b, 3, CITY), "Uri");
}

static void the_older_server_had_taken_new_work_first(void **state)
{
    (void)state;
    struct world_device *far = world_join(&world, 1);
    both_write("Bern", "Basel");
    assert_true(world_sync(&world, far));
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    both_write("Genf", "Glarus");
    world_restore(&world, 1, false);
    for (uint32_t i = 0; i < 9; i++) { /* it grows past what it had lost, and nobody can know */
        scene_write(&world, far, 10 + i, CITY, "Uri");
        if (i == 4) scene_write(&world, far, 1, CITY, "Zug");
        assert_true(world_sync(&world, far));
    }
    assert_true(world_sync(&world, a));
    all_agree();
    assert_string_equal(scene_shows(&world, b, 18, CITY), "Uri");
    assert_string_equal(scene_shows(&world, b, 1, NAME), "Glarus");
    assert_string_equal(scene_shows(&world, a, 1, CITY), scene_shows(&world, far, 1, CITY));
    assert_int_equal(scene_conflicts(&world, far, 1), 1); /* Zug did not know Genf */
}

static void whoever_is_connected_to_the_older_server_is_taken_along(void **state)
{
    (void)state;
    struct world_device *far = world_join(&world, 1);
    both_write("Bern", "Basel");
    assert_true(world_sync(&world, far));
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    world_restore(&world, 1, false);
    world_connect(&world, far);
    world_run(&world, far);
    assert_true(sat_replica_in_sync(far->replica));
    assert_true(world_sync(&world, a));
    scene_write(&world, far, 4, CITY, "Uri");
    world_run(&world, far);
    assert_non_null(far->replica);
    assert_true(sat_replica_in_sync(far->replica));
    assert_string_equal(scene_shows(&world, far, 1, CITY), "Chur");
    world_disconnect(&world, far);
    all_agree();
}

static void a_server_that_is_set_back_again_and_again_gets_all_back(void **state)
{
    (void)state;
    static const char *const cities[] = {"Bern", "Chur", "Genf", "Olten", "Thun", "Visp", "Wil"};
    world_backup(&world, 0);
    for (uint32_t i = 0; i < 7; i++) {
        both_write(cities[i], cities[6 - i]);
        if (i == 2) world_backup(&world, 1);
        if (i >= 3) world_restore(&world, i % 2, i % 3 == 0);
        if (i == 5) assert_true(world_sync(&world, b));
        if (i == 5) world_restore(&world, 1, false);
        all_agree();
        assert_string_equal(scene_shows(&world, b, 1, CITY), cities[i]);
        assert_string_equal(scene_shows(&world, a, 2, CITY), cities[6 - i]);
    }
    struct world_device *late = join_late();
    assert_true(scene_agrees(&world, late));
    all_agree();
}

static void what_was_frozen_for_the_lost_log_is_pushed_as_it_is(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    scene_write(&world, b, 1, CITY, "Genf"); /* has seen Chur */
    scene_lose_push(&world, b, 0);
    (void)world_sync(&world, b);
    assert_int_equal(scene_pending(b), 1);
    world_restore(&world, 1, true);
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Genf");
    assert_int_equal(scene_conflicts(&world, a, 1), 0);
}

static void what_was_written_since_waits_until_all_is_back(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    world_restore(&world, 1, true);
    scene_write(&world, a, 1, CITY, "Genf");
    scene_write(&world, b, 1, CITY, "Zug");
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), scene_shows(&world, b, 1, CITY));
    assert_int_equal(scene_conflicts(&world, a, 1), 1); /* with each other, not with Chur */
}

/* ---- Times ---- */

static uint64_t received(struct world_device *device, uint32_t record, struct sat_dot dot)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n;
    uint64_t ms = 0;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    int64_t sid = world_sid(device, &world.spaces[0]);
    assert_int_equal(sat_store_changes_of_record(device->handle.store, sid, &id, &arena, &rows, &n), 0);
    for (uint32_t i = 0; i < n; i++)
        if (sat_dot_compare(rows[i].dot, dot) == 0) ms = rows[i].recv_ms;
    sat_arena_deinit(&arena);
    return ms;
}

static void what_came_back_has_the_time_at_which_it_was_received_first(void **state)
{
    (void)state;
    world_backup(&world, 1);
    a->clock_ms = 3600 * 1000; /* ahead: when it was received is what counts */
    uint64_t counter = scene_write(&world, a, 1, CITY, "Chur");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    struct sat_dot dot = scene_dot(a, counter);
    uint64_t first = received(b, 1, dot);
    assert_true(first > 0);
    world.now_ms += 600 * 1000;
    scene_write(&world, b, 1, NAME, "later"); /* beside it */
    world_restore(&world, 1, true);
    world.now_ms += 600 * 1000;
    assert_int_equal(received(b, 1, dot), first);
    assert_true(world_sync(&world, b));
    assert_int_equal(received(b, 1, dot), first);
    all_agree();
    assert_int_equal(received(a, 1, dot), first);
    world_restore(&world, 1, false); /* and the second time */
    assert_true(world_sync(&world, b));
    assert_int_equal(received(b, 1, dot), first);
    all_agree();
    struct world_device *late = join_late();
    assert_int_equal(received(late, 1, dot), first);
}

/* ---- Stubs ---- */

static uint32_t stubs_of(struct world_device *device, uint32_t record)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n, stubs = 0;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    int64_t sid = world_sid(device, &world.spaces[0]);
    assert_int_equal(sat_store_changes_of_record(device->handle.store, sid, &id, &arena, &rows, &n), 0);
    for (uint32_t i = 0; i < n; i++) stubs += rows[i].header.len == 0;
    sat_arena_deinit(&arena);
    return stubs;
}

/* Somebody who came late has of what was replaced the hashes alone. The copy is from after he came, and from before it
 * was replaced; all others are gone. */
static void who_has_a_stub_alone_gives_that_back(void **state)
{
    (void)state;
    struct world_device *late = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    world_disconnect(&world, late);
    world_backup(&world, 1); /* nothing is on the log yet */
    both_write("Bern", "Basel");
    world_backup(&world, 2); /* what is replaced later is live here */
    both_write("Chur", "Davos");
    both_write("Genf", "Glarus");
    assert_true(world_sync(&world, late));
    assert_true(stubs_of(late, 1) > 0);
    uint64_t size = scene_log_size(&world);
    struct sat_hash digest = scene_digest(world.server_store, &world.spaces[0]);
    for (uint32_t copy = 1; copy <= 2; copy++) {
        world_restore(&world, copy, copy == 1);
        assert_true(world_sync(&world, late));
        assert_int_equal(scene_log_size(&world), size);
        struct sat_hash now = scene_digest(world.server_store, &world.spaces[0]);
        assert_true(sat_hash_equal(&digest, &now));
        assert_true(scene_agrees(&world, late));
        assert_string_equal(scene_shows(&world, late, 1, CITY), "Genf");
    }
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, NAME), "Glarus");
}

/* While only a part of it is back, nobody is accused, and nothing is called in sync that is not. */
static void others_may_come_before_all_is_back(void **state)
{
    (void)state;
    struct world_device *late = world_join(&world, 1), *reader = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    both_write("Bern", "Basel");
    both_write("Chur", "Davos");
    both_write("Genf", "Glarus");
    assert_true(world_sync(&world, late));
    for (uint32_t pass = 1; pass < 30; pass++) {
        world_restore(&world, 1, true);
        world_connect(&world, late);
        for (uint32_t i = 0; i < pass; i++) (void)world_deliver(&world, late, WORLD_NO_FAULT);
        world_disconnect(&world, late);
        (void)world_sync(&world, reader);
        assert_int_equal(reader->last_err, SAT_OK);
        assert_true(world_sync(&world, late));
        assert_true(world_sync(&world, reader));
        assert_true(scene_agrees(&world, reader));
    }
    all_agree();
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Genf");
}

/* ---- Many ---- */

static void a_long_end_of_a_log_comes_back_in_parts(void **state)
{
    (void)state;
    enum { ENTRIES = 2 * SAT_RECEIPTS_MAX + 77 };
    world_backup(&world, 1);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        char value[16];
        (void)snprintf(value, sizeof value, "%u", i);
        scene_write(&world, a, i % 50, CITY, value);
        world_connect(&world, a);
        world_run(&world, a); /* a bundle each */
    }
    world_disconnect(&world, a);
    assert_true(world_sync(&world, b));
    uint64_t size = scene_log_size(&world);
    assert_int_equal(size, ENTRIES);
    world_restore(&world, 1, false);
    assert_true(world_sync(&world, b));
    assert_int_equal(scene_log_size(&world), size);
    all_agree();
}

/* ---- Two of one number ---- */

/* A copy of a device wrote under numbers that the server had lost: the log's stay, the others are written again beside
 * them. */
static void what_another_copy_of_its_author_took_the_number_of_is_written_again(void **state)
{
    (void)state;
    char path[300], command[1000];
    world_backup(&world, 1);
    (void)snprintf(path, sizeof path, "%s/copy-of-a.db", world.dir);
    (void)snprintf(command, sizeof command, "cp '%s' '%s'", a->store_path, path);
    world_crash_device(&world, a);
    sat_check(system(command) == 0);
    scene_write(&world, a, 1, CITY, "Bern"); /* seen by b */
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    world_restore(&world, 1, true);
    (void)snprintf(command, sizeof command, "rm -f '%s'*; cp '%s' '%s'", a->store_path, path, a->store_path);
    sat_store_close(a->handle.store);
    sat_check(system(command) == 0);
    struct sat_fault fault;
    sat_check(sat_store_open(a->store_path, SAT_STORE_OPEN, &a->handle.store, &fault) == SAT_OK);
    world_crash_device(&world, a);
    scene_write(&world, a, 1, CITY, "Chur"); /* the same number */
    assert_true(world_sync(&world, a));
    b->last_err = SAT_OK;
    assert_true(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur|Bern");
    uint64_t aside;
    assert_int_equal(sat_store_aside_count(b->handle.store, &aside), SAT_OK);
    assert_int_equal(aside, 0);
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur|Bern");
}

/* ---- Cuts ---- */

static uint32_t left_to_pass;

static bool cut_at(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    (void)down;
    (void)bytes;
    if (left_to_pass == 0) return false;
    left_to_pass--;
    return true;
}

static void a_connection_may_break_at_each_message(void **state)
{
    (void)state;
    both_write("Bern", "Basel");
    world_backup(&world, 1);
    both_write("Chur", "Davos");
    scene_write(&world, b, 1, CITY, "Genf");
    for (uint32_t cut = 0; cut < 40; cut++) {
        world_restore(&world, 1, cut % 2);
        left_to_pass = cut;
        a->on_way = b->on_way = cut_at;
        (void)world_sync(&world, a);
        a->on_way = NULL;
        left_to_pass = cut / 2;
        (void)world_sync(&world, b);
        b->on_way = NULL;
        if (cut % 5 == 0) world_crash_device(&world, b);
        if (cut % 3 == 0) world_crash_server(&world);
        a->last_err = b->last_err = SAT_OK;
        all_agree();
        assert_string_equal(scene_shows(&world, a, 1, CITY), "Genf");
        assert_string_equal(scene_shows(&world, b, 2, CITY), "Davos");
    }
}

/* ---- Any order ---- */

enum { TURNS = 300, LIVES = 4 };

static struct {
    struct world_device *devices[3];
    uint32_t made[TURNS], made_n; /* records that somebody has made, each of its own: none is ever lost */
} life;

static void turn(uint32_t number)
{
    static const char *const words[] = {"Bern", "Chur", "Genf", "Olten", "Thun", "Visp", "Wil", "Zug"};
    struct world_device *device = life.devices[world_dice(&world, 3)];
    uint32_t record = 1 + (uint32_t)world_dice(&world, 3);
    const char *word = words[world_dice(&world, 8)], *shown;
    switch (world_dice(&world, 16)) {
    case 0:
        world_restore(&world, (uint32_t)world_dice(&world, 2), world_dice(&world, 2));
        return;
    case 1:
        world_backup(&world, (uint32_t)world_dice(&world, 2));
        return;
    case 2:
        world_connect(&world, device);
        for (uint64_t n = world_dice(&world, 20); n && device->replica; n--)
            (void)world_deliver(&world, device, WORLD_NO_FAULT);
        if (world_dice(&world, 2)) world_disconnect(&world, device);
        return;
    case 3:
        world_crash_device(&world, device);
        return;
    case 4:
        scene_tag(&world, device, record, word, world_dice(&world, 2));
        return;
    case 5:
        shown = scene_shows(&world, device, record, CITY);
        if (world_dice(&world, 4) == 0 && shown[0] && shown[0] != 'd') scene_remove(&world, device, record);
        return;
    case 6:
    case 7:
        life.made[life.made_n++] = 1000 + number;
        scene_write(&world, device, 1000 + number, CITY, word);
        return;
    case 8:
    case 9:
    case 10:
        scene_write(&world, device, record, world_dice(&world, 2) ? CITY : NAME, word);
        return;
    default:
        (void)world_sync(&world, device);
        return;
    }
}

static void nobody_was_accused(uint32_t number)
{
    for (uint32_t i = 0; i < 3; i++) {
        enum sat_err err = life.devices[i]->last_err;
        if (err && sat_err_class(err) == SAT_CLASS_PEER)
            fail_msg("turn %u: device %u says %s", number, i + 2, sat_err_name(err));
        if (life.devices[i]->last_err == SAT_ERR_CLOSED || life.devices[i]->last_err == SAT_ERR_STALE)
            life.devices[i]->last_err = SAT_OK;
    }
}

static void all_show_the_same(struct world_device *device)
{
    for (uint32_t record = 1; record <= 3; record++) {
        assert_string_equal(scene_shows(&world, a, record, CITY), scene_shows(&world, device, record, CITY));
        assert_string_equal(scene_shows(&world, a, record, NAME), scene_shows(&world, device, record, NAME));
        assert_string_equal(scene_tags(&world, a, record), scene_tags(&world, device, record));
    }
    for (uint32_t i = 0; i < life.made_n; i++)
        if (!scene_shows(&world, device, life.made[i], CITY)[0]) fail_msg("record %u is lost", life.made[i]);
}

static void servers_may_be_set_back_at_any_time(void **state)
{
    const char *seed = getenv("SEED"), *lives = getenv("LIVES");
    uint64_t first = seed ? strtoull(seed, NULL, 10) : 83, n = lives ? strtoull(lives, NULL, 10) : LIVES;
    for (uint64_t number = first; number < first + n; number++) {
        print_message("seed %llu\n", (unsigned long long)number);
        (void)end(state);
        begin_with(number);
        life.devices[0] = a;
        life.devices[1] = b;
        life.devices[2] = world_join(&world, 1);
        life.made_n = 0;
        assert_true(world_settle(&world, 4));
        world_backup(&world, 0);
        world_backup(&world, 1);
        for (uint32_t i = 0; i < TURNS; i++) {
            world.now_ms += 1 + world_dice(&world, 2000);
            turn(i);
            nobody_was_accused(i);
            if (i % 100 == 99) all_agree();
        }
        all_agree();
        all_show_the_same(b);
        struct world_device *late = join_late();
        assert_true(scene_agrees(&world, late));
        all_show_the_same(late);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
        STORY(what_a_server_lost_comes_back_from_its_devices),
        STORY(nobody_says_that_a_server_was_set_back_and_it_is_noticed),
        STORY(a_device_that_was_far_away_goes_on),
        STORY(the_older_server_had_taken_new_work_first),
        STORY(whoever_is_connected_to_the_older_server_is_taken_along),
        STORY(a_server_that_is_set_back_again_and_again_gets_all_back),
        STORY(what_was_frozen_for_the_lost_log_is_pushed_as_it_is),
        STORY(what_was_written_since_waits_until_all_is_back),
        STORY(what_came_back_has_the_time_at_which_it_was_received_first),
        STORY(who_has_a_stub_alone_gives_that_back),
        STORY(others_may_come_before_all_is_back),
        STORY(a_long_end_of_a_log_comes_back_in_parts),
        STORY(what_another_copy_of_its_author_took_the_number_of_is_written_again),
        STORY(a_connection_may_break_at_each_message),
        STORY(servers_may_be_set_back_at_any_time),
    };
    return cmocka_run_group_tests_name("lives", tests, NULL, NULL);
}
