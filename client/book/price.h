/* Prices: which list counts on a day, and what of it so many cost. */
#ifndef CLIENT_BOOK_PRICE_H
#define CLIENT_BOOK_PRICE_H

#include "client/book/ask.h"

/* What is looked for; NULL: anything. */
struct client_list_wish {
    const char *named; /* its code, name or id */
    const char *currency;
    const char *account; /* an id: whose last order says which list, where there are several */
    const char *day;
};
/* The list that is valid on the day, and of its code the newest version that is here: a row of id, code, name,
 * currency, version, valid_from, valid_to; the caller's reference. SAT_ERR_NOT_FOUND, SAT_ERR_INVALID: there is none,
 * it is valid on other days, it is of another currency, or several are and nobody says which; by the lists' names. */
enum sat_err client_list_choose(struct satchel *satchel, const struct client_list_wish *wish, struct sat_arena *arena,
                                json_t **list) SAT_MUST_CHECK;
/* The newest version of the list's code and currency that was valid on the day; NULL: this one is it. */
enum sat_err client_list_newer(struct satchel *satchel, const char *list, const char *day,
                               json_t **newer) SAT_MUST_CHECK;
/* What one of so many costs by a list. *there is false where it has no price for that. */
enum sat_err client_list_price(struct satchel *satchel, const char *list, const char *product, int64_t qty, bool *there,
                               int64_t *price) SAT_MUST_CHECK;
/* "WHOLESALE v12": of such a row. */
const char *client_list_told(const json_t *list, struct sat_arena *arena);

#endif
