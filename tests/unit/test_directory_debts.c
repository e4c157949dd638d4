/* Which spaces owe a new epoch, by what, and that nobody keeps a key that is not his any more without a debt. */
#include "tests/unit/directory_world.h"

#include "common/proof/entropy.h"

#define SEED 11

enum { REP = SAT_ROLE_REP, R = SAT_RIGHT_READ };

/* The spaces that owe, as digits: "13" is ORG and EAST. WEST and BOARD get their first epoch before. */
static const char *debtors(struct world *world)
{
    const char *text = "";
    for (uint8_t space = ORG; space <= BOARD; space++)
        if (owed(world, space)) text = sat_arena_format(&world->arena, "%s%u", text, (unsigned)space);
    return text;
}

static void pay(struct world *world, uint8_t space)
{
    struct sat_space_id id = space_id(space);
    must(world, epoch_link(world, space, sat_directory_space(&world->directory, &id)->epoch + 1));
}

/* Every space has an epoch; the admin reads all, the narrow one too; nobody owes anything. */
static void world_init_paid(struct world *world)
{
    world_init(world);
    pay(world, WEST);
    must(world, grant_link(world, BOARD, 1, RW));
    pay(world, BOARD);
    assert_string_equal(debtors(world), "");
}

/* An invite for the user with boxes, as clients make it. */
static uint64_t invite_boxed(struct world *world, uint32_t n, uint32_t user, uint8_t granted)
{
    struct sat_body_invite body = invite_body(world, n, user, sat_directory_user(&world->directory, user)->role);
    if (granted) body.grants[body.grants_n++] = (struct sat_invite_grant){space_id(granted), RW};
    body.boxes = (struct sat_boxes){{{1}}, 1};
    return must(world, invite_link_of(world, &body));
}

/* ---- By links ---- */

static void a_revoked_device_leaves_a_debt_in_each_space_that_it_read(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    uint64_t seq = must(&world, revoke_link(&world, 2));
    assert_string_equal(debtors(&world), "123");
    assert_int_equal(owed(&world, EAST), seq);
    pay(&world, EAST);
    assert_string_equal(debtors(&world), "12");
    assert_int_equal(owed(&world, EAST), 0);
    uint32_t second = add_device_of(&world, 1);
    assert_string_equal(debtors(&world), "12"); /* who comes does not owe */
    uint64_t later = must(&world, revoke_link(&world, second));
    assert_string_equal(debtors(&world), "12345");
    assert_int_equal(owed(&world, ORG), seq); /* the oldest counts */
    assert_int_equal(owed(&world, WEST), later);
    world_deinit(&world);
}

static void a_grant_that_takes_reading_away_leaves_a_debt_there(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    must(&world, grant_link(&world, EAST, 2, R)); /* still reads */
    assert_string_equal(debtors(&world), "");
    uint64_t seq = must(&world, grant_link(&world, EAST, 2, 0));
    assert_string_equal(debtors(&world), "3");
    assert_int_equal(owed(&world, EAST), seq);
    pay(&world, EAST);
    must(&world, grant_link(&world, EAST, 2, 0)); /* nothing to take */
    must(&world, grant_link(&world, WEST, 1, RW));
    must(&world, grant_link(&world, WEST, 1, 0)); /* an admin reads it by role */
    assert_string_equal(debtors(&world), "");
    must(&world, grant_link(&world, BOARD, 1, 0)); /* but a narrow one by grant */
    assert_string_equal(debtors(&world), "5");
    world_deinit(&world);
}

static void suspending_leaves_debts_and_reinstating_none(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    uint64_t seq = must(&world, user_link(&world, 2, REP, SUSPENDED));
    assert_string_equal(debtors(&world), "123");
    assert_int_equal(owed(&world, ORG), seq);
    must(&world, user_link(&world, 2, REP, ACTIVE)); /* what was owed stays owed */
    assert_int_equal(owed(&world, ORG), seq);
    for (uint8_t space = ORG; space <= EAST; space++) pay(&world, space);
    must(&world, user_link(&world, 2, REP, SUSPENDED));
    for (uint8_t space = ORG; space <= EAST; space++) pay(&world, space);
    must(&world, user_link(&world, 2, REP, SUSPENDED)); /* again: he reads nothing */
    must(&world, grant_link(&world, EAST, 2, 0));
    must(&world, user_link(&world, 2, REP, ACTIVE));
    assert_string_equal(debtors(&world), "");
    world_deinit(&world);
}

static void a_lesser_role_leaves_debts_and_a_greater_none(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    must(&world, role_link(&world, 2, SAT_ROLE_ADMIN));
    assert_string_equal(debtors(&world), "");
    must(&world, role_link(&world, 2, REP)); /* keeps EAST, org and people */
    assert_string_equal(debtors(&world), "4");
    pay(&world, WEST);
    must(&world, role_link(&world, 2, SAT_ROLE_AUDITOR));
    must(&world, role_link(&world, 2, REP)); /* reads the same */
    must(&world, user_link(&world, 2, SAT_ROLE_ADMIN, ACTIVE));
    must(&world, user_link(&world, 2, SAT_ROLE_MANAGER, ACTIVE));
    assert_string_equal(debtors(&world), "4");
    world_deinit(&world);
}

static void a_kit_leaves_debts_everywhere(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    must(&world, space_link(&world, 9, SAT_SPACE_TERRITORY));
    struct sat_body_kit body = kit_body(&world);
    uint64_t seq = must(&world, kit_link_of(&world, &body));
    assert_string_equal(debtors(&world), "12345");
    assert_int_equal(owed(&world, BOARD), seq);
    assert_int_equal(owed(&world, 9), 0); /* has no key that anybody could know */
    for (uint8_t space = ORG; space <= BOARD; space++) pay(&world, space);
    assert_string_equal(debtors(&world), "");
    body = recovery_body(&world, 1, 3);
    must(&world, recovery_link_of(&world, 3, (uint32_t)seq, &body));
    assert_string_equal(debtors(&world), "12345");
    world_deinit(&world);
}

static void a_space_without_an_epoch_and_one_that_there_is_not_owe_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    must(&world, grant_link(&world, WEST, 2, RW));
    must(&world, grant_link(&world, WEST, 2, 0));
    must(&world, revoke_link(&world, 2));
    assert_int_equal(owed(&world, WEST), 0);
    assert_int_equal(owed(&world, 99), 0);
    world_deinit(&world);
}

/* ---- By invites ---- */

static void a_cancelled_invite_leaves_debts_where_it_opened_something(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    (void)invite_boxed(&world, 1, 2, WEST); /* beyond what he reads */
    uint64_t seq = must(&world, cancel_link(&world, 1));
    assert_string_equal(debtors(&world), "1234");
    assert_int_equal(owed(&world, WEST), seq);
    for (uint8_t space = ORG; space <= WEST; space++) pay(&world, space);
    must(&world, invite_link(&world, 2, 2, REP)); /* without boxes: it opens nothing */
    must(&world, cancel_link(&world, 2));
    must(&world, invite_link(&world, 3, 4, SAT_ROLE_AUDITOR)); /* would have waited for approval */
    must(&world, cancel_link(&world, 3));
    assert_string_equal(debtors(&world), "");
    must(&world, invite_link(&world, 4, 2, REP));
    pay(&world, EAST); /* from here on it has a box of that one */
    must(&world, cancel_link(&world, 4));
    assert_string_equal(debtors(&world), "3");
    pay(&world, EAST);
    must(&world, invite_link(&world, 5, 2, REP));
    struct sat_buf buf = {0};
    sat_body_grant_encode(
        &(struct sat_body_grant){.space = space_id(WEST), .user = 2, .rights = RW, .boxes = {{{1}}, 2}}, &buf);
    must(&world, admin_link(&world, SAT_LINK_GRANT, &buf)); /* boxes for his device and his invite */
    must(&world, cancel_link(&world, 5));
    assert_int_not_equal(owed(&world, WEST), 0);
    world_deinit(&world);
}

static void an_invite_that_was_used_leaves_nothing(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    (void)invite_boxed(&world, 1, 2, WEST);
    must(&world, join_link(&world, 1, 3));
    world.now_ms += 48 * HOUR_MS;
    assert_string_equal(debtors(&world), "");
    must(&world, user_link(&world, 5, REP, ACTIVE)); /* time passes in the directory too */
    assert_string_equal(debtors(&world), "");
    world_deinit(&world);
}

static void invites_of_a_revoked_device_leave_debts(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    assert_int_equal(add_user(&world, SAT_ROLE_MANAGER), 5);
    must(&world, grant_link(&world, EAST, 5, 7));
    uint32_t manager = add_device_of(&world, 5);
    act_as(&world, manager);
    (void)invite_boxed(&world, 1, 2, 0);
    act_as(&world, 1);
    must(&world, grant_link(&world, WEST, 2, RW)); /* the manager does not read it */
    pay(&world, WEST);                             /* but his invite opens it now */
    must(&world, revoke_link(&world, manager));
    assert_string_equal(debtors(&world), "1234");
    world_deinit(&world);
}

static void an_invite_that_the_user_outgrew_leaves_debts(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    (void)invite_boxed(&world, 1, 2, WEST);
    must(&world, role_link(&world, 2, SAT_ROLE_MANAGER)); /* a rep's code lets nobody in any more */
    assert_string_equal(debtors(&world), "1234");
    for (uint8_t space = ORG; space <= WEST; space++) pay(&world, space);
    must(&world, cancel_link(&world, 1));
    world.now_ms += 48 * HOUR_MS;
    assert_string_equal(debtors(&world), "");
    world_deinit(&world);
}

static void an_invite_that_expires_unused_leaves_debts_by_the_clock(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    uint64_t seq = invite_boxed(&world, 1, 2, WEST);
    world.now_ms += HOUR_MS;
    assert_string_equal(debtors(&world), ""); /* the last moment */
    world.now_ms++;
    assert_string_equal(debtors(&world), "1234");
    assert_int_equal(owed(&world, WEST), seq);
    assert_int_equal(owed(&world, EAST), seq);
    world.now_ms -= 2;
    assert_string_equal(debtors(&world), "");
    uint64_t before = world.directory.seq;
    pay(&world, EAST); /* before it expires: the invite gets a box of this one as well */
    world.now_ms += 2;
    assert_true(owed(&world, EAST) > before);
    assert_int_equal(owed(&world, WEST), seq);
    pay(&world, EAST); /* after: it does not */
    pay(&world, WEST);
    assert_string_equal(debtors(&world), "12");
    assert_int_equal(owed(&world, ORG), seq);
    must(&world, user_link(&world, 5, REP, ACTIVE));
    assert_string_equal(debtors(&world), "12"); /* it stays when the directory's time passes */
    world.now_ms -= HOUR_MS;
    assert_string_equal(debtors(&world), "12"); /* and whatever a clock says then */
    must(&world, cancel_link(&world, 1));
    assert_string_equal(debtors(&world), "12"); /* it is not owed twice */
    pay(&world, ORG);
    pay(&world, PEOPLE);
    assert_string_equal(debtors(&world), "");
    world_deinit(&world);
}

static void many_invites_expire_in_their_order(void **state)
{
    (void)state;
    struct world world;
    world_init_paid(&world);
    enum { MANY = 40 };
    uint64_t seqs[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        struct sat_body_invite body = invite_body(&world, i + 1, 2, REP);
        body.expires_ms = NOW_MS + 1000 + i * 7 % MANY; /* each another moment */
        body.boxes = (struct sat_boxes){{{1}}, 1};
        seqs[i] = must(&world, invite_link_of(&world, &body));
    }
    for (uint32_t moment = 0; moment < MANY; moment++) {
        world.now_ms = NOW_MS + 1000 + moment;
        assert_int_equal(owed(&world, EAST), 0);
        world.now_ms++;
        uint64_t seq = owed(&world, EAST);
        uint32_t i = 0;
        while (i * 7 % MANY != moment) i++;
        struct sat_space_id east = space_id(EAST);
        const struct sat_space *space = sat_directory_space(&world.directory, &east);
        uint64_t began = sat_directory_epoch(&world.directory, &east, space->epoch)->seq;
        assert_int_equal(seq, seqs[i] > began ? seqs[i] : began);
        pay(&world, EAST);
    }
    world_deinit(&world);
}

/* ---- Nobody keeps a key without a debt: random lives, and beside them who has which key, in the plainest way ---- */

enum { USERS = 8, DEVICES = 99, INVITES = 200, SPACES = BOARD, STEPS = 1500, LIVES = 4 };

struct holders { /* of the current epoch's key of each space */
    bool device[DEVICES + 1][SPACES + 1];
    bool invite[INVITES + 1][SPACES + 1]; /* by place + 1 */
    bool kit[SPACES + 1];
    uint64_t kit_seq[SPACES + 1]; /* which kit */
};

static bool device_reads(const struct world *world, uint32_t device, uint8_t space)
{
    return device_rights(world, space, device, world->directory.seq) & R;
}

/* May the holder of the code still join, and read the space then? */
static bool invite_reads(const struct world *world, uint32_t n, uint8_t space, const uint8_t *named)
{
    const struct sat_invite *invite = &world->directory.invites[n - 1];
    const struct sat_user *user = sat_directory_user(&world->directory, invite->user);
    bool good = invite->state == SAT_INVITE_OPEN && invite->expires_ms >= world->now_ms && user->state == ACTIVE &&
                user->role == invite->role;
    return good && ((rights(world, space, invite->user, world->directory.seq) & R) || named[n] == space);
}

static void box_recipients(struct world *world, struct holders *holders, uint8_t space, bool anew)
{
    struct sat_space_id id = space_id(space);
    struct sat_recipient *out;
    uint32_t n = sat_directory_recipients(&world->directory, &id, world->now_ms, &world->arena, &out);
    for (uint32_t i = 0; anew && i <= DEVICES; i++) holders->device[i][space] = false;
    for (uint32_t i = 0; anew && i <= INVITES; i++) holders->invite[i][space] = false;
    for (uint32_t i = 0; i < n; i++) {
        if (out[i].kind == SAT_BOX_DEVICE) holders->device[out[i].number][space] = true;
        if (out[i].kind == SAT_BOX_KIT) holders->kit_seq[space] = out[i].number;
        for (uint32_t j = 0; out[i].kind == SAT_BOX_INVITE && j < world->directory.invites_n; j++)
            if (world->directory.invites[j].seq == out[i].number) holders->invite[j + 1][space] = true;
    }
}

static void check_holders(const struct world *world, const struct holders *holders, const uint8_t *named)
{
    for (uint8_t space = ORG; space <= SPACES; space++) {
        bool due = holders->kit_seq[space] && holders->kit_seq[space] != world->directory.kit_seq;
        for (uint32_t i = 1; i <= world->directory.devices_n; i++)
            due = due || (holders->device[i][space] && !device_reads(world, i, space));
        for (uint32_t i = 1; i <= world->directory.invites_n; i++)
            due = due || (holders->invite[i][space] && !invite_reads(world, i, space, named));
        if (due && !owed(world, space)) print_error("step %u, space %u\n", (unsigned)world->directory.seq, space);
        assert_true(!due || owed(world, space));
    }
}

struct life {
    struct world world;
    struct holders holders;
    uint8_t named[INVITES + 1]; /* the space that an invite grants; 0: none */
};

static void step_grant(struct life *life, uint32_t user, uint8_t space, uint8_t granted)
{
    struct world *world = &life->world;
    bool read = rights(world, space, user, world->directory.seq) & R;
    struct sat_body_grant body = {.space = space_id(space), .user = user, .rights = granted};
    struct sat_recipient *out;
    uint32_t n = sat_directory_recipients_of_user(&world->directory, user, world->now_ms, &world->arena, &out);
    if ((granted & R) && !read && n) body.boxes = (struct sat_boxes){{{1}}, n};
    struct sat_buf buf = {0};
    sat_body_grant_encode(&body, &buf);
    must(world, admin_link(world, SAT_LINK_GRANT, &buf));
    for (uint32_t i = 0; body.boxes.count && i < n; i++) {
        if (out[i].kind == SAT_BOX_DEVICE) life->holders.device[out[i].number][space] = true;
        for (uint32_t j = 0; out[i].kind == SAT_BOX_INVITE && j < world->directory.invites_n; j++)
            if (world->directory.invites[j].seq == out[i].number) life->holders.invite[j + 1][space] = true;
    }
}

static void step_invite(struct life *life, uint32_t user, uint8_t space)
{
    struct world *world = &life->world;
    const struct sat_user *member = sat_directory_user(&world->directory, user);
    uint32_t n = world->directory.invites_n + 1;
    bool early = member->role == REP || member->role == SAT_ROLE_SERVICE;
    if (member->state != ACTIVE || n > INVITES) return;
    struct sat_body_invite body = invite_body(world, n, user, member->role);
    life->named[n] = early && space >= EAST ? space : 0;
    if (life->named[n]) body.grants[body.grants_n++] = (struct sat_invite_grant){space_id(space), RW};
    if (early) body.boxes = (struct sat_boxes){{{1}}, 1};
    must(world, invite_link_of(world, &body));
    for (uint8_t i = ORG; early && i <= SPACES; i++)
        life->holders.invite[n][i] = (rights(world, i, user, world->directory.seq) & R) || i == life->named[n];
}

static void step_join(struct life *life, uint32_t n)
{
    struct world *world = &life->world;
    uint32_t device = world->directory.devices_n + 1;
    if (n == 0 || n > world->directory.invites_n || device > DEVICES) return;
    const struct sat_invite *invite = &world->directory.invites[n - 1];
    const struct sat_user *user = sat_directory_user(&world->directory, invite->user);
    struct sat_hash id = invite->id;
    for (uint32_t i = 1; i < 2000; i++) { /* its key has the number that it was made with */
        struct sat_hash of = invite_id(i);
        if (!sat_hash_equal(&of, &id)) continue;
        struct sat_body_join body = join_body(i, device);
        if (user->role == SAT_ROLE_ADMIN || user->role == SAT_ROLE_MANAGER) body.admin_sign = sign_public('a', device);
        struct sat_link link = join_link_of(world, i, device, &body);
        if (apply(world, &link)) return;
        break;
    }
    for (uint8_t i = ORG; i <= SPACES; i++) {
        life->holders.device[device][i] = life->holders.invite[n][i]; /* who has the code's key has these */
        life->holders.invite[n][i] = false;
    }
}

static void attempt(struct world *world, struct sat_link link)
{
    (void)apply(world, &link);
}

/* Whatever the reducer takes; what it refuses changes nothing. */
static void random_life_step(struct life *life, const uint32_t random[6])
{
    struct world *world = &life->world;
    uint32_t users = world->directory.users_n, user = 2 + random[1] % (users - 1);
    uint8_t space = (uint8_t)(1 + random[2] % SPACES), role = (uint8_t)(1 + random[3] % 5);
    uint32_t device = 2 + random[4] % (world->directory.devices_n + 1);
    struct sat_body_kit body;
    world->now_ms += random[5] % 16 ? 0 : random[5] % (HOUR_MS / 2);
    switch (random[0] % 20) {
    case 0:
        if (users < USERS) attempt(world, user_link(world, users + 1, role, ACTIVE));
        return;
    case 1:
        if (random[4] % 2) attempt(world, user_link(world, user, role, (uint8_t)(1 + random[1] % 2)));
        return;
    case 2:
        attempt(world, role_link(world, user, random[4] % 3 ? REP : role));
        return;
    case 3:
    case 4:
        if (space >= EAST) step_grant(life, user, space, (uint8_t[]){0, R, RW, 7}[random[4] % 4]);
        return;
    case 5:
    case 6:
        step_invite(life, user, space);
        return;
    case 7:
    case 8:
        step_join(life, world->directory.invites_n - random[4] % 4);
        return;
    case 9:
        attempt(world, revoke_link(world, device));
        return;
    case 10:
        if (!device_reads(world, device, ORG)) attempt(world, approve_link(world, device));
        for (uint8_t i = ORG; i <= SPACES; i++) /* with boxes of what the device reads */
            if (device_reads(world, device, i)) life->holders.device[device][i] = true;
        return;
    case 11:
        if (random[4] % 2) attempt(world, cancel_link(world, 1 + random[1] % INVITES));
        return;
    case 12:
        body = kit_body(world);
        if (random[4] % 10 == 0) attempt(world, kit_link_of(world, &body));
        return;
    default:
        pay(world, space);
        box_recipients(world, &life->holders, space, true);
        return;
    }
}

static void nobody_keeps_a_key_without_a_debt(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, SEED);
    static struct life life;
    unsigned owing = 0, clear = 0, joined = 0, revoked = 0;
    for (int lives = 0; lives < LIVES; lives++) {
        memset(&life, 0, sizeof life);
        world_init_paid(&life.world);
        for (uint8_t i = ORG; i <= SPACES; i++) box_recipients(&life.world, &life.holders, i, true);
        for (int i = 0; i < STEPS; i++) {
            uint32_t random[6];
            sat_entropy_fill(&entropy, random, sizeof random);
            random_life_step(&life, random);
            check_holders(&life.world, &life.holders, life.named);
            for (uint8_t space = ORG; space <= SPACES; space++) owed(&life.world, space) ? owing++ : clear++;
        }
        joined += life.world.directory.devices_n;
        for (uint32_t i = 0; i < life.world.directory.devices_n; i++)
            revoked += life.world.directory.devices[i].revoked_seq != 0;
        world_deinit(&life.world);
    }
    assert_true(owing > 1000 && clear > 1000); /* it is no debt all the time either */
    assert_true(joined > 50 && revoked > 20 && revoked < joined);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_device_leaves_a_debt_in_each_space_that_it_read),
        cmocka_unit_test(a_grant_that_takes_reading_away_leaves_a_debt_there),
        cmocka_unit_test(suspending_leaves_debts_and_reinstating_none),
        cmocka_unit_test(a_lesser_role_leaves_debts_and_a_greater_none),
        cmocka_unit_test(a_kit_leaves_debts_everywhere),
        cmocka_unit_test(a_space_without_an_epoch_and_one_that_there_is_not_owe_nothing),
        cmocka_unit_test(a_cancelled_invite_leaves_debts_where_it_opened_something),
        cmocka_unit_test(an_invite_that_was_used_leaves_nothing),
        cmocka_unit_test(invites_of_a_revoked_device_leave_debts),
        cmocka_unit_test(an_invite_that_the_user_outgrew_leaves_debts),
        cmocka_unit_test(an_invite_that_expires_unused_leaves_debts_by_the_clock),
        cmocka_unit_test(many_invites_expire_in_their_order),
        cmocka_unit_test(nobody_keeps_a_key_without_a_debt),
    };
    return cmocka_run_group_tests_name("directory_debts", tests, NULL, NULL);
}
