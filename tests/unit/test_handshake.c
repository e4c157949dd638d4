#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "common/proof/handshake.h"
#include "common/proof/hash.h"

static const struct sat_hash ORG = {{0x0a, 1}};
static const uint8_t SEED[32] = {0x5e, 0xed};

/* A part of a struct that a signature must cover. */
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

static int start(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

static struct sat_hello make_hello(void)
{
    struct sat_hello hello = {.time_ms = 1767225600000, .dir_seq = 12};
    memset(hello.client_nonce, 1, sizeof hello.client_nonce);
    memset(hello.server_nonce, 2, sizeof hello.server_nonce);
    memset(hello.dir_hash.b, 3, sizeof hello.dir_hash.b);
    hello.binding = sat_binding_tls_key(sat_span_text("a public key"));
    return hello;
}

static struct sat_auth make_auth(uint32_t device)
{
    struct sat_auth auth = {.device = device, .dir_seq = 12};
    memset(auth.server.b, 4, sizeof auth.server.b);
    memset(auth.client_nonce, 1, sizeof auth.client_nonce);
    memset(auth.server_nonce, 2, sizeof auth.server_nonce);
    memset(auth.dir_hash.b, 3, sizeof auth.dir_hash.b);
    return auth;
}

static void every_part_of_a_hello_is_signed(void **state)
{
    (void)state;
    struct sat_public_key server;
    struct sat_sign_key key;
    sat_sign_keypair(SEED, &server, &key);
    struct sat_hello hello = make_hello();
    struct sat_hash org = ORG;
    struct sat_signature signature = sat_hello_sign(&hello, &org, &key);
    struct part parts[] = {PART(hello.client_nonce),
                           PART(hello.server_nonce),
                           PART(hello.time_ms),
                           PART(hello.dir_seq),
                           PART(hello.dir_hash),
                           PART(hello.binding.kind),
                           PART(hello.binding.hash),
                           PART(org),
                           PART(server),
                           PART(signature)};
    assert_int_equal(sat_hello_verify(&hello, &org, &server, &signature), SAT_OK);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            assert_int_equal(sat_hello_verify(&hello, &org, &server, &signature), SAT_ERR_TAMPERED);
            flip(parts[i], byte);
        }
}

static void expect_every_part_of_an_auth_to_be_signed(uint32_t device)
{
    struct sat_public_key public_key;
    struct sat_sign_key key;
    sat_sign_keypair(SEED, &public_key, &key);
    struct sat_auth auth = make_auth(device);
    struct sat_hash org = ORG;
    struct sat_signature signature = sat_auth_sign(&auth, &org, &key);
    struct part parts[] = {PART(auth.server),       PART(auth.client_nonce), PART(auth.server_nonce),
                           PART(auth.device),       PART(auth.dir_seq),      PART(auth.dir_hash),
                           PART(auth.binding.kind), PART(auth.binding.hash), PART(org),
                           PART(public_key),        PART(signature)};
    assert_int_equal(sat_auth_verify(&auth, &org, &public_key, &signature), SAT_OK);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t byte = 0; byte < parts[i].len; byte++) {
            flip(parts[i], byte);
            assert_int_equal(sat_auth_verify(&auth, &org, &public_key, &signature), SAT_ERR_TAMPERED);
            flip(parts[i], byte);
        }
}

static void every_part_of_an_auth_is_signed(void **state)
{
    (void)state;
    expect_every_part_of_an_auth_to_be_signed(7);
    expect_every_part_of_an_auth_to_be_signed(0);
}

static void what_invites_and_kits_sign_has_labels_of_their_own(void **state)
{
    (void)state;
    struct sat_public_key public_key;
    struct sat_sign_key key;
    sat_sign_keypair(SEED, &public_key, &key);
    struct sat_auth auth = make_auth(0);
    struct sat_signature signature = sat_auth_sign(&auth, &ORG, &key);
    struct sat_buf statement; /* the documented layout, by hand */
    sat_buf_init(&statement);
    sat_put_bytes(&statement, auth.server.b, 32);
    sat_put_bytes(&statement, auth.client_nonce, 32);
    sat_put_bytes(&statement, auth.server_nonce, 32);
    sat_put_u32(&statement, 0);
    sat_put_u64(&statement, 12);
    sat_put_bytes(&statement, auth.dir_hash.b, 32);
    sat_put_u8(&statement, SAT_BINDING_NONE);
    sat_put_bytes(&statement, auth.binding.hash.b, 32);
    assert_int_equal(sat_verify(&public_key, "auth-invite", &ORG, sat_buf_span(&statement), &signature), SAT_OK);
    assert_int_equal(sat_verify(&public_key, "auth", &ORG, sat_buf_span(&statement), &signature), SAT_ERR_TAMPERED);
    auth.kit = true;
    assert_int_equal(sat_auth_verify(&auth, &ORG, &public_key, &signature), SAT_ERR_TAMPERED);
    signature = sat_auth_sign(&auth, &ORG, &key);
    assert_int_equal(sat_verify(&public_key, "auth-kit", &ORG, sat_buf_span(&statement), &signature), SAT_OK);
    assert_int_equal(sat_auth_verify(&auth, &ORG, &public_key, &signature), SAT_OK);
    auth.kit = false;
    assert_int_equal(sat_auth_verify(&auth, &ORG, &public_key, &signature), SAT_ERR_TAMPERED);
    sat_buf_deinit(&statement);
}

static void a_tls_key_binds_by_its_hash(void **state)
{
    (void)state;
    struct sat_binding binding = sat_binding_tls_key(sat_span_text("a public key"));
    struct sat_hash expected = sat_hash("tls-key", sat_span_text("a public key"));
    assert_int_equal(binding.kind, SAT_BINDING_TLS_KEY);
    assert_true(sat_hash_equal(&binding.hash, &expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_hello_is_signed),
        cmocka_unit_test(every_part_of_an_auth_is_signed),
        cmocka_unit_test(what_invites_and_kits_sign_has_labels_of_their_own),
        cmocka_unit_test(a_tls_key_binds_by_its_hash),
    };
    return cmocka_run_group_tests_name("handshake", tests, start, NULL);
}
