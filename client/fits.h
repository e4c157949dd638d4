/* Does what a person puts fit the rules of its fields? What comes from others is never refused: it is shown whatever it
 * is. */
#ifndef CLIENT_FITS_H
#define CLIENT_FITS_H

#include "client/tx.h"

/* Adds what this device counts to its part of the counters, and refuses what does not fit: a word that neither the list
 * of types nor the organisation knows, a field in `ext` that nobody published or of another kind, a state that its
 * machine does not know, or another one than the record has (it goes by steps), an edit of what was submitted, and a
 * field that is published without a grade. SAT_ERR_INVALID, SAT_ERR_NOT_FOUND. */
enum sat_err client_fits(struct satchel_tx *tx, const struct sat_type *type, const struct client_known *known,
                         struct client_fields *fields) SAT_MUST_CHECK;

/* What an admin published about a field: the newest version that is here (docs/decisions/0150). */
struct client_published {
    bool there;
    int64_t version;
    json_t *body; /* the caller's reference; NULL: none, or no JSON, or a failure */
};
enum sat_err client_published_get(struct satchel *satchel, const char *kind, const char *name, struct sat_arena *arena,
                                  struct client_published *out) SAT_MUST_CHECK;

#endif
