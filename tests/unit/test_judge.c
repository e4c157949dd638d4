#include "tests/unit/author_world.h"

#include <time.h>

#include "common/base/limits.h"
#include "common/sync/digest.h"

enum { R = 1, STRANGER = 77 };

/* ---- Helpers ---- */

/* A phone's next bundle in EAST: so many changes of one record, beside each other, as no honest device writes. */
static struct sat_bundle siblings(struct office *office, const struct phone *phone, uint64_t first, uint32_t n)
{
    const struct sat_directory *directory = &office->world.directory;
    struct sat_bundle bundle = {.manifest = {.suite = SAT_SUITE_1,
                                             .org = directory->org,
                                             .space = space_id(EAST),
                                             .epoch = 1,
                                             .device = phone->device,
                                             .first = first,
                                             .count = n,
                                             .dir_seq = directory->seq,
                                             .dir_hash = sat_directory_hash_at(directory, directory->seq),
                                             .log_epoch = LOG_EPOCH}};
    struct sat_bundle_row tip;
    bool found;
    OK(sat_store_bundle_tip(office->server, office->sid[EAST], phone->device, false, &tip, &found));
    if (found) bundle.manifest.prev = tip.id;
    struct sat_buf bytes = {0};
    sat_header_encode(&(struct sat_header){.hlc = office->now_ms << 16}, &bytes);
    struct sat_span header = sat_span_copy(&office->arena, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    bundle.changes = sat_arena_array(&office->arena, n, sizeof *bundle.changes);
    for (uint32_t i = 0; i < n; i++) {
        struct sat_change *change = &bundle.changes[i];
        *change = (struct sat_change){.record = record_id(R), .header = header, .body = sat_span_text("sealed")};
        change->rest = sat_change_rest(change->header, change->body);
    }
    bundle.manifest.changes_root = sat_changes_root(bundle.changes, n);
    bundle.signature = sat_bundle_sign(&bundle.manifest, &sat_keyring_secrets(phone->keyring)->sign);
    bundle.id = sat_bundle_id(&bundle.manifest);
    return bundle;
}

/* As many live changes of the record, of these devices in turn. */
static void crowd_of(struct office *office, const uint32_t *devices, uint32_t devices_n, uint32_t n)
{
    struct sat_buf header = {0};
    sat_header_encode(&(struct sat_header){.hlc = office->now_ms << 16}, &header);
    OK(sat_store_begin(office->server));
    struct sat_bundle_row bundle = {0};
    for (uint32_t i = 0; i < n; i++) {
        uint32_t index = i % SAT_BUNDLE_CHANGES_MAX;
        if (index == 0) {
            bundle = (struct sat_bundle_row){.sid = office->sid[EAST],
                                             .device = STRANGER + 9, /* so that it is in nobody's way */
                                             .first = 1 + i,
                                             .count = SAT_BUNDLE_CHANGES_MAX,
                                             .seq = 1000 + i};
            OK(sat_store_bundle_insert(office->server, &bundle));
        }
        struct sat_change_row row = {.cid = bundle.bid << 10 | index,
                                     .sid = office->sid[EAST],
                                     .record = record_id(R),
                                     .dot = {devices[i % devices_n], 1 + i},
                                     .state = SAT_CHANGE_LIVE,
                                     .header = sat_buf_span(&header),
                                     .body = sat_span_text("sealed")};
        OK(sat_store_change_insert(office->server, &row));
    }
    OK(sat_store_commit(office->server));
    sat_buf_deinit(&header);
}

static void crowd(struct office *office, uint32_t n)
{
    const uint32_t strangers[] = {STRANGER, STRANGER + 1, STRANGER + 2, STRANGER + 3};
    crowd_of(office, strangers, 4, n);
}

/* What the server says; *used_bytes: what it needed in its arena for that. */
static enum sat_err judge_bundle(struct office *office, const struct sat_bundle *bundle, size_t *used_bytes)
{
    struct sat_arena arena;
    struct sat_space_row space;
    struct sat_fault fault = {0};
    sat_arena_init(&arena);
    OK(sat_store_space_get(office->server, office->sid[EAST], &space));
    struct sat_judge judge = {.store = office->server,
                              .directory = &office->world.directory,
                              .space = &space,
                              .dir_at = office->world.directory.seq};
    struct sat_header *headers = sat_arena_array(&office->arena, bundle->manifest.count, sizeof *headers);
    enum sat_err err = sat_judge_bundle(&judge, bundle, &arena, headers, &fault);
    *used_bytes = arena.used_bytes;
    sat_arena_deinit(&arena);
    return err;
}

/* ---- A record that many write at once ---- */

static void a_bundle_that_names_one_record_often_costs_no_memory_for_each_time(void **state)
{
    struct office *office = *state;
    enum { LIVE = 500, CHANGES = 100, ROOM_BYTES = 64 * 1024 };
    crowd(office, LIVE);
    struct sat_bundle bundle = siblings(office, &office->phones[0], 1, CHANGES);
    size_t used_bytes;
    OK(judge_bundle(office, &bundle, &used_bytes));
    assert_in_range(used_bytes, 0, ROOM_BYTES);
}

static void the_bound_on_what_stands_side_by_side_holds_within_a_bundle(void **state)
{
    struct office *office = *state;
    enum { ROOM = SAT_RECORD_LIVE_RESERVED + 20 };
    crowd(office, SAT_RECORD_LIVE_MAX - ROOM);
    struct sat_bundle fits = siblings(office, &office->phones[0], 1, ROOM);
    struct sat_bundle one_more = siblings(office, &office->phones[0], 1, ROOM + 1);
    size_t used_bytes;
    OK(judge_bundle(office, &fits, &used_bytes));
    assert_int_equal(judge_bundle(office, &one_more, &used_bytes), SAT_ERR_TOO_LARGE);
}

static void whoever_has_little_there_is_not_kept_out_by_the_others(void **state)
{
    struct office *office = *state;
    crowd(office, SAT_RECORD_LIVE_MAX + 7);
    struct sat_bundle fits = siblings(office, &office->phones[0], 1, SAT_RECORD_LIVE_RESERVED);
    struct sat_bundle one_more = siblings(office, &office->phones[0], 1, SAT_RECORD_LIVE_RESERVED + 1);
    size_t used_bytes;
    OK(judge_bundle(office, &fits, &used_bytes));
    assert_int_equal(judge_bundle(office, &one_more, &used_bytes), SAT_ERR_TOO_LARGE);
}

static void one_device_alone_cannot_fill_a_record(void **state)
{
    struct office *office = *state;
    const uint32_t own = office->phones[0].device;
    enum { ROOM = 5 };
    crowd_of(office, &own, 1, SAT_RECORD_LIVE_DEVICE_MAX - ROOM);
    uint64_t first = SAT_RECORD_LIVE_DEVICE_MAX + 1;
    struct sat_bundle fits = siblings(office, &office->phones[0], first, ROOM);
    struct sat_bundle one_more = siblings(office, &office->phones[0], first, ROOM + 1);
    struct sat_bundle of_another = siblings(office, &office->phones[1], 1, ROOM + 1);
    size_t used_bytes;
    OK(judge_bundle(office, &fits, &used_bytes));
    assert_int_equal(judge_bundle(office, &one_more, &used_bytes), SAT_ERR_TOO_LARGE);
    OK(judge_bundle(office, &of_another, &used_bytes));
}

/* Each of the bundle's changes meets all that are live and all of the bundle before it. */
static void a_thousand_changes_beside_a_thousand_are_judged_and_merged_quickly(void **state)
{
    struct office *office = *state;
    enum { LIVE = 1000, CHANGES = SAT_BUNDLE_CHANGES_MAX };
    crowd(office, LIVE);
    struct sat_bundle bundle = siblings(office, &office->phones[0], 1, CHANGES);
    struct sat_change_row *rows;
    uint32_t n;
    struct sat_record_id record = record_id(R);
    clock_t began = clock();
    accept(office->server, office, office->sid[EAST], &bundle, office->now_ms, office->world.directory.seq, false);
    double took = (double)(clock() - began) / CLOCKS_PER_SEC;
    OK(sat_store_changes_live(office->server, office->sid[EAST], &record, &office->arena, &rows, &n));
    assert_int_equal(n, LIVE + CHANGES);
    print_message("%d changes beside %d: %.3f s of processor time\n", CHANGES, LIVE, took);
    assert_true(took < 1.5); /* reading the live ones for each takes several times that */
}

/* Two records by turns, each change replacing the one before it: as if each record had a bundle of its own. */
static void records_by_turns_are_merged_each_for_itself(void **state)
{
    struct office *office = *state;
    enum { CHANGES = 7, OTHER = 2 };
    struct sat_bundle bundle = siblings(office, &office->phones[0], 1, CHANGES);
    uint32_t device = office->phones[0].device;
    for (uint32_t i = 0; i < CHANGES; i++) {
        struct sat_change *change = &bundle.changes[i];
        struct sat_dot before = {device, i < 2 ? 1 : i - 1}; /* of the same record */
        struct sat_header header = {.hlc = office->now_ms << 16};
        if (i >= 2) header.seen = (struct sat_dots){&before, 1};
        struct sat_buf bytes = {0};
        sat_header_encode(&header, &bytes);
        change->record = record_id(i % 2 ? OTHER : R);
        change->header = sat_span_copy(&office->arena, sat_buf_span(&bytes));
        change->rest = sat_change_rest(change->header, change->body);
        sat_buf_deinit(&bytes);
    }
    bundle.manifest.changes_root = sat_changes_root(bundle.changes, CHANGES);
    bundle.signature = sat_bundle_sign(&bundle.manifest, &sat_keyring_secrets(office->phones[0].keyring)->sign);
    bundle.id = sat_bundle_id(&bundle.manifest);
    struct sat_space_row space;
    OK(sat_store_space_get(office->server, office->sid[EAST], &space));
    accept(office->server, office, office->sid[EAST], &bundle, office->now_ms, office->world.directory.seq, false);
    struct sat_space_row expected = space;
    for (uint32_t i = CHANGES - 2; i < CHANGES; i++) {
        struct sat_change_row *rows;
        uint32_t n;
        OK(sat_store_changes_live(office->server, office->sid[EAST], &bundle.changes[i].record, &office->arena, &rows,
                                  &n));
        assert_int_equal(n, 1);
        assert_int_equal(rows[0].dot.counter, 1 + i);
        sat_digest_add(&expected, &rows[0].record, rows[0].dot, &rows[0].rest);
    }
    OK(sat_store_space_get(office->server, office->sid[EAST], &space));
    assert_memory_equal(&space.digest, &expected.digest, sizeof space.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_bundle_that_names_one_record_often_costs_no_memory_for_each_time, open_office,
                                        close_office),
        cmocka_unit_test_setup_teardown(the_bound_on_what_stands_side_by_side_holds_within_a_bundle, open_office,
                                        close_office),
        cmocka_unit_test_setup_teardown(whoever_has_little_there_is_not_kept_out_by_the_others, open_office,
                                        close_office),
        cmocka_unit_test_setup_teardown(one_device_alone_cannot_fill_a_record, open_office, close_office),
        cmocka_unit_test_setup_teardown(a_thousand_changes_beside_a_thousand_are_judged_and_merged_quickly, open_office,
                                        close_office),
        cmocka_unit_test_setup_teardown(records_by_turns_are_merged_each_for_itself, open_office, close_office),
    };
    return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
