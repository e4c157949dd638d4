/* Putting a backup back: unpacked and checked beside what is there, then exchanged for it. What was there is moved
 * aside, never removed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/store/inspect.h"
#include "common/sync/host.h"
#include "server/archive.h"
#include "server/backup.h"
#include "server/clock.h"
#include "server/datadir.h"
#include "server/line.h"

/* In the data directory: exists while a restore is under way. In it, from when what is there begins to be exchanged
 * until it has been: half of one and half of the other is nothing that a server may start on. */
static const char UNPACKED[] = "restoring", BEGUN[] = "restoring/begun";

struct restore {
    struct satd_datadir *dir;
    const char *path;
    char aside[64]; /* the folder for what was there; empty: there was nothing */
    int unpacked_fd, orgs_fd, aside_fd;
    uint64_t made_ms;
    uint32_t orgs;
};

enum sat_err satd_restore_check(const struct satd_datadir *dir, struct sat_fault *fault)
{
    if (faccessat(dir->fd, BEGUN, F_OK, AT_SYMLINK_NOFOLLOW) != 0) return SAT_OK;
    return sat_fail(fault, SAT_ERR_CONFIG,
                    "a restore into %.200s was interrupted: run it again (what was there before is in a folder "
                    "before-restore-…)",
                    dir->path);
}

/* ---- What an earlier attempt left ---- */

static enum sat_err remove_one(void *context, const char *name, struct sat_fault *fault)
{
    struct restore *restore = context;
    return unlinkat(restore->unpacked_fd, name, 0) == 0 ? SAT_OK : satd_fail_errno(fault, "removing", name);
}

static enum sat_err remove_org(void *context, const char *name, struct sat_fault *fault)
{
    struct restore *restore = context;
    char path[SATD_MEMBER_NAME_SIZE + 200];
    (void)snprintf(path, sizeof path, "orgs/%.200s", name);
    return remove_one(restore, path, fault);
}

static enum sat_err open_unpacked(struct restore *restore, struct sat_fault *fault)
{
    bool made = mkdirat(restore->dir->fd, UNPACKED, 0700) == 0;
    if (!made && errno != EEXIST) return satd_fail_errno(fault, "restoring into", restore->dir->path);
    restore->unpacked_fd = openat(restore->dir->fd, UNPACKED, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (restore->unpacked_fd < 0 || !satd_give_to_owner(restore->unpacked_fd, restore->dir->fd))
        return satd_fail_errno(fault, "restoring into", restore->dir->path);
    made = mkdirat(restore->unpacked_fd, "orgs", 0700) == 0;
    if (!made && errno != EEXIST) return satd_fail_errno(fault, "restoring into", restore->dir->path);
    restore->orgs_fd = openat(restore->unpacked_fd, "orgs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (restore->orgs_fd < 0 || !satd_give_to_owner(restore->orgs_fd, restore->dir->fd))
        return satd_fail_errno(fault, "restoring into", restore->dir->path);
    enum sat_err err =
        made ? SAT_OK : satd_each_name(restore->unpacked_fd, "orgs", "*.db*", remove_org, restore, fault);
    return err ? err : satd_each_name(restore->unpacked_fd, ".", "identity*.key", remove_one, restore, fault);
}

/* ---- Is what was unpacked whole? ---- */

static void complain(void *context, const char *complaint)
{
    struct sat_fault *fault = context;
    if (!fault->err) (void)sat_fail(fault, SAT_ERR_CORRUPT, "a store in the backup is damaged: %.150s", complaint);
}

static enum sat_err mark(struct sat_store *store, uint64_t made_ms)
{
    enum sat_err err = sat_store_begin(store);
    if (!err) err = sat_store_meta_put_u64(store, SAT_RESTORED_KEY, made_ms);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

static enum sat_err prepare_org(void *context, const char *name, struct sat_fault *fault)
{
    struct restore *restore = context;
    char path[4300];
    struct sat_store *store = NULL;
    int len = snprintf(path, sizeof path, "%s/%s/orgs/%s", restore->dir->path, UNPACKED, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return sat_fail(fault, SAT_ERR_CONFIG, "the path of the data directory is too long");
    enum sat_err err = sat_store_open(path, SAT_STORE_OPEN, &store, fault);
    if (err) return sat_fail_keep(fault, err);
    err = sat_store_self_check(store, 1, complain, fault);
    if (!err && fault->err) err = fault->err;
    if (!err) err = mark(store, restore->made_ms);
    if (err && !fault->err) *fault = *sat_store_fault(store);
    sat_store_close(store);
    restore->orgs++;
    return err;
}

/* ---- The exchange ---- */

static enum sat_err set_aside(void *context, const char *name, struct sat_fault *fault)
{
    struct restore *restore = context;
    char to[SATD_MEMBER_NAME_SIZE + sizeof restore->aside];
    (void)snprintf(to, sizeof to, "%s/%s", restore->aside, name);
    return renameat(restore->dir->fd, name, restore->dir->fd, to) == 0 ? SAT_OK
                                                                       : satd_fail_errno(fault, "moving aside", name);
}

static enum sat_err put_in_place(void *context, const char *name, struct sat_fault *fault)
{
    struct restore *restore = context;
    return renameat(restore->unpacked_fd, name, restore->dir->fd, name) == 0
               ? SAT_OK
               : satd_fail_errno(fault, "restoring", name);
}

static enum sat_err make_aside(struct restore *restore, struct sat_fault *fault)
{
    time_t now = (time_t)(satd_wall_ms() / 1000);
    struct tm utc;
    char stamp[32];
    if (!gmtime_r(&now, &utc) || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc) == 0)
        (void)snprintf(stamp, sizeof stamp, "%" PRIu64, (uint64_t)now);
    for (unsigned n = 0; n < 100; n++) { /* twice in a second */
        (void)snprintf(restore->aside, sizeof restore->aside, n ? "before-restore-%s-%u" : "before-restore-%s", stamp,
                       n);
        if (mkdirat(restore->dir->fd, restore->aside, 0700) == 0) break;
        if (errno != EEXIST) return satd_fail_errno(fault, "making", restore->aside);
    }
    restore->aside_fd = openat(restore->dir->fd, restore->aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (restore->aside_fd >= 0 && satd_give_to_owner(restore->aside_fd, restore->dir->fd)) return SAT_OK;
    return satd_fail_errno(fault, "making", restore->aside);
}

/* From here on the server does not start until all is in its place: what was unpacked is on the disk with its names,
 * and so is the mark. */
static enum sat_err mark_begun(const struct restore *restore, struct sat_fault *fault)
{
    int mark_fd = openat(restore->dir->fd, BEGUN, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (mark_fd < 0) return satd_fail_errno(fault, "writing", BEGUN);
    (void)close(mark_fd);
    enum sat_err err = satd_directory_sync(restore->orgs_fd, fault);
    if (!err) err = satd_directory_sync(restore->unpacked_fd, fault);
    return err ? err : satd_directory_sync(restore->dir->fd, fault);
}

/* Only when every new name is on the disk may the mark go. */
static enum sat_err finish(const struct restore *restore, struct sat_fault *fault)
{
    int dir = restore->dir->fd;
    enum sat_err err = restore->aside_fd < 0 ? SAT_OK : satd_directory_sync(restore->aside_fd, fault);
    if (!err) err = satd_directory_sync(dir, fault);
    if (err) return err;
    if (unlinkat(dir, BEGUN, 0) != 0 || unlinkat(dir, UNPACKED, AT_REMOVEDIR) != 0)
        return satd_fail_errno(fault, "removing", UNPACKED);
    return satd_directory_sync(dir, fault);
}

static enum sat_err exchange(struct restore *restore, struct sat_fault *fault)
{
    int dir = restore->dir->fd;
    enum sat_err err = mark_begun(restore, fault);
    if (err) return err;
    bool new_here = faccessat(dir, "identity.key", F_OK, 0) != 0;
    if (!new_here || unlinkat(dir, "orgs", AT_REMOVEDIR) != 0) { /* that goes when it is empty: nothing to keep */
        err = make_aside(restore, fault);
        if (!err) err = set_aside(restore, "orgs", fault);
        if (!err) err = satd_each_name(dir, ".", "identity*.key", set_aside, restore, fault);
    }
    if (!err) err = put_in_place(restore, "orgs", fault);
    if (!err) err = satd_each_name(restore->unpacked_fd, ".", "identity*.key", put_in_place, restore, fault);
    return err ? err : finish(restore, fault);
}

static enum sat_err check_keys(const struct restore *restore, struct sat_fault *fault)
{
    if (faccessat(restore->unpacked_fd, "identity.key", F_OK, 0) == 0) return SAT_OK;
    return sat_fail(fault, SAT_ERR_CORRUPT, "the backup %.200s has no identity.key", restore->path);
}

static enum sat_err put_back(struct restore *restore, struct sat_fault *fault)
{
    enum sat_err err = satd_datadir_lock(restore->dir, fault);
    if (!err) err = open_unpacked(restore, fault);
    if (err) return err;
    err = satd_archive_unpack(restore->path, restore->unpacked_fd, &restore->made_ms, fault);
    if (!err) err = check_keys(restore, fault);
    if (!err) err = satd_each_name(restore->unpacked_fd, "orgs", "*.db", prepare_org, restore, fault);
    if (!err) return exchange(restore, fault);
    /* Nothing of what was there has been touched: nothing is to stay of this, but for the mark of one that was
     * interrupted earlier. */
    (void)!satd_each_name(restore->unpacked_fd, "orgs", "*.db*", remove_org, restore, &(struct sat_fault){0});
    (void)!satd_each_name(restore->unpacked_fd, ".", "identity*.key", remove_one, restore, &(struct sat_fault){0});
    (void)unlinkat(restore->unpacked_fd, "orgs", AT_REMOVEDIR);
    (void)unlinkat(restore->dir->fd, UNPACKED, AT_REMOVEDIR);
    return err;
}

static enum sat_err report(const struct restore *restore, bool json, struct sat_fault *fault)
{
    if (json) {
        struct satd_line line;
        satd_line_begin(&line);
        satd_line_text(&line, "restored", restore->path);
        satd_line_number(&line, "orgs", restore->orgs);
        satd_line_number(&line, "made_ms", restore->made_ms);
        if (restore->aside[0]) satd_line_text(&line, "before", restore->aside);
        satd_line_end(&line);
        (void)fwrite(line.at, 1, line.len, stdout);
    } else {
        (void)printf("%s: %" PRIu32 " %s put back.\n", restore->path, restore->orgs,
                     restore->orgs == 1 ? "organisation" : "organisations");
        if (restore->aside[0])
            (void)printf("What was there is in %s/%s: remove it when all is well.\n", restore->dir->path,
                         restore->aside);
        (void)puts("Start the server; then let an admin of each organisation run: satchel sync --confirm-restore\n"
                   "The devices give back what came after the backup, each at its next sync.");
    }
    if (fflush(stdout) == 0 && !ferror(stdout)) return SAT_OK;
    return sat_fail(fault, SAT_ERR_IO, "stdout cannot be written");
}

enum sat_err satd_restore_command(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_datadir dir = {.fd = -1, .tokens_fd = -1, .orgs_fd = -1, .lock_fd = -1};
    struct restore restore = {
        .dir = &dir, .path = options->operands[0], .unpacked_fd = -1, .orgs_fd = -1, .aside_fd = -1};
    if (!restore.path) return sat_fail(fault, SAT_ERR_USAGE, "restore needs a FILE");
    if (access(restore.path, F_OK) != 0)
        return sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no backup %.200s", restore.path);
    enum sat_err err = satd_datadir_open(options->value[SATD_OPTION_DATA], &dir, fault);
    if (!err) err = put_back(&restore, fault);
    const int opened[] = {restore.unpacked_fd, restore.orgs_fd, restore.aside_fd};
    for (size_t i = 0; i < sizeof opened / sizeof opened[0]; i++)
        if (opened[i] >= 0) (void)close(opened[i]);
    if (!err) err = report(&restore, options->value[SATD_OPTION_JSON], fault);
    satd_datadir_close(&dir);
    return err;
}
