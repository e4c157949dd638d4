#define _GNU_SOURCE
#include "tests/bench/insert.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/measure.h"

enum { HEADER_BYTES = 9, BODY_BYTES_MAX = 1024, NOTE_BYTES = 160, ROUNDS = 3 };

static const char schema[] =
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 2000;"
    "CREATE TABLE change (cid INTEGER PRIMARY KEY, sid INTEGER NOT NULL, record BLOB NOT NULL, device INTEGER NOT NULL,"
    " counter INTEGER NOT NULL, state INTEGER NOT NULL, header BLOB NOT NULL, body BLOB NOT NULL, rest BLOB NOT NULL);"
    "CREATE INDEX change_record ON change (sid, record, state);"
    "CREATE TABLE visit (id TEXT PRIMARY KEY NOT NULL, territory TEXT, account TEXT, started_at TEXT, purpose TEXT, "
    "note TEXT,"
    " state TEXT) WITHOUT ROWID;";

struct rows {
    sqlite3 *db;
    sqlite3_stmt *change, *visit; /* visit: NULL without a view */
    uint32_t body_bytes;
    char note[NOTE_BYTES];
};

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) bench_require(false, why ? why : sql);
}

static void step(sqlite3_stmt *statement)
{
    bench_require(sqlite3_step(statement) == SQLITE_DONE, "inserting a row");
    (void)sqlite3_reset(statement);
}

/* Ids as they are: the time first, then noise. */
static void make_id(uint32_t i, uint8_t id[16])
{
    uint64_t noise = ((uint64_t)i + 1) * 0x9e3779b97f4a7c15u;
    for (unsigned k = 0; k < 8; k++) id[k] = (uint8_t)((uint64_t)(i / 8) >> (56 - 8 * k));
    memcpy(id + 8, &noise, 8);
}

static void insert_view_row(struct rows *rows, const uint8_t id[16])
{
    char text[37];
    (void)snprintf(text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
                   id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13],
                   id[14], id[15]);
    (void)sqlite3_bind_text(rows->visit, 1, text, 36, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 2, "North", 5, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 3, text, 36, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 4, "2026-01-01T09:00:00+08:00", 25, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 5, "order", 5, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 6, rows->note, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows->visit, 7, "done", 4, SQLITE_STATIC);
    step(rows->visit);
}

static void insert_row(struct rows *rows, uint32_t i)
{
    uint8_t id[16], body[BODY_BYTES_MAX], rest[32];
    make_id(i, id);
    memset(body, (int)i, sizeof body);
    memset(rest, (int)i, sizeof rest);
    (void)sqlite3_bind_int64(rows->change, 1, (sqlite3_int64)(i / 500) << 10 | i % 500);
    (void)sqlite3_bind_int64(rows->change, 2, 3);
    (void)sqlite3_bind_blob(rows->change, 3, id, sizeof id, SQLITE_STATIC);
    (void)sqlite3_bind_int64(rows->change, 4, 2);
    (void)sqlite3_bind_int64(rows->change, 5, i + 1);
    (void)sqlite3_bind_int64(rows->change, 6, 0);
    (void)sqlite3_bind_blob(rows->change, 7, body, HEADER_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_blob(rows->change, 8, body, (int)rows->body_bytes, SQLITE_STATIC);
    (void)sqlite3_bind_blob(rows->change, 9, rest, sizeof rest, SQLITE_STATIC);
    step(rows->change);
    if (rows->visit) insert_view_row(rows, id);
}

static void remove_files(const char *path)
{
    char other[64];
    (void)unlink(path);
    (void)snprintf(other, sizeof other, "%s-wal", path);
    (void)unlink(other);
    (void)snprintf(other, sizeof other, "%s-shm", path);
    (void)unlink(other);
}

static uint64_t insert_all(const char *path, uint32_t n, uint32_t at_once, uint32_t body_bytes, bool view)
{
    struct rows rows = {.body_bytes = body_bytes};
    remove_files(path);
    bench_require(sqlite3_open(path, &rows.db) == SQLITE_OK, "opening a database");
    run(rows.db, schema);
    bench_text(1, rows.note, sizeof rows.note);
    int code =
        sqlite3_prepare_v2(rows.db, "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &rows.change, NULL);
    if (code == SQLITE_OK && view)
        code = sqlite3_prepare_v2(rows.db, "INSERT INTO visit VALUES (?, ?, ?, ?, ?, ?, ?)", -1, &rows.visit, NULL);
    bench_require(code == SQLITE_OK, "preparing");
    uint64_t begin = bench_now_ns();
    for (uint32_t i = 0; i < n; i++) {
        if (i % at_once == 0) run(rows.db, "BEGIN IMMEDIATE");
        insert_row(&rows, i);
        if (i % at_once == at_once - 1 || i == n - 1) run(rows.db, "COMMIT");
    }
    uint64_t took = bench_now_ns() - begin;
    (void)sqlite3_finalize(rows.change);
    (void)sqlite3_finalize(rows.visit);
    (void)sqlite3_close(rows.db);
    remove_files(path);
    return took;
}

void bench_insert(const char *name, uint32_t rows, uint32_t at_once, uint32_t body_bytes, bool view)
{
    bench_require(body_bytes <= BODY_BYTES_MAX, "a shorter body");
    char path[40];
    (void)snprintf(path, sizeof path, "bench-%ld.db", (long)getpid());
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t took = insert_all(path, rows, at_once, body_bytes, view);
        if (took < best) best = took;
    }
    bench_print(name, rows, best);
}
