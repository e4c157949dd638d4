#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/proof/link.h"
#include "common/vault/invite.h"

static struct sat_arena arena;

static int set_up(void **state)
{
    (void)state;
    sat_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    return 0;
}

static struct sat_invite_code example(const char *url)
{
    struct sat_invite_code code = {.dir_seq = 4711};
    (void)snprintf(code.url, sizeof code.url, "%s", url);
    memset(code.server.b, 0x5e, sizeof code.server.b);
    memset(code.org.b, 0x0a, sizeof code.org.b);
    memset(code.dir_hash, 0xd1, sizeof code.dir_hash);
    for (size_t i = 0; i < sizeof code.secret; i++) code.secret[i] = (uint8_t)(i * 17);
    return code;
}

/* What the parser says about a text that it refuses. */
static const char *refusal(const char *text)
{
    static struct sat_fault fault;
    struct sat_invite_code code;
    fault = (struct sat_fault){0};
    assert_int_equal(sat_invite_code_parse(text, &code, &fault), SAT_ERR_INVALID);
    assert_int_equal(fault.err, SAT_ERR_INVALID);
    assert_true(sodium_is_zero((const uint8_t *)&code, sizeof code));
    return fault.text;
}

static void assert_says(const char *text, const char *word)
{
    const char *said = refusal(text);
    if (!strstr(said, word)) fail_msg("'%s' does not say '%s'", said, word);
}

static void assert_same(const struct sat_invite_code *a, const struct sat_invite_code *b)
{
    assert_string_equal(a->url, b->url);
    assert_memory_equal(a->server.b, b->server.b, 32);
    assert_memory_equal(a->org.b, b->org.b, 32);
    assert_int_equal(a->dir_seq, b->dir_seq);
    assert_memory_equal(a->dir_hash, b->dir_hash, 16);
    assert_memory_equal(a->secret, b->secret, 16);
}

static void a_code_reads_back_as_it_was(void **state)
{
    (void)state;
    char longest[SAT_URL_BYTES_MAX + 1];
    memset(longest, 'u', SAT_URL_BYTES_MAX);
    longest[SAT_URL_BYTES_MAX] = 0;
    const char *urls[] = {"w", "wss://satchel.example:8443", "wss://[2001:db8::1]:443/x", longest};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct sat_invite_code code = example(urls[i]), again;
        assert_int_equal(sat_invite_code_parse(sat_invite_code_format(&code, &arena), &again, NULL), SAT_OK);
        assert_same(&code, &again);
    }
}

static void a_code_is_one_word_that_begins_with_its_name(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://satchel.example");
    for (unsigned i = 0; i < 256; i++) {
        memset(code.secret, (int)i, sizeof code.secret);
        const char *text = sat_invite_code_format(&code, &arena);
        assert_memory_equal(text, "satchel1", 8); /* never '-', which a command line would take for an option */
        for (const char *at = text; *at; at++)
            assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", *at));
    }
}

static void white_space_around_a_code_is_ignored(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://satchel.example"), again;
    const char *text = sat_invite_code_format(&code, &arena);
    const char *padded = sat_arena_format(&arena, " \t\r\n%s\n \v\f", text);
    assert_int_equal(sat_invite_code_parse(padded, &again, NULL), SAT_OK);
    assert_same(&code, &again);
    assert_says(sat_arena_format(&arena, "%.20s %s", text, text + 20), "damaged");
}

static void a_wrong_character_anywhere_is_named_as_damage(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://satchel.example");
    char *text = sat_arena_format(&arena, "%s", sat_invite_code_format(&code, &arena));
    for (size_t at = 7; text[at]; at++) {
        char right = text[at];
        for (const char *wrong = "Aa0-_.*"; *wrong; wrong++) {
            if (*wrong == right) continue;
            text[at] = *wrong;
            assert_says(text, "damaged");
        }
        text[at] = right;
    }
    assert_int_equal(sat_invite_code_parse(text, &code, NULL), SAT_OK);
}

static void a_missing_doubled_or_swapped_character_is_damage(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://satchel.example");
    const char *text = sat_invite_code_format(&code, &arena);
    size_t len = strlen(text);
    for (size_t at = 8; at < len; at++) {
        assert_says(sat_arena_format(&arena, "%.*s%s", (int)at, text, text + at + 1), "damaged");
        assert_says(sat_arena_format(&arena, "%.*s%s", (int)at + 1, text, text + at), "damaged");
        assert_says(sat_arena_format(&arena, "%.*s", (int)at, text), "damaged");
        if (at + 1 == len || text[at] == text[at + 1]) continue;
        assert_says(sat_arena_format(&arena, "%.*s%c%c%s", (int)at, text, text[at + 1], text[at], text + at + 2),
                    "damaged");
    }
}

static void what_is_no_code_is_said_to_be_none(void **state)
{
    (void)state;
    const char *texts[] = {"", "   ", "satchel", "hello", "wss://satchel.example", "--help", "Satchel1AQAB"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) assert_says(texts[i], "no invite code");
    assert_says("satchel1", "damaged");
    assert_says("satchel2AQAB", "later version");
}

/* A code with any bytes inside and the checksum right. */
static const char *forge(struct sat_buf *bytes)
{
    struct sat_hash hash;
    uint8_t message[4096] = {14};
    memcpy(message + 1, "satchel/1/code", 14);
    memcpy(message + 15, bytes->at, bytes->len);
    crypto_generichash(hash.b, 32, message, 15 + bytes->len, NULL, 0);
    sat_put_bytes(bytes, hash.b, 4);
    char text[8192];
    sodium_bin2base64(text, sizeof text, bytes->at, bytes->len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sat_buf_deinit(bytes);
    return sat_arena_format(&arena, "satchel1%s", text);
}

static const char *forge_code(uint8_t version, const char *url, size_t url_len, size_t tail)
{
    struct sat_buf bytes = {0};
    sat_put_u8(&bytes, version);
    sat_put_u16(&bytes, (uint16_t)url_len);
    sat_put_bytes(&bytes, url, url_len);
    for (size_t i = 0; i < tail; i++) sat_put_u8(&bytes, (uint8_t)i);
    return forge(&bytes);
}

static void a_well_summed_code_with_bad_contents_is_refused(void **state)
{
    (void)state;
    enum { TAIL = 32 + 32 + 8 + 16 + 16 };
    static const char long_url[300] = {'u'};
    struct sat_invite_code code;
    assert_int_equal(sat_invite_code_parse(forge_code(1, "wss://a", 7, TAIL), &code, NULL), SAT_OK);
    assert_says(forge_code(2, "wss://a", 7, TAIL), "later version");
    assert_says(forge_code(1, "", 0, TAIL), "well formed");
    assert_says(forge_code(1, "wss://a\033[2J", 11, TAIL), "well formed");
    assert_says(forge_code(1, "wss://a\0b", 9, TAIL), "well formed");
    assert_says(forge_code(1, "wss://a b", 9, TAIL), "well formed");
    assert_says(forge_code(1, "wss://a", 7, TAIL - 1), "well formed");
    assert_says(forge_code(1, "wss://a", 7, TAIL + 1), "well formed");
    refusal(forge_code(1, long_url, 256, TAIL));
    refusal(forge_code(1, long_url, sizeof long_url, TAIL));
}

static void keys_follow_from_the_secret_and_the_org_alone(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://a"), other = example("wss://b");
    struct sat_invite_keys keys, again, elsewhere, changed;
    other.dir_seq = 9;
    memset(other.server.b, 1, 32);
    sat_invite_keys_derive(&code, &keys);
    sat_invite_keys_derive(&other, &again);
    assert_memory_equal(&keys, &again, sizeof keys);
    other.org.b[31] ^= 1;
    sat_invite_keys_derive(&other, &elsewhere);
    assert_memory_not_equal(keys.sign_public.b, elsewhere.sign_public.b, 32);
    assert_memory_not_equal(keys.box_public.b, elsewhere.box_public.b, 32);
    code.secret[0] ^= 1;
    sat_invite_keys_derive(&code, &changed);
    assert_memory_not_equal(keys.sign_public.b, changed.sign_public.b, 32);
    assert_memory_not_equal(keys.box_public.b, changed.box_public.b, 32);
}

static void an_invites_keys_sign_and_open(void **state)
{
    (void)state;
    struct sat_invite_code code = example("wss://a");
    struct sat_invite_keys keys;
    struct sat_hash org = {{1}};
    sat_invite_keys_derive(&code, &keys);
    struct sat_signature signature = sat_sign(&keys.sign, "link", &org, sat_span_text("join"));
    assert_int_equal(sat_verify(&keys.sign_public, "link", &org, sat_span_text("join"), &signature), SAT_OK);
    uint8_t sealed[crypto_box_SEALBYTES + 32], opened[32];
    assert_int_equal(crypto_box_seal(sealed, org.b, 32, keys.box_public.b), 0);
    assert_int_equal(crypto_box_seal_open(opened, sealed, sizeof sealed, keys.box_public.b, keys.box.b), 0);
    assert_memory_equal(opened, org.b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_reads_back_as_it_was),
        cmocka_unit_test(a_code_is_one_word_that_begins_with_its_name),
        cmocka_unit_test(white_space_around_a_code_is_ignored),
        cmocka_unit_test(a_wrong_character_anywhere_is_named_as_damage),
        cmocka_unit_test(a_missing_doubled_or_swapped_character_is_damage),
        cmocka_unit_test(what_is_no_code_is_said_to_be_none),
        cmocka_unit_test(a_well_summed_code_with_bad_contents_is_refused),
        cmocka_unit_test(keys_follow_from_the_secret_and_the_org_alone),
        cmocka_unit_test(an_invites_keys_sign_and_open),
    };
    return cmocka_run_group_tests_name("invite", tests, set_up, tear_down);
}
