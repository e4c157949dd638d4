/* Filling the view: from merged records to rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/calendar.h"
#include "client/disclosures.h"
#include "client/json.h"
#include "client/locate.h"
#include "client/names.h"
#include "client/view/database.h"
#include "client/view/figures.h"
#include "common/base/check.h"

/* One value of a query's result. A record is at most 256 KiB, so this is for what a query makes of many. */
enum { VALUE_BYTES_MAX = 64 * 1024 * 1024 };

struct building {
    struct satchel *satchel;
    sqlite3 *db;
    sqlite3_stmt **inserts;   /* two for each type, prepared when first needed: into its table, into the archive's */
    sqlite3_stmt *insert_any; /* every record that is here, archived ones too: what a reference can point to */
    struct sat_arena arena;   /* for one record */
    struct sat_arena names;
    int64_t sid; /* whose name `territory` is */
    const char *territory;
    enum sat_space_kind kind;
    struct client_disclosers disclosers; /* names's */
};

/* ---- Binding ---- */

static void bind_text(sqlite3_stmt *statement, int at, const char *text, size_t len)
{
    (void)sqlite3_bind_text(statement, at, text, (int)len, SQLITE_TRANSIENT);
}

static void bind_uuid(sqlite3_stmt *statement, int at, const uint8_t id[16])
{
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id, text);
    bind_text(statement, at, text, sizeof text - 1);
}

static void bind_value(sqlite3_stmt *statement, int at, const struct sat_value *value)
{
    char text[CLIENT_TIME_TEXT_SIZE];
    switch (value->kind) {
    case SAT_VALUE_NIL:
    case SAT_VALUE_OTHER:
        (void)sqlite3_bind_null(statement, at);
        return;
    case SAT_VALUE_BOOL:
        (void)sqlite3_bind_int(statement, at, value->truth);
        return;
    case SAT_VALUE_INT:
        (void)sqlite3_bind_int64(statement, at, value->integer);
        return;
    case SAT_VALUE_TEXT:
        bind_text(statement, at, (const char *)value->text.at, value->text.len);
        return;
    case SAT_VALUE_REF:
        bind_uuid(statement, at, value->ref.b);
        return;
    case SAT_VALUE_TIME:
        client_time_format(value->integer, value->offset_min, text);
        bind_text(statement, at, text, strlen(text));
        return;
    }
}

/* A set as the text of a JSON array, a map as that of an object; null when nothing is in it. */
static void bind_many(sqlite3_stmt *statement, int at, const struct sat_field *field,
                      const struct sat_merged_record *record)
{
    bool set = sat_rule(field->rule)->form == SAT_FORM_SET;
    json_t *many = set ? client_json_of_set(field, record) : client_json_of_map(field, record);
    if (json_array_size(many) || json_object_size(many)) {
        char *text = client_json_text(json_incref(many));
        bind_text(statement, at, text, strlen(text));
        free(text);
    } else {
        (void)sqlite3_bind_null(statement, at);
    }
    json_decref(many);
}

static void bind_count(sqlite3_stmt *statement, int at, const struct sat_field *field,
                       const struct sat_merged_record *record)
{
    int64_t sum;
    if (client_count_of(field, record, &sum))
        (void)sqlite3_bind_int64(statement, at, sum);
    else
        (void)sqlite3_bind_null(statement, at);
}

static int64_t integer_of(const struct sat_merged_record *record, uint16_t field, bool *there)
{
    const struct sat_merged *cell = sat_merged_cell(record, field, (struct sat_span){0});
    *there = cell && cell->value.kind == SAT_VALUE_INT;
    return *there ? cell->value.integer : 0;
}

/* The one figure that is computed from a record's own cells: order_line.amount. Those over several rows come when
 * all are there. */
static void bind_derived(sqlite3_stmt *statement, int at, const struct sat_type *type,
                         const struct sat_merged_record *record)
{
    const struct sat_field *qty = sat_field_by_name(type, "qty"), *price = sat_field_by_name(type, "unit_price"),
                           *discount = sat_field_by_name(type, "discount_bp");
    bool has_qty = false, has_price = false, has_discount = false;
    int64_t amount = 0;
    (void)sqlite3_bind_null(statement, at);
    if (!qty || !price || !discount) return;
    int64_t q = integer_of(record, qty->number, &has_qty), p = integer_of(record, price->number, &has_price);
    int64_t d = integer_of(record, discount->number, &has_discount); /* a missing discount counts as 0 */
    if (has_qty && has_price && client_line_amount(q, p, d, &amount)) (void)sqlite3_bind_int64(statement, at, amount);
}

/* ---- Rows ---- */

static enum sat_err run(struct building *building, sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_reset(statement);
    return done ? SAT_OK : client_view_fail(building->db, &building->satchel->fault, SAT_ERR_IO);
}

static enum sat_err prepare_insert(struct building *building, uint16_t index, bool archived)
{
    sqlite3_stmt **statement = &building->inserts[2 * index + archived];
    if (*statement) return SAT_OK;
    const struct sat_type *type = sat_type_at(index);
    char sql[1024];
    size_t len = (size_t)snprintf(sql, sizeof sql, "INSERT INTO %s.\"%s\" VALUES (?, ?",
                                  archived ? CLIENT_ARCHIVED : "main", type->name);
    for (uint16_t i = 0; i < type->fields_n; i++) len += (size_t)snprintf(sql + len, sizeof sql - len, ", ?");
    if (type->home == SAT_HOME_TERRITORY) len += (size_t)snprintf(sql + len, sizeof sql - len, ", ?, ?");
    (void)snprintf(sql + len, sizeof sql - len, ")");
    if (sqlite3_prepare_v2(building->db, sql, -1, statement, NULL) == SQLITE_OK) return SAT_OK;
    return client_view_fail(building->db, &building->satchel->fault, SAT_ERR_IO);
}

static uint16_t index_of(const struct sat_type *type)
{
    uint16_t index = 0;
    while (sat_type_at(index) != type) index++;
    return index;
}

/* Whether something of it came when it had moved already, and from where. */
static void bind_late(struct building *building, sqlite3_stmt *statement, int at,
                      const struct sat_merged_record *record)
{
    struct sat_space_id space;
    bool late = client_came_late(record, &space);
    const char *name = late ? client_space_name(building->satchel, &space, &building->arena) : NULL;
    (void)sqlite3_bind_int(statement, at, late);
    if (name)
        bind_text(statement, at + 1, name, strlen(name));
    else
        (void)sqlite3_bind_null(statement, at + 1);
}

static void bind_field(sqlite3_stmt *statement, int at, const struct sat_field *field, const struct sat_merged *cell,
                       const struct sat_merged_record *record)
{
    switch (sat_rule(field->rule)->form) {
    case SAT_FORM_NONE:
        break;
    case SAT_FORM_SET:
    case SAT_FORM_MAP:
        bind_many(statement, at, field, record);
        break;
    case SAT_FORM_COUNTER:
        bind_count(statement, at, field, record);
        break;
    case SAT_FORM_VALUE:
        if (!cell->in_set) bind_value(statement, at, &cell->value);
        break;
    }
}

/* A record says little of what its type has fields for: what it does not say stays null. The first field is the
 * parameter `first`. */
static void bind_fields(sqlite3_stmt *statement, int first, const struct sat_type *type,
                        const struct sat_merged_record *record)
{
    (void)sqlite3_clear_bindings(statement);
    for (uint32_t i = 0; i < record->cells_n; i++) {
        const struct sat_merged *cell = &record->cells[i];
        bool again = i > 0 && record->cells[i - 1].field == cell->field && record->cells[i - 1].in_set;
        const struct sat_field *field = again ? NULL : sat_field_by_number(type, cell->field);
        if (field && field->number != SAT_FIELD_EXT)
            bind_field(statement, first + (int)(field - type->fields), field, cell, record);
    }
    for (uint16_t i = 0; i < type->fields_n; i++)
        if (sat_rule(type->fields[i].rule)->form == SAT_FORM_NONE) bind_derived(statement, first + i, type, record);
}

static enum sat_err insert(struct building *building, const struct sat_type *type, const struct sat_record_view *view)
{
    uint16_t index = index_of(type);
    bool archived = view->merged.deleted;
    enum sat_err err = prepare_insert(building, index, archived);
    if (err) return err;
    sqlite3_stmt *statement = building->inserts[2 * index + archived];
    bind_fields(statement, 3, type, &view->merged);
    bind_uuid(statement, 1, view->id.b);
    bind_text(statement, 2, building->territory, strlen(building->territory));
    if (type->home == SAT_HOME_TERRITORY) bind_late(building, statement, type->fields_n + 3, &view->merged);
    err = building->satchel->unread;
    return err ? err : run(building, statement);
}

static enum sat_err enter_space(struct building *building, int64_t sid)
{
    struct sat_space_id id;
    enum sat_err err = client_space_of_sid(building->satchel, sid, &id);
    if (err) return err;
    const struct sat_space *space = sat_directory_space(&building->satchel->directory, &id);
    building->territory = client_space_name(building->satchel, &id, &building->names);
    building->kind = space ? (enum sat_space_kind)space->kind : SAT_SPACE_NARROW;
    building->sid = sid;
    return building->satchel->unread; /* rather no table than one with a wrong name */
}

/* The org itself has a name record like a territory's; in the table of territories it is none. */
static bool names_the_org(const struct building *building, const struct sat_record_view *view)
{
    const struct sat_directory *directory = &building->satchel->directory;
    const struct sat_space *org = sat_directory_space_of_kind(directory, SAT_SPACE_ORG);
    if (!org || building->kind != SAT_SPACE_PEOPLE) return false;
    struct sat_record_id id = sat_name_record_space(&directory->org, &org->id);
    return sat_record_equal(&id, &view->id);
}

/* The ids of disclosures are open to who may write nothing else in people: what is no disclosure there is nothing. */
static bool is_no_disclosure(const struct building *building, const struct sat_type *type,
                             const struct sat_record_id *record)
{
    return building->kind == SAT_SPACE_PEOPLE && strcmp(type->name, CLIENT_DISCLOSURE_TYPE) != 0 &&
           client_discloser_of(&building->disclosers, record);
}

static enum sat_err add_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct building *building = context;
    struct sat_vault vault = client_vault(building->satchel);
    struct sat_record_view view;
    enum sat_err err = sid == building->sid ? SAT_OK : enter_space(building, sid);
    if (!err) err = sat_record_load(&vault, sid, record, &building->arena, &view);
    if (!err && view.merged.moved) {
        sat_arena_reset(&building->arena);
        return SAT_OK;
    }
    const struct sat_type *type = !err && view.merged.exists ? sat_type_by_number(view.merged.type) : NULL;
    if (!err && view.live_n) {
        const char *name = !view.merged.exists ? "" : type ? type->name : "?"; /* unreadable; of a later version */
        bind_uuid(building->insert_any, 1, record->b);
        bind_text(building->insert_any, 2, name, strlen(name));
        err = run(building, building->insert_any);
    }
    bool shown = !err && type && !names_the_org(building, &view) && !is_no_disclosure(building, type, record);
    if (shown) err = insert(building, type, &view);
    sat_arena_reset(&building->arena);
    return err;
}

/* ---- The whole ---- */

static enum sat_err fill(struct building *building)
{
    struct satchel *satchel = building->satchel;
    sqlite3 *db = building->db;
    if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT OR IGNORE INTO temp.here VALUES (?, ?)", -1, &building->insert_any, NULL) !=
            SQLITE_OK)
        return client_view_fail(db, &satchel->fault, SAT_ERR_IO);
    enum sat_err err = sat_store_each_record(satchel->store, add_record, building);
    if (!err) err = client_view_derive(db, &satchel->fault);
    if (!err && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        err = client_view_fail(db, &satchel->fault, SAT_ERR_IO);
    return err;
}

static enum sat_err build(struct satchel *satchel, sqlite3 *db)
{
    struct building building = {.satchel = satchel, .db = db};
    sat_arena_init(&building.arena);
    sat_arena_init(&building.names);
    client_disclosers_make(&satchel->directory, &building.names, &building.disclosers);
    building.inserts = calloc(2 * (size_t)sat_types_count(), sizeof(sqlite3_stmt *));
    sat_check_memory(building.inserts);
    enum sat_err err = client_view_make_tables(db, &satchel->fault);
    if (!err) err = fill(&building);
    for (uint32_t i = 0; i < 2 * (uint32_t)sat_types_count(); i++) (void)sqlite3_finalize(building.inserts[i]);
    (void)sqlite3_finalize(building.insert_any);
    free(building.inserts);
    sat_arena_deinit(&building.names);
    sat_arena_deinit(&building.arena);
    if (!err) err = client_view_lock(db, &satchel->fault);
    return err;
}

enum sat_err client_view_get(struct satchel *satchel, struct client_view **out)
{
    *out = satchel->view;
    if (client_lease_check(satchel)) return SAT_ERR_LOCKED;
    if (satchel->view) return SAT_OK;
    struct client_view *view = calloc(1, sizeof *view);
    if (!view) return SAT_ERR_NO_MEMORY;
    enum sat_err err = SAT_OK;
    if (sqlite3_open_v2(":memory:", &view->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                        NULL) != SQLITE_OK)
        err = client_view_fail(view->db, &satchel->fault, SAT_ERR_NO_MEMORY);
    if (!err) (void)sqlite3_limit(view->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    if (!err) err = build(satchel, view->db);
    if (err)
        client_view_free(view);
    else
        *out = satchel->view = view;
    return err;
}

void client_view_free(struct client_view *view)
{
    if (!view) return;
    (void)sqlite3_close(view->db);
    free(view);
}
