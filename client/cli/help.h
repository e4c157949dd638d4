/* Help that one can work from: what there is, and how each command is used. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "client/cli/commands.h"

/* All commands, a line each; with `family`, only those that begin with this word. */
void cli_help_all(FILE *out, const char *family);
void cli_help_command(FILE *out, const struct cli_command *command);

#endif
