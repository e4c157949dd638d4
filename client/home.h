/* The home directory: who has it, and files that are there whole or not at all. They are files: a link in the place of
 * one is refused, as what is written or destroyed here would stay what it was where that leads
 * (docs/decisions/0089).
 *
 *   home/keyring    the device's secrets, sealed under the passphrase
 *   home/store.db   the store
 *   home/wipe       there while this device is being wiped: how far it is (wipe_file.h)
 *   home/view.db, home/archive.db   the view, sealed: derived from the store (view/view.h)
 *   home/lock       locked by the process that has the home; holds its number */
#ifndef CLIENT_HOME_H
#define CLIENT_HOME_H

#include "common/store/store.h"

/* home ‖ '/' ‖ name; the caller frees. */
char *client_home_path(const char *home, const char *name);

/* The error for what the system said about `what`, with its sentence. */
enum sat_err client_fail_errno(struct sat_fault *fault, const char *what, int number);
/* Syncs a directory: a new name in it is durable once it is. */
bool client_sync_directory(const char *path);

/* Is there a home? SAT_ERR_NOT_FOUND. */
enum sat_err client_home_check(const char *home, struct sat_fault *fault) SAT_MUST_CHECK;
/* Takes the home's lock, waiting up to wait_ms for another process: SAT_ERR_IN_USE names it. SAT_ERR_NOT_FOUND
 * without a home, SAT_ERR_READ_ONLY. The descriptor is closed to let go. */
enum sat_err client_home_lock(const char *home, uint32_t wait_ms, int *lock, struct sat_fault *fault) SAT_MUST_CHECK;

/* Makes the directory for a new home, or takes an empty one. *made says whether it was made. A lock file that
 * another attempt left behind is no obstacle; anything else is SAT_ERR_EXISTS. */
/* The two parts of client_home_make(), for who takes the lock in between: what another process does meanwhile counts.
 */
enum sat_err client_home_enter(const char *home, bool *made, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_home_check_empty(const char *home, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_home_make(const char *home, bool *made, struct sat_fault *fault) SAT_MUST_CHECK;
/* Removes what a failed create or join has left, and the directory if `made`. Never touches a file that is not the
 * library's. */
void client_home_remove(const char *home, bool made);

/* Removes what an attempt to replace the keyring left beside it when the machine stopped: a copy that nobody changes
 * the passphrase of. For who has the lock. */
void client_home_tidy(const char *home);

/* The home's store. A new one is for this user alone, and so are the files that SQLite keeps beside it, which take
 * after it. */
enum sat_err client_home_store(const char *home, enum sat_store_mode mode, struct sat_store **out,
                               struct sat_fault *fault) SAT_MUST_CHECK;

/* An empty file for its owner alone, where there is none, for SQLite, whose own would be readable for all. False, and
 * errno, if it cannot be written. */
bool client_home_make_private(const char *home, const char *name);

bool client_home_has(const char *home, const char *name);
/* Replaces a file by `bytes`, for its owner alone: written aside as name.new, synced, renamed, the directory synced. At
 * every moment the name stands for the old bytes or the new ones, whole. */
enum sat_err client_home_write(const char *home, const char *name, struct sat_span bytes,
                               struct sat_fault *fault) SAT_MUST_CHECK;
/* Reads a file of at most size_max bytes. SAT_ERR_NOT_FOUND, SAT_ERR_TOO_LARGE. */
enum sat_err client_home_read(const char *home, const char *name, size_t size_max, struct sat_buf *out,
                              struct sat_fault *fault) SAT_MUST_CHECK;

#endif
