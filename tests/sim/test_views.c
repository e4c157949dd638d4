/* The view on a disk that fails: at each operation in turn, while it is built and while it follows the records. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/view/database.h"
#include "tests/sim/disks.h"
#include "tests/story/scene.h"

enum { RECORDS = 12, OPERATIONS_MAX = 2000 };

struct bench {
    struct world world;
    struct disks disks;
    struct world_device *device;
    char home[300];
    uint32_t edits;
    bool fired; /* something failed when it was asked last */
};

static int begin(void **state)
{
    struct bench *bench = calloc(1, sizeof *bench);
    *state = bench;
    disks_begin(&bench->disks, 5);
    world_init(&bench->world, 5, 1);
    disks_give(&bench->disks, &bench->world);
    bench->device = world_join(&bench->world, 1);
    (void)snprintf(bench->home, sizeof bench->home, "%s-home", bench->device->store_path);
    bench->device->handle.home = bench->home;
    return 0;
}

static int end(void **state)
{
    struct bench *bench = *state;
    bench->device->handle.home = NULL;
    world_deinit(&bench->world);
    disks_end(&bench->disks);
    free(bench);
    return 0;
}

static void edit(struct bench *bench)
{
    uint64_t first, last;
    char text[20]; /* a record that is there, or a new one */
    (void)snprintf(text, sizeof text, "text %u", bench->edits);
    struct sat_cell cell = world_text(1, text);
    struct sat_edit edit = {.sid = world_sid(bench->device, &bench->world.spaces[0]),
                            .record = world_record(bench->edits % 3 ? bench->edits : bench->edits % RECORDS),
                            .type = ACCOUNT,
                            .cells = &cell,
                            .cells_n = 1};
    bench->edits++;
    world_edit(&bench->world, bench->device, &edit, 1, &first, &last);
}

static struct vfs_disk *disk_of(struct bench *bench)
{
    return disks_of(&bench->disks, bench->device);
}

static int take_word(void *context, int n, char **values, char **names)
{
    (void)names;
    *(bool *)context = n == 1 && strcmp(values[0], "ok") == 0;
    return 0;
}

/* Do tables and indexes belong together? */
static bool is_sound(struct satchel *handle)
{
    bool sound = false;
    sqlite3 *db = handle->view->db;
    assert_int_equal(client_view_unlock(db, &handle->fault), SAT_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA integrity_check", take_word, &sound, NULL), SQLITE_OK);
    assert_int_equal(client_view_lock(db, &handle->fault), SAT_OK);
    return sound;
}

/* What it answers now, if it answers, is right. */
static bool answers(struct bench *bench)
{
    struct satchel *handle = &bench->device->handle;
    struct client_view *view, *anew;
    char where[160];
    bool same;
    handle->view_damages = 0;
    client_touch(handle);
    enum sat_err err = client_view_open(handle, &view);
    bench->fired = disk_of(bench)->fired > 0;
    vfs_plan(disk_of(bench), (struct vfs_plan){0});
    if (err) return false;
    if (disk_of(bench)->dead) return false;
    assert_int_equal(client_view_make(handle, &anew), SAT_OK);
    assert_int_equal(client_view_compare(view, anew, &same, where, &handle->fault), SAT_OK);
    client_view_free(anew);
    if (!same) fail_msg("the view differs at %s", where);
    assert_true(is_sound(handle));
    return true;
}

static void spoil(struct bench *bench, enum vfs_fault fault, uint64_t from)
{
    vfs_plan(disk_of(bench), (struct vfs_plan){.fault = fault, .operations = VFS_CHANGING, .from = from, .count = 1});
}

struct left { /* what lies on the disk: the store's mark, and the view's first file */
    struct sat_buf mark, file;
};

static void look(struct bench *bench, struct left *out)
{
    struct sat_arena arena;
    struct sat_span mark = {0};
    char path[320];
    size_t len = 0;
    bool found;
    sat_arena_init(&arena);
    sat_buf_init(&out->mark);
    sat_buf_init(&out->file);
    assert_int_equal(sat_derived_mark(bench->device->handle.store, &arena, &mark, &found), SAT_OK);
    if (found) sat_put_span(&out->mark, mark);
    (void)snprintf(path, sizeof path, "%s/%s", bench->home, CLIENT_VIEW_FILE);
    const void *at = vfs_look(bench->disks.vfs, path, &len);
    if (at) sat_put_bytes(&out->file, at, len);
    sat_arena_deinit(&arena);
}

/* The mark is gone before the first byte of the view changes: disks write in the order that they like. */
static void assert_unmarked_or_unchanged(struct bench *bench, const struct left *before)
{
    struct left behind;
    look(bench, &behind);
    if (behind.mark.len && sat_span_equal(sat_buf_span(&before->mark), sat_buf_span(&behind.mark)))
        assert_true(sat_span_equal(sat_buf_span(&before->file), sat_buf_span(&behind.file)));
    sat_buf_deinit(&behind.mark);
    sat_buf_deinit(&behind.file);
}

/* One round: something to follow, or all of it to build, while the disk fails at operation `from`. Whether it did. */
static bool round_of(struct bench *bench, enum vfs_fault fault, bool builds, uint64_t from)
{
    edit(bench);
    if (builds) client_view_discard(&bench->device->handle);
    struct left before;
    look(bench, &before);
    spoil(bench, fault, from);
    bool answered = answers(bench);
    bool fired = bench->fired;
    if (disk_of(bench)->dead) {
        world_crash_device(&bench->world, bench->device);
        if (!builds) assert_unmarked_or_unchanged(bench, &before);
    } else {
        assert_true(answered); /* in memory, if not on the disk */
    }
    sat_buf_deinit(&before.mark);
    sat_buf_deinit(&before.file);
    assert_true(answers(bench));
    return fired;
}

static void at_every_operation(struct bench *bench, enum vfs_fault fault, bool builds)
{
    uint64_t from = 1;
    for (int i = 0; i < RECORDS; i++) edit(bench);
    assert_true(answers(bench));
    assert_non_null(bench->device->handle.view->sealed);
    while (round_of(bench, fault, builds, from)) assert_true(++from < OPERATIONS_MAX);
    assert_true(from > 5);
    assert_non_null(bench->device->handle.view->sealed);
}

static void a_power_cut_at_any_write_while_it_follows_changes_no_answer(void **state)
{
    at_every_operation(*state, VFS_CRASH, false);
}

static void a_power_cut_at_any_write_while_it_is_built_changes_no_answer(void **state)
{
    at_every_operation(*state, VFS_CRASH, true);
}

static void a_full_disk_changes_no_answer(void **state)
{
    at_every_operation(*state, VFS_FULL, false);
}

static void a_write_that_fails_changes_no_answer(void **state)
{
    at_every_operation(*state, VFS_BROKEN, false);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_power_cut_at_any_write_while_it_follows_changes_no_answer),
        TEST(a_power_cut_at_any_write_while_it_is_built_changes_no_answer),
        TEST(a_full_disk_changes_no_answer),
        TEST(a_write_that_fails_changes_no_answer),
    };
#undef TEST
    return cmocka_run_group_tests_name("views on disks", tests, NULL, NULL);
}
