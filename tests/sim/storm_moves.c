/* Accounts that move between the territories while it storms, with an oracle of their own: where a record moves, a
 * value may stand beside its successor (docs/decisions/0047-moving.md), but none that nobody replaced is gone, and the
 * record is in one place. */
#include <stdlib.h>
#include <string.h>

#include "client/carry.h"
#include "client/conflicts.h"
#include "client/bundles.h"
#include "client/tx.h"
#include "common/base/check.h"
#include "tests/sim/storm_moves.h"
#include "tests/story/scene.h"

enum { CELLS = 3 };

static const uint16_t fields[CELLS] = {NAME, CITY, STORM_NOTE};

/* Of its own: the other acts of a seed are the same with moves and without. */
static uint64_t dice(struct life *life, uint64_t sides)
{
    life->moves.dice = life->moves.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (life->moves.dice >> 33) % sides;
}

bool moves_is_home(const struct sat_record_view *view)
{
    return view->live_n && !view->merged.moved;
}

bool moves_is_shown(const struct sat_record_view *view, const struct storm_value *value)
{
    const struct sat_merged *merged = sat_merged_cell(&view->merged, value->field, (struct sat_span){0});
    for (uint32_t a = 0; merged && a < merged->alternatives_n; a++)
        if (sat_span_equal(merged->alternatives[a].value.text, sat_span_text(value->text))) return true;
    return false;
}

/* As far as it knows. */
static bool reads(const struct life *life, struct world_device *device, uint32_t space)
{
    if (storm_plays(life, "grants")) return client_rights(&device->handle, &life->world.spaces[space]) & SAT_RIGHT_READ;
    return space == STORM_SHARED || !(life->one_only & 1u << storm_number(life, device));
}

/* As the library lets it; where nobody's rights change, it always may. */
static bool may_write(struct life *life, struct world_device *device, uint32_t space, bool moves_there)
{
    static const struct sat_record_id any;
    bool refused = false;
    int64_t sid;
    if (client_sid_of_space(&device->handle, &life->world.spaces[space], &sid)) return false;
    if (!storm_plays(life, "grants")) return true;
    if (client_check_right(&device->handle, sid, &any)) return false;
    if (moves_there) sat_check(!client_is_refused(&device->handle, sid, &refused));
    return !refused;
}

bool moves_load(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena,
                struct moves_both *out)
{
    struct sat_record_id id = world_record(MOVES_FIRST + record);
    int64_t sid;
    *out = (struct moves_both){0};
    for (uint32_t space = 0; space < MOVES_SPACES; space++) {
        if (!reads(life, device, space)) continue;
        if (client_sid_of_space(&device->handle, &life->world.spaces[space], &sid)) return false;
        world_load(device, &life->world.spaces[space], &id, arena, &out->at[space]);
    }
    return true;
}

/* ---- What they do ---- */

/* Whoever's disk failed begins anew, and what it knew of conflicts is gone with its process. */
static void end_act(struct life *life, struct world_device *device, enum sat_err err)
{
    client_conflicts_free(&device->handle.conflicts);
    storm_recover(life, device, err);
    if (!storm_is_gone(life, device) && device->replica) {
        uint64_t first, last;
        storm_recover(life, device, world_try_edit(&life->world, device, NULL, 0, &first, &last));
    }
}

/* Read by a program of now: what is written, whether or not its author's can read it. */
static bool load_with_a_later_program(struct life *life, struct world_device *device, uint32_t record,
                                      struct sat_arena *arena, struct moves_both *out)
{
    void (*acting)(const struct world_device *device) = life->world.acting;
    life->world.acting = NULL;
    bool known = moves_load(life, device, record, arena, out);
    life->world.acting = acting;
    return known;
}

static void write_value(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena)
{
    struct storm_moves *moves = &life->moves;
    struct moves_both before, after;
    if (!load_with_a_later_program(life, device, record, arena, &before) || moves->n == STORM_VALUES_MAX) return;
    bool known = before.at[0].live_n + before.at[1].live_n > 0;
    if (known && moves_is_home(&before.at[0]) == moves_is_home(&before.at[1])) return; /* on its way */
    uint32_t space = moves_is_home(&before.at[STORM_NARROW]) ? STORM_NARROW : STORM_SHARED;
    if (!may_write(life, device, space, false)) return;
    struct storm_value *value = &moves->values[moves->n];
    *value =
        (struct storm_value){.record = record, .field = fields[dice(life, CELLS)], .home = storm_number(life, device)};
    (void)snprintf(value->text, sizeof value->text, "m%u", moves->n + 1);
    world_say(&life->world, "home %u writes %s into account %u", storm_name(life, device), value->text, record);
    struct sat_cell cell = world_text(value->field, value->text);
    struct sat_edit edit = {.record = world_record(MOVES_FIRST + record),
                            .sid = world_sid(device, &life->world.spaces[space]),
                            .type = ACCOUNT,
                            .cells = &cell,
                            .cells_n = 1};
    uint64_t first, last;
    storm_recover(life, device, world_try_edit(&life->world, device, &edit, 1, &first, &last));
    bool there = load_with_a_later_program(life, device, record, arena, &after);
    if (!there || !moves_is_shown(&after.at[space], value)) return; /* its disk failed */
    moves->n++;
    for (uint32_t i = 0; i + 1 < moves->n; i++) {
        struct storm_value *old = &moves->values[i];
        if (old->record == record && old->field == value->field && moves_is_shown(&before.at[space], old))
            old->by |= UINT64_C(1) << (moves->n - 1);
    }
}

static void move(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena)
{
    struct world *world = &life->world;
    struct moves_both both;
    uint32_t written;
    if (!moves_load(life, device, record, arena, &both)) return;
    if (moves_is_home(&both.at[STORM_SHARED]) == moves_is_home(&both.at[STORM_NARROW])) return;
    uint32_t from = moves_is_home(&both.at[STORM_NARROW]) ? STORM_NARROW : STORM_SHARED;
    if (!reads(life, device, !from) || !may_write(life, device, from, false) || !may_write(life, device, !from, true))
        return;
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_move one = {.record = world_record(MOVES_FIRST + record),
                           .from = world_sid(device, &world->spaces[from]),
                           .to = world_sid(device, &world->spaces[!from]),
                           .home = true};
    world_say(world, "home %u moves account %u", storm_name(life, device), record);
    enum sat_err err = sat_store_begin(device->handle.store);
    if (!err) err = sat_author_move(&vault, &one, 1, world->now_ms + (uint64_t)device->clock_ms, &written);
    if (!err) err = sat_store_commit(device->handle.store);
    if (err) sat_store_rollback(device->handle.store);
    end_act(life, device, err);
    life->counts->move += !err && !one.err;
    life->moves.movers[record] |= 1u << storm_number(life, device);
}

static uint32_t carry(struct life *life, struct world_device *device)
{
    uint32_t written;
    client_conflicts_free(&device->handle.conflicts);
    enum sat_err err = client_carry(&device->handle, life->world.now_ms, &written);
    if (!err && written) world_say(&life->world, "home %u carries what came late", storm_name(life, device));
    end_act(life, device, err);
    life->counts->carrying += !err && written;
    if (!err && written) life->moves.carriers |= 1u << storm_number(life, device);
    return err ? 1 : written;
}

void storm_move(struct life *life)
{
    if (storm_leaves_out(life, "moves") || dice(life, 8) != 0) return;
    struct world *world = &life->world;
    struct world_device *device = &world->devices[dice(life, world->devices_n)];
    uint32_t record = (uint32_t)dice(life, MOVES_RECORDS);
    uint64_t what = dice(life, 10);
    struct sat_arena arena;
    if (!device->joined || storm_is_gone(life, device)) return;
    sat_arena_init(&arena);
    world->now_ms++;
    if (what < 5)
        write_value(life, device, record, &arena);
    else if (what < 8)
        move(life, device, record, &arena);
    else
        (void)carry(life, device);
    storm_tend(life);
    sat_arena_deinit(&arena);
}

bool storm_carry_all(struct life *life)
{
    uint32_t written = 0;
    for (uint32_t i = 0; i < life->world.devices_n && !storm_leaves_out(life, "moves"); i++)
        if (!(life->gone & 1u << i) && life->world.devices[i].joined) written += carry(life, &life->world.devices[i]);
    return written > 0;
}

/* Of whom it is a home, or a copy of one, that moved the account (or, where that counts, carried something). */
static bool has_moved(const struct life *life, uint32_t record, uint32_t family, bool carried)
{
    uint32_t homes = life->moves.movers[record] | (carried ? life->moves.carriers : 0);
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (homes & 1u << i && life->family[i] == family) return true;
    return false;
}

/* Who could not bring a record to where he lost the right leaves it where it was, and what of it was let in is there
 * beside that (docs/decisions/0048-copies-arrive-first.md). */
void storm_moves_let_in(struct life *life, const struct sat_aside_row *row)
{
    const struct world_device *admin = life->world.devices;
    struct sat_bundle bundle;
    struct sat_arena arena;
    uint32_t family = UINT32_MAX;
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (scene_number(&life->world.devices[i]) == row->device) family = life->family[i];
    sat_arena_init(&arena);
    sat_check(!sat_bundle_decode(row->bytes, &admin->handle.directory.org, &row->space, &arena, &bundle));
    for (uint32_t i = 0; i < bundle.manifest.count; i++) {
        for (uint32_t record = 0; record < MOVES_RECORDS; record++) {
            struct sat_record_id id = world_record(MOVES_FIRST + record);
            if (sat_record_equal(&bundle.changes[i].record, &id) && has_moved(life, record, family, true))
                life->moves.in_halves |= 1u << record;
        }
    }
    sat_arena_deinit(&arena);
}

/* It waited for the admins, its author has let go of the territory, and the server has lost it. */
void storm_moves_lose(struct life *life, const struct sat_aside_row *row)
{
    struct sat_bundle_row held;
    bool has = false, found;
    sat_check(sat_store_aside_has(life->world.server_store, &row->id, &has) == SAT_OK);
    for (uint32_t i = 0; i < life->world.devices_n && !has; i++) {
        if (!life->world.devices[i].joined) continue;
        struct sat_store *store = life->world.devices[i].handle.store;
        sat_check(!sat_store_bundle_of_dot(store, (struct sat_dot){row->device, row->first}, &held, &found));
        has = found && sat_hash_equal(&held.id, &row->id);
    }
    if (!has && row->state == SAT_ASIDE_OPEN) storm_moves_let_in(life, row);
}

/* What was to cover the originals of a move, and waited for its copies, it has not any more. */
void storm_moves_set_back(struct life *life, const struct world_device *device)
{
    for (uint32_t record = 0; record < MOVES_RECORDS; record++)
        if (has_moved(life, record, life->family[storm_number(life, device)], false))
            life->moves.in_halves |= 1u << record;
}
