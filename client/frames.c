#include "client/frames.h"

#include "common/base/limits.h"

static const char BYTES[] = "frame_bytes", SINCE[] = "frame_since_ms";
static const uint64_t KEPT_MS = UINT64_C(24) * 3600 * 1000;
enum { FIRST_BYTES = SAT_FRAGMENT_BYTES / 2, SMALLER = 4 };

uint32_t client_frames_bytes(const struct satchel *satchel)
{
    uint64_t bytes = 0, since_ms = 0, now_ms = client_now_ms();
    if (sat_store_meta_get_u64(satchel->store, BYTES, 0, &bytes) ||
        sat_store_meta_get_u64(satchel->store, SINCE, 0, &since_ms))
        return 0;
    if (now_ms < since_ms || now_ms - since_ms >= KEPT_MS || bytes > FIRST_BYTES) return 0;
    return bytes && bytes < SAT_FRAME_BYTES_MIN ? SAT_FRAME_BYTES_MIN : (uint32_t)bytes;
}

bool client_frames_shrink(struct satchel *satchel)
{
    struct sat_store *store = satchel->store;
    uint32_t now = client_frames_bytes(satchel), next = now ? now / SMALLER : FIRST_BYTES;
    if (next < SAT_FRAME_BYTES_MIN) next = SAT_FRAME_BYTES_MIN;
    if (next == now || sat_store_begin(store)) return false;
    enum sat_err err = sat_store_meta_put_u64(store, BYTES, next);
    if (!err) err = sat_store_meta_put_u64(store, SINCE, client_now_ms());
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return !err;
}
