/* The wipe of a device, on the device: it obeys nothing but a link of the directory, loses nothing that was not synced,
 * and goes on from wherever it was killed. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/wipe_file.h"
#include "tests/unit/client_world.h"

enum { BOBS_DEVICE = 2, KILLED = 99, KEYRING_MAX = 4096, KILLS_MAX = 600 };

static struct satchel_error error;
static struct {
    uint8_t at[KEYRING_MAX];
    size_t len;
} keyring; /* as it was before */

/* ---- A machine that is switched off before its n-th step on the disk ---- */

static int steps_left = -1; /* -1: it is not */

static void step(void)
{
    if (steps_left == 0) _exit(KILLED);
    if (steps_left > 0) steps_left--;
}

int fsync(int fd)
{
    step();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    step();
    return (int)syscall(SYS_fdatasync, fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    step();
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, len, at);
}

int unlink(const char *path)
{
    step();
    return (int)syscall(SYS_unlinkat, -100, path, 0);
}

int rmdir(const char *path)
{
    step();
    return (int)syscall(SYS_unlinkat, -100, path, 0x200);
}

int rename(const char *from, const char *to)
{
    step();
    return (int)syscall(SYS_renameat2, -100, from, -100, to, 0);
}

/* ---- The world ---- */

static const char *file_of(const char *home, const char *name, char out[256])
{
    char path[128];
    (void)snprintf(out, 256, "%s/%s", home_of(home, path), name);
    return out;
}

static bool has(const char *home, const char *name)
{
    char path[256];
    return access(file_of(home, name, path), F_OK) == 0;
}

/* An empty directory is none, nor is one with a lock alone: that is all that its very last steps can leave. */
static bool has_home(const char *home)
{
    return has(home, "keyring") || has(home, "store.db") || has(home, "store.db-wal") || has(home, "wipe");
}

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char command[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static void stop_server(void)
{
    sat_host_free(the_world.host);
    sat_store_close(the_world.store);
    the_world.host = NULL;
    the_world.store = NULL;
}

static void start_server(void)
{
    struct sat_fault fault = {0};
    assert_int_equal(sat_store_open(the_world.store_path, SAT_STORE_OPEN, &the_world.store, &fault), SAT_OK);
    open_host();
}

static struct satchel *open_as(const char *name)
{
    char home[128];
    struct satchel *satchel = NULL;
    struct satchel_open_options options = test_options();
    (void)!satchel_open(home_of(name, home), &options, &satchel, &error);
    return satchel;
}

/* Ann has revoked Bob's device, which has work that it never sent; the server is running. */
static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    (void)snprintf(the_world.store_path, sizeof the_world.store_path, "%s/server.db", the_world.directory);
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    struct satchel *bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, "Northern", "{\"name\":\"Never sent\"}");
    put_one(bob, "account", id, "Northern", "{\"city\":\"Chur\"}");
    satchel_close(bob);
    satchel_close(ann);
    char path[256];
    FILE *file = fopen(file_of("bob", "keyring", path), "rb");
    assert_non_null(file);
    keyring.len = fread(keyring.at, 1, sizeof keyring.at, file);
    (void)fclose(file);
    assert_true(keyring.len > 200);
    return 0;
}

static int drop_org(void **state)
{
    steps_left = -1;
    return drop_client_world(state);
}

static void order(bool wipe)
{
    struct satchel *ann = open_as("ann");
    must(ann, satchel_device_revoke(ann, BOBS_DEVICE, wipe));
    satchel_close(ann);
}

static uint64_t receipt_ms(void)
{
    struct sat_sighting row;
    bool found = false;
    assert_int_equal(sat_store_sighting_get(the_world.store, BOBS_DEVICE, &row, &found), SAT_OK);
    return found ? row.wiped_ms : 0;
}

/* How many changes of Bob's the admins can look at. */
static uint32_t changes_in_escrow(void)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_aside_row *rows;
    uint32_t n = 0, changes = 0;
    assert_int_equal(sat_store_aside_list(the_world.store, 0, 100, &arena, &rows, &n), SAT_OK);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].device == BOBS_DEVICE) changes += rows[i].count;
    sat_arena_deinit(&arena);
    return changes;
}

/* Is any part of what the keyring was still in a file of the home? Its header, which says nothing, aside. */
static bool holds_keyring(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    static uint8_t bytes[4 * 1024 * 1024];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    for (size_t at = 48; at + 16 <= keyring.len; at += 16)
        if (memmem(bytes, len, keyring.at + at, 16)) return true;
    return false;
}

static void assert_no_keyring_bytes(const char *home)
{
    char path[128], name[600];
    DIR *directory = opendir(home_of(home, path));
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (holds_keyring(name)) fail_msg("%s has bytes of the keyring", entry->d_name);
    }
    (void)closedir(directory);
}

static void assert_gone(void)
{
    assert_false(has_home("bob"));
    assert_true(receipt_ms() > 0);
    assert_int_equal(changes_in_escrow(), 2);
    struct satchel *bob = open_as("bob");
    assert_null(bob);
    assert_string_equal(error.name, "not_found");
}

/* One command of Bob's: it opens the home, syncs if there is something to sync with, and goes on with a wipe. */
static void come(void)
{
    char home[128];
    struct satchel_sync_result result;
    struct satchel *bob = open_as("bob");
    if (bob) (void)!satchel_sync(bob, NULL, &result);
    satchel_close(bob);
    if (!bob && satchel_wipe_pending(home_of("bob", home))) (void)!satchel_wipe(home, 0, &error);
}

/* ---- In one go ---- */

static void an_order_to_wipe_is_obeyed_by_the_sync_that_brings_it(void **state)
{
    (void)state;
    order(true);
    struct satchel *bob = open_as("bob");
    struct satchel_sync_result result;
    must_fail(bob, satchel_sync(bob, NULL, &result), "revoked", "wiped by its admins");
    assert_int_equal(satchel_error_of(bob)->exit_code, 4);
    assert_false(has_home("bob"));
    struct satchel_tx *tx; /* the handle still stands, and does nothing any more */
    must_fail(bob, satchel_begin(bob, &tx), "revoked", "wiped");
    must_fail(bob, satchel_sync(bob, NULL, &result), "revoked", "wiped");
    must_fail(bob, satchel_query(bob, "select 1", collect_row, NULL), "locked", "wiped");
    must_fail(bob, satchel_rotate(bob, "Northern"), "revoked", "wiped");
    satchel_close(bob);
    assert_gone();
}

static void what_was_handed_in_can_be_read_and_let_in_by_the_admins(void **state)
{
    (void)state;
    order(true);
    come();
    assert_gone();
    struct satchel *ann = open_as("ann");
    struct rows rows = {0};
    must(ann, satchel_escrow(ann, collect_row, &rows));
    assert_int_equal(rows.n, 1);
    const uint64_t numbers[] = {1};
    must(ann, satchel_escrow_decide(ann, numbers, 1, 1));
    (void)sync_now(ann);
    assert_rows(ann, "select name, city from account", "{\"name\":\"Never sent\",\"city\":\"Chur\"}");
    struct rows devices = {0};
    int refreshed;
    must(ann, satchel_device_list(ann, &refreshed, collect_row, &devices));
    assert_true(refreshed);
    assert_non_null(strstr(devices.text, "\"wiped_at\":\"2"));
    satchel_close(ann);
}

static int ignore_row(void *context, const char *json)
{
    (void)context;
    (void)json;
    return 0;
}

/* What covers a moved record waits for its copies, and what is written behind it waits with it: but not now. */
static void moved_and_written_on_and_wiped_everything_is_handed_in(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", id[SATCHEL_ID_SIZE] = "";
    uint64_t drafts = 0;
    struct satchel *ann = open_as("ann"), *bob = open_as("bob");
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_territory_grant(ann, "Southern", "Bob", 0));
    put_one(bob, "account", account, "Northern", "{\"name\":\"Moves\"}");
    (void)sync_now(bob);
    const char *ids[] = {account};
    must(bob, satchel_move(bob, "account", ids, 1, "Southern", 0, ignore_row, NULL));
    put_one(bob, "account", id, "Northern", "{\"name\":\"Behind it\"}");
    id[0] = '\0';
    put_one(bob, "account", id, "Northern", "{\"name\":\"Behind it as well\"}");
    assert_int_equal(sat_store_draft_count(bob->store, &drafts), SAT_OK);
    assert_int_equal(drafts, 4);
    satchel_close(ann);
    satchel_close(bob);
    order(true);
    come();
    assert_false(has_home("bob"));
    assert_true(receipt_ms() > 0);
    assert_int_equal(changes_in_escrow(), drafts);
}

static void a_revocation_alone_wipes_nothing(void **state)
{
    (void)state;
    order(false);
    come();
    assert_true(has("bob", "keyring"));
    assert_false(has("bob", "wipe"));
    struct satchel *bob = open_as("bob");
    assert_non_null(bob);
    assert_rows(bob, "select name from account", "{\"name\":\"Never sent\"}");
    satchel_close(bob);
    assert_int_equal(receipt_ms(), 0);
}

static void an_order_for_who_was_put_out_before_is_obeyed_too(void **state)
{
    (void)state;
    order(false);
    come();
    order(true);
    assert_true(has("bob", "keyring"));
    come();
    assert_gone();
}

static void a_device_that_does_not_sync_knows_of_nothing(void **state)
{
    (void)state;
    order(true);
    the_world.down = true;
    come();
    struct satchel *bob = open_as("bob");
    assert_non_null(bob);
    assert_rows(bob, "select name from account", "{\"name\":\"Never sent\"}");
    satchel_close(bob);
    assert_true(has("bob", "keyring"));
    the_world.down = false;
    come();
    assert_gone();
}

static void a_server_that_is_gone_when_the_keys_are_does_not_keep_the_end_away(void **state)
{
    (void)state;
    char home[128];
    order(true);
    the_world.answers_left = 1;
    come();
    assert_true(has("bob", "wipe") && has("bob", "store.db"));
    assert_false(has("bob", "keyring"));
    assert_no_keyring_bytes("bob");
    struct stat info;
    char path[256];
    assert_int_equal(stat(file_of("bob", "wipe", path), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    struct satchel *bob = open_as("bob");
    assert_null(bob);
    assert_string_equal(error.name, "revoked");
    assert_int_not_equal(satchel_wipe(home_of("bob", home), 0, &error), SATCHEL_OK);
    assert_string_equal(error.name, "revoked");
    assert_non_null(strstr(error.message, "goes to the admins with the next command"));
    assert_int_equal(receipt_ms(), 0);
    the_world.down = false;
    assert_int_not_equal(satchel_wipe(home, 0, &error), SATCHEL_OK);
    assert_int_equal(error.exit_code, 4);
    assert_non_null(strstr(error.message, "the home is gone"));
    assert_gone();
    assert_int_not_equal(satchel_wipe(home, 0, &error), SATCHEL_OK);
    assert_string_equal(error.name, "not_found");
}

static void without_its_store_it_still_shows_its_receipt(void **state)
{
    (void)state;
    char path[256];
    order(true);
    the_world.answers_left = 1;
    come();
    the_world.down = false;
    assert_int_equal(remove(file_of("bob", "store.db", path)), 0);
    come();
    assert_false(has_home("bob"));
    assert_true(receipt_ms() > 0);
}

/* Whatever brings the order: a list that asks for news destroys the keys as well, and the next command does the rest.
 */
static void an_order_that_a_list_brings_is_obeyed_when_the_handle_is_closed(void **state)
{
    (void)state;
    char home[128];
    order(true);
    struct satchel *bob = open_as("bob");
    struct rows rows = {0};
    int refreshed;
    must(bob, satchel_user_list(bob, &refreshed, collect_row, &rows));
    satchel_close(bob);
    assert_false(has("bob", "keyring"));
    assert_true(satchel_wipe_pending(home_of("bob", home)));
    come();
    assert_gone();
}

/* ---- Killed ---- */

/* In a process of its own, which has the server as well; false: it was killed. */
static bool come_in_a_child(int steps)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        start_server();
        steps_left = steps;
        come();
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
    return WEXITSTATUS(status) == 0;
}

/* What must hold wherever it stopped: no keys without the receipt and the work that stand for them. */
static void assert_nothing_is_lost(void)
{
    if (!has_home("bob") || has("bob", "keyring")) return;
    bool told = receipt_ms() > 0 && changes_in_escrow() == 2;
    assert_true(has("bob", "wipe") || told);
    assert_true(has("bob", "store.db") || told);
    if (has("bob", "wipe")) assert_no_keyring_bytes("bob");
}

static void wherever_it_is_killed_it_goes_on_and_ends_the_same(void **state)
{
    (void)state;
    order(true);
    stop_server();
    shell("cp -r %s %s.before", the_world.directory, the_world.directory);
    int kills = 0;
    for (bool done = false; !done; kills++) {
        assert_true(kills < KILLS_MAX);
        shell("rm -rf %s/* && cp -r %s.before/* %s/", the_world.directory, the_world.directory, the_world.directory);
        done = come_in_a_child(kills);
        start_server();
        assert_nothing_is_lost();
        stop_server();
        for (int commands = 0; has_home("bob") && commands < 3; commands++) assert_true(come_in_a_child(-1));
        start_server();
        assert_gone();
        stop_server();
    }
    print_message("killed at %d steps\n", kills - 1);
    assert_true(kills > 20);
    shell("rm -rf %s.before", the_world.directory);
}

/* And again before each of the steps that are left. */
static void killed_at_every_step_one_after_another_it_still_ends(void **state)
{
    (void)state;
    order(true);
    stop_server();
    for (int steps = 1; has_home("bob"); steps++) { /* each gets a step further, for at last it must get on */
        assert_true(steps < KILLS_MAX);
        (void)come_in_a_child(steps);
        start_server();
        assert_nothing_is_lost();
        stop_server();
    }
    start_server();
    assert_gone();
}

/* ---- The file ---- */

static void every_truncation_and_every_other_byte_of_the_file_is_noticed(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_buf buf;
    sat_arena_init(&arena);
    sat_buf_init(&buf);
    struct client_wipe_file got, file = {.step = CLIENT_WIPE_SIGNED,
                                         .org = {{1}},
                                         .server = {{2}},
                                         .device = 7,
                                         .receipt = {.wipe_seq = 9, .time_ms = 11, .signature = {{3}}},
                                         .urls = {"wss://one.test:1", "wss://two.test:2"}};
    client_wipe_encode(&file, &buf);
    assert_true(client_wipe_decode(sat_buf_span(&buf), &arena, &got));
    assert_int_equal(got.device, 7);
    assert_int_equal(got.receipt.wipe_seq, 9);
    assert_string_equal(got.urls[1], "wss://two.test:2");
    assert_null(got.urls[2]);
    for (size_t len = 0; len < buf.len; len++) assert_false(client_wipe_decode(sat_span(buf.at, len), &arena, &got));
    for (size_t at = 0; at < buf.len; at++) {
        buf.at[at] ^= 1;
        assert_false(client_wipe_decode(sat_buf_span(&buf), &arena, &got));
        buf.at[at] ^= 1;
    }
    sat_buf_deinit(&buf);
    sat_arena_deinit(&arena);
}

static void a_damaged_file_is_named_and_touches_nothing(void **state)
{
    (void)state;
    char path[256], home[128];
    FILE *file = fopen(file_of("bob", "wipe", path), "wb");
    assert_non_null(file);
    assert_true(fputs("satchel-wipe", file) >= 0);
    (void)fclose(file);
    assert_int_not_equal(satchel_wipe(home_of("bob", home), 0, &error), SATCHEL_OK);
    assert_string_equal(error.name, "corrupt");
    assert_true(has("bob", "keyring"));
}

#define WITH_ORG(test) cmocka_unit_test_setup_teardown(test, make_org, drop_org)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ORG(an_order_to_wipe_is_obeyed_by_the_sync_that_brings_it),
        WITH_ORG(what_was_handed_in_can_be_read_and_let_in_by_the_admins),
        WITH_ORG(moved_and_written_on_and_wiped_everything_is_handed_in),
        WITH_ORG(a_revocation_alone_wipes_nothing),
        WITH_ORG(an_order_for_who_was_put_out_before_is_obeyed_too),
        WITH_ORG(a_device_that_does_not_sync_knows_of_nothing),
        WITH_ORG(a_server_that_is_gone_when_the_keys_are_does_not_keep_the_end_away),
        WITH_ORG(without_its_store_it_still_shows_its_receipt),
        WITH_ORG(an_order_that_a_list_brings_is_obeyed_when_the_handle_is_closed),
        WITH_ORG(wherever_it_is_killed_it_goes_on_and_ends_the_same),
        WITH_ORG(killed_at_every_step_one_after_another_it_still_ends),
        cmocka_unit_test(every_truncation_and_every_other_byte_of_the_file_is_noticed),
        WITH_ORG(a_damaged_file_is_named_and_touches_nothing),
    };
    return cmocka_run_group_tests_name("wipe", tests, NULL, NULL);
}
