#define _GNU_SOURCE
#include "tests/faults/story.h"

#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/home.h"
#include "common/base/check.h"
#include "common/sync/inspect.h"
#include "tests/faults/acts.h"
#include "tests/faults/alloc.h"
#include "tests/faults/server.h"

enum { FDS_MAX = 64 };

/* The linker sends these here, so that a story is the same each time it is told, and its ends can be told apart. */
struct sat_entropy __wrap_sat_entropy_system(void);
uint64_t __wrap_client_now_ms(void);
_Noreturn void __wrap_sat_check_failed(const char *what, const char *file, int line);
_Noreturn void __wrap_sat_no_memory(void);

static struct story *the_story;

struct sat_entropy __wrap_sat_entropy_system(void)
{
    return the_story->entropy;
}

uint64_t __wrap_client_now_ms(void)
{
    return the_story->now_ms++;
}

/* ---- Dying ---- */

static _Noreturn void die(enum death death)
{
    (void)alloc_disarm();
    the_story->death = death;
    pthread_exit(NULL);
}

_Noreturn void __wrap_sat_check_failed(const char *what, const char *file, int line)
{
    (void)alloc_disarm();
    (void)snprintf(the_story->died_of, sizeof the_story->died_of, "%s (%s:%d)", what, file, line);
    die(DIED_BY_CHECK);
}

_Noreturn void __wrap_sat_no_memory(void)
{
    die(DIED_OF_MEMORY);
}

/* A server whose disk stops goes on for the few steps that it takes to notice; nothing of them is seen. A device is
 * gone at once. */
static void crashed(void *context, struct vfs_disk *disk)
{
    struct story *story = context;
    if (disk != story->disks[SERVER]) die(DIED_BY_CRASH);
}

struct telling {
    struct story *story;
    const struct story_step *step;
    void (*armed)(void *);
    void (*disarmed)(void *);
    void *context;
    int result;
};

static void *tell(void *context)
{
    struct telling *telling = context;
    telling->story->error = (struct satchel_error){0};
    if (telling->armed) telling->armed(telling->context);
    telling->result = telling->step->tell(telling->story, telling->step->who);
    if (telling->disarmed) telling->disarmed(telling->context);
    return NULL;
}

static void note_fds(bool open[FDS_MAX])
{
    for (int fd = 3; fd < FDS_MAX; fd++) open[fd] = fcntl(fd, F_GETFD) >= 0;
}

int story_tell(struct story *story, const struct story_step *step, void (*armed)(void *), void (*disarmed)(void *),
               void *context)
{
    struct telling telling = {story, step, armed, disarmed, context, -1};
    bool open_before[FDS_MAX] = {0}, open_now[FDS_MAX] = {0};
    pthread_t thread;
    note_fds(open_before);
    story->death = ALIVE;
    story->host_err = SAT_OK;
    sat_check(pthread_create(&thread, NULL, tell, &telling) == 0);
    sat_check(pthread_join(thread, NULL) == 0);
    if (getenv("V"))
        (void)printf("  %s: %d %s%s\n", step->name, telling.result, story->error.message,
                     story->death ? " (died)" : "");
    if (story->death == ALIVE) return telling.result;
    /* The system closes what a process that ends had open, and with it goes the lock on its home. */
    note_fds(open_now);
    for (int fd = 3; fd < FDS_MAX; fd++)
        if (open_now[fd] && !open_before[fd]) (void)close(fd);
    return -1;
}

/* ---- Beginning and ending ---- */

static const char *const homes[PEOPLE] = {"ann", "ben", "cleo"};

const char *story_home(enum party who)
{
    return homes[who];
}

struct satchel_open_options story_options(void)
{
    static const char passphrase[] = "correct horse";
    return (struct satchel_open_options){.passphrase = {passphrase, sizeof passphrase - 1}, .weak_kdf = 1};
}

static void *nothing(void *context)
{
    (void)context;
    pthread_exit(NULL);
}

void story_begin(struct story *story, const struct story_plot *plot, uint64_t seed)
{
    sat_check(sodium_init() >= 0);
    *story = (struct story){.plot = plot, .now_ms = 1800000000000};
    the_story = story;
    story->entropy = sat_entropy_seeded(&story->entropy_state, seed);
    uint8_t secret[32];
    struct sat_public_key pin;
    sat_entropy_fill(&story->entropy, secret, sizeof secret);
    sat_sign_keypair(secret, &pin, &story->key);
    sat_hex_format(pin.b, sizeof pin.b, story->pin);
    story->vfs = vfs_new(seed);
    vfs_on_crash(story->vfs, crashed, story);
    for (int i = 0; i < PEOPLE; i++) {
        char prefix[32];
        (void)snprintf(prefix, sizeof prefix, "%s/", homes[i]);
        story->disks[i] = vfs_disk(story->vfs, prefix);
    }
    story->disks[SERVER] = vfs_disk(story->vfs, SERVER_STORE);
    server_is_of(story);
    pthread_t thread; /* what ending one needs is loaded now, and not when there is no memory */
    sat_check(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
}

void story_end(struct story *story)
{
    for (int i = 0; i < PEOPLE; i++) satchel_close(story->of[i]);
    server_close(story);
    vfs_free(story->vfs);
}

/* ---- Recovering ---- */

static void forget_home(struct story *story, enum party who)
{
    client_home_remove(homes[who], true);
    vfs_wipe(story->vfs, story->disks[who]);
}

static bool reopen(struct story *story, enum party who)
{
    struct satchel_open_options options = story_options();
    return satchel_open(homes[who], &options, &story->of[who], &story->error) == SATCHEL_OK;
}

static void lose_process(struct story *story, enum party who)
{
    if (story->of[who] && story->of[who]->lock >= 0) (void)close(story->of[who]->lock);
    story->of[who] = NULL;
    story->host = NULL;
    story->store = NULL;
}

/* A store that a failed call removed: of the home it is the file's name, on the disk what was in it. */
static void remove_with_home(struct story *story, enum party who)
{
    if (!story->of[who] && !client_home_has(homes[who], "store.db")) vfs_wipe(story->vfs, story->disks[who]);
}

bool story_recover(struct story *story, const struct story_step *step)
{
    enum party who = step->who;
    if (story->disks[SERVER]->dead && story->death == ALIVE) server_close(story);
    if (story->death != ALIVE) lose_process(story, who);
    if (!story->host) vfs_restart(story->vfs, story->disks[SERVER]);
    if (!story->of[who]) vfs_restart(story->vfs, story->disks[who]);
    for (int i = 0; i < PARTIES; i++) vfs_plan(story->disks[i], (struct vfs_plan){0});
    remove_with_home(story, who);
    if (!story->member[ANN]) { /* an org that was founded without its founder's knowing is not his, nor is its home */
        server_close(story);
        vfs_wipe(story->vfs, story->disks[SERVER]);
        forget_home(story, ANN);
        return true;
    }
    if (!story->host) {
        enum sat_err err = server_open(story);
        if (err) return (void)snprintf(story->error.message, 100, "the server: %s", sat_err_name(err)), false;
    }
    return story->of[who] || !story->member[who] || reopen(story, who);
}

/* ---- Checking ---- */

static bool sync_all(struct story *story, char *said, size_t size)
{
    for (int round = 0; round < 3; round++) {
        for (int i = ANN; i < (int)story->plot->people; i++) {
            struct satchel_sync_result result;
            if (satchel_sync(story->of[i], NULL, &result) || (round > 0 && !result.in_sync)) {
                (void)snprintf(said, size, "%s does not get in sync: %s", homes[i],
                               satchel_error_of(story->of[i])->message);
                return false;
            }
        }
    }
    return true;
}

static void on_found(void *context, enum sat_check check, const char *text)
{
    char *said = context;
    if (!said[0]) (void)snprintf(said, 300, "the server's store: %s: %s", sat_check_name(check), text);
}

static bool server_is_whole(struct story *story, char *said)
{
    struct sat_directory directory;
    struct sat_inspection_result result;
    struct sat_inspection inspection = {.store = story->store, .found = on_found, .context = said};
    sat_directory_init(&directory);
    enum sat_err err = sat_inspect(&inspection, &directory, &result);
    sat_directory_deinit(&directory);
    if (err) (void)snprintf(said, 300, "the server's store is not inspected: %s", sat_err_name(err));
    return !said[0];
}

static int on_row(void *context, const char *json)
{
    char *said = context;
    if (strstr(json, "\"damage\"") && !said[0]) (void)snprintf(said, 300, "%s", json);
    return 0;
}

static bool home_is_whole(struct story *story, enum party who, char *said)
{
    struct satchel_open_options options = story_options();
    satchel_close(story->of[who]);
    story->of[who] = NULL;
    if (satchel_doctor(homes[who], &options, on_row, said, &story->error)) {
        if (!said[0]) (void)snprintf(said, 300, "%s: doctor: %.250s", homes[who], story->error.message);
        return false;
    }
    if (reopen(story, who)) return true;
    (void)snprintf(said, 300, "%s does not open again: %.200s", homes[who], story->error.message);
    return false;
}

bool story_check(struct story *story, char *said, size_t size)
{
    sat_check(size >= 400);
    said[0] = 0;
    if (!sync_all(story, said, size)) return false;
    for (int i = ANN; i < (int)story->plot->people; i++)
        if (!story->plot->holds_all(story, (enum party)i, said, size)) return false;
    for (int i = ANN; i < (int)story->plot->people; i++)
        if (!home_is_whole(story, (enum party)i, said)) return false;
    server_close(story);
    if (server_open(story)) return (void)snprintf(said, size, "the server does not open again"), false;
    if (!server_is_whole(story, said)) return false;
    for (int i = ANN; i < (int)story->plot->people; i++)
        if (!story->plot->holds_all(story, (enum party)i, said, size)) return false;
    return sync_all(story, said, size);
}
