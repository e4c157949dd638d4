/* A damaged store: one with a bit of everything, in which the input changes some values. For each a byte says which
 * table, one which column, one which row and one how: bytes of a piece are put over the value by exclusive or, or stand
 * in its place as bytes, as text or as an integer. Whatever is in it, the inspection ends and tells it in sentences,
 * and everybody else refuses what he cannot read: nobody crashes and nobody goes on for ever. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "client/conflicts.h"
#include "common/store/sqlite.h"
#include "common/sync/base.h"
#include "common/sync/host.h"
#include "common/sync/inspect.h"
#include "common/sync/judge.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/make.h"

enum { DEVICE = 2, PATCHES_MAX = 8, VALUE_BYTES_MAX = 1024, EDITS = 3, BUNDLES = 6 };

static const struct {
    const char *name, *key; /* what a row is found by */
} tables[] = {
    {"meta", "key"},  {"link", "seq"},      {"space", "sid"},       {"bundle", "bid"},   {"change", "cid"},
    {"entry", "seq"}, {"draft", "counter"}, {"epoch_key", "space"}, {"aside", "number"},
};

/* ---- A store with a bit of everything ---- */

static void write_drafts(struct satchel *handle, int64_t sid)
{
    struct sat_vault vault = client_vault(handle);
    struct sat_cell cell = {.field = 1, .value = {.kind = SAT_VALUE_TEXT}};
    struct sat_edit edit = {.sid = sid, .type = 1, .cells = &cell, .cells_n = 1};
    uint32_t written;
    struct sat_frozen frozen;
    for (uint32_t i = 0; i < EDITS; i++) {
        edit.record = fuzz_record(i);
        cell.value.text = sat_span_text(i ? "Berlin" : "Bern");
        fuzz_must(sat_store_begin(handle->store));
        fuzz_must(sat_author_commit(&vault, &edit, 1, fuzz_org()->now_ms, &written));
        if (i == 0) fuzz_must(sat_author_freeze(&vault, fuzz_org()->now_ms, UINT32_MAX, &frozen));
        fuzz_must(sat_store_commit(handle->store));
    }
}

static void accept_others(struct satchel *handle, struct sat_space_row *space)
{
    static const uint8_t choices[] = {0x42, 0, 0, 0, 0x2a, 0x41, 1, 0, 0, 2, 2, 1, 0x15, 0x40, 3, 0, 0, 0, 0xff, 0x43};
    for (uint32_t i = 0; i < BUNDLES; i++) {
        struct sat_span input = sat_span(choices + i, sizeof choices - i);
        struct fuzz_place place = {
            .store = handle->store, .directory = &handle->directory, .space = space, .device = i & 1 ? 3 : 1};
        struct sat_judge judge = {.store = handle->store,
                                  .directory = &handle->directory,
                                  .space = space,
                                  .dir_at = handle->directory.seq,
                                  .stubs_allowed = true};
        struct sat_fault fault = {0};
        struct sat_bundle bundle;
        struct sat_arena arena;
        sat_arena_init(&arena);
        struct sat_span bytes = fuzz_make_bundle(&input, &place, fuzz_org()->now_ms, &arena);
        fuzz_must(sat_bundle_decode(bytes, &handle->directory.org, &space->id, &arena, &bundle));
        if (bundle.form == SAT_BUNDLE_SHORT) fuzz_must(sat_judge_complete(&judge, &bundle));
        struct sat_header *headers = sat_arena_array(&arena, bundle.manifest.count, sizeof *headers);
        struct sat_accept done = {.store = handle->store,
                                  .space = space,
                                  .bundle = &bundle,
                                  .headers = headers,
                                  .recv_ms = fuzz_org()->now_ms,
                                  .dir_at = judge.dir_at};
        if (sat_judge_bundle(&judge, &bundle, &arena, headers, &fault) == SAT_OK) {
            fuzz_must(sat_store_begin(handle->store));
            fuzz_must(sat_base_accept(&done));
            fuzz_must(sat_store_space_save(handle->store, space));
            fuzz_must(sat_store_commit(handle->store));
        }
        sat_arena_deinit(&arena);
    }
}

/* The store as a file would have it. */
static struct sat_span the_image(void)
{
    static struct sat_span image;
    struct sat_entropy_stream stream;
    struct satchel handle;
    const struct fuzz_org *org = fuzz_org();
    if (image.len) return image;
    fuzz_org_open(org, DEVICE, sat_entropy_seeded(&stream, 1), &handle);
    struct sat_space_row space = {.id = org->spaces[FUZZ_SPACES - 1], .log_epoch = org->log_epochs[FUZZ_SPACES - 1]};
    sat_frontier_init(&space.log);
    fuzz_must(sat_store_begin(handle.store));
    fuzz_must(sat_store_space_create(handle.store, &space));
    fuzz_must(sat_store_commit(handle.store));
    accept_others(&handle, &space);
    sat_check(space.log.size >= 2);
    write_drafts(&handle, space.sid);
    sqlite3_int64 len = 0;
    const uint8_t *at = sqlite3_serialize(handle.store->db, "main", &len, 0);
    sat_check(at != NULL);
    image = sat_span(at, (size_t)len);
    fuzz_org_close(&handle);
    return image;
}

static struct sat_store *open_copy(void)
{
    struct sat_store *store;
    struct sat_fault fault = {0};
    struct sat_span image = the_image();
    fuzz_must(sat_store_open(":memory:", SAT_STORE_CREATE, &store, &fault));
    uint8_t *copy = sqlite3_malloc64(image.len);
    sat_check(copy != NULL);
    memcpy(copy, image.at, image.len);
    sat_check(sqlite3_deserialize(store->db, "main", copy, (sqlite3_int64)image.len, (sqlite3_int64)image.len,
                                  SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) == SQLITE_OK);
    return store;
}

/* ---- Damage ---- */

enum manner { OVER_IT, AS_BYTES, AS_TEXT, AS_INTEGER };

static void bind(sqlite3_stmt *statement, int at, enum manner manner, struct sat_span piece)
{
    int64_t number = 0;
    if (piece.len) memcpy(&number, piece.at, piece.len < sizeof number ? piece.len : sizeof number);
    if (manner == AS_INTEGER) (void)sqlite3_bind_int64(statement, at, number);
    if (manner == AS_TEXT)
        (void)sqlite3_bind_text(statement, at, (const char *)piece.at, (int)piece.len, SQLITE_STATIC);
    if (manner == AS_BYTES)
        (void)sqlite3_bind_blob(statement, at, piece.len ? piece.at : NULL, (int)piece.len, SQLITE_STATIC);
}

/* The value with the piece over its bytes from some place on; an integer stays one. */
static void bind_over(sqlite3_stmt *statement, int at, sqlite3_stmt *row, int column, struct sat_span piece)
{
    static uint8_t bytes[VALUE_BYTES_MAX * 4];
    size_t len = (size_t)sqlite3_column_bytes(row, column);
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
        (void)sqlite3_bind_int64(statement, at, sqlite3_column_int64(row, column) ^ fuzz_byte(&piece));
        return;
    }
    if (len > sizeof bytes) len = sizeof bytes;
    if (len) memcpy(bytes, sqlite3_column_blob(row, column), len);
    size_t from = len ? fuzz_byte(&piece) % len : 0;
    for (size_t i = from; i < len && piece.len; i++) bytes[i] ^= fuzz_byte(&piece);
    (void)sqlite3_bind_blob(statement, at, bytes, (int)len, SQLITE_STATIC);
}

static void patch(struct sat_store *store, struct sat_span *input)
{
    char sql[200];
    sqlite3_stmt *row = NULL, *update = NULL;
    uint8_t table = fuzz_byte(input) % (sizeof tables / sizeof tables[0]), column = fuzz_byte(input);
    uint8_t offset = fuzz_byte(input);
    enum manner manner = fuzz_byte(input) % 4;
    struct sat_span piece = fuzz_piece(input);
    if (piece.len > VALUE_BYTES_MAX) piece.len = VALUE_BYTES_MAX;
    (void)snprintf(sql, sizeof sql, "SELECT *, %s FROM %s LIMIT 1 OFFSET %u", tables[table].key, tables[table].name,
                   offset % 16u);
    sat_check(sqlite3_prepare_v2(store->db, sql, -1, &row, NULL) == SQLITE_OK);
    if (sqlite3_step(row) == SQLITE_ROW) {
        int columns = sqlite3_column_count(row) - 1, chosen = column % columns;
        (void)snprintf(sql, sizeof sql, "UPDATE OR IGNORE %s SET %s = ?1 WHERE %s = ?2", tables[table].name,
                       sqlite3_column_name(row, chosen), tables[table].key);
        sat_check(sqlite3_prepare_v2(store->db, sql, -1, &update, NULL) == SQLITE_OK);
        if (manner == OVER_IT)
            bind_over(update, 1, row, chosen, piece);
        else
            bind(update, 1, manner, piece);
        (void)sqlite3_bind_value(update, 2, sqlite3_column_value(row, columns));
        (void)sqlite3_step(update);
        (void)sqlite3_finalize(update);
    }
    (void)sqlite3_finalize(row);
}

/* ---- Everybody who reads it ---- */

static void tell(void *context, enum sat_check check, const char *text)
{
    (void)context;
    sat_check(check < SAT_CHECK_COUNT && sat_check_name(check)[0]);
    fuzz_check_sentence(text);
}

static void inspect(struct sat_store *store, bool damaged)
{
    struct sat_inspection inspection = {.store = store, .org = &fuzz_org()->id, .found = tell};
    struct sat_inspection_result result;
    struct sat_directory directory;
    sat_directory_init(&directory);
    enum sat_err err = sat_inspect(&inspection, &directory, &result);
    sat_check(!err || (damaged && err == SAT_ERR_UPGRADE_NEEDED));
    for (unsigned i = 0; !damaged && i < SAT_CHECK_COUNT; i++) sat_check(result.faults[i] == 0);
    sat_directory_deinit(&directory);
}

static enum sat_err read_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct satchel *handle = context;
    struct sat_vault vault = client_vault(handle);
    struct sat_record_view view;
    struct sat_history_item *items;
    struct sat_arena arena;
    uint32_t n;
    sat_arena_init(&arena);
    (void)!sat_record_load(&vault, sid, record, &arena, &view);
    (void)!sat_record_history(&vault, sid, record, &arena, &items, &n);
    sat_arena_deinit(&arena);
    return SAT_OK;
}

static int take_row(void *context, const char *json)
{
    (void)context;
    sat_check(json[0] == '{');
    return 0;
}

/* What is wrong is told by the one who found it, or by the store. */
static void check_told(const struct sat_store *store, const struct sat_fault *fault)
{
    fuzz_check_sentence(fault->err ? fault->text : sat_store_fault(store)->text);
}

static void use_as_device(struct sat_store *store, struct sat_squeezer *squeezer)
{
    const struct fuzz_org *org = fuzz_org();
    struct sat_entropy_stream stream;
    struct satchel handle = {.lock = -1,
                             .entropy = sat_entropy_seeded(&stream, 2),
                             .keyring = org->keyrings[DEVICE - 1],
                             .store = store,
                             .squeezer = squeezer};
    struct sat_frozen frozen;
    sat_directory_init(&handle.directory);
    fuzz_must(sat_keys_new(store, handle.keyring, &handle.entropy, &handle.keys));
    if (client_reload_directory(&handle, &handle.fault) == SAT_OK) {
        (void)!sat_store_each_record(store, read_record, &handle);
        (void)!satchel_conflicts(&handle, take_row, NULL);
        struct sat_vault vault = client_vault(&handle);
        fuzz_must(sat_store_begin(store));
        (void)!sat_author_freeze(&vault, fuzz_org()->now_ms, UINT32_MAX, &frozen);
        sat_store_rollback(store);
    } else {
        check_told(store, &handle.fault);
    }
    client_touch(&handle);
    client_conflicts_free(&handle.conflicts);
    sat_keys_free(handle.keys);
    sat_directory_deinit(&handle.directory);
}

static struct sat_squeezer *the_squeezer(void)
{
    static struct sat_squeezer *squeezer;
    if (!squeezer) fuzz_must(sat_squeezer_new(&squeezer));
    return squeezer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    struct sat_store *store = open_copy();
    struct sat_host *host = NULL;
    struct sat_entropy_stream stream;
    struct sat_fault fault = {0};
    for (uint32_t i = 0; i < PATCHES_MAX && input.len; i++) patch(store, &input);
    inspect(store, size > 0);
    use_as_device(store, the_squeezer());
    struct sat_host_config config = {
        .store = store, .server = &fuzz_org()->server, .entropy = sat_entropy_seeded(&stream, 1)};
    if (sat_host_new(&config, &host, &fault)) check_told(store, &fault);
    sat_host_free(host);
    sat_store_close(store);
    return 0;
}
