/* Expulsion: who may say that a device was silent for too long, of which, when, and what comes of it. */
#include "tests/unit/directory_world.h"

enum { MANAGER = 3, DAYS = 180 };
#define DAY (24 * HOUR_MS)

/* Since every device of it joined. */
static void world_after(struct world *world, uint64_t days)
{
    world_init(world);
    world->now_ms += days * DAY;
}

static uint64_t expelled(const struct world *world, uint32_t device)
{
    uint64_t seq;
    bool is = sat_directory_expelled(&world->directory, device, &seq);
    assert_int_equal(is, seq != 0);
    assert_int_equal(is, sat_directory_expelled(&world->directory, device, NULL));
    return seq;
}

static bool may(const struct world *world, uint32_t author, uint32_t device)
{
    return sat_directory_may_expel(&world->directory, author, device, world->now_ms);
}

static void an_admins_device_says_it_with_its_own_key_alone(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    assert_int_equal(expelled(&world, 2), 0);
    struct sat_link link = expel_link(&world, 2);
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_MALFORMED); /* a signature that is not asked for */
    assert_true(may(&world, 1, 2));
    uint64_t seq = must(&world, expel_link(&world, 2));
    assert_int_equal(expelled(&world, 2), seq);
    assert_int_equal(expelled(&world, 1), 0);
    assert_int_equal(expelled(&world, 0), 0);
    assert_int_equal(expelled(&world, 99), 0);
    world_deinit(&world);
}

static void it_takes_nothing_from_the_device(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    struct sat_space_id east = space_id(EAST);
    must(&world, expel_link(&world, 2));
    const struct sat_device *device = sat_directory_device(&world.directory, 2);
    assert_int_equal(device->revoked_seq, 0);
    assert_int_equal(sat_directory_device_rights(&world.directory, &east, 2, world.directory.seq), RW);
    assert_int_equal(sat_directory_owed(&world.directory, &east, world.now_ms), 0);
    act_as(&world, 2);
    must(&world, epoch_link(&world, EAST, 2));
    world_deinit(&world);
}

static void reps_auditors_and_managers_of_others_may_not(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, grant_link(&world, EAST, MANAGER, RW | SAT_RIGHT_MANAGE));
    assert_int_equal(add_device_of(&world, MANAGER), 3);
    world.now_ms += DAYS * DAY;
    act_as(&world, 2);
    refuse(&world, expel_link(&world, 1), SAT_ERR_DENIED);
    refuse(&world, expel_link(&world, 3), SAT_ERR_DENIED);
    assert_false(may(&world, 2, 1));
    act_as(&world, 3);
    refuse(&world, expel_link(&world, 1), SAT_ERR_DENIED); /* an admin's */
    assert_true(may(&world, 3, 2));
    act_as(&world, 1);
    must(&world, grant_link(&world, WEST, 2, RW)); /* where the manager does not manage */
    act_as(&world, 3);
    refuse(&world, expel_link(&world, 2), SAT_ERR_DENIED);
    assert_false(may(&world, 3, 2));
    act_as(&world, 1);
    must(&world, grant_link(&world, WEST, 2, 0));
    act_as(&world, 3);
    must(&world, expel_link(&world, 2));
    world_deinit(&world);
}

/* Its user was made an admin later: it has no admin key, and does nothing of an admin's. */
static void an_admins_device_without_an_admin_key_may_not(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, role_link(&world, 2, SAT_ROLE_ADMIN));
    world.now_ms += DAYS * DAY;
    act_as(&world, 2);
    refuse(&world, expel_link(&world, 1), SAT_ERR_DENIED);
    assert_false(may(&world, 2, 1));
    world_deinit(&world);
}

static void nobody_may_before_the_policys_days_are_over(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    world.now_ms--;
    refuse_saying(&world, expel_link(&world, 2), SAT_ERR_INVALID, "180 days");
    assert_false(may(&world, 1, 2));
    must(&world, policy_link(&world, SAT_POLICY_SILENT_DAYS, 0));
    world.now_ms += 10000 * DAY;
    refuse_saying(&world, expel_link(&world, 2), SAT_ERR_INVALID, "for ever");
    assert_false(may(&world, 1, 2));
    must(&world, policy_link(&world, SAT_POLICY_SILENT_DAYS, 30));
    must(&world, expel_link(&world, 2));
    world_deinit(&world);
}

static void who_signed_a_link_since_was_not_silent(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, 100);
    act_as(&world, 2);
    must(&world, epoch_link(&world, EAST, 2));
    act_as(&world, 1);
    world.now_ms += 179 * DAY;
    refuse(&world, expel_link(&world, 2), SAT_ERR_INVALID);
    world.now_ms += DAY;
    must(&world, expel_link(&world, 2));
    world_deinit(&world);
}

static void it_is_said_again_only_after_as_long_a_silence(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    uint64_t first = must(&world, expel_link(&world, 2));
    refuse(&world, expel_link(&world, 2), SAT_ERR_INVALID);
    world.now_ms += (DAYS - 1) * DAY;
    refuse(&world, expel_link(&world, 2), SAT_ERR_INVALID);
    assert_int_equal(expelled(&world, 2), first);
    world.now_ms += DAY;
    uint64_t second = must(&world, expel_link(&world, 2));
    assert_int_equal(expelled(&world, 2), second);
    world_deinit(&world);
}

static void it_names_another_device_that_is_waited_for(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    refuse(&world, expel_link(&world, 0), SAT_ERR_INVALID);
    refuse(&world, expel_link(&world, 3), SAT_ERR_INVALID);
    refuse(&world, expel_link(&world, 1), SAT_ERR_INVALID); /* itself */
    assert_false(may(&world, 1, 1));
    must(&world, revoke_link(&world, 2));
    refuse(&world, expel_link(&world, 2), SAT_ERR_INVALID);
    assert_false(may(&world, 1, 2));
    assert_false(may(&world, 0, 2));
    assert_false(may(&world, 9, 2));
    world_deinit(&world);
}

static bool expelled_then(const struct world *world, uint64_t seq)
{
    return sat_directory_expelled_at(&world->directory, 2, seq, NULL);
}

static void the_device_says_itself_that_it_is_back(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    act_as(&world, 2);
    refuse_saying(&world, expel_link(&world, 2), SAT_ERR_INVALID, "not expelled");
    act_as(&world, 1);
    uint64_t first = must(&world, expel_link(&world, 2)), time_ms;
    act_as(&world, 2);
    uint64_t back = must(&world, expel_link(&world, 2));
    assert_int_equal(expelled(&world, 2), 0);
    refuse_saying(&world, expel_link(&world, 2), SAT_ERR_INVALID, "not expelled");
    assert_int_equal(sat_directory_expulsion(&world.directory, 2, &time_ms), first);
    assert_int_equal(time_ms, world.now_ms);
    act_as(&world, 1);
    world.now_ms += (DAYS - 1) * DAY;
    refuse(&world, expel_link(&world, 2), SAT_ERR_INVALID);
    world.now_ms += DAY;
    uint64_t second = must(&world, expel_link(&world, 2));
    assert_int_equal(expelled(&world, 2), second);
    assert_false(expelled_then(&world, first - 1));
    for (uint64_t seq = first; seq <= second; seq++)
        assert_int_equal(expelled_then(&world, seq), seq < back || seq == second);
    world_deinit(&world);
}

static void what_a_thief_said_is_undone_once_it_is_repudiated(void **state)
{
    (void)state;
    struct world world;
    world_after(&world, DAYS);
    uint64_t own = must(&world, expel_link(&world, 2));
    world.now_ms += DAYS * DAY;
    uint64_t from = must(&world, expel_link(&world, 2));
    assert_int_equal(expelled(&world, 2), from);
    must(&world, repudiate_link(&world, 1, from, 1, 1));
    assert_int_equal(expelled(&world, 2), own);
    assert_true(expelled_then(&world, from)); /* as it was judged then */
    act_as(&world, world.directory.devices_n);
    must(&world, expel_link(&world, 2));
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_admins_device_says_it_with_its_own_key_alone),
        cmocka_unit_test(it_takes_nothing_from_the_device),
        cmocka_unit_test(reps_auditors_and_managers_of_others_may_not),
        cmocka_unit_test(an_admins_device_without_an_admin_key_may_not),
        cmocka_unit_test(nobody_may_before_the_policys_days_are_over),
        cmocka_unit_test(who_signed_a_link_since_was_not_silent),
        cmocka_unit_test(it_is_said_again_only_after_as_long_a_silence),
        cmocka_unit_test(it_names_another_device_that_is_waited_for),
        cmocka_unit_test(the_device_says_itself_that_it_is_back),
        cmocka_unit_test(what_a_thief_said_is_undone_once_it_is_repudiated),
    };
    return cmocka_run_group_tests_name("directory_expel", tests, NULL, NULL);
}
