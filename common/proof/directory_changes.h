/* What links change, in the words that a repudiation uses too. Nothing here can fail: it was judged before. Private to
 * directory*.c. */
#ifndef SAT_PROOF_DIRECTORY_CHANGES_H
#define SAT_PROOF_DIRECTORY_CHANGES_H

#include "common/proof/directory_index.h"

/* A user's role and state, from `seq` on; `restored`: by a repudiation. What is owed by it is booked. */
void sat_change_standing(struct sat_directory *directory, uint64_t seq, uint32_t user, uint8_t role, uint8_t state,
                         bool restored);
/* An event about a grant; grant->space must exist. What is owed by it is not booked. */
void sat_change_grant(struct sat_directory *directory, const struct sat_grant *grant);
/* A device is out, with these cuts, which are copied; the invites that it issued are cancelled. */
void sat_change_out(struct sat_directory *directory, uint32_t device, uint64_t seq, const struct sat_cut *cuts,
                    uint32_t cuts_n, bool restored);
/* It is in again. */
void sat_change_back(struct sat_directory *directory, uint32_t device, uint64_t seq);
/* A policy is set, or, if it was `absent`, is as where nothing is set. */
void sat_change_policy(struct sat_directory *directory, const struct sat_policy_said *said);
/* What is decided about a bundle from there on, behind the decision of place `before` (0: none) about it. Gives the
 * place plus one. */
uint32_t sat_change_decision(struct sat_directory *directory, const struct sat_decision *decision, uint32_t before);

#endif
