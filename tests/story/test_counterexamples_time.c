/* The counterexamples that MERGE's rules 9, 10 and 19 close, told with the real engine: time, and what the digest is
 * of. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/scene.h"

enum { MINUTE = 60 * 1000 };
static const int64_t YEAR = (int64_t)365 * 24 * 60 * MINUTE;

static struct world world;             /* in 2027 */
static struct world_device *a, *b, *c; /* three reps of one territory: devices 2, 3, 4 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 13, 1);
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    c = world_join(&world, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void pass(uint64_t minutes)
{
    world.now_ms += minutes * MINUTE;
}

static void sync(struct world_device *device)
{
    assert_true(world_sync(&world, device));
    assert_true(scene_agrees(&world, device));
}

static void sync_all(void)
{
    assert_true(world_settle(&world, 4));
    for (uint32_t i = 0; i < world.devices_n; i++) assert_true(scene_agrees(&world, &world.devices[i]));
}

static void all_show(const char *expected)
{
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_string_equal(scene_shows(&world, &world.devices[i], 1, CITY), expected);
}

#define shows(device) scene_shows(&world, device, 1, CITY)
#define put(device, value) scene_write(&world, device, 1, CITY, value)

/* ---- 9: effective time ---- */

static uint64_t received_ms(struct sat_store *store, struct sat_dot dot)
{
    struct sat_bundle_row bundle;
    bool found;
    assert_int_equal(sat_store_bundle_of_dot(store, dot, &bundle, &found), SAT_OK);
    assert_true(found);
    struct sat_arena arena;
    struct sat_entry_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_entries(store, bundle.sid, bundle.seq, 1, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    uint64_t recv_ms = rows[0].entry.recv_ms;
    sat_arena_deinit(&arena);
    return recv_ms;
}

static void m9_the_receive_time_is_one_for_all(void **state)
{
    (void)state;
    put(a, "Bern");
    pass(5);
    uint64_t before = world.now_ms;
    sync(a);
    uint64_t after = world.now_ms;
    pass(60);
    sync_all();
    uint64_t recv_ms = received_ms(world.server_store, scene_dot(a, 1));
    assert_true(recv_ms > before && recv_ms <= after);
    for (uint32_t i = 0; i < world.devices_n; i++)
        assert_int_equal(received_ms(world.devices[i].handle.store, scene_dot(a, 1)), recv_ms);
}

/* Among siblings the later honest write wins, whichever arrives first. */
static void m9_of_two_honest_writes_the_later_wins_in_whatever_order_they_arrive(void **state)
{
    (void)state;
    put(a, "Bern");
    pass(10);
    put(b, "Basel");
    pass(10);
    sync(b);
    pass(10);
    sync(a);
    sync_all();
    all_show("Basel|Bern");
    put(c, "Chur");
    sync_all();
    pass(10);
    put(a, "Biel");
    pass(10);
    put(b, "Brig");
    sync(a);
    pass(10);
    sync(b);
    sync_all();
    all_show("Brig|Biel");
}

/* A clock that runs ahead counts to the receive time and no further, so its owner may see another winner than while it
 * was his alone. */
static void m9_the_winner_that_the_author_sees_may_change_on_acceptance(void **state)
{
    (void)state;
    a->clock_ms = 60 * MINUTE;
    put(a, "Bern");
    pass(5);
    sync(a);
    pass(5);
    put(b, "Basel");
    sync_all();
    all_show("Basel|Bern"); /* by a's clock Bern is 50 minutes younger */
}

/* The flip itself: both ran ahead and were received in the same millisecond (the server's clock stood still): while his
 * own is pending the author sees it above, once accepted the greater dot is. */
static void m9_the_winner_flips_when_the_echo_comes(void **state)
{
    (void)state;
    a->clock_ms = 60 * MINUTE;
    b->clock_ms = 30 * MINUTE;
    put(a, "Bern");
    put(b, "Basel");
    sync(b);
    uint64_t recv_ms = received_ms(world.server_store, scene_dot(b, 1));
    scene_lose_push(&world, a, 0);
    assert_false(world_sync(&world, a));
    assert_string_equal(shows(a), "Bern|Basel");
    world.now_ms -= MINUTE; /* receive times never decrease: a's will be b's */
    sync(a);
    assert_int_equal(received_ms(world.server_store, scene_dot(a, 1)), recv_ms);
    sync_all();
    all_show("Basel|Bern");
}

static void m9_receive_times_never_step_back(void **state)
{
    (void)state;
    put(a, "Bern");
    sync(a);
    world.now_ms -= 60 * MINUTE;
    put(b, "Basel");
    sync(b);
    assert_true(received_ms(world.server_store, scene_dot(b, 1)) >= received_ms(world.server_store, scene_dot(a, 1)));
    sync_all();
}

/* ---- 10: a clock far ahead ---- */

static void m10_a_phone_in_2031_wins_nothing(void **state)
{
    (void)state;
    c->clock_ms = 4 * YEAR;
    put(c, "Chur");
    sync(c);
    pass(1);
    put(a, "Bern"); /* has not seen it */
    sync_all();
    all_show("Bern|Chur");
}

static uint64_t own_clock(struct world_device *device)
{
    uint64_t hlc;
    assert_int_equal(sat_store_meta_get_u64(device->handle.store, "hlc", 0, &hlc), SAT_OK);
    return hlc >> 16;
}

/* One phone in 2031 otherwise makes arrival order decide for everybody who has met it. */
static void m10_who_meets_a_phone_in_2031_keeps_his_own_time(void **state)
{
    (void)state;
    c->clock_ms = 4 * YEAR;
    scene_write(&world, c, 2, CITY, "Chur");
    assert_true(own_clock(c) > world.now_ms + 3 * (uint64_t)YEAR);
    sync(c);
    sync(a);
    assert_true(own_clock(a) <= world.now_ms);
    pass(1);
    put(a, "Bern");
    pass(1);
    put(b, "Basel");
    pass(1);
    sync(b);
    pass(1);
    sync(a); /* arrives last, was written first */
    sync_all();
    all_show("Basel|Bern");
}

/* … also before all of its own has arrived, when nothing that ran ahead is set back yet. */
static void m10_who_meets_a_phone_in_2031_in_a_sync_that_breaks_off_keeps_his_own_time(void **state)
{
    (void)state;
    c->clock_ms = 4 * YEAR;
    scene_write(&world, c, 2, CITY, "Chur");
    sync(c);
    put(a, "Bern");
    scene_lose_push(&world, a, 0);
    assert_false(world_sync(&world, a));
    assert_string_equal(scene_shows(&world, a, 2, CITY), "Chur"); /* that much arrived */
    assert_true(own_clock(a) <= world.now_ms);
}

static void m10_the_phone_itself_is_in_order_again_once_it_is_set_right(void **state)
{
    (void)state;
    c->clock_ms = 4 * YEAR;
    put(c, "Chur");
    c->clock_ms = 0;
    put(c, "Cham"); /* its own order never depends on its clock */
    sync_all();
    all_show("Cham");
    pass(1);
    put(a, "Bern");
    sync_all();
    all_show("Bern");
}

/* What it wrote in 2031 counts from its arrival, and what it writes later from when that is: not from 2031 again. */
static void m10_a_clock_that_ran_ahead_is_forgotten_once_all_of_it_has_arrived(void **state)
{
    (void)state;
    c->clock_ms = 4 * YEAR;
    put(c, "Chur");
    c->clock_ms = 0;
    put(c, "Cham");
    scene_lose_push(&world, c, 0);
    assert_false(world_sync(&world, c)); /* it has not arrived */
    assert_true(own_clock(c) > world.now_ms + 3 * (uint64_t)YEAR);
    sync(c);
    assert_true(own_clock(c) <= world.now_ms);
    pass(1);
    put(c, "Chiasso"); /* a draft, for days */
    pass(60 * 24);
    put(a, "Bern"); /* has not seen it, and is later */
    sync_all();
    all_show("Bern|Chiasso");
}

static void m10_a_phone_years_behind_delivers_and_is_in_order(void **state)
{
    (void)state;
    put(a, "Bern");
    sync_all();
    c->clock_ms = -4 * (int64_t)YEAR;
    put(c, "Chur"); /* has seen Bern */
    c->clock_ms = -8 * (int64_t)YEAR;
    put(c, "Cham");
    c->clock_ms = -2 * (int64_t)YEAR;
    put(c, "Chiasso");
    sync_all();
    all_show("Chiasso");
    pass(1);
    put(a, "Biel");
    sync_all();
    all_show("Biel");
}

/* ---- 19: the digest ---- */

static void m19_what_is_pending_is_not_in_the_digest(void **state)
{
    (void)state;
    put(a, "Bern");
    sync_all();
    struct sat_hash before = scene_digest(a->handle.store, &world.spaces[0]);
    put(a, "Biel"); /* a draft */
    struct sat_hash with_draft = scene_digest(a->handle.store, &world.spaces[0]);
    assert_true(sat_hash_equal(&before, &with_draft));
    scene_lose_push(&world, a, 0);
    assert_false(world_sync(&world, a)); /* now it is frozen, and pending */
    assert_int_equal(scene_pending(a), 1);
    struct sat_hash with_pending = scene_digest(a->handle.store, &world.spaces[0]);
    assert_true(sat_hash_equal(&before, &with_pending));
    sync(a);
    struct sat_hash after = scene_digest(a->handle.store, &world.spaces[0]);
    assert_false(sat_hash_equal(&before, &after));
}

static void m19_stubs_are_not_in_the_digest(void **state)
{
    (void)state;
    put(a, "Bern");
    sync_all();
    put(b, "Basel");
    sync_all();
    struct world_device *late = world_join(&world, 1);
    uint64_t dead;
    assert_true(scene_agrees(&world, late));
    assert_int_equal(sat_store_count_state(late->handle.store, SAT_CHANGE_DEAD, &dead), SAT_OK);
    assert_int_equal(dead, 1);
    assert_string_equal(scene_base(&world, late->handle.store, 1), "3.1");
}

static void m19_what_cannot_be_read_is_in_the_digest(void **state)
{
    (void)state;
    put(a, "Bern");
    sync_all();
    scene_spoil(b, scene_dot(a, 1));
    put(a, "Biel");
    sync_all();
    assert_string_equal(shows(b), "Biel");
}

/* What a device holds and what the server holds differ, for whatever reason: it is never called "in sync". */
static void m19_without_the_same_digest_there_is_no_in_sync(void **state)
{
    (void)state;
    put(a, "Bern");
    sync_all();
    struct sat_space_row row = scene_space(b->handle.store, &world.spaces[0]);
    row.digest[0] ^= 1; /* which alone would be mended (test_mending.c) */
    assert_int_equal(sat_store_begin(b->handle.store), SAT_OK);
    assert_int_equal(sat_store_space_save(b->handle.store, &row), SAT_OK);
    assert_int_equal(sat_store_commit(b->handle.store), SAT_OK);
    scene_forget_hash(b, scene_dot(a, 1));
    uint64_t before = b->in_sync;
    assert_false(world_sync(&world, b));
    assert_int_equal(b->in_sync, before);
    assert_true(b->idle);
    scene_write(&world, a, 2, CITY, "Biel");
    sync(a);
    assert_false(world_sync(&world, b)); /* it works on, and says that something is wrong */
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Biel");
    put(a, "Chur");
    sync(a);
    sync(b); /* what was wrong has been replaced */
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(m9_the_receive_time_is_one_for_all),
        STORY(m9_of_two_honest_writes_the_later_wins_in_whatever_order_they_arrive),
        STORY(m9_the_winner_that_the_author_sees_may_change_on_acceptance),
        STORY(m9_the_winner_flips_when_the_echo_comes),
        STORY(m9_receive_times_never_step_back),
        STORY(m10_a_phone_in_2031_wins_nothing),
        STORY(m10_who_meets_a_phone_in_2031_keeps_his_own_time),
        STORY(m10_who_meets_a_phone_in_2031_in_a_sync_that_breaks_off_keeps_his_own_time),
        STORY(m10_the_phone_itself_is_in_order_again_once_it_is_set_right),
        STORY(m10_a_clock_that_ran_ahead_is_forgotten_once_all_of_it_has_arrived),
        STORY(m10_a_phone_years_behind_delivers_and_is_in_order),
        STORY(m19_what_is_pending_is_not_in_the_digest),
        STORY(m19_stubs_are_not_in_the_digest),
        STORY(m19_what_cannot_be_read_is_in_the_digest),
        STORY(m19_without_the_same_digest_there_is_no_in_sync),
    };
#undef STORY
    return cmocka_run_group_tests_name("counterexamples of time", tests, NULL, NULL);
}
