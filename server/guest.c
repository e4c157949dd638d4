#include "server/guest.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum {
    QUEUE_EVENTS_MAX = 64,
    QUEUE_BYTES_MAX = 64 * 1024, /* and one message more, as that is looked at before it comes */
    /* One guest's share of a batch, and a batch. The weight of a push is its changes, some 10 µs each to judge and
     * store. */
    SHARE_EVENTS_MAX = 32,
    SHARE_WEIGHT_MAX = 2100,
    SHARE_BYTES_MAX = 512 * 1024,
    BATCH_EVENTS_MAX = 512,
    BATCH_WEIGHT_MAX = 8400,
};

/* ---- The ring ---- */

static void enqueue(struct satd_guest *guest)
{
    struct satd_room *room = guest->room;
    if (guest->queued || guest->held || !guest->first) return;
    guest->queued = true;
    if (room->ring) {
        guest->next = room->ring->next;
        room->ring->next = guest;
    } else {
        guest->next = guest;
    }
    room->ring = guest;
}

static struct satd_guest *dequeue(struct satd_room *room)
{
    struct satd_guest *guest = room->ring->next;
    if (guest == room->ring)
        room->ring = NULL;
    else
        room->ring->next = guest->next;
    guest->queued = false;
    guest->next = NULL;
    return guest;
}

static void take_out(struct satd_guest *guest)
{
    struct satd_room *room = guest->room;
    if (!guest->queued) return;
    while (room->ring->next != guest) room->ring = room->ring->next;
    (void)dequeue(room);
}

/* ---- Guests ---- */

static void add(struct satd_guest *guest, const struct sat_event *event, struct sat_span bytes, uint32_t weight)
{
    struct satd_waiting *waiting = malloc(sizeof *waiting + bytes.len);
    sat_check(waiting != NULL);
    waiting->event = *event;
    waiting->weight = weight;
    waiting->next = NULL;
    if (bytes.len) memcpy(waiting->bytes, bytes.at, bytes.len);
    waiting->event.bytes = sat_span(waiting->bytes, bytes.len);
    if (guest->last)
        guest->last->next = waiting;
    else
        guest->first = waiting;
    guest->last = waiting;
    guest->events++;
    guest->bytes += bytes.len;
    enqueue(guest);
}

static struct satd_waiting *take_first(struct satd_guest *guest)
{
    struct satd_waiting *waiting = guest->first;
    guest->first = waiting->next;
    if (!guest->first) guest->last = NULL;
    waiting->next = NULL;
    guest->events--;
    guest->bytes -= waiting->event.bytes.len;
    return waiting;
}

struct satd_guest *satd_guest_enter(struct satd_room *room, const struct sat_event *opened)
{
    struct satd_guest *guest = calloc(1, sizeof *guest);
    sat_check(guest != NULL);
    guest->peer = opened->peer;
    guest->room = room;
    room->guests++;
    add(guest, opened, sat_span(NULL, 0), 1);
    return guest;
}

void satd_guest_say(struct satd_guest *guest, struct sat_span message, uint32_t weight)
{
    struct sat_event event = {.kind = SAT_EVENT_MESSAGE, .peer = guest->peer};
    add(guest, &event, message, weight);
}

/* One whose OPENED was not heard yet is not announced: the engine hears of it by no event at all. */
void satd_guest_leave(struct satd_guest *guest, bool heard)
{
    struct sat_event event = {.kind = SAT_EVENT_CLOSED, .peer = guest->peer};
    bool unheard_of = guest->first && guest->first->event.kind == SAT_EVENT_OPENED;
    struct satd_room *room = guest->room;
    if (!heard || unheard_of) {
        take_out(guest);
        while (guest->first) free(take_first(guest));
    }
    if (unheard_of) {
        room->guests--;
        free(guest);
        return;
    }
    guest->leaving = true;
    guest->held = false;
    add(guest, &event, sat_span(NULL, 0), 1);
}

void satd_guest_hold(struct satd_guest *guest, bool held)
{
    if (guest->held == held || guest->leaving) return;
    guest->held = held;
    if (held)
        take_out(guest);
    else
        enqueue(guest);
}

bool satd_guest_is_full(const struct satd_guest *guest)
{
    return guest->events >= QUEUE_EVENTS_MAX || guest->bytes >= QUEUE_BYTES_MAX;
}

bool satd_guest_is_heard(const struct satd_guest *guest)
{
    return !guest->first;
}

/* ---- Batches ---- */

bool satd_room_waits(const struct satd_room *room)
{
    return room->ring != NULL;
}

struct share {
    uint32_t events, weight;
    size_t bytes;
};

static bool fits(const struct share *share, const struct satd_waiting *waiting)
{
    if (share->events == 0) return true;
    return share->events < SHARE_EVENTS_MAX && share->weight + waiting->weight <= SHARE_WEIGHT_MAX &&
           share->bytes + waiting->event.bytes.len <= SHARE_BYTES_MAX;
}

static void append(struct satd_batch *batch, struct satd_waiting *waiting)
{
    if (batch->last)
        batch->last->next = waiting;
    else
        batch->first = waiting;
    batch->last = waiting;
    batch->events++;
}

static void take_share(struct satd_guest *guest, struct satd_batch *batch, uint32_t *weight)
{
    struct share share = {0};
    while (guest->first && fits(&share, guest->first)) {
        struct satd_waiting *waiting = take_first(guest);
        share.events++;
        share.weight += waiting->weight;
        share.bytes += waiting->event.bytes.len;
        append(batch, waiting);
    }
    *weight += share.weight;
}

struct satd_batch satd_room_take(struct satd_room *room)
{
    struct satd_batch batch = {0};
    struct satd_guest *last = room->ring; /* each at most once: what is left waits for the next batch */
    uint32_t weight = 0;
    bool more = last != NULL;
    while (more && batch.events < BATCH_EVENTS_MAX && weight < BATCH_WEIGHT_MAX) {
        struct satd_guest *guest = dequeue(room);
        more = guest != last;
        take_share(guest, &batch, &weight);
        if (guest->first) {
            enqueue(guest);
        } else if (guest->leaving) {
            room->guests--;
            free(guest);
        }
    }
    return batch;
}

void satd_batch_free(struct satd_batch *batch)
{
    while (batch->first) {
        struct satd_waiting *waiting = batch->first;
        batch->first = waiting->next;
        free(waiting);
    }
}

/* Those who neither wait nor leave belong to peers that the sockets have closed before: there are none. */
void satd_room_deinit(struct satd_room *room)
{
    while (room->ring) {
        struct satd_guest *guest = dequeue(room);
        while (guest->first) free(take_first(guest));
        free(guest);
    }
}
