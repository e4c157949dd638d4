/* Opening: whose file it is, how SQLite is set up, and which schema it has. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/sqlite.h"

struct migration {
    uint32_t version;
    const char *sql;
    enum sat_err (*then)(struct sat_store *store); /* what SQL cannot say; NULL: nothing */
};

static const struct migration migrations[] = {
#define X(version, sql, then) {version, sql, then},
#include "common/store/migrations.def"
#undef X
};

enum { APPLICATION_ID = 0x53746368 }; /* "Stch": tells a store from any other SQLite database */
enum { MIGRATIONS_N = sizeof migrations / sizeof migrations[0] };

static uint32_t schema_newest(void)
{
    return migrations[MIGRATIONS_N - 1].version;
}

static enum sat_err run_sql(struct sat_store *store, const char *sql)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? SAT_OK : sat_sqlite_fail(store, sqlite3_extended_errcode(store->db), "opening");
}

static enum sat_err read_integer(struct sat_store *store, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    *out = 0;
    int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
    enum sat_err err = SAT_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = sat_sqlite_fail(store, sqlite3_extended_errcode(store->db), "opening");
    (void)sqlite3_finalize(statement);
    return err;
}

/* What an SQLite file says of itself. */
struct identity {
    int64_t application, version, objects;
};

static enum sat_err identify(struct sat_store *store, struct identity *out)
{
    enum sat_err err = read_integer(store, "PRAGMA application_id", &out->application);
    if (err == SAT_OK) err = read_integer(store, "PRAGMA user_version", &out->version);
    if (err == SAT_OK) err = read_integer(store, "SELECT count(*) FROM sqlite_schema", &out->objects);
    return err;
}

/* Nothing is in it: it is new, or whoever made it was interrupted before the first migration was committed. */
static bool is_blank(const struct identity *identity)
{
    return identity->application == 0 && identity->version == 0 && identity->objects == 0;
}

static enum sat_err judge(struct sat_store *store, enum sat_store_mode mode, const struct identity *identity)
{
    uint32_t newest = schema_newest();
    if (mode == SAT_STORE_CREATE) {
        if (is_blank(identity)) return SAT_OK;
        return sat_fail(&store->fault, SAT_ERR_EXISTS, "%s exists already", store->path);
    }
    if (is_blank(identity))
        return sat_fail(&store->fault, SAT_ERR_NOT_FOUND, "there is no store in %s yet", store->path);
    if (identity->application != APPLICATION_ID || identity->version < 1)
        return sat_fail(&store->fault, SAT_ERR_CORRUPT, "%s is not a store of Satchel", store->path);
    if (identity->version > newest)
        return sat_fail(&store->fault, SAT_ERR_NEWER_STORE,
                        "%s has schema version %" PRId64 ", this version of Satchel knows %" PRIu32 ": use a newer one",
                        store->path, identity->version, newest);
    if (mode == SAT_STORE_READ_ONLY && identity->version < newest)
        return sat_fail(&store->fault, SAT_ERR_CONFIG,
                        "%s has schema version %" PRId64 " and needs an upgrade to %" PRIu32
                        ": open it for writing once",
                        store->path, identity->version, newest);
    return SAT_OK;
}

/* One migration in one transaction; another process may have been first, so the version is read again inside. */
static enum sat_err migrate_to(struct sat_store *store, const struct migration *migration)
{
    int64_t version = 0;
    enum sat_err err = run_sql(store, "BEGIN IMMEDIATE");
    if (err != SAT_OK) return err;
    err = read_integer(store, "PRAGMA user_version", &version);
    if (err == SAT_OK && version > 0 && store->schema_version == 0)
        err = sat_fail(&store->fault, SAT_ERR_EXISTS, "%s exists already: another process just made it", store->path);
    if (err == SAT_OK && version < migration->version) {
        char set_version[80];
        (void)sqlite3_snprintf(sizeof set_version, set_version, "PRAGMA application_id = %d; PRAGMA user_version = %u",
                               (int)APPLICATION_ID, migration->version);
        err = run_sql(store, migration->sql);
        if (err == SAT_OK && migration->then) err = migration->then(store);
        if (err == SAT_OK) err = run_sql(store, set_version);
    }
    if (err == SAT_OK) err = run_sql(store, "COMMIT");
    if (err != SAT_OK && !sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}

static enum sat_err migrate(struct sat_store *store)
{
    for (size_t i = 0; i < MIGRATIONS_N; i++) {
        if (migrations[i].version <= store->schema_version) continue;
        enum sat_err err = migrate_to(store, &migrations[i]);
        if (err != SAT_OK) return err;
        store->schema_version = migrations[i].version;
    }
    return SAT_OK;
}

/* A platform without shared memory (a browser's) can have a write-ahead log if one connection has the file for itself,
 * and must say so before it reads anything. */
static bool has_shared_memory(struct sat_store *store)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (!file || !file->pMethods) return true; /* in memory: it does not matter */
    return file->pMethods->iVersion >= 2 && file->pMethods->xShmMap;
}

static enum sat_err use_wal(struct sat_store *store)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    enum sat_err err = SAT_OK;
    if (code != SQLITE_ROW) {
        err = sat_sqlite_fail(store, sqlite3_extended_errcode(store->db), "opening");
    } else {
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        if (!mode || (strcmp(mode, "wal") != 0 && strcmp(mode, "memory") != 0)) /* "memory" for a store in memory */
            err = sat_fail(&store->fault, SAT_ERR_IO, "%s: no write-ahead log can be kept here", store->path);
    }
    (void)sqlite3_finalize(statement);
    return err;
}

static const char settings[] = "PRAGMA page_size = 8192; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
                               "PRAGMA wal_autocheckpoint = 2000; PRAGMA trusted_schema = OFF;"
                               "PRAGMA secure_delete = FAST";

static enum sat_err set_up(struct sat_store *store, enum sat_store_mode mode)
{
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, SAT_STORE_BUSY_MS);
    enum sat_err err = has_shared_memory(store) ? SAT_OK : run_sql(store, "PRAGMA locking_mode = EXCLUSIVE");
    if (err == SAT_OK) err = run_sql(store, settings);
    struct identity identity = {0};
    if (err == SAT_OK) err = identify(store, &identity);
    if (err == SAT_ERR_CORRUPT && mode == SAT_STORE_CREATE)
        return sat_fail(&store->fault, SAT_ERR_EXISTS, "%s exists already, and is no store", store->path);
    if (err == SAT_OK) err = judge(store, mode, &identity);
    if (err != SAT_OK) return err;
    store->schema_version = (uint32_t)identity.version;
    if (mode == SAT_STORE_READ_ONLY) return SAT_OK;
    /* SQLite falls back to reading when it may not write; better to say so now than at the first write. */
    if (sqlite3_db_readonly(store->db, "main") == 1)
        return sat_fail(&store->fault, SAT_ERR_READ_ONLY, "%s cannot be written", store->path);
    err = use_wal(store);
    if (err == SAT_OK) err = sat_sqlite_write_log_again(store);
    if (err == SAT_OK) err = migrate(store);
    return err;
}

static enum sat_err connect_to(struct sat_store *store, enum sat_store_mode mode)
{
    int flags = SQLITE_OPEN_NOMUTEX; /* a store is used by one thread at a time */
    switch (mode) {
    case SAT_STORE_CREATE:
        flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
        break;
    case SAT_STORE_OPEN:
        flags |= SQLITE_OPEN_READWRITE;
        break;
    case SAT_STORE_READ_ONLY:
        flags |= SQLITE_OPEN_READONLY;
        break;
    }
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (code == SQLITE_OK) return SAT_OK;
    enum sat_err err = sat_sqlite_fail(store, code, "opening");
    if (err != SAT_ERR_READ_ONLY) return err;
    /* SQLite tries again for reading when it may not create, so that the system's error says "no such file". */
    if (mode == SAT_STORE_CREATE)
        return sat_fail(&store->fault, err, "%s cannot be made: its directory is missing or cannot be written",
                        store->path);
    if (sqlite3_system_errno(store->db) == ENOENT)
        return sat_fail(&store->fault, SAT_ERR_NOT_FOUND, "there is no store at %s", store->path);
    return err;
}

enum sat_err sat_store_open(const char *path, enum sat_store_mode mode, struct sat_store **out, struct sat_fault *fault)
{
    *out = NULL;
    struct sat_store *store = calloc(1, sizeof *store);
    size_t size = strlen(path) + 1;
    char *copy = malloc(size);
    if (!store || !copy) {
        free(store);
        free(copy);
        return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    }
    memcpy(copy, path, size);
    store->path = copy;
    enum sat_err err = connect_to(store, mode);
    if (err == SAT_OK) err = set_up(store, mode);
    if (err == SAT_OK) {
        *out = store;
        return SAT_OK;
    }
    if (fault) *fault = store->fault;
    sat_store_close(store);
    return err;
}

void sat_store_keep_in_memory(struct sat_store *store, uint32_t kib)
{
    char sql[64];
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA cache_size = -%u", kib);
    (void)sqlite3_exec(store->db, sql, NULL, NULL, NULL);
}

void sat_store_close(struct sat_store *store)
{
    if (!store) return;
    sat_store_rollback(store);
    for (size_t i = 0; i < SAT_SQL_COUNT; i++) (void)sqlite3_finalize(store->statements[i]);
    (void)sqlite3_close(store->db);
    free(store->path);
    free(store);
}

const struct sat_fault *sat_store_fault(const struct sat_store *store)
{
    return &store->fault;
}

uint32_t sat_store_schema_version(const struct sat_store *store)
{
    return store->schema_version;
}
