/* The inside of the world, shared by its files alone. */
#ifndef TESTS_STORY_WORLD_PARTS_H
#define TESTS_STORY_WORLD_PARTS_H

#include <stdlib.h>

#include "tests/story/world.h"

/* Checks as the stories need them: the world has no use for errors that are not the story's. */
#define must(call)                                                                                                     \
    do {                                                                                                               \
        enum sat_err must_err = (call);                                                                                \
        if (must_err) {                                                                                                \
            (void)fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call, sat_err_name(must_err));               \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* world.c */
void world_act(const struct world *world, const struct world_device *device); /* NULL: it is done */
struct world_device *world_new_device(struct world *world);
void world_save_keyring(struct world *world, struct world_device *device);
void world_open_keys(struct world_device *device);
uint32_t world_number_of(const struct world_device *device); /* as the directory knows it; 0: it has not joined */

/* world_files.c */
bool world_has_file(const char *path);
void world_remove_store(const char *path); /* with its log */
void world_copy_store(const char *from, const char *to);

/* world_people.c */
void world_found(struct world *world, uint32_t territories);
enum sat_err world_build_join(void *context, struct sat_arena *arena, struct sat_link_batch *out);
enum sat_err world_build_wish(void *context, struct sat_arena *arena, struct sat_link_batch *out);
enum sat_err world_wish_done(void *context);
/* Where orders may fail, one is given up for a key that is not here yet. */
void world_may_owe(struct world_wish *wish, enum sat_err err);

/* world_network.c */
/* Notes an error where disks may fail; elsewhere there is none. device NULL: the server's. */
void world_bear(struct world *world, struct world_device *device, enum sat_err err);
void world_clear(struct world_queue *queue);
void world_end_session(struct world *world, struct world_device *device);
void world_host_event(struct world *world, const struct sat_event *event);
void world_replica_actions(struct world *world, struct world_device *device, const struct sat_actions *actions);

#endif
