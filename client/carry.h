/* What follows from moves, looked for in what has come since it was looked for last: late work is carried after the
 * record that it is of, what hangs on a record that has gone goes along, what has gone out of this device's reach is
 * forgotten here (MERGE 20, docs/protocol.md "Moving"). */
#ifndef CLIENT_CARRY_H
#define CLIENT_CARRY_H

#include "client/handle.h"
#include "client/json.h"
#include "common/vault/author.h"

/* Looks, and writes what is due, in a transaction of its own. *written: the drafts made. While a transaction of the
 * application's is open it does nothing: the next one looks. */
enum sat_err client_carry(struct satchel *satchel, uint64_t now_ms, uint32_t *written) SAT_MUST_CHECK;
/* Takes the records in or out of the list of conflicts, in the caller's transaction. */
enum sat_err client_carry_look(struct satchel *satchel, const struct sat_move *moves, uint32_t n) SAT_MUST_CHECK;
/* {"records","edits","by_type"}: work of this device's user that came when what it belongs to had moved already, and
 * has gone on to the territory where that is now. */
enum sat_err client_carry_told(struct satchel *satchel, json_t **out) SAT_MUST_CHECK;

#endif
