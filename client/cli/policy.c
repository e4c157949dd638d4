/* policy and cosign: what two admins decide together. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { PROPOSAL_BYTES_MAX = 16 * 1024 * 1024 };

int cli_run_policy(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    int failed = satchel_policy(cli->satchel, cli_table_row, &table);
    cli_table_finish(&table);
    return failed ? cli_fail_handle(cli) : 0;
}

int cli_run_policy_set(struct cli *cli)
{
    const char *policy = cli->args[0], *value = cli->args[1];
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 9 || value[digits])
        return cli_fail(cli, SAT_ERR_USAGE, "a policy's value is a whole number, not %s", value);
    uint64_t number = strtoull(value, NULL, 10);
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_policy_set(cli->satchel, policy, number),
                        json_pack("{s:s, s:I}", "policy", policy, "value", (json_int_t)number),
                        sat_arena_format(&cli->arena, "%s is %s now", policy, value));
}

/* What is about to be signed is told before it is. */
static int cosign(struct cli *cli, const char *proposal)
{
    char *about = NULL;
    if (satchel_cosign_about(cli->satchel, proposal, &about)) return cli_fail_handle(cli);
    cli_note(cli, "signing that %s", about);
    int failed = satchel_cosign(cli->satchel, proposal);
    int code = cli_act_done(cli, failed, json_pack("{s:s}", "signed", about), "it is done");
    satchel_free(about);
    return code;
}

int cli_run_cosign(struct cli *cli)
{
    struct sat_buf proposal;
    sat_buf_init(&proposal);
    int code = 0;
    if (strcmp(cli->args[0], "-") == 0)
        code = cli_read_file(cli, "-", PROPOSAL_BYTES_MAX, &proposal);
    else
        sat_put_bytes(&proposal, cli->args[0], strlen(cli->args[0]) + 1);
    if (!code) code = cli_act_open(cli);
    if (!code) code = cosign(cli, (const char *)proposal.at);
    sat_buf_deinit(&proposal);
    return code;
}
