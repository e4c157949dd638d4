#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/proof/hash.h"
#include "common/vault/keyring.h"

enum {
    MAGIC_BYTES = 15,
    HEADER_BYTES = MAGIC_BYTES + 2,
    KDF_AT = HEADER_BYTES,
    OPS_AT = KDF_AT + 1,
    MEM_AT = OPS_AT + 8
};
enum {
    SALT_AT = MEM_AT + 8,
    LEN_AT = SALT_AT + 16 + 24,
    SECRETS_AT = LEN_AT + 4,
    HAS_ADMIN_AT = SECRETS_AT + 196 + 16,
    CHECKSUM_BYTES = 8
};

static struct sat_entropy_stream stream;

static struct sat_entropy entropy(void)
{
    return sat_entropy_seeded(&stream, 7);
}

static struct sat_keyring *make(const struct sat_entropy *from, bool admin)
{
    struct sat_keyring *keyring;
    struct sat_hash org = {{1, 2, 3}};
    assert_int_equal(sat_keyring_new(from, &keyring), SAT_OK);
    sat_keyring_set_member(keyring, &org, 70000);
    if (admin) sat_keyring_make_admin(keyring, from);
    return keyring;
}

static struct sat_buf seal(struct sat_keyring *keyring, const char *passphrase, const struct sat_entropy *from)
{
    struct sat_buf file = {0};
    assert_int_equal(sat_keyring_seal(keyring, sat_span_text(passphrase), sat_keyring_cost_minimum(), from, &file),
                     SAT_OK);
    return file;
}

/* Makes the checksum right again: what a forger would do, damage does not. */
static void resum(struct sat_buf *file)
{
    file->len -= CHECKSUM_BYTES;
    struct sat_hash hash = sat_hash("keyring", sat_buf_span(file));
    sat_put_bytes(file, hash.b, CHECKSUM_BYTES);
}

static enum sat_err open_err(const struct sat_buf *file, const char *passphrase)
{
    struct sat_keyring *keyring;
    enum sat_err err = sat_keyring_open(sat_buf_span(file), sat_span_text(passphrase), &keyring);
    assert_true(err ? keyring == NULL : keyring != NULL);
    sat_keyring_free(keyring);
    return err;
}

static void assert_same_secrets(const struct sat_keyring *a, const struct sat_keyring *b, bool admin)
{
    const struct sat_keyring_secrets *x = sat_keyring_secrets(a), *y = sat_keyring_secrets(b);
    assert_memory_equal(x->org.b, y->org.b, 32);
    assert_int_equal(x->device, y->device);
    assert_memory_equal(x->sign.b, y->sign.b, 64);
    assert_memory_equal(x->box.b, y->box.b, 32);
    assert_memory_equal(x->nonce_key, y->nonce_key, 32);
    assert_memory_equal(x->store_key, y->store_key, 32);
    if (admin) assert_memory_equal(x->admin.b, y->admin.b, 64);
}

static void a_new_keyring_has_distinct_keys_and_no_membership(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *a, *b;
    assert_int_equal(sat_keyring_new(&from, &a), SAT_OK);
    assert_int_equal(sat_keyring_new(&from, &b), SAT_OK);
    const struct sat_keyring_secrets *x = sat_keyring_secrets(a), *y = sat_keyring_secrets(b);
    assert_true(sat_hash_is_zero(&x->org));
    assert_int_equal(x->device, 0);
    assert_memory_not_equal(x->sign.b, y->sign.b, 64);
    assert_memory_not_equal(x->box.b, y->box.b, 32);
    assert_memory_not_equal(x->nonce_key, x->store_key, 32);
    assert_memory_not_equal(x->box.b, x->store_key, 32);
    assert_true(sodium_is_zero(x->admin.b, 64));
    assert_false(sat_keyring_has_admin(a));
    sat_keyring_free(a);
    sat_keyring_free(b);
    sat_keyring_free(NULL);
}

static void the_public_keys_belong_to_the_secret_ones(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_hash org = {{9}};
    struct sat_public_key sign = sat_keyring_sign_public(keyring), box = sat_keyring_box_public(keyring);
    struct sat_signature signature = sat_sign(&sat_keyring_secrets(keyring)->sign, "test", &org, sat_span_text("m"));
    assert_int_equal(sat_verify(&sign, "test", &org, sat_span_text("m"), &signature), SAT_OK);
    uint8_t sealed[crypto_box_SEALBYTES + 3], opened[3];
    assert_int_equal(crypto_box_seal(sealed, (const uint8_t *)"abc", 3, box.b), 0);
    assert_int_equal(crypto_box_seal_open(opened, sealed, sizeof sealed, box.b, sat_keyring_secrets(keyring)->box.b),
                     0);
    assert_memory_equal(opened, "abc", 3);
    sat_keyring_free(keyring);
}

static void a_sealed_keyring_opens_to_the_same_secrets(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false), *again;
    struct sat_buf file = seal(keyring, "correct horse", &from);
    assert_int_equal(file.len, HAS_ADMIN_AT + 1 + CHECKSUM_BYTES);
    assert_int_equal(sat_keyring_open(sat_buf_span(&file), sat_span_text("correct horse"), &again), SAT_OK);
    assert_same_secrets(keyring, again, false);
    assert_int_equal(sat_keyring_secrets(again)->device, 70000);
    assert_false(sat_keyring_has_admin(again));
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("correct horse")), SAT_ERR_NOT_FOUND);
    sat_keyring_free(again);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void the_file_holds_no_secret_in_clear(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, true);
    struct sat_buf file = seal(keyring, "x", &from);
    const struct sat_keyring_secrets *secrets = sat_keyring_secrets(keyring);
    const uint8_t *hidden[] = {secrets->sign.b,    secrets->box.b,   secrets->nonce_key,
                               secrets->store_key, secrets->admin.b, secrets->org.b};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        for (size_t at = 0; at + 16 <= file.len; at++) assert_memory_not_equal(file.at + at, hidden[i], 16);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void an_empty_passphrase_works_and_is_not_any_other(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_buf file = seal(keyring, "", &from);
    assert_int_equal(open_err(&file, ""), SAT_OK);
    assert_int_equal(open_err(&file, " "), SAT_ERR_WRONG_PASSPHRASE);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void a_wrong_passphrase_is_named_so(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_buf file = seal(keyring, "right", &from);
    assert_int_equal(open_err(&file, "wrong"), SAT_ERR_WRONG_PASSPHRASE);
    assert_int_equal(open_err(&file, "right "), SAT_ERR_WRONG_PASSPHRASE);
    assert_int_equal(open_err(&file, "right"), SAT_OK);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void sealing_twice_shares_neither_salt_nor_nonce(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_buf a = seal(keyring, "p", &from), b = seal(keyring, "p", &from);
    assert_memory_not_equal(a.at + SALT_AT, b.at + SALT_AT, 16);
    assert_memory_not_equal(a.at + SALT_AT + 16, b.at + SALT_AT + 16, 24);
    assert_memory_not_equal(a.at + SECRETS_AT, b.at + SECRETS_AT, 196);
    sat_keyring_free(keyring);
    sat_buf_deinit(&a);
    sat_buf_deinit(&b);
}

static void the_admin_section_opens_by_itself(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, true), *again;
    assert_true(sat_keyring_has_admin(keyring));
    assert_int_equal(sat_keyring_open_admin(keyring, sat_span_text("not needed")), SAT_OK);
    struct sat_buf file = seal(keyring, "p", &from);
    assert_int_equal(sat_keyring_open(sat_buf_span(&file), sat_span_text("p"), &again), SAT_OK);
    assert_true(sat_keyring_has_admin(again));
    assert_true(sodium_is_zero(sat_keyring_secrets(again)->admin.b, 64));
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("q")), SAT_ERR_WRONG_PASSPHRASE);
    assert_true(sodium_is_zero(sat_keyring_secrets(again)->admin.b, 64));
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("p")), SAT_OK);
    assert_same_secrets(keyring, again, true);
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("q")), SAT_OK); /* open already */
    sat_keyring_free(again);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void a_closed_admin_section_is_carried_over_as_it_is(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, true), *again, *third;
    struct sat_buf file = seal(keyring, "old", &from);
    assert_int_equal(sat_keyring_open(sat_buf_span(&file), sat_span_text("old"), &again), SAT_OK);
    struct sat_buf moved = seal(again, "new", &from);
    assert_int_equal(moved.len, file.len);
    assert_memory_equal(moved.at + HAS_ADMIN_AT, file.at + HAS_ADMIN_AT, file.len - HAS_ADMIN_AT - CHECKSUM_BYTES);
    assert_memory_not_equal(moved.at, file.at, HAS_ADMIN_AT);

    assert_int_equal(sat_keyring_open(sat_buf_span(&moved), sat_span_text("new"), &third), SAT_OK);
    assert_int_equal(sat_keyring_open_admin(third, sat_span_text("new")), SAT_ERR_WRONG_PASSPHRASE);
    assert_int_equal(sat_keyring_open_admin(third, sat_span_text("old")), SAT_OK);
    assert_same_secrets(keyring, third, true);

    struct sat_buf both = seal(third, "both", &from); /* open now: sealed anew */
    sat_keyring_free(again);
    assert_int_equal(sat_keyring_open(sat_buf_span(&both), sat_span_text("both"), &again), SAT_OK);
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("both")), SAT_OK);
    sat_keyring_free(again);
    sat_keyring_free(third);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
    sat_buf_deinit(&moved);
    sat_buf_deinit(&both);
}

static struct sat_buf reseal(const struct sat_keyring *keyring, unsigned sections, const char *passphrase,
                             struct sat_keyring_cost cost, const struct sat_entropy *from)
{
    struct sat_buf file = {0};
    assert_int_equal(sat_keyring_reseal(keyring, sections, sat_span_text(passphrase), cost, from, &file), SAT_OK);
    return file;
}

static void sections_are_resealed_each_alone(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring_cost least = sat_keyring_cost_minimum(), dear = {.ops = 2, .mem_bytes = 16384};
    struct sat_keyring *keyring = make(&from, true), *opened, *again;
    struct sat_buf file = seal(keyring, "p", &from), none = {0};
    size_t admin_len = file.len - HAS_ADMIN_AT - CHECKSUM_BYTES;
    assert_int_equal(sat_keyring_open(sat_buf_span(&file), sat_span_text("p"), &opened), SAT_OK);
    assert_false(sat_keyring_admin_is_open(opened));
    assert_int_equal(sat_keyring_reseal(opened, SAT_KEYRING_ADMIN, sat_span_text("q"), least, &from, &none),
                     SAT_ERR_LOCKED);
    assert_int_equal(none.len, 0);
    assert_int_equal(sat_keyring_open_admin(opened, sat_span_text("p")), SAT_OK);
    assert_true(sat_keyring_admin_is_open(opened));

    /* open, and still carried over where it is not named */
    struct sat_buf device = reseal(opened, SAT_KEYRING_DEVICE, "q", least, &from);
    assert_memory_equal(device.at + HAS_ADMIN_AT, file.at + HAS_ADMIN_AT, admin_len);
    assert_int_equal(open_err(&device, "p"), SAT_ERR_WRONG_PASSPHRASE);
    assert_int_equal(open_err(&device, "q"), SAT_OK);
    struct sat_buf admin = reseal(opened, SAT_KEYRING_ADMIN, "q", dear, &from);
    assert_memory_equal(admin.at, file.at, HAS_ADMIN_AT);
    assert_memory_not_equal(admin.at + HAS_ADMIN_AT, file.at + HAS_ADMIN_AT, admin_len);
    assert_int_equal(sat_keyring_open(sat_buf_span(&admin), sat_span_text("p"), &again), SAT_OK);
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("p")), SAT_ERR_WRONG_PASSPHRASE);
    assert_int_equal(sat_keyring_open_admin(again, sat_span_text("q")), SAT_OK);
    assert_same_secrets(keyring, again, true);

    /* what they cost, each, and the dearer of both; a new keyring is in no file yet */
    assert_int_equal(sat_keyring_cost_of(again, SAT_KEYRING_DEVICE).ops, least.ops);
    assert_int_equal(sat_keyring_cost_of(again, SAT_KEYRING_ADMIN).ops, dear.ops);
    assert_int_equal(sat_keyring_cost_of(again, SAT_KEYRING_DEVICE | SAT_KEYRING_ADMIN).mem_bytes, dear.mem_bytes);
    assert_int_equal(sat_keyring_cost_of(keyring, SAT_KEYRING_DEVICE | SAT_KEYRING_ADMIN).ops, 0);
    sat_keyring_free(keyring);
    sat_keyring_free(opened);
    sat_keyring_free(again);
    sat_buf_deinit(&file);
    sat_buf_deinit(&device);
    sat_buf_deinit(&admin);
}

static void a_flipped_bit_anywhere_is_damage_whatever_the_passphrase(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    for (int admin = 0; admin <= 1; admin++) {
        struct sat_keyring *keyring = make(&from, admin != 0);
        struct sat_buf file = seal(keyring, "p", &from);
        for (size_t bit = 0; bit < file.len * 8; bit++) {
            file.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(open_err(&file, bit & 1 ? "p" : "q"), SAT_ERR_CORRUPT);
            file.at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_int_equal(open_err(&file, "p"), SAT_OK);
        assert_int_equal(open_err(&file, "q"), SAT_ERR_WRONG_PASSPHRASE);
        sat_keyring_free(keyring);
        sat_buf_deinit(&file);
    }
}

static void a_flipped_bit_below_a_right_checksum_is_refused(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, true);
    struct sat_buf file = seal(keyring, "p", &from);
    for (size_t at = 0; at < file.len - CHECKSUM_BYTES; at++) {
        /* A higher cost would be obeyed, which only takes time: those bytes are the next test's. */
        if (at >= OPS_AT && at < SALT_AT) continue;
        if (at > HAS_ADMIN_AT + 1 && at < HAS_ADMIN_AT + 18) continue;
        uint8_t bit = (uint8_t)(1u << (at % 8));
        file.at[at] ^= bit;
        resum(&file);
        struct sat_keyring *again;
        enum sat_err err = sat_keyring_open(sat_buf_span(&file), sat_span_text("p"), &again);
        if (!err) {
            assert_true(at > HAS_ADMIN_AT);
            err = sat_keyring_open_admin(again, sat_span_text("p"));
        }
        assert_true(err == SAT_ERR_CORRUPT || err == SAT_ERR_WRONG_PASSPHRASE || err == SAT_ERR_UPGRADE_NEEDED);
        if (at < MAGIC_BYTES || at == KDF_AT || (at >= LEN_AT && at < SECRETS_AT) || at == HAS_ADMIN_AT)
            assert_int_equal(err, SAT_ERR_CORRUPT);
        sat_keyring_free(again);
        file.at[at] ^= bit;
    }
    resum(&file);
    assert_int_equal(open_err(&file, "p"), SAT_OK);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void put_u64_at(struct sat_buf *file, size_t at, uint64_t v)
{
    for (size_t i = 0; i < 8; i++) file->at[at + i] = (uint8_t)(v >> (8 * i));
    resum(file);
}

static void costs_are_bounded_and_authentic(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_buf file = seal(keyring, "p", &from);
    static const uint64_t bad_ops[] = {0, 17, UINT64_MAX}, bad_mem[] = {0, 8191, (UINT64_C(1) << 30) + 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof bad_ops / sizeof bad_ops[0]; i++) {
        put_u64_at(&file, OPS_AT, bad_ops[i]);
        assert_int_equal(open_err(&file, "p"), SAT_ERR_CORRUPT);
    }
    put_u64_at(&file, OPS_AT, 1);
    for (size_t i = 0; i < sizeof bad_mem / sizeof bad_mem[0]; i++) {
        put_u64_at(&file, MEM_AT, bad_mem[i]);
        assert_int_equal(open_err(&file, "p"), SAT_ERR_CORRUPT);
    }
    put_u64_at(&file, MEM_AT, 8192);
    assert_int_equal(open_err(&file, "p"), SAT_OK);
    put_u64_at(&file, OPS_AT, 2);
    assert_int_equal(open_err(&file, "p"), SAT_ERR_WRONG_PASSPHRASE);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void every_truncation_and_every_extension_is_corrupt(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    for (int admin = 0; admin <= 1; admin++) {
        struct sat_keyring *keyring = make(&from, admin != 0), *again;
        struct sat_buf file = seal(keyring, "p", &from);
        for (size_t len = 0; len < file.len; len++)
            assert_int_equal(sat_keyring_open(sat_span(file.at, len), sat_span_text("p"), &again), SAT_ERR_CORRUPT);
        sat_put_u8(&file, 0);
        assert_int_equal(open_err(&file, "p"), SAT_ERR_CORRUPT);
        sat_keyring_free(keyring);
        sat_buf_deinit(&file);
    }
    struct sat_buf other = {0};
    sat_put_span(&other, sat_span_text("SQLite format 3 and more of it"));
    assert_int_equal(open_err(&other, "p"), SAT_ERR_CORRUPT);
    sat_buf_deinit(&other);
}

static void a_later_version_asks_for_an_upgrade(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, false);
    struct sat_buf file = seal(keyring, "p", &from);
    file.at[MAGIC_BYTES] = 2;
    resum(&file);
    assert_int_equal(open_err(&file, "p"), SAT_ERR_UPGRADE_NEEDED);
    file.len -= CHECKSUM_BYTES; /* whatever a later one looks like, its end is a checksum */
    for (size_t i = 0; i < CHECKSUM_BYTES + 100; i++) sat_put_u8(&file, 0xee);
    resum(&file);
    assert_int_equal(open_err(&file, "p"), SAT_ERR_UPGRADE_NEEDED);
    file.len -= 100;
    file.at[MAGIC_BYTES] = 0;
    resum(&file);
    assert_int_equal(open_err(&file, "p"), SAT_ERR_CORRUPT);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
}

static void one_section_is_not_taken_for_the_other(void **state)
{
    (void)state;
    struct sat_entropy from = entropy();
    struct sat_keyring *keyring = make(&from, true);
    struct sat_buf file = seal(keyring, "p", &from), swapped = {0};
    size_t device = HAS_ADMIN_AT - HEADER_BYTES, admin = file.len - HAS_ADMIN_AT - 1 - CHECKSUM_BYTES;
    sat_put_bytes(&swapped, file.at, HEADER_BYTES);
    sat_put_bytes(&swapped, file.at + HAS_ADMIN_AT + 1, admin);
    sat_put_u8(&swapped, 1);
    sat_put_bytes(&swapped, file.at + HEADER_BYTES, device);
    for (size_t i = 0; i < CHECKSUM_BYTES; i++) sat_put_u8(&swapped, 0);
    resum(&swapped);
    assert_int_equal(open_err(&swapped, "p"), SAT_ERR_CORRUPT);
    sat_keyring_free(keyring);
    sat_buf_deinit(&file);
    sat_buf_deinit(&swapped);
}

static void the_default_cost_is_interactive(void **state)
{
    (void)state;
    struct sat_keyring_cost cost = sat_keyring_cost_default(), least = sat_keyring_cost_minimum();
    assert_int_equal(cost.ops, 2);
    assert_int_equal(cost.mem_bytes, 64 << 20);
    assert_int_equal(least.ops, 1);
    assert_int_equal(least.mem_bytes, 8192);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_keyring_has_distinct_keys_and_no_membership),
        cmocka_unit_test(the_public_keys_belong_to_the_secret_ones),
        cmocka_unit_test(a_sealed_keyring_opens_to_the_same_secrets),
        cmocka_unit_test(the_file_holds_no_secret_in_clear),
        cmocka_unit_test(an_empty_passphrase_works_and_is_not_any_other),
        cmocka_unit_test(a_wrong_passphrase_is_named_so),
        cmocka_unit_test(sealing_twice_shares_neither_salt_nor_nonce),
        cmocka_unit_test(the_admin_section_opens_by_itself),
        cmocka_unit_test(a_closed_admin_section_is_carried_over_as_it_is),
        cmocka_unit_test(sections_are_resealed_each_alone),
        cmocka_unit_test(a_flipped_bit_anywhere_is_damage_whatever_the_passphrase),
        cmocka_unit_test(a_flipped_bit_below_a_right_checksum_is_refused),
        cmocka_unit_test(costs_are_bounded_and_authentic),
        cmocka_unit_test(every_truncation_and_every_extension_is_corrupt),
        cmocka_unit_test(a_later_version_asks_for_an_upgrade),
        cmocka_unit_test(one_section_is_not_taken_for_the_other),
        cmocka_unit_test(the_default_cost_is_interactive),
    };
    return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
