/* A question to the search index, and texts in it. The input is pieces: the question, then the texts of records, a name
 * and a note in turn. What is found is what somebody finds who looks through the folded texts, and is shown as it was
 * written. */
#include <stdio.h>
#include <string.h>

#include "client/search/find.h"
#include "client/search/index.h"
#include "client/search/terms.h"
#include "tests/fuzz/fuzz.h"

enum { RECORDS_MAX = 6 };

struct scene {
    sqlite3 *db;
    struct client_index index;
    struct sat_fault fault;
    sqlite3_stmt *insert;
};

static struct scene *the_scene(void)
{
    static struct scene scene;
    if (scene.db) return &scene;
    sat_check(sqlite3_open(":memory:", &scene.db) == SQLITE_OK);
    const struct sat_type *type = sat_type_by_name("account");
    char sql[1024];
    int len = snprintf(sql, sizeof sql, "CREATE TABLE account (id, territory");
    for (uint16_t i = 0; i < type->fields_n; i++)
        len += snprintf(sql + len, sizeof sql - (size_t)len, ", \"%s\"", type->fields[i].name);
    (void)snprintf(sql + len, sizeof sql - (size_t)len, ")");
    sat_check(sqlite3_exec(scene.db, sql, NULL, NULL, NULL) == SQLITE_OK);
    fuzz_must(client_index_register(scene.db, &scene.fault));
    fuzz_must(client_index_make(scene.db, &scene.fault));
    client_index_init(&scene.index, scene.db);
    sat_check(sqlite3_prepare_v2(scene.db,
                                 "INSERT INTO account (rowid, id, territory, name, note) VALUES (?1, ?1, '', ?2, ?3)",
                                 -1, &scene.insert, NULL) == SQLITE_OK);
    return &scene;
}

/* What is stored is UTF-8 without NUL. */
static struct sat_span text_of(struct sat_arena *arena, struct sat_span bytes)
{
    char *text = sat_arena_text(arena, (const char *)bytes.at, bytes.len);
    sat_utf8_mend(text);
    return sat_span_text(text);
}

static bool looks_like(struct sat_arena *arena, const struct sat_span texts[2], struct sat_span question)
{
    struct client_folded asked, folded[2];
    struct client_part part;
    size_t where, at = 0;
    client_fold_text(arena, question, &asked);
    for (int i = 0; i < 2; i++) client_fold_text(arena, texts[i], &folded[i]);
    while (client_next_part(&asked, &at, &part))
        if (!client_contains(&folded[0], &asked, &part, &where) && !client_contains(&folded[1], &asked, &part, &where))
            return false;
    return true;
}

static void check_hit(const struct client_hit *hit)
{
    sat_check(hit->excerpt[0] && sat_utf8_valid(sat_span_text(hit->excerpt)));
    sat_check(hit->match[0] && strstr(hit->excerpt, hit->match) && sat_utf8_valid(sat_span_text(hit->name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scene *scene = the_scene();
    struct sat_span input = sat_span(data, size), texts[RECORDS_MAX][2];
    struct sat_arena arena;
    struct client_hits hits;
    const struct sat_type *type = sat_type_by_name("account");
    int n = 0;
    sat_arena_init(&arena);
    struct sat_span question = fuzz_piece(&input);
    sat_check(sqlite3_exec(scene->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    for (; n < RECORDS_MAX && input.len; n++) {
        (void)sqlite3_bind_int(scene->insert, 1, n + 1);
        for (int i = 0; i < 2; i++) {
            texts[n][i] = text_of(&arena, fuzz_piece(&input));
            (void)sqlite3_bind_text(scene->insert, i + 2, (const char *)texts[n][i].at, (int)texts[n][i].len,
                                    SQLITE_STATIC);
        }
        sat_check(sqlite3_step(scene->insert) == SQLITE_DONE);
        (void)sqlite3_reset(scene->insert);
        fuzz_must(client_index_put(&scene->index, type, n + 1, 1, &scene->fault));
    }
    enum sat_err err = client_find(scene->db, question, NULL, 100, &arena, &hits, &scene->fault);
    sat_check(!err || err == SAT_ERR_INVALID);
    if (err) fuzz_check_sentence(scene->fault.text);
    size_t expected = 0, found = 0;
    for (int i = 0; i < n && !err; i++) expected += looks_like(&arena, texts[i], question);
    for (; found < hits.n && !err; found++) check_hit(&hits.at[found]);
    sat_check(found == expected);
    for (int i = 0; i < n; i++) fuzz_must(client_index_drop(&scene->index, type, i + 1, &scene->fault));
    sat_check(sqlite3_exec(scene->db, "INSERT INTO " CLIENT_INDEX "(" CLIENT_INDEX ") VALUES ('integrity-check')", NULL,
                           NULL, NULL) == SQLITE_OK);
    sat_check(sqlite3_exec(scene->db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
    sat_arena_deinit(&arena);
    return 0;
}
