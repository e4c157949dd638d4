/* A store stays bounded however often the same records are edited: what is forgotten and acknowledged makes room for
 * what comes, on the server and on devices. SATCHEL_EDITS=1000000 SATCHEL_RECORDS=1000 plays it in full. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/sync/tidy.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { AT_ONCE = 50, ROUND = 1000, VERSIONS = 3 };

static struct world world;

static uint64_t number_of(const char *name, uint64_t absent)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : absent;
}

static void edit(struct world_device *device, uint64_t first, uint64_t records)
{
    struct sat_edit edits[AT_ONCE];
    struct sat_cell cells[AT_ONCE];
    char values[AT_ONCE][80];
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        (void)snprintf(values[i], sizeof values[i], "edit %llu of as many characters as a street has",
                       (unsigned long long)(first + i));
        cells[i] = world_text(CITY, values[i]);
        edits[i] = (struct sat_edit){.record = world_record(1 + (uint32_t)((first + i) % records)),
                                     .sid = world_sid(device, &world.spaces[0]),
                                     .type = ACCOUNT,
                                     .cells = &cells[i],
                                     .cells_n = 1};
    }
    uint64_t from, to;
    world_edit(&world, device, edits, AT_ONCE, &from, &to);
    assert_true(world_sync(&world, device));
    world.now_ms += 1000;
}

static void collect_and_tidy(struct world_device *device)
{
    scene_write(&world, device, 99999, CITY, "gone");
    assert_true(world_settle(&world, 4));
    scene_remove(&world, device, 99999);
    assert_true(world_settle(&world, 4));
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_settle(&world, 4));
    for (uint32_t i = 0; i < 4; i++) {
        world.now_ms += 61 * 1000;
        (void)world_collect(&world);
    }
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct world_device *one = &world.devices[i];
        struct sat_tidied done = {0};
        for (uint32_t k = 0; k < 3; k++)
            assert_int_equal(sat_tidy_device(one->handle.store, &one->handle.directory, scene_number(one), 4096, &done),
                             SAT_OK);
    }
}

static uint64_t size_of(struct sat_store *store, const char *path)
{
    struct stat info;
    sat_store_forget_log(store);
    assert_int_equal(stat(path, &info), 0);
    return (uint64_t)info.st_size;
}

static void a_store_stays_bounded_however_often_records_are_edited(void **state)
{
    (void)state;
    uint64_t edits = number_of("SATCHEL_EDITS", 12000), records = number_of("SATCHEL_RECORDS", 100);
    uint64_t sizes[2][2];
    char path[200];
    world_init(&world, 11, 1);
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    order_keep_history(&world, 0, VERSIONS);
    world_disconnect(&world, &world.devices[0]);
    (void)snprintf(path, sizeof path, "%s/server.db", world.dir);
    for (uint64_t i = 0; i < edits; i += AT_ONCE) {
        edit(i / AT_ONCE % 2 ? a : b, i, records);
        assert_true(world_sync(&world, i / AT_ONCE % 2 ? b : a));
        if ((i + AT_ONCE) % (ROUND * (edits / 12000 ? edits / 12000 : 1)) == 0) collect_and_tidy(a);
        int which = i + AT_ONCE == edits / 4 ? 0 : i + AT_ONCE == edits ? 1 : -1;
        if (which < 0) continue;
        sizes[which][0] = size_of(world.server_store, path);
        sizes[which][1] = size_of(a->handle.store, a->store_path);
        print_message("%llu edits of %llu records: server %llu KiB, device %llu KiB\n",
                      (unsigned long long)(i + AT_ONCE), (unsigned long long)records,
                      (unsigned long long)sizes[which][0] / 1024, (unsigned long long)sizes[which][1] / 1024);
    }
    for (int side = 0; side < 2; side++) assert_true(sizes[1][side] <= sizes[0][side] * 5 / 4);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_stays_bounded_however_often_records_are_edited),
    };
    return cmocka_run_group_tests_name("bounded", tests, NULL, NULL);
}
