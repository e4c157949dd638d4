/* The server's role: one org, its store, its directory, and the peers that talk to it. Blind: it verifies, orders and
 * merges what it cannot read. */
#ifndef SAT_SYNC_HOST_H
#define SAT_SYNC_HOST_H

#include "common/proof/directory.h"
#include "common/proof/entropy.h"
#include "common/store/store.h"
#include "common/sync/step.h"

/* In the store's meta: it was put back from a backup made then (ms), and nobody has served from it since. */
#define SAT_RESTORED_KEY "restored"

struct sat_host;

struct sat_host_config {
    struct sat_store *store;           /* borrowed, for as long as the host lives */
    const struct sat_sign_key *server; /* the identity key; borrowed */
    const struct sat_sign_key *former; /* identities that this server has too, former or coming ones; borrowed */
    uint32_t former_n;
    struct sat_entropy entropy;
    uint64_t collect_every_ms; /* at most one collection of a space in this time; 0: none (sync/collect.h) */
    uint64_t collect_after_ms; /* no deletion is collected that has come more recently */
};

struct sat_host_counts { /* since the host was made; for logs and metrics */
    uint64_t bundles, changes, refused, links, commits;
    uint64_t ranges, mended; /* asked about, as digests differed; records and sums that were wrong here */
    uint64_t escrowed;       /* bundles put aside for the admins */
    uint64_t returned;       /* of the bundles, those that this server had lost */
    uint64_t lives;          /* how often new lives of the logs began, as the store is an older copy */
    bool announced;          /* … the last time because the operator had said so; else a client had shown it */
    uint64_t collections, collected; /* entries that say what everybody has seen; records forgotten by them */
    uint64_t forgotten, compacted;   /* changes whose bytes are forgotten; entries of which a hash is left */
    uint64_t out;                    /* sessions of devices that are revoked, wiped or suspended, or came to be */
};

/* Loads the directory from the store. The caller frees. */
enum sat_err sat_host_new(const struct sat_host_config *config, struct sat_host **out,
                          struct sat_fault *fault) SAT_MUST_CHECK;
void sat_host_free(struct sat_host *host);
const struct sat_directory *sat_host_directory(const struct sat_host *host);
struct sat_host_counts sat_host_counts(const struct sat_host *host);
/* Has the peer said, and proved, who it is: a device or the holder of an invite? */
bool sat_host_peer_known(const struct sat_host *host, uint64_t peer);
/* The device that has authenticated on a peer; 0: none (yet). */
uint32_t sat_host_peer_device(const struct sat_host *host, uint64_t peer);

/* One batch. A peer's fault closes that peer (an `error` message is sent first); the others are served. When the store
 * fails the whole batch is rolled back, every peer named in it is told to retry and closed, and the error is returned
 * as well: the host goes on living. */
enum sat_err sat_host_step(struct sat_host *host, uint64_t now_ms, const struct sat_event *events, uint32_t n,
                           struct sat_actions *out) SAT_MUST_CHECK;

/* What is to be done without anybody asking: collections, and keeping the store small (tidy.h). Called every now and
 * then, when there is nothing better to do; of each it does about as much as `budget` records cost, in a commit of its
 * own, and goes on where it stopped at the next call. Fails as sat_host_step() does. */
enum sat_err sat_host_maintain(struct sat_host *host, uint64_t now_ms, uint32_t budget,
                               struct sat_actions *out) SAT_MUST_CHECK;

/* The next frame for a peer whose socket can take one, built from what is committed now. Appends one message to `out`,
 * or leaves it empty when there is nothing to send; then the next SAT_ACTION_WRITABLE says when there is. An error
 * means: close the peer. */
enum sat_err sat_host_frame(struct sat_host *host, uint64_t peer, uint64_t now_ms, struct sat_buf *out) SAT_MUST_CHECK;

/* ---- Before an org exists: a peer on the path /satchel/new/ ---- */

/* The hello for such a peer (org and directory zeros), or for one that asks for an org that this server does not have:
 * it proves the server's identity, so that the refusal behind it can be believed. */
void sat_host_greet_new(const struct sat_sign_key *server, const struct sat_hash *org, const uint8_t client_nonce[32],
                        const struct sat_binding *binding, uint64_t now_ms, const struct sat_entropy *entropy,
                        struct sat_buf *out);
/* Reads a `create` message without believing it: the token, and the id of the org that its links would found. Borrows.
 */
enum sat_err sat_host_read_create(struct sat_span message, struct sat_span *token, struct sat_hash *org,
                                  struct sat_fault *fault) SAT_MUST_CHECK;
/* Founds the org of a `create` message in an empty store; `reply` gets the message to answer with. The token is the
 * caller's business. */
enum sat_err sat_host_found(struct sat_store *store, const struct sat_sign_key *server, struct sat_span message,
                            uint64_t now_ms, struct sat_buf *reply, struct sat_fault *fault) SAT_MUST_CHECK;
/* An `error` message. */
void sat_host_error(enum sat_err err, uint64_t retry_ms, const char *text, struct sat_buf *out);
/* A `goodbye` message: come back after retry_ms. */
void sat_host_goodbye(uint64_t retry_ms, struct sat_buf *out);

#endif
