/* What stories say over and over: who writes what into which record, what a device shows of it, and what is held where.
 * Everything happens in accounts of the world's first territory unless a function names another. */
#ifndef TESTS_STORY_SCENE_H
#define TESTS_STORY_SCENE_H

#include "tests/story/world.h"

enum { ACCOUNT = 1, NAME = 1, ADDRESS = 2, CITY = 3, TAGS = 7, DELETED = 0 };

/* A world of two reps of one territory, devices 2 and 3; both hold record 1, which `one` wrote. False: they do not
 * agree.
 */
bool scene_two_reps(struct world *world, uint64_t seed, struct world_device **one, struct world_device **other);

/* Texts that these give out live in a ring of their own: some dozens of calls may be compared with each other. */

/* Each commits one edit and gives the dot's counter, 0 if there was nothing to write. */
uint64_t scene_write(struct world *world, struct world_device *device, uint32_t record, uint16_t field,
                     const char *value);
uint64_t scene_write_both(struct world *world, struct world_device *device, uint32_t record, uint16_t field,
                          const char *value, uint16_t other_field, const char *other_value);
uint64_t scene_tag(struct world *world, struct world_device *device, uint32_t record, const char *element, bool in);
uint64_t scene_remove(struct world *world, struct world_device *device, uint32_t record);
uint64_t scene_write_in(struct world *world, struct world_device *device, const struct sat_space_id *space,
                        uint32_t record, uint16_t field, const char *value);

/* What a device shows of a field, its alternatives behind it: "Berlin|Bern". A deleted record begins with "deleted ".
 */
const char *scene_shows(struct world *world, struct world_device *device, uint32_t record, uint16_t field);
/* The elements in a set, in order: "cold,vip". */
const char *scene_tags(struct world *world, struct world_device *device, uint32_t record);
uint32_t scene_conflicts(struct world *world, struct world_device *device, uint32_t record);
/* The dots that are live in front of the device, what is pending with a star: "2.1 2.2*". */
const char *scene_live(struct world *world, struct world_device *device, uint32_t record);
/* A part of the header of the newest change that stands in front of the device: "2.1 3.4". */
const char *scene_seen(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot);
const char *scene_kept(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot);
const char *scene_holes(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot);
/* The live dots in a store's accepted base. */
const char *scene_base(struct world *world, struct sat_store *store, uint32_t record);

uint32_t scene_number(const struct world_device *device); /* under which the directory knows it */
struct sat_dot scene_dot(const struct world_device *device, uint64_t counter);
struct sat_space_row scene_space(struct sat_store *store, const struct sat_space_id *space);
struct sat_hash scene_digest(struct sat_store *store, const struct sat_space_id *space);
uint64_t scene_log_size(const struct world *world); /* of the territory, on the server */
/* Do the device and the server hold the same of the territory: log, digest, live changes? */
bool scene_agrees(struct world *world, struct world_device *device);
uint64_t scene_pending(struct world_device *device); /* bundles frozen and not accepted, refused ones included */
uint64_t scene_drafts(struct world_device *device);

/* Inspects the whole store, whoever's it is, and says what it finds; nothing may be wrong with it. */
void scene_assert_sound(struct sat_store *store);
/* Twenty rounds of the server's upkeep, a minute apart: collecting, forgetting and compacting what may be. */
void scene_maintain(struct world *world);
uint32_t scene_runs(struct sat_store *store, const struct sat_space_id *space); /* of its log, compacted */

/* Says each message of the device's as it passes: "2 > PUSH", "2 < HEAD". Not beside a mishap below. */
void scene_listen(struct world *world, struct world_device *device);

/* Damages the device's next push into the territory on its way, behind `skip` that pass: the server will refuse it for
 * good. Or loses it. In force until one push was met. */
void scene_damage_push(struct world *world, struct world_device *device, uint32_t skip);
void scene_lose_push(struct world *world, struct world_device *device, uint32_t skip);

/* Makes what the device holds of a change's body unreadable, as a missing key or a later suite would. */
void scene_spoil(struct world_device *device, struct sat_dot dot);
/* Forgets the hash of a change: no digest is right any more, and nothing here can mend it. */
void scene_forget_hash(struct world_device *device, struct sat_dot dot);

#endif
