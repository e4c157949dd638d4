/* sync and status. */
#define _GNU_SOURCE

#include "client/cli/sync.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

enum { TIMEOUT_MS_MAX = 30 * 24 * 3600 * 1000u };

/* What a signal handler can reach. */
static volatile int stop_wanted;

static void want_stop(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

struct sync_show {
    struct cli *cli;
    bool live;
};

static void tell_event(struct cli *cli, const char *name, const struct satchel_event *event, const char *before)
{
    char text[500];
    if (event->message) {
        (void)snprintf(text, sizeof text, "%s%s", before, event->message);
    } else {
        (void)snprintf(text, sizeof text, "%s%s %s", before, event->type ? event->type : "record",
                       event->id ? event->id : "");
    }
    cli_tell(cli, json_pack("{s:s, s:s?, s:s?}", "event", name, "type", event->type, "id", event->id), text);
}

/* Single records are told only to somebody who stays to watch. */
static void show_event(void *context, const struct satchel_event *event)
{
    struct sync_show *show = context;
    struct cli *cli = show->cli;
    switch (event->kind) {
    case SATCHEL_EVENT_PROGRESS:
        cli_progress_show(&cli->progress, "syncing", event->done, event->total);
        break;
    case SATCHEL_EVENT_RECORD:
        if (show->live) tell_event(cli, "record", event, "changed: ");
        break;
    case SATCHEL_EVENT_CONFLICT:
        if (show->live) tell_event(cli, "conflict", event, "in conflict: ");
        break;
    case SATCHEL_EVENT_REFUSED:
        tell_event(cli, "refused", event, "refused by the server, kept here: ");
        break;
    case SATCHEL_EVENT_REVOKED:
        tell_event(cli, "revoked", event, "revoked: ");
        break;
    case SATCHEL_EVENT_IN_SYNC:
        if (show->live) cli_tell(cli, json_pack("{s:s}", "event", "in_sync"), "in sync");
        break;
    case SATCHEL_EVENT_NOTE:
        tell_event(cli, "note", event, "");
        break;
    case SATCHEL_EVENT_OFFLINE:
        cli_tell(cli, json_pack("{s:s, s:I}", "event", "offline", "retry_ms", (json_int_t)event->retry_ms),
                 event->message);
        break;
    }
}

int cli_sync_once(struct cli *cli, const struct satchel_sync_options *options, struct satchel_sync_result *result)
{
    struct satchel_sync_options shown = *options;
    struct sync_show show = {.cli = cli, .live = options->live != 0};
    shown.event = show_event;
    shown.event_context = &show;
    shown.quiet = !show.live;
    int failed = satchel_sync(cli->satchel, &shown, result);
    cli_progress_clear(&cli->progress);
    return failed;
}

json_t *cli_sync_json(const struct satchel_sync_result *result)
{
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I, s:b, s:b}", "sent", (json_int_t)result->sent, "received",
                  (json_int_t)result->received, "refused", (json_int_t)result->refused, "conflicts",
                  (json_int_t)result->conflicts, "in_sync", result->in_sync, "recovering", result->recovering);
    if (result->held) (void)json_object_set_new(json, "held", json_integer(result->held));
    return json;
}

static int print_result(struct cli *cli, const struct satchel_sync_result *result)
{
    if (cli->json) return cli_print_new(cli, cli_sync_json(result));
    cli_out(cli, "sent %" PRIu64 ", received %" PRIu64 ", refused %" PRIu64 ", conflicts %" PRIu64 ": %s%s\n",
            result->sent, result->received, result->refused, result->conflicts,
            result->in_sync ? "in sync" : "not in sync", result->recovering ? ", recovering" : "");
    if (result->recovering)
        cli_tell(cli, NULL,
                 "the server was put back from an older copy: until an admin runs `satchel sync --confirm-restore`, "
                 "people, devices, territories and keys stay as they are");
    return 0;
}

/* Seconds, perhaps with a fraction, as milliseconds. */
static bool parse_seconds(const char *text, uint32_t *ms)
{
    if (!*text || strspn(text, "0123456789.") != strlen(text)) return false;
    char *end;
    double seconds = strtod(text, &end);
    if (*end || !(seconds * 1000 >= 1) || seconds * 1000 > (double)TIMEOUT_MS_MAX) return false;
    *ms = (uint32_t)(seconds * 1000);
    return true;
}

/* A number, perhaps with k (1,024) or m behind it. */
static bool parse_bytes(const char *text, uint64_t *bytes)
{
    uint64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15) return false;
    for (size_t i = 0; i < digits; i++) number = number * 10 + (uint64_t)(text[i] - '0');
    const char *unit = text + digits;
    if (*unit == 'k' || *unit == 'K') number *= 1024;
    if (*unit == 'm' || *unit == 'M') number *= 1024 * 1024;
    *bytes = number;
    return number > 0 && (!*unit || (strchr("kKmM", *unit) && !unit[1]));
}

/* 0, or the exit code of what is wrong with them. */
static int read_bounds(struct cli *cli, struct satchel_sync_options *options)
{
    const char *timeout = cli_option(cli, CLI_OPTION_TIMEOUT), *patience = cli_option(cli, CLI_OPTION_PATIENCE),
               *bytes = cli_option(cli, CLI_OPTION_MAX_BYTES);
    if (timeout && !parse_seconds(timeout, &options->timeout_ms))
        return cli_fail(cli, SAT_ERR_USAGE, "--timeout takes a number of seconds above 0, not %s", timeout);
    if (patience && (!parse_seconds(patience, &options->patience_ms) || options->patience_ms < 1000))
        return cli_fail(cli, SAT_ERR_USAGE, "--patience takes a number of seconds, 1 at least, not %s", patience);
    if (bytes && !parse_bytes(bytes, &options->max_bytes))
        return cli_fail(cli, SAT_ERR_USAGE, "--max-bytes takes a number of bytes as 500000, 512k or 20m, not %s",
                        bytes);
    return 0;
}

int cli_run_sync(struct cli *cli)
{
    struct satchel_sync_options options = {.live = cli_has(cli, CLI_OPTION_LIVE),
                                           .allow_mass_change = cli_has(cli, CLI_OPTION_MASS_CHANGE),
                                           .confirm_restore = cli_has(cli, CLI_OPTION_CONFIRM_RESTORE),
                                           .stop = &stop_wanted};
    bool signs = options.allow_mass_change || options.confirm_restore; /* admins do */
    int code = read_bounds(cli, &options);
    if (!code) code = cli_open(cli, signs ? CLI_ADMINISTRATION : CLI_EVERYDAY);
    if (code) return code;
    if (options.live) {
        /* The second one ends it by force: looking up a name can block for a while, and nothing is lost by it. */
        struct sigaction action = {.sa_handler = want_stop, .sa_flags = (int)SA_RESETHAND};
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
    }
    struct satchel_sync_result result = {0};
    if (cli_sync_once(cli, &options, &result)) code = cli_fail_handle(cli);
    int printed = print_result(cli, &result);
    return code ? code : printed;
}

/* Own work that came when what it belongs to had moved already: "moved_on: 3 records of yours (visit 3), 1 edit". */
static void print_moved_on(struct cli *cli, json_t *status)
{
    json_t *moved = json_object_get(status, "moved_on"), *of_type;
    json_int_t records = json_integer_value(json_object_get(moved, "records")),
               edits = json_integer_value(json_object_get(moved, "edits"));
    const char *type, *types = "";
    json_object_foreach(json_object_get(moved, "by_type"), type, of_type)
    {
        types = sat_arena_format(&cli->arena, "%s%s%s %" PRIdMAX, types, *types ? ", " : "", type,
                                 (intmax_t)json_integer_value(of_type));
    }
    if (records || edits)
        cli_out(cli,
                "moved_on: %" PRIdMAX " record%s of yours%s%s%s and %" PRIdMAX " edit%s moved on with their account,"
                " credit pending\n",
                (intmax_t)records, records == 1 ? "" : "s", *types ? " (" : "", types, *types ? ")" : "",
                (intmax_t)edits, edits == 1 ? "" : "s");
    (void)json_object_del(status, "moved_on");
}

int cli_run_status(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    char *text = NULL;
    if (satchel_status(cli->satchel, &text)) return cli_fail_handle(cli);
    json_t *status = json_loads(text, 0, NULL);
    satchel_free(text);
    if (cli->json) return cli_print_new(cli, status);
    if (cli_has(cli, CLI_OPTION_FINGERPRINT)) {
        cli_out(cli, "%s\n", cli_shown(&cli->arena, json_object_get(status, "fingerprint")));
    } else {
        print_moved_on(cli, status);
        cli_print_members(cli, status);
    }
    json_decref(status);
    return 0;
}
