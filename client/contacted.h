/* Who was spoken to, and when, is said of the account as well: its last contact never moves back, its first one never
 * forth (rules MAX and MIN), in whatever order calls and visits reach the others. */
#ifndef CLIENT_CONTACTED_H
#define CLIENT_CONTACTED_H

#include "client/tx.h"

/* Behind a put of `fields` (JSON): an interaction that names its account and its time moves the contacts of that
 * account, in the same transaction. What is still to come moves nothing yet; nor is an interaction refused where the
 * account is not here, archived, or not one's own to write. */
enum sat_err client_contacted(struct satchel_tx *tx, const char *type, const char *fields) SAT_MUST_CHECK;

#endif
