/* A store on a disk that fails: a file system between SQLite and the real one refuses to write, to sync, to lock, or
 * has no shared memory. Whatever fails, and whenever, a transaction is there whole or not at all, its caller was told,
 * and the store goes on when the disk is well again. */
#define _GNU_SOURCE
#include "tests/unit/test_store.h"

#include <errno.h>
#include <sqlite3.h>
#include <unistd.h>

/* ---- The failing file system ---- */

struct disk {
    sqlite3_vfs *real;
    sqlite3_vfs face;               /* what SQLite sees */
    sqlite3_io_methods files;       /* likewise */
    uint64_t operations;            /* writes, truncations and syncs so far */
    uint64_t fail_from, fail_until; /* the operations that fail, until excluded; 0, 0: none */
    int code, system_error;         /* with what */
    uint64_t sleeps;
};

struct disk_file {
    sqlite3_file base;
    struct disk *disk;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct disk_file *)file)->real;
}

static int attempt(sqlite3_file *file)
{
    struct disk *disk = ((struct disk_file *)file)->disk;
    uint64_t number = ++disk->operations;
    return number >= disk->fail_from && number < disk->fail_until ? disk->code : SQLITE_OK;
}

static int disk_close(sqlite3_file *file)
{
    return real_of(file)->pMethods->xClose(real_of(file));
}
static int disk_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), out, len, at);
}
static int disk_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    int code = attempt(file);
    return code ? code : real_of(file)->pMethods->xWrite(real_of(file), bytes, len, at);
}
static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = attempt(file);
    return code ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}
static int disk_sync(sqlite3_file *file, int flags)
{
    int code = attempt(file);
    return code ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}
static int disk_size(sqlite3_file *file, sqlite3_int64 *out)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), out);
}
static int disk_lock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xLock(real_of(file), lock);
}
static int disk_unlock(sqlite3_file *file, int lock)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}
static int disk_reserved(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}
static int disk_control(sqlite3_file *file, int operation, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}
static int disk_sector(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}
static int disk_traits(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static int disk_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
static int disk_shm_lock(sqlite3_file *file, int at, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), at, n, flags);
}
static void disk_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    struct disk *disk = vfs->pAppData;
    struct disk_file *own = (struct disk_file *)file;
    own->disk = disk;
    own->real = (sqlite3_file *)(own + 1);
    int code = disk->real->xOpen(disk->real, name, own->real, flags, out_flags);
    file->pMethods = own->real->pMethods ? &disk->files : NULL;
    return code;
}
static int disk_last_error(sqlite3_vfs *vfs, int size, char *out)
{
    struct disk *disk = vfs->pAppData;
    if (disk->fail_until) return disk->system_error;
    return disk->real->xGetLastError(disk->real, size, out);
}
static int disk_sleep(sqlite3_vfs *vfs, int microseconds)
{
    ((struct disk *)vfs->pAppData)->sleeps++; /* and no test waits for it */
    return microseconds;
}

static void disk_mount(struct disk *disk)
{
    *disk = (struct disk){.real = sqlite3_vfs_find(NULL)};
    assert_non_null(disk->real);
    disk->files = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = disk_close,
        .xRead = disk_read,
        .xWrite = disk_write,
        .xTruncate = disk_truncate,
        .xSync = disk_sync,
        .xFileSize = disk_size,
        .xLock = disk_lock,
        .xUnlock = disk_unlock,
        .xFileControl = disk_control,
        .xCheckReservedLock = disk_reserved,
        .xSectorSize = disk_sector,
        .xShmMap = disk_shm_map,
        .xDeviceCharacteristics = disk_traits,
        .xShmLock = disk_shm_lock,
        .xShmBarrier = disk_shm_barrier,
        .xShmUnmap = disk_shm_unmap,
    };
    disk->face = *disk->real; /* what is not replaced works on paths and is the real one's */
    disk->face.szOsFile = (int)sizeof(struct disk_file) + disk->real->szOsFile;
    disk->face.pNext = NULL;
    disk->face.zName = "failing";
    disk->face.pAppData = disk;
    disk->face.xOpen = disk_open;
    disk->face.xGetLastError = disk_last_error;
    disk->face.xSleep = disk_sleep;
    assert_int_equal(sqlite3_vfs_register(&disk->face, 1), SQLITE_OK);
}

static void disk_unmount(struct disk *disk)
{
    assert_int_equal(sqlite3_vfs_unregister(&disk->face), SQLITE_OK);
    assert_int_equal(sqlite3_vfs_register(disk->real, 1), SQLITE_OK);
}

static void disk_heal(struct disk *disk)
{
    disk->fail_from = disk->fail_until = 0;
}

/* ---- A life on it ---- */

struct place {
    struct disk disk;
    char directory[64], path[96];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/satchel-faults-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    (void)snprintf(place->path, sizeof place->path, "%s/org.db", place->directory);
    disk_mount(&place->disk);
    *state = place;
    return 0;
}

static void remove_store(struct place *place)
{
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", place->path, suffixes[i]);
        (void)unlink(path);
    }
}

static int remove_place(void **state)
{
    struct place *place = *state;
    disk_unmount(&place->disk);
    remove_store(place);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

enum { CHANGES = 12, BOXES = 40 };

/* The boxes of some bundles lie between each other, so that the pages they are in are split. */
static struct sat_box box_of(uint64_t number, uint32_t i)
{
    struct sat_box box = {.space = space_of(1), .epoch = 1, .kind = SAT_BOX_DEVICE, .number = 8 * i + number};
    memset(box.bytes, (int)box.number, sizeof box.bytes);
    return box;
}

/* What else a commit may hold: key boxes, something put aside, a sighting. */
static enum sat_err write_beside(struct sat_store *store, uint64_t number)
{
    struct sat_box boxes[BOXES];
    struct sat_aside_row aside = {.id = {{(uint8_t)number}}, .device = 1, .bytes = sat_span_text("a bundle")};
    struct sat_sighting sighting = {.device = 1, .seen_ms = number};
    for (uint32_t i = 0; i < BOXES; i++) boxes[i] = box_of(number, i);
    enum sat_err err = sat_store_boxes_put(store, boxes, BOXES);
    if (err == SAT_OK) err = sat_store_aside_put(store, &aside);
    if (err == SAT_OK) err = sat_store_sighting_put(store, &sighting);
    return err;
}

/* One transaction: a bundle of changes and the number of the bundle, in two places of the file, and what else. */
static enum sat_err write_bundle(struct sat_store *store, uint64_t number, size_t body_bytes)
{
    static uint8_t body[SAT_BODY_BYTES_MAX];
    enum sat_err err = sat_store_begin(store);
    if (err != SAT_OK) return err;
    struct sat_bundle_row bundle = {
        .sid = 1, .device = 1, .first = number * CHANGES + 1, .count = CHANGES, .seq = number};
    err = sat_store_bundle_insert(store, &bundle);
    for (uint32_t i = 0; err == SAT_OK && i < CHANGES; i++) {
        struct sat_change_row row = {.cid = bundle.bid << 10 | i,
                                     .sid = 1,
                                     .record = {{(uint8_t)(i * 37), (uint8_t)number}},
                                     .dot = {1, bundle.first + i},
                                     .body = sat_span(body, body_bytes)};
        err = sat_store_change_insert(store, &row);
    }
    if (err == SAT_OK) err = write_beside(store, number);
    if (err == SAT_OK) err = sat_store_meta_put_u64(store, "bundles", number);
    if (err == SAT_OK) err = sat_store_commit(store);
    return err;
}

static void check_beside(struct sat_store *store, uint64_t bundles)
{
    struct sat_sighting sighting;
    uint64_t asides = 0;
    bool found;
    for (uint64_t number = 1; number <= bundles + 1; number++) {
        for (uint32_t i = 0; i < BOXES; i++) {
            struct sat_box box = box_of(number, i);
            OK(sat_store_box_get(store, &box, &found));
            assert_int_equal(found, number <= bundles);
        }
    }
    OK(sat_store_aside_count(store, &asides));
    assert_int_equal(asides, bundles);
    OK(sat_store_sighting_get(store, 1, &sighting, &found));
    assert_true(sighting.seen_ms == bundles && found == (bundles > 0));
}

static uint64_t count_bundles(struct sat_store *store)
{
    uint64_t bundles = 0, changes = 0;
    OK(sat_store_meta_get_u64(store, "bundles", 0, &bundles));
    OK(sat_store_count_state(store, SAT_CHANGE_LIVE, &changes));
    assert_int_equal(changes, bundles * CHANGES); /* whole or not at all */
    check_beside(store, bundles);
    return bundles;
}

/* Makes a store and writes bundles until the disk fails; gives what was acknowledged. */
static uint64_t write_until_it_fails(struct place *place, struct sat_store **store, uint64_t bundles, size_t body_bytes,
                                     enum sat_err *err)
{
    uint64_t done = 0;
    *err = sat_store_open(place->path, SAT_STORE_CREATE, store, NULL);
    while (*err == SAT_OK && done < bundles) {
        *err = write_bundle(*store, done + 1, body_bytes);
        if (*err == SAT_OK) done++;
    }
    return done;
}

struct trouble {
    int code, system_error;
    enum sat_err expected;
};

/* One run with the operations from `from` on failing, `count` of them. */
static void run_with_trouble(struct place *place, struct trouble trouble, uint64_t from, uint64_t count,
                             size_t body_bytes)
{
    struct disk *disk = &place->disk;
    struct sat_store *store;
    enum sat_err err;
    remove_store(place);
    disk->operations = 0;
    disk->code = trouble.code;
    disk->system_error = trouble.system_error;
    disk->fail_from = from;
    disk->fail_until = from + count;
    uint64_t done = write_until_it_fails(place, &store, 4, body_bytes, &err);
    if (err != SAT_OK && err != trouble.expected)
        fail_msg("operation %llu: %s", (unsigned long long)from, sat_err_name(err));
    if (err != SAT_OK && store) {
        assert_int_equal(sat_store_fault(store)->err, trouble.expected);
        assert_non_null(strstr(sat_store_fault(store)->text, place->path));
        if (sat_store_in_transaction(store)) assert_int_equal(sat_store_commit(store), trouble.expected);
        sat_store_rollback(store);
        assert_int_equal(count_bundles(store), done);
        disk_heal(disk);
        OK(write_bundle(store, ++done, body_bytes)); /* the same handle goes on */
    }
    sat_store_close(store);
    disk_heal(disk);
    if (store) {
        OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL));
        assert_int_equal(count_bundles(store), done);
        sat_store_close(store);
    } else { /* the creation failed: it can be repeated, or was complete but for what comes after the schema */
        err = sat_store_open(place->path, SAT_STORE_CREATE, &store, NULL);
        if (err == SAT_ERR_EXISTS) err = sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL);
        OK(err);
        sat_store_close(store);
    }
}

static uint64_t count_operations(struct place *place, size_t body_bytes)
{
    struct sat_store *store;
    enum sat_err err;
    remove_store(place);
    place->disk.operations = 0;
    assert_int_equal(write_until_it_fails(place, &store, 4, body_bytes, &err), 4);
    uint64_t operations = place->disk.operations;
    sat_store_close(store);
    return operations;
}

static const struct trouble full = {SQLITE_FULL, 0, SAT_ERR_DISK_FULL};
static const struct trouble no_space = {SQLITE_IOERR_WRITE, ENOSPC, SAT_ERR_DISK_FULL};
static const struct trouble broken = {SQLITE_IOERR_FSYNC, EIO, SAT_ERR_IO};

static void whichever_operation_fails_once_a_transaction_is_whole_or_not_there(void **state)
{
    struct place *place = *state;
    uint64_t n = count_operations(place, 300);
    for (uint64_t from = 1; from <= n; from++) {
        run_with_trouble(place, full, from, 1, 300);
        run_with_trouble(place, broken, from, 1, 300);
    }
}

static void a_disk_that_stays_full_or_broken_is_reported_and_loses_nothing(void **state)
{
    struct place *place = *state;
    uint64_t n = count_operations(place, 300);
    for (uint64_t from = 1; from <= n; from++) {
        run_with_trouble(place, full, from, 1000000, 300);
        run_with_trouble(place, broken, from, 1000000, 300);
    }
    run_with_trouble(place, no_space, 1, 1000000, 300); /* said by the system, where SQLite only says "I/O error" */
}

/* Larger than SQLite's cache, so that pages are written, and fail to be, before the commit. */
static void a_disk_that_fills_in_the_middle_of_a_large_transaction_loses_nothing(void **state)
{
    struct place *place = *state;
    size_t body_bytes = SAT_BODY_BYTES_MAX;
    uint64_t n = count_operations(place, body_bytes);
    for (uint64_t from = 1; from <= n; from += n / 40 + 1) {
        run_with_trouble(place, full, from, 1, body_bytes);
        run_with_trouble(place, full, from, 1000000, body_bytes);
    }
}

/* ---- A space is left ---- */

static enum sat_err leave(struct sat_store *store)
{
    enum sat_err err = sat_store_begin(store);
    if (err == SAT_OK) err = sat_store_space_purge(store, 1);
    if (err == SAT_OK) err = sat_store_commit(store);
    return err;
}

/* All of it is there, or nothing: changes, keys, and the length of the log. */
static bool is_left(struct sat_store *store, struct sat_arena *arena)
{
    struct sat_space_id id = space_of(1);
    static struct sat_space_row row;
    struct sat_span key;
    uint64_t live = 0;
    bool key_found, found;
    OK(sat_store_space_find(store, &id, &row, &found));
    OK(sat_store_key_get(store, &id, 1, arena, &key, &key_found));
    OK(sat_store_count_state(store, SAT_CHANGE_LIVE, &live));
    assert_true(found);
    assert_int_equal(key_found, row.log.size == 1);
    assert_int_equal(live, row.log.size == 1 ? 3 * CHANGES : 0);
    return row.log.size == 0;
}

static void make_space_to_leave(struct place *place, struct sat_store **store)
{
    static struct sat_space_row row;
    struct sat_space_id id = space_of(1);
    remove_store(place);
    OK(sat_store_open(place->path, SAT_STORE_CREATE, store, NULL));
    int64_t sid = make_space(*store, 1);
    assert_int_equal(sid, 1);
    for (uint64_t i = 1; i <= 3; i++) OK(write_bundle(*store, i, 3000));
    OK(sat_store_key_put(*store, &id, 1, sat_span_text("key")));
    OK(sat_store_space_get(*store, sid, &row));
    sat_frontier_append(&row.log, &(struct sat_hash){{1}});
    OK(sat_store_space_save(*store, &row));
}

static void whichever_operation_fails_a_space_is_left_whole_or_not_at_all(void **state)
{
    struct place *place = *state;
    struct disk *disk = &place->disk;
    struct sat_store *store;
    struct sat_arena arena;
    sat_arena_init(&arena);
    make_space_to_leave(place, &store);
    disk->operations = 0;
    OK(leave(store));
    uint64_t n = disk->operations;
    assert_true(n > 0 && is_left(store, &arena));
    sat_store_close(store);
    for (uint64_t at = 1; at <= n; at++) {
        make_space_to_leave(place, &store);
        disk->operations = 0;
        disk->code = SQLITE_FULL;
        disk->fail_from = at;
        disk->fail_until = at + 1;
        assert_int_equal(leave(store), SAT_ERR_DISK_FULL);
        sat_store_rollback(store);
        disk_heal(disk);
        assert_false(is_left(store, &arena));
        sat_store_close(store);
        OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL));
        assert_false(is_left(store, &arena));
        OK(leave(store));
        assert_true(is_left(store, &arena));
        sat_store_close(store);
    }
    sat_arena_deinit(&arena);
}

/* ---- A migration ---- */

static void run_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* A store of version 1 with 300 boxes. */
static void make_old_store(struct place *place)
{
    static char sql[256 * 1024];
    FILE *file = fopen("tests/db/v1.sql", "rb");
    if (!file) fail_msg("tests/db/v1.sql cannot be read: run the tests from the root");
    assert_in_range(fread(sql, 1, sizeof sql - 1, file), 1, sizeof sql - 2);
    assert_int_equal(fclose(file), 0);
    remove_store(place);
    run_raw(place->path, sql);
    run_raw(place->path,
            "DELETE FROM box; WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
            " INSERT INTO box SELECT x'5a000000000000000000000000000001', 1, 1, i, zeroblob(80) FROM n");
}

static void whichever_operation_fails_a_migration_is_whole_or_not_there(void **state)
{
    struct place *place = *state;
    struct disk *disk = &place->disk;
    struct sat_store *store;
    make_old_store(place);
    disk->operations = 0;
    OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL));
    uint64_t n = disk->operations;
    sat_store_close(store);
    for (uint64_t at = 1; at <= n; at++) {
        struct sat_fault fault = {0};
        make_old_store(place);
        disk->operations = 0;
        disk->code = SQLITE_FULL;
        disk->fail_from = at;
        disk->fail_until = at + 1;
        enum sat_err err = sat_store_open(place->path, SAT_STORE_OPEN, &store, &fault);
        disk_heal(disk);
        assert_true(err == SAT_OK || (err == SAT_ERR_DISK_FULL && !store && strstr(fault.text, place->path)));
        sat_store_close(store);
        OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL)); /* from the start, or it is done */
        for (uint32_t i = 1; i <= 301; i++) {
            struct sat_box box = {.space = {{0x5a, [15] = 1}}, .epoch = 1, .kind = SAT_BOX_DEVICE, .number = i};
            bool found;
            OK(sat_store_box_get(store, &box, &found));
            assert_int_equal(found, i <= 300);
        }
        sat_store_close(store);
    }
}

static void a_store_that_another_process_writes_is_in_use_after_some_patience(void **state)
{
    struct place *place = *state;
    struct sat_store *one, *two;
    OK(sat_store_open(place->path, SAT_STORE_CREATE, &one, NULL));
    OK(sat_store_open(place->path, SAT_STORE_OPEN, &two, NULL));
    OK(sat_store_begin(one));
    place->disk.sleeps = 0;
    assert_int_equal(sat_store_begin(two), SAT_ERR_IN_USE);
    assert_true(place->disk.sleeps > 10);
    assert_non_null(strstr(sat_store_fault(two)->text, place->path));
    assert_false(sat_store_in_transaction(two));
    OK(sat_store_commit(one));
    OK(sat_store_begin(two));
    OK(sat_store_commit(two));
    sat_store_close(one);
    sat_store_close(two);
}

static void without_shared_memory_one_store_has_the_file_for_itself(void **state)
{
    struct place *place = *state;
    place->disk.files.iVersion = 1; /* as a browser's file system: no shared memory, hence no second connection */
    struct sat_store *store, *other;
    enum sat_err err;
    for (int round = 0; round < 2; round++) {
        if (round == 0) {
            assert_int_equal(write_until_it_fails(place, &store, 3, 300, &err), 3);
        } else {
            OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL));
        }
        assert_int_equal(count_bundles(store), 3);
        assert_int_equal(sat_store_open(place->path, SAT_STORE_OPEN, &other, NULL), SAT_ERR_IN_USE);
        sat_store_close(store);
    }
    place->disk.files.iVersion = 2; /* and the file is the same one everywhere */
    OK(sat_store_open(place->path, SAT_STORE_OPEN, &store, NULL));
    assert_int_equal(count_bundles(store), 3);
    sat_store_close(store);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(whichever_operation_fails_once_a_transaction_is_whole_or_not_there),
        WITH_PLACE(a_disk_that_stays_full_or_broken_is_reported_and_loses_nothing),
        WITH_PLACE(a_disk_that_fills_in_the_middle_of_a_large_transaction_loses_nothing),
        WITH_PLACE(whichever_operation_fails_a_space_is_left_whole_or_not_at_all),
        WITH_PLACE(whichever_operation_fails_a_migration_is_whole_or_not_there),
        WITH_PLACE(a_store_that_another_process_writes_is_in_use_after_some_patience),
        WITH_PLACE(without_shared_memory_one_store_has_the_file_for_itself),
    };
    return cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
}
