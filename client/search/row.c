#include "client/search/row.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

enum sat_err client_search_fail(sqlite3 *db, struct sat_fault *fault)
{
    enum sat_err err = sqlite3_errcode(db) == SQLITE_NOMEM ? SAT_ERR_NO_MEMORY : SAT_ERR_IO;
    return sat_fail(fault, err, "the search index: %s", sqlite3_errmsg(db));
}

void client_row_reader_init(struct client_row_reader *reader, sqlite3 *db)
{
    *reader = (struct client_row_reader){.db = db, .statements = calloc(sat_types_count(), sizeof(sqlite3_stmt *))};
    sat_check_memory(reader->statements);
}

void client_row_reader_deinit(struct client_row_reader *reader)
{
    for (uint16_t i = 0; reader->statements && i < sat_types_count(); i++)
        (void)sqlite3_finalize(reader->statements[i]);
    free(reader->statements);
    *reader = (struct client_row_reader){0};
}

/* The fields that are searched, in the order in which they are read: names first. */
static const struct sat_field *searched(const struct sat_type *type, size_t index)
{
    for (int search = SAT_SEARCH_NAME; search <= SAT_SEARCH_TEXT; search++)
        for (uint16_t i = 0; i < type->fields_n; i++)
            if ((int)sat_field_search(&type->fields[i]) == search && index-- == 0) return &type->fields[i];
    return NULL;
}

static enum sat_err prepare(struct client_row_reader *reader, const struct sat_type *type, sqlite3_stmt **out,
                            struct sat_fault *fault)
{
    uint16_t index = 0;
    while (sat_type_at(index) != type) index++;
    *out = reader->statements[index];
    if (*out) return SAT_OK;
    struct sat_arena arena;
    const struct sat_field *field;
    sat_arena_init(&arena);
    const char *sql = "SELECT \"id\", \"territory\"";
    for (size_t i = 0; (field = searched(type, i)); i++) sql = sat_arena_format(&arena, "%s, \"%s\"", sql, field->name);
    sql = sat_arena_format(&arena, "%s FROM main.\"%s\" WHERE rowid = ?1", sql, type->name);
    bool done = sqlite3_prepare_v3(reader->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK;
    sat_arena_deinit(&arena);
    reader->statements[index] = *out;
    return done ? SAT_OK : client_search_fail(reader->db, fault);
}

static struct sat_span column(sqlite3_stmt *statement, int at, struct sat_arena *arena)
{
    const unsigned char *text = sqlite3_column_text(statement, at);
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    return text ? sat_span(sat_arena_text(arena, (const char *)text, len), len) : (struct sat_span){0};
}

static void add(struct client_row *row, size_t *room, const struct sat_field *field, struct sat_span text,
                struct sat_arena *arena)
{
    if (text.len == 0) return;
    if (row->n == *room) {
        *room = *room ? 2 * *room : 16;
        struct client_text *more = sat_arena_array(arena, *room, sizeof *more);
        if (row->n) memcpy(more, row->texts, row->n * sizeof *more);
        row->texts = more;
    }
    row->texts[row->n++] = (struct client_text){field, text};
}

static void add_element(struct client_row *row, size_t *room, const struct sat_field *field, const json_t *element,
                        struct sat_arena *arena)
{
    size_t len = json_string_length(element);
    if (len) add(row, room, field, sat_span(sat_arena_text(arena, json_string_value(element), len), len), arena);
}

/* A set is a JSON array, a map an object. */
static void add_elements(struct client_row *row, size_t *room, const struct sat_field *field, struct sat_span text,
                         struct sat_arena *arena)
{
    json_t *many = json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL, NULL), *element;
    size_t index;
    const char *key;
    json_array_foreach(many, index, element) add_element(row, room, field, element, arena);
    json_object_foreach(many, key, element) add_element(row, room, field, element, arena);
    json_decref(many);
}

enum sat_err client_row_read(struct client_row_reader *reader, const struct sat_type *type, int64_t rowid,
                             struct sat_arena *arena, struct client_row *out, struct sat_fault *fault)
{
    sqlite3_stmt *statement;
    const struct sat_field *field;
    size_t room = 0;
    *out = (struct client_row){0};
    enum sat_err err = prepare(reader, type, &statement, fault);
    if (err) return err;
    (void)sqlite3_bind_int64(statement, 1, rowid);
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        out->there = true;
        out->id = (const char *)column(statement, 0, arena).at;
        out->territory = (const char *)column(statement, 1, arena).at;
    }
    for (size_t i = 0; code == SQLITE_ROW && (field = searched(type, i)); i++) {
        struct sat_span text = column(statement, (int)i + 2, arena);
        if (sat_field_has_elements(field) && text.len)
            add_elements(out, &room, field, text, arena);
        else
            add(out, &room, field, text, arena);
    }
    (void)sqlite3_reset(statement);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SAT_OK : client_search_fail(reader->db, fault);
}
