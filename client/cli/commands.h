/* The commands: one list (commands.def), one function each. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "client/cli/cli.h"

/* Each returns the exit code, having told on stderr what failed. */
#define X(group, words, run, args_min, args_max, options, usage, summary, text) int cli_run_##run(struct cli *cli);
#include "client/cli/commands.def"
#undef X

/* The command that the first words name, and how many of them; NULL: none. */
const struct cli_command *cli_command_find(const char *const *words, int words_n, int *used);
/* Whether commands begin with this word, as `user` does. */
bool cli_command_is_family(const char *word);
const struct cli_command *cli_command_at(int index); /* NULL: past the end */

#endif
