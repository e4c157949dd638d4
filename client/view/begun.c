#include "client/view/begun.h"

#include <string.h>

#include "client/duties.h"
#include "client/view/database.h"

static enum sat_err run(sqlite3 *db, const char *sql, struct sat_fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

/* has_way(type, state, role, roles): by moves of who has these. */
static void has_way(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *type = n == 4 ? (const char *)sqlite3_value_text(values[0]) : NULL;
    const struct sat_machine *machine = type ? sat_machine_by_type(type) : NULL;
    uint32_t duties = n != 4 ? 0
                             : sat_duties_of_role((uint8_t)sqlite3_value_int(values[2])) |
                                   client_duties_listed((const char *)sqlite3_value_text(values[3]));
    const char *state = n == 4 ? (const char *)sqlite3_value_text(values[1]) : NULL;
    uint8_t to = machine && state ? sat_machine_state(machine, sat_span_text(state)) : (uint8_t)SAT_NO_STATE;
    sqlite3_result_int(context, to != SAT_NO_STATE && sat_machine_has_way(machine, to, duties));
}

enum sat_err client_begun_register(sqlite3 *db, struct sat_fault *fault)
{
    int code = sqlite3_create_function_v2(db, "has_way", 4, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, has_way, NULL,
                                          NULL, NULL);
    return code == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

enum sat_err client_begun_make(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               "CREATE TABLE unreached (type TEXT, id TEXT, territory TEXT, state TEXT);"
               "CREATE INDEX \"unreached.id\" ON unreached (id);"
               "CREATE TABLE satchel_begun (n INTEGER, state TEXT, territory TEXT, author TEXT, role INTEGER, passing"
               " INTEGER, PRIMARY KEY (n, state)) WITHOUT ROWID",
               fault);
}

/* ---- Rows ---- */

/* A statement about the row n. */
static enum sat_err run_about(struct client_filling *filling, sqlite3_stmt **statement, const char *sql, int64_t n)
{
    enum sat_err err = client_filling_prepare(filling, sql, statement);
    if (err) return err;
    (void)sqlite3_bind_int64(*statement, 1, n);
    return client_filling_run(filling, *statement);
}

static enum sat_err put_state(struct client_filling *filling, const struct sat_machine *machine, int64_t n,
                              const struct sat_value *value, const struct sat_source *source)
{
    uint8_t state = value->kind == SAT_VALUE_TEXT ? sat_machine_state(machine, value->text) : (uint8_t)SAT_NO_STATE;
    if (state == SAT_NO_STATE || !source || sat_machine_has_way(machine, state, sat_duties_of_role(source->role)))
        return SAT_OK;
    char author[SAT_UUID_TEXT_SIZE];
    uint32_t user = client_source_user(filling->satchel, source);
    struct sat_record_id id = sat_name_record_user(&filling->satchel->directory.org, user);
    bool passing = source->pending || sat_source_author(source) != source->dot.device;
    enum sat_err err = client_filling_prepare(filling, "INSERT OR IGNORE INTO satchel_begun VALUES (?, ?, ?, ?, ?, ?)",
                                              &filling->put_begun);
    if (err) return err;
    sat_uuid_format(id.b, author);
    (void)sqlite3_bind_int64(filling->put_begun, 1, n);
    (void)sqlite3_bind_text(filling->put_begun, 2, machine->states[state], -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(filling->put_begun, 3, filling->territory, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_text(filling->put_begun, 4, author, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int(filling->put_begun, 5, source->role);
    (void)sqlite3_bind_int(filling->put_begun, 6, passing);
    return client_filling_run(filling, filling->put_begun);
}

static enum sat_err put_states(struct client_filling *filling, const struct sat_type *type,
                               const struct sat_machine *machine, int64_t n, const struct sat_record_view *view)
{
    const struct sat_merged *cell =
        sat_merged_cell(&view->merged, sat_field_by_name(type, machine->field)->number, (struct sat_span){0});
    enum sat_err err = cell ? put_state(filling, machine, n, &cell->value, cell->source) : SAT_OK;
    for (uint32_t i = 0; cell && cell->conflict && i < cell->alternatives_n && !err; i++)
        err = put_state(filling, machine, n, &cell->alternatives[i].value, cell->alternatives[i].source);
    return err;
}

enum sat_err client_begun_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                               const struct sat_record_view *view)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    bool begins = machine && !sat_machine_decided(machine);
    enum sat_err err = SAT_OK;
    if (begins && view) err = put_states(filling, type, machine, n, view);
    if (begins && !view) err = run_about(filling, &filling->delete_begun, "DELETE FROM satchel_begun WHERE n = ?", n);
    if (filling->all || err || strcmp(type->name, "user") != 0) return err;
    return run_about(filling, &filling->note_begun, /* with the business roles, the ways */
                     "INSERT OR IGNORE INTO temp.satchel_abouts SELECT r.id FROM satchel_here AS h JOIN satchel_begun"
                     " AS b ON b.author = h.id JOIN satchel_here AS r ON r.n = b.n WHERE h.n = ?",
                     n);
}

/* ---- Deriving ---- */

#define NOTED "(SELECT id FROM temp.satchel_noted)"
#define FIND                                                                                                           \
    "INSERT INTO unreached SELECT h.type, h.id, b.territory, b.state FROM satchel_begun AS b JOIN satchel_here AS h "  \
    "ON h.n"                                                                                                           \
    " = b.n AND h.archived = 0 LEFT JOIN main.user AS u ON u.id = b.author"                                            \
    " WHERE NOT has_way(h.type, b.state, b.role, u.roles) AND NOT EXISTS (SELECT 1 FROM satchel_step AS s JOIN"        \
    " satchel_here AS k ON k.n = s.n AND k.sid = h.sid JOIN main.state_event AS e ON e.rowid = s.n LEFT JOIN"          \
    " main.user AS a ON a.id = s.author WHERE s.about = h.id AND e.standing IN ('counts', 'overtaken') AND"            \
    " has_way(h.type, b.state, s.role, a.roles))"

enum sat_err client_begun_derive(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    return noted ? run(db, "DELETE FROM unreached WHERE id IN " NOTED ";" FIND " AND h.id IN " NOTED, fault)
                 : run(db, FIND, fault);
}
