/* The view's database, between those who fill it and those who ask it. */
#ifndef CLIENT_VIEW_DATABASE_H
#define CLIENT_VIEW_DATABASE_H

#include <sqlite3.h>

#include "client/view/view.h"
#include "common/vault/types.h"

struct client_view {
    sqlite3 *db;
};

/* The declared types of columns, by which a row's values are told apart again. */
#define CLIENT_COLUMN_SET "SET_TEXT"
#define CLIENT_COLUMN_BOOL "BOOLEAN"

/* The database beside the main one: the same tables, for the records that are archived. */
#define CLIENT_ARCHIVED "archived"

/* Makes the tables, empty. */
enum sat_err client_view_make_tables(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Fills in what is computed from several rows, and the indexes. */
enum sat_err client_view_derive(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* From here on the database can be read and nothing else. */
enum sat_err client_view_lock(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;

/* SQLite's last failure, as an error. */
enum sat_err client_view_fail(sqlite3 *db, struct sat_fault *fault, enum sat_err err);

#endif
