/* Stories of synchronising: devices, a server, a network on one clock; what everybody sees at the end is the assertion. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/digest.h"
#include "tests/story/world.h"

enum { ACCOUNT = 1, NAME = 1, CITY = 3, TAGS = 7 };

static struct world world;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 7, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void write_text(struct world_device *device, uint32_t record, uint16_t field, const char *value)
{
    struct sat_cell cell = world_text(field, value);
    struct sat_edit edit = {.record = world_record(record), .sid = world_sid(device, &world.spaces[0]), .type = ACCOUNT, .cells = &cell, .cells_n = 1};
    uint64_t first, last;
    world_edit(&world, device, &edit, 1, &first, &last);
}

/* What a device shows of a field, its alternatives behind it: "Berlin|Bern". */
static const char *shows(struct world_device *device, uint32_t record, uint16_t field)
{
    static char text[200];
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    world_load(device, &world.spaces[0], &id, &arena, &view);
    const struct sat_merged *cell = sat_merged_cell(&view.merged, field, (struct sat_span){0});
    text[0] = 0;
    for (uint32_t i = 0; cell && i < cell->alternatives_n; i++) {
        struct sat_span value = cell->alternatives[i].value.text;
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%.*s", i ? "|" : "", (int)value.len, (const char *)value.at);
    }
    sat_arena_deinit(&arena);
    return text;
}

static void what_one_writes_the_other_sees(void **state)
{
    (void)state;
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    write_text(a, 1, CITY, "Strasbourg");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_string_equal(shows(b, 1, CITY), "Strasbourg");
    assert_string_equal(shows(&world.devices[0], 1, CITY), "");
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(shows(&world.devices[0], 1, CITY), "Strasbourg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_one_writes_the_other_sees, begin, end),
    };
    return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
