#include "client/view/added.h"

#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "client/view/database.h"

enum { KEY_BYTES_MAX = 200 };

/* What is published: of names that differ by case alone, which for SQLite are one, the first; of versions the newest.
 */
#define FIELDS                                                                                                         \
    "SELECT substr(c.name, 1, instr(c.name, '.') - 1) AS type, substr(c.name, instr(c.name, '.') + 1) AS key,"         \
    " (SELECT CASE WHEN json_valid(b.body) THEN json_extract(b.body, '$.kind') END FROM main.config_item AS b"         \
    " WHERE b.kind = 'field' AND b.name = c.name AND b.published_at IS NOT NULL ORDER BY b.version DESC, b.id DESC"    \
    " LIMIT 1) IS 'boolean' AS truth"                                                                                  \
    " FROM (SELECT min(name) AS name FROM main.config_item WHERE kind = 'field' AND published_at IS NOT NULL AND"      \
    " instr(name, '.') > 1 GROUP BY lower(name) ORDER BY 1 LIMIT %d) AS c"

static enum sat_err run(sqlite3 *db, char *sql, struct sat_fault *fault)
{
    bool done = sql && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return done ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

enum sat_err client_added_make(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               sqlite3_mprintf("CREATE TABLE main.satchel_ext (n INTEGER PRIMARY KEY, ext TEXT);"
                               "CREATE TABLE main.satchel_added (type TEXT, key TEXT, truth INTEGER)"),
               fault);
}

/* ---- What records have ---- */

enum sat_err client_added_note(sqlite3 *db, sqlite3_stmt **statement, int64_t n, const struct sat_merged_record *record,
                               struct sat_fault *fault)
{
    json_t *map = record ? client_json_of_map(sat_field_ext(), record) : NULL;
    static const char sql[] = "REPLACE INTO main.satchel_ext (n, ext) VALUES (?, ?)";
    bool there = json_object_size(map) > 0;
    char *text = there ? client_json_text(json_incref(map)) : NULL;
    json_decref(map);
    enum sat_err err = SAT_OK;
    if (!there) return run(db, sqlite3_mprintf("DELETE FROM main.satchel_ext WHERE n = %lld", (long long)n), fault);
    if (!*statement && sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) != SQLITE_OK)
        err = client_view_fail(db, fault, SAT_ERR_IO);
    if (!err) {
        (void)sqlite3_bind_int64(*statement, 1, n);
        (void)sqlite3_bind_text(*statement, 2, text, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(*statement) != SQLITE_DONE) err = client_view_fail(db, fault, SAT_ERR_IO);
        (void)sqlite3_reset(*statement);
    }
    free(text);
    return err;
}

/* ---- Columns ---- */

struct column {
    const struct sat_type *type;
    const char *key;
    bool truth;
};

/* A name that SQLite and JSON take as it is. */
static bool is_plain(const char *key, int len)
{
    if (len < 1 || len > KEY_BYTES_MAX || strlen(key) != (size_t)len) return false;
    for (int i = 0; i < len; i++)
        if ((unsigned char)key[i] < ' ' || key[i] == '"' || key[i] == '\\') return false;
    return true;
}

/* Those that the view was built with, as far as this version can show them; borrowed from the statement's row. */
static bool take_column(sqlite3_stmt *row, struct column *out)
{
    const char *type = (const char *)sqlite3_column_text(row, 0);
    out->type = type ? sat_type_by_name(type) : NULL;
    out->key = (const char *)sqlite3_column_text(row, 1);
    out->truth = sqlite3_column_int(row, 2) != 0;
    return out->type && out->key && is_plain(out->key, sqlite3_column_bytes(row, 1));
}

static enum sat_err add(sqlite3 *db, const struct column *column, struct sat_fault *fault)
{
    static const char sql[] = "ALTER TABLE %s.\"%w\" ADD COLUMN \"ext.%w\" %s";
    const char *name = column->type->name, *kind = column->truth ? CLIENT_COLUMN_BOOL : "";
    enum sat_err err = run(db, sqlite3_mprintf(sql, "main", name, column->key, kind), fault);
    return err ? err : run(db, sqlite3_mprintf(sql, CLIENT_ARCHIVED, name, column->key, kind), fault);
}

static enum sat_err fill(sqlite3 *db, const struct column *column, bool noted, struct sat_fault *fault)
{
    static const char *const databases[] = {"main", CLIENT_ARCHIVED};
    enum sat_err err = SAT_OK;
    for (size_t i = 0; i < 2 && !err; i++)
        err = run(db,
                  sqlite3_mprintf("UPDATE %s.\"%w\" AS r SET \"ext.%w\" = (SELECT json_extract(e.ext, '$.\"%q\"') FROM"
                                  " main.satchel_ext AS e WHERE e.n = r.rowid) WHERE r.rowid IN (SELECT n FROM %s)",
                                  databases[i], column->type->name, column->key, column->key,
                                  noted ? "main.satchel_here WHERE id IN (SELECT id FROM temp.satchel_noted)"
                                        : "main.satchel_ext"),
                  fault);
    return err;
}

/* Of each of them: adds it (unless only noted rows are asked for), and fills it. */
static enum sat_err each_column(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    sqlite3_stmt *row = NULL;
    struct column column;
    enum sat_err err = SAT_OK;
    int code =
        sqlite3_prepare_v2(db, "SELECT type, key, truth FROM main.satchel_added ORDER BY type, key", -1, &row, NULL);
    while (code == SQLITE_OK && !err) {
        code = sqlite3_step(row);
        if (code != SQLITE_ROW) break;
        code = SQLITE_OK;
        if (!take_column(row, &column)) continue;
        if (!noted) err = add(db, &column, fault);
        if (!err) err = fill(db, &column, noted, fault);
    }
    if (!err && code != SQLITE_DONE) err = client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_finalize(row);
    return err;
}

enum sat_err client_added_derive(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = run(db, sqlite3_mprintf("INSERT INTO main.satchel_added " FIELDS, CLIENT_ADDED_MAX), fault);
    return err ? err : each_column(db, false, fault);
}

/* Is what is published something else than what the columns are of? */
static enum sat_err look(sqlite3 *db, bool *differs, struct sat_fault *fault)
{
    static const char form[] = "SELECT EXISTS (SELECT * FROM (" FIELDS ") EXCEPT SELECT * FROM main.satchel_added) OR"
                               " EXISTS (SELECT * FROM main.satchel_added EXCEPT SELECT * FROM (" FIELDS "))";
    char *sql = sqlite3_mprintf(form, CLIENT_ADDED_MAX, CLIENT_ADDED_MAX);
    sqlite3_stmt *statement = NULL;
    int code = sql ? sqlite3_prepare_v2(db, sql, -1, &statement, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *differs = sqlite3_column_int(statement, 0) != 0;
    enum sat_err err = code == SQLITE_ROW ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
    (void)sqlite3_finalize(statement);
    return err;
}

enum sat_err client_added_follow(sqlite3 *db, bool *anew, struct sat_fault *fault)
{
    enum sat_err err = look(db, anew, fault);
    return err || *anew ? err : each_column(db, true, fault);
}
