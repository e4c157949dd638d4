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

enum { FEW = 40, MANY = 3000, PAID = 200 };

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

/* Each pays a receivable of its own; every other one is more than is owed. */
static void store_payments(int n)
{
    struct satchel_tx *tx;
    char owed[SATCHEL_ID_SIZE], paid[SATCHEL_ID_SIZE], said[SAID_BYTES];
    static const char money[] = "{\"account\":\"%s\",\"amount\":%d,\"currency\":\"CNY\"}";
    must(ann, satchel_begin(ann, &tx));
    for (int i = 0; i < n; i++) {
        int amount = 100 + i % 2;
        (void)snprintf(said, sizeof said, money, account, 100);
        must(ann, satchel_put(tx, "receivable", NULL, "Northern", said, owed));
        (void)snprintf(said, sizeof said, money, account, amount);
        must(ann, satchel_put(tx, "payment", NULL, "Northern", said, paid));
        (void)snprintf(said, sizeof said, "{\"payment\":\"%s\",\"receivable\":\"%s\",\"amount\":%d}", paid, owed,
                       amount);
        must(ann, satchel_put(tx, "allocation", NULL, "Northern", said, NULL));
    }
    must(ann, satchel_commit(tx));
}

static long cost_of_flagged(int found)
{
    struct client_view *view;
    sqlite3_stmt *statement;
    long steps = 0;
    int rows = 0;
    client_begin(ann);
    assert_int_equal(client_view_get(ann, &view), SAT_OK);
    assert_int_equal(sqlite3_prepare_v2(view->db, "SELECT type, rule, text, id FROM flagged", -1, &statement, NULL),
                     SQLITE_OK);
    sqlite3_progress_handler(view->db, 1, count_one, &steps);
    while (sqlite3_step(statement) == SQLITE_ROW) rows++;
    sqlite3_progress_handler(view->db, 0, NULL, NULL);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(rows, found);
    return steps;
}

/* Each payment is looked at a few times, and never beside all others. */
static void what_is_flagged_of_payments_costs_by_their_number(void **state)
{
    (void)state;
    store_payments(PAID);
    long few = cost_of_flagged(PAID / 2);
    store_payments(7 * PAID);
    long many = cost_of_flagged(8 * PAID / 2);
    print_message("flagged: %ld steps of %d payments, %ld of %d\n", few, PAID, many, 8 * PAID);
    assert_true(many < 10 * few);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(a_record_costs_the_same_whatever_is_stored),
        TEST(a_step_costs_the_same_whatever_is_stored),
        TEST(an_amendment_costs_the_same_whatever_is_stored),
        TEST(what_is_flagged_of_payments_costs_by_their_number),
    };
#undef TEST
    return cmocka_run_group_tests_name("what the view costs", tests, NULL, NULL);
}
