/* A backup is one tar file, which any tool can list. Its first member says what it is, its last one the hash of each
 * before it: without it the file was cut off, and a hash that differs shows what was damaged.
 *
 *   satchel-backup                     "satchel backup 1\n" "made <milliseconds since 1970>\n"
 *   orgs/<org id>.db, identity.key, identity-*.key
 *   checksums                          a line for each member before it: H("backup", bytes) in hexadecimal, two blanks,
 *                                      its name */
#ifndef SATD_ARCHIVE_H
#define SATD_ARCHIVE_H

#include "common/base/bytes.h"
#include "common/base/err.h"

enum { SATD_MEMBER_NAME_SIZE = 128 };

struct satd_archive_writer;
/* Writes to `fd`, which stays the caller's; `path` is for messages. */
enum sat_err satd_archive_create(int fd, const char *path, uint64_t now_ms, struct satd_archive_writer **out,
                                 struct sat_fault *fault) SAT_MUST_CHECK;
/* Is that the name of a file that belongs into a backup? Others are neither added nor taken: somebody's own copy of a
 * file beside it is none of the server's. */
bool satd_archive_takes(const char *name);
/* Adds all of the file that is open at `from`. */
enum sat_err satd_archive_add(struct satd_archive_writer *writer, const char *name, int from,
                              struct sat_fault *fault) SAT_MUST_CHECK;
/* The checksums and the end. */
enum sat_err satd_archive_finish(struct satd_archive_writer *writer, struct sat_fault *fault) SAT_MUST_CHECK;
void satd_archive_writer_free(struct satd_archive_writer *writer); /* NULL is fine */

/* Unpacks the archive at `path` into the directory `into`, which has a folder orgs; each file is for its owner alone,
 * on the disk on return, and belongs to the owner of that directory. Only names of the list above are taken.
 * SAT_ERR_NOT_FOUND, SAT_ERR_INVALID (no backup), SAT_ERR_CORRUPT (cut off or damaged, with the member's name),
 * SAT_ERR_DISK_FULL. */
enum sat_err satd_archive_unpack(const char *path, int into, uint64_t *made_ms, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
