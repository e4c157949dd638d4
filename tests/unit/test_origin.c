/* Where a copy comes from. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "common/base/limits.h"
#include "common/vault/origin.h"
#include "common/wire/pack.h"

static struct sat_origin sample(void)
{
    struct sat_origin origin = {.dot = {7, 300}};
    memset(origin.space.b, 0x11, sizeof origin.space.b);
    memset(origin.rest.b, 0x22, sizeof origin.rest.b);
    return origin;
}

static void an_origin_comes_back_as_it_was(void **state)
{
    (void)state;
    struct sat_origin origins[] = {sample(), sample(), sample()}, back;
    origins[1].dot = (struct sat_dot){UINT32_MAX, SAT_COUNTER_MAX};
    origins[2].dot = (struct sat_dot){1, 1};
    memset(origins[2].rest.b, 0, sizeof origins[2].rest.b);
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        struct sat_buf buf = {0};
        sat_origin_encode(&origins[i], &buf);
        assert_int_equal(sat_origin_decode(sat_buf_span(&buf), &back), SAT_OK);
        assert_true(sat_origin_equal(&origins[i], &back) && sat_hash_equal(&origins[i].rest, &back.rest));
        sat_buf_deinit(&buf);
    }
}

/* The example of docs/protocol.md. */
static void an_origin_has_these_bytes(void **state)
{
    (void)state;
    static const char wanted[] = "94c4101111111111111111111111111111111107cd012cc420"
                                 "2222222222222222222222222222222222222222222222222222222222222222";
    char hex[2 * 64 + 1];
    struct sat_origin origin = sample();
    struct sat_buf buf = {0};
    sat_origin_encode(&origin, &buf);
    assert_true(buf.len <= 64);
    sat_hex_format(buf.at, buf.len, hex);
    assert_string_equal(hex, wanted);
    sat_buf_deinit(&buf);
}

static void every_truncation_and_every_addition_is_malformed(void **state)
{
    (void)state;
    struct sat_origin origin = sample(), back;
    struct sat_buf buf = {0};
    sat_origin_encode(&origin, &buf);
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_equal(sat_origin_decode(sat_span(buf.at, len), &back), SAT_ERR_MALFORMED);
        assert_int_equal(back.dot.device, 0);
    }
    sat_put_u8(&buf, 0xc0);
    assert_int_equal(sat_origin_decode(sat_buf_span(&buf), &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&buf);
}

static enum sat_err decode_of(uint32_t items, uint64_t device, uint64_t counter, size_t space_bytes)
{
    uint8_t bytes[64] = {0};
    struct sat_buf buf = {0};
    struct sat_origin back;
    sat_pack_array(&buf, items);
    sat_pack_bin(&buf, sat_span(bytes, space_bytes));
    sat_pack_u64(&buf, device);
    sat_pack_u64(&buf, counter);
    sat_pack_bin(&buf, sat_span(bytes, 32));
    if (items > 4) sat_pack_nil(&buf);
    enum sat_err err = sat_origin_decode(sat_buf_span(&buf), &back);
    sat_buf_deinit(&buf);
    return err;
}

static void what_names_no_change_is_malformed(void **state)
{
    (void)state;
    assert_int_equal(decode_of(4, 1, 1, 16), SAT_OK);
    assert_int_equal(decode_of(5, 1, 1, 16), SAT_ERR_MALFORMED);
    assert_int_equal(decode_of(4, 0, 1, 16), SAT_ERR_MALFORMED);
    assert_int_equal(decode_of(4, 1, 0, 16), SAT_ERR_MALFORMED);
    assert_int_equal(decode_of(4, (uint64_t)UINT32_MAX + 1, 1, 16), SAT_ERR_MALFORMED);
    assert_int_equal(decode_of(4, 1, SAT_COUNTER_MAX + 1, 16), SAT_ERR_MALFORMED);
    assert_int_equal(decode_of(4, 1, 1, 15), SAT_ERR_MALFORMED);
}

static void two_origins_are_one_by_space_and_dot(void **state)
{
    (void)state;
    struct sat_origin a = sample(), b = sample();
    b.rest.b[0] = 1; /* one of them was copied before it was sent */
    assert_true(sat_origin_equal(&a, &b));
    b.dot.counter++;
    assert_false(sat_origin_equal(&a, &b));
    b = sample();
    b.space.b[15]++;
    assert_false(sat_origin_equal(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_origin_comes_back_as_it_was),
        cmocka_unit_test(an_origin_has_these_bytes),
        cmocka_unit_test(every_truncation_and_every_addition_is_malformed),
        cmocka_unit_test(what_names_no_change_is_malformed),
        cmocka_unit_test(two_origins_are_one_by_space_and_dot),
    };
    return cmocka_run_group_tests_name("origin", tests, NULL, NULL);
}
