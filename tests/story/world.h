/* A small world in one process: a server, devices, a network, a clock and a dice, all from one seed. The engine, the
 * vault and the store are the real ones; only sockets, time and entropy are the world's. Stories play fixed scenes in
 * it, lives play random ones. */
#ifndef TESTS_STORY_WORLD_H
#define TESTS_STORY_WORLD_H

#include <stdio.h>

#include "client/handle.h"
#include "common/sync/host.h"
#include "common/sync/replica.h"
#include "common/vault/author.h"
#include "common/vault/invite.h"
#include "common/vault/kit.h"

enum { WORLD_DEVICES_MAX = 8, WORLD_SPACES_MAX = 4, WORLD_QUEUE_MAX = 512 };

struct world_queue { /* messages on their way, oldest first */
    struct sat_buf at[WORLD_QUEUE_MAX];
    uint32_t n;
};

struct world_traffic { /* handed over, in one direction */
    uint64_t messages, bytes;
    uint64_t framed; /* the bytes with their WebSocket framing */
};

struct client_links;

struct world_wish { /* links that a device's next session appends */
    struct world *world;
    void (*build)(struct world_wish *wish, struct client_links *links);
    void *context;
    bool done;
    bool given_up; /* `build` could not: nothing of it is appended */
};

struct world_device {
    struct world *world;
    struct satchel handle; /* store, keyring, keys, directory: as the library holds them, without a home */
    char store_path[256];
    struct sat_buf keyring_file;
    struct sat_replica *replica; /* NULL: offline */
    uint64_t peer;
    struct world_queue up, down; /* to the server; to the device */
    bool host_writable, replica_writable, closing;
    int64_t clock_ms;           /* its wall clock less the world's */
    uint64_t sessions, in_sync; /* how many there were; how many reached it */
    enum sat_err last_err;
    bool idle;
    char idle_why[160];
    uint32_t heard[SAT_NOTICE_REINDEXED + 1]; /* notices of the sessions so far, by kind */
    bool told_wipe;                           /* by SAT_NOTICE_REVOKED */
    bool pays_nothing;                        /* leaves epochs that are owed to others */
    /* Changes what its next sessions are configured with. NULL: nothing. */
    void (*tune)(void *context, struct sat_replica_config *config);
    void *tune_context;
    struct sat_invite_code code;        /* that it joins by */
    struct sat_invite_keys invite_keys; /* of that code */
    struct world_wish *wish;            /* NULL: none */
    bool joined;
    /* Sees each message on its way, before it is handed over, and may change it; false: it is lost. NULL: nobody looks.
     */
    bool (*on_way)(void *context, struct world_device *device, bool down, struct sat_buf *bytes);
    void *on_way_context;
    struct world_traffic up_traffic, down_traffic;
    enum sat_err step_err; /* what a step said to a disk that failed (world->died) */
};

enum world_trouble { WORLD_NO_TROUBLE, WORLD_SERVER_TROUBLE, WORLD_DEVICE_TROUBLE };

enum world_fault { WORLD_NO_FAULT, WORLD_LOSS, WORLD_DUPLICATION, WORLD_REORDERING };

struct world {
    struct sat_entropy_stream dice_state, entropy_state;
    struct sat_entropy dice, entropy;
    uint64_t now_ms;
    char dir[128];
    struct sat_sign_key server_key;
    uint8_t kit_seed[SAT_KIT_SEED_BYTES]; /* of the recovery kit */
    struct sat_store *server_store;
    struct sat_host *host;
    struct world_device devices[WORLD_DEVICES_MAX];
    uint32_t devices_n;
    struct sat_space_id spaces[WORLD_SPACES_MAX]; /* territories */
    uint32_t spaces_n;
    uint64_t next_peer;
    enum world_trouble trouble; /* whose disk takes no byte */
    enum sat_err last_trouble;  /* what a step said to that */
    FILE *transcript;           /* NULL: silent */
    /* NULL: disks never fail but by `trouble`. Else any step may fail, which is borne and noted; and this is called
     * between the end of a process and its next beginning. device NULL: the server's. */
    void (*died)(void *context, struct world_device *device);
    void *died_context;
    enum sat_err server_err;
    /* Called with the device whose program runs now, and with NULL behind that. NULL: nobody asks. */
    void (*acting)(const struct world_device *device);
    /* The line between all of them: sees each message that is taken off a queue, whatever becomes of it, and may change
     * it; false: it is swallowed. NULL: nobody looks. */
    bool (*line)(void *context, struct world_device *device, bool down, struct sat_buf *bytes);
    void *line_context;
    bool orders_may_fail; /* an admin's session may end without what it was begun for */
};

/* A world with an org, its first admin's device (devices[0]) and `territories` territories. */
void world_init(struct world *world, uint64_t seed, uint32_t territories);
void world_deinit(struct world *world);
uint64_t world_dice(struct world *world, uint64_t sides); /* 0 to sides - 1 */
void world_say(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A new person with a device, granted the territories in the bit set; joined over the (faultless) network and in sync.
 */
struct world_device *world_join(struct world *world, uint32_t territories);
/* The parts of it, for lives in which a join is one action among others: the invite; then connect() joins. */
struct world_device *world_invite(struct world *world, uint32_t territories); /* NULL: orders may fail, and it did */
/* An invite alone, for a new user of that role. An admin's carries no keys. */
struct sat_invite_code world_make_invite(struct world *world, enum sat_role role, uint32_t territories);
/* The first admin's word that a server which was set back may go on. False: it was not said. */
bool world_confirm_restore(struct world *world);
/* A device, not joined yet, of somebody who holds the code. `admin`: with an admin key of its own. */
struct world_device *world_holder(struct world *world, const struct sat_invite_code *code, bool admin);
/* The device, an admin's, appends to the directory what `build` adds, in a session of its own. False: it was refused.
 */
bool world_append(struct world *world, struct world_device *device,
                  void (*build)(struct world_wish *wish, struct client_links *links), void *context);

void world_connect(struct world *world, struct world_device *device);
void world_disconnect(struct world *world, struct world_device *device);
/* Delivers one message to or from the device, or builds one frame, under a fault. False: nothing was on its way. */
bool world_deliver(struct world *world, struct world_device *device, enum world_fault fault);
/* The next message in one direction, faultless; builds frames first. False: there is none. */
bool world_hand_over(struct world *world, struct world_device *device, bool down);
/* The server's next frame for the device is put on its way. False: there is none. */
bool world_fetch(struct world *world, struct world_device *device);
/* All that is on its way to the device, as one batch; all that is on its way from these devices, by turns, as one
 * batch. False: nothing was. */
bool world_hand_over_together(struct world *world, struct world_device *device);
bool world_gather(struct world *world, struct world_device *const *devices, uint32_t n);
/* Puts a message on its way to the server, or (down) to the device. */
void world_post(struct world_device *device, bool down, struct sat_span bytes);
/* Delivers until nothing moves, and leaves the session open. */
void world_run(struct world *world, struct world_device *device);
/* Delivers until nothing moves and ends the session; true if it ended in sync. Connects first if offline. */
bool world_sync(struct world *world, struct world_device *device);
/* Everybody in turn until all are in sync, at most `rounds` times. */
bool world_settle(struct world *world, uint32_t rounds);

/* The server does what nobody asks it for: it collects what everybody has seen deleted. How many records. */
uint64_t world_collect(struct world *world);

/* The process dies: what was not committed is gone, the store is opened again. */
void world_crash_device(struct world *world, struct world_device *device);
void world_crash_server(struct world *world);
/* A copy of the server's store is put aside under a number, and back again: whoever is connected is cut off.
 * `announced`: by an operator who says so. */
void world_backup(struct world *world, uint32_t number);
void world_restore(struct world *world, uint32_t number, bool announced);

/* A home as it is now, kept; put back in its device's place, or beside it as another device of the world; and a copy of
 * a home, beside it. */
struct world_home {
    char store_path[200];
    struct sat_buf keyring_file;
};
void world_home_backup(struct world *world, struct world_device *device, struct world_home *out);
void world_home_free(struct world_home *backup);
void world_home_restore(struct world *world, struct world_device *device, const struct world_home *backup);
struct world_device *world_revive(struct world *world, const struct world_home *backup);
struct world_device *world_clone(struct world *world, struct world_device *device);

/* One edit committed on a device. The cells are as for sat_author_commit(). Gives the dots that it made, one for each
 * edit that wrote: counters first to last. */
enum sat_err world_try_edit(struct world *world, struct world_device *device, struct sat_edit *edits, uint32_t n,
                            uint64_t *first, uint64_t *last); /* where its disk may fail */
void world_edit(struct world *world, struct world_device *device, struct sat_edit *edits, uint32_t n, uint64_t *first,
                uint64_t *last);
int64_t world_sid(struct world_device *device, const struct sat_space_id *space);
void world_load(struct world_device *device, const struct sat_space_id *space, const struct sat_record_id *record,
                struct sat_arena *arena, struct sat_record_view *out);
struct sat_cell world_text(uint16_t field, const char *value);
struct sat_cell world_element(uint16_t field, const char *element, bool in);
struct sat_record_id world_record(uint32_t number);

#endif
