/* Asking the view. */
#include <string.h>

#include "client/locate.h"
#include "client/rows.h"
#include "client/view/database.h"
#include "common/base/utf8.h"

/* A statement, and how much of it its asker wrote: what is said of a failure speaks of that alone. */
struct question {
    const char *sql;
    size_t to;                 /* where they end */
    bool condition;            /* what they are; else the whole query */
    const char *const *values; /* of its parameters */
    size_t values_n;
};

/* ---- Refusing ---- */

/* The name that a syntax error is near, if it is one of ours that is a word of SQL too and so has to be quoted. */
static bool is_near_unquoted_name(const char *said)
{
    static const char near[] = "near \"";
    if (strncmp(said, near, sizeof near - 1) != 0) return false;
    said += sizeof near - 1;
    size_t len = strcspn(said, "\"");
    if (!sqlite3_keyword_check(said, (int)len)) return false;
    for (uint16_t t = 0; t < sat_types_count(); t++) {
        const struct sat_type *type = sat_type_at(t);
        if (strlen(type->name) == len && sqlite3_strnicmp(type->name, said, (int)len) == 0) return true;
        for (uint16_t f = 0; f < type->fields_n; f++)
            if (strlen(type->fields[f].name) == len && sqlite3_strnicmp(type->fields[f].name, said, (int)len) == 0)
                return true;
    }
    return false;
}

/* Did SQLite miss something at the condition's end, where for it the statement around it went on? */
static bool is_open_ended(const struct question *question, const char *said, int at)
{
    static const char token[] = "unrecognized token: \"";
    if (strcmp(said, "incomplete input") == 0) return true; /* a comment that is not closed hides what follows */
    if (at < 0) return false;
    if ((size_t)at >= question->to) return true;
    bool quote = strncmp(said, token, sizeof token - 1) == 0;
    return quote && (size_t)at + strlen(said) - sizeof token > question->to;
}

/* What is more than a question: SQLite says so by a code, but of functions and of tables that it makes up by the
 * sentence alone. */
static bool is_forbidden(sqlite3 *db, const char *said)
{
    static const char *const sentences[] = {"not authorized", "vtable constructor failed"};
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (strncmp(said, sentences[i], strlen(sentences[i])) == 0) return true;
    return sqlite3_errcode(db) == SQLITE_AUTH;
}

/* SQLite's sentence; "not authorized" means that it was no mere question. */
static enum sat_err refuse(sqlite3 *db, const struct question *question, struct sat_fault *fault)
{
    const char *said = sqlite3_errmsg(db);
    const char *where = question->condition ? "in the condition: " : "";
    const char *hint =
        is_near_unquoted_name(said) ? ": as the name of a table or column it is put in double quotes" : "";
    if (sqlite3_errcode(db) == SQLITE_NOMEM) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    if (is_forbidden(db, said)) return sat_fail(fault, SAT_ERR_INVALID, "queries can only read: %s", said);
    if (question->condition && is_open_ended(question, said, sqlite3_error_offset(db)))
        return sat_fail(fault, SAT_ERR_INVALID,
                        "the condition ends too early: something is missing there, or a bracket, a quote or a comment "
                        "is not closed");
    return sat_fail(fault, SAT_ERR_INVALID, "%s%.250s%s", where, said, hint);
}

static const char *parameter_of(sqlite3_stmt *statement)
{
    const char *name = sqlite3_bind_parameter_name(statement, sqlite3_bind_parameter_count(statement));
    return name ? name : "?";
}

/* One statement, and nothing but white space and comments behind it. */
static enum sat_err prepare(sqlite3 *db, const struct question *question, sqlite3_stmt **out, struct sat_fault *fault)
{
    const char *rest = NULL;
    sqlite3_stmt *second = NULL;
    if (sqlite3_prepare_v2(db, question->sql, -1, out, &rest) != SQLITE_OK) return refuse(db, question, fault);
    if (!*out) return sat_fail(fault, SAT_ERR_INVALID, "there is no statement in the query");
    while (rest && rest[0]) { /* a lone ";" or a comment prepares to nothing */
        const char *next = NULL;
        int code = sqlite3_prepare_v2(db, rest, -1, &second, &next);
        (void)sqlite3_finalize(second);
        if (code != SQLITE_OK || second)
            return sat_fail(fault, SAT_ERR_INVALID, "a query is one statement; there is more behind it");
        rest = next;
    }
    if (sqlite3_bind_parameter_count(*out) >
        (int)question->values_n) /* it would be null, whatever its asker thinks it is */
        return sat_fail(fault, SAT_ERR_INVALID, "%.80s stands for a value that nobody gives: write the value itself",
                        parameter_of(*out));
    for (size_t i = 0; i < question->values_n; i++)
        (void)sqlite3_bind_text(*out, (int)i + 1, question->values[i], -1, SQLITE_STATIC);
    return SAT_OK;
}

/* ---- Rows ---- */

static json_t *json_of_text(sqlite3_stmt *statement, int at)
{
    const char *text = (const char *)sqlite3_column_text(statement, at);
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    const char *declared = sqlite3_column_decltype(statement, at);
    if (declared && strcmp(declared, CLIENT_COLUMN_SET) == 0) {
        json_t *array = json_loadb(text, len, 0, NULL);
        if (array) return array;
    }
    json_t *json = json_stringn(text, len);
    return json ? json : json_null(); /* SQL can make bytes that are no text */
}

static json_t *json_of_blob(sqlite3_stmt *statement, int at)
{
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    char *hex = len ? sqlite3_malloc64(2 * len + 1) : NULL;
    if (!hex) return json_string("");
    sat_hex_format(sqlite3_column_blob(statement, at), len, hex);
    json_t *json = json_string(hex);
    sqlite3_free(hex);
    return json;
}

/* Another arm of a UNION can put any number where the first has a boolean. */
static json_t *json_of_integer(sqlite3_int64 number, const char *declared)
{
    bool truth = declared && strcmp(declared, CLIENT_COLUMN_BOOL) == 0 && (number == 0 || number == 1);
    return truth ? json_boolean(number == 1) : json_integer(number);
}

static json_t *json_of_column(sqlite3_stmt *statement, int at)
{
    const char *declared = sqlite3_column_decltype(statement, at);
    json_t *json = NULL;
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER:
        return json_of_integer(sqlite3_column_int64(statement, at), declared);
    case SQLITE_FLOAT:
        json = json_real(sqlite3_column_double(statement, at));
        return json ? json : json_null(); /* infinity has no JSON */
    case SQLITE_TEXT:
        return json_of_text(statement, at);
    case SQLITE_BLOB:
        return json_of_blob(statement, at);
    default:
        return json_null();
    }
}

/* The columns' names. Two columns of one name would be one member: the later ones are numbered. */
static const char **name_columns(sqlite3_stmt *statement, struct sat_arena *arena)
{
    int n = sqlite3_column_count(statement);
    const char **names = sat_arena_array(arena, (size_t)n, sizeof *names);
    json_t *taken = json_object();
    for (int i = 0; i < n; i++) {
        const char *given = sqlite3_column_name(statement, i);
        char *name = sat_arena_text(arena, given ? given : "?", strlen(given ? given : "?"));
        sat_utf8_mend(name);
        names[i] = name;
        for (int k = 2; json_object_get(taken, names[i]); k++) names[i] = sat_arena_format(arena, "%s_%d", name, k);
        (void)json_object_set_new(taken, names[i], json_true());
    }
    json_decref(taken);
    return names;
}

/* The database itself cannot be read: that is no fault of the question. */
static bool is_damage(int code)
{
    switch (code & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
        return true;
    default:
        return false;
    }
}

static enum sat_err step_all(struct client_view *view, sqlite3_stmt *statement, const struct question *question,
                             satchel_row_fn row, void *context, struct sat_fault *fault)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    const char **names = name_columns(statement, &arena);
    int code;
    bool more = true;
    while (more && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        json_t *object = json_object();
        for (int i = 0; i < sqlite3_column_count(statement); i++)
            (void)json_object_set_new(object, names[i], json_of_column(statement, i));
        view->rows++;
        more = client_give_row(row, context, object);
    }
    sat_arena_deinit(&arena);
    return !more || code == SQLITE_DONE ? SAT_OK : refuse(view->db, question, fault);
}

static enum sat_err ask(struct client_view *view, const struct question *question, satchel_row_fn row, void *context,
                        struct sat_fault *fault)
{
    sqlite3_stmt *statement = NULL;
    view->rows = 0;
    enum sat_err err = prepare(view->db, question, &statement, fault);
    if (!err) err = step_all(view, statement, question, row, context, fault);
    if (err && view->sealed && is_damage(sqlite3_errcode(view->db))) {
        view->damaged = true;
        err = sat_fail(fault, SAT_ERR_IO,
                       "the view on the disk could not be read to its end: it is built anew when it is asked again");
    }
    (void)sqlite3_finalize(statement);
    return err;
}

bool client_view_is_damaged(const struct client_view *view)
{
    return view->damaged;
}

bool client_view_asks_again(const struct client_view *view)
{
    return view->damaged && view->rows == 0;
}

enum sat_err client_view_query(struct client_view *view, const char *sql, satchel_row_fn row, void *context,
                               struct sat_fault *fault)
{
    struct question question = {.sql = sql, .to = strlen(sql)};
    return ask(view, &question, row, context, fault);
}

/* ---- A query ---- */

static int keep_row(void *rows, const char *json)
{
    (void)json_array_append_new(rows, json_loads(json, JSON_ALLOW_NUL, NULL));
    return 0;
}

static enum sat_err ask_for_rows(struct satchel *satchel,
                                 enum sat_err (*open)(struct satchel *satchel, struct client_view **out),
                                 const struct question *question, json_t **rows)
{
    enum sat_err err;
    struct client_view *view = NULL;
    bool again = false;
    *rows = NULL;
    do {
        json_decref(*rows);
        *rows = json_array();
        err = open(satchel, &view);
        if (!err) err = ask(view, question, keep_row, *rows, &satchel->fault);
        again = !again && err && view && client_view_is_damaged(view);
    } while (again);
    if (!err) return SAT_OK;
    json_decref(*rows);
    *rows = NULL;
    return err;
}

enum sat_err client_view_rows(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                              json_t **rows)
{
    struct question question = {.sql = sql, .to = strlen(sql), .values = values, .values_n = n};
    return ask_for_rows(satchel, client_view_get, &question, rows);
}

enum sat_err client_view_rows_unshown(struct satchel *satchel, const char *sql, const char *const *values, size_t n,
                                      json_t **rows)
{
    struct question question = {.sql = sql, .to = strlen(sql), .values = values, .values_n = n};
    return ask_for_rows(satchel, client_view_open, &question, rows);
}

int satchel_query(struct satchel *satchel, const char *sql, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    struct client_view *view;
    enum sat_err err;
    do {
        err = client_view_get(satchel, &view);
        if (!err) err = client_view_query(view, sql ? sql : "", row, context, &satchel->fault);
    } while (view && client_view_asks_again(view));
    return client_end(satchel, err);
}

/* ---- A type's table, under a condition ---- */

/* The condition between what stands before and behind it; the line break ends a comment in it. */
static struct question frame(struct sat_arena *arena, const char *before, const char *condition, const char *behind)
{
    return (struct question){.sql = sat_arena_format(arena, "%s%s\n%s", before, condition, behind),
                             .to = strlen(before) + strlen(condition),
                             .condition = true};
}

/* Is the text an expression, whole by itself? Whatever breaks out of one frame does not fit the other: `1) OR (1` has
 * no bracket to close here, and `1 THEN 0 WHEN 1` is nothing in brackets. */
static enum sat_err check_condition(sqlite3 *db, const struct sat_type *type, const char *condition,
                                    struct sat_arena *arena, struct sat_fault *fault)
{
    if (condition[strspn(condition, " \t\r\n\f")] == '\0')
        return sat_fail(fault, SAT_ERR_INVALID, "the condition is empty");
    const char *before = sat_arena_format(arena, "SELECT 1 FROM \"%s\" WHERE CASE WHEN ", type->name);
    struct question question = frame(arena, before, condition, "THEN 1 END");
    sqlite3_stmt *statement = NULL;
    enum sat_err err = prepare(db, &question, &statement, fault);
    (void)sqlite3_finalize(statement);
    return err;
}

static enum sat_err list(struct satchel *satchel, struct client_view *view, const struct sat_type *type,
                         const char *condition, satchel_row_fn row, void *context)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    const char *table = sat_arena_format(&arena, "SELECT * FROM \"%s\"", type->name);
    if (condition) {
        err = check_condition(view->db, type, condition, &arena, &satchel->fault);
        struct question question =
            frame(&arena, sat_arena_format(&arena, "%s WHERE (", table), condition, ") ORDER BY id, territory");
        if (!err) err = ask(view, &question, row, context, &satchel->fault);
    } else {
        const char *sql = sat_arena_format(&arena, "%s ORDER BY id, territory", table);
        err = client_view_query(view, sql, row, context, &satchel->fault);
    }
    sat_arena_deinit(&arena);
    return err;
}

int satchel_list(struct satchel *satchel, const char *type_name, const char *where, satchel_row_fn row, void *context)
{
    client_begin(satchel);
    const struct sat_type *type;
    struct client_view *view = NULL;
    enum sat_err err = client_find_type(satchel, type_name, &type);
    if (err) return client_end(satchel, err);
    do {
        err = client_view_get(satchel, &view);
        if (!err) err = list(satchel, view, type, where, row, context);
    } while (view && client_view_asks_again(view));
    return client_end(satchel, err);
}
