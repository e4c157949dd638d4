/* What a device asks of the server, and does not get: a server that answers other things and not that, one of an
 * earlier version that does not know the question, and two bundles at once whose numbers are said to be another's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/wishes.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

enum { ROUNDS = 40, AT_ONCE = 200, UNKNOWN_MESSAGE = 0x7e };

static struct world world;
static struct world_device *rep, *other;
static struct sat_arena arena;

/* The rep has lost the first territory, so that it cannot look what has its numbers there. */
static int begin(void **state)
{
    (void)state;
    world_init(&world, 310, 3);
    sat_arena_init(&arena);
    rep = world_join(&world, 7);
    other = world_join(&world, 7);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Cham");
    assert_true(world_settle(&world, 4));
    order_grant(&world, rep, 0, 0);
    assert_true(world_sync(&world, rep));
    return 0;
}

static int end(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    world_deinit(&world);
    return 0;
}

/* ---- The server's part ---- */

struct server {
    bool disputes;  /* of one territory it takes nothing, and says that the numbers are another bundle's */
    uint32_t place; /* … the second, unless this says another */
    bool is_silent; /* it does not answer what is asked about that, nor about an entry */
    bool is_older;  /* it knows no such question, nor whether it still has what was handed in */
    uint32_t disputed, asked, unheard, asked_held;
    uint64_t about[8];
};

static bool dispute(struct server *server, struct world_device *device, const struct sat_message *message,
                    struct sat_arena *use)
{
    struct sat_bundle bundle;
    struct sat_message refused = {.type = SAT_MESSAGE_REFUSED};
    const struct sat_hash *org = &sat_host_directory(world.host)->org;
    const struct sat_space_id *space = &world.spaces[server->place ? server->place : 1];
    if (message->as.PUSH.sub != forge_sub(device, space)) return true;
    assert_int_equal(sat_bundle_decode(message->as.PUSH.bundle, org, space, use, &bundle), SAT_OK);
    refused.as.REFUSED = (struct sat_message_REFUSED){.sub = message->as.PUSH.sub,
                                                      .first = bundle.manifest.first,
                                                      .error = SAT_ERR_FORK,
                                                      .text = sat_span_text("taken")};
    forge_send(device, true, &refused);
    server->disputed++;
    return false;
}

static bool pass_up(struct server *server, struct world_device *device, const struct sat_message *message,
                    struct sat_buf *bytes, struct sat_arena *use)
{
    if (message->type == SAT_MESSAGE_PUSH && server->disputes) return dispute(server, device, message, use);
    if (message->type == SAT_MESSAGE_ENTRY_GET && server->is_silent) {
        server->unheard++;
        return false;
    }
    if (message->type != SAT_MESSAGE_TAKEN_GET && message->type != SAT_MESSAGE_HELD_GET) return true;
    assert_true(server->asked < 8);
    if (message->type == SAT_MESSAGE_HELD_GET)
        server->asked_held++;
    else
        server->about[server->asked++] = message->as.TAKEN_GET.first;
    if (server->is_older) bytes->at[1] = UNKNOWN_MESSAGE; /* to the real server what it is to an older one */
    return !server->is_silent;
}

static bool pass(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena use;
    struct sat_message message;
    sat_arena_init(&use);
    struct sat_span copy = sat_span_copy(&use, sat_buf_span(bytes));
    enum sat_err err = down ? SAT_ERR_PROTOCOL : sat_message_decode(copy, SAT_SENDER_CLIENT, &use, &message);
    bool passes = err || pass_up(context, device, &message, bytes, &use);
    sat_arena_deinit(&use);
    return passes;
}

static void serve(struct server *server, struct world_device *device)
{
    device->on_way = pass;
    device->on_way_context = server;
}

/* Other things than the answer, as long as the device listens: heads, which are true. How many. */
static uint32_t go_on_talking(struct world_device *device)
{
    const struct sat_hash *org = &sat_host_directory(world.host)->org;
    uint32_t sent = 0;
    for (uint32_t round = 0; round < ROUNDS && device->replica; round++) {
        for (uint32_t i = 0; i < AT_ONCE; i++, sent++)
            forge_head(forge_true_head(&world, &world.spaces[2]), org, &world.server_key, device, &world.spaces[2]);
        world_run(&world, device);
        if (device->last_err) break;
    }
    return sent;
}

static void talks_in_vain(struct world_device *device)
{
    device->last_err = SAT_OK;
    assert_true(go_on_talking(device) < ROUNDS * AT_ONCE);
    assert_int_equal(device->last_err, SAT_ERR_PROTOCOL);
    device->on_way = NULL;
}

static struct sat_bundle_row *pending(uint32_t *n)
{
    struct sat_bundle_row *rows;
    int64_t sid = world_sid(rep, &world.spaces[1]);
    assert_int_equal(sat_store_bundles_pending(rep->handle.store, sid, 0, 8, &arena, &rows, n), SAT_OK);
    return rows;
}

/* ---- Answers that do not come ---- */

static void who_is_asked_what_has_a_number_and_talks_of_other_things_is_left(void **state)
{
    (void)state;
    struct server server = {.disputes = true, .is_silent = true};
    scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    serve(&server, rep);
    world_connect(&world, rep);
    world_run(&world, rep);
    assert_int_equal(server.asked, 1);
    talks_in_vain(rep);
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 0);
    assert_true(world_sync(&world, rep)); /* with one that takes it */
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
}

static void and_who_is_asked_for_an_entry(void **state)
{
    (void)state;
    struct server server = {.is_silent = true};
    struct sat_store *store = other->handle.store;
    struct sat_record_id id = world_record(2);
    bool any = false;
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Chur");
    assert_true(world_sync(&world, rep));
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Zug");
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, other)); /* of what was replaced it has the hash */
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_wish_record(store, world_sid(other, &world.spaces[1]), &id, &any), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    assert_true(any);
    serve(&server, other);
    world_connect(&world, other);
    world_run(&world, other);
    assert_int_equal(server.unheard, 1);
    talks_in_vain(other);
    assert_true(world_sync(&world, other));
}

/* In the second territory, which it may only read by then, the rep has handed in what it wrote. */
static void hand_in(void)
{
    scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    order_grant(&world, rep, 1, SAT_RIGHT_READ);
    (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 1);
}

static void and_who_is_asked_whether_it_still_has_what_was_handed_in(void **state)
{
    (void)state;
    struct server server = {.is_silent = true};
    hand_in();
    serve(&server, rep);
    world_connect(&world, rep);
    world_run(&world, rep);
    assert_int_equal(server.asked_held, 1);
    talks_in_vain(rep);
    scene_write_in(&world, rep, &world.spaces[2], 3, CITY, "Visp");
    (void)world_sync(&world, rep); /* with one that answers */
    assert_int_equal(scene_pending(rep), 1);
    assert_int_equal(scene_drafts(rep), 0);
}

/* ---- A server of an earlier version ---- */

static void an_older_server_is_not_asked_again_and_again(void **state)
{
    (void)state;
    struct server server = {.disputes = true, .is_older = true};
    scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    serve(&server, rep);
    (void)world_sync(&world, rep);
    assert_int_equal(server.asked, 1);
    assert_int_equal(rep->last_err, SAT_ERR_CLOSED); /* which another connection mends */
    scene_write_in(&world, rep, &world.spaces[2], 3, CITY, "Visp");
    (void)world_sync(&world, rep);
    assert_int_equal(server.asked, 1);
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1); /* and says why */
    assert_int_equal(rep->last_err, SAT_ERR_UPGRADE_NEEDED);
    assert_int_equal(scene_drafts(rep), 0);
    assert_int_equal(scene_pending(rep), 1); /* kept; and no other territory waits for it */
    assert_true(world_sync(&world, other));
    struct sat_record_view view;
    struct sat_record_id id = world_record(3);
    world_load(other, &world.spaces[2], &id, &arena, &view);
    assert_true(view.merged.exists);
}

static void when_it_was_upgraded_the_work_goes_along(void **state)
{
    (void)state;
    struct server server = {.disputes = true, .is_older = true};
    uint32_t number = scene_number(rep);
    scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    serve(&server, rep);
    (void)world_sync(&world, rep);
    (void)world_sync(&world, rep);
    rep->on_way = NULL;
    assert_true(world_sync(&world, rep));
    assert_int_equal(scene_pending(rep) + scene_drafts(rep), 0);
    assert_int_equal(scene_number(rep), number);
}

/* A day later it is asked once more: it may know by then what it is asked. */
static void a_day_later_it_is_asked_once_more(void **state)
{
    (void)state;
    struct server server = {.disputes = true, .is_older = true};
    scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    serve(&server, rep);
    (void)world_sync(&world, rep);
    world.now_ms += UINT64_C(25) * 3600 * 1000;
    server.is_older = false; /* it has nothing to show */
    (void)world_sync(&world, rep);
    rep->on_way = NULL;
    assert_int_equal(server.asked, 2);
    assert_int_equal(rep->last_err, SAT_ERR_FORK);
    assert_int_equal(pending(&(uint32_t){0})[0].refused, SAT_ERR_FORK);
}

static void nor_whether_it_still_has_what_was_handed_in(void **state)
{
    (void)state;
    struct server server = {.is_older = true};
    hand_in();
    serve(&server, rep);
    (void)world_sync(&world, rep);
    assert_int_equal(server.asked_held, 1);
    assert_int_equal(rep->last_err, SAT_ERR_CLOSED);
    scene_write_in(&world, rep, &world.spaces[2], 3, CITY, "Visp");
    for (uint32_t i = 0; i < 3; i++) (void)world_sync(&world, rep);
    assert_int_equal(server.asked_held, 1);
    assert_int_equal(scene_drafts(rep), 0);
    assert_int_equal(scene_pending(rep), 1); /* what the admins have */
    assert_true(world_sync(&world, other));
    struct sat_record_view view;
    struct sat_record_id id = world_record(3);
    world_load(other, &world.spaces[2], &id, &arena, &view);
    assert_true(view.merged.exists);
}

static void and_a_day_later_it_is_asked_that_once_more(void **state)
{
    (void)state;
    struct server server = {.is_older = true};
    hand_in();
    serve(&server, rep);
    for (uint32_t day = 1; day <= 2; day++) {
        for (uint32_t i = 0; i < 3; i++) (void)world_sync(&world, rep);
        assert_int_equal(server.asked_held, day);
        world.now_ms += UINT64_C(25) * 3600 * 1000;
    }
    server.is_older = false; /* it was upgraded */
    for (uint32_t i = 0; i < 3; i++) (void)world_sync(&world, rep);
    assert_int_equal(server.asked_held, 5); /* in each session again */
}

/* What was handed in counts as had, as long as nobody can say. */
static void what_was_handed_in_to_an_older_server_is_let_go_of(void **state)
{
    (void)state;
    struct server server = {.is_older = true};
    hand_in();
    order_grant(&world, rep, 1, 0);
    uint32_t lost = rep->heard[SAT_NOTICE_SPACE_LOST];
    serve(&server, rep);
    (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], lost);
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], lost + 1);
    assert_int_equal(server.asked_held, 1);
    struct sat_aside_row *rows;
    assert_int_equal(order_escrow(world.server_store, &arena, &rows), 1);
}

/* A server may know the one and not the other: what it answers says nothing of what it does not know. */
static void what_it_answers_does_not_have_it_asked_what_it_does_not_know(void **state)
{
    (void)state;
    struct server server = {.is_older = true};
    hand_in();
    serve(&server, rep);
    (void)world_sync(&world, rep);
    assert_int_equal(server.asked_held, 1);
    server = (struct server){.disputes = true, .place = 2, .asked_held = 1};
    scene_write_in(&world, rep, &world.spaces[2], 3, CITY, "Visp");
    for (uint32_t i = 0; i < 2; i++) (void)world_sync(&world, rep);
    assert_int_equal(server.asked, 1); /* and was answered */
    assert_int_equal(server.asked_held, 1);
}

/* ---- Two at once ---- */

static void of_two_whose_numbers_are_disputed_the_first_is_asked_about(void **state)
{
    (void)state;
    struct server server = {.disputes = true};
    uint32_t n;
    uint64_t first = scene_write_in(&world, rep, &world.spaces[1], 9, CITY, "Zug");
    scene_write_in(&world, rep, &world.spaces[2], 3, CITY, "Visp"); /* so that these are two bundles */
    uint64_t second = scene_write_in(&world, rep, &world.spaces[1], 4, CITY, "Chur");
    serve(&server, rep);
    (void)world_sync(&world, rep);
    rep->on_way = NULL;
    assert_int_equal(server.disputed, 2);
    assert_int_equal(server.asked, 1);
    assert_int_equal(server.about[0], first);
    const struct sat_bundle_row *rows = pending(&n);
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].first, first);
    assert_int_equal(rows[0].state, SAT_BUNDLE_REFUSED);
    assert_int_equal(rows[0].refused, SAT_ERR_FORK);
    assert_int_equal(rows[1].first, second);
    assert_int_not_equal(rows[1].state, SAT_BUNDLE_REFUSED); /* it waits behind that one */
    assert_int_equal(rep->heard[SAT_NOTICE_REFUSED], 1);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(who_is_asked_what_has_a_number_and_talks_of_other_things_is_left),
        STORY(and_who_is_asked_for_an_entry),
        STORY(and_who_is_asked_whether_it_still_has_what_was_handed_in),
        STORY(an_older_server_is_not_asked_again_and_again),
        STORY(when_it_was_upgraded_the_work_goes_along),
        STORY(a_day_later_it_is_asked_once_more),
        STORY(nor_whether_it_still_has_what_was_handed_in),
        STORY(and_a_day_later_it_is_asked_that_once_more),
        STORY(what_was_handed_in_to_an_older_server_is_let_go_of),
        STORY(what_it_answers_does_not_have_it_asked_what_it_does_not_know),
        STORY(of_two_whose_numbers_are_disputed_the_first_is_asked_about),
    };
#undef STORY
    return cmocka_run_group_tests_name("unanswered", tests, NULL, NULL);
}
