/* What a manager may do: for the people and the spaces that he or she manages, and nothing else. */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, MANAGER = 3, REP_EAST = 2, SERVICE = 5, REP_WEST = 6, FRESH = 7, ALL = 7 };

/* The manager, user 3, manages EAST with device 3. User 2 is a rep there; 5 a service there; 6 a rep in WEST with
 * device 4; 7 a rep whom an admin made and who has no grant. The manager acts. */
static void world_init_managed(struct world *world)
{
    world_init(world);
    must(world, grant_link(world, EAST, MANAGER, ALL));
    assert_int_equal(add_device_of(world, MANAGER), 3);
    assert_int_equal(add_user(world, SAT_ROLE_SERVICE), SERVICE);
    must(world, grant_link(world, EAST, SERVICE, RW));
    assert_int_equal(add_user(world, REP), REP_WEST);
    must(world, grant_link(world, WEST, REP_WEST, RW));
    assert_int_equal(add_device_of(world, REP_WEST), 4);
    assert_int_equal(add_user(world, REP), FRESH);
    act_as(world, 3);
}

static bool manages(const struct world *world, uint32_t user)
{
    return sat_directory_manages(&world->directory, MANAGER, user);
}

/* Applies a link of the first admin's. */
#define BY_ADMIN(world, make)                                                                                          \
    do {                                                                                                               \
        act_as(world, 1);                                                                                              \
        must(world, make);                                                                                             \
        act_as(world, 3);                                                                                              \
    } while (0)

static void a_manager_manages_those_all_of_whose_grants_lie_there(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    const bool expected[] = {false, false, true, false, false, true, false, false, false};
    for (uint32_t user = 0; user <= 8; user++) assert_int_equal(manages(&world, user), expected[user]);
    BY_ADMIN(&world, grant_link(&world, WEST, REP_EAST, SAT_RIGHT_READ));
    assert_false(manages(&world, REP_EAST));
    BY_ADMIN(&world, grant_link(&world, WEST, REP_EAST, 0));
    assert_true(manages(&world, REP_EAST));
    BY_ADMIN(&world, grant_link(&world, BOARD, REP_EAST, RW));
    assert_false(manages(&world, REP_EAST));
    BY_ADMIN(&world, grant_link(&world, BOARD, MANAGER, 5)); /* a narrow space can be managed too */
    assert_true(manages(&world, REP_EAST));
    BY_ADMIN(&world, grant_link(&world, BOARD, MANAGER, RW));
    assert_false(manages(&world, REP_EAST));
    BY_ADMIN(&world, grant_link(&world, BOARD, REP_EAST, 0));
    BY_ADMIN(&world, grant_link(&world, EAST, REP_EAST, 0)); /* none left, and an admin's person */
    assert_false(manages(&world, REP_EAST));
    for (uint32_t other = 0; other <= 8; other++)
        assert_int_equal(sat_directory_manages(&world.directory, other, SERVICE), other == MANAGER);
    BY_ADMIN(&world, role_link(&world, SERVICE, SAT_ROLE_AUDITOR));
    assert_false(manages(&world, SERVICE));
    BY_ADMIN(&world, role_link(&world, SERVICE, REP));
    BY_ADMIN(&world, role_link(&world, MANAGER, REP)); /* who has the right, but not the role */
    assert_false(manages(&world, SERVICE));
    BY_ADMIN(&world, user_link(&world, MANAGER, SAT_ROLE_MANAGER, SUSPENDED));
    assert_false(manages(&world, SERVICE));
    world_deinit(&world);
}

static void a_manager_adds_reps_and_nobody_above(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    const uint8_t above[] = {SAT_ROLE_ADMIN, SAT_ROLE_MANAGER, SAT_ROLE_AUDITOR, SAT_ROLE_SERVICE};
    for (size_t i = 0; i < sizeof above; i++)
        refuse_saying(&world, user_link(&world, 8, above[i], ACTIVE), SAT_ERR_DENIED, "does not manage");
    must(&world, user_link(&world, 8, REP, ACTIVE));
    assert_int_equal(sat_directory_user(&world.directory, 8)->creator, 3);
    assert_true(manages(&world, 8)); /* without a grant, as he is the manager's */
    must(&world, grant_link(&world, EAST, 8, RW));
    assert_true(manages(&world, 8));
    struct sat_body_invite body = invite_body(&world, 1, 8, REP);
    body.grants[0] = (struct sat_invite_grant){space_id(EAST), RW};
    body.grants_n = 1;
    must(&world, invite_link_of(&world, &body));
    must(&world, join_link(&world, 1, 5));
    BY_ADMIN(&world, grant_link(&world, WEST, 8, SAT_RIGHT_READ)); /* and with another's not any more */
    assert_false(manages(&world, 8));
    refuse_saying(&world, user_link(&world, 8, REP, SUSPENDED), SAT_ERR_DENIED, "does not manage");
    world_deinit(&world);
}

static bool may_name(const struct world *world, uint32_t user, uint64_t seq)
{
    struct sat_space_id people = space_id(PEOPLE);
    struct sat_record_id name = sat_name_record_user(&world->directory.org, user);
    return sat_directory_may_write(&world->directory, &people, 3, &name, seq);
}

static void a_manager_names_whom_he_added_and_nobody_else(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    uint64_t before = world.directory.seq;
    must(&world, user_link(&world, 8, REP, ACTIVE));
    BY_ADMIN(&world, user_link(&world, 9, REP, ACTIVE));
    for (uint32_t user = 1; user <= 10; user++)
        assert_int_equal(may_name(&world, user, world.directory.seq), user == 8);
    assert_false(may_name(&world, 8, before));
    BY_ADMIN(&world, role_link(&world, MANAGER, REP));
    assert_false(may_name(&world, 8, world.directory.seq));
    assert_true(may_name(&world, 8, world.directory.seq - 1));
    world_deinit(&world);
}

static void a_manager_suspends_and_reinstates_but_changes_no_role(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    must(&world, user_link(&world, REP_EAST, REP, SUSPENDED));
    must(&world, user_link(&world, REP_EAST, REP, ACTIVE));
    must(&world, user_link(&world, SERVICE, SAT_ROLE_SERVICE, SUSPENDED));
    for (uint8_t role = SAT_ROLE_ADMIN; role <= SAT_ROLE_SERVICE; role++) {
        refuse_saying(&world, role_link(&world, REP_EAST, role), SAT_ERR_DENIED, "only an admin may");
        if (role != REP)
            refuse_saying(&world, user_link(&world, REP_EAST, role, ACTIVE), SAT_ERR_DENIED, "does not manage");
    }
    refuse_saying(&world, user_link(&world, REP_WEST, REP, SUSPENDED), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, user_link(&world, FRESH, REP, SUSPENDED), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, user_link(&world, 1, SAT_ROLE_ADMIN, SUSPENDED), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, user_link(&world, 4, SAT_ROLE_AUDITOR, SUSPENDED), SAT_ERR_DENIED, "does not manage");
    /* himself, up */
    refuse_saying(&world, user_link(&world, MANAGER, SAT_ROLE_ADMIN, ACTIVE), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, role_link(&world, MANAGER, SAT_ROLE_ADMIN), SAT_ERR_DENIED, "only an admin may");
    world_deinit(&world);
}

static void a_manager_grants_reading_and_writing_where_he_manages(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    must(&world, grant_link(&world, EAST, FRESH, RW));
    must(&world, grant_link(&world, EAST, REP_WEST, SAT_RIGHT_READ)); /* a guest from another territory */
    must(&world, grant_link(&world, EAST, REP_WEST, 0));
    must(&world, grant_link(&world, EAST, SERVICE, SAT_RIGHT_READ));
    refuse_saying(&world, grant_link(&world, EAST, REP_EAST, ALL), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, REP_EAST, 5), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, REP_EAST, 8), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, WEST, REP_EAST, RW), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, WEST, REP_WEST, 0), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, BOARD, REP_EAST, RW), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, WEST, MANAGER, RW), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, MANAGER, RW), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, 1, RW), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, 4, SAT_RIGHT_READ), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, grant_link(&world, EAST, 99, RW), SAT_ERR_DENIED, "does not manage");
    BY_ADMIN(&world, grant_link(&world, EAST, MANAGER, RW));
    refuse_saying(&world, grant_link(&world, EAST, FRESH, 0), SAT_ERR_DENIED, "does not manage");
    world_deinit(&world);
}

static void a_manager_invites_those_he_manages_into_what_he_manages(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    struct sat_body_invite body = invite_body(&world, 1, REP_EAST, REP);
    const struct sat_invite_grant bad[] = {{space_id(WEST), RW},
                                           {space_id(BOARD), SAT_RIGHT_READ},
                                           {space_id(EAST), ALL},
                                           {space_id(EAST), 5},
                                           {space_id(9), RW}};
    body.grants_n = 2;
    body.grants[0] = (struct sat_invite_grant){space_id(EAST), RW};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        body.grants[1] = bad[i];
        refuse_saying(&world, invite_link_of(&world, &body), SAT_ERR_DENIED, "does not manage");
    }
    body.grants_n = 1;
    must(&world, invite_link_of(&world, &body));
    refuse_saying(&world, invite_link(&world, 2, REP_WEST, REP), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, invite_link(&world, 2, FRESH, REP), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, invite_link(&world, 2, 1, SAT_ROLE_ADMIN), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, invite_link(&world, 2, MANAGER, SAT_ROLE_MANAGER), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, invite_link(&world, 2, SERVICE, SAT_ROLE_SERVICE), SAT_ERR_DENIED, "does not manage");
    for (uint8_t role = SAT_ROLE_ADMIN; role <= SAT_ROLE_SERVICE; role++) /* for more than he is */
        if (role != REP) refuse(&world, invite_link(&world, 2, REP_EAST, role), SAT_ERR_DENIED);
    world_deinit(&world);
}

static void a_manager_cancels_invites_of_his_people_and_his_own(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    BY_ADMIN(&world, invite_link(&world, 1, REP_EAST, REP));
    BY_ADMIN(&world, invite_link(&world, 2, REP_WEST, REP));
    must(&world, invite_link(&world, 3, REP_EAST, REP));
    must(&world, cancel_link(&world, 1));
    refuse_saying(&world, cancel_link(&world, 2), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, cancel_link(&world, 99), SAT_ERR_DENIED, "does not manage");
    BY_ADMIN(&world, grant_link(&world, WEST, REP_EAST, RW)); /* not his any more, but his device's invite */
    must(&world, cancel_link(&world, 3));
    world_deinit(&world);
}

static void a_manager_revokes_and_wipes_devices_of_his_people_alone(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    refuse_saying(&world, revoke_link(&world, 4), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, revoke_link(&world, 1), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, revoke_link(&world, 99), SAT_ERR_DENIED, "does not manage");
    BY_ADMIN(&world, grant_link(&world, WEST, REP_EAST, SAT_RIGHT_READ)); /* a grant elsewhere */
    refuse_saying(&world, revoke_link(&world, 2), SAT_ERR_DENIED, "does not manage");
    BY_ADMIN(&world, grant_link(&world, WEST, REP_EAST, 0));
    BY_ADMIN(&world, revoke_link(&world, 4));
    refuse_saying(&world, wipe_link(&world, 4), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, wipe_link(&world, 2), SAT_ERR_INVALID, "that comes first");
    must(&world, revoke_link(&world, 2));
    must(&world, wipe_link(&world, 2));
    uint32_t second = 0;
    act_as(&world, 1);
    second = add_device_of(&world, MANAGER);
    act_as(&world, 3);
    refuse_saying(&world, revoke_link(&world, second), SAT_ERR_DENIED, "does not manage"); /* his own other one */
    must(&world, revoke_link(&world, 3));
    world_deinit(&world);
}

static void a_manager_decides_about_late_work_where_he_manages_and_approves_nobody(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    act_as(&world, 1);
    uint32_t waiting = join_device(&world, 4);
    act_as(&world, 3);
    must(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, 1));
    must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 4, EAST, 2)); /* whoever wrote it */
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 4, WEST, 3), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_REJECT, 4, ORG, 3), SAT_ERR_DENIED, "does not manage");
    refuse_saying(&world, approve_link(&world, waiting), SAT_ERR_DENIED, "does not manage");
    struct sat_body_accept body = {.what = SAT_ACCEPT_DEVICE, .device = waiting, .space = space_id(EAST)};
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_DENIED, "does not manage");
    world_deinit(&world);
}

static void a_manager_does_nothing_else(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    struct sat_body_kit kit = kit_body(&world);
    refuse_saying(&world, space_link(&world, 9, SAT_SPACE_TERRITORY), SAT_ERR_DENIED, "only an admin may");
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "only an admin may");
    refuse_saying(&world, kit_link_of(&world, &kit), SAT_ERR_DENIED, "only an admin may");
    refuse_saying(&world, epoch_link(&world, WEST, 1), SAT_ERR_DENIED, "does not read");
    must(&world, epoch_link(&world, EAST, 2));
    world_deinit(&world);
}

static void a_manager_signs_with_the_admin_key_of_an_approved_device(void **state)
{
    (void)state;
    struct world world;
    world_init_managed(&world);
    struct sat_link link = user_link(&world, 8, REP, ACTIVE);
    link.signatures_n = 1;
    refuse_saying(&world, link, SAT_ERR_DENIED, "lacks a signature");
    world.admin = 1;
    refuse_saying(&world, user_link(&world, 8, REP, ACTIVE), SAT_ERR_DENIED, "lacks a signature");
    act_as(&world, 1);
    uint32_t waiting = join_device(&world, MANAGER);
    act_as(&world, waiting);
    refuse_saying(&world, user_link(&world, 8, REP, ACTIVE), SAT_ERR_DENIED, "not approved");
    BY_ADMIN(&world, role_link(&world, REP_WEST, SAT_ROLE_MANAGER)); /* joined as a rep: no admin key */
    act_as(&world, 4);
    refuse_saying(&world, user_link(&world, 8, REP, ACTIVE), SAT_ERR_DENIED, "only an admin or a manager");
    BY_ADMIN(&world, role_link(&world, MANAGER, REP));
    refuse_saying(&world, user_link(&world, 8, REP, ACTIVE), SAT_ERR_DENIED, "only an admin or a manager");
    BY_ADMIN(&world, user_link(&world, MANAGER, SAT_ROLE_MANAGER, SUSPENDED));
    refuse_saying(&world, user_link(&world, 8, REP, ACTIVE), SAT_ERR_DENIED, "suspended");
    BY_ADMIN(&world, user_link(&world, MANAGER, SAT_ROLE_MANAGER, ACTIVE));
    must(&world, user_link(&world, 8, REP, ACTIVE));
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manager_manages_those_all_of_whose_grants_lie_there),
        cmocka_unit_test(a_manager_adds_reps_and_nobody_above),
        cmocka_unit_test(a_manager_names_whom_he_added_and_nobody_else),
        cmocka_unit_test(a_manager_suspends_and_reinstates_but_changes_no_role),
        cmocka_unit_test(a_manager_grants_reading_and_writing_where_he_manages),
        cmocka_unit_test(a_manager_invites_those_he_manages_into_what_he_manages),
        cmocka_unit_test(a_manager_cancels_invites_of_his_people_and_his_own),
        cmocka_unit_test(a_manager_revokes_and_wipes_devices_of_his_people_alone),
        cmocka_unit_test(a_manager_decides_about_late_work_where_he_manages_and_approves_nobody),
        cmocka_unit_test(a_manager_does_nothing_else),
        cmocka_unit_test(a_manager_signs_with_the_admin_key_of_an_approved_device),
    };
    return cmocka_run_group_tests_name("directory_managers", tests, NULL, NULL);
}
