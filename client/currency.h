/* Money for people: minor units, and how many of their digits stand behind the point. */
#ifndef CLIENT_CURRENCY_H
#define CLIENT_CURRENCY_H

#include "common/base/arena.h"

/* How many digits of a currency stand behind the point; 2 where it is not known (NULL, or no three letters). */
int client_currency_digits(const char *currency);
/* "1234.50 CNY"; without a currency (NULL) the figure alone. The arena owns it. */
const char *client_money_shown(struct sat_arena *arena, int64_t minor, const char *currency);
/* "1234.5", "1234", "0.05": no sign, no other marks, no more digits than the currency has. */
bool client_money_read(const char *text, const char *currency, int64_t *minor);
/* A share in basis points, as people write it: "750" is "7.5%"; from 0 to 10000. */
bool client_share_read(const char *text, int64_t *basis_points);
const char *client_share_shown(struct sat_arena *arena, int64_t basis_points);

#endif
