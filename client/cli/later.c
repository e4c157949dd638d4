#include "client/cli/commands.h"

int cli_run_later(struct cli *cli)
{
    return cli_fail(cli, SAT_ERR_NOT_YET, "`%s` comes with a later version", cli->command->words);
}
