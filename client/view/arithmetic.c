#include "client/view/arithmetic.h"

#include "client/view/database.h"
#include "client/view/figures.h"

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
    if (!total || n != 1) return;
    if (sqlite3_value_type(values[0]) == SQLITE_INTEGER)
        client_total_add(total, sqlite3_value_int64(values[0]));
    else if (sqlite3_value_type(values[0]) == SQLITE_FLOAT) /* what SQLite makes of an integer that does not fit */
        client_total_lose(total);
}

static void sum_final(sqlite3_context *context)
{
    const struct client_total *total = sqlite3_aggregate_context(context, 0);
    int64_t sum = 0;
    if (!total || client_total_get(total, &sum)) sqlite3_result_int64(context, sum);
}

/* ---- Teaching ---- */

static const struct lesson {
    const char *name;
    int arguments;
    void (*plain)(sqlite3_context *, int, sqlite3_value **);
    void (*step)(sqlite3_context *, int, sqlite3_value **);
    void (*final)(sqlite3_context *);
} lessons[] = {
    {"basis_points", 2, basis_points, NULL, NULL},
    {"exact_sum", 1, NULL, sum_step, sum_final},
};

enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC };

enum sat_err client_view_teach(struct client_view *view, struct sat_fault *fault)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        const struct lesson *it = &lessons[i];
        if (sqlite3_create_function_v2(view->db, it->name, it->arguments, FLAGS, NULL, it->plain, it->step, it->final,
                                       NULL) != SQLITE_OK)
            return client_view_fail(view->db, fault, SAT_ERR_IO);
    }
    return SAT_OK;
}

void client_view_forget(struct client_view *view)
{
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++)
        (void)sqlite3_create_function_v2(view->db, lessons[i].name, lessons[i].arguments, FLAGS, NULL, NULL, NULL, NULL,
                                         NULL);
}
