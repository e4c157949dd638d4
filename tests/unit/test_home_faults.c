/* The files beside the store, and power cuts: each call to the system fails in turn, or is the last one before the cut.
 * What a disk has by then is modelled harshly: of a file the bytes at its last fsync (rubbish, if there was none), of a
 * directory either the names at its last fsync or all that were made since. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/home.h"
#include "server/datadir.h"

enum { FILES_MAX = 64, NAMES_MAX = 16, SIZE_MAX_HERE = 256 };
static const char OLD[] = "the old bytes, of which none may be missing",
                  NEW[] = "and the new ones, which are a few more";

/* ---- What is on the disk ---- */

struct disk_file {
    ino_t inode;
    char bytes[SIZE_MAX_HERE];
    size_t len;
};
struct disk_name {
    char name[64];
    ino_t inode;
};
static struct {
    char directory[64];
    bool armed, dead; /* after the cut nothing happens any more */
    uint64_t calls, fails_at;
    int error; /* 0: the power goes */
    struct disk_file files[FILES_MAX];
    uint32_t files_n;
    struct disk_name names[NAMES_MAX];
    uint32_t names_n;
} disk;

static bool goes_wrong(void)
{
    if (!disk.armed) return false;
    if (!disk.dead && ++disk.calls == disk.fails_at) {
        errno = disk.error;
        if (disk.error) return true;
        disk.dead = true;
    }
    if (disk.dead) errno = EIO;
    return disk.dead;
}

static uint32_t list_names(struct disk_name names[NAMES_MAX])
{
    uint32_t n = 0;
    DIR *directory = opendir(disk.directory);
    for (struct dirent *entry; directory && (entry = readdir(directory)) && n < NAMES_MAX;) {
        if (entry->d_type != DT_REG) continue;
        (void)snprintf(names[n].name, sizeof names[n].name, "%.60s", entry->d_name);
        names[n++].inode = entry->d_ino;
    }
    if (directory) (void)closedir(directory);
    return n;
}

static void keep_file(int fd, ino_t inode)
{
    uint32_t i = 0;
    while (i < disk.files_n && disk.files[i].inode != inode) i++;
    if (i == FILES_MAX) abort();
    if (i == disk.files_n) disk.files_n++;
    char path[32]; /* the descriptor may be for writing alone */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    ssize_t len = pread(again, disk.files[i].bytes, SIZE_MAX_HERE, 0);
    (void)syscall(SYS_close, again);
    disk.files[i].inode = inode;
    disk.files[i].len = len < 0 ? 0 : (size_t)len;
}

static void keep(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return;
    if (S_ISDIR(info.st_mode))
        disk.names_n = list_names(disk.names);
    else
        keep_file(fd, info.st_ino);
}

/* ---- The system's calls, in the place of the C library's ---- */

ssize_t write(int fd, const void *bytes, size_t len)
{
    return goes_wrong() ? -1 : syscall(SYS_write, fd, bytes, len);
}

int rename(const char *from, const char *to)
{
    return goes_wrong() ? -1 : (int)syscall(SYS_rename, from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return goes_wrong() ? -1 : (int)syscall(SYS_renameat, from_at, from, to_at, to);
}

int unlink(const char *path)
{
    return goes_wrong() ? -1 : (int)syscall(SYS_unlink, path);
}

int unlinkat(int at, const char *path, int flags)
{
    return goes_wrong() ? -1 : (int)syscall(SYS_unlinkat, at, path, flags);
}

int close(int fd)
{
    int done = (int)syscall(SYS_close, fd);
    return goes_wrong() ? -1 : done;
}

int fsync(int fd)
{
    if (goes_wrong()) return -1;
    int done = (int)syscall(SYS_fsync, fd);
    if (done == 0 && disk.armed) keep(fd);
    return done;
}

int openat(int at, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return goes_wrong() ? -1 : (int)syscall(SYS_openat, at, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return goes_wrong() ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

/* ---- One attempt ---- */

static enum sat_err write_home(const char *bytes)
{
    struct sat_fault fault = {0};
    return client_home_write(disk.directory, "keyring", sat_span_text(bytes), &fault);
}

static enum sat_err write_server(const char *bytes)
{
    struct sat_fault fault = {0};
    int fd = (int)syscall(SYS_openat, AT_FDCWD, disk.directory, O_RDONLY | O_DIRECTORY);
    enum sat_err err = satd_file_write(fd, "keyring", sat_span_text(bytes), &fault);
    (void)syscall(SYS_close, fd);
    return err;
}

static bool is(const struct disk_file *file, const char *bytes)
{
    return file && file->len == strlen(bytes) && memcmp(file->bytes, bytes, file->len) == 0;
}

/* Is `keyring` among these names whole, and which of the two? */
static const char *found_among(const struct disk_name *names, uint32_t n)
{
    const struct disk_file *file = NULL;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t f = 0; f < disk.files_n && strcmp(names[i].name, "keyring") == 0; f++)
            if (disk.files[f].inode == names[i].inode) file = &disk.files[f];
    return is(file, OLD) ? OLD : is(file, NEW) ? NEW : "neither";
}

static void begin(enum sat_err (*attempt)(const char *), bool has_old)
{
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s && mkdir -m 700 %s", disk.directory, disk.directory);
    assert_int_equal(system(command), 0);
    disk.files_n = disk.names_n = 0;
    disk.calls = disk.fails_at = 0;
    disk.dead = false;
    disk.armed = true; /* nothing fails, but what is synced is noted */
    if (has_old) assert_int_equal(attempt(OLD), SAT_OK);
    disk.calls = 0;
}

static void check(enum sat_err err, bool has_old)
{
    struct disk_name now[NAMES_MAX];
    uint32_t n = list_names(now);
    const char *before = has_old ? OLD : "neither"; /* there was none, so there may be none */
    const char *least = found_among(disk.names, disk.names_n), *most = found_among(now, n);
    bool least_good = least == NEW || (least == before && err);
    bool most_good = most == NEW || (most == before && err);
    if (!has_old && strcmp(most, "neither") == 0)
        for (uint32_t i = 0; i < n; i++) most_good = most_good && strcmp(now[i].name, "keyring") != 0;
    if (!least_good || !most_good)
        fail_msg("call %d, error %d: %s; on the disk at least \"%s\", at most \"%s\"", (int)disk.fails_at, disk.error,
                 err ? sat_err_name(err) : "ok", least, most);
}

/* Each call in turn; how many there are is not known before. */
static void fail_each(enum sat_err (*attempt)(const char *), bool has_old, int error)
{
    uint64_t tried = 0;
    for (bool all = false; !all; tried++) {
        begin(attempt, has_old);
        disk.fails_at = tried + 1;
        disk.error = error;
        enum sat_err err = attempt(NEW);
        all = disk.calls < disk.fails_at; /* it came to its end before */
        if (all) assert_int_equal(err, SAT_OK);
        assert_true(!err || sat_err_is_local(err));
        disk.armed = false;
        check(err, has_old);
    }
    assert_true(tried > 5);
}

static int make_directory(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(disk.directory, sizeof disk.directory, "%.40s/faults-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(disk.directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[200];
    (void)snprintf(command, sizeof command, "rm -rf %s", disk.directory);
    return system(command);
}

/* ---- Tests ---- */

static void after_a_power_cut_a_homes_file_is_the_old_one_or_the_new_one(void **state)
{
    (void)state;
    fail_each(write_home, true, 0);
    fail_each(write_home, false, 0);
}

static void a_homes_file_survives_every_failing_call(void **state)
{
    (void)state;
    fail_each(write_home, true, EIO);
    fail_each(write_home, false, EIO);
    fail_each(write_home, true, ENOSPC);
}

static void after_a_power_cut_a_servers_file_is_the_old_one_or_the_new_one(void **state)
{
    (void)state;
    fail_each(write_server, true, 0);
    fail_each(write_server, false, 0);
}

static void a_servers_file_survives_every_failing_call(void **state)
{
    (void)state;
    fail_each(write_server, true, EIO);
    fail_each(write_server, false, EIO);
    fail_each(write_server, true, ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_a_power_cut_a_homes_file_is_the_old_one_or_the_new_one),
        cmocka_unit_test(a_homes_file_survives_every_failing_call),
        cmocka_unit_test(after_a_power_cut_a_servers_file_is_the_old_one_or_the_new_one),
        cmocka_unit_test(a_servers_file_survives_every_failing_call),
    };
    return cmocka_run_group_tests_name("home_faults", tests, make_directory, remove_directory);
}
