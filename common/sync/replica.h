/* The client's role: one device, its store, and a session with the server. It verifies all that the server says, keeps
 * the accepted base, pushes what is pending, and knows when both sides hold the same.
 *
 * A replica lives for one session (one connection). What it learns is in the store and the directory; a new session
 * begins where the last one stopped. */
#ifndef SAT_SYNC_REPLICA_H
#define SAT_SYNC_REPLICA_H

#include "common/proof/directory.h"
#include "common/proof/entropy.h"
#include "common/proof/wipe_receipt.h"
#include "common/store/store.h"
#include "common/sync/admin_items.h"
#include "common/sync/brake.h"
#include "common/sync/step.h"

/* What the engine asks of the one who holds the keys. All run inside a transaction of the store that the engine opened.
 */
struct sat_link_batch {     /* links for the directory, appended all or none */
    struct sat_link *links; /* finished and signed; arena-owned */
    uint32_t n;
    struct sat_box
        *boxes; /* the boxes that the links announce, in the links' order, each link's own sorted by sat_boxes_root() */
    uint32_t boxes_n;
};
struct sat_taken { /* bundles of a device whose numbers are others' by now */
    uint32_t device;
    uint64_t first; /* … from this one on */
    uint64_t now_ms;
};
struct sat_frozen { /* what a freeze left behind */
    uint64_t left;  /* drafts that are not frozen */
    bool more;      /* … as there were bundles enough: ask again */
    bool held;      /* … as they would archive or overwrite more than goes out unasked */
    bool dropped;   /* drafts that would have covered what nobody else has (author_cover.h): records are back */
    /* Spaces whose drafts wait for a new epoch, as one is owed; more of them than fit are named the next time. */
    struct sat_space_id owing[SAT_LINKS_PER_APPEND_MAX];
    uint32_t owing_n;
};
struct sat_replica_hooks {
    void *context;
    /* Freezes what may be frozen (sat_author_freeze), up to so many bundles; now_ms is the server's time. NULL: nothing
     * is ever pushed. */
    enum sat_err (*freeze)(void *context, uint64_t now_ms, uint32_t bundles_max, struct sat_frozen *out);
    /* A bundle of this device's in the space was refused for good: puts a void statement in its place and has what is
     * behind it written again (sat_author_mend()). *mended: it did. NULL: never; what is behind it waits. */
    enum sat_err (*mend_refused)(void *context, int64_t sid, bool *mended);
    /* A key box for this device or its invite has come: check and keep the key. An error that is not local means: the
     * box is bad (a debt). */
    enum sat_err (*open_box)(void *context, const struct sat_box *box);
    /* Is the key of that epoch here, itself or along the chain? */
    bool (*have_key)(void *context, const struct sat_space_id *space, uint32_t epoch);
    /* The links to append now, extending the directory as it is (called again when somebody else was first). n == 0:
     * nothing to append. NULL: never. An error ends the wish: SAT_NOTICE_LINKS_REFUSED. */
    enum sat_err (*build_links)(void *context, struct sat_arena *arena, struct sat_link_batch *out);
    /* The batch was accepted and is applied and stored: build_links()'s alone. May be NULL. */
    enum sat_err (*links_appended)(void *context);
    /* These spaces owe a new epoch, and this device is one that pays (it has work waiting there, or it is an admin's or
     * the space's manager's): EPOCH links for some of them, asked again for the rest. n == 0: it cannot, now. What is
     * owed may have changed since: ask sat_directory_owed() with now_ms, the server's time. An error, here or by the
     * server, ends the paying in this session, not the session: SAT_NOTICE_DEBT. NULL: never. */
    enum sat_err (*pay_debts)(void *context, uint64_t now_ms, const struct sat_space_id *spaces, uint32_t n,
                              struct sat_arena *arena, struct sat_link_batch *out);
    /* What have others' changes behind the log's entry `seq` done to the record (sat_harm_received())? NULL: whatever
     * comes is taken over. */
    enum sat_err (*harm)(void *context, int64_t sid, const struct sat_space_id *space,
                         const struct sat_record_id *record, uint64_t seq, struct sat_harm *out);
    /* This home turns out to be a copy: before anything of the other's is merged. What waits is set apart from it,
     * under a number that is this home's alone (client/reindex.h), in this transaction. NULL: it stays where it is. */
    enum sat_err (*copied)(void *context);
    /* There are copies of this home, and work waits that one of them may have brought to the log as its own: what is
     * there already is not sent, and what follows it is written again. *changed: something was. NULL: never. */
    enum sat_err (*look_again)(void *context, bool *changed);
    /* Of work that waits here to be given back the server has taken other work under the same numbers: of `device` in
     * the space, from `first` on. What is here of it, and what stands on it, is written again by this device
     * (docs/decisions/0105), in this transaction. *taken: it is; else it is put aside. NULL: it is put aside. */
    enum sat_err (*take_over)(void *context, int64_t sid, const struct sat_taken *from, bool *taken);
    /* What waits in the space to be given back, and of which the log has a copy, is taken over likewise. *changed:
     * there was some. NULL: never. */
    enum sat_err (*look_back)(void *context, int64_t sid, uint64_t now_ms, bool *changed);
    /* This home is a copy (MERGE 11). The link by which its device goes on under a new index; its keys are kept, in
     * this transaction, before it is sent. n == 0: it is in the directory already. An error ends the session as
     * build_links()'s does. NULL: the home stays as it is, and writes nothing. */
    enum sat_err (*reindex)(void *context, struct sat_arena *arena, struct sat_link_batch *out);
    /* The link is applied and stored: from the end of this transaction on the home is the new device's. What waits is
     * written again, in it. */
    enum sat_err (*reindexed)(void *context);
    /* The store has let go of all that it held of the space, keys included: so must who keeps keys in memory. NULL:
     * nobody does. */
    void (*forget_space)(void *context, const struct sat_space_id *space);
    /* Answers to sat_replica_ask_…(), a page at a time, in order; !more: that was the last. Borrowed for the call. */
    enum sat_err (*escrow)(void *context, const struct sat_escrow_item *items, uint32_t n, bool more);
    enum sat_err (*devices)(void *context, const struct sat_device_item *items, uint32_t n, bool more);
};

enum sat_replica_mode {
    SAT_REPLICA_CREATE,  /* build_links() gives genesis and first links; ends with SAT_NOTICE_CREATED */
    SAT_REPLICA_INVITEE, /* reads the directory, appends the join by build_links(), fetches the invite's boxes; ends
                            with SAT_NOTICE_LINKS_APPENDED and then SAT_NOTICE_IDLE */
    SAT_REPLICA_DEVICE,  /* syncs; one that is not approved yet reads the directory and waits (SAT_NOTICE_IDLE), one
                            that is revoked hands in its work (SAT_NOTICE_REVOKED) */
    SAT_REPLICA_KIT,     /* as the holder of the recovery kit: reads the directory, fetches the kit's boxes of every
                            space, then appends by build_links(); ends as an INVITEE does */
    SAT_REPLICA_WIPED,   /* a revoked device whose keys are destroyed: shows its receipt and hands in what the store has
                            frozen; ends with SAT_NOTICE_WIPED */
};

struct sat_replica_config {
    enum sat_replica_mode mode;
    struct sat_store *store;         /* borrowed, as all below */
    struct sat_directory *directory; /* loaded from the store by the caller; the replica applies what arrives */
    struct sat_public_key server;    /* pinned; once the directory names the server's key, that one counts */
    struct sat_hash org;             /* zeros in mode CREATE */
    uint32_t device;                 /* modes DEVICE, WIPED */
    const struct sat_sign_key *key;  /* device's, the invite's or the kit's; NULL in mode WIPED */
    struct sat_hash invite;          /* mode INVITEE: its id */
    struct sat_span token;           /* mode CREATE */
    uint64_t trust_seq;              /* mode INVITEE: the code's directory position and half hash; 0: none */
    uint8_t trust_hash[16];
    struct sat_wipe_receipt receipt; /* mode WIPED */
    struct sat_entropy entropy;
    struct sat_replica_hooks hooks;
    /* Mode DEVICE: build_links() is asked only when all that the server has of the spaces is here: for links that say
     * what is there, as a revocation's cuts. */
    bool links_when_pulled;
    bool allow_mass_change; /* what archives or overwrites however many records is taken over */
    bool directory_only;    /* mode DEVICE: refresh the directory, append links, fetch boxes; subscribe to nothing */
};

struct sat_replica;

struct sat_fresh;
/* Where freeze() may keep what it froze (sync/fresh.h); the replica's. */
struct sat_fresh *sat_replica_fresh(struct sat_replica *replica);

struct sat_replica_counts {
    uint64_t sent, received; /* changes: accepted from us; merged from others */
    uint64_t refused;        /* changes refused in this session */
    uint64_t handed_in;      /* changes that the admins decide about: this device had lost the right to write them */
    uint64_t mended;         /* records, and sums of a space, that were wrong here: mended from the log */
    uint64_t bytes_in, bytes_out;
    uint64_t entries_known, entries_applied; /* progress: of the heads or cursors announced; applied in this session */
};

enum sat_err sat_replica_new(const struct sat_replica_config *config, struct sat_replica **out) SAT_MUST_CHECK;
void sat_replica_free(struct sat_replica *replica);
void sat_replica_nonce(const struct sat_replica *replica, uint8_t out[32]); /* the client nonce for the upgrade path */
struct sat_replica_counts sat_replica_counts(const struct sat_replica *replica);
bool sat_replica_in_sync(const struct sat_replica *replica);
/* Has it read the directory that the hello named, and is this device not out? */
bool sat_replica_is_current(const struct sat_replica *replica);
/* The server was put back from an older copy with so many links, and waits for an admin to confirm that; 0: no. */
uint64_t sat_replica_recovering(const struct sat_replica *replica);
uint64_t sat_replica_server_time(const struct sat_replica *replica); /* of the hello, verified, ms; 0: none yet */
uint64_t sat_replica_retry_ms(const struct sat_replica *replica);    /* what the server asked for; 0: nothing */

/* Does it wait for nothing: it has told that all is in sync, or that nothing more comes by itself? */
bool sat_replica_rests(const struct sat_replica *replica);
/* Is something that was pushed not yet heard of? */
bool sat_replica_awaits_echo(const struct sat_replica *replica);

/* One batch of events of the one peer. An error of the session is told by SAT_NOTICE_FAILED and SAT_ACTION_CLOSE; the
 * return value is not SAT_OK only when the local store failed, and then nothing of the batch has happened. */
enum sat_err sat_replica_step(struct sat_replica *replica, uint64_t now_ms, const struct sat_event *events, uint32_t n,
                              struct sat_actions *out) SAT_MUST_CHECK;
/* The next frame to send when the socket can take one: pushes, within the window. Leaves `out` empty when there is
 * none. */
enum sat_err sat_replica_frame(struct sat_replica *replica, uint64_t now_ms, struct sat_buf *out) SAT_MUST_CHECK;
/* The application has made new drafts, or wants build_links() asked again. */
enum sat_err sat_replica_poke(struct sat_replica *replica, uint64_t now_ms, struct sat_actions *out) SAT_MUST_CHECK;

/* Asks for what admins and managers are shown, beginning behind number `after`: now, or as soon as the server has been
 * met and the directory is current. The answers come by the hooks; the session is not idle before they have. */
enum sat_err sat_replica_ask_escrow(struct sat_replica *replica, uint64_t now_ms, uint64_t after,
                                    struct sat_actions *out) SAT_MUST_CHECK;
enum sat_err sat_replica_ask_devices(struct sat_replica *replica, uint64_t now_ms, uint32_t after,
                                     struct sat_actions *out) SAT_MUST_CHECK;

/* Loads a directory from what the store holds (links verified when they came). */
enum sat_err sat_directory_load(struct sat_store *store, struct sat_directory *directory,
                                struct sat_fault *fault) SAT_MUST_CHECK;

#endif
