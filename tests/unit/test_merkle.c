#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/proof/hash.h"
#include "common/proof/merkle.h"

enum { SIZE_MAX_TRIED = 70 };

static struct sat_hash leaf_number(uint8_t i)
{
    return sat_hash("leaf", sat_span(&i, 1));
}

static void make_leaves(struct sat_hash leaves[SIZE_MAX_TRIED])
{
    for (uint8_t i = 0; i < SIZE_MAX_TRIED; i++) leaves[i] = leaf_number(i);
}

/* RFC 6962, 2.1, as it stands there: split at the largest power of two smaller than n. */
static struct sat_hash root_by_definition(const struct sat_hash *leaves, size_t n)
{
    if (n == 0) return (struct sat_hash){0};
    if (n == 1) return leaves[0];
    size_t k = 1;
    while (2 * k < n) k *= 2;
    struct sat_hash halves[2] = {root_by_definition(leaves, k), root_by_definition(leaves + k, n - k)};
    return sat_hash("node", SAT_SPAN(halves));
}

static void the_root_is_that_of_rfc_6962(void **state)
{
    (void)state;
    struct sat_hash leaves[SIZE_MAX_TRIED];
    struct sat_frontier frontier;
    make_leaves(leaves);
    sat_frontier_init(&frontier);
    for (size_t n = 0; n <= SIZE_MAX_TRIED; n++) {
        struct sat_hash expected = root_by_definition(leaves, n);
        struct sat_hash of_list = sat_merkle_root(leaves, n), of_frontier = sat_frontier_root(&frontier);
        assert_true(frontier.size == n);
        assert_memory_equal(of_list.b, expected.b, sizeof expected.b);
        assert_memory_equal(of_frontier.b, expected.b, sizeof expected.b);
        if (n < SIZE_MAX_TRIED) sat_frontier_append(&frontier, &leaves[n]);
    }
}

static void no_leaves_give_zeros_and_one_leaf_gives_itself(void **state)
{
    (void)state;
    struct sat_hash leaf = leaf_number(3);
    struct sat_hash none = sat_merkle_root(NULL, 0), one = sat_merkle_root(&leaf, 1);
    assert_true(sat_hash_is_zero(&none));
    assert_true(sat_hash_equal(&one, &leaf));
}

static void the_order_and_every_leaf_matter(void **state)
{
    (void)state;
    struct sat_hash leaves[SIZE_MAX_TRIED];
    make_leaves(leaves);
    for (size_t n = 2; n <= 9; n++) {
        struct sat_hash root = sat_merkle_root(leaves, n);
        for (size_t i = 0; i + 1 < n; i++) {
            struct sat_hash kept = leaves[i], other;
            leaves[i] = leaves[i + 1];
            leaves[i + 1] = kept;
            other = sat_merkle_root(leaves, n);
            assert_false(sat_hash_equal(&root, &other));
            leaves[i + 1] = leaves[i];
            leaves[i] = kept;
        }
        leaves[n - 1].b[31] ^= 1;
        struct sat_hash other = sat_merkle_root(leaves, n);
        assert_false(sat_hash_equal(&root, &other));
        leaves[n - 1].b[31] ^= 1;
    }
}

static enum sat_err decode_copy(const uint8_t *at, size_t len, struct sat_frontier *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) memcpy(copy, at, len);
    enum sat_err err = sat_frontier_decode(sat_span(copy, len), out);
    free(copy);
    return err;
}

static void a_frontier_goes_on_after_a_round_trip(void **state)
{
    (void)state;
    struct sat_hash leaves[SIZE_MAX_TRIED];
    struct sat_frontier frontier, back;
    struct sat_buf buf, again;
    make_leaves(leaves);
    sat_frontier_init(&frontier);
    sat_buf_init(&buf);
    sat_buf_init(&again);
    for (size_t n = 0; n < SIZE_MAX_TRIED; n++) {
        sat_buf_clear(&buf);
        sat_buf_clear(&again);
        sat_frontier_encode(&frontier, &buf);
        assert_int_equal(buf.len, 8 + 32 * (size_t)__builtin_popcountll(n));
        assert_int_equal(decode_copy(buf.at, buf.len, &back), SAT_OK);
        sat_frontier_encode(&back, &again);
        assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
        frontier = back;
        sat_frontier_append(&frontier, &leaves[n]);
    }
    struct sat_hash root = sat_frontier_root(&frontier), expected = root_by_definition(leaves, SIZE_MAX_TRIED);
    assert_true(sat_hash_equal(&root, &expected));
    sat_buf_deinit(&again);
    sat_buf_deinit(&buf);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_frontier frontier, back;
    struct sat_buf buf;
    sat_frontier_init(&frontier);
    sat_buf_init(&buf);
    for (uint8_t i = 0; i < 13; i++) {
        struct sat_hash leaf = leaf_number(i);
        sat_frontier_append(&frontier, &leaf);
    }
    sat_frontier_encode(&frontier, &buf);
    for (size_t len = 0; len < buf.len; len++) assert_int_equal(decode_copy(buf.at, len, &back), SAT_ERR_MALFORMED);
    sat_put_u8(&buf, 0);
    assert_int_equal(decode_copy(buf.at, buf.len, &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&buf);
}

static void a_size_beyond_the_limit_is_malformed(void **state)
{
    (void)state;
    struct sat_frontier back;
    struct sat_buf buf;
    static const struct sat_hash peak = {{1}};
    sat_buf_init(&buf);
    sat_put_u64(&buf, SAT_COUNTER_MAX);
    sat_put_bytes(&buf, peak.b, sizeof peak.b);
    assert_int_equal(decode_copy(buf.at, buf.len, &back), SAT_OK);
    assert_true(sat_hash_equal(&back.peak[62], &peak));
    buf.at[7] = 0x80; /* size 2^63 */
    assert_int_equal(decode_copy(buf.at, buf.len, &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_root_is_that_of_rfc_6962),
        cmocka_unit_test(no_leaves_give_zeros_and_one_leaf_gives_itself),
        cmocka_unit_test(the_order_and_every_leaf_matter),
        cmocka_unit_test(a_frontier_goes_on_after_a_round_trip),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(a_size_beyond_the_limit_is_malformed),
    };
    return cmocka_run_group_tests_name("merkle", tests, NULL, NULL);
}
