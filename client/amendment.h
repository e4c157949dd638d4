/* What an amendment says, and whether its word counts. What was submitted is amended, never edited: an amendment
 * (a record of its own) names the record, the field (of a map field.key), and what is right instead, as text. It counts
 * where the field could hold that, and where who wrote it may amend it (AMENDER in vault/types.def); of several for one
 * field the one that was written last, as far as can be believed (docs/decisions/0199). */
#ifndef CLIENT_AMENDMENT_H
#define CLIENT_AMENDMENT_H

#include "client/duties.h"

struct client_amendment {
    const struct sat_record_id *about;
    const char *field;  /* the arena's */
    struct sat_span to; /* at NULL: it is cleared */
    uint64_t effective; /* when it was written (vault/cells.h) */
    uint32_t user;      /* who wrote all of it, whatever it says of a person; 0: several did, or it is not known */
    uint8_t role;       /* … and in which role then */
    bool passing;       /* … as far as the directory of now says so */
};
/* False: it is about nothing, or names no field. Borrows from the record. */
bool client_amendment_read(const struct satchel *satchel, const struct sat_merged_record *merged,
                           struct sat_arena *arena, struct client_amendment *out);

/* Is the field one that only amendments change, once its record is submitted? */
bool client_is_amended(const struct sat_field *field);
/* The field that an amendment of that type names; NULL: none that is amended, as what the organisation publishes, of
 * which there are versions. */
const struct sat_field *client_amended_field(const struct sat_type *type, const char *named, struct sat_arena *arena);
/* Could the field of that type that it names hold what it says? */
bool client_amendment_fits(const struct client_amendment *amendment, const struct sat_type *type,
                           struct sat_arena *arena);

/* May this device's person take back an amendment, or bring it back? Whoever may amend its field. SAT_OK too where the
 * record is no amendment, or what it is about is not here. SAT_ERR_DENIED. */
enum sat_err client_amendment_check_back(struct satchel *satchel, const struct sat_record_id *record,
                                         struct sat_arena *arena) SAT_MUST_CHECK;

#endif
