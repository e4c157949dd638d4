/* What travels, in bytes: the formats are frozen against these figures (issue "Bytes"). WebSocket payload where it says
 * payload; "framed" counts RFC 6455's framing too: 2 to 4 bytes from the server, 6 to 8 from a client. TLS and the
 * upgrade are not in it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/check.h"
#include "client/links.h"
#include "common/wire/message.h"
#include "tests/story/bulk.h"
#include "tests/story/scene.h"

enum {
    LIVE_MAX = 220,
    RECONNECT_MAX = 512,
    BULK_MAX = 180,
    REVOCATION_MAX = 960,
    BULK = 1000,
    MANY = 100000,
    FEW = 1000
};
enum { TLS_RECORD = 22 }; /* what TLS 1.3 puts around each message: header 5, type 1, tag 16 */

static struct world world;

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* ---- What passed ---- */

static struct {
    char names[400];    /* in order: ">" from the device, "<" from the server */
    uint64_t bytes[64]; /* by type */
} seen;

static bool note(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    enum sat_message_sender sender = down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT;
    sat_check(sat_message_decode(sat_buf_span(bytes), sender, &arena, &message) == SAT_OK);
    size_t len = strlen(seen.names);
    if (len < sizeof seen.names - 20)
        (void)snprintf(seen.names + len, sizeof seen.names - len, "%s%c%s", len ? " " : "", down ? '<' : '>',
                       sat_message_name(message.type));
    seen.bytes[message.type] += bytes->len;
    sat_arena_deinit(&arena);
    return true;
}

static void watch(struct world_device *device)
{
    memset(&seen, 0, sizeof seen);
    device->on_way = note;
    device->up_traffic = device->down_traffic = (struct world_traffic){0};
}

/* ---- One small live change ---- */

static void one_small_live_change_takes_220_bytes(void **state)
{
    (void)state;
    world_init(&world, 17, 1);
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    /* Not in a fresh log: the numbers are those of an org that has been at work. */
    for (uint32_t i = 0; i < 300; i++) scene_write(&world, a, i, CITY, "Zürich");
    scene_write(&world, a, 1, NAME, "Blondesddsl père et fils");
    assert_true(world_sync(&world, a));
    for (uint32_t i = 0; i < 200; i++) {
        scene_write(&world, a, i % 7, ADDRESS, i % 2 ? "24, place Kléber" : "1 rue Alsace");
        if (i % 2) assert_true(world_sync(&world, a));
    }
    assert_true(world_sync(&world, b));
    world_connect(&world, a);
    world_run(&world, a);
    world_connect(&world, b);
    world_run(&world, b);
    watch(a);
    scene_write(&world, a, 1, CITY, "Strasbourg-Neudorf 4");
    world_run(&world, a);
    uint64_t push = seen.bytes[SAT_MESSAGE_PUSH];
    assert_string_equal(seen.names, ">PUSH <ENTRIES <HEAD");
    watch(b);
    world_run(&world, b);
    uint64_t entries = seen.bytes[SAT_MESSAGE_ENTRIES];
    assert_string_equal(seen.names, "<ENTRIES <HEAD");
    assert_string_equal(scene_shows(&world, b, 1, CITY), "Strasbourg-Neudorf 4");
    print_message("one small live change: PUSH %llu, ENTRIES to a reader %llu bytes (at most %d)\n",
                  (unsigned long long)push, (unsigned long long)entries, LIVE_MAX);
    assert_true(push <= LIVE_MAX);
    assert_true(entries <= LIVE_MAX);
}

/* ---- A reconnect with nothing new ---- */

/* Commits `n` records into a space by one device, a few thousand a transaction. */
static void write_many(struct world_device *device, const struct sat_space_id *space, uint32_t n)
{
    enum { AT_ONCE = 2000 };
    static struct sat_edit edits[AT_ONCE];
    static struct sat_cell cells[AT_ONCE];
    int64_t sid = world_sid(device, space);
    for (uint32_t done = 0; done < n;) {
        uint32_t now = n - done < AT_ONCE ? n - done : AT_ONCE;
        for (uint32_t i = 0; i < now; i++) {
            cells[i] = world_text(NAME, "Quick-Stop");
            edits[i] = (struct sat_edit){
                .record = world_record(done + i), .sid = sid, .type = ACCOUNT, .cells = &cells[i], .cells_n = 1};
        }
        uint64_t first, last;
        world_edit(&world, device, edits, now, &first, &last);
        done += now;
    }
}

static uint64_t reconnect(struct world_device *device, const char *expected)
{
    world_disconnect(&world, device);
    watch(device);
    assert_true(world_sync(&world, device));
    device->on_way = NULL;
    assert_string_equal(seen.names, expected);
    return device->up_traffic.framed + device->down_traffic.framed;
}

/* One round trip: the device speaks once, in answer to the hello, and the server's answer to that is the end. */
static const char TWO_SPACES[] = "<HELLO >AUTH >SUBSCRIBE <HEAD <HEAD";

static void add_users(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    struct sat_buf body;
    sat_buf_init(&body);
    for (uint32_t i = 0; i < CLIENT_LINKS_MAX; i++) {
        sat_buf_clear(&body);
        sat_body_user_encode(
            &(struct sat_body_user){.user = links->ahead.users_n + 1, .role = SAT_ROLE_REP, .state = 1}, &body);
        assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    }
    sat_buf_deinit(&body);
}

static void a_reconnect_with_nothing_new_takes_512_bytes(void **state)
{
    (void)state;
    world_init(&world, 19, 0);
    struct world_device *admin = &world.devices[0]; /* reads org and people: two spaces */
    const struct sat_directory *directory = &admin->handle.directory;
    struct sat_space_id org = sat_directory_space_of_kind(directory, SAT_SPACE_ORG)->id;
    struct sat_space_id people = sat_directory_space_of_kind(directory, SAT_SPACE_PEOPLE)->id;
    for (uint32_t i = 0; i < 20; i++) assert_true(world_append(&world, admin, add_users, NULL));
    write_many(admin, &people, 1);
    write_many(admin, &org, FEW);
    assert_true(world_sync(&world, admin));
    uint64_t few = reconnect(admin, TWO_SPACES);
#ifdef __SANITIZE_ADDRESS__
    const uint32_t many = MANY / 10; /* slow there; the plain run has them all */
#else
    const uint32_t many = MANY;
#endif
    write_many(admin, &org, many); /* the first of them are there: they write nothing */
    assert_true(world_sync(&world, admin));
    uint64_t full = reconnect(admin, TWO_SPACES);
    print_message(
        "a reconnect with nothing new, two spaces: %llu bytes at %u records, %llu at %u, framed (at most %d)\n",
        (unsigned long long)few, FEW, (unsigned long long)full, many, RECONNECT_MAX);
    assert_int_equal(scene_space(world.server_store, &org).live, many);
    assert_true(few <= RECONNECT_MAX);
    assert_true(full <= RECONNECT_MAX);
    assert_true(full <= few + 8); /* numbers may take a byte more */
}

/* ---- A device is revoked ---- */

/* As `device revoke` does: with new keys of what everybody reads. */
static void revoke_last(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    const struct sat_space_id org = sat_directory_space_of_kind(&links->ahead, SAT_SPACE_ORG)->id;
    const struct sat_space_id people = sat_directory_space_of_kind(&links->ahead, SAT_SPACE_PEOPLE)->id;
    assert_int_equal(client_links_add_revoke(links, links->ahead.devices_n), SAT_OK);
    assert_int_equal(client_links_add_epoch(links, &org), SAT_OK);
    assert_int_equal(client_links_add_epoch(links, &people), SAT_OK);
}

static uint64_t downloaded(struct world_device *device)
{
    watch(device);
    assert_true(world_sync(&world, device));
    device->on_way = NULL;
    return device->down_traffic.framed + device->down_traffic.messages * TLS_RECORD;
}

/* What another device downloads for it, TLS and all: three links and its two boxes. */
static void a_revocation_of_one_device_costs_another_960_bytes(void **state)
{
    (void)state;
    world_init(&world, 29, 0);
    struct world_device *admin = &world.devices[0], *reader = world_join(&world, 0);
    for (uint32_t i = 0; i < 20; i++) assert_true(world_append(&world, admin, add_users, NULL));
    (void)world_join(&world, 0);
    assert_true(world_settle(&world, 4));
    uint64_t idle = downloaded(reader);
    assert_true(world_append(&world, admin, revoke_last, NULL));
    assert_int_equal(admin->handle.directory.spaces[0].epoch, 2);
    assert_int_equal(admin->handle.directory.spaces[1].epoch, 2);
    uint64_t cost = downloaded(reader) - idle;
    print_message("a revocation: %llu bytes to another device, LINKS %llu, BOXES %llu (at most %d)\n",
                  (unsigned long long)cost, (unsigned long long)seen.bytes[SAT_MESSAGE_LINKS],
                  (unsigned long long)seen.bytes[SAT_MESSAGE_BOXES], REVOCATION_MAX);
    assert_true(cost <= REVOCATION_MAX);
}

/* ---- In bulk ---- */

static void a_thousand_records_of_300_bytes_take_180_bytes_each(void **state)
{
    (void)state;
    world_init(&world, 23, 1);
    struct world_device *a = world_join(&world, 1), *b = world_join(&world, 1);
    static struct sat_edit edits[BULK];
    struct sat_arena arena;
    sat_arena_init(&arena);
    size_t json = 0;
    int64_t sid = world_sid(a, &world.spaces[0]);
    for (uint32_t i = 0; i < BULK; i++) {
        edits[i] = bulk_record(&world, sid, i, &arena);
        json += bulk_json_bytes(&edits[i]);
    }
    uint64_t first, last;
    world_edit(&world, a, edits, BULK, &first, &last);
    assert_int_equal(last - first + 1, BULK);
    sat_arena_deinit(&arena);
    watch(a);
    assert_true(world_sync(&world, a));
    uint64_t pushed = seen.bytes[SAT_MESSAGE_PUSH];
    watch(b);
    assert_true(world_sync(&world, b));
    uint64_t pulled = seen.bytes[SAT_MESSAGE_ENTRIES];
    print_message("in bulk: %.1f bytes of JSON a record; %.1f pushed, %.1f pulled (at most %d)\n", (double)json / BULK,
                  (double)pushed / BULK, (double)pulled / BULK, BULK_MAX);
    assert_true(scene_agrees(&world, b));
    assert_in_range(json / BULK, 290, 310);
    assert_true(pushed <= (uint64_t)BULK * BULK_MAX);
    assert_true(pulled <= (uint64_t)BULK * BULK_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_small_live_change_takes_220_bytes, end),
        cmocka_unit_test_teardown(a_reconnect_with_nothing_new_takes_512_bytes, end),
        cmocka_unit_test_teardown(a_revocation_of_one_device_costs_another_960_bytes, end),
        cmocka_unit_test_teardown(a_thousand_records_of_300_bytes_take_180_bytes_each, end),
    };
    return cmocka_run_group_tests_name("wire size", tests, NULL, NULL);
}
