/* What an inspection finds in a device's store: each damage, in the check that is to tell it, by its sentence. The
 * sound store is the same one each time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/base.h"
#include "common/sync/inspect.h"
#include "tests/story/trio.h"

/* Edits, a conflict that is settled, a record that everybody saw deleted and forgot, and a draft. */
static int begin(void **state)
{
    (void)state;
    trio_begin(41, 1);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    settle();
    scene_write(&world, other, 1, NAME, "Ana");
    scene_remove(&world, rep, 2);
    settle();
    assert_int_equal(world_collect(&world), 1);
    settle();
    scene_write(&world, rep, 1, CITY, "Chur");
    settle();
    scene_write(&world, rep, 3, CITY, "Zug");
    return 0;
}

static void damage(const char *sql)
{
    sqlite3 *db;
    sat_check(sqlite3_open(rep->store_path, &db) == SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    assert_true(sqlite3_total_changes(db) > 0);
    sqlite3_close(db);
}

struct finding {
    enum sat_check check;
    const char *part;
    bool found;
};

static void look(void *context, enum sat_check check, const char *text)
{
    struct finding *finding = context;
    finding->found = finding->found || (check == finding->check && strstr(text, finding->part));
}

static uint64_t inspect(struct finding *finding)
{
    struct sat_inspection inspection = {.store = rep->handle.store, .found = look, .context = finding};
    struct sat_inspection_result result;
    struct sat_directory directory;
    uint64_t faults = 0;
    sat_directory_init(&directory);
    assert_int_equal(sat_inspect(&inspection, &directory, &result), SAT_OK);
    for (int i = 0; i < SAT_CHECK_COUNT; i++) {
        assert_true(sat_check_name((enum sat_check)i)[0] && sat_check_counted((enum sat_check)i)[0]);
        faults += result.faults[i];
    }
    sat_directory_deinit(&directory);
    return faults;
}

static void a_sound_store_has_no_fault(void **state)
{
    (void)state;
    struct finding nothing = {.part = ""};
    assert_int_equal(inspect(&nothing), 0);
    assert_false(nothing.found);
}

#define TERRITORY "(SELECT sid FROM bundle GROUP BY sid ORDER BY count(*) DESC LIMIT 1)"
#define LAST "(SELECT max(seq) FROM entry WHERE sid = " TERRITORY " AND kind = 1)"

static const struct {
    enum sat_check check;
    const char *sql, *part;
} damages[] = {
    {SAT_CHECK_DATABASE, "UPDATE change SET sid = 77 WHERE cid = (SELECT max(cid) FROM change)",
     "changes belong to no bundle"},
    {SAT_CHECK_DATABASE, "UPDATE draft SET sid = 77", "drafts belong to no space"},
    {SAT_CHECK_DATABASE, "UPDATE entry SET sid = 77 WHERE sid = " TERRITORY " AND seq = 1",
     "entries belong to no space"},
    {SAT_CHECK_DIRECTORY, "DELETE FROM link WHERE seq = 3", "a link is missing"},
    {SAT_CHECK_DIRECTORY, "UPDATE link SET time_ms = time_ms + 1 WHERE seq = 4", "link 4"},
    {SAT_CHECK_BUNDLES, "UPDATE bundle SET signature = zeroblob(64) WHERE bid = (SELECT max(bid) FROM bundle)",
     "signature"},
    {SAT_CHECK_BUNDLES, "UPDATE change SET body = zeroblob(length(body)) WHERE state = 0", ""},
    {SAT_CHECK_LOG, "DELETE FROM entry WHERE sid = " TERRITORY " AND seq = 2", "is missing"},
    {SAT_CHECK_LOG, "UPDATE entry SET root = zeroblob(32) WHERE sid = " TERRITORY " AND seq = 2",
     "the root at entry 2"},
    {SAT_CHECK_LOG, "UPDATE entry SET recv_ms = 1 WHERE sid = " TERRITORY " AND seq = " LAST, "steps back"},
    {SAT_CHECK_LOG, "UPDATE entry SET bid = 0 WHERE sid = " TERRITORY " AND seq = " LAST, "is missing"},
    {SAT_CHECK_LOG, "UPDATE entry SET bid = 999 WHERE sid = " TERRITORY " AND seq = " LAST, "is missing"},
    {SAT_CHECK_LOG,
     "UPDATE entry SET bid = (SELECT min(bid) FROM bundle WHERE sid = " TERRITORY ") WHERE sid = " TERRITORY
     " AND seq = " LAST,
     "is not that of its bundle"},
    {SAT_CHECK_LOG, "DELETE FROM collection", "is missing, or cannot be read"},
    {SAT_CHECK_LOG, "UPDATE collection SET bytes = substr(bytes, 1, 5)", "is missing, or cannot be read"},
    {SAT_CHECK_LOG, "DELETE FROM collected", "is not what is remembered"},
    {SAT_CHECK_LOG, "UPDATE space SET floor = floor + 1 WHERE sid = " TERRITORY, "its floor"},
    {SAT_CHECK_LOG, "UPDATE space SET last_recv_ms = last_recv_ms + 1 WHERE sid = " TERRITORY, "its last time"},
    {SAT_CHECK_LIVE, "UPDATE change SET state = 1 - state WHERE state < 2", ""},
    {SAT_CHECK_DIGEST, "UPDATE space SET digest = zeroblob(length(digest)) WHERE sid = " TERRITORY, ""},
};

static void each_damage_is_found(void **state)
{
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        struct finding finding = {damages[i].check, damages[i].part, false};
        if (i) (void)begin(state);
        damage(damages[i].sql);
        uint64_t faults = inspect(&finding);
        if (!faults || !finding.found) fail_msg("not found (%u faults): %s", (unsigned)faults, damages[i].sql);
        if (i + 1 < sizeof damages / sizeof damages[0]) (void)end(state);
    }
}

/* What is frozen, and has another index there than its bundle has room for. */
static void a_change_out_of_its_place_is_not_merged(void **state)
{
    (void)state;
    struct sat_bundle_row *rows;
    struct sat_bundle bundle;
    struct sat_arena arena;
    uint32_t n;
    scene_write(&world, rep, 1, CITY, "Thun");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep);
    rep->on_way = NULL;
    damage("UPDATE change SET cid = cid + 900 WHERE cid = (SELECT max(cid) FROM change)");
    struct sat_store *store = rep->handle.store;
    int64_t sid = scene_space(store, &world.spaces[0]).sid;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_bundles_pending(store, sid, 0, 1, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(sat_base_bundle(store, &rows[0], false, &arena, &bundle), SAT_ERR_CORRUPT);
    sat_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_store_has_no_fault, begin, end),
        cmocka_unit_test_setup_teardown(each_damage_is_found, begin, end),
        cmocka_unit_test_setup_teardown(a_change_out_of_its_place_is_not_merged, begin, end),
    };
    return cmocka_run_group_tests_name("damage", tests, NULL, NULL);
}
