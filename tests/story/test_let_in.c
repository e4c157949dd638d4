/* Work of copied homes that was handed in, and is let in as copies (docs/decisions/0191): how it is known again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/handed.h"
#include "common/sync/tidy.h"
#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *rep, *other;
static struct sat_arena arena;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 224, 2);
    sat_arena_init(&arena);
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    scene_write(&world, rep, 1, CITY, "Bern");
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

static void let_in(uint32_t which)
{
    struct sat_aside_row *rows;
    uint32_t n = order_escrow(world.server_store, &arena, &rows);
    assert_true(n > which);
    assert_true(order_was_let_in(&world, rows, n, which));
}

static bool loses_links(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena own;
    (void)context, (void)device;
    sat_arena_init(&own);
    bool lost = !down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &own, &message) &&
                message.type == SAT_MESSAGE_APPEND;
    sat_arena_deinit(&own);
    return !lost;
}

/* Storm 80024 (decision 224): what it wrote when it knew that it is a copy, and had no number yet, names a number that
 * is nobody's. Who lets that in names the one that it was handed in under, and knows it by that again. */
static void what_is_behind_a_copy_has_seen_it_though_it_names_another(void **state)
{
    (void)state;
    struct world_device *copy = world_clone(&world, rep);
    scene_write(&world, rep, 4, CITY, "Visp");
    assert_true(world_sync(&world, rep));
    copy->on_way = loses_links;
    (void)world_sync(&world, copy); /* it learns that it is one */
    world_disconnect(&world, copy);
    copy->on_way = NULL;
    scene_write(&world, copy, 1, CITY, "Biel");
    scene_write_in(&world, copy, &world.spaces[1], 2, CITY, "Cham"); /* so that these are three bundles */
    scene_write(&world, copy, 3, CITY, "Thun");
    scene_write_in(&world, copy, &world.spaces[1], 2, CITY, "Chur");
    scene_write(&world, copy, 3, CITY, "Brig");
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, copy));
    struct sat_aside_row *rows;
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 3);
    order_decide(&world, SAT_ACCEPT_REJECT, &rows[0]);
    let_in(1);
    assert_true(world_settle(&world, 3));
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Thun");
    let_in(2);
    assert_true(world_settle(&world, 3));
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 3);
    assert_int_equal(rows[2].state, SAT_ASIDE_REJECTED); /* as it is: the admin wrote it again */
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Brig");
}

static void tidy(struct world_device *device)
{
    struct sat_tidied done;
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(
            sat_tidy_device(device->handle.store, &device->handle.directory, scene_number(device), 4096, &done),
            SAT_OK);
}

/* Written again by the admin, who does not get to say so. */
static void write_first(void)
{
    struct world_device *admin = &world.devices[0];
    struct sat_aside_row *rows;
    struct sat_bundle bundle;
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 1);
    assert_int_equal(sat_bundle_decode(rows[0].bytes, &admin->handle.directory.org, &rows[0].space, &arena, &bundle),
                     SAT_OK);
    assert_int_equal(client_handed_take(&admin->handle, &bundle, 1, &(struct client_handed_beside){0}), SAT_OK);
}

/* Storms 88068, 88204, 88231 (decision 253): by the time at which it could be said, the copy had been replaced, and
 * what it said was forgotten. */
static void what_was_written_again_once_is_not_when_it_is_forgotten(void **state)
{
    (void)state;
    static const char *const later[] = {"Visp", "Brig", "Sion"};
    struct world_device *admin = &world.devices[0], *copy = world_clone(&world, rep);
    order_keep_history(&world, 0, 1);
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, copy, 3, CITY, "Thun");
    assert_true(world_sync(&world, rep));
    order_revoke(&world, rep);
    assert_false(world_sync(&world, copy));
    assert_true(world_sync(&world, admin));
    write_first();
    assert_true(world_sync(&world, admin));
    assert_string_equal(scene_shows(&world, admin, 3, CITY), "Thun");
    for (uint32_t i = 0; i < 3; i++) {
        scene_write(&world, admin, 3, CITY, later[i]);
        assert_true(world_sync(&world, admin));
        assert_true(world_sync(&world, other));
    }
    scene_maintain(&world);
    tidy(admin);
    let_in(0);
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, admin, 3, CITY), "Sion");
    assert_string_equal(scene_shows(&world, other, 3, CITY), "Sion");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_behind_a_copy_has_seen_it_though_it_names_another, begin, end),
        cmocka_unit_test_setup_teardown(what_was_written_again_once_is_not_when_it_is_forgotten, begin, end),
    };
    return cmocka_run_group_tests_name("let in", tests, NULL, NULL);
}
