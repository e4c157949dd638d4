/* Lists of what the directory knows. */
#ifndef CLI_PEOPLE_H
#define CLI_PEOPLE_H

#include "client/cli/cli.h"

typedef int (*cli_list_fn)(struct satchel *satchel, int *refreshed, satchel_row_fn row, void *context);
/* Asks the server for news first, and says so when that could not be; `row` has a table as its context. */
int cli_print_list(struct cli *cli, cli_list_fn list, satchel_row_fn row) SAT_MUST_CHECK;

#endif
