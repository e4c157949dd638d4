/* state, opportunity move, task done: what a record is at, and steps of it. */
#include <stdlib.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/write.h"

/* The record that a word names, by the open home. */
static int find(struct cli *cli, const char *type, const char *named, char id[SATCHEL_ID_SIZE])
{
    return satchel_named(cli->satchel, type, named, id) ? cli_fail_handle(cli) : 0;
}

static int show(struct cli *cli, const char *type, const char *id)
{
    char *json = NULL;
    if (satchel_state(cli->satchel, type, id, &json)) return cli_fail_handle(cli);
    json_t *state = json_loads(json, 0, NULL);
    satchel_free(json);
    if (cli->json) return cli_print_new(cli, state);
    cli_print_members(cli, state);
    json_decref(state);
    return 0;
}

static int step(struct cli *cli, const char *type, const char *named, const char *to)
{
    char id[SATCHEL_ID_SIZE], taken[SATCHEL_ID_SIZE] = "";
    struct satchel_tx *tx = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = find(cli, type, named, id);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, satchel_step(tx, type, id, to, cli_option(cli, CLI_OPTION_REASON), taken));
    if (code) return code;
    if (cli->json)
        return cli_print_new(cli, json_pack("{s:s, s:s, s:s, s:s?, s:b}", "type", type, "id", id, "state", to, "step",
                                            *taken ? taken : NULL, "changed", *taken != '\0'));
    cli_note(cli, *taken ? "%s %s: %s" : "%s %s is %s already", type, id, to);
    return 0;
}

int cli_run_state(struct cli *cli)
{
    char id[SATCHEL_ID_SIZE];
    if (cli->args_n > 2) return step(cli, cli->args[0], cli->args[1], cli->args[2]);
    if (cli_has(cli, CLI_OPTION_REASON)) return cli_fail(cli, SAT_ERR_USAGE, "a reason for what? state TYPE ID TO");
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = find(cli, cli->args[0], cli->args[1], id);
    return code ? code : show(cli, cli->args[0], id);
}

int cli_run_opportunity_move(struct cli *cli)
{
    return step(cli, "opportunity", cli->args[0], cli->args[1]);
}

int cli_run_task_done(struct cli *cli)
{
    return step(cli, "task", cli->args[0], "done");
}
