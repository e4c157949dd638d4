#include "server/peer.h"

#include <stdlib.h>

#include "common/base/check.h"

enum { SLOT_BITS = 16 }; /* the low bits of a number are its slot, the high bits count up */

void satd_peers_init(struct satd_peers *peers, uint32_t max)
{
    sat_check(max > 0 && max <= 1u << SLOT_BITS);
    *peers = (struct satd_peers){.slots_n = max, .free_n = max};
    peers->slots = calloc(max, sizeof *peers->slots);
    peers->free = calloc(max, sizeof *peers->free);
    sat_check(peers->slots && peers->free);
    for (uint32_t i = 0; i < max; i++) peers->free[i] = max - 1 - i;
}

void satd_peers_deinit(struct satd_peers *peers)
{
    for (uint32_t i = 0; i < peers->slots_n; i++)
        if (peers->slots[i]) satd_peer_free(peers, peers->slots[i]);
    free(peers->slots);
    free(peers->free);
    *peers = (struct satd_peers){0};
}

struct satd_peer *satd_peer_new(struct satd_peers *peers, struct lws *wsi, uint64_t now_ms)
{
    struct satd_peer *peer = peers->free_n ? calloc(1, sizeof *peer) : NULL;
    if (!peer) return NULL;
    uint32_t slot = peers->free[--peers->free_n];
    peer->id = ++peers->serial << SLOT_BITS | slot;
    peer->wsi = wsi;
    peer->opened_ms = now_ms;
    sat_buf_init(&peer->incoming);
    sat_buf_init(&peer->rest);
    peers->slots[slot] = peer;
    return peer;
}

void satd_peer_free(struct satd_peers *peers, struct satd_peer *peer)
{
    uint32_t slot = (uint32_t)(peer->id & ((1u << SLOT_BITS) - 1));
    sat_check(peers->slots[slot] == peer);
    peers->slots[slot] = NULL;
    peers->free[peers->free_n++] = slot;
    sat_buf_deinit(&peer->incoming);
    sat_buf_deinit(&peer->rest);
    satd_outbox_deinit(&peer->outbox);
    free(peer);
}

struct satd_peer *satd_peer_find(const struct satd_peers *peers, uint64_t id)
{
    uint32_t slot = (uint32_t)(id & ((1u << SLOT_BITS) - 1));
    struct satd_peer *peer = slot < peers->slots_n ? peers->slots[slot] : NULL;
    return peer && peer->id == id ? peer : NULL;
}

uint32_t satd_peers_count(const struct satd_peers *peers)
{
    return peers->slots_n - peers->free_n;
}

struct satd_peer *satd_peer_oldest(const struct satd_peers *peers, const struct satd_org *org, uint32_t device)
{
    struct satd_peer *oldest = NULL;
    for (uint32_t i = 0; i < peers->slots_n; i++) {
        struct satd_peer *peer = peers->slots[i];
        if (!peer || peer->state != SATD_PEER_OPEN || peer->org != org || peer->device != device) continue;
        if (!oldest || peer->id < oldest->id) oldest = peer;
    }
    return oldest;
}
