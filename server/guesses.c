#include "server/guesses.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum { MINUTE_US = 60000000, PER_MINUTE_MAX = 60000, RETRY_LEAST_MS = 1000 };

void satd_guesses_init(struct satd_guesses *guesses, uint64_t per_minute)
{
    sat_check(per_minute > 0 && per_minute <= PER_MINUTE_MAX);
    *guesses = (struct satd_guesses){.each_us = MINUTE_US / per_minute};
    guesses->most_us = guesses->each_us * per_minute;
    guesses->at = calloc(SATD_GUESSERS_MAX, sizeof *guesses->at);
    sat_check(guesses->at != NULL);
}

void satd_guesses_deinit(struct satd_guesses *guesses)
{
    free(guesses->at);
    *guesses = (struct satd_guesses){0};
}

static struct satd_ip network_of(const struct satd_ip *ip)
{
    struct satd_ip network = *ip;
    if (!satd_ip_is_v4(ip)) memset(network.b + 8, 0, 8);
    return network;
}

/* A walk through the whole table costs less than one of the signatures that it is there to save. */
static struct satd_guesser *find(const struct satd_guesses *guesses, const struct satd_ip *network)
{
    for (uint32_t i = 0; i < SATD_GUESSERS_MAX; i++)
        if (guesses->at[i].empty_at_us && memcmp(&guesses->at[i].network, network, sizeof *network) == 0)
            return &guesses->at[i];
    return NULL;
}

/* The one from that address, or a new one in the place of the one whose bucket is empty first. */
static struct satd_guesser *take_place(struct satd_guesses *guesses, const struct satd_ip *from, uint64_t now_us)
{
    struct satd_ip network = network_of(from);
    struct satd_guesser *guesser = find(guesses, &network), *first = guesses->at;
    for (uint32_t i = 1; !guesser && i < SATD_GUESSERS_MAX; i++)
        if (guesses->at[i].empty_at_us < first->empty_at_us) first = &guesses->at[i];
    if (!guesser) {
        guesser = first;
        *guesser = (struct satd_guesser){.network = network};
    }
    if (guesser->empty_at_us < now_us) guesser->empty_at_us = now_us;
    return guesser;
}

uint64_t satd_guesses_begin(struct satd_guesses *guesses, const struct satd_ip *from, uint64_t now_us)
{
    struct satd_guesser *guesser = take_place(guesses, from, now_us);
    uint64_t empty_at_us = guesser->empty_at_us + guesses->each_us;
    if (empty_at_us <= now_us + guesses->most_us) {
        guesser->empty_at_us = empty_at_us;
        return 0;
    }
    uint64_t wait_ms = (empty_at_us - now_us - guesses->most_us + 999) / 1000;
    return wait_ms > RETRY_LEAST_MS ? wait_ms : RETRY_LEAST_MS;
}

void satd_guesses_forgive(struct satd_guesses *guesses, const struct satd_ip *from)
{
    struct satd_ip network = network_of(from);
    struct satd_guesser *guesser = find(guesses, &network);
    if (!guesser) return; /* it was forgotten meanwhile */
    guesser->empty_at_us = guesser->empty_at_us > guesses->each_us ? guesser->empty_at_us - guesses->each_us : 0;
}

void satd_guesses_fail(struct satd_guesses *guesses, const struct satd_ip *from, uint64_t now_us)
{
    struct satd_guesser *guesser = take_place(guesses, from, now_us);
    guesser->empty_at_us += guesses->each_us;
    if (guesser->empty_at_us > now_us + guesses->most_us) guesser->empty_at_us = now_us + guesses->most_us;
}
