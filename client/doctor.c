/* satchel_doctor(): is what is stored here whole? Works on a home that does not open any more, changes nothing, and
 * says of each fault what to do. */
#include <stdio.h>
#include <string.h>

#include "client/home.h"
#include "client/keyfile.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/reindex.h"
#include "client/rows.h"
#include "client/view/view.h"
#include "common/sync/inspect.h"
#include "common/vault/seal.h"

enum { DRAFTS_AT_ONCE = 1000 };

static const char REJOIN[] = "keep a copy of this home, and join again in another directory by a new invite: what was "
                             "synced is on the server; what was not may still be read here (get, list)";
static const char RESTORE[] = "restore it from a backup of this home, or join again in another directory by a new "
                              "invite: what was synced is on the server";
static const char PASSED_OVER[] = "a rotate by whoever has that key brings it; if nobody has, what is under it is lost";
static const char WAIT[] = "sync; if it stays, ask an admin for a new invite and join again in another directory";
static const char AS_SIGNED[] = "nothing here is damaged: who wrote them has sealed something else. `satchel history` "
                                "of that record says who, for an admin to ask";

struct visit {
    struct satchel *satchel;
    satchel_row_fn row;
    void *context;
    bool silent; /* the caller wants no more rows */
    uint64_t damaged;
};

static void tell(struct visit *visit, const char *check, const char *state, const char *text, const char *what_to_do)
{
    if (visit->silent) return;
    json_t *json = json_object();
    (void)json_object_set_new(json, "check", json_string(check));
    (void)json_object_set_new(json, "state", json_string(state));
    json_t *shown = json_string(text);
    (void)json_object_set_new(json, "text", shown ? shown : json_string("what cannot be shown as text"));
    if (what_to_do) (void)json_object_set_new(json, "do", json_string(what_to_do));
    visit->silent = !client_give_row(visit->row, visit->context, json);
}

static void damage(struct visit *visit, const char *check, const char *text, const char *what_to_do)
{
    visit->damaged++;
    tell(visit, check, "damage", text, what_to_do);
}

static void fine(struct visit *visit, const char *check, uint64_t n, const char *counted)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%llu %s", (unsigned long long)n, counted);
    tell(visit, check, "ok", text, NULL);
}

/* ---- The engine's part ---- */

static void on_found(void *context, enum sat_check check, const char *text)
{
    damage(context, sat_check_name(check), text, REJOIN);
}

static enum sat_err inspect(struct visit *visit)
{
    struct satchel *satchel = visit->satchel;
    struct sat_inspection_result result;
    struct sat_inspection inspection = {.store = satchel->store, .found = on_found, .context = visit};
    if (satchel->keyring) inspection.org = &sat_keyring_secrets(satchel->keyring)->org;
    enum sat_err err = sat_inspect(&inspection, &satchel->directory, &result);
    for (int i = 0; !err && i < SAT_CHECK_COUNT; i++) {
        enum sat_check check = (enum sat_check)i;
        char text[100];
        if (!result.faults[i]) fine(visit, sat_check_name(check), result.looked_at[i], sat_check_counted(check));
        if (result.faults[i] <= SAT_INSPECT_TOLD_MAX) continue;
        (void)snprintf(text, sizeof text, "and %llu more of these",
                       (unsigned long long)(result.faults[i] - SAT_INSPECT_TOLD_MAX));
        damage(visit, sat_check_name(check), text, REJOIN);
        visit->damaged += result.faults[i] - SAT_INSPECT_TOLD_MAX - 1;
    }
    return err;
}

/* ---- What needs the keys ---- */

/* Is it the keyring of this very device? */
static bool check_keyring(struct visit *visit)
{
    struct satchel *satchel = visit->satchel;
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(satchel->keyring);
    const struct sat_device *device = sat_directory_device(&satchel->directory, secrets->device);
    struct sat_public_key own = sat_keyring_sign_public(satchel->keyring);
    char text[100];
    if (secrets->device == 0) {
        tell(visit, "keyring", "note", "this home has not finished joining", "run join again with the same code");
        return false;
    }
    if (device && sat_span_equal(SAT_SPAN(own.b), SAT_SPAN(device->sign.b)) && client_membership_own(satchel)) {
        (void)snprintf(text, sizeof text, "it is that of device %u", secrets->device);
        tell(visit, "keyring", "ok", text, NULL);
        return true;
    }
    damage(visit, "keyring", "it belongs to another device than the store: two halves of different backups",
           "put back the keyring and the store of one and the same backup");
    return false;
}

/* The keys of every space that this device may read. *owed: one has not come yet. */
static enum sat_err check_keys(struct visit *visit, bool *owed)
{
    struct satchel *satchel = visit->satchel;
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t n = 0, faults = 0;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < satchel->directory.spaces_n && !err; i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        if (!(client_rights(satchel, &space->id) & SAT_RIGHT_READ)) continue;
        for (uint32_t epoch = 1; epoch <= space->epoch && !err; epoch++) {
            const struct sat_epoch_key *key;
            const char *text = sat_arena_format(&arena, "the key of %s, epoch %u",
                                                client_space_name(satchel, &space->id, &arena), epoch);
            err = sat_keys_get(satchel->keys, &satchel->directory, &space->id, epoch, &key);
            n++;
            if (!err) continue;
            faults++;
            if (err == SAT_ERR_DEBT) {
                *owed = true;
                bool old = epoch < space->epoch && sat_keys_have(satchel->keys, &space->id, space->epoch);
                if (old)
                    tell(visit, "keys", "note", sat_arena_format(&arena, "the newest key does not lead to %s", text),
                         PASSED_OVER);
                else
                    tell(visit, "keys", "note", sat_arena_format(&arena, "%s is not here yet", text), WAIT);
            } else if (err == SAT_ERR_CORRUPT) {
                *owed = true;
                damage(visit, "keys", sat_arena_format(&arena, "%s does not open", text), REJOIN);
            }
            if (err == SAT_ERR_DEBT || err == SAT_ERR_CORRUPT) err = SAT_OK;
        }
    }
    if (!err && !faults) fine(visit, "keys", n, "keys");
    sat_arena_deinit(&arena);
    return err;
}

static bool opens(const struct satchel *satchel, const struct sat_draft_row *draft)
{
    struct sat_buf plain;
    sat_buf_init(&plain);
    bool good = !sat_unseal_draft(sat_keyring_secrets(satchel->keyring)->store_key, draft->counter, &draft->record,
                                  draft->header, draft->body, &plain);
    sat_buf_wipe(&plain);
    return good;
}

static enum sat_err check_drafts(struct visit *visit)
{
    struct satchel *satchel = visit->satchel;
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t counter = 0, count = 0, faults = 0;
    uint32_t n = DRAFTS_AT_ONCE;
    enum sat_err err = SAT_OK;
    for (; !err && n == DRAFTS_AT_ONCE; sat_arena_reset(&arena)) {
        struct sat_draft_row *rows;
        err = sat_store_drafts(satchel->store, counter, DRAFTS_AT_ONCE, SIZE_MAX, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n; i++) {
            counter = rows[i].counter + 1;
            count++;
            if (opens(satchel, &rows[i])) continue;
            faults++;
            char id[SAT_UUID_TEXT_SIZE];
            sat_uuid_format(rows[i].record.b, id);
            damage(visit, "drafts", sat_arena_format(&arena, "an unsent change of record %s does not open", id),
                   "keep a copy of this home: nothing behind this change can be sent until it is gone; write down what "
                   "get shows of the others, and join again");
        }
    }
    sat_arena_deinit(&arena);
    if (!err && !faults) fine(visit, "drafts", count, "changes wait to be sent");
    return err;
}

struct contents {
    struct visit *visit;
    uint64_t changes, unreadable;
    bool broken;                /* some not for what its author sealed */
    struct sat_record_id first; /* that has an unreadable one */
};

static enum sat_err look_into(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct contents *contents = context;
    struct sat_vault vault = client_vault(contents->visit->satchel);
    struct sat_record_view view;
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = sat_record_load(&vault, sid, record, &arena, &view);
    if (err == SAT_ERR_CORRUPT) { /* a header, a key or a draft */
        if (contents->unreadable++ == 0) contents->first = *record;
        contents->broken = true;
        err = SAT_OK;
        view.live_n = 0;
    }
    for (uint32_t i = 0; !err && i < view.live_n; i++) {
        contents->changes++;
        if (view.live[i].readable) continue;
        if (contents->unreadable++ == 0) contents->first = *record;
    }
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err check_contents(struct visit *visit, bool owed)
{
    struct contents contents = {.visit = visit};
    char text[160], id[SAT_UUID_TEXT_SIZE];
    enum sat_err err = sat_store_each_record(visit->satchel->store, look_into, &contents);
    if (err) return err;
    if (!contents.unreadable) {
        fine(visit, "contents", contents.changes, "changes are readable");
        return SAT_OK;
    }
    sat_uuid_format(contents.first.b, id);
    (void)snprintf(text, sizeof text, "%llu changes cannot be decrypted, one of record %s",
                   (unsigned long long)contents.unreadable, id);
    if (owed)
        tell(visit, "contents", "note", text, WAIT);
    else if (!contents.broken && visit->damaged == 0) /* all is as it was signed: a member can seal what he likes */
        tell(visit, "contents", "note", text, AS_SIGNED);
    else
        damage(visit, "contents", text, REJOIN);
    return SAT_OK;
}

/* What is wrong with the view is no damage: it is made of the rest. */
static enum sat_err check_view(struct visit *visit)
{
    const char *trouble;
    bool there;
    enum sat_err err = client_view_examine(visit->satchel, &trouble, &there);
    if (err) return err;
    if (trouble)
        tell(visit, "view", "note", trouble, "nothing: it is built anew when something is asked");
    else
        tell(visit, "view", "ok", there ? "it opens, page by page" : "there is none: nothing was asked yet", NULL);
    return SAT_OK;
}

/* A fault of the store in a check of ours is damage, and the next check may still tell something. */
static enum sat_err go_on(struct visit *visit, const char *check, enum sat_err err)
{
    if (err != SAT_ERR_CORRUPT) return err;
    const struct sat_fault *fault = sat_store_fault(visit->satchel->store);
    damage(visit, check, fault->err == err ? fault->text : sat_err_text(err), REJOIN);
    return SAT_OK;
}

static enum sat_err check_with_keys(struct visit *visit)
{
    struct satchel *satchel = visit->satchel;
    bool owed = false;
    enum sat_err err = client_reindex_take(satchel); /* a copy's keys lie in the store */
    if (err && err != SAT_ERR_CORRUPT) return err;
    if (!check_keyring(visit)) return SAT_OK;
    err = sat_keys_new(satchel->store, satchel->keyring, &satchel->entropy, &satchel->keys);
    if (!err) err = sat_squeezer_new(&satchel->squeezer);
    if (!err) err = go_on(visit, "keys", check_keys(visit, &owed));
    if (!err) err = go_on(visit, "drafts", check_drafts(visit));
    if (!err) err = go_on(visit, "contents", check_contents(visit, owed));
    if (!err) err = go_on(visit, "view", check_view(visit));
    return err;
}

/* ---- In order ---- */

static enum sat_err open_keyring(struct visit *visit, const struct satchel_open_options *options,
                                 struct sat_fault *fault)
{
    struct satchel_open_options everyday = *options;
    everyday.everyday = 1;
    enum sat_err err = client_keyfile_open(visit->satchel, &everyday, fault);
    if (err != SAT_ERR_CORRUPT) return err;
    damage(visit, "keyring", fault->text, RESTORE);
    return SAT_OK;
}

static enum sat_err open_store(struct visit *visit, struct sat_fault *fault)
{
    struct satchel *satchel = visit->satchel;
    char text[100];
    enum sat_err err = client_home_store(satchel->home, SAT_STORE_OPEN, &satchel->store, fault);
    if (err == SAT_ERR_CORRUPT || err == SAT_ERR_NOT_FOUND) {
        damage(visit, "store", fault->text, RESTORE);
        return SAT_OK;
    }
    if (err) return err;
    (void)snprintf(text, sizeof text, "schema version %u", sat_store_schema_version(satchel->store));
    tell(visit, "store", "ok", text, NULL);
    return SAT_OK;
}

static enum sat_err examine(struct visit *visit, const struct satchel_open_options *options, struct sat_fault *fault)
{
    struct satchel *satchel = visit->satchel;
    enum sat_err err = client_home_check(satchel->home, fault);
    if (!err) err = client_home_lock(satchel->home, options->wait_ms, &satchel->lock, fault);
    if (!err) err = open_keyring(visit, options, fault);
    if (!err) err = open_store(visit, fault);
    if (!err && satchel->store) err = inspect(visit);
    if (!err && satchel->store && satchel->keyring) err = check_with_keys(visit);
    if (!err && visit->damaged)
        err = sat_fail(fault, SAT_ERR_CORRUPT, "%s is damaged: %llu %s", satchel->home,
                       (unsigned long long)visit->damaged, visit->damaged == 1 ? "fault" : "faults");
    if (err) client_explain(satchel, err, fault);
    return err;
}

int satchel_doctor(const char *home, const struct satchel_open_options *options, satchel_row_fn row, void *context,
                   struct satchel_error *error)
{
    struct sat_fault fault = {0};
    struct visit visit = {.row = row, .context = context};
    enum sat_err err = client_new(home, &visit.satchel, &fault);
    if (!err) err = examine(&visit, options, &fault);
    satchel_close(visit.satchel);
    return client_end_error(error, &fault, err);
}
