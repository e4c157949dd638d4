/* move: records to another territory. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { TYPES_MAX = 64 };

/* How many of each type there were, in the order in which they came. */
struct moved {
    struct cli *cli;
    const char *types[TYPES_MAX];
    unsigned counts[TYPES_MAX];
    unsigned types_n, records;
};

static void count(struct moved *moved, const char *type)
{
    unsigned i = 0;
    while (i < moved->types_n && strcmp(moved->types[i], type) != 0) i++;
    if (i == TYPES_MAX) return;
    if (i == moved->types_n) {
        moved->types[moved->types_n++] = sat_arena_text(&moved->cli->arena, type, strlen(type));
        moved->counts[i] = 0;
    }
    moved->counts[i]++;
}

/* A satchel_row_fn. */
static int print_moved(void *context, const char *json)
{
    struct moved *moved = context;
    struct cli *cli = moved->cli;
    json_t *row = json_loads(json, 0, NULL);
    const char *type = json_string_value(json_object_get(row, "type"));
    moved->records++;
    count(moved, type ? type : "record");
    if (cli->json)
        cli_out(cli, "%s\n", json);
    else
        cli_out(cli, "%s %s\n", type ? type : "record", cli_shown(&cli->arena, json_object_get(row, "id")));
    json_decref(row);
    return cli->output_errno;
}

static const char *by_type(struct moved *moved)
{
    const char *text = "";
    for (unsigned i = 0; i < moved->types_n; i++)
        text =
            sat_arena_format(&moved->cli->arena, "%s%s%s %u", text, i ? ", " : "", moved->types[i], moved->counts[i]);
    return text;
}

int cli_run_move(struct cli *cli)
{
    const char *to;
    struct moved moved = {.cli = cli};
    bool dry_run = cli_has(cli, CLI_OPTION_DRY_RUN);
    int code = cli_need(cli, CLI_OPTION_TO, &to);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (satchel_move(cli->satchel, cli->args[0], cli->args + 1, (size_t)cli->args_n - 1, to, dry_run, print_moved,
                     &moved) &&
        !cli->output_errno)
        return cli_fail_handle(cli);
    if (moved.records == 0)
        cli_note(cli, "nothing to move: all of it is in %s", to);
    else if (dry_run)
        cli_note(cli, "%u would move to %s (%s); nothing is changed", moved.records, to, by_type(&moved));
    else
        cli_note(cli, "%u moved to %s (%s); the others learn of it with the next sync", moved.records, to,
                 by_type(&moved));
    return 0;
}
