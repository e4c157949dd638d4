/* Conflicts and their resolution. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/write.h"

/* A conflict for a person: its values, numbered as `resolve --pick` takes them. A satchel_row_fn; the context is the
 * run. */
static int print_conflict(void *context, const char *json)
{
    struct cli *cli = context;
    if (cli->json) {
        cli_out(cli, "%s\n", json);
        return cli->output_errno;
    }
    json_t *conflict = json_loads(json, 0, NULL), *value;
    struct sat_arena arena;
    sat_arena_init(&arena);
    cli_out(cli, "%s %s %s\n", cli_shown(&arena, json_object_get(conflict, "type")),
            cli_shown(&arena, json_object_get(conflict, "id")), cli_shown(&arena, json_object_get(conflict, "field")));
    size_t index;
    json_array_foreach(json_object_get(conflict, "values"), index, value)
    {
        const json_t *what = json_object_get(value, "value");
        cli_out(cli, "  %s %zu  %s  by %s (device %s), %s\n", json_is_true(json_object_get(value, "shown")) ? "*" : " ",
                index + 1, json_is_null(what) ? "(nothing)" : cli_shown(&arena, what),
                cli_shown(&arena, json_object_get(value, "by")), cli_shown(&arena, json_object_get(value, "device")),
                cli_shown(&arena, json_object_get(value, "at")));
    }
    json_decref(conflict);
    sat_arena_deinit(&arena);
    return cli->output_errno;
}

int cli_run_conflicts(struct cli *cli)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (satchel_conflicts(cli->satchel, print_conflict, cli) && !cli->output_errno) return cli_fail_handle(cli);
    return 0;
}

/* 1 to 9 digits, above 0. */
static bool parse_pick(const char *text, uint32_t *pick)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[digits]) return false;
    *pick = (uint32_t)strtoul(text, NULL, 10);
    return *pick > 0;
}

/* The JSON value that a text on the command line stands for; `deleted` is no field of a type. */
static int value_of(struct cli *cli, const char *type, const char *field, const char *text, char **json)
{
    bool truth = strcmp(text, "true") == 0;
    json_t *value = *text == '\0' ? json_null() : cli_value_of_word(type, field, text);
    if (strcmp(field, "deleted") == 0) {
        json_decref(value);
        if (!truth && strcmp(text, "false") != 0) {
            return cli_fail(cli, SAT_ERR_INVALID, "deleted is true or false, not %s", text);
        }
        value = json_boolean(truth);
    }
    if (!value) return cli_fail(cli, SAT_ERR_INVALID, "the value is no valid UTF-8");
    *json = json_dumps(value, JSON_ENCODE_ANY);
    json_decref(value);
    return 0;
}

int cli_run_resolve(struct cli *cli)
{
    const char *type = cli->args[0], *id = cli->args[1], *field = cli->args[2];
    const char *pick_text = cli_option(cli, CLI_OPTION_PICK), *value_text = cli_option(cli, CLI_OPTION_VALUE);
    uint32_t pick = 0;
    char *value = NULL;
    if (!pick_text == !value_text) return cli_fail(cli, SAT_ERR_USAGE, "resolve takes either --pick N or --value V");
    if (pick_text && !parse_pick(pick_text, &pick)) {
        return cli_fail(cli, SAT_ERR_USAGE, "--pick takes the value's number, from 1, not %s", pick_text);
    }
    int code = value_text ? value_of(cli, type, field, value_text, &value) : 0;
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    struct satchel_tx *tx = NULL;
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, satchel_resolve(tx, type, id, field, pick, value));
    free(value);
    if (code) return code;
    if (cli->json) return cli_print_new(cli, json_pack("{s:s, s:s, s:s}", "type", type, "id", id, "field", field));
    cli_note(cli, "settled: %s of %s %s", field, type, id);
    return 0;
}
