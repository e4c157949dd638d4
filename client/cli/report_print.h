/* A report for a person: tables that fit the terminal, bars, and what the figures stand on; or its first part as CSV.
 */
#ifndef CLI_REPORT_PRINT_H
#define CLI_REPORT_PRINT_H

#include <jansson.h>

#include "client/cli/cli.h"

/* `report` is what satchel_report() gave; borrowed. */
void cli_report_print(struct cli *cli, const json_t *report);
/* RFC 4180, UTF-8, with a header where there are rows; the figures are as in the JSON. */
void cli_report_csv(struct cli *cli, const json_t *report);
/* Rows as a table that fits the terminal: columns as those of the first row; what ends in _minor is money in the row's
 * `currency`, what ends in _bp a percentage. */
void cli_report_table(struct cli *cli, const json_t *rows);

#endif
