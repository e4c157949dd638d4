#include "tests/unit/author_world.h"

#include <stdlib.h>

#include "common/vault/seal.h"

enum { R = 1, MANY = 2300 };

/* ---- Helpers ---- */

static struct sat_bundle_row *pending(struct phone *phone, uint8_t space, uint32_t *n)
{
    struct sat_bundle_row *rows;
    sat_arena_reset(&phone->arena);
    OK(sat_store_bundles_pending(phone->store, phone->sid[space], 0, 1000, &phone->arena, &rows, n));
    return rows;
}

static struct sat_manifest manifest_of(const struct sat_bundle_row *row)
{
    struct sat_manifest manifest;
    sat_manifest_decode(row->manifest, &manifest);
    return manifest;
}

static void expect_run(const struct sat_bundle_row *row, uint64_t first, uint32_t count)
{
    assert_int_equal(row->first, first);
    assert_int_equal(row->count, count);
}

/* One commit of `n` new records of one cell each. */
static void write_many(struct phone *phone, uint8_t space, uint32_t n)
{
    struct sat_edit *edits = calloc(n, sizeof *edits);
    assert_non_null(edits);
    struct sat_cell cell = text_cell(NAME, "one of many");
    for (uint32_t i = 0; i < n; i++) {
        edits[i] = (struct sat_edit){.sid = phone->sid[space], .type = ACCOUNT, .cells = &cell, .cells_n = 1};
        edits[i].record =
            (struct sat_record_id){{0x03, space, [12] = (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1}};
    }
    uint32_t written;
    OK(commit(phone, edits, n, &written));
    assert_int_equal(written, n);
    free(edits);
}

/* ---- What a frozen bundle is ---- */

static void a_frozen_bundle_is_signed_and_says_where_it_stands(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"));
    (void)put(a, R, text_cell(CITY, "Graz"));
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_int_equal(n, 1);
    expect_run(&rows[0], 1, 2);
    assert_int_equal(rows[0].seq, 0);
    struct sat_manifest m = manifest_of(&rows[0]);
    struct sat_hash id = sat_bundle_id(&m),
                    head = sat_directory_hash_at(&office->world.directory, office->world.directory.seq);
    assert_true(sat_hash_equal(&id, &rows[0].id));
    assert_true(sat_hash_equal(&m.dir_hash, &head));
    assert_true(sat_hash_equal(&m.org, &office->world.directory.org));
    struct sat_space_id east = space_id(EAST);
    assert_true(sat_space_equal(&m.space, &east));
    assert_true(m.suite == SAT_SUITE_1 && m.epoch == 1 && m.device == a->device &&
                m.dir_seq == office->world.directory.seq);
    assert_true(sat_hash_is_zero(&m.prev) && sat_hash_is_zero(&m.w_root) &&
                m.w_size == 0); /* the first, and no head to name */
    static const struct sat_log_epoch none;
    assert_true(sat_log_epoch_equal(&m.log_epoch, &none));
    struct sat_bundle bundle = {.manifest = m, .signature = rows[0].signature, .form = SAT_BUNDLE_FULL};
    struct sat_public_key key = sat_keyring_sign_public(a->keyring);
    OK(sat_bundle_verify(&bundle, &key));
}

static void the_changes_of_a_frozen_bundle_unseal_and_hash_to_its_root(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"));
    (void)put(a, 2, text_cell(NAME, "Bo"));
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    struct sat_manifest m = manifest_of(&rows[0]);
    struct sat_epoch_key key = epoch_key(EAST, 1);
    struct sat_bundle_key bundle_key;
    sat_bundle_key_derive(&key, &m, &bundle_key);
    struct sat_change_row *changes;
    OK(sat_store_changes_of_bundle(a->store, rows[0].bid, &a->arena, &changes, &n));
    assert_int_equal(n, 2);
    struct sat_change wire[2];
    static const char *const names[] = {"Ada", "Bo"};
    for (uint32_t i = 0; i < n; i++) {
        struct sat_buf plain = {0};
        struct sat_body body;
        assert_int_equal(changes[i].state, SAT_CHANGE_PENDING);
        assert_int_equal(changes[i].dot.counter, 1 + i);
        assert_int_equal(changes[i].dot.device, a->device);
        OK(sat_unseal_change(a->vault.squeezer, &bundle_key, &m, i, &changes[i].record, changes[i].header,
                             changes[i].body, &plain));
        OK(sat_body_decode(sat_buf_span(&plain), &a->arena, &body));
        assert_true(sat_span_equal(body.cells[0].value.text, sat_span_text(names[i])));
        sat_buf_deinit(&plain);
        struct sat_hash rest = sat_change_rest(changes[i].header, changes[i].body);
        assert_true(sat_hash_equal(&rest, &changes[i].rest));
        wire[i] = (struct sat_change){.record = changes[i].record, .rest = rest};
    }
    struct sat_hash root = sat_changes_root(wire, 2);
    assert_true(sat_hash_equal(&root, &m.changes_root));
}

static void freezing_takes_the_drafts_away_and_changes_nothing_that_is_shown(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "Ada"), tag_cell("vip", true));
    (void)put(a, R, text_cell(CITY, "Graz"));
    struct sat_source before[2];
    memcpy(before, look(a, R)->live, sizeof before);
    assert_int_equal(freeze(a), 0);
    uint64_t drafts;
    OK(sat_store_draft_count(a->store, &drafts));
    assert_int_equal(drafts, 0);
    const struct sat_record_view *view = look(a, R);
    assert_int_equal(view->live_n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(sat_dot_compare(view->live[i].dot, before[i].dot), 0);
        assert_true(view->live[i].header.hlc == before[i].header.hlc);
        assert_true(view->live[i].pending && view->live[i].readable);
    }
    expect_text(a, R, CITY, "Graz", 1);
    assert_int_equal(freeze(a), 0); /* again: nothing to do */
    uint32_t n;
    (void)pending(a, EAST, &n);
    assert_int_equal(n, 1);
}

static void bundles_are_chained_within_a_space(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    uint32_t n;
    for (uint8_t i = 0; i < 3; i++) {
        (void)put(a, R, text_cell(NAME, i & 1 ? "odd" : "even"));
        if (i == 2) push(a), pull(a); /* behind a pending one, then behind an accepted one */
        assert_int_equal(freeze(a), 0);
    }
    struct sat_hash ids[3];
    for (uint64_t counter = 1; counter <= 3; counter++) {
        struct sat_bundle_row row;
        bool found;
        OK(sat_store_bundle_of_dot(a->store, (struct sat_dot){a->device, counter}, &row, &found));
        assert_true(found);
        expect_run(&row, counter, 1);
        ids[counter - 1] = row.id;
        struct sat_manifest m = manifest_of(&row);
        if (counter > 1) assert_true(sat_hash_equal(&m.prev, &ids[counter - 2]));
    }
    (void)pending(a, EAST, &n);
    assert_int_equal(n, 0);
}

static void the_witness_is_the_newest_head(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(a, R, text_cell(NAME, "Ada"));
    push(a), pull(b);
    (void)put(b, R, text_cell(NAME, "Bo"));
    assert_int_equal(freeze(b), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(b, EAST, &n);
    struct sat_manifest m = manifest_of(&rows[0]);
    struct sat_space_row space;
    OK(sat_store_space_get(b->store, b->sid[EAST], &space));
    struct sat_hash root = sat_frontier_root(&space.log);
    assert_int_equal(m.w_size, 1);
    assert_true(sat_hash_equal(&m.w_root, &root));
    assert_true(sat_log_epoch_equal(&m.log_epoch, &LOG_EPOCH));
}

static void two_bundles_of_the_same_text_share_no_ciphertext(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, 1, text_cell(NAME, "Ada"));
    assert_int_equal(freeze(a), 0);
    (void)put(a, 2, text_cell(NAME, "Ada"));
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_int_equal(n, 2);
    struct sat_manifest m[2] = {manifest_of(&rows[0]), manifest_of(&rows[1])};
    assert_memory_not_equal(m[0].nonce, m[1].nonce, sizeof m[0].nonce);
    struct sat_change_row *changes[2];
    for (int i = 0; i < 2; i++) OK(sat_store_changes_of_bundle(a->store, rows[i].bid, &a->arena, &changes[i], &n));
    assert_int_equal(changes[0][0].body.len, changes[1][0].body.len);
    assert_memory_not_equal(changes[0][0].body.at, changes[1][0].body.at, 16);
}

/* ---- Runs ---- */

static void a_run_ends_where_another_space_begins(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell name = text_cell(NAME, "x");
    (void)put_cells(a, EAST, 1, &name, 1);
    (void)put_cells(a, EAST, 2, &name, 1);
    (void)put_cells(a, WEST, 3, &name, 1);
    (void)put_cells(a, EAST, 4, &name, 1);
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_int_equal(n, 2);
    expect_run(&rows[0], 1, 2);
    expect_run(&rows[1], 4, 1);
    struct sat_manifest m = manifest_of(&rows[1]);
    assert_true(sat_hash_equal(&m.prev, &rows[0].id));
    rows = pending(a, WEST, &n);
    assert_int_equal(n, 1);
    expect_run(&rows[0], 3, 1);
    m = manifest_of(&rows[0]);
    assert_true(sat_hash_is_zero(&m.prev));
}

static void a_bundle_has_at_most_a_thousand_changes(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell name = text_cell(NAME, "x");
    (void)put_cells(a, WEST, 1, &name, 1); /* so that the runs do not begin where a page of drafts does */
    write_many(a, EAST, MANY);
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_int_equal(n, 3);
    expect_run(&rows[0], 2, SAT_BUNDLE_CHANGES_MAX);
    expect_run(&rows[1], 2 + SAT_BUNDLE_CHANGES_MAX, SAT_BUNDLE_CHANGES_MAX);
    expect_run(&rows[2], 2 + 2 * SAT_BUNDLE_CHANGES_MAX, MANY - 2 * SAT_BUNDLE_CHANGES_MAX);
    push(a), pull(&office->phones[1]);
    struct sat_record_view view;
    OK(sat_record_load(&office->phones[1].vault, office->phones[1].sid[EAST],
                       &(struct sat_record_id){{0x03, EAST, [13] = (MANY - 1) >> 8, (uint8_t)((MANY - 1) & 0xff), 1}},
                       &a->arena, &view));
    assert_true(view.merged.exists);
}

static void a_bundle_is_at_most_256_kib(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    char *large = malloc(SAT_VALUE_BYTES_MAX + 1);
    assert_non_null(large);
    for (uint8_t record = 1; record <= 10; record++) {
        sat_entropy_fill(&office->entropy, large, SAT_VALUE_BYTES_MAX); /* hardly compresses */
        for (size_t i = 0; i < SAT_VALUE_BYTES_MAX; i++) large[i] = (char)('!' + (uint8_t)large[i] % 90);
        large[SAT_VALUE_BYTES_MAX - record] = 0;
        (void)put(a, record, text_cell(NOTE, large));
    }
    free(large);
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    uint64_t next = 1;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_true(n >= 3 && n <= 5);
    for (uint32_t i = 0; i < n; i++) {
        expect_run(&rows[i], next, rows[i].count);
        next += rows[i].count;
        struct sat_bundle bundle;
        struct sat_buf buf = {0};
        OK(sat_base_bundle(a->store, &rows[i], false, &a->arena, &bundle));
        sat_bundle_encode(&bundle, SAT_BUNDLE_FULL, &buf);
        assert_true(buf.len <= SAT_BUNDLE_BYTES_MAX);
        sat_buf_deinit(&buf);
    }
    assert_int_equal(next, 11);
    push(a), pull(&office->phones[1]);
    assert_non_null(cell_of(&office->phones[1], 10, NOTE));
}

/* ---- What may not be frozen now ---- */

static void a_space_whose_head_is_not_at_the_cursor_waits_and_holds_up_no_other(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell name = text_cell(NAME, "x");
    (void)put_cells(a, EAST, 1, &name, 1);
    (void)put_cells(a, WEST, 2, &name, 1);
    (void)put_cells(a, EAST, 3, &name, 1);
    struct sat_space_row space;
    OK(sat_store_space_get(a->store, a->sid[EAST], &space));
    space.head_size = 1; /* a head that is ahead of what was pulled */
    OK(sat_store_space_save(a->store, &space));
    assert_int_equal(freeze(a), 2);
    uint32_t n;
    (void)pending(a, EAST, &n);
    assert_int_equal(n, 0);
    struct sat_bundle_row *rows = pending(a, WEST, &n);
    assert_int_equal(n, 1);
    expect_run(&rows[0], 2, 1);
    space.head_size = 0;
    OK(sat_store_space_save(a->store, &space));
    assert_int_equal(freeze(a), 0);
    rows = pending(a, EAST, &n);
    assert_int_equal(n, 2);
    expect_run(&rows[0], 1, 1);
    expect_run(&rows[1], 3, 1);
}

static void without_the_current_key_a_draft_waits(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    must(&office->world, epoch_link(&office->world, EAST, 2));
    assert_int_equal(freeze(a), 1);
    give_key(a, EAST, 2);
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_bundle_row *rows = pending(a, EAST, &n);
    assert_int_equal(manifest_of(&rows[0]).epoch, 2);
    expect_text(a, R, NAME, "x", 1);
}

static void without_an_epoch_a_draft_waits(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell name = text_cell(NAME, "x");
    (void)put_cells(a, BOARD, R, &name, 1);
    assert_int_equal(freeze(a), 1);
}

static void in_a_space_nothing_is_frozen_past_a_draft_that_waits(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_record_id own = sat_name_record_device(&office->world.directory.org, a->device);
    struct sat_cell name = text_cell(2, "my phone");
    struct sat_edit edits[] = {
        {.record = own, .sid = a->sid[PEOPLE], .type = 12, .cells = &name, .cells_n = 1},
        {.record = record_id(R), .sid = a->sid[PEOPLE], .type = 12, .cells = &name, .cells_n = 1},
        {.record = own, .sid = a->sid[PEOPLE], .type = 12, .cells = &name, .cells_n = 1}};
    uint32_t written, n;
    OK(commit(a, edits, 1, &written));
    assert_int_equal(freeze(a), 0); /* its own name record it may write */
    struct sat_cell other = text_cell(2, "mine");
    edits[2].cells = &other;
    OK(commit(a, edits + 1, 2, &written));
    assert_int_equal(written, 2);
    assert_int_equal(freeze(a), 2);
    struct sat_bundle_row *rows = pending(a, PEOPLE, &n);
    assert_int_equal(n, 1);
    expect_run(&rows[0], 1, 1);
}

static void a_run_stops_before_a_draft_that_waits(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_record_id own = sat_name_record_device(&office->world.directory.org, a->device);
    struct sat_cell name = text_cell(2, "my phone");
    struct sat_edit edits[] = {
        {.record = own, .sid = a->sid[PEOPLE], .type = 12, .cells = &name, .cells_n = 1},
        {.record = record_id(R), .sid = a->sid[PEOPLE], .type = 12, .cells = &name, .cells_n = 1}};
    uint32_t written, n;
    OK(commit(a, edits, 2, &written));
    assert_int_equal(freeze(a), 1);
    struct sat_bundle_row *rows = pending(a, PEOPLE, &n);
    assert_int_equal(n, 1);
    expect_run(&rows[0], 1, 1);
}

static void no_drafts_is_nothing_to_do(void **state)
{
    struct office *office = *state;
    assert_int_equal(freeze(&office->phones[0]), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
    const struct CMUnitTest tests[] = {
        TEST(a_frozen_bundle_is_signed_and_says_where_it_stands),
        TEST(the_changes_of_a_frozen_bundle_unseal_and_hash_to_its_root),
        TEST(freezing_takes_the_drafts_away_and_changes_nothing_that_is_shown),
        TEST(bundles_are_chained_within_a_space),
        TEST(the_witness_is_the_newest_head),
        TEST(two_bundles_of_the_same_text_share_no_ciphertext),
        TEST(a_run_ends_where_another_space_begins),
        TEST(a_bundle_has_at_most_a_thousand_changes),
        TEST(a_bundle_is_at_most_256_kib),
        TEST(a_space_whose_head_is_not_at_the_cursor_waits_and_holds_up_no_other),
        TEST(without_the_current_key_a_draft_waits),
        TEST(without_an_epoch_a_draft_waits),
        TEST(in_a_space_nothing_is_frozen_past_a_draft_that_waits),
        TEST(a_run_stops_before_a_draft_that_waits),
        TEST(no_drafts_is_nothing_to_do),
    };
    return cmocka_run_group_tests_name("freeze", tests, NULL, NULL);
}
