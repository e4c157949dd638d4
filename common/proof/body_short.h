/* The bodies that every device downloads in numbers, new epochs and revocations, without what the directory before them
 * says: a space is its place there, in the order of creation, from 0.
 *
 *   epoch    varint place ‖ varint epoch ‖ kc32 ‖ boxes_root32 ‖ varint count ‖ chain, up to the end; of suite 1 alone
 *   chain    without its nonce of 24 bytes, where that is zeros
 *   revoke   varint device ‖ n × (varint place ‖ varint counter ‖ bundle_id32), up to the end
 *
 * A body has one short form, or none. */
#ifndef SAT_PROOF_BODY_SHORT_H
#define SAT_PROOF_BODY_SHORT_H

#include "common/proof/directory.h"

/* Appends the short form of the body of a link at `seq`. False, and nothing appended: it has none, as it is of another
 * type, is not well-formed, or names a space that is not in the directory before `seq`. */
bool sat_body_shorten(uint16_t type, uint64_t seq, struct sat_span body, const struct sat_directory *directory,
                      struct sat_buf *out);
/* Appends the body whose short form this is. SAT_ERR_MALFORMED: it is no body's. */
enum sat_err sat_body_lengthen(uint16_t type, uint64_t seq, struct sat_span shortened,
                               const struct sat_directory *directory, struct sat_buf *out) SAT_MUST_CHECK;

#endif
