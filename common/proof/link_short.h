/* A link with its countersignature as it travels in LINKS: without what the receiver knows already. He reads the links
 * in their order, so position and predecessor follow, and spaces can be named by their places; what is nearly always
 * the same takes a bit.
 *
 *   short link  varint time_ms ‖ countersignature64 ‖ varint author ‖ varint type ‖ u8 shape ‖ [u16 suite] ‖
 *               n × signature ‖ body, up to the end
 *   shape       n in the bits 0 to 2 ‖ 8: critical ‖ 16: the suite is not 1, and follows ‖ 32: the first signature is
 *               the author's DEVICE signature ‖ 64: the body is in its short form (body_short.h), which it has
 *   signature   [u8 kind ‖ varint number] ‖ signature64; kind and number are left out of the first one where the shape
 *               says whose it is
 *
 * A link has one short form. What is hashed, signed and stored is the long one (link.h), which decoding makes again. */
#ifndef SAT_PROOF_LINK_SHORT_H
#define SAT_PROOF_LINK_SHORT_H

#include "common/proof/directory.h"

/* Appends the short form, as who has the directory up to the link reads it; what `directory` has beyond does not
 * matter. The time must be within SAT_TIME_MS_MAX (checked). */
void sat_link_encode_short(const struct sat_link *link, const struct sat_countersign *sign,
                           const struct sat_directory *directory, struct sat_buf *out);
/* Decodes the link at `seq` behind `prev`, which is no more than a claim until the signatures are verified: behind
 * another predecessor it is another link. `directory` has what comes before it. *bytes becomes its long form; the arena
 * owns it, and *out borrows from it. SAT_ERR_MALFORMED for anything but what the encoder writes. */
enum sat_err sat_link_decode_short(struct sat_span item, uint64_t seq, const struct sat_hash *prev,
                                   const struct sat_directory *directory, struct sat_arena *arena, struct sat_link *out,
                                   struct sat_span *bytes, struct sat_countersign *sign) SAT_MUST_CHECK;

#endif
