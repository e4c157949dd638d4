/* The configuration file: lines `name = value`, with the names of the options; `#` begins a comment; anything else is
 * refused by its line, so that a typing error does not go unnoticed. */
#ifndef SATD_CONFIG_H
#define SATD_CONFIG_H

#include "server/options.h"

/* Fills what `value` (of SATD_OPTION_COUNT) does not have yet; the arena owns the texts. SAT_ERR_CONFIG. */
enum sat_err satd_config_read(const char *path, struct sat_arena *arena, const char **value,
                              struct sat_fault *fault) SAT_MUST_CHECK;

#endif
