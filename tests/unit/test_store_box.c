/* Key boxes in pages: every box is found, wherever it came between, and many cost little more than their bytes. */
#define _GNU_SOURCE
#include "tests/unit/test_store.h"

#include <sqlite3.h>
#include <unistd.h>

/* A box whose bytes tell its name and who made it. */
static struct sat_box box_of(uint8_t space, uint32_t epoch, uint8_t kind, uint64_t number, uint8_t maker)
{
    struct sat_box box = {.space = space_of(space), .epoch = epoch, .kind = kind, .number = number};
    for (size_t i = 0; i < sizeof box.bytes; i++)
        box.bytes[i] = (uint8_t)(number >> (8 * (i % 8)) ^ (space * 31 + epoch * 7 + kind + maker * 101 + i));
    return box;
}

static void put(struct bench *bench, struct sat_box box)
{
    OK(sat_store_boxes_put(bench->store, &box, 1));
}

static bool is_there(struct bench *bench, struct sat_box expected)
{
    struct sat_box box = expected;
    bool found = false;
    memset(box.bytes, 0, sizeof box.bytes);
    OK(sat_store_box_get(bench->store, &box, &found));
    if (found) assert_memory_equal(box.bytes, expected.bytes, sizeof box.bytes);
    return found;
}

static void a_box_is_found_by_its_name_and_the_first_one_stays(void **state)
{
    struct bench *bench = *state;
    struct sat_box box = box_of(1, 2, SAT_BOX_DEVICE, 3, 0);
    OK(sat_store_boxes_put(bench->store, NULL, 0));
    assert_false(is_there(bench, box));
    put(bench, box);
    put(bench, box_of(1, 2, SAT_BOX_DEVICE, 3, 1));
    assert_true(is_there(bench, box));

    struct sat_box others[5] = {box, box, box, box, box};
    others[0].space = space_of(2);
    others[1].epoch = 1;
    others[2].kind = SAT_BOX_INVITE;
    others[3].number = 4;
    others[4].number = UINT64_MAX;
    for (size_t i = 0; i < 5; i++) assert_false(is_there(bench, others[i]));
}

static void boxes_of_many_places_come_in_any_order(void **state)
{
    struct bench *bench = *state;
    struct sat_box boxes[5 * 3 * 3 * 7];
    uint32_t n = 0;
    for (uint32_t i = 0; i < 5 * 3 * 3 * 7; i++) { /* 13 is a step through all of them */
        uint32_t at = i * 13 % (5 * 3 * 3 * 7);
        boxes[n++] = box_of((uint8_t)(1 + at % 5), 1 + at / 5 % 3, (uint8_t)(1 + at / 15 % 3), 1 + at / 45 * 1000, 0);
    }
    OK(sat_store_boxes_put(bench->store, boxes, n));
    for (uint32_t i = 0; i < n; i++) assert_true(is_there(bench, boxes[i]));
}

/* 3,000 numbers in an order of its own: forwards, backwards, or all over the place, some at a time. */
static uint64_t number_in_order(unsigned order, uint32_t i)
{
    const uint32_t n = 3000;
    uint32_t at = order == 0 ? i : order == 1 ? n - 1 - i : (uint32_t)((uint64_t)i * 1237 % n);
    return 1 + (uint64_t)at * 3;
}

static void boxes_that_come_between_others_are_found_like_all(void **state)
{
    struct bench *bench = *state;
    const uint32_t n = 3000, at_once[] = {1, 7, 500};
    for (unsigned order = 0; order < 3; order++) {
        for (unsigned way = 0; way < 3; way++) {
            uint32_t epoch = 1 + order * 3 + way;
            static struct sat_box some[500];
            OK(sat_store_begin(bench->store));
            for (uint32_t done = 0; done < n;) {
                uint32_t take = 0;
                for (; take < at_once[way] && done < n; take++)
                    some[take] = box_of(1, epoch, SAT_BOX_DEVICE, number_in_order(order, done++), 0);
                OK(sat_store_boxes_put(bench->store, some, take));
            }
            OK(sat_store_commit(bench->store));
            for (uint64_t number = 0; number <= 3 * n + 3; number++)
                assert_int_equal(is_there(bench, box_of(1, epoch, SAT_BOX_DEVICE, number, 0)),
                                 number % 3 == 1 && number <= 3 * n);
        }
    }
}

static void numbers_far_apart_are_kept_up_to_the_largest(void **state)
{
    struct bench *bench = *state;
    const uint64_t numbers[] = {1, (uint64_t)1 << 32, ((uint64_t)1 << 32) + 1, SAT_COUNTER_MAX - 1, SAT_COUNTER_MAX};
    struct sat_box boxes[5];
    for (size_t i = 0; i < 5; i++) boxes[i] = box_of(1, 1, SAT_BOX_INVITE, numbers[i], 0);
    OK(sat_store_boxes_put(bench->store, boxes, 5));
    put(bench, box_of(1, 1, SAT_BOX_INVITE, (uint64_t)1 << 40, 0));
    for (size_t i = 0; i < 5; i++) assert_true(is_there(bench, box_of(1, 1, SAT_BOX_INVITE, numbers[i], 0)));
    assert_true(is_there(bench, box_of(1, 1, SAT_BOX_INVITE, (uint64_t)1 << 40, 0)));
    assert_false(is_there(bench, box_of(1, 1, SAT_BOX_INVITE, ((uint64_t)1 << 40) + 1, 0)));
    assert_false(is_there(bench, box_of(1, 1, SAT_BOX_INVITE, ((uint64_t)1 << 33) + 1, 0)));

    struct sat_box beyond = box_of(1, 1, SAT_BOX_INVITE, UINT64_MAX, 0);
    assert_int_equal(sat_store_boxes_put(bench->store, &beyond, 1), SAT_ERR_INVALID);
    assert_false(sat_store_in_transaction(bench->store));
}

static void boxes_are_put_whole_or_not_at_all(void **state)
{
    struct bench *bench = *state;
    struct sat_box boxes[200];
    for (uint32_t i = 0; i < 200; i++) boxes[i] = box_of(1, 1, SAT_BOX_DEVICE, 1 + i, 0);
    boxes[199].number = UINT64_MAX; /* the last one cannot be kept */
    assert_int_equal(sat_store_boxes_put(bench->store, boxes, 200), SAT_ERR_INVALID);
    for (uint32_t i = 0; i < 199; i++) assert_false(is_there(bench, boxes[i]));

    OK(sat_store_begin(bench->store));
    OK(sat_store_boxes_put(bench->store, boxes, 199));
    assert_true(is_there(bench, boxes[0]));
    sat_store_rollback(bench->store);
    assert_false(is_there(bench, boxes[0]));
}

/* ---- What they cost ---- */

struct file {
    char directory[64], path[96];
};

static int make_file(void **state)
{
    struct file *file = calloc(1, sizeof *file);
    assert_non_null(file);
    (void)snprintf(file->directory, sizeof file->directory, "/tmp/satchel-boxes-XXXXXX");
    assert_non_null(mkdtemp(file->directory));
    (void)snprintf(file->path, sizeof file->path, "%s/org.db", file->directory);
    *state = file;
    return 0;
}

static int remove_file(void **state)
{
    struct file *file = *state;
    assert_int_equal(unlink(file->path), 0);
    assert_int_equal(rmdir(file->directory), 0);
    free(file);
    return 0;
}

static int64_t ask_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

static void run_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

enum { DEVICES = 5000 };

static int64_t used_pages(const char *path)
{
    return ask_raw(path, "SELECT (SELECT * FROM pragma_page_count) - (SELECT * FROM pragma_freelist_count)");
}

static void an_epoch_of_5000_boxes_takes_at_most_100_bytes_for_each(void **state)
{
    struct file *file = *state;
    struct sat_store *store;
    static struct sat_box boxes[DEVICES];
    OK(sat_store_open(file->path, SAT_STORE_CREATE, &store, NULL));
    sat_store_close(store);
    int64_t before = used_pages(file->path);
    for (unsigned way = 0; way < 2; way++) { /* all by one link; one by one, as devices join */
        OK(sat_store_open(file->path, SAT_STORE_OPEN, &store, NULL));
        OK(sat_store_begin(store));
        for (uint32_t i = 0; i < DEVICES; i++) boxes[i] = box_of(1, 1 + way, SAT_BOX_DEVICE, 100 + i, 0);
        if (way == 0) OK(sat_store_boxes_put(store, boxes, DEVICES));
        for (uint32_t i = 0; way == 1 && i < DEVICES; i++) OK(sat_store_boxes_put(store, &boxes[i], 1));
        OK(sat_store_commit(store));
        sat_store_close(store);
        int64_t after = used_pages(file->path);
        double each = (double)(after - before) * 8192 / DEVICES;
        print_message("%s: %.1f bytes a box\n", way == 0 ? "at once" : "one by one", each);
        assert_true(each <= 100);
        before = after;
    }
}

/* ---- Damage and migration ---- */

static void a_damaged_page_is_said_to_be_so(void **state)
{
    struct file *file = *state;
    struct sat_store *store;
    const char *const damages[] = {
        "UPDATE box_page SET boxes = x''",
        "UPDATE box_page SET boxes = substr(boxes, 1, 83)",
        "UPDATE box_page SET boxes = zeroblob(84 * 97)",
        "UPDATE box_page SET boxes = x'01000000' || substr(boxes, 5)", /* does not begin with its first */
        "UPDATE box_page SET boxes = zeroblob(168)",                   /* twice the same number */
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct sat_box box = box_of(1, 1, SAT_BOX_DEVICE, 7, 0);
        bool found;
        OK(sat_store_open(file->path, i ? SAT_STORE_OPEN : SAT_STORE_CREATE, &store, NULL));
        OK(sat_store_boxes_put(store, &box, 1));
        sat_store_close(store);
        run_raw(file->path, damages[i]);
        OK(sat_store_open(file->path, SAT_STORE_OPEN, &store, NULL));
        assert_int_equal(sat_store_box_get(store, &box, &found), SAT_ERR_CORRUPT);
        assert_false(found);
        assert_non_null(strstr(sat_store_fault(store)->text, "page of key boxes"));
        assert_int_equal(sat_store_boxes_put(store, &box, 1), SAT_ERR_CORRUPT);
        sat_store_close(store);
        run_raw(file->path, "DELETE FROM box_page");
    }
}

static void run_file(const char *path, const char *sql_path)
{
    static char sql[256 * 1024];
    FILE *file = fopen(sql_path, "rb");
    if (!file) fail_msg("%s cannot be read: run the tests from the root", sql_path);
    memset(sql, 0, sizeof sql);
    assert_in_range(fread(sql, 1, sizeof sql - 1, file), 1, sizeof sql - 2);
    assert_int_equal(fclose(file), 0);
    run_raw(path, sql);
}

/* More rows than are gathered at once, of several places. */
static void every_box_of_version_1_is_found_after_the_migration(void **state)
{
    struct file *file = *state;
    struct sat_store *store;
    enum { ROWS = 9000 };
    run_file(file->path, "tests/db/v1.sql");
    sqlite3 *db = NULL;
    sqlite3_stmt *insert = NULL;
    assert_int_equal(sqlite3_open(file->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; DELETE FROM box", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO box VALUES (?1, ?2, ?3, ?4, ?5)", -1, &insert, NULL),
                     SQLITE_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct sat_box box = box_of((uint8_t)(1 + i % 3), 1 + i % 2, (uint8_t)(1 + i % 5 / 2), 1 + i * 7, 0);
        (void)sqlite3_bind_blob(insert, 1, box.space.b, sizeof box.space.b, SQLITE_STATIC);
        (void)sqlite3_bind_int64(insert, 2, box.epoch);
        (void)sqlite3_bind_int64(insert, 3, box.kind);
        (void)sqlite3_bind_int64(insert, 4, (int64_t)box.number);
        (void)sqlite3_bind_blob(insert, 5, box.bytes, sizeof box.bytes, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
        (void)sqlite3_reset(insert);
    }
    (void)sqlite3_finalize(insert);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);

    OK(sat_store_open(file->path, SAT_STORE_OPEN, &store, NULL));
    struct bench bench = {.store = store};
    for (uint32_t i = 0; i < ROWS; i++)
        assert_true(is_there(&bench, box_of((uint8_t)(1 + i % 3), 1 + i % 2, (uint8_t)(1 + i % 5 / 2), 1 + i * 7, 0)));
    sat_store_close(store);
    assert_int_equal(ask_raw(file->path, "SELECT sum(length(boxes)) / 84 FROM box_page"), ROWS);
    assert_int_equal(ask_raw(file->path, "SELECT count(*) FROM sqlite_schema WHERE name = 'box'"), 0);
    assert_true(ask_raw(file->path, "SELECT count(*) FROM box_page") <= ROWS / 96 + 18);
}

static void a_damaged_box_of_version_1_stops_the_migration_and_changes_nothing(void **state)
{
    struct file *file = *state;
    struct sat_store *store;
    struct sat_fault fault = {0};
    run_file(file->path, "tests/db/v1.sql");
    run_raw(file->path, "UPDATE box SET bytes = x'00' WHERE kind = 3");
    assert_int_equal(sat_store_open(file->path, SAT_STORE_OPEN, &store, &fault), SAT_ERR_CORRUPT);
    assert_non_null(strstr(fault.text, file->path));
    assert_int_equal(ask_raw(file->path, "PRAGMA user_version"), 1);
    assert_int_equal(ask_raw(file->path, "SELECT count(*) FROM box"), 2);
    assert_int_equal(ask_raw(file->path, "SELECT count(*) FROM aside"), 1);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_box_is_found_by_its_name_and_the_first_one_stays),
        WITH_STORE(boxes_of_many_places_come_in_any_order),
        WITH_STORE(boxes_that_come_between_others_are_found_like_all),
        WITH_STORE(numbers_far_apart_are_kept_up_to_the_largest),
        WITH_STORE(boxes_are_put_whole_or_not_at_all),
        WITH_FILE(an_epoch_of_5000_boxes_takes_at_most_100_bytes_for_each),
        WITH_FILE(a_damaged_page_is_said_to_be_so),
        WITH_FILE(every_box_of_version_1_is_found_after_the_migration),
        WITH_FILE(a_damaged_box_of_version_1_stops_the_migration_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("store_box", tests, NULL, NULL);
}
