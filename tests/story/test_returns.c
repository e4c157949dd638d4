/* What a server that was set back is given back though no head of its had proved it, and what it is told when it is set
 * back again before it has signed anything in its new life. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *b; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 101, 2);
    if (getenv("SAY")) world.transcript = stderr;
    a = world_join(&world, 1);
    b = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void all_agree(void)
{
    a->on_way = b->on_way = NULL;
    assert_true(world_settle(&world, 6));
    for (uint32_t i = 0; i < world.devices_n; i++) {
        uint64_t left;
        assert_true(scene_agrees(&world, &world.devices[i]));
        assert_int_equal(scene_pending(&world.devices[i]), 0);
        assert_int_equal(sat_store_return_count(world.devices[i].handle.store, 0, true, &left), 0);
        assert_int_equal(left, 0);
    }
}

/* The territory's heads get lost on their way, from one that says this size on. */
static uint64_t first_lost;

static bool lose_heads(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    struct sat_head head;
    bool passes = true;
    (void)context;
    sat_arena_init(&arena);
    if (down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) == SAT_OK &&
        message.type == SAT_MESSAGE_HEAD && message.as.HEAD.sub == forge_sub(device, &world.spaces[0]) &&
        sat_head_decode(message.as.HEAD.head, &world.spaces[0], &head) == SAT_OK)
        passes = head.size < first_lost;
    sat_arena_deinit(&arena);
    return passes;
}

static void sync_without_head(struct world_device *device, uint64_t from)
{
    first_lost = from;
    device->on_way = lose_heads;
    (void)world_sync(&world, device);
    device->on_way = NULL;
}

static void what_no_head_had_proved_comes_back_from_whoever_has_it(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, b, 1, CITY, "Bern");
    assert_true(world_sync(&world, b));
    sync_without_head(a, 0);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Bern");
    scene_write(&world, a, 1, CITY, "Chur");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a)); /* before its author comes */
    assert_int_equal(scene_log_size(&world), 2);
    all_agree();
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
}

/* b's work has seen a's, and a's next has seen b's. What was replaced within one bundle is a stub at a's. */
static void own_work_goes_back_in_its_place_among_the_others(void **state)
{
    (void)state;
    scene_write(&world, a, 2, CITY, "Olten");
    assert_true(world_settle(&world, 4));
    uint64_t size = scene_log_size(&world);
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    sync_without_head(a, size + 1);
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 1, CITY, "Zug");
    scene_write(&world, b, 1, CITY, "Chur");
    assert_true(world_sync(&world, b));
    sync_without_head(a, size + 1);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
    scene_write(&world, a, 1, CITY, "Genf");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a));
    all_agree();
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Genf");
}

static void a_server_set_back_twice_before_its_new_life_has_shown_a_head(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    world_restore(&world, 1, true);
    sync_without_head(a, 1); /* given back, and not proved again */
    assert_int_equal(scene_log_size(&world), 1);
    world_restore(&world, 1, false); /* in the first life again */
    assert_true(world_sync(&world, a));
    all_agree();
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
}

/* The newer copy has all that was proved: nothing says that the new life ever was. */
static void a_new_life_that_was_set_back_to_before_it_began_is_left(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    world_backup(&world, 2);
    world_restore(&world, 1, true);
    sync_without_head(a, 0);
    world_restore(&world, 2, false);
    a->last_err = SAT_OK;
    assert_true(world_sync(&world, a));
    assert_int_equal(a->last_err, SAT_OK);
    all_agree();
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
}

/* And goes on until it is lost again: by then a newer head proves more of it. */
static void a_life_may_be_lost_come_back_and_be_lost_again(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    world_backup(&world, 2);
    world_restore(&world, 1, true);
    sync_without_head(a, 0);
    world_restore(&world, 2, false);
    assert_true(world_sync(&world, a));
    scene_write(&world, a, 2, CITY, "Chur");
    assert_true(world_sync(&world, a));
    world_restore(&world, 1, true);
    a->last_err = SAT_OK;
    assert_true(world_sync(&world, a));
    assert_int_equal(a->last_err, SAT_OK);
    all_agree();
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Chur");
}

/* The log has lost nothing, but the directory has: what the log takes meanwhile stands under an older one. */
static void a_log_may_go_on_under_the_directory_that_an_older_copy_has(bool announced)
{
    world_backup(&world, 1);
    order_rotate(&world, 0);
    scene_write(&world, b, 1, CITY, "Bern");
    world_restore(&world, 1, announced);
    assert_true(world_sync(&world, b)); /* knows nothing of the new epoch */
    for (uint32_t i = 0; i < world.devices_n; i++) world.devices[i].last_err = SAT_OK;
    assert_true(world_settle(&world, 6));
    assert_true(world_confirm_restore(&world));
    all_agree();
    for (uint32_t i = 0; i < world.devices_n; i++) assert_int_equal(world.devices[i].last_err, SAT_OK);
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Bern");
}

static void an_older_directory_that_is_announced_makes_nobody_a_liar(void **state)
{
    (void)state;
    a_log_may_go_on_under_the_directory_that_an_older_copy_has(true);
}

static void an_older_directory_that_is_not_announced_makes_nobody_a_liar(void **state)
{
    (void)state;
    a_log_may_go_on_under_the_directory_that_an_older_copy_has(false);
}

/* It has signed how far it is in the first life, went back with the second, and comes from there to the first. */
static void who_went_back_with_a_server_is_no_copy(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    world_backup(&world, 2); /* has its cursor */
    world_restore(&world, 1, true);
    sync_without_head(a, 0);
    scene_write(&world, a, 2, CITY, "Chur");
    world_restore(&world, 2, false);
    assert_true(world_sync(&world, a));
    assert_int_equal(scene_pending(a), 0);
    all_agree();
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Chur");
}

/* The second loss finds among what the first brought back a receipt that is younger than one of what stands on it. */
static void what_came_back_goes_back_in_the_order_of_the_log_that_had_it(void **state)
{
    (void)state;
    struct world_device *c = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    sync_without_head(a, 0);
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 1, CITY, "Chur");
    assert_true(world_sync(&world, b));
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a)); /* has no receipt */
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, c));
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, c));
    assert_int_equal(c->heard[SAT_NOTICE_REFUSED], 0);
    assert_int_equal(scene_log_size(&world), 2);
    all_agree();
}

/* Nobody can prove what there was. What stands on a draft that has seen it claims it as little as that one does. */
static void work_on_top_of_work_that_has_seen_what_is_gone_is_not_refused(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, b, 1, CITY, "Bern");
    assert_true(world_sync(&world, b));
    sync_without_head(a, 0);
    scene_write(&world, a, 1, CITY, "Chur");
    world_restore(&world, 1, false);
    sync_without_head(a, 0); /* goes back */
    scene_write(&world, a, 1, CITY, "Genf");
    assert_true(world_sync(&world, a));
    assert_int_equal(a->heard[SAT_NOTICE_REFUSED], 0);
    all_agree();
}

static bool lose_return(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    bool is = false;
    (void)context;
    sat_arena_init(&arena);
    if (!down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_CLIENT, &arena, &message) == SAT_OK)
        is = message.type == SAT_MESSAGE_RETURN;
    sat_arena_deinit(&arena);
    if (is) device->on_way = NULL;
    return !is;
}

static void what_stands_on_something_that_got_lost_on_its_way_goes_again(void **state)
{
    (void)state;
    world_backup(&world, 1);
    for (uint32_t i = 0; i < 5; i++) {
        scene_write(&world, a, i, CITY, "Bern");
        assert_true(world_sync(&world, a)); /* a bundle each */
    }
    assert_true(world_sync(&world, b));
    world_restore(&world, 1, true);
    b->on_way = lose_return;
    scene_write(&world, b, 1, CITY, "Chur");
    (void)world_sync(&world, b);
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Chur");
}

/* A refused push, and what takes its place: no head proves that. Its next work has come back before, else. */
static void a_void_statement_of_ones_own_goes_back_in_its_place(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    scene_damage_push(&world, a, 0);
    world_connect(&world, a);
    while (a->on_way) {
        (void)world_hand_over(&world, a, false);
        (void)world_hand_over(&world, a, true);
    }
    scene_write(&world, a, 2, CITY, "Chur");
    sync_without_head(a, 0);
    assert_int_equal(scene_log_size(&world), 2);
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a));
    all_agree();
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Chur");
}

/* Of the logs there comes nothing but what is said of their lives. */
static bool lose_logs(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    bool passes = true;
    (void)context;
    (void)device;
    sat_arena_init(&arena);
    if (down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) == SAT_OK)
        passes = message.type != SAT_MESSAGE_HEAD && message.type != SAT_MESSAGE_ENTRIES;
    sat_arena_deinit(&arena);
    return passes;
}

/* It is told that it is behind what it had signed, and shows why; but had pushed before it heard that. */
static void who_pushes_before_it_hears_that_it_is_behind_is_no_copy(void **state)
{
    (void)state;
    struct world_device *admin = &world.devices[0];
    world_backup(&world, 1);
    scene_write(&world, admin, 1, CITY, "Bern");
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, admin));
    assert_true(world_confirm_restore(&world));
    world_backup(&world, 2); /* has its cursor */
    scene_write_in(&world, admin, &world.spaces[1], 9, CITY, "Chur");
    world_restore(&world, 1, true);
    admin->on_way = lose_logs;
    (void)world_sync(&world, admin);
    admin->on_way = NULL;
    assert_int_equal(scene_pending(admin), 1);
    world_restore(&world, 2, false);
    (void)world_sync(&world, admin);
    assert_int_equal(admin->heard[SAT_NOTICE_REFUSED], 0);
    all_agree();
    assert_true(scene_space(world.server_store, &world.spaces[1]).log.size > 0);
}

/* What was written before it is in a log that has not been proved, and that is gone, too. */
static void what_stands_before_what_is_given_back_goes_back_too(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    world_backup(&world, 2);
    scene_write(&world, a, 2, CITY, "Chur");
    assert_true(world_sync(&world, a));
    world_restore(&world, 2, true);
    sync_without_head(a, 0); /* the second waits */
    struct sat_space_row row = scene_space(a->handle.store, &world.spaces[0]);
    row.head_size = 0; /* as if it had had to pull the first again */
    assert_int_equal(sat_store_begin(a->handle.store), SAT_OK);
    assert_int_equal(sat_store_space_save(a->handle.store, &row), SAT_OK);
    assert_int_equal(sat_store_commit(a->handle.store), SAT_OK);
    world_restore(&world, 1, false);
    (void)world_sync(&world, a);
    assert_int_equal(a->heard[SAT_NOTICE_REFUSED], 0);
    all_agree();
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
    assert_string_equal(scene_shows(&world, b, 2, CITY), "Chur");
}

static bool lose_lives(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct sat_arena arena;
    struct sat_message message;
    bool is = false;
    (void)context;
    sat_arena_init(&arena);
    if (down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) == SAT_OK)
        is = message.type == SAT_MESSAGE_LIVES;
    sat_arena_deinit(&arena);
    if (is) device->on_way = NULL;
    return !is;
}

/* The territory is new to it; what the server says of its lives first gets lost on its way. */
static void who_has_not_heard_of_a_logs_lives_asks_for_them(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, b, 1, CITY, "Bern");
    assert_true(world_sync(&world, b));
    world_restore(&world, 1, true);
    assert_true(world_settle(&world, 4));
    assert_true(world_confirm_restore(&world));
    order_grant(&world, a, 0, 0);
    (void)world_sync(&world, a);
    order_grant(&world, a, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    a->on_way = lose_lives;
    (void)world_sync(&world, a);
    assert_null(a->on_way);
    world_restore(&world, 1, true);
    a->last_err = SAT_OK;
    (void)world_sync(&world, a);
    assert_int_not_equal(a->last_err, SAT_ERR_FORK);
    (void)world_sync(&world, b);
    (void)world_sync(&world, &world.devices[0]);
    assert_true(world_confirm_restore(&world));
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Bern");
}

/* Nothing was lost when that life was left: its head alone says that it had been further. */
static void a_life_that_was_left_whole_is_known_when_it_comes_back_with_less(void **state)
{
    (void)state;
    world_backup(&world, 1);
    world_restore(&world, 1, true); /* a first life behind the first */
    assert_true(world_settle(&world, 4));
    world_backup(&world, 2);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    scene_write(&world, b, 2, CITY, "Chur");
    scene_lose_push(&world, b, 0); /* it has witnessed the first in that life */
    (void)world_sync(&world, b);
    b->on_way = NULL;
    world_backup(&world, 3);
    world_restore(&world, 3, true);
    assert_true(world_settle(&world, 4));
    world_restore(&world, 1, true);
    assert_true(world_settle(&world, 4));
    world_restore(&world, 2, false);
    (void)world_settle(&world, 4);
    assert_true(world_confirm_restore(&world));
    all_agree();
    assert_string_equal(scene_shows(&world, a, 2, CITY), "Chur");
}

/* ---- What is not taken ---- */

static void revoke_behind_a_return(struct world_device *device)
{
    struct world_device *admin = &world.devices[0];
    (void)world_sync(&world, admin);
    assert_true(world_confirm_restore(&world));
    order_revoke(&world, device);
    assert_true(world_sync(&world, admin));
}

static void assert_shown_alike(uint32_t record)
{
    uint64_t left;
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(scene_shows(&world, b, record, CITY), scene_shows(&world, &world.devices[0], record, CITY));
    assert_true(scene_agrees(&world, b));
    assert_int_equal(sat_store_return_count(b->handle.store, 0, true, &left), SAT_OK);
    assert_int_equal(left, 1); /* and listed */
}

/* It would stand in front of one person alone. */
static void what_is_not_taken_back_is_listed_and_not_shown(void **state)
{
    (void)state;
    scene_write(&world, b, 1, CITY, "Zug");
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    sync_without_head(b, scene_log_size(&world));
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Bern");
    world_restore(&world, 1, true);
    revoke_behind_a_return(a);
    assert_shown_alike(1);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Zug");
}

/* The server has lost what is behind the cut, and the admin does not know of it. */
static void a_cut_before_what_a_server_had_lost_is_no_lie(void **state)
{
    (void)state;
    scene_write(&world, b, 1, CITY, "Zug");
    assert_true(world_settle(&world, 4));
    scene_write(&world, a, 2, CITY, "Thun"); /* so that there is a cut */
    assert_true(world_sync(&world, a));
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    world_restore(&world, 1, true);
    revoke_behind_a_return(a);
    b->last_err = SAT_OK;
    assert_shown_alike(1);
    assert_int_not_equal(b->last_err, SAT_ERR_TAMPERED);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Zug");
}

/* What it has seen does not come back: it is written again, and arrives. */
static void work_that_has_seen_what_is_not_taken_back_is_written_again(void **state)
{
    (void)state;
    uint64_t open;
    scene_write(&world, a, 2, CITY, "Thun"); /* so that there is a cut */
    assert_true(world_sync(&world, a));
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 1, CITY, "Chur");
    scene_write(&world, b, 3, CITY, "Genf");
    scene_lose_push(&world, b, 0); /* frozen, that is */
    (void)world_sync(&world, b);
    b->on_way = NULL;
    world_restore(&world, 1, true);
    revoke_behind_a_return(a);
    assert_shown_alike(1);
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, &world.devices[0], 3, CITY), "Genf");
    assert_int_equal(sat_store_aside_count(b->handle.store, &open), SAT_OK);
    assert_int_equal(open, 0);
}

/* ---- What is no refusal, or one of a life that is gone ---- */

static bool pass_one(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                     struct sat_arena *arena)
{
    (void)device;
    (void)message;
    (void)arena;
    return filter->met == 1;
}

static bool lose_all(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                     struct sat_arena *arena)
{
    (void)filter;
    (void)device;
    (void)message;
    (void)arena;
    return false;
}

static bool damage_return(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                          struct sat_arena *arena)
{
    struct sat_span *bytes = &message->as.RETURN.bundle;
    uint8_t *copy = sat_arena_array(arena, bytes->len, 1);
    (void)filter;
    (void)device;
    memcpy(copy, bytes->at, bytes->len);
    copy[bytes->len / 2] ^= 1;
    *bytes = sat_span(copy, bytes->len);
    return true;
}

static void sync_through(struct world_device *device, struct forge_filter filter)
{
    forge_filter_on(device, &filter);
    (void)world_sync(&world, device);
    device->on_way = NULL;
    assert_true(filter.met > 0);
}

static uint64_t not_taken(struct world_device *device)
{
    uint64_t left, all;
    assert_int_equal(sat_store_return_count(device->handle.store, 0, false, &left), SAT_OK);
    assert_int_equal(sat_store_return_count(device->handle.store, 0, true, &all), SAT_OK);
    return all - left;
}

/* The log has it from somebody who has a hash of what was replaced, and lacks the bytes; the entries are withheld from
 * a, who waits with the same. */
static void that_a_log_lacks_bytes_of_what_waits_is_no_refusal(void **state)
{
    (void)state;
    struct world_device *late = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    scene_write(&world, a, 1, CITY, "Bern");
    scene_write(&world, a, 2, CITY, "Thun");
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, b));
    scene_write(&world, b, 1, CITY, "Chur");
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
    assert_true(world_sync(&world, late));
    world_restore(&world, 1, true);
    sync_through(late, (struct forge_filter){.type = SAT_MESSAGE_RETURN, .change = pass_one});
    assert_int_equal(scene_log_size(&world), 1);
    sync_through(a, (struct forge_filter){.type = SAT_MESSAGE_ENTRIES, .change = lose_all});
    assert_int_equal(not_taken(a), 0);
    assert_int_equal(a->heard[SAT_NOTICE_REFUSED], 0);
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a));
    assert_true(scene_agrees(&world, a));
    all_agree();
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Chur");
    assert_string_equal(scene_shows(&world, late, 2, CITY), "Thun");
}

/* Set back to where it had been already: this device has lost nothing by that, and has its work still to give back. */
static void what_one_life_of_a_log_refused_is_given_to_the_next(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, b, 1, CITY, "Bern");
    assert_true(world_sync(&world, b));
    assert_true(world_sync(&world, a));
    world_restore(&world, 1, true);
    sync_through(a, (struct forge_filter){.type = SAT_MESSAGE_RETURN, .change = damage_return});
    assert_int_equal(not_taken(a), 1);
    world_restore(&world, 1, true);
    assert_true(world_sync(&world, a));
    assert_int_equal(not_taken(a), 0);
    assert_int_equal(scene_log_size(&world), 1);
    all_agree();
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Bern");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
        STORY(what_no_head_had_proved_comes_back_from_whoever_has_it),
        STORY(own_work_goes_back_in_its_place_among_the_others),
        STORY(a_server_set_back_twice_before_its_new_life_has_shown_a_head),
        STORY(a_new_life_that_was_set_back_to_before_it_began_is_left),
        STORY(a_life_may_be_lost_come_back_and_be_lost_again),
        STORY(an_older_directory_that_is_announced_makes_nobody_a_liar),
        STORY(an_older_directory_that_is_not_announced_makes_nobody_a_liar),
        STORY(who_went_back_with_a_server_is_no_copy),
        STORY(what_came_back_goes_back_in_the_order_of_the_log_that_had_it),
        STORY(work_on_top_of_work_that_has_seen_what_is_gone_is_not_refused),
        STORY(what_stands_on_something_that_got_lost_on_its_way_goes_again),
        STORY(a_void_statement_of_ones_own_goes_back_in_its_place),
        STORY(who_pushes_before_it_hears_that_it_is_behind_is_no_copy),
        STORY(what_stands_before_what_is_given_back_goes_back_too),
        STORY(who_has_not_heard_of_a_logs_lives_asks_for_them),
        STORY(a_life_that_was_left_whole_is_known_when_it_comes_back_with_less),
        STORY(what_is_not_taken_back_is_listed_and_not_shown),
        STORY(a_cut_before_what_a_server_had_lost_is_no_lie),
        STORY(work_that_has_seen_what_is_not_taken_back_is_written_again),
        STORY(that_a_log_lacks_bytes_of_what_waits_is_no_refusal),
        STORY(what_one_life_of_a_log_refused_is_given_to_the_next),
    };
    return cmocka_run_group_tests_name("returns", tests, NULL, NULL);
}
