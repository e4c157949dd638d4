/* The inside of the sockets, shared by the files that speak to libwebsockets: the service (sockets.c), accepting
 * (listener.c), one peer's conversation (channel.c), the beat that finds who has gone (pulse.c). */
#ifndef SATD_SOCKETS_STATE_H
#define SATD_SOCKETS_STATE_H

#include <libwebsockets.h>

#include "server/guesses.h"
#include "server/http.h"
#include "server/journal.h"
#include "server/sockets.h"
#include "server/turns.h"

/* One for each address of the service, behind the first. */
enum satd_door { SATD_DOOR_METRICS, SATD_DOOR_SERVICE, SATD_DOORS = SATD_DOOR_SERVICE + SATD_ADDRESSES_MAX };

struct satd_listener {
    struct lws *wsi; /* NULL: there is none, or no longer */
    struct lws_vhost *vhost;
};

struct satd_sockets {
    struct satd_sockets_config config;
    struct satd_journal journal;
    struct lws_context *context;
    struct satd_listener doors[SATD_DOORS];
    struct satd_peers peers;
    struct satd_turns turns;
    struct satd_guesses guesses;
    uint32_t connections; /* sockets accepted and not yet gone, in whatever state */
    uint32_t known;       /* peers that have authenticated */
    unsigned stops;
    bool reload; /* SIGHUP has come */
    bool draining;
    uint64_t *full; /* peers of which too much waits: not to be read from until some of it is heard */
    uint32_t full_n;
    struct sat_buf frame; /* LWS_PRE bytes of room, then the message that is being built */
    uint64_t beats;       /* of the pulse */
    bool maintain_due;    /* one has come since the orgs were looked at */
    lws_sorted_usec_list_t pulse, resume_accepting;
};

struct satd_session { /* what libwebsockets keeps for us with each connection */
    struct satd_peer *peer;
    struct satd_reply *reply;
};

/* channel.c */
int satd_channel_open(struct satd_sockets *sockets, struct lws *wsi, struct satd_session *session);
void satd_channel_receive(struct satd_sockets *sockets, struct satd_peer *peer, struct sat_span piece);
int satd_channel_write(struct satd_sockets *sockets, struct satd_peer *peer); /* one message */
void satd_channel_close(struct satd_sockets *sockets, struct satd_session *session);
void satd_channel_deliver(void *sockets, const struct sat_action *action); /* satd_hub_calls */
void satd_channel_heard(void *sockets, uint64_t peer);
/* Stops reading from those in sockets->full. Never from within a callback: with TLS the library then reads what it has
 * put aside over and over, and nobody else is served. */
void satd_channel_pause(struct satd_sockets *sockets);
/* Ends it with an `error` message behind what waits; `why` (static) goes into the log. */
void satd_channel_refuse(struct satd_sockets *sockets, struct satd_peer *peer, const struct satd_refusal *refusal);
/* At once, without ceremony: for a peer that does not read, ceremony would wait for ever. */
void satd_channel_cut(struct satd_sockets *sockets, struct satd_peer *peer, const char *why);
/* A goodbye, behind one more frame if there is room for it, as that may hold the acknowledgement of the last commit. */
void satd_channel_dismiss(struct satd_sockets *sockets, struct satd_peer *peer, uint64_t retry_ms);

/* listener.c */
int satd_listener_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
bool satd_listener_is_metrics(struct lws *wsi); /* did the connection come in by that door? */

/* pulse.c */
void satd_pulse_start(struct satd_sockets *sockets);
enum { SATD_BEAT_MS = 1000 };

#endif
