/* report: figures, with what they stand on. */
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/report_print.h"

static int list(struct cli *cli)
{
    struct cli_table table;
    if (cli->args_n) return cli_fail(cli, SAT_ERR_USAGE, "--list names all reports: give no name with it");
    cli_table_init(&table, cli);
    int failed = satchel_reports(cli_table_row, &table);
    cli_table_finish(&table);
    return failed;
}

static int print(struct cli *cli, const char *text)
{
    json_t *report = json_loads(text, JSON_ALLOW_NUL, NULL);
    if (!report) return cli_fail(cli, SAT_ERR_INVALID, "the report cannot be read");
    if (cli_has(cli, CLI_OPTION_CSV))
        cli_report_csv(cli, report);
    else
        cli_report_print(cli, report);
    json_decref(report);
    return 0;
}

int cli_run_report(struct cli *cli)
{
    struct satchel_report_options options = {.period = cli_option(cli, CLI_OPTION_PERIOD),
                                             .territory = cli_option(cli, CLI_OPTION_TERRITORY),
                                             .by = cli_option(cli, CLI_OPTION_BY)};
    if (cli_has(cli, CLI_OPTION_LIST)) return list(cli);
    if (!cli->args_n) return cli_fail(cli, SAT_ERR_USAGE, "which report? `satchel report --list` names them");
    if (cli->json && cli_has(cli, CLI_OPTION_CSV)) return cli_fail(cli, SAT_ERR_USAGE, "--json or --csv, not both");
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    char *text = NULL;
    if (satchel_report(cli->satchel, cli->args[0], &options, &text)) return cli_fail_handle(cli);
    if (cli->json)
        cli_out(cli, "%s\n", text);
    else
        code = print(cli, text);
    satchel_free(text);
    return code;
}
