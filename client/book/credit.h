/* How much of an account's credit is used: what is owed, and what is ordered and neither delivered nor held. */
#ifndef CLIENT_BOOK_CREDIT_H
#define CLIENT_BOOK_CREDIT_H

#include "client/book/order.h"

/* Of the accounts that have a limit, with those that were merged into them; of `account` alone, or of all (NULL). Read
 * once for all orders that will be asked about; client_credit_free() frees it. */
struct client_credit;
enum sat_err client_credit_get(struct satchel *satchel, const char *account, struct sat_arena *arena,
                               struct client_credit **out) SAT_MUST_CHECK;
void client_credit_free(struct client_credit *credit); /* NULL is fine */

/* Flags an order with which more would be owed than the account's credit_limit (`credit_limit`). A limit has no
 * currency: it is held against each by itself, as amounts of several are never added. */
void client_credit_flag(const struct client_credit *credit, const struct client_order *order, struct sat_arena *arena,
                        json_t *flags);

#endif
