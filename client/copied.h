/* What a transaction writes anew of values that the person is not shown: brought back with a record, picked among
 * values side by side, taken out of a set, carried into other records. It is this device's own work from then on, and
 * shown in clear (grades.h): so that is a reveal, and recorded as one before it is written. */
#ifndef CLIENT_COPIED_H
#define CLIENT_COPIED_H

#include "client/grades.h"
#include "client/tx.h"

/* Notes those among the record's fields that are masked for this person. `only` (may be NULL): the names that count, up
 * to a NULL. SAT_ERR_DENIED: one of them is restricted, and not this person's to reveal. */
enum sat_err client_copied_of_record(struct satchel_tx *tx, const struct sat_record_view *view, const char *const *only,
                                     const char *why) SAT_MUST_CHECK;
/* The same of one value of a field. */
enum sat_err client_copied_value(struct satchel_tx *tx, const struct sat_record_id *record, const struct sat_type *type,
                                 const struct sat_field *field, const struct sat_source *source,
                                 const char *why) SAT_MUST_CHECK;
/* Records all that was noted, durably. */
enum sat_err client_copied_disclose(const struct satchel_tx *tx) SAT_MUST_CHECK;
/* May this person have the field shown? SAT_ERR_DENIED. Where people were is their managers' affair, and the admins'.
 */
enum sat_err client_copied_check(struct satchel *satchel, const struct sat_type *type,
                                 const struct sat_field *field) SAT_MUST_CHECK;

#endif
