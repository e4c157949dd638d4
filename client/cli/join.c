/* join: this home becomes a device of the person that the code is for, and gets what there is. */
#include "client/cli/join.h"

#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/sync.h"

int cli_print_membership(struct cli *cli, json_t *more)
{
    static const char *const shown[] = {"org", "user", "role", "device", "state"};
    char *text = NULL;
    if (satchel_status(cli->satchel, &text)) {
        json_decref(more);
        return cli_fail_handle(cli);
    }
    json_t *status = json_loads(text, 0, NULL), *object = json_object();
    satchel_free(text);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        json_t *member = json_object_get(status, shown[i]);
        if (member) (void)json_object_set(object, shown[i], member);
    }
    const char *state = json_string_value(json_object_get(object, "state"));
    if (state && strcmp(state, "pending approval") == 0)
        cli_note(cli, "this device waits for approval: an admin runs `satchel device approve %s`",
                 cli_shown(&cli->arena, json_object_get(object, "device")));
    if (more) (void)json_object_update(object, more);
    json_decref(more);
    json_decref(status);
    if (cli->json) return cli_print_new(cli, object);
    cli_print_members(cli, object);
    json_decref(object);
    return 0;
}

static int join(struct cli *cli, const char *home, const struct satchel_join_options *options)
{
    struct cli_passphrases passphrases;
    struct satchel_error error = {0};
    struct sat_fault fault = {0};
    int code = 0;
    if (cli_passphrases_take(cli, true, &passphrases, &fault)) {
        code = cli_fail_fault(cli, &fault);
    } else if (satchel_join(home, &passphrases.options, options, &cli->satchel, &error)) {
        code = cli_fail_error(cli, &error, NULL);
    }
    cli_passphrases_wipe(&passphrases);
    return code;
}

int cli_run_join(struct cli *cli)
{
    const char *home;
    int code = cli_home(cli, &home);
    if (code) return code;
    struct sat_buf secret;
    sat_buf_init(&secret);
    code = cli_secret_argument(cli, cli->args[0], "code", &secret);
    if (!code) {
        code = join(cli, home,
                    &(struct satchel_join_options){
                        .code = (const char *)secret.at,
                        .device_name = cli_option(cli, CLI_OPTION_DEVICE_NAME),
                    });
    }
    sat_buf_wipe(&secret);
    if (code) return code;
    /* The home is a device from here on: a sync that fails is told, and can be repeated. */
    struct satchel_sync_result result = {0};
    int failed = cli_sync_once(cli, &(struct satchel_sync_options){0}, &result);
    struct satchel_error error = *satchel_error_of(cli->satchel);
    code = cli_print_membership(cli, cli_sync_json(&result));
    if (failed) return cli_fail_error(cli, &error, "joined, but the first sync did not finish (try `satchel sync`)");
    return code;
}
