#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/kit.h"

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

static void a_page_is_read_back_however_it_is_typed(void **state)
{
    (void)state;
    struct client_kit kit = {.org_name = "Key & Sons", .server_url = "wss://x:1", .org = {{7}}, .server = {{9}}}, read;
    uint8_t seed[SAT_KIT_SEED_BYTES];
    struct sat_fault fault = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    char *page = client_kit_page(&kit, SEED);
    char *key = strstr(page, "Key (");
    for (char *at = strchr(key, '\n'); *at; at++) { /* capital letters, O for 0, l for 1 */
        if (*at >= 'a' && *at <= 'f') *at = (char)(*at - 'a' + 'A');
        if (*at == '0') *at = 'O';
        if (*at == '1') *at = 'l';
    }
    assert_int_equal(client_kit_parse(page, &arena, &read, seed, &fault), SAT_OK);
    assert_memory_equal(seed, SEED, sizeof seed);
    assert_memory_equal(&read.org, &kit.org, sizeof kit.org);
    assert_memory_equal(&read.server, &kit.server, sizeof kit.server);
    assert_string_equal(read.org_name, kit.org_name);
    assert_string_equal(read.server_url, kit.server_url);
    char *mark = strstr(page, "\nKit "), *end = strchr(mark + 1, '\n');
    memmove(mark, end, strlen(end) + 1); /* as pages were before */
    assert_int_equal(client_kit_parse(page, &arena, &read, seed, &fault), SAT_OK);
    assert_string_equal(read.server_url, kit.server_url);
    key = strstr(page, "Key (");
    assert_int_equal(client_kit_parse(key, &arena, &read, seed, &fault), SAT_OK); /* the key alone */
    assert_true(sat_hash_is_zero(&read.org) && !read.server_url);
    free(page);
    sat_arena_deinit(&arena);
}

static void every_wrong_digit_and_every_cut_of_a_page_is_told(void **state)
{
    (void)state;
    struct client_kit kit = {.org_name = "N", .server_url = "wss://x:1"}, read;
    uint8_t seed[SAT_KIT_SEED_BYTES];
    struct sat_fault fault = {0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    char *page = client_kit_page(&kit, SEED), *key = strchr(strstr(page, "Key ("), '\n');
    for (char *at = key; *at; at++) {
        char digit = *at;
        if (!strchr("0123456789abcdef", digit)) continue;
        *at = digit == '7' ? '8' : '7';
        assert_int_equal(client_kit_parse(page, &arena, &read, seed, &fault), SAT_ERR_INVALID);
        *at = '\0';
        assert_int_equal(client_kit_parse(page, &arena, &read, seed, &fault), SAT_ERR_INVALID);
        *at = digit;
    }
    assert_int_equal(client_kit_parse("", &arena, &read, seed, &fault), SAT_ERR_INVALID);
    free(page);
    sat_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_follow_from_every_bit_of_the_seed_and_from_nothing_else),
        cmocka_unit_test(no_key_is_the_seed_or_another_key),
        cmocka_unit_test(a_kits_keys_sign_and_open),
        cmocka_unit_test(a_page_is_read_back_however_it_is_typed),
        cmocka_unit_test(every_wrong_digit_and_every_cut_of_a_page_is_told),
    };
    return cmocka_run_group_tests_name("kit", tests, NULL, NULL);
}
