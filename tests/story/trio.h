/* A world of an admin and two reps, with what is said of the three over and over. Each story that begins so is a
 * program of its own, and defines it by including this. */
#ifndef TESTS_STORY_TRIO_H
#define TESTS_STORY_TRIO_H

#include "tests/story/scene.h"

static struct world world;
static struct world_device *admin, *rep, *other; /* the reps are devices 2 and 3, of users 2 and 3 */

/* The reps have a part in each of the territories. */
static inline void trio_begin(uint64_t seed, uint32_t territories)
{
    world_init(&world, seed, territories);
    admin = &world.devices[0];
    rep = world_join(&world, (1U << territories) - 1);
    other = world_join(&world, (1U << territories) - 1);
}

static inline int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static inline const struct sat_space_id *space(void)
{
    return &world.spaces[0];
}

static inline uint64_t head(void)
{
    return sat_host_directory(world.host)->seq;
}

/* Everybody syncs until nothing is left to say, and then holds the same. */
static inline void settle(void)
{
    if (!world_settle(&world, 6))
        fail_msg("%s %s %s", sat_err_name(admin->last_err), sat_err_name(rep->last_err), sat_err_name(other->last_err));
    for (uint32_t i = 0; i < world.devices_n; i++) assert_true(scene_agrees(&world, &world.devices[i]));
}

/* Everybody holds the same, and shows it without a conflict. */
static inline void all_show(uint32_t record, uint16_t field, const char *value)
{
    for (uint32_t i = 0; i < world.devices_n; i++) {
        struct world_device *device = &world.devices[i];
        assert_string_equal(scene_shows(&world, device, record, field), value);
        assert_int_equal(scene_conflicts(&world, device, record), 0);
        assert_true(scene_agrees(&world, device));
    }
}

/* Those who are there sync, and then say that they have seen it: the second rep is not. */
static inline void sync_without_other(void)
{
    for (int i = 0; i < 2; i++) {
        assert_true(world_sync(&world, rep));
        assert_true(world_sync(&world, admin));
    }
}

#endif
