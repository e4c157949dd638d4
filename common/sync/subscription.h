/* What a client says of a space when it subscribes (an item of the SUBSCRIBE message), and an entry as it travels (of
 * ENTRIES).
 *
 *   subscription  varint sub ‖ space16 ‖ first 4 bytes of the log epoch (zeros: none yet) ‖ varint cursor ‖ root8
 *
 *   entry         u8 kind ‖ varint recv_ms ‖ varint dir_at ‖ the bundle's wire form, or the void statement's
 *
 *   a collection (kind 3) has its payload there (proof/collection.h)
 *
 *   own entry     u8 kind | 0x80 ‖ varint recv_ms ‖ varint dir_at ‖ first 8 bytes of the id
 *
 *   one that came back (kind 4) has varint receipt_ms ‖ varint receipt_dir behind dir_at
 *
 *   run           u8 5 ‖ varint level ‖ the root of the subtree of 2^level entries that it stands for (sync/compact.h)
 *
 *   lost entry    u8 kind ‖ id32 ‖ varint recv_ms ‖ varint dir_at [‖ varint receipt_ms ‖ varint receipt_dir]
 *
 *   lost run      u8 5 ‖ root32 ‖ varint level ‖ varint 0
 *
 *   root          u64 size ‖ root8
 *
 *   cursor        varint device ‖ varint size ‖ varint ack ‖ varint dir_seq ‖ first 4 bytes of the log epoch
 *                 ‖ digest32 ‖ sig64
 *
 * root8 are the first bytes of the log's root at the cursor, or at `size`. An own entry goes to its author, who has the
 * rest; a lost one is an item of RECEIPTS, a root one of ROOTS, a cursor one of CURSORS: what is not in it follows from
 * the log and the directory of whoever believes it. */
#ifndef SAT_SYNC_SUBSCRIPTION_H
#define SAT_SYNC_SUBSCRIPTION_H

#include "common/base/id.h"
#include "common/base/limits.h"
#include "common/proof/log.h"

struct sat_subscription {
    uint32_t sub; /* the client's number for the space, for this session */
    struct sat_space_id space;
    uint8_t log_epoch[4];
    uint64_t cursor;
    uint8_t root[8];
};
void sat_subscription_encode(const struct sat_subscription *subscription, struct sat_buf *out);
enum sat_err sat_subscription_decode(struct sat_span bytes, struct sat_subscription *out) SAT_MUST_CHECK;

#define SAT_ENTRY_OWN 0x80

struct sat_entry_wire {
    uint8_t kind;         /* enum sat_entry_kind */
    uint8_t level;        /* RUN, which has nothing but this … */
    struct sat_hash root; /* … and this */
    bool own;
    uint64_t recv_ms, dir_at;
    uint64_t receipt_ms, receipt_dir; /* of one that came back; else 0 */
    uint8_t id_prefix[8];             /* own */
    struct sat_span bundle;           /* otherwise; borrowed */
};
void sat_entry_wire_encode(const struct sat_entry_wire *entry, struct sat_buf *out);
enum sat_err sat_entry_wire_decode(struct sat_span bytes, struct sat_entry_wire *out) SAT_MUST_CHECK;

/* Without the sequence number, which follows from the place in the list. */
void sat_lost_encode(const struct sat_entry *entry, struct sat_buf *out);
enum sat_err sat_lost_decode(struct sat_span bytes, struct sat_entry *out) SAT_MUST_CHECK;

struct sat_root_item {
    uint64_t size;
    uint8_t root[8];
};
void sat_root_item_encode(const struct sat_root_item *item, struct sat_buf *out);
enum sat_err sat_root_item_decode(struct sat_span bytes, struct sat_root_item *out) SAT_MUST_CHECK;
/* A signed cursor that is shown to its author (SET_BACK): u64 size ‖ root32 ‖ digest32 ‖ u64 ack ‖ u64 dir_seq ‖
 * dir_hash32 ‖ log_epoch16 ‖ sig64. Device and space are those of the session and of the subscription. */
void sat_cursor_wire_encode(const struct sat_cursor *cursor, const struct sat_signature *signature,
                            struct sat_buf *out);
enum sat_err sat_cursor_wire_decode(struct sat_span bytes, struct sat_cursor *cursor,
                                    struct sat_signature *signature) SAT_MUST_CHECK;

/* One of those that everybody may see. Decoded, it lacks space, root, directory hash and the rest of the log epoch. */
void sat_cursor_item_encode(const struct sat_cursor *cursor, const struct sat_signature *signature,
                            struct sat_buf *out);
enum sat_err sat_cursor_item_decode(struct sat_span bytes, struct sat_cursor *cursor,
                                    struct sat_signature *signature) SAT_MUST_CHECK;

#endif
