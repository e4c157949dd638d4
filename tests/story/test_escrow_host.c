/* What admins and managers are shown of what the server keeps for them: the escrow, page by page, and the devices with
 * when they were here last. And that nobody else is shown it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/check.h"
#include "common/sync/admin_items.h"
#include "tests/story/raw.h"
#include "tests/story/scene.h"
#include "tests/story/world_parts.h"

static struct world world;
static struct world_device *admin, *rep, *manager; /* device 3, of user 3, manages the second territory */

static void grant(const struct sat_space_id *of, uint32_t user, uint8_t rights)
{
    struct raw raw;
    struct raw_links links;
    raw_links_begin(&links, &world);
    raw_links_grant(&links, admin, of, user, rights);
    raw_enter(&raw, &world, admin);
    assert_int_equal(raw_append(&raw, &links), SAT_OK);
    raw_end(&raw);
    raw_links_end(&links);
}

static int begin(void **state)
{
    (void)state;
    world_init(&world, 79, 2);
    admin = &world.devices[0];
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_REP, 3);
    rep = raw_join(&world, &code, false);
    code = world_make_invite(&world, SAT_ROLE_MANAGER, 0);
    manager = raw_join(&world, &code, true);
    grant(&world.spaces[1], 3, SAT_RIGHT_READ | SAT_RIGHT_WRITE | SAT_RIGHT_MANAGE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static uint64_t head(void)
{
    return sat_host_directory(world.host)->seq;
}

/* ---- The escrow ---- */

/* So many bundles of the rep in a territory, put aside. */
static void put_aside(uint32_t territory, uint64_t first, uint32_t n)
{
    struct raw raw;
    raw_enter(&raw, &world, rep);
    for (uint32_t i = 0; i < n; i++) {
        struct raw_bundle bundle;
        raw_bundle(&bundle, &world, rep, &world.spaces[territory], first + i, NULL, head());
        assert_int_equal(raw_hand_in(&raw, &bundle), SAT_ERR_ESCROWED);
        raw_bundle_free(&bundle);
    }
    raw_end(&raw);
}

static const struct sat_message_ESCROW *ask_escrow(struct raw *raw, uint64_t after)
{
    raw_say(raw, &(struct sat_message){.type = SAT_MESSAGE_ESCROW_GET, .as.ESCROW_GET = {.after = after}});
    const struct sat_message *answer = raw_hear(raw, SAT_MESSAGE_ESCROW);
    return answer ? &answer->as.ESCROW : NULL;
}

static const struct sat_message_ESCROW *page_behind(struct raw *raw, uint64_t after)
{
    const struct sat_message_ESCROW *page = ask_escrow(raw, after);
    sat_check(page != NULL);
    return page;
}

static struct sat_escrow_item item_of(const struct sat_message_ESCROW *page, uint32_t i)
{
    struct sat_escrow_item item;
    assert_true(i < page->items.n);
    assert_int_equal(sat_escrow_item_decode(page->items.at[i], &item), SAT_OK);
    return item;
}

/* How many the asker is shown in all; each once, in order, and all in territories of the bit set. */
static uint32_t read_all(const struct world_device *asker, uint32_t territories, uint32_t *pages)
{
    struct raw raw;
    uint64_t after = 0;
    uint32_t n = 0;
    raw_enter(&raw, &world, asker);
    for (bool more = true; more; ++*pages) {
        const struct sat_message_ESCROW *page = page_behind(&raw, after);
        more = page->more;
        assert_true(page->items.n || !more);
        for (uint32_t i = 0; i < page->items.n; i++, n++) {
            struct sat_escrow_item item = item_of(page, i);
            assert_true(item.number > after);
            after = item.number;
            uint32_t territory = sat_space_equal(&item.space, &world.spaces[0]) ? 1 : 2;
            assert_true(territories & territory);
        }
    }
    raw_end(&raw);
    return n;
}

static void an_item_of_the_escrow_is_the_bundle_as_it_came(void **state)
{
    (void)state;
    struct raw raw;
    put_aside(0, 1, 1);
    raw_enter(&raw, &world, admin);
    const struct sat_message_ESCROW *page = page_behind(&raw, 0);
    assert_int_equal(page->items.n, 1);
    assert_int_equal(page->more, 0);
    struct sat_escrow_item item = item_of(page, 0);
    assert_int_equal(item.state, SAT_ASIDE_OPEN);
    assert_int_equal(item.recv_ms, world.now_ms);
    assert_int_equal(sat_err_from_wire(item.reason), SAT_ERR_ESCROWED);
    assert_memory_equal(item.space.b, world.spaces[0].b, sizeof item.space.b);
    struct sat_arena arena;
    struct sat_bundle bundle;
    sat_arena_init(&arena);
    const struct sat_directory *directory = sat_host_directory(world.host);
    assert_int_equal(sat_bundle_decode(item.bundle, &directory->org, &item.space, &arena, &bundle), SAT_OK);
    assert_int_equal(sat_bundle_verify(&bundle, &directory->devices[1].sign), SAT_OK);
    assert_int_equal(page_behind(&raw, item.number)->items.n, 0);
    assert_int_equal(page_behind(&raw, SAT_COUNTER_MAX)->items.n, 0);
    raw_end(&raw);
    sat_arena_deinit(&arena);
}

static void a_long_escrow_comes_in_pages(void **state)
{
    (void)state;
    uint32_t pages = 0;
    put_aside(0, 1, 300);
    put_aside(1, 301, 300);
    assert_int_equal(read_all(admin, 3, &pages), 600);
    assert_in_range(pages, 3, 10);
}

/* The largest that there can be, several of them. */
static void large_bundles_come_one_by_one(void **state)
{
    (void)state;
    struct sat_arena arena;
    uint32_t pages = 0;
    sat_arena_init(&arena);
    uint8_t *bytes = sat_arena_alloc(&arena, SAT_BUNDLE_BYTES_MAX);
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    for (uint8_t i = 0; i < 3; i++) {
        struct sat_aside_row row = {.space = world.spaces[0],
                                    .device = 2,
                                    .first = 1,
                                    .count = 1,
                                    .id = {{i}},
                                    .bytes = sat_span(bytes, SAT_BUNDLE_BYTES_MAX),
                                    .recv_ms = world.now_ms,
                                    .reason = SAT_ERR_ESCROWED};
        assert_int_equal(sat_store_aside_put(world.server_store, &row), SAT_OK);
    }
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
    assert_int_equal(read_all(admin, 1, &pages), 3);
    assert_int_equal(pages, 3);
    sat_arena_deinit(&arena);
}

static void a_manager_is_shown_what_lies_in_the_spaces_that_he_manages(void **state)
{
    (void)state;
    uint32_t pages = 0;
    put_aside(0, 1, 300);
    put_aside(1, 301, 3);
    put_aside(0, 401, 300);
    put_aside(1, 801, 4);
    assert_int_equal(read_all(manager, 2, &pages), 7);
    assert_int_equal(pages, 1);
    grant(&world.spaces[1], 3, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    assert_int_equal(read_all(manager, 2, &pages), 0);
}

static void a_rep_is_shown_neither_the_escrow_nor_the_devices(void **state)
{
    (void)state;
    struct raw raw;
    put_aside(0, 1, 1);
    raw_enter(&raw, &world, rep);
    assert_null(ask_escrow(&raw, 0));
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
    raw_enter(&raw, &world, rep);
    raw_say(&raw, &(struct sat_message){.type = SAT_MESSAGE_DEVICES_GET});
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    assert_null(raw_hear(&raw, SAT_MESSAGE_DEVICES));
    raw_end(&raw);
}

/* ---- The devices ---- */

static uint32_t ask_devices(const struct world_device *asker, uint32_t after, struct sat_device_item items[8])
{
    struct raw raw;
    raw_enter(&raw, &world, asker);
    raw_say(&raw, &(struct sat_message){.type = SAT_MESSAGE_DEVICES_GET, .as.DEVICES_GET = {.after = after}});
    const struct sat_message *answer = raw_hear(&raw, SAT_MESSAGE_DEVICES);
    assert_non_null(answer);
    assert_int_equal(answer->as.DEVICES.more, 0);
    uint32_t n = answer->as.DEVICES.items.n;
    assert_in_range(n, 0, 8);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(sat_device_item_decode(answer->as.DEVICES.items.at[i], &items[i]), SAT_OK);
    raw_end(&raw);
    return n;
}

static void an_admin_sees_when_each_device_was_here_and_how_far_it_is_behind(void **state)
{
    (void)state;
    struct sat_device_item items[8];
    struct raw raw, away;
    struct raw_bundle bundle;
    assert_int_equal(ask_devices(admin, 0, items), 3);
    assert_int_equal(items[1].seen_ms, 0); /* it joined by somebody else's session */
    uint64_t left_ms = world.now_ms;
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    assert_non_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    raw_bundle(&bundle, &world, rep, &world.spaces[0], 1, NULL, head());
    assert_int_equal(raw_push(&raw, 1, &bundle), SAT_OK);
    raw_bundle_free(&bundle);
    raw_enter(&away, &world, manager);
    raw_subscribe(&away, 1, &world.spaces[1]);
    raw_end(&away);
    world.now_ms += 60000;
    assert_int_equal(ask_devices(admin, 0, items), 3);
    assert_int_equal(items[1].device, 2);
    assert_int_equal(items[1].seen_ms, world.now_ms); /* it is here */
    assert_int_equal(items[1].lag, 0);
    assert_int_equal(items[2].seen_ms, left_ms);
    assert_int_equal(items[2].version, SAT_PROTOCOL_VERSION);
    assert_int_equal(items[2].wiped_ms, 0);
    raw_end(&raw);
    uint64_t ended_ms = world.now_ms;
    world.now_ms += 60000;
    raw_enter(&away, &world, rep); /* it goes before it has read anything */
    raw_subscribe(&away, 1, &world.spaces[0]);
    raw_end(&away);
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].device, 2);
    assert_int_equal(items[0].seen_ms, ended_ms + 60000);
    assert_int_equal(items[0].lag, 1);
    world_crash_server(&world);
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].seen_ms, ended_ms + 60000);
    assert_int_equal(ask_devices(admin, 3, items), 0);
    assert_int_equal(ask_devices(admin, UINT32_MAX, items), 0);
}

/* Nor does its coming and going cost the server a write each time. */
static void come_and_go(bool subscribes, bool reads)
{
    struct raw raw;
    raw_enter(&raw, &world, rep);
    if (subscribes) raw_subscribe(&raw, 1, &world.spaces[0]);
    while (reads && raw_hear(&raw, SAT_MESSAGE_ENTRIES)) continue;
    raw_end(&raw);
}

static void who_comes_again_at_once_is_written_down_if_it_has_come_further(void **state)
{
    (void)state;
    struct sat_device_item items[8];
    struct raw raw;
    struct raw_bundle bundle;
    raw_bundle(&bundle, &world, rep, &world.spaces[0], 1, NULL, head());
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, &world.spaces[0]);
    assert_int_equal(raw_push(&raw, 1, &bundle), SAT_OK);
    raw_end(&raw);
    raw_bundle_free(&bundle);
    world.now_ms += 60000;
    uint64_t seen_ms = world.now_ms;
    come_and_go(true, false);
    for (uint32_t turn = 0; turn < 3; turn++) {
        world.now_ms += 1000;
        come_and_go(turn == 1, false);
    }
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].seen_ms, seen_ms);
    assert_int_equal(items[0].lag, 1);
    world.now_ms += 1000;
    seen_ms = world.now_ms;
    come_and_go(true, true);
    world.now_ms += 1000;
    come_and_go(true, true);
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].seen_ms, seen_ms);
    assert_int_equal(items[0].lag, 0);
    world.now_ms += 20000;
    come_and_go(false, false);
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].seen_ms, world.now_ms);
    assert_int_equal(items[0].lag, 0); /* it did not ask how far it is */
}

static void a_manager_sees_the_devices_of_those_whom_he_manages(void **state)
{
    (void)state;
    struct sat_device_item items[8];
    assert_int_equal(ask_devices(manager, 0, items), 0); /* the rep works elsewhere, too */
    grant(&world.spaces[0], 2, 0);
    assert_int_equal(ask_devices(manager, 0, items), 1);
    assert_int_equal(items[0].device, 2);
}

/* A disk that takes no byte more does not drop those who read. */
static void a_session_whose_end_cannot_be_written_down_harms_nobody(void **state)
{
    (void)state;
    struct sat_device_item items[8];
    struct raw reader, leaving;
    uint64_t began_ms = world.now_ms;
    raw_enter(&reader, &world, admin);
    raw_enter(&leaving, &world, rep);
    raw_end(&leaving);
    world.now_ms += 60000;
    raw_enter(&leaving, &world, rep);
    world.now_ms += 60000;
    world.trouble = WORLD_SERVER_TROUBLE;
    world_host_event(&world, &(struct sat_event){.kind = SAT_EVENT_CLOSED, .peer = leaving.peer});
    world.trouble = WORLD_NO_TROUBLE;
    assert_int_equal(world.last_trouble, SAT_OK);
    assert_true(sat_host_peer_known(world.host, reader.peer));
    leaving.closed = true;
    raw_end(&leaving);
    assert_int_equal(ask_devices(admin, 1, items), 2);
    assert_int_equal(items[0].seen_ms, began_ms);
    raw_end(&reader);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(an_item_of_the_escrow_is_the_bundle_as_it_came),
        STORY(a_long_escrow_comes_in_pages),
        STORY(large_bundles_come_one_by_one),
        STORY(a_manager_is_shown_what_lies_in_the_spaces_that_he_manages),
        STORY(a_rep_is_shown_neither_the_escrow_nor_the_devices),
        STORY(an_admin_sees_when_each_device_was_here_and_how_far_it_is_behind),
        STORY(who_comes_again_at_once_is_written_down_if_it_has_come_further),
        STORY(a_manager_sees_the_devices_of_those_whom_he_manages),
        STORY(a_session_whose_end_cannot_be_written_down_harms_nobody),
    };
    return cmocka_run_group_tests_name("escrow_host", tests, NULL, NULL);
}
