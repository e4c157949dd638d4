#define _GNU_SOURCE /* fork, mmap */
#include "tests/sim/loop.h"

#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "tests/sim/memory.h"

enum { TRIES_MAX = 150, JOBS_MAX = 64, COUNTS_MAX = 128 };

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

/* What a process of several says, in memory that all see: it counts even if the process ends in the middle of a life.
 */
struct share {
    uint64_t next; /* the seed that is played now, or will be next */
    uint32_t bad;
    uint64_t to_tell; /* the first that came to an end, though a bad one; UINT64_MAX: none */
    uint64_t counts[COUNTS_MAX];
};

static void note_bad(struct share *share, uint64_t seed, const char *how)
{
    (void)fprintf(stderr, "the life of seed %llu %s: SEED=%llu LIVES=1 plays it again\n", (unsigned long long)seed, how,
                  (unsigned long long)seed);
    share->bad++;
}

static void play(const struct loop *loop, struct share *share, uint64_t end, uint64_t step)
{
    for (; share->next < end; share->next += step) {
        struct loop_life life = {
            .seed = share->next, .story = getenv("STORY") ? stderr : NULL, .counts = share->counts};
        if (!loop->live(&life)) continue;
        note_bad(share, share->next, "ends badly");
        if (share->to_tell == UINT64_MAX) share->to_tell = share->next;
    }
}

/* A failed assertion must not go on with the other tests in here. */
static pid_t begin_job(const struct loop *loop, struct share *share, uint64_t end, uint64_t step)
{
    pid_t pid = fork();
    sat_check(pid >= 0);
    if (pid) return pid;
    static const int ends[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) (void)signal(ends[i], SIG_DFL);
    sat_check(setenv("CMOCKA_TEST_ABORT", "1", 1) == 0);
    play(loop, share, end, step);
    (void)fflush(NULL);
    _exit(0);
}

static void play_side_by_side(const struct loop *loop, struct share *shares, uint32_t jobs, uint64_t end)
{
    pid_t pids[JOBS_MAX];
    (void)fflush(NULL); /* or each process would print it */
    for (uint32_t i = 0; i < jobs; i++) pids[i] = begin_job(loop, &shares[i], end, jobs);
    for (uint32_t i = 0; i < jobs; i++) {
        int status = 0;
        sat_check(waitpid(pids[i], &status, 0) == pids[i]);
        if (status == 0) continue;
        note_bad(&shares[i], shares[i].next, "ends its process (STORY=1: the story until then)");
        shares[i].next += jobs;
        pids[i] = begin_job(loop, &shares[i], end, jobs);
        i--;
    }
}

static uint32_t sum_up(const struct loop *loop, const struct share *shares, uint32_t jobs, uint64_t *to_tell)
{
    uint32_t bad = 0;
    for (uint32_t i = 0; i < jobs; i++) {
        if (shares[i].to_tell < *to_tell) *to_tell = shares[i].to_tell;
        bad += shares[i].bad;
        for (uint32_t k = 0; k < loop->counts_n; k++) loop->counts[k] += shares[i].counts[k];
    }
    return bad;
}

uint32_t loop_play(const struct loop *loop, uint64_t first, uint64_t lives)
{
    uint64_t wanted = loop_number("JOBS", 1), to_tell = UINT64_MAX;
    if (wanted > lives) wanted = lives;
    uint32_t jobs = wanted == 0 ? 1 : wanted < JOBS_MAX ? (uint32_t)wanted : JOBS_MAX;
    struct share *shares = mmap(NULL, jobs * sizeof *shares, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sat_check(shares != MAP_FAILED && loop->counts_n <= COUNTS_MAX);
    memory_keep();
    for (uint32_t i = 0; i < jobs; i++) {
        shares[i].next = first + i;
        shares[i].to_tell = UINT64_MAX;
    }
    if (jobs > 1)
        play_side_by_side(loop, shares, jobs, first + lives);
    else
        play(loop, &shares[0], first + lives, 1);
    uint32_t bad = sum_up(loop, shares, jobs, &to_tell);
    sat_check(munmap(shares, jobs * sizeof *shares) == 0);
    if (to_tell != UINT64_MAX && !getenv("STORY")) tell(loop, to_tell);
    return bad;
}
