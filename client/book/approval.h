/* Approvals of discounts: what somebody may give without asking, and what was decided about an order, as it is now. */
#ifndef CLIENT_BOOK_APPROVAL_H
#define CLIENT_BOOK_APPROVAL_H

#include "client/book/order.h"

/* What a person may give on a day: by duty, by what was granted to him, or by the policy order.discount. */
struct client_allowance {
    int64_t bp;
    const char *by; /* "grant until 2026-06-30", for sentences; the arena's */
};
enum sat_err client_allowance_get(struct satchel *satchel, uint32_t user, uint8_t role, const char *day,
                                  struct sat_arena *arena, struct client_allowance *out) SAT_MUST_CHECK;

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

/* In a transaction: asks for what is needed and not asked for yet, and takes back what was asked for another version.
 */
enum sat_err client_approval_ask(struct satchel_tx *tx, const struct client_order *order,
                                 const struct client_approval *approval, struct sat_arena *arena) SAT_MUST_CHECK;

#endif
