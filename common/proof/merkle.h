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
/* All of a complete subtree of 2^level leaves by its root. SAT_ERR_MALFORMED where it is not aligned, or too large. */
#define SAT_SUBTREE_LEVEL_MAX 48
enum sat_err sat_frontier_append_subtree(struct sat_frontier *frontier, uint8_t level,
                                         const struct sat_hash *root) SAT_MUST_CHECK;
struct sat_hash sat_merkle_join(const struct sat_hash *left, const struct sat_hash *right);
struct sat_hash sat_frontier_root(const struct sat_frontier *frontier);
/* u64 size ‖ the peaks that are set, lowest first. */
void sat_frontier_encode(const struct sat_frontier *frontier, struct sat_buf *out);
enum sat_err sat_frontier_decode(struct sat_span bytes, struct sat_frontier *out) SAT_MUST_CHECK;

struct sat_hash sat_merkle_root(const struct sat_hash *leaves, size_t n);

/* ---- A range of leaves within a larger tree: with the frontier before it and the roots behind it, whoever knows the
 * tree's root can tell that they were there. ---- */

/* How many leaves the next complete subtree has when a tree of `size` leaves grows to `end`: the largest that fits. */
uint64_t sat_merkle_step(uint64_t size, uint64_t end);
/* The roots of those that lead from a tree of `size` leaves to its end, 32 bytes each. What is there is given in order,
 * leaf by leaf (level 0) or in larger aligned subtrees. */
struct sat_subtree {
    uint8_t level; /* of 2^level leaves */
    struct sat_hash root;
};
void sat_merkle_behind(uint64_t size, const struct sat_subtree *parts, size_t n, struct sat_buf *out);
/* Appends them: the frontier has `end` leaves then. SAT_ERR_MALFORMED when there are more or fewer of them. */
enum sat_err sat_frontier_complete(struct sat_frontier *frontier, uint64_t end, struct sat_span behind) SAT_MUST_CHECK;

#endif
