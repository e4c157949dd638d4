/* One session with the server: the replica between whoever carries bytes and the library, which wants something done.
 * One session is one connection; it does no input or output of its own.
 *
 *   carrier -> opened, received and take, closed -> replica step -> sends (queued), notices (to the caller)
 *   carrier <- next: what is queued, else a frame that the replica builds then and there */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/handle.h"
#include "common/sync/replica.h"

struct client_session;

#define CLIENT_ADDRESSES_MAX 3

struct client_session_config {
    struct sat_replica_config
        replica; /* the session fills in store, directory and entropy, and brings hooks of its own; of those given here
                    it calls open_box (for the boxes of an invite or of the kit), build_links, links_appended,
                    forget_space, escrow and devices; debts it pays itself */
    const char *urls[CLIENT_ADDRESSES_MAX]; /* where the server may be, the likeliest first; NULL: no more */
    uint32_t timeout_ms;                    /* 0: never */
    uint32_t connect_ms;                    /* so long may it take until the server has proved who it is; 0: any time */
    uint32_t patience_ms;                   /* client/watch.h, from the connection's opening on; 0: for ever */
    uint32_t frame_bytes;                   /* messages are not to be larger, where that can be; 0: as they are */
    uint64_t bytes_max;                     /* of messages, both ways; when they are used up it ends; 0: any */
    bool live;                              /* running out of time is the planned end, once the server was met */
    const volatile int *stop;               /* may be NULL */
    /* Something happened; true: what was wanted is done, the session may end. */
    bool (*notice)(void *context, struct client_session *session, const struct sat_action *action);
    /* After every step that changed the counts; may be NULL. */
    void (*progress)(void *context, struct sat_replica_counts counts);
    /* Links of build_links() were refused: is that no failure? NULL: it is one. */
    bool (*forgives)(void *context);
    void *context;
};

/* In the store's meta: how many records and sums of this store were wrong so far, and were made anew from its log. */
#define CLIENT_MENDED_KEY "mended"

struct client_session_result { /* filled on failure too */
    struct sat_replica_counts counts;
    bool in_sync;
    bool reindexed;    /* the home has become another device's: what is left to do needs another session */
    bool recovering;   /* the server was put back from an older copy, and waits for an admin to confirm that */
    bool stalled;      /* the connection stood, but what was waited for did not come: client/watch.h */
    bool silent;       /* nothing came any more, though something was waited for */
    bool used_up;      /* bytes_max is */
    uint64_t retry_ms; /* what the server asked for; 0: nothing */
    char met_at[SAT_URL_BYTES_MAX + 1]; /* the address where the server proved who it is; "": it did not */
};

/* Runs a session to its end: done (SAT_OK), or SAT_ERR_UNREACHABLE, SAT_ERR_TIMED_OUT, SAT_ERR_CLOSED, or what the
 * replica or the server said; the handle's fault has the sentence. Where nobody answers at one address, or somebody
 * else, the next one is tried. */
enum sat_err client_session_run(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session_result *result) SAT_MUST_CHECK;

/* ---- One connection, for run() and for whoever drives a session himself ---- */

/* A session at the first of config->urls. `config` and what it points to are borrowed for the session's life.
 * SAT_ERR_INVALID (that is no address, or a session is under way on this handle). */
enum sat_err client_session_new(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session **out) SAT_MUST_CHECK;
/* How it stands; after its end the error that ended it, with the sentence in the handle's fault. */
enum sat_err client_session_result(struct client_session *session, struct client_session_result *result) SAT_MUST_CHECK;
void client_session_free(struct client_session *session); /* NULL is fine */
/* It failed before anybody was met who counts, and there is time left: another address may do better. The next
 * session of this handle begins with that one. */
bool client_session_may_retry(const struct client_session *session);

/* ---- For notices ---- */
struct satchel *client_session_handle(struct client_session *session);
/* A clock that never goes back; its zero means nothing. */
uint64_t client_monotonic_ms(void);
/* The best time there is: the server's if it has said hello, else the wall clock. */
uint64_t client_session_time(const struct client_session *session);
/* A record's notice: has it one change in the base, and is no own work pending anywhere? Then it is in no conflict. */
bool client_session_is_alone(struct client_session *session, const struct sat_action *action);
/* New drafts are there to be pushed. */
void client_session_poke(struct client_session *session);
/* What admins and managers are shown, by the hooks `escrow` and `devices`, from behind number `after` on. */
void client_session_ask_escrow(struct client_session *session, uint64_t after);
void client_session_ask_devices(struct client_session *session, uint32_t after);
/* What was sent has not arrived, though all behind it has: as if it had come to nothing. */
void client_session_stall(struct client_session *session);
/* The session fails with this. */
void client_session_fail(struct client_session *session, enum sat_err err, const char *text);

/* ---- For the carrier ---- */
#define CLIENT_PATH_BYTES_MAX 192
const char *client_session_address(const struct client_session *session); /* scheme, host, port and base path */
/* "/satchel/<org or new>/<client nonce>/<first 8 bytes of the server's key that this device trusts>", all hex. */
const char *client_session_path(const struct client_session *session);
void client_session_nonce(const struct client_session *session, uint8_t out[32]);
void client_session_opened(struct client_session *session, const struct sat_binding *binding);
/* The server answered the upgrade with an HTTP status: `text` is what it said besides, in headers or body. */
void client_session_refused(struct client_session *session, unsigned status, struct sat_span text);
void client_session_received(struct client_session *session, struct sat_span message);
/* A sign of life, and part of a message that came or got away, for carriers that see more than whole messages. */
void client_session_heard(struct client_session *session);
void client_session_moved(struct client_session *session);
/* Should a ping go out, as nothing has come for a while? asks(): then it has. */
bool client_session_is_silent(const struct client_session *session);
bool client_session_asks(struct client_session *session);
bool client_session_is_metered(const struct client_session *session); /* its bytes are counted */
/* Messages larger than this go as several WebSocket fragments. */
uint32_t client_session_frame_bytes(const struct client_session *session);
/* What was received up to now happens, in one transaction. */
void client_session_take(struct client_session *session);
/* The channel is gone, or was never there; `text` says what the network said. */
void client_session_closed(struct client_session *session, enum sat_err err, const char *text);
/* The same where the carrier knows no more than `why`, which may be NULL. */
void client_session_lost(struct client_session *session, const char *why);
/* Is there anything to send? */
bool client_session_wants(const struct client_session *session);
/* The next message into the empty `out`; left empty when there is none after all. */
void client_session_next(struct client_session *session, struct sat_buf *out);
/* Nothing more is to be done: the carrier closes. Looks at the clock and at the caller's wish to stop. */
bool client_session_over(struct client_session *session);
/* When client_session_over() is to be asked again though nothing happens; UINT32_MAX: no need. */
uint32_t client_session_wakeup_ms(const struct client_session *session);

#endif
