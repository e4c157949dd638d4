/* A report's period: from a first day to a last one, both in it, as people write it: 2026, 2026-Q2, 2026-05,
 * 2026-05-01, today, or this or last before month, quarter or year. */
#ifndef CLIENT_PERIOD_H
#define CLIENT_PERIOD_H

#include "common/base/err.h"

#define CLIENT_DAY_SIZE 11 /* "2026-05-01" with its NUL */

struct client_period {
    char name[CLIENT_DAY_SIZE]; /* how a person writes it who does not count from today: 2026-Q2 */
    char first[CLIENT_DAY_SIZE], last[CLIENT_DAY_SIZE];
};

/* `today` is the day that this and last count from. SAT_ERR_USAGE, with the ways in which it can be written. */
enum sat_err client_period_parse(const char *text, const char *today, struct client_period *out,
                                 struct sat_fault *fault) SAT_MUST_CHECK;

#endif
