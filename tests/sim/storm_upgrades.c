/* Programs of an earlier time, on some devices, and what they are upgraded to: one whose list of types lacks a field,
 * or one that does not know the suite that others write by. In these programs the linker asks here what the program
 * that is acting knows. */
#include "client/unread.h"
#include "common/base/check.h"
#include "common/vault/types.h"
#include "tests/sim/storm.h"
#include "tests/story/scene.h"

static struct {
    struct life *life;
    const struct world_device *acting; /* NULL: the server, or the tests */
} now;

bool __real_sat_suite_is_known(uint16_t suite);
bool __wrap_sat_suite_is_known(uint16_t suite);
const struct sat_field *__real_sat_field_by_number(const struct sat_type *type, uint16_t number);
const struct sat_field *__wrap_sat_field_by_number(const struct sat_type *type, uint16_t number);

static bool acts(uint32_t homes)
{
    return now.acting && (homes & 1u << storm_number(now.life, now.acting));
}

bool __wrap_sat_suite_is_known(uint16_t suite)
{
    return now.life && acts(now.life->knows_no_suite) ? false : __real_sat_suite_is_known(suite);
}

const struct sat_field *__wrap_sat_field_by_number(const struct sat_type *type, uint16_t number)
{
    bool lacks = now.life && type->number == ACCOUNT && number == STORM_NOTE && acts(now.life->knows_no_note);
    return lacks ? NULL : __real_sat_field_by_number(type, number);
}

static void acting(const struct world_device *device)
{
    now.acting = device;
}

void storm_programs(struct life *life)
{
    now.life = life;
    now.acting = NULL;
    if (!life) return;
    life->world.acting = acting;
}

static void begin_with(struct life *life, struct world_device *device, uint32_t *homes, bool later)
{
    uint32_t bit = 1u << storm_number(life, device);
    world_say(&life->world, "home %u has %s program %s", storm_name(life, device), later ? "a later" : "an earlier",
              homes == &life->knows_no_note ? "as to fields" : "as to suites");
    world_disconnect(&life->world, device);
    *homes = later ? *homes & ~bit : *homes | bit;
    world_crash_device(&life->world, device);
}

/* How many changes a device lists that its program cannot read. */
uint32_t storm_check_unread(struct life *life, struct world_device *device)
{
    struct client_unread_counts counts;
    acting(device);
    sat_check(!client_unread_count(&device->handle, &counts));
    acting(NULL);
    life->counts->of_a_later_time += counts.later;
    return (uint32_t)(counts.later + counts.unreadable);
}

void storm_upgrades(struct life *life)
{
    struct world *world = &life->world;
    if (world_dice(world, 100) >= 4) return;
    struct world_device *device = storm_any_joined(life);
    uint32_t *homes = world_dice(world, 2) ? &life->knows_no_note : &life->knows_no_suite;
    bool later = *homes & 1u << storm_number(life, device);
    storm_plan_nothing(life);
    if (later) (void)storm_check_unread(life, device);
    begin_with(life, device, homes, later);
    life->counts->upgrade += later;
}

void storm_upgrade_all(struct life *life)
{
    for (uint32_t i = 0; i < life->world.devices_n; i++) {
        struct world_device *device = &life->world.devices[i];
        if (life->knows_no_note & 1u << i) begin_with(life, device, &life->knows_no_note, true);
        if (life->knows_no_suite & 1u << i) begin_with(life, device, &life->knows_no_suite, true);
    }
}
