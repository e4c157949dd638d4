/* The data directory: who may use it, and how a file in it comes to be whole or not at all.
 *
 *   DIR/satcheld.lock   held by the serving process
 *   DIR/identity.key, identity-*.key, tls-cert.pem, tls-key.pem
 *   DIR/tokens/         one-time tokens, by hash
 *   DIR/orgs/           one store per org: <org id>.db */
#ifndef SATD_DATADIR_H
#define SATD_DATADIR_H

#include "common/base/bytes.h"
#include "common/base/err.h"

struct satd_datadir {
    const char *path; /* borrowed */
    int fd, tokens_fd, orgs_fd, lock_fd;
};

/* Opens the directory, making it and its parts (0700) where they are missing. SAT_ERR_READ_ONLY, SAT_ERR_DISK_FULL,
 * SAT_ERR_IO; the caller closes, also after a failure. */
enum sat_err satd_datadir_open(const char *path, struct satd_datadir *out, struct sat_fault *fault) SAT_MUST_CHECK;
void satd_datadir_close(struct satd_datadir *dir);
/* Takes the directory for this process until close: SAT_ERR_IN_USE names who has it. */
enum sat_err satd_datadir_lock(struct satd_datadir *dir, struct sat_fault *fault) SAT_MUST_CHECK;
/* For a moment, waiting for whoever has it: so that two commands do not change the same files at once. Apart from the
 * lock above, as commands work beside a running server. */
enum sat_err satd_datadir_hold(const struct satd_datadir *dir, struct sat_fault *fault) SAT_MUST_CHECK;
void satd_datadir_release(const struct satd_datadir *dir);

/* What an operator makes as root must be usable for the service, which owns the directory: root gives the open file to
 * its owner. False: errno says why. */
bool satd_give_to_owner(int fd, int directory);
/* Writes `name` in the directory `fd`: after a crash it is there whole, or as it was before. Replaces. The file is for
 * its owner alone (0600): root gives it to the directory's owner, as the service is not root. */
enum sat_err satd_file_write(int fd, const char *name, struct sat_span bytes, struct sat_fault *fault) SAT_MUST_CHECK;
/* Appends the file's bytes to `out`. SAT_ERR_NOT_FOUND; SAT_ERR_TOO_LARGE beyond `len_max`. */
enum sat_err satd_file_read(int fd, const char *name, size_t len_max, struct sat_buf *out,
                            struct sat_fault *fault) SAT_MUST_CHECK;
/* The error that errno stands for, with a sentence that names the thing. */
enum sat_err satd_fail_errno(struct sat_fault *fault, const char *doing, const char *name);
/* Each name in a folder of the directory `at` ("." for itself) that fits, until one fails. `each` may rename or remove
 * what it is given. */
enum sat_err satd_each_name(int at, const char *folder, const char *pattern,
                            enum sat_err (*each)(void *context, const char *name, struct sat_fault *fault),
                            void *context, struct sat_fault *fault) SAT_MUST_CHECK;
/* Makes what was renamed, created or removed in the directory survive a crash. */
enum sat_err satd_directory_sync(int fd, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
