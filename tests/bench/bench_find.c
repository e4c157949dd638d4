/* Questions to the search index of a home, in one process, as an application asks that stays open.
 *
 *   bench_find HOME PASSPHRASE_FILE QUESTION…     {"question","ms","first_ms","first_cpu_ms","found"} a line; the first
 *                                                 line is of the view, brought up to date by a question before them.
 *                                                 first_cpu_ms: what the processor worked for the first asking, however
 *                                                 busy the machine is */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/include/satchel.h"
#include "tests/bench/measure.h"

enum { ROUNDS = 5, FOUND_MAX = 20 };

static int count_row(void *context, const char *json)
{
    (void)json;
    ++*(int *)context;
    return 0;
}

static double ask(struct satchel *satchel, const char *question, int *found)
{
    *found = 0;
    uint64_t began_ns = bench_now_ns();
    bench_require(!satchel_find(satchel, question, NULL, FOUND_MAX, count_row, found), question);
    return (double)(bench_now_ns() - began_ns) / 1e6;
}

static double cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void tell(const char *question, double ms, double first_ms, double first_cpu_ms, int found)
{
    printf("{\"question\":\"%s\",\"ms\":%.3f,\"first_ms\":%.3f,\"first_cpu_ms\":%.3f,\"found\":%d}\n", question, ms,
           first_ms, first_cpu_ms, found);
}

int main(int argc, char **argv)
{
    char passphrase[200] = "";
    struct satchel *satchel;
    struct satchel_error error;
    int found;
    bench_require(argc > 3, "bench_find HOME PASSPHRASE_FILE QUESTION…");
    FILE *file = fopen(argv[2], "re");
    bench_require(file && fgets(passphrase, sizeof passphrase, file), "reading the passphrase");
    (void)fclose(file);
    passphrase[strcspn(passphrase, "\n")] = '\0';
    struct satchel_open_options options = {.passphrase = {passphrase, strlen(passphrase)}, .everyday = 1};
    bench_require(!satchel_open(argv[1], &options, &satchel, &error), error.message);
    double began_ms = cpu_ms(), view_ms = ask(satchel, "view", &found);
    tell("", view_ms, view_ms, cpu_ms() - began_ms, found);
    for (int i = 3; i < argc; i++) {
        began_ms = cpu_ms();
        double first_ms = ask(satchel, argv[i], &found), best_ms = first_ms, first_cpu_ms = cpu_ms() - began_ms;
        for (int round = 1; round < ROUNDS; round++) {
            double ms = ask(satchel, argv[i], &found);
            if (ms < best_ms) best_ms = ms;
        }
        tell(argv[i], best_ms, first_ms, first_cpu_ms, found);
    }
    satchel_close(satchel);
    return 0;
}
