/* A device is not heard of for half a year, and is waited for no more; and comes back with what it had not sent. */
#include "tests/sim/forget.h"
#include "tests/sim/storm.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

#define HALF_A_YEAR_MS (UINT64_C(181) * 24 * 3600 * 1000)

static bool is_expelled(const struct life *life, const struct world_device *device)
{
    uint64_t at_seq;
    return sat_directory_expelled(sat_host_directory(life->world.host), scene_number(device), &at_seq);
}

static void tend_again(void *context)
{
    storm_tend(context);
}

/* The others sync, and what all of them have seen deleted is forgotten. */
static void forget_without(struct life *life, const struct world_device *silent)
{
    uint32_t others = storm_homes(life) & ~(1u << storm_number(life, silent));
    for (uint32_t i = 0; i < 2 * life->world.devices_n; i++) {
        uint32_t home = i % life->world.devices_n;
        if (others & 1u << home) (void)world_sync(&life->world, &life->world.devices[home]);
        storm_tend(life);
    }
    uint32_t records = forget_collect(&life->oracle, &life->world, others, tend_again, life);
    if (records) world_say(&life->world, "the server forgets %u records without it", records);
    life->counts->collection += records;
    life->counts->forgotten_without += records;
}

void storm_silence(struct life *life)
{
    struct world *world = &life->world;
    for (uint32_t i = 0; i < world->devices_n; i++) {
        uint32_t bit = 1u << i;
        if (!(life->silent & bit) || is_expelled(life, &world->devices[i])) continue;
        world_say(world, "home %u is back", i + 1);
        life->silent &= ~bit;
        life->counts->return_of_a_silent_home++;
    }
    if (world_dice(world, 100) >= 2 || !storm_all_have_come(life)) return;
    struct world_device *device = storm_any_joined(life);
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (!world->devices[i].joined) return; /* its invite would expire */
    if (device == world->devices || !scene_number(device) || is_expelled(life, device)) return;
    storm_plan_nothing(life);
    for (uint32_t i = 0; i < world->devices_n; i++) world_disconnect(world, &world->devices[i]);
    world->now_ms += HALF_A_YEAR_MS;
    order_expel(world, device);
    bool done = is_expelled(life, device);
    world_say(world, "half a year later home %u is expelled%s", storm_name(life, device), done ? "" : ", in vain");
    if (!done) return;
    life->silent |= 1u << storm_number(life, device);
    life->counts->expulsion++;
    storm_tend(life);
    forget_without(life, device);
}
