/* One story, told by the library's own functions: an org is founded, people join, write, sync, disagree, agree, are put
 * out. Ann's, Ben's and Cleo's homes and the server are in one process; their stores are on a disk each, in memory.
 *
 * Every step can be told again after it failed, as a person would, and then what it was to do is done. Whatever a call
 * acknowledged is remembered by the story's end, which looks for all of it. */
#ifndef TESTS_FAULTS_STORY_H
#define TESTS_FAULTS_STORY_H

#include "client/handle.h"
#include "common/sync/host.h"
#include "tests/faults/vfs.h"

enum party { ANN, BEN, CLEO, PEOPLE, SERVER = PEOPLE, PARTIES };

enum death { ALIVE, DIED_BY_CRASH, DIED_OF_MEMORY, DIED_BY_CHECK };

struct story {
    const struct story_plot *plot;
    struct vfs *vfs;
    struct vfs_disk *disks[PARTIES];
    struct satchel *of[PEOPLE];
    bool member[PEOPLE]; /* has a whole home */
    struct sat_store *store;
    struct sat_host *host;
    struct sat_sign_key key;
    char pin[65], code[PEOPLE][2048];
    uint64_t peers, now_ms;
    struct sat_entropy_stream entropy_state;
    struct sat_entropy entropy;
    bool again;                 /* the step has been tried before */
    bool troubled;              /* something has failed, in this step or before it */
    bool compacted;             /* the server had forgotten all when Cleo came back */
    enum sat_err host_err;      /* of the server's last step that failed */
    struct satchel_error error; /* of the step's last call */
    enum death death;
    char died_of[200];
};

struct story_step {
    const char *name;
    enum party who;
    int (*tell)(struct story *story, enum party who); /* 0 or the number of the error, in story->error */
};
struct story_plot {
    const char *name;
    const struct story_step *steps;
    uint32_t n;
    enum party people; /* those before are there at the end */
    bool maintains;    /* the server forgets, as one does that has nothing better to do */
    /* Everything that the calls acknowledged is there, as it should be. */
    bool (*holds_all)(struct story *story, enum party who, char *said, size_t size);
};
extern const struct story_plot story_everyday, story_forgetting, story_copied;

void story_begin(struct story *story, const struct story_plot *plot, uint64_t seed);
void story_end(struct story *story);

/* Tells a step in a thread of its own, whose end is that of the process which the step's teller is. Its result, or -1:
 * it died, see story->death. `armed` is called in the thread before the step, `disarmed` after it if it lived. */
int story_tell(struct story *story, const struct story_step *step, void (*armed)(void *), void (*disarmed)(void *),
               void *context);

/* Whoever died or whose disk did begins anew on what is left: opens the home, or the server. False: one of them cannot,
 * and story->error says why. */
bool story_recover(struct story *story, const struct story_step *step);

/* The end: all sync, hold the same and everything that was acknowledged, and their stores are whole; also after all
 * have been closed and opened. False: `said` tells what is missing. */
bool story_check(struct story *story, char *said, size_t size);

#endif
