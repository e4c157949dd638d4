/* The store: what a replica keeps, on the server and on a device alike. The engine knows this interface only; SQLite
 * stands behind it today (sqlite.c), and it is narrow enough for another database.
 *
 * One store is one org. All calls between begin and commit are one transaction; reads outside one see the last commit.
 * A failure inside a transaction leaves it open: the caller rolls back. Rows are given out into the caller's arena.
 * Every function may fail with SAT_ERR_IO, SAT_ERR_DISK_FULL, SAT_ERR_READ_ONLY, SAT_ERR_CORRUPT; the sentence is in
 * sat_store_fault(). "Absent" is not an error where the function says `found`. */
#ifndef SAT_STORE_STORE_H
#define SAT_STORE_STORE_H

#include "common/proof/bundle.h"
#include "common/proof/collection.h"
#include "common/proof/life.h"
#include "common/proof/link.h"
#include "common/proof/log.h"

struct sat_store;

enum sat_store_mode {
    SAT_STORE_CREATE,    /* make it, SAT_ERR_EXISTS if it is there */
    SAT_STORE_OPEN,      /* SAT_ERR_NOT_FOUND if it is not */
    SAT_STORE_READ_ONLY, /* no migration either: SAT_ERR_NEWER_STORE or SAT_ERR_CONFIG ("needs an upgrade") */
};

/* Opens the store at `path` (":memory:" for tests) and migrates it to this version's schema. SAT_ERR_NEWER_STORE for
 * one of a later version, SAT_ERR_CORRUPT for a file that is no store of ours, SAT_ERR_READ_ONLY. The caller closes
 * *out. */
enum sat_err sat_store_open(const char *path, enum sat_store_mode mode, struct sat_store **out,
                            struct sat_fault *fault) SAT_MUST_CHECK;
/* How much of the file may be kept in memory; 2 MiB if nobody says. */
void sat_store_keep_in_memory(struct sat_store *store, uint32_t kib);
void sat_store_close(struct sat_store *store); /* NULL is fine; an open transaction is rolled back */
const struct sat_fault *sat_store_fault(const struct sat_store *store); /* of the last failure; borrowed */
uint32_t sat_store_schema_version(const struct sat_store *store);

enum sat_err sat_store_begin(struct sat_store *store) SAT_MUST_CHECK;  /* takes the write lock at once */
enum sat_err sat_store_commit(struct sat_store *store) SAT_MUST_CHECK; /* durable when it returns */
void sat_store_rollback(struct sat_store *store);                      /* no transaction open: nothing happens */
/* A mark in the open transaction, one at a time: what came behind it is kept or undone, the rest of it stays as it is.
 */
enum sat_err sat_store_mark(struct sat_store *store) SAT_MUST_CHECK;
enum sat_err sat_store_mark_end(struct sat_store *store, bool keep) SAT_MUST_CHECK;
bool sat_store_in_transaction(const struct sat_store *store);

/* ---- Small named values ---- */
enum sat_err sat_store_meta_put(struct sat_store *store, const char *key, struct sat_span value) SAT_MUST_CHECK;
enum sat_err sat_store_meta_get(struct sat_store *store, const char *key, struct sat_arena *arena, struct sat_span *out,
                                bool *found) SAT_MUST_CHECK;
/* Every value whose key is not before `first` and before `behind`. */
enum sat_err sat_store_meta_delete(struct sat_store *store, const char *first, const char *behind) SAT_MUST_CHECK;
enum sat_err sat_store_meta_put_u64(struct sat_store *store, const char *key, uint64_t value) SAT_MUST_CHECK;
enum sat_err sat_store_meta_get_u64(struct sat_store *store, const char *key, uint64_t absent,
                                    uint64_t *out) SAT_MUST_CHECK;

/* ---- The directory ---- */
struct sat_link_row {
    uint64_t seq;
    struct sat_span bytes; /* as sat_link_encode() wrote it */
    struct sat_countersign sign;
};
enum sat_err sat_store_link_append(struct sat_store *store, const struct sat_link_row *row) SAT_MUST_CHECK;
/* Up to `limit` links from `first_seq` on, in order. */
enum sat_err sat_store_links(struct sat_store *store, uint64_t first_seq, uint32_t limit, struct sat_arena *arena,
                             struct sat_link_row **out, uint32_t *n) SAT_MUST_CHECK;
/* Many at once, which is how they come: kept in pages, so that a box costs little more than its 80 bytes. An existing
 * one stays. Sorts `boxes`. */
enum sat_err sat_store_boxes_put(struct sat_store *store, struct sat_box *boxes, uint32_t n) SAT_MUST_CHECK;
/* Fills box->bytes for the box named by its other members. */
enum sat_err sat_store_box_get(struct sat_store *store, struct sat_box *box, bool *found) SAT_MUST_CHECK;

/* ---- Spaces: one row each, with the state of its log ---- */
#define SAT_DIGEST_STATE_BYTES 2048

struct sat_space_row {
    int64_t sid; /* the store's own small number of the space */
    struct sat_space_id id;
    struct sat_log_epoch log_epoch;         /* zeros on a client that has never seen a head */
    struct sat_frontier log;                /* log.size: entries applied; on a client also the cursor */
    uint64_t last_recv_ms, last_dir_at;     /* of the newest entry: they never decrease */
    uint8_t digest[SAT_DIGEST_STATE_BYTES]; /* LtHash of the live set */
    uint64_t live;                          /* live changes of the accepted base */
    uint64_t head_size;                     /* client: size of the newest verified signed head; 0: none */
    uint64_t synced_ms;                     /* client: server time of that head, when digests matched last; 0: never */
    uint8_t head[SAT_HEAD_BYTES_MAX];       /* client: that head in its full form: proof of what the server had … */
    uint16_t head_len;                      /* … 0: there is none, or it was of a former life */
    uint64_t floor; /* everybody has acknowledged so many entries, as the log's collections say (proof/collection.h) */
    uint64_t swept, aged; /* entries that were looked at for versions beyond their number, and beyond their age */
    uint64_t packed;      /* … and for such as can be let go of, up to the floor … */
    bool repack;          /* … and once more from the beginning, as more has been forgotten since */
    uint64_t compacted;   /* the last entry of the last run; 0: there is none */
    uint64_t trusted;     /* client: up to here entries were taken on the word of a collection that is still to come */
};
/* Its number alone, which is what most want to know. */
enum sat_err sat_store_space_sid(struct sat_store *store, const struct sat_space_id *id, int64_t *out,
                                 bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_space_find(struct sat_store *store, const struct sat_space_id *id, struct sat_space_row *out,
                                  bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_space_get(struct sat_store *store, int64_t sid, struct sat_space_row *out) SAT_MUST_CHECK;
enum sat_err sat_store_space_create(struct sat_store *store,
                                    struct sat_space_row *row) SAT_MUST_CHECK; /* sets row->sid */
enum sat_err sat_store_space_save(struct sat_store *store, const struct sat_space_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_spaces(struct sat_store *store, struct sat_arena *arena, struct sat_space_row **out,
                              uint32_t *n) SAT_MUST_CHECK; /* by sid */

/* ---- Bundles: accepted (seq > 0) or, on their author's device, frozen and pending (seq 0) ---- */
enum sat_bundle_state {
    SAT_BUNDLE_NORMAL = 0,
    SAT_BUNDLE_REFUSED = 1, /* by the server; reason in `refused` */
    /* The server had it and lost it: to be given back, whoever wrote it; seq 0. With a reason in `refused` it did not
     * take it. Not among the pending ones. */
    SAT_BUNDLE_RETURN = 2,
    SAT_BUNDLE_VOID = 3, /* none: the statement that stands in its place, without changes (sync/void.h) */
    /* Pending, and its dots belong to what a copy of this home wrote (MERGE 11): it waits to be written again, and is
     * neither pushed nor found by its dots. `refused` stays. */
    SAT_BUNDLE_PARKED = 4,
};

struct sat_bundle_row {
    int64_t bid; /* set by insert */
    int64_t sid;
    uint32_t device;
    uint64_t first;
    uint32_t count;
    struct sat_hash id;
    uint8_t manifest[SAT_MANIFEST_BYTES];
    struct sat_signature signature;
    uint64_t seq;
    uint8_t state;
    uint32_t refused; /* enum sat_err of a refusal, else 0 */
};
enum sat_err sat_store_bundle_insert(struct sat_store *store, struct sat_bundle_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_bundle_get(struct sat_store *store, int64_t bid, struct sat_bundle_row *out) SAT_MUST_CHECK;
enum sat_err sat_store_bundle_set_seq(struct sat_store *store, int64_t bid, uint64_t seq) SAT_MUST_CHECK;
enum sat_err sat_store_bundle_set_refused(struct sat_store *store, int64_t bid,
                                          uint32_t err) SAT_MUST_CHECK; /* 0 clears */
/* The bundle of `device` whose counters include `counter`, in whatever space. */
enum sat_err sat_store_bundle_of_dot(struct sat_store *store, struct sat_dot dot, struct sat_bundle_row *out,
                                     bool *found) SAT_MUST_CHECK;
/* The first bundle of `device` in any space that shares a counter with [first, first + count). */
enum sat_err sat_store_bundle_overlapping(struct sat_store *store, uint32_t device, uint64_t first, uint32_t count,
                                          struct sat_bundle_row *out, bool *found) SAT_MUST_CHECK;
/* The newest bundle of `device` in the space: by counter, pending ones included only if `pending`. */
enum sat_err sat_store_bundle_tip(struct sat_store *store, int64_t sid, uint32_t device, bool pending,
                                  struct sat_bundle_row *out, bool *found) SAT_MUST_CHECK;
/* The newest bundle of `device` in the space's log that begins before counter `first`. */
enum sat_err sat_store_bundle_before(struct sat_store *store, int64_t sid, uint32_t device, uint64_t first,
                                     struct sat_bundle_row *out, bool *found) SAT_MUST_CHECK;
/* Has `device` a void statement in the space's log, behind that counter? */
enum sat_err sat_store_has_void(struct sat_store *store, int64_t sid, uint32_t device, uint64_t counter,
                                bool *has) SAT_MUST_CHECK;
/* The highest counter of `device` in the space's first `log_size` entries; 0 if it wrote nothing there. */
enum sat_err sat_store_device_counter_at(struct sat_store *store, int64_t sid, uint32_t device, uint64_t log_size,
                                         uint64_t *out) SAT_MUST_CHECK;
/* Parks the pending bundles of `device` that share a counter with [first, first + count); parked ones are as before. */
enum sat_err sat_store_bundles_park(struct sat_store *store, uint32_t device, uint64_t first,
                                    uint32_t count) SAT_MUST_CHECK;
/* Pending bundles of the space in counter order, from counter `first` on. */
enum sat_err sat_store_bundles_pending(struct sat_store *store, int64_t sid, uint64_t first, uint32_t limit,
                                       struct sat_arena *arena, struct sat_bundle_row **out,
                                       uint32_t *n) SAT_MUST_CHECK;
/* The highest number that a bundle has here, of whatever space and state; 0: there is none. */
enum sat_err sat_store_bundle_newest(struct sat_store *store, int64_t *bid) SAT_MUST_CHECK;
enum sat_err sat_store_pending_count(struct sat_store *store, uint64_t *bundles, uint64_t *changes) SAT_MUST_CHECK;

/* ---- Changes ---- */
enum sat_change_state {
    SAT_CHANGE_LIVE = 0,  /* of the accepted base */
    SAT_CHANGE_DEAD = 1,  /* superseded: history, as long as its bytes are kept; a stub has none */
    SAT_CHANGE_ASIDE = 2, /* kept verbatim, listed, not shown */
    /* In a pending bundle: overlay, not base. The bundle says so, once for all of its changes: they are live as soon
     * as it is accepted, but for those that are set dead then. */
    SAT_CHANGE_PENDING = 3,
};

struct sat_change_row {
    int64_t cid; /* bid << 10 | index */
    int64_t sid;
    struct sat_record_id record;
    struct sat_dot dot;
    uint8_t state;
    struct sat_span header, body; /* exact bytes; empty for a stub */
    struct sat_hash rest;
    uint64_t recv_ms;        /* of the entry of its bundle; 0 while pending */
    uint64_t seq;            /* of the same entry */
    const uint8_t *manifest; /* its bundle's, SAT_MANIFEST_BYTES; NULL from the calls that say so */
};
#define SAT_CHANGE_BUNDLE(cid) ((cid) >> 10)
#define SAT_CHANGE_INDEX(cid) ((uint32_t)((cid)&1023))

/* `row->cid` is bid << 10 | index of an existing bundle. */
enum sat_err sat_store_change_insert(struct sat_store *store, const struct sat_change_row *row) SAT_MUST_CHECK;
/* Up to so many, best that many. */
enum { SAT_CHANGES_TOGETHER = 16 };
enum sat_err sat_store_changes_insert(struct sat_store *store, const struct sat_change_row *rows,
                                      uint32_t n) SAT_MUST_CHECK;
enum sat_err sat_store_change_set_state(struct sat_store *store, int64_t cid,
                                        enum sat_change_state state) SAT_MUST_CHECK;
/* Changes that are not stubs, of every space and state, in the order of their numbers, from `cid` on to bundle `bid`,
 * with `deletions` those alone whose header has the deletion flag. Of the header there is the first byte, and no body.
 */
enum sat_err sat_store_changes_from(struct sat_store *store, int64_t cid, int64_t bid, bool deletions, uint32_t limit,
                                    struct sat_arena *arena, struct sat_change_row **out, uint32_t *n) SAT_MUST_CHECK;
/* How many changes in that state, live or dead, each of these records has, SAT_COUNTED_MAX standing for more: live ones
 * together with the pending, and without those of the bundle `but` (0: of none). The records of the space in their
 * order, each once.
 */
enum { SAT_COUNTED_MAX = 2 };
enum sat_err sat_store_records_count(struct sat_store *store, int64_t sid, enum sat_change_state state, int64_t but,
                                     const struct sat_record_id *records, uint32_t n, uint8_t *out) SAT_MUST_CHECK;
/* Those of these of whose record another change is live, or pending, here: `cid`, `sid` and `record` alone. */
enum sat_err sat_store_changes_beside(struct sat_store *store, int64_t cid, int64_t bid, uint32_t limit,
                                      struct sat_arena *arena, struct sat_change_row **out, uint32_t *n) SAT_MUST_CHECK;
/* Makes stubs of the record's dead changes: header and body go, for good. */
enum sat_err sat_store_changes_forget(struct sat_store *store, int64_t sid,
                                      const struct sat_record_id *record) SAT_MUST_CHECK;
/* The record's changes whose bytes are here, of the accepted base, live or dead: without body, rest and manifest. In no
 * order. */
enum sat_err sat_store_history(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                               struct sat_arena *arena, struct sat_change_row **out, uint32_t *n) SAT_MUST_CHECK;
/* The records of all changes in the entries from first to last, some more than once; but not those of which nothing is
 * dead: there is nothing to forget, and most are new ones. */
enum sat_err sat_store_entries_superseded(struct sat_store *store, int64_t sid, uint64_t first, uint64_t last,
                                          struct sat_arena *arena, struct sat_record_id **out,
                                          uint32_t *n) SAT_MUST_CHECK;
/* Makes a stub of one dead change. */
enum sat_err sat_store_change_forget(struct sat_store *store, int64_t cid) SAT_MUST_CHECK;
/* Is every change of the bundle dead, and forgotten? */
enum sat_err sat_store_bundle_is_empty(struct sat_store *store, int64_t bid, bool *empty) SAT_MUST_CHECK;
/* Live changes of a record in the accepted base, by dot. Without manifest and recv_ms, for the blind merge. */
enum sat_err sat_store_changes_live(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                    struct sat_arena *arena, struct sat_change_row **out, uint32_t *n) SAT_MUST_CHECK;
/* Calls `each` with every live change of the accepted base whose record lies between the two, these included, by
 * record; it must not use the store. Another error than SAT_OK ends the walk and is returned. */
enum sat_err sat_store_walk_live(struct sat_store *store, int64_t sid, const struct sat_record_id *first,
                                 const struct sat_record_id *last,
                                 enum sat_err (*each)(void *context, const struct sat_record_id *record,
                                                      struct sat_dot dot, const struct sat_hash *rest),
                                 void *context) SAT_MUST_CHECK;
/* The records between the two that have a change in any state, at most `limit` of them. */
enum sat_err sat_store_records_between(struct sat_store *store, int64_t sid, const struct sat_record_id *first,
                                       const struct sat_record_id *last, uint32_t limit, struct sat_arena *arena,
                                       struct sat_record_id **out, uint32_t *n) SAT_MUST_CHECK;
/* All changes of a record (every state), by (recv_ms, dot) with pending last; with manifest, recv_ms and seq. */
enum sat_err sat_store_changes_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                         struct sat_arena *arena, struct sat_change_row **out,
                                         uint32_t *n) SAT_MUST_CHECK;
/* A bundle's changes in order; without manifest and recv_ms. */
enum sat_err sat_store_changes_of_bundle(struct sat_store *store, int64_t bid, struct sat_arena *arena,
                                         struct sat_change_row **out, uint32_t *n) SAT_MUST_CHECK;
/* Which record a known change is of, and in which space. */
enum sat_err sat_store_change_place(struct sat_store *store, struct sat_dot dot, int64_t *sid,
                                    struct sat_record_id *record, bool *found) SAT_MUST_CHECK;
/* The header of the bundle's change there; empty: a stub. */
enum sat_err sat_store_change_header(struct sat_store *store, int64_t bid, uint32_t index, struct sat_arena *arena,
                                     struct sat_span *out, bool *found) SAT_MUST_CHECK;
/* The spaces in which a record has live or pending changes or drafts, at most `max` of them. */
enum sat_err sat_store_record_spaces(struct sat_store *store, const struct sat_record_id *record, int64_t *sids,
                                     uint32_t max, uint32_t *n) SAT_MUST_CHECK;
/* Calls `each` with every distinct (sid, record) that has a live or pending change or a draft, grouped by space.
 * Another error than SAT_OK from `each` ends the walk and is returned. `each` may read the store. */
enum sat_err sat_store_each_record(struct sat_store *store,
                                   enum sat_err (*each)(void *context, int64_t sid, const struct sat_record_id *record),
                                   void *context) SAT_MUST_CHECK;
/* How many records with live or pending changes a space has; in how many of them a change archives the record. */
enum sat_err sat_store_space_records(struct sat_store *store, int64_t sid, uint64_t *records,
                                     uint64_t *archived) SAT_MUST_CHECK;
/* Of all spaces: it reads every change. */
enum sat_err sat_store_count_state(struct sat_store *store, enum sat_change_state state, uint64_t *out) SAT_MUST_CHECK;

/* ---- The log ---- */
struct sat_entry_row {
    struct sat_entry entry;
    struct sat_hash root; /* of the log with this entry as its last */
    int64_t bid;          /* of a bundle entry, unless it was put aside; else 0 */
};
enum sat_err sat_store_entry_append(struct sat_store *store, int64_t sid,
                                    const struct sat_entry_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_entries(struct sat_store *store, int64_t sid, uint64_t first_seq, uint32_t limit,
                               struct sat_arena *arena, struct sat_entry_row **out, uint32_t *n) SAT_MUST_CHECK;
/* The entry of that id, wherever in the log: slow. */
enum sat_err sat_store_entry_find(struct sat_store *store, int64_t sid, const struct sat_hash *id,
                                  struct sat_entry_row *out, bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_entry_set_bundle(struct sat_store *store, int64_t sid, uint64_t seq, int64_t bid) SAT_MUST_CHECK;
/* The log's root when it had `size` entries (zeros for 0); found is false beyond its end, and within a run. */
enum sat_err sat_store_root_at(struct sat_store *store, int64_t sid, uint64_t size, struct sat_hash *out,
                               bool *found) SAT_MUST_CHECK;

/* ---- Runs: subtrees of a log of which the root alone is kept, as all that they held is superseded and forgotten
 * (sync/compact.h) ---- */
struct sat_run {
    uint64_t last; /* of its entries, 2^level of them; those before are a multiple of that */
    uint8_t level;
    struct sat_hash hash; /* the subtree's root */
    struct sat_hash root; /* of the log with its last entry as the last */
};
static inline uint64_t sat_run_first(const struct sat_run *run)
{
    return run->last + 1 - ((uint64_t)1 << run->level);
}
enum sat_err sat_store_run_put(struct sat_store *store, int64_t sid, const struct sat_run *run) SAT_MUST_CHECK;
enum sat_err sat_store_run_delete(struct sat_store *store, int64_t sid, uint64_t last) SAT_MUST_CHECK;
/* Those that end at or behind entry `seq`, in order: the first may begin before it. */
enum sat_err sat_store_runs(struct sat_store *store, int64_t sid, uint64_t seq, uint32_t limit, struct sat_arena *arena,
                            struct sat_run **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_entry_delete(struct sat_store *store, int64_t sid, uint64_t seq) SAT_MUST_CHECK;

/* ---- Client only: drafts, keys, stubs that are still to be justified ---- */
struct sat_draft_row {
    uint64_t counter; /* of its dot; unique */
    int64_t sid;
    struct sat_record_id record;
    struct sat_span header; /* as it will be in the bundle */
    struct sat_span body;   /* sealed to this device */
};
enum sat_err sat_store_draft_insert(struct sat_store *store, const struct sat_draft_row *row) SAT_MUST_CHECK;
/* Drafts of every space in counter order, from `counter` on: until there are `limit`, or `bytes` of headers and bodies.
 */
enum sat_err sat_store_drafts(struct sat_store *store, uint64_t counter, uint32_t limit, size_t bytes,
                              struct sat_arena *arena, struct sat_draft_row **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_drafts_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                        struct sat_arena *arena, struct sat_draft_row **out,
                                        uint32_t *n) SAT_MUST_CHECK;
/* Those of the drafts that have seen something of their record, as the deletions of `sat_store_changes_from` told by
 * the first byte of their headers: `counter`, `sid` and `record` alone. */
enum sat_err sat_store_drafts_seeing(struct sat_store *store, uint64_t counter, uint32_t limit, struct sat_arena *arena,
                                     struct sat_draft_row **out, uint32_t *n) SAT_MUST_CHECK;
/* The counter of the newest draft; 0: there is none. */
enum sat_err sat_store_draft_newest(struct sat_store *store, uint64_t *out) SAT_MUST_CHECK;
/* Of the first and of the last draft of the space; 0: it has none. */
enum sat_err sat_store_drafts_span(struct sat_store *store, int64_t sid, uint64_t *first,
                                   uint64_t *last) SAT_MUST_CHECK;
enum sat_err sat_store_has_drafts(struct sat_store *store, int64_t sid, bool *has) SAT_MUST_CHECK;
/* Has the record something that is not in the log: a draft, a pending change, or one that waits to be given back? */
enum sat_err sat_store_record_waits(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                    bool *waits) SAT_MUST_CHECK;
enum sat_err sat_store_drafts_delete(struct sat_store *store, uint64_t first, uint64_t last) SAT_MUST_CHECK;
/* The same for drafts that stand in a bundle by now. */
enum sat_err sat_store_drafts_frozen(struct sat_store *store, uint64_t first, uint64_t last) SAT_MUST_CHECK;
enum sat_err sat_store_draft_count(struct sat_store *store, uint64_t *out) SAT_MUST_CHECK;

/* A space's epoch key, sealed under the device's store key by the vault; opaque here. */
enum sat_err sat_store_key_put(struct sat_store *store, const struct sat_space_id *space, uint32_t epoch,
                               struct sat_span sealed) SAT_MUST_CHECK;
enum sat_err sat_store_key_get(struct sat_store *store, const struct sat_space_id *space, uint32_t epoch,
                               struct sat_arena *arena, struct sat_span *out, bool *found) SAT_MUST_CHECK;
/* How many are here: what could not be read may be readable when there are more. */
enum sat_err sat_store_key_count(struct sat_store *store, uint64_t *out) SAT_MUST_CHECK;

/* A stub whose replacement has not arrived yet (CRYPTO, "Stubs must be justified"). */
enum sat_err sat_store_stub_add(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                struct sat_dot dot) SAT_MUST_CHECK;
enum sat_err sat_store_stubs_of_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                       struct sat_arena *arena, struct sat_dot **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_stub_remove(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                   struct sat_dot dot) SAT_MUST_CHECK;
enum sat_err sat_store_stub_count(struct sat_store *store, int64_t sid, uint64_t *out) SAT_MUST_CHECK;

/* ---- Put aside: bundles kept verbatim, listed with their reason, not shown (P3). On the server the escrow: work that
 * came after its author had lost the right, for the admins to decide about. On a device: what the server let through
 * and the directory does not. ---- */
enum sat_aside_state {
    SAT_ASIDE_OPEN = 0,
    SAT_ASIDE_ACCEPTED = 1,
    SAT_ASIDE_REJECTED = 2,
    /* One's own, frozen, of a home that is a copy: its changes wait as drafts. Not listed, unless the log says that it
     * was refused: then it is open. */
    SAT_ASIDE_KEPT = 3,
};

struct sat_aside_row {
    int64_t number; /* set by put; ascending */
    struct sat_space_id space;
    uint32_t device;
    uint64_t first;
    uint32_t count;
    struct sat_hash id;    /* the bundle's */
    struct sat_span bytes; /* its full form */
    uint64_t recv_ms;
    uint32_t reason; /* enum sat_err */
    uint8_t state;
};
/* One with the same bundle id stays as it is, and row->number becomes its. */
enum sat_err sat_store_aside_put(struct sat_store *store, struct sat_aside_row *row) SAT_MUST_CHECK;
/* Rows of every state with numbers above `after`, ascending, with their bytes, until `limit` rows or some
 * `bytes_target` bytes; at least one if there is one. */
enum sat_err sat_store_asides(struct sat_store *store, int64_t after, uint32_t limit, size_t bytes_target,
                              struct sat_arena *arena, struct sat_aside_row **out, uint32_t *n) SAT_MUST_CHECK;
/* The same without the bytes. */
enum sat_err sat_store_aside_list(struct sat_store *store, int64_t after, uint32_t limit, struct sat_arena *arena,
                                  struct sat_aside_row **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_aside_find(struct sat_store *store, const struct sat_hash *bundle, struct sat_arena *arena,
                                  struct sat_aside_row *out, bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_aside_has(struct sat_store *store, const struct sat_hash *bundle, bool *has) SAT_MUST_CHECK;
/* The last of that device's in the space that begins before a counter, of what is open. */
enum sat_err sat_store_aside_tip(struct sat_store *store, const struct sat_space_id *space, struct sat_dot before,
                                 struct sat_hash *id, bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_aside_set_state(struct sat_store *store, int64_t number,
                                       enum sat_aside_state state) SAT_MUST_CHECK;
/* It came again, and is open for that reason now. */
enum sat_err sat_store_aside_reopen(struct sat_store *store, int64_t number, uint32_t reason) SAT_MUST_CHECK;
enum sat_err sat_store_aside_count(struct sat_store *store, uint64_t *open) SAT_MUST_CHECK;
/* What one device has put there. */
enum sat_err sat_store_aside_sum(struct sat_store *store, uint32_t device, uint64_t *rows,
                                 uint64_t *bytes) SAT_MUST_CHECK;

/* ---- Server only: when a device was here, and what it said when it was wiped ---- */
struct sat_sighting {
    uint32_t device;
    uint64_t seen_ms;
    uint64_t lag;      /* entries of its spaces that it had not been sent when it left */
    uint32_t version;  /* of the protocol */
    uint64_t wiped_ms; /* 0: no receipt of a wipe */
    struct sat_signature receipt;
};
enum sat_err sat_store_sighting_put(struct sat_store *store, const struct sat_sighting *sighting) SAT_MUST_CHECK;
enum sat_err sat_store_sighting_get(struct sat_store *store, uint32_t device, struct sat_sighting *out,
                                    bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_sightings(struct sat_store *store, uint32_t after, uint32_t limit, struct sat_arena *arena,
                                 struct sat_sighting **out, uint32_t *n) SAT_MUST_CHECK; /* by device */

/* ---- Cursors: what a device last signed of how far it is in a space (proof/log.h). On the server those of all devices
 * that may read there, on a device its own. ---- */
struct sat_cursor_row {
    int64_t sid;
    struct sat_cursor cursor; /* read with the space's id left out: zeros */
    struct sat_signature signature;
};
/* The device's earlier one in the space goes. */
enum sat_err sat_store_cursor_put(struct sat_store *store, const struct sat_cursor_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_cursor_get(struct sat_store *store, int64_t sid, uint32_t device, struct sat_cursor_row *out,
                                  bool *found) SAT_MUST_CHECK;
/* By (sid, device), behind that one. */
enum sat_err sat_store_cursors(struct sat_store *store, int64_t sid, uint32_t device, uint32_t limit,
                               struct sat_arena *arena, struct sat_cursor_row **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_cursor_delete(struct sat_store *store, int64_t sid, uint32_t device) SAT_MUST_CHECK;

/* ---- Collections (sync/collect.h): what the log's entries of that kind say, and what has been forgotten by them ----
 */
struct sat_collection_row {
    uint64_t seq;
    struct sat_span bytes; /* as sat_collection_encode() wrote it */
};
enum sat_err sat_store_collection_put(struct sat_store *store, int64_t sid,
                                      const struct sat_collection_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_collection_get(struct sat_store *store, int64_t sid, uint64_t seq, struct sat_arena *arena,
                                      struct sat_span *out, bool *found) SAT_MUST_CHECK;
/* Those in the log from entry `first_seq` on, in order. */
enum sat_err sat_store_collections(struct sat_store *store, int64_t sid, uint64_t first_seq, uint32_t limit,
                                   struct sat_arena *arena, struct sat_collection_row **out,
                                   uint32_t *n) SAT_MUST_CHECK;

/* The entry of the newest; 0: there is none. */
enum sat_err sat_store_collection_last(struct sat_store *store, int64_t sid, uint64_t *seq) SAT_MUST_CHECK;

struct sat_collected_row {
    struct sat_record_id record;
    struct sat_dot deletion;
    uint64_t seq;   /* of the collection */
    uint64_t floor; /* what was live up to there was forgotten */
};
/* The record's earlier one goes. */
enum sat_err sat_store_collected_put(struct sat_store *store, int64_t sid,
                                     const struct sat_collected_row *row) SAT_MUST_CHECK;
enum sat_err sat_store_collected_get(struct sat_store *store, int64_t sid, const struct sat_record_id *record,
                                     struct sat_collected_row *out, bool *found) SAT_MUST_CHECK;
/* Has the space any? */
enum sat_err sat_store_collected_any(struct sat_store *store, int64_t sid, bool *any) SAT_MUST_CHECK;
/* All of the space's, and the collections behind entry `size`: see sat_base_rewind(). */
enum sat_err sat_store_collections_cut(struct sat_store *store, int64_t sid, uint64_t size) SAT_MUST_CHECK;

struct sat_deletion_row { /* a live deletion that is not disputed */
    int64_t cid;
    struct sat_record_id record;
    struct sat_dot dot;
    uint64_t seq; /* of its entry; 0: pending */
};
/* Those behind change `after`, by change. */
enum sat_err sat_store_deletions_live(struct sat_store *store, int64_t sid, int64_t after, uint32_t limit,
                                      struct sat_arena *arena, struct sat_deletion_row **out,
                                      uint32_t *n) SAT_MUST_CHECK;

/* ---- Letting go of the end of a log: see sat_base_rewind() ---- */
enum sat_err sat_store_bundle_delete(struct sat_store *store, int64_t bid) SAT_MUST_CHECK; /* with its changes */
/* The entries behind the first `size`, and every stub that waits in the space. */
enum sat_err sat_store_log_cut(struct sat_store *store, int64_t sid, uint64_t size) SAT_MUST_CHECK;

/* ---- Servers that were set back (sync/lives.h) ---- */
/* The chain of lives behind the log's first, in order. */
enum sat_err sat_store_lives(struct sat_store *store, const struct sat_space_row *space, struct sat_arena *arena,
                             struct sat_lives *out) SAT_MUST_CHECK;
/* One more, as the chain's newest (number: its place, from 1), or as one that is known and not of the chain (0).
 * `proof` is what showed that it had to begin. */
enum sat_err sat_store_life_put(struct sat_store *store, int64_t sid, uint32_t number, const struct sat_life *life,
                                struct sat_span proof) SAT_MUST_CHECK;
/* All that are known become such that are not of the chain. */
enum sat_err sat_store_lives_aside(struct sat_store *store, int64_t sid) SAT_MUST_CHECK;
/* The parent of a life that is known, of the chain or not. */
enum sat_err sat_store_life_parent(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                                   struct sat_log_epoch *parent, bool *found) SAT_MUST_CHECK;

/* Client: the end of a log that the server does not have any more. */
struct sat_lost_log {
    struct sat_log_epoch epoch;
    struct sat_span head;       /* in full: of the log with the lost entries, the last of them its last */
    struct sat_frontier before; /* the log without them */
};
enum sat_err sat_store_lost_log_put(struct sat_store *store, int64_t sid,
                                    const struct sat_lost_log *log) SAT_MUST_CHECK;
enum sat_err sat_store_lost_logs(struct sat_store *store, int64_t sid, struct sat_arena *arena,
                                 struct sat_lost_log **out, uint32_t *n) SAT_MUST_CHECK;
enum sat_err sat_store_lost_put(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                                const struct sat_entry *entry) SAT_MUST_CHECK;
/* All of one log, in order. */
enum sat_err sat_store_lost(struct sat_store *store, int64_t sid, const struct sat_log_epoch *epoch,
                            struct sat_arena *arena, struct sat_entry **out, uint32_t *n) SAT_MUST_CHECK;
/* Is the bundle among what was lost? */
enum sat_err sat_store_lost_has(struct sat_store *store, int64_t sid, const struct sat_hash *bundle,
                                bool *has) SAT_MUST_CHECK;
/* What was lost of this life once and is on the log again: a newer head proves what is lost now. */
enum sat_err sat_store_lost_forget(struct sat_store *store, int64_t sid,
                                   const struct sat_log_epoch *epoch) SAT_MUST_CHECK;
/* All is given back: the lists go. The logs' heads stay, as proof should the server come back to one of those lives. */
enum sat_err sat_store_lost_done(struct sat_store *store, int64_t sid) SAT_MUST_CHECK;

/* Client: bundles in state RETURN. */
enum sat_err sat_store_bundle_set_return(struct sat_store *store, int64_t bid) SAT_MUST_CHECK;
enum sat_err sat_store_return_join(struct sat_store *store,
                                   int64_t bid) SAT_MUST_CHECK; /* directly behind its author's bundle before it */
enum sat_err sat_store_return_set_refused(struct sat_store *store, int64_t bid, uint32_t err) SAT_MUST_CHECK;
/* The device's own that are whole are pending again. */
enum sat_err sat_store_returns_claim(struct sat_store *store, int64_t sid, uint32_t device) SAT_MUST_CHECK;
/* Those that were refused, or those that were not, in the order in which the server had them. */
enum sat_err sat_store_returns(struct sat_store *store, int64_t sid, bool refused, uint32_t limit,
                               struct sat_arena *arena, struct sat_bundle_row **out, uint32_t *n) SAT_MUST_CHECK;
/* All of them, refused or not. */
enum sat_err sat_store_returns_all(struct sat_store *store, int64_t sid, struct sat_arena *arena,
                                   struct sat_bundle_row **out, uint32_t *n) SAT_MUST_CHECK;
/* None is refused any more. */
enum sat_err sat_store_returns_again(struct sat_store *store, int64_t sid) SAT_MUST_CHECK;
/* The device's first from counter `first` on, refused or not. */
enum sat_err sat_store_return_of(struct sat_store *store, int64_t sid, uint32_t device, uint64_t first,
                                 struct sat_bundle_row *out, bool *found) SAT_MUST_CHECK;
/* How many there are, those that were refused only if `refused`; sid 0: of all spaces. */
enum sat_err sat_store_return_count(struct sat_store *store, int64_t sid, bool refused, uint64_t *out) SAT_MUST_CHECK;

/* Server: receipts that were proven to be its own, of bundles that it does not have. The earliest stays. */
enum sat_err sat_store_receipt_put(struct sat_store *store, int64_t sid, const struct sat_hash *bundle,
                                   uint64_t recv_ms, uint64_t dir_at) SAT_MUST_CHECK;
enum sat_err sat_store_receipt_get(struct sat_store *store, int64_t sid, const struct sat_hash *bundle,
                                   uint64_t *recv_ms, uint64_t *dir_at, bool *found) SAT_MUST_CHECK;
enum sat_err sat_store_receipt_done(struct sat_store *store, int64_t sid, const struct sat_hash *bundle) SAT_MUST_CHECK;
/* The first accepted bundle behind entry `seq` with a stub whose replacement has not arrived. */
enum sat_err sat_store_bundle_owing(struct sat_store *store, int64_t sid, uint64_t seq, struct sat_bundle_row *out,
                                    bool *found) SAT_MUST_CHECK;
/* Server: bytes of it came behind its entry (SAT_BUNDLE_FILLED in `refused`). */
enum sat_err sat_store_bundle_set_filled(struct sat_store *store, int64_t bid) SAT_MUST_CHECK;
#define SAT_BUNDLE_FILLED SAT_ERR_UNJUSTIFIED
enum sat_err sat_store_change_fill(struct sat_store *store, int64_t cid, struct sat_span header,
                                   struct sat_span body) SAT_MUST_CHECK; /* a stub's bytes */
/* Those of the space's stubs that are in bundles that came back. */
enum sat_err sat_store_stub_count_back(struct sat_store *store, int64_t sid, uint64_t *out) SAT_MUST_CHECK;

/* ---- Leaving a space: its bundles, changes, entries, drafts, stubs and keys go; its row stays, emptied ---- */
enum sat_err sat_store_space_purge(struct sat_store *store, int64_t sid) SAT_MUST_CHECK;
/* Behind the commit: what the write-ahead log still has of it goes, too, unless somebody is reading. */
void sat_store_forget_log(struct sat_store *store);

#endif
