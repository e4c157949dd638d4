#include "common/proof/body_short.h"

#include <string.h>

enum { USUAL_SUITE = 1, DEVICE_BYTES = 4, NONCE_BYTES = 24, SEALED_BYTES = SAT_CHAIN_BYTES - NONCE_BYTES };

static const uint8_t no_nonce[NONCE_BYTES];

/* ---- Spaces by their place ---- */

static bool put_place(struct sat_buf *out, const struct sat_directory *directory, uint64_t seq,
                      const struct sat_space_id *id)
{
    const struct sat_space *space = sat_directory_space(directory, id);
    if (!space || space->since_seq >= seq) return false;
    sat_put_varint(out, (uint64_t)(space - directory->spaces));
    return true;
}

static struct sat_space_id take_place(struct sat_reader *in, const struct sat_directory *directory, uint64_t seq)
{
    uint64_t place = sat_take_varint(in, UINT32_MAX);
    bool known = place < directory->spaces_n && directory->spaces[place].since_seq < seq;
    if (!known) in->failed = true;
    return known ? directory->spaces[place].id : (struct sat_space_id){0};
}

/* ---- Epochs ---- */

static bool shorten_epoch(uint64_t seq, struct sat_span body, const struct sat_directory *directory,
                          struct sat_buf *out)
{
    struct sat_body_epoch epoch;
    if (sat_body_epoch_decode(body, &epoch) || epoch.suite != USUAL_SUITE) return false;
    if (!put_place(out, directory, seq, &epoch.space)) return false;
    sat_put_varint(out, epoch.epoch);
    sat_put_bytes(out, epoch.kc.b, sizeof epoch.kc.b);
    sat_put_bytes(out, epoch.boxes.root.b, sizeof epoch.boxes.root.b);
    sat_put_varint(out, epoch.boxes.count);
    if (memcmp(epoch.chain, no_nonce, NONCE_BYTES) != 0) sat_put_bytes(out, epoch.chain, NONCE_BYTES);
    sat_put_bytes(out, epoch.chain + NONCE_BYTES, SEALED_BYTES);
    return true;
}

static void lengthen_epoch(uint64_t seq, struct sat_reader *in, const struct sat_directory *directory,
                           struct sat_buf *out)
{
    struct sat_body_epoch epoch = {.suite = USUAL_SUITE};
    epoch.space = take_place(in, directory, seq);
    epoch.epoch = (uint32_t)sat_take_varint(in, UINT32_MAX);
    sat_take_bytes(in, epoch.kc.b, sizeof epoch.kc.b);
    sat_take_bytes(in, epoch.boxes.root.b, sizeof epoch.boxes.root.b);
    epoch.boxes.count = (uint32_t)sat_take_varint(in, UINT32_MAX);
    if (sat_reader_left(in) > SEALED_BYTES) {
        sat_take_bytes(in, epoch.chain, NONCE_BYTES);
        if (memcmp(epoch.chain, no_nonce, NONCE_BYTES) == 0) in->failed = true; /* not to be spelt out */
    }
    sat_take_bytes(in, epoch.chain + NONCE_BYTES, SEALED_BYTES);
    sat_body_epoch_encode(&epoch, out);
}

/* ---- Revocations: cut by cut, as a body that lists all there may be is no small thing ---- */

static bool shorten_revoke(uint64_t seq, struct sat_span body, const struct sat_directory *directory,
                           struct sat_buf *out)
{
    struct sat_reader in;
    struct sat_cut cut;
    sat_reader_init(&in, body);
    sat_put_varint(out, sat_take_u32(&in));
    uint16_t n = sat_take_u16(&in);
    for (uint16_t i = 0; i < n && !in.failed; i++) {
        sat_take_bytes(&in, cut.space.b, sizeof cut.space.b);
        cut.counter = sat_take_u64(&in);
        sat_take_bytes(&in, cut.bundle.b, sizeof cut.bundle.b);
        if (!put_place(out, directory, seq, &cut.space)) return false;
        sat_put_varint(out, cut.counter);
        sat_put_bytes(out, cut.bundle.b, sizeof cut.bundle.b);
    }
    return n <= SAT_LINK_CUTS_MAX && sat_reader_end(&in) == SAT_OK;
}

static void lengthen_revoke(uint64_t seq, struct sat_reader *in, const struct sat_directory *directory,
                            struct sat_buf *out)
{
    size_t start = out->len;
    uint16_t n = 0;
    sat_put_u32(out, (uint32_t)sat_take_varint(in, UINT32_MAX));
    sat_put_u16(out, 0); /* that many, when they have been counted */
    for (; sat_reader_left(in) > 0 && !in->failed && n < SAT_LINK_CUTS_MAX; n++) {
        struct sat_cut cut = {.space = take_place(in, directory, seq)};
        cut.counter = sat_take_varint(in, UINT64_MAX);
        sat_take_bytes(in, cut.bundle.b, sizeof cut.bundle.b);
        sat_put_bytes(out, cut.space.b, sizeof cut.space.b);
        sat_put_u64(out, cut.counter);
        sat_put_bytes(out, cut.bundle.b, sizeof cut.bundle.b);
    }
    out->at[start + DEVICE_BYTES] = (uint8_t)n;
    out->at[start + DEVICE_BYTES + 1] = (uint8_t)(n >> 8);
}

/* ---- Either ---- */

bool sat_body_shorten(uint16_t type, uint64_t seq, struct sat_span body, const struct sat_directory *directory,
                      struct sat_buf *out)
{
    size_t start = out->len;
    bool done = false;
    if (type == SAT_LINK_EPOCH) done = shorten_epoch(seq, body, directory, out);
    if (type == SAT_LINK_REVOKE) done = shorten_revoke(seq, body, directory, out);
    if (!done) out->len = start;
    return done;
}

enum sat_err sat_body_lengthen(uint16_t type, uint64_t seq, struct sat_span shortened,
                               const struct sat_directory *directory, struct sat_buf *out)
{
    struct sat_reader in;
    sat_reader_init(&in, shortened);
    if (type == SAT_LINK_EPOCH)
        lengthen_epoch(seq, &in, directory, out);
    else if (type == SAT_LINK_REVOKE)
        lengthen_revoke(seq, &in, directory, out);
    else
        return SAT_ERR_MALFORMED;
    return sat_reader_end(&in);
}
