/* lead score, lead convert. */
#include <stdlib.h>
#include <string.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/write.h"

/* budget=yes, or b=yes: the questions begin with different letters. */
static int take_answer(struct cli *cli, const char *word, json_t *answers)
{
    static const char *const questions[] = {"budget", "authority", "need", "timeline"};
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : 0;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0] && len; i++) {
        if (strncmp(questions[i], word, len) != 0) continue;
        json_t *value = equals[1] ? json_string(equals + 1) : json_null();
        if (!json_object_set_new(answers, questions[i], value)) return 0;
    }
    return cli_fail(cli, SAT_ERR_USAGE, "%s is not one of budget=, authority=, need=, timeline=", word);
}

/* Opens the home, finds the lead, begins. */
static int begin(struct cli *cli, char id[SATCHEL_ID_SIZE], struct satchel_tx **tx)
{
    int code = cli_open(cli, CLI_EVERYDAY);
    if (!code && satchel_named(cli->satchel, "lead", cli->args[0], id)) code = cli_fail_handle(cli);
    return code ? code : cli_begin(cli, tx);
}

static int print(struct cli *cli, char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    satchel_free(text);
    if (cli->json) return cli_print_new(cli, json);
    cli_print_members(cli, json);
    json_decref(json);
    return 0;
}

int cli_run_lead_score(struct cli *cli)
{
    char id[SATCHEL_ID_SIZE], *answers = NULL, *told = NULL;
    json_t *given = json_object();
    struct satchel_tx *tx = NULL;
    int code = 0;
    for (int i = 1; i < cli->args_n && !code; i++) code = take_answer(cli, cli->args[i], given);
    if (!code && json_object_size(given)) answers = json_dumps(given, JSON_COMPACT);
    json_decref(given);
    if (!code) code = begin(cli, id, &tx);
    if (!code) code = cli_end(cli, tx, satchel_lead_score(tx, id, answers, &told));
    free(answers);
    if (!code) return print(cli, told);
    satchel_free(told);
    return code;
}

int cli_run_lead_convert(struct cli *cli)
{
    char id[SATCHEL_ID_SIZE], *fields = NULL, *told = NULL;
    struct satchel_tx *tx = NULL;
    int code = cli_fields_parse(cli, "opportunity", cli->args + 1, cli->args_n - 1, &fields);
    if (!code) code = begin(cli, id, &tx);
    if (!code) code = cli_end(cli, tx, satchel_lead_convert(tx, id, fields, &told));
    free(fields);
    if (!code) return print(cli, told);
    satchel_free(told);
    return code;
}
