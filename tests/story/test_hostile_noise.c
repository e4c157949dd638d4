/* Bytes that nobody sane sends: messages in the wrong state, longer than they may be, mutated, random. An error with a
 * class, the peer dropped, the others served, memory flat. SEED and ROUNDS (environment) choose other noise. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "client/links.h"
#include "common/wire/pack.h"
#include "tests/story/forge.h"
#include "tests/story/scene.h"

enum { CORPUS_MAX = 96, ROUNDS = 2000 };

static struct world world;
static struct world_device *noisy, *honest; /* two reps of one territory: devices 2 and 3 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 47, 1);
    noisy = world_join(&world, 1);
    honest = world_join(&world, 1);
    scene_write(&world, noisy, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- Hearing ---- */

static enum sat_err verdict; /* of the server */

static bool hear(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    if (down && sat_message_decode(sat_buf_span(bytes), SAT_SENDER_SERVER, &arena, &message) == SAT_OK) {
        if (message.type == SAT_MESSAGE_ERROR) verdict = sat_err_from_wire(message.as.ERROR.error);
        if (message.type == SAT_MESSAGE_REFUSED) verdict = sat_err_from_wire(message.as.REFUSED.error);
    }
    sat_arena_deinit(&arena);
    return true;
}

static void others_are_served(void)
{
    static char text[24];
    static uint32_t n;
    (void)snprintf(text, sizeof text, "Chur %u", ++n);
    scene_write(&world, honest, 3, CITY, text);
    assert_true(world_sync(&world, honest));
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(scene_shows(&world, &world.devices[0], 3, CITY), text);
}

/* What the server says to a message from this device: of a fresh connection that has not answered the hello, or of one
 * that is established. */
static enum sat_err server_says(struct world_device *device, bool established, struct sat_span message)
{
    world_disconnect(&world, device);
    verdict = SAT_OK;
    device->on_way = hear;
    world_connect(&world, device);
    if (established) {
        assert_true(world_hand_over(&world, device, true));
        while (world_hand_over(&world, device, false)) continue;
        while (world_hand_over(&world, device, true)) continue;
    }
    world_post(device, false, message);
    while (world_hand_over(&world, device, false)) continue;
    while (world_hand_over(&world, device, true)) continue;
    world_disconnect(&world, device);
    device->on_way = NULL;
    return verdict;
}

/* What a device says to a message of the server. */
static enum sat_err device_says(bool established, struct sat_span message)
{
    world_disconnect(&world, honest);
    honest->last_err = SAT_OK;
    world_connect(&world, honest);
    if (established)
        world_run(&world, honest);
    else
        sat_buf_clear(&honest->down.at[0]); /* the hello */
    if (!established) sat_put_span(&honest->down.at[0], message);
    if (established) world_post(honest, true, message);
    assert_true(world_hand_over(&world, honest, true));
    world_disconnect(&world, honest);
    return honest->last_err;
}

/* ---- The wrong state ---- */

/* A message of each type with nothing in it that matters. */
static struct sat_span message_of(enum sat_message_type type, struct sat_arena *arena)
{
    struct sat_message message = {.type = type};
    struct sat_span nothing = {0};
    struct sat_buf buf;
    if (type == SAT_MESSAGE_APPEND) message.as.APPEND.links = (struct sat_list){&nothing, 1};
    sat_buf_init(&buf);
    sat_message_encode(&message, &buf);
    struct sat_span span = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return span;
}

static const enum sat_message_type TYPES[] = {
#define MESSAGE(NAME, number, sender) SAT_MESSAGE_##NAME,
#define FIELD(NAME, kind, field, bound)
#define END(NAME)
#include "common/wire/messages.def"
#undef MESSAGE
#undef FIELD
#undef END
};
enum { TYPES_N = sizeof TYPES / sizeof *TYPES };

static bool is_one_of(enum sat_message_type type, const enum sat_message_type *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == type) return true;
    return false;
}

static void expect_protocol(enum sat_err err, enum sat_message_type type, const char *where)
{
    if (err != SAT_ERR_PROTOCOL) print_error("%s %s: %s\n", sat_message_name(type), where, sat_err_name(err));
    assert_int_equal(err, SAT_ERR_PROTOCOL);
}

#define LIST(...)                                                                                                      \
    (const enum sat_message_type[])                                                                                    \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define FITS(type, ...) is_one_of(type, LIST(__VA_ARGS__), sizeof(LIST(__VA_ARGS__)) / sizeof(enum sat_message_type))

static void nothing(struct world_wish *wish, struct client_links *links)
{
    (void)wish;
    (void)links;
}

static void what_a_client_says_in_the_wrong_state_ends_its_connection(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct world_device *invitee = world_invite(&world, 1);
    struct world_wish patience = {.world = &world, .build = nothing};
    invitee->wish = &patience; /* it does not join */
    for (size_t i = 0; i < TYPES_N; i++) {
        enum sat_message_type type = TYPES[i];
        struct sat_span message = message_of(type, &arena);
        if (!FITS(type, SAT_MESSAGE_AUTH, SAT_MESSAGE_AUTH_INVITE, SAT_MESSAGE_AUTH_KIT, SAT_MESSAGE_WIPED,
                  SAT_MESSAGE_RETURN_LINKS))
            expect_protocol(server_says(noisy, false, message), type, "before the handshake");
        if (!FITS(type, SAT_MESSAGE_SUBSCRIBE, SAT_MESSAGE_APPEND, SAT_MESSAGE_BOXES, SAT_MESSAGE_BOXES_GET,
                  SAT_MESSAGE_HAND_IN, SAT_MESSAGE_HELD_GET, SAT_MESSAGE_ESCROW_GET, SAT_MESSAGE_DEVICES_GET))
            expect_protocol(server_says(noisy, true, message), type, "from a device");
        patience.done = false;
        if (!FITS(type, SAT_MESSAGE_APPEND, SAT_MESSAGE_BOXES_GET))
            expect_protocol(server_says(invitee, true, message), type, "from the holder of an invite");
    }
    others_are_served();
    sat_arena_deinit(&arena);
}

static void what_a_server_says_in_the_wrong_state_ends_the_session(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    for (size_t i = 0; i < TYPES_N; i++) {
        enum sat_message_type type = TYPES[i];
        struct sat_span message = message_of(type, &arena);
        if (!FITS(type, SAT_MESSAGE_HELLO, SAT_MESSAGE_ERROR, SAT_MESSAGE_GOODBYE))
            expect_protocol(device_says(false, message), type, "instead of a hello");
        if (!FITS(type, SAT_MESSAGE_LINKS, SAT_MESSAGE_BOXES, SAT_MESSAGE_ERROR, SAT_MESSAGE_GOODBYE,
                  SAT_MESSAGE_RECOVERING))
            expect_protocol(device_says(true, message), type, "in the middle");
    }
    assert_true(world_sync(&world, honest));
    sat_arena_deinit(&arena);
}

/* The server's own trouble is not this machine's: nobody is told that his disk is full or his store damaged. */
static void an_error_of_the_servers_machine_is_not_this_ones(void **state)
{
    (void)state;
    static const enum sat_err local[] = {SAT_ERR_IO,        SAT_ERR_DISK_FULL, SAT_ERR_READ_ONLY,  SAT_ERR_CORRUPT,
                                         SAT_ERR_NO_MEMORY, SAT_ERR_IN_USE,    SAT_ERR_NEWER_STORE};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        struct sat_buf buf;
        sat_buf_init(&buf);
        sat_host_error(local[i], 1000, NULL, &buf);
        assert_int_equal(device_says(true, sat_buf_span(&buf)), SAT_ERR_BUSY);
        sat_buf_deinit(&buf);
    }
    assert_true(world_sync(&world, honest));
}

/* ---- Too much ---- */

static void list_of(struct sat_buf *out, enum sat_message_type type, uint32_t n, size_t item_bytes)
{
    static const uint8_t zeros[64];
    sat_pack_array(out, 2);
    sat_pack_u64(out, type);
    sat_pack_array(out, n);
    for (uint32_t i = 0; i < n; i++) sat_pack_bin(out, sat_span(zeros, item_bytes));
}

static void a_list_beyond_its_bound_is_refused_unread(void **state)
{
    (void)state;
    static const struct {
        enum sat_message_type type;
        uint32_t max;
    } lists[] = {
        {SAT_MESSAGE_SUBSCRIBE, SAT_SPACES_PER_DEVICE_MAX},
        {SAT_MESSAGE_BOXES_GET, SAT_SPACES_PER_DEVICE_MAX},
        {SAT_MESSAGE_APPEND, 16},
        {SAT_MESSAGE_BOXES, SAT_BOXES_PER_MESSAGE_MAX},
    };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct sat_buf buf;
        sat_buf_init(&buf);
        list_of(&buf, lists[i].type, lists[i].max + 1, 29);
        assert_int_equal(server_says(noisy, true, sat_buf_span(&buf)), SAT_ERR_TOO_LARGE);
        sat_buf_clear(&buf);
        sat_pack_array(&buf, 2);
        sat_pack_u64(&buf, lists[i].type);
        sat_put_u8(&buf, 0xdd); /* an array of four thousand million, of which there is nothing */
        sat_put_u32(&buf, UINT32_MAX);
        enum sat_err err = server_says(noisy, true, sat_buf_span(&buf));
        assert_true(err == SAT_ERR_TOO_LARGE || err == SAT_ERR_MALFORMED);
        sat_buf_deinit(&buf);
    }
    others_are_served();
}

static void a_bundle_beyond_its_bound_is_refused(void **state)
{
    (void)state;
    struct sat_buf bundle, message;
    sat_buf_init(&bundle);
    sat_buf_init(&message);
    sat_buf_reserve(&bundle, SAT_BUNDLE_BYTES_MAX + 1);
    memset(bundle.at, 0, SAT_BUNDLE_BYTES_MAX + 1);
    bundle.len = SAT_BUNDLE_BYTES_MAX + 1;
    sat_pack_array(&message, 3);
    sat_pack_u64(&message, SAT_MESSAGE_PUSH);
    sat_pack_u64(&message, forge_sub(noisy, &world.spaces[0]));
    sat_pack_bin(&message, sat_buf_span(&bundle));
    assert_int_equal(server_says(noisy, true, sat_buf_span(&message)), SAT_ERR_TOO_LARGE);
    others_are_served();
    sat_buf_deinit(&bundle);
    sat_buf_deinit(&message);
}

/* Boxes for links that never come: what a peer may leave lying is bounded, and gone with it. */
static void boxes_without_links_are_bounded(void **state)
{
    (void)state;
    struct sat_buf buf, box;
    sat_buf_init(&buf);
    sat_buf_init(&box);
    sat_box_encode(&(struct sat_box){.epoch = 1, .kind = SAT_BOX_DEVICE, .number = 1}, &box);
    sat_pack_array(&buf, 2);
    sat_pack_u64(&buf, SAT_MESSAGE_BOXES);
    sat_pack_array(&buf, SAT_BOXES_PER_MESSAGE_MAX);
    for (uint32_t i = 0; i < SAT_BOXES_PER_MESSAGE_MAX; i++) sat_pack_bin(&buf, sat_buf_span(&box));
    verdict = SAT_OK;
    noisy->on_way = hear;
    world_connect(&world, noisy);
    world_run(&world, noisy);
    uint32_t sent = 0;
    while (noisy->replica && sent < 100) {
        world_post(noisy, false, sat_buf_span(&buf));
        world_run(&world, noisy);
        sent++;
    }
    assert_int_equal(verdict, SAT_ERR_TOO_LARGE);
    assert_int_equal(sent, SAT_BOXES_PER_LINK_MAX / SAT_BOXES_PER_MESSAGE_MAX + 1);
    others_are_served();
    sat_buf_deinit(&buf);
    sat_buf_deinit(&box);
}

/* ---- Who is shown the door ---- */

static void suspend(struct world_wish *wish, struct client_links *links)
{
    const struct sat_device *device = sat_directory_device(&links->ahead, scene_number(wish->context));
    struct sat_buf body;
    sat_buf_init(&body);
    sat_body_user_encode(&(struct sat_body_user){.user = device->user, .role = SAT_ROLE_REP, .state = 2}, &body);
    assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static void who_is_suspended_in_the_middle_of_a_session_pushes_nothing_more(void **state)
{
    (void)state;
    uint64_t size = scene_log_size(&world);
    world_connect(&world, noisy);
    world_run(&world, noisy);
    scene_write(&world, noisy, 1, CITY, "Biel"); /* frozen under the directory as he knows it */
    assert_true(world_append(&world, &world.devices[0], suspend, noisy));
    world_run(&world, noisy);
    assert_int_equal(noisy->last_err, SAT_ERR_REVOKED);
    assert_null(noisy->replica);
    assert_int_equal(scene_log_size(&world), size);
    assert_false(world_sync(&world, noisy));
    assert_int_equal(scene_pending(noisy) + scene_drafts(noisy), 1); /* his work is not lost */
    others_are_served();
}

/* ---- Noise ---- */

static struct {
    struct sat_buf at[CORPUS_MAX];
    uint32_t n;
} up_corpus, down_corpus;

static bool collect(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    uint32_t *n = down ? &down_corpus.n : &up_corpus.n;
    if (*n == CORPUS_MAX) return true;
    struct sat_buf *copy = down ? &down_corpus.at[(*n)++] : &up_corpus.at[(*n)++];
    sat_buf_init(copy);
    sat_put_span(copy, sat_buf_span(bytes));
    return true;
}

/* True messages of every kind that a life has: a join, pushes, pulls, links. */
static void gather(void)
{
    up_corpus.n = down_corpus.n = 0;
    struct world_device *newcomer = world_invite(&world, 1);
    newcomer->on_way = collect;
    assert_true(world_sync(&world, newcomer));
    noisy->on_way = collect;
    scene_write(&world, noisy, 1, CITY, "Biel");
    scene_write(&world, noisy, 2, NAME, "Alpha");
    assert_true(world_sync(&world, noisy));
    world.devices[0].on_way = collect;
    (void)world_make_invite(&world, SAT_ROLE_REP, 1);
    world.devices[0].on_way = NULL;
    assert_true(world_sync(&world, noisy));
    noisy->on_way = NULL;
    honest->on_way = collect;
    scene_write(&world, honest, 1, CITY, "Basel");
    assert_true(world_sync(&world, honest));
    honest->on_way = NULL;
    assert_true(world_settle(&world, 4));
}

static void forget(void)
{
    for (uint32_t i = 0; i < up_corpus.n; i++) sat_buf_deinit(&up_corpus.at[i]);
    for (uint32_t i = 0; i < down_corpus.n; i++) sat_buf_deinit(&down_corpus.at[i]);
}

static void flip_some(struct sat_buf *out)
{
    for (uint64_t i = 1 + world_dice(&world, 4); i > 0 && out->len; i--)
        out->at[world_dice(&world, out->len)] ^= (uint8_t)(1u << world_dice(&world, 8));
}

static void random_bytes(struct sat_buf *out, size_t len)
{
    sat_buf_reserve(out, len);
    sat_entropy_fill(&world.dice, out->at + out->len, len);
    out->len += len;
}

/* A true message with something done to it, or none at all. */
static void make_noise(const struct sat_buf *corpus, uint32_t n, struct sat_buf *out)
{
    sat_buf_clear(out);
    uint64_t what = world_dice(&world, 8);
    if (what == 0) {
        random_bytes(out, world_dice(&world, 300));
        return;
    }
    sat_put_span(out, sat_buf_span(&corpus[world_dice(&world, n)]));
    if (what == 1) out->len = world_dice(&world, out->len);
    if (what == 2) random_bytes(out, 1 + world_dice(&world, 40));
    if (what == 3 && out->len > 2) out->at[1] = (uint8_t)world_dice(&world, 26); /* as another type */
    if (what == 4 && out->len > 8) {                                             /* one half of another */
        const struct sat_buf *other = &corpus[world_dice(&world, n)];
        size_t at = world_dice(&world, out->len < other->len ? out->len : other->len);
        out->len = at;
        sat_put_bytes(out, other->at + at, other->len - at);
    }
    if (what >= 5) flip_some(out);
}

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);
#endif

static size_t memory_in_use(void)
{
#ifdef __SANITIZE_ADDRESS__
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

/* Nothing that came in grew anything: what is in use after a third of the noise is in use at its end, give or take a
 * page or two of the store's. */
static void stays_flat(uint64_t round, uint64_t rounds)
{
    static size_t before;
    if (round == rounds / 3) before = memory_in_use();
    if (round == rounds - 1) {
        size_t after = memory_in_use();
        print_message("memory: %zu bytes after a third of the noise, %zu after all of it\n", before, after);
        assert_true(after < before + 256 * 1024);
    }
}

static void the_server_bears_noise(void **state)
{
    (void)state;
    uint64_t rounds = number_from("ROUNDS", ROUNDS), seed = number_from("SEED", 1), dropped = 0;
    gather();
    world.dice = sat_entropy_seeded(&world.dice_state, seed);
    print_message("seed %llu, %u true messages\n", (unsigned long long)seed, up_corpus.n);
    struct sat_buf noise;
    sat_buf_init(&noise);
    for (uint64_t round = 0; round < rounds; round++) {
        if (!noisy->replica) {
            world_connect(&world, noisy);
            if (world_dice(&world, 4)) world_run(&world, noisy); /* else: in the middle of the handshake */
            dropped++;
        }
        make_noise(up_corpus.at, up_corpus.n, &noise);
        uint64_t seq = sat_host_directory(world.host)->seq, size = scene_log_size(&world);
        world_post(noisy, false, sat_buf_span(&noise));
        world_run(&world, noisy);
        assert_int_equal(sat_host_directory(world.host)->seq, seq);
        assert_int_equal(scene_log_size(&world), size);
        if (round % 50 == 0) others_are_served();
        stays_flat(round, rounds);
    }
    world_disconnect(&world, noisy);
    assert_true(world_settle(&world, 4));
    print_message("%llu connections\n", (unsigned long long)dropped);
    assert_true(dropped > rounds / 3);
    sat_buf_deinit(&noise);
    forget();
}

static void a_device_bears_noise(void **state)
{
    (void)state;
    uint64_t rounds = number_from("ROUNDS", ROUNDS), seed = number_from("SEED", 1), dropped = 0;
    gather();
    world.dice = sat_entropy_seeded(&world.dice_state, seed);
    struct sat_buf noise;
    sat_buf_init(&noise);
    const char *before = scene_shows(&world, honest, 1, CITY);
    for (uint64_t round = 0; round < rounds; round++) {
        if (!honest->replica) {
            world_connect(&world, honest);
            if (world_dice(&world, 4)) world_run(&world, honest);
            dropped++;
        }
        make_noise(down_corpus.at, down_corpus.n, &noise);
        world_post(honest, true, sat_buf_span(&noise));
        world_run(&world, honest);
        if (round % 50 == 0) {
            world_disconnect(&world, honest);
            assert_true(world_sync(&world, honest));
            assert_true(scene_agrees(&world, honest));
        }
        stays_flat(round, rounds);
    }
    world_disconnect(&world, honest);
    assert_true(world_sync(&world, honest));
    assert_string_equal(scene_shows(&world, honest, 1, CITY), before);
    print_message("%llu sessions\n", (unsigned long long)dropped);
    assert_true(dropped > rounds / 3);
    sat_buf_deinit(&noise);
    forget();
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(what_a_client_says_in_the_wrong_state_ends_its_connection),
        STORY(what_a_server_says_in_the_wrong_state_ends_the_session),
        STORY(an_error_of_the_servers_machine_is_not_this_ones),
        STORY(a_list_beyond_its_bound_is_refused_unread),
        STORY(a_bundle_beyond_its_bound_is_refused),
        STORY(boxes_without_links_are_bounded),
        STORY(who_is_suspended_in_the_middle_of_a_session_pushes_nothing_more),
        STORY(the_server_bears_noise),
        STORY(a_device_bears_noise),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile noise", tests, NULL, NULL);
}
