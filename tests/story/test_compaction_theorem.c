/* The theorem of docs/compaction.md: a client at any cursor ends the same with and without compaction. Random
 * histories; at their end readers at all sorts of cursors pull once from the server as it is, and once from the same
 * one after it has forgotten and compacted all that it may: who lagged and has work of his own, who was cut off in the
 * middle of his first pull, who joins, and an older copy of a home. What they hold and show must be the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/sync/host_state.h"
#include "common/sync/tidy.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"
#include "tests/story/world_parts.h"

enum { LIVES = 16, STEPS = 150, RECORDS = 7, WRITERS = 3, FIRST_SEED = 4100 };

static struct world world;
static uint32_t anew, runs; /* over all lives: that what is to be shown happened */

static const struct sat_space_id *space(void)
{
    return &world.spaces[0];
}

static uint32_t dice(uint32_t sides)
{
    return (uint32_t)world_dice(&world, sides);
}

/* ---- The server: collects, and tidies only when it is told ---- */

static void collect(void)
{
    world.host->tidied_ms =
        world.now_ms + 2; /* the time at which it is going to be asked: it has been tidied just now */
    (void)world_collect(&world);
}

static void tidy_all(void)
{
    struct sat_arena arena;
    struct sat_actions actions;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < 12; i++) {
        world.host->tidied_ms = 0;
        world.host->collect_every_ms = 0;
        sat_actions_init(&actions, &arena);
        assert_int_equal(sat_host_maintain(world.host, world.now_ms, 4096, &actions), SAT_OK);
    }
    sat_arena_deinit(&arena);
}

/* ---- The history ---- */

static void write_some(struct world_device *device)
{
    char value[32];
    uint32_t record = 1 + dice(RECORDS), what = dice(10);
    (void)snprintf(value, sizeof value, "v%u", dice(1000));
    bool there = scene_live(&world, device, record)[0];
    if (what == 0 && there)
        scene_remove(&world, device, record);
    else if (what == 1)
        scene_tag(&world, device, record, dice(2) ? "vip" : "cold", dice(2));
    else if (what == 2)
        scene_write_both(&world, device, record, CITY, value, NAME, value);
    else
        scene_write(&world, device, record, what < 6 ? CITY : NAME, value);
}

static void live(uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++) {
        struct world_device *device = &world.devices[dice(WRITERS)];
        world.now_ms += 1 + dice(5000);
        if (dice(3)) write_some(device);
        if (dice(3) == 0) (void)world_sync(&world, device);
        if (dice(20) == 0) {
            for (uint32_t k = 0; k < WRITERS; k++) (void)world_sync(&world, &world.devices[k]);
            collect();
        }
        struct sat_tidied done = {0};
        if (dice(10) == 0)
            assert_int_equal(
                sat_tidy_device(device->handle.store, &device->handle.directory, scene_number(device), 500, &done),
                SAT_OK);
    }
}

/* ---- What somebody ends with ---- */

struct outcome {
    struct sat_hash digest, root;
    uint64_t size, live;
    char shown[RECORDS][400];
    bool compared; /* digests and roots, too: nothing of it was written meanwhile */
};

static void look(struct world_device *device, bool compared, struct outcome *out)
{
    *out = (struct outcome){.compared = compared};
    struct sat_space_row row = scene_space(device->handle.store, space());
    out->digest = scene_digest(device->handle.store, space());
    out->root = sat_frontier_root(&row.log);
    out->size = row.log.size;
    out->live = row.live;
    for (uint32_t i = 0; i < RECORDS; i++)
        (void)snprintf(out->shown[i], sizeof out->shown[i], "%s / %s / %s / %u",
                       scene_shows(&world, device, i + 1, CITY), scene_shows(&world, device, i + 1, NAME),
                       scene_tags(&world, device, i + 1), scene_conflicts(&world, device, i + 1));
    scene_assert_sound(device->handle.store);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
    for (uint32_t i = 0; i < RECORDS; i++) assert_string_equal(a->shown[i], b->shown[i]);
    assert_int_equal(a->live, b->live);
    if (!a->compared) return;
    assert_int_equal(a->size, b->size);
    assert_true(sat_hash_equal(&a->digest, &b->digest) && sat_hash_equal(&a->root, &b->root));
}

/* A deletion that all have seen is collected. */
static void raise_floor(void)
{
    scene_write(&world, &world.devices[0], 900, CITY, "gone");
    assert_true(world_settle(&world, 5));
    scene_remove(&world, &world.devices[0], 900);
    assert_true(world_settle(&world, 5));
    collect();
    assert_true(scene_space(world.server_store, space()).floor > 0);
}

/* ---- The readers ---- */

static void sync_well(struct world_device *device)
{
    bool well = false;
    for (uint32_t i = 0; i < 5 && !well; i++) well = world_sync(&world, device);
    if (!well) {
        world.transcript = stderr;
        print_message("device %u: %s\n", scene_number(device), sat_err_name(device->last_err));
        scene_listen(&world, device);
        (void)world_sync(&world, device);
    }
    assert_true(well);
}

static void pull(struct world_device *device, const struct world_home *home, bool writes, struct outcome *out)
{
    world_home_restore(&world, device, home);
    uint32_t before = device->heard[SAT_NOTICE_ANEW];
    sync_well(device);
    anew += device->heard[SAT_NOTICE_ANEW] - before;
    look(device, !writes, out);
}

/* A first pull that breaks off somewhere. */
static void begin_to_pull(struct world_device *device)
{
    world_connect(&world, device);
    while (!world_number_of(device)) assert_true(world_deliver(&world, device, WORLD_NO_FAULT));
    for (uint32_t n = dice(16); n-- && world_deliver(&world, device, WORLD_NO_FAULT);) continue;
    world_disconnect(&world, device);
    world_connect(&world, device); /* where it learns its number */
    world_disconnect(&world, device);
}

static void one_life(uint32_t seed)
{
    struct world_home lagging, cut_off, older;
    struct outcome plain[3], compacted[3];
    print_message("seed %u\n", seed);
    world_init(&world, seed, 1);
    while (world.devices_n < WRITERS) (void)world_join(&world, 1);
    order_keep_history(&world, 0, 1 + dice(3));
    world_disconnect(&world, &world.devices[0]);
    struct world_device *copied = &world.devices[1], *lags = world_join(&world, 1);
    live(STEPS / 3);
    (void)world_sync(&world, copied);
    world_home_backup(&world, copied, &older);
    live(STEPS / 3);
    raise_floor();
    struct world_device *cut = world_invite(&world, 1);
    begin_to_pull(cut);
    write_some(lags);
    live(STEPS / 3);
    write_some(lags);
    world_home_backup(&world, lags, &lagging);
    world_home_backup(&world, cut, &cut_off);
    for (uint32_t k = 0; k < WRITERS; k++) world_disconnect(&world, &world.devices[k]);
    world_backup(&world, 1);
    for (int tidied = 0; tidied < 2; tidied++) {
        struct outcome *out = tidied ? compacted : plain;
        world_restore(&world, 1, false);
        if (tidied) tidy_all();
        if (tidied) runs += scene_runs(world.server_store, space()) > 0;
        pull(cut, &cut_off, false, &out[0]);
        pull(copied, &older, true, &out[1]);
        pull(lags, &lagging, true, &out[2]);
        scene_assert_sound(world.server_store);
    }
    for (uint32_t i = 0; i < 3; i++) assert_same(&plain[i], &compacted[i]);
    world_home_free(&lagging);
    world_home_free(&cut_off);
    world_home_free(&older);
    world_deinit(&world);
}

static void a_client_at_any_cursor_ends_the_same_with_and_without_compaction(void **state)
{
    (void)state;
    const char *from = getenv("SATCHEL_SEED"), *lives = getenv("SATCHEL_LIVES");
    uint32_t seed = from ? (uint32_t)strtoul(from, NULL, 10) : FIRST_SEED;
    uint32_t n = lives ? (uint32_t)strtoul(lives, NULL, 10) : LIVES;
    for (uint32_t i = 0; i < n; i++) one_life(seed + i);
    print_message("%u lives with runs, %u starts anew\n", runs, anew);
    assert_true(runs > n / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_at_any_cursor_ends_the_same_with_and_without_compaction),
    };
    return cmocka_run_group_tests_name("compaction theorem", tests, NULL, NULL);
}
