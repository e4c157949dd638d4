/* recover and leave: coming back with the recovery kit, and going. */
#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/join.h"
#include "client/cli/kit.h"
#include "client/cli/output.h"
#include "client/cli/sync.h"

enum { KIT_BYTES_MAX = 64 * 1024 };

static int recover(struct cli *cli, const char *home, struct satchel_recover_options *options)
{
    struct cli_passphrases passphrases;
    struct satchel_error error = {0};
    struct sat_fault fault = {0};
    int code = 0;
    if (cli_passphrases_take(cli, true, &passphrases, &fault)) {
        code = cli_fail_fault(cli, &fault);
    } else if (satchel_recover(home, &passphrases.options, options, &cli->satchel, &error)) {
        code = cli_fail_error(cli, &error, NULL);
    }
    cli_passphrases_wipe(&passphrases);
    return code;
}

static int recover_with_kits(struct cli *cli, const char *home, const char *path,
                             struct satchel_recover_options *options)
{
    struct cli_new_kit kit = {.cli = cli, .path = path, .fd = -1};
    int code = cli_kit_open(cli, path, &kit.fd);
    if (code) return code;
    options->keep_kit = cli_kit_keep;
    options->context = &kit;
    code = recover(cli, home, options);
    if (kit.fd >= 0) { /* not needed */
        (void)close(kit.fd);
        (void)unlink(path);
        if (!code) cli_note(cli, "the recovery kit is the one that the first attempt wrote");
        return code;
    }
    if (code)
        cli_note(cli,
                 "keep %s: if the server has taken it, it is the recovery kit now; run this again with another file",
                 path);
    else
        cli_note(cli,
                 "the new recovery kit is in %s: keep it offline, it opens everything; the old one is worth nothing",
                 path);
    return code;
}

/* A satchel_row_fn; the context is an array, which holds in the end what the last repudiation undid. */
static int take_undone(void *context, const char *json)
{
    json_t *link = json_loads(json, 0, NULL), *undone = json_object_get(link, "undone");
    if (undone) {
        (void)json_array_clear(context);
        (void)json_array_extend(context, undone);
    }
    json_decref(link);
    return 0;
}

/* Told, and as an array of sentences. */
static json_t *tell_undone(struct cli *cli)
{
    json_t *list = json_array(), *undone;
    size_t i;
    if (satchel_audit(cli->satchel, NULL, take_undone, list))
        cli_note(cli, "what was undone cannot be told: %s", satchel_error_of(cli->satchel)->message);
    json_array_foreach(list, i, undone) cli_note(cli, "undoing that, it %s", cli_shown(&cli->arena, undone));
    return list;
}

/* A satchel_row_fn; the context counts what is open. */
static int count_open(void *context, const char *json)
{
    json_int_t *open = context;
    json_t *item = json_loads(json, 0, NULL);
    const char *state = json_string_value(json_object_get(item, "state"));
    *open += state && strcmp(state, "open") == 0;
    json_decref(item);
    return 0;
}

/* Work that people handed in while a thief had them out holds up what they write now. */
static json_t *tell_escrow(struct cli *cli)
{
    json_int_t open = 0;
    if (satchel_escrow(cli->satchel, count_open, &open))
        cli_note(cli, "whether late work waits for a decision cannot be told: %s",
                 satchel_error_of(cli->satchel)->message);
    else if (open)
        cli_note(cli,
                 "%" PRIdMAX " bundle%s of late work wait%s for a decision, and hold%s up what the authors write now: "
                 "see `satchel escrow list`",
                 (intmax_t)open, open == 1 ? "" : "s", open == 1 ? "s" : "", open == 1 ? "s" : "");
    return json_integer(open);
}

/* The home is an admin's device from here on. Its first sync changes all keys; if it fails, it can be repeated. */
static int change_keys(struct cli *cli)
{
    struct satchel_sync_result result = {0};
    int failed = cli_sync_once(cli, &(struct satchel_sync_options){0}, &result);
    struct satchel_error error = *satchel_error_of(cli->satchel);
    json_t *more = cli_sync_json(&result);
    (void)json_object_set_new(more, "left_out", cli_kit_left_out(cli));
    if (cli_has(cli, CLI_OPTION_REPUDIATE)) {
        (void)json_object_set_new(more, "undone", tell_undone(cli));
        (void)json_object_set_new(more, "escrow_open", tell_escrow(cli));
    }
    int code = cli_print_membership(cli, more);
    if (failed)
        return cli_fail_error(cli, &error, "recovered, but the keys are not all changed yet (run `satchel sync`)");
    return code;
}

/* A stolen phone, and since when. */
static int take_theft(struct cli *cli, uint64_t *device, uint64_t *since)
{
    bool named = cli_has(cli, CLI_OPTION_REPUDIATE);
    if (named != cli_has(cli, CLI_OPTION_FROM))
        return cli_fail(cli, SAT_ERR_INVALID, "--repudiate DEVICE and --from LINK go together");
    if (!named) return 0;
    int code = cli_number(cli, cli_option(cli, CLI_OPTION_REPUDIATE), "device", UINT32_MAX, device);
    if (!code) code = cli_number(cli, cli_option(cli, CLI_OPTION_FROM), "link", UINT32_MAX, since);
    return code;
}

int cli_run_recover(struct cli *cli)
{
    const char *home, *kit, *path;
    uint64_t user = 0, device = 0;
    struct satchel_recover_options options = {
        .server_url = cli_option(cli, CLI_OPTION_SERVER),
        .pin = cli_option(cli, CLI_OPTION_PIN),
        .device_name = cli_option(cli, CLI_OPTION_DEVICE_NAME),
    };
    int code = cli_need(cli, CLI_OPTION_KIT, &kit);
    if (!code) code = cli_need(cli, CLI_OPTION_RECOVERY_KIT, &path);
    if (!code && cli_has(cli, CLI_OPTION_USER))
        code = cli_number(cli, cli_option(cli, CLI_OPTION_USER), "user", UINT32_MAX, &user);
    if (!code) code = take_theft(cli, &device, &options.since);
    if (!code) code = cli_home(cli, &home);
    if (code) return code;
    options.user = (uint32_t)user;
    options.repudiate = (uint32_t)device;
    struct sat_buf page;
    sat_buf_init(&page);
    code = cli_read_file(cli, kit, KIT_BYTES_MAX, &page);
    options.kit = (const char *)page.at;
    if (!code) code = recover_with_kits(cli, home, path, &options);
    sat_buf_wipe(&page);
    return code ? code : change_keys(cli);
}

int cli_run_leave(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    return cli_act_done(cli, satchel_leave(cli->satchel), json_pack("{s:b}", "left", 1),
                        "this device has left the organisation, and its home is removed");
}
