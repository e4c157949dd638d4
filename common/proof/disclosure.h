/* Records that say that plaintext left a device: in the people space, under ids that only the device itself may write
 * beside who writes everything there, as an auditor has to record what he takes along, too.
 *
 *   id       first 12 bytes of H("disclosure-id", org32 ‖ u32 device), marked as a UUID of version 8, ‖ u32 number
 *   number   below SAT_DISCLOSURES_MAX, so that this right is worth no more than so many records */
#ifndef SAT_PROOF_DISCLOSURE_H
#define SAT_PROOF_DISCLOSURE_H

#include "common/base/id.h"

enum { SAT_DISCLOSURE_PREFIX = 12 };

/* number < SAT_DISCLOSURES_MAX */
struct sat_record_id sat_disclosure_record(const struct sat_hash *org, uint32_t device, uint32_t number);
/* Is it one of this device's? */
bool sat_disclosure_is_of(const struct sat_hash *org, uint32_t device, const struct sat_record_id *record);

#endif
