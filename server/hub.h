/* The hub: the orgs that this server holds, each with a store and a host of its own, and the events that wait for the
 * next step. It knows no sockets: peers are numbers, what is to be done comes out as the engine's actions. One org's
 * trouble stays its own. */
#ifndef SATD_HUB_H
#define SATD_HUB_H

#include "common/sync/host.h"
#include "server/datadir.h"
#include "server/log.h"

struct satd_hub;
struct satd_org;

struct satd_hub_config {
    const struct satd_datadir *dir;    /* borrowed, as all of these */
    const struct sat_sign_key *server; /* the identity key */
    struct sat_entropy entropy;
    struct satd_log *log;
};

/* Removes what a crash left of orgs that were being founded. The caller frees. */
struct satd_hub *satd_hub_new(const struct satd_hub_config *config);
void satd_hub_free(struct satd_hub *hub); /* closes the stores; NULL is fine */

/* The org with that id, opened on first use; the hub owns it. SAT_ERR_NOT_FOUND, or the store's error. */
enum sat_err satd_hub_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org **out,
                          struct sat_fault *fault) SAT_MUST_CHECK;
/* The place of peers that come to found an org. */
struct satd_org *satd_hub_nursery(struct satd_hub *hub);

/* Puts an event into the next batch of its org; the bytes are copied. */
void satd_org_add(struct satd_org *org, const struct sat_event *event);
/* Does anything wait? Is it so much that a step must come before more is read? */
bool satd_hub_waiting(const struct satd_hub *hub);
bool satd_hub_full(const struct satd_hub *hub);

typedef void satd_deliver(void *context, const struct sat_action *action);
/* Steps every org that has events, each in one commit, and hands out its actions after it, in order. What is added
 * meanwhile waits for the next step. */
void satd_hub_step(struct satd_hub *hub, uint64_t now_ms, satd_deliver *deliver, void *context);

/* The next frame for a peer, appended to `out`; nothing when there is none. An error means: close the peer. */
enum sat_err satd_org_frame(struct satd_org *org, uint64_t peer, uint64_t now_ms, struct sat_buf *out) SAT_MUST_CHECK;
/* Has the peer shown who it is? */
bool satd_org_knows(const struct satd_org *org, uint64_t peer);

#endif
