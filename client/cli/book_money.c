/* pay, dunning: what came in, and who is to be reminded. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/book_shown.h"
#include "client/cli/commands.h"
#include "client/currency.h"
#include "common/base/utf8.h"

/* The parts of "A,B,C". */
static json_t *parts_of(const char *text)
{
    json_t *list = json_array();
    while (text && *text) {
        size_t n = strcspn(text, ",");
        json_t *part = json_stringn(text, n);
        if (n && part)
            (void)json_array_append_new(list, part);
        else
            json_decref(part);
        text += n + (text[n] == ',');
    }
    return list;
}

static int read_wish(struct cli *cli, json_t *wish)
{
    const char *amount = cli->args[1], *currency = cli->args[2], *names[] = {"account", "currency", "bank_ref", "on"};
    const char *values[] = {cli->args[0], currency, cli_option(cli, CLI_OPTION_BANK_REF),
                            cli_option(cli, CLI_OPTION_ON)};
    int64_t minor;
    if (!client_money_read(amount, currency, &minor))
        return cli_fail(cli, SAT_ERR_USAGE, "an amount of %s is written 1500%s, without sign or other marks, not %s",
                        sat_utf8_shown(&cli->arena, currency), client_currency_digits(currency) ? " or 1500.00" : "",
                        sat_utf8_shown(&cli->arena, amount));
    (void)json_object_set_new(wish, "amount", json_integer(minor));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (values[i] && json_object_set_new(wish, names[i], json_string(values[i])))
            return cli_fail(cli, SAT_ERR_USAGE, "%s is no valid UTF-8", names[i]);
    if (cli_has(cli, CLI_OPTION_ANYWAY)) (void)json_object_set_new(wish, "anyway", json_true());
    if (cli_has(cli, CLI_OPTION_FOR)) (void)json_object_set_new(wish, "for", parts_of(cli_option(cli, CLI_OPTION_FOR)));
    return 0;
}

static int list(struct cli *cli)
{
    struct cli_table table;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    return cli_book_rows_end(&table, satchel_payments(cli->satchel, cli_book_row, &table),
                             "no payment is to be looked at; what is owed: satchel report receivables");
}

static void note_warnings(struct cli *cli, const char *json)
{
    json_t *told = json ? json_loads(json, JSON_ALLOW_NUL, NULL) : NULL, *warning;
    size_t index;
    if (!cli->json)
        json_array_foreach(json_object_get(told, "warnings"), index, warning)
            cli_note(cli, "%s", json_string_value(warning));
    json_decref(told);
}

int cli_run_pay(struct cli *cli)
{
    json_t *wish = json_object();
    int code = 0;
    if (!cli->args_n) {
        json_decref(wish);
        return list(cli);
    }
    if (cli->args_n < 3) code = cli_fail(cli, SAT_ERR_USAGE, "what was paid? satchel pay ACCOUNT AMOUNT CURRENCY");
    if (!code) code = read_wish(cli, wish);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) {
        char *text = json_dumps(wish, JSON_COMPACT), *json = NULL;
        code = satchel_pay(cli->satchel, text, &json) ? cli_fail_handle(cli) : cli_book_print(cli, json);
        note_warnings(cli, json);
        satchel_free(json);
        free(text);
    }
    json_decref(wish);
    return code;
}

/* What is said of one payment, and why. */
static int say_of(struct cli *cli, int (*say)(struct satchel *, const char *, const char *, char **))
{
    char *json = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    int failed = say(cli->satchel, cli->args[0], cli_option(cli, CLI_OPTION_REASON), &json);
    code = failed ? cli_fail_handle(cli) : cli_book_print(cli, json);
    satchel_free(json);
    return code;
}

int cli_run_pay_reverse(struct cli *cli)
{
    return say_of(cli, satchel_pay_reverse);
}

int cli_run_pay_confirm(struct cli *cli)
{
    return say_of(cli, satchel_pay_confirm);
}

/* What was left out stands beside the rest for a program, and is said to a person. */
static int take_reminder(void *context, const char *json)
{
    struct cli_table *table = context;
    json_t *row = table->cli->json ? NULL : json_loads(json, JSON_ALLOW_NUL, NULL);
    const char *skipped = json_string_value(json_object_get(row, "skipped"));
    const char *account = json_string_value(json_object_get(row, "account"));
    int stop = skipped ? 0 : cli_book_row(context, json);
    if (skipped)
        cli_note(table->cli, "nobody is reminded of receivable %s (%s): %s",
                 json_string_value(json_object_get(row, "receivable")), account ? account : "no account", skipped);
    json_decref(row);
    return stop;
}

int cli_run_dunning(struct cli *cli)
{
    struct cli_table table;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    cli_table_init(&table, cli);
    int failed = satchel_dunning(cli->satchel, cli_option(cli, CLI_OPTION_DATE), cli_has(cli, CLI_OPTION_DRY_RUN),
                                 take_reminder, &table);
    return cli_book_rows_end(&table, failed, "no reminder is due");
}
