/* Lies, made with the product's own encoders from true messages: a hostile member's bundle, a hostile server's entry,
 * head or hello. */
#ifndef TESTS_STORY_FORGE_H
#define TESTS_STORY_FORGE_H

#include "common/wire/message.h"
#include "tests/story/world.h"

struct forge {              /* one bundle in hand, in its full form, with its headers */
    struct sat_arena arena; /* owns all of it */
    struct sat_bundle bundle;
    struct sat_header *headers;
};

/* The author's oldest pending bundle in the space. */
void forge_pending(struct forge *forge, struct world_device *author, const struct sat_space_id *space);
/* The bundle of entry `seq` of the space's log on the server. */
void forge_stored(struct forge *forge, struct world *world, const struct sat_space_id *space, uint64_t seq);
void forge_deinit(struct forge *forge);
/* One dot, or several, as the forge's own. */
struct sat_dots forge_dots(struct forge *forge, const struct sat_dot *dots, uint32_t n);
/* Writes headers[index] into its change, whatever it says: no rule is checked. */
void forge_header(struct forge *forge, uint32_t index);
/* Makes hashes, id and signature fit what is in hand. */
void forge_sign(struct forge *forge, const struct sat_sign_key *key);

/* The device's own number for its subscription of a space. */
uint32_t forge_sub(const struct world_device *device, const struct sat_space_id *space);
/* Puts it on its way: from the author to the server; from the server to a reader, as entry `seq`, received and judged
 * as given. */
void forge_push(const struct forge *forge, struct world_device *author, const struct sat_space_id *space);
void forge_entry(const struct forge *forge, struct world_device *reader, const struct sat_space_id *space, uint64_t seq,
                 uint64_t recv_ms, uint64_t dir_at);
/* The same with an entry's bytes as they are. */
void forge_entry_bytes(struct world_device *reader, const struct sat_space_id *space, uint64_t seq,
                       struct sat_span item);
/* A head, signed by `key` unless that is NULL, in full. */
void forge_head(struct sat_head head, const struct sat_hash *org, const struct sat_sign_key *key,
                struct world_device *reader, const struct sat_space_id *space);
/* The head that the server would sign now. */
struct sat_head forge_true_head(struct world *world, const struct sat_space_id *space);
void forge_send(struct world_device *device, bool down, const struct sat_message *message);

/* Changes each message of one type on its way, in one direction: decodes it, lets `change` at it, encodes it again.
 * False: it is lost. */
struct forge_filter {
    enum sat_message_type type;
    bool (*change)(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                   struct sat_arena *arena);
    struct world *world;
    void *context;
    uint32_t met; /* how many so far */
};
void forge_filter_on(struct world_device *device, struct forge_filter *filter);

#endif
