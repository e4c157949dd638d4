/* escrow and refused: work that is kept and not shown, and what becomes of it. */

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

int cli_run_escrow_list(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    int failed = satchel_escrow(cli->satchel, cli_table_row, &table);
    cli_table_finish(&table);
    return failed ? cli_fail_handle(cli) : 0;
}

/* For a person one change below the other, member by member. A satchel_row_fn; the context is the run. */
static int print_item(void *context, const char *json)
{
    struct cli *cli = context;
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return cli->output_errno;
    }
    json_t *item = json_loads(json, 0, NULL);
    cli_print_members(cli, item);
    cli_out(cli, "\n");
    json_decref(item);
    return cli->output_errno;
}

int cli_run_escrow_show(struct cli *cli)
{
    uint64_t number;
    int code = cli_number(cli, cli->args[0], "bundle", INT64_MAX, &number);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    return satchel_escrow_show(cli->satchel, number, print_item, cli) ? cli_fail_handle(cli) : 0;
}

static int decide(struct cli *cli, bool accept)
{
    uint64_t *numbers = sat_arena_array(&cli->arena, (size_t)cli->args_n, sizeof *numbers);
    int code = 0;
    for (int i = 0; i < cli->args_n && !code; i++)
        code = cli_number(cli, cli->args[i], "bundle", INT64_MAX, &numbers[i]);
    if (!code) code = cli_act_open(cli);
    if (code) return code;
    int failed = satchel_escrow_decide(cli->satchel, numbers, (uint32_t)cli->args_n, accept);
    const char *state = accept ? "accepted" : "rejected";
    json_t *list = json_array();
    for (int i = 0; i < cli->args_n; i++) (void)json_array_append_new(list, json_integer((json_int_t)numbers[i]));
    return cli_act_done(cli, failed, json_pack("{s:o, s:s}", "numbers", list, "state", state),
                        sat_arena_format(&cli->arena, "%s", state));
}

int cli_run_escrow_accept(struct cli *cli)
{
    return decide(cli, true);
}

int cli_run_escrow_reject(struct cli *cli)
{
    return decide(cli, false);
}

int cli_run_refused(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    return satchel_refused(cli->satchel, print_item, cli) ? cli_fail_handle(cli) : 0;
}
