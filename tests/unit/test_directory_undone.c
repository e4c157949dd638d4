/* What is left after a repudiation: what a thief rejected is to be decided about once more, and a phone that may have
 * obeyed the thief's wipe is nobody to leave the organisation to. */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, ADMIN = SAT_ROLE_ADMIN, SECOND = 5, STOLEN = 1, OTHER = 3, BACK = 4, LATE = 9 };

/* User 5 is an admin as well, with device 3. Device 1, the first admin's, is stolen, and does what follows. */
static uint64_t begin(struct world *world)
{
    world_init(world);
    assert_int_equal(add_user(world, ADMIN), SECOND);
    assert_int_equal(add_device_of(world, SECOND), OTHER);
    return world->directory.seq + 1;
}

/* By the genesis's kit, which brings user 1 back with device 4. */
static uint64_t undo(struct world *world, uint64_t from)
{
    return must(world, repudiate_link(world, STOLEN, from, 1, 1));
}

static uint8_t decided(const struct world *world, uint64_t seq)
{
    return sat_directory_decided(&world->directory, &(struct sat_hash){{LATE}}, seq);
}

/* ---- Decisions ---- */

static void what_a_thief_rejected_is_undecided_again(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    uint64_t rejected = must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE));
    uint64_t seq = undo(&world, from);
    assert_int_equal(decided(&world, rejected), SAT_ACCEPT_REJECT); /* the past stays */
    assert_int_equal(decided(&world, seq - 1), SAT_ACCEPT_REJECT);
    assert_int_equal(decided(&world, seq), 0);
    act_as(&world, BACK);
    uint64_t again = must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE));
    assert_int_equal(decided(&world, again), SAT_ACCEPT_REJECT);
    refuse(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE), SAT_ERR_EXISTS);
    must(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, LATE));
    refuse(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, LATE), SAT_ERR_EXISTS);
    assert_int_equal(decided(&world, seq), 0);
    assert_int_equal(decided(&world, again), SAT_ACCEPT_REJECT);
    world_deinit(&world);
}

static void what_somebody_else_rejected_stays_rejected(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    must(&world, grant_link(&world, EAST, 2, 0));
    act_as(&world, OTHER);
    must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE));
    undo(&world, from);
    assert_int_equal(decided(&world, world.directory.seq), SAT_ACCEPT_REJECT);
    world_deinit(&world);
}

static void what_was_let_in_after_a_thief_rejected_it_stays_in(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE));
    act_as(&world, OTHER);
    must(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, LATE));
    undo(&world, from);
    assert_int_equal(decided(&world, world.directory.seq), SAT_ACCEPT_BUNDLE);
    act_as(&world, BACK);
    refuse(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, LATE), SAT_ERR_EXISTS);
    world_deinit(&world);
}

static void a_rejection_that_a_thief_repudiated_stands_again(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t tablet = add_device_of(&world, 1);
    act_as(&world, tablet);
    uint64_t own = must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, LATE));
    act_as(&world, STOLEN);
    uint64_t from = world.directory.seq + 1;
    struct sat_body_kit body = kit_body(&world);
    uint32_t thiefs = (uint32_t)must(&world, kit_link_of(&world, &body));
    must(&world, repudiate_link(&world, tablet, own, 1, thiefs));
    assert_int_equal(decided(&world, world.directory.seq), 0);
    undo(&world, from);
    assert_int_equal(decided(&world, world.directory.seq), SAT_ACCEPT_REJECT);
    world_deinit(&world);
}

/* ---- Who can sign ---- */

static void a_device_that_may_have_been_wiped_is_no_admin_to_leave_it_to(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    must(&world, revoke_link(&world, OTHER));
    must(&world, wipe_link(&world, OTHER));
    undo(&world, from);
    act_as(&world, BACK);
    assert_int_equal(sat_directory_admins(&world.directory), 2); /* a second signature is asked for all the same */
    const char *why = "device 3 was to be wiped";
    refuse_saying(&world, revoke_link(&world, BACK), SAT_ERR_INVALID, why);
    refuse_saying(&world, user_link(&world, 1, ADMIN, SUSPENDED), SAT_ERR_INVALID, why);
    refuse_saying(&world, role_link(&world, 1, REP), SAT_ERR_INVALID, why);
    must(&world, user_link(&world, SECOND, ADMIN, SUSPENDED)); /* the other way round nobody is missed */
    world_deinit(&world);
}

static void once_it_has_signed_it_counts(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    must(&world, revoke_link(&world, OTHER));
    must(&world, wipe_link(&world, OTHER));
    undo(&world, from);
    act_as(&world, OTHER);
    must(&world, epoch_link(&world, EAST, 2));
    act_as(&world, BACK);
    must(&world, revoke_link(&world, BACK));
    world_deinit(&world);
}

static void a_device_that_was_only_put_out_counts_when_it_is_back(void **state)
{
    (void)state;
    struct world world;
    uint64_t from = begin(&world);
    must(&world, revoke_link(&world, OTHER));
    undo(&world, from);
    act_as(&world, BACK);
    must(&world, revoke_link(&world, BACK));
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_thief_rejected_is_undecided_again),
        cmocka_unit_test(what_somebody_else_rejected_stays_rejected),
        cmocka_unit_test(what_was_let_in_after_a_thief_rejected_it_stays_in),
        cmocka_unit_test(a_rejection_that_a_thief_repudiated_stands_again),
        cmocka_unit_test(a_device_that_may_have_been_wiped_is_no_admin_to_leave_it_to),
        cmocka_unit_test(once_it_has_signed_it_counts),
        cmocka_unit_test(a_device_that_was_only_put_out_counts_when_it_is_back),
    };
    return cmocka_run_group_tests_name("directory_undone", tests, NULL, NULL);
}
