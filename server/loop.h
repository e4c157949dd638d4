/* The service from its start to its end: everything is opened in order, served until a signal, drained, and closed in
 * reverse. */
#ifndef SATD_LOOP_H
#define SATD_LOOP_H

#include "server/log.h"
#include "server/options.h"

/* Serves until SIGTERM or SIGINT; SAT_OK after an orderly end. SIGHUP opens the log file and the certificate again. */
enum sat_err satd_serve(const struct satd_options *options, struct satd_log *log,
                        struct sat_fault *fault) SAT_MUST_CHECK;
/* Looks at what the options name and reading them did not need: SAT_ERR_CONFIG. */
enum sat_err satd_check_config(const struct satd_options *options, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
