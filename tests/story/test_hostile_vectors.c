/* Vectors that are not closed: a member replaces a change and leaves out what that one stood on. Each bundle is within
 * the bounds, and yet the stub of what it left out would have no live change that justifies it: the server would look
 * like one that hides it, and nobody could join any more. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/story/forge.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *liar, *victim; /* devices 2 and 3 */
static struct sat_dot dot_w;               /* the victim's change, which the lies are about */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 43, 1);
    liar = world_join(&world, 1);
    victim = world_join(&world, 1);
    dot_w = scene_dot(victim, scene_write(&world, victim, 1, NAME, "w"));
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static bool lose_pushes(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                        struct sat_arena *arena)
{
    (void)device;
    (void)message;
    (void)arena;
    return *(bool *)filter->context;
}

/* Two changes of the record, frozen in one bundle that has not been sent: x and y. */
static void hold_two(struct forge *forge)
{
    static bool pass;
    static struct forge_filter filter;
    filter = (struct forge_filter){.type = SAT_MESSAGE_PUSH, .change = lose_pushes, .context = &pass};
    pass = false;
    scene_write(&world, liar, 1, NAME, "x");
    scene_write(&world, liar, 1, NAME, "y");
    forge_filter_on(liar, &filter);
    world_connect(&world, liar);
    world_run(&world, liar);
    forge_pending(forge, liar, &world.spaces[0]);
    assert_int_equal(forge->bundle.manifest.count, 2);
    pass = true;
}

static void push(struct forge *forge)
{
    forge_header(forge, 0);
    forge_header(forge, 1);
    forge_sign(forge, &sat_keyring_secrets(liar->handle.keyring)->sign);
    liar->last_err = SAT_OK;
    forge_push(forge, liar, &world.spaces[0]);
    world_run(&world, liar);
    forge_deinit(forge);
}

static void is_refused_and_harms_nobody(const char *shown)
{
    struct world_device *newcomer = world_invite(&world, 1);
    assert_true(world_sync(&world, newcomer)); /* first of all: nobody is locked out */
    assert_true(scene_agrees(&world, newcomer));
    assert_string_equal(scene_shows(&world, newcomer, 1, NAME), shown);
    assert_int_equal(liar->last_err, SAT_ERR_BOUNDS);
}

/* x replaces w; y, in the same bundle, replaces x and says nothing of w. */
static void who_replaces_a_change_has_seen_what_it_had_seen(void **state)
{
    (void)state;
    struct forge forge;
    hold_two(&forge);
    struct sat_dot dot_x = {scene_number(liar), forge.bundle.manifest.first};
    forge.headers[0].seen = forge_dots(&forge, &dot_w, 1);
    forge.headers[1].seen = forge_dots(&forge, &dot_x, 1);
    push(&forge);
    is_refused_and_harms_nobody("w");
}

/* x replaces w; y replaces x and keeps w, which is not there any more. */
static void who_replaces_a_change_keeps_nothing_that_it_had_replaced(void **state)
{
    (void)state;
    struct forge forge;
    hold_two(&forge);
    struct sat_dot seen[] = {{scene_number(liar), forge.bundle.manifest.first}, dot_w};
    forge.headers[0].seen = forge_dots(&forge, &dot_w, 1);
    forge.headers[1].seen = forge_dots(&forge, seen, 2);
    forge.headers[1].kept = forge_dots(&forge, &dot_w, 1);
    push(&forge);
    is_refused_and_harms_nobody("w");
}

static void nor_calls_it_a_hole(void **state)
{
    (void)state;
    struct forge forge;
    hold_two(&forge);
    struct sat_dot seen[] = {{scene_number(liar), forge.bundle.manifest.first}, dot_w};
    forge.headers[0].seen = forge_dots(&forge, &dot_w, 1);
    forge.headers[1].seen = forge_dots(&forge, seen, 2);
    forge.headers[1].holes = forge_dots(&forge, &dot_w, 1);
    push(&forge);
    is_refused_and_harms_nobody("w");
}

/* The same in two bundles: x is honest and accepted, y comes later. */
static void a_bundle_of_its_own_helps_no_lie(void **state)
{
    (void)state;
    for (uint32_t variant = 0; variant < 3; variant++) {
        if (variant) begin(NULL);
        struct forge forge;
        scene_write(&world, liar, 1, NAME, "x0");
        assert_true(world_sync(&world, liar));
        struct sat_dot dot_x = scene_dot(liar, 1);
        hold_two(&forge);
        struct sat_dot seen[] = {dot_x, dot_w};
        forge.headers[0].seen = variant ? forge_dots(&forge, seen, 2) : forge_dots(&forge, &dot_x, 1);
        forge.headers[0].kept = variant == 1 ? forge_dots(&forge, &dot_w, 1) : (struct sat_dots){0};
        forge.headers[0].holes = variant == 2 ? forge_dots(&forge, &dot_w, 1) : (struct sat_dots){0};
        forge.headers[1].seen.n = forge.headers[1].kept.n = forge.headers[1].holes.n = 0;
        push(&forge);
        is_refused_and_harms_nobody("x0");
        if (variant < 2) end(NULL);
    }
}

/* What is honest passes: concurrent work whose author saw neither. */
static void who_saw_neither_replaces_neither(void **state)
{
    (void)state;
    struct forge forge;
    hold_two(&forge);
    forge.headers[0].seen.n = forge.headers[1].seen.n = 0;
    push(&forge);
    assert_string_equal(scene_base(&world, world.server_store, 1), "2.1 2.2 3.1");
}

/* ---- A server that was set back, and is given back what it once let in ---- */

static bool keep_back(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                      struct sat_arena *arena)
{
    const struct world_device *kept_back = filter->context;
    struct sat_bundle bundle;
    (void)device;
    assert_int_equal(sat_bundle_decode(message->as.RETURN.bundle, &sat_host_directory(world.host)->org,
                                       &world.spaces[0], arena, &bundle),
                     SAT_OK);
    return bundle.manifest.device != scene_number(kept_back);
}

/* z replaces x, which had replaced w; so y, which replaces x alone and keeps w, is let in beside z. Then the server is
 * set back to before both, and the member who has both gives y back without z. */
static void nor_does_who_gives_back_without_what_stood_before_it(void **state)
{
    (void)state;
    struct forge forge;
    struct world_device *third = world_join(&world, 1);
    scene_write(&world, liar, 1, NAME, "x0");
    assert_true(world_settle(&world, 4));
    struct sat_dot seen[] = {scene_dot(liar, 1), dot_w};
    world_backup(&world, 1);
    scene_write(&world, third, 1, NAME, "z");
    assert_true(world_sync(&world, third));
    hold_two(&forge);
    forge.headers[0].seen = forge_dots(&forge, seen, 2);
    forge.headers[0].kept = forge_dots(&forge, &dot_w, 1);
    forge.headers[1].seen.n = forge.headers[1].kept.n = forge.headers[1].holes.n = 0;
    push(&forge);
    assert_string_equal(scene_base(&world, world.server_store, 1), "2.2 2.3 4.1");
    assert_true(world_sync(&world, victim));

    world_restore(&world, 1, true);
    struct forge_filter filter = {.type = SAT_MESSAGE_RETURN, .change = keep_back, .context = third};
    forge_filter_on(victim, &filter);
    assert_false(world_sync(&world, victim));
    assert_true(world_confirm_restore(&world));
    struct world_device *newcomer = world_invite(&world, 1);
    assert_true(world_sync(&world, newcomer)); /* nobody is locked out */
    assert_true(scene_agrees(&world, newcomer));
    assert_string_equal(scene_shows(&world, newcomer, 1, NAME), "x0");

    victim->on_way = NULL;
    assert_true(world_sync(&world, victim)); /* z, and behind it y */
    assert_string_equal(scene_base(&world, world.server_store, 1), "2.2 2.3 4.1");
    assert_true(world_sync(&world, newcomer));
    assert_true(scene_agrees(&world, newcomer));
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(who_replaces_a_change_has_seen_what_it_had_seen),
        STORY(who_replaces_a_change_keeps_nothing_that_it_had_replaced),
        STORY(nor_calls_it_a_hole),
        STORY(a_bundle_of_its_own_helps_no_lie),
        STORY(who_saw_neither_replaces_neither),
        STORY(nor_does_who_gives_back_without_what_stood_before_it),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile vectors", tests, NULL, NULL);
}
