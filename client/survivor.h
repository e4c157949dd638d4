/* Accounts that were merged: which one stays. That an account was merged into another is a field of it
 * (`merged_into`), which leads from one to the next as far as the next is here and not archived. Ways that lead in a
 * ring, as two were merged into each other side by side, end in the lowest id of the ring. The view's `survivor` is the
 * same rule for all of them (view/follows.c). */
#ifndef CLIENT_SURVIVOR_H
#define CLIENT_SURVIVOR_H

#include "client/tx.h"

/* *out: the account under which all that belongs to this one is shown; itself, where it was not merged or is no
 * account. */
enum sat_err client_survivor(struct satchel *satchel, const struct sat_record_id *account, struct sat_arena *arena,
                             struct sat_record_id *out) SAT_MUST_CHECK;

/* What is put to an account that was merged is put to the one that stays, but for its merging itself. */
enum sat_err client_land_on_survivor(struct satchel_tx *tx, const struct sat_type *type, const char *json,
                                     struct sat_record_id *record) SAT_MUST_CHECK;

#endif
