/* What an interrupted process left in the write-ahead log is written once more before anything is built on it.
 *
 * After a sync that failed a system may take what it could not write for written: it can still be read, is on no disk,
 * and later syncs succeed. The process that met the failure never counts on it, as SQLite lays its next transaction
 * over it. But one that begins anew finds a whole transaction in the log, goes on behind it, and says so: what it then
 * acknowledges would end at the gap when the power fails. So the log is written as it can be read, and synced. */
#include <stdlib.h>

#include "common/store/sqlite.h"

enum { PIECE = 1 << 16 }; /* the largest page: of longer writes SQLite on Unix does only a part */

static int write_again(sqlite3_file *file, void *piece)
{
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size; at += PIECE) {
        int len = size - at < PIECE ? (int)(size - at) : PIECE;
        code = file->pMethods->xRead(file, piece, len, at);
        if (code == SQLITE_OK) code = file->pMethods->xWrite(file, piece, len, at);
    }
    return code == SQLITE_OK && size ? file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) : code;
}

static sqlite3_file *log_of(struct sat_store *store)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    return file && file->pMethods ? file : NULL; /* NULL: in memory */
}

enum sat_err sat_sqlite_write_log_again(struct sat_store *store)
{
    sqlite3_int64 size = 0;
    sqlite3_file *file = log_of(store);
    if (!file) return SAT_OK;
    int code = file->pMethods->xFileSize(file, &size);
    if (code != SQLITE_OK) return sat_sqlite_fail(store, code, "opening");
    if (!size) return SAT_OK; /* whoever had it last closed it */
    /* Nobody else adds to the log meanwhile. Who does so now has done this when it opened the store. */
    (void)sqlite3_busy_timeout(store->db, 0);
    code = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    (void)sqlite3_busy_timeout(store->db, SAT_STORE_BUSY_MS);
    if ((code & 0xff) == SQLITE_BUSY) return SAT_OK;
    if (code == SQLITE_OK) {
        void *piece = malloc(PIECE);
        code = piece ? write_again(file, piece) : SQLITE_NOMEM;
        free(piece);
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return code == SQLITE_OK ? SAT_OK : sat_sqlite_fail(store, code, "writing the log again");
}
