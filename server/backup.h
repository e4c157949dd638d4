/* The operator's copies: `backup FILE` makes one of a server that may be running, `restore FILE` puts one back where
 * none runs. What is restored is marked, so that the server that opens it says that it was set back, and is given back
 * by the devices what it has lost. */
#ifndef SATD_BACKUP_H
#define SATD_BACKUP_H

#include "server/datadir.h"
#include "server/options.h"

enum sat_err satd_backup_command(const struct satd_options *options, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err satd_restore_command(const struct satd_options *options, struct sat_fault *fault) SAT_MUST_CHECK;

/* SAT_ERR_CONFIG while a restore that was interrupted has left its traces: what is here is half of something. */
enum sat_err satd_restore_check(const struct satd_datadir *dir, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
