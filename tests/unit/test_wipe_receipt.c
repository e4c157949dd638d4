#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "common/proof/wipe_receipt.h"

static const struct sat_hash ORG = {{0x0a, 1}}, OTHER_ORG = {{0x0a, 2}};
static const uint8_t SEED[32] = {0x5e, 0xed};
enum { DEVICE = 7 };

static void a_receipt_holds_for_what_it_says_alone(void **state)
{
    (void)state;
    struct sat_public_key key;
    struct sat_sign_key secret;
    sat_sign_keypair(SEED, &key, &secret);
    struct sat_wipe_receipt receipt = {.wipe_seq = 12, .time_ms = 1767225600000};
    sat_wipe_receipt_sign(&receipt, &ORG, DEVICE, &secret);
    assert_int_equal(sat_wipe_receipt_verify(&receipt, &ORG, DEVICE, &key), SAT_OK);
    assert_int_equal(sat_wipe_receipt_verify(&receipt, &ORG, DEVICE + 1, &key), SAT_ERR_TAMPERED);
    assert_int_equal(sat_wipe_receipt_verify(&receipt, &OTHER_ORG, DEVICE, &key), SAT_ERR_TAMPERED);
    struct sat_wipe_receipt later = receipt, elsewhere = receipt;
    later.time_ms++;
    elsewhere.wipe_seq++;
    assert_int_equal(sat_wipe_receipt_verify(&later, &ORG, DEVICE, &key), SAT_ERR_TAMPERED);
    assert_int_equal(sat_wipe_receipt_verify(&elsewhere, &ORG, DEVICE, &key), SAT_ERR_TAMPERED);
    receipt.signature.b[5] ^= 1;
    assert_int_equal(sat_wipe_receipt_verify(&receipt, &ORG, DEVICE, &key), SAT_ERR_TAMPERED);
}

/* By the layout that the header documents, put together by hand. */
static void a_receipt_is_as_documented(void **state)
{
    (void)state;
    struct sat_public_key key;
    struct sat_sign_key secret;
    sat_sign_keypair(SEED, &key, &secret);
    struct sat_wipe_receipt receipt = {.wipe_seq = 0x0102, .time_ms = 0x0304};
    sat_wipe_receipt_sign(&receipt, &ORG, DEVICE, &secret);
    static const char label[] = "satchel/1/wiped";
    uint8_t statement[1 + 15 + 32 + 4 + 8 + 8] = {15};
    memcpy(statement + 1, label, 15);
    memcpy(statement + 16, ORG.b, 32);
    statement[48] = DEVICE;
    statement[52] = 0x02, statement[53] = 0x01;
    statement[60] = 0x04, statement[61] = 0x03;
    assert_int_equal(crypto_sign_verify_detached(receipt.signature.b, statement, sizeof statement, key.b), 0);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_holds_for_what_it_says_alone),
        cmocka_unit_test(a_receipt_is_as_documented),
    };
    return cmocka_run_group_tests_name("wipe receipt", tests, NULL, NULL);
}
