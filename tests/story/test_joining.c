/* Stories of joining: interrupted anywhere, an invite used twice or too late, races for it and for the directory, a
 * territory that comes later. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "tests/story/scene.h"

static const uint64_t DAY = 86400ull * 1000;

static struct world world;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 29, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* Something to find in the territory for who joins. */
static void furnish(void)
{
    struct world_device *admin = &world.devices[0];
    scene_write(&world, admin, 1, CITY, "Bern");
    scene_write(&world, admin, 2, CITY, "Basel");
    assert_true(world_sync(&world, admin));
}

static void has_joined(struct world_device *device)
{
    assert_true(device->joined);
    assert_true(scene_agrees(&world, device));
    assert_string_equal(scene_shows(&world, device, 1, CITY), "Bern");
    scene_write(&world, device, 3, CITY, "Biel");
    assert_true(world_sync(&world, device));
    assert_string_equal(scene_base(&world, world.server_store, 3), "2.1");
}

/* ---- Interruptions ---- */

enum cut { BROKEN_LINE, DEAD_DEVICE, DEAD_SERVER };

static void interrupt(struct world_device *device, enum cut cut)
{
    if (cut == BROKEN_LINE) world_disconnect(&world, device);
    if (cut == DEAD_DEVICE) world_crash_device(&world, device);
    if (cut == DEAD_SERVER) world_crash_server(&world);
}

/* The join and the first sync, cut after `messages`; false when there were not so many. */
static bool join_with_a_cut(uint32_t messages, enum cut cut)
{
    world_init(&world, 31, 1);
    furnish();
    struct world_device *device = world_invite(&world, 1);
    bool cut_off = false;
    uint32_t left = messages;
    for (uint32_t session = 0; session < 2 && !cut_off; session++) { /* as the holder of the invite; as a device */
        world_connect(&world, device);
        while (left > 0 && world_deliver(&world, device, WORLD_NO_FAULT)) left--;
        cut_off = left == 0;
        if (!cut_off) world_disconnect(&world, device);
    }
    if (cut_off) interrupt(device, cut);
    assert_true(world_sync(&world, device));
    has_joined(device);
    assert_int_equal(sat_host_directory(world.host)->devices_n, 2); /* one device, however often it began */
    world_deinit(&world);
    return cut_off;
}

static uint32_t cut_everywhere(enum cut cut)
{
    uint32_t messages = 0;
    while (join_with_a_cut(messages, cut)) messages++;
    return messages;
}

static void a_join_that_is_cut_off_anywhere_goes_on(void **state)
{
    (void)state;
    uint32_t messages = cut_everywhere(BROKEN_LINE);
    print_message("a join and a first sync, cut after each of %u messages\n", messages);
    assert_true(messages >= 12);
}

static void a_join_survives_the_death_of_the_device_anywhere(void **state)
{
    (void)state;
    assert_true(cut_everywhere(DEAD_DEVICE) >= 12);
}

static void a_join_survives_the_death_of_the_server_anywhere(void **state)
{
    (void)state;
    assert_true(cut_everywhere(DEAD_SERVER) >= 12);
}

/* ---- Invites that do not hold ---- */

static void a_used_invite_is_refused(void **state)
{
    (void)state;
    furnish();
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    struct world_device *first = world_holder(&world, &code, false), *second = world_holder(&world, &code, false);
    assert_true(world_sync(&world, first));
    has_joined(first);
    assert_false(world_sync(&world, second));
    assert_int_equal(second->last_err, SAT_ERR_INVITE_USED);
    assert_false(second->joined);
    assert_int_equal(sat_host_directory(world.host)->devices_n, 2);
}

static void an_expired_invite_is_refused(void **state)
{
    (void)state;
    struct world_device *late = world_invite(&world, 1);
    world.now_ms += 7 * DAY + 1000;
    assert_false(world_sync(&world, late));
    assert_int_equal(late->last_err, SAT_ERR_INVITE_EXPIRED);
    assert_int_equal(sat_host_directory(world.host)->devices_n, 1);
}

/* Its own clock does not help it. */
static void an_expired_invite_is_refused_to_a_phone_in_the_past(void **state)
{
    (void)state;
    struct world_device *late = world_invite(&world, 1);
    late->clock_ms = -(int64_t)(30 * DAY);
    world.now_ms += 7 * DAY + 1000;
    assert_false(world_sync(&world, late));
    assert_int_equal(late->last_err, SAT_ERR_INVITE_EXPIRED);
}

static void cancel(struct world_wish *wish, struct client_links *links)
{
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_invite_cancel_encode(&(struct sat_body_invite_cancel){.invite = *(struct sat_hash *)wish->context}, &body);
    assert_int_equal(client_links_add(links, SAT_LINK_INVITE_CANCEL, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static void a_cancelled_invite_is_refused_at_the_door(void **state)
{
    (void)state;
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    struct sat_invite_keys keys;
    sat_invite_keys_derive(&code, &keys);
    struct sat_hash id = sat_invite_id(&keys.sign_public, &keys.box_public);
    assert_true(world_append(&world, &world.devices[0], cancel, &id));
    struct world_device *holder = world_holder(&world, &code, false);
    assert_false(world_sync(&world, holder));
    assert_int_equal(holder->last_err, SAT_ERR_INVITE_EXPIRED);
    assert_int_equal(holder->handle.directory.seq, 0); /* it did not even see the directory */
}

static void a_code_that_nobody_made_is_refused(void **state)
{
    (void)state;
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    code.secret[3] ^= 1;
    struct world_device *guesser = world_holder(&world, &code, false);
    assert_false(world_sync(&world, guesser));
    assert_int_equal(guesser->last_err, SAT_ERR_DENIED);
}

/* ---- Races ---- */

/* Each device in turn gets one message, until nothing moves. */
static void run_both(struct world_device *one, struct world_device *other)
{
    for (bool moved = true; moved;) {
        moved = world_deliver(&world, one, WORLD_NO_FAULT);
        moved = world_deliver(&world, other, WORLD_NO_FAULT) || moved;
    }
}

static void of_two_devices_that_race_for_an_invite_one_joins(void **state)
{
    (void)state;
    furnish();
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 1);
    struct world_device *one = world_holder(&world, &code, false), *other = world_holder(&world, &code, false);
    world_connect(&world, one);
    world_connect(&world, other);
    run_both(one, other);
    world_disconnect(&world, one);
    world_disconnect(&world, other);
    bool first_won = world_sync(&world, one), second_won = world_sync(&world, other);
    assert_int_equal(first_won + second_won, 1);
    struct world_device *winner = first_won ? one : other, *loser = first_won ? other : one;
    has_joined(winner);
    assert_int_equal(loser->last_err, SAT_ERR_INVITE_USED);
    assert_int_equal(sat_host_directory(world.host)->devices_n, 2);
}

static void add_user(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_user_encode(&(struct sat_body_user){.user = links->ahead.users_n + 1, .role = SAT_ROLE_REP, .state = 1},
                         &body);
    assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static void approve(struct world_wish *wish, struct client_links *links)
{
    assert_int_equal(client_links_add_approval(links, scene_number(wish->context)), SAT_OK);
}

/* Joins by an invite, and counts once the first one has approved the device. */
static struct world_device *second_admin(void)
{
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_ADMIN, 0);
    struct world_device *device = world_holder(&world, &code, true);
    assert_false(world_sync(&world, device)); /* it waits for approval */
    assert_true(device->idle);
    assert_true(world_append(&world, &world.devices[0], approve, device));
    assert_true(world_sync(&world, device));
    assert_true(world_sync(&world, &world.devices[0]));
    return device;
}

/* Two admins append at once. The one who is second is told that he is stale, sees the other's links and tries again,
 * whether these come before the refusal or behind it. */
static void race(bool links_first)
{
    struct world_device *one = &world.devices[0], *other = second_admin();
    uint64_t seq = sat_host_directory(world.host)->seq;
    struct world_wish wishes[] = {{.world = &world, .build = add_user}, {.world = &world, .build = add_user}};
    one->wish = &wishes[0];
    other->wish = &wishes[1];
    world_connect(&world, one);
    assert_true(world_hand_over(&world, one, true)); /* the hello; now AUTH and APPEND wait in the line */
    assert_int_equal(one->up.n, 2);
    world_connect(&world, other);
    world_run(&world, other);
    assert_true(wishes[1].done);
    assert_true(world_hand_over(&world, one, false));
    while (links_first && world_hand_over(&world, one, true)) continue;
    assert_int_equal(one->handle.directory.seq, links_first ? seq + 1 : seq);
    assert_true(world_hand_over(&world, one, false)); /* the APPEND: too late */
    world_run(&world, one);
    assert_true(wishes[0].done);
    assert_true(sat_replica_in_sync(one->replica));
    one->wish = other->wish = NULL;
    world_disconnect(&world, one);
    world_disconnect(&world, other);
    assert_int_equal(sat_host_directory(world.host)->seq, seq + 2);
    assert_true(world_sync(&world, other));
}

static void of_two_admins_who_append_at_once_the_second_tries_again(void **state)
{
    (void)state;
    race(false);
}

static void so_he_does_when_the_others_links_come_before_the_refusal(void **state)
{
    (void)state;
    race(true);
}

static void a_join_and_an_admin_race_for_the_directory(void **state)
{
    (void)state;
    furnish();
    struct world_device *admin = &world.devices[0], *device = world_invite(&world, 1);
    uint32_t users = sat_host_directory(world.host)->users_n;
    struct world_wish wish = {.world = &world, .build = add_user};
    admin->wish = &wish;
    world_connect(&world, admin);
    world_connect(&world, device);
    run_both(admin, device);
    admin->wish = NULL;
    assert_true(wish.done);
    world_disconnect(&world, device);
    assert_true(world_sync(&world, device));
    has_joined(device);
    assert_int_equal(sat_host_directory(world.host)->users_n, users + 1);
}

/* ---- A territory that comes later ---- */

static void grant_second_territory(struct world_wish *wish, struct client_links *links)
{
    const struct world_device *device = wish->context;
    uint32_t user = sat_directory_device(&links->ahead, scene_number(device))->user;
    assert_int_equal(client_links_add_grant(links, &world.spaces[1], user, SAT_RIGHT_READ | SAT_RIGHT_WRITE), SAT_OK);
}

static const char *shows_in_second(struct world_device *device, uint32_t record)
{
    static char text[64];
    struct sat_arena arena;
    struct sat_record_view view;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    world_load(device, &world.spaces[1], &id, &arena, &view);
    const struct sat_merged *cell = sat_merged_cell(&view.merged, CITY, (struct sat_span){0});
    struct sat_span value = cell ? cell->value.text : (struct sat_span){0};
    (void)snprintf(text, sizeof text, "%.*s", (int)value.len, (const char *)value.at);
    sat_arena_deinit(&arena);
    return text;
}

static void a_territory_that_is_granted_later_brings_its_key_and_its_records(void **state)
{
    (void)state;
    struct world_device *admin = &world.devices[0];
    furnish();
    struct world_device *device = world_join(&world, 1);
    scene_write_in(&world, admin, &world.spaces[1], 7, CITY, "Chur");
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, device));
    assert_string_equal(shows_in_second(device, 7), "");
    assert_true(world_append(&world, admin, grant_second_territory, device));
    assert_true(world_sync(&world, device));
    assert_string_equal(shows_in_second(device, 7), "Chur");
    scene_write_in(&world, device, &world.spaces[1], 7, CITY, "Cham");
    assert_true(world_sync(&world, device));
    assert_true(world_sync(&world, admin));
    assert_string_equal(shows_in_second(admin, 7), "Cham");
}

static void it_comes_in_the_middle_of_a_session_as_well(void **state)
{
    (void)state;
    struct world_device *admin = &world.devices[0];
    furnish();
    struct world_device *device = world_join(&world, 1);
    scene_write_in(&world, admin, &world.spaces[1], 7, CITY, "Chur");
    assert_true(world_sync(&world, admin));
    world_connect(&world, device);
    world_run(&world, device);
    assert_true(world_append(&world, admin, grant_second_territory, device));
    world_run(&world, device);
    assert_true(sat_replica_in_sync(device->replica));
    assert_string_equal(shows_in_second(device, 7), "Chur");
}

/* What was written into a territory before the key came waits as a draft, and goes with the key. */
static void work_for_a_territory_whose_key_is_not_here_yet_waits(void **state)
{
    (void)state;
    struct world_device *admin = &world.devices[0];
    furnish();
    struct world_device *device = world_join(&world, 1);
    scene_write_in(&world, device, &world.spaces[1], 8, CITY, "Cham");
    assert_false(world_sync(&world, device));
    assert_true(device->idle);
    assert_int_equal(scene_drafts(device), 1);
    assert_true(world_append(&world, admin, grant_second_territory, device));
    assert_true(world_sync(&world, device));
    assert_int_equal(scene_drafts(device), 0);
    assert_true(world_sync(&world, admin));
    assert_string_equal(shows_in_second(admin, 8), "Cham");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_that_is_cut_off_anywhere_goes_on),
        cmocka_unit_test(a_join_survives_the_death_of_the_device_anywhere),
        cmocka_unit_test(a_join_survives_the_death_of_the_server_anywhere),
        STORY(a_used_invite_is_refused),
        STORY(an_expired_invite_is_refused),
        STORY(an_expired_invite_is_refused_to_a_phone_in_the_past),
        STORY(a_cancelled_invite_is_refused_at_the_door),
        STORY(a_code_that_nobody_made_is_refused),
        STORY(of_two_devices_that_race_for_an_invite_one_joins),
        STORY(of_two_admins_who_append_at_once_the_second_tries_again),
        STORY(so_he_does_when_the_others_links_come_before_the_refusal),
        STORY(a_join_and_an_admin_race_for_the_directory),
        STORY(a_territory_that_is_granted_later_brings_its_key_and_its_records),
        STORY(it_comes_in_the_middle_of_a_session_as_well),
        STORY(work_for_a_territory_whose_key_is_not_here_yet_waits),
    };
#undef STORY
    return cmocka_run_group_tests_name("joining", tests, NULL, NULL);
}
