/* org create: the organisation, its first admin, and the recovery kit in a file of its own. */
#define _GNU_SOURCE

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
    struct cli_new_kit kit = {.cli = cli, .path = path, .fd = -1};
    int code = cli_kit_open(cli, path, &kit.fd);
    if (code) return code;
    options->keep_kit = cli_kit_keep;
    options->context = &kit;
    code = create(cli, home, options);
    if (kit.fd >= 0) (void)close(kit.fd); /* it never came so far */
    if (code) (void)unlink(path);
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
