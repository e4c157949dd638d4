/* What orders and money share: ids that follow from others, policies. */
#ifndef CLIENT_BOOK_TRADE_H
#define CLIENT_BOOK_TRADE_H

#include "client/book/ask.h"
#include "client/book/writing.h"

/* The id of what follows from a record, the n-th of its kind (vault/derived.h). */
enum sat_err client_trade_following(struct satchel *satchel, const char *from, const char *what, uint32_t n,
                                    char out[SATCHEL_ID_SIZE]) SAT_MUST_CHECK;
/* Is there such a record in that territory, archived or not? What follows from a record lies beside it: who may write
 * another territory can take its id there beforehand. */
enum sat_err client_trade_is_in(struct satchel *satchel, const char *territory, const char *id,
                                bool *here) SAT_MUST_CHECK;
/* May this device write there, as far as it is known here? */
bool client_trade_may_write(struct satchel *satchel, const char *territory);
/* The account that is meant: of one that was merged into another that one. *called: its name, else its id. */
enum sat_err client_trade_account(struct satchel *satchel, const char *named, struct sat_arena *arena,
                                  char out[SATCHEL_ID_SIZE], const char **called) SAT_MUST_CHECK;
/* An integer of what an admin published as a policy (a config_item of that name), or `absent`. */
enum sat_err client_trade_policy(struct satchel *satchel, const char *name, const char *member, int64_t absent,
                                 struct sat_arena *arena, int64_t *out) SAT_MUST_CHECK;
/* Refuses what is no day, or is to come. `day` NULL: today. */
enum sat_err client_trade_day(struct satchel *satchel, const char *day, bool may_come,
                              char out[CLIENT_BOOK_DAY_SIZE]) SAT_MUST_CHECK;
/* What a caller said: an object of these members, each with its kind, text, integer, boolean or list:
 * "account:t qty:i anyway:b lines:l". Nothing is converted, and nothing that is not known is left out. */
enum sat_err client_trade_check(struct satchel *satchel, const json_t *said, const char *members) SAT_MUST_CHECK;
/* The same read from JSON text, a new reference; NULL on failure. */
enum sat_err client_trade_read(struct satchel *satchel, const char *text, const char *members,
                               json_t **out) SAT_MUST_CHECK;

#endif
