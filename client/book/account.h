/* An account's page: what is known of it, block by block, each with how far it is known. */
#ifndef CLIENT_BOOK_ACCOUNT_H
#define CLIENT_BOOK_ACCOUNT_H

#include <jansson.h>

#include "client/handle.h"

/* What one looks at before a visit: the last three visits, open orders, what is owed, complaints, needs, the people:
 * {"visits","orders","receivables","complaints","needs","people"}, each a list. `family`: a JSON array of the ids of
 * the account and of those that were merged into it. */
enum sat_err client_account_briefing(struct satchel *satchel, const char *family, json_t **out) SAT_MUST_CHECK;
/* Rows of the report on receivables, as of that day: those of the accounts (NULL: all), and with `due` only those of
 * which a step of dunning is due and not done. */
enum sat_err client_account_receivables(struct satchel *satchel, const char *family, const char *day, bool due,
                                        json_t **rows) SAT_MUST_CHECK;
/* The newest entry of the territories' logs, as {"name": time}. */
enum sat_err client_account_as_of(struct satchel *satchel, json_t **out) SAT_MUST_CHECK;

#endif
