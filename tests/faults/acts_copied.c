/* The plot of a copied home: its other one has sent work under the same numbers to where this one may not look any
 * more, so that it has to be shown that; it goes on under a number of its own, is put out, and hands in what it had not
 * sent, of which Ann leaves something out, and lets in what stands on that as a copy. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/home.h"
#include "common/base/check.h"
#include "tests/faults/acts.h"
#include "tests/faults/alloc.h"

#define SENT "019b0000-0000-7000-8000-000000000001"
#define SOUTH "019b0000-0000-7000-8000-000000000002"
#define FIRST "019b0000-0000-7000-8000-000000000003"
#define BESIDE "019b0000-0000-7000-8000-000000000004"
#define BEHIND "019b0000-0000-7000-8000-000000000005"

enum { BENS_DEVICE = 2, ROUNDS = 3, FOUND_MAX = 8 };

static int add_east(struct story *story, enum party who)
{
    struct satchel *ann = story->of[who];
    int failed = act_done(story, satchel_territory_add(ann, "East"));
    if (!failed) failed = act_done(story, satchel_territory_grant(ann, "East", "Ben", SATCHEL_READ | SATCHEL_WRITE));
    return act_said(story, who, failed);
}

/* ---- The copy ---- */

static void copy_file(const char *from, const char *to)
{
    char bytes[16384];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    sat_check(in && out);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, in)) > 0;) sat_check(fwrite(bytes, 1, n, out) == n);
    (void)fclose(in);
    sat_check(fclose(out) == 0);
}

/* The files of the home, and what is on its disk: with the log, if somebody has the store open. */
static void copy_home(struct story *story, const char *from, const char *to)
{
    DIR *dir = opendir(from);
    sat_check(dir && (mkdir(to, 0700) == 0 || client_home_has(to, "store.db")));
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char old[300], path[300];
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(old, sizeof old, "%s/%.200s", from, entry->d_name);
        (void)snprintf(path, sizeof path, "%s/%.200s", to, entry->d_name);
        copy_file(old, path);
    }
    (void)closedir(dir);
    static const char *const names[] = {"store.db", "store.db-wal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char old[64], path[64];
        size_t len = 0;
        (void)snprintf(old, sizeof old, "%s/%s", from, names[i]);
        (void)snprintf(path, sizeof path, "%s/%s", to, names[i]);
        const void *at = vfs_look(story->vfs, old, &len);
        if (at) vfs_place(story->vfs, path, at, len);
    }
}

static int leave(struct story *story, enum party who)
{
    satchel_close(story->of[who]);
    story->of[who] = NULL;
    return SATCHEL_OK;
}

static int begin_again(struct story *story, enum party who)
{
    struct satchel_open_options options = story_options();
    if (story->of[who]) return SATCHEL_OK;
    return satchel_open(story_home(who), &options, &story->of[who], &story->error);
}

static int find_copy(struct story *story, enum party who)
{
    struct satchel_open_options options = story_options();
    if (story->of[who]) return SATCHEL_OK;
    alloc_spare(); /* it is nobody's program that copies */
    if (!story->member[who]) copy_home(story, story_home(BEN), story_home(who));
    alloc_spare_end();
    story->member[who] = true;
    return satchel_open(story_home(who), &options, &story->of[who], &story->error);
}

/* ---- Work under one number ---- */

static int write_north(struct story *story, enum party who)
{
    return act_put(story, who, SENT, "North", "{\"name\":\"Sent\"}");
}

static int take_north(struct story *story, enum party who)
{
    int failed = satchel_territory_revoke(story->of[who], "North", "Ben");
    if (story->again && failed == SAT_ERR_NOT_FOUND) failed = SATCHEL_OK;
    return act_said(story, who, act_done(story, failed));
}

static int write_south(struct story *story, enum party who)
{
    return act_put(story, who, SOUTH, "South", "{\"name\":\"South\"}");
}

/* A bundle is of one territory: these are three. */
static int write_apart(struct story *story, enum party who)
{
    int failed = act_put(story, who, FIRST, "South", "{\"name\":\"First\"}");
    if (!failed) failed = act_put(story, who, BESIDE, "East", "{\"name\":\"Beside\"}");
    return failed ? failed : act_put(story, who, BEHIND, "South", "{\"name\":\"Behind\"}");
}

static int put_out(struct story *story, enum party who)
{
    return act_said(story, who, act_done(story, satchel_device_revoke(story->of[who], BENS_DEVICE, 0)));
}

static int hear_of_it(struct story *story, enum party who)
{
    struct satchel_sync_result result;
    int failed = satchel_sync(story->of[who], NULL, &result);
    return act_said(story, who, failed == SAT_ERR_REVOKED ? SATCHEL_OK : failed ? failed : SAT_ERR_STALE);
}

/* ---- Deciding ---- */

struct found {
    uint64_t numbers[FOUND_MAX], first_south;
    uint32_t n, south;
};

static int keep_number(void *context, const char *json)
{
    struct found *found = context;
    const char *at = strstr(json, "\"number\":");
    if (!at || !strstr(json, "\"open\"") || found->n == FOUND_MAX) return 0;
    uint64_t number = strtoull(at + strlen("\"number\":"), NULL, 10);
    found->numbers[found->n++] = number;
    if (!strstr(json, "\"South\"")) return 0;
    if (!found->south || number < found->first_south) found->first_south = number;
    found->south++;
    return 0;
}

static int leave_the_first_out(struct story *story, enum party who)
{
    struct found found = {0};
    int failed = satchel_escrow(story->of[who], keep_number, &found);
    bool due = found.n == 3 && found.south == 2, done = story->again && found.n == 2 && found.south == 1;
    if (!failed && !due && !done) return SAT_ERR_STALE; /* a row may lack something, where there is no memory */
    if (!failed && due) failed = satchel_escrow_decide(story->of[who], &found.first_south, 1, 0);
    return act_said(story, who, failed);
}

static int let_in_the_rest(struct story *story, enum party who)
{
    struct found found = {0};
    int failed = satchel_escrow(story->of[who], keep_number, &found);
    if (!failed && !story->again && found.n != 2) return SAT_ERR_STALE;
    if (!failed && found.n) failed = satchel_escrow_decide(story->of[who], found.numbers, found.n, 1);
    return act_said(story, who, act_done(story, failed));
}

static const struct story_step steps[] = {
    {"Ann founds the org", ANN, act_found},
    {"Ann adds Ben and two territories", ANN, act_add_people},
    {"Ann adds a third one", ANN, add_east},
    {"Ann invites Ben", ANN, act_invite_ben},
    {"Ben joins", BEN, act_join},
    {"Ben syncs first", BEN, act_sync},
    {"Ben leaves", BEN, leave},
    {"Cleo finds a copy of Ben's home", CLEO, find_copy},
    {"Ben begins again", BEN, begin_again},
    {"Ben writes in the North", BEN, write_north},
    {"Ben pushes", BEN, act_sync},
    {"Ann takes the North from Ben", ANN, take_north},
    {"Cleo writes in the South", CLEO, write_south},
    {"Cleo is shown that the number is taken", CLEO, act_sync},
    {"Cleo writes three more", CLEO, write_apart},
    {"Ann puts the device out", ANN, put_out},
    {"Cleo hears of it, and hands in", CLEO, hear_of_it},
    {"Ann leaves the first one out", ANN, leave_the_first_out},
    {"Ann lets in the rest", ANN, let_in_the_rest},
    {"Ann syncs", ANN, act_sync},
};

/* ---- The end ---- */

static bool holds_all(struct story *story, enum party who, char *text, size_t size)
{
    return act_reads(story->of[who], "SELECT name, territory FROM account ORDER BY name",
                     "{\"name\":\"Behind\",\"territory\":\"South\"}\n{\"name\":\"Beside\",\"territory\":\"East\"}\n"
                     "{\"name\":\"Sent\",\"territory\":\"North\"}\n{\"name\":\"South\",\"territory\":\"South\"}\n",
                     text, size);
}

const struct story_plot story_copied = {
    .name = "copied", .steps = steps, .n = sizeof steps / sizeof steps[0], .people = BEN, .holds_all = holds_all};
