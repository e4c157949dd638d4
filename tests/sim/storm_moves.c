/* Accounts that move between the territories while it storms, with an oracle of their own: where a record moves, a
 * value may stand beside its successor (docs/decisions/0047-moving.md), but none that nobody replaced is gone, and the
 * record is in one place. */
#include <stdlib.h>
#include <string.h>

#include "client/carry.h"
#include "client/conflicts.h"
#include "common/base/check.h"
#include "common/vault/seal.h"
#include "tests/sim/storm.h"
#include "tests/story/scene.h"

enum { FIRST = 40, RECORDS = 3, CELLS = 3 };

static const uint16_t fields[CELLS] = {NAME, CITY, 8};

struct both { /* a record as a device sees it in the two territories */
    struct sat_record_view at[2];
};

/* Of its own: the other acts of a seed are the same with moves and without. */
static uint64_t dice(struct life *life, uint64_t sides)
{
    life->moves.dice = life->moves.dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (life->moves.dice >> 33) % sides;
}

static bool is_home(const struct sat_record_view *view)
{
    return view->live_n && !view->merged.moved;
}

static bool uses_both(const struct life *life, const struct world_device *device)
{
    return !(life->one_only & 1u << storm_number(life, device));
}

/* False: it has not heard of its territories yet. */
static bool load(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena,
                 struct both *out)
{
    struct sat_record_id id = world_record(FIRST + record);
    int64_t sid;
    *out = (struct both){0};
    for (uint32_t space = STORM_SHARED; space <= (uses_both(life, device) ? STORM_NARROW : STORM_SHARED); space++) {
        if (client_sid_of_space(&device->handle, &life->world.spaces[space], &sid)) return false;
        world_load(device, &life->world.spaces[space], &id, arena, &out->at[space]);
    }
    return true;
}

static bool is_shown(const struct sat_record_view *view, const struct storm_value *value)
{
    const struct sat_merged *merged = sat_merged_cell(&view->merged, value->field, (struct sat_span){0});
    for (uint32_t a = 0; merged && a < merged->alternatives_n; a++)
        if (sat_span_equal(merged->alternatives[a].value.text, sat_span_text(value->text))) return true;
    return false;
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

static void write_value(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena)
{
    struct storm_moves *moves = &life->moves;
    struct both before, after;
    if (!load(life, device, record, arena, &before) || moves->n == STORM_VALUES_MAX) return;
    bool known = before.at[0].live_n + before.at[1].live_n > 0;
    if (known && is_home(&before.at[0]) == is_home(&before.at[1])) return; /* on its way */
    uint32_t space = is_home(&before.at[STORM_NARROW]) ? STORM_NARROW : STORM_SHARED;
    struct storm_value *value = &moves->values[moves->n];
    *value =
        (struct storm_value){.record = record, .field = fields[dice(life, CELLS)], .home = storm_number(life, device)};
    (void)snprintf(value->text, sizeof value->text, "m%u", moves->n + 1);
    world_say(&life->world, "home %u writes %s into account %u", storm_name(life, device), value->text, record);
    struct sat_cell cell = world_text(value->field, value->text);
    struct sat_edit edit = {.record = world_record(FIRST + record),
                            .sid = world_sid(device, &life->world.spaces[space]),
                            .type = ACCOUNT,
                            .cells = &cell,
                            .cells_n = 1};
    uint64_t first, last;
    storm_recover(life, device, world_try_edit(&life->world, device, &edit, 1, &first, &last));
    if (!load(life, device, record, arena, &after) || !is_shown(&after.at[space], value)) return; /* its disk failed */
    moves->n++;
    for (uint32_t i = 0; i + 1 < moves->n; i++) {
        struct storm_value *old = &moves->values[i];
        if (old->record == record && old->field == value->field && is_shown(&before.at[space], old))
            old->overwritten = true;
    }
}

static void move(struct life *life, struct world_device *device, uint32_t record, struct sat_arena *arena)
{
    struct world *world = &life->world;
    struct both both;
    uint32_t written;
    if (!uses_both(life, device) || !load(life, device, record, arena, &both)) return;
    if (is_home(&both.at[STORM_SHARED]) == is_home(&both.at[STORM_NARROW])) return;
    uint32_t from = is_home(&both.at[STORM_NARROW]) ? STORM_NARROW : STORM_SHARED;
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_move one = {.record = world_record(FIRST + record),
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
}

static uint32_t carry(struct life *life, struct world_device *device)
{
    uint32_t written;
    client_conflicts_free(&device->handle.conflicts);
    enum sat_err err = client_carry(&device->handle, life->world.now_ms, &written);
    if (!err && written) world_say(&life->world, "home %u carries what came late", storm_name(life, device));
    end_act(life, device, err);
    life->counts->carrying += !err && written;
    return err ? 1 : written;
}

void storm_move(struct life *life)
{
    if (storm_leaves_out(life, "moves") || dice(life, 8) != 0) return;
    struct world *world = &life->world;
    struct world_device *device = &world->devices[dice(life, world->devices_n)];
    uint32_t record = (uint32_t)dice(life, RECORDS);
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

/* ---- How it ends ---- */

/* Does the device list something of the record as refused, with that text? NULL: anything. */
static bool lists(struct world_device *device, uint32_t record, const char *text)
{
    struct sat_record_id id = world_record(FIRST + record);
    struct sat_arena arena;
    struct sat_aside_row *rows;
    struct sat_buf plain;
    uint32_t n;
    bool found = false;
    sat_arena_init(&arena);
    sat_buf_init(&plain);
    sat_check(!sat_store_asides(device->handle.store, 0, UINT32_MAX, SIZE_MAX, &arena, &rows, &n));
    for (uint32_t i = 0; i < n && !found; i++) {
        struct sat_bundle bundle;
        const struct sat_epoch_key *key;
        struct sat_bundle_key bundle_key;
        sat_check(!sat_bundle_decode(rows[i].bytes, &device->handle.directory.org, &rows[i].space, &arena, &bundle));
        if (sat_keys_get(device->handle.keys, &device->handle.directory, &rows[i].space, bundle.manifest.epoch, &key))
            continue;
        sat_bundle_key_derive(key, &bundle.manifest, &bundle_key);
        for (uint32_t k = 0; k < bundle.manifest.count && !found; k++) {
            const struct sat_change *change = &bundle.changes[k];
            struct sat_body body;
            if (!sat_record_equal(&change->record, &id)) continue;
            found = text == NULL;
            sat_buf_clear(&plain);
            if (found || sat_unseal_change(device->handle.squeezer, &bundle_key, &bundle.manifest, k, &change->record,
                                           change->header, change->body, &plain))
                continue;
            sat_check(!sat_body_decode(sat_buf_span(&plain), &arena, &body));
            for (uint32_t c = 0; c < body.cells_n; c++)
                found = found || (body.cells[c].value.kind == SAT_VALUE_TEXT &&
                                  sat_span_equal(body.cells[c].value.text, sat_span_text(text)));
        }
    }
    sat_buf_deinit(&plain);
    sat_arena_deinit(&arena);
    return found;
}

static bool anybody_lists(struct life *life, uint32_t record, const char *text)
{
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        if (life->world.devices[i].joined && lists(&life->world.devices[i], record, text)) return true;
    return false;
}

/* Copies that have arrived, and whose originals are covered by nobody: by who is out, or was refused. */
static bool may_be_in_both(struct life *life, uint32_t record)
{
    return life->revoked || anybody_lists(life, record, NULL);
}

static uint32_t check_value(struct life *life, const struct storm_value *value, struct world_device *device,
                            const struct both *first, const struct both *both)
{
    bool shown = false, to_first = false;
    for (uint32_t space = 0; space < 2; space++) {
        shown = shown || (is_home(&both->at[space]) && is_shown(&both->at[space], value));
        to_first = to_first || (is_home(&first->at[space]) && is_shown(&first->at[space], value));
    }
    bool excused = value->overwritten || life->gone & 1u << value->home;
    if (shown == to_first && (shown || excused || anybody_lists(life, value->record, value->text))) return 0;
    (void)fprintf(stderr, "home %u %s %s of account %u\n", storm_name(life, device),
                  shown ? "alone shows" : "does not show", value->text, value->record);
    return 1;
}

static uint32_t check_record(struct life *life, struct world_device *device, uint32_t record, const struct both *first)
{
    struct sat_arena arena;
    struct both both;
    uint32_t wrong = 0;
    sat_arena_init(&arena);
    bool known = load(life, device, record, &arena, &both);
    bool exists = first->at[0].live_n + first->at[1].live_n > 0, narrow = is_home(&first->at[STORM_NARROW]);
    bool in_both = is_home(&first->at[STORM_SHARED]) && narrow;
    bool nowhere = exists && !is_home(&first->at[STORM_SHARED]) && !narrow;
    bool alike = known && is_home(&both.at[STORM_SHARED]) == is_home(&first->at[STORM_SHARED]) &&
                 (is_home(&both.at[STORM_NARROW]) == narrow || !uses_both(life, device));
    if (exists && (!alike || nowhere || (in_both && !may_be_in_both(life, record)))) {
        (void)fprintf(stderr, "home %u: account %u is %s\n", storm_name(life, device), record,
                      nowhere   ? "nowhere"
                      : in_both ? "in two places"
                                : "elsewhere");
        wrong++;
    }
    for (uint32_t i = 0; i < life->moves.n && !wrong && exists && (uses_both(life, device) || !narrow); i++)
        if (life->moves.values[i].record == record)
            wrong += check_value(life, &life->moves.values[i], device, first, &both);
    sat_arena_deinit(&arena);
    return wrong;
}

uint32_t storm_check_moves(struct life *life)
{
    uint32_t wrong = 0;
    for (uint32_t record = 0; record < RECORDS; record++) {
        uint32_t wrong_here = 0;
        struct sat_arena arena;
        struct both first;
        sat_arena_init(&arena);
        (void)load(life, &life->world.devices[0], record, &arena, &first);
        for (uint32_t i = 0; i < life->world.devices_n; i++)
            if (!(life->gone & 1u << i) && life->world.devices[i].joined)
                wrong_here += check_record(life, &life->world.devices[i], record, &first);
        struct sat_record_id id = world_record(FIRST + record);
        for (uint32_t i = 0; i < life->world.devices_n && wrong_here && life->world.transcript; i++)
            storm_tell_record(life, &life->world.devices[i], &id);
        wrong += wrong_here;
        sat_arena_deinit(&arena);
    }
    for (uint32_t i = 0; i < life->world.devices_n; i++)
        client_conflicts_free(&life->world.devices[i].handle.conflicts);
    return wrong;
}
