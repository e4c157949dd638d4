/* The steps of the story, and what must be there at its end. */
#include "tests/faults/acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/home.h"
#include "common/base/check.h"

#define FIRST "019b0000-0000-7000-8000-000000000001"
#define SECOND "019b0000-0000-7000-8000-000000000002"
#define THIRD "019b0000-0000-7000-8000-000000000003"
#define LATE "019b0000-0000-7000-8000-000000000004"
#define VISIT "019b0000-0000-7000-8000-000000000011"

/* The result of a call on a handle. */
int act_said(struct story *story, enum party who, int failed)
{
    story->error = *satchel_error_of(story->of[who]);
    return failed;
}

/* What an earlier attempt has done need not be done again. */
int act_done(const struct story *story, int failed)
{
    return story->again && failed == SAT_ERR_EXISTS ? SATCHEL_OK : failed;
}

static int keep_text(char *out, size_t size, char *text)
{
    if (!text) return SATCHEL_OK;
    sat_check(strlen(text) < size);
    memcpy(out, text, strlen(text) + 1);
    satchel_free(text);
    return SATCHEL_OK;
}

/* ---- Beginning ---- */

int act_found(struct story *story, enum party who)
{
    char *kit = NULL;
    struct satchel_open_options open_options = story_options();
    struct satchel_create_options options = {
        .server_url = "wss://server.test:1",
        .pin = story->pin,
        .token = {"token", 5},
        .org_name = "Northwind",
        .user_name = "Ann",
        .device_name = "Ann's laptop",
        .recovery_kit = &kit,
    };
    int failed = satchel_org_create(story_home(who), &open_options, &options, &story->of[who], &story->error);
    satchel_free(kit);
    story->member[who] = !failed;
    return failed;
}

int act_add_people(struct story *story, enum party who)
{
    struct satchel *ann = story->of[who];
    int failed = act_done(story, satchel_user_add(ann, "Ben", "rep"));
    if (!failed) failed = act_done(story, satchel_territory_add(ann, "North"));
    if (!failed) failed = act_done(story, satchel_territory_add(ann, "South"));
    if (!failed) failed = act_done(story, satchel_territory_grant(ann, "North", "Ben", SATCHEL_READ | SATCHEL_WRITE));
    if (!failed) failed = act_done(story, satchel_territory_grant(ann, "South", "Ben", SATCHEL_READ | SATCHEL_WRITE));
    return act_said(story, who, failed);
}

int act_invite_ben(struct story *story, enum party who)
{
    char *code = NULL;
    int failed = satchel_invite(story->of[who], "Ben", 0, &code);
    (void)keep_text(story->code[BEN], sizeof story->code[BEN], code);
    return act_said(story, who, failed);
}

int act_join(struct story *story, enum party who)
{
    struct satchel_open_options open_options = story_options();
    struct satchel_join_options options = {.code = story->code[who], .device_name = story_home(who)};
    int failed = satchel_join(story_home(who), &open_options, &options, &story->of[who], &story->error);
    story->member[who] = !failed;
    return failed;
}

/* ---- Everyday work ---- */

int act_sync(struct story *story, enum party who)
{
    struct satchel_sync_result result;
    int failed = satchel_sync(story->of[who], NULL, &result);
    if (!failed && !result.in_sync) failed = SAT_ERR_STALE;
    return act_said(story, who, failed);
}

static int commit(struct story *story, enum party who, struct satchel_tx *tx, int failed)
{
    if (failed)
        satchel_rollback(tx);
    else
        failed = satchel_commit(tx);
    return act_said(story, who, failed);
}

static int write_two(struct story *story, enum party who)
{
    struct satchel_tx *tx = NULL;
    char id[SATCHEL_ID_SIZE];
    int failed = satchel_begin(story->of[who], &tx);
    if (!failed)
        failed = satchel_put(tx, "account", FIRST, "North",
                             "{\"name\":\"First\",\"city\":\"Bern\",\"tags\":[\"a\",\"b\"]}", id);
    if (!failed) failed = satchel_put(tx, "account", SECOND, "North", "{\"name\":\"Second\"}", id);
    if (!failed) failed = satchel_put(tx, "visit", VISIT, "North", "{\"account\":\"" FIRST "\",\"note\":\"met\"}", id);
    return commit(story, who, tx, failed);
}

int act_put(struct story *story, enum party who, const char *id, const char *territory, const char *fields)
{
    struct satchel_tx *tx = NULL;
    char out[SATCHEL_ID_SIZE];
    int failed = satchel_begin(story->of[who], &tx);
    if (!failed) failed = satchel_put(tx, "account", id, territory, fields, out);
    return commit(story, who, tx, failed);
}

static int name_it(struct story *story, enum party who)
{
    return act_put(story, who, FIRST, NULL, who == ANN ? "{\"name\":\"Ann's\"}" : "{\"name\":\"Ben's\"}");
}

static int write_third(struct story *story, enum party who)
{
    return act_put(story, who, THIRD, "South", "{\"name\":\"Third\",\"note\":\"Ben wrote this\"}");
}

int act_ignore_row(void *context, const char *json)
{
    (void)json;
    ++*(uint32_t *)context;
    return 0;
}

static int look(struct story *story, enum party who)
{
    struct satchel *satchel = story->of[who];
    uint32_t rows = 0;
    char *json = NULL;
    int failed = satchel_query(satchel, "SELECT a.name, v.note FROM account a LEFT JOIN visit v ON v.account = a.id",
                               act_ignore_row, &rows);
    if (!failed) failed = satchel_list(satchel, "account", "name LIKE '%s%'", act_ignore_row, &rows);
    if (!failed) failed = satchel_conflicts(satchel, act_ignore_row, &rows);
    if (!failed) failed = satchel_history(satchel, "account", FIRST, act_ignore_row, &rows);
    if (!failed) failed = satchel_refused(satchel, act_ignore_row, &rows);
    if (!failed) failed = satchel_get(satchel, "account", SECOND, &json);
    satchel_free(json);
    json = NULL;
    if (!failed) failed = satchel_status(satchel, &json);
    satchel_free(json);
    return act_said(story, who, failed);
}

static int lists(struct story *story, enum party who)
{
    struct satchel *satchel = story->of[who];
    uint32_t rows = 0;
    int fresh;
    int failed = satchel_user_list(satchel, &fresh, act_ignore_row, &rows);
    if (!failed) failed = satchel_territory_list(satchel, &fresh, act_ignore_row, &rows);
    if (!failed) failed = satchel_device_list(satchel, &fresh, act_ignore_row, &rows);
    if (!failed) failed = satchel_audit(satchel, &fresh, act_ignore_row, &rows);
    if (!failed) failed = satchel_debts(satchel, act_ignore_row, &rows);
    return act_said(story, who, failed);
}

static int agree(struct story *story, enum party who)
{
    struct satchel_tx *tx = NULL;
    int failed = satchel_begin(story->of[who], &tx);
    if (!failed) failed = satchel_resolve(tx, "account", FIRST, "name", 0, "\"Ours\"");
    if (story->again && failed == SAT_ERR_NOT_FOUND) { /* it was settled */
        satchel_rollback(tx);
        return SATCHEL_OK;
    }
    return commit(story, who, tx, failed);
}

static int archive(struct story *story, enum party who)
{
    struct satchel_tx *tx = NULL;
    int failed = satchel_begin(story->of[who], &tx);
    if (!failed) failed = satchel_remove(tx, "account", SECOND);
    return commit(story, who, tx, failed);
}

static int move(struct story *story, enum party who)
{
    uint32_t rows = 0;
    const char *ids[] = {THIRD};
    int failed = satchel_move(story->of[who], "account", ids, 1, "North", 0, act_ignore_row, &rows);
    return act_said(story, who, act_done(story, failed));
}

/* ---- Somebody comes and goes ---- */

static int rotate(struct story *story, enum party who)
{
    return act_said(story, who, satchel_rotate(story->of[who], "North"));
}

int act_invite_cleo(struct story *story, enum party who)
{
    struct satchel *ann = story->of[who];
    char *code = NULL;
    int failed = act_done(story, satchel_user_add(ann, "Cleo", "rep"));
    if (!failed) failed = act_done(story, satchel_territory_grant(ann, "North", "Cleo", SATCHEL_READ | SATCHEL_WRITE));
    if (!failed) failed = satchel_invite(ann, "Cleo", 0, &code);
    (void)keep_text(story->code[CLEO], sizeof story->code[CLEO], code);
    return act_said(story, who, failed);
}

static int write_late(struct story *story, enum party who)
{
    return act_put(story, who, LATE, "North", "{\"name\":\"Late\"}");
}

static int put_out(struct story *story, enum party who)
{
    return act_said(story, who, act_done(story, satchel_device_revoke(story->of[who], 3, 0)));
}

/* Is told so, and hands in what it had not sent. */
static int hear_of_it(struct story *story, enum party who)
{
    struct satchel_sync_result result;
    int failed = satchel_sync(story->of[who], NULL, &result);
    return act_said(story, who, failed == SAT_ERR_REVOKED ? SATCHEL_OK : failed ? failed : SAT_ERR_STALE);
}

struct found {
    uint64_t numbers[8];
    uint32_t n;
};

static int keep_number(void *context, const char *json)
{
    struct found *found = context;
    const char *at = strstr(json, "\"number\":"), *open = strstr(json, "\"open\"");
    if (at && open && found->n < 8) found->numbers[found->n++] = strtoull(at + strlen("\"number\":"), NULL, 10);
    return 0;
}

static int let_in(struct story *story, enum party who)
{
    struct found found = {0};
    int failed = satchel_escrow(story->of[who], keep_number, &found);
    if (!failed && !found.n && !story->again) failed = SAT_ERR_NOT_FOUND;
    for (uint32_t i = 0; i < found.n && !failed; i++)
        failed = act_done(story, satchel_escrow_decide(story->of[who], &found.numbers[i], 1, 1));
    return act_said(story, who, failed);
}

static int leave_nothing_open(struct story *story, enum party who)
{
    struct satchel_open_options options = story_options();
    satchel_close(story->of[who]);
    story->of[who] = NULL;
    return satchel_open(story_home(who), &options, &story->of[who], &story->error);
}

static const struct story_step steps[] = {
    {"Ann founds the org", ANN, act_found},
    {"Ann adds Ben and two territories", ANN, act_add_people},
    {"Ann invites Ben", ANN, act_invite_ben},
    {"Ben joins", BEN, act_join},
    {"Ben syncs first", BEN, act_sync},
    {"Ann writes three records", ANN, write_two},
    {"Ann pushes", ANN, act_sync},
    {"Ben pulls", BEN, act_sync},
    {"Ann names it", ANN, name_it},
    {"Ben names it too", BEN, name_it},
    {"Ben writes in the South", BEN, write_third},
    {"Ben pushes", BEN, act_sync},
    {"Ann meets the conflict", ANN, act_sync},
    {"Ben meets it too", BEN, act_sync},
    {"Ben looks at everything", BEN, look},
    {"Ben settles it", BEN, agree},
    {"Ben pushes that", BEN, act_sync},
    {"Ann archives", ANN, archive},
    {"Ann moves a record", ANN, move},
    {"Ann pushes that", ANN, act_sync},
    {"Ann gives the North a new key", ANN, rotate},
    {"Ann invites Cleo", ANN, act_invite_cleo},
    {"Cleo joins", CLEO, act_join},
    {"Cleo syncs", CLEO, act_sync},
    {"Cleo writes", CLEO, write_late},
    {"Ann puts Cleo's device out", ANN, put_out},
    {"Cleo hears of it", CLEO, hear_of_it},
    {"Ann lets Cleo's work in", ANN, let_in},
    {"Ann lists everything", ANN, lists},
    {"Ann closes and opens", ANN, leave_nothing_open},
    {"Ben syncs last", BEN, act_sync},
};

/* ---- The end ---- */

struct rows {
    char text[4096];
    size_t len;
};

static int collect(void *context, const char *json)
{
    struct rows *rows = context;
    size_t room = sizeof rows->text - rows->len;
    int len = snprintf(rows->text + rows->len, room, "%s\n", json);
    if (len > 0 && (size_t)len < room) rows->len += (size_t)len;
    return 0;
}

bool act_reads(struct satchel *satchel, const char *sql, const char *wanted, char *text, size_t size)
{
    struct rows rows = {0};
    if (satchel_query(satchel, sql, collect, &rows))
        return (void)snprintf(text, size, "%s: %s", sql, satchel_error_of(satchel)->message), false;
    if (strcmp(rows.text, wanted) == 0) return true;
    (void)snprintf(text, size, "is \"%.250s\", wanted \"%.100s\"", rows.text, wanted);
    return false;
}

static bool holds_all(struct story *story, enum party who, char *text, size_t size)
{
    struct satchel *satchel = story->of[who];
    struct rows history = {0}, conflicts = {0};
    if (!act_reads(satchel, "SELECT name, city, note, territory FROM account ORDER BY name",
                   "{\"name\":\"Late\",\"city\":null,\"note\":null,\"territory\":\"North\"}\n"
                   "{\"name\":\"Ours\",\"city\":\"Bern\",\"note\":null,\"territory\":\"North\"}\n"
                   "{\"name\":\"Third\",\"city\":null,\"note\":\"Ben wrote this\",\"territory\":\"North\"}\n",
                   text, size))
        return false;
    if (!act_reads(satchel, "SELECT note FROM visit", "{\"note\":\"met\"}\n", text, size)) return false;
    if (satchel_history(satchel, "account", FIRST, collect, &history) ||
        satchel_conflicts(satchel, collect, &conflicts))
        return (void)snprintf(text, size, "history: %s", satchel_error_of(satchel)->message), false;
    if (conflicts.len) return (void)snprintf(text, size, "a conflict is left: %.200s", conflicts.text), false;
    static const char *const written[] = {"\"First\"", "\"Ann's\"", "\"Ben's\"", "\"Ours\"", "\"Bern\""};
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++)
        if (!strstr(history.text, written[i]))
            return (void)snprintf(text, size, "%s was acknowledged and is in no history", written[i]), false;
    return true;
}

const struct story_plot story_everyday = {
    .name = "everyday", .steps = steps, .n = sizeof steps / sizeof steps[0], .people = CLEO, .holds_all = holds_all};
