#include "common/sync/admin_items.h"

#include "common/store/store.h"

void sat_escrow_item_encode(const struct sat_escrow_item *item, struct sat_buf *out)
{
    sat_put_u64(out, item->number);
    sat_put_u8(out, item->state);
    sat_put_bytes(out, item->space.b, sizeof item->space.b);
    sat_put_u64(out, item->recv_ms);
    sat_put_u32(out, item->reason);
    sat_put_span(out, item->bundle);
}

enum sat_err sat_escrow_item_decode(struct sat_span bytes, struct sat_escrow_item *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->number = sat_take_u64(&in);
    out->state = sat_take_u8(&in);
    sat_take_bytes(&in, out->space.b, sizeof out->space.b);
    out->recv_ms = sat_take_u64(&in);
    out->reason = sat_take_u32(&in);
    out->bundle = sat_take_span(&in, sat_reader_left(&in));
    if (sat_reader_end(&in)) return SAT_ERR_MALFORMED;
    bool sane = out->number >= 1 && out->number <= SAT_COUNTER_MAX && out->state <= SAT_ASIDE_REJECTED &&
                out->recv_ms <= SAT_TIME_MS_MAX && out->reason != SAT_OK && out->bundle.len >= 1 &&
                out->bundle.len <= SAT_BUNDLE_BYTES_MAX;
    return sane ? SAT_OK : SAT_ERR_MALFORMED;
}

void sat_device_item_encode(const struct sat_device_item *item, struct sat_buf *out)
{
    sat_put_u32(out, item->device);
    sat_put_u64(out, item->seen_ms);
    sat_put_u64(out, item->lag);
    sat_put_u32(out, item->version);
    sat_put_u64(out, item->wiped_ms);
}

enum sat_err sat_device_item_decode(struct sat_span bytes, struct sat_device_item *out)
{
    struct sat_reader in;
    sat_reader_init(&in, bytes);
    out->device = sat_take_u32(&in);
    out->seen_ms = sat_take_u64(&in);
    out->lag = sat_take_u64(&in);
    out->version = sat_take_u32(&in);
    out->wiped_ms = sat_take_u64(&in);
    if (sat_reader_end(&in)) return SAT_ERR_MALFORMED;
    bool sane = out->device >= 1 && out->seen_ms <= SAT_TIME_MS_MAX && out->lag <= SAT_COUNTER_MAX &&
                out->wiped_ms <= SAT_TIME_MS_MAX;
    return sane ? SAT_OK : SAT_ERR_MALFORMED;
}
