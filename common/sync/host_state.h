/* The inside of the server's role, shared by its files alone: peers, spaces in memory, and the step in progress. */
#ifndef SAT_SYNC_HOST_STATE_H
#define SAT_SYNC_HOST_STATE_H

#include "common/sync/host.h"
#include "common/wire/message.h"

struct host_sub {
    uint32_t sub; /* the peer's number */
    int64_t sid;
    uint64_t sent;       /* entries handed out */
    uint64_t head_sent;  /* size of the last head handed out */
    bool head_due;       /* a head is owed though the size is the same: the first one */
    bool full_head;      /* the peer asked for the full form */
    uint64_t full_entry; /* the peer asked for this entry in full form; 0: none */
};

enum host_peer_state { HOST_PEER_GREETED, HOST_PEER_DEVICE, HOST_PEER_INVITEE };

struct host_peer {
    uint64_t id;
    enum host_peer_state state;
    uint8_t client_nonce[32], server_nonce[32];
    struct sat_binding binding;
    const struct sat_sign_key *server; /* the identity that this peer was greeted with */
    uint32_t device;                   /* DEVICE */
    struct sat_hash invite;            /* INVITEE */
    uint64_t dir_sent;                 /* directory links handed out */
    struct host_sub *subs;
    uint32_t subs_n, next_sub; /* frames go round them */
    struct sat_box *boxes;     /* handed over for the links of the next APPEND */
    uint32_t boxes_n, boxes_cap;
};

struct host_space { /* in memory as long as the host lives; the row is saved at the end of a step */
    struct sat_space_row row;
    bool dirty;
    struct sat_head head; /* the last one signed; its size says for what */
    bool head_valid;
};

struct sat_host {
    struct sat_store *store;
    const struct sat_sign_key *server;
    const struct sat_sign_key
        *former; /* further identities: a device that was away meanwhile knows an old one, a move names a new one */
    uint32_t former_n;
    struct sat_entropy entropy;
    struct sat_directory directory;
    bool
        directory_lost; /* a batch failed and the directory could not be read again: to be tried before anything else */
    struct host_peer **peers; /* ascending by id: ids are never used twice */
    uint32_t peers_n, peers_cap;
    struct host_space **spaces;
    uint32_t spaces_n, spaces_cap;
    struct sat_host_counts counts;
};

/* One batch in progress. */
struct host_step {
    struct sat_host *host;
    uint64_t now_ms;
    struct sat_arena *arena;
    struct sat_actions *out;
    bool directory_changed;
};

/* host.c */
struct host_peer *host_peer_find(const struct sat_host *host, uint64_t id);
enum sat_err host_begin(struct host_step *step) SAT_MUST_CHECK; /* opens the batch's transaction at its first write */
enum sat_err host_space_load(struct sat_host *host, const struct sat_space_id *id,
                             struct host_space **out) SAT_MUST_CHECK; /* NULL: none */
struct host_space *host_space_by_sid(const struct sat_host *host, int64_t sid);
void host_send(struct host_step *step, uint64_t peer, const struct sat_message *message);
bool host_peer_may_read(const struct sat_host *host, const struct host_peer *peer, const struct sat_space_id *space);

/* The identity with that public key; NULL: this server does not have it. */
const struct sat_sign_key *host_identity(const struct sat_host *host, const struct sat_public_key *key);
/* The identity that signs for the org now: heads and countersignatures. */
const struct sat_sign_key *host_signer(const struct sat_host *host);

/* host_message.c: an error that is not local is the peer's fault, or what it is to be told; `fault` has the sentence.
 */
enum sat_err host_message(struct host_step *step, struct host_peer *peer, struct sat_span bytes,
                          struct sat_fault *fault) SAT_MUST_CHECK;
/* host_directory.c */
enum sat_err host_append(struct host_step *step, struct host_peer *peer, const struct sat_message_APPEND *message,
                         struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_boxes(struct host_peer *peer, const struct sat_message_BOXES *message,
                        struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_boxes_get(struct host_step *step, struct host_peer *peer,
                            const struct sat_message_BOXES_GET *message) SAT_MUST_CHECK;

/* A link as it travels in LINKS: the link ‖ u64 time_ms ‖ countersignature64. */
#define HOST_COUNTERSIGN_BYTES 72
void host_countersign_encode(const struct sat_countersign *sign, struct sat_buf *out);

#endif
