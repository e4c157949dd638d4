/* satchel_audit(): the directory as sentences, verified anew from its genesis. */
#include <string.h>

#include "client/act.h"
#include "client/alert.h"
#include "client/describe.h"
#include "client/disclosures.h"
#include "client/membership.h"
#include "client/names.h"
#include "client/question.h"
#include "client/rows.h"

enum { LINKS_AT_ONCE = 256, TIMEOUT_MS = 5 * 1000 };

struct audit {
    struct satchel *satchel;
    satchel_row_fn row;
    void *context;
    struct sat_directory directory; /* as far as it is verified */
    struct sat_hash org;            /* that it has to be of */
    bool enough;                    /* the caller wants no more */
    struct sat_arena arena;         /* the disclosures and the alerts */
    struct client_disclosure *disclosures;
    uint32_t disclosures_n, told_n; /* told_n: of them */
    struct client_alerts alerts;    /* by_kind[0 … n) are not told yet, the newest first */
};

static const char *name_of_signer(uint8_t kind)
{
    switch ((enum sat_signer_kind)kind) {
    case SAT_SIGNER_DEVICE:
        return "device";
    case SAT_SIGNER_ADMIN:
        return "admin key of device";
    case SAT_SIGNER_INVITE:
        return "invite of link";
    case SAT_SIGNER_KIT:
        return "kit of link";
    }
    return "unknown";
}

static json_t *json_of_signatures(const struct sat_link *link, struct sat_arena *arena)
{
    json_t *list = json_array();
    for (uint8_t i = 0; i < link->signatures_n; i++)
        (void)json_array_append_new(
            list, json_string(sat_arena_format(arena, "%s %u", name_of_signer(link->signatures[i].kind),
                                               (unsigned)link->signatures[i].number)));
    return list;
}

/* ---- What devices say of themselves ---- */

static const char *describe(const struct audit *audit, const struct client_disclosure *it, struct sat_arena *arena)
{
    const char *types = "";
    size_t i;
    json_t *type;
    json_array_foreach(it->types, i, type)
    {
        types = sat_arena_format(arena, "%s%s%s", types, i ? ", " : "", json_string_value(type));
    }
    const char *text =
        sat_arena_format(arena, "%s %llu record%s%s%s%s%s%s", strcmp(it->kind, "export") == 0 ? "exports" : "reveals",
                         (unsigned long long)it->records, it->records == 1 ? "" : "s", types[0] ? " of " : "", types,
                         it->format[0] ? " (" : "", it->format, it->format[0] ? ")" : "");
    if (it->field[0]) text = sat_arena_format(arena, "%s: %s of %s", text, it->field, it->record);
    if (it->reason[0]) text = sat_arena_format(arena, "%s, \"%s\"", text, it->reason);
    if (!it->altered_by) return text;
    return sat_arena_format(arena, "%s; %s has changed what is said here", text,
                            client_describe_device(audit->satchel, it->altered_by, arena));
}

static void give_disclosure(struct audit *audit, struct client_disclosure *it, struct sat_arena *arena)
{
    const struct sat_device *device = sat_directory_device(&audit->satchel->directory, it->device);
    const char *by = device ? client_act_user(audit->satchel, device->user, arena) : NULL;
    json_t *json = json_object(), *said = json_object();
    (void)json_object_set_new(said, "kind", json_string(it->kind));
    (void)json_object_set(said, "types", it->types);
    (void)json_object_set_new(said, "records", json_integer((json_int_t)it->records));
    (void)json_object_set_new(said, "format", json_string(it->format));
    if (it->record[0]) (void)json_object_set_new(said, "record", json_string(it->record));
    if (it->field[0]) (void)json_object_set_new(said, "field", json_string(it->field));
    if (it->reason[0]) (void)json_object_set_new(said, "reason", json_string(it->reason));
    (void)json_object_set_new(said, "altered_by", it->altered_by ? json_integer(it->altered_by) : json_null());
    (void)json_object_set_new(json, "link", json_null());
    (void)json_object_set_new(json, "at", client_json_of_time(it->at_ms));
    (void)json_object_set_new(json, "by", client_json_of_text(by));
    (void)json_object_set_new(json, "device", json_integer(it->device));
    (void)json_object_set_new(json, "kind", json_string(CLIENT_DISCLOSURE_TYPE));
    (void)json_object_set_new(json, "what", json_string(describe(audit, it, arena)));
    (void)json_object_set_new(json, "signed_by", json_array());
    (void)json_object_set_new(json, "own_word", json_true());
    (void)json_object_set_new(json, "disclosure", said);
    audit->enough = !client_give_row(audit->row, audit->context, json);
}

static void give_alert(struct audit *audit, const struct client_alert *alert, struct sat_arena *arena)
{
    struct satchel *satchel = audit->satchel;
    json_t *json = json_object();
    (void)json_object_set_new(json, "link", json_null());
    (void)json_object_set_new(json, "at", client_json_of_time(alert->at_ms));
    (void)json_object_set_new(json, "by", client_json_of_text(client_act_user(satchel, client_user(satchel), arena)));
    (void)json_object_set_new(json, "device", json_integer(client_device(satchel)));
    (void)json_object_set_new(json, "kind", json_string("alert"));
    (void)json_object_set_new(json, "what", json_string(sat_arena_format(arena, "notes: %s", alert->text)));
    (void)json_object_set_new(json, "signed_by", json_array());
    (void)json_object_set_new(json, "own_word", json_true());
    (void)json_object_set_new(json, "alert", client_alert_json(alert));
    audit->enough = !client_give_row(audit->row, audit->context, json);
}

/* Those that say that they happened before then. */
static void give_own_words(struct audit *audit, uint64_t before_ms, struct sat_arena *arena)
{
    while (!audit->enough) {
        struct client_disclosure *said =
            audit->told_n < audit->disclosures_n ? &audit->disclosures[audit->told_n] : NULL;
        const struct client_alert *seen = audit->alerts.n ? &audit->alerts.by_kind[audit->alerts.n - 1] : NULL;
        if (said && said->at_ms < before_ms && !(seen && seen->at_ms < said->at_ms)) {
            give_disclosure(audit, said, arena);
            audit->told_n++;
        } else if (seen && seen->at_ms < before_ms) {
            give_alert(audit, seen, arena);
            audit->alerts.n--;
        } else {
            break;
        }
    }
}

/* ---- The links ---- */

/* Who: the author, by the directory with the link applied, as a join brings its author along. */
static void give(struct audit *audit, const struct sat_link *link, uint64_t time_ms, const char *what,
                 struct sat_arena *arena)
{
    const struct sat_device *device = sat_directory_device(&audit->directory, link->author);
    json_t *json = json_object();
    (void)json_object_set_new(json, "link", json_integer((json_int_t)link->seq));
    (void)json_object_set_new(json, "at", client_json_of_time(time_ms));
    (void)json_object_set_new(
        json, "by", client_json_of_text(device ? client_act_user(audit->satchel, device->user, arena) : NULL));
    (void)json_object_set_new(json, "device", json_integer(link->author));
    (void)json_object_set_new(json, "kind", json_string(sat_link_type_name(link->type)));
    (void)json_object_set_new(json, "what", json_string(what));
    (void)json_object_set_new(json, "signed_by", json_of_signatures(link, arena));
    const char *kit = client_describe_kit(link, arena);
    if (kit) (void)json_object_set_new(json, "kit", json_string(kit));
    if (link->type == SAT_LINK_REPUDIATE)
        (void)json_object_set_new(json, "undone",
                                  client_describe_undone(audit->satchel, &audit->directory, link->seq, arena));
    audit->enough = !client_give_row(audit->row, audit->context, json);
}

static enum sat_err fail_at(struct audit *audit, uint64_t seq, enum sat_err err, const char *why)
{
    if (err == SAT_ERR_UPGRADE_NEEDED)
        return sat_fail(&audit->satchel->fault, err, "link %llu needs a newer version: %s", (unsigned long long)seq,
                        why);
    return sat_fail(&audit->satchel->fault, SAT_ERR_TAMPERED,
                    "the directory does not hold at link %llu, and nothing behind it counts: %s",
                    (unsigned long long)seq, why);
}

static enum sat_err take_link(struct audit *audit, const struct sat_link_row *row, struct sat_arena *arena)
{
    struct sat_link link;
    struct sat_fault fault = {0};
    uint64_t seq = audit->directory.seq + 1;
    if (row->seq != seq) return fail_at(audit, seq, SAT_ERR_TAMPERED, "it is missing");
    if (sat_link_decode(row->bytes, &link)) return fail_at(audit, seq, SAT_ERR_TAMPERED, "it cannot be read");
    struct sat_hash org = sat_link_org(&link);
    if (seq == 1 && !sat_hash_equal(&org, &audit->org))
        return fail_at(audit, seq, SAT_ERR_TAMPERED, "it is the genesis of another organisation");
    const char *what = client_describe_link(audit->satchel, &audit->directory, &link, NULL, arena);
    enum sat_err err = sat_directory_apply(&audit->directory, &link, &row->sign, 0, SAT_DIRECTORY_VERIFY, &fault);
    if (err == SAT_ERR_NO_MEMORY) return err;
    if (err) return fail_at(audit, seq, err, fault.err == err ? fault.text : sat_err_text(err));
    give_own_words(audit, row->sign.time_ms, arena);
    if (!audit->enough) give(audit, &link, row->sign.time_ms, what, arena);
    return SAT_OK;
}

static enum sat_err take_links(struct audit *audit)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    for (uint32_t n = LINKS_AT_ONCE; !err && n == LINKS_AT_ONCE && !audit->enough; sat_arena_reset(&arena)) {
        struct sat_link_row *rows;
        err = sat_store_links(audit->satchel->store, audit->directory.seq + 1, LINKS_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && i < n && !audit->enough; i++) err = take_link(audit, &rows[i], &arena);
    }
    sat_arena_deinit(&arena);
    return err;
}

/* The stored directory that the handle works with must be the one that was verified. */
static enum sat_err check_head(struct audit *audit)
{
    const struct sat_directory *known = &audit->satchel->directory;
    struct sat_hash head = sat_directory_hash_at(&audit->directory, audit->directory.seq);
    struct sat_hash own = sat_directory_hash_at(known, known->seq);
    if (audit->enough || (audit->directory.seq == known->seq && sat_hash_equal(&head, &own))) return SAT_OK;
    return fail_at(audit, audit->directory.seq + 1, SAT_ERR_TAMPERED, "the rest of the directory is missing");
}

/* The news first. That the server could not be asked is no failure; that it shows what does not hold is one. */
static enum sat_err refresh(struct satchel *satchel, bool *reached)
{
    struct client_question question = {.timeout_ms = TIMEOUT_MS};
    enum sat_err err = satchel->tx ? SAT_OK : client_question_run(satchel, &question);
    *reached = question.connected;
    return sat_err_class(err) == SAT_CLASS_PEER || sat_err_is_local(err) ? err : SAT_OK;
}

static enum sat_err audit_stored(struct audit *audit)
{
    struct client_membership membership;
    struct sat_arena arena;
    sat_arena_init(&arena);
    sat_arena_init(&audit->arena);
    sat_directory_init(&audit->directory);
    enum sat_err err = client_lease_check(audit->satchel);
    if (!err) err = client_membership_get(audit->satchel, &arena, &membership);
    if (!err) audit->org = membership.org;
    if (!err) err = client_disclosures(audit->satchel, &audit->arena, &audit->disclosures, &audit->disclosures_n);
    if (!err) err = client_alerts_get(audit->satchel, &audit->arena, &audit->alerts);
    if (!err) err = take_links(audit);
    if (!err) err = check_head(audit);
    if (!err) give_own_words(audit, UINT64_MAX, &arena);
    for (uint32_t i = 0; i < audit->disclosures_n; i++) json_decref(audit->disclosures[i].types);
    sat_arena_deinit(&audit->arena);
    sat_directory_deinit(&audit->directory);
    sat_arena_deinit(&arena);
    return err;
}

int satchel_audit(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context)
{
    struct audit audit = {.satchel = satchel, .row = row, .context = context};
    bool reached = false;
    client_begin(satchel);
    enum sat_err shown = refresh(satchel, &reached);
    struct sat_fault fault = satchel->fault;
    if (refreshed) *refreshed = reached;
    enum sat_err err = audit_stored(&audit);
    if (!err && shown) satchel->fault = fault;
    return client_end(satchel, err ? err : shown ? shown : satchel->unread);
}

/* ---- Debts, and keys that are not here ---- */

/* A row for each space of which `tell` has something to say; it adds that to the row, or sets *nothing. */
static int each_space(struct satchel *satchel, satchel_row_fn row, void *context,
                      enum sat_err (*tell)(struct satchel *, const struct sat_space *, json_t *, bool *nothing))
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    client_begin(satchel);
    enum sat_err err = client_lease_check(satchel);
    bool more = true;
    for (uint32_t i = 0; i < satchel->directory.spaces_n && more && !err; i++) {
        const struct sat_space *space = &satchel->directory.spaces[i];
        bool nothing = false;
        json_t *json = json_object();
        (void)json_object_set_new(json, "territory", json_string(client_space_name(satchel, &space->id, &arena)));
        err = tell(satchel, space, json, &nothing);
        if (err || nothing)
            json_decref(json);
        else
            more = client_give_row(row, context, json);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return client_end(satchel, err ? err : satchel->unread);
}

static enum sat_err tell_missing(struct satchel *satchel, const struct sat_space *space, json_t *json, bool *nothing)
{
    const struct sat_epoch_key *key;
    (void)json;
    *nothing = space->epoch == 0 || !(client_rights(satchel, &space->id) & SAT_RIGHT_READ);
    if (*nothing) return SAT_OK;
    enum sat_err held = sat_keys_get(satchel->keys, &satchel->directory, &space->id, space->epoch, &key);
    *nothing = held != SAT_ERR_DEBT;
    return *nothing ? held : SAT_OK;
}

static enum sat_err tell_debt(struct satchel *satchel, const struct sat_space *space, json_t *json, bool *nothing)
{
    uint64_t since = sat_directory_owed(&satchel->directory, &space->id, client_now_ms());
    *nothing = since == 0;
    (void)json_object_set_new(json, "since_link", json_integer((json_int_t)since));
    return SAT_OK;
}

int satchel_keys_missing(struct satchel *satchel, satchel_row_fn row, void *context)
{
    return each_space(satchel, row, context, tell_missing);
}

int satchel_debts(struct satchel *satchel, satchel_row_fn row, void *context)
{
    return each_space(satchel, row, context, tell_debt);
}
