/* Two views of the same records: one that has followed them is to be as one that is built anew. */
#include <stdio.h>
#include <string.h>

#include "client/view/database.h"
#include "common/vault/machines.h"

enum { WHERE_BYTES = 160 };

static bool is_same_value(sqlite3_stmt *a, sqlite3_stmt *b, int at)
{
    int type = sqlite3_column_type(a, at), bytes = sqlite3_column_bytes(a, at);
    if (type != sqlite3_column_type(b, at) || bytes != sqlite3_column_bytes(b, at)) return false;
    if (type == SQLITE_INTEGER) return sqlite3_column_int64(a, at) == sqlite3_column_int64(b, at);
    return bytes == 0 || memcmp(sqlite3_column_blob(a, at), sqlite3_column_blob(b, at), (size_t)bytes) == 0;
}

static bool is_same_row(sqlite3_stmt *a, sqlite3_stmt *b)
{
    int n = sqlite3_column_count(a);
    bool same = n == sqlite3_column_count(b);
    for (int i = 0; i < n && same; i++) same = is_same_value(a, b, i);
    return same;
}

struct comparing {
    struct client_view *a, *b;
    struct sat_fault *fault;
    char *where;
    bool same;
};

static enum sat_err step_both(struct comparing *comparing, sqlite3_stmt *a, sqlite3_stmt *b)
{
    int code_a, code_b;
    do {
        code_a = sqlite3_step(a);
        code_b = sqlite3_step(b);
        comparing->same = code_a == code_b && (code_a != SQLITE_ROW || is_same_row(a, b));
    } while (comparing->same && code_a == SQLITE_ROW);
    if (code_a != SQLITE_ROW && code_a != SQLITE_DONE)
        return client_view_fail(comparing->a->db, comparing->fault, SAT_ERR_IO);
    if (code_b != SQLITE_ROW && code_b != SQLITE_DONE)
        return client_view_fail(comparing->b->db, comparing->fault, SAT_ERR_IO);
    return SAT_OK;
}

/* The beginning of the row that a statement is at; nothing: it is at its end. */
static void tell(sqlite3_stmt *statement, char out[WHERE_BYTES / 2])
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < sqlite3_data_count(statement) && len < WHERE_BYTES / 2; i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        len += (size_t)snprintf(out + len, WHERE_BYTES / 2 - len, "%s%s", i ? " " : "", text ? text : "null");
    }
}

/* `sql` gives rows of `columns` columns, in any order; `name` of what. Takes sql. */
static enum sat_err compare(struct comparing *comparing, char *sql, const char *name)
{
    sqlite3_stmt *a = NULL, *b = NULL;
    enum sat_err err = sql ? SAT_OK : SAT_ERR_NO_MEMORY;
    if (!err && sqlite3_prepare_v2(comparing->a->db, sql, -1, &a, NULL) != SQLITE_OK)
        err = client_view_fail(comparing->a->db, comparing->fault, SAT_ERR_IO);
    if (!err && sqlite3_prepare_v2(comparing->b->db, sql, -1, &b, NULL) != SQLITE_OK)
        err = client_view_fail(comparing->b->db, comparing->fault, SAT_ERR_IO);
    if (!err) err = step_both(comparing, a, b);
    if (!err && !comparing->same) {
        char of_a[WHERE_BYTES / 2], of_b[WHERE_BYTES / 2];
        tell(a, of_a);
        tell(b, of_b);
        (void)snprintf(comparing->where, WHERE_BYTES, "%.20s: %.65s / %.65s", name, of_a, of_b);
    }
    (void)sqlite3_finalize(a);
    (void)sqlite3_finalize(b);
    sqlite3_free(sql);
    return err;
}

static char *order_by(sqlite3_str *sql, int columns)
{
    for (int i = 1; i <= columns; i++) sqlite3_str_appendf(sql, "%s%d", i == 1 ? " ORDER BY " : ", ", i);
    return sqlite3_str_finish(sql);
}

/* Each row with the space that it is of: so rows are those that satchel_here says. */
static enum sat_err compare_table(struct comparing *comparing, const struct sat_type *type, bool archived)
{
    const char *database = archived ? CLIENT_ARCHIVED : "main";
    int columns =
        3 + type->fields_n + (type->home == SAT_HOME_TERRITORY ? 2 : 0) + (sat_machine_by_type(type->name) ? 1 : 0);
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendf(sql,
                        "SELECT h.sid, r.* FROM %s.\"%w\" AS r LEFT JOIN satchel_here AS h ON h.n = r.rowid AND h.id ="
                        " r.id AND h.type = %Q AND h.archived = %d",
                        database, type->name, type->name, archived);
    return compare(comparing, order_by(sql, columns), type->name);
}

static enum sat_err compare_all(struct comparing *comparing)
{
    static const struct {
        const char *name, *sql;
    } others[] = {
        {"waiting", "SELECT type, id, field, target, found FROM waiting ORDER BY 1, 2, 3, 4, 5"},
        {"satchel_here", "SELECT sid, id, type, archived, unread, began FROM satchel_here ORDER BY 1, 2"},
        {"satchel_step", "SELECT h.sid, s.about, s.id, s.state, s.after, s.author, s.role, s.passing, s.back, "
                         "s.back_role FROM satchel_step AS"
                         " s LEFT JOIN satchel_here AS h ON h.n = s.n ORDER BY 1, 2, 3"},
        {"satchel_asked",
         "SELECT h.sid, h.id, s.author, s.passing FROM satchel_asked AS s LEFT JOIN satchel_here AS h ON"
         " h.n = s.n ORDER BY 1, 2"},
        {"satchel_begun", "SELECT h.sid, h.id, s.state, s.author, s.role, s.passing FROM satchel_begun AS s LEFT JOIN"
                          " satchel_here AS h ON h.n = s.n ORDER BY 1, 2, 3"},
        {"unreached", "SELECT type, id, territory, state FROM unreached ORDER BY 1, 2, 3, 4"},
        {"claimed", "SELECT type, id, territory, person, author, at_ms, standing FROM claimed ORDER BY 1, 2, 3, 4, 5"},
        {"satchel_amendment", "SELECT sid, id, about, field, value, masked, fits, effective, author, role, back, "
                              "back_role, passing, standing"
                              " FROM satchel_amendment ORDER BY 1, 2"},
        {"satchel_search_row",
         "SELECT h.sid, h.id, s.at, s.type FROM satchel_search_row AS s LEFT JOIN satchel_here AS h"
         " ON h.n = s.row ORDER BY 1, 2"},
        {"satchel_search", "SELECT h.sid, h.id, v.term FROM temp.satchel_terms AS v LEFT JOIN satchel_here AS h"
                           " ON h.n = v.doc ORDER BY 1, 2, 3"},
        /* names that no row has any more may stay */
    };
    enum sat_err err = SAT_OK;
    comparing->same = true;
    for (size_t i = 0; i < sizeof others / sizeof others[0] && !err && comparing->same; i++)
        err = compare(comparing, sqlite3_mprintf("%s", others[i].sql), others[i].name);
    for (uint16_t i = 0; i < 2 * sat_types_count() && !err && comparing->same; i++)
        err = compare_table(comparing, sat_type_at(i / 2), i % 2);
    return err;
}

/* The terms of the search index as a table. */
static enum sat_err show_terms(struct client_view *view, struct sat_fault *fault)
{
    static const char sql[] = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.satchel_terms USING"
                              " fts5vocab(main, satchel_search, instance)";
    return sqlite3_exec(view->db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK
                                                                      : client_view_fail(view->db, fault, SAT_ERR_IO);
}

enum sat_err client_view_compare(struct client_view *a, struct client_view *b, bool *same, char where[160],
                                 struct sat_fault *fault)
{
    struct comparing comparing = {.a = a, .b = b, .fault = fault, .where = where};
    enum sat_err err = client_view_unlock(a->db, fault);
    if (!err) err = client_view_unlock(b->db, fault);
    if (!err) err = show_terms(a, fault);
    if (!err) err = show_terms(b, fault);
    if (!err) err = compare_all(&comparing);
    enum sat_err locked = client_view_lock(a->db, fault);
    if (!locked) locked = client_view_lock(b->db, fault);
    *same = comparing.same;
    return err ? err : locked;
}
