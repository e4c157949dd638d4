#define _GNU_SOURCE

#include "client/cli/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/output.h"

/* The new name must survive a power cut as well as the bytes. */
static bool sync_directory_of(struct cli *cli, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *directory = !slash          ? "."
                            : slash == path ? "/"
                                            : sat_arena_text(&cli->arena, path, (size_t)(slash - path));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) (void)close(fd);
    return done;
}

/* Closes it. On failure errno says why. */
static bool write_page(struct cli *cli, const char *path, int fd, const char *kit)
{
    size_t left = strlen(kit);
    bool newline = left > 0 && kit[left - 1] == '\n';
    while (left) {
        ssize_t n = write(fd, kit, left);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        kit += n;
        left -= (size_t)n;
    }
    bool done = left == 0 && (newline || write(fd, "\n", 1) == 1) && fsync(fd) == 0;
    int reason = errno;
    (void)close(fd);
    errno = reason;
    return done && sync_directory_of(cli, path);
}

int cli_kit_keep(void *context, const char *page)
{
    struct cli_new_kit *kit = context;
    int fd = kit->fd;
    kit->fd = -1;
    if (write_page(kit->cli, kit->path, fd, page)) return 0;
    cli_note(kit->cli, "the recovery kit cannot be written to %s: %s", kit->path, strerror(errno));
    return 1;
}

struct left_out {
    struct cli *cli;
    json_t *names;
};

static int take_left_out(void *context, const char *json)
{
    struct left_out *it = context;
    json_t *row = json_loads(json, 0, NULL), *name = json_object_get(row, "territory");
    if (name) (void)json_array_append(it->names, name);
    cli_note(it->cli,
             "the key of %s is not here, so that the new kit does not open it before somebody who has it syncs",
             cli_shown(&it->cli->arena, name));
    json_decref(row);
    return 0;
}

json_t *cli_kit_left_out(struct cli *cli)
{
    struct left_out it = {cli, json_array()};
    (void)!satchel_keys_missing(cli->satchel, take_left_out, &it);
    return it.names;
}

int cli_kit_open(struct cli *cli, const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd >= 0) return 0;
    enum sat_err err = errno == EEXIST                                       ? SAT_ERR_EXISTS
                       : errno == ENOSPC                                     ? SAT_ERR_DISK_FULL
                       : errno == EROFS || errno == EACCES || errno == EPERM ? SAT_ERR_READ_ONLY
                                                                             : SAT_ERR_IO;
    return cli_fail(cli, err, "the recovery kit's file %s cannot be made: %s", path, strerror(errno));
}
