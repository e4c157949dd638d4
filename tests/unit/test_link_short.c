/* Links as they travel in LINKS: what was left out comes back, a link has one short form, and 200 new epochs fit into
 * 52 KiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/proof/link_short.h"
#include "common/wire/message.h"
#include "tests/unit/directory_world.h"

#define OK(call) assert_int_equal((call), SAT_OK)
#define TIME_MS UINT64_C(1767225600000)

static struct world org; /* whose directory the readers have; links are at 300, far behind it */
static const struct sat_hash prev = {{0x11, [31] = 0x22}};

enum { SPACES = 200 }; /* so that a place can take two bytes */

/* Each space is known from its link on. */
static int found_org(void **state)
{
    (void)state;
    world_init_empty(&org);
    struct sat_body_genesis genesis = genesis_body();
    struct sat_link link = genesis_link(&org, &genesis);
    OK(apply(&org, &link));
    for (uint8_t n = 0; n < SPACES; n++) {
        uint8_t kind = n < 2 ? (uint8_t)(SAT_SPACE_ORG + n) : SAT_SPACE_TERRITORY;
        link = space_link(&org, n, kind);
        OK(apply(&org, &link));
    }
    return 0;
}

static int close_org(void **state)
{
    (void)state;
    world_deinit(&org);
    return 0;
}

static int set_up(void **state)
{
    struct sat_arena *arena = calloc(1, sizeof *arena);
    assert_non_null(arena);
    sat_arena_init(arena);
    *state = arena;
    return 0;
}

static int tear_down(void **state)
{
    sat_arena_deinit(*state);
    free(*state);
    return 0;
}

/* The form does not look at signatures, so they are made up. */
static struct sat_signature signature_of(uint8_t n)
{
    struct sat_signature signature;
    for (size_t i = 0; i < sizeof signature.b; i++) signature.b[i] = (uint8_t)(n + 7 * i);
    return signature;
}

static struct sat_countersign countersign_at(uint64_t time_ms)
{
    return (struct sat_countersign){.time_ms = time_ms, .signature = signature_of(0xc0)};
}

static void sign(struct sat_link *link, uint8_t kind, uint32_t number)
{
    uint8_t n = link->signatures_n++;
    link->signatures[n] = (struct sat_link_signature){kind, number, signature_of((uint8_t)(0x50 + n))};
}

static struct sat_link link_of(uint16_t type, uint32_t author, struct sat_span body)
{
    return (struct sat_link){
        .seq = 300, .prev = prev, .author = author, .type = type, .critical = 1, .suite = 1, .body = body};
}

static struct sat_span encoded(struct sat_buf *buf, struct sat_arena *arena)
{
    struct sat_span span = sat_span_copy(arena, sat_buf_span(buf));
    sat_buf_deinit(buf);
    return span;
}

static struct sat_span short_of(const struct sat_link *link, uint64_t time_ms, struct sat_arena *arena)
{
    struct sat_countersign server = countersign_at(time_ms);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_link_encode_short(link, &server, &org.directory, &buf);
    return encoded(&buf, arena);
}

/* A copy of the exact size, so that a sanitizer sees every byte read too far. */
static enum sat_err decode_at(struct sat_span item, uint64_t seq, struct sat_arena *arena, struct sat_link *out,
                              struct sat_span *bytes, struct sat_countersign *server)
{
    uint8_t *copy = malloc(item.len ? item.len : 1);
    assert_non_null(copy);
    if (item.len) memcpy(copy, item.at, item.len);
    enum sat_err err =
        sat_link_decode_short(sat_span(copy, item.len), seq, &prev, &org.directory, arena, out, bytes, server);
    free(copy);
    return err;
}

static enum sat_err decode(struct sat_span item, struct sat_arena *arena)
{
    struct sat_link link;
    struct sat_span bytes;
    struct sat_countersign server;
    return decode_at(item, 300, arena, &link, &bytes, &server);
}

/* ---- The form ---- */

static void a_short_link_is_what_its_layout_says(void **state)
{
    struct sat_arena *arena = *state;
    struct sat_link link = link_of(SAT_LINK_ROLE, 300, sat_span_text("body!"));
    sign(&link, SAT_SIGNER_DEVICE, 300);
    sign(&link, SAT_SIGNER_ADMIN, 300);
    static const char golden[] =
        "80d0eab6b733"                                                     /* time_ms */
        "c0c7ced5dce3eaf1f8ff060d141b222930373e454c535a61686f767d848b9299" /* countersignature */
        "a0a7aeb5bcc3cad1d8dfe6edf4fb020910171e252c333a41484f565d646b7279"
        "ac02032a"                                                         /* author 300, role, shape */
        "50575e656c737a81888f969da4abb2b9c0c7ced5dce3eaf1f8ff060d141b2229" /* the author's own */
        "30373e454c535a61686f767d848b9299a0a7aeb5bcc3cad1d8dfe6edf4fb0209"
        "02ac02" /* admin 300 */
        "51585f666d747b828990979ea5acb3bac1c8cfd6dde4ebf2f900070e151c232a"
        "31383f464d545b626970777e858c939aa1a8afb6bdc4cbd2d9e0e7eef5fc030a"
        "626f647921" /* body */;
    struct sat_span item = short_of(&link, TIME_MS, arena);
    assert_int_equal(2 * item.len, sizeof golden - 1);
    for (size_t i = 0; i < item.len; i++) {
        unsigned byte;
        assert_int_equal(sscanf(golden + 2 * i, "%2x", &byte), 1);
        assert_int_equal(item.at[i], byte);
    }
}

/* Decodes to the same link, whose long form is the one that the author made. */
static void assert_comes_back(const struct sat_link *made, uint64_t time_ms, struct sat_arena *arena)
{
    struct sat_link link = *made, got;
    struct sat_span bytes;
    struct sat_countersign server;
    struct sat_buf whole;
    sat_link_finish(&link, arena);
    sat_buf_init(&whole);
    sat_link_encode(&link, &whole);
    struct sat_span item = short_of(&link, time_ms, arena);
    assert_true(item.len < whole.len + 72 - 40);
    OK(decode_at(item, link.seq, arena, &got, &bytes, &server));
    assert_true(sat_span_equal(bytes, sat_buf_span(&whole)));
    assert_true(sat_span_equal(got.message, link.message) && sat_span_equal(got.body, link.body));
    assert_true(got.seq == link.seq && got.author == link.author && got.type == link.type);
    assert_true(got.critical == link.critical && got.suite == link.suite && got.signatures_n == link.signatures_n);
    assert_true(server.time_ms == time_ms);
    struct sat_countersign expected = countersign_at(time_ms);
    assert_memory_equal(&server.signature, &expected.signature, sizeof server.signature);
    assert_true(sat_span_equal(short_of(&got, time_ms, arena), item));
    sat_buf_deinit(&whole);
}

static const uint16_t types[] = {
#define X(id, name, number, who) number,
#include "common/proof/links.def"
#undef X
    0, 127, 128, UINT16_MAX, /* of a later version */
};

/* Who signs: kinds, and whether the number is the author's. */
static const struct {
    uint8_t n, kinds[4];
    bool own[4];
} signers[] = {
    {0, {0}, {0}},
    {1, {SAT_SIGNER_DEVICE}, {true}},
    {1, {SAT_SIGNER_DEVICE}, {false}},
    {1, {SAT_SIGNER_ADMIN}, {true}},
    {2, {SAT_SIGNER_DEVICE, SAT_SIGNER_ADMIN}, {true, true}},
    {2, {SAT_SIGNER_ADMIN, SAT_SIGNER_DEVICE}, {true, true}},
    {2, {SAT_SIGNER_DEVICE, SAT_SIGNER_DEVICE}, {true, true}},
    {2, {SAT_SIGNER_INVITE, SAT_SIGNER_DEVICE}, {false, true}},
    {3, {SAT_SIGNER_DEVICE, SAT_SIGNER_ADMIN, SAT_SIGNER_KIT}, {true, true, false}},
    {4, {SAT_SIGNER_DEVICE, SAT_SIGNER_ADMIN, SAT_SIGNER_ADMIN, SAT_SIGNER_ADMIN}, {true, true, false, false}},
    {4, {0, 255, 32, 33}, {false, true, false, true}}, /* of a later version */
};

static void links_of_every_kind_come_back_as_they_were(void **state)
{
    struct sat_arena *arena = *state;
    static const uint32_t authors[] = {0, 1, 127, 128, 5000, UINT32_MAX};
    static const uint64_t times[] = {0, TIME_MS, SAT_TIME_MS_MAX};
    static const uint16_t suites[] = {1, 0, 2, UINT16_MAX};
    static uint8_t body[400];
    for (size_t i = 0; i < sizeof body; i++) body[i] = (uint8_t)(i * 13);
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
        for (size_t s = 0; s < sizeof signers / sizeof signers[0]; s++) {
            uint32_t author = authors[(t + s) % 6];
            struct sat_link link = link_of(types[t], author, sat_span(body, (t * 31 + s * 17) % sizeof body));
            link.critical = (t + s) % 3 != 0;
            link.suite = suites[s % 4];
            if (s % 5 == 1) link.seq = 1; /* where there is nothing before */
            for (uint8_t i = 0; i < signers[s].n; i++)
                sign(&link, signers[s].kinds[i], signers[s].own[i] ? author : author ^ 0x180);
            assert_comes_back(&link, times[(t + s) % 3], arena);
        }
    }
}

/* The largest link that the long form takes, though its short form may be a little longer than that bound. */
static void the_largest_link_comes_back_and_no_larger_one(void **state)
{
    struct sat_arena *arena = *state;
    static uint8_t body[SAT_LINK_BYTES_MAX + 1];
    const size_t fixed = 4 + 53 + 1 + 69;
    struct sat_link link = link_of(SAT_LINK_REVOKE, 1, sat_span(body, SAT_LINK_BYTES_MAX - fixed)), got;
    struct sat_span bytes;
    struct sat_countersign server;
    sign(&link, SAT_SIGNER_DEVICE, 2);
    OK(decode_at(short_of(&link, TIME_MS, arena), 300, arena, &got, &bytes, &server));
    assert_int_equal(bytes.len, SAT_LINK_BYTES_MAX);
    assert_int_equal(got.body.len, link.body.len);
    link.body.len++;
    assert_int_equal(decode(short_of(&link, TIME_MS, arena), arena), SAT_ERR_MALFORMED);
    link.body.len = SAT_LINK_BYTES_MAX + 1;
    assert_int_equal(decode(short_of(&link, TIME_MS, arena), arena), SAT_ERR_MALFORMED);
}

/* ---- Exactness ---- */

/* What the body ends with can be cut: it is another link then, which nobody signed. */
static void every_truncation_is_malformed_or_has_a_shorter_body(void **state)
{
    struct sat_arena *arena = *state;
    struct sat_link link = link_of(SAT_LINK_USER, 300, sat_span_text("body!")), got;
    sign(&link, SAT_SIGNER_DEVICE, 300);
    sign(&link, SAT_SIGNER_ADMIN, 200);
    struct sat_span item = short_of(&link, TIME_MS, arena);
    for (size_t len = 0; len < item.len; len++) {
        struct sat_span bytes;
        struct sat_countersign server;
        enum sat_err err = decode_at(sat_span(item.at, len), 300, arena, &got, &bytes, &server);
        assert_int_equal(err, len < item.len - 5 ? SAT_ERR_MALFORMED : SAT_OK);
        if (!err) assert_int_equal(got.body.len, len - (item.len - 5));
    }
}

/* Whatever is changed: refused, or the one form of another link. */
static void assert_exact(struct sat_span item, struct sat_arena *arena, uint32_t *taken)
{
    struct sat_link link;
    struct sat_span bytes;
    struct sat_countersign server;
    struct sat_buf again;
    if (decode_at(item, 300, arena, &link, &bytes, &server)) return;
    sat_buf_init(&again);
    sat_link_encode_short(&link, &server, &org.directory, &again);
    assert_true(sat_span_equal(sat_buf_span(&again), item));
    sat_buf_deinit(&again);
    (*taken)++;
}

static void a_link_has_one_short_form(void **state)
{
    struct sat_arena *arena = *state;
    uint32_t taken = 0;
    for (unsigned own = 0; own < 2; own++) {
        struct sat_arena few;
        sat_arena_init(&few);
        struct sat_link link = link_of(SAT_LINK_USER, 1, sat_span_text("a body that leaves some room for changes"));
        sign(&link, SAT_SIGNER_DEVICE, own ? 1 : 2);
        sign(&link, SAT_SIGNER_ADMIN, 1);
        struct sat_span item = short_of(&link, TIME_MS, arena);
        uint8_t *changed = sat_arena_copy(arena, item.at, item.len);
        for (size_t at = 0; at < item.len; at++) {
            for (unsigned value = 0; value < 256; value++) {
                changed[at] = (uint8_t)value;
                assert_exact(sat_span(changed, item.len), &few, &taken);
            }
            changed[at] = item.at[at];
            sat_arena_reset(&few);
        }
        sat_arena_deinit(&few);
    }
    assert_true(taken > 10000); /* signatures and bodies have every value */
}

struct form { /* the parts behind the countersignature, as hexadecimal digits; S stands for a signature */
    const char *parts;
    enum sat_err err;
};

static struct sat_span write_form(const char *parts, struct sat_arena *arena)
{
    struct sat_buf buf;
    struct sat_signature signature = signature_of(9);
    sat_buf_init(&buf);
    sat_put_varint(&buf, TIME_MS);
    sat_put_bytes(&buf, signature.b, sizeof signature.b);
    for (const char *at = parts; *at;) {
        unsigned byte;
        if (*at == ' ') {
            at++;
        } else if (*at == 'S') {
            sat_put_bytes(&buf, signature.b, sizeof signature.b);
            at++;
        } else {
            assert_int_equal(sscanf(at, "%2x", &byte), 1);
            sat_put_u8(&buf, (uint8_t)byte);
            at += 2;
        }
    }
    return encoded(&buf, arena);
}

static void what_could_be_said_shorter_or_means_nothing_is_malformed(void **state)
{
    struct sat_arena *arena = *state;
    static const struct form forms[] = {
        {"07 02 29 S aabb", SAT_OK},                  /* author 7, user, one signature, his own */
        {"07 02 09 01 08 S aabb", SAT_OK},            /* somebody else's */
        {"07 02 09 01 07 S aabb", SAT_ERR_MALFORMED}, /* his own, but not said so */
        {"07 02 28 aabb", SAT_ERR_MALFORMED},         /* his own, but there is none */
        {"07 02 08", SAT_OK},                         /* no signature, no body */
        {"07 02 00", SAT_OK},                         /* not critical */
        {"07 02 39 0200 S aabb", SAT_OK},             /* suite 2 */
        {"07 02 39 0100 S aabb", SAT_ERR_MALFORMED},  /* the usual one, spelt out */
        {"8700 02 29 S aabb", SAT_ERR_MALFORMED},     /* longer varints than needed */
        {"07 8200 29 S aabb", SAT_ERR_MALFORMED},
        {"07 02 09 01 8800 S aabb", SAT_ERR_MALFORMED},
        {"8080808010 02 29 S aabb", SAT_ERR_MALFORMED},                    /* beyond u32 */
        {"07 808004 29 S aabb", SAT_ERR_MALFORMED},                        /* beyond u16 */
        {"07 02 69 S aabb", SAT_ERR_MALFORMED},                            /* a body that has no short form */
        {"07 02 a9 S aabb", SAT_ERR_MALFORMED},                            /* a bit that means nothing */
        {"07 02 2d S 02 07 S 02 08 S 02 09 S 02 0a S", SAT_ERR_MALFORMED}, /* five signatures */
        {"07 02 2c S 02 07 S 02 08 S 02 09 S", SAT_OK},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct sat_span item = write_form(forms[i].parts, arena);
        if (decode(item, arena) != forms[i].err) fail_msg("%s", forms[i].parts);
    }
    struct sat_link link;
    struct sat_span bytes, item = write_form("07 02 29 S aabb", arena);
    struct sat_countersign server;
    assert_int_equal(decode_at(item, 0, arena, &link, &bytes, &server), SAT_ERR_MALFORMED); /* no such position */
    assert_int_equal(decode_at(item, SAT_COUNTER_MAX + 1, arena, &link, &bytes, &server), SAT_ERR_MALFORMED);
}

/* ---- Bodies ---- */

static struct sat_body_epoch some_epoch(struct sat_space_id space)
{
    struct sat_body_epoch body = {.space = space, .epoch = 2, .suite = 1, .boxes = {.count = 5000}};
    memset(body.kc.b, 0xa1, sizeof body.kc.b);
    memset(body.chain + 24, 0xa2, sizeof body.chain - 24);
    memset(body.boxes.root.b, 0xa3, sizeof body.boxes.root.b);
    return body;
}

static struct sat_link epoch_of(const struct sat_body_epoch *body, struct sat_arena *arena)
{
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_epoch_encode(body, &buf);
    struct sat_link link = link_of(SAT_LINK_EPOCH, 7, encoded(&buf, arena));
    sign(&link, SAT_SIGNER_DEVICE, 7);
    return link;
}

static struct sat_link revocation_of(const struct sat_cut *cuts, uint16_t n, struct sat_arena *arena)
{
    struct sat_body_revoke *body = calloc(1, sizeof *body);
    assert_non_null(body);
    struct sat_buf buf;
    sat_buf_init(&buf);
    body->device = 5000;
    body->cuts_n = n;
    if (n) memcpy(body->cuts, cuts, n * sizeof *cuts);
    sat_body_revoke_encode(body, &buf);
    free(body);
    struct sat_link link = link_of(SAT_LINK_REVOKE, 7, encoded(&buf, arena));
    sign(&link, SAT_SIGNER_DEVICE, 7);
    return link;
}

enum { FRAME_BYTES = 6 + 64 + 3 + 64 }; /* of such a link, around its body */

static void assert_body(const struct sat_link *link, const char *start, size_t len, struct sat_arena *arena)
{
    struct sat_span item = short_of(link, TIME_MS, arena);
    assert_int_equal(item.len, FRAME_BYTES + len);
    for (size_t i = 0; start[2 * i]; i++) {
        unsigned byte;
        assert_int_equal(sscanf(start + 2 * i, "%2x", &byte), 1);
        assert_int_equal(item.at[FRAME_BYTES + i], byte);
    }
    assert_comes_back(link, TIME_MS, arena);
}

static void a_body_names_spaces_by_their_places(void **state)
{
    struct sat_arena *arena = *state;
    struct sat_body_epoch body = some_epoch(space_id(1));
    struct sat_link link = epoch_of(&body, arena);
    assert_body(&link, "0102a1a1a1", 1 + 1 + 32 + 32 + 2 + 48, arena);
    body.space = space_id(199);
    body.epoch = 200;
    body.chain[0] = 0xb1; /* a nonce */
    link = epoch_of(&body, arena);
    assert_body(&link, "c701c801a1a1a1", 2 + 2 + 32 + 32 + 2 + 72, arena);
    const struct sat_cut cuts[] = {{space_id(0), 1, {{0xc1}}}, {space_id(130), 300, {{0xc2}}}};
    link = revocation_of(cuts, 2, arena);
    assert_body(&link,
                "882700"
                "01c10000",
                2 + (1 + 1 + 32) + (2 + 2 + 32), arena);
    link = revocation_of(NULL, 0, arena);
    assert_body(&link, "8827", 2, arena);
}

/* What has no short form travels in full. */
static void a_body_of_another_shape_travels_in_full(void **state)
{
    struct sat_arena *arena = *state;
    const struct sat_body_epoch usual = some_epoch(space_id(0));
    const size_t in_full = 16 + 4 + 2 + 32 + 72 + 32 + 4;
    struct sat_body_epoch body = usual;
    body.suite = 2;
    struct sat_link link = epoch_of(&body, arena);
    assert_body(&link, "0190", in_full, arena);
    body = usual;
    body.space.b[0] ^= 1; /* none that there is */
    link = epoch_of(&body, arena);
    assert_body(&link, "0090", in_full, arena);
    link = epoch_of(&usual, arena);
    link.body.len--; /* not well-formed */
    assert_body(&link, "0190", in_full - 1, arena);
    link = epoch_of(&usual, arena);
    link.seq = 2; /* it makes the space itself */
    assert_body(&link, "0190", in_full, arena);
    link.seq = 3;
    assert_body(&link, "0002", 1 + 1 + 32 + 32 + 2 + 48, arena);
    const struct sat_cut cut = {{{7}}, 1, {{0xc1}}};
    link = revocation_of(&cut, 1, arena);
    assert_body(&link, "8813", 4 + 2 + 16 + 8 + 32, arena);
}

static void the_longest_list_of_cuts_comes_back_and_no_longer_one(void **state)
{
    struct sat_arena *arena = *state;
    static struct sat_cut cuts[SAT_LINK_CUTS_MAX];
    for (size_t i = 0; i < SAT_LINK_CUTS_MAX; i++) cuts[i] = (struct sat_cut){space_id(0), UINT64_MAX, {{(uint8_t)i}}};
    struct sat_link link = revocation_of(cuts, SAT_LINK_CUTS_MAX, arena);
    assert_comes_back(&link, TIME_MS, arena);
    struct sat_span item = short_of(&link, TIME_MS, arena);
    struct sat_buf longer;
    sat_buf_init(&longer);
    sat_put_span(&longer, item);
    sat_put_bytes(&longer, item.at + item.len - 43, 43); /* the last one again */
    assert_int_equal(decode(sat_buf_span(&longer), arena), SAT_ERR_MALFORMED);
    sat_buf_deinit(&longer);
}

/* Whatever is changed in a short body, and wherever it ends: refused, or the one form of another link. */
static void a_short_body_is_the_only_one_of_its_link(void **state)
{
    struct sat_arena *arena = *state, few;
    const struct sat_cut cuts[] = {{space_id(0), 1, {{0xc1}}}, {space_id(130), 300, {{0xc2}}}};
    struct sat_body_epoch body = some_epoch(space_id(130));
    struct sat_link links[3] = {epoch_of(&body, arena), revocation_of(cuts, 2, arena)};
    body.chain[0] = 0xb1;
    links[2] = epoch_of(&body, arena);
    uint32_t taken = 0;
    sat_arena_init(&few);
    for (size_t n = 0; n < 3; n++) {
        struct sat_span item = short_of(&links[n], TIME_MS, arena);
        uint8_t *changed = sat_arena_copy(arena, item.at, item.len);
        for (size_t at = FRAME_BYTES - 65; at < item.len; at++) { /* from the shape on */
            for (unsigned value = 0; value < 256; value++) {
                changed[at] = (uint8_t)value;
                assert_exact(sat_span(changed, item.len), &few, &taken);
            }
            changed[at] = item.at[at];
            sat_arena_reset(&few);
            assert_exact(sat_span(changed, at), &few, &taken);
        }
        /* In full, where it has a short form. */
        struct sat_buf spelt_out;
        sat_buf_init(&spelt_out);
        sat_put_bytes(&spelt_out, item.at, FRAME_BYTES);
        spelt_out.at[FRAME_BYTES - 65] &= (uint8_t)~64u;
        sat_put_span(&spelt_out, links[n].body);
        assert_int_equal(decode(sat_buf_span(&spelt_out), arena), SAT_ERR_MALFORMED);
        sat_buf_deinit(&spelt_out);
    }
    sat_arena_deinit(&few);
    assert_true(taken > 10000);
}

static void a_nonce_of_zeros_is_not_spelt_out(void **state)
{
    struct sat_arena *arena = *state;
    struct sat_body_epoch body = some_epoch(space_id(0));
    body.chain[0] = 1;
    struct sat_link link = epoch_of(&body, arena);
    struct sat_span item = short_of(&link, TIME_MS, arena);
    OK(decode(item, arena));
    uint8_t *changed = sat_arena_copy(arena, item.at, item.len);
    changed[item.len - 72] = 0;
    assert_int_equal(decode(sat_span(changed, item.len), arena), SAT_ERR_MALFORMED);
}

/* ---- What it saves ---- */

static struct sat_span rotation_body(uint32_t n, struct sat_arena *arena)
{
    struct sat_body_epoch body = {.space = space_id(0), .epoch = n, .suite = 1, .boxes = {.count = 5000}};
    memset(body.kc.b, (int)(n * 3 % 251), sizeof body.kc.b);
    memset(body.chain + 24, (int)(n * 5 % 251), sizeof body.chain - 24);
    memset(body.boxes.root.b, (int)(n * 7 % 250 + 1), sizeof body.boxes.root.b);
    struct sat_buf buf;
    sat_buf_init(&buf);
    sat_body_epoch_encode(&body, &buf);
    return encoded(&buf, arena);
}

/* In messages of as many as the server puts into one. */
static void two_hundred_epochs_take_52_kib(void **state)
{
    struct sat_arena *arena = *state;
    enum { EPOCHS = 200, AT_ONCE = 128, BYTES_MAX = 52 * 1024 };
    struct sat_buf out;
    sat_buf_init(&out);
    size_t in_full = 0;
    for (uint32_t done = 0; done < EPOCHS;) {
        struct sat_span items[AT_ONCE];
        uint32_t n = 0;
        struct sat_message message = {.type = SAT_MESSAGE_LINKS};
        message.as.LINKS.first_seq = 1000000 + done;
        for (; n < AT_ONCE && done < EPOCHS; n++, done++) {
            struct sat_link link = link_of(SAT_LINK_EPOCH, 4000 + done * 100, rotation_body(1 + done, arena));
            sign(&link, SAT_SIGNER_DEVICE, link.author);
            items[n] = short_of(&link, TIME_MS + 3600000 * done, arena);
            in_full += 4 + 53 + link.body.len + 1 + 69 + 72 + 3;
        }
        message.as.LINKS.links = (struct sat_list){items, n};
        sat_message_encode(&message, &out);
    }
    print_message("200 epochs: %zu bytes, in the long form %zu (at most %d)\n", out.len, in_full, BYTES_MAX);
    assert_true(out.len <= BYTES_MAX);
    sat_buf_deinit(&out);
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(a_short_link_is_what_its_layout_says),
        WITH_ARENA(links_of_every_kind_come_back_as_they_were),
        WITH_ARENA(the_largest_link_comes_back_and_no_larger_one),
        WITH_ARENA(every_truncation_is_malformed_or_has_a_shorter_body),
        WITH_ARENA(a_link_has_one_short_form),
        WITH_ARENA(what_could_be_said_shorter_or_means_nothing_is_malformed),
        WITH_ARENA(a_body_names_spaces_by_their_places),
        WITH_ARENA(a_body_of_another_shape_travels_in_full),
        WITH_ARENA(the_longest_list_of_cuts_comes_back_and_no_longer_one),
        WITH_ARENA(a_short_body_is_the_only_one_of_its_link),
        WITH_ARENA(a_nonce_of_zeros_is_not_spelt_out),
        WITH_ARENA(two_hundred_epochs_take_52_kib),
    };
    return cmocka_run_group_tests_name("link_short", tests, found_org, close_org);
}
