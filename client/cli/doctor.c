/* doctor: the findings, and what to do about each. */
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

/* A satchel_row_fn; the context is the run. */
static int print_finding(void *context, const char *json)
{
    struct cli *cli = context;
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return cli->output_errno;
    }
    struct sat_arena arena;
    sat_arena_init(&arena);
    json_t *finding = json_loads(json, 0, NULL);
    const json_t *what_to_do = json_object_get(finding, "do");
    cli_out(cli, "%-7s %-10s %s\n", cli_shown(&arena, json_object_get(finding, "state")),
            cli_shown(&arena, json_object_get(finding, "check")), cli_shown(&arena, json_object_get(finding, "text")));
    if (what_to_do) cli_out(cli, "        %-10s → %s\n", "", cli_shown(&arena, what_to_do));
    json_decref(finding);
    sat_arena_deinit(&arena);
    return cli->output_errno;
}

int cli_run_doctor(struct cli *cli)
{
    const char *home;
    int code = cli_home(cli, &home);
    if (code) return code;
    struct cli_passphrases passphrases;
    struct sat_fault fault = {0};
    struct satchel_error error = {0};
    if (cli_passphrases_take(cli, false, &passphrases, &fault)) {
        code = cli_fail_fault(cli, &fault);
    } else if (satchel_doctor(home, &passphrases.options, print_finding, cli, &error)) {
        code = cli_fail_error(cli, &error, NULL);
    }
    cli_passphrases_wipe(&passphrases);
    return code;
}
