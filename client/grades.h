/* Who is shown what: a field's grade (vault/types.h) against the highest that this device's person may see, which
 * follows from the business roles (role_template.max_grade, else roles.def), else from the role in the directory.
 *
 * Shown is besides whatever one wrote oneself, and all of a record that one owns. The rest is masked where values
 * become rows or JSON, so that list, query, find, export and the reports have it from the view, and get, history and
 * conflicts from here. A text keeps a part of itself (138****5678, 张**), a number, an amount or a date nothing, nor
 * does what is not of its field's kind; times, yes and no and references are as they are. Of what is restricted (G3)
 * times and yes and no are gone as well, and of a text is left that there is one.
 *
 * It keeps honest eyes off what they have no need of. What a device can decrypt it can decrypt: what somebody must
 * never read belongs into a space whose key he has not (docs/security.md). */
#ifndef CLIENT_GRADES_H
#define CLIENT_GRADES_H

#include <jansson.h>

#include "client/handle.h"
#include "common/vault/types.h"

struct client_sight {
    const struct sat_directory *directory;
    uint8_t most;                /* the highest grade that is shown */
    uint32_t user;               /* who looks */
    struct sat_record_id person; /* his record */
};

/* What cannot be told is shown least: a failure leaves a sight that masks all that can be. */
void client_sight_get(struct satchel *satchel, struct client_sight *out);
/* Is nothing of that type masked for anybody with this sight? */
bool client_sight_shows(const struct client_sight *sight, const struct sat_type *type);

/* Masks what is shown of a record. `masked` (may be NULL) gets the names of the fields. */
void client_sight_mask(const struct client_sight *sight, struct sat_record_view *view, struct sat_arena *arena,
                       json_t *masked);
/* The cells of one change, which that device wrote. */
void client_sight_mask_cells(const struct client_sight *sight, uint16_t type, uint32_t device, struct sat_cell *cells,
                             uint32_t n, struct sat_arena *arena);
/* Is a value of that field masked, as that change says it? */
bool client_sight_hides(const struct client_sight *sight, const struct sat_field *field,
                        const struct sat_source *source);
/* One value that a change says of a field. */
struct sat_value client_sight_value(const struct client_sight *sight, const struct sat_field *field,
                                    const struct sat_source *source, const struct sat_value *value,
                                    struct sat_arena *arena);

/* A text behind its mask. */
struct sat_span client_masked_text(struct sat_span text, struct sat_arena *arena);

/* ---- The business roles that come with the program ---- */
struct client_role {
    const char *code, *name;
    uint8_t max_grade;
    uint32_t duty;
    const char *grants; /* type:right, with blanks between */
};
extern const struct client_role client_roles[];
extern const size_t client_roles_n;

#endif
