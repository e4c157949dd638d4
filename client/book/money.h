/* What is owed and paid: receivables, payments, what of one went to the other, and the ladder of reminders. */
#ifndef CLIENT_BOOK_MONEY_H
#define CLIENT_BOOK_MONEY_H

#include "client/book/order.h"

struct client_receivable {
    const json_t *row; /* id, territory, account, account_name, owner, amount, currency, due, order, no_local */
    const char *id, *territory, *account, *currency, *due;
    bool known; /* how much is outstanding fits, and can be told */
    int64_t outstanding;
};
struct client_receivables {
    json_t *rows;                 /* client_receivables_free() */
    struct client_receivable *at; /* the arena's; by due day, id and territory: each counts where it lies */
    size_t n;
};
/* Of an account and of those that were merged into it; NULL: all that are here. What counts of a payment is as in the
 * report `receivables`. */
enum sat_err client_receivables_get(struct satchel *satchel, const char *account, struct sat_arena *arena,
                                    struct client_receivables *out) SAT_MUST_CHECK;
void client_receivables_free(struct client_receivables *receivables);

/* In a transaction that has the order delivered: what is owed for it, due after as many days as the policy order.terms
 * says (30). One for each order, whoever delivers it, and nothing where somebody has put what is owed for it, or there
 * is nothing to owe. */
enum sat_err client_receivable_of(struct satchel_tx *tx, const struct client_order *order,
                                  struct sat_arena *arena) SAT_MUST_CHECK;

/* Flags an order that was delivered and for which nothing is owed (`not_owed`), or not what it comes to (`owed`). */
enum sat_err client_order_owed(struct satchel *satchel, const struct client_order *order, struct sat_arena *arena,
                               json_t *flags) SAT_MUST_CHECK;

/* In a transaction: the reminders of what is paid, the receivable of that territory, are no task any more. One that is
 * elsewhere or cannot be changed is no failure: *left says why it stays (the arena's), NULL: none does. */
enum sat_err client_dunning_stop(struct satchel_tx *tx, const char *receivable, const char *territory,
                                 struct sat_arena *arena, const char **left) SAT_MUST_CHECK;

#endif
