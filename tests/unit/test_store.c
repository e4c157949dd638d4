/* What a store keeps of values, links, spaces, logs and a device's own things; and that its look-ups go by an index. */
#include "tests/unit/test_store.h"

#include "common/proof/header.h"

#include <sqlite3.h>

/* ---- Named values ---- */

static void a_named_value_is_kept_replaced_and_may_be_empty(void **state)
{
    struct bench *bench = *state;
    struct sat_span got;
    bool found = true;
    OK(sat_store_meta_get(bench->store, "org", &bench->arena, &got, &found));
    assert_false(found);
    assert_int_equal(got.len, 0);

    OK(sat_store_meta_put(bench->store, "org", sat_span_text("one")));
    OK(sat_store_meta_put(bench->store, "org", sat_span_text("three")));
    OK(sat_store_meta_get(bench->store, "org", &bench->arena, &got, &found));
    assert_true(found && sat_span_equal(got, sat_span_text("three")));

    OK(sat_store_meta_put(bench->store, "org", (struct sat_span){0}));
    OK(sat_store_meta_get(bench->store, "org", &bench->arena, &got, &found));
    assert_true(found);
    assert_int_equal(got.len, 0);
}

static void a_named_number_is_kept_up_to_the_largest(void **state)
{
    struct bench *bench = *state;
    uint64_t got = 0;
    OK(sat_store_meta_get_u64(bench->store, "counter", 7, &got));
    assert_int_equal(got, 7);
    OK(sat_store_meta_put_u64(bench->store, "counter", UINT64_MAX));
    OK(sat_store_meta_get_u64(bench->store, "counter", 7, &got));
    assert_true(got == UINT64_MAX);
    OK(sat_store_meta_put(bench->store, "counter", sat_span_text("odd")));
    assert_int_equal(sat_store_meta_get_u64(bench->store, "counter", 7, &got), SAT_ERR_CORRUPT);
}

/* ---- The directory ---- */

static void links_come_back_in_order_and_never_twice(void **state)
{
    struct bench *bench = *state;
    struct sat_link_row row = {.sign = {.signature = {{1, 2, 3}}}};
    for (uint64_t seq = 1; seq <= 9; seq++) {
        row.seq = seq;
        row.bytes = sat_span("linklinklink", seq);
        row.sign.time_ms = 1000 * seq;
        OK(sat_store_link_append(bench->store, &row));
    }
    assert_int_equal(sat_store_link_append(bench->store, &row), SAT_ERR_EXISTS);

    struct sat_link_row *got;
    uint32_t n;
    OK(sat_store_links(bench->store, 3, 5, &bench->arena, &got, &n));
    assert_int_equal(n, 5);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(got[i].seq, 3 + i);
        assert_true(sat_span_equal(got[i].bytes, sat_span("linklinklink", 3 + i)));
        assert_int_equal(got[i].sign.time_ms, 1000 * (3 + i));
        assert_memory_equal(&got[i].sign.signature, &row.sign.signature, sizeof row.sign.signature);
    }
    OK(sat_store_links(bench->store, 10, 5, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
    OK(sat_store_links(bench->store, UINT64_MAX, 5, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
}

/* ---- Spaces ---- */

static void assert_space(const struct sat_space_row *a, const struct sat_space_row *b)
{
    assert_true(a->sid == b->sid && sat_space_equal(&a->id, &b->id) &&
                sat_log_epoch_equal(&a->log_epoch, &b->log_epoch));
    assert_int_equal(a->log.size, b->log.size);
    struct sat_hash left = sat_frontier_root(&a->log), right = sat_frontier_root(&b->log);
    assert_true(sat_hash_equal(&left, &right));
    assert_true(a->last_recv_ms == b->last_recv_ms && a->last_dir_at == b->last_dir_at && a->live == b->live);
    assert_true(a->head_size == b->head_size && a->synced_ms == b->synced_ms);
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
}

static void a_space_is_saved_with_the_state_of_its_log(void **state)
{
    struct bench *bench = *state;
    static struct sat_space_row row, got; /* large */
    row = (struct sat_space_row){.id = space_of(1)};
    sat_frontier_init(&row.log);
    bool found = true;
    OK(sat_store_space_find(bench->store, &row.id, &got, &found));
    assert_false(found);
    OK(sat_store_space_create(bench->store, &row));
    assert_true(row.sid > 0);
    OK(sat_store_space_find(bench->store, &row.id, &got, &found));
    assert_true(found);
    assert_space(&got, &row);

    for (uint8_t i = 0; i < 13; i++) sat_frontier_append(&row.log, &(struct sat_hash){{i, 1}});
    row.log_epoch = (struct sat_log_epoch){{7}};
    row.last_recv_ms = SAT_TIME_MS_MAX;
    row.last_dir_at = 12;
    memset(row.digest, 0xd1, sizeof row.digest);
    row.live = 99;
    row.head_size = 11;
    row.synced_ms = 55;
    OK(sat_store_space_save(bench->store, &row));
    OK(sat_store_space_get(bench->store, row.sid, &got));
    assert_space(&got, &row);
}

static void spaces_are_listed_by_number_and_an_unknown_one_is_refused(void **state)
{
    struct bench *bench = *state;
    static struct sat_space_row row;
    struct sat_space_row *got;
    uint32_t n;
    OK(sat_store_spaces(bench->store, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
    for (uint8_t i = 1; i <= 9; i++) (void)make_space(bench->store, (uint8_t)(10 - i));
    OK(sat_store_spaces(bench->store, &bench->arena, &got, &n));
    assert_int_equal(n, 9);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(got[i].id.b[15], 9 - i);
        assert_true(i == 0 || got[i].sid > got[i - 1].sid);
    }
    assert_int_equal(sat_store_space_get(bench->store, 1000, &row), SAT_ERR_NOT_FOUND);
    row.sid = 1000;
    assert_int_equal(sat_store_space_save(bench->store, &row), SAT_ERR_NOT_FOUND);
    row = (struct sat_space_row){.id = space_of(3)};
    assert_int_equal(sat_store_space_create(bench->store, &row), SAT_ERR_EXISTS);
    assert_non_null(strstr(sat_store_fault(bench->store)->text, ":memory:"));
}

/* ---- The log ---- */

static void entries_come_back_in_order_with_the_roots_between(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_entry_row row = {.entry = {.kind = SAT_ENTRY_VOID, .id = {{5}}}};
    for (uint64_t seq = 1; seq <= 20; seq++) {
        row.entry.seq = seq;
        row.entry.recv_ms = 100 + seq;
        row.entry.dir_at = seq / 2;
        row.root = (struct sat_hash){{(uint8_t)seq, 1}};
        row.bid = (int64_t)seq * 3;
        OK(sat_store_entry_append(bench->store, sid, &row));
    }
    assert_int_equal(sat_store_entry_append(bench->store, sid, &row), SAT_ERR_EXISTS);
    struct sat_entry_row *got;
    uint32_t n;
    OK(sat_store_entries(bench->store, sid, 5, 7, &bench->arena, &got, &n));
    assert_int_equal(n, 7);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t seq = 5 + i;
        assert_true(got[i].entry.seq == seq && got[i].entry.recv_ms == 100 + seq && got[i].entry.dir_at == seq / 2);
        assert_true(got[i].entry.kind == SAT_ENTRY_VOID && got[i].entry.id.b[0] == 5);
        assert_true(got[i].root.b[0] == seq && got[i].bid == (int64_t)seq * 3);
    }
    OK(sat_store_entries(bench->store, other, 1, 7, &bench->arena, &got, &n));
    assert_int_equal(n, 0);

    struct sat_hash root = {{1}};
    bool found = false;
    OK(sat_store_root_at(bench->store, sid, 0, &root, &found));
    assert_true(found && sat_hash_is_zero(&root));
    OK(sat_store_root_at(bench->store, sid, 20, &root, &found));
    assert_true(found && root.b[0] == 20);
    OK(sat_store_root_at(bench->store, sid, 21, &root, &found));
    assert_false(found);
    OK(sat_store_root_at(bench->store, sid, UINT64_MAX, &root, &found));
    assert_false(found);
}

/* ---- Client only ---- */

static void drafts_come_in_counter_order_and_go_by_range(void **state)
{
    struct bench *bench = *state;
    int64_t one = make_space(bench->store, 1), two = make_space(bench->store, 2);
    for (uint64_t counter = 10; counter >= 1; counter--) {
        struct sat_draft_row row = {.counter = counter,
                                    .sid = counter % 2 ? one : two,
                                    .record = record_of((uint8_t)(counter % 3)),
                                    .header = sat_span_text("draft header"),
                                    .body = sat_span("0123456789", counter)};
        OK(sat_store_draft_insert(bench->store, &row));
        assert_int_equal(sat_store_draft_insert(bench->store, &row), SAT_ERR_EXISTS);
    }
    struct sat_draft_row *got;
    uint32_t n;
    OK(sat_store_drafts(bench->store, 3, 4, SIZE_MAX, &bench->arena, &got, &n));
    assert_int_equal(n, 4);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(got[i].counter == 3 + i && got[i].body.len == 3 + i &&
                    got[i].sid == (got[i].counter % 2 ? one : two));
        assert_true(sat_span_equal(got[i].header, sat_span_text("draft header")));
    }
    struct sat_record_id record = record_of(1); /* 1, 4, 7, 10: of these one has 1 and 7 */
    OK(sat_store_drafts_of_record(bench->store, one, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 2);
    assert_true(got[0].counter == 1 && got[1].counter == 7 && sat_record_equal(&got[0].record, &record));

    uint64_t count = 0, first, last;
    OK(sat_store_drafts_span(bench->store, two, &first, &last));
    assert_true(first == 2 && last == 10);
    OK(sat_store_draft_newest(bench->store, &count));
    assert_int_equal(count, 10);
    OK(sat_store_drafts_delete(bench->store, 2, 9));
    OK(sat_store_draft_count(bench->store, &count));
    assert_int_equal(count, 2);
    OK(sat_store_drafts_delete(bench->store, 0, UINT64_MAX));
    OK(sat_store_draft_count(bench->store, &count));
    assert_int_equal(count, 0);
}

static void drafts_that_have_seen_something_are_told_by_their_flags(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1);
    struct sat_draft_row *got;
    uint64_t newest, first, last;
    uint32_t n;
    OK(sat_store_draft_newest(bench->store, &newest));
    OK(sat_store_drafts_span(bench->store, sid, &first, &last));
    assert_true(newest == 0 && first == 0 && last == 0);
    for (uint8_t flags = 0; flags <= (SAT_HEADER_DISPUTED << 1) - 1; flags++) {
        struct sat_draft_row row = {.counter = flags + 1u, .sid = sid, .record = record_of(flags)};
        row.header = sat_span(&flags, 1);
        OK(sat_store_draft_insert(bench->store, &row));
    }
    OK(sat_store_drafts_seeing(bench->store, 0, 100, &bench->arena, &got, &n));
    assert_int_equal(n, SAT_HEADER_DISPUTED);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_record_id record = record_of((uint8_t)(got[i].counter - 1));
        assert_true((got[i].counter - 1) & SAT_HEADER_SEEN && got[i].sid == sid);
        assert_true(sat_record_equal(&got[i].record, &record));
    }
    OK(sat_store_drafts_seeing(bench->store, got[1].counter, 3, &bench->arena, &got, &n));
    assert_true(n == 3 && got[0].counter == 4);
}

/* Who goes on behind the row that he read last comes to an end, whatever a damaged store has for its number. */
static void behind_the_largest_number_there_is_nothing(void **state)
{
    struct bench *bench = *state;
    struct sat_draft_row draft = {
        .counter = INT64_MAX, .sid = make_space(bench->store, 1), .record = record_of(1), .body = sat_span_text("x")};
    struct sat_collection_row collection = {.seq = INT64_MAX, .bytes = sat_span_text("y")};
    struct sat_entry_row entry = {.entry = {.seq = INT64_MAX, .kind = SAT_ENTRY_COLLECT}};
    struct sat_run run = {.last = INT64_MAX};
    struct sat_bundle_row bundle = {.sid = draft.sid, .device = 1, .first = INT64_MAX, .count = 1}, found_row;
    struct sat_draft_row *drafts;
    struct sat_collection_row *collections;
    struct sat_entry_row *entries;
    struct sat_run *runs;
    struct sat_bundle_row *bundles;
    struct sat_link_row *links;
    uint32_t n;
    bool found;
    OK(sat_store_draft_insert(bench->store, &draft));
    OK(sat_store_collection_put(bench->store, draft.sid, &collection));
    OK(sat_store_entry_append(bench->store, draft.sid, &entry));
    OK(sat_store_run_put(bench->store, draft.sid, &run));
    OK(sat_store_bundle_insert(bench->store, &bundle));
    for (uint64_t from = INT64_MAX; from <= (uint64_t)INT64_MAX + 1; from++) {
        uint32_t there = from == INT64_MAX;
        OK(sat_store_drafts(bench->store, from, 4, SIZE_MAX, &bench->arena, &drafts, &n));
        assert_int_equal(n, there);
        OK(sat_store_collections(bench->store, draft.sid, from, 4, &bench->arena, &collections, &n));
        assert_int_equal(n, there);
        OK(sat_store_entries(bench->store, draft.sid, from, 4, &bench->arena, &entries, &n));
        assert_int_equal(n, there);
        OK(sat_store_runs(bench->store, draft.sid, from, 4, &bench->arena, &runs, &n));
        assert_int_equal(n, there);
        OK(sat_store_bundles_pending(bench->store, draft.sid, from, 4, &bench->arena, &bundles, &n));
        assert_int_equal(n, there);
    }
    OK(sat_store_links(bench->store, UINT64_MAX, 4, &bench->arena, &links, &n));
    assert_int_equal(n, 0);
    OK(sat_store_bundle_set_return(bench->store, bundle.bid));
    OK(sat_store_return_of(bench->store, draft.sid, 1, INT64_MAX, &found_row, &found));
    assert_true(found);
    OK(sat_store_return_of(bench->store, draft.sid, 1, (uint64_t)INT64_MAX + 1, &found_row, &found));
    assert_false(found);
}

static void an_epoch_key_is_found_by_space_and_epoch_and_can_be_sealed_anew(void **state)
{
    struct bench *bench = *state;
    struct sat_space_id space = space_of(1), other = space_of(2);
    struct sat_span got;
    bool found = true;
    OK(sat_store_key_get(bench->store, &space, 1, &bench->arena, &got, &found));
    assert_false(found);
    OK(sat_store_key_put(bench->store, &space, 1, sat_span_text("sealed")));
    OK(sat_store_key_put(bench->store, &space, 1, sat_span_text("sealed again")));
    OK(sat_store_key_put(bench->store, &space, 2, sat_span_text("second")));
    OK(sat_store_key_get(bench->store, &space, 1, &bench->arena, &got, &found));
    assert_true(found && sat_span_equal(got, sat_span_text("sealed again")));
    OK(sat_store_key_get(bench->store, &other, 1, &bench->arena, &got, &found));
    assert_false(found);
}

static void a_stub_waits_until_it_is_justified(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_record_id record = record_of(1), second = record_of(2);
    const struct sat_dot dots[] = {{2, 9}, {2, 3}, {1, 7}};
    for (size_t i = 0; i < 3; i++) OK(sat_store_stub_add(bench->store, sid, &record, dots[i]));
    OK(sat_store_stub_add(bench->store, sid, &record, dots[0])); /* said twice is said */
    OK(sat_store_stub_add(bench->store, sid, &second, dots[0]));
    OK(sat_store_stub_add(bench->store, other, &record, dots[0]));
    struct sat_dot *got;
    uint32_t n;
    uint64_t count = 0;
    OK(sat_store_stubs_of_record(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < n; i++) assert_int_equal(sat_dot_compare(got[i], dots[2 - i]), 0);
    OK(sat_store_stub_count(bench->store, sid, &count));
    assert_int_equal(count, 4);
    OK(sat_store_stub_remove(bench->store, sid, &record, dots[1]));
    OK(sat_store_stub_remove(bench->store, sid, &record, dots[1]));
    OK(sat_store_stub_count(bench->store, sid, &count));
    assert_int_equal(count, 3);
    OK(sat_store_stubs_of_record(bench->store, other, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 1);
}

/* ---- A mark in a transaction ---- */

static uint64_t value_of(struct sat_store *store, const char *key)
{
    uint64_t value;
    OK(sat_store_meta_get_u64(store, key, 0, &value));
    return value;
}

static void what_lies_behind_a_mark_is_undone_alone(void **state)
{
    struct sat_store *store = ((struct bench *)*state)->store;
    OK(sat_store_begin(store));
    OK(sat_store_meta_put_u64(store, "before", 1));
    for (uint64_t round = 1; round <= 3; round++) {
        OK(sat_store_mark(store));
        OK(sat_store_meta_put_u64(store, "before", 10 + round));
        OK(sat_store_meta_put_u64(store, "behind", round));
        OK(sat_store_mark_end(store, round == 2));
        assert_int_equal(value_of(store, "before"), round == 1 ? 1 : 12);
        assert_int_equal(value_of(store, "behind"), round == 1 ? 0 : 2);
    }
    OK(sat_store_meta_put_u64(store, "after", 7));
    OK(sat_store_commit(store));
    assert_int_equal(value_of(store, "before"), 12);
    assert_int_equal(value_of(store, "after"), 7);
    OK(sat_store_begin(store));
    OK(sat_store_mark(store));
    OK(sat_store_meta_put_u64(store, "after", 8));
    sat_store_rollback(store); /* with the mark still there */
    assert_int_equal(value_of(store, "after"), 7);
    OK(sat_store_begin(store));
    OK(sat_store_commit(store));
}

/* ---- Look-ups ---- */

static const struct {
    const char *name, *sql;
} statements[] = {
#define X(name, sql) {#name, sql},
#include "common/store/queries.def"
#undef X
};

static const char *const schema[] = {
#define X(version, sql, then) sql,
#include "common/store/migrations.def"
#undef X
};

static bool may_scan(const char *name)
{
    const char *const whole[] = {"SPACES",         "RECORD_SPACES", /* a device has at most 256 spaces */
                                 "CHANGES_INSERT",                  /* its own rows */
                                 "COUNT_STATE",                     /* nothing in a sync asks it */
                                 "DRAFT_COUNT",    "ASIDE_COUNT",     "BUNDLES_PARK",    /* what waits is little */
                                 "PENDING_COUNT",  "KEY_COUNT",                          /* a few for each space */
                                 "DERIVED_TO",     "DERIVED_TOUCHED", "DERIVED_BUNDLES", /* as much as happened */
                                 "RETURN_COUNT"}; /* of an index that is empty but behind a restore */
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (strcmp(name, whole[i]) == 0) return true;
    return false;
}

static void every_look_up_has_its_index(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (size_t i = 0; i < sizeof schema / sizeof schema[0]; i++)
        assert_int_equal(sqlite3_exec(db, schema[i], NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        char text[2000];
        (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", statements[i].sql);
        sqlite3_stmt *plan = NULL;
        assert_int_equal(sqlite3_prepare_v2(db, text, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *line = (const char *)sqlite3_column_text(plan, 3);
            bool bad = (strncmp(line, "SCAN", 4) == 0 && !may_scan(statements[i].name)) || strstr(line, "TEMP B-TREE");
            if (strcmp(statements[i].name, "PENDING_COUNT") == 0) bad = !strstr(line, "bundle_pending");
            if (bad) fail_msg("%s: %s", statements[i].name, line);
        }
        (void)sqlite3_finalize(plan);
    }
    (void)sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_named_value_is_kept_replaced_and_may_be_empty),
        WITH_STORE(a_named_number_is_kept_up_to_the_largest),
        WITH_STORE(links_come_back_in_order_and_never_twice),
        WITH_STORE(a_space_is_saved_with_the_state_of_its_log),
        WITH_STORE(spaces_are_listed_by_number_and_an_unknown_one_is_refused),
        WITH_STORE(entries_come_back_in_order_with_the_roots_between),
        WITH_STORE(drafts_come_in_counter_order_and_go_by_range),
        WITH_STORE(drafts_that_have_seen_something_are_told_by_their_flags),
        WITH_STORE(behind_the_largest_number_there_is_nothing),
        WITH_STORE(an_epoch_key_is_found_by_space_and_epoch_and_can_be_sealed_anew),
        WITH_STORE(a_stub_waits_until_it_is_justified),
        WITH_STORE(what_lies_behind_a_mark_is_undone_alone),
        cmocka_unit_test(every_look_up_has_its_index),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
