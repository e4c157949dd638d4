/* Links under construction: a batch of directory links with their boxes, each signed by this device and, as all
 * but joins need an admin, by the admin's key. Every link is tried on a copy of the directory before it is sent,
 * so that what cannot be accepted is refused here, with the reason. */
#ifndef CLIENT_LINKS_H
#define CLIENT_LINKS_H

#include "client/handle.h"
#include "common/sync/replica.h"

#define CLIENT_LINKS_MAX 16 /* of one batch, as the protocol has it */

struct client_links {
    struct satchel *satchel;
    struct sat_arena *arena;
    struct sat_fault *fault;
    uint64_t now_ms;
    struct sat_directory ahead; /* with the batch's links applied */
    struct sat_link links[CLIENT_LINKS_MAX];
    uint32_t n;
    struct sat_box *boxes;
    uint32_t boxes_n;
};

/* Begins where the stored directory ends. The caller ends it, on failure too. */
enum sat_err client_links_begin(struct client_links *links, struct satchel *satchel, uint64_t now_ms,
                                struct sat_arena *arena, struct sat_fault *fault) SAT_MUST_CHECK;
void client_links_end(struct client_links *links);
/* Hands the batch over. The links live in the arena. */
void client_links_give(const struct client_links *links, struct sat_link_batch *out);

/* A link by this device, as an admin's; the body is copied. The author of a genesis is device 1. */
enum sat_err client_links_add(struct client_links *links, enum sat_link_type type,
                              const struct sat_buf *body) SAT_MUST_CHECK;
/* The join of an invite's holder. */
enum sat_err client_links_add_join(struct client_links *links, const struct sat_invite *invite,
                                   const struct sat_sign_key *invite_key, const struct sat_buf *body) SAT_MUST_CHECK;
/* A space and its first epoch, with a fresh key, which *key receives (a secret: wipe it). */
enum sat_err client_links_add_space(struct client_links *links, const struct sat_space_id *space,
                                    enum sat_space_kind kind, struct sat_epoch_key *key) SAT_MUST_CHECK;
/* A grant with boxes of the current epoch for the user's devices and open invites, where he could not read before. */
enum sat_err client_links_add_grant(struct client_links *links, const struct sat_space_id *space, uint32_t user,
                                    uint8_t rights) SAT_MUST_CHECK;
/* An invite with boxes of every space that the user reads. */
enum sat_err client_links_add_invite(struct client_links *links, struct sat_body_invite *body) SAT_MUST_CHECK;

#endif
