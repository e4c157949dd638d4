#define _GNU_SOURCE
#include "tests/bench/fleet.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/bench/measure.h"

static volatile int stopped;

static void stop(int number)
{
    (void)number;
    stopped = 1;
}

const volatile int *fleet_stop(void)
{
    struct sigaction action = {.sa_handler = stop};
    (void)sigaction(SIGTERM, &action, NULL);
    return &stopped;
}

pid_t fleet_fork(void)
{
    pid_t parent = getpid(), child = fork();
    bench_require(child >= 0, "another process");
    if (child) return child;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1); /* it died before it could be said */
    return 0;
}

struct satchel_open_options fleet_open_options(void)
{
    return (struct satchel_open_options){
        .passphrase = {FLEET_PASSPHRASE, sizeof FLEET_PASSPHRASE - 1}, .wait_ms = 5000, .weak_kdf = 1};
}

void fleet_path(const char *dir, uint32_t number, char out[FLEET_PATH_MAX])
{
    int len = snprintf(out, FLEET_PATH_MAX, "%s/d%04" PRIu32, dir, number);
    bench_require(len > 0 && len < FLEET_PATH_MAX, "a shorter path");
}

struct satchel *fleet_open(const char *home)
{
    struct satchel_open_options options = fleet_open_options();
    struct satchel_error error = {0};
    struct satchel *satchel = NULL;
    if (satchel_open(home, &options, &satchel, &error)) bench_require(false, error.message);
    return satchel;
}

void fleet_require(const struct satchel *satchel, int failed, const char *what)
{
    if (!failed) return;
    fprintf(stderr, "%s: ", what);
    bench_require(false, satchel_error_of(satchel)->message);
}

void fleet_account(uint32_t territory, uint32_t number, char out[SATCHEL_ID_SIZE])
{
    (void)snprintf(out, SATCHEL_ID_SIZE, "01900000-0000-7000-8000-%06" PRIx32 "%06" PRIx32, territory & 0xffffff,
                   number & 0xffffff);
}

int fleet_visit(struct satchel *satchel, uint32_t territory, uint64_t seed, char id[SATCHEL_ID_SIZE])
{
    char account[SATCHEL_ID_SIZE], note[160], fields[400];
    struct satchel_tx *tx = NULL;
    fleet_account(territory, (uint32_t)(seed % FLEET_ACCOUNTS), account);
    bench_text(seed, note, sizeof note);
    (void)snprintf(
        fields, sizeof fields,
        "{\"account\":\"%s\",\"started_at\":\"2026-01-01T09:00:00+08:00\",\"purpose\":\"order\",\"note\":\"%s\","
        "\"state\":\"submitted\"}",
        account, note);
    int failed = satchel_begin(satchel, &tx);
    if (!failed) failed = satchel_put(tx, "visit", NULL, NULL, fields, id);
    if (failed) satchel_rollback(tx);
    return failed ? failed : satchel_commit(tx);
}

void fleet_say(const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    bench_require(len > 0 && (size_t)len < sizeof line - 1, "a line that fits");
    line[len] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)len + 1) != (ssize_t)len + 1) _exit(1); /* nobody listens any more */
}

void fleet_tell_event(void *context, const struct satchel_event *event)
{
    const uint32_t *number = context;
    if (event->kind == SATCHEL_EVENT_RECORD)
        fleet_say("{\"event\":\"record\",\"device\":%" PRIu32 ",\"id\":\"%s\",\"ns\":%" PRIu64 "}", *number, event->id,
                  bench_now_ns());
    if (event->kind == SATCHEL_EVENT_IN_SYNC)
        fleet_say("{\"event\":\"in_sync\",\"device\":%" PRIu32 ",\"ns\":%" PRIu64 "}", *number, bench_now_ns());
}
