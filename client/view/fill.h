/* Filling a view's tables, all of them or what one record has there. */
#ifndef CLIENT_VIEW_FILL_H
#define CLIENT_VIEW_FILL_H

#include <sqlite3.h>

#include "client/amendment.h"
#include "client/disclosures.h"
#include "client/grades.h"
#include "client/handle.h"
#include "client/search/index.h"
#include "common/store/derived.h"
#include "common/vault/types.h"

struct client_filling {
    struct satchel *satchel;
    sqlite3 *db;
    sqlite3_stmt **inserts, **deletes; /* two for each type, prepared when first needed: its table's, the archive's */
    sqlite3_stmt *put_name, *put_here, *find_here, *delete_here, *note_order, *note_record, *put_began;
    sqlite3_stmt *put_step, *delete_step, *note_about, *note_authors;              /* states.c's */
    sqlite3_stmt *put_begun, *delete_begun, *note_begun;                           /* begun.c's */
    sqlite3_stmt *put_claim, *drop_claims;                                         /* claims.c's */
    sqlite3_stmt *put_asked, *delete_asked;                                        /* … */
    sqlite3_stmt *put_amendment, *delete_amendment, *note_amended, *note_amenders; /* amended.c's */
    struct client_index index;
    sqlite3_stmt *note_ext;
    struct client_amendment amendment; /* that the record under way is, unmasked; unless it is none: */
    bool amends;
    bool all;               /* what follows from several rows comes when all are there */
    struct sat_arena arena; /* for one record */
    struct sat_arena names;
    int64_t sid; /* whose name `territory` is */
    const char *territory;
    enum sat_space_kind kind;
    struct client_disclosers disclosers; /* names's */
    struct client_sight sight;           /* whose view it is */
};

void client_filling_begin(struct client_filling *filling, struct satchel *satchel, sqlite3 *db);
void client_filling_end(struct client_filling *filling);

/* *out, NULL: it is prepared, and is the caller's to finalize with the filling. */
enum sat_err client_filling_prepare(struct client_filling *filling, const char *sql, sqlite3_stmt **out) SAT_MUST_CHECK;
/* One that is bound, and has no rows; it may be bound anew afterwards. */
enum sat_err client_filling_run(struct client_filling *filling, sqlite3_stmt *statement) SAT_MUST_CHECK;

/* Into empty tables: all records, and what is derived from them. */
enum sat_err client_filling_all(struct client_filling *filling) SAT_MUST_CHECK;
/* Behind what is derived: sums over what is masked are no sums. */
enum sat_err client_filling_hide(struct client_filling *filling) SAT_MUST_CHECK;
/* One record, once more: what the tables have of it goes, what it is now comes. client_view_derive_noted() ends it. */
enum sat_err client_filling_look(struct client_filling *filling, int64_t sid,
                                 const struct sat_record_id *record) SAT_MUST_CHECK;

#endif
