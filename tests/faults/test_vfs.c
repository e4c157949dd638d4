/* The file system that fails does what it says: else what is tried on it would show nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "tests/faults/vfs.h"

enum { ROWS = 40 };

static struct vfs *vfs;
static struct vfs_disk *disk;

static void begin(uint64_t seed)
{
    vfs = vfs_new(seed);
    disk = vfs_disk(vfs, "one/");
}

static void end(void)
{
    vfs_free(vfs);
}

static sqlite3 *open_database(bool synchronous)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2("one/file.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    (void)sqlite3_exec(db, synchronous ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    return db;
}

/* Each a transaction; how many were acknowledged. */
static int write_rows(sqlite3 *db, int n)
{
    int done = 0, code = sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x)", NULL, NULL, NULL);
    for (int i = 0; i < n && code == SQLITE_OK; i++) {
        code = sqlite3_exec(db, "INSERT INTO t (x) VALUES (zeroblob(3000))", NULL, NULL, NULL);
        if (code == SQLITE_OK) done++;
    }
    return done;
}

static int read_integer(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int value = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    return value;
}

static bool is_whole(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    bool whole = sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW &&
                 strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
    (void)sqlite3_finalize(statement);
    return whole;
}

static uint64_t count_operations(void)
{
    begin(1);
    vfs_plan(disk, (struct vfs_plan){.operations = VFS_CHANGING});
    sqlite3 *db = open_database(true);
    assert_int_equal(write_rows(db, ROWS), ROWS);
    uint64_t n = disk->counted;
    (void)sqlite3_close(db);
    end();
    return n;
}

/* How many of the crashes, one at each operation, lose a row that was acknowledged, or the whole file. */
static int count_losses(bool synchronous, uint64_t operations)
{
    int losses = 0;
    for (uint64_t at = 1; at <= operations; at++) {
        begin(at);
        vfs_plan(disk, (struct vfs_plan){VFS_CRASH, VFS_CHANGING, at, 1});
        sqlite3 *db = open_database(synchronous);
        int done = write_rows(db, ROWS);
        (void)sqlite3_close(db);
        vfs_restart(vfs, disk);
        db = open_database(synchronous);
        int there = read_integer(db, "SELECT count(*) FROM t");
        if ((done && there < done) || !is_whole(db)) losses++;
        (void)sqlite3_close(db);
        end();
    }
    return losses;
}

static void what_was_synced_outlives_a_crash_at_any_operation(void **state)
{
    (void)state;
    uint64_t n = count_operations();
    assert_true(n > ROWS);
    assert_int_equal(count_losses(true, n), 0);
}

static void what_was_not_synced_does_not(void **state)
{
    (void)state;
    assert_true(count_losses(false, count_operations() / 2) > 10);
}

static void unsynced_sectors_are_there_or_not_or_half(void **state)
{
    (void)state;
    enum { SECTORS = 64 };
    uint32_t kept = 0, lost = 0, torn = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        static uint8_t bytes[SECTORS * VFS_SECTOR_BYTES];
        begin(seed);
        memset(bytes, 1, sizeof bytes);
        vfs_place(vfs, "one/plain", bytes, sizeof bytes);
        sqlite3_vfs *face = sqlite3_vfs_find("faults");
        sqlite3_file *file = sqlite3_malloc(face->szOsFile);
        assert_int_equal(face->xOpen(face, "one/plain", file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MAIN_DB, NULL), 0);
        memset(bytes, 2, sizeof bytes);
        assert_int_equal(file->pMethods->xWrite(file, bytes, sizeof bytes, 0), SQLITE_OK);
        vfs_crash(disk);
        vfs_restart(vfs, disk);
        size_t len;
        const uint8_t *left = vfs_look(vfs, "one/plain", &len);
        assert_int_equal(len, sizeof bytes);
        for (size_t i = 0; i < SECTORS; i++) {
            const uint8_t *sector = left + i * VFS_SECTOR_BYTES;
            uint8_t first = sector[0], last = sector[VFS_SECTOR_BYTES - 1];
            kept += first == 2 && last == 2;
            lost += first == 1 && last == 1;
            torn += first != last;
        }
        sqlite3_free(file);
        end();
    }
    assert_true(kept > 500 && lost > 500 && torn > 100);
}

/* SQLite deletes a write-ahead log without syncing its directory; who then puts another file in the store's place, and
 * syncs, must not meet that log again. */
static void a_deletion_lasts_once_its_directory_was_synced(void **state)
{
    (void)state;
    uint32_t back = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        for (int sync = 0; sync < 2; sync++) {
            begin(seed);
            vfs_place(vfs, "one/file.db-wal", "old", 3);
            vfs_place(vfs, "one/file.db", "older", 5);
            sqlite3_vfs *face = sqlite3_vfs_find(NULL);
            assert_int_equal(face->xDelete(face, "one/file.db-wal", 0), SQLITE_OK);
            assert_int_equal(face->xDelete(face, "one/file.db", sync), SQLITE_OK);
            vfs_crash(disk);
            vfs_restart(vfs, disk);
            size_t len;
            const void *found = vfs_look(vfs, "one/file.db-wal", &len);
            assert_false(sync && found);
            back += found != NULL;
            end();
        }
    }
    assert_true(back > 5); /* where it was not synced */
}

static void a_plan_fails_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    begin(3);
    struct vfs_disk *other = vfs_disk(vfs, "two/");
    sqlite3 *db = open_database(true), *beside = NULL;
    assert_int_equal(sqlite3_open("two/file.db", &beside), SQLITE_OK);
    assert_int_equal(write_rows(db, 1), 1);
    vfs_plan(disk, (struct vfs_plan){VFS_FULL, 1u << VFS_WRITE, 1, UINT64_MAX});
    assert_int_equal(write_rows(db, 1), 0);
    assert_int_equal(sqlite3_errcode(db), SQLITE_FULL);
    assert_int_equal(write_rows(beside, 1), 1);
    assert_true(disk->fired > 0 && other->fired == 0);
    vfs_plan(disk, (struct vfs_plan){0});
    assert_int_equal(write_rows(db, 1), 1);
    assert_int_equal(read_integer(db, "SELECT count(*) FROM t"), 2);
    (void)sqlite3_close(db);
    (void)sqlite3_close(beside);
    end();
}

static void two_that_have_a_file_open_exclude_each_other(void **state)
{
    (void)state;
    begin(4);
    sqlite3 *one = open_database(true);
    assert_int_equal(write_rows(one, 1), 1);
    sqlite3 *two = open_database(true);
    assert_int_equal(sqlite3_exec(one, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(two, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    assert_int_equal(read_integer(two, "SELECT count(*) FROM t"), 1); /* reading goes on */
    assert_int_equal(sqlite3_exec(one, "INSERT INTO t (x) VALUES (1); COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(read_integer(two, "SELECT count(*) FROM t"), 2);
    (void)sqlite3_close(one);
    (void)sqlite3_close(two);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_synced_outlives_a_crash_at_any_operation),
        cmocka_unit_test(what_was_not_synced_does_not),
        cmocka_unit_test(unsynced_sectors_are_there_or_not_or_half),
        cmocka_unit_test(a_deletion_lasts_once_its_directory_was_synced),
        cmocka_unit_test(a_plan_fails_what_it_names_and_nothing_else),
        cmocka_unit_test(two_that_have_a_file_open_exclude_each_other),
    };
    return cmocka_run_group_tests_name("vfs", tests, NULL, NULL);
}
