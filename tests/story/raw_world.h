/* A world of an admin and two reps in two territories, with the first rep's bundles made by hand: what the tests of a
 * server that is spoken to by hand begin with. Each of them is a program of its own, and defines it by including this.
 */
#ifndef TESTS_STORY_RAW_WORLD_H
#define TESTS_STORY_RAW_WORLD_H

#include "tests/story/raw.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(73, 2);
    return 0;
}

static uint64_t escrowed(void)
{
    uint64_t open;
    assert_int_equal(sat_store_aside_count(world.server_store, &open), SAT_OK);
    return open;
}

/* The rep's first two bundles, in the log, and two more that he has not pushed. */
static struct raw_bundle made[4];

static void write_two(void)
{
    struct raw raw;
    for (uint32_t i = 0; i < 4; i++) raw_bundle(&made[i], &world, rep, space(), 1 + i, i ? &made[i - 1] : NULL, head());
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, space());
    for (uint32_t i = 0; i < 2; i++) assert_int_equal(raw_push(&raw, 1, &made[i]), SAT_OK);
    raw_end(&raw);
    assert_int_equal(scene_log_size(&world), 2);
}

static void forget(void)
{
    for (uint32_t i = 0; i < 4; i++) raw_bundle_free(&made[i]);
}

static enum sat_err append(const struct world_device *author, const struct raw_links *links)
{
    struct raw raw;
    raw_enter(&raw, &world, author);
    enum sat_err err = raw_append(&raw, links);
    raw_end(&raw);
    return err;
}

static void suspend(uint32_t user, bool back)
{
    struct raw_links links;
    raw_links_begin(&links, &world);
    raw_links_user(&links, admin, user, SAT_ROLE_REP, back ? 1 : 2);
    assert_int_equal(append(admin, &links), SAT_OK);
    raw_links_end(&links);
}

#endif
