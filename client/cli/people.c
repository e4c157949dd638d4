/* People, territories and invites: what the directory knows. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/act.h"
#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/people.h"

enum { EXPIRES_DAYS = 7, EXPIRES_DAYS_MAX = 3650 };
static const uint64_t day_ms = (uint64_t)24 * 3600 * 1000;

int cli_run_user_add(struct cli *cli)
{
    const char *name = cli->args[0], *role;
    int code = cli_need(cli, CLI_OPTION_ROLE, &role);
    if (!code) code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_user_add(cli->satchel, name, role),
                        json_pack("{s:s, s:s}", "name", name, "role", role),
                        sat_arena_format(&cli->arena, "%s is added as %s", name, role));
}

int cli_run_user_role(struct cli *cli)
{
    const char *name = cli->args[0], *role = cli->args[1];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_user_role(cli->satchel, name, role),
                        json_pack("{s:s, s:s}", "name", name, "role", role),
                        sat_arena_format(&cli->arena, "%s is %s now", name, role));
}

static int change_user(struct cli *cli, int (*change)(struct satchel *satchel, const char *name), const char *state)
{
    const char *name = cli->args[0];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, change(cli->satchel, name), json_pack("{s:s, s:s}", "name", name, "state", state),
                        sat_arena_format(&cli->arena, "%s is %s now", name, state));
}

int cli_run_user_suspend(struct cli *cli)
{
    return change_user(cli, satchel_user_suspend, "suspended");
}

int cli_run_user_resume(struct cli *cli)
{
    return change_user(cli, satchel_user_resume, "active");
}

int cli_run_territory_add(struct cli *cli)
{
    const char *name = cli->args[0];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_territory_add(cli->satchel, name), json_pack("{s:s}", "name", name),
                        sat_arena_format(&cli->arena, "the territory %s is added", name));
}

int cli_run_territory_narrow(struct cli *cli)
{
    const char *name = cli->args[0];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_territory_add_narrow(cli->satchel, name), json_pack("{s:s}", "name", name),
                        sat_arena_format(&cli->arena, "the narrow territory %s is added: grant it", name));
}

/* --manage includes what one manages, unless --read says otherwise. */
static int wanted_rights(const struct cli *cli)
{
    bool read = cli_has(cli, CLI_OPTION_READ), manage = cli_has(cli, CLI_OPTION_MANAGE);
    return SATCHEL_READ | (read ? 0 : SATCHEL_WRITE) | (manage ? SATCHEL_MANAGE : 0);
}

int cli_run_territory_grant(struct cli *cli)
{
    const char *territory = cli->args[0], *user = cli->args[1];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_territory_grant(cli->satchel, territory, user, wanted_rights(cli)),
                        json_pack("{s:s, s:s}", "territory", territory, "user", user),
                        sat_arena_format(&cli->arena, "%s may use %s now", user, territory));
}

int cli_run_territory_revoke(struct cli *cli)
{
    const char *territory = cli->args[0], *user = cli->args[1];
    int code = cli_act_open(cli);
    if (code) return code;
    return cli_act_done(cli, satchel_territory_revoke(cli->satchel, territory, user),
                        json_pack("{s:s, s:s}", "territory", territory, "user", user),
                        sat_arena_format(&cli->arena, "%s may not use %s any more", user, territory));
}

int cli_run_rotate(struct cli *cli)
{
    const char *territory = cli->args[0];
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    return cli_act_done(cli, satchel_rotate(cli->satchel, territory), json_pack("{s:s}", "territory", territory),
                        sat_arena_format(&cli->arena, "%s has a new key", territory));
}

int cli_print_list(struct cli *cli, cli_list_fn list, satchel_row_fn row)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (code) return code;
    int refreshed = 0;
    struct cli_table table;
    cli_table_init(&table, cli);
    int failed = list(cli->satchel, &refreshed, row, &table);
    cli_table_finish(&table);
    if (failed && !cli->output_errno) return cli_fail_handle(cli);
    if (!refreshed) cli_note(cli, "the server could not be asked for news: this is what was known here before");
    return 0;
}

/* A member as a word: the name, and in brackets the rights where they are not the usual ones. */
static json_t *member_word(struct cli *cli, const json_t *member)
{
    const char *name = cli_shown(&cli->arena, json_object_get(member, "user"));
    const char *rights = cli_shown(&cli->arena, json_object_get(member, "rights"));
    if (strcmp(rights, "read, write") == 0) return json_string(name);
    return json_string(sat_arena_format(&cli->arena, "%s (%s)", name, rights));
}

/* A territory's row; for a person its members are words. A satchel_row_fn; the context is the table. */
static int print_territory(void *context, const char *json)
{
    struct cli_table *table = context;
    if (table->cli->json) return cli_table_row(table, json);
    json_t *territory = json_loads(json, 0, NULL), *member, *words = json_array();
    size_t index;
    json_array_foreach(json_object_get(territory, "members"), index, member)
    {
        (void)json_array_append_new(words, member_word(table->cli, member));
    }
    (void)json_object_set_new(territory, "members", words);
    char *text = json_dumps(territory, JSON_COMPACT);
    int stop = text ? cli_table_row(table, text) : 0;
    free(text);
    json_decref(territory);
    return stop;
}

int cli_run_user_list(struct cli *cli)
{
    return cli_print_list(cli, satchel_user_list, cli_table_row);
}

int cli_run_territory_list(struct cli *cli)
{
    return cli_print_list(cli, satchel_territory_list, print_territory);
}

/* 90s, 30m, 12h, 7d, 2w */
static bool parse_duration(const char *text, uint64_t *ms)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || !text[digits] || text[digits + 1]) return false;
    static const char units[] = "smhdw";
    static const uint64_t unit_ms[] = {1000, 60 * 1000, 3600 * 1000, 24 * 3600 * 1000, 7 * 24 * 3600 * 1000};
    const char *unit = strchr(units, text[digits]);
    if (!unit) return false;
    *ms = strtoull(text, NULL, 10) * unit_ms[unit - units];
    return *ms > 0 && *ms <= EXPIRES_DAYS_MAX * day_ms;
}

static int cancel_invites(struct cli *cli)
{
    const char *user = cli->args[0];
    uint32_t n = 0;
    if (cli_has(cli, CLI_OPTION_EXPIRES))
        return cli_fail(cli, SAT_ERR_USAGE, "--cancel and --expires do not go together");
    int code = cli_act_open(cli);
    if (code) return code;
    int failed = satchel_invite_cancel(cli->satchel, user, &n);
    return cli_act_done(cli, failed, json_pack("{s:s, s:I}", "user", user, "cancelled", (json_int_t)n),
                        sat_arena_format(&cli->arena, "%" PRIu32 " open invite%s of %s %s cancelled", n,
                                         n == 1 ? "" : "s", user, n == 1 ? "is" : "are"));
}

int cli_run_invite(struct cli *cli)
{
    if (cli_has(cli, CLI_OPTION_CANCEL)) return cancel_invites(cli);
    const char *expires = cli_option(cli, CLI_OPTION_EXPIRES);
    uint64_t valid_ms = EXPIRES_DAYS * day_ms;
    if (expires && !parse_duration(expires, &valid_ms)) {
        return cli_fail(cli, SAT_ERR_USAGE, "--expires takes a time as in 90s, 30m, 12h, 7d or 2w, not %s", expires);
    }
    int code = cli_act_open(cli);
    if (code) return code;
    char *text = NULL;
    if (satchel_invite(cli->satchel, cli->args[0], valid_ms, &text)) return cli_fail_handle(cli);
    if (cli->json) {
        code = cli_print_new(cli, json_pack("{s:s}", "code", text));
    } else {
        cli_out(cli, "%s\n", text);
    }
    satchel_free(text);
    return code;
}
