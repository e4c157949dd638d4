/* When a device was here last, how far it had come, and the receipt of its wipe: what admins and managers see of the
 * devices that they look after. */
#include <stdlib.h>
#include <string.h>

#include "common/proof/wipe_receipt.h"
#include "common/sync/admin_items.h"
#include "common/sync/host_state.h"

enum { SEEN_AGAIN_MS = 10 * 1000, DEVICES_PER_MESSAGE = 2000 };

/* Entries of its spaces that it has not been sent. */
static uint64_t lag_of(const struct sat_host *host, const struct host_peer *peer)
{
    uint64_t lag = 0;
    for (uint32_t i = 0; i < peer->subs_n; i++) {
        const struct host_space *space = host_space_by_sid(host, peer->subs[i].sid);
        if (space && !peer->subs[i].ended && space->row.log.size > peer->subs[i].sent)
            lag += space->row.log.size - peer->subs[i].sent;
    }
    return lag;
}

void host_sight(struct host_step *step, const struct host_peer *peer)
{
    if (peer->state != HOST_PEER_DEVICE && peer->state != HOST_PEER_WIPED) return;
    struct host_sighting *sighting = sat_arena_alloc(step->arena, sizeof *sighting);
    *sighting = (struct host_sighting){.device = peer->device,
                                       .seen_ms = step->now_ms,
                                       .lag = lag_of(step->host, peer),
                                       .lag_known = peer->subs_n > 0,
                                       .next = step->sightings};
    step->sightings = sighting;
}

/* A device that comes and goes every second is not written down every second, unless it has come further. */
static bool is_news(const struct host_sighting *sighting, const struct sat_sighting *row)
{
    if (sighting->lag_known && sighting->lag < row->lag) return true;
    return sighting->seen_ms >= row->seen_ms + SEEN_AGAIN_MS;
}

static enum sat_err keep(struct sat_store *store, const struct host_sighting *sighting)
{
    struct sat_sighting row;
    bool found;
    enum sat_err err = sat_store_sighting_get(store, sighting->device, &row, &found);
    if (err || (found && !is_news(sighting, &row))) return err;
    row.device = sighting->device;
    row.version = SAT_PROTOCOL_VERSION;
    row.seen_ms = sighting->seen_ms;
    if (sighting->lag_known) row.lag = sighting->lag;
    return sat_store_sighting_put(store, &row);
}

void host_sightings_keep(struct host_step *step)
{
    struct sat_store *store = step->host->store;
    if (!step->sightings || sat_store_begin(store)) return;
    enum sat_err err = SAT_OK;
    for (const struct host_sighting *sighting = step->sightings; sighting && !err; sighting = sighting->next)
        err = keep(store, sighting);
    if (!err) err = sat_store_commit(store);
    if (err)
        sat_store_rollback(store);
    else
        step->host->counts.commits++;
}

/* ---- The receipt of a wipe ---- */

enum sat_err host_wiped(struct host_step *step, struct host_peer *peer, const struct sat_message_WIPED *message,
                        struct sat_fault *fault)
{
    const struct sat_directory *directory = &step->host->directory;
    const struct sat_device *device = sat_directory_device(directory, (uint32_t)message->device);
    if (!device || !sat_directory_wiped(directory, device->number, message->wipe_seq))
        return sat_fail(fault, SAT_ERR_DENIED, "no wipe of that device was ordered there");
    struct sat_wipe_receipt receipt = {.wipe_seq = message->wipe_seq, .time_ms = message->time_ms};
    memcpy(receipt.signature.b, message->signature, sizeof receipt.signature.b);
    if (sat_wipe_receipt_verify(&receipt, &directory->org, device->number, &device->sign))
        return sat_fail(fault, SAT_ERR_DENIED, "this is not the receipt of device %u", device->number);
    struct sat_sighting row;
    bool found;
    enum sat_err err = sat_store_sighting_get(step->host->store, device->number, &row, &found);
    if (!err && !row.wiped_ms) { /* the first one counts; it may be shown again */
        row.device = device->number;
        row.seen_ms = step->now_ms;
        row.version = SAT_PROTOCOL_VERSION;
        row.wiped_ms = message->time_ms ? message->time_ms : 1;
        row.receipt = receipt.signature;
        err = host_begin(step);
        if (!err) err = sat_store_sighting_put(step->host->store, &row);
    }
    if (err) return err;
    peer->device = device->number;
    peer->state = HOST_PEER_WIPED;
    return SAT_OK;
}

/* ---- What is shown ---- */

static bool may_see(const struct sat_directory *directory, const struct sat_user *user, uint32_t device)
{
    return user->role == SAT_ROLE_ADMIN ||
           sat_directory_manages(directory, user->number, sat_directory_device(directory, device)->user);
}

static int compare_devices(const void *a, const void *b)
{
    const struct sat_device_item *left = a, *right = b;
    return left->device < right->device ? -1 : left->device > right->device;
}

static void add_stored(struct sat_device_item *items, uint32_t n, const struct sat_sighting *row)
{
    struct sat_device_item key = {.device = row->device};
    struct sat_device_item *item = bsearch(&key, items, n, sizeof *items, compare_devices);
    if (item) *item = (struct sat_device_item){row->device, row->seen_ms, row->lag, row->version, row->wiped_ms};
}

/* Those who are here now. */
static void add_present(const struct host_step *step, struct sat_device_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < step->host->peers_n; i++) {
        const struct host_peer *peer = step->host->peers[i];
        struct sat_device_item key = {.device = peer->device};
        struct sat_device_item *item = peer->device ? bsearch(&key, items, n, sizeof *items, compare_devices) : NULL;
        if (!item) continue;
        item->seen_ms = step->now_ms;
        item->version = SAT_PROTOCOL_VERSION;
        if (peer->subs_n) item->lag = lag_of(step->host, peer);
    }
}

static enum sat_err look_up(const struct host_step *step, struct sat_device_item *items, uint32_t n, uint32_t after)
{
    struct sat_sighting *rows;
    uint32_t got = DEVICES_PER_MESSAGE;
    while (n && got == DEVICES_PER_MESSAGE && after < items[n - 1].device) {
        enum sat_err err = sat_store_sightings(step->host->store, after, DEVICES_PER_MESSAGE, step->arena, &rows, &got);
        if (err) return err;
        for (uint32_t i = 0; i < got; i++) add_stored(items, n, &rows[i]);
        if (got) after = rows[got - 1].device;
    }
    add_present(step, items, n);
    return SAT_OK;
}

enum sat_err host_devices_get(struct host_step *step, const struct host_peer *peer,
                              const struct sat_message_DEVICES_GET *message, struct sat_fault *fault)
{
    const struct sat_directory *directory = &step->host->directory;
    const struct sat_user *user = sat_directory_user(directory, sat_directory_device(directory, peer->device)->user);
    if (user->role != SAT_ROLE_ADMIN && user->role != SAT_ROLE_MANAGER)
        return sat_fail(fault, SAT_ERR_DENIED, "this is for admins, and for managers");
    struct sat_device_item *items = sat_arena_array(step->arena, DEVICES_PER_MESSAGE, sizeof *items);
    uint32_t n = 0;
    uint64_t number = message->after + 1;
    for (; number <= directory->devices_n && n < DEVICES_PER_MESSAGE; number++)
        if (may_see(directory, user, (uint32_t)number)) items[n++].device = (uint32_t)number;
    enum sat_err err = look_up(step, items, n, (uint32_t)message->after);
    if (err) return err;
    struct sat_span *spans = sat_arena_array(step->arena, n, sizeof *spans);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_buf bytes;
        sat_buf_init(&bytes);
        sat_device_item_encode(&items[i], &bytes);
        spans[i] = sat_span_copy(step->arena, sat_buf_span(&bytes));
        sat_buf_deinit(&bytes);
    }
    struct sat_message answer = {.type = SAT_MESSAGE_DEVICES};
    answer.as.DEVICES = (struct sat_message_DEVICES){.more = number <= directory->devices_n, .items = {spans, n}};
    host_send(step, peer->id, &answer);
    return SAT_OK;
}
