/* Freezing where the right to write is lost, and where a space owes a new key. */
#include "tests/unit/author_world.h"

enum { R = 1 };

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

/* The newest pending bundle in EAST stands at that position, under the key of that epoch. */
static void expect_stand(struct phone *phone, uint32_t bundles, uint64_t seq, uint32_t epoch)
{
    uint32_t n;
    struct sat_bundle_row *rows = pending(phone, EAST, &n);
    assert_int_equal(n, bundles);
    struct sat_manifest m = manifest_of(&rows[n - 1]);
    struct sat_hash hash = sat_directory_hash_at(&phone->office->world.directory, seq);
    assert_int_equal(m.dir_seq, seq);
    assert_int_equal(m.epoch, epoch);
    assert_true(sat_hash_equal(&m.dir_hash, &hash));
}

static struct sat_frozen freeze_at(struct phone *phone, uint64_t now_ms)
{
    struct sat_frozen frozen;
    OK(sat_store_begin(phone->store));
    OK(sat_author_freeze(&phone->vault, now_ms, UINT32_MAX, &frozen));
    OK(sat_store_commit(phone->store));
    return frozen;
}

/* ---- A right that is lost ---- */

static void who_may_write_no_more_freezes_where_he_could_last(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    uint64_t lost = must(&office->world, grant_link(&office->world, EAST, USER, SAT_RIGHT_READ));
    must(&office->world, policy_link(&office->world, 3, 10));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, lost - 1, 1);
}

static void so_does_who_may_not_read_any_more(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    uint64_t lost = must(&office->world, grant_link(&office->world, EAST, USER, 0));
    must(&office->world, epoch_link(&office->world, EAST, 2)); /* whose key this phone never gets */
    struct sat_frozen frozen = freeze_at(a, NOW_MS);
    assert_int_equal(frozen.left, 0);
    assert_int_equal(frozen.owing_n, 0);
    expect_stand(a, 1, lost - 1, 1);
}

static void so_does_a_device_that_is_revoked(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    uint64_t lost = must(&office->world, revoke_link(&office->world, a->device));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, lost - 1, 1);
}

static void so_does_one_whose_user_is_suspended(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    uint64_t lost = must(&office->world, user_link(&office->world, USER, SAT_ROLE_REP, SUSPENDED));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, lost - 1, 1);
}

static void of_rights_that_came_and_went_the_last_one_counts(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    must(&office->world, grant_link(&office->world, EAST, USER, 0));
    must(&office->world, grant_link(&office->world, EAST, USER, RW));
    uint64_t lost = must(&office->world, grant_link(&office->world, EAST, USER, SAT_RIGHT_READ));
    must(&office->world, grant_link(&office->world, EAST, USER, 0));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, lost - 1, 1);
}

static void without_the_last_key_it_is_frozen_under_the_one_before(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    uint64_t rotated = must(&office->world, epoch_link(&office->world, EAST, 2));
    must(&office->world, epoch_link(&office->world, EAST, 3));
    must(&office->world, grant_link(&office->world, EAST, USER, 0));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, rotated - 1, 1);
}

static void with_the_last_key_it_is_frozen_under_that(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    must(&office->world, epoch_link(&office->world, EAST, 2));
    give_key(a, EAST, 2);
    uint64_t lost = must(&office->world, grant_link(&office->world, EAST, USER, 0));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, lost - 1, 2);
}

static void the_chain_never_steps_back_in_the_directory(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    assert_int_equal(freeze(a), 0);
    uint64_t first = office->world.directory.seq;
    must(&office->world, policy_link(&office->world, 3, 10));
    (void)put(a, R, text_cell(NAME, "y"));
    uint64_t lost = must(&office->world, grant_link(&office->world, EAST, USER, 0));
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 2, lost - 1, 1);
    assert_true(lost - 1 > first);
}

static void what_was_never_allowed_waits(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_cell cell = text_cell(NAME, "x");
    give_key(a, BOARD, 1);
    assert_int_equal(put_cells(a, BOARD, R, &cell, 1), 1);
    assert_int_equal(freeze(a), 1);
}

static void a_right_that_comes_back_is_written_under_again(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    (void)put(a, R, text_cell(NAME, "x"));
    must(&office->world, grant_link(&office->world, EAST, USER, 0));
    must(&office->world, grant_link(&office->world, EAST, USER, RW));
    must(&office->world, epoch_link(&office->world, EAST, 2)); /* the loss had made a debt */
    give_key(a, EAST, 2);
    assert_int_equal(freeze(a), 0);
    expect_stand(a, 1, office->world.directory.seq, 2);
}

/* No head comes any more that covers the last entries: what was seen is named all the same. */
static void the_witness_of_a_lost_space_is_what_was_seen(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0], *b = &office->phones[1];
    (void)put(b, R, text_cell(NAME, "Bo"));
    assert_int_equal(freeze(b), 0);
    push(b);
    pull(a);
    struct sat_space_row row;
    OK(sat_store_space_get(a->store, a->sid[EAST], &row));
    row.head_size = 0;
    OK(sat_store_begin(a->store));
    OK(sat_store_space_save(a->store, &row));
    OK(sat_store_commit(a->store));
    (void)put(a, R, text_cell(NAME, "Ada"));
    assert_int_equal(freeze(a), 1); /* while it may write, it waits for the head */
    must(&office->world, grant_link(&office->world, EAST, USER, 0));
    assert_int_equal(freeze(a), 0);
    uint32_t n;
    struct sat_manifest m = manifest_of(pending(a, EAST, &n));
    struct sat_hash root = sat_frontier_root(&row.log);
    assert_int_equal(m.w_size, 1);
    assert_true(sat_hash_equal(&m.w_root, &root));
}

/* ---- A key that is owed ---- */

static void a_debt_blocks_sending_and_says_where(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    must(&office->world, revoke_link(&office->world, office->phones[1].device));
    struct sat_cell cell = text_cell(NAME, "x");
    (void)put(a, R, cell);
    (void)put_cells(a, WEST, 2, &cell, 1);
    (void)put(a, 3, cell);
    struct sat_frozen frozen = freeze_at(a, NOW_MS);
    struct sat_space_id east = space_id(EAST), west = space_id(WEST);
    assert_int_equal(frozen.left, 3);
    assert_int_equal(frozen.owing_n, 2);
    assert_true(sat_space_equal(&frozen.owing[0], &east));
    assert_true(sat_space_equal(&frozen.owing[1], &west));
    must(&office->world, epoch_link(&office->world, EAST, 2));
    give_key(a, EAST, 2);
    frozen = freeze_at(a, NOW_MS);
    assert_int_equal(frozen.left, 1); /* WEST's */
    assert_int_equal(frozen.owing_n, 1);
    expect_stand(a, 2, office->world.directory.seq, 2);
}

static void a_space_without_work_is_no_debt_of_ours(void **state)
{
    struct office *office = *state;
    must(&office->world, revoke_link(&office->world, office->phones[1].device));
    struct sat_frozen frozen = freeze_at(&office->phones[0], NOW_MS);
    assert_int_equal(frozen.left, 0);
    assert_int_equal(frozen.owing_n, 0);
}

/* By the server's time, which the caller gives: an invite that nobody took may have been read by somebody. */
static void an_invite_that_expired_unused_is_a_debt(void **state)
{
    struct office *office = *state;
    struct phone *a = &office->phones[0];
    struct sat_body_invite body = invite_body(&office->world, 300, USER, SAT_ROLE_REP);
    body.boxes.count = 1;
    body.boxes.root.b[0] = 1;
    must(&office->world, invite_link_of(&office->world, &body));
    (void)put(a, R, text_cell(NAME, "x"));
    assert_int_equal(freeze_at(a, body.expires_ms + 1).owing_n, 1);
    assert_int_equal(freeze_at(a, body.expires_ms).left, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_office, close_office)
    const struct CMUnitTest tests[] = {
        TEST(who_may_write_no_more_freezes_where_he_could_last),
        TEST(so_does_who_may_not_read_any_more),
        TEST(so_does_a_device_that_is_revoked),
        TEST(so_does_one_whose_user_is_suspended),
        TEST(of_rights_that_came_and_went_the_last_one_counts),
        TEST(without_the_last_key_it_is_frozen_under_the_one_before),
        TEST(with_the_last_key_it_is_frozen_under_that),
        TEST(the_chain_never_steps_back_in_the_directory),
        TEST(what_was_never_allowed_waits),
        TEST(a_right_that_comes_back_is_written_under_again),
        TEST(the_witness_of_a_lost_space_is_what_was_seen),
        TEST(a_debt_blocks_sending_and_says_where),
        TEST(a_space_without_work_is_no_debt_of_ours),
        TEST(an_invite_that_expired_unused_is_a_debt),
    };
    return cmocka_run_group_tests_name("freeze lost", tests, NULL, NULL);
}
