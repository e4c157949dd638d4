/* What is asked before an order counts as reviewed: its submission, its discount, and the checklist order_review where
 * the organisation has published one (rule M10-3). */
#ifndef CLIENT_BOOK_REVIEW_H
#define CLIENT_BOOK_REVIEW_H

#include "client/book/order.h"

struct client_review {
    json_t *answers;                /* those that are given now; the holder's reference */
    char template[SATCHEL_ID_SIZE]; /* "": there is no checklist */
};
/* `answers` (NULL: none): a JSON object. SAT_ERR_INVALID, with what is missing. */
enum sat_err client_review_check(struct satchel *satchel, const struct client_order *order, const char *answers,
                                 struct sat_arena *arena, struct client_review *out) SAT_MUST_CHECK;
/* The answers, in the transaction. */
enum sat_err client_review_put(struct satchel_tx *tx, const struct client_order *order,
                               const struct client_review *review) SAT_MUST_CHECK;
void client_review_drop(struct client_review *review);

#endif
