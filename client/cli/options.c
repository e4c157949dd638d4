#include "client/cli/options.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name, *argument, *help;
} list[] = {
#define X(NAME, name, argument, help) {name, argument, help},
#include "client/cli/options.def"
#undef X
};
_Static_assert(CLI_OPTION_COUNT <= 64, "a command's options are a set in 64 bits");

const char *cli_option_name(enum cli_option option)
{
    return list[option].name;
}

const char *cli_option_argument(enum cli_option option)
{
    return list[option].argument;
}

const char *cli_option_help(enum cli_option option)
{
    return list[option].help;
}

/* `word` without its dashes, perhaps with =value. */
static enum cli_option find(const char *word)
{
    size_t len = strcspn(word, "=");
    int i = 0;
    while (i < CLI_OPTION_COUNT && (strlen(list[i].name) != len || memcmp(list[i].name, word, len) != 0)) i++;
    return (enum cli_option)i;
}

/* Takes the option at argv[*at], and its value there or in the next word. */
static enum sat_err take(int argc, char **argv, int *at, struct cli_options *out, struct sat_fault *fault)
{
    const char *word = argv[*at];
    enum cli_option option = strcmp(word, "-h") == 0 ? CLI_OPTION_HELP : find(word + 2);
    if (option == CLI_OPTION_COUNT) {
        if (!out->unknown) out->unknown = word;
        return SAT_OK;
    }
    const char *name = list[option].name, *value = strchr(word, '=');
    if (out->value[option] && list[option].argument) {
        return sat_fail(fault, SAT_ERR_USAGE, "--%s is given twice", name);
    }
    if (value && !list[option].argument) return sat_fail(fault, SAT_ERR_USAGE, "--%s takes no value", name);
    if (value) {
        out->value[option] = value + 1;
    } else if (!list[option].argument) {
        out->value[option] = "";
    } else if (*at + 1 < argc) {
        out->value[option] = argv[++*at];
    } else {
        return sat_fail(fault, SAT_ERR_USAGE, "--%s needs a value: --%s %s", name, name, list[option].argument);
    }
    return SAT_OK;
}

enum sat_err cli_options_read(int argc, char **argv, struct cli_options *out, struct sat_fault *fault)
{
    enum sat_err err = SAT_OK;
    bool ended = false;
    for (int i = 1; i < argc && !err; i++) {
        const char *word = argv[i];
        if (ended || word[0] != '-' || word[1] == '\0') {
            out->words[out->words_n++] = word;
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else if (word[1] != '-' && strcmp(word, "-h") != 0) {
            if (!out->unknown) out->unknown = word;
        } else {
            err = take(argc, argv, &i, out, fault);
        }
    }
    return err;
}

int cli_options_unknown_len(const struct cli_options *options)
{
    enum { SHOWN_MAX = 100 };
    size_t len = strcspn(options->unknown, "=");
    return len < SHOWN_MAX ? (int)len : SHOWN_MAX;
}

enum sat_err cli_options_check(const struct cli_options *options, unsigned __int128 allowed, struct sat_fault *fault)
{
    if (options->unknown)
        return sat_fail(fault, SAT_ERR_USAGE, "unknown option %.*s", cli_options_unknown_len(options),
                        options->unknown);
    for (int i = CLI_OPTIONS_EVERYWHERE; i < CLI_OPTION_COUNT; i++) {
        if (options->value[i] && !(allowed >> i & 1)) {
            return sat_fail(fault, SAT_ERR_USAGE, "the option --%s is not for this command", list[i].name);
        }
    }
    return SAT_OK;
}
