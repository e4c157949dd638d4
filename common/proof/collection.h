/* A collection: the log's own entry that says which deletions everybody has seen, so that their records are forgotten
 * (MERGE 16, 17; docs/decisions/0090).
 *
 *   id        H("collect", log_epoch16 ‖ u64 floor ‖ root32 ‖ digest32 ‖ cursors32 ‖ H("collected", list))
 *   payload   varint floor ‖ root32 ‖ digest32 ‖ cursors32 ‖ list
 *   list      varint n ‖ n × (record16 ‖ varint device ‖ varint counter), ascending by record, each once
 *
 * Its payload travels as the rest of the entry. n may be 0: then it raises the floor, and nothing else. */
#ifndef SAT_PROOF_COLLECTION_H
#define SAT_PROOF_COLLECTION_H

#include "common/proof/log.h"

/* floor and two hashes, the cursors, and a list at its largest. */
#define SAT_COLLECTION_BYTES_MAX (9 + 3 * 32 + 3 + SAT_COLLECTION_RECORDS_MAX * (16 + 5 + 9))

struct sat_collected { /* one record that is forgotten, … */
    struct sat_record_id record;
    struct sat_dot deletion; /* … by this deletion, which had seen all else of it that was live */
};

struct sat_collection {
    uint64_t floor;          /* everybody has acknowledged so many entries of the log, … */
    struct sat_hash root;    /* … whose root was this */
    struct sat_hash digest;  /* of the live set behind the collection */
    struct sat_hash cursors; /* the Merkle root of the cursors that say so, by device; zeros: nothing was forgotten */
    const struct sat_collected *records;
    uint32_t n;
};

void sat_collection_encode(const struct sat_collection *collection, struct sat_buf *out);
/* The arena owns the list. SAT_ERR_MALFORMED for any other encoding, SAT_ERR_TOO_LARGE. */
enum sat_err sat_collection_decode(struct sat_span bytes, struct sat_arena *arena,
                                   struct sat_collection *out) SAT_MUST_CHECK;
struct sat_hash sat_collection_id(const struct sat_log_epoch *log_epoch, const struct sat_collection *collection);
/* The leaf of a cursor in `cursors`. */
struct sat_hash sat_cursor_leaf(const struct sat_cursor *cursor, const struct sat_signature *signature);

#endif
