#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/proof/collection.h"

static const struct sat_log_epoch LIFE = {{1}};

static struct sat_collection some(struct sat_collected *records, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        records[i] = (struct sat_collected){.record = {{(uint8_t)(i >> 8), (uint8_t)i}}, .deletion = {i + 1, 7 + i}};
    return (struct sat_collection){
        .floor = 300, .root = {{2}}, .digest = {{3}}, .cursors = {{4}}, .records = records, .n = n};
}

/* From a heap copy of exactly that size. */
static enum sat_err decode_copy(const uint8_t *at, size_t len, struct sat_arena *arena, struct sat_collection *out)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len) memcpy(copy, at, len);
    enum sat_err err = sat_collection_decode(sat_span(copy, len), arena, out);
    free(copy);
    return err;
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    static struct sat_collected records[SAT_COLLECTION_RECORDS_MAX];
    static const uint32_t numbers[] = {0, 1, 2, SAT_COLLECTION_RECORDS_MAX};
    for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
        struct sat_collection collection = some(records, numbers[k]), back;
        struct sat_arena arena;
        struct sat_buf bytes;
        sat_arena_init(&arena);
        sat_buf_init(&bytes);
        sat_collection_encode(&collection, &bytes);
        assert_true(bytes.len <= SAT_COLLECTION_BYTES_MAX);
        assert_int_equal(decode_copy(bytes.at, bytes.len, &arena, &back), SAT_OK);
        assert_true(back.floor == 300 && back.n == numbers[k]);
        for (uint32_t i = 0; i < back.n; i++) {
            assert_true(sat_record_equal(&back.records[i].record, &records[i].record));
            assert_int_equal(sat_dot_compare(back.records[i].deletion, records[i].deletion), 0);
        }
        struct sat_hash id = sat_collection_id(&LIFE, &collection), again = sat_collection_id(&LIFE, &back);
        assert_true(sat_hash_equal(&id, &again));
        sat_buf_deinit(&bytes);
        sat_arena_deinit(&arena);
    }
}

static void every_byte_of_a_collection_is_hashed(void **state)
{
    (void)state;
    struct sat_collected records[2];
    struct sat_collection collection = some(records, 2), other;
    struct sat_hash id = sat_collection_id(&LIFE, &collection);
    struct sat_log_epoch life = {{2}};
    struct sat_hash elsewhere = sat_collection_id(&life, &collection);
    assert_false(sat_hash_equal(&id, &elsewhere));
    struct sat_arena arena;
    struct sat_buf bytes;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    sat_collection_encode(&collection, &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes.at[i] ^= (uint8_t)(1u << bit);
            if (decode_copy(bytes.at, bytes.len, &arena, &other) == SAT_OK) {
                struct sat_hash changed = sat_collection_id(&LIFE, &other);
                assert_false(sat_hash_equal(&id, &changed));
            }
            bytes.at[i] ^= (uint8_t)(1u << bit);
        }
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

static void every_truncation_and_every_byte_more_is_malformed(void **state)
{
    (void)state;
    struct sat_collected records[3];
    struct sat_collection collection = some(records, 3), out;
    struct sat_arena arena;
    struct sat_buf bytes;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    sat_collection_encode(&collection, &bytes);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(decode_copy(bytes.at, len, &arena, &out), SAT_ERR_MALFORMED);
    sat_put_u8(&bytes, 0);
    assert_int_equal(decode_copy(bytes.at, bytes.len, &arena, &out), SAT_ERR_MALFORMED);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

static enum sat_err decode_records(const struct sat_collected *records, uint32_t n)
{
    struct sat_collection collection = {.records = records, .n = n}, out;
    struct sat_arena arena;
    struct sat_buf bytes;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    sat_collection_encode(&collection, &bytes);
    enum sat_err err = decode_copy(bytes.at, bytes.len, &arena, &out);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
    return err;
}

static void records_out_of_order_or_twice_or_by_no_change_are_malformed(void **state)
{
    (void)state;
    const struct sat_collected a = {.record = {{1}}, .deletion = {1, 1}}, b = {.record = {{2}}, .deletion = {1, 2}};
    const struct sat_collected nobody = {.record = {{3}}, .deletion = {0, 1}},
                               no = {.record = {{3}}, .deletion = {1, 0}};
    assert_int_equal(decode_records((struct sat_collected[]){a, b}, 2), SAT_OK);
    assert_int_equal(decode_records((struct sat_collected[]){b, a}, 2), SAT_ERR_MALFORMED);
    assert_int_equal(decode_records((struct sat_collected[]){a, a}, 2), SAT_ERR_MALFORMED);
    assert_int_equal(decode_records((struct sat_collected[]){nobody}, 1), SAT_ERR_MALFORMED);
    assert_int_equal(decode_records((struct sat_collected[]){no}, 1), SAT_ERR_MALFORMED);
}

static void more_records_than_an_entry_has_are_refused_before_any_memory_is_taken(void **state)
{
    (void)state;
    struct sat_collection out;
    struct sat_arena arena;
    struct sat_buf bytes;
    static const uint8_t hashes[96];
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    sat_put_varint(&bytes, 1);
    sat_put_bytes(&bytes, hashes, sizeof hashes);
    sat_put_varint(&bytes, SAT_COLLECTION_RECORDS_MAX + 1);
    assert_int_equal(decode_copy(bytes.at, bytes.len, &arena, &out), SAT_ERR_TOO_LARGE);
    bytes.len = 97;
    sat_put_varint(&bytes, SAT_COLLECTION_RECORDS_MAX);
    assert_int_equal(decode_copy(bytes.at, bytes.len, &arena, &out), SAT_ERR_MALFORMED);
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(every_byte_of_a_collection_is_hashed),
        cmocka_unit_test(every_truncation_and_every_byte_more_is_malformed),
        cmocka_unit_test(records_out_of_order_or_twice_or_by_no_change_are_malformed),
        cmocka_unit_test(more_records_than_an_entry_has_are_refused_before_any_memory_is_taken),
    };
    return cmocka_run_group_tests_name("collection", tests, NULL, NULL);
}
