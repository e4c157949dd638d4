/* order, approve: orders are taken, submitted, moved, and their discounts allowed. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/book_shown.h"
#include "client/cli/commands.h"
#include "client/currency.h"
#include "common/base/utf8.h"

static int open_and_print(struct cli *cli, int failed, char *json)
{
    int code = failed ? cli_fail_handle(cli) : cli_book_print(cli, json);
    satchel_free(json);
    return code;
}

/* ---- order new ---- */

/* "SKU=QTY" or "SKU=QTY:DISCOUNT"; a sku may have the marks itself. */
static int read_line(struct cli *cli, const char *word, json_t *lines)
{
    const char *is = strrchr(word, '='), *colon = is ? strchr(is, ':') : NULL;
    char *end = NULL;
    int64_t discount = 0;
    long long qty = is ? strtoll(is + 1, &end, 10) : 0;
    bool good = is && is > word && end > is + 1 && qty > 0 && (colon ? end == colon : !*end) &&
                (!colon || client_share_read(colon + 1, &discount));
    json_t *sku = good ? json_stringn(word, (size_t)(is - word)) : NULL;
    if (!sku)
        return cli_fail(cli, SAT_ERR_USAGE,
                        "a line is SKU=QTY or SKU=QTY:DISCOUNT, as MILK=12 or MILK=12:7.5%%, not %s",
                        sat_utf8_shown(&cli->arena, word));
    json_t *line = json_pack("{s:o, s:I}", "sku", sku, "qty", (json_int_t)qty);
    if (colon) (void)json_object_set_new(line, "discount_bp", json_integer(discount));
    (void)json_array_append_new(lines, line);
    return 0;
}

static int set_option(struct cli *cli, json_t *wish, const char *name, enum cli_option option)
{
    const char *value = cli_option(cli, option);
    if (!value || !json_object_set_new(wish, name, json_string(value))) return 0;
    return cli_fail(cli, SAT_ERR_USAGE, "--%s is no valid UTF-8", cli_option_name(option));
}

static int read_wish(struct cli *cli, json_t *wish)
{
    const char *discount = cli_option(cli, CLI_OPTION_DISCOUNT);
    json_t *lines = json_array();
    int64_t share;
    int code = json_object_set_new(wish, "account", json_string(cli->args[0]))
                   ? cli_fail(cli, SAT_ERR_USAGE, "the account is no valid UTF-8")
                   : 0;
    for (int i = 1; i < cli->args_n && !code; i++) code = read_line(cli, cli->args[i], lines);
    (void)json_object_set_new(wish, "lines", lines);
    if (!code && discount && !client_share_read(discount, &share))
        code = cli_fail(cli, SAT_ERR_USAGE, "a discount is 750 or 7.5%%, up to 100%%, not %s",
                        sat_utf8_shown(&cli->arena, discount));
    if (!code && discount) (void)json_object_set_new(wish, "discount_bp", json_integer(share));
    if (!code) code = set_option(cli, wish, "price_list", CLI_OPTION_PRICE_LIST);
    if (!code) code = set_option(cli, wish, "currency", CLI_OPTION_CURRENCY);
    if (!code) code = set_option(cli, wish, "visit", CLI_OPTION_VISIT);
    if (!code) code = set_option(cli, wish, "date", CLI_OPTION_DATE);
    if (!code && cli_has(cli, CLI_OPTION_ANYWAY)) (void)json_object_set_new(wish, "anyway", json_true());
    return code;
}

int cli_run_order_new(struct cli *cli)
{
    json_t *wish = json_object();
    int code = read_wish(cli, wish);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) {
        char *text = json_dumps(wish, JSON_COMPACT), *json = NULL;
        int failed = satchel_order_new(cli->satchel, text, &json);
        code = open_and_print(cli, failed, json);
        free(text);
    }
    json_decref(wish);
    return code;
}

/* ---- order submit, order status ---- */

int cli_run_order_submit(struct cli *cli)
{
    char *json = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    int failed = satchel_order_submit(cli->satchel, cli->args[0], &json);
    return open_and_print(cli, failed, json);
}

static int list_orders(struct cli *cli)
{
    struct cli_table table;
    cli_table_init(&table, cli);
    return cli_book_rows_end(&table, satchel_orders(cli->satchel, cli_book_row, &table), "no order is open");
}

/* "ITEM=ANSWER" each, behind the state. */
static int read_answers(struct cli *cli, json_t *answers)
{
    for (int i = 2; i < cli->args_n; i++) {
        const char *word = cli->args[i], *is = strchr(word, '=');
        json_t *value = is ? json_string(is + 1) : NULL;
        if (!value || is == word ||
            json_object_set_new(answers, sat_arena_text(&cli->arena, word, (size_t)(is - word)), value))
            return cli_fail(cli, SAT_ERR_USAGE, "an item of the checklist is ITEM=yes, not %s",
                            sat_utf8_shown(&cli->arena, word));
    }
    return 0;
}

static int move_order(struct cli *cli, const char *reason)
{
    json_t *answers = json_object();
    char *text = NULL, *json = NULL;
    int code = read_answers(cli, answers);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) {
        if (json_object_size(answers)) text = json_dumps(answers, JSON_COMPACT);
        int failed = satchel_order_move(cli->satchel, cli->args[0], cli->args[1], reason, text, &json);
        code = open_and_print(cli, failed, json);
        free(text);
    }
    json_decref(answers);
    return code;
}

int cli_run_order_status(struct cli *cli)
{
    const char *reason = cli_option(cli, CLI_OPTION_REASON);
    char *json = NULL;
    if (reason && cli->args_n < 2) return cli_fail(cli, SAT_ERR_USAGE, "--reason is for a state to move to");
    if (cli->args_n > 1) return move_order(cli, reason);
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (!cli->args_n) return list_orders(cli);
    int failed = satchel_order_show(cli->satchel, cli->args[0], &json);
    return open_and_print(cli, failed, json);
}

int cli_run_order_note(struct cli *cli)
{
    char *json = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    int failed = satchel_order_note(cli->satchel, cli->args[0], cli->args[1], cli->args[2],
                                    cli_option(cli, CLI_OPTION_DATE), &json);
    return open_and_print(cli, failed, json);
}

/* ---- approve ---- */

static int list_approvals(struct cli *cli)
{
    struct cli_table table;
    cli_table_init(&table, cli);
    return cli_book_rows_end(&table, satchel_approvals(cli->satchel, cli_book_row, &table), "nothing waits");
}

int cli_run_approve(struct cli *cli)
{
    char *json = NULL;
    if (cli->args_n == 1)
        return cli_fail(cli, SAT_ERR_USAGE, "yes or no? satchel approve %s yes|no",
                        sat_utf8_shown(&cli->arena, cli->args[0]));
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (!cli->args_n) return list_approvals(cli);
    int failed = satchel_approve(cli->satchel, cli->args[0], cli->args[1], cli_option(cli, CLI_OPTION_REASON), &json);
    code = open_and_print(cli, failed, json);
    if (!code && !cli->json) cli_note(cli, "others hear of it with the next sync");
    return code;
}
