/* Accounts that move between territories beside what else happens there: refusals, rights that come and go. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "client/carry.h"
#include "client/conflicts.h"
#include "common/wire/message.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { EAST, WEST };

static struct world world;
static struct world_device *admin, *rep;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 133, 2);
    admin = &world.devices[0];
    rep = world_join(&world, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < world.devices_n; i++) client_conflicts_free(&world.devices[i].handle.conflicts);
    world_deinit(&world);
    return 0;
}

static void move(struct world_device *device, uint32_t record, uint32_t from, uint32_t to)
{
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_move one = {.record = world_record(record),
                           .from = world_sid(device, &world.spaces[from]),
                           .to = world_sid(device, &world.spaces[to]),
                           .home = true};
    uint32_t written;
    assert_int_equal(sat_store_begin(device->handle.store), SAT_OK);
    assert_int_equal(sat_author_move(&vault, &one, 1, world.now_ms, &written), SAT_OK);
    assert_int_equal(one.err, SAT_OK);
    assert_int_equal(sat_store_commit(device->handle.store), SAT_OK);
}

static uint32_t carry(struct world_device *device)
{
    uint32_t written;
    assert_int_equal(client_carry(&device->handle, world.now_ms, &written), SAT_OK);
    return written;
}

/* Everybody syncs and carries, until nothing is due any more. */
static void settle(void)
{
    for (uint32_t round = 0, written = 1; written && round < 8; round++) {
        assert_true(world_settle(&world, 12));
        written = 0;
        for (uint32_t i = 0; i < world.devices_n; i++) written += carry(&world.devices[i]);
        if (round == 7) assert_int_equal(written, 0);
    }
    assert_true(world_settle(&world, 12));
}

/* What the device shows of the field in that territory, its alternatives behind it; "" where the record is not. */
static const char *shows(struct world_device *device, uint32_t space, uint32_t record, uint16_t field)
{
    static char text[200];
    struct sat_record_id id = world_record(record);
    struct sat_record_view view;
    struct sat_arena arena;
    size_t at = 0;
    sat_arena_init(&arena);
    world_load(device, &world.spaces[space], &id, &arena, &view);
    bool here = view.live_n && !view.merged.moved && !view.merged.deleted;
    const struct sat_merged *cell = here ? sat_merged_cell(&view.merged, field, (struct sat_span){0}) : NULL;
    text[0] = '\0';
    for (uint32_t i = 0; cell && i < cell->alternatives_n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%.*s", i ? "|" : "",
                               (int)cell->alternatives[i].value.text.len,
                               (const char *)cell->alternatives[i].value.text.at);
    sat_arena_deinit(&arena);
    return text;
}

static void assert_all_show(uint32_t space, uint32_t record, uint16_t field, const char *text)
{
    for (uint32_t i = 0; i < world.devices_n; i++) {
        assert_string_equal(shows(&world.devices[i], space, record, field), text);
        assert_string_equal(shows(&world.devices[i], !space, record, field), "");
    }
}

/* Storm 300425 (decision 133): a rep writes late, and again behind a refusal; carries that to the west, as far as he
 * knows, where the admin finds it when the record is in the east again. What still stands in the east is about to go:
 * it is what the rep's copy was made of. */
static void what_was_carried_comes_back_though_what_it_was_made_of_still_stands_there(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    (void)scene_write(&world, rep, 2, NAME, "refused");
    (void)scene_write_in(&world, rep, &world.spaces[WEST], 3, NAME, "so that these are two bundles");
    scene_damage_push(&world, rep, 0);
    (void)scene_write(&world, rep, 1, CITY, "Lille"); /* while the record goes to the west */
    move(admin, 1, EAST, WEST);
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
    assert_true(carry(rep) > 0); /* to the west */
    move(admin, 1, WEST, EAST);
    scene_lose_push(&world, rep, 0); /* that it has gone from the east */
    (void)world_sync(&world, rep);
    assert_true(world_sync(&world, admin));
    (void)carry(admin);
    world_disconnect(&world, rep);
    settle();
    assert_all_show(EAST, 1, CITY, "Lille");
    assert_all_show(EAST, 1, NAME, "Blondel");
}

/* The rep's next session ends when it has sent that many pushes. */
static bool ends_behind_pushes(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    uint32_t *left = context;
    struct sat_message message;
    struct sat_arena arena;
    sat_arena_init(&arena);
    bool lost = *left == 0, is_push = !down &&
                                      !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) &&
                                      message.type == SAT_MESSAGE_PUSH;
    if (!lost && is_push) --*left;
    sat_arena_deinit(&arena);
    (void)device;
    return !lost;
}

static void sync_until_pushed(uint32_t pushes)
{
    rep->on_way = ends_behind_pushes;
    rep->on_way_context = &pushes;
    (void)world_sync(&world, rep);
    world_disconnect(&world, rep);
    rep->on_way = NULL;
}

/* Storms 32017, 32084 (decision 134): the copies arrive, the answer does not, and the mover may not go there any more
 * when he is back. What he hands in is there already, so the record has gone. */
static void copies_that_arrived_cover_though_their_target_is_lost_meanwhile(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    move(rep, 1, EAST, WEST);
    sync_until_pushed(1);
    order_grant(&world, rep, WEST, 0);
    settle();
    assert_string_equal(shows(admin, WEST, 1, NAME), "Blondel");
    assert_string_equal(shows(admin, EAST, 1, NAME), "");
    assert_string_equal(shows(rep, EAST, 1, NAME), "");
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
}

/* … and where they did not, it has not: they are with the admins. */
static void copies_that_did_not_arrive_leave_the_record_where_it_was(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    move(rep, 1, EAST, WEST);
    order_grant(&world, rep, WEST, 0);
    settle();
    assert_string_equal(shows(admin, WEST, 1, NAME), "");
    assert_string_equal(shows(admin, EAST, 1, NAME), "Blondel");
    assert_string_equal(shows(rep, EAST, 1, NAME), "Blondel");
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
}

/* Storm 36032 (decision 135): a home that has brought a record back turns out to be a copy, and writes that again under
 * a new number. The log has known what came back before, when it had not gone yet: that is not what is to be written.
 */
static void what_comes_back_is_written_again_by_a_copied_home(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    move(admin, 1, EAST, WEST);
    settle();
    struct world_device *twin = world_clone(&world, rep);
    (void)scene_write(&world, twin, 2, NAME, "under the same number");
    assert_true(world_sync(&world, twin));
    move(rep, 1, WEST, EAST);
    settle();
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_all_show(EAST, 1, NAME, "Blondel");
}

/* Storm 38044 (decision 136): two changes stood under one number, as a home was set back. One has gone with the record,
 * the other comes late, under another number: it is not the one that is there. */
static void what_stood_under_the_number_of_another_is_carried(void **state)
{
    struct world_home kept;
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    world_home_backup(&world, rep, &kept);
    uint64_t one = scene_write(&world, rep, 1, CITY, "Lille");
    settle();
    move(admin, 1, EAST, WEST);
    assert_true(world_sync(&world, admin));
    world_home_restore(&world, rep, &kept);
    world_home_free(&kept);
    uint64_t other = scene_write(&world, rep, 1, ADDRESS, "Rue Bleue");
    assert_int_equal(one, other);
    settle();
    assert_all_show(WEST, 1, CITY, "Lille");
    assert_all_show(WEST, 1, ADDRESS, "Rue Bleue");
}

/* Storm 963018 (decision 220): somebody edits late, and the record comes back, with an edit that was made elsewhere
 * meanwhile. The home turns out to be a copy: what it writes again has not seen what stood under its own number. */
static void what_is_written_again_has_not_seen_what_it_had_not_read(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, CITY, "Lille");
    settle();
    move(rep, 1, EAST, WEST);
    assert_true(world_sync(&world, rep));
    (void)scene_write(&world, admin, 1, NAME, "late");
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    struct world_device *twin = world_clone(&world, rep);
    (void)scene_write(&world, twin, 2, NAME, "under the same number");
    assert_true(world_sync(&world, twin));
    (void)scene_write_in(&world, rep, &world.spaces[WEST], 1, NAME, "elsewhere");
    move(rep, 1, WEST, EAST);
    assert_string_equal(shows(rep, EAST, 1, NAME), "elsewhere|late");
    settle();
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_all_show(EAST, 1, NAME, "elsewhere|late");
    assert_all_show(EAST, 1, CITY, "Lille");
}

/* What was handed in, one after the other, as its author wrote it. */
static void let_in_all(void)
{
    struct sat_aside_row *rows;
    struct sat_arena arena;
    uint32_t left = 1;
    sat_arena_init(&arena);
    for (uint32_t round = 0; round < 4 && left; round++) {
        uint32_t n = order_escrow(world.server_store, &arena, &rows);
        left = 0;
        for (uint32_t i = 0; i < n; i++)
            left += rows[i].state == SAT_ASIDE_OPEN && !order_was_let_in(&world, rows, n, i);
    }
    assert_int_equal(left, 0);
    sat_arena_deinit(&arena);
}

/* Storm 71026 (decision 221): somebody moves a record there and back, and loses the right to go there before any of it
 * has arrived; the admin has moved it there as well. What takes it away from there again, and is let in, has not seen
 * the admin's copy, though both name one original. */
static void what_takes_a_record_away_leaves_the_copy_of_another(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    move(rep, 1, EAST, WEST);
    move(rep, 1, WEST, EAST);
    move(admin, 1, EAST, WEST);
    assert_true(world_sync(&world, admin));
    order_grant(&world, rep, WEST, 0);
    settle();
    assert_string_equal(shows(admin, WEST, 1, NAME), "Blondel"); /* the admin's move came first */
    let_in_all();
    settle();
    const char *east = shows(admin, EAST, 1, NAME);
    bool in_east = east[0] != '\0';
    assert_string_equal(shows(admin, in_east ? EAST : WEST, 1, NAME), "Blondel");
    assert_string_equal(shows(admin, in_east ? WEST : EAST, 1, NAME), "");
}

/* Storm 39034 (decision 222): the same, where the first had not been sent yet when it was copied. Its home was copied
 * before it was set back, and the copy moves the record. */
static void copy_unsent_what_has_a_number_twice(uint16_t field, const char *text, struct world_device **twin)
{
    struct world_home kept;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    world_home_backup(&world, rep, &kept);
    uint64_t one = scene_write(&world, rep, 1, CITY, "Lille");
    *twin = world_clone(&world, rep);
    world_home_restore(&world, rep, &kept);
    world_home_free(&kept);
    assert_int_equal(scene_write(&world, rep, 1, field, text), one);
    assert_true(world_sync(&world, rep));
    move(*twin, 1, EAST, WEST);
}

static void what_was_copied_unsent_is_told_from_another_under_its_number(void **state)
{
    struct world_device *twin;
    (void)state;
    copy_unsent_what_has_a_number_twice(ADDRESS, "Rue Bleue", &twin);
    settle();
    assert_all_show(WEST, 1, NAME, "Blondel");
    assert_all_show(WEST, 1, CITY, "Lille");
    assert_all_show(WEST, 1, ADDRESS, "Rue Bleue");
}

/* … and who had seen the one has not seen the other's copy. */
static void who_saw_the_one_under_a_number_has_not_seen_the_other(void **state)
{
    struct world_device *twin;
    (void)state;
    copy_unsent_what_has_a_number_twice(CITY, "Roubaix", &twin);
    (void)scene_write(&world, rep, 1, CITY, "Tourcoing");
    assert_true(world_sync(&world, rep));
    settle();
    assert_all_show(WEST, 1, CITY, "Tourcoing|Lille");
}

/* Storm 81028 (decision 222): the number is another record's in the log, as the twin came first. Who saw a later one of
 * that device covers it by number alone. */
static void who_saw_a_later_number_has_not_seen_what_was_copied(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    struct world_device *twin = world_clone(&world, rep);
    (void)scene_write(&world, twin, 2, NAME, "under the same number");
    (void)scene_write(&world, twin, 1, CITY, "Roubaix");
    assert_true(world_sync(&world, twin));
    (void)scene_write(&world, rep, 1, CITY, "Lille");
    move(rep, 1, EAST, WEST);
    assert_true(world_sync(&world, admin));
    (void)scene_write(&world, admin, 1, CITY, "Tourcoing");
    assert_true(world_sync(&world, admin));
    settle();
    assert_all_show(WEST, 1, CITY, "Tourcoing|Lille");
}

/* Storm 81003 (decision 223): a home brings a record back, and is a copy. It has a hash of what it brings, from when it
 * had not gone yet: that it was there is no answer. */
static void what_comes_back_is_written_again_though_a_hash_tells_what_it_was(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    move(admin, 1, EAST, WEST);
    settle();
    struct world_device *twin = world_clone(&world, rep);
    (void)scene_write(&world, twin, 2, NAME, "under the same number");
    assert_true(world_sync(&world, twin));
    move(rep, 1, WEST, EAST);
    settle();
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_all_show(EAST, 1, NAME, "Blondel");
}

static bool only_hears(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_message message;
    struct sat_arena arena;
    (void)context, (void)device;
    sat_arena_init(&arena);
    bool lost = !down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) &&
                (message.type == SAT_MESSAGE_APPEND || message.type == SAT_MESSAGE_PUSH);
    sat_arena_deinit(&arena);
    return !lost;
}

/* Storm 83007 (decision 128): a home has moved a record there and back, and written on, when it learns that it is a
 * copy; then the other one sends what both had written before. What was written again just now, of what is there in
 * doubt, has numbers behind those of the rest, and has seen nothing of it. */
static void what_was_written_again_just_now_has_replaced_nothing(void **state)
{
    (void)state;
    (void)scene_write(&world, admin, 1, NAME, "Blondel");
    settle();
    (void)scene_write(&world, rep, 1, CITY, "Lille");
    (void)scene_write(&world, rep, 1, ADDRESS, "Rue Bleue");
    struct world_device *twin = world_clone(&world, rep);
    move(rep, 1, EAST, WEST);
    move(rep, 1, WEST, EAST);
    (void)scene_write(&world, rep, 1, CITY, "Roubaix");
    (void)scene_write_in(&world, twin, &world.spaces[WEST], 5, NAME, "under the same number");
    scene_lose_push(&world, twin, 0);
    (void)world_sync(&world, twin);
    world_disconnect(&world, twin);
    rep->on_way = only_hears;
    (void)world_sync(&world, rep); /* it learns it, and gets no number yet */
    world_disconnect(&world, rep);
    rep->on_way = NULL;
    assert_true(world_sync(&world, twin));
    settle();
    assert_int_equal(rep->heard[SAT_NOTICE_REINDEXED], 1);
    assert_string_equal(shows(admin, EAST, 1, CITY), "Roubaix|Lille"); /* in doubt: beside, and not first */
    assert_string_equal(shows(admin, EAST, 1, ADDRESS), "Rue Bleue");
}

/* An account whose manager has gone moves to somebody else's territory, with what he had decided: his copy's word
 * counts for what it counted when he was there last. */
static void what_a_suspended_manager_decided_is_decided_where_it_moves_to(void **state)
{
    (void)state;
    enum { TIER = 18 };
    struct world_device *boss = world_join(&world, 3);
    order_role(&world, boss, SAT_ROLE_MANAGER);
    (void)scene_write(&world, boss, 1, TIER, "a");
    settle();
    (void)scene_write(&world, rep, 1, TIER, "c"); /* a proposal */
    settle();
    assert_string_equal(shows(rep, EAST, 1, TIER), "a|c");
    order_suspend(&world, boss, true);
    assert_true(world_sync(&world, admin));
    move(admin, 1, EAST, WEST);
    for (uint32_t i = 0; i < 2; i++) assert_true(world_sync(&world, admin) && world_sync(&world, rep));
    assert_string_equal(shows(rep, WEST, 1, TIER), "a|c");
    assert_string_equal(shows(admin, WEST, 1, TIER), "a|c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_again_just_now_has_replaced_nothing, begin, end),
        cmocka_unit_test_setup_teardown(who_saw_a_later_number_has_not_seen_what_was_copied, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_back_is_written_again_though_a_hash_tells_what_it_was, begin, end),
        cmocka_unit_test_setup_teardown(who_saw_the_one_under_a_number_has_not_seen_the_other, begin, end),
        cmocka_unit_test_setup_teardown(what_was_copied_unsent_is_told_from_another_under_its_number, begin, end),
        cmocka_unit_test_setup_teardown(what_takes_a_record_away_leaves_the_copy_of_another, begin, end),
        cmocka_unit_test_setup_teardown(what_is_written_again_has_not_seen_what_it_had_not_read, begin, end),
        cmocka_unit_test_setup_teardown(what_stood_under_the_number_of_another_is_carried, begin, end),
        cmocka_unit_test_setup_teardown(what_comes_back_is_written_again_by_a_copied_home, begin, end),
        cmocka_unit_test_setup_teardown(copies_that_arrived_cover_though_their_target_is_lost_meanwhile, begin, end),
        cmocka_unit_test_setup_teardown(copies_that_did_not_arrive_leave_the_record_where_it_was, begin, end),
        cmocka_unit_test_setup_teardown(what_was_carried_comes_back_though_what_it_was_made_of_still_stands_there,
                                        begin, end),
        cmocka_unit_test_setup_teardown(what_a_suspended_manager_decided_is_decided_where_it_moves_to, begin, end),
    };
    return cmocka_run_group_tests_name("moved copies", tests, NULL, NULL);
}
