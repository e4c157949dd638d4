/* Letting in what was handed in: as it is, or, where the log cannot take it so, written again by who lets it in
 * (handed.h). What a device wrote one behind the other is written again in one piece, and what it stands on is looked
 * for once: whoever handed it in chose how much there is, and what names what. */
#ifndef CLIENT_LET_IN_H
#define CLIENT_LET_IN_H

#include "client/escrow_held.h"

/* Of sorted items, in their order. What is let in before something fails stays. */
enum sat_err client_let_in(struct client_escrow_held *held) SAT_MUST_CHECK;
/* Links with one decision about each, at most CLIENT_LINKS_MAX; SAT_ERR_EXISTS, SAT_ERR_STALE. */
enum sat_err client_decide_some(struct satchel *satchel, const struct client_escrow_item *items, uint32_t n,
                                uint8_t what) SAT_MUST_CHECK;

#endif
