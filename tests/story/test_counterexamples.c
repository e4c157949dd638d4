/* Each counterexample that MERGE's rules 1 to 7 close, told with the real engine: m3_ means rule 3. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b, *c; /* three reps of one territory: devices 2, 3, 4 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 11, 2);
    a = world_join(&world, 3);
    b = world_join(&world, 3);
    c = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
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

#define shows(device, field) scene_shows(&world, device, 1, field)
#define live(device) scene_live(&world, device, 1)
#define base(device) scene_base(&world, (device)->handle.store, 1)
#define server_base() scene_base(&world, world.server_store, 1)
#define put(device, field, value) scene_write(&world, device, 1, field, value)

/* ---- 1: one counter, a chain in each space ---- */

static void m1_one_counter_runs_through_all_spaces_and_each_has_its_chain(void **state)
{
    (void)state;
    assert_int_equal(put(a, CITY, "Bern"), 1);
    assert_int_equal(scene_write_in(&world, a, &world.spaces[1], 2, CITY, "Basel"), 2);
    assert_int_equal(put(a, NAME, "Alpha"), 3);
    sync(a);
    struct sat_bundle_row first, other, third;
    struct sat_manifest manifest;
    bool found;
    assert_int_equal(sat_store_bundle_of_dot(world.server_store, scene_dot(a, 1), &first, &found), SAT_OK);
    assert_int_equal(sat_store_bundle_of_dot(world.server_store, scene_dot(a, 2), &other, &found), SAT_OK);
    assert_int_equal(sat_store_bundle_of_dot(world.server_store, scene_dot(a, 3), &third, &found), SAT_OK);
    sat_manifest_decode(third.manifest, &manifest);
    assert_true(sat_hash_equal(&manifest.prev, &first.id));
    sat_manifest_decode(other.manifest, &manifest);
    assert_true(sat_hash_is_zero(&manifest.prev));
}

static void m1_a_hole_in_the_chain_is_seen_and_filled(void **state)
{
    (void)state;
    put(a, CITY, "Bern");
    scene_write_in(&world, a, &world.spaces[1], 2, CITY, "Basel"); /* parts the two writes into bundles of their own */
    put(a, NAME, "Alpha");
    scene_lose_push(&world, a, 0);
    assert_false(world_sync(&world, a));
    assert_int_equal(scene_log_size(&world), 0); /* the second was not taken without the first */
    assert_int_equal(scene_pending(a), 2);
    sync(a);
    assert_int_equal(scene_log_size(&world), 2);
    sync(b);
    assert_string_equal(shows(b, CITY), "Bern");
    assert_string_equal(shows(b, NAME), "Alpha");
}

/* B w x=b1. A pulls, w x=a1 (refused), w y=a2. Would a2 be taken, whose seen covers b1, b1 would be gone with a1. */
static void m1_m8_what_follows_a_refused_bundle_is_written_again_and_nothing_is_lost(void **state)
{
    (void)state;
    put(b, NAME, "b1");
    sync(b);
    sync(a);
    put(a, NAME, "a1");
    scene_write_in(&world, a, &world.spaces[1], 2, CITY, "Basel");
    put(a, CITY, "a2");
    scene_damage_push(&world, a, 0);
    sync(a);
    assert_int_equal(a->last_err, SAT_ERR_TAMPERED);
    assert_string_equal(server_base(), "2.4 3.1"); /* b1 stands, and a2 under another dot beside it */
    assert_int_equal(scene_log_size(&world), 3);   /* between them what says that a1 is empty */
    assert_string_equal(base(a), "2.4 3.1");
    assert_string_equal(scene_seen(&world, a, 1, scene_dot(a, 4)), "3.1");
    assert_string_equal(scene_kept(&world, a, 1, scene_dot(a, 4)), "3.1");
    for (uint32_t i = 0; i < 2; i++) { /* a1 is put aside, and shown to nobody */
        struct world_device *device = i ? b : a;
        sync(device);
        assert_string_equal(shows(device, NAME), "b1");
        assert_string_equal(shows(device, CITY), "a2");
    }
    uint64_t open;
    assert_int_equal(sat_store_aside_count(a->handle.store, &open), SAT_OK);
    assert_int_equal(open, 1);
    put(a, NAME, "again"); /* the chain goes on behind it */
    sync(a);
    sync(b);
    assert_string_equal(shows(b, NAME), "again");
}

/* ---- 2: what a change drops ---- */

static void m2_a_change_drops_what_its_author_saw_and_nothing_else(void **state)
{
    (void)state;
    put(a, CITY, "Bern");
    sync(a);
    put(b, CITY, "Basel"); /* has seen nothing */
    put(a, CITY, "Biel");  /* has seen Bern */
    sync_all();
    assert_string_equal(server_base(), "2.2 3.1");
    put(b, CITY, "Brig"); /* has seen both */
    sync_all();
    assert_string_equal(server_base(), "3.2");
    assert_string_equal(shows(a, CITY), "Brig");
}

/* A newcomer is sent a stub in place of what was replaced. His writes must cover that all the same. */
static void m2_the_vector_holds_what_the_replaced_ones_had_seen(void **state)
{
    (void)state;
    put(a, CITY, "a1");
    sync(a);
    sync(b);
    put(b, CITY, "b1");
    sync(b);
    c = world_join(&world, 1);
    assert_string_equal(base(c), "3.1");
    uint64_t counter = put(c, CITY, "c1");
    assert_string_equal(scene_seen(&world, c, 1, scene_dot(c, counter)), "2.1 3.1");
    sync_all();
    assert_string_equal(server_base(), "4.1");
}

/* ---- 3: kept ---- */

static void m3_a_change_of_which_a_cell_is_current_stays(void **state)
{
    (void)state;
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    sync(a);
    sync(b);
    put(b, CITY, "b1");
    assert_string_equal(scene_kept(&world, b, 1, scene_dot(b, 1)), "2.1");
    sync_all();
    assert_string_equal(server_base(), "2.1 3.1");
    assert_string_equal(shows(a, NAME), "a1");
    assert_string_equal(shows(a, CITY), "b1");
    put(a, NAME, "a2"); /* now nothing of a1 is current */
    sync_all();
    assert_string_equal(server_base(), "2.2 3.1");
}

static void m3_live_changes_are_bounded_by_current_values(void **state)
{
    (void)state;
    char value[16];
    for (uint32_t i = 0; i < 30; i++) {
        (void)snprintf(value, sizeof value, "v%u", i);
        put(i % 2 ? a : b, (uint16_t)(i % 3 + 1), value);
        sync(i % 2 ? a : b);
        sync(i % 2 ? b : a);
    }
    assert_int_equal(scene_space(world.server_store, &world.spaces[0]).live, 3);
}

/* Folding with a naive winner: the sibling vanishes. Folding what is in conflict with nothing: a1 is back beside a3. */
static void m3_nothing_is_folded(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    put(a, CITY, "a2");
    sync(a);
    sync(b);
    put(a, NAME, "a3");
    put(b, ADDRESS, "b1"); /* in a folding system: {name a1, city a2, address b1} */
    sync_all();
    assert_string_equal(shows(b, NAME), "a3");
    assert_string_equal(shows(b, CITY), "a2");
    assert_string_equal(shows(a, ADDRESS), "b1");
    put(a, CITY, "a4");
    put(b, CITY, "b2");
    sync_all();
    put(b, ADDRESS, "b3"); /* an edit beside a conflict leaves both siblings alone */
    sync_all();
    assert_string_equal(shows(a, CITY), shows(b, CITY));
    assert_int_equal(scene_conflicts(&world, a, 1), 1);
}

/* ---- 4: holes ---- */

/* A w x=a1; A w y=a2 (keeps a1); B cannot read a1, merges a2, w x: without holes a1 is gone unseen. */
static void m4_what_the_author_could_not_read_is_neither_dropped_nor_dominated(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    put(a, CITY, "a2");
    sync_all();
    scene_spoil(b, scene_dot(a, 1));
    assert_string_equal(shows(b, NAME), "");
    put(b, NAME, "b1");
    assert_string_equal(scene_holes(&world, b, 1, scene_dot(b, 1)), "2.1");
    sync_all();
    assert_string_equal(server_base(), "2.1 2.2 3.1");
    assert_int_equal(scene_conflicts(&world, a, 1), 1); /* a1 and b1, both there to choose from */
    assert_non_null(strstr(shows(a, NAME), "a1"));
    assert_non_null(strstr(shows(a, NAME), "b1"));
    put(a, NAME, "a3"); /* who reads all settles it, for B too */
    sync_all();
    assert_string_equal(shows(b, NAME), "a3");
    assert_string_equal(shows(b, CITY), "a2");
}

/* A w xy=a1, w y=a2; B cannot read a1, w y=b1 and drops a2: a1 would be back at y. */
static void m4_who_has_a_hole_drops_nothing(void **state)
{
    (void)state;
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    put(a, CITY, "a2");
    sync_all();
    scene_spoil(b, scene_dot(a, 1));
    put(b, CITY, "b1");
    assert_string_equal(scene_kept(&world, b, 1, scene_dot(b, 1)), "2.2");
    sync_all();
    assert_string_equal(server_base(), "2.1 2.2 3.1");
    assert_string_equal(shows(a, CITY), "b1");
    assert_string_equal(shows(a, NAME), "a1");
}

/* The same, and a third who reads everything writes elsewhere: he may not drop a2, which alone dominates a1 at y. */
static void m4_beside_a_hole_what_dominates_is_kept_as_well(void **state)
{
    (void)state;
    c = world_join(&world, 1);
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    put(a, CITY, "a2");
    sync_all();
    scene_spoil(b, scene_dot(a, 1));
    put(b, CITY, "b1");
    sync_all();
    put(c, ADDRESS, "c1");
    sync_all();
    assert_string_equal(shows(a, CITY), "b1");
    assert_int_equal(scene_conflicts(&world, a, 1), 0);
    assert_string_equal(shows(c, NAME), "a1");
}

/* ---- 5: cells ---- */

static void m5_cells_merge_apart(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    put(b, CITY, "b1");
    scene_tag(&world, a, 1, "vip", true);
    scene_tag(&world, b, 1, "cold", true);
    sync_all();
    for (uint32_t i = 1; i <= 2; i++) {
        assert_string_equal(shows(&world.devices[i], NAME), "a1");
        assert_string_equal(shows(&world.devices[i], CITY), "b1");
        assert_string_equal(scene_tags(&world, &world.devices[i], 1), "cold,vip");
        assert_int_equal(scene_conflicts(&world, &world.devices[i], 1), 0);
    }
}

static void m5_equal_concurrent_values_are_no_conflict(void **state)
{
    (void)state;
    put(a, CITY, "Bern");
    put(b, CITY, "Bern");
    sync_all();
    assert_string_equal(server_base(), "2.1 3.1");
    assert_string_equal(shows(a, CITY), "Bern");
    assert_int_equal(scene_conflicts(&world, a, 1), 0);
    put(a, CITY, "Biel"); /* replaces both */
    sync_all();
    assert_string_equal(server_base(), "2.2");
}

static void m5_a_put_that_changes_nothing_writes_nothing(void **state)
{
    (void)state;
    assert_int_equal(put(a, CITY, "Bern"), 1);
    assert_int_equal(put(a, CITY, "Bern"), 0);
    sync_all();
    assert_int_equal(put(b, CITY, "Bern"), 0);
    assert_int_equal(scene_tag(&world, b, 1, "vip", false), 0);
    assert_int_equal(scene_drafts(b), 0);
    assert_int_equal(scene_write_both(&world, b, 1, CITY, "Bern", NAME, "b1"), 1);
    sync_all();
    assert_string_equal(server_base(), "2.1 3.1"); /* b1 carries the name alone */
}

static void m5_adding_wins_over_removing(void **state)
{
    (void)state;
    scene_tag(&world, a, 1, "vip", true);
    sync_all();
    scene_tag(&world, a, 1, "vip", false);
    scene_tag(&world, b, 1, "north", true);
    sync_all();
    assert_string_equal(scene_tags(&world, a, 1), "north");
    scene_tag(&world, a, 1, "vip", true);
    sync_all();
    scene_tag(&world, a, 1, "vip", false);
    scene_tag(&world, b, 1, "vip", false);
    scene_tag(&world, b, 1, "vip", true); /* b took it out and put it in again, which a has not seen */
    sync_all();
    assert_string_equal(scene_tags(&world, a, 1), "north,vip");
    assert_string_equal(scene_tags(&world, b, 1), "north,vip");
}

/* ---- 6: deletions ---- */

/* R{x,y}; rm R; beside it w x: if the rm dropped what was live, y would be gone for who restores. */
static void m6_a_deletion_keeps_what_was_live(void **state)
{
    (void)state;
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    sync_all();
    scene_remove(&world, a, 1);
    put(b, NAME, "b1");
    sync_all();
    assert_string_equal(server_base(), "2.1 2.2 3.1");
    assert_string_equal(shows(a, DELETED), "deleted yes|no"); /* edit against delete, for a person to settle */
    assert_string_equal(shows(a, CITY), "deleted a1");
    assert_string_equal(shows(b, NAME), "deleted b1");
    put(b, ADDRESS, "b2"); /* an edit settles it: the record is back, whole */
    sync_all();
    assert_string_equal(shows(a, NAME), "b1");
    assert_string_equal(shows(a, CITY), "a1");
    assert_string_equal(shows(a, ADDRESS), "b2");
    assert_int_equal(scene_conflicts(&world, a, 1), 0);
}

static void m6_the_blind_server_sees_that_it_is_a_deletion(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    scene_remove(&world, a, 1);
    sync_all();
    struct sat_arena arena;
    struct sat_change_row *rows;
    struct sat_record_id id = world_record(1);
    uint32_t n;
    sat_arena_init(&arena);
    int64_t sid = scene_space(world.server_store, &world.spaces[0]).sid;
    assert_int_equal(sat_store_changes_live(world.server_store, sid, &id, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 2);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_header header;
        assert_int_equal(sat_header_decode(rows[i].header, &arena, &header), SAT_OK);
        assert_int_equal(header.deletion, i == 1);
    }
    sat_arena_deinit(&arena);
}

static void m6_who_writes_to_a_deleted_record_brings_back_all_that_it_showed(void **state)
{
    (void)state;
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    scene_tag(&world, a, 1, "vip", true);
    sync_all();
    scene_remove(&world, a, 1);
    sync_all();
    assert_string_equal(shows(b, NAME), "deleted a1");
    put(b, NAME, "b1");
    sync_all();
    assert_string_equal(server_base(), "3.1"); /* it stands on nothing that could be collected */
    assert_string_equal(shows(a, NAME), "b1");
    assert_string_equal(shows(a, CITY), "a1");
    assert_string_equal(scene_tags(&world, a, 1), "vip");
}

static void m6_two_deletions_are_no_conflict(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    sync_all();
    scene_remove(&world, a, 1);
    scene_remove(&world, b, 1);
    sync_all();
    assert_string_equal(shows(a, DELETED), "deleted yes");
    assert_int_equal(scene_conflicts(&world, a, 1), 0);
}

/* ---- 7: accepted base and pending overlay ---- */

static void m7_what_is_pending_lies_on_top_and_the_base_is_the_servers(void **state)
{
    (void)state;
    put(a, CITY, "Bern");
    sync_all();
    put(b, CITY, "Basel");
    put(b, CITY, "Biel");
    assert_string_equal(live(b), "3.2*");
    assert_string_equal(shows(b, CITY), "Biel");
    assert_string_equal(base(b), "2.1");
    assert_true(scene_agrees(&world, b));
    sync(b);
    assert_string_equal(base(b), "3.2");
    assert_string_equal(live(b), "3.2");
}

/* A pull between the write and its acceptance: the base follows the log, the overlay stays above. */
static void m7_the_base_moves_under_what_is_pending(void **state)
{
    (void)state;
    put(a, CITY, "Bern");
    sync_all();
    put(b, CITY, "Basel");
    put(a, CITY, "Biel");
    sync(a);
    scene_lose_push(&world, b, 0);
    assert_false(world_sync(&world, b));
    assert_true(scene_agrees(&world, b));
    assert_string_equal(base(b), "2.2");
    assert_string_equal(live(b), "2.2 3.1*");
    sync_all();
    assert_string_equal(server_base(), "2.2 3.1");
    assert_int_equal(scene_conflicts(&world, a, 1), 1);
}

/* B w Q.y, drops in its base at once, the server refuses: the client would keep what nobody has. */
static void m7_a_refused_change_leaves_the_base_as_the_servers(void **state)
{
    (void)state;
    scene_write_both(&world, a, 1, NAME, "a1", CITY, "a1");
    sync_all();
    scene_write_both(&world, b, 1, NAME, "b1", CITY, "b1");
    scene_damage_push(&world, b, 0);
    sync(b);
    assert_int_equal(b->last_err, SAT_ERR_TAMPERED);
    assert_string_equal(base(b), "2.1");
    assert_string_equal(shows(b, NAME), "a1");
    put(a, CITY, "a2");
    sync(a);
    sync(b);
    assert_string_equal(base(b), "2.1 2.2");
    assert_string_equal(shows(a, NAME), "a1");
}

static void m7_a_refused_deletion_deletes_nothing(void **state)
{
    (void)state;
    put(a, NAME, "a1");
    sync_all();
    scene_remove(&world, b, 1);
    scene_damage_push(&world, b, 0);
    sync(b);
    assert_string_equal(shows(b, NAME), "a1");
    sync(a);
    assert_string_equal(shows(a, NAME), "a1");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(m1_one_counter_runs_through_all_spaces_and_each_has_its_chain),
        STORY(m1_a_hole_in_the_chain_is_seen_and_filled),
        STORY(m1_m8_what_follows_a_refused_bundle_is_written_again_and_nothing_is_lost),
        STORY(m2_a_change_drops_what_its_author_saw_and_nothing_else),
        STORY(m2_the_vector_holds_what_the_replaced_ones_had_seen),
        STORY(m3_a_change_of_which_a_cell_is_current_stays),
        STORY(m3_live_changes_are_bounded_by_current_values),
        STORY(m3_nothing_is_folded),
        STORY(m4_what_the_author_could_not_read_is_neither_dropped_nor_dominated),
        STORY(m4_who_has_a_hole_drops_nothing),
        STORY(m4_beside_a_hole_what_dominates_is_kept_as_well),
        STORY(m5_cells_merge_apart),
        STORY(m5_equal_concurrent_values_are_no_conflict),
        STORY(m5_a_put_that_changes_nothing_writes_nothing),
        STORY(m5_adding_wins_over_removing),
        STORY(m6_a_deletion_keeps_what_was_live),
        STORY(m6_the_blind_server_sees_that_it_is_a_deletion),
        STORY(m6_who_writes_to_a_deleted_record_brings_back_all_that_it_showed),
        STORY(m6_two_deletions_are_no_conflict),
        STORY(m7_what_is_pending_lies_on_top_and_the_base_is_the_servers),
        STORY(m7_the_base_moves_under_what_is_pending),
        STORY(m7_a_refused_change_leaves_the_base_as_the_servers),
        STORY(m7_a_refused_deletion_deletes_nothing),
    };
#undef STORY
    return cmocka_run_group_tests_name("counterexamples", tests, NULL, NULL);
}
