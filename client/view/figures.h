/* Derived figures: exact, or absent. */
#ifndef CLIENT_VIEW_FIGURES_H
#define CLIENT_VIEW_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

/* qty × unit_price × (10,000 − discount_bp) / 10,000 in minor units, halves rounded up. False where it does not
 * fit 64 bits. */
bool client_line_amount(int64_t qty, int64_t unit_price, int64_t discount_bp, int64_t *out);

#endif
