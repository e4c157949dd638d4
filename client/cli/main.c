/* satchel, the command: one run is one command of commands.def. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "client/cli/help.h"
#include "client/cli/output.h"

/* No secret of ours ends in a core file or before a debugger of the same user, also where core files are piped to a
 * program. What could not be forbidden stops nobody's work. */
static void harden(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

/* A file that is opened later must not become the stdout that somebody has closed. */
static void keep_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd) abort();
    }
}

/* Known before anything can fail, so that even a wrong option is told in the form that was asked for. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) return true;
    }
    return false;
}

static int show_help(struct cli *cli, const char *family)
{
    if (cli->command) {
        cli_help_command(stdout, cli->command);
    } else {
        cli_help_all(stdout, family);
    }
    return 0;
}

static int show_version(struct cli *cli)
{
    if (cli->json) return cli_print_new(cli, json_pack("{s:s}", "version", satchel_version()));
    cli_out(cli, "satchel %s\n", satchel_version());
    return 0;
}

static int fail_unknown_command(struct cli *cli, const char *const *words, int words_n)
{
    if (cli->options.unknown)
        return cli_fail(cli, SAT_ERR_USAGE, "unknown option %.*s", cli_options_unknown_len(&cli->options),
                        cli->options.unknown);
    if (words_n == 0) {
        if (cli->json) return cli_fail(cli, SAT_ERR_USAGE, "a command is missing");
        cli_help_all(stderr, NULL);
        return sat_err_exit_code(SAT_ERR_USAGE);
    }
    if (!cli_command_is_family(words[0])) return cli_fail(cli, SAT_ERR_USAGE, "unknown command %s", words[0]);
    if (words_n == 1) return cli_fail(cli, SAT_ERR_USAGE, "%s: another word is missing", words[0]);
    return cli_fail(cli, SAT_ERR_USAGE, "unknown command %s %s", words[0], words[1]);
}

/* What the command line asks for, before the command itself sees it. */
static int check_and_run(struct cli *cli)
{
    const struct cli_command *command = cli->command;
    struct sat_fault fault = {0};
    if (cli_options_check(&cli->options, command->options, &fault)) return cli_fail_fault(cli, &fault);
    if (cli->args_n < command->args_min) {
        return cli_fail(cli, SAT_ERR_USAGE, "an argument is missing: satchel %s %.*s", command->words,
                        (int)strcspn(command->usage, "\n"), command->usage);
    }
    if (cli->args_n > command->args_max) {
        return cli_fail(cli, SAT_ERR_USAGE, "one argument too many: %s", cli->args[command->args_max]);
    }
    return command->run(cli);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct sat_fault fault = {0};
    enum sat_err err = cli_options_read(argc, argv, &cli->options, &fault);
    const char *const *words = cli->options.words;
    int words_n = cli->options.words_n, used = 0;
    bool help = cli_has(cli, CLI_OPTION_HELP);
    if (words_n > 0 && strcmp(words[0], "help") == 0) {
        help = true;
        words++;
        words_n--;
    }
    cli->command = cli_command_find(words, words_n, &used);
    cli->args = words + used;
    cli->args_n = words_n - used;
    if (err) return cli_fail_fault(cli, &fault);
    if (help && (cli->command || words_n == 0)) return show_help(cli, NULL);
    if (help && cli_command_is_family(words[0])) return show_help(cli, words[0]);
    if (cli_has(cli, CLI_OPTION_VERSION)) return show_version(cli);
    if (!cli->command) return fail_unknown_command(cli, words, words_n);
    return check_and_run(cli);
}

/* What was printed must have arrived; a reader that had enough (`| head`) is no failure. */
static int finish_output(struct cli *cli, int code)
{
    errno = 0;
    if (fflush(stdout) != 0 && !cli->output_errno) cli->output_errno = errno ? errno : EIO;
    int reason = cli->output_errno;
    if (reason == 0 || reason == EPIPE || code) return code;
    return cli_fail(cli, reason == ENOSPC ? SAT_ERR_DISK_FULL : SAT_ERR_IO, "the output cannot be written: %s",
                    strerror(reason));
}

/* Once, however much was asked: whoever waits at each command is to know why. */
static void note_view(struct cli *cli)
{
    const char *trouble = cli->satchel ? satchel_view_trouble(cli->satchel) : NULL;
    if (trouble)
        cli_note(cli, "the view could not be kept in the home, and is made in memory by each command: %s", trouble);
}

int main(int argc, char **argv)
{
    harden();
    keep_standard_streams();
    (void)signal(SIGPIPE, SIG_IGN);
    /* For the width of characters alone. */
    if (!setlocale(LC_CTYPE, "C.UTF-8")) (void)setlocale(LC_CTYPE, "");
    struct cli cli = {.json = wants_json(argc, argv)};
    sat_arena_init(&cli.arena);
    cli.options.words = sat_arena_array(&cli.arena, (size_t)argc + 1, sizeof *cli.options.words);
    int code = run(&cli, argc, argv);
    note_view(&cli);
    satchel_close(cli.satchel);
    code = finish_output(&cli, code);
    sat_arena_deinit(&cli.arena);
    return code;
}
