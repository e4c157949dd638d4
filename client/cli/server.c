/* Where the server is: server set and server show. */
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

/* What the status says of the server. */
static int print_server(struct cli *cli)
{
    static const char *const shown[] = {"server", "server_last", "pin"};
    char *text = NULL;
    if (satchel_status(cli->satchel, &text)) return cli_fail_handle(cli);
    json_t *status = json_loads(text, 0, NULL), *object = json_object();
    satchel_free(text);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        (void)json_object_set(object, shown[i], json_object_get(status, shown[i]));
    json_decref(status);
    if (cli->json) return cli_print_new(cli, object);
    cli_print_members(cli, object);
    json_decref(object);
    return 0;
}

int cli_run_server_set(struct cli *cli)
{
    const char *url = cli_option(cli, CLI_OPTION_URL), *pin = cli_option(cli, CLI_OPTION_PIN);
    if (!url && !pin) return cli_fail(cli, SAT_ERR_USAGE, "server set needs --url URL, --pin PIN or both");
    int code = cli_open(cli, CLI_ADMINISTRATION);
    if (code) return code;
    if (satchel_server_set(cli->satchel, url, pin)) return cli_fail_handle(cli);
    return print_server(cli);
}

int cli_run_server_show(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    return code ? code : print_server(cli);
}
