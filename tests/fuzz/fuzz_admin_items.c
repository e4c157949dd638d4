/* What admins are shown: a bundle of the escrow or, if the first byte is odd, when a device was last here. */
#include "common/sync/admin_items.h"
#include "tests/fuzz/fuzz.h"

static bool read_again(struct sat_span bytes, bool of_device, struct sat_buf *again)
{
    struct sat_escrow_item escrow;
    struct sat_device_item device;
    if (of_device ? sat_device_item_decode(bytes, &device) : sat_escrow_item_decode(bytes, &escrow)) return false;
    if (of_device)
        sat_device_item_encode(&device, again);
    else
        sat_escrow_item_encode(&escrow, again);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span bytes = sat_span(data, size);
    bool of_device = fuzz_byte(&bytes) & 1;
    struct sat_buf again;
    sat_buf_init(&again);
    if (read_again(bytes, of_device, &again)) sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
    return 0;
}
