/* A file that is to be imported as CSV: the first byte says which encoding and separator the map names. What is taken
 * is text, and read again from what RFC 4180 makes of it it is the same. */
#include <string.h>

#include "client/import/table.h"
#include "tests/fuzz/fuzz.h"

static void put_cell(struct sat_buf *out, const char *cell)
{
    sat_put_u8(out, '"');
    for (; *cell; cell++) {
        if (*cell == '"') sat_put_u8(out, '"');
        sat_put_u8(out, (uint8_t)*cell);
    }
    sat_put_u8(out, '"');
}

static void put_row(struct sat_buf *out, const char *const *cells, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (i) sat_put_u8(out, ';');
        put_cell(out, cells[i]);
    }
    sat_put_bytes(out, "\r\n", 2);
}

static void check_again(const struct import_table *table, struct sat_arena *arena)
{
    struct import_table again;
    struct import_bad bad = {0};
    struct sat_buf text;
    sat_buf_init(&text);
    put_row(&text, table->names, table->names_n);
    for (uint32_t i = 0; i < table->rows_n; i++) put_row(&text, table->rows[i].cells, table->rows[i].cells_n);
    fuzz_must(import_csv_read(sat_buf_span(&text), ';', NULL, 0, arena, &again, &bad));
    sat_check(again.rows_n == table->rows_n && again.names_n == table->names_n);
    for (uint32_t i = 0; i < again.rows_n; i++) {
        sat_check(again.rows[i].cells_n == table->rows[i].cells_n);
        for (uint32_t c = 0; c < again.rows[i].cells_n; c++)
            sat_check(strcmp(again.rows[i].cells[c], table->rows[i].cells[c]) == 0);
    }
    sat_buf_deinit(&text);
}

static void check_taken(const struct import_table *table)
{
    uint32_t line = 0;
    sat_check(table->names_n > 0);
    for (uint32_t i = 0; i < table->rows_n; i++) {
        const struct import_row *row = &table->rows[i];
        sat_check(row->line > line && row->cells_n > 0);
        line = row->line;
        for (uint32_t c = 0; c < row->cells_n; c++) sat_check(sat_utf8_valid(sat_span_text(row->cells[c])));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {NULL, "UTF-8", "GB18030", "ISO-8859-1", "UTF-16", "SHIFT_JIS", "UTF-7"};
    static const char delimiters[] = {0, ',', ';', '\t'};
    struct sat_span input = sat_span(data, size), text;
    uint8_t which = fuzz_byte(&input);
    struct import_table table;
    struct import_bad bad = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = import_decode(input, encodings[(which >> 2) % 7], &arena, &text, &bad);
    if (!err) sat_check(sat_utf8_valid(text));
    if (!err) err = import_csv_read(text, delimiters[which & 3], NULL, 0, &arena, &table, &bad);
    if (err) {
        sat_check(bad.rule && bad.rule[0]);
        fuzz_check_sentence(bad.text);
    } else {
        check_taken(&table);
        check_again(&table, &arena);
    }
    sat_arena_deinit(&arena);
    return 0;
}
