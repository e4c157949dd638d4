/* Reading: get, list, find, query, history. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/read.h"
#include "client/search/find.h"
#include "client/view/view.h"

enum { FOUND = 20 }; /* records, if nobody says how many */

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

/* The words as they stand, with spaces between them. */
static const char *words_of(struct cli *cli)
{
    const char *text = cli->args[0];
    for (int i = 1; i < cli->args_n; i++) text = sat_arena_format(&cli->arena, "%s %s", text, cli->args[i]);
    return text;
}

static int take_limit(struct cli *cli, int *limit)
{
    const char *text = cli_option(cli, CLI_OPTION_LIMIT);
    char *end = NULL;
    *limit = FOUND;
    if (!text) return 0;
    long n = strspn(text, "0123456789") && strlen(text) <= 4 ? strtol(text, &end, 10) : 0;
    if (n < 1 || n > CLIENT_HITS_MAX || *end)
        return cli_fail(cli, SAT_ERR_USAGE, "--limit is a number from 1 to %d", CLIENT_HITS_MAX);
    *limit = (int)n;
    return 0;
}

struct found_rows {
    struct cli_table table;
    bool any;
};

/* For a person: where the name is what was found, it is not said twice; what of it was asked for, he knows. */
static int take_found(void *context, const char *json)
{
    struct found_rows *rows = context;
    rows->any = true;
    if (rows->table.cli->json) return cli_table_row(&rows->table, json);
    json_t *row = json_loads(json, 0, NULL);
    (void)json_object_del(row, "match");
    if (json_equal(json_object_get(row, "text"), json_object_get(row, "name")))
        (void)json_object_set_new(row, "text", json_string(""));
    char *text = json_dumps(row, 0);
    json_decref(row);
    int stop = text ? cli_table_row(&rows->table, text) : 0;
    free(text);
    return stop;
}

int cli_run_find(struct cli *cli)
{
    int limit;
    int code = take_limit(cli, &limit);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct found_rows rows = {0};
    bool more = false;
    cli_table_init(&rows.table, cli);
    int failed = client_find_records(cli->satchel, words_of(cli), cli_option(cli, CLI_OPTION_TYPE), limit, take_found,
                                     &rows, &more);
    code = finish(cli, &rows.table, failed);
    if (!code && !rows.any && !failed) cli_note(cli, "nothing was found");
    if (!code && more) cli_note(cli, "there are more; --limit shows more of them, another word fewer");
    return code;
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
