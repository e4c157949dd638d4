/* Edits of an account by who did not know yet that it had been merged into another. They belong to the one that stays:
 * the device that made them puts them there, in its person's name, once it knows; the merge's record says which have
 * gone on (`landed`). What cannot go on, as its author may not write there or is gone, stays and is told. */
#ifndef CLIENT_LANDED_H
#define CLIENT_LANDED_H

#include "client/handle.h"

struct client_late {
    const struct sat_source *source; /* of the view that was loaded */
    const char *name;                /* device.counter */
    bool own;                        /* this device's */
};
/* The edits of an account that was merged which came late and have not gone on. *n 0: none, or it was not merged.
 * *merge: the id of the record that says that it was. */
enum sat_err client_late_find(struct satchel *satchel, const struct sat_record_id *account, struct sat_arena *arena,
                              struct sat_record_view *view, struct client_late **out, uint32_t *n,
                              struct sat_record_id *merge) SAT_MUST_CHECK;

/* Puts what this device wrote late where it belongs; for a sync, when what there is has come. *written: the drafts
 * made. While a transaction of the application's is open it does nothing. */
enum sat_err client_land(struct satchel *satchel, uint32_t *written) SAT_MUST_CHECK;

#endif
