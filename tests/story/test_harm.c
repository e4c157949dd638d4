/* What the brake counts: what changes do to records that were shown, by own drafts and by what came from others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/vault/harm.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *mine, *theirs;

static int begin(void **state)
{
    (void)state;
    return scene_two_reps(&world, 83, &mine, &theirs) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static struct sat_harm drafted(uint32_t record)
{
    struct sat_vault vault = client_vault(&mine->handle);
    struct sat_record_id id = world_record(record);
    struct sat_harm harm;
    assert_int_equal(sat_harm_drafted(&vault, world_sid(mine, &world.spaces[0]), &id, &harm), SAT_OK);
    return harm;
}

/* By what came behind the log's entry `seq`. */
static struct sat_harm received(uint32_t record, uint64_t seq)
{
    struct sat_vault vault = client_vault(&mine->handle);
    struct sat_record_id id = world_record(record);
    struct sat_harm harm;
    assert_int_equal(sat_harm_received(&vault, world_sid(mine, &world.spaces[0]), &world.spaces[0], &id, seq, &harm),
                     SAT_OK);
    return harm;
}

static void assert_harm(struct sat_harm harm, enum sat_harm_kind kind, struct sat_dot dot)
{
    assert_int_equal(harm.kind, kind);
    assert_int_equal(harm.dot.device, dot.device);
    assert_int_equal(harm.dot.counter, dot.counter);
}

static const struct sat_dot nobody = {0};

static void what_is_new_harms_nothing(void **state)
{
    (void)state;
    scene_write(&world, mine, 2, CITY, "Chur");    /* a record */
    scene_write(&world, mine, 1, NAME, "Blondel"); /* a field */
    scene_tag(&world, mine, 1, "vip", true);
    assert_harm(drafted(1), SAT_HARM_NONE, nobody);
    assert_harm(drafted(2), SAT_HARM_NONE, nobody);
    assert_harm(drafted(3), SAT_HARM_NONE, nobody); /* there is none */
}

static void another_value_overwrites_and_so_does_none(void **state)
{
    (void)state;
    scene_write_both(&world, mine, 2, CITY, "Chur", NAME, "Blondel");
    scene_tag(&world, mine, 3, "vip", true);
    assert_true(world_settle(&world, 4));
    uint64_t first = scene_write(&world, mine, 1, CITY, "Basel");
    uint64_t second = scene_write(&world, mine, 2, NAME, "");
    uint64_t third = scene_tag(&world, mine, 3, "vip", false);
    assert_harm(drafted(1), SAT_HARM_OVERWRITTEN, scene_dot(mine, first));
    assert_harm(drafted(2), SAT_HARM_OVERWRITTEN, scene_dot(mine, second));
    assert_harm(drafted(3), SAT_HARM_OVERWRITTEN, scene_dot(mine, third));
    assert_true(world_settle(&world, 4));
    scene_tag(&world, mine, 3, "vip", true); /* it was not in the set */
    assert_harm(drafted(3), SAT_HARM_NONE, nobody);
}

static void a_record_is_archived_once(void **state)
{
    (void)state;
    uint64_t seq = scene_log_size(&world);
    uint64_t first = scene_remove(&world, mine, 1);
    assert_harm(drafted(1), SAT_HARM_ARCHIVED, scene_dot(mine, first));
    assert_true(world_settle(&world, 4));
    assert_harm(received(1, seq), SAT_HARM_NONE, nobody); /* by itself */
    scene_write(&world, mine, 1, CITY, "Basel");          /* that brings it back */
    assert_harm(drafted(1), SAT_HARM_NONE, nobody);
}

static void what_others_do_counts_and_own_work_does_not(void **state)
{
    (void)state;
    uint64_t seq = scene_log_size(&world);
    uint64_t counter = scene_write(&world, theirs, 1, CITY, "Genf");
    assert_true(world_settle(&world, 4));
    assert_harm(received(1, seq), SAT_HARM_OVERWRITTEN, scene_dot(theirs, counter));
    assert_harm(received(1, scene_log_size(&world)), SAT_HARM_NONE, nobody); /* what was there already */
    seq = scene_log_size(&world);
    scene_write(&world, mine, 1, CITY, "Basel");
    assert_true(world_settle(&world, 4));
    assert_harm(received(1, seq), SAT_HARM_NONE, nobody);
    counter = scene_remove(&world, theirs, 1);
    assert_true(world_settle(&world, 4));
    assert_harm(received(1, seq), SAT_HARM_ARCHIVED, scene_dot(theirs, counter));
    assert_harm(received(9, 0), SAT_HARM_NONE, nobody);
}

/* The value stays beside the other one, and is shown no more. */
static void a_conflict_that_shows_another_value_counts(void **state)
{
    (void)state;
    uint64_t seq = scene_log_size(&world);
    scene_write(&world, mine, 1, CITY, "Basel");
    world.now_ms += 1000;
    uint64_t counter = scene_write(&world, theirs, 1, CITY, "Genf");
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, mine, 1, CITY), "Genf|Basel");
    assert_harm(received(1, seq), SAT_HARM_OVERWRITTEN, scene_dot(theirs, counter));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_new_harms_nothing, begin, end),
        cmocka_unit_test_setup_teardown(another_value_overwrites_and_so_does_none, begin, end),
        cmocka_unit_test_setup_teardown(a_record_is_archived_once, begin, end),
        cmocka_unit_test_setup_teardown(what_others_do_counts_and_own_work_does_not, begin, end),
        cmocka_unit_test_setup_teardown(a_conflict_that_shows_another_value_counts, begin, end),
    };
    return cmocka_run_group_tests_name("harm", tests, NULL, NULL);
}
