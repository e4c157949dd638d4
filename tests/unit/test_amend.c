/* Amendments as members may send them: whose word counts, which values, and which of several. What breaks a rule is
 * kept, flagged, and counted nowhere. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/amendment.h"
#include "client/locate.h"
#include "tests/unit/book_world.h"

/* Cid writes in Western as well. */
static char account[SATCHEL_ID_SIZE], line[SATCHEL_ID_SIZE], owed[SATCHEL_ID_SIZE], person[SATCHEL_ID_SIZE];

static int make_org(void **state)
{
    char order[SATCHEL_ID_SIZE] = "", fields[300];
    if (make_book_beside(state, "Western")) return -1;
    account[0] = line[0] = owed[0] = '\0';
    put_one(ann, "account", account, "Northern", "{\"name\":\"Ana\"}");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"no_local\":\"B-9\",\"currency\":\"CNY\"}", account);
    put_one(ann, "order", order, NULL, fields);
    (void)snprintf(fields, sizeof fields,
                   "{\"order\":\"%s\",\"sku\":\"M1\",\"qty\":100,\"unit_price\":250,\"discount_bp\":0,"
                   "\"submitted_at\":\"2026-05-04T10:00:00+08:00\"}",
                   order);
    put_one(ann, "order_line", line, NULL, fields);
    (void)snprintf(fields, sizeof fields,
                   "{\"account\":\"%s\",\"amount\":10000,\"currency\":\"CNY\",\"due\":\"2026-06-30\","
                   "\"submitted_at\":\"2026-05-04T10:00:00+08:00\"}",
                   account);
    put_one(ann, "receivable", owed, NULL, fields);
    find_person("Bob", person);
    sync_all();
    return 0;
}

static void assert_all_as_made_anew(void)
{
    assert_as_made_anew(ann);
    assert_as_made_anew(bob);
    assert_as_made_anew(cid);
}

static int drop_org(void **state)
{
    assert_all_as_made_anew();
    return drop_book(state);
}

/* An amendment as any program could put it; `to` NULL: it clears the field. */
static void say(struct satchel *who, const char *about, const char *field, const char *to, const char *at,
                char id[SATCHEL_ID_SIZE])
{
    json_t *json = json_pack("{s:s, s:s, s:s*, s:s}", "about", about, "field", field, "new_value", to, "at", at);
    char *text = json_dumps(json, 0);
    id[0] = '\0';
    put_one(who, "amendment", id, NULL, text);
    free(text);
    json_decref(json);
}

#define AT "2026-05-05T10:00:00+08:00"

static void assert_amount(const char *wanted)
{
    struct satchel *const all[] = {ann, bob, cid};
    sync_all();
    for (size_t i = 0; i < 3; i++) assert_rows(all[i], "SELECT amount AS a FROM receivable", wanted);
    assert_all_as_made_anew();
}

static void assert_standing(const char *id, const char *wanted)
{
    struct satchel *const all[] = {ann, bob, cid};
    char sql[200], row[100];
    (void)snprintf(sql, sizeof sql, "SELECT standing AS s FROM amendment WHERE id = '%s'", id);
    (void)snprintf(row, sizeof row, wanted ? "{\"s\":\"%s\"}" : "{\"s\":null}", wanted);
    for (size_t i = 0; i < 3; i++) assert_rows(all[i], sql, row);
}

static void assert_flagged(const char *id, const char *rule)
{
    struct satchel *const all[] = {ann, bob, cid};
    char sql[200], row[200];
    (void)snprintf(sql, sizeof sql, "SELECT rule FROM flagged WHERE id = '%s'", id);
    row[0] = 0;
    if (rule) (void)snprintf(row, sizeof row, "{\"rule\":\"%s\"}", rule);
    for (size_t i = 0; i < 3; i++) assert_rows(all[i], sql, row);
}

static void remove_one(struct satchel *who, const char *type, const char *id)
{
    struct satchel_tx *tx;
    must(who, satchel_begin(who, &tx));
    must(who, satchel_remove(tx, type, id));
    must(who, satchel_commit(tx));
}

static int try_remove(struct satchel *who, const char *id)
{
    struct satchel_tx *tx;
    must(who, satchel_begin(who, &tx));
    int failed = satchel_remove(tx, "amendment", id);
    satchel_rollback(tx);
    return failed;
}

static int bring_back(struct satchel *who, const char *id)
{
    struct satchel_tx *tx;
    must(who, satchel_begin(who, &tx));
    int failed = satchel_restore(tx, "amendment", id);
    if (!failed) return satchel_commit(tx);
    struct satchel_error kept = *satchel_error_of(who);
    satchel_rollback(tx);
    who->error = kept;
    return failed;
}

static void what_is_owed_finance_amends(void **state)
{
    char proposed[SATCHEL_ID_SIZE], said[SATCHEL_ID_SIZE];
    struct rows rows = {0};
    (void)state;
    must_fail(bob, satchel_amend(bob, "receivable", owed, "{\"amount\":1}", "x", collect_row, &rows), "denied",
              "amount of a receivable is amended by finance");
    say(bob, owed, "amount", "1", AT, proposed);
    assert_amount("{\"a\":10000}");
    assert_standing(proposed, "denied");
    assert_flagged(proposed, "a field is amended by who may amend it");
    say(ann, owed, "amount", "9000", AT, said);
    assert_amount("{\"a\":9000}");
    assert_flagged(said, NULL);
    say(bob, owed, "amount", "2", "2099-01-01T00:00:00Z", proposed);
    assert_amount("{\"a\":9000}");
    put_one(ann, "user", person, NULL, "{\"roles\":[\"finance\"]}");
    assert_amount("{\"a\":2}");
    assert_standing(said, "overtaken");
    must(bob, satchel_amend(bob, "receivable", owed, "{\"amount\":3}", "x", collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"old_value\":\"2\""));
    assert_amount("{\"a\":3}");
    put_one(ann, "user", person, NULL, "{\"roles\":{\"remove\":[\"finance\"]}}");
    assert_amount("{\"a\":9000}");
}

/* Taking an amendment back is a word on its field, too. */
static void who_may_not_amend_takes_nothing_back(void **state)
{
    char said[SATCHEL_ID_SIZE], counted[SATCHEL_ID_SIZE];
    (void)state;
    say(ann, owed, "amount", "9000", AT, said);
    assert_amount("{\"a\":9000}");
    must_fail(bob, try_remove(bob, said), "denied", "amount of a receivable is amended, and taken back, by finance");
    put_one(ann, "user", person, NULL, "{\"roles\":[\"finance\"]}");
    sync_all();
    remove_one(bob, "amendment", said);
    assert_amount("{\"a\":10000}");
    put_one(ann, "user", person, NULL, "{\"roles\":{\"remove\":[\"finance\"]}}"); /* … as any program could */
    assert_amount("{\"a\":9000}");
    remove_one(ann, "amendment", said);
    sync_all();
    say(bob, line, "qty", "12", AT, counted);
    sync_all();
    assert_rows(cid, "SELECT qty FROM order_line", "{\"qty\":12}");
    remove_one(cid, "amendment", counted);
    sync_all();
    assert_rows(bob, "SELECT l.qty, o.total FROM order_line AS l JOIN \"order\" AS o ON o.id = l.\"order\"",
                "{\"qty\":100,\"total\":25000}");
}

/* … and so is bringing it back. */
static void who_may_not_amend_brings_nothing_back(void **state)
{
    char said[SATCHEL_ID_SIZE];
    (void)state;
    say(ann, owed, "amount", "9000", AT, said);
    sync_all();
    remove_one(ann, "amendment", said);
    assert_amount("{\"a\":10000}");
    must_fail(bob, bring_back(bob, said), "denied", "amount of a receivable is amended, and taken back, by finance");
    must(ann, bring_back(ann, said));
    assert_amount("{\"a\":9000}");
    assert_standing(said, "counts");
}

/* A program that writes no more than that it is back, and leaves its words finance's. */
static void an_amendment_that_somebody_else_brought_back_is_nobodys_word(void **state)
{
    char said[SATCHEL_ID_SIZE];
    struct sat_arena arena;
    struct sat_record_id id;
    struct client_place place;
    struct sat_record_view view;
    struct client_amendment amendment;
    (void)state;
    sat_arena_init(&arena);
    say(ann, owed, "amount", "9000", AT, said);
    remove_one(ann, "amendment", said);
    must(ann, bring_back(ann, said));
    assert_int_equal(sat_uuid_parse(said, id.b), SAT_OK);
    assert_int_equal(client_locate(ann, &id, &arena, &place, &view), SAT_OK);
    assert_true(client_amendment_read(ann, &view.merged, &arena, &amendment));
    assert_int_equal(amendment.user, client_user(ann));
    struct sat_merged *back = &view.merged.cells[0];
    assert_int_equal(back->field, SAT_FIELD_DELETED);
    struct sat_source bobs = *back->source;
    bobs.dot.device = client_device(bob);
    bobs.role = SAT_ROLE_REP;
    back->source = &bobs;
    assert_true(client_amendment_read(ann, &view.merged, &arena, &amendment));
    assert_int_equal(amendment.user, 0);
    assert_int_equal(amendment.role, 0);
    sat_arena_deinit(&arena);
}

static void an_amendment_that_several_wrote_is_nobodys_word(void **state)
{
    char said[SATCHEL_ID_SIZE];
    (void)state;
    say(ann, owed, "amount", NULL, AT, said);
    assert_amount("{\"a\":null}");
    put_one(bob, "amendment", said, NULL, "{\"new_value\":\"1\"}");
    assert_amount("{\"a\":10000}");
    assert_standing(said, "denied");
}

static void what_the_field_could_not_hold_counts_for_nothing(void **state)
{
    static const struct {
        const char *field, *to;
    } lines[] = {{"discount_bp", "20000"},
                 {"discount_bp", "-1"},
                 {"qty", "ten"},
                 {"qty", " 10"},
                 {"qty", "010"},
                 {"qty", "10.0"},
                 {"qty", ""},
                 {"qty", "null"},
                 {"qty", "99999999999999999999"},
                 {"product", "milk"},
                 {"qty.x", "10"},
                 {"order", "11111111-1111-8111-8111-111111111111"},
                 {"amount", "5"},
                 {"nothing", "5"},
                 {"", "5"}},
      debts[] = {{"due", "2026-02-30"}, {"due", "soon"}, {"amount", "1e3"}, {"seq", "3"}};
    char said[SATCHEL_ID_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        say(ann, line, lines[i].field, lines[i].to, AT, said);
        sync_all();
        assert_standing(said, "unfit");
    }
    assert_flagged(said, "an amendment is a value of its field");
    for (size_t i = 0; i < sizeof debts / sizeof debts[0]; i++) {
        say(ann, owed, debts[i].field, debts[i].to, AT, said);
        sync_all();
        assert_standing(said, "unfit");
    }
    assert_rows(bob, "SELECT qty, discount_bp, product, amount FROM order_line",
                "{\"qty\":100,\"discount_bp\":0,\"product\":null,\"amount\":25000}");
    assert_rows(bob, "SELECT amount, due, seq FROM receivable",
                "{\"amount\":10000,\"due\":\"2026-06-30\",\"seq\":null}");
    say(bob, line, "discount_bp", "10000", AT, said);
    sync_all();
    assert_rows(cid, "SELECT discount_bp, amount FROM order_line", "{\"discount_bp\":10000,\"amount\":0}");
}

/* What it says of its time is nobody's to believe. */
static void the_one_that_was_written_last_counts(void **state)
{
    char first[SATCHEL_ID_SIZE], last[SATCHEL_ID_SIZE];
    struct rows rows = {0};
    (void)state;
    say(bob, line, "qty", "11", "2099-01-01T00:00:00Z", first);
    sync_all();
    say(cid, line, "qty", "12", "2001-01-01T00:00:00Z", last);
    sync_all();
    assert_standing(first, "overtaken");
    assert_standing(last, "counts");
    assert_rows(ann, "SELECT qty FROM order_line", "{\"qty\":12}");
    must(bob, satchel_amend(bob, "order_line", line, "{\"qty\":13}", "counted", collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"old_value\":\"12\""));
    assert_flagged(first, NULL);
}

static void before_its_record_is_submitted_and_beside_its_territory_it_counts_for_nothing(void **state)
{
    char fields[200], early[SATCHEL_ID_SIZE], beside[SATCHEL_ID_SIZE] = "", open[SATCHEL_ID_SIZE] = "";
    (void)state;
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"amount\":500}", account);
    put_one(ann, "receivable", open, NULL, fields);
    say(ann, open, "amount", "400", AT, early);
    sync_all();
    assert_standing(early, "early");
    assert_flagged(early, "what is submitted is amended");
    assert_rows(bob, "SELECT SUM(amount) AS a FROM receivable", "{\"a\":10500}");
    put_one(ann, "receivable", open, NULL, "{\"submitted_at\":\"2026-05-04T10:00:00+08:00\"}");
    sync_all();
    assert_standing(early, "counts");
    assert_rows(bob, "SELECT SUM(amount) AS a FROM receivable", "{\"a\":10400}");
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"field\":\"qty\",\"new_value\":\"1\"}", line);
    put_one(cid, "amendment", beside, "Western", fields);
    (void)sync_now(cid);
    assert_rows(cid, "SELECT standing FROM amendment WHERE field = 'qty'", "{\"standing\":\"elsewhere\"}");
    assert_rows(cid, "SELECT qty FROM order_line", "{\"qty\":100}");
}

/* A mask is no value, and nothing that is masked goes into a record of one's own. */
static void what_is_masked_is_not_copied_into_the_old_value(void **state)
{
    char call[SATCHEL_ID_SIZE] = "", fields[300];
    struct rows rows = {0};
    (void)state;
    (void)snprintf(
        fields, sizeof fields,
        "{\"account\":\"%s\",\"kind\":\"call\",\"note\":\"Mr. Zhang pays late\",\"submitted_at\":\"" AT "\"}", account);
    put_one(ann, "interaction", call, NULL, fields);
    put_one(ann, "user", person, NULL, "{\"roles\":[\"presales_consultant\"]}");
    sync_all();
    must(bob, satchel_amend(bob, "interaction", call, "{\"note\":\"pays\"}", "misheard", collect_row, &rows));
    must(bob, satchel_amend(bob, "order_line", line, "{\"unit_price\":240}", "typed", collect_row, &rows));
    sync_all();
    assert_rows(ann, "SELECT field, old_value FROM amendment ORDER BY field",
                "{\"field\":\"note\",\"old_value\":null}\n{\"field\":\"unit_price\",\"old_value\":null}");
    rows = (struct rows){0};
    must(ann, satchel_amend(ann, "interaction", call, "{\"note\":\"pays on time\"}", "asked", collect_row, &rows));
    assert_non_null(strstr(rows.text, "\"old_value\":\"pays\""));
    sync_all();
    rows = (struct rows){0};
    must(bob, satchel_amend(bob, "interaction", call, "{\"note\":\"pays soon\"}", "asked", collect_row, &rows));
    assert_null(strstr(rows.text, "old_value"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_org, drop_org)
    const struct CMUnitTest tests[] = {
        TEST(what_is_owed_finance_amends),
        TEST(who_may_not_amend_takes_nothing_back),
        TEST(who_may_not_amend_brings_nothing_back),
        TEST(an_amendment_that_somebody_else_brought_back_is_nobodys_word),
        TEST(an_amendment_that_several_wrote_is_nobodys_word),
        TEST(what_the_field_could_not_hold_counts_for_nothing),
        TEST(the_one_that_was_written_last_counts),
        TEST(before_its_record_is_submitted_and_beside_its_territory_it_counts_for_nothing),
        TEST(what_is_masked_is_not_copied_into_the_old_value),
    };
    return cmocka_run_group_tests_name("amend", tests, NULL, NULL);
}
