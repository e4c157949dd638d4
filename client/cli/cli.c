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
enum { HOME_WAIT_MS = 5000, WIPE_TIMEOUT_MS = 10 * 1000, SECRET_BYTES_MAX = 16 * 1024 };

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

/* A wipe goes on with whatever command comes next; there is nothing else left to do in that home. */
static int go_on_with_wipe(struct cli *cli, const char *home)
{
    struct satchel_error error = {0};
    if (!satchel_wipe_pending(home) || !satchel_wipe(home, WIPE_TIMEOUT_MS, &error)) return 0;
    return strcmp(error.name, "not_found") == 0 ? 0 : cli_fail_error(cli, &error, NULL);
}

int cli_home(struct cli *cli, const char **home)
{
    *home = cli_option(cli, CLI_OPTION_HOME);
    if (!*home) *home = getenv("SATCHEL_HOME");
    if (*home && **home) return go_on_with_wipe(cli, *home);
    return cli_fail(cli, SAT_ERR_USAGE, "which home? Give --home DIR or set SATCHEL_HOME");
}

/* The file that an option names, else a variable of the environment; NULL: neither. */
static const char *file_of(const struct cli *cli, enum cli_option option, const char *variable)
{
    const char *path = cli_option(cli, option);
    if (!path) path = getenv(variable);
    return path && *path ? path : NULL;
}

enum sat_err cli_passphrases_take(struct cli *cli, bool creating, struct cli_passphrases *out, struct sat_fault *fault)
{
    static const struct cli_asking present = {
        .prompt = "Passphrase: ",
        .else_ = "the home is locked: give --passphrase-file FILE or set SATCHEL_PASSPHRASE_FILE"};
    struct cli_asking asking = present;
    if (creating) {
        asking.prompt = "New passphrase: ";
        asking.repeat = true;
    }
    const char *path = file_of(cli, CLI_OPTION_PASSPHRASE_FILE, "SATCHEL_PASSPHRASE_FILE");
    *out = (struct cli_passphrases){0};
    enum sat_err err =
        path ? cli_passphrase_file(path, &out->own, fault) : cli_passphrase_ask(&asking, &out->own, fault);
    out->options = (struct satchel_open_options){.passphrase = {out->own.at, out->own.len}, .wait_ms = HOME_WAIT_MS};
    return err;
}

static void use_admin(struct cli_passphrases *passphrases)
{
    passphrases->options.admin_passphrase = (struct satchel_bytes){passphrases->admin.at, passphrases->admin.len};
}

enum sat_err cli_passphrases_admin(struct cli *cli, struct cli_passphrases *passphrases, struct sat_fault *fault)
{
    const char *path = file_of(cli, CLI_OPTION_ADMIN_PASSPHRASE_FILE, "SATCHEL_ADMIN_PASSPHRASE_FILE");
    enum sat_err err = path ? cli_passphrase_file(path, &passphrases->admin, fault) : SAT_OK;
    use_admin(passphrases);
    return err;
}

enum sat_err cli_passphrases_ask_admin(struct cli_passphrases *passphrases, struct sat_fault *fault)
{
    static const struct cli_asking asking = {.prompt = "Admin passphrase: ",
                                             .else_ = "the admin key has a passphrase of its own: give "
                                                      "--admin-passphrase-file FILE or set "
                                                      "SATCHEL_ADMIN_PASSPHRASE_FILE"};
    enum sat_err err = cli_passphrase_ask(&asking, &passphrases->admin, fault);
    use_admin(passphrases);
    return err;
}

void cli_passphrases_wipe(struct cli_passphrases *passphrases)
{
    cli_secret_wipe(&passphrases->own);
    cli_secret_wipe(&passphrases->admin);
}

/* An admin's key that the passphrases so far did not open. */
static int unlock_admin(struct cli *cli, struct cli_passphrases *passphrases)
{
    struct sat_fault fault = {0};
    if (!satchel_admin_locked(cli->satchel)) return 0;
    if (cli_passphrases_ask_admin(passphrases, &fault)) return cli_fail_fault(cli, &fault);
    return satchel_admin_unlock(cli->satchel, passphrases->options.admin_passphrase) ? cli_fail_handle(cli) : 0;
}

static int open_home(struct cli *cli, const char *home, enum cli_purpose purpose, struct cli_passphrases *passphrases)
{
    bool admin = purpose == CLI_ADMINISTRATION;
    struct sat_fault fault = {0};
    struct satchel_error error = {0};
    enum sat_err err = cli_passphrases_take(cli, false, passphrases, &fault);
    if (!err && admin) err = cli_passphrases_admin(cli, passphrases, &fault);
    if (err) return cli_fail_fault(cli, &fault);
    passphrases->options.everyday = !admin;
    if (satchel_open(home, &passphrases->options, &cli->satchel, &error)) {
        int code = go_on_with_wipe(cli, home); /* the order was there, and its keys are destroyed now */
        return code ? code : cli_fail_error(cli, &error, NULL);
    }
    return admin ? unlock_admin(cli, passphrases) : 0;
}

int cli_open(struct cli *cli, enum cli_purpose purpose)
{
    const char *home;
    struct cli_passphrases passphrases;
    int code = cli_home(cli, &home);
    if (code) return code;
    code = open_home(cli, home, purpose, &passphrases);
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
