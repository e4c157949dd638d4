/* How it ends with the accounts that move. The oracle knows what was written, over what, and by whom; who may read and
 * write where in the end; and what somebody keeps that nobody else was ever given: what is listed as refused, what was
 * handed in and stays with the admins, what stays at home where its author has lost right and key. Of vectors, and of
 * what is a copy of what, it knows nothing.
 *
 * The first admin reads everything: each home shows what he shows of each territory that it may read. In front of him
 * each account is in one place, unless something of it is kept like that, or was let in later, or its mover is out; and
 * there with every value that nobody replaced, and that is not kept like that. */
#include "client/conflicts.h"
#include "common/base/check.h"
#include "common/vault/seal.h"
#include "tests/sim/storm_moves.h"
#include "tests/story/scene.h"

/* ---- What somebody keeps ---- */

struct keeps { /* looked for: an account's id, and a text in it (NULL: anything) */
    struct sat_record_id id;
    const char *text;
    bool found;
};

static void look_into_body(struct keeps *keeps, const struct sat_body *body)
{
    for (uint32_t c = 0; c < body->cells_n; c++) {
        const struct sat_value *value = &body->cells[c].value;
        bool is = value->kind == SAT_VALUE_TEXT && sat_span_equal(value->text, sat_span_text(keeps->text));
        keeps->found = keeps->found || is;
    }
}

static void look_into(struct keeps *keeps, struct sat_span plain, struct sat_arena *arena)
{
    struct sat_body body;
    sat_check(!sat_body_decode(plain, arena, &body));
    look_into_body(keeps, &body);
}

/* What it lists. reader: who has the keys. escrow: it is the server's. */
static void look_into_asides(struct keeps *keeps, struct sat_store *store, struct world_device *reader, bool escrow)
{
    struct sat_arena arena;
    struct sat_aside_row *rows;
    struct sat_buf plain;
    uint32_t n;
    sat_arena_init(&arena);
    sat_buf_init(&plain);
    sat_check(!sat_store_asides(store, 0, UINT32_MAX, SIZE_MAX, &arena, &rows, &n));
    for (uint32_t i = 0; i < n && !keeps->found; i++) {
        struct sat_bundle bundle;
        const struct sat_epoch_key *key;
        struct sat_bundle_key bundle_key;
        if (rows[i].state != SAT_ASIDE_OPEN || (rows[i].recv_ms && !escrow)) continue;
        sat_check(!sat_bundle_decode(rows[i].bytes, &reader->handle.directory.org, &rows[i].space, &arena, &bundle));
        sat_check(
            !sat_keys_get(reader->handle.keys, &reader->handle.directory, &rows[i].space, bundle.manifest.epoch, &key));
        sat_bundle_key_derive(key, &bundle.manifest, &bundle_key);
        for (uint32_t k = 0; k < bundle.manifest.count && !keeps->found; k++) {
            const struct sat_change *change = &bundle.changes[k];
            if (!sat_record_equal(&change->record, &keeps->id)) continue;
            keeps->found = keeps->text == NULL;
            if (keeps->found) break;
            sat_buf_clear(&plain);
            sat_check(!sat_unseal_change(reader->handle.squeezer, &bundle_key, &bundle.manifest, k, &change->record,
                                         change->header, change->body, &plain));
            look_into(keeps, sat_buf_span(&plain), &arena);
        }
    }
    sat_buf_deinit(&plain);
    sat_arena_deinit(&arena);
}

/* What it has not got rid of: drafts, where it may not write. */
static void look_into_drafts(struct life *life, struct keeps *keeps, struct world_device *device)
{
    struct sat_arena arena;
    struct sat_draft_row *rows;
    struct sat_buf plain;
    uint32_t n;
    sat_arena_init(&arena);
    sat_buf_init(&plain);
    sat_check(!sat_store_drafts(device->handle.store, 0, UINT32_MAX, SIZE_MAX, &arena, &rows, &n));
    for (uint32_t i = 0; i < n && !keeps->found; i++) {
        uint32_t space = rows[i].sid == world_sid(device, &life->world.spaces[STORM_NARROW]);
        if (!sat_record_equal(&rows[i].record, &keeps->id) || storm_may_write(life, device, space)) continue;
        keeps->found = keeps->text == NULL;
        sat_buf_clear(&plain);
        if (keeps->found) break;
        sat_check(!sat_unseal_draft(sat_keyring_secrets(device->handle.keyring)->store_key, rows[i].counter,
                                    &rows[i].record, rows[i].header, rows[i].body, &plain));
        look_into(keeps, sat_buf_span(&plain), &arena);
    }
    sat_buf_deinit(&plain);
    sat_arena_deinit(&arena);
}

static bool anybody_keeps(struct life *life, uint32_t record, const char *text)
{
    struct world *world = &life->world;
    struct keeps keeps = {.id = world_record(MOVES_FIRST + record), .text = text};
    look_into_asides(&keeps, world->server_store, &world->devices[0], true);
    for (uint32_t i = 0; i < world->devices_n && !keeps.found; i++) {
        if (!world->devices[i].joined) continue;
        look_into_asides(&keeps, world->devices[i].handle.store, &world->devices[0], false);
        if (!(life->gone & 1u << i)) look_into_drafts(life, &keeps, &world->devices[i]);
    }
    return keeps.found;
}

/* ---- What nobody has any more ---- */

static void look_into_home(struct life *life, struct keeps *keeps, struct world_device *device)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (uint32_t space = 0; space < MOVES_SPACES && !keeps->found; space++) {
        struct sat_record_view view;
        int64_t sid;
        if (client_sid_of_space(&device->handle, &life->world.spaces[space], &sid)) continue;
        world_load(device, &life->world.spaces[space], &keeps->id, &arena, &view);
        for (uint32_t i = 0; i < view.live_n; i++) look_into_body(keeps, &view.live[i].body);
    }
    sat_arena_deinit(&arena);
}

/* Read with the first admin's keys. */
static void look_into_log(struct life *life, struct keeps *keeps, uint32_t space)
{
    struct world_device *admin = life->world.devices;
    struct sat_store *store = life->world.server_store;
    struct sat_arena arena;
    struct sat_space_row row;
    struct sat_change_row *rows;
    struct sat_buf plain;
    uint32_t n;
    bool found;
    sat_arena_init(&arena);
    sat_buf_init(&plain);
    sat_check(!sat_store_space_find(store, &life->world.spaces[space], &row, &found) && found);
    sat_check(!sat_store_changes_of_record(store, row.sid, &keeps->id, &arena, &rows, &n));
    for (uint32_t i = 0; i < n && !keeps->found; i++) {
        const struct sat_epoch_key *key;
        struct sat_bundle_key bundle_key;
        struct sat_bundle_row bundle;
        struct sat_manifest manifest;
        if (rows[i].state != SAT_CHANGE_LIVE || !rows[i].header.len) continue;
        sat_check(!sat_store_bundle_of_dot(store, rows[i].dot, &bundle, &found) && found);
        sat_manifest_decode(bundle.manifest, &manifest);
        sat_buf_clear(&plain);
        if (sat_keys_get(admin->handle.keys, &admin->handle.directory, &row.id, manifest.epoch, &key)) continue;
        sat_bundle_key_derive(key, &manifest, &bundle_key);
        if (!sat_unseal_change(admin->handle.squeezer, &bundle_key, &manifest,
                               (uint32_t)(rows[i].dot.counter - manifest.first), &keeps->id, rows[i].header,
                               rows[i].body, &plain))
            look_into(keeps, sat_buf_span(&plain), &arena);
    }
    sat_buf_deinit(&plain);
    sat_arena_deinit(&arena);
}

void storm_moves_excuse_lost(struct life *life)
{
    struct world *world = &life->world;
    for (uint32_t i = 0; i < life->moves.n; i++) {
        struct storm_value *value = &life->moves.values[i];
        struct keeps keeps = {.id = world_record(MOVES_FIRST + value->record), .text = value->text};
        for (uint32_t home = 0; home < world->devices_n && !keeps.found; home++)
            if (storm_homes(life) & 1u << home && world->devices[home].joined)
                look_into_home(life, &keeps, &world->devices[home]);
        for (uint32_t space = 0; space < MOVES_SPACES && !keeps.found; space++) look_into_log(life, &keeps, space);
        value->excused = value->excused || !keeps.found;
    }
}

/* ---- What is to be seen ---- */

/* Copies that have arrived, and whose originals are covered by nobody: by who is out, was refused, was set back since,
 * or had lost the right to bring them, which were let in then. */
static bool may_be_in_both(struct life *life, uint32_t record)
{
    return life->revoked || life->moves.in_halves & 1u << record || anybody_keeps(life, record, NULL);
}

static uint32_t complain(struct life *life, struct world_device *device, uint32_t record, const char *what)
{
    (void)fprintf(stderr, "home %u: account %u is %s\n", storm_name(life, device), record, what);
    return 1;
}

static bool is_to_be_seen(const struct storm_value *value, const struct moves_both *first)
{
    for (uint32_t space = 0; space < MOVES_SPACES; space++)
        if (moves_is_home(&first->at[space]) && moves_is_shown(&first->at[space], value)) return true;
    return false;
}

/* By a value that is to be seen, or was replaced like that itself: who may be missing leaves in place what he had
 * replaced. A value is replaced by later ones alone. */
static bool is_replaced(const struct life *life, const struct storm_value *value, const struct moves_both *first)
{
    const struct storm_moves *moves = &life->moves;
    for (uint32_t i = (uint32_t)(value - moves->values) + 1; i < moves->n; i++) {
        if (!(value->by >> i & 1)) continue;
        if (is_to_be_seen(&moves->values[i], first) || is_replaced(life, &moves->values[i], first)) return true;
    }
    return false;
}

static uint32_t check_value(struct life *life, const struct storm_value *value, const struct moves_both *first)
{
    bool excused = value->excused || life->gone & 1u << value->home;
    if (is_to_be_seen(value, first) || excused || is_replaced(life, value, first)) return 0;
    if (anybody_keeps(life, value->record, value->text)) return 0;
    (void)fprintf(stderr, "LOST: %s of account %u, by home %u%s\n", value->text, value->record, value->home + 1,
                  value->by ? ", which was replaced by what is not there" : "");
    return 1;
}

/* In front of the first admin. */
static uint32_t check_record(struct life *life, uint32_t record, const struct moves_both *first)
{
    uint32_t places = moves_is_home(&first->at[STORM_SHARED]) + moves_is_home(&first->at[STORM_NARROW]), wrong = 0;
    bool exists = first->at[STORM_SHARED].live_n + first->at[STORM_NARROW].live_n > 0;
    if (exists && places == 0) wrong += complain(life, &life->world.devices[0], record, "nowhere");
    if (places > 1 && !may_be_in_both(life, record))
        wrong += complain(life, &life->world.devices[0], record, "in two places");
    for (uint32_t i = 0; i < life->moves.n && !wrong; i++)
        if (life->moves.values[i].record == record) wrong += check_value(life, &life->moves.values[i], first);
    return wrong;
}

/* Does it show what the first admin shows? */
static uint32_t check_alike(struct life *life, struct world_device *device, uint32_t record,
                            const struct moves_both *first)
{
    struct sat_arena arena;
    struct moves_both both;
    uint32_t wrong = 0;
    sat_arena_init(&arena);
    if (!moves_load(life, device, record, &arena, &both)) wrong += complain(life, device, record, "not to be heard of");
    for (uint32_t space = 0; space < MOVES_SPACES && !wrong; space++) {
        const struct sat_record_view *here = &both.at[space], *there = &first->at[space];
        if (!(storm_readers(life, space) & 1u << storm_number(life, device))) continue;
        if (moves_is_home(here) != moves_is_home(there)) wrong += complain(life, device, record, "elsewhere");
        for (uint32_t i = 0; i < life->moves.n && !wrong && moves_is_home(there); i++) {
            const struct storm_value *value = &life->moves.values[i];
            if (value->record != record || moves_is_shown(here, value) == moves_is_shown(there, value)) continue;
            wrong += complain(life, device, record, "with other values");
        }
    }
    sat_arena_deinit(&arena);
    return wrong;
}

uint32_t storm_check_moves(struct life *life)
{
    struct world *world = &life->world;
    uint32_t wrong = 0;
    for (uint32_t record = 0; record < MOVES_RECORDS; record++) {
        struct sat_record_id id = world_record(MOVES_FIRST + record);
        struct sat_arena arena;
        struct moves_both first;
        sat_arena_init(&arena);
        (void)moves_load(life, &world->devices[0], record, &arena, &first);
        uint32_t wrong_here = check_record(life, record, &first);
        for (uint32_t i = 1; i < world->devices_n; i++)
            if (!(life->gone & 1u << i) && world->devices[i].joined)
                wrong_here += check_alike(life, &world->devices[i], record, &first);
        for (uint32_t i = 0; i < world->devices_n && wrong_here && world->transcript; i++)
            if (world->devices[i].joined) storm_tell_record(life, &world->devices[i], &id);
        wrong += wrong_here;
        sat_arena_deinit(&arena);
    }
    for (uint32_t i = 0; i < world->devices_n; i++) client_conflicts_free(&world->devices[i].handle.conflicts);
    return wrong;
}
