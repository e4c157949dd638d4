/* The set digest of a space (CRYPTO, "Set digest"): LtHash16 over the live changes, so that two replicas can compare
 * what they hold in 32 bytes, whatever the order in which it came.
 *
 *   element  H("live", record16 ‖ u32 device ‖ u64 counter ‖ leaf32), expanded by ChaCha20 to 1,024 u16,
 *            summed mod 2^16 per lane
 *
 *   digest   H("digest", space16 ‖ u64 live count ‖ state)
 */
#ifndef SAT_SYNC_DIGEST_H
#define SAT_SYNC_DIGEST_H

#include "common/store/store.h"

/* Adds or removes one live change in the row's digest and count. `rest` is the change's. */
void sat_digest_add(struct sat_space_row *space, const struct sat_record_id *record, struct sat_dot dot,
                    const struct sat_hash *rest);
void sat_digest_remove(struct sat_space_row *space, const struct sat_record_id *record, struct sat_dot dot,
                       const struct sat_hash *rest);
struct sat_hash sat_digest_of(const struct sat_space_row *space);

#endif
