/* Filling the view: from merged records to rows. */
#include "client/view/fill.h"

#include <stdlib.h>
#include <string.h>

#include "client/calendar.h"
#include "client/json.h"
#include "client/locate.h"
#include "client/names.h"
#include "client/view/added.h"
#include "client/view/amended.h"
#include "client/view/begun.h"
#include "client/view/claims.h"
#include "client/view/database.h"
#include "client/view/figures.h"
#include "client/view/states.h"
#include "common/base/check.h"
#include "common/vault/derived.h"

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

static enum sat_err fail(struct client_filling *filling)
{
    return client_view_fail(filling->db, &filling->satchel->fault, SAT_ERR_IO);
}

enum sat_err client_filling_run(struct client_filling *filling, sqlite3_stmt *statement)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_reset(statement);
    return done ? SAT_OK : fail(filling);
}

enum sat_err client_filling_prepare(struct client_filling *filling, const char *sql, sqlite3_stmt **out)
{
    if (*out || sqlite3_prepare_v3(filling->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
        return SAT_OK;
    return fail(filling);
}

static const char *database_of(bool archived)
{
    return archived ? CLIENT_ARCHIVED : "main";
}

static enum sat_err prepare_insert(struct client_filling *filling, uint16_t index, bool archived)
{
    sqlite3_stmt **statement = &filling->inserts[2 * index + archived];
    if (*statement) return SAT_OK;
    const struct sat_type *type = sat_type_at(index);
    sqlite3_str *sql = sqlite3_str_new(filling->db);
    sqlite3_str_appendf(sql, "INSERT INTO %s.\"%w\" (rowid, id, territory", database_of(archived), type->name);
    for (uint16_t i = 0; i < type->fields_n; i++) sqlite3_str_appendf(sql, ", \"%w\"", type->fields[i].name);
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    if (machine) sqlite3_str_appendf(sql, ", \"%w" CLIENT_DISPUTED "\"", machine->field);
    if (type->home == SAT_HOME_TERRITORY) sqlite3_str_appendall(sql, ", after_move, moved_from");
    sqlite3_str_appendall(sql, ") VALUES (?, ?, ?");
    for (uint16_t i = 0; i < type->fields_n + (machine ? 1 : 0); i++) sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendall(sql, type->home == SAT_HOME_TERRITORY ? ", ?, ?)" : ")");
    char *text = sqlite3_str_finish(sql);
    enum sat_err err = text ? client_filling_prepare(filling, text, statement) : SAT_ERR_NO_MEMORY;
    sqlite3_free(text);
    return err;
}

static uint16_t index_of(const struct sat_type *type)
{
    uint16_t index = 0;
    while (sat_type_at(index)->number != type->number) index++;
    return index;
}

/* A type as its table was made: the list's. */
static const struct sat_type *as_tabled(const struct sat_type *type)
{
    return type ? sat_type_at(index_of(type)) : NULL;
}

/* The name of a space, as it is used in rows: should it change, they do. */
static enum sat_err use_name(struct client_filling *filling, const struct sat_space_id *space, const char *name)
{
    enum sat_err err = client_filling_prepare(
        filling, "INSERT OR IGNORE INTO satchel_name (space, name, kind) VALUES (?, ?, ?)", &filling->put_name);
    if (err) return err;
    const struct sat_space *known = sat_directory_space(&filling->satchel->directory, space);
    (void)sqlite3_bind_blob(filling->put_name, 1, space->b, sizeof space->b, SQLITE_TRANSIENT);
    bind_text(filling->put_name, 2, name, strlen(name));
    (void)sqlite3_bind_int(filling->put_name, 3, known ? known->kind : CLIENT_KIND_UNKNOWN);
    return client_filling_run(filling, filling->put_name);
}

/* Whether something of it came when it had moved already, and from where. */
static enum sat_err bind_late(struct client_filling *filling, sqlite3_stmt *statement, int at,
                              const struct sat_merged_record *record)
{
    struct sat_space_id space;
    bool late = client_came_late(record, &space);
    const char *name = late ? client_space_name(filling->satchel, &space, &filling->arena) : NULL;
    (void)sqlite3_bind_int(statement, at, late);
    if (name)
        bind_text(statement, at + 1, name, strlen(name));
    else
        (void)sqlite3_bind_null(statement, at + 1);
    return name ? use_name(filling, &space, name) : SAT_OK;
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

/* What its own cells say of its state, and behind the fields what of it is disputed. */
static enum sat_err bind_state(struct client_filling *filling, sqlite3_stmt *statement, const struct sat_type *type,
                               const struct sat_record_view *view, int64_t n)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    if (!machine) return SAT_OK;
    int64_t began;
    int state = 4 + (int)(sat_field_by_name(type, machine->field) - type->fields);
    client_states_bind(statement, state, 4 + type->fields_n, type, &view->merged, &began);
    enum sat_err err =
        began ? client_filling_prepare(filling, "UPDATE satchel_here SET began = ? WHERE n = ?", &filling->put_began)
              : SAT_OK;
    if (err || !began) return err;
    (void)sqlite3_bind_int64(filling->put_began, 1, began);
    (void)sqlite3_bind_int64(filling->put_began, 2, n);
    return client_filling_run(filling, filling->put_began);
}

static enum sat_err insert(struct client_filling *filling, const struct sat_type *type,
                           const struct sat_record_view *view, int64_t n)
{
    uint16_t index = index_of(type);
    bool archived = view->merged.deleted;
    enum sat_err err = prepare_insert(filling, index, archived);
    if (err) return err;
    sqlite3_stmt *statement = filling->inserts[2 * index + archived];
    type = sat_type_at(index); /* as its table was made */
    int columns = type->fields_n + (sat_machine_by_type(type->name) ? 1 : 0);
    bind_fields(statement, 4, type, &view->merged);
    (void)sqlite3_bind_int64(statement, 1, n);
    bind_uuid(statement, 2, view->id.b);
    bind_text(statement, 3, filling->territory, strlen(filling->territory));
    if (type->home == SAT_HOME_TERRITORY) err = bind_late(filling, statement, 4 + columns, &view->merged);
    if (!err) err = bind_state(filling, statement, type, view, n);
    if (!err) err = filling->satchel->unread;
    return err ? err : client_filling_run(filling, statement);
}

static enum sat_err enter_space(struct client_filling *filling, int64_t sid)
{
    struct sat_space_id id;
    enum sat_err err = client_space_of_sid(filling->satchel, sid, &id);
    if (err) return err;
    const struct sat_space *space = sat_directory_space(&filling->satchel->directory, &id);
    filling->territory = client_space_name(filling->satchel, &id, &filling->names);
    filling->kind = space ? (enum sat_space_kind)space->kind : SAT_SPACE_NARROW;
    filling->sid = sid;
    err = filling->satchel->unread; /* rather no table than one with a wrong name */
    return err ? err : use_name(filling, &id, filling->territory);
}

/* The org itself has a name record like a territory's; in the table of territories it is none. */
static bool names_the_org(const struct client_filling *filling, const struct sat_record_view *view)
{
    const struct sat_directory *directory = &filling->satchel->directory;
    const struct sat_space *org = sat_directory_space_of_kind(directory, SAT_SPACE_ORG);
    if (!org || filling->kind != SAT_SPACE_PEOPLE) return false;
    struct sat_record_id id = sat_name_record_space(&directory->org, &org->id);
    return sat_record_equal(&id, &view->id);
}

/* The ids of disclosures are open to who may write nothing else in people: what is no disclosure there is nothing. */
static bool is_no_disclosure(const struct client_filling *filling, const struct sat_type *type,
                             const struct sat_record_id *record)
{
    return filling->kind == SAT_SPACE_PEOPLE && strcmp(type->name, CLIENT_DISCLOSURE_TYPE) != 0 &&
           client_discloser_of(&filling->disclosers, record);
}

/* Who somebody is, and what his duties are, is said among the people: who may write a territory says it of nobody. */
static bool is_no_person(const struct client_filling *filling, const struct sat_type *type)
{
    return filling->kind != SAT_SPACE_PEOPLE && strcmp(type->name, "user") == 0;
}

/* What is published for all is published by the organisation: its id follows from its name, and who may write a
 * territory says nothing by it. */
static bool is_not_published(const struct client_filling *filling, const struct sat_type *type)
{
    return filling->kind != SAT_SPACE_ORG && type->home == SAT_HOME_ORG && sat_type_has_keys(type);
}

/* ---- What is here ---- */

/* When the newest of what is there was written, as far as its author can be believed. */
static uint64_t newest_ms(const struct sat_record_view *view)
{
    uint64_t newest = 0;
    for (uint32_t i = 0; i < view->live_n; i++)
        if (view->live[i].effective > newest) newest = view->live[i].effective;
    return newest >> 16;
}

/* A row has come to its type's table, or, `view` NULL, is about to leave it. Whatever else follows from rows is told
 * here. */
static enum sat_err tell(struct client_filling *filling, const struct sat_type *type, bool archived, int64_t n,
                         const struct sat_record_view *view)
{
    struct sat_fault *fault = &filling->satchel->fault;
    if (!archived) {
        enum sat_err indexed = view ? client_index_put(&filling->index, type, n, newest_ms(view), fault)
                                    : client_index_drop(&filling->index, type, n, fault);
        if (indexed) return indexed;
    }
    enum sat_err told = client_states_tell(filling, type, n, view);
    if (!told) told = client_amended_tell(filling, type, n, view);
    if (!told) told = client_begun_tell(filling, type, n, view);
    if (!told) told = client_claims_tell(filling, type, archived, n, view);
    if (told) return told;
    if (filling->all || strcmp(type->name, "order_line") != 0) return SAT_OK;
    enum sat_err err =
        client_filling_prepare(filling,
                               "INSERT OR IGNORE INTO temp.satchel_orders SELECT \"order\" FROM main.order_line WHERE"
                               " rowid = ? AND \"order\" IS NOT NULL",
                               &filling->note_order);
    if (err) return err;
    (void)sqlite3_bind_int64(filling->note_order, 1, n);
    return client_filling_run(filling, filling->note_order);
}

static enum sat_err note(struct client_filling *filling, const struct sat_record_id *record)
{
    enum sat_err err =
        client_filling_prepare(filling, "INSERT OR IGNORE INTO temp.satchel_noted VALUES (?)", &filling->note_record);
    if (err) return err;
    bind_uuid(filling->note_record, 1, record->b);
    return client_filling_run(filling, filling->note_record);
}

/* What a record is in the view. */
struct standing {
    int64_t n;                  /* of its row; 0: the record is not in the list of what is here */
    const char *type;           /* a type's name; "" unreadable, "?" of a later version's; NULL: not here, but moved */
    const struct sat_type *row; /* whose table has a row of it; NULL: none */
    bool archived, unread;      /* unread: something of it could not be opened */
};

static enum sat_err find_old(struct client_filling *filling, int64_t sid, const struct sat_record_id *record,
                             struct standing *out)
{
    *out = (struct standing){0};
    enum sat_err err = client_filling_prepare(
        filling, "SELECT n, type, archived FROM satchel_here WHERE id = ? AND sid = ?", &filling->find_here);
    if (err) return err;
    sqlite3_stmt *statement = filling->find_here;
    bind_uuid(statement, 1, record->b);
    (void)sqlite3_bind_int64(statement, 2, sid);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(statement, 1);
        out->n = sqlite3_column_int64(statement, 0);
        bool row = sqlite3_column_type(statement, 2) != SQLITE_NULL;
        out->row = row && type ? as_tabled(sat_type_by_name(type)) : NULL;
        out->archived = sqlite3_column_int(statement, 2) != 0;
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) err = fail(filling);
    (void)sqlite3_reset(statement);
    return err;
}

static enum sat_err remove_row(struct client_filling *filling, const struct standing *old)
{
    uint16_t index = index_of(old->row);
    sqlite3_stmt **statement = &filling->deletes[2 * index + old->archived];
    enum sat_err err = tell(filling, old->row, old->archived, old->n, NULL);
    if (!err && !*statement) {
        char *sql =
            sqlite3_mprintf("DELETE FROM %s.\"%w\" WHERE rowid = ?", database_of(old->archived), old->row->name);
        err = sql ? client_filling_prepare(filling, sql, statement) : SAT_ERR_NO_MEMORY;
        sqlite3_free(sql);
    }
    if (err) return err;
    (void)sqlite3_bind_int64(*statement, 1, old->n);
    return client_filling_run(filling, *statement);
}

static enum sat_err take_out(struct client_filling *filling, const struct standing *old)
{
    enum sat_err err = old->row ? remove_row(filling, old) : SAT_OK;
    if (!err && old->row)
        err = client_added_note(filling->db, &filling->note_ext, old->n, NULL, &filling->satchel->fault);
    if (!err) err = client_filling_prepare(filling, "DELETE FROM satchel_here WHERE n = ?", &filling->delete_here);
    if (err) return err;
    (void)sqlite3_bind_int64(filling->delete_here, 1, old->n);
    return client_filling_run(filling, filling->delete_here);
}

static bool has_ext(const struct sat_merged_record *record)
{
    uint32_t n = record->cells_n; /* by field: behind it are those of a move alone */
    while (n && record->cells[n - 1].field > SAT_FIELD_EXT) n--;
    return n && record->cells[n - 1].field == SAT_FIELD_EXT;
}

static enum sat_err put_in(struct client_filling *filling, const struct sat_record_view *view,
                           const struct standing *now)
{
    enum sat_err err = client_filling_prepare(
        filling, "INSERT INTO satchel_here (n, sid, id, type, archived, unread) VALUES (?, ?, ?, ?, ?, ?)",
        &filling->put_here);
    if (err) return err;
    sqlite3_stmt *statement = filling->put_here;
    if (now->n)
        (void)sqlite3_bind_int64(statement, 1, now->n);
    else
        (void)sqlite3_bind_null(statement, 1); /* one more than the highest */
    (void)sqlite3_bind_int64(statement, 2, view->sid);
    bind_uuid(statement, 3, view->id.b);
    if (now->type)
        bind_text(statement, 4, now->type, strlen(now->type));
    else
        (void)sqlite3_bind_null(statement, 4);
    if (now->row)
        (void)sqlite3_bind_int(statement, 5, now->archived);
    else
        (void)sqlite3_bind_null(statement, 5);
    (void)sqlite3_bind_int(statement, 6, now->unread);
    err = client_filling_run(filling, statement);
    int64_t n = sqlite3_last_insert_rowid(filling->db);
    if (!err && now->row) err = insert(filling, now->row, view, n);
    if (!err && now->row && has_ext(&view->merged))
        err = client_added_note(filling->db, &filling->note_ext, n, &view->merged, &filling->satchel->fault);
    if (!err && now->row) err = tell(filling, now->row, now->archived, n, view);
    return err;
}

static void stand(const struct client_filling *filling, const struct sat_record_view *view, struct standing *out)
{
    const struct sat_merged_record *merged = &view->merged;
    const struct sat_type *type = merged->exists && !merged->moved ? sat_type_by_number(merged->type) : NULL;
    *out = (struct standing){.archived = merged->deleted};
    if (!merged->moved) out->type = !merged->exists ? "" : type ? type->name : "?";
    for (uint32_t i = 0; i < view->live_n; i++) out->unread = out->unread || !view->live[i].readable;
    if (type && !names_the_org(filling, view) && !is_no_disclosure(filling, type, &view->id) &&
        !is_no_person(filling, type) && !is_not_published(filling, type))
        out->row = as_tabled(type);
}

static enum sat_err put(struct client_filling *filling, int64_t sid, const struct sat_record_id *record, bool listed,
                        const struct standing *old)
{
    struct sat_vault vault = client_vault(filling->satchel);
    struct sat_record_view view = {0};
    struct standing now = {0};
    enum sat_err err = sid == filling->sid ? SAT_OK : enter_space(filling, sid);
    if (!err && listed) err = sat_record_load(&vault, sid, record, &filling->arena, &view);
    if (!err && view.live_n) {
        stand(filling, &view, &now);
        client_amended_read(filling, &view);
        client_sight_mask(&filling->sight, &view, &filling->arena, NULL);
        now.n = old->n;
        if (now.type || now.unread) err = put_in(filling, &view, &now);
    }
    return err;
}

enum sat_err client_filling_look(struct client_filling *filling, int64_t sid, const struct sat_record_id *record)
{
    struct standing old;
    struct sat_derived_record derived = {.sid = sid, .record = *record};
    bool listed = false;
    enum sat_err err = find_old(filling, sid, record, &old);
    if (!err && old.n) err = take_out(filling, &old);
    if (!err) err = sat_derived_lists(filling->satchel->store, &derived, &listed);
    if (!err) err = put(filling, sid, record, listed, &old);
    if (!err) err = note(filling, record);
    sat_arena_reset(&filling->arena);
    return err;
}

static enum sat_err add_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    static const struct standing none;
    struct client_filling *filling = context;
    enum sat_err err = put(filling, sid, record, true, &none);
    sat_arena_reset(&filling->arena);
    return err;
}

/* ---- The whole ---- */

void client_filling_begin(struct client_filling *filling, struct satchel *satchel, sqlite3 *db)
{
    *filling = (struct client_filling){.satchel = satchel, .db = db};
    sat_arena_init(&filling->arena);
    sat_arena_init(&filling->names);
    client_index_init(&filling->index, db);
    client_disclosers_make(&satchel->directory, &filling->names, &filling->disclosers);
    client_sight_get(satchel, &filling->sight);
    filling->inserts = calloc(4 * (size_t)sat_types_count(), sizeof *filling->inserts);
    sat_check_memory(filling->inserts);
    filling->deletes = filling->inserts + 2 * sat_types_count();
}

void client_filling_end(struct client_filling *filling)
{
    for (uint32_t i = 0; i < 4 * (uint32_t)sat_types_count(); i++) (void)sqlite3_finalize(filling->inserts[i]);
    sqlite3_stmt *const others[] = {
        filling->put_name,      filling->put_here,         filling->find_here,    filling->delete_here,
        filling->note_order,    filling->note_record,      filling->put_began,    filling->put_step,
        filling->delete_step,   filling->note_about,       filling->note_authors, filling->note_ext,
        filling->put_amendment, filling->delete_amendment, filling->note_amended, filling->note_amenders,
        filling->put_asked,     filling->delete_asked,     filling->put_claim,    filling->drop_claims,
        filling->put_begun,     filling->delete_begun,     filling->note_begun};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) (void)sqlite3_finalize(others[i]);
    free(filling->inserts);
    client_index_deinit(&filling->index);
    sat_arena_deinit(&filling->names);
    sat_arena_deinit(&filling->arena);
}

#define HIDE_TOTALS(DATABASE)                                                                                          \
    "UPDATE " DATABASE ".\"order\" SET total = NULL WHERE id IN (SELECT l.\"order\" FROM main.order_line AS l WHERE"   \
    " l.qty IS NOT NULL AND l.unit_price IS NULL)"

enum sat_err client_filling_hide(struct client_filling *filling)
{
    if (client_sight_shows(&filling->sight, sat_type_by_name("order_line"))) return SAT_OK;
    const char *sql = HIDE_TOTALS("main") ";" HIDE_TOTALS(CLIENT_ARCHIVED);
    return sqlite3_exec(filling->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : fail(filling);
}

enum sat_err client_filling_all(struct client_filling *filling)
{
    filling->all = true;
    enum sat_err err = sat_store_each_record(filling->satchel->store, add_record, filling);
    if (!err) err = client_view_derive(filling->db, &filling->satchel->fault);
    return err ? err : client_filling_hide(filling);
}
