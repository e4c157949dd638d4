/* Devices that go on under a new index: what they have, what they do not get, and how they end together. */
#include "common/proof/directory_repudiate.h"
#include "tests/unit/directory_world.h"

enum { REP = SAT_ROLE_REP, R = SAT_RIGHT_READ };

static const struct sat_device *device_of(const struct world *world, uint32_t number)
{
    return sat_directory_device(&world->directory, number);
}

static void a_copy_has_what_its_parent_has_and_no_more(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user);
    uint64_t seq = must(&world, reindex_link(&world, phone));
    uint32_t copy = world.directory.devices_n;
    const struct sat_device *known = device_of(&world, copy);
    assert_true(known->parent == phone && known->lineage == phone && known->user == user);
    assert_true(known->since_seq == seq && known->approved_seq == seq);
    assert_int_equal(device_of(&world, phone)->copies, 1);
    assert_int_equal(device_rights(&world, ORG, copy, seq), R);
    assert_int_equal(device_rights(&world, ORG, copy, seq - 1), 0);
    assert_int_equal(device_rights(&world, ORG, phone, seq), R); /* both go on */
    struct sat_space_id people = space_id(PEOPLE);
    struct sat_record_id parents = sat_name_record_device(&world.directory.org, phone),
                         own = sat_name_record_device(&world.directory.org, copy);
    assert_true(sat_directory_may_write(&world.directory, &people, copy, &own, seq));
    assert_true(sat_directory_may_write(&world.directory, &people, copy, &parents, seq));
    assert_false(sat_directory_may_write(&world.directory, &people, phone, &own, seq));
    world_deinit(&world);
}

/* What it wrote under the number that it had is judged by what it might do then. */
static void before_it_began_it_was_its_parent(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user);
    struct sat_space_id east = space_id(EAST);
    struct sat_record_id record = {{7}};
    uint64_t given = must(&world, grant_link(&world, EAST, user, RW)),
             taken = must(&world, grant_link(&world, EAST, user, 0));
    uint64_t seq = must(&world, reindex_link(&world, phone));
    uint32_t copy = world.directory.devices_n;
    assert_int_equal(sat_directory_number_at(&world.directory, copy, seq), copy);
    assert_int_equal(sat_directory_number_at(&world.directory, copy, seq - 1), phone);
    assert_int_equal(sat_directory_number_at(&world.directory, copy, device_of(&world, phone)->since_seq - 1), 0);
    assert_int_equal(sat_directory_number_at(&world.directory, copy + 1, seq), 0);
    assert_true(sat_directory_may_write(&world.directory, &east, copy, &record, given));
    assert_false(sat_directory_may_write(&world.directory, &east, copy, &record, taken));
    assert_false(sat_directory_may_write(&world.directory, &east, copy, &record, seq));
    assert_int_equal(sat_directory_last_write(&world.directory, &east, copy, &record, seq), taken - 1);
    assert_int_equal(device_rights(&world, EAST, copy, given), 0); /* nobody waits for what it has read */
    world_deinit(&world);
}

static void an_admins_copy_has_the_admin_key(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, reindex_link(&world, 1));
    uint32_t copy = world.directory.devices_n;
    assert_memory_equal(&device_of(&world, copy)->admin_sign, &device_of(&world, 1)->admin_sign, 32);
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    must(&world, revoke_link(&world, 1)); /* leaves by itself: the copy is left */
    assert_int_equal(sat_directory_admins(&world.directory), 1);
    world_deinit(&world);
}

static void it_needs_both_keys_and_fresh_ones(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user), other = join_device(&world, user);
    struct sat_link link = reindex_link(&world, phone);
    link.signatures[1].signature.b[3] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    link = reindex_link(&world, phone);
    link.signatures_n = 1;
    refuse(&world, link, SAT_ERR_DENIED);
    link = reindex_link(&world, phone);
    link.signatures[0].signature.b[3] ^= 1;
    refuse(&world, link, SAT_ERR_TAMPERED);
    link = reindex_link(&world, phone); /* by another one than it names */
    link.author = other;
    link.signatures_n = 0;
    sat_link_finish(&link, &world.arena);
    sign_as(&world, &link, 'd', other, SAT_SIGNER_DEVICE, other);
    sign_as(&world, &link, 'd', other + 1, SAT_SIGNER_DEVICE, other + 1);
    refuse(&world, link, SAT_ERR_INVALID);
    struct sat_body_reindex body = {.parent = phone, .sign = sign_public('d', other), .box = box_public('d', 77)};
    struct sat_buf buf = {0};
    sat_body_reindex_encode(&body, &buf);
    link = draft(&world, SAT_LINK_REINDEX, &buf);
    link.author = phone;
    sat_link_finish(&link, &world.arena);
    sign_as(&world, &link, 'd', phone, SAT_SIGNER_DEVICE, phone);
    sign_as(&world, &link, 'd', other, SAT_SIGNER_DEVICE, other + 1);
    refuse(&world, link, SAT_ERR_EXISTS);
    world_deinit(&world);
}

static void a_fourth_copy_waits_until_an_admin_says_that_it_is_right(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user);
    refuse_saying(&world, approve_link(&world, phone), SAT_ERR_EXISTS, "needs no approval");
    for (int i = 0; i < SAT_COPIES_MAX; i++) must(&world, reindex_link(&world, phone));
    refuse_saying(&world, reindex_link(&world, phone), SAT_ERR_DENIED, "device approve");
    must(&world, reindex_link(&world, phone + 1)); /* a copy has its own three */
    uint64_t approved = device_of(&world, phone)->approved_seq;
    must(&world, approve_link(&world, phone));
    assert_int_equal(device_of(&world, phone)->approved_seq, approved);
    must(&world, reindex_link(&world, phone));
    world_deinit(&world);
}

static void a_lineage_has_a_bound_of_active_ones(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user), out[SAT_LINEAGE_MAX];
    for (uint32_t i = 1; i < SAT_LINEAGE_MAX; i++) must(&world, reindex_link(&world, world.directory.devices_n));
    refuse_saying(&world, reindex_link(&world, world.directory.devices_n), SAT_ERR_DENIED, "active copies");
    assert_int_equal(sat_directory_lineage(&world.directory, phone + 3, out), SAT_LINEAGE_MAX);
    for (uint32_t i = 0; i < SAT_LINEAGE_MAX; i++) assert_int_equal(out[i], phone + i);
    assert_int_equal(sat_directory_lineage(&world.directory, 1, out), 1);
    for (uint32_t i = 0; i < SAT_LINEAGE_MAX; i++) must(&world, revoke_link(&world, phone + i));
    assert_int_equal(sat_directory_lineage(&world.directory, phone, NULL), 0);
    world_deinit(&world);
}

static void who_is_out_or_not_let_in_takes_no_new_index(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t user = add_user(&world, REP), phone = join_device(&world, user);
    must(&world, user_link(&world, user, REP, SUSPENDED));
    refuse(&world, reindex_link(&world, phone), SAT_ERR_DENIED);
    must(&world, user_link(&world, user, REP, ACTIVE));
    must(&world, revoke_link(&world, phone));
    refuse(&world, reindex_link(&world, phone), SAT_ERR_DENIED);
    uint32_t auditor = add_user(&world, SAT_ROLE_AUDITOR), laptop = join_device(&world, auditor);
    refuse(&world, reindex_link(&world, laptop), SAT_ERR_DENIED);
    world_deinit(&world);
}

static void what_a_thief_copied_goes_with_what_is_repudiated(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t from = must(&world, reindex_link(&world, 1));
    uint32_t copy = world.directory.devices_n;
    must(&world, reindex_link(&world, copy));
    struct sat_disowning disowning;
    sat_disowning_begin(&world.directory, 1, from, &disowning);
    assert_true(disowning.from[copy - 1] == from && disowning.from[copy] == from + 1);
    sat_disowning_end(&disowning);
    sat_disowning_begin(&world.directory, copy, from, &disowning);
    assert_true(disowning.from[0] == UINT64_MAX && disowning.from[copy] == from + 1);
    sat_disowning_end(&disowning);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_has_what_its_parent_has_and_no_more),
        cmocka_unit_test(before_it_began_it_was_its_parent),
        cmocka_unit_test(an_admins_copy_has_the_admin_key),
        cmocka_unit_test(it_needs_both_keys_and_fresh_ones),
        cmocka_unit_test(a_fourth_copy_waits_until_an_admin_says_that_it_is_right),
        cmocka_unit_test(a_lineage_has_a_bound_of_active_ones),
        cmocka_unit_test(who_is_out_or_not_let_in_takes_no_new_index),
        cmocka_unit_test(what_a_thief_copied_goes_with_what_is_repudiated),
    };
    return cmocka_run_group_tests_name("directory_copies", tests, NULL, NULL);
}
