/* Approvals of discounts: what was asked for and decided about an order, as it is now. */
#ifndef CLIENT_BOOK_APPROVAL_H
#define CLIENT_BOOK_APPROVAL_H

#include "client/book/allowance.h"
#include "client/book/order.h"

/* How the order's discount stands. */
struct client_approval {
    bool needed; /* its discount is above what its author might give on the day he submitted it */
    struct client_allowance allowance;
    const char *id, *state;          /* of the request for what the order says now; NULL: there is none. The arena's */
    const char *other, *other_state; /* of the newest for another version; NULL: none */
    bool final;                      /* whatever was to be allowed is */
};
enum sat_err client_approval_of(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                                struct client_approval *out) SAT_MUST_CHECK;
json_t *client_approval_told(const struct client_order *order, const struct client_approval *approval);

/* Is that request one for what its order says now? SAT_ERR_INVALID: for another version. */
enum sat_err client_approval_check(struct satchel *satchel, const char *id, struct sat_arena *arena) SAT_MUST_CHECK;
/* In a transaction: who decided, by duty, and how. */
enum sat_err client_approval_note(struct satchel_tx *tx, const char *id, uint32_t duties,
                                  const char *decision) SAT_MUST_CHECK;
/* In a transaction: asks for what is needed and not asked for yet, and takes back what was asked for another version.
 */
enum sat_err client_approval_ask(struct satchel_tx *tx, const struct client_order *order,
                                 const struct client_approval *approval, struct sat_arena *arena) SAT_MUST_CHECK;

#endif
