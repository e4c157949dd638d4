/* Runs a command and writes what it took into a file. A process's peak memory begins with that of the one that started
 * it, so the one that starts it must be small.
 *
 *   bench_run FILE COMMAND ARGUMENT…     {"wall_s","cpu_s","peak_bytes"}; ends as the command does */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/measure.h"

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    bench_require(argc > 2, "bench_run FILE COMMAND ARGUMENT…");
    FILE *report = fopen(argv[1], "we");
    bench_require(report != NULL, "opening the report");
    uint64_t began_ns = bench_now_ns();
    pid_t child = fork();
    bench_require(child >= 0, "another process");
    if (child == 0) {
        (void)execv(argv[2], argv + 2);
        _exit(127);
    }
    int status = 0;
    struct rusage used;
    bench_require(wait4(child, &status, 0, &used) == child, "waiting");
    fprintf(report, "{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"peak_bytes\":%ld}\n", (double)(bench_now_ns() - began_ns) / 1e9,
            seconds(used.ru_utime) + seconds(used.ru_stime), used.ru_maxrss * 1024);
    bench_require(fclose(report) == 0, "writing the report");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
