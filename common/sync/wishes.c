#include "common/sync/wishes.h"

#include "common/base/arena.h"
#include "common/base/bytes.h"

static const char KEY[] = "wishes";
enum { WISH_BYTES = 8 + 8 };

static enum sat_err load(struct sat_store *store, struct sat_arena *arena, struct sat_span *all)
{
    bool found;
    enum sat_err err = sat_store_meta_get(store, KEY, arena, all, &found);
    if (err || !found) *all = (struct sat_span){0};
    return err;
}

/* Is it among them; of that space, if seq is 0, any? Of the rest a copy in `others`, which may be NULL. */
static bool has(struct sat_span all, int64_t sid, uint64_t seq, struct sat_buf *others)
{
    struct sat_reader reader;
    bool is = false;
    sat_reader_init(&reader, all);
    while (sat_reader_left(&reader) >= WISH_BYTES) {
        uint64_t space = sat_take_u64(&reader), at = sat_take_u64(&reader);
        bool same = space == (uint64_t)sid && (at == seq || !seq);
        is = is || same;
        if (same || !others) continue;
        sat_put_u64(others, space);
        sat_put_u64(others, at);
    }
    return is;
}

static enum sat_err add(struct sat_store *store, int64_t sid, uint64_t seq, struct sat_arena *arena)
{
    struct sat_span all;
    struct sat_buf bytes;
    enum sat_err err = load(store, arena, &all);
    if (err || all.len >= SAT_WISHES_MAX * WISH_BYTES || has(all, sid, seq, NULL)) return err;
    sat_buf_init(&bytes);
    sat_put_span(&bytes, all);
    sat_put_u64(&bytes, (uint64_t)sid);
    sat_put_u64(&bytes, seq);
    err = sat_store_meta_put(store, KEY, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return err;
}

enum sat_err sat_wish_record(struct sat_store *store, int64_t sid, const struct sat_record_id *record, bool *any)
{
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_changes_of_record(store, sid, record, &arena, &rows, &n);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (rows[i].header.len || !rows[i].seq) continue;
        err = add(store, sid, rows[i].seq, &arena);
        *any = true;
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_wish_first(struct sat_store *store, int64_t sid, uint64_t *seq, bool *found)
{
    struct sat_arena arena;
    struct sat_reader reader;
    struct sat_span all;
    *found = false;
    sat_arena_init(&arena);
    enum sat_err err = load(store, &arena, &all);
    sat_reader_init(&reader, all);
    while (!err && !*found && sat_reader_left(&reader) >= WISH_BYTES) {
        *found = sat_take_u64(&reader) == (uint64_t)sid;
        *seq = sat_take_u64(&reader);
    }
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_wish_done(struct sat_store *store, int64_t sid, uint64_t seq)
{
    struct sat_arena arena;
    struct sat_span all;
    struct sat_buf others;
    sat_arena_init(&arena);
    sat_buf_init(&others);
    enum sat_err err = load(store, &arena, &all);
    if (!err && has(all, sid, seq, &others)) err = sat_store_meta_put(store, KEY, sat_buf_span(&others));
    sat_buf_deinit(&others);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_wish_leave(struct sat_store *store, int64_t sid)
{
    return sat_wish_done(store, sid, 0);
}
