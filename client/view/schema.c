/* The view's tables, what is computed over them, and what keeps askers from doing more than ask. */
#include <stdio.h>
#include <string.h>

#include "client/view/database.h"

enum { SQL_BYTES = 2048 };

enum sat_err client_view_fail(sqlite3 *db, struct sat_fault *fault, enum sat_err err)
{
    if (!db || sqlite3_errcode(db) == SQLITE_NOMEM) err = SAT_ERR_NO_MEMORY;
    return sat_fail(fault, err, "the view: %s", db ? sqlite3_errmsg(db) : "out of memory");
}

static enum sat_err run(sqlite3 *db, const char *sql, struct sat_fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

/* ---- Tables ---- */

static const char *column_type(const struct sat_field *field)
{
    if (field->rule == SAT_RULE_ADD) return CLIENT_COLUMN_SET;
    switch (field->kind) {
    case SAT_KIND_INT:
    case SAT_KIND_MONEY:
        return "INTEGER";
    case SAT_KIND_BOOL:
        return CLIENT_COLUMN_BOOL;
    case SAT_KIND_TEXT:
    case SAT_KIND_DATE:
    case SAT_KIND_TIME:
    case SAT_KIND_REF:
        return "TEXT";
    }
    return "TEXT";
}

static enum sat_err make_table(sqlite3 *db, const char *database, const struct sat_type *type, struct sat_fault *fault)
{
    char sql[SQL_BYTES];
    size_t len = (size_t)snprintf(sql, sizeof sql, "CREATE TABLE %s.\"%s\" (\"id\" TEXT, \"territory\" TEXT", database,
                                  type->name);
    for (uint16_t i = 0; i < type->fields_n; i++)
        len += (size_t)snprintf(sql + len, sizeof sql - len, ", \"%s\" %s", type->fields[i].name,
                                column_type(&type->fields[i]));
    (void)snprintf(sql + len, sizeof sql - len, ")");
    return run(db, sql, fault);
}

enum sat_err client_view_make_tables(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = run(db,
                           "PRAGMA temp_store = MEMORY;"
                           "CREATE TEMP TABLE here (id TEXT PRIMARY KEY) WITHOUT ROWID;"
                           "CREATE TABLE waiting (type TEXT, id TEXT, field TEXT, target TEXT);"
                           "ATTACH ':memory:' AS " CLIENT_ARCHIVED,
                           fault);
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        err = make_table(db, "main", sat_type_at(i), fault);
        if (!err) err = make_table(db, CLIENT_ARCHIVED, sat_type_at(i), fault);
    }
    return err;
}

/* ---- What is computed over several rows ---- */

/* A sum that overflows is no reason to refuse the whole view: it is absent, as an amount that overflows is. */
struct total {
    int64_t sum;
    bool overflowed;
};

static void total_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct total *total = sqlite3_aggregate_context(context, sizeof *total);
    if (!total || n != 1 || sqlite3_value_type(values[0]) != SQLITE_INTEGER) return;
    if (__builtin_add_overflow(total->sum, sqlite3_value_int64(values[0]), &total->sum)) total->overflowed = true;
}

static void total_final(sqlite3_context *context)
{
    const struct total *total = sqlite3_aggregate_context(context, sizeof *total);
    if (total && !total->overflowed) sqlite3_result_int64(context, total->sum);
}

static enum sat_err index_table(sqlite3 *db, const struct sat_type *type, struct sat_fault *fault)
{
    char sql[SQL_BYTES];
    (void)snprintf(sql, sizeof sql, "CREATE INDEX \"%s.id\" ON \"%s\" (\"id\")", type->name, type->name);
    enum sat_err err = run(db, sql, fault);
    for (uint16_t i = 0; i < type->fields_n && !err; i++) {
        if (type->fields[i].kind != SAT_KIND_REF) continue;
        const char *name = type->fields[i].name;
        (void)snprintf(sql, sizeof sql, "CREATE INDEX \"%s.%s\" ON \"%s\" (\"%s\")", type->name, name, type->name,
                       name);
        err = run(db, sql, fault);
        if (err || type->home == SAT_HOME_PEOPLE) continue;
        (void)snprintf(sql, sizeof sql,
                       "INSERT INTO waiting SELECT '%s', \"id\", '%s', \"%s\" FROM \"%s\""
                       " WHERE \"%s\" IS NOT NULL AND \"%s\" NOT IN (SELECT id FROM temp.here)",
                       type->name, name, name, type->name, name, name);
        err = run(db, sql, fault);
    }
    return err;
}

enum sat_err client_view_derive(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) err = index_table(db, sat_type_at(i), fault);
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (!err &&
        sqlite3_create_function_v2(db, "exact_total", 1, flags, NULL, NULL, total_step, total_final, NULL) != SQLITE_OK)
        err = client_view_fail(db, fault, SAT_ERR_IO);
    if (!err)
        err = run(db,
                  "UPDATE \"order\" SET total = (SELECT exact_total(amount) FROM order_line WHERE order_line.\"order\" "
                  "= \"order\".id);"
                  "UPDATE " CLIENT_ARCHIVED ".\"order\" SET total = (SELECT exact_total(amount) FROM main.order_line"
                  " WHERE order_line.\"order\" = \"order\".id);"
                  "DROP TABLE temp.here",
                  fault);
    return err;
}

/* ---- Reading only ---- */

static int authorize(void *context, int action, const char *a, const char *b, const char *database, const char *trigger)
{
    (void)context;
    (void)a;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION: /* b: its name */
        return b && sqlite3_stricmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

enum sat_err client_view_lock(sqlite3 *db, struct sat_fault *fault)
{
    /* json_each() and json_tree() declare themselves at their first use, which the authorizer would take for the
     * making of a table. */
    enum sat_err err =
        run(db, "SELECT 1 FROM json_each('[]'), json_tree('[]'); PRAGMA query_only = ON; PRAGMA trusted_schema = OFF",
            fault);
    if (err) return err;
    if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL) != SQLITE_OK ||
        sqlite3_set_authorizer(db, authorize, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return SAT_OK;
}
