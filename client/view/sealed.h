/* Databases that lie sealed on the disk: an SQLite VFS over the platform's that seals each page when it is written and
 * opens it when it is read, in the bytes that SQLite reserves for that at a page's end (common/vault/page.h). SQLite's
 * own checksum VFS uses them in the same way.
 *
 * Nothing else of a database touches the disk: its journal and what it sorts stay in memory. So a change that a crash
 * cuts short leaves a database of no use. It is for what can be made again, and whoever has it says elsewhere, before
 * each change, that there is one under way. */
#ifndef CLIENT_VIEW_SEALED_H
#define CLIENT_VIEW_SEALED_H

#include <sqlite3.h>

#include "common/base/err.h"
#include "common/vault/page.h"

struct client_sealed; /* a key, and what SQLite has to do with it */

/* Takes the key; borrows the entropy. NULL: out of memory. */
struct client_sealed *client_sealed_new(struct sat_page_key *key, const struct sat_entropy *entropy);
/* When all databases opened with it are closed; NULL is fine. */
void client_sealed_free(struct client_sealed *sealed);

/* Opens the database, empty if there is no file, for this user alone; the caller closes it. Pages that do not open are
 * SQLITE_IOERR_DATA, here or when they are read. */
int client_sealed_open(const struct client_sealed *sealed, const char *path, sqlite3 **out);
/* Attaches another one to it by that name, under the same key. */
int client_sealed_attach(sqlite3 *db, const char *path, const char *name);

#endif
