#include "client/view/amended.h"

#include <stdio.h>
#include <string.h>

#include "client/view/database.h"
#include "client/view/figures.h"

enum { SQL_BYTES = 1500 };

static enum sat_err run(sqlite3 *db, const char *sql, struct sat_fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

/* Takes sql. */
static enum sat_err run_made(sqlite3 *db, char *sql, struct sat_fault *fault)
{
    enum sat_err err = sql ? run(db, sql, fault) : SAT_ERR_NO_MEMORY;
    sqlite3_free(sql);
    return err;
}

enum sat_err client_amended_make(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               "CREATE TABLE satchel_amendment (n INTEGER PRIMARY KEY, sid INTEGER, id TEXT, about TEXT, field TEXT,"
               " value TEXT, masked INTEGER, fits TEXT, effective INTEGER, author TEXT, role INTEGER, back TEXT,"
               " back_role INTEGER, passing INTEGER, standing TEXT);"
               "ALTER TABLE main.amendment ADD COLUMN standing TEXT;"
               "ALTER TABLE " CLIENT_ARCHIVED ".amendment ADD COLUMN standing TEXT",
               fault);
}

enum sat_err client_amended_index(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               "CREATE INDEX satchel_amendment_about ON satchel_amendment (about);"
               "CREATE INDEX satchel_amendment_passing ON satchel_amendment (n) WHERE passing",
               fault);
}

/* ---- Rows of amendments ---- */

static bool is_amendment(const struct sat_type *type)
{
    return type && strcmp(type->name, "amendment") == 0;
}

void client_amended_read(struct client_filling *filling, const struct sat_record_view *view)
{
    filling->amends = is_amendment(sat_type_by_number(view->merged.type)) &&
                      client_amendment_read(filling->satchel, &view->merged, &filling->arena, &filling->amendment);
}

static const struct sat_merged *cell_of(const struct sat_merged_record *merged, const char *field)
{
    uint16_t number = sat_field_by_name(sat_type_by_name("amendment"), field)->number;
    return sat_merged_cell(merged, number, (struct sat_span){0});
}

/* " order_line quote " */
static const char *types_that_take(struct client_filling *filling)
{
    const char *fits = " ";
    for (uint16_t i = 0; i < sat_types_count(); i++)
        if (client_amendment_fits(&filling->amendment, sat_type_at(i), &filling->arena))
            fits = sat_arena_format(&filling->arena, "%s%s ", fits, sat_type_at(i)->name);
    return fits;
}

static void bind_user(struct client_filling *filling, sqlite3_stmt *statement, int at, uint32_t user, uint8_t role)
{
    char text[SAT_UUID_TEXT_SIZE];
    struct sat_record_id id = sat_name_record_user(&filling->satchel->directory.org, user);
    sat_uuid_format(id.b, text);
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int(statement, at + 1, role);
}

static enum sat_err put_amendment(struct client_filling *filling, int64_t n, const struct sat_record_view *view)
{
    char about[SAT_UUID_TEXT_SIZE], id[SAT_UUID_TEXT_SIZE];
    const struct client_amendment *said = &filling->amendment;
    enum sat_err err = client_filling_prepare(
        filling, "INSERT INTO satchel_amendment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        &filling->put_amendment);
    if (err) return err;
    sqlite3_stmt *put = filling->put_amendment;
    const struct sat_merged *to = cell_of(&view->merged, "new_value"),
                            *gone = sat_merged_cell(&view->merged, SAT_FIELD_DELETED, (struct sat_span){0});
    struct sat_span value = to && to->value.kind == SAT_VALUE_TEXT ? to->value.text : (struct sat_span){0};
    bool back = view->merged.deleted && gone && gone->source;
    sat_uuid_format(said->about->b, about);
    sat_uuid_format(view->id.b, id);
    (void)sqlite3_clear_bindings(put);
    (void)sqlite3_bind_int64(put, 1, n);
    (void)sqlite3_bind_int64(put, 2, view->sid);
    (void)sqlite3_bind_text(put, 3, id, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_text(put, 4, about, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_text(put, 5, said->field, -1, SQLITE_TRANSIENT);
    if (value.at) (void)sqlite3_bind_text(put, 6, (const char *)value.at, (int)value.len, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int(put, 7, said->to.at && !sat_span_equal(value, said->to));
    (void)sqlite3_bind_text(put, 8, types_that_take(filling), -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int64(put, 9, (int64_t)said->effective);
    bind_user(filling, put, 10, said->user, said->role);
    if (back) bind_user(filling, put, 12, client_source_user(filling->satchel, gone->source), gone->source->role);
    (void)sqlite3_bind_int(put, 14, said->passing || (back && gone->source->pending));
    return client_filling_run(filling, put);
}

static enum sat_err run_about(struct client_filling *filling, sqlite3_stmt **statement, const char *sql, int64_t n)
{
    enum sat_err err = client_filling_prepare(filling, sql, statement);
    if (err) return err;
    (void)sqlite3_bind_int64(*statement, 1, n);
    return client_filling_run(filling, *statement);
}

enum sat_err client_amended_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                                 const struct sat_record_view *view)
{
    enum sat_err err = SAT_OK;
    bool amendment = is_amendment(type), user = strcmp(type->name, "user") == 0;
    if (amendment && view && filling->amends) err = put_amendment(filling, n, view);
    if (amendment && !filling->all && !err)
        err =
            run_about(filling, &filling->note_amended,
                      "INSERT OR IGNORE INTO temp.satchel_amended SELECT about FROM satchel_amendment WHERE n = ?", n);
    if (amendment && !view && !err)
        err = run_about(filling, &filling->delete_amendment, "DELETE FROM satchel_amendment WHERE n = ?", n);
    if (user && !filling->all && !err) /* with the business roles, what his amendments count for */
        err = run_about(filling, &filling->note_amenders,
                        "INSERT OR IGNORE INTO temp.satchel_amended SELECT s.about FROM satchel_here AS h JOIN"
                        " satchel_amendment AS s ON s.author = h.id OR s.back = h.id WHERE h.n = ?",
                        n);
    return err;
}

/* ---- What counts ---- */

static void line_amount(sqlite3_context *context, int n, sqlite3_value **values)
{
    int64_t amount;
    if (n != 3 || sqlite3_value_type(values[0]) != SQLITE_INTEGER || sqlite3_value_type(values[1]) != SQLITE_INTEGER)
        return;
    if (client_line_amount(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
                           sqlite3_value_int64(values[2]), &amount))
        sqlite3_result_int64(context, amount);
}

/* may_amend(type, field, role, roles): of a field that is amended. */
static void may_amend(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct sat_arena arena;
    const char *type = n == 4 ? (const char *)sqlite3_value_text(values[0]) : NULL;
    const char *named = n == 4 ? (const char *)sqlite3_value_text(values[1]) : NULL;
    const struct sat_type *of = type ? sat_type_by_name(type) : NULL;
    sat_arena_init(&arena);
    const struct sat_field *field = of && named ? client_amended_field(of, named, &arena) : NULL;
    uint32_t duties = field ? sat_duties_of_role((uint8_t)sqlite3_value_int(values[2])) |
                                  client_duties_listed((const char *)sqlite3_value_text(values[3]))
                            : 0;
    sqlite3_result_int(context, field && (duties & sat_field_amenders(field)));
    sat_arena_deinit(&arena);
}

enum sat_err client_amended_register(sqlite3 *db, struct sat_fault *fault)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function_v2(db, "line_amount", 3, flags, NULL, line_amount, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(db, "may_amend", 4, flags, NULL, may_amend, NULL, NULL, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    return SAT_OK;
}

/* Those about what was looked at again. */
#define AMONG(NOTED) ((NOTED) ? " AND s.about IN (SELECT id FROM temp.satchel_noted)" : "")

/* Of those about records of one type: in the record's own territory alone, as who may write another one amends nothing
 * here. */
static enum sat_err judge_type(sqlite3 *db, const struct sat_type *type, bool noted, struct sat_fault *fault)
{
    const char *submits = type->submits ? sat_field_by_number(type, type->submits)->name : NULL;
    return run_made(
        db,
        sqlite3_mprintf("UPDATE satchel_amendment AS s SET standing = (SELECT CASE WHEN instr(s.fits, ' %w ') = 0 THEN"
                        " 'unfit' WHEN r.\"%w\" IS NULL THEN 'early' WHEN NOT may_amend(%Q, s.field, s.role, (SELECT"
                        " u.roles FROM main.user AS u WHERE u.id = s.author)) THEN 'denied' WHEN s.back IS NOT NULL"
                        " AND may_amend(%Q, s.field, s.back_role, (SELECT u.roles FROM main.user AS u WHERE u.id ="
                        " s.back)) THEN NULL ELSE 'counts' END FROM main.\"%w\" AS r JOIN satchel_here AS h ON h.n ="
                        " r.rowid AND h.sid = s.sid WHERE r.id = s.about) WHERE EXISTS (SELECT 1 FROM satchel_here AS h"
                        " WHERE h.id = s.about AND h.sid = s.sid AND h.type = %Q AND h.archived = 0)%s",
                        type->name, submits ? submits : "id", type->name, type->name, type->name, type->name,
                        AMONG(noted)),
        fault);
}

/* The last one of a field counts, by when it was written; the others stay beside it. */
static enum sat_err judge_order(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    return run_made(
        db,
        sqlite3_mprintf("UPDATE satchel_amendment SET standing = 'overtaken' WHERE n IN (SELECT n FROM (SELECT s.n,"
                        " row_number() OVER (PARTITION BY s.about, s.sid, s.field ORDER BY s.effective DESC, s.id DESC)"
                        " AS behind FROM satchel_amendment AS s WHERE s.standing = 'counts'%s) WHERE behind > 1)",
                        AMONG(noted)),
        fault);
}

static enum sat_err judge(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = run_made(
        db, sqlite3_mprintf("UPDATE satchel_amendment AS s SET standing = NULL WHERE TRUE%s", AMONG(noted)), fault);
    for (uint16_t i = 0; i < sat_types_count() && !err; i++)
        if (sat_type_at(i)->home != SAT_HOME_PEOPLE) err = judge_type(db, sat_type_at(i), noted, fault);
    if (!err)
        err = run_made(db,
                       sqlite3_mprintf("UPDATE satchel_amendment AS s SET standing = 'elsewhere' WHERE s.back IS NULL"
                                       " AND EXISTS (SELECT 1 FROM satchel_here AS h WHERE h.id = s.about AND"
                                       " h.archived IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM satchel_here AS h WHERE"
                                       " h.id = s.about AND h.sid = s.sid AND h.archived IS NOT NULL)%s",
                                       AMONG(noted)),
                       fault);
    return err ? err : judge_order(db, noted, fault);
}

/* In the table that people ask. */
static enum sat_err show(sqlite3 *db, const char *database, bool noted, struct sat_fault *fault)
{
    return run_made(db,
                    sqlite3_mprintf("UPDATE %s.amendment AS m SET standing = (SELECT s.standing FROM satchel_amendment"
                                    " AS s WHERE s.n = m.rowid) WHERE m.rowid IN (SELECT s.n FROM satchel_amendment"
                                    " AS s WHERE TRUE%s)",
                                    database, AMONG(noted)),
                    fault);
}

/* ---- Columns ---- */

/* A text as the column has it; NULL: columns of the kind stay as they are. */
static const char *as_column(const struct sat_field *field)
{
    switch (field->kind) {
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        return "CAST(s.value AS INTEGER)";
    case SAT_KIND_TEXT:
    case SAT_KIND_REF:
    case SAT_KIND_DATE:
        return "s.value";
    case SAT_KIND_BOOL:
    case SAT_KIND_TIME:
        break;
    }
    return NULL;
}

/* What only an amendment changes once it is submitted, and nobody searches. */
static bool is_column(const struct sat_field *field)
{
    return sat_rule(field->rule)->form == SAT_FORM_VALUE && client_is_amended(field) &&
           sat_field_search(field) == SAT_SEARCH_NO && as_column(field);
}

/* A mask is no value: whom what counts is masked for has the figure as it was submitted. */
static enum sat_err amend_column(sqlite3 *db, const struct sat_type *type, const struct sat_field *field, bool noted,
                                 struct sat_fault *fault)
{
    return run_made(
        db,
        sqlite3_mprintf("UPDATE main.\"%w\" AS r SET \"%w\" = %s FROM satchel_amendment AS s, satchel_here AS h WHERE"
                        " s.about = r.id AND h.n = r.rowid AND h.sid = s.sid AND s.field = %Q AND s.standing ="
                        " 'counts' AND NOT s.masked%s",
                        type->name, field->name, as_column(field), field->name, AMONG(noted)),
        fault);
}

/* The figure that a line's own columns make. */
static enum sat_err amend_amounts(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    return run_made(db,
                    sqlite3_mprintf("UPDATE main.order_line SET amount = line_amount(qty, unit_price, discount_bp)"
                                    " WHERE id IN (SELECT s.about FROM satchel_amendment AS s WHERE s.standing ="
                                    " 'counts'%s)",
                                    AMONG(noted)),
                    fault);
}

static enum sat_err are_there(sqlite3 *db, bool *there, struct sat_fault *fault)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT 1 FROM satchel_amendment LIMIT 1", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    *there = code == SQLITE_ROW;
    enum sat_err err = code == SQLITE_ROW || code == SQLITE_DONE ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_finalize(statement);
    return err;
}

enum sat_err client_amended_derive(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    bool there;
    enum sat_err err = are_there(db, &there, fault);
    if (err || !there) return err;
    err = judge(db, noted, fault);
    if (!err) err = show(db, "main", noted, fault);
    if (!err) err = show(db, CLIENT_ARCHIVED, noted, fault);
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        const struct sat_type *type = sat_type_at(i);
        for (uint16_t f = 0; f < type->fields_n && type->submits && type->home == SAT_HOME_TERRITORY && !err; f++)
            if (is_column(&type->fields[f])) err = amend_column(db, type, &type->fields[f], noted, fault);
    }
    return err ? err : amend_amounts(db, noted, fault);
}
