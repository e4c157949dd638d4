/* Where there are two admins, a stolen phone of one of them does not make admins, approve an admin's device, change the
 * policy, replace the kit or wipe a fleet: that takes a second admin, or the kit. And what the kit itself does. */
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, ADMIN = SAT_ROLE_ADMIN, SECOND = 5, DAY_HOURS = 24 };

#define TWO "needs a second signature"

/* User 5 is an admin as well, with device 3. The first one acts. */
static void world_init_two(struct world *world)
{
    world_init(world);
    assert_int_equal(add_user(world, ADMIN), SECOND);
    assert_int_equal(add_device_of(world, SECOND), 3);
    assert_int_equal(sat_directory_admins(&world->directory), 2);
}

static bool wants_cosigner(const struct world *world, struct sat_link link)
{
    return sat_directory_wants_cosigner(&world->directory, &link, world->now_ms);
}

/* What `make` gives is refused as it is, and taken with the second admin's signature, or the kit's. */
#define GUARDED(world, make)                                                                                           \
    do {                                                                                                               \
        (world)->cosigner = (world)->kit = 0;                                                                          \
        refuse_saying(world, make, SAT_ERR_DENIED, TWO);                                                               \
        assert_true(wants_cosigner(world, make));                                                                      \
        (world)->cosigner = 3;                                                                                         \
        assert_false(wants_cosigner(world, make));                                                                     \
        must(world, make);                                                                                             \
        (world)->cosigner = 0;                                                                                         \
    } while (0)

static void a_lone_admin_needs_nobody_but_may_bring_the_kit(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    assert_false(wants_cosigner(&world, policy_link(&world, 1, 5)));
    must(&world, policy_link(&world, 1, 5));
    world.kit = 1;
    must(&world, policy_link(&world, 1, 6));
    must(&world, user_link(&world, 5, ADMIN, ACTIVE));
    world.kit = 0;
    must(&world, user_link(&world, 6, ADMIN, ACTIVE)); /* user 5 cannot act yet: there is one admin still */
    uint32_t waiting = join_device(&world, 5);
    must(&world, user_link(&world, 7, ADMIN, ACTIVE)); /* nor with a device that waits */
    must(&world, approve_link(&world, waiting));
    refuse_saying(&world, user_link(&world, 8, ADMIN, ACTIVE), SAT_ERR_DENIED, TWO);
    world_deinit(&world);
}

static void making_an_admin_takes_two(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    GUARDED(&world, user_link(&world, 6, ADMIN, ACTIVE));
    GUARDED(&world, role_link(&world, 2, ADMIN));
    must(&world, role_link(&world, 2, REP));
    GUARDED(&world, user_link(&world, 2, ADMIN, ACTIVE));
    must(&world, user_link(&world, 2, REP, SUSPENDED));
    GUARDED(&world, role_link(&world, 2, ADMIN)); /* suspended or not: reinstating must not be a way round */
    must(&world, user_link(&world, 2, ADMIN, SUSPENDED));
    GUARDED(&world, user_link(&world, 2, ADMIN, ACTIVE));
    must(&world, user_link(&world, 2, ADMIN, ACTIVE));    /* nothing new */
    must(&world, user_link(&world, 6, ADMIN, SUSPENDED)); /* to take away takes one */
    world.kit = 1;
    must(&world, user_link(&world, 7, ADMIN, ACTIVE));
    must(&world, role_link(&world, 3, ADMIN));
    world_deinit(&world);
}

static void approving_another_admins_device_takes_two(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t own = join_device(&world, 1), other = join_device(&world, SECOND), auditor = join_device(&world, 4);
    must(&world, approve_link(&world, own)); /* no more than the first one has */
    GUARDED(&world, approve_link(&world, other));
    must(&world, approve_link(&world, auditor));
    other = join_device(&world, SECOND);
    act_as(&world, other);
    refuse(&world, approve_link(&world, other), SAT_ERR_DENIED);
    act_as(&world, 1);
    world.kit = 1;
    must(&world, approve_link(&world, other));
    world.kit = 0;
    uint32_t manager = join_device(&world, 3); /* who becomes an admin while his device waits */
    world.cosigner = 3;
    must(&world, role_link(&world, 3, ADMIN));
    GUARDED(&world, approve_link(&world, manager));
    world_deinit(&world);
}

static void the_policy_takes_two(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    GUARDED(&world, policy_link(&world, SAT_POLICY_LEASE_REP, 90));
    assert_int_equal(sat_directory_policy(&world.directory, SAT_POLICY_LEASE_REP), 90);
    world_deinit(&world);
}

static void a_fourth_wipe_within_a_day_takes_two(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t devices[8];
    for (size_t i = 0; i < 8; i++) devices[i] = add_device_of(&world, 2);
    for (size_t i = 0; i < 8; i++) must(&world, revoke_link(&world, devices[i]));
    for (size_t i = 0; i < 3; i++, world.now_ms += HOUR_MS) must(&world, wipe_link(&world, devices[i]));
    refuse_saying(&world, wipe_link(&world, devices[3]), SAT_ERR_DENIED, TWO);
    uint32_t own = add_device_of(&world, 1);
    act_as(&world, own); /* it is the person that counts, not the phone */
    refuse_saying(&world, wipe_link(&world, devices[3]), SAT_ERR_DENIED, TWO);
    act_as(&world, 3); /* and each person */
    must(&world, wipe_link(&world, devices[3]));
    act_as(&world, 1);
    world.now_ms = NOW_MS + DAY_HOURS * HOUR_MS - 1;
    GUARDED(&world, wipe_link(&world, devices[4])); /* it counts as well */
    world.now_ms = NOW_MS + DAY_HOURS * HOUR_MS;
    refuse_saying(&world, wipe_link(&world, devices[5]), SAT_ERR_DENIED, TWO); /* hours 1, 2 and just now */
    world.now_ms = NOW_MS + (DAY_HOURS + 1) * HOUR_MS;
    must(&world, wipe_link(&world, devices[5]));
    world.kit = 1;
    must(&world, wipe_link(&world, devices[6]));
    world_deinit(&world);
}

static void a_manager_who_wipes_many_needs_an_admin(void **state)
{
    (void)state;
    struct world world;
    world_init(&world); /* one admin is another one than the manager */
    must(&world, grant_link(&world, EAST, 3, 7));
    assert_int_equal(add_device_of(&world, 3), 3);
    uint32_t devices[4];
    for (size_t i = 0; i < 4; i++) devices[i] = add_device_of(&world, 2);
    act_as(&world, 3);
    for (size_t i = 0; i < 4; i++) must(&world, revoke_link(&world, devices[i]));
    for (size_t i = 0; i < 3; i++) must(&world, wipe_link(&world, devices[i]));
    refuse_saying(&world, wipe_link(&world, devices[3]), SAT_ERR_DENIED, TWO);
    world.cosigner = 1;
    must(&world, wipe_link(&world, devices[3]));
    world_deinit(&world);
}

/* ---- Who the second one is ---- */

static void a_co_signer_is_another_admin_with_an_approved_device(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t own = add_device_of(&world, 1);
    must(&world, grant_link(&world, EAST, 3, 7));
    uint32_t manager = add_device_of(&world, 3), waiting = join_device(&world, SECOND);
    const uint32_t wrong[] = {own, manager, waiting, 2, 99, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world.cosigner = wrong[i];
        refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "may not co-sign");
    }
    world.cosigner = 1; /* the author again */
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_MALFORMED, "surplus");
    world.cosigner = 0;
    struct sat_link link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'a', 1, SAT_SIGNER_ADMIN, 3); /* says it is the other's */
    refuse_saying(&world, link, SAT_ERR_TAMPERED, "does not hold");
    link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'd', 3, SAT_SIGNER_DEVICE, 3); /* a device's key is no admin's */
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus");
    link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'd', 3, SAT_SIGNER_ADMIN, 3);
    refuse_saying(&world, link, SAT_ERR_TAMPERED, "does not hold");
    world.cosigner = 3;
    must(&world, policy_link(&world, 1, 5));
    world_deinit(&world);
}

/* User 6 becomes an admin too; the device is given. */
static uint32_t add_third_admin(struct world *world)
{
    world->cosigner = 3;
    must(world, user_link(world, 6, ADMIN, ACTIVE));
    world->cosigner = 0;
    uint32_t device = join_device(world, 6);
    world->cosigner = 3;
    must(world, approve_link(world, device));
    world->cosigner = 0;
    return device;
}

static void a_co_signer_who_is_suspended_demoted_or_revoked_counts_no_more(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t third = add_third_admin(&world);
    must(&world, user_link(&world, SECOND, ADMIN, SUSPENDED));
    world.cosigner = 3;
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "may not co-sign");
    world.cosigner = third;
    must(&world, user_link(&world, SECOND, ADMIN, ACTIVE));
    world.cosigner = 0;
    must(&world, role_link(&world, SECOND, SAT_ROLE_MANAGER));
    world.cosigner = 3;
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "may not co-sign");
    world.cosigner = third;
    must(&world, role_link(&world, SECOND, ADMIN));
    world.cosigner = 3;
    must(&world, policy_link(&world, 1, 5));
    world.cosigner = 0;
    must(&world, revoke_link(&world, 3));
    world.cosigner = 3;
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "may not co-sign");
    world_deinit(&world);
}

static void one_second_signature_is_enough_and_more_are_surplus(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t third = add_third_admin(&world), of_second = join_device(&world, SECOND);
    world.cosigner = 3;
    must(&world, approve_link(&world, of_second));
    struct sat_link link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'a', of_second, SAT_SIGNER_ADMIN, of_second); /* two of one user's */
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus");
    link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'a', third, SAT_SIGNER_ADMIN, third);
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus");
    world.kit = 1;
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_MALFORMED, "surplus"); /* an admin and the kit */
    world.cosigner = 0;
    link = policy_link(&world, 1, 5);
    sign_as(&world, &link, 'k', 1, SAT_SIGNER_KIT, 1);
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus"); /* the kit twice */
    must(&world, policy_link(&world, 1, 5));
    link = policy_link(&world, 1, 5);
    link.signatures[1] = link.signatures[2];
    link.signatures_n = 2; /* the kit instead of the own admin key */
    refuse_saying(&world, link, SAT_ERR_DENIED, "lacks a signature");
    world_deinit(&world);
}

static void what_needs_no_second_signature_carries_none(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    uint32_t waiting = join_device(&world, 4);
    must(&world, invite_link(&world, 1, 2, REP));
    for (int kit = 0; kit < 2; kit++) {
        world.kit = kit ? 1 : 0;
        world.cosigner = kit ? 0 : 3;
        const struct sat_link links[] = {
            user_link(&world, 6, REP, ACTIVE),
            role_link(&world, 2, SAT_ROLE_MANAGER),
            space_link(&world, 9, SAT_SPACE_NARROW),
            grant_link(&world, WEST, 2, RW),
            invite_link(&world, 2, 2, REP),
            cancel_link(&world, 1),
            revoke_link(&world, 2),
            decide_link(&world, SAT_ACCEPT_BUNDLE, 2, EAST, 1),
        };
        for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
            refuse_saying(&world, links[i], SAT_ERR_MALFORMED, "surplus");
    }
    world.cosigner = 3, world.kit = 0; /* where one might be due it may be there */
    must(&world, approve_link(&world, waiting));
    world.cosigner = 0;
    must(&world, revoke_link(&world, 2));
    world.cosigner = 3;
    must(&world, wipe_link(&world, 2));
    world_deinit(&world);
}

/* ---- Policy ---- */

static struct sat_link policies(struct world *world, const struct sat_body_policy *body)
{
    struct sat_buf buf = {0};
    sat_body_policy_encode(body, &buf);
    return admin_link(world, SAT_LINK_POLICY, &buf);
}

static void policies_have_defaults_bounds_and_an_order(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const struct sat_directory *d = &world.directory;
#define X(id, name, number, absent, most)                                                                              \
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_##id), absent);                                                \
    refuse_saying(&world, policy_link(&world, number, most + 1ull), SAT_ERR_INVALID, "more than");                     \
    must(&world, policy_link(&world, number, most));                                                                   \
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_##id), most);
#include "common/proof/policies.def"
#undef X
    struct sat_body_policy body = {.values = {{2, 1}, {2, 2}}, .values_n = 2};
    refuse_saying(&world, policies(&world, &body), SAT_ERR_INVALID, "in order");
    body = (struct sat_body_policy){.values = {{3, 1}, {2, 2}}, .values_n = 2};
    refuse_saying(&world, policies(&world, &body), SAT_ERR_INVALID, "in order");
    body.values_n = 0;
    refuse_saying(&world, policies(&world, &body), SAT_ERR_INVALID, "sets nothing");
    body = (struct sat_body_policy){.values = {{2, 11}, {9000, UINT64_MAX}}, .values_n = 2};
    must(&world, policies(&world, &body)); /* what is not known is kept and ignored */
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_LEASE_MANAGER), 11);
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_LEASE_ADMIN), 3650); /* the others stay */
    body = (struct sat_body_policy){.values = {{1, 7}, {2, 8}, {3, 9}}, .values_n = 3};
    must(&world, policies(&world, &body));
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_LEASE_ADMIN), 7);
    assert_int_equal(sat_directory_policy(d, SAT_POLICY_LEASE_REP), 9);
    assert_int_equal(sat_directory_policy(d, (enum sat_policy)9000), UINT64_MAX);
    assert_int_equal(sat_directory_policy(d, (enum sat_policy)9001), 0);
    act_as(&world, 2);
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "only an admin may");
    world_deinit(&world);
}

/* ---- The kit ---- */

static void an_admin_replaces_the_kit_and_the_old_one_is_worth_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_kit body = kit_body(&world);
    uint64_t seq = must(&world, kit_link_of(&world, &body));
    assert_int_equal(world.directory.kit_seq, seq);
    assert_memory_equal(world.directory.kit_sign.b, body.kit_sign.b, 32);
    assert_memory_equal(world.directory.kit_box.b, body.kit_box.b, 32);
    struct sat_space_id west = space_id(WEST);
    struct sat_recipient *out;
    assert_int_equal(sat_directory_recipients(&world.directory, &west, NOW_MS, &world.arena, &out), 2);
    assert_int_equal(out[1].number, seq);
    assert_memory_equal(out[1].box.b, body.kit_box.b, 32);
    world.kit = 1;
    refuse_saying(&world, policy_link(&world, 1, 5), SAT_ERR_DENIED, "a kit that was replaced");
    struct sat_link link = policy_link(&world, 1, 5);
    link.signatures[2].number = (uint32_t)seq; /* the old key under the new number */
    refuse_saying(&world, link, SAT_ERR_TAMPERED, "does not hold");
    world.kit = 0;
    struct sat_body_kit recovery = recovery_body(&world, 1, 3);
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &recovery), SAT_ERR_DENIED, "lacks a signature");
    must(&world, recovery_link_of(&world, 3, (uint32_t)seq, &recovery));
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_EXISTS, "in use before"); /* nor comes one back */
    world_deinit(&world);
}

static void replacing_the_kit_takes_two_of_whom_the_kit_may_be_one(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    struct sat_body_kit body = kit_body(&world);
    GUARDED(&world, kit_link_of(&world, &body));
    uint32_t first = (uint32_t)world.directory.kit_seq;
    body = kit_body(&world);
    world.kit = first;
    must(&world, kit_link_of(&world, &body));
    body = kit_body(&world);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_DENIED, "a kit that was replaced");
    world_deinit(&world);
}

static void a_new_kit_is_sound_and_brings_nobody_with_it(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_kit body = kit_body(&world);
    body.kit_sign = sign_public('d', 2);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_EXISTS, "in use before");
    body = kit_body(&world);
    body.kit_box = box_public('k', 1);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_EXISTS, "in use before");
    body = kit_body(&world);
    body.kit_box = (struct sat_public_key){{1}};
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_INVALID, "sealed to it");
    body = kit_body(&world);
    body.kit_sign = (struct sat_public_key){{0}};
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_INVALID, "signed by the new kit");
    body = kit_body(&world);
    body.device_sign = sign_public('d', 3);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_INVALID, "lets no device in");
    body = kit_body(&world);
    body.admin_sign = sign_public('a', 3);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_INVALID, "lets no device in");
    act_as(&world, 2);
    body = kit_body(&world);
    refuse_saying(&world, kit_link_of(&world, &body), SAT_ERR_DENIED, "only an admin may");
    world_deinit(&world);
}

static void the_kit_makes_an_admins_device_when_no_other_is_left(void **state)
{
    (void)state;
    struct world world;
    world_init_two(&world);
    must(&world, revoke_link(&world, 3)); /* one admin is out and suspended, the other's phone is gone */
    must(&world, user_link(&world, SECOND, ADMIN, SUSPENDED));
    struct sat_body_kit body = recovery_body(&world, SECOND, 4);
    body.boxes = (struct sat_boxes){{{1}}, 3};
    uint64_t seq = must(&world, recovery_link_of(&world, 4, 1, &body));
    const struct sat_device *device = sat_directory_device(&world.directory, 4);
    assert_int_equal(device->user, SECOND);
    assert_int_equal(device->since_seq, seq);
    assert_int_equal(device->approved_seq, seq);
    assert_memory_equal(device->admin_sign.b, body.admin_sign.b, 32);
    assert_int_equal(device->joined_ms, NOW_MS);
    assert_int_equal(sat_directory_user(&world.directory, SECOND)->state, ACTIVE); /* he is one again */
    assert_int_equal(rights(&world, WEST, SECOND, seq - 1), 0);
    assert_int_equal(device_rights(&world, WEST, 4, seq), RW);
    assert_int_equal(world.directory.kit_seq, seq);
    assert_int_equal(sat_directory_admins(&world.directory), 2);
    act_as(&world, 4);
    must(&world, revoke_link(&world, 1));
    must(&world, user_link(&world, 6, REP, ACTIVE));
    world_deinit(&world);
}

static void a_recovery_is_an_admins_signed_by_the_kit_and_by_the_new_device(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_kit body = recovery_body(&world, 1, 3);
    struct sat_link link = recovery_link_of(&world, 3, 1, &body);
    for (int i = 0; i < 2; i++) {
        struct sat_link forged = link;
        forged.signatures[i].signature.b[1] ^= 1;
        refuse_saying(&world, forged, SAT_ERR_TAMPERED, "does not hold");
        forged = link;
        forged.signatures[i] = forged.signatures[1];
        forged.signatures_n = 1;
        refuse_saying(&world, forged, SAT_ERR_DENIED, "lacks a signature");
    }
    sign_as(&world, &link, 'a', 1, SAT_SIGNER_ADMIN, 1);
    refuse_saying(&world, link, SAT_ERR_MALFORMED, "surplus");
    link = recovery_link_of(&world, 3, 77, &body); /* another kit's key */
    link.signatures[1].number = 1;
    refuse_saying(&world, link, SAT_ERR_TAMPERED, "does not hold");
    refuse_saying(&world, recovery_link_of(&world, 4, 1, &body), SAT_ERR_INVALID, "not the next");
    body = recovery_body(&world, 2, 3);
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_INVALID, "recovers admins");
    body = recovery_body(&world, 9, 3);
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_INVALID, "no user 9");
    body = recovery_body(&world, 1, 3);
    body.admin_sign = (struct sat_public_key){{0}};
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_INVALID, "has an admin key");
    body.admin_sign = body.device_sign;
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_EXISTS, "in use already");
    body = recovery_body(&world, 1, 3);
    body.kit_sign = body.admin_sign;
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_EXISTS, "a key of the new device");
    body = recovery_body(&world, 1, 3);
    body.kit_box = body.device_box;
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_EXISTS, "a key of the new device");
    body = recovery_body(&world, 1, 3);
    body.device_box = (struct sat_public_key){{1}};
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_INVALID, "nothing can be sealed");
    body = recovery_body(&world, 1, 3);
    body.device_box = box_public('d', 2);
    refuse_saying(&world, recovery_link_of(&world, 3, 1, &body), SAT_ERR_EXISTS, "in use already");
    body = recovery_body(&world, 1, 3);
    must(&world, recovery_link_of(&world, 3, 1, &body));
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_admin_needs_nobody_but_may_bring_the_kit),
        cmocka_unit_test(making_an_admin_takes_two),
        cmocka_unit_test(approving_another_admins_device_takes_two),
        cmocka_unit_test(the_policy_takes_two),
        cmocka_unit_test(a_fourth_wipe_within_a_day_takes_two),
        cmocka_unit_test(a_manager_who_wipes_many_needs_an_admin),
        cmocka_unit_test(a_co_signer_is_another_admin_with_an_approved_device),
        cmocka_unit_test(a_co_signer_who_is_suspended_demoted_or_revoked_counts_no_more),
        cmocka_unit_test(one_second_signature_is_enough_and_more_are_surplus),
        cmocka_unit_test(what_needs_no_second_signature_carries_none),
        cmocka_unit_test(policies_have_defaults_bounds_and_an_order),
        cmocka_unit_test(an_admin_replaces_the_kit_and_the_old_one_is_worth_nothing),
        cmocka_unit_test(replacing_the_kit_takes_two_of_whom_the_kit_may_be_one),
        cmocka_unit_test(a_new_kit_is_sound_and_brings_nobody_with_it),
        cmocka_unit_test(the_kit_makes_an_admins_device_when_no_other_is_left),
        cmocka_unit_test(a_recovery_is_an_admins_signed_by_the_kit_and_by_the_new_device),
    };
    return cmocka_run_group_tests_name("directory_guard", tests, NULL, NULL);
}
