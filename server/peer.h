/* Peers: one struct for each WebSocket that is open, found by its number in constant time. A number is never used
 * twice. */
#ifndef SATD_PEER_H
#define SATD_PEER_H

#include "server/hub.h"
#include "server/outbox.h"
#include "server/proxies.h"

struct lws;

enum satd_peer_state {
    SATD_PEER_OPEN,
    SATD_PEER_ENDING, /* writes what is in the outbox, then closes; what it says is not listened to any more */
    SATD_PEER_ENDED,  /* the close frame is out, or the connection is being cut */
};

struct satd_peer_counts { /* for the journal */
    uint64_t bytes_in, bytes_out, entries, heads, bundles, changes, refused;
};

struct satd_peer {
    uint64_t id;
    struct lws *wsi;
    struct satd_org *org;         /* NULL: there is none with the id that the peer named, or it has left it */
    struct satd_guest *guest;     /* NULL with the org */
    struct satd_account *account; /* its device's; NULL: none (yet) */
    enum satd_peer_state state;
    uint32_t device;
    bool known;                       /* has authenticated */
    bool caught_up;                   /* has once had everything */
    bool paused;                      /* is not read from */
    bool reading;                     /* in the middle of a message */
    bool has_frames;                  /* the engine has said that there is something to build */
    bool granted;                     /* its turn to write one has come */
    struct satd_peer *before, *after; /* in the ring of those whose turn has not; NULL: it is not there */
    uint64_t behind_since_ms;         /* has_frames since then; monotonic, as all of these */
    uint64_t opened_ms, known_ms;
    struct satd_refusal postponed; /* its work is not taken: it is told when it has read what there is */
    uint64_t postponed_ms;
    bool ping_due, asked,
        heard;             /* the pulse's: a ping is to be written; was written; a sign of life since the last beat */
    uint64_t acked_bytes;  /* what the other side's TCP had acknowledged at the last beat */
    const char *why;       /* it ended; static */
    uint8_t org_prefix[8]; /* for the log; zeros in the nursery */
    uint8_t identity[8];   /* of ours, by which it was greeted */
    bool by_former;        /* … and that is not the current one */
    struct satd_ip ip;     /* where it comes from … */
    char from[SATD_FROM_SIZE]; /* … as text */
    bool attempted;            /* to show who it is by what can be guessed: counted as failed, until it is known */
    struct satd_peer_counts counts, told; /* so far; when it last caught up */
    struct sat_buf incoming;
    uint32_t frame_bytes; /* larger messages go as fragments of at most that */
    struct sat_buf rest;  /* room, then the fragments of a message that are still to be written, … */
    size_t rest_at;       /* … from here on; 0: none */
    struct satd_outbox outbox;
};

struct satd_peers {
    struct satd_peer **slots; /* NULL: free */
    uint32_t *free;           /* a stack of free slots */
    uint32_t slots_n, free_n;
    uint64_t serial;
};

void satd_peers_init(struct satd_peers *peers, uint32_t max); /* max: at most 65,536 */
void satd_peers_deinit(struct satd_peers *peers);
/* NULL when there is no room. */
struct satd_peer *satd_peer_new(struct satd_peers *peers, struct lws *wsi, uint64_t now_ms);
void satd_peer_free(struct satd_peers *peers, struct satd_peer *peer);
struct satd_peer *satd_peer_find(const struct satd_peers *peers, uint64_t id); /* NULL: gone */
uint32_t satd_peers_count(const struct satd_peers *peers);
/* The open peer of that device in that org which came first; NULL: none. */
struct satd_peer *satd_peer_oldest(const struct satd_peers *peers, const struct satd_org *org, uint32_t device);

#endif
