/* The view's database, between those who fill it and those who ask it. */
#ifndef CLIENT_VIEW_DATABASE_H
#define CLIENT_VIEW_DATABASE_H

#include <sqlite3.h>

#include "client/view/sealed.h"
#include "client/view/view.h"
#include "common/store/derived.h"
#include "common/vault/types.h"

enum { CLIENT_VIEW_SERIAL_BYTES = 16 };

/* What a view was made from: the mark that its store has of it (docs/storage.md). */
struct client_view_mark {
    uint8_t salt[SAT_PAGE_SALT_BYTES];        /* of the key of its pages */
    uint8_t serial[CLIENT_VIEW_SERIAL_BYTES]; /* of the state that it was left in */
    struct sat_hash form;                     /* of its tables, and of what decides what is in them */
    struct sat_derived_to to;
    uint64_t keys;       /* how many space keys there were: one more may open what could not be read */
    uint64_t links;      /* of the directory */
    uint32_t devices;    /* that it knows */
    uint32_t own, draft; /* under which number this device writes, and its drafts stand */
};

struct client_view {
    sqlite3 *db;
    struct client_sealed *sealed; /* NULL: it is in memory */
    struct client_view_mark mark;
    bool tracked;  /* the store notes what changes; else the view is of no use when anything does */
    bool damaged;  /* something could not be read */
    uint64_t rows; /* that the query under way has given */
};

/* The declared types of columns, by which a row's values are told apart again. */
#define CLIENT_COLUMN_SET "SET_TEXT"
#define CLIENT_COLUMN_BOOL "BOOLEAN"

/* The database beside the main one: the same tables, for the records that are archived. */
#define CLIENT_ARCHIVED "archived"

/* Of a space that the directory does not know. */
#define CLIENT_KIND_UNKNOWN (-1)

/* Beside the types' tables, for the view alone:
 *   satchel_here    (n, sid, id, type, archived, unread) each record that is here, in each space. n is the number of
 *                   its row in its type's table, unless archived is null: then it has none. type: "" for what nobody
 *                   here can read, "?" for a later version's, null for what has moved and yet cannot be read altogether
 *   satchel_name    (space, name, kind) the names that rows have of spaces
 *   satchel_state   (serial) of the state that it was left in; in the archive, too */
/* What SQLite is to know before anything is asked or written, for as long as it is open: while a change is under way
 * the search index reads, and as long as somebody reads, SQLite lets no function come or go. */
enum sat_err client_view_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Makes the tables, empty; the archive is attached. */
enum sat_err client_view_make_tables(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* … and over them the SQL views of what follows from several rows (follows.c). */
enum sat_err client_view_make_follows(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* Fills in what is computed from several rows, and the indexes. */
enum sat_err client_view_derive(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* The same where only some records were looked at again, which were noted since client_view_begin_noting(). */
enum sat_err client_view_begin_noting(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_view_derive_noted(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* From here on the database can be read and nothing else, but between the other two. */
enum sat_err client_view_fence(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_view_unlock(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_view_lock(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;

/* What the store holds now, as a mark without salt, serial and form; *touched: and something happened since the mark
 * that is there. */
enum sat_err client_view_look(struct satchel *satchel, struct client_view_mark *out, bool *touched) SAT_MUST_CHECK;
/* Brings the tables from `then` to `now`. *anew: that cannot be told record by record, and nothing was done. */
enum sat_err client_view_refresh(struct satchel *satchel, sqlite3 *db, const struct client_view_mark *then,
                                 const struct client_view_mark *now, bool *anew) SAT_MUST_CHECK;

/* SQLite's last failure, as an error. */
enum sat_err client_view_fail(sqlite3 *db, struct sat_fault *fault, enum sat_err err);

#endif
