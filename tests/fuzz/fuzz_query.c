/* The SQL of `query` and the condition of `list`, on a view with two records: it can read, and nothing else. The first
 * byte says which of the two the rest is. */
#include <jansson.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "client/view/database.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

enum { DATABASES_MAX = 8 };
enum { ROWS_MAX = 64, STEPS_MAX = 200, STEP_INSTRUCTIONS = 1000, LENGTH_MAX = 100000, PATTERN_MAX = 64 };

struct budget { /* how long a query may go on: the library leaves that to the one who asks */
    unsigned rows, steps;
};

struct scene {
    struct satchel handle;
    struct sat_entropy_stream stream;
    struct client_view *view;
    struct sat_span images[DATABASES_MAX]; /* of the view's databases, as they were built; … */
    char *temporary;                       /* … and of what the temporary one has (1), its statements */
    int databases;
    int settings[4];
    struct budget budget;
};

/* ---- No file is opened, deleted or looked for, and no library loaded, whatever a query says ---- */

static int no_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
    (void)vfs;
    (void)name;
    (void)file;
    (void)flags;
    (void)flags_out;
    sat_check_failed("a query opens no file", __FILE__, __LINE__);
}

static int no_deletion(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    (void)name;
    (void)sync;
    sat_check_failed("a query deletes no file", __FILE__, __LINE__);
}

static void *no_library(sqlite3_vfs *vfs, const char *name)
{
    (void)vfs;
    (void)name;
    sat_check_failed("a query loads no library", __FILE__, __LINE__);
}

static void watch_files(void)
{
    static sqlite3_vfs watch;
    watch = *sqlite3_vfs_find(NULL);
    watch.zName = "watch";
    watch.xOpen = no_file;
    watch.xDelete = no_deletion;
    watch.xDlOpen = no_library;
    sat_check(sqlite3_vfs_register(&watch, 1) == SQLITE_OK);
}

/* ---- The scene ---- */

static void put(struct satchel *handle, const char *type, const char *id, const char *fields)
{
    struct satchel_tx *tx;
    sat_check(!satchel_begin(handle, &tx));
    sat_check(!satchel_put(tx, type, id, NULL, fields, NULL));
    sat_check(!satchel_commit(tx));
}

static int spend_step(void *context)
{
    struct budget *budget = context;
    return budget->steps++ >= STEPS_MAX;
}

static struct sat_span image_of(sqlite3 *db, int index)
{
    sqlite3_int64 len = 0;
    uint8_t *bytes = sqlite3_serialize(db, sqlite3_db_name(db, index), &len, 0);
    sat_check(bytes != NULL);
    return sat_span(bytes, (size_t)len);
}

/* What the view has left there, by which it was derived; on the heap. */
static char *temporary_of(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    const char *all = "SELECT ifnull(group_concat(name || '.' || ifnull(sql, ''), ';'), '') FROM sqlite_temp_schema";
    sat_check(sqlite3_prepare_v2(db, all, -1, &statement, NULL) == SQLITE_OK);
    sat_check(sqlite3_step(statement) == SQLITE_ROW);
    char *text = sqlite3_mprintf("%s", (const char *)sqlite3_column_text(statement, 0));
    sat_check(text != NULL && sqlite3_finalize(statement) == SQLITE_OK);
    return text;
}

/* But for what SQLite's search keeps open for itself, while it likes. */
static bool no_statement_is_left(sqlite3 *db)
{
    sqlite3_stmt *at = NULL;
    while ((at = sqlite3_next_stmt(db, at)))
        if (!strstr(sqlite3_sql(at), "'main'.'satchel_search") &&
            !strstr(sqlite3_sql(at), "PRAGMA 'main'.data_version"))
            return false;
    return true;
}

/* What would let a query write, as it is set now. */
static void read_settings(sqlite3 *db, int out[4])
{
    sat_check(!sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &out[0]));
    sat_check(!sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, -1, &out[1]));
    sat_check(!sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, -1, &out[2]));
    sat_check(!sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &out[3]));
}

static void set_scene(struct scene *scene)
{
    struct satchel *handle = &scene->handle;
    fuzz_org_open(fuzz_org(), 2, sat_entropy_seeded(&scene->stream, 1), handle);
    put(handle, "account", "0191f0a0-0000-7000-8000-000000000001", "{\"name\":\"Ana\",\"tags\":[\"vip\"]}");
    put(handle, "order", "0191f0a0-0000-7000-8000-000000000002",
        "{\"no_local\":\"10248\",\"account\":\"0191f0a0-0000-7000-8000-000000000001\"}");
    fuzz_must(client_view_get(handle, &scene->view));
    sqlite3 *db = scene->view->db;
    struct sat_fault fault = {0};
    sat_check(sqlite3_set_authorizer(db, NULL, NULL) == SQLITE_OK);
    while (sqlite3_db_name(db, scene->databases)) scene->databases++;
    sat_check(scene->databases <= DATABASES_MAX);
    for (int i = 0; i < scene->databases; i++)
        if (i != 1) scene->images[i] = image_of(db, i);
    scene->temporary = temporary_of(db);
    fuzz_must(client_view_lock(db, &fault));
    read_settings(db, scene->settings);
    sat_check(scene->settings[0] && !scene->settings[1] && !scene->settings[2] && !scene->settings[3]);
    sqlite3_progress_handler(db, STEP_INSTRUCTIONS, spend_step, &scene->budget);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
    (void)sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_MAX);
    watch_files();
}

static struct scene *the_scene(void)
{
    static struct scene scene;
    if (!scene.view) set_scene(&scene);
    return &scene;
}

/* ---- Asking ---- */

/* A row is one JSON object. */
static int take_row(void *context, const char *json)
{
    struct budget *budget = context;
    json_t *row = json_loads(json, JSON_ALLOW_NUL, NULL);
    sat_check(json_is_object(row));
    json_decref(row);
    return ++budget->rows >= ROWS_MAX;
}

static bool asks(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    bool yes = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 1;
    (void)sqlite3_finalize(statement);
    return yes;
}

/* The guard is lifted to look behind it, and put back. */
static void check_image(struct scene *scene)
{
    sqlite3 *db = scene->view->db;
    struct sat_fault fault = {0};
    sat_check(!asks(db, "PRAGMA query_only"));
    sat_check(sqlite3_set_authorizer(db, NULL, NULL) == SQLITE_OK);
    sat_check(asks(db, "PRAGMA query_only"));
    char *temporary = temporary_of(db);
    sat_check(strcmp(temporary, scene->temporary) == 0);
    sqlite3_free(temporary);
    for (int i = 0; i < scene->databases; i++) {
        if (i == 1) continue;
        struct sat_span image = image_of(db, i);
        sat_check(sat_span_equal(image, scene->images[i]));
        sqlite3_free((void *)image.at);
    }
    fuzz_must(client_view_lock(db, &fault));
}

static void check_unchanged(struct scene *scene, int changes_before)
{
    sqlite3 *db = scene->view->db;
    int settings[4];
    sat_check(sqlite3_total_changes(db) == changes_before);
    sat_check(sqlite3_get_autocommit(db) && no_statement_is_left(db));
    sat_check(!sqlite3_db_name(db, scene->databases)); /* nothing more is attached */
    read_settings(db, settings);
    sat_check(memcmp(settings, scene->settings, sizeof settings) == 0);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    check_image(scene);
    sqlite3_progress_handler(db, STEP_INSTRUCTIONS, spend_step, &scene->budget);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = the_scene();
    struct sat_span input = sat_span(data, size);
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool lists = fuzz_byte(&input) & 1;
    const char *sql = sat_arena_text(&arena, (const char *)input.at, input.len);
    int changes_before = sqlite3_total_changes(scene->view->db);
    scene->budget = (struct budget){0};
    int code = lists ? satchel_list(&scene->handle, "account", sql, take_row, &scene->budget)
                     : satchel_query(&scene->handle, sql, take_row, &scene->budget);
    const struct satchel_error *error = satchel_error_of(&scene->handle);
    sat_check(!code || error->number == code);
    if (code) fuzz_check_sentence(error->message);
    check_unchanged(scene, changes_before);
    sat_arena_deinit(&arena);
    return 0;
}
