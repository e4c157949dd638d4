#define _GNU_SOURCE
#include "server/datadir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"

static enum sat_err err_of_errno(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
        return SAT_ERR_READ_ONLY;
    case ENOSPC:
    case EDQUOT:
        return SAT_ERR_DISK_FULL;
    default:
        return SAT_ERR_IO;
    }
}

enum sat_err satd_fail_errno(struct sat_fault *fault, const char *doing, const char *name)
{
    int number = errno;
    return sat_fail(fault, err_of_errno(number), "%s %.200s: %s", doing, name, strerror(number));
}

bool satd_give_to_owner(int fd, int directory)
{
    struct stat status;
    if (geteuid() != 0) return true;
    return fstat(directory, &status) == 0 && (status.st_uid == 0 || fchown(fd, status.st_uid, status.st_gid) == 0);
}

static int open_directory(int at, const char *name)
{
    bool made = mkdirat(at, name, 0700) == 0;
    if (!made && errno != EEXIST) return -1;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && made && at != AT_FDCWD) (void)satd_give_to_owner(fd, at);
    return fd;
}

enum sat_err satd_datadir_open(const char *path, struct satd_datadir *out, struct sat_fault *fault)
{
    *out = (struct satd_datadir){.path = path, .fd = -1, .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1};
    out->fd = open_directory(AT_FDCWD, path);
    if (out->fd < 0) return satd_fail_errno(fault, "opening the data directory", path);
    out->tokens_fd = open_directory(out->fd, "tokens");
    if (out->tokens_fd >= 0) out->orgs_fd = open_directory(out->fd, "orgs");
    if (out->orgs_fd < 0) return satd_fail_errno(fault, "opening the data directory", path);
    if (faccessat(out->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return satd_fail_errno(fault, "writing into the data directory", path);
    return SAT_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

void satd_datadir_close(struct satd_datadir *dir)
{
    close_fd(&dir->orgs_fd);
    close_fd(&dir->tokens_fd);
    close_fd(&dir->lock_fd);
    close_fd(&dir->fd);
}

enum sat_err satd_datadir_lock(struct satd_datadir *dir, struct sat_fault *fault)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    dir->lock_fd = openat(dir->fd, "satcheld.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock_fd < 0 || !satd_give_to_owner(dir->lock_fd, dir->fd))
        return satd_fail_errno(fault, "locking the data directory", dir->path);
    if (fcntl(dir->lock_fd, F_SETLK, &lock) == 0) return SAT_OK;
    if (errno != EAGAIN && errno != EACCES) return satd_fail_errno(fault, "locking the data directory", dir->path);
    if (fcntl(dir->lock_fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0)
        return sat_fail(fault, SAT_ERR_IN_USE, "the data directory %.200s is in use by process %ld", dir->path,
                        (long)lock.l_pid);
    return sat_fail(fault, SAT_ERR_IN_USE, "the data directory %.200s is in use by another process", dir->path);
}

enum sat_err satd_datadir_hold(const struct satd_datadir *dir, struct sat_fault *fault)
{
    int result;
    do {
        result = flock(dir->fd, LOCK_EX);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? SAT_OK : satd_fail_errno(fault, "locking the data directory", dir->path);
}

void satd_datadir_release(const struct satd_datadir *dir)
{
    (void)flock(dir->fd, LOCK_UN);
}

enum sat_err satd_directory_sync(int fd, struct sat_fault *fault)
{
    return fsync(fd) == 0 ? SAT_OK : satd_fail_errno(fault, "syncing", "a directory");
}

enum sat_err satd_each_name(int at, const char *folder, const char *pattern,
                            enum sat_err (*each)(void *context, const char *name, struct sat_fault *fault),
                            void *context, struct sat_fault *fault)
{
    int fd = openat(at, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *files = fd < 0 ? NULL : fdopendir(fd);
    if (!files) return satd_fail_errno(fault, "reading", folder);
    enum sat_err err = SAT_OK;
    const struct dirent *entry;
    while (!err && (entry = readdir(files)) != NULL)
        if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0) err = each(context, entry->d_name, fault);
    (void)closedir(files);
    return err;
}

static bool write_all(int fd, struct sat_span bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.at, bytes.len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        bytes = sat_span(bytes.at + n, bytes.len - (size_t)n);
    }
    return true;
}

enum sat_err satd_file_write(int fd, const char *name, struct sat_span bytes, struct sat_fault *fault)
{
    char temporary[160];
    int len = snprintf(temporary, sizeof temporary, ".%s.%ld", name, (long)getpid());
    sat_check(len > 0 && (size_t)len < sizeof temporary);
    (void)unlinkat(fd, temporary, 0);
    int file = openat(fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) return satd_fail_errno(fault, "writing", name);
    bool ok = satd_give_to_owner(file, fd) && write_all(file, bytes) && fsync(file) == 0;
    enum sat_err err = ok ? SAT_OK : satd_fail_errno(fault, "writing", name);
    if (close(file) != 0 && err == SAT_OK) err = satd_fail_errno(fault, "writing", name);
    if (err == SAT_OK && renameat(fd, temporary, fd, name) != 0) err = satd_fail_errno(fault, "writing", name);
    if (err != SAT_OK) {
        (void)unlinkat(fd, temporary, 0);
        return err;
    }
    return satd_directory_sync(fd, fault);
}

static enum sat_err read_all(int file, size_t len_max, struct sat_buf *out, const char *name, struct sat_fault *fault)
{
    uint8_t piece[4096];
    ssize_t n;
    size_t len = 0;
    while ((n = read(file, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return satd_fail_errno(fault, "reading", name);
        len += (size_t)n;
        if (len > len_max) return sat_fail(fault, SAT_ERR_TOO_LARGE, "%.200s is larger than it can be", name);
        sat_put_bytes(out, piece, (size_t)n);
    }
    explicit_bzero(piece, sizeof piece);
    return SAT_OK;
}

enum sat_err satd_file_read(int fd, const char *name, size_t len_max, struct sat_buf *out, struct sat_fault *fault)
{
    int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no %.200s", name);
    if (file < 0) return satd_fail_errno(fault, "reading", name);
    enum sat_err err = read_all(file, len_max, out, name, fault);
    (void)close(file);
    return err;
}
