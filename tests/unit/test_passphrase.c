/* Changing passphrases: the keyring is wrapped anew and nothing else happens, wherever the machine stops. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/home.h"
#include "tests/unit/client_world.h"

/* ---- The system's calls, which can be made to fail, or to be the last thing that happens ---- */

enum { CRASHED = 99 };

static struct {
    bool watched;
    int fail_at, crash_at; /* the n-th call, from 1; 0: none */
    int number;            /* what fails with */
    char trace[64];        /* a letter for each call */
    int n;
} calls;

/* True: the call fails. Before it, or behind it, the process may end. */
static bool is_call(char letter)
{
    if (!calls.watched) return false;
    if ((size_t)calls.n < sizeof calls.trace - 1) calls.trace[calls.n] = letter;
    calls.n++;
    if (calls.n == calls.crash_at) _exit(CRASHED);
    if (calls.n != calls.fail_at) return false;
    errno = calls.number;
    return true;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (!calls.watched) return syscall(SYS_write, fd, bytes, len);
    if (is_call('w')) return -1;
    size_t half = len > 1 ? len / 2 : len; /* in pieces, so that it can end between them */
    return syscall(SYS_write, fd, bytes, half);
}

int fsync(int fd)
{
    return is_call('s') ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return is_call('r') ? -1 : (int)syscall(SYS_renameat2, -100, from, -100, to, 0);
}

static void watch(int fail_at, int crash_at, int number)
{
    memset(&calls, 0, sizeof calls);
    calls.watched = true;
    calls.fail_at = fail_at;
    calls.crash_at = crash_at;
    calls.number = number;
}

/* ---- Homes ---- */

static struct satchel_error error;

static const char OTHER[] = "battery staple", OWN[] = "the admin's own";

static struct satchel_bytes text(const char *passphrase)
{
    return (struct satchel_bytes){passphrase, strlen(passphrase)};
}

/* A fresh copy of Ann's home, as it was made: an admin's, both sections under PASSPHRASE. */
static const char *fresh_home(char home[128])
{
    char command[300], from[128];
    (void)snprintf(command, sizeof command, "rm -rf %s && cp -rp %s %s", home_of("copy", home), home_of("ann", from),
                   home);
    assert_int_equal(system(command), 0);
    return home;
}

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    struct satchel *bob = join_as(ann, "Bob", "bob");
    satchel_close(bob);
    satchel_close(ann);
    return 0;
}

/* NULL: not the admin's. */
static int set_weak(const char *home, const char *passphrase, const char *admin, const char *new_, bool of_admin)
{
    struct satchel_open_options present = {.passphrase = text(passphrase), .weak_kdf = 1};
    if (admin) present.admin_passphrase = text(admin);
    struct satchel_passphrase_options options = {.new_passphrase = text(new_), .admin = of_admin};
    return satchel_passphrase_set(home, &present, &options, &error);
}

/* The error's name; "ok": it opens. */
static const char *opens_by(const char *home, const char *passphrase, const char *admin)
{
    struct satchel_open_options options = {.passphrase = text(passphrase)};
    if (admin) options.admin_passphrase = text(admin);
    struct satchel *satchel = NULL;
    struct satchel_error why;
    if (satchel_open(home, &options, &satchel, &why)) return why.name;
    bool locked = satchel_admin_locked(satchel);
    satchel_close(satchel);
    return locked ? "everyday" : "ok";
}

static struct sat_buf bytes_of(const char *home, const char *name)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    assert_int_equal(client_home_read(home, name, 64 << 20, &bytes, NULL), SAT_OK);
    return bytes;
}

static bool same_bytes(const struct sat_buf *a, const struct sat_buf *b)
{
    return sat_span_equal(sat_buf_span(a), sat_buf_span(b));
}

static void assert_error(const char *name, int exit_code, const char *part)
{
    assert_string_equal(error.name, name);
    assert_int_equal(error.exit_code, exit_code);
    if (!strstr(error.message, part)) fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

/* Where the sections lie in an admin's keyring. */
enum { DEVICE_AT = 17, ADMIN_AT = DEVICE_AT + 61 + 196 + 16 + 1, ADMIN_BYTES = 61 + 64 + 16, OPS_AT = 1, MEM_AT = 9 };

static uint64_t u64_at(const struct sat_buf *file, size_t at)
{
    uint64_t v = 0;
    for (int i = 8; i-- > 0;) v = v << 8 | file->at[at + (size_t)i];
    return v;
}

/* ---- What changes ---- */

static void it_wraps_the_keyring_and_nothing_else(void **state)
{
    (void)state;
    char home[128];
    struct sat_keyring *before, *after;
    struct sat_buf store = bytes_of(fresh_home(home), "store.db"), keyring = bytes_of(home, "keyring");
    assert_int_equal(set_weak(home, PASSPHRASE, NULL, OTHER, false), SATCHEL_OK);
    struct sat_buf store_now = bytes_of(home, "store.db"), keyring_now = bytes_of(home, "keyring");
    assert_true(same_bytes(&store, &store_now));
    assert_false(client_home_has(home, "store.db-wal"));
    assert_false(client_home_has(home, "keyring.new"));
    assert_false(same_bytes(&keyring, &keyring_now));
    assert_int_equal(sat_keyring_open(sat_buf_span(&keyring), sat_span_text(PASSPHRASE), &before), SAT_OK);
    assert_int_equal(sat_keyring_open(sat_buf_span(&keyring_now), sat_span_text(OTHER), &after), SAT_OK);
    assert_int_equal(sat_keyring_open_admin(before, sat_span_text(PASSPHRASE)), SAT_OK);
    assert_int_equal(sat_keyring_open_admin(after, sat_span_text(OTHER)), SAT_OK);
    assert_memory_equal(sat_keyring_secrets(before), sat_keyring_secrets(after), sizeof(struct sat_keyring_secrets));
    assert_string_equal(opens_by(home, OTHER, NULL), "ok");
    assert_string_equal(opens_by(home, PASSPHRASE, NULL), "wrong_passphrase");
    sat_keyring_free(before);
    sat_keyring_free(after);
    sat_buf_deinit(&store);
    sat_buf_deinit(&store_now);
    sat_buf_deinit(&keyring);
    sat_buf_deinit(&keyring_now);
}

static void what_cannot_be_changed_stays(void **state)
{
    (void)state;
    char home[128], bob[128];
    struct sat_buf before = bytes_of(fresh_home(home), "keyring");
    static char long_one[SATCHEL_PASSPHRASE_BYTES_MAX + 2];
    memset(long_one, 'x', sizeof long_one - 1);
    assert_int_not_equal(set_weak(home, "wrong", NULL, OTHER, false), SATCHEL_OK);
    assert_error("wrong_passphrase", 6, "wrong passphrase");
    assert_int_not_equal(set_weak(home, "", NULL, OTHER, false), SATCHEL_OK);
    assert_error("locked", 6, "no passphrase");
    assert_int_not_equal(set_weak(home, PASSPHRASE, NULL, "", false), SATCHEL_OK);
    assert_error("invalid", 2, "empty");
    assert_int_not_equal(set_weak(home, PASSPHRASE, NULL, long_one, false), SATCHEL_OK);
    assert_error("too_large", 2, "4096");
    assert_int_not_equal(set_weak(home_of("nowhere", bob), PASSPHRASE, NULL, OTHER, false), SATCHEL_OK);
    assert_error("not_found", 2, "nowhere");
    assert_int_not_equal(set_weak(home_of("bob", bob), PASSPHRASE, NULL, OTHER, true), SATCHEL_OK);
    assert_error("not_found", 2, "no admin's key");
    struct satchel_open_options present = {.passphrase = text(PASSPHRASE), .weak_kdf = 1};
    struct satchel_passphrase_options check = {.only_check = 1};
    assert_int_equal(satchel_passphrase_set(home, &present, &check, &error), SATCHEL_OK);
    struct satchel *ann = NULL;
    assert_int_equal(satchel_open(home, &present, &ann, &error), SATCHEL_OK);
    assert_int_not_equal(set_weak(home, PASSPHRASE, NULL, OTHER, false), SATCHEL_OK);
    assert_error("in_use", 7, "process");
    satchel_close(ann);
    struct sat_buf after = bytes_of(home, "keyring");
    assert_true(same_bytes(&before, &after));
    sat_buf_deinit(&before);
    sat_buf_deinit(&after);
}

/* ---- The admin's own ---- */

static void an_admins_key_gets_a_passphrase_of_its_own(void **state)
{
    (void)state;
    char home[128];
    (void)fresh_home(home);
    assert_int_equal(set_weak(home, PASSPHRASE, NULL, OWN, true), SATCHEL_OK);
    assert_string_equal(opens_by(home, PASSPHRASE, NULL), "everyday");
    assert_string_equal(opens_by(home, PASSPHRASE, OWN), "ok");
    assert_string_equal(opens_by(home, OWN, NULL), "wrong_passphrase");
    assert_string_equal(opens_by(home, PASSPHRASE, "wrong"), "wrong_passphrase");

    struct satchel_open_options options = {.passphrase = text(PASSPHRASE)};
    struct satchel *ann = NULL;
    assert_int_equal(satchel_open(home, &options, &ann, &error), SATCHEL_OK);
    must_fail(ann, satchel_user_add(ann, "Carl", "rep"), "locked", "admin");
    (void)sync_now(ann); /* everyday work goes on */
    must_fail(ann, satchel_admin_unlock(ann, text(PASSPHRASE)), "wrong_passphrase", "admin key");
    must(ann, satchel_admin_unlock(ann, text(OWN)));
    assert_false(satchel_admin_locked(ann));
    must(ann, satchel_user_add(ann, "Carl", "rep"));
    satchel_close(ann);
}

static void everyday_leaves_the_key_wrapped_until_it_is_unlocked(void **state)
{
    (void)state;
    char home[128];
    struct satchel_open_options options = {.passphrase = text(PASSPHRASE), .everyday = 1};
    struct satchel *satchel = NULL;
    assert_int_equal(satchel_open(fresh_home(home), &options, &satchel, &error), SATCHEL_OK);
    assert_true(satchel_admin_locked(satchel));
    must(satchel, satchel_admin_unlock(satchel, text(PASSPHRASE)));
    must(satchel, satchel_admin_unlock(satchel, text("whatever"))); /* open already */
    satchel_close(satchel);
    assert_int_equal(satchel_open(home_of("bob", home), &options, &satchel, &error), SATCHEL_OK);
    assert_false(satchel_admin_locked(satchel));
    must_fail(satchel, satchel_admin_unlock(satchel, text(PASSPHRASE)), "not_found", "no admin's key");
    satchel_close(satchel);
}

static void each_of_the_two_is_changed_alone(void **state)
{
    (void)state;
    char home[128];
    struct sat_buf first = bytes_of(fresh_home(home), "keyring");
    assert_int_equal(set_weak(home, PASSPHRASE, NULL, OWN, true), SATCHEL_OK);
    struct sat_buf second = bytes_of(home, "keyring");
    assert_memory_equal(first.at, second.at, ADMIN_AT); /* the device's section, to the byte */
    assert_memory_not_equal(first.at + ADMIN_AT, second.at + ADMIN_AT, ADMIN_BYTES);
    assert_int_equal(set_weak(home, PASSPHRASE, NULL, OTHER, false), SATCHEL_OK);
    struct sat_buf third = bytes_of(home, "keyring");
    assert_memory_not_equal(second.at, third.at, ADMIN_AT);
    assert_memory_equal(second.at + ADMIN_AT, third.at + ADMIN_AT, ADMIN_BYTES);
    assert_string_equal(opens_by(home, OTHER, OWN), "ok");
    assert_string_equal(opens_by(home, OTHER, NULL), "everyday");

    assert_int_not_equal(set_weak(home, OTHER, NULL, "more", true), SATCHEL_OK);
    assert_error("locked", 6, "of its own");
    assert_int_not_equal(set_weak(home, OTHER, "wrong", "more", true), SATCHEL_OK);
    assert_error("wrong_passphrase", 6, "admin key");
    assert_int_equal(set_weak(home, OTHER, OWN, "more", true), SATCHEL_OK);
    assert_string_equal(opens_by(home, OTHER, "more"), "ok");
    assert_string_equal(opens_by(home, OTHER, OWN), "wrong_passphrase");

    assert_int_equal(set_weak(home, OTHER, "more", OTHER, true), SATCHEL_OK); /* one opens both again, and */
    assert_string_equal(opens_by(home, OTHER, NULL), "ok");
    assert_int_equal(set_weak(home, OTHER, NULL, PASSPHRASE, false), SATCHEL_OK); /* both go along */
    assert_string_equal(opens_by(home, PASSPHRASE, NULL), "ok");
    sat_buf_deinit(&first);
    sat_buf_deinit(&second);
    sat_buf_deinit(&third);
}

/* Set up before the key has one: the home's is taken, so that the first change needs no other settings. */
static void a_passphrase_for_the_admin_that_is_not_set_yet_is_no_obstacle(void **state)
{
    (void)state;
    char home[128];
    (void)fresh_home(home);
    assert_string_equal(opens_by(home, PASSPHRASE, OWN), "ok");
    assert_int_equal(set_weak(home, PASSPHRASE, OWN, OWN, true), SATCHEL_OK);
    assert_string_equal(opens_by(home, PASSPHRASE, NULL), "everyday");
}

/* ---- The cost ---- */

static void a_keyring_of_a_lower_cost_is_brought_to_todays(void **state)
{
    (void)state;
    char home[128];
    struct sat_keyring_cost today = sat_keyring_cost_default(), least = sat_keyring_cost_minimum();
    struct sat_buf file = bytes_of(fresh_home(home), "keyring");
    assert_int_equal(u64_at(&file, DEVICE_AT + OPS_AT), least.ops);
    assert_int_equal(u64_at(&file, DEVICE_AT + MEM_AT), least.mem_bytes);
    struct satchel_open_options present = {.passphrase = text(PASSPHRASE)};
    struct satchel_passphrase_options same = {.new_passphrase = text(PASSPHRASE)};
    assert_int_equal(satchel_passphrase_set(home, &present, &same, &error), SATCHEL_OK);
    sat_buf_deinit(&file);
    file = bytes_of(home, "keyring");
    static const size_t sections[] = {DEVICE_AT, ADMIN_AT};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(u64_at(&file, sections[i] + OPS_AT), today.ops);
        assert_int_equal(u64_at(&file, sections[i] + MEM_AT), today.mem_bytes);
    }
    sat_buf_deinit(&file);
    assert_string_equal(opens_by(home, PASSPHRASE, NULL), "ok");
}

static void a_higher_cost_stays(void **state)
{
    (void)state;
    char home[128];
    struct sat_keyring_cost dear = {.ops = 3, .mem_bytes = 1 << 20};
    struct sat_keyring *keyring;
    struct sat_entropy entropy = sat_entropy_system();
    struct sat_buf file = bytes_of(fresh_home(home), "keyring"), sealed;
    sat_buf_init(&sealed);
    assert_int_equal(sat_keyring_open(sat_buf_span(&file), sat_span_text(PASSPHRASE), &keyring), SAT_OK);
    assert_int_equal(sat_keyring_seal(keyring, sat_span_text(PASSPHRASE), dear, &entropy, &sealed), SAT_OK);
    assert_int_equal(client_home_write(home, "keyring", sat_buf_span(&sealed), NULL), SAT_OK);
    sat_keyring_free(keyring);
    struct satchel_open_options present = {.passphrase = text(PASSPHRASE)};
    struct satchel_passphrase_options options = {.new_passphrase = text(OTHER)};
    assert_int_equal(satchel_passphrase_set(home, &present, &options, &error), SATCHEL_OK);
    sat_buf_deinit(&file);
    file = bytes_of(home, "keyring");
    assert_int_equal(u64_at(&file, DEVICE_AT + OPS_AT), 3);
    assert_int_equal(u64_at(&file, DEVICE_AT + MEM_AT), sat_keyring_cost_default().mem_bytes);
    sat_buf_deinit(&file);
    sat_buf_deinit(&sealed);
}

/* ---- Power cuts and full disks ---- */

static void it_is_synced_before_it_takes_the_name_and_the_name_after(void **state)
{
    (void)state;
    char home[128];
    (void)fresh_home(home);
    watch(0, 0, 0);
    int failed = set_weak(home, PASSPHRASE, NULL, OTHER, false);
    calls.watched = false;
    assert_int_equal(failed, SATCHEL_OK);
    const char *trace = calls.trace + strspn(calls.trace, "w");
    assert_true(trace > calls.trace);
    assert_string_equal(trace, "srs");
}

static void a_crash_at_any_step_leaves_a_keyring_that_opens(void **state)
{
    (void)state;
    char home[128];
    int crashed_n = 0, new_n = 0;
    for (int step = 1;; step++) {
        (void)fresh_home(home);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            watch(0, step, 0);
            _exit(set_weak(home, PASSPHRASE, NULL, OTHER, false) ? 1 : 0);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 1);
        bool old = strcmp(opens_by(home, PASSPHRASE, NULL), "ok") == 0;
        bool new_ = strcmp(opens_by(home, OTHER, NULL), "ok") == 0;
        assert_true(old != new_);
        assert_false(client_home_has(home, "keyring.new")); /* the next opening tidied up */
        new_n += new_;
        if (WEXITSTATUS(status) == 0) break;
        crashed_n++;
    }
    assert_true(crashed_n >= 4);
    assert_int_equal(new_n, 2); /* before the directory was synced, and not at all */
}

static void a_step_that_fails_leaves_the_old_one(void **state)
{
    (void)state;
    char home[128];
    bool done = false;
    for (int step = 1; !done; step++) {
        (void)fresh_home(home);
        watch(step, 0, ENOSPC);
        int failed = set_weak(home, PASSPHRASE, NULL, OTHER, false);
        calls.watched = false;
        bool renamed = strchr(calls.trace, 'r') && calls.trace[calls.n - 1] == 's';
        done = !failed;
        assert_string_equal(opens_by(home, renamed ? OTHER : PASSPHRASE, NULL), "ok");
        assert_false(client_home_has(home, "keyring.new"));
        if (failed && renamed)
            assert_error("io", 7, "is replaced");
        else if (failed)
            assert_error("disk_full", 7, "disk is full");
    }
}

static void the_new_file_is_for_its_owner_alone_whatever_was_left_there(void **state)
{
    (void)state;
    char home[128], path[160];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/keyring.new", fresh_home(home));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0666), 0);
    (void)fclose(file);
    mode_t mask = umask(0);
    int failed = set_weak(home, PASSPHRASE, NULL, OTHER, false);
    (void)umask(mask);
    assert_int_equal(failed, SATCHEL_OK);
    (void)snprintf(path, sizeof path, "%s/keyring", home);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_nlink, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_wraps_the_keyring_and_nothing_else),
        cmocka_unit_test(what_cannot_be_changed_stays),
        cmocka_unit_test(an_admins_key_gets_a_passphrase_of_its_own),
        cmocka_unit_test(everyday_leaves_the_key_wrapped_until_it_is_unlocked),
        cmocka_unit_test(each_of_the_two_is_changed_alone),
        cmocka_unit_test(a_passphrase_for_the_admin_that_is_not_set_yet_is_no_obstacle),
        cmocka_unit_test(a_keyring_of_a_lower_cost_is_brought_to_todays),
        cmocka_unit_test(a_higher_cost_stays),
        cmocka_unit_test(it_is_synced_before_it_takes_the_name_and_the_name_after),
        cmocka_unit_test(a_crash_at_any_step_leaves_a_keyring_that_opens),
        cmocka_unit_test(a_step_that_fails_leaves_the_old_one),
        cmocka_unit_test(the_new_file_is_for_its_owner_alone_whatever_was_left_there),
    };
    return cmocka_run_group_tests_name("passphrase", tests, make_org, drop_client_world);
}
