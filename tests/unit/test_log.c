#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/limits.h"
#include "common/proof/hash.h"
#include "common/proof/log.h"

static const struct sat_hash ORG = {{0x0a, 1}};
static const struct sat_space_id SPACE = {{0x0b, 2}};
static const uint8_t SEED[32] = {0x5e, 0xed};

/* A part of a struct that a hash or a signature must cover. */
struct part {
    void *at;
    size_t len;
};
#define PART(member)                                                                                                   \
    {                                                                                                                  \
        &(member), sizeof(member)                                                                                      \
    }
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void flip(struct part part, size_t byte)
{
    ((uint8_t *)part.at)[byte] ^= 0x10;
}

static void fill(void *at, size_t len, const char *name)
{
    struct sat_hash hash = sat_hash("test", sat_span_text(name));
    assert_true(len <= sizeof hash.b);
    memcpy(at, hash.b, len);
}

static int start(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

static void keys(struct sat_public_key *public_key, struct sat_sign_key *key)
{
    sat_sign_keypair(SEED, public_key, key);
}

static struct sat_head signed_head(void)
{
    struct sat_public_key public_key;
    struct sat_sign_key key;
    struct sat_head head = {.space = SPACE, .size = 70000, .dir_seq = 300, .time_ms = 1767225600000};
    keys(&public_key, &key);
    fill(&head.log_epoch, 16, "log epoch");
    fill(&head.root, 32, "root");
    fill(&head.digest, 32, "digest");
    fill(&head.dir_hash, 32, "directory");
    sat_head_sign(&head, &ORG, &key);
    return head;
}

static struct sat_public_key server_key(void)
{
    struct sat_public_key public_key;
    struct sat_sign_key key;
    keys(&public_key, &key);
    return public_key;
}

static void every_part_of_an_entry_is_hashed(void **state)
{
    (void)state;
    struct sat_entry entry = {.seq = 3, .kind = SAT_ENTRY_BUNDLE, .id = {{1}}, .recv_ms = 1767225600000, .dir_at = 9};
    struct part parts[] = {PART(entry.seq), PART(entry.kind), PART(entry.id), PART(entry.recv_ms), PART(entry.dir_at)};
    struct sat_hash hash = sat_entry_hash(&entry);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            struct sat_hash other = sat_entry_hash(&entry);
            assert_false(sat_hash_equal(&hash, &other));
            flip(parts[i], byte);
        }
}

static void every_part_of_a_head_is_signed(void **state)
{
    (void)state;
    struct sat_head head = signed_head();
    struct sat_public_key server = server_key();
    struct sat_hash org = ORG;
    struct part parts[] = {PART(head.space),    PART(head.log_epoch), PART(head.size),
                           PART(head.root),     PART(head.digest),    PART(head.dir_seq),
                           PART(head.dir_hash), PART(head.time_ms),   PART(head.signature),
                           PART(org),           PART(server)};
    assert_int_equal(sat_head_verify(&head, &org, &server), SAT_OK);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            assert_int_equal(sat_head_verify(&head, &org, &server), SAT_ERR_TAMPERED);
            flip(parts[i], byte);
        }
}

static void encode(const struct sat_head *head, bool is_short, struct sat_buf *out)
{
    sat_buf_clear(out);
    sat_head_encode(head, is_short, out);
}

static enum sat_err decode_copy(struct sat_span bytes, struct sat_head *out)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    enum sat_err err = sat_head_decode(sat_span(copy, bytes.len), &SPACE, out);
    free(copy);
    return err;
}

static void a_full_head_comes_back_whole(void **state)
{
    (void)state;
    struct sat_head head = signed_head(), back;
    struct sat_public_key server = server_key();
    struct sat_buf buf;
    sat_buf_init(&buf);
    encode(&head, false, &buf);
    assert_int_equal(buf.len, 1 + 3 + 32 + 32 + 16 + 2 + 32 + 6 + 64);
    assert_int_equal(decode_copy(sat_buf_span(&buf), &back), SAT_OK);
    assert_false(back.is_short);
    assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_OK);
    assert_int_equal(sat_head_complete(&back, &(struct sat_head){0}), SAT_OK); /* has nothing to complete */
    assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_OK);
    sat_buf_deinit(&buf);
}

static void a_short_head_comes_back_whole_once_completed(void **state)
{
    (void)state;
    struct sat_head head = signed_head(), back;
    struct sat_head own = {
        .root = head.root, .digest = head.digest, .log_epoch = head.log_epoch, .dir_hash = head.dir_hash};
    struct sat_public_key server = server_key();
    struct sat_buf buf, again;
    sat_buf_init(&buf);
    sat_buf_init(&again);
    encode(&head, true, &buf);
    assert_int_equal(buf.len, 1 + 3 + 4 + 4 + 4 + 2 + 6 + 64);
    assert_int_equal(decode_copy(sat_buf_span(&buf), &back), SAT_OK);
    assert_true(back.is_short);
    assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_ERR_TAMPERED);
    encode(&back, true, &again);
    assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&again)));
    assert_int_equal(sat_head_complete(&back, &own), SAT_OK);
    assert_false(back.is_short);
    assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_OK);
    sat_buf_deinit(&again);
    sat_buf_deinit(&buf);
}

static void a_prefix_that_differs_asks_for_the_full_head(void **state)
{
    (void)state;
    struct sat_head head = signed_head(), own = head, back;
    struct sat_public_key server = server_key();
    struct part prefixes[] = {PART(own.root), PART(own.digest), PART(own.log_epoch)};
    struct sat_buf buf;
    sat_buf_init(&buf);
    encode(&head, true, &buf);
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        assert_int_equal(decode_copy(sat_buf_span(&buf), &back), SAT_OK);
        flip(prefixes[i], 3);
        assert_int_equal(sat_head_complete(&back, &own), SAT_ERR_STALE);
        assert_true(back.is_short);
        flip(prefixes[i], 3);
        flip(prefixes[i], 4); /* behind the prefix: only the signature tells */
        assert_int_equal(sat_head_complete(&back, &own), SAT_OK);
        assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_ERR_TAMPERED);
        flip(prefixes[i], 4);
    }
    assert_int_equal(decode_copy(sat_buf_span(&buf), &back), SAT_OK);
    own.dir_hash.b[0] ^= 1;
    assert_int_equal(sat_head_complete(&back, &own), SAT_OK);
    assert_int_equal(sat_head_verify(&back, &ORG, &server), SAT_ERR_TAMPERED);
    sat_buf_deinit(&buf);
}

static void every_truncation_is_malformed(void **state)
{
    (void)state;
    struct sat_head head = signed_head(), back;
    struct sat_buf buf;
    sat_buf_init(&buf);
    for (unsigned is_short = 0; is_short < 2; is_short++) {
        encode(&head, is_short, &buf);
        for (size_t len = 0; len < buf.len; len++)
            assert_int_equal(decode_copy(sat_span(buf.at, len), &back), SAT_ERR_MALFORMED);
        sat_put_u8(&buf, 0);
        assert_int_equal(decode_copy(sat_buf_span(&buf), &back), SAT_ERR_MALFORMED);
    }
    sat_buf_deinit(&buf);
}

static void no_bit_of_a_head_can_be_flipped_unnoticed(void **state)
{
    (void)state;
    struct sat_head head = signed_head(), back;
    struct sat_public_key server = server_key();
    struct sat_buf buf;
    sat_buf_init(&buf);
    for (unsigned is_short = 0; is_short < 2; is_short++) {
        encode(&head, is_short, &buf);
        for (size_t bit = 0; bit < 8 * buf.len; bit++) {
            buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
            enum sat_err err = decode_copy(sat_buf_span(&buf), &back);
            if (!err) err = sat_head_complete(&back, &head);
            if (!err) err = sat_head_verify(&back, &ORG, &server);
            assert_int_not_equal(err, SAT_OK);
            buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    sat_buf_deinit(&buf);
}

static enum sat_err decode_numbers(uint64_t size, uint64_t dir_seq, uint64_t time_ms)
{
    struct sat_head head = {.size = size, .dir_seq = dir_seq, .time_ms = time_ms}, back;
    struct sat_buf buf;
    sat_buf_init(&buf);
    encode(&head, true, &buf);
    enum sat_err err = decode_copy(sat_buf_span(&buf), &back);
    assert_true(err || (back.size == size && back.dir_seq == dir_seq && back.time_ms == time_ms));
    sat_buf_deinit(&buf);
    return err;
}

static void numbers_outside_their_range_are_malformed(void **state)
{
    (void)state;
    assert_int_equal(decode_numbers(0, 0, 0), SAT_OK);
    assert_int_equal(decode_numbers(SAT_COUNTER_MAX, SAT_COUNTER_MAX, SAT_TIME_MS_MAX), SAT_OK);
    assert_int_equal(decode_numbers(SAT_COUNTER_MAX + 1, 0, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(0, SAT_COUNTER_MAX + 1, 0), SAT_ERR_MALFORMED);
    assert_int_equal(decode_numbers(0, 0, SAT_TIME_MS_MAX + 1), SAT_ERR_MALFORMED);
}

static void every_part_of_a_cursor_is_signed(void **state)
{
    (void)state;
    struct sat_public_key public_key;
    struct sat_sign_key key;
    keys(&public_key, &key);
    struct sat_cursor cursor = {.device = 2, .space = SPACE, .size = 8, .ack = 7, .dir_seq = 5};
    struct sat_signature signature = sat_cursor_sign(&cursor, &ORG, &key);
    struct part parts[] = {PART(cursor.device),   PART(cursor.space),  PART(cursor.log_epoch), PART(cursor.size),
                           PART(cursor.root),     PART(cursor.digest), PART(cursor.ack),       PART(cursor.dir_seq),
                           PART(cursor.dir_hash), PART(signature)};
    assert_int_equal(sat_cursor_verify(&cursor, &ORG, &public_key, &signature), SAT_OK);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            assert_int_equal(sat_cursor_verify(&cursor, &ORG, &public_key, &signature), SAT_ERR_TAMPERED);
            flip(parts[i], byte);
        }
}

static void every_part_of_a_void_statement_is_signed_and_hashed(void **state)
{
    (void)state;
    struct sat_public_key public_key;
    struct sat_sign_key key;
    keys(&public_key, &key);
    struct sat_void statement = {.space = SPACE, .device = 2, .first = 8, .count = 3};
    struct sat_signature signature = sat_void_sign(&statement, &ORG, &key);
    struct sat_hash id = sat_void_id(&statement);
    struct part parts[] = {PART(statement.space), PART(statement.device),  PART(statement.first),
                           PART(statement.count), PART(statement.refused), PART(statement.prev)};
    assert_int_equal(sat_void_verify(&statement, &ORG, &public_key, &signature), SAT_OK);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            struct sat_hash other = sat_void_id(&statement);
            assert_false(sat_hash_equal(&id, &other));
            assert_int_equal(sat_void_verify(&statement, &ORG, &public_key, &signature), SAT_ERR_TAMPERED);
            flip(parts[i], byte);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_an_entry_is_hashed),
        cmocka_unit_test(every_part_of_a_head_is_signed),
        cmocka_unit_test(a_full_head_comes_back_whole),
        cmocka_unit_test(a_short_head_comes_back_whole_once_completed),
        cmocka_unit_test(a_prefix_that_differs_asks_for_the_full_head),
        cmocka_unit_test(every_truncation_is_malformed),
        cmocka_unit_test(no_bit_of_a_head_can_be_flipped_unnoticed),
        cmocka_unit_test(numbers_outside_their_range_are_malformed),
        cmocka_unit_test(every_part_of_a_cursor_is_signed),
        cmocka_unit_test(every_part_of_a_void_statement_is_signed_and_hashed),
    };
    return cmocka_run_group_tests_name("log", tests, start, NULL);
}
