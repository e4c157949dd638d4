/* The shape of the engine: what happens goes in as a batch of events, what is to be done comes out as a list of
 * actions. No sockets, no threads, no clock: time is an argument. What a batch changes is one transaction of the store,
 * and its actions are given out only after the commit, so nothing is sent that a crash could forget. That is group
 * commit too: whoever drives the engine gathers what arrives while a step runs and hands it over in the next. */
#ifndef SAT_SYNC_STEP_H
#define SAT_SYNC_STEP_H

#include "common/base/bytes.h"
#include "common/base/id.h"
#include "common/proof/handshake.h"

enum sat_event_kind {
    SAT_EVENT_OPENED,  /* a peer's channel is up */
    SAT_EVENT_MESSAGE, /* one whole message from it; bytes borrowed for the step */
    SAT_EVENT_CLOSED,  /* the channel is gone; nothing more will be sent to this peer */
};

struct sat_event {
    enum sat_event_kind kind;
    uint64_t peer; /* the driver's name for the channel, never used twice */
    struct sat_span bytes;
    uint8_t client_nonce[32];   /* OPENED */
    struct sat_binding binding; /* OPENED: what ties the handshake to the channel */
    uint8_t server_hint[8]; /* OPENED, on the server: first bytes of the identity key that the peer knows; zeros: it did
                               not say */
    uint32_t frame_bytes; /* OPENED, on the server: messages are not to be larger, where that can be; 0: as they are */
};

enum sat_action_kind {
    SAT_ACTION_SEND,     /* one message to the peer, in this order */
    SAT_ACTION_WRITABLE, /* call the role's frame function when the peer's socket can take a frame */
    SAT_ACTION_CLOSE,    /* after what was sent before; `err` says why (SAT_OK: done) */
    SAT_ACTION_NOTICE,   /* to the application (the client's role alone) */
};

enum sat_notice {
    SAT_NOTICE_CONNECTED,      /* the server is the pinned one and has heard who we are */
    SAT_NOTICE_DIRECTORY,      /* links were applied */
    SAT_NOTICE_RECORD,         /* sid, record, alone: its accepted base changed by somebody else's work */
    SAT_NOTICE_REFUSED,        /* sid, err: the server refused a bundle of ours; it is kept, and listed unless err is of
                                  class retry: then the next session sends it again */
    SAT_NOTICE_LINKS_APPENDED, /* what build_links() asked for is in the directory */
    SAT_NOTICE_LINKS_REFUSED,  /* err, text */
    SAT_NOTICE_CREATED,        /* the org exists on the server */
    SAT_NOTICE_IN_SYNC, /* every space's digest agrees and nothing is pending; once for each time it becomes true */
    SAT_NOTICE_IDLE,    /* nothing more will come of this session by itself, though it is not in sync (text says why) */
    SAT_NOTICE_FAILED,  /* err, text: the session is over */
    SAT_NOTICE_HANDED_IN, /* sid, err: a bundle that this device may not push any more went to the admins (escrowed), or
                             was in the log already (exists); err of another kind: it was not taken, and is listed */
    SAT_NOTICE_SPACE_LOST, /* sid, space: this device may not read it any more, and nothing of its work there waits: its
                              rows and keys are purged */
    SAT_NOTICE_DEBT,       /* sid (0: not here), space, err, text: it owes a new epoch, which could not be paid in this
                              session; work waits */
    SAT_NOTICE_SET_BACK,   /* sid, space, text: the server had lost the end of the log, as it was set back to an older
                              copy, and is given it back */
    SAT_NOTICE_REVOKED,   /* wipe, err, text: the directory says that this device is out; what it had is handed in (err:
                             why some is not), or, with `wipe`, is frozen to be handed in by mode WIPED. FAILED with
                             SAT_ERR_REVOKED follows */
    SAT_NOTICE_BRAKE,     /* sid, space, brake: what came archives or overwrites more than goes through unasked. err
                             (SAT_ERR_MASS_CHANGE): nothing of it was taken over, and the session lets the space be;
                             SAT_OK: all of it was, as the caller wished */
    SAT_NOTICE_WIPED,     /* err: the receipt is with the server, and so is what was to be handed in (err: why some is
                             not) */
    SAT_NOTICE_ANEW,      /* sid, space, text: this device was away for so long that it pulls all of the space again */
    SAT_NOTICE_REINDEXED, /* this home was a copy of another one, and has taken a new index: the session ends, the next
                             one is the new device's. What waited is written again under it */
};

/* In the store's meta: which of SET_BACK and ANEW (bits, 1 << notice) is still to be told to a person. It is written
 * with what it tells of, so that what fails in between does not keep it from him; whoever has told him takes it out. */
#define SAT_TO_TELL_KEY "to_tell"

struct sat_brake_report;

struct sat_action {
    enum sat_action_kind kind;
    uint64_t peer;
    struct sat_span bytes; /* SEND: owned by the list's arena */
    enum sat_err err;
    enum sat_notice notice;
    int64_t sid;
    struct sat_space_id space;
    struct sat_record_id record;
    bool wipe;
    bool stranger; /* CLOSE, on the server: it had not shown who it is */
    bool alone; /* the base has one live change of the record: no conflict, unless with work that is still pending here
                 */
    const struct sat_brake_report *brake; /* owned by the list's arena */
    const char *text;                     /* for a person; owned by the list's arena; NULL for none */
    struct sat_action *next;
};

struct sat_actions { /* in order; all memory from the arena */
    struct sat_arena *arena;
    struct sat_action *first, *last;
};

void sat_actions_init(struct sat_actions *actions, struct sat_arena *arena);
struct sat_action *sat_actions_add(struct sat_actions *actions, enum sat_action_kind kind, uint64_t peer);

#endif
