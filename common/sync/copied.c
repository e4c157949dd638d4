#include "common/sync/copied.h"

#include <string.h>

#include "common/base/arena.h"

static const char KEY[] = "copied", NUMBER[] = "provisional";
enum { VERSION = 1 };

static enum sat_err load(struct sat_store *store, struct sat_arena *arena, struct sat_reader *reader, bool *copied)
{
    struct sat_span bytes;
    bool found;
    enum sat_err err = sat_store_meta_get(store, KEY, arena, &bytes, &found);
    if (err) return err;
    *copied = found && bytes.len > 0;
    sat_reader_init(reader, bytes);
    return *copied && sat_take_u8(reader) != VERSION ? SAT_ERR_CORRUPT : SAT_OK;
}

enum sat_err sat_copied_get(struct sat_store *store, bool *copied)
{
    struct sat_arena arena;
    struct sat_reader reader;
    sat_arena_init(&arena);
    enum sat_err err = load(store, &arena, &reader, copied);
    sat_arena_deinit(&arena);
    return err;
}

static bool find(struct sat_reader *reader, int64_t sid, uint64_t *cut)
{
    while (!reader->failed && sat_reader_left(reader) > 0) {
        uint64_t at = sat_take_u64(reader), value = sat_take_u64(reader);
        if (at != (uint64_t)sid) continue;
        *cut = value;
        return true;
    }
    return false;
}

enum sat_err sat_copied_note(struct sat_store *store, int64_t sid, uint64_t cut)
{
    struct sat_arena arena;
    struct sat_reader reader;
    struct sat_span before;
    struct sat_buf bytes;
    bool found = false;
    uint64_t known;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    enum sat_err err = load(store, &arena, &reader, &found);
    if (!err) err = sat_store_meta_get(store, KEY, &arena, &before, &found);
    bool same = !err && before.len > 0 && (sid == 0 || find(&reader, sid, &known));
    if (!err && !same) {
        if (before.len)
            sat_put_span(&bytes, before);
        else
            sat_put_u8(&bytes, VERSION);
        if (sid) sat_put_u64(&bytes, (uint64_t)sid);
        if (sid) sat_put_u64(&bytes, cut);
        err = sat_store_meta_put(store, KEY, sat_buf_span(&bytes));
    }
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
    return err;
}

enum sat_err sat_copied_cut(struct sat_store *store, int64_t sid, uint32_t device, uint64_t *cut)
{
    struct sat_arena arena;
    struct sat_reader reader;
    struct sat_bundle_row tip;
    bool copied, found = false;
    sat_arena_init(&arena);
    enum sat_err err = load(store, &arena, &reader, &copied);
    if (!err) found = copied && find(&reader, sid, cut);
    sat_arena_deinit(&arena);
    if (err || found) return err;
    err = sat_store_bundle_tip(store, sid, device, false, &tip, &found);
    *cut = !err && found ? tip.first + tip.count - 1 : 0;
    for (found = true; !err && found;) { /* what the server has lost is given back under its numbers */
        err = sat_store_return_of(store, sid, device, *cut + 1, &tip, &found);
        if (!err && found) *cut = tip.first + tip.count - 1;
    }
    return err;
}

enum sat_err sat_copied_number(struct sat_store *store, uint32_t *number)
{
    uint64_t value;
    enum sat_err err = sat_store_meta_get_u64(store, NUMBER, 0, &value);
    *number = (uint32_t)value;
    return err;
}

enum sat_err sat_copied_set_number(struct sat_store *store, uint32_t number)
{
    return sat_store_meta_put_u64(store, NUMBER, number);
}

enum sat_err sat_copied_clear(struct sat_store *store)
{
    enum sat_err err = sat_store_meta_put(store, KEY, (struct sat_span){0});
    return err ? err : sat_copied_set_number(store, 0);
}

/* ---- What of its own is here no more ---- */

enum { KIND_SIZE = 5, MARK_KEY_SIZE = KIND_SIZE + 32 + 1 };
static const char LEFT[] = "gone.", PAST[] = "past.", CAME[] = "came.";

static void mark_key(const char *kind, const struct sat_space_id *space, char out[MARK_KEY_SIZE])
{
    memcpy(out, kind, KIND_SIZE);
    sat_hex_format(space->b, sizeof space->b, out + KIND_SIZE);
}

static enum sat_err mark_get(struct sat_store *store, const char *kind, const struct sat_space_id *space,
                             uint64_t *counter)
{
    char key[MARK_KEY_SIZE];
    mark_key(kind, space, key);
    return sat_store_meta_get_u64(store, key, 0, counter);
}

static enum sat_err mark_raise(struct sat_store *store, const char *kind, const struct sat_space_id *space,
                               uint64_t counter)
{
    char key[MARK_KEY_SIZE];
    uint64_t before;
    mark_key(kind, space, key);
    enum sat_err err = sat_store_meta_get_u64(store, key, 0, &before);
    return err || before >= counter ? err : sat_store_meta_put_u64(store, key, counter);
}

enum sat_err sat_mark_left(struct sat_store *store, const struct sat_space_id *space, uint64_t counter, uint64_t came)
{
    enum sat_err err = mark_raise(store, LEFT, space, counter);
    return err ? err : mark_raise(store, CAME, space, came);
}

enum sat_err sat_mark_past(struct sat_store *store, const struct sat_space_id *space, uint64_t counter)
{
    return mark_raise(store, PAST, space, counter);
}

enum sat_err sat_left_at(struct sat_store *store, const struct sat_space_id *space, uint64_t *counter, uint64_t *came)
{
    enum sat_err err = mark_get(store, LEFT, space, counter);
    return err ? err : mark_get(store, CAME, space, came);
}

enum sat_err sat_let_go_of(struct sat_store *store, const struct sat_space_id *space, uint64_t *counter)
{
    uint64_t past;
    enum sat_err err = mark_get(store, LEFT, space, counter);
    if (!err) err = mark_get(store, PAST, space, &past);
    if (!err && past > *counter) *counter = past;
    return err;
}
