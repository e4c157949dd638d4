#include "common/vault/origin.h"

#include "common/base/limits.h"
#include "common/proof/hash.h"
#include "common/wire/pack.h"

void sat_origin_encode(const struct sat_origin *origin, struct sat_buf *out)
{
    sat_pack_array(out, 4);
    sat_pack_bin(out, SAT_SPAN(origin->space.b));
    sat_pack_u64(out, origin->dot.device);
    sat_pack_u64(out, origin->dot.counter);
    sat_pack_bin(out, SAT_SPAN(origin->rest.b));
}

enum sat_err sat_origin_decode(struct sat_span bytes, struct sat_origin *out)
{
    struct sat_unpack in;
    *out = (struct sat_origin){0};
    sat_unpack_init(&in, bytes);
    sat_unpack_array_of(&in, 4);
    sat_unpack_bytes(&in, out->space.b, sizeof out->space.b);
    out->dot.device = (uint32_t)sat_unpack_u64(&in, UINT32_MAX);
    out->dot.counter = sat_unpack_u64(&in, SAT_COUNTER_MAX);
    sat_unpack_bytes(&in, out->rest.b, sizeof out->rest.b);
    if (out->dot.device == 0 || out->dot.counter == 0) sat_unpack_fail(&in, SAT_ERR_MALFORMED);
    enum sat_err err = sat_unpack_end(&in);
    if (err) *out = (struct sat_origin){0};
    return err;
}

struct sat_hash sat_origin_hash(const struct sat_record_id *record, const struct sat_header *header,
                                struct sat_body *body)
{
    struct sat_hasher hasher;
    struct sat_buf bytes, plain;
    sat_buf_init(&bytes);
    sat_buf_init(&plain);
    sat_header_encode(header, &bytes);
    bool whole = sat_body_encode(body, &plain) == SAT_OK;
    sat_hash_begin(&hasher, "origin");
    sat_hash_add(&hasher, record->b, sizeof record->b);
    sat_hash_add_counted(&hasher, sat_buf_span(&bytes));
    sat_hash_add_counted(&hasher, sat_buf_span(&plain));
    struct sat_hash hash = sat_hash_end(&hasher);
    sat_buf_deinit(&bytes);
    sat_buf_wipe(&plain);
    return whole ? hash : (struct sat_hash){{0}};
}

bool sat_origin_equal(const struct sat_origin *a, const struct sat_origin *b)
{
    return sat_dot_compare(a->dot, b->dot) == 0 && sat_space_equal(&a->space, &b->space);
}

bool sat_origin_same(const struct sat_origin *a, const struct sat_origin *b)
{
    return sat_origin_equal(a, b) && !sat_hash_is_zero(&a->rest) && sat_hash_equal(&a->rest, &b->rest);
}
