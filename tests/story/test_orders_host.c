/* What the server demands of links beyond what the directory does: of revocations their cuts, of epochs and kits their
 * key boxes, of decisions about the escrow the bundle that they are about. Spoken by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "tests/story/raw_world.h"

/* ---- Cuts ---- */

static void a_revocation_names_the_devices_last_bundles_exactly(void **state)
{
    (void)state;
    struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    struct raw_links links;
    write_two();
    assert_int_equal(raw_cuts(&world, 2, cuts), 1);
    struct sat_cut right = cuts[0], lower = right, higher = right, another = right;
    lower.counter--;
    higher.counter++;
    another.bundle.b[0] ^= 1;
    struct sat_cut elsewhere[2] = {right, right};
    elsewhere[1].space = world.spaces[1]; /* where it has written nothing */
    if (memcmp(elsewhere[0].space.b, elsewhere[1].space.b, 16) > 0) {
        elsewhere[0].space = world.spaces[1];
        elsewhere[1].space = right.space;
    }
    const struct {
        const struct sat_cut *cuts;
        uint16_t n;
        enum sat_err err;
    } cases[] = {{NULL, 0, SAT_ERR_STALE},     {&lower, 1, SAT_ERR_STALE},    {&higher, 1, SAT_ERR_STALE},
                 {&another, 1, SAT_ERR_STALE}, {elsewhere, 2, SAT_ERR_STALE}, {&right, 1, SAT_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        raw_links_begin(&links, &world);
        raw_links_revoke(&links, admin, true, 2, cases[i].cuts, cases[i].n);
        assert_int_equal(append(admin, &links), cases[i].err);
        raw_links_end(&links);
    }
    forget();
}

/* A narrow space is nobody's who was not let in: whoever revokes cannot name what he cannot read. */
static void the_cut_of_a_narrow_space_may_be_left_out_but_not_be_wrong(void **state)
{
    (void)state;
    struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    struct sat_space_id narrow = {{0xff, 0xee}};
    struct sat_recipient *due;
    struct sat_arena arena;
    struct raw_links links;
    struct sat_buf bytes;
    struct raw raw;
    sat_arena_init(&arena);
    sat_buf_init(&bytes);
    raw_links_begin(&links, &world);
    sat_body_space_encode(&(struct sat_body_space){.space = narrow, .kind = SAT_SPACE_NARROW}, &bytes);
    raw_links_add(&links, admin, true, SAT_LINK_SPACE, &bytes);
    raw_links_grant(&links, admin, &narrow, 1, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    raw_links_grant(&links, admin, &narrow, 2, SAT_RIGHT_READ | SAT_RIGHT_WRITE);
    assert_int_equal(append(admin, &links), SAT_OK);
    raw_links_end(&links);
    raw_links_begin(&links, &world);
    uint32_t n = sat_directory_recipients(sat_host_directory(world.host), &narrow, world.now_ms, &arena, &due);
    raw_links_epoch(&links, admin, &narrow, due, n);
    assert_int_equal(append(admin, &links), SAT_OK);
    raw_links_end(&links);

    write_two();
    struct raw_bundle secret;
    raw_bundle(&secret, &world, rep, &narrow, 9, NULL, head());
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, &narrow);
    assert_int_equal(raw_push(&raw, 1, &secret), SAT_OK);
    raw_end(&raw);
    raw_bundle_free(&secret);
    assert_int_equal(raw_cuts(&world, 2, cuts), 2);
    assert_memory_equal(cuts[1].space.b, narrow.b, sizeof narrow.b); /* the last by its id */
    struct sat_cut wrong[] = {cuts[0], cuts[1]};
    wrong[1].counter--;
    const struct {
        const struct sat_cut *cuts;
        uint16_t n;
        enum sat_err err;
    } cases[] = {{wrong, 2, SAT_ERR_STALE}, {&cuts[1], 1, SAT_ERR_STALE}, {cuts, 1, SAT_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        raw_links_begin(&links, &world);
        raw_links_revoke(&links, admin, true, 2, cases[i].cuts, cases[i].n);
        assert_int_equal(append(admin, &links), cases[i].err);
        raw_links_end(&links);
    }
    sat_buf_deinit(&bytes);
    sat_arena_deinit(&arena);
    forget();
}

/* ---- Decisions ---- */

static enum sat_err decide(enum sat_accept_what what, uint32_t device, const struct raw_bundle *const *bundles,
                           uint32_t n)
{
    struct raw_links links;
    raw_links_begin(&links, &world);
    for (uint32_t i = 0; i < n; i++) raw_links_decide(&links, admin, what, device, &bundles[i]->bundle);
    enum sat_err err = append(admin, &links);
    raw_links_end(&links);
    return err;
}

static enum sat_err decide_one(enum sat_accept_what what, const struct raw_bundle *bundle)
{
    return decide(what, 2, &bundle, 1);
}

static void hand_in_both(void)
{
    struct raw raw;
    write_two();
    raw_revoke(&world, 2);
    raw_enter(&raw, &world, rep);
    for (uint32_t i = 2; i < 4; i++) assert_int_equal(raw_hand_in(&raw, &made[i]), SAT_ERR_ESCROWED);
    raw_end(&raw);
}

static struct sat_entry last_entry(void)
{
    struct sat_arena arena;
    struct sat_entry_row *rows;
    uint32_t n;
    sat_arena_init(&arena);
    struct sat_space_row row = scene_space(world.server_store, space());
    assert_int_equal(sat_store_entries(world.server_store, row.sid, row.log.size, 1, &arena, &rows, &n), SAT_OK);
    assert_int_equal(n, 1);
    struct sat_entry entry = rows[0].entry;
    sat_arena_deinit(&arena);
    return entry;
}

static void what_is_let_in_goes_into_the_log_in_its_authors_order(void **state)
{
    (void)state;
    hand_in_both();
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &made[3]), SAT_ERR_STALE); /* what it continues is not in */
    assert_int_equal(scene_log_size(&world), 2);
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &made[2]), SAT_OK);
    assert_int_equal(scene_log_size(&world), 3);
    struct sat_entry entry = last_entry();
    assert_memory_equal(entry.id.b, made[2].bundle.id.b, sizeof entry.id.b);
    assert_int_equal(entry.dir_at, head()); /* the position of the decision */
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &made[3]), SAT_OK);
    assert_int_equal(scene_log_size(&world), 4);
    assert_int_equal(escrowed(), 0);
    forget();
}

static void several_are_let_in_at_once(void **state)
{
    (void)state;
    hand_in_both();
    assert_int_equal(decide(SAT_ACCEPT_BUNDLE, 2, (const struct raw_bundle *const[]){&made[2], &made[3]}, 2), SAT_OK);
    assert_int_equal(scene_log_size(&world), 4);
    assert_int_equal(escrowed(), 0);
    forget();
}

static void of_decisions_that_come_together_all_hold_or_none(void **state)
{
    (void)state;
    hand_in_both();
    struct raw_bundle unknown;
    raw_bundle(&unknown, &world, rep, space(), 5, &made[3], 1);
    struct sat_space_row before = scene_space(world.server_store, space());
    uint64_t seq = head();
    assert_int_equal(decide(SAT_ACCEPT_BUNDLE, 2, (const struct raw_bundle *const[]){&made[2], &unknown}, 2),
                     SAT_ERR_INVALID);
    struct sat_space_row after = scene_space(world.server_store, space());
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(head(), seq);
    assert_int_equal(escrowed(), 2);
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &made[2]), SAT_OK); /* the server's memory is as its store */
    assert_int_equal(scene_log_size(&world), 3);
    raw_bundle_free(&unknown);
    forget();
}

/* Several peers' work is one transaction. What is undone of it is what this admin asked for, and nothing else. */
static void decisions_that_fail_undo_nothing_of_what_others_did_in_the_same_batch(void **state)
{
    (void)state;
    hand_in_both();
    struct sat_arena arena;
    struct raw before, asker, after;
    struct raw_links links;
    struct raw_bundle first, second, unknown;
    sat_arena_init(&arena);
    raw_enter(&before, &world, other);
    raw_subscribe(&before, 1, space());
    raw_enter(&after, &world, admin);
    raw_subscribe(&after, 1, space());
    raw_enter(&asker, &world, admin);
    raw_bundle(&first, &world, other, space(), 1, NULL, head());
    raw_bundle(&second, &world, admin, space(), 1, NULL, head());
    raw_bundle(&unknown, &world, rep, space(), 5, &made[3], 1);
    raw_links_begin(&links, &world);
    raw_links_decide(&links, admin, SAT_ACCEPT_BUNDLE, 2, &made[2].bundle);
    raw_links_decide(&links, admin, SAT_ACCEPT_BUNDLE, 2, &unknown.bundle);
    struct sat_message pushes[2] = {{.type = SAT_MESSAGE_PUSH}, {.type = SAT_MESSAGE_PUSH}};
    pushes[0].as.PUSH = (struct sat_message_PUSH){.sub = 1, .bundle = sat_buf_span(&first.bytes)};
    pushes[1].as.PUSH = (struct sat_message_PUSH){.sub = 1, .bundle = sat_buf_span(&second.bytes)};
    struct sat_message append = raw_append_message(&links, &arena);
    raw_say_together((struct raw *const[]){&before, &asker, &after},
                     (const struct sat_message *const[]){&pushes[0], &append, &pushes[1]}, 3);
    const struct sat_message *refused = raw_hear(&asker, SAT_MESSAGE_ERROR);
    assert_non_null(refused);
    assert_int_equal(sat_err_from_wire(refused->as.ERROR.error), SAT_ERR_INVALID);
    assert_null(raw_hear(&before, SAT_MESSAGE_REFUSED));
    assert_null(raw_hear(&after, SAT_MESSAGE_REFUSED));
    assert_int_equal(scene_log_size(&world), 4);
    world_crash_server(&world); /* its store says the same */
    assert_int_equal(scene_log_size(&world), 4);
    assert_int_equal(escrowed(), 2);
    raw_links_end(&links);
    raw_bundle_free(&first);
    raw_bundle_free(&second);
    raw_bundle_free(&unknown);
    before.closed = asker.closed = after.closed = true;
    raw_end(&before);
    raw_end(&asker);
    raw_end(&after);
    sat_arena_deinit(&arena);
    forget();
}

static void nothing_is_let_in_twice_nor_what_is_not_there(void **state)
{
    (void)state;
    hand_in_both();
    struct raw_bundle unknown;
    raw_bundle(&unknown, &world, rep, space(), 5, &made[3], 1);
    const struct raw_bundle *first = &made[2];
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &unknown), SAT_ERR_INVALID);
    assert_int_equal(decide_one(SAT_ACCEPT_REJECT, &unknown), SAT_ERR_INVALID);
    assert_int_equal(decide(SAT_ACCEPT_BUNDLE, 3, &first, 1), SAT_ERR_INVALID); /* of another device, so it says */
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, first), SAT_OK);
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, first), SAT_ERR_EXISTS);
    assert_int_equal(decide_one(SAT_ACCEPT_REJECT, first), SAT_ERR_EXISTS);
    assert_int_equal(scene_log_size(&world), 3);
    raw_bundle_free(&unknown);
    forget();
}

static void what_is_rejected_stays_and_may_be_let_in_later(void **state)
{
    (void)state;
    hand_in_both();
    assert_int_equal(decide_one(SAT_ACCEPT_REJECT, &made[2]), SAT_OK);
    assert_int_equal(escrowed(), 1);
    assert_int_equal(scene_log_size(&world), 2);
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &made[2]), SAT_OK);
    assert_int_equal(scene_log_size(&world), 3);
    forget();
}

static void what_was_never_allowed_cannot_be_let_in(void **state)
{
    (void)state;
    struct raw raw;
    struct raw_bundle after;
    write_two();
    raw_revoke(&world, 2);
    raw_bundle(&after, &world, rep, space(), 3, &made[1], head()); /* it says itself that it was written too late */
    raw_enter(&raw, &world, rep);
    assert_int_equal(raw_hand_in(&raw, &after), SAT_ERR_ESCROWED);
    raw_end(&raw);
    assert_int_equal(decide_one(SAT_ACCEPT_BUNDLE, &after), SAT_ERR_INVALID);
    assert_int_equal(decide_one(SAT_ACCEPT_REJECT, &after), SAT_OK);
    raw_bundle_free(&after);
    forget();
}

/* ---- New epochs ---- */

/* What the server says to a new epoch whose key goes to these. */
static enum sat_err rotate(const struct sat_recipient *recipients, uint32_t n)
{
    struct raw_links links;
    raw_links_begin(&links, &world);
    raw_links_epoch(&links, admin, space(), recipients, n);
    enum sat_err err = append(admin, &links);
    raw_links_end(&links);
    return err;
}

static void a_new_epochs_key_goes_to_all_who_may_read_and_to_nobody_else(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_recipient *due, with_one_more[16];
    sat_arena_init(&arena);
    raw_revoke(&world, 2);
    uint32_t n = sat_directory_recipients(sat_host_directory(world.host), space(), world.now_ms, &arena, &due);
    assert_in_range(n, 3, 15); /* the admin's device, the other rep's, the kit */
    for (uint32_t skipped = 0; skipped < n; skipped++) {
        uint32_t left = 0;
        for (uint32_t i = 0; i < n; i++)
            if (i != skipped) with_one_more[left++] = due[i];
        assert_int_equal(rotate(with_one_more, left), SAT_ERR_INVALID);
    }
    memcpy(with_one_more, due, n * sizeof *due);
    const struct sat_recipient revoked = {.kind = SAT_BOX_DEVICE, .number = 2};
    with_one_more[n] = revoked;
    assert_int_equal(rotate(with_one_more, n + 1), SAT_ERR_INVALID);
    with_one_more[0] = revoked;
    assert_int_equal(rotate(with_one_more, n), SAT_ERR_INVALID);
    memcpy(with_one_more, due, n * sizeof *due);
    with_one_more[n] = due[0];
    assert_int_equal(rotate(with_one_more, n + 1), SAT_ERR_INVALID);
    assert_int_equal(rotate(due, n), SAT_OK);
    sat_arena_deinit(&arena);
}

static void an_invite_that_has_expired_may_be_among_them_or_not(void **state)
{
    (void)state;
    struct sat_arena arena;
    struct sat_recipient *with, *without;
    sat_arena_init(&arena);
    (void)world_make_invite(&world, SAT_ROLE_REP, 3);
    const struct sat_directory *directory = sat_host_directory(world.host);
    uint32_t with_n = sat_directory_recipients(directory, space(), world.now_ms, &arena, &with);
    uint64_t expires_ms = directory->invites[directory->invites_n - 1].expires_ms;
    uint32_t without_n = sat_directory_recipients(directory, space(), expires_ms + 1, &arena, &without);
    assert_int_equal(with_n, without_n + 1);
    assert_int_equal(rotate(without, without_n), SAT_ERR_INVALID);
    assert_int_equal(rotate(with, with_n), SAT_OK);
    world.now_ms = expires_ms + 1;
    assert_int_equal(rotate(with, with_n), SAT_OK);
    assert_int_equal(rotate(without, without_n), SAT_OK);
    sat_arena_deinit(&arena);
}

static void boxes_are_for_the_current_epoch_and_whom_the_link_is_about(void **state)
{
    (void)state;
    const struct sat_recipient user_2 = {.kind = SAT_BOX_DEVICE, .number = 2},
                               user_3 = {.kind = SAT_BOX_DEVICE, .number = 3};
    const struct {
        const struct sat_space_id *space;
        uint32_t epoch;
        struct sat_recipient recipient;
        enum sat_err err;
    } cases[] = {{space(), 2, user_2, SAT_ERR_INVALID}, /* in advance, to stand in the way of the true one */
                 {space(), 1, user_3, SAT_ERR_INVALID},
                 {&world.spaces[1], 1, user_2, SAT_ERR_INVALID},
                 {space(), 1, user_2, SAT_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct raw_links links;
        struct sat_buf bytes;
        raw_links_begin(&links, &world);
        struct sat_body_grant body = {.space = *space(), .user = 2, .rights = SAT_RIGHT_READ};
        body.boxes = raw_links_box(&links, cases[i].space, cases[i].epoch, &cases[i].recipient, 1);
        sat_buf_init(&bytes);
        sat_body_grant_encode(&body, &bytes);
        raw_links_add(&links, admin, true, SAT_LINK_GRANT, &bytes);
        assert_int_equal(append(admin, &links), cases[i].err);
        sat_buf_deinit(&bytes);
        raw_links_end(&links);
    }
}

/* ---- The kit ---- */

/* A kit of the story's own; the link's boxes are for `number` (0: its own position). */
static enum sat_err replace_kit(uint8_t seed_byte, uint64_t number, struct sat_sign_key *sign)
{
    uint8_t seed[32] = {seed_byte};
    struct raw_links links;
    struct sat_buf bytes;
    struct sat_body_kit body = {0};
    sat_sign_keypair(seed, &body.kit_sign, sign);
    memcpy(body.kit_box.b, sat_host_directory(world.host)->devices[0].box.b, sizeof body.kit_box.b);
    body.kit_box.b[0] = seed_byte;
    raw_links_begin(&links, &world);
    const struct sat_recipient kit = {.kind = SAT_BOX_KIT, .number = number ? number : head() + 1};
    body.boxes = raw_links_box(&links, space(), 1, &kit, 1);
    sat_buf_init(&bytes);
    sat_body_kit_encode(&body, &bytes);
    raw_links_add(&links, admin, true, SAT_LINK_KIT, &bytes);
    enum sat_err err = append(admin, &links);
    sat_buf_deinit(&bytes);
    raw_links_end(&links);
    return err;
}

static uint32_t boxes_of_epoch(struct raw *raw, uint32_t epoch, uint8_t kind, uint64_t number)
{
    struct sat_buf want;
    sat_buf_init(&want);
    sat_put_bytes(&want, space()->b, sizeof space()->b);
    sat_put_u32(&want, epoch);
    sat_put_u8(&want, kind);
    sat_put_u64(&want, number);
    struct sat_span span = sat_buf_span(&want);
    struct sat_message message = {.type = SAT_MESSAGE_BOXES_GET};
    message.as.BOXES_GET.wants = (struct sat_list){&span, 1};
    raw_say(raw, &message);
    const struct sat_message *boxes = raw_hear(raw, SAT_MESSAGE_BOXES);
    assert_non_null(boxes);
    sat_buf_deinit(&want);
    assert_int_equal(boxes->as.BOXES.boxes.n, 1);
    return boxes->as.BOXES.boxes.at[0].len == SAT_BOX_BYTES;
}

static uint32_t boxes_of_kind(struct raw *raw, uint8_t kind, uint64_t number)
{
    return boxes_of_epoch(raw, 1, kind, number);
}

static void a_device_gets_its_own_key_boxes_and_nobody_elses(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_arena arena;
    struct sat_recipient *due;
    sat_arena_init(&arena);
    uint32_t kits = 0,
             n = sat_directory_recipients(sat_host_directory(world.host), space(), world.now_ms, &arena, &due);
    assert_int_equal(rotate(due, n), SAT_OK);
    raw_enter(&raw, &world, rep);
    for (uint32_t i = 0; i < n; i++) {
        bool own = due[i].kind == SAT_BOX_DEVICE && due[i].number == 2;
        kits += due[i].kind == SAT_BOX_KIT;
        assert_int_equal(boxes_of_epoch(&raw, 2, (uint8_t)due[i].kind, due[i].number), own);
    }
    assert_true(n > kits + 2); /* there was something to ask for */
    raw_end(&raw);
    sat_arena_deinit(&arena);
}

static void the_holder_of_the_kit_gets_links_and_the_kits_boxes(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_sign_key first, second;
    assert_int_equal(replace_kit(5, 1, &first), SAT_ERR_INVALID);
    assert_int_equal(replace_kit(5, 0, &first), SAT_OK);
    uint64_t kit_seq = head();
    suspend(3, false);
    raw_open(&raw, &world);
    raw_auth_kit(&raw, &first);
    assert_false(raw.closed);
    assert_int_equal(raw_hear_links(&raw), head());
    assert_int_equal(boxes_of_kind(&raw, SAT_BOX_KIT, kit_seq), 1);
    assert_int_equal(boxes_of_kind(&raw, SAT_BOX_KIT, 1), 0);
    assert_int_equal(boxes_of_kind(&raw, SAT_BOX_DEVICE, 1), 0);

    assert_int_equal(replace_kit(6, 0, &second), SAT_OK); /* and it is an old one, which may yet say that a thief did */
    uint64_t replaced = head();
    suspend(3, true);
    raw.writable = true;
    assert_int_equal(raw_hear_links(&raw), head());
    assert_int_equal(boxes_of_kind(&raw, SAT_BOX_KIT, kit_seq), 1);
    assert_int_equal(boxes_of_kind(&raw, SAT_BOX_KIT, replaced), 0);
    raw_subscribe(&raw, 1, space());
    assert_int_equal(raw.err, SAT_ERR_PROTOCOL);
    raw_end(&raw);

    raw_open(&raw, &world);
    raw_auth_kit(&raw, &first);
    assert_false(raw.closed);
    raw_end(&raw);
    world.now_ms += SAT_KIT_RECLAIM_MS + 1;
    raw_open(&raw, &world);
    raw_auth_kit(&raw, &first);
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(a_revocation_names_the_devices_last_bundles_exactly),
        STORY(the_cut_of_a_narrow_space_may_be_left_out_but_not_be_wrong),
        STORY(what_is_let_in_goes_into_the_log_in_its_authors_order),
        STORY(several_are_let_in_at_once),
        STORY(of_decisions_that_come_together_all_hold_or_none),
        STORY(decisions_that_fail_undo_nothing_of_what_others_did_in_the_same_batch),
        STORY(nothing_is_let_in_twice_nor_what_is_not_there),
        STORY(what_is_rejected_stays_and_may_be_let_in_later),
        STORY(what_was_never_allowed_cannot_be_let_in),
        STORY(a_new_epochs_key_goes_to_all_who_may_read_and_to_nobody_else),
        STORY(an_invite_that_has_expired_may_be_among_them_or_not),
        STORY(boxes_are_for_the_current_epoch_and_whom_the_link_is_about),
        STORY(a_device_gets_its_own_key_boxes_and_nobody_elses),
        STORY(the_holder_of_the_kit_gets_links_and_the_kits_boxes),
    };
    return cmocka_run_group_tests_name("orders_host", tests, NULL, NULL);
}
