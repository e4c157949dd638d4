#include "tests/sim/loop.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum { TRIES_MAX = 150 };

uint64_t loop_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

uint64_t loop_fresh_seed(void)
{
    sat_check(sodium_init() >= 0);
    uint64_t seed;
    randombytes_buf(&seed, sizeof seed);
    return seed % 1000000000000; /* that a person can copy */
}

/* Leaves out what is not needed for a bad end: halves, quarters, … single acts. */
static uint32_t shorten(const struct loop *loop, uint64_t seed, bool *skipped)
{
    uint32_t left = loop->acts, tries = 0;
    for (uint32_t chunk = loop->acts / 2; chunk; chunk /= 2) {
        for (uint32_t at = 0; at < loop->acts && tries < TRIES_MAX; at += chunk) {
            uint32_t end = at + chunk < loop->acts ? at + chunk : loop->acts, news = 0;
            bool *without = malloc(loop->acts);
            sat_check(without != NULL);
            memcpy(without, skipped, loop->acts);
            for (uint32_t i = at; i < end; i++) {
                news += !without[i];
                without[i] = true;
            }
            if (news && tries++ < TRIES_MAX &&
                loop->live(&(struct loop_life){.seed = seed, .skipped = without, .counts = loop->counts})) {
                memcpy(skipped, without, loop->acts);
                left -= news;
            }
            free(without);
        }
    }
    return left;
}

static void tell(const struct loop *loop, uint64_t seed)
{
    struct loop_life life = {.seed = seed, .story = stderr, .counts = loop->counts};
    bool *skipped = calloc(loop->acts + 1, 1);
    sat_check(skipped != NULL);
    if (loop->acts && !loop_number("WHOLE", 0)) {
        (void)fprintf(stderr, "SEED=%llu: making it shorter\n", (unsigned long long)seed);
        uint32_t left = shorten(loop, seed, skipped);
        (void)fprintf(stderr, "the story of seed %llu, in %u of its %u acts (WHOLE=1: in all):\n",
                      (unsigned long long)seed, left, loop->acts);
        life.skipped = skipped;
    }
    (void)loop->live(&life);
    free(skipped);
}

uint32_t loop_play(const struct loop *loop, uint64_t first, uint64_t lives)
{
    uint32_t bad = 0;
    for (uint64_t seed = first; seed < first + lives; seed++) {
        struct loop_life life = {.seed = seed, .story = getenv("STORY") ? stderr : NULL, .counts = loop->counts};
        if (!loop->live(&life)) continue;
        (void)fprintf(stderr, "the life of seed %llu ends badly: SEED=%llu LIVES=1 plays it again\n",
                      (unsigned long long)seed, (unsigned long long)seed);
        if (bad++ == 0 && !life.story) tell(loop, seed);
    }
    return bad;
}
