/* Where a change comes from that repeats another one (MERGE 20): [space16, device, counter, rest32], one msgpack array.
 * It names the first original, also when a copy is copied, so that two copies of one change are known as such wherever
 * they are. Who wrote the original is told by its dot, when by the copy's clock, which is the original's effective
 * time. That it is so, its author alone says (docs/decisions/0047). */
#ifndef SAT_VAULT_ORIGIN_H
#define SAT_VAULT_ORIGIN_H

#include "common/proof/header.h"
#include "common/vault/body.h"

struct sat_origin {
    struct sat_space_id space;
    struct sat_dot dot;
    /* Of what was moved the original's sat_change_rest(); of what had not been sent then, and of what a home writes
     * again, as it is a copy or behind a refusal, sat_origin_hash(). */
    struct sat_hash rest;
};

void sat_origin_encode(const struct sat_origin *origin, struct sat_buf *out);
/* SAT_ERR_MALFORMED for anything else, nothing at all too. */
enum sat_err sat_origin_decode(struct sat_span bytes, struct sat_origin *out) SAT_MUST_CHECK;
/* What a change says, and when, whether it was sent or not: by that it is told from another one that got the same dot
 * in a copy of its home. Zeros where this version could not have written it. Sorts the body's cells. */
struct sat_hash sat_origin_hash(const struct sat_record_id *record, const struct sat_header *header,
                                struct sat_body *body);
/* Do they name the same change, the dot and what stood there? Another one may have got the same dot in a copy of its
 * home. What was sent says that otherwise than what had not been: the same change may look like two, and never two like
 * one. */
bool sat_origin_same(const struct sat_origin *a, const struct sat_origin *b);
/* Do they name the same dot? */
bool sat_origin_equal(const struct sat_origin *a, const struct sat_origin *b);

#endif
