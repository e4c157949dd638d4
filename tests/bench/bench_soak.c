/* Devices that work: write, sync, stay connected for a while, go away, and are cut off in the middle of anything.
 *
 *   bench_soak work DIR TERRITORIES FIRST COUNT SEED   until stdin ends; then each finishes what it is doing
 *   bench_soak settle DIR FIRST COUNT                  every device syncs by itself, in turn
 *   bench_soak state DIR FIRST COUNT                   {"device","rows","hash","pending","refused","conflicts"} each
 *
 * work tells {"event":"wrote","device","id"}; {"event":"sends","device","id","ns"} when a device connects with what it
 * has written;
 * {"event":"sync","device","ms","ok","error"}; {"event":"connected","device"} before what one receives that stays
 * connected (fleet.h); and {"event":"cut","device"} for one that was killed and is started again. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/fleet.h"
#include "tests/bench/measure.h"

enum {
    LIFE_MS = 60000,      /* after which a device is cut off, on average */
    REST_MS_MAX = 6000,   /* between two bouts of work */
    LIVE_MS_MAX = 8000,   /* connected at a stretch */
    WRITES_MAX = 3,       /* in a bout */
    DEVICES_A_PERSON = 2, /* as bench_devices makes them */
    SYNC_MS_MAX = 30000,
};

struct device {
    const char *dir;
    uint32_t number, territory;
    uint64_t dice; /* state of its generator */
    struct satchel *satchel;
    const volatile int *stop;
    char written[WRITES_MAX][SATCHEL_ID_SIZE]; /* in the last bout, not sent yet */
    uint32_t written_n;
};

static uint32_t roll(uint64_t *dice, uint32_t sides)
{
    *dice = *dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*dice >> 33) % sides;
}

static void rest(const struct device *device, uint32_t ms)
{
    for (uint32_t i = 0; i < ms / 50 && !*device->stop; i++) {
        struct timespec pause = {.tv_nsec = 50 * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

/* An account's note, which the others of the territory change too: conflicts come of it, and are part of the work. */
static int edit_account(struct device *device)
{
    char id[SATCHEL_ID_SIZE], note[80], fields[120];
    struct satchel_tx *tx = NULL;
    fleet_account(device->territory, roll(&device->dice, FLEET_ACCOUNTS), id);
    bench_text(device->dice, note, sizeof note);
    (void)snprintf(fields, sizeof fields, "{\"note\":\"%s\"}", note);
    int failed = satchel_begin(device->satchel, &tx);
    if (!failed) failed = satchel_put(tx, "account", id, NULL, fields, NULL);
    if (failed) satchel_rollback(tx);
    return failed ? failed : satchel_commit(tx);
}

static void write_some(struct device *device)
{
    uint32_t writes = 1 + roll(&device->dice, WRITES_MAX);
    device->written_n = 0;
    for (uint32_t i = 0; i < writes; i++) {
        char *id = device->written[device->written_n];
        if (roll(&device->dice, 4) == 0) {
            fleet_require(device->satchel, edit_account(device), "editing an account");
            continue;
        }
        fleet_require(device->satchel, fleet_visit(device->satchel, device->territory, device->dice, id),
                      "writing a visit");
        fleet_say("{\"event\":\"wrote\",\"device\":%" PRIu32 ",\"id\":\"%s\"}", device->number, id);
        device->written_n++;
    }
}

static void tell_sending(struct device *device)
{
    for (uint32_t i = 0; i < device->written_n; i++)
        fleet_say("{\"event\":\"sends\",\"device\":%" PRIu32 ",\"id\":\"%s\",\"ns\":%" PRIu64 "}", device->number,
                  device->written[i], bench_now_ns());
    device->written_n = 0;
}

static void sync_once(struct device *device)
{
    struct satchel_sync_result result;
    struct satchel_sync_options options = {.timeout_ms = SYNC_MS_MAX, .stop = device->stop};
    tell_sending(device);
    uint64_t began_ns = bench_now_ns();
    int failed = satchel_sync(device->satchel, &options, &result);
    if (failed && *device->stop) return;
    fleet_say("{\"event\":\"sync\",\"device\":%" PRIu32 ",\"ms\":%.3f,\"ok\":%s,\"error\":\"%s\"}", device->number,
              (double)(bench_now_ns() - began_ns) / 1e6, !failed && result.in_sync ? "true" : "false",
              failed ? satchel_error_of(device->satchel)->name : "");
}

static void stay_connected(struct device *device)
{
    struct satchel_sync_result result;
    struct satchel_sync_options options = {.live = 1,
                                           .timeout_ms = 1 + roll(&device->dice, LIVE_MS_MAX),
                                           .stop = device->stop,
                                           .event = fleet_tell_event,
                                           .event_context = &device->number};
    tell_sending(device);
    fleet_say("{\"event\":\"connected\",\"device\":%" PRIu32 "}", device->number);
    if (satchel_sync(device->satchel, &options, &result) && !*device->stop)
        fleet_say("{\"event\":\"sync\",\"device\":%" PRIu32 ",\"ms\":0,\"ok\":false,\"error\":\"%s\"}", device->number,
                  satchel_error_of(device->satchel)->name);
}

static int work(struct device device)
{
    char home[FLEET_PATH_MAX];
    fleet_path(device.dir, device.number, home);
    device.satchel = fleet_open(home);
    device.stop = fleet_stop();
    rest(&device, roll(&device.dice, REST_MS_MAX)); /* or all would begin at once */
    while (!*device.stop) {
        if (roll(&device.dice, 5)) write_some(&device);
        if (roll(&device.dice, 8)) sync_once(&device);
        if (roll(&device.dice, 2)) stay_connected(&device);
        rest(&device, roll(&device.dice, REST_MS_MAX));
    }
    satchel_close(device.satchel);
    return 0;
}

struct crew {
    struct device *devices;
    pid_t *children;
    uint32_t n;
};

static bool start_device(struct crew *crew, uint32_t i)
{
    (void)roll(&crew->devices[i].dice, 2); /* another life than the one before */
    crew->children[i] = fleet_fork();
    return crew->children[i] != 0;
}

/* Whether stdin has ended, after at most so long. */
static bool ended_within(int ms)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;
    return poll(&input, 1, ms) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void wait_for(const struct crew *crew, uint32_t i, bool killed)
{
    int status = 0;
    bench_require(waitpid(crew->children[i], &status, 0) == crew->children[i], "waiting for a device");
    if (status && !(killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        fleet_say("{\"event\":\"failed\",\"device\":%" PRIu32 ",\"status\":%d}", crew->devices[i].number, status);
}

/* As if its battery were taken out. */
static bool cut(struct crew *crew, uint32_t i)
{
    (void)kill(crew->children[i], SIGKILL);
    wait_for(crew, i, true);
    fleet_say("{\"event\":\"cut\",\"device\":%" PRIu32 "}", crew->devices[i].number);
    return start_device(crew, i);
}

static int work_all(struct crew *crew, uint64_t dice)
{
    for (uint32_t i = 0; i < crew->n; i++)
        if (!start_device(crew, i)) return work(crew->devices[i]);
    while (!ended_within(LIFE_MS / (int)crew->n)) {
        uint32_t i = roll(&dice, crew->n);
        if (!cut(crew, i)) return work(crew->devices[i]);
    }
    for (uint32_t i = 0; i < crew->n; i++) (void)kill(crew->children[i], SIGTERM);
    for (uint32_t i = 0; i < crew->n; i++) wait_for(crew, i, false);
    return 0;
}

static struct crew make_crew(char **argv, uint32_t territories, uint32_t first, uint32_t n, uint64_t seed)
{
    struct crew crew = {calloc(n, sizeof *crew.devices), calloc(n, sizeof *crew.children), n};
    bench_require(crew.devices && crew.children && n && territories, "a crew");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t number = first + i;
        crew.devices[i] = (struct device){.dir = argv[2],
                                          .number = number,
                                          .territory = number / DEVICES_A_PERSON % territories,
                                          .dice = seed * 1000003 + number};
    }
    return crew;
}

/* ---- Afterwards ---- */

static int settle(const char *dir, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        char home[FLEET_PATH_MAX];
        fleet_path(dir, i, home);
        struct device device = {.dir = dir, .number = i, .satchel = fleet_open(home), .stop = fleet_stop()};
        sync_once(&device);
        satchel_close(device.satchel);
    }
    return 0;
}

struct state {
    crypto_generichash_state hash;
    uint64_t rows;
};

static int add_row(void *context, const char *json)
{
    struct state *state = context;
    state->rows++;
    (void)crypto_generichash_update(&state->hash, (const uint8_t *)json, strlen(json));
    return 0;
}

static void tell_state(const char *dir, uint32_t number)
{
    char home[FLEET_PATH_MAX], *status = NULL, hex[33];
    uint8_t hash[16];
    struct state state = {.rows = 0};
    fleet_path(dir, number, home);
    struct satchel *satchel = fleet_open(home);
    (void)crypto_generichash_init(&state.hash, NULL, 0, sizeof hash);
    fleet_require(satchel, satchel_query(satchel, "SELECT * FROM visit ORDER BY id", add_row, &state),
                  "listing visits");
    fleet_require(satchel, satchel_query(satchel, "SELECT * FROM account ORDER BY id", add_row, &state),
                  "listing accounts");
    fleet_require(satchel, satchel_conflicts(satchel, add_row, &state), "listing conflicts");
    fleet_require(satchel, satchel_status(satchel, &status), "the status");
    (void)crypto_generichash_final(&state.hash, hash, sizeof hash);
    (void)sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    printf("{\"device\":%" PRIu32 ",\"rows\":%" PRIu64 ",\"hash\":\"%s\",\"status\":%s}\n", number, state.rows, hex,
           status);
    satchel_free(status);
    satchel_close(satchel);
}

static uint32_t number_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "work") == 0 && argc == 7) {
        struct crew crew =
            make_crew(argv, number_of(argv[3]), number_of(argv[4]), number_of(argv[5]), number_of(argv[6]));
        int code = work_all(&crew, number_of(argv[6]));
        free(crew.devices);
        free(crew.children);
        return code;
    }
    if (strcmp(command, "settle") == 0 && argc == 5) return settle(argv[2], number_of(argv[3]), number_of(argv[4]));
    bench_require(strcmp(command, "state") == 0 && argc == 5,
                  "bench_soak work DIR TERRITORIES FIRST COUNT SEED | settle DIR FIRST "
                  "COUNT | state DIR FIRST COUNT");
    for (uint32_t i = 0; i < number_of(argv[4]); i++) tell_state(argv[2], number_of(argv[3]) + i);
    return 0;
}
