/* Reading: get, list, find, fields, query, history. */
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

/* ---- Fields ---- */

struct listed_fields {
    struct cli_table table;
    const char *only; /* of one type; NULL: of all */
    bool any;
};

static int list_field(struct listed_fields *listed, const char *type, const json_t *field)
{
    json_t *row = json_pack("{s:s, s:O, s:O, s:O, s:O}", "type", type, "field", json_object_get(field, "name"), "kind",
                            json_object_get(field, "kind"), "rule", json_object_get(field, "rule"), "grade",
                            json_object_get(field, "grade"));
    json_t *words = json_object_get(field, "words");
    if (words) (void)json_object_set(row, "words", words);
    char *text = json_dumps(row, JSON_COMPACT);
    int stop = cli_table_row(&listed->table, text);
    free(text);
    json_decref(row);
    return stop;
}

/* A satchel_row_fn over the types. */
static int list_type(void *context, const char *json)
{
    struct listed_fields *listed = context;
    json_t *type = json_loads(json, 0, NULL), *field;
    const char *name = json_string_value(json_object_get(type, "type"));
    size_t i;
    int stop = 0;
    if (!listed->only || strcmp(listed->only, name) == 0) {
        listed->any = true;
        json_array_foreach(json_object_get(type, "fields"), i, field) if (!stop) stop = list_field(listed, name, field);
    }
    json_decref(type);
    return stop;
}

/* … and over what is published: {"type","name","kind","rule","grade"}. */
static int list_added(void *context, const char *json)
{
    struct listed_fields *listed = context;
    json_t *field = json_loads(json, 0, NULL);
    const char *type = json_string_value(json_object_get(field, "type"));
    int stop = !listed->only || strcmp(listed->only, type) == 0 ? list_field(listed, type, field) : 0;
    json_decref(field);
    return stop;
}

/* What came without a grade, from a program that did not ask for one, is shown as what it is. */
static const char ADDED[] =
    "SELECT substr(c.name, 1, instr(c.name, '.') - 1) AS type, 'ext.' || substr(c.name, instr(c.name, '.') + 1) AS "
    "name, COALESCE(CASE WHEN json_valid(c.body) THEN json_extract(c.body, '$.kind') END, 'any') AS kind, 'MAP' AS "
    "rule, COALESCE(CASE WHEN json_valid(c.body) THEN json_extract(c.body, '$.grade') END, 'none: as G1') AS grade "
    "FROM "
    "config_item AS c WHERE c.kind = 'field' AND c.published_at IS NOT NULL AND instr(c.name, '.') > 1 AND NOT EXISTS "
    "(SELECT 1 FROM config_item AS n WHERE n.kind = 'field' AND n.name = c.name AND n.published_at IS NOT NULL AND "
    "n.version > c.version) ORDER BY c.name";

int cli_run_fields(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    struct listed_fields listed = {.only = cli->args_n ? cli->args[0] : NULL};
    cli_table_init(&listed.table, cli);
    int failed = satchel_types(list_type, &listed);
    if (!failed && listed.any) failed = satchel_query(cli->satchel, ADDED, list_added, &listed);
    code = finish(cli, &listed.table, failed);
    if (!code && !listed.any) code = cli_fail(cli, SAT_ERR_NOT_FOUND, "there is no record type %s", listed.only);
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
