/* What devices sign of how far they are, and what a server keeps of that. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/orders.h"
#include "tests/story/raw_world.h"

static int64_t server_sid(void)
{
    return scene_space(world.server_store, space()).sid;
}

/* Of the territory, in the server's store; size 0: there is none. */
static struct sat_cursor_row kept(const struct world_device *device)
{
    struct sat_cursor_row row;
    bool found;
    assert_int_equal(sat_store_cursor_get(world.server_store, server_sid(), scene_number(device), &row, &found),
                     SAT_OK);
    return row;
}

static uint64_t said; /* CURSORs on their way */

static bool count(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    assert_int_equal(
        sat_message_decode(sat_buf_span(bytes), down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &arena, &message),
        SAT_OK);
    if (message.type == SAT_MESSAGE_CURSOR) said++;
    sat_arena_deinit(&arena);
    return true;
}

static void a_sync_ends_with_a_signed_cursor(void **state)
{
    (void)state;
    assert_int_equal(kept(rep).cursor.size, 0);
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_sync(&world, rep));
    struct sat_cursor_row row = kept(rep);
    assert_true(row.cursor.size == 1 && row.cursor.ack == 1 && row.cursor.dir_seq == head());
    const struct sat_directory *directory = sat_host_directory(world.host);
    row.cursor.space = *space();
    assert_int_equal(sat_cursor_verify(&row.cursor, &directory->org, &directory->devices[1].sign, &row.signature),
                     SAT_OK);
    assert_int_equal(kept(other).cursor.size, 0);
}

static void it_is_said_once_and_only_if_it_moved(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    rep->on_way = count;
    said = 0;
    assert_true(world_sync(&world, rep));
    assert_int_equal(said, 1);
    assert_true(world_sync(&world, rep));
    assert_int_equal(said, 1);
    world_connect(&world, rep);
    world_run(&world, rep);
    for (uint32_t i = 0; i < 5; i++) { /* a session that lasts */
        scene_write(&world, other, 1, CITY, i % 2 ? "Biel" : "Chur");
        assert_true(world_sync(&world, other));
        world_run(&world, rep);
    }
    assert_int_equal(said, 1);
    world.now_ms += 11 * 60 * 1000;
    scene_write(&world, other, 1, CITY, "Thun");
    assert_true(world_sync(&world, other));
    world_run(&world, rep);
    assert_int_equal(said, 2);
    assert_int_equal(kept(rep).cursor.size, 7);
}

static void freeze_nothing(void *context, struct sat_replica_config *config)
{
    (void)context;
    config->hooks.freeze = NULL;
}

static void what_waits_holds_the_acknowledgement_back(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_sync(&world, rep));
    scene_write(&world, rep, 1, CITY, "Biel"); /* with what was seen at 1 */
    scene_write(&world, other, 2, CITY, "Chur");
    assert_true(world_sync(&world, other));
    rep->tune = freeze_nothing;
    assert_false(world_sync(&world, rep));
    assert_int_equal(scene_drafts(rep), 1);
    assert_true(kept(rep).cursor.size == 2 && kept(rep).cursor.ack == 1);
    rep->tune = NULL;
    assert_true(world_sync(&world, rep));
    assert_true(kept(rep).cursor.size == 3 && kept(rep).cursor.ack == 3);
}

static void who_may_not_read_any_more_has_no_cursor(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Bern");
    assert_true(world_settle(&world, 3));
    assert_int_equal(kept(rep).cursor.size, 1);
    assert_int_equal(kept(other).cursor.size, 1);
    order_grant(&world, rep, 0, 0);
    assert_int_equal(kept(rep).cursor.size, 0);
    assert_int_equal(kept(other).cursor.size, 1);
    suspend(3, false);
    assert_int_equal(kept(other).cursor.size, 0);
    suspend(3, true);
    assert_true(world_sync(&world, other)); /* what it signed is true as ever, but it has moved on */
    scene_write(&world, &world.devices[0], 1, CITY, "Biel");
    assert_true(world_settle(&world, 3));
    assert_int_equal(kept(other).cursor.size, 2);
    order_revoke(&world, other);
    assert_int_equal(kept(other).cursor.size, 0);
    assert_int_equal(escrowed(), 0);
}

/* ---- What a server does not believe ---- */

static struct sat_message cursor_message(uint64_t size, uint64_t ack, const struct sat_sign_key *key)
{
    const struct sat_directory *directory = sat_host_directory(world.host);
    struct sat_space_row row = scene_space(world.server_store, space());
    struct sat_cursor cursor = {.device = scene_number(rep),
                                .space = *space(),
                                .log_epoch = row.log_epoch,
                                .size = size,
                                .digest = scene_digest(world.server_store, space()),
                                .ack = ack,
                                .dir_seq = directory->seq,
                                .dir_hash = sat_directory_hash_at(directory, directory->seq)};
    bool found;
    assert_int_equal(sat_store_root_at(world.server_store, row.sid, size, &cursor.root, &found), SAT_OK);
    struct sat_signature signature = sat_cursor_sign(&cursor, &directory->org, key);
    struct sat_message message = {.type = SAT_MESSAGE_CURSOR};
    message.as.CURSOR = (struct sat_message_CURSOR){.sub = 1, .size = size, .ack = ack, .dir_seq = cursor.dir_seq};
    memcpy(message.as.CURSOR.digest, cursor.digest.b, sizeof cursor.digest.b);
    memcpy(message.as.CURSOR.signature, signature.b, sizeof signature.b);
    return message;
}

static enum sat_err say(uint64_t size, uint64_t ack, const struct world_device *signer)
{
    struct raw raw;
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, space());
    struct sat_message message = cursor_message(size, ack, &sat_keyring_secrets(signer->handle.keyring)->sign);
    raw_say(&raw, &message);
    enum sat_err err = raw.closed ? raw.err : SAT_OK;
    raw_end(&raw);
    return err;
}

static void a_cursor_that_is_not_true_is_refused(void **state)
{
    (void)state;
    write_two();
    assert_int_equal(say(2, 2, other), SAT_ERR_TAMPERED);
    assert_int_equal(say(3, 2, rep), SAT_ERR_BOUNDS); /* beyond the log */
    assert_int_equal(say(2, 3, rep), SAT_ERR_BOUNDS);
    assert_int_equal(kept(rep).cursor.size, 0);
    assert_int_equal(say(2, 1, rep), SAT_OK);
    assert_int_equal(kept(rep).cursor.ack, 1);
    forget();
}

static void nobody_takes_a_cursor_back(void **state)
{
    (void)state;
    write_two();
    assert_int_equal(say(2, 1, rep), SAT_OK);
    assert_int_equal(say(1, 1, rep), SAT_OK);
    assert_int_equal(say(2, 0, rep), SAT_OK);
    assert_true(kept(rep).cursor.size == 2 && kept(rep).cursor.ack == 1);
    forget();
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_sync_ends_with_a_signed_cursor),          STORY(it_is_said_once_and_only_if_it_moved),
        STORY(what_waits_holds_the_acknowledgement_back), STORY(who_may_not_read_any_more_has_no_cursor),
        STORY(a_cursor_that_is_not_true_is_refused),      STORY(nobody_takes_a_cursor_back),
    };
#undef STORY
    return cmocka_run_group_tests_name("cursors", tests, NULL, NULL);
}
