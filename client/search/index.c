#include "client/search/index.h"

#include <stdlib.h>
#include <string.h>

#include "client/search/terms.h"

/* ---- The tokenizer: what FTS5 is told of a text ---- */

struct tokenizer {
    struct sat_arena arena; /* of one part of a text */
};

static int make_tokenizer(void *context, const char **args, int n, Fts5Tokenizer **out)
{
    (void)context;
    (void)args;
    (void)n;
    struct tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    *out = (Fts5Tokenizer *)tokenizer;
    if (!tokenizer) return SQLITE_NOMEM;
    sat_arena_init(&tokenizer->arena);
    return SQLITE_OK;
}

static void free_tokenizer(Fts5Tokenizer *given)
{
    struct tokenizer *tokenizer = (struct tokenizer *)given;
    sat_arena_deinit(&tokenizer->arena);
    free(tokenizer);
}

struct taker {
    void *context;
    int (*token)(void *context, int flags, const char *term, int len, int start, int end);
};

static int give_token(void *context, const char *term, int len)
{
    const struct taker *taker = context;
    return taker->token(taker->context, 0, term, len, 0, len);
}

static int tokenize_part(struct tokenizer *tokenizer, uint8_t kind, struct sat_span text, struct taker *taker)
{
    struct client_folded folded;
    if (kind == CLIENT_INDEX_TYPE)
        return client_type_term(sat_arena_text(&tokenizer->arena, (const char *)text.at, text.len), give_token, taker);
    client_fold_text(&tokenizer->arena, text, &folded);
    int code = client_each_term(&folded, 0, give_token, taker);
    if (!code && kind == CLIENT_INDEX_NAME) code = client_each_term(&folded, CLIENT_TERM_IN_NAME, give_token, taker);
    if (!code && kind == CLIENT_INDEX_NAME) code = client_begin_term(&folded, give_token, taker);
    return code;
}

/* A row's text, in parts; a question's is one term already. */
static int tokenize(Fts5Tokenizer *given, void *context, int flags, const char *text, int len,
                    int (*token)(void *context, int flags, const char *term, int len, int start, int end))
{
    struct tokenizer *tokenizer = (struct tokenizer *)given;
    struct taker taker = {context, token};
    const uint8_t *at = (const uint8_t *)text, *end = at + (len > 0 ? len : 0);
    if (flags & FTS5_TOKENIZE_QUERY) return len > 0 ? token(context, 0, text, len, 0, len) : SQLITE_OK;
    int code = SQLITE_OK;
    while (at < end && !code) {
        uint8_t kind = *at++;
        const uint8_t *begin = at;
        while (at < end && *at < CLIENT_INDEX_TYPE) at++;
        code = tokenize_part(tokenizer, kind, sat_span(begin, (size_t)(at - begin)), &taker);
        sat_arena_reset(&tokenizer->arena);
    }
    return code;
}

enum sat_err client_index_register(sqlite3 *db, struct sat_fault *fault)
{
    static fts5_tokenizer methods = {make_tokenizer, free_tokenizer, tokenize};
    fts5_api *api = NULL;
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", NULL) == SQLITE_OK)
        (void)sqlite3_step(statement);
    (void)sqlite3_finalize(statement);
    if (!api) return client_search_fail(db, fault);
    if (api->xCreateTokenizer(api, "satchel", NULL, &methods, NULL) == SQLITE_OK) return SAT_OK;
    return client_search_fail(db, fault);
}

/* ---- The tables ---- */

static enum sat_err run(sqlite3 *db, const char *sql, struct sat_fault *fault)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? SAT_OK : client_search_fail(db, fault);
}

enum sat_err client_index_make(sqlite3 *db, struct sat_fault *fault)
{
    return run(db,
               "CREATE VIRTUAL TABLE " CLIENT_INDEX " USING fts5(text, content='', detail=none, columnsize=0, prefix=3,"
               " tokenize='satchel');"
               "CREATE TABLE " CLIENT_INDEX_ROWS " (row INTEGER PRIMARY KEY, type INTEGER, at INTEGER)",
               fault);
}

/* ---- Filling ---- */

void client_index_init(struct client_index *index, sqlite3 *db)
{
    *index = (struct client_index){0};
    client_row_reader_init(&index->reader, db);
    sat_arena_init(&index->arena);
}

void client_index_deinit(struct client_index *index)
{
    client_row_reader_deinit(&index->reader);
    sqlite3_stmt *const statements[] = {index->put, index->drop, index->put_row, index->drop_row};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) (void)sqlite3_finalize(statements[i]);
    sat_arena_deinit(&index->arena);
    *index = (struct client_index){0};
}

static enum sat_err prepare(struct client_index *index, const char *sql, sqlite3_stmt **out, struct sat_fault *fault)
{
    if (*out) return SAT_OK;
    bool done = sqlite3_prepare_v3(index->reader.db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK;
    return done ? SAT_OK : client_search_fail(index->reader.db, fault);
}

/* The row's text for FTS5; empty when there is nothing in it to search for. */
static enum sat_err text_of(struct client_index *index, const struct sat_type *type, int64_t rowid, struct sat_buf *out,
                            struct sat_fault *fault)
{
    struct client_row row;
    enum sat_err err = client_row_read(&index->reader, type, rowid, &index->arena, &row, fault);
    if (!err && row.n) {
        sat_put_u8(out, CLIENT_INDEX_TYPE);
        sat_put_span(out, sat_span_text(type->name));
    }
    for (size_t i = 0; i < row.n && !err; i++) {
        sat_put_u8(out,
                   sat_field_search(row.texts[i].field) == SAT_SEARCH_NAME ? CLIENT_INDEX_NAME : CLIENT_INDEX_TEXT);
        sat_put_span(out, row.texts[i].text);
    }
    return err;
}

static enum sat_err step(struct client_index *index, sqlite3_stmt *statement, struct sat_fault *fault)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return done ? SAT_OK : client_search_fail(index->reader.db, fault);
}

/* Tells FTS5 of the row's text, that it is there or that it goes; *any: whether it has one. */
static enum sat_err tell(struct client_index *index, sqlite3_stmt *statement, const struct sat_type *type, int64_t row,
                         bool *any, struct sat_fault *fault)
{
    struct sat_buf text;
    sat_buf_init(&text);
    enum sat_err err = text_of(index, type, row, &text, fault);
    *any = text.len > 0;
    if (!err && *any) {
        (void)sqlite3_bind_int64(statement, 1, row);
        (void)sqlite3_bind_text(statement, 2, (const char *)text.at, (int)text.len, SQLITE_STATIC);
        err = step(index, statement, fault);
    }
    sat_buf_wipe(&text);
    sat_arena_reset(&index->arena);
    return err;
}

enum sat_err client_index_put(struct client_index *index, const struct sat_type *type, int64_t row, uint64_t at_ms,
                              struct sat_fault *fault)
{
    bool any = false;
    enum sat_err err =
        prepare(index, "INSERT INTO main." CLIENT_INDEX "(rowid, text) VALUES (?1, ?2)", &index->put, fault);
    if (!err)
        err = prepare(index, "INSERT INTO main." CLIENT_INDEX_ROWS " VALUES (?1, ?2, ?3)", &index->put_row, fault);
    if (!err) err = tell(index, index->put, type, row, &any, fault);
    if (err || !any) return err;
    (void)sqlite3_bind_int64(index->put_row, 1, row);
    (void)sqlite3_bind_int(index->put_row, 2, type->number);
    (void)sqlite3_bind_int64(index->put_row, 3, (int64_t)at_ms);
    return step(index, index->put_row, fault);
}

enum sat_err client_index_drop(struct client_index *index, const struct sat_type *type, int64_t row,
                               struct sat_fault *fault)
{
    bool any = false;
    enum sat_err err =
        prepare(index, "INSERT INTO main." CLIENT_INDEX "(" CLIENT_INDEX ", rowid, text) VALUES ('delete', ?1, ?2)",
                &index->drop, fault);
    if (!err) err = prepare(index, "DELETE FROM main." CLIENT_INDEX_ROWS " WHERE row = ?1", &index->drop_row, fault);
    if (!err) err = tell(index, index->drop, type, row, &any, fault);
    if (err || !any) return err;
    (void)sqlite3_bind_int64(index->drop_row, 1, row);
    return step(index, index->drop_row, fault);
}
