/* The escrow at the library: what letting in much at once costs. Who handed it in chose how much there is: it is
 * counted how often a bundle is verified, two hashes are compared, a change is opened, and a record's rows are read. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/let_in.h"
#include "common/vault/seal.h"
#include "common/wire/message.h"
#include "tests/unit/client_world.h"

enum { BOBS_DEVICE = 2, BUNDLES = 6, FEW = 16, MANY = 64 };

static struct counts {
    uint64_t verified, compared, opened, loaded;
} counts;

/* The linker sends these here. */
enum sat_err __real_sat_bundle_verify(const struct sat_bundle *bundle, const struct sat_public_key *key);
enum sat_err __wrap_sat_bundle_verify(const struct sat_bundle *bundle, const struct sat_public_key *key);
enum sat_err __wrap_sat_bundle_verify(const struct sat_bundle *bundle, const struct sat_public_key *key)
{
    counts.verified++;
    return __real_sat_bundle_verify(bundle, key);
}
bool __real_sat_hash_equal(const struct sat_hash *a, const struct sat_hash *b);
bool __wrap_sat_hash_equal(const struct sat_hash *a, const struct sat_hash *b);
bool __wrap_sat_hash_equal(const struct sat_hash *a, const struct sat_hash *b)
{
    counts.compared++;
    return __real_sat_hash_equal(a, b);
}
enum sat_err __real_sat_unseal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                                      const struct sat_manifest *manifest, uint32_t index,
                                      const struct sat_record_id *record, struct sat_span header,
                                      struct sat_span sealed, struct sat_buf *out);
enum sat_err __wrap_sat_unseal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                                      const struct sat_manifest *manifest, uint32_t index,
                                      const struct sat_record_id *record, struct sat_span header,
                                      struct sat_span sealed, struct sat_buf *out);
enum sat_err __wrap_sat_unseal_change(struct sat_squeezer *squeezer, const struct sat_bundle_key *key,
                                      const struct sat_manifest *manifest, uint32_t index,
                                      const struct sat_record_id *record, struct sat_span header,
                                      struct sat_span sealed, struct sat_buf *out)
{
    counts.opened++;
    return __real_sat_unseal_change(squeezer, key, manifest, index, record, header, sealed, out);
}
enum sat_err __real_sat_store_changes_of_record(struct sat_store *store, int64_t sid,
                                                const struct sat_record_id *record, struct sat_arena *arena,
                                                struct sat_change_row **rows, uint32_t *n);
enum sat_err __wrap_sat_store_changes_of_record(struct sat_store *store, int64_t sid,
                                                const struct sat_record_id *record, struct sat_arena *arena,
                                                struct sat_change_row **rows, uint32_t *n);
enum sat_err __wrap_sat_store_changes_of_record(struct sat_store *store, int64_t sid,
                                                const struct sat_record_id *record, struct sat_arena *arena,
                                                struct sat_change_row **rows, uint32_t *n)
{
    counts.loaded++;
    return __real_sat_store_changes_of_record(store, sid, record, arena, rows, n);
}

static uint32_t escrow_asked; /* how often anybody asked the server for it */

static void hear(struct sat_span bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    if (!sat_message_decode(bytes, SAT_SENDER_CLIENT, &arena, &message))
        escrow_asked += message.type == SAT_MESSAGE_ESCROW_GET;
    sat_arena_deinit(&arena);
}

static struct satchel *open_as(const char *name)
{
    char home[128];
    struct satchel *satchel = NULL;
    struct satchel_error error;
    struct satchel_open_options options = test_options();
    (void)!satchel_open(home_of(name, home), &options, &satchel, &error);
    return satchel;
}

static void put(struct satchel *bob, const char *territory, const char *fields)
{
    char id[SATCHEL_ID_SIZE] = "";
    put_one(bob, "account", id, territory, fields);
}

/* Bob's home is there twice, and he is out: what the one handed in has numbers that the other has given out. A bundle
 * is of one territory. */
static int make_org_of(void **state, uint32_t bundles)
{
    char command[400], one[128], other[128];
    struct satchel_sync_result result;
    if (make_client_world(state)) return -1;
    struct satchel *ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_territory_add(ann, "Southern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Bob", 0));
    struct satchel *bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    satchel_close(bob);
    (void)snprintf(command, sizeof command, "cp -r %s %s", home_of("bob", one), home_of("twin", other));
    if (system(command)) return -1;
    bob = open_as("bob");
    for (uint32_t i = 0; i < bundles; i++) put(bob, "Northern", "{\"name\":\"Sent\"}");
    (void)sync_now(bob);
    must(ann, satchel_device_revoke(ann, BOBS_DEVICE, 0));
    struct satchel *twin = open_as("twin");
    for (uint32_t i = 0; i < bundles; i++)
        put(twin, i % 2 ? "Southern" : "Northern", i % 2 ? "{\"name\":\"South\"}" : "{\"name\":\"North\"}");
    must_fail(twin, satchel_sync(twin, NULL, &result), "revoked", "revoked");
    satchel_close(twin);
    satchel_close(bob);
    satchel_close(ann);
    return 0;
}

static int make_org(void **state)
{
    return make_org_of(state, BUNDLES);
}

static void what_is_let_in_as_copies_is_fetched_once(void **state)
{
    (void)state;
    uint64_t numbers[BUNDLES];
    struct satchel *ann = open_as("ann");
    struct rows rows = {0};
    must(ann, satchel_escrow(ann, collect_row, &rows));
    assert_int_equal(rows.n, BUNDLES);
    for (uint32_t i = 0; i < BUNDLES; i++) numbers[i] = i + 1;
    the_world.hear = hear;
    escrow_asked = 0;
    must(ann, satchel_escrow_decide(ann, numbers, BUNDLES, 1));
    the_world.hear = NULL;
    assert_int_equal(escrow_asked, 2); /* what was asked for; and all that may stand before it */
    assert_rows(ann, "select name, count(*) n from account group by name order by name",
                "{\"name\":\"North\",\"n\":3}\n{\"name\":\"Sent\",\"n\":6}\n{\"name\":\"South\",\"n\":3}");
    satchel_close(ann);
}

static struct counts count_letting_in(void **state, uint32_t bundles)
{
    uint64_t numbers[MANY];
    struct rows rows = {0};
    assert_int_equal(make_org_of(state, bundles), 0);
    struct satchel *ann = open_as("ann");
    for (uint32_t i = 0; i < bundles; i++) numbers[i] = i + 1;
    counts = (struct counts){0};
    must(ann, satchel_escrow_decide(ann, numbers, bundles, 1));
    struct counts out = counts;
    must(ann, satchel_query(ann, "select id from account", collect_row, &rows));
    assert_int_equal(rows.n, 2 * bundles);
    satchel_close(ann);
    (void)drop_client_world(state);
    return out;
}

static void grows_with(const char *what, uint64_t few, uint64_t many)
{
    if (many > few * (MANY / FEW) * 3 / 2)
        fail_msg("%d bundles: %llu %s; %d: %llu", FEW, (unsigned long long)few, what, MANY, (unsigned long long)many);
}

/* The last one stands on all the others. */
static void letting_in_costs_no_more_for_each_where_there_are_many(void **state)
{
    struct counts few = count_letting_in(state, FEW), many = count_letting_in(state, MANY);
    grows_with("verified", few.verified, many.verified);
    grows_with("opened", few.opened, many.opened);
    grows_with("compared", few.compared, many.compared);
    grows_with("loaded", few.loaded, many.loaded);
}

/* A member's device may hand in 64 MiB, and an admin decide about many at once: two bundles fit here. */
static void what_does_not_fit_into_the_budget_is_fetched_again(void **state)
{
    (void)state;
    uint64_t numbers[BUNDLES];
    struct satchel *ann = open_as("ann");
    struct client_escrow_held held;
    for (uint32_t i = 0; i < BUNDLES; i++) numbers[i] = BUNDLES - i;
    client_begin(ann);
    assert_int_equal(client_escrow_begin(&held, ann, numbers, BUNDLES, 0), SAT_OK);
    assert_int_equal(client_escrow_ask(&held), SAT_OK);
    assert_int_equal(held.n, BUNDLES);
    assert_int_equal(held.bytes, 0);
    held.budget = 2 * held.items[0].bytes;
    client_escrow_sort(&held);
    for (uint32_t i = 0; i < BUNDLES; i++) {
        assert_int_equal(client_escrow_hold(&held, i), SAT_OK);
        assert_int_equal(held.items[i].full.len, held.items[i].bytes);
        assert_true(held.bytes <= held.budget);
    }
    escrow_asked = 0;
    the_world.hear = hear;
    assert_int_equal(client_let_in(&held), SAT_OK);
    the_world.hear = NULL;
    assert_int_equal(escrow_asked, 4); /* thrice two, and what stands beside */
    client_escrow_end(&held);
    assert_rows(ann, "select name, count(*) n from account group by name order by name",
                "{\"name\":\"North\",\"n\":3}\n{\"name\":\"Sent\",\"n\":6}\n{\"name\":\"South\",\"n\":3}");
    satchel_close(ann);
}

/* What stands nearest to what is let in. */
static void of_what_stands_beside_the_last_is_held(void **state)
{
    (void)state;
    uint64_t last = BUNDLES;
    struct satchel *ann = open_as("ann");
    struct client_escrow_held held, beside;
    uint32_t whole = 0;
    client_begin(ann);
    assert_int_equal(client_escrow_begin(&held, ann, &last, 1, CLIENT_ESCROW_BYTES_MAX), SAT_OK);
    assert_int_equal(client_escrow_ask(&held), SAT_OK);
    client_escrow_begin_beside(&beside, &held);
    beside.budget = held.items[0].bytes;
    assert_int_equal(client_escrow_ask(&beside), SAT_OK);
    assert_int_equal(beside.n, BUNDLES);
    assert_true(beside.bytes > 0 && beside.bytes <= beside.budget);
    for (uint32_t i = 0; i < beside.n; i++) {
        if (!beside.items[i].full.len) continue;
        assert_true(sat_hash_equal(&beside.items[i].id, &held.items[0].prev));
        whole++;
    }
    assert_int_equal(whole, 1);
    client_escrow_end(&beside);
    client_escrow_end(&held);
    satchel_close(ann);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_let_in_as_copies_is_fetched_once, make_org, drop_client_world),
        cmocka_unit_test_setup_teardown(what_does_not_fit_into_the_budget_is_fetched_again, make_org,
                                        drop_client_world),
        cmocka_unit_test_setup_teardown(of_what_stands_beside_the_last_is_held, make_org, drop_client_world),
        cmocka_unit_test(letting_in_costs_no_more_for_each_where_there_are_many),
    };
    return cmocka_run_group_tests_name("escrow", tests, NULL, NULL);
}
