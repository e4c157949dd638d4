/* What the view costs that follows a change: what changed, and not what is stored. Counted in steps of SQLite's
 * machine, which are the same each time. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/view/database.h"
#include "tests/unit/client_world.h"

enum { FEW = 40, MANY = 3000 };

static struct satchel *ann;
static char account[SATCHEL_ID_SIZE], order[SATCHEL_ID_SIZE], line[SATCHEL_ID_SIZE], deal[SATCHEL_ID_SIZE];

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    put_one(ann, "account", account, "Northern", "{\"name\":\"A\"}");
    put_one(ann, "order", order, "Northern", "{\"currency\":\"CNY\"}");
    char fields[120];
    (void)snprintf(fields, sizeof fields, "{\"order\":\"%s\",\"qty\":1,\"unit_price\":5}", order);
    put_one(ann, "order_line", line, "Northern", fields);
    put_one(ann, "order_line", line, NULL, "{\"submitted_at\":\"2026-05-04T10:00:00Z\"}");
    put_one(ann, "opportunity", deal, "Northern", "{\"stage\":\"qualified\"}");
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    return drop_client_world(state);
}

static void store(int n)
{
    struct satchel_tx *tx;
    must(ann, satchel_begin(ann, &tx));
    for (int i = 0; i < n; i++) must(ann, satchel_put(tx, "account", NULL, "Northern", "{\"name\":\"stored\"}", NULL));
    must(ann, satchel_commit(tx));
}

static int count_one(void *context)
{
    ++*(long *)context;
    return 0;
}

/* What is put, with a number, so that it is something new each time. */
enum { SAID_BYTES = 200 };
typedef void say(unsigned turn, char out[SAID_BYTES]);

static void say_visit(unsigned turn, char out[SAID_BYTES])
{
    (void)snprintf(out, SAID_BYTES, "{\"account\":\"%s\",\"purpose\":\"p%u\"}", account, turn);
}

static void say_step(unsigned turn, char out[SAID_BYTES])
{
    (void)snprintf(out, SAID_BYTES, "{\"about\":\"%s\",\"to_state\":\"needs\",\"after\":[\"step %u\"]}", deal, turn);
}

static void say_amendment(unsigned turn, char out[SAID_BYTES])
{
    (void)snprintf(out, SAID_BYTES,
                   "{\"about\":\"%s\",\"field\":\"qty\",\"new_value\":\"%u\",\"at\":\"2026-05-05T10:00:00Z\"}", line,
                   turn);
}

/* The steps after which the view has what was put. */
static long cost(const char *type, say *says)
{
    static unsigned turn;
    struct client_view *view;
    char id[SATCHEL_ID_SIZE] = "", fields[SAID_BYTES];
    long steps = 0;
    says(++turn, fields);
    client_begin(ann);
    assert_int_equal(client_view_get(ann, &view), SAT_OK);
    put_one(ann, type, id, "Northern", fields);
    sqlite3_progress_handler(view->db, 1, count_one, &steps);
    client_begin(ann);
    assert_int_equal(client_view_get(ann, &view), SAT_OK);
    sqlite3_progress_handler(view->db, 0, NULL, NULL);
    assert_true(steps > 100);
    return steps;
}

static void expect_the_same(const char *type, say *says)
{
    (void)cost(type, says); /* statements are prepared, and the search index has its first page */
    store(FEW);
    long few = cost(type, says);
    store(MANY);
    long many = cost(type, says);
    print_message("%s: %ld steps, and %ld with %d records more\n", type, few, many, MANY);
    assert_true(many - few < MANY / 2);
}

static void a_record_costs_the_same_whatever_is_stored(void **state)
{
    (void)state;
    expect_the_same("visit", say_visit);
}

static void a_step_costs_the_same_whatever_is_stored(void **state)
{
    (void)state;
    expect_the_same("state_event", say_step);
}

static void an_amendment_costs_the_same_whatever_is_stored(void **state)
{
    (void)state;
    expect_the_same("amendment", say_amendment);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(a_record_costs_the_same_whatever_is_stored),
        TEST(a_step_costs_the_same_whatever_is_stored),
        TEST(an_amendment_costs_the_same_whatever_is_stored),
    };
#undef TEST
    return cmocka_run_group_tests_name("what the view costs", tests, NULL, NULL);
}
