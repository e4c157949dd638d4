/* What the book tells, for a person: tables of some of the rows' columns, which fit the terminal. */
#ifndef CLI_BOOK_PRINT_H
#define CLI_BOOK_PRINT_H

#include <jansson.h>

#include "client/cli/cli.h"

/* A title (NULL: none) and the rows' columns that are named, up to a NULL. Nothing where there are no rows. The column
 * `min` is duration_s in minutes; lists stand with commas. */
void cli_book_table(struct cli *cli, const char *title, const json_t *rows, const char *const *columns);

/* Rows that a call gives: JSON lines at once, or one table at the end. */
struct cli_rows {
    struct cli *cli;
    json_t *rows;
};
void cli_rows_begin(struct cli_rows *rows, struct cli *cli);
int cli_rows_take(void *rows, const char *json); /* a satchel_row_fn */
/* `columns` NULL: nothing is printed. `nothing` (may be NULL): what is said where there are no rows. */
void cli_rows_end(struct cli_rows *rows, const char *const *columns, const char *nothing);

/* A visit as satchel_visit_start() and its like tell it. */
void cli_print_visit(struct cli *cli, const char *told, bool preparation);

#endif
