/* satcheld identity: the operator lists the server's identities, makes a new one, drops a former one. */
#ifndef SATD_IDENTITY_COMMAND_H
#define SATD_IDENTITY_COMMAND_H

#include "server/options.h"

/* Prints to stdout; what is to be done next goes to stderr. SAT_ERR_USAGE for operands that it does not know, and what
 * identity.h and trust.h say. */
enum sat_err satd_identity_command(const struct satd_options *options, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
