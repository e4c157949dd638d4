/* Acts of administration: how they begin, with the recovery kit if it is given, and how they end: done, or proposed. */
#ifndef CLI_ACT_H
#define CLI_ACT_H

#include <jansson.h>

#include "client/cli/cli.h"

/* Opens the home for administration, and reads --kit. */
int cli_act_open(struct cli *cli) SAT_MUST_CHECK;
/* Ends an act, `failed` being what the library returned: tells the object (whose reference is taken) and the note, or
 * prints the line that another admin has to sign. */
int cli_act_done(struct cli *cli, int failed, json_t *object, const char *note) SAT_MUST_CHECK;
/* A whole file, or stdin for "-"; with its NUL. The caller wipes it. */
int cli_read_file(struct cli *cli, const char *path, size_t size_max, struct sat_buf *out) SAT_MUST_CHECK;
/* A number from 1 on, as devices and escrow items have. */
int cli_number(struct cli *cli, const char *word, const char *what, uint64_t most, uint64_t *out) SAT_MUST_CHECK;

#endif
