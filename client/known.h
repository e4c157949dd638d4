/* What is known of work that is about to be written again (author_again.h): whether the log has it, as itself or as a
 * copy, or had it, and forgot what it said; or refused it. Told by what the record's history has here, and by the
 * numbers that the work stood under, back to its first (author_was.h). */
#ifndef CLIENT_KNOWN_H
#define CLIENT_KNOWN_H

#include "client/handle.h"
#include "common/vault/author_again.h"

struct client_known { /* the context of the two */
    struct satchel *satchel;
    bool lets_in;           /* what was handed in: a copy that waits here to be sent is as good as one in the log */
    struct sat_arena arena; /* of one change */
    struct sat_buf refused; /* numbers of what is kept aside, and was refused, as the log says */
};

void client_known_begin(struct client_known *known, struct satchel *satchel);
void client_known_end(struct client_known *known);
/* Inside the transaction in which it is written again: what was refused is listed so from now on. To look changes
 * nothing. */
enum sat_err client_known_settle(struct client_known *known) SAT_MUST_CHECK;

/* For sat_again.known: all that can be told; or whether the log has a copy of it, and no more. */
enum sat_err client_known_look(void *context, const struct sat_again_change *change,
                               struct sat_again_answer *out) SAT_MUST_CHECK;
enum sat_err client_known_copy(void *context, const struct sat_again_change *change,
                               struct sat_again_answer *out) SAT_MUST_CHECK;

#endif
