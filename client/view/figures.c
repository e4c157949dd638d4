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
