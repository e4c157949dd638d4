/* What a stolen admin phone did is undone by the kit, each kind of it, from the position that is named: and not by the
 * thief's kit, nor by one that was used up. */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, MANAGER = SAT_ROLE_MANAGER, ADMIN = SAT_ROLE_ADMIN, SECOND = 5, OTHER = 3, STOLEN = 1 };

/* User 5 is an admin as well, with device 3: nothing happens to it unless a test says so. Device 1 is stolen. */
struct theft {
    struct world world;
    uint64_t from;
};

static void begin(struct theft *theft)
{
    struct world *world = &theft->world;
    world_init(world);
    assert_int_equal(add_user(world, ADMIN), SECOND);
    assert_int_equal(add_device_of(world, SECOND), OTHER);
    theft->from = world->directory.seq + 1;
}

/* By the genesis's kit, which brings user 1 back. */
static uint64_t undo(struct theft *theft)
{
    return must(&theft->world, repudiate_link(&theft->world, STOLEN, theft->from, 1, 1));
}

static const struct sat_user *user(const struct theft *theft, uint32_t number)
{
    return sat_directory_user(&theft->world.directory, number);
}

static const struct sat_device *device(const struct theft *theft, uint32_t number)
{
    return sat_directory_device(&theft->world.directory, number);
}

static uint64_t policy(const struct theft *theft, enum sat_policy which)
{
    return sat_directory_policy(&theft->world.directory, which);
}

/* ---- Each kind ---- */

static void the_stolen_phone_is_out_and_the_kits_holder_is_in(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    must(&theft.world, user_link(&theft.world, 4, SAT_ROLE_AUDITOR, ACTIVE)); /* which says nothing */
    uint64_t seq = undo(&theft);
    const struct sat_directory *directory = &theft.world.directory;
    assert_int_equal(device(&theft, STOLEN)->revoked_seq, seq);
    assert_int_equal(device(&theft, STOLEN)->wiped_seq, 0);
    assert_int_equal(directory->devices_n, 4);
    assert_int_equal(device(&theft, 4)->user, 1);
    assert_int_equal(device(&theft, 4)->approved_seq, seq);
    assert_int_equal(directory->kit_seq, seq);
    assert_int_equal(directory->repudiated_seq, seq);
    assert_int_equal(sat_directory_admins(directory), 2);
    assert_int_equal(device_rights(&theft.world, EAST, STOLEN, seq - 1), RW); /* the past stays */
    assert_int_equal(device_rights(&theft.world, EAST, STOLEN, seq), 0);
    for (uint8_t space = ORG; space <= EAST; space++) assert_int_equal(owed(&theft.world, space), seq);
    assert_int_equal(owed(&theft.world, WEST), 0); /* which has no key yet */
    uint64_t at;
    const struct sat_cut *cut;
    struct sat_space_id east = space_id(EAST);
    assert_true(sat_directory_cut(directory, STOLEN, &east, seq, &at, &cut));
    assert_int_equal(at, seq);
    assert_null(cut);
    world_deinit(&theft.world);
}

static void states_and_roles_are_what_somebody_else_said_last(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, user_link(world, SECOND, ADMIN, SUSPENDED));
    must(world, role_link(world, 2, SAT_ROLE_AUDITOR));
    must(world, user_link(world, 4, REP, SUSPENDED));
    must(world, role_link(world, 1, ADMIN)); /* nothing new */
    uint64_t seq = undo(&theft);
    assert_int_equal(user(&theft, SECOND)->state, ACTIVE);
    assert_int_equal(user(&theft, 2)->role, REP);
    assert_int_equal(user(&theft, 4)->role, SAT_ROLE_AUDITOR);
    assert_int_equal(user(&theft, 4)->state, ACTIVE);
    assert_int_equal(sat_directory_out(&world->directory, OTHER), 0);
    assert_int_equal(device_rights(world, EAST, OTHER, seq - 1), 0); /* he was out for a while */
    assert_int_equal(device_rights(world, EAST, OTHER, seq), RW);
    world_deinit(world);
}

static void what_somebody_else_changed_after_the_thief_stays(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, SUSPENDED)); /* the thief's */
    must(world, role_link(world, 2, MANAGER));
    must(world, grant_link(world, EAST, 2, 0));
    act_as(world, OTHER);
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, ACTIVE)); /* the other admin's */
    must(world, user_link(world, 2, MANAGER, SUSPENDED));       /* which does not say that he is a manager */
    must(world, grant_link(world, EAST, 2, SAT_RIGHT_READ));
    act_as(world, STOLEN);
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, SUSPENDED));
    undo(&theft);
    assert_int_equal(user(&theft, 4)->state, ACTIVE);
    assert_int_equal(user(&theft, 2)->state, SUSPENDED);
    assert_int_equal(user(&theft, 2)->role, REP);
    act_as(world, OTHER);
    must(world, user_link(world, 2, REP, ACTIVE));
    assert_int_equal(rights(world, EAST, 2, world->directory.seq), SAT_RIGHT_READ);
    world_deinit(world);
}

static void what_was_done_before_the_position_stays(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, SUSPENDED));
    must(world, grant_link(world, WEST, 2, RW));
    must(world, revoke_link(world, 2));
    uint64_t wiped = must(world, wipe_link(world, 2));
    theft.from = world->directory.seq + 1;
    must(world, grant_link(world, WEST, 2, SAT_RIGHT_READ));
    undo(&theft);
    assert_int_equal(user(&theft, 4)->state, SUSPENDED);
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), RW);
    assert_int_equal(device(&theft, 2)->revoked_seq, wiped - 1);
    assert_int_equal(device(&theft, 2)->wiped_seq, wiped);
    world_deinit(world);
}

static void grants_are_what_somebody_else_gave_last(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, grant_link(world, EAST, 2, 0));
    must(world, grant_link(world, WEST, 4, SAT_RIGHT_READ));
    must(world, grant_link(world, BOARD, 2, RW));
    uint64_t seq = undo(&theft);
    assert_int_equal(rights(world, EAST, 2, seq - 1), 0);
    assert_int_equal(rights(world, EAST, 2, seq), RW);
    assert_int_equal(rights(world, WEST, 4, seq - 1), SAT_RIGHT_READ);
    assert_int_equal(rights(world, WEST, 4, seq), 0);
    assert_int_equal(rights(world, BOARD, 2, seq), 0);
    world_deinit(world);
}

static void a_join_keeps_what_its_invite_gave_and_not_what_the_thief_did(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, grant_link(world, WEST, 2, 7));
    act_as(world, OTHER);
    struct sat_body_invite invite = invite_body(world, 50, 2, REP);
    invite.grants[0] = (struct sat_invite_grant){space_id(WEST), SAT_RIGHT_READ};
    invite.grants_n = 1;
    must(world, invite_link_of(world, &invite));
    must(world, join_link(world, 50, 4));
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), 7);
    undo(&theft);
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), SAT_RIGHT_READ);
    assert_int_equal(device(&theft, 4)->revoked_seq, 0);
    world_deinit(world);
}

static void policies_are_what_somebody_else_set_last(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    world->kit = 1;
    must(world, policy_link(world, SAT_POLICY_LEASE_REP, 7));
    world->kit = 0;
    theft.from = world->directory.seq + 1;
    must(world, user_link(world, SECOND, ADMIN, SUSPENDED)); /* and so nobody else has to sign */
    must(world, policy_link(world, SAT_POLICY_LEASE_REP, 3000));
    must(world, policy_link(world, SAT_POLICY_LEASE_MANAGER, 0));
    must(world, policy_link(world, 999, 5));
    undo(&theft);
    assert_int_equal(policy(&theft, SAT_POLICY_LEASE_REP), 7);
    assert_int_equal(policy(&theft, SAT_POLICY_LEASE_MANAGER), 30);
    assert_int_equal(sat_directory_policy(&world->directory, (enum sat_policy)999), 0);
    world_deinit(world);
}

static void what_two_signed_stands(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    world->cosigner = OTHER;
    must(world, policy_link(world, SAT_POLICY_LEASE_REP, 9));
    world->cosigner = 0;
    world->kit = 1;
    must(world, policy_link(world, SAT_POLICY_LEASE_MANAGER, 9));
    world->kit = 0;
    undo(&theft);
    assert_int_equal(policy(&theft, SAT_POLICY_LEASE_REP), 9);
    assert_int_equal(policy(&theft, SAT_POLICY_LEASE_MANAGER), 9);
    world_deinit(world);
}

static void devices_that_the_thief_put_out_are_back(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    struct sat_body_revoke body = revoke_body(2);
    body.cuts[0] = (struct sat_cut){.space = space_id(EAST), .counter = 9, .bundle = {{9}}};
    body.cuts_n = 1;
    uint64_t out = must(world, revoke_link_of(world, &body));
    must(world, wipe_link(world, 2));
    must(world, revoke_link(world, OTHER));
    uint64_t seq = undo(&theft);
    const struct sat_directory *directory = &world->directory;
    assert_int_equal(device(&theft, 2)->revoked_seq, 0);
    assert_int_equal(device(&theft, 2)->wiped_seq, 0);
    assert_int_equal(device(&theft, OTHER)->revoked_seq, 0);
    assert_int_equal(sat_directory_out(directory, 2), 0);
    assert_int_equal(sat_directory_admins(directory), 2);
    assert_int_equal(device_rights(world, EAST, 2, out - 1), RW);
    assert_int_equal(device_rights(world, EAST, 2, out), 0);
    assert_int_equal(device_rights(world, EAST, 2, seq - 1), 0);
    assert_int_equal(device_rights(world, EAST, 2, seq), RW);
    uint64_t at;
    const struct sat_cut *cut;
    struct sat_space_id east = space_id(EAST), west = space_id(WEST);
    assert_true(sat_directory_cut(directory, 2, &east, seq - 1, &at, &cut)); /* what came meanwhile is late */
    assert_int_equal(at, out);
    assert_int_equal(cut->counter, 9);
    assert_true(sat_directory_cut(directory, 2, &east, out - 1, &at, &cut));
    assert_true(sat_directory_cut(directory, 2, &west, seq - 1, &at, &cut));
    assert_null(cut);
    assert_false(sat_directory_cut(directory, 2, &east, seq, &at, &cut)); /* what comes now is not */
    struct sat_record_id record = {{1}};
    assert_int_equal(sat_directory_last_write(directory, &east, 2, &record, seq), seq);
    assert_int_equal(sat_directory_last_write(directory, &east, 2, &record, seq - 1), out - 1);
    act_as(world, OTHER); /* and it can be put out again, with other cuts */
    body.cuts[0].counter = 12;
    uint64_t again = must(world, revoke_link_of(world, &body));
    assert_true(sat_directory_cut(directory, 2, &east, seq, &at, &cut));
    assert_int_equal(at, again);
    assert_int_equal(cut->counter, 12);
    assert_true(sat_directory_cut(directory, 2, &east, out, &at, &cut));
    assert_int_equal(cut->counter, 9);
    assert_int_equal(device_rights(world, EAST, 2, again - 1), RW);
    assert_int_equal(device_rights(world, EAST, 2, again), 0);
    world_deinit(world);
}

static void a_wipe_by_the_thief_is_void_and_one_by_another_admin_keeps_the_device_out(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    uint32_t lost = add_device_of(world, 2);
    act_as(world, OTHER);
    uint64_t out = must(world, revoke_link(world, lost));
    theft.from = world->directory.seq + 1;
    act_as(world, STOLEN);
    uint64_t void_wipe = must(world, wipe_link(world, lost));
    must(world, revoke_link(world, 2));
    act_as(world, OTHER);
    uint64_t wiped = must(world, wipe_link(world, 2));
    undo(&theft);
    assert_int_equal(device(&theft, lost)->revoked_seq, out);
    assert_int_equal(device(&theft, lost)->wiped_seq, 0);
    assert_int_equal(device(&theft, 2)->revoked_seq, wiped - 1);
    assert_int_equal(device(&theft, 2)->wiped_seq, wiped);
    assert_true(sat_directory_wiped(&world->directory, lost, void_wipe)); /* it may have been obeyed already */
    assert_false(sat_directory_wiped(&world->directory, lost, 0));
    assert_false(sat_directory_wiped(&world->directory, lost, wiped));
    must(world, wipe_link(world, lost)); /* as nothing asks for it any more */
    world_deinit(world);
}

static void who_came_in_through_the_thief_is_out(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    act_as(world, OTHER);
    uint32_t waiting = join_device(world, 4); /* invited by the other admin, and approved by the thief */
    act_as(world, STOLEN);
    must(world, approve_link(world, waiting));
    uint32_t joined = add_device_of(world, 2);
    must(world, user_link(world, SECOND, ADMIN, SUSPENDED));
    uint32_t accomplice = add_user(world, ADMIN), his = add_device_of(world, accomplice);
    act_as(world, his);
    uint32_t rep = add_user(world, REP), hers = add_device_of(world, rep);
    must(world, invite_link(world, 60, rep, REP)); /* still open */
    uint64_t seq = undo(&theft);
    const uint32_t out[] = {STOLEN, waiting, joined, his, hers};
    for (size_t i = 0; i < 5; i++) assert_int_equal(device(&theft, out[i])->revoked_seq, seq);
    assert_int_equal(user(&theft, accomplice)->state, SUSPENDED);
    assert_int_equal(user(&theft, rep)->state, SUSPENDED);
    assert_int_equal(user(&theft, 4)->state, ACTIVE);
    assert_int_equal(device(&theft, OTHER)->revoked_seq, 0);
    assert_int_equal(device(&theft, 2)->revoked_seq, 0);
    struct sat_hash open = invite_id(60);
    assert_int_equal(sat_directory_invite(&world->directory, &open)->state, SAT_INVITE_CANCELLED);
    assert_int_equal(sat_directory_admins(&world->directory), 2);
    world_deinit(world);
}

static void invites_of_others_stay_and_what_the_thief_cancelled_stays_cancelled(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    act_as(world, OTHER);
    must(world, invite_link(world, 60, 2, REP));
    must(world, invite_link(world, 61, 2, REP));
    act_as(world, STOLEN);
    must(world, cancel_link(world, 61));
    undo(&theft);
    struct sat_hash kept = invite_id(60), cancelled = invite_id(61);
    assert_int_equal(sat_directory_invite(&world->directory, &kept)->state, SAT_INVITE_OPEN);
    assert_int_equal(sat_directory_invite(&world->directory, &cancelled)->state, SAT_INVITE_CANCELLED);
    must(world, join_link(world, 60, world->directory.devices_n + 1));
    world_deinit(world);
}

static void spaces_epochs_and_what_was_let_in_stay(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, space_link(world, 9, SAT_SPACE_TERRITORY));
    must(world, epoch_link(world, EAST, 2));
    must(world, decide_link(world, SAT_ACCEPT_BUNDLE, 2, EAST, 5));
    undo(&theft);
    struct sat_space_id added = space_id(9), east = space_id(EAST);
    assert_non_null(sat_directory_space(&world->directory, &added));
    assert_int_equal(sat_directory_space(&world->directory, &east)->epoch, 2);
    assert_int_equal(sat_directory_decided(&world->directory, &(struct sat_hash){{5}}, world->directory.seq),
                     SAT_ACCEPT_BUNDLE);
    world_deinit(world);
}

static void a_rep_s_device_and_one_that_is_out_can_be_named_too(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, grant_link(world, WEST, 2, RW));
    act_as(world, OTHER);
    uint64_t out = must(world, revoke_link(world, STOLEN));
    undo(&theft);
    assert_int_equal(device(&theft, STOLEN)->revoked_seq, out);
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), 0);
    uint64_t seq = must(world, repudiate_link(world, 2, 1, 1, (uint32_t)world->directory.kit_seq));
    assert_int_equal(device(&theft, 2)->revoked_seq, seq);
    assert_int_equal(device(&theft, STOLEN)->revoked_seq, out);
    assert_int_equal(rights(world, EAST, 2, seq), RW); /* what let it in is not its own word */
    world_deinit(world);
}

/* ---- Attacks ---- */

/* A thief with the phone of one of two admins shuts the other one out first, and is alone then. */
static void a_thief_who_shut_the_other_admin_out_loses_all_that_he_did(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    refuse(world,
           kit_link_of(world, &(struct sat_body_kit){.kit_sign = sign_public('k', 99), .kit_box = box_public('k', 99)}),
           SAT_ERR_DENIED);
    must(world, user_link(world, SECOND, ADMIN, SUSPENDED));
    must(world, revoke_link(world, 2));
    must(world, grant_link(world, WEST, 1, 7));
    struct sat_body_kit body = kit_body(world);
    uint32_t thiefs = (uint32_t)must(world, kit_link_of(world, &body));
    refuse(world, repudiate_link(world, STOLEN, theft.from, 1, thiefs), SAT_ERR_DENIED);
    refuse(world, repudiate_link(world, OTHER, theft.from, 1, 1), SAT_ERR_DENIED); /* not the one who replaced it */
    uint64_t seq = undo(&theft);
    assert_int_equal(user(&theft, SECOND)->state, ACTIVE);
    assert_int_equal(device(&theft, 2)->revoked_seq, 0);
    assert_int_equal(rights(world, WEST, 1, seq), RW);
    struct sat_body_kit recovery = recovery_body(world, 1, 5); /* what is left of the thief's kit */
    refuse(world, recovery_link_of(world, 5, thiefs, &recovery), SAT_ERR_DENIED);
    refuse(world, repudiate_link(world, 4, seq, 1, thiefs), SAT_ERR_DENIED);
    refuse(world, repudiate_link(world, OTHER, 2, 1, thiefs), SAT_ERR_DENIED);
    refuse(world, repudiate_link(world, STOLEN, theft.from, 1, thiefs), SAT_ERR_DENIED);
    world_deinit(world);
}

/* The only admin's phone: the thief replaces the kit, comes in once more with his own and repudiates the owner. */
static void a_thief_who_repudiates_first_is_repudiated(void **state)
{
    (void)state;
    struct theft theft;
    struct world *world = &theft.world;
    world_init(world);
    must(world, user_link(world, 4, SAT_ROLE_AUDITOR, SUSPENDED));
    uint32_t second = add_device_of(world, 1); /* the owner's tablet, which acts as well */
    act_as(world, second);
    must(world, grant_link(world, WEST, 2, RW));
    uint64_t out = must(world, revoke_link(world, 2));
    must(world, wipe_link(world, 2));
    act_as(world, STOLEN);
    theft.from = world->directory.seq + 1;
    struct sat_body_kit body = kit_body(world);
    uint32_t thiefs = (uint32_t)must(world, kit_link_of(world, &body));
    must(world, repudiate_link(world, second, 2, 1, thiefs)); /* device 4 is the thief's */
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), 0);
    assert_int_equal(device(&theft, 2)->revoked_seq, 0);
    act_as(world, 4);
    must(world, grant_link(world, EAST, 2, 0));
    must(world, repudiate_link(world, second, 2, 1, (uint32_t)world->directory.kit_seq)); /* and device 5 */
    uint64_t seq = undo(&theft);
    assert_int_equal(rights(world, WEST, 2, seq), RW);
    assert_int_equal(rights(world, EAST, 2, seq), RW);
    assert_int_equal(device(&theft, second)->revoked_seq, 0);
    assert_int_equal(device(&theft, 2)->revoked_seq, seq); /* it was in for a while, and is out as the owner said */
    assert_int_equal(device(&theft, 2)->wiped_seq, seq);
    assert_int_equal(device_rights(world, EAST, 2, out), 0);
    assert_int_equal(user(&theft, 4)->state, SUSPENDED);
    const uint32_t thieves[] = {STOLEN, 4, 5};
    for (size_t i = 0; i < 3; i++) assert_int_not_equal(device(&theft, thieves[i])->revoked_seq, 0);
    assert_int_equal(device(&theft, 6)->user, 1);
    assert_int_equal(device(&theft, 6)->revoked_seq, 0);
    world_deinit(world);
}

static void a_kit_that_was_used_up_repudiates_nobody(void **state)
{
    (void)state;
    struct theft theft;
    struct world *world = &theft.world;
    world_init(world);
    struct sat_body_kit body = recovery_body(world, 1, 3);
    uint32_t kit = (uint32_t)must(world, recovery_link_of(world, 3, 1, &body));
    for (uint32_t named = 1; named <= 3; named++)
        for (uint64_t from = 1; from <= world->directory.seq; from++)
            refuse(world, repudiate_link(world, named, from, 1, 1), SAT_ERR_DENIED);
    must(world, repudiate_link(world, 1, 2, 1, kit));
    for (uint32_t named = 1; named <= 4; named++) {
        refuse(world, repudiate_link(world, named, kit, 1, 1), SAT_ERR_DENIED);
        refuse(world, repudiate_link(world, named, kit, 1, kit), SAT_ERR_DENIED);
    }
    world_deinit(world);
}

/* It signed for its successor, or another admin did: no page that turns up later goes behind that. */
static void a_kit_that_two_replaced_repudiates_nobody(void **state)
{
    (void)state;
    for (int by_kit = 0; by_kit < 2; by_kit++) {
        struct theft theft;
        begin(&theft);
        struct world *world = &theft.world;
        world->kit = by_kit ? 1 : 0;
        world->cosigner = by_kit ? 0 : OTHER;
        world->now_ms += SAT_KIT_RECLAIM_MS + 1; /* the second admin is no newcomer */
        struct sat_body_kit body = kit_body(world);
        uint32_t kit = (uint32_t)must(world, kit_link_of(world, &body));
        refuse(world, repudiate_link(world, STOLEN, 2, 1, 1), SAT_ERR_DENIED);
        if (by_kit) refuse(world, repudiate_link(world, OTHER, 2, 1, 1), SAT_ERR_DENIED);
        assert_true(sat_directory_kit_good(&world->directory, &world->directory.kits[0], world->now_ms) == !by_kit);
        must(world, repudiate_link(world, STOLEN, theft.from, 1, kit));
        world_deinit(world);
    }
}

static void an_accomplice_of_the_thief_is_no_second_one(void **state)
{
    (void)state;
    struct theft theft;
    struct world *world = &theft.world;
    world_init(world);
    theft.from = world->directory.seq + 1;
    uint32_t accomplice = add_user(world, ADMIN);
    world->cosigner = add_device_of(world, accomplice);
    struct sat_body_kit body = kit_body(world);
    must(world, kit_link_of(world, &body));
    must(world, policy_link(world, SAT_POLICY_LEASE_REP, 9));
    undo(&theft);
    assert_int_equal(policy(&theft, SAT_POLICY_LEASE_REP), 30);
    world_deinit(world);
}

static void a_lone_admins_old_kit_has_thirty_days(void **state)
{
    (void)state;
    struct theft theft;
    struct world *world = &theft.world;
    world_init(world);
    theft.from = world->directory.seq + 1;
    struct sat_body_kit body = kit_body(world);
    uint32_t kit = (uint32_t)must(world, kit_link_of(world, &body));
    world->now_ms = NOW_MS + SAT_KIT_RECLAIM_MS + 1;
    refuse_saying(world, repudiate_link(world, STOLEN, theft.from, 1, 1), SAT_ERR_DENIED, "too long");
    assert_false(sat_directory_kit_good(&world->directory, &world->directory.kits[0], world->now_ms));
    assert_true(sat_directory_kit_good(&world->directory, &world->directory.kits[1], world->now_ms));
    world->now_ms = NOW_MS + SAT_KIT_RECLAIM_MS;
    refuse(world, repudiate_link(world, STOLEN, kit + 1, 1, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, 2, theft.from, 1, 1), SAT_ERR_DENIED); /* who did not replace it */
    undo(&theft);
    world_deinit(world);
}

/* The admin who is brought back must be one by the links that stand. */
static void the_thiefs_admin_is_not_brought_back_and_the_true_one_is(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, user_link(world, SECOND, ADMIN, SUSPENDED));
    must(world, role_link(world, 2, ADMIN));
    must(world, role_link(world, SECOND, REP));
    refuse_saying(world, repudiate_link(world, STOLEN, theft.from, 2, 1), SAT_ERR_INVALID, "recovers admins");
    uint64_t seq = must(world, repudiate_link(world, STOLEN, theft.from, SECOND, 1));
    assert_int_equal(user(&theft, SECOND)->role, ADMIN);
    assert_int_equal(user(&theft, SECOND)->state, ACTIVE);
    assert_int_equal(user(&theft, 2)->role, REP);
    assert_int_equal(device(&theft, 4)->user, SECOND);
    assert_int_equal(device(&theft, 4)->since_seq, seq);
    world_deinit(world);
}

static void a_suspension_by_somebody_else_gives_way_to_the_recovery_alone(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    act_as(world, OTHER);
    must(world, user_link(world, 1, ADMIN, SUSPENDED)); /* the other admin noticed */
    uint64_t seq = undo(&theft);
    assert_int_equal(user(&theft, 1)->state, ACTIVE);
    assert_int_equal(device(&theft, STOLEN)->revoked_seq, seq);
    world_deinit(world);
}

/* What was undone stays so whatever a later one names. */
static void a_second_repudiation_does_not_bring_back_what_the_first_undid(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    must(world, grant_link(world, WEST, 2, 7));
    must(world, revoke_link(world, 2));
    uint32_t thiefs = add_device_of(world, 4);
    act_as(world, OTHER);
    uint64_t second = must(world, grant_link(world, WEST, 2, SAT_RIGHT_READ));
    undo(&theft);
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), SAT_RIGHT_READ);
    must(world, repudiate_link(world, OTHER, second, 1, (uint32_t)world->directory.kit_seq));
    assert_int_equal(rights(world, WEST, 2, world->directory.seq), 0);
    assert_int_equal(device(&theft, 2)->revoked_seq, 0);
    assert_int_not_equal(device(&theft, thiefs)->revoked_seq, 0);
    assert_int_not_equal(device(&theft, STOLEN)->revoked_seq, 0);
    world_deinit(world);
}

/* ---- Form ---- */

static void what_is_named_exists_and_the_signatures_are_the_recoverys(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    refuse(world, repudiate_link(world, 0, theft.from - 1, 1, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, 9, theft.from - 1, 1, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, STOLEN, 0, 1, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, STOLEN, theft.from, 1, 1), SAT_ERR_INVALID); /* the link itself */
    refuse(world, repudiate_link(world, STOLEN, UINT64_MAX, 1, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, STOLEN, theft.from - 1, 0, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, STOLEN, theft.from - 1, 2, 1), SAT_ERR_INVALID);
    refuse(world, repudiate_link(world, STOLEN, theft.from - 1, 99, 1), SAT_ERR_INVALID);
    struct sat_body_repudiate body = {STOLEN, theft.from - 1, recovery_body(world, 1, 4)};
    struct sat_link link = repudiate_link_of(world, 1, &body);
    link.signatures_n = 1;
    refuse(world, link, SAT_ERR_DENIED);
    link = repudiate_link_of(world, 1, &body);
    sign_as(world, &link, 'a', OTHER, SAT_SIGNER_ADMIN, OTHER);
    refuse(world, link, SAT_ERR_MALFORMED);
    link = repudiate_link_of(world, 1, &body);
    link.signatures[1].signature.b[0] ^= 1;
    refuse(world, link, SAT_ERR_TAMPERED);
    link = repudiate_link_of(world, 1, &body);
    link.signatures[0].signature.b[0] ^= 1;
    refuse(world, link, SAT_ERR_TAMPERED);
    body.kit.kit_sign = sign_public('k', 1); /* a new kit is new */
    refuse(world, repudiate_link_of(world, 1, &body), SAT_ERR_EXISTS);
    struct sat_buf buf = {0}; /* and no admin does it */
    body.kit = recovery_body(world, 1, 4);
    sat_body_repudiate_encode(&body, &buf);
    refuse(world, admin_link(world, SAT_LINK_REPUDIATE, &buf), SAT_ERR_INVALID);
    world_deinit(world);
}

/* A later version's link may bear what it likes beside its author's signature: that counts for nothing here. */
static void signatures_of_a_kind_that_is_not_known_vouch_for_nothing(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct world *world = &theft.world;
    static const uint32_t numbers[] = {0, OTHER, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct sat_buf buf = {0};
        sat_put_u32(&buf, numbers[i]);
        struct sat_link link = draft(world, 4711, &buf);
        link.critical = 0;
        sign_member_link(world, &link);
        sign_as(world, &link, 'a', OTHER, SAT_SIGNER_ADMIN, numbers[i]);
        sign_as(world, &link, 'k', 1, SAT_SIGNER_KIT, numbers[i]);
        must(world, link);
    }
    undo(&theft);
    world_deinit(world);
}

static void every_body_that_is_not_exact_is_malformed(void **state)
{
    (void)state;
    struct theft theft;
    begin(&theft);
    struct sat_body_repudiate body = {STOLEN, 7, recovery_body(&theft.world, 1, 4)}, again;
    struct sat_buf buf = {0};
    sat_body_repudiate_encode(&body, &buf);
    assert_int_equal(buf.len, 4 + 8 + 2 * 32 + 4 + 3 * 32 + 36);
    assert_int_equal(sat_body_repudiate_decode(sat_buf_span(&buf), &again), SAT_OK);
    struct sat_buf twice = {0};
    sat_body_repudiate_encode(&again, &twice);
    assert_true(sat_span_equal(sat_buf_span(&buf), sat_buf_span(&twice)));
    sat_buf_deinit(&twice);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(sat_body_repudiate_decode(sat_span(buf.at, len), &again), SAT_ERR_MALFORMED);
    sat_put_u8(&buf, 0);
    assert_int_equal(sat_body_repudiate_decode(sat_buf_span(&buf), &again), SAT_ERR_MALFORMED);
    sat_buf_deinit(&buf);
    world_deinit(&theft.world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stolen_phone_is_out_and_the_kits_holder_is_in),
        cmocka_unit_test(states_and_roles_are_what_somebody_else_said_last),
        cmocka_unit_test(what_somebody_else_changed_after_the_thief_stays),
        cmocka_unit_test(what_was_done_before_the_position_stays),
        cmocka_unit_test(grants_are_what_somebody_else_gave_last),
        cmocka_unit_test(a_join_keeps_what_its_invite_gave_and_not_what_the_thief_did),
        cmocka_unit_test(policies_are_what_somebody_else_set_last),
        cmocka_unit_test(what_two_signed_stands),
        cmocka_unit_test(devices_that_the_thief_put_out_are_back),
        cmocka_unit_test(a_wipe_by_the_thief_is_void_and_one_by_another_admin_keeps_the_device_out),
        cmocka_unit_test(who_came_in_through_the_thief_is_out),
        cmocka_unit_test(invites_of_others_stay_and_what_the_thief_cancelled_stays_cancelled),
        cmocka_unit_test(spaces_epochs_and_what_was_let_in_stay),
        cmocka_unit_test(a_rep_s_device_and_one_that_is_out_can_be_named_too),
        cmocka_unit_test(a_thief_who_shut_the_other_admin_out_loses_all_that_he_did),
        cmocka_unit_test(a_thief_who_repudiates_first_is_repudiated),
        cmocka_unit_test(a_kit_that_was_used_up_repudiates_nobody),
        cmocka_unit_test(a_kit_that_two_replaced_repudiates_nobody),
        cmocka_unit_test(an_accomplice_of_the_thief_is_no_second_one),
        cmocka_unit_test(a_lone_admins_old_kit_has_thirty_days),
        cmocka_unit_test(the_thiefs_admin_is_not_brought_back_and_the_true_one_is),
        cmocka_unit_test(a_suspension_by_somebody_else_gives_way_to_the_recovery_alone),
        cmocka_unit_test(a_second_repudiation_does_not_bring_back_what_the_first_undid),
        cmocka_unit_test(what_is_named_exists_and_the_signatures_are_the_recoverys),
        cmocka_unit_test(signatures_of_a_kind_that_is_not_known_vouch_for_nothing),
        cmocka_unit_test(every_body_that_is_not_exact_is_malformed),
    };
    return cmocka_run_group_tests_name("directory_repudiate", tests, NULL, NULL);
}
