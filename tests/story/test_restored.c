/* Stories of a server whose directory came back from an older copy: links return as they were, to whoever proves that
 * they had been here, and nobody extends the directory before an admin has confirmed it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "client/links.h"
#include "tests/story/raw.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *a, *late; /* late joined after the copy was made */
static uint64_t here, before;         /* links in the copy; links that had been there */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 89, 1);
    a = world_join(&world, 1);
    assert_true(world_settle(&world, 4));
    world_backup(&world, 1);
    here = sat_host_directory(world.host)->seq;
    late = world_join(&world, 1);
    scene_write(&world, late, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    before = sat_host_directory(world.host)->seq;
    world_restore(&world, 1, true);
    assert_int_equal(sat_host_directory(world.host)->seq, here);
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

static void who_joined_after_the_copy_enters_and_brings_the_links(void **state)
{
    (void)state;
    struct sat_hash head = sat_directory_hash_at(&late->handle.directory, before);
    assert_true(world_sync(&world, late));
    assert_int_equal(sat_host_directory(world.host)->seq, before);
    struct sat_hash back = sat_directory_hash_at(sat_host_directory(world.host), before);
    assert_true(sat_hash_equal(&head, &back));
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Bern");
}

/* Whoever may only read a space may have written in it all the same: its own name. */
static void a_device_gives_back_its_own_name_in_the_session_in_which_it_enters(void **state)
{
    (void)state;
    const struct sat_directory *directory = &late->handle.directory;
    const struct sat_space *people = sat_directory_space_of_kind(directory, SAT_SPACE_PEOPLE);
    struct sat_cell name = world_text(2, "late's phone");
    struct sat_edit edit = {.sid = world_sid(late, &people->id),
                            .record = sat_name_record_device(&directory->org, client_device(&late->handle)),
                            .type = 12,
                            .cells = &name,
                            .cells_n = 1};
    uint64_t first, last;
    assert_true(world_settle(&world, 6));
    world_backup(&world, 2);
    world_edit(&world, late, &edit, 1, &first, &last);
    assert_true(world_sync(&world, late));
    world_restore(&world, 2, true);
    uint64_t returned = sat_host_counts(world.host).returned;
    assert_true(world_sync(&world, late));
    assert_int_equal(sat_host_counts(world.host).returned, returned + 1);
}

static void what_came_back_is_on_the_disk(void **state)
{
    (void)state;
    assert_true(world_sync(&world, late));
    world_crash_server(&world);
    assert_int_equal(sat_host_directory(world.host)->seq, before);
    assert_true(world_sync(&world, a));
    assert_int_equal(a->handle.directory.seq, before);
}

static void add_user(struct world_wish *wish, struct client_links *links)
{
    struct sat_buf body;
    (void)wish;
    sat_buf_init(&body);
    sat_body_user_encode(&(struct sat_body_user){.user = links->ahead.users_n + 1, .role = SAT_ROLE_REP, .state = 1},
                         &body);
    assert_int_equal(client_links_add(links, SAT_LINK_USER, &body), SAT_OK);
    sat_buf_deinit(&body);
}

static void nobody_extends_the_directory_before_an_admin_has_confirmed(void **state)
{
    (void)state;
    assert_true(world_sync(&world, late));
    assert_false(world_append(&world, &world.devices[0], add_user, NULL));
    world_crash_server(&world); /* nor after that */
    assert_false(world_append(&world, &world.devices[0], add_user, NULL));
    assert_int_equal(sat_host_directory(world.host)->seq, before);
    world_confirm_restore(&world);
    assert_true(world_append(&world, &world.devices[0], add_user, NULL));
    assert_true(world_settle(&world, 6));
}

/* The keys of lost links were boxed on the server alone. */
static void every_key_is_owed_once_it_is_confirmed(void **state)
{
    (void)state;
    const struct sat_directory *directory = sat_host_directory(world.host);
    assert_true(world_sync(&world, late));
    uint32_t epoch = sat_directory_space(directory, &world.spaces[0])->epoch;
    world_confirm_restore(&world);
    assert_true(world_settle(&world, 6));
    assert_true(sat_directory_space(directory, &world.spaces[0])->epoch > epoch);
    scene_write(&world, late, 1, CITY, "Biel");
    assert_true(world_settle(&world, 6));
    assert_string_equal(scene_shows(&world, a, 1, CITY), "Biel");
}

/* ---- Strangers ---- */

/* Link `seq` as the device has it, with one bit of it turned: bit 0 of the byte at `at`, or none. */
static enum sat_err return_link(const struct world_device *device, uint64_t seq, uint64_t as_seq, size_t at)
{
    struct sat_arena arena;
    struct sat_link_row *rows;
    uint32_t n;
    struct sat_buf item;
    struct raw raw;
    sat_arena_init(&arena);
    assert_int_equal(sat_store_links(device->handle.store, seq, 1, &arena, &rows, &n), SAT_OK);
    sat_buf_init(&item);
    sat_put_u64(&item, rows[0].sign.time_ms);
    sat_put_bytes(&item, rows[0].sign.signature.b, sizeof rows[0].sign.signature.b);
    sat_put_span(&item, rows[0].bytes);
    if (at != SIZE_MAX) item.at[at % item.len] ^= 1;
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_RETURN_LINKS};
    message.as.RETURN_LINKS = (struct sat_message_RETURN_LINKS){.first_seq = as_seq, .links = {&span, 1}};
    raw_open(&raw, &world);
    raw_say(&raw, &message);
    enum sat_err err = raw.err;
    raw_end(&raw);
    sat_buf_deinit(&item);
    sat_arena_deinit(&arena);
    return err;
}

static void a_link_that_was_never_here_is_not_taken(void **state)
{
    (void)state;
    for (size_t at = 0; at < 220; at++) assert_int_not_equal(return_link(late, here + 1, here + 1, at), SAT_OK);
    assert_int_equal(return_link(late, here + 2, here + 2, SIZE_MAX), SAT_ERR_PROTOCOL); /* not in its turn */
    assert_int_not_equal(return_link(late, here + 2, here + 1, SIZE_MAX), SAT_OK);
    assert_int_equal(sat_host_directory(world.host)->seq, here);
    assert_int_equal(return_link(late, here, here, SIZE_MAX), SAT_OK); /* that one is here */
    assert_int_equal(return_link(late, here + 1, here + 1, SIZE_MAX), SAT_OK);
    assert_int_equal(sat_host_directory(world.host)->seq, here + 1);
    assert_true(world_settle(&world, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_joined_after_the_copy_enters_and_brings_the_links, begin, end),
        cmocka_unit_test_setup_teardown(a_device_gives_back_its_own_name_in_the_session_in_which_it_enters, begin, end),
        cmocka_unit_test_setup_teardown(what_came_back_is_on_the_disk, begin, end),
        cmocka_unit_test_setup_teardown(nobody_extends_the_directory_before_an_admin_has_confirmed, begin, end),
        cmocka_unit_test_setup_teardown(every_key_is_owed_once_it_is_confirmed, begin, end),
        cmocka_unit_test_setup_teardown(a_link_that_was_never_here_is_not_taken, begin, end),
    };
    return cmocka_run_group_tests_name("restored", tests, NULL, NULL);
}
