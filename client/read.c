/* Reading single records: get, history, conflicts. Straight from the store, without the view. */
#include <string.h>

#include "client/conflicts.h"
#include "client/forgotten.h"
#include "client/grades.h"
#include "client/locate.h"
#include "client/names.h"
#include "client/read.h"
#include "client/rows.h"
#include "client/skew.h"
#include "client/survivor.h"
#include "client/view/view.h"
#include "common/sync/copied.h"
#include "common/sync/clock.h"
#include "common/vault/machines.h"
#include "common/vault/origin.h"

#define HLC_MS(hlc) ((hlc) >> 16)

/* ---- Which copy ---- */

/* A record as its asker names it. */
struct asked {
    const char *type, *id, *territory; /* territory NULL: wherever it is */
    bool gone;                         /* also where it has been and has moved away, if that is named */
};

/* What was found of it: how many copies are worth the same, the first of them, and where they are. */
struct copies {
    struct sat_record_view view;
    int worth; /* 2: there, 1: archived, 0: none yet */
    uint32_t n;
    bool unreadable; /* there is something that cannot be read */
    const char *places;
};

static enum sat_err look_at_copy(struct satchel *satchel, int64_t sid, const struct sat_record_id *record,
                                 uint16_t type, bool gone, struct sat_arena *arena, struct copies *copies)
{
    struct sat_vault vault = client_vault(satchel);
    struct sat_record_view view;
    struct sat_space_id space;
    enum sat_err err = sat_record_load(&vault, sid, record, arena, &view);
    if (!err && view.merged.moved && !gone) return SAT_OK;
    if (!err && view.live_n && !view.merged.exists) copies->unreadable = true;
    if (err || view.live_n == 0 || !view.merged.exists || view.merged.type != type) return err;
    int worth = view.merged.deleted ? 1 : 2;
    if (worth < copies->worth) return SAT_OK;
    err = client_space_of_sid(satchel, sid, &space);
    if (err) return err;
    bool first = worth > copies->worth;
    const char *name = client_space_name(satchel, &space, arena);
    copies->places = first ? name : sat_arena_format(arena, "%s, %s", copies->places, name);
    copies->n = first ? 1 : copies->n + 1;
    if (first) copies->view = view;
    copies->worth = worth;
    return SAT_OK;
}

static enum sat_err look_at_copies(struct satchel *satchel, const struct asked *asked,
                                   const struct sat_record_id *record, uint16_t type, struct sat_arena *arena,
                                   struct copies *copies)
{
    enum { SPACES_MAX = SAT_SPACES_PER_DEVICE_MAX };
    int64_t sids[SPACES_MAX];
    uint32_t n = 0;
    struct sat_space_id space;
    struct sat_space_row wanted = {0};
    bool known = false;
    const char *territory = asked->territory;
    *copies = (struct copies){.places = ""};
    enum sat_err err = sat_store_record_spaces(satchel->store, record, sids, SPACES_MAX, &n);
    if (!err && territory) err = client_find_space(satchel, territory, &space, &satchel->fault);
    if (!err && territory) err = sat_store_space_find(satchel->store, &space, &wanted, &known);
    for (uint32_t i = 0; i < n && !err; i++)
        if (!territory || (known && sids[i] == wanted.sid))
            err = look_at_copy(satchel, sids[i], record, type, asked->gone && territory, arena, copies);
    return err;
}

/* Two devices can have made one id each in a territory of its own. Neither copy is the record more than the other, so
 * that one must be named; but one that is there goes before those that are archived. */
static enum sat_err find_copy(struct satchel *satchel, const struct asked *asked, struct sat_arena *arena,
                              const struct sat_type **type, struct sat_record_view *view)
{
    struct sat_record_id record;
    struct copies copies;
    struct client_place place;
    enum sat_err err = client_find_type(satchel, asked->type, type);
    if (!err) err = client_parse_id(satchel, asked->id, &record);
    if (!err) err = look_at_copies(satchel, asked, &record, (*type)->number, arena, &copies);
    if (err) return err;
    *view = copies.view;
    if (copies.n == 1) return SAT_OK;
    if (copies.n > 1)
        return sat_fail(&satchel->fault, SAT_ERR_INVALID, "%s %s is in %u territories: name one of %.250s", asked->type,
                        asked->id, (unsigned)copies.n, copies.places);
    if (!asked->territory) return client_locate_named(satchel, asked->type, asked->id, arena, type, &place, view);
    if (copies.unreadable)
        return sat_fail(&satchel->fault, SAT_ERR_UNDECRYPTABLE, "%s %s is in %.100s but cannot be read", asked->type,
                        asked->id, asked->territory);
    return sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "there is no %s %s in %.100s", asked->type, asked->id,
                    asked->territory);
}

/* ---- When ---- */

/* When it was written, as far as its author can be believed: nothing came before it was written. */
static json_t *json_of_when(uint64_t hlc, uint64_t recv_ms)
{
    uint64_t at_ms = HLC_MS(hlc);
    return client_json_of_time(recv_ms && recv_ms < at_ms ? recv_ms : at_ms);
}

/* Its author's clock ran ahead: by how much. What is pending is compared with the time now. */
static bool set_ahead(struct satchel *satchel, uint64_t hlc, uint64_t recv_ms, json_t *json)
{
    uint64_t ahead_ms = sat_clock_ahead_ms(hlc, recv_ms ? recv_ms : client_skew_now_ms(satchel));
    if (ahead_ms) (void)json_object_set_new(json, "clock_ahead_ms", json_integer((json_int_t)ahead_ms));
    return ahead_ms != 0;
}

/* When the newest of what is there was written, if that is not what its author's clock said. */
static void set_when(struct satchel *satchel, const struct sat_record_view *view, json_t *json)
{
    const struct sat_source *newest = NULL;
    for (uint32_t i = 0; i < view->live_n; i++)
        if (!newest || view->live[i].effective > newest->effective) newest = &view->live[i];
    if (!newest || !set_ahead(satchel, newest->header.hlc, newest->recv_ms, json)) return;
    (void)json_object_set_new(json, "at", client_json_of_time(HLC_MS(newest->effective)));
}

/* ---- Get ---- */

/* Is there a record that the reference can mean: of the field's type, or one that cannot be read? */
static enum sat_err can_follow(struct satchel *satchel, const struct sat_field *field,
                               const struct sat_record_id *target, struct sat_arena *arena, bool *can)
{
    int64_t sids[SAT_SPACES_PER_DEVICE_MAX];
    uint32_t n = 0;
    struct sat_vault vault = client_vault(satchel);
    enum sat_err err = sat_store_record_spaces(satchel->store, target, sids, SAT_SPACES_PER_DEVICE_MAX, &n);
    *can = false;
    for (uint32_t i = 0; i < n && !err && !*can; i++) {
        struct sat_record_view view;
        err = sat_record_load(&vault, sids[i], target, arena, &view);
        *can = !err && view.live_n && !view.merged.moved &&
               (!view.merged.exists || field->ref_type == 0 || view.merged.type == field->ref_type);
    }
    return err;
}

/* The fields that refer to a record that is not here (yet, or no longer), or to one of another type. */
static enum sat_err waiting_of(struct satchel *satchel, const struct sat_type *type,
                               const struct sat_merged_record *record, struct sat_arena *arena, json_t *out)
{
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *cell = &record->cells[i];
        const struct sat_field *field = sat_field_by_number(type, cell->field);
        if (!field || cell->value.kind != SAT_VALUE_REF || type->home == SAT_HOME_PEOPLE) continue;
        bool can = false;
        enum sat_err err = can_follow(satchel, field, &cell->value.ref, arena, &can);
        if (err) return err;
        if (!can) (void)json_array_append_new(out, json_string(field->name));
    }
    return SAT_OK;
}

/* Something of it came when it had moved already: from where. */
static void set_late(struct satchel *satchel, const struct sat_merged_record *record, json_t *json,
                     struct sat_arena *arena)
{
    struct sat_space_id space;
    if (!client_came_late(record, &space)) return;
    (void)json_object_set_new(json, "after_move", json_true());
    (void)json_object_set_new(json, "moved_from", json_string(client_space_name(satchel, &space, arena)));
}

/* Where steps were taken, what the view derived of them. */
static enum sat_err set_state(struct satchel *satchel, const struct sat_type *type, const struct sat_record_id *id,
                              const char *territory, json_t *json, struct sat_arena *arena)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    char text[SAT_UUID_TEXT_SIZE];
    const char *const values[] = {text, territory};
    json_t *rows;
    if (!machine) return SAT_OK;
    sat_uuid_format(id->b, text);
    const char *sql = sat_arena_format(arena,
                                       "SELECT \"%s\" AS state, \"%s_disputed\" AS disputed FROM \"%s\" WHERE id = ?1"
                                       " AND territory = ?2 AND (%d OR id IN (SELECT about FROM state_event UNION ALL"
                                       " SELECT about FROM archived.state_event))",
                                       machine->field, machine->field, type->name, sat_machine_decided(machine));
    enum sat_err err = client_view_rows(satchel, sql, values, 2, &rows);
    const json_t *row = err ? NULL : json_array_get(rows, 0);
    if (row) (void)json_object_set(json_object_get(json, "fields"), machine->field, json_object_get(row, "state"));
    if (json_is_string(json_object_get(row, "disputed")))
        (void)json_object_set(json, "disputed", json_object_get(row, "disputed"));
    json_decref(rows);
    return err;
}

/* An account that was merged into another is asked for there. *named: by which id it was. */
static enum sat_err go_on_to_survivor(struct satchel *satchel, const struct sat_type *type, struct sat_arena *arena,
                                      struct sat_record_view *view, struct sat_record_id *named)
{
    struct sat_record_id stays;
    struct client_place place;
    *named = view->id;
    if (strcmp(type->name, "account") != 0) return SAT_OK;
    enum sat_err err = client_survivor(satchel, named, arena, &stays);
    if (err || sat_record_equal(&stays, named)) return err;
    return client_locate(satchel, &stays, arena, &place, view);
}

static enum sat_err get(struct satchel *satchel, const struct asked *asked, struct sat_arena *arena, char **out)
{
    if (client_lease_check(satchel)) return SAT_ERR_LOCKED;
    const struct sat_type *type;
    struct sat_record_view view;
    struct sat_space_id space;
    struct sat_record_id named;
    enum sat_err err = find_copy(satchel, asked, arena, &type, &view);
    if (!err && view.merged.deleted)
        err = sat_fail(&satchel->fault, SAT_ERR_NOT_FOUND, "%s %s is archived", type->name, asked->id);
    if (!err) err = go_on_to_survivor(satchel, type, arena, &view, &named);
    if (!err) err = client_space_of_sid(satchel, view.sid, &space);
    if (err) return err;
    struct client_sight sight;
    json_t *json = json_object(), *waiting = json_array(), *masked = json_array();
    client_sight_get(satchel, &sight);
    client_sight_mask(&sight, &view, arena, masked);
    (void)json_object_set_new(json, "type", json_string(type->name));
    (void)json_object_set_new(json, "id", client_json_of_uuid(view.id.b));
    (void)json_object_set_new(json, "territory", json_string(client_space_name(satchel, &space, arena)));
    if (!sat_record_equal(&named, &view.id))
        (void)json_object_set_new(json, "merged_from", client_json_of_uuid(named.b));
    (void)json_object_set_new(json, "fields", client_json_of_record(type, &view.merged));
    if (json_array_size(masked)) (void)json_object_set(json, "masked", masked);
    json_decref(masked);
    set_when(satchel, &view, json);
    set_late(satchel, &view.merged, json, arena);
    err = waiting_of(satchel, type, &view.merged, arena, waiting);
    if (!err) err = set_state(satchel, type, &view.id, client_space_name(satchel, &space, arena), json, arena);
    if (!err) err = satchel->unread;
    if (json_array_size(waiting))
        (void)json_object_set_new(json, "waiting", waiting);
    else
        json_decref(waiting);
    if (err)
        json_decref(json);
    else
        *out = client_json_text(json);
    return err;
}

int client_get(struct satchel *satchel, const char *type, const char *id, const char *territory, char **json)
{
    struct sat_arena arena;
    struct asked asked = {type, id, territory, .gone = false};
    sat_arena_init(&arena);
    client_begin(satchel);
    *json = NULL;
    enum sat_err err = get(satchel, &asked, &arena, json);
    sat_arena_deinit(&arena);
    return client_end(satchel, err);
}

int satchel_get(struct satchel *satchel, const char *type, const char *id, char **json)
{
    return client_get(satchel, type, id, NULL, json);
}

/* ---- Who ---- */

static void set_author(struct satchel *satchel, json_t *json, uint32_t device, struct sat_arena *arena)
{
    if (device >= SAT_PROVISIONAL) device = client_device(satchel); /* until a copy of a home has a number of its own */
    const struct sat_device *known = sat_directory_device(&satchel->directory, device);
    (void)json_object_set_new(json, "by",
                              client_json_of_text(known ? client_user_name(satchel, known->user, arena) : NULL));
    (void)json_object_set_new(json, "device", json_integer(device));
}

/* ---- History ---- */

static const char *state_of(const struct sat_history_item *item)
{
    if (item->stub) return "stub";
    if (!item->readable) return "unreadable";
    if (item->recv_ms == 0) return "pending";
    return item->live ? "current" : "superseded";
}

/* What a step says of a move. */
static void set_move(struct satchel *satchel, const struct sat_cell *cell, json_t *json, struct sat_arena *arena)
{
    struct sat_space_id space;
    bool moved = cell->field == SAT_FIELD_MOVED, carried = cell->field == SAT_FIELD_CARRIED;
    memcpy(space.b, cell->value.ref.b, sizeof space.b);
    if ((moved || carried) && cell->value.kind == SAT_VALUE_REF)
        (void)json_object_set_new(json, moved ? "moved_to" : "carried_to",
                                  json_string(client_space_name(satchel, &space, arena)));
    else if (moved)
        (void)json_object_set_new(json, "moved_to", json_null());
}

static bool give_step(struct satchel *satchel, const struct client_sight *sight, const struct sat_type *type,
                      const struct sat_history_item *item, satchel_row_fn row, void *context, struct sat_arena *arena)
{
    struct sat_origin origin;
    uint32_t author = item->dot.device;
    json_t *json = json_object();
    /* of a stub nothing but its dot is left */
    (void)json_object_set_new(json, "at", item->hlc ? json_of_when(item->hlc, item->recv_ms) : json_null());
    (void)set_ahead(satchel, item->hlc, item->recv_ms, json);
    if (sat_origin_decode(item->body.origin, &origin)) {
        set_author(satchel, json, item->dot.device, arena);
    } else { /* a copy: what its maker says of the original */
        set_author(satchel, json, author = origin.dot.device, arena);
        (void)json_object_set_new(json, "moved_from", json_string(client_space_name(satchel, &origin.space, arena)));
        (void)json_object_set_new(json, "moved_by", json_integer(item->dot.device));
    }
    (void)json_object_set_new(json, "state", json_string(state_of(item)));
    for (uint32_t i = 0; i < item->body.cells_n; i++) set_move(satchel, &item->body.cells[i], json, arena);
    if (item->readable) { /* under one id there may be changes of another type: their fields are that type's */
        const struct sat_type *own = sat_type_by_number(item->body.type);
        if (own && own != type) (void)json_object_set_new(json, "type", json_string(own->name));
        client_sight_mask_cells(sight, own ? own->number : type->number, author, item->body.cells, item->body.cells_n,
                                arena);
        (void)json_object_set_new(json, "fields",
                                  client_json_of_cells(own ? own : type, item->body.cells, item->body.cells_n));
    }
    return client_give_row(row, context, json);
}

/* The record, or what is still here of one that was deleted and forgotten. */
static enum sat_err find_past(struct satchel *satchel, const struct asked *asked, struct sat_arena *arena,
                              const struct sat_type **type, struct sat_record_view *view)
{
    struct sat_record_id record;
    int64_t sid = 0;
    enum sat_err err = find_copy(satchel, asked, arena, type, view);
    if (err != SAT_ERR_NOT_FOUND || asked->territory || client_find_type(satchel, asked->type, type)) return err;
    enum sat_err past = client_parse_id(satchel, asked->id, &record);
    if (!past) past = client_forgotten_find(satchel, &record, NULL, arena, &sid);
    if (!past && sid) past = client_forgotten_load(satchel, sid, &record, arena, view);
    if (past) return past;
    return sid && view->merged.exists && view->merged.type == (*type)->number ? SAT_OK : err;
}

int client_history(struct satchel *satchel, const char *type_name, const char *id, const char *territory,
                   satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    struct asked asked = {type_name, id, territory, .gone = true};
    sat_arena_init(&arena);
    client_begin(satchel);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    struct sat_vault vault = client_vault(satchel);
    const struct sat_type *type;
    struct sat_record_view view;
    struct sat_history_item *items;
    struct client_sight sight;
    uint32_t n = 0;
    client_sight_get(satchel, &sight);
    enum sat_err err = find_past(satchel, &asked, &arena, &type, &view);
    if (!err) err = sat_record_history(&vault, view.sid, &view.id, &arena, &items, &n);
    for (uint32_t i = 0; i < n && !err; i++)
        if (!give_step(satchel, &sight, type, &items[i], row, context, &arena)) break;
    sat_arena_deinit(&arena);
    return client_end(satchel, err ? err : satchel->unread);
}

int satchel_history(struct satchel *satchel, const char *type, const char *id, satchel_row_fn row, void *context)
{
    return client_history(satchel, type, id, NULL, row, context);
}

/* ---- Conflicts ---- */

static json_t *alternatives_of(struct satchel *satchel, const struct sat_field *field, const struct sat_merged *cell,
                               struct sat_arena *arena)
{
    struct client_sight sight;
    json_t *values = json_array();
    client_sight_get(satchel, &sight);
    for (uint32_t i = 0; i < cell->alternatives_n; i++) {
        const struct sat_alternative *alternative = &cell->alternatives[i];
        json_t *json = json_object();
        const struct sat_value value =
            client_sight_value(&sight, field, alternative->source, &alternative->value, arena);
        const struct sat_type *other =
            cell->field == SAT_FIELD_TYPE ? sat_type_by_number((uint16_t)alternative->value.integer) : NULL;
        (void)json_object_set_new(json, "value", other ? json_string(other->name) : client_json_of_value(&value));
        set_author(satchel, json, sat_source_author(alternative->source), arena);
        (void)json_object_set_new(json, "at", client_json_of_time(HLC_MS(alternative->source->effective)));
        (void)set_ahead(satchel, alternative->source->header.hlc, alternative->source->recv_ms, json);
        (void)json_object_set_new(json, "shown", json_boolean(alternative->shown));
        (void)json_array_append_new(values, json);
    }
    return values;
}

static bool give_conflict(struct satchel *satchel, const struct sat_record_view *view, const struct sat_merged *cell,
                          satchel_row_fn row, void *context, struct sat_arena *arena)
{
    const struct sat_type *type = sat_type_by_number(view->merged.type);
    const struct sat_field *field = type ? sat_field_by_number(type, cell->field) : NULL;
    bool is_type = cell->field == SAT_FIELD_TYPE;
    if (!type || (!field && !is_type && cell->field != SAT_FIELD_DELETED))
        return true; /* a later version's: nobody could settle it here */
    json_t *json = json_object();
    (void)json_object_set_new(json, "type", json_string(type->name));
    (void)json_object_set_new(json, "id", client_json_of_uuid(view->id.b));
    const char *name = field ? field->name : is_type ? "type" : "deleted";
    if (cell->in_set) /* a key of a map */
        name = sat_arena_format(arena, "%s.%.*s", name, (int)cell->element.len, (const char *)cell->element.at);
    (void)json_object_set_new(json, "field", json_string(name));
    (void)json_object_set_new(json, "values", alternatives_of(satchel, field, cell, arena));
    return client_give_row(row, context, json);
}

static enum sat_err give_conflicts_of(struct satchel *satchel, const struct client_listed *conflict, satchel_row_fn row,
                                      void *context, bool *more)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_vault vault = client_vault(satchel);
    struct sat_record_view view;
    enum sat_err err = sat_record_load(&vault, conflict->sid, &conflict->record, &arena, &view);
    for (uint32_t i = 0; !err && *more && i < view.merged.cells_n; i++)
        if (view.merged.cells[i].conflict)
            *more = give_conflict(satchel, &view, &view.merged.cells[i], row, context, &arena);
    sat_arena_deinit(&arena);
    return err;
}

int satchel_conflicts(struct satchel *satchel, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    if (client_lease_check(satchel)) return client_end(satchel, SAT_ERR_LOCKED);
    bool more = true;
    enum sat_err err = client_conflicts_known(satchel);
    for (uint32_t i = 0; !err && more && i < satchel->conflicts.list.n; i++)
        err = give_conflicts_of(satchel, &satchel->conflicts.list.at[i], row, context, &more);
    return client_end(satchel, err ? err : satchel->unread);
}

/* ---- Types ---- */

static const char *home_name(enum sat_type_home home)
{
    switch (home) {
    case SAT_HOME_TERRITORY:
        return "territory";
    case SAT_HOME_ORG:
        return "org";
    case SAT_HOME_PEOPLE:
        return "people";
    }
    return "territory";
}

static json_t *json_of_field(const struct sat_field *field)
{
    const struct sat_type *refers = field->ref_type ? sat_type_by_number(field->ref_type) : NULL;
    json_t *json = json_object();
    (void)json_object_set_new(json, "name", json_string(field->name));
    (void)json_object_set_new(json, "kind", json_string(sat_kind_name(field->kind)));
    const struct sat_rule *rule = sat_rule(field->rule);
    (void)json_object_set_new(json, "set", json_boolean(rule->form == SAT_FORM_SET));
    (void)json_object_set_new(json, "derived", json_boolean(rule->form == SAT_FORM_NONE));
    if (rule->form == SAT_FORM_MAP) (void)json_object_set_new(json, "map", json_true());
    if (rule->form == SAT_FORM_COUNTER) (void)json_object_set_new(json, "counter", json_true());
    (void)json_object_set_new(json, "rule", json_string(rule->code));
    (void)json_object_set_new(json, "grade", json_sprintf("G%d", (int)field->grade));
    if (field->range->words) (void)json_object_set_new(json, "words", json_string(field->range->words));
    if (field->kind == SAT_KIND_REF)
        (void)json_object_set_new(json, "refers_to", client_json_of_text(refers ? refers->name : NULL));
    return json;
}

int satchel_types(satchel_row_fn row, void *context)
{
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        json_t *json = json_object(), *fields = json_array();
        (void)json_object_set_new(json, "type", json_string(type->name));
        (void)json_object_set_new(json, "home", json_string(home_name(type->home)));
        for (uint16_t f = 0; f < type->fields_n; f++)
            (void)json_array_append_new(fields, json_of_field(&type->fields[f]));
        (void)json_object_set_new(json, "fields", fields);
        if (!client_give_row(row, context, json)) break;
    }
    return SATCHEL_OK;
}
