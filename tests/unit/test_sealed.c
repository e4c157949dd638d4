/* Databases that lie sealed on the disk. */
#define _GNU_SOURCE /* memmem */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/view/sealed.h"

enum { PAGE = 4096 };

static struct sat_entropy_stream stream;
static struct sat_entropy entropy;
static struct sat_keyring *keyring;
static char folder[40], path[80];
static const uint8_t SALT[SAT_PAGE_SALT_BYTES] = {1}, OTHER[SAT_PAGE_SALT_BYTES] = {2};

static int begin(void **state)
{
    (void)state;
    entropy = sat_entropy_seeded(&stream, 17);
    assert_int_equal(sat_keyring_new(&entropy, &keyring), SAT_OK);
    (void)snprintf(folder, sizeof folder, "/tmp/satchel-sealed-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/view.db", folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char other[80];
    (void)snprintf(other, sizeof other, "%s/archive.db", folder);
    (void)unlink(path);
    (void)unlink(other);
    assert_int_equal(rmdir(folder), 0); /* nothing else was laid there */
    sat_keyring_free(keyring);
    return 0;
}

static struct client_sealed *seal_with(const uint8_t salt[SAT_PAGE_SALT_BYTES])
{
    struct client_sealed *sealed = client_sealed_new(sat_page_key_new(keyring, salt), &entropy);
    assert_non_null(sealed);
    return sealed;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return number;
}

static const char FILL[] = "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX by_name ON"
                           " account (name); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE"
                           " i < 5000) INSERT INTO account SELECT i, 'Blondel ' || i FROM n";

static sqlite3 *fill(const struct client_sealed *sealed)
{
    sqlite3 *db;
    assert_int_equal(client_sealed_open(sealed, path, &db), SQLITE_OK);
    assert_int_equal(run(db, FILL), SQLITE_OK);
    return db;
}

static uint8_t *read_all(size_t *len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct stat info;
    assert_int_equal(fstat(fileno(file), &info), 0);
    uint8_t *bytes = malloc((size_t)info.st_size);
    *len = fread(bytes, 1, (size_t)info.st_size, file);
    assert_int_equal(*len, info.st_size);
    (void)fclose(file);
    return bytes;
}

static void write_all(const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    (void)fclose(file);
}

static bool has(const uint8_t *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

static int is_ok(void *context, int n, char **values, char **names)
{
    (void)n;
    (void)names;
    *(bool *)context = strcmp(values[0], "ok") == 0;
    return 0;
}

/* Opens it under the salt and reads all of it; a page that does not open is told in words where all are checked. */
static bool can_read_under(const uint8_t salt[SAT_PAGE_SALT_BYTES])
{
    struct client_sealed *sealed = seal_with(salt);
    sqlite3 *db;
    bool ok = false;
    int code = client_sealed_open(sealed, path, &db);
    if (code == SQLITE_OK) code = sqlite3_exec(db, "PRAGMA integrity_check", is_ok, &ok, NULL);
    assert_true(code == SQLITE_OK || (code & 0xff) == SQLITE_IOERR);
    (void)sqlite3_close(db);
    client_sealed_free(sealed);
    return code == SQLITE_OK && ok;
}

static void what_is_written_is_read_again_and_is_not_on_the_disk(void **state)
{
    (void)state;
    struct client_sealed *sealed = seal_with(SALT);
    sqlite3 *db = fill(sealed);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(client_sealed_open(sealed, path, &db), SQLITE_OK);
    assert_int_equal(ask(db, "SELECT count(*) FROM account WHERE name LIKE 'Blondel %'"), 5000);
    assert_int_equal(ask(db, "SELECT id FROM account WHERE name = 'Blondel 4711'"), 4711);
    assert_int_equal(run(db, "PRAGMA integrity_check"), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    client_sealed_free(sealed);
    size_t len;
    uint8_t *bytes = read_all(&len);
    assert_true(len > 20 * PAGE && len % PAGE == 0);
    assert_false(has(bytes, len, "Blondel") || has(bytes, len, "SQLite") || has(bytes, len, "account"));
    free(bytes);
}

static void one_page_written_twice_is_sealed_differently(void **state)
{
    (void)state;
    struct sat_page_key *key = sat_page_key_new(keyring, SALT);
    uint8_t a[PAGE] = {7}, b[PAGE] = {7};
    sat_page_seal(key, &entropy, 3, a, sizeof a);
    sat_page_seal(key, &entropy, 3, b, sizeof b);
    assert_memory_not_equal(a, b, PAGE);
    assert_int_equal(sat_page_open(key, 4, b, sizeof b), SAT_ERR_CORRUPT);
    assert_int_equal(sat_page_open(key, 3, a, sizeof a), SAT_OK);
    assert_int_equal(a[0], 7);
    sat_page_key_free(key);
}

static void every_damaged_page_is_told(void **state)
{
    (void)state;
    struct client_sealed *sealed = seal_with(SALT);
    assert_int_equal(sqlite3_close(fill(sealed)), SQLITE_OK);
    client_sealed_free(sealed);
    assert_true(can_read_under(SALT));
    size_t len;
    uint8_t *bytes = read_all(&len);
    for (size_t page = 0; page < len / PAGE; page++) {
        size_t at = page * PAGE + page * 37 % PAGE;
        bytes[at] ^= 0x10;
        write_all(bytes, len);
        assert_false(can_read_under(SALT));
        bytes[at] ^= 0x10;
    }
    write_all(bytes, len);
    assert_true(can_read_under(SALT));
    write_all(bytes, len - PAGE / 2); /* torn */
    assert_false(can_read_under(SALT));
    free(bytes);
}

static void pages_open_in_their_own_place_and_database_alone(void **state)
{
    (void)state;
    struct client_sealed *sealed = seal_with(SALT);
    assert_int_equal(sqlite3_close(fill(sealed)), SQLITE_OK);
    client_sealed_free(sealed);
    assert_false(can_read_under(OTHER));
    size_t len;
    uint8_t *bytes = read_all(&len), swapped[PAGE];
    memcpy(swapped, bytes + 5 * PAGE, PAGE);
    memcpy(bytes + 5 * PAGE, bytes + 6 * PAGE, PAGE);
    memcpy(bytes + 6 * PAGE, swapped, PAGE);
    write_all(bytes, len);
    assert_false(can_read_under(SALT));
    free(bytes);
}

/* Were it written, what a big change replaces would lie beside the database. */
static void a_change_that_is_rolled_back_leaves_nothing_anywhere(void **state)
{
    (void)state;
    char other[80];
    struct client_sealed *sealed = seal_with(SALT);
    sqlite3 *db = fill(sealed);
    (void)snprintf(other, sizeof other, "%s/archive.db", folder);
    assert_int_equal(client_sealed_attach(db, other, "archive"), SQLITE_OK);
    assert_int_equal(run(db, "CREATE TABLE archive.gone (name TEXT); INSERT INTO archive.gone VALUES ('Blondel')"),
                     SQLITE_OK);
    assert_int_equal(run(db, "PRAGMA cache_size = 5; BEGIN; UPDATE account SET name = 'Chop-suey ' || id;"
                             " INSERT INTO archive.gone SELECT name FROM account ORDER BY name DESC"),
                     SQLITE_OK);
    assert_int_equal(run(db, "ROLLBACK"), SQLITE_OK);
    assert_int_equal(ask(db, "SELECT count(*) FROM account WHERE name LIKE 'Blondel %'"), 5000);
    assert_int_equal(ask(db, "SELECT count(*) FROM archive.gone"), 1);
    assert_int_equal(run(db, "PRAGMA integrity_check"), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    client_sealed_free(sealed);
}

/* Whoever lays a journal there wants old pages back. */
static void a_journal_that_lies_there_is_not_played_back(void **state)
{
    (void)state;
    char journal[100];
    struct client_sealed *sealed = seal_with(SALT);
    assert_int_equal(sqlite3_close(fill(sealed)), SQLITE_OK);
    (void)snprintf(journal, sizeof journal, "%s-journal", path);
    FILE *file = fopen(journal, "wb");
    assert_non_null(file);
    for (int i = 0; i < 2 * PAGE; i++) (void)fputc(i, file);
    (void)fclose(file);
    assert_true(can_read_under(SALT));
    assert_int_equal(unlink(journal), 0);
    client_sealed_free(sealed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_again_and_is_not_on_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(one_page_written_twice_is_sealed_differently, begin, end),
        cmocka_unit_test_setup_teardown(every_damaged_page_is_told, begin, end),
        cmocka_unit_test_setup_teardown(pages_open_in_their_own_place_and_database_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_change_that_is_rolled_back_leaves_nothing_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_journal_that_lies_there_is_not_played_back, begin, end),
    };
    return cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
