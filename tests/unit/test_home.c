#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/home.h"
#include "client/kit.h"
#include "tests/unit/client_world.h"

static struct satchel_error error;

static int open_home_with(const char *name, const struct satchel_open_options *options, struct satchel **out)
{
    char home[128];
    return satchel_open(home_of(name, home), options, out, &error);
}

static void assert_error(const char *name, int exit_code, const char *part)
{
    assert_string_equal(error.name, name);
    assert_int_equal(error.exit_code, exit_code);
    if (!strstr(error.message, part)) fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

/* Ann's home, closed; the invite for a rep that a test may use. */
static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    satchel_close(ann);
    return 0;
}

static struct satchel *open_ann(void)
{
    struct satchel_open_options options = test_options();
    struct satchel *ann = NULL;
    assert_int_equal(open_home_with("ann", &options, &ann), SATCHEL_OK);
    return ann;
}

static char *invite_bob(uint64_t valid_ms)
{
    struct satchel *ann = open_ann();
    char *code = NULL;
    must(ann, satchel_invite(ann, "Bob", valid_ms, &code));
    satchel_close(ann);
    return code;
}

static int join_with(const char *name, const char *code, struct satchel **out)
{
    char home[128];
    struct satchel_open_options open_options = test_options();
    struct satchel_join_options options = {.code = code, .device_name = name};
    return satchel_join(home_of(name, home), &open_options, &options, out, &error);
}

static bool exists(const char *name)
{
    char path[128];
    return access(home_of(name, path), F_OK) == 0;
}

/* ---- Opening ---- */

static void where_there_is_no_home_none_is_found(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *satchel;
    assert_int_not_equal(open_home_with("nowhere", &options, &satchel), SATCHEL_OK);
    assert_error("not_found", 2, "nowhere");
    assert_null(satchel);
    assert_false(exists("nowhere"));
}

static void without_or_with_a_wrong_passphrase_it_stays_locked(void **state)
{
    (void)state;
    struct satchel_open_options options = {0};
    struct satchel *satchel;
    assert_int_not_equal(open_home_with("ann", &options, &satchel), SATCHEL_OK);
    assert_error("locked", 6, "passphrase");
    options.passphrase = (struct satchel_bytes){"wrong", 5};
    assert_int_not_equal(open_home_with("ann", &options, &satchel), SATCHEL_OK);
    assert_error("wrong_passphrase", 6, "ann");
}

static void two_handles_do_not_have_one_home_and_the_second_is_told_who_has(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *ann = open_ann(), *second;
    char pid[32];
    assert_int_not_equal(open_home_with("ann", &options, &second), SATCHEL_OK);
    (void)snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_error("in_use", 7, pid);
    satchel_close(ann);
    assert_int_equal(open_home_with("ann", &options, &second), SATCHEL_OK);
    satchel_close(second);
}

static void who_waits_gets_the_home_when_the_other_process_is_done(void **state)
{
    (void)state;
    char home[128], done[1];
    int lock = -1, ready[2];
    assert_int_equal(pipe(ready), 0);
    (void)home_of("ann", home);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (client_home_lock(home, 0, &lock, NULL)) _exit(1);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        (void)usleep(200 * 1000);
        _exit(0);
    }
    assert_int_equal(read(ready[0], done, 1), 1);
    assert_int_equal(client_home_lock(home, 0, &lock, NULL), SAT_ERR_IN_USE);
    assert_int_equal(client_home_lock(home, 5000, &lock, NULL), SAT_OK);
    (void)close(lock);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void copy_home(const char *from, const char *to)
{
    char command[300], a[128], b[128];
    (void)snprintf(command, sizeof command, "cp -r %s %s", home_of(from, a), home_of(to, b));
    assert_int_equal(system(command), 0);
}

static void damage(const char *home, const char *name, size_t at)
{
    char path[200], directory[128];
    (void)snprintf(path, sizeof path, "%s/%s", home_of(home, directory), name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite("\xff\xff\xff\xff", 4, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

static void a_damaged_or_missing_keyring_or_store_is_told_from_a_wrong_passphrase(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *satchel;
    char path[200], home[128];
    copy_home("ann", "damaged");
    damage("damaged", "keyring", 0);
    assert_int_not_equal(open_home_with("damaged", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "keyring");
    (void)snprintf(path, sizeof path, "%s/keyring", home_of("damaged", home));
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(open_home_with("damaged", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "the keyring is missing in");
    assert_error("corrupt", 5, "restore the file keyring from a backup");
    options.passphrase.len = 0; /* there is nothing that one would open: nobody is asked for it first */
    assert_int_not_equal(open_home_with("damaged", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "keyring");
    options = test_options();
    copy_home("ann", "storeless");
    (void)snprintf(path, sizeof path, "%s/store.db", home_of("storeless", home));
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(open_home_with("storeless", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "store.db, is missing");
    assert_error("corrupt", 5, "restore store.db from a backup");
}

static void put_file_of(const char *from, const char *name, const char *to)
{
    char command[400], a[128], b[128];
    (void)snprintf(command, sizeof command, "cp %s/%s %s/%s", home_of(from, a), name, home_of(to, b), name);
    assert_int_equal(system(command), 0);
}

/* Keyrings that are whole and open by the right passphrase, beside a store that is not theirs. */
static void a_keyring_of_another_home_is_named_as_such(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *satchel = NULL;
    char *code = invite_bob(0), home[128];
    assert_int_equal(join_with("bobs", code, &satchel), SATCHEL_OK);
    satchel_close(satchel);
    satchel_free(code);
    copy_home("ann", "mixed");
    put_file_of("bobs", "keyring", "mixed");
    assert_int_not_equal(open_home_with("mixed", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "belongs to another device than its store");
    assert_error("corrupt", 5, "backup");

    struct sat_keyring *keyring;
    struct sat_entropy entropy = sat_entropy_system();
    struct sat_hash org = {{1}};
    struct sat_buf file;
    sat_buf_init(&file);
    assert_int_equal(sat_keyring_new(&entropy, &keyring), SAT_OK);
    sat_keyring_set_member(keyring, &org, 1);
    assert_int_equal(sat_keyring_seal(keyring, sat_span_text(PASSPHRASE), sat_keyring_cost_minimum(), &entropy, &file),
                     SAT_OK);
    assert_int_equal(client_home_write(home_of("mixed", home), "keyring", sat_buf_span(&file), NULL), SAT_OK);
    assert_int_not_equal(open_home_with("mixed", &options, &satchel), SATCHEL_OK);
    assert_error("corrupt", 5, "belongs to another organisation than its store");
    sat_buf_deinit(&file);
    sat_keyring_free(keyring);

    put_file_of("ann", "keyring", "mixed"); /* the one of the two that was there */
    assert_int_equal(open_home_with("mixed", &options, &satchel), SATCHEL_OK);
    satchel_close(satchel);
}

static void secrets_are_for_their_owner_alone(void **state)
{
    (void)state;
    static const char *const files[] = {"", "keyring", "store.db", "store.db-wal", "store.db-shm", "lock"};
    struct satchel *ann = open_ann(); /* SQLite's files beside the store are there while it is open */
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[200], home[128];
        struct stat info;
        (void)snprintf(path, sizeof path, "%s/%s", home_of("ann", home), files[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 077, 0);
    }
    satchel_close(ann);
}

/* ---- Addresses ---- */

static void assert_address(const char *url, const char *host, uint16_t port, bool tls, const char *base)
{
    struct client_address address;
    struct sat_fault fault = {0};
    if (client_address_parse(url, &address, &fault)) fail_msg("%s: %s", url, fault.text);
    assert_string_equal(address.host, host);
    assert_int_equal(address.port, port);
    assert_int_equal(address.tls, tls);
    assert_string_equal(address.base, base);
}

static void a_servers_address_is_read_and_goes_without_tls_to_this_machine_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "server.test",
        "https://server.test",
        "wss://",
        "wss://:1",
        "wss://server.test:0",
        "wss://server.test:65536",
        "wss://server.test:1x",
        "wss://user@server.test",
        "wss://server.test/a?b",
        "wss://server.test/\r\nHost: other",
        "wss://[::1",
        "ws://server.test",
        "ws://127.example.org",
        "ws://10.0.0.1",
    };
    struct client_address address;
    assert_address("wss://server.test", "server.test", 443, true, "");
    assert_address("WSS://server.test:8443/", "server.test", 8443, true, "");
    assert_address("wss://server.test/field/day/", "server.test", 443, true, "/field/day");
    assert_address("wss://[2001:db8::1]:7", "2001:db8::1", 7, true, "");
    assert_address("ws://127.0.0.1:80", "127.0.0.1", 80, false, "");
    assert_address("ws://localhost", "localhost", 80, false, "");
    assert_address("ws://[::1]:9", "::1", 9, false, "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!client_address_parse(bad[i], &address, NULL)) fail_msg("%s was taken", bad[i]);
}

/* ---- The recovery kit ---- */

static void the_kits_page_has_all_that_is_needed_and_a_checksum(void **state)
{
    (void)state;
    static const uint8_t seed[SAT_KIT_SEED_BYTES] = {0xab, 0xcd, 0xef};
    struct client_kit kit = {
        .org_name = "Northwind", .server_url = "wss://server.test", .org = {{0x11}}, .server = {{0x22}}};
    char *page = client_kit_page(&kit, seed);
    assert_non_null(strstr(page, "Northwind"));
    assert_non_null(strstr(page, "wss://server.test"));
    assert_non_null(strstr(page, "1100000000000000"));
    assert_non_null(strstr(page, "2200000000000000"));
    assert_non_null(strstr(page, "    abcd ef00 0000 0000 0000 0000\n"));
    free(page);
    struct sat_kit_keys keys, again;
    sat_kit_keys_derive(seed, &keys);
    sat_kit_keys_derive(seed, &again);
    assert_memory_equal(&keys, &again, sizeof keys);
    assert_memory_not_equal(keys.sign_public.b, keys.box_public.b, 32);
}

/* ---- Files ---- */

static void a_file_is_replaced_whole(void **state)
{
    (void)state;
    struct sat_buf buf;
    sat_buf_init(&buf);
    assert_int_equal(client_home_write(the_world.directory, "file", sat_span_text("first"), NULL), SAT_OK);
    assert_int_equal(client_home_write(the_world.directory, "file", sat_span_text("second"), NULL), SAT_OK);
    assert_int_equal(client_home_read(the_world.directory, "file", 100, &buf, NULL), SAT_OK);
    assert_true(sat_span_equal(sat_buf_span(&buf), sat_span_text("second")));
    assert_false(client_home_has(the_world.directory, "file.new"));
    sat_buf_clear(&buf);
    assert_int_equal(client_home_read(the_world.directory, "file", 3, &buf, NULL), SAT_ERR_TOO_LARGE);
    sat_buf_clear(&buf);
    assert_int_equal(client_home_read(the_world.directory, "none", 3, &buf, NULL), SAT_ERR_NOT_FOUND);
    sat_buf_deinit(&buf);
}

static void a_new_home_is_made_in_an_empty_place_only(void **state)
{
    (void)state;
    char home[128], file[200];
    bool made = false;
    struct sat_fault fault = {0};
    assert_int_equal(client_home_make(home_of("fresh", home), &made, NULL), SAT_OK);
    assert_true(made);
    assert_int_equal(client_home_make(home, &made, NULL), SAT_OK);
    assert_false(made);
    (void)snprintf(file, sizeof file, "%s/letter.txt", home);
    FILE *letter = fopen(file, "w");
    assert_non_null(letter);
    (void)fclose(letter);
    assert_int_equal(client_home_make(home, &made, &fault), SAT_ERR_EXISTS);
    assert_non_null(strstr(fault.text, "letter.txt"));
    client_home_remove(home, true);
    assert_int_equal(access(file, F_OK), 0);
}

static void what_an_attempt_without_a_keyring_left_is_no_obstacle(void **state)
{
    (void)state;
    char home[128];
    bool made = false;
    struct satchel *bob;
    assert_int_equal(client_home_make(home_of("begun", home), &made, NULL), SAT_OK);
    assert_int_equal(client_home_write(home, "keyring.new", sat_span_text("half"), NULL), SAT_OK);
    char *code = invite_bob(0);
    assert_int_equal(join_with("begun", code, &bob), SATCHEL_OK);
    satchel_free(code);
    satchel_close(bob);
    assert_false(client_home_has(home, "keyring.new"));
}

/* ---- What is no file ---- */

static void link_to(const char *home, const char *name, const char *target)
{
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    (void)unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void a_link_in_the_place_of_a_file_is_refused(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *ann = NULL;
    struct stat info;
    char home[128], target[200];
    copy_home("ann", "linked");
    (void)snprintf(target, sizeof target, "%s/elsewhere", the_world.directory);
    assert_int_equal(client_home_write(the_world.directory, "elsewhere", sat_span_text("precious"), NULL), SAT_OK);
    link_to(home_of("linked", home), "lock", target);
    assert_int_not_equal(open_home_with("linked", &options, &ann), SATCHEL_OK);
    assert_error("config", 7, "is a link");
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 8); /* it was not emptied for a lock */
    char lock[200];
    (void)snprintf(lock, sizeof lock, "%s/lock", home);
    (void)unlink(lock);
    char moved[200], keyring[200];
    (void)snprintf(keyring, sizeof keyring, "%s/keyring", home);
    (void)snprintf(moved, sizeof moved, "%s/stick", the_world.directory);
    assert_int_equal(rename(keyring, moved), 0);
    link_to(home, "keyring", moved);
    assert_int_not_equal(open_home_with("linked", &options, &ann), SATCHEL_OK);
    assert_error("config", 7, "put the file itself there");
    struct satchel_passphrase_options new_one = {.new_passphrase = {"another", 7}};
    assert_int_not_equal(satchel_passphrase_set(home, &options, &new_one, &error), SATCHEL_OK);
    assert_error("config", 7, "is a link"); /* and the one that it leads to is not forgotten under the old passphrase */
    (void)unlink(keyring);
    assert_int_equal(mkfifo(keyring, 0600), 0);
    assert_int_not_equal(open_home_with("linked", &options, &ann), SATCHEL_OK);
    assert_error("config", 7, "is no file");
}

static void a_home_behind_a_link_is_a_home(void **state)
{
    (void)state;
    struct satchel_open_options options = test_options();
    struct satchel *ann = NULL;
    char home[128];
    link_to(the_world.directory, "link", home_of("ann", home));
    assert_int_equal(open_home_with("link", &options, &ann), SATCHEL_OK);
    satchel_close(ann);
}

/* ---- Creating and joining ---- */

static void what_failed_to_be_created_leaves_nothing(void **state)
{
    (void)state;
    char home[128], *kit = NULL;
    struct satchel *satchel;
    struct satchel_open_options open_options = test_options();
    struct satchel_create_options options = {.server_url = "wss://server.test:1",
                                             .pin = the_world.pin,
                                             .token = {"t", 1},
                                             .org_name = "Other",
                                             .user_name = "Eve",
                                             .recovery_kit = &kit};
    the_world.down = true;
    assert_int_not_equal(satchel_org_create(home_of("other", home), &open_options, &options, &satchel, &error),
                         SATCHEL_OK);
    the_world.down = false;
    assert_error("unreachable", 3, "reached");
    assert_false(exists("other"));
    assert_null(kit);
    options.pin = "abc";
    assert_int_not_equal(satchel_org_create(home, &open_options, &options, &satchel, &error), SATCHEL_OK);
    assert_error("invalid", 2, "pin");
    options.pin = the_world.pin;
    options.server_url = "http://server.test";
    assert_int_not_equal(satchel_org_create(home, &open_options, &options, &satchel, &error), SATCHEL_OK);
    assert_error("invalid", 2, "wss://");
    assert_int_not_equal(satchel_org_create(home_of("ann", home), &open_options,
                                            &(struct satchel_create_options){.server_url = "wss://server.test:1",
                                                                             .pin = the_world.pin,
                                                                             .token = {"t", 1},
                                                                             .org_name = "O",
                                                                             .user_name = "E",
                                                                             .recovery_kit = &kit},
                                            &satchel, &error),
                         SATCHEL_OK);
    assert_error("exists", 2, "home already");
}

/* The kit's page is to be on paper, so to say, before there is something that it opens. */
static int keep_page(void *context, const char *page)
{
    assert_non_null(strstr(page, "RECOVERY KIT"));
    assert_int_equal(the_world.asked_n, 0);
    copy_home("third", "cut-off"); /* as the machine finds it that stops here */
    return *(const int *)context;
}

static void a_kit_is_kept_before_there_is_an_organisation(void **state)
{
    (void)state;
    char home[128];
    int refuses = 1;
    struct satchel *satchel;
    struct satchel_open_options open_options = test_options();
    struct satchel_create_options options = {.server_url = "wss://server.test:1",
                                             .pin = the_world.pin,
                                             .token = {"t", 1},
                                             .org_name = "Third",
                                             .user_name = "Eve",
                                             .keep_kit = keep_page,
                                             .context = &refuses};
    the_world.asked_n = 0;
    assert_int_not_equal(satchel_org_create(home_of("third", home), &open_options, &options, &satchel, &error),
                         SATCHEL_OK);
    assert_error("io", 7, "nothing was done");
    assert_int_equal(the_world.asked_n, 0);
    assert_false(exists("third"));
    assert_int_not_equal(open_home_with("cut-off", &open_options, &satchel), SATCHEL_OK);
    assert_error("not_found", 2, "has not finished creating its organisation");
}

static void an_invite_lets_one_device_in(void **state)
{
    (void)state;
    char *code = invite_bob(0);
    struct satchel *bob, *second;
    assert_int_equal(join_with("bob", code, &bob), SATCHEL_OK);
    char id[SATCHEL_ID_SIZE] = "";
    (void)sync_now(bob);
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    (void)sync_now(bob);
    satchel_close(bob);
    assert_int_not_equal(join_with("second", code, &second), SATCHEL_OK);
    assert_error("invite_used", 4, "used");
    assert_false(exists("second"));
    satchel_free(code);
}

static void a_damaged_code_is_told_before_anything_is_made(void **state)
{
    (void)state;
    char *code = invite_bob(0);
    struct satchel *bob;
    code[40] = code[40] == 'A' ? 'B' : 'A';
    assert_int_not_equal(join_with("damaged-code", code, &bob), SATCHEL_OK);
    assert_error("invalid", 2, "damaged");
    assert_false(exists("damaged-code"));
    assert_int_not_equal(join_with("damaged-code", "hello", &bob), SATCHEL_OK);
    assert_error("invalid", 2, "no invite code");
    satchel_free(code);
}

static void an_expired_invite_is_refused(void **state)
{
    (void)state;
    char *code = invite_bob(400);
    struct satchel *bob;
    (void)usleep(500 * 1000);
    assert_int_not_equal(join_with("late", code, &bob), SATCHEL_OK);
    assert_error("invite_expired", 4, "expired");
    assert_false(exists("late"));
    satchel_free(code);
}

/* The connection is cut after every number of messages in turn: wherever it happens, the same code finishes the
 * join, and there is one device. */
static void a_join_that_is_cut_anywhere_is_finished_by_the_same_code(void **state)
{
    (void)state;
    uint32_t cut_n = 0;
    for (int cut_after = 0; cut_after < 12; cut_after++) {
        char *code = invite_bob(0), name[32], id[SATCHEL_ID_SIZE] = "";
        struct satchel *bob = NULL;
        uint32_t before = sat_host_directory(the_world.host)->devices_n;
        (void)snprintf(name, sizeof name, "cut-%d", cut_after);
        the_world.cut_after = cut_after;
        int failed = join_with(name, code, &bob);
        the_world.cut_after = -1;
        if (failed) {
            cut_n++;
            assert_string_equal(error.name, "closed");
            failed = join_with(name, code, &bob);
            if (failed) print_error("cut after %d: %s\n", cut_after, error.message);
        }
        assert_int_equal(failed, SATCHEL_OK);
        assert_int_equal(sat_host_directory(the_world.host)->devices_n, before + 1);
        (void)sync_now(bob);
        put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
        (void)sync_now(bob);
        satchel_close(bob);
        satchel_free(code);
    }
    assert_true(cut_n >= 3);
}

static void an_unfinished_join_says_so_when_it_is_opened(void **state)
{
    (void)state;
    char *code = invite_bob(0);
    struct satchel_open_options options = test_options();
    struct satchel *bob = NULL;
    for (int cut_after = 1; cut_after < 12 && !exists("unfinished"); cut_after++) {
        the_world.cut_after = cut_after;
        (void)!join_with("unfinished", code, &bob);
        the_world.cut_after = -1;
        satchel_close(bob);
    }
    assert_true(exists("unfinished"));
    assert_int_not_equal(open_home_with("unfinished", &options, &bob), SATCHEL_OK);
    assert_error("not_found", 2, "join again");
    assert_int_equal(join_with("unfinished", code, &bob), SATCHEL_OK);
    satchel_close(bob);
    satchel_free(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_there_is_no_home_none_is_found),
        cmocka_unit_test(without_or_with_a_wrong_passphrase_it_stays_locked),
        cmocka_unit_test(two_handles_do_not_have_one_home_and_the_second_is_told_who_has),
        cmocka_unit_test(who_waits_gets_the_home_when_the_other_process_is_done),
        cmocka_unit_test(a_damaged_or_missing_keyring_or_store_is_told_from_a_wrong_passphrase),
        cmocka_unit_test(a_keyring_of_another_home_is_named_as_such),
        cmocka_unit_test(secrets_are_for_their_owner_alone),
        cmocka_unit_test(a_servers_address_is_read_and_goes_without_tls_to_this_machine_alone),
        cmocka_unit_test(the_kits_page_has_all_that_is_needed_and_a_checksum),
        cmocka_unit_test(a_file_is_replaced_whole),
        cmocka_unit_test(a_new_home_is_made_in_an_empty_place_only),
        cmocka_unit_test(a_link_in_the_place_of_a_file_is_refused),
        cmocka_unit_test(a_home_behind_a_link_is_a_home),
        cmocka_unit_test(what_an_attempt_without_a_keyring_left_is_no_obstacle),
        cmocka_unit_test(what_failed_to_be_created_leaves_nothing),
        cmocka_unit_test(a_kit_is_kept_before_there_is_an_organisation),
        cmocka_unit_test(an_invite_lets_one_device_in),
        cmocka_unit_test(a_damaged_code_is_told_before_anything_is_made),
        cmocka_unit_test(an_expired_invite_is_refused),
        cmocka_unit_test(a_join_that_is_cut_anywhere_is_finished_by_the_same_code),
        cmocka_unit_test(an_unfinished_join_says_so_when_it_is_opened),
    };
    return cmocka_run_group_tests_name("home", tests, make_org, drop_client_world);
}
