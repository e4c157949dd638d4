#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/alert.h"
#include "tests/unit/client_world.h"

static struct satchel *ann;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

static json_t *status_now(void)
{
    char *text = NULL;
    must(ann, satchel_status(ann, &text));
    json_t *status = json_loads(text, 0, NULL);
    satchel_free(text);
    assert_non_null(status);
    return status;
}

static const char *member(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void must_list(const json_t *status, size_t at, const char *error, int times, const char *message)
{
    const json_t *alert = json_array_get(json_object_get(status, "alert_list"), at);
    assert_string_equal(member(alert, "error"), error);
    assert_int_equal(json_integer_value(json_object_get(alert, "times")), times);
    assert_string_equal(member(alert, "message"), message);
    assert_non_null(member(alert, "at"));
}

static void without_alerts_the_list_is_empty(void **state)
{
    (void)state;
    json_t *status = status_now();
    assert_int_equal(json_integer_value(json_object_get(status, "alerts")), 0);
    assert_true(json_is_null(json_object_get(status, "alert")));
    assert_true(json_is_array(json_object_get(status, "alert_list")));
    assert_int_equal(json_array_size(json_object_get(status, "alert_list")), 0);
    json_decref(status);
}

static void a_later_alert_hides_none_of_another_kind(void **state)
{
    (void)state;
    client_alert_keep(ann, CLIENT_ALERT_HOME_COPIED, "it was a copy");
    client_alert_keep(ann, SAT_ERR_PROTOCOL, "a strange message");
    client_alert_keep(ann, SAT_ERR_FORK, "two heads");
    client_alert_keep(ann, SAT_ERR_FORK, "two other heads");
    client_alert_keep(ann, SAT_ERR_WRONG_SERVER, "another key");
    client_alert_keep(ann, CLIENT_ALERT_SERVER_SET_BACK, "an older copy");
    json_t *status = status_now();
    assert_int_equal(json_integer_value(json_object_get(status, "alerts")), 6);
    assert_string_equal(member(status, "alert"), "an older copy");
    assert_string_equal(member(status, "alert_error"), "server_set_back");
    assert_non_null(member(status, "alert_at"));
    assert_int_equal(json_array_size(json_object_get(status, "alert_list")), 5);
    must_list(status, 0, "fork", 2, "two other heads");
    must_list(status, 1, "wrong_server", 1, "another key");
    must_list(status, 2, "protocol", 1, "a strange message");
    must_list(status, 3, "server_set_back", 1, "an older copy");
    must_list(status, 4, "home_was_copied", 1, "it was a copy");
    json_decref(status);
}

static void what_speaks_against_nobody_is_no_alert(void **state)
{
    (void)state;
    client_alert_keep(ann, SAT_ERR_CLOSED, "the line broke");
    client_alert_keep(ann, SAT_ERR_VERSION, "another version");
    json_t *status = status_now();
    assert_int_equal(json_integer_value(json_object_get(status, "alerts")), 0);
    json_decref(status);
}

static void put_meta(struct sat_buf *bytes)
{
    assert_int_equal(sat_store_begin(ann->store), SAT_OK);
    assert_int_equal(sat_store_meta_put(ann->store, "alert", sat_buf_span(bytes)), SAT_OK);
    assert_int_equal(sat_store_commit(ann->store), SAT_OK);
}

static void an_older_homes_only_alert_is_kept(void **state)
{
    (void)state;
    struct sat_buf old;
    sat_buf_init(&old);
    sat_put_u8(&old, 1);
    sat_put_u32(&old, 7);
    sat_put_u64(&old, 1700000000000);
    sat_put_u32(&old, SAT_ERR_TAMPERED);
    sat_put_bytes(&old, "a wrong signature", 17);
    put_meta(&old);
    sat_buf_deinit(&old);
    client_alert_keep(ann, CLIENT_ALERT_SERVER_SET_BACK, "an older copy");
    json_t *status = status_now();
    assert_int_equal(json_integer_value(json_object_get(status, "alerts")), 8);
    assert_string_equal(member(status, "alert_error"), "server_set_back");
    must_list(status, 0, "tampered", 1, "a wrong signature");
    must_list(status, 1, "server_set_back", 1, "an older copy");
    json_decref(status);
}

static void what_is_cut_off_is_damage(void **state)
{
    (void)state;
    client_alert_keep(ann, SAT_ERR_FORK, "two heads");
    struct sat_arena arena;
    struct sat_span whole;
    bool found = false;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_meta_get(ann->store, "alert", &arena, &whole, &found), SAT_OK);
    assert_true(found);
    for (size_t len = 0; len < whole.len; len++) {
        if (len == 5) continue; /* a count and no kind: nothing is missing */
        struct sat_buf cut;
        struct client_alerts alerts;
        sat_buf_init(&cut);
        sat_put_bytes(&cut, whole.at, len);
        put_meta(&cut);
        assert_int_equal(client_alerts_get(ann, &arena, &alerts), SAT_ERR_CORRUPT);
        sat_buf_deinit(&cut);
    }
    sat_arena_deinit(&arena);
}

/* What fails before a session has said anything has no sentence of its own, and is an error all the same. */
static void a_session_that_cannot_begin_says_so(void **state)
{
    (void)state;
    struct satchel_sync_result result;
    assert_int_equal(sat_store_begin(ann->store), SAT_OK);
    assert_int_equal(sat_store_meta_put(ann->store, "copied", sat_span_text("?")), SAT_OK); /* of no known version */
    assert_int_equal(sat_store_commit(ann->store), SAT_OK);
    must_fail(ann, satchel_sync(ann, NULL, &result), "corrupt", "damaged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_alerts_the_list_is_empty, make_org, drop_org),
        cmocka_unit_test_setup_teardown(a_later_alert_hides_none_of_another_kind, make_org, drop_org),
        cmocka_unit_test_setup_teardown(what_speaks_against_nobody_is_no_alert, make_org, drop_org),
        cmocka_unit_test_setup_teardown(an_older_homes_only_alert_is_kept, make_org, drop_org),
        cmocka_unit_test_setup_teardown(what_is_cut_off_is_damage, make_org, drop_org),
        cmocka_unit_test_setup_teardown(a_session_that_cannot_begin_says_so, make_org, drop_org),
    };
    return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
