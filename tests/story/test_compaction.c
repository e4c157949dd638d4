/* What policy lets go of is forgotten, what everybody has acknowledged is compacted, and nothing that anybody sees
 * changes by it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/tidy.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(73, 2);
    return 0;
}

/* ---- Policies ---- */

static void limit(uint64_t days, uint64_t versions)
{
    order_keep_history(&world, days, versions);
    world_disconnect(&world, admin);
    assert_true(world_settle(&world, 3));
}

/* ---- Looking ---- */

static uint32_t versions_of(struct sat_store *store, uint32_t record)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    assert_int_equal(sat_store_history(store, scene_space(store, space()).sid, &id, &arena, &rows, &n), SAT_OK);
    sat_arena_deinit(&arena);
    return n;
}

static uint32_t count_entries(struct sat_store *store)
{
    struct sat_arena arena;
    struct sat_entry_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_entries(store, scene_space(store, space()).sid, 1, 100000, &arena, &rows, &n), SAT_OK);
    sat_arena_deinit(&arena);
    return n;
}

/* ---- Doing ---- */

static void tidy_device(struct world_device *device)
{
    struct sat_tidied done = {0};
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(
            sat_tidy_device(device->handle.store, &device->handle.directory, scene_number(device), 4096, &done),
            SAT_OK);
}

static void edit(uint32_t record, uint32_t times)
{
    char value[32];
    for (uint32_t i = 0; i < times; i++) {
        (void)snprintf(value, sizeof value, "city %u", i);
        scene_write(&world, i % 2 ? rep : other, record, CITY, value);
        assert_true(world_sync(&world, i % 2 ? rep : other));
        world.now_ms += 1000;
        if (i % 2 == 0) assert_true(world_sync(&world, rep));
        if (i % 2) assert_true(world_sync(&world, other));
    }
}

/* A floor, as a collection would raise it. */
static void raise_floor(struct sat_store *store, uint64_t floor)
{
    struct sat_space_row row = scene_space(store, space());
    row.floor = floor;
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_store_space_save(store, &row), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    if (store == world.server_store) world_crash_server(&world);
}

/* As it is: a deletion that everybody has seen is collected. */
static void collect_of(struct world_device *device)
{
    scene_write(&world, device, 900, CITY, "gone");
    assert_true(world_settle(&world, 3));
    scene_remove(&world, device, 900);
    assert_true(world_settle(&world, 3));
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_settle(&world, 3));
}

static void collect(void)
{
    collect_of(rep);
}

static void assert_all_agree(void)
{
    for (uint32_t i = 0; i < world.devices_n; i++) {
        if (sat_directory_out(sat_host_directory(world.host), scene_number(&world.devices[i]))) continue;
        assert_true(scene_agrees(&world, &world.devices[i]));
        scene_assert_sound(world.devices[i].handle.store);
    }
    scene_assert_sound(world.server_store);
}

/* ---- Forgetting ---- */

static void as_many_versions_are_kept_as_policy_says(void **state)
{
    (void)state;
    limit(0, 3);
    edit(1, 10);
    scene_write(&world, rep, 2, CITY, "Bern");
    assert_true(world_settle(&world, 3));
    assert_int_equal(versions_of(world.server_store, 1), 10);
    struct sat_hash before = scene_digest(world.server_store, space());
    scene_maintain(&world);
    tidy_device(rep);
    assert_int_equal(versions_of(world.server_store, 1), 4); /* and the live one */
    assert_int_equal(versions_of(rep->handle.store, 1), 4);
    assert_int_equal(versions_of(world.server_store, 2), 1);
    struct sat_hash after = scene_digest(world.server_store, space());
    assert_true(sat_hash_equal(&before, &after));
    scene_assert_sound(world.server_store);
    scene_assert_sound(rep->handle.store);
    edit(1, 4);
    assert_true(world_settle(&world, 3));
    assert_true(scene_agrees(&world, rep) && scene_agrees(&world, other));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "city 3");
}

static void what_was_replaced_long_ago_is_forgotten(void **state)
{
    (void)state;
    limit(10, 0);
    edit(1, 4);
    world.now_ms += 8 * SAT_DAY_MS;
    edit(1, 2); /* replaces the newest of the four now */
    scene_maintain(&world);
    assert_int_equal(versions_of(world.server_store, 1), 6);
    world.now_ms += 3 * SAT_DAY_MS;
    scene_maintain(&world);
    assert_int_equal(versions_of(world.server_store, 1),
                     3); /* of the four the last: that it was replaced is 3 days ago */
    world.now_ms += 9 * SAT_DAY_MS;
    scene_maintain(&world);
    assert_int_equal(versions_of(world.server_store, 1), 1);
    assert_true(world_settle(&world, 3));
    tidy_device(other);
    assert_int_equal(versions_of(other->handle.store, 1), 1);
    scene_assert_sound(world.server_store);
    scene_assert_sound(other->handle.store);
}

static void siblings_and_what_waits_are_never_forgotten(void **state)
{
    (void)state;
    limit(1, 1);
    edit(1, 6);
    scene_write(&world, rep, 1, CITY, "here");
    scene_write(&world, other, 1, CITY, "there");
    assert_true(world_settle(&world, 4));
    scene_write(&world, rep, 1, NAME, "waits");
    world.now_ms += 30 * SAT_DAY_MS;
    scene_maintain(&world);
    tidy_device(rep);
    assert_int_equal(scene_conflicts(&world, rep, 1), 1);
    assert_string_equal(scene_shows(&world, rep, 1, NAME), "waits");
    assert_true(world_settle(&world, 4));
    assert_int_equal(scene_conflicts(&world, other, 1), 1);
    assert_string_equal(scene_shows(&world, other, 1, NAME), "waits");
    scene_assert_sound(rep->handle.store);
}

/* ---- Compaction ---- */

static void what_is_forgotten_below_the_floor_becomes_runs(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 40);
    collect();
    struct sat_space_row row = scene_space(world.server_store, space());
    struct sat_hash root = sat_frontier_root(&row.log), digest = scene_digest(world.server_store, space());
    scene_maintain(&world);
    assert_in_range(count_entries(world.server_store), 4, 8);
    assert_in_range(scene_runs(world.server_store, space()), 1, 8);
    row = scene_space(world.server_store, space());
    struct sat_hash after = sat_frontier_root(&row.log), digest_after = scene_digest(world.server_store, space());
    assert_true(sat_hash_equal(&root, &after) && sat_hash_equal(&digest, &digest_after));
    scene_assert_sound(world.server_store);
    tidy_device(rep);
    assert_in_range(count_entries(rep->handle.store), 4, 8);
    scene_assert_sound(rep->handle.store);
    edit(1, 6);
    assert_true(scene_agrees(&world, rep) && scene_agrees(&world, other));
    scene_assert_sound(world.server_store);
    scene_assert_sound(rep->handle.store);
    scene_assert_sound(other->handle.store);
}

/* What a device had written at the floor can be told, and nothing is a run that nobody has acknowledged, though all of
 * it is forgotten. */
static void each_devices_newest_and_what_is_behind_the_floor_stay(void **state)
{
    struct sat_run *runs;
    struct sat_arena arena;
    uint64_t before[2], behind[2];
    uint32_t n;
    (void)state;
    limit(0, 1);
    edit(1, 20);
    collect();
    edit(1, 12);
    sat_arena_init(&arena);
    struct sat_space_row row = scene_space(world.server_store, space());
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(sat_store_device_counter_at(world.server_store, row.sid, 2 + i, row.floor, &before[i]),
                         SAT_OK);
    scene_maintain(&world);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sat_store_device_counter_at(world.server_store, row.sid, 2 + i, row.floor, &behind[i]),
                         SAT_OK);
        assert_int_equal(behind[i], before[i]);
    }
    assert_int_equal(sat_store_runs(world.server_store, row.sid, 0, 1000, &arena, &runs, &n), SAT_OK);
    assert_true(n > 0);
    for (uint32_t i = 0; i < n; i++) assert_true(runs[i].last < row.floor);
    sat_arena_deinit(&arena);
}

static void who_joins_later_pulls_runs_and_shows_the_same(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 40);
    edit(2, 5);
    collect();
    scene_maintain(&world);
    assert_true(scene_runs(world.server_store, space()) > 0);
    struct world_device *late = world_join(&world, 3);
    assert_true(scene_runs(late->handle.store, space()) > 0);
    assert_string_equal(scene_shows(&world, late, 1, CITY), scene_shows(&world, rep, 1, CITY));
    assert_string_equal(scene_shows(&world, late, 2, CITY), "city 4");
    assert_all_agree();
    scene_write(&world, late, 1, CITY, "late");
    scene_write(&world, rep, 1, CITY, "early");
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, late, 1, CITY), scene_shows(&world, other, 1, CITY));
    assert_all_agree();
    assert_int_equal(late->heard[SAT_NOTICE_FAILED], 0);
}

static void who_joins_later_takes_a_void_statement_behind_a_run(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 40);
    scene_write(&world, rep, 3, CITY, "refused");
    scene_damage_push(&world, rep, 0);
    assert_true(world_settle(&world, 4));
    rep->on_way = NULL;
    for (uint32_t i = 0; i < 3; i++) { /* it is the last that the device has there */
        scene_write(&world, other, 1, CITY, i == 2 ? "last" : i ? "b" : "a");
        assert_true(world_settle(&world, 3));
    }
    collect_of(other);
    scene_maintain(&world);
    assert_true(scene_runs(world.server_store, space()) > 0);
    struct world_device *late = world_join(&world, 3);
    assert_true(scene_runs(late->handle.store, space()) > 0);
    assert_string_equal(scene_shows(&world, late, 1, CITY), "last");
    assert_all_agree();
    assert_int_equal(late->heard[SAT_NOTICE_FAILED], 0);
}

static void runs_that_no_collection_speaks_for_are_unjustified(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 20);
    raise_floor(world.server_store, scene_log_size(&world) - 4);
    scene_maintain(&world);
    assert_true(scene_runs(world.server_store, space()) > 0);
    struct world_device *late = world_invite(&world, 3);
    (void)world_sync(&world, late);
    (void)world_sync(&world, late);
    assert_int_equal(late->last_err, SAT_ERR_UNJUSTIFIED);
    assert_int_equal(count_entries(late->handle.store), 0);
}

static void an_older_copy_starts_anew_and_goes_on(void **state)
{
    (void)state;
    struct world_home home;
    limit(0, 1);
    edit(1, 9);
    world_home_backup(&world, rep, &home);
    edit(1, 31);
    collect();
    scene_maintain(&world);
    world_home_restore(&world, rep, &home);
    scene_write(&world, rep, 2, CITY, "from then");
    for (uint32_t i = 0; i < 4; i++) (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_ANEW], 1);
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 2, CITY), "from then");
    assert_string_equal(scene_shows(&world, rep, 1, CITY), scene_shows(&world, other, 1, CITY));
    assert_all_agree();
    world_home_free(&home);
}

static void a_copy_whose_waiting_work_was_compacted_goes_on(void **state)
{
    (void)state;
    struct world_home home;
    limit(0, 1);
    scene_write(&world, rep, 1, CITY, "1");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 1, CITY, "2");
    scene_write(&world, rep, 1, CITY, "3");
    world_home_backup(&world, rep, &home);
    assert_true(world_settle(&world, 4));
    edit(1, 6);
    collect();
    scene_maintain(&world);
    world_home_restore(&world, rep, &home);
    for (uint32_t i = 0; i < 4; i++) (void)world_sync(&world, rep);
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), scene_shows(&world, other, 1, CITY));
    assert_all_agree();
    world_home_free(&home);
}

/* It was refused, and what the log says of that is compacted, too: it is no work that the log has had. */
static void what_was_refused_is_not_taken_for_what_is_forgotten(void **state)
{
    (void)state;
    struct world_home home;
    limit(0, 1);
    scene_write(&world, rep, 2, CITY, "new");
    world_home_backup(&world, rep, &home);
    scene_damage_push(&world, rep, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1);
    rep->on_way = NULL;
    assert_true(world_settle(&world, 4));
    edit(1, 6);
    collect();
    scene_maintain(&world);
    world_home_restore(&world, rep, &home);
    for (uint32_t i = 0; i < 4; i++) (void)world_sync(&world, rep);
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 2, CITY), "new");
    assert_all_agree();
    world_home_free(&home);
}

/* By the time that the copy has heard of what it waits with, that is forgotten; until then it stood under a number of
 * the copy's own. */
static void bring_back_forgotten(int64_t clock_ms)
{
    struct world_home home;
    limit(0, 1);
    scene_write(&world, rep, 1, CITY, "1");
    assert_true(world_sync(&world, rep));
    rep->clock_ms = clock_ms;
    scene_write(&world, rep, 2, CITY, "2");
    scene_write(&world, rep, 2, CITY, "3");
    world_home_backup(&world, rep, &home);
    assert_true(world_settle(&world, 4));
    world.now_ms += 1000;
    rep->clock_ms = 0;
    edit(2, 6);
    scene_maintain(&world);
    world_home_restore(&world, rep, &home);
    for (uint32_t i = 0; i < 4; i++) (void)world_sync(&world, rep);
    assert_true(world_settle(&world, 6));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "city 5");
    assert_int_equal(scene_conflicts(&world, rep, 2), 0);
    assert_all_agree();
    world_home_free(&home);
}

static void a_copy_knows_its_waiting_work_though_it_is_forgotten(void **state)
{
    (void)state;
    bring_back_forgotten(0);
}

static void a_copy_knows_it_whatever_its_clock_says(void **state)
{
    (void)state;
    bring_back_forgotten((int64_t)(400 * SAT_DAY_MS));
}

/* The other one used the same number for the same record, later, and that is forgotten. */
static void what_got_a_forgotten_number_by_chance_is_not_lost(void **state)
{
    (void)state;
    struct world_home home;
    limit(0, 1);
    scene_write(&world, rep, 2, CITY, "1");
    world_home_backup(&world, rep, &home);
    scene_write(&world, rep, 2, CITY, "2");
    assert_true(world_settle(&world, 4));
    world.now_ms += 1000;
    edit(2, 6);
    scene_maintain(&world);
    world_home_restore(&world, rep, &home);
    rep->clock_ms = -(int64_t)(10 * SAT_DAY_MS);
    scene_write(&world, rep, 2, NAME, "new");
    for (uint32_t i = 0; i < 4; i++) (void)world_sync(&world, rep);
    assert_true(world_settle(&world, 6));
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_string_equal(scene_shows(&world, other, 2, NAME), "new");
    assert_string_equal(scene_shows(&world, other, 2, CITY), "city 5");
    assert_all_agree();
    world_home_free(&home);
}

/* The copy wrote it again, under its own number: only the content says what it was. */
static void what_a_copy_brought_is_not_forgotten_before_its_kin_have_looked(void **state)
{
    (void)state;
    limit(0, 1);
    scene_write(&world, rep, 2, CITY, "Biel");
    struct world_device *clone = world_clone(&world, rep);
    scene_write_in(&world, rep, &world.spaces[1], 50, CITY, "Here");
    scene_lose_push(&world, rep, 0);
    assert_false(world_sync(&world, rep)); /* the one got through, and "Biel" did not */
    rep->on_way = NULL;
    scene_lose_push(&world, clone, 0);
    assert_true(world_sync(&world, clone));
    clone->on_way = NULL;
    assert_int_equal(clone->heard[SAT_NOTICE_REINDEXED], 1);
    for (uint32_t i = 0; i < 6; i++) {
        char value[32];
        (void)snprintf(value, sizeof value, "city %u", i);
        assert_true(world_sync(&world, other));
        scene_write(&world, other, 2, CITY, value);
        assert_true(world_sync(&world, other));
    }
    scene_maintain(&world);
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "city 5");
    assert_int_equal(scene_conflicts(&world, rep, 2), 0);
    assert_all_agree();
}

static void a_server_from_before_the_floor_is_healed_by_those_who_compacted(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 9);
    edit(2, 2);
    world_backup(&world, 1);
    edit(1, 21);
    edit(3, 2);
    collect();
    scene_maintain(&world);
    tidy_device(rep);
    tidy_device(other);
    tidy_device(admin);
    assert_true(scene_runs(rep->handle.store, space()) > 0);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < 3; i++)
        for (uint32_t k = 0; k < world.devices_n; k++) (void)world_sync(&world, &world.devices[k]);
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "city 20");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "city 1");
    assert_all_agree();
}

/* It goes back to before a collection that it has looked at, as bytes of a change that was live there are gone here;
 * and the server has no more of the deletion than that there was one. */
static void who_goes_back_to_before_a_collection_believes_what_was_looked_at_once(void **state)
{
    (void)state;
    limit(1, 1);
    scene_write(&world, rep, 2, CITY, "Bern");
    scene_write(&world, rep, 4, CITY, "Chur"); /* so that the bundle stays */
    assert_true(world_settle(&world, 3));
    collect();
    world.now_ms += 40 * SAT_DAY_MS;
    edit(3, 2);
    scene_maintain(&world);
    assert_int_equal(versions_of(world.server_store, 900), 0);
    world_backup(&world, 1);
    edit(2, 9);
    world.now_ms += 40 * SAT_DAY_MS;
    assert_true(world_settle(&world, 3));
    tidy_device(rep);
    tidy_device(other);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < world.devices_n; i++) {
        (void)world_sync(&world, &world.devices[i]); /* waits for the admin's word */
        assert_int_not_equal(world.devices[i].last_err, SAT_ERR_TAMPERED);
    }
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 2, CITY), "city 8");
    assert_all_agree();
}

/* What comes behind them stands on what is in them, and the log says no more that everybody has acknowledged that. */
static void runs_go_with_the_collection_that_spoke_for_them(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 9);
    scene_write(&world, rep, 2, CITY, "Bern");
    scene_write(&world, rep, 4, CITY, "Chur"); /* so that the bundle stays */
    edit(1, 4);
    world_backup(&world, 1);
    edit(2, 9);
    edit(1, 9);
    collect();
    tidy_device(rep);
    tidy_device(other);
    assert_true(scene_runs(rep->handle.store, space()) > 0);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < world.devices_n; i++) {
        (void)world_sync(&world, &world.devices[i]);
        assert_int_not_equal(world.devices[i].last_err, SAT_ERR_UNJUSTIFIED);
        assert_int_equal(scene_runs(world.devices[i].handle.store, space()), 0);
    }
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 2, CITY), "city 8");
    assert_all_agree();
}

/* By the time that its author comes, his later work has come back without it, from who had forgotten it. */
static void a_void_statement_that_comes_too_late_keeps_nobody_waiting(void **state)
{
    (void)state;
    limit(0, 1);
    world_backup(&world, 1);
    scene_write(&world, rep, 3, CITY, "refused");
    scene_damage_push(&world, rep, 0);
    assert_true(world_settle(&world, 4));
    rep->on_way = NULL;
    edit(1, 9);
    collect();
    tidy_device(other);
    assert_true(scene_runs(other->handle.store, space()) > 0);
    world_restore(&world, 1, true);
    (void)world_sync(&world, other);
    (void)world_sync(&world, rep);
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    assert_int_equal(scene_pending(rep), 0);
    assert_all_agree();
}

/* What was before it in its author's chain is superseded, and comes no more. */
static void a_void_statement_comes_back_behind_what_is_compacted(void **state)
{
    (void)state;
    limit(0, 1);
    world_backup(&world, 1);
    edit(1, 9);
    scene_write(&world, rep, 3, CITY, "refused");
    scene_damage_push(&world, rep, 0);
    assert_true(world_settle(&world, 4));
    rep->on_way = NULL;
    scene_write(&world, other, 1, CITY, "last");
    assert_true(world_settle(&world, 3));
    collect_of(other);
    for (uint32_t i = 0; i < world.devices_n; i++) tidy_device(&world.devices[i]);
    assert_true(scene_runs(other->handle.store, space()) > 0);
    world_restore(&world, 1, true);
    (void)world_sync(&world, other);
    (void)world_sync(&world, rep);
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    for (uint32_t i = 0; i < world.devices_n; i++) {
        uint64_t left;
        assert_int_equal(sat_store_return_count(world.devices[i].handle.store, 0, true, &left), SAT_OK);
        assert_int_equal(left, 0);
    }
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "last");
    assert_all_agree();
}

static uint64_t waiting(struct world_device *device, bool refused_too)
{
    uint64_t n;
    int64_t sid = world_sid(device, &world.spaces[0]);
    assert_int_equal(sat_store_return_count(device->handle.store, sid, refused_too, &n), SAT_OK);
    return n;
}

/* Who has compacted it gave back what came behind it: it has no place any more, and nobody misses it. */
static void what_comes_too_late_to_be_given_back_is_settled_once_it_is_superseded(void **state)
{
    (void)state;
    limit(0, 1);
    edit(1, 9);
    edit(2, 2);
    world_backup(&world, 1);
    edit(1, 21);
    edit(3, 2);
    collect();
    scene_maintain(&world);
    tidy_device(rep);
    assert_true(scene_runs(rep->handle.store, &world.spaces[0]) > 0);
    world_restore(&world, 1, true);
    for (uint32_t i = 0; i < 3; i++) (void)world_sync(&world, rep); /* before the others */
    assert_int_equal(waiting(rep, true), 0);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 3; i++) {
        (void)world_sync(&world, other);
        refused += other->heard[SAT_NOTICE_REFUSED];
    }
    assert_true(refused > 0);
    assert_int_equal(waiting(other, true), 0);
    assert_true(world_confirm_restore(&world));
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "city 20");
    assert_all_agree();
    for (uint32_t i = 0; i < world.devices_n; i++) assert_int_equal(waiting(&world.devices[i], true), 0);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(as_many_versions_are_kept_as_policy_says),
        WITH_WORLD(what_was_replaced_long_ago_is_forgotten),
        WITH_WORLD(siblings_and_what_waits_are_never_forgotten),
        WITH_WORLD(what_is_forgotten_below_the_floor_becomes_runs),
        WITH_WORLD(each_devices_newest_and_what_is_behind_the_floor_stay),
        WITH_WORLD(who_joins_later_pulls_runs_and_shows_the_same),
        WITH_WORLD(who_joins_later_takes_a_void_statement_behind_a_run),
        WITH_WORLD(runs_that_no_collection_speaks_for_are_unjustified),
        WITH_WORLD(an_older_copy_starts_anew_and_goes_on),
        WITH_WORLD(a_copy_whose_waiting_work_was_compacted_goes_on),
        WITH_WORLD(what_was_refused_is_not_taken_for_what_is_forgotten),
        WITH_WORLD(a_copy_knows_its_waiting_work_though_it_is_forgotten),
        WITH_WORLD(a_copy_knows_it_whatever_its_clock_says),
        WITH_WORLD(what_got_a_forgotten_number_by_chance_is_not_lost),
        WITH_WORLD(what_a_copy_brought_is_not_forgotten_before_its_kin_have_looked),
        WITH_WORLD(a_server_from_before_the_floor_is_healed_by_those_who_compacted),
        WITH_WORLD(who_goes_back_to_before_a_collection_believes_what_was_looked_at_once),
        WITH_WORLD(runs_go_with_the_collection_that_spoke_for_them),
        WITH_WORLD(a_void_statement_that_comes_too_late_keeps_nobody_waiting),
        WITH_WORLD(a_void_statement_comes_back_behind_what_is_compacted),
        WITH_WORLD(what_comes_too_late_to_be_given_back_is_settled_once_it_is_superseded),
    };
    return cmocka_run_group_tests_name("compaction", tests, NULL, NULL);
}
