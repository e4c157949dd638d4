/* What reports compute with beside SQLite's own: exact, or absent. */
#ifndef CLIENT_VIEW_ARITHMETIC_H
#define CLIENT_VIEW_ARITHMETIC_H

#include "client/view/view.h"

/* Until client_view_forget() the view knows
 *   basis_points(part, whole)     10,000 × part / whole, halves rounded up; null where there is no whole, or one of the
 *                                 two is, or it does not fit 64 bits
 *   exact_sum(amount)             an aggregate: the sum of those that are integers, 0 of none; null where it does not
 *                                 fit 64 bits, or one of them did not and became a floating point number */
enum sat_err client_view_teach(struct client_view *view, struct sat_fault *fault) SAT_MUST_CHECK;
void client_view_forget(struct client_view *view);

#endif
