/* Directory links as sentences for people: "adds Nancy as rep". Names are from `people`, as they are now. */
#ifndef CLIENT_DESCRIBE_H
#define CLIENT_DESCRIBE_H

#include "client/handle.h"

/* What the link says, as the end of a sentence that its author begins. `before` is the directory that it extends;
 * `name`: of a user whom it makes, where `people` does not have it yet; NULL: it does. The arena owns the text. */
const char *client_describe_link(struct satchel *satchel, const struct sat_directory *before,
                                 const struct sat_link *link, const char *name, struct sat_arena *arena);
/* "Nancy (device 3)" */
const char *client_describe_device(struct satchel *satchel, uint32_t device, struct sat_arena *arena);

#endif
