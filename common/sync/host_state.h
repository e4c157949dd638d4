/* The inside of the server's role, shared by its files alone: peers, spaces in memory, and the step in progress. */
#ifndef SAT_SYNC_HOST_STATE_H
#define SAT_SYNC_HOST_STATE_H

#include "common/sync/host.h"
#include "common/sync/subscription.h"
#include "common/wire/message.h"

struct host_sub {
    uint32_t sub; /* the peer's number */
    int64_t sid;
    uint64_t sent;        /* entries handed out */
    uint64_t head_sent;   /* size of the last head handed out */
    bool head_due;        /* a head is owed though the size is the same: what it says, or to whom, is new */
    bool full_head;       /* the peer asked for the full form */
    uint64_t full_entry;  /* the peer asked for this entry in full form; 0: none */
    bool own_full;        /* the peer lacks own work: it is a copy, or an older one, and gets it as everybody's */
    bool lives_due;       /* it is to be told which lives the log has had, before anything else */
    bool adrift;          /* its cursor is not on this log: nothing comes until it subscribes where it is */
    bool from_before;     /* it was last at the end of another life of the log: it may hold what others write again */
    bool anew;            /* it has shown that it has all that it signed, or was told to begin at the start: to ask for
                             what is before means nothing */
    bool words_due;       /* it wants to see the cursors, … */
    uint32_t words_from;  /* … of devices behind this number */
    bool owing_due;       /* it is to be told which bundles lack bytes, */
    bool owing_told;      /* … and that has begun, */
    bool owing_around;    /* … has come to the log's end, and begun at its start, */
    uint64_t owing_from;  /* … where it ends, having begun behind this entry, */
    uint64_t owing_after; /* … and is behind this one now */
    uint32_t owing_left;  /* so many more are told */
    uint64_t refused[SAT_PUSH_WINDOW]; /* the first changes of what was refused for good last: should that come again,
                                          it is passed over, as its author has been answered */
    uint32_t refused_n;                /* so many were */
    bool behind; /* … than what it signed in this life of the log: for all that is known, it is an older copy */
    bool ended;  /* the peer has lost the right to read the space: nothing more comes until it subscribes anew */
};

enum host_peer_state {
    HOST_PEER_GREETED,
    HOST_PEER_DEVICE, /* what it may do follows from the directory, at each message: host_standing() */
    HOST_PEER_INVITEE,
    HOST_PEER_KIT,   /* the holder of the recovery kit */
    HOST_PEER_WIPED, /* who has shown the receipt of a device's wipe, whose keys are gone: it hands in, and nothing else
                      */
};

enum host_standing {
    HOST_STANDING_GOOD,
    HOST_STANDING_NEW, /* not approved yet: it reads the directory, and may leave */
    HOST_STANDING_OUT, /* revoked, wiped or suspended: it learns that from the directory, and hands in its work */
};

struct host_peer {
    uint64_t id;
    enum host_peer_state state;
    uint8_t client_nonce[32], server_nonce[32];
    struct sat_binding binding;
    const struct sat_sign_key *server; /* the identity that this peer was greeted with */
    uint32_t device;                   /* DEVICE, WIPED */
    struct sat_hash invite;            /* INVITEE */
    uint64_t kit_seq;                  /* KIT: of the link that names its kit */
    bool set_back;                     /* it is behind what it signed: what it wrote since is another home's */
    uint64_t out_ms;                   /* since when it is out, or has last handed something in; 0: it is not */
    uint64_t dir_known;                /* … that it had when it came */
    uint32_t frame_target;             /* bytes at which a frame to it is full … */
    uint32_t frame_max;                /* … and those that none goes beyond that has more than one thing in it */
    uint64_t dir_sent;                 /* directory links handed out */
    struct host_sub *subs;
    uint32_t subs_n, next_sub; /* frames go round them */
    uint32_t ranges_asked;
    uint64_t ranges_walked; /* changes that were looked at for them */
    struct sat_box *boxes;  /* handed over for the links of the next APPEND */
    uint32_t boxes_n, boxes_cap;
};

struct host_space { /* in memory as long as the host lives; the row is saved at the end of a step */
    struct sat_space_row row;
    bool dirty;
    struct sat_head head; /* the last one signed; its size says for what */
    bool head_valid;
    struct sat_lives lives;   /* behind its first; on the heap */
    uint64_t collect_look_ms; /* from when on it is to be looked again what may be collected */
    bool collecting;          /* a round of that is under way, … */
    int64_t collect_at;       /* … and has looked at the deletions up to this change */
    uint64_t owing_at;        /* the last entry of which somebody was told that bytes are missing */
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
    bool recovering_lost; /* a batch failed: `recovering` is to be read again */
    uint64_t recovering;  /* it came back from an older copy with so many links, and no admin has confirmed it; 0: no */
    struct host_peer **peers; /* ascending by id: ids are never used twice */
    uint32_t peers_n, peers_cap;
    struct host_space **spaces;
    uint32_t spaces_n, spaces_cap;
    uint64_t collect_every_ms, collect_after_ms, collect_look_ms; /* every 0: never; look: not before */
    bool was_restored; /* the store is a copy that was put back: new lives begin with the next step */
    struct sat_host_counts counts;
    uint64_t tidied_ms; /* when all that was to be forgotten was */
};

struct host_sighting {
    uint32_t device;
    uint64_t seen_ms, lag;
    bool lag_known; /* it had subscribed to something */
    struct host_sighting *next;
};

/* One batch in progress. */
struct host_step {
    struct sat_host *host;
    uint64_t now_ms;
    struct sat_arena *arena;
    struct sat_actions *out;
    bool directory_changed;
    uint32_t brought;                /* by this event: the device whose bundle was taken; 0: none was */
    struct host_sighting *sightings; /* of sessions that ended */
};

/* host.c */
struct host_peer *host_peer_find(const struct sat_host *host, uint64_t id);
enum sat_err host_begin(struct host_step *step) SAT_MUST_CHECK; /* opens the batch's transaction at its first write */
enum sat_err host_space_load(struct sat_host *host, const struct sat_space_id *id,
                             struct host_space **out) SAT_MUST_CHECK; /* NULL: none */
struct host_space *host_space_by_sid(const struct sat_host *host, int64_t sid);
/* What the peer asked for when it came, within reason; 0: nothing. */
void host_peer_size(struct host_peer *peer, uint32_t frame_bytes);
void host_send(struct host_step *step, uint64_t peer, const struct sat_message *message);
void host_send_bytes(struct host_step *step, uint64_t peer, struct sat_span message); /* copied */
void host_send_error(struct host_step *step, uint64_t peer, enum sat_err err, uint64_t retry_ms,
                     const struct sat_fault *fault); /* the fault's sentence, if it has one for the error */
bool host_peer_may_read(const struct sat_host *host, const struct host_peer *peer, const struct sat_space_id *space);

/* What a device may do here now; the holders of invites and of the kit are in good standing. */
enum host_standing host_standing(const struct sat_host *host, const struct host_peer *peer);
/* How far in the directory the peer may read. */
uint64_t host_links_end(const struct sat_host *host, const struct host_peer *peer);

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

/* host_collect.c: collects in the spaces where it is time to. */
enum sat_err host_collect(struct host_step *step, uint32_t budget) SAT_MUST_CHECK;

/* host_ranges.c */
enum sat_err host_ranges(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                         const struct sat_message_RANGES *message, struct sat_fault *fault) SAT_MUST_CHECK;
/* A new space's log, with its first life. */
enum sat_err host_open_space(struct sat_store *store, const struct sat_link *link) SAT_MUST_CHECK;

/* host_restored.c */
enum sat_err host_recovering_load(struct sat_host *host) SAT_MUST_CHECK;
/* It has turned out that the server was set back: nobody extends the directory before an admin confirms. */
enum sat_err host_came_back(struct host_step *step) SAT_MUST_CHECK;
void host_tell_recovering(struct host_step *step, const struct host_peer *peer); /* if it is */
/* From anybody who was greeted: each link proves itself. */
enum sat_err host_return_links(struct host_step *step, const struct sat_message_RETURN_LINKS *message,
                               struct sat_fault *fault) SAT_MUST_CHECK;
/* May a batch that begins with this link be appended? SAT_ERR_DENIED. */
enum sat_err host_check_recovering(const struct sat_host *host, const struct sat_link *first,
                                   struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_confirmed(struct host_step *step) SAT_MUST_CHECK; /* a LOG_EPOCH link was appended */

/* host_rules.c: what the server demands of a link beyond what the reducer does, as it alone has the boxes and the logs.
 * Asked before the link is applied; time_ms: of its countersignature. */
enum sat_err host_check_boxes(const struct sat_directory *directory, const struct sat_link *link,
                              const struct sat_box *boxes, uint32_t n, uint64_t time_ms, struct sat_arena *arena,
                              struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_check_cuts(struct sat_host *host, const struct sat_link *link, struct sat_arena *arena,
                             struct sat_fault *fault) SAT_MUST_CHECK;

/* Of the links of one batch, which are applied: who puts one device of a lineage out, puts out all of it. */
enum sat_err host_check_lineages(const struct sat_directory *directory, const struct sat_link *links, uint32_t n,
                                 struct sat_fault *fault) SAT_MUST_CHECK;

/* host_message.c: judges a bundle as of directory position `dir_at` and appends it to the log. SAT_OK too where the
 * log has it already. */
enum sat_err host_accept(struct host_step *step, struct host_space *space, struct sat_bundle *bundle, uint64_t dir_at,
                         struct sat_fault *fault) SAT_MUST_CHECK;
/* The same of one that this server had before, at that receipt; given back by whoever has it. Not proved: the receipt
 * is of now, and nobody has judged it yet. */
enum sat_err host_accept_again(struct host_step *step, struct host_space *space, struct sat_bundle *bundle, bool proved,
                               uint64_t receipt_ms, uint64_t receipt_dir, struct sat_fault *fault) SAT_MUST_CHECK;
/* What says that a bundle which was refused is empty. `had`: this server has accepted it before. */
struct sat_signed_void;
enum sat_err host_accept_void(struct host_step *step, struct host_space *space, const struct sat_signed_void *empty,
                              bool had, struct sat_fault *fault) SAT_MUST_CHECK;

/* host_escrow.c: puts a bundle aside for the admins, in full form. SAT_ERR_ESCROWED: it is there (now); else why not.
 */
enum sat_err host_put_aside(struct host_step *step, const struct sat_bundle *bundle,
                            struct sat_fault *fault) SAT_MUST_CHECK;
/* Which of what a device has handed in is here? */
enum sat_err host_held_get(struct host_step *step, const struct host_peer *peer,
                           const struct sat_message_HELD_GET *message) SAT_MUST_CHECK;
enum sat_err host_hand_in(struct host_step *step, struct host_peer *peer, const struct sat_message_HAND_IN *message,
                          struct sat_fault *fault) SAT_MUST_CHECK;
/* Does what an ACCEPT link at `seq`, which is applied, says of a bundle. */
enum sat_err host_decide(struct host_step *step, const struct sat_body_accept *body, uint64_t seq,
                         struct sat_fault *fault) SAT_MUST_CHECK;
/* Behind a return: what the directory says was decided about, and waits again. */
enum sat_err host_decide_again(struct host_step *step) SAT_MUST_CHECK;
/* After a repudiation: what a thief had rejected waits again. */
enum sat_err host_reopen(struct host_step *step) SAT_MUST_CHECK;
enum sat_err host_escrow_get(struct host_step *step, const struct host_peer *peer,
                             const struct sat_message_ESCROW_GET *message, struct sat_fault *fault) SAT_MUST_CHECK;

/* host_sightings.c: a session ends, or has sent the receipt of a wipe; keep() writes the former, in a transaction of
 * its own that may fail without harm. */
void host_sight(struct host_step *step, const struct host_peer *peer);
void host_sightings_keep(struct host_step *step);
enum sat_err host_wiped(struct host_step *step, struct host_peer *peer, const struct sat_message_WIPED *message,
                        struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_devices_get(struct host_step *step, const struct host_peer *peer,
                              const struct sat_message_DEVICES_GET *message, struct sat_fault *fault) SAT_MUST_CHECK;

/* host_cursors.c: what a device has signed of how far it is; and, behind links, of whom it counts no more. */
enum sat_err host_cursor(struct host_step *step, const struct host_peer *peer, const struct host_sub *sub,
                         const struct sat_message_CURSOR *message, struct sat_fault *fault) SAT_MUST_CHECK;
/* Who subscribes from behind what it signed is shown that. */
enum sat_err host_show_cursor(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                              const struct host_space *space, const struct sat_subscription *wish) SAT_MUST_CHECK;
/* It shows a head from as far on: then it has gone back itself, with this server. *knows: it does. */
enum sat_err host_knows_cursor(struct host_step *step, struct host_peer *peer, struct host_sub *sub,
                               const struct host_space *space, const struct sat_head *head, bool *knows) SAT_MUST_CHECK;
/* The next of all devices', for who asks what stands behind a collection. */
enum sat_err host_cursors_frame(struct sat_host *host, const struct host_peer *peer, struct host_sub *sub,
                                struct sat_arena *arena, struct sat_buf *out) SAT_MUST_CHECK;
enum sat_err host_cursors_review(struct host_step *step, const struct sat_link *links, uint32_t n) SAT_MUST_CHECK;
/* host_lives.c: the log's lives (MERGE 14; sync/lives.h) */
enum sat_err host_lives_load(struct sat_host *host, struct host_space *space) SAT_MUST_CHECK;
/* A new life of every space's log. `proof` is what showed that this server was set back; empty: the operator said so.
 */
enum sat_err host_begin_lives(struct host_step *step, struct sat_span proof) SAT_MUST_CHECK;
/* Has a log in which a life may begin more entries than it had when its newest one began? */
enum sat_err host_has_grown(struct host_step *step, bool *grown) SAT_MUST_CHECK;
enum sat_err host_claim(struct host_step *step, struct host_peer *peer, struct host_sub *sub, struct host_space *space,
                        const struct sat_message_CLAIM *message, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_roots(struct host_step *step, const struct host_peer *peer, const struct host_space *space,
                        const struct sat_message_ROOTS *message) SAT_MUST_CHECK;
/* The space's head, signed now if it has changed since it last was. */
void host_head_frame(struct sat_host *host, struct host_sub *sub, struct host_space *space, uint64_t now_ms,
                     struct sat_buf *out);
void host_lives_frame(struct sat_host *host, struct host_sub *sub, const struct host_space *space, struct sat_buf *out);
/* Does the head's signature hold under one of this server's identities, and is the head not of this log? */
enum sat_err host_is_lost_head(struct sat_host *host, const struct host_space *space, struct sat_span bytes,
                               struct sat_head *head, bool *lost, struct sat_fault *fault) SAT_MUST_CHECK;

/* host_return.c: what clients give back of what this server lost */
enum sat_err host_receipts(struct host_step *step, const struct host_space *space,
                           const struct sat_message_RECEIPTS *message, struct sat_fault *fault) SAT_MUST_CHECK;
enum sat_err host_return(struct host_step *step, struct host_peer *peer, struct host_space *space,
                         const struct sat_message_RETURN *message) SAT_MUST_CHECK;

/* host_tidy.c: forgets and compacts as policy lets it (tidy.h), at most so many entries of a space for each reason. */
enum sat_err host_tidy(struct host_step *step, uint64_t entries) SAT_MUST_CHECK;

/* host_fill.c: bytes that were missing in a bundle that came back. *filled: how many changes got theirs. */
enum sat_err host_fill(struct host_step *step, struct host_space *space, const struct sat_bundle_row *row,
                       struct sat_bundle *bundle, uint32_t *filled, struct sat_fault *why) SAT_MUST_CHECK;
/* The bundle, which is on the log, is given back: with some of them? It is answered if it lacks any. */
enum sat_err host_return_more(struct host_step *step, const struct host_peer *peer, struct host_space *space,
                              uint64_t sub, const struct sat_bundle_row *row, struct sat_bundle *bundle) SAT_MUST_CHECK;
/* The next of those that lack some; nothing in `out`: there is none. */
enum sat_err host_owing_frame(struct sat_host *host, struct host_space *space, struct host_sub *sub,
                              struct sat_buf *out) SAT_MUST_CHECK;

/* An item of APPENDED: u64 time_ms ‖ countersignature64. */
void host_countersign_encode(const struct sat_countersign *sign, struct sat_buf *out);

#endif
