/* A new index has a past, and who takes one to claim it: a member who was a manager, and wrote as what he is since,
 * says under a fresh number that he writes as of then. Honest copies do that with what they may not write any more; so
 * it goes to the admins whoever does it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sync/taken.h"
#include "common/sync/void.h"
#include "tests/story/forge.h"
#include "tests/story/orders.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *thief, *reader;
static struct sat_arena arena;
static uint64_t as_manager; /* a position at which the thief was one, behind all that he wrote then */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 306, 2);
    sat_arena_init(&arena);
    thief = world_join(&world, 3);
    reader = world_join(&world, 3);
    order_role(&world, thief, SAT_ROLE_MANAGER);
    scene_write(&world, thief, 1, CITY, "Bern");
    assert_true(world_settle(&world, 4));
    as_manager = sat_host_directory(world.host)->seq;
    order_role(&world, thief, SAT_ROLE_REP);
    assert_true(world_settle(&world, 4));
    scene_write(&world, thief, 1, CITY, "Biel");
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

/* What the device has frozen, and has not sent, as of then. */
static void back_date(struct forge *forge, struct world_device *device)
{
    const struct sat_directory *directory = sat_host_directory(world.host);
    forge_pending(forge, device, &world.spaces[0]);
    struct sat_manifest *m = &forge->bundle.manifest;
    m->dir_seq = as_manager;
    m->dir_hash = sat_directory_hash_at(directory, as_manager);
    m->epoch = sat_directory_epoch_at(directory, &world.spaces[0], as_manager);
    forge_sign(forge, &sat_keyring_secrets(device->handle.keyring)->sign);
}

static bool lose(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                 struct sat_arena *use)
{
    (void)filter, (void)device, (void)message, (void)use;
    return false;
}

static void write_unsent(struct world_device *device)
{
    struct forge_filter filter = {.type = SAT_MESSAGE_PUSH, .change = lose};
    scene_write(&world, device, 7, CITY, "Thun");
    forge_filter_on(device, &filter);
    (void)world_sync(&world, device);
    device->on_way = NULL;
}

/* The same home twice, and both wrote: the second goes on under a number of its own, by which it has sent nothing yet.
 */
static struct world_device *write_unsent_under_a_fresh_number(void)
{
    struct world_device *second = world_clone(&world, thief);
    scene_write(&world, thief, 2, CITY, "Chur");
    assert_true(world_sync(&world, thief));
    write_unsent(second);
    assert_int_not_equal(scene_number(second), scene_number(thief));
    assert_true(world_sync(&world, reader));
    return second;
}

static bool send_instead(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                         struct sat_arena *use)
{
    (void)device;
    const struct forge *forge = filter->context;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_bundle_encode(&forge->bundle, SAT_BUNDLE_FULL, &bytes);
    message->as.PUSH.bundle = sat_span_copy(use, sat_buf_span(&bytes));
    sat_buf_deinit(&bytes);
    return filter->met == 1;
}

/* In its own place; did it come into the log? */
static bool push(struct forge *forge, struct world_device *device)
{
    struct forge_filter filter = {.type = SAT_MESSAGE_PUSH, .change = send_instead, .context = forge};
    uint64_t size = scene_log_size(&world);
    forge_filter_on(device, &filter);
    (void)world_sync(&world, device);
    device->on_way = NULL;
    assert_true(filter.met > 0);
    return scene_log_size(&world) > size;
}

static uint32_t escrowed(struct sat_aside_row **rows)
{
    return order_escrow(world.server_store, &arena, rows);
}

/* ---- The stories ---- */

static void under_ones_number_nobody_steps_back(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_aside_row *rows;
    write_unsent(thief);
    back_date(&forge, thief);
    assert_false(push(&forge, thief));
    assert_int_equal(escrowed(&rows), 0);
    forge_deinit(&forge);
}

static void nor_under_a_fresh_one(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_aside_row *rows;
    struct world_device *second = write_unsent_under_a_fresh_number();
    back_date(&forge, second);
    assert_false(push(&forge, second));
    assert_int_equal(escrowed(&rows), 1);
    assert_int_equal(rows[0].device, scene_number(second));
    forge_deinit(&forge);
}

static void a_server_that_lets_it_through_is_caught(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_aside_row *rows;
    struct world_device *second = write_unsent_under_a_fresh_number();
    back_date(&forge, second);
    world_connect(&world, reader);
    world_run(&world, reader);
    uint64_t size = scene_space(reader->handle.store, &world.spaces[0]).log.size;
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, reader->handle.directory.seq);
    reader->last_err = SAT_OK;
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    assert_int_equal(order_escrow(reader->handle.store, &arena, &rows), 1);
    assert_int_equal(rows[0].reason, SAT_ERR_ESCROWED);
    assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, size);
    forge_deinit(&forge);
}

/* What it sealed as of then, and could not hand in, is pushed: its author may write there again. */
static void work_of_an_honest_copy_waits_though_its_right_has_come_back(void **state)
{
    (void)state;
    struct forge_filter filter = {.type = SAT_MESSAGE_HAND_IN, .change = lose};
    struct sat_aside_row *rows;
    struct world_device *second = world_clone(&world, thief);
    scene_write_in(&world, thief, &world.spaces[1], 2, CITY, "Chur");
    assert_true(world_sync(&world, thief));
    scene_write(&world, second, 7, CITY, "Thun");
    order_grant(&world, thief, 0, 0);
    forge_filter_on(second, &filter);
    (void)world_sync(&world, second);
    second->on_way = NULL;
    assert_true(filter.met > 0);
    assert_int_equal(escrowed(&rows), 0);
    order_grant(&world, thief, 0, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    (void)world_sync(&world, second);
    assert_int_equal(escrowed(&rows), 1);
    assert_int_equal(rows[0].device, scene_number(second));
    assert_int_equal(second->heard[SAT_NOTICE_REFUSED], 0);
    scene_write(&world, second, 8, CITY, "Visp");
    (void)world_sync(&world, second);
    order_decide(&world, SAT_ACCEPT_BUNDLE, &rows[0]);
    assert_true(world_settle(&world, 4));
    assert_string_equal(scene_shows(&world, reader, 7, CITY), "Thun");
    assert_string_equal(scene_shows(&world, reader, 8, CITY), "Visp");
}

/* ---- A log of before that rule (decision 290) ---- */

/* A program of before it does not know from where on a device had its number. */
static void is_older(const struct sat_directory *directory, uint32_t number, bool older)
{
    static struct sat_device now;
    struct sat_device *device = (struct sat_device *)(uintptr_t)sat_directory_device(directory, number);
    if (older) now = *device;
    device->since_seq = older ? as_manager : now.since_seq;
    device->approved_seq = older ? as_manager : now.approved_seq;
}

static void move_away(struct world_device *device, uint32_t record)
{
    struct sat_vault vault = client_vault(&device->handle);
    struct sat_move move = {.record = world_record(record),
                            .from = world_sid(device, &world.spaces[0]),
                            .to = world_sid(device, &world.spaces[1]),
                            .home = true};
    uint32_t written;
    assert_int_equal(sat_store_begin(device->handle.store), SAT_OK);
    assert_int_equal(sat_author_move(&vault, &move, 1, world.now_ms, &written), SAT_OK);
    assert_int_equal(move.err, SAT_OK);
    assert_int_equal(sat_store_commit(device->handle.store), SAT_OK);
}

static void puts_aside(uint32_t so_many)
{
    struct sat_aside_row *rows;
    assert_false(world_sync(&world, reader)); /* told once, … */
    reader->last_err = SAT_OK;
    (void)world_sync(&world, reader);
    assert_int_equal(reader->last_err, SAT_OK); /* … and listed since */
    assert_int_equal(order_escrow(reader->handle.store, &arena, &rows), so_many);
}

/* The server let it in, and who is there has it. Who comes later, with a program that knows the rule, lists it, with
 * what stands on it, and goes on. Where an admin who has it moves it, he says by his own word what it says. */
static void what_is_in_a_log_of_before_is_put_aside_by_who_comes_later(void **state)
{
    (void)state;
    struct forge forge;
    struct world_device *admin = &world.devices[0], *second = write_unsent_under_a_fresh_number();
    uint32_t number = scene_number(second);
    back_date(&forge, second);
    is_older(sat_host_directory(world.host), number, true);
    assert_true(push(&forge, second));
    is_older(sat_host_directory(world.host), number, false);
    (void)world_sync(&world, admin); /* the directory */
    is_older(&admin->handle.directory, number, true);
    assert_true(world_sync(&world, admin));
    is_older(&admin->handle.directory, number, false);
    assert_string_equal(scene_shows(&world, admin, 7, CITY), "Thun");
    puts_aside(1);
    assert_string_equal(scene_shows(&world, reader, 7, CITY), "");
    scene_write(&world, admin, 8, CITY, "Visp");
    assert_true(world_sync(&world, admin));
    (void)world_sync(&world, reader);
    assert_string_equal(scene_shows(&world, reader, 8, CITY), "Visp");
    move_away(admin, 7);
    assert_true(world_sync(&world, admin));
    puts_aside(2); /* what takes it away has seen it */
    struct sat_record_view view;
    struct sat_record_id id = world_record(7);
    world_load(reader, &world.spaces[1], &id, &arena, &view);
    const struct sat_merged *city = sat_merged_cell(&view.merged, CITY, (struct sat_span){0});
    assert_non_null(city);
    assert_true(sat_span_equal(city->value.text, sat_span_text("Thun")));
    forge_deinit(&forge);
}

/* ---- A server that would have a home take new numbers ---- */

/* It swallows what is pushed, and says that the numbers are another bundle's. */
static bool say_taken(struct world_device *device, const struct sat_message *message, struct sat_arena *use)
{
    struct sat_bundle bundle;
    struct sat_message refused = {.type = SAT_MESSAGE_REFUSED};
    const struct sat_hash *org = &sat_host_directory(world.host)->org;
    assert_int_equal(sat_bundle_decode(message->as.PUSH.bundle, org, &world.spaces[1], use, &bundle), SAT_OK);
    refused.as.REFUSED = (struct sat_message_REFUSED){.sub = message->as.PUSH.sub,
                                                      .first = bundle.manifest.first,
                                                      .error = SAT_ERR_FORK,
                                                      .text = sat_span_text("taken")};
    forge_send(device, true, &refused);
    return false;
}

struct shown {
    struct sat_bundle_row row; /* what the server shows; device 0: what it has, which is nothing */
};

static void show(const struct sat_bundle_row *row, struct sat_message *message, struct sat_buf *bytes)
{
    struct sat_buf proof;
    sat_buf_init(&proof);
    sat_taken_encode(row, &proof);
    message->as.TAKEN.proof = sat_buf_span(&proof);
    sat_buf_clear(bytes);
    sat_message_encode(message, bytes);
    sat_buf_deinit(&proof);
}

static bool pass_taken(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct shown *shown = context;
    struct sat_arena use;
    struct sat_message message;
    sat_arena_init(&use);
    struct sat_span copy = sat_span_copy(&use, sat_buf_span(bytes));
    enum sat_err err = sat_message_decode(copy, down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &use, &message);
    bool passes = err || message.type != SAT_MESSAGE_PUSH || say_taken(device, &message, &use);
    if (!err && message.type == SAT_MESSAGE_TAKEN && shown->row.device) show(&shown->row, &message, bytes);
    sat_arena_deinit(&use);
    return passes;
}

static struct sat_bundle_row newest_of(uint32_t device)
{
    struct sat_bundle_row row;
    bool found;
    struct sat_space_row space = scene_space(world.server_store, &world.spaces[0]);
    assert_int_equal(sat_store_bundle_tip(world.server_store, space.sid, device, false, &row, &found), SAT_OK);
    assert_true(found);
    return row;
}

/* Who has lost a territory, in which it cannot look any more. */
static void is_not_believed(const struct sat_bundle_row *shows)
{
    struct shown shown = {.row = *shows};
    uint32_t number = scene_number(thief);
    order_grant(&world, thief, 0, 0);
    assert_true(world_sync(&world, thief));
    scene_write_in(&world, thief, &world.spaces[1], 9, CITY, "Zug");
    thief->on_way = pass_taken;
    thief->on_way_context = &shown;
    (void)world_sync(&world, thief);
    thief->on_way = NULL;
    assert_int_equal(thief->heard[SAT_NOTICE_REINDEXED], 0);
    assert_int_equal(thief->heard[SAT_NOTICE_REFUSED], 1);
    assert_int_equal(thief->last_err, SAT_ERR_FORK);
    assert_int_equal(scene_number(thief), number);
    assert_int_equal(scene_pending(thief), 1); /* listed, and kept */
}

/* What has the number was refused, and stated empty: that is signed as well. */
static void an_honest_server_shows_what_was_stated_empty(void **state)
{
    (void)state;
    struct world_home kept;
    uint32_t number = scene_number(thief);
    world_home_backup(&world, thief, &kept);
    scene_write(&world, thief, 1, CITY, "Brig");
    scene_damage_push(&world, thief, 0);
    (void)world_sync(&world, thief);
    thief->on_way = NULL;
    assert_int_equal(newest_of(number).state, SAT_BUNDLE_VOID);
    order_grant(&world, thief, 0, 0);
    world_home_restore(&world, thief, &kept);
    world_home_free(&kept);
    scene_write_in(&world, thief, &world.spaces[1], 9, CITY, "Zug");
    assert_true(world_sync(&world, thief));
    assert_int_not_equal(scene_number(thief), number);
    assert_int_equal(scene_pending(thief) + scene_drafts(thief), 0);
}

static void a_server_that_shows_nothing_is_not_believed(void **state)
{
    (void)state;
    is_not_believed(&(struct sat_bundle_row){0});
}

static void nor_is_one_that_shows_other_numbers(void **state)
{
    (void)state;
    struct sat_bundle_row row = newest_of(scene_number(thief));
    is_not_believed(&row);
}

static void nor_is_one_that_alters_what_it_shows(void **state)
{
    (void)state;
    struct sat_bundle_row row = newest_of(scene_number(thief));
    struct sat_manifest manifest;
    sat_manifest_decode(row.manifest, &manifest);
    manifest.first++; /* the next number, which is meant */
    sat_manifest_encode(&manifest, row.manifest);
    is_not_believed(&row);
}

struct refusing {
    bool itself;               /* it shows the statement; else the bundle that this is about */
    struct sat_bundle_row row; /* what it shows */
    uint32_t bundles, stated, shown;
};

/* A bundle for itself, what is stated in its place because of the numbers, and what is behind that later. */
static enum sat_err refuse(struct refusing *it, const struct world_device *device, struct sat_span bundle,
                           uint64_t *first)
{
    struct sat_bundle_row *rows;
    uint32_t n;
    struct sat_store *store = device->handle.store;
    bool states = bundle.at[0] == SAT_VOID_FORM;
    int64_t sid = scene_space(store, &world.spaces[1]).sid;
    assert_int_equal(sat_store_bundles_pending(store, sid, 0, 1, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    *first = rows[0].first;
    it->stated += states;
    it->bundles += !states;
    if (states ? it->itself : it->bundles == 1) it->row = rows[0];
    if (states) return SAT_ERR_FORK;
    return it->bundles == 1 ? SAT_ERR_BOUNDS : SAT_ERR_BUSY;
}

static bool pass_stated(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    struct refusing *it = context;
    struct sat_arena use;
    struct sat_message message, refused = {.type = SAT_MESSAGE_REFUSED};
    sat_arena_init(&use);
    struct sat_span copy = sat_span_copy(&use, sat_buf_span(bytes));
    enum sat_err err = sat_message_decode(copy, down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT, &use, &message);
    bool pushed = !err && message.type == SAT_MESSAGE_PUSH;
    if (pushed) {
        refused.as.REFUSED = (struct sat_message_REFUSED){.sub = message.as.PUSH.sub, .text = sat_span_text("no")};
        refused.as.REFUSED.error = refuse(it, device, message.as.PUSH.bundle, &refused.as.REFUSED.first);
        forge_send(device, true, &refused);
    }
    if (!err && message.type == SAT_MESSAGE_TAKEN) {
        it->shown++;
        show(&it->row, &message, bytes);
    }
    sat_arena_deinit(&use);
    return !pushed;
}

/* It refuses a bundle for nothing, and the statement in its place with what the device has signed in truth: both are of
 * this home, which is no copy. */
static void is_its_own(bool itself)
{
    struct refusing it = {.itself = itself};
    uint32_t number = scene_number(thief);
    order_grant(&world, thief, 0, 0);
    assert_true(world_sync(&world, thief));
    scene_write_in(&world, thief, &world.spaces[1], 9, CITY, "Zug");
    thief->on_way = pass_stated;
    thief->on_way_context = &it;
    (void)world_sync(&world, thief);
    thief->on_way = NULL;
    assert_true(it.stated > 0 && it.shown > 0);
    assert_int_equal(thief->heard[SAT_NOTICE_REINDEXED], 0);
    assert_int_equal(scene_number(thief), number);
    assert_true(world_sync(&world, thief)); /* with an honest server it goes on */
    assert_int_equal(scene_number(thief), number);
    assert_int_equal(scene_pending(thief) + scene_drafts(thief), 0);
}

static void what_was_stated_empty_is_no_other_work(void **state)
{
    (void)state;
    is_its_own(false);
}

static void nor_is_the_statement_itself(void **state)
{
    (void)state;
    is_its_own(true);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(under_ones_number_nobody_steps_back),
        STORY(nor_under_a_fresh_one),
        STORY(a_server_that_lets_it_through_is_caught),
        STORY(work_of_an_honest_copy_waits_though_its_right_has_come_back),
        STORY(what_is_in_a_log_of_before_is_put_aside_by_who_comes_later),
        STORY(an_honest_server_shows_what_was_stated_empty),
        STORY(a_server_that_shows_nothing_is_not_believed),
        STORY(nor_is_one_that_shows_other_numbers),
        STORY(nor_is_one_that_alters_what_it_shows),
        STORY(what_was_stated_empty_is_no_other_work),
        STORY(nor_is_the_statement_itself),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile index", tests, NULL, NULL);
}
