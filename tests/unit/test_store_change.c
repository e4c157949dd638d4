/* What a store keeps of bundles and changes, and how it finds them again. */
#include "tests/unit/test_store.h"

/* ---- Bundles ---- */

static void a_bundle_comes_back_as_it_was_inserted(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1);
    struct sat_bundle_row row = make_bundle(bench->store, sid, 3, 1, 1000, 0), got;
    assert_true(row.bid > 0);
    OK(sat_store_bundle_get(bench->store, row.bid, &got));
    assert_bundle(&got, &row);
    assert_int_equal(sat_store_bundle_get(bench->store, row.bid + 1, &got), SAT_ERR_NOT_FOUND);
    assert_int_equal(sat_store_bundle_insert(bench->store, &row), SAT_ERR_EXISTS);
    row.first = UINT64_MAX;
    assert_int_equal(sat_store_bundle_insert(bench->store, &row), SAT_ERR_INVALID);
}

static void a_pending_bundle_becomes_accepted_or_refused(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, sid, 1, 1, 10, 0),
                          b = make_bundle(bench->store, sid, 1, 11, 5, 0);
    struct sat_bundle_row c = make_bundle(bench->store, other, 1, 16, 2, 0), *got;
    uint32_t n;
    uint64_t bundles, changes;
    OK(sat_store_pending_count(bench->store, &bundles, &changes));
    assert_true(bundles == 3 && changes == 17);
    OK(sat_store_bundles_pending(bench->store, sid, 0, 10, &bench->arena, &got, &n));
    assert_int_equal(n, 2);
    assert_bundle(&got[0], &a);
    assert_bundle(&got[1], &b);
    OK(sat_store_bundles_pending(bench->store, sid, 2, 10, &bench->arena, &got, &n));
    assert_int_equal(n, 1);
    OK(sat_store_bundles_pending(bench->store, sid, 0, 1, &bench->arena, &got, &n));
    assert_int_equal(n, 1);

    OK(sat_store_bundle_set_seq(bench->store, a.bid, 40));
    OK(sat_store_bundle_set_refused(bench->store, b.bid, SAT_ERR_DENIED));
    OK(sat_store_bundles_pending(bench->store, sid, 0, 10, &bench->arena, &got, &n));
    assert_int_equal(n, 1);
    assert_true(got[0].bid == b.bid && got[0].state == SAT_BUNDLE_REFUSED && got[0].refused == SAT_ERR_DENIED);
    OK(sat_store_bundle_set_refused(bench->store, b.bid, 0));
    OK(sat_store_bundle_get(bench->store, b.bid, got));
    assert_bundle(got, &b);
    OK(sat_store_bundle_set_seq(bench->store, c.bid, 1));
    OK(sat_store_pending_count(bench->store, &bundles, &changes));
    assert_true(bundles == 1 && changes == 5);
    assert_int_equal(sat_store_bundle_set_seq(bench->store, 77, 1), SAT_ERR_NOT_FOUND);
    assert_int_equal(sat_store_bundle_set_refused(bench->store, 77, 1), SAT_ERR_NOT_FOUND);
}

static void a_dot_is_found_in_its_bundle_in_whatever_space(void **state)
{
    struct bench *bench = *state;
    int64_t one = make_space(bench->store, 1), two = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, one, 1, 10, 5, 1),
                          b = make_bundle(bench->store, two, 1, 15, 1, 0);
    struct sat_bundle_row c = make_bundle(bench->store, one, 2, 1, 1000, 2), got;
    const struct {
        struct sat_dot dot;
        const struct sat_bundle_row *bundle;
    } cases[] = {{{1, 9}, NULL}, {{1, 10}, &a},   {{1, 14}, &a},     {{1, 15}, &b},           {{1, 16}, NULL},
                 {{2, 1}, &c},   {{2, 1000}, &c}, {{2, 1001}, NULL}, {{2, UINT64_MAX}, NULL}, {{3, 1}, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = !cases[i].bundle;
        OK(sat_store_bundle_of_dot(bench->store, cases[i].dot, &got, &found));
        assert_int_equal(found, cases[i].bundle != NULL);
        if (found) assert_bundle(&got, cases[i].bundle);
    }
}

static void an_overlap_is_found_from_either_side_and_the_first_one_wins(void **state)
{
    struct bench *bench = *state;
    int64_t one = make_space(bench->store, 1), two = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, one, 1, 10, 5, 1),
                          b = make_bundle(bench->store, two, 1, 20, 5, 1), got;
    const struct {
        uint64_t first;
        uint32_t count;
        const struct sat_bundle_row *bundle;
    } cases[] = {{1, 9, NULL}, {1, 10, &a},   {10, 5, &a}, {12, 1, &a},   {14, 100, &a},         {15, 5, NULL},
                 {15, 6, &b},  {1, 1000, &a}, {24, 1, &b}, {25, 9, NULL}, {UINT64_MAX, 5, NULL}, {10, 0, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = !cases[i].bundle;
        OK(sat_store_bundle_overlapping(bench->store, 1, cases[i].first, cases[i].count, &got, &found));
        assert_int_equal(found, cases[i].bundle != NULL);
        if (found) assert_bundle(&got, cases[i].bundle);
        OK(sat_store_bundle_overlapping(bench->store, 2, cases[i].first, cases[i].count, &got, &found));
        assert_false(found);
    }
}

static void the_tip_is_the_newest_of_the_device_in_the_space(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_bundle_row got;
    bool found = true;
    OK(sat_store_bundle_tip(bench->store, sid, 1, true, &got, &found));
    assert_false(found);

    struct sat_bundle_row refused = make_bundle(bench->store, sid, 1, 1, 2, 0);
    OK(sat_store_bundle_tip(bench->store, sid, 1, false, &got, &found));
    assert_false(found);
    OK(sat_store_bundle_tip(bench->store, sid, 1, true, &got, &found));
    assert_true(found);
    assert_bundle(&got, &refused);

    (void)make_bundle(bench->store, sid, 1, 3, 2, 8);
    struct sat_bundle_row accepted = make_bundle(bench->store, sid, 1, 5, 2, 9);
    (void)make_bundle(bench->store, other, 1, 7, 2, 1);
    (void)make_bundle(bench->store, sid, 2, 100, 2, 10);
    OK(sat_store_bundle_tip(bench->store, sid, 1, true, &got, &found));
    assert_bundle(&got, &accepted); /* an older one that is still pending is not the tip */
    struct sat_bundle_row pending = make_bundle(bench->store, sid, 1, 9, 2, 0);
    OK(sat_store_bundle_tip(bench->store, sid, 1, true, &got, &found));
    assert_bundle(&got, &pending);
    OK(sat_store_bundle_tip(bench->store, sid, 1, false, &got, &found));
    assert_bundle(&got, &accepted);
}

static void a_devices_counter_is_known_at_every_size_of_the_log(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    (void)make_bundle(bench->store, sid, 1, 1, 3, 2);
    (void)make_bundle(bench->store, other, 1, 4, 10, 1);
    (void)make_bundle(bench->store, sid, 1, 14, 2, 3);
    (void)make_bundle(bench->store, sid, 2, 50, 1, 4);
    (void)make_bundle(bench->store, sid, 1, 16, 5, 6);
    (void)make_bundle(bench->store, sid, 1, 21, 5, 0);
    const uint64_t expected[] = {0, 0, 3, 15, 15, 15, 20, 20};
    uint64_t got = 1;
    for (uint64_t size = 0; size < 8; size++) {
        OK(sat_store_device_counter_at(bench->store, sid, 1, size, &got));
        assert_int_equal(got, expected[size]);
    }
    OK(sat_store_device_counter_at(bench->store, sid, 1, UINT64_MAX, &got));
    assert_int_equal(got, 20);
    OK(sat_store_device_counter_at(bench->store, sid, 3, 100, &got));
    assert_int_equal(got, 0);
}

/* ---- Changes ---- */

static void live_changes_come_by_dot_and_only_the_live_ones(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, sid, 9, 1, 5, 1),
                          b = make_bundle(bench->store, sid, 2, 7, 3, 2),
                          pending = make_bundle(bench->store, sid, 1, 30, 1, 0);
    struct sat_bundle_row c = make_bundle(bench->store, other, 2, 20, 1, 1);
    struct sat_record_id record = record_of(1);
    (void)make_change(bench->store, &a, 0, record, SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &a, 1, record, SAT_CHANGE_DEAD);
    (void)make_change(bench->store, &a, 2, record, SAT_CHANGE_ASIDE);
    (void)make_change(bench->store, &pending, 0, record, SAT_CHANGE_PENDING);
    (void)make_change(bench->store, &a, 4, record_of(2), SAT_CHANGE_LIVE);
    int64_t cid = make_change(bench->store, &b, 2, record, SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &b, 0, record, SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &c, 0, record, SAT_CHANGE_LIVE);
    struct sat_change_row *got;
    uint32_t n;
    OK(sat_store_changes_live(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 3);
    const struct sat_dot dots[] = {{2, 7}, {2, 9}, {9, 1}};
    for (uint32_t i = 0; i < n; i++) assert_int_equal(sat_dot_compare(got[i].dot, dots[i]), 0);
    assert_true(got[1].cid == cid && got[1].sid == sid && got[1].state == SAT_CHANGE_LIVE);
    assert_true(SAT_CHANGE_BUNDLE(got[1].cid) == b.bid && SAT_CHANGE_INDEX(got[1].cid) == 2);
    assert_true(sat_record_equal(&got[1].record, &record));
    assert_true(sat_span_equal(got[1].header, sat_span_text("header")));
    assert_true(sat_span_equal(got[1].body, sat_span_text("ciphertext")));
    assert_true(got[1].rest.b[0] == 2 && got[1].rest.b[1] == 9);
    assert_true(got[1].manifest == NULL && got[1].recv_ms == 0);

    OK(sat_store_change_set_state(bench->store, cid, SAT_CHANGE_DEAD));
    OK(sat_store_changes_live(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 2);
    OK(sat_store_bundle_set_seq(bench->store, pending.bid,
                                3)); /* what is pending is live once its bundle is accepted */
    OK(sat_store_changes_live(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_true(n == 3 && got[0].dot.device == 1 && got[0].dot.counter == 30);
    assert_int_equal(sat_store_change_set_state(bench->store, 5, SAT_CHANGE_DEAD), SAT_ERR_NOT_FOUND);
}

static void a_change_is_beside_others_of_its_record_that_are_live_or_wait(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, sid, 9, 1, 5, 1),
                          b = make_bundle(bench->store, sid, 1, 30, 2, 0),
                          c = make_bundle(bench->store, other, 2, 20, 1, 1);
    (void)make_change(bench->store, &a, 0, record_of(1), SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &a, 1, record_of(2), SAT_CHANGE_LIVE);
    int64_t first = make_change(bench->store, &a, 2, record_of(3), SAT_CHANGE_LIVE);
    int64_t dead = make_change(bench->store, &a, 3, record_of(3), SAT_CHANGE_DEAD);
    int64_t older = make_change(bench->store, &a, 4, record_of(4), SAT_CHANGE_DEAD);
    int64_t last = make_change(bench->store, &b, 0, record_of(3), SAT_CHANGE_PENDING);
    (void)make_change(bench->store, &b, 1, record_of(4), SAT_CHANGE_PENDING);
    (void)make_change(bench->store, &c, 0, record_of(2), SAT_CHANGE_LIVE); /* in another space */
    struct sat_record_id record = record_of(3);
    struct sat_change_row *got;
    uint32_t n;
    OK(sat_store_changes_beside(bench->store, 0, c.bid, 10, &bench->arena, &got, &n));
    assert_true(n == 4 && got[0].cid == first && got[1].cid == dead && got[2].cid == older && got[3].cid == last);
    assert_true(got[0].sid == sid && sat_record_equal(&got[0].record, &record));
    OK(sat_store_changes_beside(bench->store, 0, c.bid, 2, &bench->arena, &got, &n));
    assert_true(n == 2 && got[1].cid == dead);
    OK(sat_store_changes_beside(bench->store, older + 1, c.bid, 2, &bench->arena, &got, &n));
    assert_true(n == 1 && got[0].cid == last);
    OK(sat_store_changes_beside(bench->store, 0, a.bid, 10, &bench->arena, &got, &n));
    assert_true(n == 3 && got[2].cid == older);
    OK(sat_store_changes_forget(bench->store, sid, &record));
    OK(sat_store_changes_beside(bench->store, 0, c.bid, 10, &bench->arena, &got, &n));
    assert_true(n == 3 && got[0].cid == first && got[1].cid == older); /* a stub says nothing that could be late */
}

/* Asked about all of them, and about ever fewer that lie ever further apart: by walks, and one by one. */
static void what_each_of_many_records_has_is_counted(void **state)
{
    enum { RECORDS = 600, CHANGES = 900, OTHERS = 300 };
    static const uint32_t steps[] = {1, 2, 7, 97};
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, sid, 9, 1, CHANGES, 1),
                          b = make_bundle(bench->store, sid, 1, 1, CHANGES, 0),
                          c = make_bundle(bench->store, other, 1, 1001, OTHERS, 1);
    struct sat_record_id ids[RECORDS];
    uint8_t live[RECORDS] = {0}, dead[RECORDS] = {0}, waiting[RECORDS] = {0}, got[RECORDS];
    uint32_t dice = 1;
    for (uint32_t i = 0; i < RECORDS; i++) ids[i] = (struct sat_record_id){{1, (uint8_t)(i >> 8), (uint8_t)i}};
    for (uint32_t i = 0; i < CHANGES; i++) {
        uint32_t of_a = (dice = dice * 1664525 + 1013904223) >> 8, of_b = (dice = dice * 1664525 + 1013904223) >> 8;
        bool is_dead = of_a % 3 == 0;
        of_a = of_a / 3 % (RECORDS / 2) * 2, of_b %= RECORDS / 3;
        (void)make_change(bench->store, &a, i, ids[of_a], is_dead ? SAT_CHANGE_DEAD : SAT_CHANGE_LIVE);
        (void)make_change(bench->store, &b, i, ids[of_b], SAT_CHANGE_PENDING);
        (is_dead ? dead : live)[of_a]++;
        waiting[of_b]++;
    }
    for (uint32_t i = 0; i < OTHERS; i++) (void)make_change(bench->store, &c, i, ids[i], SAT_CHANGE_LIVE);
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct sat_record_id asked[RECORDS];
        uint32_t n = 0;
        for (uint32_t i = 0; i < RECORDS; i += steps[s]) asked[n++] = ids[i];
        for (uint32_t kind = 0; kind < 3; kind++) {
            OK(sat_store_records_count(bench->store, sid, kind == 2 ? SAT_CHANGE_DEAD : SAT_CHANGE_LIVE,
                                       kind == 1 ? b.bid : 0, asked, n, got));
            for (uint32_t i = 0; i < n; i++) {
                uint32_t at = i * steps[s];
                uint32_t all = kind == 2 ? dead[at] : live[at] + (kind == 0 ? waiting[at] : 0u);
                assert_int_equal(got[i], all < SAT_COUNTED_MAX ? all : SAT_COUNTED_MAX);
            }
        }
    }
    OK(sat_store_records_count(bench->store, sid, SAT_CHANGE_LIVE, 0, NULL, 0, NULL));
}

static void a_records_changes_come_as_they_were_received_with_pending_last(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1);
    struct sat_record_id record = record_of(1);
    struct sat_bundle_row pending = make_bundle(bench->store, sid, 1, 90, 1, 0);
    struct sat_bundle_row late = make_bundle(bench->store, sid, 1, 1, 2, 2),
                          early = make_bundle(bench->store, sid, 7, 5, 1, 1);
    struct sat_bundle_row same = make_bundle(bench->store, sid, 5, 5, 1, 3);
    make_entry(bench->store, &early, 100);
    make_entry(bench->store, &late, 200);
    make_entry(bench->store, &same, 200);
    (void)make_change(bench->store, &pending, 0, record, SAT_CHANGE_PENDING);
    (void)make_change(bench->store, &late, 1, record, SAT_CHANGE_DEAD);
    (void)make_change(bench->store, &late, 0, record, SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &early, 0, record, SAT_CHANGE_ASIDE);
    (void)make_change(bench->store, &same, 0, record, SAT_CHANGE_LIVE);
    struct sat_change_row *got;
    uint32_t n;
    OK(sat_store_changes_of_record(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 5);
    const struct sat_dot dots[] = {{7, 5}, {1, 1}, {1, 2}, {5, 5}, {1, 90}};
    const uint64_t times[] = {100, 200, 200, 200, 0};
    const struct sat_bundle_row *bundles[] = {&early, &late, &late, &same, &pending};
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(sat_dot_compare(got[i].dot, dots[i]), 0);
        assert_int_equal(got[i].recv_ms, times[i]);
        assert_memory_equal(got[i].manifest, bundles[i]->manifest, SAT_MANIFEST_BYTES);
    }
    record = record_of(2);
    OK(sat_store_changes_of_record(bench->store, sid, &record, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
}

static void a_full_bundle_comes_back_in_order_with_its_stubs(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1);
    struct sat_bundle_row before = make_bundle(bench->store, sid, 1, 1, 1, 1);
    struct sat_bundle_row full = make_bundle(bench->store, sid, 1, 2, SAT_BUNDLE_CHANGES_MAX, 2);
    struct sat_bundle_row after = make_bundle(bench->store, sid, 1, 2000, 1, 3);
    (void)make_change(bench->store, &before, 0, record_of(1), SAT_CHANGE_LIVE);
    (void)make_change(bench->store, &after, 0, record_of(1), SAT_CHANGE_LIVE);
    for (uint32_t i = SAT_BUNDLE_CHANGES_MAX; i-- > 1;)
        (void)make_change(bench->store, &full, i, record_of((uint8_t)i), SAT_CHANGE_LIVE);
    struct sat_change_row stub = {
        .cid = full.bid << 10, .sid = sid, .dot = {1, 2}, .state = SAT_CHANGE_DEAD, .rest = {{4}}};
    OK(sat_store_change_insert(bench->store, &stub));
    assert_int_equal(sat_store_change_insert(bench->store, &stub), SAT_ERR_EXISTS);
    struct sat_change_row *got;
    uint32_t n;
    OK(sat_store_changes_of_bundle(bench->store, full.bid, &bench->arena, &got, &n));
    assert_int_equal(n, SAT_BUNDLE_CHANGES_MAX);
    for (uint32_t i = 0; i < n; i++) assert_true(SAT_CHANGE_INDEX(got[i].cid) == i && got[i].dot.counter == 2 + i);
    assert_true(got[0].header.len == 0 && got[0].body.len == 0 && got[0].rest.b[0] == 4);
    OK(sat_store_changes_of_bundle(bench->store, 99, &bench->arena, &got, &n));
    assert_int_equal(n, 0);
}

static void a_record_is_found_in_the_spaces_where_it_lives_waits_or_is_drafted(void **state)
{
    struct bench *bench = *state;
    struct sat_record_id record = record_of(1);
    int64_t sids[6], got[6];
    const enum sat_change_state states[] = {SAT_CHANGE_DEAD, SAT_CHANGE_LIVE, SAT_CHANGE_ASIDE, SAT_CHANGE_PENDING};
    for (uint8_t i = 0; i < 6; i++) sids[i] = make_space(bench->store, i);
    for (uint8_t i = 0; i < 4; i++) {
        struct sat_bundle_row bundle = make_bundle(bench->store, sids[i], 1, 1 + i, 1, 1);
        (void)make_change(bench->store, &bundle, 0, record, states[i]);
    }
    OK(sat_store_draft_insert(bench->store, &(struct sat_draft_row){.counter = 5, .sid = sids[5], .record = record}));
    uint32_t n;
    OK(sat_store_record_spaces(bench->store, &record, got, 6, &n));
    assert_int_equal(n, 3);
    assert_true(got[0] == sids[1] && got[1] == sids[3] && got[2] == sids[5]);
    OK(sat_store_record_spaces(bench->store, &record, got, 2, &n));
    assert_int_equal(n, 2);
    record = record_of(2);
    OK(sat_store_record_spaces(bench->store, &record, got, 6, &n));
    assert_int_equal(n, 0);
}

struct walk {
    struct sat_store *store;
    uint32_t n, stop_at, last_number;
    int64_t last_sid;
};

static enum sat_err count_record(void *context, int64_t sid, const struct sat_record_id *record)
{
    struct walk *walk = context;
    int64_t sids[4];
    uint32_t n, number = (uint32_t)record->b[14] << 8 | record->b[15];
    assert_true(sid > walk->last_sid || (sid == walk->last_sid && number > walk->last_number));
    walk->last_sid = sid;
    walk->last_number = number;
    OK(sat_store_record_spaces(walk->store, record, sids, 4, &n)); /* reading on the way is allowed */
    assert_true(n >= 1);
    return ++walk->n == walk->stop_at ? SAT_ERR_STALE : SAT_OK;
}

static void a_record_waits_while_something_of_it_is_not_in_the_log(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1), other = make_space(bench->store, 2);
    const struct {
        uint64_t seq;
        bool waits;
    } cases[] = {{7, false}, {0, true}};
    bool waits;
    for (uint8_t i = 0; i < 2; i++) {
        struct sat_bundle_row bundle = make_bundle(bench->store, sid, 1, 10 + i, 1, cases[i].seq);
        (void)make_change(bench->store, &bundle, 0, record_of(i), SAT_CHANGE_LIVE);
        struct sat_record_id record = record_of(i);
        OK(sat_store_record_waits(bench->store, sid, &record, &waits));
        assert_int_equal(waits, cases[i].waits);
        OK(sat_store_record_waits(bench->store, other, &record, &waits));
        assert_false(waits);
        OK(sat_store_bundle_set_return(bench->store, bundle.bid)); /* the server lost it: it waits to be given back */
        OK(sat_store_record_waits(bench->store, sid, &record, &waits));
        assert_true(waits);
        OK(sat_store_return_set_refused(bench->store, bundle.bid,
                                        SAT_ERR_FORK)); /* and does not take it: it is listed */
        OK(sat_store_record_waits(bench->store, sid, &record, &waits));
        assert_false(waits);
        struct sat_draft_row draft = {.counter = 20 + i, .sid = sid, .record = record};
        OK(sat_store_draft_insert(bench->store, &draft));
        OK(sat_store_record_waits(bench->store, sid, &record, &waits));
        assert_true(waits);
    }
}

static void every_record_is_walked_once_by_space(void **state)
{
    struct bench *bench = *state;
    struct walk walk = {.store = bench->store};
    OK(sat_store_each_record(bench->store, count_record, &walk));
    assert_int_equal(walk.n, 0);
    int64_t one = make_space(bench->store, 1), two = make_space(bench->store, 2);
    struct sat_bundle_row a = make_bundle(bench->store, two, 1, 1, 1000, 1),
                          b = make_bundle(bench->store, one, 1, 1001, 9, 0);
    for (uint32_t i = 0; i < 600; i++) {
        struct sat_record_id record = {
            {[14] = (uint8_t)((i / 2) >> 8), [15] = (uint8_t)(i / 2)}}; /* two changes each */
        (void)make_change(bench->store, &a, i, record, SAT_CHANGE_LIVE);
    }
    (void)make_change(bench->store, &a, 600, (struct sat_record_id){{[14] = 9}}, SAT_CHANGE_DEAD);
    (void)make_change(bench->store, &a, 601, (struct sat_record_id){{[14] = 10}}, SAT_CHANGE_ASIDE);
    (void)make_change(bench->store, &b, 0, (struct sat_record_id){{[15] = 5}}, SAT_CHANGE_PENDING);
    struct sat_draft_row draft = {.counter = 2000, .sid = one, .record = {{[15] = 6}}};
    OK(sat_store_draft_insert(bench->store, &draft));
    draft = (struct sat_draft_row){.counter = 2001, .sid = two, .record = {{[15] = 0}}}; /* live there already */
    OK(sat_store_draft_insert(bench->store, &draft));
    OK(sat_store_each_record(bench->store, count_record, &walk));
    assert_int_equal(walk.n, 302);

    walk = (struct walk){.store = bench->store, .stop_at = 150};
    assert_int_equal(sat_store_each_record(bench->store, count_record, &walk), SAT_ERR_STALE);
    assert_int_equal(walk.n, 150);
}

static void a_known_dot_tells_its_record_and_space(void **state)
{
    struct bench *bench = *state;
    int64_t one = make_space(bench->store, 1), two = make_space(bench->store, 2), sid = 0;
    struct sat_bundle_row a = make_bundle(bench->store, one, 7, 10, 3, 1),
                          b = make_bundle(bench->store, two, 7, 13, 1, 0);
    for (uint8_t i = 0; i < 2; i++) (void)make_change(bench->store, &a, i, record_of(i), SAT_CHANGE_DEAD);
    (void)make_change(bench->store, &b, 0, record_of(9), SAT_CHANGE_PENDING);
    const struct {
        struct sat_dot dot;
        int64_t sid; /* 0: not found */
        uint8_t record;
    } cases[] = {{{7, 10}, one, 0}, {{7, 11}, one, 1}, {{7, 13}, two, 9},
                 {{7, 12}, 0, 0}, /* its bundle is here, it is not: damage */
                 {{7, 9}, 0, 0},    {{7, 14}, 0, 0},   {{8, 10}, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sat_record_id record = {{0}}, expected = record_of(cases[i].record);
        bool found = false;
        OK(sat_store_change_place(bench->store, cases[i].dot, &sid, &record, &found));
        assert_int_equal(found, cases[i].sid != 0);
        if (found) assert_true(sid == cases[i].sid && sat_record_equal(&record, &expected));
    }
}

static void changes_are_counted_by_state(void **state)
{
    struct bench *bench = *state;
    int64_t sid = make_space(bench->store, 1);
    struct sat_bundle_row a = make_bundle(bench->store, sid, 1, 1, 10, 1),
                          b = make_bundle(bench->store, sid, 1, 11, 2, 0);
    const enum sat_change_state states[] = {SAT_CHANGE_LIVE, SAT_CHANGE_LIVE, SAT_CHANGE_LIVE, SAT_CHANGE_LIVE,
                                            SAT_CHANGE_DEAD, SAT_CHANGE_DEAD, SAT_CHANGE_DEAD, SAT_CHANGE_ASIDE};
    const uint64_t expected[] = {4, 3, 1, 2};
    for (uint32_t i = 0; i < 8; i++) (void)make_change(bench->store, &a, i, record_of((uint8_t)i), states[i]);
    for (uint32_t i = 0; i < 2; i++) (void)make_change(bench->store, &b, i, record_of(8), SAT_CHANGE_PENDING);
    for (uint8_t i = 0; i < 4; i++) {
        uint64_t got = 0;
        OK(sat_store_count_state(bench->store, (enum sat_change_state)i, &got));
        assert_int_equal(got, expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_bundle_comes_back_as_it_was_inserted),
        WITH_STORE(a_pending_bundle_becomes_accepted_or_refused),
        WITH_STORE(a_dot_is_found_in_its_bundle_in_whatever_space),
        WITH_STORE(an_overlap_is_found_from_either_side_and_the_first_one_wins),
        WITH_STORE(the_tip_is_the_newest_of_the_device_in_the_space),
        WITH_STORE(a_devices_counter_is_known_at_every_size_of_the_log),
        WITH_STORE(live_changes_come_by_dot_and_only_the_live_ones),
        WITH_STORE(a_change_is_beside_others_of_its_record_that_are_live_or_wait),
        WITH_STORE(what_each_of_many_records_has_is_counted),
        WITH_STORE(a_records_changes_come_as_they_were_received_with_pending_last),
        WITH_STORE(a_full_bundle_comes_back_in_order_with_its_stubs),
        WITH_STORE(a_record_is_found_in_the_spaces_where_it_lives_waits_or_is_drafted),
        WITH_STORE(a_record_waits_while_something_of_it_is_not_in_the_log),
        WITH_STORE(every_record_is_walked_once_by_space),
        WITH_STORE(a_known_dot_tells_its_record_and_space),
        WITH_STORE(changes_are_counted_by_state),
    };
    return cmocka_run_group_tests_name("store_change", tests, NULL, NULL);
}
