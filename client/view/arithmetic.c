#include "client/view/arithmetic.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/view/database.h"
#include "client/view/figures.h"
#include "common/vault/machines.h"

/* ---- Figures ---- */

static void basis_points(sqlite3_context *context, int n, sqlite3_value **values)
{
    if (n != 2 || sqlite3_value_type(values[0]) != SQLITE_INTEGER || sqlite3_value_type(values[1]) != SQLITE_INTEGER)
        return;
    __int128 whole = sqlite3_value_int64(values[1]);
    __int128 twice = (__int128)sqlite3_value_int64(values[0]) * 20000; /* below 2^79 */
    if (whole <= 0) return;
    __int128 result = (twice + whole) / (2 * whole);
    if ((twice + whole) % (2 * whole) < 0) result--; /* C divides towards zero */
    if (result >= INT64_MIN && result <= INT64_MAX) sqlite3_result_int64(context, (int64_t)result);
}

static void sum_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct client_total *total = sqlite3_aggregate_context(context, sizeof *total);
    if (total && n == 1 && sqlite3_value_type(values[0]) == SQLITE_INTEGER)
        client_total_add(total, sqlite3_value_int64(values[0]));
}

static void sum_final(sqlite3_context *context)
{
    const struct client_total *total = sqlite3_aggregate_context(context, 0);
    int64_t sum = 0;
    if (!total || client_total_get(total, &sum)) sqlite3_result_int64(context, sum);
}

/* ---- States ---- */

static uint32_t duty_named(const char *role)
{
    static const struct {
        const char *role;
        enum sat_duty duty;
    } duties[] = {{"manager", SAT_DUTY_MANAGER},
                  {"assistant", SAT_DUTY_ASSISTANT},
                  {"supply", SAT_DUTY_SUPPLY},
                  {"finance", SAT_DUTY_FINANCE},
                  {"seller", SAT_DUTY_SELLER}};
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++)
        if (strcmp(duties[i].role, role) == 0) return duties[i].duty;
    return 0;
}

static void duties_of(sqlite3_context *context, int n, sqlite3_value **values)
{
    const struct satchel *satchel = sqlite3_user_data(context);
    if (n != 2) return;
    const struct sat_user *user = sat_directory_user(&satchel->directory, (uint32_t)sqlite3_value_int64(values[0]));
    uint32_t duties = user ? sat_duties_of_role(user->role) : 0;
    const char *text = (const char *)sqlite3_value_text(values[1]);
    json_t *roles = text ? json_loads(text, 0, NULL) : NULL, *role;
    size_t index;
    json_array_foreach(roles, index, role) if (json_is_string(role)) duties |= duty_named(json_string_value(role));
    json_decref(roles);
    sqlite3_result_int64(context, duties);
}

/* The steps of one record so far. SQLite gives an aggregate zeroed memory, and calls its end in any case. */
struct steps {
    const struct sat_machine *machine;
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
    steps->at[steps->n] = (struct sat_step_taken){0};
    return &steps->at[steps->n];
}

static bool read_after(struct sat_step_taken *step, const char *text)
{
    json_t *after = text ? json_loads(text, 0, NULL) : NULL, *id;
    size_t index, n = json_array_size(after);
    struct sat_record_id *ids = n ? calloc(n, sizeof *ids) : NULL;
    bool fits = !n || ids;
    json_array_foreach(after, index, id)
    {
        const char *written = json_string_value(id);
        if (ids && written && sat_uuid_parse(written, ids[step->after_n].b) == SAT_OK) step->after_n++;
    }
    step->after = ids;
    json_decref(after);
    return fits;
}

static void state_step(sqlite3_context *context, int n, sqlite3_value **values)
{
    struct steps *steps = sqlite3_aggregate_context(context, sizeof *steps);
    if (!steps || n != 5) return;
    const char *type = (const char *)sqlite3_value_text(values[0]), *id = (const char *)sqlite3_value_text(values[1]);
    const char *to = (const char *)sqlite3_value_text(values[2]);
    if (!steps->machine && type) steps->machine = sat_machine_by_type(type);
    struct sat_step_taken *step = steps->machine ? next_step(steps) : NULL;
    if (!step) {
        steps->no_memory = steps->machine != NULL;
        return;
    }
    if (!id || sat_uuid_parse(id, step->id.b) != SAT_OK) return;
    step->to = to ? sat_machine_state(steps->machine, (struct sat_span){(const uint8_t *)to, strlen(to)})
                  : (uint8_t)SAT_NO_STATE;
    step->duties = (uint32_t)sqlite3_value_int64(values[4]);
    steps->n++;
    if (!read_after(step, (const char *)sqlite3_value_text(values[3]))) steps->no_memory = true;
}

/* The states of the set, with | between them. */
static void give_states(sqlite3_context *context, const struct sat_machine *machine, uint32_t states)
{
    char text[SAT_STATES_MAX * 32];
    size_t len = 0;
    for (uint8_t i = 0; i < machine->states_n; i++) {
        if (!(states >> i & 1)) continue;
        size_t more = strlen(machine->states[i]);
        if (len + more + 1 >= sizeof text) break;
        if (len) text[len++] = '|';
        memcpy(text + len, machine->states[i], more);
        len += more;
    }
    sqlite3_result_text(context, text, (int)len, SQLITE_TRANSIENT);
}

static void state_final(sqlite3_context *context)
{
    struct steps *steps = sqlite3_aggregate_context(context, 0);
    struct sat_state state;
    if (!steps) return;
    if (steps->no_memory) sqlite3_result_error_nomem(context);
    if (!steps->no_memory && steps->machine && steps->n) {
        sat_machine_derive(steps->machine, steps->at, steps->n, NULL, &state);
        give_states(context, steps->machine, state.disputed ? state.among : (uint32_t)1 << state.state);
    }
    for (uint32_t i = 0; i < steps->n; i++) free((void *)(uintptr_t)steps->at[i].after);
    free(steps->at);
}

/* ---- Teaching ---- */

static const struct lesson {
    const char *name;
    int arguments;
    bool of_the_home; /* not of its arguments alone */
    void (*plain)(sqlite3_context *, int, sqlite3_value **);
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*final)(sqlite3_context *);
} lessons[] = {
    {"basis_points", 2, false, basis_points, NULL, NULL},
    {"exact_sum", 1, false, NULL, sum_step, sum_final},
    {"duties_of", 2, true, duties_of, NULL, NULL},
    {"state_of", 5, false, NULL, state_step, state_final},
};

enum sat_err client_view_teach(struct satchel *satchel, struct client_view *view)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        const struct lesson *it = &lessons[i];
        int flags = SQLITE_UTF8 | (it->of_the_home ? 0 : SQLITE_DETERMINISTIC);
        if (sqlite3_create_function_v2(view->db, it->name, it->arguments, flags, satchel, it->plain, it->step,
                                       it->final, NULL) != SQLITE_OK)
            return client_view_fail(view->db, &satchel->fault, SAT_ERR_IO);
    }
    return SAT_OK;
}

void client_view_forget(struct client_view *view)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        int flags = SQLITE_UTF8 | (lessons[i].of_the_home ? 0 : SQLITE_DETERMINISTIC);
        (void)sqlite3_create_function_v2(view->db, lessons[i].name, lessons[i].arguments, flags, NULL, NULL, NULL, NULL,
                                         NULL);
    }
}
