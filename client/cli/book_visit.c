/* Visits: options and words become what the library takes, and what it tells becomes text. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/book_print.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/write.h"

/* ---- Words ---- */

static bool is_list(const char *key)
{
    return strcmp(key, "next") == 0 || strcmp(key, "contact") == 0 || strcmp(key, "signal") == 0;
}

/* KEY=TEXT, or an item of a checklist alone. */
static int take_word(struct cli *cli, json_t *said, const char *word)
{
    const char *equals = strchr(word, '=');
    const char *key = equals ? sat_arena_text(&cli->arena, word, (size_t)(equals - word)) : word;
    json_t *text = json_string(equals ? equals + 1 : "yes");
    if (!*key || !text) {
        json_decref(text);
        return cli_fail(cli, *key ? SAT_ERR_INVALID : SAT_ERR_USAGE, "%s is no PART=TEXT", word);
    }
    if (is_list(key)) {
        json_t *list = json_object_get(said, key);
        if (!list) {
            list = json_array();
            (void)json_object_set_new(said, key, list);
        }
        (void)json_array_append_new(list, text);
        return 0;
    }
    if (json_object_get(said, key)) {
        json_decref(text);
        return cli_fail(cli, SAT_ERR_USAGE, "%s is given twice", key);
    }
    return json_object_set_new(said, key, text) ? cli_fail(cli, SAT_ERR_INVALID, "%s is no valid UTF-8", word) : 0;
}

static int take_words(struct cli *cli, int from, char **said)
{
    json_t *object = json_object();
    int code = 0;
    for (int i = from; i < cli->args_n && !code; i++) code = take_word(cli, object, cli->args[i]);
    *said = code ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return code;
}

/* ---- Positions ---- */

/* "31.2304" as an integer of degrees times ten million. */
static bool is_degrees(const char *text, int64_t most, int64_t *e7)
{
    bool minus = *text == '-';
    int64_t whole = 0, part = 0, unit = 10000000;
    const char *at = text + minus;
    if (*at < '0' || *at > '9') return false;
    for (; *at >= '0' && *at <= '9' && whole < 1000; at++) whole = whole * 10 + (*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++) {
            unit /= 10;
            part += (*at - '0') * unit;
        }
    *e7 = (whole * 10000000 + part) * (minus ? -1 : 1);
    return !*at && whole <= most;
}

static int take_check(struct cli *cli, struct satchel_check *check)
{
    const char *lat = cli_option(cli, CLI_OPTION_LAT), *lon = cli_option(cli, CLI_OPTION_LON);
    const char *accuracy = cli_option(cli, CLI_OPTION_ACCURACY);
    *check = (struct satchel_check){.accuracy_m = -1, .mock = cli_has(cli, CLI_OPTION_MOCK)};
    if (!lat != !lon) return cli_fail(cli, SAT_ERR_USAGE, "--lat and --lon belong together");
    if (!lat && (accuracy || check->mock))
        return cli_fail(cli, SAT_ERR_USAGE, "without --lat and --lon there is no position");
    if (!lat) return 0;
    check->positioned = 1;
    if (!is_degrees(lat, 90, &check->lat_e7) || !is_degrees(lon, 180, &check->lon_e7))
        return cli_fail(cli, SAT_ERR_USAGE, "a position is in degrees: --lat 31.2304 --lon 121.4737");
    if (!accuracy) return 0;
    char *end = NULL;
    check->accuracy_m = strtoll(accuracy, &end, 10);
    bool sound = *accuracy >= '0' && *accuracy <= '9' && !*end && strlen(accuracy) < 9;
    return sound ? 0 : cli_fail(cli, SAT_ERR_USAGE, "--accuracy is a number of metres");
}

/* ---- Acts ---- */

typedef int visit_act(struct satchel *satchel, const char *named, const struct satchel_visit_options *options,
                      char **json);

/* `named`: the first word says which, even if nothing marks it; else only one without a = does. */
static int run_act(struct cli *cli, visit_act *act, bool named, bool preparation)
{
    struct satchel_check check;
    char *said = NULL, *told = NULL;
    const char *which = NULL;
    int first = 0;
    if (named || (cli->args_n && !strchr(cli->args[0], '='))) which = cli->args[first++];
    int code = take_check(cli, &check);
    if (!code) code = take_words(cli, first, &said);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) {
        struct satchel_visit_options options = {.said = said, .check = check.positioned ? &check : NULL};
        if (act(cli->satchel, which, &options, &told)) code = cli_fail_handle(cli);
    }
    if (!code) cli_print_visit(cli, told, preparation);
    free(said);
    satchel_free(told);
    return code;
}

int cli_run_visit_prepare(struct cli *cli)
{
    return run_act(cli, satchel_visit_prepare, true, true);
}

int cli_run_visit_start(struct cli *cli)
{
    return run_act(cli, satchel_visit_start, true, true);
}

int cli_run_visit_note(struct cli *cli)
{
    return run_act(cli, satchel_visit_note, false, false);
}

int cli_run_visit_finish(struct cli *cli)
{
    return run_act(cli, satchel_visit_finish, false, false);
}

int cli_run_visit_submit(struct cli *cli)
{
    return run_act(cli, satchel_visit_submit, false, false);
}

/* ---- Plans ---- */

static int print_plan(struct cli *cli, char *told)
{
    struct sat_arena arena;
    json_t *plan = json_loads(told, JSON_ALLOW_NUL, NULL);
    sat_arena_init(&arena);
    if (cli->json)
        cli_out(cli, "%s\n", told);
    else
        cli_out(cli, "%s %s: %s\n", cli_shown(&arena, json_object_get(plan, "on")),
                cli_shown(&arena, json_object_get(plan, "state")), cli_shown(&arena, json_object_get(plan, "plan")));
    sat_arena_deinit(&arena);
    json_decref(plan);
    satchel_free(told);
    return 0;
}

int cli_run_visit_plan(struct cli *cli)
{
    struct satchel_plan_options options = {0};
    const char *on;
    char *told = NULL, *end = NULL;
    int code = cli_need(cli, CLI_OPTION_ON, &on);
    for (int i = 1; i < cli->args_n && !code; i++) {
        const char *word = cli->args[i];
        if (strncmp(word, "purpose=", 8) == 0)
            options.purpose = word + 8;
        else if (strncmp(word, "person=", 7) == 0)
            options.person = word + 7;
        else if (strncmp(word, "seq=", 4) == 0 && (options.seq = strtol(word + 4, &end, 10)) > 0 && !*end)
            continue;
        else
            code = cli_fail(cli, SAT_ERR_USAGE, "%s is none of purpose=TEXT, seq=N, person=NAME", word);
    }
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code && satchel_visit_plan(cli->satchel, cli->args[0], on, &options, &told)) code = cli_fail_handle(cli);
    return code ? code : print_plan(cli, told);
}

int cli_run_visit_skip(struct cli *cli)
{
    const char *reason;
    char *told = NULL;
    int code = cli_need(cli, CLI_OPTION_REASON, &reason);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code && satchel_visit_skip(cli->satchel, cli->args[0], cli_option(cli, CLI_OPTION_DATE), reason, &told))
        code = cli_fail_handle(cli);
    return code ? code : print_plan(cli, told);
}

int cli_run_visit_move(struct cli *cli)
{
    const char *on;
    char *told = NULL;
    int code = cli_need(cli, CLI_OPTION_ON, &on);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code && satchel_visit_move(cli->satchel, cli->args[0], cli_option(cli, CLI_OPTION_DATE), on,
                                    cli_option(cli, CLI_OPTION_REASON), &told))
        code = cli_fail_handle(cli);
    return code ? code : print_plan(cli, told);
}

/* ---- Amendments ---- */

static int amend(struct cli *cli, const char *type, int which)
{
    const char *reason;
    char *changes = NULL;
    json_t *object = json_object();
    int code = cli_need(cli, CLI_OPTION_REASON, &reason);
    for (int i = which + 1; i < cli->args_n && !code; i++) {
        const char *word = cli->args[i], *equals = strchr(word, '=');
        if (!equals || equals == word) {
            code = cli_fail(cli, SAT_ERR_USAGE, "%s is not FIELD=VALUE", word);
            continue;
        }
        const char *field = sat_arena_text(&cli->arena, word, (size_t)(equals - word));
        if (json_object_set_new(object, field, cli_value_of_word(type, field, equals + 1)))
            code = cli_fail(cli, SAT_ERR_INVALID, "the value of %s is no valid UTF-8", field);
    }
    changes = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) {
        struct cli_rows rows;
        cli_rows_begin(&rows, cli);
        int failed = satchel_amend(cli->satchel, type, cli->args[which], changes, reason, cli_rows_take, &rows);
        static const char *const columns[] = {"field", "old_value", "new_value", "reason", NULL};
        cli_rows_end(&rows, failed ? NULL : columns, NULL);
        if (failed) code = cli_fail_handle(cli);
    }
    free(changes);
    return code;
}

int cli_run_visit_amend(struct cli *cli)
{
    return amend(cli, "visit", 0);
}

int cli_run_amend(struct cli *cli)
{
    return amend(cli, cli->args[0], 1);
}

/* ---- Lists ---- */

int cli_run_visit_list(struct cli *cli)
{
    static const char *const columns[] = {"day", "account", "by",      "state", "readiness_bp",
                                          "min", "flags",   "amended", "visit", NULL};
    struct cli_rows rows;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_rows_begin(&rows, cli);
    int failed = satchel_visits(cli->satchel, cli_option(cli, CLI_OPTION_PERIOD), cli->args_n ? cli->args[0] : NULL,
                                cli_rows_take, &rows);
    cli_rows_end(&rows, failed ? NULL : columns, "no visits");
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}

/* ---- Templates ---- */

enum { TEMPLATE_BYTES_MAX = 64 * 1024 };

static int read_file(struct cli *cli, const char *path, char **text)
{
    FILE *file = fopen(path, "re");
    *text = file ? calloc(1, TEMPLATE_BYTES_MAX + 1) : NULL;
    size_t len = *text ? fread(*text, 1, TEMPLATE_BYTES_MAX + 1, file) : 0;
    bool whole = *text && !ferror(file) && len <= TEMPLATE_BYTES_MAX;
    if (file) (void)fclose(file);
    if (whole) return 0;
    free(*text);
    *text = NULL;
    return cli_fail(cli, SAT_ERR_NOT_FOUND, "%s cannot be read, or is larger than a template can be", path);
}

int cli_run_template_publish(struct cli *cli)
{
    static const char *const columns[] = {"kind", "name", "version", "published", "id", NULL};
    struct cli_rows rows;
    int code = cli_open(cli, CLI_EVERYDAY), failed = 0;
    if (code) return code;
    cli_rows_begin(&rows, cli);
    if (!cli->args_n) failed = satchel_template_publish(cli->satchel, NULL, cli_rows_take, &rows);
    for (int i = 0; i < cli->args_n && !failed && !code; i++) {
        char *text = NULL;
        code = read_file(cli, cli->args[i], &text);
        if (!code) failed = satchel_template_publish(cli->satchel, text, cli_rows_take, &rows);
        free(text);
    }
    cli_rows_end(&rows, columns, NULL);
    return failed ? cli_fail_handle(cli) : code;
}
