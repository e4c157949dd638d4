#define _GNU_SOURCE
#include "server/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "server/datadir.h"

static const char FIRST[] = "satchel-backup", LAST[] = "checksums", FIRST_LINE[] = "satchel backup 1\n";
enum { PIECE = 64 * 1024, TEXT_MAX = 16 * 1024 * 1024 };

static void note(struct sat_buf *checksums, const char *name, const struct sat_hash *hash)
{
    char hex[65];
    sat_hex_format(hash->b, sizeof hash->b, hex);
    sat_put_bytes(checksums, hex, 64);
    sat_put_bytes(checksums, "  ", 2);
    sat_put_bytes(checksums, name, strlen(name));
    sat_put_u8(checksums, '\n');
}

/* ---- Names ---- */

static bool is_hex(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789abcdef", at[i]) || !at[i]) return false;
    return true;
}

bool satd_archive_takes(const char *name)
{
    size_t len = strlen(name);
    if (strcmp(name, "identity.key") == 0) return true;
    if (len < SATD_MEMBER_NAME_SIZE && strncmp(name, "identity-", 9) == 0 && !strchr(name, '/') &&
        strcmp(name + len - 4, ".key") == 0)
        return true;
    return len == 5 + 64 + 3 && strncmp(name, "orgs/", 5) == 0 && is_hex(name + 5, 64) && strcmp(name + 69, ".db") == 0;
}

/* ---- Writing ---- */

struct satd_archive_writer {
    struct archive *archive;
    const char *path;
    uint64_t now_ms;
    struct sat_buf checksums;
};

static enum sat_err fail(struct satd_archive_writer *writer, struct sat_fault *fault)
{
    int number = archive_errno(writer->archive);
    const char *text = archive_error_string(writer->archive);
    enum sat_err err = number == ENOSPC || number == EDQUOT ? SAT_ERR_DISK_FULL : SAT_ERR_IO;
    return sat_fail(fault, err, "writing the backup %.200s: %.200s", writer->path, text ? text : "it failed");
}

static bool begin_member(struct satd_archive_writer *writer, const char *name, uint64_t size)
{
    struct archive_entry *entry = archive_entry_new();
    sat_check(entry != NULL);
    archive_entry_set_pathname(entry, name);
    archive_entry_set_size(entry, (int64_t)size);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_mtime(entry, (time_t)(writer->now_ms / 1000), 0);
    bool ok = archive_write_header(writer->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return ok;
}

static enum sat_err add_text(struct satd_archive_writer *writer, const char *name, struct sat_span text,
                             struct sat_fault *fault)
{
    bool ok = begin_member(writer, name, text.len) &&
              archive_write_data(writer->archive, text.at, text.len) == (la_ssize_t)text.len;
    if (!ok) return fail(writer, fault);
    struct sat_hash hash = sat_hash("backup", text);
    note(&writer->checksums, name, &hash);
    return SAT_OK;
}

enum sat_err satd_archive_create(int fd, const char *path, uint64_t now_ms, struct satd_archive_writer **out,
                                 struct sat_fault *fault)
{
    struct satd_archive_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    *writer = (struct satd_archive_writer){.archive = archive_write_new(), .path = path, .now_ms = now_ms};
    sat_buf_init(&writer->checksums);
    *out = writer;
    char text[80];
    int len = snprintf(text, sizeof text, "%smade %" PRIu64 "\n", FIRST_LINE, now_ms);
    if (!writer->archive) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    if (archive_write_set_format_pax_restricted(writer->archive) != ARCHIVE_OK ||
        archive_write_open_fd(writer->archive, fd) != ARCHIVE_OK)
        return fail(writer, fault);
    return add_text(writer, FIRST, sat_span(text, (size_t)len), fault);
}

enum sat_err satd_archive_add(struct satd_archive_writer *writer, const char *name, int from, struct sat_fault *fault)
{
    static uint8_t piece[PIECE]; /* the command has one thread */
    struct stat status;
    struct sat_hasher hasher;
    if (fstat(from, &status) != 0) return satd_fail_errno(fault, "reading", name);
    if (!begin_member(writer, name, (uint64_t)status.st_size)) return fail(writer, fault);
    sat_hash_begin(&hasher, "backup");
    uint64_t left = (uint64_t)status.st_size;
    while (left) {
        ssize_t n = read(from, piece, left < PIECE ? (size_t)left : PIECE);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return satd_fail_errno(fault, "reading", name);
        if (n == 0) return sat_fail(fault, SAT_ERR_IO, "reading %.100s: it became shorter meanwhile", name);
        if (archive_write_data(writer->archive, piece, (size_t)n) != n) return fail(writer, fault);
        sat_hash_add(&hasher, piece, (size_t)n);
        left -= (uint64_t)n;
    }
    sodium_memzero(piece, sizeof piece);
    struct sat_hash hash = sat_hash_end(&hasher);
    note(&writer->checksums, name, &hash);
    return SAT_OK;
}

enum sat_err satd_archive_finish(struct satd_archive_writer *writer, struct sat_fault *fault)
{
    struct sat_buf checksums = writer->checksums; /* as they are before this member adds its own */
    sat_buf_init(&writer->checksums);
    enum sat_err err = add_text(writer, LAST, sat_buf_span(&checksums), fault);
    sat_buf_deinit(&checksums);
    if (!err && archive_write_close(writer->archive) != ARCHIVE_OK) err = fail(writer, fault);
    return err;
}

void satd_archive_writer_free(struct satd_archive_writer *writer)
{
    if (!writer) return;
    if (writer->archive) (void)archive_write_free(writer->archive);
    sat_buf_deinit(&writer->checksums);
    free(writer);
}

/* ---- Reading ---- */

struct reader {
    struct archive *archive;
    const char *path;
    int into;
    struct sat_buf checksums; /* of what was read so far, in the archive's own form */
    struct sat_buf text;      /* of the last member that stays in memory */
};

static enum sat_err damaged(const struct reader *reader, const char *what, struct sat_fault *fault)
{
    return sat_fail(fault, SAT_ERR_CORRUPT, "the backup %.200s is damaged: %.200s", reader->path, what);
}

static enum sat_err damaged_so(const struct reader *reader, struct sat_fault *fault)
{
    const char *text = archive_error_string(reader->archive);
    return damaged(reader, text ? text : "it cannot be read", fault);
}

/* Into a file, or with file < 0 into reader->text. */
static enum sat_err copy_member(struct reader *reader, const char *name, int file, struct sat_fault *fault)
{
    static uint8_t piece[PIECE];
    struct sat_hasher hasher;
    la_ssize_t n;
    sat_hash_begin(&hasher, "backup");
    while ((n = archive_read_data(reader->archive, piece, sizeof piece)) > 0) {
        sat_hash_add(&hasher, piece, (size_t)n);
        if (file < 0 && reader->text.len + (size_t)n > TEXT_MAX) return damaged(reader, name, fault);
        if (file < 0) {
            sat_put_bytes(&reader->text, piece, (size_t)n);
            continue;
        }
        for (la_ssize_t done = 0; done < n;) {
            ssize_t wrote = write(file, piece + done, (size_t)(n - done));
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote <= 0) return satd_fail_errno(fault, "restoring", name);
            done += wrote;
        }
    }
    sodium_memzero(piece, sizeof piece);
    if (n < 0) return damaged_so(reader, fault);
    struct sat_hash hash = sat_hash_end(&hasher);
    if (strcmp(name, LAST) != 0) note(&reader->checksums, name, &hash);
    return SAT_OK;
}

static enum sat_err unpack_file(struct reader *reader, const char *name, struct sat_fault *fault)
{
    int file = openat(reader->into, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST) return damaged(reader, "a file is in it twice", fault);
    if (file < 0) return satd_fail_errno(fault, "restoring", name);
    enum sat_err err = copy_member(reader, name, file, fault);
    if (!err && (!satd_give_to_owner(file, reader->into) || fsync(file) != 0))
        err = satd_fail_errno(fault, "restoring", name);
    if (close(file) != 0 && !err) err = satd_fail_errno(fault, "restoring", name);
    return err;
}

/* The next member's name, borrowed until the one behind it; NULL: there is no more. */
static enum sat_err next_member(struct reader *reader, const char **name, struct sat_fault *fault)
{
    struct archive_entry *entry;
    int code = archive_read_next_header(reader->archive, &entry);
    *name = NULL;
    if (code == ARCHIVE_EOF) return SAT_OK;
    if (code != ARCHIVE_OK) return damaged_so(reader, fault);
    *name = archive_entry_pathname(entry);
    /* Nothing of ours has holes; a few bytes of somebody's could fill the disk with them. */
    if (!*name || archive_entry_filetype(entry) != AE_IFREG || archive_entry_sparse_count(entry) > 0)
        return damaged(reader, "something else is in it", fault);
    return SAT_OK;
}

static enum sat_err read_first(struct reader *reader, uint64_t *made_ms, struct sat_fault *fault)
{
    struct archive_entry *entry;
    int code = archive_read_next_header(reader->archive, &entry);
    const char *name = code == ARCHIVE_OK ? archive_entry_pathname(entry) : NULL;
    enum sat_err err = SAT_OK;
    if (!name || strcmp(name, FIRST) != 0)
        return sat_fail(fault, SAT_ERR_INVALID, "%.200s is no backup that satcheld made", reader->path);
    err = copy_member(reader, FIRST, -1, fault);
    if (err) return err;
    sat_put_u8(&reader->text, 0);
    const char *text = (const char *)reader->text.at;
    if (strncmp(text, FIRST_LINE, sizeof FIRST_LINE - 1) != 0)
        return sat_fail(fault, SAT_ERR_INVALID, "the backup %.200s was made by another version", reader->path);
    const char *made = text + sizeof FIRST_LINE - 1;
    if (strncmp(made, "made ", 5) != 0) return damaged(reader, FIRST, fault);
    *made_ms = strtoull(made + 5, NULL, 10);
    return SAT_OK;
}

static enum sat_err compare(const struct reader *reader, struct sat_fault *fault)
{
    const struct sat_buf *here = &reader->checksums, *there = &reader->text;
    size_t n = here->len < there->len ? here->len : there->len, same = 0;
    if (here->len == there->len && memcmp(here->at, there->at, n) == 0) return SAT_OK;
    while (same < n && here->at[same] == there->at[same]) same++;
    while (same > 0 && here->at[same - 1] != '\n') same--;
    char name[SATD_MEMBER_NAME_SIZE] = "its list";
    if (here->len - same > 66) { /* the line of the first that differs: behind hash and blanks */
        const char *at = (const char *)here->at + same + 66;
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\n"), at);
    }
    return damaged(reader, name, fault);
}

static enum sat_err unpack(struct reader *reader, uint64_t *made_ms, struct sat_fault *fault)
{
    const char *name = NULL;
    enum sat_err err = read_first(reader, made_ms, fault);
    if (!err) err = next_member(reader, &name, fault);
    while (!err && name && strcmp(name, LAST) != 0) {
        char copy[SATD_MEMBER_NAME_SIZE];
        if (!satd_archive_takes(name)) return damaged(reader, "something else is in it", fault);
        (void)snprintf(copy, sizeof copy, "%s", name);
        err = unpack_file(reader, copy, fault);
        if (!err) err = next_member(reader, &name, fault);
    }
    if (err) return err;
    if (!name) return damaged(reader, "its end is missing", fault);
    reader->text.len = 0;
    err = copy_member(reader, LAST, -1, fault);
    if (err) return err;
    sat_put_u8(&reader->text, 0);
    sat_put_u8(&reader->checksums, 0);
    return compare(reader, fault);
}

enum sat_err satd_archive_unpack(const char *path, int into, uint64_t *made_ms, struct sat_fault *fault)
{
    struct reader reader = {.archive = archive_read_new(), .path = path, .into = into};
    if (!reader.archive) return sat_fail(fault, SAT_ERR_NO_MEMORY, NULL);
    sat_buf_init(&reader.checksums);
    sat_buf_init(&reader.text);
    enum sat_err err = SAT_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) err = sat_fail(fault, SAT_ERR_NOT_FOUND, "there is no backup %.200s", path);
    if (fd < 0 && !err) err = satd_fail_errno(fault, "reading the backup", path);
    if (!err && (archive_read_support_format_tar(reader.archive) != ARCHIVE_OK ||
                 archive_read_open_fd(reader.archive, fd, PIECE) != ARCHIVE_OK))
        err = sat_fail(fault, SAT_ERR_INVALID, "%.200s is no backup that satcheld made", path);
    if (!err) err = unpack(&reader, made_ms, fault);
    (void)archive_read_free(reader.archive);
    if (fd >= 0) (void)close(fd);
    sat_buf_deinit(&reader.checksums);
    sat_buf_deinit(&reader.text);
    return err;
}
