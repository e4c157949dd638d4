#include "tests/story/scene.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/digest.h"
#include "common/sync/inspect.h"
#include "common/wire/message.h"

enum { RING = 64, TEXT_MAX = 400 };

bool scene_two_reps(struct world *world, uint64_t seed, struct world_device **one, struct world_device **other)
{
    world_init(world, seed, 2);
    *one = world_join(world, 1);
    *other = world_join(world, 1);
    scene_write(world, *one, 1, CITY, "Bern");
    return world_settle(world, 4);
}

/* The next text of the ring, empty. */
static char *fresh(void)
{
    static char ring[RING][TEXT_MAX];
    static unsigned next;
    char *text = ring[next++ % RING];
    text[0] = 0;
    return text;
}

__attribute__((format(printf, 2, 3))) static void append(char *text, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + len, TEXT_MAX - len, format, args);
    va_end(args);
    sat_check(n >= 0 && (size_t)n < TEXT_MAX - len);
}

/* ---- Writing ---- */

static uint64_t commit(struct world *world, struct world_device *device, const struct sat_space_id *space,
                       uint32_t record, const struct sat_cell *cells, uint32_t n, bool remove)
{
    struct sat_edit edit = {
        .record = world_record(record),
        .sid = world_sid(device, space),
        .type = ACCOUNT,
        .cells = cells,
        .cells_n = n,
        .remove = remove,
    };
    uint64_t first, last;
    world_edit(world, device, &edit, 1, &first, &last);
    return last >= first ? last : 0;
}

uint64_t scene_write_in(struct world *world, struct world_device *device, const struct sat_space_id *space,
                        uint32_t record, uint16_t field, const char *value)
{
    struct sat_cell cell = world_text(field, value);
    return commit(world, device, space, record, &cell, 1, false);
}

uint64_t scene_write(struct world *world, struct world_device *device, uint32_t record, uint16_t field,
                     const char *value)
{
    return scene_write_in(world, device, &world->spaces[0], record, field, value);
}

uint64_t scene_write_both(struct world *world, struct world_device *device, uint32_t record, uint16_t field,
                          const char *value, uint16_t other_field, const char *other_value)
{
    struct sat_cell cells[] = {world_text(field, value), world_text(other_field, other_value)};
    return commit(world, device, &world->spaces[0], record, cells, 2, false);
}

uint64_t scene_tag(struct world *world, struct world_device *device, uint32_t record, const char *element, bool in)
{
    struct sat_cell cell = world_element(TAGS, element, in);
    return commit(world, device, &world->spaces[0], record, &cell, 1, false);
}

uint64_t scene_remove(struct world *world, struct world_device *device, uint32_t record)
{
    return commit(world, device, &world->spaces[0], record, NULL, 0, true);
}

/* ---- What is shown ---- */

static void load(struct world *world, struct world_device *device, uint32_t record, struct sat_arena *arena,
                 struct sat_record_view *view)
{
    struct sat_record_id id = world_record(record);
    sat_arena_init(arena);
    world_load(device, &world->spaces[0], &id, arena, view);
}

const char *scene_shows(struct world *world, struct world_device *device, uint32_t record, uint16_t field)
{
    char *text = fresh();
    struct sat_arena arena;
    struct sat_record_view view;
    load(world, device, record, &arena, &view);
    if (view.merged.deleted) append(text, "deleted ");
    const struct sat_merged *cell = sat_merged_cell(&view.merged, field, (struct sat_span){0});
    for (uint32_t i = 0; cell && i < cell->alternatives_n; i++) {
        const struct sat_value *value = &cell->alternatives[i].value;
        if (i) append(text, "|");
        if (value->kind == SAT_VALUE_BOOL)
            append(text, value->truth ? "yes" : "no");
        else
            append(text, "%.*s", (int)value->text.len, (const char *)value->text.at);
    }
    sat_arena_deinit(&arena);
    return text;
}

const char *scene_tags(struct world *world, struct world_device *device, uint32_t record)
{
    char *text = fresh();
    struct sat_arena arena;
    struct sat_record_view view;
    load(world, device, record, &arena, &view);
    for (uint32_t i = 0; i < view.merged.cells_n; i++) {
        const struct sat_merged *cell = &view.merged.cells[i];
        if (cell->field != TAGS || !cell->value.truth) continue;
        append(text, "%s%.*s", text[0] ? "," : "", (int)cell->element.len, (const char *)cell->element.at);
    }
    sat_arena_deinit(&arena);
    return text;
}

uint32_t scene_conflicts(struct world *world, struct world_device *device, uint32_t record)
{
    struct sat_arena arena;
    struct sat_record_view view;
    load(world, device, record, &arena, &view);
    uint32_t conflicts = view.merged.conflicts;
    sat_arena_deinit(&arena);
    return conflicts;
}

static void append_dot(char *text, struct sat_dot dot)
{
    append(text, "%s%u.%llu", text[0] ? " " : "", dot.device, (unsigned long long)dot.counter);
}

const char *scene_live(struct world *world, struct world_device *device, uint32_t record)
{
    char *text = fresh();
    struct sat_arena arena;
    struct sat_record_view view;
    load(world, device, record, &arena, &view);
    for (uint32_t i = 0; i < view.live_n; i++) {
        append_dot(text, view.live[i].dot);
        if (view.live[i].pending) append(text, "*");
    }
    sat_arena_deinit(&arena);
    return text;
}

enum part { SEEN, KEPT, HOLES };

static const char *part_of_header(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot,
                                  enum part part)
{
    char *text = fresh();
    struct sat_arena arena;
    struct sat_record_view view;
    load(world, device, record, &arena, &view);
    for (uint32_t i = 0; i < view.live_n; i++) {
        if (sat_dot_compare(view.live[i].dot, dot)) continue;
        const struct sat_header *header = &view.live[i].header;
        struct sat_dots dots = part == SEEN ? header->seen : part == KEPT ? header->kept : header->holes;
        for (uint32_t k = 0; k < dots.n; k++) append_dot(text, dots.at[k]);
    }
    sat_arena_deinit(&arena);
    return text;
}

const char *scene_seen(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot)
{
    return part_of_header(world, device, record, dot, SEEN);
}

const char *scene_kept(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot)
{
    return part_of_header(world, device, record, dot, KEPT);
}

const char *scene_holes(struct world *world, struct world_device *device, uint32_t record, struct sat_dot dot)
{
    return part_of_header(world, device, record, dot, HOLES);
}

/* ---- What is held ---- */

struct sat_space_row scene_space(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_space_row row;
    bool found;
    sat_check(sat_store_space_find(store, space, &row, &found) == SAT_OK && found);
    return row;
}

const char *scene_base(struct world *world, struct sat_store *store, uint32_t record)
{
    char *text = fresh();
    struct sat_arena arena;
    struct sat_change_row *rows;
    uint32_t n;
    struct sat_record_id id = world_record(record);
    sat_arena_init(&arena);
    int64_t sid = scene_space(store, &world->spaces[0]).sid;
    sat_check(sat_store_changes_live(store, sid, &id, &arena, &rows, &n) == SAT_OK);
    for (uint32_t i = 0; i < n; i++) append_dot(text, rows[i].dot);
    sat_arena_deinit(&arena);
    return text;
}

uint32_t scene_number(const struct world_device *device)
{
    return sat_keyring_secrets(device->handle.keyring)->device;
}

struct sat_dot scene_dot(const struct world_device *device, uint64_t counter)
{
    return (struct sat_dot){scene_number(device), counter};
}

struct sat_hash scene_digest(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_space_row row = scene_space(store, space);
    return sat_digest_of(&row);
}

uint64_t scene_log_size(const struct world *world)
{
    return scene_space(world->server_store, &world->spaces[0]).log.size;
}

bool scene_agrees(struct world *world, struct world_device *device)
{
    struct sat_space_row theirs = scene_space(world->server_store, &world->spaces[0]);
    struct sat_space_row ours = scene_space(device->handle.store, &world->spaces[0]);
    struct sat_hash root = sat_frontier_root(&theirs.log), own_root = sat_frontier_root(&ours.log);
    struct sat_hash digest = sat_digest_of(&theirs), own_digest = sat_digest_of(&ours);
    return theirs.log.size == ours.log.size && theirs.live == ours.live && sat_hash_equal(&root, &own_root) &&
           sat_hash_equal(&digest, &own_digest);
}

uint64_t scene_pending(struct world_device *device)
{
    uint64_t bundles, changes;
    sat_check(sat_store_pending_count(device->handle.store, &bundles, &changes) == SAT_OK);
    return bundles;
}

uint64_t scene_drafts(struct world_device *device)
{
    uint64_t n;
    sat_check(sat_store_draft_count(device->handle.store, &n) == SAT_OK);
    return n;
}

/* ---- Stores ---- */

static void complain(void *context, enum sat_check check, const char *what)
{
    (void)context;
    (void)fprintf(stderr, "%s: %s\n", sat_check_name(check), what);
}

void scene_assert_sound(struct sat_store *store)
{
    struct sat_inspection inspection = {.store = store, .found = complain};
    struct sat_inspection_result result;
    struct sat_directory directory;
    sat_directory_init(&directory);
    sat_check(sat_inspect(&inspection, &directory, &result) == SAT_OK);
    for (int i = 0; i < SAT_CHECK_COUNT; i++) sat_check(result.faults[i] == 0);
    sat_directory_deinit(&directory);
}

void scene_maintain(struct world *world)
{
    for (uint32_t i = 0; i < 20; i++) {
        world->now_ms += 61 * 1000;
        (void)world_collect(world);
    }
}

uint32_t scene_runs(struct sat_store *store, const struct sat_space_id *space)
{
    struct sat_arena arena;
    struct sat_run *runs;
    uint32_t n;
    sat_arena_init(&arena);
    sat_check(sat_store_runs(store, scene_space(store, space).sid, 0, 1000, &arena, &runs, &n) == SAT_OK);
    sat_arena_deinit(&arena);
    return n;
}

/* ---- What passes ---- */

static bool say(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct world *world = context;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    enum sat_err err =
        sat_message_decode(sat_buf_span(bytes), down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &arena, &message);
    world_say(world, "%td %c %s", device - world->devices + 1, down ? '<' : '>',
              err ? sat_err_name(err) : sat_message_name(message.type));
    sat_arena_deinit(&arena);
    return true;
}

void scene_listen(struct world *world, struct world_device *device)
{
    device->on_way = say;
    device->on_way_context = world;
}

/* ---- Damage ---- */

static struct {
    const struct world *world;
    uint32_t skip;
    bool lose;
} mishap;

/* A device numbers its subscriptions as the directory does its spaces. */
static bool is_push_into_territory(const struct world_device *device, struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    bool is =
        sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message) == SAT_OK && message.type == SAT_MESSAGE_PUSH;
    if (is) {
        const struct sat_space *space = &device->handle.directory.spaces[message.as.PUSH.sub - 1];
        is = sat_space_equal(&space->id, &mishap.world->spaces[0]);
    }
    sat_arena_deinit(&arena);
    return is;
}

static bool meet_push(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    if (down || !is_push_into_territory(device, sat_buf_span(bytes)) || mishap.skip-- > 0) return true;
    device->on_way = NULL;
    bytes->at[bytes->len - 1] ^= 1; /* of the last ciphertext: what was signed is another one */
    return !mishap.lose;
}

void scene_damage_push(struct world *world, struct world_device *device, uint32_t skip)
{
    mishap.world = world;
    mishap.skip = skip;
    mishap.lose = false;
    device->on_way = meet_push;
}

void scene_lose_push(struct world *world, struct world_device *device, uint32_t skip)
{
    scene_damage_push(world, device, skip);
    mishap.lose = true;
}

/* On one change's row. */
static void update_change(const struct world_device *device, struct sat_dot dot, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    sat_check(sqlite3_open(device->store_path, &db) == SQLITE_OK);
    sat_check(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    sqlite3_bind_int64(statement, 1, dot.device);
    sqlite3_bind_int64(statement, 2, (sqlite3_int64)dot.counter);
    sat_check(sqlite3_step(statement) == SQLITE_DONE && sqlite3_changes(db) == 1);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

void scene_spoil(struct world_device *device, struct sat_dot dot)
{
    update_change(device, dot, "UPDATE change SET body = zeroblob(length(body)) WHERE device = ?1 AND counter = ?2");
}

void scene_forget_hash(struct world_device *device, struct sat_dot dot)
{
    update_change(device, dot, "UPDATE change SET rest = zeroblob(32) WHERE device = ?1 AND counter = ?2");
}
