/* What the operator asked for: a command, and options from the command line and from a file of `name = value` lines. */
#ifndef SATD_OPTIONS_H
#define SATD_OPTIONS_H

#include <stdio.h>

#include "common/base/arena.h"
#include "server/log.h"

enum satd_command { SATD_COMMAND_SERVE, SATD_COMMAND_TOKEN, SATD_COMMAND_BACKUP, SATD_COMMAND_RESTORE };

enum satd_option {
#define X(NAME, name, kind, where, argument, preset, help) SATD_OPTION_##NAME,
#include "server/options.def"
#undef X
    SATD_OPTION_COUNT
};

struct satd_options {
    enum satd_command command;
    const char *value[SATD_OPTION_COUNT]; /* NULL: not given; a flag that is given is "true". Borrowed from argv or the
                                             arena. */
    enum satd_level log_level;
    uint32_t connections_max;
};

/* Reads the command line and, if it names one, the file. SAT_ERR_USAGE for the former, SAT_ERR_CONFIG (naming file and
 * line) for the latter, SAT_ERR_NOT_YET for what comes later. `out` is filled as far as it was read, so that --json is
 * known. */
enum sat_err satd_options_read(int argc, char **argv, struct sat_arena *arena, struct satd_options *out,
                               struct sat_fault *fault) SAT_MUST_CHECK;
void satd_options_help(FILE *out);

/* The option of that name, or SATD_OPTION_COUNT. */
enum satd_option satd_option_find(const char *name, size_t len);
bool satd_option_is_flag(enum satd_option option);
bool satd_option_in_file(enum satd_option option);

#endif
