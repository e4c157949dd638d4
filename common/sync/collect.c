#include "common/sync/collect.h"

#include "common/sync/base.h"
#include "common/sync/digest.h"
#include "common/sync/vector.h"

enum { COLLECTIONS_AT_ONCE = 16 };

/* ---- May it be forgotten? ---- */

struct one { /* a live change */
    struct sat_dot dot;
    struct sat_header header;
    uint64_t seq;
};

static enum sat_err seq_of(struct sat_store *store, int64_t cid, uint64_t *seq)
{
    struct sat_bundle_row bundle;
    enum sat_err err = sat_store_bundle_get(store, SAT_CHANGE_BUNDLE(cid), &bundle);
    *seq = bundle.seq;
    return err;
}

static enum sat_err load(struct sat_store *store, const struct sat_space_row *space, const struct sat_record_id *record,
                         struct sat_arena *arena, struct one **out, uint32_t *n)
{
    struct sat_change_row *rows;
    enum sat_err err = sat_store_changes_live(store, space->sid, record, arena, &rows, n);
    if (err) return err;
    *out = sat_arena_array(arena, *n, sizeof **out);
    for (uint32_t i = 0; i < *n && !err; i++) {
        (*out)[i].dot = rows[i].dot;
        if (sat_header_decode(rows[i].header, arena, &(*out)[i].header)) return SAT_ERR_CORRUPT;
        err = seq_of(store, rows[i].cid, &(*out)[i].seq);
    }
    return err;
}

/* What a deletion keeps stays live beside it, and goes with it: `kept` does not matter. What its author had not read
 * does. */
static bool has_seen(const struct sat_header *header, struct sat_dot dot)
{
    return sat_vector_covers(header->seen, dot) && !sat_dots_have(header->holes, dot);
}

static bool takes_all(const struct one *deletion, const struct one *live, uint32_t n)
{
    if (!deletion->header.deletion) return false;
    for (uint32_t i = 0; i < n; i++)
        if (!live[i].header.deletion && !has_seen(&deletion->header, live[i].dot)) return false;
    return true;
}

enum sat_err sat_collectable(struct sat_store *store, const struct sat_space_row *space,
                             const struct sat_record_id *record, uint64_t floor, struct sat_arena *arena,
                             struct sat_dot *by, bool *collectable)
{
    struct one *live;
    uint32_t n;
    *collectable = false;
    enum sat_err err = load(store, space, record, arena, &live, &n);
    for (uint32_t i = 0; i < n && !err; i++)
        if (live[i].seq > floor || live[i].header.disputed) return SAT_OK;
    for (uint32_t i = 0; i < n && !err && !*collectable; i++) {
        if (by->device && sat_dot_compare(*by, live[i].dot) != 0) continue;
        *collectable = takes_all(&live[i], live, n);
        if (*collectable) *by = live[i].dot;
    }
    return err;
}

bool sat_collect_counts(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                        uint64_t dir_seq)
{
    return (sat_directory_device_rights(directory, space, device, dir_seq) & SAT_RIGHT_READ) &&
           !sat_directory_expelled_at(directory, device, dir_seq, NULL);
}

bool sat_collect_counted(const struct sat_directory *directory, const struct sat_space_id *space, uint32_t device,
                         uint64_t from)
{
    for (uint64_t seq = from; seq <= directory->seq; seq++)
        if (!sat_collect_counts(directory, space, device, seq)) return false;
    return true;
}

/* ---- Forgetting ---- */

static enum sat_err forget_live(struct sat_store *store, struct sat_space_row *space,
                                const struct sat_record_id *record, uint64_t floor, struct sat_arena *arena)
{
    struct sat_change_row *rows;
    uint32_t n;
    enum sat_err err = sat_store_changes_live(store, space->sid, record, arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        uint64_t seq;
        err = seq_of(store, rows[i].cid, &seq);
        if (err || seq > floor) continue;
        err = sat_store_change_set_state(store, rows[i].cid, SAT_CHANGE_DEAD);
        sat_digest_remove(space, record, rows[i].dot, &rows[i].rest);
    }
    return err;
}

/* What replaced a stub is not to be waited for: it is forgotten as well. */
static enum sat_err forget_stubs(struct sat_store *store, const struct sat_space_row *space,
                                 const struct sat_record_id *record, struct sat_arena *arena)
{
    struct sat_dot *dots;
    uint32_t n;
    enum sat_err err = sat_store_stubs_of_record(store, space->sid, record, arena, &dots, &n);
    for (uint32_t i = 0; i < n && !err; i++) err = sat_store_stub_remove(store, space->sid, record, dots[i]);
    return err;
}

/* Of a collection in the log's entry `seq`. */
static enum sat_err note(struct sat_store *store, struct sat_space_row *space, const struct sat_collection *collection,
                         uint64_t seq)
{
    enum sat_err err = SAT_OK;
    for (uint32_t i = 0; i < collection->n && !err; i++) {
        const struct sat_collected *one = &collection->records[i];
        struct sat_collected_row row = {
            .record = one->record, .deletion = one->deletion, .seq = seq, .floor = collection->floor};
        err = sat_store_collected_put(store, space->sid, &row);
    }
    if (collection->floor > space->floor) space->floor = collection->floor;
    return err;
}

enum sat_err sat_base_collect(struct sat_store *store, struct sat_space_row *space,
                              const struct sat_collection *collection)
{
    struct sat_arena arena; /* of one record */
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < collection->n && !err; i++) {
        const struct sat_record_id *record = &collection->records[i].record;
        err = forget_live(store, space, record, collection->floor, &arena);
        if (!err) err = forget_stubs(store, space, record, &arena);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err ? err : note(store, space, collection, space->log.size + 1);
}

enum sat_err sat_base_collected(struct sat_store *store, struct sat_space_row *space, const struct sat_log_epoch *life,
                                const struct sat_collection *collection, uint64_t recv_ms, uint64_t dir_at)
{
    struct sat_entry entry = {
        .kind = SAT_ENTRY_COLLECT, .id = sat_collection_id(life, collection), .recv_ms = recv_ms, .dir_at = dir_at};
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_collection_encode(collection, &bytes);
    struct sat_collection_row row = {.seq = space->log.size + 1, .bytes = sat_buf_span(&bytes)};
    enum sat_err err = sat_store_collection_put(store, space->sid, &row);
    if (!err) err = sat_base_append(store, space, &entry, 0);
    sat_buf_deinit(&bytes);
    return err;
}

/* ---- Back ---- */

static enum sat_err each_collection(struct sat_store *store, struct sat_space_row *space, uint64_t first,
                                    enum sat_err (*each)(struct sat_store *, struct sat_space_row *,
                                                         const struct sat_collection *, uint64_t seq, void *),
                                    void *context)
{
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    sat_arena_init(&arena);
    for (uint32_t n = COLLECTIONS_AT_ONCE; n == COLLECTIONS_AT_ONCE && !err; sat_arena_reset(&arena)) {
        struct sat_collection_row *rows;
        err = sat_store_collections(store, space->sid, first, COLLECTIONS_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; i < n && !err; i++) {
            struct sat_collection collection;
            first = rows[i].seq + 1;
            err = sat_collection_decode(rows[i].bytes, &arena, &collection) ? SAT_ERR_CORRUPT : SAT_OK;
            if (!err) err = each(store, space, &collection, rows[i].seq, context);
        }
    }
    sat_arena_deinit(&arena);
    return err;
}

struct telling {
    void (*each)(void *context, const struct sat_record_id *record);
    void *context;
    bool any;
};

static enum sat_err tell(struct sat_store *store, struct sat_space_row *space, const struct sat_collection *collection,
                         uint64_t seq, void *context)
{
    struct telling *telling = context;
    (void)store;
    (void)space;
    (void)seq;
    telling->any = true;
    for (uint32_t i = 0; i < collection->n; i++) telling->each(telling->context, &collection->records[i].record);
    return SAT_OK;
}

static enum sat_err note_again(struct sat_store *store, struct sat_space_row *space,
                               const struct sat_collection *collection, uint64_t seq, void *context)
{
    (void)context;
    return note(store, space, collection, seq);
}

enum sat_err sat_collections_rewind(struct sat_store *store, struct sat_space_row *space, uint64_t size,
                                    void (*each)(void *context, const struct sat_record_id *record), void *context)
{
    struct telling telling = {each, context, false};
    enum sat_err err = each_collection(store, space, size + 1, tell, &telling);
    if (err || !telling.any) return err;
    err = sat_store_collections_cut(store, space->sid, size);
    space->floor = 0;
    return err ? err : each_collection(store, space, 1, note_again, NULL);
}

bool sat_collected_is_seen(const struct sat_collected_row *row, const struct sat_header *header)
{
    return has_seen(header, row->deletion);
}

enum sat_err sat_collected_late(struct sat_store *store, int64_t sid, const struct sat_bundle *bundle, uint32_t *late)
{
    struct sat_collected_row collected;
    struct sat_header header;
    struct sat_arena arena;
    enum sat_err err = SAT_OK;
    *late = 0;
    sat_arena_init(&arena);
    for (uint32_t i = 0; i < bundle->manifest.count && !err; i++) {
        bool found;
        err = sat_store_collected_get(store, sid, &bundle->changes[i].record, &collected, &found);
        if (err || !found) continue;
        err = sat_header_decode(bundle->changes[i].header, &arena, &header);
        *late += !err && !sat_collected_is_seen(&collected, &header);
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&arena);
    return err;
}
