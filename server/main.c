/* satcheld, the blind sync server: it stores, orders and merges sealed records for several orgs and can read none of
 * them.
 *
 * main.c reads what is asked for; loop.c opens and closes everything in order; sockets.c carries bytes (libwebsockets),
 * with channel.c for one peer's conversation; guest.c lets peers speak and turns.c lets them read in turn; quota.c and
 * disk.c say when it is too much; hub.c hands what was said to the engine, one host for each org, one commit for each
 * batch; nursery.c founds orgs. The rest is what a daemon needs: options, its directory, its identity, its certificate,
 * its log, its metrics. What a message means is in common/sync/. */
#define _GNU_SOURCE
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/backup.h"
#include "server/identity_command.h"
#include "server/line.h"
#include "server/loop.h"
#include "server/options.h"
#include "server/tokens.h"

#define VERSION "0.1.0"

/* What we write is for us alone, and no key of ours is to end in a core file or before a debugger. Writing to who has
 * gone, or beyond a limit, is an error to handle, not a death. */
static void harden(void)
{
    struct rlimit none = {0, 0};
    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0); /* a pipe for core files knows no limit */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

static int finish(FILE *stream)
{
    return fflush(stream) == 0 && !ferror(stream) ? 0 : sat_err_exit_code(SAT_ERR_IO);
}

static void complain(const struct sat_fault *fault, bool json)
{
    struct satd_line line;
    if (!json) {
        (void)fprintf(stderr, "satcheld: %s\n", fault->text);
        return;
    }
    satd_line_begin(&line);
    satd_line_text(&line, "error", sat_err_name(fault->err));
    satd_line_text(&line, "class", sat_err_class_name(sat_err_class(fault->err)));
    satd_line_text(&line, "message", fault->text);
    satd_line_end(&line);
    (void)fwrite(line.at, 1, line.len, stderr);
}

static enum sat_err print_token(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_datadir dir;
    struct sat_entropy entropy = sat_entropy_system();
    struct satd_line line;
    char token[SATD_TOKEN_TEXT_SIZE];
    enum sat_err err = satd_datadir_open(options->value[SATD_OPTION_DATA], &dir, fault);
    if (err == SAT_OK) err = satd_token_make(&dir, &entropy, token, fault);
    satd_datadir_close(&dir);
    if (err != SAT_OK) return err;
    if (options->value[SATD_OPTION_JSON]) {
        satd_line_begin(&line);
        satd_line_text(&line, "token", token);
        satd_line_end(&line);
        (void)fwrite(line.at, 1, line.len, stdout);
    } else {
        (void)puts(token);
    }
    sodium_memzero(token, sizeof token);
    sodium_memzero(&line, sizeof line);
    return finish(stdout) == 0 ? SAT_OK : sat_fail(fault, SAT_ERR_IO, "the token could not be written to stdout");
}

/* Serving reports its end in the log's own form, which has "error", "class" and "message" too. */
static enum sat_err serve(const struct satd_options *options, struct sat_fault *fault)
{
    struct satd_log log;
    satd_log_init(&log, (enum satd_level)options->number[SATD_OPTION_LOG_LEVEL]);
    enum sat_err err = SAT_OK;
    if (options->value[SATD_OPTION_LOG_FILE]) err = satd_log_to_file(&log, options->value[SATD_OPTION_LOG_FILE], fault);
    if (err == SAT_OK) err = satd_serve(options, &log, fault);
    if (err != SAT_OK) satd_log(&log, FAILED, satd_fault(fault));
    satd_log_close(&log);
    return err;
}

static enum sat_err check_config(const struct satd_options *options, struct sat_fault *fault)
{
    const char *file = options->value[SATD_OPTION_CONFIG];
    enum sat_err err = satd_check_config(options, fault);
    if (err != SAT_OK) return err;
    (void)printf("%s: the configuration is right\n", file ? file : "satcheld");
    return finish(stdout) == 0 ? SAT_OK : sat_fail(fault, SAT_ERR_IO, "stdout cannot be written");
}

static enum sat_err run(const struct satd_options *options, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    switch (options->command) {
    case SATD_COMMAND_SERVE:
        if (!options->value[SATD_OPTION_CHECK_CONFIG]) return serve(options, fault);
        err = check_config(options, fault);
        break;
    case SATD_COMMAND_TOKEN:
        err = print_token(options, fault);
        break;
    case SATD_COMMAND_IDENTITY:
        err = satd_identity_command(options, fault);
        break;
    case SATD_COMMAND_BACKUP:
        err = satd_backup_command(options, fault);
        break;
    case SATD_COMMAND_RESTORE:
        err = satd_restore_command(options, fault);
        break;
    }
    if (err != SAT_OK) complain(fault, options->value[SATD_OPTION_JSON]);
    return err;
}

int main(int argc, char **argv)
{
    struct sat_arena arena;
    struct satd_options options;
    struct sat_fault fault = {0};
    harden();
    if (sodium_init() < 0) {
        (void)fputs("satcheld: the cryptographic library could not be started\n", stderr);
        return sat_err_exit_code(SAT_ERR_IO);
    }
    sat_arena_init(&arena);
    enum sat_err err = satd_options_read(argc, argv, &arena, &options, &fault);
    if (err != SAT_OK) {
        complain(&fault, options.value[SATD_OPTION_JSON]);
    } else if (options.value[SATD_OPTION_HELP] || options.value[SATD_OPTION_VERSION]) {
        if (options.value[SATD_OPTION_HELP])
            satd_options_help(stdout);
        else
            (void)puts("satcheld " VERSION);
        sat_arena_deinit(&arena);
        return finish(stdout);
    } else {
        err = run(&options, &fault);
    }
    sat_arena_deinit(&arena);
    return sat_err_exit_code(err);
}
