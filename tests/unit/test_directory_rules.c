/* What the body of each kind of link may say in the state that it meets, and what it does there. */
#include "tests/unit/directory_world.h"

/* ---- Users and roles ---- */

static void users_are_numbered_without_gaps(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, user_link(&world, 6, SAT_ROLE_REP, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 0, SAT_ROLE_REP, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, UINT32_MAX, SAT_ROLE_REP, ACTIVE), SAT_ERR_INVALID);
    uint64_t seq = must(&world, user_link(&world, 5, SAT_ROLE_SERVICE, ACTIVE));
    const struct sat_user *user = sat_directory_user(&world.directory, 5);
    assert_int_equal(user->number, 5);
    assert_int_equal(user->role, SAT_ROLE_SERVICE);
    assert_int_equal(user->since_seq, seq);
    assert_null(sat_directory_user(&world.directory, 6));
    assert_null(sat_directory_user(&world.directory, 0));
    world_deinit(&world);
}

static void roles_and_states_are_those_that_there_are(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, user_link(&world, 5, 0, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 5, 6, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, 0), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, 3), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 5, SAT_ROLE_REP, SUSPENDED), SAT_ERR_INVALID); /* a new one is active */
    refuse(&world, user_link(&world, 2, SAT_ROLE_REP, 3), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 2, 6, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, role_link(&world, 2, 6), SAT_ERR_INVALID);
    refuse(&world, role_link(&world, 9, SAT_ROLE_REP), SAT_ERR_INVALID);
    must(&world, role_link(&world, 2, SAT_ROLE_MANAGER));
    assert_int_equal(sat_directory_user(&world.directory, 2)->role, SAT_ROLE_MANAGER);
    must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    must(&world, role_link(&world, 2, SAT_ROLE_AUDITOR)); /* a role does not reinstate */
    assert_int_equal(sat_directory_user(&world.directory, 2)->state, SUSPENDED);
    assert_int_equal(sat_directory_user(&world.directory, 2)->role, SAT_ROLE_AUDITOR);
    world_deinit(&world);
}

static void the_last_active_admin_stays(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, role_link(&world, 1, SAT_ROLE_REP), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 1, SAT_ROLE_MANAGER, ACTIVE), SAT_ERR_INVALID);
    refuse(&world, user_link(&world, 1, SAT_ROLE_ADMIN, SUSPENDED), SAT_ERR_INVALID);
    must(&world, user_link(&world, 1, SAT_ROLE_ADMIN, ACTIVE));
    must(&world,
         user_link(&world, 5, SAT_ROLE_ADMIN, ACTIVE)); /* an admin who cannot sign is not one to be left with */
    refuse(&world, role_link(&world, 1, SAT_ROLE_REP), SAT_ERR_INVALID);
    must(&world, invite_link(&world, 1, 5, SAT_ROLE_ADMIN));
    struct sat_body_join body = join_body(1, 3);
    body.admin_sign = sign_public('a', 3);
    must(&world, join_link_of(&world, 1, 3, &body));
    refuse(&world, role_link(&world, 1, SAT_ROLE_REP), SAT_ERR_INVALID); /* nor one who is not approved */
    must(&world, approve_link(&world, 3));
    must(&world, user_link(&world, 1, SAT_ROLE_ADMIN, SUSPENDED));
    act_as(&world, 3);
    refuse(&world, role_link(&world, 5, SAT_ROLE_REP), SAT_ERR_INVALID);
    world_deinit(&world);
}

/* ---- Spaces, grants, epochs ---- */

static void org_and_people_are_there_once(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, space_link(&world, 9, SAT_SPACE_ORG), SAT_ERR_EXISTS);
    refuse(&world, space_link(&world, 9, SAT_SPACE_PEOPLE), SAT_ERR_EXISTS);
    refuse(&world, space_link(&world, WEST, SAT_SPACE_NARROW), SAT_ERR_EXISTS);
    refuse(&world, space_link(&world, 9, 0), SAT_ERR_INVALID);
    refuse(&world, space_link(&world, 9, 5), SAT_ERR_INVALID);
    struct sat_link nil = space_link(&world, 9, SAT_SPACE_NARROW);
    struct sat_buf body = {0};
    sat_body_space_encode(&(struct sat_body_space){{{0}}, SAT_SPACE_NARROW}, &body);
    nil.body = sat_buf_span(&body);
    sign_admin_link(&world, &nil);
    refuse(&world, nil, SAT_ERR_INVALID);
    sat_buf_deinit(&body);
    uint64_t seq = must(&world, space_link(&world, 9, SAT_SPACE_NARROW));
    struct sat_space_id id = space_id(9), unknown = space_id(10);
    assert_int_equal(sat_directory_space(&world.directory, &id)->since_seq, seq);
    assert_int_equal(sat_directory_space(&world.directory, &id)->kind, SAT_SPACE_NARROW);
    assert_null(sat_directory_space(&world.directory, &unknown));
    id = space_id(ORG);
    assert_ptr_equal(sat_directory_space_of_kind(&world.directory, SAT_SPACE_ORG),
                     sat_directory_space(&world.directory, &id));
    id = space_id(PEOPLE);
    assert_ptr_equal(sat_directory_space_of_kind(&world.directory, SAT_SPACE_PEOPLE),
                     sat_directory_space(&world.directory, &id));
    assert_null(sat_directory_space_of_kind(&world.directory, SAT_SPACE_NARROW));
    world_deinit(&world);
}

static void grants_name_what_there_is(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, grant_link(&world, 9, 2, RW), SAT_ERR_INVALID);
    refuse(&world, grant_link(&world, WEST, 5, RW), SAT_ERR_INVALID);
    refuse(&world, grant_link(&world, WEST, 0, RW), SAT_ERR_INVALID);
    refuse(&world, grant_link(&world, ORG, 2, RW), SAT_ERR_INVALID);
    refuse(&world, grant_link(&world, PEOPLE, 2, RW), SAT_ERR_INVALID);
    for (unsigned granted = 0; granted < 16; granted++) {
        struct sat_link link = grant_link(&world, WEST, 2, (uint8_t)granted);
        bool sane = granted == 0 || granted == 1 || granted == 3 || granted == 5 || granted == 7;
        if (!sane) {
            refuse(&world, link, SAT_ERR_INVALID);
            continue;
        }
        uint64_t seq = must(&world, link);
        assert_int_equal(rights(&world, WEST, 2, seq), granted);
    }
    must(&world, grant_link(&world, BOARD, 3, SAT_RIGHT_READ));
    world_deinit(&world);
}

static void epochs_follow_each_other(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, epoch_link(&world, EAST, 1), SAT_ERR_INVALID);
    refuse(&world, epoch_link(&world, EAST, 3), SAT_ERR_INVALID);
    refuse(&world, epoch_link(&world, EAST, 0), SAT_ERR_INVALID);
    refuse(&world, epoch_link(&world, WEST, 2), SAT_ERR_INVALID);
    refuse(&world, epoch_link(&world, 9, 1), SAT_ERR_INVALID);
    struct sat_body_epoch body = epoch_body(EAST, 2);
    memset(body.chain, 0, sizeof body.chain);
    refuse(&world, epoch_link_of(&world, &body), SAT_ERR_INVALID);
    body = epoch_body(WEST, 1);
    body.chain[71] = 1;
    refuse(&world, epoch_link_of(&world, &body), SAT_ERR_INVALID);
    body = epoch_body(EAST, 2);
    body.suite = 2;
    refuse(&world, epoch_link_of(&world, &body), SAT_ERR_UPGRADE_NEEDED);
    must(&world, epoch_link(&world, EAST, 2));
    struct sat_space_id east = space_id(EAST);
    assert_int_equal(sat_directory_space(&world.directory, &east)->epoch, 2);
    const struct sat_epoch *epoch = sat_directory_epoch(&world.directory, &east, 2);
    body = epoch_body(EAST, 2);
    assert_memory_equal(epoch->kc.b, body.kc.b, 32);
    assert_memory_equal(epoch->chain, body.chain, SAT_CHAIN_BYTES);
    world_deinit(&world);
}

static void who_reads_a_space_may_rotate_it_and_an_admin_begins(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, grant_link(&world, WEST, 2, SAT_RIGHT_READ));
    world.device = 2;
    must(&world, epoch_link(&world, EAST, 2));
    must(&world, epoch_link(&world, PEOPLE, 2));
    refuse(&world, epoch_link(&world, WEST, 1), SAT_ERR_DENIED); /* reads it, but is no admin */
    world.device = 1;
    refuse(&world, epoch_link(&world, BOARD, 1), SAT_ERR_DENIED); /* an admin, but does not read it */
    must(&world, grant_link(&world, BOARD, 1, SAT_RIGHT_READ));
    must(&world, epoch_link(&world, BOARD, 1));
    must(&world, epoch_link(&world, WEST, 1));
    world.device = 2;
    refuse(&world, epoch_link(&world, BOARD, 2), SAT_ERR_DENIED);
    must(&world, epoch_link(&world, WEST, 2));
    world.device = 1;
    must(&world, grant_link(&world, WEST, 2, 0));
    world.device = 2;
    refuse(&world, epoch_link(&world, WEST, 3), SAT_ERR_DENIED);
    world_deinit(&world);
}

/* ---- Invites and joins ---- */

static void an_invite_is_made_out_to_an_active_user_in_his_role(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, invite_link(&world, 1, 9, SAT_ROLE_REP), SAT_ERR_INVALID);
    refuse(&world, invite_link(&world, 1, 2, SAT_ROLE_ADMIN), SAT_ERR_INVALID);
    must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    refuse(&world, invite_link(&world, 1, 2, SAT_ROLE_REP), SAT_ERR_INVALID);
    must(&world, user_link(&world, 2, SAT_ROLE_REP, ACTIVE));
    uint64_t seq = must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_hash id = invite_id(1);
    const struct sat_invite *invite = sat_directory_invite(&world.directory, &id);
    assert_int_equal(invite->seq, seq);
    assert_int_equal(invite->user, 2);
    assert_int_equal(invite->issuer, 1);
    assert_int_equal(invite->role, SAT_ROLE_REP);
    assert_int_equal(invite->state, SAT_INVITE_OPEN);
    assert_int_equal(invite->expires_ms, NOW_MS + HOUR_MS);
    assert_int_equal(invite->device, 0);
    world_deinit(&world);
}

static void an_invite_expires_later_than_it_is_made(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_invite body = invite_body(&world, 1, 2, SAT_ROLE_REP);
    body.expires_ms = NOW_MS;
    refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID);
    body.expires_ms = SAT_TIME_MS_MAX + 1;
    refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID);
    body.expires_ms = NOW_MS + 1;
    must(&world, invite_link_of(&world, &body));
    body = invite_body(&world, 2, 2, SAT_ROLE_REP);
    body.expires_ms = SAT_TIME_MS_MAX;
    must(&world, invite_link_of(&world, &body));
    world_deinit(&world);
}

static void the_keys_of_an_invite_are_new(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, invite_link(&world, 101, 2, SAT_ROLE_REP), SAT_ERR_EXISTS); /* used before */
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    refuse(&world, invite_link(&world, 1, 2, SAT_ROLE_REP), SAT_ERR_EXISTS); /* open */
    must(&world, cancel_link(&world, 1));
    refuse(&world, invite_link(&world, 1, 2, SAT_ROLE_REP), SAT_ERR_EXISTS); /* cancelled */
    struct sat_body_invite body = invite_body(&world, 2, 2, SAT_ROLE_REP);
    body.sign = sign_public('d', 2); /* a device's key */
    refuse(&world, invite_link_of(&world, &body), SAT_ERR_EXISTS);
    body = invite_body(&world, 2, 2, SAT_ROLE_REP);
    body.box = (struct sat_public_key){{0}};
    refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID); /* nothing can be sealed to it */
    world_deinit(&world);
}

static void an_invite_grants_spaces_that_there_are(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_invite_grant bad[] = {
        {space_id(9), RW},   {space_id(ORG), RW}, {space_id(WEST), 0}, {space_id(WEST), SAT_RIGHT_WRITE},
        {space_id(WEST), 8},
    };
    struct sat_body_invite body = invite_body(&world, 1, 2, SAT_ROLE_REP);
    body.grants_n = 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        body.grants[0] = bad[i];
        refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID);
    }
    body.grants[0] = body.grants[1] = (struct sat_invite_grant){space_id(WEST), RW};
    body.grants_n = 2;
    refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID);
    body.grants_n = 1;
    must(&world, invite_link_of(&world, &body));
    world_deinit(&world);
}

static void only_reps_and_services_are_handed_keys_in_advance(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, user_link(&world, 5, SAT_ROLE_SERVICE, ACTIVE));
    const uint8_t roles[] = {0, SAT_ROLE_ADMIN, SAT_ROLE_REP, SAT_ROLE_MANAGER, SAT_ROLE_AUDITOR, SAT_ROLE_SERVICE};
    for (uint32_t user = 1; user <= 5; user++) {
        struct sat_body_invite body = invite_body(&world, user, user, roles[user]);
        body.boxes = (struct sat_boxes){{{1}}, 1};
        if (roles[user] == SAT_ROLE_REP || roles[user] == SAT_ROLE_SERVICE) {
            must(&world, invite_link_of(&world, &body));
            continue;
        }
        refuse(&world, invite_link_of(&world, &body), SAT_ERR_INVALID);
        must(&world, invite_link(&world, user, user, roles[user]));
    }
    world_deinit(&world);
}

static void a_join_makes_a_device_and_uses_the_invite(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    world.now_ms = NOW_MS + HOUR_MS; /* the last moment */
    uint64_t seq = must(&world, join_link(&world, 1, 3));
    const struct sat_device *device = sat_directory_device(&world.directory, 3);
    struct sat_body_join body = join_body(1, 3);
    assert_int_equal(device->number, 3);
    assert_int_equal(device->user, 2);
    assert_int_equal(device->since_seq, seq);
    assert_int_equal(device->revoked_seq, 0);
    assert_int_equal(device->joined_ms, NOW_MS + HOUR_MS);
    assert_memory_equal(device->sign.b, body.sign.b, 32);
    assert_memory_equal(device->box.b, body.box.b, 32);
    const struct sat_invite *invite = sat_directory_invite(&world.directory, &body.invite);
    assert_int_equal(invite->state, SAT_INVITE_USED);
    assert_int_equal(invite->device, 3);
    world.device = 3;
    must(&world, epoch_link(&world, EAST, 2)); /* and it may author */
    world_deinit(&world);
}

static void an_invite_is_good_once_and_until_it_expires(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, join_link(&world, 101, 3), SAT_ERR_INVITE_USED);
    refuse(&world, join_link(&world, 1, 3), SAT_ERR_INVALID); /* there is none */
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    world.now_ms = NOW_MS + HOUR_MS + 1;
    refuse(&world, join_link(&world, 1, 3), SAT_ERR_INVITE_EXPIRED);
    world.now_ms = NOW_MS;
    must(&world, cancel_link(&world, 1));
    refuse(&world, join_link(&world, 1, 3), SAT_ERR_INVITE_EXPIRED);
    world_deinit(&world);
}

static void only_an_open_invite_is_cancelled(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    refuse(&world, cancel_link(&world, 101), SAT_ERR_INVITE_USED);
    refuse(&world, cancel_link(&world, 1), SAT_ERR_INVALID);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    must(&world, cancel_link(&world, 1));
    refuse(&world, cancel_link(&world, 1), SAT_ERR_INVITE_EXPIRED);
    struct sat_hash id = invite_id(1);
    assert_int_equal(sat_directory_invite(&world.directory, &id)->state, SAT_INVITE_CANCELLED);
    world_deinit(&world);
}

static void a_join_is_signed_by_the_invite_and_by_the_device(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t seq = (uint32_t)must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    for (int i = 0; i < 2; i++) {
        struct sat_link link = join_link(&world, 1, 3);
        link.signatures[i].signature.b[0] ^= 1;
        refuse(&world, link, SAT_ERR_TAMPERED);
        link = join_link(&world, 1, 3);
        link.signatures[i] = link.signatures[1];
        link.signatures_n = 1;
        refuse(&world, link, SAT_ERR_DENIED);
        link = join_link(&world, 1, 3);
        link.signatures[i].number++;
        refuse(&world, link, SAT_ERR_DENIED);
    }
    struct sat_link link = join_link(&world, 1, 3);
    link.signatures_n = 0;
    sign_as(&world, &link, 'i', 2, SAT_SIGNER_INVITE, seq); /* another invite's key */
    sign_as(&world, &link, 'd', 3, SAT_SIGNER_DEVICE, 3);
    refuse(&world, link, SAT_ERR_TAMPERED);
    refuse(&world, join_link(&world, 1, 4), SAT_ERR_INVALID); /* not the next number */
    must(&world, join_link(&world, 1, 3));
    world_deinit(&world);
}

static void the_keys_of_a_device_are_new(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_body_join body = join_body(1, 3);
    body.sign = sign_public('d', 2);
    struct sat_link link = join_link_of(&world, 1, 3, &body);
    link.signatures_n = 1;
    sign_as(&world, &link, 'd', 2, SAT_SIGNER_DEVICE, 3);
    refuse(&world, link, SAT_ERR_EXISTS);
    body = join_body(1, 3);
    body.box = box_public('d', 1);
    refuse(&world, join_link_of(&world, 1, 3, &body), SAT_ERR_EXISTS);
    body.box = box_public('i', 1); /* the invite's own: whoever saw the code has it */
    refuse(&world, join_link_of(&world, 1, 3, &body), SAT_ERR_EXISTS);
    body.box = (struct sat_public_key){{1}};
    refuse(&world, join_link_of(&world, 1, 3, &body), SAT_ERR_INVALID);
    must(&world, join_link(&world, 1, 3));
    world_deinit(&world);
}

static void a_join_after_the_user_was_suspended_or_changed_is_denied(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    refuse(&world, join_link(&world, 1, 3), SAT_ERR_DENIED);
    must(&world, user_link(&world, 2, SAT_ROLE_ADMIN, ACTIVE)); /* a rep's code does not make an admin's device */
    refuse(&world, join_link(&world, 1, 3), SAT_ERR_DENIED);
    must(&world, role_link(&world, 2, SAT_ROLE_REP));
    must(&world, join_link(&world, 1, 3));
    world_deinit(&world);
}

static void a_join_sets_an_admin_key_where_one_is_due(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_body_join body = join_body(1, 3);
    body.admin_sign = sign_public('a', 2);
    refuse(&world, join_link_of(&world, 1, 3, &body), SAT_ERR_INVALID); /* a rep has none */
    must(&world, invite_link(&world, 2, 1, SAT_ROLE_ADMIN));
    body = join_body(2, 3);
    body.admin_sign = sign_public('a', 3); /* each device of an admin has its own */
    must(&world, join_link_of(&world, 2, 3, &body));
    must(&world, invite_link(&world, 3, 3, SAT_ROLE_MANAGER));
    body = join_body(3, 4);
    body.admin_sign = sign_public('a', 1);
    refuse(&world, join_link_of(&world, 3, 4, &body), SAT_ERR_EXISTS); /* another's */
    body.admin_sign = body.sign;
    refuse(&world, join_link_of(&world, 3, 4, &body), SAT_ERR_EXISTS); /* the device's own */
    body.admin_sign = sign_public('a', 4);
    must(&world, join_link_of(&world, 3, 4, &body));
    assert_memory_equal(sat_directory_device(&world.directory, 4)->admin_sign.b, body.admin_sign.b, 32);
    body.admin_sign = sign_public('a', 1);
    assert_memory_equal(sat_directory_device(&world.directory, 1)->admin_sign.b, body.admin_sign.b, 32);
    world_deinit(&world);
}

static void what_an_invite_grants_comes_with_the_join_and_takes_nothing_away(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_invite body = invite_body(&world, 1, 2, SAT_ROLE_REP);
    body.grants[0] = (struct sat_invite_grant){space_id(WEST), RW};
    body.grants[1] = (struct sat_invite_grant){space_id(EAST), SAT_RIGHT_READ};
    body.grants_n = 2;
    uint64_t invited = must(&world, invite_link_of(&world, &body));
    assert_int_equal(rights(&world, WEST, 2, invited), 0);
    uint32_t before = world.directory.grants_n;
    uint64_t joined = must(&world, join_link(&world, 1, 3));
    assert_int_equal(world.directory.grants_n, before + 2);
    assert_int_equal(world.directory.grants[before].seq, joined);
    assert_int_equal(world.directory.grants[before].user, 2);
    assert_int_equal(rights(&world, WEST, 2, joined - 1), 0);
    assert_int_equal(rights(&world, WEST, 2, joined), RW);
    assert_int_equal(rights(&world, EAST, 2, joined), RW);
    world_deinit(&world);
}

static struct sat_link server_link(struct world *world, const struct sat_public_key *key, const char *url)
{
    struct sat_body_server_key body = {.server = *key};
    (void)snprintf(body.url, sizeof body.url, "%s", url);
    struct sat_buf buf = {0};
    sat_body_server_key_encode(&body, &buf);
    return admin_link(world, SAT_LINK_SERVER_KEY, &buf);
}

/* The link itself is countersigned by the old identity, the next one by the new. */
static void a_server_changes_its_identity_and_address(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_public_key new = sign_public('s', 2);
    must(&world, server_link(&world, &new, "wss://new.example:443"));
    assert_memory_equal(world.directory.server.b, new.b, sizeof new.b);
    assert_string_equal(world.directory.server_url, "wss://new.example:443");
    struct sat_link next = user_link(&world, world.directory.users_n + 1, SAT_ROLE_REP, ACTIVE);
    refuse(&world, next, SAT_ERR_TAMPERED); /* apply() countersigns as the old one */
    struct sat_sign_key key = sign_key('s', 2);
    struct sat_countersign sign;
    sat_countersign(&next, world.now_ms, &world.directory.org, &key, &sign);
    assert_int_equal(sat_directory_apply(&world.directory, &next, &sign, 0, SAT_DIRECTORY_VERIFY, NULL), SAT_OK);
    world_deinit(&world);
}

static void a_change_of_the_server_is_an_admins_and_names_a_fresh_key(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_public_key same = sign_public('s', 1), new = sign_public('s', 2), device = sign_public('d', 1);
    static const struct sat_public_key zero;
    refuse(&world, server_link(&world, &device, ""), SAT_ERR_EXISTS);
    refuse(&world, server_link(&world, &zero, ""), SAT_ERR_INVALID);
    refuse(&world, server_link(&world, &new, "wss://a b"), SAT_ERR_MALFORMED);
    struct sat_link link = server_link(&world, &new, "wss://x:1");
    link.signatures_n = 1;
    refuse(&world, link, SAT_ERR_DENIED);
    must(&world, server_link(&world, &same, "wss://moved:1"));
    assert_string_equal(world.directory.server_url, "wss://moved:1");
    must(&world, server_link(&world, &same, "")); /* no address: it stays */
    assert_string_equal(world.directory.server_url, "wss://moved:1");
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_numbered_without_gaps),
        cmocka_unit_test(roles_and_states_are_those_that_there_are),
        cmocka_unit_test(the_last_active_admin_stays),
        cmocka_unit_test(org_and_people_are_there_once),
        cmocka_unit_test(grants_name_what_there_is),
        cmocka_unit_test(epochs_follow_each_other),
        cmocka_unit_test(who_reads_a_space_may_rotate_it_and_an_admin_begins),
        cmocka_unit_test(an_invite_is_made_out_to_an_active_user_in_his_role),
        cmocka_unit_test(an_invite_expires_later_than_it_is_made),
        cmocka_unit_test(the_keys_of_an_invite_are_new),
        cmocka_unit_test(an_invite_grants_spaces_that_there_are),
        cmocka_unit_test(only_reps_and_services_are_handed_keys_in_advance),
        cmocka_unit_test(a_join_makes_a_device_and_uses_the_invite),
        cmocka_unit_test(an_invite_is_good_once_and_until_it_expires),
        cmocka_unit_test(only_an_open_invite_is_cancelled),
        cmocka_unit_test(a_join_is_signed_by_the_invite_and_by_the_device),
        cmocka_unit_test(the_keys_of_a_device_are_new),
        cmocka_unit_test(a_join_after_the_user_was_suspended_or_changed_is_denied),
        cmocka_unit_test(a_join_sets_an_admin_key_where_one_is_due),
        cmocka_unit_test(what_an_invite_grants_comes_with_the_join_and_takes_nothing_away),
        cmocka_unit_test(a_server_changes_its_identity_and_address),
        cmocka_unit_test(a_change_of_the_server_is_an_admins_and_names_a_fresh_key),
    };
    return cmocka_run_group_tests_name("directory_rules", tests, NULL, NULL);
}
