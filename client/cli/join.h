/* What org create and join end with: who this device is now. */
#ifndef CLI_JOIN_H
#define CLI_JOIN_H

#include <jansson.h>

#include "client/cli/cli.h"

/* Prints org, user, role and device, with the members of `more` (may be NULL; taken) behind them. */
int cli_print_membership(struct cli *cli, json_t *more);

#endif
