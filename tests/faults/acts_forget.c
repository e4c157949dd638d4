/* The plot in which all is forgotten that may be: few versions are kept, somebody stays away for half a year and is
 * waited for no more, a record is deleted, collected and compacted away, and who was away begins anew and brings what
 * he has. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "tests/faults/acts.h"

#define FIRST "019b0000-0000-7000-8000-000000000001"
#define SECOND "019b0000-0000-7000-8000-000000000002"
#define LATE "019b0000-0000-7000-8000-000000000004"
#define HALF_A_YEAR_MS (UINT64_C(181) * 24 * 3600 * 1000)

enum { EDITS = 6 };

static int keep_few(struct story *story, enum party who)
{
    return act_said(story, who, satchel_policy_set(story->of[who], "history.versions", 1));
}

static int write_both(struct story *story, enum party who)
{
    int failed = act_put(story, who, FIRST, "North", "{\"name\":\"First\"}");
    return failed ? failed : act_put(story, who, SECOND, "North", "{\"name\":\"Second\"}");
}

static int write_late(struct story *story, enum party who)
{
    return act_put(story, who, LATE, "North", "{\"name\":\"Late\"}");
}

static int edit_often(struct story *story, enum party who)
{
    int failed = act_sync(story, who);
    for (int i = 1; i <= EDITS && !failed; i++) {
        char fields[64];
        (void)snprintf(fields, sizeof fields, "{\"city\":\"City %d\"}", i);
        failed = act_put(story, who, FIRST, NULL, fields);
        if (!failed) failed = act_sync(story, who);
    }
    return failed;
}

static int wait_half_a_year(struct story *story, enum party who)
{
    story->now_ms += HALF_A_YEAR_MS;
    return act_sync(story, who);
}

static int delete_second(struct story *story, enum party who)
{
    struct satchel_tx *tx = NULL;
    int failed = satchel_begin(story->of[who], &tx);
    if (!failed) failed = satchel_remove(tx, "account", SECOND);
    if (failed)
        satchel_rollback(tx);
    else
        failed = satchel_commit(tx);
    if (story->again && failed == SAT_ERR_NOT_FOUND) failed = SATCHEL_OK; /* it is gone already */
    return act_said(story, who, failed);
}

/* Has the server forgotten what was deleted, and compacted what speaks of it? */
static enum sat_err look_at_server(const struct story *story, bool *collected, bool *compacted)
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    struct sat_run *runs;
    uint32_t n = 0, runs_n = 0;
    uint64_t collection = 0;
    *collected = *compacted = false;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_spaces(story->store, &arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        err = sat_store_collection_last(story->store, rows[i].sid, &collection);
        if (!err) err = sat_store_runs(story->store, rows[i].sid, 0, 1, &arena, &runs, &runs_n);
        *collected = *collected || collection;
        *compacted = *compacted || runs_n;
    }
    sat_arena_deinit(&arena);
    return err;
}

/* A server whose disk failed forgets later, and who comes before that has no reason to begin anew. */
static int come_back(struct story *story, enum party who)
{
    bool collected, compacted;
    if (!story->again) {
        enum sat_err err = look_at_server(story, &collected, &compacted);
        story->compacted = !err && collected && compacted;
        sat_check(story->troubled || err || story->compacted);
    }
    return act_sync(story, who);
}

static const struct story_step steps[] = {
    {"Ann founds the org", ANN, act_found},
    {"Ann adds Ben and two territories", ANN, act_add_people},
    {"Ann invites Ben", ANN, act_invite_ben},
    {"Ann invites Cleo", ANN, act_invite_cleo},
    {"Ben joins", BEN, act_join},
    {"Cleo joins", CLEO, act_join},
    {"Ann keeps few versions", ANN, keep_few},
    {"Ann writes two records", ANN, write_both},
    {"Ann pushes", ANN, act_sync},
    {"Ben edits once and again", BEN, edit_often},
    {"Cleo pulls", CLEO, act_sync},
    {"Cleo writes and is silent", CLEO, write_late},
    {"Ben edits again", BEN, edit_often},
    {"Ann gives Cleo up after half a year", ANN, wait_half_a_year},
    {"Ben edits once more", BEN, edit_often},
    {"Ben deletes a record", BEN, delete_second},
    {"Ben pushes that", BEN, act_sync},
    {"Ann has seen it", ANN, act_sync},
    {"Ben has, too, and it is collected", BEN, act_sync},
    {"Ben forgets it", BEN, act_sync},
    {"Ann forgets it", ANN, act_sync},
    {"Cleo begins anew", CLEO, come_back},
    {"Cleo is in sync", CLEO, act_sync},
    {"Ann pulls what Cleo brings", ANN, act_sync},
};

/* ---- The end ---- */

static bool is_forgotten(struct story *story, char *text, size_t size)
{
    bool collected, compacted;
    enum sat_err err = look_at_server(story, &collected, &compacted);
    if (!err && collected && compacted) return true;
    (void)snprintf(text, size, "the server has %s collection and %s run (%s)", collected ? "a" : "no",
                   compacted ? "a" : "no", sat_err_name(err));
    return false;
}

static bool holds_all(struct story *story, enum party who, char *text, size_t size)
{
    struct satchel *satchel = story->of[who];
    uint32_t conflicts = 0;
    char *status = NULL;
    if (!is_forgotten(story, text, size)) return false;
    if (!act_reads(satchel, "SELECT name, city FROM account ORDER BY name",
                   "{\"name\":\"First\",\"city\":\"City 6\"}\n{\"name\":\"Late\",\"city\":null}\n", text, size))
        return false;
    if (satchel_conflicts(satchel, act_ignore_row, &conflicts) || conflicts)
        return (void)snprintf(text, size, "a conflict is left"), false;
    if (satchel_status(satchel, &status)) return (void)snprintf(text, size, "no status"), false;
    bool anew = strstr(status, "\"started_anew\"") != NULL;
    satchel_free(status);
    if (anew == (who == CLEO) || (who == CLEO && story->troubled && !story->compacted)) return true;
    (void)snprintf(text, size, "%s %s anew", story_home(who), anew ? "began" : "did not begin");
    return false;
}

const struct story_plot story_forgetting = {.name = "forgetting",
                                            .steps = steps,
                                            .n = sizeof steps / sizeof steps[0],
                                            .people = PEOPLE,
                                            .maintains = true,
                                            .holds_all = holds_all};
