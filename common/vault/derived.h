/* Ids that follow from what a record is about: whoever makes the same plan, the same step, the same version of a
 * setting makes the same record, on whatever device and however often. Of which fields, types.def says (KEY). */
#ifndef SAT_VAULT_DERIVED_H
#define SAT_VAULT_DERIVED_H

#include "common/vault/body.h"
#include "common/vault/types.h"

/* Are a record's ids made of its fields, if nobody gives one? */
bool sat_type_has_keys(const struct sat_type *type);
/* The id: the first 16 bytes of H("record-key", org ‖ body), marked as a UUIDv8; the body (body.h) has the cells of the
 * type's keys that say something, and no origin. SAT_ERR_INVALID: none of them does. */
enum sat_err sat_record_id_derived(const struct sat_hash *org, const struct sat_type *type,
                                   const struct sat_cell *cells, uint32_t n, struct sat_record_id *out) SAT_MUST_CHECK;
/* The id of what follows from another record, the n-th of its kind: a visit's next step as a task, a lead's account. */
struct sat_record_id sat_record_id_following(const struct sat_hash *org, const struct sat_record_id *from,
                                             const char *what, uint32_t n);

#endif
