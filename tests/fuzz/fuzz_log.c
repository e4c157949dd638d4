/* What a log shows of itself: heads in both forms, entries as they travel, collections, and where its tree stands. */
#include "common/base/limits.h"
#include "common/proof/collection.h"
#include "common/proof/log.h"
#include "common/sync/subscription.h"
#include "tests/fuzz/fuzz.h"

static void check_head(struct sat_span bytes)
{
    static const struct sat_space_id space = {{2}};
    struct sat_head head;
    struct sat_buf again;
    if (sat_head_decode(bytes, &space, &head)) return;
    sat_buf_init(&again);
    sat_head_encode(&head, head.is_short, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    struct sat_head own = head; /* what a short one leaves out is zeros here, and there */
    fuzz_must(sat_head_complete(&head, &own));
    own.root.b[0] ^= 1;
    struct sat_head other = head;
    other.is_short = true;
    sat_check(sat_head_complete(&other, &own) == SAT_ERR_STALE);
    sat_buf_deinit(&again);
}

static void check_entry(struct sat_span bytes)
{
    struct sat_entry_wire entry;
    struct sat_buf again;
    if (sat_entry_wire_decode(bytes, &entry)) return;
    sat_buf_init(&again);
    sat_entry_wire_encode(&entry, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
}

/* A receipt as it is given back, a run among them. */
static void check_lost(struct sat_span bytes)
{
    struct sat_entry entry;
    struct sat_buf again;
    if (sat_lost_decode(bytes, &entry)) return;
    sat_buf_init(&again);
    sat_lost_encode(&entry, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
}

/* What devices have signed, as others are shown it. */
static void check_cursor(struct sat_span bytes)
{
    struct sat_cursor cursor;
    struct sat_signature signature;
    struct sat_buf again;
    if (sat_cursor_item_decode(bytes, &cursor, &signature)) return;
    sat_buf_init(&again);
    sat_cursor_item_encode(&cursor, &signature, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    sat_buf_deinit(&again);
}

static void check_collection(struct sat_span bytes)
{
    static const struct sat_log_epoch life = {{1}};
    struct sat_collection collection;
    struct sat_arena arena;
    struct sat_buf again;
    sat_arena_init(&arena);
    sat_buf_init(&again);
    if (sat_collection_decode(bytes, &arena, &collection) == SAT_OK) {
        sat_collection_encode(&collection, &again);
        sat_check(sat_span_equal(bytes, sat_buf_span(&again)) && bytes.len <= SAT_COLLECTION_BYTES_MAX);
        struct sat_hash id = sat_collection_id(&life, &collection);
        collection.floor ^= 1;
        struct sat_hash other = sat_collection_id(&life, &collection);
        sat_check(!sat_hash_equal(&id, &other));
    }
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
}

/* What stands somewhere has a root, and can grow. */
static void check_frontier(struct sat_span bytes)
{
    struct sat_frontier frontier;
    struct sat_buf again;
    if (sat_frontier_decode(bytes, &frontier)) return;
    sat_buf_init(&again);
    sat_frontier_encode(&frontier, &again);
    sat_check(sat_span_equal(bytes, sat_buf_span(&again)));
    if (frontier.size < SAT_COUNTER_MAX) {
        static const struct sat_hash leaf = {{1}};
        struct sat_hash before = sat_frontier_root(&frontier);
        uint64_t size = frontier.size;
        sat_frontier_append(&frontier, &leaf);
        struct sat_hash after = sat_frontier_root(&frontier);
        sat_check(frontier.size == size + 1 && !sat_hash_equal(&before, &after));
    }
    sat_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_head(sat_span(data, size));
    check_entry(sat_span(data, size));
    check_lost(sat_span(data, size));
    check_collection(sat_span(data, size));
    check_cursor(sat_span(data, size));
    check_frontier(sat_span(data, size));
    return 0;
}
