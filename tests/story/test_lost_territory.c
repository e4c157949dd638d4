/* Stories of rights that are lost: what was not synced goes to the admins, what may not be read any more leaves the
 * device, and the rest stays. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/handed.h"
#include "common/sync/void.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { RW = SAT_RIGHT_READ | SAT_RIGHT_WRITE };

static struct world world;
static struct world_device *admin, *rep, *other;
static struct sat_arena arena;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 301, 2);
    sat_arena_init(&arena);
    admin = &world.devices[0];
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Chur");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    world_deinit(&world);
    return 0;
}

static uint32_t escrow(struct sat_aside_row **rows)
{
    return order_escrow(world.server_store, &arena, rows);
}

static bool has_keys(struct world_device *device, uint32_t place)
{
    const struct sat_epoch_key *key;
    return sat_keys_get(device->handle.keys, &device->handle.directory, &world.spaces[place], 1, &key) == SAT_OK;
}

/* Nothing of the first territory is on the device any more. */
static void has_let_go(struct world_device *device)
{
    struct sat_space_row row = scene_space(device->handle.store, &world.spaces[0]);
    assert_int_equal(row.log.size, 0);
    assert_int_equal(row.live, 0);
    assert_string_equal(scene_shows(&world, device, 1, CITY), "");
    assert_false(has_keys(device, 0));
}

/* ---- A territory is taken away ---- */

static void its_work_is_handed_in_and_the_rest_stays(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, rep, 3, CITY, "Thun");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    order_grant(&world, rep, 0, 0);
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel"); /* until it hears of it */
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 0);
    has_let_go(rep);
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Bern");
    assert_true(world_sync(&world, other));
    assert_true(has_keys(rep, 1));
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    assert_int_equal(rows[0].device, scene_number(rep));
    assert_int_equal(rows[0].count, 2);
    assert_int_equal(rows[0].reason, SAT_ERR_ESCROWED);
    assert_true(sat_space_equal(&rows[0].space, &world.spaces[0]));
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
    assert_true(world_sync(&world, rep)); /* and that was that */
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
}

static void without_work_it_just_leaves(void **state)
{
    (void)state;
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 0);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    has_let_go(rep);
}

static void it_leaves_a_device_that_is_connected_as_well(void **state)
{
    (void)state;
    world_connect(&world, rep);
    world_run(&world, rep);
    order_grant(&world, rep, 0, 0);
    scene_write(&world, rep, 1, CITY, "Biel"); /* pushed before it hears of it: late all the same */
    world_run(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
    assert_true(sat_replica_in_sync(rep->replica));
    has_let_go(rep);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    world_run(&world, rep);
    assert_true(sat_replica_in_sync(rep->replica));
}

/* It may write again what it had written under the other number: as of when that might. */
static void work_of_a_copy_goes_to_the_admins_under_its_new_number(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    uint32_t number = scene_number(rep);
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_true(world_sync(&world, rep));
    scene_write(&world, copy, 1, CITY, "Biel"); /* under a number that the other one has given out */
    scene_write(&world, copy, 3, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, copy));
    assert_int_not_equal(scene_number(copy), number);
    assert_int_equal(scene_pending(copy) + scene_drafts(copy), 0);
    has_let_go(copy);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    assert_int_equal(rows[0].device, scene_number(copy));
    assert_int_equal(rows[0].count, 2);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    assert_true(world_settle(&world, 3));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

/* What has its number is in a log that it may not read any more. */
static void an_older_state_that_cannot_see_it_goes_on_under_a_new_number(void **state)
{
    (void)state;
    struct world_home kept;
    uint32_t number = scene_number(rep);
    world_home_backup(&world, rep, &kept);
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    order_grant(&world, rep, 0, 0);
    world_home_restore(&world, rep, &kept);
    world_home_free(&kept);
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    scene_write_in(&world, rep, &world.spaces[1], 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    assert_int_not_equal(scene_number(rep), number);
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 0);
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
    assert_true(world_settle(&world, 3));
    struct sat_hash there = scene_digest(world.server_store, &world.spaces[1]);
    struct sat_hash here = scene_digest(rep->handle.store, &world.spaces[1]);
    assert_int_equal(scene_space(world.server_store, &world.spaces[1]).live, 2);
    assert_true(sat_hash_equal(&there, &here));
}

static uint8_t state_of(uint32_t which)
{
    struct sat_aside_row *rows;
    assert_true(escrow(&rows) > which);
    return rows[which].state;
}

static bool let_in(uint32_t which)
{
    struct sat_aside_row *rows;
    uint32_t n = escrow(&rows);
    assert_true(n > which);
    return order_was_let_in(&world, rows, n, which);
}

/* Each under a number of its own; and the one has more. */
static void what_two_copies_handed_in_is_let_in_once(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, copy, 1, CITY, "Biel");
    scene_write(&world, copy, 3, NAME, "Beta"); /* it has seen the other's, under its old number */
    order_grant(&world, rep, 0, 0);
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, copy));
    assert_int_not_equal(scene_number(copy), scene_number(rep));
    assert_true(let_in(0));
    assert_true(world_settle(&world, 3));
    scene_write(&world, other, 3, CITY, "Visp");
    assert_true(world_settle(&world, 3));
    assert_true(let_in(1));
    assert_true(world_settle(&world, 3));
    assert_int_equal(state_of(0), SAT_ASIDE_ACCEPTED);
    assert_int_equal(state_of(1), SAT_ASIDE_REJECTED); /* as it is: the admin wrote it again */
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, NAME), "Beta");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Visp");
    assert_true(let_in(1)); /* once more: nothing is left to be written */
    assert_int_equal(scene_drafts(admin), 0);
}

static void what_has_a_number_that_is_taken_is_let_in_as_a_copy(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    uint64_t counter = scene_write(&world, rep, 1, CITY, "Biel");
    assert_int_equal(scene_write(&world, copy, 3, CITY, "Thun"), counter);
    assert_true(world_sync(&world, rep));
    order_revoke(&world, rep);
    assert_false(world_sync(&world, copy)); /* it is out, and takes no new index any more */
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    assert_int_equal(rows[0].device, scene_number(rep));
    world.orders_may_fail = true;
    assert_false(order_was_decided(&world, SAT_ACCEPT_BUNDLE, &rows[0]));
    world.orders_may_fail = false;
    assert_true(let_in(0));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_int_equal(state_of(0), SAT_ASIDE_REJECTED);
}

/* Written again by the admin, and nothing more is said of it yet. */
static void write_handed_in(uint32_t which)
{
    struct sat_aside_row *rows;
    struct sat_bundle bundle;
    bool fits;
    assert_true(escrow(&rows) > which);
    assert_int_equal(
        sat_bundle_decode(rows[which].bytes, &admin->handle.directory.org, &rows[which].space, &arena, &bundle),
        SAT_OK);
    assert_int_equal(client_handed_fits(&admin->handle, &bundle, NULL, &fits), SAT_OK);
    assert_false(fits);
    assert_int_equal(client_handed_take(&admin->handle, &bundle, 1, &(struct client_handed_beside){0}), SAT_OK);
}

/* His line broke before the rest of it was said, and he lets it in once more. */
static void what_waits_as_a_copy_is_not_written_once_more(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, copy, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    order_revoke(&world, rep);
    assert_false(world_sync(&world, copy));
    assert_true(world_sync(&world, admin));
    write_handed_in(0);
    assert_int_equal(scene_drafts(admin), 1);
    write_handed_in(0);
    assert_int_equal(scene_drafts(admin), 1);
    scene_lose_push(&world, admin, 0);
    (void)world_sync(&world, admin);
    admin->on_way = NULL;
    assert_int_equal(scene_pending(admin), 1);
    write_handed_in(0);
    assert_int_equal(scene_drafts(admin), 0);
    assert_true(let_in(0));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    assert_int_equal(scene_space(world.server_store, &world.spaces[0]).live, 2);
}

/* The log says of the number that it stood under first that it is empty, and the admin's device has kept what was
 * refused there. */
static void who_asks_whether_it_fits_changes_nothing(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    struct world_device *copy = world_clone(&world, rep);
    scene_damage_push(&world, rep, 0);
    (void)world_sync(&world, rep);
    rep->on_way = NULL;
    struct sat_dot first = scene_dot(rep, 3);
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_true(world_sync(&world, rep));
    scene_write(&world, copy, 3, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, copy));
    assert_int_not_equal(scene_number(copy), first.device);
    assert_true(world_sync(&world, admin));
    struct sat_store *store = admin->handle.store;
    struct sat_aside_row *rows, kept;
    struct sat_bundle_row empty;
    struct sat_bundle bundle;
    bool found, fits;
    assert_int_equal(escrow(&rows), 1);
    assert_int_equal(sat_store_bundle_of_dot(store, first, &empty, &found), SAT_OK);
    assert_true(found && empty.state == SAT_BUNDLE_VOID);
    kept = rows[0];
    kept.id = sat_void_of_row(&empty).statement.refused;
    kept.state = SAT_ASIDE_KEPT;
    assert_int_equal(sat_store_aside_put(store, &kept), SAT_OK);
    assert_int_equal(sat_bundle_decode(rows[0].bytes, &admin->handle.directory.org, &rows[0].space, &arena, &bundle),
                     SAT_OK);
    assert_int_equal(client_handed_fits(&admin->handle, &bundle, NULL, &fits), SAT_OK);
    assert_false(fits);
    struct sat_aside_row now;
    assert_int_equal(sat_store_aside_find(store, &kept.id, &arena, &now, &found), SAT_OK);
    assert_true(found);
    assert_int_equal(now.state, SAT_ASIDE_KEPT);
}

/* What came before it stays out: it is not held up by that. */
static void what_stands_behind_something_rejected_is_let_in_as_a_copy(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep); /* frozen alone */
    rep->on_way = NULL;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    assert_false(let_in(1)); /* the one before it first */
    order_decide(&world, SAT_ACCEPT_REJECT, &rows[0]);
    assert_true(let_in(1));
    assert_true(world_settle(&world, 3));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

/* Two, one behind the other, of which the first never comes into the log; and what stands there before both. */
static void hand_in_a_chain(struct sat_bundle bundles[2])
{
    struct sat_aside_row *rows;
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 3, CITY, "Thun");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep); /* frozen alone */
    rep->on_way = NULL;
    scene_write(&world, rep, 1, CITY, "Visp");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_int_equal(escrow(&rows), 2);
    order_decide(&world, SAT_ACCEPT_REJECT, &rows[0]);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(
            sat_bundle_decode(rows[i].bytes, &admin->handle.directory.org, &rows[i].space, &arena, &bundles[i]),
            SAT_OK);
}

static void let_in_last(const struct sat_bundle bundles[2], uint32_t others)
{
    struct client_handed_beside beside;
    client_handed_begin_beside(&beside, bundles, others, &arena);
    assert_int_equal(client_handed_take(&admin->handle, &bundles[1], 1, &beside), SAT_OK);
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Visp"); /* in the place of what it had replaced */
    assert_string_equal(scene_shows(&world, other, 3, CITY), "");
}

static void what_stands_behind_something_unreadable_is_let_in_as_a_copy(void **state)
{
    (void)state;
    struct sat_bundle bundles[2];
    hand_in_a_chain(bundles);
    struct sat_change *change = sat_arena_copy(&arena, bundles[0].changes, sizeof *change);
    change->body = sat_span_text("sealed under what nobody has");
    bundles[0].changes = change;
    let_in_last(bundles, 2);
}

static void what_stands_behind_something_unknown_has_a_past_all_the_same(void **state)
{
    (void)state;
    struct sat_bundle bundles[2];
    hand_in_a_chain(bundles);
    let_in_last(bundles, 0);
}

/* The admin has hashes of it: it was replaced before it came to his device. */
static void what_was_replaced_is_asked_for_before_it_is_let_in(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    scene_write(&world, rep, 3, CITY, "Brig");
    struct world_device *copy = world_clone(&world, rep);
    assert_true(world_sync(&world, rep));
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    scene_write(&world, other, 3, CITY, "Visp");
    assert_true(world_sync(&world, other));
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, copy));
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    assert_int_equal(rows[0].count, 2);
    uint64_t size = scene_log_size(&world);
    assert_true(let_in(0));
    assert_true(world_settle(&world, 3));
    assert_int_equal(state_of(0), SAT_ASIDE_REJECTED);
    assert_int_equal(scene_log_size(&world), size); /* it was there */
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Visp");
    scene_assert_sound(admin->handle.store);
}

/* Cut off after any message, it is all done again until it is done. */
static void a_crash_at_any_moment_loses_nothing(void **state)
{
    (void)state;
    uint32_t cuts = 0;
    order_grant(&world, rep, 0, 0);
    for (bool done = false; !done; cuts++) {
        scene_write(&world, rep, 1, CITY, cuts % 2 ? "Biel" : "Thun");
        world_connect(&world, rep);
        uint32_t messages = 0;
        while (messages < cuts && world_deliver(&world, rep, WORLD_NO_FAULT)) messages++;
        done = messages < cuts;
        world_crash_device(&world, rep);
        if (rep->heard[SAT_NOTICE_SPACE_LOST]) break;
    }
    assert_true(world_sync(&world, rep));
    assert_true(rep->heard[SAT_NOTICE_SPACE_LOST] > 0);
    has_let_go(rep);
    assert_int_equal(scene_pending(rep), 0);
    struct sat_aside_row *rows;
    uint32_t n = escrow(&rows);
    uint64_t changes = 0, counter;
    for (uint32_t i = 0; i < n; i++) changes += rows[i].count;
    assert_int_equal(sat_store_meta_get_u64(rep->handle.store, "counter", 0, &counter), SAT_OK);
    assert_int_equal(changes + 2, counter); /* all but the two that everybody has */
    assert_true(cuts > 3);
}

static void who_may_still_read_keeps_it_and_hands_in(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    order_grant(&world, rep, 0, SAT_RIGHT_READ);
    assert_false(world_sync(&world, rep));
    assert_true(rep->idle);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 0);
    assert_int_equal(scene_pending(rep), 1); /* listed, with its reason */
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel");
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    assert_true(world_sync(&world, rep)); /* the log has it now, and it is no more pending nor refused */
    assert_int_equal(scene_pending(rep), 0);
    struct sat_bundle_row tip;
    bool found;
    int64_t sid = world_sid(rep, &world.spaces[0]);
    assert_int_equal(sat_store_bundle_tip(rep->handle.store, sid, scene_number(rep), true, &tip, &found), SAT_OK);
    assert_true(found && tip.state == SAT_BUNDLE_NORMAL && tip.refused == 0);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
}

static void a_rep_who_becomes_an_auditor_hands_in(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    order_role(&world, rep, SAT_ROLE_AUDITOR);
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
}

/* ---- It comes back ---- */

static void a_territory_that_comes_back_brings_the_own_work_along(void **state)
{
    (void)state;
    scene_write(&world, rep, 3, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    has_let_go(rep);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    order_grant(&world, rep, 0, RW);
    assert_true(world_sync(&world, rep));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, rep, 3, CITY), "Thun");
    assert_true(scene_agrees(&world, rep));
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

static void it_comes_back_in_the_middle_of_a_session_as_well(void **state)
{
    (void)state;
    world_connect(&world, rep);
    world_run(&world, rep);
    order_grant(&world, rep, 0, 0);
    world_run(&world, rep);
    has_let_go(rep);
    scene_write(&world, other, 1, CITY, "Biel");
    assert_true(world_sync(&world, other));
    order_grant(&world, rep, 0, RW);
    world_run(&world, rep);
    assert_true(sat_replica_in_sync(rep->replica));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel");
    scene_write(&world, rep, 1, CITY, "Genf");
    world_run(&world, rep);
    assert_true(sat_replica_in_sync(rep->replica));
    assert_true(scene_agrees(&world, rep));
}

static bool awaits_log(struct world_device *device)
{
    bool awaits;
    assert_int_equal(client_awaits_log(&device->handle, world_sid(device, &world.spaces[0]), &awaits), SAT_OK);
    return awaits;
}

/* Its chain begins with what it does not have yet: what it froze before that came would never be taken. */
static void what_is_written_when_it_is_back_stands_behind_the_own_work_in_the_log(void **state)
{
    (void)state;
    world_connect(&world, rep);
    world_run(&world, rep);
    order_grant(&world, rep, 0, 0);
    world_run(&world, rep);
    has_let_go(rep);
    order_grant(&world, rep, 0, RW);
    while (!(client_rights(&rep->handle, &world.spaces[0]) & SAT_RIGHT_WRITE))
        assert_true(world_deliver(&world, rep, WORLD_NO_FAULT));
    assert_true(awaits_log(rep)); /* the library does not let anybody write that early */
    scene_write(&world, rep, 3, CITY, "Thun");
    world_run(&world, rep);
    assert_false(awaits_log(rep));
    assert_true(sat_replica_in_sync(rep->replica));
    assert_true(scene_agrees(&world, rep));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

static void taken_and_given_back_unseen_nothing_happens(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    order_grant(&world, rep, 0, 0);
    order_grant(&world, rep, 0, RW);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 0);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 0);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
}

/* ---- Keys that are owed ---- */

static void a_debt_blocks_sending_but_not_working(void **state)
{
    (void)state;
    admin->pays_nothing = rep->pays_nothing = true;
    order_grant(&world, other, 0, 0);
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_false(world_sync(&world, rep));
    assert_true(rep->idle);
    assert_int_equal(rep->heard[SAT_NOTICE_DEBT], 1);
    assert_int_equal(scene_drafts(rep), 1); /* the other territory's went */
    scene_write(&world, rep, 1, CITY, "Genf");
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Genf");
    rep->pays_nothing = false;
    assert_true(world_sync(&world, rep));
    assert_int_equal(scene_drafts(rep), 0);
    const struct sat_directory *directory = sat_host_directory(world.host);
    assert_int_equal(sat_directory_space(directory, &world.spaces[0])->epoch, 2);
    assert_true(world_sync(&world, admin));
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "Genf");
}

static void whoever_has_nothing_to_send_leaves_the_debt_to_others(void **state)
{
    (void)state;
    admin->pays_nothing = true;
    order_grant(&world, other, 0, 0);
    uint64_t seq = sat_host_directory(world.host)->seq;
    assert_true(world_sync(&world, rep));
    assert_int_equal(sat_host_directory(world.host)->seq, seq);
    admin->pays_nothing = false;
    assert_true(world_sync(&world, admin)); /* who is there to see to it */
    assert_int_equal(sat_host_directory(world.host)->seq, seq + 1);
}

static void two_who_pay_at_once_pay_once(void **state)
{
    (void)state;
    admin->pays_nothing = true;
    struct world_device *third = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    order_grant(&world, other, 0, 0);
    uint64_t seq = sat_host_directory(world.host)->seq;
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, third, 3, CITY, "Thun");
    world_connect(&world, rep);
    world_connect(&world, third);
    for (bool more = true; more;) {
        bool one = world_deliver(&world, rep, WORLD_NO_FAULT), two = world_deliver(&world, third, WORLD_NO_FAULT);
        more = one || two;
    }
    assert_true(sat_replica_in_sync(rep->replica));
    assert_true(sat_replica_in_sync(third->replica));
    assert_int_equal(sat_host_directory(world.host)->seq, seq + 1);
}

/* ---- Honest devices that were away ---- */

static void who_was_away_for_three_rotations_is_not_locked_out(void **state)
{
    (void)state;
    scene_lose_push(&world, rep, 0);
    scene_write(&world, rep, 1, CITY, "Biel"); /* frozen under the first key, and lost on the way */
    (void)world_sync(&world, rep);
    scene_write(&world, rep, 3, CITY, "Thun"); /* a draft */
    for (uint32_t i = 0; i < 3; i++) order_rotate(&world, 0);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN] + rep->heard[SAT_NOTICE_REFUSED], 0);
    struct sat_bundle_row tip;
    bool found;
    assert_int_equal(sat_store_bundle_tip(rep->handle.store, world_sid(rep, &world.spaces[0]), scene_number(rep), false,
                                          &tip, &found),
                     SAT_OK);
    struct sat_manifest manifest;
    sat_manifest_decode(tip.manifest, &manifest);
    assert_true(found && manifest.epoch == 4);
    assert_true(world_settle(&world, 3));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(its_work_is_handed_in_and_the_rest_stays),
        STORY(without_work_it_just_leaves),
        STORY(it_leaves_a_device_that_is_connected_as_well),
        STORY(work_of_a_copy_goes_to_the_admins_under_its_new_number),
        STORY(an_older_state_that_cannot_see_it_goes_on_under_a_new_number),
        STORY(what_two_copies_handed_in_is_let_in_once),
        STORY(what_has_a_number_that_is_taken_is_let_in_as_a_copy),
        STORY(what_waits_as_a_copy_is_not_written_once_more),
        STORY(who_asks_whether_it_fits_changes_nothing),
        STORY(what_stands_behind_something_rejected_is_let_in_as_a_copy),
        STORY(what_stands_behind_something_unreadable_is_let_in_as_a_copy),
        STORY(what_stands_behind_something_unknown_has_a_past_all_the_same),
        STORY(what_was_replaced_is_asked_for_before_it_is_let_in),
        STORY(a_crash_at_any_moment_loses_nothing),
        STORY(who_may_still_read_keeps_it_and_hands_in),
        STORY(a_rep_who_becomes_an_auditor_hands_in),
        STORY(a_territory_that_comes_back_brings_the_own_work_along),
        STORY(it_comes_back_in_the_middle_of_a_session_as_well),
        STORY(what_is_written_when_it_is_back_stands_behind_the_own_work_in_the_log),
        STORY(taken_and_given_back_unseen_nothing_happens),
        STORY(a_debt_blocks_sending_but_not_working),
        STORY(whoever_has_nothing_to_send_leaves_the_debt_to_others),
        STORY(two_who_pay_at_once_pay_once),
        STORY(who_was_away_for_three_rotations_is_not_locked_out),
    };
#undef STORY
    return cmocka_run_group_tests_name("lost territory", tests, NULL, NULL);
}
