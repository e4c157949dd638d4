/* Disclosures: whose word they are, what else cannot hide under their ids, and what happens when the numbers are used
 * up. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/disclosures.h"
#include "common/proof/disclosure.h"
#include "common/vault/author.h"
#include "tests/unit/client_world.h"

enum { BOBS_DEVICE = 2 };

static struct satchel *ann, *bob;

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    must(ann, satchel_territory_add(ann, "Northern"));
    must(ann, satchel_user_add(ann, "Bob", "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    bob = join_as(ann, "Bob", "bob");
    (void)sync_now(bob);
    (void)sync_now(ann);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(bob);
    satchel_close(ann);
    return drop_client_world(state);
}

static void disclose(struct satchel *satchel, const char *type, uint64_t records)
{
    bool types[64] = {false};
    for (uint16_t i = 0; i < sat_types_count(); i++) types[i] = strcmp(sat_type_at(i)->name, type) == 0;
    struct client_disclosing what = {.kind = "export", .format = "csv", .types = types, .records = records};
    assert_int_equal(client_disclose(satchel, &what), SAT_OK);
}

/* The only one that there is. */
static struct client_disclosure only(struct satchel *satchel, struct sat_arena *arena)
{
    struct client_disclosure *all;
    uint32_t n;
    assert_int_equal(client_disclosures(satchel, arena, &all, &n), SAT_OK);
    assert_int_equal(n, 1);
    return all[0];
}

static void one_says_who_what_how_much_and_when(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint64_t before_ms = client_now_ms();
    disclose(bob, "account", 7);
    (void)sync_now(bob);
    (void)sync_now(ann);
    struct client_disclosure got = only(ann, &arena);
    assert_int_equal(got.device, BOBS_DEVICE);
    assert_int_equal(got.altered_by, 0);
    assert_int_equal(got.records, 7);
    assert_string_equal(got.kind, "export");
    assert_string_equal(got.format, "csv");
    assert_true(got.at_ms >= before_ms && got.at_ms <= client_now_ms());
    assert_int_equal(json_array_size(got.types), 1);
    assert_string_equal(json_string_value(json_array_get(got.types, 0)), "account");
    json_decref(got.types);
    sat_arena_deinit(&arena);
}

/* Admins may write all of people: then it is seen who did. */
static void who_else_has_written_to_one_is_told(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    disclose(bob, "account", 700);
    (void)sync_now(bob);
    (void)sync_now(ann);
    const struct sat_type *type = sat_type_by_name(CLIENT_DISCLOSURE_TYPE);
    struct sat_cell cell = {.field = sat_field_by_name(type, "records")->number,
                            .value = {.kind = SAT_VALUE_INT, .integer = 1}};
    struct sat_edit edit = {.record = sat_disclosure_record(&ann->directory.org, BOBS_DEVICE, 0),
                            .type = type->number,
                            .cells = &cell,
                            .cells_n = 1};
    const struct sat_space *people = sat_directory_space_of_kind(&ann->directory, SAT_SPACE_PEOPLE);
    struct sat_vault vault = client_vault(ann);
    uint32_t written;
    assert_int_equal(client_sid_of_space(ann, &people->id, &edit.sid), SAT_OK);
    assert_int_equal(sat_store_begin(ann->store), SAT_OK);
    assert_int_equal(sat_author_commit(&vault, &edit, 1, client_now_ms(), &written), SAT_OK);
    assert_int_equal(sat_store_commit(ann->store), SAT_OK);
    (void)sync_now(ann);
    (void)sync_now(bob);
    struct client_disclosure got = only(bob, &arena);
    assert_int_equal(got.device, BOBS_DEVICE);
    assert_int_equal(got.altered_by, 1);
    json_decref(got.types);
    struct rows rows = {0};
    int refreshed;
    must(bob, satchel_audit(bob, &refreshed, collect_row, &rows));
    assert_non_null(strstr(rows.text, "Ann (device 1) has changed what is said here"));
    sat_arena_deinit(&arena);
}

static void what_is_no_disclosure_under_its_id_is_in_no_table(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE] = "";
    struct sat_record_id record = sat_disclosure_record(&ann->directory.org, BOBS_DEVICE, 3);
    sat_uuid_format(record.b, id);
    put_one(ann, "account", id, "people", "{\"name\":\"smuggled\"}");
    assert_rows(ann, "SELECT count(*) AS n FROM account", "{\"n\":0}");
    char other[SATCHEL_ID_SIZE] = "";
    put_one(ann, "account", other, "Northern", "{\"name\":\"real\"}");
    assert_rows(ann, "SELECT name FROM account", "{\"name\":\"real\"}");
}

static void when_the_numbers_are_used_up_the_first_is_used_again_as_if_it_were_new(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    disclose(bob, "account", 1);
    (void)sync_now(bob);
    assert_int_equal(sat_store_begin(bob->store), SAT_OK);
    assert_int_equal(sat_store_meta_put_u64(bob->store, "disclosures", SAT_DISCLOSURES_MAX), SAT_OK);
    assert_int_equal(sat_store_commit(bob->store), SAT_OK);
    disclose(bob, "task", 2);
    (void)sync_now(bob);
    (void)sync_now(ann);
    struct client_disclosure got = only(ann, &arena);
    assert_int_equal(got.records, 2);
    assert_int_equal(json_array_size(got.types), 1);
    assert_string_equal(json_string_value(json_array_get(got.types, 0)), "task");
    json_decref(got.types);
    sat_arena_deinit(&arena);
}

static void no_two_devices_share_an_id(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct client_disclosers disclosers;
    client_disclosers_make(&ann->directory, &arena, &disclosers);
    assert_int_equal(disclosers.n, 2);
    for (uint32_t device = 1; device <= 2; device++)
        for (uint32_t number = 0; number < SAT_DISCLOSURES_MAX; number += 1365) {
            struct sat_record_id id = sat_disclosure_record(&ann->directory.org, device, number);
            assert_int_equal(client_discloser_of(&disclosers, &id), device);
            assert_true(sat_disclosure_is_of(&ann->directory.org, device, &id));
            assert_false(sat_disclosure_is_of(&ann->directory.org, 3 - device, &id));
        }
    sat_arena_deinit(&arena);
}

#define WITH_ORG(test) cmocka_unit_test_setup_teardown(test, make_org, drop_org)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ORG(one_says_who_what_how_much_and_when),
        WITH_ORG(who_else_has_written_to_one_is_told),
        WITH_ORG(what_is_no_disclosure_under_its_id_is_in_no_table),
        WITH_ORG(when_the_numbers_are_used_up_the_first_is_used_again_as_if_it_were_new),
        WITH_ORG(no_two_devices_share_an_id),
    };
    return cmocka_run_group_tests_name("disclosures", tests, NULL, NULL);
}
