/* What is in the records and cannot be read here: its key has not come, it is broken, or it was written by a later
 * version. It is kept as it came, counts in every merge, and is shown as soon as it can be read; until then it is
 * counted and listed (docs/decisions/0069). */
#ifndef CLIENT_UNREAD_H
#define CLIENT_UNREAD_H

#include "client/handle.h"
#include "client/json.h"

struct client_unread_counts {
    uint64_t unreadable; /* changes that cannot be opened, or make no sense */
    uint64_t later;      /* changes of which something needs a later version */
};

/* Looks at what has changed since somebody looked last. */
enum sat_err client_unread_count(struct satchel *satchel, struct client_unread_counts *out) SAT_MUST_CHECK;

/* Calls `each` with every such change; !each(): enough. */
struct client_unread {
    const struct sat_record_view *view;
    const struct sat_source *source;
    enum sat_err why;    /* debt, undecryptable, …; upgrade_needed: of a later version */
    const char *unknown; /* … what of it: "suite or form", "type", "field", "value"; NULL otherwise */
    uint32_t number;     /* of the type or the field */
};
enum sat_err client_unread_each(struct satchel *satchel,
                                bool (*each)(void *context, const struct client_unread *unread,
                                             struct sat_arena *arena),
                                void *context) SAT_MUST_CHECK;

#endif
