/* The view's tables, what is computed over them, and what keeps askers from doing more than ask. */
#include <stdio.h>
#include <string.h>

#include "client/search/index.h"
#include "client/view/amended.h"
#include "client/view/begun.h"
#include "client/view/beside.h"
#include "client/view/claims.h"
#include "client/view/database.h"
#include "client/view/figures.h"
#include "client/view/states.h"

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
    enum sat_rule_form form = sat_rule(field->rule)->form;
    if (form == SAT_FORM_SET || form == SAT_FORM_MAP) return CLIENT_COLUMN_SET;
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
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    if (machine)
        len += (size_t)snprintf(sql + len, sizeof sql - len, ", \"%s" CLIENT_DISPUTED "\" TEXT", machine->field);
    if (type->home == SAT_HOME_TERRITORY)
        len += (size_t)snprintf(sql + len, sizeof sql - len, ", \"after_move\" %s, \"moved_from\" TEXT",
                                CLIENT_COLUMN_BOOL);
    if (client_beside_is(type))
        len += (size_t)snprintf(sql + len, sizeof sql - len, ", \"elsewhere\" %s", CLIENT_COLUMN_BOOL);
    (void)snprintf(sql + len, sizeof sql - len, ")");
    return run(db, sql, fault);
}

enum sat_err client_view_make_tables(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err =
        run(db,
            "CREATE TABLE main.satchel_state (serial BLOB);"
            "CREATE TABLE " CLIENT_ARCHIVED ".satchel_state (serial BLOB);"
            "CREATE TABLE satchel_name (space BLOB PRIMARY KEY, name TEXT, kind INTEGER) WITHOUT ROWID;"
            "CREATE TABLE satchel_here (n INTEGER PRIMARY KEY, sid INTEGER, id TEXT, type TEXT, archived INTEGER,"
            " unread INTEGER, began INTEGER);"
            "CREATE TABLE waiting (type TEXT, id TEXT, field TEXT, target TEXT, found TEXT)",
            fault);
    if (!err) err = client_states_make(db, fault);
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        err = make_table(db, "main", sat_type_at(i), fault);
        if (!err) err = make_table(db, CLIENT_ARCHIVED, sat_type_at(i), fault);
    }
    if (!err) err = client_states_add(db, fault);
    if (!err) err = client_amended_make(db, fault);
    if (!err) err = client_begun_make(db, fault);
    if (!err) err = client_claims_make(db, fault);
    if (!err) err = client_view_make_follows(db, fault);
    return err ? err : client_index_make(db, fault);
}

/* ---- What is computed over several rows ---- */

/* line_total(amount, due): an amount that is due and null did not fit. A total that is absent is no reason to refuse
 * the whole view. */
static void total_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct client_total *total = sqlite3_aggregate_context(context, sizeof *total);
    if (!total || n != 2) return;
    if (sqlite3_value_type(values[0]) == SQLITE_INTEGER)
        client_total_add(total, sqlite3_value_int64(values[0]));
    else if (sqlite3_value_int(values[1]))
        client_total_lose(total);
}

static void total_final(sqlite3_context *context)
{
    const struct client_total *total = sqlite3_aggregate_context(context, sizeof *total);
    int64_t sum;
    if (total && client_total_get(total, &sum)) sqlite3_result_int64(context, sum);
}

/* What was looked at again, where not all is derived anew: the ids of the records, and those of orders whose lines were
 * among them, before or behind it. */
#define NOTED "(SELECT id FROM temp.satchel_noted)"
#define NOTED_ORDERS                                                                                                   \
    " WHERE o.rowid IN (SELECT n FROM satchel_here WHERE id IN (SELECT id FROM temp.satchel_noted UNION"               \
    " SELECT id FROM temp.satchel_orders))"

enum sat_err client_view_begin_noting(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               "CREATE TEMP TABLE IF NOT EXISTS satchel_noted (id TEXT PRIMARY KEY) WITHOUT ROWID;"
               "CREATE TEMP TABLE IF NOT EXISTS satchel_orders (id TEXT PRIMARY KEY) WITHOUT ROWID;"
               "CREATE TEMP TABLE IF NOT EXISTS satchel_abouts (id TEXT PRIMARY KEY) WITHOUT ROWID;"
               "CREATE TEMP TABLE IF NOT EXISTS satchel_amended (id TEXT PRIMARY KEY) WITHOUT ROWID;"
               "DELETE FROM temp.satchel_noted; DELETE FROM temp.satchel_orders; DELETE FROM temp.satchel_abouts;"
               "DELETE FROM temp.satchel_amended",
               fault);
}

/* Of the lines beside the order: who writes another territory adds nothing to it. */
#define SET_TOTALS(DATABASE)                                                                                           \
    "UPDATE " DATABASE ".\"order\" AS o SET total = (SELECT line_total(l.amount, l.qty IS NOT NULL AND l.unit_price"   \
    " IS NOT NULL) FROM main.order_line AS l WHERE l.\"order\" = o.id AND l.territory = o.territory)"

static enum sat_err set_totals(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = run(db, noted ? SET_TOTALS("main") NOTED_ORDERS : SET_TOTALS("main"), fault);
    return err ? err : run(db, noted ? SET_TOTALS(CLIENT_ARCHIVED) NOTED_ORDERS : SET_TOTALS(CLIENT_ARCHIVED), fault);
}

enum sat_err client_view_register(sqlite3 *db, struct sat_fault *fault)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function_v2(db, "line_total", 2, flags, NULL, NULL, total_step, total_final, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    enum sat_err err = client_states_register(db, fault);
    if (!err) err = client_begun_register(db, fault);
    if (!err) err = client_amended_register(db, fault);
    return err ? err : client_index_register(db, fault);
}

/* The references of a field that cannot be followed: to nothing, or to a record of another type. One that cannot be
 * read, whose type is "", may be what is meant. */
static enum sat_err add_waiting(sqlite3 *db, const struct sat_type *type, const struct sat_field *field, bool noted,
                                struct sat_fault *fault)
{
    char sql[SQL_BYTES], fits[80] = "h.type IS NOT NULL", among[SQL_BYTES / 2] = "";
    const struct sat_type *wanted = field->ref_type ? sat_type_by_number(field->ref_type) : NULL;
    if (wanted) (void)snprintf(fits, sizeof fits, "h.type IN ('', '%s')", wanted->name);
    if (noted)
        (void)snprintf(among, sizeof among,
                       " AND r.rowid IN (SELECT rowid FROM main.\"%s\" WHERE id IN " NOTED
                       " UNION SELECT rowid FROM main.\"%s\" WHERE \"%s\" IN " NOTED ")",
                       type->name, type->name, field->name);
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO waiting SELECT '%s', r.id, '%s', r.\"%s\", (SELECT min(h.type) FROM satchel_here AS h"
                   " WHERE h.id = r.\"%s\") FROM main.\"%s\" AS r WHERE r.\"%s\" IS NOT NULL AND NOT EXISTS (SELECT 1"
                   " FROM satchel_here AS h WHERE h.id = r.\"%s\" AND %s)%s",
                   type->name, field->name, field->name, field->name, type->name, field->name, field->name, fits,
                   among);
    return run(db, sql, fault);
}

static enum sat_err add_all_waiting(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) {
        const struct sat_type *type = sat_type_at(i);
        if (type->home == SAT_HOME_PEOPLE) continue;
        for (uint16_t k = 0; k < type->fields_n && !err; k++)
            if (type->fields[k].kind == SAT_KIND_REF) err = add_waiting(db, type, &type->fields[k], noted, fault);
    }
    return err;
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
    }
    return err;
}

enum sat_err client_view_derive(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = run(db,
                           "CREATE INDEX satchel_here_id ON satchel_here (id, type);"
                           "CREATE INDEX satchel_here_unread ON satchel_here (unread) WHERE unread",
                           fault);
    for (uint16_t i = 0; i < sat_types_count() && !err; i++) err = index_table(db, sat_type_at(i), fault);
    if (!err) err = add_all_waiting(db, false, fault);
    if (!err) err = client_states_index(db, fault);
    if (!err) err = client_amended_index(db, fault);
    if (!err) err = client_states_derive(db, false, fault);
    if (!err) err = client_begun_derive(db, false, fault);
    if (!err) err = client_amended_derive(db, false, fault);
    if (!err) err = client_beside_derive(db, false, fault);
    if (!err) err = set_totals(db, false, fault);
    if (err) return err;
    return run(db, "CREATE INDEX \"waiting.id\" ON waiting (id); CREATE INDEX \"waiting.target\" ON waiting (target)",
               fault);
}

enum sat_err client_view_derive_noted(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = run(db, "DELETE FROM waiting WHERE id IN " NOTED " OR target IN " NOTED, fault);
    if (!err) err = add_all_waiting(db, true, fault);
    if (!err) err = client_states_derive(db, true, fault);
    if (!err) err = client_begun_derive(db, true, fault);
    if (!err) err = client_amended_derive(db, true, fault);
    if (!err) err = client_beside_derive(db, true, fault);
    return err ? err : set_totals(db, true, fault);
}

/* ---- Reading only ---- */

/* Functions that do more than compute: they load code, show addresses, or write to the program's log; and the view's
 * own. */
static bool is_fenced(const char *function)
{
    static const char *const fenced[] = {"load_extension", "fts3_tokenizer", "sqlite_log", "line_total", "line_amount",
                                         "may_amend",      "state_of",       "last_state", "has_way"};
    for (size_t i = 0; i < sizeof fenced / sizeof fenced[0]; i++)
        if (sqlite3_stricmp(function, fenced[i]) == 0) return true;
    return false;
}

/* What the view keeps for itself is nobody's table. */
static bool is_own(const char *table)
{
    static const char own[] = "satchel_";
    return table && sqlite3_strnicmp(table, own, sizeof own - 1) == 0;
}

static int authorize(void *context, int action, const char *a, const char *b, const char *database, const char *trigger)
{
    (void)context;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_READ: /* a: the table */
        return is_own(a) ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION: /* b: its name */
        return b && is_fenced(b) ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

enum sat_err client_view_fence(sqlite3 *db, struct sat_fault *fault)
{
    /* json_each() and json_tree() declare themselves at their first use, which the authorizer would take for the
     * making of a table. */
    enum sat_err err = run(db, "SELECT 1 FROM json_each('[]'), json_tree('[]'); PRAGMA trusted_schema = OFF", fault);
    static const struct {
        int what, value;
    } settings[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0}, /* what is in double quotes is a name, and one that is not there no text */
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !err; i++)
        if (sqlite3_db_config(db, settings[i].what, settings[i].value, NULL) != SQLITE_OK)
            err = client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    return err ? err : client_view_lock(db, fault);
}

enum sat_err client_view_lock(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = run(db, "PRAGMA query_only = ON", fault);
    if (!err && sqlite3_set_authorizer(db, authorize, NULL) != SQLITE_OK) err = client_view_fail(db, fault, SAT_ERR_IO);
    return err;
}

enum sat_err client_view_unlock(sqlite3 *db, struct sat_fault *fault)
{
    if (sqlite3_set_authorizer(db, NULL, NULL) != SQLITE_OK) return client_view_fail(db, fault, SAT_ERR_IO);
    return run(db, "PRAGMA query_only = OFF", fault);
}
