/* The map of an import and, behind a zero byte, a file that it is for: what of the map is taken is gone through for
 * each row. What comes out is JSON; what is refused is refused by a sentence. */
#include <stdlib.h>
#include <string.h>

#include "client/import/value.h"
#include "tests/fuzz/fuzz.h"

static void check_refusal(const struct import_bad *bad)
{
    sat_check(bad->rule && bad->rule[0]);
    fuzz_check_sentence(bad->text);
}

static void check_value(const struct import_source *source, const struct import_value *value)
{
    json_t *json = NULL;
    if (import_value_read(source, value, &json)) {
        check_refusal(source->bad);
        sat_check(!json);
    } else if (json) {
        char *text = json_dumps(json, JSON_ENCODE_ANY);
        sat_check(text && sat_utf8_valid(sat_span_text(text)));
        free(text);
    }
    json_decref(json);
}

static void check_row(const struct import_source *source, const struct import_part *part)
{
    for (uint32_t i = 0; i < part->records_n; i++) {
        const struct import_record *record = &part->records[i];
        if (!import_when(source, record)) continue;
        const char *const *key = import_key(source, &record->key, &record->form);
        if (key) (void)import_id(source->ids, record->as, key, record->key.n);
        if (record->territory) check_value(source, record->territory);
        for (uint32_t f = 0; f < record->fields_n; f++) check_value(source, &record->fields[f]);
    }
}

static void check_part(const struct import_ids *ids, const struct import_part *part, struct sat_span text)
{
    struct import_table table;
    struct import_bad bad = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = part->vcard
                           ? import_vcard_read(text, &arena, &table, &bad)
                           : import_csv_read(text, part->delimiter, part->names, part->names_n, &arena, &table, &bad);
    if (!err) err = import_columns_find(part, &table, &arena, &bad);
    if (err) check_refusal(&bad);
    for (uint32_t i = 0; !err && i < table.rows_n; i++) {
        struct import_source source = {
            .ids = ids, .table = &table, .row = &table.rows[i], .arena = &arena, .bad = &bad};
        if (source.row->cells_n >= table.names_n) check_row(&source, part);
    }
    sat_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t secret[32];
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t len = zero ? (size_t)(zero - data) : size;
    struct sat_span text = zero ? sat_span(zero + 1, size - len - 1) : (struct sat_span){0};
    struct import_map map;
    struct import_bad bad = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    if (import_map_read(sat_arena_text(&arena, (const char *)data, len), &arena, &map, &bad)) {
        check_refusal(&bad);
    } else {
        struct import_ids ids = {.secret = secret, .map = map.name};
        for (uint32_t i = 0; i < map.parts_n && sat_utf8_valid(text); i++) check_part(&ids, &map.parts[i], text);
    }
    import_map_free(&map);
    sat_arena_deinit(&arena);
    return 0;
}
