/* One transaction, told when it fails; and what `put` is made of. */
#ifndef CLI_WRITE_H
#define CLI_WRITE_H

#include <jansson.h>

#include "client/cli/cli.h"

int cli_begin(struct cli *cli, struct satchel_tx **tx) SAT_MUST_CHECK;
/* Commits if nothing `failed` (what the library returned), else rolls back. */
int cli_end(struct cli *cli, struct satchel_tx *tx, int failed) SAT_MUST_CHECK;

/* What a word on the command line is as JSON, by what the field takes: an integer, a truth, else text (the new
 * reference is the caller's; NULL: no valid UTF-8). */
json_t *cli_value_of_word(const char *type, const char *field, const char *word);
/* FIELD=VALUE, FIELD=, FIELD+=V, FIELD-=V as the `fields` of satchel_put(); *out is the caller's. */
int cli_fields_parse(struct cli *cli, const char *type, const char *const *words, int words_n,
                     char **out) SAT_MUST_CHECK;
/* put --stdin */
int cli_put_lines(struct cli *cli) SAT_MUST_CHECK;
/* A word to the person where an account that was just made may be one that is here already. */
void cli_warn_of_duplicates(struct cli *cli, const char *account);

#endif
