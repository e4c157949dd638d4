/* A sync that failed may have made the system forget what it should have written, though it can still be read: what is
 * acknowledged later is there after a power cut all the same. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "common/store/store.h"
#include "tests/faults/vfs.h"

enum { SEEDS = 60, SYNCS = 4, WRITES = 6 };

enum then { GOES_ON, IS_KILLED, IS_KILLED_TWICE };

struct machine {
    struct vfs *vfs;
    struct vfs_disk *disk;
    struct sat_store *store;
};

static enum sat_err write_down(struct sat_store *store, uint64_t number)
{
    char key[16];
    (void)snprintf(key, sizeof key, "n%llu", (unsigned long long)number);
    enum sat_err err = sat_store_begin(store);
    if (!err) err = sat_store_meta_put_u64(store, key, number);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

static bool is_there(struct sat_store *store, uint64_t number)
{
    char key[16];
    uint64_t value = 0;
    (void)snprintf(key, sizeof key, "n%llu", (unsigned long long)number);
    assert_int_equal(sat_store_meta_get_u64(store, key, 0, &value), SAT_OK);
    return value == number;
}

static void kill_process(struct machine *machine)
{
    vfs_kill(machine->disk);
    sat_store_close(machine->store);
    vfs_restart(machine->vfs, machine->disk);
    assert_int_equal(sat_store_open("one/store.db", SAT_STORE_OPEN, &machine->store, NULL), SAT_OK);
}

/* The sync of one commit fails; what is acknowledged before it and after it outlives the power. */
static void play(uint64_t seed, uint64_t sync, enum then then)
{
    struct machine machine = {.vfs = vfs_new(seed)};
    machine.disk = vfs_disk(machine.vfs, "one/");
    assert_int_equal(sat_store_open("one/store.db", SAT_STORE_CREATE, &machine.store, NULL), SAT_OK);
    bool done[WRITES + 1] = {false};
    vfs_plan(machine.disk, (struct vfs_plan){VFS_BROKEN, 1u << VFS_SYNC, sync, 1});
    for (uint64_t n = 1; n <= WRITES; n++) {
        enum sat_err err = write_down(machine.store, n);
        assert_true(err == SAT_OK || err == SAT_ERR_IO);
        done[n] = !err;
        if (err && then != GOES_ON) kill_process(&machine);
        if (err && then == IS_KILLED_TWICE) kill_process(&machine);
    }
    vfs_crash(machine.disk);
    kill_process(&machine);
    for (uint64_t n = 1; n <= WRITES; n++) {
        if (!done[n] || is_there(machine.store, n)) continue;
        fail_msg("seed %llu, sync %llu: write %llu was acknowledged and is gone", (unsigned long long)seed,
                 (unsigned long long)sync, (unsigned long long)n);
    }
    sat_store_close(machine.store);
    vfs_free(machine.vfs);
}

static void play_all(enum then then)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (uint64_t sync = 1; sync <= SYNCS; sync++) play(seed, sync, then);
}

static void what_follows_a_failed_sync_outlives_a_power_cut(void **state)
{
    (void)state;
    play_all(GOES_ON);
}

static void so_it_does_where_the_process_was_killed_and_began_anew(void **state)
{
    (void)state;
    play_all(IS_KILLED);
    play_all(IS_KILLED_TWICE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_follows_a_failed_sync_outlives_a_power_cut),
        cmocka_unit_test(so_it_does_where_the_process_was_killed_and_began_anew),
    };
    return cmocka_run_group_tests_name("syncs", tests, NULL, NULL);
}
