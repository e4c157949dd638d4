#include "common/sync/inspect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/store/inspect.h"
#include "common/sync/inspect_state.h"
#include "common/sync/log_items.h"

enum { LINKS_AT_ONCE = 100, ENTRIES_AT_ONCE = 1000 };

static const char *const names[] = {
#define X(id, name, counted) [SAT_CHECK_##id] = name,
#include "common/sync/checks.def"
#undef X
};
static const char *const counteds[] = {
#define X(id, name, counted) [SAT_CHECK_##id] = counted,
#include "common/sync/checks.def"
#undef X
};

const char *sat_check_name(enum sat_check check)
{
    return names[check];
}

const char *sat_check_counted(enum sat_check check)
{
    return counteds[check];
}

void inspect_found(struct inspector *inspector, enum sat_check check, const char *format, ...)
{
    char text[400];
    va_list args;
    if (++inspector->result->faults[check] > SAT_INSPECT_TOLD_MAX) return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    inspector->inspection->found(inspector->inspection->context, check, text);
}

enum sat_err inspect_unreadable(struct inspector *inspector, enum sat_check check, enum sat_err err)
{
    if (err != SAT_ERR_CORRUPT) return err;
    const struct sat_fault *fault = sat_store_fault(inspector->store);
    inspect_found(inspector, check, "%s", fault->err == err ? fault->text : sat_err_text(err));
    return SAT_OK;
}

/* ---- The database ---- */

static void complain(void *context, const char *complaint)
{
    inspect_found(context, SAT_CHECK_DATABASE, "SQLite: %s", complaint);
}

static void tell_strays(struct inspector *inspector, uint64_t n, const char *what)
{
    if (n) inspect_found(inspector, SAT_CHECK_DATABASE, "%llu %s", (unsigned long long)n, what);
}

static enum sat_err inspect_database(struct inspector *inspector)
{
    struct sat_strays strays = {0};
    enum sat_err err = sat_store_self_check(inspector->store, SAT_INSPECT_TOLD_MAX, complain, inspector);
    if (!err) err = sat_store_strays(inspector->store, &strays);
    tell_strays(inspector, strays.changes, "changes belong to no bundle of their space");
    tell_strays(inspector, strays.bundles, "bundles belong to no space");
    tell_strays(inspector, strays.entries, "log entries belong to no space");
    tell_strays(inspector, strays.drafts, "drafts belong to no space");
    return inspect_unreadable(inspector, SAT_CHECK_DATABASE, err);
}

/* ---- The directory ---- */

/* A link whose signatures do not hold is told, and followed if it can be, so that what stands on it is looked at too.
 */
static enum sat_err inspect_link(struct inspector *inspector, const struct sat_link_row *row, bool *stop)
{
    struct sat_directory *directory = inspector->directory;
    struct sat_fault fault = {0};
    struct sat_link link;
    enum sat_err err = sat_link_decode(row->bytes, &link);
    if (!err && row->seq != directory->seq + 1) err = sat_fail(&fault, SAT_ERR_STALE, "a link is missing before it");
    if (!err) err = sat_directory_apply(directory, &link, &row->sign, 0, SAT_DIRECTORY_VERIFY, &fault);
    if (!err) return SAT_OK;
    if (err == SAT_ERR_UPGRADE_NEEDED || err == SAT_ERR_NO_MEMORY) return err;
    inspect_found(inspector, SAT_CHECK_DIRECTORY, "link %llu: %s", (unsigned long long)row->seq,
                  fault.err == err ? fault.text : sat_err_text(err));
    *stop = err != SAT_ERR_TAMPERED || sat_directory_apply(directory, &link, &row->sign, 0, SAT_DIRECTORY_STORED, NULL);
    return SAT_OK;
}

static enum sat_err inspect_directory(struct inspector *inspector)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    enum sat_err err = SAT_OK;
    bool stop = false;
    uint64_t next = 1;
    for (uint32_t n = LINKS_AT_ONCE; !err && !stop && n == LINKS_AT_ONCE; sat_arena_reset(&arena)) {
        struct sat_link_row *rows;
        err = sat_store_links(inspector->store, next, LINKS_AT_ONCE, &arena, &rows, &n);
        for (uint32_t i = 0; !err && !stop && i < n; i++) {
            next = rows[i].seq + 1;
            inspector->result->looked_at[SAT_CHECK_DIRECTORY]++;
            err = inspect_link(inspector, &rows[i], &stop);
        }
    }
    sat_arena_deinit(&arena);
    const struct sat_hash *org = inspector->inspection->org;
    if (!err && inspector->directory->seq == 0 && !stop)
        inspect_found(inspector, SAT_CHECK_DIRECTORY, "there is no directory");
    else if (!err && org && inspector->directory->seq && !sat_hash_equal(org, &inspector->directory->org))
        inspect_found(inspector, SAT_CHECK_DIRECTORY, "the directory is that of another organisation");
    return inspect_unreadable(inspector, SAT_CHECK_DIRECTORY, err);
}

/* ---- The log ---- */

struct log_walk {
    struct inspector *inspector;
    const struct sat_space_row *space;
    char name[SAT_UUID_TEXT_SIZE];
    struct sat_frontier log;
    uint64_t recv_ms, dir_at;
    uint64_t floor;
    struct sat_arena *arena;
    struct sat_lives lives;
    bool broken; /* roots differ from some entry on: told once */
};

/* An entry that was passed over: its bundle is put aside. */
static enum sat_err inspect_passed_over(struct log_walk *walk, const struct sat_entry_row *row)
{
    struct sat_arena arena;
    struct sat_aside_row aside;
    bool found = false;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_aside_find(walk->inspector->store, &row->entry.id, &arena, &aside, &found);
    sat_arena_deinit(&arena);
    if (!err && !found)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: the bundle of entry %llu is missing", walk->name,
                      (unsigned long long)row->entry.seq);
    return inspect_unreadable(walk->inspector, SAT_CHECK_LOG, err);
}

static enum sat_err inspect_entry_bundle(struct log_walk *walk, const struct sat_entry_row *row)
{
    struct sat_bundle_row bundle;
    unsigned long long seq = row->entry.seq;
    if (row->bid == 0) return inspect_passed_over(walk, row);
    enum sat_err err = sat_store_bundle_get(walk->inspector->store, row->bid, &bundle);
    if (err == SAT_ERR_NOT_FOUND)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: the bundle of entry %llu is missing", walk->name, seq);
    if (err) return err == SAT_ERR_NOT_FOUND ? SAT_OK : inspect_unreadable(walk->inspector, SAT_CHECK_LOG, err);
    if (!sat_hash_equal(&bundle.id, &row->entry.id) || bundle.seq != row->entry.seq || bundle.sid != walk->space->sid)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: entry %llu is not that of its bundle", walk->name,
                      seq);
    return SAT_OK;
}

static void compare_root(struct log_walk *walk, uint64_t seq, const struct sat_hash *stored)
{
    struct sat_hash root = sat_frontier_root(&walk->log);
    if (sat_hash_equal(&root, stored) || walk->broken) return;
    inspect_found(walk->inspector, SAT_CHECK_LOG,
                  "space %s: the root at entry %llu is not that of the entries up to it", walk->name,
                  (unsigned long long)seq);
    walk->broken = true;
}

/* What was compacted: of its entries the hash is left that the roots behind it stand on. */
static void inspect_run(struct log_walk *walk, const struct sat_log_item *item)
{
    walk->inspector->result->looked_at[SAT_CHECK_LOG]++;
    if (sat_log_item_append(&walk->log, item)) {
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: the run up to entry %llu does not align", walk->name,
                      (unsigned long long)item->last);
        walk->broken = true;
    } else {
        compare_root(walk, item->last, &item->as.run.root);
    }
}

static void found_in(struct log_walk *walk, const struct sat_entry_row *row, const char *what)
{
    inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: the collection of entry %llu %s", walk->name,
                  (unsigned long long)row->entry.seq, what);
}

/* What it says, and what is remembered of each record: the newest that lists it. */
static enum sat_err inspect_collection(struct log_walk *walk, const struct sat_entry_row *row)
{
    struct sat_store *store = walk->inspector->store;
    struct sat_collection what;
    struct sat_span bytes;
    bool found;
    enum sat_err err = sat_store_collection_get(store, walk->space->sid, row->entry.seq, walk->arena, &bytes, &found);
    if (err) return err;
    if (!found || sat_collection_decode(bytes, walk->arena, &what)) {
        found_in(walk, row, "is missing, or cannot be read");
        return SAT_OK;
    }
    struct sat_log_epoch life = sat_lives_at(&walk->lives, &walk->space->log_epoch, row->entry.seq);
    struct sat_hash id = sat_collection_id(&life, &what);
    if (!sat_hash_equal(&id, &row->entry.id)) found_in(walk, row, "is not what the log says");
    if (what.floor > walk->floor) walk->floor = what.floor;
    for (uint32_t i = 0; i < what.n && !err; i++) {
        struct sat_collected_row kept;
        err = sat_store_collected_get(store, walk->space->sid, &what.records[i].record, &kept, &found);
        bool right = found && kept.seq >= row->entry.seq;
        if (right && kept.seq == row->entry.seq)
            right = kept.floor == what.floor && sat_dot_compare(kept.deletion, what.records[i].deletion) == 0;
        if (!err && !right) found_in(walk, row, "is not what is remembered of a record");
    }
    return err;
}

static enum sat_err inspect_entry(struct log_walk *walk, const struct sat_entry_row *row)
{
    struct inspector *inspector = walk->inspector;
    unsigned long long seq = row->entry.seq;
    inspector->result->looked_at[SAT_CHECK_LOG]++;
    if (row->entry.seq != walk->log.size + 1 && !walk->broken) {
        inspect_found(inspector, SAT_CHECK_LOG, "space %s: entry %llu is missing", walk->name,
                      (unsigned long long)walk->log.size + 1);
        walk->broken = true;
    }
    if (row->entry.recv_ms < walk->recv_ms || row->entry.dir_at < walk->dir_at)
        inspect_found(inspector, SAT_CHECK_LOG, "space %s: entry %llu steps back in time or directory", walk->name,
                      seq);
    walk->recv_ms = row->entry.recv_ms;
    walk->dir_at = row->entry.dir_at;
    struct sat_hash leaf = sat_entry_hash(&row->entry);
    sat_frontier_append(&walk->log, &leaf);
    compare_root(walk, seq, &row->root);
    if (row->entry.kind == SAT_ENTRY_COLLECT) return inspect_collection(walk, row);
    bool is_one = row->entry.kind == SAT_ENTRY_BUNDLE || row->entry.kind == SAT_ENTRY_RETURNED ||
                  row->entry.kind == SAT_ENTRY_VOID;
    return is_one ? inspect_entry_bundle(walk, row) : SAT_OK;
}

static void inspect_log_end(struct log_walk *walk)
{
    const struct sat_space_row *space = walk->space;
    struct sat_hash root = sat_frontier_root(&walk->log), stored = sat_frontier_root(&space->log);
    if (space->log.size != walk->log.size)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: its log has %llu entries and should have %llu",
                      walk->name, (unsigned long long)walk->log.size, (unsigned long long)space->log.size);
    else if (!walk->broken && !sat_hash_equal(&root, &stored))
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: the state of its log is not that of its entries",
                      walk->name);
    /* A client's head may say that the directory was further than at the last entry. */
    bool may_be_ahead = space->head_size || space->log.size == 0;
    bool behind = may_be_ahead ? space->last_dir_at < walk->dir_at : space->last_dir_at != walk->dir_at;
    if (space->last_recv_ms != walk->recv_ms || behind)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: its last time is not that of its last entry",
                      walk->name);
    if (space->floor != walk->floor)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: its floor is not that of its collections", walk->name);
    if (space->head_size > space->log.size)
        inspect_found(walk->inspector, SAT_CHECK_LOG, "space %s: its head is beyond its log", walk->name);
}

/* Something is missing: on with what is there. */
static enum sat_err skip_gap(struct log_walk *walk, uint64_t *next)
{
    struct sat_arena arena;
    struct sat_entry_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    enum sat_err err = sat_store_entries(walk->inspector->store, walk->space->sid, *next, 1, &arena, &rows, &n);
    if (!err) *next = n ? rows[0].entry.seq : UINT64_MAX;
    sat_arena_deinit(&arena);
    return err;
}

static enum sat_err inspect_log(struct inspector *inspector, const struct sat_space_row *space)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_arena lives;
    struct log_walk walk = {.inspector = inspector, .space = space, .arena = &arena};
    sat_arena_init(&lives);
    sat_uuid_format(space->id.b, walk.name);
    sat_frontier_init(&walk.log);
    enum sat_err err = sat_store_lives(inspector->store, space, &lives, &walk.lives);
    uint64_t next = 1;
    while (!err && next <= INT64_MAX) { /* the largest that a store holds */
        struct sat_log_item *items;
        uint32_t n;
        err = sat_log_items(inspector->store, space->sid, next, ENTRIES_AT_ONCE, &arena, &items, &n);
        if (!err && n == 0) err = skip_gap(&walk, &next);
        for (uint32_t i = 0; !err && i < n; i++) {
            next = items[i].last + 1;
            if (items[i].is_run)
                inspect_run(&walk, &items[i]);
            else
                err = inspect_entry(&walk, &items[i].as.entry);
        }
        sat_arena_reset(&arena);
    }
    sat_arena_deinit(&lives);
    sat_arena_deinit(&arena);
    if (!err) inspect_log_end(&walk);
    return inspect_unreadable(inspector, SAT_CHECK_LOG, err);
}

/* ---- All of it ---- */

static enum sat_err inspect_space(struct inspector *inspector, const struct sat_space_row *space)
{
    char name[SAT_UUID_TEXT_SIZE];
    sat_uuid_format(space->id.b, name);
    if (!sat_directory_space(inspector->directory, &space->id) && !inspector->result->faults[SAT_CHECK_DIRECTORY])
        inspect_found(inspector, SAT_CHECK_DIRECTORY, "space %s is not in it", name);
    enum sat_err err = inspect_bundles(inspector, space);
    if (!err) err = inspect_log(inspector, space);
    if (!err) err = inspect_live(inspector, space);
    return err;
}

enum sat_err sat_inspect(const struct sat_inspection *inspection, struct sat_directory *directory,
                         struct sat_inspection_result *result)
{
    struct inspector inspector = {
        .inspection = inspection, .store = inspection->store, .directory = directory, .result = result};
    *result = (struct sat_inspection_result){0};
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_space_row *spaces = NULL;
    uint32_t n = 0;
    enum sat_err err = inspect_database(&inspector);
    if (!err) err = inspect_directory(&inspector);
    if (!err)
        err = inspect_unreadable(&inspector, SAT_CHECK_DATABASE,
                                 sat_store_spaces(inspection->store, &arena, &spaces, &n));
    for (uint32_t i = 0; !err && i < n; i++) err = inspect_space(&inspector, &spaces[i]);
    sat_arena_deinit(&arena);
    return err;
}
