/* Programs of an earlier time, on some devices, and what they are upgraded to: one whose list of types lacks a field,
 * or one that does not know the suite that others write by. In these programs the linker asks here what the program
 * that is acting knows. */
#include "client/unread.h"
#include "common/base/check.h"
#include "common/proof/bundle.h"
#include "common/vault/types.h"
#include "tests/sim/storm.h"
#include "tests/story/scene.h"

enum { LATER_SUITE = SAT_SUITE_1 + 1 };

static struct {
    struct life *life;
    const struct world_device *acting; /* NULL: the server, or the tests */
} now;

bool __real_sat_suite_is_known(uint16_t suite);
bool __wrap_sat_suite_is_known(uint16_t suite);
uint16_t __real_sat_suite_in_use(void);
uint16_t __wrap_sat_suite_in_use(void);
const struct sat_field *__real_sat_field_by_number(const struct sat_type *type, uint16_t number);
const struct sat_field *__wrap_sat_field_by_number(const struct sat_type *type, uint16_t number);

const struct sat_type *__real_sat_type_at(uint16_t index);
const struct sat_type *__wrap_sat_type_at(uint16_t index);

static bool acts(uint32_t homes)
{
    return now.acting && (homes & 1u << storm_number(now.life, now.acting));
}

/* The same as the first in all but its number. */
bool __wrap_sat_suite_is_known(uint16_t suite)
{
    bool later = now.life && suite == LATER_SUITE && !acts(now.life->knows_no_suite);
    return later || __real_sat_suite_is_known(suite);
}

uint16_t __wrap_sat_suite_in_use(void)
{
    return now.life && now.acting && !acts(now.life->knows_no_suite) ? LATER_SUITE : __real_sat_suite_in_use();
}

const struct sat_field *__wrap_sat_field_by_number(const struct sat_type *type, uint16_t number)
{
    bool lacks = now.life && type->number == ACCOUNT && number == STORM_NOTE && acts(now.life->knows_no_note);
    return lacks ? NULL : __real_sat_field_by_number(type, number);
}

/* The count of its fields is all that anybody looks at. */
const struct sat_type *__wrap_sat_type_at(uint16_t index)
{
    static struct sat_type account;
    const struct sat_type *type = __real_sat_type_at(index);
    if (!type || type->number != ACCOUNT || !now.life || !acts(now.life->knows_no_note)) return type;
    account = *type;
    account.fields_n--;
    return &account;
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
    life->known_homes = life->world.devices_n;
    life->knows_no_suite =
        (uint32_t)(life->seed * 0x9e3779b97f4a7c15 >> 40) & 6; /* of those who are there, not the admin */
}

static void begin_with(struct life *life, struct world_device *device, uint32_t *homes, bool later)
{
    uint32_t bit = 1u << storm_number(life, device);
    world_say(&life->world, "home %u has %s program %s", storm_name(life, device), later ? "a later" : "an earlier",
              homes == &life->knows_no_note ? "as to fields" : "as to suites");
    world_disconnect(&life->world, device);
    *homes = later ? *homes & ~bit : *homes | bit;
    storm_crash(life, device);
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
    /* Nobody goes back to a program that cannot read what he has written over. */
    for (; life->known_homes < world->devices_n; life->known_homes++)
        if (!world->devices[life->known_homes].joined && world_dice(world, 2))
            life->knows_no_suite |= 1u << life->known_homes;
    if (world_dice(world, 100) >= 4) return;
    struct world_device *device = storm_any_joined(life);
    uint32_t bit = 1u << storm_number(life, device);
    uint32_t *homes = life->knows_no_suite & bit && world_dice(world, 2) ? &life->knows_no_suite : &life->knows_no_note;
    bool later = *homes & bit;
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
