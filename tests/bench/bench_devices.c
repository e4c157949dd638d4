/* Devices for measuring the server with, through the public library.
 *
 *   bench_devices make URL PIN TOKEN DIR TERRITORIES DEVICES
 *                                  an org with an admin, territories T0, T1 … with their accounts, and devices, two a
 *                                  person, who work in the territories in turn
 *   bench_devices idle DIR FIRST COUNT
 *                                  that many devices connected, saying when each is in sync, until stdin ends
 *   bench_devices read HOME        one, telling what it receives, until stdin ends
 *   bench_devices sync HOME COUNT  syncs so many times: {"ns"} each
 *   bench_devices write HOME COUNT MS
 *                                  writes visits, one every so many milliseconds, and connects for each:
 *                                  {"id","begin_ns","committed_ns","synced_ns"}
 *   bench_devices stay HOME COUNT MS
 *                                  the same over one connection that stays
 *   bench_devices rotate HOME TERRITORY COUNT
 *                                  changes a territory's key so many times */
#define _GNU_SOURCE
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/connection.h"
#include "tests/bench/fleet.h"
#include "tests/bench/measure.h"

enum { DAY_MS = 24 * 3600 * 1000, DEVICES_A_PERSON = 2 };

static uint32_t number_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static void pause_ms(uint32_t ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Until whoever started us is done with us. */
static void wait_for_end(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {}
}

/* ---- make ---- */

struct making {
    const char *url, *pin, *token, *dir;
    uint32_t territories, devices;
    struct satchel *admin;
};

static void make_org(struct making *making)
{
    char home[FLEET_PATH_MAX], *kit = NULL;
    struct satchel_open_options open_options = fleet_open_options();
    struct satchel_create_options options = {
        .server_url = making->url,
        .pin = making->pin,
        .token = {making->token, strlen(making->token)},
        .org_name = "Bench",
        .user_name = "Admin",
        .recovery_kit = &kit,
    };
    struct satchel_error error = {0};
    (void)snprintf(home, sizeof home, "%s/admin", making->dir);
    if (satchel_org_create(home, &open_options, &options, &making->admin, &error)) bench_require(false, error.message);
    satchel_free(kit);
}

static void make_territory(struct making *making, uint32_t territory)
{
    char name[32], id[SATCHEL_ID_SIZE], fields[64];
    struct satchel_tx *tx = NULL;
    (void)snprintf(name, sizeof name, "T%" PRIu32, territory);
    fleet_require(making->admin, satchel_territory_add(making->admin, name), "adding a territory");
    int failed = satchel_begin(making->admin, &tx);
    for (uint32_t i = 0; i < FLEET_ACCOUNTS && !failed; i++) {
        fleet_account(territory, i, id);
        (void)snprintf(fields, sizeof fields, "{\"name\":\"Shop %" PRIu32 "\",\"city\":\"Lyon\"}", i);
        failed = satchel_put(tx, "account", id, name, fields, NULL);
    }
    if (!failed) failed = satchel_commit(tx);
    fleet_require(making->admin, failed, "writing accounts");
}

static void make_person(struct making *making, uint32_t person, char **codes)
{
    char name[32], territory[32];
    (void)snprintf(name, sizeof name, "Rep %" PRIu32, person);
    (void)snprintf(territory, sizeof territory, "T%" PRIu32, person % making->territories);
    fleet_require(making->admin, satchel_user_add(making->admin, name, "rep"), "adding a person");
    fleet_require(making->admin, satchel_territory_grant(making->admin, territory, name, 0), "granting");
    for (uint32_t i = person * DEVICES_A_PERSON; i < (person + 1) * DEVICES_A_PERSON && i < making->devices; i++)
        fleet_require(making->admin, satchel_invite(making->admin, name, DAY_MS, &codes[i]), "inviting");
}

static void join(const struct making *making, uint32_t number, const char *code)
{
    char home[FLEET_PATH_MAX];
    struct satchel *device = NULL;
    struct satchel_error error = {0};
    struct satchel_sync_result result;
    struct satchel_open_options open_options = fleet_open_options();
    struct satchel_join_options options = {.code = code, .device_name = "bench"};
    fleet_path(making->dir, number, home);
    if (satchel_join(home, &open_options, &options, &device, &error)) bench_require(false, error.message);
    fleet_require(device, satchel_sync(device, NULL, &result), "the first sync");
    satchel_close(device);
}

static int make(struct making making)
{
    struct satchel_sync_result result;
    make_org(&making);
    for (uint32_t i = 0; i < making.territories; i++) make_territory(&making, i);
    fleet_require(making.admin, satchel_sync(making.admin, NULL, &result), "syncing");
    /* All links but the joins come first: whoever joins early has to catch up with as few as possible. */
    char **codes = calloc(making.devices, sizeof *codes);
    bench_require(codes != NULL, "memory");
    for (uint32_t i = 0; i * DEVICES_A_PERSON < making.devices; i++) make_person(&making, i, codes);
    for (uint32_t i = 0; i < making.devices; i++) {
        join(&making, i, codes[i]);
        satchel_free(codes[i]);
    }
    free(codes);
    satchel_close(making.admin);
    return 0;
}

/* ---- idle, read ---- */

static int stay_connected(const char *home, uint32_t number)
{
    struct satchel *satchel = fleet_open(home);
    struct satchel_sync_result result;
    struct satchel_sync_options options = {
        .live = 1, .stop = fleet_stop(), .event = fleet_tell_event, .event_context = &number};
    while (satchel_sync(satchel, &options, &result)) { /* as an application does: a while later again */
        if (*options.stop) break;
        fleet_say("{\"event\":\"again\",\"device\":%" PRIu32 ",\"error\":\"%s\"}", number,
                  satchel_error_of(satchel)->name);
        pause_ms(200 + number % 10 * 100);
    }
    satchel_close(satchel);
    return 0;
}

static int idle(const char *dir, uint32_t first, uint32_t count)
{
    pid_t *children = calloc(count, sizeof *children);
    bench_require(children != NULL, "memory");
    for (uint32_t i = 0; i < count; i++) {
        char home[FLEET_PATH_MAX];
        fleet_path(dir, first + i, home);
        children[i] = fleet_fork();
        if (children[i] == 0) return stay_connected(home, first + i);
    }
    wait_for_end();
    int failed = 0;
    for (uint32_t i = 0; i < count; i++) (void)kill(children[i], SIGTERM);
    for (uint32_t i = 0; i < count; i++) {
        int status = 0;
        if (waitpid(children[i], &status, 0) != children[i] || status) failed = 1;
    }
    free(children);
    return failed;
}

static int read_live(const char *home)
{
    pid_t child = fleet_fork();
    if (child == 0) return stay_connected(home, 0);
    wait_for_end();
    int status = 0;
    (void)kill(child, SIGTERM);
    return waitpid(child, &status, 0) != child || status;
}

/* ---- write ---- */

static int write_some(const char *home, uint32_t count, uint32_t ms, bool stay)
{
    struct satchel *satchel = fleet_open(home);
    struct connection *connection = stay ? connection_open(satchel) : NULL;
    struct satchel_sync_result result;
    char id[SATCHEL_ID_SIZE];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t begin_ns = bench_now_ns();
        fleet_require(satchel, fleet_visit(satchel, 0, i, id), "writing");
        uint64_t committed_ns = bench_now_ns();
        if (stay)
            connection_sync(connection);
        else
            fleet_require(satchel, satchel_sync(satchel, NULL, &result), "syncing");
        fleet_say("{\"id\":\"%s\",\"begin_ns\":%" PRIu64 ",\"committed_ns\":%" PRIu64 ",\"synced_ns\":%" PRIu64 "}", id,
                  begin_ns, committed_ns, bench_now_ns());
        if (stay)
            connection_rest(connection, ms);
        else
            pause_ms(ms);
    }
    if (stay) connection_close(connection);
    satchel_close(satchel);
    return 0;
}

static int sync_often(const char *home, uint32_t count)
{
    struct satchel *satchel = fleet_open(home);
    struct satchel_sync_result result;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t begin_ns = bench_now_ns();
        fleet_require(satchel, satchel_sync(satchel, NULL, &result), "syncing");
        fleet_say("{\"ns\":%" PRIu64 "}", bench_now_ns() - begin_ns);
    }
    satchel_close(satchel);
    return 0;
}

static int rotate_often(const char *home, const char *territory, uint32_t count)
{
    struct satchel *satchel = fleet_open(home);
    for (uint32_t i = 0; i < count; i++) fleet_require(satchel, satchel_rotate(satchel, territory), "changing a key");
    satchel_close(satchel);
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "make") == 0 && argc == 8) {
        bench_require(mkdir(argv[5], 0700) == 0, "a new directory");
        return make((struct making){.url = argv[2],
                                    .pin = argv[3],
                                    .token = argv[4],
                                    .dir = argv[5],
                                    .territories = number_of(argv[6]),
                                    .devices = number_of(argv[7])});
    }
    if (strcmp(command, "idle") == 0 && argc == 5) return idle(argv[2], number_of(argv[3]), number_of(argv[4]));
    if (strcmp(command, "read") == 0 && argc == 3) return read_live(argv[2]);
    if (strcmp(command, "sync") == 0 && argc == 4) return sync_often(argv[2], number_of(argv[3]));
    if ((strcmp(command, "write") == 0 || strcmp(command, "stay") == 0) && argc == 5)
        return write_some(argv[2], number_of(argv[3]), number_of(argv[4]), strcmp(command, "stay") == 0);
    if (strcmp(command, "rotate") == 0 && argc == 5) return rotate_often(argv[2], argv[3], number_of(argv[4]));
    bench_require(false,
                  "bench_devices make URL PIN TOKEN DIR TERRITORIES DEVICES | idle DIR FIRST COUNT | read HOME | "
                  "sync HOME COUNT | write HOME COUNT MS | stay HOME COUNT MS | rotate HOME TERRITORY COUNT");
    return 1;
}
