/* Failed attempts to show who one is, counted by where they come from: who tries codes is told to wait before anybody
 * looks at them. Each address has a bucket that fills with what failed and runs empty at the allowed rate; the table of
 * them is of one size for ever. */
#ifndef SATD_GUESSES_H
#define SATD_GUESSES_H

#include "server/proxies.h"

enum {
    SATD_GUESSERS_MAX = 4096
}; /* more addresses than that at once, and those that have failed least are forgotten */

struct satd_guesser {
    struct satd_ip network; /* an IPv4 address; of an IPv6 one the /64, as its owner has all of that */
    uint64_t empty_at_us;   /* then its bucket is empty: 0, it never was in use */
};

struct satd_guesses {
    struct satd_guesser *at; /* SATD_GUESSERS_MAX of them */
    uint64_t each_us;        /* for so long one attempt stays in the bucket … */
    uint64_t most_us;        /* … and so much fits in: a minute's */
};

/* `per_minute` at once, and that many a minute: from 1 to 60,000. Time is monotonic, in microseconds. */
void satd_guesses_init(struct satd_guesses *guesses, uint64_t per_minute);
void satd_guesses_deinit(struct satd_guesses *guesses);
/* Takes an attempt as failed before it is heard, so that many at a time are no way around the limit. 0: it may be
 * heard; else nothing was taken, and so many milliseconds from now there is room for one. */
uint64_t satd_guesses_begin(struct satd_guesses *guesses, const struct satd_ip *from, uint64_t now_us);
/* An attempt that was begun did not fail. */
void satd_guesses_forgive(struct satd_guesses *guesses, const struct satd_ip *from);
/* One that was heard without being begun has failed; what does not fit into the bucket is lost. */
void satd_guesses_fail(struct satd_guesses *guesses, const struct satd_ip *from, uint64_t now_us);

#endif
