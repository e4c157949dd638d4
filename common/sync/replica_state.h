/* The inside of the client's role, shared by its files alone. */
#ifndef SAT_SYNC_REPLICA_STATE_H
#define SAT_SYNC_REPLICA_STATE_H

#include "common/proof/header.h"
#include "common/sync/fresh.h"
#include "common/sync/replica.h"
#include "common/sync/subscription.h"
#include "common/wire/message.h"

enum replica_state { REPLICA_WAITING, REPLICA_TALKING, REPLICA_OVER };

/* What build_links() wants appended: nothing (more); to be asked when the directory is current; under way. */
enum link_wish { WISH_NONE, WISH_OPEN, WISH_SENT };
/* Whose links are under way: build_links()'s, pay_debts()'s or reindex()'s. */
enum link_batch_kind { BATCH_WISH, BATCH_DEBTS, BATCH_REINDEX, BATCH_BACK };
/* The session comes to its planned end with this step, which is committed. */
enum replica_ending { ENDING_NONE, ENDING_REVOKED, ENDING_WIPED, ENDING_REINDEXED };

enum { PUSH_RETRIES_MAX = 3, STALE_MAX = 3 };

enum { RETURNS_QUEUED = 64, OFFERS_MAX = 64 };

struct replica_heal { /* the server's log is not the one that this device has seen */
    bool claimed;     /* it was shown what it had signed, */
    bool searching;   /* … or has said which life its log is in: where do the two part? */
    struct sat_log_epoch epoch;
    struct sat_lives lives;
    uint64_t low, high; /* both are the same at the former, not at the latter */
    uint64_t asked[SAT_ROOTS_MAX];
    uint32_t asked_n;
};

struct replica_returns { /* what the server had lost, and is given back */
    bool any;            /* there were bundles that wait, refused or not, when it was looked */
    uint64_t left;       /* those that were not refused */
    bool held;           /* the server does not take them now, */
    bool stale;          /* … or not all of those that were sent since there were left_then of them */
    uint64_t left_then;
    uint32_t logs_sent; /* lost logs whose receipts are sent, */
    uint64_t next;      /* … and the first entry of the next one that is not */
    bool receipts_sent;
    bool looked;                   /* whether the log has copies of some; since something else came last */
    bool missed;                   /* whether somebody misses what was refused */
    int64_t queue[RETURNS_QUEUED]; /* in order; the first `sent` are on their way or back */
    uint32_t n, sent;
};

struct replica_anew { /* this device was away so long that its place in the log is forgotten; and starts anew */
    uint64_t size;    /* of the log that was let go of; 0: none was */
    struct sat_hash root;
    struct sat_log_epoch life;
    bool said;    /* that it had so much, in this session */
    uint8_t told; /* by the server, in this session */
    bool waits;   /* for a head, which shows that the server has what was here */
};

struct replica_offers { /* bundles that the server has with stubs, and that are here with more */
    struct sat_dot at[OFFERS_MAX];
    uint32_t n, sent, answered;
};

struct replica_sub {
    uint32_t sub;
    struct sat_space_row row;
    bool dirty;               /* the row differs from the stored one */
    uint64_t resubscribed_at; /* cursor + 1 of the last re-subscription after a gap; 0: none */
    uint64_t announced;       /* size of the log as the server last said */
    uint8_t asked_entry;      /* an entry was asked in full form */
    bool asked_head;
    bool head_here;  /* a head for the cursor was verified in this session */
    uint64_t agreed; /* size of the log at which the digest was the server's last, in this session … */
    bool exact;      /* … and since then every change has come whole */
    bool met; /* … or for an earlier cursor, or there was no need: what an earlier session sent has been heard of */
    bool digest_agrees; /* … and its digest is ours */
    uint64_t pushed;    /* counter of the last change sent in this session; the next push begins behind it */
    uint32_t in_flight; /* bundles sent and not yet heard of */
    uint32_t retries;
    uint64_t disputed;      /* first counter of a bundle whose dots are another one's, says the server; 0: none */
    uint64_t doubted;       /* … and it is asked to show that: of which it was asked last, and has not answered */
    uint32_t unanswered;    /* what the server said since it was asked for that, or for an entry */
    bool push_full;         /* the short form was not understood */
    bool blocked;           /* a bundle was refused: what is behind it waits (MERGE 8) */
    bool mend;              /* … until it is mended: for good */
    uint64_t waited_at;     /* the log's length when it was last looked whether the admins can still let it in */
    bool unexplained;       /* … in this session: by what the log may still bring */
    bool halted;            /* its log has an entry that needs a later version: no more of it in this session */
    bool gone;              /* the right to read it is lost: what the server still says of it counts for nothing */
    bool held;              /* a mass change waits for the person's word: the same, until the next session */
    uint64_t signed_ms;     /* when it was last seen to the cursor; 0: not in this session */
    uint64_t pushable;      /* pending bundles not yet sent, known after the last look; 0: none */
    struct sat_lives lives; /* of the log behind its first; in the replica's lives_arena */
    struct replica_heal heal;
    uint32_t lives_told;  /* how often the server told of them in this session */
    uint32_t went_back;   /* … and to the last head, since one was verified */
    uint32_t roots_asked; /* questions about the log that are not answered yet: the last answer counts */
    struct replica_returns returns;
    struct replica_anew anew;
    struct replica_offers offers;
    struct {
        uint64_t asked, after;  /* the entry that was asked for whole; the last one that was */
        struct sat_hash digest; /* the server's, when that began */
    } fill;                     /* stubs here whose bytes the server has by now */
    struct {
        uint64_t asked, heard; /* the collection's entry that others' words are asked for; the last one that they stand
                                  behind, in this session */
        uint32_t from;         /* the last device that was heard, or passed over */
    } words;
    uint64_t stubs_wait;    /* stubs of bundles that came back, for whose replacement others are waited for */
    struct replica_window { /* what came since when: watched for a mass change */
        bool open;
        uint64_t since;                   /* the log's size then, which a head had proved */
        uint64_t since_ms;                /* this device's time */
        uint64_t received;                /* changes */
        uint64_t synced_ms;               /* the space's then … */
        uint8_t head[SAT_HEAD_BYTES_MAX]; /* … and its head */
        uint16_t head_len;
        bool changed; /* since it was looked at last */
        struct sat_brake brake;
    } window;
    struct {
        uint8_t tries;
        uint32_t awaited, ranges; /* answers; asked about in this session */
        uint64_t walked;          /* changes that were looked at for that, here and there */
        uint64_t size;            /* of the log when it began */
        struct sat_hash digest;   /* the server's */
    } mending;                    /* digests differ: it is looked where */
};

struct replica_leaving { /* a space from which work is handed in, as it cannot be pushed any more */
    int64_t sid;
    struct sat_space_id id;
    uint64_t sent; /* counter of the last change handed over in this session */
    uint32_t in_flight;
    bool due;     /* more is to be handed over, as soon as it is known that this home is no copy */
    bool refused; /* the server does not take some of it now */
    enum sat_err why;
    /* Before the space is let go of: does the log still have the last that this device wrote there? */
    bool asks, asked, has_come;
    int64_t last;        /* its bundle */
    uint64_t last_first; /* … and the counter of its first change */
    /* Of what was handed in in other sessions (replica_held.c): the counter up to which this one's server has said
     * whether it has that, and up to which it was asked. */
    uint64_t held, held_asked;
    uint32_t unanswered; /* what the server said since it was asked that */
    /* What its home has sent under another number, and the server lost, is handed in behind its own (replica_kin.c). */
    bool kin_due;
    int64_t kin; /* the bundle of which the answer is awaited; 0: none */
};

struct replica_question { /* escrow or devices */
    bool wanted, asked;
    uint64_t after;
};

struct sat_replica {
    struct sat_replica_config config;
    enum replica_state state;
    uint8_t client_nonce[32], server_nonce[32];
    struct sat_binding binding;
    uint64_t peer;
    uint64_t server_time_ms, retry_ms;
    uint64_t met_ms;     /* this device's time when the server told its own */
    uint64_t dir_goal;   /* the directory's length as the server said; its links are on their way */
    uint64_t recovering; /* the server came back with so many links, and waits for an admin to confirm; 0: no */
    uint64_t hello_seq;  /* what the hello said of the directory */
    struct sat_hash hello_hash;
    enum link_wish wish;
    enum link_batch_kind batch_kind;
    uint32_t stale;                       /* how often the links were refused as such, with nothing new here */
    uint64_t version_sent, version_stale; /* of what is known here: under which the batch was built, and was too old */
    uint64_t debts_at;                    /* the directory's length when debts were last looked at, plus one */
    uint32_t debts_owing;                 /* … and for how many spaces work waited */
    bool debts_given_up;
    struct sat_link_batch batch; /* what was sent, in batch_arena, until it is in the directory */
    struct sat_arena batch_arena;
    bool boxes_asked;            /* an answer is awaited */
    struct sat_buf boxes_wanted; /* … to a question for these: their names */
    uint64_t boxes_at;           /* the directory's length when they were asked */
    uint32_t boxes_next;         /* place of the space from which on they are asked next */
    bool boxes_again;            /* one did not open, and was asked for again */
    struct replica_sub *subs;
    uint32_t subs_n, next_sub;
    struct sat_frozen frozen; /* by the last freeze: what is left */
    struct sat_fresh fresh;   /* by the last few: itself */
    struct replica_leaving *leaving;
    uint32_t leaving_n;
    uint64_t leaving_at; /* the directory's length when it was last looked what is to be handed in, plus one; 0: look */
    bool last_freeze, last_word; /* a device that is out: has frozen for the last time; has asked for the end */
    enum replica_ending ending;
    struct replica_question escrow, devices;
    bool copied;          /* this home is a copy: it writes nothing more before it has a new index */
    bool reindex_refused; /* in this session */
    uint64_t kin_at;      /* the directory's length, plus one, when it was last looked whether there are copies */
    bool kin, taken;      /* … and there are; or others may hold, too, what was written again for its author */
    bool looked;          /* what waits here was compared with what came from them */
    bool cuts_hold;       /* nothing here is behind a revocation's cut */
    bool back_refused;    /* the same: that it is back, who was expelled */
    uint64_t back_at;     /* the position at which that was tried last */
    struct sat_arena lives_arena;
    bool told_in_sync, told_idle, told_debt;
    struct sat_replica_counts counts;
};

struct replica_step {
    struct sat_replica *replica;
    uint64_t now_ms;
    struct sat_arena *arena;
    struct sat_actions *out;
    struct sat_fault fault;
    uint64_t dir_before; /* the directory's length when the batch began */
    /* What the server let through, to be kept when the batch is undone; id zeros: nothing. */
    struct sat_aside_row evidence;
};

/* replica.c */
void replica_send(struct replica_step *step, const struct sat_message *message);
struct sat_action *replica_notice(struct replica_step *step, enum sat_notice notice);
/* The same of a space, for SAT_TO_TELL_KEY as well. Inside a transaction. */
enum sat_err replica_tell(struct replica_step *step, const struct replica_sub *sub, enum sat_notice notice,
                          const char *text) SAT_MUST_CHECK;
enum sat_err replica_begin(struct replica_step *step) SAT_MUST_CHECK;
void replica_fail_session(struct replica_step *step, enum sat_err err); /* the fault has the sentence */
enum sat_err replica_save_spaces(struct sat_replica *replica) SAT_MUST_CHECK;
bool replica_may_read(const struct sat_replica *replica, const struct sat_space_id *space);
struct replica_sub *replica_sub_of(struct sat_replica *replica, uint64_t number);
uint64_t replica_now(const struct replica_step *step); /* the server's time, as it goes on since its hello */
/* Is this device out: revoked, or its user suspended? */
bool replica_is_out(const struct sat_replica *replica);
bool replica_is_approved(const struct sat_replica *replica);

/* replica_ranges.c: is the digest of the head at the cursor ours? If not, it is looked where they differ. */
enum sat_err replica_compare(struct replica_step *step, struct replica_sub *sub,
                             const struct sat_hash *digest) SAT_MUST_CHECK;
enum sat_err replica_differences(struct replica_step *step,
                                 const struct sat_message_DIFFERENCES *message) SAT_MUST_CHECK;

/* replica_directory.c */
enum sat_err replica_hello(struct replica_step *step, const struct sat_message_HELLO *message) SAT_MUST_CHECK;
enum sat_err replica_links(struct replica_step *step, const struct sat_message_LINKS *message) SAT_MUST_CHECK;
/* replica_restored.c: the server has no links behind `from`, which are here. */
enum sat_err replica_return_links(struct replica_step *step, uint64_t from) SAT_MUST_CHECK;
enum sat_err replica_recovering(struct replica_step *step, const struct sat_message_RECOVERING *message) SAT_MUST_CHECK;
enum sat_err replica_boxes(struct replica_step *step, const struct sat_message_BOXES *message) SAT_MUST_CHECK;
/* For every readable space whose key is not here. */
enum sat_err replica_ask_boxes(struct replica_step *step) SAT_MUST_CHECK;
/* Asks for the boxes of these names; none: just for an answer, which comes behind those to what was said before. */
void replica_send_wants(struct replica_step *step, struct sat_list wants);
enum sat_err replica_keep_link(struct replica_step *step, const struct sat_link *link, struct sat_span bytes,
                               const struct sat_countersign *sign) SAT_MUST_CHECK;

/* replica_append.c */
enum sat_err replica_appended(struct replica_step *step, const struct sat_message_APPENDED *message) SAT_MUST_CHECK;
enum sat_err replica_append_refused(struct replica_step *step, enum sat_err err, struct sat_span text) SAT_MUST_CHECK;
/* Asks build_links() and sends what it gives, if there is a wish and it can be fulfilled now. */
enum sat_err replica_wish(struct replica_step *step) SAT_MUST_CHECK;
enum sat_err replica_pay(struct replica_step *step) SAT_MUST_CHECK;      /* the same for epochs that are owed */
enum sat_err replica_reindex(struct replica_step *step) SAT_MUST_CHECK;  /* the same for a new index */
enum sat_err replica_say_back(struct replica_step *step) SAT_MUST_CHECK; /* and for who was expelled */

/* replica_pull.c */
enum sat_err replica_subscribe(struct replica_step *step) SAT_MUST_CHECK; /* to every readable space that is not yet */
enum sat_err replica_entries(struct replica_step *step, const struct sat_message_ENTRIES *message) SAT_MUST_CHECK;
/* Own work that waits comes by the log: does the log have nothing of this device behind it? SAT_ERR_TAMPERED. */
enum sat_err replica_check_order(struct replica_step *step, const struct replica_sub *sub,
                                 const struct sat_bundle_row *own) SAT_MUST_CHECK;
enum sat_err replica_head(struct replica_step *step, const struct sat_message_HEAD *message) SAT_MUST_CHECK;

/* replica_copied.c */
/* The log has a bundle of this device that is not here. */
enum sat_err replica_meet_copy(struct replica_step *step, const struct replica_sub *sub, uint64_t first,
                               uint32_t count) SAT_MUST_CHECK;
enum sat_err replica_set_back(struct replica_step *step, const struct sat_message_SET_BACK *message) SAT_MUST_CHECK;
/* Is there a space that it could read under its number, and may not any more? What has a number there, it cannot see.
 */
bool replica_cannot_look(const struct sat_replica *replica);
/* So it is. */
enum sat_err replica_is_copy(struct replica_step *step) SAT_MUST_CHECK;
/* What there is to do for a home that is a copy, instead of all else. */
enum sat_err replica_heal(struct replica_step *step) SAT_MUST_CHECK;
/* Are there others who may write again what waits here? */
bool replica_has_kin(struct sat_replica *replica);
/* Where there are copies of this home, nothing is sent before what waits was compared with what came from them. */
bool replica_must_look(struct sat_replica *replica);
void replica_heard_of(struct sat_replica *replica, uint32_t author); /* something of his came */
enum sat_err replica_look_again(struct replica_step *step, bool *waits) SAT_MUST_CHECK;

/* replica_cursors.c: where nothing more is to be done now, says so to the server */
enum sat_err replica_cursors(struct replica_step *step) SAT_MUST_CHECK;
void replica_resubscribe(struct replica_step *step, struct replica_sub *sub); /* where it is now, whatever was sent */

/* replica_lives.c */
/* A log begins here with this life: is it to be heard first what the life is descended from? Then that was asked. */
bool replica_must_ask_lives(struct replica_step *step, struct replica_sub *sub, const struct sat_log_epoch *epoch);
enum sat_err replica_lives(struct replica_step *step, const struct sat_message_LIVES *message) SAT_MUST_CHECK;
enum sat_err replica_common(struct replica_step *step, const struct sat_message_COMMON *message) SAT_MUST_CHECK;
/* Loads what the store knows of the space's lives and of what is to be given back. */
enum sat_err replica_lives_load(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;

/* replica_return.c */
/* Is there something to give back in the space, receipts first? As replica_push(). */
enum sat_err replica_return(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                            struct sat_buf *out, bool *more) SAT_MUST_CHECK;
enum sat_err replica_unreturned(struct replica_step *step, const struct sat_message_UNRETURNED *message) SAT_MUST_CHECK;
/* … and where some of it was not taken: is one's own pending bundle to be written again for its sake? */
enum sat_err replica_stands_on_refused(struct replica_step *step, const struct replica_sub *sub,
                                       const struct sat_bundle_row *own, bool *does) SAT_MUST_CHECK;
/* What the log has a copy of is not given back beside it. */
enum sat_err replica_look_back(struct replica_step *step) SAT_MUST_CHECK;
/* replica_lives.c: what waits to be given back in the space. */
enum sat_err replica_count_returns(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;
/* What waits here to be given back has arrived, or something else has in its place: the waiting copy goes; another
 * one with these numbers is put aside. */
struct replica_arrival {
    uint32_t device;
    uint64_t first;
    uint32_t count;
    struct sat_hash id;
    struct sat_hash refused;   /* what a void statement stands for */
    struct sat_bundle *bundle; /* NULL: a void statement */
    struct sat_change *here;   /* what the waiting copy had; NULL: there was none */
};
enum sat_err replica_came_back(struct replica_step *step, struct replica_sub *sub, struct replica_arrival *arrival,
                               bool *back) SAT_MUST_CHECK;
/* Has a bundle come without the bytes by which it would be told whether it repeats what waits here? */
enum sat_err replica_lacks_bytes(struct replica_step *step, const struct replica_sub *sub,
                                 const struct sat_bundle *bundle, bool *lacks) SAT_MUST_CHECK;
/* The bytes of changes that were replaced go before those who replaced them do: what was here of them fills the stubs,
 * once the bundle is judged as it came. What was here was judged when it came first, and may stand on what comes again
 * behind this. */
enum sat_err replica_make_whole(struct replica_step *step, const struct replica_arrival *arrival,
                                struct sat_header *headers) SAT_MUST_CHECK;
static inline struct replica_arrival replica_arrival_of(struct sat_bundle *bundle)
{
    const struct sat_manifest *m = &bundle->manifest;
    return (struct replica_arrival){
        .device = m->device, .first = m->first, .count = m->count, .id = bundle->id, .bundle = bundle};
}
/* replica_fill.c: bundles that came back with stubs, and whose bytes come behind them. */
/* The server lacks bytes of a bundle, or has taken some. */
enum sat_err replica_offer(struct replica_step *step, struct replica_sub *sub,
                           const struct sat_message_UNRETURNED *message) SAT_MUST_CHECK;
/* The next one that is to be sent. As replica_push(). */
enum sat_err replica_send_offer(struct sat_replica *replica, struct replica_sub *sub, struct sat_arena *arena,
                                struct sat_buf *out, bool *more) SAT_MUST_CHECK;
static inline bool replica_is_offering(const struct replica_sub *sub)
{
    return sub->offers.answered < sub->offers.n;
}
/* A head has come whose digest is another: is one of those that wait here whole there? */
enum sat_err replica_ask_whole(struct replica_step *step, struct replica_sub *sub,
                               const struct sat_hash *digest) SAT_MUST_CHECK;
/* What somebody here wants to know of what was replaced (wishes.h). */
enum sat_err replica_ask_wishes(struct replica_step *step) SAT_MUST_CHECK;
/* No answer to the question that is out, if one is, is awaited any more: it is put again. */
void replica_unask(struct replica_sub *sub);
enum sat_err replica_take_whole(struct replica_step *step, struct replica_sub *sub,
                                struct sat_span item) SAT_MUST_CHECK;
enum sat_err replica_encode_return(struct sat_replica *replica, const struct replica_sub *sub,
                                   const struct sat_bundle_row *row, struct sat_arena *arena,
                                   struct sat_buf *out) SAT_MUST_CHECK;
/* A verified head has come: what proved the receipts is not needed more, if all is back. */
enum sat_err replica_returns_done(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;

/* replica_unanswered.c: a message has come. Does the server say too much without an answer to what it was asked? */
enum sat_err replica_count_unanswered(struct replica_step *step, enum sat_message_type type) SAT_MUST_CHECK;

/* replica_anew.c */
enum sat_err replica_anew(struct replica_step *step, const struct sat_message_ANEW *message) SAT_MUST_CHECK;
enum sat_err replica_anew_load(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;
/* A verified head came while the server's log is awaited from its beginning: what is here goes. */
enum sat_err replica_anew_begin(struct replica_step *step, struct replica_sub *sub,
                                const struct sat_head *head) SAT_MUST_CHECK;
/* An entry was taken: the log that comes must be the one that was here. */
enum sat_err replica_anew_check(struct replica_step *step, const struct replica_sub *sub) SAT_MUST_CHECK;
enum sat_err replica_anew_end(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK; /* at a head */
/* Up to which counter own work is in the log, whatever waits here: what stands in the chain before an accepted bundle,
 * though within a run. 0: where there is no run, what waits is not there. */
enum sat_err replica_logged(const struct sat_replica *replica, const struct replica_sub *sub,
                            uint64_t *counter) SAT_MUST_CHECK;
/* At a head: own work that waits, and is in the log within a run, where all of it is replaced, does not come by itself.
 */
enum sat_err replica_settle_compacted(struct replica_step *step, const struct replica_sub *sub) SAT_MUST_CHECK;
/* The server's log is in this life. */
enum sat_err replica_anew_meet(struct replica_step *step, struct replica_sub *sub,
                               const struct sat_log_epoch *epoch) SAT_MUST_CHECK;

/* replica_words.c: does everybody's word stand behind the newest collection, as far as that is behind the last head? If
 * not, they are asked for, and a head is asked for when they are here. */
enum sat_err replica_ask_words(struct replica_step *step, struct replica_sub *sub, bool *heard) SAT_MUST_CHECK;
enum sat_err replica_words(struct replica_step *step, const struct sat_message_CURSORS *message) SAT_MUST_CHECK;

/* replica_collect.c: a session begins, in which collections may come; one has. */
enum sat_err replica_collect_open(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;
enum sat_err replica_take_collection(struct replica_step *step, struct replica_sub *sub,
                                     const struct sat_entry_wire *entry) SAT_MUST_CHECK;

/* replica_brake.c */
/* Whatever the server says of it counts for nothing in this session. */
static inline bool replica_is_deaf(const struct replica_sub *sub)
{
    return sub->gone || sub->held || sub->halted;
}
/* It is being found out how far its log is the server's. */
static inline bool replica_is_searching(const struct replica_sub *sub)
{
    return sub->heal.claimed || sub->heal.searching;
}
enum sat_err replica_brake_open(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;
/* Others' changes were taken over: which records were there before? */
void replica_brake_note(struct replica_sub *sub, const struct sat_bundle *bundle, const bool *met);
/* Too much in a space? Then what came of it is let go of. */
enum sat_err replica_brake(struct replica_step *step) SAT_MUST_CHECK;
void replica_brake_free(struct sat_replica *replica);

/* replica_evidence.c */
/* Notes that the server let this bundle through, which `why` speaks against; returns `why`. */
enum sat_err replica_accuse(struct replica_step *step, const struct sat_space_id *space,
                            const struct sat_bundle *bundle, uint64_t recv_ms, enum sat_err why);
/* Keeps what was noted, in a transaction of its own. */
enum sat_err replica_keep_evidence(struct replica_step *step) SAT_MUST_CHECK;
/* A revocation that was just applied: is something here that is behind its cuts? Once the logs' ends are here:
 * SAT_ERR_TAMPERED if there is still. */
enum sat_err replica_note_cuts(struct replica_step *step, const struct sat_link *link) SAT_MUST_CHECK;
enum sat_err replica_check_cuts(struct replica_step *step) SAT_MUST_CHECK;

/* replica_aside.c */
/* Is the bundle to be put aside now, with that verdict against it? What the server insists on: it showed it in an
 * earlier session too, which failed for it. What needs a later version is put aside at once. */
enum sat_err replica_is_aside(struct replica_step *step, const struct sat_bundle *bundle, enum sat_err why,
                              bool *aside) SAT_MUST_CHECK;
/* Puts it aside; the log goes on behind it. */
enum sat_err replica_put_aside(struct replica_step *step, struct replica_sub *sub, const struct sat_bundle *bundle,
                               const struct sat_entry_wire *entry, enum sat_err why) SAT_MUST_CHECK;
/* How many stubs of the space are of records that what was put aside in its log changes: they may be replaced by that.
 */
enum sat_err replica_stubs_aside(struct replica_step *step, const struct replica_sub *sub, uint64_t *n) SAT_MUST_CHECK;
/* What was put aside for want of a later version, and was on a log that the server lost, waits to be given back. */
enum sat_err replica_return_asides(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;
/* What was put aside in the space for want of a later version, and is understood by now, enters the base. */
enum sat_err replica_take_up(struct replica_step *step, struct replica_sub *sub) SAT_MUST_CHECK;

/* replica_void.c */
/* Puts void statements in the place of what was refused, and has what is behind it written again (MERGE 8). */
enum sat_err replica_mend(struct replica_step *step) SAT_MUST_CHECK;
void replica_encode_void(const struct sat_bundle_row *row, struct sat_buf *out);
enum sat_err replica_take_void(struct replica_step *step, struct replica_sub *sub,
                               const struct sat_entry_wire *entry) SAT_MUST_CHECK;
enum sat_err replica_take_own_void(struct replica_step *step, struct replica_sub *sub,
                                   const struct sat_entry_wire *entry, const struct sat_bundle_row *row) SAT_MUST_CHECK;
/* The echo of this device's, which the server had lost. */
enum sat_err replica_void_is_back(struct replica_step *step, struct replica_sub *sub,
                                  const struct sat_entry_wire *entry, const struct sat_bundle_row *row) SAT_MUST_CHECK;

/* replica_leave.c */
/* May the pending bundle not be pushed any more? */
enum sat_err replica_is_late(struct sat_replica *replica, const struct sat_space_id *space,
                             const struct sat_bundle_row *row, struct sat_arena *arena, bool *late) SAT_MUST_CHECK;
/* What is to be handed in; spaces that are lost and have nothing (more) of that are purged. */
enum sat_err replica_leave_spaces(struct replica_step *step) SAT_MUST_CHECK;
/* The last things of a device that is out, or of one that was wiped. */
enum sat_err replica_leave(struct replica_step *step) SAT_MUST_CHECK;
enum sat_err replica_handed_in(struct replica_step *step, const struct sat_message_HANDED_IN *message) SAT_MUST_CHECK;
struct replica_leaving *replica_leaving_of(struct sat_replica *replica, int64_t sid);
/* What is known of the space's leaving; from now on. */
struct replica_leaving *replica_leaving_add(struct sat_replica *replica, const struct sat_space_row *row);
/* The next bundle to hand in, as replica_push(). */
enum sat_err replica_hand_in(struct sat_replica *replica, struct sat_arena *arena, struct sat_buf *out,
                             bool *more) SAT_MUST_CHECK;
/* Why work waits that cannot be handed in; NULL: none does. *under_way: some is on its way. */
const char *replica_leaving_stuck(const struct sat_replica *replica, bool *under_way);
void replica_send_wiped(struct replica_step *step);
enum sat_err replica_said_revoked(struct replica_step *step) SAT_MUST_CHECK; /* the server did, as an error */
void replica_end(struct replica_step *step);                                 /* tells the planned end */

/* replica_kin.c: the next bundle of the home's other numbers that is to be handed in, and the answer to it. */
enum sat_err replica_find_kin(struct sat_replica *replica, int64_t sid, struct sat_arena *arena,
                              struct sat_bundle_row *out, bool *found) SAT_MUST_CHECK;
enum sat_err replica_took_kin(struct replica_step *step, struct replica_leaving *leaving,
                              enum sat_err why) SAT_MUST_CHECK;

/* replica_held.c: asks about what was handed in before. *waits: it is asked, or was and has not been answered. */
enum sat_err replica_ask_held(struct replica_step *step, const struct sat_space_row *row, bool *waits) SAT_MUST_CHECK;
enum sat_err replica_held(struct replica_step *step, const struct sat_message_HELD *message) SAT_MUST_CHECK;

/* It is asked that, and has not been answered. */
static inline bool replica_awaits_held(const struct replica_leaving *leaving)
{
    return leaving->held_asked > leaving->held;
}

/* replica_older.c: questions that a server of an earlier version does not know; named by the key of their note. */
/* Has the server shown lately that it does not know it? Then it is not asked. */
enum sat_err replica_is_unknown(struct replica_step *step, const char *question, bool *unknown) SAT_MUST_CHECK;
enum sat_err replica_is_known(struct replica_step *step, const char *question) SAT_MUST_CHECK; /* it has answered */
/* Is one under way? Then a server that does not know it ends the session, and the next one does not ask it.
 * SAT_ERR_CLOSED. */
bool replica_may_be_unknown(const struct sat_replica *replica);
enum sat_err replica_is_not_understood(struct replica_step *step) SAT_MUST_CHECK;

/* replica_admin.c */
enum sat_err replica_ask(struct replica_step *step) SAT_MUST_CHECK;
enum sat_err replica_escrow(struct replica_step *step, const struct sat_message_ESCROW *message) SAT_MUST_CHECK;
enum sat_err replica_devices(struct replica_step *step, const struct sat_message_DEVICES *message) SAT_MUST_CHECK;

/* replica_push.c */
enum sat_err replica_refused(struct replica_step *step, const struct sat_message_REFUSED *message) SAT_MUST_CHECK;
/* Once everything is pulled: what the server said of dots that are taken, and did not show. */
enum sat_err replica_disputes(struct replica_step *step) SAT_MUST_CHECK;
enum sat_err replica_taken(struct replica_step *step, const struct sat_message_TAKEN *message) SAT_MUST_CHECK;
enum sat_err replica_freeze(struct replica_step *step) SAT_MUST_CHECK; /* some, while there is nothing to send */
enum sat_err replica_freeze_all(struct replica_step *step) SAT_MUST_CHECK;
/* Is there a bundle to send within the window? Appends the message to `out` (unless NULL). */
enum sat_err replica_push(struct sat_replica *replica, struct sat_arena *arena, struct sat_buf *out,
                          bool *more) SAT_MUST_CHECK;
/* The bundle of a row that is pending here, from memory if it was frozen a moment ago; borrowed until the next freeze,
 * or the arena owns it. */
enum sat_err replica_own_bundle(const struct sat_replica *replica, const struct sat_bundle_row *row,
                                struct sat_arena *arena, struct sat_bundle *out) SAT_MUST_CHECK;

#endif
