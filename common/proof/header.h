/* A change's header: in clear, but signed. The blind merge reads nothing else.
 *
 *   header   u8 flags ‖ u64 hlc ‖ [seen] ‖ [kept] ‖ [holes] ‖ [blobs]
 *   dots     varint n ‖ n × (varint device ‖ varint counter), ascending, n ≥ 1
 *   blobs    varint n ‖ n × hash32
 *
 * A part is there iff its flag is set; an empty part is left out. There is one encoding of a header and decoding
 * refuses every other, but what is hashed and stored are always the bytes as received. */
#ifndef SAT_PROOF_HEADER_H
#define SAT_PROOF_HEADER_H

#include "common/base/id.h"

enum {
    SAT_HEADER_DELETION = 1, /* the change archives the record: the blind server may collect it one day */
    SAT_HEADER_SEEN = 2,
    SAT_HEADER_KEPT = 4,
    SAT_HEADER_HOLES = 8,
    SAT_HEADER_BLOBS = 16,
    /* Only with DELETION: the author saw a cell in conflict. Such a record is not collected (docs/decisions/0090). */
    SAT_HEADER_DISPUTED = 32,
};

struct sat_header {
    bool deletion, disputed;
    uint64_t hlc; /* hybrid logical clock: milliseconds since 1970 in the upper 48 bits, a counter in the lower 16 */
    struct sat_dots seen;  /* version vector of the record when it was written: one dot per device */
    struct sat_dots kept;  /* dots under seen that stay live */
    struct sat_dots holes; /* dots under seen that the author could not read */
    const struct sat_hash *blobs;
    uint32_t blobs_n;
};

/* Appends the encoding. The parts must be sorted and within limits.h (checked). */
void sat_header_encode(const struct sat_header *header, struct sat_buf *out);
/* Decodes; the arena owns the arrays. SAT_ERR_MALFORMED for another encoding, SAT_ERR_BOUNDS when kept or holes are not
 * under seen, name the same dot, or exceed a limit. */
enum sat_err sat_header_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_header *out) SAT_MUST_CHECK;

#endif
