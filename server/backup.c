#define _GNU_SOURCE
#include "server/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/inspect.h"
#include "server/archive.h"
#include "server/clock.h"
#include "server/datadir.h"
#include "server/line.h"

enum { PATH_SIZE = 4200 };

struct backup {
    const struct satd_datadir *dir;
    const char *path;                      /* what it is to be called */
    char part[PATH_SIZE], copy[PATH_SIZE]; /* what it is called until then; a store's copy */
    struct satd_archive_writer *writer;
    uint32_t orgs;
};

static enum sat_err name_files(struct backup *backup, struct sat_fault *fault)
{
    int part = snprintf(backup->part, sizeof backup->part, "%s.part", backup->path);
    int copy = snprintf(backup->copy, sizeof backup->copy, "%s.copy", backup->path);
    if (part < 0 || copy < 0 || (size_t)part >= sizeof backup->part || (size_t)copy >= sizeof backup->copy)
        return sat_fail(fault, SAT_ERR_INVALID, "the path of the backup is too long");
    return SAT_OK;
}

static enum sat_err add_file(struct backup *backup, int at, const char *name, const char *member,
                             struct sat_fault *fault)
{
    int file = openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0) return satd_fail_errno(fault, "reading", name);
    enum sat_err err = satd_archive_add(backup->writer, member, file, fault);
    (void)close(file);
    return err;
}

static void complain(void *context, const char *complaint)
{
    struct sat_fault *fault = context;
    if (!fault->err) (void)sat_fail(fault, SAT_ERR_CORRUPT, "a store is damaged: %.200s", complaint);
}

/* A damaged store is no backup of anything: better to hear that now. */
static enum sat_err copy_store(const char *from, const char *to, struct sat_fault *fault)
{
    struct sat_store *store = NULL, *copied = NULL;
    (void)unlink(to);
    enum sat_err err = sat_store_open(from, SAT_STORE_READ_ONLY, &store, fault);
    enum sat_err copy_err = err ? SAT_OK : sat_store_copy(store, to);
    if (copy_err)
        err = sat_fail(fault, copy_err, "copying a store to %.150s: %.150s", to, sat_store_fault(store)->text);
    sat_store_close(store);
    if (!err) err = sat_store_open(to, SAT_STORE_READ_ONLY, &copied, fault);
    if (!err) err = sat_store_self_check(copied, 1, complain, fault);
    sat_store_close(copied);
    return err ? sat_fail_keep(fault, err) : fault->err;
}

/* Somebody's own copy beside a file of ours: a backup that had it would not be taken back. */
static enum sat_err pass_over(const char *name)
{
    (void)fprintf(stderr, "satcheld: %s is no file of the server's: it is not in the backup\n", name);
    return SAT_OK;
}

static enum sat_err add_org(void *context, const char *name, struct sat_fault *fault)
{
    struct backup *backup = context;
    char path[PATH_SIZE], member[SATD_MEMBER_NAME_SIZE];
    int len = snprintf(path, sizeof path, "%s/orgs/%s", backup->dir->path, name);
    (void)snprintf(member, sizeof member, "orgs/%.120s", name);
    if (len < 0 || (size_t)len >= sizeof path)
        return sat_fail(fault, SAT_ERR_CONFIG, "the path of the data directory is too long");
    if (!satd_archive_takes(member)) return pass_over(member);
    enum sat_err err = copy_store(path, backup->copy, fault);
    if (!err) err = add_file(backup, AT_FDCWD, backup->copy, member, fault);
    (void)unlink(backup->copy);
    backup->orgs++;
    return err;
}

static enum sat_err add_key(void *context, const char *name, struct sat_fault *fault)
{
    struct backup *backup = context;
    return satd_archive_takes(name) ? add_file(backup, backup->dir->fd, name, name, fault) : pass_over(name);
}

static enum sat_err write_archive(struct backup *backup, int fd, struct sat_fault *fault)
{
    enum sat_err err = satd_archive_create(fd, backup->path, satd_wall_ms(), &backup->writer, fault);
    if (!err && faccessat(backup->dir->fd, "identity.key", F_OK, 0) != 0)
        err = sat_fail(fault, SAT_ERR_NOT_FOUND, "%.200s is not the data directory of a server: it has no identity.key",
                       backup->dir->path);
    /* An identity that an org has come to trust meanwhile is among the keys, if they come last. */
    if (!err) err = satd_each_name(backup->dir->fd, "orgs", "*.db", add_org, backup, fault);
    if (!err) err = satd_each_name(backup->dir->fd, ".", "identity*.key", add_key, backup, fault);
    if (!err) err = satd_archive_finish(backup->writer, fault);
    satd_archive_writer_free(backup->writer);
    if (!err && fsync(fd) != 0) err = satd_fail_errno(fault, "writing the backup", backup->path);
    return err;
}

/* Its name is on the disk, too. */
static enum sat_err publish(const struct backup *backup, struct sat_fault *fault)
{
    char folder[PATH_SIZE];
    if (rename(backup->part, backup->path) != 0) return satd_fail_errno(fault, "writing the backup", backup->path);
    const char *slash = strrchr(backup->path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - backup->path) + 1 : 1,
                   slash ? backup->path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return satd_fail_errno(fault, "syncing", folder);
    enum sat_err err = satd_directory_sync(fd, fault);
    (void)close(fd);
    return err;
}

/* Whoever writes to it has it locked, so that of two at once one is told, and neither publishes what the other has not
 * finished. What was left by one that was killed goes first, whatever mode and links it has. Below 0: fault says why.
 */
static int open_part(const struct backup *backup, struct sat_fault *fault)
{
    struct stat named, opened;
    int left = open(backup->part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    bool used = left >= 0 && flock(left, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!used) (void)unlink(backup->part);
    if (left >= 0) (void)close(left);
    int fd = used ? -1 : open(backup->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    used = used || (fd < 0 && errno == EEXIST);
    if (fd < 0 && !used) (void)satd_fail_errno(fault, "writing the backup", backup->path);
    if (fd >= 0 && (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &opened) != 0 || lstat(backup->part, &named) != 0 ||
                    named.st_ino != opened.st_ino)) {
        (void)close(fd);
        fd = -1;
        used = true;
    }
    if (used) (void)sat_fail(fault, SAT_ERR_IN_USE, "another backup to %.200s is being made", backup->path);
    return fd;
}

/* A device or a link would be replaced by a file, which is not what somebody meant who named /dev/null. */
static enum sat_err check_place(const struct backup *backup, struct sat_fault *fault)
{
    struct stat status;
    if (lstat(backup->path, &status) != 0 || S_ISREG(status.st_mode)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_CONFIG, "%.200s is there already, and no file: name another place", backup->path);
}

static enum sat_err make(struct backup *backup, struct sat_fault *fault)
{
    enum sat_err err = name_files(backup, fault);
    if (!err) err = check_place(backup, fault);
    if (err) return err;
    int fd = open_part(backup, fault);
    if (fd < 0) return fault->err;
    err = write_archive(backup, fd, fault);
    if (!err) err = publish(backup, fault);
    if (err) (void)unlink(backup->part);
    (void)close(fd); /* until here nobody else writes to these names */
    return err;
}

static enum sat_err report(const struct backup *backup, bool json, struct sat_fault *fault)
{
    struct stat status = {0};
    (void)stat(backup->path, &status);
    if (json) {
        struct satd_line line;
        satd_line_begin(&line);
        satd_line_text(&line, "backup", backup->path);
        satd_line_number(&line, "orgs", backup->orgs);
        satd_line_number(&line, "bytes", (uint64_t)status.st_size);
        satd_line_end(&line);
        (void)fwrite(line.at, 1, line.len, stdout);
    } else {
        (void)printf("%s: %" PRIu32 " %s, %" PRIu64 " bytes. It holds identity.key: keep it as you keep keys.\n",
                     backup->path, backup->orgs, backup->orgs == 1 ? "organisation" : "organisations",
                     (uint64_t)status.st_size);
    }
    if (fflush(stdout) == 0 && !ferror(stdout)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_IO, "stdout cannot be written");
}

enum sat_err satd_backup_command(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_datadir dir = {.fd = -1, .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1};
    struct backup backup = {.dir = &dir, .path = options->operands[0]};
    struct stat status;
    const char *data = options->value[SATD_OPTION_DATA];
    if (!backup.path) return sat_fail(fault, SAT_ERR_USAGE, "backup needs a FILE");
    if (stat(data, &status) != 0) return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no data directory %.200s", data);
    enum sat_err err = satd_datadir_open(data, &dir, fault);
    if (!err) err = satd_restore_check(&dir, fault);
    if (!err) err = make(&backup, fault);
    satd_datadir_close(&dir);
    return err ? err : report(&backup, options->value[SATD_OPTION_JSON], fault);
}
