/* What a hostile or broken server is caught at in the handshake, the directory and the key boxes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "common/proof/link_short.h"
#include "tests/story/forge.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *author, *reader; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    assert_true(scene_two_reps(&world, 53, &author, &reader));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void write_and_push(const char *value)
{
    scene_write(&world, author, 1, CITY, value);
    assert_true(world_sync(&world, author));
}

static void open_and_sync(struct world_device *device)
{
    world_connect(&world, device);
    world_run(&world, device);
    assert_true(sat_replica_in_sync(device->replica));
    device->last_err = SAT_OK;
}

static struct sat_span flipped(struct sat_arena *arena, struct sat_span span, size_t at)
{
    uint8_t *copy = sat_arena_copy(arena, span.at, span.len);
    copy[at] ^= 1;
    return sat_span(copy, span.len);
}

/* ---- The handshake ---- */

static struct sat_message_HELLO first_hello;

static bool replay(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                   struct sat_arena *arena)
{
    (void)device;
    (void)arena;
    if (filter->met == 1)
        first_hello = message->as.HELLO;
    else
        message->as.HELLO = first_hello;
    return true;
}

static void a_replayed_hello_is_caught(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_HELLO, .change = replay};
    forge_filter_on(reader, &filter);
    assert_true(world_sync(&world, reader));
    assert_false(world_sync(&world, reader));
    assert_int_equal(reader->last_err, SAT_ERR_WRONG_SERVER);
}

struct hello_lie {
    const struct sat_sign_key *key;
    uint64_t dir_seq_more;
    uint8_t dir_hash_flip;
    uint64_t version_more;
};

static bool sign_another_hello(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                               struct sat_arena *arena)
{
    (void)arena;
    const struct hello_lie *lie = filter->context;
    struct sat_message_HELLO *said = &message->as.HELLO;
    said->version += lie->version_more;
    said->dir_seq += lie->dir_seq_more;
    said->dir_hash[4] ^= lie->dir_hash_flip;
    struct sat_hello hello = {.time_ms = said->time_ms, .dir_seq = said->dir_seq};
    sat_replica_nonce(device->replica, hello.client_nonce);
    memcpy(hello.server_nonce, said->server_nonce, sizeof hello.server_nonce);
    memcpy(hello.dir_hash.b, said->dir_hash, sizeof hello.dir_hash.b);
    struct sat_signature signature = sat_hello_sign(&hello, &sat_host_directory(world.host)->org, lie->key);
    memcpy(said->signature, signature.b, sizeof signature.b);
    return true;
}

static void caught_at_hello(struct world_device *device, struct hello_lie lie, enum sat_err err)
{
    struct forge_filter filter = {.type = SAT_MESSAGE_HELLO, .change = sign_another_hello, .context = &lie};
    forge_filter_on(device, &filter);
    device->last_err = SAT_OK;
    assert_false(world_sync(&world, device));
    assert_int_equal(device->last_err, err);
    device->on_way = NULL;
}

static void another_server_is_caught_before_it_learns_anything(void **state)
{
    (void)state;
    uint64_t said = reader->up_traffic.messages;
    caught_at_hello(reader, (struct hello_lie){.key = &sat_keyring_secrets(author->handle.keyring)->sign},
                    SAT_ERR_WRONG_SERVER);
    assert_int_equal(reader->up_traffic.messages, said);
    struct world_device *invitee = world_invite(&world, 1); /* who knows it from the code alone */
    caught_at_hello(invitee, (struct hello_lie){.key = &sat_keyring_secrets(author->handle.keyring)->sign},
                    SAT_ERR_WRONG_SERVER);
    assert_int_equal(invitee->up_traffic.messages, 0);
    assert_true(world_sync(&world, invitee));
}

static void a_server_of_another_version_says_so(void **state)
{
    (void)state;
    caught_at_hello(reader, (struct hello_lie){.key = &world.server_key, .version_more = 1}, SAT_ERR_VERSION);
}

static void a_hello_of_another_directory_is_caught(void **state)
{
    (void)state;
    caught_at_hello(reader, (struct hello_lie){.key = &world.server_key, .dir_hash_flip = 1}, SAT_ERR_FORK);
    caught_at_hello(reader, (struct hello_lie){.key = &world.server_key, .dir_seq_more = (uint64_t)-1}, SAT_ERR_FORK);
}

/* The hello was for a directory of this length with this hash; the links that come are others. */
static void links_that_do_not_lead_to_what_the_hello_named_are_caught(void **state)
{
    (void)state;
    (void)world_make_invite(&world, SAT_ROLE_REP, 1); /* some links that the reader lacks */
    caught_at_hello(reader, (struct hello_lie){.key = &world.server_key, .dir_hash_flip = 1}, SAT_ERR_FORK);
    assert_true(world_sync(&world, reader));
}

/* ---- The directory ---- */

struct link_lie {
    size_t at; /* which byte of the first link is flipped */
};

static bool flip_link(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                      struct sat_arena *arena)
{
    (void)device;
    const struct link_lie *lie = filter->context;
    struct sat_span *items =
        sat_arena_copy(arena, message->as.LINKS.links.at, message->as.LINKS.links.n * sizeof *items);
    items[0] = flipped(arena, items[0], lie->at);
    message->as.LINKS.links.at = items;
    return true;
}

static void caught_in_a_link(size_t at)
{
    (void)world_make_invite(&world, SAT_ROLE_REP, 1);
    uint64_t seq = reader->handle.directory.seq;
    struct link_lie lie = {at};
    struct forge_filter filter = {.type = SAT_MESSAGE_LINKS, .change = flip_link, .context = &lie};
    forge_filter_on(reader, &filter);
    reader->last_err = SAT_OK;
    assert_false(world_sync(&world, reader));
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(reader->handle.directory.seq, seq);
    reader->on_way = NULL;
    assert_true(world_sync(&world, reader));
}

static void a_forged_link_is_caught(void **state)
{
    (void)state;
    caught_in_a_link(0);                /* the time */
    caught_in_a_link(6);                /* the countersignature */
    caught_in_a_link(6 + 64);           /* the author */
    caught_in_a_link(6 + 64 + 1);       /* the kind of link */
    caught_in_a_link(6 + 64 + 3);       /* the device's signature */
    caught_in_a_link(6 + 64 + 67 + 2);  /* the admin's */
    caught_in_a_link(6 + 64 + 133 + 1); /* the body */
}

static bool lose(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                 struct sat_arena *arena)
{
    (void)filter;
    (void)device;
    (void)message;
    (void)arena;
    return false;
}

static void an_entry_before_its_directory_is_caught(void **state)
{
    (void)state;
    open_and_sync(reader);
    struct forge_filter filter = {.type = SAT_MESSAGE_LINKS, .change = lose};
    forge_filter_on(reader, &filter);
    (void)world_make_invite(&world, SAT_ROLE_REP, 1);
    write_and_push("Biel");
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_PROTOCOL);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    reader->on_way = NULL;
    assert_true(world_sync(&world, reader));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Biel");
}

/* An admin signed two links for one place (his first attempt was stale). The server shows one to each. */
static void build_user(struct world_wish *wish, struct client_links *links)
{
    struct sat_buf body;
    sat_buf_init(&body);
    uint8_t role = *(const uint8_t *)wish->context;
    sat_body_user_encode(&(struct sat_body_user){.user = links->ahead.users_n + 1, .role = role, .state = 1}, &body);
    assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    sat_buf_deinit(&body);
}

struct other_link {
    struct sat_buf bytes; /* with the server's countersignature */
};

static void make_other_link(struct other_link *out)
{
    static const uint8_t role = SAT_ROLE_SERVICE;
    struct sat_arena arena;
    struct client_links links;
    struct sat_fault fault;
    struct sat_countersign sign;
    sat_arena_init(&arena);
    sat_buf_init(&out->bytes);
    assert_int_equal(client_links_begin(&links, &world.devices[0].handle, world.now_ms, &arena, &fault), SAT_OK);
    struct world_wish wish = {.world = &world, .context = (void *)&role};
    build_user(&wish, &links);
    sat_countersign(&links.links[0], world.now_ms, &links.ahead.org, &world.server_key, &sign);
    sat_link_encode_short(&links.links[0], &sign, &links.ahead, &out->bytes);
    client_links_end(&links);
    sat_arena_deinit(&arena);
}

static bool show_other_link(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                            struct sat_arena *arena)
{
    (void)device;
    const struct other_link *other = filter->context;
    struct sat_span item = sat_buf_span(&other->bytes);
    message->as.LINKS.links = (struct sat_list){sat_arena_copy(arena, &item, sizeof item), 1};
    return true;
}

static void a_directory_shown_in_two_versions_is_caught_when_bundles_meet(void **state)
{
    (void)state;
    static const uint8_t role = SAT_ROLE_REP;
    struct other_link other;
    assert_true(world_sync(&world, &world.devices[0]));
    make_other_link(&other);
    open_and_sync(reader);
    struct forge_filter filter = {.type = SAT_MESSAGE_LINKS, .change = show_other_link, .context = &other};
    forge_filter_on(reader, &filter);
    assert_true(world_append(&world, &world.devices[0], build_user, (void *)&role));
    world_run(&world, reader); /* sees the service user; everybody else, the rep */
    assert_int_equal(filter.met, 1);
    assert_int_equal(reader->last_err, SAT_OK);
    write_and_push("Biel");
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    reader->on_way = NULL;
    assert_false(world_sync(&world, reader)); /* nor does an honest hello fit what it was shown */
    assert_int_equal(reader->last_err, SAT_ERR_FORK);
    sat_buf_deinit(&other.bytes);
}

/* ---- Key boxes ---- */

static bool swap_boxes(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                       struct sat_arena *arena)
{
    (void)filter;
    (void)device;
    struct sat_list list = message->as.BOXES.boxes;
    struct sat_span *items = sat_arena_array(arena, list.n, sizeof *items);
    assert_true(list.n >= 2);
    for (uint32_t i = 0; i < list.n; i++) items[i] = list.at[(i + 1) % list.n]; /* each in its neighbour's place */
    message->as.BOXES.boxes.at = items;
    return true;
}

/* A box that is not what the directory committed to is a debt: the records come, unread; what is written waits; the
 * right box heals it. */
static void swapped_key_boxes_are_debts(void **state)
{
    (void)state;
    struct world_device *late = world_invite(&world, 1);
    struct forge_filter filter = {.type = SAT_MESSAGE_BOXES, .change = swap_boxes};
    forge_filter_on(late, &filter);
    (void)world_sync(&world, late);
    assert_true(filter.met >= 2); /* as an invitee, and as a device */
    assert_true(late->joined);
    assert_false(sat_keys_have(late->handle.keys, &world.spaces[0], 1));
    assert_true(scene_agrees(&world, late));
    assert_string_equal(scene_shows(&world, late, 1, CITY), "");
    scene_write(&world, late, 5, CITY, "Chur");
    assert_false(world_sync(&world, late));
    assert_int_equal(scene_drafts(late), 1);
    late->on_way = NULL;
    assert_true(world_sync(&world, late));
    assert_string_equal(scene_shows(&world, late, 1, CITY), "Bern");
    assert_int_equal(scene_drafts(late), 0);
}

/* ---- Rights that end ---- */

static void take_territory(struct world_wish *wish, struct client_links *links)
{
    uint32_t user = sat_directory_device(&links->ahead, scene_number(wish->context))->user;
    assert_int_equal(client_links_add_grant(links, &world.spaces[0], user, 0), SAT_OK);
}

/* A territory that is taken away while its first head is on the way: the session waits for nothing. */
static void a_territory_that_is_taken_away_is_not_waited_for(void **state)
{
    (void)state;
    world_connect(&world, reader);
    while (world_hand_over(&world, reader, true)) continue;
    assert_true(world_hand_over(&world, reader, false)); /* AUTH */
    assert_true(world_hand_over(&world, reader, false)); /* SUBSCRIBE */
    assert_true(world_append(&world, &world.devices[0], take_territory, reader));
    write_and_push("Biel");
    world_run(&world, reader);
    assert_true(reader->in_sync > 0 || reader->idle);
    assert_true(sat_replica_in_sync(reader->replica));
    assert_string_equal(scene_shows(&world, reader, 1, CITY), ""); /* it has left the device */
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_replayed_hello_is_caught),
        STORY(another_server_is_caught_before_it_learns_anything),
        STORY(a_server_of_another_version_says_so),
        STORY(a_hello_of_another_directory_is_caught),
        STORY(links_that_do_not_lead_to_what_the_hello_named_are_caught),
        STORY(a_forged_link_is_caught),
        STORY(an_entry_before_its_directory_is_caught),
        STORY(a_directory_shown_in_two_versions_is_caught_when_bundles_meet),
        STORY(swapped_key_boxes_are_debts),
        STORY(a_territory_that_is_taken_away_is_not_waited_for),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile directory", tests, NULL, NULL);
}
