#include "server/turns.h"

#include <libwebsockets.h>

#include "server/clock.h"

enum { GRANTS_MAX = 256, SHARES = 64, ORGS_LOOKED_AT = 16 };

static bool is_waiting(const struct satd_peer *peer)
{
    return peer->after != NULL;
}

void satd_turns_want(struct satd_turns *turns, struct satd_peer *peer)
{
    if (!peer->behind_since_ms) peer->behind_since_ms = satd_mono_ms();
    peer->has_frames = true;
    if (is_waiting(peer) || peer->granted) return;
    if (turns->ring) {
        peer->after = turns->ring;
        peer->before = turns->ring->before;
        peer->before->after = peer->after->before = peer;
    } else {
        peer->after = peer->before = turns->ring = peer;
    }
    turns->waiting++;
}

void satd_turns_forget(struct satd_turns *turns, struct satd_peer *peer)
{
    if (!is_waiting(peer)) return;
    peer->before->after = peer->after;
    peer->after->before = peer->before;
    if (turns->ring == peer) turns->ring = peer->after == peer ? NULL : peer->after;
    peer->before = peer->after = NULL;
    turns->waiting--;
}

struct share {
    const struct satd_org *org;
    uint32_t granted;
};

/* The share of the peer's org in this round. Beyond so many orgs the rest count as one: they are many, so each of them
 * has little. */
static struct share *share_of(struct share *shares, const struct satd_org *org)
{
    unsigned i = 0;
    while (i + 1 < ORGS_LOOKED_AT && shares[i].org && shares[i].org != org) i++;
    shares[i].org = org;
    return &shares[i];
}

void satd_turns_grant(struct satd_turns *turns)
{
    struct share shares[ORGS_LOOKED_AT] = {{0}};
    uint32_t left = turns->waiting, granted = 0;
    struct satd_peer *peer = turns->ring;
    while (left-- && granted < GRANTS_MAX) {
        struct satd_peer *next = peer->after;
        struct share *share = share_of(shares, peer->org);
        if (share->granted < SHARES) {
            share->granted++;
            granted++;
            satd_turns_forget(turns, peer);
            peer->granted = true;
            lws_callback_on_writable(peer->wsi);
        }
        peer = next;
    }
    if (peer && is_waiting(peer)) turns->ring = peer; /* the round ended there: those before it had theirs */
}

bool satd_turns_wait(const struct satd_turns *turns)
{
    return turns->ring != NULL;
}
