/* Peers without an engine behind them: who says exactly what a story wants, signs what it wants, and hears what the
 * server says to that. Links are made upon the server's directory, by the first admin's device, and their key boxes
 * hold nothing that opens: the server cannot tell. */
#ifndef TESTS_STORY_RAW_H
#define TESTS_STORY_RAW_H

#include "common/wire/message.h"
#include "tests/story/world.h"

struct raw {
    struct world *world;
    uint64_t peer;
    struct sat_arena arena;  /* owns what was heard */
    struct raw_heard *heard; /* not taken yet, oldest first */
    struct sat_message hello;
    uint8_t client_nonce[32];
    bool writable, closed;
    enum sat_err err; /* what it was closed with */
};

void raw_open(struct raw *raw, struct world *world);
void raw_end(struct raw *raw); /* leaves, if it is still there */
void raw_say(struct raw *raw, const struct sat_message *message);
/* Each says one message, all in one batch of the server's. */
void raw_say_together(struct raw *const *raws, const struct sat_message *const *messages, uint32_t n);
/* Takes the next message of that type; NULL: there was none. Frames are fetched first. */
const struct sat_message *raw_hear(struct raw *raw, enum sat_message_type type);
uint64_t raw_hear_links(struct raw *raw); /* position of the last link that was sent; 0: none */

/* As a device that knows `dir_seq` links; as the holder of a kit. */
void raw_auth(struct raw *raw, const struct world_device *device, uint64_t dir_seq);
void raw_auth_kit(struct raw *raw, const struct sat_sign_key *kit);
/* Opens and authenticates, knowing all links. */
void raw_enter(struct raw *raw, struct world *world, const struct world_device *device);
void raw_subscribe(struct raw *raw, uint32_t sub, const struct sat_space_id *space);

/* ---- Bundles: one change in each, without a witness ---- */
struct raw_bundle {
    struct sat_bundle bundle;
    struct sat_change change;
    struct sat_buf bytes; /* its full form */
    uint8_t header[9];
};
/* The device's, behind `prev` (NULL: its first one), as of directory position dir_seq. */
void raw_bundle(struct raw_bundle *out, struct world *world, const struct world_device *device,
                const struct sat_space_id *space, uint64_t counter, const struct raw_bundle *prev, uint64_t dir_seq);
void raw_bundle_free(struct raw_bundle *bundle);
/* Each gives what the server says to it; SAT_OK: nothing, or that the log has it. A fault is the closing's error. */
enum sat_err raw_push(struct raw *raw, uint32_t sub, const struct raw_bundle *bundle);
enum sat_err raw_hand_in(struct raw *raw, const struct raw_bundle *bundle);

/* ---- Links ---- */
struct raw_links {
    struct world *world;
    struct sat_link at[SAT_LINKS_PER_APPEND_MAX];
    uint32_t n;
    struct sat_arena arena;
    struct sat_box *boxes;
    uint32_t boxes_n;
};
void raw_links_begin(struct raw_links *links, struct world *world);
void raw_links_end(struct raw_links *links);
/* Adds a link by `author`, signed by its device key and, if it has one and `admin`, its admin key. Its boxes have been
 * added before. */
void raw_links_add(struct raw_links *links, const struct world_device *author, bool admin, enum sat_link_type type,
                   const struct sat_buf *body);
/* Boxes for these recipients behind those that are there; the announcement for the link's body. */
struct sat_boxes raw_links_box(struct raw_links *links, const struct sat_space_id *space, uint32_t epoch,
                               const struct sat_recipient *recipients, uint32_t n);
void raw_links_revoke(struct raw_links *links, const struct world_device *author, bool admin, uint32_t device,
                      const struct sat_cut *cuts, uint16_t cuts_n);
void raw_links_wipe(struct raw_links *links, const struct world_device *author, uint32_t device);
void raw_links_user(struct raw_links *links, const struct world_device *author, uint32_t user, uint8_t role,
                    uint8_t state);
void raw_links_grant(struct raw_links *links, const struct world_device *author, const struct sat_space_id *space,
                     uint32_t user, uint8_t rights);
void raw_links_decide(struct raw_links *links, const struct world_device *author, enum sat_accept_what what,
                      uint32_t device, const struct sat_bundle *bundle);
/* The space's next epoch, for these recipients. */
void raw_links_epoch(struct raw_links *links, const struct world_device *author, const struct sat_space_id *space,
                     const struct sat_recipient *recipients, uint32_t n);
/* A device that joins by the code, with an admin key if `admin`, and is approved if it must be: without an engine. */
struct world_device *raw_join(struct world *world, const struct sat_invite_code *code, bool admin);
/* What the server says to the batch: SAT_OK, its links are in the directory. */
enum sat_err raw_append(struct raw *raw, const struct raw_links *links);
/* The APPEND alone; the arena owns its links. */
struct sat_message raw_append_message(const struct raw_links *links, struct sat_arena *arena);
/* Every tip of the device on the server, as the cuts of its revocation; how many. */
uint16_t raw_cuts(struct world *world, uint32_t device, struct sat_cut cuts[SAT_LINK_CUTS_MAX]);
/* Revokes the device by the first admin's, properly. */
void raw_revoke(struct world *world, uint32_t device);

#endif
