/* The search index: what it finds is what somebody finds who folds each text and looks through it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/search/find.h"
#include "client/search/index.h"
#include "client/search/terms.h"

static sqlite3 *db;
static struct client_index search;
static struct sat_arena arena;
static uint64_t dice;

static uint32_t throw(uint32_t sides)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice >> 33) % sides;
}

static void run_sql(const char *sql)
{
    char *said = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK) fail_msg("%s: %s", sql, said);
}

/* The table of a type, as the view has it. */
static void make_table(const char *name)
{
    const struct sat_type *type = sat_type_by_name(name);
    const char *sql = sat_arena_format(&arena, "CREATE TABLE \"%s\" (id TEXT, territory TEXT", name);
    for (uint16_t i = 0; i < type->fields_n; i++)
        sql = sat_arena_format(&arena, "%s, \"%s\"", sql, type->fields[i].name);
    run_sql(sat_arena_format(&arena, "%s)", sql));
}

static int make_index(void **state)
{
    struct sat_fault fault = {0};
    (void)state;
    sat_arena_init(&arena);
    dice = 20261122;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    make_table("account");
    make_table("contact");
    assert_int_equal(client_index_register(db, &fault), SAT_OK);
    assert_int_equal(client_index_make(db, &fault), SAT_OK);
    client_index_init(&search, db);
    return 0;
}

static int drop_index(void **state)
{
    (void)state;
    client_index_deinit(&search);
    assert_int_equal(sqlite3_close(db), SQLITE_OK); /* no statement is left */
    sat_arena_deinit(&arena);
    return 0;
}

static void put(const char *type, int64_t row, uint64_t at, const char *name, const char *field, const char *text)
{
    struct sat_fault fault = {0};
    char *sql =
        sqlite3_mprintf("INSERT INTO %s (rowid, id, territory, name, %s) VALUES (%lld, 'id-%04lld', 'T', %Q, %Q)", type,
                        field, row, row, name, text);
    run_sql(sql);
    sqlite3_free(sql);
    if (client_index_put(&search, sat_type_by_name(type), row, at, &fault)) fail_msg("%s", fault.text);
}

static void drop(const char *type, int64_t row)
{
    struct sat_fault fault = {0};
    if (client_index_drop(&search, sat_type_by_name(type), row, &fault)) fail_msg("%s", fault.text);
    run_sql(sat_arena_format(&arena, "DELETE FROM %s WHERE rowid = %lld", type, (long long)row));
}

static struct client_hits find(const char *question, const char *type, size_t max)
{
    struct client_hits hits;
    struct sat_fault fault = {0};
    const struct sat_type *of = type ? sat_type_by_name(type) : NULL;
    enum sat_err err = client_find(db, sat_span_text(question), of, max, &arena, &hits, &fault);
    if (err) fail_msg("%s: %s", question, fault.text);
    return hits;
}

static void assert_found(const char *question, const char *rows)
{
    struct client_hits hits = find(question, NULL, 1000);
    const char *got = "";
    for (size_t i = 0; i < hits.n; i++)
        got = sat_arena_format(&arena, "%s%s%lld", got, i ? " " : "", (long long)hits.at[i].row);
    if (strcmp(got, rows) != 0) fail_msg("%s: got %s, not %s", question, got, rows);
}

/* ---- Spellings ---- */

static void every_spelling_finds_every_other(void **state)
{
    (void)state;
    static const char *const spellings[][5] = {
        {"关系", "關係", "關系", "关係"},     {"头发", "頭髮", "頭发", "头髮"}, {"台北", "臺北"},
        {"后里", "後裡", "后裏", "後里"},     {"干部", "幹部", "乾部"},         {"复面", "複麵", "覆麪"},
        {"Müller", "MULLER", "ｍｕｌｌｅｒ"},
    };
    enum { GROUPS = sizeof spellings / sizeof spellings[0] };
    int64_t row = 0;
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 0; i < 5 && spellings[g][i]; i++)
            put("account", ++row, 1, "x", "note", sat_arena_format(&arena, "老 %s 好", spellings[g][i]));
    for (size_t g = 0; g < GROUPS; g++) {
        size_t n = 0;
        while (n < 5 && spellings[g][n]) n++;
        for (size_t i = 0; i < n; i++) {
            struct client_hits hits = find(spellings[g][i], NULL, 100);
            if (hits.n != n) fail_msg("%s: %zu of %zu", spellings[g][i], hits.n, n);
            for (size_t k = 0; k < n; k++) assert_non_null(strstr(hits.at[k].excerpt, hits.at[k].match));
        }
    }
}

/* ---- Order ---- */

static void what_is_called_so_goes_before_what_has_it(void **state)
{
    (void)state;
    put("account", 1, 50, "Andere", "note", "hier steht Nord");
    put("account", 2, 10, "Nord", "note", "");
    put("account", 3, 20, "Nordwind", "note", "");
    put("account", 4, 40, "Hotel Nord", "note", "");
    put("contact", 5, 30, "NORD", "title", "");
    put("account", 6, 60, "Andere", "note", "Nord, einmal mehr");
    assert_found("nord", "5 2 3 4 6 1");
    assert_found("nord hotel", "4");
    assert_found("hotel nord", "4");
    assert_int_equal(find("nord", "contact", 10).n, 1);
    struct client_hits two = find("nord", NULL, 2);
    assert_int_equal(two.n, 2);
    assert_true(two.more);
    assert_false(find("nord", NULL, 6).more);
}

static void whoever_is_called_so_is_found_among_thousands_that_have_it(void **state)
{
    (void)state;
    run_sql("BEGIN");
    put("contact", 1, 5, "王", "title", "");
    put("contact", 2, 7, "王芳", "title", "");
    for (int64_t row = 3; row < 3003; row++)
        put("contact", row, 100, row % 2 ? "李王明" : "李明", "title", row % 2 ? "经理" : "王的经理");
    run_sql("COMMIT");
    struct client_hits hits = find("王", NULL, 20);
    assert_int_equal(hits.n, 20);
    assert_true(hits.more);
    assert_int_equal(hits.at[0].row, 1);
    assert_int_equal(hits.at[1].row, 2);
    assert_string_equal(hits.at[2].name, "李王明");
    assert_int_equal(find("王", "account", 20).n, 0);
}

/* ---- The index and a naive search ---- */

static const char *const pieces[] = {"关", "關", "系", "係", "王", "发", "髮", "發", "后",       "a",      "Á", "b",
                                     "ｂ", "ß",  "ss", "1",  " ",  "，", " ",  "",   "か\u3099", "\u0301", "ﬁ", "台"};
enum { PIECES = sizeof pieces / sizeof pieces[0] };

static const char *random_text(uint32_t most)
{
    const char *text = "";
    for (uint32_t n = throw(most + 1); n; n--) text = sat_arena_format(&arena, "%s%s", text, pieces[throw(PIECES)]);
    return text;
}

struct model {
    const char *type, *name, *text;
    uint64_t at;
};

/* Slowly and by other means: the folded text as a string with marks where words begin. */
static bool has_part(const struct client_folded *text, const char32_t *part, size_t n)
{
    for (size_t i = 0; i + n <= text->n; i++) {
        size_t k = 0;
        while (k < n && text->at[i + k] == part[k]) k++;
        bool begins = i == 0 || client_letter(text->at[i - 1]) != CLIENT_IN_WORD;
        if (k == n && (begins || client_letter(part[0]) == CLIENT_DENSE)) return true;
    }
    return false;
}

static int rank_of(const struct model *model, const char *question)
{
    struct client_folded name, text, asked;
    client_fold_text(&arena, sat_span_text(model->name), &name);
    client_fold_text(&arena, sat_span_text(model->text), &text);
    client_fold_text(&arena, sat_span_text(question), &asked);
    bool in_name = true, in_any = true;
    for (size_t at = 0; at < asked.n;) {
        size_t end = at;
        while (end < asked.n && asked.at[end] != ' ' && client_letter(asked.at[end]) == client_letter(asked.at[at]))
            end++;
        bool there = has_part(&name, asked.at + at, end - at);
        in_name &= there;
        in_any &= there || has_part(&text, asked.at + at, end - at);
        at = end < asked.n && asked.at[end] == ' ' ? end + 1 : end;
    }
    if (!in_any) return -1;
    bool begins = name.n >= asked.n && memcmp(name.at, asked.at, asked.n * sizeof(char32_t)) == 0;
    if (begins) return name.n == asked.n ? CLIENT_CALLED_SO : CLIENT_BEGINS_SO;
    return in_name ? CLIENT_IN_NAME : CLIENT_IN_TEXT;
}

enum { ROWS = 120 };

static int count_terms(void)
{
    sqlite3_stmt *statement;
    run_sql("CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab(main, " CLIENT_INDEX ", row)");
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM temp.terms", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int n = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    return n;
}

static void compare(const struct model *models, const char *question)
{
    struct client_hits hits;
    struct sat_fault fault = {0};
    size_t expected = 0;
    enum sat_err err = client_find(db, sat_span_text(question), NULL, 1000, &arena, &hits, &fault);
    struct client_folded asked;
    client_fold_text(&arena, sat_span_text(question), &asked);
    assert_int_equal(err, asked.n ? SAT_OK : SAT_ERR_INVALID);
    if (err) return;
    for (int64_t row = 1; row <= ROWS; row++) {
        if (!models[row].type) continue;
        int rank = rank_of(&models[row], question);
        bool found = false;
        for (size_t i = 0; i < hits.n; i++) {
            if (hits.at[i].row != row) continue;
            found = true;
            assert_int_equal(hits.at[i].rank, rank);
            assert_string_equal(hits.at[i].type->name, models[row].type);
        }
        if (found != (rank >= 0))
            fail_msg("'%s' %s '%s' '%s'", question, found ? "found" : "did not find", models[row].name,
                     models[row].text);
        expected += rank >= 0;
    }
    assert_int_equal(hits.n, expected);
    for (size_t i = 1; i < hits.n; i++) {
        const struct client_hit *a = &hits.at[i - 1], *b = &hits.at[i];
        assert_true(a->rank < b->rank || (a->rank == b->rank && a->at_ms >= b->at_ms));
    }
}

static void the_index_finds_what_looking_through_all_finds(void **state)
{
    (void)state;
    for (int life = 0; life < 12; life++) {
        struct model models[ROWS + 1] = {{0}};
        for (int step = 0; step < 400; step++) {
            int64_t row = 1 + throw(ROWS);
            if (models[row].type) drop(models[row].type, row);
            models[row] = (struct model){0};
            if (throw(4) == 0) continue;
            bool contact = throw(3) == 0;
            models[row] = (struct model){contact ? "contact" : "account", random_text(6), random_text(14), throw(50)};
            put(models[row].type, row, models[row].at, models[row].name, contact ? "title" : "note", models[row].text);
            if (step % 10 == 0) compare(models, random_text(1 + throw(6)));
        }
        for (int i = 0; i < 60; i++) compare(models, random_text(1 + throw(6)));
        run_sql("INSERT INTO " CLIENT_INDEX "(" CLIENT_INDEX ") VALUES ('integrity-check')");
        for (int64_t row = 1; row <= ROWS; row++)
            if (models[row].type) drop(models[row].type, row);
        assert_found("关", "");
        assert_found("a", "");
        assert_int_equal(count_terms(), 0);
        sat_arena_reset(&arena);
    }
}

static void the_elements_of_a_set_are_apart(void **state)
{
    (void)state;
    put("account", 1, 1, "x", "tags", "[\"关\",\"系\\n统\",\"\\\"nova\\\"\"]");
    assert_found("关系", "");
    assert_found("关", "1");
    assert_found("统", "1");
    assert_found("nova", "1");
    assert_found("n", "1");
    assert_found("关 系 nova", "1");
    assert_string_equal(find("nova", NULL, 1).at[0].excerpt, "\"nova\"");
    drop("account", 1);
    assert_found("关", "");
}

/* ---- Questions ---- */

static void a_question_is_never_an_expression(void **state)
{
    (void)state;
    put("account", 1, 1, "and or not near", "note", "name text");
    put("account", 2, 1, "other", "note", "");
    assert_found("AND", "1");
    assert_found("or", "1");
    assert_found("other OR near", "");
    assert_found("NOT other", "");
    assert_found("near*", "1");
    assert_found("\"near\" \"", "1");
    assert_found("name:near", "1");
    assert_found("^near", "1");
    assert_found("(((near", "1");
    assert_found("\x01"
                 "and",
                 "1"); /* a mark of the index is no letter */
}

static void a_question_has_bounds(void **state)
{
    (void)state;
    struct client_hits hits;
    struct sat_fault fault = {0};
    char text[CLIENT_QUESTION_BYTES_MAX + 2];
    put("account", 1, 1, "x", "note", "y");
    memset(text, 'y', sizeof text);
    assert_int_equal(client_find(db, sat_span(text, sizeof text - 1), NULL, 5, &arena, &hits, &fault), SAT_ERR_INVALID);
    assert_int_equal(client_find(db, sat_span(text, sizeof text - 2), NULL, 5, &arena, &hits, &fault), SAT_OK);
    assert_int_equal(hits.n, 0);
    for (size_t i = 1; i < sizeof text; i += 2) text[i] = ' ';
    assert_int_equal(client_find(db, sat_span(text, 64), NULL, 5, &arena, &hits, &fault), SAT_OK);
    assert_int_equal(hits.n, 1);
    assert_int_equal(client_find(db, sat_span(text, 66), NULL, 5, &arena, &hits, &fault), SAT_ERR_INVALID);
    assert_int_equal(client_find(db, sat_span(text, 0), NULL, 5, &arena, &hits, &fault), SAT_ERR_INVALID);
    const char *run = "";
    for (int i = 0; i < 333; i++) run = sat_arena_format(&arena, "%s关", run);
    assert_found(run, "");
    put("account", 2, 1, "x", "note", sat_arena_format(&arena, "%s關", run));
    assert_found(run, "2"); /* longer than the index is asked for */
}

/* More words than the index is asked for, and each only the beginning of one. */
static void of_a_long_question_all_words_are_looked_for(void **state)
{
    (void)state;
    const char *text = "", *question = "";
    for (int i = 0; i < 30; i++) {
        text = sat_arena_format(&arena, "%s word%cend", text, 'a' + i % 26);
        question = sat_arena_format(&arena, "%s word%c", question, 'a' + i % 26);
    }
    put("account", 1, 1, "x", "note", text);
    put("account", 2, 1, "x", "note", sat_arena_format(&arena, "%.*s", (int)strlen(text) / 2, text));
    assert_found(question, "1");
    assert_found(sat_arena_format(&arena, "%s other", question), "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_index, drop_index)
    const struct CMUnitTest tests[] = {
        TEST(every_spelling_finds_every_other),
        TEST(what_is_called_so_goes_before_what_has_it),
        TEST(whoever_is_called_so_is_found_among_thousands_that_have_it),
        TEST(the_index_finds_what_looking_through_all_finds),
        TEST(the_elements_of_a_set_are_apart),
        TEST(a_question_is_never_an_expression),
        TEST(a_question_has_bounds),
        TEST(of_a_long_question_all_words_are_looked_for),
    };
    return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
