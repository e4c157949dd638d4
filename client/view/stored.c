/* Where the view is: sealed on the disk, and there from one time to the next; in memory where that cannot be.
 *
 * The store has its mark while what lies there is whole and of a state that the store knows how to go on from. The mark
 * goes before anything there changes, and comes back behind it: whatever a crash cuts short, or a backup brings back,
 * is a view without its mark, and made anew. */
#include <stdlib.h>
#include <string.h>

#include "client/home.h"
#include "client/leasehold.h"
#include "client/search/terms.h"
#include "client/view/added.h"
#include "client/view/database.h"
#include "client/view/fill.h"
#include "common/proof/bundle.h"
#include "common/proof/hash.h"

/* A figure or a rule that makes other rows of the same records raises it: docs/adding.md. */
enum { FORM_VERSION = 17, SUITES_LOOKED_AT = 16 };

/* One value of a query's result. A record is at most 256 KiB, so this is for what a query makes of many. */
enum { VALUE_BYTES_MAX = 64 * 1024 * 1024 };
enum { BUILD_IN_MEMORY_KIB = 64 * 1024, ASK_IN_MEMORY_KIB = 8 * 1024 };
/* How often it may turn out to be damaged before this handle keeps it in memory. */
enum { DAMAGES_MAX = 2 };

static const char *const NAMES[] = {CLIENT_VIEW_FILE, CLIENT_ARCHIVE_FILE};
enum { NAMES_N = sizeof NAMES / sizeof NAMES[0] };

/* ---- The mark ---- */

enum { MARK_BYTES = SAT_PAGE_SALT_BYTES + CLIENT_VIEW_SERIAL_BYTES + 32 + 4 * 8 + 3 * 4 };

/* salt16 ‖ serial16 ‖ form32 ‖ u64 bundle ‖ u64 draft ‖ u64 keys ‖ u64 links ‖ u32 devices ‖ u32 own ‖ u32 draft's */
static void encode(const struct client_view_mark *mark, struct sat_buf *out)
{
    sat_put_bytes(out, mark->salt, sizeof mark->salt);
    sat_put_bytes(out, mark->serial, sizeof mark->serial);
    sat_put_bytes(out, mark->form.b, sizeof mark->form.b);
    sat_put_u64(out, (uint64_t)mark->to.bundle);
    sat_put_u64(out, mark->to.draft);
    sat_put_u64(out, mark->keys);
    sat_put_u64(out, mark->links);
    sat_put_u32(out, mark->devices);
    sat_put_u32(out, mark->own);
    sat_put_u32(out, mark->draft);
}

static bool decode(struct sat_span bytes, struct client_view_mark *out)
{
    struct sat_reader reader;
    if (bytes.len != MARK_BYTES) return false;
    sat_reader_init(&reader, bytes);
    sat_take_bytes(&reader, out->salt, sizeof out->salt);
    sat_take_bytes(&reader, out->serial, sizeof out->serial);
    sat_take_bytes(&reader, out->form.b, sizeof out->form.b);
    out->to.bundle = (int64_t)sat_take_u64(&reader);
    out->to.draft = sat_take_u64(&reader);
    out->keys = sat_take_u64(&reader);
    out->links = sat_take_u64(&reader);
    out->devices = sat_take_u32(&reader);
    out->own = sat_take_u32(&reader);
    out->draft = sat_take_u32(&reader);
    return true;
}

static bool is_same_state(const struct client_view_mark *a, const struct client_view_mark *b)
{
    return a->to.bundle == b->to.bundle && a->to.draft == b->to.draft && a->keys == b->keys && a->links == b->links &&
           a->devices == b->devices && a->own == b->own && a->draft == b->draft;
}

/* The list of types, which is the program's: hashed once for a handle. */
static const struct sat_hash *types_of(struct satchel *satchel)
{
    struct sat_hasher hasher;
    if (satchel->types_are_hashed) return &satchel->types;
    sat_hash_begin(&hasher, "view-types");
    for (uint16_t i = 0; i < sat_types_count(); i++) {
        const struct sat_type *type = sat_type_at(i);
        sat_hash_add_u32(&hasher, type->number);
        sat_hash_add_counted(&hasher, sat_span_text(type->name));
        sat_hash_add_u32(&hasher, (uint32_t)type->home);
        sat_hash_add_u32(&hasher, type->fields_n);
        for (uint16_t k = 0; k < type->fields_n; k++) {
            const struct sat_field *field = &type->fields[k];
            sat_hash_add_u32(&hasher, field->number);
            sat_hash_add_counted(&hasher, sat_span_text(field->name));
            sat_hash_add_u32(&hasher, (uint32_t)field->kind);
            sat_hash_add_u32(&hasher, (uint32_t)field->rule);
            sat_hash_add_u32(&hasher, (uint32_t)field->each);
            sat_hash_add_u32(&hasher, field->ref_type);
            sat_hash_add_u32(&hasher, (uint32_t)sat_field_search(field));
            sat_hash_add_u32(&hasher, (uint32_t)field->grade);
        }
    }
    satchel->types = sat_hash_end(&hasher);
    satchel->types_are_hashed = true;
    return &satchel->types;
}

/* What decides which rows records make: the list of types, the store's schema, which suites can be read, whose view it
 * is, and this program's rules. */
static struct sat_hash form_of(struct satchel *satchel)
{
    struct sat_hasher hasher;
    struct client_sight sight;
    const struct sat_hash *types = types_of(satchel);
    client_sight_get(satchel, &sight);
    sat_hash_begin(&hasher, "view-form");
    sat_hash_add_u32(&hasher, FORM_VERSION);
    sat_hash_add_u32(&hasher, sight.most);
    sat_hash_add_u32(&hasher, sight.user);
    sat_hash_add_u32(&hasher, CLIENT_TERMS_VERSION);
    sat_hash_add_u32(&hasher, CLIENT_ADDED_VERSION);
    sat_hash_add_u32(&hasher, client_fold_sum);
    sat_hash_add_u32(&hasher, sat_store_schema_version(satchel->store));
    for (uint16_t suite = 0; suite < SUITES_LOOKED_AT; suite++) sat_hash_add_u8(&hasher, sat_suite_is_known(suite));
    sat_hash_add(&hasher, types->b, sizeof types->b);
    return sat_hash_end(&hasher);
}

static enum sat_err put_mark(struct satchel *satchel, const struct client_view_mark *mark)
{
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    encode(mark, &bytes);
    enum sat_err err = sat_derived_put(satchel->store, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return err;
}

/* ---- Files and databases ---- */

static void delete_files(const struct satchel *satchel)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    for (size_t i = 0; vfs && satchel->home && i < NAMES_N; i++) {
        char *path = client_home_path(satchel->home, NAMES[i]);
        (void)vfs->xDelete(vfs, path, 0); /* what stays opens under no key any more */
        free(path);
    }
}

static int open_sealed(const struct satchel *satchel, struct client_view *view)
{
    char *path = client_home_path(satchel->home, CLIENT_VIEW_FILE);
    char *archive = client_home_path(satchel->home, CLIENT_ARCHIVE_FILE);
    int code = client_sealed_open(view->sealed, path, &view->db);
    if (code == SQLITE_OK) code = client_sealed_attach(view->db, archive, CLIENT_ARCHIVED);
    free(path);
    free(archive);
    return code;
}

static void make_files(const struct satchel *satchel)
{
    for (size_t i = 0; i < NAMES_N; i++) (void)client_home_make_private(satchel->home, NAMES[i]); /* or opening fails */
}

static int open_in_memory(struct client_view *view)
{
    int code = sqlite3_open_v2(
        ":memory:", &view->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, NULL);
    return code == SQLITE_OK
               ? sqlite3_exec(view->db, "PRAGMA temp_store = MEMORY; ATTACH ':memory:' AS " CLIENT_ARCHIVED, NULL, NULL,
                              NULL)
               : code;
}

/* A view's databases, open and empty or as they are; the caller frees it, also on failure. */
static enum sat_err open_view(struct satchel *satchel, bool on_disk, struct client_view *view)
{
    int code;
    if (on_disk) {
        struct sat_page_key *key = sat_page_key_new(satchel->keyring, view->mark.salt);
        view->sealed = key ? client_sealed_new(key, &satchel->entropy) : NULL;
        if (!view->sealed) sat_page_key_free(key);
        code = view->sealed ? open_sealed(satchel, view) : SQLITE_NOMEM;
    } else {
        code = open_in_memory(view);
    }
    if (code != SQLITE_OK) return client_view_fail(view->db, &satchel->fault, SAT_ERR_IO);
    (void)sqlite3_limit(view->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    return client_view_register(view->db, &satchel->fault);
}

static void keep_in_memory(sqlite3 *db, int kib)
{
    char sql[120];
    (void)sqlite3_snprintf(sizeof sql, sql, "PRAGMA main.cache_size = -%d; PRAGMA " CLIENT_ARCHIVED ".cache_size = -%d",
                           kib, kib / 4);
    (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static enum sat_err run(struct satchel *satchel, sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return SAT_OK;
    return client_view_fail(db, &satchel->fault, SAT_ERR_IO);
}

/* Both files have it, so that neither is taken for the other's half. */
static enum sat_err put_serial(struct satchel *satchel, struct client_view *view)
{
    static const char *const inserts[] = {
        "INSERT INTO main.satchel_state (serial) VALUES (?)",
        "INSERT INTO " CLIENT_ARCHIVED ".satchel_state (serial) VALUES (?)",
    };
    sat_entropy_fill(&satchel->entropy, view->mark.serial, sizeof view->mark.serial);
    enum sat_err err =
        run(satchel, view->db, "DELETE FROM main.satchel_state; DELETE FROM " CLIENT_ARCHIVED ".satchel_state");
    for (size_t i = 0; i < NAMES_N && !err; i++) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(view->db, inserts[i], -1, &statement, NULL);
        if (code == SQLITE_OK)
            code = sqlite3_bind_blob(statement, 1, view->mark.serial, sizeof view->mark.serial, SQLITE_STATIC);
        if (code == SQLITE_OK) code = sqlite3_step(statement);
        if (code != SQLITE_DONE) err = client_view_fail(view->db, &satchel->fault, SAT_ERR_IO);
        (void)sqlite3_finalize(statement);
    }
    return err;
}

static bool has_serial(const struct client_view *view)
{
    static const char sql[] =
        "SELECT serial FROM main.satchel_state JOIN " CLIENT_ARCHIVED ".satchel_state USING (serial)";
    sqlite3_stmt *statement = NULL;
    bool has = sqlite3_prepare_v2(view->db, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW &&
               sqlite3_column_bytes(statement, 0) == sizeof view->mark.serial &&
               memcmp(sqlite3_column_blob(statement, 0), view->mark.serial, sizeof view->mark.serial) == 0;
    (void)sqlite3_finalize(statement);
    return has;
}

void client_view_free(struct client_view *view)
{
    if (!view) return;
    (void)sqlite3_close(view->db);
    client_sealed_free(view->sealed);
    free(view);
}

static void drop(struct satchel *satchel)
{
    client_view_free(satchel->view);
    satchel->view = NULL;
}

void client_view_discard(struct satchel *satchel)
{
    drop(satchel);
    delete_files(satchel);
}

void client_view_tidy(struct satchel *satchel)
{
    struct sat_arena arena;
    struct sat_span mark;
    bool found = false;
    sat_arena_init(&arena);
    enum sat_err err = sat_derived_mark(satchel->store, &arena, &mark, &found);
    sat_arena_deinit(&arena);
    if (!err && !found) delete_files(satchel);
}

/* ---- Made anew ---- */

static enum sat_err fill(struct satchel *satchel, struct client_view *view)
{
    struct client_filling filling;
    client_filling_begin(&filling, satchel, view->db);
    enum sat_err err = run(satchel, view->db, "BEGIN");
    if (!err) err = client_view_make_tables(view->db, &satchel->fault);
    if (!err) err = client_added_make(view->db, &satchel->fault);
    if (!err) err = client_filling_all(&filling);
    if (!err) err = client_added_derive(view->db, &satchel->fault);
    client_filling_end(&filling);
    if (!err) err = put_serial(satchel, view);
    if (!err) err = run(satchel, view->db, "COMMIT");
    return err ? err : client_view_fence(view->db, &satchel->fault);
}

static enum sat_err build(struct satchel *satchel, bool on_disk, struct client_view **out)
{
    bool touched;
    struct client_view *view = *out = calloc(1, sizeof *view);
    if (!view) return SAT_ERR_NO_MEMORY;
    enum sat_err err = client_view_look(satchel, &view->mark, &touched);
    view->mark.form = form_of(satchel);
    if (on_disk) sat_entropy_fill(&satchel->entropy, view->mark.salt, sizeof view->mark.salt);
    if (!err && on_disk) err = sat_derived_begin(satchel->store);
    if (!err && on_disk) delete_files(satchel);
    if (!err && on_disk) make_files(satchel);
    if (!err) err = open_view(satchel, on_disk, view);
    if (!err && on_disk) keep_in_memory(view->db, BUILD_IN_MEMORY_KIB);
    if (!err) err = fill(satchel, view);
    if (!err && on_disk) keep_in_memory(view->db, ASK_IN_MEMORY_KIB);
    if (!err && on_disk) view->tracked = !put_mark(satchel, &view->mark);
    if (!err) return SAT_OK;
    client_view_free(view);
    *out = NULL;
    if (on_disk) delete_files(satchel);
    return err;
}

enum sat_err client_view_make(struct satchel *satchel, struct client_view **out)
{
    return build(satchel, false, out);
}

/* ---- As it was left ---- */

static enum sat_err read_mark(struct satchel *satchel, struct client_view_mark *out, bool *found)
{
    struct sat_arena arena;
    struct sat_span bytes;
    struct sat_hash form = form_of(satchel);
    sat_arena_init(&arena);
    enum sat_err err = sat_derived_mark(satchel->store, &arena, &bytes, found);
    if (!err && *found) *found = decode(bytes, out) && sat_hash_equal(&out->form, &form);
    sat_arena_deinit(&arena);
    return err;
}

/* Opens what lies there if it is what the mark speaks of. Trouble with it is none: it is made anew. */
static void open_left(struct satchel *satchel)
{
    struct client_view *view = calloc(1, sizeof *view);
    bool found = false;
    if (!view) return;
    enum sat_err err = read_mark(satchel, &view->mark, &found);
    if (!err && found) make_files(satchel);
    if (!err && found) err = open_view(satchel, true, view);
    if (!err && found) found = has_serial(view);
    if (!err && found) err = client_view_fence(view->db, &satchel->fault);
    if (!err && found) keep_in_memory(view->db, ASK_IN_MEMORY_KIB);
    view->tracked = true;
    if (!err && found)
        satchel->view = view;
    else
        client_view_free(view);
}

/* ---- Looking only ---- */

static bool has_files(const struct satchel *satchel, bool *all)
{
    bool any = false;
    *all = true;
    for (size_t i = 0; i < NAMES_N; i++) {
        bool has = client_home_has(satchel->home, NAMES[i]);
        any = any || has;
        *all = *all && has;
    }
    return any;
}

/* Reads every page. */
static bool is_sound(const struct client_view *view)
{
    static const char *const checks[] = {"PRAGMA main.quick_check(1)", "PRAGMA " CLIENT_ARCHIVED ".quick_check(1)"};
    bool sound = true;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && sound; i++) {
        sqlite3_stmt *statement = NULL;
        sound = sqlite3_prepare_v2(view->db, checks[i], -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW &&
                strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
        (void)sqlite3_finalize(statement);
    }
    return sound;
}

enum sat_err client_view_examine(struct satchel *satchel, const char **trouble, bool *there)
{
    struct client_view view = {0};
    bool marked = false, all = false;
    *trouble = NULL;
    enum sat_err err = read_mark(satchel, &view.mark, &marked);
    *there = !err && has_files(satchel, &all);
    if (err || !*there) return err;
    if (!marked)
        *trouble = "it was left in the midst of a change, or is of another version";
    else if (!all || open_view(satchel, true, &view) || !has_serial(&view))
        *trouble = "its files are not those that were left";
    else if (!is_sound(&view))
        *trouble = "a page of it does not open";
    (void)sqlite3_close(view.db);
    client_sealed_free(view.sealed);
    satchel->fault = (struct sat_fault){0};
    return SAT_OK;
}

/* ---- What has changed since ---- */

static enum sat_err go_on(struct satchel *satchel, struct client_view *view, const struct client_view_mark *now,
                          bool *anew)
{
    struct client_view_mark next = *now;
    memcpy(next.salt, view->mark.salt, sizeof next.salt);
    next.form = view->mark.form;
    enum sat_err err = sat_derived_begin(satchel->store);
    if (!err) err = client_view_unlock(view->db, &satchel->fault);
    if (!err) err = run(satchel, view->db, "BEGIN");
    if (!err) err = client_view_refresh(satchel, view->db, &view->mark, now, anew);
    if (!err && !*anew) err = client_added_follow(view->db, anew, &satchel->fault);
    if (err || *anew) return err;
    view->mark = next;
    err = put_serial(satchel, view);
    if (!err) err = run(satchel, view->db, "COMMIT");
    if (!err) err = client_view_lock(view->db, &satchel->fault);
    if (!err) view->tracked = !put_mark(satchel, &view->mark);
    return err;
}

/* What is open becomes what the store holds now. If it does not, whatever the reason, it is dropped, to be made anew.
 */
static void bring_up(struct satchel *satchel)
{
    struct client_view *view = satchel->view;
    struct client_view_mark mark, now;
    bool touched = false, marked = false, anew = false;
    enum sat_err err = read_mark(satchel, &mark, &marked);
    if (!err && !(marked && memcmp(mark.serial, view->mark.serial, sizeof mark.serial) == 0)) {
        drop(satchel); /* what happened was too much to be told */
        return;
    }
    if (!err) err = client_view_look(satchel, &now, &touched);
    if (!err && !touched && is_same_state(&view->mark, &now)) return;
    if (!err && sat_store_in_transaction(satchel->store)) err = SAT_ERR_IN_USE; /* nothing can be marked now */
    if (!err) err = go_on(satchel, view, &now, &anew);
    if (err || anew) drop(satchel);
}

void client_touch(struct satchel *satchel)
{
    if (satchel->view && !satchel->view->tracked) drop(satchel);
}

enum sat_err client_view_get(struct satchel *satchel, struct client_view **out)
{
    *out = NULL;
    return client_lease_check(satchel) ? SAT_ERR_LOCKED : client_view_open(satchel, out);
}

enum sat_err client_view_open(struct satchel *satchel, struct client_view **out)
{
    if (satchel->view && satchel->view->damaged) {
        satchel->view_damages++;
        (void)sat_fail(&satchel->view_fault, SAT_ERR_IO, "it could not be read, time after time");
        satchel->fault = (struct sat_fault){0};
        client_view_discard(satchel);
    }
    struct sat_fault before = satchel->fault;
    bool on_disk = satchel->home && !satchel->wiped && satchel->view_damages < DAMAGES_MAX;
    enum sat_err err = SAT_OK;
    if (!satchel->view && on_disk) open_left(satchel);
    if (satchel->view && satchel->view->tracked) bring_up(satchel);
    for (int attempt = 0; !satchel->view && attempt < 2; attempt++) {
        bool there = attempt == 0;
        if (there && (!on_disk || sat_store_in_transaction(satchel->store))) continue;
        satchel->fault = before; /* what speaks against the disk is no answer */
        satchel->unread = SAT_OK;
        err = build(satchel, there, &satchel->view);
        if (there) satchel->view_fault = err ? satchel->fault : (struct sat_fault){0};
    }
    *out = satchel->view;
    return satchel->view ? SAT_OK : err;
}

const char *satchel_view_trouble(const struct satchel *satchel)
{
    if (!satchel->view || satchel->view->sealed || !satchel->view_fault.err) return NULL;
    return satchel->view_fault.text[0] ? satchel->view_fault.text : sat_err_text(satchel->view_fault.err);
}
