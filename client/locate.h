/* Where a record is: an id names a record whatever its space. */
#ifndef CLIENT_LOCATE_H
#define CLIENT_LOCATE_H

#include "client/handle.h"
#include "common/vault/types.h"

struct client_place {
    bool here; /* something of it is here, be it unreadable */
    bool archived;
    uint32_t spaces_n; /* in how many spaces it is, ... */
    uint32_t own_n;    /* ... and, of several, in how many that this device may write */
    int64_t sid;
    uint16_t type; /* 0: not readable */
    bool moved;    /* it was in a space that it has left, */
    uint16_t moved_type;
    struct sat_space_id moved_to; /* for this one */
};

/* Loads the record from the space where it is, not from one that it has left; from several, where it is not archived,
 * of these where this device may write, the first. place->here is false when it is nowhere. */
enum sat_err client_locate(struct satchel *satchel, const struct sat_record_id *record, struct sat_arena *arena,
                           struct client_place *place, struct sat_record_view *view) SAT_MUST_CHECK;
/* The one in that territory, as it is named here; an empty view: it is not there, or not any more. */
enum sat_err client_locate_in(struct satchel *satchel, const char *territory, const struct sat_record_id *record,
                              struct sat_arena *arena, struct sat_record_view *view) SAT_MUST_CHECK;
/* The one in the org's own space or that of the people: what is said there is said nowhere else. */
enum sat_err client_locate_in_kind(struct satchel *satchel, enum sat_space_kind kind,
                                   const struct sat_record_id *record, struct sat_arena *arena,
                                   struct sat_record_view *view) SAT_MUST_CHECK;
/* client_locate() for a type and an id as text, as callers name records. SAT_ERR_NOT_FOUND, also for a record of
 * another type; archived ones are found. */
enum sat_err client_locate_named(struct satchel *satchel, const char *type, const char *id, struct sat_arena *arena,
                                 const struct sat_type **type_out, struct client_place *place,
                                 struct sat_record_view *view) SAT_MUST_CHECK;
/* A record that is nowhere here but was, and has moved: SAT_ERR_NOT_FOUND, and where to. `what` is put before it. */
enum sat_err client_check_moved(struct satchel *satchel, const char *what, const struct sat_record_id *record,
                                const struct client_place *place) SAT_MUST_CHECK;
/* Did anything that is shown of the record come when it had moved already, and from which space? */
bool client_came_late(const struct sat_merged_record *record, struct sat_space_id *from);
/* SAT_ERR_NOT_FOUND with a sentence. */
enum sat_err client_find_type(struct satchel *satchel, const char *name, const struct sat_type **out) SAT_MUST_CHECK;
enum sat_err client_parse_id(struct satchel *satchel, const char *text, struct sat_record_id *out) SAT_MUST_CHECK;

#endif
