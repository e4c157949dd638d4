#include "client/brake.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/act.h"
#include "client/json.h"
#include "client/names.h"
#include "common/base/utf8.h"
#include "common/base/check.h"
#include "common/vault/harm.h"

enum { DRAFTS_AT_ONCE = 1000 };
static const char KEY[] = "held";

struct client_brake_place {
    int64_t sid;
    bool held;
    uint64_t of; /* records, when it was asked first; 0: not yet */
    struct sat_brake tally;
};

static void free_holds(struct client_hold *holds, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) free(holds[i].authors);
    free(holds);
}

void client_brake_reset(struct client_brake *brake)
{
    free_holds(brake->holds, brake->holds_n);
    for (uint32_t i = 0; i < brake->places_n; i++) sat_brake_clear(&brake->places[i].tally);
    free(brake->places);
    free(brake->held);
    *brake = (struct client_brake){0};
}

static struct client_hold *add_hold(struct client_brake *brake, const struct sat_space_id *space,
                                    const struct sat_brake_report *report)
{
    brake->holds = realloc(brake->holds, (brake->holds_n + 1) * sizeof *brake->holds);
    sat_check(brake->holds != NULL);
    struct client_hold *hold = &brake->holds[brake->holds_n++];
    *hold = (struct client_hold){.space = *space,
                                 .archived = report->archived,
                                 .overwritten = report->overwritten,
                                 .of = report->of,
                                 .authors_n = report->authors_n};
    hold->authors = calloc(report->authors_n + 1, sizeof *hold->authors);
    sat_check(hold->authors != NULL);
    if (report->authors_n) memcpy(hold->authors, report->authors, report->authors_n * sizeof *hold->authors);
    return hold;
}

void client_brake_note(struct satchel *satchel, const struct sat_action *action)
{
    add_hold(&satchel->brake, &action->space, action->brake)->let_through = action->err == SAT_OK;
}

/* ---- Drafts ---- */

static struct client_brake_place *place_of(struct client_brake *brake, int64_t sid)
{
    for (uint32_t i = 0; i < brake->places_n; i++)
        if (brake->places[i].sid == sid) return &brake->places[i];
    brake->places = realloc(brake->places, (brake->places_n + 1) * sizeof *brake->places);
    sat_check(brake->places != NULL);
    brake->places[brake->places_n] = (struct client_brake_place){.sid = sid};
    return &brake->places[brake->places_n++];
}

/* One that has seen nothing is of a new record, and changes nobody's. */
static enum sat_err count_drafts(struct satchel *satchel)
{
    struct client_brake *brake = &satchel->brake;
    struct sat_arena arena;
    uint64_t newest = 0;
    uint32_t n = DRAFTS_AT_ONCE;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_draft_newest(satchel->store, &newest);
    while (n == DRAFTS_AT_ONCE && !err) {
        struct sat_draft_row *rows;
        err = sat_store_drafts_seeing(satchel->store, brake->next, DRAFTS_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            sat_brake_touch(&place_of(brake, rows[i].sid)->tally, &rows[i].record);
            brake->next = rows[i].counter + 1;
        }
        sat_arena_reset(&arena);
    }
    if (!err && brake->next <= newest) brake->next = newest + 1;
    sat_arena_deinit(&arena);
    return err;
}

struct asking {
    struct satchel *satchel;
    struct client_brake_place *place;
};

static enum sat_err ask(void *context, const struct sat_record_id *record, struct sat_harm *out)
{
    const struct asking *asking = context;
    struct sat_vault vault = client_vault(asking->satchel);
    return sat_harm_drafted(&vault, asking->place->sid, record, out);
}

static enum sat_err count(void *context, uint64_t *of)
{
    const struct asking *asking = context;
    struct client_brake_place *place = asking->place;
    uint64_t records, archived;
    enum sat_err err = SAT_OK;
    if (!place->of) {
        err = sat_store_space_records(asking->satchel->store, place->sid, &records, &archived);
        if (!err) place->of = records > archived ? records - archived : 0;
    }
    *of = place->of;
    return err;
}

static enum sat_err look_at(struct satchel *satchel, struct client_brake_place *place)
{
    struct asking asking = {satchel, place};
    struct sat_brake_question question = {&satchel->directory, ask, count, &asking};
    struct client_brake *brake = &satchel->brake;
    struct sat_brake_report report;
    struct sat_space_id space;
    uint64_t of, first, last;
    bool too_much;
    if (place->held || !place->tally.todo) return SAT_OK;
    enum sat_err err = sat_brake_look(&place->tally, &question, &too_much, &of);
    if (!err && too_much) err = client_space_of_sid(satchel, place->sid, &space);
    if (!err && too_much) err = sat_store_drafts_span(satchel->store, place->sid, &first, &last);
    if (err || !too_much) return err;
    place->held = true;
    sat_brake_report(&place->tally, of, &report);
    struct client_hold *hold = add_hold(brake, &space, &report);
    hold->out = true;
    hold->authors[0].first = first; /* all that waits there */
    hold->authors[0].last = last;
    brake->held = realloc(brake->held, (brake->held_n + 1) * sizeof *brake->held);
    sat_check(brake->held != NULL);
    brake->held[brake->held_n++] = place->sid;
    return SAT_OK;
}

enum sat_err client_brake_drafts(struct satchel *satchel)
{
    enum sat_err err = count_drafts(satchel);
    for (uint32_t i = 0; i < satchel->brake.places_n && !err; i++) err = look_at(satchel, &satchel->brake.places[i]);
    return err;
}

/* ---- What is said of it ---- */

uint32_t client_brake_waiting(const struct satchel *satchel)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < satchel->brake.holds_n; i++) n += !satchel->brake.holds[i].let_through;
    return n;
}

static const char *name_of_device(struct satchel *satchel, uint32_t number, struct sat_arena *arena)
{
    const struct sat_device *device = sat_directory_device(&satchel->directory, number);
    const char *name = device ? client_user_name(satchel, device->user, arena) : NULL;
    if (!name) return sat_arena_format(arena, "device %u", (unsigned)number);
    return sat_arena_format(arena, "device %u (%s)", (unsigned)number, sat_utf8_beginning(arena, name, 60));
}

static const char *names_of(struct satchel *satchel, const struct client_hold *hold, struct sat_arena *arena)
{
    const char *text = "somebody";
    for (uint32_t i = 0; i < hold->authors_n && i < 3; i++) {
        const char *name = name_of_device(satchel, hold->authors[i].device, arena);
        text = i ? sat_arena_format(arena, "%s, %s", text, name) : name;
    }
    return hold->authors_n > 3 ? sat_arena_format(arena, "%s and others", text) : text;
}

const char *client_brake_text(struct satchel *satchel, const struct client_hold *hold, struct sat_arena *arena)
{
    unsigned long long archived = hold->archived, overwritten = hold->overwritten, of = hold->of;
    const char *space = sat_utf8_beginning(arena, client_space_name(satchel, &hold->space, arena), 100);
    if (hold->let_through)
        return sat_arena_format(arena, "%s: of %llu records %llu were archived and %llu overwritten by %s", space, of,
                                archived, overwritten, names_of(satchel, hold, arena));
    if (hold->out)
        return sat_arena_format(arena,
                                "%s: what waits here would archive %llu and overwrite %llu of %llu records, and is "
                                "not sent; if that is meant: sync --allow-mass-change",
                                space, archived, overwritten, of);
    return sat_arena_format(arena,
                            "%s: %s would archive %llu and overwrite %llu of %llu records, or more; nothing of it "
                            "is taken over; if that is meant: sync --allow-mass-change",
                            space, names_of(satchel, hold, arena), archived, overwritten, of);
}

static json_t *json_of_hold(const struct client_hold *hold)
{
    json_t *json = json_object(), *devices = json_array();
    (void)json_object_set_new(json, "space", client_json_of_uuid(hold->space.b));
    (void)json_object_set_new(json, "direction", json_string(hold->out ? "out" : "in"));
    (void)json_object_set_new(json, "archived", json_integer((json_int_t)hold->archived));
    (void)json_object_set_new(json, "overwritten", json_integer((json_int_t)hold->overwritten));
    (void)json_object_set_new(json, "of", json_integer((json_int_t)hold->of));
    for (uint32_t i = 0; i < hold->authors_n && i < 16; i++)
        (void)json_array_append_new(devices, json_integer(hold->authors[i].device));
    (void)json_object_set_new(json, "devices", devices);
    return json;
}

/* A failure to write it down is none of the sync's. */
void client_brake_end(struct satchel *satchel, enum sat_err err)
{
    if (satchel->wiped || (err && !client_brake_waiting(satchel))) return;
    struct sat_store *store = satchel->store;
    json_t *list = json_array();
    for (uint32_t i = 0; i < satchel->brake.holds_n; i++)
        if (!satchel->brake.holds[i].let_through)
            (void)json_array_append_new(list, json_of_hold(&satchel->brake.holds[i]));
    bool any = json_array_size(list) > 0;
    char *text = client_json_text(list);
    struct sat_arena arena;
    struct sat_span old;
    bool found = false;
    sat_arena_init(&arena);
    bool same = !sat_store_meta_get(store, KEY, &arena, &old, &found) &&
                (found ? sat_span_equal(old, sat_span_text(text)) : !any);
    sat_arena_deinit(&arena);
    if (!same && !sat_store_in_transaction(store) && !sat_store_begin(store)) {
        err = sat_store_meta_put(store, KEY, sat_span_text(text));
        if (!err) err = sat_store_commit(store);
        if (err) sat_store_rollback(store);
    }
    free(text);
}

json_t *client_brake_status(struct satchel *satchel, bool lapsed, struct sat_arena *arena)
{
    struct sat_span bytes;
    bool found = false;
    if (sat_store_meta_get(satchel->store, KEY, arena, &bytes, &found) || !found) return json_array();
    json_t *list = json_loadb((const char *)bytes.at, bytes.len, 0, NULL);
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(item, "space"));
        struct sat_space_id space;
        if (!text || sat_uuid_parse(text, space.b)) continue;
        (void)json_object_set_new(item, "territory",
                                  client_json_of_text(lapsed ? text : client_space_name(satchel, &space, arena)));
    }
    return list ? list : json_array();
}

/* ---- Signing for it ---- */

struct confirming {
    struct satchel *satchel;
    const struct client_hold *holds;
    uint32_t n;
};

static bool may_confirm(struct satchel *satchel, const struct sat_space_id *space)
{
    const struct sat_sign_key *key = &sat_keyring_secrets(satchel->keyring)->admin;
    if (sodium_is_zero(key->b, sizeof key->b)) return false;
    return client_is_admin(satchel) ||
           (client_is_manager(satchel) && (client_rights(satchel, space) & SAT_RIGHT_MANAGE));
}

static bool is_confirmed(const struct sat_directory *directory, const struct sat_space_id *space,
                         const struct sat_brake_author *author)
{
    return sat_directory_meant(directory, space, (struct sat_dot){author->device, author->first}) &&
           sat_directory_meant(directory, space, (struct sat_dot){author->device, author->last});
}

/* As many as go into one batch: who did most comes first. */
static enum sat_err build(void *context, struct client_links *links)
{
    const struct confirming *it = context;
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < it->n && !err; i++) {
        const struct client_hold *hold = &it->holds[i];
        for (uint32_t j = 0; j < hold->authors_n && links->n < CLIENT_LINKS_MAX && !err; j++) {
            const struct sat_brake_author *author = &hold->authors[j];
            if (!may_confirm(it->satchel, &hold->space) || is_confirmed(&links->ahead, &hold->space, author)) continue;
            struct sat_body_mass_change body = {hold->space, author->device, author->first, author->last};
            struct sat_buf buf;
            sat_buf_init(&buf);
            sat_body_mass_change_encode(&body, &buf);
            err = client_links_add(links, SAT_LINK_MASS_CHANGE, &buf);
            sat_buf_deinit(&buf);
        }
    }
    return err;
}

static enum sat_err confirm(struct satchel *satchel, void (*note)(void *context, const char *text), void *context)
{
    struct client_brake *brake = &satchel->brake;
    struct confirming confirming = {satchel, brake->holds, brake->holds_n};
    struct client_act act = {.satchel = satchel, .context = &confirming, .build = build};
    bool may = false;
    for (uint32_t i = 0; i < confirming.n; i++) may = may || may_confirm(satchel, &confirming.holds[i].space);
    if (!may) return SAT_OK;
    brake->holds = NULL; /* the act's own session begins with none */
    brake->holds_n = 0;
    enum sat_err err = client_act_run(&act);
    free_holds((struct client_hold *)confirming.holds, confirming.n);
    if (!err || sat_err_is_local(err) || sat_err_class(err) != SAT_CLASS_USER) return err;
    struct sat_arena arena;
    sat_arena_init(&arena);
    note(context,
         sat_arena_format(&arena, "the others will be asked about the mass change: %.300s", satchel->fault.text));
    sat_arena_deinit(&arena);
    satchel->fault = (struct sat_fault){0};
    return SAT_OK;
}

enum sat_err client_brake_confirm_drafts(struct satchel *satchel, void (*note)(void *context, const char *text),
                                         void *context)
{
    client_brake_reset(&satchel->brake);
    enum sat_err err = client_brake_drafts(satchel);
    return err || !satchel->brake.holds_n ? err : confirm(satchel, note, context);
}

enum sat_err client_brake_confirm_received(struct satchel *satchel, void (*note)(void *context, const char *text),
                                           void *context)
{
    return client_brake_waiting(satchel) == satchel->brake.holds_n ? SAT_OK : confirm(satchel, note, context);
}
