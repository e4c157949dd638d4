/* What the server does with those who are out, have lost something, or come with a kit or a receipt; and with what they
 * hand in. Spoken by hand, without an engine on the other side: hostile, or honest but late. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/proof/wipe_receipt.h"
#include "common/sync/admin_items.h"
#include "tests/story/raw_world.h"

static void grant(const struct sat_space_id *of, uint32_t user, uint8_t rights)
{
    struct raw_links links;
    raw_links_begin(&links, &world);
    raw_links_grant(&links, admin, of, user, rights);
    assert_int_equal(append(admin, &links), SAT_OK);
    raw_links_end(&links);
}

static void wipe(uint32_t device)
{
    struct raw_links links;
    raw_links_begin(&links, &world);
    raw_links_wipe(&links, admin, device);
    assert_int_equal(append(admin, &links), SAT_OK);
    raw_links_end(&links);
}

/* An honest device that has said all it had to say. */
static void says_one_word_too_many(struct raw *raw)
{
    raw_say(raw, &(struct sat_message){.type = SAT_MESSAGE_BOXES_GET});
    assert_true(raw->closed);
    assert_int_equal(raw->err, SAT_ERR_REVOKED);
}

/* ---- Who is out ---- */

static void who_is_revoked_learns_it_from_the_directory_and_hands_in_its_work(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    uint64_t knew = head();
    raw_revoke(&world, 2);
    uint64_t revoked = head();
    suspend(3, false); /* what comes behind it is not the device's to know */
    raw_open(&raw, &world);
    raw_auth(&raw, rep, knew);
    raw_subscribe(&raw, 1, space()); /* said before it could know: no fault, and no answer */
    assert_false(raw.closed);
    assert_int_equal(raw_hear_links(&raw), revoked);
    assert_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    assert_int_equal(raw_hand_in(&raw, &made[1]), SAT_OK); /* the log has it */
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED);
    assert_int_equal(raw_hand_in(&raw, &made[3]), SAT_ERR_ESCROWED);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED); /* once is enough */
    says_one_word_too_many(&raw);
    assert_int_equal(escrowed(), 2);
    assert_int_equal(scene_log_size(&world), 2);
    raw_end(&raw);
    forget();
}

static void who_is_revoked_while_it_talks_is_told_and_what_it_pushes_is_kept(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, space());
    assert_non_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    raw_revoke(&world, 2);
    assert_int_equal(raw_push(&raw, 1, &made[2]), SAT_ERR_ESCROWED); /* it was on its way */
    assert_int_equal(raw_push(&raw, 1, &made[3]), SAT_ERR_ESCROWED);
    raw.writable = true;
    assert_int_equal(raw_hear_links(&raw), head());
    assert_int_equal(escrowed(), 2);
    assert_int_equal(scene_log_size(&world), 2);
    says_one_word_too_many(&raw);
    raw_end(&raw);
    forget();
}

static void who_is_out_and_says_nothing_is_shown_the_door_after_a_while(void **state)
{
    (void)state;
    struct raw raw, somebody;
    write_two();
    raw_revoke(&world, 2);
    raw_enter(&raw, &world, rep);
    world.now_ms += 59 * 1000;
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED); /* it takes its time over a slow network */
    world.now_ms += 59 * 1000;
    assert_int_equal(raw_hand_in(&raw, &made[3]), SAT_ERR_ESCROWED);
    world.now_ms += 61 * 1000;
    raw_enter(&somebody, &world, other);
    assert_false(sat_host_peer_known(world.host, raw.peer));
    raw.closed = true;
    raw_end(&somebody);
    raw_end(&raw);
    forget();
}

static void who_is_suspended_is_out_until_that_ends(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    suspend(2, false);
    uint64_t suspended = head();
    suspend(3, false);
    raw_open(&raw, &world);
    raw_auth(&raw, rep, 1);
    assert_int_equal(raw_hear_links(&raw), suspended);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED);
    suspend(2, true);
    raw_subscribe(&raw, 1, space());
    raw.writable = true;
    assert_int_equal(raw_hear_links(&raw), head());
    assert_int_equal(raw_push(&raw, 1, &made[2]), SAT_OK); /* he may again: the server keeps him no grudge */
    assert_int_equal(scene_log_size(&world), 3);
    raw_end(&raw);
    forget();
}

static void a_device_may_leave_by_itself(void **state)
{
    (void)state;
    struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    struct raw_links links;
    write_two();
    raw_links_begin(&links, &world);
    raw_links_revoke(&links, rep, false, 2, cuts, raw_cuts(&world, 2, cuts));
    assert_int_equal(append(rep, &links), SAT_OK);
    assert_int_not_equal(sat_directory_device(sat_host_directory(world.host), 2)->revoked_seq, 0);
    raw_links_end(&links);
    forget();
}

/* ---- What is handed in ---- */

static void only_the_authors_own_and_true_work_can_be_handed_in(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    raw_revoke(&world, 2);
    raw_enter(&raw, &world, other);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_DENIED); /* of another device: no honest one has it */
    assert_true(raw.closed);
    raw_end(&raw);

    raw_enter(&raw, &world, rep);
    struct raw_bundle forged = made[2];
    forged.bundle.signature.b[0] ^= 1;
    sat_buf_init(&forged.bytes);
    sat_bundle_encode(&forged.bundle, SAT_BUNDLE_FULL, &forged.bytes);
    assert_int_equal(raw_hand_in(&raw, &forged), SAT_ERR_TAMPERED);
    raw_bundle_free(&forged);

    struct raw_bundle nowhere;
    raw_bundle(&nowhere, &world, rep, &(struct sat_space_id){{1}}, 9, NULL, head());
    assert_int_equal(raw_hand_in(&raw, &nowhere), SAT_ERR_DENIED);
    raw_bundle_free(&nowhere);

    struct sat_buf short_form = {0};
    sat_bundle_encode(&made[2].bundle, SAT_BUNDLE_SHORT, &short_form);
    struct sat_message message = {.type = SAT_MESSAGE_HAND_IN};
    message.as.HAND_IN.bundle = sat_buf_span(&short_form);
    memcpy(message.as.HAND_IN.space, space()->b, sizeof message.as.HAND_IN.space);
    raw_say(&raw, &message);
    assert_int_equal(raw.err, SAT_ERR_MALFORMED);
    sat_buf_deinit(&short_form);
    raw_end(&raw);
    assert_int_equal(escrowed(), 0);
    forget();
}

/* So many bytes and bundles of device 2 put aside already. */
static void fill_escrow(uint32_t bundles, size_t bytes_each)
{
    struct sat_arena arena;
    sat_arena_init(&arena);
    uint8_t *bytes = sat_arena_alloc(&arena, bytes_each);
    assert_int_equal(sat_store_begin(world.server_store), SAT_OK);
    for (uint32_t i = 0; i < bundles; i++) {
        struct sat_aside_row row = {.space = *space(),
                                    .device = 2,
                                    .first = 100 + i,
                                    .count = 1,
                                    .bytes = sat_span(bytes, bytes_each),
                                    .recv_ms = world.now_ms,
                                    .reason = SAT_ERR_ESCROWED};
        memcpy(row.id.b, &i, sizeof i);
        assert_int_equal(sat_store_aside_put(world.server_store, &row), SAT_OK);
    }
    assert_int_equal(sat_store_commit(world.server_store), SAT_OK);
    sat_arena_deinit(&arena);
}

static void a_flood_of_bundles_handed_in_ends_at_a_bound(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    raw_revoke(&world, 2);
    fill_escrow(SAT_ESCROW_DEVICE_BUNDLES_MAX - 1, 10);
    raw_enter(&raw, &world, rep);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED);
    assert_int_equal(raw_hand_in(&raw, &made[3]), SAT_ERR_TOO_LARGE);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED); /* is there */
    assert_int_equal(raw_hand_in(&raw, &made[1]), SAT_OK);
    raw_end(&raw);
    forget();
}

static void so_does_a_flood_of_bytes(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    raw_revoke(&world, 2);
    fill_escrow(2, SAT_ESCROW_DEVICE_BYTES_MAX / 2 - 200);
    raw_enter(&raw, &world, rep);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED);
    assert_int_equal(raw_hand_in(&raw, &made[3]), SAT_ERR_TOO_LARGE);
    raw_end(&raw);
    forget();
}

/* ---- What is lost ---- */

static void who_loses_a_space_gets_no_more_of_it_and_its_late_work_is_kept(void **state)
{
    (void)state;
    struct raw raw, writer;
    write_two();
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, space());
    assert_non_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    while (raw_hear(&raw, SAT_MESSAGE_ENTRIES) || raw_hear(&raw, SAT_MESSAGE_HEAD)) continue;
    grant(space(), 2, 0);
    struct raw_bundle news;
    raw_bundle(&news, &world, other, space(), 1, NULL, head());
    raw_enter(&writer, &world, other);
    raw_subscribe(&writer, 1, space());
    assert_int_equal(raw_push(&writer, 1, &news), SAT_OK);
    raw_end(&writer);
    raw_bundle_free(&news);
    raw.writable = true;
    assert_int_equal(raw_hear_links(&raw), head());
    assert_null(raw_hear(&raw, SAT_MESSAGE_ENTRIES));
    assert_int_equal(raw_push(&raw, 1, &made[2]), SAT_ERR_ESCROWED); /* sent before it knew */
    assert_int_equal(raw_hand_in(&raw, &made[3]), SAT_ERR_ESCROWED);
    raw_say(&raw, &(struct sat_message){.type = SAT_MESSAGE_HEAD_GET, .as.HEAD_GET = {.sub = 1}});
    assert_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    assert_false(raw.closed);
    raw_end(&raw);

    raw_open(&raw, &world); /* and in the next session, before it has heard of it */
    raw_auth(&raw, rep, 1);
    raw_subscribe(&raw, 1, space());
    raw_subscribe(&raw, 2, &world.spaces[1]);
    assert_false(raw.closed);
    assert_int_equal(raw_hear_links(&raw), head());
    const struct sat_message *message = raw_hear(&raw, SAT_MESSAGE_HEAD);
    assert_non_null(message);
    assert_int_equal(message->as.HEAD.sub, 2);
    assert_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    raw_end(&raw);
    assert_int_equal(escrowed(), 2);
    forget();
}

static void who_may_read_it_again_subscribes_anew(void **state)
{
    (void)state;
    struct raw raw;
    write_two();
    raw_enter(&raw, &world, rep);
    raw_subscribe(&raw, 1, space());
    assert_non_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    grant(space(), 2, 0);
    grant(space(), 2, SAT_RIGHT_READ);
    raw.writable = true;
    assert_int_equal(raw_hear_links(&raw), head());
    raw_subscribe(&raw, 1, space());
    assert_non_null(raw_hear(&raw, SAT_MESSAGE_HEAD));
    assert_int_equal(raw_push(&raw, 1, &made[2]), SAT_ERR_ESCROWED); /* but write it may not */
    raw_end(&raw);
    forget();
}

static void a_space_that_was_never_open_to_one_is_denied(void **state)
{
    (void)state;
    struct raw raw;
    struct world_device *stranger = world_join(&world, 1);
    raw_enter(&raw, &world, stranger);
    raw_subscribe(&raw, 1, &world.spaces[1]);
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
}

/* ---- Who is not approved yet ---- */

static void who_waits_for_approval_reads_the_directory_and_may_leave(void **state)
{
    (void)state;
    struct raw raw;
    struct raw_links links;
    struct sat_invite_code code = world_make_invite(&world, SAT_ROLE_ADMIN, 0);
    struct world_device *newcomer = world_holder(&world, &code, true);
    (void)world_sync(&world, newcomer);
    uint32_t number = scene_number(newcomer);
    assert_int_equal(number, 4);
    sat_keyring_set_member(newcomer->handle.keyring, &sat_host_directory(world.host)->org, number);
    raw_open(&raw, &world);
    raw_auth(&raw, newcomer, 1);
    assert_int_equal(raw_hear_links(&raw), head());
    raw_links_begin(&links, &world);
    raw_links_user(&links, newcomer, 2, SAT_ROLE_REP, 2);
    assert_int_equal(raw_append(&raw, &links), SAT_ERR_DENIED);
    assert_false(raw.closed);
    raw_links_end(&links);
    raw_subscribe(&raw, 1, space());
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
    raw_links_begin(&links, &world);
    raw_links_revoke(&links, newcomer, false, number, NULL, 0);
    assert_int_equal(append(newcomer, &links), SAT_OK);
    raw_links_end(&links);
}

/* ---- Receipts ---- */

static void show_receipt(struct raw *raw, uint64_t wipe_seq, const struct sat_sign_key *key)
{
    struct sat_wipe_receipt receipt = {.wipe_seq = wipe_seq, .time_ms = world.now_ms - 5};
    sat_wipe_receipt_sign(&receipt, &sat_host_directory(world.host)->org, 2, key);
    struct sat_message message = {.type = SAT_MESSAGE_WIPED};
    message.as.WIPED =
        (struct sat_message_WIPED){.device = 2, .wipe_seq = receipt.wipe_seq, .time_ms = receipt.time_ms};
    memcpy(message.as.WIPED.signature, receipt.signature.b, sizeof receipt.signature.b);
    raw_open(raw, &world);
    raw_say(raw, &message);
}

static void the_receipt_of_a_wipe_is_kept_and_lets_work_be_handed_in(void **state)
{
    (void)state;
    struct raw raw;
    struct sat_sighting seen;
    bool found;
    const struct sat_sign_key *key = &sat_keyring_secrets(rep->handle.keyring)->sign;
    write_two();
    raw_revoke(&world, 2);
    show_receipt(&raw, 0, key); /* none was ordered */
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
    wipe(2);
    show_receipt(&raw, head(), &sat_keyring_secrets(other->handle.keyring)->sign);
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
    show_receipt(&raw, head() - 1, key);
    assert_int_equal(raw.err, SAT_ERR_DENIED);
    raw_end(&raw);
    assert_int_equal(sat_store_sighting_get(world.server_store, 2, &seen, &found), SAT_OK);
    assert_int_equal(seen.wiped_ms, 0);

    show_receipt(&raw, head(), key);
    assert_false(raw.closed);
    assert_int_equal(raw_hear_links(&raw), 0);
    assert_int_equal(raw_hand_in(&raw, &made[2]), SAT_ERR_ESCROWED);
    says_one_word_too_many(&raw);
    raw_end(&raw);
    assert_int_equal(sat_store_sighting_get(world.server_store, 2, &seen, &found), SAT_OK);
    assert_int_equal(seen.wiped_ms, world.now_ms - 5);
    struct sat_wipe_receipt receipt = {.wipe_seq = head(), .time_ms = seen.wiped_ms, .signature = seen.receipt};
    const struct sat_directory *directory = sat_host_directory(world.host);
    assert_int_equal(sat_wipe_receipt_verify(&receipt, &directory->org, 2, &directory->devices[1].sign), SAT_OK);
    forget();
}

static void who_is_to_be_wiped_learns_that_too(void **state)
{
    (void)state;
    struct raw raw;
    raw_revoke(&world, 2);
    suspend(3, false);
    wipe(2);
    uint64_t ordered = head();
    suspend(3, true);
    raw_open(&raw, &world);
    raw_auth(&raw, rep, 1);
    assert_int_equal(raw_hear_links(&raw), ordered);
    raw_end(&raw);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        STORY(who_is_revoked_learns_it_from_the_directory_and_hands_in_its_work),
        STORY(who_is_revoked_while_it_talks_is_told_and_what_it_pushes_is_kept),
        STORY(who_is_out_and_says_nothing_is_shown_the_door_after_a_while),
        STORY(who_is_suspended_is_out_until_that_ends),
        STORY(a_device_may_leave_by_itself),
        STORY(only_the_authors_own_and_true_work_can_be_handed_in),
        STORY(a_flood_of_bundles_handed_in_ends_at_a_bound),
        STORY(so_does_a_flood_of_bytes),
        STORY(who_loses_a_space_gets_no_more_of_it_and_its_late_work_is_kept),
        STORY(who_may_read_it_again_subscribes_anew),
        STORY(a_space_that_was_never_open_to_one_is_denied),
        STORY(who_waits_for_approval_reads_the_directory_and_may_leave),
        STORY(the_receipt_of_a_wipe_is_kept_and_lets_work_be_handed_in),
        STORY(who_is_to_be_wiped_learns_that_too),
    };
    return cmocka_run_group_tests_name("revocation_host", tests, NULL, NULL);
}
