#define _GNU_SOURCE

#include "client/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/commands.h"
#include "client/cli/output.h"
#include "client/cli/passphrase.h"

/* How long a command waits for another one that has the home: longer than any of them takes, short enough to be told
 * who it is. */
enum { HOME_WAIT_MS = 5000, SECRET_BYTES_MAX = 16 * 1024 };

bool cli_is_later(const struct cli_command *command)
{
    return command->run == cli_run_later;
}

const char *cli_option(const struct cli *cli, enum cli_option option)
{
    return cli->options.value[option];
}

bool cli_has(const struct cli *cli, enum cli_option option)
{
    return cli->options.value[option] != NULL;
}

int cli_need(struct cli *cli, enum cli_option option, const char **value)
{
    *value = cli_option(cli, option);
    if (*value && **value) return 0;
    return cli_fail(cli, SAT_ERR_USAGE, "%s needs --%s %s", cli->command->words, cli_option_name(option),
                    cli_option_argument(option));
}

/* ---- Failing ---- */

static void tell_error(struct cli *cli, const char *name, const char *class, const char *text)
{
    cli_tell(cli, json_pack("{s:s, s:s}", "error", name, "class", class), text);
}

int cli_fail_fault(struct cli *cli, const struct sat_fault *fault)
{
    const char *text = fault->text[0] ? fault->text : sat_err_text(fault->err);
    if (fault->err == SAT_ERR_USAGE) {
        const char *words = cli->command ? cli->command->words : "";
        text = sat_arena_format(&cli->arena, "%s (see satchel %s%s--help)", text, words, *words ? " " : "");
    }
    tell_error(cli, sat_err_name(fault->err), sat_err_class_name(sat_err_class(fault->err)), text);
    return sat_err_exit_code(fault->err);
}

int cli_fail(struct cli *cli, enum sat_err err, const char *format, ...)
{
    struct sat_fault fault = {.err = err};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault.text, sizeof fault.text, format, args);
    va_end(args);
    return cli_fail_fault(cli, &fault);
}

int cli_fail_error(struct cli *cli, const struct satchel_error *error, const char *where)
{
    const char *text = error->message;
    if (where) text = sat_arena_format(&cli->arena, "%s: %s", where, text);
    tell_error(cli, error->name, error->class_, text);
    return error->exit_code;
}

int cli_fail_handle(struct cli *cli)
{
    return cli_fail_error(cli, satchel_error_of(cli->satchel), NULL);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_tell(cli, json_pack("{s:s}", "event", "note"), text);
}

/* ---- The home ---- */

int cli_home(struct cli *cli, const char **home)
{
    *home = cli_option(cli, CLI_OPTION_HOME);
    if (!*home) *home = getenv("SATCHEL_HOME");
    if (*home && **home) return 0;
    return cli_fail(cli, SAT_ERR_USAGE, "which home? Give --home DIR or set SATCHEL_HOME");
}

enum sat_err cli_passphrases_take(struct cli *cli, bool creating, struct cli_passphrases *out, struct sat_fault *fault)
{
    sat_buf_init(&out->own);
    sat_buf_init(&out->admin);
    const char *path = cli_option(cli, CLI_OPTION_PASSPHRASE_FILE),
               *admin_path = getenv("SATCHEL_ADMIN_PASSPHRASE_FILE");
    if (!path) path = getenv("SATCHEL_PASSPHRASE_FILE");
    enum sat_err err =
        path && *path ? cli_passphrase_file(path, &out->own, fault) : cli_passphrase_ask(creating, &out->own, fault);
    if (!err && admin_path && *admin_path) err = cli_passphrase_file(admin_path, &out->admin, fault);
    out->options = (struct satchel_open_options){
        .passphrase = {out->own.at, out->own.len},
        .admin_passphrase = {out->admin.at, out->admin.len},
        .wait_ms = HOME_WAIT_MS,
    };
    return err;
}

void cli_passphrases_wipe(struct cli_passphrases *passphrases)
{
    sat_buf_wipe(&passphrases->own);
    sat_buf_wipe(&passphrases->admin);
}

int cli_open(struct cli *cli, enum cli_purpose purpose)
{
    const char *home;
    int code = cli_home(cli, &home);
    if (code) return code;
    struct cli_passphrases passphrases;
    struct sat_fault fault = {0};
    struct satchel_error error = {0};
    if (cli_passphrases_take(cli, false, &passphrases, &fault)) {
        code = cli_fail_fault(cli, &fault);
    } else {
        passphrases.options.everyday = purpose == CLI_EVERYDAY;
        if (satchel_open(home, &passphrases.options, &cli->satchel, &error)) code = cli_fail_error(cli, &error, NULL);
    }
    cli_passphrases_wipe(&passphrases);
    return code;
}

int cli_secret_argument(struct cli *cli, const char *argument, const char *what, struct sat_buf *out)
{
    if (strcmp(argument, "-") != 0) {
        sat_put_bytes(out, argument, strlen(argument) + 1);
    } else {
        if (!cli_passphrase_line(STDIN_FILENO, SECRET_BYTES_MAX, out)) {
            return cli_fail(cli, SAT_ERR_INVALID, "the %s cannot be read from stdin: %s", what, strerror(errno));
        }
        sat_put_u8(out, 0);
    }
    if (out->len > 1 && !memchr(out->at, 0, out->len - 1)) return 0;
    return cli_fail(cli, SAT_ERR_INVALID, "the %s is empty or holds a zero byte", what);
}
