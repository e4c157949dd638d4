#include "client/view/figures.h"

bool client_line_amount(int64_t qty, int64_t unit_price, int64_t discount_bp, int64_t *out)
{
    __int128 full = (__int128)qty * unit_price; /* below 2^126 */
    __int128 rest = (__int128)10000 - discount_bp;
    __int128 product;
    if (__builtin_mul_overflow(full, rest, &product) || __builtin_add_overflow(product, 5000, &product)) return false;
    __int128 amount = product / 10000;
    if (product % 10000 < 0) amount--; /* C divides towards zero; a half goes up, for negative amounts too */
    *out = (int64_t)amount;
    return amount >= INT64_MIN && amount <= INT64_MAX;
}

void client_total_add(struct client_total *total, int64_t amount)
{
    uint64_t before = total->low;
    total->low += (uint64_t)amount;
    total->high += (amount < 0 ? -1 : 0) + (total->low < before ? 1 : 0);
}

void client_total_lose(struct client_total *total)
{
    total->absent = true;
}

bool client_total_get(const struct client_total *total, int64_t *out)
{
    *out = (int64_t)total->low;
    return !total->absent && total->high == (*out < 0 ? -1 : 0);
}
