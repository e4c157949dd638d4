/* Expulsion: a device that was silent for longer than the policy says is waited for no more (MERGE 16). The link takes
 * nothing from the device but that: it is no revocation. So an admin's device signs it by itself, with its own key, and
 * nobody is asked for a passphrase; what can be proved wrong of it is refused: that a device was silent for so long
 * which joined since, or signed a link. Private to directory*.c. */
#ifndef SAT_PROOF_DIRECTORY_EXPEL_H
#define SAT_PROOF_DIRECTORY_EXPEL_H

#include "common/proof/directory_authority.h"

enum sat_err sat_judge_expel(const struct sat_court *court, const struct sat_body_expel *body) SAT_MUST_CHECK;
void sat_change_expelled(struct sat_directory *directory, uint32_t device, uint64_t seq, uint64_t time_ms);

#endif
