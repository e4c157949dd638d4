/* Whatever fails, and whenever: memory, and each read, write and sync of each store. A call says so, nothing that was
 * acknowledged is lost, the same work goes on afterwards, and all hold the same in the end.
 *
 * A few failures of each kind in one of the three plots, chosen by SEED; TRIES: how many. ALL: every one of all (`make
 * faults`). FAULT: one kind by its name, PLOT: one plot, and with STEP and N one failure alone, V: step by step. JOBS:
 * at once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/faults/run.h"

static const struct fault faults[] = {
    {"memory", PARTIES, VFS_NO_FAULT, 0, false},
    {"no more memory", PARTIES, VFS_NO_FAULT, 0, true},
    {"Ann's disk broken", ANN, VFS_BROKEN, VFS_ALL, false},
    {"Ann's disk broken for good", ANN, VFS_BROKEN, VFS_ALL, true},
    {"Ann's disk full", ANN, VFS_FULL, VFS_CHANGING, false},
    {"Ann's disk full for good", ANN, VFS_FULL, VFS_CHANGING, true},
    {"Ann's machine off", ANN, VFS_CRASH, VFS_CHANGING, false},
    {"Ben's disk broken", BEN, VFS_BROKEN, VFS_ALL, false},
    {"Ben's disk full", BEN, VFS_FULL, VFS_CHANGING, false},
    {"Ben's machine off", BEN, VFS_CRASH, VFS_CHANGING, false},
    {"Cleo's disk broken", CLEO, VFS_BROKEN, VFS_ALL, false},
    {"Cleo's machine off", CLEO, VFS_CRASH, VFS_CHANGING, false},
    {"the server's disk broken", SERVER, VFS_BROKEN, VFS_ALL, false},
    {"the server's disk broken for good", SERVER, VFS_BROKEN, VFS_ALL, true},
    {"the server's disk full", SERVER, VFS_FULL, VFS_CHANGING, false},
    {"the server's disk full for good", SERVER, VFS_FULL, VFS_CHANGING, true},
    {"the server's machine off", SERVER, VFS_CRASH, VFS_CHANGING, false},
};
#ifdef __SANITIZE_ADDRESS__
enum { TRIES = 3 };
#else
enum { TRIES = 10 };
#endif
enum { FAULTS = sizeof faults / sizeof faults[0] };

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static const struct story_plot *const plots[] = {&story_everyday, &story_forgetting, &story_copied};
enum { PLOTS = sizeof plots / sizeof plots[0] };

static void try_plot(const struct fault *fault, const struct story_plot *plot, uint64_t seed)
{
    struct run run = {.fault = fault,
                      .plot = plot,
                      .seed = seed,
                      .all = getenv("ALL") != NULL,
                      .again = (uint32_t)number("AGAIN", 0),
                      .tries = (uint32_t)number("TRIES", TRIES),
                      .jobs = (uint32_t)number("JOBS", 1)};
    time_t began = time(NULL);
    run_faults(&run);
    (void)printf("%s, %s: %llu of %llu failures tried", fault->name, plot->name, (unsigned long long)run.tried,
                 (unsigned long long)run.there);
    if (run.paths) (void)printf(" (by %llu paths of calls)", (unsigned long long)run.paths);
    (void)printf(", %llu calls failed, %llu processes ended, %llu wrong; SEED=%llu, %lld s\n",
                 (unsigned long long)run.failed_calls, (unsigned long long)run.ended_processes,
                 (unsigned long long)run.wrong, (unsigned long long)run.seed, (long long)(time(NULL) - began));
    (void)fflush(stdout);
    assert_int_equal(run.wrong, 0);
}

/* Which plot? The one that is asked for, all, or one for each kind. */
static void try_fault(void **state)
{
    const struct fault *fault = *state;
    const char *wanted = getenv("PLOT");
    uint64_t seed = number("SEED", (uint64_t)time(NULL)), turn = seed + (uint64_t)(fault - faults);
    for (uint32_t i = 0; i < PLOTS; i++) {
        if (wanted ? strcmp(wanted, plots[i]->name) != 0 : !getenv("ALL") && turn % PLOTS != i) continue;
        try_plot(fault, plots[i], seed);
    }
}

int main(void)
{
    const char *wanted = getenv("FAULT"), *plot = getenv("PLOT");
    uint32_t wished = 0;
    struct CMUnitTest tests[FAULTS];
    uint32_t n = 0;
    for (uint32_t i = 0; plot && i < PLOTS; i++)
        if (strcmp(plot, plots[i]->name) == 0) wished = i;
    for (uint32_t i = 0; i < FAULTS; i++) {
        if (wanted && strcmp(wanted, faults[i].name) != 0) continue;
        if (wanted && getenv("N"))
            return !run_one(&faults[i], plots[wished], number("SEED", 1), (uint32_t)number("STEP", 0), number("N", 1));
        tests[n++] = (struct CMUnitTest){faults[i].name, try_fault, NULL, NULL, (void *)(uintptr_t)&faults[i]};
    }
    return _cmocka_run_group_tests("faults", tests, n, NULL, NULL);
}
