/* Opening a store: what is made, found, refused and migrated; and what a transaction promises. */
#define _GNU_SOURCE
#include "tests/unit/test_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place { /* a directory of the test's own, and a path in it */
    char directory[64], path[96];
    struct sat_fault fault;
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/satchel-store-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    (void)snprintf(place->path, sizeof place->path, "%s/org.db", place->directory);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    (void)chmod(place->directory, 0700);
    for (size_t i = 0; i < 4; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", place->path, suffixes[i]);
        if (unlink(path) != 0) (void)rmdir(path);
    }
    assert_int_equal(rmdir(place->directory), 0); /* nothing else was left there */
    free(place);
    return 0;
}

static enum sat_err open_as(struct place *place, enum sat_store_mode mode, struct sat_store **out)
{
    place->fault = (struct sat_fault){0};
    enum sat_err err = sat_store_open(place->path, mode, out, &place->fault);
    if (err != SAT_OK) {
        assert_null(*out);
        assert_int_equal(place->fault.err, err);
        assert_non_null(strstr(place->fault.text, place->path)); /* the sentence names the file */
    }
    return err;
}

static void assert_opens_with(struct place *place, enum sat_store_mode mode, enum sat_err expected)
{
    struct sat_store *store;
    enum sat_err err = open_as(place, mode, &store);
    if (err != expected)
        fail_msg("opened with %s instead of %s: %s", sat_err_name(err), sat_err_name(expected), place->fault.text);
    sat_store_close(store);
}

static void run_raw(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail_msg("%s", message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* One value as text, into a buffer of the caller's. */
static const char *ask_raw(const char *path, const char *sql, char *out, size_t size)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    (void)snprintf(out, size, "%s", (const char *)sqlite3_column_text(statement, 0));
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return out;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static uint64_t value_of(struct sat_store *store)
{
    uint64_t got = 0;
    OK(sat_store_meta_get_u64(store, "value", 0, &got));
    return got;
}

/* ---- Making and finding ---- */

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    char text[40];
    OK(open_as(place, SAT_STORE_CREATE, &store));
    assert_int_equal(sat_store_schema_version(store), 6);
    OK(sat_store_begin(store));
    OK(sat_store_meta_put_u64(store, "value", 5));
    int64_t sid = make_space(store, 1);
    OK(sat_store_commit(store));
    sat_store_close(store);

    assert_string_equal(ask_raw(place->path, "PRAGMA journal_mode", text, sizeof text), "wal");
    assert_string_equal(ask_raw(place->path, "PRAGMA page_size", text, sizeof text), "8192");
    OK(open_as(place, SAT_STORE_OPEN, &store));
    assert_int_equal(value_of(store), 5);
    static struct sat_space_row space;
    OK(sat_store_space_get(store, sid, &space));
    sat_store_close(store);
    OK(open_as(place, SAT_STORE_READ_ONLY, &store));
    assert_int_equal(value_of(store), 5);
    sat_store_close(store);
}

static void a_missing_store_is_not_found_and_not_made(void **state)
{
    struct place *place = *state;
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_NOT_FOUND);
    assert_opens_with(place, SAT_STORE_READ_ONLY, SAT_ERR_NOT_FOUND);
    assert_int_equal(access(place->path, F_OK), -1);
}

static void what_exists_is_not_made_again(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    OK(open_as(place, SAT_STORE_CREATE, &store));
    OK(sat_store_meta_put_u64(store, "value", 5));
    assert_opens_with(place, SAT_STORE_CREATE, SAT_ERR_EXISTS); /* while open */
    sat_store_close(store);
    assert_opens_with(place, SAT_STORE_CREATE, SAT_ERR_EXISTS);
    OK(open_as(place, SAT_STORE_OPEN, &store));
    assert_int_equal(value_of(store), 5);
    sat_store_close(store);
}

static void a_creation_that_was_interrupted_can_be_finished(void **state)
{
    struct place *place = *state;
    write_file(place->path, ""); /* killed after the file was made */
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_NOT_FOUND);
    run_raw(place->path, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"); /* killed before the schema */
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_NOT_FOUND);
    assert_opens_with(place, SAT_STORE_CREATE, SAT_OK);
    assert_opens_with(place, SAT_STORE_OPEN, SAT_OK);
}

/* ---- Refusing ---- */

static void a_file_that_is_no_database_is_refused_and_left_alone(void **state)
{
    struct place *place = *state;
    write_file(place->path,
               "Dear diary, today I tried to open this as a database, and it was not one. It never will be, "
               "however long I make this text, which has to be longer than a header to be interesting.");
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_CORRUPT);
    assert_opens_with(place, SAT_STORE_READ_ONLY, SAT_ERR_CORRUPT);
    assert_opens_with(place, SAT_STORE_CREATE, SAT_ERR_EXISTS);
    FILE *file = fopen(place->path, "rb");
    char start[11] = {0};
    assert_non_null(file);
    assert_int_equal(fread(start, 1, 10, file), 10);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(start, "Dear diary");
}

static void another_programs_database_is_refused_and_left_alone(void **state)
{
    struct place *place = *state;
    char text[40];
    run_raw(place->path, "CREATE TABLE recipe (name TEXT)");
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_CORRUPT);
    assert_opens_with(place, SAT_STORE_READ_ONLY, SAT_ERR_CORRUPT);
    assert_opens_with(place, SAT_STORE_CREATE, SAT_ERR_EXISTS);
    run_raw(place->path, "PRAGMA application_id = 77; PRAGMA user_version = 1");
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_CORRUPT);
    assert_string_equal(ask_raw(place->path, "PRAGMA journal_mode", text, sizeof text), "delete");
    assert_string_equal(ask_raw(place->path, "SELECT count(*) FROM sqlite_schema", text, sizeof text), "1");
}

static void a_directory_in_its_place_is_refused(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_int_not_equal(open_as(place, SAT_STORE_OPEN, &store), SAT_OK);
    assert_int_not_equal(open_as(place, SAT_STORE_CREATE, &store), SAT_OK);
}

static void a_store_of_a_later_version_is_refused_naming_both(void **state)
{
    struct place *place = *state;
    char text[40];
    assert_opens_with(place, SAT_STORE_CREATE, SAT_OK);
    run_raw(place->path, "PRAGMA user_version = 321");
    assert_opens_with(place, SAT_STORE_READ_ONLY, SAT_ERR_NEWER_STORE);
    assert_opens_with(place, SAT_STORE_OPEN, SAT_ERR_NEWER_STORE);
    assert_non_null(strstr(place->fault.text, "version 321"));
    assert_non_null(strstr(place->fault.text, "knows 6"));
    assert_opens_with(place, SAT_STORE_CREATE, SAT_ERR_EXISTS);
    assert_string_equal(ask_raw(place->path, "PRAGMA user_version", text, sizeof text), "321");
}

static void a_damaged_page_is_reported_as_corrupt(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    char page[40];
    assert_opens_with(place, SAT_STORE_CREATE, SAT_OK);
    long root = strtol(
        ask_raw(place->path, "SELECT rootpage FROM sqlite_schema WHERE name = 'meta'", page, sizeof page), NULL, 10);
    FILE *file = fopen(place->path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (root - 1) * 8192, SEEK_SET), 0);
    for (int i = 0; i < 8192; i++) assert_int_not_equal(fputc(0xee, file), EOF);
    assert_int_equal(fclose(file), 0);
    OK(open_as(place, SAT_STORE_OPEN, &store));
    uint64_t got;
    assert_int_equal(sat_store_meta_get_u64(store, "value", 0, &got), SAT_ERR_CORRUPT);
    assert_int_equal(sat_store_fault(store)->err, SAT_ERR_CORRUPT);
    assert_non_null(strstr(sat_store_fault(store)->text, place->path));
    sat_store_close(store);
}

/* Opens as a user to whom the permissions apply, which a superuser has to become first, in a process of its own. */
static enum sat_err open_as_nobody(const char *path, enum sat_store_mode mode)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) _exit(255);
        struct sat_store *store;
        struct sat_fault fault = {0};
        enum sat_err err = sat_store_open(path, mode, &store, &fault);
        if (err != SAT_OK && !strstr(fault.text, path)) _exit(254);
        sat_store_close(store);
        _exit((int)err);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (enum sat_err)WEXITSTATUS(status);
}

static void a_place_that_cannot_be_written_is_said_to_be_so(void **state)
{
    struct place *place = *state;
    assert_int_equal(chmod(place->directory, 0555), 0);
    assert_int_equal(open_as_nobody(place->path, SAT_STORE_CREATE), SAT_ERR_READ_ONLY);
    assert_int_equal(chmod(place->directory, 0700), 0);
    assert_opens_with(place, SAT_STORE_CREATE, SAT_OK);
    assert_int_equal(chmod(place->directory, 0555), 0);
    assert_int_equal(chmod(place->path, 0666), 0); /* the file can be written, but no log beside it */
    assert_int_equal(open_as_nobody(place->path, SAT_STORE_OPEN), SAT_ERR_READ_ONLY);
    assert_int_equal(chmod(place->directory, 0777), 0);
    assert_int_equal(chmod(place->path, 0444), 0); /* and the other way round */
    assert_int_equal(open_as_nobody(place->path, SAT_STORE_OPEN), SAT_ERR_READ_ONLY);
    assert_int_equal(open_as_nobody(place->path, SAT_STORE_READ_ONLY), SAT_OK);

    struct sat_store *store;
    struct sat_fault fault = {0};
    assert_int_equal(sat_store_open("/proc/satchel.db", SAT_STORE_CREATE, &store, &fault), SAT_ERR_READ_ONLY);
    assert_non_null(strstr(fault.text, "/proc/satchel.db"));
    assert_int_equal(sat_store_open("/proc/satchel.db", SAT_STORE_CREATE, &store, NULL), SAT_ERR_READ_ONLY);
}

static void a_store_opened_for_reading_takes_no_writes(void **state)
{
    struct place *place = *state;
    struct sat_store *store, *writer;
    OK(open_as(place, SAT_STORE_CREATE, &writer));
    OK(sat_store_meta_put_u64(writer, "value", 1));
    OK(open_as(place, SAT_STORE_READ_ONLY, &store));
    assert_int_equal(sat_store_begin(store), SAT_ERR_READ_ONLY);
    assert_false(sat_store_in_transaction(store));
    assert_int_equal(sat_store_meta_put_u64(store, "value", 2), SAT_ERR_READ_ONLY);
    assert_int_equal(sat_store_fault(store)->err, SAT_ERR_READ_ONLY);

    OK(sat_store_begin(writer)); /* and it sees commits, not what leads to them */
    OK(sat_store_meta_put_u64(writer, "value", 3));
    assert_int_equal(value_of(store), 1);
    OK(sat_store_commit(writer));
    assert_int_equal(value_of(store), 3);
    sat_store_close(store);
    sat_store_close(writer);
}

/* ---- Transactions ---- */

static void what_is_rolled_back_or_left_open_never_was(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    OK(open_as(place, SAT_STORE_CREATE, &store));
    sat_store_rollback(store); /* none open: nothing happens */
    OK(sat_store_begin(store));
    assert_true(sat_store_in_transaction(store));
    int64_t sid = make_space(store, 1);
    struct sat_bundle_row bundle = make_bundle(store, sid, 1, 1, 2, 1);
    (void)make_change(store, &bundle, 0, record_of(1), SAT_CHANGE_LIVE);
    OK(sat_store_meta_put_u64(store, "value", 9));
    assert_int_equal(value_of(store), 9); /* one's own writes are seen inside */
    sat_store_rollback(store);
    assert_false(sat_store_in_transaction(store));
    assert_int_equal(value_of(store), 0);
    uint64_t live = 1;
    OK(sat_store_count_state(store, SAT_CHANGE_LIVE, &live));
    assert_int_equal(live, 0);

    OK(sat_store_begin(store));
    OK(sat_store_meta_put_u64(store, "value", 9));
    sat_store_close(store);
    OK(open_as(place, SAT_STORE_OPEN, &store));
    assert_int_equal(value_of(store), 0);
    sat_store_close(store);
    sat_store_close(NULL);
}

static void after_a_failed_write_nothing_can_be_committed_until_the_rollback(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    OK(open_as(place, SAT_STORE_CREATE, &store));
    int64_t sid = make_space(store, 1);
    OK(sat_store_begin(store));
    OK(sat_store_meta_put_u64(store, "value", 9));
    struct sat_bundle_row bundle = make_bundle(store, sid, 1, 1, 2, 1);
    assert_int_equal(sat_store_bundle_insert(store, &bundle), SAT_ERR_EXISTS);
    char text[400];
    (void)snprintf(text, sizeof text, "%s", sat_store_fault(store)->text);
    assert_int_equal(sat_store_meta_put_u64(store, "value", 10), SAT_ERR_EXISTS);
    assert_int_equal(sat_store_commit(store), SAT_ERR_EXISTS);
    assert_string_equal(sat_store_fault(store)->text, text); /* still the first reason */
    assert_true(sat_store_in_transaction(store));
    sat_store_rollback(store);
    assert_int_equal(value_of(store), 0);

    OK(sat_store_begin(store));
    OK(sat_store_meta_put_u64(store, "value", 11));
    OK(sat_store_commit(store));
    assert_int_equal(value_of(store), 11);
    sat_store_close(store);
}

static bool file_has(const char *path, const char *text)
{
    static char bytes[1024 * 1024];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    assert_in_range(len, 0, sizeof bytes - 1);
    assert_int_equal(fclose(file), 0);
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

static void the_keys_and_drafts_of_a_space_that_was_left_are_not_in_the_file(void **state)
{
    struct place *place = *state;
    struct sat_store *store;
    struct sat_space_id id = space_of(1);
    OK(open_as(place, SAT_STORE_CREATE, &store));
    int64_t sid = make_space(store, 1);
    OK(sat_store_key_put(store, &id, 1, sat_span_text("canary of a key")));
    static char body[1000] = "canary of a draft"; /* so many that whole pages become free */
    for (uint64_t i = 1; i <= 100; i++) {
        struct sat_draft_row draft = {.counter = i, .sid = sid, .body = sat_span(body, sizeof body)};
        OK(sat_store_draft_insert(store, &draft));
    }
    sat_store_close(store);
    assert_true(file_has(place->path, "canary of a key") && file_has(place->path, "canary of a draft"));
    OK(open_as(place, SAT_STORE_OPEN, &store));
    OK(sat_store_begin(store));
    OK(sat_store_space_purge(store, sid));
    OK(sat_store_commit(store));
    sat_store_forget_log(store);
    char log[512];
    (void)snprintf(log, sizeof log, "%s-wal", place->path);
    assert_false(file_has(place->path, "canary") || file_has(log, "canary"));
    sat_store_close(store);
    assert_false(file_has(place->path, "canary"));
}

/* ---- Migrations ---- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s cannot be read: run the tests from the root", path);
    char *text = calloc(1, 256 * 1024);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 256 * 1024 - 1, file), 1, 256 * 1024 - 2);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Those that a store has had from the beginning. */
static void check_the_first_rows(struct sat_store *store, struct sat_arena *arena)
{
    uint32_t n;
    uint64_t number, changes;
    bool found = false;
    OK(sat_store_meta_get_u64(store, "counter", 0, &number));
    assert_int_equal(number, 42);
    struct sat_link_row *links;
    OK(sat_store_links(store, 1, 10, arena, &links, &n));
    assert_true(n == 3 && links[2].bytes.len == 4 && links[2].sign.time_ms == 5000);
    for (uint8_t kind = SAT_BOX_DEVICE; kind <= SAT_BOX_KIT; kind++) {
        struct sat_box box = {.space = {{0x5a, 1}}, .epoch = 1, .kind = kind, .number = 1};
        OK(sat_store_box_get(store, &box, &found));
        assert_true(kind == SAT_BOX_INVITE ? !found : found && box.bytes[0] == 0xb0);
    }
    struct sat_space_row *spaces;
    OK(sat_store_spaces(store, arena, &spaces, &n));
    assert_true(n == 2 && spaces[0].log.size == 3 && spaces[0].live == 3 && spaces[0].digest[0] == 0xd0);
    assert_true(spaces[1].log.peak[0].b[0] == 1 && spaces[1].head_size == 2 && spaces[1].synced_ms == 8000);
    struct sat_record_id record = {{0x01, 0x90}};
    struct sat_change_row *rows;
    OK(sat_store_changes_of_record(store, spaces[0].sid, &record, arena, &rows, &n));
    assert_true(n == 3 && rows[0].state == SAT_CHANGE_DEAD && rows[0].header.len == 0 && rows[0].recv_ms == 7001);
    assert_true(rows[1].dot.counter == 3 && rows[1].body.len == 4 && rows[1].manifest[0] == 0x3a);
    assert_true(rows[2].state == SAT_CHANGE_PENDING && rows[2].recv_ms == 0);
    OK(sat_store_pending_count(store, &number, &changes));
    assert_true(number == 1 && changes == 2);
    struct sat_bundle_row bundle;
    OK(sat_store_bundle_of_dot(store, (struct sat_dot){1, 8}, &bundle, &found));
    assert_true(found && bundle.refused == SAT_ERR_DENIED && bundle.signature.b[63] == 0x51);
    struct sat_entry_row *entries;
    OK(sat_store_entries(store, spaces[0].sid, 1, 10, arena, &entries, &n));
    assert_true(n == 3 && entries[2].entry.kind == SAT_ENTRY_VOID && entries[1].root.b[1] == 2 && entries[1].bid == 2);
    OK(sat_store_draft_count(store, &number));
    assert_int_equal(number, 2);
    struct sat_span key;
    OK(sat_store_key_get(store, &spaces[0].id, 1, arena, &key, &found));
    assert_true(found && sat_span_equal(key, sat_span_text("sealed key")));
    OK(sat_store_stub_count(store, spaces[0].sid, &number));
    assert_int_equal(number, 1);
}

static void check_the_rows_of_version_1(struct sat_store *store, struct sat_arena *arena)
{
    uint64_t number;
    check_the_first_rows(store, arena);
    OK(sat_store_aside_count(store, &number)); /* the row that is there no release wrote */
    assert_int_equal(number, 0);
}

static void check_the_rows_of_version_2(struct sat_store *store, struct sat_arena *arena)
{
    bool found;
    uint32_t n;
    check_the_first_rows(store, arena);
    for (uint64_t number = 1; number <= 150; number++) { /* in two pages */
        struct sat_box box = {.space = {{0x5a, 1}}, .epoch = 2, .kind = SAT_BOX_DEVICE, .number = number};
        OK(sat_store_box_get(store, &box, &found));
        assert_true(found && box.bytes[0] == number && box.bytes[SAT_BOX_BYTES - 1] == number);
    }
    static const uint8_t states[] = {SAT_ASIDE_OPEN, SAT_ASIDE_REJECTED, SAT_ASIDE_ACCEPTED};
    struct sat_aside_row *asides;
    OK(sat_store_asides(store, 0, 10, SIZE_MAX, arena, &asides, &n));
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(asides[i].state, states[i]);
    assert_true(asides[0].device == 2 && asides[0].first == 5 && asides[0].count == 2 && asides[0].id.b[0] == 7);
    assert_true(sat_span_equal(asides[0].bytes, sat_span_text("bundle bytes")) && asides[0].recv_ms == 7003);
    struct sat_sighting *sightings;
    OK(sat_store_sightings(store, 0, 10, arena, &sightings, &n));
    assert_true(n == 2 && sightings[0].seen_ms == 9001 && sightings[0].lag == 4 && sightings[0].wiped_ms == 9500);
    assert_true(sightings[0].receipt.b[0] == 0x52 && sightings[1].wiped_ms == 0);
}

static void check_the_rows_of_version_4(struct sat_store *store, struct sat_arena *arena)
{
    bool found;
    uint32_t n;
    uint64_t number, recv_ms;
    struct sat_space_row *spaces;
    OK(sat_store_spaces(store, arena, &spaces, &n));
    assert_true(n == 2 && spaces[0].head_len == 4 && spaces[1].head_len == 0 && spaces[0].floor == 0);
    struct sat_cursor_row cursor;
    OK(sat_store_cursor_get(store, spaces[0].sid, 2, &cursor, &found));
    assert_true(found && cursor.cursor.size == 2 && cursor.cursor.ack == 2 && cursor.signature.b[0] == 0xc7);
    struct sat_lives lives;
    OK(sat_store_lives(store, &spaces[0], arena, &lives));
    assert_true(lives.n == 1 && lives.at[0].epoch.b[0] == 0xe1 && lives.at[0].size == 2);
    struct sat_lost_log *logs;
    OK(sat_store_lost_logs(store, spaces[0].sid, arena, &logs, &n));
    assert_true(n == 1 && logs[0].head.len == 4 && logs[0].before.size == 0);
    struct sat_entry *lost;
    OK(sat_store_lost(store, spaces[0].sid, &logs[0].epoch, arena, &lost, &n));
    assert_true(n == 1 && lost[0].seq == 3 && lost[0].receipt_ms == 8700);
    struct sat_hash id = {{0x0c}};
    OK(sat_store_receipt_get(store, spaces[0].sid, &id, &recv_ms, &number, &found));
    assert_true(found && recv_ms == 8800 && number == 3);
    struct sat_entry_row *entries;
    OK(sat_store_entries(store, spaces[0].sid, 4, 10, arena, &entries, &n));
    assert_true(n == 1 && entries[0].entry.kind == SAT_ENTRY_RETURNED && entries[0].entry.receipt_ms == 7005);
    OK(sat_store_return_count(store, spaces[0].sid, false, &number));
    assert_int_equal(number, 1);
}

static void check_the_rows_of_version_5(struct sat_store *store, struct sat_arena *arena)
{
    static const struct sat_record_id forgotten = {
        .b = {0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22, 0x22}};
    bool found;
    uint32_t n;
    struct sat_space_row *spaces;
    OK(sat_store_spaces(store, arena, &spaces, &n));
    assert_true(n == 2 && spaces[0].floor == 1 && spaces[0].swept == 2 && spaces[0].repack && spaces[0].trusted == 3);
    struct sat_collection_row *collections;
    OK(sat_store_collections(store, spaces[0].sid, 1, 10, arena, &collections, &n));
    assert_true(n == 1 && sat_span_equal(collections[0].bytes, sat_span_text("collection bytes")));
    struct sat_collected_row collected;
    OK(sat_store_collected_get(store, spaces[0].sid, &forgotten, &collected, &found));
    assert_true(found && collected.deletion.counter == 5 && collected.seq == 3 && collected.floor == 1);
}

/* A store of each version that was released but today's; docs/storage.md says how the next one is made. */
static const struct {
    const char *path;
    void (*check)(struct sat_store *store, struct sat_arena *arena);
} released[] = {
    {"tests/db/v1.sql", check_the_rows_of_version_1}, {"tests/db/v2.sql", check_the_rows_of_version_2},
    {"tests/db/v3.sql", check_the_rows_of_version_2}, /* the same ones */
    {"tests/db/v4.sql", check_the_rows_of_version_4}, {"tests/db/v5.sql", check_the_rows_of_version_5},
};

static void a_store_of_every_version_opens_with_all_its_rows_and_todays_schema(void **state)
{
    static const char schema[] =
        "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL "
        "ORDER BY name)";
    struct place *place = *state;
    static char fresh[16384], migrated[16384];
    assert_opens_with(place, SAT_STORE_CREATE, SAT_OK);
    (void)ask_raw(place->path, schema, fresh, sizeof fresh);
    for (size_t i = 0; i < sizeof released / sizeof released[0]; i++) {
        struct sat_store *store;
        struct sat_arena arena;
        char *sql = read_text(released[i].path);
        assert_int_equal(unlink(place->path), 0);
        run_raw(place->path, sql);
        free(sql);
        sat_arena_init(&arena);
        assert_opens_with(place, SAT_STORE_READ_ONLY, SAT_ERR_CONFIG); /* it has to be written once */
        OK(open_as(place, SAT_STORE_OPEN, &store));
        released[i].check(store, &arena);
        sat_store_close(store);
        OK(open_as(place, SAT_STORE_READ_ONLY, &store));
        released[i].check(store, &arena);
        sat_store_close(store);
        sat_arena_deinit(&arena);
        assert_string_equal(ask_raw(place->path, schema, migrated, sizeof migrated), fresh);
    }
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(what_was_committed_is_there_after_reopening),
        WITH_PLACE(a_missing_store_is_not_found_and_not_made),
        WITH_PLACE(what_exists_is_not_made_again),
        WITH_PLACE(a_creation_that_was_interrupted_can_be_finished),
        WITH_PLACE(a_file_that_is_no_database_is_refused_and_left_alone),
        WITH_PLACE(another_programs_database_is_refused_and_left_alone),
        WITH_PLACE(a_directory_in_its_place_is_refused),
        WITH_PLACE(a_store_of_a_later_version_is_refused_naming_both),
        WITH_PLACE(a_damaged_page_is_reported_as_corrupt),
        WITH_PLACE(a_place_that_cannot_be_written_is_said_to_be_so),
        WITH_PLACE(a_store_opened_for_reading_takes_no_writes),
        WITH_PLACE(what_is_rolled_back_or_left_open_never_was),
        WITH_PLACE(after_a_failed_write_nothing_can_be_committed_until_the_rollback),
        WITH_PLACE(the_keys_and_drafts_of_a_space_that_was_left_are_not_in_the_file),
        WITH_PLACE(a_store_of_every_version_opens_with_all_its_rows_and_todays_schema),
    };
    return cmocka_run_group_tests_name("store_open", tests, NULL, NULL);
}
