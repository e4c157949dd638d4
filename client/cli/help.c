#include "client/cli/help.h"

#include <string.h>

static void put_option(FILE *out, enum cli_option option)
{
    const char *argument = cli_option_argument(option);
    char left[48];
    (void)snprintf(left, sizeof left, "--%s%s%s", cli_option_name(option), argument ? " " : "",
                   argument ? argument : "");
    (void)fprintf(out, "  %-28s %s\n", left, cli_option_help(option));
}

static void put_everywhere(FILE *out)
{
    for (int i = 0; i < CLI_OPTIONS_EVERYWHERE; i++) put_option(out, (enum cli_option)i);
}

static void put_exit_codes(FILE *out)
{
    (void)fputs(
        "Exit codes:\n"
        "  0 done · 1 usage · 2 not found or invalid input · 3 network or server unreachable, or timed out\n"
        "  4 denied, revoked, or a used or expired invite · 5 tampering or corruption, or a wrong server identity\n"
        "  6 locked or wrong passphrase · 7 local trouble (disk, permissions, home in use, newer store)\n",
        out);
}

void cli_help_all(FILE *out, const char *family)
{
    const char *group = "";
    if (family) {
        (void)fprintf(out, "usage: satchel %s …\n", family);
    } else {
        (void)fputs("usage: satchel COMMAND [ARGUMENTS] [OPTIONS]     satchel COMMAND --help tells all about one\n",
                    out);
    }
    const struct cli_command *command;
    for (int i = 0; (command = cli_command_at(i)); i++) {
        size_t len = family ? strlen(family) : 0;
        if (family && (strncmp(command->words, family, len) != 0 || command->words[len] != ' ')) continue;
        if (strcmp(group, command->group) != 0) (void)fprintf(out, "\n%s:\n", command->group);
        group = command->group;
        (void)fprintf(out, "  %-18s %s\n", command->words, command->summary);
    }
    (void)fputs("\nOptions everywhere, before or after the arguments (`--` ends options):\n", out);
    put_everywhere(out);
    (void)fputs("\n", out);
    put_exit_codes(out);
}

void cli_help_command(FILE *out, const struct cli_command *command)
{
    (void)fprintf(out, "usage: satchel %s%s%s\n\n%s.\n", command->words, *command->usage ? " " : "", command->usage,
                  command->summary);
    if (*command->text) (void)fprintf(out, "\n%s", command->text);
    (void)fputs("\nOptions:\n", out);
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (command->options >> i & 1) put_option(out, (enum cli_option)i);
    }
    put_everywhere(out);
    (void)fputs("\n", out);
    put_exit_codes(out);
}
