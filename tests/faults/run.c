#define _GNU_SOURCE
#include "tests/faults/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/check.h"
#include "tests/faults/alloc.h"

#ifdef __SANITIZE_ADDRESS__
int __lsan_do_recoverable_leak_check(void);
#define leaks() __lsan_do_recoverable_leak_check()
/* The dynamic loader's own, when the first thread is ended. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:_dl_map_object_deps";
}
__attribute__((visibility("default"))) const char *__lsan_default_options(void);
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#else
#define leaks() 0
#endif

enum {
    JOBS_MAX = 8,
    ATTEMPTS = 3,
    HANGS_S = 120,
    TRACED_MAX = 1 << 17,
    PATHS_MAX = 1 << 18,
    STEPS_MAX = 64,
    EARLY = 8
};

enum verdict { NOTHING_SAID, DID_NOT_FIRE, FINE, WRONG };

struct answer { /* of a copy of the process */
    enum verdict verdict;
    bool failed, died;
    uint64_t counted;
    char said[600];
};

struct attempt {
    struct story *story;
    const struct fault *fault;
    uint64_t n; /* 0: only count */
    uint64_t counted, fired;
};

/* ---- The failure ---- */

static void arm(void *context)
{
    struct attempt *attempt = context;
    const struct fault *fault = attempt->fault;
    uint64_t count = fault->lasting ? UINT64_MAX : 1;
    if (fault->disk == PARTIES) {
        alloc_arm(attempt->n, count);
        return;
    }
    vfs_plan(attempt->story->disks[fault->disk],
             (struct vfs_plan){attempt->n ? fault->fault : VFS_NO_FAULT, fault->operations, attempt->n, count});
}

static void disarm(void *context)
{
    struct attempt *attempt = context;
    if (attempt->fault->disk == PARTIES) attempt->counted = alloc_disarm();
}

static void note(struct attempt *attempt)
{
    if (attempt->fault->disk == PARTIES) { /* counted in a thread that may have died: then it fired */
        attempt->fired = attempt->story->death != ALIVE || (attempt->n && attempt->counted >= attempt->n);
        return;
    }
    const struct vfs_disk *disk = attempt->story->disks[attempt->fault->disk];
    attempt->counted = disk->counted;
    attempt->fired = disk->fired;
}

/* ---- One copy ---- */

/* What may be said of it: what the one says whose memory or disk it is; and what one hears of the other's. */
static bool is_documented(const struct attempt *attempt, int error)
{
    const struct fault *fault = attempt->fault;
    enum sat_err host_err = attempt->story->host_err;
    bool of_others = error == SAT_ERR_CLOSED || error == SAT_ERR_BUSY || error == SAT_ERR_TIMED_OUT;
    enum sat_err expected = fault->disk == PARTIES     ? SAT_ERR_NO_MEMORY
                            : fault->fault == VFS_FULL ? SAT_ERR_DISK_FULL
                                                       : SAT_ERR_IO;
    /* Of a commit's sync SQLite does not say why it failed. */
    bool as_well = fault->fault == VFS_FULL && error == SAT_ERR_IO;
    bool crash = fault->fault == VFS_CRASH && fault->disk == SERVER;
    bool host_fine = host_err == SAT_OK || host_err == expected || crash || fault->fault == VFS_FULL;
    return host_fine && (error == (int)expected || as_well || of_others || error == SAT_ERR_STALE);
}

static bool say(struct answer *answer, const struct story_step *step, const char *what, const struct story *story)
{
    (void)snprintf(answer->said, sizeof answer->said, "%s: %s: %.300s (%s)", step->name, what, story->error.message,
                   story->error.name ? story->error.name : "");
    answer->verdict = WRONG;
    return false;
}

/* The step is told again, as often as a person would have to. */
static bool repeat(struct attempt *attempt, const struct story_step *step, struct answer *answer)
{
    struct story *story = attempt->story;
    story->again = true;
    for (int i = 0; i < ATTEMPTS; i++) {
        int result = story_tell(story, step, NULL, NULL, NULL);
        if (result == 0) return true;
        if (result < 0) return say(answer, step, "told again, it died", story);
        if (!story_recover(story, step)) return say(answer, step, "recovered again", story);
    }
    return say(answer, step, "told again, it fails", story);
}

static bool try_step(struct attempt *attempt, const struct story_step *step, struct answer *answer)
{
    struct story *story = attempt->story;
    story->again = false;
    int result = story_tell(story, step, arm, disarm, attempt);
    note(attempt);
    answer->failed = result > 0;
    answer->died = result < 0;
    answer->counted = attempt->counted;
    story->troubled = attempt->fired;
    if (!attempt->fired) {
        answer->verdict = DID_NOT_FIRE;
        if (result != 0) return say(answer, step, "nothing failed, and it does", story);
        return false;
    }
    if (story->death == DIED_BY_CHECK) {
        (void)snprintf(story->error.message, sizeof story->error.message, "%s", story->died_of);
        return say(answer, step, "a check failed", story);
    }
    if (story->death == DIED_OF_MEMORY && attempt->fault->disk != PARTIES)
        return say(answer, step, "there was memory, and it ended for want of it", story);
    if (result > 0 && !is_documented(attempt, result)) return say(answer, step, "not the error for that", story);
    if (!story_recover(story, step)) return say(answer, step, "afterwards a store does not open", story);
    return result == 0 || repeat(attempt, step, answer);
}

static void tell_rest(struct attempt *attempt, uint32_t from, struct answer *answer)
{
    struct story *story = attempt->story;
    const struct story_plot *plot = story->plot;
    char said[400];
    if (!try_step(attempt, &plot->steps[from], answer)) return;
    bool died = answer->died;
    for (uint32_t i = from + 1; i < plot->n; i++) {
        story->again = false;
        if (story_tell(story, &plot->steps[i], NULL, NULL, NULL) != 0) {
            (void)say(answer, &plot->steps[i], "a later step fails", story);
            return;
        }
    }
    answer->verdict = FINE;
    if (!story_check(story, said, sizeof said)) {
        (void)snprintf(answer->said, sizeof answer->said, "%s: at the end: %s", plot->steps[from].name, said);
        answer->verdict = WRONG;
    }
    if (died) return; /* with the process went what it had */
    story_end(story);
    if (leaks()) {
        (void)snprintf(answer->said, sizeof answer->said, "%s: something leaks", plot->steps[from].name);
        answer->verdict = WRONG;
    }
}

/* ---- Directories ---- */

static void copy_file(const char *from, const char *to)
{
    char bytes[16384];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    sat_check(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, bytes, sizeof bytes)) > 0;) sat_check(write(out, bytes, (size_t)n) == n);
    (void)close(in);
    (void)close(out);
}

static void copy_homes(const char *to)
{
    static const char *const homes[] = {"ann", "ben", "cleo"};
    sat_check(mkdir(to, 0700) == 0);
    for (int i = 0; i < PEOPLE; i++) {
        DIR *dir = opendir(homes[i]);
        if (!dir) continue;
        char path[600], old[600];
        (void)snprintf(path, sizeof path, "%s/%s", to, homes[i]);
        sat_check(mkdir(path, 0700) == 0);
        for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
            if (entry->d_name[0] == '.') continue;
            (void)snprintf(path, sizeof path, "%s/%s/%.200s", to, homes[i], entry->d_name);
            (void)snprintf(old, sizeof old, "%s/%.200s", homes[i], entry->d_name);
            copy_file(old, path);
        }
        (void)closedir(dir);
    }
}

static void remove_tree(const char *path)
{
    char command[700];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", path);
    sat_check(system(command) == 0);
}

/* ---- Copies of the process ---- */

struct seen {
    uint64_t path;
    uint32_t times; /* 0: the place is free */
};

struct copies {
    struct run *run;
    struct story story;
    char root[64];
    uint32_t step;
    struct answer *answers; /* shared by all */
    uint64_t *paths;        /* likewise: of the allocations in this step, see alloc_trace() */
    struct seen *seen;
    struct {
        pid_t pid;
        uint64_t n;
    } at[JOBS_MAX];
    uint64_t counted; /* in this step */
};

static void be_a_copy(struct copies *copies, uint32_t place, uint64_t n)
{
    char dir[100];
    struct answer *answer = &copies->answers[place];
    (void)snprintf(dir, sizeof dir, "%s/copy%u", copies->root, place);
    copy_homes(dir);
    sat_check(chdir(dir) == 0);
    (void)alarm(HANGS_S);
    struct attempt attempt = {.story = &copies->story, .fault = copies->run->fault, .n = n};
    if (n == 0 && copies->run->all) alloc_trace(copies->paths, TRACED_MAX);
    tell_rest(&attempt, copies->step, answer);
    _exit(0);
}

static void complain(const struct copies *copies, uint64_t n, const char *said)
{
    const struct run *run = copies->run;
    if (++copies->run->wrong > 20) return;
    (void)printf("%s, failure %llu of step %u: %s\n    again: PLOT=%s FAULT='%s' SEED=%llu STEP=%u N=%llu\n",
                 run->fault->name, (unsigned long long)n, copies->step, said, run->plot->name, run->fault->name,
                 (unsigned long long)run->seed, copies->step, (unsigned long long)n);
    (void)fflush(stdout);
}

static void collect(struct copies *copies, uint32_t place, int status)
{
    struct run *run = copies->run;
    const struct answer *answer = &copies->answers[place];
    uint64_t n = copies->at[place].n;
    char dir[100];
    (void)snprintf(dir, sizeof dir, "%s/copy%u", copies->root, place);
    remove_tree(dir);
    copies->at[place].pid = 0;
    if (n == 0) {
        copies->counted = answer->counted;
        if (answer->verdict == WRONG) complain(copies, n, answer->said);
        return;
    }
    run->tried++;
    run->failed_calls += answer->failed;
    run->ended_processes += answer->died;
    if (WIFSIGNALED(status)) {
        char text[80];
        (void)snprintf(text, sizeof text, "killed by signal %d", WTERMSIG(status));
        complain(copies, n, text);
    } else if (WEXITSTATUS(status) || answer->verdict == NOTHING_SAID) {
        complain(copies, n, "the process ended");
    } else if (answer->verdict == WRONG) {
        complain(copies, n, answer->said);
    }
}

static void wait_for_one(struct copies *copies)
{
    int status;
    pid_t pid = wait(&status);
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        if (copies->at[i].pid == pid) collect(copies, i, status);
}

static uint32_t under_way(const struct copies *copies)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < JOBS_MAX; i++) n += copies->at[i].pid > 0;
    return n;
}

static void start(struct copies *copies, uint64_t n)
{
    while (under_way(copies) >= copies->run->jobs) wait_for_one(copies);
    uint32_t place = 0;
    while (copies->at[place].pid) place++;
    copies->answers[place] = (struct answer){0};
    (void)fflush(NULL);
    pid_t pid = fork();
    sat_check(pid >= 0);
    if (pid == 0) be_a_copy(copies, place, n);
    copies->at[place].pid = pid;
    copies->at[place].n = n;
}

static void wait_for_all(struct copies *copies)
{
    while (under_way(copies)) wait_for_one(copies);
}

/* ---- All of them ---- */

/* How often a path was met, in this step or before. */
static uint32_t *met(struct copies *copies, uint64_t path)
{
    uint64_t place = path % PATHS_MAX;
    while (copies->seen[place].times && copies->seen[place].path != path) place = (place + 1) % PATHS_MAX;
    copies->seen[place].path = path;
    return &copies->seen[place].times;
}

static void try_all(struct copies *copies)
{
    struct run *run = copies->run;
    for (uint64_t n = 1; n <= copies->counted; n++) {
        if (run->fault->disk == PARTIES && n <= TRACED_MAX) {
            uint32_t *times = met(copies, copies->paths[n - 1]);
            run->paths += *times == 0;
            sat_check(run->paths < PATHS_MAX / 2);
            if ((*times)++ > run->again) continue;
        }
        start(copies, n);
    }
}

static void try_some(struct copies *copies, struct sat_entropy *dice, uint32_t tries)
{
    uint64_t n = copies->counted;
    for (uint32_t i = 0; i < tries && n; i++) {
        uint64_t random[2];
        sat_entropy_fill(dice, random, sizeof random);
        uint64_t among = random[1] % 4 == 0 && n > EARLY ? EARLY : n;
        start(copies, 1 + random[0] % among);
    }
}

static void try_failures(struct copies *copies, struct sat_entropy *dice, uint32_t tries)
{
    copies->counted = 0;
    start(copies, 0);
    wait_for_all(copies);
    copies->run->there += copies->counted;
    if (copies->run->all)
        try_all(copies);
    else
        try_some(copies, dice, tries);
    wait_for_all(copies);
}

static bool concerns(const struct run *run, uint32_t step)
{
    return run->fault->disk >= PEOPLE || run->plot->steps[step].who == run->fault->disk;
}

/* How many failures each step gets. */
static void spread(const struct run *run, struct sat_entropy *dice, uint32_t *tries)
{
    for (uint32_t left = run->tries; left;) {
        uint32_t random;
        sat_entropy_fill(dice, &random, sizeof random);
        uint32_t step = random % run->plot->n;
        if (!concerns(run, step)) continue;
        tries[step]++;
        left--;
    }
}

static void *shared(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    sat_check(at != MAP_FAILED);
    return at;
}

static void begin(struct copies *copies, struct run *run, char before[512])
{
    const char *tmp = getenv("FAULTS_TMP") ? getenv("FAULTS_TMP") : access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    *copies = (struct copies){.run = run};
    (void)snprintf(copies->root, sizeof copies->root, "%.30s/satchel-faults-XXXXXX", tmp);
    sat_check(getcwd(before, 512) != NULL && mkdtemp(copies->root) != NULL && chdir(copies->root) == 0);
    copies->answers = shared(JOBS_MAX * sizeof *copies->answers);
    copies->paths = shared(TRACED_MAX * sizeof *copies->paths);
    copies->seen = shared(PATHS_MAX * sizeof *copies->seen);
    story_begin(&copies->story, run->plot, run->seed);
}

static void end(struct copies *copies, const char *before)
{
    story_end(&copies->story);
    sat_check(chdir(before) == 0);
    (void)munmap(copies->answers, JOBS_MAX * sizeof *copies->answers);
    (void)munmap(copies->paths, TRACED_MAX * sizeof *copies->paths);
    (void)munmap(copies->seen, PATHS_MAX * sizeof *copies->seen);
    remove_tree(copies->root);
}

void run_faults(struct run *run)
{
    static struct copies copies;
    char before[512];
    struct sat_entropy_stream state;
    struct sat_entropy dice = sat_entropy_seeded(&state, run->seed ^ 0x5eed);
    uint32_t tries[STEPS_MAX] = {0};
    sat_check(run->plot->n <= STEPS_MAX);
    spread(run, &dice, tries);
    begin(&copies, run, before);
    for (copies.step = 0; copies.step < run->plot->n; copies.step++) {
        if (run->all ? concerns(run, copies.step) : tries[copies.step] > 0)
            try_failures(&copies, &dice, tries[copies.step]);
        /* Where nothing can fail, the tries go to the next step. */
        if (copies.counted == 0 && copies.step + 1 < run->plot->n) tries[copies.step + 1] += tries[copies.step];
        int result = story_tell(&copies.story, &run->plot->steps[copies.step], NULL, NULL, NULL);
        if (result == 0) continue;
        complain(&copies, 0, copies.story.death ? copies.story.died_of : copies.story.error.message);
        break;
    }
    end(&copies, before);
}

bool run_one(const struct fault *fault, const struct story_plot *plot, uint64_t seed, uint32_t step, uint64_t n)
{
    static struct copies copies;
    char before[512];
    struct run run = {.fault = fault, .plot = plot, .seed = seed, .jobs = 1};
    begin(&copies, &run, before);
    for (copies.step = 0; copies.step < step; copies.step++)
        sat_check(story_tell(&copies.story, &run.plot->steps[copies.step], NULL, NULL, NULL) == 0);
    struct attempt attempt = {.story = &copies.story, .fault = fault, .n = n};
    struct answer answer = {0};
    tell_rest(&attempt, step, &answer);
    (void)printf("%s, failure %llu of step %u: %s%s%s\n", fault->name, (unsigned long long)n, step,
                 answer.failed ? "the call failed; " : "", answer.died ? "the process ended; " : "",
                 answer.verdict == WRONG  ? answer.said
                 : answer.verdict == FINE ? "all is well"
                                          : "it does not come to it");
    sat_check(chdir(before) == 0);
    remove_tree(copies.root);
    return answer.verdict != WRONG;
}
