/* What the escrow has, as the server lists it: of each bundle what is to be known to decide about it, and the bytes of
 * those that are needed whole, as far as a budget goes. A member's device may hand in 64 MiB, and an admin may decide
 * about many at once. */
#ifndef CLIENT_ESCROW_HELD_H
#define CLIENT_ESCROW_HELD_H

#include "client/handle.h"
#include "common/proof/bundle.h"

enum { CLIENT_ESCROW_BYTES_MAX = 16 * 1024 * 1024 }; /* held at once, by one list */

struct client_escrow_item { /* what is kept of one while the session lasts */
    uint64_t number, first, recv_ms;
    struct sat_space_id space;
    struct sat_hash id, prev;
    uint32_t device, count, bytes;
    uint8_t state;
    enum sat_err reason;
    bool sound;             /* signed by the device that it names */
    struct sat_buf full;    /* empty: it is not held */
    uint32_t next_of_chain; /* place plus one; 0: it is the last */
};

/* A device's bundles in one space, and what is held of them. */
struct client_escrow_chain {
    uint32_t device;
    struct sat_space_id space;
    uint64_t until;        /* those in front of this counter are wanted */
    uint32_t oldest, tail; /* the first that is held, and the last: places plus one; 0: there is none */
    size_t held;
};

struct client_escrow_held {
    struct satchel *satchel;
    struct sat_arena arena;
    uint64_t *numbers; /* those that are listed, in order; NULL: all */
    uint32_t numbers_n;
    size_t budget; /* 0: nothing is held */
    size_t bytes;  /* held */
    struct client_escrow_chain
        *chains; /* what came in these alone is held, the latest first; NULL: whatever is listed */
    uint32_t chains_n;
    bool asked;
    struct client_escrow_item *items;
    uint32_t n, cap;
};

/* numbers (NULL: all) are copied. SAT_ERR_NOT_FOUND: there is no number 0. */
enum sat_err client_escrow_begin(struct client_escrow_held *held, struct satchel *satchel, const uint64_t *numbers,
                                 uint32_t n, size_t budget) SAT_MUST_CHECK;
void client_escrow_end(struct client_escrow_held *held);
/* Asks the server; nobody has when this begins. */
enum sat_err client_escrow_ask(struct client_escrow_held *held) SAT_MUST_CHECK;
/* After asking, and before sorting. SAT_ERR_TAMPERED: it is not what its device signed. */
enum sat_err client_escrow_find(struct client_escrow_held *held, uint64_t number,
                                struct client_escrow_item **out) SAT_MUST_CHECK;
/* Puts what its device wrote first first: its bundles are a chain. */
void client_escrow_sort(struct client_escrow_held *held);
/* The item in that place is held from now on, with as many behind it as the budget lets; those before it are not. */
enum sat_err client_escrow_hold(struct client_escrow_held *held, uint32_t place) SAT_MUST_CHECK;
enum sat_err client_escrow_open(const struct client_escrow_held *held, const struct client_escrow_item *item,
                                struct sat_arena *arena, struct sat_bundle *out) SAT_MUST_CHECK;
bool client_escrow_is_chain(const struct client_escrow_item *item, uint32_t device, const struct sat_space_id *space);

/* What their devices have handed in, in their spaces, before the last of these (sorted) items. */
void client_escrow_begin_beside(struct client_escrow_held *beside, const struct client_escrow_held *of);
struct client_escrow_chain *client_escrow_chain_of(const struct client_escrow_held *beside,
                                                   const struct client_escrow_item *item);

#endif
