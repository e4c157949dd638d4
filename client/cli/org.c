/* org create: the organisation, its first admin, and the recovery kit in a file of its own. */
#define _GNU_SOURCE

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/join.h"
#include "client/cli/kit.h"
#include "client/cli/output.h"

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
    int fd = -1, code = cli_kit_open(cli, path, &fd);
    if (code) return code;
    options->recovery_kit = &kit;
    code = create(cli, home, options);
    if (code) {
        (void)close(fd);
        (void)unlink(path);
    } else if (!kit || !cli_kit_write(cli, path, fd, kit)) {
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
