/* What a step asks for beside its machine's moves, and what comes with it: an order is reviewed when it is submitted,
 * its discount approved and its checklist answered, and what is owed for it is noted when it is delivered; a discount
 * is approved for what the order says, and who decided is noted with it. By whatever call somebody takes the step, it
 * goes through here (client_book_step()). */
#ifndef CLIENT_BOOK_GATES_H
#define CLIENT_BOOK_GATES_H

#include "client/book/review.h"

struct client_gate {
    struct client_order order;
    struct client_review review;
    bool reviews, delivers;
    const char *decision; /* "yes" or "no", of an approval */
};

/* May it go on to that state? `again`: it is there already, and what comes with it is noted where that has not been
 * done, as by a device that had not heard of a delivery; nobody reviews or decides by that. `answers` (may be NULL): of
 * the checklist, a JSON object. *out is for client_gate_drop(), whatever is returned; the arena outlives it.
 * SAT_ERR_INVALID, with what is missing. */
enum sat_err client_gate_open(struct satchel_tx *tx, const struct client_standing *standing, uint8_t to, bool again,
                              const char *answers, struct sat_arena *arena, struct client_gate *out) SAT_MUST_CHECK;
/* What comes with it, in the transaction. */
enum sat_err client_gate_pass(struct satchel_tx *tx, const struct client_standing *standing,
                              const struct client_gate *gate, struct sat_arena *arena) SAT_MUST_CHECK;
void client_gate_drop(struct client_gate *gate);

#endif
