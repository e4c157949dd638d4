/* What the operator asked for: a command, and options from the command line and from a file of `name = value` lines. A
 * value is checked where it is read, so that what is wrong is named by its option, or by its file and line. */
#ifndef SATD_OPTIONS_H
#define SATD_OPTIONS_H

#include <stdio.h>

#include "common/base/arena.h"
#include "server/log.h"

enum satd_command {
    SATD_COMMAND_SERVE,
    SATD_COMMAND_TOKEN,
    SATD_COMMAND_IDENTITY,
    SATD_COMMAND_BACKUP,
    SATD_COMMAND_RESTORE
};

enum satd_option {
#define X(NAME, name, kind, where, argument, preset, least, most, help) SATD_OPTION_##NAME,
#include "server/options.def"
#undef X
    SATD_OPTION_COUNT
};

struct satd_options {
    enum satd_command command;
    const char *operands[2]; /* what stands behind the command; borrowed from argv */
    unsigned operands_n;
    const char *value[SATD_OPTION_COUNT]; /* NULL: not given; a flag that is given is "true". Borrowed from argv or the
                                             arena. */
    uint64_t number[SATD_OPTION_COUNT];   /* of NUMBER, BYTES and LEVEL */
    unsigned line[SATD_OPTION_COUNT];     /* of the file; 0: it was not the file that said it */
};

/* Reads the command line and, if it names one, the file. SAT_ERR_USAGE for the former, SAT_ERR_CONFIG (naming file and
 * line) for the latter. `out` is filled as far as it was read, so that --json is known. */
enum sat_err satd_options_read(int argc, char **argv, struct sat_arena *arena, struct satd_options *out,
                               struct sat_fault *fault) SAT_MUST_CHECK;
void satd_options_help(FILE *out);

/* The option of that name, or SATD_OPTION_COUNT. */
enum satd_option satd_option_find(const char *name, size_t len);
bool satd_option_in_file(enum satd_option option);
/* Takes `text` (borrowed) as the option's value; false if it is none, and then `complaint` says why, as the end of a
 * sentence that begins with the option's name. */
enum { SATD_COMPLAINT_BYTES = 200 };
bool satd_option_take(struct satd_options *options, enum satd_option option, const char *text,
                      char complaint[SATD_COMPLAINT_BYTES]) SAT_MUST_CHECK;
/* What is wrong with an option's value: SAT_ERR_CONFIG with file and line if the file gave it, else SAT_ERR_USAGE. */
enum sat_err satd_option_fail(const struct satd_options *options, enum satd_option option, const char *complaint,
                              struct sat_fault *fault);

#endif
