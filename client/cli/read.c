/* Reading: get, list, query, history. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/read.h"

int cli_run_get(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    char *text = NULL;
    if (client_get(cli->satchel, cli->args[0], cli->args[1], cli_option(cli, CLI_OPTION_TERRITORY), &text))
        return cli_fail_handle(cli);
    if (cli->json) {
        cli_out(cli, "%s\n", text);
    } else {
        json_t *record = json_loads(text, 0, NULL);
        cli_print_members(cli, record);
        json_decref(record);
    }
    satchel_free(text);
    return 0;
}

/* Ends a table whose rows came from a call that returned `failed`. A reader that stopped reading made it fail, if it
 * did. */
static int finish(struct cli *cli, struct cli_table *table, int failed)
{
    cli_table_finish(table);
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}

int cli_run_list(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    return finish(cli, &table,
                  satchel_list(cli->satchel, cli->args[0], cli_option(cli, CLI_OPTION_WHERE), cli_table_row, &table));
}

int cli_run_query(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    return finish(cli, &table, satchel_query(cli->satchel, cli->args[0], cli_table_row, &table));
}

int cli_run_history(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    return finish(cli, &table,
                  client_history(cli->satchel, cli->args[0], cli->args[1], cli_option(cli, CLI_OPTION_TERRITORY),
                                 cli_table_row, &table));
}
