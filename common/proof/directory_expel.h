/* Expulsion: a device that was silent for longer than the policy says is waited for no more (MERGE 16). The link takes
 * nothing from the device but that: it is no revocation. So an admin's device, or one of a manager of the device's
 * user, signs it by itself, with its own key, and nobody is asked for a passphrase; what can be proved wrong of it is
 * refused: that a device was silent for so long which joined since, or signed a link. The same link by the device
 * itself says that it is back. That has to be said here and not by a signed cursor: what a server has of cursors nobody
 * can prove, and whether a device was to be waited for when something was forgotten, everybody must see alike. Private
 * to directory*.c. */
#ifndef SAT_PROOF_DIRECTORY_EXPEL_H
#define SAT_PROOF_DIRECTORY_EXPEL_H

#include "common/proof/directory_authority.h"

enum sat_err sat_judge_expel(const struct sat_court *court, const struct sat_body_expel *body) SAT_MUST_CHECK;
void sat_change_expelled(struct sat_directory *directory, const struct sat_expulsion *expulsion, uint32_t device);

#endif
