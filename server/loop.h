/* The service from its start to its end: everything is opened in order, served until a signal, drained, and closed in
 * reverse. */
#ifndef SATD_LOOP_H
#define SATD_LOOP_H

#include "server/log.h"
#include "server/options.h"

/* Serves until SIGTERM, SIGINT or SIGHUP; SAT_OK after an orderly end. */
enum sat_err satd_serve(const struct satd_options *options, struct satd_log *log,
                        struct sat_fault *fault) SAT_MUST_CHECK;

#endif
