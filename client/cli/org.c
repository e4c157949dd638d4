/* org create: the organisation, its first admin, and the recovery kit in a file of its own. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/join.h"
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

/* Writes the kit into the open file and closes it. */
static bool write_kit(struct cli *cli, const char *path, int fd, const char *kit)
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

/* The file is made before the server is asked: an organisation without its kit must not come about for a wrong path. */
static int open_kit(struct cli *cli, const char *path, int *fd)
{
    *fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*fd >= 0) return 0;
    enum sat_err err = errno == EEXIST                                       ? SAT_ERR_EXISTS
                       : errno == ENOSPC                                     ? SAT_ERR_DISK_FULL
                       : errno == EROFS || errno == EACCES || errno == EPERM ? SAT_ERR_READ_ONLY
                                                                             : SAT_ERR_IO;
    return cli_fail(cli, err, "the recovery kit's file %s cannot be made: %s", path, strerror(errno));
}

static int create(struct cli *cli, const char *home, struct satchel_create_options *options)
{
    struct cli_passphrases passphrases;
    struct satchel_error error = {0};
    struct sat_fault fault = {0};
    int code = 0;
    if (cli_passphrases_take(cli, true, &passphrases, &fault)) {
        code = cli_fail_fault(cli, &fault);
    } else if (satchel_org_create(home, &passphrases.options, options, &cli->satchel, &error)) {
        code = cli_fail_error(cli, &error, NULL);
    }
    cli_passphrases_wipe(&passphrases);
    return code;
}

static int create_with_kit(struct cli *cli, const char *home, const char *path, struct satchel_create_options *options)
{
    char *kit = NULL;
    int fd = -1, code = open_kit(cli, path, &fd);
    if (code) return code;
    options->recovery_kit = &kit;
    code = create(cli, home, options);
    if (code) {
        (void)close(fd);
        (void)unlink(path);
    } else if (!kit || !write_kit(cli, path, fd, kit)) {
        code = cli_fail(cli, errno == ENOSPC ? SAT_ERR_DISK_FULL : SAT_ERR_IO,
                        "the organisation exists, but its recovery kit could not be written to %s: %s", path,
                        strerror(errno));
    }
    if (kit) explicit_bzero(kit, strlen(kit));
    satchel_free(kit);
    return code;
}

int cli_run_org_create(struct cli *cli)
{
    const char *home, *path, *token;
    struct satchel_create_options options = {.device_name = cli_option(cli, CLI_OPTION_DEVICE_NAME)};
    int code = cli_need(cli, CLI_OPTION_SERVER, &options.server_url);
    if (!code) code = cli_need(cli, CLI_OPTION_PIN, &options.pin);
    if (!code) code = cli_need(cli, CLI_OPTION_TOKEN, &token);
    if (!code) code = cli_need(cli, CLI_OPTION_NAME, &options.org_name);
    if (!code) code = cli_need(cli, CLI_OPTION_USER, &options.user_name);
    if (!code) code = cli_need(cli, CLI_OPTION_RECOVERY_KIT, &path);
    if (!code) code = cli_home(cli, &home);
    if (code) return code;
    struct sat_buf secret;
    sat_buf_init(&secret);
    code = cli_secret_argument(cli, token, "token", &secret);
    if (!code) {
        options.token = (struct satchel_bytes){secret.at, secret.len - 1};
        code = create_with_kit(cli, home, path, &options);
    }
    sat_buf_wipe(&secret);
    if (code) return code;
    cli_note(cli, "the recovery kit is in %s: keep it offline, it opens everything", path);
    return cli_print_membership(cli, NULL);
}
