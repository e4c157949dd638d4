#include "common/sync/tidy.h"

#include "common/sync/compact.h"
#include "common/sync/sweep.h"

enum sat_err sat_tidy_space(struct sat_store *store, struct sat_space_row *space, const struct sat_directory *directory,
                            uint64_t now_ms, uint64_t proved, uint64_t entries, struct sat_tidied *out)
{
    struct sat_sweep sweep = {
        .store = store, .space = space, .directory = directory, .now_ms = now_ms, .proved = proved, .entries = entries};
    enum sat_err err = sat_sweep(&sweep, &out->looked_at, &out->forgotten);
    return err ? err : sat_compact(store, space, entries, &out->looked_at, &out->compacted);
}

static enum sat_err tidy(struct sat_store *store, struct sat_space_row *space, const struct sat_directory *directory,
                         uint64_t entries, struct sat_tidied *out)
{
    if (space->synced_ms == 0 || space->head_size != space->log.size) return SAT_OK;
    enum sat_err err = sat_store_begin(store);
    if (!err) err = sat_tidy_space(store, space, directory, space->synced_ms, space->head_size, entries, out);
    if (!err) err = sat_store_space_save(store, space);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

enum sat_err sat_tidy_device(struct sat_store *store, const struct sat_directory *directory, uint64_t entries,
                             struct sat_tidied *out)
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_spaces(store, &arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) err = tidy(store, &rows[i], directory, entries, out);
    sat_arena_deinit(&arena);
    return err;
}
