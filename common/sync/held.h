/* What a device has handed in, as it asks whether the server still has that: an item of HELD_GET, and of HELD.
 *
 *   held   u64 first ‖ id32 */
#ifndef SAT_SYNC_HELD_H
#define SAT_SYNC_HELD_H

#include "common/base/bytes.h"
#include "common/base/id.h"

/* In meta: the server's time until which it is not asked, as it did not know the question (docs/decisions/0286). */
#define SAT_UNHELD_KEY "unheld"

struct sat_held {
    uint64_t first; /* counter of the bundle's first change */
    struct sat_hash id;
};

void sat_held_encode(const struct sat_held *held, struct sat_buf *out);
/* SAT_ERR_MALFORMED */
enum sat_err sat_held_decode(struct sat_span bytes, struct sat_held *out) SAT_MUST_CHECK;

#endif
