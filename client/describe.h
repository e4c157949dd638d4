/* Directory links as sentences for people: "adds Nancy as rep". Names are from `people`, as they are now. */
#ifndef CLIENT_DESCRIBE_H
#define CLIENT_DESCRIBE_H

#include <jansson.h>

#include "client/handle.h"

/* What the link says, as the end of a sentence that its author begins. `before` is the directory that it extends;
 * `name`: of a user whom it makes, where `people` does not have it yet; NULL: it does. The arena owns the text. */
const char *client_describe_link(struct satchel *satchel, const struct sat_directory *before,
                                 const struct sat_link *link, const char *name, struct sat_arena *arena);
/* Which recovery kit the link names, by its mark (kit.h); NULL: none. */
const char *client_describe_kit(const struct sat_link *link, struct sat_arena *arena);
/* What the repudiation at `seq`, the head of `after`, changed: an array of sentences, which the caller owns. */
json_t *client_describe_undone(struct satchel *satchel, const struct sat_directory *after, uint64_t seq,
                               struct sat_arena *arena);
/* "read and write"; of no rights: "read" */
const char *client_describe_rights(uint8_t rights);
/* A policy's name; "policy 9" if it is not known. */
const char *client_describe_policy(uint16_t key, struct sat_arena *arena);
/* "Nancy (device 3)" */
const char *client_describe_device(struct satchel *satchel, uint32_t device, struct sat_arena *arena);

#endif
