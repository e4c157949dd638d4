#include "common/proof/merkle.h"

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/hash.h"

struct sat_hash sat_merkle_join(const struct sat_hash *left, const struct sat_hash *right)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "node");
    sat_hash_add(&hasher, left->b, sizeof left->b);
    sat_hash_add(&hasher, right->b, sizeof right->b);
    return sat_hash_end(&hasher);
}

static bool has_peak(const struct sat_frontier *frontier, unsigned i)
{
    return frontier->size >> i & 1;
}

void sat_frontier_init(struct sat_frontier *frontier)
{
    *frontier = (struct sat_frontier){0};
}

/* A complete subtree of 2^level leaves; the frontier's size is a multiple of that. */
static void append_subtree(struct sat_frontier *frontier, unsigned level, const struct sat_hash *root)
{
    sat_check(frontier->size < SAT_COUNTER_MAX);
    struct sat_hash carry = *root;
    unsigned i = level;
    for (; has_peak(frontier, i); i++) {
        carry = sat_merkle_join(&frontier->peak[i], &carry);
        frontier->peak[i] = (struct sat_hash){0};
    }
    frontier->peak[i] = carry;
    frontier->size += (uint64_t)1 << level;
}

enum sat_err sat_frontier_append_subtree(struct sat_frontier *frontier, uint8_t level, const struct sat_hash *root)
{
    if (level > SAT_SUBTREE_LEVEL_MAX || frontier->size & (((uint64_t)1 << level) - 1)) return SAT_ERR_MALFORMED;
    if (SAT_COUNTER_MAX - frontier->size < (uint64_t)1 << level) return SAT_ERR_MALFORMED;
    append_subtree(frontier, level, root);
    return SAT_OK;
}

void sat_frontier_append(struct sat_frontier *frontier, const struct sat_hash *leaf)
{
    append_subtree(frontier, 0, leaf);
}

/* RFC 6962 splits at the largest power of two below n, so the peaks are joined from the smallest upwards. */
struct sat_hash sat_frontier_root(const struct sat_frontier *frontier)
{
    struct sat_hash root = {0};
    bool any = false;
    for (unsigned i = 0; i < 64; i++) {
        if (!has_peak(frontier, i)) continue;
        root = any ? sat_merkle_join(&frontier->peak[i], &root) : frontier->peak[i];
        any = true;
    }
    return root;
}

void sat_frontier_encode(const struct sat_frontier *frontier, struct sat_buf *out)
{
    sat_put_u64(out, frontier->size);
    for (unsigned i = 0; i < 64; i++)
        if (has_peak(frontier, i)) sat_put_bytes(out, frontier->peak[i].b, sizeof frontier->peak[i].b);
}

enum sat_err sat_frontier_decode(struct sat_span bytes, struct sat_frontier *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    sat_frontier_init(out);
    out->size = sat_take_u64(&reader);
    if (out->size > SAT_COUNTER_MAX) return SAT_ERR_MALFORMED;
    for (unsigned i = 0; i < 64; i++)
        if (has_peak(out, i)) sat_take_bytes(&reader, out->peak[i].b, sizeof out->peak[i].b);
    return sat_reader_end(&reader);
}

struct sat_hash sat_merkle_root(const struct sat_hash *leaves, size_t n)
{
    struct sat_frontier frontier;
    sat_frontier_init(&frontier);
    for (size_t i = 0; i < n; i++) sat_frontier_append(&frontier, &leaves[i]);
    return sat_frontier_root(&frontier);
}

/* ---- Ranges ---- */

static unsigned step_level(uint64_t size, uint64_t end)
{
    unsigned level = 0;
    while (level < 62 && (size >> level & 1) == 0 && (uint64_t)2 << level <= end - size) level++;
    return level;
}

uint64_t sat_merkle_step(uint64_t size, uint64_t end)
{
    return size < end ? (uint64_t)1 << step_level(size, end) : 0;
}

void sat_merkle_behind(uint64_t size, const struct sat_subtree *parts, size_t n, struct sat_buf *out)
{
    uint64_t end = size;
    for (size_t i = 0; i < n; i++) end += (uint64_t)1 << parts[i].level;
    for (size_t i = 0; size < end;) {
        uint64_t step = sat_merkle_step(size, end);
        struct sat_frontier subtree;
        sat_frontier_init(&subtree);
        while (subtree.size < step) {
            enum sat_err err = sat_frontier_append_subtree(&subtree, parts[i].level, &parts[i].root);
            sat_check(!err);
            i++;
        }
        sat_check(subtree.size == step);
        struct sat_hash root = sat_frontier_root(&subtree);
        sat_put_bytes(out, root.b, sizeof root.b);
        size += step;
    }
}

enum sat_err sat_frontier_complete(struct sat_frontier *frontier, uint64_t end, struct sat_span behind)
{
    struct sat_reader reader;
    sat_reader_init(&reader, behind);
    if (end > SAT_COUNTER_MAX || frontier->size > end) return SAT_ERR_MALFORMED;
    while (frontier->size < end && !reader.failed) {
        struct sat_hash root;
        sat_take_bytes(&reader, root.b, sizeof root.b);
        append_subtree(frontier, step_level(frontier->size, end), &root);
    }
    return sat_reader_end(&reader);
}
