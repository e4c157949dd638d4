#include "common/sync/held.h"

#include "common/base/bytes.h"
#include "common/base/limits.h"

void sat_held_encode(const struct sat_held *held, struct sat_buf *out)
{
    sat_put_u64(out, held->first);
    sat_put_bytes(out, held->id.b, sizeof held->id.b);
}

enum sat_err sat_held_decode(struct sat_span bytes, struct sat_held *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->first = sat_take_u64(&in);
    sat_take_bytes(&in, out->id.b, sizeof out->id.b);
    if (out->first > SAT_COUNTER_MAX) return SAT_ERR_MALFORMED;
    return sat_reader_end(&in);
}
