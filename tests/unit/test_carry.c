/* What follows from a move: on which device, when, and wherever a connection is cut. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/carry.h"
#include "client/names.h"
#include "tests/unit/client_world.h"

/* Ann, the admin, and Dan, a rep who writes in all three; Bob has Northern, Cid has Southern, nobody else Western. */
static struct satchel *ann, *bob, *cid, *dan;

static void close_and_open(struct satchel **satchel, const char *name)
{
    char home[128];
    struct satchel_open_options options = test_options();
    struct satchel_error error = {0};
    satchel_close(*satchel);
    int failed = satchel_open(home_of(name, home), &options, satchel, &error);
    if (failed) print_error("%s\n", error.message);
    assert_int_equal(failed, SATCHEL_OK);
}

static int make_org(void **state)
{
    if (make_client_world(state)) return -1;
    ann = create_org();
    const char *const territories[] = {"Northern", "Southern", "Western"};
    for (size_t i = 0; i < 3; i++) must(ann, satchel_territory_add(ann, territories[i]));
    const char *const names[] = {"Bob", "Cid", "Dan"};
    for (size_t i = 0; i < 3; i++) must(ann, satchel_user_add(ann, names[i], "rep"));
    must(ann, satchel_territory_grant(ann, "Northern", "Bob", 0));
    must(ann, satchel_territory_grant(ann, "Southern", "Cid", 0));
    for (size_t i = 0; i < 3; i++) must(ann, satchel_territory_grant(ann, territories[i], "Dan", 0));
    bob = join_as(ann, "Bob", "bob");
    cid = join_as(ann, "Cid", "cid");
    dan = join_as(ann, "Dan", "dan");
    struct satchel *all[] = {bob, cid, dan, ann};
    for (size_t i = 0; i < 4; i++) (void)sync_now(all[i]);
    return 0;
}

static int drop_org(void **state)
{
    satchel_close(ann);
    satchel_close(bob);
    satchel_close(cid);
    satchel_close(dan);
    return drop_client_world(state);
}

static int ignore_row(void *context, const char *json)
{
    (void)json;
    ++*(unsigned *)context;
    return 0;
}

static unsigned move_to(struct satchel *satchel, const char *id, const char *to)
{
    unsigned n = 0;
    const char *ids[] = {id};
    must(satchel, satchel_move(satchel, "account", ids, 1, to, 0, ignore_row, &n));
    return n;
}

static void new_account(char id[SATCHEL_ID_SIZE])
{
    id[0] = '\0';
    put_one(bob, "account", id, NULL, "{\"name\":\"Blondel\"}");
    (void)sync_now(bob);
    (void)sync_now(ann);
    (void)sync_now(dan);
}

static void new_visit(struct satchel *satchel, const char *account)
{
    char fields[100], id[SATCHEL_ID_SIZE] = "";
    (void)snprintf(fields, sizeof fields, "{\"account\":\"%s\"}", account);
    put_one(satchel, "visit", id, "Northern", fields);
}

/* How many there are, in the territory or (NULL) anywhere. */
static unsigned count(struct satchel *satchel, const char *type, const char *column, const char *id,
                      const char *territory)
{
    char sql[200];
    unsigned n = 0;
    (void)snprintf(sql, sizeof sql, "SELECT 1 FROM %s WHERE %s = '%s' AND territory LIKE '%s'", type, column, id,
                   territory ? territory : "%");
    must(satchel, satchel_query(satchel, sql, ignore_row, &n));
    return n;
}

/* The mover's connection ends after `messages` of the server's. */
static void sync_and_cut(struct satchel *satchel, int messages)
{
    struct satchel_sync_result result;
    the_world.cut_after = messages;
    (void)!satchel_sync(satchel, NULL, &result);
    the_world.cut_after = -1;
}

/* Ann moves without having seen Bob's visit and is never heard of again, wherever her sync ends; Dan had looked at the
 * visit before he knew of the move. */
static void what_the_mover_had_not_seen_follows_though_others_had_looked_at_it(void **state)
{
    (void)state;
    unsigned followed = 0;
    for (int messages = 1; messages < 16; messages++) {
        char id[SATCHEL_ID_SIZE];
        new_account(id);
        new_visit(bob, id);
        (void)sync_now(bob);
        (void)sync_now(dan);
        assert_int_equal(move_to(ann, id, "Southern"), 1);
        sync_and_cut(ann, messages);
        (void)sync_now(dan);
        (void)sync_now(cid);
        (void)sync_now(bob);
        unsigned north = count(bob, "account", "id", id, NULL);
        assert_int_equal(count(bob, "visit", "account", id, NULL), north);
        if (!north) {
            followed++;
            assert_int_equal(count(cid, "visit", "account", id, NULL), 1);
            assert_int_equal(count(dan, "visit", "account", id, "Southern"), 1);
        }
        (void)sync_now(ann);
        (void)sync_now(bob);
        (void)sync_now(cid);
        assert_int_equal(count(cid, "visit", "account", id, NULL), 1);
        assert_int_equal(count(bob, "visit", "account", id, NULL), 0);
    }
    assert_true(followed > 0);
}

/* The record is never nowhere: not on the server either, whoever looks. */
static void wherever_the_movers_connection_is_cut_somebody_has_it(void **state)
{
    (void)state;
    for (int messages = 0; messages < 16; messages++) {
        char id[SATCHEL_ID_SIZE];
        new_account(id);
        new_visit(bob, id);
        (void)sync_now(bob);
        (void)sync_now(ann);
        assert_int_equal(move_to(ann, id, "Southern"), 2);
        sync_and_cut(ann, messages);
        close_and_open(&ann, "ann");
        (void)sync_now(bob);
        (void)sync_now(cid);
        assert_true(count(bob, "account", "id", id, NULL) + count(cid, "account", "id", id, NULL) > 0);
        assert_true(count(bob, "visit", "account", id, NULL) + count(cid, "visit", "account", id, NULL) > 0);
        (void)sync_now(ann);
        (void)sync_now(bob);
        (void)sync_now(cid);
        assert_int_equal(count(bob, "account", "id", id, NULL), 0);
        assert_int_equal(count(cid, "visit", "account", id, NULL), 1);
        assert_int_equal(sync_now(ann).conflicts, 0);
    }
}

static void wherever_a_carriers_connection_is_cut_the_late_edit_arrives_once(void **state)
{
    (void)state;
    for (int messages = 0; messages < 16; messages++) {
        char id[SATCHEL_ID_SIZE];
        new_account(id);
        (void)move_to(ann, id, "Southern");
        (void)sync_now(ann);
        (void)sync_now(cid);
        put_one(cid, "account", id, NULL, "{\"note\":\"theirs\"}");
        (void)sync_now(cid);
        put_one(bob, "account", id, NULL, "{\"city\":\"Lyon\"}");
        (void)sync_now(bob);
        sync_and_cut(ann, messages);
        close_and_open(&ann, "ann");
        (void)sync_now(dan);
        (void)sync_now(ann);
        (void)sync_now(cid);
        char *json = NULL;
        must(cid, satchel_get(cid, "account", id, &json));
        assert_non_null(strstr(json, "\"city\":\"Lyon\""));
        assert_non_null(strstr(json, "\"note\":\"theirs\""));
        assert_non_null(strstr(json, "\"after_move\":true"));
        satchel_free(json);
        assert_int_equal(sync_now(cid).conflicts + sync_now(ann).conflicts + sync_now(dan).conflicts, 0);
    }
}

static void what_comes_late_follows_over_two_moves(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    new_account(id);
    put_one(bob, "account", id, NULL, "{\"city\":\"Lyon\"}");
    new_visit(bob, id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    (void)sync_now(cid);
    put_one(cid, "account", id, NULL, "{\"note\":\"late too\"}");
    (void)move_to(ann, id, "Western");
    (void)sync_now(ann);
    (void)sync_now(bob);
    (void)sync_now(cid);
    (void)sync_now(dan);
    char *json = NULL;
    must(dan, satchel_get(dan, "account", id, &json));
    assert_non_null(strstr(json, "\"territory\":\"Western\""));
    assert_non_null(strstr(json, "\"city\":\"Lyon\""));
    assert_non_null(strstr(json, "\"note\":\"late too\""));
    satchel_free(json);
    assert_int_equal(count(dan, "visit", "account", id, "Western"), 1);
    assert_int_equal(count(dan, "visit", "account", id, NULL), 1);
    (void)sync_now(bob);
    (void)sync_now(cid);
    assert_int_equal(count(bob, "account", "id", id, NULL) + count(cid, "account", "id", id, NULL), 0);
    must_fail(bob, satchel_get(bob, "account", id, &json), "not_found", "has moved to Southern");
}

/* Two who each move what the other moves, so that it is gone from both: nobody would find it. */
static void moves_in_a_ring_end_in_one_place(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    (void)sync_now(dan);
    (void)move_to(ann, id, "Northern"); /* back, … */
    (void)move_to(dan, id, "Western");  /* … and on, at the same time */
    (void)sync_now(ann);
    (void)sync_now(dan);
    for (unsigned round = 0; round < 3; round++) {
        (void)sync_now(ann);
        (void)sync_now(dan);
    }
    assert_int_equal(count(ann, "account", "id", id, NULL), 1);
    assert_int_equal(count(dan, "account", "id", id, NULL), 1);
    assert_int_equal(sync_now(ann).conflicts + sync_now(dan).conflicts, 0);
}

static void a_device_with_nothing_new_looks_at_nothing(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    uint32_t written = 1;
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    (void)sync_now(dan);
    uint64_t before, after;
    assert_int_equal(sat_store_meta_get_u64(dan->store, "moved_mark", 0, &before), SAT_OK);
    assert_true(before > 0);
    assert_int_equal(client_carry(dan, client_now_ms(), &written), SAT_OK);
    assert_int_equal(written, 0);
    must(ann, satchel_territory_add(ann, "Eastern")); /* a new one matters to no move */
    (void)sync_now(dan);
    assert_int_equal(sat_store_meta_get_u64(dan->store, "moved_mark", 0, &after), SAT_OK);
    assert_true(after >= before);
}

/* Dan may write in Southern again: what waited for somebody who can carry it is carried. */
static void who_gets_the_right_later_carries_what_waited(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    must(ann, satchel_territory_revoke(ann, "Southern", "Dan"));
    (void)sync_now(dan);
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    put_one(bob, "account", id, NULL, "{\"city\":\"Lyon\"}");
    (void)sync_now(bob);
    (void)sync_now(dan);
    must(ann, satchel_territory_grant(ann, "Southern", "Dan", 0));
    (void)sync_now(dan);
    (void)sync_now(cid);
    char *json = NULL;
    must(cid, satchel_get(cid, "account", id, &json));
    assert_non_null(strstr(json, "\"city\":\"Lyon\""));
    satchel_free(json);
}

/* The bytes of changes that the device has of the record. */
static size_t bytes_of(struct satchel *satchel, const char *id)
{
    struct sat_record_id record;
    struct sat_arena arena;
    uint32_t spaces_n = 0, n;
    size_t bytes = 0;
    sat_arena_init(&arena);
    assert_int_equal(sat_uuid_parse(id, record.b), SAT_OK);
    struct sat_space_row *spaces;
    assert_int_equal(sat_store_spaces(satchel->store, &arena, &spaces, &spaces_n), SAT_OK);
    for (uint32_t i = 0; i < spaces_n; i++) {
        struct sat_change_row *rows;
        assert_int_equal(sat_store_changes_of_record(satchel->store, spaces[i].sid, &record, &arena, &rows, &n),
                         SAT_OK);
        for (uint32_t k = 0; k < n; k++)
            if (rows[k].state == SAT_CHANGE_DEAD) bytes += rows[k].body.len;
    }
    sat_arena_deinit(&arena);
    return bytes;
}

/* Every head is that far behind the end of its log; all is to be looked at anew. */
static void look_anew(struct satchel *satchel, uint64_t behind)
{
    struct sat_arena arena;
    struct sat_space_row *spaces;
    uint32_t n, written;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_begin(satchel->store), SAT_OK);
    assert_int_equal(sat_store_spaces(satchel->store, &arena, &spaces, &n), SAT_OK);
    for (uint32_t i = 0; i < n; i++) {
        if (spaces[i].log.size == 0) continue;
        spaces[i].head_size = spaces[i].log.size - behind;
        assert_int_equal(sat_store_space_save(satchel->store, &spaces[i]), SAT_OK);
    }
    if (behind) assert_int_equal(sat_store_meta_put_u64(satchel->store, "moved_mark", 0), SAT_OK);
    assert_int_equal(sat_store_commit(satchel->store), SAT_OK);
    assert_int_equal(client_carry(satchel, client_now_ms(), &written), SAT_OK);
    assert_int_equal(written, 0);
    sat_arena_deinit(&arena);
}

static void set_role(struct satchel *satchel, uint8_t role, uint64_t approved_seq)
{
    satchel->directory.users[client_user(satchel) - 1].role = role;
    satchel->directory.devices[client_device(satchel) - 1].approved_seq = approved_seq;
}

/* A manager's device keeps what has gone out of reach, a rep's forgets it; but only what a head covers, as it would be
 * no copy of the log any more if the server let go of the rest and came with it again. */
static void what_has_gone_out_of_reach_is_forgotten_by_reps_as_far_as_a_head_covers_it(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    uint8_t role = bob->directory.users[client_user(bob) - 1].role;
    uint64_t approved_seq = bob->directory.devices[client_device(bob) - 1].approved_seq;
    set_role(bob, SAT_ROLE_MANAGER, 1);
    (void)sync_now(bob);
    assert_true(bytes_of(bob, id) > 0);
    set_role(bob, role, approved_seq);
    look_anew(bob, 1);
    assert_true(bytes_of(bob, id) > 0);
    look_anew(bob, 0); /* it had been remembered */
    assert_int_equal(bytes_of(bob, id), 0);
    assert_true(bytes_of(ann, id) > 0);
    (void)sync_now(bob);
}

/* Nobody but Dan and his friends reads there: on his word alone nothing is destroyed. */
static void what_went_where_no_admin_reads_is_forgotten_by_nobody(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    new_account(id);
    for (uint32_t i = 0; i < bob->directory.spaces_n; i++)
        if (bob->directory.spaces[i].kind == SAT_SPACE_TERRITORY && !client_rights(bob, &bob->directory.spaces[i].id))
            bob->directory.spaces[i].kind = SAT_SPACE_NARROW;
    (void)move_to(dan, id, "Southern");
    (void)sync_now(dan);
    (void)sync_now(bob);
    assert_int_equal(count(bob, "account", "id", id, NULL), 0);
    assert_true(bytes_of(bob, id) > 0);
}

/* A walk over what had been looked at before goes on from where it stopped, to its end, and then begins where another
 * move asked for. */
static void looking_back_goes_on_where_it_stopped(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE];
    struct sat_arena arena;
    struct sat_span bytes;
    bool found;
    uint32_t written;
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    (void)sync_now(dan);
    struct sat_buf back;
    sat_buf_init(&back);
    for (uint32_t i = 0; i < dan->directory.spaces_n; i++) {
        sat_put_bytes(&back, dan->directory.spaces[i].id.b, 16);
        sat_put_u64(&back, 1);
        sat_put_u64(&back, 0);
    }
    sat_arena_init(&arena);
    assert_int_equal(sat_store_begin(dan->store), SAT_OK);
    assert_int_equal(sat_store_meta_put(dan->store, "moved_back", sat_buf_span(&back)), SAT_OK);
    assert_int_equal(sat_store_commit(dan->store), SAT_OK);
    assert_int_equal(client_carry(dan, client_now_ms(), &written), SAT_OK);
    assert_int_equal(sat_store_meta_get(dan->store, "moved_back", &arena, &bytes, &found), SAT_OK);
    assert_true(found && bytes.len == 0);
    sat_arena_deinit(&arena);
    sat_buf_deinit(&back);
}

/* Own work in a territory was refused, or is let in again. */
static void refuse_pending(struct satchel *satchel, const char *territory, enum sat_err why)
{
    struct sat_space_id id;
    struct sat_bundle_row *rows;
    struct sat_arena arena;
    struct sat_frozen frozen;
    int64_t sid;
    uint32_t n;
    sat_arena_init(&arena);
    struct sat_vault vault = client_vault(satchel);
    assert_int_equal(client_find_space(satchel, territory, &id, &satchel->fault), SAT_OK);
    assert_int_equal(client_sid_of_space(satchel, &id, &sid), SAT_OK);
    assert_int_equal(sat_store_begin(satchel->store), SAT_OK);
    assert_int_equal(sat_author_freeze(&vault, 0, UINT32_MAX, &frozen), SAT_OK);
    assert_int_equal(sat_store_bundles_pending(satchel->store, sid, 0, 9, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(sat_store_bundle_set_refused(satchel->store, rows[0].bid, why), SAT_OK);
    assert_int_equal(sat_store_commit(satchel->store), SAT_OK);
    sat_arena_deinit(&arena);
}

/* What is brought there would stay here, and the record be in two places for good. */
static void nothing_is_brought_to_where_own_work_was_refused(void **state)
{
    (void)state;
    char id[SATCHEL_ID_SIZE], other[SATCHEL_ID_SIZE], note[SATCHEL_ID_SIZE] = "", *json = NULL;
    struct satchel_sync_result result;
    unsigned n = 0;
    new_account(other);
    new_account(id);
    (void)move_to(ann, id, "Southern");
    (void)sync_now(ann);
    put_one(bob, "account", id, NULL, "{\"city\":\"Lyon\"}");
    (void)sync_now(bob);
    put_one(dan, "note", note, "Southern", "{\"text\":\"x\"}");
    refuse_pending(dan, "Southern", SAT_ERR_FORK);
    must(dan, satchel_sync(dan, NULL, &result));
    const char *ids[] = {other};
    must_fail(dan, satchel_move(dan, "account", ids, 1, "Southern", 0, ignore_row, &n), "denied", "was refused");
    (void)sync_now(cid);
    must(cid, satchel_get(cid, "account", id, &json));
    assert_null(strstr(json, "Lyon"));
    satchel_free(json);
    refuse_pending(dan, "Southern", SAT_OK);
    (void)sync_now(dan);
    (void)sync_now(cid);
    must(cid, satchel_get(cid, "account", id, &json));
    assert_non_null(strstr(json, "\"city\":\"Lyon\""));
    satchel_free(json);
}

#define IN_ORG(test) cmocka_unit_test_setup_teardown(test, make_org, drop_org)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_ORG(what_the_mover_had_not_seen_follows_though_others_had_looked_at_it),
        IN_ORG(wherever_the_movers_connection_is_cut_somebody_has_it),
        IN_ORG(wherever_a_carriers_connection_is_cut_the_late_edit_arrives_once),
        IN_ORG(what_comes_late_follows_over_two_moves),
        IN_ORG(moves_in_a_ring_end_in_one_place),
        IN_ORG(a_device_with_nothing_new_looks_at_nothing),
        IN_ORG(who_gets_the_right_later_carries_what_waited),
        IN_ORG(what_has_gone_out_of_reach_is_forgotten_by_reps_as_far_as_a_head_covers_it),
        IN_ORG(what_went_where_no_admin_reads_is_forgotten_by_nobody),
        IN_ORG(looking_back_goes_on_where_it_stopped),
        IN_ORG(nothing_is_brought_to_where_own_work_was_refused),
    };
    return cmocka_run_group_tests_name("carry", tests, NULL, NULL);
}
