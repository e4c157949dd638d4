/* Claims from the pool, as the day has them. */
#ifndef CLIENT_BOOK_CLAIM_H
#define CLIENT_BOOK_CLAIM_H

#include <jansson.h>

#include "client/handle.h"

/* What one has claimed and does not have for sure: rows as satchel_claims() gives them, whose own is asked or lost. A
 * new reference, on failure as well. */
enum sat_err client_claims_open(struct satchel *satchel, json_t **rows) SAT_MUST_CHECK;

#endif
