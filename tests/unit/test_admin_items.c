/* Items of ESCROW and DEVICES: what they hold, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "common/store/store.h"
#include "common/sync/admin_items.h"

#define OK(call) assert_int_equal((call), SAT_OK)

static uint8_t bundle[SAT_BUNDLE_BYTES_MAX + 1];

static struct sat_escrow_item escrow_item(size_t len)
{
    memset(bundle, 0xb0, sizeof bundle);
    return (struct sat_escrow_item){.number = 0x0102030405060708,
                                    .state = SAT_ASIDE_REJECTED,
                                    .space = {{0x5a, [15] = 7}},
                                    .recv_ms = 0x060504030201,
                                    .reason = SAT_ERR_ESCROWED,
                                    .bundle = sat_span(bundle, len)};
}

static const struct sat_device_item device_item = {
    .device = 0xfffefdfc, .seen_ms = 1767225600000, .lag = SAT_COUNTER_MAX, .version = 1, .wiped_ms = SAT_TIME_MS_MAX};

static void an_escrow_item_is_what_its_layout_says(void **state)
{
    (void)state;
    static const uint8_t expected[] = {8, 7, 6, 5,    4,   3, 2, 1, 2, 0x5a, 0, 0, 0, 0, 0, 0, 0,
                                       0, 0, 0, 0,    0,   0, 0, 7, 1, 2,    3, 4, 5, 6, 0, 0, SAT_ERR_ESCROWED,
                                       0, 0, 0, 0xb0, 0xb0};
    struct sat_escrow_item item = escrow_item(2), got;
    struct sat_buf out;
    sat_buf_init(&out);
    sat_escrow_item_encode(&item, &out);
    assert_int_equal(out.len, SAT_ESCROW_ITEM_FIXED_BYTES + 2);
    assert_int_equal(out.len, sizeof expected);
    assert_memory_equal(out.at, expected, sizeof expected);
    OK(sat_escrow_item_decode(sat_buf_span(&out), &got));
    assert_true(got.number == item.number && got.state == item.state && sat_space_equal(&got.space, &item.space));
    assert_true(got.recv_ms == item.recv_ms && got.reason == item.reason && sat_span_equal(got.bundle, item.bundle));
    sat_buf_deinit(&out);
}

static void a_device_item_is_what_its_layout_says(void **state)
{
    (void)state;
    struct sat_device_item got;
    struct sat_buf out;
    sat_buf_init(&out);
    sat_device_item_encode(&device_item, &out);
    assert_int_equal(out.len, 32);
    assert_memory_equal(out.at, "\xfc\xfd\xfe\xff\x00\xa8\xda\x76\x9b\x01\x00\x00", 12);
    OK(sat_device_item_decode(sat_buf_span(&out), &got));
    assert_true(got.device == device_item.device && got.seen_ms == device_item.seen_ms && got.lag == device_item.lag);
    assert_true(got.version == device_item.version && got.wiped_ms == device_item.wiped_ms);
    sat_buf_deinit(&out);
}

static enum sat_err again_escrow(struct sat_escrow_item item)
{
    struct sat_buf out;
    struct sat_escrow_item got;
    sat_buf_init(&out);
    sat_escrow_item_encode(&item, &out);
    enum sat_err err = sat_escrow_item_decode(sat_buf_span(&out), &got);
    sat_buf_deinit(&out);
    return err;
}

static enum sat_err again_device(struct sat_device_item item)
{
    struct sat_buf out;
    struct sat_device_item got;
    sat_buf_init(&out);
    sat_device_item_encode(&item, &out);
    enum sat_err err = sat_device_item_decode(sat_buf_span(&out), &got);
    sat_buf_deinit(&out);
    return err;
}

#define REFUSED(which, item_, change)                                                                                  \
    {                                                                                                                  \
        struct sat_##which##_item item = item_;                                                                        \
        change;                                                                                                        \
        assert_int_equal(again_##which(item), SAT_ERR_MALFORMED);                                                      \
    }

static void values_that_cannot_be_are_refused(void **state)
{
    (void)state;
    OK(again_escrow(escrow_item(SAT_BUNDLE_BYTES_MAX)));
    REFUSED(escrow, escrow_item(5), item.number = 0)
    REFUSED(escrow, escrow_item(5), item.number = SAT_COUNTER_MAX + 1)
    REFUSED(escrow, escrow_item(5), item.state = 3)
    REFUSED(escrow, escrow_item(5), item.recv_ms = SAT_TIME_MS_MAX + 1)
    REFUSED(escrow, escrow_item(5), item.reason = 0)
    REFUSED(escrow, escrow_item(0), )
    REFUSED(escrow, escrow_item(SAT_BUNDLE_BYTES_MAX + 1), )
    OK(again_device(device_item));
    OK(again_device((struct sat_device_item){.device = 1})); /* never seen */
    REFUSED(device, device_item, item.device = 0)
    REFUSED(device, device_item, item.seen_ms = SAT_TIME_MS_MAX + 1)
    REFUSED(device, device_item, item.lag = SAT_COUNTER_MAX + 1)
    REFUSED(device, device_item, item.wiped_ms = SAT_TIME_MS_MAX + 1)
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_escrow_item escrow = escrow_item(1);
    struct sat_device_item device;
    struct sat_buf out;
    sat_buf_init(&out);
    sat_escrow_item_encode(&escrow, &out);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(sat_escrow_item_decode(sat_span(out.at, len), &escrow), SAT_ERR_MALFORMED);
    sat_buf_clear(&out);
    sat_device_item_encode(&device_item, &out);
    for (size_t len = 0; len < out.len; len++)
        assert_int_equal(sat_device_item_decode(sat_span(out.at, len), &device), SAT_ERR_MALFORMED);
    sat_put_u8(&out, 0);
    assert_int_equal(sat_device_item_decode(sat_buf_span(&out), &device), SAT_ERR_MALFORMED);
    sat_buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_escrow_item_is_what_its_layout_says),
        cmocka_unit_test(a_device_item_is_what_its_layout_says),
        cmocka_unit_test(values_that_cannot_be_are_refused),
        cmocka_unit_test(every_truncation_is_malformed),
    };
    return cmocka_run_group_tests_name("admin_items", tests, NULL, NULL);
}
