/* satchel_device_list(): what the directory says of devices, and the server, which alone knows when they were here. */
#include "client/membership.h"
#include "client/names.h"
#include "client/question.h"
#include "client/rows.h"
#include "common/base/limits.h"
#include "common/proof/header.h"
#include "common/sync/clock.h"

enum { TIMEOUT_MS = 5 * 1000 };

struct listing {
    struct satchel *satchel;
    struct sat_arena arena;
    struct sat_device_item *items; /* by device */
    uint32_t n, cap;
    struct sat_space_row *spaces;
    uint32_t spaces_n;
};

static enum sat_err take_page(void *context, const struct sat_device_item *items, uint32_t n, bool more)
{
    struct listing *listing = context;
    (void)more;
    /* Asked anew, by a home that has become another device's on the way. */
    if (n && listing->n && items[0].device <= listing->items[listing->n - 1].device) listing->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (listing->n == listing->cap) {
            uint32_t cap = listing->cap ? listing->cap * 2 : 64;
            struct sat_device_item *grown = sat_arena_array(&listing->arena, cap, sizeof *grown);
            for (uint32_t j = 0; j < listing->n; j++) grown[j] = listing->items[j];
            listing->items = grown;
            listing->cap = cap;
        }
        listing->items[listing->n++] = items[i];
    }
    return SAT_OK;
}

/* What the server does not say is not known; that it says nothing is no failure. */
static bool ask(struct listing *listing)
{
    struct satchel *satchel = listing->satchel;
    bool sees = client_is_admin(satchel) || client_is_manager(satchel);
    struct client_question question = {
        .context = listing, .devices = sees ? take_page : NULL, .timeout_ms = TIMEOUT_MS};
    (void)!client_question_run(satchel, &question);
    satchel->fault = (struct sat_fault){0};
    return question.connected;
}

static const struct sat_device_item *item_of(const struct listing *listing, uint32_t device)
{
    uint32_t low = 0, high = listing->n; /* pages come in the devices' order */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (listing->items[middle].device < device)
            low = middle + 1;
        else
            high = middle;
    }
    return low < listing->n && listing->items[low].device == device ? &listing->items[low] : NULL;
}

/* ---- Clocks ---- */

struct last { /* of what a device has in the logs that are here */
    uint64_t hlc, recv_ms;
};

static enum sat_err look_at_last(struct satchel *satchel, int64_t sid, uint32_t device, struct sat_arena *arena,
                                 struct last *out)
{
    struct sat_store *store = satchel->store;
    struct sat_bundle_row tip;
    struct sat_entry_row *entries;
    struct sat_span bytes;
    struct sat_header header;
    uint32_t n = 0;
    bool found;
    enum sat_err err = sat_store_bundle_tip(store, sid, device, false, &tip, &found);
    if (err || !found) return err;
    err = sat_store_entries(store, sid, tip.seq, 1, arena, &entries, &n);
    if (err || n == 0 || entries[0].entry.recv_ms <= out->recv_ms) return err;
    err = sat_store_change_header(store, tip.bid, tip.count - 1, arena, &bytes, &found);
    if (err || !found || bytes.len == 0 || sat_header_decode(bytes, arena, &header)) return err;
    *out = (struct last){header.hlc, entries[0].entry.recv_ms};
    return SAT_OK;
}

/* How far its clock ran ahead when it wrote last; null: it has written nothing that is here. */
static json_t *json_of_clock(struct listing *listing, uint32_t device, struct sat_arena *arena)
{
    struct last last = {0};
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < listing->spaces_n && !err; i++)
        err = look_at_last(listing->satchel, listing->spaces[i].sid, device, arena, &last);
    if (err || !last.recv_ms) return json_null();
    return json_integer((json_int_t)sat_clock_ahead_ms(last.hlc, last.recv_ms));
}

/* ---- Showing ---- */

static uint64_t lease_days(const struct sat_directory *directory, uint8_t role)
{
    switch ((enum sat_role)role) {
    case SAT_ROLE_ADMIN:
        return sat_directory_policy(directory, SAT_POLICY_LEASE_ADMIN);
    case SAT_ROLE_MANAGER:
        return sat_directory_policy(directory, SAT_POLICY_LEASE_MANAGER);
    case SAT_ROLE_REP:
        return sat_directory_policy(directory, SAT_POLICY_LEASE_REP);
    case SAT_ROLE_AUDITOR:
        return sat_directory_policy(directory, SAT_POLICY_LEASE_AUDITOR);
    case SAT_ROLE_SERVICE:
        return sat_directory_policy(directory, SAT_POLICY_LEASE_SERVICE);
    }
    return 0;
}

/* A device that has not been here for longer than its lease shows no data, whatever it is told. */
static bool has_lapsed(const struct satchel *satchel, const struct sat_device *device,
                       const struct sat_device_item *item)
{
    const struct sat_directory *directory = &satchel->directory;
    uint64_t days = lease_days(directory, sat_directory_user(directory, device->user)->role);
    bool known = item && item->seen_ms && device->approved_seq && device->number != client_device(satchel);
    return known && days && item->seen_ms + days * SAT_DAY_MS < client_now_ms() &&
           !sat_directory_out(directory, device->number);
}

static const char *state_of(const struct satchel *satchel, const struct sat_device *device,
                            const struct sat_device_item *item)
{
    bool out = sat_directory_out(&satchel->directory, device->number);
    if (!out && sat_directory_expelled(&satchel->directory, device->number, NULL)) return "expelled";
    return has_lapsed(satchel, device, item) ? "lapsed" : client_device_state(satchel, device->number);
}

static json_t *json_of_ms(uint64_t ms)
{
    return ms ? client_json_of_time(ms) : json_null();
}

/* An order stands until the device signs for it. */
static json_t *json_of_wipe(const struct sat_device *device, const struct sat_device_item *item)
{
    if (item && item->wiped_ms) return json_string("done");
    return device->wiped_seq ? json_string("ordered") : json_null();
}

static json_t *json_of_device(struct listing *listing, const struct sat_device *device, struct sat_arena *arena)
{
    struct satchel *satchel = listing->satchel;
    const struct sat_device_item *item = item_of(listing, device->number);
    bool seen = item && item->seen_ms;
    json_t *json = json_object();
    (void)json_object_set_new(json, "device", json_integer(device->number));
    (void)json_object_set_new(json, "user", client_json_of_text(client_user_name(satchel, device->user, arena)));
    (void)json_object_set_new(json, "name", client_json_of_text(client_device_name(satchel, device->number, arena)));
    (void)json_object_set_new(json, "state", json_string(state_of(satchel, device, item)));
    (void)json_object_set_new(json, "copy_of", device->parent ? json_integer(device->parent) : json_null());
    (void)json_object_set_new(json, "joined_at", json_of_ms(device->joined_ms));
    (void)json_object_set_new(json, "last_seen", json_of_ms(seen ? item->seen_ms : 0));
    (void)json_object_set_new(json, "pending", json_null());
    (void)json_object_set_new(json, "lag", seen ? json_integer((json_int_t)item->lag) : json_null());
    (void)json_object_set_new(json, "version", seen ? json_integer(item->version) : json_null());
    (void)json_object_set_new(json, "clock_ahead_ms", json_of_clock(listing, device->number, arena));
    (void)json_object_set_new(json, "wipe", json_of_wipe(device, item));
    (void)json_object_set_new(json, "wiped_at", json_of_ms(item ? item->wiped_ms : 0));
    return json;
}

/* Of the own device it is known when it last spoke with the server and what waits. */
static enum sat_err set_own(struct satchel *satchel, json_t *json)
{
    uint64_t last_ms = 0, drafts = 0, bundles = 0, changes = 0;
    bool in_sync;
    enum sat_err err = client_membership_last_sync(satchel, &last_ms, &in_sync);
    if (!err) err = sat_store_draft_count(satchel->store, &drafts);
    if (!err) err = sat_store_pending_count(satchel->store, &bundles, &changes);
    (void)json_object_set_new(json, "last_seen", json_of_ms(last_ms));
    (void)json_object_set_new(json, "pending", json_integer((json_int_t)(drafts + changes)));
    return err;
}

int satchel_device_list(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context)
{
    struct listing listing = {.satchel = satchel};
    struct sat_arena arena;
    sat_arena_init(&arena);
    sat_arena_init(&listing.arena);
    client_begin(satchel);
    bool reached = !satchel->tx && ask(&listing), more = true;
    if (refreshed) *refreshed = reached;
    enum sat_err err = client_lease_check(satchel);
    if (!err) err = sat_store_spaces(satchel->store, &listing.arena, &listing.spaces, &listing.spaces_n);
    for (uint32_t i = 0; i < satchel->directory.devices_n && more && !err; i++) {
        const struct sat_device *device = &satchel->directory.devices[i];
        json_t *json = json_of_device(&listing, device, &arena);
        if (device->number == client_device(satchel)) err = set_own(satchel, json);
        more = client_give_row(row, context, json);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&listing.arena);
    sat_arena_deinit(&arena);
    return client_end(satchel, err ? err : satchel->unread);
}
