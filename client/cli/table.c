/* Tables of output.h: widths from the first rows, then row by row, so that a million rows take no more memory than a
 * screenful. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "common/base/utf8.h"

enum { ROWS_LOOKED_AT = 200, GAP_COLUMNS = 2 };

void cli_table_init(struct cli_table *table, struct cli *cli)
{
    *table = (struct cli_table){.cli = cli, .waiting = json_array(), .columns = json_object()};
    sat_arena_init(&table->arena);
}

/* Makes room for a row's values: a column is as wide as its widest, and stays one of numbers as long as nothing else
 * comes. */
static void measure(struct cli_table *table, const json_t *row)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)row, name, value)
    {
        const json_t *known = json_object_get(table->columns, name);
        long long width =
            known ? json_integer_value(known) : -(long long)cli_width(sat_utf8_shown(&table->arena, name));
        bool numbers = width < 0 && (json_is_number(value) || json_is_null(value));
        if (width < 0) width = -width;
        long long own = cli_width(cli_shown(&table->arena, value));
        if (own > width) width = own;
        (void)json_object_set_new(table->columns, name, json_integer(numbers ? -width : width));
    }
    sat_arena_reset(&table->arena);
}

static void put_spaces(struct sat_buf *line, long long n)
{
    for (; n > 0; n--) sat_put_u8(line, ' ');
}

static void put_cell(struct sat_buf *line, const char *text, long long width)
{
    long long pad = (width < 0 ? -width : width) - cli_width(text);
    if (width < 0) put_spaces(line, pad);
    sat_put_bytes(line, text, strlen(text));
    if (width > 0) put_spaces(line, pad);
}

/* The row's values, or with `row` NULL the columns' names. */
static void print_row(struct cli_table *table, const json_t *row)
{
    const char *name;
    json_t *width;
    struct sat_buf line;
    sat_buf_init(&line);
    json_object_foreach(table->columns, name, width)
    {
        const char *text =
            row ? cli_shown(&table->arena, json_object_get(row, name)) : sat_utf8_shown(&table->arena, name);
        if (line.len) put_spaces(&line, GAP_COLUMNS);
        put_cell(&line, text, json_integer_value(width));
    }
    while (line.len && line.at[line.len - 1] == ' ') line.len--;
    sat_put_u8(&line, '\n');
    cli_out_span(table->cli, sat_buf_span(&line));
    sat_buf_wipe(&line);
    sat_arena_reset(&table->arena);
}

static void print_waiting(struct cli_table *table)
{
    size_t index;
    json_t *row;
    if (!table->begun && json_object_size(table->columns)) print_row(table, NULL);
    table->begun = true;
    json_array_foreach(table->waiting, index, row) print_row(table, row);
    (void)json_array_clear(table->waiting);
}

int cli_table_row(void *context, const char *json)
{
    struct cli_table *table = context;
    if (table->cli->json) {
        cli_out(table->cli, "%s\n", json);
        return table->cli->output_errno;
    }
    json_t *row = json_loads(json, JSON_ALLOW_NUL, NULL);
    if (!row) return 0;
    if (!table->begun) measure(table, row);
    (void)json_array_append_new(table->waiting, row);
    if (table->begun || json_array_size(table->waiting) == ROWS_LOOKED_AT) print_waiting(table);
    return table->cli->output_errno;
}

void cli_table_finish(struct cli_table *table)
{
    print_waiting(table);
    json_decref(table->waiting);
    json_decref(table->columns);
    sat_arena_deinit(&table->arena);
}
