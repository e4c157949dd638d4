/* Links that are given back to a server, spoken by hand: it takes what it has countersigned, and nothing else changes
 * anything. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/raw.h"

static struct world world;
static struct world_device *admin;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 79, 1);
    admin = &world.devices[0];
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* The admin's next link, as a member of the RETURN_LINKS of somebody who has not said who it is. */
static enum sat_err stranger_returns(uint64_t behind, bool countersigned_by_a_thief)
{
    struct raw raw;
    struct raw_links links;
    struct sat_buf item;
    struct sat_countersign sign = {.time_ms = world.now_ms};
    uint8_t seed[32] = {7};
    struct sat_public_key public_key;
    struct sat_sign_key thief;
    sat_sign_keypair(seed, &public_key, &thief);
    raw_links_begin(&links, &world);
    raw_links_user(&links, admin, sat_host_directory(world.host)->users_n + 1, SAT_ROLE_REP, 1);
    if (countersigned_by_a_thief)
        sat_countersign(&links.at[0], world.now_ms, &sat_host_directory(world.host)->org, &thief, &sign);
    sat_buf_init(&item);
    sat_put_u64(&item, sign.time_ms);
    sat_put_bytes(&item, sign.signature.b, sizeof sign.signature.b);
    sat_link_encode(&links.at[0], &item);
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_RETURN_LINKS};
    message.as.RETURN_LINKS.first_seq = sat_host_directory(world.host)->seq + behind;
    message.as.RETURN_LINKS.links = (struct sat_list){&span, 1};
    raw_open(&raw, &world);
    raw_say(&raw, &message);
    assert_true(raw.closed);
    enum sat_err err = raw.err;
    raw_end(&raw);
    sat_buf_deinit(&item);
    raw_links_end(&links);
    return err;
}

static void a_link_that_the_server_never_countersigned_is_refused_and_stops_nobody(void **state)
{
    (void)state;
    struct raw raw;
    struct raw_links links;
    uint64_t before = sat_host_directory(world.host)->seq;
    assert_int_equal(stranger_returns(1, false), SAT_ERR_TAMPERED);
    assert_int_equal(stranger_returns(1, true), SAT_ERR_TAMPERED);
    assert_int_equal(stranger_returns(2, false), SAT_ERR_MALFORMED); /* its own position says another */
    assert_int_equal(sat_host_directory(world.host)->seq, before);
    /* The server was never set back, and waits for nobody's word. */
    raw_links_begin(&links, &world);
    raw_links_user(&links, admin, sat_host_directory(world.host)->users_n + 1, SAT_ROLE_REP, 1);
    raw_enter(&raw, &world, admin);
    assert_int_equal(raw_append(&raw, &links), SAT_OK);
    raw_end(&raw);
    raw_links_end(&links);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_that_the_server_never_countersigned_is_refused_and_stops_nobody, begin,
                                        end),
    };
    return cmocka_run_group_tests_name("links_returned", tests, NULL, NULL);
}
