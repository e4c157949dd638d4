#include "tests/vectors/emit_log.h"

#include "common/proof/collection.h"
#include "common/proof/life.h"
#include "common/proof/merkle.h"

struct sat_space_id emit_some_space(void)
{
    struct sat_space_id id;
    emit_fill(id.b, sizeof id.b, 0x30);
    return id;
}

struct sat_log_epoch emit_some_log_epoch(void)
{
    struct sat_log_epoch id;
    emit_fill(id.b, sizeof id.b, 0x40);
    return id;
}

struct sat_hash emit_some_org(void)
{
    return emit_some_hash(0x10);
}

static void entry(struct emit *emit, const char *name, const struct sat_entry *entry)
{
    struct sat_hash hash = sat_entry_hash(entry);
    emit_begin(emit, "entry", name);
    emit_number(emit, "seq", entry->seq);
    emit_number(emit, "kind", entry->kind);
    emit_hash(emit, "id", &entry->id);
    emit_number(emit, "recv_ms", entry->recv_ms);
    emit_number(emit, "dir_at", entry->dir_at);
    if (entry->kind == SAT_ENTRY_RETURNED) emit_number(emit, "receipt_ms", entry->receipt_ms);
    if (entry->kind == SAT_ENTRY_RETURNED) emit_number(emit, "receipt_dir", entry->receipt_dir);
    emit_outputs(emit);
    emit_hash(emit, "hash", &hash);
    emit_end(emit);
}

static void entries(struct emit *emit)
{
    static const char *const names[] = {"", "bundle", "void", "collect"};
    for (uint8_t kind = SAT_ENTRY_BUNDLE; kind <= SAT_ENTRY_COLLECT; kind++)
        entry(
            emit, names[kind],
            &(struct sat_entry){
                .seq = kind * 1000u, .kind = kind, .id = emit_some_hash(kind), .recv_ms = EMIT_TIME_MS, .dir_at = 300});
}

static void life(struct emit *emit)
{
    struct sat_life life = {.space = emit_some_space(),
                            .parent = emit_some_log_epoch(),
                            .size = 70000,
                            .root = emit_some_hash(0xc1),
                            .time_ms = EMIT_TIME_MS};
    struct sat_hash of_org = emit_some_org();
    struct sat_buf wire;
    emit_fill(life.epoch.b, sizeof life.epoch.b, 0xe7);
    emit_begin(emit, "life", "of a log that was set back");
    struct sat_sign_key key = emit_seed(emit, 0x61);
    emit_hash(emit, "org", &of_org);
    emit_hex(emit, "space", SAT_SPAN(life.space.b));
    emit_hex(emit, "epoch", SAT_SPAN(life.epoch.b));
    emit_hex(emit, "parent", SAT_SPAN(life.parent.b));
    emit_number(emit, "size", life.size);
    emit_hash(emit, "root", &life.root);
    emit_number(emit, "time_ms", life.time_ms);
    sat_life_sign(&life, &of_org, &key);
    sat_buf_init(&wire);
    sat_life_encode(&life, &wire);
    emit_outputs(emit);
    emit_signature(emit, &key, &life.signature);
    emit_hex(emit, "wire", sat_buf_span(&wire));
    emit_end(emit);
    sat_buf_deinit(&wire);
}

/* Leaves from `from` on, `n` of them, of a tree of `size`: what stands before them, and behind. */
static void range(struct emit *emit, uint32_t from, uint32_t n, uint32_t size)
{
    struct sat_hash leaves[64];
    struct sat_frontier before;
    struct sat_buf frontier, behind;
    sat_buf_init(&frontier);
    sat_buf_init(&behind);
    sat_frontier_init(&before);
    emit_begin(emit, "range", "of a log");
    emit_number(emit, "from", from);
    emit_number(emit, "n", n);
    emit_list(emit, "leaves");
    for (uint32_t i = 0; i < size; i++) {
        leaves[i] = emit_some_hash(i);
        emit_item_hex(emit, SAT_SPAN(leaves[i].b));
        if (i < from) sat_frontier_append(&before, &leaves[i]);
    }
    emit_list_end(emit);
    sat_frontier_encode(&before, &frontier);
    struct sat_subtree parts[64];
    for (uint32_t i = from + n; i < size; i++) parts[i] = (struct sat_subtree){0, leaves[i]};
    sat_merkle_behind(from + n, parts + from + n, size - from - n, &behind);
    emit_outputs(emit);
    emit_hex(emit, "before", sat_buf_span(&frontier));
    emit_hex(emit, "behind", sat_buf_span(&behind));
    emit_end(emit);
    sat_buf_deinit(&behind);
    sat_buf_deinit(&frontier);
}

static void head(struct emit *emit, const char *name, uint64_t size, const struct sat_hash *root)
{
    struct sat_head head = {.space = emit_some_space(),
                            .log_epoch = emit_some_log_epoch(),
                            .size = size,
                            .root = *root,
                            .digest = emit_some_hash(0xd1),
                            .dir_seq = 300,
                            .dir_hash = emit_some_hash(0xb0),
                            .time_ms = EMIT_TIME_MS};
    struct sat_hash of_org = emit_some_org();
    struct sat_buf full, abbreviated;
    emit_begin(emit, "head", name);
    struct sat_sign_key key = emit_seed(emit, 0x61);
    emit_hash(emit, "org", &of_org);
    emit_hex(emit, "space", SAT_SPAN(head.space.b));
    emit_hex(emit, "log_epoch", SAT_SPAN(head.log_epoch.b));
    emit_number(emit, "size", head.size);
    emit_hash(emit, "root", &head.root);
    emit_hash(emit, "digest", &head.digest);
    emit_number(emit, "dir_seq", head.dir_seq);
    emit_hash(emit, "dir_hash", &head.dir_hash);
    emit_number(emit, "time_ms", head.time_ms);
    sat_head_sign(&head, &of_org, &key);
    sat_buf_init(&full);
    sat_buf_init(&abbreviated);
    sat_head_encode(&head, false, &full);
    sat_head_encode(&head, true, &abbreviated);
    emit_outputs(emit);
    emit_signature(emit, &key, &head.signature);
    emit_hex(emit, "full", sat_buf_span(&full));
    emit_hex(emit, "short", sat_buf_span(&abbreviated));
    emit_end(emit);
    sat_buf_deinit(&abbreviated);
    sat_buf_deinit(&full);
}

static void cursor(struct emit *emit)
{
    struct sat_cursor cursor = {.device = 200,
                                .space = emit_some_space(),
                                .log_epoch = emit_some_log_epoch(),
                                .size = 70000,
                                .root = emit_some_hash(0xd0),
                                .digest = emit_some_hash(0xd1),
                                .ack = 69000,
                                .dir_seq = 300,
                                .dir_hash = emit_some_hash(0xb0)};
    struct sat_hash of_org = emit_some_org();
    emit_begin(emit, "cursor", "of a device");
    struct sat_sign_key key = emit_seed(emit, 0x60);
    emit_hash(emit, "org", &of_org);
    emit_number(emit, "device", cursor.device);
    emit_hex(emit, "space", SAT_SPAN(cursor.space.b));
    emit_hex(emit, "log_epoch", SAT_SPAN(cursor.log_epoch.b));
    emit_number(emit, "size", cursor.size);
    emit_hash(emit, "root", &cursor.root);
    emit_hash(emit, "digest", &cursor.digest);
    emit_number(emit, "ack", cursor.ack);
    emit_number(emit, "dir_seq", cursor.dir_seq);
    emit_hash(emit, "dir_hash", &cursor.dir_hash);
    struct sat_signature made = sat_cursor_sign(&cursor, &of_org, &key);
    emit_outputs(emit);
    emit_signature(emit, &key, &made);
    emit_end(emit);
}

static void void_statement(struct emit *emit)
{
    struct sat_void statement = {.space = emit_some_space(),
                                 .device = 200,
                                 .first = 5000,
                                 .count = 3,
                                 .refused = emit_some_hash(0xe0),
                                 .prev = emit_some_hash(0xb1)};
    struct sat_hash of_org = emit_some_org(), id = sat_void_id(&statement);
    emit_begin(emit, "void", "of a refused bundle");
    struct sat_sign_key key = emit_seed(emit, 0x60);
    emit_hash(emit, "org", &of_org);
    emit_hex(emit, "space", SAT_SPAN(statement.space.b));
    emit_number(emit, "device", statement.device);
    emit_number(emit, "first", statement.first);
    emit_number(emit, "count", statement.count);
    emit_hash(emit, "refused", &statement.refused);
    emit_hash(emit, "prev", &statement.prev);
    struct sat_signature made = sat_void_sign(&statement, &of_org, &key);
    emit_outputs(emit);
    emit_hash(emit, "id", &id);
    emit_signature(emit, &key, &made);
    emit_end(emit);
}

static void collection(struct emit *emit, const char *name, uint32_t n)
{
    struct sat_collected records[] = {{.deletion = {200, 5000}}, {.deletion = {UINT32_MAX, 1}}};
    emit_fill(records[0].record.b, sizeof records[0].record.b, 0x20);
    emit_fill(records[1].record.b, sizeof records[1].record.b, 0x21);
    struct sat_collection collection = {.floor = 70000,
                                        .root = emit_some_hash(0xd0),
                                        .digest = emit_some_hash(0xd1),
                                        .cursors = emit_some_hash(0xd2),
                                        .records = records,
                                        .n = n};
    struct sat_log_epoch life = emit_some_log_epoch();
    struct sat_buf item, bytes;
    if (n == 0) collection.cursors = (struct sat_hash){{0}};
    emit_begin(emit, "collect", name);
    emit_hex(emit, "log_epoch", SAT_SPAN(life.b));
    emit_number(emit, "floor", collection.floor);
    emit_hash(emit, "root", &collection.root);
    emit_hash(emit, "digest", &collection.digest);
    emit_hash(emit, "cursors", &collection.cursors);
    emit_list(emit, "collected");
    for (uint32_t i = 0; i < n; i++) {
        sat_buf_init(&item);
        sat_put_bytes(&item, records[i].record.b, sizeof records[i].record.b);
        sat_put_u32(&item, records[i].deletion.device);
        sat_put_u64(&item, records[i].deletion.counter);
        emit_item_hex(emit, sat_buf_span(&item));
        sat_buf_deinit(&item);
    }
    emit_list_end(emit);
    struct sat_hash id = sat_collection_id(&life, &collection);
    sat_buf_init(&bytes);
    sat_collection_encode(&collection, &bytes);
    emit_outputs(emit);
    emit_hash(emit, "id", &id);
    emit_hex(emit, "bytes", sat_buf_span(&bytes));
    emit_end(emit);
    sat_buf_deinit(&bytes);
}

void emit_log_all(struct emit *emit)
{
    struct sat_hash empty = {{0}}, root = emit_some_hash(0xd0);
    entries(emit);
    head(emit, "of an empty log", 0, &empty);
    head(emit, "of a long log", 70000, &root);
    struct sat_entry returned = {.seq = 70000,
                                 .kind = SAT_ENTRY_RETURNED,
                                 .id = emit_some_hash(4),
                                 .recv_ms = EMIT_TIME_MS,
                                 .dir_at = 300,
                                 .receipt_ms = EMIT_TIME_MS - 5000,
                                 .receipt_dir = 200};
    entry(emit, "a bundle that came back", &returned);
    life(emit);
    range(emit, 0, 3, 3);
    range(emit, 5, 4, 21);
    range(emit, 13, 1, 64);
    cursor(emit);
    void_statement(emit);
    collection(emit, "of two records", 2);
    collection(emit, "of none", 0);
}
