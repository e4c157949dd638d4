/* Peers: one struct for each WebSocket that is open, found by its number in constant time. A number is never used
 * twice. */
#ifndef SATD_PEER_H
#define SATD_PEER_H

#include "server/hub.h"
#include "server/outbox.h"

struct lws;

enum satd_peer_state {
    SATD_PEER_OPEN,
    SATD_PEER_ENDING, /* writes what is in the outbox, then closes; what it says is not listened to any more */
    SATD_PEER_ENDED,  /* the close frame is out, or the connection is being cut */
};

struct satd_peer {
    uint64_t id;
    struct lws *wsi;
    struct satd_org *org; /* NULL: there is none with the id that the peer named */
    enum satd_peer_state state;
    bool known;         /* has authenticated */
    bool has_frames;    /* the engine has said that there is something to build */
    bool reading;       /* in the middle of a message */
    uint64_t opened_ms; /* monotonic */
    struct sat_buf incoming;
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

#endif
