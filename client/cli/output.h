/* Output: what commands print on stdout, as JSON lines or for a person. Whatever a record holds, a person's terminal is
 * not commanded by it. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>

#include "client/cli/cli.h"

/* Text to stdout. The first failure is remembered in cli->output_errno and told when the command is done. */
void cli_out(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cli_out_span(struct cli *cli, struct sat_span text);
/* A line on stderr: `text` for a person, or under --json the object, which it takes, with the text as its "message".
 * The text may hold anything that somebody typed: it is shown safely in both forms. */
void cli_tell(struct cli *cli, json_t *object, const char *text);
/* An object as one line; takes it. Returns 0, or cli_fail()'s code for NULL: text in it was no UTF-8. */
int cli_print_new(struct cli *cli, json_t *object);
/* An object's members, one a line, and its lists of objects as tables; nested objects' members as if they were its own.
 * Borrows. */
void cli_print_members(struct cli *cli, const json_t *object);

/* A value for a person: text as it is (control characters shown safely), a list with commas, an object as name=value.
 * The arena owns it. */
const char *cli_shown(struct sat_arena *arena, const json_t *value);
/* Columns that a text takes on a terminal. */
int cli_width(const char *text);

/* Rows as JSON lines or as a table, whose columns are as wide as the first rows need. */
struct cli_table {
    struct cli *cli;
    json_t *waiting;        /* rows that are not printed yet */
    json_t *columns;        /* name: width; columns of numbers, which stand right: minus the width */
    bool begun;             /* the header is printed: the widths stand */
    struct sat_arena arena; /* of one row */
};
void cli_table_init(struct cli_table *table, struct cli *cli);
/* A satchel_row_fn; the context is the table. Stops when nobody reads any more. */
int cli_table_row(void *table, const char *json);
/* Prints what is left. */
void cli_table_finish(struct cli_table *table);

#endif
