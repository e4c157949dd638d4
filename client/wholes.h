/* Rules over several records, which only a whole transaction keeps or breaks: a territory is no part of itself, and
 * the parts of a target sum to it. What comes from others and breaks them is kept, and listed (view/follows.c). */
#ifndef CLIENT_WHOLES_H
#define CLIENT_WHOLES_H

#include "client/tx.h"

/* Before the commit, behind client_tx_settle(). SAT_ERR_INVALID names the rule and the record, and *culprit is the edit
 * that it is about, counted from 1. */
enum sat_err client_tx_check_wholes(struct satchel_tx *tx, uint32_t *culprit) SAT_MUST_CHECK;

#endif
