/* Debts: the spaces that owe a new epoch, because somebody who has the current key may not read them any more. No link
 * lists them; they follow from the links, here, so that nobody can leave one out. Each of these is called before the
 * link changes anything, as it needs what was. Private to directory*.c. */
#ifndef SAT_PROOF_DIRECTORY_DEBTS_H
#define SAT_PROOF_DIRECTORY_DEBTS_H

#include "common/proof/directory_index.h"

/* A new invite, which will expire. */
void sat_debts_watch(struct sat_directory *directory, uint32_t invite);
/* Time has come to `now_ms`: what expired unused until then. */
void sat_debts_lapse(struct sat_directory *directory, uint64_t now_ms);
/* At position `seq`: an open invite is cancelled; a device is revoked; a user gets another role or state, or other
 * rights in a space (by place); the kit is known to somebody, who may no longer be its owner. */
void sat_debts_cancel(struct sat_directory *directory, uint32_t invite, uint64_t seq);
void sat_debts_revoke(struct sat_directory *directory, const struct sat_device *device, uint64_t seq);
void sat_debts_standing(struct sat_directory *directory, uint32_t user, uint8_t role, uint8_t state, uint64_t seq);
void sat_debts_grant(struct sat_directory *directory, uint32_t user, uint32_t space, uint8_t rights, uint64_t seq);
void sat_debts_all(struct sat_directory *directory, uint64_t seq);

#endif
