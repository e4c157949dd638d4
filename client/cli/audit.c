/* audit: what was ever done, in lines. */
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

/* "   12  2026-05-17T08:00:00Z  Andrew (device 1) adds Nancy as rep". A satchel_row_fn; the context is the run. */
static int print_link(void *context, const char *json)
{
    struct cli *cli = context;
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return cli->output_errno;
    }
    struct sat_arena arena;
    sat_arena_init(&arena);
    json_t *link = json_loads(json, 0, NULL);
    bool own_word = json_is_true(json_object_get(link, "own_word"));
    cli_out(cli, "%5s  %s  %s (device %s) %s\n", own_word ? "says" : cli_shown(&arena, json_object_get(link, "link")),
            cli_shown(&arena, json_object_get(link, "at")), cli_shown(&arena, json_object_get(link, "by")),
            cli_shown(&arena, json_object_get(link, "device")), cli_shown(&arena, json_object_get(link, "what")));
    size_t i;
    json_t *undone;
    json_array_foreach(json_object_get(link, "undone"), i, undone)
        cli_out(cli, "       undoing that, it %s\n", cli_shown(&arena, undone));
    json_decref(link);
    sat_arena_deinit(&arena);
    return cli->output_errno;
}

static int tell_debt(void *context, const char *json)
{
    struct cli *cli = context;
    json_t *debt = json_loads(json, 0, NULL);
    cli_note(cli, "%s is due a new key since link %s", cli_shown(&cli->arena, json_object_get(debt, "territory")),
             cli_shown(&cli->arena, json_object_get(debt, "since_link")));
    json_decref(debt);
    return 0;
}

int cli_run_audit(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY), refreshed = 0;
    if (code) return code;
    int failed = satchel_audit(cli->satchel, &refreshed, print_link, cli);
    if (failed) return cli_fail_handle(cli);
    if (!refreshed) cli_note(cli, "the server could not be asked for news: this is what was known here before");
    return satchel_debts(cli->satchel, tell_debt, cli) ? cli_fail_handle(cli) : 0;
}
