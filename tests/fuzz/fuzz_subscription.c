/* What a client says of a space when it subscribes. */
#include "common/sync/subscription.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_subscription subscription;
    struct sat_buf again;
    if (sat_subscription_decode(sat_span(data, size), &subscription)) return 0;
    sat_buf_init(&again);
    sat_subscription_encode(&subscription, &again);
    sat_check(sat_span_equal(sat_span(data, size), sat_buf_span(&again)));
    sat_buf_deinit(&again);
    return 0;
}
