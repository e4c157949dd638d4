/* A server that forgets what it must not: whoever had it finds out, before anything of it is gone here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/sync/base.h"
#include "common/sync/collect.h"
#include "common/sync/digest.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/trio.h"

static int begin(void **state)
{
    (void)state;
    trio_begin(89, 2);
    scene_write(&world, rep, 1, CITY, "Bern");
    scene_write(&world, rep, 2, CITY, "Biel");
    assert_true(world_settle(&world, 4));
    assert_true(world_settle(&world, 4));
    return 0;
}

/* What the server is going to say, of one record; floor 0: all of its log. */
static struct sat_collection the_collection;
static struct sat_collected the_record;

static void claim(uint32_t record, struct sat_dot deletion, uint64_t floor)
{
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    bool found;
    the_record = (struct sat_collected){world_record(record), deletion};
    the_collection = (struct sat_collection){.floor = floor ? floor : space.log.size, .records = &the_record, .n = 1};
    assert_int_equal(
        sat_store_root_at(world.server_store, space.sid, the_collection.floor, &the_collection.root, &found), SAT_OK);
    assert_true(found);
}

/* It enters its log and what it holds, and the server signs that. */
static void say(bool with_its_digest)
{
    struct sat_store *store = world.server_store;
    struct sat_space_row space = scene_space(store, &world.spaces[0]);
    assert_int_equal(sat_store_begin(store), SAT_OK);
    assert_int_equal(sat_base_collect(store, &space, &the_collection), SAT_OK);
    if (with_its_digest) the_collection.digest = sat_digest_of(&space);
    assert_int_equal(sat_base_collected(store, &space, &space.log_epoch, &the_collection, world.now_ms,
                                        sat_host_directory(world.host)->seq),
                     SAT_OK);
    assert_int_equal(sat_store_space_save(store, &space), SAT_OK);
    assert_int_equal(sat_store_commit(store), SAT_OK);
    world_crash_server(&world); /* so that it reads that */
}

static void finds_out(struct world_device *device, const char *shows)
{
    for (uint32_t i = 0; i < 2; i++) { /* however often it is said */
        device->last_err = SAT_OK;
        assert_false(world_sync(&world, device));
        assert_int_equal(device->last_err, SAT_ERR_TAMPERED);
        assert_string_equal(scene_shows(&world, device, 1, CITY), shows);
    }
}

static struct sat_dot remove_by(struct world_device *device, uint32_t record)
{
    return scene_dot(device, scene_remove(&world, device, record));
}

static void what_nobody_deleted(void **state)
{
    (void)state;
    claim(1, scene_dot(rep, 1), 0);
    say(true);
    finds_out(rep, "Bern");
    finds_out(other, "Bern");
}

static void what_this_device_has_not_acknowledged(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_by(rep, 1);
    assert_true(world_sync(&world, rep));
    claim(1, deletion, 0);
    say(true);
    finds_out(other, "Bern"); /* he was not asked; the others find out, too: test_evidence.c */
}

static void what_was_edited_by_who_had_not_seen_the_deletion(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_by(rep, 1);
    scene_write(&world, other, 1, NAME, "Ana");
    settle();
    settle();
    claim(1, deletion, 0);
    say(true);
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
    finds_out(other, scene_shows(&world, other, 1, CITY));
}

static void what_is_disputed(void **state)
{
    (void)state;
    scene_write(&world, rep, 1, CITY, "Chur");
    scene_write(&world, other, 1, CITY, "Basel");
    settle();
    settle();
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    claim(1, deletion, 0);
    say(true);
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
}

static void what_came_behind_the_floor(void **state)
{
    (void)state;
    uint64_t floor = scene_log_size(&world);
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    claim(1, deletion, floor);
    say(true);
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
}

static void by_another_deletion_than_that_which_did_it(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    deletion.counter--;
    claim(1, deletion, 0);
    say(true);
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
}

static void from_another_log_or_beyond_its_end(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    claim(1, deletion, 0);
    the_collection.root.b[0] ^= 1;
    say(true);
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
    struct world_device *late = world_invite(&world, 3); /* who comes later does not believe that either */
    world_connect(&world, late);
    world_run(&world, late);
    world_disconnect(&world, late);
    assert_false(world_sync(&world, late));
    assert_int_equal(late->last_err, SAT_ERR_TAMPERED);
}

static void something_else_than_it_says(void **state)
{
    (void)state;
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    claim(1, deletion, 0);
    say(false); /* zeros for a digest */
    finds_out(rep, scene_shows(&world, rep, 1, CITY));
}

static void a_floor_that_falls(void **state)
{
    (void)state;
    (void)remove_by(rep, 1);
    settle();
    settle();
    assert_int_equal(world_collect(&world), 1);
    struct sat_dot deletion = remove_by(rep, 2);
    settle();
    settle();
    claim(2, deletion, 1);
    say(true);
    rep->last_err = SAT_OK;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_TAMPERED);
}

/* A server that says that it was set back needs the word of all again. */
static void in_a_new_life_what_was_acknowledged_in_the_old_one(void **state)
{
    (void)state;
    world_backup(&world, 1);
    scene_write(&world, rep, 3, CITY, "Chur");
    settle();
    settle();
    struct sat_dot deletion = remove_by(rep, 1);
    settle();
    settle();
    world_restore(&world, 1, true);
    assert_true(world_confirm_restore(&world));
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, rep));
    claim(1, deletion, 0);
    say(true);
    finds_out(other, scene_shows(&world, other, 1, CITY));
}

/* Work on it that comes too late is let in: it counts nowhere. */
static void and_lets_in_what_comes_too_late(void **state)
{
    (void)state;
    struct forge forge;
    scene_write(&world, other, 1, NAME, "Eva");
    scene_lose_push(&world, other, 0);
    (void)world_sync(&world, other);
    forge_pending(&forge, other, &world.spaces[0]);
    other->on_way = NULL;
    order_revoke(&world, other);
    (void)remove_by(rep, 1);
    assert_true(world_sync(&world, rep));
    assert_true(world_sync(&world, admin));
    assert_true(world_sync(&world, rep));
    assert_int_equal(world_collect(&world), 1);
    assert_true(world_sync(&world, rep));
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    struct sat_accept accept = {.store = world.server_store,
                                .space = &space,
                                .bundle = &forge.bundle,
                                .headers = forge.headers,
                                .recv_ms = world.now_ms,
                                .dir_at = forge.bundle.manifest.dir_seq};
    accept.dir_at = space.last_dir_at;
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    assert_int_equal(sat_base_accept(&accept), SAT_OK);
    assert_int_equal(sat_store_space_save(world.server_store, &space), SAT_OK);
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
    world_crash_server(&world);
    rep->last_err = SAT_OK;
    assert_false(world_sync(&world, rep));
    assert_int_equal(rep->last_err, SAT_ERR_TAMPERED);
    assert_string_equal(scene_base(&world, rep->handle.store, 1), "");
    forge_deinit(&forge);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(what_nobody_deleted),
        STORY(what_this_device_has_not_acknowledged),
        STORY(what_was_edited_by_who_had_not_seen_the_deletion),
        STORY(what_is_disputed),
        STORY(what_came_behind_the_floor),
        STORY(by_another_deletion_than_that_which_did_it),
        STORY(from_another_log_or_beyond_its_end),
        STORY(something_else_than_it_says),
        STORY(a_floor_that_falls),
        STORY(in_a_new_life_what_was_acknowledged_in_the_old_one),
        STORY(and_lets_in_what_comes_too_late),
    };
    return cmocka_run_group_tests_name("hostile_collect", tests, NULL, NULL);
}
