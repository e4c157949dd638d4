/* Stories of devices that are out: revoked, suspended, wiped. What they had not synced goes to the admins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *admin, *rep, *other;
static struct sat_arena arena;
static uint32_t number; /* the rep's device */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 302, 2);
    sat_arena_init(&arena);
    admin = &world.devices[0];
    rep = world_join(&world, 3);
    other = world_join(&world, 3);
    number = scene_number(rep);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    sat_arena_deinit(&arena);
    world_deinit(&world);
    return 0;
}

static uint32_t escrow(struct sat_aside_row **rows)
{
    return order_escrow(world.server_store, &arena, rows);
}

static void work_unsynced(void)
{
    scene_write(&world, rep, 1, CITY, "Biel");
    scene_write_in(&world, rep, &world.spaces[1], 2, CITY, "Chur");
}

static void is_told_that_it_is_out(uint32_t times)
{
    rep->last_err = SAT_OK;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_REVOKED);
    assert_int_equal(rep->heard[SAT_NOTICE_REVOKED], times);
}

/* ---- Revoked ---- */

static void a_revoked_device_hands_in_its_work_and_is_told(void **state)
{
    (void)state;
    work_unsynced();
    order_revoke(&world, rep);
    is_told_that_it_is_out(1);
    assert_false(rep->told_wipe);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 2);
    assert_int_equal(scene_drafts(rep), 0);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    assert_int_equal(rows[0].device, number);
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel"); /* nothing was ordered to be wiped */
    is_told_that_it_is_out(2);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 2); /* nothing twice */
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Bern");
}

static void what_it_handed_in_can_be_let_in(void **state)
{
    (void)state;
    work_unsynced();
    order_revoke(&world, rep);
    is_told_that_it_is_out(1);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    for (uint32_t i = 0; i < 2; i++) order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[i]);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    assert_true(world_sync(&world, admin));
    assert_true(scene_agrees(&world, admin));
    struct world_device *late = world_join(&world, 1); /* who reads the log late decides as the others did */
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Biel");
}

/* The server says that something came first. As nothing has, that is the answer, and nobody waits for it. */
static void what_stands_on_other_work_is_not_let_in_before_it(void **state)
{
    (void)state;
    scene_lose_push(&world, rep, 0);
    scene_write(&world, rep, 1, CITY, "Biel");
    (void)world_sync(&world, rep);
    scene_write(&world, rep, 1, CITY, "Genf");
    order_revoke(&world, rep);
    is_told_that_it_is_out(1);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    admin->last_err = SAT_OK;
    assert_false(order_was_decided(&world, SAT_ACCEPT_BUNDLE, &rows[1]));
    assert_int_equal(admin->last_err, SAT_ERR_STALE);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[1]);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Genf");
}

static void without_work_it_is_just_told(void **state)
{
    (void)state;
    order_revoke(&world, rep);
    is_told_that_it_is_out(1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 0);
}

static void one_that_is_connected_hands_in_as_well(void **state)
{
    (void)state;
    world_connect(&world, rep);
    world_run(&world, rep);
    order_revoke(&world, rep);
    work_unsynced(); /* pushed before it hears of it */
    world_run(&world, rep);
    assert_int_equal(rep->last_err, SAT_ERR_REVOKED);
    assert_int_equal(rep->heard[SAT_NOTICE_REVOKED], 1);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
}

static void it_gets_no_more_of_the_directory_than_its_end(void **state)
{
    (void)state;
    order_revoke(&world, rep);
    uint64_t out = sat_directory_device(sat_host_directory(world.host), number)->revoked_seq;
    for (uint32_t i = 0; i < 3; i++) order_rotate(&world, 0);
    is_told_that_it_is_out(1);
    assert_int_equal(rep->handle.directory.seq, out);
}

/* Only a link says that a device is out, never a server. */
static bool claim(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                  struct sat_arena *use)
{
    (void)filter, (void)device, (void)use;
    *message = (struct sat_message){.type = SAT_MESSAGE_ERROR};
    message->as.ERROR =
        (struct sat_message_ERROR){.error = SAT_ERR_REVOKED, .text = sat_span_text("you have been revoked")};
    return true;
}

static void a_servers_word_alone_revokes_nobody(void **state)
{
    (void)state;
    work_unsynced();
    struct forge_filter filter = {.type = SAT_MESSAGE_HEAD, .change = claim};
    forge_filter_on(rep, &filter);
    rep->last_err = SAT_OK;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_CLOSED);
    assert_int_equal(rep->heard[SAT_NOTICE_REVOKED], 0);
    rep->on_way = NULL;
    assert_true(world_sync(&world, rep));
}

/* ---- Suspended ---- */

static void who_is_suspended_hands_in_and_comes_back(void **state)
{
    (void)state;
    work_unsynced();
    order_suspend(&world, rep, true);
    is_told_that_it_is_out(1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 2);
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 0);
    assert_string_equal(scene_shows(&world, rep, 1, CITY), "Biel");
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    order_suspend(&world, rep, false);
    /* The new keys were made while he was away: he is given them with the next rotation. */
    order_rotate(&world, 0);
    order_rotate(&world, 1);
    for (uint32_t i = 0; i < 2; i++) order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[i]);
    (void)world_sync(&world, rep);
    assert_int_equal(scene_pending(rep), 0);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Biel");
    scene_write(&world, rep, 1, CITY, "Genf");
    (void)world_sync(&world, rep);
    assert_true(world_sync(&world, other));
    assert_string_equal(scene_shows(&world, other, 1, CITY), "Genf");
}

/* ---- Wiped ---- */

static struct sat_wipe_receipt receipt;

/* As the application does it: signs while it can, destroys the keys, comes back without. */
static void sign_receipt(void)
{
    const struct sat_device *own = sat_directory_device(&rep->handle.directory, number);
    assert_true(own->wiped_seq > 0);
    receipt = (struct sat_wipe_receipt){.wipe_seq = own->wiped_seq, .time_ms = world.now_ms};
    sat_wipe_receipt_sign(&receipt, &rep->handle.directory.org, number,
                          &sat_keyring_secrets(rep->handle.keyring)->sign);
}

static void without_keys(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->mode = SAT_REPLICA_WIPED;
    config->key = NULL;
    config->receipt = receipt;
    config->hooks = (struct sat_replica_hooks){0};
}

static void is_wiped_in_the_directory(void)
{
    order_revoke(&world, rep);
    order_wipe(&world, rep);
}

static uint64_t receipt_time(void)
{
    struct sat_sighting row;
    bool found;
    assert_int_equal(sat_store_sighting_get(world.server_store, number, &row, &found), SAT_OK);
    return found ? row.wiped_ms : 0;
}

static void a_wiped_device_freezes_first_and_hands_in_without_keys(void **state)
{
    (void)state;
    work_unsynced();
    is_wiped_in_the_directory();
    is_told_that_it_is_out(1);
    assert_true(rep->told_wipe);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 0);
    assert_int_equal(scene_drafts(rep), 0);
    assert_int_equal(scene_pending(rep), 2);
    sign_receipt();
    rep->tune = without_keys;
    rep->last_err = SAT_OK;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->last_err, SAT_OK);
    assert_int_equal(rep->heard[SAT_NOTICE_WIPED], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 2);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    assert_int_equal(receipt_time(), receipt.time_ms);
}

static void a_wipe_goes_on_after_a_crash_at_any_moment(void **state)
{
    (void)state;
    work_unsynced();
    is_wiped_in_the_directory();
    uint32_t cuts = 0;
    while (!rep->heard[SAT_NOTICE_REVOKED]) { /* it hears of it … */
        world_connect(&world, rep);
        for (uint32_t i = 0; i < cuts && !rep->heard[SAT_NOTICE_REVOKED]; i++)
            if (!world_deliver(&world, rep, WORLD_NO_FAULT)) break;
        world_crash_device(&world, rep);
        assert_true(++cuts < 50);
    }
    assert_true(rep->told_wipe);
    sign_receipt();
    rep->tune = without_keys; /* … and says so */
    for (cuts = 0; !rep->heard[SAT_NOTICE_WIPED]; cuts++) {
        world_connect(&world, rep);
        for (uint32_t i = 0; i < cuts && !rep->heard[SAT_NOTICE_WIPED]; i++)
            if (!world_deliver(&world, rep, WORLD_NO_FAULT)) break;
        world_crash_device(&world, rep);
        assert_true(cuts < 50);
    }
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
    assert_int_equal(receipt_time(), receipt.time_ms);
    assert_true(cuts > 3);
}

static void a_receipt_of_another_wipe_counts_for_nothing(void **state)
{
    (void)state;
    is_wiped_in_the_directory();
    is_told_that_it_is_out(1);
    sign_receipt();
    receipt.time_ms++;
    rep->tune = without_keys;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->heard[SAT_NOTICE_WIPED], 0);
    assert_int_equal(rep->last_err, SAT_ERR_DENIED);
    assert_int_equal(receipt_time(), 0);
}

/* Spoils what is handed in first, so that the server will never take it. */
static bool spoil(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    struct sat_arena one;
    struct sat_message message;
    sat_arena_init(&one);
    bool handed_in = !down && !sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &one, &message) &&
                     message.type == SAT_MESSAGE_HAND_IN;
    if (handed_in) bytes->at[bytes->len - 1] ^= 1;
    if (handed_in) device->on_way = NULL;
    sat_arena_deinit(&one);
    return true;
}

static void what_is_never_taken_keeps_nothing_back_that_is(void **state)
{
    (void)state;
    work_unsynced();
    scene_write(&world, rep, 3, CITY, "Davos"); /* in the first territory again: a bundle of its own */
    is_wiped_in_the_directory();
    is_told_that_it_is_out(1);
    assert_int_equal(scene_pending(rep), 3);
    sign_receipt();
    rep->tune = without_keys;
    rep->on_way = spoil;
    rep->last_err = SAT_OK;
    (void)world_sync(&world, rep);
    assert_int_equal(rep->last_err, SAT_OK);
    assert_int_equal(rep->heard[SAT_NOTICE_WIPED], 1);
    assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], 3);
    struct sat_aside_row *rows;
    assert_int_equal(escrow(&rows), 2);
}

/* The order to wipe comes behind the revocation, in another message. */
static bool split(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                  struct sat_arena *use)
{
    (void)use;
    struct sat_message_LINKS links = message->as.LINKS;
    if (filter->met > 1 || links.links.n < 2) return true;
    for (uint32_t i = 0; i + 1 < links.links.n; i++) {
        struct sat_message one = {.type = SAT_MESSAGE_LINKS};
        one.as.LINKS = (struct sat_message_LINKS){links.first_seq + i, {links.links.at + i, 1}};
        forge_send(device, true, &one);
    }
    struct sat_message last = {.type = SAT_MESSAGE_LINKS};
    last.as.LINKS =
        (struct sat_message_LINKS){links.first_seq + links.links.n - 1, {links.links.at + links.links.n - 1, 1}};
    forge_send(device, true, &last);
    return false;
}

static void an_order_to_wipe_that_comes_apart_is_seen(void **state)
{
    (void)state;
    work_unsynced();
    is_wiped_in_the_directory();
    struct forge_filter filter = {.type = SAT_MESSAGE_LINKS, .change = split};
    forge_filter_on(rep, &filter);
    is_told_that_it_is_out(1);
    assert_true(rep->told_wipe);
}

/* ---- What admins are shown ---- */

static struct {
    uint64_t escrow_numbers[8], seen_ms[8];
    uint32_t escrow_n, devices_n, pages;
    struct sat_hash first;
    bool more;
} shown;

static enum sat_err show_escrow(void *context, const struct sat_escrow_item *items, uint32_t n, bool more)
{
    (void)context;
    for (uint32_t i = 0; i < n; i++) {
        struct sat_bundle bundle;
        assert_int_equal(
            sat_bundle_decode(items[i].bundle, &admin->handle.directory.org, &items[i].space, &arena, &bundle), SAT_OK);
        assert_int_equal(bundle.manifest.device, number);
        shown.escrow_numbers[shown.escrow_n++] = items[i].number;
    }
    shown.more = more;
    shown.pages++;
    return SAT_OK;
}

static enum sat_err show_devices(void *context, const struct sat_device_item *items, uint32_t n, bool more)
{
    (void)context;
    for (uint32_t i = 0; i < n; i++) shown.seen_ms[items[i].device] = items[i].seen_ms;
    shown.devices_n += n;
    shown.more = more;
    return SAT_OK;
}

static void with_questions(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->hooks.escrow = show_escrow;
    config->hooks.devices = show_devices;
    config->directory_only = true;
}

static void ask(struct world_device *device, uint64_t after)
{
    struct sat_actions actions;
    sat_actions_init(&actions, &arena);
    device->tune = with_questions;
    world_connect(&world, device);
    memset(&shown, 0, sizeof shown);
    assert_int_equal(sat_replica_ask_escrow(device->replica, world.now_ms, after, &actions), SAT_OK);
    assert_int_equal(sat_replica_ask_devices(device->replica, world.now_ms, 0, &actions), SAT_OK);

    assert_null(actions.first); /* the server has not been met */
    world_run(&world, device);
    device->tune = NULL;
}

static void an_admin_is_shown_the_escrow_and_the_devices(void **state)
{
    (void)state;
    work_unsynced();
    order_revoke(&world, rep);
    is_told_that_it_is_out(1);
    world_disconnect(&world, admin);
    ask(admin, 0);
    assert_true(admin->idle); /* only now */
    assert_int_equal(shown.escrow_n, 2);
    assert_int_equal(shown.devices_n, sat_host_directory(world.host)->devices_n);
    assert_true(shown.seen_ms[number] > 0);
    assert_false(shown.more);
    uint64_t first = shown.escrow_numbers[0], second = shown.escrow_numbers[1];
    world_disconnect(&world, admin);
    ask(admin, first);
    assert_int_equal(shown.escrow_n, 1);
    assert_int_equal(shown.escrow_numbers[0], second);
}

static void nobody_else_is(void **state)
{
    (void)state;
    other->last_err = SAT_OK;
    ask(other, 0);
    assert_int_equal(other->last_err, SAT_ERR_DENIED);
    assert_int_equal(shown.pages, 0);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_revoked_device_hands_in_its_work_and_is_told),
        STORY(what_it_handed_in_can_be_let_in),
        STORY(what_stands_on_other_work_is_not_let_in_before_it),
        STORY(without_work_it_is_just_told),
        STORY(one_that_is_connected_hands_in_as_well),
        STORY(it_gets_no_more_of_the_directory_than_its_end),
        STORY(a_servers_word_alone_revokes_nobody),
        STORY(who_is_suspended_hands_in_and_comes_back),
        STORY(a_wiped_device_freezes_first_and_hands_in_without_keys),
        STORY(a_wipe_goes_on_after_a_crash_at_any_moment),
        STORY(a_receipt_of_another_wipe_counts_for_nothing),
        STORY(what_is_never_taken_keeps_nothing_back_that_is),
        STORY(an_order_to_wipe_that_comes_apart_is_seen),
        STORY(an_admin_is_shown_the_escrow_and_the_devices),
        STORY(nobody_else_is),
    };
#undef STORY
    return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
