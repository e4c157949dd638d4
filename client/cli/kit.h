/* The recovery kit's file. */
#ifndef CLI_KIT_H
#define CLI_KIT_H

#include <jansson.h>

#include "client/cli/cli.h"

/* A new file, for this user alone. It is made before the server is asked: nothing must come about whose kit has nowhere
 * to go for a wrong path. */
int cli_kit_open(struct cli *cli, const char *path, int *fd) SAT_MUST_CHECK;
/* A new kit's file on its way through the library: cli_kit_keep() is its keep_kit, with this as the context.
 * Durable when that returns. */
struct cli_new_kit {
    struct cli *cli;
    const char *path;
    int fd; /* -1: written */
};
int cli_kit_keep(void *context, const char *page) SAT_MUST_CHECK;
/* The territories that a new kit does not open yet, as their keys are not here: told, and as an array of names. */
json_t *cli_kit_left_out(struct cli *cli);

#endif
