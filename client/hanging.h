/* What goes along when a record moves: the records of the same space that refer to it, and those that refer to them.
 * A record whose own `account` says something goes where that account goes, and nowhere else. */
#ifndef CLIENT_HANGING_H
#define CLIENT_HANGING_H

#include "client/handle.h"
#include "common/vault/types.h"

enum { CLIENT_HANG_REFS_MAX = 8 };

struct client_hang {
    int64_t sid;
    struct sat_record_id record;
    uint16_t type;
    struct sat_record_id refs[CLIENT_HANG_REFS_MAX]; /* what decides where it goes */
    uint32_t refs_n;
    int64_t to; /* where it goes; 0: it stays */
};

struct client_hanging {
    struct client_hang *at;
    uint32_t n, cap;
};

/* Is it a record that can go along or take others along: of a type whose home is a territory, and not gone already? */
bool client_can_hang(const struct sat_record_view *view);
/* Adds it; once more is once. `to` 0: it stays, unless it turns out to hang on something. */
void client_hanging_add(struct client_hanging *hanging, const struct sat_record_view *view, int64_t to);
/* Sets `to` of everything that hangs on what goes, however far. `gone` (may be NULL) says of what is not among them
 * where it has gone: *to 0 for nowhere. Sorts by space and record. */
enum sat_err client_hanging_close(struct client_hanging *hanging, void *context,
                                  enum sat_err (*gone)(void *context, int64_t sid, const struct sat_record_id *record,
                                                       int64_t *to)) SAT_MUST_CHECK;
void client_hanging_free(struct client_hanging *hanging);

#endif
