/* Lives, one seed after the other: which are played, what is printed of one that ends badly, and how it is made
 * shorter. A life is a number of acts, each with a dice of its own, so that it can be played without some of them. */
#ifndef TESTS_SIM_LOOP_H
#define TESTS_SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct loop_life {
    uint64_t seed;
    const bool *skipped; /* by the act's number; NULL: none */
    FILE *story;         /* NULL: not told */
    void *counts;        /* of what happened in it */
};

struct loop {
    uint32_t (*live)(const struct loop_life *life); /* how many things are wrong at its end */
    uint64_t *counts;
    uint32_t counts_n;
    uint32_t acts; /* 0: it can not be played without some */
};

/* From the environment. */
uint64_t loop_number(const char *name, uint64_t otherwise);
/* Plays `lives` seeds from `first` on, in as many processes as JOBS (environment) says, which changes nothing but the
 * time that it takes. The number of those that ended badly, or ended their process; the first of them is played again,
 * made shorter and told. */
uint32_t loop_play(const struct loop *loop, uint64_t first, uint64_t lives);
/* A seed that nobody has chosen. */
uint64_t loop_fresh_seed(void);

#endif
