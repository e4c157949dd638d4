/* The fields that an organisation adds, as columns: their names and what is published of them come from whoever may
 * publish, the values from everybody. The input is pieces: names and bodies in turn behind a first byte that says how
 * many, then keys and values of a record. Every name is a column or none, and what stands in a column is what the
 * record has under that key. */
#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "client/json.h"
#include "client/view/added.h"
#include "tests/fuzz/fuzz.h"

enum { NAMES_MAX = 4, CELLS_MAX = 6 };

static sqlite3 *the_database(void)
{
    static sqlite3 *db;
    struct sat_fault fault = {0};
    if (db) return db;
    sat_check(sqlite3_open(":memory:", &db) == SQLITE_OK);
    sat_check(sqlite3_exec(db,
                           "ATTACH ':memory:' AS archived;"
                           "CREATE TABLE config_item (id, kind, name, version, published_at, body);"
                           "CREATE TABLE main.account (id, name); CREATE TABLE archived.account (id, name);"
                           "CREATE TABLE main.visit (id, name); CREATE TABLE archived.visit (id, name);"
                           "INSERT INTO main.account VALUES ('one', 'Ana')",
                           NULL, NULL, NULL) == SQLITE_OK);
    fuzz_must(client_added_make(db, &fault));
    return db;
}

/* What is stored is UTF-8 without NUL. */
static struct sat_span text_of(struct sat_arena *arena, struct sat_span bytes)
{
    char *text = sat_arena_text(arena, (const char *)bytes.at, bytes.len);
    sat_utf8_mend(text);
    return sat_span_text(text);
}

static void publish(sqlite3 *db, struct sat_span *input, struct sat_arena *arena)
{
    sqlite3_stmt *insert = NULL;
    uint8_t n = fuzz_byte(input) % (NAMES_MAX + 1);
    sat_check(sqlite3_prepare_v2(db, "INSERT INTO config_item VALUES (?1, 'field', ?2, 1 + ?1 % 3, 'then', ?3)", -1,
                                 &insert, NULL) == SQLITE_OK);
    for (int i = 0; i < n; i++) {
        (void)sqlite3_bind_int(insert, 1, i);
        for (int k = 2; k < 4; k++) {
            struct sat_span text = text_of(arena, fuzz_piece(input));
            (void)sqlite3_bind_text(insert, k, (const char *)text.at, (int)text.len, SQLITE_STATIC);
        }
        sat_check(sqlite3_step(insert) == SQLITE_DONE);
        (void)sqlite3_reset(insert);
    }
    (void)sqlite3_finalize(insert);
}

static struct sat_value value_of(struct sat_span text)
{
    int64_t number = 0;
    uint8_t kind = fuzz_byte(&text) % 3;
    if (text.len) memcpy(&number, text.at, text.len < sizeof number ? text.len : sizeof number);
    if (kind == 1) return (struct sat_value){.kind = SAT_VALUE_INT, .integer = number};
    if (kind == 2) return (struct sat_value){.kind = SAT_VALUE_BOOL, .truth = number & 1};
    return (struct sat_value){.kind = SAT_VALUE_TEXT, .text = text};
}

static uint32_t read_cells(struct sat_span *input, struct sat_arena *arena, struct sat_merged *cells)
{
    uint32_t n = 0;
    for (; n < CELLS_MAX && input->len; n++)
        cells[n] = (struct sat_merged){.field = SAT_FIELD_EXT,
                                       .in_set = true,
                                       .element = text_of(arena, fuzz_piece(input)),
                                       .value = value_of(text_of(arena, fuzz_piece(input)))};
    return n;
}

static void check_value(sqlite3_stmt *row, int column, const json_t *value)
{
    int type = sqlite3_column_type(row, column);
    if (json_is_string(value))
        sat_check(type == SQLITE_TEXT &&
                  strcmp((const char *)sqlite3_column_text(row, column), json_string_value(value)) == 0);
    else if (json_is_integer(value) || json_is_boolean(value))
        sat_check(type == SQLITE_INTEGER &&
                  sqlite3_column_int64(row, column) ==
                      (json_is_integer(value) ? json_integer_value(value) : json_is_true(value)));
    else
        sat_check(!value && type == SQLITE_NULL);
}

static void check_columns(sqlite3 *db, const json_t *map)
{
    sqlite3_stmt *row = NULL, *archived = NULL;
    sat_check(sqlite3_prepare_v2(db, "SELECT * FROM main.account", -1, &row, NULL) == SQLITE_OK);
    sat_check(sqlite3_prepare_v2(db, "SELECT * FROM archived.account", -1, &archived, NULL) == SQLITE_OK);
    sat_check(sqlite3_step(row) == SQLITE_ROW && sqlite3_column_count(row) == sqlite3_column_count(archived));
    sat_check(strcmp((const char *)sqlite3_column_text(row, 1), "Ana") == 0);
    for (int i = 2; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i);
        sat_check(strncmp(name, "ext.", 4) == 0 && strcmp(name, sqlite3_column_name(archived, i)) == 0);
        check_value(row, i, json_object_get(map, name + 4));
    }
    (void)sqlite3_finalize(row);
    (void)sqlite3_finalize(archived);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sqlite3 *db = the_database();
    sqlite3_stmt *statement = NULL;
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    struct sat_merged cells[CELLS_MAX];
    struct sat_fault fault = {0};
    bool anew = true;
    sat_arena_init(&arena);
    sat_check(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    publish(db, &input, &arena);
    struct sat_merged_record record = {.cells = cells};
    record.cells_n = read_cells(&input, &arena, cells);
    fuzz_must(client_added_note(db, &statement, 1, &record, &fault));
    (void)sqlite3_finalize(statement);
    fuzz_must(client_added_derive(db, &fault));
    json_t *map = client_json_of_map(sat_field_ext(), &record);
    check_columns(db, map);
    json_decref(map);
    sat_check(sqlite3_exec(db, "CREATE TEMP TABLE satchel_noted (id); CREATE TABLE satchel_here (n, id)", NULL, NULL,
                           NULL) == SQLITE_OK);
    fuzz_must(client_added_follow(db, &anew, &fault));
    sat_check(!anew); /* nothing was published since */
    sat_check(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    sat_arena_deinit(&arena);
    return 0;
}
