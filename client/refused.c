/* satchel_refused(): what is kept and not shown to others, with its reason. */
#include "client/bundles.h"
#include "client/grades.h"
#include "client/names.h"
#include "client/rows.h"
#include "client/unread.h"

#define HLC_MS(hlc) ((hlc) >> 16)

enum { BUNDLES_AT_ONCE = 64, ASIDES_AT_ONCE = 16, ASIDE_BYTES = 4 * 1024 * 1024, UNRETURNED_MAX = 4096 };

struct listing {
    struct satchel *satchel;
    satchel_row_fn row;
    void *context;
    bool enough; /* the caller wants no more */
};

static void give(struct listing *listing, const struct sat_bundle *bundle, const char *kind, enum sat_err reason,
                 uint64_t at_ms, struct sat_arena *arena)
{
    struct satchel *satchel = listing->satchel;
    const struct sat_manifest *manifest = &bundle->manifest;
    json_t *json = json_object(), *changes = json_array();
    json_t *author = client_bundle_author(satchel, &manifest->space, manifest->device, arena);
    for (uint32_t i = 0; i < manifest->count; i++)
        (void)json_array_append_new(changes, client_bundle_change(satchel, bundle, i, arena));
    (void)json_object_set_new(json, "kind", json_string(kind));
    (void)json_object_update(json, author);
    json_decref(author);
    (void)json_object_set_new(json, "reason", json_string(sat_err_name(reason)));
    (void)json_object_set_new(json, "message", json_string(sat_err_text(reason)));
    (void)json_object_set_new(json, "at", at_ms ? client_json_of_time(at_ms) : json_null());
    (void)json_object_set_new(json, "changes", changes);
    listing->enough = !client_give_row(listing->row, listing->context, json);
}

/* ---- Own work that the server refused ---- */

static enum sat_err list_refused(struct listing *listing, int64_t sid)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t first = 0;
    uint32_t n = BUNDLES_AT_ONCE;
    enum sat_err err = SAT_OK;
    while (!err && n == BUNDLES_AT_ONCE && !listing->enough) {
        struct sat_bundle_row *rows;
        err = sat_store_bundles_pending(listing->satchel->store, sid, first, BUNDLES_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n && !listing->enough; i++) {
            first = rows[i].first + rows[i].count;
            if (rows[i].state != SAT_BUNDLE_REFUSED) continue;
            struct sat_bundle bundle;
            err = client_bundle_of_row(listing->satchel, &rows[i], &arena, &bundle);
            if (!err) give(listing, &bundle, "refused", (enum sat_err)rows[i].refused, 0, &arena);
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* What the server lost and does not take back. */
static enum sat_err list_unreturned(struct listing *listing, int64_t sid)
{
    struct sat_arena arena;
    struct sat_bundle_row *rows;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_returns(listing->satchel->store, sid, true, UNRETURNED_MAX, &arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n && !listing->enough; i++) {
        struct sat_bundle bundle;
        err = client_bundle_of_row(listing->satchel, &rows[i], &arena, &bundle);
        if (!err) give(listing, &bundle, "unreturned", (enum sat_err)rows[i].refused, 0, &arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err list_all_refused(struct listing *listing)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row *spaces;
    uint32_t n = 0;
    enum sat_err err = sat_store_spaces(listing->satchel->store, &arena, &spaces, &n);
    for (uint32_t i = 0; i < n && !err && !listing->enough; i++) {
        err = list_refused(listing, spaces[i].sid);
        if (!err && !listing->enough) err = list_unreturned(listing, spaces[i].sid);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* ---- What the server let through ---- */

/* It is kept because something is wrong with it: what can be read of it is shown. */
static void give_aside(struct listing *listing, const struct sat_aside_row *row, struct sat_arena *arena)
{
    struct sat_bundle bundle;
    if (client_bundle_read(listing->satchel, row->bytes, &row->space, arena, &bundle) == SAT_ERR_MALFORMED)
        bundle = (struct sat_bundle){.manifest = {.space = row->space, .device = row->device}};
    listing->satchel->fault = (struct sat_fault){0};
    bool own = row->device == client_device(listing->satchel) && row->recv_ms == 0; /* never in the log */
    give(listing, &bundle, own ? "refused" : "aside", (enum sat_err)row->reason, row->recv_ms, arena);
}

static enum sat_err list_asides(struct listing *listing)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    int64_t after = 0;
    uint32_t n = 1;
    enum sat_err err = SAT_OK;
    while (!err && n && !listing->enough) {
        struct sat_aside_row *rows;
        err = sat_store_asides(listing->satchel->store, after, ASIDES_AT_ONCE, ASIDE_BYTES, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n && !listing->enough; i++) {
            after = rows[i].number;
            if (rows[i].state == SAT_ASIDE_ACCEPTED || rows[i].state == SAT_ASIDE_KEPT) continue; /* taken up since */
            give_aside(listing, &rows[i], &arena);
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* ---- What cannot be read here, or not all of it ---- */

static bool give_unread(void *context, const struct client_unread *unread, struct sat_arena *arena)
{
    struct listing *listing = context;
    struct satchel *satchel = listing->satchel;
    const struct sat_source *source = unread->source;
    const struct sat_type *type = source->readable ? sat_type_by_number(source->body.type) : NULL;
    struct sat_space_id space = {{0}};
    if (client_space_of_sid(satchel, unread->view->sid, &space)) return false;
    struct client_sight sight;
    json_t *json = json_object(), *change = json_object(), *changes = json_array();
    client_sight_get(satchel, &sight);
    if (type)
        client_sight_mask_cells(&sight, type->number, sat_source_author(source), source->body.cells,
                                source->body.cells_n, arena);
    (void)json_object_set_new(change, "type", client_json_of_text(type ? type->name : NULL));
    (void)json_object_set_new(change, "id", client_json_of_uuid(unread->view->id.b));
    (void)json_object_set_new(
        change, "fields", type ? client_json_of_cells(type, source->body.cells, source->body.cells_n) : json_null());
    (void)json_object_set_new(change, "at", client_json_of_time(HLC_MS(source->effective)));
    (void)json_array_append_new(changes, change);
    (void)json_object_set_new(json, "kind", json_string(unread->unknown ? "later" : "unreadable"));
    json_t *author = client_bundle_author(satchel, &space, source->dot.device, arena);
    (void)json_object_update(json, author);
    json_decref(author);
    (void)json_object_set_new(json, "reason", json_string(sat_err_name(unread->why)));
    (void)json_object_set_new(json, "message", json_string(sat_err_text(unread->why)));
    if (unread->unknown) {
        (void)json_object_set_new(json, "unknown", json_string(unread->unknown));
        (void)json_object_set_new(json, "number", unread->number ? json_integer(unread->number) : json_null());
    }
    (void)json_object_set_new(json, "at", source->recv_ms ? client_json_of_time(source->recv_ms) : json_null());
    (void)json_object_set_new(json, "changes", changes);
    listing->enough = !client_give_row(listing->row, listing->context, json);
    return !listing->enough;
}

int satchel_refused(struct satchel *satchel, satchel_row_fn row, void *context)
{
    struct listing listing = {.satchel = satchel, .row = row, .context = context};
    client_begin(satchel);
    enum sat_err err = client_lease_check(satchel);
    if (!err) err = list_all_refused(&listing);
    if (!err && !listing.enough) err = list_asides(&listing);
    if (!err && !listing.enough) err = client_unread_each(satchel, give_unread, &listing);
    return client_end(satchel, err ? err : satchel->unread);
}
