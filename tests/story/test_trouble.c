/* Stories of trouble that is nobody's malice: stores that fail, work that is large, orgs that are. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 59, 2);
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* ---- Disks that are full ---- */

static void a_server_that_cannot_write_promises_nothing_and_goes_on(void **state)
{
    (void)state;
    world_connect(&world, b);
    world_run(&world, b);
    scene_write(&world, a, 1, CITY, "Bern");
    world.trouble = WORLD_SERVER_TROUBLE;
    assert_false(world_sync(&world, a));
    assert_true(sat_err_is_local(world.last_trouble));
    assert_int_equal(a->last_err, SAT_ERR_BUSY);
    assert_int_equal(scene_pending(a), 1);
    world_run(&world, b);
    assert_null(b->replica); /* all are told to come back: what the host had in memory is not to be trusted */
    world.trouble = WORLD_NO_TROUBLE;
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
}

static void a_server_that_cannot_write_a_link_has_not_got_it(void **state)
{
    (void)state;
    struct world_device *late = world_invite(&world, 1);
    uint64_t seq = sat_host_directory(world.host)->seq;
    world.trouble = WORLD_SERVER_TROUBLE;
    assert_false(world_sync(&world, late));
    assert_int_equal(sat_host_directory(world.host)->seq, seq);
    world.trouble = WORLD_NO_TROUBLE;
    assert_true(world_sync(&world, late));
    assert_int_equal(sat_host_directory(world.host)->seq, seq + 1);
}

static void a_device_that_cannot_write_has_learnt_nothing(void **state)
{
    (void)state;
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    (void)world_make_invite(&world, SAT_ROLE_REP, 1); /* links for it to learn, too */
    uint64_t seq = b->handle.directory.seq;
    world.trouble = WORLD_DEVICE_TROUBLE;
    assert_false(world_sync(&world, b));
    assert_true(sat_err_is_local(world.last_trouble));
    assert_int_equal(b->handle.directory.seq, seq);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "");
    world.trouble = WORLD_NO_TROUBLE;
    assert_true(world_sync(&world, b));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
}

/* ---- What is large ---- */

/* Text that does not compress. */
static char *noise(size_t len)
{
    static char text[SAT_VALUE_BYTES_MAX + 1];
    sat_entropy_fill(&world.dice, text, len);
    for (size_t i = 0; i < len; i++) text[i] = (char)('!' + (uint8_t)text[i] % 90);
    text[len] = 0;
    return text;
}

static void the_largest_values_travel_also_in_the_long_form(void **state)
{
    (void)state;
    enum { RECORDS = 12, NOTES = 8 };
    for (uint32_t i = 0; i < RECORDS; i++) {
        assert_true(scene_write(&world, a, i, NOTES, noise(SAT_VALUE_BYTES_MAX)) > 0);
        if (i == 2) scene_write_in(&world, a, &world.spaces[0], 50, CITY, "Bern");
    }
    scene_damage_push(&world, a, 0);
    assert_true(world_sync(&world, a)); /* refused for good, and what follows is written again */
    assert_int_equal(a->last_err, SAT_ERR_TAMPERED);
    struct sat_arena arena;
    struct sat_aside_row *refused;
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_aside_list(a->handle.store, 0, 2, &arena, &refused, &n), SAT_OK);
    assert_int_equal(n, 1);
    uint64_t left = RECORDS + 1 - refused[0].count;
    sat_arena_deinit(&arena);
    for (uint32_t i = 0; i < RECORDS; i++)
        assert_true(scene_write(&world, b, 100 + i, NOTES, noise(SAT_VALUE_BYTES_MAX)) > 0);
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 200, NOTES, noise(SAT_VALUE_BYTES_MAX));
    scene_write(&world, b, 201, NOTES, noise(SAT_VALUE_BYTES_MAX));
    scene_write(&world, b, 202, NOTES, noise(SAT_VALUE_BYTES_MAX));
    scene_write(&world, b, 203, NOTES, noise(SAT_VALUE_BYTES_MAX));
    assert_true(world_sync(&world, b));
    struct world_device *late = world_join(&world, 1);
    assert_true(scene_agrees(&world, late));
    assert_int_equal(scene_space(late->handle.store, &world.spaces[0]).live, left + RECORDS + 4);
}

static void add_users(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf body;
    sat_buf_init(&body);
    for (uint32_t i = 0; i < CLIENT_LINKS_MAX; i++) {
        sat_buf_clear(&body);
        sat_body_user_encode(
            &(struct sat_body_user){.user = links->ahead.users_n + 1, .role = SAT_ROLE_REP, .state = 1}, &body);
        assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    }
    sat_buf_deinit(&body);
}

static void a_directory_of_many_links_comes_in_several_messages(void **state)
{
    (void)state;
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    for (uint32_t i = 0; i < 25; i++) assert_true(world_append(&world, &world.devices[0], add_users, NULL));
    struct world_device *late = world_join(&world, 1);
    assert_true(late->handle.directory.seq > 400);
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Bern");
    assert_true(world_sync(&world, b));
}

/* A log of many small bundles, read from its beginning and from its middle. */
static void a_long_log_comes_in_several_messages(void **state)
{
    (void)state;
    char value[16];
    world_connect(&world, a);
    for (uint32_t i = 0; i < 300; i++) {
        (void)snprintf(value, sizeof value, "v%u", i);
        scene_write(&world, a, i % 40, CITY, value);
        world_run(&world, a);
        if (i == 100) assert_true(world_sync(&world, b));
    }
    assert_int_equal(scene_log_size(&world), 300);
    assert_true(world_sync(&world, b));
    struct world_device *late = world_join(&world, 1);
    assert_true(scene_agrees(&world, late) && scene_agrees(&world, b));
    assert_string_equal(scene_shows(&world, late, 19, CITY), "v299");
    assert_string_equal(scene_shows(&world, late, 20, CITY), "v260");
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_server_that_cannot_write_promises_nothing_and_goes_on),
        STORY(a_server_that_cannot_write_a_link_has_not_got_it),
        STORY(a_device_that_cannot_write_has_learnt_nothing),
        STORY(the_largest_values_travel_also_in_the_long_form),
        STORY(a_directory_of_many_links_comes_in_several_messages),
        STORY(a_long_log_comes_in_several_messages),
    };
#undef STORY
    return cmocka_run_group_tests_name("trouble", tests, NULL, NULL);
}
