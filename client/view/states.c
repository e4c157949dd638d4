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

/* The column of state_event, whose table is made before. */
enum sat_err client_states_add(sqlite3 *db, struct sat_fault *fault)
{
    static const char sql[] = "ALTER TABLE main.state_event ADD COLUMN standing TEXT;"
                              "ALTER TABLE " CLIENT_ARCHIVED ".state_event ADD COLUMN standing TEXT";
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

enum sat_err client_states_index(sqlite3 *db, struct sat_fault *fault)
{
    static const char sql[] = "CREATE INDEX satchel_step_about ON satchel_step (about);"
                              "CREATE INDEX satchel_step_passing ON satchel_step (n) WHERE passing";
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_view_fail(db, fault, SAT_ERR_IO);
}

/* A statement about the row n. */
static enum sat_err run(struct client_filling *filling, sqlite3_stmt **statement, const char *sql, int64_t n)
{
    enum sat_err err = client_filling_prepare(filling, sql, statement);
    if (err) return err;
    (void)sqlite3_bind_int64(*statement, 1, n);
    return client_filling_run(filling, *statement);
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
    enum sat_err err = client_filling_prepare(filling, "INSERT INTO satchel_step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                              &filling->put_step);
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
    enum sat_err err =
        client_filling_prepare(filling, "INSERT INTO satchel_asked VALUES (?, ?, ?)", &filling->put_asked);
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
    int64_t *rows; /* of each */
    uint32_t n, cap;
    bool no_memory;
};

static struct sat_step_taken *next_step(struct steps *steps)
{
    if (steps->n == steps->cap) {
        uint32_t cap = steps->cap ? steps->cap * 2 : 8;
        struct sat_step_taken *at = realloc(steps->at, cap * sizeof *at);
        if (at) steps->at = at;
        int64_t *rows = at ? realloc(steps->rows, cap * sizeof *rows) : NULL;
        if (!rows) return NULL;
        steps->rows = rows;
        steps->cap = cap;
    }
    return &steps->at[steps->n];
}

static uint32_t duties_of(sqlite3_value *role, sqlite3_value *roles)
{
    return sat_duties_of_role((uint8_t)sqlite3_value_int(role)) |
           client_duties_listed((const char *)sqlite3_value_text(roles));
}

/* state_of(type, began, row, id, state, after, asks, role, roles, back_role, back_roles): `row` of the step, `asks`
 * whether who took it is who asked for the record; the last two of who archived it. It says
 * {"among":"held|shipping","steps":[[row,"counts"],…]}: the states that stand, and what each step came to. */
static void state_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct steps *steps = sqlite3_aggregate_context(context, sizeof *steps);
    if (!steps || n != 11) return;
    const char *id = (const char *)sqlite3_value_text(values[3]), *to = (const char *)sqlite3_value_text(values[4]);
    int64_t began = sqlite3_value_int64(values[1]);
    steps->machine = sat_machine_by_type((const char *)sqlite3_value_text(values[0]));
    if (!steps->machine) return; /* nothing of the kind has steps */
    steps->began = (struct sat_began){.start = (uint32_t)(began & ((1 << SAT_STATES_MAX) - 1)),
                                      .beside = (uint32_t)(began >> SAT_STATES_MAX)};
    if (sqlite3_value_type(values[9]) != SQLITE_NULL && (duties_of(values[9], values[10]) & steps->machine->settlers))
        return; /* taken back */
    size_t bytes = (size_t)sqlite3_value_bytes(values[5]);
    struct sat_record_id *after = malloc(bytes + 1);
    struct sat_step_taken *step = after ? next_step(steps) : NULL;
    if (!step || !id || !to || sat_uuid_parse(id, step->id.b)) {
        steps->no_memory = steps->no_memory || !step;
        free(after);
        return;
    }
    if (bytes) memcpy(after, sqlite3_value_blob(values[5]), bytes);
    step->after = after;
    step->after_n = (uint32_t)(bytes / sizeof *after);
    step->to = sat_machine_state(steps->machine, sat_span_text(to));
    step->duties = duties_of(values[7], values[8]) | (sqlite3_value_int(values[6]) ? SAT_DUTY_ASKER : 0u);
    steps->rows[steps->n++] = sqlite3_value_int64(values[2]);
}

const char *client_step_told(const struct sat_state *state, const struct sat_step_taken *step,
                             enum sat_step_standing standing)
{
    static const char *const told[] = {[SAT_STEP_COUNTS] = "counts",
                                       [SAT_STEP_LAST] = "counts",
                                       [SAT_STEP_WAITS] = "waits",
                                       [SAT_STEP_ILLEGAL] = "illegal",
                                       [SAT_STEP_ASKS] = "asks"};
    bool beaten = standing == SAT_STEP_LAST && step->to < SAT_STATES_MAX && (state->overtaken >> step->to & 1);
    return beaten ? "overtaken" : told[standing];
}

/* What state_of() says; NULL: there is no memory for it. SQLite's. */
static char *told_of(struct steps *steps, enum sat_step_standing *standing)
{
    struct sat_state state;
    char among[STATES_TEXT];
    sqlite3_str *json = sqlite3_str_new(NULL);
    sat_machine_derive(steps->machine, &steps->began, steps->at, steps->n, standing, &state);
    tell_states(steps->machine, state.among, among);
    sqlite3_str_appendf(json, "{\"among\":\"%s\",\"steps\":[", among);
    for (uint32_t i = 0; i < steps->n; i++)
        sqlite3_str_appendf(json, "%s[%lld,\"%s\"]", i ? "," : "", (long long)steps->rows[i],
                            client_step_told(&state, &steps->at[i], standing[i]));
    sqlite3_str_appendall(json, "]}");
    return sqlite3_str_finish(json);
}

static void state_final(sqlite3_context *context)
{
    struct steps *steps = sqlite3_aggregate_context(context, 0);
    if (!steps) return;
    enum sat_step_standing *standing = steps->no_memory ? NULL : malloc((steps->n + 1) * sizeof *standing);
    char *told = standing && steps->machine ? told_of(steps, standing) : NULL;
    if (told)
        sqlite3_result_text(context, told, -1, sqlite3_free);
    else if (steps->machine)
        sqlite3_result_error_nomem(context);
    for (uint32_t i = 0; i < steps->n; i++) free((void *)(uintptr_t)steps->at[i].after);
    free(steps->at);
    free(steps->rows);
    free(standing);
}

/* last_state(among): the one that is shown is the last. */
static void last_state(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *among = n == 1 ? (const char *)sqlite3_value_text(values[0]) : NULL;
    const char *last = among ? strrchr(among, '|') : NULL;
    if (among) sqlite3_result_text(context, last ? last + 1 : among, -1, SQLITE_TRANSIENT);
}

static enum sat_err run_made(sqlite3 *db, char *sql, struct sat_fault *fault)
{
    enum sat_err err = sql ? SAT_OK : SAT_ERR_NO_MEMORY;
    if (!err && sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) err = client_view_fail(db, fault, SAT_ERR_IO);
    sqlite3_free(sql);
    return err;
}

#define ABOUT_NOTED(NOTED) ((NOTED) ? " AND s.about IN (SELECT id FROM temp.satchel_noted)" : "")

/* What state_of() says of each record that has steps, by its row: in temp.satchel_stood. */
static enum sat_err derive_all(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    return run_made(
        db,
        sqlite3_mprintf("CREATE TEMP TABLE IF NOT EXISTS satchel_stood (n INTEGER PRIMARY KEY, type TEXT, told TEXT);"
                        "DELETE FROM temp.satchel_stood;"
                        "INSERT INTO temp.satchel_stood SELECT h.n, h.type, state_of(h.type, h.began, s.n, s.id,"
                        " s.state, s.after, s.author = q.author, s.role, u.roles, s.back_role, b.roles) FROM"
                        " satchel_step AS s JOIN satchel_here AS k ON k.n = s.n JOIN satchel_here AS h ON h.id ="
                        " s.about AND h.sid = k.sid LEFT JOIN main.user AS u ON u.id = s.author LEFT JOIN main.user"
                        " AS b ON b.id = s.back LEFT JOIN satchel_asked AS q ON q.n = h.n WHERE h.archived IS NOT"
                        " NULL%s GROUP BY h.n",
                        ABOUT_NOTED(noted)),
        fault);
}

static enum sat_err show_states(sqlite3 *db, const char *database, const struct sat_machine *machine,
                                struct sat_fault *fault)
{
    return run_made(
        db,
        sqlite3_mprintf(
            "UPDATE %s.\"%w\" AS r SET (\"%w\", \"%w" CLIENT_DISPUTED "\") = (SELECT"
            " last_state(json_extract(t.told, '$.among')), CASE WHEN instr(json_extract(t.told, '$.among'), '|') THEN"
            " json_extract(t.told, '$.among') END FROM temp.satchel_stood AS t WHERE t.n = r.rowid) WHERE"
            " r.rowid IN (SELECT n FROM temp.satchel_stood WHERE type = %Q AND told IS NOT"
            " NULL)",
            database, machine->type, machine->field, machine->field, machine->type),
        fault);
}

/* … and beside each step what it came to; `elsewhere`: its record is in another territory. */
static enum sat_err show_steps(sqlite3 *db, const char *database, bool noted, struct sat_fault *fault)
{
    return run_made(
        db,
        sqlite3_mprintf(
            "UPDATE %s.state_event AS e SET standing = (SELECT CASE WHEN EXISTS (SELECT 1 FROM satchel_here"
            " AS h WHERE h.id = s.about AND h.archived IS NOT NULL) AND NOT EXISTS (SELECT 1 FROM"
            " satchel_here AS h JOIN satchel_here AS k ON k.sid = h.sid WHERE k.n = s.n AND h.id = s.about"
            " AND h.archived IS NOT NULL) THEN 'elsewhere' END FROM satchel_step AS s WHERE s.n = e.rowid)"
            " WHERE e.rowid IN (SELECT s.n FROM satchel_step AS s WHERE TRUE%s);"
            "UPDATE %s.state_event AS e SET standing = json_extract(j.value, '$[1]') FROM temp.satchel_stood AS t,"
            " json_each(t.told, '$.steps') AS j WHERE e.rowid = json_extract(j.value, '$[0]')",
            database, ABOUT_NOTED(noted), database),
        fault);
}

enum sat_err client_states_register(sqlite3 *db, struct sat_fault *fault)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    if (sqlite3_create_function_v2(db, "state_of", 11, flags, NULL, NULL, state_step, state_final, NULL) != SQLITE_OK ||
        sqlite3_create_function_v2(db, "last_state", 1, flags, NULL, last_state, NULL, NULL, NULL) != SQLITE_OK)
        return client_view_fail(db, fault, SAT_ERR_IO);
    return SAT_OK;
}

enum sat_err client_states_derive(sqlite3 *db, bool noted, struct sat_fault *fault)
{
    enum sat_err err = derive_all(db, noted, fault);
    for (uint32_t i = 0; i < sat_machines_count() && !err; i++) {
        if (!sat_type_by_name(sat_machine_at(i)->type)) continue; /* an older program's list has fewer */
        err = show_states(db, "main", sat_machine_at(i), fault);
        if (!err) err = show_states(db, CLIENT_ARCHIVED, sat_machine_at(i), fault);
    }
    if (!err) err = show_steps(db, "main", noted, fault);
    return err ? err : show_steps(db, CLIENT_ARCHIVED, noted, fault);
}
