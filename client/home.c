#define _GNU_SOURCE
#include "client/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"

/* A push or a pull goes over the same pages again and again: with SQLite's own 2 MiB it reads them from the file. */
enum { LOCK_POLL_MS = 20, STORE_IN_MEMORY_KIB = 8192 };

static const char *const FILES[] = {"view.db",      "archive.db",   "keyring",  "keyring.new", "store.db",
                                    "store.db-wal", "store.db-shm", "wipe.new", "wipe",        "lock"};
enum { FILES_N = sizeof FILES / sizeof FILES[0] };

char *client_home_path(const char *home, const char *name)
{
    size_t size = strlen(home) + 1 + strlen(name) + 1;
    char *path = malloc(size);
    sat_check_memory(path);
    (void)snprintf(path, size, "%s/%s", home, name);
    return path;
}

enum sat_err client_fail_errno(struct sat_fault *fault, const char *what, int number)
{
    switch (number) {
    case EROFS:
    case EACCES:
    case EPERM:
        return sat_fail(fault, SAT_ERR_READ_ONLY, "%s cannot be written: %s", what, strerror(number));
    case ENOSPC:
    case EDQUOT:
        return sat_fail(fault, SAT_ERR_DISK_FULL, "%s: the disk is full", what);
    case ELOOP: /* of ours are files alone: O_NOFOLLOW */
        return sat_fail(fault, SAT_ERR_CONFIG, "%s is a link: put the file itself there", what);
    case ENOTDIR:
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "%s is no directory", what);
    case ENOENT:
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no %s", what);
    default:
        return sat_fail(fault, SAT_ERR_IO, "%s: %s", what, strerror(number));
    }
}

/* ---- The lock ---- */

static long holder_of(int lock)
{
    char text[32] = {0};
    ssize_t len = pread(lock, text, sizeof text - 1, 0);
    return len > 0 ? strtol(text, NULL, 10) : 0;
}

static enum sat_err fail_in_use(struct sat_fault *fault, const char *home, int lock)
{
    long holder = holder_of(lock);
    if (holder > 0) return sat_fail(fault, SAT_ERR_IN_USE, "%s is in use by process %ld", home, holder);
    return sat_fail(fault, SAT_ERR_IN_USE, "%s is in use by another process", home);
}

/* Leaves the process's number behind for whoever is told to wait; that it could not be written stops nobody. */
static void sign_lock(int lock)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool signed_ = ftruncate(lock, 0) == 0 && pwrite(lock, text, (size_t)len, 0) == len;
    (void)signed_;
}

static enum sat_err take_lock(const char *home, uint32_t wait_ms, int lock, struct sat_fault *fault)
{
    for (uint32_t waited_ms = 0;; waited_ms += LOCK_POLL_MS) {
        /* flock and not fcntl: two handles of one process exclude each other too */
        if (flock(lock, LOCK_EX | LOCK_NB) == 0) {
            sign_lock(lock);
            return SAT_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) return client_fail_errno(fault, home, errno);
        if (waited_ms >= wait_ms) return fail_in_use(fault, home, lock);
        struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

/* Is the file that was locked still the one of that name? Who had it before may have removed the home meanwhile. */
static bool is_current(const char *path, int lock)
{
    struct stat named, locked;
    return stat(path, &named) == 0 && fstat(lock, &locked) == 0 && named.st_ino == locked.st_ino &&
           named.st_dev == locked.st_dev;
}

enum sat_err client_home_lock(const char *home, uint32_t wait_ms, int *lock, struct sat_fault *fault)
{
    char *path = client_home_path(home, "lock");
    enum sat_err err = SAT_OK;
    *lock = -1;
    while (!err && *lock < 0) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        err = fd < 0 ? client_fail_errno(fault, errno == ENOENT || errno == ENOTDIR ? home : path, errno)
                     : take_lock(home, wait_ms, fd, fault);
        if (!err && is_current(path, fd))
            *lock = fd;
        else if (fd >= 0)
            (void)close(fd);
    }
    free(path);
    return err;
}

/* ---- The directory ---- */

enum sat_err client_home_check(const char *home, struct sat_fault *fault)
{
    struct stat info;
    if (stat(home, &info) == 0 && S_ISDIR(info.st_mode) &&
        (client_home_has(home, "keyring") || client_home_has(home, "store.db") || client_home_has(home, "wipe")))
        return SAT_OK;
    return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no home in %s: make one with org create or join", home);
}

enum sat_err client_home_check_empty(const char *home, struct sat_fault *fault)
{
    if (client_home_has(home, "keyring"))
        return sat_fail(fault, SAT_ERR_EXISTS, "%s is a home already: choose another directory", home);
    DIR *dir = opendir(home);
    if (!dir) return client_fail_errno(fault, home, errno);
    enum sat_err err = SAT_OK;
    for (struct dirent *entry = readdir(dir); entry && !err; entry = readdir(dir)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lock") == 0) continue;
        if (strcmp(name, "keyring.new") == 0) continue; /* of an attempt that never had a keyring: nothing knows it */
        err = sat_fail(fault, SAT_ERR_EXISTS, "%s is not empty (it has %.80s): choose another directory", home, name);
    }
    (void)closedir(dir);
    return err;
}

enum sat_err client_home_make(const char *home, bool *made, struct sat_fault *fault)
{
    enum sat_err err = client_home_enter(home, made, fault);
    return err || *made ? err : client_home_check_empty(home, fault);
}

enum sat_err client_home_enter(const char *home, bool *made, struct sat_fault *fault)
{
    *made = mkdir(home, 0700) == 0;
    if (!*made && errno == ENOENT)
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "the directory in which %s is to be is not there", home);
    if (!*made && errno != EEXIST) return client_fail_errno(fault, home, errno);
    if (!*made) return SAT_OK;
    /* What is synced in it is of no use if the directory itself is gone after a power cut. */
    char *parent = client_home_path(home, "..");
    (void)client_sync_directory(parent);
    free(parent);
    return SAT_OK;
}

void client_home_remove(const char *home, bool made)
{
    for (size_t i = 0; i < FILES_N; i++) {
        char *path = client_home_path(home, FILES[i]);
        (void)unlink(path);
        free(path);
    }
    if (made) (void)rmdir(home);
}

void client_home_tidy(const char *home)
{
    char *path = client_home_path(home, "keyring.new");
    (void)unlink(path);
    free(path);
}

/* ---- The store ---- */

bool client_home_make_private(const char *home, const char *name)
{
    char *path = client_home_path(home, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    int number = errno;
    if (fd >= 0) (void)close(fd);
    free(path);
    errno = number;
    return fd >= 0;
}

enum sat_err client_home_store(const char *home, enum sat_store_mode mode, struct sat_store **out,
                               struct sat_fault *fault)
{
    char *path = client_home_path(home, "store.db");
    enum sat_err err = SAT_OK;
    *out = NULL;
    if (mode == SAT_STORE_CREATE && !client_home_make_private(home, "store.db"))
        err = client_fail_errno(fault, path, errno);
    if (!err) err = sat_store_open(path, mode, out, fault);
    if (!err) sat_store_keep_in_memory(*out, STORE_IN_MEMORY_KIB);
    free(path);
    return err;
}

bool client_home_has(const char *home, const char *name)
{
    char *path = client_home_path(home, name);
    bool has = access(path, F_OK) == 0;
    free(path);
    return has;
}

/* ---- Files ---- */

static bool write_all(int fd, struct sat_span bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        ssize_t wrote = write(fd, bytes.at + at, bytes.len - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return false;
        at += (size_t)wrote;
    }
    return true;
}

bool client_sync_directory(const char *home)
{
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool synced = fsync(fd) == 0;
    (void)close(fd);
    return synced;
}

/* What an earlier attempt left goes first, whatever mode and links it has. */
static bool write_aside(const char *path, struct sat_span bytes)
{
    if (unlink(path) != 0 && errno != ENOENT) return false;
    errno = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return false;
    bool good = write_all(fd, bytes) && fsync(fd) == 0;
    int number = errno;
    good = close(fd) == 0 && good;
    if (number) errno = number;
    return good;
}

enum sat_err client_home_write(const char *home, const char *name, struct sat_span bytes, struct sat_fault *fault)
{
    char aside_name[64];
    (void)snprintf(aside_name, sizeof aside_name, "%s.new", name);
    char *path = client_home_path(home, name), *aside = client_home_path(home, aside_name);
    enum sat_err err = SAT_OK;
    errno = 0;
    if (!write_aside(aside, bytes) || rename(aside, path) != 0) {
        err = client_fail_errno(fault, path, errno ? errno : EIO);
        (void)unlink(aside);
    } else if (!client_sync_directory(home)) {
        err = sat_fail(fault, SAT_ERR_IO, "%s is replaced, but after a power cut it may be the old one again: %s", path,
                       strerror(errno));
    }
    free(aside);
    free(path);
    return err;
}

/* A pipe or a device would be waited for, or never end. */
static enum sat_err check_plain(const char *path, int fd, struct sat_fault *fault)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_CONFIG, "%s is no file", path);
}

enum sat_err client_home_read(const char *home, const char *name, size_t size_max, struct sat_buf *out,
                              struct sat_fault *fault)
{
    char *path = client_home_path(home, name);
    enum sat_err err = SAT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) err = client_fail_errno(fault, path, errno);
    if (!err) err = check_plain(path, fd, fault);
    uint8_t chunk[4096];
    while (!err) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) err = client_fail_errno(fault, path, errno);
        if (got <= 0) break;
        sat_put_bytes(out, chunk, (size_t)got);
        if (out->len > size_max) err = sat_fail(fault, SAT_ERR_TOO_LARGE, "%s is larger than it can be", path);
    }
    if (fd >= 0) (void)close(fd);
    free(path);
    return err;
}
