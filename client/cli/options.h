/* Options: a line of words becomes options by name and what is left, the words in their order. Options stand anywhere;
 * `--` ends them. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "common/base/err.h"

enum cli_option {
#define X(NAME, name, argument, help) CLI_OPTION_##NAME,
#include "client/cli/options.def"
#undef X
    CLI_OPTION_COUNT
};

_Static_assert(CLI_OPTION_COUNT <= 128, "a set of options is an unsigned __int128");

#define CLI_OPTIONS_EVERYWHERE 6 /* the first six of the list */

struct cli_options {
    const char *value[CLI_OPTION_COUNT]; /* NULL: not given; a flag that is given is "". Borrowed from argv. */
    const char *unknown;                 /* the first option that is in no list, as it was written; NULL: none */
    const char **words;                  /* what is no option; the caller's array */
    int words_n;
};

const char *cli_option_name(enum cli_option option);
const char *cli_option_argument(enum cli_option option); /* NULL: a flag */
const char *cli_option_help(enum cli_option option);

/* Reads argv[1…] into `out`, whose `words` has room for argc pointers. SAT_ERR_USAGE for an option that is given twice,
 * lacks its value or has one too many. An unknown option is no failure yet: out->unknown, so that the caller can first
 * look which command it is about. */
enum sat_err cli_options_read(int argc, char **argv, struct cli_options *out, struct sat_fault *fault) SAT_MUST_CHECK;
/* How much of `unknown` may be shown: what is behind its name may be a secret. */
int cli_options_unknown_len(const struct cli_options *options);
/* SAT_ERR_USAGE if an option is given that is neither for everywhere nor in `allowed`, a set of 1 << option. */
enum sat_err cli_options_check(const struct cli_options *options, unsigned __int128 allowed,
                               struct sat_fault *fault) SAT_MUST_CHECK;

#endif
