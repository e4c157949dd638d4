/* kit replace: another page, while there are admins to make one. */
#define _GNU_SOURCE

#include <unistd.h>

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/kit.h"
#include "client/cli/output.h"

static int replace(struct cli *cli, struct cli_new_kit *kit)
{
    int failed = satchel_kit_replace(cli->satchel, cli_kit_keep, kit);
    bool written = kit->fd < 0;
    if (failed && written)
        cli_note(cli,
                 "keep %s: if the server has taken it, it is the recovery kit now (`satchel audit` tells); run this "
                 "again with another file",
                 kit->path);
    else if (!failed && satchel_proposal(cli->satchel))
        cli_note(cli, "what is in %s becomes the recovery kit when another admin has signed; until then the old one is",
                 kit->path);
    else if (!failed && cli_has(cli, CLI_OPTION_KIT))
        cli_note(cli,
                 "the new recovery kit is in %s: keep it offline, it opens everything; the old one is worth nothing",
                 kit->path);
    else if (!failed) /* nothing tells it from what a thief would do */
        cli_note(cli,
                 "the new recovery kit is in %s: keep it offline, it opens everything; whoever has the old page can "
                 "still repudiate this device for 30 days, which `--kit` with the old page prevents",
                 kit->path);
    return cli_act_done(
        cli, failed,
        json_pack("{s:s, s:o}", "recovery_kit", kit->path, "left_out", failed ? json_array() : cli_kit_left_out(cli)),
        "the recovery kit is replaced");
}

int cli_run_kit_replace(struct cli *cli)
{
    struct cli_new_kit kit = {.cli = cli, .fd = -1};
    int code = cli_need(cli, CLI_OPTION_RECOVERY_KIT, &kit.path);
    if (!code) code = cli_act_open(cli);
    if (!code) code = cli_kit_open(cli, kit.path, &kit.fd);
    if (code) return code;
    code = replace(cli, &kit);
    if (kit.fd >= 0) { /* it never came so far */
        (void)close(kit.fd);
        (void)unlink(kit.path);
    }
    return code;
}
