/* What was submitted stays as it is, and what is right instead is an amendment beside it (`satchel_amend()`). Figures
 * are those of the amendments: in the tables, the columns that only amendments change have the value that was said
 * last. Of texts that are searched the tables have what was submitted. */
#ifndef CLIENT_VIEW_AMENDED_H
#define CLIENT_VIEW_AMENDED_H

#include <sqlite3.h>

#include "common/base/err.h"

/* The function that it computes with; for no asker (client_view_register()). */
enum sat_err client_view_amend_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Of all rows, or of those that were noted (database.h). */
enum sat_err client_view_amend(sqlite3 *db, bool noted, struct sat_fault *fault) SAT_MUST_CHECK;
/* The space and id of all that amendments are about which were noted: to be looked at again first. */
#define CLIENT_VIEW_AMENDED                                                                                            \
    "SELECT sid, id FROM satchel_here WHERE id IN (SELECT about FROM main.amendment WHERE id IN (SELECT id FROM"       \
    " temp.satchel_noted) UNION SELECT about FROM archived.amendment WHERE id IN (SELECT id FROM temp.satchel_noted))"

#endif
