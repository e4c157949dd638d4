/* An org of 5,000 devices: what is done at every start and at every sync stays quick. */
#include "tests/unit/directory_world.h"

#include <time.h>

static struct sat_public_key filler_key(uint8_t kind, uint32_t n)
{
    struct sat_public_key key = {{kind}};
    memcpy(key.b + 1, &n, sizeof n);
    return key;
}

static struct sat_space_id filler_space(uint32_t n)
{
    struct sat_space_id id = {{1}};
    memcpy(id.b + 8, &n, sizeof n);
    return id;
}

/* Applies a link whose signatures are empty, as the store gives it after they were checked; counts the processor's
 * time. */
static void store(struct world *world, uint16_t type, uint32_t author, uint8_t second, uint32_t number,
                  struct sat_buf *body, clock_t *spent)
{
    struct sat_link link = draft(world, type, body);
    struct sat_countersign sign = {.time_ms = NOW_MS};
    link.author = author;
    sat_link_finish(&link, &world->arena);
    link.signatures[0] = (struct sat_link_signature){.kind = SAT_SIGNER_DEVICE, .number = author};
    link.signatures[1] = (struct sat_link_signature){.kind = second, .number = number};
    link.signatures_n = second ? 2 : 1;
    clock_t start = clock();
    enum sat_err err = sat_directory_apply(&world->directory, &link, &sign, 0, SAT_DIRECTORY_STORED, &world->fault);
    *spent += clock() - start;
    assert_int_equal(err, SAT_OK);
}

enum { MANY_DEVICES = 5000, MANY_SPACES = 500, MANY_LINKS = 50000, MANY_EPOCHS = 300, MANY_INVITES = 2000 };

static void fill_users_and_devices(struct world *world, clock_t *spent)
{
    for (uint32_t n = 2; n <= MANY_DEVICES; n++) {
        struct sat_buf user = {0}, invite = {0}, join = {0};
        sat_body_user_encode(&(struct sat_body_user){n, SAT_ROLE_REP, ACTIVE}, &user);
        store(world, SAT_LINK_USER, 1, SAT_SIGNER_ADMIN, 1, &user, spent);
        struct sat_body_invite offer = {.sign = filler_key(1, n),
                                        .box = filler_key(2, n),
                                        .user = n,
                                        .role = SAT_ROLE_REP,
                                        .expires_ms = NOW_MS + 1};
        sat_body_invite_encode(&offer, &invite);
        store(world, SAT_LINK_INVITE, 1, SAT_SIGNER_ADMIN, 1, &invite, spent);
        struct sat_body_join taken = {
            .invite = sat_invite_id(&offer.sign, &offer.box), .sign = filler_key(3, n), .box = filler_key(4, n)};
        sat_body_join_encode(&taken, &join);
        store(world, SAT_LINK_JOIN, n, SAT_SIGNER_INVITE, (uint32_t)world->directory.seq, &join, spent);
    }
}

/* Five thousand devices of as many people, 500 spaces, 15,000 links. */
static void fill_large_org(struct world *world, clock_t *spent)
{
    world_init_empty(world);
    struct sat_body_genesis genesis = genesis_body();
    must(world, genesis_link(world, &genesis));
    fill_users_and_devices(world, spent);
    for (uint32_t n = 0; n < MANY_SPACES; n++) {
        struct sat_buf body = {0};
        sat_body_space_encode(&(struct sat_body_space){filler_space(n), SAT_SPACE_TERRITORY}, &body);
        store(world, SAT_LINK_SPACE, 1, SAT_SIGNER_ADMIN, 1, &body, spent);
    }
}

static double seconds(clock_t spent)
{
    return (double)spent / CLOCKS_PER_SEC;
}

static void fifty_thousand_links_of_five_thousand_devices_are_quick(void **state)
{
    (void)state;
    struct world world;
    clock_t spent = 0;
    fill_large_org(&world, &spent);
    for (uint32_t n = 0; world.directory.seq < MANY_LINKS; n++) {
        struct sat_buf body = {0};
        struct sat_body_grant grant = {
            .space = filler_space(n * 7919 % MANY_SPACES), .user = 2 + n % 4999, .rights = RW};
        sat_body_grant_encode(&grant, &body);
        store(&world, SAT_LINK_GRANT, 1, SAT_SIGNER_ADMIN, 1, &body, &spent);
    }
    assert_int_equal(world.directory.devices_n, MANY_DEVICES);
    clock_t asked = clock();
    uint32_t writers = 0;
    for (uint32_t n = 0; n < 200000; n++) {
        const struct sat_grant *grant = &world.directory.grants[n * UINT64_C(7919) % world.directory.grants_n];
        uint64_t seq = n * UINT64_C(104729) % MANY_LINKS;
        writers += sat_directory_rights(&world.directory, &grant->space, grant->user, seq) == RW;
    }
    asked = clock() - asked;
    assert_true(writers > 20000 && writers < 180000); /* both answers are among them */
    print_message("50,000 links %.3f s, 200,000 questions %.3f s of processor time\n", seconds(spent), seconds(asked));
    /* Far above what it takes, and far below what anything quadratic would. */
    assert_true(seconds(spent) < 5 && seconds(asked) < 10);
    world_deinit(&world);
}

static void store_epoch(struct world *world, uint32_t space, uint32_t number, clock_t *spent)
{
    struct sat_buf buf = {0};
    struct sat_body_epoch body = epoch_body(0, number);
    body.space = filler_space(space);
    sat_body_epoch_encode(&body, &buf);
    store(world, SAT_LINK_EPOCH, 1, 0, 0, &buf, spent);
}

/* Open ones, by the first admin's device, for as many people, with boxes. */
static void fill_invites(struct world *world, clock_t *spent)
{
    for (uint32_t n = 0; n < MANY_INVITES; n++) {
        struct sat_buf buf = {0};
        struct sat_body_invite body = {.sign = filler_key(5, n),
                                       .box = filler_key(6, n),
                                       .user = 2 + n,
                                       .role = SAT_ROLE_REP,
                                       .expires_ms = NOW_MS + 1 + n % 77,
                                       .boxes = {{{1}}, 1}};
        sat_body_invite_encode(&body, &buf);
        store(world, SAT_LINK_INVITE, 1, SAT_SIGNER_ADMIN, 1, &buf, spent);
    }
}

static uint32_t count_debtors(const struct world *world, uint64_t now_ms, clock_t *spent)
{
    uint32_t n = 0;
    clock_t start = clock();
    for (uint32_t i = 0; i < MANY_SPACES; i++) {
        struct sat_space_id id = filler_space(i);
        n += sat_directory_owed(&world->directory, &id, now_ms) != 0;
    }
    *spent += clock() - start;
    return n;
}

static void revoking_and_asking_for_debts_stay_quick(void **state)
{
    (void)state;
    struct world world;
    clock_t spent = 0, revoked = 0, asked = 0, expired = 0;
    fill_large_org(&world, &spent);
    for (uint32_t n = 0; n < MANY_SPACES; n++) store_epoch(&world, n, 1, &spent);
    for (uint32_t n = 2; n <= MANY_EPOCHS; n++) store_epoch(&world, 0, n, &spent);
    struct sat_space_id first = filler_space(0);
    for (uint32_t n = 1; n <= MANY_EPOCHS; n++)
        assert_int_equal(sat_directory_epoch(&world.directory, &first, n)->number, n);
    fill_invites(&world, &spent);
    for (int i = 0; i < 100; i++) assert_int_equal(count_debtors(&world, NOW_MS, &asked), 0);
    assert_int_equal(count_debtors(&world, NOW_MS + 1000, &expired), 0); /* who has no grant reads no territory */
    /* A second device of the admin, as the kit makes one, so that the first may be revoked: it issued every invite. */
    struct sat_buf buf = {0};
    struct sat_body_kit kit = {.kit_sign = filler_key(7, 1),
                               .kit_box = filler_key(7, 2),
                               .user = 1,
                               .device_sign = filler_key(7, 3),
                               .device_box = filler_key(7, 4),
                               .admin_sign = filler_key(7, 5)};
    sat_body_kit_encode(&kit, &buf);
    store(&world, SAT_LINK_KIT, MANY_DEVICES + 1, SAT_SIGNER_KIT, 1, &buf, &spent);
    for (uint32_t n = 0; n < MANY_SPACES; n++) store_epoch(&world, n, n ? 2 : MANY_EPOCHS + 1, &spent);
    buf = (struct sat_buf){0};
    struct sat_body_revoke revoke = {.device = 1};
    sat_body_revoke_encode(&revoke, &buf);
    store(&world, SAT_LINK_REVOKE, MANY_DEVICES + 1, SAT_SIGNER_ADMIN, MANY_DEVICES + 1, &buf, &revoked);
    assert_int_equal(count_debtors(&world, NOW_MS, &asked), MANY_SPACES);
    print_message("revoked in %.4f s, 101 times %d spaces asked %.4f s, with 2,000 expired invites %.4f s\n",
                  seconds(revoked), MANY_SPACES, seconds(asked), seconds(expired));
    assert_true(seconds(revoked) < 0.5 && seconds(asked) < 1 && seconds(expired) < 2);
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifty_thousand_links_of_five_thousand_devices_are_quick),
        cmocka_unit_test(revoking_and_asking_for_debts_stay_quick),
    };
    return cmocka_run_group_tests_name("directory_large", tests, NULL, NULL);
}
