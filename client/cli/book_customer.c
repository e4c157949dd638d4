/* Customers: reveal, merge, contacts, consent, roles, reassign, targets, flagged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/book_print.h"
#include "client/cli/book_shown.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/write.h"

/* One JSON object that the library gave, which is taken: as a line, or its members. */
static int print_taken(struct cli *cli, char *text)
{
    if (cli->json) {
        cli_out(cli, "%s\n", text);
    } else {
        json_t *object = json_loads(text, 0, NULL);
        cli_print_members(cli, object);
        json_decref(object);
    }
    satchel_free(text);
    return 0;
}

int cli_run_reveal(struct cli *cli)
{
    char *text = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (satchel_reveal(cli->satchel, cli->args[0], cli->args[1], cli->args[2], cli_option(cli, CLI_OPTION_REASON),
                       &text))
        return cli_fail_handle(cli);
    return print_taken(cli, text);
}

/* ---- Duplicates and merging ---- */

static const char *why_of(struct cli *cli, const json_t *row)
{
    const char *text = "";
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(row, "why"), i, one)
    {
        text = sat_arena_format(&cli->arena, "%s%s%s", text, i ? ", " : "", json_string_value(one));
    }
    return text;
}

static int warn(void *context, const char *json)
{
    struct cli *cli = context;
    json_t *row = json_loads(json, 0, NULL);
    const char *other = json_string_value(json_object_get(row, "other"));
    cli_note(cli, "this may be a customer who is here already (alike: %s): %s %s; `satchel merge` makes one of two",
             why_of(cli, row), other ? other : "", cli_shown(&cli->arena, json_object_get(row, "other_name")));
    json_decref(row);
    return 0;
}

void cli_warn_of_duplicates(struct cli *cli, const char *account)
{
    int failed = satchel_duplicates(cli->satchel, account, warn, cli);
    (void)failed; /* a courtesy: the account is there all the same */
}

/* A row, with what it is before all else. */
struct listing {
    struct cli_table table;
    const char *kind;
};

static int list_row(void *context, const char *json)
{
    struct listing *listing = context;
    json_t *row = json_loads(json, 0, NULL), *named = json_pack("{s:s}", "kind", listing->kind);
    (void)json_object_update(named, row);
    char *text = json_dumps(named, JSON_COMPACT);
    int stop = cli_table_row(&listing->table, text);
    free(text);
    json_decref(row);
    json_decref(named);
    return stop;
}

static int list_merges(struct cli *cli)
{
    struct listing listing = {.kind = "alike"};
    int failed = 0;
    for (int merged = 0; merged < 2 && !failed; merged++) {
        listing.kind = merged ? "merged" : "alike";
        cli_table_init(&listing.table, cli);
        failed = merged ? satchel_merges(cli->satchel, list_row, &listing)
                        : satchel_duplicates(cli->satchel, NULL, list_row, &listing);
        cli_table_finish(&listing.table);
    }
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}

int cli_run_merge(struct cli *cli)
{
    struct satchel_tx *tx = NULL;
    bool list = cli_has(cli, CLI_OPTION_LIST), undo = cli_has(cli, CLI_OPTION_UNDO);
    int wanted = list ? 0 : undo ? 1 : 2;
    if ((list && undo) || cli->args_n != wanted)
        return cli_fail(cli, SAT_ERR_USAGE, "merge SURVIVOR ABSORBED, merge --undo ABSORBED, or merge --list");
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code && list) return list_merges(cli);
    if (!code) code = cli_begin(cli, &tx);
    if (!code)
        code = cli_end(cli, tx,
                       undo ? satchel_merge_undo(tx, cli->args[0]) : satchel_merge(tx, cli->args[0], cli->args[1]));
    if (code) return code;
    const char *absorbed = cli->args[wanted - 1];
    if (cli->json)
        return cli_print_new(cli, json_pack("{s:s?, s:s, s:b}", "account", undo ? NULL : cli->args[0], "absorbed",
                                            absorbed, "merged", !undo));
    if (undo)
        cli_note(cli, "account %s stands for itself again", absorbed);
    else
        cli_note(cli, "what belongs to account %s is shown under %s", absorbed, cli->args[0]);
    return 0;
}

/* ---- Consent ---- */

int cli_run_contacts(struct cli *cli)
{
    struct cli_table table;
    char *left_out = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    int failed = satchel_contacts(cli->satchel, cli->args_n ? cli->args[0] : NULL, cli_option(cli, CLI_OPTION_PURPOSE),
                                  cli_table_row, &table, &left_out);
    cli_table_finish(&table);
    json_t *left = left_out ? json_loads(left_out, 0, NULL) : NULL, *n;
    const char *why;
    json_object_foreach(left, why, n) cli_note(cli, "%d left out: %s", (int)json_integer_value(n), why);
    json_decref(left);
    satchel_free(left_out);
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}

/* What was asked for, and whether anything had to be written for it. */
static int tell_changed(struct cli *cli, const char *what)
{
    bool changed = satchel_written(cli->satchel) > 0;
    if (cli->json) return cli_print_new(cli, json_pack("{s:s, s:b}", "done", what, "changed", changed));
    cli_note(cli, changed ? "%s" : "%s: it is so already", what);
    return 0;
}

int cli_run_consent_give(struct cli *cli)
{
    struct satchel_tx *tx = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code)
        code =
            cli_end(cli, tx, satchel_consent_give(tx, cli->args[0], cli->args[1], cli_option(cli, CLI_OPTION_REASON)));
    return code ? code : tell_changed(cli, "consented");
}

int cli_run_consent_withdraw(struct cli *cli)
{
    struct satchel_tx *tx = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, satchel_consent_withdraw(tx, cli->args[0], cli->args[1]));
    return code ? code : tell_changed(cli, "withdrawn");
}

/* ---- The pool ---- */

static int list_claims(struct cli *cli)
{
    struct cli_table table;
    int code = cli_has(cli, CLI_OPTION_UNDO)
                   ? cli_fail(cli, SAT_ERR_USAGE, "what is given back? claim TYPE NAME --undo")
                   : cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    return cli_book_rows_end(&table, satchel_claims(cli->satchel, cli_table_row, &table), "nothing is in the pool");
}

int cli_run_claim(struct cli *cli)
{
    char *text = NULL;
    if (!cli->args_n) return list_claims(cli);
    if (cli->args_n < 2) return cli_fail(cli, SAT_ERR_USAGE, "which one? claim account NAME, or claim lead NAME");
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    int failed = cli_has(cli, CLI_OPTION_UNDO) ? satchel_claim_back(cli->satchel, cli->args[0], cli->args[1], &text)
                                               : satchel_claim(cli->satchel, cli->args[0], cli->args[1], &text);
    return failed ? cli_fail_handle(cli) : print_taken(cli, text);
}

/* ---- Roles ---- */

int cli_run_role_install(struct cli *cli)
{
    struct satchel_tx *tx = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, satchel_roles_install(tx));
    if (code) return code;
    int n = (int)satchel_written(cli->satchel);
    if (cli->json) return cli_print_new(cli, json_pack("{s:i}", "installed", n));
    cli_note(cli, "%d roles installed", n);
    return 0;
}

int cli_run_role_list(struct cli *cli)
{
    struct cli_table table;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    int failed = satchel_roles(cli->satchel, cli_table_row, &table);
    cli_table_finish(&table);
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}

/* ---- Who has which account, and which part of a target ---- */

int cli_run_reassign(struct cli *cli)
{
    const char *to = cli->args[0];
    uint32_t changed = 0;
    struct satchel_tx *tx = NULL;
    struct satchel_reassign_options options = {.reason = cli_option(cli, CLI_OPTION_REASON)};
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code)
        code = cli_end(cli, tx, satchel_reassign(tx, cli->args + 1, (size_t)cli->args_n - 1, to, &options, &changed));
    if (code) return code;
    if (cli->json) return cli_print_new(cli, json_pack("{s:s, s:i}", "to", to, "accounts", (int)changed));
    cli_note(cli, "%d accounts belong to %s from now on", (int)changed, to);
    return 0;
}

static int take_part(struct cli *cli, const char *text, struct satchel_target_part *out)
{
    const char *equals = strrchr(text, '=');
    char *end = NULL;
    errno = 0;
    out->value = equals ? strtoll(equals + 1, &end, 10) : 0;
    if (!equals || equals == text || end == equals + 1 || *end || errno)
        return cli_fail(cli, SAT_ERR_USAGE, "a part is PERSON=VALUE, with a whole number, not %s", text);
    out->owner = sat_arena_text(&cli->arena, text, (size_t)(equals - text));
    return 0;
}

int cli_run_target_divide(struct cli *cli)
{
    struct satchel_tx *tx = NULL;
    int n = cli->args_n - 1, code = 0;
    struct satchel_target_part *parts = sat_arena_array(&cli->arena, (size_t)n, sizeof *parts);
    for (int i = 0; i < n && !code; i++) code = take_part(cli, cli->args[i + 1], &parts[i]);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, satchel_target_divide(tx, cli->args[0], parts, (size_t)n));
    return code ? code : tell_changed(cli, "divided");
}

int cli_run_tier_publish(struct cli *cli)
{
    static const char *const columns[] = {"account", "was", "tier", "currency", "amount_minor", "id", NULL};
    struct cli_rows rows;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_rows_begin(&rows, cli);
    int failed = satchel_tier_publish(cli->satchel, cli_option(cli, CLI_OPTION_DATE), cli_rows_take, &rows);
    cli_rows_end(&rows, columns, failed ? NULL : "every account says the tier that follows from its orders");
    return failed ? cli_fail_handle(cli) : 0;
}

/* ---- What breaks a rule ---- */

int cli_run_flagged(struct cli *cli)
{
    struct cli_table table;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    int failed = satchel_query(cli->satchel, "SELECT type, rule, text, id FROM flagged ORDER BY type, rule, id, text",
                               cli_table_row, &table);
    cli_table_finish(&table);
    return failed && !cli->output_errno ? cli_fail_handle(cli) : 0;
}
