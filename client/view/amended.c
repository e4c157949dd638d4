#include "client/view/amended.h"

#include <stdio.h>

#include "client/view/database.h"
#include "client/view/figures.h"

enum { SQL_BYTES = 1500 };

static enum sat_err run(sqlite3 *db, const char *sql, struct sat_fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

/* A text as the column has it, and whether it is one of its kind; NULL: columns of the kind stay as they are. */
struct reading {
    const char *value, *fits;
};
static const struct reading *reading_of(const struct sat_field *field)
{
    static const struct reading integer = {"CAST(m.new_value AS INTEGER)",
                                           "CAST(CAST(m.new_value AS INTEGER) AS TEXT) = m.new_value"};
    static const struct reading text = {"m.new_value", "instr(m.new_value, '*') = 0"}; /* a mask is no value */
    static const struct reading date = {"m.new_value", "date(m.new_value) = m.new_value"};
    switch (field->kind) {
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        return &integer;
    case SAT_KIND_TEXT:
    case SAT_KIND_REF:
        return &text;
    case SAT_KIND_DATE:
        return &date;
    case SAT_KIND_BOOL:
    case SAT_KIND_TIME:
        break;
    }
    return NULL;
}

/* What only an amendment changes once it is submitted, and nobody searches. */
static bool is_amended(const struct sat_field *field)
{
    const struct sat_rule *rule = sat_rule(field->rule);
    return rule->form == SAT_FORM_VALUE && rule->later == SAT_LATER_AMENDMENT &&
           sat_field_search(field) == SAT_SEARCH_NO && reading_of(field);
}

/* In the record's own territory alone: who may write another one amends nothing here. */
static enum sat_err amend_column(sqlite3 *db, const struct sat_type *type, const struct sat_field *field, bool noted,
                                 struct sat_fault *fault)
{
    char sql[SQL_BYTES];
    const struct reading *reading = reading_of(field);
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE main.\"%s\" AS r SET \"%s\" = (SELECT %s FROM main.amendment AS m WHERE m.about = r.id AND m.territory"
        " = r.territory AND m.field = '%s' AND (m.new_value IS NULL OR %s) ORDER BY strftime('%%s', m.at) DESC, m.at "
        "DESC, m.id DESC LIMIT 1) WHERE r.\"%s\" IS NOT NULL AND (r.id, r.territory) IN (SELECT m.about, m.territory "
        "FROM main.amendment AS m "
        "WHERE m.field = '%s' AND (m.new_value IS NULL OR %s))%s",
        type->name, field->name, reading->value, field->name, reading->fits,
        sat_field_by_number(type, type->submits)->name, field->name, reading->fits,
        noted ? " AND r.id IN (SELECT id FROM temp.satchel_noted)" : "");
    return run(db, sql, fault);
}

static void line_amount(sqlite3_context *context, int n, sqlite3_value **values)
{
    int64_t amount;
    if (n != 3 || sqlite3_value_type(values[0]) != SQLITE_INTEGER || sqlite3_value_type(values[1]) != SQLITE_INTEGER)
        return;
    if (client_line_amount(sqlite3_value_int64(values[0]), sqlite3_value_int64(values[1]),
                           sqlite3_value_int64(values[2]), &amount))
        sqlite3_result_int64(context, amount);
}

enum sat_err client_view_amend_register(sqlite3 *db, struct sat_fault *fault)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function_v2(db, "line_amount", 3, flags, NULL, line_amount, NULL, NULL, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    return SAT_OK;
}

/* The figure that a line's own columns make. */
static enum sat_err amend_amounts(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    return run(db,
               noted
                   ? "UPDATE main.order_line SET amount = line_amount(qty, unit_price, discount_bp) WHERE id IN (SELECT"
                     " about FROM main.amendment) AND id IN (SELECT id FROM temp.satchel_noted)"
                   : "UPDATE main.order_line SET amount = line_amount(qty, unit_price, discount_bp) WHERE id IN (SELECT"
                     " about FROM main.amendment)",
               fault);
}

static enum sat_err are_there(sqlite3 *db, bool *there, struct sat_fault *fault)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT 1 FROM main.amendment LIMIT 1", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    *there = code == SQLITE_ROW;
    enum sat_err err = code == SQLITE_ROW || code == SQLITE_DONE ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_finalize(statement);
    return err;
}

enum sat_err client_view_amend(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    bool there;
    enum sat_err err = are_there(db, &there, fault);
    if (err || !there) return err;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        const struct sat_type *type = sat_type_at(i);
        for (uint16_t f = 0; f < type->fields_n && type->submits && type->home == SAT_HOME_TERRITORY && !err; f++)
            if (is_amended(&type->fields[f])) err = amend_column(db, type, &type->fields[f], noted, fault);
    }
    return err ? err : amend_amounts(db, noted, fault);
}
