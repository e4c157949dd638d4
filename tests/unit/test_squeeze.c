#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/limits.h"
#include "common/proof/hash.h"
#include "common/vault/body.h"
#include "common/vault/dictionary_1.h"
#include "common/vault/squeeze.h"
#include "common/vault/types.h"

static struct sat_squeezer *squeezer;

static int set_up(void **state)
{
    (void)state;
    return sat_squeezer_new(&squeezer) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    sat_squeezer_free(squeezer);
    return 0;
}

static struct sat_buf squeeze(struct sat_span plain, bool compress)
{
    struct sat_buf out = {0};
    sat_squeeze(squeezer, plain, compress, &out);
    return out;
}

static void assert_comes_back(struct sat_span plain, bool compress)
{
    struct sat_buf squeezed = squeeze(plain, compress), out = {0};
    assert_int_equal(sat_unsqueeze(squeezer, sat_buf_span(&squeezed), plain.len, &out), SAT_OK);
    assert_true(sat_span_equal(sat_buf_span(&out), plain));
    sat_buf_deinit(&squeezed);
    sat_buf_deinit(&out);
}

/* ---- Buckets ---- */

static void buckets_are_multiples_of_32_and_then_grow_by_a_quarter(void **state)
{
    (void)state;
    static const size_t table[] = {32,  64,   96,   128,  160,  192,  224,  256,  320,  416,  544,  704,
                                   896, 1120, 1408, 1760, 2208, 2784, 3488, 4384, 5504, 6880, 8608, 10784};
    size_t bucket = 0;
    assert_int_equal(sat_squeeze_bucket(0), 32);
    for (size_t len = 1; len <= 10784; len++) {
        if (len > table[bucket]) bucket++;
        assert_int_equal(sat_squeeze_bucket(len), table[bucket]);
    }
    assert_true(sat_squeeze_bucket(SAT_BODY_BYTES_MAX + 2) + 16 < SAT_BUNDLE_BYTES_MAX / 2);
}

static void every_length_fills_a_bucket(void **state)
{
    (void)state;
    uint8_t bytes[3000];
    static const uint8_t seed[32] = {1};
    randombytes_buf_deterministic(bytes, sizeof bytes, seed);
    for (size_t len = 0; len <= sizeof bytes; len += len < 300 ? 1 : 97) {
        struct sat_buf stored = squeeze(sat_span(bytes, len), false), tried = squeeze(sat_span(bytes, len), true);
        assert_int_equal(stored.len, sat_squeeze_bucket(len + 2));
        assert_int_equal(stored.at[0], 0);
        assert_int_equal(tried.len, stored.len); /* what does not get smaller is stored */
        assert_memory_equal(tried.at, stored.at, stored.len);
        assert_comes_back(sat_span(bytes, len), true);
        sat_buf_deinit(&stored);
        sat_buf_deinit(&tried);
    }
}

/* ---- The dictionary ---- */

static void the_dictionary_is_the_one_that_was_frozen(void **state)
{
    (void)state;
    char hex[65];
    struct sat_hash hash = sat_hash("dictionary", sat_span(sat_dictionary_1, sat_dictionary_1_bytes));
    sat_hex_format(hash.b, sizeof hash.b, hex);
    assert_int_equal(sat_dictionary_1_bytes, 43548);
    assert_string_equal(hex, "aee10ae60527f90ec84c6e5cedb02954ff1ac8e8347d48eb1054697d2ef24f3a");
}

/* ---- What typical records come to ---- */

enum { PAIRS_MAX = 12, ID_TEXT = 38, TIME_TEXT = 27 };

struct typical {
    const char *type;
    const char *fields[2 * PAIRS_MAX]; /* name, value; a set has its name several times; a time is in milliseconds */
    size_t squeezed_max;
};

#define ACCOUNT "account", "0196f0aa-11c4-7d92-8b5a-9e2f70c4d1e3"
#define TIMES "started_at", "1776151812345", "finished_at", "1776153947512"

static const struct typical TYPICAL[] = {
    {"visit",
     {ACCOUNT, TIMES, "purpose", "annual talk", "note",
      "Budget was cut by a third, so they keep the two best sellers. Wants free shipping from 40 boxes on.", "state",
      "done"},
     128},
    {"visit",
     {ACCOUNT, TIMES, "purpose", "spring range", "note", "Mrs Keller likes the new tea, but finds the cartons too big.",
      "next_step", "talk to Peter about freight", "state", "done"},
     128},
    {"visit",
     {ACCOUNT, TIMES, "purpose", "regular visit", "note",
      "The customer would like a discount of 5% on orders above 40 cases. Stock of coffee is low.", "next_step",
      "send the price list", "state", "done"},
     96},
    {"visit",
     {ACCOUNT, TIMES, "purpose", "新品介绍", "note", "店长对礼盒装很满意，担心节后退货，希望我们先铺二十箱试卖。",
      "next_step", "周五前报价", "state", "done"},
     128},
    {"visit",
     {ACCOUNT, TIMES, "purpose", "例行拜访", "note",
      "酸奶库存还剩12箱，建议补货，采购经理同意下周下单，价格希望再优惠。", "next_step", "发送报价单", "state", "done"},
     96},
    {"order_line",
     {"order", "0196f0aa-11c4-7d92-8b5a-9e2f70c4d1e3", "product", "0196f0ab-99d1-7e42-a1b2-c3d4e5f60718", "sku",
      "SKU-100234", "qty", "24", "unit_price", "1850", "discount_bp", "500"},
     96},
    {"order",
     {ACCOUNT, "no_local", "A-2026-00417", "ordered_on", "2026-04-14", "state", "submitted", "note",
      "Ship half now and the rest with the May truck, pallets wrapped twice please, and put the customer's own article "
      "numbers on the slip."},
     128},
    {"contact",
     {ACCOUNT, "name", "Giulia Bianchi", "title", "Head of Procurement", "phones", "+39 02 5555 0190", "phones",
      "+39 333 555 0191", "emails", "g.bianchi@alimentari-bianchi.example", "emails",
      "office@alimentari-bianchi.example"},
     128},
    {"account",
     {"name", "Bottom-Dollar Markets", "address", "23 Tsawassen Blvd.", "city", "Tsawassen", "country", "Canada",
      "postal_code", "T2F 8M4", "phone", "(604) 555-4729", "tags", "grocer", "tags", "key", "note",
      "Deliver through the yard before ten; ask for the store manager, he has the key to the cold room."},
     160}, /* names and figures that no dictionary knows, and a long note: as bad as it gets */
    {"account",
     {"name", "上海晨光食品有限公司", "address", "浦东新区世纪大道1288号", "city", "上海", "country", "中国",
      "postal_code", "200120", "phone", "+86 21 5555 0134", "tags", "连锁", "note",
      "大客户，账期45天，采购负责人每周三下午在办公室。"},
     128},
    {"task",
     {ACCOUNT, "title",
      "Get the signed framework agreement back from Rotterdam and file a copy with legal, then plan the "
      "next visit together with the new regional director",
      "due", "2026-06-30", "state", "open"},
     128},
};

static struct sat_value value_of(const struct sat_field *field, const char *text)
{
    struct sat_value value = {.kind = SAT_VALUE_TEXT, .text = sat_span_text(text)};
    if (field->kind == SAT_KIND_REF) {
        value.kind = SAT_VALUE_REF;
        assert_int_equal(sat_uuid_parse(text, value.ref.b), SAT_OK);
    } else if (field->kind == SAT_KIND_TIME) {
        value = (struct sat_value){.kind = SAT_VALUE_TIME, .integer = strtoll(text, NULL, 10), .offset_min = 120};
    } else if (field->kind == SAT_KIND_INT || field->kind == SAT_KIND_MONEY) {
        value = (struct sat_value){.kind = SAT_VALUE_INT, .integer = strtoll(text, NULL, 10)};
    }
    return value;
}

/* Bytes of "name":value, and a comma; a further element of a set is "value", */
static size_t json_len(const struct sat_field *field, const char *text, bool further)
{
    size_t len = strlen(text);
    if (further) return len + 3;
    size_t name = strlen(field->name) + 4;
    if (field->kind == SAT_KIND_TIME) return name + TIME_TEXT;
    if (field->kind == SAT_KIND_INT || field->kind == SAT_KIND_MONEY) return name + len;
    return name + len + 2 + (field->rule == SAT_RULE_ADD ? 2 : 0);
}

static size_t encode(const struct typical *typical, struct sat_buf *out)
{
    struct sat_cell cells[PAIRS_MAX];
    const struct sat_type *type = sat_type_by_name(typical->type);
    assert_non_null(type);
    struct sat_body body = {.type = type->number, .schema = 1, .cells = cells};
    size_t json = strlen("{\"type\":\"\"}") + strlen(typical->type);
    for (size_t i = 0; i < 2 * PAIRS_MAX && typical->fields[i]; i += 2) {
        const struct sat_field *field = sat_field_by_name(type, typical->fields[i]);
        const char *text = typical->fields[i + 1];
        assert_non_null(field);
        struct sat_cell cell = {.field = field->number, .value = value_of(field, text)};
        if (field->rule == SAT_RULE_ADD)
            cell = (struct sat_cell){.field = field->number,
                                     .in_set = true,
                                     .element = sat_span_text(text),
                                     .value = {.kind = SAT_VALUE_BOOL, .truth = true}};
        json += json_len(field, text, i > 0 && strcmp(typical->fields[i - 2], typical->fields[i]) == 0);
        cells[body.cells_n++] = cell;
    }
    assert_int_equal(sat_body_encode(&body, out), SAT_OK);
    return json;
}

/* A change travels with 16 bytes of tag, 16 of record id, 9 to 13 of header and 3 of lengths: 128 are at most 176 then.
 */
static void a_record_of_300_bytes_of_json_squeezes_to_128(void **state)
{
    (void)state;
    size_t sum = 0;
    for (size_t i = 0; i < sizeof TYPICAL / sizeof TYPICAL[0]; i++) {
        struct sat_buf body = {0};
        size_t json = encode(&TYPICAL[i], &body);
        struct sat_buf squeezed = squeeze(sat_buf_span(&body), true);
        size_t len = squeezed.len;
        while (squeezed.at[len - 1] == 0) len--;
        print_message("%-10s JSON %3zu  body %3zu  squeezed %3zu  bucket %3zu\n", TYPICAL[i].type, json, body.len, len,
                      squeezed.len);
        if (strcmp(TYPICAL[i].type, "order_line") != 0) assert_in_range(json, 250, 330);
        assert_true(squeezed.len <= TYPICAL[i].squeezed_max);
        sum += squeezed.len;
        assert_comes_back(sat_buf_span(&body), true);
        sat_buf_deinit(&body);
        sat_buf_deinit(&squeezed);
    }
    assert_true(sum <= 128 * sizeof TYPICAL / sizeof TYPICAL[0]);
}

static void squeezing_is_deterministic_and_appends(void **state)
{
    (void)state;
    struct sat_buf body = {0}, out = {0};
    encode(&TYPICAL[0], &body);
    struct sat_buf once = squeeze(sat_buf_span(&body), true);
    sat_put_u8(&out, 0xaa);
    sat_squeeze(squeezer, sat_buf_span(&body), true, &out);
    assert_int_equal(out.len, once.len + 1);
    assert_int_equal(out.at[0], 0xaa);
    assert_memory_equal(out.at + 1, once.at, once.len);
    assert_int_equal(sat_unsqueeze(squeezer, sat_buf_span(&once), SAT_BODY_BYTES_MAX, &out), SAT_OK);
    assert_int_equal(out.len, once.len + 1 + body.len);
    assert_memory_equal(out.at + once.len + 1, body.at, body.len);
    sat_buf_deinit(&body);
    sat_buf_deinit(&once);
    sat_buf_deinit(&out);
}

static void long_texts_come_back_and_get_smaller(void **state)
{
    (void)state;
    struct sat_buf text = {0};
    for (uint32_t i = 0; text.len < SAT_BODY_BYTES_MAX; i++) {
        char line[100];
        int n = snprintf(line, sizeof line, "%u: the customer ordered %u boxes, 客户下单。 ", i, i * 2654435761u % 977);
        sat_put_bytes(&text, line, (size_t)n);
    }
    static const size_t lengths[] = {
        100, 2047, 2048, 2049, 4096, 16384, 16385, 65535, 65536, 65537, SAT_BODY_BYTES_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct sat_span plain = sat_span(text.at, lengths[i]);
        struct sat_buf squeezed = squeeze(plain, true);
        assert_int_equal(squeezed.at[0], 1);
        assert_true(squeezed.len < plain.len);
        assert_comes_back(plain, true);
        sat_buf_deinit(&squeezed);
    }
    sat_buf_deinit(&text);
}

/* ---- What is broken ---- */

static enum sat_err unsqueeze_err(struct sat_span squeezed, size_t plain_max, size_t *len)
{
    struct sat_buf out = {0};
    enum sat_err err = sat_unsqueeze(squeezer, squeezed, plain_max, &out);
    *len = out.len;
    if (err) assert_int_equal(out.len, 0);
    sat_buf_deinit(&out);
    return err;
}

static void every_truncation_fails_or_stays_within_the_bound(void **state)
{
    (void)state;
    struct sat_buf body = {0};
    encode(&TYPICAL[0], &body);
    for (int compress = 0; compress <= 1; compress++) {
        struct sat_buf squeezed = squeeze(sat_buf_span(&body), compress);
        for (size_t cut = 0; cut < squeezed.len; cut++) {
            size_t len;
            if (unsqueeze_err(sat_span(squeezed.at, cut), body.len, &len) == SAT_OK) assert_true(len <= body.len);
            for (size_t bucket = 32; bucket <= squeezed.len;
                 bucket += 32) { /* cut and padded again, as a forger would */
                uint8_t padded[512] = {0};
                if (cut + 1 > bucket) continue;
                memcpy(padded, squeezed.at, cut);
                padded[cut] = 0x80;
                if (unsqueeze_err(sat_span(padded, bucket), body.len, &len) == SAT_OK) assert_true(len <= body.len);
            }
        }
        sat_buf_deinit(&squeezed);
    }
    sat_buf_deinit(&body);
}

static void a_flipped_bit_fails_or_stays_within_the_bound(void **state)
{
    (void)state;
    struct sat_buf body = {0};
    encode(&TYPICAL[3], &body);
    struct sat_buf squeezed = squeeze(sat_buf_span(&body), true);
    for (size_t bit = 0; bit < squeezed.len * 8; bit++) {
        size_t len;
        squeezed.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (unsqueeze_err(sat_buf_span(&squeezed), 500, &len) == SAT_OK) assert_true(len <= 500);
        squeezed.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    sat_buf_deinit(&squeezed);
    sat_buf_deinit(&body);
}

static void random_bytes_fail_or_stay_within_the_bound(void **state)
{
    (void)state;
    uint8_t bytes[320], seed[32] = {2};
    for (uint32_t round = 0; round < 3000; round++) {
        size_t len, bucket = sat_squeeze_bucket(1 + round % 300);
        memcpy(seed + 1, &round, sizeof round);
        randombytes_buf_deterministic(bytes, bucket, seed);
        bytes[0] = 1;
        bytes[bucket - 1] = 0x80;
        if (unsqueeze_err(sat_span(bytes, bucket), 1000, &len) == SAT_OK) assert_true(len <= 1000);
    }
}

static void the_inflated_size_is_bounded(void **state)
{
    (void)state;
    struct sat_buf body = {0};
    size_t len;
    encode(&TYPICAL[0], &body);
    for (int compress = 0; compress <= 1; compress++) {
        struct sat_buf squeezed = squeeze(sat_buf_span(&body), compress);
        for (size_t max = 0; max < body.len; max++)
            assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), max, &len), SAT_ERR_UNDECRYPTABLE);
        assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), body.len, &len), SAT_OK);
        sat_buf_deinit(&squeezed);
    }
    sat_buf_deinit(&body);
}

static void a_decompression_bomb_is_bounded(void **state)
{
    (void)state;
    struct sat_buf zeros = {0};
    size_t len;
    sat_buf_reserve(&zeros, SAT_BODY_BYTES_MAX);
    memset(zeros.at, ' ', SAT_BODY_BYTES_MAX);
    struct sat_buf bomb = squeeze(sat_span(zeros.at, SAT_BODY_BYTES_MAX), true);
    assert_int_equal(bomb.at[0], 1);
    assert_true(bomb.len <= 64);
    assert_int_equal(unsqueeze_err(sat_buf_span(&bomb), SAT_BODY_BYTES_MAX, &len), SAT_OK);
    assert_int_equal(len, SAT_BODY_BYTES_MAX);
    assert_int_equal(unsqueeze_err(sat_buf_span(&bomb), SAT_BODY_BYTES_MAX - 1, &len), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unsqueeze_err(sat_buf_span(&bomb), 100, &len), SAT_ERR_UNDECRYPTABLE);
    sat_buf_deinit(&bomb);
    sat_buf_deinit(&zeros);
}

static void padding_is_exactly_what_the_bucket_needs(void **state)
{
    (void)state;
    struct sat_buf squeezed = squeeze(sat_span_text("hello"), false);
    size_t len;
    assert_int_equal(squeezed.len, 32);
    assert_int_equal(squeezed.at[6], 0x80);
    assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), 100, &len), SAT_OK);
    for (size_t i = 0; i < 32; i++) sat_put_u8(&squeezed, 0); /* a larger bucket than the least */
    assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), 100, &len), SAT_ERR_UNDECRYPTABLE);
    squeezed.len = 31;
    assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), 100, &len), SAT_ERR_UNDECRYPTABLE);
    squeezed.len = 32;
    squeezed.at[31] = 1; /* no mark at the end */
    assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), 100, &len), SAT_ERR_UNDECRYPTABLE);
    sat_buf_deinit(&squeezed);
}

static void degenerate_forms_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    size_t len;
    assert_int_equal(unsqueeze_err((struct sat_span){0}, 100, &len), SAT_ERR_UNDECRYPTABLE);
    assert_int_equal(unsqueeze_err(SAT_SPAN(bytes), 100, &len), SAT_ERR_UNDECRYPTABLE); /* no mark at all */
    bytes[1] = 0x80;
    assert_int_equal(unsqueeze_err(SAT_SPAN(bytes), 100, &len), SAT_OK); /* nothing, stored */
    assert_int_equal(len, 0);
    bytes[0] = 1;
    assert_int_equal(unsqueeze_err(SAT_SPAN(bytes), 100, &len), SAT_ERR_UNDECRYPTABLE); /* nothing, compressed */
    bytes[1] = 0;
    bytes[0] = 0x80; /* the mark where the method should be: a method that is not known */
    assert_int_equal(unsqueeze_err(SAT_SPAN(bytes), 100, &len), SAT_ERR_UPGRADE_NEEDED);
}

static void an_unknown_method_asks_for_an_upgrade(void **state)
{
    (void)state;
    struct sat_buf squeezed = squeeze(sat_span_text("hello"), false);
    size_t len;
    for (unsigned method = 2; method < 256; method++) {
        squeezed.at[0] = (uint8_t)method;
        assert_int_equal(unsqueeze_err(sat_buf_span(&squeezed), 100, &len), SAT_ERR_UPGRADE_NEEDED);
    }
    sat_buf_deinit(&squeezed);
}

/* ---- One after another ---- */

/* Comes out as from a squeezer of its own, and back through one that has only ever read. */
static void assert_as_if_fresh(struct sat_span plain)
{
    struct sat_squeezer *fresh;
    struct sat_buf used = squeeze(plain, true), out = {0}, read = {0};
    assert_int_equal(sat_squeezer_new(&fresh), SAT_OK);
    sat_squeeze(fresh, plain, true, &out);
    assert_true(sat_span_equal(sat_buf_span(&used), sat_buf_span(&out)));
    sat_squeezer_free(fresh);
    assert_int_equal(sat_squeezer_new(&fresh), SAT_OK);
    assert_int_equal(sat_unsqueeze(fresh, sat_buf_span(&used), plain.len, &read), SAT_OK);
    assert_true(sat_span_equal(sat_buf_span(&read), plain));
    sat_squeezer_free(fresh);
    sat_buf_deinit(&used);
    sat_buf_deinit(&out);
    sat_buf_deinit(&read);
}

/* Else what one person writes would show in the size of what another wrote. */
static void a_squeezer_carries_nothing_from_one_change_to_the_next(void **state)
{
    (void)state;
    enum { LARGE = 60000 };
    static const uint8_t seed[32] = {3};
    uint8_t *noise = malloc(LARGE);
    struct sat_buf bodies[sizeof TYPICAL / sizeof TYPICAL[0]] = {0};
    assert_non_null(noise);
    randombytes_buf_deterministic(noise, LARGE, seed);
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof TYPICAL / sizeof TYPICAL[0]; i++) {
            size_t len;
            uint8_t broken[32] = {1, 0xff, 0xff, 0xff, [31] = 0x80};
            if (round == 0) encode(&TYPICAL[i], &bodies[i]);
            assert_as_if_fresh(sat_buf_span(&bodies[i])); /* after another one, and after itself, */
            assert_as_if_fresh(sat_buf_span(&bodies[i]));
            assert_as_if_fresh(sat_span(noise, LARGE >> i)); /* after what cannot be compressed, */
            assert_as_if_fresh(sat_buf_span(&bodies[i]));
            assert_int_equal(unsqueeze_err(SAT_SPAN(broken), 100, &len), SAT_ERR_UNDECRYPTABLE); /* and after failing */
        }
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) sat_buf_deinit(&bodies[i]);
    free(noise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_multiples_of_32_and_then_grow_by_a_quarter),
        cmocka_unit_test(every_length_fills_a_bucket),
        cmocka_unit_test(the_dictionary_is_the_one_that_was_frozen),
        cmocka_unit_test(a_record_of_300_bytes_of_json_squeezes_to_128),
        cmocka_unit_test(squeezing_is_deterministic_and_appends),
        cmocka_unit_test(long_texts_come_back_and_get_smaller),
        cmocka_unit_test(every_truncation_fails_or_stays_within_the_bound),
        cmocka_unit_test(a_flipped_bit_fails_or_stays_within_the_bound),
        cmocka_unit_test(random_bytes_fail_or_stay_within_the_bound),
        cmocka_unit_test(the_inflated_size_is_bounded),
        cmocka_unit_test(a_decompression_bomb_is_bounded),
        cmocka_unit_test(padding_is_exactly_what_the_bucket_needs),
        cmocka_unit_test(degenerate_forms_are_refused),
        cmocka_unit_test(an_unknown_method_asks_for_an_upgrade),
        cmocka_unit_test(a_squeezer_carries_nothing_from_one_change_to_the_next),
    };
    return cmocka_run_group_tests_name("squeeze", tests, set_up, tear_down);
}
