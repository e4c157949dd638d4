#include <string.h>

#include "client/import/table.h"

struct reading {
    struct sat_span text;
    size_t at;
    uint32_t line;
    char delimiter;
    struct sat_arena *arena;
    struct import_bad *bad;
    struct sat_buf cell;
    const char **cells; /* of the row that is being read */
    uint32_t cells_n;
};

static int peek(const struct reading *reading)
{
    return reading->at < reading->text.len ? reading->text.at[reading->at] : -1;
}

static bool ends_line(int byte)
{
    return byte == '\n' || byte == '\r';
}

/* LF, CRLF or CR. */
static void skip_end(struct reading *reading)
{
    if (peek(reading) == '\r') {
        reading->at++;
        if (peek(reading) == '\n') reading->at++;
    } else {
        reading->at++;
    }
    reading->line++;
}

static enum sat_err read_quoted(struct reading *reading)
{
    uint32_t opened = reading->line;
    reading->at++;
    for (int byte; (byte = peek(reading)) >= 0;) {
        reading->at++;
        if (byte == '\n' || (byte == '\r' && peek(reading) != '\n')) reading->line++;
        if (byte == '"') {
            if (peek(reading) != '"') {
                byte = peek(reading);
                if (byte < 0 || byte == reading->delimiter || ends_line(byte)) return SAT_OK;
                return import_spoil(reading->arena, reading->bad, reading->line, "quote",
                                    "something stands behind the closing quote of column %u: a quote inside quotes is "
                                    "doubled",
                                    (unsigned)reading->cells_n + 1);
            }
            reading->at++;
        }
        sat_put_u8(&reading->cell, (uint8_t)byte);
    }
    return import_spoil(reading->arena, reading->bad, opened, "quote", "the quote of column %u is never closed",
                        (unsigned)reading->cells_n + 1);
}

static enum sat_err read_cell(struct reading *reading)
{
    sat_buf_clear(&reading->cell);
    enum sat_err err = SAT_OK;
    if (peek(reading) == '"') {
        err = read_quoted(reading);
    } else {
        for (int byte; (byte = peek(reading)) >= 0 && byte != reading->delimiter && !ends_line(byte); reading->at++)
            sat_put_u8(&reading->cell, (uint8_t)byte);
    }
    if (err) return err;
    if (reading->cells_n == IMPORT_COLUMNS_MAX)
        return import_spoil(reading->arena, reading->bad, reading->line, "size", "more than %d columns",
                            IMPORT_COLUMNS_MAX);
    const char *text = reading->cell.len ? (const char *)reading->cell.at : "";
    reading->cells[reading->cells_n++] = sat_arena_text(reading->arena, text, reading->cell.len);
    return SAT_OK;
}

/* Skips empty lines. row->cells_n 0: the file is at its end. */
static enum sat_err read_row(struct reading *reading, struct import_row *row)
{
    *row = (struct import_row){0};
    while (ends_line(peek(reading))) skip_end(reading);
    if (peek(reading) < 0) return SAT_OK;
    reading->cells_n = 0;
    row->line = reading->line;
    for (;;) {
        enum sat_err err = read_cell(reading);
        if (err) return err;
        if (peek(reading) != reading->delimiter) break;
        reading->at++;
    }
    if (peek(reading) >= 0) skip_end(reading);
    row->cells_n = reading->cells_n;
    row->cells = sat_arena_copy(reading->arena, reading->cells, reading->cells_n * sizeof *reading->cells);
    return SAT_OK;
}

/* What stands most often in the first line that is not empty, outside quotes. */
static char guess_delimiter(struct sat_span text)
{
    static const char candidates[] = ",;\t|";
    size_t counts[4] = {0}, best = 0;
    bool quoted = false, begun = false;
    for (size_t i = 0; i < text.len && !(begun && !quoted && ends_line(text.at[i])); i++) {
        const char *found = text.at[i] ? strchr(candidates, text.at[i]) : NULL;
        if (!ends_line(text.at[i])) begun = true;
        if (text.at[i] == '"') quoted = !quoted;
        if (found && !quoted) counts[found - candidates]++;
    }
    for (size_t i = 1; i < 4; i++)
        if (counts[i] > counts[best]) best = i;
    return candidates[best];
}

/* "sep=;" before the header is how one spreadsheet tells another. */
static void take_sep_line(struct reading *reading, bool given)
{
    const uint8_t *at = reading->text.at;
    size_t len = reading->text.len;
    if (len < 5 || memcmp(at, "sep=", 4) != 0 || (len > 5 && !ends_line(at[5]))) return;
    if (!given) reading->delimiter = (char)at[4];
    reading->at = 5;
    if (peek(reading) >= 0) skip_end(reading);
}

static enum sat_err read_all(struct reading *reading, struct import_table *out)
{
    struct import_row row;
    uint32_t cap = 0;
    enum sat_err err = SAT_OK;
    if (!out->names_n) {
        err = read_row(reading, &row);
        if (err) return err;
        if (row.cells_n == 0)
            return import_spoil(reading->arena, reading->bad, 0, "header", "empty: not even a header");
        const char **names = sat_arena_array(reading->arena, row.cells_n, sizeof *names);
        for (uint32_t i = 0; i < row.cells_n; i++) names[i] = import_trim(reading->arena, row.cells[i]);
        out->names = names;
        out->names_n = row.cells_n;
    }
    while (!(err = read_row(reading, &row)) && row.cells_n) {
        if (out->rows_n == IMPORT_ROWS_MAX)
            return import_spoil(reading->arena, reading->bad, row.line, "size", "more than %d rows", IMPORT_ROWS_MAX);
        import_add_row(out, &cap, &row, reading->arena);
    }
    return err;
}

enum sat_err import_csv_read(struct sat_span text, char delimiter, const char *const *names, uint32_t names_n,
                             struct sat_arena *arena, struct import_table *out, struct import_bad *bad)
{
    *out = (struct import_table){.names = names, .names_n = names_n};
    struct reading reading = {.text = text, .line = 1, .arena = arena, .bad = bad};
    reading.delimiter = delimiter ? delimiter : guess_delimiter(text);
    take_sep_line(&reading, delimiter != 0);
    reading.cells = sat_arena_array(arena, IMPORT_COLUMNS_MAX, sizeof *reading.cells);
    sat_buf_init(&reading.cell);
    enum sat_err err = read_all(&reading, out);
    sat_buf_deinit(&reading.cell);
    return err;
}
