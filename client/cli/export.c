/* export: everything into files. */
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

/* "ndjson", "csv" or both with a comma. */
static bool parse_formats(const char *text, int *formats)
{
    *formats = 0;
    while (true) {
        size_t len = strcspn(text, ",");
        if (len == 6 && memcmp(text, "ndjson", 6) == 0)
            *formats |= SATCHEL_NDJSON;
        else if (len == 3 && memcmp(text, "csv", 3) == 0)
            *formats |= SATCHEL_CSV;
        else
            return false;
        if (!text[len]) return true;
        text += len + 1;
    }
}

int cli_run_export(struct cli *cli)
{
    const char *text = cli_option(cli, CLI_OPTION_FORMAT);
    int formats = SATCHEL_NDJSON | SATCHEL_CSV;
    if (text && !parse_formats(text, &formats))
        return cli_fail(cli, SAT_ERR_USAGE, "--format takes ndjson, csv or ndjson,csv, not %s", text);
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct cli_table table;
    cli_table_init(&table, cli);
    int failed = satchel_export_for(cli->satchel, cli->args[0], formats, cli_option(cli, CLI_OPTION_PURPOSE),
                                    cli_table_row, &table);
    cli_table_finish(&table);
    return failed ? cli_fail_handle(cli) : 0;
}
