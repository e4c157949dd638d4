/* What discount somebody may give without asking. */
#ifndef CLIENT_BOOK_ALLOWANCE_H
#define CLIENT_BOOK_ALLOWANCE_H

#include "client/book/ask.h"

/* What a person may give on a day: by duty, by what was granted to him, or by the policy order.discount. */
struct client_allowance {
    int64_t bp;
    const char *by; /* "grant until 2026-06-30", for sentences; the arena's */
};
enum sat_err client_allowance_get(struct satchel *satchel, uint32_t user, uint8_t role, const char *day,
                                  struct sat_arena *arena, struct client_allowance *out) SAT_MUST_CHECK;

#endif
