/* Derived states: the column of a state machine shows what follows from the steps that are here (vault/machines.h), and
 * a column beside it, `<field>_disputed`, the states that stand side by side, with | between; null: it is not disputed.
 *
 * `state_event.standing` says what becomes of each step:
 *   counts      it is one of those that the state follows from
 *   overtaken   it was, and what came about beside it stands
 *   waits       for a step that it stands on and that is not here
 *   illegal     there is no such move, or it stands on one that is illegal
 *   asks        it is somebody else's move: a proposal
 *   elsewhere   it is in another territory than its record
 *   null        its record is not here, or somebody who settles took it back
 *
 * What is counted by steps counts those of the first two.
 *
 * A record's row comes with the state that its own cells say; those of which there are steps get theirs when all rows
 * are there. */
#ifndef CLIENT_VIEW_STATES_H
#define CLIENT_VIEW_STATES_H

#include "client/view/fill.h"
#include "common/vault/machines.h"

/* The name of the second column of a type that has a machine. */
#define CLIENT_DISPUTED "_disputed"

/* The functions that derive; for no asker (client_view_register()). */
enum sat_err client_states_register(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* The tables, for the view alone:
 *   satchel_step   (n, about, id, state, after, author, role, back, back_role, passing) each state_event, archived or
 *                  not: `after` the ids in a row, `author` the record of who took the step, `role` in which he did,
 *                  `back` and `back_role` of who archived it, `passing` whether these may be others when the directory
 *                  is. It is a step of a record in its own territory alone
 *   satchel_asked  (n, author, passing) of a record that somebody asks for (ASKED in machines.def) who that is */
enum sat_err client_states_make(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
/* … and behind the types' tables the column state_event.standing. */
enum sat_err client_states_add(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err client_states_index(sqlite3 *db, struct sat_fault *fault) SAT_MUST_CHECK;

/* What a step came to, as the column has it. */
const char *client_step_told(const struct sat_state *state, const struct sat_step_taken *step,
                             enum sat_step_standing standing);

/* What a record's own cells say, to the parameters of its row: the state's at `state`, what is disputed at `disputed`.
 * *began: what its steps begin with, for satchel_here. */
void client_states_bind(sqlite3_stmt *statement, int state, int disputed, const struct sat_type *type,
                        const struct sat_merged_record *merged, int64_t *began);

/* A state_event, or a user, has come to its table (`view`), or is about to leave it (NULL). Notes whose state may be
 * another one by it in temp.satchel_abouts, unless all are derived. */
enum sat_err client_states_tell(struct client_filling *filling, const struct sat_type *type, int64_t n,
                                const struct sat_record_view *view) SAT_MUST_CHECK;

/* The states of all records that have steps, or, `noted`, of those that were looked at again. */
enum sat_err client_states_derive(sqlite3 *db, bool noted, struct sat_fault *fault) SAT_MUST_CHECK;

#endif
