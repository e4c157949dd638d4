/* Links under construction: a batch of directory links with their boxes, each signed by this device and, where an admin
 * or a manager must answer for it, by the admin key that it has. Every link is tried on a copy of the directory before
 * it is sent, so that what cannot be accepted is refused here, with the reason.
 *
 * Where another admin has to sign as well, the recovery kit does if it is at hand; for its successor it always does.
 * Else the link becomes a proposal: it is the batch's last, stays here, and goes to the other admin as text
 * (proposal.h). */
#ifndef CLIENT_LINKS_H
#define CLIENT_LINKS_H

#include "client/handle.h"
#include "common/sync/replica.h"
#include "common/vault/kit.h"

#define CLIENT_LINKS_MAX SAT_LINKS_PER_APPEND_MAX

struct client_links {
    struct satchel *satchel;
    struct sat_arena *arena;
    struct sat_fault *fault;
    uint64_t now_ms;
    const struct sat_kit_keys *kit; /* the second signature, where one is due; NULL: not at hand */
    bool some_keys;                 /* a new kit gets those that are here, and the rest by their next epochs, if ever */
    struct sat_directory ahead;     /* with the batch's links applied */
    struct sat_link links[CLIENT_LINKS_MAX];
    uint32_t n;
    struct sat_box *boxes;
    uint32_t boxes_n, boxes_done; /* all; those of the links that are finished */
    bool proposes;                /* a link behind the last one lacks the second signature: links[n], with the boxes
                                     behind boxes_done */
};

/* Begins where the stored directory ends. The caller ends it, on failure too. */
enum sat_err client_links_begin(struct client_links *links, struct satchel *satchel, uint64_t now_ms,
                                struct sat_arena *arena, struct sat_fault *fault) SAT_MUST_CHECK;
void client_links_end(struct client_links *links);
/* Hands the batch over, without the proposal. The links live in the arena. */
void client_links_give(const struct client_links *links, struct sat_link_batch *out);

/* A link by this device; the body is copied. The author of a genesis is device 1. */
enum sat_err client_links_add(struct client_links *links, enum sat_link_type type,
                              const struct sat_buf *body) SAT_MUST_CHECK;
/* The join of an invite's holder. */
enum sat_err client_links_add_join(struct client_links *links, const struct sat_invite *invite,
                                   const struct sat_sign_key *invite_key, const struct sat_buf *body) SAT_MUST_CHECK;
/* A new index of this device, whose keys `candidate` has. */
enum sat_err client_links_add_reindex(struct client_links *links, const struct sat_keyring *candidate) SAT_MUST_CHECK;
/* May the recovery kit (links->kit) let an admin's new device in? Before all else: a kit that was replaced has no boxes
 * either. SAT_ERR_DENIED says what replaced it, and what is left to do. */
enum sat_err client_links_check_kit(const struct client_links *links, bool repudiates) SAT_MUST_CHECK;
/* An admin's new device, by that kit, which is replaced by it. */
enum sat_err client_links_add_recovery(struct client_links *links, const struct sat_body_kit *body) SAT_MUST_CHECK;
/* The same, by a kit that was in force once, and with what a thief's device did from a position on undone. */
enum sat_err client_links_add_repudiation(struct client_links *links,
                                          const struct sat_body_repudiate *body) SAT_MUST_CHECK;
/* A finished link that is signed already; `boxes` are copied. */
enum sat_err client_links_add_signed(struct client_links *links, const struct sat_link *link,
                                     const struct sat_box *boxes, uint32_t boxes_n) SAT_MUST_CHECK;

/* ---- With keys (links_keys.c) ---- */

/* A space and its first epoch, with a fresh key, which *key receives (a secret: wipe it). */
enum sat_err client_links_add_space(struct client_links *links, const struct sat_space_id *space,
                                    enum sat_space_kind kind, struct sat_epoch_key *key) SAT_MUST_CHECK;
/* The next epoch of a space that this device reads, for all who are due its key. Its own box comes from the server.
 * Where keys are here that no single one leads to, several epochs at once, from the last of which all are reached. */
enum sat_err client_links_add_epoch(struct client_links *links, const struct sat_space_id *space) SAT_MUST_CHECK;
/* *torn is set where keys that are here cannot be reached from the newest one of the space that is; else it stays. */
enum sat_err client_links_look_back(struct satchel *satchel, const struct sat_space_id *space,
                                    bool *torn) SAT_MUST_CHECK;
/* Is there room for an epoch of the space in this batch? In an empty one there always is. */
bool client_links_has_room(const struct client_links *links, const struct sat_space_id *space);
/* A grant with boxes of the current epoch for the user's devices and open invites, where he could not read before. */
enum sat_err client_links_add_grant(struct client_links *links, const struct sat_space_id *space, uint32_t user,
                                    uint8_t rights) SAT_MUST_CHECK;
/* An invite, with boxes of every space that the user reads where its role gets keys in advance. */
enum sat_err client_links_add_invite(struct client_links *links, struct sat_body_invite *body) SAT_MUST_CHECK;
/* A device is approved, with boxes of every space that its user reads; or, if it is already, that it was copied. */
enum sat_err client_links_add_approval(struct client_links *links, uint32_t device) SAT_MUST_CHECK;
/* A device is put out, with the cuts of its work as the logs stand here (admin_devices.c); or it and every active one
 * of its lineage. */
enum sat_err client_links_add_revoke(struct client_links *links, uint32_t device) SAT_MUST_CHECK;
enum sat_err client_links_add_revocation(struct client_links *links, uint32_t device) SAT_MUST_CHECK;
/* Boxes of every space's current epoch for a new kit, whose link is the next. SAT_ERR_DEBT: a key is not here, and not
 * links->some_keys. */
enum sat_err client_links_box_for_kit(struct client_links *links, const struct sat_public_key *kit_box,
                                      struct sat_boxes *out) SAT_MUST_CHECK;

/* For the replica's hook: epochs of those of the `n` spaces that still owe one and whose key is here. */
enum sat_err client_links_pay(struct satchel *satchel, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out) SAT_MUST_CHECK;

#endif
