/* today, and an account's page. */
#include <string.h>

#include "client/cli/book_print.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"

struct block {
    const char *name, *title, *columns[10];
};

static const char *text_of(struct cli *cli, const json_t *object, const char *name)
{
    return cli_shown(&cli->arena, json_object_get(object, name));
}

/* ---- today ---- */

static void print_today(struct cli *cli, json_t *day)
{
    static const struct block blocks[] = {
        {"plans", "planned", {"seq", "account", "purpose", "state", "reason"}},
        {"unplanned", "not planned", {"account", "state", "purpose", "flags"}},
        {"open_visits", "not over", {"day", "account", "state", "visit"}},
        {"tasks", "due", {"due", "days_overdue", "title", "account", "id"}},
        {"next_steps", "next steps", {"due", "title", "account", "id"}},
        {"receivables", "owed", {"account", "due", "days_overdue", "currency", "outstanding_minor", "step"}},
        {"needs_completion", "needs completion", {"day", "account", "n", "fields", "made_under", "asks", "visit"}},
        {"claims", "claimed (satchel claim)", {"type", "name", "own", "by", "at"}},
        {"conflicts", "in conflict (satchel conflicts)", {"type", "field", "id"}},
        {"disputed", "disputed (satchel state)", {"type", "name", "states", "id"}},
    };
    size_t index, at;
    json_t *row, *item;
    json_array_foreach(json_object_get(day, "needs_completion"), index, row)
    {
        json_t *fields = json_array(), *missing = json_object_get(row, "missing");
        json_array_foreach(missing, at, item)(void) json_array_append(fields, json_object_get(item, "key"));
        (void)json_object_set_new(row, "n", json_integer((json_int_t)json_array_size(missing)));
        (void)json_object_set_new(row, "fields", fields);
    }
    cli_out(cli, "%s, %s; as of %s\n", text_of(cli, day, "day"), text_of(cli, day, "person"),
            json_object_size(json_object_get(day, "as_of")) ? text_of(cli, day, "as_of") : "no sync yet");
    if (*text_of(cli, day, "clock")) cli_note(cli, "this device's clock is %s", text_of(cli, day, "clock"));
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        cli_book_table(cli, blocks[i].title, json_object_get(day, blocks[i].name), blocks[i].columns);
}

int cli_run_today(struct cli *cli)
{
    char *text = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (satchel_today(cli->satchel, cli_option(cli, CLI_OPTION_DATE), &text)) return cli_fail_handle(cli);
    if (cli->json) {
        cli_out(cli, "%s\n", text);
    } else {
        json_t *day = json_loads(text, JSON_ALLOW_NUL, NULL);
        print_today(cli, day);
        json_decref(day);
    }
    satchel_free(text);
    return 0;
}

/* ---- account show ---- */

static void print_line(struct cli *cli, const char *title, const json_t *object, const char *const *names)
{
    const char *line = "";
    for (; *names; names++) {
        const char *value = text_of(cli, object, *names);
        if (*value) line = sat_arena_format(&cli->arena, "%s%s%s", line, *line ? ", " : "", value);
    }
    if (*line) cli_out(cli, "%s: %s\n", title, line);
}

static void print_head(struct cli *cli, const json_t *page)
{
    static const struct block lines[] = {
        {NULL, "where", {"address", "postal_code", "city", "country", "territory"}},
        {NULL, "kind", {"kind", "industry", "motion", "lifecycle"}},
        {NULL, "owner", {"owner_name"}},
        {NULL, "tier", {"tier"}},
        {NULL, "first contact", {"first_contact_at"}},
        {NULL, "last contact", {"last_contact_at"}},
        {NULL, "also", {"short_name", "aliases"}},
        {NULL, "tags", {"tags"}},
        {NULL, "note", {"note"}},
    };
    static const struct block profile[] = {
        {NULL, "decides", {"decision_process"}}, {NULL, "judges by", {"evaluation_criteria"}},
        {NULL, "looks at", {"focus"}},           {NULL, "uses", {"competitors_in_use"}},
        {NULL, "business", {"business_model"}},
    };
    const json_t *account = json_object_get(page, "account"), *block = json_object_get(page, "profile");
    const json_t *buying = json_object_get(block, "buying"), *known = json_array_get(json_object_get(block, "rows"), 0);
    cli_out(cli, "%s\n", text_of(cli, account, "name"));
    cli_out(cli, "as of: %s\n", *text_of(cli, page, "as_of") ? text_of(cli, page, "as_of") : "no sync yet");
    static const char *const holds[] = {"credit_hold", "do_not_contact", "archived"};
    for (size_t i = 0; i < 3; i++)
        if (json_is_true(json_object_get(account, holds[i]))) cli_out(cli, "%s: yes\n", holds[i]);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        print_line(cli, lines[i].title, account, lines[i].columns);
    for (size_t i = 0; i < sizeof profile / sizeof profile[0]; i++)
        print_line(cli, profile[i].title, known, profile[i].columns);
    if (*text_of(cli, buying, "cycle_days"))
        cli_out(cli, "buys: every %s days, last on %s, next expected on %s\n", text_of(cli, buying, "cycle_days"),
                text_of(cli, buying, "last_order"), text_of(cli, buying, "next_expected"));
}

static void print_page(struct cli *cli, const json_t *page)
{
    static const struct block blocks[] = {
        {"people", "people", {"name", "title", "roles", "attitude", "from", "to"}},
        {"needs", "needs", {"kind", "text", "severity", "tags"}},
        {"opportunities",
         "open opportunities",
         {"name", "stage", "disputed", "currency", "amount_minor", "expected_close"}},
        {"visits", "visits", {"day", "by", "state", "goal", "contacts", "next_steps", "flags"}},
        {"interactions", "calls and messages", {"day", "kind", "contacts", "note"}},
        {"orders", "orders", {"no", "day", "state", "currency", "total_minor"}},
        {"receivables", "owed", {"due", "days_overdue", "currency", "outstanding_minor", "step"}},
        {"complaints", "complaints", {"state", "severity", "text", "deadline"}},
        {"tasks", "tasks", {"due", "title", "owner", "id"}},
        {"tiers", "tier", {"day", "tier", "amount_minor", "basis"}},
    };
    print_head(cli, page);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const json_t *block = json_object_get(page, blocks[i].name);
        const char *as_of = text_of(cli, block, "as_of");
        const char *title =
            sat_arena_format(&cli->arena, "%s (as of %s)", blocks[i].title, *as_of ? as_of : "no sync yet");
        cli_book_table(cli, title, json_object_get(block, "rows"), blocks[i].columns);
    }
}

int cli_run_account_show(struct cli *cli)
{
    char *text = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    if (satchel_account_show(cli->satchel, cli->args[0], &text)) return cli_fail_handle(cli);
    if (cli->json) {
        cli_out(cli, "%s\n", text);
    } else {
        json_t *page = json_loads(text, JSON_ALLOW_NUL, NULL);
        print_page(cli, page);
        json_decref(page);
    }
    satchel_free(text);
    return 0;
}
