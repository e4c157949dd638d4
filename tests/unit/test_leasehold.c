/* A home's lease: what a device that has not met its server for too long refuses, what it still does, and how it gets
 * over it. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "common/base/limits.h"
#include "tests/unit/client_world.h"

static struct satchel *bob;
static char account[SATCHEL_ID_SIZE];

/* Ann with an account in Northern, and Bob, who has it too. */
static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    put_one(bob, "account", account, NULL, "{\"name\":\"Blondel\",\"city\":\"Strasbourg\"}");
    (void)sync_now(bob);
    satchel_close(ann);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(bob);
    return drop_client_world(state);
}

static void open_again(void)
{
    char home[128];
    struct satchel_open_options options = test_options();
    satchel_close(bob);
    assert_int_equal(satchel_open(home_of("bob", home), &options, &bob, NULL), SATCHEL_OK);
}

/* What the store says of the lease. */
static struct client_lease stored(void)
{
    struct client_lease lease = {0};
    struct sat_arena arena;
    struct sat_span bytes;
    bool found = false;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_meta_get(bob->store, "lease", &arena, &bytes, &found), SAT_OK);
    assert_true(found);
    assert_true(client_lease_decode(bytes, &lease));
    sat_arena_deinit(&arena);
    return lease;
}

static void store_bytes(struct sat_span bytes)
{
    assert_int_equal(sat_store_begin(bob->store), SAT_OK);
    assert_int_equal(sat_store_meta_put(bob->store, "lease", bytes), SAT_OK);
    assert_int_equal(sat_store_commit(bob->store), SAT_OK);
}

/* Writes another lease into the home, as if its life had been another, and opens it again. */
static void put_lease(const struct client_lease *lease)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    client_lease_encode(lease, &buf);
    store_bytes(sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    open_again();
}

static void age(uint64_t days)
{
    struct client_lease lease = stored();
    lease.elapsed_ms = days * SAT_DAY_MS;
    put_lease(&lease);
}

static int ignore_row(void *context, const char *json)
{
    (void)json;
    ++*(int *)context;
    return 0;
}

static void must_be_locked(int failed)
{
    must_fail(bob, failed, "locked", "sync");
    assert_int_equal(satchel_error_of(bob)->exit_code, 6);
}

/* ---- Refusing ---- */

static void a_lapsed_device_shows_nothing(void **state)
{
    (void)state;
    char *json = NULL, path[160];
    int rows = 0;
    (void)snprintf(path, sizeof path, "%s/export", the_world.directory);
    age(31);
    the_world.down = true; /* the lists ask the server first, which would end it */
    must_be_locked(satchel_get(bob, "account", account, &json));
    assert_null(json);
    must_be_locked(satchel_list(bob, "account", NULL, ignore_row, &rows));
    must_be_locked(satchel_query(bob, "select 1", ignore_row, &rows));
    must_be_locked(satchel_history(bob, "account", account, ignore_row, &rows));
    must_be_locked(satchel_conflicts(bob, ignore_row, &rows));
    must_be_locked(satchel_export(bob, path, SATCHEL_CSV, ignore_row, &rows));
    assert_int_equal(access(path, F_OK), -1);
    must_be_locked(satchel_user_list(bob, NULL, ignore_row, &rows));
    must_be_locked(satchel_territory_list(bob, NULL, ignore_row, &rows));
    must_be_locked(satchel_device_list(bob, NULL, ignore_row, &rows));
    assert_int_equal(rows, 0);
    the_world.down = false;
}

static void what_was_shown_before_it_lapsed_is_not_shown_from_memory(void **state)
{
    (void)state;
    int rows = 0;
    (void)sync_now(bob);
    must(bob, satchel_list(bob, "account", NULL, ignore_row, &rows)); /* the view is built */
    assert_int_equal(rows, 1);
    bob->leasehold.lease.elapsed_ms = 31 * SAT_DAY_MS;
    must_be_locked(satchel_list(bob, "account", NULL, ignore_row, &rows));
    assert_int_equal(rows, 1);
}

static void its_status_says_so_and_names_nobody(void **state)
{
    (void)state;
    char *json = NULL;
    age(31);
    must(bob, satchel_status(bob, &json));
    json_t *status = json_loads(json, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(status, "lease")), "lapsed");
    assert_int_equal(json_integer_value(json_object_get(status, "lease_days")), 30);
    assert_true(json_is_null(json_object_get(status, "lease_until")));
    assert_true(json_is_null(json_object_get(status, "user")));
    assert_true(json_is_null(json_object_get(status, "device_name")));
    assert_string_equal(json_string_value(json_object_get(status, "role")), "rep");
    static const char *const hidden[] = {"Bob", "bob\"", "Northern", "Northwind"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) assert_null(strstr(json, hidden[i]));
    json_decref(status);
    satchel_free(json);
}

/* ---- Going on ---- */

static void it_takes_new_work_and_edits_and_a_sync_ends_it(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", *json = NULL;
    age(400);
    the_world.down = true;
    put_one(bob, "account", id, NULL, "{\"name\":\"Written blind\"}");
    put_one(bob, "account", account, NULL, "{\"city\":\"Colmar\",\"tags\":{\"add\":[\"wine\"]}}");
    struct satchel_tx *tx;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", id));
    must(bob, satchel_commit(tx));
    must_be_locked(satchel_get(bob, "account", account, &json));
    struct satchel_sync_result result;
    assert_int_not_equal(satchel_sync(bob, NULL, &result), SATCHEL_OK);
    must_be_locked(satchel_get(bob, "account", account, &json));
    the_world.down = false;
    (void)sync_now(bob);
    must(bob, satchel_get(bob, "account", account, &json));
    assert_non_null(strstr(json, "Colmar"));
    assert_non_null(strstr(json, "Blondel"));
    satchel_free(json);
    assert_int_equal(stored().elapsed_ms, 0);
}

static void the_lists_end_it_where_the_server_is_there(void **state)
{
    (void)state;
    int rows = 0, refreshed = 0;
    age(31);
    must(bob, satchel_user_list(bob, &refreshed, ignore_row, &rows));
    assert_int_equal(refreshed, 1);
    assert_int_equal(rows, 2);
}

static void the_day_before_it_is_as_always(void **state)
{
    (void)state;
    char *json = NULL;
    age(29);
    must(bob, satchel_get(bob, "account", account, &json));
    satchel_free(json);
    must(bob, satchel_status(bob, &json));
    assert_non_null(strstr(json, "\"lease\":\"held\""));
    assert_null(strstr(json, "\"lease_until\":null"));
    assert_null(strstr(json, "\"lease_renewed\":null"));
    satchel_free(json);
}

/* ---- Writing it down ---- */

static void get_account(void)
{
    char *json = NULL;
    must(bob, satchel_get(bob, "account", account, &json));
    satchel_free(json);
}

static void it_is_written_when_the_server_is_met_and_then_once_an_hour(void **state)
{
    (void)state;
    age(1);
    (void)sync_now(bob);
    struct client_lease met = stored();
    assert_int_equal(met.elapsed_ms, 0);
    assert_true(met.server_ms > UINT64_C(1700000000000));
    get_account();
    assert_int_equal(stored().at.boot_ms, met.at.boot_ms); /* looked at, not written */
    struct client_lease lease = met;
    lease.at.boot_ms -= lease.at.boot_ms > 3601000 ? 3601000 : lease.at.boot_ms;
    bool hour = met.at.boot_ms - lease.at.boot_ms == 3601000; /* where this machine has run for so long */
    put_lease(&lease);
    get_account();
    if (hour) assert_true(stored().elapsed_ms >= 3601000);
}

static void another_boot_is_written_at_once(void **state)
{
    (void)state;
    (void)sync_now(bob);
    struct client_lease lease = stored();
    uint8_t boot_id[16];
    memcpy(boot_id, lease.at.boot_id, sizeof boot_id);
    memset(lease.at.boot_id, 0x5a, sizeof lease.at.boot_id);
    lease.at.wall_ms -= 10000;
    lease.server_ms -= 10000;
    put_lease(&lease);
    get_account();
    assert_memory_equal(stored().at.boot_id, boot_id, sizeof boot_id);
    assert_true(stored().elapsed_ms >= 10000);
}

static void a_home_without_one_begins_one(void **state)
{
    (void)state;
    store_bytes(sat_span_text("what is this?"));
    open_again();
    get_account();
    struct client_lease lease = stored();
    assert_int_equal(lease.server_ms, 0);
    assert_int_equal(lease.elapsed_ms, 0);
    (void)sync_now(bob);
    assert_true(stored().server_ms > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lapsed_device_shows_nothing),
        cmocka_unit_test(what_was_shown_before_it_lapsed_is_not_shown_from_memory),
        cmocka_unit_test(its_status_says_so_and_names_nobody),
        cmocka_unit_test(it_takes_new_work_and_edits_and_a_sync_ends_it),
        cmocka_unit_test(the_lists_end_it_where_the_server_is_there),
        cmocka_unit_test(the_day_before_it_is_as_always),
        cmocka_unit_test(it_is_written_when_the_server_is_met_and_then_once_an_hour),
        cmocka_unit_test(another_boot_is_written_at_once),
        cmocka_unit_test(a_home_without_one_begins_one),
    };
    return cmocka_run_group_tests_name("leasehold", tests, make_org, drop_org);
}
