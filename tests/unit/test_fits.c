/* What a person puts, by the rules of its fields; and what comes of it where two put side by side. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "client/fits.h"
#include "tests/unit/book_world.h"

/* One put in a transaction of its own, which is rolled back. */
static int try_put(struct satchel *satchel, const char *type, const char *id, const char *fields)
{
    struct satchel_tx *tx;
    char out[SATCHEL_ID_SIZE];
    must(satchel, satchel_begin(satchel, &tx));
    int failed = satchel_put(tx, type, id, NULL, fields, out);
    satchel_rollback(tx);
    return failed;
}

static void edit(struct satchel *satchel, const char *type, const char *id, const char *fields)
{
    char same[SATCHEL_ID_SIZE];
    (void)snprintf(same, sizeof same, "%s", id);
    put_one(satchel, type, same, NULL, fields);
}

/* What the record shows of a field, as JSON. */
static void expect(struct satchel *satchel, const char *type, const char *id, const char *field, const char *wanted)
{
    char *json = NULL;
    must(satchel, satchel_get(satchel, type, id, &json));
    json_t *record = json_loads(json, 0, NULL);
    const json_t *value = json_object_get(json_object_get(record, "fields"), field);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    assert_string_equal(text ? text : "nothing", wanted);
    free(text);
    json_decref(record);
    satchel_free(json);
}

static void publish(const char *kind, const char *name, int version, const char *body)
{
    char fields[512], id[SATCHEL_ID_SIZE] = "";
    json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:s}", "kind", kind, "name", name, "version", version, "body", body,
                             "published_at", "2026-06-01T09:00:00+08:00");
    char *text = json_dumps(json, 0);
    (void)snprintf(fields, sizeof fields, "%s", text);
    free(text);
    json_decref(json);
    put_one(ann, "config_item", id, NULL, fields);
}

/* ---- What the organisation adds ---- */

static void a_word_of_nobodys_list_is_refused_until_it_is_published(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\",\"kind\":\"enterprise\"}");
    must_fail(bob, try_put(bob, "account", id, "{\"kind\":\"coop\"}"), "invalid", "account.kind is one of");
    publish("words", "account.kind", 1, "{\"words\":[\"coop\"]}");
    sync_all();
    edit(bob, "account", id, "{\"kind\":\"coop\"}");
    expect(bob, "account", id, "kind", "\"coop\"");
    must_fail(bob, try_put(bob, "account", id, "{\"kind\":\"guild\"}"), "invalid", "not \"guild\"");
}

/* Season becomes a list of words in version 2, at 09:00; Bob put it under version 1 before he heard of that. */
static void m01_6_work_done_under_an_older_version_stays_valid(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "", other[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    must_fail(bob, try_put(bob, "account", id, "{\"ext\":{\"season\":\"late spring\"}}"), "not_found",
              "nobody has published a field account.season");
    publish("field", "account.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    sync_all();
    publish("field", "account.season", 2, "{\"kind\":\"text\",\"grade\":\"G1\",\"words\":[\"spring\",\"autumn\"]}");
    edit(bob, "account", id, "{\"ext\":{\"season\":\"late spring\"}}");
    must_fail(bob, try_put(bob, "account", id, "{\"ext\":{\"season\":5}}"), "invalid", "(version 1)");
    sync_all();
    expect(ann, "account", id, "ext", "{\"season\":\"late spring\"}");
    assert_int_equal(sync_now(ann).refused, 0);
    must_fail(bob, try_put(bob, "account", id, "{\"ext\":{\"season\":\"winter\"}}"), "invalid", "version 2");
    put_one(bob, "account", other, NULL, "{\"name\":\"B\",\"ext\":{\"season\":\"autumn\"}}");
    edit(bob, "account", id, "{\"name\":\"A2\"}"); /* what stands there does not bar other work */
    expect(bob, "account", id, "ext", "{\"season\":\"late spring\"}");
}

static void expect_rows(struct satchel *satchel, const char *sql, const char *wanted)
{
    assert_rows(satchel, sql, wanted);
    satchel_close(satchel == bob ? bob : ann); /* and once more of what lies on the disk */
    struct satchel_open_options options = test_options();
    struct satchel_error error = {0};
    char home[128];
    struct satchel **same = satchel == bob ? &bob : &ann;
    assert_int_equal(satchel_open(home_of(same == &bob ? "bob" : "ann", home), &options, same, &error), SATCHEL_OK);
    assert_rows(*same, sql, wanted);
}

/* Filtered by, and in exports, as if it had always been a field; of the records of before as well. */
static void what_is_published_is_a_column(void **state)
{
    (void)state;
    static const char sql[] = "SELECT name, \"ext.season\" AS season, \"ext.key\" AS key FROM account ORDER BY name";
    char one[SATCHEL_ID_SIZE] = "", two[SATCHEL_ID_SIZE] = "", none[SATCHEL_ID_SIZE] = "";
    struct rows rows = {0};
    put_one(bob, "account", none, NULL, "{\"name\":\"C\"}");
    must_fail(bob, satchel_query(bob, sql, collect_row, &rows), "invalid", "no such column");
    publish("field", "account.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    publish("field", "account.Season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}"); /* for SQLite the same */
    publish("field", "account.key", 1, "{\"kind\":\"integer\",\"grade\":\"G0\"}");
    publish("field", "nothing.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    publish("field", "account.a\"b", 1, "{\"grade\":\"G1\"}");
    sync_all();
    put_one(bob, "account", one, NULL, "{\"name\":\"A\",\"ext\":{\"season\":\"late \\\"spring\\\"\",\"key\":7}}");
    put_one(bob, "account", two, NULL, "{\"name\":\"B\",\"ext\":{\"key\":0}}");
    expect_rows(bob, "SELECT name FROM account WHERE \"ext.key\" = 7", "{\"name\":\"A\"}");
    edit(bob, "account", two, "{\"ext\":{\"season\":\"autumn\",\"key\":null}}");
    edit(bob, "account", none, "{\"name\":\"D\"}");
    const char *column = "SELECT count(*) AS n FROM account WHERE \"ext.Season\" = 'autumn' OR \"ext.key\" = 7";
    expect_rows(bob, column, "{\"n\":1}"); /* the first of the two spellings is the column */
    publish("field", "account.key", 2, "{\"kind\":\"boolean\",\"grade\":\"G0\"}");
    sync_all();
    edit(bob, "account", two, "{\"ext\":{\"key\":true}}");
    expect_rows(bob, "SELECT name, \"ext.key\" AS key FROM account ORDER BY name",
                "{\"name\":\"A\",\"key\":7}\n{\"name\":\"B\",\"key\":true}\n{\"name\":\"D\",\"key\":null}");
    struct satchel_tx *tx;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_remove(tx, "account", two));
    must(bob, satchel_commit(tx));
    expect_rows(bob, "SELECT name, \"ext.key\" AS key FROM archived.account", "{\"name\":\"B\",\"key\":true}");
}

/* Published, a version is what it is. */
static void a_published_version_is_not_edited(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    publish("field", "account.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    put_one(ann, "config_item", id, NULL, "{\"kind\":\"field\",\"name\":\"account.season\",\"version\":1}");
    must_fail(ann, try_put(ann, "config_item", id, "{\"body\":\"{}\"}"), "invalid", "rule IMM");
    must_fail(bob, try_put(bob, "config_item", NULL, "{\"kind\":\"field\",\"name\":\"x\",\"version\":1}"), "denied",
              "may not write");
}

/* It is asked when it is published, in whichever put its body was said; and nothing is stored of what is refused. */
static void m24_1_a_field_without_a_grade_is_not_published(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"kind\":\"text\"}", "{\"grade\":\"G4\"}", "{\"grade\":1}", "no JSON", "[]", ""};
    char fields[200], id[SATCHEL_ID_SIZE] = "";
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        json_t *json = json_pack("{s:s, s:s, s:i, s:s, s:s}", "kind", "field", "name", "account.season", "version", 1,
                                 "body", bodies[i], "published_at", "2026-06-01T09:00:00Z");
        char *text = json_dumps(json, 0);
        (void)snprintf(fields, sizeof fields, "%s", text);
        free(text);
        json_decref(json);
        must_fail(ann, try_put(ann, "config_item", NULL, fields), "invalid", "account.season is not published without");
    }
    must_fail(
        ann,
        try_put(ann, "config_item", NULL,
                "{\"kind\":\"field\",\"name\":\"account.iban\",\"version\":1,\"body\":\"{\\\"grade\\\":\\\"G2\\\"}\","
                "\"published_at\":\"2026-06-01T09:00:00Z\"}"),
        "invalid", "account.iban: G2 cannot be added");
    assert_rows(ann, "SELECT count(*) AS n FROM config_item", "{\"n\":0}");
    put_one(ann, "config_item", id, NULL, "{\"kind\":\"field\",\"name\":\"account.season\",\"version\":1}");
    must_fail(ann, try_put(ann, "config_item", id, "{\"published_at\":\"2026-06-01T09:00:00Z\"}"), "invalid", "grade");
    edit(ann, "config_item", id, "{\"body\":\"{\\\"kind\\\":\\\"text\\\",\\\"grade\\\":\\\"G0\\\"}\"}");
    edit(ann, "config_item", id, "{\"published_at\":\"2026-06-01T09:00:00Z\"}");
    publish("policy", "anything", 1, "{}"); /* nothing else is asked for one */
}

/* What an admin's other program may publish: of its words those that are texts count. */
static void a_word_that_is_no_text_is_none(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(ann, "account", id, "Northern", "{\"name\":\"A\"}");
    publish("field", "account.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\",\"words\":[5,null,\"spring\"]}");
    must_fail(ann, try_put(ann, "account", id, "{\"ext\":{\"season\":\"\"}}"), "invalid", "version 1");
    edit(ann, "account", id, "{\"ext\":{\"season\":\"spring\"}}");
}

/* The newest draft, in the store's file. */
static void spoil_newest_draft(const char *home_name)
{
    char home[128], path[160];
    sqlite3 *db;
    (void)snprintf(path, sizeof path, "%s/store.db", home_of(home_name, home));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE draft SET header = x'c1' WHERE counter = (SELECT max(counter) FROM draft)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_version_that_cannot_be_read_leaves_nothing_of_the_one_before(void **state)
{
    (void)state;
    struct client_published found;
    struct sat_arena arena;
    sat_arena_init(&arena);
    publish("field", "account.season", 1, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    publish("field", "account.season", 2, "{\"kind\":\"text\",\"grade\":\"G1\"}");
    client_begin(ann);
    assert_int_equal(client_published_get(ann, "field", "account.season", &arena, &found), SAT_OK);
    assert_int_equal(found.version, 2);
    json_decref(found.body);
    spoil_newest_draft("ann");
    assert_int_not_equal(client_published_get(ann, "field", "account.season", &arena, &found), SAT_OK);
    assert_true(!found.there && !found.body);
    sat_arena_deinit(&arena);
}

/* ---- Submitted ---- */

static void what_was_submitted_is_amended_never_edited(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", visit[SATCHEL_ID_SIZE] = "", fields[160];
    put_one(bob, "account", account, NULL, "{\"name\":\"A\"}");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"note\":\"one\",\"sections\":{\"needs\":\"milk\"}}",
                   account);
    put_one(bob, "visit", visit, NULL, fields);
    edit(bob, "visit", visit, "{\"note\":\"two\"}");
    edit(bob, "visit", visit, "{\"note\":\"three\",\"submitted_at\":\"2026-06-01T12:00:00+08:00\"}");
    must_fail(bob, try_put(bob, "visit", visit, "{\"note\":\"four\"}"), "invalid", "put an amendment");
    must_fail(bob, try_put(bob, "visit", visit, "{\"sections\":{\"needs\":\"tea\"}}"), "invalid", "sections");
    edit(bob, "visit", visit, "{\"contacts\":[\"somebody\"]}"); /* of another rule */
    (void)snprintf(fields, sizeof fields, "{\"about\":\"%s\",\"field\":\"note\",\"new_value\":\"four\"}", visit);
    char amendment[SATCHEL_ID_SIZE] = "";
    put_one(bob, "amendment", amendment, NULL, fields);
    sync_all();
    expect(cid, "visit", visit, "note", "\"three\"");
}

/* Hard case 11: tablet and phone type into one visit; one of them submits it. */
static void case_11_what_was_submitted_stays_and_the_other_text_beside_it(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", visit[SATCHEL_ID_SIZE] = "", fields[160];
    put_one(bob, "account", account, NULL, "{\"name\":\"A\"}");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", account);
    put_one(bob, "visit", visit, NULL, fields);
    sync_all();
    edit(bob, "visit", visit, "{\"note\":\"phone\",\"submitted_at\":\"2026-06-01T12:00:00+08:00\"}");
    edit(cid, "visit", visit, "{\"note\":\"tablet\"}"); /* later */
    sync_all();
    expect(ann, "visit", visit, "note", "\"phone\"");
    struct rows rows = {0};
    must(ann, satchel_history(ann, "visit", visit, collect_row, &rows));
    assert_non_null(strstr(rows.text, "tablet"));
}

/* ---- Side by side ---- */

/* Rep A sets authority offline while B sets the timeline. */
static void m04_2_bant_score_both_answers_are_kept(void **state)
{
    (void)state;
    char lead[SATCHEL_ID_SIZE] = "";
    put_one(bob, "lead", lead, NULL, "{\"company\":\"Dairy\",\"bant\":{\"budget\":\"yes\",\"need\":\"yes\"}}");
    sync_all();
    edit(bob, "lead", lead, "{\"bant\":{\"authority\":\"yes\"}}");
    edit(cid, "lead", lead, "{\"bant\":{\"timeline\":\"partial\"}}");
    sync_all();
    static const char wanted[] = "{\"authority\":\"yes\",\"budget\":\"yes\",\"need\":\"yes\",\"timeline\":\"partial\"}";
    expect(bob, "lead", lead, "bant", wanted);
    expect(cid, "lead", lead, "bant", wanted);
    assert_int_equal(sync_now(bob).conflicts, 0);
    must_fail(bob, try_put(bob, "lead", lead, "{\"bant\":{\"need\":\"perhaps\"}}"), "invalid", "lead.bant is one of");
    assert_rows(bob, "SELECT json_extract(bant, '$.timeline') AS t FROM lead", "{\"t\":\"partial\"}");
}

/* Hard case 3: two reps edit the same phone key to different digits; the others are untouched. */
static void case_3_a_key_in_conflict_is_settled_by_its_name(void **state)
{
    (void)state;
    char contact[SATCHEL_ID_SIZE] = "", account[SATCHEL_ID_SIZE] = "", fields[200];
    put_one(bob, "account", account, NULL, "{\"name\":\"A\"}");
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"numbers\":{\"mobile\":\"1\",\"desk\":\"2\"}}",
                   account);
    put_one(bob, "contact", contact, NULL, fields);
    sync_all();
    edit(bob, "contact", contact, "{\"numbers\":{\"mobile\":\"138\"}}");
    edit(cid, "contact", contact, "{\"numbers\":{\"mobile\":\"139\"}}");
    sync_all();
    struct rows rows = {0};
    must(ann, satchel_conflicts(ann, collect_row, &rows));
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.text, "\"field\":\"numbers.mobile\""));
    assert_true(strstr(rows.text, "138") && strstr(rows.text, "139"));
    struct satchel_tx *tx;
    must(bob, satchel_begin(bob, &tx));
    must(bob, satchel_resolve(tx, "contact", contact, "numbers.mobile", 0, "\"138\""));
    must(bob, satchel_commit(tx));
    sync_all();
    expect(cid, "contact", contact, "numbers", "{\"desk\":\"2\",\"mobile\":\"138\"}");
    assert_int_equal(sync_now(cid).conflicts, 0);
}

/* Hard case 7: withdrawn at 10:00, granted once more at 10:30 by somebody who had not heard of it. */
static void case_7_a_withdrawal_stays(void **state)
{
    (void)state;
    char consent[SATCHEL_ID_SIZE] = "";
    put_one(bob, "consent", consent, "Northern", "{\"purpose\":\"calls\",\"given_at\":\"2026-06-01T09:00:00Z\"}");
    sync_all();
    edit(ann, "consent", consent, "{\"withdrawn_at\":\"2026-06-01T10:00:00Z\"}");
    edit(bob, "consent", consent, "{\"withdrawn_at\":null,\"given_at\":\"2026-06-01T10:30:00Z\"}");
    sync_all();
    edit(bob, "consent", consent, "{\"withdrawn_at\":null}");
    expect(bob, "consent", consent, "withdrawn_at", "\"2026-06-01T10:00:00Z\"");
    expect(bob, "consent", consent, "given_at", "\"2026-06-01T09:00:00Z\"");
    assert_int_equal(sync_now(bob).conflicts, 0);
}

static void devices_count_for_themselves(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "complaint", id, NULL, "{\"text\":\"sour\",\"reopens\":{\"add\":1}}");
    sync_all();
    edit(bob, "complaint", id, "{\"reopens\":{\"add\":1}}");
    edit(cid, "complaint", id, "{\"reopens\":{\"add\":2}}");
    edit(cid, "complaint", id, "{\"reopens\":{\"add\":1}}");
    sync_all();
    expect(ann, "complaint", id, "reopens", "5");
    assert_rows(ann, "SELECT reopens FROM complaint", "{\"reopens\":5}");
    must_fail(bob, try_put(bob, "complaint", id, "{\"reopens\":5}"), "invalid", "{\"add\":number}");
}

static void an_entry_is_not_taken_out(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "complaint", id, NULL, "{\"answers\":[\"we come\"]}");
    edit(bob, "complaint", id, "{\"answers\":[\"on Monday\"]}");
    must_fail(bob, try_put(bob, "complaint", id, "{\"answers\":{\"remove\":[\"we come\"]}}"), "invalid", "only grows");
    must_fail(bob, try_put(bob, "complaint", id, "{\"answers\":null}"), "invalid", "only grows");
    expect(bob, "complaint", id, "answers", "[\"on Monday\",\"we come\"]");
}

/* M03-4: Cid's call of 6 May is here before Bob's visit of 3 May. */
static void m03_4_the_last_contact_never_moves_back(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    sync_all();
    edit(cid, "account", id, "{\"last_contact_at\":\"2026-05-06T10:00:00Z\"}");
    sync_all();
    edit(bob, "account", id, "{\"last_contact_at\":\"2026-05-03T10:00:00Z\"}");
    sync_all();
    expect(ann, "account", id, "last_contact_at", "\"2026-05-06T10:00:00Z\"");
}

/* Two write the same plan: it is one. */
static void m06_1_the_same_plan_is_one_record_whoever_makes_it(void **state)
{
    (void)state;
    char account[SATCHEL_ID_SIZE] = "", his[SATCHEL_ID_SIZE] = "", hers[SATCHEL_ID_SIZE] = "", fields[160];
    put_one(bob, "account", account, NULL, "{\"name\":\"A\"}");
    sync_all();
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\",\"on_date\":\"2026-06-02\"}", account);
    put_one(bob, "visit_plan", his, NULL, fields);
    put_one(ann, "visit_plan", hers, NULL, fields);
    assert_string_equal(his, hers);
    sync_all();
    assert_rows(cid, "SELECT count(*) AS n FROM visit_plan", "{\"n\":1}");
    assert_int_equal(sync_now(cid).conflicts, 0);
}

/* The tier is the office's; what a rep says of it is a proposal, and stays one though it is the last word. */
static void aut_what_a_rep_says_of_the_tier_is_a_proposal(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, NULL, "{\"name\":\"A\"}");
    sync_all();
    edit(ann, "account", id, "{\"tier\":\"mid\"}");
    sync_all();
    edit(bob, "account", id, "{\"tier\":\"high\"}");
    sync_all();
    expect(bob, "account", id, "tier", "\"mid\"");
    expect(cid, "account", id, "tier", "\"mid\"");
    assert_int_equal(sync_now(bob).conflicts, 0);
    edit(ann, "account", id, "{\"tier\":\"high\"}"); /* taken up */
    sync_all();
    expect(cid, "account", id, "tier", "\"high\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_book, drop_book)
    const struct CMUnitTest tests[] = {
        TEST(a_word_of_nobodys_list_is_refused_until_it_is_published),
        TEST(m01_6_work_done_under_an_older_version_stays_valid),
        TEST(a_published_version_is_not_edited),
        TEST(m24_1_a_field_without_a_grade_is_not_published),
        TEST(a_word_that_is_no_text_is_none),
        TEST(what_is_published_is_a_column),
        TEST(a_version_that_cannot_be_read_leaves_nothing_of_the_one_before),
        TEST(what_was_submitted_is_amended_never_edited),
        TEST(case_11_what_was_submitted_stays_and_the_other_text_beside_it),
        TEST(m04_2_bant_score_both_answers_are_kept),
        TEST(case_3_a_key_in_conflict_is_settled_by_its_name),
        TEST(case_7_a_withdrawal_stays),
        TEST(devices_count_for_themselves),
        TEST(an_entry_is_not_taken_out),
        TEST(m03_4_the_last_contact_never_moves_back),
        TEST(m06_1_the_same_plan_is_one_record_whoever_makes_it),
        TEST(aut_what_a_rep_says_of_the_tier_is_a_proposal),
    };
    return cmocka_run_group_tests_name("fits", tests, NULL, NULL);
}
