#include "client/cli/commands.h"

#include <string.h>

#define O(name) ((unsigned __int128)1 << CLI_OPTION_##name)
static const struct cli_command list[] = {
#define X(group, words, run, args_min, args_max, options, usage, summary, text)                                        \
    {words, group, cli_run_##run, args_min, args_max, options, usage, summary, text},
#include "client/cli/commands.def"
#undef X
};

enum { COMMANDS = sizeof list / sizeof *list };

const struct cli_command *cli_command_at(int index)
{
    return index >= 0 && index < COMMANDS ? &list[index] : NULL;
}

/* Are the `len` bytes at `at` this word? */
static bool is_word(const char *at, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(at, word, len) == 0;
}

const struct cli_command *cli_command_find(const char *const *words, int words_n, int *used)
{
    for (int i = 0; i < COMMANDS && words_n > 0; i++) {
        size_t first = strcspn(list[i].words, " ");
        if (!is_word(list[i].words, first, words[0])) continue;
        const char *second = list[i].words + first;
        if (*second && (words_n < 2 || strcmp(second + 1, words[1]) != 0)) continue;
        *used = *second ? 2 : 1;
        return &list[i];
    }
    return NULL;
}

bool cli_command_is_family(const char *word)
{
    for (int i = 0; i < COMMANDS; i++) {
        size_t first = strcspn(list[i].words, " ");
        if (list[i].words[first] && is_word(list[i].words, first, word)) return true;
    }
    return false;
}
