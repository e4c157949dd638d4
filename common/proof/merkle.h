/* Merkle trees of RFC 6962's shape over leaves that are labelled hashes already: node = H("node", left ‖ right).
 * The root of no leaves is 32 zero bytes; of one leaf, the leaf. */
#ifndef SAT_PROOF_MERKLE_H
#define SAT_PROOF_MERKLE_H

#include "common/base/id.h"

/* The roots of the complete subtrees of a tree that only grows at its end: enough to append and to give the root. */
struct sat_frontier {
    uint64_t size;
    struct sat_hash peak[64]; /* peak[i] is set iff bit i of size is: the complete subtree of 2^i leaves */
};

void sat_frontier_init(struct sat_frontier *frontier);
void sat_frontier_append(struct sat_frontier *frontier, const struct sat_hash *leaf);
struct sat_hash sat_frontier_root(const struct sat_frontier *frontier);
/* u64 size ‖ the peaks that are set, lowest first. */
void sat_frontier_encode(const struct sat_frontier *frontier, struct sat_buf *out);
enum sat_err sat_frontier_decode(struct sat_span bytes, struct sat_frontier *out) SAT_MUST_CHECK;

struct sat_hash sat_merkle_root(const struct sat_hash *leaves, size_t n);

#endif
