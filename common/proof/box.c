/* Key boxes: opaque here; only their place in a link's Merkle root is anybody's business but the recipient's. */
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/proof/hash.h"
#include "common/proof/link.h"
#include "common/proof/merkle.h"

void sat_box_name_encode(const struct sat_box *box, struct sat_buf *out)
{
    sat_put_bytes(out, box->space.b, sizeof box->space.b);
    sat_put_u32(out, box->epoch);
    sat_put_u8(out, box->kind);
    sat_put_u64(out, box->number);
}

void sat_box_encode(const struct sat_box *box, struct sat_buf *out)
{
    sat_box_name_encode(box, out);
    sat_put_bytes(out, box->bytes, sizeof box->bytes);
}

static void take_name(struct sat_reader *reader, struct sat_box *out)
{
    sat_take_bytes(reader, out->space.b, sizeof out->space.b);
    out->epoch = sat_take_u32(reader);
    out->kind = sat_take_u8(reader);
    out->number = sat_take_u64(reader);
}

enum sat_err sat_box_name_decode(struct sat_span bytes, struct sat_box *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_name(&reader, out);
    return sat_reader_end(&reader);
}

enum sat_err sat_box_decode(struct sat_span bytes, struct sat_box *out)
{
    struct sat_reader reader;
    sat_reader_init(&reader, bytes);
    take_name(&reader, out);
    sat_take_bytes(&reader, out->bytes, sizeof out->bytes);
    if (sat_reader_end(&reader)) return SAT_ERR_MALFORMED;
    bool sane = out->epoch >= 1 && out->kind >= SAT_BOX_DEVICE && out->kind <= SAT_BOX_KIT && out->number >= 1 &&
                out->number <= SAT_COUNTER_MAX;
    return sane ? SAT_OK : SAT_ERR_MALFORMED;
}

struct sat_hash sat_box_leaf(const struct sat_box *box)
{
    struct sat_hash bytes = sat_hash("boxbytes", SAT_SPAN(box->bytes));
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "box");
    sat_hash_add(&hasher, box->space.b, sizeof box->space.b);
    sat_hash_add_u32(&hasher, box->epoch);
    sat_hash_add_u8(&hasher, box->kind);
    sat_hash_add_u64(&hasher, box->number);
    sat_hash_add(&hasher, bytes.b, sizeof bytes.b);
    return sat_hash_end(&hasher);
}

struct leafed {
    struct sat_hash leaf;
    struct sat_box box;
};

static int by_leaf(const void *a, const void *b)
{
    return memcmp(((const struct leafed *)a)->leaf.b, ((const struct leafed *)b)->leaf.b, 32);
}

struct sat_hash sat_boxes_root(struct sat_box *boxes, uint32_t n)
{
    if (n == 0) return (struct sat_hash){0};
    struct leafed *leafed = calloc(n, sizeof *leafed);
    struct sat_hash *leaves = calloc(n, sizeof *leaves);
    sat_check_memory(leafed && leaves);
    for (uint32_t i = 0; i < n; i++) leafed[i] = (struct leafed){.leaf = sat_box_leaf(&boxes[i]), .box = boxes[i]};
    qsort(leafed, n, sizeof *leafed, by_leaf);
    for (uint32_t i = 0; i < n; i++) {
        leaves[i] = leafed[i].leaf;
        boxes[i] = leafed[i].box;
    }
    struct sat_hash root = sat_merkle_root(leaves, n);
    free(leaves);
    free(leafed);
    return root;
}
