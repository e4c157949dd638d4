#include "client/cli/book_print.h"

#include <string.h>

#include "client/cli/output.h"
#include "client/cli/report_print.h"
#include "common/base/utf8.h"

/* ---- Tables ---- */

static json_t *cell_of(const json_t *row, const char *column)
{
    if (strcmp(column, "min") != 0) {
        json_t *value = json_object_get(row, column);
        return value ? json_incref(value) : json_null();
    }
    const json_t *seconds = json_object_get(row, "duration_s");
    return json_is_integer(seconds) ? json_integer(json_integer_value(seconds) / 60) : json_null();
}

void cli_book_table(struct cli *cli, const char *title, const json_t *rows, const char *const *columns)
{
    size_t index;
    json_t *row, *shown = json_array();
    if (!json_array_size(rows)) {
        json_decref(shown);
        return;
    }
    json_array_foreach((json_t *)rows, index, row)
    {
        json_t *one = json_object();
        for (const char *const *column = columns; *column; column++)
            (void)json_object_set_new(one, *column, cell_of(row, *column));
        (void)json_array_append_new(shown, one);
    }
    if (title) cli_out(cli, "\n%s\n", title);
    cli_report_table(cli, shown);
    json_decref(shown);
}

/* ---- Rows of a call ---- */

void cli_rows_begin(struct cli_rows *rows, struct cli *cli)
{
    *rows = (struct cli_rows){.cli = cli, .rows = json_array()};
}

int cli_rows_take(void *context, const char *json)
{
    struct cli_rows *rows = context;
    if (rows->cli->json)
        cli_out(rows->cli, "%s\n", json);
    else
        (void)json_array_append_new(rows->rows, json_loads(json, JSON_ALLOW_NUL, NULL));
    return rows->cli->output_errno;
}

void cli_rows_end(struct cli_rows *rows, const char *const *columns, const char *nothing)
{
    if (columns) cli_book_table(rows->cli, NULL, rows->rows, columns);
    if (columns && nothing && !rows->cli->json && !json_array_size(rows->rows)) cli_note(rows->cli, "%s", nothing);
    json_decref(rows->rows);
}

/* ---- A visit ---- */

static const char *text_of(struct cli *cli, const json_t *object, const char *name)
{
    return cli_shown(&cli->arena, json_object_get(object, name));
}

static void print_evidence(struct cli *cli, const json_t *visit)
{
    const json_t *seconds = json_object_get(visit, "duration_s"), *ready = json_object_get(visit, "readiness_bp");
    if (json_is_integer(seconds)) cli_out(cli, "lasted: %lld min\n", (long long)json_integer_value(seconds) / 60);
    if (json_is_integer(json_object_get(visit, "distance_m")))
        cli_out(cli, "from the pin: %s m\n", text_of(cli, visit, "distance_m"));
    if (json_is_integer(ready))
        cli_out(cli, "prepared: %lld.%02lld %%\n", (long long)json_integer_value(ready) / 100,
                (long long)json_integer_value(ready) % 100);
    if (json_array_size(json_object_get(visit, "flags"))) cli_out(cli, "flags: %s\n", text_of(cli, visit, "flags"));
}

static void print_checklist(struct cli *cli, const json_t *list)
{
    static const char *const columns[] = {"done", "item", "text", NULL};
    size_t index;
    json_t *item;
    json_array_foreach((json_t *)list, index, item)
    {
        bool must = json_is_true(json_object_get(item, "mandatory"));
        (void)json_object_set_new(item, "done",
                                  json_string(json_is_true(json_object_get(item, "done")) ? "[x]" : "[ ]"));
        (void)json_object_set_new(item, "item", json_sprintf("%s%s", text_of(cli, item, "key"), must ? "" : " (own)"));
        if (!must) (void)json_object_set(item, "item", json_object_get(item, "key"));
    }
    cli_book_table(cli, "preparation", list, columns);
}

static void print_briefing(struct cli *cli, const json_t *briefing)
{
    static const struct {
        const char *name, *title, *columns[8];
    } blocks[] = {
        {"people", "people", {"name", "title", "roles", "to"}},
        {"visits", "last visits", {"day", "by", "goal", "note", "next_steps"}},
        {"needs", "needs", {"kind", "text", "severity"}},
        {"orders", "open orders", {"no", "day", "state", "currency", "total_minor"}},
        {"receivables", "owed", {"due", "days_overdue", "currency", "outstanding_minor", "step"}},
        {"complaints", "complaints", {"state", "severity", "text", "deadline"}},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        cli_book_table(cli, blocks[i].title, json_object_get(briefing, blocks[i].name), blocks[i].columns);
}

void cli_print_visit(struct cli *cli, const char *told, bool preparation)
{
    static const char *const columns[] = {"key", "text", NULL};
    if (cli->json) {
        cli_out(cli, "%s\n", told);
        return;
    }
    json_t *visit = json_loads(told, JSON_ALLOW_NUL, NULL);
    cli_out(cli, "%s, %s: %s\n", text_of(cli, visit, "account"), text_of(cli, visit, "day"),
            text_of(cli, visit, "state"));
    cli_out(cli, "visit: %s\n", text_of(cli, visit, "visit"));
    if (*text_of(cli, visit, "goal")) cli_out(cli, "goal: %s\n", text_of(cli, visit, "goal"));
    print_evidence(cli, visit);
    if (json_object_get(visit, "ask_day"))
        cli_note(cli, "this device's clock is %s: say which day it is (visit note %s date=YYYY-MM-DD)",
                 text_of(cli, visit, "ask_day"), text_of(cli, visit, "visit"));
    if (preparation) print_checklist(cli, json_object_get(visit, "checklist"));
    if (preparation)
        print_briefing(cli, json_object_get(visit, "briefing"));
    else
        cli_book_table(cli, "not answered", json_object_get(visit, "unanswered"), columns);
    json_decref(visit);
}
