/* The hub: the orgs that this server holds, each with a store, a host and guests of its own. It knows no sockets: peers
 * are numbers, what is to be done comes out as the engine's actions. One org's trouble stays its own, orgs are served
 * in turn, and of many orgs only those in use have their stores open. */
#ifndef SATD_HUB_H
#define SATD_HUB_H

#include "common/sync/host.h"
#include "server/disk.h"
#include "server/guest.h"
#include "server/identity.h"
#include "server/intake.h"
#include "server/quota.h"

struct satd_hub;
struct satd_org;

struct satd_hub_config {
    const struct satd_datadir *dir; /* borrowed, as all of these */
    const struct satd_identities *identities;
    struct sat_entropy entropy;
    struct satd_log *log;
    struct satd_metrics *metrics;
    struct satd_disk *disk;
    const struct satd_limits *limits;
};

/* Removes what a crash left of orgs that were being founded. The caller frees. */
struct satd_hub *satd_hub_new(const struct satd_hub_config *config);
void satd_hub_free(struct satd_hub *hub); /* closes the stores; NULL is fine */

/* The org with that id, opened on first use; the hub owns it, and closes it when it has no guests and its place is
 * needed. SAT_ERR_NOT_FOUND, SAT_ERR_BUSY (no place, or no room for one guest more), or the store's error. */
enum sat_err satd_hub_org(struct satd_hub *hub, const struct sat_hash *id, struct satd_org **out,
                          struct sat_fault *fault) SAT_MUST_CHECK;
/* The place of peers that come to found an org. */
struct satd_org *satd_hub_nursery(struct satd_hub *hub);
/* The hello for a peer that asks for an org which is not here. */
void satd_hub_greet(const struct satd_hub *hub, const struct sat_hash *org, const struct sat_event *opened,
                    struct sat_buf *out);
uint32_t satd_hub_orgs_open(const struct satd_hub *hub);

/* The identity by which the org greets a peer that says which one it knows: that, or else the one that the org trusts.
 */
const struct sat_sign_key *satd_org_identity(const struct satd_org *org, const uint8_t hint[8]);
struct satd_guest *satd_org_enter(struct satd_org *org, const struct sat_event *opened);
struct satd_account *satd_org_join(struct satd_org *org, uint32_t device); /* satd_quota_join() */
/* May this be given to the engine now? If so it is charged to the device's account (NULL: not known yet). */
struct satd_refusal satd_org_admit(struct satd_org *org, struct satd_account *device, const struct satd_said *said,
                                   size_t bytes);
/* The next frame for a peer, appended to `out`; nothing when there is none. An error means: close the peer. */
enum sat_err satd_org_frame(struct satd_org *org, uint64_t peer, uint64_t now_ms, struct sat_buf *out) SAT_MUST_CHECK;
/* Has the peer shown who it is? Its device; 0: the holder of an invite, or nobody yet. */
bool satd_org_knows(const struct satd_org *org, uint64_t peer, uint32_t *device);

struct satd_hub_calls {
    void *context;
    void (*deliver)(void *context, const struct sat_action *action);
    void (*heard)(void *context, uint64_t peer); /* something that the peer has said was in the batch */
};
/* Does anything wait for its turn? */
bool satd_hub_waits(const struct satd_hub *hub);
/* Steps the orgs whose guests have said something, each in one commit, beginning where the last round stopped, until
 * each had its turn or the round has lasted long enough; hands out each batch's actions after its commit, in order. */
void satd_hub_step(struct satd_hub *hub, const struct satd_hub_calls *calls);
/* When nothing waits: what is to be done in an org without anybody asking, of one org at a time. */
void satd_hub_maintain(struct satd_hub *hub, const struct satd_hub_calls *calls);

#endif
