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

#include "common/proof/hash.h"
#include "common/sync/digest.h"
#include "tests/sim/oracle.h"

enum { ACTIONS = 200, RECORDS = 5, ACCOUNT = 1, TAGS = 7, SHARED = 0, NARROW = 1 };

#define COUNTED(X)                                                                                                     \
    X(edit)                                                                                                            \
    X(delete)                                                                                                          \
    X(edit_of_deleted) X(set_add) X(set_remove) X(settle) X(conflict) X(join) X(connect) X(disconnect) X(deliver)      \
        X(loss) X(duplication) X(reordering) X(crash_of_a_device) X(crash_of_the_server) X(clock_step)

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
    oracle_edit(&life->oracle, world, device, space, record, &edit);
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

/* All that a device shows of a space, as one hash: values, alternatives in their order, what is deleted. */
static struct sat_hash view_of(struct life *life, struct world_device *device, uint32_t space, uint32_t *conflicts)
{
    struct sat_hasher hasher;
    struct sat_arena arena;
    sat_arena_init(&arena);
    sat_hash_begin(&hasher, "view");
    for (uint32_t record = 0; record < RECORDS; record++) {
        struct sat_record_view view;
        struct sat_record_id id = world_record(10 * space + record);
        world_load(device, &life->world.spaces[space], &id, &arena, &view);
        sat_hash_add_u32(&hasher, (uint32_t)view.merged.exists << 1 | view.merged.deleted);
        *conflicts += view.merged.conflicts;
        for (uint32_t i = 0; i < view.merged.cells_n; i++) {
            const struct sat_merged *cell = &view.merged.cells[i];
            sat_hash_add_u32(&hasher, cell->field);
            sat_hash_add_counted(&hasher, cell->element);
            for (uint32_t k = 0; k < cell->alternatives_n; k++) {
                sat_hash_add_u32(&hasher, cell->alternatives[k].value.truth);
                sat_hash_add_counted(&hasher, cell->alternatives[k].value.text);
                sat_hash_add_u32(&hasher, cell->alternatives[k].source->dot.device);
                sat_hash_add_u64(&hasher, cell->alternatives[k].source->dot.counter);
            }
        }
    }
    sat_arena_deinit(&arena);
    return sat_hash_end(&hasher);
}

static struct sat_hash digest_in(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_space_row row;
    bool found;
    assert_int_equal(sat_store_space_find(store, space, &row, &found), SAT_OK);
    assert_true(found);
    return sat_digest_of(&row);
}

static uint32_t check_space(struct life *life, uint32_t space)
{
    struct world *world = &life->world;
    uint32_t wrong = 0, conflicts = 0;
    struct sat_hash view = view_of(life, &world->devices[0], space, &conflicts);
    struct sat_hash digest = digest_in(world->server_store, &world->spaces[space]);
    if (conflicts) life->counts->conflict++;
    for (uint32_t i = 0; i < world->devices_n; i++) {
        struct world_device *device = &world->devices[i];
        if (space == NARROW && i == 1) continue;
        struct sat_hash its_view = view_of(life, device, space, &conflicts);
        struct sat_hash its_digest = digest_in(device->handle.store, &world->spaces[space]);
        if (!sat_hash_equal(&view, &its_view) || !sat_hash_equal(&digest, &its_digest)) {
            (void)fprintf(stderr, "device %u sees another space %u\n", i + 1, space);
            wrong++;
        }
        wrong += oracle_check(&life->oracle, device, world, space);
    }
    return wrong;
}

/* Plays one life; the number of things that are wrong at its end. */
static uint32_t live(uint64_t seed, struct counts *counts)
{
    struct life *life = calloc(1, sizeof *life);
    assert_non_null(life);
    life->counts = counts;
    world_init(&life->world, seed, 2);
    if (getenv("STORY")) life->world.transcript = stderr;
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

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

static void every_life_ends_alike_and_nothing_is_lost(void **state)
{
    (void)state;
    uint64_t seed = number_from("SEED", 1), lives = number_from("LIVES", 1000);
    struct counts counts = {0};
    uint32_t bad = 0;
    for (uint64_t i = 0; i < lives; i++) {
        uint32_t wrong = live(seed + i, &counts);
        if (wrong)
            (void)fprintf(stderr, "the life of seed %llu ends badly: SEED=%llu LIVES=1 plays it again\n",
                          (unsigned long long)(seed + i), (unsigned long long)(seed + i));
        bad += wrong > 0;
    }
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
