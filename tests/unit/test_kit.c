#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "common/vault/kit.h"

static const uint8_t SEED[SAT_KIT_SEED_BYTES] = {1, 2, 3};

static void keys_follow_from_every_bit_of_the_seed_and_from_nothing_else(void **state)
{
    (void)state;
    struct sat_kit_keys keys, again, changed;
    sat_kit_keys_derive(SEED, &keys);
    memset(&again, 0xff, sizeof again);
    sat_kit_keys_derive(SEED, &again);
    assert_memory_equal(&keys, &again, sizeof keys);
    for (size_t bit = 0; bit < 8 * sizeof SEED; bit++) {
        uint8_t seed[SAT_KIT_SEED_BYTES];
        memcpy(seed, SEED, sizeof seed);
        seed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        sat_kit_keys_derive(seed, &changed);
        assert_memory_not_equal(keys.sign_public.b, changed.sign_public.b, 32);
        assert_memory_not_equal(keys.box_public.b, changed.box_public.b, 32);
    }
}

static void no_key_is_the_seed_or_another_key(void **state)
{
    (void)state;
    struct sat_kit_keys keys;
    sat_kit_keys_derive(SEED, &keys);
    const uint8_t *all[] = {SEED, keys.sign.b, keys.box.b, keys.sign_public.b, keys.box_public.b};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t j = 0; j < i; j++) assert_memory_not_equal(all[i], all[j], 32);
}

static void a_kits_keys_sign_and_open(void **state)
{
    (void)state;
    struct sat_kit_keys keys;
    struct sat_hash org = {{1}};
    sat_kit_keys_derive(SEED, &keys);
    struct sat_signature signature = sat_sign(&keys.sign, "link", &org, sat_span_text("recovery"));
    assert_int_equal(sat_verify(&keys.sign_public, "link", &org, sat_span_text("recovery"), &signature), SAT_OK);
    uint8_t sealed[crypto_box_SEALBYTES + 32], opened[32];
    assert_int_equal(crypto_box_seal(sealed, org.b, 32, keys.box_public.b), 0);
    assert_int_equal(crypto_box_seal_open(opened, sealed, sizeof sealed, keys.box_public.b, keys.box.b), 0);
    assert_memory_equal(opened, org.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_from_every_bit_of_the_seed_and_from_nothing_else),
        cmocka_unit_test(no_key_is_the_seed_or_another_key),
        cmocka_unit_test(a_kits_keys_sign_and_open),
    };
    return cmocka_run_group_tests_name("kit", tests, NULL, NULL);
}
