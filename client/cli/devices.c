/* device list, revoke and approve. */
#include <inttypes.h>

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/people.h"

static int device_of(struct cli *cli, uint32_t *device)
{
    uint64_t number = 0;
    int code = cli_number(cli, cli->args[0], "device", UINT32_MAX, &number);
    *device = (uint32_t)number;
    return code;
}

int cli_run_device_list(struct cli *cli)
{
    return cli_print_list(cli, satchel_device_list, cli_table_row);
}

int cli_run_device_revoke(struct cli *cli)
{
    uint32_t device;
    bool wipe = cli_has(cli, CLI_OPTION_WIPE);
    int code = device_of(cli, &device);
    if (!code) code = cli_act_open(cli);
    if (code) return code;
    int failed = satchel_device_revoke(cli->satchel, device, wipe);
    if (!failed && satchel_proposal(cli->satchel))
        cli_note(cli, "device %" PRIu32 " is revoked; that it is wiped is what waits", device);
    return cli_act_done(
        cli, failed, json_pack("{s:I, s:s, s:b}", "device", (json_int_t)device, "state", "revoked", "wipe", wipe),
        sat_arena_format(&cli->arena, "device %" PRIu32 " is revoked%s", device,
                         wipe ? ", and the order to wipe itself stands: it obeys with its next sync" : ""));
}

int cli_run_device_approve(struct cli *cli)
{
    uint32_t device;
    int code = device_of(cli, &device);
    if (!code) code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_device_approve(cli->satchel, device),
                        json_pack("{s:I, s:s}", "device", (json_int_t)device, "state", "active"),
                        sat_arena_format(&cli->arena, "device %" PRIu32 " is approved", device));
}
