#include "tests/sim/storm.h"

#include "common/base/check.h"
#include "tests/sim/doubts.h"
#include "tests/sim/forget.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

/* ---- What they write ---- */

/* As the library sees it (client_check_right()). */
static bool may_write(struct world_device *device, const struct sat_space_id *space, int64_t sid)
{
    bool awaits;
    sat_check(!client_awaits_log(&device->handle, sid, &awaits));
    return !awaits && (client_rights(&device->handle, space) & SAT_RIGHT_WRITE);
}

void storm_write(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any_joined(life);
    bool both = storm_plays(life, "grants") || !(life->one_only & 1u << storm_number(life, device));
    uint32_t space = both && world_dice(world, 4) == 0 ? STORM_NARROW : STORM_SHARED;
    uint32_t record = 10 * space + (uint32_t)world_dice(world, STORM_RECORDS);
    int64_t sid;
    if (client_sid_of_space(&device->handle, &world->spaces[space], &sid)) return; /* not heard of it yet */
    if (storm_plays(life, "grants") && !may_write(device, &world->spaces[space], sid)) return;
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    world_load(device, &world->spaces[space], &id, &arena, &view);
    static const char *const elements[] = {"vip", "cold", "north"};
    char text[STORM_TEXT_MAX];
    storm_text(life, text);
    struct sat_cell cells[2];
    struct sat_edit edit = {.type = ACCOUNT, .cells = cells};
    uint64_t what = world_dice(world, 10);
    if (what == 0 && view.merged.exists && !view.merged.deleted) {
        edit.remove = true;
        life->counts->delete ++;
    } else if (what <= 2) {
        cells[edit.cells_n++] = world_element(TAGS, elements[world_dice(world, 3)], world_dice(world, 3) > 0);
        cells[edit.cells_n++] = world_text(STORM_NOTE, text);
        life->counts->set_change++;
    } else {
        edit.cells_n = 1 + (uint32_t)world_dice(world, 2);
        for (uint32_t i = 0; i < edit.cells_n; i++)
            cells[i] = world_text((uint16_t)(edit.cells_n == 2 ? 1 + i : 1 + world_dice(world, 3)), text);
        life->counts->edit++;
    }
    if (view.merged.conflicts) life->counts->settle++;
    if (view.merged.deleted) life->counts->edit_of_deleted++;
    world_say(world, "home %u %s record %u%s", storm_name(life, device), edit.remove ? "removes" : "writes", record,
              edit.remove ? "" : text);
    world->now_ms++;
    oracle_edit(&life->oracle, world, device, space, record, &view, &edit);
    sat_arena_deinit(&arena);
}

/* ---- What an admin orders ---- */

/* Only a person knows whether all who know more of the directory have come (docs/decisions/0078). */
bool storm_all_have_come(const struct life *life)
{
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (life->world.devices[i].handle.directory.seq > sat_host_directory(life->world.host)->seq) return false;
    return true;
}

void storm_confirm(struct life *life)
{
    uint64_t waits;
    sat_check(sat_store_meta_get_u64(life->world.server_store, "recovering", 0, &waits) == SAT_OK);
    if (!waits || !storm_all_have_come(life)) return;
    bool done = world_confirm_restore(&life->world);
    world_say(&life->world, "the admin %s the server's return", done ? "confirms" : "does not get to confirm");
    life->counts->confirmation += done;
}

/* What of a revoked device's work the log has not got is out; it goes to the admins. */
static void excuse_work_of(struct life *life, uint32_t family)
{
    for (bool more = true; more;) { /* who is out leaves in place what he had overwritten */
        more = false;
        for (uint32_t i = 0; i < life->oracle.n; i++) {
            struct oracle_write *write = &life->oracle.writes[i];
            if (life->family[write->home] != family || !oracle_may_go(&life->oracle, i)) continue;
            write->excused = more = true;
        }
    }
}

static bool revoke(struct life *life)
{
    struct world *world = &life->world;
    struct world_device *device = storm_any_joined(life);
    if (storm_number(life, device) < 2 || life->revoked || scene_number(device) == 0) return false;
    uint32_t number = scene_number(device), family = life->family[storm_number(life, device)];
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (life->family[i] == family) doubts_leave(&life->oracle, world, &world->devices[i]);
    order_revoke(world, device);
    const struct sat_device *in = sat_directory_device(sat_host_directory(world->host), number);
    if (!in || !in->revoked_seq) return true; /* it did not get through */
    life->revoked++;
    for (uint32_t i = 0; i < world->devices_n; i++)
        if (life->family[i] == family) life->gone |= 1u << i;
    world_say(world, "home %u is revoked, with its copies", storm_name(life, device));
    oracle_look(&life->oracle, world, 1); /* what the admin has is in front of the cut */
    excuse_work_of(life, family);
    storm_moves_excuse_lost(life);
    life->counts->revocation++;
    return true;
}

bool storm_order(struct life *life)
{
    struct world *world = &life->world;
    uint64_t what = world_dice(world, 10);
    storm_plan_nothing(life);
    if (!storm_all_have_come(life)) return true; /* nobody joins two directories (docs/decisions/0078) */
    if (what < 3) {
        storm_confirm(life);
    } else if (what < 6) {
        world_say(world, "a new epoch of a territory");
        order_rotate(world, (uint32_t)world_dice(world, 2));
        life->counts->rotation++;
    } else if (what < 7) {
        return !storm_leaves_out(life, "revoke") && revoke(life);
    } else {
        if (life->world.devices_n >= life->devices) return false;
        storm_confirm(life);
        struct world_device *device = world_invite(world, 3);
        world_say(world, "somebody is invited%s", device ? "" : ", in vain");
        if (!device) return true;
        life->family[storm_number(life, device)] = storm_number(life, device);
        life->counts->join++;
    }
    return true;
}

/* One act; false: the dice fell on something that could not happen now. */
/* ---- Forgetting ---- */

static void tend_again(void *context)
{
    storm_tend(context);
}

/* Beside the acts, as servers do it by themselves: sometimes after an hour in which everybody has been there. */
void storm_collect(struct life *life)
{
    struct world *world = &life->world;
    uint64_t luck = world_dice(world, 100);
    bool quiet = luck == 0;
    if (luck >= 10 || storm_leaves_out(life, "collect")) return;
    for (uint32_t i = 0; i < 2 * world->devices_n && quiet; i++) {
        struct world_device *device = &world->devices[i % world->devices_n];
        if (!storm_is_gone(life, device)) (void)world_sync(world, device);
        storm_tend(life);
    }
    uint32_t records = forget_collect(&life->oracle, world, storm_homes(life), tend_again, life);
    if (records) world_say(world, "the server forgets %u records", records);
    life->counts->collection += records;
}
