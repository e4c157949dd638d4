#include "common/sync/tidy.h"

#include "common/sync/compact.h"
#include "common/sync/sweep.h"

enum sat_err sat_tidy_space(struct sat_store *store, struct sat_space_row *space, const struct sat_directory *directory,
                            uint64_t now_ms, uint64_t proved, uint32_t own, uint64_t entries, struct sat_tidied *out)
{
    struct sat_sweep sweep = {
        .store = store, .space = space, .directory = directory, .now_ms = now_ms, .proved = proved, .entries = entries};
    uint64_t before = out->forgotten;
    enum sat_err err = sat_sweep(&sweep, &out->looked_at, &out->forgotten);
    if (out->forgotten > before) sat_compact_again(space);
    return err ? err : sat_compact(store, space, own, entries, &out->looked_at, &out->compacted);
}

enum sat_err sat_tidy_is_wanted(struct sat_store *store, const struct sat_space_row *space,
                                const struct sat_directory *directory, uint64_t now_ms, uint64_t proved, bool *wanted)
{
    struct sat_space_row same = *space;
    struct sat_sweep sweep = {
        .store = store, .space = &same, .directory = directory, .now_ms = now_ms, .proved = proved};
    *wanted = space->packed + 1 < space->floor;
    return *wanted ? SAT_OK : sat_sweep_is_wanted(&sweep, wanted);
}

static enum sat_err tidy(struct sat_store *store, struct sat_space_row *space, const struct sat_directory *directory,
                         uint32_t own, uint64_t entries, struct sat_tidied *out)
{
    bool wanted = false;
    enum sat_err err = SAT_OK;
    if (space->synced_ms && space->head_size == space->log.size)
        err = sat_tidy_is_wanted(store, space, directory, space->synced_ms, space->head_size, &wanted);
    if (err || !wanted) return err;
    err = sat_store_begin(store);
    if (!err) err = sat_tidy_space(store, space, directory, space->synced_ms, space->head_size, own, entries, out);
    if (!err) err = sat_store_space_save(store, space);
    if (!err) err = sat_store_commit(store);
    if (err) sat_store_rollback(store);
    return err;
}

enum sat_err sat_tidy_device(struct sat_store *store, const struct sat_directory *directory, uint32_t own,
                             uint64_t entries, struct sat_tidied *out)
{
    struct sat_arena arena;
    struct sat_space_row *rows;
    uint32_t n = 0;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_spaces(store, &arena, &rows, &n);
    for (uint32_t i = 0; !err && i < n; i++) err = tidy(store, &rows[i], directory, own, entries, out);
    sat_arena_deinit(&arena);
    return err;
}
