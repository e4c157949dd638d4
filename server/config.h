/* The configuration file: lines `name = value`, with the names of the options; `#` begins a comment; anything else is
 * refused by its line, so that a typing error does not go unnoticed. */
#ifndef SATD_CONFIG_H
#define SATD_CONFIG_H

#include "server/options.h"

/* Reads the file that the options name and takes what they do not have yet; the arena owns the texts. SAT_ERR_CONFIG.
 */
enum sat_err satd_config_read(struct sat_arena *arena, struct satd_options *options,
                              struct sat_fault *fault) SAT_MUST_CHECK;

#endif
