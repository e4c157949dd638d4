/* Who is out, and how far he may still read; who could ever read a space. */
#include "tests/unit/directory_world.h"

static uint64_t out(const struct world *world, uint32_t device)
{
    return sat_directory_out(&world->directory, device);
}

static bool could_read(const struct world *world, uint8_t space, uint32_t device)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_could_read(&world->directory, &id, device);
}

static int set_up(void **state)
{
    static struct world world;
    world_init(&world);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    world_deinit(*state);
    return 0;
}

static void who_is_in_is_not_out(void **state)
{
    struct world *world = *state;
    assert_int_equal(out(world, 1), 0);
    assert_int_equal(out(world, 2), 0);
    assert_int_equal(out(world, 3), 0); /* nobody is that */
    assert_int_equal(out(world, 0), 0);
}

static void a_revocation_is_where_it_ends_and_a_wipe_behind_it(void **state)
{
    struct world *world = *state;
    uint64_t revoked = must(world, revoke_link(world, 2));
    must(world, user_link(world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_int_equal(out(world, 2), revoked);
    uint64_t wiped = must(world, wipe_link(world, 2));
    must(world, user_link(world, 2, SAT_ROLE_REP, ACTIVE));
    assert_int_equal(out(world, 2), wiped);
}

static void a_suspension_lasts_from_its_first_link_until_its_end(void **state)
{
    struct world *world = *state;
    must(world, role_link(world, 2, SAT_ROLE_SERVICE));
    uint64_t suspended = must(world, user_link(world, 2, SAT_ROLE_SERVICE, SUSPENDED));
    assert_int_equal(out(world, 2), suspended);
    must(world, role_link(world, 2, SAT_ROLE_REP)); /* suspended, he gets another role */
    assert_int_equal(out(world, 2), suspended);
    must(world, user_link(world, 2, SAT_ROLE_REP, ACTIVE));
    assert_int_equal(out(world, 2), 0);
    uint64_t again = must(world, user_link(world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_int_equal(out(world, 2), again);
    uint64_t revoked = must(world, revoke_link(world, 2));
    assert_int_equal(out(world, 2), revoked);
}

static void a_space_that_was_lost_could_be_read_once(void **state)
{
    struct world *world = *state;
    assert_true(could_read(world, EAST, 2));
    assert_false(could_read(world, WEST, 2));
    assert_true(could_read(world, ORG, 2));
    must(world, grant_link(world, EAST, 2, 0));
    assert_true(could_read(world, EAST, 2));
    must(world, grant_link(world, EAST, 2, 0));
    must(world, user_link(world, 2, SAT_ROLE_REP, SUSPENDED));
    must(world, revoke_link(world, 2));
    assert_true(could_read(world, EAST, 2));
    assert_false(could_read(world, WEST, 2));
    assert_false(could_read(world, 77, 2));
    assert_false(could_read(world, EAST, 77));
}

/* What was granted while he was suspended, and taken away before he came back, he never read; nor does a device read
 * what its user read before it joined. */
static void rights_that_never_met_never_were(void **state)
{
    struct world *world = *state;
    must(world, user_link(world, 2, SAT_ROLE_REP, SUSPENDED));
    must(world, grant_link(world, WEST, 2, RW));
    must(world, grant_link(world, WEST, 2, 0));
    must(world, user_link(world, 2, SAT_ROLE_REP, ACTIVE));
    assert_false(could_read(world, WEST, 2));
    must(world, grant_link(world, WEST, 2, RW));
    must(world, grant_link(world, WEST, 2, 0));
    uint32_t later = join_device(world, 2);
    assert_true(could_read(world, WEST, 2));
    assert_false(could_read(world, WEST, later));
    uint32_t waiting = join_device(world, 3); /* a manager's, not approved */
    assert_false(could_read(world, ORG, waiting));
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(who_is_in_is_not_out),
        WITH_WORLD(a_revocation_is_where_it_ends_and_a_wipe_behind_it),
        WITH_WORLD(a_suspension_lasts_from_its_first_link_until_its_end),
        WITH_WORLD(a_space_that_was_lost_could_be_read_once),
        WITH_WORLD(rights_that_never_met_never_were),
    };
    return cmocka_run_group_tests_name("directory_out", tests, NULL, NULL);
}
