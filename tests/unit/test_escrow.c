/* The escrow at the library: what letting in much at once costs. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/wire/message.h"
#include "tests/unit/client_world.h"

enum { BOBS_DEVICE = 2, BUNDLES = 6 };

static uint32_t escrow_asked; /* how often anybody asked the server for it */

static void hear(struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    if (!sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message))
        escrow_asked += message.type == SAT_MESSAGE_ESCROW_GET;
    sat_arena_deinit(&arena);
}

static struct satchel *open_as(const char *name)
{
    char home[128];
    struct satchel *satchel = NULL;
    struct satchel_error error;
    struct satchel_open_options options = test_options();
    (void)!satchel_open(home_of(name, home), &options, &satchel, &error);
    return satchel;
}

static void put(struct satchel *bob, const char *territory, const char *fields)
{
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, territory, fields);
}

/* Bob's home is there twice, and he is out: what the one handed in has numbers that the other has given out. A bundle
 * is of one territory. */
static int make_org(void **state)
{
    char command[400], one[128], other[128];
    struct satchel_sync_result result;
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Bob", 0));
    struct satchel *bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    satchel_close(bob);
    (void)snprintf(command, sizeof command, "cp -r %s %s", home_of("bob", one), home_of("twin", other));
    if (system(command)) return -1;
    bob = open_as("bob");
    for (uint32_t i = 0; i < BUNDLES; i++) put(bob, "Northern", "{\"name\":\"Sent\"}");
    (void)sync_now(bob);
    must(ann, satchel_device_revoke(ann, BOBS_DEVICE, 0));
    struct satchel *twin = open_as("twin");
    for (uint32_t i = 0; i < BUNDLES; i++)
        put(twin, i % 2 ? "Southern" : "Northern", i % 2 ? "{\"name\":\"South\"}" : "{\"name\":\"North\"}");
    must_fail(twin, satchel_sync(twin, NULL, &result), "revoked", "revoked");
    satchel_close(twin);
    satchel_close(bob);
    satchel_close(ann);
    return 0;
}

static void what_is_let_in_as_copies_is_fetched_once(void **state)
{
    (void)state;
    uint64_t numbers[BUNDLES];
    struct satchel *ann = open_as("ann");
    struct rows rows = {0};
    must(ann, satchel_escrow(ann, collect_row, &rows));
    assert_int_equal(rows.n, BUNDLES);
    for (uint32_t i = 0; i < BUNDLES; i++) numbers[i] = i + 1;
    the_world.hear = hear;
    escrow_asked = 0;
    must(ann, satchel_escrow_decide(ann, numbers, BUNDLES, 1));
    the_world.hear = NULL;
    assert_int_equal(escrow_asked, 2); /* what was asked for; and all that may stand before it */
    assert_rows(ann, "select name, count(*) n from account group by name order by name",
                "{\"name\":\"North\",\"n\":3}\n{\"name\":\"Sent\",\"n\":6}\n{\"name\":\"South\",\"n\":3}");
    satchel_close(ann);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_let_in_as_copies_is_fetched_once, make_org, drop_client_world),
    };
    return cmocka_run_group_tests_name("escrow", tests, NULL, NULL);
}
