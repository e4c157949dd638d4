#include "client/backoff.h"

/* Does waiting help? */
static bool passes(enum sat_err err, uint64_t retry_ms)
{
    if (sat_err_is_local(err)) return false;
    switch (sat_err_class(err)) {
    case SAT_CLASS_RETRY:
        return true;
    case SAT_CLASS_USER:
        return retry_ms > 0; /* a limit that is reached, for one: who names a time expects it to help */
    case SAT_CLASS_PEER:
    case SAT_CLASS_FATAL:
        return false;
    }
    return false;
}

bool client_backoff_next(struct client_backoff *backoff, enum sat_err err, uint64_t retry_ms, uint32_t random,
                         uint32_t *wait_ms)
{
    if (err == SAT_OK || !passes(err, retry_ms)) return false;
    uint32_t half = CLIENT_WAIT_MS_MIN;
    for (uint32_t i = 0; i < backoff->failures && half < CLIENT_WAIT_MS_MAX / 2; i++) half *= 2;
    if (half > CLIENT_WAIT_MS_MAX / 2) half = CLIENT_WAIT_MS_MAX / 2;
    if (retry_ms > CLIENT_ASKED_MS_MAX) retry_ms = CLIENT_ASKED_MS_MAX;
    uint32_t least = retry_ms > half ? (uint32_t)retry_ms : half;
    *wait_ms = least + (uint32_t)((uint64_t)random * half >> 32);
    if (backoff->failures < UINT32_MAX) backoff->failures++;
    return true;
}
