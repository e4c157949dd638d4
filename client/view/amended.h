/* What was submitted stays as it is, and what is right instead is an amendment beside it (`satchel_amend()`). Figures
 * are those of the amendments: in the tables, the columns that only amendments change have the value of the one that
 * counts (client/amendment.h). Of texts that are searched the tables have what was submitted.
 *
 * `amendment.standing` says what becomes of each:
 *   counts      figures, and what is asked of a template, are as it says
 *   overtaken   a later one for the same field counts
 *   denied      whoever wrote it may not amend that field: what he says is a proposal
 *   unfit       its record has no such field that is amended, or it could not hold that
 *   early       its record is not submitted
 *   elsewhere   it is in another territory than its record
 *   null        its record is not here, or who may amend took it back */
#ifndef CLIENT_VIEW_AMENDED_H
#define CLIENT_VIEW_AMENDED_H

#include "client/view/fill.h"

/* The functions that it computes with; for no asker (client_view_register()). */
enum sat_err client_amended_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* The table satchel_amendment, for the view alone: each amendment, archived or not. `value` is as its row has it,
 * `fits` the names of the types of which that field could hold it, `back` who archived it, `passing` whether who wrote
 * that, and in which role, may be another when the directory is. */
enum sat_err client_amended_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_amended_index(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;

/* Reads an amendment, before anything of it is masked: for client_amended_tell(). */
void client_amended_read(struct client_filling *filling, const struct sat_record_view *view);
/* An amendment, or a user, has come to its table (`view`), or is about to leave it (NULL). Notes what may count
 * otherwise by it in temp.satchel_amended, unless all are derived. */
enum sat_err client_amended_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                                 const struct sat_record_view *view) SAT_MUST_CHECK;

/* What counts, and the columns: of all rows, or of those that were noted (database.h). */
enum sat_err client_amended_derive(sqlite3 *db, bool noted, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
