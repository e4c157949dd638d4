/* A fleet of homes for measuring: an admin's home DIR/admin and devices' homes DIR/d0000, DIR/d0001 … with their
 * passphrases hashed at the minimum, driven through the public library, one process for each so that any of them can be
 * cut off at any time. What they tell is one JSON line each on stdout, and no line is torn by another process's. */
#ifndef TESTS_BENCH_FLEET_H
#define TESTS_BENCH_FLEET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/include/satchel.h"

#define FLEET_PASSPHRASE "bench"
#define FLEET_PATH_MAX 512

struct satchel_open_options fleet_open_options(void);
void fleet_path(const char *dir, uint32_t number, char out[FLEET_PATH_MAX]);
/* Opens a home, or ends the program. */
struct satchel *fleet_open(const char *home);
/* Ends the program with the handle's last error unless `failed` is 0. */
void fleet_require(const struct satchel *satchel, int failed, const char *what);

/* The id of account `number` of a territory: the same on every run, so that all know it without asking. */
enum { FLEET_ACCOUNTS = 20 }; /* in each territory */
void fleet_account(uint32_t territory, uint32_t number, char out[SATCHEL_ID_SIZE]);
/* Writes one visit and commits it; the id is in `id`. Gives the error's number. */
int fleet_visit(struct satchel *satchel, uint32_t territory, uint64_t seed, char id[SATCHEL_ID_SIZE]);

/* Prints a line at once. */
void fleet_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An event listener that prints {"event":"record","id","ns"} and {"event":"in_sync","ns"}; the context is the device's
 * number. */
void fleet_tell_event(void *context, const struct satchel_event *event);

/* A stop that SIGTERM sets, for satchel_sync(). */
const volatile int *fleet_stop(void);
/* A child process that dies with its parent; 0 in the child. */
pid_t fleet_fork(void);

#endif
