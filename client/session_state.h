/* The inside of a session, shared by its files alone. */
#ifndef CLIENT_SESSION_STATE_H
#define CLIENT_SESSION_STATE_H

#include "client/session.h"
#include "client/watch.h"

/* One message that waits for the socket. */
struct outgoing {
    struct outgoing *next;
    size_t len;
    uint8_t bytes[];
};

enum { INBOX_MAX = 64, INBOX_BYTES_MAX = 512 * 1024 };

struct inbox { /* messages that came together: one step, which is one transaction */
    struct sat_arena arena;
    struct sat_event events[INBOX_MAX];
    uint32_t n;
    size_t bytes;
};

struct client_session {
    struct satchel *satchel;
    const struct client_session_config *config;
    char path[CLIENT_PATH_BYTES_MAX];
    struct sat_replica *replica;
    struct outgoing *first, **last;
    struct inbox inbox;
    uint64_t deadline_ms, connect_by_ms; /* by the monotonic clock; 0: none */
    struct client_watch watch;
    bool stalled, silent, used_up;
    uint64_t retry_ms; /* what a refusal asked for */
    bool open;         /* the channel */
    bool greeted;      /* its first message has come */
    bool met;          /* the server has proved who it is */
    bool torn;         /* a new key does not lead to all that are here */
    uint64_t told;     /* of what is to be told (SAT_TO_TELL_KEY), in this session: once, not for each space */
    bool renewed;      /* the lease is */
    bool writable;     /* the replica has frames to build */
    bool done;         /* nothing more to do but to send what is queued */
    bool gone;         /* the channel is closed */
    bool in_sync;
    bool reindexed;                                       /* the home is another device's now */
    bool wrong_box;                                       /* a key box was not what the directory committed to */
    enum { WORK_UNKNOWN, WORK_NONE, WORK_SOME } own_work; /* asked once a step */
    bool settled;                                         /* what the end asks for is done */
    enum sat_err err;
    struct sat_fault fault; /* of err: the handle's is for whatever is called in between */
    uint64_t entries_told;
};

/* Of the bytes that it may use, are these and so many more? */
bool session_is_used_up(const struct client_session *session, uint64_t more);

#endif
