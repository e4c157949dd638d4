/* What reports compute with beside SQLite's own: exact, or absent; and the states that follow from steps. */
#ifndef CLIENT_VIEW_ARITHMETIC_H
#define CLIENT_VIEW_ARITHMETIC_H

#include "client/view/view.h"

/* Until client_view_forget() the view knows
 *   basis_points(part, whole)     10,000 × part / whole, halves rounded up; null where there is no whole, or one of the
 *                                 two is, or it does not fit 64 bits
 *   exact_sum(amount)             an aggregate: the sum of those that are integers, 0 of none; null where it does not
 *                                 fit 64 bits
 *   duties_of(number, roles)      what a person is charged with (vault/machines.h): by role, and by the business roles,
 *                                 a JSON array
 *   state_of(type, id, to, after, duties)  an aggregate over the steps of one record of that type: its state, or
 *                                 those that are disputed, with | between them; null of none */
enum sat_err client_view_teach(struct satchel *satchel, struct client_view *view) SAT_MUST_CHECK;
void client_view_forget(struct client_view *view);

#endif
