#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/proof/entropy.h"
#include "common/proof/hash.h"
#include "common/proof/link.h"

#define SEED 20

static struct sat_sign_key key_of(uint8_t n, struct sat_public_key *public_key)
{
    uint8_t seed[32];
    struct sat_sign_key key;
    memset(seed, n, sizeof seed);
    sat_sign_keypair(seed, public_key, &key);
    return key;
}

static const struct sat_hash org = {{0x0a, 0x0b}};

/* A link with two signatures, encoded; the arena owns everything. */
static struct sat_span make_link(struct sat_arena *arena, struct sat_link *out)
{
    struct sat_public_key unused;
    struct sat_sign_key device = key_of(1, &unused), admin = key_of(2, &unused);
    *out = (struct sat_link){
        .seq = 0x0102030405060708,
        .prev = {{0x11, [31] = 0x22}},
        .author = 0x0a0b0c0d,
        .type = SAT_LINK_ROLE,
        .critical = 1,
        .suite = 1,
        .body = sat_span_text("body!"),
    };
    sat_link_finish(out, arena);
    sat_link_sign(out, SAT_SIGNER_DEVICE, 7, &org, &device);
    sat_link_sign(out, SAT_SIGNER_ADMIN, 9, &org, &admin);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_link_encode(out, &buf);
    struct sat_span bytes = sat_span_copy(arena, sat_buf_span(&buf));
    sat_buf_deinit(&buf);
    return bytes;
}

/* A copy on the heap of the exact size, so that a sanitizer sees every byte read too far. */
static enum sat_err decode_copy(struct sat_span bytes, struct sat_link *out)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len) memcpy(copy, bytes.at, bytes.len);
    enum sat_err err = sat_link_decode(sat_span(copy, bytes.len), out);
    free(copy);
    return err;
}

static void a_link_is_laid_out_little_endian_and_fixed(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link;
    struct sat_span bytes = make_link(&arena, &link);
    static const uint8_t head[] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x11};
    static const uint8_t tail[] = {0x22, 0x0d, 0x0c, 0x0b, 0x0a, 3, 0, 1, 1, 0, 5, 0, 0, 0, 'b', 'o', 'd', 'y', '!'};
    assert_int_equal(link.message.len, 58);
    assert_memory_equal(link.message.at, head, sizeof head);
    assert_memory_equal(link.message.at + 39, tail, sizeof tail);
    assert_int_equal(bytes.len, 4 + 58 + 1 + 2 * 69);
    assert_int_equal(bytes.at[0], 58);
    assert_memory_equal(bytes.at + 4, link.message.at, 58);
    static const uint8_t first_signature[] = {2, SAT_SIGNER_DEVICE, 7, 0, 0, 0};
    assert_memory_equal(bytes.at + 62, first_signature, sizeof first_signature);
    sat_arena_deinit(&arena);
}

static void a_decoded_link_is_the_one_that_was_encoded(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, back;
    struct sat_span bytes = make_link(&arena, &link);
    assert_int_equal(sat_link_decode(bytes, &back), SAT_OK);
    assert_int_equal(back.seq, link.seq);
    assert_memory_equal(back.prev.b, link.prev.b, 32);
    assert_int_equal(back.author, link.author);
    assert_int_equal(back.type, link.type);
    assert_int_equal(back.critical, link.critical);
    assert_int_equal(back.suite, link.suite);
    assert_true(sat_span_equal(back.body, link.body));
    assert_true(sat_span_equal(back.message, link.message));
    assert_int_equal(back.signatures_n, 2);
    assert_int_equal(back.signatures[1].kind, SAT_SIGNER_ADMIN);
    assert_int_equal(back.signatures[1].number, 9);
    assert_memory_equal(back.signatures[1].signature.b, link.signatures[1].signature.b, 64);
    struct sat_buf again;
    sat_buf_init(&again);
    sat_link_encode(&back, &again);
    assert_true(sat_span_equal(sat_buf_span(&again), bytes));
    sat_buf_deinit(&again);
    sat_arena_deinit(&arena);
}

static void every_truncation_of_a_link_is_malformed(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, back;
    struct sat_span bytes = make_link(&arena, &link);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(decode_copy(sat_span(bytes.at, len), &back), SAT_ERR_MALFORMED);
    uint8_t *longer = sat_arena_alloc(&arena, bytes.len + 1);
    memcpy(longer, bytes.at, bytes.len);
    assert_int_equal(decode_copy(sat_span(longer, bytes.len + 1), &back), SAT_ERR_MALFORMED);
    sat_arena_deinit(&arena);
}

static void a_link_carries_four_signatures_at_most(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, back;
    struct sat_span bytes = make_link(&arena, &link);
    uint8_t *more = sat_arena_alloc(&arena, bytes.len + 3 * 69);
    memcpy(more, bytes.at, bytes.len);
    more[62] = 4;
    assert_int_equal(decode_copy(sat_span(more, bytes.len + 2 * 69), &back), SAT_OK);
    assert_int_equal(back.signatures_n, 4);
    more[62] = 5;
    assert_int_equal(decode_copy(sat_span(more, bytes.len + 3 * 69), &back), SAT_ERR_MALFORMED);
    sat_arena_deinit(&arena);
}

static void impossible_values_in_a_link_are_malformed(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, back;
    struct sat_span bytes = make_link(&arena, &link);
    struct {
        size_t at, len;
        uint8_t value;
    } cases[] = {
        {4, 8, 0},         /* seq 0 */
        {11, 1, 0x7f},     /* seq beyond SAT_COUNTER_MAX */
        {4 + 46, 1, 2},    /* critical 2 */
        {4 + 49, 1, 4},    /* a body shorter than M says */
        {4 + 52, 1, 0xff}, /* a body of gigabytes */
        {62, 1, 5},        /* five signatures */
        {62, 1, 1},        /* one, and bytes left over */
        {0, 1, 57},        /* M cut short */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t *bad = sat_arena_copy(&arena, bytes.at, bytes.len);
        memset(bad + cases[i].at, cases[i].value, cases[i].len);
        assert_int_equal(decode_copy(sat_span(bad, bytes.len), &back), SAT_ERR_MALFORMED);
    }
    sat_arena_deinit(&arena);
}

static void a_link_above_its_bound_is_malformed(void **state)
{
    (void)state;
    for (size_t len = SAT_LINK_BYTES_MAX; len <= SAT_LINK_BYTES_MAX + 1; len++) {
        struct sat_buf body, message, bytes;
        sat_buf_init(&body), sat_buf_init(&message), sat_buf_init(&bytes);
        sat_buf_reserve(&body, len);
        memset(body.at, 0, len);
        body.len = len - 4 - 53 - 1; /* no signatures: the whole is exactly len */
        sat_put_u64(&message, 1);
        sat_put_bytes(&message, org.b, sizeof org.b);
        sat_put_u32(&message, 1);
        sat_put_u16(&message, 77);
        sat_put_u8(&message, 0);
        sat_put_u16(&message, 1);
        sat_put_counted(&message, sat_buf_span(&body));
        sat_put_counted(&bytes, sat_buf_span(&message));
        sat_put_u8(&bytes, 0);
        assert_int_equal(bytes.len, len);
        struct sat_link back;
        assert_int_equal(sat_link_decode(sat_buf_span(&bytes), &back),
                         len > SAT_LINK_BYTES_MAX ? SAT_ERR_MALFORMED : SAT_OK);
        sat_buf_deinit(&body), sat_buf_deinit(&message), sat_buf_deinit(&bytes);
    }
}

static void a_mutilated_link_is_refused_or_read_as_itself(void **state)
{
    (void)state;
    print_message("seed %d\n", SEED);
    struct sat_entropy_stream stream;
    struct sat_entropy entropy = sat_entropy_seeded(&stream, SEED);
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, back;
    struct sat_span bytes = make_link(&arena, &link);
    for (int i = 0; i < 5000; i++) {
        uint8_t *bad = malloc(bytes.len);
        assert_non_null(bad);
        memcpy(bad, bytes.at, bytes.len);
        uint32_t random[4];
        sat_entropy_fill(&entropy, random, sizeof random);
        for (uint32_t flips = 0; flips < 1 + random[0] % 3; flips++)
            bad[random[1 + flips] % bytes.len] ^= (uint8_t)(1 + flips);
        if (sat_link_decode(sat_span(bad, bytes.len), &back) == SAT_OK) {
            struct sat_buf again;
            sat_buf_init(&again);
            sat_link_encode(&back, &again);
            assert_true(sat_span_equal(sat_buf_span(&again), sat_span(bad, bytes.len)));
            sat_buf_deinit(&again);
        }
        free(bad);
    }
    sat_arena_deinit(&arena);
}

static void ids_follow_from_the_message_alone(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link;
    make_link(&arena, &link);
    struct sat_hash id = sat_link_id(&link), expected = sat_hash("link", link.message), as_org = sat_link_org(&link);
    assert_memory_equal(id.b, expected.b, 32);
    assert_memory_not_equal(id.b, as_org.b, 32);
    link.signatures_n = 0;
    expected = sat_link_id(&link);
    assert_memory_equal(id.b, expected.b, 32);
    link.author++;
    sat_link_finish(&link, &arena);
    expected = sat_link_id(&link);
    assert_memory_not_equal(id.b, expected.b, 32);
    sat_arena_deinit(&arena);
}

static void a_signature_holds_for_its_org_and_message_only(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link;
    make_link(&arena, &link);
    struct sat_public_key device, admin;
    key_of(1, &device), key_of(2, &admin);
    struct sat_hash other = {{9}};
    assert_int_equal(sat_verify(&device, "link", &org, link.message, &link.signatures[0].signature), SAT_OK);
    assert_int_equal(sat_verify(&admin, "link", &org, link.message, &link.signatures[1].signature), SAT_OK);
    assert_int_equal(sat_verify(&admin, "link", &org, link.message, &link.signatures[0].signature), SAT_ERR_TAMPERED);
    assert_int_equal(sat_verify(&device, "link", &other, link.message, &link.signatures[0].signature),
                     SAT_ERR_TAMPERED);
    assert_int_equal(sat_verify(&device, "bundle", &org, link.message, &link.signatures[0].signature),
                     SAT_ERR_TAMPERED);
    sat_arena_deinit(&arena);
}

static void a_countersignature_holds_for_its_link_time_org_and_server_only(void **state)
{
    (void)state;
    struct sat_arena arena;
    sat_arena_init(&arena);
    struct sat_link link, other;
    make_link(&arena, &link), make_link(&arena, &other);
    other.author++;
    sat_link_finish(&other, &arena);
    struct sat_public_key server, stranger;
    struct sat_sign_key key = key_of(3, &server);
    key_of(4, &stranger);
    struct sat_countersign sign, later;
    struct sat_hash zeros = {0};
    sat_countersign(&link, 1000, &org, &key, &sign);
    assert_int_equal(sign.time_ms, 1000);
    assert_int_equal(sat_countersign_verify(&link, &sign, &org, &server), SAT_OK);
    assert_int_equal(sat_countersign_verify(&other, &sign, &org, &server), SAT_ERR_TAMPERED);
    assert_int_equal(sat_countersign_verify(&link, &sign, &zeros, &server), SAT_ERR_TAMPERED);
    assert_int_equal(sat_countersign_verify(&link, &sign, &org, &stranger), SAT_ERR_TAMPERED);
    later = sign;
    later.time_ms++;
    assert_int_equal(sat_countersign_verify(&link, &later, &org, &server), SAT_ERR_TAMPERED);
    sat_arena_deinit(&arena);
}

static void kinds_and_roles_have_names(void **state)
{
    (void)state;
    assert_string_equal(sat_link_type_name(SAT_LINK_GENESIS), "genesis");
    assert_string_equal(sat_link_type_name(SAT_LINK_INVITE_CANCEL), "invite-cancel");
    assert_string_equal(sat_link_type_name(SAT_LINK_REPUDIATE), "repudiate");
    assert_string_equal(sat_link_type_name(SAT_LINK_MASS_CHANGE), "mass-change");
    assert_string_equal(sat_link_type_name(SAT_LINK_EXPEL), "expel");
    assert_string_equal(sat_link_type_name(0), "unknown");
    assert_string_equal(sat_link_type_name(23), "unknown");
    for (uint8_t role = SAT_ROLE_ADMIN; role <= SAT_ROLE_SERVICE; role++) {
        uint8_t back = 0;
        assert_int_equal(sat_role_parse(sat_role_name(role), &back), SAT_OK);
        assert_int_equal(back, role);
    }
    uint8_t role;
    assert_string_equal(sat_role_name(0), "unknown");
    assert_string_equal(sat_role_name(6), "unknown");
    assert_string_equal(sat_role_name(SAT_ROLE_REP), "rep");
    assert_int_equal(sat_role_parse("unknown", &role), SAT_ERR_INVALID);
    assert_int_equal(sat_role_parse("Admin", &role), SAT_ERR_INVALID);
    assert_int_equal(sat_role_parse("", &role), SAT_ERR_INVALID);
}

/* ---- Bodies ---- */

static struct sat_public_key some_key(uint8_t n)
{
    return (struct sat_public_key){{n, [31] = n}};
}

static const struct sat_boxes some_boxes = {{{0xbb}}, 3};
static const struct sat_space_id some_space = {{1, [15] = 2}};

static struct sat_body_genesis genesis_example(void)
{
    return (struct sat_body_genesis){.version = 1,
                                     .random = {5},
                                     .device_sign = some_key(1),
                                     .device_box = some_key(2),
                                     .admin_sign = some_key(3),
                                     .kit_sign = some_key(4),
                                     .kit_box = some_key(5),
                                     .server = some_key(6)};
}

static struct sat_body_epoch epoch_example(void)
{
    return (struct sat_body_epoch){
        .space = some_space, .epoch = 2, .suite = 1, .kc = {{7}}, .chain = {8, [71] = 9}, .boxes = some_boxes};
}

static struct sat_body_invite invite_example(void)
{
    return (struct sat_body_invite){.sign = some_key(1),
                                    .box = some_key(2),
                                    .user = 3,
                                    .role = SAT_ROLE_REP,
                                    .grants = {{some_space, 1}, {some_space, 3}},
                                    .grants_n = 2,
                                    .expires_ms = 99,
                                    .boxes = some_boxes};
}

static struct sat_body_revoke revoke_example(void)
{
    return (struct sat_body_revoke){.device = 9, .cuts = {{some_space, 7, {{1}}}, {{{2}}, 8, {{2}}}}, .cuts_n = 2};
}

static struct sat_body_accept accept_example(void)
{
    return (struct sat_body_accept){
        .what = SAT_ACCEPT_BUNDLE, .device = 9, .space = some_space, .bundle = {{3}}, .boxes = some_boxes};
}

static struct sat_body_kit kit_example(void)
{
    return (struct sat_body_kit){.kit_sign = some_key(1),
                                 .kit_box = some_key(2),
                                 .user = 3,
                                 .device_sign = some_key(4),
                                 .device_box = some_key(5),
                                 .admin_sign = some_key(6),
                                 .boxes = some_boxes};
}

/* Every body, encoded, decoded into itself again, in the length that its layout gives; and every truncation refused. */
#define CHECK_BODY(name, example, length)                                                                              \
    do {                                                                                                               \
        struct sat_body_##name body = example, back;                                                                   \
        struct sat_buf bytes, again;                                                                                   \
        sat_buf_init(&bytes), sat_buf_init(&again);                                                                    \
        sat_body_##name##_encode(&body, &bytes);                                                                       \
        assert_int_equal(bytes.len, length);                                                                           \
        assert_int_equal(sat_body_##name##_decode(sat_buf_span(&bytes), &back), SAT_OK);                               \
        sat_body_##name##_encode(&back, &again);                                                                       \
        assert_true(sat_span_equal(sat_buf_span(&bytes), sat_buf_span(&again)));                                       \
        for (size_t len = 0; len < bytes.len; len++) {                                                                 \
            uint8_t *cut = malloc(len ? len : 1);                                                                      \
            assert_non_null(cut);                                                                                      \
            memcpy(cut, bytes.at, len);                                                                                \
            assert_int_equal(sat_body_##name##_decode(sat_span(cut, len), &back), SAT_ERR_MALFORMED);                  \
            free(cut);                                                                                                 \
        }                                                                                                              \
        sat_put_u8(&bytes, 0);                                                                                         \
        assert_int_equal(sat_body_##name##_decode(sat_buf_span(&bytes), &back), SAT_ERR_MALFORMED);                    \
        sat_buf_deinit(&bytes), sat_buf_deinit(&again);                                                                \
    } while (0)

static void every_body_comes_back_and_every_truncation_is_malformed(void **state)
{
    (void)state;
    CHECK_BODY(genesis, genesis_example(), 2 + 16 + 6 * 32);
    CHECK_BODY(user, ((struct sat_body_user){0x01020304, SAT_ROLE_REP, 2}), 6);
    CHECK_BODY(role, ((struct sat_body_role){7, SAT_ROLE_ADMIN}), 5);
    CHECK_BODY(space, ((struct sat_body_space){some_space, SAT_SPACE_NARROW}), 17);
    CHECK_BODY(grant, ((struct sat_body_grant){some_space, 7, 3, some_boxes}), 16 + 4 + 1 + 36);
    CHECK_BODY(epoch, epoch_example(), 16 + 4 + 2 + 32 + 72 + 36);
    CHECK_BODY(invite, invite_example(), 64 + 4 + 1 + 2 + 2 * 17 + 8 + 36);
    CHECK_BODY(invite_cancel, ((struct sat_body_invite_cancel){{{1}}}), 32);
    CHECK_BODY(join, ((struct sat_body_join){{{1}}, some_key(1), some_key(2), some_key(3)}), 4 * 32);
    CHECK_BODY(revoke, revoke_example(), 4 + 2 + 2 * (16 + 8 + 32));
    CHECK_BODY(revoke, ((struct sat_body_revoke){.device = 1}), 6);
    CHECK_BODY(wipe, ((struct sat_body_wipe){0x01020304}), 4);
    CHECK_BODY(expel, ((struct sat_body_expel){0x01020304}), 4);
    CHECK_BODY(accept, accept_example(), 1 + 4 + 16 + 32 + 36);
    CHECK_BODY(policy, ((struct sat_body_policy){.values = {{1, 30}, {77, UINT64_MAX}}, .values_n = 2}), 2 + 2 * 10);
    CHECK_BODY(kit, kit_example(), 2 * 32 + 4 + 3 * 32 + 36);
}

static void members_of_bodies_keep_their_places(void **state)
{
    (void)state;
    struct sat_buf bytes;
    struct sat_body_invite body = invite_example(), back;
    sat_buf_init(&bytes);
    sat_body_invite_encode(&body, &bytes);
    assert_int_equal(sat_body_invite_decode(sat_buf_span(&bytes), &back), SAT_OK);
    assert_memory_equal(&back.sign, &body.sign, 32);
    assert_memory_equal(&back.box, &body.box, 32);
    assert_int_equal(back.user, 3);
    assert_int_equal(back.role, SAT_ROLE_REP);
    assert_int_equal(back.grants_n, 2);
    assert_int_equal(back.grants[1].rights, 3);
    assert_int_equal(back.expires_ms, 99);
    assert_int_equal(back.boxes.count, 3);
    assert_int_equal(bytes.at[64], 3);
    assert_int_equal(bytes.at[68], SAT_ROLE_REP);
    assert_int_equal(bytes.at[69], 2);
    sat_buf_deinit(&bytes);
}

static void an_invite_may_name_256_spaces_and_no_more(void **state)
{
    (void)state;
    struct sat_body_invite body = invite_example(), back;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    body.grants_n = SAT_LINK_GRANTS_MAX;
    sat_body_invite_encode(&body, &bytes);
    assert_int_equal(sat_body_invite_decode(sat_buf_span(&bytes), &back), SAT_OK);
    assert_int_equal(back.grants_n, SAT_LINK_GRANTS_MAX);
    /* One more, written by hand: the count, and 17 bytes inserted behind it. */
    struct sat_buf more;
    sat_buf_init(&more);
    sat_put_bytes(&more, bytes.at, 69);
    sat_put_u16(&more, SAT_LINK_GRANTS_MAX + 1);
    sat_put_bytes(&more, bytes.at + 71, 17);
    sat_put_bytes(&more, bytes.at + 71, bytes.len - 71);
    assert_int_equal(sat_body_invite_decode(sat_buf_span(&more), &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&more);
    sat_buf_deinit(&bytes);
}

static enum sat_err decode_grant_with(struct sat_boxes boxes)
{
    struct sat_body_grant body = {some_space, 7, 3, boxes}, back;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_body_grant_encode(&body, &bytes);
    enum sat_err err = sat_body_grant_decode(sat_buf_span(&bytes), &back);
    sat_buf_deinit(&bytes);
    return err;
}

static void boxes_have_a_root_or_there_are_none(void **state)
{
    (void)state;
    struct sat_hash root = {{1}}, zeros = {0};
    assert_int_equal(decode_grant_with((struct sat_boxes){zeros, 0}), SAT_OK);
    assert_int_equal(decode_grant_with((struct sat_boxes){root, 1}), SAT_OK);
    assert_int_equal(decode_grant_with((struct sat_boxes){root, SAT_BOXES_PER_LINK_MAX}), SAT_OK);
    assert_int_equal(decode_grant_with((struct sat_boxes){root, 0}), SAT_ERR_MALFORMED);
    assert_int_equal(decode_grant_with((struct sat_boxes){zeros, 1}), SAT_ERR_MALFORMED);
    assert_int_equal(decode_grant_with((struct sat_boxes){root, SAT_BOXES_PER_LINK_MAX + 1}), SAT_ERR_MALFORMED);
}

static void an_invite_is_named_by_both_its_keys(void **state)
{
    (void)state;
    struct sat_public_key a = some_key(1), b = some_key(2);
    uint8_t both[64];
    memcpy(both, a.b, 32), memcpy(both + 32, b.b, 32);
    struct sat_hash id = sat_invite_id(&a, &b), swapped = sat_invite_id(&b, &a),
                    expected = sat_hash("invite", SAT_SPAN(both));
    assert_memory_equal(id.b, expected.b, 32);
    assert_memory_not_equal(id.b, swapped.b, 32);
}

/* ---- Boxes ---- */

static struct sat_box some_box(uint8_t n)
{
    struct sat_box box = {.space = some_space, .epoch = 1, .kind = SAT_BOX_DEVICE, .number = n};
    memset(box.bytes, n, sizeof box.bytes);
    return box;
}

static void a_box_travels_in_109_bytes(void **state)
{
    (void)state;
    struct sat_box box = some_box(7), back;
    struct sat_buf bytes;
    sat_buf_init(&bytes);
    sat_box_encode(&box, &bytes);
    assert_int_equal(bytes.len, SAT_BOX_WIRE_BYTES);
    assert_int_equal(sat_box_decode(sat_buf_span(&bytes), &back), SAT_OK);
    struct sat_hash leaf = sat_box_leaf(&box), again = sat_box_leaf(&back);
    assert_memory_equal(leaf.b, again.b, 32);
    assert_memory_equal(back.bytes, box.bytes, SAT_BOX_BYTES);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(sat_box_decode(sat_span(bytes.at, len), &back), SAT_ERR_MALFORMED);
    for (uint8_t kind = 0; kind < 6; kind++) {
        bytes.at[20] = kind;
        assert_int_equal(sat_box_decode(sat_buf_span(&bytes), &back),
                         kind >= 1 && kind <= 3 ? SAT_OK : SAT_ERR_MALFORMED);
    }
    bytes.at[20] = SAT_BOX_KIT;
    bytes.at[21] = 0; /* number 0 */
    assert_int_equal(sat_box_decode(sat_buf_span(&bytes), &back), SAT_ERR_MALFORMED);
    sat_buf_deinit(&bytes);
}

static void every_member_of_a_box_counts_in_its_leaf(void **state)
{
    (void)state;
    struct sat_box box = some_box(1);
    struct sat_hash leaf = sat_box_leaf(&box);
    struct sat_box others[] = {box, box, box, box, box};
    others[0].space.b[3] ^= 1;
    others[1].epoch++;
    others[2].kind++;
    others[3].number++;
    others[4].bytes[79] ^= 1;
    for (size_t i = 0; i < 5; i++) {
        struct sat_hash other = sat_box_leaf(&others[i]);
        assert_memory_not_equal(leaf.b, other.b, 32);
    }
}

static void the_root_of_boxes_does_not_depend_on_their_order(void **state)
{
    (void)state;
    enum { N = 37 };
    struct sat_box forward[N], backward[N];
    for (uint8_t i = 0; i < N; i++) forward[i] = backward[N - 1 - i] = some_box(i);
    struct sat_hash a = sat_boxes_root(forward, N), b = sat_boxes_root(backward, N);
    assert_memory_equal(a.b, b.b, 32);
    for (uint32_t i = 0; i < N; i++) assert_int_equal(forward[i].number, backward[i].number);
    for (uint32_t i = 1; i < N; i++) {
        struct sat_hash before = sat_box_leaf(&forward[i - 1]), after = sat_box_leaf(&forward[i]);
        assert_true(memcmp(before.b, after.b, 32) < 0);
    }
    forward[3].bytes[0] ^= 1;
    b = sat_boxes_root(forward, N);
    assert_memory_not_equal(a.b, b.b, 32);
}

static void no_boxes_have_the_zero_root_and_one_has_its_leaf(void **state)
{
    (void)state;
    struct sat_hash none = sat_boxes_root(NULL, 0);
    assert_true(sat_hash_is_zero(&none));
    struct sat_box box = some_box(1);
    struct sat_hash leaf = sat_box_leaf(&box), root = sat_boxes_root(&box, 1);
    assert_memory_equal(leaf.b, root.b, 32);
}

int main(void)
{
    if (sodium_init() < 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_laid_out_little_endian_and_fixed),
        cmocka_unit_test(a_decoded_link_is_the_one_that_was_encoded),
        cmocka_unit_test(every_truncation_of_a_link_is_malformed),
        cmocka_unit_test(a_link_carries_four_signatures_at_most),
        cmocka_unit_test(impossible_values_in_a_link_are_malformed),
        cmocka_unit_test(a_link_above_its_bound_is_malformed),
        cmocka_unit_test(a_mutilated_link_is_refused_or_read_as_itself),
        cmocka_unit_test(ids_follow_from_the_message_alone),
        cmocka_unit_test(a_signature_holds_for_its_org_and_message_only),
        cmocka_unit_test(a_countersignature_holds_for_its_link_time_org_and_server_only),
        cmocka_unit_test(kinds_and_roles_have_names),
        cmocka_unit_test(every_body_comes_back_and_every_truncation_is_malformed),
        cmocka_unit_test(members_of_bodies_keep_their_places),
        cmocka_unit_test(an_invite_may_name_256_spaces_and_no_more),
        cmocka_unit_test(boxes_have_a_root_or_there_are_none),
        cmocka_unit_test(an_invite_is_named_by_both_its_keys),
        cmocka_unit_test(a_box_travels_in_109_bytes),
        cmocka_unit_test(every_member_of_a_box_counts_in_its_leaf),
        cmocka_unit_test(the_root_of_boxes_does_not_depend_on_their_order),
        cmocka_unit_test(no_boxes_have_the_zero_root_and_one_has_its_leaf),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
