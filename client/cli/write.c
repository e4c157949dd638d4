/* Writing: put, rm, restore. */
#include "client/cli/write.h"

#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"

int cli_begin(struct cli *cli, struct satchel_tx **tx)
{
    return satchel_begin(cli->satchel, tx) ? cli_fail_handle(cli) : 0;
}

int cli_end(struct cli *cli, struct satchel_tx *tx, int failed)
{
    if (!failed) return satchel_commit(tx) ? cli_fail_handle(cli) : 0;
    int code = cli_fail_handle(cli);
    satchel_rollback(tx);
    return code;
}

static int put_one(struct cli *cli)
{
    const char *type = cli->args[0], *id = NULL;
    int first = 1;
    if (cli->args_n > 1 && !strchr(cli->args[1], '=')) id = cli->args[first++];
    char *fields = NULL, new_id[SATCHEL_ID_SIZE] = "";
    struct satchel_tx *tx = NULL;
    int code = cli_fields_parse(cli, type, cli->args + first, cli->args_n - first, &fields);
    if (!code) code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) {
        const char *territory = cli_option(cli, CLI_OPTION_TERRITORY);
        code = cli_end(cli, tx, satchel_put(tx, type, id, territory, fields, new_id));
    }
    free(fields);
    if (code) return code;
    if (!id && strcmp(type, "account") == 0) cli_warn_of_duplicates(cli, new_id);
    if (cli->json) return cli_print_new(cli, json_pack("{s:s, s:s}", "type", type, "id", new_id));
    cli_out(cli, "%s\n", new_id);
    return 0;
}

int cli_run_put(struct cli *cli)
{
    if (!cli_has(cli, CLI_OPTION_STDIN)) {
        if (cli->args_n == 0) return cli_fail(cli, SAT_ERR_USAGE, "put what? satchel put TYPE [ID] FIELD=VALUE…");
        return put_one(cli);
    }
    if (cli->args_n)
        return cli_fail(cli, SAT_ERR_USAGE, "put --stdin takes no arguments, but %s is given", cli->args[0]);
    return cli_put_lines(cli);
}

/* rm and restore: one record, one verb. */
struct change {
    int (*verb)(struct satchel_tx *tx, const char *type, const char *id);
    const char *done, *needless;
};

/* The id as ids are written; whatever else was given, the library refuses. */
static const char *lower_case(struct cli *cli, const char *id)
{
    char *text = sat_arena_text(&cli->arena, id, strlen(id));
    for (char *at = text; *at; at++)
        if (*at >= 'A' && *at <= 'F') *at = (char)(*at - 'A' + 'a');
    return text;
}

static int change_one(struct cli *cli, const struct change *change)
{
    const char *type = cli->args[0], *id = lower_case(cli, cli->args[1]);
    struct satchel_tx *tx = NULL;
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code) code = cli_begin(cli, &tx);
    if (!code) code = cli_end(cli, tx, change->verb(tx, type, id));
    if (code) return code;
    bool changed = satchel_written(cli->satchel) > 0;
    if (!changed) cli_note(cli, "%s %s is %s", type, id, change->needless);
    if (changed && !cli->json) cli_note(cli, "%s: %s %s", change->done, type, id);
    if (!cli->json) return 0;
    return cli_print_new(cli, json_pack("{s:s, s:s, s:b}", "type", type, "id", id, "changed", changed));
}

int cli_run_rm(struct cli *cli)
{
    static const struct change rm = {satchel_remove, "archived", "archived already"};
    return change_one(cli, &rm);
}

int cli_run_restore(struct cli *cli)
{
    static const struct change restore = {satchel_restore, "restored", "not archived"};
    return change_one(cli, &restore);
}
