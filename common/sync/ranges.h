/* Where two replicas that hold the same log differ in what is live: ranges of record ids, each with the digest of its
 * live changes, are compared and split until few changes are left in a range, or one record, and then these themselves.
 * The cost follows what differs, and the way there is as long as the logarithm of what is stored.
 *
 *   range      first16 ‖ last16 ‖ the first 8 bytes of its digest             (of RANGES)
 *   part       u8 0 ‖ range                                                   (of DIFFERENCES)
 *   contents   u8 1 ‖ first16 ‖ last16 ‖ n × (record16 ‖ u32 device ‖ u64 counter ‖ rest32), by record and dot
 *
 * A range's digest is the space's (sync/digest.h), of the live changes whose record lies in it. After "Range-Based Set
 * Reconciliation" (Meyer, 2022), with the parts cut by number instead of by id. */
#ifndef SAT_SYNC_RANGES_H
#define SAT_SYNC_RANGES_H

#include <string.h>

#include "common/store/store.h"

enum { SAT_RANGE_PARTS = 16, SAT_RANGE_CONTENTS_MAX = 32 };

struct sat_range {
    struct sat_record_id first, last; /* both included */
    uint8_t digest[8];
};
extern const struct sat_range SAT_RANGE_ALL; /* its digest is zeros */

struct sat_live_change {
    struct sat_record_id record;
    struct sat_dot dot;
    struct sat_hash rest;
};

/* The digest and the number of live changes in first..last of a space; sets range->digest. `sum`, if not NULL, gets the
 * state behind it (digest and live). */
enum sat_err sat_range_sum(struct sat_store *store, const struct sat_space_row *space, struct sat_range *range,
                           uint64_t *live, struct sat_space_row *sum) SAT_MUST_CHECK;
/* Cuts first..last into at most SAT_RANGE_PARTS parts with about as many live changes each, and sums them. `live`: how
 * many there are. */
enum sat_err sat_range_split(struct sat_store *store, const struct sat_space_row *space, const struct sat_range *range,
                             uint64_t live, struct sat_range parts[SAT_RANGE_PARTS], uint32_t *n) SAT_MUST_CHECK;
/* The live changes in it, at most `max`; SAT_ERR_TOO_LARGE if there are more. */
enum sat_err sat_range_contents(struct sat_store *store, const struct sat_space_row *space,
                                const struct sat_range *range, uint32_t max, struct sat_live_change *out,
                                uint32_t *n) SAT_MUST_CHECK;

/* Ranges of one message come one behind the other: no change is walked over twice for it. */
static inline bool sat_range_follows(const struct sat_range *range, const struct sat_range *before)
{
    return memcmp(before->last.b, range->first.b, sizeof range->first.b) < 0;
}

void sat_range_encode(const struct sat_range *range, struct sat_buf *out);
/* SAT_ERR_MALFORMED also when it ends before it begins. */
enum sat_err sat_range_decode(struct sat_span bytes, struct sat_range *out) SAT_MUST_CHECK;

struct sat_difference { /* an item of DIFFERENCES */
    bool is_part;
    struct sat_range range; /* of contents without a digest */
    struct sat_live_change *changes;
    uint32_t n;
};
void sat_difference_encode(const struct sat_difference *difference, struct sat_buf *out);
enum sat_err sat_difference_decode(struct sat_span bytes, struct sat_arena *arena,
                                   struct sat_difference *out) SAT_MUST_CHECK;

#endif
