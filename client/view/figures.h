/* Derived figures: exact, or absent. */
#ifndef CLIENT_VIEW_FIGURES_H
#define CLIENT_VIEW_FIGURES_H

#include <stdbool.h>
#include <stdint.h>

/* qty × unit_price × (10,000 − discount_bp) / 10,000 in minor units, halves rounded up. False where it does not
 * fit 64 bits. */
bool client_line_amount(int64_t qty, int64_t unit_price, int64_t discount_bp, int64_t *out);

/* A sum over any number of amounts: exact, whatever the order in which they come; absent where one of them is, or
 * where it does not fit 64 bits itself. Begins as zeroes, and asks no more of its memory than eight bytes' alignment,
 * which is what SQLite gives an aggregate. */
struct client_total {
    uint64_t low; /* of 128 bits, two's complement */
    int64_t high;
    bool absent;
};
void client_total_add(struct client_total *total, int64_t amount);
/* An amount that ought to count and does not fit. */
void client_total_lose(struct client_total *total);
bool client_total_get(const struct client_total *total, int64_t *out);

#endif
