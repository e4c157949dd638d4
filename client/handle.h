/* The handle: one home, opened. What the library's files share: the store, the keys, the directory, and how a
 * failure is told. */
#ifndef CLIENT_HANDLE_H
#define CLIENT_HANDLE_H

#include "client/brake.h"
#include "client/include/satchel.h"
#include "client/leasehold.h"
#include "client/record_list.h"
#include "common/vault/kit.h"
#include "common/vault/record.h"

struct client_view;
struct client_session;
struct satchel_session;

/* Which records are in conflict, kept so that nobody has to look at all of them (conflicts.c). */
struct client_conflicts {
    struct client_record_list list;
    bool known; /* false: nobody has looked yet */
};

/* Which of the server's addresses is due next (membership.c). */
struct client_addresses {
    uint32_t next;
    char known[SAT_URL_BYTES_MAX + 1]; /* the directory's address that `next` was counted with */
};

struct satchel {
    char *home;
    int lock; /* the descriptor that holds home/lock; -1: none */
    struct sat_store *store;
    struct sat_keyring *keyring;
    struct sat_keys *keys;
    struct sat_squeezer *squeezer;
    struct sat_directory directory;
    struct sat_entropy entropy;
    struct sat_fault fault; /* filled where the reason is known, read by client_end() */
    enum sat_err lost;      /* why the directory could not be loaded again: until it is, nothing else is to be said */
    enum sat_err unread;    /* what kept a name from being read since client_begin(): it is not to be taken for none */
    struct satchel_error error;
    struct satchel_tx *tx;          /* the open transaction; NULL: none */
    uint32_t written;               /* changes of the last commit */
    struct client_session *session; /* under way; NULL: none */
    struct satchel_session *driven; /* the one that the application drives; NULL: none */
    struct client_addresses addresses;
    struct client_view *view; /* opened when it is first asked for; NULL: not open, or of no use any more */
    struct sat_hash types;    /* the list of record types, when types_are_hashed (view/stored.c) */
    bool types_are_hashed;
    uint32_t view_damages;       /* how often what was on the disk could not be read */
    struct sat_fault view_fault; /* why it could not be made or kept there */
    struct client_conflicts conflicts;
    struct sat_kit_keys *kit; /* that signs where a second signature is due; guarded memory; NULL: not at hand */
    char *proposal;           /* what the last act left for another admin to sign; NULL: nothing */
    struct client_leasehold leasehold;
    struct client_brake brake; /* of the session that is under way, or was last */
    bool wiped;                /* the device's keys are destroyed, and the handle's are others (wipe.c) */
};

/* Wall clock, milliseconds since 1970 UTC. */
uint64_t client_now_ms(void);

/* An empty handle on a home that does not exist yet, with the lock taken: for create and join. */
enum sat_err client_new(const char *home, struct satchel **out, struct sat_fault *fault) SAT_MUST_CHECK;
/* Loads directory and keys; the store and the keyring are there. */
enum sat_err client_load(struct satchel *satchel, struct sat_fault *fault) SAT_MUST_CHECK;
/* The directory anew from the store: after a session that failed, what is in memory may be ahead of it. */
enum sat_err client_reload_directory(struct satchel *satchel, struct sat_fault *fault) SAT_MUST_CHECK;

/* What reading and writing records need. Borrows from the handle. */
struct sat_vault client_vault(const struct satchel *satchel);
uint32_t client_device(const struct satchel *satchel);
uint32_t client_user(const struct satchel *satchel); /* 0: unknown */
bool client_is_admin(const struct satchel *satchel); /* by a device that is approved and not revoked */
bool client_is_manager(const struct satchel *satchel);
/* How the directory says that a device stands: "active", "pending approval", "suspended", "revoked"; static. */
const char *client_device_state(const struct satchel *satchel, uint32_t device);
/* The rights (SAT_RIGHT_) that this device has in a space now. */
uint8_t client_rights(const struct satchel *satchel, const struct sat_space_id *space);

/* The store's number of a space; the space's row is made when it is not there yet (then inside a transaction of
 * its own, if none is open). */
enum sat_err client_sid_of_space(struct satchel *satchel, const struct sat_space_id *space,
                                 int64_t *sid) SAT_MUST_CHECK;
/* Own work was in it, this device has let go of it, and no head of its log has come since. Nothing can be written there
 * yet: a change says by counters what its author had seen, and would claim to have seen what is not here. */
enum sat_err client_awaits_log(struct satchel *satchel, int64_t sid, bool *awaits) SAT_MUST_CHECK;
enum sat_err client_space_of_sid(struct satchel *satchel, int64_t sid, struct sat_space_id *space) SAT_MUST_CHECK;

/* The records have changed: a view of which the store does not know is outdated (view/stored.c). */
void client_touch(struct satchel *satchel);

/* Every public function begins and ends with these: a clean fault; the number to return, with the handle's error
 * filled. */
void client_begin(struct satchel *satchel);
int client_end(struct satchel *satchel, enum sat_err err);
/* The same for a function without a handle. */
int client_end_error(struct satchel_error *error, const struct sat_fault *fault, enum sat_err err);
/* A fault for `err` unless there is one: the store's own sentence, or the list's. */
void client_explain(const struct satchel *satchel, enum sat_err err, struct sat_fault *fault);

/* A copy on the heap for the caller, who gives it back with satchel_free(). */
char *client_text(const char *text);

#endif
