/* The inspection of a server's store: the same checks as on a device, without a key. The damage that raw edits do is
 * planted by tests/cli/test_doctor.py; here it is what a broken program could write. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/inspect.h"
#include "tests/unit/client_world.h"

static struct satchel *ann, *bob;
static char told[4000]; /* what was found, a line each */

/* An org with everything that a store can hold: superseded, archived and conflicting changes. */
static int make_org(void **state)
{
    char id[SATCHEL_ID_SIZE] = "", gone[SATCHEL_ID_SIZE] = "";
    struct satchel_tx *tx;
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    bob = join_as(ann, "Bob", "bob");
    put_one(ann, "account", id, NULL, "{\"name\":\"Alfreds\"}");
    put_one(ann, "task", gone, NULL, "{\"title\":\"gone\"}");
    (void)sync_now(ann);
    (void)sync_now(bob);
    put_one(ann, "account", id, NULL, "{\"name\":\"Alfreds Futterkiste\"}");
    put_one(bob, "account", id, NULL, "{\"name\":\"Alfred\"}");
    must(ann, satchel_begin(ann, &tx));
    must(ann, satchel_remove(tx, "task", gone));
    must(ann, satchel_commit(tx));
    (void)sync_now(ann);
    (void)sync_now(bob);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    return drop_client_world(state);
}

static void on_found(void *context, enum sat_check check, const char *text)
{
    (void)context;
    size_t len = strlen(told);
    (void)snprintf(told + len, sizeof told - len, "%s: %s\n", sat_check_name(check), text);
}

static struct sat_inspection_result inspect(struct sat_store *store, const struct sat_hash *org)
{
    struct sat_inspection inspection = {.store = store, .org = org, .found = on_found};
    struct sat_inspection_result result;
    struct sat_directory directory;
    sat_directory_init(&directory);
    told[0] = 0;
    assert_int_equal(sat_inspect(&inspection, &directory, &result), SAT_OK);
    sat_directory_deinit(&directory);
    return result;
}

static void assert_found(enum sat_check check, const char *part)
{
    struct sat_inspection_result result = inspect(the_world.store, NULL);
    assert_true(result.faults[check] > 0);
    if (!strstr(told, part)) fail_msg("\"%s\" does not say \"%s\"", told, part);
}

static struct sat_space_row fullest_space(void)
{
    struct sat_arena arena;
    struct sat_space_row *rows, found = {0};
    uint32_t n;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_spaces(the_world.store, &arena, &rows, &n), SAT_OK);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].log.size > found.log.size) found = rows[i];
    sat_arena_deinit(&arena);
    return found;
}

static void save(const struct sat_space_row *row)
{
    assert_int_equal(sat_store_begin(the_world.store), SAT_OK);
    assert_int_equal(sat_store_space_save(the_world.store, row), SAT_OK);
    assert_int_equal(sat_store_commit(the_world.store), SAT_OK);
}

static void a_servers_store_is_whole_and_so_are_its_devices(void **state)
{
    (void)state;
    struct sat_store *const stores[] = {the_world.store, ann->store, bob->store};
    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        struct sat_inspection_result result = inspect(stores[i], &ann->directory.org);
        assert_string_equal(told, "");
        assert_int_equal(result.looked_at[SAT_CHECK_DIRECTORY], ann->directory.seq);
        assert_true(result.looked_at[SAT_CHECK_BUNDLES] > 5);
        assert_int_equal(result.looked_at[SAT_CHECK_LOG], result.looked_at[SAT_CHECK_BUNDLES]);
        assert_true(result.looked_at[SAT_CHECK_LIVE] > 5);
        assert_true(result.looked_at[SAT_CHECK_DIGEST] > result.looked_at[SAT_CHECK_LIVE]); /* the conflict has two */
    }
}

static void another_organisations_store_is_told(void **state)
{
    (void)state;
    static const struct sat_hash other = {{1}};
    (void)inspect(the_world.store, &other);
    assert_string_equal(told, "directory: the directory is that of another organisation\n");
}

static void a_space_that_forgot_an_entry_is_told(void **state)
{
    (void)state;
    struct sat_space_row good = fullest_space(), row = good;
    sat_frontier_init(&row.log);
    save(&row);
    assert_found(SAT_CHECK_LOG, "and should have 0");
    save(&good);
    row = good;
    row.last_recv_ms++;
    save(&row);
    assert_found(SAT_CHECK_LOG, "last time");
    save(&good);
}

static void a_digest_that_drifted_is_told(void **state)
{
    (void)state;
    struct sat_space_row good = fullest_space(), row = good;
    row.digest[7] ^= 1;
    save(&row);
    assert_found(SAT_CHECK_DIGEST, "is not that of its live changes");
    row = good;
    row.live++;
    save(&row);
    assert_found(SAT_CHECK_DIGEST, "it counts");
    save(&good);
}

static void a_change_that_came_back_to_life_is_told(void **state)
{
    (void)state;
    struct sat_space_row space = fullest_space();
    struct sat_arena arena;
    struct sat_entry_row *entries;
    struct sat_change_row *changes;
    uint32_t n;
    int64_t cid = 0;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_entries(the_world.store, space.sid, 1, 100, &arena, &entries, &n), SAT_OK);
    uint32_t entries_n = n;
    for (uint32_t i = 0; i < entries_n; i++) {
        assert_int_equal(sat_store_changes_of_bundle(the_world.store, entries[i].bid, &arena, &changes, &n), SAT_OK);
        for (uint32_t k = 0; k < n; k++)
            if (changes[k].state == SAT_CHANGE_LIVE) cid = changes[k].cid;
    }
    sat_arena_deinit(&arena);
    assert_true(cid);
    for (int alive = 0; alive < 2; alive++) {
        assert_int_equal(sat_store_begin(the_world.store), SAT_OK);
        assert_int_equal(sat_store_change_set_state(the_world.store, cid, alive ? SAT_CHANGE_LIVE : SAT_CHANGE_DEAD),
                         SAT_OK);
        assert_int_equal(sat_store_commit(the_world.store), SAT_OK);
        if (!alive) assert_found(SAT_CHECK_LIVE, "is superseded and should be live");
    }
    (void)inspect(the_world.store, NULL);
    assert_string_equal(told, "");
}

/* The last number that there is has no next one. */
static void an_entry_of_the_largest_number_is_told_and_the_inspection_ends(void **state)
{
    (void)state;
    const struct sat_entry_row row = {.entry = {.seq = INT64_MAX, .kind = SAT_ENTRY_RETURNED}};
    int64_t sid = fullest_space().sid;
    assert_int_equal(sat_store_begin(the_world.store), SAT_OK);
    assert_int_equal(sat_store_entry_append(the_world.store, sid, &row), SAT_OK);
    assert_found(SAT_CHECK_LOG, "entry 9223372036854775807 steps back in time");
    sat_store_rollback(the_world.store);
    (void)inspect(the_world.store, NULL);
    assert_string_equal(told, "");
}

static void an_empty_store_has_no_directory(void **state)
{
    (void)state;
    struct sat_store *store;
    struct sat_fault fault = {0};
    assert_int_equal(sat_store_open(":memory:", SAT_STORE_CREATE, &store, &fault), SAT_OK);
    (void)inspect(store, NULL);
    assert_string_equal(told, "directory: there is no directory\n");
    sat_store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_servers_store_is_whole_and_so_are_its_devices),
        cmocka_unit_test(another_organisations_store_is_told),
        cmocka_unit_test(a_space_that_forgot_an_entry_is_told),
        cmocka_unit_test(a_digest_that_drifted_is_told),
        cmocka_unit_test(a_change_that_came_back_to_life_is_told),
        cmocka_unit_test(an_entry_of_the_largest_number_is_told_and_the_inspection_ends),
        cmocka_unit_test(an_empty_store_has_no_directory),
    };
    return cmocka_run_group_tests_name("inspect", tests, make_org, drop_org);
}
