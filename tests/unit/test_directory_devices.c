/* The life of a device: it joins, is approved, leaves or is revoked, is to be wiped; and what comes of its late work.
 */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, R = SAT_RIGHT_READ };

/* ---- Approval ---- */

static void devices_of_reps_and_services_count_at_once_and_of_others_when_approved(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const uint8_t roles[] = {SAT_ROLE_REP, SAT_ROLE_SERVICE, SAT_ROLE_MANAGER, SAT_ROLE_AUDITOR, SAT_ROLE_ADMIN};
    for (size_t i = 0; i < sizeof roles; i++) {
        uint32_t user = add_user(&world, roles[i]), device = join_device(&world, user);
        const struct sat_device *joined = sat_directory_device(&world.directory, device);
        uint64_t since = joined->since_seq;
        if (i < 2) {
            assert_int_equal(joined->approved_seq, since);
            assert_int_equal(device_rights(&world, ORG, device, since), R);
            refuse_saying(&world, approve_link(&world, device), SAT_ERR_EXISTS, "needs no approval");
            continue;
        }
        assert_int_equal(joined->approved_seq, 0);
        assert_int_equal(device_rights(&world, ORG, device, since), 0);
        uint64_t approved = must(&world, approve_link(&world, device));
        joined = sat_directory_device(&world.directory, device);
        assert_int_equal(joined->approved_seq, approved);
        assert_int_equal(device_rights(&world, ORG, device, approved - 1), 0); /* for ever */
        assert_int_equal(device_rights(&world, ORG, device, approved), roles[i] == SAT_ROLE_ADMIN ? RW : R);
        if (roles[i] == SAT_ROLE_ADMIN) world.cosigner = device; /* from here on admins' devices take two */
        refuse_saying(&world, approve_link(&world, device), SAT_ERR_EXISTS, "needs no approval");
    }
    world_deinit(&world);
}

static void a_device_that_is_not_approved_authors_nothing_but_its_leaving(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, SAT_ROLE_ADMIN), device = join_device(&world, user);
    struct sat_record_id own = sat_name_record_device(&world.directory.org, device);
    struct sat_space_id people = space_id(PEOPLE), org = space_id(ORG);
    assert_false(sat_directory_may_write(&world.directory, &people, device, &own, world.directory.seq));
    assert_false(sat_directory_may_write(&world.directory, &org, device, &own, world.directory.seq));
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    act_as(&world, device);
    refuse_saying(&world, user_link(&world, 6, REP, ACTIVE), SAT_ERR_DENIED, "not approved");
    refuse_saying(&world, epoch_link(&world, ORG, 2), SAT_ERR_DENIED, "not approved");
    refuse_saying(&world, approve_link(&world, device), SAT_ERR_DENIED, "not approved"); /* itself */
    refuse_saying(&world, revoke_link(&world, 2), SAT_ERR_DENIED, "not approved");
    refuse_saying(&world, wipe_link(&world, 2), SAT_ERR_DENIED, "not approved");
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "not approved");
    refuse_saying(&world, grant_link(&world, WEST, 2, RW), SAT_ERR_DENIED, "not approved");
    must(&world, revoke_link(&world, device));
    assert_int_equal(owed(&world, ORG), 0); /* it never had a key */
    act_as(&world, 1);
    refuse_saying(&world, approve_link(&world, device), SAT_ERR_INVALID, "revoked");
    world_deinit(&world);
}

static void keys_go_to_approved_devices_that_are_not_revoked(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_space_id org = space_id(ORG);
    struct sat_recipient *out;
    uint32_t device = join_device(&world, 4), of_rep = join_device(&world, 2);
    assert_int_equal(sat_directory_recipients(&world.directory, &org, NOW_MS, &world.arena, &out), 4);
    assert_int_equal(out[2].number, of_rep); /* d1 d2 d4 k1 */
    assert_int_equal(sat_directory_recipients_of_user(&world.directory, 4, NOW_MS, &world.arena, &out), 0);
    must(&world, approve_link(&world, device));
    assert_int_equal(sat_directory_recipients(&world.directory, &org, NOW_MS, &world.arena, &out), 5);
    assert_int_equal(sat_directory_recipients_of_user(&world.directory, 4, NOW_MS, &world.arena, &out), 1);
    must(&world, revoke_link(&world, 2));
    assert_int_equal(sat_directory_recipients(&world.directory, &org, NOW_MS, &world.arena, &out), 4);
    assert_int_equal(sat_directory_recipients_of_user(&world.directory, 2, NOW_MS, &world.arena, &out), 1);
    assert_int_equal(out[0].number, of_rep);
    world_deinit(&world);
}

static void an_approval_is_exact(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t device = join_device(&world, 4);
    struct sat_body_accept body = {.what = SAT_ACCEPT_DEVICE, .device = device, .space = space_id(EAST)};
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_INVALID, "no space");
    body = (struct sat_body_accept){.what = SAT_ACCEPT_DEVICE, .device = device, .bundle = {{1}}};
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_INVALID, "no bundle");
    body = (struct sat_body_accept){.what = 0, .device = device};
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_INVALID, "no decision 0");
    body.what = 4;
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_INVALID, "no decision 4");
    refuse_saying(&world, approve_link(&world, device + 1), SAT_ERR_INVALID, "no device");
    refuse_saying(&world, approve_link(&world, 0), SAT_ERR_INVALID, "no device");
    body = (struct sat_body_accept){.what = SAT_ACCEPT_DEVICE, .device = device, .boxes = {{{1}}, 2}};
    must(&world, accept_link_of(&world, &body));
    world_deinit(&world);
}

/* ---- Revocation ---- */

static void a_revoked_device_is_out_from_there_on_and_was_in_before(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t before = world.directory.seq;
    uint64_t out = must(&world, revoke_link(&world, 2));
    assert_int_equal(sat_directory_device(&world.directory, 2)->revoked_seq, out);
    assert_int_equal(device_rights(&world, EAST, 2, before), RW);
    assert_int_equal(device_rights(&world, EAST, 2, out), 0);
    assert_int_equal(device_rights(&world, ORG, 2, out), 0);
    assert_int_equal(rights(&world, EAST, 2, out), RW); /* the person stays */
    struct sat_space_id east = space_id(EAST);
    struct sat_record_id record = {{1}};
    assert_true(sat_directory_may_write(&world.directory, &east, 2, &record, before));
    assert_false(sat_directory_may_write(&world.directory, &east, 2, &record, out));
    refuse_saying(&world, revoke_link(&world, 2), SAT_ERR_EXISTS, "revoked already");
    refuse_saying(&world, revoke_link(&world, 9), SAT_ERR_INVALID, "no device 9");
    refuse_saying(&world, revoke_link(&world, 0), SAT_ERR_INVALID, "no device 0");
    act_as(&world, 2);
    refuse_saying(&world, epoch_link(&world, EAST, 2), SAT_ERR_DENIED, "revoked");
    refuse_saying(&world, revoke_link(&world, 2), SAT_ERR_EXISTS, "revoked already");
    act_as(&world, 1);
    uint32_t again = add_device_of(&world, 2); /* the same person, another phone */
    assert_int_equal(device_rights(&world, EAST, again, world.directory.seq), RW);
    assert_int_equal(device_rights(&world, EAST, 2, world.directory.seq), 0);
    world_deinit(&world);
}

static void any_device_may_leave_by_its_own_signature_alone(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    act_as(&world, 2);
    struct sat_link link = revoke_link(&world, 2);
    sign_admin_link(&world, &link);
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus");
    link = revoke_link(&world, 2);
    link.signatures[0].signature.b[3] ^= 1;
    refuse_saying(&world, link, SAT_ERR_TAMPERED, "does not hold");
    link = revoke_link(&world, 2);
    link.signatures[0].number = 1;
    refuse_saying(&world, link, SAT_ERR_DENIED, "lacks a signature");
    link.signatures_n = 0;
    refuse_saying(&world, link, SAT_ERR_DENIED, "lacks a signature");
    refuse_saying(&world, revoke_link(&world, 1), SAT_ERR_DENIED, "only an admin or a manager");
    act_as(&world, 1);
    must(&world, user_link(&world, 2, REP, SUSPENDED));
    act_as(&world, 2);
    must(&world, revoke_link(&world, 2)); /* suspended or not */
    world_deinit(&world);
}

static void the_last_admins_last_device_stays(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse_saying(&world, revoke_link(&world, 1), SAT_ERR_INVALID, "the last admin");
    uint32_t second = join_device(&world, 1);
    refuse_saying(&world, revoke_link(&world, 1), SAT_ERR_INVALID, "the last admin"); /* not approved */
    must(&world, approve_link(&world, second));
    assert_int_equal(sat_directory_admins(&world.directory), 1); /* users are counted */
    must(&world, revoke_link(&world, 1));
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    act_as(&world, second);
    refuse_saying(&world, revoke_link(&world, second), SAT_ERR_INVALID, "the last admin");
    uint32_t other = add_user(&world, SAT_ROLE_ADMIN), device = add_device_of(&world, other);
    assert_int_equal(sat_directory_admins(&world.directory), 2);
    must(&world, user_link(&world, other, SAT_ROLE_ADMIN, SUSPENDED));
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    refuse_saying(&world, revoke_link(&world, second), SAT_ERR_INVALID, "the last admin");
    refuse_saying(&world, role_link(&world, 1, REP), SAT_ERR_INVALID, "the last admin");
    must(&world, user_link(&world, other, SAT_ROLE_ADMIN, ACTIVE));
    act_as(&world, device);
    must(&world, revoke_link(&world, second));
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    refuse_saying(&world, user_link(&world, other, SAT_ROLE_ADMIN, SUSPENDED), SAT_ERR_INVALID, "the last admin");
    must(&world, role_link(&world, 1, REP)); /* an admin without a device is none to count on */
    world_deinit(&world);
}

static void an_admins_device_without_an_admin_key_does_not_count_as_an_admin(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 1, SAT_ROLE_ADMIN));
    must(&world, join_link(&world, 1, 3));
    must(&world, approve_link(&world, 3));
    refuse_saying(&world, revoke_link(&world, 1), SAT_ERR_INVALID, "the last admin");
    assert_int_equal(device_rights(&world, WEST, 3, world.directory.seq), RW); /* it works, and signs nothing */
    act_as(&world, 3);
    refuse_saying(&world, user_link(&world, 5, REP, ACTIVE), SAT_ERR_DENIED, "only an admin");
    must(&world, revoke_link(&world, 3));
    world_deinit(&world);
}

static void the_admin_key_of_one_device_does_not_sign_for_another(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t second = add_device_of(&world, 1);
    act_as(&world, second);
    must(&world, user_link(&world, 5, REP, ACTIVE));
    world.admin = 1;
    refuse_saying(&world, user_link(&world, 6, REP, ACTIVE), SAT_ERR_DENIED, "lacks a signature");
    act_as(&world, 1);
    must(&world, revoke_link(&world, second));
    act_as(&world, second);
    refuse_saying(&world, user_link(&world, 6, REP, ACTIVE), SAT_ERR_DENIED, "revoked");
    act_as(&world, 1);
    must(&world, user_link(&world, 6, REP, ACTIVE)); /* the person's other key is not touched */
    world_deinit(&world);
}

/* ---- Cuts ---- */

static struct sat_body_revoke with_cuts(uint32_t device, uint16_t n)
{
    struct sat_body_revoke body = {.device = device, .cuts_n = n};
    for (uint16_t i = 0; i < n; i++)
        body.cuts[i] = (struct sat_cut){space_id((uint8_t)(ORG + i)), 10u + i, {{(uint8_t)(1 + i)}}};
    return body;
}

static void cuts_are_kept_by_device_and_space(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_revoke body = with_cuts(2, 3);
    body.cuts[2].space = space_id(WEST); /* org, people, west */
    uint64_t seq;
    const struct sat_cut *cut;
    struct sat_space_id id = space_id(PEOPLE);
    assert_false(sat_directory_cut(&world.directory, 2, &id, world.directory.seq, &seq, &cut));
    assert_int_equal(seq, 0);
    assert_null(cut);
    uint64_t out = must(&world, revoke_link_of(&world, &body));
    for (uint8_t i = 0; i < 3; i++) {
        assert_true(sat_directory_cut(&world.directory, 2, &body.cuts[i].space, world.directory.seq, &seq, &cut));
        assert_int_equal(seq, out);
        assert_int_equal(cut->counter, 10 + i);
        assert_int_equal(cut->bundle.b[0], 1 + i);
    }
    const uint8_t not_listed[] = {EAST, BOARD, 9};
    for (size_t i = 0; i < sizeof not_listed; i++) {
        id = space_id(not_listed[i]);
        assert_true(sat_directory_cut(&world.directory, 2, &id, world.directory.seq, &seq, &cut));
        assert_int_equal(seq, out);
        assert_null(cut);
    }
    assert_false(sat_directory_cut(&world.directory, 1, &id, world.directory.seq, &seq, &cut));
    assert_false(sat_directory_cut(&world.directory, 9, &id, world.directory.seq, &seq, &cut));
    assert_false(sat_directory_cut(&world.directory, 0, &id, world.directory.seq, &seq, &cut));
    world_deinit(&world);
}

static void cuts_are_sorted_each_once_and_name_what_there_is(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_revoke body = with_cuts(2, 2);
    body.cuts[1].space = body.cuts[0].space;
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "in the order");
    body = with_cuts(2, 2);
    body.cuts[0].space = space_id(EAST);
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "in the order");
    body = with_cuts(2, 1);
    body.cuts[0].space = space_id(9);
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "a space that there is not");
    body = with_cuts(2, 1);
    body.cuts[0].counter = 0;
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "the last to count");
    body.cuts[0].counter = SAT_COUNTER_MAX + 1;
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "the last to count");
    body = with_cuts(2, 1);
    body.cuts[0].bundle = (struct sat_hash){{0}};
    refuse_saying(&world, revoke_link_of(&world, &body), SAT_ERR_INVALID, "the last to count");
    body = with_cuts(2, 5);
    must(&world, revoke_link_of(&world, &body));
    world_deinit(&world);
}

static void a_revocation_cancels_the_open_invites_that_the_device_issued(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t other = add_user(&world, SAT_ROLE_ADMIN), device = add_device_of(&world, other);
    must(&world, invite_link(&world, 1, 2, REP));
    act_as(&world, device);
    must(&world, invite_link(&world, 2, 2, REP));
    must(&world, invite_link(&world, 3, 2, REP));
    must(&world, invite_link(&world, 4, 4, SAT_ROLE_AUDITOR));
    must(&world, join_link(&world, 3, device + 1));
    act_as(&world, 1);
    must(&world, revoke_link(&world, device));
    const uint8_t expected[] = {SAT_INVITE_OPEN, SAT_INVITE_CANCELLED, SAT_INVITE_USED, SAT_INVITE_CANCELLED};
    for (uint32_t i = 0; i < 4; i++) {
        struct sat_hash id = invite_id(i + 1);
        assert_int_equal(sat_directory_invite(&world.directory, &id)->state, expected[i]);
    }
    refuse_saying(&world, join_link(&world, 2, device + 2), SAT_ERR_INVITE_EXPIRED, "cancelled");
    assert_int_equal(sat_directory_device(&world.directory, device + 1)->revoked_seq, 0); /* who joined stays */
    world_deinit(&world);
}

/* ---- Wipes ---- */

static void a_wipe_is_of_a_revoked_device_and_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse_saying(&world, wipe_link(&world, 2), SAT_ERR_INVALID, "that comes first");
    refuse_saying(&world, wipe_link(&world, 9), SAT_ERR_INVALID, "no device");
    must(&world, revoke_link(&world, 2));
    assert_int_equal(sat_directory_device(&world.directory, 2)->wiped_seq, 0);
    uint64_t seq = must(&world, wipe_link(&world, 2));
    assert_int_equal(sat_directory_device(&world.directory, 2)->wiped_seq, seq);
    refuse_saying(&world, wipe_link(&world, 2), SAT_ERR_EXISTS, "to be wiped already");
    world_deinit(&world);
}

/* ---- Late work ---- */

static uint8_t decided(const struct world *world, uint8_t bundle, uint64_t seq)
{
    return sat_directory_decided(&world->directory, &(struct sat_hash){{bundle}}, seq);
}

static void decisions_about_bundles_hold_from_their_position_on(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t before = world.directory.seq;
    uint64_t in = must(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, 7));
    uint64_t no = must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, 8));
    uint64_t yes = must(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, 8)); /* on second thoughts */
    assert_int_equal(decided(&world, 7, before), 0);
    assert_int_equal(decided(&world, 7, in), SAT_ACCEPT_BUNDLE);
    assert_int_equal(decided(&world, 7, yes), SAT_ACCEPT_BUNDLE);
    assert_int_equal(decided(&world, 8, in), 0);
    assert_int_equal(decided(&world, 8, no), SAT_ACCEPT_REJECT);
    assert_int_equal(decided(&world, 8, yes), SAT_ACCEPT_BUNDLE);
    assert_int_equal(decided(&world, 9, yes), 0);
    for (uint8_t what = SAT_ACCEPT_BUNDLE; what <= SAT_ACCEPT_REJECT; what++) { /* it is in the log */
        refuse_saying(&world, decide_link(&world, what, 2, EAST, 7), SAT_ERR_EXISTS, "let in already");
        refuse_saying(&world, decide_link(&world, what, 2, EAST, 8), SAT_ERR_EXISTS, "let in already");
    }
    must(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, 9));
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, 9), SAT_ERR_EXISTS, "rejected already");
    world_deinit(&world);
}

static void a_decision_names_a_device_a_space_and_a_bundle_and_no_keys(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 9, EAST, 7), SAT_ERR_INVALID, "no device 9");
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, 9, 7), SAT_ERR_INVALID, "space that there is not");
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_REJECT, 2, EAST, 0), SAT_ERR_INVALID, "names a bundle");
    struct sat_body_accept body = {
        .what = SAT_ACCEPT_BUNDLE, .device = 2, .space = space_id(EAST), .bundle = {{1}}, .boxes = {{{1}}, 1}};
    refuse_saying(&world, accept_link_of(&world, &body), SAT_ERR_INVALID, "no keys");
    act_as(&world, 2);
    refuse_saying(&world, decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, 7), SAT_ERR_DENIED, "only an admin");
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_of_reps_and_services_count_at_once_and_of_others_when_approved),
        cmocka_unit_test(a_device_that_is_not_approved_authors_nothing_but_its_leaving),
        cmocka_unit_test(keys_go_to_approved_devices_that_are_not_revoked),
        cmocka_unit_test(an_approval_is_exact),
        cmocka_unit_test(a_revoked_device_is_out_from_there_on_and_was_in_before),
        cmocka_unit_test(any_device_may_leave_by_its_own_signature_alone),
        cmocka_unit_test(the_last_admins_last_device_stays),
        cmocka_unit_test(an_admins_device_without_an_admin_key_does_not_count_as_an_admin),
        cmocka_unit_test(the_admin_key_of_one_device_does_not_sign_for_another),
        cmocka_unit_test(cuts_are_kept_by_device_and_space),
        cmocka_unit_test(cuts_are_sorted_each_once_and_name_what_there_is),
        cmocka_unit_test(a_revocation_cancels_the_open_invites_that_the_device_issued),
        cmocka_unit_test(a_wipe_is_of_a_revoked_device_and_once),
        cmocka_unit_test(decisions_about_bundles_hold_from_their_position_on),
        cmocka_unit_test(a_decision_names_a_device_a_space_and_a_bundle_and_no_keys),
    };
    return cmocka_run_group_tests_name("directory_devices", tests, NULL, NULL);
}
