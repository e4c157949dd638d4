/* What a store keeps of bundles put aside and of devices seen, and what it loses when a space is left. */
#include "tests/unit/test_store.h"

#include <time.h>

/* ---- Put aside ---- */

static struct sat_aside_row aside_of(uint8_t n, uint32_t device, size_t len)
{
    static uint8_t bytes_of[10][SAT_BUNDLE_BYTES_MAX]; /* of each n its own */
    uint8_t *bytes = bytes_of[n];
    memset(bytes, n, len);
    return (struct sat_aside_row){.space = space_of(n),
                                  .device = device,
                                  .first = 1000 + n,
                                  .count = 1 + n % 5,
                                  .id = {{n, 0x1d}},
                                  .bytes = sat_span(bytes, len),
                                  .recv_ms = 1767225600000 + n,
                                  .reason = SAT_ERR_ESCROWED};
}

static void assert_aside(const struct sat_aside_row *got, uint8_t n, uint32_t device, size_t len)
{
    struct sat_aside_row expected = aside_of(n, device, len);
    assert_true(sat_space_equal(&got->space, &expected.space) && sat_hash_equal(&got->id, &expected.id));
    assert_true(got->device == device && got->first == expected.first && got->count == expected.count);
    assert_true(got->recv_ms == expected.recv_ms && got->reason == expected.reason);
    assert_true(sat_span_equal(got->bytes, expected.bytes));
}

static void what_is_put_aside_is_found_and_the_first_one_stays(void **state)
{
    struct bench *bench = *state;
    struct sat_aside_row row = aside_of(1, 7, 300), other = aside_of(2, 7, 300), got;
    bool found = true;
    OK(sat_store_aside_find(bench->store, &row.id, &bench->arena, &got, &found));
    assert_false(found);
    OK(sat_store_aside_put(bench->store, &row));
    OK(sat_store_aside_put(bench->store, &other));
    assert_true(row.number >= 1 && other.number > row.number);

    other = aside_of(3, 9, 20);
    other.id = row.id;
    OK(sat_store_aside_put(bench->store, &other));
    assert_int_equal(other.number, row.number);
    OK(sat_store_aside_find(bench->store, &row.id, &bench->arena, &got, &found));
    assert_true(found && got.number == row.number && got.state == SAT_ASIDE_OPEN);
    assert_aside(&got, 1, 7, 300);
}

static void what_was_decided_about_it_is_kept_and_no_longer_counted_as_open(void **state)
{
    struct bench *bench = *state;
    struct sat_aside_row rows[3], got;
    uint64_t open = 1;
    bool found;
    OK(sat_store_aside_count(bench->store, &open));
    assert_int_equal(open, 0);
    for (uint8_t i = 0; i < 3; i++) {
        rows[i] = aside_of((uint8_t)(1 + i), 7, 10);
        OK(sat_store_aside_put(bench->store, &rows[i]));
    }
    OK(sat_store_aside_count(bench->store, &open));
    assert_int_equal(open, 3);
    OK(sat_store_aside_set_state(bench->store, rows[0].number, SAT_ASIDE_ACCEPTED));
    OK(sat_store_aside_set_state(bench->store, rows[2].number, SAT_ASIDE_REJECTED));
    OK(sat_store_aside_count(bench->store, &open));
    assert_int_equal(open, 1);
    OK(sat_store_aside_put(bench->store, &rows[2])); /* it comes again: it stays rejected */
    OK(sat_store_aside_find(bench->store, &rows[2].id, &bench->arena, &got, &found));
    assert_true(found && got.state == SAT_ASIDE_REJECTED);
    assert_int_equal(sat_store_aside_set_state(bench->store, 1000, SAT_ASIDE_OPEN), SAT_ERR_NOT_FOUND);
}

static void what_is_put_aside_is_listed_by_number_as_far_as_there_is_room(void **state)
{
    struct bench *bench = *state;
    struct sat_aside_row row, *got;
    uint32_t n = 1;
    int64_t after = 0;
    OK(sat_store_asides(bench->store, 0, 10, 1000, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
    for (uint8_t i = 1; i <= 9; i++) {
        row = aside_of(i, i, i == 4 ? SAT_BUNDLE_BYTES_MAX : 400);
        OK(sat_store_aside_put(bench->store, &row));
    }
    static const uint32_t pages[] = {2, 1, 1, 2, 2, 1}; /* 1,000 bytes at most, but one at least */
    uint8_t next = 1;
    for (size_t page = 0; page < sizeof pages / sizeof pages[0]; page++) {
        OK(sat_store_asides(bench->store, after, 10, 1000, &bench->arena, &got, &n));
        assert_int_equal(n, pages[page]);
        for (uint32_t i = 0; i < n; i++, next++) {
            assert_true(got[i].number > after);
            assert_aside(&got[i], next, next, next == 4 ? SAT_BUNDLE_BYTES_MAX : 400);
            after = got[i].number;
        }
    }
    OK(sat_store_asides(bench->store, after, 10, 1000, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
    OK(sat_store_asides(bench->store, 0, 3, SIZE_MAX / 2, &bench->arena, &got, &n));
    assert_int_equal(n, 3);
}

static void what_is_put_aside_is_listed_without_its_bytes(void **state)
{
    struct bench *bench = *state;
    struct sat_aside_row row, *got;
    uint32_t n;
    for (uint8_t i = 1; i <= 5; i++) {
        row = aside_of(i, i, 400);
        OK(sat_store_aside_put(bench->store, &row));
    }
    OK(sat_store_aside_list(bench->store, 0, 3, &bench->arena, &got, &n));
    assert_int_equal(n, 3);
    for (uint8_t i = 0; i < 3; i++) {
        row = aside_of(i + 1, i + 1, 400);
        assert_int_equal(got[i].bytes.len, 0);
        assert_true(got[i].device == row.device && got[i].first == row.first && sat_hash_equal(&got[i].id, &row.id));
    }
    OK(sat_store_aside_list(bench->store, got[2].number, 3, &bench->arena, &got, &n));
    assert_int_equal(n, 2);
    OK(sat_store_aside_list(bench->store, got[1].number, 3, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
}

static void the_last_of_a_device_before_a_counter_is_found(void **state)
{
    struct bench *bench = *state;
    struct sat_space_id space = space_of(1);
    struct sat_hash id;
    bool found;
    OK(sat_store_begin(bench->store));
    for (uint8_t n = 1; n <= 4; n++) {
        struct sat_aside_row row = aside_of(n, n == 3 ? 8 : 7, 10); /* first: 1000 + n */
        row.space = space;
        if (n == 4) row.state = SAT_ASIDE_ACCEPTED;
        OK(sat_store_aside_put(bench->store, &row));
    }
    OK(sat_store_commit(bench->store));
    OK(sat_store_aside_tip(bench->store, &space, (struct sat_dot){7, 2000}, &id, &found));
    assert_true(found && id.b[0] == 2);
    OK(sat_store_aside_tip(bench->store, &space, (struct sat_dot){7, 1002}, &id, &found));
    assert_true(found && id.b[0] == 1);
    OK(sat_store_aside_tip(bench->store, &space, (struct sat_dot){7, 1001}, &id, &found));
    assert_false(found);
    space = space_of(2);
    OK(sat_store_aside_tip(bench->store, &space, (struct sat_dot){7, 2000}, &id, &found));
    assert_false(found);
}

static void what_one_device_put_there_is_summed(void **state)
{
    struct bench *bench = *state;
    uint64_t rows = 1, bytes = 1;
    OK(sat_store_aside_sum(bench->store, 7, &rows, &bytes));
    assert_true(rows == 0 && bytes == 0);
    for (uint8_t i = 1; i <= 6; i++) {
        struct sat_aside_row row = aside_of(i, 6 + i % 2, 100u * i);
        OK(sat_store_aside_put(bench->store, &row));
        OK(sat_store_aside_put(bench->store, &row));
    }
    OK(sat_store_aside_sum(bench->store, 7, &rows, &bytes));
    assert_true(rows == 3 && bytes == 100 + 300 + 500);
}

/* ---- Sightings ---- */

static void a_sighting_is_replaced_by_the_next(void **state)
{
    struct bench *bench = *state;
    struct sat_sighting sighting = {.device = 7, .seen_ms = 500, .lag = 3, .version = 1}, got;
    bool found = true;
    OK(sat_store_sighting_get(bench->store, 7, &got, &found));
    assert_false(found);
    OK(sat_store_sighting_put(bench->store, &sighting));
    OK(sat_store_sighting_get(bench->store, 7, &got, &found));
    assert_true(found && got.seen_ms == 500 && got.lag == 3 && got.version == 1 && got.wiped_ms == 0);
    static const uint8_t none[64];
    assert_memory_equal(got.receipt.b, none, sizeof none);

    sighting = (struct sat_sighting){
        .device = 7, .seen_ms = 900, .lag = 0, .version = 2, .wiped_ms = 901, .receipt = {{1, [63] = 9}}};
    OK(sat_store_sighting_put(bench->store, &sighting));
    OK(sat_store_sighting_get(bench->store, 7, &got, &found));
    assert_true(found && got.seen_ms == 900 && got.lag == 0 && got.version == 2 && got.wiped_ms == 901);
    assert_memory_equal(&got.receipt, &sighting.receipt, sizeof got.receipt);
}

static void sightings_are_listed_by_device(void **state)
{
    struct bench *bench = *state;
    struct sat_sighting *got;
    uint32_t n;
    for (uint32_t i = 9; i >= 1; i--)
        OK(sat_store_sighting_put(bench->store, &(struct sat_sighting){.device = i * 10, .seen_ms = i}));
    OK(sat_store_sighting_put(bench->store, &(struct sat_sighting){.device = UINT32_MAX, .seen_ms = 99}));
    OK(sat_store_sightings(bench->store, 0, 100, &bench->arena, &got, &n));
    assert_int_equal(n, 10);
    for (uint32_t i = 0; i < 9; i++) assert_true(got[i].device == 10 * (i + 1) && got[i].seen_ms == i + 1);
    assert_int_equal(got[9].device, UINT32_MAX);
    OK(sat_store_sightings(bench->store, 30, 2, &bench->arena, &got, &n));
    assert_true(n == 2 && got[0].device == 40 && got[1].device == 50);
    OK(sat_store_sightings(bench->store, UINT32_MAX, 2, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
}

/* ---- Leaving a space ---- */

/* Something of every kind in a space; `base` keeps the counters of spaces apart. */
static int64_t furnish(struct sat_store *store, uint8_t n, uint64_t base)
{
    static struct sat_space_row row;
    int64_t sid = make_space(store, n);
    struct sat_record_id record = record_of(n), common = record_of(100);
    struct sat_bundle_row bundle = make_bundle(store, sid, 1, base + 1, 3, 1);
    (void)make_change(store, &bundle, 0, record, SAT_CHANGE_DEAD);
    (void)make_change(store, &bundle, 1, record, SAT_CHANGE_LIVE);
    (void)make_change(store, &bundle, 2, common, SAT_CHANGE_LIVE);
    make_entry(store, &bundle, 50);
    struct sat_bundle_row pending = make_bundle(store, sid, 2, base + 4, 1, 0);
    (void)make_change(store, &pending, 0, common, SAT_CHANGE_PENDING);
    struct sat_draft_row draft = {.counter = base + 9, .sid = sid, .record = record, .body = sat_span_text("sealed")};
    OK(sat_store_draft_insert(store, &draft));
    OK(sat_store_stub_add(store, sid, &record, (struct sat_dot){2, 3}));
    struct sat_space_id id = space_of(n);
    OK(sat_store_key_put(store, &id, 1, sat_span_text("first key")));
    OK(sat_store_key_put(store, &id, 2, sat_span_text("second key")));
    OK(sat_store_space_get(store, sid, &row));
    sat_frontier_append(&row.log, &(struct sat_hash){{n, 1}});
    row.log_epoch = (struct sat_log_epoch){{n}};
    row.last_recv_ms = 50;
    row.last_dir_at = 5;
    memset(row.digest, 0xd1, sizeof row.digest);
    row.live = 2;
    row.head_size = 1;
    row.synced_ms = 60;
    OK(sat_store_space_save(store, &row));
    return sid;
}

static enum sat_err remember(void *context, int64_t sid, const struct sat_record_id *record)
{
    (void)record;
    ((uint32_t *)context)[sid]++;
    return SAT_OK;
}

/* Is all of it there, or nothing? */
static void assert_furnished(struct bench *bench, int64_t sid, uint8_t n, uint64_t base, bool there)
{
    struct sat_space_id id = space_of(n);
    struct sat_record_id record = record_of(n);
    struct sat_bundle_row bundle;
    struct sat_change_row *changes;
    struct sat_entry_row *entries;
    struct sat_draft_row *drafts;
    struct sat_span key;
    struct sat_hash root;
    uint32_t rows, records[16] = {0};
    uint64_t count;
    bool found;
    OK(sat_store_bundle_of_dot(bench->store, (struct sat_dot){1, base + 1}, &bundle, &found));
    assert_int_equal(found, there);
    OK(sat_store_bundles_pending(bench->store, sid, 0, 9, &bench->arena, (struct sat_bundle_row **)&entries, &rows));
    assert_int_equal(rows, there ? 1 : 0);
    OK(sat_store_changes_of_record(bench->store, sid, &record, &bench->arena, &changes, &rows));
    assert_int_equal(rows, there ? 2 : 0);
    OK(sat_store_entries(bench->store, sid, 1, 9, &bench->arena, &entries, &rows));
    assert_int_equal(rows, there ? 1 : 0);
    OK(sat_store_root_at(bench->store, sid, 1, &root, &found));
    assert_int_equal(found, there);
    OK(sat_store_drafts_of_record(bench->store, sid, &record, &bench->arena, &drafts, &rows));
    assert_int_equal(rows, there ? 1 : 0);
    OK(sat_store_stub_count(bench->store, sid, &count));
    assert_int_equal(count, there ? 1 : 0);
    for (uint32_t epoch = 1; epoch <= 2; epoch++) {
        OK(sat_store_key_get(bench->store, &id, epoch, &bench->arena, &key, &found));
        assert_int_equal(found, there);
    }
    OK(sat_store_each_record(bench->store, remember, records));
    assert_int_equal(records[sid], there ? 2 : 0);
}

static void a_space_that_is_left_is_emptied_and_the_others_keep_theirs(void **state)
{
    struct bench *bench = *state;
    int64_t first = furnish(bench->store, 1, 0), second = furnish(bench->store, 2, 100);
    struct sat_aside_row aside = aside_of(2, 1, 50), kept;
    struct sat_space_id id = space_of(2);
    static struct sat_space_row row, empty;
    bool found;
    OK(sat_store_aside_put(bench->store, &aside));
    assert_furnished(bench, second, 2, 100, true);
    OK(sat_store_begin(bench->store));
    OK(sat_store_space_purge(bench->store, second));
    sat_store_rollback(bench->store);
    assert_furnished(bench, second, 2, 100, true);

    OK(sat_store_begin(bench->store));
    OK(sat_store_space_purge(bench->store, second));
    OK(sat_store_commit(bench->store));
    assert_furnished(bench, first, 1, 0, true);
    assert_furnished(bench, second, 2, 100, false);
    OK(sat_store_space_find(bench->store, &id, &row, &found));
    assert_true(found && row.sid == second);
    empty = (struct sat_space_row){.sid = second, .id = id};
    sat_frontier_init(&empty.log);
    assert_memory_equal(&row, &empty, sizeof row);
    OK(sat_store_aside_find(bench->store, &aside.id, &bench->arena, &kept, &found)); /* evidence stays */
    assert_true(found);

    OK(sat_store_space_purge(bench->store, second)); /* again */
    assert_int_equal(sat_store_space_purge(bench->store, 1000), SAT_ERR_NOT_FOUND);
    (void)make_bundle(bench->store, second, 1, 101, 3, 1); /* and it can be filled again, with the same bundles */
}

static double seconds(void)
{
    struct timespec now;
    assert_int_equal(timespec_get(&now, TIME_UTC), TIME_UTC);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void a_space_of_100000_changes_is_left_in_seconds(void **state)
{
    struct bench *bench = *state;
    static uint8_t body[300];
    int64_t sids[2] = {make_space(bench->store, 1), make_space(bench->store, 2)};
    uint64_t live = 0;
    OK(sat_store_begin(bench->store));
    for (uint32_t i = 0; i < 2200; i++) { /* of the other space 10,000 */
        struct sat_bundle_row bundle =
            make_bundle(bench->store, sids[i % 11 == 0], 1, 1 + (uint64_t)i * 50, 50, 1 + (uint64_t)i);
        for (uint32_t k = 0; k < 50; k++) {
            struct sat_change_row row = {.cid = bundle.bid << 10 | k,
                                         .sid = bundle.sid,
                                         .record = {{(uint8_t)(k * 37), (uint8_t)(i * 101), (uint8_t)(i >> 4), 1}},
                                         .dot = {1, bundle.first + k},
                                         .state = k % 2,
                                         .header = sat_span(body, 60),
                                         .body = sat_span(body, sizeof body)};
            OK(sat_store_change_insert(bench->store, &row));
        }
        make_entry(bench->store, &bundle, 5);
    }
    OK(sat_store_commit(bench->store));
    double before = seconds();
    OK(sat_store_begin(bench->store));
    OK(sat_store_space_purge(bench->store, sids[0]));
    OK(sat_store_commit(bench->store));
    double took = seconds() - before;
    print_message("100,000 changes went in %.2f s\n", took);
    assert_true(took < 20);
    OK(sat_store_count_state(bench->store, SAT_CHANGE_LIVE, &live));
    assert_int_equal(live, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_put_aside_is_found_and_the_first_one_stays),
        WITH_STORE(what_was_decided_about_it_is_kept_and_no_longer_counted_as_open),
        WITH_STORE(what_is_put_aside_is_listed_by_number_as_far_as_there_is_room),
        WITH_STORE(what_is_put_aside_is_listed_without_its_bytes),
        WITH_STORE(the_last_of_a_device_before_a_counter_is_found),
        WITH_STORE(what_one_device_put_there_is_summed),
        WITH_STORE(a_sighting_is_replaced_by_the_next),
        WITH_STORE(sightings_are_listed_by_device),
        WITH_STORE(a_space_that_is_left_is_emptied_and_the_others_keep_theirs),
        WITH_STORE(a_space_of_100000_changes_is_left_in_seconds),
    };
    return cmocka_run_group_tests_name("store_aside", tests, NULL, NULL);
}
