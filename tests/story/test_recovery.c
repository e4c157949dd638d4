/* Stories of those who come in by another door: a device that has to be approved, and the recovery kit. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *admin, *rep;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 303, 2);
    admin = &world.devices[0];
    rep = world_join(&world, 3);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* ---- Approval ---- */

static struct world_device *joins_as(enum sat_role role)
{
    struct sat_invite_code code = world_make_invite(&world, role, 0);
    struct world_device *device = world_holder(&world, &code, role == SAT_ROLE_ADMIN || role == SAT_ROLE_MANAGER);
    assert_false(world_sync(&world, device));
    assert_true(device->joined);
    return device;
}

static void a_device_that_is_not_approved_waits(void **state)
{
    (void)state;
    struct world_device *device = joins_as(SAT_ROLE_ADMIN);
    assert_true(device->idle);
    assert_int_equal(device->last_err, SAT_OK);
    assert_int_equal(device->handle.directory.seq, sat_host_directory(world.host)->seq);
    assert_string_equal(scene_shows(&world, device, 1, CITY), "");
    order_approve(&world, device);
    assert_true(world_sync(&world, device));
    assert_string_equal(scene_shows(&world, device, 1, CITY), "Bern");
}

static void it_goes_on_as_soon_as_it_is_approved(void **state)
{
    (void)state;
    struct world_device *device = joins_as(SAT_ROLE_AUDITOR);
    world_connect(&world, device);
    world_run(&world, device);
    assert_true(device->replica != NULL && device->idle);
    order_approve(&world, device);
    world_run(&world, device);
    assert_true(sat_replica_in_sync(device->replica));
}

/* ---- The kit ---- */

static struct sat_kit_keys kit;

static enum sat_err open_with_kit(void *context, const struct sat_box *box)
{
    struct world_device *device = context;
    return sat_keys_open_box(device->handle.keys, &device->handle.directory, box, &kit.box_public, &kit.box);
}

static void as_kit(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->mode = SAT_REPLICA_KIT;
    config->key = &kit.sign;
    config->hooks.open_box = open_with_kit;
}

static void build_recovery(struct world_wish *wish, struct client_links *links)
{
    const struct sat_kit_keys *new_kit = wish->context;
    const struct sat_keyring *keyring = links->satchel->keyring;
    links->kit = &kit;
    struct sat_body_kit body = {.kit_sign = new_kit->sign_public,
                                .kit_box = new_kit->box_public,
                                .user = 1,
                                .device_sign = sat_keyring_sign_public(keyring),
                                .device_box = sat_keyring_box_public(keyring),
                                .admin_sign = sat_sign_public(&sat_keyring_secrets(keyring)->admin)};
    assert_int_equal(client_links_box_for_kit(links, &new_kit->box_public, &body.boxes), SAT_OK);
    assert_int_equal(client_links_add_recovery(links, &body), SAT_OK);
}

/* A new device of the admin whose only one is lost; whoever holds the kit has nothing but the org's id. */
static struct world_device *finder(void)
{
    sat_kit_keys_derive(world.kit_seed, &kit);
    struct sat_invite_code code = {.org = sat_host_directory(world.host)->org};
    struct world_device *device = world_holder(&world, &code, true);
    device->tune = as_kit;
    return device;
}

static void recovers(struct world_device *device)
{
    struct sat_kit_keys new_kit;
    uint8_t seed[SAT_KIT_SEED_BYTES] = {9};
    sat_kit_keys_derive(seed, &new_kit);
    struct world_wish wish = {.world = &world, .build = build_recovery, .context = &new_kit};
    device->wish = &wish;
    world_connect(&world, device);
    world_run(&world, device);
    world_disconnect(&world, device);
    device->wish = NULL;
    assert_true(wish.done);
    assert_true(device->idle);
    device->tune = NULL;
    assert_true(world_sync(&world, device));
}

static void the_kit_lets_an_admin_in_with_nobody_else_left(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) order_rotate(&world, 0);
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    struct world_device *device = finder();
    recovers(device);
    assert_string_equal(scene_shows(&world, device, 1, CITY), "Biel");
    const struct sat_directory *directory = sat_host_directory(world.host);
    assert_true(sat_directory_device(directory, scene_number(device))->approved_seq > 0);
    for (uint32_t i = 0; i < directory->spaces_n; i++) /* everything was rotated, as the old kit could read it */
        assert_int_equal(sat_directory_owed(directory, &directory->spaces[i].id, world.now_ms), 0);
    assert_int_equal(sat_directory_space(directory, &world.spaces[0])->epoch, 4);
    scene_write(&world, device, 1, CITY, "Genf");
    assert_true(world_sync(&world, device));
    assert_true(world_sync(&world, rep));
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Genf");
}

static void it_does_so_once(void **state)
{
    (void)state;
    recovers(finder());
    struct world_device *again = finder();
    world_connect(&world, again);
    world_run(&world, again);
    assert_int_equal(again->last_err, SAT_ERR_DENIED);
}

static void a_recovery_that_was_cut_off_is_done_again(void **state)
{
    (void)state;
    struct world_device *device = finder();
    world_connect(&world, device);
    for (uint32_t i = 0; i < 4; i++) (void)world_deliver(&world, device, WORLD_NO_FAULT);
    world_crash_device(&world, device);
    recovers(device);
    assert_string_equal(scene_shows(&world, device, 1, CITY), "Bern");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_device_that_is_not_approved_waits),
        STORY(it_goes_on_as_soon_as_it_is_approved),
        STORY(the_kit_lets_an_admin_in_with_nobody_else_left),
        STORY(it_does_so_once),
        STORY(a_recovery_that_was_cut_off_is_done_again),
    };
#undef STORY
    return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
