#include "common/proof/collection.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/proof/hash.h"

enum { COLLECTED_BYTES_MIN = 16 + 1 + 1 };

static void put_list(struct sat_buf *out, const struct sat_collection *collection)
{
    sat_check(collection->n <= SAT_COLLECTION_RECORDS_MAX);
    sat_put_varint(out, collection->n);
    for (uint32_t i = 0; i < collection->n; i++) {
        const struct sat_collected *one = &collection->records[i];
        sat_put_bytes(out, one->record.b, sizeof one->record.b);
        sat_put_varint(out, one->deletion.device);
        sat_put_varint(out, one->deletion.counter);
    }
}

void sat_collection_encode(const struct sat_collection *collection, struct sat_buf *out)
{
    sat_put_varint(out, collection->floor);
    sat_put_bytes(out, collection->root.b, sizeof collection->root.b);
    sat_put_bytes(out, collection->digest.b, sizeof collection->digest.b);
    sat_put_bytes(out, collection->cursors.b, sizeof collection->cursors.b);
    put_list(out, collection);
}

static enum sat_err take_list(struct sat_reader *in, struct sat_arena *arena, struct sat_collection *out)
{
    uint64_t n = sat_take_varint(in, UINT32_MAX);
    if (in->failed) return SAT_ERR_MALFORMED;
    if (n > SAT_COLLECTION_RECORDS_MAX) return SAT_ERR_TOO_LARGE;
    if (n > sat_reader_left(in) / COLLECTED_BYTES_MIN) return SAT_ERR_MALFORMED;
    struct sat_collected *records = sat_arena_array(arena, (size_t)n, sizeof *records);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_collected *one = &records[i];
        sat_take_bytes(in, one->record.b, sizeof one->record.b);
        one->deletion.device = (uint32_t)sat_take_varint(in, UINT32_MAX);
        one->deletion.counter = sat_take_varint(in, SAT_COUNTER_MAX);
        if (in->failed || one->deletion.device == 0 || one->deletion.counter == 0) return SAT_ERR_MALFORMED;
        if (i > 0 && memcmp(records[i - 1].record.b, one->record.b, sizeof one->record.b) >= 0)
            return SAT_ERR_MALFORMED;
    }
    out->records = records;
    out->n = (uint32_t)n;
    return SAT_OK;
}

enum sat_err sat_collection_decode(struct sat_span bytes, struct sat_arena *arena, struct sat_collection *out)
{
    struct sat_reader in;
    memset(out, 0, sizeof *out);
    sat_reader_init(&in, bytes);
    out->floor = sat_take_varint(&in, SAT_COUNTER_MAX);
    sat_take_bytes(&in, out->root.b, sizeof out->root.b);
    sat_take_bytes(&in, out->digest.b, sizeof out->digest.b);
    sat_take_bytes(&in, out->cursors.b, sizeof out->cursors.b);
    enum sat_err err = take_list(&in, arena, out);
    return err ? err : sat_reader_end(&in);
}

struct sat_hash sat_collection_id(const struct sat_log_epoch *log_epoch, const struct sat_collection *collection)
{
    struct sat_hasher hasher;
    struct sat_buf list;
    sat_buf_init(&list);
    put_list(&list, collection);
    struct sat_hash listed = sat_hash("collected", sat_buf_span(&list));
    sat_buf_deinit(&list);
    sat_hash_begin(&hasher, "collect");
    sat_hash_add(&hasher, log_epoch->b, sizeof log_epoch->b);
    sat_hash_add_u64(&hasher, collection->floor);
    sat_hash_add(&hasher, collection->root.b, sizeof collection->root.b);
    sat_hash_add(&hasher, collection->digest.b, sizeof collection->digest.b);
    sat_hash_add(&hasher, collection->cursors.b, sizeof collection->cursors.b);
    sat_hash_add(&hasher, listed.b, sizeof listed.b);
    return sat_hash_end(&hasher);
}

struct sat_hash sat_cursor_leaf(const struct sat_cursor *cursor, const struct sat_signature *signature)
{
    struct sat_hasher hasher;
    sat_hash_begin(&hasher, "cursor-leaf");
    sat_hash_add_u32(&hasher, cursor->device);
    sat_hash_add_u64(&hasher, cursor->size);
    sat_hash_add(&hasher, cursor->root.b, sizeof cursor->root.b);
    sat_hash_add(&hasher, cursor->digest.b, sizeof cursor->digest.b);
    sat_hash_add_u64(&hasher, cursor->ack);
    sat_hash_add_u64(&hasher, cursor->dir_seq);
    sat_hash_add(&hasher, cursor->dir_hash.b, sizeof cursor->dir_hash.b);
    sat_hash_add(&hasher, signature->b, sizeof signature->b);
    return sat_hash_end(&hasher);
}
