/* What is sealed for this device, after somebody has had it in hand: the first byte says what it is (a change, a draft,
 * a key box, a link of the back-chain); then patches follow, each a place and what is put there by exclusive or, and in
 * the end perhaps a new length. Whole it opens to what it was, and changed it does not open. */
#include <string.h>

#include "common/vault/seal.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/org.h"

enum { SEALED_BYTES_MAX = 512, CUT = 0xffff };

static const struct sat_record_id record = {{0x5a, 0x70}};

struct sealed {
    uint8_t at[SEALED_BYTES_MAX];
    size_t len;
    bool changed;
};

static void patch(struct sealed *sealed, struct sat_span *input)
{
    while (input->len >= 3) {
        size_t place = fuzz_byte(input);
        place |= (size_t)fuzz_byte(input) << 8;
        uint8_t with = fuzz_byte(input);
        if (place == CUT && with < sealed->len) {
            sealed->len = with;
            sealed->changed = true;
            return;
        }
        sealed->at[place % sealed->len] ^= with;
    }
}

static void take(struct sealed *out, struct sat_span bytes, struct sat_span *input)
{
    sat_check(bytes.len && bytes.len <= sizeof out->at);
    *out = (struct sealed){.len = bytes.len};
    memcpy(out->at, bytes.at, bytes.len);
    patch(out, input);
    if (!out->changed) out->changed = memcmp(out->at, bytes.at, bytes.len) != 0;
}

static void check_plain(enum sat_err err, bool changed, struct sat_span plain, const struct sat_buf *out)
{
    sat_check(changed ? err == SAT_ERR_UNDECRYPTABLE : err == SAT_OK);
    sat_check(err ? out->len == 0 : sat_span_equal(plain, sat_buf_span(out)));
}

static struct sat_epoch_ctx ctx_of(uint32_t epoch)
{
    return (struct sat_epoch_ctx){
        .org = fuzz_org()->id, .space = fuzz_org()->spaces[FUZZ_SPACES - 1], .epoch = epoch, .suite = SAT_SUITE_1};
}

static struct sat_squeezer *the_squeezer(void)
{
    static struct sat_squeezer *squeezer;
    if (!squeezer) fuzz_must(sat_squeezer_new(&squeezer));
    return squeezer;
}

static void check_change(struct sat_span *input)
{
    struct sat_manifest manifest = {.suite = SAT_SUITE_1,
                                    .org = fuzz_org()->id,
                                    .space = fuzz_org()->spaces[FUZZ_SPACES - 1],
                                    .epoch = 1,
                                    .device = 2,
                                    .first = 1,
                                    .count = 1};
    struct sat_plain_change change = {.record = record,
                                      .header = sat_span_text("a header"),
                                      .body = sat_span_text("the body of a change, which nobody else may read"),
                                      .compress = fuzz_byte(input) & 1};
    struct sat_bundle_key key;
    struct sealed sealed;
    struct sat_buf buf, out;
    sat_buf_init(&buf);
    sat_buf_init(&out);
    sat_bundle_key_derive(&fuzz_org()->keys[FUZZ_SPACES - 1], &manifest, &key);
    fuzz_must(sat_seal_change(the_squeezer(), &key, &manifest, 0, &change, &buf));
    take(&sealed, sat_buf_span(&buf), input);
    enum sat_err err = sat_unseal_change(the_squeezer(), &key, &manifest, 0, &record, change.header,
                                         sat_span(sealed.at, sealed.len), &out);
    check_plain(err, sealed.changed, change.body, &out);
    sat_buf_deinit(&out);
    sat_buf_deinit(&buf);
}

static void check_draft(struct sat_span *input)
{
    static const uint8_t store_key[32] = {7}, nonce[24] = {9};
    struct sat_span header = sat_span_text("a header"), body = sat_span_text("not sent yet");
    struct sealed sealed;
    struct sat_buf buf, out;
    sat_buf_init(&buf);
    sat_buf_init(&out);
    sat_seal_draft(store_key, 5, &record, header, body, nonce, &buf);
    take(&sealed, sat_buf_span(&buf), input);
    enum sat_err err = sat_unseal_draft(store_key, 5, &record, header, sat_span(sealed.at, sealed.len), &out);
    check_plain(err, sealed.changed, body, &out);
    sat_buf_deinit(&out);
    sat_buf_deinit(&buf);
}

/* Boxes and chain links have one length. */
static void check_key(enum sat_err err, const struct sealed *sealed, const struct sat_epoch_key *key,
                      const struct sat_epoch_key *out)
{
    bool changed = sealed->changed;
    sat_check(changed ? err == SAT_ERR_UNDECRYPTABLE : err == SAT_OK);
    sat_check(err || memcmp(key->b, out->b, sizeof key->b) == 0);
}

static void check_box(struct sat_span *input)
{
    const struct fuzz_org *org = fuzz_org();
    const struct sat_epoch_key *key = &org->keys[FUZZ_SPACES - 1];
    struct sat_public_key box_public = sat_keyring_box_public(org->keyrings[1]);
    struct sat_epoch_ctx ctx = ctx_of(1);
    struct sat_hash kc = sat_epoch_commitment(key, &ctx);
    uint8_t box[SAT_BOX_BYTES];
    struct sealed sealed;
    struct sat_epoch_key out;
    sat_epoch_box_seal(key, &box_public, box);
    take(&sealed, SAT_SPAN(box), input);
    if (sealed.len != sizeof box) return;
    enum sat_err err =
        sat_epoch_box_open(sealed.at, &box_public, &sat_keyring_secrets(org->keyrings[1])->box, &ctx, &kc, &out);
    check_key(err, &sealed, key, &out);
}

static void check_chain(struct sat_span *input)
{
    static const struct sat_epoch_key next = {{3}};
    static const uint8_t nonce[24] = {9};
    const struct sat_epoch_key *key = &fuzz_org()->keys[FUZZ_SPACES - 1];
    struct sat_epoch_ctx ctx = ctx_of(2), before = ctx_of(1);
    struct sat_hash kc = sat_epoch_commitment(key, &before);
    uint8_t chain[SAT_CHAIN_BYTES];
    struct sealed sealed;
    struct sat_epoch_key out;
    sat_epoch_chain_seal(&next, &ctx, key, &before, nonce, chain);
    take(&sealed, SAT_SPAN(chain), input);
    if (sealed.len != sizeof chain) return;
    check_key(sat_epoch_chain_open(sealed.at, &next, &ctx, &before, &kc, &out), &sealed, key, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sat_span input = sat_span(data, size);
    uint8_t what = fuzz_byte(&input);
    if (what % 4 == 0) check_change(&input);
    if (what % 4 == 1) check_draft(&input);
    if (what % 4 == 2) check_box(&input);
    if (what % 4 == 3) check_chain(&input);
    return 0;
}
