/* Random lives: three to five devices and a server on a network that loses, reorders and duplicates, with processes
 * that die. At the end everybody sees the same, the digests agree, and no write is lost by the oracle. SEED and LIVES
 * (environment) choose others; a failing life prints its seed, and SEED=that LIVES=1 plays it again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/ends.h"
#include "tests/sim/loop.h"

enum { ACTIONS = 200, RECORDS = 5, ACCOUNT = 1, TAGS = 7, SHARED = 0, NARROW = 1 };

#define COUNTED(X)                                                                                                     \
    X(edit)                                                                                                            \
    X(delete)                                                                                                          \
    X(edit_of_deleted)                                                                                                 \
    X(set_add)                                                                                                         \
    X(set_remove)                                                                                                      \
    X(settle)                                                                                                          \
    X(conflict)                                                                                                        \
    X(join)                                                                                                            \
    X(connect)                                                                                                         \
    X(disconnect)                                                                                                      \
    X(deliver) X(loss) X(duplication) X(reordering) X(crash_of_a_device) X(crash_of_the_server) X(clock_step)

struct counts {
#define X(name) uint64_t name;
    COUNTED(X)
#undef X
};

struct life {
    struct world world;
    struct oracle oracle;
    struct counts *counts;
    uint32_t value; /* every text is written once in a life */
};

static struct world_device *any_joined(struct life *life)
{
    for (;;) {
        struct world_device *device = &life->world.devices[world_dice(&life->world, life->world.devices_n)];
        if (device->joined) return device;
    }
}

/* Which territories a device has: the admin all, the first rep one, the others both. */
static uint32_t any_space(struct life *life, const struct world_device *device)
{
    if (device == &life->world.devices[1]) return SHARED;
    return world_dice(&life->world, 4) == 0 ? NARROW : SHARED;
}

static void write_record(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = any_joined(life);
    uint32_t space = any_space(life, device), record = 10 * space + (uint32_t)world_dice(world, RECORDS);
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    world_load(device, &world->spaces[space], &id, &arena, &view);
    char texts[2][16];
    static const char *const elements[] = {"vip", "cold", "north"};
    struct sat_cell cells[2];
    struct sat_edit edit = {.type = ACCOUNT, .cells = cells};
    uint64_t what = world_dice(world, 10);
    if (what == 0 && view.merged.exists && !view.merged.deleted) {
        edit.remove = true;
        life->counts->delete ++;
    } else if (what <= 2) {
        bool in = world_dice(world, 3) > 0;
        cells[edit.cells_n++] = world_element(TAGS, elements[world_dice(world, 3)], in);
        if (in)
            life->counts->set_add++;
        else
            life->counts->set_remove++;
    } else {
        edit.cells_n = 1 + (uint32_t)world_dice(world, 2);
        for (uint32_t i = 0; i < edit.cells_n; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "w%u", ++life->value);
            cells[i] = world_text((uint16_t)(edit.cells_n == 2 ? 1 + i : 1 + world_dice(world, 3)), texts[i]);
        }
        life->counts->edit++;
    }
    if (view.merged.conflicts) life->counts->settle++;
    if (view.merged.deleted) life->counts->edit_of_deleted++;
    oracle_edit(&life->oracle, world, device, space, record, &view, &edit);
    sat_arena_deinit(&arena);
}

static bool deliver(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = &world->devices[world_dice(world, world->devices_n)];
    enum world_fault fault = WORLD_NO_FAULT;
    uint64_t luck = world_dice(world, 100);
    if (luck < 4) fault = WORLD_LOSS;
    if (luck >= 4 && luck < 10) fault = WORLD_DUPLICATION;
    if (luck >= 10 && luck < 16) fault = WORLD_REORDERING;
    if (!world_deliver(world, device, fault)) return false;
    life->counts->deliver++;
    if (fault == WORLD_LOSS) life->counts->loss++;
    if (fault == WORLD_DUPLICATION) life->counts->duplication++;
    if (fault == WORLD_REORDERING) life->counts->reordering++;
    return true;
}

static bool move_connection(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = &world->devices[world_dice(world, world->devices_n)];
    if (device->replica && world_dice(world, 3) == 0) {
        world_disconnect(world, device);
        life->counts->disconnect++;
    } else if (!device->replica) {
        world_connect(world, device);
        life->counts->connect++;
    } else {
        return false;
    }
    return true;
}

static void misfortune(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = &world->devices[world_dice(world, world->devices_n)];
    uint64_t what = world_dice(world, 5);
    if (what == 0) {
        world_crash_server(world);
        life->counts->crash_of_the_server++;
    } else if (what <= 2) {
        world_crash_device(world, device);
        life->counts->crash_of_a_device++;
    } else {
        device->clock_ms = (int64_t)world_dice(world, 1000000000000) - 400000000000; /* years ahead or behind */
        life->counts->clock_step++;
    }
}

/* One action; false: the dice fell on something that could not happen now. */
static bool act(struct life *life, uint32_t devices)
{
    struct world *world = &life->world;
    uint64_t what = world_dice(world, 100);
    if (what >= 30 && what < 86) return deliver(life);
    if (what >= 86 && what < 95) return move_connection(life);
    if (what < 30)
        write_record(life);
    else if (what < 98)
        misfortune(life);
    else if (world->devices_n < devices) {
        (void)world_invite(world, 3);
        life->counts->join++;
    } else {
        return false;
    }
    return true;
}

static uint32_t check_space(struct life *life, uint32_t space)
{
    uint32_t homes = (1u << life->world.devices_n) - 1, conflicts;
    if (space == NARROW) homes &= ~2u; /* the first rep's device */
    uint32_t wrong = ends_compare(&life->oracle, &life->world, space, RECORDS, homes, &conflicts);
    life->counts->conflict += conflicts > 0;
    return wrong;
}

/* Plays one life; the number of things that are wrong at its end. */
static uint32_t live(const struct loop_life *played)
{
    struct life *life = calloc(1, sizeof *life);
    assert_non_null(life);
    life->counts = played->counts;
    world_init(&life->world, played->seed, 2);
    life->world.transcript = played->story;
    oracle_init(&life->oracle);
    uint32_t devices = 3 + (uint32_t)world_dice(&life->world, 3);
    (void)world_join(&life->world, 1);
    (void)world_join(&life->world, 3);
    for (uint32_t i = 0; i < ACTIONS;) i += act(life, devices);
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < life->world.devices_n; i++) world_disconnect(&life->world, &life->world.devices[i]);
    if (!world_settle(&life->world, 8)) {
        (void)fprintf(stderr, "they do not come to rest\n");
        wrong++;
    }
    wrong += check_space(life, SHARED) + check_space(life, NARROW);
    oracle_deinit(&life->oracle);
    world_deinit(&life->world);
    free(life);
    return wrong;
}

static void every_life_ends_alike_and_nothing_is_lost(void **state)
{
    (void)state;
    uint64_t seed = loop_number("SEED", 1), lives = loop_number("LIVES", 1000);
    struct counts counts = {0};
    uint32_t bad = loop_play(
        &(struct loop){.live = live, .counts = (uint64_t *)&counts, .counts_n = sizeof counts / sizeof(uint64_t)}, seed,
        lives);
    (void)printf("%llu lives from seed %llu, %u bad\n", (unsigned long long)lives, (unsigned long long)seed, bad);
#define X(name) (void)printf("  %-20s %llu\n", #name, (unsigned long long)counts.name);
    COUNTED(X)
#undef X
    assert_int_equal(bad, 0);
    if (lives < 200) return; /* too few to demand that everything happens */
#define X(name) assert_true(counts.name >= 50);
    COUNTED(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_life_ends_alike_and_nothing_is_lost)};
    return cmocka_run_group_tests_name("lives", tests, NULL, NULL);
}
