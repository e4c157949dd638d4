#define _GNU_SOURCE
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5, ROUND_NS = 100 * 1000 * 1000 };

uint64_t bench_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void bench_require(bool good, const char *what)
{
    if (good) return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

void bench_print(const char *name, uint64_t n, uint64_t ns)
{
    double us = (double)ns / 1000.0 / (double)n;
    printf("{\"name\":\"%s\",\"us\":%.4f,\"per_s\":%.1f}\n", name, us, 1e6 / us);
    fflush(stdout);
}

/* How long `times` calls take. */
static uint64_t take(uint32_t times, void (*work)(void *context), void *context)
{
    uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; i < times; i++) work(context);
    return bench_now_ns() - begin;
}

void bench_measure(const char *name, uint32_t n, void (*work)(void *context), void *context)
{
    uint32_t times = 1;
    uint64_t best = take(times, work, context);
    while (best < ROUND_NS) {
        times *= 2;
        best = take(times, work, context);
    }
    for (int i = 1; i < ROUNDS; i++) {
        uint64_t again = take(times, work, context);
        if (again < best) best = again;
    }
    bench_print(name, (uint64_t)times * n, best);
}

static const char *const words[] = {
    "visit", "order",   "price",  "shelf",   "display", "promised", "delivery", "sample", "competitor", "stock",
    "wants", "manager", "owner",  "quote",   "invoice", "next",     "week",     "agreed", "discount",   "poster",
    "box",   "carton",  "pallet", "freezer", "premium", "called",   "meeting",  "lunch",  "north",      "branch",
    "客户",  "价格",    "订单",   "库存",    "下周",    "陈列",     "送货",     "样品",   "经理",       "合同",
};
enum { WORDS_N = sizeof words / sizeof words[0] };

void bench_text(uint64_t seed, char *out, uint32_t bytes)
{
    uint32_t len = 0;
    uint64_t state = seed * 2 + 1;
    for (;;) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const char *word = words[(state >> 33) % WORDS_N];
        uint32_t word_len = (uint32_t)strlen(word);
        if (len + word_len + 1 >= bytes) break;
        memcpy(out + len, word, word_len);
        len += word_len;
        out[len++] = ' ';
    }
    out[len] = 0;
}
