/* Who tries invites learns nothing from the answer, nor from the time that it takes. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/story/raw.h"

static struct world world;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 41, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* Of our own processor's time: that others are busy changes little. */
static uint64_t spent_ns(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A signature that is one, by a key that has nothing to do with it: the library refuses most random bytes at once. */
static struct sat_message attempt(const struct sat_hash *invite)
{
    const struct sat_directory *directory = sat_host_directory(world.host);
    struct sat_auth auth = {.server = sat_sign_public(&world.server_key)};
    struct sat_public_key public_key;
    struct sat_sign_key key;
    uint8_t seed[32];
    sat_entropy_fill(&world.dice, seed, sizeof seed);
    sat_sign_keypair(seed, &public_key, &key);
    struct sat_signature signature = sat_auth_sign(&auth, &directory->org, &key);
    struct sat_message message = {.type = SAT_MESSAGE_AUTH_INVITE};
    memcpy(message.as.AUTH_INVITE.invite, invite->b, sizeof invite->b);
    memcpy(message.as.AUTH_INVITE.signature, signature.b, sizeof signature.b);
    return message;
}

/* How long the server took to refuse it. */
static uint64_t refusal_ns(const struct sat_hash *invite)
{
    struct sat_message message = attempt(invite);
    struct raw raw;
    raw_open(&raw, &world);
    uint64_t start_ns = spent_ns();
    raw_say(&raw, &message);
    uint64_t took_ns = spent_ns() - start_ns;
    const struct sat_message *answer = raw_hear(&raw, SAT_MESSAGE_ERROR);
    assert_non_null(answer);
    assert_int_equal(answer->as.ERROR.error, SAT_ERR_DENIED);
    assert_int_equal(answer->as.ERROR.retry_ms, 0);
    assert_int_equal(answer->as.ERROR.text.len, strlen("there is no such invite"));
    assert_memory_equal(answer->as.ERROR.text.at, "there is no such invite", answer->as.ERROR.text.len);
    raw_end(&raw);
    return took_ns;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* In turn, so that what disturbs disturbs both; and the one in the middle, which no single odd reading moves. */
static bool take_as_long(const struct sat_hash *there, struct sat_hash nowhere)
{
    enum { ATTEMPTS = 300 };
    uint64_t there_ns[ATTEMPTS], nowhere_ns[ATTEMPTS];
    for (uint32_t i = 0; i < ATTEMPTS; i++) {
        nowhere.b[i % 32] = (uint8_t)(there->b[i % 32] + 1 + i / 32);
        there_ns[i] = refusal_ns(there);
        nowhere_ns[i] = refusal_ns(&nowhere);
    }
    qsort(there_ns, ATTEMPTS, sizeof there_ns[0], compare_times);
    qsort(nowhere_ns, ATTEMPTS, sizeof nowhere_ns[0], compare_times);
    uint64_t a = there_ns[ATTEMPTS / 2], b = nowhere_ns[ATTEMPTS / 2];
    print_message("an invite that is there: %.1f us, one that is not: %.1f us\n", (double)a / 1000, (double)b / 1000);
    return b * 5 > a * 4 && a * 5 > b * 4;
}

/* A difference that the program makes is there each time. */
static void an_invite_that_is_there_and_one_that_is_not_are_refused_alike_and_as_slowly(void **state)
{
    (void)state;
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&code, &keys);
    struct sat_hash there = sat_invite_id(&keys.sign_public, &keys.box_public);
    assert_non_null(sat_directory_invite(sat_host_directory(world.host), &there));
    bool alike = false;
    for (int i = 0; i < 5 && !alike; i++) alike = take_as_long(&there, there);
    assert_true(alike);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(an_invite_that_is_there_and_one_that_is_not_are_refused_alike_and_as_slowly),
    };
#undef STORY
    return cmocka_run_group_tests_name("guessing", tests, NULL, NULL);
}
