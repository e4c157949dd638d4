/* What a hostile or broken member is caught at: by the server that it pushes to, and by every reader, should the server
 * have let it through. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/proof/disclosure.h"
#include "common/sync/subscription.h"
#include "tests/story/forge.h"
#include "tests/story/scene.h"

static struct world world;
static struct world_device *liar, *reader, *newcomer; /* three reps of one territory: devices 2, 3, 4 */

static int begin(void **state)
{
    (void)state;
    world_init(&world, 37, 2);
    liar = world_join(&world, 1);
    reader = world_join(&world, 1);
    newcomer = world_join(&world, 1);
    scene_write(&world, liar, 1, CITY, "Bern");
    assert_true(world_sync(&world, liar));
    scene_write(&world, reader, 2, CITY, "Basel");
    assert_true(world_settle(&world, 4));
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_deinit(&world);
    return 0;
}

/* ---- The lies ---- */

struct lie {
    const char *name;
    void (*tell)(struct forge *forge);
    enum sat_err server, reader; /* what each says to it */
    bool as_signed_before;       /* it is not signed anew */
    bool newcomer;               /* told by one who has not written yet */
};

static void see(struct forge *forge, uint32_t device, uint64_t counter)
{
    forge->headers[0].seen = forge_dots(forge, &(struct sat_dot){device, counter}, 1);
    forge_header(forge, 0);
}

static void has_seen_the_future_of_another(struct forge *forge)
{
    see(forge, 3, SAT_COUNTER_MAX);
}

static void has_seen_one_more_than_there_is(struct forge *forge)
{
    see(forge, 3, 2);
}

static void has_seen_a_device_that_never_wrote_here(struct forge *forge)
{
    see(forge, 1, 1);
}

static void has_seen_itself(struct forge *forge)
{
    see(forge, forge->bundle.manifest.device, forge->bundle.manifest.first);
}

static void keeps_what_it_has_not_seen(struct forge *forge)
{
    forge->headers[0].kept = forge_dots(forge, &(struct sat_dot){3, 1}, 1);
    forge->headers[0].seen.n = 0;
    forge_header(forge, 0);
}

static void has_a_hole_that_it_has_not_seen(struct forge *forge)
{
    forge->headers[0].holes = forge_dots(forge, &(struct sat_dot){3, 2}, 1);
    see(forge, 3, 1);
}

static void keeps_a_hole(struct forge *forge)
{
    forge->headers[0].holes = forge->headers[0].kept = forge_dots(forge, &(struct sat_dot){3, 1}, 1);
    see(forge, 3, 1);
}

static void keeps_more_than_anybody_can(struct forge *forge)
{
    struct sat_dot *dots = sat_arena_array(&forge->arena, SAT_KEPT_HOLES_MAX + 1, sizeof *dots);
    for (uint32_t i = 0; i <= SAT_KEPT_HOLES_MAX; i++) dots[i] = (struct sat_dot){3, i + 1};
    forge->headers[0].kept = (struct sat_dots){dots, SAT_KEPT_HOLES_MAX + 1};
    see(forge, 3, SAT_KEPT_HOLES_MAX + 1);
}

static void says_its_header_in_another_way(struct forge *forge)
{
    struct sat_span header = forge->bundle.changes[0].header;
    uint8_t *longer = sat_arena_alloc(&forge->arena, header.len + 1);
    memcpy(longer, header.at, header.len);
    forge->bundle.changes[0].header = sat_span(longer, header.len + 1);
}

static void lives_beyond_all_calendars(struct forge *forge)
{
    forge->headers[0].hlc = UINT64_MAX;
    forge_header(forge, 0);
}

static void uses_an_epoch_that_is_not_there(struct forge *forge)
{
    forge->bundle.manifest.epoch = 2;
}

static void is_of_a_later_suite(struct forge *forge)
{
    forge->bundle.manifest.suite = 2;
}

static void continues_nothing(struct forge *forge)
{
    forge->bundle.manifest.prev = (struct sat_hash){{7}};
}

static void forgets_what_it_wrote_before(struct forge *forge)
{
    forge->bundle.manifest.prev = (struct sat_hash){{0}};
}

static void writes_a_dot_twice(struct forge *forge)
{
    forge->bundle.manifest.first = 1;
}

static const struct sat_directory *directory(void)
{
    return sat_host_directory(world.host);
}

static void stand_at(struct forge *forge, uint64_t seq)
{
    forge->bundle.manifest.dir_seq = seq;
    forge->bundle.manifest.dir_hash = sat_directory_hash_at(directory(), seq);
}

static void steps_back_in_the_directory(struct forge *forge)
{
    stand_at(forge, sat_directory_device(directory(), forge->bundle.manifest.device)->since_seq);
}

static void stands_before_its_own_join(struct forge *forge)
{
    stand_at(forge, 1);
}

static void stands_in_a_directory_to_come(struct forge *forge)
{
    stand_at(forge, directory()->seq + 1);
}

static void stands_in_another_directory(struct forge *forge)
{
    forge->bundle.manifest.dir_hash.b[9] ^= 1;
}

static void witnesses_another_log(struct forge *forge)
{
    forge->bundle.manifest.w_root.b[9] ^= 1;
}

static void witnesses_a_longer_log(struct forge *forge)
{
    forge->bundle.manifest.w_size += 100;
}

static void witnesses_another_life_of_the_log(struct forge *forge)
{
    forge->bundle.manifest.log_epoch.b[9] ^= 1;
}

static void is_made_for_another_space(struct forge *forge)
{
    forge->bundle.manifest.space = world.spaces[1];
}

static void is_made_for_another_org(struct forge *forge)
{
    forge->bundle.manifest.org.b[0] ^= 1;
}

static void is_signed_otherwise(struct forge *forge)
{
    forge->bundle.signature.b[5] ^= 1;
}

static void has_another_body(struct forge *forge)
{
    struct sat_span *body = &forge->bundle.changes[0].body;
    uint8_t *other = sat_arena_copy(&forge->arena, body->at, body->len);
    other[0] ^= 1;
    body->at = other;
}

static void has_another_clock(struct forge *forge)
{
    forge->headers[0].hlc++;
    forge_header(forge, 0);
}

static void is_about_another_record(struct forge *forge)
{
    forge->bundle.changes[0].record = world_record(99);
}

/* In the admin's name: his first bundle in the territory, as far as anybody can tell. */
static void is_in_the_name_of_another(struct forge *forge)
{
    forge->bundle.manifest.device = 1;
    forge->bundle.manifest.first = 100;
    forge->bundle.manifest.prev = (struct sat_hash){{0}};
    forge->headers[0].seen.n = 0;
    forge_header(forge, 0);
}

/* What the server says to it, and what a reader does. */
#define LIE(story, says, means)                                                                                        \
    {                                                                                                                  \
        .name = #story, .tell = story, .server = SAT_ERR_##says, .reader = SAT_ERR_##means                             \
    }
#define AS_SIGNED(story, says, means)                                                                                  \
    {                                                                                                                  \
        .name = #story, .tell = story, .server = SAT_ERR_##says, .reader = SAT_ERR_##means, .as_signed_before = true   \
    }
#define NEWCOMER(story, says, means)                                                                                   \
    {                                                                                                                  \
        .name = #story, .tell = story, .server = SAT_ERR_##says, .reader = SAT_ERR_##means, .newcomer = true           \
    }
static const struct lie LIES[] = {
    LIE(has_seen_the_future_of_another, BOUNDS, BOUNDS),
    LIE(has_seen_one_more_than_there_is, BOUNDS, BOUNDS),
    LIE(has_seen_a_device_that_never_wrote_here, BOUNDS, BOUNDS),
    LIE(has_seen_itself, BOUNDS, BOUNDS),
    LIE(keeps_what_it_has_not_seen, BOUNDS, BOUNDS),
    LIE(has_a_hole_that_it_has_not_seen, BOUNDS, BOUNDS),
    LIE(keeps_a_hole, BOUNDS, BOUNDS),
    LIE(keeps_more_than_anybody_can, BOUNDS, BOUNDS),
    LIE(says_its_header_in_another_way, MALFORMED, MALFORMED),
    LIE(lives_beyond_all_calendars, MALFORMED, MALFORMED),
    LIE(uses_an_epoch_that_is_not_there, DENIED, TAMPERED),
    {.name = "is_of_a_later_suite", .tell = is_of_a_later_suite, .server = SAT_ERR_UPGRADE_NEEDED}, /* put aside */
    LIE(continues_nothing, STALE, BAD_CHAIN),
    LIE(forgets_what_it_wrote_before, STALE, BAD_CHAIN),
    LIE(writes_a_dot_twice, FORK, FORK),
    LIE(steps_back_in_the_directory, BAD_CHAIN, BAD_CHAIN),
    NEWCOMER(stands_before_its_own_join, DENIED, TAMPERED),
    LIE(stands_in_a_directory_to_come, TAMPERED, TAMPERED),
    LIE(stands_in_another_directory, FORK, FORK),
    LIE(witnesses_another_log, FORK, FORK),
    LIE(witnesses_a_longer_log, FORK, FORK),
    LIE(witnesses_another_life_of_the_log, FORK, FORK),
    LIE(is_made_for_another_space, TAMPERED, TAMPERED),
    LIE(is_made_for_another_org, TAMPERED, TAMPERED),
    AS_SIGNED(is_signed_otherwise, TAMPERED, TAMPERED),
    AS_SIGNED(has_another_body, TAMPERED, TAMPERED),
    AS_SIGNED(has_another_clock, TAMPERED, TAMPERED),
    AS_SIGNED(is_about_another_record, TAMPERED, TAMPERED),
    LIE(is_in_the_name_of_another, DENIED, TAMPERED),
};
#undef LIE
#undef AS_SIGNED
#undef NEWCOMER

/* ---- Telling them ---- */

static enum sat_err verdict; /* of the server, in a refusal or an error */
static bool let_through;     /* the next push */

/* Lets no bundle through that the device would push by itself, and hears what the server says. */
static bool eavesdrop(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    struct sat_arena arena;
    struct sat_message message;
    sat_arena_init(&arena);
    enum sat_message_sender sender = down ? SAT_SENDER_SERVER : SAT_SENDER_CLIENT;
    enum sat_err err = sat_message_decode(sat_buf_span(bytes), sender, &arena, &message);
    bool passes = err || message.type != SAT_MESSAGE_PUSH || let_through;
    if (!err && message.type == SAT_MESSAGE_PUSH) let_through = false;
    if (!err && message.type == SAT_MESSAGE_REFUSED) verdict = sat_err_from_wire(message.as.REFUSED.error);
    if (!err && message.type == SAT_MESSAGE_ERROR) verdict = sat_err_from_wire(message.as.ERROR.error);
    sat_arena_deinit(&arena);
    return passes;
}

static bool deaf(void *context, struct world_device *device, bool down, struct sat_buf *bytes)
{
    (void)context;
    (void)device;
    (void)bytes;
    return down; /* nothing of his reaches the server */
}

/* The device writes, and freezes what it wrote without a word of it reaching the server. */
static void freeze(struct world_device *device)
{
    scene_write(&world, device, 1, CITY, "Biel");
    verdict = SAT_OK;
    device->on_way = eavesdrop;
    world_connect(&world, device);
    world_run(&world, device);
    assert_int_equal(scene_pending(device), 1);
}

/* A refusal stands for its session (docs/decisions/0126): the next lie needs another one. */
static void call_again(struct world_device *device)
{
    world_disconnect(&world, device);
    world_connect(&world, device);
    world_run(&world, device);
}

static void others_are_served(void)
{
    uint64_t size = scene_log_size(&world);
    scene_write(&world, reader, 3, CITY, "Chur");
    assert_true(world_sync(&world, reader));
    assert_int_equal(scene_log_size(&world), size + 1);
    assert_true(world_sync(&world, &world.devices[0]));
    assert_string_equal(scene_shows(&world, &world.devices[0], 3, CITY), "Chur");
}

static void make_lie(const struct lie *lie, struct world_device *device, struct forge *forge)
{
    forge_pending(forge, device, &world.spaces[0]);
    lie->tell(forge);
    if (!lie->as_signed_before) forge_sign(forge, &sat_keyring_secrets(device->handle.keyring)->sign);
}

static void tell_server(const struct lie *lie)
{
    begin(NULL);
    struct world_device *device = lie->newcomer ? newcomer : liar;
    uint64_t size = scene_log_size(&world);
    struct forge forge;
    freeze(device);
    make_lie(lie, device, &forge);
    let_through = true;
    forge_push(&forge, device, &world.spaces[0]);
    world_run(&world, device);
    if (verdict != lie->server) print_error("%s: the server says %s\n", lie->name, sat_err_name(verdict));
    assert_int_equal(verdict, lie->server);
    assert_int_equal(scene_log_size(&world), size);
    others_are_served();
    forge_deinit(&forge);
    end(NULL);
}

static void tell_reader(const struct lie *lie)
{
    begin(NULL);
    struct world_device *device = lie->newcomer ? newcomer : liar;
    uint64_t size = scene_log_size(&world);
    struct forge forge;
    freeze(device);
    make_lie(lie, device, &forge);
    world_connect(&world, reader);
    world_run(&world, reader);
    assert_true(sat_replica_in_sync(reader->replica));
    reader->on_way = deaf;
    forge_entry(&forge, reader, &world.spaces[0], size + 1, world.now_ms, directory()->seq);
    world_run(&world, reader);
    if (reader->last_err != lie->reader)
        print_error("%s: a reader says %s\n", lie->name, sat_err_name(reader->last_err));
    assert_int_equal(reader->last_err, lie->reader);
    assert_string_equal(scene_shows(&world, reader, 1, CITY), "Bern");
    reader->on_way = NULL;
    if (lie->reader) {
        assert_null(reader->replica); /* the session is over */
        assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, size);
    } else { /* put aside; the honest server's log is another, and what no head proved is let go of */
        world_disconnect(&world, reader);
        assert_true(world_sync(&world, reader));
        assert_int_equal(scene_space(reader->handle.store, &world.spaces[0]).log.size, size);
    }
    assert_true(world_sync(&world, reader)); /* with an honest server it goes on */
    forge_deinit(&forge);
    end(NULL);
}

static void no_lie_gets_past_the_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) tell_server(&LIES[i]);
}

static void no_lie_gets_past_a_reader(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof LIES / sizeof *LIES; i++) tell_reader(&LIES[i]);
}

/* ---- Where it may not write ---- */

static void write_in(struct world_device *device, const struct sat_space_id *space, struct forge *forge)
{
    forge_pending(forge, device, &world.spaces[0]);
    forge->bundle.manifest.space = *space;
    forge->bundle.manifest.prev = (struct sat_hash){{0}};
    forge->bundle.manifest.log_epoch = (struct sat_log_epoch){{0}};
    forge->bundle.manifest.w_size = 0;
    forge->bundle.manifest.w_root = (struct sat_hash){{0}};
    forge->headers[0].seen.n = forge->headers[0].kept.n = 0;
    forge_header(forge, 0);
    forge_sign(forge, &sat_keyring_secrets(device->handle.keyring)->sign);
}

static void who_only_reads_a_space_writes_nothing_there(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_space_id org = sat_directory_space_of_kind(directory(), SAT_SPACE_ORG)->id;
    freeze(liar);
    write_in(liar, &org, &forge);
    let_through = true;
    forge_push(&forge, liar, &org);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    assert_int_equal(scene_space(world.server_store, &org).log.size, 0);
    world_connect(&world, reader);
    world_run(&world, reader);
    reader->on_way = deaf;
    forge_entry(&forge, reader, &org, 1, world.now_ms, directory()->seq);
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    forge_deinit(&forge);
}

static void a_device_writes_its_own_name_and_no_other(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_space_id people = sat_directory_space_of_kind(directory(), SAT_SPACE_PEOPLE)->id;
    freeze(liar);
    write_in(liar, &people, &forge);
    forge.bundle.changes[0].record = sat_name_record_device(&directory()->org, scene_number(reader));
    forge_sign(&forge, &sat_keyring_secrets(liar->handle.keyring)->sign);
    let_through = true;
    forge_push(&forge, liar, &people);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    assert_int_equal(scene_space(world.server_store, &people).log.size, 0);
    forge.bundle.changes[0].record = sat_name_record_device(&directory()->org, scene_number(liar));
    forge_sign(&forge, &sat_keyring_secrets(liar->handle.keyring)->sign);
    call_again(liar);
    let_through = true;
    forge_push(&forge, liar, &people);
    world_run(&world, liar);
    assert_int_equal(scene_space(world.server_store, &people).log.size, 1);
    forge_deinit(&forge);
}

static void record_of(struct forge *forge, struct sat_record_id record)
{
    forge->bundle.changes[0].record = record;
    forge_sign(forge, &sat_keyring_secrets(liar->handle.keyring)->sign);
}

/* Refused by the server, and by who gets it from one that takes it. */
static void a_device_writes_its_own_disclosures_and_no_others(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_space_id people = sat_directory_space_of_kind(directory(), SAT_SPACE_PEOPLE)->id;
    const struct sat_hash *org = &directory()->org;
    freeze(liar);
    write_in(liar, &people, &forge);
    record_of(&forge, sat_disclosure_record(org, scene_number(reader), 0));
    let_through = true;
    forge_push(&forge, liar, &people);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    struct sat_record_id beyond = sat_disclosure_record(org, scene_number(liar), 0);
    beyond.b[SAT_DISCLOSURE_PREFIX + 1] = SAT_DISCLOSURES_MAX >> 8; /* more than a device has */
    record_of(&forge, beyond);
    call_again(liar);
    let_through = true;
    forge_push(&forge, liar, &people);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    assert_int_equal(scene_space(world.server_store, &people).log.size, 0);
    record_of(&forge, sat_disclosure_record(org, scene_number(liar), SAT_DISCLOSURES_MAX - 1));
    call_again(liar);
    let_through = true;
    forge_push(&forge, liar, &people);
    world_run(&world, liar);
    assert_int_equal(scene_space(world.server_store, &people).log.size, 1);
    assert_true(world_sync(&world, reader));
    forge_deinit(&forge);
}

static void anothers_disclosure_that_a_server_lets_through_is_caught(void **state)
{
    (void)state;
    struct forge forge;
    struct sat_space_id people = sat_directory_space_of_kind(directory(), SAT_SPACE_PEOPLE)->id;
    freeze(liar);
    write_in(liar, &people, &forge);
    record_of(&forge, sat_disclosure_record(&directory()->org, scene_number(reader), 0));
    world_connect(&world, reader);
    world_run(&world, reader);
    reader->on_way = deaf;
    forge_entry(&forge, reader, &people, 1, world.now_ms, directory()->seq);
    world_run(&world, reader);
    assert_int_equal(reader->last_err, SAT_ERR_TAMPERED);
    forge_deinit(&forge);
}

static void subscribe_to(struct world_device *device, uint32_t sub, const struct sat_space_id *space)
{
    struct sat_subscription wish = {.sub = sub, .space = *space};
    struct sat_buf item;
    sat_buf_init(&item);
    sat_subscription_encode(&wish, &item);
    struct sat_span span = sat_buf_span(&item);
    struct sat_message message = {.type = SAT_MESSAGE_SUBSCRIBE};
    message.as.SUBSCRIBE.subs = (struct sat_list){&span, 1};
    forge_send(device, false, &message);
    sat_buf_deinit(&item);
}

static void a_territory_of_others_is_closed(void **state)
{
    (void)state;
    struct forge forge;
    freeze(liar);
    write_in(liar, &world.spaces[1], &forge);
    let_through = true;
    forge_push(&forge, liar, &world.spaces[1]); /* into what was not subscribed */
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_PROTOCOL);
    assert_null(liar->replica);
    world_connect(&world, liar);
    world_run(&world, liar);
    subscribe_to(liar, 77, &world.spaces[1]);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    assert_null(liar->replica);
    world_connect(&world, liar);
    world_run(&world, liar);
    subscribe_to(liar, 77, &(struct sat_space_id){{1, 2, 3}}); /* nobody learns by the answer what there is */
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_DENIED);
    others_are_served();
    forge_deinit(&forge);
}

/* ---- Stubs ---- */

static void a_stub_is_not_pushed(void **state)
{
    (void)state;
    struct forge forge;
    uint64_t size = scene_log_size(&world);
    freeze(liar);
    forge_pending(&forge, liar, &world.spaces[0]);
    struct sat_change *change = &forge.bundle.changes[0];
    *change = (struct sat_change){.record = change->record, .stub = true, .rest = change->rest};
    let_through = true;
    forge_push(&forge, liar, &world.spaces[0]);
    world_run(&world, liar);
    assert_int_equal(verdict, SAT_ERR_PROTOCOL);
    assert_int_equal(scene_log_size(&world), size);
    others_are_served();
    forge_deinit(&forge);
}

/* ---- Who it is ---- */

static bool answer_as_another(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                              struct sat_arena *arena)
{
    (void)filter;
    (void)device;
    (void)arena;
    message->as.AUTH.device = *(uint64_t *)filter->context;
    return true;
}

static void nobody_is_let_in_as_another(void **state)
{
    (void)state;
    uint64_t numbers[] = {1, 3, 0, 5, UINT32_MAX};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct forge_filter filter = {.type = SAT_MESSAGE_AUTH, .change = answer_as_another, .context = &numbers[i]};
        forge_filter_on(liar, &filter);
        liar->last_err = SAT_OK;
        assert_false(world_sync(&world, liar));
        assert_int_equal(liar->last_err, SAT_ERR_DENIED);
    }
    liar->on_way = NULL;
    others_are_served();
}

static bool keep_answer(struct forge_filter *filter, struct world_device *device, struct sat_message *message,
                        struct sat_arena *arena)
{
    (void)device;
    (void)arena;
    struct sat_message_AUTH *kept = filter->context;
    if (filter->met == 1)
        *kept = message->as.AUTH;
    else
        message->as.AUTH = *kept;
    return true;
}

static void an_answer_is_good_once(void **state)
{
    (void)state;
    struct sat_message_AUTH kept;
    struct forge_filter filter = {.type = SAT_MESSAGE_AUTH, .change = keep_answer, .context = &kept};
    forge_filter_on(liar, &filter);
    assert_true(world_sync(&world, liar));
    assert_false(world_sync(&world, liar));
    assert_int_equal(liar->last_err, SAT_ERR_DENIED);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lie_gets_past_the_server),
        cmocka_unit_test(no_lie_gets_past_a_reader),
        STORY(who_only_reads_a_space_writes_nothing_there),
        STORY(a_device_writes_its_own_name_and_no_other),
        STORY(a_device_writes_its_own_disclosures_and_no_others),
        STORY(anothers_disclosure_that_a_server_lets_through_is_caught),
        STORY(a_territory_of_others_is_closed),
        STORY(a_stub_is_not_pushed),
        STORY(nobody_is_let_in_as_another),
        STORY(an_answer_is_good_once),
    };
#undef STORY
    return cmocka_run_group_tests_name("hostile member", tests, NULL, NULL);
}
