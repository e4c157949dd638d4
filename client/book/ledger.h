/* What there is of one account's money, as lists of ids: so that a payment costs what its account has, and not what all
 * have paid. Statements over it begin with CLIENT_LEDGER, and have its lists as the first three of their values. */
#ifndef CLIENT_BOOK_LEDGER_H
#define CLIENT_BOOK_LEDGER_H

#include "client/handle.h"
#include "client/view/money.h"

enum { CLIENT_LEDGER_LISTS = 3 };

/* JSON arrays: receivables, allocations, payments. Of a receivable those of the same order are there, too, and of a
 * payment those of the same account, which may look like it; and what reverses any. */
struct client_ledger {
    const char *lists[CLIENT_LEDGER_LISTS]; /* the arena's */
};

/* Of an account and of those that were merged into it; with the payments of `payer` and of whoever used that bank
 * reference (NULL: of nobody besides). */
enum sat_err client_ledger_get(struct satchel *satchel, const char *account, const char *payer, const char *bank_ref,
                               struct sat_arena *arena, struct client_ledger *out) SAT_MUST_CHECK;

/* The tables payment, allocation and receivable, and the views over them, of what is listed. */
#define CLIENT_LEDGER                                                                                                  \
    "WITH receivable AS MATERIALIZED (SELECT * FROM main.receivable WHERE id IN (SELECT value FROM json_each(?1))),"   \
    " allocation AS MATERIALIZED (SELECT * FROM main.allocation WHERE id IN (SELECT value FROM json_each(?2))),"       \
    " payment AS MATERIALIZED (SELECT * FROM main.payment WHERE id IN (SELECT value FROM "                             \
    "json_each(?3))), " CLIENT_PAID_ONCE_COLUMNS " AS MATERIALIZED (" CLIENT_PAID_ONCE "), " CLIENT_OWED_ONCE_COLUMNS  \
    " AS MATERIALIZED (" CLIENT_OWED_ONCE "), " CLIENT_ALLOCATED_COLUMNS " AS MATERIALIZED (" CLIENT_ALLOCATED ") "

#endif
