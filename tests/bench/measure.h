/* Measuring: a piece of work is repeated until it has taken long enough to be timed, several times over, and the best
 * time counts, because what a busy machine adds is never the work's own. Each result is one JSON line on stdout. */
#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

uint64_t bench_now_ns(void); /* monotonic, the same clock in all processes */

/* Runs `work` (which does `n` items in one call) and prints {"name","us","per_s"} of one item. */
void bench_measure(const char *name, uint32_t n, void (*work)(void *context), void *context);
/* Prints the line for `n` items that took `ns`. */
void bench_print(const char *name, uint64_t n, uint64_t ns);

/* Ends the program with a sentence unless `good`: a benchmark that goes on after a failure measures the failure. */
void bench_require(bool good, const char *what);

/* About `bytes` bytes of words, as somebody would note them down; `seed` makes them differ. */
void bench_text(uint64_t seed, char *out, uint32_t bytes);

#endif
