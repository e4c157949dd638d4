/* The texts of client/reports/ as they are built into the library (see the Makefile): nothing is read when a report is
 * made. */
#ifndef CLIENT_REPORTS_H
#define CLIENT_REPORTS_H

struct client_report_text {
    const char *name, *text; /* NULL ends the list */
};
/* By name; `given` is no report, but what each of them stands on. */
extern const struct client_report_text client_report_texts[];

#endif
