/* The inside of the client's role, shared by its files alone. */
#ifndef SAT_SYNC_REPLICA_STATE_H
#define SAT_SYNC_REPLICA_STATE_H

#include "common/sync/replica.h"
#include "common/wire/message.h"

enum replica_state { REPLICA_WAITING, REPLICA_TALKING, REPLICA_OVER };

/* What build_links() wants appended: nothing (more); to be asked when the directory is current; under way. */
enum link_wish { WISH_NONE, WISH_OPEN, WISH_SENT };

enum { PUSH_RETRIES_MAX = 3 };

struct replica_sub {
    uint32_t sub;
    struct sat_space_row row;
    bool dirty;               /* the row differs from the stored one */
    uint64_t resubscribed_at; /* cursor + 1 of the last re-subscription after a gap; 0: none */
    uint64_t announced;       /* size of the log as the server last said */
    bool asked_entry;         /* an entry was asked in full form */
    bool asked_head;
    bool head_here;     /* a head for the cursor was verified in this session */
    bool digest_agrees; /* … and its digest is ours */
    uint64_t pushed;    /* counter of the last change sent in this session; the next push begins behind it */
    uint32_t in_flight; /* bundles sent and not yet heard of */
    uint32_t retries;
    bool push_full;    /* the short form was not understood */
    bool blocked;      /* a bundle was refused: what is behind it waits (MERGE 8) */
    uint64_t pushable; /* pending bundles not yet sent, known after the last look; 0: none */
};

struct sat_replica {
    struct sat_replica_config config;
    enum replica_state state;
    uint8_t client_nonce[32], server_nonce[32];
    struct sat_binding binding;
    uint64_t peer;
    uint64_t server_time_ms, retry_ms;
    uint64_t dir_goal;  /* the directory's length as the server said; its links are on their way */
    uint64_t hello_seq; /* what the hello said of the directory */
    struct sat_hash hello_hash;
    enum link_wish wish;
    struct sat_link_batch batch; /* what was sent, in batch_arena, until it is in the directory */
    struct sat_arena batch_arena;
    bool boxes_asked, boxes_answered; /* an answer is awaited; one has come for the directory as it is */
    uint64_t boxes_at;                /* the directory's length when they were asked */
    struct replica_sub *subs;
    uint32_t subs_n, next_sub;
    uint64_t drafts_left;
    bool told_in_sync, told_idle, appended_told;
    struct sat_replica_counts counts;
};

struct replica_step {
    struct sat_replica *replica;
    uint64_t now_ms;
    struct sat_arena *arena;
    struct sat_actions *out;
    struct sat_fault fault;
    uint64_t dir_before; /* the directory's length when the batch began */
};

/* replica.c */
void replica_send(struct replica_step *step, const struct sat_message *message);
struct sat_action *replica_notice(struct replica_step *step, enum sat_notice notice);
enum sat_err replica_begin(struct replica_step *step) SAT_MUST_CHECK;
enum sat_err replica_save_spaces(struct sat_replica *replica) SAT_MUST_CHECK;
bool replica_may_read(const struct sat_replica *replica, const struct sat_space_id *space);
struct replica_sub *replica_sub_of(struct sat_replica *replica, uint64_t number);

/* replica_directory.c */
enum sat_err replica_hello(struct replica_step *step, const struct sat_message_HELLO *message) SAT_MUST_CHECK;
enum sat_err replica_links(struct replica_step *step, const struct sat_message_LINKS *message) SAT_MUST_CHECK;
enum sat_err replica_appended(struct replica_step *step, const struct sat_message_APPENDED *message) SAT_MUST_CHECK;
enum sat_err replica_append_refused(struct replica_step *step, enum sat_err err, struct sat_span text) SAT_MUST_CHECK;
enum sat_err replica_boxes(struct replica_step *step, const struct sat_message_BOXES *message) SAT_MUST_CHECK;
enum sat_err replica_wish(struct replica_step *step) SAT_MUST_CHECK; /* asks build_links() and sends what it gives */
enum sat_err
replica_ask_boxes(struct replica_step *step) SAT_MUST_CHECK; /* for every readable space whose key is not here */

/* replica_pull.c */
enum sat_err replica_subscribe(struct replica_step *step) SAT_MUST_CHECK; /* to every readable space that is not yet */
enum sat_err replica_entries(struct replica_step *step, const struct sat_message_ENTRIES *message) SAT_MUST_CHECK;
enum sat_err replica_head(struct replica_step *step, const struct sat_message_HEAD *message) SAT_MUST_CHECK;

/* replica_push.c */
enum sat_err replica_refused(struct replica_step *step, const struct sat_message_REFUSED *message) SAT_MUST_CHECK;
enum sat_err replica_freeze(struct replica_step *step) SAT_MUST_CHECK;
/* Is there a bundle to send within the window? Appends the message to `out` (unless NULL). */
enum sat_err replica_push(struct sat_replica *replica, struct sat_arena *arena, struct sat_buf *out,
                          bool *more) SAT_MUST_CHECK;

#endif
