/* Who may write a frame next. Frames cost reading from a store, so each org's readers get them in turn, and an org with
 * many readers does not keep those of another waiting: in each round of the loop an org's share is bounded. */
#ifndef SATD_TURNS_H
#define SATD_TURNS_H

#include "server/peer.h"

struct satd_turns {
    struct satd_peer *ring; /* who comes next; NULL: nobody waits */
    uint32_t waiting;
};

/* The peer has something to fetch, or something more. */
void satd_turns_want(struct satd_turns *turns, struct satd_peer *peer);
void satd_turns_forget(struct satd_turns *turns, struct satd_peer *peer);
/* Grants a frame to some of those who wait, in turn; they write it when their sockets can take it. */
void satd_turns_grant(struct satd_turns *turns);
/* Does somebody still wait? */
bool satd_turns_wait(const struct satd_turns *turns);

#endif
