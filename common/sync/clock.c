#include "common/sync/clock.h"

uint64_t sat_clock_effective(uint64_t hlc, uint64_t recv_ms)
{
    if (recv_ms == 0) return hlc;
    uint64_t received = recv_ms << 16;
    return hlc < received ? hlc : received;
}

enum sat_err sat_clock_tick(struct sat_store *store, uint64_t now_ms, uint64_t *out)
{
    uint64_t last;
    enum sat_err err = sat_store_meta_get_u64(store, "hlc", 0, &last);
    if (err) return err;
    uint64_t wall = (now_ms < SAT_TIME_MS_MAX ? now_ms : SAT_TIME_MS_MAX - 1) << 16;
    *out = wall > last ? wall : last + 1;
    return sat_store_meta_put_u64(store, "hlc", *out);
}

enum sat_err sat_clock_receive(struct sat_store *store, uint64_t effective)
{
    uint64_t last;
    enum sat_err err = sat_store_meta_get_u64(store, "hlc", 0, &last);
    if (err || effective <= last) return err;
    /* Far beyond every honest clock: who followed could soon not tick any more. */
    if (effective >> 16 > SAT_TIME_MS_MAX / 2) return SAT_OK;
    return sat_store_meta_put_u64(store, "hlc", effective);
}

enum sat_err sat_clock_settle(struct sat_store *store, uint64_t received_ms)
{
    uint64_t last;
    enum sat_err err = sat_store_meta_get_u64(store, "hlc", 0, &last);
    if (err || received_ms == 0 || received_ms > SAT_TIME_MS_MAX) return err;
    if (sat_clock_ahead_ms(last, received_ms) == 0) return SAT_OK;
    return sat_store_meta_put_u64(store, "hlc", received_ms << 16);
}

uint64_t sat_clock_ahead_ms(uint64_t hlc, uint64_t recv_ms)
{
    uint64_t at_ms = hlc >> 16;
    return recv_ms && at_ms > recv_ms && at_ms - recv_ms > SAT_CLOCK_SKEW_MS ? at_ms - recv_ms : 0;
}
