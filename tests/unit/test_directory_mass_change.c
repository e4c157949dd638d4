/* Mass changes that somebody stands by: who may, for which changes, and for how long. */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, MANAGER = 3, THIEF = 1, ALL = 7 };

static bool meant(const struct world *world, uint8_t space, uint32_t device, uint64_t counter)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_meant(&world->directory, &id, (struct sat_dot){device, counter});
}

static void exactly_the_named_changes_are_meant(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    assert_false(meant(&world, EAST, 2, 10));
    must(&world, mass_change_link(&world, EAST, 2, 10, 19));
    must(&world, mass_change_link(&world, EAST, 2, 40, 40));
    for (uint64_t counter = 0; counter < 60; counter++)
        assert_int_equal(meant(&world, EAST, 2, counter), (counter >= 10 && counter <= 19) || counter == 40);
    assert_false(meant(&world, WEST, 2, 10));
    assert_false(meant(&world, EAST, 1, 10));
    assert_false(meant(&world, 99, 2, 10));
    world_deinit(&world);
}

static void it_names_a_space_a_device_and_changes_that_there_can_be(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, mass_change_link(&world, 99, 2, 1, 2), SAT_ERR_INVALID);
    refuse(&world, mass_change_link(&world, EAST, 3, 1, 2), SAT_ERR_INVALID);
    refuse(&world, mass_change_link(&world, EAST, 0, 1, 2), SAT_ERR_INVALID);
    refuse(&world, mass_change_link(&world, EAST, 2, 0, 2), SAT_ERR_INVALID);
    refuse(&world, mass_change_link(&world, EAST, 2, 3, 2), SAT_ERR_INVALID);
    refuse(&world, mass_change_link(&world, EAST, 2, 1, SAT_COUNTER_MAX + 1), SAT_ERR_INVALID);
    must(&world, mass_change_link(&world, EAST, 2, 1, SAT_COUNTER_MAX));
    world_deinit(&world);
}

static void managers_stand_by_it_in_their_spaces_and_reps_nowhere(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    act_as(&world, 2);
    refuse(&world, mass_change_link(&world, EAST, 2, 1, 2), SAT_ERR_DENIED);
    struct sat_link own = mass_change_link(&world, EAST, 2, 1, 2);
    sign_member_link(&world, &own);
    refuse(&world, own, SAT_ERR_DENIED);
    act_as(&world, 1);
    must(&world, grant_link(&world, EAST, MANAGER, ALL));
    must(&world, grant_link(&world, WEST, MANAGER, RW));
    assert_int_equal(add_device_of(&world, MANAGER), 3);
    act_as(&world, 3);
    must(&world, mass_change_link(&world, EAST, 2, 1, 2));
    refuse(&world, mass_change_link(&world, WEST, 2, 1, 2), SAT_ERR_DENIED);
    refuse(&world, mass_change_link(&world, PEOPLE, 2, 1, 2), SAT_ERR_DENIED);
    world_deinit(&world);
}

static void what_a_thief_stood_by_is_asked_about_once_it_is_repudiated(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, mass_change_link(&world, EAST, 2, 1, 5));
    uint64_t from = must(&world, mass_change_link(&world, EAST, THIEF, 1, 1000));
    assert_true(meant(&world, EAST, THIEF, 7));
    must(&world, repudiate_link(&world, THIEF, from, 1, 1));
    assert_false(meant(&world, EAST, THIEF, 7));
    assert_true(meant(&world, EAST, 2, 5));
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_named_changes_are_meant),
        cmocka_unit_test(it_names_a_space_a_device_and_changes_that_there_can_be),
        cmocka_unit_test(managers_stand_by_it_in_their_spaces_and_reps_nowhere),
        cmocka_unit_test(what_a_thief_stood_by_is_asked_about_once_it_is_repudiated),
    };
    return cmocka_run_group_tests_name("directory_mass_change", tests, NULL, NULL);
}
