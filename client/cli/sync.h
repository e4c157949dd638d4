/* One sync with its events told to the person who waits for it. */
#ifndef CLI_SYNC_H
#define CLI_SYNC_H

#include <jansson.h>

#include "client/cli/cli.h"

/* Runs satchel_sync() with progress and events shown; `options` without its event members. Returns what the library
 * does. */
int cli_sync_once(struct cli *cli, const struct satchel_sync_options *options, struct satchel_sync_result *result);
/* {"sent","received","refused","conflicts","in_sync","recovering"}, and "held" if something is; the caller owns it. */
json_t *cli_sync_json(const struct satchel_sync_result *result);

#endif
