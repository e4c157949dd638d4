/* Stories of a stolen admin's phone: the thief shuts people out, and the kit undoes it. Everybody who is honest goes on
 * with what he was at, and nothing of it is lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "common/proof/directory_index.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *stolen, *admin, *rep, *other; /* the first admin's and the second's; of two reps */
static struct sat_arena arena;
static struct sat_kit_keys kit, new_kit, thiefs_kit;
static uint64_t from;

static void make_kit(uint8_t number, struct sat_kit_keys *out)
{
    uint8_t seed[SAT_KIT_SEED_BYTES] = {number};
    sat_kit_keys_derive(seed, out);
}

static int begin(void **state)
{
    (void)state;
    world_init(&world, 304, 2);
    sat_arena_init(&arena);
    stolen = &world.devices[0];
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_ADMIN, 0);
    admin = world_holder(&world, &code, true);
    assert_false(world_sync(&world, admin));
    order_approve(&world, admin);
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    sat_kit_keys_derive(world.kit_seed, &kit);
    make_kit(9, &new_kit);
    make_kit(8, &thiefs_kit);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    from = sat_host_directory(world.host)->seq + 1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    world_deinit(&world);
    return 0;
}

static const struct sat_directory *directory(void)
{
    return sat_host_directory(world.host);
}

static bool is_out(const struct world_device *device)
{
    return sat_directory_out(directory(), scene_number(device)) != 0;
}

static uint32_t escrow(struct sat_aside_row **rows)
{
    return order_escrow(world.server_store, &arena, rows);
}

/* ---- What the thief does ---- */

static void build_policy(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_policy_encode(&(struct sat_body_policy){.values = {{SAT_POLICY_LEASE_REP, 0}}, .values_n = 1}, &body);
    assert_int_equal(client_links_add(links, SAT_LINK_POLICY, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static void build_kit(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf buf;
    sat_buf_init(&buf);
    struct sat_body_kit body = {.kit_sign = thiefs_kit.sign_public, .kit_box = thiefs_kit.box_public};
    assert_int_equal(client_links_box_for_kit(links, &thiefs_kit.box_public, &body.boxes), SAT_OK);
    sat_body_kit_encode(&body, &buf);
    assert_int_equal(client_links_add(links, SAT_LINK_KIT, &buf), SAT_OK);
    sat_buf_deinit(&buf);
}

static void the_thief_acts(void)
{
    order_suspend(&world, admin, true);
    order_revoke(&world, rep);
    order_revoke(&world, other);
    order_grant(&world, other, 0, 0);
    order_grant(&world, stolen, 1, SAT_RIGHT_READ | SAT_RIGHT_WRITE | SAT_RIGHT_MANAGE);
    assert_true(world_append(&world, stolen, build_policy, NULL));
    world_disconnect(&world, stolen);
}

/* ---- The kit's holder ---- */

static struct sat_kit_keys *holds; /* which kit the finder has */

static enum sat_err open_with_kit(void *context, const struct sat_box *box)
{
    struct world_device *device = context;
    return sat_keys_open_box(device->handle.keys, &device->handle.directory, box, &holds->box_public, &holds->box);
}

static void as_kit(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->mode = SAT_REPLICA_KIT;
    config->key = &holds->sign;
    config->hooks.open_box = open_with_kit;
}

static void build_repudiation(struct world_wish *wish, struct client_links *links)
{
    const struct sat_kit_keys *next = wish->context;
    const struct sat_keyring *keyring = links->satchel->keyring;
    links->kit = holds;
    links->some_keys = true;
    struct sat_body_repudiate body = {
        .device = scene_number(stolen),
        .from_seq = from,
        .kit = {.kit_sign = next->sign_public,
                .kit_box = next->box_public,
                .user = 1,
                .device_sign = sat_keyring_sign_public(keyring),
                .device_box = sat_keyring_box_public(keyring),
                .admin_sign = sat_sign_public(&sat_keyring_secrets(keyring)->admin)},
    };
    assert_int_equal(client_links_box_for_kit(links, &next->box_public, &body.kit.boxes), SAT_OK);
    assert_int_equal(client_links_add_repudiation(links, &body), SAT_OK);
}

static struct world_device *finder(void)
{
    struct sat_invite_code code = {.org = directory()->org};
    struct world_device *device = world_holder(&world, &code, true);
    device->tune = as_kit;
    holds = &kit;
    return device;
}

static void repudiates(struct world_device *device)
{
    struct world_wish wish = {.world = &world, .build = build_repudiation, .context = &new_kit};
    device->wish = &wish;
    world_connect(&world, device);
    world_run(&world, device);
    world_disconnect(&world, device);
    device->wish = NULL;
    device->tune = NULL;
    assert_true(wish.done);
    assert_int_equal(directory()->repudiated_seq, directory()->kit_seq);
}

static void all_agree(void)
{
    assert_true(world_sync(&world, admin));
    struct world_device *honest[] = {admin, rep, other};
    for (uint32_t round = 0; round < 2; round++)
        for (size_t i = 0; i < 3; i++) assert_true(world_sync(&world, honest[i]));
    for (size_t i = 0; i < 3; i++) assert_true(scene_agrees(&world, honest[i]));
    for (uint32_t i = 0; i < directory()->spaces_n; i++)
        assert_int_equal(sat_directory_owed(directory(), &directory()->spaces[i].id, world.now_ms), 0);
}

/* It is the world's first device that orders and invites. */
static void swap_first(struct world_device *device)
{
    struct world_device first = world.devices[0];
    world_disconnect(&world, device);
    world.devices[0] = *device;
    *device = first;
}

/* ---- Stories ---- */

static void a_thief_shuts_everybody_out_and_the_kit_lets_them_in_again(void **state)
{
    (void)state;
    the_thief_acts();
    assert_true(is_out(admin) && is_out(rep) && is_out(other));
    struct world_device *back = finder();
    repudiates(back);
    assert_true(world_sync(&world, back));
    assert_false(is_out(admin) || is_out(rep) || is_out(other));
    assert_int_equal(sat_directory_policy(directory(), SAT_POLICY_LEASE_REP), 30);
    uint32_t user = sat_directory_device(directory(), scene_number(stolen))->user;
    uint64_t now = directory()->seq;
    assert_int_equal(sat_directory_rights(directory(), &world.spaces[1], user, now), SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    all_agree();
    assert_false(world_sync(&world, stolen));
    assert_int_equal(stolen->last_err, SAT_ERR_REVOKED);
    scene_write(&world, back, 1, CITY, "Genf");
    assert_true(world_sync(&world, back));
    all_agree();
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Genf");
    scene_write(&world, stolen, 1, CITY, "mine");
    (void)world_sync(&world, stolen);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
}

/* Nobody told them: what they wrote meanwhile goes into the log as if nothing had been. */
static void who_was_away_never_learns_of_it(void **state)
{
    (void)state;
    the_thief_acts();
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write(&world, other, 2, CITY, "Chur");
    struct world_device *back = finder();
    repudiates(back);
    assert_true(world_sync(&world, back));
    all_agree();
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 0);
    assert_int_equal(rep->heard[SAT_NOTICE_REVOKED], 0);
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, rep, 2, CITY), "Chur");
}

/* What was handed in before waits for the admins, who let it in; then its author goes on behind it. */
static void what_was_handed_in_meanwhile_is_let_in(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    the_thief_acts();
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_REVOKED);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
    repudiates(finder());
    struct world_device *back = &world.devices[world.devices_n - 1];
    assert_true(world_sync(&world, back));
    scene_write(&world, rep, 1, ADDRESS, "Bahnhofplatz 1");
    (void)world_sync(&world, rep);
    assert_int_equal(scene_pending(rep), 2); /* both are kept */
    swap_first(back);
    order_decide(&world, SAT_ACCEPT_BUNDLE, rows);
    swap_first(back);
    assert_true(world_sync(&world, rep));
    all_agree();
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, admin, 1, ADDRESS), "Bahnhofplatz 1");
}

/* It knows that it is out, and has more to hand in: but it is in again, which it learns with the answer. */
static void who_hands_in_what_may_be_pushed_again_pushes_it(void **state)
{
    (void)state;
    the_thief_acts();
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_REVOKED);
    scene_write(&world, rep, 1, CITY, "Biel");
    repudiates(finder());
    assert_true(world_sync(&world, &world.devices[world.devices_n - 1]));
    assert_true(world_sync(&world, rep));
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 0);
    all_agree();
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "Biel");
}

static struct sat_wipe_receipt receipt;

static void as_wiped(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->mode = SAT_REPLICA_WIPED;
    config->key = NULL;
    config->receipt = receipt;
    config->hooks = (struct sat_replica_hooks){0};
}

/* It has obeyed by the time that the wipe is called off: it has no keys any more, but what was frozen it hands in. */
static void a_wipe_that_was_obeyed_still_hands_in(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    order_revoke(&world, rep);
    order_wipe(&world, rep);
    world_disconnect(&world, stolen);
    assert_false(world_sync(&world, rep)); /* is told, and freezes */
    assert_true(rep->told_wipe);
    const struct sat_device *own = sat_directory_device(directory(), scene_number(rep));
    receipt = (struct sat_wipe_receipt){.wipe_seq = own->wiped_seq, .time_ms = world.now_ms};
    sat_wipe_receipt_sign(&receipt, &directory()->org, own->number, &sat_keyring_secrets(rep->handle.keyring)->sign);
    repudiates(finder());
    assert_int_equal(sat_directory_device(directory(), scene_number(rep))->wiped_seq, 0);
    rep->tune = as_wiped;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_WIPED], 1);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 1);
}

/* All keys are the thief's and the true kit has none of them: who reads the spaces gives them to its holder. */
static void a_thief_who_replaced_the_kit_and_changed_the_keys_loses_both(void **state)
{
    (void)state;
    order_suspend(&world, admin, true);
    assert_true(world_append(&world, stolen, build_kit, NULL));
    for (uint32_t i = 0; i < 2; i++) order_rotate(&world, i);
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    world_disconnect(&world, stolen);
    repudiates(finder());
    struct world_device *back = &world.devices[world.devices_n - 1];
    (void)world_sync(&world, back);
    assert_string_not_equal(scene_shows(&world, back, 1, CITY), "Biel");
    (void)world_sync(&world, other); /* pays for what it reads */
    assert_true(world_sync(&world, back));
    assert_string_equal(scene_shows(&world, back, 1, CITY), "Biel");
    all_agree();
    assert_string_equal(scene_shows(&world, admin, 1, CITY), "Biel");
    assert_int_equal(directory()->kits_n, 3);
}

static void a_kit_that_was_replaced_for_too_long_is_not_heard(void **state)
{
    (void)state;
    order_suspend(&world, admin, true);
    assert_true(world_append(&world, stolen, build_kit, NULL));
    world_disconnect(&world, stolen);
    world.now_ms += SAT_KIT_RECLAIM_MS + 60 * 1000;
    struct world_device *late = finder();
    world_connect(&world, late);
    world_run(&world, late);
    assert_int_equal(late->last_err, SAT_ERR_DENIED);
}

/* Whoever comes later judges the whole log anew: what counted, what was late, and what counts again. */
static void a_newcomer_reads_what_everybody_has(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Biel");
    assert_true(world_sync(&world, rep));
    the_thief_acts();
    repudiates(finder());
    struct world_device *back = &world.devices[world.devices_n - 1];
    assert_true(world_sync(&world, back));
    scene_write(&world, rep, 2, CITY, "Thun");
    all_agree();
    world_crash_server(&world); /* which loads its directory anew */
    all_agree();
    swap_first(back);
    struct world_device *newcomer = world_join(&world, 3);
    swap_first(back);
    assert_true(scene_agrees(&world, newcomer));
    assert_string_equal(scene_shows(&world, newcomer, 1, CITY), "Biel");
    assert_string_equal(scene_shows(&world, newcomer, 2, CITY), "Thun");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_thief_shuts_everybody_out_and_the_kit_lets_them_in_again),
        STORY(who_was_away_never_learns_of_it),
        STORY(what_was_handed_in_meanwhile_is_let_in),
        STORY(who_hands_in_what_may_be_pushed_again_pushes_it),
        STORY(a_wipe_that_was_obeyed_still_hands_in),
        STORY(a_thief_who_replaced_the_kit_and_changed_the_keys_loses_both),
        STORY(a_kit_that_was_replaced_for_too_long_is_not_heard),
        STORY(a_newcomer_reads_what_everybody_has),
    };
#undef STORY
    return cmocka_run_group_tests_name("repudiation", tests, NULL, NULL);
}
