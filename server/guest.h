/* Guests: peers as their org sees them. What a peer says waits with it until the org hears it; each org hears its
 * guests in turn, a bounded share of each, so that one who talks much delays the others by his share and no more. A
 * guest whose queue is full is not to be read from, and one whose answers pile up is not heard: both are how a fast or
 * a deaf peer comes to wait for itself alone. */
#ifndef SATD_GUEST_H
#define SATD_GUEST_H

#include "common/sync/step.h"

struct satd_waiting { /* an event that waits; heap */
    struct sat_event event;
    struct satd_waiting *next;
    uint32_t weight;
    uint8_t bytes[];
};

struct satd_room;

struct satd_guest {
    uint64_t peer;
    struct satd_room *room;
    struct satd_waiting *first, *last;
    uint32_t events;
    size_t bytes;
    bool held;               /* its turn does not come */
    bool leaving;            /* the last event is its CLOSED; it is freed with it */
    bool queued;             /* it is in the ring */
    struct satd_guest *next; /* in the ring */
};

struct satd_room { /* one org's guests */
    struct satd_guest
        *ring; /* the last of those who have something to say and may; ring->next comes first. NULL: none */
    uint32_t guests;
};

/* A new guest, whose first event is OPENED. */
struct satd_guest *satd_guest_enter(struct satd_room *room, const struct sat_event *opened);
/* Puts a message (copied) at the end of what waits. `weight`: how much of its share it takes. */
void satd_guest_say(struct satd_guest *guest, struct sat_span message, uint32_t weight);
/* The last that is heard of it: CLOSED, after what waits, or instead of it. The guest is not to be used any more. */
void satd_guest_leave(struct satd_guest *guest, bool heard);
void satd_guest_hold(struct satd_guest *guest, bool held);
/* Does so much wait that nothing more should be read? Does nothing wait? */
bool satd_guest_is_full(const struct satd_guest *guest);
bool satd_guest_is_heard(const struct satd_guest *guest);

/* A batch: events of several guests in turn, each guest's in their order. */
struct satd_batch {
    struct satd_waiting *first, *last; /* heap; free with satd_batch_free() */
    uint32_t events;
};
bool satd_room_waits(const struct satd_room *room); /* for its turn to come */
struct satd_batch satd_room_take(struct satd_room *room);
void satd_batch_free(struct satd_batch *batch);
/* Frees guests and what waits: at the end. */
void satd_room_deinit(struct satd_room *room);

#endif
