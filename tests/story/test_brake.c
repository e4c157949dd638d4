/* The brake in the engine: wherever the connection breaks off, nothing of a mass change is taken over bit by bit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/vault/harm.h"
#include "tests/story/scene.h"

enum { RECORDS = 120, EACH = 8 };

static struct world world;
static struct world_device *a, *b;

static enum sat_err harm(void *context, int64_t sid, const struct sat_space_id *space,
                         const struct sat_record_id *record, uint64_t seq, struct sat_harm *out)
{
    struct world_device *device = context;
    struct sat_vault vault = {.store = device->handle.store,
                              .keyring = device->handle.keyring,
                              .keys = device->handle.keys,
                              .squeezer = device->handle.squeezer,
                              .directory = &device->handle.directory,
                              .entropy = &device->handle.entropy};
    return sat_harm_received(&vault, sid, space, record, seq, out);
}

static bool allows;

/* The world's hooks get their own context. */
static void tune(void *context, struct sat_replica_config *config)
{
    assert_ptr_equal(config->hooks.context, context);
    config->hooks.harm = harm;
    config->allow_mass_change = allows;
}

static int begin(void **state)
{
    (void)state;
    allows = false;
    world_init(&world, 11, 1);
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    for (uint32_t i = 1; i <= RECORDS; i++) scene_write(&world, a, i, CITY, "Bern");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    b->tune = tune;
    b->tune_context = b;
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* What cannot be compressed fills frames. */
static const char *some_text(void)
{
    static char text[3001];
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = (char)('!' + world_dice(&world, 90));
    return text;
}

/* In bundles of some records each, as somebody does who syncs in between. */
static void overwrite(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        scene_write_both(&world, a, i, CITY, "Biel", ADDRESS, some_text());
        if (i % EACH == 0) assert_true(world_sync(&world, a));
    }
    assert_true(world_sync(&world, a));
}

static uint32_t changed(void)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= RECORDS; i++) n += scene_shows(&world, b, i, CITY)[2] == 'e';
    return n;
}

static void what_is_not_too_much_comes_in(void **state)
{
    (void)state;
    overwrite(1, 51);
    assert_true(world_sync(&world, b));
    assert_int_equal(changed(), 50);
    assert_true(scene_agrees(&world, b));
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 0);
}

static void what_is_too_much_is_let_go_of_whole_and_comes_whole_when_it_is_meant(void **state)
{
    (void)state;
    struct sat_space_row before = scene_space(b->handle.store, &world.spaces[0]);
    overwrite(1, 61);
    for (int times = 0; times < 3; times++) {
        assert_false(world_sync(&world, b));
        struct sat_space_row after = scene_space(b->handle.store, &world.spaces[0]);
        assert_int_equal(changed(), 0);
        assert_int_equal(after.log.size, before.log.size);
        assert_int_equal(after.synced_ms, before.synced_ms);
        assert_memory_equal(&after.digest, &before.digest, sizeof after.digest);
    }
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 3);
    allows = true;
    assert_true(world_sync(&world, b));
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 4);
    assert_int_equal(changed(), 60);
    assert_true(scene_agrees(&world, b));
    allows = false;
    assert_true(world_sync(&world, b)); /* it is not asked about again */
}

static void a_connection_that_breaks_off_lets_nothing_in_bit_by_bit(void **state)
{
    (void)state;
    struct sat_space_row before = scene_space(b->handle.store, &world.spaces[0]);
    overwrite(1, 91);
    uint32_t most = 0;
    for (uint32_t cut = 1; cut < 24; cut++) {
        world_connect(&world, b);
        for (uint32_t i = 0; i < cut; i++) (void)world_deliver(&world, b, WORLD_NO_FAULT);
        world_disconnect(&world, b);
        if (cut % 3 == 0) world_crash_device(&world, b);
        if (changed() > most) most = changed();
    }
    assert_in_range(most, 1, 50); /* it did come in pieces */
    assert_false(world_sync(&world, b));
    assert_int_equal(changed(), 0);
    assert_int_equal(scene_space(b->handle.store, &world.spaces[0]).log.size, before.log.size);
}

/* What an hour brings counts together, though a head has proved every piece of it. */
static void a_session_that_stays_is_watched_an_hour_at_a_time(void **state)
{
    (void)state;
    struct sat_space_row before = scene_space(b->handle.store, &world.spaces[0]);
    world_connect(&world, b);
    world_run(&world, b);
    overwrite(1, 31);
    world_run(&world, b);
    assert_int_equal(changed(), 30);
    overwrite(31, 61);
    world_run(&world, b);
    assert_int_equal(changed(), 0);
    assert_int_equal(scene_space(b->handle.store, &world.spaces[0]).log.size, before.log.size);
    world_disconnect(&world, b);
    allows = true;
    assert_true(world_sync(&world, b));
    allows = false;
    world_connect(&world, b);
    world_run(&world, b);
    overwrite(61, 91);
    world_run(&world, b);
    world.now_ms += 3600 * 1000;
    overwrite(91, 92);
    world_run(&world, b); /* the hour is over with it */
    overwrite(92, 120);
    world_run(&world, b);
    assert_int_equal(changed(), 119);
    world_disconnect(&world, b);
}

static void own_work_goes_on_where_it_was_when_it_is_settled(void **state)
{
    (void)state;
    overwrite(1, 61);
    scene_write(&world, b, 100, CITY, "Basel");
    assert_false(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 100, CITY), "Basel");
    scene_write(&world, b, 101, CITY, "Baden");
    assert_false(world_sync(&world, b));
    allows = true;
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
    assert_string_equal(scene_shows(&world, a, 100, CITY), "Basel");
    assert_string_equal(scene_shows(&world, a, 101, CITY), "Baden");
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Biel");
    assert_true(scene_agrees(&world, a) && scene_agrees(&world, b));
}

/* What is asked about is what became of the records, not who touched them how often. */
static void what_was_put_back_counts_for_nothing(void **state)
{
    (void)state;
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 1; i <= 40; i++) scene_write(&world, a, i, CITY, round % 2 ? "Bern" : "Biel");
    for (uint32_t i = 1; i <= RECORDS; i++) scene_write(&world, a, i, CITY, "Thun");
    for (uint32_t i = 1; i <= RECORDS; i++) scene_write(&world, a, i, CITY, "Bern");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 0);
}

/* What is let go of reaches back behind heads that came meanwhile: the proof that is kept is that of what is kept. */
static void what_a_server_loses_then_is_given_back_from_what_was_kept(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Chur");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    world_connect(&world, b);
    world_run(&world, b);
    overwrite(2, 12);
    world_run(&world, b);
    assert_int_equal(changed(), 10);
    overwrite(12, 73);
    world_run(&world, b);
    assert_int_equal(changed(), 0);
    world_disconnect(&world, b);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, b));
    assert_true(scene_agrees(&world, b));
    assert_string_equal(scene_base(&world, world.server_store, 1), scene_live(&world, b, 1));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
}

/* What comes back was here before; what is new beside it is watched as ever. */
static void a_server_that_was_set_back_is_watched_no_less(void **state)
{
    (void)state;
    world_backup(&world, 1);
    overwrite(1, 41);
    scene_write(&world, b, 119, CITY, "Zug");
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 120, CITY, "Zug");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, b)); /* forty that came in before do not count again */
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 0);
    assert_true(world_sync(&world, a));
    world_backup(&world, 2);
    scene_write(&world, b, 118, CITY, "Zug");
    assert_true(world_sync(&world, b));
    world_restore(&world, 2, true);
    for (uint32_t i = 41; i < 118; i++) scene_write(&world, a, i, CITY, "Biel");
    assert_true(world_sync(&world, a));
    assert_false(world_sync(&world, b));
    assert_int_equal(b->heard[SAT_NOTICE_BRAKE], 1);
    assert_int_equal(changed(), 40);
    assert_string_equal(scene_shows(&world, b, 118, CITY), "Zug");
    allows = true;
    assert_true(world_settle(&world, 4));
    assert_int_equal(changed(), 117);
    assert_true(scene_agrees(&world, b));
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(what_is_not_too_much_comes_in),
        STORY(what_is_too_much_is_let_go_of_whole_and_comes_whole_when_it_is_meant),
        STORY(a_connection_that_breaks_off_lets_nothing_in_bit_by_bit),
        STORY(a_session_that_stays_is_watched_an_hour_at_a_time),
        STORY(own_work_goes_on_where_it_was_when_it_is_settled),
        STORY(what_was_put_back_counts_for_nothing),
        STORY(what_a_server_loses_then_is_given_back_from_what_was_kept),
        STORY(a_server_that_was_set_back_is_watched_no_less),
    };
    return cmocka_run_group_tests_name("brake", tests, NULL, NULL);
}
