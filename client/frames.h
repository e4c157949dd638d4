/* How large what this home sends, and asks for, may be. Where large messages vanish on the way, smaller ones are tried,
 * and what passed is kept for a day, as the network is likely to be the same; then it is tried anew. */
#ifndef CLIENT_FRAMES_H
#define CLIENT_FRAMES_H

#include "client/handle.h"

/* 0: as the protocol has it. Nothing that cannot be read keeps a sync from trying. */
uint32_t client_frames_bytes(const struct satchel *satchel);
/* The next smaller size from now on. False: there is none, or it cannot be kept. */
bool client_frames_shrink(struct satchel *satchel);

#endif
