#include "client/view/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/duties.h"
#include "client/view/database.h"

/* ---- Texts ---- */

enum { STATES_TEXT = SAT_STATES_MAX * 32 };

/* The names of the states, with | between. */
static void tell_states(const struct sat_machine *machine, uint32_t states, char text[STATES_TEXT])
{
    size_t len = 0;
    text[0] = '\0';
    for (uint8_t i = 0; i < machine->states_n; i++)
        if (states >> i & 1)
            len += (size_t)snprintf(text + len, STATES_TEXT - len, "%s%s", len ? "|" : "", machine->states[i]);
}

static void bind_states(sqlite3_stmt *statement, int state, int disputed, const struct sat_machine *machine,
                        const struct sat_state *derived)
{
    char among[STATES_TEXT];
    tell_states(machine, derived->among, among);
    (void)sqlite3_bind_text(statement, state, machine->states[derived->state], -1, SQLITE_STATIC);
    if (derived->disputed)
        (void)sqlite3_bind_text(statement, disputed, among, -1, SQLITE_TRANSIENT);
    else
        (void)sqlite3_bind_null(statement, disputed);
}

/* ---- One's own cells ---- */

void client_states_bind(sqlite3_stmt *statement, int state, int disputed, const struct sat_type *type,
                        const struct sat_merged_record *merged, int64_t *began)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    struct sat_began said;
    struct sat_state derived;
    bool known = client_began(type, merged, &said);
    *began = (int64_t)said.start | (int64_t)said.beside << SAT_STATES_MAX;
    sat_machine_derive(machine, &said, NULL, 0, NULL, &derived);
    if (known) bind_states(statement, state, disputed, machine, &derived); /* else the cell's text, as it is */
}

/* ---- Steps ---- */

enum sat_err client_states_make(sqlite3 *db, struct sat_fault *fault)
{
    static const char sql[] = "CREATE TABLE satchel_step (n INTEGER PRIMARY KEY, about TEXT, id TEXT, state TEXT,"
                              " after BLOB, author TEXT, role INTEGER, back TEXT, back_role INTEGER, passing INTEGER);"
                              "CREATE TABLE satchel_asked (n INTEGER PRIMARY KEY, author TEXT, passing INTEGER)";
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

enum sat_err client_states_index(sqlite3 *db, struct sat_fault *fault)
{
    static const char sql[] = "CREATE INDEX satchel_step_about ON satchel_step (about);"
                              "CREATE INDEX satchel_step_passing ON satchel_step (n) WHERE passing";
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

static enum sat_err prepare(struct client_filling *filling, const char *sql, sqlite3_stmt **out)
{
    if (*out || sqlite3_prepare_v3(filling->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
        return SAT_OK;
    return client_view_fail(filling->db, &filling->satchel->fault, SAT_ERR_IO);
}

/* A statement about the row n. */
static enum sat_err run(struct client_filling *filling, sqlite3_stmt **statement, const char *sql, int64_t n)
{
    enum sat_err err = prepare(filling, sql, statement);
    if (err) return err;
    (void)sqlite3_bind_int64(*statement, 1, n);
    bool done = sqlite3_step(*statement) == SQLITE_DONE;
    (void)sqlite3_reset(*statement);
    return done ? SAT_OK : client_view_fail(filling->db, &filling->satchel->fault, SAT_ERR_IO);
}

static void bind_id(sqlite3_stmt *statement, int at, const struct sat_record_id *id)
{
    char text[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(id->b, text);
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static enum sat_err put_step(struct client_filling *filling, int64_t n, const struct sat_record_view *view)
{
    struct client_step_said said;
    if (!client_step_read(filling->satchel, &view->merged, &filling->arena, &said)) return SAT_OK;
    enum sat_err err =
        prepare(filling, "INSERT INTO satchel_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &filling->put_step);
    if (err) return err;
    const struct sat_hash *org = &filling->satchel->directory.org;
    struct sat_record_id author = sat_name_record_user(org, said.user);
    struct sat_record_id back = sat_name_record_user(org, said.back);
    (void)sqlite3_clear_bindings(filling->put_step);
    bind_id(filling->put_step, 2, &said.about);
    bind_id(filling->put_step, 3, &view->id);
    (void)sqlite3_bind_text(filling->put_step, 4, (const char *)said.to.at, (int)said.to.len, SQLITE_TRANSIENT);
    (void)sqlite3_bind_blob(filling->put_step, 5, said.after, (int)(said.after_n * sizeof *said.after),
                            SQLITE_TRANSIENT);
    bind_id(filling->put_step, 6, &author);
    (void)sqlite3_bind_int(filling->put_step, 7, said.role);
    if (said.is_back) bind_id(filling->put_step, 8, &back);
    if (said.is_back) (void)sqlite3_bind_int(filling->put_step, 9, said.back_role);
    (void)sqlite3_bind_int(filling->put_step, 10, said.passing);
    return run(filling, &filling->put_step, NULL, n);
}

/* Who asked for it; nobody, where that is not known. */
static enum sat_err put_asked(struct client_filling *filling, int64_t n, const struct sat_record_view *view)
{
    bool passing;
    uint32_t user = client_asker(filling->satchel, &view->merged, &passing);
    if (!user) return SAT_OK;
    struct sat_record_id author = sat_name_record_user(&filling->satchel->directory.org, user);
    enum sat_err err = prepare(filling, "INSERT INTO satchel_asked VALUES (?, ?, ?)", &filling->put_asked);
    if (err) return err;
    bind_id(filling->put_asked, 2, &author);
    (void)sqlite3_bind_int(filling->put_asked, 3, passing);
    return run(filling, &filling->put_asked, NULL, n);
}

static enum sat_err tell_asked(struct client_filling *filling, const struct sat_type *type, int64_t n,
                               const struct sat_record_view *view)
{
    const struct sat_machine *machine = sat_machine_by_type(type->name);
    if (!machine || !sat_machine_asked(machine)) return SAT_OK;
    return view ? put_asked(filling, n, view)
                : run(filling, &filling->delete_asked, "DELETE FROM satchel_asked WHERE n = ?", n);
}

enum sat_err client_states_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                                const struct sat_record_view *view)
{
    enum sat_err err = tell_asked(filling, type, n, view);
    bool step = strcmp(type->name, "state_event") == 0, user = strcmp(type->name, "user") == 0;
    if (step && view && !err) err = put_step(filling, n, view);
    if (step && !filling->all && !err)
        err = run(filling, &filling->note_about,
                  "INSERT OR IGNORE INTO temp.satchel_abouts SELECT about FROM satchel_step WHERE n = ?", n);
    if (step && !view && !err) err = run(filling, &filling->delete_step, "DELETE FROM satchel_step WHERE n = ?", n);
    if (user && !filling->all && !err) /* with the business roles, what his steps count for */
        err = run(filling, &filling->note_authors,
                  "INSERT OR IGNORE INTO temp.satchel_abouts SELECT s.about FROM satchel_here AS h JOIN satchel_step"
                  " AS s ON s.author = h.id OR s.back = h.id WHERE h.n = ?",
                  n);
    return err;
}

/* ---- Deriving ---- */

/* The steps of one record so far. SQLite gives an aggregate zeroed memory, and calls its end in any case. */
struct steps {
    const struct sat_machine *machine;
    struct sat_began began;
    struct sat_step_taken *at;
    uint32_t n, cap;
    bool no_memory;
};

static struct sat_step_taken *next_step(struct steps *steps)
{
    if (steps->n == steps->cap) {
        uint32_t cap = steps->cap ? steps->cap * 2 : 8;
        struct sat_step_taken *at = realloc(steps->at, cap * sizeof *at);
        if (!at) return NULL;
        steps->at = at;
        steps->cap = cap;
    }
    return &steps->at[steps->n];
}

static uint32_t duties_of(sqlite3_value *role, sqlite3_value *roles)
{
    return sat_duties_of_role((uint8_t)sqlite3_value_int(role)) |
           client_duties_listed((const char *)sqlite3_value_text(roles));
}

/* state_of(type, began, id, state, after, asks, role, roles, back_role, back_roles): whether who took the step is who
 * asked for the record; the last two of who archived it. */
static void state_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct steps *steps = sqlite3_aggregate_context(context, sizeof *steps);
    if (!steps || n != 10) return;
    const char *id = (const char *)sqlite3_value_text(values[2]), *to = (const char *)sqlite3_value_text(values[3]);
    int64_t began = sqlite3_value_int64(values[1]);
    steps->machine = sat_machine_by_type((const char *)sqlite3_value_text(values[0]));
    steps->began = (struct sat_began){.start = (uint32_t)(began & ((1 << SAT_STATES_MAX) - 1)),
                                      .beside = (uint32_t)(began >> SAT_STATES_MAX)};
    if (sqlite3_value_type(values[8]) != SQLITE_NULL && (duties_of(values[8], values[9]) & steps->machine->settlers))
        return; /* taken back */
    size_t bytes = (size_t)sqlite3_value_bytes(values[4]);
    struct sat_record_id *after = malloc(bytes + 1);
    struct sat_step_taken *step = after ? next_step(steps) : NULL;
    if (!step || !id || !to || sat_uuid_parse(id, step->id.b)) {
        steps->no_memory = steps->no_memory || !step;
        free(after);
        return;
    }
    if (bytes) memcpy(after, sqlite3_value_blob(values[4]), bytes);
    step->after = after;
    step->after_n = (uint32_t)(bytes / sizeof *after);
    step->to = sat_machine_state(steps->machine, sat_span_text(to));
    step->duties = duties_of(values[6], values[7]) | (sqlite3_value_int(values[5]) ? SAT_DUTY_ASKER : 0u);
    steps->n++;
}

static void state_final(sqlite3_context *context)
{
    struct steps *steps = sqlite3_aggregate_context(context, 0);
    struct sat_state state;
    char text[STATES_TEXT];
    if (!steps) return;
    if (steps->no_memory) {
        sqlite3_result_error_nomem(context);
    } else if (steps->machine) {
        sat_machine_derive(steps->machine, &steps->began, steps->at, steps->n, NULL, &state);
        tell_states(steps->machine, state.among, text);
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
    }
    for (uint32_t i = 0; i < steps->n; i++) free((void *)(uintptr_t)steps->at[i].after);
    free(steps->at);
}

/* last_state(among): the one that is shown is the last. */
static void last_state(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *among = n == 1 ? (const char *)sqlite3_value_text(values[0]) : NULL;
    const char *last = among ? strrchr(among, '|') : NULL;
    if (among) sqlite3_result_text(context, last ? last + 1 : among, -1, SQLITE_TRANSIENT);
}

static enum sat_err derive(sqlite3 *db, const char *database, const struct sat_machine *machine, bool noted,
                           struct sat_fault *fault)
{
    char *sql = sqlite3_mprintf(
        "UPDATE %s.\"%w\" AS r SET (\"%w\", \"%w" CLIENT_DISPUTED "\") = (SELECT last_state(among), CASE WHEN"
        " instr(among, '|') THEN among END FROM (SELECT state_of(%Q, h.began, s.id, s.state, s.after, s.author ="
        " q.author, s.role, u.roles, s.back_role, b.roles) AS among FROM satchel_here AS h JOIN satchel_step AS s ON "
        "s.about = h.id JOIN"
        " satchel_here AS k ON k.n = s.n AND k.sid = h.sid LEFT JOIN main.user AS u ON u.id = s.author LEFT JOIN"
        " main.user AS b ON b.id = s.back LEFT JOIN satchel_asked AS q ON q.n = h.n WHERE h.n = r.rowid)) WHERE "
        "r.rowid IN (SELECT h.n FROM satchel_step AS s"
        " JOIN satchel_here AS k ON k.n = s.n JOIN satchel_here AS h ON h.id = s.about AND h.sid = k.sid WHERE h.type"
        " = %Q%s)",
        database, machine->type, machine->field, machine->field, machine->type, machine->type,
        noted ? " AND s.about IN (SELECT id FROM temp.satchel_noted)" : "");
    enum sat_err err = sql ? SAT_OK : SAT_ERR_NO_MEMORY;
    if (!err && sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) err = client_view_fail(db, fault, SAT_ERR_IO);
    sqlite3_free(sql);
    return err;
}

enum sat_err client_states_register(sqlite3 *db, struct sat_fault *fault)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function_v2(db, "state_of", 10, flags, NULL, NULL, state_step, state_final, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(db, "last_state", 1, flags, NULL, last_state, NULL, NULL, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    return SAT_OK;
}

enum sat_err client_states_derive(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < sat_machines_count() && !err; i++) {
        if (!sat_type_by_name(sat_machine_at(i)->type)) continue; /* an older program's list has fewer */
        err = derive(db, "main", sat_machine_at(i), noted, fault);
        if (!err) err = derive(db, CLIENT_ARCHIVED, sat_machine_at(i), noted, fault);
    }
    return err;
}
