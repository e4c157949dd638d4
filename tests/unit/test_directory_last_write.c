/* The newest position at which a device might write a record: what a search does quickly is what a walk finds. */
#include "tests/unit/directory_world.h"

#include "common/proof/entropy.h"

#define SEED 11

static struct sat_record_id some_record(void)
{
    return (struct sat_record_id){{7, [15] = 1}};
}

static uint64_t by_walking(const struct world *world, uint8_t space, uint32_t device,
                           const struct sat_record_id *record, uint64_t seq)
{
    struct sat_space_id id = space_id(space);
    while (seq && !sat_directory_may_write(&world->directory, &id, device, record, seq)) seq--;
    return seq;
}

static uint64_t by_search(const struct world *world, uint8_t space, uint32_t device, const struct sat_record_id *record,
                          uint64_t seq)
{
    struct sat_space_id id = space_id(space);
    return sat_directory_last_write(&world->directory, &id, device, record, seq);
}

/* One link that may give or take a right, or has nothing to do with it. */
static void let_something_happen(struct world *world, uint64_t dice)
{
    uint8_t space = (uint8_t)(EAST + dice % 2);
    uint32_t user = 2 + (uint32_t)(dice / 2 % 3);
    switch (dice / 8 % 7) {
    case 0:
        must(world, user_link(world, user, SAT_ROLE_REP, dice / 64 % 3 ? ACTIVE : SUSPENDED));
        break;
    case 1:
        must(world, policy_link(world, 3, dice / 64 % 100));
        break;
    case 2:
        must(world, role_link(world, user, dice / 64 % 2 ? SAT_ROLE_REP : SAT_ROLE_AUDITOR));
        break;
    default: {
        static const uint8_t rights[] = {0, SAT_RIGHT_READ, RW, RW};
        must(world, grant_link(world, space, user, rights[dice / 64 % 4]));
        break;
    }
    }
}

static void a_search_finds_what_a_walk_finds(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    struct sat_entropy_stream stream;
    struct sat_entropy dice = sat_entropy_seeded(&stream, SEED);
    for (uint32_t life = 0; life < 12; life++) {
        struct world world;
        world_init(&world);
        for (uint32_t i = 0; i < 40; i++) {
            uint64_t v;
            sat_entropy_fill(&dice, &v, sizeof v);
            let_something_happen(&world, v >> 1);
            uint32_t newest = world.directory.devices_n;
            if ((i == 15 || i == 20) && !sat_directory_out(&world.directory, newest))
                must(&world, reindex_link(&world, newest));
            if (i == 30) must(&world, revoke_link(&world, world.directory.devices_n));
        }
        struct sat_record_id record = some_record();
        for (uint32_t device = 0; device <= world.directory.devices_n + 1; device++)
            for (uint8_t space = ORG; space <= WEST; space++)
                for (uint64_t seq = 0; seq <= world.directory.seq; seq++)
                    assert_int_equal(by_search(&world, space, device, &record, seq),
                                     by_walking(&world, space, device, &record, seq));
        world_deinit(&world);
    }
}

static void of_its_own_name_a_device_may_write_longer(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    uint32_t device = world.directory.devices_n;
    struct sat_record_id own = sat_name_record_device(&world.directory.org, device), other = some_record();
    assert_int_equal(by_search(&world, PEOPLE, device, &other, world.directory.seq), 0);
    assert_int_equal(by_search(&world, PEOPLE, device, &own, world.directory.seq), world.directory.seq);
    uint64_t out = must(&world, revoke_link(&world, device));
    assert_int_equal(by_search(&world, PEOPLE, device, &own, world.directory.seq), out - 1);
    world_deinit(&world);
}

static void beyond_the_head_is_the_head(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct sat_record_id record = some_record();
    assert_int_equal(by_search(&world, EAST, 1, &record, UINT64_MAX), world.directory.seq);
    assert_int_equal(by_search(&world, 99, 1, &record, UINT64_MAX), 0);
    world_deinit(&world);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_what_a_walk_finds),
        cmocka_unit_test(of_its_own_name_a_device_may_write_longer),
        cmocka_unit_test(beyond_the_head_is_the_head),
    };
    return cmocka_run_group_tests_name("directory last write", tests, NULL, NULL);
}
