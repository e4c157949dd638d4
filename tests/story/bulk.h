/* Records as a busy team makes them, about 300 bytes of JSON each: five types, references, notes in English and
 * Chinese. The words are not those that the compression dictionary was trained on, so that what they take on the wire
 * is what other people's words take. */
#ifndef TESTS_STORY_BULK_H
#define TESTS_STORY_BULK_H

#include "tests/story/world.h"

/* The edit that creates record `number` in the space with this sid; the arena owns what it says. */
struct sat_edit bulk_record(struct world *world, int64_t sid, uint32_t number, struct sat_arena *arena);
/* How long the record is as a line for `satchel put --stdin`: {"type":…,"id":…,"fields":{…}}, without blanks. */
size_t bulk_json_bytes(const struct sat_edit *edit);

#endif
