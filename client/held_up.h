/* A territory whose newest work stays here: each bundle continues the one before it, so what was refused, or what the
 * admins have not let in, holds up all that is written behind it. */
#ifndef CLIENT_HELD_UP_H
#define CLIENT_HELD_UP_H

#include "client/bundles.h"

enum client_held {
    CLIENT_HELD_NOT,
    CLIENT_HELD_REFUSED,  /* the server did not take it */
    CLIENT_HELD_ESCROWED, /* the admins have it, and are to decide */
    CLIENT_HELD_REJECTED  /* they left it out */
};

/* What holds the space up, by what waits there. Where this device may not write, nothing does. */
enum client_held client_held_up(const struct satchel *satchel, const struct sat_space_id *space,
                                const struct client_waiting *waiting);
const char *client_held_name(enum client_held held); /* "refused" …; NULL: it is not */
/* A sentence for each space that is held up: what by, and what to do. */
enum sat_err client_tell_held(struct satchel *satchel, void (*tell)(void *context, const char *text),
                              void *context) SAT_MUST_CHECK;

#endif
