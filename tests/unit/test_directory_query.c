/* What the directory answers: rights and epochs of any position, who may write what, who gets a key. */
#include "tests/unit/directory_world.h"

#include "common/base/limits.h"
#include "common/proof/disclosure.h"
#include "common/proof/entropy.h"

#define SEED 4

/* ---- Rights ---- */

static void roles_open_spaces_by_their_kind(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, user_link(&world, 5, SAT_ROLE_SERVICE, ACTIVE));
    uint64_t now = world.directory.seq;
    const uint8_t R = SAT_RIGHT_READ;
    const uint8_t expected[6][6] = {
        /* by user: org, people, east, west, board from 1 on */
        [1] = {0, RW, RW, RW, RW, 0}, /* the admin; the narrow space takes a grant */
        [2] = {0, R, R, RW, 0, 0},    /* the rep of the east */
        [3] = {0, R, R, 0, 0, 0},     /* the manager */
        [4] = {0, R, R, 0, 0, 0},     /* the auditor */
        [5] = {0, R, R, 0, 0, 0},     /* the service */
    };
    for (uint32_t user = 0; user < 6; user++)
        for (uint8_t space = 1; space < 6; space++)
            assert_int_equal(rights(&world, space, user, now), expected[user][space]);
    assert_int_equal(rights(&world, 9, 1, now), 0);
    assert_int_equal(rights(&world, ORG, 6, now), 0);
    world_deinit(&world);
}

static void grants_hold_from_their_position_until_the_next(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t given = must(&world, grant_link(&world, WEST, 2, 7));
    uint64_t less = must(&world, grant_link(&world, WEST, 2, SAT_RIGHT_READ));
    must(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE));
    uint64_t none = must(&world, grant_link(&world, WEST, 2, 0));
    assert_int_equal(rights(&world, WEST, 2, given - 1), 0);
    assert_int_equal(rights(&world, WEST, 2, given), 7);
    assert_int_equal(rights(&world, WEST, 2, less), SAT_RIGHT_READ);
    assert_int_equal(rights(&world, WEST, 2, none - 1), SAT_RIGHT_READ);
    assert_int_equal(rights(&world, WEST, 2, none), 0);
    assert_int_equal(rights(&world, EAST, 2, none), RW); /* another space is not touched */
    assert_int_equal(rights(&world, WEST, 5, none), 0);  /* nor another user */
    world_deinit(&world);
}

static void an_auditor_only_reads_whatever_was_granted(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t seq = must(&world, grant_link(&world, BOARD, 4, 7));
    assert_int_equal(rights(&world, BOARD, 4, seq), SAT_RIGHT_READ);
    uint64_t changed = must(&world, role_link(&world, 4, SAT_ROLE_REP));
    assert_int_equal(rights(&world, BOARD, 4, changed), 7);
    assert_int_equal(rights(&world, BOARD, 4, seq), SAT_RIGHT_READ);
    world_deinit(&world);
}

static void a_suspended_user_has_no_rights_there_and_all_before_and_after(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t before = world.directory.seq;
    uint64_t out = must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    must(&world, grant_link(&world, WEST, 2, RW)); /* a grant meanwhile counts later */
    uint64_t back = must(&world, user_link(&world, 2, SAT_ROLE_REP, ACTIVE));
    for (uint64_t seq = out; seq < back; seq++)
        for (uint8_t space = 1; space < 6; space++) assert_int_equal(rights(&world, space, 2, seq), 0);
    assert_int_equal(rights(&world, EAST, 2, before), RW);
    assert_int_equal(rights(&world, ORG, 2, before), SAT_RIGHT_READ);
    assert_int_equal(rights(&world, EAST, 2, back), RW);
    assert_int_equal(rights(&world, WEST, 2, back), RW);
    assert_int_equal(rights(&world, WEST, 2, before), 0);
    world_deinit(&world);
}

static void what_an_admin_could_do_as_an_admin_stays_in_the_past(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t rep = world.directory.seq;
    uint64_t promoted = must(&world, role_link(&world, 2, SAT_ROLE_ADMIN));
    uint64_t demoted = must(&world, role_link(&world, 2, SAT_ROLE_REP));
    assert_int_equal(rights(&world, WEST, 2, rep), 0);
    assert_int_equal(rights(&world, WEST, 2, promoted), RW);
    assert_int_equal(rights(&world, ORG, 2, promoted), RW);
    assert_int_equal(rights(&world, BOARD, 2, promoted), 0);
    assert_int_equal(rights(&world, WEST, 2, demoted), 0);
    assert_int_equal(rights(&world, ORG, 2, demoted), SAT_RIGHT_READ);
    assert_int_equal(rights(&world, EAST, 2, demoted), RW); /* by grant, all along */
    world_deinit(&world);
}

static void a_suspended_users_last_role_is_the_one_before(void **state)
{
    (void)state;
    enum { PHONE = 2 }; /* user 2's */
    struct world world;
    world_init(&world);
    uint64_t rep = world.directory.seq;
    uint64_t promoted = must(&world, role_link(&world, 2, SAT_ROLE_MANAGER));
    uint64_t out = must(&world, user_link(&world, 2, SAT_ROLE_MANAGER, SUSPENDED));
    uint64_t other = must(&world, role_link(&world, 2, SAT_ROLE_AUDITOR)); /* meanwhile */
    uint64_t back = must(&world, user_link(&world, 2, SAT_ROLE_AUDITOR, ACTIVE));
    const uint64_t at[] = {rep, promoted, out, other, back};
    const uint8_t then[] = {SAT_ROLE_REP, SAT_ROLE_MANAGER, 0, 0, SAT_ROLE_AUDITOR};
    const uint8_t last[] = {SAT_ROLE_REP, SAT_ROLE_MANAGER, SAT_ROLE_MANAGER, SAT_ROLE_MANAGER, SAT_ROLE_AUDITOR};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        assert_int_equal(sat_directory_role_at(&world.directory, PHONE, at[i]), then[i]);
        assert_int_equal(sat_directory_last_role(&world.directory, PHONE, at[i]), last[i]);
    }
    assert_int_equal(sat_directory_last_role(&world.directory, PHONE, 0), 0);
    assert_int_equal(sat_directory_last_role(&world.directory, 99, back), 0);
    world_deinit(&world);
}

static void before_a_thing_is_and_beyond_the_head_there_are_no_rights(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t head = world.directory.seq;
    struct sat_space_id east = space_id(EAST);
    assert_int_equal(rights(&world, ORG, 1, 0), 0);
    assert_int_equal(rights(&world, ORG, 1, 1), 0); /* the admin is there, the space comes next */
    assert_int_equal(rights(&world, ORG, 1, 2), RW);
    assert_int_equal(rights(&world, ORG, 2, sat_directory_user(&world.directory, 2)->since_seq - 1), 0);
    assert_int_equal(rights(&world, ORG, 2, sat_directory_user(&world.directory, 2)->since_seq), SAT_RIGHT_READ);
    assert_int_equal(rights(&world, EAST, 2, head), RW);
    assert_int_equal(rights(&world, EAST, 2, head + 1), 0);
    assert_int_equal(rights(&world, EAST, 2, UINT64_MAX), 0);
    assert_int_equal(sat_directory_epoch_at(&world.directory, &east, head), 1);
    assert_int_equal(sat_directory_epoch_at(&world.directory, &east, head + 1), 0);
    world_deinit(&world);
}

/* The rights of everybody everywhere, kept in the plainest way. */
enum { USERS = 12, SPACES = 8, STEPS = 400 };
struct plain {
    uint8_t role[USERS + 1], state[USERS + 1], kind[SPACES + 1], granted[USERS + 1][SPACES + 1];
    uint32_t epoch[SPACES + 1];
};

static uint8_t plain_rights(const struct plain *plain, uint32_t user, uint32_t space)
{
    if (plain->state[user] != ACTIVE || plain->kind[space] == 0) return 0;
    uint8_t got = plain->granted[user][space];
    bool everyones = plain->kind[space] == SAT_SPACE_ORG || plain->kind[space] == SAT_SPACE_PEOPLE;
    if (everyones) got |= SAT_RIGHT_READ;
    if (plain->role[user] == SAT_ROLE_ADMIN && plain->kind[space] != SAT_SPACE_NARROW) got |= RW;
    return plain->role[user] == SAT_ROLE_AUDITOR ? got & SAT_RIGHT_READ : got;
}

/* One random step; false: the reducer must refuse it (no next user, a space that exists, …), so it is not made. */
static bool random_step(struct world *world, struct plain *plain, const uint32_t random[5], struct sat_link *link)
{
    uint32_t user = 1 + random[1] % USERS, users = world->directory.users_n;
    uint8_t space = (uint8_t)(1 + random[2] % SPACES), role = (uint8_t)(1 + random[3] % 5);
    switch (random[0] % 6) {
    case 0:
        if (users >= USERS) return false;
        *link = user_link(world, users + 1, role, ACTIVE);
        plain->role[users + 1] = role, plain->state[users + 1] = ACTIVE;
        return true;
    case 1:
        if (user == 1 || user > users) return false;
        plain->role[user] = role, plain->state[user] = (uint8_t)(1 + random[4] % 2);
        *link = user_link(world, user, role, plain->state[user]);
        return true;
    case 2:
        if (user == 1 || user > users) return false;
        plain->role[user] = role;
        *link = role_link(world, user, role);
        return true;
    case 3:
        if (plain->kind[space]) return false;
        plain->kind[space] = space <= 2 ? space : (uint8_t)(3 + space % 2);
        *link = space_link(world, space, plain->kind[space]);
        return true;
    case 4:
        if (!plain->kind[space] || !(plain_rights(plain, 1, space) & SAT_RIGHT_READ)) return false;
        *link = epoch_link(world, space, ++plain->epoch[space]);
        return true;
    default:
        if (user > users || plain->kind[space] < SAT_SPACE_TERRITORY) return false;
        plain->granted[user][space] = random[4] % 4 ? (uint8_t)((random[4] >> 2) % 4 * 2 | 1) : 0;
        *link = grant_link(world, space, user, plain->granted[user][space]);
        return true;
    }
}

static void rights_and_epochs_of_every_position_are_those_of_a_plain_replay(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, SEED);
    static struct plain past[STEPS + 2];
    struct world world;
    world_init_empty(&world);
    struct sat_body_genesis genesis = genesis_body();
    must(&world, genesis_link(&world, &genesis));
    past[1] = (struct plain){.role[1] = SAT_ROLE_ADMIN, .state[1] = ACTIVE};
    while (world.directory.seq <= STEPS) {
        uint32_t random[5];
        sat_entropy_fill(&entropy, random, sizeof random);
        struct plain next = past[world.directory.seq];
        struct sat_link link;
        if (random_step(&world, &next, random, &link)) past[must(&world, link)] = next;
    }
    for (uint64_t seq = 0; seq <= world.directory.seq; seq++) {
        for (uint8_t space = 1; space <= SPACES; space++) {
            struct sat_space_id id = space_id(space);
            assert_int_equal(sat_directory_epoch_at(&world.directory, &id, seq), past[seq].epoch[space]);
            for (uint32_t user = 1; user <= USERS; user++)
                assert_int_equal(rights(&world, space, user, seq), plain_rights(&past[seq], user, space));
        }
    }
    assert_int_equal(world.directory.users_n, USERS);
    assert_int_equal(world.directory.spaces_n, SPACES);
    world_deinit(&world);
}

/* ---- Epochs ---- */

static void epochs_are_found_by_number_and_by_position(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_space_id east = space_id(EAST), west = space_id(WEST), unknown = space_id(9);
    const struct sat_directory *d = &world.directory;
    uint64_t first = sat_directory_epoch(d, &east, 1)->seq;
    uint64_t second = must(&world, epoch_link(&world, EAST, 2));
    must(&world, epoch_link(&world, WEST, 1));
    uint64_t third = must(&world, epoch_link(&world, EAST, 3));
    assert_int_equal(sat_directory_epoch(d, &east, 2)->seq, second);
    assert_int_equal(sat_directory_epoch(d, &east, 3)->number, 3);
    assert_null(sat_directory_epoch(d, &east, 0));
    assert_null(sat_directory_epoch(d, &east, 4));
    assert_null(sat_directory_epoch(d, &unknown, 1));
    assert_int_equal(sat_directory_epoch_at(d, &east, first - 1), 0);
    assert_int_equal(sat_directory_epoch_at(d, &east, first), 1);
    assert_int_equal(sat_directory_epoch_at(d, &east, second - 1), 1);
    assert_int_equal(sat_directory_epoch_at(d, &east, second), 2);
    assert_int_equal(sat_directory_epoch_at(d, &east, third), 3);
    assert_int_equal(sat_directory_epoch_at(d, &west, third), 1);
    assert_int_equal(sat_directory_epoch_at(d, &unknown, third), 0);
    world_deinit(&world);
}

/* ---- Who may write ---- */

static bool may_write(const struct world *world, uint8_t space, uint32_t device, struct sat_record_id record,
                      uint64_t seq)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_may_write(&world->directory, &id, device, &record, seq);
}

static void a_device_writes_where_its_user_may_from_its_join_on(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_record_id record = {{1, 2, 3}};
    uint64_t joined = sat_directory_device(&world.directory, 2)->since_seq;
    assert_true(may_write(&world, EAST, 2, record, joined));
    assert_false(may_write(&world, EAST, 2, record, joined - 1)); /* the user could; the device was not yet */
    assert_int_equal(rights(&world, EAST, 2, joined - 1), RW);
    assert_false(may_write(&world, WEST, 2, record, joined));
    assert_false(may_write(&world, ORG, 2, record, joined));
    assert_true(may_write(&world, ORG, 1, record, joined));
    assert_true(may_write(&world, PEOPLE, 1, record, joined));
    assert_false(may_write(&world, EAST, 3, record, joined)); /* nobody's device */
    assert_false(may_write(&world, EAST, 0, record, joined));
    assert_false(may_write(&world, 9, 1, record, joined));
    assert_false(may_write(&world, EAST, 2, record, joined + 1)); /* beyond the head */
    uint64_t out = must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_false(may_write(&world, EAST, 2, record, out));
    assert_true(may_write(&world, EAST, 2, record, joined));
    uint64_t back = must(&world, user_link(&world, 2, SAT_ROLE_REP, ACTIVE));
    must(&world, user_link(&world, 5, SAT_ROLE_REP, ACTIVE));
    assert_true(may_write(&world, EAST, 2, record, back));
    world.directory.devices[1].revoked_seq = back; /* what a revocation will set */
    assert_true(may_write(&world, EAST, 2, record, joined));
    assert_false(may_write(&world, EAST, 2, record, back));
    assert_false(may_write(&world, EAST, 2, record, back + 1));
    world_deinit(&world);
}

static void a_device_writes_its_own_name_in_people_and_nothing_else_there(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t now = world.directory.seq;
    struct sat_hash org = world.directory.org;
    struct sat_record_id own = sat_name_record_device(&org, 2);
    assert_true(may_write(&world, PEOPLE, 2, own, now));
    assert_false(may_write(&world, PEOPLE, 2, own, now - 1)); /* before its join */
    assert_false(may_write(&world, PEOPLE, 2, sat_name_record_device(&org, 1), now));
    assert_false(may_write(&world, PEOPLE, 2, sat_name_record_device(&org, 3), now));
    assert_false(may_write(&world, PEOPLE, 2, sat_name_record_user(&org, 2), now));
    assert_false(may_write(&world, PEOPLE, 2, (struct sat_record_id){{1}}, now));
    assert_false(may_write(&world, ORG, 2, own, now));
    assert_false(may_write(&world, WEST, 2, own, now));
    assert_true(may_write(&world, PEOPLE, 1, own, now)); /* admins write all names */
    uint64_t out = must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_false(may_write(&world, PEOPLE, 2, own, out));
    world_deinit(&world);
}

static void a_device_writes_its_own_disclosures_in_people_and_nobody_elses(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t now = world.directory.seq;
    struct sat_hash org = world.directory.org, other = {{9}};
    struct sat_record_id first = sat_disclosure_record(&org, 2, 0);
    struct sat_record_id last = sat_disclosure_record(&org, 2, SAT_DISCLOSURES_MAX - 1), beyond = last;
    beyond.b[SAT_DISCLOSURE_PREFIX] = 0;
    beyond.b[SAT_DISCLOSURE_PREFIX + 1] = SAT_DISCLOSURES_MAX >> 8;
    assert_true(may_write(&world, PEOPLE, 2, first, now));
    assert_true(may_write(&world, PEOPLE, 2, last, now));
    assert_false(may_write(&world, PEOPLE, 2, beyond, now));
    assert_false(may_write(&world, PEOPLE, 2, first, now - 1)); /* before its join */
    assert_false(may_write(&world, PEOPLE, 2, sat_disclosure_record(&org, 1, 0), now));
    assert_false(may_write(&world, PEOPLE, 2, sat_disclosure_record(&org, 3, 0), now));
    assert_false(may_write(&world, PEOPLE, 2, sat_disclosure_record(&other, 2, 0), now));
    assert_false(may_write(&world, ORG, 2, first, now));
    assert_false(may_write(&world, WEST, 2, first, now));
    assert_true(may_write(&world, PEOPLE, 1, first, now)); /* admins write all of people; the audit says who did */
    uint64_t out = must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_false(may_write(&world, PEOPLE, 2, first, out));
    assert_int_equal(first.b[6] & 0xf0, 0x80);
    assert_int_equal(first.b[8] & 0xc0, 0x80);
    world_deinit(&world);
}

static void name_records_are_uuids_of_version_8_and_all_differ(void **state)
{
    (void)state;
    struct sat_hash org = {{1}}, other = {{2}};
    struct sat_space_id space = {{2}};
    struct sat_record_id ids[] = {
        sat_name_record_user(&org, 1),         sat_name_record_user(&org, 2),       sat_name_record_device(&org, 1),
        sat_name_record_device(&org, 2),       sat_name_record_space(&org, &space), sat_name_record_user(&other, 1),
        sat_name_record_space(&other, &space),
    };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(ids[i].b[6] >> 4, 8);
        assert_int_equal(ids[i].b[8] >> 6, 2);
        for (size_t j = 0; j < i; j++) assert_memory_not_equal(ids[i].b, ids[j].b, 16);
    }
}

/* ---- Recipients ---- */

/* The recipients as text: d2 i14 k1 … */
static const char *shown(struct world *world, const struct sat_recipient *recipients, uint32_t n)
{
    const char *text = "";
    for (uint32_t i = 0; i < n; i++)
        text = sat_arena_format(&world->arena, "%s%s%c%u", text, i ? " " : "", " dik"[recipients[i].kind],
                                (unsigned)recipients[i].number);
    return text;
}

static const char *recipients(struct world *world, uint8_t space)
{
    struct sat_space_id id = space_id(space);
    struct sat_recipient *out;
    uint32_t n = sat_directory_recipients(&world->directory, &id, world->now_ms, &world->arena, &out);
    return shown(world, out, n);
}

static const char *recipients_of(struct world *world, uint32_t user)
{
    struct sat_recipient *out;
    uint32_t n = sat_directory_recipients_of_user(&world->directory, user, world->now_ms, &world->arena, &out);
    return shown(world, out, n);
}

static void a_key_goes_to_readers_open_invites_and_the_kit(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    assert_string_equal(recipients(&world, ORG), "d1 d2 k1");
    assert_string_equal(recipients(&world, EAST), "d1 d2 k1");
    assert_string_equal(recipients(&world, WEST), "d1 k1");
    assert_string_equal(recipients(&world, BOARD), "k1");
    assert_string_equal(recipients(&world, 9), "");
    uint64_t rep = must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    must(&world, invite_link(&world, 2, 3, SAT_ROLE_MANAGER)); /* waits for approval */
    must(&world, invite_link(&world, 3, 4, SAT_ROLE_AUDITOR));
    must(&world, invite_link(&world, 4, 1, SAT_ROLE_ADMIN));
    char *with_invite = sat_arena_format(&world.arena, "d1 d2 i%u k1", (unsigned)rep);
    assert_string_equal(recipients(&world, ORG), with_invite);
    assert_string_equal(recipients(&world, EAST), with_invite);
    assert_string_equal(recipients(&world, WEST), "d1 k1");
    world.now_ms += HOUR_MS;
    assert_string_equal(recipients(&world, EAST), with_invite); /* the last moment */
    world.now_ms++;
    assert_string_equal(recipients(&world, EAST), "d1 d2 k1");
    world.now_ms = NOW_MS;
    must(&world, cancel_link(&world, 1));
    assert_string_equal(recipients(&world, EAST), "d1 d2 k1");
    must(&world, grant_link(&world, EAST, 2, 0));
    assert_string_equal(recipients(&world, EAST), "d1 k1");
    must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_string_equal(recipients(&world, ORG), "d1 k1");
    world_deinit(&world);
}

static void recipients_carry_their_own_keys(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    struct sat_space_id id = space_id(EAST);
    struct sat_recipient *out;
    assert_int_equal(sat_directory_recipients(&world.directory, &id, NOW_MS, &world.arena, &out), 4);
    struct sat_public_key keys[] = {box_public('d', 1), box_public('d', 2), box_public('i', 1), box_public('k', 1)};
    const uint8_t kinds[] = {SAT_BOX_DEVICE, SAT_BOX_DEVICE, SAT_BOX_INVITE, SAT_BOX_KIT};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(out[i].kind, kinds[i]);
        assert_memory_equal(out[i].box.b, keys[i].b, 32);
    }
    world_deinit(&world);
}

static void an_invite_that_grants_a_space_gets_its_keys_in_advance(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_body_invite body = invite_body(&world, 1, 2, SAT_ROLE_REP);
    body.grants[0] = (struct sat_invite_grant){space_id(WEST), RW};
    body.grants_n = 1;
    uint64_t seq = must(&world, invite_link_of(&world, &body));
    assert_string_equal(recipients(&world, WEST), sat_arena_format(&world.arena, "d1 i%u k1", (unsigned)seq));
    must(&world, join_link(&world, 1, 3));
    assert_string_equal(recipients(&world, WEST), "d1 d2 d3 k1");
    world_deinit(&world);
}

static void a_reps_invite_gets_no_keys_once_he_is_more_than_a_rep(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    must(&world, role_link(&world, 2, SAT_ROLE_ADMIN));
    assert_string_equal(recipients(&world, WEST), "d1 d2 k1");
    assert_string_equal(recipients_of(&world, 2), "d2");
    world_deinit(&world);
}

static void recipients_of_a_user_are_his_devices_and_invites_without_the_kit(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint64_t seq = must(&world, invite_link(&world, 1, 2, SAT_ROLE_REP));
    assert_string_equal(recipients_of(&world, 1), "d1");
    assert_string_equal(recipients_of(&world, 2), sat_arena_format(&world.arena, "d2 i%u", (unsigned)seq));
    assert_string_equal(recipients_of(&world, 3), "");
    assert_string_equal(recipients_of(&world, 9), "");
    must(&world, join_link(&world, 1, 3));
    assert_string_equal(recipients_of(&world, 2), "d2 d3");
    must(&world, user_link(&world, 2, SAT_ROLE_REP, SUSPENDED));
    assert_string_equal(recipients_of(&world, 2), "");
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_open_spaces_by_their_kind),
        cmocka_unit_test(grants_hold_from_their_position_until_the_next),
        cmocka_unit_test(an_auditor_only_reads_whatever_was_granted),
        cmocka_unit_test(a_suspended_user_has_no_rights_there_and_all_before_and_after),
        cmocka_unit_test(what_an_admin_could_do_as_an_admin_stays_in_the_past),
        cmocka_unit_test(a_suspended_users_last_role_is_the_one_before),
        cmocka_unit_test(before_a_thing_is_and_beyond_the_head_there_are_no_rights),
        cmocka_unit_test(rights_and_epochs_of_every_position_are_those_of_a_plain_replay),
        cmocka_unit_test(epochs_are_found_by_number_and_by_position),
        cmocka_unit_test(a_device_writes_where_its_user_may_from_its_join_on),
        cmocka_unit_test(a_device_writes_its_own_name_in_people_and_nothing_else_there),
        cmocka_unit_test(a_device_writes_its_own_disclosures_in_people_and_nobody_elses),
        cmocka_unit_test(name_records_are_uuids_of_version_8_and_all_differ),
        cmocka_unit_test(a_key_goes_to_readers_open_invites_and_the_kit),
        cmocka_unit_test(recipients_carry_their_own_keys),
        cmocka_unit_test(an_invite_that_grants_a_space_gets_its_keys_in_advance),
        cmocka_unit_test(a_reps_invite_gets_no_keys_once_he_is_more_than_a_rep),
        cmocka_unit_test(recipients_of_a_user_are_his_devices_and_invites_without_the_kit),
    };
    return cmocka_run_group_tests_name("directory_query", tests, NULL, NULL);
}
