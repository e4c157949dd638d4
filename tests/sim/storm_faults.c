#include "tests/sim/storm.h"

#include "common/base/check.h"
#include "tests/sim/doubts.h"
#include "tests/sim/forget.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { COPIES_MAX = 2 };

/* ---- The network ---- */

bool storm_deliver(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any(life);
    enum world_fault fault = WORLD_NO_FAULT;
    uint64_t luck = world_dice(world, 100);
    if (luck < 3) fault = WORLD_LOSS;
    if (luck >= 3 && luck < 7) fault = WORLD_DUPLICATION;
    if (luck >= 7 && luck < 11) fault = WORLD_REORDERING;
    if (!device->replica) return false;
    uint32_t n = fault ? 1 : 1 + (uint32_t)world_dice(world, 12);
    for (uint32_t i = 0; i < n; i++) {
        if (!world_deliver(world, device, fault)) return i > 0;
        life->counts->deliver++;
    }
    if (fault == WORLD_LOSS) life->counts->loss++;
    if (fault == WORLD_DUPLICATION) life->counts->duplication++;
    if (fault == WORLD_REORDERING) life->counts->reordering++;
    static const char *const hows[] = {"", ", lost", ", twice", ", out of order"};
    world_say(world, "home %u: %u messages%s", storm_name(life, device), n, hows[fault]);
    return true;
}

bool storm_move_connection(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any(life);
    if (storm_is_gone(life, device)) return false;
    if (device->replica && world_dice(world, 3) == 0) {
        world_say(world, "home %u hangs up", storm_name(life, device));
        world_disconnect(world, device);
        life->counts->disconnect++;
    } else if (!device->replica) {
        world_say(world, "home %u calls", storm_name(life, device));
        world_connect(world, device);
        life->counts->connect++;
    } else {
        return false;
    }
    return true;
}

/* The next push into the first territory is damaged on its way: the server refuses it for good. */
bool storm_damage(struct life *life)
{
    struct world_device *device = storm_any_joined(life);
    if (device == life->world.devices || device->on_way) return false;
    world_say(&life->world, "home %u: its next push is damaged", storm_name(life, device));
    scene_damage_push(&life->world, device, 0);
    return true;
}

/* ---- Disks ---- */

/* Something fails at one of the writes to come. */
static void plan_trouble(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = world_dice(world, 3) ? storm_any_joined(life) : NULL;
    struct vfs_plan plan = {.operations = VFS_CHANGING, .from = 1 + world_dice(world, 25), .count = 1};
    uint64_t kind = world_dice(world, 4);
    switch (kind) {
    case 0:
        plan.fault = VFS_FULL;
        plan.count = 1 + world_dice(world, 10);
        life->counts->disk_full++;
        break;
    case 1:
        plan.fault = VFS_BROKEN;
        plan.count = 1 + world_dice(world, 3);
        life->counts->disk_broken++;
        break;
    default:
        plan.fault = VFS_CRASH;
        if (device)
            life->counts->crash_at_a_write_of_a_device++;
        else
            life->counts->crash_at_a_write_of_the_server++;
        break;
    }
    world_say(world, "%s %u: disk fault %d at write %llu from here", device ? "home" : "server",
              device ? storm_name(life, device) : 0, (int)plan.fault, (unsigned long long)plan.from);
    vfs_plan(disks_of(&life->disks, device), plan);
}

void storm_misfortune(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any(life);
    uint64_t what = world_dice(world, 8);
    if (what <= 2) {
        plan_trouble(life);
    } else if (what <= 4) {
        bool power = world_dice(world, 2), server = world_dice(world, 3) == 0;
        world_say(world, "%s %u dies%s", server ? "server" : "home", server ? 0 : storm_name(life, device),
                  power ? ", its disk, too" : "");
        struct vfs_disk *disk = disks_of(&life->disks, server ? NULL : device);
        if (power)
            vfs_crash(disk);
        else
            vfs_kill(disk);
        if (server)
            world_crash_server(world);
        else
            storm_crash(life, device);
        if (server && power) life->counts->power_cut_of_the_server++;
        if (server && !power) life->counts->death_of_the_server++;
        if (!server && power) life->counts->power_cut_of_a_device++;
        if (!server && !power) life->counts->death_of_a_device++;
    } else {
        device->clock_ms = (int64_t)world_dice(world, 1000000000000) - 400000000000; /* years ahead or behind */
        world_say(world, "home %u: its clock is %lld s off", storm_name(life, device),
                  (long long)device->clock_ms / 1000);
        life->counts->clock_step++;
    }
}

/* ---- What is set back ---- */

/* Where links are lost, and nobody has said so, whoever knows the most of them comes first: that a directory goes two
 * ways is told, and not healed. */
static void bring_links(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *most = world->devices;
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (world->devices[i].handle.directory.seq > most->handle.directory.seq) most = &world->devices[i];
    if (most->handle.directory.seq <= sat_host_directory(world->host)->seq) return;
    world_say(world, "home %u brings the links back", storm_name(life, most));
    world_connect(world, most);
    (void)world_hand_over(world, most, true);
    (void)world_hand_over(world, most, false);
    world_disconnect(world, most);
}

void storm_copy_server(struct life *life, uint32_t copy)
{
    struct storm_links *links = &life->copied[copy];
    world_backup(&life->world, copy);
    const struct sat_directory *directory = sat_host_directory(life->world.host);
    sat_check(directory->seq < STORM_LINKS_MAX);
    for (links->n = 0; links->n <= directory->seq; links->n++)
        links->at[links->n] = sat_directory_hash_at(directory, links->n);
}

/* Has the directory gone another way since than the copy's, as a link came after the server was set back to before the
 * copy? That is told, too, and not healed. */
static bool goes_two_ways(const struct life *life, uint32_t copy)
{
    const struct storm_links *links = &life->copied[copy];
    for (uint32_t i = 0; i < life->world.devices_n; i++) {
        const struct sat_directory *directory = &life->world.devices[i].handle.directory;
        uint64_t seq = directory->seq < links->n ? directory->seq : links->n - 1;
        struct sat_hash hash = sat_directory_hash_at(directory, seq);
        if (!sat_hash_equal(&hash, &links->at[seq])) return true;
    }
    return false;
}

void storm_turn_back_server(struct life *life)
{
    struct world *world = &life->world;
    uint32_t copy = (uint32_t)world_dice(world, 2);
    storm_plan_nothing(life);
    if (world_dice(world, 2)) {
        world_say(world, "the server is copied (%u)", copy);
        storm_copy_server(life, copy);
        life->counts->backup_of_the_server++;
        return;
    }
    bool announced = world_dice(world, 2);
    if (goes_two_ways(life, copy)) return;
    world_say(world, "the server is set back (%u)%s", copy, announced ? ", and says so" : "");
    struct sat_arena arena;
    struct sat_aside_row *rows;
    sat_arena_init(&arena);
    uint32_t n = order_escrow(world->server_store, &arena, &rows);
    oracle_look(&life->oracle, world, storm_homes(life));
    world_restore(world, copy, announced);
    for (uint32_t i = 0; i < n; i++) storm_moves_lose(life, &rows[i]);
    sat_arena_deinit(&arena);
    if (!announced) life->oracle.unproved_may_go = true;
    if (!announced) bring_links(life);
    life->counts->excused += oracle_excuse_lost(&life->oracle, world, storm_homes(life));
    storm_moves_excuse_lost(life);
    doubts_lose(&life->oracle, world, storm_homes(life));
    forget_lost(&life->oracle, world);
    if (announced)
        life->counts->server_set_back_announced++;
    else
        life->counts->server_set_back_silently++;
}

bool storm_turn_back_home(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any_joined(life);
    storm_plan_nothing(life);
    if (world_dice(world, 3) == 0) {
        if (life->copies == COPIES_MAX || world->devices_n == WORLD_DEVICES_MAX) return false;
        if (device == world->devices) return false; /* the admin's keys are once in the world */
        life->copies++;
        struct world_device *copy = world_clone(world, device);
        uint32_t of = storm_number(life, device), number = storm_number(life, copy);
        life->family[number] = life->family[of];
        if (life->one_only & 1u << of) life->one_only |= 1u << number;
        world_say(world, "home %u is copied: home %u", storm_name(life, device), storm_name(life, copy));
        doubts_begin(&life->oracle, world, copy);
        life->counts->copy_of_a_home++;
        return true;
    }
    if (!life->kept_of) {
        if (device == world->devices) return false;
        world_say(world, "home %u is kept as it is", storm_name(life, device));
        doubts_keep(&life->oracle, world, device);
        world_home_backup(world, device, &life->kept);
        life->kept_of = device;
        life->counts->backup_of_a_home++;
        return true;
    }
    device = life->kept_of;
    life->kept_of = NULL;
    if (!storm_is_gone(life, device)) {
        world_say(world, "home %u is set back to what was kept", storm_name(life, device));
        oracle_look(&life->oracle, world, storm_homes(life));
        doubts_leave(&life->oracle, world, device);
        world_home_restore(world, device, &life->kept);
        doubts_begin(&life->oracle, world, device);
        life->counts->excused += oracle_excuse_lost(&life->oracle, world, storm_homes(life));
        storm_moves_excuse_lost(life);
        storm_moves_set_back(life, device);
        life->counts->home_set_back++;
    }
    world_home_free(&life->kept);
    return true;
}
