/* What the book tells, as people read it: money with its point, shares in percent. */
#ifndef CLIENT_CLI_BOOK_SHOWN_H
#define CLIENT_CLI_BOOK_SHOWN_H

#include "client/cli/output.h"

/* The object, whose reference is taken, as one JSON line, or for a person: cli_print_members(), with "total_minor" as
 * "total", "discount_bp" as "discount". NULL: what the library said cannot be read. */
int cli_book_print(struct cli *cli, const char *json) SAT_MUST_CHECK;
/* A satchel_row_fn over a table: the same for a row. */
int cli_book_row(void *table, const char *json);
/* Ends such a table, and a call that filled it: `none` is said to a person where there was no row. */
int cli_book_rows_end(struct cli_table *table, int failed, const char *none) SAT_MUST_CHECK;

#endif
