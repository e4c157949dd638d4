/* The chain of links, their signatures, and who may author what. test_directory_rules.c has the bodies,
 * test_directory_query.c the questions. */
#include "tests/unit/directory_world.h"

/* ---- The chain ---- */

static void a_genesis_founds_the_org(void **state)
{
    (void)state;
    struct world world;
    world_init_empty(&world);
    struct sat_body_genesis body = genesis_body();
    struct sat_link link = genesis_link(&world, &body);
    must(&world, link);
    const struct sat_directory *d = &world.directory;
    struct sat_hash org = sat_link_org(&link), id = sat_link_id(&link), head = sat_directory_hash_at(d, 1);
    assert_memory_equal(d->org.b, org.b, 32);
    assert_memory_equal(head.b, id.b, 32);
    assert_memory_equal(d->server.b, body.server.b, 32);
    assert_memory_equal(d->kit_sign.b, body.kit_sign.b, 32);
    assert_memory_equal(d->kit_box.b, body.kit_box.b, 32);
    assert_int_equal(d->kit_seq, 1);
    assert_int_equal(d->time_ms, NOW_MS);
    const struct sat_user *user = sat_directory_user(d, 1);
    assert_int_equal(user->role, SAT_ROLE_ADMIN);
    assert_int_equal(user->state, ACTIVE);
    assert_int_equal(user->creator, 0);
    const struct sat_device *device = sat_directory_device(d, 1);
    assert_int_equal(device->user, 1);
    assert_int_equal(device->since_seq, 1);
    assert_int_equal(device->approved_seq, 1);
    assert_memory_equal(device->admin_sign.b, body.admin_sign.b, 32);
    assert_int_equal(sat_directory_admins(d), 1);
    assert_int_equal(device->joined_ms, NOW_MS);
    assert_memory_equal(device->box.b, body.device_box.b, 32);
    world_deinit(&world);
}

static void a_genesis_that_is_not_sound_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_init_empty(&world);
    struct sat_body_genesis body = genesis_body();
    struct sat_link link = genesis_link(&world, &body);
    link.signatures[0].signature.b[5] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    link = genesis_link(&world, &body);
    link.signatures[1].signature.b[5] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    link = genesis_link(&world, &body);
    link.signatures_n = 1;
    refuse(&world, link, SAT_ERR_DENIED);
    link = genesis_link(&world, &body);
    link.author = 2;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_INVALID);
    link = genesis_link(&world, &body);
    link.prev.b[0] = 1;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_STALE);
    link = genesis_link(&world, &body);
    link.body.len--;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_MALFORMED);
    body.version = 2;
    refuse(&world, genesis_link(&world, &body), SAT_ERR_UPGRADE_NEEDED);
    body = genesis_body();
    body.kit_box = (struct sat_public_key){{1}}; /* of small order */
    refuse(&world, genesis_link(&world, &body), SAT_ERR_INVALID);
    body = genesis_body();
    body.server = sign_public('s', 2); /* names another server than the one that countersigns */
    refuse(&world, genesis_link(&world, &body), SAT_ERR_TAMPERED);
    refuse(&world, user_link(&world, 1, SAT_ROLE_ADMIN, ACTIVE), SAT_ERR_INVALID);
    world_deinit(&world);
}

static void an_admin_key_that_is_the_devices_is_refused(void **state)
{
    (void)state;
    struct world world;
    world_init_empty(&world);
    struct sat_body_genesis body = genesis_body();
    body.admin_sign = body.device_sign;
    struct sat_link link = genesis_link(&world, &body);
    link.signatures_n = 1;
    sign_as(&world, &link, 'd', 1, SAT_SIGNER_ADMIN, 1);
    refuse(&world, link, SAT_ERR_INVALID);
    body.admin_sign = (struct sat_public_key){{0}}; /* nor is there an org without one */
    link = genesis_link(&world, &body);
    assert_int_equal(sat_directory_apply(&world.directory, &link, NULL, NOW_MS, SAT_DIRECTORY_STORED, &world.fault),
                     SAT_ERR_INVALID);
    world_deinit(&world);
}

static void there_is_one_genesis(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_genesis body = genesis_body();
    refuse(&world, genesis_link(&world, &body), SAT_ERR_INVALID);
    world_deinit(&world);
}

static void a_link_that_does_not_extend_the_head_is_stale(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE),
                    fork = user_link(&world, 5, SAT_ROLE_ADMIN, ACTIVE);
    must(&world, link);
    refuse(&world, link, SAT_ERR_STALE); /* again */
    refuse(&world, fork, SAT_ERR_STALE); /* another one for the same place */
    link = user_link(&world, 6, SAT_ROLE_REP, ACTIVE);
    link.seq++;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_STALE); /* a gap */
    link.seq--;
    link.prev.b[31] ^= 1;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_STALE); /* another past */
    must(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE));
    world_deinit(&world);
}

static void every_link_has_its_id(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    uint64_t seq = must(&world, link);
    struct sat_hash id = sat_link_id(&link), at = sat_directory_hash_at(&world.directory, seq);
    assert_memory_equal(at.b, id.b, 32);
    at = sat_directory_hash_at(&world.directory, seq + 1);
    assert_true(sat_hash_is_zero(&at));
    at = sat_directory_hash_at(&world.directory, 0);
    assert_true(sat_hash_is_zero(&at));
    world_deinit(&world);
}

/* ---- Signatures ---- */

static void a_forged_signature_is_tampering(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    for (int i = 0; i < 2; i++) {
        struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
        link.signatures[i].signature.b[40] ^= 1;
        refuse(&world, link, SAT_ERR_TAMPERED);
    }
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures_n = 1;
    sign_as(&world, &link, 'a', 77, SAT_SIGNER_ADMIN, 1); /* another's key */
    refuse(&world, link, SAT_ERR_TAMPERED);
    link = epoch_link(&world, EAST, 2);
    link.signatures[0].signature.b[0] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    world_deinit(&world);
}

static void a_signature_for_another_org_is_tampering(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    struct sat_hash real = world.directory.org;
    link.signatures_n = 0;
    world.directory.org.b[0] ^= 1;
    sign_as(&world, &link, 'd', 1, SAT_SIGNER_DEVICE, 1);
    sign_as(&world, &link, 'a', 1, SAT_SIGNER_ADMIN, 1);
    world.directory.org = real;
    refuse(&world, link, SAT_ERR_TAMPERED);
    world_deinit(&world);
}

static void an_admins_link_needs_the_admin_key_beside_the_devices(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures_n = 1;
    refuse(&world, link, SAT_ERR_DENIED);
    link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures[0] = link.signatures[1];
    link.signatures_n = 1;
    refuse(&world, link, SAT_ERR_DENIED);
    link.signatures_n = 0;
    refuse(&world, link, SAT_ERR_DENIED);
    link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures[1].number = 2; /* says it is another device's admin key */
    refuse(&world, link, SAT_ERR_DENIED);
    world_deinit(&world);
}

static void duplicate_or_surplus_signatures_are_malformed(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    sign_as(&world, &link, 'd', 1, SAT_SIGNER_DEVICE, 1);
    refuse(&world, link, SAT_ERR_MALFORMED);
    link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    sign_as(&world, &link, 'k', 1, SAT_SIGNER_KIT, 1);
    refuse(&world, link, SAT_ERR_MALFORMED);
    link = epoch_link(&world, EAST, 2);
    sign_as(&world, &link, 'a', 1, SAT_SIGNER_ADMIN, 1);
    refuse(&world, link, SAT_ERR_MALFORMED);
    link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures[1].kind = 9;
    refuse(&world, link, SAT_ERR_MALFORMED);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    link = join_link(&world, 1, 3);
    sign_as(&world, &link, 'a', 1, SAT_SIGNER_ADMIN, 1);
    refuse(&world, link, SAT_ERR_MALFORMED);
    world_deinit(&world);
}

static void a_link_needs_the_countersignature_of_the_orgs_server(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    struct sat_sign_key stranger = sign_key('s', 2), server = sign_key('s', 1);
    struct sat_countersign sign;
    struct sat_hash before = fingerprint(&world);
    sat_countersign(&link, NOW_MS, &world.directory.org, &stranger, &sign);
    assert_int_equal(sat_directory_apply(&world.directory, &link, &sign, 0, SAT_DIRECTORY_VERIFY, NULL),
                     SAT_ERR_TAMPERED);
    sat_countersign(&link, NOW_MS, &world.directory.org, &server, &sign);
    sign.time_ms--;
    assert_int_equal(sat_directory_apply(&world.directory, &link, &sign, 0, SAT_DIRECTORY_VERIFY, NULL),
                     SAT_ERR_TAMPERED);
    sign.time_ms = SAT_TIME_MS_MAX + 1;
    assert_int_equal(sat_directory_apply(&world.directory, &link, &sign, 0, SAT_DIRECTORY_VERIFY, NULL),
                     SAT_ERR_MALFORMED);
    struct sat_hash after = fingerprint(&world);
    assert_memory_equal(before.b, after.b, 32);
    world_deinit(&world);
}

static void the_server_tries_a_link_before_it_countersigns(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_link link = join_link(&world, 1, 3);
    struct sat_directory *d = &world.directory;
    uint64_t expires_ms = NOW_MS + HOUR_MS;
    assert_int_equal(sat_directory_apply(d, &link, NULL, expires_ms + 1, SAT_DIRECTORY_VERIFY, NULL),
                     SAT_ERR_INVITE_EXPIRED);
    link.signatures[1].signature.b[0] ^= 1;
    assert_int_equal(sat_directory_apply(d, &link, NULL, expires_ms, SAT_DIRECTORY_VERIFY, NULL), SAT_ERR_TAMPERED);
    link.signatures[1].signature.b[0] ^= 1;
    assert_int_equal(sat_directory_apply(d, &link, NULL, expires_ms, SAT_DIRECTORY_VERIFY, NULL), SAT_OK);
    assert_int_equal(d->time_ms, NOW_MS); /* nothing was countersigned */
    world_deinit(&world);
}

static void what_was_checked_before_it_was_stored_is_checked_for_authority_only(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_directory *d = &world.directory;
    struct sat_countersign sign = {.time_ms = NOW_MS + 5};
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures_n = 1;
    assert_int_equal(sat_directory_apply(d, &link, &sign, 0, SAT_DIRECTORY_STORED, NULL), SAT_ERR_DENIED);
    link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.signatures[0].signature.b[0] ^= 1;
    assert_int_equal(sat_directory_apply(d, &link, &sign, 0, SAT_DIRECTORY_STORED, NULL), SAT_OK);
    assert_int_equal(d->time_ms, NOW_MS + 5);
    assert_int_equal(d->users_n, 5);
    world_deinit(&world);
}

/* ---- Who may author ---- */

static void only_an_admin_does_what_admins_do_and_only_a_device_anything(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    act_as(&world, 2); /* a rep with a device, and an admin key of no meaning */
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    refuse(&world, role_link(&world, 2, SAT_ROLE_ADMIN), SAT_ERR_DENIED);
    refuse(&world, space_link(&world, 9, SAT_SPACE_NARROW), SAT_ERR_DENIED);
    refuse(&world, grant_link(&world, WEST, 2, RW), SAT_ERR_DENIED);
    refuse(&world, invite_link(&world, 1, 2, SAT_ROLE_REP), SAT_ERR_DENIED);
    refuse(&world, cancel_link(&world, 101), SAT_ERR_DENIED);
    world.admin = 1; /* the rep's device with the admin's key */
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    world.device = 3; /* nobody's device */
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    refuse(&world, epoch_link(&world, EAST, 2), SAT_ERR_DENIED);
    world.device = 0;
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    refuse(&world, epoch_link(&world, EAST, 2), SAT_ERR_DENIED);
    world_deinit(&world);
}

/* User 5 becomes an admin with device 3 and an admin key of his own. */
static void add_second_admin(struct world *world)
{
    must(world, user_link(world, 5, SAT_ROLE_ADMIN, ACTIVE));
    must(world, invite_link(world, 1, 5, SAT_ROLE_ADMIN));
    struct sat_body_join body = join_body(1, 3);
    body.admin_sign = sign_public('a', 3);
    must(world, join_link_of(world, 1, 3, &body));
    must(world, approve_link(world, 3));
}

static void a_second_admin_has_the_authority_of_the_first(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add_second_admin(&world);
    act_as(&world, 3);
    must(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE));
    world.admin = 1; /* his device with the first one's key */
    refuse(&world, user_link(&world, 7, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    world_deinit(&world);
}

static void an_admin_without_an_admin_key_cannot_author(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, role_link(&world, 2, SAT_ROLE_ADMIN)); /* joined as a rep */
    act_as(&world, 2);
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    world_deinit(&world);
}

static void who_is_demoted_or_suspended_may_author_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    add_second_admin(&world);
    must(&world, role_link(&world, 5, SAT_ROLE_REP));
    act_as(&world, 3);
    refuse(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    must(&world, epoch_link(&world, ORG, 2)); /* a rep still pays a debt */
    act_as(&world, 1);
    must(&world, user_link(&world, 5, SAT_ROLE_ADMIN, SUSPENDED));
    act_as(&world, 3);
    refuse(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE), SAT_ERR_DENIED);
    refuse(&world, epoch_link(&world, ORG, 3), SAT_ERR_DENIED);
    act_as(&world, 1);
    must(&world, user_link(&world, 5, SAT_ROLE_ADMIN, ACTIVE));
    act_as(&world, 3);
    must(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE)); /* reinstated, by the same key */
    world_deinit(&world);
}

/* ---- What this version does not know ---- */

static struct sat_link strange_link(struct world *world, uint16_t type, uint8_t critical)
{
    struct sat_buf body = {0};
    sat_put_u32(&body, 12345);
    struct sat_link link = draft(world, type, &body);
    link.critical = critical;
    sign_member_link(world, &link);
    return link;
}

static void later_and_unknown_critical_kinds_need_an_upgrade(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    static const uint16_t later[] = {SAT_LINK_GRAFT, SAT_LINK_ERASE};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        refuse(&world, strange_link(&world, later[i], 1), SAT_ERR_UPGRADE_NEEDED);
        refuse(&world, strange_link(&world, later[i], 0), SAT_ERR_UPGRADE_NEEDED);
    }
    refuse(&world, strange_link(&world, 0, 1), SAT_ERR_UPGRADE_NEEDED);
    refuse(&world, strange_link(&world, 23, 1), SAT_ERR_UPGRADE_NEEDED);
    refuse(&world, strange_link(&world, 65535, 1), SAT_ERR_UPGRADE_NEEDED);
    struct sat_link link = user_link(&world, 5, SAT_ROLE_REP, ACTIVE);
    link.suite = 2;
    sign_admin_link(&world, &link);
    refuse(&world, link, SAT_ERR_UPGRADE_NEEDED);
    world_deinit(&world);
}

static void an_unknown_link_that_is_not_critical_is_counted_and_ignored(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_link link = strange_link(&world, 23, 0);
    link.signatures[0].signature.b[0] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    link.signatures_n = 0;
    refuse(&world, link, SAT_ERR_DENIED);
    link = strange_link(&world, 23, 0);
    sign_as(&world, &link, 'd', 1, SAT_SIGNER_DEVICE, 1);
    refuse(&world, link, SAT_ERR_MALFORMED);
    world.device = 9;
    refuse(&world, strange_link(&world, 23, 0), SAT_ERR_DENIED);
    world.device = 2;
    link = strange_link(&world, 23, 0);
    sign_as(&world, &link, 'a', 2, 77, 2); /* kinds of signature may be new as well */
    uint32_t users = world.directory.users_n, grants = world.directory.grants_n;
    uint64_t seq = must(&world, link);
    struct sat_hash id = sat_link_id(&link), head = sat_directory_hash_at(&world.directory, seq);
    assert_memory_equal(id.b, head.b, 32);
    assert_int_equal(world.directory.users_n, users);
    assert_int_equal(world.directory.grants_n, grants);
    world.device = 1;
    must(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE)); /* and the chain goes on */
    world_deinit(&world);
}

static void a_truncated_body_of_every_kind_is_malformed(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_body_kit kit = kit_body(&world);
    struct sat_link links[] = {
        user_link(&world, 5, SAT_ROLE_REP, ACTIVE),
        role_link(&world, 2, SAT_ROLE_MANAGER),
        space_link(&world, 9, SAT_SPACE_NARROW),
        grant_link(&world, WEST, 2, RW),
        epoch_link(&world, EAST, 2),
        invite_link(&world, 2, 2, SAT_ROLE_REP),
        cancel_link(&world, 1),
        join_link(&world, 1, 3),
        revoke_link(&world, 2),
        wipe_link(&world, 2),
        approve_link(&world, 2),
        policy_link(&world, 1, 5),
        mass_change_link(&world, EAST, 2, 1, 2),
        expel_link(&world, 2),
        kit_link_of(&world, &kit),
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        struct sat_link link = links[i];
        link.body.len--;
        if (link.type == SAT_LINK_EPOCH || link.type == SAT_LINK_EXPEL)
            sign_member_link(&world, &link);
        else if (link.type != SAT_LINK_JOIN)
            sign_admin_link(&world, &link);
        refuse(&world, link, SAT_ERR_MALFORMED);
    }
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genesis_founds_the_org),
        cmocka_unit_test(a_genesis_that_is_not_sound_is_refused),
        cmocka_unit_test(an_admin_key_that_is_the_devices_is_refused),
        cmocka_unit_test(there_is_one_genesis),
        cmocka_unit_test(a_link_that_does_not_extend_the_head_is_stale),
        cmocka_unit_test(every_link_has_its_id),
        cmocka_unit_test(a_forged_signature_is_tampering),
        cmocka_unit_test(a_signature_for_another_org_is_tampering),
        cmocka_unit_test(an_admins_link_needs_the_admin_key_beside_the_devices),
        cmocka_unit_test(duplicate_or_surplus_signatures_are_malformed),
        cmocka_unit_test(a_link_needs_the_countersignature_of_the_orgs_server),
        cmocka_unit_test(the_server_tries_a_link_before_it_countersigns),
        cmocka_unit_test(what_was_checked_before_it_was_stored_is_checked_for_authority_only),
        cmocka_unit_test(only_an_admin_does_what_admins_do_and_only_a_device_anything),
        cmocka_unit_test(a_second_admin_has_the_authority_of_the_first),
        cmocka_unit_test(an_admin_without_an_admin_key_cannot_author),
        cmocka_unit_test(who_is_demoted_or_suspended_may_author_nothing),
        cmocka_unit_test(later_and_unknown_critical_kinds_need_an_upgrade),
        cmocka_unit_test(an_unknown_link_that_is_not_critical_is_counted_and_ignored),
        cmocka_unit_test(a_truncated_body_of_every_kind_is_malformed),
    };
    return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
