/* An address book. Each card that is taken has all columns, and each is text. */
#include "client/import/table.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span text;
    struct import_table table;
    struct import_bad bad = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = import_decode(sat_span(data, size), NULL, &arena, &text, &bad);
    if (!err) err = import_vcard_read(text, &arena, &table, &bad);
    if (err) {
        sat_check(bad.rule && bad.rule[0]);
        fuzz_check_sentence(bad.text);
    }
    for (uint32_t i = 0; !err && i < table.rows_n; i++) {
        const struct import_row *row = &table.rows[i];
        sat_check(row->cells_n == table.names_n && row->line > 0);
        for (uint32_t c = 0; c < row->cells_n; c++)
            sat_check(row->cells[c] && sat_utf8_valid(sat_span_text(row->cells[c])));
    }
    sat_arena_deinit(&arena);
    return 0;
}
