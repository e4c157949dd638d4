/* What a server is caught at that lets through what the directory does not: late work, back-dated entries, revocations
 * that contradict its log. The proof is kept. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/proof/link_short.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *rep, *reader;
static struct sat_arena arena;

static int begin(void **state)
{
    (void)state;
    world_init(&world, 304, 2);
    sat_arena_init(&arena);
    rep = world_join(&world, 3);
    reader = world_join(&world, 3);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 1, CITY, "Biel");
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

static struct sat_aside_row *evidence(uint32_t n)
{
    struct sat_aside_row *rows;
    assert_int_equal(order_escrow(reader->handle.store, &arena, &rows), n);
    return rows;
}

/* The reader's session ends with this error, and of the lie only the proof is left: a bundle with that reason. */
static void is_caught(const struct sat_space_id *space, uint64_t size, enum sat_err err, enum sat_err reason)
{
    reader->last_err = SAT_OK;
    world_run(&world, reader);
    assert_int_equal(reader->last_err, err);
    assert_null(reader->replica);
    assert_int_equal(scene_space(reader->handle.store, space).log.size, size);
    struct sat_aside_row *rows = evidence(1);
    assert_int_equal(rows[0].reason, reason);
    assert_int_equal(rows[0].device, scene_number(rep));
    assert_true(rows[0].bytes.len > 0);
    assert_true(world_sync(&world, reader)); /* with an honest server it goes on */
}

static uint64_t open_reader(const struct sat_space_id *space)
{
    world_connect(&world, reader);
    world_run(&world, reader);
    assert_true(sat_replica_in_sync(reader->replica));
    return scene_space(reader->handle.store, space).log.size;
}

/* ---- Late work ---- */

/* What the rep, who is out, wrote and the server should have put aside. */
static void late_work(struct forge *forge, const struct sat_space_id *space)
{
    scene_write_in(&world, rep, space, 7, CITY, "Thun");
    order_revoke(&world, rep);
    (void)world_sync(&world, rep);
    forge_pending(forge, rep, space);
}

static void work_above_the_cut_is_caught(void **state)
{
    (void)state;
    struct forge forge;
    late_work(&forge, &world.spaces[0]);
    uint64_t size = open_reader(&world.spaces[0]);
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    is_caught(&world.spaces[0], size, SAT_ERR_TAMPERED, SAT_ERR_ESCROWED);
    forge_deinit(&forge);
}

static void so_it_is_where_there_is_no_cut(void **state)
{
    (void)state;
    struct forge forge;
    late_work(&forge, &world.spaces[1]);
    uint64_t size = open_reader(&world.spaces[1]);
    forge_entry(&forge, reader, &world.spaces[1], size + 1, world.now_ms, reader->handle.directory.seq);
    is_caught(&world.spaces[1], size, SAT_ERR_TAMPERED, SAT_ERR_ESCROWED);
    forge_deinit(&forge);
}

/* The server says that it had it before the revocation. The head that it signed since says otherwise. */
static void an_entry_that_is_dated_before_a_head_is_caught(void **state)
{
    (void)state;
    struct forge forge;
    late_work(&forge, &world.spaces[1]);
    uint64_t size = open_reader(&world.spaces[1]);
    uint64_t revoked = sat_directory_device(&reader->handle.directory, scene_number(rep))->revoked_seq;
    forge_entry(&forge, reader, &world.spaces[1], size + 1, world.now_ms, revoked - 1);
    is_caught(&world.spaces[1], size, SAT_ERR_TAMPERED, SAT_ERR_TAMPERED);
    forge_deinit(&forge);
}

static void work_after_a_right_was_taken_is_caught(void **state)
{
    (void)state;
    struct forge forge;
    scene_write(&world, rep, 7, CITY, "Thun");
    order_grant(&world, rep, 0, SAT_RIGHT_READ);
    (void)world_sync(&world, rep);
    forge_pending(&forge, rep, &world.spaces[0]);
    uint64_t size = open_reader(&world.spaces[0]);
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    is_caught(&world.spaces[0], size, SAT_ERR_TAMPERED, SAT_ERR_ESCROWED);
    forge_deinit(&forge);
}

/* ---- Other proofs ---- */

static void a_lie_that_is_told_twice_is_kept_once(void **state)
{
    (void)state;
    struct forge forge;
    late_work(&forge, &world.spaces[0]);
    uint64_t size = open_reader(&world.spaces[0]);
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    is_caught(&world.spaces[0], size, SAT_ERR_TAMPERED, SAT_ERR_ESCROWED);
    (void)open_reader(&world.spaces[0]);
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    world_run(&world, reader); /* put aside, until a head says that it is in the log at all: this server's does not */
    world_disconnect(&world, reader);
    (void)evidence(1);
    assert_true(world_sync(&world, reader));
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, size);
    forge_deinit(&forge);
}

static void a_vector_beyond_its_bounds_is_kept_as_proof(void **state)
{
    (void)state;
    struct forge forge;
    scene_write(&world, rep, 1, CITY, "Thun");
    scene_lose_push(&world, rep, 0);
    (void)world_sync(&world, rep);
    forge_pending(&forge, rep, &world.spaces[0]);
    struct sat_dot far = {scene_number(reader), 1u << 20};
    struct sat_dot seen[] = {{scene_number(rep), 2}, far};
    forge.headers[0].seen = forge_dots(&forge, seen, 2);
    forge_header(&forge, 0);
    forge_sign(&forge, &sat_keyring_secrets(rep->handle.keyring)->sign);
    uint64_t size = open_reader(&world.spaces[0]);
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    is_caught(&world.spaces[0], size, SAT_ERR_BOUNDS, SAT_ERR_BOUNDS);
    forge_deinit(&forge);
}

/* ---- Revocations that contradict the log ---- */

static void lower(struct sat_body_revoke *body)
{
    assert_int_equal(body->cuts_n, 1);
    body->cuts[0].counter = 1;
}

static void exchange(struct sat_body_revoke *body)
{
    body->cuts[0].bundle.b[0] ^= 1;
}

static void keep(struct sat_body_revoke *body)
{
    (void)body;
}

static void show_revocation(void (*change)(struct sat_body_revoke *body))
{
    struct sat_countersign sign;
    struct sat_buf item;
    sat_buf_init(&item);
    struct sat_link link = order_forged_revocation(&world, rep, change, &arena);
    sat_countersign(&link, world.now_ms, &sat_host_directory(world.host)->org, &world.server_key, &sign);
    sat_link_encode_short(&link, &sign, sat_host_directory(world.host), &item);
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_LINKS};
    message.as.LINKS = (struct sat_message_LINKS){.first_seq = link.seq, .links = {&span, 1}};
    (void)open_reader(&world.spaces[0]);
    forge_send(reader, true, &message);
    reader->last_err = SAT_OK;
    world_run(&world, reader);
    sat_buf_deinit(&item);
}

static void a_cut_below_what_was_shown_is_caught(void **state)
{
    (void)state;
    uint64_t seq = reader->handle.directory.seq;
    show_revocation(lower);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(reader->handle.directory.seq, seq); /* the link is not kept */
    assert_true(world_sync(&world, reader));
}

static void a_cut_at_another_bundle_is_caught(void **state)
{
    (void)state;
    show_revocation(exchange);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
}

static void a_cut_at_what_was_shown_is_none(void **state)
{
    (void)state;
    uint64_t seq = reader->handle.directory.seq;
    show_revocation(keep);
    assert_int_equal(reader->last_err, SAT_OK);
    assert_int_equal(reader->handle.directory.seq, seq + 1);
}

/* ---- Who does not take what is handed in ---- */

static bool refuse(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                   struct sat_arena *use)
{
    (void)device, (void)use;
    message->as.HANDED_IN.error = *(const enum sat_err *)filter->context;
    return true;
}

static void work_that_is_not_taken_stays_and_so_does_its_space(void **state)
{
    (void)state;
    static enum sat_err reasons[] = {SAT_ERR_TOO_LARGE, SAT_ERR_BUSY, SAT_ERR_IO, SAT_ERR_DENIED};
    scene_write(&world, rep, 1, CITY, "Thun");
    order_grant(&world, rep, 0, 0);
    for (uint32_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct forge_filter filter = {.type = SAT_MESSAGE_HANDED_IN, .change = refuse, .context = &reasons[i]};
        forge_filter_on(rep, &filter);
        assert_false(world_sync(&world, rep));
        assert_true(rep->idle);
        assert_int_equal(rep->heard[SAT_NOTICE_HANDED_IN], i + 1);
        assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 0);
        assert_int_equal(scene_pending(rep), 1);
        assert_string_equal(scene_shows(&world, rep, 1, CITY), "Thun");
    }
    rep->on_way = NULL;
    assert_true(world_sync(&world, rep));
    assert_int_equal(rep->heard[SAT_NOTICE_SPACE_LOST], 1);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(work_above_the_cut_is_caught),
        STORY(so_it_is_where_there_is_no_cut),
        STORY(an_entry_that_is_dated_before_a_head_is_caught),
        STORY(work_after_a_right_was_taken_is_caught),
        STORY(a_lie_that_is_told_twice_is_kept_once),
        STORY(a_vector_beyond_its_bounds_is_kept_as_proof),
        STORY(a_cut_below_what_was_shown_is_caught),
        STORY(a_cut_at_another_bundle_is_caught),
        STORY(a_cut_at_what_was_shown_is_none),
        STORY(work_that_is_not_taken_stays_and_so_does_its_space),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile rights", tests, NULL, NULL);
}
