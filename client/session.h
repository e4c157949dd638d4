/* One session with the server: the replica between a transport, which carries bytes, and the library, which wants
 * something done.
 *
 *   transport -> opened, received, closed -> replica step -> sends (queued), notices (to the caller)
 *   transport <- next: what is queued, else a frame that the replica builds then and there */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/handle.h"
#include "common/sync/replica.h"

struct client_session;

struct client_session_config {
    struct sat_replica_config
        replica; /* the session fills in store, directory and entropy, and brings hooks of its own; of those given here
                    it calls open_box (for the boxes of an invite), build_links and links_appended */
    const char *url;
    uint32_t timeout_ms;      /* 0: never */
    bool live;                /* running out of time is the planned end */
    const volatile int *stop; /* may be NULL */
    /* Something happened; true: what was wanted is done, the session may end. */
    bool (*notice)(void *context, struct client_session *session, const struct sat_action *action);
    /* After every step that changed the counts; may be NULL. */
    void (*progress)(void *context, struct sat_replica_counts counts);
    void *context;
};

struct client_session_result { /* filled on failure too */
    struct sat_replica_counts counts;
    bool in_sync;
    uint64_t retry_ms; /* what the server asked for; 0: nothing */
};

/* Runs a session to its end: done (SAT_OK), or SAT_ERR_UNREACHABLE, SAT_ERR_TIMED_OUT, SAT_ERR_CLOSED, or what the
 * replica or the server said; the handle's fault has the sentence. */
enum sat_err client_session_run(struct satchel *satchel, const struct client_session_config *config,
                                struct client_session_result *result) SAT_MUST_CHECK;

/* ---- For notices ---- */
struct satchel *client_session_handle(struct client_session *session);
/* The best time there is: the server's if it has said hello, else the wall clock. */
uint64_t client_session_time(const struct client_session *session);
/* New drafts are there to be pushed. */
void client_session_poke(struct client_session *session);
/* The session fails with this. */
void client_session_fail(struct client_session *session, enum sat_err err, const char *text);

/* ---- For the transport ---- */
void client_session_nonce(const struct client_session *session, uint8_t out[32]);
void client_session_opened(struct client_session *session, const struct sat_binding *binding);
void client_session_received(struct client_session *session, struct sat_span message);
/* The channel is gone, or was never there; `text` says what the network said. */
void client_session_closed(struct client_session *session, enum sat_err err, const char *text);
/* Is there anything to send? */
bool client_session_wants(const struct client_session *session);
/* The next message into the empty `out`; left empty when there is none after all. */
void client_session_next(struct client_session *session, struct sat_buf *out);
/* Nothing more is to be done: the transport closes and returns. Looks at the clock and at the caller's wish to stop. */
bool client_session_over(struct client_session *session);

#endif
